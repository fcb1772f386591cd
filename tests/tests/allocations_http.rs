//! How often a long text is copied on its way through the HTTP machines: from the body's chunks to
//! the handler, and from the handler to the response's body.

use std::{alloc::System, sync::Arc};

use axum::http::Request;
use mcp_proto::{json::Json, rpc::CallId, time::Instant};
use mcp_server_core::{
    Call, Cx, Handler, Link, Note, Outcome, Server,
    http::{Body, Exchange, HttpEvent, HttpOptions, HttpServer, HttpServerEvent},
    mcp_proto, tool,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Returns the message.
#[tool]
fn echo(message: String) -> String {
    message
}

#[derive(Debug)]
struct Deaf;

impl Link for Deaf {
    fn note(&self, _: CallId, _: Note) {}
}

struct Rig {
    server: Server,
    options: Arc<HttpOptions>,
    sessions: HttpServer<Handler, ()>,
    session: Option<String>,
    link: Arc<dyn Link>,
}

impl Rig {
    fn new() -> Self {
        let server = Server::builder("demo", "1.0.0").tool(echo).build().unwrap();
        let options = Arc::new(HttpOptions::listening(true));
        Self {
            sessions: HttpServer::new(server.current(), Arc::clone(&options)),
            server,
            options,
            session: None,
            link: Arc::new(Deaf),
        }
    }

    /// One request whose body comes in pieces of this length; the response's body.
    fn post(&mut self, headers: &[(&str, &str)], body: &[u8], piece: usize) -> Vec<u8> {
        let now = Instant::ZERO;
        let mut head = Request::post("/mcp")
            .header("host", "localhost:8080")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("content-length", body.len());
        for (name, value) in headers {
            head = head.header(*name, *value);
        }
        if let Some(session) = &self.session {
            head = head.header("mcp-session-id", session);
        }
        let head = head.body(()).unwrap().into_parts().0;
        let (service, options) = (self.server.current(), Arc::clone(&self.options));
        let mut exchange = Exchange::new(service, options, head, 1, now);
        for chunk in body.chunks(piece) {
            exchange.handle_body(chunk, now);
        }
        exchange.handle_body_end(now);
        while let Some(event) = exchange.poll_event() {
            match event {
                HttpEvent::Call(call) => {
                    let (ticket, outcome) = self.outcome(call);
                    let _ = exchange.finish(ticket, outcome, now);
                }
                HttpEvent::Join => self.sessions.join(&mut exchange, (), &[7; 16], now),
                other => panic!("{other:?}"),
            }
        }
        while let Some(event) = self.sessions.poll_event() {
            match event {
                HttpServerEvent::Call(call) => {
                    let (ticket, outcome) = self.outcome(call);
                    let _ = self.sessions.finish(ticket, outcome, now);
                }
                _ => self.sessions.ferry(&mut exchange, now),
            }
        }
        let head = exchange.poll_head().unwrap();
        assert_eq!(head.status(), 200);
        if let Some(session) = head.headers().get("mcp-session-id") {
            self.session = Some(session.to_str().unwrap().into());
        }
        let mut response = Vec::new();
        while exchange.poll_body(&mut response) == Body::Data {}
        response
    }

    fn outcome(&self, call: Call<Handler>) -> (mcp_server_core::Ticket, Outcome) {
        let Call {
            ticket,
            handler: Handler::Sync(run) | Handler::Quick(run),
            work,
            context,
            ..
        } = call
        else {
            panic!("it is a plain function")
        };
        (ticket, run(work, Cx::new(context, Arc::clone(&self.link))))
    }
}

fn call_of(length: usize, meta: &str) -> Vec<u8> {
    let arguments = Json::new(&serde_json::json!({ "message": "x".repeat(length) })).unwrap();
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","arguments":{}{meta}}}}}"#,
        arguments.as_str()
    )
    .into_bytes()
}

const HELLO: &[u8] = br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
const META: &str = r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

// One test, because the counters are the whole process's.
//
// The body is collected once and goes with the call, the handler's string is copied out of it, and
// the response is written once, in the memory that the socket is written from.
#[test]
fn a_long_text_lies_in_three_buffers() {
    for stateless in [false, true] {
        let mut rig = Rig::new();
        if !stateless {
            rig.post(&[], HELLO, HELLO.len());
            assert!(rig.session.is_some());
        }
        let (meta, headers): (&str, &[(&str, &str)]) = match stateless {
            true => (
                META,
                &[
                    ("mcp-protocol-version", "2026-07-28"),
                    ("mcp-method", "tools/call"),
                    ("mcp-name", "echo"),
                ],
            ),
            false => ("", &[("mcp-protocol-version", "2025-11-25")]),
        };
        for length in [4 * 1024, 64 * 1024, 1024 * 1024] {
            let body = call_of(length, meta);
            // In the pieces in which sockets hand it over.
            for piece in [16 * 1024, 256 * 1024] {
                let region = Region::new(ALLOCATOR);
                let response = rig.post(headers, &body, piece);
                let cost = region.change();
                let count = cost.allocations + cost.reallocations;
                println!(
                    "stateless {stateless}, {length} in pieces of {piece}: {} bytes in {count} allocations",
                    cost.bytes_allocated
                );
                assert!(response.len() > length);
                assert!(
                    cost.bytes_allocated < 3 * length + 16 * 1024,
                    "the body, the string and the response: {cost:?}"
                );
            }
        }
    }
}
