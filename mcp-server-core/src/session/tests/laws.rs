//! What holds for every conversation: cut anywhere, in any order, with any client.

use super::script::*;
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::time::Duration;
use mcp_proto::{json::Json, limits::Limits, rpc::CallId, time::Instant, types::CallToolResult};
use serde_json::Value;

use crate::{
    call::{Call, Change, Event, Note, Outcome, Ticket, Work},
    conn::Conn,
};

/// Numbers that are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

/// A client that says everything there is to say, right and wrong.
fn everything() -> Vec<u8> {
    let long = format!(
        r#"{{"id":"long","method":"tools/call","params":{{"name":"echo","arguments":{{"t":"{}"}},$m}}}}"#,
        "z".repeat(9000)
    );
    let batch = concat!(
        r#"[{"jsonrpc":"2.0","id":10,"method":"ping"},5,{"jsonrpc":"2.0","id":11,"method":"tools/call","#,
        r#""params":{"name":"echo"}},{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":11}}]"#,
    );
    let lines = [
        "\u{feff}",
        r#"{"id":1,"method":"server/discover","params":{$m}}"#,
        r#"{"id":2,"method":"tools/call","params":{"name":"echo",$m}}"#,
        "nonsense\r",
        "",
        r#"{"id":3,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{}}}"#,
        r#"{"method":"notifications/initialized"}"#,
        batch,
        "\r",
        r#"{"id":4,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},$m}}"#,
        r#"{"id":5,"method":"tools/call","params":{"name":"echo","arguments":{"é":"\u00e9"}}}"#,
        r#"{"method":"notifications/cancelled","params":{"requestId":5}}"#,
        &long,
        &"w".repeat(12_000),
        r#"{"id":6,"method":"resources/read","params":{"uri":"note://x"}}"#,
        r#"{"id":4,"method":"ping"}"#,
        r#"{"method":"notifications/cancelled","params":{"requestId":4}}"#,
        r#"{"id":4,"method":"ping"}"#,
        r#"{"id":7,"result":{}}"#,
        r#"{"id":8,"method":"tools/list"}"#,
    ];
    let mut stream = lines.map(to_wire).join("\n").into_bytes();
    stream.extend_from_slice(b"\n\xff\xfe\n{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\"}");
    stream
}

fn transcript(stream: &[u8], mut next_cut: impl FnMut() -> usize) -> String {
    let mut limits = Limits::default();
    limits.message_bytes = 10_000;
    let mut stage = Stage::new(service(limits));
    let mut rest = stream;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(next_cut().clamp(1, rest.len()));
        stage.conn.handle_bytes(piece, Instant::ZERO);
        rest = after;
        stage.settle();
    }
    stage.conn.handle_eof(Instant::ZERO);
    stage.settle();
    // Events and messages each have their order; how they are interleaved is the driver's doing.
    let (mut sent, mut told): (Vec<&str>, Vec<&str>) = Default::default();
    for line in stage.transcript.lines() {
        if line.starts_with('<') {
            sent.push(line);
        } else {
            told.push(line);
        }
    }
    [sent.join("\n"), told.join("\n")].join("\n")
}

#[test]
fn how_bytes_are_cut_changes_nothing() {
    let stream = everything();
    let whole = transcript(&stream, || usize::MAX);
    assert!(whole.ends_with("! closed Eof"));
    assert_eq!(whole.matches("\n< ").count() + 1, 15);
    assert!(transcript(&stream, || 1) == whole, "byte by byte");
    for seed in 0..50 {
        let mut dice = Dice(seed);
        let most = *dice.pick(&[2, 7, 100, 5000]);
        assert!(
            transcript(&stream, || 1 + dice.roll(most)) == whole,
            "seed {seed}"
        );
    }
}

/// A client and a driver that do anything in any order, and a judge of what comes of it.
struct World {
    dice: Dice,
    conn: Conn<Act>,
    limits: Limits,
    now: Instant,
    held: Vec<(Option<Ticket>, CallId)>,
    // Requests by id: how many answers each may still get.
    owed: BTreeMap<String, usize>,
    // Requests that the client has cancelled and whose cancellation was processed.
    dead: BTreeSet<String>,
    // The last progress for each token, and the streams that were acknowledged.
    progress: BTreeMap<String, f64>,
    streams: BTreeSet<String>,
    next_id: u32,
    closed: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut limits = Limits::default();
        limits.calls_in_flight = 1 + dice.roll(4);
        limits.calls_parked = dice.roll(4);
        limits.listens = 1 + dice.roll(2);
        limits.notes_queued = 1 + dice.roll(3);
        limits.outbound_high_water = *dice.pick(&[200, 2_000, 256 * 1024]);
        limits.call_timeout = Duration::from_secs(5);
        limits.call_timeout_max = Duration::from_secs(9);
        let conn = Conn::new(Arc::new(service(limits.clone())), 7, Instant::ZERO);
        let mut world = Self {
            dice,
            conn,
            limits,
            now: Instant::ZERO,
            held: Vec::new(),
            owed: BTreeMap::new(),
            dead: BTreeSet::new(),
            progress: BTreeMap::new(),
            streams: BTreeSet::new(),
            next_id: 0,
            closed: false,
        };
        if world.dice.roll(3) > 0 {
            let version =
                *world
                    .dice
                    .pick(&["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]);
            world.request(&format!(
                r#""method":"initialize","params":{{"protocolVersion":"{version}"}}"#
            ));
            world.say(r#"{"method":"notifications/initialized"}"#);
        }
        world
    }

    fn step(&mut self) {
        match self.dice.roll(12) {
            0..=3 => self.speak(),
            4 => self.end_a_call(),
            5 => self.tell_a_note(),
            6 => {
                let nanos = *self
                    .dice
                    .pick(&[1, 1_000_000, 1_000_000_000, 4_000_000_000]);
                self.now = self.now.saturating_add(Duration::from_nanos(nanos));
                self.conn.handle_timeout(self.now);
                let next = self.conn.poll_timeout();
                assert!(next.is_none_or(|next| next > self.now), "S7: no spinning");
            }
            7 => {
                let change = [
                    Change::Tools,
                    Change::Prompts,
                    Change::Resource("file:///a".into()),
                ];
                let change = self.dice.pick(&change).clone();
                self.conn.handle_change(&change, self.now);
            }
            8 => drop(self.take(1)),
            9 | 10 => drop(self.poll()),
            _ => {
                while self.poll() {}
                let _ = self.take(usize::MAX);
            }
        }
        assert!(
            self.held.len() <= 2 * self.limits.calls_in_flight,
            "S6: handlers at work"
        );
    }

    fn speak(&mut self) {
        let claims = if self.dice.roll(2) == 0 { ",$m" } else { "" };
        match self.dice.roll(10) {
            0 | 1 => self.request(&format!(r#""method":"tools/call","params":{{"name":"hold"{claims}}}"#)),
            2 => self.request_with_token(),
            3 => self.request(&format!(r#""method":"tools/call","params":{{"name":"long"{claims}}}"#)),
            4 => self.request(
                r#""method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},$m}"#,
            ),
            5 => self.request(r#""method":"resources/subscribe","params":{"uri":"file:///a"}"#),
            6 => {
                let garbage = ["[]", "{}", "x", r#"{"id":"g","result":1}"#, r#"{"method":"notifications/x"}"#];
                let garbage = *self.dice.pick(&garbage);
                self.say(garbage);
            }
            7 => {
                // An id that may be in use; then both get an answer.
                let id = self.dice.roll(self.next_id as usize + 1);
                *self.owed.entry(id.to_string()).or_default() += 1;
                self.dead.remove(&id.to_string());
                self.say(&format!(r#"{{"id":{id},"method":"ping"}}"#));
            }
            8 => self.batch(),
            _ => self.cancel(),
        }
    }

    fn request(&mut self, rest: &str) {
        let id = self.fresh_id();
        self.say(&format!(r#"{{"id":{id},{rest}}}"#));
    }

    fn fresh_id(&mut self) -> u32 {
        self.next_id += 1;
        let id = self.next_id.to_string();
        self.dead.remove(&id);
        self.owed.insert(id, 1);
        self.next_id
    }

    fn request_with_token(&mut self) {
        let token = self.next_id + 1;
        self.request(&format!(
            r#""method":"tools/call","params":{{"name":"hold","_meta":{{"progressToken":{token},"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{{}},"mcp/logLevel":"debug"}}}}"#
        ));
    }

    fn batch(&mut self) {
        // The ping is answered at once, though its answer waits: it cannot be cancelled any more.
        let a = self.fresh_id();
        let b = format!("\"ping {a}\"");
        self.owed.insert(b.clone(), 1);
        self.say(&format!(
            r#"[{{"jsonrpc":"2.0","id":{a},"method":"tools/call","params":{{"name":"hold"}}}},{{"jsonrpc":"2.0","id":{b},"method":"ping"}}]"#
        ));
    }

    fn cancel(&mut self) {
        let id = (1 + self.dice.roll(self.next_id as usize + 1)).to_string();
        self.say(&format!(
            r#"{{"method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        ));
        // Everything that was written before is taken, so that what comes later was written later.
        while self.poll() || self.take(usize::MAX) {}
        self.owed.insert(id.clone(), 0);
        self.dead.insert(id);
    }

    fn say(&mut self, line: &str) {
        let line = to_wire(line) + "\n";
        let cut = self.dice.roll(line.len());
        self.conn.handle_bytes(&line.as_bytes()[..cut], self.now);
        if self.dice.roll(4) == 0 {
            self.poll();
        }
        self.conn.handle_bytes(&line.as_bytes()[cut..], self.now);
    }

    fn poll(&mut self) -> bool {
        let Some(event) = self.conn.poll_event() else {
            return false;
        };
        assert!(!self.closed, "nothing comes after the end");
        match event {
            Event::Call(Call {
                ticket,
                handler: Act::Hold,
                ..
            }) => {
                let id = ticket.call();
                self.held.push((Some(ticket), id));
            }
            Event::Call(Call {
                ticket,
                handler,
                work,
                ..
            }) => {
                let text = if let Act::Long(bytes) = handler {
                    "x".repeat(bytes)
                } else {
                    String::new()
                };
                assert!(matches!(work, Work::Tool { .. }));
                let _ =
                    self.conn
                        .finish(ticket, Outcome::Tool(CallToolResult::text(text)), self.now);
            }
            Event::Closed(_) => self.closed = true,
            _ => {}
        }
        true
    }

    fn end_a_call(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let at = self.dice.roll(self.held.len());
        let (ticket, id) = self.held.swap_remove(at);
        let _ = match (ticket, self.dice.roll(4)) {
            (Some(ticket), 1..) => self.conn.finish(
                ticket,
                Outcome::Tool(CallToolResult::text("done")),
                self.now,
            ),
            _ => self.conn.abandon(id, self.now),
        };
    }

    fn tell_a_note(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let (at, done) = (self.dice.roll(self.held.len()), self.dice.roll(10) as f64);
        let note = match self.dice.roll(2) {
            0 => Note::Progress {
                done,
                total: None,
                message: None,
            },
            _ => {
                let level = mcp_proto::types::LoggingLevel::Error;
                Note::Log {
                    level,
                    logger: None,
                    data: Json::parse("{\n}").unwrap(),
                }
            }
        };
        let _ = self.conn.note(self.held[at].1, note, self.now);
    }

    /// Takes messages and judges them.
    fn take(&mut self, count: usize) -> bool {
        let mut any = false;
        for _ in 0..count {
            let mut out = Vec::new();
            if self.dice.roll(2) == 0 {
                // Not empty: one message is appended.
                out.push(b' ');
            }
            if !self.conn.poll_transmit(&mut out) {
                break;
            }
            any = true;
            assert_eq!(out.last(), Some(&b'\n'));
            for line in String::from_utf8(out).unwrap().lines() {
                match serde_json::from_str(line).unwrap() {
                    Value::Array(answers) => answers.iter().for_each(|answer| self.judge(answer)),
                    message => self.judge(&message),
                }
            }
        }
        any
    }

    fn judge(&mut self, message: &Value) {
        let Some(method) = message["method"].as_str() else {
            // What could not be read has no id.
            let Some(id) = message.get("id").filter(|id| !id.is_null()) else {
                return;
            };
            let id = id.to_string();
            assert!(
                !self.dead.contains(&id),
                "S2: answered after its cancellation: {message}"
            );
            let owed = self
                .owed
                .get_mut(&id)
                .unwrap_or_else(|| panic!("S1: never asked: {message}"));
            *owed = owed
                .checked_sub(1)
                .unwrap_or_else(|| panic!("S1: answered twice: {message}"));
            return;
        };
        let params = &message["params"];
        let stream = params["_meta"]["io.modelcontextprotocol/subscriptionId"].to_string();
        match method {
            "notifications/subscriptions/acknowledged" => {
                self.dead.remove(&stream);
                assert!(self.streams.insert(stream), "S4: acknowledged twice");
            }
            "notifications/progress" => {
                let (token, done) = (
                    params["progressToken"].to_string(),
                    params["progress"].as_f64(),
                );
                assert!(!self.dead.contains(&token), "S2: {message}");
                let last = self.progress.insert(token, done.unwrap());
                assert!(last < done, "S3: progress must grow: {message}");
            }
            "notifications/message" => {}
            _ if stream == "null" => {}
            _ => {
                assert!(
                    self.streams.contains(&stream),
                    "S4: before its acknowledgement: {message}"
                );
                assert!(!self.dead.contains(&stream), "S2: {message}");
                assert_eq!(
                    method, "notifications/tools/list_changed",
                    "S4: only what was asked for"
                );
            }
        }
    }

    /// With no more faults everything comes to its end.
    fn settle(mut self) {
        self.conn.handle_eof(self.now);
        for _ in 0..1000 {
            while self.poll() || self.take(usize::MAX) {}
            if !self.held.is_empty() {
                self.end_a_call();
            } else if let Some(next) = self.conn.poll_timeout() {
                self.now = self.now.max(next);
                self.conn.handle_timeout(self.now);
            }
        }
        assert!(self.closed && self.conn.is_closed(), "S8: it must end");
        assert!(
            !self.conn.wants_read()
                && !self.conn.wants_write()
                && self.conn.poll_timeout().is_none()
        );
        for (id, owed) in &self.owed {
            assert_eq!(*owed, 0, "L1: {id} was never answered");
        }
    }
}

#[test]
fn any_client_and_any_driver_keep_the_invariants() {
    for seed in 0..400 {
        let mut world = World::new(seed);
        for _ in 0..150 {
            world.step();
        }
        world.settle();
    }
}

#[test]
fn a_report_that_waits_is_outdated_by_a_newer_one() {
    let mut limits = Limits::default();
    limits.notes_queued = 1;
    let mut conn = Conn::new(Arc::new(service(limits)), 0, Instant::ZERO);
    let line = to_wire(
        r#"{"id":1,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":1,"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{}}}}"#,
    );
    conn.handle_bytes((line + "\n").as_bytes(), Instant::ZERO);
    let Some(Event::Call(call)) = conn.poll_event() else {
        panic!("a call")
    };
    let id = call.ticket.call();
    let mut sent = Vec::new();
    for done in [1.0, 2.0] {
        let _ = conn.note(
            id,
            Note::Progress {
                done,
                total: None,
                message: None,
            },
            Instant::ZERO,
        );
    }
    // The first is taken, and before the second is released there is a third.
    assert!(conn.poll_transmit(&mut sent));
    let _ = conn.note(
        id,
        Note::Progress {
            done: 3.0,
            total: None,
            message: None,
        },
        Instant::ZERO,
    );
    let _ = conn.finish(
        call.ticket,
        Outcome::Tool(CallToolResult::default()),
        Instant::ZERO,
    );
    while conn.poll_transmit(&mut sent) {}
    let sent = String::from_utf8(sent).unwrap();
    let seen: Vec<&str> = sent
        .split("\"progress\":")
        .skip(1)
        .map(|rest| &rest[..1])
        .collect();
    assert_eq!(seen, ["1", "3"]);
}
