//! A result that another thread or task will bring: to be waited for, or awaited.

use alloc::sync::Arc;
use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use mcp_proto::rpc::CallId;

use crate::{
    desk::Shared,
    error::{CallError, Closed},
};

/// A call on its way: block with [`wait`](Self::wait), or `.await` it.
///
/// It always ends: with the answer, the call's timeout, or the end of the connection. Dropping it
/// cancels the call, and the server is told.
#[must_use = "dropping it cancels the call"]
pub struct Reply<T> {
    // `None` once the result was taken.
    slot: Option<Arc<Slot<T>>>,
}

/// Where a result is put down and picked up.
pub(crate) struct Slot<T> {
    shared: Arc<Shared>,
    state: Mutex<State<T>>,
    filled: Condvar,
}

struct State<T> {
    outcome: Option<Result<T, CallError>>,
    waker: Option<Waker>,
    call: Option<CallId>,
    abandoned: bool,
}

/// The duty to fill a slot: a dropped one fills it with [`CallError::Lost`], as the connection is.
pub(crate) struct Fill<T>(Option<Arc<Slot<T>>>);

pub(crate) fn slot<T>(shared: Arc<Shared>) -> (Fill<T>, Reply<T>) {
    let state = State {
        outcome: None,
        waker: None,
        call: None,
        abandoned: false,
    };
    let slot = Arc::new(Slot {
        shared,
        state: Mutex::new(state),
        filled: Condvar::new(),
    });
    (Fill(Some(Arc::clone(&slot))), Reply { slot: Some(slot) })
}

impl<T> Slot<T> {
    // A panic elsewhere leaves the state whole: it is only ever replaced.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, outcome: Result<T, CallError>) {
        let waker = {
            let mut state = self.lock();
            state.outcome = Some(outcome);
            state.waker.take()
        };
        self.filled.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Fill<T> {
    /// Whether nobody waits any longer.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.as_ref().is_none_or(|slot| slot.lock().abandoned)
    }

    /// Says which call it is, so that it can be cancelled; `false` if nobody waits any longer.
    pub(crate) fn started(&self, call: CallId) -> bool {
        self.0.as_ref().is_some_and(|slot| {
            let mut state = slot.lock();
            state.call = Some(call);
            !state.abandoned
        })
    }

    pub(crate) fn fill(mut self, outcome: Result<T, CallError>) {
        if let Some(slot) = self.0.take() {
            slot.fill(outcome);
        }
    }
}

impl<T> Drop for Fill<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            let how = slot.shared.closed().unwrap_or(Closed::Local);
            slot.fill(Err(CallError::Lost(how)));
        }
    }
}

impl<T> Reply<T> {
    /// Blocks this thread until the call has ended.
    ///
    /// # Errors
    /// As the call has failed.
    pub fn wait(mut self) -> Result<T, CallError> {
        let Some(slot) = self.slot.take() else {
            return Err(CallError::Cancelled);
        };
        let unfilled = |state: &mut State<T>| state.outcome.is_none();
        let filled = slot.filled.wait_while(slot.lock(), unfilled);
        let outcome = filled
            .unwrap_or_else(PoisonError::into_inner)
            .outcome
            .take();
        // It is there: that was waited for.
        outcome.unwrap_or(Err(CallError::Cancelled))
    }
}

impl<T> Future for Reply<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(slot) = &self.slot else {
            return Poll::Pending;
        };
        let outcome = {
            let mut state = slot.lock();
            let outcome = state.outcome.take();
            if outcome.is_none()
                && !state
                    .waker
                    .as_ref()
                    .is_some_and(|waker| waker.will_wake(cx.waker()))
            {
                state.waker = Some(cx.waker().clone());
            }
            outcome
        };
        match outcome {
            Some(outcome) => {
                self.slot = None;
                Poll::Ready(outcome)
            }
            None => Poll::Pending,
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        let Some(slot) = self.slot.take() else {
            return;
        };
        let call = {
            let mut state = slot.lock();
            state.abandoned = true;
            match state.outcome.take() {
                Some(_) => None,
                None => state.call,
            }
        };
        if let Some(call) = call {
            slot.shared.forget(call);
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field(
                "call",
                &self.slot.as_ref().and_then(|slot| slot.lock().call),
            )
            .finish_non_exhaustive()
    }
}
