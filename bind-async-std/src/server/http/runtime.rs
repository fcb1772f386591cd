//! An executor with `async-io`'s timers, as the HTTP server's machines see it.

use std::{
    fmt,
    marker::PhantomData,
    task::{Context, Poll},
};

use mcp_proto::time::Instant;
use mcp_server_core::{
    BoxFuture, Job,
    http::{Alarm, Runtime},
};

use crate::clock::{self, Clock};

/// Time, tasks and threads.
pub(super) struct Lent<R> {
    clock: Clock,
    runtime: PhantomData<fn() -> R>,
}

impl<R> Lent<R> {
    pub(super) fn new() -> Self {
        Self {
            clock: Clock::start(),
            runtime: PhantomData,
        }
    }
}

impl<R: crate::Runtime> Runtime for Lent<R> {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn alarm(&self) -> Box<dyn Alarm> {
        Box::new(Timer {
            clock: self.clock,
            alarm: clock::Alarm::new(),
        })
    }

    fn spawn(&self, future: BoxFuture<()>) {
        R::spawn(future);
    }

    fn block(&self, job: Job) {
        blocking::unblock(|| job.run()).detach();
    }

    fn fill(&self, bytes: &mut [u8]) -> bool {
        getrandom::fill(bytes).is_ok()
    }

    fn warn(&self, message: &str) {
        eprintln!("{message}");
    }
}

impl<R> fmt::Debug for Lent<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

struct Timer {
    clock: Clock,
    alarm: clock::Alarm,
}

impl Alarm for Timer {
    fn poll(&mut self, deadline: Option<Instant>, context: &mut Context<'_>) -> Poll<()> {
        self.alarm.poll(deadline, self.clock, context)
    }
}
