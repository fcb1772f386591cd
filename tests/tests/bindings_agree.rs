//! The same server says the same on every binding: one script of calls, notes, cancellations and
//! errors gives one transcript, in both eras. Bad input has a table of its own.
//!
//! Where the protocol leaves the order of messages open, which is where several calls are under way
//! at once, they are sorted; nothing else is changed.
#![cfg(unix)]
#![allow(
    clippy::needless_pass_by_value,
    reason = "arguments written with json!({..}) read best without a reference"
)]

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, Once,
        mpsc::{self, Receiver, Sender},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use mcp_server_core::{
    BuildError, Cx, Server, ServerBuilder, ToolEntry, ToolError,
    mcp_proto::{limits::Limits, types::LoggingLevel},
    prompt, resource, tool,
};
use mcp_tests::bindings::{Binding, Peer};
use serde_json::{Value, json};

// ── the server ──────────────────────────────────────────────────────────────────────────────────

/// Where handlers tell the test what became of them.
type Ear = Arc<Mutex<Sender<String>>>;

fn server() -> Result<(Server, Receiver<String>), BuildError> {
    let (sender, told) = mpsc::channel();
    let ear = Arc::new(Mutex::new(sender));
    let mut limits = Limits::default();
    limits.message_bytes = 4096;
    let builder = ServerBuilder::new("agree", "1.0.0")
        .limits(limits)
        .tool(add)
        .tool(add_sync)
        .tool(add_quick)
        .tool(count)
        .tool(count_sync)
        .tool(fail)
        .tool(fail_inside)
        .tool(panic_at_once)
        .tool(panic_later)
        .tool(panic_sync)
        .tool(panic_quick)
        .tool(grow)
        .tool(touch)
        .tool(wait(&ear, "wait"))
        .tool(wait(&ear, "wait_briefly").timeout(Duration::from_millis(50)))
        .tool(wait_sync(&ear, "wait_sync"))
        .tool(wait_sync(&ear, "wait_sync_briefly").timeout(Duration::from_millis(50)))
        .resource(note)
        .prompt(greet);
    Ok((builder.build()?, told))
}

fn tell(ear: &Ear, what: String) {
    // A test that has ended hears nothing more.
    let _ = ear.lock().expect("telling does not panic").send(what);
}

/// Add two numbers.
#[tool]
async fn add(a: f64, b: f64) -> f64 {
    a + b
}

/// Add two numbers, on a thread.
#[tool]
fn add_sync(a: f64, b: f64) -> f64 {
    a + b
}

/// Add two numbers, in place.
#[tool(quick)]
fn add_quick(a: f64, b: f64) -> f64 {
    a + b
}

/// Counts, with progress and log entries.
#[tool]
async fn count(to: u32, cx: &Cx) -> String {
    for done in 1..=to {
        cx.progress_with(done, to, format_args!("at {done}"));
        cx.log(LoggingLevel::Warning, format_args!("counted {done}"));
        pause(Duration::from_millis(1)).await;
    }
    format!("counted to {to}")
}

/// Counts, with progress and log entries, on a thread.
#[tool]
fn count_sync(to: u32, cx: &Cx) -> String {
    for done in 1..=to {
        cx.progress_with(done, to, format_args!("at {done}"));
        cx.log(LoggingLevel::Warning, format_args!("counted {done}"));
    }
    format!("counted to {to}")
}

#[tool]
async fn fail() -> Result<String, ToolError> {
    Err(ToolError::new("as asked"))
}

#[tool]
fn fail_inside() -> Result<u32, ToolError> {
    Ok("a secret".parse::<u32>()?)
}

#[tool]
async fn panic_at_once() -> String {
    panic!("as asked")
}

#[tool]
async fn panic_later() -> String {
    pause(Duration::from_millis(1)).await;
    panic!("as asked")
}

#[tool]
fn panic_sync() -> String {
    panic!("as asked")
}

#[tool(quick)]
fn panic_quick() -> String {
    panic!("as asked")
}

/// Adds a tool.
#[tool]
async fn grow(cx: &Cx) -> Result<String, ToolError> {
    let server = cx.server().ok_or_else(|| ToolError::new("no server"))?;
    server.add_tool(ToolEntry::new("grown").call(|| "here"))?;
    Ok("grown".into())
}

/// Says that the note has changed.
#[tool]
fn touch(cx: &Cx) -> Result<String, ToolError> {
    cx.server()
        .ok_or_else(|| ToolError::new("no server"))?
        .resource_updated("note://1");
    Ok("touched".into())
}

#[resource("note://{id}")]
fn note(id: u32) -> String {
    format!("note {id}")
}

#[prompt]
async fn greet(name: String) -> String {
    format!("Say hello to {name}.")
}

/// Never ends by itself; tells when it is dropped.
fn wait(ear: &Ear, name: &'static str) -> ToolEntry {
    struct Dropped(Ear, &'static str);
    impl Drop for Dropped {
        fn drop(&mut self) {
            tell(&self.0, format!("{}: dropped", self.1));
        }
    }
    let ear = Arc::clone(ear);
    ToolEntry::new(name).run_async(move |_, cx| {
        let dropped = Dropped(Arc::clone(&ear), name);
        async move {
            let _dropped = dropped;
            cx.progress(1, None);
            std::future::pending::<String>().await
        }
    })
}

/// Never ends before it is cancelled; tells when it was.
fn wait_sync(ear: &Ear, name: &'static str) -> ToolEntry {
    let ear = Arc::clone(ear);
    ToolEntry::new(name).run(move |_, cx| {
        cx.progress(1, None);
        let cancelled = cx.wait(Duration::from_secs(30));
        tell(&ear, format!("{name}: cancelled {cancelled}"));
        "too late"
    })
}

/// Sleeps on any runtime, and lets others run meanwhile.
async fn pause(length: Duration) {
    struct Pause(Option<Duration>);
    impl Future for Pause {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            let Some(length) = self.0.take() else {
                return Poll::Ready(());
            };
            let waker = context.waker().clone();
            thread::spawn(move || {
                thread::sleep(length);
                waker.wake();
            });
            Poll::Pending
        }
    }
    Pause(Some(length)).await;
}

// ── the transcript ──────────────────────────────────────────────────────────────────────────────

#[derive(Clone, Copy, Debug, PartialEq)]
enum Era {
    Handshake,
    Stateless,
}

/// One connection, and what was said on it.
struct Talk {
    era: Era,
    peer: Peer,
    told: Receiver<String>,
    transcript: String,
}

impl Talk {
    fn new(binding: Binding, era: Era) -> Self {
        let (server, told) = server().expect("the server can be built");
        Self {
            era,
            peer: Peer::connect(binding, &server),
            told,
            transcript: String::new(),
        }
    }

    fn write(&mut self, mark: &str, line: &str) {
        self.transcript.push_str(&format!("{mark} {line}\n"));
    }

    /// Without what every request of the stateless era says about its sender.
    fn write_sent(&mut self, line: &str) {
        let mut message: Value = serde_json::from_str(line).expect("the script is JSON");
        if let Some(meta) = message["params"]["_meta"].as_object_mut() {
            identity()
                .iter()
                .for_each(|(key, _)| drop(meta.remove(*key)));
        }
        self.write(">", &message.to_string());
    }

    /// A request as a client of the era writes it.
    fn request(&self, id: impl Into<Value>, method: &str, params: Value) -> String {
        let mut params = params;
        if self.era == Era::Stateless {
            let meta = params
                .as_object_mut()
                .expect("params are an object")
                .entry("_meta")
                .or_insert(json!({}));
            for (key, value) in identity() {
                meta[key] = value;
            }
        }
        json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params}).to_string()
    }

    fn call(&self, id: u32, name: &str, arguments: &Value) -> String {
        self.request(
            id,
            "tools/call",
            json!({"name": name, "arguments": arguments}),
        )
    }

    /// A call that wants to hear all about it.
    fn call_noted(&self, id: u32, name: &str, arguments: &Value) -> String {
        let mut meta = json!({"progressToken": id});
        if self.era == Era::Stateless {
            meta["io.modelcontextprotocol/logLevel"] = "debug".into();
        }
        self.request(
            id,
            "tools/call",
            json!({"name": name, "arguments": arguments, "_meta": meta}),
        )
    }

    /// Sends lines at once, and takes so many messages.
    fn say(&mut self, lines: &[String], answers: usize) {
        for line in lines {
            self.write_sent(line);
        }
        self.peer.send(lines.concat_lines());
        self.hear(answers, lines.len() > 1);
    }

    fn hear(&mut self, messages: usize, sorted: bool) {
        let mut lines: Vec<String> = (0..messages)
            .map(|_| self.peer.line().expect("the connection is alive"))
            .collect();
        if sorted {
            lines.sort_by_key(|line| subject(line));
        }
        for line in lines {
            self.write("<", &line);
        }
    }

    /// Waits for what handlers tell.
    fn learn(&mut self, tales: usize) {
        let mut told: Vec<String> = (0..tales)
            .map(|_| {
                self.told
                    .recv_timeout(Duration::from_secs(20))
                    .expect("handlers tell of their end")
            })
            .collect();
        told.sort();
        for what in told {
            self.write("*", &what);
        }
    }

    /// Ends our side while something is under way.
    fn end(mut self) -> String {
        let (rest, error) = self.peer.finish();
        let mut lines = rest;
        lines.sort_by_key(|line| subject(line));
        for line in lines {
            self.transcript.push_str(&format!("< {line}\n"));
        }
        self.transcript
            .push_str(&format!("ended: {}\n", error.as_deref().unwrap_or("well")));
        self.transcript
    }
}

/// What a client says about itself with every request of the stateless era.
fn identity() -> [(&'static str, Value); 3] {
    [
        (
            "io.modelcontextprotocol/protocolVersion",
            "2026-07-28".into(),
        ),
        (
            "io.modelcontextprotocol/clientInfo",
            json!({"name": "script", "version": "1"}),
        ),
        ("io.modelcontextprotocol/clientCapabilities", json!({})),
    ]
}

trait ConcatLines {
    fn concat_lines(&self) -> String;
}

impl ConcatLines for [String] {
    fn concat_lines(&self) -> String {
        self.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// What a message is about: the call that it answers or tells of. Messages about one call keep
/// their order, since sorting is stable.
fn subject(line: &str) -> String {
    let message: Value = serde_json::from_str(line).expect("messages are JSON");
    match (&message["id"], &message["params"]["progressToken"]) {
        (Value::Null, Value::Null) => message["method"].to_string(),
        (Value::Null, token) => token.to_string(),
        (id, _) => id.to_string(),
    }
}

// ── the script ──────────────────────────────────────────────────────────────────────────────────

fn script(binding: Binding, era: Era) -> String {
    let mut talk = Talk::new(binding, era);
    open(&mut talk);
    calls(&mut talk);
    notes(&mut talk);
    errors(&mut talk);
    cancellations(&mut talk);
    changes(&mut talk);
    // What is under way when the client leaves is answered, or its handler ended.
    let last = [
        talk.call(90, "count", &json!({"to": 3})),
        talk.call(91, "add_sync", &json!({"a": 1, "b": 2})),
    ];
    for line in &last {
        talk.write_sent(line);
    }
    talk.peer.send(last.concat_lines());
    talk.end()
}

fn open(talk: &mut Talk) {
    if talk.era == Era::Handshake {
        let client = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "script", "version": "1"},
        });
        talk.say(&[talk.request(1, "initialize", client)], 1);
        talk.say(
            &[r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.into()],
            0,
        );
        talk.say(&[talk.request(2, "ping", json!({}))], 1);
        talk.say(
            &[talk.request(3, "logging/setLevel", json!({"level": "info"}))],
            1,
        );
    } else {
        talk.say(&[talk.request(1, "server/discover", json!({}))], 1);
    }
}

fn calls(talk: &mut Talk) {
    let two = json!({"a": 1, "b": 2});
    for (id, name) in [(10, "add"), (11, "add_sync"), (12, "add_quick")] {
        talk.say(&[talk.call(id, name, &two)], 1);
    }
    let all = [
        talk.call(13, "add", &two),
        talk.call(14, "add_sync", &two),
        talk.call(15, "add_quick", &two),
    ];
    talk.say(&all, 3);
    talk.say(
        &[talk.request("read", "resources/read", json!({"uri": "note://7"}))],
        1,
    );
    talk.say(
        &[talk.request(
            "greet",
            "prompts/get",
            json!({"name": "greet", "arguments": {"name": "Ada"}}),
        )],
        1,
    );
}

fn notes(talk: &mut Talk) {
    // Two progress reports, two log entries, one answer.
    talk.say(&[talk.call_noted(20, "count", &json!({"to": 2}))], 5);
    talk.say(&[talk.call_noted(21, "count_sync", &json!({"to": 2}))], 5);
    let quiet = if talk.era == Era::Handshake { 3 } else { 1 };
    talk.say(&[talk.call(22, "count", &json!({"to": 2}))], quiet);
}

fn errors(talk: &mut Talk) {
    for (id, name) in (30..).zip([
        "fail",
        "fail_inside",
        "panic_at_once",
        "panic_later",
        "panic_sync",
        "panic_quick",
    ]) {
        talk.say(&[talk.call(id, name, &json!({}))], 1);
    }
    talk.say(&[talk.call(40, "nothing", &json!({}))], 1);
    talk.say(&[talk.call(41, "add", &json!({"a": "x", "c": 1}))], 1);
    talk.say(&[talk.request(42, "no/such", json!({}))], 1);
    talk.say(
        &[talk.request(43, "resources/read", json!({"uri": "note://x"}))],
        1,
    );
    talk.say(
        &[talk.request(44, "prompts/get", json!({"name": "greet"}))],
        1,
    );
}

fn cancellations(talk: &mut Talk) {
    for (id, name) in [(50, "wait"), (51, "wait_sync")] {
        talk.say(&[talk.call_noted(id, name, &json!({}))], 1);
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        talk.say(&[cancel.to_string()], 0);
        talk.learn(1);
    }
    // Nothing was said about either; and time is up for those who have too little of it.
    for (id, name) in [(52, "wait_briefly"), (53, "wait_sync_briefly")] {
        talk.say(&[talk.call(id, name, &json!({}))], 1);
        talk.learn(1);
    }
}

fn changes(talk: &mut Talk) {
    let watched = if talk.era == Era::Handshake {
        talk.say(
            &[talk.request(60, "resources/subscribe", json!({"uri": "note://1"}))],
            1,
        );
        1
    } else {
        let wanted = json!({"notifications": {"toolsListChanged": true, "resourceSubscriptions": ["note://1"]}});
        talk.say(&[talk.request(60, "subscriptions/listen", wanted)], 1);
        1
    };
    for (id, name) in [(61, "touch"), (62, "grow")] {
        let call = talk.call(id, name, &json!({}));
        talk.write_sent(&call);
        talk.peer.send_line(&call);
        talk.hear(1 + watched, true);
    }
    talk.say(&[talk.call(63, "grown", &json!({}))], 1);
}

fn agree(era: Era) -> String {
    expect_panics();
    let expected = script(Binding::Blocking, era);
    for binding in Binding::ALL {
        let actual = script(binding, era);
        assert!(
            actual == expected,
            "{binding:?} says otherwise:\n{}",
            difference(&expected, &actual)
        );
    }
    expected
}

/// Handlers that panic as they are asked to need not fill the test's output.
fn expect_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload().downcast_ref::<&str>() != Some(&"as asked") {
                report(panic);
            }
        }));
    });
}

fn difference(expected: &str, actual: &str) -> String {
    let pairs = expected.lines().zip(actual.lines());
    let first = pairs
        .enumerate()
        .find(|(_, (expected, actual))| expected != actual);
    match first {
        Some((at, (expected, actual))) => format!("line {}:\n  {expected}\n  {actual}", at + 1),
        None => format!(
            "{} lines and {}",
            expected.lines().count(),
            actual.lines().count()
        ),
    }
}

#[test]
fn one_script_gives_one_transcript_after_a_handshake() {
    insta::assert_snapshot!("handshake", agree(Era::Handshake));
}

#[test]
fn one_script_gives_one_transcript_without_a_handshake() {
    insta::assert_snapshot!("stateless", agree(Era::Stateless));
}

/// What an error of a binding says, how it debugs, and what it was caused by.
fn said(error: &dyn std::error::Error) -> [String; 3] {
    let cause = error.source().map_or(String::new(), ToString::to_string);
    [error.to_string(), format!("{error:?}"), cause]
}

macro_rules! errors_of {
    ($binding:ident) => {{
        use $binding::Error;
        let build = ServerBuilder::new("s", "1").tool(ToolEntry::new("t"));
        let call = mcp_client_core::CallError::TimedOut;
        let output = mcp_client_core::OutputError::Missing;
        let endpoint = mcp_client_core::http::Endpoint::new("ftp://a.b");
        let errors = [
            Error::from(build.build_service().unwrap_err()),
            Error::from(call),
            Error::from(output),
            Error::from(endpoint.unwrap_err()),
            Error::from(std::io::Error::other("a broken pipe")),
        ];
        assert!(matches!(
            errors,
            [
                Error::Build(_),
                Error::Call(_),
                Error::Output(_),
                Error::Io(_),
                Error::Io(_)
            ]
        ));
        errors.map(|error| said(&error))
    }};
}

#[test]
fn an_error_says_the_same_in_every_binding() {
    let texts = errors_of!(bind_blocking);
    assert_eq!(errors_of!(bind_tokio), texts);
    assert_eq!(errors_of!(bind_async_std), texts);
    for [text, debug, _] in &texts {
        assert_eq!(text, debug, "a `main` that fails ends with a sentence");
    }
    let [build, call, output, endpoint, io] = &texts;
    let no_function = "the tool `t` has no function to run";
    assert!(build[0].starts_with(&format!("the server cannot be built: {no_function}")));
    assert!(build[2].starts_with(no_function), "{build:?}");
    assert_eq!(call[0], "the server did not answer in time");
    assert_eq!((&call[2], &output[2]), (&call[0], &output[0]));
    assert!(endpoint[0].contains("it does not begin with http:// or https://"));
    assert_eq!((&*io[0], &*io[2]), ("a broken pipe", "a broken pipe"));
}
