//! What handlers fail with, and what is wrong with a server that cannot be built.

use alloc::{borrow::Cow, boxed::Box, format, string::String, vec, vec::Vec};
use core::{error::Error, fmt};
use mcp_proto::{
    encode::Object,
    json::Json,
    rpc::{RpcError, codes},
    types::{CallToolResult, ContentBlock},
    version::ProtocolVersion,
};

/// How a handler fails: with words that the model may read, or with an error that it may not.
///
/// [`ToolError::new`] is shown as it is. Any error that `?` converts is *internal*: its text may
/// hold paths, queries or secrets, so the client is told only which component failed, unless the
/// server [exposes errors](crate::ServerBuilder::expose_errors). The cause is not lost: it goes to
/// the [error hook](crate::ServerBuilder::on_error).
///
/// Resources and prompts use it as well.
///
/// ```
/// use mcp_server_core::ToolError;
///
/// fn population(city: &str) -> Result<u32, ToolError> {
///     let figure = match city {
///         "Ghent" => "270473",
///         _ => return Err(ToolError::new(format!("no figures for {city}"))),
///     };
///     Ok(figure.parse::<u32>()?) // would be internal
/// }
///
/// assert_eq!(population("Ghent").unwrap(), 270473);
/// assert_eq!(population("Atlantis").unwrap_err().to_string(), "no figures for Atlantis");
/// ```
///
/// Like other errors that take anything in by `?`, this type does not implement
/// [`Error`](core::error::Error) itself.
#[derive(Debug)]
pub struct ToolError(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Visible(CallToolResult),
    Internal(Box<dyn Error + Send + Sync>),
    Protocol(RpcError),
    NotFound,
}

impl ToolError {
    /// An error that the model reads and may act on.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self::result(CallToolResult::new(vec![ContentBlock::text(message)]))
    }

    /// An error with content of its own; it is marked as an error whatever `result` says.
    #[must_use]
    pub fn result(mut result: CallToolResult) -> Self {
        result.is_error = Some(true);
        Self(Kind::Visible(result))
    }

    /// An error that only the server's operator may read.
    #[must_use]
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Kind::Internal(error.into()))
    }

    /// An error of the protocol instead of a result: the client's program sees it, the model
    /// possibly not.
    #[must_use]
    pub fn protocol(error: RpcError) -> Self {
        Self(Kind::Protocol(error))
    }

    /// -32602: what the client's program asked for makes no sense.
    #[must_use]
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::protocol(RpcError::invalid_params(message))
    }

    /// The resource that was asked for does not exist: answered exactly as a URI that no
    /// resource has. From a tool or prompt it is an internal error.
    #[must_use]
    pub fn not_found() -> Self {
        Self(Kind::NotFound)
    }

    /// Whether only the operator may read it.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(self.0, Kind::Internal(_))
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Visible(result) => f.write_str(&text_of(result)),
            Kind::Internal(error) => error.fmt(f),
            Kind::Protocol(error) => f.write_str(&error.message),
            Kind::NotFound => f.write_str("not found"),
        }
    }
}

/// An error without more said about it is the operator's business.
impl<E: Error + Send + Sync + 'static> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self::internal(error)
    }
}

/// The text blocks of a result, a line each.
pub(crate) fn text_of(result: &CallToolResult) -> Cow<'_, str> {
    let mut texts = result.content.iter().filter_map(ContentBlock::as_text);
    let first = Cow::Borrowed(texts.next().unwrap_or("failed without a message"));
    texts.fold(first, |all, text| Cow::Owned(format!("{all}\n{text}")))
}

/// The error for a URI that no enabled resource or template has.
///
/// Its code is that of revisions until 2025-11-25; the session writes -32602 for later ones
/// (2026-07-28, server/resources, Error Handling).
#[must_use]
pub fn resource_not_found(uri: &str) -> RpcError {
    let error = RpcError::new(codes::RESOURCE_NOT_FOUND, "resource not found");
    let mut data = Vec::new();
    let mut object = Object::new(&mut data, ProtocolVersion::LATEST);
    object.field("uri", uri);
    object.end();
    match String::from_utf8(data).map(Json::parse) {
        Ok(Ok(data)) => error.with_data(data),
        // What the encoder writes is JSON.
        _ => error,
    }
}

/// An internal error on its way to the [error hook](crate::ServerBuilder::on_error).
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// What failed: `tool`, `resource`, `prompt`, `completion`, or `task store`.
    pub kind: &'static str,
    /// The component's name, or the resource's URI.
    pub name: &'a str,
    /// What went wrong.
    pub error: &'a (dyn Error + Send + Sync + 'static),
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`: {}", self.kind, self.name, self.error)
    }
}

/// Why a server cannot be built, or a component not be added. The text names the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A tool's or prompt's name is not one (2025-11-25, server/tools, Tool Names).
    Name {
        /// `tool` or `prompt`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// Two components of one kind have the same name, URI or template.
    Duplicate {
        /// `tool`, `resource`, `resource template` or `prompt`.
        kind: &'static str,
        /// The name, URI or template.
        name: String,
    },
    /// A component was registered without a function to run.
    NoHandler {
        /// As above.
        kind: &'static str,
        /// As above.
        name: String,
    },
    /// A tool's input schema is not an object's, or an output schema is no JSON object.
    Schema {
        /// The tool.
        tool: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A URI template cannot be parsed.
    Template {
        /// The template.
        template: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A resource's URI has no scheme, or is a template where none is meant.
    Uri {
        /// The URI.
        uri: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A handler's variables and its template's do not agree, or a completion is for an argument
    /// that does not exist.
    Variable {
        /// `resource template` or `prompt`.
        kind: &'static str,
        /// The template's text, or the prompt's name.
        name: String,
        /// The variable or argument.
        variable: String,
    },
    /// A tool that runs only as a task, on a server that has nothing to run tasks with.
    NoTasks {
        /// The tool.
        tool: String,
    },
    /// An extension is not sound, or in the way of another one.
    Extension {
        /// Its identifier.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Another reason, said in full.
    Other(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { kind: "tool", name } => write!(
                f,
                "`{name}` cannot be the name of a tool: use 1 to 128 of the characters A-Z a-z 0-9 _ . -"
            ),
            Self::Name { kind, name } => write!(
                f,
                "`{name}` cannot be the name of a {kind}: use at least one character, and no control characters"
            ),
            Self::Duplicate { kind, name } => write!(
                f,
                "there are two {kind}s `{name}`: rename one, or choose with `on_duplicate(Duplicates::Replace)` \
                 or `on_duplicate(Duplicates::KeepFirst)` which of them stays"
            ),
            Self::NoHandler { kind, name } => write!(
                f,
                "the {kind} `{name}` has no function to run: finish its entry with `typed`, `run` or one of \
                 their kind"
            ),
            Self::Schema { tool, problem } => {
                write!(f, "the tool `{tool}` has a wrong schema: {problem}")
            }
            Self::Template { template, problem } => {
                write!(f, "`{template}` is no URI template: {problem}")
            }
            Self::Uri { uri, problem } => {
                write!(f, "`{uri}` cannot be a resource's URI: {problem}")
            }
            Self::Variable {
                kind,
                name,
                variable,
            } => {
                write!(
                    f,
                    "the {kind} `{name}` has no `{variable}`: correct one of the two names"
                )
            }
            Self::NoTasks { tool } => write!(
                f,
                "the tool `{tool}` runs only as a task, and the server runs none: add `.tasks(Tasks::new())`, \
                 or make it `task = \"optional\"`"
            ),
            Self::Extension { id, problem } => {
                write!(f, "the extension `{id}` cannot be added: {problem}")
            }
            Self::Other(problem) => f.write_str(problem),
        }
    }
}

impl Error for BuildError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_the_question_mark_converts_is_internal() {
        let error: ToolError = "x".parse::<u32>().unwrap_err().into();
        assert!(error.is_internal());
        assert!(!ToolError::new("no such city").is_internal());
        assert!(!ToolError::not_found().is_internal());
        assert!(ToolError::internal("a mere text").is_internal());
    }

    #[test]
    fn an_error_result_is_marked_as_one() {
        let result = CallToolResult::new(vec!["a".into(), "b".into()]);
        let error = ToolError::result(result);
        assert_eq!(error.to_string(), "a\nb");
        assert!(matches!(error.0, Kind::Visible(result) if result.failed()));
    }

    #[test]
    fn a_missing_resource_is_named_in_the_data() {
        let error = resource_not_found("file:///a\"b");
        assert_eq!(error.code, -32002);
        assert_eq!(error.data.unwrap().as_str(), r#"{"uri":"file:///a\"b"}"#);
    }
}
