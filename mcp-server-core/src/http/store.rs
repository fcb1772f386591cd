//! Events kept for clients that lost their connection.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
};
use core::fmt;

use mcp_proto::limits::Limits;

/// Which event of a session: the id that travels on the stream (2025-11-25, basic/transports,
/// "Resumability and Redelivery": unique in the session, and telling which stream it is of).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId {
    /// The stream's number: 0 for what was not asked for, another for each answered request.
    pub stream: u32,
    /// The event's number on the stream. 0 is before the first.
    pub number: u32,
}

impl EventId {
    /// Reads an id as [`Display`](fmt::Display) writes it; `None` where it is no id of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (stream, number) = text.split_once('-')?;
        let read = |digits: &str| {
            // One spelling for one id: neither signs nor leading zeros.
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit())
                && (digits == "0" || !digits.starts_with('0'));
            plain.then(|| digits.parse::<u32>().ok()).flatten()
        };
        Some(Self {
            stream: read(stream)?,
            number: read(number)?,
        })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.stream, self.number)
    }
}

/// One message that was sent on a stream, or could not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Which event it is.
    pub id: EventId,
    /// The message's JSON.
    pub message: Box<[u8]>,
    /// Whether the stream ends with it.
    pub last: bool,
}

/// Keeps events until a client asks for them again, within bounds of its own.
///
/// Sessions live in one process, and so does what is usually kept for them; see [`EventRing`].
/// Calls come from within the server's machine and must not block for long.
pub trait EventStore: fmt::Debug + Send {
    /// Keeps an event of a session.
    fn keep(&mut self, session: &str, event: StoredEvent);

    /// Shows the kept events of the stream `after.stream` that are newer than `after`, oldest
    /// first, until `show` returns `false`. Events of other streams are never shown (MUST NOT).
    fn replay(&mut self, session: &str, after: EventId, show: &mut dyn FnMut(&StoredEvent) -> bool);

    /// Whether anything is kept of a session's stream.
    fn knows(&mut self, session: &str, stream: u32) -> bool;

    /// Forgets a session, which has ended.
    fn forget(&mut self, session: &str);
}

/// An [`EventStore`] in memory: for each session the newest events, as many as
/// [`Limits::replay_events`] and [`Limits::replay_bytes`] allow.
pub struct EventRing {
    sessions: BTreeMap<Box<str>, Ring>,
    events: usize,
    bytes: usize,
}

#[derive(Default)]
struct Ring {
    events: VecDeque<StoredEvent>,
    bytes: usize,
}

/// Without the sessions' ids and what was sent in them.
impl fmt::Debug for EventRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRing")
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}

impl EventRing {
    /// An empty store with these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            sessions: BTreeMap::new(),
            events: limits.replay_events,
            bytes: limits.replay_bytes,
        }
    }
}

impl EventStore for EventRing {
    fn keep(&mut self, session: &str, event: StoredEvent) {
        // No copy of the name where it is there already.
        if !self.sessions.contains_key(session) {
            self.sessions.insert(session.into(), Ring::default());
        }
        let Some(ring) = self.sessions.get_mut(session) else {
            return;
        };
        ring.bytes += event.message.len();
        ring.events.push_back(event);
        while ring.events.len() > self.events || ring.bytes > self.bytes {
            let Some(oldest) = ring.events.pop_front() else {
                break;
            };
            ring.bytes -= oldest.message.len();
        }
    }

    fn replay(
        &mut self,
        session: &str,
        after: EventId,
        show: &mut dyn FnMut(&StoredEvent) -> bool,
    ) {
        let Some(ring) = self.sessions.get(session) else {
            return;
        };
        let newer = |event: &&StoredEvent| {
            event.id.stream == after.stream && event.id.number > after.number
        };
        for event in ring.events.iter().filter(newer) {
            if !show(event) {
                return;
            }
        }
    }

    fn knows(&mut self, session: &str, stream: u32) -> bool {
        self.sessions
            .get(session)
            .is_some_and(|ring| ring.events.iter().any(|event| event.id.stream == stream))
    }

    fn forget(&mut self, session: &str) {
        self.sessions.remove(session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec::Vec};

    fn event(stream: u32, number: u32, length: usize) -> StoredEvent {
        StoredEvent {
            id: EventId { stream, number },
            message: alloc::vec![b'x'; length].into(),
            last: false,
        }
    }

    fn ring(events: usize, bytes: usize) -> EventRing {
        let mut limits = Limits::default();
        limits.replay_events = events;
        limits.replay_bytes = bytes;
        EventRing::new(&limits)
    }

    fn after(store: &mut EventRing, stream: u32, number: u32) -> Vec<u32> {
        let mut seen = Vec::new();
        store.replay("s", EventId { stream, number }, &mut |event| {
            assert_eq!(event.id.stream, stream);
            seen.push(event.id.number);
            true
        });
        seen
    }

    #[test]
    fn ids_have_one_spelling() {
        for (text, id) in [
            ("0-0", Some((0, 0))),
            ("12-4294967295", Some((12, u32::MAX))),
            ("1-4294967296", None),
            ("1", None),
            ("-1", None),
            ("1-", None),
            ("1-2-3", None),
            ("01-2", None),
            ("1-+2", None),
            ("", None),
        ] {
            let id = id.map(|(stream, number)| EventId { stream, number });
            assert_eq!(EventId::parse(text), id, "{text}");
            assert!(id.is_none_or(|id| id.to_string() == text));
        }
    }

    #[test]
    fn only_the_asked_stream_is_replayed() {
        let mut store = ring(10, 1000);
        for (stream, number) in [(1, 1), (0, 1), (1, 2), (2, 1), (1, 3)] {
            store.keep("s", event(stream, number, 1));
        }
        store.keep("other", event(1, 4, 1));
        assert_eq!(after(&mut store, 1, 0), [1, 2, 3]);
        assert_eq!(after(&mut store, 1, 2), [3]);
        assert!(after(&mut store, 1, 3).is_empty());
        assert_eq!(after(&mut store, 0, 0), [1]);
        assert_eq!(
            (
                store.knows("s", 2),
                store.knows("s", 3),
                store.knows("t", 1)
            ),
            (true, false, false)
        );
        let mut shown = 0;
        store.replay(
            "s",
            EventId {
                stream: 1,
                number: 0,
            },
            &mut |_| {
                shown += 1;
                shown < 2
            },
        );
        assert_eq!(shown, 2);
        store.forget("s");
        assert!(!store.knows("s", 1) && store.knows("other", 1));
    }

    #[test]
    fn the_oldest_goes_at_the_limits() {
        let mut store = ring(3, 100);
        for number in 1..=4 {
            store.keep("s", event(1, number, 1));
        }
        assert_eq!(after(&mut store, 1, 0), [2, 3, 4]);
        // Exactly the limit stays, one byte more does not.
        store.keep("s", event(2, 1, 98));
        assert_eq!(
            (after(&mut store, 1, 0), after(&mut store, 2, 0)),
            (Vec::from([3, 4]), Vec::from([1]))
        );
        store.keep("s", event(2, 2, 1));
        assert_eq!(
            (after(&mut store, 1, 0), after(&mut store, 2, 0)),
            (Vec::from([4]), Vec::from([1, 2]))
        );
        store.keep("s", event(2, 3, 101));
        assert_eq!(
            (after(&mut store, 1, 0), after(&mut store, 2, 0)),
            (Vec::new(), Vec::new())
        );
    }
}
