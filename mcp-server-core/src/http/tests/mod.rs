//! The HTTP front as a client sees it: heads and bodies in, statuses, headers and bodies out.

mod asking;
mod bodies;
mod handshake;
mod modern;
mod other;
mod random;
mod repeated;
mod streams;

use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::time::Duration;

use http::{HeaderMap, Request};
use mcp_proto::{
    json::Json,
    limits::Limits,
    rpc::{CallId, RpcError},
    time::Instant,
    types::{
        CallToolResult, ContentBlock, GetPromptResult, Implementation, LoggingLevel, Prompt,
        ReadResourceResult, Resource, Tool,
    },
};

use super::{Body, Exchange, HttpEvent, HttpOptions, HttpServer, HttpServerEvent, Verdict};
use crate::{
    call::{Call, Note, Outcome, Ticket, Work},
    service::Service,
};

/// What a handler of these tests does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    /// Answers with its own name.
    Answer,
    /// Tells something first.
    Note,
    /// Leaves its ticket with the test.
    Wait,
    /// Fails with this code.
    Fail(i32),
    /// Asks for the client's roots, and answers with what it was told.
    Ask,
}

struct Rig {
    service: Arc<Service<Act>>,
    options: Arc<HttpOptions>,
    server: HttpServer<Act, usize>,
    now: Instant,
    opened: u8,
    tag: u32,
    waiting: Vec<(Ticket, Work)>,
    cancelled: Vec<CallId>,
    wakes: Vec<usize>,
    verdict: Option<Verdict>,
    bearers: Vec<Option<String>>,
    /// On whose behalf handlers were called.
    subjects: Vec<Option<Arc<str>>>,
}

/// An exchange under way, with what its client has got so far.
struct Open {
    exchange: Exchange<Act>,
    number: usize,
    status: u16,
    headers: HeaderMap,
    body: String,
    ended: bool,
    listens: bool,
}

const SCHEMA: &str =
    r#"{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}"#;

fn service(limits: Limits) -> Arc<Service<Act>> {
    let tool = |name: &str| Tool::new(name, Json::empty_object());
    let service = Service::builder(Implementation::new("rig", "1.0.0"))
        .limits(limits)
        .tool(tool("answer"), Act::Answer)
        .tool(tool("note"), Act::Note)
        .tool(tool("wait"), Act::Wait)
        .tool(tool("busy"), Act::Fail(-32000))
        .tool(tool("invalid"), Act::Fail(-32602))
        .tool(
            Tool::new("routed", Json::parse(SCHEMA).unwrap()),
            Act::Answer,
        )
        .tool(tool("ask"), Act::Ask)
        .prompt(Prompt::new("explain"), Act::Answer)
        .resource(Resource::new("test://a", "a"), Act::Answer)
        .build()
        .unwrap();
    Arc::new(service)
}

impl Rig {
    fn new(options: HttpOptions) -> Self {
        Self::with_limits(options, Limits::default())
    }

    fn with_limits(options: HttpOptions, limits: Limits) -> Self {
        let (service, options) = (service(limits), Arc::new(options));
        let server = HttpServer::new(Arc::clone(&service), Arc::clone(&options));
        Self {
            service,
            options,
            server,
            now: Instant::ZERO,
            opened: 0,
            tag: 1 << 31,
            waiting: Vec::new(),
            cancelled: Vec::new(),
            wakes: Vec::new(),
            verdict: None,
            bearers: Vec::new(),
            subjects: Vec::new(),
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
    }

    /// Sends a request up to the end of its body, and takes what comes at once.
    fn send(&mut self, line: &str, headers: &[(&str, &str)], body: &str) -> Open {
        let mut open = self.begin(line, headers);
        for chunk in body.as_bytes().chunks(7) {
            open.exchange.handle_body(chunk, self.now);
        }
        open.exchange.handle_body_end(self.now);
        self.drive(&mut open);
        open
    }

    fn begin(&mut self, line: &str, headers: &[(&str, &str)]) -> Open {
        let mut open = self.open(line, headers);
        self.drive(&mut open);
        open
    }

    /// A request without a body that nobody reads the answer to.
    fn begin_quietly(&mut self, line: &str, headers: &[(&str, &str)]) -> Open {
        let mut open = self.open(line, headers);
        open.exchange.handle_body_end(self.now);
        assert!(matches!(open.exchange.poll_event(), Some(HttpEvent::Join)));
        self.join(&mut open);
        open
    }

    fn join(&mut self, open: &mut Open) {
        self.opened += 1;
        let (entropy, now) = ([self.opened; 16], self.now);
        self.server
            .join(&mut open.exchange, open.number, &entropy, now);
    }

    fn open(&mut self, line: &str, headers: &[(&str, &str)]) -> Open {
        let (method, uri) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let head = request.body(()).unwrap().into_parts().0;
        self.tag += 1;
        let (service, options) = (Arc::clone(&self.service), Arc::clone(&self.options));
        Open {
            exchange: Exchange::new(service, options, head, self.tag, self.now),
            number: (self.tag & 0xffff) as usize,
            status: 0,
            headers: HeaderMap::new(),
            body: String::new(),
            ended: false,
            listens: false,
        }
    }

    /// Everything that can happen without further input happens.
    fn drive(&mut self, open: &mut Open) {
        if open.exchange.is_seated() {
            self.server.ferry(&mut open.exchange, self.now);
        }
        while let Some(event) = open.exchange.poll_event() {
            match event {
                HttpEvent::Call(call) => self.run(call, Some(open)),
                HttpEvent::Cancelled(call) => self.cancelled.push(call),
                HttpEvent::Authorize(bearer) => {
                    self.bearers.push(bearer);
                    if let Some(verdict) = self.verdict.clone() {
                        open.exchange.handle_verdict(verdict, self.now);
                    }
                }
                HttpEvent::Join => self.join(open),
                HttpEvent::Listen => open.listens = true,
            }
        }
        self.drive_server();
        loop {
            if open.exchange.is_seated() {
                self.server.ferry(&mut open.exchange, self.now);
            }
            let before = open.body.len();
            open.take();
            if open.body.len() == before {
                break;
            }
        }
    }

    fn drive_server(&mut self) {
        while let Some(event) = self.server.poll_event() {
            match event {
                HttpServerEvent::Call(call) => self.run(call, None),
                HttpServerEvent::Cancelled(call) => self.cancelled.push(call),
                HttpServerEvent::Wake(number) => self.wakes.push(number),
            }
        }
    }

    fn run(&mut self, call: Call<Act>, own: Option<&mut Open>) {
        self.subjects.push(call.context.peer.subject.clone());
        if call.handler == Act::Wait {
            self.waiting.push((call.ticket, call.work));
            return;
        }
        let (now, id) = (self.now, call.ticket.call());
        let outcome = match call.handler {
            Act::Fail(code) => Outcome::Fail(RpcError::new(code, "as told")),
            Act::Ask => asking::outcome(&call.context),
            _ => outcome(&call.work),
        };
        match own {
            Some(open) => {
                if call.handler == Act::Note {
                    let _ = open.exchange.note(id, note("n"), now);
                }
                let _ = open.exchange.finish(call.ticket, outcome, now);
            }
            None => {
                if call.handler == Act::Note {
                    let _ = self.server.note(id, note("n"), now);
                }
                let _ = self.server.finish(call.ticket, outcome, now);
            }
        }
    }

    /// Finishes the oldest call that waits in a session.
    fn finish(&mut self) {
        let (ticket, work) = self.waiting.remove(0);
        let _ = self.server.finish(ticket, outcome(&work), self.now);
        self.drive_server();
    }

    /// Finishes the oldest call that waits in this exchange.
    fn finish_in(&mut self, open: &mut Open) {
        let (ticket, work) = self.waiting.remove(0);
        let _ = open.exchange.finish(ticket, outcome(&work), self.now);
        self.drive(open);
    }

    /// Lets time pass for an exchange.
    fn pass(&mut self, time: Duration, open: &mut Open) {
        self.wait(time);
        open.exchange.handle_timeout(self.now);
        assert!(
            open.exchange.poll_timeout().is_none_or(|at| at > self.now),
            "a deadline does not stay in the past"
        );
        self.drive(open);
    }
}

fn note(text: &str) -> Note {
    Note::Log {
        level: LoggingLevel::Warning,
        logger: None,
        data: Json::new(text).unwrap(),
    }
}

fn outcome(work: &Work) -> Outcome {
    match work {
        Work::Tool { name, .. } => {
            Outcome::Tool(CallToolResult::new([ContentBlock::text(&**name)].into()))
        }
        Work::Prompt { .. } => Outcome::Prompt(GetPromptResult::default()),
        Work::Resource { .. } => Outcome::Resource(ReadResourceResult::default()),
        _ => Outcome::Fail(RpcError::internal("not in these tests")),
    }
}

impl Open {
    fn take(&mut self) {
        if let Some(head) = self.exchange.poll_head() {
            assert_eq!(self.status, 0, "one head");
            self.status = head.status().as_u16();
            self.headers = head.headers().clone();
        }
        let mut out = Vec::new();
        loop {
            match self.exchange.poll_body(&mut out) {
                Body::Data => {}
                Body::Pending => break,
                Body::End => {
                    self.ended = true;
                    break;
                }
            }
        }
        self.body.push_str(core::str::from_utf8(&out).unwrap());
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("-", |value| value.to_str().unwrap())
    }

    /// The status, with the error's code and id where the body is one.
    fn outline(&self) -> String {
        let allow = if self.header("allow") == "-" {
            String::new()
        } else {
            format!(" Allow: {}", self.header("allow"))
        };
        let kind = match self.header("content-type") {
            "-" => {
                return format!(
                    "{}{allow}{}",
                    self.status,
                    if self.body.is_empty() { "" } else { " body" }
                );
            }
            "application/json" => "",
            "text/event-stream" => " stream",
            other => return format!("{} {other}", self.status),
        };
        if kind.is_empty() {
            assert_eq!(self.header("content-length"), self.body.len().to_string());
        }
        let last = self.messages().pop().unwrap_or_default();
        let value: serde_json::Value = serde_json::from_str(&last).unwrap_or_default();
        let id = value.get("id").map_or("-".to_string(), ToString::to_string);
        match value.pointer("/error/code") {
            Some(code) => format!("{}{allow}{kind} {code} id {id}", self.status),
            None if value.get("result").is_some() => {
                format!("{}{allow}{kind} result id {id}", self.status)
            }
            None if value.is_array() => format!("{}{allow}{kind} batch", self.status),
            None => format!("{}{allow}{kind}", self.status),
        }
    }

    /// The messages so far: of JSON the only one, of a stream the data of its events.
    fn messages(&self) -> Vec<String> {
        if self.header("content-type") != "text/event-stream" {
            return [self.body.clone()].into();
        }
        let data = |event: &str| {
            event
                .lines()
                .find_map(|line| line.strip_prefix("data: ").map(String::from))
        };
        self.body.split("\n\n").filter_map(data).collect()
    }

    /// What a stream is made of: ids, kinds of messages, comments.
    fn events(&self) -> Vec<String> {
        let mut events = Vec::new();
        for block in self.body.split("\n\n").filter(|block| !block.is_empty()) {
            let mut parts = Vec::new();
            for line in block.lines() {
                match line.split_once(": ") {
                    Some(("data", data)) => parts.push(summary(data)),
                    Some((_, _)) => parts.push(line.to_string()),
                    None => parts.push(line.to_string()),
                }
            }
            events.push(parts.join("; "));
        }
        events
    }
}

fn summary(message: &str) -> String {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(message) else {
        return message.to_string();
    };
    let text = |pointer: &str| value.pointer(pointer).map(ToString::to_string);
    match (text("/method"), text("/id")) {
        (Some(method), _) => method.trim_matches('"').to_string(),
        (None, Some(id)) => match text("/error/code") {
            Some(code) => format!("error {id} {code}"),
            None => format!("result {id}"),
        },
        _ => message.to_string(),
    }
}

/// The headers that every client sends.
const BASE: [(&str, &str); 3] = [
    ("host", "localhost:1"),
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
];

fn rig() -> Rig {
    Rig::new(HttpOptions::listening(true))
}

fn request(id: &str, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

#[test]
fn what_waits_for_a_client_is_small() {
    type Session = crate::http::legacy::HttpSession<crate::Handler, Arc<()>>;
    assert!(size_of::<Session>() <= 1280, "{}", size_of::<Session>());
    let open = size_of::<Exchange<crate::Handler>>();
    assert!(open <= 384, "{open}");
}
