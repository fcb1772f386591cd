//! What an exchange wants of whoever drives it, and is told.

use alloc::{string::String, sync::Arc};
use core::fmt;

use http::{HeaderValue, StatusCode};
use mcp_proto::rpc::CallId;

#[cfg(doc)]
use super::{Exchange, HttpOptions};
use crate::call::Call;

/// What an exchange wants from whoever drives it.
#[non_exhaustive]
pub enum HttpEvent<H> {
    /// Run this handler and bring its outcome to [`Exchange::finish`].
    Call(Call<H>),
    /// This call's outcome is no longer wanted; its token is set already. It is to be finished or
    /// abandoned all the same.
    Cancelled(CallId),
    /// Judge the request and say so to [`Exchange::handle_verdict`]: the bearer token, if it has
    /// one. Only where [`HttpOptions::authorize`] is on.
    Authorize(Option<String>),
    /// The request may belong to a session: hand the exchange to
    /// [`HttpServer::join`](super::HttpServer::join), which reads it. One that belongs to none goes
    /// on as if nothing had happened.
    Join,
    /// The client subscribes to changes: from now on they are to be handed to
    /// [`Exchange::handle_service`] and [`Exchange::handle_change`], beginning with what the
    /// service is by now.
    Listen,
}

/// Without the token.
impl<H: fmt::Debug> fmt::Debug for HttpEvent<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(call) => f.debug_tuple("Call").field(call).finish(),
            Self::Cancelled(call) => f.debug_tuple("Cancelled").field(call).finish(),
            Self::Authorize(token) => {
                let token = token.as_ref().map(|_| format_args!(".."));
                f.debug_tuple("Authorize").field(&token).finish()
            }
            Self::Join => f.write_str("Join"),
            Self::Listen => f.write_str("Listen"),
        }
    }
}

/// Whether a request may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It may, on behalf of this subject. Sessions are bound to it: nobody else's requests get in.
    Allow(Option<Arc<str>>),
    /// It may not: 401, or 403 where the token is good for something else.
    Deny {
        /// The status.
        status: StatusCode,
        /// `WWW-Authenticate`
        challenge: Option<HeaderValue>,
    },
}
