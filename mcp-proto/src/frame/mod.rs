//! From bytes to messages: where one message ends and the next begins.

mod line;

pub use line::{FrameError, Line, LineDecoder};
