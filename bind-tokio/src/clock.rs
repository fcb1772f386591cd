//! The machines' time from tokio's clock, so that a paused one in a test pauses them as well.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use mcp_proto::time::Instant;
use tokio::time::Sleep;

/// Deadlines beyond this are as good as none, and within what every system's clock can count.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A clock that starts when it is made, at the time since 1970: other processes' clocks tell the
/// same, and what one of them has sealed expires in all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: tokio::time::Instant,
    began: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            start: tokio::time::Instant::now(),
            began: Instant::ZERO
                .saturating_add(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()),
        }
    }

    pub(crate) fn now(self) -> Instant {
        self.began.saturating_add(self.start.elapsed())
    }

    fn to_tokio(self, time: Instant) -> tokio::time::Instant {
        self.start + time.duration_since(self.began).min(FAR)
    }
}

/// Wakes a task at a deadline that moves all the time.
#[derive(Debug)]
pub(crate) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    // When it will go off; never, at first.
    at: Instant,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Self {
            sleep: None,
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
        match &mut self.sleep {
            Some(_) if self.at <= deadline => {}
            Some(sleep) => sleep.as_mut().reset(clock.to_tokio(deadline)),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(clock.to_tokio(deadline)))),
        }
        self.at = self.at.min(deadline);
        let gone_off = self
            .sleep
            .as_mut()
            .map_or(Poll::Pending, |sleep| sleep.as_mut().poll(context));
        if gone_off.is_ready() {
            self.at = Instant::MAX;
        }
        gone_off
    }
}
