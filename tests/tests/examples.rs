//! The examples that newcomers copy, run as they are.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use bind_blocking::{json, prelude::*};
use mcp_proto::version::ProtocolVersion;
use mcp_tests::{peers::example, served::Served};

#[test]
fn the_calculator_calculates() {
    let Some(path) = example("calculator") else {
        return;
    };
    let client = Client::spawn(Command::new(path)).unwrap();
    assert_eq!(
        client.server_info().unwrap().name,
        "bind-blocking",
        "the caller's crate, not the core"
    );
    let names: Vec<String> = client
        .list_tools()
        .unwrap()
        .into_iter()
        .map(|tool| tool.name)
        .collect();
    assert_eq!(names, ["add", "divide"]);
    let sum: f64 = client
        .call_tool("add", json!({"a": 1, "b": 2}))
        .unwrap()
        .structured()
        .unwrap();
    assert_eq!(sum, 3.0);
    let failed = client.call_tool("divide", json!({"a": 1, "b": 0})).unwrap();
    assert!(failed.text().contains("cannot divide by zero"));
    assert!(failed.into_result().is_err());
    assert!(client.close().unwrap().success());
}

#[test]
fn notes_are_written_and_read() {
    let Some(path) = example("notes") else { return };
    let client = Client::spawn(Command::new(path)).unwrap();
    client
        .call_tool("write", json!({"name": "milk", "text": "buy some"}))
        .unwrap()
        .into_result()
        .unwrap();
    let note = client.read_resource("notes://milk").unwrap();
    assert!(format!("{note:?}").contains("buy some"));
    assert!(matches!(
        client.read_resource("notes://bread"),
        Err(Error::Call(CallError::Rpc(_)))
    ));
    let prompt = client
        .get_prompt("summarize", json!({"name": "milk"}))
        .unwrap();
    assert_eq!(prompt.messages.len(), 1);
}

#[test]
fn bare_function_pointers_serve() {
    let Some(path) = example("fn_pointers") else {
        return;
    };
    let client = Client::spawn(Command::new(path)).unwrap();
    assert_eq!(client.protocol_version(), ProtocolVersion::LATEST);
    assert_eq!(
        client.call_tool("double", json!({"n": 21})).unwrap().text(),
        "42"
    );
}

#[test]
fn an_event_loop_of_ones_own_serves_many() {
    let Some(path) = example("own_loop") else {
        return;
    };
    let mut server = Command::new(path).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap();
    let clients: Vec<Client> = (0..8).map(|_| Client::tcp(address).unwrap()).collect();
    for client in &clients {
        let uptime = client.call_tool("uptime", ()).unwrap();
        assert!(uptime.text().parse::<u64>().is_ok(), "{}", uptime.text());
    }
    drop(clients);
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn the_tour_prints_what_a_server_offers() {
    let Some(path) = example("tour") else { return };
    let output = Command::new(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for line in [
        "connected to bind-blocking, speaking 2026-07-28",
        "tool      add",
        "add(1, 2) = 3",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn servers_are_reached_over_http() {
    let served = Served::fixture(env!("CARGO_BIN_EXE_fixture-blocking"));
    for (name, arguments, expected) in [
        ("http_client", &["add", r#"{"a": 1, "b": 2}"#][..], "3"),
        ("http_client", &[], "test_simple_text"),
        (
            "http_client_tokio",
            &["test_simple_text"],
            "test_simple_text: This is a simple text",
        ),
        ("http_client_smol", &[], "speaking 2026-07-28"),
    ] {
        let Some(path) = example(name) else { return };
        let output = Command::new(path)
            .arg(served.url())
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let problems = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && text.contains(expected),
            "{name}: {text}{problems}"
        );
    }
}

#[test]
fn who_asks_is_answered_in_both_eras_and_orders_once() {
    let Some(path) = example("ask") else { return };
    let told = Command::new(path).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let each = "  (a number is taken for tea)\n  How shall tea be sent?\n  10 more, really?\n  \
                order 42: tea to Ghent\n";
    assert_eq!(told, format!("2026-07-28:\n{each}2025-11-25:\n{each}"));
}

#[test]
fn a_server_on_tokio_asks_a_client_on_threads() {
    let Some(path) = example("ask_tokio") else {
        return;
    };
    let person = ClientBuilder::new("person", "1").on_elicit(|_| {
        let answer = json!({"name": "Ada", "age": 36});
        mcp_proto::types::ElicitResult::accept(answer.into())
    });
    let client = Client::spawn_with(person, Command::new(path)).unwrap();
    let greeted = client.call_tool("greet", json!({})).unwrap();
    // It has declared no roots, which the server does without.
    assert_eq!(greeted.text(), "Hello, Ada, aged 36, with 0 folders");
    assert!(client.close().unwrap().success());
}

#[test]
fn every_runtime_has_a_calculator_and_a_client_that_lists_it() {
    for server in [
        "calculator",
        "calculator_tokio",
        "calculator_smol",
        "calculator_async_std",
    ] {
        for client in ["client_tokio", "client_smol", "client_async_std"] {
            let (Some(server), Some(client)) = (example(server), example(client)) else {
                return;
            };
            let output = Command::new(client).arg(&server).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(
                output.status.success() && text.contains("tool      add  "),
                "{}: {text}",
                server.display()
            );
        }
    }
}

#[test]
fn a_server_within_an_application_ends_with_it() {
    for (name, tool) in [
        ("embedded_tokio", "set_interval"),
        ("embedded_smol", "calibrate"),
    ] {
        let Some(path) = example(name) else { return };
        let mut server = Command::new(path)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stderr.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap();
        let address = address.split(';').next().unwrap();
        let client = Client::tcp(address).unwrap();
        let value = client.read_resource("sensor://temperature").unwrap();
        assert!(format!("{value:?}").contains("2"), "{name}: {value:?}");
        let tools = client.list_tools().unwrap();
        assert_eq!(tools[0].name, tool, "{name}");
        // Enter ends it, although a client is there.
        drop(server.stdin.take());
        assert!(server.wait().unwrap().success(), "{name}");
        assert!(client.ping().is_err(), "{name}");
    }
}

#[test]
fn a_task_is_begun_watched_asked_and_read() {
    for name in ["tasks", "tasks_tokio"] {
        let Some(path) = example(name) else { return };
        let told = Command::new(path).output().unwrap();
        let problems = String::from_utf8_lossy(&told.stderr).into_owned();
        let told = String::from_utf8(told.stdout).unwrap();
        assert!(
            told.starts_with("2026-07-28:\n"),
            "{name}: {told}{problems}"
        );
        assert_eq!(told.matches(":\n").count(), 2, "{told}");
        for (line, times) in [
            ("  asked: Metropolis is long. Really?\n", 2),
            ("  input_required\n", 2),
            ("  completed\n", 1),
            ("  Metropolis.mp4\n", 2),
            ("  again: Metropolis.mp4\n", 2),
        ] {
            assert!(
                told.matches(line).count() >= times,
                "{name}: {told}{problems}"
            );
        }
        if name == "tasks" {
            assert_eq!(
                told.matches("  plainly: Metropolis.mp4\n").count(),
                2,
                "{told}"
            );
            assert_eq!(told.matches("  cancelled\n").count(), 2, "{told}");
        }
    }
}
