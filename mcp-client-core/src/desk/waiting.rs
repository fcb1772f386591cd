//! Who waits for which call.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use mcp_proto::{rpc::CallId, types::Task};

use crate::{desk::handlers::Listener, event::Progress, session::Session};

/// What to do when a call ends, and while it goes on.
pub(crate) struct Waiter {
    pub(crate) finish: Box<dyn FnOnce(&mut Session) + Send>,
    pub(crate) on_progress: Option<Listener<Progress>>,
    pub(crate) on_task: Option<Listener<Task>>,
}

/// The waiters, by their calls. Searched from the end, where the youngest is; a list rather than a
/// map, so that a call costs no node of its own.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Vec<(CallId, Waiter)>);

impl Waiting {
    pub(crate) fn insert(&mut self, call: CallId, waiter: Waiter) {
        self.0.push((call, waiter));
    }

    pub(crate) fn get(&self, call: CallId) -> Option<&Waiter> {
        self.place(call).map(|at| &self.0[at].1)
    }

    pub(crate) fn remove(&mut self, call: CallId) -> Option<Waiter> {
        self.place(call).map(|at| self.0.swap_remove(at).1)
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn place(&self, call: CallId) -> Option<usize> {
        self.0.iter().rposition(|(id, _)| *id == call)
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiter")
    }
}
