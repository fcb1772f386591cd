//! What a client that only waits costs the server: bytes of its own memory, counted as they are
//! allocated. What a binding and the system add for a connection is not in it.

use std::{
    alloc::System,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use axum::http::Request;
use mcp_server_core::{
    BoxFuture, Job, Server,
    http::{Alarm, Body, HttpDesk, HttpHub, HttpOptions, Runtime},
    mcp_proto::{limits::Limits, time::Instant},
    tool,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MANY: usize = 10_000;
const COUNT: usize = 1000;

/// Adds two numbers.
#[tool]
fn add(a: f64, b: f64) -> f64 {
    a + b
}

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

/// Sends one request and takes what is answered at once: the open exchange, the session's id, the
/// answer.
fn ask(hub: &HttpHub, headers: &[(&str, &str)], body: &str) -> (HttpDesk, Option<String>, String) {
    let mut head = Request::post("/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        head = head.header(*name, *value);
    }
    let mut desk = hub.desk(head.body(()).unwrap().into_parts().0).unwrap();
    desk.handle_body(body.as_bytes());
    desk.handle_body_end();
    desk.poll_work(&mut Context::from_waker(Waker::noop()));
    let head = desk.poll_head().unwrap();
    let mut answer = Vec::new();
    while desk.poll_body(&mut answer) == Body::Data {}
    let session = head.headers().get("mcp-session-id");
    let session = session.map(|id| id.to_str().unwrap().to_owned());
    (desk, session, String::from_utf8(answer).unwrap())
}

/// Opens a session, and leaves it after one call where that is wanted.
fn session(hub: &HttpHub, calls: bool) {
    let hello = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"client","version":"1.0.0"}}}"#;
    let id = ask(hub, &[], hello).1.unwrap();
    let headers = [
        ("mcp-session-id", &*id),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    ask(
        hub,
        &headers,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    );
    if calls {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2}}}"#;
        let answer = ask(hub, &headers, call).2;
        assert!(answer.contains(r#""text":"3""#), "{answer}");
    }
}

/// Subscribes to changes.
fn listen(hub: &HttpHub) -> Box<HttpDesk> {
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "subscriptions/listen"),
    ];
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"client","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let (desk, _, answer) = ask(hub, &headers, request);
    assert!(answer.contains("acknowledged"), "{answer}");
    Box::new(desk)
}

/// Bytes that are kept for each of many.
fn bytes_each<T>(count: usize, open: impl Fn() -> T) -> usize {
    // What is made once is made.
    let _first: Vec<T> = (0..10).map(|_| open()).collect();
    let mut all = Vec::with_capacity(count);
    let region = Region::new(ALLOCATOR);
    all.extend((0..count).map(|_| open()));
    let kept = region.change();
    (kept.bytes_allocated - kept.bytes_deallocated) / count
}

// One test, because the counters are the whole process's.
#[test]
fn a_client_that_only_waits_costs_little() {
    let hub = || {
        let mut limits = Limits::default();
        limits.sessions = 2 * MANY;
        let server = Server::builder("demo", "1.0.0").limits(limits).tool(add);
        let server = server.build().unwrap();
        let options = HttpOptions::listening(true);
        HttpHub::new(server, options, None, Arc::new(Still::default()))
    };
    let (idle, used, listening) = (hub(), hub(), hub());
    for (what, bytes, most) in [
        ("session", bytes_each(MANY, || session(&idle, false)), 2_200),
        (
            "session after a call",
            bytes_each(COUNT, || session(&used, true)),
            2_800,
        ),
        (
            "listen stream",
            bytes_each(COUNT, || listen(&listening)),
            3_000,
        ),
    ] {
        println!("{what}: {bytes} of {most} bytes");
        assert!(bytes <= most, "{what}: {bytes} of {most} bytes");
    }
}
