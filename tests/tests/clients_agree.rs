//! The same calls on every binding's client say the same to a server, and end the same: answers,
//! errors, questions in between, cancellations, and the server's death.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

use mcp_client_core::{ClientBuilder, EraMode, Options};
use mcp_proto::{
    json::Json,
    types::{ElicitResult, Root},
    version::ProtocolVersion,
};
use mcp_tests::clients::{AnyClient, Kind};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Era {
    Handshake,
    Stateless,
}

// ── the server: it writes down what it hears ────────────────────────────────────────────────────

struct Script {
    era: Era,
    writer: UnixStream,
    heard: Sender<String>,
    // The id of the call that waits for the answer to a question.
    asking: Option<Value>,
}

/// Serves on a thread of its own until the client leaves, or it is asked to die.
fn serve(era: Era, socket: UnixStream) -> Receiver<String> {
    let (heard, told) = mpsc::channel();
    let reader = BufReader::new(socket.try_clone().expect("a descriptor"));
    let mut script = Script {
        era,
        writer: socket,
        heard,
        asking: None,
    };
    thread::spawn(move || {
        for line in reader.lines() {
            let Ok(line) = line else { return };
            if !script.hear(&line) {
                return;
            }
        }
        // The test may have ended.
        let _ = script.heard.send("the end".into());
    });
    told
}

impl Script {
    fn hear(&mut self, line: &str) -> bool {
        let message: Value = serde_json::from_str(line).expect("clients write JSON");
        let mut shown = message.clone();
        if let Some(meta) = shown
            .pointer_mut("/params/_meta")
            .and_then(Value::as_object_mut)
        {
            meta.retain(|key, _| !key.contains("/client") && !key.ends_with("/protocolVersion"));
            // Any unique value will do.
            meta.entry("progressToken")
                .and_modify(|token| *token = "token".into());
        }
        let _ = self.heard.send(shown.to_string());
        let id = message["id"].clone();
        match message["method"].as_str() {
            Some("server/discover") if self.era == Era::Stateless => self.answer(&id, json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
                "ttlMs": 0, "cacheScope": "private",
            })),
            Some("initialize") => self.answer(&id, json!({
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "script", "version": "1"},
            })),
            Some("tools/list") => {
                let page = if message["params"]["cursor"].is_null() { ("one", Some("more")) } else { ("two", None) };
                let mut result = json!({"tools": [{"name": page.0, "inputSchema": {"type": "object"}}]});
                if let Some(cursor) = page.1 {
                    result["nextCursor"] = cursor.into();
                }
                self.answer(&id, result);
            }
            Some("tools/call") => return self.call(&id, &message["params"]),
            Some(_) if !id.is_null() => self.send(&json!({
                "jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "method not found"},
            })),
            Some(_) => {}
            None => {
                let asking = self.asking.take().expect("only one question is asked");
                let said = message["result"]["content"].to_string();
                self.answer(&asking, json!({"content": [{"type": "text", "text": said}]}));
            }
        }
        true
    }

    fn call(&mut self, id: &Value, params: &Value) -> bool {
        match params["name"].as_str() {
            Some("echo") => {
                let text = params["arguments"]["text"].clone();
                self.answer(id, json!({"content": [{"type": "text", "text": text}]}));
            }
            Some("noted") => {
                for done in 1..=2 {
                    let token = &params["_meta"]["progressToken"];
                    self.send(&json!({
                        "jsonrpc": "2.0", "method": "notifications/progress",
                        "params": {"progressToken": token, "progress": done},
                    }));
                }
                self.answer(id, json!({"content": []}));
            }
            Some("broken") => self.send(&json!({
                "jsonrpc": "2.0", "id": id, "error": {"code": -32602, "message": "as asked"},
            })),
            Some("ask") => self.ask(id, params),
            Some("die") => return false,
            // Never answered.
            _ => {}
        }
        true
    }

    fn ask(&mut self, id: &Value, params: &Value) {
        let form = json!({
            "mode": "form", "message": "Who are you?",
            "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        });
        let answer = &params["inputResponses"]["who"];
        if self.era == Era::Handshake {
            self.asking = Some(id.clone());
            let request = json!({"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": form});
            self.send(&request);
        } else if answer.is_null() {
            let requests = json!({"who": {"method": "elicitation/create", "params": form}});
            let result = json!({"resultType": "input_required", "inputRequests": requests, "requestState": "s"});
            self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
        } else {
            let said = answer["content"].to_string();
            self.answer(id, json!({"content": [{"type": "text", "text": said}]}));
        }
    }

    fn answer(&mut self, id: &Value, mut result: Value) {
        if self.era == Era::Stateless {
            result["resultType"] = "complete".into();
        }
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }

    fn send(&mut self, message: &Value) {
        // The client may have gone.
        let _ = writeln!(self.writer, "{message}");
    }
}

// ── the client ──────────────────────────────────────────────────────────────────────────────────

fn builder(era: Era) -> ClientBuilder {
    ClientBuilder::new("agree", "1.0.0")
        .era(match era {
            Era::Handshake => EraMode::Handshake(ProtocolVersion::LATEST_HANDSHAKE),
            Era::Stateless => EraMode::default(),
        })
        .roots([Root::new("file:///tmp")])
        .on_elicit(|_| ElicitResult::accept(Json::parse(r#"{"name":"Ada"}"#).expect("it is JSON")))
}

struct Talk {
    client: Box<dyn AnyClient>,
    told: Receiver<String>,
    transcript: String,
}

impl Talk {
    fn new(kind: Kind, era: Era) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let told = serve(era, theirs);
        let client = kind
            .connect(builder(era), ours)
            .expect("the script answers");
        let mut talk = Self {
            client,
            told,
            transcript: String::new(),
        };
        // The probe or the handshake, whose last part nobody waits for.
        talk.heard(if era == Era::Handshake { 2 } else { 1 });
        talk
    }

    fn write(&mut self, mark: &str, what: &str) {
        self.transcript.push_str(&format!("{mark} {what}\n"));
    }

    /// Writes down so many messages that the server has heard.
    fn heard(&mut self, messages: usize) {
        for _ in 0..messages {
            let message = self
                .told
                .recv_timeout(Duration::from_secs(20))
                .expect("the server hears of it");
            self.write(">", &message);
        }
    }

    fn ended(&mut self, outcome: Result<Value, String>) {
        match outcome {
            Ok(value) => self.write("=", &value.to_string()),
            Err(error) => self.write("!", &error),
        }
    }
}

fn play(kind: Kind, era: Era) -> String {
    let mut talk = Talk::new(kind, era);
    let tools = talk.client.tools().map(Value::from);
    talk.heard(2);
    talk.ended(tools);
    for (tool, messages) in [("echo", 1), ("broken", 1), ("ask", 2)] {
        let outcome = talk
            .client
            .call(tool, &json!({"text": "hello"}), Options::default());
        talk.heard(messages);
        talk.ended(outcome);
    }
    let (sender, progress) = mpsc::channel();
    let options = Options::default()
        .on_progress(move |progress| sender.send(progress.done).expect("the test waits"));
    let noted = talk.client.call("noted", &json!({}), options);
    talk.heard(1);
    talk.write(
        "*",
        &format!("{:?}", progress.try_iter().collect::<Vec<_>>()),
    );
    talk.ended(noted);
    // Nobody waits any longer, and the server is told.
    let late = talk.client.call(
        "late",
        &json!({}),
        Options::default().timeout(Duration::from_millis(50)),
    );
    talk.heard(2);
    talk.ended(late);
    let given_up = talk
        .client
        .call_for(Duration::from_millis(50), "late", &json!({}));
    talk.heard(1);
    let cancelled = talk
        .told
        .recv_timeout(Duration::from_secs(20))
        .expect("the server hears of it");
    assert!(
        cancelled.contains("notifications/cancelled"),
        "{kind:?}: {cancelled}"
    );
    talk.ended(given_up.map(|output| output.unwrap_or_default()));
    let after = talk
        .client
        .call("echo", &json!({"text": "still here"}), Options::default());
    talk.heard(1);
    talk.ended(after);
    talk.client.close();
    // A thread that reads from a socket cannot be called back: the blocking client lets go of the
    // reader when that ends.
    if kind != Kind::Blocking {
        let end = talk.told.recv_timeout(Duration::from_secs(20));
        assert_eq!(end.as_deref(), Ok("the end"), "{kind:?}");
    }
    let closed = talk.client.call("echo", &json!({}), Options::default());
    talk.ended(closed);
    talk.transcript
}

fn agree(era: Era) -> String {
    let expected = play(Kind::Blocking, era);
    for kind in Kind::ALL {
        let actual = play(kind, era);
        assert!(
            actual == expected,
            "{kind:?} says otherwise:\n{actual}\nbut bind-blocking:\n{expected}"
        );
    }
    expected
}

#[test]
fn clients_say_the_same_after_a_handshake() {
    insta::assert_snapshot!("client-handshake", agree(Era::Handshake));
}

#[test]
fn clients_say_the_same_without_a_handshake() {
    insta::assert_snapshot!("client-stateless", agree(Era::Stateless));
}

#[test]
fn every_call_fails_at_once_when_the_server_dies() {
    for kind in Kind::ALL {
        let talk = Talk::new(kind, Era::Stateless);
        let client = &*talk.client;
        let started = Instant::now();
        let ends: Vec<String> = thread::scope(|scope| {
            let call =
                |tool: &'static str| move || client.call(tool, &json!({}), Options::default());
            let calls: Vec<_> = (0..5).map(|_| scope.spawn(call("late"))).collect();
            thread::sleep(Duration::from_millis(50));
            let killer = scope.spawn(call("die"));
            calls
                .into_iter()
                .chain([killer])
                .map(|call| call.join().expect("calls do not panic").expect_err("lost"))
                .collect()
        });
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{kind:?} took {:?}",
            started.elapsed()
        );
        let lost = "the call got no answer: the server closed the connection";
        assert_eq!(ends, [lost; 6], "{kind:?}");
    }
}
