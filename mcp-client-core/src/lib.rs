//! Model Context Protocol clients without I/O: every revision, driven by any loop.
//!
//! ```text
//!  callers ──▶ Caller ─┐         ┌─▶ Session ───────────────────────────┐
//!   (any thread)       ▼         │   eras, calls, questions of the      │
//!            bytes ─▶ Desk ─▶ Client   server, subscriptions            ├─▶ poll_task | poll_event
//!            clock ─▶  │      (lines)                                   └─▶ poll_transmit ─▶ bytes
//!                      └─▶ Task: a handler of the program and its question
//! ```
//!
//! Three layers, each usable by itself:
//!
//! - [`Session`] knows messages, and nothing of bytes: what all transports have in common.
//! - [`Client`] puts it on a byte stream. This is the machine for a loop of your own; its page has
//!   one exchange, byte by byte.
//! - [`Desk`] has many callers on any threads or tasks, and handlers that are closures: what the
//!   bindings share. Most people only meet the bindings' client, whose methods come from
//!   [`client_methods!`].
//!
//! # A loop
//!
//! ```
//! use mcp_client_core::{CallOptions, Client, Config, Event, mcp_proto};
//! use mcp_proto::{request::ListTools, time::Instant, types::Implementation};
//!
//! // The other end of a pipe: a server of 2026-07-28 that has one tool.
//! fn server(line: &str) -> &'static str {
//!     match line {
//!         line if line.contains("server/discover") => concat!(
//!             r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"#,
//!             r#""capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}}"#, "\n"
//!         ),
//!         _ => concat!(
//!             r#"{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","#,
//!             r#""tools":[{"name":"add","inputSchema":{"type":"object"}}],"ttlMs":0,"cacheScope":"private"}}"#, "\n"
//!         ),
//!     }
//! }
//!
//! let now = Instant::ZERO; // of a clock of yours, before every input
//! let mut client = Client::new(Config::new(Implementation::new("app", "1.0.0")), now);
//! let list = client.list_all::<ListTools>(&CallOptions::default(), now)?;
//!
//! let mut out = Vec::new();
//! let tools = 'done: loop {
//!     // 1. Events first: this is where the work is done.
//!     while let Some(event) = client.poll_event() {
//!         match event {
//!             Event::Done(id) if id == list.id() => break 'done client.take(list).expect("it has ended"),
//!             Event::Closed(how) => panic!("{how}"),
//!             _ => {}
//!         }
//!     }
//!     // 2. Then what is to be sent. A real loop writes it to a pipe.
//!     out.clear();
//!     while client.poll_transmit(&mut out) {}
//!     let line = core::str::from_utf8(&out).expect("messages are UTF-8");
//!     // 3. Then waiting: for bytes, for a command, or until `poll_timeout`.
//!     assert!(client.wants_read() && client.poll_timeout().is_some());
//!     client.handle_bytes(server(line).as_bytes(), now);
//! };
//! assert_eq!(tools?[0].name, "add");
//! assert!(out.starts_with(br#"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"_meta":{"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Four kinds of method
//!
//! | kind | methods | |
//! |---|---|---|
//! | inputs | `handle_bytes`, `handle_eof`, `handle_timeout` | never fail, only record |
//! | outputs | `poll_event`, `poll_transmit`, `poll_timeout`, `wants_read` | until `None` or `false`, in this order |
//! | commands | `call`, `list_all`, `ping`, `set_log_level`, `subscribe`, `ready` | give a [`Pending`], ended by [`Event::Done`] |
//! | | `take`, `cancel`, `forget`, `answer`, `notify`, `unsubscribe`, `close` | done at once |
//! | views | `server`, `failure`, `closed`, `is_closed` | |
//!
//! # Eras
//!
//! Callers and handlers cannot tell in which era a connection is; [`EraMode`] says how it is found.
//!
//! | | until 2025-11-25 | since 2026-07-28 |
//! |---|---|---|
//! | opened by | `initialize` | `server/discover`, and `_meta` on every request |
//! | [`Event::Input`] is | a request of the server | a part of an `input_required` result; the call is sent again with the answers |
//! | [`Session::ping`] | `ping` | `server/discover` |
//! | [`Session::set_log_level`] | `logging/setLevel` | `_meta` of later requests |
//! | [`Session::subscribe`] | `resources/subscribe`; the rest comes unasked and is sifted | a stream, opened again where it breaks off |
//!
//! # What can go wrong
//!
//! | | what it is | what to do |
//! |---|---|---|
//! | [`ToolFailure`] | the tool says that it failed | let the model read it |
//! | [`CallError`] | one call failed: the server's error, a timeout, the end of the connection | tell them apart |
//! | [`Misuse`] | the calling code is wrong | mend it |
//! | [`Fault`] | the server broke the rules | nothing, or a line in a log |
//! | [`Closed`] | the connection has ended, for good | connect again |
//!
//! # Limits
//!
//! All in [`Limits`](mcp_proto::limits::Limits), with their defaults and reasons.
//!
//! | limit | what happens at it |
//! |---|---|
//! | `message_bytes`, `json_depth`, `name_bytes`, `batch_messages` | the message is skipped with a [`Fault`] |
//! | `client_calls` | [`Misuse::TooManyCalls`] |
//! | `call_timeout`, `call_timeout_max` | [`CallError::TimedOut`]; the server is told |
//! | `probe_timeout` | the handshake is tried |
//! | `pages`, `list_bytes` | [`CallError::TooManyPages`], [`CallError::ListTooLong`] |
//! | `input_rounds`, `calls_in_flight` | [`CallError::Input`], or an error to the server that asked |
//! | `input_timeout` | the call times out, or the server is told that nobody answers |
//! | `listens`, `subscribed_uris`, `subscribed_topics` | [`Misuse::TooManySubscriptions`], [`Misuse::TooManyUris`], [`Misuse::TooManyTopics`] |
//! | `task_poll_min`, `task_poll_max` | a task is looked at no sooner and no later, whatever the server wants |
//! | `fetches`, `fetch_retries`, `resumptions`, `redirects` | over HTTP: calls wait for their turn; then `CallError::Http` |
//! | `connect_timeout`, `response_head_bytes`, `event_bytes` | over HTTP: `CallError::Http` |
//! | `outbound_high_water`, `outbound_stall`, `outbound_bytes` | of answers to the server: reading stops, then [`Closed::Unresponsive`] or [`Closed::Overflow`] |
//!
//! # Features
//!
//! `std` (default): [`Desk`] and what belongs to it. Without it the crate is `no_std` and needs
//! `alloc`. `http`: the front for Streamable HTTP, as a machine over the types of the `http` crate,
//! see `mcp_client_core::http`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
pub mod child;
mod client;
pub mod command;
#[cfg(feature = "std")]
mod desk;
mod error;
mod event;
mod extension;
#[cfg(feature = "std")]
mod facade;
#[cfg(feature = "std")]
mod front;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "http")]
pub mod http;
mod options;
mod output;
mod session;
pub mod tasks;

pub use client::Client;
#[cfg(feature = "std")]
pub use desk::{
    AsyncTask, Bell, Caller, ClientBuilder, Desk, IntoAnswer, Options, Refusal, Reply, StreamDesk,
    SyncTask, Task, Updates,
};
#[cfg(feature = "http")]
pub use error::HttpFailure;
pub use error::{
    CallError, Closed, Fault, InputError, Malformed, Misuse, NegotiationError, TaskError,
};
pub use event::{Change, Delivery, Event, InputAnswer, InputTicket, Progress};
pub use extension::{Extension, ExtensionMethod, Follow, FollowUp, News, Step};
#[cfg(feature = "std")]
pub use front::Front;
pub use mcp_proto;
pub use options::{CallOptions, Config, EraMode};
pub use output::{OutputError, ToolFailure, ToolOutput};
pub use serde::Serialize;
pub use session::{
    Lane, Pending, ServerDetails, Session, Subscribed, Subscription, SubscriptionId,
};
pub use tasks::{Started, Tasks};
