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

#[cfg(all(test, feature = "http"))]
mod tests {
    use super::*;
    use crate::{
        http::{Endpoint, Fetch, HttpClient},
        options::Config,
    };
    use alloc::{string::String, vec::Vec};
    use mcp_proto::types::Implementation;

    // As a desk does, which knows nothing of the transport.
    fn authorized_and_late<F: Front>(front: &mut F) {
        let token = http::HeaderValue::from_static("Bearer t");
        front.set_authorization(Some(token), Instant::ZERO);
        assert!(front.poll_event().is_none());
        let due = front.poll_timeout().expect("it waits for an answer");
        front.handle_timeout(due);
        assert!(front.poll_event().is_none());
        assert!(front.poll_timeout().is_some_and(|next| next > due));
    }

    fn config() -> Config {
        Config::new(Implementation::new("c", "1"))
    }

    #[test]
    fn a_byte_stream_has_no_place_for_an_authorization_and_is_greeted_after_a_while() {
        let mut client = Client::new(config(), Instant::ZERO);
        authorized_and_late(&mut client);
        let mut out = Vec::new();
        while client.poll_transmit(&mut out) {}
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 2, "{out}");
        assert!(lines[0].contains("server/discover") && lines[1].contains("initialize"));
        assert!(!out.contains("Bearer"));
    }

    #[test]
    fn over_http_each_request_is_authorized() {
        let endpoint = Endpoint::new("https://example.com/mcp").unwrap();
        let mut client = HttpClient::new(config(), endpoint, Instant::ZERO);
        authorized_and_late(&mut client);
        let mut requests = 0;
        while let Some(fetch) = client.poll_fetch() {
            if let Fetch::Open(_, request) = fetch {
                assert_eq!(request.headers()["authorization"], "Bearer t");
                requests += 1;
            }
        }
        assert!(requests > 0);
    }
}
