//! Messages on their way out, each with what it belongs to.

use alloc::{collections::VecDeque, vec::Vec};
use core::mem;

use mcp_proto::rpc::CallId;

/// What a message on its way out belongs to.
///
/// On a byte stream all go the same way, one after the other.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lane {
    /// It is the request of this call, or one of its requests.
    Call(CallId),
    /// It answers a request of the server.
    Answer,
    /// It is a notification.
    Note,
}

/// A queue of messages in one buffer, so that a message costs no allocation of its own.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    // Where the first message begins.
    start: usize,
    messages: VecDeque<(usize, Lane)>,
    answers: usize,
}

/// A larger buffer is given back once it is empty.
const KEPT_BYTES: usize = 256 * 1024;

impl Outbox {
    /// Appends the message that `write` appends to its buffer.
    pub(crate) fn push(&mut self, lane: Lane, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.bytes.len();
        write(&mut self.bytes);
        let length = self.bytes.len() - before;
        if lane == Lane::Answer {
            self.answers += length;
        }
        self.messages.push_back((length, lane));
    }

    /// Moves the oldest message to the end of `out`.
    pub(crate) fn pop(&mut self, out: &mut Vec<u8>) -> Option<Lane> {
        let (length, lane) = self.messages.pop_front()?;
        out.extend_from_slice(&self.bytes[self.start..self.start + length]);
        self.start += length;
        if lane == Lane::Answer {
            self.answers -= length;
        }
        if self.messages.is_empty() {
            self.start = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT_BYTES {
                self.bytes = Vec::new();
            }
        } else if self.start > KEPT_BYTES && self.start >= self.bytes.len() / 2 {
            self.bytes.drain(..mem::take(&mut self.start));
        }
        Some(lane)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Bytes of answers: the part that the server makes grow.
    pub(crate) fn answer_bytes(&self) -> usize {
        self.answers
    }

    /// Takes back what has not been sent of the answers.
    #[cfg(feature = "http")]
    pub(crate) fn clear_answers(&mut self) {
        let all = mem::take(self);
        let mut begin = all.start;
        for (length, lane) in all.messages {
            let message = &all.bytes[begin..begin + length];
            if lane != Lane::Answer {
                self.push(lane, |out| out.extend_from_slice(message));
            }
            begin += length;
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_whole_and_in_order_and_leave_no_bytes_behind() {
        let mut outbox = Outbox::default();
        let mut out = Vec::new();
        for round in 0..40_u8 {
            outbox.push(Lane::Note, |bytes| {
                bytes.resize(bytes.len() + 50_000, round);
            });
            outbox.push(Lane::Answer, |bytes| bytes.push(b'a'));
            assert_eq!(outbox.answer_bytes(), usize::from(round + 1 - round / 2));
            if round % 2 == 1 {
                out.clear();
                assert_eq!(outbox.pop(&mut out), Some(Lane::Note));
                assert_eq!(outbox.pop(&mut out), Some(Lane::Answer));
                assert_eq!((out.len(), out[0], out[50_000]), (50_001, round / 2, b'a'));
            }
        }
        while outbox.pop(&mut out).is_some() {}
        assert!(outbox.is_empty());
        assert_eq!((outbox.answer_bytes(), outbox.bytes.capacity()), (0, 0));
    }

    #[cfg(feature = "http")]
    #[test]
    fn answers_are_taken_back_and_nothing_else() {
        let mut outbox = Outbox::default();
        let text =
            |text: &'static str| move |out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
        outbox.push(Lane::Answer, text("sent"));
        outbox.push(Lane::Answer, text("not sent"));
        outbox.push(Lane::Note, text("note"));
        outbox.push(Lane::Answer, text("nor this"));
        outbox.pop(&mut Vec::new());
        outbox.clear_answers();
        assert_eq!((outbox.answer_bytes(), outbox.is_empty()), (0, false));
        let mut out = Vec::new();
        assert_eq!(outbox.pop(&mut out), Some(Lane::Note));
        assert_eq!(out, b"note");
        assert_eq!(outbox.pop(&mut out), None);
    }

    #[test]
    fn the_rest_is_moved_where_that_frees_more_than_it_moves() {
        // What is taken, what is left, and where the rest lies then.
        for (taken, rest, start) in [
            (KEPT_BYTES, 1, KEPT_BYTES),
            (KEPT_BYTES + 1, 1, 0),
            (KEPT_BYTES + 1, KEPT_BYTES + 1, 0),
            (KEPT_BYTES + 1, KEPT_BYTES + 2, 0),
            (KEPT_BYTES + 1, KEPT_BYTES + 3, KEPT_BYTES + 1),
            (1, 1, 1),
        ] {
            let mut outbox = Outbox::default();
            let fill =
                |byte, length| move |bytes: &mut Vec<u8>| bytes.resize(bytes.len() + length, byte);
            outbox.push(Lane::Note, fill(b'a', taken));
            outbox.push(Lane::Note, fill(b'b', rest));
            outbox.pop(&mut Vec::new());
            assert_eq!(outbox.start, start, "{taken} of {}", taken + rest);
            let mut out = Vec::new();
            outbox.pop(&mut out);
            assert!(out.len() == rest && out.iter().all(|byte| *byte == b'b'));
        }
    }

    #[test]
    fn what_common_messages_take_is_kept() {
        let mut outbox = Outbox::default();
        outbox.push(Lane::Note, |bytes| bytes.resize(200_000, b'a'));
        outbox.pop(&mut Vec::new());
        assert!(outbox.bytes.capacity() >= 200_000);
    }

    #[test]
    fn a_buffer_is_given_back_where_it_is_larger_than_what_is_kept() {
        for (room, kept) in [(KEPT_BYTES, KEPT_BYTES), (KEPT_BYTES + 1, 0)] {
            let mut outbox = Outbox {
                bytes: Vec::with_capacity(room),
                ..Outbox::default()
            };
            assert_eq!(outbox.bytes.capacity(), room);
            outbox.push(Lane::Note, |bytes| bytes.push(b'a'));
            outbox.pop(&mut Vec::new());
            assert_eq!(outbox.bytes.capacity(), kept);
        }
    }
}
