//! The response of one exchange: its head once, then its body, as JSON or as an event stream.

use alloc::vec::Vec;
use core::time::Duration;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use mcp_proto::{
    encode::Digits,
    frame::sse,
    http::{EVENT_STREAM, names},
    time::Instant,
};

/// What there is of a response's body right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// Bytes were appended, and more may follow.
    Data,
    /// There is nothing yet.
    Pending,
    /// The body is complete. Where the last bytes were just appended, this is said the next time.
    End,
}

/// A response being made.
#[derive(Debug)]
pub(super) struct Reply {
    form: Form,
    head: Option<Response<()>>,
    // For the head, whatever it will be.
    headers: HeaderMap,
    out: Vec<u8>,
    // The response is to a HEAD request.
    headless: bool,
    keep_alive: Duration,
    stall: Duration,
    // When a comment is due on a stream.
    quiet_until: Instant,
    // Since when the client has taken nothing of what is there.
    waiting_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Undecided,
    // Everything of the body is in `out`, or was taken from there.
    Whole,
    Stream,
}

impl Reply {
    pub(super) fn new(keep_alive: Duration, stall: Duration) -> Self {
        Self {
            form: Form::Undecided,
            head: None,
            headers: HeaderMap::new(),
            out: Vec::new(),
            headless: false,
            keep_alive,
            stall,
            quiet_until: Instant::MAX,
            waiting_since: None,
        }
    }

    /// For a HEAD request: the head is made as always, the body is not sent.
    pub(super) fn set_headless(&mut self) {
        self.headless = true;
    }

    /// Headers for the head that is still to come.
    pub(super) fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    pub(super) fn is_undecided(&self) -> bool {
        self.form == Form::Undecided
    }

    pub(super) fn is_stream(&self) -> bool {
        self.form == Form::Stream
    }

    /// Bytes that the client has not taken.
    pub(super) fn waiting(&self) -> usize {
        self.out.len()
    }

    /// Answers with a whole body, which `body` appends. Without effect once the form is settled.
    pub(super) fn whole(
        &mut self,
        status: StatusCode,
        content_type: Option<&'static str>,
        now: Instant,
        body: impl FnOnce(&mut Vec<u8>),
    ) {
        if !self.is_undecided() {
            return;
        }
        self.form = Form::Whole;
        body(&mut self.out);
        if let Some(content_type) = content_type {
            self.headers
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        // 204 has no body, and must not say how long it is (RFC 9110 §8.6).
        if status != StatusCode::NO_CONTENT {
            let length = decimal(self.out.len());
            self.headers.insert(header::CONTENT_LENGTH, length);
        }
        self.settle(status, now);
    }

    /// Makes the body an event stream. Without effect once the form is settled.
    pub(super) fn begin_stream(&mut self, now: Instant) {
        if !self.is_undecided() {
            return;
        }
        self.form = Form::Stream;
        let headers = [
            (header::CONTENT_TYPE, EVENT_STREAM),
            (header::CACHE_CONTROL, "no-cache"),
            // Proxies may hold events back otherwise (SHOULD, 2026-07-28).
            (names::ACCEL_BUFFERING, "no"),
        ];
        for (name, value) in headers {
            self.headers.insert(name, HeaderValue::from_static(value));
        }
        self.settle(StatusCode::OK, now);
    }

    /// Appends to a stream what `write` writes: events.
    pub(super) fn event(&mut self, now: Instant, write: impl FnOnce(&mut Vec<u8>)) {
        if self.is_stream() {
            write(&mut self.out);
            self.touch(now);
        }
    }

    /// Ends a stream after what is still to be taken.
    pub(super) fn end(&mut self) {
        if self.is_stream() {
            self.form = Form::Whole;
        }
        self.quiet_until = Instant::MAX;
    }

    /// Forgets what was not taken and ends: for a client that is gone.
    pub(super) fn cut(&mut self) {
        self.form = Form::Whole;
        self.head = None;
        self.out = Vec::new();
        self.quiet_until = Instant::MAX;
        self.waiting_since = None;
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let stalled = self
            .waiting_since
            .map(|since| since.saturating_add(self.stall));
        let due = self.quiet_until.min(stalled.unwrap_or(Instant::MAX));
        (due != Instant::MAX).then_some(due)
    }

    /// Keeps a quiet stream alive. Whether the client has stopped reading for too long.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        if self
            .waiting_since
            .is_some_and(|since| now >= since.saturating_add(self.stall))
        {
            return true;
        }
        if now >= self.quiet_until {
            // A client that has not taken the last comment needs no other.
            if self.out.is_empty() {
                sse::write_comment(&mut self.out, "");
            }
            self.touch(now);
        }
        false
    }

    pub(super) fn poll_head(&mut self) -> Option<Response<()>> {
        self.head.take()
    }

    pub(super) fn poll_body(&mut self, out: &mut Vec<u8>) -> Body {
        if self.is_undecided() || self.head.is_some() {
            return Body::Pending;
        }
        self.waiting_since = None;
        if self.headless || self.out.is_empty() {
            return if self.form == Form::Whole {
                Body::End
            } else {
                Body::Pending
            };
        }
        if out.is_empty() {
            core::mem::swap(out, &mut self.out);
        } else {
            out.append(&mut self.out);
        }
        Body::Data
    }

    fn settle(&mut self, status: StatusCode, now: Instant) {
        let mut head = Response::new(());
        *head.status_mut() = status;
        *head.headers_mut() = core::mem::take(&mut self.headers);
        self.head = Some(head);
        self.touch(now);
    }

    fn touch(&mut self, now: Instant) {
        if self.is_stream() {
            self.quiet_until = now.saturating_add(self.keep_alive);
        }
        if self.waiting_since.is_none() && (self.head.is_some() || !self.out.is_empty()) {
            self.waiting_since = Some(now);
        }
    }
}

// In one allocation, where `HeaderValue::from` makes two.
fn decimal(number: usize) -> HeaderValue {
    let digits = Digits::of(number as u64);
    HeaderValue::from_bytes(digits.as_bytes()).unwrap_or_else(|_| HeaderValue::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use mcp_proto::http::JSON;

    const KEEP_ALIVE: Duration = Duration::from_secs(15);
    const STALL: Duration = Duration::from_secs(30);

    fn at(seconds: u64) -> Instant {
        Instant::ZERO.saturating_add(Duration::from_secs(seconds))
    }

    fn take(reply: &mut Reply) -> (String, Body) {
        let mut out = Vec::new();
        let body = reply.poll_body(&mut out);
        (String::from_utf8(out).unwrap(), body)
    }

    #[test]
    fn lengths_are_written_in_decimal() {
        for number in [0, 7, 10, 99, 100, 4_194_304, usize::MAX] {
            assert_eq!(decimal(number), HeaderValue::from(number));
        }
    }

    #[test]
    fn a_whole_body_says_its_length() {
        let mut reply = Reply::new(KEEP_ALIVE, STALL);
        assert_eq!(take(&mut reply), (String::new(), Body::Pending));
        reply
            .headers_mut()
            .insert("x-more", HeaderValue::from_static("1"));
        reply.whole(StatusCode::OK, Some(JSON), at(0), |out| {
            out.extend_from_slice(b"{}");
        });
        reply.whole(StatusCode::NOT_FOUND, None, at(0), |out| {
            out.extend_from_slice(b"[]");
        });
        reply.begin_stream(at(0));
        // The body waits for the head.
        assert_eq!(take(&mut reply), (String::new(), Body::Pending));
        let head = reply.poll_head().unwrap();
        assert_eq!(
            (head.status().as_u16(), &head.headers()["content-length"]),
            (200, &HeaderValue::from(2))
        );
        assert_eq!(head.headers()["x-more"], "1");
        assert!(reply.poll_head().is_none());
        assert_eq!(take(&mut reply), ("{}".into(), Body::Data));
        assert_eq!(take(&mut reply), (String::new(), Body::End));
        assert_eq!(reply.poll_timeout(), None);
    }

    #[test]
    fn nothing_is_said_of_a_body_that_cannot_be() {
        let mut reply = Reply::new(KEEP_ALIVE, STALL);
        reply.whole(StatusCode::NO_CONTENT, None, at(0), |_| {});
        assert!(reply.poll_head().unwrap().headers().is_empty());
        assert_eq!(take(&mut reply).1, Body::End);
        let mut reply = Reply::new(KEEP_ALIVE, STALL);
        reply.set_headless();
        reply.whole(StatusCode::OK, None, at(0), |out| {
            out.extend_from_slice(b"abc");
        });
        assert_eq!(reply.poll_head().unwrap().headers()["content-length"], "3");
        assert_eq!(take(&mut reply), (String::new(), Body::End));
    }

    #[test]
    fn a_quiet_stream_gets_comments() {
        let mut reply = Reply::new(KEEP_ALIVE, STALL);
        reply.begin_stream(at(0));
        let head = reply.poll_head().unwrap();
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(head.headers()[name], value);
        }
        assert_eq!(take(&mut reply).1, Body::Pending);
        assert_eq!(reply.poll_timeout(), Some(at(15)));
        assert!(!reply.handle_timeout(at(14)));
        reply.event(at(14), |out| out.extend_from_slice(b"data: x\n\n"));
        assert_eq!(take(&mut reply), ("data: x\n\n".into(), Body::Data));
        assert_eq!(reply.poll_timeout(), Some(at(29)));
        assert!(!reply.handle_timeout(at(29)));
        assert_eq!(take(&mut reply), (":\n\n".into(), Body::Data));
        assert_eq!(reply.poll_timeout(), Some(at(44)));
        reply.event(at(30), |out| out.extend_from_slice(b"data: y\n\n"));
        reply.end();
        reply.event(at(31), |out| out.extend_from_slice(b"data: never\n\n"));
        assert_eq!(take(&mut reply), ("data: y\n\n".into(), Body::Data));
        assert_eq!(take(&mut reply), (String::new(), Body::End));
        assert_eq!(reply.poll_timeout(), None);
    }

    #[test]
    fn a_client_that_stops_reading_is_noticed() {
        let mut reply = Reply::new(KEEP_ALIVE, STALL);
        reply.begin_stream(at(0));
        assert!(reply.poll_head().is_some());
        assert_eq!(take(&mut reply).1, Body::Pending);
        reply.event(at(1), |out| out.push(b'x'));
        reply.event(at(9), |out| out.push(b'y'));
        // Comments are not added to what is not taken.
        assert!(!reply.handle_timeout(at(24)));
        assert_eq!(reply.waiting(), 2);
        assert_eq!(reply.poll_timeout(), Some(at(31)));
        assert!(reply.handle_timeout(at(31)));
        reply.cut();
        assert_eq!(
            (take(&mut reply), reply.poll_timeout()),
            ((String::new(), Body::End), None)
        );
    }
}
