//! Serving: what runs handlers on tokio, and where connections come from.

mod host;
#[cfg(feature = "http-server")]
mod http;
mod listen;
mod serve;
mod stdio;
mod thread_reader;

#[cfg(feature = "http-server")]
pub use http::{HttpListener, HttpShutdown, authorized_http_service, http_service, serve_http};
pub use listen::Listener;
pub use mcp_server_core::Shutdown;
pub use serve::{serve, serve_until};
pub use stdio::{serve_stdio, serve_stdio_until};
