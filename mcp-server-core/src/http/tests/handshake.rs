//! Revisions 2025-03-26 to 2025-11-25: sessions, and servers without them.

use super::*;
use crate::http::SessionMode;

/// A body, headers besides those of every client, and the answer's outline.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

pub(super) fn initialize(version: &str) -> String {
    let params = format!(
        r#"{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"t","version":"1"}}}}"#
    );
    request("0", "initialize", &params)
}

pub(super) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A session that is ready; its id.
pub(super) fn session(rig: &mut Rig, version: &str) -> String {
    let open = rig.send("POST /mcp", &BASE, &initialize(version));
    assert_eq!(open.outline(), "200 result id 0");
    let id = open.header("mcp-session-id").to_string();
    assert_eq!(post(rig, &id, INITIALIZED).outline(), "202");
    id
}

pub(super) fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    BASE.into_iter().chain(more.iter().copied()).collect()
}

pub(super) fn post(rig: &mut Rig, session: &str, body: &str) -> Open {
    rig.send("POST /mcp", &with(&[("mcp-session-id", session)]), body)
}

pub(super) fn call_tool(rig: &mut Rig, session: &str, id: &str, name: &str) -> Open {
    post(
        rig,
        session,
        &request(id, "tools/call", &format!(r#"{{"name":"{name}"}}"#)),
    )
}

pub(super) fn get(rig: &mut Rig, session: &str, more: &[(&str, &str)]) -> Open {
    let mut headers = Vec::from([
        ("host", "localhost:1"),
        ("accept", "text/event-stream"),
        ("mcp-session-id", session),
    ]);
    headers.extend_from_slice(more);
    rig.send("GET /mcp", &headers, "")
}

pub(super) fn delete(rig: &mut Rig, session: &str) -> Open {
    rig.send(
        "DELETE /mcp",
        &[("host", "localhost:1"), ("mcp-session-id", session)],
        "",
    )
}

// 2025-11-25, basic/transports, "Sending Messages to the Server" and "Session Management".
#[test]
fn every_request_finds_its_session_or_an_error() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-11-25");
    let (ok, old) = (
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-protocol-version", "2025-03-26"),
    );
    let known = ("mcp-session-id", id.as_str());
    let ping = request("1", "ping", "{}");
    let batch = format!("[{ping}]");
    let table: &[Row<'_>] = &[
        (&ping, &[known], "200 result id 1"),
        (&ping, &[known, ok], "200 result id 1"),
        (&ping, &[known, old], "200 result id 1"),
        (&ping, &[], "400 -32000 id 1"),
        (&ping, &[ok], "400 -32000 id 1"),
        (&ping, &[("mcp-session-id", "unknown")], "404 -32001 id 1"),
        (&ping, &[("mcp-session-id", "")], "404 -32001 id 1"),
        (&ping, &[known, known], "400 -32000 id 1"),
        (
            &ping,
            &[known, ("mcp-protocol-version", "1.0")],
            "400 -32000 id 1",
        ),
        (&ping, &[known, ok, ok], "400 -32000 id 1"),
        // These revisions have no headers that repeat the body.
        (
            &ping,
            &[known, ok, ("mcp-method", "tools/call"), ("mcp-name", "x")],
            "200 result id 1",
        ),
        ("{", &[known], "400 -32700 id null"),
        ("5", &[known], "400 -32600 id null"),
        (r#"{"jsonrpc":"2.0","id":1}"#, &[known], "400 -32600 id 1"),
        (INITIALIZED, &[known], "202"),
        (INITIALIZED, &[], "400 -32000 id null"),
        // An answer to nothing that was asked changes nothing.
        (r#"{"jsonrpc":"2.0","id":9,"result":{}}"#, &[known], "202"),
        (
            &request("1", "unknown/method", "{}"),
            &[known],
            "200 -32601 id 1",
        ),
        (
            &request("1", "server/discover", "{}"),
            &[known],
            "200 -32601 id 1",
        ),
        (
            &request("1", "tools/call", r#"{"name":"none"}"#),
            &[known],
            "200 -32602 id 1",
        ),
        (&initialize("2025-11-25"), &[known], "400 -32600 id 0"),
        (
            &initialize("2025-11-25"),
            &[("mcp-session-id", "unknown")],
            "404 -32001 id 0",
        ),
        // Only 2025-03-26 has batches, and none with `initialize`.
        (&batch, &[known], "400 -32600 id null"),
        (
            &format!("[{}]", initialize("2025-03-26")),
            &[],
            "400 -32600 id -",
        ),
        (
            &request("1", "tools/call", r#"{"name":"answer"}"#),
            &[known],
            "200 result id 1",
        ),
    ];
    for (body, more, expected) in table {
        let open = rig.send("POST /mcp", &with(more), body);
        assert_eq!(open.outline(), *expected, "{body} {more:?}");
        assert!(open.ended);
    }
    assert_eq!(rig.server.sessions(), 1);
}

#[test]
fn every_head_is_judged_before_its_session() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-06-18");
    let (local, known) = (("host", "localhost:1"), ("mcp-session-id", id.as_str()));
    let json = ("content-type", "application/json");
    let both = ("accept", "application/json, text/event-stream");
    let stream = ("accept", "text/event-stream");
    let wrong = ("mcp-protocol-version", "1.0");
    let evil = ("origin", "http://evil.example");
    type Head<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let table: &[Head<'_>] = &[
        (
            "POST /mcp",
            &[local, json, both, known],
            "400 -32600 id null",
        ),
        (
            "POST /mcp",
            &[local, json, stream, known],
            "406 -32000 id -",
        ),
        ("POST /mcp", &[local, both, known], "415 -32000 id -"),
        (
            "POST /mcp",
            &[local, json, both, known, evil],
            "403 -32000 id -",
        ),
        ("GET /mcp", &[local, json, known], "200 stream"),
        (
            "GET /mcp",
            &[local, ("accept", "application/json"), known],
            "406 -32000 id -",
        ),
        (
            "GET /mcp",
            &[local, stream, known, wrong],
            "400 -32000 id -",
        ),
        ("GET /mcp", &[local, stream, known, evil], "403 -32000 id -"),
        ("DELETE /mcp", &[local, known, wrong], "400 -32000 id -"),
        ("DELETE /mcp", &[local, known, evil], "403 -32000 id -"),
    ];
    // A batch, which only 2025-03-26 has.
    let batch = format!("[{}]", request("1", "ping", "{}"));
    for (line, headers, expected) in table {
        let open = rig.send(line, headers, &batch);
        assert_eq!(open.outline(), *expected, "{line} {headers:?}");
    }
    assert_eq!(rig.server.sessions(), 1);
}

#[test]
fn a_session_is_opened_only_by_a_good_handshake() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut rig = rig();
        let open = rig.send("POST /mcp", &BASE, &initialize(version));
        assert!(
            open.body
                .contains(&format!(r#""protocolVersion":"{version}""#)),
            "{}",
            open.body
        );
        let id = open.header("mcp-session-id");
        assert!(mcp_proto::http::session_id::is_valid(id.as_bytes()), "{id}");
        assert_eq!(rig.server.sessions(), 1);
    }
    let mut rig = rig();
    let open = rig.send("POST /mcp", &BASE, &request("0", "initialize", "{}"));
    assert_eq!(
        (open.outline(), open.header("mcp-session-id")),
        ("200 -32602 id 0".into(), "-")
    );
    assert_eq!(rig.server.sessions(), 0);
}

#[test]
fn a_batch_is_answered_as_one() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-03-26");
    let ping = |id: &str| request(id, "ping", "{}");
    let open = post(
        &mut rig,
        &id,
        &format!("[{},{INITIALIZED},{}]", ping("1"), ping("2")),
    );
    assert_eq!(open.outline(), "200 batch");
    let answers: Vec<serde_json::Value> = serde_json::from_str(&open.body).unwrap();
    assert_eq!(
        answers
            .iter()
            .map(|answer| answer["id"].to_string())
            .collect::<Vec<_>>(),
        ["1", "2"]
    );
    // A member that is no message is answered for itself.
    let open = post(&mut rig, &id, &format!("[{},5]", ping("1")));
    let answers: Vec<serde_json::Value> = serde_json::from_str(&open.body).unwrap();
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer["error"]["code"] == -32600)
            .count(),
        1
    );
    assert_eq!(answers.len(), 2);
    // Without requests there is nothing to say.
    assert_eq!(
        post(&mut rig, &id, &format!("[{INITIALIZED}]")).outline(),
        "202"
    );
    let answer = r#"{"jsonrpc":"2.0","id":9,"result":{}}"#;
    let open = post(&mut rig, &id, &format!("[{answer},{INITIALIZED},{answer}]"));
    assert_eq!((open.outline(), open.ended), ("202".into(), true));
    // A late answer makes a stream, with each answer on its own.
    let wait = request("3", "tools/call", r#"{"name":"wait"}"#);
    let mut open = post(&mut rig, &id, &format!("[{wait},{}]", ping("4")));
    assert_eq!(open.status, 0);
    rig.pass(Duration::from_secs(1), &mut open);
    assert_eq!(open.events(), ["id: 4-1; result 4"]);
    rig.finish();
    rig.drive(&mut open);
    assert_eq!(open.events(), ["id: 4-1; result 4", "id: 4-2; result 3"]);
    assert!(open.ended);
}

#[test]
fn a_session_ends_when_its_client_says_so() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-11-25");
    let mut stream = get(&mut rig, &id, &[]);
    let mut waiting = call_tool(&mut rig, &id, "1", "wait");
    assert_eq!(delete(&mut rig, "unknown").outline(), "404 -32001 id -");
    let open = delete(&mut rig, &id);
    assert_eq!((open.outline(), open.ended), ("204".into(), true));
    assert_eq!(rig.cancelled.len(), 1);
    rig.drive(&mut stream);
    rig.drive(&mut waiting);
    assert!(stream.ended);
    assert_eq!(waiting.outline(), "404 -32001 id null");
    assert_eq!(
        call_tool(&mut rig, &id, "2", "answer").outline(),
        "404 -32001 id 2"
    );
    assert_eq!(delete(&mut rig, &id).outline(), "404 -32001 id -");
    // Its last call has nowhere to go.
    rig.finish();
    assert_eq!(
        (rig.server.sessions(), rig.server.poll_timeout()),
        (0, None)
    );
}

#[test]
fn a_session_ends_when_nobody_has_used_it_for_long() {
    let mut rig = rig();
    let idle = Limits::default().session_idle;
    let id = session(&mut rig, "2025-11-25");
    rig.wait(idle - Duration::from_nanos(1));
    rig.server.handle_timeout(rig.now);
    assert_eq!(
        post(&mut rig, &id, &request("1", "ping", "{}")).outline(),
        "200 result id 1"
    );
    rig.wait(idle - Duration::from_nanos(1));
    rig.server.handle_timeout(rig.now);
    assert_eq!(rig.server.sessions(), 1);
    // Somebody who listens uses it.
    let mut stream = get(&mut rig, &id, &[]);
    rig.wait(idle * 2);
    rig.server.handle_timeout(rig.now);
    assert_eq!(rig.server.sessions(), 1);
    stream.exchange.handle_disconnect(rig.now);
    rig.server.leave(&mut stream.exchange, rig.now);
    rig.wait(idle);
    assert_eq!(rig.server.poll_timeout(), Some(rig.now));
    rig.server.handle_timeout(rig.now);
    assert_eq!(
        (rig.server.sessions(), rig.server.poll_timeout()),
        (0, None)
    );
    assert_eq!(
        post(&mut rig, &id, &request("1", "ping", "{}")).outline(),
        "404 -32001 id 1"
    );
}

#[test]
fn there_are_only_so_many_sessions() {
    let mut limits = Limits::default();
    limits.sessions = 2;
    let mut rig = Rig::with_limits(HttpOptions::listening(true), limits);
    let first = session(&mut rig, "2025-11-25");
    rig.wait(Duration::from_secs(1));
    let second = session(&mut rig, "2025-11-25");
    rig.wait(Duration::from_secs(1));
    // The one that has been idle for longer makes room.
    let third = session(&mut rig, "2025-11-25");
    let ping = request("1", "ping", "{}");
    assert_eq!(post(&mut rig, &first, &ping).outline(), "404 -32001 id 1");
    let (_listening, _calling) = (
        get(&mut rig, &second, &[]),
        call_tool(&mut rig, &third, "1", "wait"),
    );
    // Nobody who is at it is thrown out.
    let open = rig.send("POST /mcp", &BASE, &initialize("2025-11-25"));
    assert_eq!(
        (open.outline(), open.header("mcp-session-id")),
        ("503 -32000 id 0".into(), "-")
    );
    rig.finish();
    assert_eq!(rig.server.sessions(), 2);
}

#[test]
fn a_session_is_its_subjects_own() {
    let mut rig = Rig::new(HttpOptions::listening(true).authorize(true));
    rig.verdict = Some(Verdict::Allow(Some("alice".into())));
    let id = session(&mut rig, "2025-11-25");
    let ping = request("1", "ping", "{}");
    assert_eq!(post(&mut rig, &id, &ping).outline(), "200 result id 1");
    // To others it is as if there were no such session.
    for verdict in [Verdict::Allow(Some("bob".into())), Verdict::Allow(None)] {
        rig.verdict = Some(verdict);
        assert_eq!(post(&mut rig, &id, &ping).outline(), "404 -32001 id 1");
        assert_eq!(get(&mut rig, &id, &[]).outline(), "404 -32001 id -");
        assert_eq!(delete(&mut rig, &id).outline(), "404 -32001 id -");
    }
    rig.verdict = Some(Verdict::Allow(Some("alice".into())));
    assert_eq!(delete(&mut rig, &id).outline(), "204");
}

#[test]
fn a_server_without_sessions_serves_each_request_on_its_own() {
    let mut rig = Rig::new(HttpOptions::listening(true).sessions(SessionMode::Stateless));
    let ok = ("mcp-protocol-version", "2025-06-18");
    let ping = request("1", "ping", "{}");
    let tool = request("1", "tools/call", r#"{"name":"answer"}"#);
    let table: &[Row<'_>] = &[
        (&initialize("2025-11-25"), &[], "200 result id 0"),
        (INITIALIZED, &[ok], "202"),
        (&ping, &[], "200 result id 1"),
        (
            &ping,
            &[ok, ("mcp-session-id", "whatever")],
            "200 result id 1",
        ),
        (&tool, &[ok], "200 result id 1"),
        (&tool, &[("mcp-protocol-version", "1.0")], "400 -32000 id 1"),
        (
            &request("1", "unknown/method", "{}"),
            &[ok],
            "200 -32601 id 1",
        ),
        (&format!("[{ping},{tool}]"), &[], "200 batch"),
        (&format!("[{ping},5]"), &[], "200 batch"),
        (&format!("[{ping}]"), &[ok], "400 -32600 id null"),
        (&format!("[{INITIALIZED}]"), &[], "202"),
        (r#"{"jsonrpc":"2.0","id":9,"result":{}}"#, &[ok], "202"),
    ];
    for (body, more, expected) in table {
        let open = rig.send("POST /mcp", &with(more), body);
        assert_eq!(open.outline(), *expected, "{body} {more:?}");
        assert_eq!(open.header("mcp-session-id"), "-");
        assert!(open.ended && open.exchange.is_done());
    }
    // A disconnect is no cancellation in these revisions.
    let mut open = rig.send("POST /mcp", &with(&[ok]), &tool.replace("answer", "wait"));
    open.exchange.handle_disconnect(rig.now);
    rig.drive(&mut open);
    assert_eq!((rig.cancelled.len(), open.exchange.is_done()), (0, false));
    rig.finish_in(&mut open);
    assert!(open.exchange.is_done());
    assert_eq!(rig.server.sessions(), 0);
}

#[test]
fn a_handler_knows_on_whose_behalf_it_is_called() {
    for mode in [SessionMode::Stateful, SessionMode::Stateless] {
        let options = HttpOptions::listening(true).authorize(true);
        let mut rig = Rig::new(options.sessions(mode));
        rig.verdict = Some(Verdict::Allow(Some("alice".into())));
        match mode {
            SessionMode::Stateful => {
                let id = session(&mut rig, "2025-11-25");
                call_tool(&mut rig, &id, "1", "answer");
            }
            _ => {
                let tool = request("1", "tools/call", r#"{"name":"answer"}"#);
                let version = ("mcp-protocol-version", "2025-11-25");
                rig.send("POST /mcp", &with(&[version]), &tool);
            }
        }
        assert_eq!(rig.subjects, [Some("alice".into())], "{mode:?}");
    }
}

#[test]
fn many_deadlines_at_once_end_no_session() {
    let mut limits = Limits::default();
    (limits.outbound_high_water, limits.outbound_bytes) = (60, 100);
    let mut rig = Rig::with_limits(HttpOptions::listening(true), limits);
    let id = session(&mut rig, "2025-11-25");
    let mut calls: Vec<Open> = (1..5)
        .map(|call| call_tool(&mut rig, &id, &call.to_string(), "wait"))
        .collect();
    rig.wait(Duration::from_secs(5 * 60));
    rig.server.handle_timeout(rig.now);
    for (call, number) in calls.iter_mut().zip(1..) {
        call.exchange.handle_timeout(rig.now);
        rig.drive(call);
        let said = call.messages().join(" ");
        let error = format!(r#""id":{number},"error":{{"code":-32603"#);
        assert!(said.contains(&error), "{said}");
    }
    assert_eq!(rig.server.sessions(), 1);
}
