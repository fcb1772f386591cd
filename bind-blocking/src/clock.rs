//! The machines' time from the system's monotonic clock.

use std::time::{Duration, SystemTime};

use mcp_proto::time::Instant;

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

    /// How long it is until `deadline`; zero once it has come.
    pub(crate) fn until(self, deadline: Instant) -> Duration {
        deadline.duration_since(self.now())
    }
}
