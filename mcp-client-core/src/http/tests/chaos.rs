//! Random servers, networks, callers and clocks: every call ends, nothing spins, no exchange is
//! left behind, and no id is used twice.

use super::*;
use crate::{Subscribed, Subscription};
use alloc::collections::{BTreeMap, BTreeSet};
use mcp_proto::{rpc::RpcError, types::ListRootsResult};

/// Xorshift: the same seed gives the same run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// What the server knows of an exchange that is open.
struct Open {
    method: String,
    id: Option<serde_json::Value>,
    get: bool,
    headed: bool,
    events: bool,
}

enum Made {
    Tool(Pending<CallToolResult>),
    List(Pending<ListToolsResult>),
    Join(Pending<Subscribed>),
}

struct Run {
    script: Script,
    dice: Dice,
    open: BTreeMap<u64, Open>,
    made: Vec<Made>,
    subscriptions: Vec<Subscribed>,
    ids: BTreeSet<String>,
    trace: Vec<String>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let old = EraMode::Handshake(ProtocolVersion::LATEST);
        let era = [
            EraMode::Auto,
            EraMode::Stateless,
            old,
            EraMode::Cached(ProtocolVersion::V2025_06_18),
        ][dice.roll(4)];
        let waits = dice.roll(3) == 0;
        let script = Script::new(era, |config, options| {
            config.capabilities.roots = Some(Default::default());
            config.limits.fetches = 3;
            config.limits.client_calls = 20;
            config.limits.pages = 3;
            options.awaits_authorization = waits;
        });
        Self {
            script,
            dice,
            open: BTreeMap::new(),
            made: Vec::new(),
            subscriptions: Vec::new(),
            ids: BTreeSet::new(),
            trace: Vec::new(),
        }
    }

    fn step(&mut self) {
        match self.dice.roll(14) {
            0..=2 => self.caller_calls(),
            3 => self.caller_changes_its_mind(),
            4..=8 => self.server_responds(true),
            9..=10 => self.server_responds(false),
            11 => {
                let millis = [0, 500, 1000, 6000, 400_000][self.dice.roll(5)];
                self.script.pass(Duration::from_millis(millis));
            }
            12 => self.user_answers(),
            _ => {
                let token = [None, Some("Bearer a"), Some("Bearer b")][self.dice.roll(3)];
                let token = token.map(http::HeaderValue::from_static);
                self.script.client.set_authorization(token, self.script.now);
            }
        }
        self.settle();
    }

    fn caller_calls(&mut self) {
        let now = self.script.now;
        let timeout = secs([1, 30, 3000][self.dice.roll(3)]);
        let options = CallOptions::default()
            .with_timeout(timeout)
            .with_max(timeout);
        let client = &mut self.script.client;
        let made = match self.dice.roll(4) {
            0 => client
                .call::<ListTools>(&PaginatedParams::default(), &options, now)
                .map(Made::List),
            1 => client
                .subscribe(Subscription::lists().with_uri("a:b"), &options, now)
                .map(Made::Join),
            _ => client
                .call::<CallTool>(&CallToolParams::new("t"), &options, now)
                .map(Made::Tool),
        };
        self.made.extend(made);
    }

    fn caller_changes_its_mind(&mut self) {
        let now = self.script.now;
        if self.dice.roll(2) == 0 && !self.subscriptions.is_empty() {
            let at = self.dice.roll(self.subscriptions.len());
            let gone = self.subscriptions.swap_remove(at);
            return self.script.client.unsubscribe(gone.id, now);
        }
        if self.made.is_empty() {
            return;
        }
        let at = self.dice.roll(self.made.len());
        let id = match &self.made[at] {
            Made::Tool(call) => call.id(),
            Made::List(call) => call.id(),
            Made::Join(call) => call.id(),
        };
        if self.dice.roll(2) == 0 {
            self.script.client.cancel(id, None, now);
        } else {
            self.script.client.forget(id, now);
            self.made.swap_remove(at);
        }
    }

    fn user_answers(&mut self) {
        if let Some(ticket) = self.script.tickets.pop() {
            let answer = match self.dice.roll(3) {
                0 => Err(RpcError::internal("away")),
                _ => Ok(ListRootsResult::new(Vec::new()).into()),
            };
            let _ = self.script.client.answer(ticket, answer, self.script.now);
        }
    }

    /// Does something about one of the open exchanges: sensible things, or anything.
    fn server_responds(&mut self, sensibly: bool) {
        let numbers: Vec<u64> = self.open.keys().copied().collect();
        if numbers.is_empty() {
            return;
        }
        let fetch = numbers[self.dice.roll(numbers.len())];
        let open = &self.open[&fetch];
        match (open.headed, open.events) {
            (false, _) if sensibly => self.answer_well(fetch),
            (false, _) => self.answer_badly(fetch),
            (true, true) if sensibly => self.speak(fetch),
            (true, _) => match self.dice.roll(4) {
                0 => self
                    .script
                    .chunk(fetch, "\u{0}: nonsense\n\ndata: {\n\nid: 3\n\n"),
                1 => self.fail(fetch, FetchError::Broken("cut".into())),
                _ => self.end(fetch),
            },
        }
    }

    fn end(&mut self, fetch: u64) {
        self.open.remove(&fetch);
        self.script.end(fetch);
    }

    fn fail(&mut self, fetch: u64, error: FetchError) {
        self.open.remove(&fetch);
        self.script.fail(fetch, error);
    }

    fn begin(&mut self, fetch: u64, status: u16, headers: &[(&str, &str)]) {
        self.script.head(fetch, status, headers);
        if let Some(open) = self.open.get_mut(&fetch) {
            open.headed = true;
            open.events = headers.contains(&EVENTS[0]);
        }
    }

    fn answer_well(&mut self, fetch: u64) {
        let open = &self.open[&fetch];
        let (get, known) = (open.get, open.id.is_some() && !open.method.is_empty());
        if get {
            self.begin(fetch, 200, EVENTS);
            if self.dice.roll(2) == 0 {
                self.script.chunk(fetch, "event: endpoint\ndata: /m\n\n");
            }
            return;
        }
        if !known {
            self.begin(fetch, 202, NOTHING);
            return self.end(fetch);
        }
        let events = self.dice.roll(2) == 0 || open.method == "subscriptions/listen";
        let session = [
            ("content-type", "application/json"),
            ("mcp-session-id", "s"),
        ];
        let headers: &[(&str, &str)] = if events {
            EVENTS
        } else {
            &session[..1 + self.dice.roll(2)]
        };
        self.begin(fetch, 200, headers);
        let message = self.answer_to(fetch);
        if events {
            if self.dice.roll(3) == 0 {
                return self.script.chunk(fetch, "id: 7\nretry: 300\ndata:\n\n");
            }
            self.script
                .chunk(fetch, &format!("id: 8\ndata: {message}\n\n"));
        } else {
            self.script.chunk(fetch, &message);
            self.end(fetch);
        }
    }

    fn answer_to(&mut self, fetch: u64) -> String {
        let open = &self.open[&fetch];
        let (id, method) = (open.id.clone().unwrap_or_default(), open.method.clone());
        let result = match method.as_str() {
            "initialize" => initialized(["2025-11-25", "2025-03-26"][self.dice.roll(2)]),
            "server/discover" => DISCOVERED.to_string(),
            "tools/list" => [
                r#"{"tools":[],"ttlMs":5000}"#,
                r#"{"tools":[{"name":"t","inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}}],"nextCursor":"c"}"#,
                r#"{"tools":[{"name":"t","inputSchema":{"properties":{"a":{"type":"null","x-mcp-header":"A"}}}}]}"#,
            ][self.dice.roll(3)].to_string(),
            "tools/call" => [
                r#"{"content":[]}"#,
                r#"{"resultType":"input_required","requestState":"s","inputRequests":{"a":{"method":"roots/list"}}}"#,
            ][self.dice.roll(2)].to_string(),
            "subscriptions/listen" => {
                return format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"notifications":{{"toolsListChanged":true}},"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
                );
            }
            _ => "{}".to_string(),
        };
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
    }

    fn speak(&mut self, fetch: u64) {
        let known = self.open[&fetch].id.is_some();
        let id = self.dice.roll(5);
        let message = match self.dice.roll(6) {
            0 if known => self.answer_to(fetch),
            1 => format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"roots/list"}}"#),
            2 => format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#),
            3 => r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#.to_string(),
            4 => format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, id + 1),
            _ => return self.end(fetch),
        };
        self.script
            .chunk(fetch, &format!("id: e{id}\ndata: {message}\n\n"));
    }

    fn answer_badly(&mut self, fetch: u64) {
        let id = self.open[&fetch].id.clone().unwrap_or_default();
        let (code, data) = [
            (-32601, ""),
            (-32020, ""),
            (-32022, r#","data":{"supported":["2026-07-28"]}"#),
            (-32022, r#","data":{"supported":["2025-11-25"]}"#),
            (-32602, ""),
        ][self.dice.roll(5)];
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"m"{data}}}}}"#
        );
        let status = [400, 401, 403, 404, 405, 429, 500, 503, 200][self.dice.roll(9)];
        let moved = [301, 307][self.dice.roll(2)];
        match self.dice.roll(6) {
            0 => return self.fail(fetch, FetchError::Connect("refused".into())),
            1 => return self.fail(fetch, FetchError::Broken("cut".into())),
            2 => self.begin(fetch, status, HTML),
            3 => self.begin(fetch, moved, &[("location", "/there")]),
            4 => return self.end(fetch),
            _ => {
                self.begin(fetch, status, JSON);
                self.script.chunk(fetch, &body);
            }
        }
        if self.dice.roll(4) > 0 {
            self.end(fetch);
        }
    }

    /// Drains what comes out, and takes what has ended.
    fn settle(&mut self) {
        self.trace.append(&mut self.script.events());
        for fetch in self.script.fetches() {
            self.note(&fetch);
            self.trace.push(fetch);
        }
        assert!(!self.script.client.is_closed() || self.open.is_empty());
        let mut still = Vec::new();
        for made in self.made.drain(..) {
            let client = &mut self.script.client;
            let pending = match made {
                Made::Tool(call) => client.take(call).map(drop).map_err(Made::Tool),
                Made::List(call) => client.take(call).map(drop).map_err(Made::List),
                Made::Join(call) => client
                    .take(call)
                    .map(|joined| self.subscriptions.extend(joined.ok()))
                    .map_err(Made::Join),
            };
            still.extend(pending.err());
        }
        self.made = still;
    }

    fn note(&mut self, fetch: &str) {
        let (number, what) = fetch.split_once(' ').unwrap();
        let number: u64 = number.parse().unwrap();
        if what == "abort" {
            assert!(self.open.remove(&number).is_some(), "{fetch} is not open");
            return;
        }
        let body: serde_json::Value =
            serde_json::from_slice(self.script.request(number).body()).unwrap_or_default();
        let method = body["method"].as_str().unwrap_or_default().to_string();
        let id = Some(body["id"].clone()).filter(|id| !id.is_null());
        // `initialize` opens a session of its own each time, and so do redirected requests stay
        // what they are.
        let redirected = self.script.request(number).uri().path() == "/there";
        if let (Some(id), false, false) =
            (&id, method.is_empty() || method == "initialize", redirected)
        {
            assert!(
                self.ids.insert(id.to_string()),
                "{id} was used before: {:?}",
                self.trace
            );
        }
        let open = Open {
            method,
            id,
            get: what.starts_with("GET"),
            headed: false,
            events: false,
        };
        assert!(
            self.open.insert(number, open).is_none(),
            "{fetch} was opened before"
        );
        let calls = self
            .open
            .values()
            .filter(|open| open.method == "tools/call");
        assert!(calls.count() <= 3, "more than the limit: {:?}", self.trace);
    }

    /// The server says nothing more; everything must come to its end by itself.
    fn fall_silent(&mut self) {
        for gone in core::mem::take(&mut self.subscriptions) {
            self.script.client.unsubscribe(gone.id, self.script.now);
        }
        for _ in 0..2_000 {
            self.settle();
            if self.made.is_empty() {
                break;
            }
            let Some(due) = self.script.client.poll_timeout() else {
                break;
            };
            let wait = due.duration_since(self.script.now);
            assert!(wait > Duration::ZERO, "a deadline that stays in the past");
            self.script.pass(wait);
        }
        assert!(
            self.made.is_empty(),
            "a call has not ended: {:#?}",
            self.script.client
        );
    }

    fn close(&mut self) {
        self.script.client.close(self.script.now);
        self.settle();
        self.script.pass(secs(5));
        self.settle();
        assert!(self.script.client.is_closed(), "{:#?}", self.script.client);
        assert!(self.open.is_empty() && self.script.client.poll_timeout().is_none());
        let closed = self
            .trace
            .iter()
            .filter(|event| event.starts_with("closed"));
        assert_eq!(closed.count(), 1);
        self.script.pass(secs(1_000_000));
        self.script.assert_quiet();
    }
}

fn run(seed: u64) -> Vec<String> {
    let mut run = Run::new(seed);
    for _ in 0..300 {
        run.step();
    }
    run.fall_silent();
    run.close();
    run.trace
}

#[test]
fn everything_ends_whatever_happens() {
    for seed in 0..400 {
        run(seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
