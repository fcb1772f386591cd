//! Bytes in, responses out: lines, or HTTP/1.1 with bodies of known length, in chunks, and with
//! server-sent events in them.

use std::io::{self, Read};
use std::ops::Range;

use memchr::{memchr, memmem, memrchr};

const STEP: usize = 64 * 1024;

/// One response, whose bytes are in the inbox until it is filled again.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) status: u16,
    body: Range<usize>,
    decoded: bool,
}

#[derive(Debug)]
enum State {
    Line,
    Head,
    Length { length: usize },
    Chunks,
}

/// What has been read from a connection.
#[derive(Debug)]
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    start: usize,
    seen: usize,
    end: usize,
    state: State,
    status: u16,
    events: bool,
    sessions_wanted: bool,
    last_session: Option<String>,
    decoded: Vec<u8>,
}

impl Inbox {
    pub(crate) fn new(http: bool) -> Self {
        Self {
            buffer: vec![0; 2 * STEP],
            start: 0,
            seen: 0,
            end: 0,
            state: if http { State::Head } else { State::Line },
            status: 200,
            events: false,
            sessions_wanted: false,
            last_session: None,
            decoded: Vec::new(),
        }
    }

    /// For connections of which there are thousands.
    pub(crate) fn small(http: bool) -> Self {
        let mut inbox = Self::new(http);
        inbox.buffer = vec![0; 2048];
        inbox
    }

    /// Reads once; false at the end of the input.
    pub(crate) fn fill(&mut self, mut from: impl Read) -> io::Result<bool> {
        if self.start == self.end {
            (self.start, self.seen, self.end) = (0, 0, 0);
        } else if self.buffer.len() - self.end < self.buffer.len() / 2 {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                // Over HTTP nothing is looked through twice, and this stays behind.
                self.seen = self.seen.saturating_sub(self.start);
                self.start = 0;
            }
            if self.end > self.buffer.len() / 2 {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        let read = from.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read > 0)
    }

    /// Reads the session id of the responses to come, which costs an allocation each.
    pub(crate) fn expect_session(&mut self) {
        self.sessions_wanted = true;
    }

    /// The session id of the response that came last, if it had one.
    pub(crate) fn take_session(&mut self) -> Option<String> {
        self.sessions_wanted = false;
        self.last_session.take()
    }

    pub(crate) fn body(&self, arrived: &Arrived) -> &[u8] {
        if arrived.decoded {
            &self.decoded[arrived.body.clone()]
        } else {
            &self.buffer[arrived.body.clone()]
        }
    }

    /// What has come and was not taken.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether these bytes have come; for streams that do not end.
    pub(crate) fn contains(&self, text: &str) -> bool {
        memmem::find(self.unread(), text.as_bytes()).is_some()
    }

    /// The next whole response.
    pub(crate) fn next(&mut self) -> Result<Option<Arrived>, String> {
        loop {
            match self.state {
                State::Line => return Ok(self.line()),
                State::Head => {
                    if !self.head()? {
                        return Ok(None);
                    }
                }
                State::Length { length } => {
                    if self.end - self.start < length {
                        return Ok(None);
                    }
                    let body = self.start..self.start + length;
                    return Ok(Some(self.whole(body, false)));
                }
                State::Chunks => {
                    if !self.chunks()? {
                        return Ok(None);
                    }
                    return Ok(Some(self.whole(0..self.decoded.len(), true)));
                }
            }
        }
    }

    fn line(&mut self) -> Option<Arrived> {
        let Some(length) = memchr(b'\n', &self.buffer[self.seen..self.end]) else {
            self.seen = self.end;
            return None;
        };
        let body = self.start..self.seen + length;
        self.start = body.end + 1;
        self.seen = self.start;
        Some(Arrived {
            status: 200,
            body,
            decoded: false,
        })
    }

    fn whole(&mut self, mut body: Range<usize>, decoded: bool) -> Arrived {
        if !decoded {
            self.start = body.end;
        }
        self.state = State::Head;
        if self.events {
            let bytes = if decoded { &self.decoded } else { &self.buffer };
            let data = last_data(&bytes[body.clone()]);
            body = body.start + data.start..body.start + data.end;
        }
        Arrived {
            status: self.status,
            body,
            decoded,
        }
    }

    /// Reads the head, if it is all there.
    fn head(&mut self) -> Result<bool, String> {
        let bytes = &self.buffer[self.start..self.end];
        let Some(length) = memmem::find(bytes, b"\r\n\r\n") else {
            return Ok(false);
        };
        let status = bytes.get(9..12).and_then(|text| str::from_utf8(text).ok());
        let status = status.and_then(|text| text.parse().ok());
        self.status = status.ok_or_else(|| crate::check::excerpt(bytes))?;
        self.events = false;
        let mut state = State::Length { length: 0 };
        let mut at = self.start;
        let end = at + length;
        while at < end {
            let line_end = memchr(b'\r', &self.buffer[at..end]).map_or(end, |n| at + n);
            let line = &self.buffer[at..line_end];
            if let Some(value) = header(line, b"content-length") {
                let value = str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse().ok());
                let length = value.ok_or("a length that is none")?;
                state = State::Length { length };
            } else if header(line, b"transfer-encoding").is_some() {
                state = State::Chunks;
            } else if let Some(value) = header(line, b"content-type") {
                self.events = value.starts_with(b"text/event-stream");
            } else if let Some(value) = header(line, b"mcp-session-id")
                && self.sessions_wanted
            {
                self.last_session = Some(String::from_utf8_lossy(value).into_owned());
            }
            at = line_end + 2;
        }
        self.start = end + 4;
        self.seen = self.start;
        self.decoded.clear();
        self.state = state;
        Ok(true)
    }

    /// Takes the chunks that are there; true once the last one was.
    fn chunks(&mut self) -> Result<bool, String> {
        loop {
            let bytes = &self.buffer[self.start..self.end];
            let Some(line) = memchr(b'\n', bytes) else {
                return Ok(false);
            };
            let text = str::from_utf8(&bytes[..line]).unwrap_or_default();
            let size = text.trim().split(';').next().unwrap_or_default();
            let size =
                usize::from_str_radix(size, 16).map_err(|_| format!("a chunk of {text:?}"))?;
            let next = line + 1 + size + 2;
            if bytes.len() < next {
                return Ok(false);
            }
            self.decoded
                .extend_from_slice(&bytes[line + 1..line + 1 + size]);
            self.start += next;
            if size == 0 {
                return Ok(true);
            }
        }
    }
}

fn header<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

/// The data of the last event that has any.
fn last_data(events: &[u8]) -> Range<usize> {
    let mut end = events.len();
    loop {
        let start = memrchr(b'\n', &events[..end]).map_or(0, |at| at + 1);
        let line = events[start..end].trim_ascii_end();
        if let Some(data) = line.strip_prefix(b"data:") {
            let length = data.trim_ascii_start().len();
            if length > 0 {
                return start + line.len() - length..start + line.len();
            }
        }
        if start == 0 {
            return 0..0;
        }
        end = start - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(http: bool, bytes: &[u8], step: usize) -> Vec<(u16, String)> {
        let mut inbox = Inbox::new(http);
        let mut found = Vec::new();
        for piece in bytes.chunks(step) {
            assert!(inbox.fill(piece).expect("a slice can be read"));
            while let Some(arrived) = inbox.next().expect("it is well-formed") {
                let body = String::from_utf8_lossy(inbox.body(&arrived)).into_owned();
                found.push((arrived.status, body));
            }
        }
        found
    }

    #[test]
    fn lines_are_split_however_they_come() {
        let text = b"{}\n{\"id\":1}\n";
        for step in 1..text.len() {
            let found = all(false, text, step);
            assert_eq!(found, [(200, "{}".into()), (200, "{\"id\":1}".into())]);
        }
    }

    #[test]
    fn http_bodies_are_found_however_they_come() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 202 Accepted\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: \n\n\n\r\n10\r\nid: 1\ndata: [1]\n\r\n1\r\n\n\r\n0\r\n\r\n";
        for step in 1..text.len() {
            let found = all(true, text, step);
            let expected = [(200, "{}"), (202, ""), (200, "[1]")];
            assert_eq!(
                found,
                expected.map(|(status, text)| (status, text.to_owned()))
            );
        }
    }
}
