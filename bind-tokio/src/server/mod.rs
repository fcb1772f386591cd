//! Serving: what runs handlers on tokio, and where connections come from.

mod listen;
mod serve;
mod stdio;
mod thread_reader;

pub use listen::Listener;
pub use mcp_server_core::Shutdown;
pub use serve::serve;
pub use stdio::serve_stdio;
