//! Answers that end an exchange before any handler runs.

use alloc::{borrow::Cow, boxed::Box, vec::Vec};
use core::ops::{Deref, DerefMut};

use http::{HeaderValue, StatusCode, header};
use mcp_proto::{
    http::{JSON, status},
    rpc::{Rejected, RequestId, RpcError, codes},
    time::Instant,
};

use super::reply::Reply;

/// A status, and what else the answer has. Boxed because it is the error of many functions that
/// nearly never fail.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal(Box<Answer>);

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) error: Option<RpcError>,
    pub(super) id: Option<RequestId>,
    // Answers a body of an older revision whose id could not be read: JSON-RPC has null then, and
    // some clients want it. What has no body to answer has no id (every revision, "Sending Messages
    // to the Server"), and neither has it in newer revisions.
    pub(super) null_id: bool,
    // `Allow`
    pub(super) allow: Option<&'static str>,
    // `WWW-Authenticate`
    pub(super) challenge: Option<HeaderValue>,
}

/// The session is not known, or not to this client. The code that the official SDKs use.
const SESSION_NOT_FOUND: i32 = -32001;

impl Refusal {
    pub(super) fn bare(status: StatusCode) -> Self {
        Self(Box::new(Answer {
            status,
            error: None,
            id: None,
            null_id: false,
            allow: None,
            challenge: None,
        }))
    }

    /// A refusal at the level of HTTP, with a sentence for whoever debugs a client. The code says
    /// nothing and is the one that the official SDKs use.
    pub(super) fn http(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::bare(status).with_error(RpcError::new(codes::BUSY, message))
    }

    pub(super) fn method(allow: &'static str) -> Self {
        let mut refusal = Self::bare(StatusCode::METHOD_NOT_ALLOWED);
        refusal.allow = Some(allow);
        refusal
    }

    /// An error in what every request must carry.
    pub(super) fn envelope(id: Option<RequestId>, error: RpcError) -> Self {
        let mut refusal = Self::bare(status::of_envelope_error(error.code)).with_error(error);
        refusal.id = id;
        refusal
    }

    pub(super) fn no_session() -> Self {
        let error = RpcError::new(SESSION_NOT_FOUND, "session not found");
        Self::bare(StatusCode::NOT_FOUND).with_error(error)
    }

    /// Answers a body of an older revision: a request of this id, or one without any that could be
    /// read.
    pub(super) fn in_answer_to(mut self, id: Option<RequestId>) -> Self {
        if self.id.is_none() {
            self.null_id = id.is_none();
            self.id = id;
        }
        self
    }

    fn with_error(mut self, error: RpcError) -> Self {
        self.error = Some(error);
        self
    }

    pub(super) fn answer(self, reply: &mut Reply, now: Instant) {
        if let Some(allow) = self.allow {
            let allow = HeaderValue::from_static(allow);
            reply.headers_mut().insert(header::ALLOW, allow);
        }
        if let Some(challenge) = &self.challenge {
            let challenge = challenge.clone();
            reply
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        let content_type = self.error.is_some().then_some(JSON);
        reply.whole(self.status, content_type, now, |out| self.write(out));
    }

    fn write(&self, out: &mut Vec<u8>) {
        let Some(error) = &self.error else { return };
        out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",");
        match &self.id {
            Some(id) => {
                out.extend_from_slice(b"\"id\":");
                id.write_to(out);
                out.push(b',');
            }
            None if self.null_id => out.extend_from_slice(b"\"id\":null,"),
            None => {}
        }
        out.extend_from_slice(b"\"error\":");
        error.write_to(out);
        out.push(b'}');
    }
}

/// The answer to a body of an older revision that is no message.
pub(super) fn unreadable(rejected: Rejected) -> Refusal {
    Refusal::envelope(rejected.id, rejected.error).in_answer_to(None)
}

/// 503: come back later, to another process.
pub(super) fn shutting_down() -> Refusal {
    Refusal::http(
        StatusCode::SERVICE_UNAVAILABLE,
        "the server is shutting down",
    )
}

impl Deref for Refusal {
    type Target = Answer;

    fn deref(&self) -> &Answer {
        &self.0
    }
}

impl DerefMut for Refusal {
    fn deref_mut(&mut self) -> &mut Answer {
        &mut self.0
    }
}
