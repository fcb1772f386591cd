//! What is to be done later.

use alloc::{boxed::Box, collections::BTreeMap};

use mcp_proto::time::Instant;

use super::{exchange::Resume, fetch::FetchId, post::Post};

/// Something to be done later.
#[derive(Debug)]
pub(super) enum Due {
    /// Send this message once more.
    Post(Box<Post>),
    /// Ask for the rest of this call's stream.
    Resume(Box<Resume>),
    /// Open the stream for what the server says of its own accord.
    Listen,
    /// Open a session, if there is none by then.
    Reopen,
    /// Wait for this exchange no longer.
    Expire(FetchId),
    /// Let the calls go, although the server did not say that it is ready.
    Greeted(u32),
    /// Wait no longer for the last exchanges of a connection that was closed.
    End,
}

/// Names one entry.
pub(super) type TimerKey = (Instant, u64);

/// The entries in the order of their time, those of one time in the order they were made.
#[derive(Debug, Default)]
pub(super) struct Timers {
    entries: BTreeMap<TimerKey, Due>,
    last: u64,
}

impl Timers {
    pub(super) fn add(&mut self, at: Instant, due: Due) -> TimerKey {
        self.last += 1;
        self.entries.insert((at, self.last), due);
        (at, self.last)
    }

    pub(super) fn cancel(&mut self, key: TimerKey) {
        self.entries.remove(&key);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn take_due(&mut self, now: Instant) -> Option<Due> {
        let entry = self.entries.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// Takes the entry that waits to send this request again, or to ask for the rest of its stream.
    pub(super) fn take_request(&mut self, wire: i64) -> Option<Due> {
        let of_it = |due: &Due| match due {
            Due::Post(post) => post.wire == Some(wire),
            Due::Resume(resume) => resume.post.wire == Some(wire),
            _ => false,
        };
        let key = self
            .entries
            .iter()
            .find(|(_, due)| of_it(due))
            .map(|(key, _)| *key)?;
        self.entries.remove(&key)
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}
