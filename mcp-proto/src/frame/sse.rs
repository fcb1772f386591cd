//! Server-sent events, as the HTTP transports of every revision use them.
//!
//! The format is the one of the HTML standard, "server-sent events". What MCP makes of it: a
//! message is the `data` of one event; an event with an id and no data primes the client for a
//! reconnection (2025-11-25, basic/transports) and is no message; a comment keeps a quiet stream
//! alive.

use alloc::{string::String, vec::Vec};
use core::{mem, time::Duration};

use super::FrameError;

/// Splits an event stream into its events, however the stream was cut on its way.
///
/// Lines may end in CR, LF or CRLF; one byte order mark at the very start, comments and fields
/// that the standard does not know are dropped. An event that is cut off by the end of the stream
/// is none. An event longer than the limit is reported once, at the moment it grows too long; its
/// remaining lines are skipped and the next event is read as usual.
///
/// ```
/// use mcp_proto::frame::SseDecoder;
///
/// let mut decoder = SseDecoder::new(1024);
/// decoder.store(b"id: 7\ndata: {\"a\":\ndata: 1}\n\n: alive\n\nda");
/// let event = decoder.next_event().unwrap().unwrap();
/// assert_eq!((event.name, event.data), ("message", b"{\"a\":\n1}".as_slice()));
/// assert!(decoder.next_event().is_none());
/// assert_eq!(decoder.last_event_id(), Some("7"));
/// ```
#[derive(Debug)]
pub struct SseDecoder {
    buffer: Vec<u8>,
    // Where the first byte not yet read lies.
    start: usize,
    // How far the search for a line's end has come, so that a slow drip costs linear time.
    searched: usize,
    limit: usize,
    // Nothing was read yet: a byte order mark may come.
    fresh: bool,
    // The last line ended in a carriage return: a newline right behind it belongs to that end.
    after_return: bool,
    event: Pending,
    last_event_id: Option<String>,
    retry: Option<Duration>,
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SseEvent<'a> {
    /// The event's type; `message` where the stream names none.
    pub name: &'a str,
    /// The data, its lines joined by newlines. Empty where the event is no message but primes the
    /// client for a reconnection, or tells it how long to wait before one.
    pub data: &'a [u8],
    /// The id that came with this event.
    pub id: Option<&'a str>,
    /// The time to wait before a reconnection, where this event sets one.
    pub retry: Option<Duration>,
}

impl SseEvent<'_> {
    /// Whether there is a message in it.
    #[must_use]
    pub fn is_message(&self) -> bool {
        !self.data.is_empty()
    }
}

// The event whose lines are being read.
#[derive(Debug, Default)]
struct Pending {
    name: String,
    data: Vec<u8>,
    id: Option<String>,
    retry: Option<Duration>,
    // Bytes of its fields so far.
    length: usize,
    // Whether a line of data was there, be it empty.
    has_data: bool,
    // It is handed out: the next line starts another.
    done: bool,
    // It was reported as too long.
    skipping: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl SseDecoder {
    /// A decoder for events of at most `limit` bytes, counted over the lines of their fields.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            limit,
            fresh: true,
            after_return: false,
            event: Pending::default(),
            last_event_id: None,
            retry: None,
        }
    }

    /// Keeps bytes for [`next_event`](Self::next_event); does no other work.
    pub fn store(&mut self, bytes: &[u8]) {
        self.compact();
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event, or the report of one that is too long; `None` until more is stored.
    pub fn next_event(&mut self) -> Option<Result<SseEvent<'_>, FrameError>> {
        if self.event.done {
            self.event.reset();
        }
        if self.fresh && !self.skip_mark() {
            return None;
        }
        loop {
            let Some((begin, end)) = self.next_line() else {
                return self.check_unfinished().map(Err);
            };
            if begin == end {
                if self.dispatch() {
                    return Some(Ok(self.event.as_event()));
                }
                continue;
            }
            if self.buffer[begin] == b':' || self.event.skipping {
                continue;
            }
            if self.event.length + (end - begin) > self.limit {
                return Some(Err(self.skip()));
            }
            self.event.read_field(&self.buffer[begin..end]);
        }
    }

    /// The id to resume from: that of the last event that had one. An empty id takes it back.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    /// The last reconnection time that the stream has set.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Bytes held: those stored and not yet read, and those of the event being read.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.start + self.event.length
    }

    // Moves what is left to the front once that is cheap: when nothing or little is left.
    fn compact(&mut self) {
        let left = self.buffer.len() - self.start;
        if left > self.start {
            return;
        }
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
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
        self.fresh = false;
        true
    }

    // The range of the next line without its end. A carriage return ends a line at once, so that
    // no event waits for a byte that may never come.
    fn next_line(&mut self) -> Option<(usize, usize)> {
        if self.after_return && self.start < self.buffer.len() {
            self.after_return = false;
            if self.buffer[self.start] == b'\n' {
                self.start += 1;
                self.searched = self.start;
            }
        }
        let Some(at) = memchr::memchr2(b'\r', b'\n', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + at;
        self.after_return = self.buffer[end] == b'\r';
        let begin = mem::replace(&mut self.start, end + 1);
        self.searched = self.start;
        Some((begin, end))
    }

    // A line that is already too long is reported before its end is seen. Neither it nor a
    // comment is kept beyond its first byte, which still tells what kind of line it was.
    fn check_unfinished(&mut self) -> Option<FrameError> {
        let line = &self.buffer[self.start..];
        let comment = line.first() == Some(&b':');
        let too_long =
            !comment && !self.event.skipping && self.event.length + line.len() > self.limit;
        if line.len() > 1 && (comment || self.event.skipping || too_long) {
            self.buffer.truncate(self.start + 1);
            self.searched = self.buffer.len();
        }
        too_long.then(|| self.skip())
    }

    fn skip(&mut self) -> FrameError {
        self.event.reset();
        self.event.skipping = true;
        FrameError::TooLong(self.limit)
    }

    // Ends the event; whether it is one that is handed out.
    fn dispatch(&mut self) -> bool {
        if self.event.skipping
            || (self.event.id.is_none() && self.event.retry.is_none() && !self.event.has_data)
        {
            self.event.reset();
            return false;
        }
        if let Some(id) = &self.event.id {
            self.last_event_id = (!id.is_empty()).then(|| id.clone());
        }
        self.retry = self.event.retry.or(self.retry);
        self.event.done = true;
        true
    }
}

impl Pending {
    fn reset(&mut self) {
        let (mut name, mut data) = (mem::take(&mut self.name), mem::take(&mut self.data));
        name.clear();
        data.clear();
        *self = Self {
            name,
            data,
            ..Self::default()
        };
    }

    fn as_event(&self) -> SseEvent<'_> {
        SseEvent {
            name: if self.name.is_empty() {
                "message"
            } else {
                &self.name
            },
            data: &self.data,
            id: self.id.as_deref(),
            retry: self.retry,
        }
    }

    fn read_field(&mut self, line: &[u8]) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => (
                &line[..colon],
                line[colon + 1..]
                    .strip_prefix(b" ")
                    .unwrap_or(&line[colon + 1..]),
            ),
            None => (line, &line[line.len()..]),
        };
        match name {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            // An id with a NUL is ignored (HTML standard); so is one that could not be sent back.
            b"id" => match core::str::from_utf8(value) {
                Ok(id) if !id.contains('\0') => self.id = Some(id.into()),
                _ => return,
            },
            b"retry" => match milliseconds(value) {
                Some(time) => self.retry = Some(time),
                None => return,
            },
            _ => return,
        }
        self.length += line.len();
    }
}

// Digits only, no sign and no blank. What does not fit is as good as for ever.
fn milliseconds(value: &[u8]) -> Option<Duration> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = core::str::from_utf8(value).ok()?;
    Some(Duration::from_millis(digits.parse().unwrap_or(u64::MAX)))
}

/// Appends one event.
///
/// Each line of `data` becomes a `data` field of its own, so a message, which has no line breaks,
/// travels in exactly one. A line break or NUL in a name or an id would end the field and is left
/// out.
///
/// ```
/// use mcp_proto::frame::sse;
///
/// let mut out = Vec::new();
/// sse::write_event(&mut out, Some("endpoint"), None, b"/messages");
/// sse::write_event(&mut out, None, Some("1-4"), b"{}");
/// assert_eq!(out, b"event: endpoint\ndata: /messages\n\nid: 1-4\ndata: {}\n\n");
/// ```
pub fn write_event(out: &mut Vec<u8>, name: Option<&str>, id: Option<&str>, data: &[u8]) {
    write_field(out, "event", name);
    write_field(out, "id", id);
    let mut rest = data;
    loop {
        out.extend_from_slice(b"data: ");
        let Some(end) = memchr::memchr2(b'\r', b'\n', rest) else {
            out.extend_from_slice(rest);
            break;
        };
        out.extend_from_slice(&rest[..end]);
        out.push(b'\n');
        let next = if rest[end..].starts_with(b"\r\n") {
            end + 2
        } else {
            end + 1
        };
        rest = &rest[next..];
    }
    out.extend_from_slice(b"\n\n");
}

/// Appends one event whose data `message` appends as one line of JSON.
///
/// A line break, which in JSON can only be white space between tokens, becomes a blank.
pub fn write_message(out: &mut Vec<u8>, id: Option<&str>, message: impl FnOnce(&mut Vec<u8>)) {
    write_field(out, "id", id);
    out.extend_from_slice(b"data: ");
    let start = out.len();
    message(out);
    while let Some(at) = memchr::memchr2(b'\r', b'\n', &out[start..]) {
        out[start + at] = b' ';
    }
    out.extend_from_slice(b"\n\n");
}

/// Appends an event that is no message: its id primes the client for a reconnection, and `retry`
/// tells it how long to wait before that (2025-11-25, basic/transports).
///
/// Clients of older revisions take the empty data for a message; they must not be sent this.
pub fn write_priming(out: &mut Vec<u8>, id: &str, retry: Option<Duration>) {
    write_field(out, "id", Some(id));
    if let Some(retry) = retry {
        write_retry(out, retry);
    }
    out.extend_from_slice(b"data:\n\n");
}

/// Appends a comment: what keeps a quiet stream alive.
pub fn write_comment(out: &mut Vec<u8>, text: &str) {
    out.push(b':');
    if !text.is_empty() {
        out.push(b' ');
        out.extend(text.bytes().filter(|byte| !b"\r\n".contains(byte)));
    }
    out.extend_from_slice(b"\n\n");
}

fn write_retry(out: &mut Vec<u8>, retry: Duration) {
    out.extend_from_slice(b"retry: ");
    crate::encode::write_u64(out, u64::try_from(retry.as_millis()).unwrap_or(u64::MAX));
    out.push(b'\n');
}

fn write_field(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend(value.bytes().filter(|byte| !b"\r\n\0".contains(byte)));
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString, vec};

    // Every outcome of feeding `input` in pieces of `chunk` bytes, and what the decoder knows then.
    fn events(input: &[u8], chunk: usize, limit: usize) -> Vec<String> {
        let mut decoder = SseDecoder::new(limit);
        let mut seen = Vec::new();
        for piece in input.chunks(chunk) {
            decoder.store(piece);
            while let Some(event) = decoder.next_event() {
                seen.push(match event {
                    Ok(event) => show(&event),
                    Err(error) => error.to_string(),
                });
            }
        }
        seen.push(format!(
            "last={} retry={}",
            decoder.last_event_id().unwrap_or("-"),
            decoder
                .retry()
                .map_or_else(|| "-".into(), |retry| format!("{retry:?}")),
        ));
        seen
    }

    fn show(event: &SseEvent<'_>) -> String {
        let id = event.id.map_or_else(String::new, |id| format!(" id={id}"));
        let retry = event
            .retry
            .map_or_else(String::new, |retry| format!(" retry={retry:?}"));
        let kind = if event.is_message() { "" } else { " none" };
        format!(
            "{}{id}{retry}{kind} {}",
            event.name,
            String::from_utf8_lossy(event.data).escape_debug()
        )
    }

    #[test]
    fn any_cut_gives_the_same_events() {
        let table: &[(&[u8], &[&str])] = &[
            (b"", &["last=- retry=-"]),
            (
                b"data: a\n\ndata:b\n\n",
                &["message a", "message b", "last=- retry=-"],
            ),
            (
                b"data: a\r\n\r\ndata: b\r\rdata: c\n\r\n",
                &["message a", "message b", "message c", "last=- retry=-"],
            ),
            // CR and LF mixed: CR LF LF is one end and one empty line.
            (
                b"data: a\r\n\ndata: b\n\n",
                &["message a", "message b", "last=- retry=-"],
            ),
            // Cut off by the end of the stream.
            (b"data: a", &["last=- retry=-"]),
            (b"id: 1\ndata: a\n", &["last=- retry=-"]),
            // Several lines, an empty one among them; one blank after the colon goes.
            (
                b"data: a\ndata\ndata:  b\n\n",
                &["message a\\n\\n b", "last=- retry=-"],
            ),
            (b"data:\n\n", &["message none ", "last=- retry=-"]),
            (b"data\ndata\n\n", &["message \\n", "last=- retry=-"]),
            // A byte order mark counts once and at the start only.
            (
                b"\xEF\xBB\xBFdata: a\n\n\xEF\xBB\xBFdata: b\n\n",
                &["message a", "last=- retry=-"],
            ),
            (
                b"\xEF\xBBdata: a\n\ndata: b\n\n",
                &["message b", "last=- retry=-"],
            ),
            // Comments, unknown fields, names.
            (
                b": c\n\n:\ndata: a\n:c\nx: y\nDATA: z\n data: z\n\n",
                &["message a", "last=- retry=-"],
            ),
            (
                b"event: endpoint\ndata: /m\n\ndata: x\n\n",
                &["endpoint /m", "message x", "last=- retry=-"],
            ),
            (b"event: x\n\ndata: a\n\n", &["message a", "last=- retry=-"]),
            (
                b"event: x\nevent\ndata: a\n\n",
                &["message a", "last=- retry=-"],
            ),
            // Ids: kept across events, empty takes back, NUL and bytes that are no text are ignored.
            (
                b"id: 1\ndata: a\n\ndata: b\n\n",
                &["message id=1 a", "message b", "last=1 retry=-"],
            ),
            (
                b"id: 1\ndata: a\n\nid\ndata: b\n\n",
                &["message id=1 a", "message id= b", "last=- retry=-"],
            ),
            (
                b"id: 1\n\nid: a\0b\ndata: b\n\n",
                &["message id=1 none ", "message b", "last=1 retry=-"],
            ),
            (b"id: \xFF\ndata: b\n\n", &["message b", "last=- retry=-"]),
            // Priming, and the time to wait: digits only.
            (
                b"id: 0-1\nretry: 500\ndata:\n\n",
                &["message id=0-1 retry=500ms none ", "last=0-1 retry=500ms"],
            ),
            (
                b"retry: 1\n\nretry: +2\n\nretry: 3 \n\nretry:\n\n",
                &["message retry=1ms none ", "last=- retry=1ms"],
            ),
            (
                b"retry: 99999999999999999999999\n\n",
                &[
                    "message retry=18446744073709551.615s none ",
                    "last=- retry=18446744073709551.615s",
                ],
            ),
            (b"data: \xFF\n\n", &["message \u{fffd}", "last=- retry=-"]),
        ];
        for (input, expected) in table {
            for chunk in 1..=input.len().max(1) {
                assert_eq!(
                    &events(input, chunk, 64),
                    expected,
                    "{:?} in pieces of {chunk}",
                    input.escape_ascii().to_string()
                );
            }
        }
    }

    #[test]
    fn too_long_is_told_once_and_the_next_event_is_read() {
        let long = "event is too long";
        let table: &[(&[u8], &[&str])] = &[
            // Sixteen bytes of fields are the limit here.
            (
                b"data: 0123456789\n\n",
                &["message 0123456789", "last=- retry=-"],
            ),
            (
                b"data: 0123456789x\n\ndata: a\n\n",
                &[long, "message a", "last=- retry=-"],
            ),
            (b"data: 0123456789x", &[long, "last=- retry=-"]),
            (
                b"data: 0123456789xxxxxxxxxxxx\ndata: y\nid: 3\n\ndata: a\n\n",
                &[long, "message a", "last=- retry=-"],
            ),
            (
                b"data: 01\nid: 2345\nevent: x\n\nid: 1\n\n",
                &[long, "message id=1 none ", "last=1 retry=-"],
            ),
            // Comments and unknown fields are not part of an event, whatever their number.
            (
                b":0123456789012345678901234567890123456789\ndata: a\n\n",
                &["message a", "last=- retry=-"],
            ),
            (
                b"x: 0123456789\nx: 0123456789\ndata: a\n\n",
                &["message a", "last=- retry=-"],
            ),
            (
                b"x: 0123456789abcdefgh\n\ndata: a\n\n",
                &[long, "message a", "last=- retry=-"],
            ),
        ];
        for (input, expected) in table {
            let expected: Vec<String> = expected
                .iter()
                .map(|line| {
                    if *line == long {
                        FrameError::TooLong(16).to_string()
                    } else {
                        line.to_string()
                    }
                })
                .collect();
            for chunk in 1..=input.len() {
                assert_eq!(
                    events(input, chunk, 16),
                    expected,
                    "{:?} in pieces of {chunk}",
                    input.escape_ascii().to_string()
                );
            }
        }
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        for filler in [b'x', b':'] {
            let mut decoder = SseDecoder::new(16);
            let mut reports = 0;
            for _ in 0..10_000 {
                decoder.store(&[filler; 16]);
                while let Some(event) = decoder.next_event() {
                    assert_eq!(event, Err(FrameError::TooLong(16)));
                    reports += 1;
                }
                assert!(decoder.buffered() <= 32);
            }
            assert_eq!(reports, usize::from(filler == b'x'));
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = Vec::new();
        write_priming(&mut out, "1-0", Some(Duration::from_millis(1500)));
        write_message(&mut out, Some("1-1"), |out| {
            out.extend_from_slice(b"{\"a\":\r\n1}");
        });
        write_comment(&mut out, "keep\nalive");
        write_event(&mut out, Some("x\ny"), Some("2\r\0"), b"a\r\nb\rc\n");
        write_comment(&mut out, "");
        assert_eq!(
            out,
            b"id: 1-0\nretry: 1500\ndata:\n\nid: 1-1\ndata: {\"a\":  1}\n\n: keepalive\n\n\
              event: xy\nid: 2\ndata: a\ndata: b\ndata: c\ndata: \n\n:\n\n"
        );
        let expected = vec![
            "message id=1-0 retry=1.5s none ",
            "message id=1-1 {\\\"a\\\":  1}",
            "xy id=2 a\\nb\\nc\\n",
            "last=2 retry=1.5s",
        ];
        for chunk in 1..=out.len() {
            assert_eq!(events(&out, chunk, 64), expected);
        }
    }
}
