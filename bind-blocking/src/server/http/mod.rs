//! Serving over HTTP, on threads.
//!
//! ```text
//!   sockets ──▶ poller ── input ──▶ worker: read ▶ Channel ▶ Exchange ▶ handler ▶ Exchange ▶ write
//!                 │ ▲                  │ ▲
//!                 │ └── after a pause ─┘ └── HttpServer: sessions of the handshake revisions
//!                 └─ deadlines, streams, changes, clients that go away
//! ```
//!
//! A worker serves a connection for as long as its client keeps it busy. Everybody else is watched
//! by one thread, so that idle connections and open streams cost no threads. A connection's
//! [`Channel`](channel::Channel) is its protocol without its socket.

mod body;
mod buffer;
mod channel;
mod connection;
mod head;
mod hub;
mod listener;
mod poller;
mod response;
mod signals;
mod worker;

pub use listener::{HttpListener, HttpShutdown, serve_http};
