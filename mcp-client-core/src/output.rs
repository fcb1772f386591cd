//! What a tool gave back, and how to read it.

use alloc::{borrow::Cow, boxed::Box, string::String};
use core::{fmt, ops::Deref};

use mcp_proto::{
    json::Json,
    types::{CallToolResult, ContentBlock, Map, Tool},
};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IntoDeserializer, value::StrDeserializer},
};
use serde_json::value::RawValue;

/// The result of a tool call: a [`CallToolResult`] with ways to read it.
///
/// ```
/// use mcp_client_core::{ToolOutput, mcp_proto::{json::Json, types::CallToolResult}};
///
/// let sum = ToolOutput::from(CallToolResult::structured(Json::parse(r#"{"result":3}"#).unwrap()));
/// assert_eq!(sum.structured::<f64>().unwrap(), 3.0);
/// let text = ToolOutput::from(CallToolResult::text("[1,2]"));
/// assert_eq!((text.text(), text.structured::<Vec<u8>>().unwrap()), ("[1,2]".into(), vec![1, 2]));
/// let failed = ToolOutput::from(CallToolResult::error("no such file"));
/// assert_eq!(failed.structured::<f64>().unwrap_err().to_string(), "the tool failed: no such file");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ToolOutput {
    result: CallToolResult,
}

/// A tool has failed, and says how; a model may make use of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolFailure {
    /// Everything that the tool gave back.
    pub result: Box<CallToolResult>,
}

/// Why a tool's result cannot be had as the type that was asked for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OutputError {
    /// The tool has failed.
    Failed(ToolFailure),
    /// There is neither structured content nor text.
    Missing,
    /// It is something else; this says what was expected.
    Mismatch(String),
}

impl ToolOutput {
    /// The text of all blocks of text, each on a line of its own.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        text_of(&self.result)
    }

    /// The result as a `T`: from the structured content, or from the text where there is none.
    ///
    /// Where revisions demand an object, servers wrap other values as `{"result": value}`. Such a
    /// wrapper is removed wherever a `T` can be read from the value within, so that a tool gives the
    /// same in every revision. [`structured_for`](Self::structured_for) goes by the tool's output
    /// schema instead.
    ///
    /// # Errors
    /// Where the tool has failed, or its result is no `T`.
    pub fn structured<T: DeserializeOwned>(&self) -> Result<T, OutputError> {
        self.read(true)
    }

    /// The result as a `T`, where a lone `result` is taken for a wrapper only if the tool's output
    /// schema says that there is one, or there is no such schema.
    ///
    /// This makes a difference for a `T` that can be read from both, such as
    /// [`serde_json::Value`].
    ///
    /// # Errors
    /// Where the tool has failed, or its result is no `T`.
    pub fn structured_for<T: DeserializeOwned>(&self, tool: &Tool) -> Result<T, OutputError> {
        let schema = tool.output_schema.as_ref();
        self.read(schema.is_none_or(|schema| is_wrapper(schema.json())))
    }

    /// The result, or the failure that the tool reports.
    ///
    /// # Errors
    /// Where the tool has failed.
    pub fn into_result(self) -> Result<CallToolResult, ToolFailure> {
        if self.failed() {
            Err(ToolFailure {
                result: Box::new(self.result),
            })
        } else {
            Ok(self.result)
        }
    }

    /// The result as it came, failed or not.
    #[must_use]
    pub fn into_inner(self) -> CallToolResult {
        self.result
    }

    fn read<T: DeserializeOwned>(&self, wrapped: bool) -> Result<T, OutputError> {
        if self.failed() {
            return Err(OutputError::Failed(ToolFailure {
                result: Box::new(self.result.clone()),
            }));
        }
        let Some(structured) = &self.structured_content else {
            return self.read_text();
        };
        if let Some(inner) = unwrapped(structured.as_str()).filter(|_| wrapped) {
            if let Ok(value) = serde_json::from_str(inner.get()) {
                return Ok(value);
            }
        }
        structured
            .to()
            .map_err(|error| OutputError::Mismatch(alloc::format!("{error}")))
    }

    fn read_text<T: DeserializeOwned>(&self) -> Result<T, OutputError> {
        if !self.content.iter().any(|block| block.as_text().is_some()) {
            return Err(OutputError::Missing);
        }
        let text = self.text();
        serde_json::from_str(&text).or_else(|error| {
            // A `T` may also be what any text is: a `String`, or the name of a variant.
            let plain: StrDeserializer<'_, serde_json::Error> = (*text).into_deserializer();
            T::deserialize(plain).map_err(|_| OutputError::Mismatch(alloc::format!("{error}")))
        })
    }
}

fn text_of(result: &CallToolResult) -> Cow<'_, str> {
    let mut texts = result.content.iter().filter_map(ContentBlock::as_text);
    let Some(first) = texts.next() else {
        return Cow::Borrowed("");
    };
    let mut all = Cow::Borrowed(first);
    for text in texts {
        let all = all.to_mut();
        all.push('\n');
        all.push_str(text);
    }
    all
}

/// The value of an object whose only member is `result`.
fn unwrapped(object: &str) -> Option<&RawValue> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wrapper<'a> {
        #[serde(borrow)]
        result: &'a RawValue,
    }
    // Most results have no wrapper; to see that costs nothing.
    object
        .strip_prefix('{')?
        .trim_start()
        .strip_prefix("\"result\"")?;
    serde_json::from_str::<Wrapper<'_>>(object)
        .ok()
        .map(|wrapper| wrapper.result)
}

/// Whether a schema has nothing but a required `result`.
fn is_wrapper(schema: &Json) -> bool {
    #[derive(Deserialize)]
    struct Schema {
        #[serde(default)]
        properties: Map<Json>,
        #[serde(default)]
        required: alloc::vec::Vec<String>,
    }
    schema.to::<Schema>().is_ok_and(|schema| {
        schema.properties.len() == 1
            && schema.properties.get("result").is_some()
            && schema.required == ["result"]
    })
}

impl From<CallToolResult> for ToolOutput {
    fn from(result: CallToolResult) -> Self {
        Self { result }
    }
}

impl Deref for ToolOutput {
    type Target = CallToolResult;

    fn deref(&self) -> &CallToolResult {
        &self.result
    }
}

impl ToolFailure {
    /// What the tool says about it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        text_of(&self.result)
    }
}

impl fmt::Display for ToolFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the tool failed: {}", self.text())
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::Missing => f.write_str("the tool gave neither structured content nor text"),
            Self::Mismatch(reason) => write!(f, "the tool's result is something else: {reason}"),
        }
    }
}

impl core::error::Error for ToolFailure {}
impl core::error::Error for OutputError {}

impl From<ToolFailure> for OutputError {
    fn from(failure: ToolFailure) -> Self {
        Self::Failed(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec};
    use mcp_proto::types::OutputSchema;
    use serde_json::{Value, json};

    fn structured(text: &str) -> ToolOutput {
        CallToolResult::structured(Json::parse(text).unwrap()).into()
    }

    #[test]
    fn a_wrapper_is_removed_where_the_type_or_the_schema_says_so() {
        #[derive(Deserialize, Debug, PartialEq)]
        struct Own {
            result: f64,
        }
        for wrapped in [r#"{"result":3}"#, r#"{ "result" : 3 }"#] {
            let wrapped = structured(wrapped);
            assert_eq!(wrapped.structured::<f64>(), Ok(3.0));
            assert_eq!(wrapped.structured::<Own>(), Ok(Own { result: 3.0 }));
            assert_eq!(wrapped.structured::<Value>(), Ok(json!(3)));
            let tool = |schema: &str| {
                Tool::new("t", Json::empty_object())
                    .with_output_schema(OutputSchema::new(Json::parse(schema).unwrap()))
            };
            let wrapper =
                tool(r#"{"type":"object","properties":{"result":{}},"required":["result"]}"#);
            assert_eq!(wrapped.structured_for::<Value>(&wrapper), Ok(json!(3)));
            let other = tool(r#"{"type":"object","properties":{"result":{}}}"#);
            assert_eq!(
                wrapped.structured_for::<Value>(&other),
                Ok(json!({"result": 3}))
            );
            let none = Tool::new("t", Json::empty_object());
            assert_eq!(wrapped.structured_for::<Value>(&none), Ok(json!(3)));
        }
        let other = structured(r#"{"result":3,"more":1}"#);
        assert_eq!(
            other.structured::<Value>(),
            Ok(json!({"result": 3, "more": 1}))
        );
        let error = other.structured::<f64>().unwrap_err().to_string();
        assert!(error.contains("expected f64"), "{error}");
    }

    #[test]
    fn text_stands_in_for_structured_content() {
        let text = |text: &str| ToolOutput::from(CallToolResult::text(text));
        assert_eq!(text("42").structured::<u8>(), Ok(42));
        assert_eq!(text("42").structured::<String>(), Ok("42".into()));
        assert_eq!(text("\"a\"").structured::<String>(), Ok("a".into()));
        assert!(matches!(
            text("hello").structured::<u8>(),
            Err(OutputError::Mismatch(_))
        ));
        let empty = ToolOutput::from(CallToolResult::default());
        assert_eq!(empty.structured::<String>(), Err(OutputError::Missing));
        let lines = CallToolResult::new(vec![
            ContentBlock::text("a"),
            ContentBlock::image("", "image/png"),
            ContentBlock::text("b"),
        ]);
        assert_eq!(ToolOutput::from(lines).text(), "a\nb");
    }

    #[test]
    fn a_failure_is_told_from_a_result() {
        let failed = ToolOutput::from(CallToolResult::error("no"));
        assert!(matches!(
            failed.structured::<Value>(),
            Err(OutputError::Failed(_))
        ));
        assert_eq!(
            failed.into_result().unwrap_err().to_string(),
            "the tool failed: no"
        );
        assert!(structured("1").into_result().is_ok());
    }
}
