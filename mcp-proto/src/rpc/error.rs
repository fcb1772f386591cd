//! JSON-RPC errors and the codes that MCP gives meaning to.

use alloc::{borrow::Cow, vec::Vec};
use core::fmt;
use serde::Deserialize;

use crate::{
    encode::{write_i64, write_str},
    json::Json,
};

/// The error codes of JSON-RPC and of every revision.
pub mod codes {
    /// The input is not JSON.
    pub const PARSE_ERROR: i32 = -32700;
    /// The JSON is no valid request.
    pub const INVALID_REQUEST: i32 = -32600;
    /// There is no such method, or it is not offered on this connection.
    pub const METHOD_NOT_FOUND: i32 = -32601;
    /// The parameters are wrong; also an unknown tool or prompt, and from 2026-07-28 on a resource.
    pub const INVALID_PARAMS: i32 = -32602;
    /// Something failed on our side.
    pub const INTERNAL_ERROR: i32 = -32603;
    /// Too much is asked at once: ours, in the range that the revisions leave to implementations.
    pub const BUSY: i32 = -32000;
    /// No such resource, until 2025-11-25.
    pub const RESOURCE_NOT_FOUND: i32 = -32002;
    /// The HTTP headers and the body disagree (2026-07-28).
    pub const HEADER_MISMATCH: i32 = -32020;
    /// The request needs a capability that its client did not declare (2026-07-28).
    pub const MISSING_CLIENT_CAPABILITY: i32 = -32021;
    /// The request's revision is not served (2026-07-28).
    pub const UNSUPPORTED_PROTOCOL_VERSION: i32 = -32022;
    /// The user must visit a URL first (2025-11-25 only).
    pub const URL_ELICITATION_REQUIRED: i32 = -32042;
}

/// The error of one request, as it travels in a response.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RpcError {
    /// What kind of error it is; see [`codes`].
    pub code: i32,
    /// What happened, in one sentence for a person or a model.
    #[serde(default)]
    pub message: Cow<'static, str>,
    /// Details in a form that depends on the code.
    #[serde(default)]
    pub data: Option<Json>,
}

impl RpcError {
    /// An error without details.
    #[must_use]
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// The same error with details.
    #[must_use]
    pub fn with_data(mut self, data: Json) -> Self {
        self.data = Some(data);
        self
    }

    /// -32602 with this message.
    #[must_use]
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(codes::INVALID_PARAMS, message)
    }

    /// -32600 with this message.
    #[must_use]
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(codes::INVALID_REQUEST, message)
    }

    /// -32603 with this message.
    #[must_use]
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(codes::INTERNAL_ERROR, message)
    }

    /// -32601 for `method`.
    #[must_use]
    pub fn method_not_found(method: &str) -> Self {
        Self::new(
            codes::METHOD_NOT_FOUND,
            alloc::format!("method not found: {method}"),
        )
    }

    /// Appends the error object's JSON form.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"code\":");
        write_i64(out, i64::from(self.code));
        out.extend_from_slice(b",\"message\":");
        write_str(out, &self.message);
        if let Some(data) = &self.data {
            out.extend_from_slice(b",\"data\":");
            data.write_to(out);
        }
        out.push(b'}');
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl core::error::Error for RpcError {}
