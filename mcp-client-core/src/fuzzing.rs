//! What must hold for any input: the bodies of the fuzz targets, and of the test that replays
//! their corpora.
//!
//! Each function states its law first. They are public for the fuzz targets alone.
#![allow(missing_docs)]

mod tasks;

pub use tasks::client_tasks;

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::time::Duration;

use http::Response;
use mcp_proto::{
    request::{CallTool, ListTools},
    time::Instant,
    types::{CallToolParams, Implementation, ListRootsResult, RootsCapability},
    version::ProtocolVersion,
};

use crate::{
    CallOptions, Client, Config, EraMode, Event, Session, Subscription,
    http::{Endpoint, Fetch, FetchError, FetchId, HttpClient},
};

const NOW: Instant = Instant::from_nanos(1);

fn config(era: EraMode) -> Config {
    let mut config = Config::new(Implementation::new("fuzz", "1"));
    config.era = era;
    config.capabilities.roots = Some(RootsCapability::default());
    config.limits.message_bytes = 4096;
    config.limits.event_bytes = 4096;
    config.limits.client_calls = 8;
    config.limits.pages = 3;
    config.limits.input_rounds = 2;
    config
}

/// Asks for one of everything, and tells how many calls that are. What cannot be asked any more is
/// not.
fn ask(session: &mut Session, now: Instant) -> usize {
    let options = CallOptions::default().with_progress();
    let wanted = Subscription::lists().with_uri("a:b");
    let asked = [
        session
            .call::<CallTool>(&CallToolParams::new("t"), &options, now)
            .is_ok(),
        session.list_all::<ListTools>(&options, now).is_ok(),
        session.subscribe(wanted, &options, now).is_ok(),
    ];
    asked.into_iter().filter(|asked| *asked).count()
}

/// How many calls have ended.
fn ended(seen: &[String]) -> usize {
    let is_end = |seen: &&String| seen.starts_with("Done(");
    seen.iter().filter(is_end).count()
}

/// Answers what the server asks, and tells what happens.
fn tell(session: &mut Session, event: Event, seen: &mut Vec<String>, now: Instant) {
    match event {
        Event::Input(ticket, request) => {
            seen.push(format!("{request:?}"));
            let _ = session.answer(ticket, Ok(ListRootsResult::new(vec![]).into()), now);
        }
        event => seen.push(format!("{event:?}")),
    }
}

/// Law: however the server's bytes are cut, the same happens; and then every call ends, once. What is
/// sent is the same as well, but for what a server has answered before it was sent: that is not
/// sent any more. The first byte chooses how the revision is found.
pub fn client_bytes(input: &[u8]) {
    let (choice, bytes) = input.split_first().unwrap_or((&0, &[]));
    let eras = [
        EraMode::Auto,
        EraMode::Stateless,
        EraMode::Handshake(ProtocolVersion::V2025_11_25),
        EraMode::Cached(ProtocolVersion::V2024_11_05),
    ];
    let era = eras[usize::from(*choice) % eras.len()];
    let (seen, sent) = happens(era, bytes, bytes.len().max(1));
    for piece in [1, 7] {
        let (seen_cut, sent_cut) = happens(era, bytes, piece);
        assert_eq!(seen_cut, seen, "cut into pieces of {piece}");
        let mut lines = sent_cut.lines();
        for line in sent.lines() {
            assert!(lines.any(|other| other == line), "{line} in {sent_cut}");
        }
    }
}

/// What is told and what is sent.
fn happens(era: EraMode, bytes: &[u8], piece: usize) -> (String, String) {
    let mut client = Client::new(config(era), NOW);
    let asked = ask(&mut client, NOW);
    let (mut seen, mut sent) = (Vec::new(), Vec::new());
    let mut turn = |client: &mut Client, now| {
        while let Some(event) = client.poll_event() {
            tell(client, event, &mut seen, now);
            while client.poll_transmit(&mut sent) {}
        }
        while client.poll_transmit(&mut sent) {}
    };
    turn(&mut client, NOW);
    for chunk in bytes.chunks(piece) {
        client.handle_bytes(chunk, NOW);
        turn(&mut client, NOW);
    }
    client.handle_eof(NOW);
    turn(&mut client, NOW);
    assert!(client.is_closed() && client.poll_timeout().is_none());
    assert_eq!(ended(&seen), asked, "{seen:?}");
    (seen.join("\n"), String::from_utf8_lossy(&sent).into_owned())
}

/// Law: whatever a server answers to what a client opens with, and if it answers nothing more, the
/// client agrees on a revision or ends, in bounded time. The first byte chooses how the revision
/// is found.
pub fn era_probe(input: &[u8]) {
    let (choice, bytes) = input.split_first().unwrap_or((&0, &[]));
    let eras = [
        EraMode::Auto,
        EraMode::Stateless,
        EraMode::Handshake(ProtocolVersion::V2025_06_18),
        EraMode::Cached(ProtocolVersion::V2025_03_26),
    ];
    let era = eras[usize::from(*choice) % eras.len()];
    let mut client = Client::new(config(era), NOW);
    let (mut now, mut out) = (NOW, Vec::new());
    // A line of the input at a time, and then silence.
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    for _ in 0..lines.clone().count() + 20 {
        while let Some(event) = client.poll_event() {
            if matches!(event, Event::Closed(_)) {
                return;
            }
        }
        if client.server().is_some() {
            return;
        }
        out.clear();
        while client.poll_transmit(&mut out) {}
        match lines.next() {
            Some(line) => client.handle_bytes(line, now),
            None => {
                let due = client.poll_timeout().expect("it waits for something");
                assert!(due > now, "a deadline that stays in the past");
                now = due;
                client.handle_timeout(now);
            }
        }
    }
    panic!("it neither agrees nor ends");
}

/// Law: whatever comes of a client's exchanges, every call ends in bounded time, and once; and
/// after `close` no exchange is left open. Each line of the input is something that comes of
/// one of them.
pub fn client_http(input: &[u8]) {
    let mut run = Run::new(input.first().copied().unwrap_or_default());
    for line in input.split(|byte| *byte == b'\n').take(200) {
        run.line(line);
        run.turn();
    }
    run.end();
}

struct Run {
    client: HttpClient,
    open: Vec<FetchId>,
    now: Instant,
    asked: usize,
    seen: Vec<String>,
}

impl Run {
    fn new(choice: u8) -> Self {
        let eras = [
            EraMode::Auto,
            EraMode::Stateless,
            EraMode::Handshake(ProtocolVersion::V2025_11_25),
            EraMode::Handshake(ProtocolVersion::V2024_11_05),
        ];
        let era = eras[usize::from(choice) % eras.len()];
        // A URL that is one.
        let endpoint = Endpoint::new("http://localhost/mcp").expect("a URL");
        let mut client = HttpClient::new(config(era), endpoint, NOW);
        let asked = ask(&mut client, NOW);
        let mut run = Self {
            client,
            open: Vec::new(),
            now: NOW,
            asked,
            seen: Vec::new(),
        };
        run.turn();
        run
    }

    fn turn(&mut self) {
        loop {
            let mut idle = true;
            while let Some(event) = self.client.poll_event() {
                idle = false;
                tell(&mut self.client, event, &mut self.seen, self.now);
            }
            while let Some(fetch) = self.client.poll_fetch() {
                idle = false;
                match fetch {
                    Fetch::Open(id, _) => self.open.push(id),
                    Fetch::Abort(id) => self.open.retain(|open| *open != id),
                }
            }
            if idle {
                return;
            }
        }
    }

    /// `hNNN type` a head, `eTEXT` an event, `cTEXT` a part of a body, `.` its end, `!` an
    /// accident, `tN` time; of the exchange that the second byte chooses.
    fn line(&mut self, line: &[u8]) {
        let [kind, which, rest @ ..] = line else {
            return;
        };
        if *kind == b't' {
            let seconds = u64::from(*which % 64);
            self.now = self.now.saturating_add(Duration::from_secs(seconds));
            return self.client.handle_timeout(self.now);
        }
        if self.open.is_empty() {
            return;
        }
        let at = usize::from(*which) % self.open.len();
        let id = self.open[at];
        match kind {
            b'h' => self.head(id, rest),
            b'c' => self.client.handle_chunk(id, rest, self.now),
            b'e' => {
                let event = [b"id: 1\ndata: ", rest, b"\n\n"].concat();
                self.client.handle_chunk(id, &event, self.now);
            }
            b'.' => {
                self.open.remove(at);
                self.client.handle_end(id, Ok(()), self.now);
            }
            b'!' => {
                self.open.remove(at);
                let error = FetchError::Broken("cut".to_string());
                self.client.handle_end(id, Err(error), self.now);
            }
            _ => {}
        }
    }

    fn head(&mut self, id: FetchId, rest: &[u8]) {
        let (status, headers) = rest.split_at(rest.len().min(3));
        let Ok(status) = http::StatusCode::from_bytes(status) else {
            return;
        };
        let mut head = Response::builder().status(status);
        // `name:value` pairs, separated by tabs.
        for header in headers.split(|byte| *byte == b'\t') {
            let colon = header.iter().position(|byte| *byte == b':');
            if let Some(colon) = colon {
                head = head.header(&header[..colon], &header[colon + 1..]);
            }
        }
        if let Ok(head) = head.body(()) {
            self.client.handle_head(id, &head.into_parts().0, self.now);
        }
    }

    /// The server says nothing more.
    fn end(mut self) {
        self.client.close(self.now);
        for _ in 0..100 {
            self.turn();
            if self.client.is_closed() {
                assert!(self.open.is_empty(), "an exchange is left open");
                assert_eq!(ended(&self.seen), self.asked, "{:?}", self.seen);
                return;
            }
            if let Some(due) = self.client.poll_timeout() {
                self.now = due.max(self.now);
                self.client.handle_timeout(self.now);
            }
        }
        panic!("it does not end");
    }
}
