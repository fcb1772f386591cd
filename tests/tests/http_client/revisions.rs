//! Our clients and our servers over HTTP, in every revision: whoever is who, the same is said.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use mcp_client_core::{EraMode, Options, Subscription, http::Endpoint};
use mcp_proto::{
    types::{CompletionReference, LoggingLevel},
    version::{Era, ProtocolVersion},
};
use mcp_tests::{
    clients::Kind,
    fixture,
    peers::{self, Group},
    schema::Schemas,
    served::Served,
    transcript::{self, Side},
};
use serde_json::{Value, json};

use crate::{builder, until};

/// The programs that serve the fixture over HTTP.
const FIXTURES: &[&str] = &[
    env!("CARGO_BIN_EXE_fixture-blocking"),
    env!("CARGO_BIN_EXE_fixture-tokio"),
    env!("CARGO_BIN_EXE_fixture-async-std"),
    env!("CARGO_BIN_EXE_fixture-smol"),
];

/// Some of what it offers.
const KNOWN: [&str; 7] = [
    "add",
    "echo",
    "test_header_argument",
    "test://static-text",
    "test://watched-resource",
    "test://template/{id}/data",
    "test_prompt_with_arguments",
];

type Seen = Arc<Mutex<Vec<String>>>;

/// What a program sees of the fixture.
fn visit(kind: Kind, version: ProtocolVersion, url: &str) -> String {
    let era = match version.era() {
        Era::Stateless => EraMode::Auto,
        _ => EraMode::Handshake(version),
    };
    let (logs, changes, steps) = (Seen::default(), Seen::default(), Seen::default());
    let (log, change, step) = (Arc::clone(&logs), Arc::clone(&changes), Arc::clone(&steps));
    let push = |seen: &Seen, what: String| seen.lock().unwrap().push(what);
    let builder = builder(era)
        .log_level(LoggingLevel::Info)
        .on_log(move |entry| push(&log, format!("{} {}", entry.level, json!(entry.data))))
        .on_change(move |what| push(&change, format!("{what:?}")));
    let client = kind.http(builder, Endpoint::new(url).unwrap()).unwrap();
    let mut text = format!("{} {:?}\n", client.version(), client.server_name());
    let mut write = |what: &str, result: Result<Value, String>| {
        let _ = match result {
            Ok(value) => writeln!(text, "{what}: {value}"),
            Err(error) => writeln!(text, "{what} fails: {error}"),
        };
    };
    // Of what is listed, what does not change with the fixture.
    let names = |list: Result<Vec<Value>, String>, key: &str| {
        let name = |item: &Value| item[key].clone();
        let known = |name: &Value| KNOWN.iter().any(|known| name == known);
        list.map(|list| list.iter().map(name).filter(known).collect::<Value>())
    };
    write("tools", names(client.tools(), "name"));
    write("resources", names(client.resources(), "uri"));
    write("templates", names(client.templates(), "uriTemplate"));
    write("prompts", names(client.prompts(), "name"));
    for (tool, arguments) in [
        ("echo", json!({"message": "gr\u{fc}\u{df}e"})),
        ("add", json!({"a": 1.5, "b": 2})),
        ("test_image_content", json!({})),
        ("test_error_handling", json!({})),
        ("test_header_argument", json!({"region": " eu\u{e9} "})),
        ("add", json!({"a": "one"})),
        ("no_such_tool", json!({})),
    ] {
        write(tool, client.call(tool, &arguments, Options::default()));
    }
    let options = Options::default().on_progress(move |progress| {
        steps.lock().unwrap().push(progress.done.to_string());
    });
    write(
        "progress",
        client.call("test_tool_with_progress", &json!({}), options),
    );
    write("steps", Ok(json!(*step.lock().unwrap())));
    write(
        "logging",
        client.call("test_tool_with_logging", &json!({}), Options::default()),
    );
    until("all logs", || logs.lock().unwrap().len() >= 3);
    write("logs", Ok(json!(*logs.lock().unwrap())));
    write("read", client.read("test://static-text"));
    write("template", client.read("test://template/7/data"));
    write("missing", client.read("test://nothing"));
    write(
        "prompt",
        client.prompt(
            "test_prompt_with_arguments",
            &json!({"arg1": "a", "arg2": "b"}),
        ),
    );
    let reference = CompletionReference::prompt("test_prompt_with_arguments");
    write(
        "complete",
        client
            .complete(reference, "arg1", "")
            .map(|values| json!(values)),
    );
    write("ping", client.ping().map(|()| Value::Null));

    let subscription = client.subscribe(Subscription::lists()).unwrap();
    // In the older revisions the stream for them may not be open yet: then it is announced in vain.
    until("a change", || {
        client
            .call("test_trigger_tool_change", &json!({}), Options::default())
            .unwrap();
        std::thread::sleep(Duration::from_millis(20));
        changes
            .lock()
            .unwrap()
            .iter()
            .any(|change| change == "Tools")
    });
    client.unsubscribe(subscription);
    let slow = json!({"ms": 60_000});
    let given_up = client.call_for(Duration::from_millis(100), "sleep", &slow);
    write(
        "given up",
        given_up.map(|output| output.unwrap_or_default()),
    );
    write(
        "after",
        client.call("echo", &json!({"message": "there"}), Options::default()),
    );
    client.close();
    write(
        "closed",
        client.call("echo", &json!({"message": "gone"}), Options::default()),
    );
    text
}

fn check(version: ProtocolVersion) {
    if !peers::setup(&[Group::Python]) {
        return;
    }
    let schemas = Schemas::load();
    let mut expected = None;
    for program in FIXTURES {
        let server = Served::fixture(program);
        for kind in Kind::ALL {
            let log = peers::scratch(&format!("revisions-{kind:?}-{version}.jsonl"));
            let recorder = Served::recorder(&log, server.url());
            let seen = visit(kind, version, recorder.url());
            recorder.finish();
            let judged = transcript::judge(&log, schemas.as_ref(), Side::Server);
            assert!(judged.messages > 0);
            let mut problems = [judged.problems, judged.peer_faults].concat();
            // The published schemas of the older ones forget that requests have a `_meta`.
            if version >= ProtocolVersion::V2025_11_25 {
                let judged = transcript::judge(&log, schemas.as_ref(), Side::Client);
                problems.extend(judged.problems);
            }
            let problems = problems.join("\n");
            assert!(problems.is_empty(), "{kind:?}, {version}:\n{problems}");
            let expected = expected.get_or_insert_with(|| seen.clone());
            assert!(
                seen == *expected,
                "{kind:?} and {program} in {version}:\n{seen}\nbut others:\n{expected}"
            );
        }
    }
    insta::assert_snapshot!(format!("revision-{version}"), expected.unwrap_or_default());
}

#[test]
fn everybody_agrees_in_2024_11_05() {
    check(ProtocolVersion::V2024_11_05);
}

#[test]
fn the_transport_of_2024_11_05_makes_no_difference() {
    let listener = bind_blocking::HttpListener::bind("127.0.0.1:0")
        .unwrap()
        .options(|options| options.http_sse("/sse", "/messages"));
    let (address, end) = (listener.local_addr(), listener.shutdown_handle());
    let serving = std::thread::spawn(move || listener.serve(fixture::server()));
    let version = ProtocolVersion::V2024_11_05;
    let expected = visit(Kind::Blocking, version, &format!("http://{address}/mcp"));
    for kind in Kind::ALL {
        let seen = visit(kind, version, &format!("http://{address}/sse"));
        assert!(
            seen == expected,
            "{kind:?}:\n{seen}\nbut over the newer one:\n{expected}"
        );
    }
    end.shutdown();
    serving.join().unwrap().unwrap();
}

#[test]
fn everybody_agrees_in_2025_03_26() {
    check(ProtocolVersion::V2025_03_26);
}

#[test]
fn everybody_agrees_in_2025_06_18() {
    check(ProtocolVersion::V2025_06_18);
}

#[test]
fn everybody_agrees_in_2025_11_25() {
    check(ProtocolVersion::V2025_11_25);
}

#[test]
fn everybody_agrees_in_2026_07_28() {
    check(ProtocolVersion::V2026_07_28);
}
