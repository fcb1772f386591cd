//! Bytes on their way between a socket and the machines.

use std::io::{self, IoSlice, Read, Write};

/// Bytes asked of a socket at a time.
const READ_BYTES: usize = 16 * 1024;
/// The same, where a long body is on its way.
const LONG_READ_BYTES: usize = 256 * 1024;

/// What has come and was not used up yet.
#[derive(Debug, Default)]
pub(super) struct Input {
    // Initialized as a whole; what counts is between the marks.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    // The last read has filled it: more was there.
    filled: bool,
}

impl Input {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Reads once.
    pub(super) fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.bytes.len() || self.filled {
            let more = if self.filled {
                LONG_READ_BYTES
            } else {
                READ_BYTES
            };
            // Never shorter: there are no more than a head and what came with it.
            let length = self.bytes.len().max(self.end + more);
            self.bytes.resize(length, 0);
        }
        let space = &mut self.bytes[self.end..];
        let length = space.len();
        let read = from.read(space)?;
        self.filled = read == length;
        self.end += read;
        Ok(read)
    }

    /// Gives memory back that is not in use.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What is to be sent and was not taken by the socket yet.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    // A long body behind them, in the memory in which it was written.
    body: Vec<u8>,
    // Of both together.
    sent: usize,
}

/// Output memory that is kept from one response to the next.
const KEPT_BYTES: usize = 64 * 1024;
/// From this length on a body is not copied to stand behind its head.
const LONG_BODY_BYTES: usize = 8 * 1024;

impl Output {
    pub(super) fn is_empty(&self) -> bool {
        self.sent == self.bytes.len() + self.body.len()
    }

    /// Where the next bytes are appended.
    pub(super) fn end(&mut self) -> &mut Vec<u8> {
        if self.body.is_empty() {
            &mut self.bytes
        } else {
            &mut self.body
        }
    }

    /// Appends a body, or a part of one.
    pub(super) fn put_body(&mut self, body: Vec<u8>) {
        if self.body.is_empty() && body.len() >= LONG_BODY_BYTES {
            self.body = body;
        } else {
            self.end().extend_from_slice(&body);
        }
    }

    /// Hands over as much as the socket takes; whether it took anything.
    pub(super) fn flush(&mut self, to: &mut impl Write) -> io::Result<bool> {
        let before = self.sent;
        while !self.is_empty() {
            let head = self.bytes.get(self.sent..).unwrap_or_default();
            let body = &self.body[self.sent.saturating_sub(self.bytes.len())..];
            let written = match (head, body) {
                (head, []) => to.write(head),
                ([], body) => to.write(body),
                (head, body) => to.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]),
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let progress = self.sent > before;
        if self.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES);
            self.body = Vec::new();
            self.sent = 0;
        }
        Ok(progress)
    }

    /// Gives memory back that is not in use.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_keeps_what_is_not_used_up() {
        let mut input = Input::default();
        let text: Vec<u8> = (0..100_000_u32).map(|at| at as u8).collect();
        let mut source = text.as_slice();
        let mut seen = Vec::new();
        while input.fill(&mut source).unwrap() > 0 {
            let take = input.bytes().len() / 3;
            seen.extend_from_slice(&input.bytes()[..take]);
            input.consume(take);
        }
        seen.extend_from_slice(input.bytes());
        assert_eq!(seen, text);
        input.consume(usize::MAX);
        input.shrink();
        assert!(input.is_empty());
    }

    /// Takes three bytes at a time, and every other time none.
    struct Slow(Vec<u8>, bool);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = bytes.len().min(3);
            self.0.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn output_waits_for_a_slow_reader() {
        let mut output = Output::default();
        output.end().extend_from_slice(b"0123456789");
        let mut slow = Slow(Vec::new(), false);
        let mut rounds = 0;
        while !output.is_empty() {
            assert_eq!(output.flush(&mut slow).unwrap(), rounds > 0);
            rounds += 1;
        }
        assert_eq!((slow.0.as_slice(), rounds), (&b"0123456789"[..], 5));
    }

    #[test]
    fn a_long_body_is_sent_from_where_it_lies() {
        for length in [LONG_BODY_BYTES - 1, LONG_BODY_BYTES] {
            let mut output = Output::default();
            output.end().extend_from_slice(b"head ");
            let body = vec![b'x'; length];
            let at = body.as_ptr();
            output.put_body(body);
            output.end().extend_from_slice(b" next");
            let moved = output.body.as_ptr() != at && !output.body.is_empty();
            let copied = output.body.is_empty();
            assert!(!moved || length == LONG_BODY_BYTES, "it may have grown");
            assert_eq!(copied, length < LONG_BODY_BYTES);
            // Cut in the head, between the two, and in the body.
            let mut slow = Slow(Vec::new(), false);
            while !output.is_empty() {
                output.flush(&mut slow).unwrap();
            }
            let all = [&b"head "[..], &vec![b'x'; length], b" next"].concat();
            assert_eq!(slow.0, all);
            assert!(output.bytes.is_empty() && output.body.capacity() == 0);
        }
    }

    #[test]
    fn where_much_is_on_its_way_much_is_read_at_once() {
        let mut input = Input::default();
        let text = vec![b'x'; 1024 * 1024];
        let mut source = text.as_slice();
        let mut reads = 0;
        while input.fill(&mut source).unwrap() > 0 {
            input.consume(usize::MAX);
            reads += 1;
        }
        assert!(reads < 8, "{reads}");
        input.shrink();
        assert_eq!(input.fill(&mut &b"x"[..]).unwrap(), 1);
        assert_eq!(input.bytes.len(), READ_BYTES);
    }
}
