//! Serving over HTTP, on hyper.
//!
//! A connection is one task. Whatever its request calls runs in that task, as long as it needs not
//! outlive the request; see [`HttpHub`](mcp_server_core::http::HttpHub).

mod connection;
mod listener;
mod runtime;
mod service;
mod signals;

pub use listener::{HttpListener, serve_http};
pub use mcp_server_core::http::HttpShutdown;
pub use service::{authorized_http_service, http_service};
