//! Random servers, callers and clocks: whatever happens, every call ends, nothing spins, and
//! nothing is left behind.

use super::*;
use crate::{CallError, CallOptions, Pending, Subscribed, Subscription};
use alloc::vec;
use mcp_proto::{
    json::Json,
    request::{CallTool, ListTools},
    rpc::RpcError,
    types::{CallToolParams, CallToolResult, ListRootsResult, RootsCapability, Tool},
};

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

enum Open {
    Tool(Pending<CallToolResult>),
    List(Pending<Vec<Tool>>),
    Join(Pending<Subscribed>),
}

struct Run {
    script: Script,
    dice: Dice,
    open: Vec<Open>,
    subscriptions: Vec<Subscribed>,
    /// Requests of the client that the server has not answered.
    owed: Vec<(i64, String)>,
    trace: Vec<String>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let era = [
            EraMode::Auto,
            EraMode::Stateless,
            EraMode::Handshake(ProtocolVersion::LATEST),
        ][dice.roll(3)];
        let script = Script::new(era, |config| {
            config.capabilities.roots = Some(RootsCapability::default());
            config.limits.pages = 4;
            config.limits.input_rounds = 3;
            config.limits.client_calls = 20;
        });
        Self {
            script,
            dice,
            open: Vec::new(),
            subscriptions: Vec::new(),
            owed: Vec::new(),
            trace: Vec::new(),
        }
    }

    fn step(&mut self) {
        match self.dice.roll(12) {
            0..=2 => self.caller_calls(),
            3 => self.caller_changes_its_mind(),
            4..=7 => self.server_answers(),
            8..=9 => self.server_speaks(),
            10 => {
                let seconds = [0, 1, 6, 400][self.dice.roll(4)];
                self.script.pass(Duration::from_secs(seconds));
            }
            _ => self.user_answers(),
        }
        self.settle();
    }

    fn caller_calls(&mut self) {
        let now = self.script.now;
        let options =
            CallOptions::default().with_timeout(Duration::from_secs([1, 30][self.dice.roll(2)]));
        let client = &mut self.script.client;
        let made = match self.dice.roll(4) {
            0 => client.list_all::<ListTools>(&options, now).map(Open::List),
            1 => client
                .subscribe(Subscription::lists().with_uri("a:b"), &options, now)
                .map(Open::Join),
            _ => client
                .call::<CallTool>(&CallToolParams::new("t"), &options, now)
                .map(Open::Tool),
        };
        self.open.extend(made);
    }

    fn caller_changes_its_mind(&mut self) {
        let now = self.script.now;
        if self.dice.roll(2) == 0 && !self.subscriptions.is_empty() {
            let at = self.dice.roll(self.subscriptions.len());
            let gone = self.subscriptions.swap_remove(at);
            return self.script.client.unsubscribe(gone.id, now);
        }
        if self.open.is_empty() {
            return;
        }
        let at = self.dice.roll(self.open.len());
        let id = match &self.open[at] {
            Open::Tool(call) => call.id(),
            Open::List(call) => call.id(),
            Open::Join(call) => call.id(),
        };
        if self.dice.roll(2) == 0 {
            self.script.client.cancel(id, Some("changed my mind"), now);
        } else {
            self.script.client.forget(id, now);
            self.open.swap_remove(at);
        }
    }

    /// Answers one of the client's requests, in one of many ways.
    fn server_answers(&mut self) {
        if self.owed.is_empty() {
            return;
        }
        let at = self.dice.roll(self.owed.len());
        let (id, method) = self.owed[at].clone();
        // Now and then the same request is answered again later.
        if self.dice.roll(10) > 0 {
            self.owed.swap_remove(at);
        }
        if method == "subscriptions/listen" && self.dice.roll(3) > 0 {
            return self.script.acknowledge(
                id,
                r#"{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#,
            );
        }
        let good = match method.as_str() {
            "initialize" => {
                r#"{"protocolVersion":"2025-06-18","capabilities":{"resources":{"subscribe":true}},"serverInfo":{"name":"s","version":"1"}}"#
            }
            "server/discover" => r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#,
            "tools/list" => [
                r#"{"tools":[]}"#,
                r#"{"tools":[],"nextCursor":"a"}"#,
                r#"{"tools":[],"nextCursor":"b"}"#,
            ][self.dice.roll(3)],
            "tools/call" => [
                r#"{"content":[]}"#,
                r#"{"resultType":"complete","content":[]}"#,
                r#"{"resultType":"input_required","requestState":"s"}"#,
                r#"{"resultType":"input_required","requestState":"s","inputRequests":{"a":{"method":"roots/list"},"b":{"method":"roots/list"}}}"#,
            ][self.dice.roll(4)],
            _ => "{}",
        };
        match self.dice.roll(12) {
            0 => self.script.result(id, "null"),
            1 => self.script.line(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"no"}}}}"#
            )),
            2 => self
                .script
                .line(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":"no"}}"#)),
            3 => self.script.result(id + 1, good),
            _ => self.script.result(id, good),
        }
    }

    fn server_speaks(&mut self) {
        let id = self.dice.roll(4);
        let line = match self.dice.roll(9) {
            0 => "not a message".to_string(),
            1 => format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"roots/list"}}"#),
            2 => format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#),
            3 => format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#),
            4 => r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#.to_string(),
            5 => r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}"#.to_string(),
            6 => format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, id + 1000),
            7 => format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{id},"progress":1}}}}"#),
            _ => format!(r#"[{{"jsonrpc":"2.0","id":{id},"result":{{}}}},{{"jsonrpc":"2.0","id":"x","method":"ping"}}]"#),
        };
        self.script.line(&line);
    }

    fn user_answers(&mut self) {
        if self.script.tickets.is_empty() {
            return;
        }
        let at = self.dice.roll(self.script.tickets.len());
        let ticket = self.script.tickets.swap_remove(at);
        let answer = match self.dice.roll(5) {
            0 => Err(RpcError::internal("away")),
            _ => Ok(ListRootsResult::new(vec![]).into()),
        };
        let _ = self.script.client.answer(ticket, answer, self.script.now);
    }

    /// Drains what comes out, and takes what has ended.
    fn settle(&mut self) {
        self.trace.append(&mut self.script.events());
        for line in self.script.sent_lines() {
            let message: serde_json::Value = serde_json::from_str(&line).unwrap();
            if let (Some(id), Some(method)) = (message["id"].as_i64(), message["method"].as_str()) {
                self.owed.push((id, method.into()));
            }
            self.trace.push(line);
        }
        let mut still = Vec::new();
        for open in self.open.drain(..) {
            let client = &mut self.script.client;
            let pending = match open {
                Open::Tool(call) => client.take(call).map(drop).map_err(Open::Tool),
                Open::List(call) => client.take(call).map(drop).map_err(Open::List),
                Open::Join(call) => match client.take(call) {
                    Ok(joined) => {
                        self.subscriptions.extend(joined.ok());
                        Ok(())
                    }
                    Err(call) => Err(Open::Join(call)),
                },
            };
            still.extend(pending.err());
        }
        self.open = still;
    }

    /// The server says nothing more; everything must come to its end by itself.
    fn fall_silent(&mut self) {
        for gone in core::mem::take(&mut self.subscriptions) {
            self.script.client.unsubscribe(gone.id, self.script.now);
        }
        for _ in 0..1_000 {
            self.settle();
            let Some(due) = self.script.client.poll_timeout() else {
                break;
            };
            let wait = due.duration_since(self.script.now);
            assert!(wait > Duration::ZERO, "a deadline that stays in the past");
            self.script.pass(wait);
        }
        assert!(
            self.open.is_empty(),
            "a call has not ended: {:?}",
            self.script.client
        );
        assert_eq!(self.script.client.poll_timeout(), None);
        assert!(
            self.script.client.calls.is_empty(),
            "{:?}",
            self.script.client.calls
        );
        assert!(self.script.client.questions.is_empty());
    }
}

fn run(seed: u64) -> Vec<String> {
    let mut run = Run::new(seed);
    for _ in 0..200 {
        run.step();
    }
    run.fall_silent();
    run.script.eof();
    run.settle();
    let last = run.trace.last().cloned().unwrap_or_default();
    assert!(
        run.script.client.closed().is_some() && last.starts_with("closed"),
        "{last}"
    );
    assert_eq!(
        run.trace
            .iter()
            .filter(|event| event.starts_with("closed"))
            .count(),
        1
    );
    run.trace
}

#[test]
fn every_call_ends_whatever_happens() {
    for seed in 0..400 {
        run(seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn a_forgotten_call_is_gone_for_good() {
    let mut script = Script::handshake(|_| {});
    let call = script
        .client
        .call_custom(
            "x/y",
            &Json::empty_object(),
            &CallOptions::default(),
            script.now,
        )
        .unwrap();
    script.client.forget(call.id(), script.now);
    assert_eq!(
        script.client.take(call).unwrap().unwrap_err(),
        CallError::Cancelled
    );
}
