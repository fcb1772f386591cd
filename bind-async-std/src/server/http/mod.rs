//! Serving over HTTP, on hyper.
//!
//! A connection is one task. Whatever its request calls runs in that task, as long as it needs not
//! outlive the request; see [`HttpHub`](mcp_server_core::http::HttpHub).

mod connection;
mod listener;
mod runtime;
mod signals;

pub use listener::{HttpListener, serve_http};
