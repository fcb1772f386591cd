//! The machines' time from the system's monotonic clock.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use async_io::Timer;
use mcp_proto::time::Instant;

/// Deadlines beyond this are as good as none, and within what every system's clock can count.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A clock that starts when it is made, at the time since 1970: other processes' clocks tell the
/// same, and what one of them has sealed expires in all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: std::time::Instant,
    began: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            start: std::time::Instant::now(),
            began: Instant::ZERO
                .saturating_add(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()),
        }
    }

    pub(crate) fn now(self) -> Instant {
        self.began.saturating_add(self.start.elapsed())
    }

    fn to_std(self, time: Instant) -> std::time::Instant {
        self.start + time.duration_since(self.began).min(FAR)
    }
}

/// Wakes a task at a deadline that moves all the time.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Timer,
    // When it will go off; never, at first.
    at: Instant,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Self {
            timer: Timer::never(),
            at: Instant::MAX,
        }
    }

    /// Ready when it has gone off, which may be before `deadline`: one that is set already for an
    /// earlier time is left alone, since setting it costs more than waking up once for nothing.
    pub(crate) fn poll(
        &mut self,
        deadline: Option<Instant>,
        clock: Clock,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(deadline) = deadline else {
            return Poll::Pending;
        };
        if deadline < self.at {
            self.timer.set_at(clock.to_std(deadline));
            self.at = deadline;
        }
        let gone_off = Pin::new(&mut self.timer).poll(context).map(drop);
        if gone_off.is_ready() {
            self.at = Instant::MAX;
        }
        gone_off
    }
}
