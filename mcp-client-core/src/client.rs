//! The front for byte streams: a session whose messages are lines.

use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use mcp_proto::{encode::join_lines, frame::LineDecoder, time::Instant};

use crate::{error::Fault, event::Event, options::Config, session::Session};

/// One connection to a server over a byte stream: a child's pipes, a socket, memory.
///
/// It does no I/O and reads no clock. The inputs (`handle_bytes`, `handle_eof`, `handle_timeout`)
/// only record; [`poll_event`](Self::poll_event) does the work, one message at a time, so that how
/// the stream was cut makes no difference. After every input, and after commands:
///
/// 1. [`poll_event`](Self::poll_event) until there is none,
/// 2. [`poll_transmit`](Self::poll_transmit) and write what it gives,
/// 3. wait for bytes (if [`wants_read`](Session::wants_read)), for room to write, for a command, or
///    for [`poll_timeout`](Session::poll_timeout).
///
/// The commands are those of [`Session`].
///
/// ```
/// use mcp_client_core::{CallOptions, Client, Config, EraMode, Event};
/// use mcp_client_core::mcp_proto::{request::CallTool, time::Instant, version::ProtocolVersion};
/// use mcp_client_core::mcp_proto::types::{CallToolParams, Implementation};
///
/// let now = Instant::ZERO;
/// let mut config = Config::new(Implementation::new("app", "1.0.0"));
/// config.era = EraMode::Handshake(ProtocolVersion::V2025_06_18);
/// let mut client = Client::new(config, now);
/// let call = client.call::<CallTool>(&CallToolParams::new("hello"), &CallOptions::default(), now)?;
///
/// let mut out = Vec::new();
/// while client.poll_transmit(&mut out) {}
/// assert!(out.starts_with(br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"#));
///
/// client.handle_bytes(concat!(
///     r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{},"#,
///     r#""serverInfo":{"name":"s","version":"1"}}}"#, "\n",
/// ).as_bytes(), now);
/// assert!(matches!(client.poll_event(), Some(Event::Ready)));
///
/// out.clear();
/// while client.poll_transmit(&mut out) {}
/// assert_eq!(core::str::from_utf8(&out), Ok(concat!(
///     r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":{}}"#, "\n",
///     r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hello"}}"#, "\n",
/// )));
///
/// client.handle_bytes(concat!(
///     r#"{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"hi"}]}}"#, "\n",
/// ).as_bytes(), now);
/// assert!(matches!(client.poll_event(), Some(Event::Done(id)) if id == call.id()));
/// let result = client.take(call).expect("it is done").expect("it succeeded");
/// assert_eq!(result.content[0].as_text(), Some("hi"));
/// # Ok::<(), mcp_client_core::Misuse>(())
/// ```
#[derive(Debug)]
pub struct Client {
    session: Session,
    lines: LineDecoder,
    ended: bool,
}

impl Client {
    /// Starts a connection; the first message is to be transmitted at once.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let lines = LineDecoder::new(config.limits.message_bytes);
        Self {
            session: Session::new(config, now),
            lines,
            ended: false,
        }
    }

    /// Records bytes from the server.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        self.session.now = now;
        if !self.ended && self.session.closed.is_none() {
            self.lines.store(bytes);
        }
    }

    /// Records that the server's output has ended. What is open fails once everything that came
    /// before was read.
    pub fn handle_eof(&mut self, now: Instant) {
        self.session.now = now;
        self.ended = true;
    }

    /// Records that time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
    }

    /// Does what is due, and tells the next thing to know; `None` until more comes in.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.session.poll_event() {
                return Some(event);
            }
            if self.session.closed.is_some() || !self.read_line() {
                return None;
            }
        }
    }

    // Reads one line; `false` where there is none.
    fn read_line(&mut self) -> bool {
        let line = match self.lines.next_line() {
            None if self.ended => self.lines.finish(),
            line => line,
        };
        match line {
            Some(Ok(line)) => self.session.receive(line),
            Some(Err(_)) => self.session.events.push_back(Event::Fault(Fault::Frame)),
            None if self.ended => self.session.end_of_input(),
            None => return false,
        }
        true
    }

    /// Appends the next message to `out`, with its line end; `false` where there is none.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        if self.session.poll_message(out).is_none() {
            return false;
        }
        // Line breaks in JSON text of the caller are white space between tokens, and must not end
        // the message (2026-07-28, basic/transports/stdio).
        join_lines(&mut out[start..]);
        out.push(b'\n');
        true
    }

    /// Whether the connection has ended and everything was said about it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.session.is_closed()
    }
}

impl Deref for Client {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
