//! MCP over HTTP for every revision, without a server, a socket or a clock.
//!
//! ```text
//!            one for each request                         one for all, behind a mutex
//!   head ──▶ ┌──────────┐ ── Join ──▶ join ──────▶ ┌────────────┐
//!   body ──▶ │ Exchange │                                 │ HttpServer │ ── Call ──▶ handlers
//!   head ◀── │          │ ◀───────── ferry ────────────── │  sessions  │ ◀─ finish ─ handlers
//!   body ◀── └──────────┘                                 └────────────┘
//!              │      ▲
//!             Call  finish        2026-07-28: an exchange needs nothing but the service
//! ```
//!
//! Any HTTP library fits that hands out a request's [head](http::request::Parts), then chunks of
//! its body, and takes the response the same way. Whatever it has parsed is judged here: paths,
//! methods, hosts and origins, content types, lengths, and all that MCP puts into headers.
//!
//! | revision | how it is served |
//! |---|---|
//! | 2026-07-28 | each request by its [`Exchange`] alone; its response is JSON, or events once the handler tells something or takes longer than [`Limits::sse_after`]; closing it cancels the call |
//! | 2025-03-26 to 2025-11-25 | in a session of the [`HttpServer`], with a stream for each POST and one for what was not asked for, all of which can be resumed; or without sessions, see [`SessionMode`] |
//! | 2024-11-05 | in such a session, on two paths: [`HttpOptions::http_sse`] |
//!
//! The loop of one exchange, with its handlers run in place:
//!
//! ```
//! use mcp_server_core::{
//!     Outcome, Service,
//!     http::{Body, Exchange, HttpEvent, HttpOptions, HttpServer, HttpServerEvent},
//!     mcp_proto::{json::Json, time::Instant, types::{CallToolResult, Implementation, Tool}},
//! };
//! use std::sync::Arc;
//!
//! let service: Arc<Service<&'static str>> = Service::builder(Implementation::new("demo", "1.0.0"))
//!     .tool(Tool::new("greet", Json::empty_object()), "hello")
//!     .build()
//!     .unwrap()
//!     .into();
//! let options = Arc::new(HttpOptions::listening(true));
//! let mut sessions = HttpServer::new(Arc::clone(&service), Arc::clone(&options));
//! let now = Instant::ZERO;
//!
//! let head = http::Request::post("/mcp")
//!     .header("host", "localhost:8080")
//!     .header("content-type", "application/json")
//!     .header("accept", "application/json, text/event-stream")
//!     .header("mcp-protocol-version", "2026-07-28")
//!     .header("mcp-method", "tools/call")
//!     .header("mcp-name", "greet")
//!     .body(())
//!     .unwrap()
//!     .into_parts()
//!     .0;
//! let mut exchange = Exchange::new(service, options, head, 1, now);
//! exchange.handle_body(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet",
//!     "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
//!              "io.modelcontextprotocol/clientCapabilities":{}}}}"#, now);
//! exchange.handle_body_end(now);
//!
//! while let Some(event) = exchange.poll_event() {
//!     match event {
//!         HttpEvent::Call(call) => {
//!             let outcome = Outcome::Tool(CallToolResult::text(call.handler));
//!             let _ = exchange.finish(call.ticket, outcome, now);
//!         }
//!         // Only what does not say that it is of the newest revision gets here: sessions have their say.
//!         HttpEvent::Join => sessions.join(&mut exchange, "a waker", &[0; 16], now),
//!         _ => {}
//!     }
//! }
//! // What the sessions want is to be done after whatever was said to them.
//! while let Some(HttpServerEvent::Wake(_)) = sessions.poll_event() {}
//!
//! assert_eq!(exchange.poll_head().unwrap().status(), 200);
//! let mut body = Vec::new();
//! while exchange.poll_body(&mut body) == Body::Data {}
//! assert!(body.starts_with(br#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete""#));
//! assert!(exchange.is_done());
//! ```
//!
//! [`Limits::sse_after`]: mcp_proto::limits::Limits::sse_after

mod arrival;
pub mod bounds;
mod desk;
mod dialog;
mod enter;
mod event;
mod exchange;
mod head;
mod legacy;
mod options;
mod page;
mod refusal;
mod reply;
mod request;
mod seat;
mod server;
mod serving;
mod sessions;
mod store;
mod streams;
#[cfg(test)]
mod tests;

pub use desk::{Alarm, HttpDesk, HttpHub, HttpShutdown, Judge, Runtime};
#[cfg(feature = "http-service")]
pub use desk::{HttpBody, HttpFuture, HttpService, Pace, poll_late};
pub use event::{HttpEvent, Verdict};
pub use exchange::Exchange;
pub use options::{DEFAULT_ENDPOINT, HttpOptions, SessionMode};
pub use reply::Body;
pub use server::{HttpServer, HttpServerEvent};
pub use sessions::{Errands, Sessions};
pub use store::{EventId, EventRing, EventStore, StoredEvent};
