//! From what a handler returned to what is sent: the one place where errors are masked.

use alloc::{format, string::ToString, sync::Arc};
use core::fmt;
use mcp_proto::{
    rpc::RpcError,
    types::{CallToolResult, Completion, GetPromptResult, ReadResourceResult},
};

use crate::{
    ask::AskError,
    call::Outcome,
    error::{Failure, Kind, ToolError, resource_not_found, text_of},
};

type ErrorHook = Arc<dyn Fn(&Failure<'_>) + Send + Sync>;

/// A server's settings that matter to its handlers.
#[derive(Clone, Default)]
pub(crate) struct Policy {
    pub(crate) expose_errors: bool,
    pub(crate) strict_arguments: bool,
    pub(crate) on_error: Option<ErrorHook>,
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("expose_errors", &self.expose_errors)
            .field("strict_arguments", &self.strict_arguments)
            .finish_non_exhaustive()
    }
}

impl Policy {
    pub(super) fn tool(&self, name: &str, result: Result<CallToolResult, ToolError>) -> Outcome {
        let error = match result {
            Ok(result) => return Outcome::Tool(result),
            Err(error) => told(error),
        };
        Outcome::Tool(match error.0 {
            Kind::Visible(result) => result,
            Kind::Protocol(error) => return Outcome::Fail(error),
            Kind::Internal(error) => CallToolResult::error(self.internal("tool", name, &*error)),
            Kind::NotFound => CallToolResult::error(self.internal("tool", name, &*not_found())),
        })
    }

    pub(super) fn prompt(&self, name: &str, result: Result<GetPromptResult, ToolError>) -> Outcome {
        result.map_or_else(
            |error| Outcome::Fail(self.rpc_error("prompt", name, error)),
            Outcome::Prompt,
        )
    }

    pub(super) fn resource(
        &self,
        uri: &str,
        result: Result<ReadResourceResult, ToolError>,
    ) -> Outcome {
        match result {
            Ok(result) => Outcome::Resource(result),
            Err(ToolError(Kind::NotFound)) => Outcome::Fail(resource_not_found(uri)),
            Err(error) => Outcome::Fail(self.rpc_error("resource", uri, error)),
        }
    }

    pub(super) fn completion(&self, name: &str, result: Result<Completion, ToolError>) -> Outcome {
        result.map_or_else(
            |error| Outcome::Fail(self.rpc_error("completion", name, error)),
            Outcome::Complete,
        )
    }

    /// Where a result has no place for an error, the protocol's errors carry it.
    fn rpc_error(&self, kind: &'static str, name: &str, error: ToolError) -> RpcError {
        match told(error).0 {
            Kind::Protocol(error) => error,
            Kind::Visible(result) => RpcError::internal(text_of(&result).into_owned()),
            Kind::Internal(error) => RpcError::internal(self.internal(kind, name, &*error)),
            Kind::NotFound => RpcError::internal(self.internal(kind, name, &*not_found())),
        }
    }

    /// Tells the operator, and says what the client may know.
    fn internal(
        &self,
        kind: &'static str,
        name: &str,
        error: &(dyn core::error::Error + Send + Sync + 'static),
    ) -> alloc::string::String {
        let failure = Failure { kind, name, error };
        if let Some(hook) = &self.on_error {
            hook(&failure);
        }
        if self.expose_errors {
            failure.to_string()
        } else {
            format!("internal error in {kind} `{name}`")
        }
    }
}

/// What a client may know of an error that came of a question: that it cannot be asked, or that it
/// has refused to answer.
fn told(error: ToolError) -> ToolError {
    let Kind::Internal(cause) = &error.0 else {
        return error;
    };
    match AskError::within(&**cause) {
        Some(AskError::Undeclared(error)) => ToolError::protocol(error.clone()),
        Some(refused @ AskError::Refused(_)) => ToolError::new(refused.to_string()),
        _ => error,
    }
}

fn not_found() -> alloc::boxed::Box<dyn core::error::Error + Send + Sync> {
    "it said that something was not found, which only a resource can".into()
}

/// For a handler that was given the work of another kind of component: a driver's mistake.
pub(super) fn wrong_work() -> Outcome {
    Outcome::Fail(RpcError::internal(
        "the handler belongs to another kind of component",
    ))
}
