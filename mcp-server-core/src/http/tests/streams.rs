//! The streams of sessions: what goes where, what is resumed, what is not lost.

use super::{
    handshake::{call_tool, delete, get, initialize, post, session, with},
    *,
};

// 2025-11-25, basic/transports, "Listening for Messages from the Server".
#[test]
fn a_get_stream_carries_what_was_not_asked_for() {
    for (version, first) in [
        ("2025-11-25", &["id: 0-0; retry: 1000; data:"][..]),
        ("2025-06-18", &[]),
    ] {
        let mut rig = rig();
        let id = session(&mut rig, version);
        let mut stream = get(&mut rig, &id, &[]);
        assert_eq!(
            (stream.status, stream.header("content-type")),
            (200, "text/event-stream")
        );
        assert_eq!(stream.header("mcp-session-id"), id);
        assert_eq!(stream.events(), first);
        // One such stream is enough for one session.
        assert_eq!(get(&mut rig, &id, &[]).outline(), "409 -32000 id -");
        rig.server.handle_change(&crate::Change::Tools, rig.now);
        rig.drive_server();
        assert_eq!(rig.wakes, [stream.number]);
        rig.drive(&mut stream);
        assert_eq!(
            stream.events()[first.len()..],
            ["id: 0-1; notifications/tools/list_changed"]
        );
        rig.pass(Limits::default().keep_alive, &mut stream);
        assert_eq!(stream.events().last().unwrap(), ":");
        assert!(!stream.ended);
    }
}

#[test]
fn a_late_answer_is_a_stream_that_primes_its_client() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-11-25");
    let mut open = call_tool(&mut rig, &id, "1", "wait");
    rig.pass(Duration::from_millis(999), &mut open);
    assert_eq!(open.status, 0);
    rig.pass(Duration::from_millis(1), &mut open);
    assert_eq!(open.events(), ["id: 2-0; retry: 1000; data:"]);
    rig.finish();
    assert_eq!(rig.wakes, [open.number]);
    rig.drive(&mut open);
    assert_eq!(
        open.events(),
        ["id: 2-0; retry: 1000; data:", "id: 2-1; result 1"]
    );
    assert!(open.ended && !open.exchange.is_seated());
    // Clients before 2025-11-25 take an empty event for a message.
    let id = session(&mut rig, "2025-06-18");
    let mut open = call_tool(&mut rig, &id, "1", "wait");
    rig.pass(Duration::from_secs(1), &mut open);
    assert_eq!(
        (open.outline(), open.body.as_str()),
        ("200 stream".into(), "")
    );
    rig.finish();
    rig.drive(&mut open);
    assert_eq!(open.events(), ["id: 2-1; result 1"]);
}

#[test]
fn clients_are_told_how_long_to_wait() {
    for (time, told) in [
        (Duration::ZERO, "id: 0-0; retry: 0; data:"),
        (Duration::from_millis(1), "id: 0-0; retry: 1; data:"),
        (Duration::from_secs(3600), "id: 0-0; retry: 3600000; data:"),
    ] {
        let mut rig = Rig::new(HttpOptions::listening(true).retry(time));
        let id = session(&mut rig, "2025-11-25");
        assert_eq!(get(&mut rig, &id, &[]).events(), [told]);
    }
}

#[test]
fn notes_make_a_stream_at_once() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-11-25");
    post(
        &mut rig,
        &id,
        &request("9", "logging/setLevel", r#"{"level":"debug"}"#),
    );
    let open = call_tool(&mut rig, &id, "1", "note");
    assert_eq!(
        open.events()[1..],
        ["id: 3-1; notifications/message", "id: 3-2; result 1"]
    );
    assert!(open.ended);
}

// 2025-11-25, "Sending Messages to the Server": the connection MAY end before the answer, once the
// client has an id to come back with.
#[test]
fn a_call_may_give_its_connection_back() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-11-25");
    let mut open = call_tool(&mut rig, &id, "1", "wait");
    let call = rig.waiting[0].0.call();
    let _ = rig.server.note(call, Note::CloseStream, rig.now);
    rig.drive_server();
    assert_eq!(rig.wakes, [open.number]);
    rig.drive(&mut open);
    assert_eq!(open.events(), ["id: 2-0; retry: 1000; data:"]);
    assert!(open.ended && !open.exchange.is_seated());
    let mut open = get(&mut rig, &id, &[("last-event-id", "2-0")]);
    // Once more, from the connection that it has come back on.
    let _ = rig.server.note(call, Note::CloseStream, rig.now);
    rig.drive(&mut open);
    assert!(open.ended && open.events().is_empty());
    let mut open = get(&mut rig, &id, &[("last-event-id", "2-0")]);
    rig.finish();
    rig.drive(&mut open);
    assert_eq!(open.events(), ["id: 2-1; result 1"]);
    assert!(open.ended);
    // A client before 2025-11-25 would have no id.
    let id = session(&mut rig, "2025-06-18");
    let mut open = call_tool(&mut rig, &id, "1", "wait");
    let call = rig.waiting[0].0.call();
    let _ = rig.server.note(call, Note::CloseStream, rig.now);
    rig.drive(&mut open);
    assert_eq!((open.status, open.ended), (0, false));
    rig.finish();
    rig.drive(&mut open);
    assert_eq!(open.outline(), "200 result id 1");
}

// "Resumability and Redelivery".
#[test]
fn a_lost_stream_is_resumed_and_no_other() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-11-25");
    let (mut a, mut b) = (
        call_tool(&mut rig, &id, "1", "wait"),
        call_tool(&mut rig, &id, "2", "wait"),
    );
    rig.pass(Duration::from_secs(1), &mut a);
    rig.pass(Duration::ZERO, &mut b);
    for open in [&mut a, &mut b] {
        open.exchange.handle_disconnect(rig.now);
        rig.server.leave(&mut open.exchange, rig.now);
    }
    // Not a cancellation: both go on.
    rig.finish();
    assert!(rig.cancelled.is_empty());
    let open = get(&mut rig, &id, &[("last-event-id", "2-0")]);
    assert_eq!(open.events(), ["id: 2-1; result 1"]);
    assert!(open.ended);
    let mut open = get(&mut rig, &id, &[("last-event-id", "3-0")]);
    assert_eq!((open.events().len(), open.ended), (0, false));
    rig.finish();
    rig.drive(&mut open);
    assert_eq!(open.events(), ["id: 3-1; result 2"]);
    assert!(open.ended);
    for unknown in ["5-0", "x", "3-9x", "0-1"] {
        assert_eq!(
            get(&mut rig, &id, &[("last-event-id", unknown)]).outline(),
            "400 -32000 id -",
            "{unknown}"
        );
    }
}

// "Resumability and Redelivery": the ids of two sessions look the same.
#[test]
fn an_event_id_leads_to_streams_of_its_own_session_alone() {
    let mut rig = Rig::new(HttpOptions::listening(true).authorize(true));
    rig.verdict = Some(Verdict::Allow(Some("alice".into())));
    let one = session(&mut rig, "2025-11-25");
    let other = session(&mut rig, "2025-11-25");
    let lose = |rig: &mut Rig, session: &str, call: &str| {
        let mut open = call_tool(rig, session, call, "wait");
        rig.pass(Duration::from_secs(1), &mut open);
        rig.finish();
        rig.drive(&mut open);
        assert!(open.ended);
    };
    let resume = |rig: &mut Rig, session: &str| get(rig, session, &[("last-event-id", "2-0")]);
    lose(&mut rig, &one, "1");
    // Though both are of the same subject.
    assert_eq!(resume(&mut rig, &other).outline(), "400 -32000 id -");
    lose(&mut rig, &other, "7");
    assert_eq!(resume(&mut rig, &other).events(), ["id: 2-1; result 7"]);
    assert_eq!(resume(&mut rig, &one).events(), ["id: 2-1; result 1"]);
    // What was kept for a session goes with it.
    assert_eq!(delete(&mut rig, &one).outline(), "204");
    assert_eq!(resume(&mut rig, &one).outline(), "404 -32001 id -");
    assert_eq!(resume(&mut rig, &other).events(), ["id: 2-1; result 7"]);
}

#[test]
fn a_stream_that_is_gone_cannot_be_resumed() {
    let mut limits = Limits::default();
    limits.replay_events = 1;
    let mut rig = Rig::with_limits(HttpOptions::listening(true), limits);
    let id = session(&mut rig, "2025-11-25");
    for call in ["1", "2"] {
        let mut open = call_tool(&mut rig, &id, call, "wait");
        rig.pass(Duration::from_secs(1), &mut open);
        rig.finish();
        rig.drive(&mut open);
    }
    // The second answer is kept in the place of the first one.
    for (last, outline) in [("2-0", "400 -32000 id -"), ("2-1", "400 -32000 id -")] {
        let open = get(&mut rig, &id, &[("last-event-id", last)]);
        assert_eq!(open.outline(), outline, "{last}");
    }
    let open = get(&mut rig, &id, &[("last-event-id", "3-0")]);
    assert_eq!(open.events(), ["id: 3-1; result 2"]);
}

#[test]
fn who_resumes_takes_the_place_of_a_connection_that_is_dead() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-11-25");
    let mut dead = get(&mut rig, &id, &[]);
    let mut alive = get(&mut rig, &id, &[("last-event-id", "0-0")]);
    assert_eq!(rig.wakes, [dead.number]);
    rig.drive(&mut dead);
    assert!(dead.ended);
    rig.server.handle_change(&crate::Change::Prompts, rig.now);
    rig.drive_server();
    rig.drive(&mut alive);
    assert_eq!(
        alive.events(),
        ["id: 0-1; notifications/prompts/list_changed"]
    );
}

#[test]
fn a_response_lost_after_the_work_was_done_can_be_asked_for() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-11-25");
    let mut open = call_tool(&mut rig, &id, "1", "wait");
    rig.pass(Duration::from_secs(1), &mut open);
    rig.finish();
    rig.drive(&mut open);
    // It was written, and never arrived.
    let again = get(&mut rig, &id, &[("last-event-id", "2-0")]);
    assert_eq!(again.events(), ["id: 2-1; result 1"]);
    let after = get(&mut rig, &id, &[("last-event-id", "2-1")]);
    assert_eq!(
        (after.status, after.events().len(), after.ended),
        (200, 0, true)
    );
}

#[test]
fn a_connection_may_be_given_back_before_the_answer() {
    let mut rig = Rig::new(HttpOptions::listening(true).release_after(Duration::from_secs(2)));
    let id = session(&mut rig, "2025-11-25");
    let mut open = call_tool(&mut rig, &id, "1", "wait");
    rig.pass(Duration::from_secs(1), &mut open);
    rig.pass(Duration::from_secs(2) - Duration::from_nanos(1), &mut open);
    assert!(!open.ended);
    rig.pass(Duration::from_nanos(1), &mut open);
    assert_eq!(
        (open.events(), open.ended),
        (Vec::from(["id: 2-0; retry: 1000; data:".to_string()]), true)
    );
    rig.server.leave(&mut open.exchange, rig.now);
    rig.finish();
    assert_eq!(
        get(&mut rig, &id, &[("last-event-id", "2-0")]).events(),
        ["id: 2-1; result 1"]
    );
    // Older clients would not come back for it.
    let id = session(&mut rig, "2025-06-18");
    let mut open = call_tool(&mut rig, &id, "1", "wait");
    rig.pass(Duration::from_secs(60), &mut open);
    assert!(!open.ended);
}

#[test]
fn a_cancelled_call_ends_its_response() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-11-25");
    let mut open = call_tool(&mut rig, &id, "1", "wait");
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    assert_eq!(post(&mut rig, &id, cancel).outline(), "202");
    assert_eq!(
        (rig.cancelled.len(), rig.wakes.as_slice()),
        (1, &[open.number][..])
    );
    rig.drive(&mut open);
    assert!(open.ended && open.messages().is_empty(), "{}", open.body);
}

#[test]
fn a_slow_reader_holds_only_so_much() {
    let mut limits = Limits::default();
    limits.outbound_high_water = 200;
    limits.outbound_bytes = 400;
    let mut rig = Rig::with_limits(HttpOptions::listening(true), limits);
    let id = session(&mut rig, "2025-11-25");
    let mut stream = get(&mut rig, &id, &[]);
    for _ in 0..20 {
        for change in [
            crate::Change::Tools,
            crate::Change::Prompts,
            crate::Change::Resources,
        ] {
            rig.server.handle_change(&change, rig.now);
        }
        rig.drive_server();
        // It takes what there is room for, and its client takes nothing.
        rig.server.ferry(&mut stream.exchange, rig.now);
    }
    // Only now does it read again.
    rig.drive(&mut stream);
    assert!(stream.ended, "given up: {:?}", stream.events());
    let events = stream.events();
    let last = events
        .last()
        .unwrap()
        .strip_prefix("id: ")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_string();
    // What it did not get is there when it comes back.
    let again = get(&mut rig, &id, &[("last-event-id", &last)]);
    assert_eq!(events.len() - 1 + again.events().len(), 60);
}

#[test]
fn a_shutdown_lets_answers_through_and_nobody_in() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-11-25");
    let mut stream = get(&mut rig, &id, &[]);
    let mut open = call_tool(&mut rig, &id, "1", "wait");
    rig.server.shut_down(rig.now);
    rig.drive_server();
    rig.drive(&mut stream);
    assert!(stream.ended);
    assert_eq!(
        call_tool(&mut rig, &id, "2", "answer").outline(),
        "503 -32000 id -"
    );
    assert_eq!(
        rig.send("POST /mcp", &BASE, &initialize("2025-11-25"))
            .outline(),
        "503 -32000 id -"
    );
    rig.finish();
    rig.drive(&mut open);
    assert_eq!(
        (open.outline(), open.ended),
        ("200 result id 1".into(), true)
    );
    let mut open = call_tool(&mut rig, &id, "3", "wait");
    rig.server.close(rig.now);
    rig.drive(&mut open);
    assert_eq!(rig.server.sessions(), 0);
}

// 2024-11-05, basic/transports, "HTTP with SSE".
#[test]
fn the_first_revision_has_two_paths_and_one_stream() {
    let mut rig = Rig::new(HttpOptions::listening(true).http_sse("/sse", "/messages"));
    let local = ("host", "localhost:1");
    let mut stream = rig.send("GET /sse", &[local, ("accept", "text/event-stream")], "");
    let endpoint = format!("/messages?sessionId={}", "01".repeat(16));
    assert_eq!((stream.status, stream.header("mcp-session-id")), (200, "-"));
    assert_eq!(
        stream.body,
        format!("event: endpoint\ndata: {endpoint}\n\n")
    );
    let line = format!("POST {endpoint}");
    let json = [local, ("content-type", "application/json")];
    for body in [
        &initialize("2024-11-05"),
        super::handshake::INITIALIZED,
        &request("1", "tools/call", r#"{"name":"answer"}"#),
    ] {
        assert_eq!(rig.send(&line, &json, body).outline(), "202");
    }
    rig.drive(&mut stream);
    assert_eq!(stream.events()[1..], ["result 0", "result 1"]);
    assert_eq!(rig.send(&line, &json, "{").outline(), "400 -32700 id null");
    assert_eq!(
        rig.send("POST /messages?sessionId=none", &json, "{}")
            .outline(),
        "404 -32001 id null"
    );
    // Such a session is none of the other transport, and ends with its stream.
    let id = "01".repeat(16);
    assert_eq!(
        rig.send(
            "POST /mcp",
            &with(&[("mcp-session-id", &id)]),
            &request("1", "ping", "{}")
        )
        .status,
        404
    );
    stream.exchange.handle_disconnect(rig.now);
    rig.server.leave(&mut stream.exchange, rig.now);
    assert_eq!(rig.server.sessions(), 0);
    assert_eq!(
        rig.send(&line, &json, &request("1", "ping", "{}"))
            .outline(),
        "404 -32001 id null"
    );
}

/// How many events lie in a reply whose client reads only once.
fn in_one_piece(open: &mut Open) -> usize {
    assert!(open.exchange.poll_head().is_some());
    let mut out = Vec::new();
    assert_eq!(open.exchange.poll_body(&mut out), Body::Data);
    let text = String::from_utf8(out).unwrap();
    text.split_terminator("\n\n").count()
}

/// The next event is taken as long as less than the limit waits: to the byte.
#[test]
fn a_reply_takes_events_until_it_is_full() {
    const EVENT: &str =
        "id: 0-1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";
    for (room, events) in [(3 * EVENT.len(), 3), (3 * EVENT.len() + 1, 4)] {
        let mut limits = Limits::default();
        limits.outbound_high_water = room;
        let mut rig = Rig::with_limits(HttpOptions::listening(true), limits);
        let id = session(&mut rig, "2025-06-18");
        let head = [
            ("host", "localhost:1"),
            ("accept", "text/event-stream"),
            ("mcp-session-id", &*id),
        ];
        let mut stream = rig.begin_quietly("GET /mcp", &head);
        for _ in 0..6 {
            rig.server.handle_change(&crate::Change::Tools, rig.now);
            rig.drive_server();
        }
        rig.server.ferry(&mut stream.exchange, rig.now);
        assert_eq!(in_one_piece(&mut stream), events, "{room}");
    }
}

#[test]
fn a_reply_of_its_own_takes_messages_until_it_is_full() {
    const EVENT: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"warning\",\"data\":\"n\"}}\n\n";
    for (room, events) in [(3 * EVENT.len(), 3), (3 * EVENT.len() + 1, 4)] {
        let mut limits = Limits::default();
        limits.outbound_high_water = room;
        let mut rig = Rig::with_limits(HttpOptions::listening(true), limits);
        let mut open = super::modern::call_that_logs(&mut rig, "wait");
        let call = rig.waiting[0].0.call();
        for _ in 0..6 {
            let _ = open.exchange.note(call, note("n"), rig.now);
            assert!(open.exchange.poll_event().is_none());
        }
        assert_eq!(in_one_piece(&mut open), events, "{room}");
    }
}

#[test]
fn a_reply_is_looked_at_when_it_becomes_a_stream() {
    let mut rig = rig();
    let id = session(&mut rig, "2025-06-18");
    let open = call_tool(&mut rig, &id, "1", "wait");
    assert!(open.exchange.is_seated());
    let later = rig.now.saturating_add(Limits::default().sse_after);
    assert_eq!(open.exchange.poll_timeout(), Some(later));
}
