//! Our client, other people's servers, over stdio: everything that they offer is listed and used.
//!
//! Each server has a table of uses. A tool or prompt that the server offers and the table lacks is a
//! failure, so nothing that they offer stays untried. All that passes on the pipe is recorded, and
//! what our side says must be what its revision's schema allows.

mod offers;
mod visit;

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mcp_client_core::{ClientBuilder, EraMode, Options, Subscription};
use mcp_proto::json::Json;
use mcp_proto::types::{
    CompletionReference, CreateMessageResult, ElicitResult, LoggingLevel, Root,
};
use mcp_proto::version::ProtocolVersion;
use mcp_tests::clients::Kind;
use mcp_tests::peers::{self, Group};
use serde_json::{Value, json};

use offers::Outcome::{Has, ToolError};
use visit::{Visit, wait_for};

/// How a server is asked, and what must come of it.
type Era = (&'static str, EraMode, ProtocolVersion);

const HANDSHAKE: Era = (
    "handshake",
    EraMode::Handshake(ProtocolVersion::V2025_11_25),
    ProtocolVersion::V2025_11_25,
);
const DISCOVERED: Era = ("discovered", EraMode::Auto, ProtocolVersion::V2026_07_28);

fn builder() -> ClientBuilder {
    ClientBuilder::new("interop", "1.0.0")
}

/// Answers all that a server may ask, forms with `form`.
fn answering(builder: ClientBuilder, form: &Value) -> ClientBuilder {
    let content = Json::new(form).expect("it is JSON");
    builder
        .on_elicit(move |_| ElicitResult::accept(content.clone()))
        .on_sample(|_| CreateMessageResult::new("test-model", "Paris"))
        .roots([Root::new("file:///tmp")])
}

fn npm_server(name: &str) -> Vec<String> {
    let argv = [peers::node(), peers::npm_server(name)];
    argv.map(|path| path.display().to_string()).into()
}

fn python_server(name: &str) -> Vec<String> {
    let argv = [peers::python(), peers::scripts().join(name)];
    argv.map(|path| path.display().to_string()).into()
}

fn timeout(ms: u64) -> Options {
    Options::default().timeout(Duration::from_millis(ms))
}

/// What a handler on another thread has seen so far.
type Seen<T> = Arc<Mutex<Vec<T>>>;

fn seen<T>() -> (Seen<T>, Seen<T>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    (Arc::clone(&seen), seen)
}

macro_rules! clients {
    ($($name:ident: $kind:ident,)*) => {$(
        mod $name {
            use mcp_tests::clients::Kind::$kind as KIND;

            #[test]
            fn uses_all_of_everything() {
                super::everything(KIND);
            }
            #[test]
            fn uses_all_of_filesystem() {
                super::filesystem(KIND);
            }
            #[test]
            fn uses_all_of_memory() {
                super::memory(KIND);
            }
            #[test]
            fn uses_all_of_fastmcp_after_a_handshake() {
                super::fastmcp(KIND, super::HANDSHAKE);
            }
            #[test]
            fn uses_all_of_fastmcp_when_discovered() {
                super::fastmcp(KIND, super::DISCOVERED);
            }
            #[test]
            fn uses_all_of_the_official_python_server_after_a_handshake() {
                super::python(KIND, super::HANDSHAKE);
            }
            #[test]
            fn uses_all_of_the_official_python_server_when_discovered() {
                super::python(KIND, super::DISCOVERED);
            }
            #[test]
            fn hears_of_changes_after_a_handshake() {
                super::changes(KIND, super::HANDSHAKE);
            }
            #[test]
            fn hears_of_changes_when_discovered() {
                super::changes(KIND, super::DISCOVERED);
            }
            #[test]
            fn fails_its_calls_at_once_when_the_server_dies() {
                super::death(KIND);
            }
        }
    )*};
}

clients! {
    blocking: Blocking,
    tokio: Tokio,
    smol: Smol,
    async_std: AsyncStd,
}

// --- The three npm servers ----------------------------------------------------------------------

fn everything(kind: Kind) {
    if !peers::setup(&[Group::Python, Group::Npm]) {
        return;
    }
    let (changes, heard) = seen();
    // The published schema of 2025-11-25 allows no fraction here, though its prose does.
    let form = json!({"name": "alice", "check": true, "integer": 7, "number": 2});
    let builder =
        answering(builder(), &form).on_change(move |change| heard.lock().unwrap().push(change));
    let mut visit = Visit::start(kind, "everything", builder, &npm_server("everything"), &[]);
    // The tools that ask appear once the server has seen what this client answers, and it tells.
    wait_for("a change of the tools", || {
        !changes.lock().unwrap().is_empty()
    });
    assert_eq!(visit.client.version(), ProtocolVersion::V2025_11_25);
    visit.use_all(offers::everything());

    let slow = "trigger-long-running-operation";
    let (steps, told) = seen();
    let options =
        Options::default().on_progress(move |progress| told.lock().unwrap().push(progress.done));
    visit
        .client
        .call(slow, &json!({"duration": 0.3, "steps": 3}), options)
        .unwrap();
    wait_for("progress", || steps.lock().unwrap().len() >= 3);
    assert_eq!(*steps.lock().unwrap(), [1.0, 2.0, 3.0]);

    let reference = CompletionReference::prompt("completable-prompt");
    let found = visit.client.complete(reference, "department", "Eng");
    assert_eq!(found.unwrap(), ["Engineering"]);
    visit.client.ping().unwrap();
    visit.client.set_log_level(LoggingLevel::Error).unwrap();

    let late = visit
        .client
        .call(slow, &json!({"duration": 1, "steps": 1}), timeout(300));
    assert!(late.is_err());
    visit.call("echo", &json!({"message": "after"}), &Has("Echo: after"));
    visit.call("no-such-tool", &json!({}), &ToolError("not found"));
    for timer in ["toggle-simulated-logging", "toggle-subscriber-updates"] {
        visit.call(timer, &json!({}), &Has("Stopped"));
    }
    visit.call("echo", &json!({"message": 5}), &ToolError("message"));
    visit.end();
}

fn filesystem(kind: Kind) {
    if !peers::setup(&[Group::Python, Group::Npm]) {
        return;
    }
    let folder = peers::scratch(&format!("{kind:?}-files"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let folder = folder.canonicalize().unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("pixel.png"), b"\x89PNG\r\n").unwrap();
    let mut server = npm_server("filesystem");
    server.push(path(""));
    let mut visit = Visit::start(kind, "filesystem", builder(), &server, &[]);
    visit.use_all(offers::filesystem(path));
    let outside = json!({"path": "/etc/hostname"});
    visit.call("read_file", &outside, &ToolError("Access denied"));
    visit.end();
    let written = std::fs::read_to_string(path("b.txt")).unwrap();
    assert_eq!(written, "one\nzwei\nthree \u{2603}\n");
}

fn memory(kind: Kind) {
    if !peers::setup(&[Group::Python, Group::Npm]) {
        return;
    }
    let file = peers::scratch(&format!("{kind:?}-graph.jsonl"));
    let file = file.display().to_string();
    let variables = [("MEMORY_FILE_PATH", &*file)];
    let mut visit = Visit::start(kind, "memory", builder(), &npm_server("memory"), &variables);
    visit.use_all(offers::memory());
    visit.end();
}

// --- The Python servers, in both eras -----------------------------------------------------------

fn fastmcp(kind: Kind, (era, mode, version): Era) {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    let (logs, logged) = seen();
    let builder = builder()
        .era(mode)
        .log_level(LoggingLevel::Info)
        .on_log(move |message| logged.lock().unwrap().push(message));
    let server = python_server("py_fastmcp_server.py");
    let mut visit = Visit::start(kind, &format!("fastmcp-{era}"), builder, &server, &[]);
    assert_eq!(visit.client.version(), version);
    assert_eq!(
        visit.client.server_name().as_deref(),
        Some("py-fastmcp-server")
    );
    visit.use_all(offers::fastmcp());
    visit.call("grown", &json!({}), &Has("grown"));
    wait_for("log messages", || logs.lock().unwrap().len() >= 3);
    let broken = visit.client.read("data://broken");
    visit.expect(broken.is_err(), || format!("{broken:?}"));
    // FastMCP wraps what is no object, and says so; the number itself comes out.
    let sum = visit.client.structured("add", &json!({"a": 1, "b": 2}));
    assert_eq!(sum, Ok(json!(3)));
    visit.call("no_such_tool", &json!({}), &ToolError("no_such_tool"));
    visit.end();
}

/// The official SDK's server, which also asks through the client, in the way of each era.
fn python(kind: Kind, (era, mode, version): Era) {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    let form = json!({"username": "alice", "email": "a@example.com", "name": "Alice", "ok": true});
    let builder = answering(builder().era(mode), &form);
    let server = python_server("py_mcp_server.py");
    let mut visit = Visit::start(kind, &format!("python-{era}"), builder, &server, &[]);
    assert_eq!(visit.client.version(), version);
    assert_eq!(
        visit.client.instructions().as_deref(),
        Some("The test fixture.")
    );
    visit.use_all(offers::python());
    let reference = CompletionReference::prompt("test_prompt_with_arguments");
    let found = visit.client.complete(reference, "arg1", "test");
    assert_eq!(found.unwrap(), ["test-one", "test-two"]);
    let missing = visit.client.read("test://no-such-resource").unwrap_err();
    visit.expect(missing.contains("no-such-resource"), || missing.clone());

    let late = visit
        .client
        .call("sleep", &json!({"ms": 60_000}), timeout(200));
    assert!(late.is_err());
    visit.call("echo", &json!({"message": "after"}), &Has("after"));
    let recorded = std::fs::read_to_string(&visit.log).unwrap();
    let told = recorded.contains("notifications/cancelled");
    visit.expect(told, || "the server was not told of the timeout".to_owned());
    visit.end();
}

fn changes(kind: Kind, (era, mode, _): Era) {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    let (changes, heard) = seen();
    let builder = builder()
        .era(mode)
        .on_change(move |change| heard.lock().unwrap().push(format!("{change:?}")));
    let server = python_server("py_mcp_server.py");
    let mut visit = Visit::start(kind, &format!("changes-{era}"), builder, &server, &[]);
    let mut wanted = Subscription::default();
    wanted.tools = true;
    wanted.prompts = true;
    wanted.uris = vec!["test://watched-resource".to_owned()];
    let subscription = visit.client.subscribe(wanted).unwrap();
    for change in ["tool_change", "prompt_change", "resource_update"] {
        visit.call(&format!("test_trigger_{change}"), &json!({}), &Has("ok"));
    }
    for wanted in ["Tools", "Prompts", "watched-resource"] {
        let is_wanted = |change: &String| change.contains(wanted);
        wait_for(wanted, || changes.lock().unwrap().iter().any(is_wanted));
    }
    visit.client.unsubscribe(subscription);
    visit.call("echo", &json!({"message": "after"}), &Has("after"));
    visit.end();
}

fn death(kind: Kind) {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    let server = python_server("py_mcp_server.py");
    let mut command = Command::new(&server[0]);
    command.args(&server[1..]);
    let client = kind.spawn(builder(), command).unwrap();
    let call = |tool: &str, arguments: Value| client.call(tool, &arguments, Options::default());
    let started = Instant::now();
    std::thread::scope(|scope| {
        let sleep = || scope.spawn(|| call("sleep", json!({"ms": 60_000})));
        let pending = [sleep(), sleep(), sleep()];
        assert!(call("die", json!({})).is_err());
        for call in pending {
            assert!(call.join().unwrap().is_err());
        }
    });
    assert!(call("echo", json!({"message": "x"})).is_err());
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
    let status = client.close();
    assert_eq!(status.and_then(|status| status.code()), Some(3));
}
