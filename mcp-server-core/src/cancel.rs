//! Telling a running handler that its outcome is no longer wanted.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

/// Tells whether a call was cancelled: by the client, its deadline, or the end of the connection.
///
/// Cheap to clone; all clones are one token. With the feature `std` a handler can also wait for it.
///
/// ```
/// use mcp_server_core::CancelToken;
///
/// let token = CancelToken::new();
/// let seen_by_handler = token.clone();
/// token.cancel();
/// assert!(seen_by_handler.is_cancelled());
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    cancelled: AtomicBool,
    #[cfg(feature = "std")]
    waiters: waiting::Waiters,
    // Here because every run of a handler has a token of its own anyway.
    #[cfg(feature = "std")]
    asks: crate::ask::Asks,
}

impl CancelToken {
    /// A token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same token for another call, if nobody else holds it and it was never cancelled.
    pub(crate) fn reuse(mut self) -> Option<Self> {
        let shared = Arc::get_mut(&mut self.shared)?;
        #[cfg(feature = "std")]
        shared.waiters.forget();
        (!*shared.cancelled.get_mut()).then_some(self)
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::Acquire)
    }

    /// What this run of the handler has asked.
    #[cfg(feature = "std")]
    pub(crate) fn asks(&self) -> &crate::ask::Asks {
        &self.shared.asks
    }

    /// Cancels it, for good.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Release);
        #[cfg(feature = "std")]
        self.shared.waiters.wake_all();
    }
}

#[cfg(feature = "std")]
mod waiting {
    use super::{CancelToken, Ordering};
    use core::{
        future::Future,
        pin::Pin,
        task::{Context, Poll, Waker},
        time::Duration,
    };
    use std::{
        sync::{Condvar, Mutex, PoisonError},
        vec::Vec,
    };

    // Allocates nothing until somebody waits.
    #[derive(Debug, Default)]
    pub(super) struct Waiters {
        wakers: Mutex<Vec<Waker>>,
        changed: Condvar,
    }

    impl Waiters {
        /// Those that are left have stopped waiting.
        pub(super) fn forget(&mut self) {
            self.wakers
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
        }

        pub(super) fn wake_all(&self) {
            let wakers =
                core::mem::take(&mut *self.wakers.lock().unwrap_or_else(PoisonError::into_inner));
            self.changed.notify_all();
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    impl CancelToken {
        /// Blocks this thread until the token is cancelled, but no longer than `timeout`. Tells
        /// whether it was cancelled.
        #[must_use]
        pub fn wait(&self, timeout: Duration) -> bool {
            let waiters = &self.shared.waiters;
            let guard = waiters
                .wakers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let waited = waiters
                .changed
                .wait_timeout_while(guard, timeout, |_| !self.is_cancelled());
            drop(waited);
            self.is_cancelled()
        }

        /// A future that is ready once the token is cancelled.
        pub fn cancelled(&self) -> Cancelled {
            Cancelled {
                token: self.clone(),
            }
        }
    }

    /// Ready once its token is cancelled; made by [`CancelToken::cancelled`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Cancelled {
        token: CancelToken,
    }

    impl Future for Cancelled {
        type Output = ();

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            let shared = &self.token.shared;
            let mut wakers = shared
                .waiters
                .wakers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            // Looked at under the lock that `wake_all` takes after setting it: no wake-up is lost.
            if shared.cancelled.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                wakers.push(cx.waker().clone());
            }
            Poll::Pending
        }
    }
}

#[cfg(feature = "std")]
pub use waiting::Cancelled;

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn waiting_ends_with_the_cancellation() {
        let token = CancelToken::new();
        assert!(!token.wait(Duration::from_millis(1)));
        let waiting = token.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "a second thread is what is tested"
        )]
        let thread = std::thread::spawn(move || waiting.wait(Duration::from_secs(60)));
        token.cancel();
        assert!(thread.join().unwrap());
    }
}
