//! Serving: the pool of threads that drives one connection, and where connections come from.

mod block_on;
mod driver;
mod listen;
mod stdio;

pub use driver::serve;
pub use listen::{Listener, Shutdown};
pub use stdio::serve_stdio;
