//! A conversation as a text: what is done, and what comes of it.
//!
//! ```text
//! > {"id":1,"method":"ping"}          a line to the server; `"jsonrpc":"2.0"` is left out
//! < {"id":1,"result":{}}              a line from it
//! ! closed Eof                        an event; calls that are run in place are not shown
//! call 1: hold                        an event: this handler keeps its ticket for now
//! finish 1 text                       a held call's outcome; also `panic 1`, `fail 1 CODE`
//! ask 1                             a held call's outcome: it asks for the client's roots
//! progress 1 2/5 words                a held call's notes; also `log 1 LEVEL`, `log 1 LEVEL LOGGER`
//! wait 5s                             time passes; also `ns`, `ms`
//! change tools | prompts | resources | URI
//! without NAME                        a service without the tool of that name, or the resource
//! stop reading | read                 what the client does with our output
//! eof | close
//! ```
//!
//! In requests `$m` stands for the members that `_meta` must have, in results `$server` for the
//! `_meta` of the stateless era, and `mcp/` for `io.modelcontextprotocol/` in both.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::{fmt::Write, time::Duration};
use mcp_proto::{
    json::Json,
    limits::Limits,
    rpc::{CallId, RpcError},
    time::Instant,
    types::{
        CallToolResult, Completion, ContentBlock, GetPromptResult, Implementation, InputRequest,
        Prompt, PromptMessage, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
        Role, Tool,
    },
};

use crate::{
    call::{Call, Change, Delivery, Event, NeedInput, Note, Outcome, PeerFault, Ticket, Work},
    cancel::CancelToken,
    conn::Conn,
    extension::{ExtensionResult, TopicChange, TopicNotice},
    service::{Component, ComponentKind, Edit, Service},
};

/// What a component's handler does.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Says what it was called with.
    Echo,
    /// Keeps its ticket.
    Hold,
    /// Fails with this code.
    Fail(i32),
    /// Gives the outcome of another kind of call.
    Confuse,
    /// Says so many bytes.
    Long(usize),
}

/// A service with a component for every occasion.
pub(super) fn service(limits: Limits) -> Service<Act> {
    let schema = || Json::parse(r#"{"type":"object"}"#).unwrap();
    let tool = |name: &str| Tool::new(name, schema());
    Service::builder(Implementation::new("demo", "1.0.0"))
        .limits(limits)
        .tool(tool("echo"), Act::Echo)
        .tool(tool("hold"), Act::Hold)
        .tool(tool("confuse"), Act::Confuse)
        .tool(tool("fail"), Act::Fail(-32042))
        .tool(tool("long"), Act::Long(1000))
        .add_tool(Component::new(tool("slow"), Act::Hold).with_timeout(Duration::from_secs(60)))
        .prompt(Prompt::new("greeting"), Act::Echo)
        .resource(Resource::new("file:///a", "a"), Act::Echo)
        .resource(Resource::new("file:///gone", "gone"), Act::Fail(-32002))
        .template(ResourceTemplate::new("note://{id}", "note"), Act::Echo)
        .add_template(
            Component::new(ResourceTemplate::new("page://{n}", "page"), Act::Echo)
                .with_completion(Act::Echo),
        )
        .build()
        .unwrap()
}

/// Plays a script and compares what comes of it with what it says.
#[track_caller]
pub(super) fn play(script: &str) {
    play_with(Limits::default(), script);
}

/// The same with other limits.
#[track_caller]
pub(super) fn play_with(limits: Limits, script: &str) {
    play_on(service(limits), script);
}

/// The same on a connection that holds calls back.
#[track_caller]
pub(super) fn play_patiently(limits: Limits, script: &str) {
    let mut stage = Stage::new(service(limits));
    stage.conn = stage.conn.patient();
    play_at(stage, script);
}

/// The same with another service.
#[track_caller]
pub(super) fn play_on(service: Service<Act>, script: &str) {
    play_at(Stage::new(service), script);
}

#[track_caller]
fn play_at(mut stage: Stage, script: &str) {
    let lines: Vec<&str> = script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let is_result = |line: &&&str| !line.starts_with(['<', '!']) && !line.starts_with("call ");
    for line in lines.iter().filter(is_result) {
        stage.act(line);
    }
    let played: Vec<&str> = stage.transcript.lines().collect();
    let same = lines
        .iter()
        .zip(&played)
        .take_while(|(written, played)| written == played)
        .count();
    let rest = |lines: &[&str]| lines[same..].join("\n");
    let (written, after) = (rest(&lines), lines[..same].last());
    assert!(
        played == lines,
        "\nafter {after:?}\n--- written\n{written}\n--- played\n{}\n",
        rest(&played)
    );
}

/// A connection and whoever drives it.
pub(super) struct Stage {
    pub(super) conn: Conn<Act>,
    pub(super) now: Instant,
    pub(super) transcript: String,
    held: BTreeMap<u32, (Option<Ticket>, CallId, CancelToken, Work)>,
    count: u32,
    reads: bool,
}

impl Stage {
    pub(super) fn new(service: Service<Act>) -> Self {
        let conn = Conn::new(Arc::new(service), 1, Instant::ZERO);
        let (now, transcript, held) = (Instant::ZERO, String::new(), BTreeMap::new());
        Self {
            conn,
            now,
            transcript,
            held,
            count: 0,
            reads: true,
        }
    }

    pub(super) fn act(&mut self, line: &str) {
        writeln!(self.transcript, "{line}").unwrap();
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let now = self.now;
        match *words {
            [">", ..] => {
                let line = to_wire(line.strip_prefix("> ").unwrap());
                self.conn.handle_bytes(line.as_bytes(), now);
                self.conn.handle_bytes(b"\n", now);
            }
            ["finish", call, ..] => {
                let words = words[2..].join(" ");
                self.finish(call, |work| outcome(work, &words));
            }
            ["ask", call] => self.finish(call, |_| {
                let roots = InputRequest::ListRoots(Default::default());
                let questions = [(String::from("k"), roots)].into_iter().collect();
                Outcome::NeedInput(NeedInput::new(questions))
            }),
            ["fail", call, code] => self.finish(call, |_| failure(code.parse().unwrap())),
            ["panic", call] => {
                let (_, id, ..) = &self.held[&call.parse().unwrap()];
                let delivery = self.conn.abandon(*id, now);
                self.tell(delivery);
            }
            ["progress" | "log", call, ..] => {
                let id = self.held[&call.parse().unwrap()].1;
                let delivery = self.conn.note(id, note(&words), now);
                self.tell(delivery);
            }
            ["wait", time] => {
                self.now = now.saturating_add(duration(time));
                self.conn.handle_timeout(self.now);
                let next = self.conn.poll_timeout();
                assert!(
                    next.is_none_or(|next| next > self.now),
                    "{next:?} is not after {:?}",
                    self.now
                );
            }
            ["change", what] => self.conn.handle_change(&change(what), now),
            ["without", name] => {
                let kind = match name.contains(':') {
                    true => ComponentKind::Resource,
                    false => ComponentKind::Tool,
                };
                let edit = |edit: &mut Edit<Act>| Ok(edit.remove(kind, name));
                let (service, _) = self.conn.service().edited(edit).unwrap();
                self.conn.handle_service(Arc::new(service), now);
            }
            ["stop", "reading"] => self.reads = false,
            ["read"] => self.reads = true,
            ["eof"] => self.conn.handle_eof(now),
            ["close"] => self.conn.close(now),
            _ => panic!("what is {line:?}?"),
        }
        self.settle();
    }

    /// Runs what can be run and takes what can be taken.
    pub(super) fn settle(&mut self) {
        loop {
            while let Some(event) = self.conn.poll_event() {
                self.show(event);
            }
            let mut out = Vec::new();
            if !self.reads || !self.conn.poll_transmit(&mut out) {
                return;
            }
            for line in String::from_utf8(out).unwrap().lines() {
                writeln!(self.transcript, "< {}", from_wire(line)).unwrap();
            }
        }
    }

    fn show(&mut self, event: Event<Act>) {
        match event {
            Event::Call(Call {
                ticket,
                handler,
                work,
                context,
            }) => {
                let outcome = match handler {
                    Act::Hold => {
                        self.count += 1;
                        writeln!(self.transcript, "call {}: {}", self.count, name(&work)).unwrap();
                        let id = ticket.call();
                        self.held
                            .insert(self.count, (Some(ticket), id, context.cancel, work));
                        return;
                    }
                    Act::Echo => outcome(&work, &called_with(&work)),
                    Act::Fail(code) => failure(code),
                    Act::Confuse => Outcome::Complete(Completion::default()),
                    Act::Long(bytes) => outcome(&work, &"x".repeat(bytes)),
                };
                let delivery = self.conn.finish(ticket, outcome, self.now);
                self.tell(delivery);
            }
            Event::Cancelled(call) => {
                let held = self.held.iter().find(|(_, held)| held.1 == call);
                let number = held.map_or("at once".into(), |(number, _)| number.to_string());
                assert!(
                    held.is_none_or(|(_, held)| held.2.is_cancelled()),
                    "the token comes first"
                );
                writeln!(self.transcript, "! cancelled {number}").unwrap();
            }
            Event::Fault(PeerFault::NotRpc(error)) => {
                writeln!(self.transcript, "! rejected {}", error.code).unwrap();
            }
            Event::Fault(PeerFault::Notification(error)) => {
                writeln!(self.transcript, "! bad notification: {}", error.message).unwrap();
            }
            Event::Fault(fault) => writeln!(self.transcript, "! {fault:?}").unwrap(),
            Event::Closed(why) => writeln!(self.transcript, "! closed {why:?}").unwrap(),
        }
    }

    fn finish(&mut self, call: &str, outcome: impl FnOnce(&Work) -> Outcome) {
        let held = self.held.get_mut(&call.parse().unwrap()).unwrap();
        let (ticket, outcome) = (held.0.take().unwrap(), outcome(&held.3));
        let delivery = self.conn.finish(ticket, outcome, self.now);
        self.tell(delivery);
    }

    fn tell(&mut self, delivery: Delivery) {
        if delivery == Delivery::Discarded {
            writeln!(self.transcript, "! discarded").unwrap();
        }
    }
}

/// A script's line as it travels.
pub(super) fn to_wire(line: &str) -> String {
    let claims = r#""_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{}}"#;
    let line = match line.strip_prefix('{') {
        Some(rest) if !rest.contains("jsonrpc") => format!(r#"{{"jsonrpc":"2.0",{rest}"#),
        _ => line.to_string(),
    };
    line.replace("$m", claims)
        .replace("\"mcp/", "\"io.modelcontextprotocol/")
}

fn from_wire(line: &str) -> String {
    let server = r#""_meta":{"mcp/serverInfo":{"name":"demo","version":"1.0.0"}}"#;
    line.replace("\"io.modelcontextprotocol/", "\"mcp/")
        .replace(server, "$server")
        .replace(r#""jsonrpc":"2.0","#, "")
}

fn name(work: &Work) -> &str {
    match work {
        Work::Tool { name, .. } | Work::Prompt { name, .. } => name,
        Work::Resource { uri, .. } => uri,
        Work::Complete(_) => "completion",
        Work::Extension(call) => &call.method,
        Work::Task(call) => &call.name,
    }
}

fn called_with(work: &Work) -> String {
    match work {
        Work::Tool { arguments, .. } | Work::Prompt { arguments, .. } => arguments
            .as_ref()
            .map_or("nothing".into(), |arguments| arguments.as_str().into()),
        Work::Resource { variables, .. } => variables
            .iter()
            .map(|(name, value)| format!("{name}={}", value.join(",")))
            .collect::<Vec<_>>()
            .join(" "),
        Work::Complete(wanted) => wanted.argument.value.clone(),
        Work::Extension(call) => call
            .params
            .as_ref()
            .map_or("{}".into(), |of| of.as_str().into()),
        Work::Task(call) => format!("{:?} for {:?}", call.arguments, call.ttl_ms),
    }
}

fn outcome(work: &Work, text: &str) -> Outcome {
    match work {
        Work::Tool { .. } => Outcome::Tool(CallToolResult::text(text)),
        Work::Prompt { .. } => {
            let message = PromptMessage::new(Role::User, ContentBlock::text(text));
            Outcome::Prompt(GetPromptResult::new(Vec::from([message])))
        }
        Work::Resource { uri, .. } => {
            let contents = ResourceContents::text(uri.clone(), text);
            Outcome::Resource(ReadResourceResult::new(Vec::from([contents])))
        }
        Work::Complete(_) => Outcome::Complete(Completion::new(Vec::from([text.to_string()]))),
        Work::Extension(_) | Work::Task(_) => {
            let result = ExtensionResult::new(&Json::parse(text).unwrap());
            let task = result.members.get("task").map(Json::as_str);
            let topic = task.map(|task| task.trim_matches('"').to_string());
            Outcome::Extension(match topic {
                Some(topic) => result.with_topic(topic),
                None => result,
            })
        }
    }
}

fn failure(code: i32) -> Outcome {
    Outcome::Fail(RpcError::new(code, "failed"))
}

fn note(words: &[&str]) -> Note {
    match *words {
        ["progress", _, amount, ref message @ ..] => {
            let (done, total) = amount
                .split_once('/')
                .map_or((amount, None), |(done, total)| (done, Some(total)));
            Note::Progress {
                done: done.parse().unwrap(),
                total: total.map(|total| total.parse().unwrap()),
                message: message.first().map(|message| message.to_string()),
            }
        }
        ["log", _, level, ref logger @ ..] => Note::Log {
            level: serde_json::from_str(&format!("{level:?}")).unwrap(),
            logger: logger.first().map(|logger| logger.to_string()),
            data: Json::parse("\"entry\"").unwrap(),
        },
        _ => panic!("what is {words:?}?"),
    }
}

fn change(what: &str) -> Change {
    match what {
        "tools" => Change::Tools,
        "prompts" => Change::Prompts,
        "resources" => Change::Resources,
        topic if topic.starts_with("topic:") => topic_change(topic),
        uri => Change::Resource(uri.into()),
    }
}

// `topic:NAME=VALUE`, `topic:NAME=VALUE!` for the last one, `topic:SUBJECT@NAME=VALUE`
fn topic_change(text: &str) -> Change {
    let (name, value) = text["topic:".len()..].split_once('=').unwrap();
    let (subject, name) = name
        .split_once('@')
        .map_or((None, name), |(subject, name)| (Some(subject.into()), name));
    let mut change = TopicChange::new("com.example/x", name);
    let params = format!(r#"{{"value":"{}"}}"#, value.trim_end_matches('!'));
    let params = Json::parse(params).unwrap();
    change.subject = subject;
    change.stateless = Some(TopicNotice::new("notifications/x", &params));
    change.handshake = Some(TopicNotice::new("notifications/x/status", &params));
    change.last = value.ends_with('!');
    change.into()
}

fn duration(text: &str) -> Duration {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let number = digits.parse().unwrap();
    match &text[digits.len()..] {
        "ns" => Duration::from_nanos(number),
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        unit => panic!("what is {unit:?}?"),
    }
}
