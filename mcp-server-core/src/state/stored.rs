//! States that this process keeps, under handles that nobody can guess.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use mcp_proto::time::Instant;

use super::{Bound, StateKeeper};

/// Keeps the states of calls in memory, and gives clients no more than a handle to each.
///
/// For states that are too long to travel, and where a state must be of use once only: it is
/// forgotten when it is brought back. All requests of a call must reach this process. A store that
/// several processes share is a [`StateKeeper`] of your own.
pub struct StoredStates {
    random: Mutex<Box<dyn FnMut() -> [u8; 16] + Send>>,
    stored: Mutex<Stored>,
    most: usize,
}

#[derive(Default)]
struct Stored {
    by_handle: BTreeMap<String, One>,
    bytes: usize,
}

struct One {
    state: String,
    bound: Bound,
    expires: Instant,
}

impl One {
    fn bytes(&self) -> usize {
        self.state.len() + self.bound.as_bytes().len() + size_of::<Self>()
    }
}

impl StoredStates {
    /// A store without states, which may come to so many bytes; beyond, calls that ask fail until
    /// others are answered or expire. `random` gives bytes from a cryptographic source.
    pub fn new(most: usize, random: impl FnMut() -> [u8; 16] + Send + 'static) -> Self {
        Self {
            random: Mutex::new(Box::new(random)),
            stored: Mutex::default(),
            most,
        }
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    fn remove(&mut self, handle: &str) -> Option<One> {
        let one = self.by_handle.remove(handle)?;
        self.bytes -= one.bytes();
        Some(one)
    }

    fn forget_expired(&mut self, now: Instant) {
        let expired = |(handle, one): (&String, &One)| (one.expires <= now).then(|| handle.clone());
        let expired: Vec<_> = self.by_handle.iter().filter_map(expired).collect();
        for handle in expired {
            self.remove(&handle);
        }
    }
}

impl StateKeeper for StoredStates {
    fn keep(&self, state: &str, bound: &Bound, expires: Instant) -> Option<String> {
        let random = (self.random.lock().unwrap_or_else(PoisonError::into_inner))();
        let handle = mcp_proto::base64::encode(&random);
        let one = One {
            state: state.into(),
            bound: bound.clone(),
            expires,
        };
        let mut stored = self.stored();
        let bytes = stored.bytes + one.bytes();
        if bytes > self.most || stored.by_handle.contains_key(&handle) {
            return None;
        }
        stored.bytes = bytes;
        stored.by_handle.insert(handle.clone(), one);
        Some(handle)
    }

    fn recall(&self, brought: &str, bound: &Bound, now: Instant) -> Option<String> {
        let mut stored = self.stored();
        stored.forget_expired(now);
        // Whoever brings it for something else does not take it away from whom it belongs to.
        if stored.by_handle.get(brought)?.bound != *bound {
            return None;
        }
        stored.remove(brought).map(|one| one.state)
    }
}

impl fmt::Debug for StoredStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredStates")
            .field("states", &self.stored().by_handle.len())
            .finish_non_exhaustive()
    }
}
