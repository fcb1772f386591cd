//! What a call that asks has to remember between its rounds, and who keeps it.
//!
//! From 2026-07-28 on no session does: the client is given the state and brings it back with its
//! answers. What it is given must tell it nothing, and be of no use for anything else.

mod bound;
mod own;
#[cfg(feature = "seal")]
mod sealed;
#[cfg(feature = "std")]
mod stored;
#[cfg(all(test, feature = "seal", feature = "std"))]
mod tests;

use alloc::{boxed::Box, string::String, sync::Arc};
use core::fmt;
use mcp_proto::{limits::Limits, time::Instant};

pub use bound::Bound;
use own::OwnStates;
#[cfg(feature = "seal")]
pub use sealed::SealedStates;
#[cfg(feature = "std")]
pub use stored::StoredStates;

/// Keeps the states of calls that ask, from 2026-07-28 on.
///
/// Without one, each connection keeps its own states and gives its client their numbers: right for
/// a pipe, whose other end is one and the same client. Over HTTP every request is a connection of
/// its own, so that there the states are sealed, with a key that lives as long as the process.
///
/// It is asked while its connection is locked, and must not take long.
pub trait StateKeeper: Send + Sync + fmt::Debug {
    /// Takes a state, and gives what the client is to bring back; `None` where that is not
    /// possible now. It is good for what it is `bound` to and nothing else, until it `expires`.
    fn keep(&self, state: &str, bound: &Bound, expires: Instant) -> Option<String>;

    /// The state behind what a client has brought back; `None` for whatever is not to be trusted:
    /// never given, changed, given for something else, or too long ago.
    fn recall(&self, brought: &str, bound: &Bound, now: Instant) -> Option<String>;
}

/// How one session keeps states.
#[derive(Debug)]
pub(crate) struct States {
    keeper: Option<Arc<dyn StateKeeper>>,
    // Once there are any.
    own: Option<Box<OwnStates>>,
    most: usize,
}

impl States {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            keeper: None,
            own: None,
            most: limits.kept_state_bytes,
        }
    }

    /// Sets who keeps states where the service does not say.
    #[cfg(feature = "http")]
    pub(crate) fn set_keeper(&mut self, keeper: Option<Arc<dyn StateKeeper>>) {
        self.keeper = keeper;
    }

    pub(crate) fn keep(
        &mut self,
        keeper: Option<&Arc<dyn StateKeeper>>,
        state: &str,
        bound: &Bound,
        expires: Instant,
    ) -> Option<String> {
        match keeper.or(self.keeper.as_ref()) {
            Some(keeper) => keeper.keep(state, bound, expires),
            None => {
                let most = self.most;
                let own = || Box::new(OwnStates::new(most));
                Some(self.own.get_or_insert_with(own).keep(state, bound, expires))
            }
        }
    }

    pub(crate) fn recall(
        &mut self,
        keeper: Option<&Arc<dyn StateKeeper>>,
        brought: &str,
        bound: &Bound,
        now: Instant,
    ) -> Option<String> {
        match keeper.or(self.keeper.as_ref()) {
            Some(keeper) => keeper.recall(brought, bound, now),
            None => self.own.as_mut()?.recall(brought, bound, now),
        }
    }
}
