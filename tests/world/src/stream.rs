//! One client and one server at the two ends of a byte stream.

use std::{sync::Arc, time::Duration};

use mcp_client_core::Client;
use mcp_proto::{limits::Limits, time::Instant};
use mcp_server_core::{Closed, Conn, Event, Service};

use crate::{
    handlers::Act,
    judge::Judge,
    pipe::{Flow, Pipe},
    scenario::Pick,
    trace::Trace,
};

/// A byte stream and the server's end of it.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) conn: Conn<Act>,
    pub(crate) tag: u32,
    /// To the server, and to the client.
    pub(crate) pipes: [Pipe; 2],
    /// What each side has to write and the pipe has no room for.
    rests: [Vec<u8>; 2],
    pub(crate) judge: Judge,
    pub(crate) closed: Option<Closed>,
    /// Everything that the server has read, if that is wanted.
    pub(crate) read: Option<Vec<u8>>,
    noise: u32,
    /// When the server was told that nothing more will come.
    pub(crate) ended: Option<Instant>,
    /// The server was told to end.
    pub(crate) dismissed: bool,
    /// No server writes more than this at once.
    most: usize,
}

/// What a handler of ours says at most, and its frame.
const LONGEST_ANSWER: usize = 4096;

/// How much may wait at once: one message may come on top of what is below the high water, however
/// long it is; with more than that all of it is below the bound.
fn most_bytes(limits: &Limits) -> usize {
    let crowded = limits.outbound_high_water + LONGEST_ANSWER;
    limits.outbound_bytes.max(crowded)
}

impl Stream {
    pub(crate) fn new(service: Arc<Service<Act>>, tag: u32, room: usize, now: Instant) -> Self {
        Self {
            most: most_bytes(service.limits()),
            // Sessions count their tags from below.
            conn: Conn::new(service, 2_000_000 + tag, now),
            tag,
            pipes: [Pipe::new(room), Pipe::new(room)],
            rests: [Vec::new(), Vec::new()],
            judge: Judge::default(),
            closed: None,
            read: None,
            noise: 0,
            ended: None,
            dismissed: false,
        }
    }

    /// The server's next event.
    pub(crate) fn poll_event(&mut self) -> Option<Event<Act>> {
        let event = self.conn.poll_event()?;
        assert!(self.closed.is_none(), "an event after the end: {event:?}");
        match &event {
            Event::Closed(how) => self.closed = Some(*how),
            Event::Fault(fault) => {
                assert!(self.judge.disturbed, "the client broke a rule: {fault:?}");
            }
            _ => {}
        }
        Some(event)
    }

    /// Moves what the server has to say into its pipe, before the eyes of the judge.
    pub(crate) fn write_server(&mut self, twice: bool, trace: &mut Trace) -> bool {
        let [_, rest] = &mut self.rests;
        if rest.is_empty() && self.conn.poll_transmit(rest) {
            assert!(rest.len() <= self.most, "S6: {} bytes waited", rest.len());
            if twice {
                repeat_an_answer(rest);
            }
            let text = std::str::from_utf8(rest).expect("a server writes UTF-8");
            for line in text.lines() {
                trace.note(format_args!("#{} > {line}", self.tag));
                self.judge.server_says(line);
            }
        }
        self.pipes[1].write(rest)
    }

    /// The same for the client.
    pub(crate) fn write_client(&mut self, client: &mut Client, trace: &mut Trace) -> bool {
        let [rest, _] = &mut self.rests;
        if rest.is_empty() && client.poll_transmit(rest) {
            let text = std::str::from_utf8(rest).expect("a client writes UTF-8");
            let line = text.strip_suffix('\n').expect("a message is a line");
            assert!(!line.contains('\n'), "a message is one line: {line}");
            trace.note(format_args!("#{} < {line}", self.tag));
            self.judge.client_says(line);
        }
        self.pipes[0].write(rest)
    }

    /// Lets so many bytes through to the server, or what is due. Tells whether anything came.
    pub(crate) fn feed_server(&mut self, most: Option<usize>, now: Instant) -> bool {
        let mut moved = false;
        let pipe = &mut self.pipes[0];
        let count = most.unwrap_or_else(|| pipe.due());
        if count > 0 && self.conn.wants_read() && !pipe.is_dry() {
            let bytes = pipe.read(count);
            if let Some(read) = &mut self.read {
                read.extend(&bytes);
            }
            self.conn.handle_bytes(&bytes, now);
            moved = true;
        }
        if pipe.take_end() {
            self.ended = Some(now);
            self.conn.handle_eof(now);
            moved = true;
        }
        moved
    }

    /// The same to the client.
    pub(crate) fn feed_client(
        &mut self,
        client: &mut Client,
        most: Option<usize>,
        now: Instant,
    ) -> bool {
        let mut moved = false;
        let pipe = &mut self.pipes[1];
        let count = most.unwrap_or_else(|| pipe.due());
        if count > 0 && client.wants_read() && !pipe.is_dry() {
            client.handle_bytes(&pipe.read(count), now);
            moved = true;
        }
        if pipe.take_end() {
            client.handle_eof(now);
            moved = true;
        }
        moved
    }

    /// Each side that has come to its end closes its pipe.
    pub(crate) fn hang_up(&mut self, client: &Client) -> bool {
        let over = [
            client.is_closed(),
            self.conn.is_closed() && !self.conn.wants_write(),
        ];
        let mut moved = false;
        for ((pipe, rest), over) in self.pipes.iter_mut().zip(&self.rests).zip(over) {
            if over && rest.is_empty() && !pipe.is_ended() {
                pipe.end();
                moved = true;
            }
        }
        moved
    }

    /// Whether everything the client has said was processed, and everything the server has to say
    /// was written.
    pub(crate) fn is_settled(&self) -> bool {
        let [to_server, _] = &self.rests;
        let read = self.pipes[0].is_dry() && to_server.is_empty();
        read && !self.conn.wants_write() && (self.conn.wants_read() || self.conn.is_closed())
    }

    /// Whether the server reads nothing because it has no room for a call.
    pub(crate) fn holds_back(&self) -> bool {
        let is_open = !self.pipes[0].is_ended() && !self.conn.is_closed();
        is_open && !self.conn.wants_read() && !self.conn.wants_write()
    }

    /// Whether the server may not give up a call now: its client will say nothing more, has taken
    /// no call back, and the time is not over in which what was asked is still answered.
    pub(crate) fn has_to_finish(&self, time: Duration, now: Instant) -> bool {
        let due = |then: Instant| now < then.saturating_add(time);
        let gone = self.dismissed || self.conn.is_closed();
        self.ended.is_some_and(due) && !gone && !self.judge.has_cancelled()
    }

    /// As some shells do, each side begins with a byte order mark.
    pub(crate) fn mark(&mut self) {
        for pipe in &mut self.pipes {
            pipe.intrude("\u{feff}");
        }
    }

    /// Somebody else writes. Not in the middle of a message, which would be lost by it.
    pub(crate) fn disturb(&mut self, pipe: usize, what: Pick) -> bool {
        if !self.rests[pipe].is_empty() {
            return false;
        }
        self.noise += 1;
        let noise = self.noise;
        let text = match what.0 % 8 {
            0 => "[12:00] a log line\n".to_owned(),
            1 => "\r\n".to_owned(),
            2 => "{\"jsonrpc\":\"2.0\"}\n".to_owned(),
            3 => "[]\n".to_owned(),
            4 => format!("{}\n", "x".repeat(70_000)),
            5 => "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":{}}\n".to_owned(),
            6 => "{\"jsonrpc\":\"2.0\",\"id\":99999,\"result\":{}}\n".to_owned(),
            _ => format!("{{\"jsonrpc\":\"2.0\",\"id\":\"noise {noise}\",\"method\":\"ping\"}}\n"),
        };
        // The client answers what looks like a request of the server.
        self.judge.disturbed = true;
        if (pipe, what.0 % 8) == (0, 7) {
            self.judge.intruded(&format!("\"noise {noise}\""));
        }
        self.pipes[pipe].intrude(&text);
        true
    }

    /// All pipes run, and have room.
    pub(crate) fn mend(&mut self) {
        for pipe in &mut self.pipes {
            pipe.flow = Flow::Pieces(usize::MAX);
        }
    }
}

/// A fault of the world's own, to show that it is found: the first answer is written once more.
fn repeat_an_answer(out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(out).into_owned();
    if let Some(answer) = text.lines().find(|line| line.contains("\"result\"")) {
        out.extend(answer.as_bytes());
        out.push(b'\n');
    }
}
