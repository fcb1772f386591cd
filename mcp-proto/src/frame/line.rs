//! Newline framing, as the stdio transport and every other byte stream use it.

use alloc::vec::Vec;
use core::{fmt, mem};

/// Splits a byte stream into lines, however the stream was cut on its way.
///
/// The decoder holds the only copy of a half-received line, so none is ever lost. A line longer
/// than the limit is reported once, at the moment it grows too long; its remaining bytes are
/// skipped and the next line is read as usual. Carriage returns before the newline, blank lines
/// and one byte order mark at the very start are dropped.
///
/// ```
/// use mcp_proto::frame::LineDecoder;
///
/// let mut decoder = LineDecoder::new(1024);
/// decoder.store(b"{\"a\":1}\r\n\n{\"b\"");
/// assert_eq!(decoder.next_line().unwrap().unwrap().as_bytes(), b"{\"a\":1}");
/// assert!(decoder.next_line().is_none());
/// decoder.store(b":2}\n");
/// assert_eq!(decoder.next_line().unwrap().unwrap().as_bytes(), b"{\"b\":2}");
/// ```
#[derive(Debug)]
pub struct LineDecoder {
    buffer: Vec<u8>,
    // Where the first byte not yet handed out lies.
    start: usize,
    // Where the last line lay that was lent.
    lent: usize,
    // How far the search for a newline has come, so that a slow drip costs linear time.
    searched: usize,
    // How long the last line was whose buffer was handed over: the next one may be as long.
    expected: usize,
    limit: usize,
    state: State,
}

#[derive(Debug, PartialEq)]
enum State {
    // Nothing was read yet: a byte order mark may come.
    Fresh,
    Reading,
    // Within a line that was reported as too long.
    Skipping,
}

/// A stream of bytes that is no stream of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The line grew beyond so many bytes; the rest of it is skipped.
    TooLong(usize),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(limit) => write!(f, "message is longer than {limit} bytes"),
        }
    }
}

impl core::error::Error for FrameError {}

/// One line without its end.
#[derive(Debug)]
#[non_exhaustive]
pub enum Line<'a> {
    /// A short line, to be read in place.
    Borrowed(&'a [u8]),
    /// A long line, whose buffer is handed over so that its parts need not be copied.
    Owned(Vec<u8>),
}

/// From this length on a line's buffer is handed over rather than lent.
const OWNED_FROM: usize = 8 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Line<'_> {
    /// The line's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl LineDecoder {
    /// A decoder for lines of at most `limit` bytes, their ends not counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            lent: 0,
            searched: 0,
            expected: 0,
            limit,
            state: State::Fresh,
        }
    }

    /// Keeps bytes for [`next_line`](Self::next_line); does no other work.
    pub fn store(&mut self, bytes: &[u8]) {
        self.compact();
        let length = self.buffer.len() + bytes.len();
        if length > self.buffer.capacity() && length >= OWNED_FROM {
            // At once rather than step by step, each of which would copy what is there.
            let more = self.expected.saturating_sub(self.buffer.len());
            self.buffer.reserve(more.max(bytes.len()));
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line, or the report of one that is too long; `None` until more is stored.
    pub fn next_line(&mut self) -> Option<Result<Line<'_>, FrameError>> {
        if self.start == self.buffer.len() {
            return None;
        }
        loop {
            if self.state == State::Fresh && !self.skip_mark() {
                return None;
            }
            let Some(end) = self.find_newline() else {
                return self.check_unfinished().map(Err);
            };
            let begin = mem::replace(&mut self.start, end + 1);
            self.searched = self.start;
            if self.state == State::Skipping {
                self.state = State::Reading;
                continue;
            }
            let whole = end - begin;
            let end = trim_end(&self.buffer, begin, end);
            // One carriage return is free; more of them would have been too long before the
            // newline came, had they come alone.
            if end - begin > self.limit || whole > self.limit + 1 {
                return Some(Err(FrameError::TooLong(self.limit)));
            }
            if self.buffer[begin..end].iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return Some(Ok(self.hand_out(begin, end)));
        }
    }

    /// What the stream ended with, if it ended without a newline: a last line all the same.
    pub fn finish(&mut self) -> Option<Result<Line<'_>, FrameError>> {
        if self.state != State::Skipping && self.start < self.buffer.len() {
            self.buffer.push(b'\n');
        }
        self.next_line()
    }

    /// The line that was lent last is the next one again; nothing may have been stored since.
    pub fn put_back(&mut self) {
        self.start = self.lent.min(self.start);
        self.searched = self.start;
    }

    /// A line that was handed over as its own, the last one, is the next one again.
    pub fn put_back_owned(&mut self, mut line: Vec<u8>) {
        line.push(b'\n');
        line.extend_from_slice(&self.buffer[self.start..]);
        self.buffer = line;
        self.start = 0;
        self.searched = 0;
    }

    /// Bytes stored and not yet handed out.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }

    // Whether the start of the stream is behind us: a mark skipped or seen not to be there.
    fn skip_mark(&mut self) -> bool {
        let head = &self.buffer[self.start..];
        if head.is_empty()
            || (head.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(head))
        {
            return false;
        }
        if head.starts_with(BYTE_ORDER_MARK) {
            self.start += BYTE_ORDER_MARK.len();
            self.searched = self.start;
        }
        self.state = State::Reading;
        true
    }

    fn find_newline(&mut self) -> Option<usize> {
        match memchr::memchr(b'\n', &self.buffer[self.searched..]) {
            Some(at) => Some(self.searched + at),
            None => {
                self.searched = self.buffer.len();
                None
            }
        }
    }

    // A line that is already too long is reported before its end is seen, and not kept.
    fn check_unfinished(&mut self) -> Option<FrameError> {
        // One more than the limit: the carriage return before a newline yet to come.
        let too_long = self.buffered() > self.limit + 1;
        if self.state == State::Skipping || too_long {
            // Its room is not kept either: a later line would be handed over with it.
            self.buffer = Vec::new();
            self.start = 0;
            self.searched = 0;
        }
        if too_long && self.state != State::Skipping {
            self.state = State::Skipping;
            return Some(FrameError::TooLong(self.limit));
        }
        None
    }

    fn hand_out(&mut self, begin: usize, end: usize) -> Line<'_> {
        // What follows is copied: it must not be more, or many lines at once would cost their
        // square.
        let length = end - begin;
        if length < OWNED_FROM || begin != 0 || self.buffered() > length {
            self.lent = begin;
            return Line::Borrowed(&self.buffer[begin..end]);
        }
        // With room for an id that has more digits.
        self.expected = self.start + 64;
        let rest = self.buffer.split_off(self.start);
        let mut line = mem::replace(&mut self.buffer, rest);
        self.start = 0;
        self.searched = 0;
        line.truncate(end);
        line.shrink_to(2 * end);
        Line::Owned(line)
    }

    // Moves what is left to the front once that is cheap: when nothing or little is left.
    fn compact(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
        } else if self.start >= self.buffered() {
            self.buffer.drain(..self.start);
        } else {
            return;
        }
        self.searched -= self.start;
        self.start = 0;
    }
}

fn trim_end(buffer: &[u8], begin: usize, mut end: usize) -> usize {
    while end > begin && buffer[end - 1] == b'\r' {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, vec};

    type Lines = Vec<Result<String, FrameError>>;

    // Every outcome of feeding `input` in pieces of `chunk` bytes.
    fn lines(input: &[u8], chunk: usize, limit: usize) -> Lines {
        let mut decoder = LineDecoder::new(limit);
        let mut seen = Vec::new();
        for piece in input.chunks(chunk) {
            decoder.store(piece);
            while let Some(line) = decoder.next_line() {
                seen.push(line.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()));
            }
        }
        if let Some(line) = decoder.finish() {
            seen.push(line.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()));
        }
        seen
    }

    #[test]
    fn any_cut_gives_the_same_lines() {
        let too_long = Err(FrameError::TooLong(4));
        let table: &[(&[u8], Lines)] = &[
            (b"", vec![]),
            (b"a\nb\n", vec![Ok("a".into()), Ok("b".into())]),
            (b"a\r\nb\r\r\n", vec![Ok("a".into()), Ok("b".into())]),
            (b"\n \r\n\na", vec![Ok("a".into())]),
            (
                b"\xEF\xBB\xBFa\n\xEF\xBB\xBFb\n",
                vec![Ok("a".into()), Ok("\u{feff}b".into())],
            ),
            (b"\xEF\xBB", vec![Ok("\u{fffd}".into())]),
            (b"1234\n", vec![Ok("1234".into())]),
            (b"1234\r\n", vec![Ok("1234".into())]),
            (b"1234\r\r\n", vec![too_long.clone()]),
            (
                b"\r\r\r\r\r\r\nab\n",
                vec![too_long.clone(), Ok("ab".into())],
            ),
            (b"12345\nab\n", vec![too_long.clone(), Ok("ab".into())]),
            (b"123456789\nab\n", vec![too_long.clone(), Ok("ab".into())]),
            (b"123456789", vec![too_long]),
        ];
        for (input, expected) in table {
            for chunk in 1..=input.len().max(1) {
                assert_eq!(
                    &lines(input, chunk, 4),
                    expected,
                    "{input:?} in pieces of {chunk}"
                );
            }
        }
    }

    #[test]
    fn a_long_line_is_handed_over_and_what_follows_is_kept() {
        let mut decoder = LineDecoder::new(1 << 20);
        let mut input = vec![b'x'; OWNED_FROM];
        input.extend_from_slice(b"\ny\nz");
        decoder.store(&input);
        assert!(
            matches!(decoder.next_line(), Some(Ok(Line::Owned(line))) if line.len() == OWNED_FROM)
        );
        assert!(matches!(
            decoder.next_line(),
            Some(Ok(Line::Borrowed(b"y")))
        ));
        assert_eq!(decoder.buffered(), 1);
    }

    #[test]
    fn a_line_that_was_put_back_comes_again() {
        let mut decoder = LineDecoder::new(1 << 20);
        decoder.store(b"a\n\nbc\r\nd");
        for line in [&b"a"[..], b"bc"] {
            for _ in 0..2 {
                assert_eq!(decoder.next_line().unwrap().unwrap().as_bytes(), line);
                decoder.put_back();
            }
            assert_eq!(decoder.next_line().unwrap().unwrap().as_bytes(), line);
        }
        assert!(decoder.next_line().is_none());

        let mut decoder = LineDecoder::new(1 << 20);
        let long = vec![b'x'; OWNED_FROM];
        decoder.store(&[&long[..], b"\ny\nz"].concat());
        for _ in 0..2 {
            let Some(Ok(Line::Owned(line))) = decoder.next_line() else {
                panic!("it is long")
            };
            assert_eq!(line, long);
            decoder.put_back_owned(line);
        }
        assert!(matches!(decoder.next_line(), Some(Ok(Line::Owned(_)))));
        assert_eq!(decoder.next_line().unwrap().unwrap().as_bytes(), b"y");
        assert_eq!(decoder.finish().unwrap().unwrap().as_bytes(), b"z");
    }

    #[test]
    fn a_line_that_is_handed_over_brings_little_more_than_itself() {
        let mut decoder = LineDecoder::new(64 * OWNED_FROM);
        // What is too long leaves no room behind that a later line would be handed over with.
        decoder.store(&vec![b'x'; 65 * OWNED_FROM]);
        assert!(matches!(decoder.next_line(), Some(Err(_))));
        assert_eq!(decoder.buffer.capacity(), 0);
        decoder.store(b"\n");
        let line = [&*vec![b'x'; OWNED_FROM], b"\n"].concat();
        // The same for lines that come many at a time.
        for many in [1, 2, 8, 64] {
            decoder.store(&line.repeat(many));
            for _ in 0..many {
                match decoder.next_line() {
                    Some(Ok(Line::Owned(line))) => assert!(line.capacity() <= 2 * OWNED_FROM),
                    Some(Ok(Line::Borrowed(line))) => assert_eq!(line.len(), OWNED_FROM),
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let mut decoder = LineDecoder::new(16);
        let mut reports = 0;
        for _ in 0..10_000 {
            decoder.store(&[b'x'; 16]);
            while let Some(line) = decoder.next_line() {
                assert_eq!(line.err(), Some(FrameError::TooLong(16)));
                reports += 1;
            }
            assert!(decoder.buffered() <= 32);
        }
        assert_eq!(reports, 1);
    }
}
