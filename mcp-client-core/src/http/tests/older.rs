//! The transport of 2024-11-05: one stream for everything that comes, and an address for what goes.

use super::*;
use crate::extension::{Follow, FollowUp, News, Step};

// A client that has found it; its next exchange has the number 6.
fn connected() -> Script {
    connected_past(405, 405)
}

// The same, with what it answers to a probe and to a handshake by POST.
fn connected_past(probe: u16, handshake: u16) -> Script {
    let mut script = Script::new(EraMode::Auto, |_, _| {});
    script.fetches();
    script.reply(1, probe, NOTHING, "");
    script.events();
    assert_eq!(script.fetches(), ["2 POST initialize 2"]);
    script.reply(2, handshake, HTML, "no POST here");
    script.events();
    assert_eq!(script.fetches(), ["3 GET"]);
    assert_eq!(script.header(3, "accept"), Some("text/event-stream"));
    script.head(3, 200, EVENTS);
    script.chunk(3, "event: endpoint\ndata: /messages?session=7\n\n");
    script.events();
    // The refused one was sent: its id is not used again.
    assert_eq!(script.fetches(), ["4 POST initialize 3"]);
    assert_eq!(
        script.request(4).uri(),
        "https://example.com/messages?session=7"
    );
    script.reply(4, 202, NOTHING, "Accepted");
    script.assert_quiet();
    script.event(3, "", &result(3, &initialized("2024-11-05")));
    assert_eq!(script.events(), ["ready"]);
    assert_eq!(script.fetches(), ["5 POST notifications/initialized"]);
    script.reply(5, 202, NOTHING, "Accepted");
    script.assert_quiet();
    script
}

#[test]
fn it_is_found_behind_every_refusal_that_may_hide_it() {
    for (probe, handshake) in [(400, 400), (404, 404), (405, 405), (406, 404), (404, 400)] {
        let script = connected_past(probe, handshake);
        let server = script.client.server().unwrap();
        assert_eq!(server.version, ProtocolVersion::V2024_11_05);
    }
}

#[test]
fn another_revision_is_asked_for_where_the_first_one_was() {
    let mut script = Script::new(EraMode::Auto, |_, _| {});
    script.fetches();
    script.reply(1, 405, NOTHING, "");
    script.events();
    script.fetches();
    script.reply(2, 405, NOTHING, "");
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    script.chunk(3, "event: endpoint\ndata: /messages\n\n");
    script.events();
    assert_eq!(script.fetches(), ["4 POST initialize 3"]);
    script.reply(4, 202, NOTHING, "");
    let other = error(3, -32602, r#","data":{"supported":["2024-11-05"]}"#);
    script.event(3, "", &other);
    assert!(script.events().is_empty());
    // The stream belongs to what was refused.
    assert_eq!(script.fetches(), ["3 abort", "5 POST initialize 4"]);
    assert_eq!(script.request(5).uri(), "https://example.com/mcp");
    script.reply(5, 405, NOTHING, "");
    script.events();
    assert_eq!(script.fetches(), ["6 GET"]);
}

#[test]
fn everything_comes_on_one_stream() {
    let mut script = connected();
    let (one, two, three) = (script.call("a"), script.call("b"), script.call("c"));
    script.events();
    assert_eq!(script.fetches().len(), 3);
    assert_eq!(
        script.request(6).uri(),
        "https://example.com/messages?session=7"
    );
    assert_eq!(script.header(6, "mcp-protocol-version"), None);
    script.reply(6, 202, NOTHING, "");
    script.reply(7, 200, HTML, "ok");
    script.reply(8, 500, HTML, "boom");
    assert_eq!(script.events(), ["done"]);
    assert_eq!(
        script.outcome(three),
        "HTTP 500: Internal Server Error: boom"
    );
    script.event(3, "", &result(5, &said("b")));
    script.event(3, "", r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#);
    script.event(3, "", &result(4, &said("a")));
    assert_eq!(script.events(), ["done", "done"]);
    assert_eq!(script.fetches(), ["9 POST p"]);
    assert_eq!(
        (script.outcome(one), script.outcome(two)),
        ("a".into(), "b".into())
    );
    script.reply(9, 202, NOTHING, "");
    script.client.close(script.now);
    assert_eq!(script.events(), ["closed Local"]);
    assert_eq!(script.fetches(), ["3 abort"]);
    assert!(script.client.is_closed());
}

#[test]
fn a_broken_stream_fails_what_is_open_and_the_next_call_connects_again() {
    let mut script = connected();
    let call = script.call("a");
    script.events();
    script.fetches();
    script.reply(6, 202, NOTHING, "");
    script.fail(3, FetchError::Broken("reset".into()));
    assert_eq!(script.events(), ["done"]);
    let failed = script.outcome(call);
    assert_eq!(
        failed,
        "HTTP 200: the stream broke off before the answer: the connection broke: reset"
    );
    script.pass(secs(60));
    script.assert_quiet();
    let call = script.call("b");
    script.events();
    assert_eq!(script.fetches(), ["7 GET"]);
    script.head(7, 200, EVENTS);
    script.chunk(7, "event: endpoint\ndata: /messages?session=8\n\n");
    script.events();
    assert_eq!(script.fetches(), ["8 POST initialize 3"]);
    assert_eq!(
        script.request(8).uri(),
        "https://example.com/messages?session=8"
    );
    script.reply(8, 202, NOTHING, "");
    script.event(7, "", &result(3, &initialized("2024-11-05")));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["9 POST notifications/initialized"]);
    script.reply(9, 202, NOTHING, "");
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["10 POST tools/call 5"]);
    script.reply(10, 202, NOTHING, "");
    script.event(7, "", &result(5, &said("b")));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(call), "b");
    // The stream is not taken for one that takes too long.
    script.pass(secs(3600));
    script.assert_quiet();
}

#[test]
fn a_stream_that_does_not_open_again_is_given_up() {
    let lost = || {
        let mut script = connected();
        script.fail(3, FetchError::Broken("reset".into()));
        assert!(script.events().is_empty());
        let options = CallOptions::default().with_timeout(secs(600));
        let params = CallToolParams::new("a");
        let call = script
            .client
            .call::<CallTool>(&params, &options, script.now);
        script.events();
        assert_eq!(script.fetches(), ["6 GET"]);
        (script, call.unwrap())
    };
    // As long as a call may take, whatever the one that waits for it may take.
    let (mut script, _) = lost();
    script.pass(secs(300) - millis(1));
    script.assert_quiet();
    script.pass(millis(1));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.fetches(), ["6 abort"]);

    // What was to be said on it again is of no use without it.
    let (mut script, _) = lost();
    script.head(6, 200, EVENTS);
    script.chunk(6, "event: endpoint\ndata: /messages?session=8\n\n");
    script.events();
    assert_eq!(script.fetches(), ["7 POST initialize 3"]);
    script.reply(7, 503, NOTHING, "");
    script.assert_quiet();
    script.fail(6, FetchError::Broken("reset".into()));
    assert_eq!(script.events(), ["done"]);
    script.pass(secs(10));
    script.assert_quiet();
}

#[test]
fn what_was_answered_on_the_stream_keeps_no_exchange_open() {
    let mut script = connected();
    let (one, _two) = (script.call("a"), script.call("b"));
    script.events();
    assert_eq!(
        script.fetches(),
        ["6 POST tools/call 4", "7 POST tools/call 5"]
    );
    script.event(3, "", &result(4, &said("a")));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(one), "a");
    script.assert_quiet();
    script.pass(secs(1));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["6 abort"]);
}

/// Rests for ten seconds, then calls a tool.
#[derive(Debug)]
struct Rester;

impl FollowUp for Rester {
    fn step(&mut self, news: News<'_>, _: &Follow<'_>) -> Step {
        match news {
            News::Begun => Step::Pause(secs(10)),
            News::Resumed => Step::Request {
                method: "tools/call".into(),
                params: mcp_proto::json::Json::parse(r#"{"name":"late"}"#).unwrap(),
            },
            News::Result(text) => Step::Done(mcp_proto::json::Json::parse(text).unwrap()),
            News::Failed(error) => Step::Failed(error.clone()),
            _ => Step::Stay,
        }
    }
}

#[test]
fn a_broken_stream_fails_only_what_was_asked_on_it() {
    let mut script = connected();
    let asked = script.call("a");
    let options = CallOptions::default();
    let resting = script
        .client
        .follow(alloc::boxed::Box::new(Rester), None, &options, script.now)
        .unwrap();
    let resting = Pending::new(resting, crate::session::typed::<CallToolResult>);
    script.events();
    script.fetches();
    script.reply(6, 202, NOTHING, "");
    script.fail(3, FetchError::Broken("reset".into()));
    // The one that rests has asked nothing yet.
    assert_eq!(script.events(), ["done"]);
    assert!(matches!(script.error(asked), CallError::Http(_)));
    let resting = script.client.take(resting).unwrap_err();
    script.pass(secs(10));
    script.events();
    assert_eq!(script.fetches(), ["7 GET"]);
    script.head(7, 200, EVENTS);
    script.chunk(7, "event: endpoint\ndata: /messages?session=8\n\n");
    script.events();
    assert_eq!(script.fetches(), ["8 POST initialize 3"]);
    script.reply(8, 202, NOTHING, "");
    script.event(7, "", &result(3, &initialized("2024-11-05")));
    script.events();
    script.fetches();
    script.reply(9, 202, NOTHING, "");
    script.events();
    assert_eq!(script.fetches(), ["10 POST tools/call 5"]);
    script.reply(10, 202, NOTHING, "");
    script.event(7, "", &result(5, &said("late")));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(resting), "late");
}

#[test]
fn the_address_must_be_of_the_same_origin() {
    for (address, allowed) in [
        ("/messages", true),
        ("messages?x=1", true),
        ("https://example.com/x", true),
        ("https://evil.example/x", false),
        ("http://example.com/x", false),
        ("//evil.example/x", false),
        ("", true),
    ] {
        let mut script = Script::new(EraMode::Handshake(ProtocolVersion::V2024_11_05), |_, _| {});
        script.fetches();
        script.reply(1, 404, HTML, "?");
        script.events();
        assert_eq!(script.fetches(), ["2 GET"]);
        script.head(2, 200, EVENTS);
        script.chunk(2, &format!("event: endpoint\ndata: {address}\n\n"));
        let events = script.events();
        let fetches = script.fetches();
        if address.is_empty() {
            // No address at all.
            assert!(events.is_empty() && fetches.is_empty());
        } else if allowed {
            assert_eq!(fetches, ["3 POST initialize 2"], "{address}");
        } else {
            assert_eq!(events, ["closed NotAgreed"], "{address}");
            assert_eq!(fetches, ["2 abort"], "{address}");
        }
    }
}

#[test]
fn a_stream_that_is_none_is_the_end() {
    for (status, headers, expected) in [
        (404, HTML, "HTTP 404: Not Found: first"),
        (405, NOTHING, "HTTP 404: Not Found: first"),
        (200, HTML, "HTTP 404: Not Found: first"),
        (503, NOTHING, "HTTP 404: Not Found: first"),
    ] {
        let mut script = Script::new(EraMode::Handshake(ProtocolVersion::V2024_11_05), |_, _| {});
        script.fetches();
        script.reply(1, 404, HTML, "first");
        script.events();
        script.fetches();
        script.reply(2, status, headers, "second");
        assert_eq!(script.events(), ["closed NotAgreed"]);
        assert_eq!(script.client.failure().unwrap().to_string(), expected);
        assert!(script.client.is_closed());
    }
}

#[test]
fn an_answer_that_never_comes_ends_the_attempt() {
    let mut script = Script::new(EraMode::Handshake(ProtocolVersion::V2024_11_05), |_, _| {});
    script.fetches();
    script.reply(1, 404, HTML, "?");
    script.events();
    script.fetches();
    script.head(2, 200, EVENTS);
    script.pass(secs(5 * 60));
    assert_eq!(script.events(), ["closed NotAgreed"]);
    assert_eq!(script.fetches(), ["2 abort"]);
    assert!(script.client.is_closed());
}
