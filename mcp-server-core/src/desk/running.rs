//! The async handlers of one connection, polled by the task that drives it.

use alloc::{collections::BTreeMap, sync::Arc, task::Wake};
use core::{
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mcp_proto::rpc::CallId;

use super::inbox::Inbox;
use crate::{
    call::{Outcome, Ticket},
    handler::BoxFuture,
};

/// What became of a handler that was polled.
#[derive(Debug)]
pub(super) enum Step {
    /// It will be woken; or there was no such handler any more.
    Waiting,
    Done(Ticket, Outcome),
    /// It panicked.
    Lost(CallId),
}

pub(super) struct Running {
    inbox: Arc<Inbox>,
    // At most as many as there may be calls in flight.
    futures: BTreeMap<u64, Future>,
    // For the next future. One that is ready at once leaves it to the one after.
    spare: Alarm,
    next_key: u64,
}

struct Future {
    ticket: Ticket,
    future: BoxFuture<Outcome>,
    alarm: Alarm,
}

/// Wakes one future: its key goes to the inbox, and the task follows.
struct Alarm {
    shared: Arc<Shared>,
    waker: Waker,
}

struct Shared {
    inbox: Arc<Inbox>,
    key: u64,
    // Its key is in the inbox already.
    ringing: AtomicBool,
}

impl Alarm {
    fn new(inbox: &Arc<Inbox>, key: u64) -> Self {
        let shared = Arc::new(Shared {
            inbox: Arc::clone(inbox),
            key,
            ringing: AtomicBool::new(false),
        });
        Self {
            waker: Waker::from(Arc::clone(&shared)),
            shared,
        }
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.ringing.swap(true, Ordering::AcqRel) {
            self.inbox.wake_future(self.key);
        }
    }
}

impl Running {
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        Self {
            futures: BTreeMap::new(),
            spare: Alarm::new(&inbox, 0),
            next_key: 1,
            inbox,
        }
    }

    /// Polls a handler for the first time, and keeps it if it has to wait.
    pub(super) fn start(&mut self, ticket: Ticket, mut future: BoxFuture<Outcome>) -> Step {
        match poll(&mut future, &self.spare) {
            Poll::Ready(Some(outcome)) => {
                discard(future);
                Step::Done(ticket, outcome)
            }
            Poll::Pending => {
                let key = self.next_key;
                self.next_key += 1;
                let alarm = core::mem::replace(&mut self.spare, Alarm::new(&self.inbox, key));
                self.futures.insert(
                    alarm.shared.key,
                    Future {
                        ticket,
                        future,
                        alarm,
                    },
                );
                Step::Waiting
            }
            Poll::Ready(None) => {
                discard(future);
                Step::Lost(ticket.call())
            }
        }
    }

    /// Goes on with the handler that was woken.
    pub(super) fn resume(&mut self, key: u64) -> Step {
        if key == self.spare.shared.key {
            // Left by a handler that is done and woke itself before.
            self.spare.shared.ringing.store(false, Ordering::Release);
            return Step::Waiting;
        }
        let Some(waiting) = self.futures.get_mut(&key) else {
            return Step::Waiting;
        };
        // Before it is polled, so that a wake-up from now on counts anew.
        waiting.alarm.shared.ringing.store(false, Ordering::Release);
        let polled = poll(&mut waiting.future, &waiting.alarm);
        let Poll::Ready(ended) = polled else {
            return Step::Waiting;
        };
        let Some(Future { ticket, future, .. }) = self.futures.remove(&key) else {
            return Step::Waiting;
        };
        discard(future);
        match ended {
            Some(outcome) => Step::Done(ticket, outcome),
            None => Step::Lost(ticket.call()),
        }
    }

    /// Drops the handler of a call whose outcome is not wanted. Tells whether it was here.
    pub(super) fn cancel(&mut self, call: CallId) -> bool {
        let key = self
            .futures
            .iter()
            .find(|(_, future)| future.ticket.call() == call)
            .map(|(key, _)| *key);
        let Some(future) = key.and_then(|key| self.futures.remove(&key)) else {
            return false;
        };
        discard(future.future);
        true
    }

    /// Drops all of them.
    pub(super) fn clear(&mut self) {
        while let Some((_, future)) = self.futures.pop_first() {
            discard(future.future);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.clear();
    }
}

fn poll(future: &mut BoxFuture<Outcome>, alarm: &Alarm) -> Poll<Option<Outcome>> {
    poll_caught(future, &mut Context::from_waker(&alarm.waker))
}

/// Polls what users have written: ready with `None` where it has panicked.
pub(crate) fn poll_caught<T>(
    future: &mut BoxFuture<T>,
    context: &mut Context<'_>,
) -> Poll<Option<T>> {
    match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    }
}

// What a handler holds may panic when it is dropped; that is no other call's concern.
pub(crate) fn discard(future: BoxFuture<Outcome>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
}
