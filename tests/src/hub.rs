//! One HTTP server of the async bindings without sockets, clock, tasks or threads: its requests are
//! made by hand, so that what they cost can be counted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use mcp_server_core::{
    BoxFuture, Job, Server,
    http::{Alarm, Body, HttpDesk, HttpHub, HttpOptions, Runtime},
    mcp_proto::time::Instant,
};
use ureq::http::Request;

/// Nothing happens by itself, and nothing takes time.
#[derive(Debug, Default)]
struct Still(AtomicU64);

struct NoAlarm;

impl Alarm for NoAlarm {
    fn poll(&mut self, _: Option<Instant>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Runtime for Still {
    fn now(&self) -> Instant {
        Instant::ZERO
    }
    fn alarm(&self) -> Box<dyn Alarm> {
        Box::new(NoAlarm)
    }
    fn spawn(&self, _: BoxFuture<()>) {}
    fn block(&self, job: Job) {
        job.run();
    }
    fn fill(&self, bytes: &mut [u8]) -> bool {
        for part in bytes.chunks_mut(8) {
            let number = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            part.copy_from_slice(&number[..part.len()]);
        }
        true
    }
    fn warn(&self, _: &str) {}
}

/// Serves a server in which nothing happens by itself.
#[must_use]
pub fn hub(server: Server) -> Arc<HttpHub> {
    let options = HttpOptions::listening(true);
    HttpHub::new(server, options, None, Arc::new(Still::default()))
}

/// What came of a request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Asked {
    /// The exchange, which is over unless it listens.
    pub desk: HttpDesk,
    /// The session that was opened.
    pub session: Option<String>,
    /// What was answered at once.
    pub answer: String,
}

/// Sends one request and takes what is answered at once; `waker` is woken when there is more.
///
/// # Panics
/// When nothing is answered.
#[must_use]
pub fn ask(hub: &HttpHub, headers: &[(&str, &str)], body: &str, waker: &Waker) -> Asked {
    let mut head = Request::post("/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        head = head.header(*name, *value);
    }
    let head = head.body(()).expect("the head is well-formed");
    let mut desk = hub.desk(head.into_parts().0).expect("it is served");
    desk.handle_body(body.as_bytes());
    desk.handle_body_end();
    desk.poll_work(&mut Context::from_waker(waker));
    let head = desk.poll_head().expect("it is answered at once");
    let answer = read(&mut desk);
    let session = head.headers().get("mcp-session-id");
    let session = session.map(|id| id.to_str().expect("ids are text").to_owned());
    Asked {
        desk,
        session,
        answer,
    }
}

/// Takes what there is of a response's body.
///
/// # Panics
/// When it is not text.
pub fn read(desk: &mut HttpDesk) -> String {
    let mut body = Vec::new();
    while desk.poll_body(&mut body) == Body::Data {}
    String::from_utf8(body).expect("bodies are text")
}

/// Opens a session of 2025-11-25: its id.
///
/// # Panics
/// When none is opened.
#[must_use]
pub fn session(hub: &HttpHub) -> String {
    let hello = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"client","version":"1.0.0"}}}"#;
    let asked = ask(hub, &[], hello, Waker::noop());
    let id = asked.session.expect("there is room for one more");
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    drop(in_session(hub, &id, ready));
    id
}

/// Sends one request in a session.
#[must_use]
pub fn in_session(hub: &HttpHub, id: &str, body: &str) -> Asked {
    let headers = [
        ("mcp-session-id", id),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    ask(hub, &headers, body, Waker::noop())
}

/// Subscribes to changes as 2026-07-28 has it; `filter` is what to, as the members of an object.
///
/// # Panics
/// When the subscription is not acknowledged.
#[must_use]
pub fn listen(hub: &HttpHub, filter: &str, waker: &Waker) -> HttpDesk {
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "subscriptions/listen"),
    ];
    let request = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{{{filter}}},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"client","version":"1.0.0"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    let asked = ask(hub, &headers, &request, waker);
    let acknowledged = asked.answer.contains("acknowledged");
    assert!(acknowledged, "{}", asked.answer);
    asked.desk
}
