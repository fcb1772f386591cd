//! What an async binding adds to an HTTP server: everything that is not the protocol.

use alloc::boxed::Box;
use core::{
    fmt,
    task::{Context, Poll},
};

use mcp_proto::time::Instant;

use crate::{desk::Job, handler::BoxFuture};

/// Time, randomness, tasks and threads, lent by a binding.
pub trait Runtime: fmt::Debug + Send + Sync {
    /// What the time is.
    fn now(&self) -> Instant;

    /// A new alarm, on the same clock.
    fn alarm(&self) -> Box<dyn Alarm>;

    /// Has a task of its own see to a future.
    fn spawn(&self, future: BoxFuture<()>);

    /// Runs a job on a thread that may block.
    fn block(&self, job: Job);

    /// Fills a buffer from a cryptographic source; false where the system has none.
    fn fill(&self, bytes: &mut [u8]) -> bool;

    /// Tells whoever runs the server, on standard error for one.
    fn warn(&self, message: &str);
}

/// Wakes a task at a deadline that moves.
pub trait Alarm: Send + Sync {
    /// Ready when it has gone off, which may be before `deadline`; never without one. Otherwise the
    /// task is woken when it does.
    fn poll(&mut self, deadline: Option<Instant>, context: &mut Context<'_>) -> Poll<()>;
}
