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

    const TEXT: &str = r#"{"content":[{"type":"text","text":"hi"}]}"#;

    #[test]
    fn text_is_one_block_whoever_owns_it() {
        let texts = [
            told(Cow::Borrowed("hi")),
            told(Box::<str>::from("hi")),
            told(Arc::<str>::from("hi")),
            told(TextContent::new("hi")),
            told(Some(TextContent::new("hi"))),
            told([TextContent::new("hi")]),
        ];
        for text in texts {
            assert_eq!(text, (TEXT.to_string(), None));
        }
    }

    #[test]
    fn each_kind_of_block_is_one_alone_and_in_a_list() {
        macro_rules! both {
            ($value:expr, $block:expr) => {{
                let expected = [r#"{"content":["#, $block, "]}"].concat();
                assert_eq!(told($value), (expected.clone(), None));
                assert_eq!(told(Vec::from([$value])), (expected, None));
                let two = [r#"{"content":["#, $block, ",", $block, "]}"].concat();
                assert_eq!(told([$value, $value]), (two, None));
            }};
        }
        let contents = || ResourceContents::text("x:a", "hi");
        let embedded = r#"{"type":"resource","resource":{"uri":"x:a","text":"hi"}}"#;
        both!(contents(), embedded);
        both!(EmbeddedResource::new(contents()), embedded);
        let link = r#"{"type":"resource_link","uri":"x:a","name":"a"}"#;
        both!(ResourceLink::new("x:a", "a"), link);
        let image = r#"{"type":"image","data":"AQID","mimeType":"image/x"}"#;
        both!(ImageContent::new("AQID", "image/x"), image);
        both!(Image::base64("AQID", "image/x"), image);
        let audio = r#"{"type":"audio","data":"AQID","mimeType":"audio/x"}"#;
        both!(AudioContent::new("AQID", "audio/x"), audio);
        both!(Audio::base64("AQID", "audio/x"), audio);
        // Before a value for programs: several blocks, or none.
        let seen = told((["a", "b"], Json(7))).0;
        let blocks = r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"#;
        assert_eq!(seen, [blocks, r#""structuredContent":7}"#].concat());
        let unseen = told(((), Json(7))).0;
        assert!(unseen.ends_with(r#""structuredContent":7}"#), "{unseen}");
    }

    #[test]
    fn media_are_of_the_type_that_their_constructor_says() {
        let bytes = [1, 2, 3];
        for (image, mime_type) in [
            (Image::png(bytes), "image/png"),
            (Image::jpeg(bytes), "image/jpeg"),
            (Image::webp(bytes), "image/webp"),
            (Image::gif(bytes), "image/gif"),
            (Image::svg(bytes), "image/svg+xml"),
        ] {
            assert_eq!(image, Image::new(bytes, mime_type));
            let block = ContentBlock::from(image);
            assert_eq!(block, ImageContent::new("AQID", mime_type).into());
        }
        for (audio, mime_type) in [
            (Audio::wav(bytes), "audio/wav"),
            (Audio::mp3(bytes), "audio/mpeg"),
            (Audio::ogg(bytes), "audio/ogg"),
        ] {
            assert_eq!(audio, Audio::new(bytes, mime_type));
            let block = ContentBlock::from(audio);
            assert_eq!(block, AudioContent::new("AQID", mime_type).into());
        }
    }

    #[cfg(feature = "schemars")]
    #[test]
    fn a_number_is_a_value_of_its_type_alone_and_in_a_list() {
        // The text, and the type in the schema.
        fn seen<T: IntoToolResult>(value: T) -> (String, String) {
            let (result, schema) = told(value);
            let (_, value) = result.split_once("\"structuredContent\":").unwrap();
            let schema: serde_json::Value = serde_json::from_str(&schema.unwrap()).unwrap();
            let of = match &schema["items"]["type"] {
                serde_json::Value::Null => &schema["type"],
                items => items,
            };
            let value = value.strip_suffix('}').unwrap();
            (value.into(), of.as_str().unwrap().into())
        }
        macro_rules! integers {
            ($($ty:ty),*) => {$({
                let number: $ty = 7;
                assert_eq!(seen(number), ("7".into(), "integer".into()));
                assert_eq!(seen(Json([number])), ("[7]".into(), "integer".into()));
            })*};
        }
        macro_rules! lists {
            ($($value:expr => $text:literal $ty:literal,)*) => {$(
                assert_eq!(seen([$value]), ($text.into(), $ty.into()));
                assert_eq!(seen(Vec::from([$value])), ($text.into(), $ty.into()));
            )*};
        }
        integers!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);
        assert_eq!(seen(2.5_f32), ("2.5".into(), "number".into()));
        assert_eq!(seen(4.0_f64), ("4".into(), "number".into()));
        lists! {
            7_u16 => "[7]" "integer", 7_u32 => "[7]" "integer", 7_u64 => "[7]" "integer",
            7_usize => "[7]" "integer", -7_i8 => "[-7]" "integer", -7_i16 => "[-7]" "integer",
            -7_i32 => "[-7]" "integer", -7_i64 => "[-7]" "integer", -7_isize => "[-7]" "integer",
            2.5_f32 => "[2.5]" "number", 2.5_f64 => "[2.5]" "number", true => "[true]" "boolean",
            "a" => "[\"a\"]" "string", String::from("a") => "[\"a\"]" "string",
        }
        let map = BTreeMap::from([(String::from("a"), 1)]);
        assert_eq!(seen(map), (r#"{"a":1}"#.into(), "object".into()));
    }
}
