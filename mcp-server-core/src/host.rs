//! What a binding lends to work that outlives the connection it was asked for on.

use alloc::{boxed::Box, sync::Arc};
use core::{fmt, time::Duration};

use crate::handler::BoxFuture;

/// What a binding lends to work that outlives the connection it was asked for on: a place to run
/// it, the time of day, and entropy.
///
/// A binding gives it to the server it serves with
/// [`Server::hosted_by`](crate::Server::hosted_by). A server without one makes no tasks.
pub trait Host: Send + Sync + fmt::Debug {
    /// Runs this to its end, whatever becomes of any connection. What is dropped instead is
    /// answered for by its own guard.
    fn spawn(&self, run: Detached);

    /// Runs this once so long has passed, in the place of what it was told so before and has not
    /// run yet: it keeps one thing only. That may be dropped when the host is.
    fn run_after(&self, wait: Duration, run: Detached);

    /// How long ago 1970 began, in UTC.
    fn unix_time(&self) -> Duration;

    /// Bytes from a cryptographic source; `None` where it fails, so that nothing guessable is
    /// made.
    fn random(&self) -> Option<[u8; 16]>;
}

/// Work without a connection.
#[non_exhaustive]
pub enum Detached {
    /// May block: to be called on a thread where that harms nobody.
    Blocking(Box<dyn FnOnce() + Send>),
    /// To be polled to its end.
    Future(BoxFuture<()>),
}

impl Detached {
    pub(crate) fn blocking(run: impl FnOnce() + Send + 'static) -> Self {
        Self::Blocking(Box::new(run))
    }
}

impl fmt::Debug for Detached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blocking(_) => "Detached::Blocking",
            Self::Future(_) => "Detached::Future",
        })
    }
}

/// A host that many share.
pub(crate) type SharedHost = Arc<dyn Host>;

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use alloc::format;
    use core::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn detached_work_is_not_begun_before_its_host_runs_it() {
        let ran = Arc::new(AtomicBool::new(false));
        let runs = Arc::clone(&ran);
        let work = Detached::blocking(move || runs.store(true, Ordering::Relaxed));
        assert_eq!(format!("{work:?}"), "Detached::Blocking");
        assert!(!ran.load(Ordering::Relaxed));
        let Detached::Blocking(run) = work else {
            panic!("made of a function that may block");
        };
        run();
        assert!(ran.load(Ordering::Relaxed));
        let future = Detached::Future(Box::pin(async {}));
        assert_eq!(format!("{future:?}"), "Detached::Future");
    }
}
