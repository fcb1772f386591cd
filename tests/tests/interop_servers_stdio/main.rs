//! Our client, other people's servers, over stdio: everything that they offer is listed and used.
//!
//! Each server has a table of uses. A tool or prompt that the server offers and the table lacks is a
//! failure, so nothing that they offer stays untried. All that passes on the pipe is recorded, and
//! what our side says must be what its revision's schema allows.

mod offers;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bind_blocking::mcp_client_core::{EraMode, Subscription};
use bind_blocking::mcp_proto::types::{
    CompletionReference, CreateMessageResult, ElicitResult, LoggingLevel, Root,
};
use bind_blocking::mcp_proto::uri::UriTemplate;
use bind_blocking::mcp_proto::version::ProtocolVersion;
use bind_blocking::{Client, ClientBuilder, Options};
use mcp_tests::peers::{self, Group};
use mcp_tests::schema::Schemas;
use mcp_tests::transcript::{self, Side};
use serde_json::{Value, json};

use offers::{Offer, Outcome, Outcome::Has, Outcome::ToolError};

const LEGACY: EraMode = EraMode::Handshake(ProtocolVersion::V2025_11_25);

/// A connection to somebody else's server, recorded.
struct Visit {
    client: Client,
    log: PathBuf,
    problems: Vec<String>,
}

fn builder() -> ClientBuilder {
    ClientBuilder::new("interop", "1.0.0")
}

fn npm_server(name: &str) -> Vec<String> {
    let program = peers::node();
    [program, peers::npm_server(name)]
        .map(|path| path.display().to_string())
        .into()
}

fn python_server(name: &str) -> Vec<String> {
    [peers::python(), peers::scripts().join(name)]
        .map(|path| path.display().to_string())
        .into()
}

impl Visit {
    fn start(
        label: &str,
        builder: ClientBuilder,
        server: &[String],
        variables: &[(&str, &str)],
    ) -> Self {
        let log = peers::scratch(&format!("{label}.jsonl"));
        let server: Vec<_> = server.iter().map(String::as_str).collect();
        let argv = peers::recorded(&log, &server);
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).envs(variables.iter().copied());
        let client =
            Client::spawn_with(builder, command).unwrap_or_else(|error| panic!("{label}: {error}"));
        Self {
            client,
            log,
            problems: Vec::new(),
        }
    }

    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(what());
        }
    }

    /// Uses everything on offer, and complains about what the offer does not know.
    fn use_all(&mut self, offer: Offer) {
        let names = |listed: Vec<Value>, key: &str| -> BTreeSet<String> {
            listed
                .iter()
                .filter_map(|item| Some(item[key].as_str()?.to_owned()))
                .collect()
        };
        let capabilities = self.client.capabilities().clone();
        let listed = names(values(self.client.list_tools()), "name");
        self.same(
            &listed,
            offer
                .tools
                .iter()
                .map(|(name, ..)| *name)
                .chain(offer.untried),
        );
        for (name, arguments, outcome) in offer.tools {
            self.call(name, &arguments, &outcome);
        }
        if capabilities.resources.is_some() {
            let listed = names(values(self.client.list_resources()), "uri");
            for uri in &offer.resources {
                self.expect(listed.contains(*uri), || {
                    format!("{uri} is not in {listed:?}")
                });
            }
            for uri in offer.resources {
                let read = self.client.read_resource(uri);
                self.expect(
                    read.as_ref().is_ok_and(|read| !read.contents.is_empty()),
                    || format!("{uri}: {read:?}"),
                );
            }
            let listed = names(values(self.client.list_resource_templates()), "uriTemplate");
            self.same(
                &listed,
                offer.templates.iter().map(|(template, ..)| *template),
            );
            for (template, variables, part) in offer.templates {
                let parsed = UriTemplate::parse(template).expect("their templates are templates");
                let uri = parsed
                    .expand(&variables)
                    .expect("their variables are there");
                let read = self.client.read_resource(&*uri);
                let found = read
                    .as_ref()
                    .is_ok_and(|read| json(read).to_string().contains(part));
                self.expect(found, || format!("{uri}: {read:?}"));
            }
        }
        if capabilities.prompts.is_some() {
            let listed = names(values(self.client.list_prompts()), "name");
            self.same(&listed, offer.prompts.iter().map(|(name, ..)| *name));
            for (name, arguments, part) in offer.prompts {
                let prompt = self.client.get_prompt(name, &arguments);
                let found = prompt
                    .as_ref()
                    .is_ok_and(|prompt| json(prompt).to_string().contains(part));
                self.expect(found, || format!("prompt {name}: {prompt:?}"));
            }
        }
    }

    fn call(&mut self, name: &str, arguments: &Value, outcome: &Outcome) {
        let result = self.client.call_tool(name, arguments);
        let text = result.as_ref().map(|output| json(&**output).to_string());
        let failed = result
            .as_ref()
            .is_ok_and(|output| output.is_error == Some(true));
        let holds = match (outcome, &text) {
            (Has(part), Ok(text)) => !failed && text.contains(part),
            (ToolError(part), Ok(text)) => failed && text.contains(part),
            _ => false,
        };
        self.expect(holds, || format!("{name} {arguments}: {text:?}"));
    }

    fn same<'a>(&mut self, listed: &BTreeSet<String>, known: impl Iterator<Item = &'a str>) {
        let known: BTreeSet<_> = known.map(str::to_owned).collect();
        self.expect(*listed == known, || {
            let untried: Vec<_> = listed.difference(&known).collect();
            let missing: Vec<_> = known.difference(listed).collect();
            format!("offered and not tried: {untried:?}; tried and not offered: {missing:?}")
        });
    }

    /// Closes the connection and judges what was recorded.
    fn end(mut self) {
        let stderr = self.client.stderr();
        let status = self.client.clone().close();
        // Ours ends a server that takes too long by SIGTERM, which the recorder passes on as 143.
        let code = status.and_then(|status| status.code());
        self.expect([0, 143].map(Some).contains(&code), || {
            format!("the server ended with {status:?}")
        });
        let schemas = Schemas::load();
        if schemas.is_none() {
            let _ =
                peers::skip("messages are not validated, the folder of official schemas is absent");
        }
        let verdict = transcript::judge(&self.log, schemas.as_ref(), Side::Client);
        for fault in verdict.peer_faults {
            println!("the server's fault: {fault}");
        }
        self.problems.extend(verdict.problems);
        assert!(verdict.messages > 0);
        let stderr = peers::tail(&stderr, 20);
        assert!(
            self.problems.is_empty(),
            "{}\nstandard error:\n{stderr}",
            self.problems.join("\n")
        );
    }
}

fn json(value: &impl bind_blocking::mcp_client_core::Serialize) -> Value {
    serde_json::to_value(value).expect("a result is JSON")
}

fn values<T: bind_blocking::mcp_client_core::Serialize, E: std::fmt::Display>(
    list: Result<Vec<T>, E>,
) -> Vec<Value> {
    list.unwrap_or_else(|error| panic!("a list failed: {error}"))
        .iter()
        .map(json)
        .collect()
}

// --- The three npm servers ----------------------------------------------------------------------

/// Answers all that a server may ask.
fn answering(builder: ClientBuilder) -> ClientBuilder {
    // The published schema of 2025-11-25 allows no fraction here, though its prose does.
    let form = json!({"name": "alice", "check": true, "integer": 7, "number": 2});
    let content = bind_blocking::mcp_proto::json::Json::new(&form).expect("it is JSON");
    builder
        .on_elicit(move |_| ElicitResult::accept(content.clone()))
        .on_sample(|_| CreateMessageResult::new("test-model", "Paris"))
        .roots([Root::new("file:///tmp")])
}

#[test]
fn everything_that_server_everything_offers() {
    if !peers::setup(&[Group::Python, Group::Npm]) {
        return;
    }
    let changes = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&changes);
    let builder = answering(builder()).on_change(move |_| *counted.lock().unwrap() += 1);
    let mut visit = Visit::start("everything", builder, &npm_server("everything"), &[]);
    // The tools that ask appear once the server has seen what this client answers, and it tells.
    wait_for(|| *changes.lock().unwrap() > 0);
    assert_eq!(
        visit.client.protocol_version(),
        ProtocolVersion::V2025_11_25
    );
    visit.use_all(offers::everything());

    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let options =
        Options::default().on_progress(move |progress| seen.lock().unwrap().push(progress.done));
    let slow = visit.client.with(options);
    slow.call_tool(
        "trigger-long-running-operation",
        json!({"duration": 0.3, "steps": 3}),
    )
    .unwrap();
    wait_for(|| steps.lock().unwrap().len() >= 3);
    assert_eq!(*steps.lock().unwrap(), [1.0, 2.0, 3.0]);

    let reference = CompletionReference::prompt("completable-prompt");
    let found = visit
        .client
        .complete(reference, "department", "Eng")
        .unwrap();
    assert_eq!(found.values, ["Engineering"]);
    visit.client.ping().unwrap();
    visit.client.set_log_level(LoggingLevel::Error).unwrap();

    let patient = visit
        .client
        .with(Options::default().timeout(Duration::from_millis(300)));
    let late = patient.call_tool(
        "trigger-long-running-operation",
        json!({"duration": 1, "steps": 1}),
    );
    assert!(
        late.unwrap_err()
            .to_string()
            .to_lowercase()
            .contains("time")
    );
    visit.call("echo", &json!({"message": "after"}), &Has("Echo: after"));
    visit.call("no-such-tool", &json!({}), &ToolError("not found"));
    for timer in ["toggle-simulated-logging", "toggle-subscriber-updates"] {
        visit.call(timer, &json!({}), &Has("Stopped"));
    }
    visit.call("echo", &json!({"message": 5}), &ToolError("message"));
    visit.end();
}

#[test]
fn everything_that_server_filesystem_offers() {
    if !peers::setup(&[Group::Python, Group::Npm]) {
        return;
    }
    let folder = std::env::temp_dir().join(format!("mcp-tests-files-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let folder = folder.canonicalize().unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("pixel.png"), b"\x89PNG\r\n").unwrap();
    let mut server = npm_server("filesystem");
    server.push(path(""));
    let mut visit = Visit::start("filesystem", builder(), &server, &[]);
    visit.use_all(offers::filesystem(path));
    visit.call(
        "read_file",
        &json!({"path": "/etc/hostname"}),
        &ToolError("Access denied"),
    );
    visit.end();
    assert_eq!(
        std::fs::read_to_string(path("b.txt")).unwrap(),
        "one\nzwei\nthree \u{2603}\n"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn everything_that_server_memory_offers() {
    if !peers::setup(&[Group::Python, Group::Npm]) {
        return;
    }
    let file = peers::scratch("memory-graph.jsonl").display().to_string();
    let variables = [("MEMORY_FILE_PATH", &*file)];
    let mut visit = Visit::start("memory", builder(), &npm_server("memory"), &variables);
    visit.use_all(offers::memory());
    visit.end();
}

// --- The Python servers, in both eras -----------------------------------------------------------

fn fastmcp(label: &str, era: EraMode, version: ProtocolVersion) {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    let logs = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&logs);
    let builder = builder()
        .era(era)
        .log_level(LoggingLevel::Info)
        .on_log(move |message| seen.lock().unwrap().push(message));
    let mut visit = Visit::start(label, builder, &python_server("py_fastmcp_server.py"), &[]);
    assert_eq!(visit.client.protocol_version(), version);
    assert_eq!(
        visit.client.server_info().unwrap().name,
        "py-fastmcp-server"
    );
    visit.use_all(offers::fastmcp());
    visit.call("grown", &json!({}), &Has("grown"));
    wait_for(|| logs.lock().unwrap().len() >= 3);
    let broken = visit.client.read_resource("data://broken");
    visit.expect(broken.is_err(), || format!("{broken:?}"));
    let sum: i64 = visit
        .client
        .call_tool("add", json!({"a": 1, "b": 2}))
        .unwrap()
        .structured()
        .unwrap();
    assert_eq!(sum, 3);
    visit.call("no_such_tool", &json!({}), &ToolError("no_such_tool"));
    visit.end();
}

#[test]
fn everything_that_a_fastmcp_server_offers_after_a_handshake() {
    fastmcp("fastmcp-handshake", LEGACY, ProtocolVersion::V2025_11_25);
}

#[test]
fn everything_that_a_fastmcp_server_offers_when_discovered() {
    fastmcp(
        "fastmcp-discovered",
        EraMode::Auto,
        ProtocolVersion::V2026_07_28,
    );
}

/// The official SDK's server, which also asks through the client, in the way of each era.
fn python(label: &str, era: EraMode, version: ProtocolVersion) {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    let form = json!({"username": "alice", "email": "a@example.com", "name": "Alice", "ok": true});
    let content = bind_blocking::mcp_proto::json::Json::new(&form).expect("it is JSON");
    let builder =
        answering(builder().era(era)).on_elicit(move |_| ElicitResult::accept(content.clone()));
    let mut visit = Visit::start(label, builder, &python_server("py_mcp_server.py"), &[]);
    assert_eq!(visit.client.protocol_version(), version);
    assert_eq!(visit.client.instructions(), Some("The test fixture."));
    visit.use_all(offers::python());
    let reference = CompletionReference::prompt("test_prompt_with_arguments");
    let found = visit.client.complete(reference, "arg1", "test").unwrap();
    assert_eq!(found.values, ["test-one", "test-two"]);
    let missing = visit
        .client
        .read_resource("test://no-such-resource")
        .unwrap_err();
    visit.expect(missing.to_string().contains("no-such-resource"), || {
        format!("{missing}")
    });

    let patient = visit
        .client
        .with(Options::default().timeout(Duration::from_millis(200)));
    let late = patient.call_tool("sleep", json!({"ms": 60_000}));
    assert!(late.is_err());
    visit.call("echo", &json!({"message": "after"}), &Has("after"));
    let recorded = std::fs::read_to_string(&visit.log).unwrap();
    visit.expect(recorded.contains("notifications/cancelled"), || {
        "the server was not told".to_owned()
    });
    visit.end();
}

#[test]
fn everything_that_the_official_python_server_offers_after_a_handshake() {
    python("python-handshake", LEGACY, ProtocolVersion::V2025_11_25);
}

#[test]
fn everything_that_the_official_python_server_offers_when_discovered() {
    python(
        "python-discovered",
        EraMode::Auto,
        ProtocolVersion::V2026_07_28,
    );
}

#[test]
fn calls_fail_at_once_when_the_server_dies() {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    let server = python_server("py_mcp_server.py");
    let mut command = Command::new(&server[0]);
    let client = Client::spawn_with(builder(), {
        command.args(&server[1..]);
        command
    })
    .unwrap();
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        let pending: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| client.call_tool("sleep", json!({"ms": 60_000}))))
            .collect();
        assert!(client.call_tool("die", ()).is_err());
        for call in pending {
            assert!(call.join().unwrap().is_err());
        }
    });
    assert!(client.call_tool("echo", json!({"message": "x"})).is_err());
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(client.close().and_then(|status| status.code()), Some(3));
}

#[test]
fn changes_of_the_official_python_server_when_subscribed() {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    for (label, era) in [
        ("python-changes-handshake", LEGACY),
        ("python-changes", EraMode::Auto),
    ] {
        let changes = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&changes);
        let builder = builder()
            .era(era)
            .on_change(move |change| seen.lock().unwrap().push(format!("{change:?}")));
        let mut visit = Visit::start(label, builder, &python_server("py_mcp_server.py"), &[]);
        let mut wanted = Subscription::default();
        wanted.tools = true;
        wanted.prompts = true;
        wanted.uris = vec!["test://watched-resource".to_owned()];
        let subscribed = visit.client.subscribe(wanted).unwrap();
        for kind in ["tool_change", "prompt_change", "resource_update"] {
            visit.call(&format!("test_trigger_{kind}"), &json!({}), &Has("ok"));
        }
        for wanted in ["Tools", "Prompts", "watched-resource"] {
            wait_for(|| {
                changes
                    .lock()
                    .unwrap()
                    .iter()
                    .any(|change| change.contains(wanted))
            });
        }
        visit.client.unsubscribe(subscribed.id);
        visit.call("echo", &json!({"message": "after"}), &Has("after"));
        visit.end();
    }
}

/// Waits for what arrives on another thread.
fn wait_for(holds: impl Fn() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(
            std::time::Instant::now() < end,
            "it did not come within 10 s"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
