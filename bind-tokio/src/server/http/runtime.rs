//! Tokio, as the HTTP server's machines see it.

use std::{
    sync::OnceLock,
    task::{Context, Poll},
};

use mcp_proto::time::Instant;
use mcp_server_core::{
    BoxFuture, Job,
    http::{Alarm, Runtime},
};
use tokio::runtime::Handle;

use crate::{
    clock::{self, Clock},
    threads,
};

/// Tokio's time, tasks and threads.
#[derive(Debug)]
pub(super) struct Tokio {
    clock: Clock,
    // Handlers may tell something from threads that are not the runtime's.
    handle: OnceLock<Handle>,
}

impl Tokio {
    pub(super) fn new() -> Self {
        Self {
            clock: Clock::start(),
            handle: OnceLock::new(),
        }
    }

    // Asked for the first time by a request, which is served on the runtime.
    fn handle(&self) -> &Handle {
        self.handle.get_or_init(Handle::current)
    }
}

impl Runtime for Tokio {
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
        self.handle().spawn(future);
    }

    fn block(&self, job: Job) {
        threads::run_within(self.handle().clone(), || job.run());
    }

    fn fill(&self, bytes: &mut [u8]) -> bool {
        getrandom::fill(bytes).is_ok()
    }

    fn warn(&self, message: &str) {
        eprintln!("{message}");
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
