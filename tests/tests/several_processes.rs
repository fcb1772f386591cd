//! Processes that serve the same clients, and share what changes: the example `several_processes`, two
//! of it, and clients of both eras at each.
#![cfg(unix)]

use std::{net::UdpSocket, path::Path, process::Command, thread, time::Duration};

use mcp_proto::version::ProtocolVersion;
use mcp_tests::{by_hand::ByHand, peers::example, served::Served};
use serde_json::{Value, json};

const NEW: ProtocolVersion = ProtocolVersion::V2026_07_28;
const OLD: ProtocolVersion = ProtocolVersion::V2025_11_25;

/// Ports on the bus that nobody else has, at the moment.
fn free_ports() -> [u16; 2] {
    let sockets = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("a port"));
    sockets.map(|socket| socket.local_addr().expect("it is bound").port())
}

fn start(program: &Path, own: u16, other: u16) -> Served {
    let ports = [0, own, other].map(|port| port.to_string());
    Served::program(Command::new(program).args(ports))
}

/// A client that is to be told of the board and of the tools.
fn listening(url: &str, version: ProtocolVersion) -> ByHand {
    let mut client = ByHand::on_http(url, version, &json!({}));
    if version == OLD {
        let answer = client.ask("resources/subscribe", json!({"uri": "board://all"}));
        assert_eq!(answer["result"], json!({}));
    } else {
        let wanted = json!({"resourceSubscriptions": ["board://all"], "toolsListChanged": true});
        client.send("subscriptions/listen", json!({"notifications": wanted}));
        client.hear(|message| message["method"] == "notifications/subscriptions/acknowledged");
    }
    client
}

fn call(url: &str, tool: &str, arguments: &Value) {
    let mut client = ByHand::on_http(url, NEW, &json!({}));
    let answer = client.ask("tools/call", json!({"name": tool, "arguments": arguments}));
    assert_eq!(answer["result"]["isError"], Value::Null, "{answer}");
}

fn is_update(message: &Value) -> bool {
    message["method"] == "notifications/resources/updated"
        && message["params"]["uri"] == "board://all"
}

#[test]
fn what_changes_at_one_process_is_told_by_the_other_in_both_eras() {
    let Some(program) = example("several_processes") else {
        return;
    };
    let [one, two] = free_ports();
    let (first, second) = (start(&program, one, two), start(&program, two, one));
    let places = [(&first, &second), (&second, &first)];
    for (here, there) in places {
        let mut told: Vec<_> = [OLD, NEW]
            .map(|version| listening(here.url(), version))
            .into();
        call(there.url(), "write", &json!({"text": "hello"}));
        for client in &mut told {
            client.hear(is_update);
        }
        // And by its own process as ever.
        call(here.url(), "write", &json!({"text": "hello"}));
        for client in &mut told {
            client.hear(is_update);
        }
    }
}

#[test]
fn a_flood_is_put_together_and_nothing_else_is_lost_for_good() {
    let Some(program) = example("several_processes") else {
        return;
    };
    const TIMES: usize = 20_000;
    let [one, two] = free_ports();
    let (first, second) = (start(&program, one, two), start(&program, two, one));
    let mut told: Vec<_> = [OLD, NEW]
        .map(|version| listening(second.url(), version))
        .into();
    call(first.url(), "announce", &json!({"times": TIMES}));
    // The process that was flooded still serves, and hears of what comes afterwards.
    call(second.url(), "write", &json!({"text": "own"}));
    for client in &mut told {
        client.hear(is_update);
        client.forget();
    }
    call(first.url(), "write", &json!({"text": "after"}));
    for client in &mut told {
        client.hear(is_update);
        let is_list = |message: &Value| message["method"] == "notifications/tools/list_changed";
        let lists = client.waiting(is_list);
        assert!(
            (1..TIMES).contains(&lists),
            "told {lists} times of {TIMES} changes"
        );
    }
}

#[test]
fn without_the_other_process_everything_but_its_changes_is_as_ever() {
    let Some(program) = example("several_processes") else {
        return;
    };
    let [one, two] = free_ports();
    let first = start(&program, one, two);
    let mut told = listening(first.url(), NEW);
    // Nobody is there yet.
    call(first.url(), "write", &json!({"text": "alone"}));
    told.hear(is_update);
    let second = start(&program, two, one);
    call(second.url(), "write", &json!({"text": "both"}));
    told.hear(is_update);
    // It is gone, and comes back.
    drop(second);
    call(first.url(), "write", &json!({"text": "alone again"}));
    told.hear(is_update);
    let second = start(&program, two, one);
    let mut at_second = listening(second.url(), OLD);
    call(first.url(), "write", &json!({"text": "both again"}));
    at_second.hear(is_update);
    told.hear(is_update);
    call(second.url(), "write", &json!({"text": "and back"}));
    told.hear(is_update);
}

#[test]
fn nobody_else_has_a_say_and_nonsense_harms_nobody() {
    let Some(program) = example("several_processes") else {
        return;
    };
    let [one, two] = free_ports();
    let (first, stranger) = (
        start(&program, one, two),
        UdpSocket::bind("127.0.0.1:0").expect("a port"),
    );
    let mut told = listening(first.url(), NEW);
    let tell = |socket: &UdpSocket, text: &[u8]| {
        socket
            .send_to(text, ("127.0.0.1", one))
            .expect("it is sent");
    };
    tell(&stranger, br#"{"change":"tools"}"#);
    // One that is on the bus, and says what nobody understands.
    let member = UdpSocket::bind(("127.0.0.1", two)).expect("its port");
    for nonsense in [
        &b"\xff\xfe"[..],
        b"",
        b"{}",
        br#"{"change":"weather"}"#,
        &[b'x'; 60_000],
    ] {
        tell(&member, nonsense);
    }
    tell(&member, br#"{"change":"resource","uri":"board://all"}"#);
    let first_told = told.hear(|message| message.get("method").is_some());
    assert!(is_update(&first_told), "{first_told}");
    thread::sleep(Duration::from_millis(50));
    assert_eq!(told.waiting(|_| true), 0);
}
