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
        {
            shared.waiters.forget();
            shared.asks.forget();
        }
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
        wakers: Mutex<Wakers>,
        changed: Condvar,
    }

    // One for each future that waits, under a number of its own.
    #[derive(Debug, Default)]
    pub(super) struct Wakers {
        waiting: Vec<(u64, Waker)>,
        last: u64,
    }

    impl Wakers {
        fn keep(&mut self, key: &mut Option<u64>, waker: &Waker) {
            let own = |(number, _): &&mut (u64, Waker)| Some(*number) == *key;
            if let Some((_, kept)) = self.waiting.iter_mut().find(own) {
                return kept.clone_from(waker);
            }
            self.last += 1;
            *key = Some(self.last);
            self.waiting.push((self.last, waker.clone()));
        }
    }

    impl Waiters {
        /// Those that are left have stopped waiting.
        pub(super) fn forget(&mut self) {
            self.wakers
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner)
                .waiting
                .clear();
        }

        #[cfg(test)]
        pub(super) fn kept(&self) -> usize {
            let wakers = self.wakers.lock();
            wakers.unwrap_or_else(PoisonError::into_inner).waiting.len()
        }

        pub(super) fn wake_all(&self) {
            let wakers =
                core::mem::take(&mut *self.wakers.lock().unwrap_or_else(PoisonError::into_inner));
            self.changed.notify_all();
            let waiting = wakers.waiting.into_iter();
            waiting.for_each(|(_, waker)| waker.wake());
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
                key: None,
            }
        }
    }

    /// Ready once its token is cancelled; made by [`CancelToken::cancelled`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Cancelled {
        token: CancelToken,
        // Under which its waker is kept.
        key: Option<u64>,
    }

    impl Drop for Cancelled {
        fn drop(&mut self) {
            let Some(key) = self.key else { return };
            let wakers = &self.token.shared.waiters.wakers;
            let mut wakers = wakers.lock().unwrap_or_else(PoisonError::into_inner);
            wakers.waiting.retain(|(number, _)| *number != key);
        }
    }

    impl Future for Cancelled {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            let Self { token, key } = &mut *self;
            let shared = &token.shared;
            let mut wakers = shared
                .waiters
                .wakers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            // Looked at under the lock that `wake_all` takes after setting it: no wake-up is lost.
            if shared.cancelled.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            wakers.keep(key, cx.waker());
            Poll::Pending
        }
    }
}

#[cfg(feature = "std")]
pub use waiting::Cancelled;

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use core::{future::Future, pin::pin, task::Context, time::Duration};

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

    #[test]
    fn a_future_keeps_one_waker_however_often_it_is_polled() {
        struct Count(core::sync::atomic::AtomicUsize);
        impl alloc::task::Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let token = CancelToken::new();
        let kept = || token.shared.waiters.kept();
        let (mut first, mut second) = (token.cancelled(), token.cancelled());
        let counts: [Arc<Count>; 3] = core::array::from_fn(|_| Arc::new(Count(Default::default())));
        for count in &counts {
            let waker = Arc::clone(count).into();
            let mut context = Context::from_waker(&waker);
            assert!(pin!(&mut first).poll(&mut context).is_pending());
            assert!(pin!(&mut second).poll(&mut context).is_pending());
            assert_eq!(kept(), 2);
        }
        drop(second);
        assert_eq!(kept(), 1);
        token.cancel();
        let woken = counts.map(|count| count.0.load(Ordering::Relaxed));
        assert_eq!(woken, [0, 0, 1], "the last waker, once");
        assert!(token.clone().reuse().is_none() && token.reuse().is_none());
    }
}
