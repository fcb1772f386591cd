//! A request that is arriving.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::fmt;

use http::request::Parts;
use mcp_proto::{
    rpc::{Incoming, Rejected},
    time::Instant,
};

use super::{
    head::{VersionHeader, Way},
    refusal::Refusal,
    serving::is_initialize,
};

/// A request as far as it is here.
pub(super) struct Request {
    pub(super) head: Parts,
    pub(super) way: Way,
    pub(super) version: VersionHeader,
    pub(super) body: Vec<u8>,
    pub(super) subject: Option<Arc<str>>,
    // How long the body is, as far as the head says so.
    pub(super) length: usize,
    pub(super) complete: bool,
    // When a body that does not come is given up.
    pub(super) deadline: Instant,
}

impl Request {
    // Room is made for the whole body as it comes: no more than a few times what has come, since
    // the length is the client's word.
    pub(super) fn take_chunk(&mut self, chunk: &[u8]) {
        let needed = self.body.len() + chunk.len();
        if needed > self.body.capacity() {
            let room = needed.max(self.length.min(needed.saturating_mul(4)));
            self.body.reserve_exact(room - self.body.len());
        }
        self.body.extend_from_slice(chunk);
    }

    fn take_text(&mut self) -> Result<String, Rejected> {
        let body = core::mem::take(&mut self.body);
        String::from_utf8(body).map_err(|_| Rejected::not_utf8())
    }
}

/// Without what may be a secret: the values of headers, the query.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.head.headers.keys().collect();
        f.debug_struct("Request")
            .field("method", &self.head.method)
            .field("path", &self.head.uri.path())
            .field("headers", &headers)
            .field("way", &self.way)
            .field("version", &self.version)
            .field("body", &self.body.len())
            .field("complete", &self.complete)
            .finish_non_exhaustive()
    }
}

/// A request that is complete, and the text of its body.
#[derive(Debug)]
pub(super) struct Complete {
    pub(super) request: Box<Request>,
    pub(super) text: Result<String, Rejected>,
}

impl Complete {
    pub(super) fn new(mut request: Box<Request>) -> Self {
        let text = request.take_text();
        Self { request, text }
    }

    /// The request as it came.
    pub(super) fn into_request(self) -> Box<Request> {
        let Self { mut request, text } = self;
        if let Ok(text) = text {
            request.body = text.into_bytes();
        }
        request
    }
}

/// What a request brings that is to join a session.
#[derive(Debug)]
// Taken apart where it is made: a box would cost more than the copy.
#[allow(clippy::large_enum_variant)]
pub(super) enum Content<'a> {
    /// It has no body.
    Nothing,
    /// Messages, and the text in which they lie.
    Messages(Incoming<'a>, &'a str),
    /// What is no message, for a session that answers on another stream.
    Unreadable(Refusal),
}

impl Content<'_> {
    /// Whether this may open a session, which needs an id.
    pub(super) fn opens(&self, way: &Way) -> bool {
        match self {
            Self::Messages(incoming, _) => is_initialize(incoming),
            _ => *way == Way::PairStream,
        }
    }
}
