//! Why a question has no answer.

use alloc::string::String;
use core::{error::Error, fmt};
use mcp_proto::rpc::RpcError;

/// Why a question has no answer, to be passed on with `?`.
///
/// A handler may look at it, to do without what its client cannot give. What it returns for
/// [`Unanswered`](Self::Unanswered) does not matter.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AskError {
    /// It was not answered yet: this run of the handler is over, and the next one will find the
    /// answer.
    Unanswered,
    /// The client has not declared what it would have to; the error names the capability, and is
    /// answered as -32021 from 2026-07-28 on.
    Undeclared(RpcError),
    /// The client has answered with an error.
    Refused(RpcError),
    /// The type of the answer is no form that could be shown.
    Form {
        /// The field that is at fault; empty where it is the type itself.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two questions have this key.
    Key(String),
    /// What [`Cx::once`](crate::Cx::once) has done cannot be remembered, or not be read again.
    Once {
        /// Its key.
        key: String,
        /// What is wrong with its result.
        problem: String,
    },
}

impl AskError {
    /// The one that an error is, or was caused by.
    pub(crate) fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut error = Some(error);
        while let Some(this) = error {
            if let Some(found) = this.downcast_ref() {
                return Some(found);
            }
            error = this.source();
        }
        None
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswered => f.write_str("a question is not answered yet"),
            Self::Undeclared(error) => f.write_str(&error.message),
            Self::Refused(error) => {
                write!(f, "the client has refused a question: {}", error.message)
            }
            Self::Form { field, problem } if field.is_empty() => {
                write!(f, "the answer's type is no form: {problem}")
            }
            Self::Form { field, problem } => {
                write!(f, "the field `{field}` cannot be part of a form: {problem}")
            }
            Self::Once { key, problem } => {
                write!(f, "the result of `{key}` cannot be remembered: {problem}")
            }
            Self::Key(key) => write!(f, "two questions have the key `{key}`"),
        }
    }
}

impl Error for AskError {}
