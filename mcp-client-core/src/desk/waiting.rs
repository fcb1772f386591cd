//! Who waits for which call.

use alloc::vec::Vec;

use mcp_proto::rpc::CallId;

use crate::desk::{Options, call::Duty};

/// The open calls of callers. Searched from the end, where the youngest is; a list rather than a
/// map, so that a call costs no node of its own.
#[derive(Default)]
pub(super) struct Waiting(Vec<(CallId, Duty)>);

impl Waiting {
    pub(super) fn insert(&mut self, call: CallId, duty: Duty) {
        self.0.push((call, duty));
    }

    /// How a call was made.
    pub(super) fn options(&self, call: CallId) -> Option<&Options> {
        self.place(call).map(|at| self.0[at].1.options())
    }

    pub(super) fn remove(&mut self, call: CallId) -> Option<Duty> {
        self.place(call).map(|at| self.0.swap_remove(at).1)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn place(&self, call: CallId) -> Option<usize> {
        self.0.iter().rposition(|(id, _)| *id == call)
    }
}
