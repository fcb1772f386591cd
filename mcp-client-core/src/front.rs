//! What every way to reach a server has in common.

use alloc::fmt;
use core::ops::DerefMut;

use crate::{client::Client, event::Event, session::Session};

/// A [`Session`] on a transport, for a [`Desk`](crate::Desk) to drive: [`Client`] on a byte stream,
/// `HttpClient`, with the feature `http`, on HTTP.
///
/// Its own verbs, such as `handle_bytes` or `handle_head`, are for the loop, which reaches them
/// through the desk.
pub trait Front: DerefMut<Target = Session> + fmt::Debug + 'static {
    /// Does what is due, and tells the next thing to know; `None` until more comes in.
    fn poll_event(&mut self) -> Option<Event>;

    /// Sets the value of `Authorization`, where the transport has one.
    #[cfg(feature = "http")]
    fn set_authorization(
        &mut self,
        value: Option<http::HeaderValue>,
        now: mcp_proto::time::Instant,
    ) {
        let _ = (value, now);
    }
}

impl Front for Client {
    fn poll_event(&mut self) -> Option<Event> {
        self.poll_event()
    }
}

#[cfg(feature = "http")]
impl Front for crate::http::HttpClient {
    fn poll_event(&mut self) -> Option<Event> {
        self.poll_event()
    }

    fn set_authorization(
        &mut self,
        value: Option<http::HeaderValue>,
        now: mcp_proto::time::Instant,
    ) {
        self.set_authorization(value, now);
    }
}
