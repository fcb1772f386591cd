//! How a body is read: by whom, what it must be, and what is made of it.

use super::{
    handshake::{initialize, session, with},
    modern::params,
    *,
};
use crate::http::SessionMode;

/// Who gets a session, headers besides those of every client, a body, and what is expected.
type Row<'a, T> = (SessionMode, &'a [(&'a str, &'a str)], &'a str, T);

const MODERN: [(&str, &str); 2] = [
    ("mcp-protocol-version", "2026-07-28"),
    ("mcp-method", "tools/call"),
];

fn send_bytes(rig: &mut Rig, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Open {
    let mut open = rig.begin(line, headers);
    open.exchange.handle_body(body, rig.now);
    open.exchange.handle_body_end(rig.now);
    rig.drive(&mut open);
    open
}

fn options(mode: SessionMode) -> HttpOptions {
    HttpOptions::listening(true).sessions(mode)
}

#[test]
fn a_body_that_is_not_utf8_is_refused_like_one_that_is_not_json() {
    let body = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}";
    const OLDER: &str = "400 -32700 id null";
    for mode in [
        SessionMode::Stateful,
        SessionMode::Stateless,
        SessionMode::Off,
    ] {
        let mut rig = Rig::new(options(mode));
        let ways: [(&[(&str, &str)], &str); 3] = [
            (&MODERN, "400 -32700 id -"),
            (&[("mcp-protocol-version", "2025-11-25")], OLDER),
            (&[], OLDER),
        ];
        for (more, expected) in ways {
            let open = send_bytes(&mut rig, "POST /mcp", &with(more), body);
            assert_eq!((&*open.outline(), open.ended), (expected, true), "{more:?}");
            assert!(open.body.contains("not UTF-8"), "{}", open.body);
        }
    }
    // A session outlives it.
    let mut rig = rig();
    let id = session(&mut rig, "2025-11-25");
    let open = send_bytes(
        &mut rig,
        "POST /mcp",
        &with(&[("mcp-session-id", &id)]),
        body,
    );
    assert_eq!((&*open.outline(), rig.server.sessions()), (OLDER, 1));
}

// 2024-11-05, basic/transports, "HTTP with SSE".
#[test]
fn a_body_that_is_not_utf8_is_refused_on_the_path_of_messages() {
    let mut rig = Rig::new(HttpOptions::listening(true).http_sse("/sse", "/messages"));
    let local = ("host", "localhost:1");
    let mut stream = rig.send("GET /sse", &[local, ("accept", "text/event-stream")], "");
    let line = format!("POST /messages?sessionId={}", "01".repeat(16));
    let json = [local, ("content-type", "application/json")];
    let open = send_bytes(&mut rig, &line, &json, b"\"\xff\"");
    assert_eq!(open.outline(), "400 -32700 id null");
    assert!(open.body.contains("not UTF-8"), "{}", open.body);
    // The stream hears nothing of it, and goes on.
    let hello = initialize("2024-11-05");
    assert_eq!(rig.send(&line, &json, &hello).outline(), "202");
    rig.drive(&mut stream);
    assert_eq!(stream.events()[1..], ["result 0"]);
}

/// What belongs to a session for certain is read there and not here as well; what belongs to none
/// for certain needs no session's lock.
#[test]
fn a_head_says_whether_its_body_is_for_the_sessions_to_read() {
    let call = request(
        "1",
        "tools/call",
        &params("2026-07-28", r#""name":"answer""#),
    );
    let old = ("mcp-protocol-version", "2025-11-25");
    let named = ("mcp-name", "answer");
    let modern = [MODERN[0], MODERN[1], named];
    let table: &[Row<'_, u8>] = &[
        (SessionMode::Stateful, &modern, &call, 0),
        (SessionMode::Stateful, &modern, "{", 0),
        (SessionMode::Stateful, &[old], "{", 1),
        (SessionMode::Stateful, &[], "{", 1),
        (SessionMode::Stateless, &[], "{", 0),
        (SessionMode::Off, &[old], "{", 0),
    ];
    for (mode, more, body, joins) in table {
        let mut rig = Rig::new(options(*mode));
        let open = rig.send("POST /mcp", &with(more), body);
        assert!(open.ended);
        assert_eq!(rig.opened, *joins, "{mode:?} {more:?} {body}");
    }
}

/// What its head says of it is not true: its body is read once more, and nothing of it is lost.
#[test]
fn a_greeting_under_the_newest_revision_opens_a_session() {
    let mut rig = Rig::new(options(SessionMode::Stateful));
    let open = rig.send("POST /mcp", &with(&MODERN), &initialize("2025-11-25"));
    assert!(open.outline().starts_with("200 result"), "{}", open.body);
    assert_eq!((rig.opened, rig.server.sessions()), (1, 1));
}

/// They are not copied out of a long body: the body's text is handed over, and they lie in it.
#[test]
fn long_arguments_arrive_whole() {
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(10_000));
    let rest = format!(r#""name":"wait","arguments":{long}"#);
    let modern = request("7", "tools/call", &params("2026-07-28", &rest));
    let older = request("7", "tools/call", &format!("{{{rest}}}"));
    let head = [MODERN[0], MODERN[1], ("mcp-name", "wait")];
    let old = [("mcp-protocol-version", "2025-11-25")];
    let table: &[Row<'_, ()>] = &[
        (SessionMode::Stateful, &head, &modern, ()),
        (SessionMode::Off, &head, &modern, ()),
        (SessionMode::Stateless, &old, &older, ()),
    ];
    for (mode, more, body, ()) in table {
        let mut rig = Rig::new(options(*mode));
        let mut open = rig.send("POST /mcp", &with(more), body);
        let Some((_, Work::Tool { arguments, .. })) = rig.waiting.first() else {
            panic!("{}", open.outline());
        };
        assert_eq!(
            arguments.as_ref().map(Json::as_str),
            Some(&*long),
            "{mode:?}"
        );
        rig.finish_in(&mut open);
        assert_eq!(open.outline(), "200 result id 7");
    }
}
