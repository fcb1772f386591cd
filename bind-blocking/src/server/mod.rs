//! Serving: the pool of threads that drives one connection, and where connections come from.

mod block_on;
mod driver;
mod entropy;
mod host;
#[cfg(feature = "http-server")]
mod http;
mod listen;
mod stdio;

pub use driver::serve;
#[cfg(feature = "http-server")]
pub use http::{HttpListener, HttpShutdown, serve_http};
pub use listen::{Listener, Shutdown};
pub use stdio::serve_stdio;
