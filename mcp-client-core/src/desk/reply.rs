//! A result that another thread or task will bring: to be waited for, or awaited.

use alloc::sync::Arc;
use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{desk::call::Answer, error::CallError};

/// A call on its way: block with [`wait`](Self::wait), or `.await` it.
///
/// It always ends: with the answer, the call's timeout, or the end of the connection. Dropping it
/// cancels the call, and the server is told.
#[must_use = "dropping it cancels the call"]
pub struct Reply<T> {
    // `None` once the result was taken.
    call: Option<Arc<dyn Answer<T>>>,
}

impl<T> Reply<T> {
    pub(super) fn new(call: Arc<dyn Answer<T>>) -> Self {
        Self { call: Some(call) }
    }

    /// Blocks until the result is there.
    ///
    /// # Errors
    /// As the call has failed.
    pub fn wait(mut self) -> Result<T, CallError> {
        match self.call.take() {
            Some(call) => call.wait(),
            None => Err(CallError::Cancelled),
        }
    }
}

impl<T> Future for Reply<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(call) = &self.call else {
            return Poll::Pending;
        };
        let outcome = call.poll(context);
        if outcome.is_ready() {
            self.call = None;
        }
        outcome
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.abandon();
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.call.as_ref().and_then(|call| call.id());
        f.debug_struct("Reply")
            .field("call", &id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::{
        sync::atomic::{AtomicUsize, Ordering},
        task::Waker,
    };
    use mcp_proto::rpc::CallId;

    /// A call that has ended with 7.
    #[derive(Default)]
    struct Ended {
        abandoned: AtomicUsize,
    }

    impl Answer<u8> for Ended {
        fn wait(&self) -> Result<u8, CallError> {
            Ok(7)
        }

        fn poll(&self, _: &mut Context<'_>) -> Poll<Result<u8, CallError>> {
            Poll::Ready(Ok(7))
        }

        fn abandon(&self) {
            self.abandoned.fetch_add(1, Ordering::Relaxed);
        }

        fn id(&self) -> Option<CallId> {
            None
        }
    }

    #[test]
    fn a_result_is_given_once_and_what_was_given_is_not_cancelled() {
        let call = Arc::new(Ended::default());
        let reply = || Reply::new(Arc::clone(&call) as Arc<dyn Answer<u8>>);
        let context = &mut Context::from_waker(Waker::noop());
        let mut awaited = reply();
        let mut poll = || Pin::new(&mut awaited).poll(context);
        assert_eq!([poll(), poll()], [Poll::Ready(Ok(7)), Poll::Pending]);
        assert_eq!(awaited.wait(), Err(CallError::Cancelled));
        assert_eq!(reply().wait(), Ok(7));
        assert_eq!(call.abandoned.load(Ordering::Relaxed), 0);
        drop(reply());
        assert_eq!(call.abandoned.load(Ordering::Relaxed), 1);
    }
}
