//! Serving: what runs handlers, and where connections come from.

mod listen;
mod serve;
mod stdio;

pub use listen::Listener;
pub use mcp_server_core::Shutdown;
pub use serve::serve;
pub use stdio::serve_stdio;
