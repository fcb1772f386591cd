//! Bad input, on every binding, in both eras: each case has a clear answer, loses nothing, and
//! leaves the connection as good as new.
#![cfg(unix)]

mod cases;
mod server;

use mcp_tests::bindings::{Binding, Peer};
use serde_json::Value;

use self::cases::{Case, Opened};

/// What a message is about and what it says, in a few words.
fn summary(line: &str) -> String {
    let message: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    if let Some(method) = message["method"].as_str() {
        return method.to_owned();
    }
    let id = match message.get("id") {
        Some(id) => id.to_string(),
        None => "-".into(),
    };
    match (&message["error"]["code"], &message["result"]["isError"]) {
        (Value::Null, Value::Bool(true)) => format!("{id} tool error"),
        (Value::Null, _) => format!("{id} ok"),
        (code, _) => format!("{id} {code}"),
    }
}

/// Sends one case on a connection of its own; gives what came back, sorted by what it is about
/// since several answers may be under way at once.
///
/// # Errors
/// Where it ends the connection, has more answers than expected, or the next call is not served.
fn run(binding: Binding, case: &Case, opened: Opened) -> Result<Vec<String>, String> {
    let (server, release) = server::server();
    let mut peer = Peer::connect(binding, &server);
    peer.send(opened.opening());
    if opened != Opened::Not {
        let opened = peer.line().ok_or("it cannot be opened")?;
        assert_eq!(summary(&opened), "\"open\" ok");
    }
    peer.send(case.input(opened));
    let mut lines = Vec::new();
    for _ in case.answers(opened) {
        lines.push(peer.line().ok_or("it ended the connection")?);
    }
    // The connection lives on, and serves as before.
    peer.send_line(&case.after(opened));
    let after = peer.line().ok_or("it ended the connection")?;
    if summary(&after) != "\"after\" ok" {
        return Err(format!("afterwards: {after}"));
    }
    drop(release);
    let (rest, error) = peer.finish();
    if !rest.is_empty() || error.is_some() {
        return Err(format!("at the end: {error:?} {rest:?}"));
    }
    lines.sort_by_key(|line| summary(line));
    let told: Vec<String> = lines.iter().map(|line| summary(line)).collect();
    if told != case.answers(opened) {
        return Err(format!("answered with {lines:?}"));
    }
    Ok(lines)
}

/// Runs all cases on all bindings; gives what the first one said.
fn check(opened: Opened) -> String {
    server::expect_panics();
    let (mut transcript, mut problems) = (String::new(), String::new());
    for case in cases::all().iter().filter(|case| case.is_for(opened)) {
        let first = run(Binding::ALL[0], case, opened);
        if let Err(problem) = &first {
            problems.push_str(&format!("{}: {problem}\n", case.name));
        }
        for binding in &Binding::ALL[1..] {
            let lines = run(*binding, case, opened);
            if lines != first {
                problems.push_str(&format!("{binding:?}, {}: {lines:?}\n", case.name));
            }
        }
        transcript.push_str(&format!("# {}\n", case.name));
        // A flood is answered by more of the same.
        for line in first.iter().flatten().take(4) {
            transcript.push_str(&format!("< {line:.300}\n"));
        }
    }
    assert!(problems.is_empty(), "\n{problems}");
    transcript
}

#[test]
fn before_anything_was_said() {
    insta::assert_snapshot!("unopened", check(Opened::Not));
}

#[test]
fn after_a_handshake() {
    insta::assert_snapshot!("handshake", check(Opened::Handshake));
}

#[test]
fn without_a_handshake() {
    insta::assert_snapshot!("stateless", check(Opened::Stateless));
}
