//! A request that is arriving.

use alloc::{string::String, sync::Arc, vec::Vec};

use http::request::Parts;
use mcp_proto::{rpc::Rejected, time::Instant};

use super::head::Way;

/// A request as far as it is here.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) head: Parts,
    pub(super) way: Way,
    pub(super) body: Vec<u8>,
    // The body, once it is known to be text.
    pub(super) text: Option<String>,
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

    /// The body as text.
    pub(super) fn take_text(&mut self) -> Result<String, Rejected> {
        match self.text.take() {
            Some(text) => Ok(text),
            None => {
                let body = core::mem::take(&mut self.body);
                String::from_utf8(body).map_err(|_| Rejected::not_utf8())
            }
        }
    }
}
