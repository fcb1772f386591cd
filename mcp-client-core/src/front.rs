//! What every way to reach a server has in common.

use alloc::fmt;
use core::ops::DerefMut;

use mcp_proto::time::Instant;

use crate::{client::Client, event::Event, session::Session};

/// A [`Session`] on a transport, for a [`Desk`](crate::Desk) to drive: [`Client`] on a byte stream,
/// `HttpClient`, with the feature `http`, on HTTP.
///
/// Its own verbs, such as `handle_bytes` or `handle_head`, are for the loop, which reaches them
/// through the desk.
pub trait Front: DerefMut<Target = Session> + fmt::Debug + 'static {
    /// Does what is due, and tells the next thing to know; `None` until more comes in.
    fn poll_event(&mut self) -> Option<Event>;

    /// When [`handle_timeout`](Self::handle_timeout) must be called at the latest.
    fn poll_timeout(&self) -> Option<Instant> {
        Session::poll_timeout(self)
    }

    /// Records that time has passed.
    fn handle_timeout(&mut self, now: Instant) {
        Session::handle_timeout(self, now);
    }

    /// Sets the value of `Authorization`, where the transport has one.
    #[cfg(feature = "http")]
    fn set_authorization(&mut self, value: Option<http::HeaderValue>, now: Instant) {
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

    fn poll_timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn set_authorization(&mut self, value: Option<http::HeaderValue>, now: Instant) {
        self.set_authorization(value, now);
    }
}
