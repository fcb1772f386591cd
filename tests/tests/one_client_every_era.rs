//! A program that uses a client cannot tell which revision the server speaks: the same handlers are
//! asked the same things and the same results come back, from servers of every revision.

use std::sync::mpsc::{self, Receiver, Sender};

use mcp_client_core::{
    Caller, ClientBuilder, Desk, EraMode, Options, Reply, Subscription, ToolOutput, command,
};
use mcp_proto::{
    json::Json,
    time::Instant,
    types::{
        CreateMessageResult, ElicitFormParams, ElicitResult, LoggingLevel, Root, SamplingContent,
    },
    version::ProtocolVersion,
};
use serde_json::{Value, json};

/// What the user's code has seen, in order.
type Seen = Sender<String>;

fn client(seen: &Seen) -> ClientBuilder {
    let [elicited, sampled, logged, changed] = [(); 4].map(|()| seen.clone());
    ClientBuilder::new("c", "1")
        .on_elicit(move |form: ElicitFormParams| {
            elicited.send(format!("elicit {}", form.message)).unwrap();
            ElicitResult::accept(Json::new(&json!({"name": "Ada"})).unwrap())
        })
        .on_sample(move |request| {
            sampled
                .send(format!("sample {}", request.max_tokens))
                .unwrap();
            CreateMessageResult::new("model", SamplingContent::text("a poem"))
        })
        .roots([Root::new("file:///work")])
        .log_level(LoggingLevel::Info)
        .on_log(move |entry| {
            logged
                .send(format!("log {} {:?}", entry.level, entry.data))
                .unwrap();
        })
        .on_change(move |change| changed.send(format!("changed {change:?}")).unwrap())
}

/// A server of one revision, which greets whoever answers its questions.
struct Server {
    version: ProtocolVersion,
    /// The tool call that waits for answers of the handshake era.
    waiting: Option<Value>,
    answers: Vec<Value>,
    /// The stream that changes go to since 2026-07-28.
    listen: Option<Value>,
}

impl Server {
    fn is_modern(&self) -> bool {
        self.version == ProtocolVersion::V2026_07_28
    }

    fn react(&mut self, message: &Value) -> Vec<Value> {
        let (id, params) = (message["id"].clone(), &message["params"]);
        let result = match message["method"].as_str() {
            Some("server/discover") if self.is_modern() => json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities(),
                "ttlMs": 0, "cacheScope": "private",
            }),
            Some("initialize") if !self.is_modern() => json!({
                "protocolVersion": self.version.as_str(), "capabilities": capabilities(),
                "serverInfo": {"name": "s", "version": "1"},
            }),
            Some("logging/setLevel" | "resources/subscribe") if !self.is_modern() => json!({}),
            Some("subscriptions/listen") if self.is_modern() => {
                let granted = params["notifications"].clone();
                let ack = json!({"notifications": granted, "_meta": {"io.modelcontextprotocol/subscriptionId": id}});
                self.listen = Some(id);
                return vec![note("subscriptions/acknowledged", &ack)];
            }
            Some("tools/call") => return self.greet(id, params),
            Some(_) if id.is_null() => return Vec::new(),
            Some(_) => {
                return vec![
                    json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "?"}}),
                ];
            }
            None => return self.answered(message),
        };
        vec![json!({"jsonrpc": "2.0", "id": id, "result": result})]
    }

    fn greet(&mut self, id: Value, params: &Value) -> Vec<Value> {
        let token = params["_meta"]["progressToken"].clone();
        let progress = note(
            "progress",
            &json!({"progressToken": token, "progress": 1, "total": 2}),
        );
        let log = note("message", &json!({"level": "info", "data": "asking"}));
        if self.is_modern() {
            let answers = &params["inputResponses"];
            if answers.is_null() {
                let asked = json!({"resultType": "input_required", "requestState": "s1", "inputRequests": questions()});
                return vec![
                    progress,
                    log,
                    json!({"jsonrpc": "2.0", "id": id, "result": asked}),
                ];
            }
            assert_eq!(params["requestState"], "s1");
            let answers = [&answers["0"], &answers["1"], &answers["2"]];
            return vec![self.greeting(&id, answers)];
        }
        self.waiting = Some(id);
        let questions = questions();
        let ask = |key: &str| {
            let mut request = questions[key].clone();
            request["jsonrpc"] = "2.0".into();
            request["id"] = key.into();
            request
        };
        vec![progress, log, ask("0"), ask("1"), ask("2")]
    }

    /// An answer to a question of the handshake era.
    fn answered(&mut self, message: &Value) -> Vec<Value> {
        self.answers.push(message["result"].clone());
        if self.answers.len() < 3 {
            return Vec::new();
        }
        let id = self.waiting.take().expect("a call waits");
        let answers = std::mem::take(&mut self.answers);
        vec![self.greeting(&id, [&answers[0], &answers[1], &answers[2]])]
    }

    fn greeting(&self, id: &Value, [who, poem, roots]: [&Value; 3]) -> Value {
        let text = format!(
            "{} gets {} in {}",
            who["content"]["name"].as_str().unwrap(),
            poem["content"]["text"].as_str().unwrap(),
            roots["roots"][0]["uri"].as_str().unwrap()
        );
        // Where structured content has to be an object, the text is wrapped.
        let structured = if self.is_modern() {
            json!(text)
        } else {
            json!({"result": text})
        };
        let result =
            json!({"resultType": "complete", "content": [], "structuredContent": structured});
        json!({"jsonrpc": "2.0", "id": id, "result": result})
    }

    fn change(&self, method: &str, mut params: Value) -> Value {
        if let Some(id) = &self.listen {
            params["_meta"] = json!({"io.modelcontextprotocol/subscriptionId": id});
        }
        note(method, &params)
    }
}

fn capabilities() -> Value {
    json!({"tools": {"listChanged": true}, "prompts": {"listChanged": true},
        "resources": {"listChanged": true, "subscribe": true}, "logging": {}})
}

fn questions() -> Value {
    let schema =
        json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
    json!({
        "0": {"method": "elicitation/create", "params": {"message": "who?", "requestedSchema": schema}},
        "1": {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 7}},
        "2": {"method": "roots/list"},
    })
}

fn note(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "method": format!("notifications/{method}"), "params": params})
}

/// Moves messages until nothing happens any more; handlers run in place.
fn settle(desk: &mut Desk, server: &mut Server) {
    let now = Instant::ZERO;
    let mut out = Vec::new();
    loop {
        while let Some(task) = desk.poll_task(now) {
            task.run();
        }
        out.clear();
        if !desk.poll_transmit(&mut out) {
            return;
        }
        for answer in server.react(&serde_json::from_slice(&out).unwrap()) {
            desk.handle_bytes(format!("{answer}\n").as_bytes(), now);
        }
    }
}

fn call(caller: &Caller, seen: &Seen) -> Reply<ToolOutput> {
    let progressed = seen.clone();
    let options = Options::default().on_progress(move |progress| {
        progressed
            .send(format!(
                "progress {} of {:?}",
                progress.done, progress.total
            ))
            .unwrap();
    });
    caller
        .with(options)
        .submit(command::call_tool("greet", &()))
}

/// What a program sees of a server of that revision.
fn play(version: ProtocolVersion, mode: EraMode) -> Vec<String> {
    let (seen, transcript): (Seen, Receiver<String>) = mpsc::channel();
    let (mut desk, caller) = Desk::new(client(&seen).era(mode), || {}, Instant::ZERO);
    let mut server = Server {
        version,
        waiting: None,
        answers: Vec::new(),
        listen: None,
    };

    let ready = caller.ready();
    settle(&mut desk, &mut server);
    assert_eq!(ready.wait().unwrap().version, version);
    seen.send("ready".into()).unwrap();

    let reply = call(&caller, &seen);
    settle(&mut desk, &mut server);
    let greeting: String = reply.wait().unwrap().structured().unwrap();
    seen.send(greeting).unwrap();

    let subscribed = caller.submit(command::subscribe(Subscription::uri("a:b")));
    settle(&mut desk, &mut server);
    seen.send(format!(
        "granted {:?}",
        subscribed.wait().unwrap().granted.resource_subscriptions
    ))
    .unwrap();
    for (method, params) in [
        ("tools/list_changed", json!({})),
        ("resources/updated", json!({"uri": "a:b"})),
    ] {
        let change = server.change(method, params);
        desk.handle_bytes(format!("{change}\n").as_bytes(), Instant::ZERO);
    }
    settle(&mut desk, &mut server);
    transcript.try_iter().collect()
}

#[test]
fn handlers_and_callers_see_the_same_in_every_revision() {
    let expected = [
        "ready",
        "progress 1 of Some(2.0)",
        "log info \"asking\"",
        "elicit who?",
        "sample 7",
        "Ada gets a poem in file:///work",
        "granted [\"a:b\"]",
        "changed Tools",
        "changed Resource(\"a:b\")",
    ];
    // Elicitation, which the program uses, came with 2025-06-18.
    let versions = ProtocolVersion::ALL
        .into_iter()
        .filter(|version| *version >= ProtocolVersion::V2025_06_18);
    for version in versions {
        assert_eq!(play(version, EraMode::Auto), expected, "{version}");
        assert_eq!(
            play(version, EraMode::Cached(version)),
            expected,
            "{version}"
        );
    }
}
