//! A client that holds tasks, as messages are written: what it was told of each, and what it may be
//! told next.

use std::collections::BTreeMap;

use mcp_client_core::InputAnswer;
use mcp_proto::{json::Json, rpc::codes, types::InputRequest};
use serde_json::{Value, json};

use crate::{
    asks::{self, Notebook},
    scenario::Pick,
};

const TASKS: &str = "io.modelcontextprotocol/tasks";

/// A client of one of the two revisions that know tasks.
#[derive(Debug)]
pub(crate) struct Holder {
    /// Of 2026-07-28, or else of 2025-11-25.
    modern: bool,
    ids: u64,
    said: Vec<String>,
    requests: BTreeMap<u64, Request>,
    /// What the server asks by requests of its own.
    asked: Vec<(Value, InputRequest, Option<String>)>,
    pub(crate) tasks: Vec<Task>,
    epoch: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Request {
    Open,
    Begin {
        number: u32,
        sent_ms: u64,
        ttl_ms: u64,
    },
    Get(usize),
    Update(usize),
    Cancel(usize),
    Result(usize),
    Listen,
    List,
    /// Of what does not exist.
    Nothing,
}

/// A task, as its client knows it.
#[derive(Debug)]
pub(crate) struct Task {
    id: String,
    pub(crate) number: u32,
    /// Until then it must be found.
    kept_until_ms: u64,
    /// The process that was last known to be at work on it.
    epoch: u32,
    status: String,
    /// How it has ended, which never changes.
    end: Option<String>,
    outcome: Option<Value>,
    /// It has ended, one way or another.
    pub(crate) over: bool,
    gone: bool,
    questions: Vec<(String, InputRequest)>,
}

fn is_end(status: &str) -> bool {
    matches!(status, "completed" | "failed" | "cancelled")
}

fn request_of(question: &Value) -> InputRequest {
    serde_json::from_value(question.clone()).unwrap_or_else(|error| panic!("{error}: {question}"))
}

fn text_of(result: &Value) -> Option<&str> {
    result["content"][0]["text"].as_str()
}

impl Task {
    /// The server tells this of it.
    fn seen(&mut self, told: &Value, epoch: u32) {
        let status = told["status"]
            .as_str()
            .expect("a task has a status")
            .to_owned();
        if let Some(end) = &self.end {
            assert_eq!(*end, status, "T2: it has ended: {told}");
        }
        assert!(
            !self.over || is_end(&status),
            "T4: it was cancelled: {told}"
        );
        let lost = status == "working" && self.epoch < epoch;
        assert!(!lost, "T5: nobody is at work on it: {told}");
        if is_end(&status) {
            self.end = Some(status.clone());
            self.over = true;
        }
        if let Some(outcome) = told.get("result").or_else(|| told.get("error")) {
            self.outcome(outcome);
        }
        let questions = told.get("inputRequests").and_then(Value::as_object);
        let questions = questions.into_iter().flatten();
        self.questions = questions
            .map(|(key, question)| (key.clone(), request_of(question)))
            .collect();
        self.status = status;
    }

    /// What its call has come to.
    fn outcome(&mut self, outcome: &Value) {
        let mut outcome = outcome.clone();
        if let Some(members) = outcome.as_object_mut() {
            // Each way of telling has its own.
            members.remove("_meta");
            members.remove("resultType");
        }
        if let (Some(text), None) = (text_of(&outcome), outcome.get("isError")) {
            let own = text.split(' ').next() == Some(&*self.number.to_string());
            assert!(own, "T3: task {} has come to {text}", self.number);
        }
        if let Some(before) = &self.outcome {
            assert_eq!(
                *before, outcome,
                "T2: another outcome of task {}",
                self.number
            );
        }
        self.outcome = Some(outcome);
    }
}

impl Holder {
    pub(crate) fn new(modern: bool) -> Self {
        Self {
            modern,
            ids: 0,
            said: Vec::new(),
            requests: BTreeMap::new(),
            asked: Vec::new(),
            tasks: Vec::new(),
            epoch: 0,
        }
    }

    /// Begins a conversation.
    pub(crate) fn open(&mut self) {
        if self.modern {
            return;
        }
        let capabilities =
            json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}});
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": capabilities,
            "clientInfo": {"name": "holder", "version": "1"},
        });
        self.send("initialize", params, Request::Open);
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.said.push(ready.to_string());
    }

    /// The server is gone, and everything that was asked of it.
    pub(crate) fn forget_requests(&mut self) {
        self.epoch += 1;
        self.said.clear();
        self.requests.clear();
        self.asked.clear();
    }

    pub(crate) fn take_said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    fn send(&mut self, method: &str, mut params: Value, request: Request) {
        self.ids += 1;
        if self.modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {
                    "extensions": {TASKS: {}}, "elicitation": {"form": {}, "url": {}},
                    "sampling": {}, "roots": {},
                },
            });
        }
        let id = self.ids;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.said.push(message.to_string());
        self.requests.insert(id, request);
    }

    // ── What it does ─────────────────────────────────────────────────────────────────────────

    pub(crate) fn begin(&mut self, what: Pick, number: u32, ttl_ms: Option<u64>, now_ms: u64) {
        let name = ["work", "job"][usize::from(what.0 % 2)];
        let mut params = json!({"name": name, "arguments": {"n": number, "s": what.0 / 2}});
        // What a world's limits say.
        let mut keeps = 60_000;
        if !self.modern {
            params["task"] = match ttl_ms {
                Some(ttl) => json!({"ttl": ttl}),
                None => json!({}),
            };
            keeps = ttl_ms.unwrap_or(keeps);
        }
        let request = Request::Begin {
            number,
            sent_ms: now_ms,
            ttl_ms: keeps,
        };
        self.send("tools/call", params, request);
    }

    pub(crate) fn look(&mut self, task: usize, how: Pick, notebook: &Notebook) {
        let id = self.tasks[task].id.clone();
        let about = json!({"taskId": id});
        match (how.0 % 8, self.modern) {
            (2, true) => self.update(task, how, how.0 / 8 % 2 == 0, notebook),
            (2, false) => self.reply(Pick(how.0 / 8), notebook),
            (3, _) => self.send("tasks/cancel", about, Request::Cancel(task)),
            (4, true) => {
                let params = json!({"notifications": {"taskIds": [id]}});
                self.send("subscriptions/listen", params, Request::Listen);
            }
            (4, false) => self.send("tasks/result", about, Request::Result(task)),
            (5, false) => self.send("tasks/list", json!({}), Request::List),
            (6, _) => {
                let about = json!({"taskId": format!("{}0", &id[1..])});
                let methods = ["tasks/get", "tasks/cancel"];
                self.send(methods[usize::from(how.0 / 8) % 2], about, Request::Nothing);
            }
            _ => self.get(task),
        }
    }

    /// Answers a task's questions, all of them or one.
    fn update(&mut self, task: usize, how: Pick, all: bool, notebook: &Notebook) {
        let questions = std::mem::take(&mut self.tasks[task].questions);
        let mut answers = serde_json::Map::new();
        let count = if all { questions.len() } else { 1 };
        for (key, question) in questions.iter().take(count) {
            let reply = asks::reply(question, how);
            if let Ok(answer) = reply.answer {
                notebook.give(reply.given);
                answers.insert(key.clone(), json_of(&answer));
            }
        }
        if !answers.is_empty() {
            // Whoever listens may be told that it goes on before this is answered.
            self.tasks[task].epoch = self.epoch;
        }
        let id = self.tasks[task].id.clone();
        let params = json!({"taskId": id, "inputResponses": answers});
        self.send("tasks/update", params, Request::Update(task));
    }

    /// Answers a question that the server has asked by a request of its own.
    fn reply(&mut self, how: Pick, notebook: &Notebook) {
        let Some((id, question, task)) = self.asked.pop() else {
            return;
        };
        let reply = asks::reply(&question, how);
        let mut answer = json!({"jsonrpc": "2.0", "id": id});
        match reply.answer {
            Ok(result) => {
                notebook.give(reply.given);
                answer["result"] = json_of(&result);
            }
            Err(error) => answer["error"] = json!({"code": error.code, "message": error.message}),
        }
        self.said.push(answer.to_string());
        let epoch = self.epoch;
        let mut tasks = self.tasks.iter_mut();
        if let Some(task) = tasks.find(|known| Some(&known.id) == task.as_ref()) {
            task.epoch = epoch;
        }
    }

    /// Asks how far a task is.
    pub(crate) fn get(&mut self, task: usize) {
        let about = json!({"taskId": self.tasks[task].id});
        self.send("tasks/get", about, Request::Get(task));
    }

    /// Answers everything that is asked on behalf of a task, and by requests. Tells whether there
    /// was anything to answer.
    pub(crate) fn answer_all(&mut self, task: usize, notebook: &Notebook) -> bool {
        let mut moved = false;
        while let Some((_, question, _)) = self.asked.last() {
            let how = asks::settled_how(question);
            self.reply(how, notebook);
            moved = true;
        }
        let known = &self.tasks[task];
        if known.status != "input_required" || known.over || known.gone {
            return moved;
        }
        if self.modern && !known.questions.is_empty() {
            let how = asks::settled_how(&known.questions[0].1);
            self.update(task, how, true, notebook);
            moved = true;
        } else if !self.modern && !self.waits_for(task) {
            let about = json!({"taskId": known.id});
            self.send("tasks/result", about, Request::Result(task));
            moved = true;
        }
        moved
    }

    fn waits_for(&self, task: usize) -> bool {
        let mut requests = self.requests.values();
        requests.any(|request| matches!(request, Request::Result(of) if *of == task))
    }

    // ── What it is told ──────────────────────────────────────────────────────────────────────

    pub(crate) fn hear(&mut self, line: &str, now_ms: u64) {
        let message: Value = serde_json::from_str(line).expect("a message is JSON");
        let Some(method) = message["method"].as_str() else {
            return self.answered(&message, now_ms);
        };
        let params = &message["params"];
        if message.get("id").is_some() {
            assert!(!self.modern, "S5: asked by a request: {line}");
            let question = request_of(&json!({"method": method, "params": params}));
            let task = params["_meta"]["io.modelcontextprotocol/related-task"]["taskId"].as_str();
            let task = task.map(str::to_owned);
            self.asked.push((message["id"].clone(), question, task));
        } else if method == "notifications/cancelled" {
            let id = &params["requestId"];
            self.asked.retain(|(asked, ..)| asked != id);
        } else if matches!(method, "notifications/tasks" | "notifications/tasks/status") {
            let epoch = self.epoch;
            let id = params["taskId"].as_str();
            let mut tasks = self.tasks.iter_mut();
            if let Some(task) = tasks.find(|task| Some(&*task.id) == id) {
                // Changes are told after answers: what has ended by then may have been told so.
                let status = params["status"].as_str().unwrap_or_default();
                if !task.over || is_end(status) {
                    task.seen(params, epoch);
                }
            }
        }
    }

    fn answered(&mut self, message: &Value, now_ms: u64) {
        let id = message["id"].as_u64().unwrap_or_default();
        let request = self.requests.remove(&id);
        let request = request.unwrap_or_else(|| panic!("S1: nobody has asked: {message}"));
        let code = message["error"]["code"].as_i64();
        let is = |expected: i32| code == Some(i64::from(expected));
        let result = &message["result"];
        let text = message["error"]["message"].as_str().unwrap_or_default();
        // It took too long, or there was no room for it.
        if text.contains("without progress") || is(codes::BUSY) {
            return;
        }
        match request {
            Request::Open | Request::List | Request::Listen => {
                assert!(code.is_none(), "{request:?}: {message}");
            }
            Request::Nothing => assert!(is(codes::INVALID_PARAMS), "T1: a foreign task: {message}"),
            Request::Begin {
                number,
                sent_ms,
                ttl_ms,
            } => {
                assert!(code.is_none(), "{request:?}: {message}");
                self.begun(result, number, sent_ms + ttl_ms);
            }
            Request::Get(task) | Request::Update(task) | Request::Cancel(task)
                if is(codes::INVALID_PARAMS) =>
            {
                self.missing(task, &request, message, now_ms);
            }
            Request::Get(task) if code.is_none() => {
                assert!(!self.tasks[task].gone, "T1: it was gone: {message}");
                self.tasks[task].seen(result, self.epoch);
            }
            Request::Update(task) if code.is_none() => self.tasks[task].epoch = self.epoch,
            Request::Cancel(task) if code.is_none() => {
                self.tasks[task].over = true;
                if !self.modern {
                    self.tasks[task].seen(result, self.epoch);
                }
            }
            Request::Result(task) if code.is_none() => {
                self.tasks[task].over = true;
                self.tasks[task].outcome(result);
            }
            // They have waited too long.
            Request::Get(_) | Request::Update(_) | Request::Cancel(_) | Request::Result(_) => {}
        }
    }

    fn begun(&mut self, result: &Value, number: u32, kept_until_ms: u64) {
        let told = match self.modern {
            true => result,
            false => &result["task"],
        };
        let id = told["taskId"]
            .as_str()
            .expect("a task has an id")
            .to_owned();
        let known = self.tasks.iter().any(|task| task.id == id);
        assert!(!known, "T1: another task of the same id: {result}");
        let mut task = Task {
            id,
            number,
            kept_until_ms,
            epoch: self.epoch,
            status: String::new(),
            end: None,
            outcome: None,
            over: false,
            gone: false,
            questions: Vec::new(),
        };
        task.seen(told, self.epoch);
        self.tasks.push(task);
    }

    /// The server does not know it, or cannot do this with it any more.
    fn missing(&mut self, task: usize, request: &Request, message: &Value, now_ms: u64) {
        let known = &mut self.tasks[task];
        let text = message["error"]["message"].as_str().unwrap_or_default();
        if matches!(request, Request::Cancel(_)) && text.contains("already") {
            known.over = true;
            return;
        }
        let kept = now_ms < known.kept_until_ms;
        assert!(
            !kept,
            "T1: it must be kept still: {} {message}",
            known.number
        );
        known.gone = true;
    }

    // ── The end ──────────────────────────────────────────────────────────────────────────────

    /// What it waits for, but for what it listens to.
    pub(crate) fn open_requests(&self) -> Vec<&Request> {
        let open = self.requests.values();
        open.filter(|request| !matches!(request, Request::Listen))
            .collect()
    }

    /// Every task has ended, or its time is over.
    pub(crate) fn check_ends(&self, now_ms: u64) {
        for task in &self.tasks {
            let over = task.end.is_some() || now_ms >= task.kept_until_ms;
            assert!(over, "L1: a task does not end: {task:?}");
        }
    }
}

fn json_of(answer: &InputAnswer) -> Value {
    let json = match answer {
        InputAnswer::Elicit(result) => Json::new(result),
        InputAnswer::CreateMessage(result) => Json::new(result),
        InputAnswer::ListRoots(result) => Json::new(result),
        other => panic!("{other:?}"),
    };
    let json = json.expect("it is JSON");
    serde_json::from_str(json.as_str()).expect("it is JSON")
}
