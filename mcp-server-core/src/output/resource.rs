//! What reading a resource returns.

use alloc::{borrow::Cow, boxed::Box, string::String, sync::Arc, vec, vec::Vec};
use mcp_proto::{
    json::Json as JsonText,
    types::{ReadResourceResult, ResourceContents},
};
use serde::Serialize;

use super::Json;
use crate::error::ToolError;

/// What is being read, for values that do not say it themselves.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ResourceTarget<'a> {
    /// The URI that was asked for.
    pub uri: &'a str,
    /// The type that the resource or template was declared with.
    pub mime_type: Option<&'a str>,
}

impl<'a> ResourceTarget<'a> {
    /// That URI, of that declared type.
    #[must_use]
    pub fn new(uri: &'a str, mime_type: Option<&'a str>) -> Self {
        Self { uri, mime_type }
    }

    fn finish(self, mut contents: ResourceContents, otherwise: Option<&str>) -> ReadResourceResult {
        if contents.uri.is_empty() {
            contents.uri = self.uri.into();
        }
        if contents.mime_type.is_none() {
            contents.mime_type = self.mime_type.or(otherwise).map(Into::into);
        }
        ReadResourceResult::new(vec![contents])
    }
}

/// A value that a resource may consist of.
///
/// | a resource returns | contents |
/// |---|---|
/// | text | text, `text/plain` unless declared otherwise |
/// | `Vec<u8>`, `&[u8]`, `Cow<[u8]>` | bytes in base64, `application/octet-stream` unless declared |
/// | [`Json<T>`], `serde_json::Value` | its JSON as text, `application/json` unless declared |
/// | `ResourceContents`, a `Vec` or array of them | as they are; an empty URI and an absent type are filled in |
/// | `ReadResourceResult` | as it is |
/// | `Option<T>` | `None` says that there is no such resource |
/// | `Result<T, E>` | as `T` says, or an error |
#[diagnostic::on_unimplemented(
    message = "a resource cannot return `{Self}`",
    label = "these are no contents of a resource",
    note = "return text, bytes, `Json<T>` for a `T: Serialize`, `ResourceContents`, or an `Option` or `Result` of one \
            of them"
)]
pub trait IntoResourceResult: Sized {
    /// The result to send.
    ///
    /// # Errors
    /// What the handler failed with, or that a value cannot be serialized.
    fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError>;
}

impl IntoResourceResult for ReadResourceResult {
    fn into_resource_result(self, _: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
        Ok(self)
    }
}

impl IntoResourceResult for ResourceContents {
    fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
        Ok(of.finish(self, None))
    }
}

impl IntoResourceResult for Vec<ResourceContents> {
    fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
        let parts = self
            .into_iter()
            .flat_map(|part| of.finish(part, None).contents);
        Ok(ReadResourceResult::new(parts.collect()))
    }
}

impl<const N: usize> IntoResourceResult for [ResourceContents; N] {
    fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
        Vec::from(self).into_resource_result(of)
    }
}

macro_rules! texts {
    ($($ty:ty),*) => {$(
        impl IntoResourceResult for $ty {
            fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
                Ok(of.finish(ResourceContents::text(of.uri, self), Some("text/plain")))
            }
        }
    )*};
}
texts!(&str, String, Cow<'_, str>, Box<str>);

impl IntoResourceResult for Arc<str> {
    fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
        (&*self).into_resource_result(of)
    }
}

macro_rules! blobs {
    ($($ty:ty),*) => {$(
        impl IntoResourceResult for $ty {
            fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
                Ok(of.finish(ResourceContents::bytes(of.uri, &self), Some("application/octet-stream")))
            }
        }
    )*};
}
blobs!(&[u8], Vec<u8>, Cow<'_, [u8]>, Box<[u8]>, Arc<[u8]>);

impl IntoResourceResult for JsonText {
    fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
        let contents = ResourceContents::text(of.uri, self.into_string());
        Ok(of.finish(contents, Some("application/json")))
    }
}

impl<T: Serialize> IntoResourceResult for Json<T> {
    fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
        JsonText::new(&self.0)?.into_resource_result(of)
    }
}

impl IntoResourceResult for serde_json::Value {
    fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
        JsonText::from(self).into_resource_result(of)
    }
}

impl<T: IntoResourceResult> IntoResourceResult for Option<T> {
    fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
        self.ok_or_else(ToolError::not_found)?
            .into_resource_result(of)
    }
}

impl<T: IntoResourceResult, E: Into<ToolError>> IntoResourceResult for Result<T, E> {
    fn into_resource_result(self, of: ResourceTarget<'_>) -> Result<ReadResourceResult, ToolError> {
        self.map_err(Into::into)?.into_resource_result(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use mcp_proto::{encode::Encode, version::ProtocolVersion};

    fn told(value: impl IntoResourceResult, mime_type: Option<&str>) -> String {
        let of = ResourceTarget::new("x://1", mime_type);
        let mut out = Vec::new();
        value
            .into_resource_result(of)
            .unwrap()
            .encode(&mut out, ProtocolVersion::LATEST_HANDSHAKE);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_table_of_contents() {
        let cases = [
            (told("hi", None), r#""mimeType":"text/plain","text":"hi""#),
            (
                told("# hi", Some("text/markdown")),
                r##""mimeType":"text/markdown","text":"# hi""##,
            ),
            (
                told(vec![1u8, 2, 3], None),
                r#""mimeType":"application/octet-stream","blob":"AQID""#,
            ),
            (
                told(&[1u8, 2, 3][..], Some("image/png")),
                r#""mimeType":"image/png","blob":"AQID""#,
            ),
            (
                told(Json([1]), None),
                r#""mimeType":"application/json","text":"[1]""#,
            ),
            (
                told(Json([1]), Some("a/b")),
                r#""mimeType":"a/b","text":"[1]""#,
            ),
            (
                told(ResourceContents::text("", "hi"), None),
                r#""text":"hi""#,
            ),
            (
                told(Some("hi"), None),
                r#""mimeType":"text/plain","text":"hi""#,
            ),
        ];
        for (result, expected) in cases {
            assert_eq!(
                result,
                [r#"{"contents":[{"uri":"x://1","#, expected, "}]}"].concat()
            );
        }
        let parts = [
            ResourceContents::text("x://1/a", "a"),
            ResourceContents::text("", "b").with_mime_type("c/d"),
        ];
        assert_eq!(
            told(parts, Some("e/f")),
            r#"{"contents":[{"uri":"x://1/a","mimeType":"e/f","text":"a"},{"uri":"x://1","mimeType":"c/d","text":"b"}]}"#
        );
    }

    #[test]
    fn nothing_is_not_found() {
        let of = ResourceTarget::new("x://1", None);
        assert!(matches!(
            None::<&str>.into_resource_result(of).unwrap_err().0,
            Kind::NotFound
        ));
    }

    #[test]
    fn contents_are_the_same_whoever_owns_them() {
        let text = told("hi", None);
        let texts = [
            told(String::from("hi"), None),
            told(Cow::Borrowed("hi"), None),
            told(Box::<str>::from("hi"), None),
            told(Arc::<str>::from("hi"), None),
            told(Ok::<_, ToolError>("hi"), None),
        ];
        assert!(texts.iter().all(|told| *told == text), "{texts:?}");
        let blob = told(&[1_u8, 2, 3][..], None);
        let blobs = [
            told(Cow::Borrowed(&[1_u8, 2, 3][..]), None),
            told(Box::<[u8]>::from([1, 2, 3]), None),
            told(Arc::<[u8]>::from([1, 2, 3]), None),
        ];
        assert!(blobs.iter().all(|told| *told == blob), "{blobs:?}");
        let json = told(Json([1]), None);
        assert_eq!(told(serde_json::json!([1]), None), json);
        assert_eq!(told(JsonText::new(&[1]).unwrap(), None), json);
        let whole = ReadResourceResult::new(vec![ResourceContents::text("x://2", "hi")]);
        // As it is, whatever was asked for.
        assert_eq!(
            told(whole, Some("a/b")),
            r#"{"contents":[{"uri":"x://2","text":"hi"}]}"#
        );
    }

    #[test]
    fn what_fails_or_is_no_json_says_so() {
        let of = ResourceTarget::new("x://1", None);
        let failed = Err::<&str, _>(ToolError::new("not today")).into_resource_result(of);
        assert!(matches!(failed.unwrap_err().0, Kind::Visible(_)));
        let no_json = Json(alloc::collections::BTreeMap::from([([1, 2], 3)]));
        assert!(no_json.into_resource_result(of).unwrap_err().is_internal());
    }
}
