//! A client of any revision by hand, over a pipe or over HTTP: it sends what it is told to, and writes
//! down what was said.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{BufRead, BufReader},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};

use mcp_proto::version::{Era, ProtocolVersion};
use mcp_server_core::Server;
use serde_json::{Value, json};
use ureq::Agent;

use crate::bindings::{Binding, Peer};

/// How long it waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client by hand.
#[derive(Debug)]
pub struct ByHand {
    line: Line,
    version: ProtocolVersion,
    capabilities: Value,
    waiting: VecDeque<(String, Value)>,
    said: String,
    // What is different each time, and what is written down in its place.
    hidden: Vec<(String, String)>,
    last_id: u64,
    last_aside: u64,
}

#[derive(Debug)]
enum Line {
    Pipe(Peer),
    Http(Http),
}

impl ByHand {
    /// A client on a pipe.
    #[must_use]
    pub fn on_pipe(
        binding: Binding,
        server: &Server,
        version: ProtocolVersion,
        capabilities: &Value,
    ) -> Self {
        let line = Line::Pipe(Peer::connect(binding, server));
        Self::new(line, version, capabilities)
    }

    /// A client over HTTP: of the endpoint at `url`, or for 2024-11-05 of the stream that is there.
    #[must_use]
    pub fn on_http(url: &str, version: ProtocolVersion, capabilities: &Value) -> Self {
        let line = Line::Http(Http::open(url, version));
        Self::new(line, version, capabilities)
    }

    fn new(line: Line, version: ProtocolVersion, capabilities: &Value) -> Self {
        let mut this = Self {
            line,
            version,
            capabilities: capabilities.clone(),
            waiting: VecDeque::new(),
            said: String::new(),
            hidden: Vec::new(),
            last_id: 0,
            last_aside: 1_000_000,
        };
        if version.era() == Era::Handshake {
            let params = json!({
                "protocolVersion": version.as_str(), "capabilities": capabilities,
                "clientInfo": {"name": "c", "version": "1"},
            });
            let id = this.send("initialize", params);
            this.answer_to(id);
            this.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
            this.listen_unasked();
        }
        this.said.clear();
        this
    }

    fn listen_unasked(&mut self) {
        if let Line::Http(http) = &mut self.line {
            http.listen_unasked();
        }
    }

    /// All that was said, a line each, without what is different each time.
    #[must_use]
    pub fn said(&self) -> &str {
        &self.said
    }

    /// Begins to write down anew.
    pub fn forget(&mut self) {
        self.said.clear();
    }

    fn write_down(&mut self, sign: char, text: &str) {
        let mut text = text.to_owned();
        for (hidden, shown) in &self.hidden {
            text = text.replace(hidden, shown);
        }
        writeln!(self.said, "{sign} {text}").expect("a text");
    }

    /// Writes `shown` wherever `hidden` was said, from now on.
    pub fn hide(&mut self, hidden: &str, shown: &str) {
        self.hidden.push((hidden.into(), shown.into()));
    }

    /// Sends a message.
    ///
    /// # Panics
    /// Where the server does not take it.
    pub fn say(&mut self, message: &Value) {
        self.write_down('>', &message.to_string());
        match &mut self.line {
            Line::Pipe(peer) => peer.send_line(&message.to_string()),
            Line::Http(http) => http.say(message),
        }
    }

    /// Sends a request, and gives its id.
    pub fn send(&mut self, method: &str, mut params: Value) -> u64 {
        self.last_id += 1;
        if self.version.era() == Era::Stateless {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": self.version.as_str(),
                "io.modelcontextprotocol/clientCapabilities": self.capabilities,
            });
        }
        let id = self.last_id;
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Sends a request, and gives its answer.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        self.answer_to(id)
    }

    /// The same, off the record: as if it had not been asked.
    pub fn ask_aside(&mut self, method: &str, params: Value) -> Value {
        let before = self.said.len();
        std::mem::swap(&mut self.last_id, &mut self.last_aside);
        let answer = self.ask(method, params);
        std::mem::swap(&mut self.last_id, &mut self.last_aside);
        self.said.truncate(before);
        answer
    }

    /// Answers a request of the server's.
    pub fn reply(&mut self, request: &Value, result: &Value) {
        self.say(&json!({"jsonrpc": "2.0", "id": request["id"], "result": result}));
    }

    /// The answer to a request of ours.
    pub fn answer_to(&mut self, id: u64) -> Value {
        self.hear(|message| message["id"] == id && message.get("method").is_none())
    }

    /// The next message of which this is true; those that come before stay for later.
    ///
    /// # Panics
    /// Where none comes in time.
    pub fn hear(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut at = self.waiting.iter().position(|(_, message)| is_it(message));
        while at.is_none() {
            let text = match &mut self.line {
                Line::Pipe(peer) => peer.line().expect("the server goes on"),
                Line::Http(http) => http.hear(),
            };
            let message = serde_json::from_str(&text).expect("the server speaks JSON");
            if is_it(&message) {
                at = Some(self.waiting.len());
            }
            self.waiting.push_back((text, message));
        }
        let found = at.and_then(|at| self.waiting.remove(at));
        let (text, message) = found.expect("it was just found");
        self.learn(&message);
        self.write_down('<', &text);
        message
    }

    /// How many of the messages that nobody has asked for yet are such.
    ///
    /// # Panics
    /// Where what came is not JSON.
    pub fn waiting(&mut self, is_such: impl Fn(&Value) -> bool) -> usize {
        if let Line::Http(http) = &self.line {
            while let Ok(text) = http.heard.try_recv() {
                let message = serde_json::from_str(&text).expect("the server speaks JSON");
                self.waiting.push_back((text, message));
            }
        }
        let such = self.waiting.iter().filter(|(_, message)| is_such(message));
        such.count()
    }

    // What a server seals or draws is another text each time.
    fn learn(&mut self, message: &Value) {
        let result = &message["result"];
        if let Some(state) = result["requestState"].as_str() {
            self.hidden.push((
                format!("\"requestState\":\"{state}\""),
                "\"requestState\":\"…\"".into(),
            ));
        }
        for at in [result, &result["task"], &message["params"]] {
            for key in ["createdAt", "lastUpdatedAt"] {
                if let Some(time) = at[key].as_str() {
                    self.hidden.push((time.into(), "…".into()));
                }
            }
            if let Some(task) = at["taskId"].as_str() {
                if self.hidden.iter().all(|(hidden, _)| hidden != task) {
                    let tasks = self
                        .hidden
                        .iter()
                        .filter(|(_, shown)| shown.starts_with("task "));
                    let shown = format!("task {}", tasks.count() + 1);
                    self.hidden.push((task.into(), shown));
                }
            }
        }
    }
}

// ── HTTP ────────────────────────────────────────────────────────────────────────────────────────

/// A client's requests over HTTP, whatever they are: by an agent that is not ours.
#[derive(Debug)]
pub struct Http {
    agent: Agent,
    url: String,
    version: ProtocolVersion,
    session: Option<String>,
    // Said by the server, on whatever stream.
    told: Sender<String>,
    heard: Receiver<String>,
}

impl Http {
    fn open(url: &str, version: ProtocolVersion) -> Self {
        let (told, heard) = mpsc::channel();
        let mut this = Self {
            agent: agent(),
            url: url.into(),
            version,
            session: None,
            told,
            heard,
        };
        if version == ProtocolVersion::V2024_11_05 {
            // 2024-11-05, basic/transports: the stream's first event tells where messages go.
            this.get();
            let path = this.hear();
            let origin = url
                .find("//")
                .and_then(|at| url[at + 2..].find('/').map(|to| at + 2 + to));
            this.url = format!("{}{path}", &url[..origin.unwrap_or(url.len())]);
        }
        this
    }

    fn listen_unasked(&self) {
        if self.version > ProtocolVersion::V2024_11_05 {
            self.get();
        }
    }

    fn get(&self) {
        let mut request = self
            .agent
            .get(&self.url)
            .header("accept", "text/event-stream");
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        let response = request.call().expect("the server answers");
        assert_eq!(response.status(), 200, "{response:?}");
        self.read_events(response.into_body());
    }

    fn say(&mut self, message: &Value) {
        let mut request = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if let Some(session) = &self.session {
            request = request
                .header("mcp-session-id", session)
                .header("mcp-protocol-version", self.version.as_str());
        }
        for (name, value) in mirrored(self.version, message) {
            request = request.header(name, value);
        }
        let response = request
            .send(message.to_string())
            .expect("the server answers");
        let header = |name: &str| {
            response
                .headers()
                .get(name)?
                .to_str()
                .ok()
                .map(str::to_owned)
        };
        if let Some(session) = header("mcp-session-id") {
            self.session = Some(session);
        }
        match header("content-type").as_deref() {
            Some("text/event-stream") => self.read_events(response.into_body()),
            Some("application/json") => {
                let text = response.into_body().read_to_string().expect("a text");
                self.told.send(text).expect("somebody listens");
            }
            _ => assert_eq!(response.status(), 202, "{message}: {response:?}"),
        }
    }

    fn read_events(&self, body: ureq::Body) {
        let told = self.told.clone();
        thread::spawn(move || {
            let lines = BufReader::new(body.into_reader()).lines();
            for line in lines.map_while(Result::ok) {
                let data = line.strip_prefix("data:").map(str::trim_start);
                // An event that is there for its id alone has no data.
                if let Some(data) = data.filter(|data| !data.is_empty()) {
                    if told.send(data.to_owned()).is_err() {
                        return;
                    }
                }
            }
        });
    }

    fn hear(&self) -> String {
        let heard = self.heard.recv_timeout(PATIENCE);
        heard.expect("the server says something in time")
    }
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into()
}

/// The headers that repeat what a request of 2026-07-28 says.
fn mirrored(version: ProtocolVersion, message: &Value) -> Vec<(&'static str, String)> {
    if version.era() == Era::Handshake {
        return Vec::new();
    }
    let mut headers = vec![("mcp-protocol-version", version.as_str().to_owned())];
    if let Some(method) = message["method"].as_str() {
        headers.push(("mcp-method", method.into()));
    }
    let params = &message["params"];
    let name = ["name", "uri", "taskId"]
        .iter()
        .find_map(|key| params[key].as_str());
    if let Some(name) = name {
        headers.push(("mcp-name", name.into()));
    }
    headers
}

/// Sends one message of 2026-07-28 as whoever has this token, and gives the status and the answer.
///
/// # Panics
/// Where there is no answer, or it is a stream.
#[must_use]
pub fn post_as(url: &str, token: &str, message: &Value) -> (u16, Value) {
    let mut request = agent()
        .post(url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("authorization", format!("Bearer {token}"));
    for (name, value) in mirrored(ProtocolVersion::LATEST, message) {
        request = request.header(name, value);
    }
    let response = request
        .send(message.to_string())
        .expect("the server answers");
    let status = response.status().as_u16();
    let text = response.into_body().read_to_string().expect("a text");
    let answer = serde_json::from_str(&text);
    (
        status,
        answer.unwrap_or_else(|error| panic!("{error}: {text}")),
    )
}
