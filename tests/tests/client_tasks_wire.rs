//! One task as it goes over the wire, a task of somebody else's server, and one that outlives its
//! server.
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    process::Command,
    sync::mpsc::{self, Sender},
    thread,
    time::Duration,
};

use mcp_client_core::{ClientBuilder, Options, Tasks};
use mcp_proto::{types::ElicitResult, version::ProtocolVersion};
use mcp_tests::{
    bindings::Binding,
    clients::{AnyClient, Kind},
    fixture,
    peers::{self, Group},
    task_clients::{Way, builder, text},
};
use serde_json::{Value, json};

fn begin(client: &dyn AnyClient, tool: &str, arguments: &Value) -> String {
    client
        .begin(tool, arguments)
        .expect("it can be begun")
        .expect("it is a task")
}

// ── Somebody else's server ──────────────────────────────────────────────────────────────────────

#[test]
fn a_task_of_the_official_server_is_begun_asked_and_read() {
    if !peers::setup(&[Group::Npm]) {
        return;
    }
    thread::scope(|scope| {
        for kind in Kind::ALL {
            scope.spawn(move || research(kind));
        }
    });
}

fn research(kind: Kind) {
    let (asked, questions) = mpsc::channel();
    let builder = ClientBuilder::new("tasks", "1.0.0")
        .tasks(Tasks::new())
        .on_elicit(move |form| {
            asked.send(form.message).expect("the test waits");
            ElicitResult::accept_defaults(&form.requested_schema)
        });
    let mut server = Command::new(peers::node());
    server.arg(peers::npm_server("everything")).arg("stdio");
    let client = kind.spawn(builder, server).expect("it starts");
    assert_eq!(client.version(), ProtocolVersion::V2025_11_25);
    let id = begin(
        &*client,
        "simulate-research-query",
        &json!({"topic": "rust", "ambiguous": true}),
    );
    let (changes, result) = client.task_updates(&id);
    let result = result.expect("it is completed").to_string();
    assert!(result.contains("rust"), "{kind:?}: {result}");
    let asking = |task: &Value| task["status"] == "input_required";
    assert!(changes.iter().any(asking), "{kind:?}: {changes:?}");
    assert_eq!(questions.try_iter().count(), 1, "{kind:?}");
    assert_eq!(client.task_wait(&id).unwrap()["status"], "completed");
    client.close();
}

// ── What goes over the wire ─────────────────────────────────────────────────────────────────────

/// Passes lines on and writes them down.
fn pass_on(mark: &'static str, from: UnixStream, mut to: UnixStream, told: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = told.send(format!("{mark} {line}"));
            if writeln!(to, "{line}").is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// The conversation about one task that asks something, without what depends on time.
fn conversation(way: Way) -> String {
    let (client, client_far) = UnixStream::pair().expect("a pair of sockets");
    let (server_far, server) = UnixStream::pair().expect("a pair of sockets");
    let (told, lines) = mpsc::channel();
    let clone = |socket: &UnixStream| socket.try_clone().expect("a descriptor");
    pass_on(">", clone(&client_far), clone(&server_far), told.clone());
    pass_on("<", server_far, client_far, told);
    let serving = fixture::server().build().expect("the fixture is whole");
    let _ended = Binding::Blocking.serve(&serving, server);
    let client = Kind::Smol
        .connect(builder(way), client)
        .expect("it answers");
    let id = begin(&*client, "confirm_delete", &json!({"filename": "a.txt"}));
    let result = client.task_result(&id, Options::default());
    assert_eq!(text(result), "Deleted a.txt");
    client.close();
    let mut transcript = String::new();
    let mut looks = Vec::new();
    while let Ok(line) = lines.recv_timeout(Duration::from_secs(20)) {
        let mut message: Value = serde_json::from_str(&line[2..]).expect("it is JSON");
        // How often it is looked at depends on time, and so does who is first to tell; what is
        // asked comes with an answer since 2026-07-28, and by itself before.
        if message["method"] == "tasks/get" {
            looks.push(message["id"].clone());
            continue;
        }
        let is_answer = message.get("method").is_none();
        let says_little = match message["result"]["status"].as_str() {
            Some("input_required") => way == Way::Handshake,
            status => status == Some("working"),
        };
        if message["method"] == "notifications/tasks/status"
            || (is_answer && says_little && looks.contains(&message["id"]))
        {
            continue;
        }
        message["id"].take();
        let meta = message
            .pointer_mut("/params/_meta")
            .and_then(Value::as_object_mut);
        if let Some(meta) = meta {
            meta.retain(|key, _| key.ends_with("related-task"));
        }
        let line = format!("{} {message}\n", &line[..1]).replace(&id, "ID");
        transcript.push_str(&hide_times(&line));
    }
    transcript
}

fn hide_times(line: &str) -> String {
    let mut parts = line.split("At\":\"");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once('"').map_or("", |(_, rest)| rest);
        shown = shown + "At\":\"TIME\"" + rest;
    }
    shown
}

#[test]
fn the_conversation_about_a_task_of_2025() {
    insta::assert_snapshot!("task-handshake", conversation(Way::Handshake));
}

#[test]
fn the_conversation_about_a_task_of_2026() {
    insta::assert_snapshot!("task-stateless", conversation(Way::Looking));
}

// ── A server that dies ──────────────────────────────────────────────────────────────────────────

#[test]
fn a_task_is_picked_up_after_its_server_was_killed() {
    for kind in Kind::ALL {
        let folder = peers::scratch(&format!("{kind:?}-picked-up"));
        let _ = fs::remove_dir_all(&folder);
        let pid = peers::scratch(&format!("{kind:?}-picked-up.pid"));
        let server = || {
            let mut shell = Command::new("sh");
            let line = format!(
                "echo $$ > '{}'; exec '{}' '{}'",
                pid.display(),
                env!("CARGO_BIN_EXE_fixture-file-tasks"),
                folder.display()
            );
            shell.args(["-c", &line]);
            shell
        };
        let first = kind
            .spawn(builder(Way::Looking), server())
            .expect("it starts");
        let asking = begin(&*first, "confirm_delete", &json!({"filename": "a.txt"}));
        let working = begin(
            &*first,
            "slow_compute",
            &json!({"seconds": 3600, "label": "long"}),
        );
        thread::scope(|scope| {
            let waiting = scope.spawn(|| first.task_result(&working, Options::default()));
            thread::sleep(Duration::from_millis(300));
            let id = fs::read_to_string(&pid).expect("the shell has written it");
            let killed = Command::new("kill").args(["-9", id.trim()]).status();
            assert!(killed.expect("it runs").success());
            let lost = waiting.join().unwrap().expect_err("it is lost");
            assert!(lost.contains("the call got no answer"), "{kind:?}: {lost}");
        });
        first.close();
        let second = kind
            .spawn(builder(Way::Looking), server())
            .expect("it starts");
        assert_eq!(
            text(second.task_result(&asking, Options::default())),
            "Deleted a.txt"
        );
        assert_eq!(
            text(second.task_result(&working, Options::default())),
            "error: the server answered: the server ended before the task did (-32603)"
        );
        second.close();
    }
}
