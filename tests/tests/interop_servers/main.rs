//! Our client, other people's servers, over stdio and HTTP: everything that they offer is listed and
//! used.
//!
//! Each server has a table of uses. A tool or prompt that the server offers and the table lacks is a
//! failure, so nothing that they offer stays untried. All that passes is recorded, and what our side
//! says must be what its revision's schema allows.

mod offers;
mod peer;
mod visit;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mcp_client_core::http::Endpoint;
use mcp_client_core::{ClientBuilder, EraMode, Options, Subscription};
use mcp_proto::json::Json;
use mcp_proto::types::{
    CompletionReference, CreateMessageResult, ElicitResult, LoggingLevel, Root,
};
use mcp_proto::version::ProtocolVersion;
use mcp_tests::clients::{AnyClient, Kind};
use mcp_tests::peers::{self, Group};
use serde_json::{Value, json};

use offers::Outcome::{Has, ToolError};
use peer::{Http, Peer, Place};
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

fn fast() -> Peer {
    Peer::script("py_fastmcp_server.py")
}

fn official() -> Peer {
    Peer::script("py_mcp_server.py")
}

/// Runs a test with a server on a pipe, where the machine has what it needs.
fn piped(peer: impl FnOnce() -> Peer, test: impl FnOnce(&Peer)) {
    if peers::setup(&[Group::Python, Group::Npm]) {
        test(&peer());
    }
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
            use super::{DISCOVERED, HANDSHAKE, Place, piped};
            use super::peer::{Http, Peer};

            #[test]
            fn uses_all_of_everything() {
                piped(|| Peer::npm("everything"), |peer| super::everything(KIND, Place::Pipe(peer)));
            }
            #[test]
            fn uses_all_of_everything_over_http() {
                super::everything_over_http(KIND, Http::Streamable);
            }
            #[test]
            fn uses_all_of_everything_over_http_with_sse() {
                super::everything_over_http(KIND, Http::Sse);
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
                piped(super::fast, |peer| super::fastmcp(KIND, Place::Pipe(peer), HANDSHAKE, &[]));
            }
            #[test]
            fn uses_all_of_fastmcp_when_discovered() {
                piped(super::fast, |peer| super::fastmcp(KIND, Place::Pipe(peer), DISCOVERED, &[]));
            }
            #[test]
            fn uses_all_of_fastmcp_over_http_in_both_eras() {
                super::fastmcp_over_http(KIND);
            }
            #[test]
            fn uses_all_of_the_official_python_server_after_a_handshake() {
                piped(super::official, |peer| super::python(KIND, Place::Pipe(peer), HANDSHAKE));
            }
            #[test]
            fn uses_all_of_the_official_python_server_when_discovered() {
                piped(super::official, |peer| super::python(KIND, Place::Pipe(peer), DISCOVERED));
            }
            #[test]
            fn hears_of_changes_after_a_handshake() {
                piped(super::official, |peer| super::changes(KIND, Place::Pipe(peer), HANDSHAKE));
            }
            #[test]
            fn hears_of_changes_when_discovered() {
                piped(super::official, |peer| super::changes(KIND, Place::Pipe(peer), DISCOVERED));
            }
            #[test]
            fn uses_all_of_the_official_python_server_over_http_in_both_eras() {
                super::python_over_http(KIND);
            }
            #[test]
            fn uses_all_of_the_official_typescript_server_over_http_in_both_eras() {
                super::typescript_over_http(KIND);
            }
            #[test]
            fn fails_its_calls_at_once_when_the_server_dies() {
                super::death(KIND);
            }
            #[test]
            fn fails_its_calls_at_once_when_the_server_dies_over_http() {
                super::death_over_http(KIND);
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

fn everything(kind: Kind, server: Place<'_>) {
    let (changes, heard) = seen();
    // The published schema of 2025-11-25 allows no fraction here, though its prose does.
    let form = json!({"name": "alice", "check": true, "integer": 7, "number": 2});
    let builder =
        answering(builder(), &form).on_change(move |change| heard.lock().unwrap().push(change));
    let mut visit = Visit::start(kind, server, "everything", builder);
    // The tools that ask appear once the server has seen what this client answers. It tells, but
    // over HTTP perhaps before anybody listens.
    wait_for("a change of the tools", || match server {
        Place::Pipe(_) => !changes.lock().unwrap().is_empty(),
        Place::Http(_) => {
            let tools = visit.client.tools().unwrap();
            tools.iter().any(|tool| tool["name"] == "get-roots-list")
        }
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
    let peer = Peer::npm("filesystem").argument(path(""));
    let mut visit = Visit::start(kind, Place::Pipe(&peer), "filesystem", builder());
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
    let peer = Peer::npm("memory").variable("MEMORY_FILE_PATH", file);
    let mut visit = Visit::start(kind, Place::Pipe(&peer), "memory", builder());
    visit.use_all(offers::memory());
    visit.end();
}

// --- The Python servers, in both eras -----------------------------------------------------------

/// `grown` are tools that earlier visits have made it grow.
fn fastmcp(kind: Kind, server: Place<'_>, (era, mode, version): Era, grown: &[&'static str]) {
    let (logs, logged) = seen();
    let builder = builder()
        .era(mode)
        .log_level(LoggingLevel::Info)
        .on_log(move |message| logged.lock().unwrap().push(message));
    let mut visit = Visit::start(kind, server, &format!("fastmcp-{era}"), builder);
    assert_eq!(visit.client.version(), version);
    assert_eq!(
        visit.client.server_name().as_deref(),
        Some("py-fastmcp-server")
    );
    let mut offer = offers::fastmcp();
    offer.untried.extend(grown);
    visit.use_all(offer);
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
fn python(kind: Kind, server: Place<'_>, (era, mode, version): Era) {
    let form = json!({"username": "alice", "email": "a@example.com", "name": "Alice", "ok": true});
    let builder = answering(builder().era(mode), &form);
    let mut visit = Visit::start(kind, server, &format!("python-{era}"), builder);
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
    // Over HTTP, the newest revision takes a request back by hanging up.
    let told =
        recorded.contains("notifications/cancelled") || recorded.contains(r#""from": "gone""#);
    visit.expect(told, || "the server was not told of the timeout".to_owned());
    visit.end();
}

fn changes(kind: Kind, server: Place<'_>, (era, mode, _): Era) {
    let (changes, heard) = seen();
    let builder = builder()
        .era(mode)
        .on_change(move |change| heard.lock().unwrap().push(format!("{change:?}")));
    let mut visit = Visit::start(kind, server, &format!("changes-{era}"), builder);
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
    let log = peers::scratch(&format!("{kind:?}-death.jsonl"));
    let client = kind.spawn(builder(), official().recorded(&log)).unwrap();
    die(&*client);
    let status = client.close();
    assert_eq!(status.and_then(|status| status.code()), Some(3));
}

fn death_over_http(kind: Kind) {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    for (_, mode, version) in [HANDSHAKE, DISCOVERED] {
        let mut server = official().serve(Http::Streamable);
        let endpoint = Endpoint::new(server.url()).unwrap();
        let client = kind.http(builder().era(mode), endpoint).unwrap();
        assert_eq!(client.version(), version);
        die(&*client);
        client.close();
        assert_eq!(server.status(), Some(3));
    }
}

fn die(client: &dyn AnyClient) {
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
}

// --- Over HTTP: one process is visited several times --------------------------------------------

fn everything_over_http(kind: Kind, http: Http) {
    if !peers::setup(&[Group::Python, Group::Npm]) {
        return;
    }
    let server = Peer::npm("everything").serve(http);
    everything(kind, Place::Http(&server));
}

fn fastmcp_over_http(kind: Kind) {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    let server = fast().serve(Http::Streamable);
    fastmcp(kind, Place::Http(&server), HANDSHAKE, &[]);
    fastmcp(kind, Place::Http(&server), DISCOVERED, &["grown"]);
}

fn python_over_http(kind: Kind) {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    let server = official().serve(Http::Streamable);
    for era in [HANDSHAKE, DISCOVERED] {
        python(kind, Place::Http(&server), era);
        changes(kind, Place::Http(&server), era);
    }
}

/// The second line of the TypeScript SDK: without sessions, it asks and announces in the newest era
/// alone.
fn typescript_over_http(kind: Kind) {
    if !peers::setup(&[Group::Python, Group::Npm, Group::NpmServer]) {
        return;
    }
    let server = Peer::script("ts_server.mjs").serve(Http::Streamable);
    for (era, mode, version) in [HANDSHAKE, DISCOVERED] {
        let (changes, heard) = seen();
        let builder = answering(builder().era(mode), &json!({"ok": true}))
            .on_change(move |change| heard.lock().unwrap().push(format!("{change:?}")));
        let place = Place::Http(&server);
        let mut visit = Visit::start(kind, place, &format!("typescript-{era}"), builder);
        assert_eq!(visit.client.version(), version);
        assert_eq!(visit.client.instructions().as_deref(), Some("A peer."));
        visit.use_all(offers::typescript());
        let (steps, told) = seen();
        let options = Options::default()
            .on_progress(move |progress| told.lock().unwrap().push(progress.done));
        let reported = visit.client.call("report", &json!({}), options);
        visit.expect(reported.is_ok(), || format!("{reported:?}"));
        assert_eq!(*steps.lock().unwrap(), [1.0, 2.0, 3.0]);
        let unknown = visit
            .client
            .call("no-such-tool", &json!({}), Options::default());
        visit.expect(unknown.is_err(), || format!("{unknown:?}"));
        let late = visit
            .client
            .call("wait", &json!({"ms": 60_000}), timeout(200));
        visit.expect(late.is_err(), || format!("{late:?}"));
        if version == ProtocolVersion::V2026_07_28 {
            visit.call("confirm", &json!({}), &Has("confirmed true"));
            let subscription = visit.client.subscribe(Subscription::lists()).unwrap();
            visit.call("change", &json!({}), &Has("changed"));
            wait_for("a change of the tools", || {
                changes
                    .lock()
                    .unwrap()
                    .iter()
                    .any(|change| change == "Tools")
            });
            visit.client.unsubscribe(subscription);
        }
        visit.call("echo", &json!({"message": "after"}), &Has("after"));
        visit.end();
    }
}
