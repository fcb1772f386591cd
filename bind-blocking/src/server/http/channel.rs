//! The requests and responses of one connection, in order, without its socket.
//!
//! ```text
//!  input ─▶ head ─▶ Exchange ◀─ body          ┌─▶ head of the next request
//!                      │                      │
//!                      └─▶ reply ─▶ output ───┴─▶ lingering ─▶ closed
//! ```

use std::{sync::Arc, time::Duration};

use http::Version;
use mcp_proto::time::Instant;
use mcp_server_core::{
    Handler, Service,
    http::{
        Body, Exchange, HttpEvent, HttpOptions,
        bounds::{HEAD_TIME, IDLE, LINGER},
    },
};

use super::{
    body::BodyDecoder,
    buffer::{Input, Output},
    head::{self, Head, Malformed},
    response::{self, Shape, Terms},
};

/// Requests that may come before the one in front of them is answered, in bytes.
const AHEAD_BYTES: usize = 16 * 1024;

/// The protocol's side of one connection.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) input: Input,
    pub(super) output: Output,
    stage: Stage,
    // When the stage ends by itself.
    deadline: Instant,
    // When a client that takes nothing of our output is given up.
    stalled_at: Instant,
    // Of the current exchange, or of the one before.
    serial: u32,
    // A request's head that has begun was searched for its end up to here.
    searched: usize,
    // No further request is read.
    last: bool,
}

#[derive(Debug)]
enum Stage {
    /// Before or within a request's head.
    Head,
    Exchange(Box<Ongoing>),
    /// The last response is being sent; what still comes is not read.
    Ending,
    /// Our side is closed; the client may still read what it got.
    Lingering,
    Closed,
}

#[derive(Debug)]
struct Ongoing {
    exchange: Exchange<Handler>,
    body: BodyDecoder,
    http10: bool,
    keep_alive: bool,
    expects_continue: bool,
    // Once the head of the response is written.
    shape: Option<Shape>,
}

/// What the channel wants from its driver.
#[derive(Debug)]
pub(super) enum Step {
    Event(HttpEvent<Handler>),
    /// Nothing until there is more input, room for output, time passes, or a call tells something.
    Wait,
}

/// What exchanges are made with.
pub(super) struct Terrain {
    pub(super) service: Arc<Service<Handler>>,
    pub(super) options: Arc<HttpOptions>,
}

impl Channel {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            input: Input::default(),
            output: Output::default(),
            stage: Stage::Head,
            deadline: now.saturating_add(IDLE),
            stalled_at: Instant::MAX,
            serial: 0,
            searched: 0,
            last: false,
        }
    }

    // ── in ──────────────────────────────────────────────────────────────────────────────────────

    /// The next thing to do, until nothing can be done.
    pub(super) fn poll(&mut self, terrain: impl Fn() -> Terrain, now: Instant) -> Step {
        loop {
            match &mut self.stage {
                Stage::Head => {
                    if !self.begin(&terrain, now) {
                        return Step::Wait;
                    }
                }
                Stage::Exchange(ongoing) => {
                    if let Err(malformed) =
                        ongoing.take_body(&mut self.input, &mut self.output, now)
                    {
                        self.refuse(malformed);
                        continue;
                    }
                    if let Some(event) = ongoing.exchange.poll_event() {
                        return Step::Event(event);
                    }
                    self.transmit(now);
                    if matches!(self.stage, Stage::Exchange(_)) {
                        return Step::Wait;
                    }
                }
                Stage::Ending | Stage::Lingering | Stage::Closed => {
                    self.input.clear();
                    return Step::Wait;
                }
            }
        }
    }

    // Begins an exchange, if its head is there; whether something has happened.
    fn begin(&mut self, terrain: &impl Fn() -> Terrain, now: Instant) -> bool {
        if self.last {
            self.end();
            return true;
        }
        // A blank line or two before a request is none (RFC 9112 §2.2).
        while self.input.bytes().starts_with(b"\r\n") {
            self.input.consume(2);
        }
        let bytes = self.input.bytes();
        if bytes.is_empty() {
            return false;
        }
        let from = self.searched.saturating_sub(3);
        if self.searched > 0 && head::may_go_on(bytes) && !has_blank_line(&bytes[from..]) {
            self.searched = bytes.len();
            return false;
        }
        if self.searched == 0 {
            self.deadline = now.saturating_add(HEAD_TIME);
        }
        self.searched = bytes.len();
        match head::parse(bytes) {
            Ok(Some((length, head))) => {
                self.input.consume(length);
                self.open(head, terrain(), now);
                true
            }
            Ok(None) => false,
            Err(malformed) => {
                self.refuse(malformed);
                true
            }
        }
    }

    fn open(&mut self, head: Head, terrain: Terrain, now: Instant) {
        let Head {
            parts,
            body,
            keep_alive,
            expects_continue,
        } = head;
        self.searched = 0;
        self.deadline = Instant::MAX;
        self.serial = self.serial.wrapping_add(1);
        let http10 = parts.version == Version::HTTP_10;
        let exchange = Exchange::new(terrain.service, terrain.options, parts, self.serial, now);
        let ongoing = Ongoing {
            exchange,
            body,
            http10,
            keep_alive,
            expects_continue,
            shape: None,
        };
        self.stage = Stage::Exchange(Box::new(ongoing));
    }

    /// Time has passed. Whether the client is to be given up.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        if now >= self.stalled_at {
            return true;
        }
        match &mut self.stage {
            Stage::Head if now >= self.deadline => {
                if self.searched == 0 {
                    return true;
                }
                let status = http::StatusCode::REQUEST_TIMEOUT;
                let message = "the head did not come in time";
                self.refuse(Malformed { status, message });
            }
            Stage::Lingering => return now >= self.deadline,
            Stage::Exchange(ongoing) => {
                if ongoing
                    .exchange
                    .poll_timeout()
                    .is_some_and(|due| due <= now)
                {
                    ongoing.exchange.handle_timeout(now);
                }
            }
            Stage::Head | Stage::Ending | Stage::Closed => {}
        }
        false
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let exchange = self.exchange().and_then(Exchange::poll_timeout);
        let due = self
            .deadline
            .min(self.stalled_at)
            .min(exchange.unwrap_or(Instant::MAX));
        (due != Instant::MAX).then_some(due)
    }

    /// Takes no further request, and ends what would go on for ever.
    pub(super) fn shut_down(&mut self, now: Instant) {
        self.last = true;
        match &mut self.stage {
            Stage::Exchange(ongoing) => ongoing.exchange.shut_down(now),
            Stage::Head if self.input.is_empty() && self.output.is_empty() => self.close(),
            _ => {}
        }
    }

    /// Nothing more can be sent or read.
    pub(super) fn close(&mut self) {
        self.stage = Stage::Closed;
        self.deadline = Instant::MAX;
        self.stalled_at = Instant::MAX;
        self.input.clear();
        self.output.clear();
    }

    // ── out ─────────────────────────────────────────────────────────────────────────────────────

    /// Moves the reply into the output, as far as that is empty; whether anything was moved.
    pub(super) fn transmit(&mut self, now: Instant) -> bool {
        let Stage::Exchange(ongoing) = &mut self.stage else {
            return false;
        };
        if !self.output.is_empty() {
            return false;
        }
        let last = self.last;
        if ongoing.shape.is_none() && !ongoing.write_head(&mut self.input, self.output.end(), last)
        {
            return false;
        }
        let Some(shape) = ongoing.shape else {
            return false;
        };
        let ended = ongoing.write_body(shape, &mut self.output);
        let moved = !self.output.is_empty();
        if ended {
            let goes_on = ongoing.keep_alive && !last && shape != Shape::UntilClose;
            self.stage = Stage::Head;
            self.deadline = now.saturating_add(IDLE);
            self.last |= !goes_on;
            if self.last {
                self.end();
            }
        }
        moved
    }

    /// What became of the output: whether the socket took any of it.
    pub(super) fn flushed(&mut self, progress: bool, stall: Duration, now: Instant) {
        if self.output.is_empty() {
            self.stalled_at = Instant::MAX;
        } else if progress || self.stalled_at == Instant::MAX {
            self.stalled_at = now.saturating_add(stall);
        }
    }

    /// Whether our side is to be closed now: everything was sent. Told once.
    pub(super) fn wants_end(&mut self, now: Instant) -> bool {
        if !matches!(self.stage, Stage::Ending) || !self.output.is_empty() {
            return false;
        }
        // Closing at once could destroy what the client has not read (RFC 9112 §9.6).
        self.stage = Stage::Lingering;
        self.deadline = now.saturating_add(LINGER);
        true
    }

    /// Reads no further request; what is there to be sent is still sent.
    pub(super) fn end(&mut self) {
        self.stage = Stage::Ending;
        self.deadline = Instant::MAX;
    }

    // Answers what cannot be read, unless an answer has begun, and ends.
    fn refuse(&mut self, malformed: Malformed) {
        let begun = matches!(&self.stage, Stage::Exchange(ongoing) if ongoing.shape.is_some());
        if !begun {
            response::write_malformed(self.output.end(), malformed);
        }
        self.end();
    }

    // ── between ─────────────────────────────────────────────────────────────────────────────────

    pub(super) fn exchange(&self) -> Option<&Exchange<Handler>> {
        match &self.stage {
            Stage::Exchange(ongoing) => Some(&ongoing.exchange),
            _ => None,
        }
    }

    pub(super) fn exchange_mut(&mut self) -> Option<&mut Exchange<Handler>> {
        match &mut self.stage {
            Stage::Exchange(ongoing) => Some(&mut ongoing.exchange),
            _ => None,
        }
    }

    /// The exchange whose calls have this tag, if it is still there.
    pub(super) fn exchange_of(&mut self, tag: u32) -> Option<&mut Exchange<Handler>> {
        if tag == self.serial {
            self.exchange_mut()
        } else {
            None
        }
    }

    /// Whether the next thing to happen is that a request, or more of its body, comes in.
    pub(super) fn wants_request(&self) -> bool {
        match &self.stage {
            Stage::Head => true,
            Stage::Exchange(ongoing) => ongoing.exchange.wants_body(),
            Stage::Ending | Stage::Lingering | Stage::Closed => false,
        }
    }

    /// Whether there is input to be worked at.
    pub(super) fn has_request(&self) -> bool {
        !self.input.is_empty() && self.wants_request()
    }

    /// Drops input that nobody is going to read.
    pub(super) fn discard(&mut self) {
        if matches!(self.stage, Stage::Ending | Stage::Lingering) {
            self.input.consume(usize::MAX);
        }
    }

    /// Whether more may be read: to go on, or to see the client's end.
    pub(super) fn wants_read(&self) -> bool {
        match &self.stage {
            Stage::Closed => false,
            Stage::Lingering | Stage::Ending => true,
            _ => self.wants_request() || self.input.bytes().len() < AHEAD_BYTES,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.stage, Stage::Closed)
    }
}

impl Ongoing {
    // Hands over the body as far as it is there and wanted.
    fn take_body(
        &mut self,
        input: &mut Input,
        output: &mut Output,
        now: Instant,
    ) -> Result<(), Malformed> {
        while self.exchange.wants_body() {
            if self.body.is_done() {
                self.exchange.handle_body_end(now);
                break;
            }
            let (used, data) = self.body.decode(input.bytes())?;
            if let Some(data) = data {
                self.exchange.handle_body(data, now);
            }
            input.consume(used);
            if used == 0 && !self.body.is_done() {
                if self.expects_continue {
                    output.end().extend_from_slice(response::CONTINUE);
                }
                self.expects_continue = false;
                break;
            }
            // It sends without waiting for our word.
            self.expects_continue = false;
        }
        Ok(())
    }

    // Whether there is a head by now.
    fn write_head(&mut self, input: &mut Input, out: &mut Vec<u8>, last: bool) -> bool {
        let Some(head) = self.exchange.poll_head() else {
            return false;
        };
        self.keep_alive &= !last && self.skip_body(input);
        let terms = Terms {
            http10: self.http10,
            keep_alive: self.keep_alive,
        };
        self.shape = Some(response::write_head(out, &head, terms));
        true
    }

    // A body that is not wanted but here is no reason to end the connection; any other is, since
    // nobody knows how long it is going to take.
    fn skip_body(&mut self, input: &mut Input) -> bool {
        while !self.body.is_done() {
            match self.body.decode(input.bytes()) {
                Ok((0, _)) | Err(_) => break,
                Ok((used, _)) => input.consume(used),
            }
        }
        self.body.is_done()
    }

    // Whether that was the end.
    fn write_body(&mut self, shape: Shape, output: &mut Output) -> bool {
        let mut data = Vec::new();
        let ended = self.take_reply(&mut data);
        if shape != Shape::Chunked {
            output.put_body(data);
            return ended;
        }
        response::write_data(output.end(), shape, &data);
        if ended {
            response::write_end(output.end(), shape);
        }
        ended
    }

    fn take_reply(&mut self, out: &mut Vec<u8>) -> bool {
        loop {
            match self.exchange.poll_body(out) {
                Body::Data => {}
                Body::End => return true,
                _ => return false,
            }
        }
    }
}

fn has_blank_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

#[cfg(test)]
mod tests {
    use mcp_server_core::{Server, ToolEntry};

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO.saturating_add(Duration::from_millis(millis))
    }

    fn after(time: Duration) -> Instant {
        Instant::ZERO.saturating_add(time)
    }

    fn before(time: Instant) -> Instant {
        Instant::from_nanos(time.as_nanos() - 1_000_000)
    }

    fn terrain() -> Terrain {
        let echo = ToolEntry::new("echo").call(|| "x");
        let server = Server::builder("t", "1").tool(echo).build().unwrap();
        Terrain {
            service: server.current(),
            options: Arc::new(HttpOptions::listening(true)),
        }
    }

    fn give(channel: &mut Channel, bytes: &[u8], now: Instant) -> Step {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            channel.input.fill(&mut bytes).unwrap();
        }
        channel.poll(terrain, now)
    }

    fn sent(channel: &mut Channel) -> String {
        let mut to = Vec::new();
        channel.output.flush(&mut to).unwrap();
        String::from_utf8(to).unwrap()
    }

    const REQUEST: &[u8] = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n";

    #[test]
    fn a_silent_connection_ends_after_a_while() {
        let mut channel = Channel::new(at(0));
        assert_eq!(channel.poll_timeout(), Some(after(IDLE)));
        assert!(matches!(give(&mut channel, REQUEST, at(5)), Step::Wait));
        assert!(sent(&mut channel).starts_with("HTTP/1.1 404 "));
        let due = after(IDLE).saturating_add(Duration::from_millis(5));
        assert_eq!(channel.poll_timeout(), Some(due));
        assert!(!channel.handle_timeout(before(due)));
        assert!(channel.handle_timeout(due));
    }

    #[test]
    fn a_head_has_to_come_in_time() {
        let mut channel = Channel::new(at(0));
        for (now, byte) in (0..20).zip(REQUEST) {
            give(&mut channel, &[*byte], at(now));
            assert_eq!(channel.poll_timeout(), Some(after(HEAD_TIME)));
        }
        assert!(!channel.handle_timeout(before(after(HEAD_TIME))));
        assert!(sent(&mut channel).is_empty());
        assert!(!channel.handle_timeout(after(HEAD_TIME)));
        assert!(sent(&mut channel).starts_with("HTTP/1.1 408 "));
        assert!(channel.wants_end(after(HEAD_TIME)) && !channel.wants_end(at(0)));
        let end = after(HEAD_TIME).saturating_add(LINGER);
        assert_eq!(channel.poll_timeout(), Some(end));
        assert!(!channel.handle_timeout(before(end)));
        assert!(channel.handle_timeout(end));
    }

    #[test]
    fn a_client_that_takes_nothing_is_given_up() {
        let stall = Duration::from_millis(100);
        let mut channel = Channel::new(at(0));
        give(&mut channel, REQUEST, at(0));
        channel.flushed(false, stall, at(0));
        assert_eq!(channel.poll_timeout(), Some(at(100)));
        // It takes a part, and then nothing.
        channel.flushed(true, stall, at(50));
        channel.flushed(false, stall, at(60));
        assert!(!channel.handle_timeout(at(149)));
        assert!(channel.handle_timeout(at(150)));
        assert!(!sent(&mut channel).is_empty());
        channel.flushed(true, stall, at(150));
        assert!(!channel.handle_timeout(at(151)));
    }

    /// A call of 2026-07-28.
    fn call() -> Vec<u8> {
        let body: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":{
            "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: */*\r\n\
             MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    #[test]
    fn so_much_is_read_ahead_of_the_answer() {
        let mut channel = Channel::new(at(0));
        let step = give(&mut channel, &call(), at(0));
        assert!(matches!(step, Step::Event(HttpEvent::Call(_))), "{step:?}");
        give(&mut channel, &[b'x'; AHEAD_BYTES - 1], at(0));
        assert!(channel.wants_read());
        give(&mut channel, b"x", at(0));
        assert!(!channel.wants_read());
    }

    #[test]
    fn requests_wait_for_the_one_in_front_of_them() {
        let mut channel = Channel::new(at(0));
        let both = [&*call(), REQUEST].concat();
        let Step::Event(HttpEvent::Call(call)) = give(&mut channel, &both, at(0)) else {
            panic!("a call")
        };
        assert!(matches!(channel.poll(terrain, at(1)), Step::Wait));
        assert_eq!(channel.input.bytes(), REQUEST);
        assert!(!channel.wants_request() && channel.wants_read());
        assert!(channel.exchange_of(call.ticket.call().tag() + 1).is_none());
        let exchange = channel.exchange_of(call.ticket.call().tag()).unwrap();
        let _ = exchange.abandon(call.ticket.call(), at(2));
        assert!(matches!(channel.poll(terrain, at(2)), Step::Wait));
        assert!(sent(&mut channel).starts_with("HTTP/1.1 200 "));
        assert!(matches!(channel.poll(terrain, at(2)), Step::Wait));
        assert!(sent(&mut channel).starts_with("HTTP/1.1 404 "));
    }

    #[test]
    fn at_the_end_a_request_is_answered_and_no_further_one_is_read() {
        let mut channel = Channel::new(at(0));
        channel.shut_down(at(0));
        assert!(channel.is_closed() && channel.poll_timeout().is_none());
        let mut channel = Channel::new(at(0));
        give(&mut channel, REQUEST, at(0));
        channel.shut_down(at(0));
        assert!(!sent(&mut channel).is_empty());
        assert!(matches!(give(&mut channel, REQUEST, at(0)), Step::Wait));
        assert!(sent(&mut channel).is_empty() && channel.wants_end(at(0)));
    }
}
