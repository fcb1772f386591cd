//! Streams of 2025-03-26 to 2025-11-25: resumed where they broke off, and open for what the server
//! says of its own accord.

use super::*;
use crate::Subscription;

#[test]
fn a_stream_that_ends_early_is_resumed_not_earlier_than_the_server_says() {
    let mut script = Script::handshake(|_, _| {});
    let call = script.call("a");
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    script.chunk(3, "id: event-1\nretry: 500\ndata: \n\n");
    script.end(3);
    script.assert_quiet();
    script.pass(millis(499));
    script.assert_quiet();
    script.pass(millis(1));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["4 GET after event-1"]);
    for (name, value) in [
        ("mcp-session-id", Some("s-1")),
        ("mcp-protocol-version", Some("2025-11-25")),
        ("accept", Some("text/event-stream")),
        ("content-type", None),
    ] {
        assert_eq!(script.header(4, name), value);
    }
    script.head(4, 200, EVENTS);
    script.event(4, "event-2", &result(2, &said("at last")));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(call), "at last");
    script.end(4);
    // Exactly one GET.
    script.pass(secs(3600));
    script.assert_quiet();
}

#[test]
fn a_stream_is_resumed_from_its_last_event_as_long_as_something_new_comes() {
    let mut script = Script::handshake(|_, _| {});
    let call = script.call("a");
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    script.chunk(3, "id: 1\nretry: 3000\ndata:\n\n");
    script.fail(3, FetchError::Broken("reset".into()));
    // Something new each time: it may go on for ever.
    for fetch in 4..20 {
        script.events();
        script.pass(secs(3));
        assert!(script.events().is_empty());
        assert_eq!(
            script.fetches(),
            [format!("{fetch} GET after {}", fetch - 3)]
        );
        script.head(fetch, 200, EVENTS);
        script.chunk(fetch, &format!("id: {}\nretry: 3000\ndata:\n\n", fetch - 2));
        script.end(fetch);
    }
    // Nothing new: not for ever, whatever goes wrong.
    for fetch in 20..25 {
        assert!(script.events().is_empty(), "{fetch}");
        script.pass(secs(8));
        assert!(script.events().is_empty());
        assert_eq!(script.fetches(), [format!("{fetch} GET after 17")]);
        match fetch % 3 {
            0 => script.reply(fetch, 200, EVENTS, ": nothing\n\n"),
            1 => script.reply(fetch, 503, NOTHING, ""),
            _ => script.fail(fetch, FetchError::Connect("refused".into())),
        }
    }
    assert_eq!(script.events(), ["done"]);
    let failed = script.outcome(call);
    assert!(failed.starts_with("HTTP"), "{failed}");
}

#[test]
fn where_nothing_can_be_resumed_the_call_fails_or_is_made_again() {
    // Without an event id there is no place to resume from.
    for (events, resumes) in [
        ("data: \n\n", false),
        ("id: 1\ndata: \n\n", true),
        ("id: 1\ndata: \n\nid:\ndata: \n\n", false),
        ("id: a\u{7f}b\ndata: \n\n", false),
        ("id: é\ndata: \n\n", true),
    ] {
        let mut script = Script::handshake(|_, _| {});
        let call = script.call("a");
        script.events();
        script.fetches();
        script.head(3, 200, EVENTS);
        script.chunk(3, events);
        script.end(3);
        assert_eq!(script.events().is_empty(), resumes, "{events:?}");
        if !resumes {
            assert_eq!(
                script.outcome(call),
                "HTTP 200: the stream ended before the answer"
            );
        }
    }
    // A server that knows no resumption: what only reads is asked once more.
    for tool in [true, false] {
        let mut script = Script::handshake(|_, _| {});
        if tool {
            let _ = script.call("a");
        } else {
            let _ = script.list();
        }
        script.events();
        script.fetches();
        script.head(3, 200, EVENTS);
        script.event(3, "1", "");
        script.end(3);
        script.events();
        script.pass(secs(1));
        script.events();
        assert_eq!(script.fetches(), ["4 GET after 1"]);
        script.reply(4, 405, NOTHING, "");
        assert_eq!(script.events().len(), usize::from(tool));
        script.pass(secs(1));
        script.events();
        assert_eq!(script.fetches().len(), usize::from(!tool));
    }
}

#[test]
fn a_call_that_is_cancelled_is_not_resumed() {
    let mut script = Script::handshake(|_, _| {});
    let call = script.call("a");
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    script.event(3, "1", "");
    script.end(3);
    script.events();
    script.client.cancel(call.id(), None, script.now);
    assert_eq!(script.events(), ["done"]);
    // The server works on, so it is told.
    assert_eq!(script.fetches(), ["4 POST notifications/cancelled"]);
    script.reply(4, 202, NOTHING, "");
    script.pass(secs(60));
    script.assert_quiet();
}

#[test]
fn since_2026_nothing_is_resumed() {
    let mut script = Script::stateless(|_, _| {});
    let call = script.call("a");
    script.events();
    script.fetches();
    script.head(2, 200, EVENTS);
    script.event(2, "1", "");
    script.end(2);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(
        script.outcome(call),
        "HTTP 200: the stream ended before the answer"
    );
    let list = script.list();
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    script.event(3, "2", "");
    script.end(3);
    script.events();
    script.pass(millis(500));
    script.events();
    assert_eq!(script.fetches(), ["4 POST tools/list 4"]);
    script.answer(4, 4, r#"{"tools":[]}"#);
    assert_eq!(script.events(), ["done"]);
    assert!(script.client.take(list).unwrap().is_ok());
}

fn listening() -> Script {
    let era = EraMode::Handshake(ProtocolVersion::V2025_11_25);
    let mut script = Script::new(era, |_, _| {});
    script.fetches();
    script.open_session(1, 1, "s-1");
    assert_eq!(script.fetches(), ["3 GET"]);
    script
}

#[test]
fn the_server_may_speak_of_its_own_accord() {
    let mut script = listening();
    script.head(3, 200, EVENTS);
    script.event(3, "e1", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["4 POST 1"]);
    script.reply(4, 202, NOTHING, "");
    script.chunk(3, "retry: 5000\n\n");
    script.end(3);
    script.events();
    script.pass(millis(4999));
    script.assert_quiet();
    script.pass(millis(1));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["5 GET after e1"]);
    // A place that is no longer known is no place; then it is opened anew, and forgotten if need be.
    script.reply(5, 400, NOTHING, "");
    script.events();
    script.pass(secs(60));
    script.events();
    assert_eq!(script.fetches(), ["6 GET"]);
    script.head(6, 200, EVENTS);
    script.end(6);
    let mut pauses = Vec::new();
    for fetch in 7..16 {
        script.events();
        let pause = script
            .client
            .poll_timeout()
            .unwrap()
            .duration_since(script.now);
        pauses.push(pause.as_secs());
        script.pass(pause);
        script.events();
        assert_eq!(script.fetches(), [format!("{fetch} GET")]);
        script.reply(fetch, 200, EVENTS, "");
    }
    assert_eq!(pauses[pauses.len() - 3..], [60, 60, 60]);
    assert!(pauses.is_sorted(), "{pauses:?}");
}

#[test]
fn a_server_without_a_stream_of_its_own_is_left_alone() {
    for (status, headers) in [
        (405, NOTHING),
        (404, HTML),
        (400, JSON),
        (406, NOTHING),
        (200, JSON),
        (204, NOTHING),
        (501, NOTHING),
    ] {
        let mut script = listening();
        script.reply(3, status, headers, "");
        let mut gets = 1;
        for _ in 0..10 {
            assert!(script.events().is_empty());
            gets += script
                .fetches()
                .iter()
                .filter(|fetch| fetch.contains("GET"))
                .count() as u64;
            if gets > 1 && status == 501 {
                script.reply(2 + gets, 501, NOTHING, "");
            }
            script.pass(secs(20));
        }
        // 5xx may be an accident: a few times.
        assert_eq!(gets, if status == 501 { 4 } else { 1 }, "{status}");
        let call = script.call("a");
        script.events();
        let fetches = script.fetches();
        let fetch: u64 = fetches[0].split(' ').next().unwrap().parse().unwrap();
        script.answer(fetch, 2, &said("works"));
        assert_eq!(script.events(), ["done"]);
        assert_eq!(script.outcome(call), "works");
    }
}

#[test]
fn a_stream_that_is_gone_tells_that_the_session_is() {
    let mut script = listening();
    script.head(3, 200, EVENTS);
    script.event(3, "e1", "");
    script.end(3);
    script.events();
    script.pass(secs(1));
    script.events();
    assert_eq!(script.fetches(), ["4 GET after e1"]);
    script.reply(4, 404, NOTHING, "");
    script.events();
    // The next message opens another session, and with it another stream.
    let _ = script.call("a");
    script.events();
    assert_eq!(script.fetches(), ["5 POST initialize 1"]);
    script.open_session(5, 1, "s-2");
    assert_eq!(script.fetches(), ["7 GET", "8 POST tools/call 2"]);
    assert_eq!(script.header(7, "mcp-session-id"), Some("s-2"));
}

#[test]
fn a_refused_stream_is_opened_with_another_authorization() {
    let mut script = listening();
    script.reply(3, 401, NOTHING, "");
    script.pass(secs(3600));
    script.assert_quiet();
    let token = "Bearer t".parse().unwrap();
    script.client.set_authorization(Some(token), script.now);
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["4 GET"]);
}

#[test]
fn a_stream_that_the_server_still_believes_in_is_tried_again() {
    let mut script = listening();
    script.head(3, 200, EVENTS);
    assert!(script.events().is_empty());
    script.fail(3, FetchError::Broken("the network changed".into()));
    for fetch in 4..10 {
        script.events();
        script.pass(secs(60));
        script.events();
        assert_eq!(script.fetches(), [format!("{fetch} GET")]);
        script.reply(fetch, 409, JSON, "{}");
    }
    script.events();
    script.pass(secs(60));
    script.events();
    assert_eq!(script.fetches(), ["10 GET"]);
    script.head(10, 200, EVENTS);
    script.assert_quiet();
}

#[test]
fn a_stream_that_was_missing_with_its_session_comes_with_the_next_one() {
    let mut script = listening();
    // The session is gone already, or there is no such stream: nobody can tell.
    script.reply(3, 404, JSON, "{}");
    script.events();
    let _ = script.call("a");
    script.events();
    assert_eq!(script.fetches(), ["4 POST tools/call 2"]);
    script.reply(4, 404, JSON, "{}");
    script.events();
    assert_eq!(script.fetches(), ["5 POST initialize 1"]);
    script.open_session(5, 1, "s-2");
    assert_eq!(script.fetches(), ["7 GET", "8 POST tools/call 3"]);
}

fn watching() -> Script {
    let mut script = listening();
    let wanted = Subscription::lists();
    let now = script.now;
    let _ = script
        .client
        .subscribe(wanted, &CallOptions::default(), now);
    script.events();
    script.head(3, 200, EVENTS);
    script.events();
    script.fail(3, FetchError::Broken("the network changed".into()));
    script.events();
    script.pass(secs(1));
    script.events();
    assert_eq!(script.fetches(), ["4 GET"]);
    script.reply(4, 404, NOTHING, "");
    script.events();
    assert_eq!(script.fetches(), ["5 POST initialize 1"]);
    script
}

/// The server opens another session, and everything may have changed meanwhile.
fn welcome(script: &mut Script, fetch: u64) {
    script.reply(fetch, 200, JSON, &result(1, &initialized("2025-11-25")));
    script.events();
    let greeting = format!("{} POST notifications/initialized", fetch + 1);
    assert_eq!(script.fetches(), [greeting]);
    script.reply(fetch + 1, 202, NOTHING, "");
    let events = script.events();
    assert_eq!(events, ["subscribed []"], "what this server grants");
    assert_eq!(script.fetches(), [format!("{} GET", fetch + 2)]);
}

#[test]
fn who_only_listens_gets_another_session_too() {
    let mut script = watching();
    welcome(&mut script, 5);
}

#[test]
fn who_only_listens_is_not_forgotten_while_no_session_can_be_opened() {
    let mut script = watching();
    for fetch in 5..9 {
        script.reply(fetch, 400, NOTHING, "");
        script.events();
        script.pass(secs(60));
        script.events();
        assert_eq!(
            script.fetches(),
            [format!("{} POST initialize 1", fetch + 1)]
        );
    }
    welcome(&mut script, 9);
}

#[test]
fn a_stream_that_never_opens_is_tried_so_many_times() {
    let era = EraMode::Handshake(ProtocolVersion::V2025_11_25);
    let mut script = Script::new(era, |config, _| config.limits.fetch_retries = 2);
    script.fetches();
    script.open_session(1, 1, "s-1");
    for fetch in 3..=5 {
        assert_eq!(script.fetches(), [format!("{fetch} GET")]);
        script.reply(fetch, 503, NOTHING, "");
        assert!(script.events().is_empty());
        script.pass(secs(3600));
        assert!(script.events().is_empty());
    }
    assert!(script.fetches().is_empty());
}
