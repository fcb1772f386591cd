//! Bytes on their way between a socket and the machines.

use std::io::{self, Read, Write};

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
        if self.end == self.bytes.len() {
            let long = self.end >= READ_BYTES;
            let more = if long { LONG_READ_BYTES } else { READ_BYTES };
            self.bytes.resize(self.end + more, 0);
        }
        let read = from.read(&mut self.bytes[self.end..])?;
        self.end += read;
        Ok(read)
    }

    /// Gives memory back that is not in use.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() {
            self.bytes = Vec::new();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What is to be sent and was not taken by the socket yet.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    sent: usize,
}

/// Output memory that is kept from one response to the next.
const KEPT_BYTES: usize = 64 * 1024;

impl Output {
    pub(super) fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    /// Hands over as much as the socket takes; whether it took anything.
    pub(super) fn flush(&mut self, to: &mut impl Write) -> io::Result<bool> {
        let before = self.sent;
        while !self.is_empty() {
            match to.write(&self.bytes[self.sent..]) {
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
        output.bytes.extend_from_slice(b"0123456789");
        let mut slow = Slow(Vec::new(), false);
        let mut rounds = 0;
        while !output.is_empty() {
            assert_eq!(output.flush(&mut slow).unwrap(), rounds > 0);
            rounds += 1;
        }
        assert_eq!((slow.0.as_slice(), rounds), (&b"0123456789"[..], 5));
    }
}
