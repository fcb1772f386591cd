//! The table of cases.

/// What every request of 2026-07-28 says about its client.
const META: &str = concat!(
    r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientInfo":{"name":"bad","version":"1"},"#,
    r#""io.modelcontextprotocol/clientCapabilities":{}}"#,
);
const NO_META: &str = r#""_meta":{}"#;
const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":"open","method":"initialize","params":{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{},"clientInfo":{"name":"bad","version":"1"}}}"#,
    "\n",
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    "\n",
);

/// How the connection was opened before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Opened {
    /// Not at all.
    Not,
    /// By `initialize`, as 2025-11-25.
    Handshake,
    /// By nothing: each request of 2026-07-28 speaks for itself.
    Stateless,
}

impl Opened {
    /// What opens the connection; there is one answer to it.
    pub(crate) fn opening(self) -> String {
        match self {
            Self::Not => String::new(),
            Self::Handshake => INITIALIZE.into(),
            Self::Stateless => {
                request("\"open\"", "server/discover", "").replace("@M", META) + "\n"
            }
        }
    }

    /// What its requests say about their client.
    fn meta(self) -> &'static str {
        match self {
            Self::Stateless => META,
            _ => NO_META,
        }
    }
}

/// What is sent, and what is answered: id and code, `ok` or `tool error`, sorted.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    input: Vec<u8>,
    not: Option<Vec<String>>,
    handshake: Option<Vec<String>>,
    stateless: Option<Vec<String>>,
}

impl Case {
    /// The bytes; `@M` stands for what a request of the era says in `_meta`.
    pub(crate) fn input(&self, opened: Opened) -> Vec<u8> {
        let meta = opened.meta();
        let mut bytes = Vec::new();
        let mut rest = &self.input[..];
        while let Some(at) = rest.windows(2).position(|pair| pair == b"@M") {
            bytes.extend(&rest[..at]);
            bytes.extend(meta.as_bytes());
            rest = &rest[at + 2..];
        }
        bytes.extend(rest);
        bytes.push(b'\n');
        bytes
    }

    /// A request that is served afterwards.
    pub(crate) fn after(&self, opened: Opened) -> String {
        match opened {
            Opened::Not => r#"{"jsonrpc":"2.0","id":"after","method":"ping"}"#.to_owned(),
            _ => {
                let call = call("\"after\"", "echo", r#"{"text":"still here"}"#);
                call.replace("@M", opened.meta())
            }
        }
    }

    fn expected(&self, opened: Opened) -> Option<&Vec<String>> {
        match opened {
            Opened::Not => self.not.as_ref(),
            Opened::Handshake => self.handshake.as_ref(),
            Opened::Stateless => self.stateless.as_ref(),
        }
    }

    pub(crate) fn is_for(&self, opened: Opened) -> bool {
        self.expected(opened).is_some()
    }

    pub(crate) fn answers(&self, opened: Opened) -> &[String] {
        self.expected(opened).map_or(&[], Vec::as_slice)
    }
}

fn case(name: &'static str, input: impl AsRef<[u8]>) -> Case {
    Case {
        name,
        input: input.as_ref().to_vec(),
        not: None,
        handshake: None,
        stateless: None,
    }
}

fn owned(answers: &[&str]) -> Option<Vec<String>> {
    Some(answers.iter().map(|answer| (*answer).to_owned()).collect())
}

impl Case {
    fn not(mut self, answers: &[&str]) -> Self {
        self.not = owned(answers);
        self
    }

    fn handshake(mut self, answers: &[&str]) -> Self {
        self.handshake = owned(answers);
        self
    }

    fn stateless(mut self, answers: &[&str]) -> Self {
        self.stateless = owned(answers);
        self
    }

    /// The same in both eras.
    fn both(self, answers: &[&str]) -> Self {
        self.handshake(answers).stateless(answers)
    }

    /// The same, whatever was said before; but as long as no revision is agreed on, the id that
    /// could not be read is `null`, as JSON-RPC has it.
    fn ever(self, answers: &[&str]) -> Self {
        let not: Vec<String> = answers
            .iter()
            .map(|answer| answer.replace("- ", "null "))
            .collect();
        let not: Vec<&str> = not.iter().map(String::as_str).collect();
        self.not(&not).both(answers)
    }

    fn many(mut self, answers: Vec<String>) -> Self {
        self.handshake = Some(answers.clone());
        self.stateless = Some(answers);
        self
    }
}

/// A request with this id; `@M` is among its params already.
fn request(id: &str, method: &str, params: &str) -> String {
    let comma = if params.is_empty() { "" } else { "," };
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{params}{comma}@M}}}}"#)
}

fn call(id: &str, tool: &str, arguments: &str) -> String {
    request(
        id,
        "tools/call",
        &format!(r#""name":"{tool}","arguments":{arguments}"#),
    )
}

/// All cases.
pub(crate) fn all() -> Vec<Case> {
    let mut all = Vec::new();
    all.extend(no_json());
    all.extend(no_message());
    all.extend(wrong_requests());
    all.extend(wrong_params());
    all.extend(wrong_times());
    all.extend(mixed_eras());
    all.extend(bad_handlers());
    all.extend(floods());
    all
}

fn no_json() -> Vec<Case> {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let wide = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","x":"{}"}}"#,
        "y".repeat(70_000)
    );
    vec![
        case("half an object", r#"{"jsonrpc":"2.0","id":1,"#).ever(&["- -32700"]),
        case("words", "hello there").ever(&["- -32700"]),
        case(
            "not UTF-8",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}",
        )
        .ever(&["- -32700"]),
        case("a NUL byte", b"\0").ever(&["- -32700"]),
        case(
            "a byte order mark, which may be at the very beginning",
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
        )
        .not(&["1 ok"])
        .both(&["- -32700"]),
        case(
            "two messages in a line",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}"#,
        )
        .ever(&["- -32700"]),
        case("empty lines", "\n\r\n   \n\t\n").ever(&[]),
        case("200 levels", deep).ever(&["- -32600"]),
        case("too long a line", wide).ever(&["- -32700"]),
        case(
            "a lone surrogate",
            r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#,
        )
        .ever(&["1 -32600"]),
    ]
}

fn no_message() -> Vec<Case> {
    vec![
        case("a number", "42").ever(&["- -32600"]),
        case("null", "null").ever(&["- -32600"]),
        case("a text", r#""ping""#).ever(&["- -32600"]),
        case("an empty batch", "[]").ever(&["- -32600"]),
        case(
            "a batch, which this revision has not",
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
        )
        .ever(&["1 -32600"]),
        case("an empty object", "{}").ever(&["- -32600"]),
        case(
            "a request of another protocol",
            r#"{"id":1,"method":"ping"}"#,
        )
        .ever(&["1 -32600"]),
        case(
            "JSON-RPC 1.0",
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        )
        .ever(&["1 -32600"]),
        case("no method", r#"{"jsonrpc":"2.0","id":1}"#).ever(&["1 -32600"]),
        case(
            "a method that is no text",
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        )
        .ever(&["1 -32600"]),
        case(
            "an answer and a request in one",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        )
        .ever(&["1 -32600"]),
        case(
            "an answer to nothing",
            r#"{"jsonrpc":"2.0","id":99,"result":{}}"#,
        )
        .ever(&[]),
        case(
            "an error to nothing",
            r#"{"jsonrpc":"2.0","id":99,"error":{"code":1,"message":"no"}}"#,
        )
        .ever(&[]),
        case(
            "an error without an id",
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#,
        )
        .ever(&[]),
    ]
}

fn wrong_requests() -> Vec<Case> {
    let long = "n".repeat(10_000);
    vec![
        case("an id of null", request("null", "ping", "")).ever(&["- -32600"]),
        case("an id that is an object", request("{}", "ping", "")).ever(&["- -32600"]),
        case("an id that is a fraction", request("1.5", "ping", "")).ever(&["- -32600"]),
        case("an id that is true", request("true", "ping", "")).ever(&["- -32600"]),
        case(
            "too long an id",
            request(&format!("\"{long}\""), "ping", ""),
        )
        .ever(&[&format!("\"{long}\" -32600")]),
        case(
            "params that are a list",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[1]}"#,
        )
        .ever(&["1 -32602"]),
        case(
            "params that are a number",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":1}"#,
        )
        .ever(&["1 -32600"]),
        case("an unknown method", request("1", "tools/destroy", "")).both(&["1 -32601"]),
        case("an empty method", request("1", "", "")).both(&["1 -32601"]),
        case("too long a method", request("1", &long, "")).both(&["1 -32600"]),
        case(
            "an unknown notification",
            r#"{"jsonrpc":"2.0","method":"notifications/party"}"#,
        )
        .ever(&[]),
        case(
            "a request without an id",
            r#"{"jsonrpc":"2.0","method":"tools/list"}"#,
        )
        .ever(&[]),
        case(
            "a notification with an id",
            request("1", "notifications/initialized", ""),
        )
        .both(&["1 -32601"]),
        case(
            "a method that clients answer",
            request("1", "sampling/createMessage", ""),
        )
        .both(&["1 -32601"]),
    ]
}

fn wrong_params() -> Vec<Case> {
    vec![
        case("no tool's name", request("1", "tools/call", "")).both(&["1 -32602"]),
        case("a tool's name that is a number", request("1", "tools/call", r#""name":7"#)).both(&["1 -32602"]),
        case("an unknown tool", call("1", "nothing", "{}")).both(&["1 -32602"]),
        case("arguments that are a list", call("1", "add", "[1,2]")).both(&["1 -32602"]),
        case("a missing argument", call("1", "add", r#"{"a":1}"#)).both(&["1 tool error"]),
        case("arguments of other types", call("1", "add", r#"{"a":"x","b":1.5}"#)).both(&["1 tool error"]),
        case("an argument twice", call("1", "add", r#"{"a":1,"a":2,"b":3}"#)).both(&["1 tool error"]),
        case("too big a number", call("1", "add", r#"{"a":123456789012345678901234567890,"b":1}"#)).both(&["1 tool error"]),
        case("no URI", request("1", "resources/read", "")).both(&["1 -32602"]),
        case("an unknown resource", request("1", "resources/read", r#""uri":"note:///x/y""#))
            .handshake(&["1 -32002"]).stateless(&["1 -32602"]),
        case("a way out of a folder", request("1", "resources/read", r#""uri":"note://..%2f..%2fetc%2fpasswd""#))
            .handshake(&["1 -32002"]).stateless(&["1 -32602"]),
        case("an unknown prompt", request("1", "prompts/get", r#""name":"nothing""#)).both(&["1 -32602"]),
        case("a missing prompt argument", request("1", "prompts/get", r#""name":"greet""#)).both(&["1 -32602"]),
        case("a prompt argument that is a number", request("1", "prompts/get", r#""name":"greet","arguments":{"name":7}"#)).both(&["1 ok"]),
        case("a completion of nothing", request("1", "completion/complete", r#""ref":{"type":"ref/party"},"argument":{"name":"a","value":""}"#)).both(&["1 -32601"]),
        case("an unknown cursor", request("1", "tools/list", r#""cursor":"made up""#)).both(&["1 -32602"]),
        case("an unknown log level", request("1", "logging/setLevel", r#""level":"loud""#)).handshake(&["1 -32602"]),
        case("metadata that is a text", r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":"x"}}"#).ever(&["1 -32602"]),
        case("a progress token that is an object", r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"progressToken":{}}}}"#).handshake(&["1 -32602"]),
    ]
}

fn wrong_times() -> Vec<Case> {
    let twice = [
        call("1", "hold", "{}"),
        call("1", "echo", r#"{"text":"x"}"#),
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#.into(),
    ]
    .join("\n");
    vec![
        case("a list before the handshake", request("1", "tools/list", "")).not(&["1 -32600"]),
        case("a call before the handshake", call("1", "echo", r#"{"text":"x"}"#)).not(&["1 -32600"]),
        case("a ping before the handshake", request("1", "ping", "")).not(&["1 ok"]),
        case("the end of a handshake that did not begin", r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).ever(&[]),
        case("a handshake without a revision", request("1", "initialize", "")).not(&["1 -32602"]),
        case("a second handshake", r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}"#).handshake(&["1 -32600"]),
        case("an id that is in use", twice).both(&["1 -32600"]),
        case("a cancellation of nothing", r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}"#).ever(&[]),
        case("a cancellation of nobody knows what", r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#).ever(&[]),
        case("progress of nothing", r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#).ever(&[]),
    ]
}

fn mixed_eras() -> Vec<Case> {
    let claims = |claims: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{{{claims}}}}}}}"#
        )
    };
    let version = |version: &str| format!(r#""io.modelcontextprotocol/protocolVersion":{version}"#);
    let capabilities = r#""io.modelcontextprotocol/clientCapabilities":{}"#;
    let modern = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{{META}}}}}"#);
    let legacy = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    vec![
        case("a request without a handshake among others", modern).ever(&["1 ok"]),
        case("a request that needs a handshake", legacy)
            .not(&["1 -32600"])
            .stateless(&["1 -32600"]),
        case("no revision", claims(capabilities)).ever(&["1 -32602"]),
        case("no capabilities", claims(&version(r#""2026-07-28""#))).ever(&["1 -32602"]),
        case(
            "a revision that is a number",
            claims(&format!("{},{capabilities}", version("7"))),
        )
        .ever(&["1 -32602"]),
        case(
            "a revision of the future",
            claims(&format!("{},{capabilities}", version(r#""2099-01-01""#))),
        )
        .ever(&["1 -32022"]),
        case(
            "an older revision without its handshake",
            claims(&format!("{},{capabilities}", version(r#""2025-06-18""#))),
        )
        .ever(&["1 -32022"]),
        case(
            "a method of the other era",
            request("1", "logging/setLevel", r#""level":"info""#),
        )
        .stateless(&["1 -32601"]),
        case(
            "a subscription of the other era",
            request("1", "resources/subscribe", r#""uri":"note://1""#),
        )
        .stateless(&["1 -32601"]),
        case(
            "discovery after a handshake",
            request("1", "server/discover", ""),
        )
        .handshake(&["1 -32601"]),
        case(
            "a stream of the other era",
            request(
                "1",
                "subscriptions/listen",
                r#""notifications":{"toolsListChanged":true}"#,
            ),
        )
        .handshake(&["1 -32601"]),
    ]
}

fn bad_handlers() -> Vec<Case> {
    vec![
        case("a panic at once", call("1", "panic_at_once", "{}")).both(&["1 -32603"]),
        case("a panic later", call("1", "panic_later", "{}")).both(&["1 -32603"]),
        case("a panic on a thread", call("1", "panic_sync", "{}")).both(&["1 -32603"]),
        case("a panic in place", call("1", "panic_quick", "{}")).both(&["1 -32603"]),
        case(
            "a panic at the end of time",
            call("1", "panic_when_dropped", "{}"),
        )
        .both(&["1 -32603"]),
        case("a result that is no JSON", call("1", "no_json", "{}")).both(&["1 tool error"]),
        case(
            "a later result that is no JSON",
            call("1", "no_json_later", "{}"),
        )
        .both(&["1 tool error"]),
        case("a handler that never ends", call("1", "hold_briefly", "{}")).both(&["1 -32603"]),
        case("a handler that blocks for ever", call("1", "stuck", "{}")).both(&["1 -32603"]),
        case(
            "several that block for ever",
            (1..=9)
                .map(|id| call(&id.to_string(), "stuck", "{}"))
                .collect::<Vec<_>>()
                .join("\n"),
        )
        .many((1..=9).map(|id| format!("{id} -32603")).collect()),
        case(
            "some that compute",
            (1..=9)
                .map(|id| call(&id.to_string(), "spin", r#"{"rounds":100000}"#))
                .collect::<Vec<_>>()
                .join("\n"),
        )
        .many((1..=9).map(|id| format!("{id} ok")).collect()),
    ]
}

fn floods() -> Vec<Case> {
    let lines = |line: &dyn Fn(usize) -> String, count: usize| {
        (0..count).map(line).collect::<Vec<_>>().join("\n")
    };
    let sorted = |mut answers: Vec<String>| {
        answers.sort();
        answers
    };
    // 64 are under way and 64 wait for their turn, until they are cancelled.
    let cancel = |id: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        )
    };
    let too_many = format!(
        "{}\n{}",
        lines(&|id| call(&id.to_string(), "hold", "{}"), 200),
        lines(&cancel, 200)
    );
    let busy = (128..200).map(|id| format!("{id} -32000")).collect();
    vec![
        case(
            "a thousand calls at once",
            lines(&|id| call(&id.to_string(), "echo", r#"{"text":"x"}"#), 1000),
        )
        .many(sorted((0..1000).map(|id| format!("{id} ok")).collect())),
        case("a thousand cancellations", lines(&cancel, 1000)).ever(&[]),
        case(
            "a thousand notifications",
            lines(
                &|_| r#"{"jsonrpc":"2.0","method":"notifications/party"}"#.into(),
                1000,
            ),
        )
        .ever(&[]),
        case(
            "a thousand answers",
            lines(&|_| r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.into(), 1000),
        )
        .ever(&[]),
        case(
            "a thousand lines of garbage",
            lines(&|_| "garbage".into(), 1000),
        )
        .many(vec!["- -32700".into(); 64]),
        case("more calls than there is room for", too_many).many(busy),
    ]
}
