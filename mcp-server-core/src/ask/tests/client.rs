//! A client of any revision that answers, and the server it is connected to, in one thread.

use alloc::{
    boxed::Box,
    collections::VecDeque,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::{
    task::{Context, Poll, Waker},
    time::Duration,
};

use mcp_proto::{rpc::CallId, time::Instant, version::ProtocolVersion};
use serde_json::{Value, json};

use crate::{
    BoxFuture, Conn, Cx, Event, Handler, Link, Note, Outcome, PeerFault, ServerBuilder, Ticket,
};

#[derive(Debug)]
struct Deaf;

impl Link for Deaf {
    fn note(&self, _: CallId, _: Note) {}
}

pub(super) fn everything() -> Value {
    json!({"elicitation": {"form": {}, "url": {}}, "sampling": {"tools": {}}, "roots": {}})
}

/// How a question is answered: with a result, with an error, or not at all.
pub(super) type Answer = Option<Result<Value, Value>>;

pub(super) fn accept(content: &Value) -> Answer {
    Some(Ok(json!({"action": "accept", "content": content})))
}

pub(super) struct Client {
    pub(super) version: ProtocolVersion,
    pub(super) capabilities: Value,
    pub(super) now: Instant,
    /// What it was asked, a round each, as method and params.
    pub(super) rounds: Vec<Vec<(String, Value)>>,
    pub(super) conn: Conn<Handler>,
    /// What the server has said that was no answer.
    pub(super) said: VecDeque<Value>,
    /// What the server holds against it.
    pub(super) faults: Vec<PeerFault>,
    futures: Vec<(Ticket, BoxFuture<Outcome>)>,
    last_id: u64,
}

impl Client {
    pub(super) fn new(version: ProtocolVersion, builder: ServerBuilder) -> Self {
        Self::with(version, everything(), builder)
    }

    pub(super) fn with(
        version: ProtocolVersion,
        capabilities: Value,
        builder: ServerBuilder,
    ) -> Self {
        let service = Arc::new(builder.build_service().unwrap());
        Self::on(version, capabilities, Conn::new(service, 1, Instant::ZERO))
    }

    pub(super) fn on(version: ProtocolVersion, capabilities: Value, conn: Conn<Handler>) -> Self {
        let mut client = Self {
            version,
            capabilities,
            now: Instant::ZERO,
            rounds: Vec::new(),
            conn,
            said: VecDeque::new(),
            faults: Vec::new(),
            futures: Vec::new(),
            last_id: 0,
        };
        if !client.is_modern() {
            let params = json!({
                "protocolVersion": version.as_str(),
                "capabilities": client.capabilities,
                "clientInfo": {"name": "c", "version": "1"},
            });
            let id = client.send("initialize", params);
            let opened = client.take(id).unwrap();
            assert_eq!(opened["result"]["protocolVersion"], version.as_str());
            client.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        }
        client
    }

    pub(super) fn is_modern(&self) -> bool {
        self.version == ProtocolVersion::LATEST
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
        self.conn.handle_timeout(self.now);
        self.settle();
    }

    pub(super) fn say(&mut self, message: &Value) {
        self.conn
            .handle_bytes(format!("{message}\n").as_bytes(), self.now);
        self.settle();
    }

    /// Sends a request, and gives its id.
    pub(super) fn send(&mut self, method: &str, mut params: Value) -> u64 {
        self.last_id += 1;
        if self.is_modern() {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": self.version.as_str(),
                "io.modelcontextprotocol/clientCapabilities": self.capabilities,
            });
        }
        let id = self.last_id;
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Runs whatever there is to be run, in place.
    pub(super) fn settle(&mut self) {
        loop {
            while let Some(event) = self.conn.poll_event() {
                let call = match event {
                    Event::Call(call) => call,
                    Event::Fault(fault) => {
                        self.faults.push(fault);
                        continue;
                    }
                    _ => continue,
                };
                let cx = Cx::new(call.context, Arc::new(Deaf));
                match call.handler {
                    Handler::Async(run) => self.futures.push((call.ticket, run(call.work, cx))),
                    Handler::Sync(run) | Handler::Quick(run) => {
                        let outcome = run(call.work, cx);
                        let _ = self.conn.finish(call.ticket, outcome, self.now);
                    }
                }
            }
            let mut context = Context::from_waker(Waker::noop());
            let mut busy = false;
            for (ticket, mut future) in core::mem::take(&mut self.futures) {
                match future.as_mut().poll(&mut context) {
                    Poll::Ready(outcome) => {
                        busy = true;
                        let _ = self.conn.finish(ticket, outcome, self.now);
                    }
                    Poll::Pending => self.futures.push((ticket, future)),
                }
            }
            let mut out = Vec::new();
            while self.conn.poll_transmit(&mut out) {}
            let text = String::from_utf8(out).unwrap();
            self.said.extend(
                text.lines()
                    .map(|line| serde_json::from_str::<Value>(line).unwrap()),
            );
            if !busy && text.is_empty() {
                return;
            }
        }
    }

    /// The answer to a request, if it is there.
    pub(super) fn take(&mut self, id: u64) -> Option<Value> {
        let is_it = |message: &Value| message["id"] == id && message.get("method").is_none();
        let at = self.said.iter().position(is_it)?;
        self.said.remove(at)
    }

    /// The server's requests that are not answered yet.
    pub(super) fn asked(&mut self) -> Vec<Value> {
        let is_one =
            |message: &Value| message.get("method").is_some() && message.get("id").is_some();
        let (asked, rest) = core::mem::take(&mut self.said)
            .into_iter()
            .partition(is_one);
        self.said = rest;
        asked.into()
    }

    /// Makes a call, and answers until it has its response.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "written with `json!` where it is called"
    )]
    pub(super) fn call(
        &mut self,
        method: &str,
        params: Value,
        mut answer: impl FnMut(&str, &Value) -> Answer,
    ) -> Value {
        let mut id = self.send(method, params.clone());
        for _ in 0..20 {
            if self.is_modern() {
                let response = self.take(id).expect("each request is answered at once");
                let result = &response["result"];
                if result["resultType"] != "input_required" {
                    return response;
                }
                let retry = self.retry(&params, result, &mut answer);
                id = self.send(method, retry);
                continue;
            }
            if let Some(response) = self.take(id) {
                return response;
            }
            let asked = self.asked();
            let round = asked.iter().map(|ask| {
                (
                    ask["method"].as_str().unwrap().to_string(),
                    ask["params"].clone(),
                )
            });
            self.rounds.push(round.collect());
            for ask in asked {
                let mut told = json!({"jsonrpc": "2.0", "id": ask["id"]});
                match answer(ask["method"].as_str().unwrap(), &ask["params"]) {
                    Some(Ok(result)) => told["result"] = result,
                    Some(Err(error)) => told["error"] = error,
                    None => continue,
                }
                self.say(&told);
            }
        }
        panic!("asked for ever");
    }

    /// The params of the request that goes on with a call.
    pub(super) fn retry(
        &mut self,
        params: &Value,
        result: &Value,
        mut answer: impl FnMut(&str, &Value) -> Answer,
    ) -> Value {
        let mut retry = params.clone();
        let mut round = Vec::new();
        let mut responses = json!({});
        for (key, ask) in result["inputRequests"].as_object().into_iter().flatten() {
            let method = ask["method"].as_str().unwrap();
            let asked = ask.get("params").cloned().unwrap_or_else(|| json!({}));
            if let Some(Ok(result)) = answer(method, &asked) {
                responses[key] = result;
            }
            round.push((method.to_string(), asked));
        }
        self.rounds.push(round);
        retry["inputResponses"] = responses;
        retry["requestState"] = result["requestState"].clone();
        retry
    }

    pub(super) fn tool(
        &mut self,
        name: &str,
        arguments: &Value,
        answer: impl FnMut(&str, &Value) -> Answer,
    ) -> Value {
        self.call(
            "tools/call",
            json!({"name": name, "arguments": arguments}),
            answer,
        )
    }
}

/// The text of a tool's result.
#[track_caller]
pub(super) fn text(response: &Value) -> String {
    let text = response["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("{response}")).to_string()
}

/// Answers as a person does who is called Ada and agrees with everything, a model that says hi, and
/// a program at `/w`.
pub(super) fn kind(method: &str, params: &Value) -> Answer {
    Some(Ok(match method {
        "elicitation/create" if params["mode"] == "url" => json!({"action": "accept"}),
        "elicitation/create" => {
            let mut content = json!({});
            for (name, field) in params["requestedSchema"]["properties"].as_object().unwrap() {
                content[name] = match field["type"].as_str().unwrap() {
                    "string" => "Ada".into(),
                    "boolean" => true.into(),
                    _ => 7.into(),
                };
            }
            json!({"action": "accept", "content": content})
        }
        "sampling/createMessage" => json!({
            "role": "assistant", "model": "m", "content": {"type": "text", "text": "hi"},
        }),
        _ => json!({"roots": [{"uri": "file:///w"}]}),
    }))
}

pub(super) fn boxed<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> BoxFuture<T> {
    Box::pin(future)
}
