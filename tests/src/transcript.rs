//! Recordings of `tests/peers/tee.py` and `http_tee.py`, and what must hold in every one of them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::schema::{Schemas, Strictness};

const NEWEST: &str = "2026-07-28";
const NEWEST_HANDSHAKE: &str = "2025-11-25";
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
/// How long a server may take to exit after its input ended; the official clients kill it after 2 s.
const EXIT_SECONDS: f64 = 1.5;

/// One end of the pipe.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What a recording shows.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Verdict {
    /// How many messages our side sent.
    pub messages: usize,
    /// What is wrong with our side.
    pub problems: Vec<String>,
    /// What is wrong with the peer's messages; no fault of ours, but worth a look.
    pub peer_faults: Vec<String>,
}

/// Reads a recording and judges it with `ours` as the side that this project wrote.
///
/// Our messages may hold nothing that their revision does not define; every request to us has exactly
/// one answer, none once it was cancelled; a server exits promptly and with success when its input
/// ends. Without `schemas` only the latter is judged.
///
/// # Panics
/// When the file is not a recording.
#[must_use]
pub fn judge(recording: &Path, schemas: Option<&Schemas>, ours: Side) -> Verdict {
    let text = std::fs::read_to_string(recording)
        .unwrap_or_else(|error| panic!("{}: {error}", recording.display()));
    judge_text(&text, schemas, ours)
}

fn judge_text(text: &str, schemas: Option<&Schemas>, ours: Side) -> Verdict {
    let mut runs: BTreeMap<u64, Run<'_>> = BTreeMap::new();
    let mut verdict = Verdict::default();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).expect("a recording is JSON lines");
        let number = record["run"].as_u64().expect("a record has its run");
        let run = runs
            .entry(number)
            .or_insert_with(|| Run::new(schemas, ours));
        run.record(&record, &mut verdict);
    }
    if runs.is_empty() {
        verdict.problems.push("nothing was recorded".to_owned());
    }
    verdict
}

/// A request that waits for its answer.
#[derive(Debug)]
struct Open {
    method: String,
    version: String,
    cancelled: bool,
    /// Its progress token, and the last progress told with it.
    progress: Option<(Value, f64)>,
}

/// One process's life.
#[derive(Debug)]
struct Run<'a> {
    schemas: Option<&'a Schemas>,
    ours: Side,
    negotiated: Option<String>,
    to_server: BTreeMap<String, Open>,
    to_client: BTreeMap<String, Open>,
}

impl<'a> Run<'a> {
    fn new(schemas: Option<&'a Schemas>, ours: Side) -> Self {
        Self {
            schemas,
            ours,
            negotiated: None,
            to_server: BTreeMap::new(),
            to_client: BTreeMap::new(),
        }
    }

    fn record(&mut self, record: &Value, verdict: &mut Verdict) {
        let from = match record["from"].as_str() {
            Some("client") => Side::Client,
            Some("server") => Side::Server,
            Some("gone") => return self.gone(&record["id"]),
            _ => return self.end(record, verdict),
        };
        if record.get("http").is_some() {
            return;
        }
        if from == self.ours {
            verdict.messages += 1;
        }
        let text = record["text"].as_str().expect("a record has its text");
        let mut problems = Vec::new();
        if record.get("partial").is_some() {
            problems.push("no newline at the end".to_owned());
        }
        match serde_json::from_str(text) {
            Ok(Value::Array(batch)) => {
                for message in &batch {
                    self.message(from, message, &mut problems);
                }
            }
            Ok(message) => self.message(from, &message, &mut problems),
            Err(error) => problems.push(format!("not JSON: {error}")),
        }
        let list = if from == self.ours {
            &mut verdict.problems
        } else {
            &mut verdict.peer_faults
        };
        let shown: String = text.chars().take(400).collect();
        list.extend(
            problems
                .into_iter()
                .map(|problem| format!("{problem}\n  in {shown}")),
        );
    }

    fn message(&mut self, from: Side, message: &Value, problems: &mut Vec<String>) {
        let checked = if message.get("method").is_some() {
            self.call(from, message)
        } else {
            self.answer(from, message)
        };
        problems.extend(checked.err());
    }

    fn call(&mut self, from: Side, message: &Value) -> Result<(), String> {
        let version = self.version_of(message);
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        if method == "notifications/cancelled" {
            let id = message["params"]["requestId"].to_string();
            if let Some(open) = self.open(from).get_mut(&id) {
                open.cancelled = true;
            }
        }
        if method == "notifications/progress" {
            self.progress(from, &message["params"])?;
        }
        if let Some(id) = message.get("id") {
            let open = Open {
                method,
                version: version.clone(),
                cancelled: false,
                progress: message["params"]["_meta"]
                    .get("progressToken")
                    .map(|token| (token.clone(), f64::NEG_INFINITY)),
            };
            if self.open(from).insert(id.to_string(), open).is_some() {
                return Err("the id is still in use".to_owned());
            }
        }
        let Some(revision) = self.schemas.and_then(|all| all.revision(&version)) else {
            return Ok(());
        };
        revision.check_call(message, self.strictness(from))
    }

    /// Progress is told for a request that waits, and grows (2025-11-25, basic/utilities/progress).
    fn progress(&mut self, from: Side, params: &Value) -> Result<(), String> {
        let token = &params["progressToken"];
        let progress = params["progress"].as_f64().ok_or("no progress")?;
        let open = self.open(from.other()).values_mut();
        let mut known = open.filter_map(|open| open.progress.as_mut());
        let Some((_, last)) = known.find(|(known, _)| known == token) else {
            return Err("progress for no open request".to_owned());
        };
        if progress <= *last {
            return Err(format!("progress does not grow: {last} before"));
        }
        *last = progress;
        Ok(())
    }

    fn answer(&mut self, from: Side, message: &Value) -> Result<(), String> {
        let asker = from.other();
        let id = &message["id"];
        if id.is_null() && message["error"]["code"] == -32700 {
            return Ok(()); // a parse error has no id to give back
        }
        let Some(open) = self.open(asker).remove(&id.to_string()) else {
            return Err("an answer to no open request".to_owned());
        };
        if open.cancelled && open.method != "subscriptions/listen" {
            return Err(format!("an answer to a cancelled {}", open.method));
        }
        let mut version = open.version;
        if open.method == "initialize" && message.get("result").is_some() {
            let negotiated = message["result"]["protocolVersion"].as_str();
            negotiated
                .unwrap_or(NEWEST_HANDSHAKE)
                .clone_into(&mut version);
            self.negotiated = Some(version.clone());
        }
        let Some(revision) = self.schemas.and_then(|all| all.revision(&version)) else {
            return Ok(());
        };
        revision.check_answer(&open.method, message, self.strictness(from))
    }

    /// The client hung up on a request, which over HTTP takes it back (2026-07-28) or leaves the answer
    /// to a later stream (before).
    fn gone(&mut self, id: &Value) {
        if let Some(open) = self.to_server.get_mut(&id.to_string()) {
            open.cancelled = true;
        }
    }

    fn end(&mut self, record: &Value, verdict: &mut Verdict) {
        if self.ours != Side::Server {
            return;
        }
        for open in self.to_server.values() {
            if !open.cancelled && open.method != "subscriptions/listen" {
                let problem = format!("a request was never answered: {}", open.method);
                verdict.problems.push(problem);
            }
        }
        if let Some(seconds) = record["seconds"].as_f64() {
            // An impatient client may send SIGTERM at once; any other end but success is a crash.
            let ended = [0, -15].map(Some).contains(&record["code"].as_i64());
            if !ended || seconds > EXIT_SECONDS {
                verdict
                    .problems
                    .push(format!("the end of its input: {record}"));
            }
        }
    }

    /// The requests of one side that are open.
    fn open(&mut self, asker: Side) -> &mut BTreeMap<String, Open> {
        match asker {
            Side::Client => &mut self.to_server,
            Side::Server => &mut self.to_client,
        }
    }

    fn version_of(&self, message: &Value) -> String {
        let params = &message["params"];
        let own = match message["method"].as_str() {
            Some("initialize") => Some(
                params["protocolVersion"]
                    .as_str()
                    .unwrap_or(NEWEST_HANDSHAKE),
            ),
            _ => params["_meta"][VERSION_KEY].as_str(),
        };
        // Only the requests of 2026-07-28 say their revision; a notification without one belongs to
        // whatever was negotiated, and without a handshake to the newest.
        own.or(self.negotiated.as_deref())
            .unwrap_or(NEWEST)
            .to_owned()
    }

    fn strictness(&self, from: Side) -> Strictness {
        if from == self.ours {
            Strictness::Closed
        } else {
            Strictness::Published
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdict(lines: &[(&str, Value)], code: i32, seconds: f64) -> Vec<String> {
        let mut text = String::new();
        for (from, message) in lines {
            let record = json!({"run": 1, "from": from, "text": message.to_string()});
            text += &format!("{record}\n");
        }
        text += &json!({"run": 1, "from": "end", "code": code, "seconds": seconds}).to_string();
        judge_text(&text, Schemas::load().as_ref(), Side::Server).problems
    }

    fn request(id: u32) -> (&'static str, Value) {
        let message = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "x",
            "_meta": {VERSION_KEY: NEWEST, "io.modelcontextprotocol/clientCapabilities": {}}}});
        ("client", message)
    }

    fn progress(token: &str, progress: f64) -> (&'static str, Value) {
        let params = json!({"progressToken": token, "progress": progress});
        (
            "server",
            json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}),
        )
    }

    fn answer(id: u32) -> (&'static str, Value) {
        let result = json!({"content": [], "resultType": "complete"});
        (
            "server",
            json!({"jsonrpc": "2.0", "id": id, "result": result}),
        )
    }

    fn cancelled(id: u32) -> (&'static str, Value) {
        let params = json!({"requestId": id, "_meta": {VERSION_KEY: NEWEST}});
        (
            "client",
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}),
        )
    }

    #[test]
    fn every_request_needs_exactly_one_answer() {
        assert_eq!(
            verdict(&[request(1), answer(1)], 0, 0.1),
            Vec::<String>::new()
        );
        assert!(verdict(&[request(1)], 0, 0.1)[0].contains("never answered"));
        assert!(
            verdict(&[request(1), answer(1), answer(1)], 0, 0.1)[0].contains("no open request")
        );
        assert!(
            verdict(&[request(1), answer(2), answer(1)], 0, 0.1)[0].contains("no open request")
        );
    }

    #[test]
    fn a_cancelled_request_must_stay_unanswered() {
        assert_eq!(
            verdict(&[request(1), cancelled(1)], 0, 0.1),
            Vec::<String>::new()
        );
        let answered = verdict(&[request(1), cancelled(1), answer(1)], 0, 0.1);
        assert!(answered[0].contains("cancelled"), "{answered:?}");
    }

    #[test]
    fn progress_must_grow_while_the_request_is_open() {
        let (from, mut asked) = request(1);
        asked["params"]["_meta"]["progressToken"] = json!("t");
        let asked = || (from, asked.clone());
        let found = |lines: &[(&str, Value)]| verdict(lines, 0, 0.1);
        let good = [asked(), progress("t", 0.0), progress("t", 1.5), answer(1)];
        assert_eq!(found(&good), Vec::<String>::new());
        let late = [asked(), answer(1), progress("t", 1.0)];
        assert!(found(&late)[0].contains("no open request"));
        let stuck = [asked(), progress("t", 1.0), progress("t", 1.0), answer(1)];
        assert!(found(&stuck)[0].contains("does not grow"));
    }

    #[test]
    fn an_exit_must_be_prompt_and_clean() {
        assert!(verdict(&[request(1), answer(1)], 1, 0.1)[0].contains("end of its input"));
        assert!(verdict(&[request(1), answer(1)], -11, 0.1)[0].contains("end of its input"));
        assert!(verdict(&[request(1), answer(1)], -15, 0.1).is_empty());
        assert!(verdict(&[request(1), answer(1)], 0, 3.0)[0].contains("end of its input"));
    }

    #[test]
    fn the_negotiated_revision_judges_what_follows() {
        if Schemas::load().is_none() {
            let _ = crate::peers::skip("no folder of schemas");
            return;
        }
        let info = json!({"name": "x", "version": "1"});
        let begin =
            json!({"protocolVersion": NEWEST_HANDSHAKE, "capabilities": {}, "clientInfo": info});
        let begun =
            json!({"protocolVersion": "2024-11-05", "capabilities": {}, "serverInfo": info});
        let call = |method: &str, params: &Value| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let lines = |tool: Value| {
            verdict(
                &[
                    ("client", call("initialize", &begin)),
                    (
                        "server",
                        json!({"jsonrpc": "2.0", "id": 1, "result": begun}),
                    ),
                    ("client", call("tools/list", &json!({}))),
                    (
                        "server",
                        json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool]}}),
                    ),
                ],
                0,
                0.1,
            )
        };
        let schema = json!({"type": "object"});
        assert_eq!(
            lines(json!({"name": "x", "inputSchema": schema})),
            Vec::<String>::new()
        );
        assert!(
            lines(json!({"name": "x", "title": "X", "inputSchema": schema}))[0].contains("title")
        );
    }

    #[test]
    fn what_is_no_message_is_a_problem() {
        let text = |line: &str, partial| {
            let mut record = json!({"run": 1, "from": "server", "text": line});
            if partial {
                record["partial"] = json!(true);
            }
            judge_text(&record.to_string(), None, Side::Server).problems
        };
        assert!(text("hello", false)[0].contains("not JSON"));
        assert!(text("{\"jsonrpc\":\"2.0\",\"method\":\"x\"}", true)[0].contains("no newline"));
        assert!(judge_text("", None, Side::Server).problems[0].contains("nothing was recorded"));
    }
}
