//! One HTTP exchange under way: what it is for, and what has come of it.

use alloc::{
    borrow::ToOwned,
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use core::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, response::Parts};
use mcp_proto::{
    frame::SseDecoder,
    http::{names, negotiate::ContentType, session_id},
    limits::Limits,
    rpc::RpcError,
};

use super::{
    fetch::FetchError,
    post::{Post, Role},
    timers::TimerKey,
};
use crate::error::HttpFailure;

/// What an exchange is for.
#[derive(Debug)]
pub(super) enum What {
    Post(Box<Post>),
    /// The rest of a stream that broke off before the answer came.
    Resume(Box<Resume>),
    /// What the server says of its own accord (2025-03-26 to 2025-11-25), from this event on.
    Stream(Option<String>),
    /// The stream of the transport of 2024-11-05, on which everything comes.
    Older(Box<OlderStream>),
    /// The end of a session.
    Delete,
}

/// A call whose stream is to be resumed.
#[derive(Debug)]
pub(super) struct Resume {
    pub(super) post: Post,
    pub(super) last_event_id: String,
    pub(super) failures: usize,
    /// The time of the session that the stream belongs to.
    pub(super) epoch: u32,
}

/// The stream of the transport of 2024-11-05.
#[derive(Debug)]
pub(super) struct OlderStream {
    /// What is sent as soon as the server has said where to: `initialize`.
    pub(super) first: Option<Post>,
    /// What the newer transport was refused with, if it was tried.
    pub(super) refused: Option<(Option<RpcError>, HttpFailure)>,
}

/// What the response's body is read as.
#[derive(Debug)]
pub(super) enum Reading {
    /// There is no response yet.
    Head,
    /// One message, or an array of them.
    Json(Vec<u8>),
    Events(Box<SseDecoder>),
    /// An error, or something that is no answer.
    Refusal(Vec<u8>),
    /// Nothing more is expected of it.
    Rest,
}

/// What is kept of a response's head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) challenge: Option<String>,
    pub(super) session_id: Option<HeaderValue>,
}

/// One exchange.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) what: What,
    pub(super) uri: Uri,
    /// Redirects that led here.
    pub(super) hops: usize,
    /// Which of the server's sessions it belongs to.
    pub(super) epoch: u32,
    /// The state of the kept results when it began.
    pub(super) cache_epoch: u64,
    /// It was sent within a session.
    pub(super) in_session: bool,
    /// Its response says only that the message arrived.
    pub(super) acknowledged_only: bool,
    pub(super) head: Option<Head>,
    /// The head has come and nobody has looked at it.
    pub(super) news: bool,
    pub(super) reading: Reading,
    /// More has come than is read.
    pub(super) overflow: bool,
    /// Bytes that came although nothing more was expected.
    idle_bytes: usize,
    /// Something new has come on its stream.
    pub(super) lively: bool,
    pub(super) end: Option<Result<(), FetchError>>,
    /// It stands in the queue of those that have something to be read.
    pub(super) queued: bool,
    pub(super) expiry: Option<TimerKey>,
}

/// How much of a body is shown.
const SHOWN_BYTES: usize = 512;
/// The longest value of a header that is looked at.
const HEADER_BYTES: usize = 8 * 1024;

impl Exchange {
    pub(super) fn new(what: What, uri: Uri, hops: usize) -> Self {
        Self {
            what,
            uri,
            hops,
            epoch: 0,
            cache_epoch: 0,
            in_session: false,
            acknowledged_only: false,
            head: None,
            news: false,
            reading: Reading::Head,
            overflow: false,
            idle_bytes: 0,
            lively: false,
            end: None,
            queued: false,
            expiry: None,
        }
    }

    /// The message whose answer it brings.
    pub(super) fn post(&self) -> Option<&Post> {
        match &self.what {
            What::Post(post) => Some(post),
            What::Resume(resume) => Some(&resume.post),
            _ => None,
        }
    }

    pub(super) fn role(&self) -> Option<Role> {
        match &self.what {
            What::Post(post) => Some(post.role),
            _ => None,
        }
    }

    pub(super) fn take_head(&mut self, parts: &Parts, limits: &Limits) {
        // 1xx announces another head (RFC 9110 §15.2); a second final one cannot be.
        if parts.status.is_informational() || self.head.is_some() {
            return;
        }
        let content = ContentType::of(&parts.headers);
        self.reading = self.reading_of(parts.status, content, limits);
        self.head = Some(Head::of(parts));
        self.news = true;
    }

    fn reading_of(&self, status: StatusCode, content: ContentType, limits: &Limits) -> Reading {
        let events = || Reading::Events(Box::new(SseDecoder::new(limits.event_bytes)));
        if !status.is_success() {
            return Reading::Refusal(Vec::new());
        }
        match (&self.what, content) {
            (What::Delete, _) => Reading::Rest,
            // Any 2xx says that the message has arrived: 202 was always meant, and many servers
            // answer 200 or 204.
            (What::Post(post), _) if self.acknowledged_only || !post.role.is_request() => {
                Reading::Rest
            }
            (What::Post(_), ContentType::Json | ContentType::Absent) => Reading::Json(Vec::new()),
            (_, ContentType::EventStream) => events(),
            _ => Reading::Refusal(Vec::new()),
        }
    }

    pub(super) fn take_chunk(&mut self, bytes: &[u8], limits: &Limits) {
        let (body, most) = match &mut self.reading {
            Reading::Events(decoder) => return decoder.store(bytes),
            Reading::Json(body) => (body, limits.message_bytes),
            Reading::Refusal(body) => (body, limits.refusal_bytes),
            // A short rest is let pass, so that the connection can be used again.
            Reading::Rest => {
                self.idle_bytes += bytes.len();
                self.overflow = self.idle_bytes > limits.refusal_bytes;
                return;
            }
            // No body can come before its head.
            Reading::Head => return,
        };
        let room = most - body.len();
        body.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.overflow |= bytes.len() > room;
    }

    /// What is wrong, with what the response says about it.
    pub(super) fn failure(&self, reason: impl Into<String>) -> HttpFailure {
        let mut failure = HttpFailure::new(reason);
        failure.status = self.head.as_ref().map(|head| head.status.as_u16());
        if let Reading::Json(body) | Reading::Refusal(body) = &self.reading {
            failure.body = shown(body);
        }
        failure
    }
}

impl Role {
    /// Whether an answer comes back.
    pub(super) fn is_request(self) -> bool {
        !matches!(self, Self::Answer | Self::Note | Self::Initialized)
    }
}

impl Head {
    fn of(parts: &Parts) -> Self {
        let text = |name| {
            let value: &HeaderValue = parts.headers.get(name)?;
            let text = value.to_str().ok()?;
            (text.len() <= HEADER_BYTES).then(|| text.to_string())
        };
        let seconds = text(header::RETRY_AFTER).and_then(|text| text.trim().parse().ok());
        let valid = |id: &&HeaderValue| session_id::is_valid(id.as_bytes());
        let session_id = parts.headers.get(names::SESSION_ID).filter(valid);
        let hushed = |mut id: HeaderValue| {
            id.set_sensitive(true);
            id
        };
        Self {
            status: parts.status,
            location: text(header::LOCATION),
            retry_after: seconds.map(Duration::from_secs),
            challenge: joined(&parts.headers, &header::WWW_AUTHENTICATE),
            session_id: session_id.cloned().map(hushed),
        }
    }
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut all = String::new();
    for value in headers.get_all(name) {
        let text = String::from_utf8_lossy(value.as_bytes());
        if all.len() + text.len() > HEADER_BYTES {
            break;
        }
        if !all.is_empty() {
            all.push_str(", ");
        }
        all.push_str(text.trim());
    }
    (!all.is_empty()).then_some(all)
}

// The beginning of a body as a text, cut between characters.
fn shown(body: &[u8]) -> String {
    let cut = &body[..body.len().min(SHOWN_BYTES)];
    let text = String::from_utf8_lossy(cut);
    let text = match (body.len() > cut.len(), text.strip_suffix('\u{fffd}')) {
        (true, Some(whole)) => whole,
        _ => &text,
    };
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::Response;
    use mcp_proto::method::Method;

    fn post(role: Role) -> What {
        What::Post(Box::new(Post::new(
            role,
            Some(Method::CallTool),
            Bytes::new(),
        )))
    }

    fn parts(status: u16, headers: &[(&str, &str)]) -> Parts {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_body_is_read_as_what_it_is_said_to_be() {
        let resume = || {
            What::Resume(Box::new(Resume {
                post: Post::new(Role::Call, None, Bytes::new()),
                last_event_id: String::new(),
                failures: 0,
                epoch: 0,
            }))
        };
        const JSON: &str = "application/json";
        const EVENTS: &str = "text/event-stream; charset=utf-8";
        for (what, status, content, expected) in [
            (post(Role::Call), 200, JSON, "json"),
            (post(Role::Call), 202, "", "json"),
            (post(Role::Call), 200, EVENTS, "events"),
            (post(Role::Call), 200, "text/html", "refusal"),
            (post(Role::Call), 404, JSON, "refusal"),
            (post(Role::Call), 304, EVENTS, "refusal"),
            (post(Role::Handshake), 200, EVENTS, "events"),
            (post(Role::Note), 202, "", "rest"),
            (post(Role::Answer), 200, JSON, "rest"),
            (post(Role::Initialized), 204, EVENTS, "rest"),
            (post(Role::Note), 400, JSON, "refusal"),
            (What::Stream(None), 200, EVENTS, "events"),
            (What::Stream(None), 200, JSON, "refusal"),
            (What::Stream(None), 405, EVENTS, "refusal"),
            (resume(), 200, EVENTS, "events"),
            (resume(), 200, JSON, "refusal"),
            (What::Delete, 200, JSON, "rest"),
            (What::Delete, 405, "", "refusal"),
            (post(Role::Call), 103, JSON, "head"),
        ] {
            let label = alloc::format!("{what:?} {status} {content}");
            let mut exchange = Exchange::new(what, Uri::default(), 0);
            let headers = [("content-type", content)];
            let headers = if content.is_empty() {
                &[][..]
            } else {
                &headers
            };
            exchange.take_head(&parts(status, headers), &Limits::default());
            let reading = match exchange.reading {
                Reading::Head => "head",
                Reading::Json(_) => "json",
                Reading::Events(_) => "events",
                Reading::Refusal(_) => "refusal",
                Reading::Rest => "rest",
            };
            assert_eq!(reading, expected, "{label}");
        }
    }

    #[test]
    fn bodies_are_read_up_to_their_limit() {
        let mut limits = Limits::default();
        limits.message_bytes = 5;
        limits.refusal_bytes = 3;
        for (status, chunks, body, overflow) in [
            (200, &["abc", "de"][..], "abcde", false),
            (200, &["abc", "def"], "abcde", true),
            (200, &["abcde", ""], "abcde", false),
            (500, &["abc"], "abc", false),
            (500, &["abcd", "e"], "abc", true),
        ] {
            let mut exchange = Exchange::new(post(Role::Call), Uri::default(), 0);
            exchange.take_head(
                &parts(status, &[("content-type", "application/json")]),
                &limits,
            );
            for chunk in chunks {
                exchange.take_chunk(chunk.as_bytes(), &limits);
            }
            assert_eq!(
                (&*exchange.failure("").body, exchange.overflow),
                (body, overflow)
            );
        }
    }

    #[test]
    fn of_a_head_only_what_is_needed_is_kept() {
        let head = Head::of(&parts(
            401,
            &[
                ("location", "/x"),
                ("retry-after", "7"),
                ("www-authenticate", "Bearer realm=\"a\""),
                ("www-authenticate", " Basic"),
                ("mcp-session-id", "a b"),
            ],
        ));
        assert_eq!(head.challenge.as_deref(), Some("Bearer realm=\"a\", Basic"));
        assert_eq!(
            (head.location.as_deref(), head.retry_after),
            (Some("/x"), Some(Duration::from_secs(7)))
        );
        // A blank is not allowed in the id of a session.
        assert_eq!(head.session_id, None);
        let head = Head::of(&parts(
            200,
            &[
                ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"),
                ("mcp-session-id", "id-1"),
            ],
        ));
        assert_eq!(head.retry_after, None);
        assert_eq!(head.session_id.unwrap(), "id-1");
    }

    #[test]
    fn of_a_header_only_so_much_is_kept() {
        for (bytes, kept) in [(HEADER_BYTES, true), (HEADER_BYTES + 1, false)] {
            let long = "x".repeat(bytes);
            let (near, rest) = long.split_at(bytes / 2);
            let head = Head::of(&parts(
                401,
                &[("location", &long), ("www-authenticate", &long)],
            ));
            assert_eq!(head.location.is_some(), kept, "{bytes}");
            assert_eq!(head.challenge.is_some(), kept, "{bytes}");
            // Of several challenges those are kept that fit together.
            let both = [("www-authenticate", near), ("www-authenticate", rest)];
            let challenge = Head::of(&parts(401, &both)).challenge.unwrap();
            assert_eq!(challenge.contains(", "), kept, "{bytes}");
        }
    }

    #[test]
    fn the_beginning_of_a_body_is_shown() {
        assert_eq!(shown(b" <html>\n"), "<html>");
        assert_eq!(shown(b"\xff"), "\u{fffd}");
        let long = "é".repeat(SHOWN_BYTES);
        assert_eq!(shown(long.as_bytes()), "é".repeat(SHOWN_BYTES / 2));
        let odd = ["x", &long].concat();
        assert_eq!(
            shown(odd.as_bytes()),
            ["x", &"é".repeat(SHOWN_BYTES / 2 - 1)].concat()
        );
    }
}
