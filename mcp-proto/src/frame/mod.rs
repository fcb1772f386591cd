//! From bytes to messages: where one message ends and the next begins.

mod line;
pub mod sse;

pub use line::{FrameError, Line, LineDecoder};
pub use sse::{SseDecoder, SseEvent};
