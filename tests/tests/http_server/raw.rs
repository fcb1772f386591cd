//! An HTTP client that sends what it is told to, and reads what there is.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// How long a test waits for something that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    stream: TcpStream,
    held: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A response whose body is still coming.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
}

/// A server-sent event.
#[derive(Debug, PartialEq)]
pub(crate) struct SseEvent {
    pub(crate) id: Option<String>,
    pub(crate) data: String,
}

impl SseEvent {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("it is not zero");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("it is not zero");
        stream.set_nodelay(true).expect("it is a socket");
        Self {
            stream,
            held: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .write_all(bytes.as_ref())
            .expect("the server takes it");
    }

    /// Sends what the server may refuse to take.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Sends something, unless the other side of the connection is gone.
    pub(crate) fn is_heard(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    pub(crate) fn ask(&mut self, request: impl AsRef<[u8]>) -> Response {
        self.send(request);
        self.response()
    }

    /// Whether the server has closed its side, without another byte.
    pub(crate) fn is_ended(&mut self) -> bool {
        match self.stream.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }

    /// Whether nothing comes for a while.
    pub(crate) fn is_quiet(&mut self, time: Duration) -> bool {
        self.stream
            .set_read_timeout(Some(time))
            .expect("it is not zero");
        let mut byte = [0];
        let read = self.stream.read(&mut byte);
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .expect("it is not zero");
        match read {
            Ok(0) => panic!("the server has closed the connection"),
            Ok(_) => {
                self.held.push(byte[0]);
                false
            }
            Err(_) => self.held.is_empty(),
        }
    }

    pub(crate) fn response(&mut self) -> Response {
        let head = self.head();
        self.body(head)
    }

    /// What follows a head that was read.
    pub(crate) fn body(&mut self, head: Head) -> Response {
        let Head { status, headers } = head;
        let body = match get(&headers, "content-length") {
            Some(_) if get(&headers, "content-type") == Some("text/event-stream") => {
                std::iter::from_fn(|| self.chunk()).flatten().collect()
            }
            Some(length) => self.take(length.parse().expect("a length")),
            None if get(&headers, "transfer-encoding").is_some() => {
                let mut body = Vec::new();
                while let Some(chunk) = self.chunk() {
                    body.extend_from_slice(&chunk);
                }
                body
            }
            None if status == 204 || status < 200 => Vec::new(),
            None => self.rest(),
        };
        let body = String::from_utf8(body).expect("the body is text");
        Response {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn head(&mut self) -> Head {
        let end = loop {
            if let Some(at) = self.held.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            self.more();
        };
        let text = String::from_utf8(self.take(end + 4)).expect("the head is text");
        let mut lines = text.trim_end().split("\r\n");
        let start = lines.next().unwrap_or_default();
        let status = start
            .strip_prefix("HTTP/1.1 ")
            .or_else(|| start.strip_prefix("HTTP/1.0 "))
            .and_then(|rest| rest.get(..3));
        let status = status.and_then(|status| status.parse().ok());
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_owned(), value.to_owned())
        });
        let head = Head {
            status: status.unwrap_or_else(|| panic!("{text}")),
            headers: headers.collect(),
        };
        self.cut_into_chunks(&head);
        head
    }

    // A stream that is complete beforehand may have a length: what follows reads chunks.
    fn cut_into_chunks(&mut self, head: &Head) {
        let length = head.get("content-length").map(str::parse);
        let (Some(Ok(length)), Some("text/event-stream")) = (length, head.get("content-type"))
        else {
            return;
        };
        let body = String::from_utf8(self.take(length)).expect("events are text");
        let mut held = format!("{length:x}\r\n{body}\r\n0\r\n\r\n").into_bytes();
        held.append(&mut self.held);
        self.held = held;
    }

    /// The next chunk of a body; `None`: it is complete.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = loop {
            if let Some(at) = self.held.windows(2).position(|two| two == b"\r\n") {
                break self.take(at + 2);
            }
            self.more();
        };
        let size = String::from_utf8(line).expect("a chunk's size");
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
        let mut chunk = self.take(size + 2);
        assert_eq!(chunk.split_off(size), b"\r\n");
        (size > 0).then_some(chunk)
    }

    /// The next event of a chunked stream that is no comment; `None`: the stream has ended.
    pub(crate) fn event(&mut self) -> Option<SseEvent> {
        loop {
            let chunk = String::from_utf8(self.chunk()?).expect("events are text");
            let mut events = chunk.split_inclusive("\n\n").filter_map(read_event);
            if let Some(event) = events.next() {
                let rest: String = chunk
                    .split_inclusive("\n\n")
                    .skip_while(|text| read_event(text).is_none())
                    .skip(1)
                    .collect();
                if !rest.is_empty() {
                    let mut held = format!("{:x}\r\n{rest}\r\n", rest.len()).into_bytes();
                    held.append(&mut self.held);
                    self.held = held;
                }
                return Some(event);
            }
        }
    }

    /// All that comes until the server closes its side.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.held);
        self.stream
            .read_to_end(&mut rest)
            .expect("the server closes in order");
        rest
    }

    /// How many bytes come until the server closes, in order or not.
    pub(crate) fn rest_or_reset(&mut self) -> usize {
        let mut rest = std::mem::take(&mut self.held);
        let _ = self.stream.read_to_end(&mut rest);
        rest.len()
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        while self.held.len() < count {
            self.more();
        }
        let rest = self.held.split_off(count);
        std::mem::replace(&mut self.held, rest)
    }

    fn more(&mut self) {
        let mut buffer = [0; 64 * 1024];
        let read = self
            .stream
            .read(&mut buffer)
            .expect("there is more to come");
        assert!(
            read > 0,
            "the server has closed after {:?}",
            String::from_utf8_lossy(&self.held)
        );
        self.held.extend_from_slice(&buffer[..read]);
    }
}

fn read_event(text: &str) -> Option<SseEvent> {
    let field = |name: &str| {
        let mut lines = text.lines();
        lines
            .find_map(|line| line.strip_prefix(name))
            .map(|value| value.trim_start().to_owned())
    };
    let event = SseEvent {
        id: field("id:"),
        data: field("data:").unwrap_or_default(),
    };
    (event.id.is_some() || !event.data.is_empty()).then_some(event)
}

fn get<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

impl Head {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        get(&self.headers, name)
    }
}

impl Response {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        get(&self.headers, name)
    }

    /// The answer, in one piece or as the last event of a stream: which it is, is a matter of time.
    pub(crate) fn json(&self) -> Value {
        let body = match self.get("content-type") {
            Some("text/event-stream") => {
                let events = self.body.split_inclusive("\n\n").filter_map(read_event);
                events.last().expect("an event").data
            }
            _ => self.body.clone(),
        };
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
