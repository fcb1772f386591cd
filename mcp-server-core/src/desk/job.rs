//! A handler that may block, on its way to a thread.

use alloc::sync::Arc;
use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::inbox::{Outlet, Posted};
use crate::{
    call::{Ticket, Work},
    cx::Cx,
    handler::SyncFn,
};

/// A handler that may block, to be [`run`](Self::run) on a thread where that harms nobody. Its
/// outcome finds its own way back. One that is dropped instead is answered as an internal error.
#[must_use = "the peer waits for an answer"]
pub struct Job {
    parts: Option<Parts>,
    outlet: Arc<dyn Outlet>,
}

struct Parts {
    ticket: Ticket,
    run: Arc<SyncFn>,
    work: Work,
    cx: Cx,
}

impl Job {
    pub(super) fn new(
        ticket: Ticket,
        run: Arc<SyncFn>,
        work: Work,
        cx: Cx,
        outlet: Arc<dyn Outlet>,
    ) -> Self {
        Self {
            parts: Some(Parts {
                ticket,
                run,
                work,
                cx,
            }),
            outlet,
        }
    }

    /// Runs the handler and delivers its outcome; a panic goes no further. One that was cancelled
    /// before it has begun does not begin.
    pub fn run(mut self) {
        let Some(Parts {
            ticket,
            run,
            work,
            cx,
        }) = self.parts.take()
        else {
            return;
        };
        let call = ticket.call();
        let outcome = if cx.is_cancelled() {
            None
        } else {
            catch_unwind(AssertUnwindSafe(|| run(work, cx))).ok()
        };
        self.outlet.post(match outcome {
            Some(outcome) => Posted::Done(ticket, outcome),
            None => Posted::Lost(call),
        });
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(parts) = &self.parts {
            self.outlet.post(Posted::Lost(parts.ticket.call()));
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.parts.as_ref().map(|parts| parts.ticket.call());
        f.debug_struct("Job")
            .field("call", &call)
            .finish_non_exhaustive()
    }
}
