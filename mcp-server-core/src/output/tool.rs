//! What a tool's return value becomes.

use alloc::{
    borrow::Cow, boxed::Box, collections::BTreeMap, string::String, sync::Arc, vec, vec::Vec,
};
use mcp_proto::{
    encode,
    json::Json as JsonText,
    types::{
        AudioContent, CallToolResult, ContentBlock, EmbeddedResource, ImageContent,
        ResourceContents, ResourceLink, TextContent,
    },
};
use serde::Serialize;

use super::{Audio, Image, IntoContent, Json};
use crate::{
    error::ToolError,
    schema::{SchemaGenerator, ToSchema, nullable},
};

/// A value that a tool may return; see the [table](crate::output).
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    label = "this is no tool result",
    note = "return text, a number, `Json<T>` for a `T: Serialize + JsonSchema`, content such as `Image` or \
            `Vec<ContentBlock>`, or a `Result` of one of them with an error that converts to `ToolError`"
)]
pub trait IntoToolResult: Sized {
    /// Whether results have structured content, so that nothing at all is told as `null` there.
    const STRUCTURED: bool = false;

    /// The schema of the structured content, where the type has some.
    fn output_schema() -> Option<JsonText> {
        None
    }

    /// The result to send.
    ///
    /// # Errors
    /// What the handler failed with, or that a value cannot be serialized.
    fn into_tool_result(self) -> Result<CallToolResult, ToolError>;
}

impl IntoToolResult for CallToolResult {
    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        Ok(self)
    }
}

impl IntoToolResult for () {
    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        Ok(CallToolResult::default())
    }
}

impl<T: IntoToolResult, E: Into<ToolError>> IntoToolResult for Result<T, E> {
    const STRUCTURED: bool = T::STRUCTURED;

    fn output_schema() -> Option<JsonText> {
        T::output_schema()
    }

    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        self.map_err(Into::into)?.into_tool_result()
    }
}

impl<T: Serialize + ToSchema> IntoToolResult for Json<T> {
    const STRUCTURED: bool = true;

    fn output_schema() -> Option<JsonText> {
        Some(schema_of::<T>())
    }

    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        structured(Vec::new(), &self.0)
    }
}

/// Content for people beside the value for programs.
impl<C: IntoContent, T: Serialize + ToSchema> IntoToolResult for (C, Json<T>) {
    const STRUCTURED: bool = true;

    fn output_schema() -> Option<JsonText> {
        Some(schema_of::<T>())
    }

    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        let mut content = Vec::new();
        self.0.add_to(&mut content);
        structured(content, &self.1.0)
    }
}

impl IntoToolResult for JsonText {
    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        if self.is_object() {
            let mut result = CallToolResult::default();
            result.structured_content = Some(self);
            return Ok(result);
        }
        Ok(CallToolResult::new(vec![ContentBlock::text(
            self.into_string(),
        )]))
    }
}

impl IntoToolResult for serde_json::Value {
    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        JsonText::from(self).into_tool_result()
    }
}

fn schema_of<T: ToSchema + ?Sized>() -> JsonText {
    SchemaGenerator::new().root::<T>()
}

fn structured<T: Serialize + ?Sized>(
    content: Vec<ContentBlock>,
    value: &T,
) -> Result<CallToolResult, ToolError> {
    let mut result = CallToolResult::new(content);
    result.structured_content = Some(JsonText::new(value)?);
    Ok(result)
}

macro_rules! contents {
    ($($ty:ty),*) => {$(
        impl IntoToolResult for $ty {
            fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
                let mut content = Vec::with_capacity(1);
                self.add_to(&mut content);
                Ok(CallToolResult::new(content))
            }
        }
    )*};
}
contents!(
    &str,
    String,
    Cow<'_, str>,
    Box<str>,
    Arc<str>,
    Image,
    Audio,
    ContentBlock,
    TextContent,
    ImageContent,
    AudioContent,
    EmbeddedResource,
    ResourceLink,
    ResourceContents
);

macro_rules! scalars {
    ($($ty:ty),*) => {$(
        impl IntoToolResult for $ty {
            const STRUCTURED: bool = true;

            fn output_schema() -> Option<JsonText> {
                Some(schema_of::<Self>())
            }

            fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
                structured(Vec::new(), &self)
            }
        }
    )*};
}
scalars!(bool, u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);

macro_rules! floats {
    ($($ty:ty),*) => {$(
        /// A whole number is written without a fraction, so that whoever wants an integer can
        /// read it.
        impl IntoToolResult for $ty {
            const STRUCTURED: bool = true;

            fn output_schema() -> Option<JsonText> {
                Some(schema_of::<Self>())
            }

            fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
                let mut number = Vec::with_capacity(24);
                encode::write_f64(&mut number, f64::from(self));
                let number = String::from_utf8(number)?;
                Ok(CallToolResult::structured(JsonText::parse(number)?))
            }
        }
    )*};
}
floats!(f32, f64);

/// Nothing is `null` where the value would be structured content, and otherwise no content.
impl<T: IntoToolResult> IntoToolResult for Option<T> {
    const STRUCTURED: bool = T::STRUCTURED;

    fn output_schema() -> Option<JsonText> {
        T::output_schema().map(|schema| nullable(&schema))
    }

    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        match self {
            Some(value) => value.into_tool_result(),
            None if T::STRUCTURED => Ok(CallToolResult::structured(JsonText::null())),
            None => Ok(CallToolResult::default()),
        }
    }
}

impl<T> IntoToolResult for BTreeMap<String, T>
where
    BTreeMap<String, T>: Serialize + ToSchema,
{
    const STRUCTURED: bool = true;

    fn output_schema() -> Option<JsonText> {
        Some(schema_of::<Self>())
    }

    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        structured(Vec::new(), &self)
    }
}

/// What a tool may return several of: values make one JSON array, contents stay blocks.
///
/// For lists of your own types return `Json<Vec<T>>`.
#[diagnostic::on_unimplemented(
    message = "a tool cannot return a list of `{Self}`",
    note = "return `Json<Vec<{Self}>>` for a list of your own type, or a list of text, numbers or `ContentBlock`s"
)]
pub trait Item: Sized {
    /// Whether a list of these is structured content.
    const STRUCTURED: bool;

    /// The schema of a list of these.
    fn list_schema() -> Option<JsonText>;

    /// The result that holds `items`.
    ///
    /// # Errors
    /// Where an item cannot be serialized.
    fn list_result(items: Vec<Self>) -> Result<CallToolResult, ToolError>;
}

impl<T: Item> IntoToolResult for Vec<T> {
    const STRUCTURED: bool = T::STRUCTURED;

    fn output_schema() -> Option<JsonText> {
        T::list_schema()
    }

    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        T::list_result(self)
    }
}

impl<T: Item, const N: usize> IntoToolResult for [T; N] {
    const STRUCTURED: bool = T::STRUCTURED;

    fn output_schema() -> Option<JsonText> {
        T::list_schema()
    }

    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        T::list_result(self.into())
    }
}

macro_rules! value_items {
    ($($ty:ty),*) => {$(
        impl Item for $ty {
            const STRUCTURED: bool = true;

            fn list_schema() -> Option<JsonText> {
                Some(schema_of::<Vec<Self>>())
            }

            fn list_result(items: Vec<Self>) -> Result<CallToolResult, ToolError> {
                structured(Vec::new(), &items)
            }
        }
    )*};
}
value_items!(
    String, bool, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64
);

impl Item for &str {
    const STRUCTURED: bool = true;

    fn list_schema() -> Option<JsonText> {
        Some(schema_of::<Vec<String>>())
    }

    fn list_result(items: Vec<Self>) -> Result<CallToolResult, ToolError> {
        structured(Vec::new(), &items)
    }
}

macro_rules! content_items {
    ($($ty:ty),*) => {$(
        impl Item for $ty {
            const STRUCTURED: bool = false;

            fn list_schema() -> Option<JsonText> {
                None
            }

            fn list_result(items: Vec<Self>) -> Result<CallToolResult, ToolError> {
                let mut content = Vec::with_capacity(items.len());
                items.add_to(&mut content);
                Ok(CallToolResult::new(content))
            }
        }
    )*};
}
content_items!(
    ContentBlock,
    Image,
    Audio,
    TextContent,
    ImageContent,
    AudioContent,
    EmbeddedResource,
    ResourceLink,
    ResourceContents
);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use mcp_proto::{encode::Encode, version::ProtocolVersion};

    /// The result as the newest revision writes it, and the schema.
    fn told<T: IntoToolResult>(value: T) -> (String, Option<String>) {
        let schema = T::output_schema().map(|schema| schema.as_str().to_string());
        let mut out = Vec::new();
        value
            .into_tool_result()
            .unwrap()
            .encode(&mut out, ProtocolVersion::LATEST);
        let text = String::from_utf8(out).unwrap();
        (text.replace(r#""resultType":"complete","#, ""), schema)
    }

    #[test]
    fn the_table_of_results() {
        let text = r#"{"content":[{"type":"text","text":"hi"}]}"#;
        let png = r#"{"type":"image","data":"AQID","mimeType":"image/png"}"#;
        let list = r#"{"content":[{"type":"text","text":"[1,2]"}],"structuredContent":[1,2]}"#;
        let cases: Vec<((String, Option<String>), String, bool)> = vec![
            (told(()), r#"{"content":[]}"#.into(), false),
            (told("hi"), text.into(), false),
            (told(Some("hi")), text.into(), false),
            (told(None::<&str>), r#"{"content":[]}"#.into(), false),
            (told(String::from("hi")), text.into(), false),
            (told(ContentBlock::text("hi")), text.into(), false),
            (told(vec![ContentBlock::text("hi")]), text.into(), false),
            (
                told(CallToolResult::new(vec!["hi".into()])),
                text.into(),
                false,
            ),
            (
                told(3.0),
                r#"{"content":[{"type":"text","text":"3"}],"structuredContent":3}"#.into(),
                true,
            ),
            (
                told(true),
                r#"{"content":[{"type":"text","text":"true"}],"structuredContent":true}"#.into(),
                true,
            ),
            (
                told(None::<u32>),
                r#"{"content":[{"type":"text","text":"null"}],"structuredContent":null}"#.into(),
                true,
            ),
            (told(vec![1, 2]), list.into(), true),
            (told([1, 2]), list.into(), true),
            (told(Json([1, 2])), list.into(), true),
            (
                told(Image::png([1, 2, 3])),
                [r#"{"content":["#, png, "]}"].concat(),
                false,
            ),
            (
                told([Image::png([1, 2, 3])]),
                [r#"{"content":["#, png, "]}"].concat(),
                false,
            ),
            (
                told((Image::png([1, 2, 3]), Json(7))),
                [r#"{"content":["#, png, r#"],"structuredContent":7}"#].concat(),
                true,
            ),
            (
                told(serde_json::json!({"a": 1})),
                r#"{"content":[{"type":"text","text":"{\"a\":1}"}],"structuredContent":{"a":1}}"#
                    .into(),
                false,
            ),
            (
                told(serde_json::json!([1])),
                r#"{"content":[{"type":"text","text":"[1]"}]}"#.into(),
                false,
            ),
            (told(Ok::<_, ToolError>("hi")), text.into(), false),
        ];
        for ((result, schema), expected, has_schema) in cases {
            assert_eq!(result, expected);
            assert_eq!(schema.is_some(), has_schema, "{result}");
        }
    }

    #[test]
    fn what_serde_cannot_serialize_is_an_internal_error() {
        let value = BTreeMap::from([([1, 2], 3)]);
        assert!(structured(Vec::new(), &value).unwrap_err().is_internal());
    }
}
