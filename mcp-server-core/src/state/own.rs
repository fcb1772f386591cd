//! States that a connection keeps itself, for a client that is always the same.

use alloc::{collections::VecDeque, format, string::String};
use mcp_proto::time::Instant;

use super::Bound;

/// The states of one connection, the oldest first. Each is brought back once at most.
#[derive(Debug)]
pub(super) struct OwnStates {
    kept: VecDeque<Own>,
    bytes: usize,
    most: usize,
    last: u64,
}

#[derive(Debug)]
struct Own {
    number: u64,
    state: String,
    bound: Bound,
    expires: Instant,
}

impl Own {
    fn bytes(&self) -> usize {
        self.state.len() + self.bound.as_bytes().len() + size_of::<Self>()
    }
}

impl OwnStates {
    /// None yet, and no more than so many bytes of them, unless it is one alone.
    pub(super) fn new(most: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            bytes: 0,
            most,
            last: 0,
        }
    }

    pub(super) fn keep(&mut self, state: &str, bound: &Bound, expires: Instant) -> String {
        self.last += 1;
        let own = Own {
            number: self.last,
            state: state.into(),
            bound: bound.clone(),
            expires,
        };
        self.bytes += own.bytes();
        self.kept.push_back(own);
        while self.bytes > self.most && self.kept.len() > 1 {
            self.remove(0);
        }
        format!("{}", self.last)
    }

    pub(super) fn recall(&mut self, brought: &str, bound: &Bound, now: Instant) -> Option<String> {
        while self.kept.front().is_some_and(|own| own.expires <= now) {
            self.remove(0);
        }
        let fits = |own: &Own| format!("{}", own.number) == brought && own.bound == *bound;
        let at = self.kept.iter().position(fits)?;
        self.remove(at).map(|own| own.state)
    }

    #[cfg(all(test, feature = "seal", feature = "std"))]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn remove(&mut self, at: usize) -> Option<Own> {
        let own = self.kept.remove(at)?;
        self.bytes -= own.bytes();
        Some(own)
    }
}
