//! Tasks seen from the client: what a server may say of them, and what callers do meanwhile.

use alloc::{
    borrow::Cow,
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::time::Duration;

use mcp_proto::{
    json::Json,
    rpc::CallId,
    time::Instant,
    types::{ElicitAction, ElicitResult, ElicitationCapability, GetTaskResult, Task},
    version::ProtocolVersion,
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{NOW, config};
use crate::{
    CallError, CallOptions, Client, EraMode, Event, InputTicket, Pending, Session, Started, Tasks,
    ToolOutput,
    command::{self, Command},
    tasks::{self, Begun},
};

/// Law: whatever a server says of tasks, and whatever callers do meanwhile,
///
/// - a call ends once, and well only at a word of the server;
/// - for each call there is at most one request under way;
/// - a task is looked at no more often than `task_poll_min` says, where nothing but time passes;
/// - a question is put at most once for each call, and what is answered are questions;
/// - a call that has become a task has it cancelled when it is given up, once, and no other has;
/// - once the server falls silent, all ends in bounded time, and nothing spins.
///
/// The first byte chooses the revision and how tasks are followed. Each line of the rest is
/// something that happens: `Run::line` tells which.
pub fn client_tasks(input: &[u8]) {
    let (choice, lines) = input.split_first().unwrap_or((&0, &[]));
    let mut run = Run::new(*choice);
    for line in lines.split(|byte| *byte == b'\n').take(100) {
        run.line(line);
    }
    run.end();
}

/// Questions that this harness has made up begin so, and nothing in an input does.
const MARK: &str = "\u{1}question ";

/// What is read of a line that the client has sent.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct About {
    #[serde(default)]
    task_id: Option<String>,
    #[serde(default)]
    request_id: Option<i64>,
    #[serde(default)]
    input_responses: Option<BTreeMap<String, IgnoredAny>>,
}

enum Waiting {
    Tool(Pending<ToolOutput>),
    /// Of a task that it did not begin.
    Result(Pending<ToolOutput>),
    Begun(Pending<Started<Begun>>),
    Status(Pending<GetTaskResult>),
    End(Pending<Task>),
    Cancel(Pending<()>),
    List(Pending<Vec<Task>>),
}

impl Waiting {
    fn id(&self) -> CallId {
        match self {
            Self::Tool(pending) | Self::Result(pending) => pending.id(),
            Self::Begun(pending) => pending.id(),
            Self::Status(pending) => pending.id(),
            Self::End(pending) => pending.id(),
            Self::Cancel(pending) => pending.id(),
            Self::List(pending) => pending.id(),
        }
    }

    fn take(self, session: &mut Session) -> Result<(), CallError> {
        fn taken<T>(session: &mut Session, pending: Pending<T>) -> Result<(), CallError> {
            match session.take(pending) {
                Ok(outcome) => outcome.map(drop),
                Err(pending) => panic!("{:?} is said to be done", pending.id()),
            }
        }
        match self {
            Self::Tool(pending) | Self::Result(pending) => taken(session, pending),
            Self::Begun(pending) => taken(session, pending),
            Self::Status(pending) => taken(session, pending),
            Self::End(pending) => taken(session, pending),
            Self::Cancel(pending) => taken(session, pending),
            Self::List(pending) => taken(session, pending),
        }
    }
}

struct Open {
    waiting: Waiting,
    /// The task that it has become, which is cancelled when it is given up.
    became: Option<String>,
}

/// Why the client has its turn.
#[derive(Copy, Clone, PartialEq)]
enum Cause {
    Server,
    Time,
    Caller,
}

struct Run {
    client: Client,
    now: Instant,
    is_old: bool,
    detached: bool,
    open: Vec<Open>,
    /// How many calls there were.
    calls: usize,
    tickets: Vec<InputTicket>,
    /// How often each question of ours was put.
    put: BTreeMap<String, usize>,
    /// Requests that wait for an answer: the id, the method, and the task.
    requests: Vec<(i64, String, String)>,
    /// When each task was last looked at because time had passed, and by the only call there was.
    looked: BTreeMap<String, (CallId, Instant)>,
    /// `tasks/cancel` was sent for these since the last turn began.
    cancelled: Vec<String>,
    closed: bool,
}

impl Run {
    fn new(choice: u8) -> Self {
        let is_old = choice & 1 == 1;
        let (era, hello) = match is_old {
            true => (
                EraMode::Handshake(ProtocolVersion::V2025_11_25),
                r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}},"serverInfo":{"name":"s","version":"1"}}}"#,
            ),
            false => (
                EraMode::Stateless,
                r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}}"#,
            ),
        };
        let tasks = match choice & 2 {
            0 => Tasks::new(),
            _ => Tasks::new().listening(),
        };
        let mut config = config(era);
        config.extensions.push(tasks.into_extension());
        config.capabilities.elicitation = Some(ElicitationCapability::both());
        let limits = &mut config.limits;
        limits.call_timeout = Duration::from_secs(10);
        limits.call_timeout_max = Duration::from_secs(60);
        limits.input_timeout = Duration::from_secs(30);
        limits.name_bytes = 64;
        limits.outbound_bytes = 1 << 20;
        let mut run = Self {
            client: Client::new(config, NOW),
            now: NOW,
            is_old,
            detached: choice & 4 == 4,
            open: Vec::new(),
            calls: 0,
            tickets: Vec::new(),
            put: BTreeMap::new(),
            requests: Vec::new(),
            looked: BTreeMap::new(),
            cancelled: Vec::new(),
            closed: false,
        };
        run.turn(Cause::Caller);
        run.hear(hello);
        run.begin(0, b'A');
        run
    }

    /// What each line stands for, by its first byte; the second one chooses whom it is about:
    ///
    /// - `s` the server tells how a task is: in answer to a request, or (`n`) unasked;
    /// - `o` and `x` it answers a request with the rest of the line as the result, or with an error;
    /// - `r` it says the rest of the line;
    /// - `b` something is called, `c` cancelled, `f` forgotten;
    /// - `a` a question is answered;
    /// - `t` time passes, `d` until the next deadline.
    fn line(&mut self, line: &[u8]) {
        let [kind, which, rest @ ..] = line else {
            return;
        };
        let at = usize::from(*which);
        match kind {
            b's' | b'o' | b'x' => self.respond(*kind, at, rest),
            b'n' => {
                let method = match self.is_old {
                    true => "notifications/tasks/status",
                    false => "notifications/tasks",
                };
                let params = self.task(rest, None);
                self.hear(&format!(
                    r#"{{"jsonrpc":"2.0","method":"{method}","params":{{{params}}}}}"#
                ));
            }
            b'r' => {
                let text = String::from_utf8_lossy(&line[1..]);
                if !text.contains(MARK.trim_end()) && !text.contains("\\u") {
                    self.hear(&text);
                }
            }
            b'b' => self.begin(*which, rest.first().copied().unwrap_or(b'A')),
            b'c' | b'f' => self.give_up(at, *kind == b'f'),
            b'a' => self.answer(at),
            b't' => self.pass(Duration::from_millis(u64::from(which % 64) * 50)),
            b'd' => {
                if let Some(due) = self.client.poll_timeout() {
                    self.pass(due.duration_since(self.now));
                }
            }
            _ => {}
        }
    }

    // ── The server ───────────────────────────────────────────────────────────────────────────

    fn respond(&mut self, kind: u8, at: usize, rest: &[u8]) {
        if self.requests.is_empty() {
            return;
        }
        let (id, method, task) = self.requests.remove(at % self.requests.len());
        let outcome = match kind {
            b's' => format!(r#""result":{}"#, self.state(&method, &task, rest)),
            b'o' => {
                let text = String::from_utf8_lossy(rest);
                let honest = !text.contains(MARK.trim_end()) && !text.contains("\\u");
                let json = Json::parse(&*text).ok().filter(|_| honest);
                let json = json.unwrap_or_else(Json::empty_object);
                format!(r#""result":{}"#, json.as_str())
            }
            _ => {
                let codes = [-32602, -32603, -32000, -32601, -32002, 7];
                let code = codes[at % codes.len()];
                format!(r#""error":{{"code":{code},"message":"no"}}"#)
            }
        };
        self.hear(&format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#));
    }

    /// A result that is about a task, as this method's results are; perhaps about another one.
    fn state(&self, method: &str, task: &str, rest: &[u8]) -> String {
        let own = (!task.is_empty()).then_some(task);
        let state = self.task(rest, own);
        match (method, self.is_old) {
            ("tools/call", true) => format!(r#"{{"task":{{{state}}}}}"#),
            ("tools/call", false) => format!(r#"{{"resultType":"task",{state}}}"#),
            ("tasks/result", _) => r#"{"content":[{"type":"text","text":"done"}]}"#.to_string(),
            ("tasks/list", _) => format!(r#"{{"tasks":[{{{state}}}]}}"#),
            _ => format!(r#"{{"resultType":"complete",{state}}}"#),
        }
    }

    /// How a task is: its id, its status, and what else is said of it, a byte each.
    fn task(&self, rest: &[u8], own: Option<&str>) -> String {
        const STATES: [&str; 6] = [
            "working",
            "input_required",
            "completed",
            "failed",
            "cancelled",
            "dreaming",
        ];
        let byte = |at: usize| rest.get(at).copied().unwrap_or(b'0');
        let status = STATES[usize::from(byte(0)) % STATES.len()];
        let id = match (byte(1) % 8, own) {
            (0..5, Some(own)) => own,
            (5, _) => "",
            (6, _) => "B",
            _ => "A",
        };
        let more = byte(2);
        let mut text = format!(
            r#""taskId":"{id}","status":"{status}","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z""#
        );
        let interval = ["0", "1", "200", "99999999999999999999", "null", "\"x\""];
        let interval = interval.get(usize::from(more % 8)).unwrap_or(&"300");
        let name = if self.is_old {
            "pollInterval"
        } else {
            "pollIntervalMs"
        };
        text += &format!(r#","{name}":{interval}"#);
        if more & 8 == 0 {
            text += r#","result":{"content":[{"type":"text","text":"done"}]}"#;
            text += r#","error":{"code":7,"message":"no"}"#;
        }
        if more & 16 == 0 {
            text += &format!(r#","statusMessage":"{more}""#);
        }
        let keys = rest.get(3..).unwrap_or(b"k").iter().take(3);
        let keys = keys.map(|key| char::from(b'a' + key % 4));
        let mut asked: Vec<String> = Vec::new();
        for key in keys {
            let question = format!(
                r#""{key}":{{"method":"elicitation/create","params":{{"mode":"form","message":"\u0001question {id}/{key}","requestedSchema":{{"type":"object","properties":{{}}}}}}}}"#
            );
            if !asked.contains(&question) {
                asked.push(question);
            }
        }
        text + &format!(r#","inputRequests":{{{}}}"#, asked.join(","))
    }

    fn hear(&mut self, line: &str) {
        self.client.handle_bytes(line.as_bytes(), self.now);
        self.client.handle_bytes(b"\n", self.now);
        self.turn(Cause::Server);
    }

    // ── The callers ──────────────────────────────────────────────────────────────────────────

    fn begin(&mut self, what: u8, id: u8) {
        let id = char::from(b'A' + id.wrapping_sub(b'A') % 2).to_string();
        let options = CallOptions {
            detached: self.detached,
            ..CallOptions::default()
        };
        let waiting = {
            let (session, now) = (&mut *self.client, self.now);
            match what % 7 {
                0 => command::call_tool("t", &())
                    .start(session, &options, now)
                    .map(Waiting::Tool),
                1 => tasks::call_tool_as_task("t", &())
                    .start(session, &options, now)
                    .map(Waiting::Begun),
                2 => tasks::task_status(id)
                    .start(session, &options, now)
                    .map(Waiting::Status),
                3 => tasks::task_result(id, None)
                    .start(session, &options, now)
                    .map(Waiting::Result),
                4 => tasks::wait_for_task(id, None)
                    .start(session, &options, now)
                    .map(Waiting::End),
                5 => tasks::cancel_task(id)
                    .start(session, &options, now)
                    .map(Waiting::Cancel),
                _ => tasks::list_tasks()
                    .start(session, &options, now)
                    .map(Waiting::List),
            }
        };
        // There may be no room.
        if let Ok(waiting) = waiting {
            self.calls += 1;
            self.open.push(Open {
                waiting,
                became: None,
            });
            self.looked.clear();
        }
        self.turn(Cause::Caller);
    }

    fn give_up(&mut self, at: usize, forget: bool) {
        if self.open.is_empty() {
            return;
        }
        let at = at % self.open.len();
        let id = self.open[at].waiting.id();
        let expected = self.open[at].became.clone();
        if forget {
            self.open.remove(at);
            self.client.forget(id, self.now);
        } else {
            self.client.cancel(id, None, self.now);
        }
        self.turn(Cause::Caller);
        let expected: Vec<String> = expected.into_iter().collect();
        assert_eq!(self.cancelled, expected, "the task of what was given up");
        let open = self.open.iter().any(|open| open.waiting.id() == id);
        assert!(!open, "a call that was given up goes on");
    }

    fn answer(&mut self, at: usize) {
        if self.tickets.is_empty() {
            return;
        }
        let ticket = self.tickets.remove(at % self.tickets.len());
        let answer = ElicitResult::new(ElicitAction::Decline);
        // What asks for something else, or is over, wants no such answer.
        let _ = self.client.answer(ticket, Ok(answer.into()), self.now);
        self.turn(Cause::Caller);
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
        self.client.handle_timeout(self.now);
        self.turn(Cause::Time);
        let next = self.client.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "it spins");
    }

    // ── What comes of it ─────────────────────────────────────────────────────────────────────

    fn turn(&mut self, cause: Cause) {
        self.cancelled.clear();
        while let Some(event) = self.client.poll_event() {
            assert!(!self.closed, "an event after the end: {event:?}");
            match event {
                Event::Done(id) => self.done(id, cause),
                Event::Task(id, task) => self.becomes(id, &task),
                Event::Input(ticket, request) => {
                    let text = format!("{request:?}");
                    if let Some(at) = text.find("question ") {
                        let times = self.put.entry(text[at..].to_string()).or_default();
                        *times += 1;
                        assert!(*times <= self.calls, "put again: {text}");
                    }
                    self.tickets.push(ticket);
                }
                Event::Closed(_) => self.closed = true,
                _ => {}
            }
        }
        let mut out = Vec::new();
        while self.client.poll_transmit(&mut out) {}
        let text = core::str::from_utf8(&out).expect("a client writes UTF-8");
        for line in text.lines() {
            self.said(line, cause);
        }
        let following = |(_, method, _): &&(i64, String, String)| {
            matches!(
                &**method,
                "tools/call" | "tasks/get" | "tasks/result" | "tasks/update"
            )
        };
        let under_way = self.requests.iter().filter(following).count();
        assert!(
            under_way <= self.open.len(),
            "{under_way} requests for {} calls: {:?}",
            self.open.len(),
            self.requests
        );
    }

    fn becomes(&mut self, id: CallId, task: &Task) {
        let open = self.open.iter_mut().find(|open| open.waiting.id() == id);
        let open = open.expect("only open calls tell of tasks");
        // Whoever waits for a task by its id cancels nothing but the waiting.
        if matches!(open.waiting, Waiting::Tool(_)) && !self.detached {
            open.became.get_or_insert_with(|| task.task_id.clone());
        }
    }

    fn done(&mut self, id: CallId, cause: Cause) {
        let at = self.open.iter().position(|open| open.waiting.id() == id);
        let at = at.unwrap_or_else(|| panic!("{id:?} ends twice, or never began"));
        let outcome = self.open.remove(at).waiting.take(&mut self.client);
        self.looked.clear();
        assert!(
            outcome.is_err() || cause == Cause::Server,
            "a call ends well, and nobody has said so"
        );
    }

    /// The client has sent this.
    fn said(&mut self, line: &str, cause: Cause) {
        let sent: Sent<'_> = serde_json::from_str(line).expect("a client writes messages");
        let about = sent.params.map(|params| serde_json::from_str(params.get()));
        let about: About = about
            .transpose()
            .expect("params of ours")
            .unwrap_or_default();
        let method = sent.method.unwrap_or_default().into_owned();
        if method == "notifications/cancelled" {
            self.requests
                .retain(|(id, ..)| Some(*id) != about.request_id);
        }
        let Some(id) = sent.id.filter(|_| !method.is_empty()) else {
            return;
        };
        let id = id.get().parse().expect("its ids are numbers");
        let task = about.task_id.unwrap_or_default();
        if method.starts_with("tasks/") && method != "tasks/list" {
            assert!(!task.is_empty() && task.len() <= 64, "{line}");
        }
        match &*method {
            "tasks/get" if cause == Cause::Time => self.looks(&task),
            "tasks/cancel" => self.cancelled.push(task.clone()),
            "tasks/update" => {
                let answers = about.input_responses.unwrap_or_default();
                assert!(!answers.is_empty(), "an answer to nothing: {line}");
            }
            _ => {}
        }
        self.requests.push((id, method, task));
    }

    /// A task is looked at because time has passed.
    fn looks(&mut self, task: &str) {
        let [only] = &*self.open else { return };
        let (call, now) = (only.waiting.id(), self.now);
        let before = self.looked.insert(task.to_string(), (call, now));
        if let Some((_, before)) = before.filter(|(by, _)| *by == call) {
            let least = Duration::from_millis(50);
            let waited = now.duration_since(before);
            assert!(waited >= least, "looked at again after {waited:?}");
        }
    }

    /// The server says nothing more, and users do not answer.
    fn end(mut self) {
        // Every call's time, and the time of every round of questions.
        let last = self
            .now
            .saturating_add(Duration::from_secs(60 + 3 * 30 + 10));
        for _ in 0..1000 {
            if self.open.is_empty() {
                break;
            }
            let due = self.client.poll_timeout().expect("it waits for something");
            assert!(due <= last, "a call that does not end: {due:?}");
            self.pass(due.duration_since(self.now));
        }
        assert!(self.open.is_empty(), "a call that does not end");
        self.client.close(self.now);
        for _ in 0..100 {
            self.turn(Cause::Caller);
            match self.client.poll_timeout() {
                Some(due) => self.pass(due.duration_since(self.now)),
                None => break,
            }
        }
        assert!(self.client.is_closed() && self.closed, "it does not end");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*, sample::select};

    /// A line that means something: nearly all random bytes mean nothing.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let state = (
            select(&b"ssssnx"[..]),
            0..3_u8,
            select(&b"000011112345"[..]),
            select(&b"00000067"[..]),
            any::<u8>(),
            vec(0..3_u8, 1..3),
        )
            .prop_map(|(kind, which, status, id, more, keys)| {
                let mut line = Vec::from([kind, which, status, id, more]);
                line.extend(keys);
                line
            });
        let other = (select(&b"obcfaaaatddd"[..]), any::<u8>(), any::<u8>())
            .prop_map(|(kind, which, rest)| Vec::from([kind, which, rest]));
        // The server speaks more often than anything else happens.
        prop_oneof![3 => state, 2 => other].prop_map(|mut line| {
            line.retain(|byte| *byte != b'\n');
            line
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_client_that_follows_tasks_copes_with_any_server(
            choice in 0..8_u8,
            lines in vec(line(), 0..40),
        ) {
            let mut input = Vec::from([choice]);
            for line in lines {
                input.extend(line);
                input.push(b'\n');
            }
            client_tasks(&input);
        }
    }
}
