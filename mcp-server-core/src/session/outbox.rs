//! What waits to be sent, and for how long the peer has taken none of it.

use alloc::{collections::VecDeque, vec::Vec};
use core::{mem, time::Duration};
use mcp_proto::{limits::Limits, time::Instant};

/// Where one message belongs and what it is: how HTTP finds its stream. A byte stream needs none
/// of this.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// What the front called the message that this one is sent because of; `None` for what was
    /// not asked for.
    pub(crate) origin: Option<u32>,
    /// What it is.
    pub(crate) kind: SentKind,
}

/// What a message is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum SentKind {
    /// The answer to a request, with the error's code where it is one. Nothing more follows for
    /// that request.
    Answer {
        /// The code.
        error: Option<i32>,
    },
    /// A notification.
    Notice,
    /// Progress, or a log entry: a notification that may give way where its reader is slow.
    Report,
}

/// Room that the first message of a new buffer finds: that of a short answer.
const FIRST_BYTES: usize = 256;

/// Messages on their way out, each ended by a newline, in one buffer.
#[derive(Debug)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    // Where the first message not yet taken begins.
    start: usize,
    marks: VecDeque<Mark>,
    // Grows each time everything was taken.
    round: u32,
    high_water: usize,
    most: usize,
    overflowed: bool,
    patience: Patience,
}

#[derive(Copy, Clone, Debug)]
struct Mark {
    // Where the message ends in the buffer, its newline included.
    end: usize,
    sent: Sent,
}

/// How long the peer may still leave everything lying.
#[derive(Debug)]
struct Patience {
    stall: Duration,
    since: Instant,
    // The peer took something at a time that nobody told: it counts from the next time told.
    unsure: bool,
}

impl Outbox {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            marks: VecDeque::new(),
            round: 0,
            high_water: limits.outbound_high_water,
            most: limits.outbound_bytes,
            overflowed: false,
            patience: Patience {
                stall: limits.outbound_stall,
                since: Instant::ZERO,
                unsure: false,
            },
        }
    }

    /// Somebody else takes what is here at once, and bounds what waits for the peer.
    #[cfg(feature = "http")]
    pub(super) fn has_no_bound(&mut self) {
        self.most = usize::MAX;
    }

    /// Writes one message.
    pub(super) fn put(&mut self, sent: Sent, now: Instant, write: impl FnOnce(&mut Vec<u8>)) {
        if self.marks.is_empty() {
            self.patience.since = now;
            self.patience.unsure = false;
        }
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(FIRST_BYTES);
        }
        let (begin, waiting) = (self.bytes.len(), self.waiting());
        write(&mut self.bytes);
        // The encoder turns the line breaks of texts that it was handed into blanks.
        debug_assert!(
            !self.bytes[begin..].contains(&b'\n'),
            "a message is one line"
        );
        self.bytes.push(b'\n');
        self.marks.push_back(Mark {
            end: self.bytes.len(),
            sent,
        });
        // One message that is longer than the bound alone is no reader's fault.
        self.overflowed |= waiting >= self.high_water && self.waiting() > self.most;
    }

    /// Bytes that were not taken yet.
    pub(super) fn waiting(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Whether so much waits that nothing should be begun which makes it more.
    pub(super) fn is_crowded(&self) -> bool {
        self.waiting() >= self.high_water
    }

    /// Whether more waits than may be held.
    pub(super) fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// Changes each time that everything was taken.
    pub(super) fn round(&self) -> u32 {
        self.round
    }

    /// Moves everything into `out` where it is empty, by exchanging the buffers; else appends one
    /// message. Tells whether there was any.
    pub(super) fn take(&mut self, out: &mut Vec<u8>, now: Instant) -> bool {
        if !out.is_empty() {
            return self.take_one(out, now).is_some();
        }
        if self.marks.is_empty() {
            return false;
        }
        self.bytes.drain(..self.start);
        self.start = 0;
        mem::swap(&mut self.bytes, out);
        self.marks.clear();
        self.taken(now);
        true
    }

    /// Appends one message with its newline; or gives the whole buffer away where there is nothing
    /// else in it, and the caller has none.
    pub(super) fn take_one(&mut self, out: &mut Vec<u8>, now: Instant) -> Option<Sent> {
        let Mark { end, sent } = self.marks.pop_front()?;
        let is_all = self.start == 0 && end == self.bytes.len();
        if is_all && out.capacity() == 0 {
            mem::swap(&mut self.bytes, out);
        } else {
            out.extend_from_slice(&self.bytes[self.start..end]);
        }
        self.start = end;
        if self.marks.is_empty() {
            self.bytes.clear();
            self.start = 0;
        } else if self.start > self.waiting() {
            self.bytes.drain(..self.start);
            for mark in &mut self.marks {
                mark.end -= self.start;
            }
            self.start = 0;
        }
        self.taken(now);
        Some(sent)
    }

    /// Throws everything away: the peer will not take it.
    pub(super) fn clear(&mut self) {
        self.bytes = Vec::new();
        self.start = 0;
        self.marks.clear();
        self.overflowed = false;
    }

    fn taken(&mut self, now: Instant) {
        self.patience.since = now;
        self.patience.unsure = true;
        if self.marks.is_empty() {
            self.round = self.round.wrapping_add(1);
        }
    }

    /// When the peer will have taken nothing for too long. It may be told too early, but then is
    /// later the next time.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.marks.is_empty()).then(|| self.patience.since.saturating_add(self.patience.stall))
    }

    /// Takes note of the time. Tells whether the peer has taken nothing for too long.
    pub(super) fn is_stalled(&mut self, now: Instant) -> bool {
        if mem::take(&mut self.patience.unsure) {
            self.patience.since = now;
        }
        self.deadline().is_some_and(|deadline| deadline <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn notice(origin: u32) -> Sent {
        Sent {
            origin: Some(origin),
            kind: SentKind::Notice,
        }
    }

    fn outbox(high_water: usize, most: usize) -> Outbox {
        let mut limits = Limits::default();
        (limits.outbound_high_water, limits.outbound_bytes) = (high_water, most);
        limits.outbound_stall = Duration::from_nanos(10);
        Outbox::new(&limits)
    }

    fn put(outbox: &mut Outbox, origin: u32, text: &str, now: u64) {
        outbox.put(notice(origin), Instant::from_nanos(now), |out| {
            out.extend_from_slice(text.as_bytes());
        });
    }

    #[test]
    fn a_message_that_is_alone_is_given_away_with_its_buffer() {
        let mut outbox = outbox(100, 100);
        put(&mut outbox, 1, "a", 0);
        put(&mut outbox, 2, "b", 0);
        for expected in ["a\n", "b\n"] {
            let mut out = Vec::new();
            assert!(outbox.take_one(&mut out, Instant::ZERO).is_some());
            assert_eq!(out, expected.as_bytes());
        }
        put(&mut outbox, 3, "c", 0);
        let place = outbox.bytes.as_ptr();
        let mut out = Vec::new();
        assert!(outbox.take_one(&mut out, Instant::ZERO).is_some());
        assert_eq!((out.as_slice(), out.as_ptr()), (&b"c\n"[..], place));
    }

    #[test]
    fn an_empty_buffer_is_exchanged_and_a_full_one_gets_one_message() {
        let mut outbox = outbox(100, 100);
        for (origin, text) in [(1, "a"), (2, "b"), (3, "d")] {
            put(&mut outbox, origin, text, 0);
        }
        let mut out = Vec::from(*b">");
        assert!(outbox.take(&mut out, Instant::ZERO));
        assert_eq!(out, b">a\n");
        let mut rest = Vec::with_capacity(77);
        assert!(outbox.take(&mut rest, Instant::ZERO));
        assert_eq!(rest, b"b\nd\n");
        assert!(!outbox.take(&mut Vec::new(), Instant::ZERO));
        // The caller's buffer is used from now on.
        put(&mut outbox, 4, "e", 0);
        let mut again = Vec::new();
        assert_eq!(outbox.take_one(&mut again, Instant::ZERO), Some(notice(4)));
        // Where the caller has none, it gets ours.
        assert_eq!((again.capacity(), outbox.round()), (77, 2));
        put(&mut outbox, 5, "f", 0);
        assert_eq!(outbox.bytes.capacity(), FIRST_BYTES);
        let mut full = Vec::from(*b">");
        assert!(outbox.take_one(&mut full, Instant::ZERO).is_some());
        assert_eq!(
            (&full[..], outbox.bytes.capacity()),
            (&b">f\n"[..], FIRST_BYTES)
        );
    }

    #[test]
    fn messages_taken_one_by_one_keep_their_marks() {
        let mut outbox = outbox(1000, 1000);
        let mut seen = Vec::new();
        for at in 0..100 {
            put(&mut outbox, at, &alloc::format!("message {at}"), 0);
            if at % 3 == 0 {
                let mut out = Vec::new();
                let sent = outbox.take_one(&mut out, Instant::ZERO).unwrap();
                seen.push((sent.origin.unwrap(), String::from_utf8(out).unwrap()));
            }
        }
        while let (mut out, true) = (Vec::new(), !outbox.is_empty()) {
            let sent = outbox.take_one(&mut out, Instant::ZERO).unwrap();
            seen.push((sent.origin.unwrap(), String::from_utf8(out).unwrap()));
        }
        let all: Vec<_> = (0..100)
            .map(|at| (at, alloc::format!("message {at}\n")))
            .collect();
        assert_eq!(seen, all);
    }

    #[test]
    fn only_what_piles_up_overflows() {
        let mut outbox = outbox(4, 8);
        put(&mut outbox, 0, "longer than all that", 0);
        assert!(outbox.is_crowded() && !outbox.has_overflowed());
        outbox.take(&mut Vec::new(), Instant::ZERO);
        put(&mut outbox, 0, "abc", 0);
        put(&mut outbox, 0, "def", 0);
        assert!(!outbox.has_overflowed(), "8 of 8");
        put(&mut outbox, 0, "", 0);
        assert!(outbox.has_overflowed(), "9 of 8");
    }

    #[test]
    fn it_is_crowded_from_the_high_water_mark_on() {
        for (high_water, crowded) in [(8, true), (9, false)] {
            let mut outbox = outbox(high_water, 100);
            put(&mut outbox, 0, "abc", 0);
            put(&mut outbox, 0, "def", 0);
            assert_eq!((outbox.waiting(), outbox.is_crowded()), (8, crowded));
        }
    }

    #[test]
    fn what_was_taken_waits_no_longer() {
        let mut outbox = outbox(6, 8);
        put(&mut outbox, 0, "abc", 0);
        put(&mut outbox, 0, "def", 0);
        assert_eq!((outbox.waiting(), outbox.is_crowded()), (8, true));
        assert!(outbox.take_one(&mut Vec::new(), Instant::ZERO).is_some());
        assert_eq!((outbox.waiting(), outbox.is_crowded()), (4, false));
        put(&mut outbox, 0, "ghi", 0);
        assert_eq!(outbox.waiting(), 8);
        put(&mut outbox, 0, "", 0);
        assert!(outbox.has_overflowed(), "9 of 8");
    }

    #[test]
    fn patience_begins_anew_when_something_is_taken() {
        let at = Instant::from_nanos;
        let mut outbox = outbox(100, 100);
        assert_eq!(outbox.deadline(), None);
        put(&mut outbox, 0, "a", 5);
        put(&mut outbox, 0, "b", 9);
        assert_eq!(outbox.deadline(), Some(at(15)));
        assert!(!outbox.is_stalled(at(14)));
        // Taken at some time after 14, which nobody told.
        assert!(outbox.take_one(&mut Vec::new(), at(14)).is_some());
        assert!(!outbox.is_stalled(at(24)));
        assert_eq!(outbox.deadline(), Some(at(34)));
        assert!(outbox.is_stalled(at(34)));
    }

    #[test]
    fn the_rest_is_moved_where_that_frees_more_than_it_moves() {
        // What is taken and what is left, newlines included, and where the rest lies then.
        for (taken, rest, start) in [(5, 4, 0), (5, 5, 5), (5, 6, 5), (50, 2, 0)] {
            let mut outbox = outbox(1000, 1000);
            put(&mut outbox, 1, &"a".repeat(taken - 1), 0);
            put(&mut outbox, 2, &"b".repeat(rest - 1), 0);
            assert!(outbox.take_one(&mut Vec::new(), Instant::ZERO).is_some());
            assert_eq!(outbox.start, start, "{taken} of {}", taken + rest);
            let mut out = Vec::new();
            assert!(outbox.take_one(&mut out, Instant::ZERO).is_some());
            let expected = ["b".repeat(rest - 1), "\n".into()].concat();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
