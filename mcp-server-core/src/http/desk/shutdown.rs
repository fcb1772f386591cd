//! The end of a listener, in two steps.

use crate::cancel::{CancelToken, Cancelled};

/// Ends an HTTP listener from another task or thread; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct HttpShutdown {
    graceful: CancelToken,
    at_once: CancelToken,
}

impl HttpShutdown {
    /// One that has not been asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets nobody in any more, and lets those who are in finish. Asked again, it does not.
    pub fn shutdown(&self) {
        if self.graceful.is_cancelled() {
            self.at_once.cancel();
        }
        self.graceful.cancel();
    }

    /// For a listener: ready once it was asked for.
    pub fn requested(&self) -> Cancelled {
        self.graceful.cancelled()
    }

    /// For a listener: ready once it was asked for again.
    pub fn insisted(&self) -> Cancelled {
        self.at_once.cancelled()
    }
}
