//! The machines' time from the system's monotonic clock.

use std::time::Duration;

use mcp_proto::time::Instant;

/// A clock that starts when it is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: std::time::Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }

    pub(crate) fn now(self) -> Instant {
        Instant::ZERO.saturating_add(self.start.elapsed())
    }

    /// How long it is until `deadline`; zero once it has come.
    pub(crate) fn until(self, deadline: Instant) -> Duration {
        deadline.duration_since(self.now())
    }
}
