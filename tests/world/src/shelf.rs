//! What servers keep for streams that are resumed, and whether each goes on where it was.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mcp_proto::limits::Limits;
use mcp_server_core::http::{EventId, EventRing, EventStore, StoredEvent};

/// What was given to a session's store.
#[derive(Debug, Default)]
struct Kept {
    /// What must be there still.
    now: VecDeque<EventId>,
    ever: BTreeSet<EventId>,
}

/// The ids of what must be kept, by sessions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelves(Arc<Mutex<BTreeMap<String, Kept>>>);

impl Shelves {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next event of a stream that must be kept, after this one.
    pub(crate) fn next(&self, session: &str, after: EventId) -> Option<EventId> {
        let shelves = self.lock();
        let kept = shelves.get(session)?.now.iter();
        kept.filter(|id| id.stream == after.stream && id.number > after.number)
            .min()
            .copied()
    }

    /// Whether this event was kept, so that it can be asked for again.
    pub(crate) fn has_had(&self, session: &str, id: EventId) -> bool {
        let shelves = self.lock();
        // Nothing is asked of a session that has ended.
        let kept = shelves.get(session);
        kept.is_none_or(|kept| kept.ever.contains(&id))
    }
}

/// The usual store, and a list beside it of what must be in it.
#[derive(Debug)]
pub(crate) struct Shelf {
    ring: EventRing,
    most: usize,
    shelves: Shelves,
}

impl Shelf {
    pub(crate) fn new(limits: &Limits, shelves: &Shelves) -> Self {
        Self {
            ring: EventRing::new(limits),
            most: limits.replay_events,
            shelves: shelves.clone(),
        }
    }
}

impl EventStore for Shelf {
    fn keep(&mut self, session: &str, event: StoredEvent) {
        let mut shelves = self.shelves.lock();
        let kept = shelves.entry(session.to_owned()).or_default();
        kept.ever.insert(event.id);
        kept.now.push_back(event.id);
        if kept.now.len() > self.most {
            kept.now.pop_front();
        }
        self.ring.keep(session, event);
    }

    fn replay(
        &mut self,
        session: &str,
        after: EventId,
        show: &mut dyn FnMut(&StoredEvent) -> bool,
    ) {
        self.ring.replay(session, after, show);
    }

    fn knows(&mut self, session: &str, stream: u32) -> bool {
        self.ring.knows(session, stream)
    }

    fn forget(&mut self, session: &str) {
        self.shelves.lock().remove(session);
        self.ring.forget(session);
    }
}

/// How far each stream of a client's sessions has come through to it.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<(String, u32), u32>);

impl Places {
    /// An event has come through to the client, whole.
    pub(crate) fn reach(&mut self, session: &str, id: EventId, is_message: bool) {
        let key = (session.to_owned(), id.stream);
        if let Some(last) = self.0.get(&key) {
            // One without a message only says where the stream is.
            let goes_on = id.number > *last || (!is_message && id.number == *last);
            assert!(goes_on, "R1: event {id} comes after {}-{last}", id.stream);
        }
        self.0.insert(key, id.number);
    }

    /// The client asks for what comes after this event.
    pub(crate) fn resume(&self, session: &str, after: EventId) {
        let last = self.0.get(&(session.to_owned(), after.stream));
        assert_eq!(
            last.copied(),
            Some(after.number),
            "R2: {after} is not the last event that has come through"
        );
    }
}
