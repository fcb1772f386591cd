//! Sessions of 2025-03-26 to 2025-11-25: opened, kept, forgotten by the server, ended.

use super::*;
use crate::{Delivery, InputAnswer, Subscription};
use mcp_proto::{
    request::RootsChanged,
    types::{
        ElicitAction, ElicitResult, ElicitationCapability, EmptyParams, LoggingLevel,
        RootsCapability,
    },
};

#[test]
fn each_revision_has_its_headers() {
    for (version, header) in [
        ("2024-11-05", None),
        ("2025-03-26", None),
        ("2025-06-18", Some("2025-06-18")),
        ("2025-11-25", Some("2025-11-25")),
    ] {
        for session in [None, Some("s-9")] {
            let mut script =
                Script::new(EraMode::Handshake(ProtocolVersion::V2025_11_25), |_, _| {});
            script.fetches();
            let headers = [
                ("content-type", "application/json"),
                ("mcp-session-id", session.unwrap_or("")),
            ];
            let headers = &headers[..1 + usize::from(session.is_some())];
            script.reply(1, 200, headers, &result(1, &initialized(version)));
            assert_eq!(script.events(), ["ready"]);
            script.fetches();
            script.reply(2, 200, JSON, r#"{"jsonrpc":"2.0","result":{}}"#);
            assert!(script.events().is_empty());
            assert_eq!(script.fetches(), ["3 GET"]);
            let _ = script.call("a");
            script.client.close(script.now);
            script.events();
            let rest = script.fetches();
            let deletes = ["3 abort", "4 DELETE"];
            assert_eq!(rest, &deletes[..1 + usize::from(session.is_some())]);
            for fetch in 2..=3 + u64::from(session.is_some()) {
                assert_eq!(script.header(fetch, "mcp-protocol-version"), header);
                assert_eq!(script.header(fetch, "mcp-session-id"), session);
                assert_eq!(script.header(fetch, "mcp-method"), None);
            }
            assert_eq!(script.header(3, "accept"), Some("text/event-stream"));
            assert_eq!(script.client.is_closed(), session.is_none());
        }
    }
}

#[test]
fn nothing_overtakes_the_greeting() {
    let start = || {
        let mut script = Script::new(
            EraMode::Handshake(ProtocolVersion::V2025_11_25),
            |_, options| options.listens = false,
        );
        let call = script.call("a");
        script.fetches();
        script.answer(1, 1, &initialized("2025-11-25"));
        assert_eq!(script.events(), ["ready"]);
        assert_eq!(script.fetches(), ["2 POST notifications/initialized"]);
        (script, call)
    };
    // Any 2xx says that it arrived; so does its head.
    for status in [200, 202, 204] {
        let (mut script, _) = start();
        script.head(2, status, JSON);
        assert!(script.events().is_empty());
        assert_eq!(script.fetches(), ["3 POST tools/call 2"]);
    }
    // A server that refuses it may work all the same; one that says nothing too.
    let (mut script, _) = start();
    script.reply(2, 400, HTML, "what?");
    assert_eq!(script.events(), ["fault HTTP 400: Bad Request: what?"]);
    assert_eq!(script.fetches(), ["3 POST tools/call 2"]);
    let (mut script, call) = start();
    script.pass(secs(5) - millis(1));
    script.assert_quiet();
    script.pass(millis(1));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["3 POST tools/call 2"]);
    script.answer(3, 2, &said("a"));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(call), "a");
}

#[test]
fn cancellations_and_notifications_are_posted() {
    let mut script = Script::handshake(|config, _| {
        config.capabilities.roots = Some(RootsCapability::default());
    });
    let (one, two) = (script.call("a"), script.call("b"));
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    script.client.cancel(one.id(), Some("enough"), script.now);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.fetches(), ["5 POST notifications/cancelled"]);
    assert!(script.body(5).contains(r#""requestId":2"#));
    script.reply(5, 202, NOTHING, "");
    // The answer may come all the same; a stream that stays open is dropped after a while.
    script.event(3, "", &result(2, &said("late")));
    script.assert_quiet();
    script.pass(secs(1));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["3 abort"]);
    script
        .client
        .notify::<RootsChanged>(&EmptyParams::default(), script.now);
    assert!(script.events().is_empty());
    assert_eq!(
        script.fetches(),
        ["6 POST notifications/roots/list_changed"]
    );
    // What nobody waits for is tried again, and then only reported.
    for fetch in 6..10 {
        script.reply(fetch, 503, HTML, "busy");
        let events = script.events();
        let expected = if fetch < 9 {
            &[][..]
        } else {
            &["fault HTTP 503: Service Unavailable: busy"]
        };
        assert_eq!(events, expected);
        script.pass(secs(8));
        script.assert_ready_for(usize::from(fetch < 9));
    }
    script.answer(4, 3, &said("b"));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(two), "b");
}

#[test]
fn what_is_shown_of_a_client_and_its_requests_holds_no_session_id() {
    let mut script = Script::handshake(|_, _| {});
    let _ = script.call("a");
    script.events();
    script.fetches();
    assert_eq!(script.header(3, "mcp-session-id"), Some("s-1"));
    let shown = format!("{:?} {:?}", script.client, script.request(3));
    assert!(!shown.contains("s-1"), "{shown}");
}

#[test]
fn questions_come_on_the_stream_of_a_call_and_answers_are_posted() {
    let mut script = Script::handshake(|config, _| {
        config.limits.fetches = 1;
        config.capabilities.elicitation = Some(ElicitationCapability::default());
    });
    let (call, _) = (script.call("a"), script.call("b"));
    script.events();
    assert_eq!(script.fetches(), ["3 POST tools/call 2"]);
    script.head(3, 200, EVENTS);
    script.event(3, "1", r#"{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}"#);
    script.event(3, "2", r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#);
    assert_eq!(script.events(), ["input elicitation/create"]);
    // Answers do not wait for a place, or the call that asked would wait for ever.
    assert_eq!(script.fetches(), ["4 POST p"]);
    let ticket = script.tickets.remove(0);
    let answer = InputAnswer::Elicit(ElicitResult::new(ElicitAction::Decline));
    let _ = script
        .client
        .answer(ticket, Ok(answer), script.now)
        .unwrap();
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["5 POST q"]);
    assert!(
        script.body(5).contains(r#""result":{"action":"decline"}"#),
        "{}",
        script.body(5)
    );
    assert_eq!(script.header(5, "mcp-session-id"), Some("s-1"));
    script.reply(4, 202, NOTHING, "");
    script.reply(5, 202, NOTHING, "");
    script.event(3, "3", &result(2, &said("done")));
    script.end(3);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.fetches(), ["6 POST tools/call 3"]);
    assert_eq!(script.outcome(call), "done");
}

#[test]
fn a_question_of_a_session_that_is_forgotten_is_not_answered_in_the_next_one() {
    let mut script = Script::handshake(|config, _| {
        config.capabilities.elicitation = Some(ElicitationCapability::default());
    });
    let (_asks, other) = (script.call("a"), script.call("b"));
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    script.event(3, "1", r#"{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}"#);
    assert_eq!(script.events(), ["input elicitation/create"]);
    script.reply(4, 404, JSON, &error(0, -32001, ""));
    let [gone] = &script.events()[..] else {
        panic!("one event");
    };
    assert!(gone.starts_with("InputGone"), "{gone}");
    let ticket = script.tickets.remove(0);
    let answer = InputAnswer::Elicit(ElicitResult::new(ElicitAction::Decline));
    let delivery = script.client.answer(ticket, Ok(answer), script.now);
    assert_eq!(delivery, Ok(Delivery::Discarded));
    script.client.forget(other.id(), script.now);
}

#[test]
fn an_answer_that_was_under_way_when_its_session_ended_is_not_sent_in_the_next_one() {
    type Act = fn(&mut Script);
    let authorize: Act = |script| {
        let other = http::HeaderValue::from_static("Bearer b");
        script.client.set_authorization(Some(other), script.now);
    };
    // How many questions there are, and what happens before and after the end of the session.
    let cases: [(&str, i64, Act, Act); 4] = [
        (
            "breaks",
            1,
            |_| {},
            |script| {
                script.fail(5, FetchError::Connect("gone".into()));
            },
        ),
        (
            "is tried again",
            1,
            |script| script.reply(5, 503, NOTHING, ""),
            |_| {},
        ),
        (
            "waits for a login",
            1,
            |script| script.reply(5, 401, NOTHING, ""),
            authorize,
        ),
        (
            "waits for its turn",
            2,
            |_| {},
            |script| script.reply(5, 202, NOTHING, ""),
        ),
    ];
    for (what, questions, before, after) in cases {
        let mut script = Script::handshake(|config, options| {
            config.limits.calls_in_flight = 1;
            options.awaits_authorization = true;
        });
        let _ = (script.call("a"), script.call("b"));
        script.events();
        script.fetches();
        script.head(3, 200, EVENTS);
        for id in 1..=questions {
            let ping = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            script.event(3, "", &ping);
        }
        script.events();
        assert_eq!(script.fetches(), ["5 POST 1"]);
        before(&mut script);
        script.events();
        script.reply(4, 404, JSON, &error(0, -32001, ""));
        script.events();
        after(&mut script);
        script.events();
        assert_eq!(script.fetches(), ["6 POST initialize 1"], "{what}");
        script.open_session(6, 1, "s-2");
        assert_eq!(script.fetches(), ["8 POST tools/call 4"], "{what}");
        script.pass(secs(5));
        script.events();
        // The next session has questions of its own under these ids.
        assert_eq!(script.fetches(), [""; 0], "{what}");
    }
}

#[test]
fn what_is_asked_on_a_stream_of_a_session_that_is_forgotten_is_not_answered_in_the_next_one() {
    let mut script = Script::handshake(|config, _| {
        config.capabilities.elicitation = Some(ElicitationCapability::default());
    });
    let (lively, other) = (script.call("a"), script.call("b"));
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    script.reply(4, 404, JSON, &error(0, -32001, ""));
    script.events();
    assert_eq!(script.fetches(), ["5 POST initialize 1"]);
    script.open_session(5, 1, "s-2");
    script.assert_ready_for(1);
    script.head(7, 200, EVENTS);
    let asks = |id| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"elicitation/create","params":{{"message":"?","requestedSchema":{{"type":"object","properties":{{}}}}}}}}"#
        )
    };
    script.event(7, "", &asks(1));
    assert_eq!(script.events(), ["input elicitation/create"]);
    script.event(3, "", &asks(2));
    script.event(3, "", r#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#);
    // It is about another question than the one that is open.
    script.event(
        3,
        "",
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
    );
    script.assert_quiet();
    // A result is still one.
    script.event(3, "", &result(2, &said("a")));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(lively), "a");
    script.client.forget(other.id(), script.now);
}

#[test]
fn a_stream_of_a_session_that_is_forgotten_is_not_resumed_in_the_next_one() {
    let mut script = Script::handshake(|_, _| {});
    let (lost, other) = (script.call("a"), script.call("b"));
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    script.chunk(3, "id: 1-4\nretry: 500\ndata:\n\n");
    script.end(3);
    script.reply(4, 404, JSON, &error(0, -32001, ""));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["5 POST initialize 1"]);
    // It would be another call's.
    script.pass(millis(500));
    assert_eq!(script.events(), ["done"]);
    assert!(script.fetches().is_empty());
    let failed = script.outcome(lost);
    assert!(failed.starts_with("HTTP"), "{failed}");
    script.client.forget(other.id(), script.now);
}

#[test]
fn a_server_that_asks_without_end_and_takes_no_answers_is_given_up() {
    let mut script = Script::handshake(|config, _| {
        config.limits.calls_in_flight = 2;
        config.limits.outbound_high_water = 100;
    });
    let _ = script.call("a");
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    for id in 0..50 {
        script.event(
            3,
            "",
            &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#),
        );
    }
    script.events();
    assert!(!script.client.wants_read());
    assert!(script.fetches().len() <= 2);
    script.pass(secs(30));
    assert_eq!(script.events(), ["done", "closed Unresponsive"]);
}

#[test]
fn a_server_that_takes_the_answers_late_is_read_again() {
    let mut script = Script::handshake(|config, _| {
        config.limits.calls_in_flight = 2;
        config.limits.outbound_high_water = 100;
    });
    let call = script.call("a");
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    for id in 0..50 {
        let ping = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        script.event(3, "", &ping);
    }
    script.event(3, "", &result(2, &said("at last")));
    script.end(3);
    script.events();
    assert!(!script.client.wants_read());
    let mut answered = 0;
    let mut open = script.fetches();
    while !open.is_empty() {
        for fetch in open {
            answered += 1;
            let fetch = fetch.split(' ').next().unwrap().parse().unwrap();
            // With and without words.
            let body = if answered % 2 == 0 { "" } else { "{}" };
            script.reply(fetch, 202, JSON, body);
        }
        script.events();
        open = script.fetches();
    }
    assert_eq!((answered, script.client.wants_read()), (50, true));
    assert_eq!(script.outcome(call), "at last");
}

#[test]
fn a_forgotten_session_is_opened_again_and_what_was_refused_is_repeated() {
    let mut script = Script::handshake(|_, _| {});
    let (one, two, three) = (script.call("a"), script.call("b"), script.call("c"));
    script.events();
    script.fetches();
    script.reply(4, 404, JSON, &error(0, -32001, ""));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["6 POST initialize 1"]);
    assert_eq!(script.header(6, "mcp-session-id"), None);
    assert_eq!(script.header(6, "mcp-protocol-version"), None);
    // Others of the old session are refused as well, or answered; new calls wait.
    script.reply(5, 404, NOTHING, "");
    script.answer(3, 2, &said("a"));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(one), "a");
    let four = script.call("d");
    script.assert_quiet();
    script.open_session(6, 1, "s-2");
    let mut fetches = script.fetches();
    fetches.sort();
    assert_eq!(
        fetches,
        [
            "10 POST tools/call 7",
            "8 POST tools/call 6",
            "9 POST tools/call 5"
        ]
    );
    for fetch in 8..=10 {
        assert_eq!(script.header(fetch, "mcp-session-id"), Some("s-2"));
    }
    // Refused in its second session, a call fails.
    script.reply(8, 404, HTML, "?");
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.error(three).to_string(), "HTTP 404: Not Found: ?");
    script.answer(9, 5, &said("b"));
    script.answer(10, 7, &said("d"));
    assert_eq!(script.events(), ["done", "done"]);
    assert_eq!(
        (script.outcome(two), script.outcome(four)),
        ("b".into(), "d".into())
    );
    script.assert_quiet();
}

#[test]
fn what_the_server_forgot_with_its_session_is_said_again() {
    let mut script = Script::handshake(|_, _| {});
    let options = CallOptions::default();
    let level = script
        .client
        .set_log_level(LoggingLevel::Warning, &options, script.now)
        .unwrap();
    let wanted = Subscription::uri("file:///x");
    let subscribed = script
        .client
        .subscribe(wanted, &options, script.now)
        .unwrap();
    script.events();
    assert_eq!(
        script.fetches(),
        ["3 POST logging/setLevel 2", "4 POST resources/subscribe 3"]
    );
    script.answer(3, 2, "{}");
    script.answer(4, 3, "{}");
    assert_eq!(script.events().len(), 3);
    drop((level, subscribed));
    let _ = script.list();
    script.events();
    script.fetches();
    script.reply(5, 404, NOTHING, "");
    script.events();
    assert_eq!(script.fetches(), ["6 POST initialize 1"]);
    script.open_session(6, 1, "s-2");
    let fetches = script.fetches();
    assert_eq!(
        fetches,
        [
            "8 POST tools/list 5",
            "9 POST logging/setLevel 6",
            "10 POST resources/subscribe 7"
        ]
    );
    assert!(script.body(9).contains("warning") && script.body(10).contains("file:///x"));
    script.answer(9, 6, "{}");
    script.answer(10, 7, "{}");
    // It may have changed meanwhile.
    let events = script.events();
    assert!(
        events.iter().any(|event| event.starts_with("changed")),
        "{events:?}"
    );
}

#[test]
fn a_session_that_cannot_be_opened_again_fails_what_waits_and_is_tried_with_the_next_call() {
    for (status, body, expected) in [
        (500, "", "HTTP 500: Internal Server Error"),
        (404, "", "HTTP 404: Not Found"),
        (400, "-32022", "HTTP: m (-32022)"),
        (200, "null", "HTTP: the server's answer cannot be read"),
    ] {
        let mut script = Script::handshake(|config, _| config.limits.fetch_retries = 0);
        let call = script.call("a");
        script.events();
        script.fetches();
        script.reply(3, 404, NOTHING, "");
        script.events();
        assert_eq!(script.fetches(), ["4 POST initialize 1"]);
        let body = match body {
            "" => String::new(),
            "null" => result(1, "null"),
            code => error(1, code.parse().unwrap(), ""),
        };
        script.reply(4, status, JSON, &body);
        assert_eq!(script.events(), ["done"], "{status}");
        let failed = script.outcome(call);
        assert!(failed.starts_with(expected), "{failed}");
        script.assert_quiet();
        let call = script.call("b");
        script.events();
        assert_eq!(script.fetches(), ["5 POST initialize 1"]);
        script.open_session(5, 1, "s-2");
        assert_eq!(script.fetches(), ["7 POST tools/call 4"]);
        script.answer(7, 4, &said("b"));
        assert_eq!(script.events(), ["done"]);
        assert_eq!(script.outcome(call), "b");
    }
}

#[test]
fn a_server_that_does_not_answer_to_another_opening_does_not_hold_calls_for_ever() {
    let mut script = Script::handshake(|_, _| {});
    let _ = script.call("a");
    script.events();
    script.fetches();
    script.reply(3, 404, NOTHING, "");
    script.events();
    script.fetches();
    let late = CallOptions::default()
        .with_timeout(secs(3600))
        .with_max(secs(3600));
    let call = script
        .client
        .call::<CallTool>(&CallToolParams::new("b"), &late, script.now)
        .unwrap();
    script.pass(secs(5 * 60));
    assert_eq!(script.events(), ["done", "done"]);
    assert_eq!(script.fetches(), ["4 abort"]);
    assert_eq!(
        script.error(call).to_string(),
        "HTTP: the server did not respond in time"
    );
}

#[test]
fn to_close_delivers_what_was_said_and_deletes_the_session() {
    let mut script = Script::handshake(|config, _| {
        config.capabilities.roots = Some(RootsCapability::default());
    });
    let _ = script.call("a");
    script.events();
    script.fetches();
    script
        .client
        .notify::<RootsChanged>(&EmptyParams::default(), script.now);
    script.client.close(script.now);
    assert_eq!(script.events(), ["done", "closed Local"]);
    assert_eq!(
        script.fetches(),
        ["4 POST notifications/roots/list_changed", "3 abort"]
    );
    assert!(!script.client.is_closed());
    script.reply(4, 202, NOTHING, "");
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["5 DELETE"]);
    assert_eq!(script.header(5, "mcp-session-id"), Some("s-1"));
    script.reply(5, 405, NOTHING, "");
    script.assert_quiet();
    assert!(script.client.is_closed() && script.client.poll_timeout().is_none());
    // A server that does not answer is not waited for.
    let mut script = Script::handshake(|_, _| {});
    script.client.close(script.now);
    script.events();
    assert_eq!(script.fetches(), ["3 DELETE"]);
    script.pass(millis(4_999));
    script.assert_quiet();
    script.pass(millis(1));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["3 abort"]);
    assert!(script.client.is_closed() && script.client.poll_timeout().is_none());
}

#[test]
fn another_opening_that_is_lost_is_tried_again() {
    for answered in [false, true] {
        let mut script = Script::new(
            EraMode::Handshake(ProtocolVersion::V2025_11_25),
            |_, options| options.listens = false,
        );
        script.fetches();
        script.open_session(1, 1, "s-1");
        let call = script.call("a");
        script.events();
        assert_eq!(script.fetches(), ["3 POST tools/call 2"]);
        script.reply(3, 404, NOTHING, "");
        script.events();
        assert_eq!(script.fetches(), ["4 POST initialize 1"]);
        if answered {
            script.reply(4, 503, NOTHING, "");
        } else {
            script.fail(4, FetchError::Connect("no route".into()));
        }
        script.events();
        script.pass(secs(1));
        script.events();
        assert_eq!(script.fetches(), ["5 POST initialize 1"]);
        script.open_session(5, 1, "s-2");
        assert_eq!(script.fetches(), ["7 POST tools/call 3"]);
        script.answer(7, 3, &said("works"));
        assert_eq!(script.events(), ["done"]);
        assert_eq!(script.outcome(call), "works");
    }
}

#[test]
fn a_greeting_that_gets_lost_is_said_again() {
    let mut script = Script::new(
        EraMode::Handshake(ProtocolVersion::V2025_11_25),
        |_, options| options.listens = false,
    );
    script.fetches();
    script.answer(1, 1, &initialized("2025-11-25"));
    assert_eq!(script.events(), ["ready"]);
    assert_eq!(script.fetches(), ["2 POST notifications/initialized"]);
    script.pass(secs(5 * 60));
    script.events();
    assert_eq!(script.fetches(), ["2 abort"]);
    script.pass(secs(1));
    script.events();
    assert_eq!(script.fetches(), ["3 POST notifications/initialized"]);
    script.reply(3, 202, NOTHING, "");
    script.assert_quiet();
}

#[test]
fn the_server_is_told_of_no_end_of_what_it_has_refused() {
    let mut script = Script::handshake(|_, options| options.awaits_authorization = true);
    let (one, _two) = (script.call("a"), script.call("b"));
    script.events();
    assert_eq!(
        script.fetches(),
        ["3 POST tools/call 2", "4 POST tools/call 3"]
    );
    // Both wait for a login.
    script.reply(3, 401, NOTHING, "");
    script.reply(4, 401, NOTHING, "");
    assert_eq!(script.events(), ["unauthorized 401 "]);
    script.client.cancel(one.id(), None, script.now);
    assert_eq!(script.events(), ["done"]);
    assert!(script.fetches().is_empty());
    let token = "Bearer t".parse().unwrap();
    script.client.set_authorization(Some(token), script.now);
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["5 POST tools/call 4"]);
}

#[test]
fn the_next_session_is_told_of_no_end_of_what_the_last_one_was_asked() {
    let mut script = Script::handshake(|_, _| {});
    let (_, two) = (script.call("a"), script.call("b"));
    script.events();
    script.fetches();
    script.reply(3, 404, JSON, &error(0, -32001, ""));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["5 POST initialize 1"]);
    script.client.cancel(two.id(), None, script.now);
    assert_eq!(script.events(), ["done"]);
    assert!(script.fetches().is_empty());
    script.open_session(5, 1, "s-2");
    assert_eq!(script.fetches(), ["7 POST tools/call 4"]);
}

#[test]
fn so_many_answers_are_under_way_and_the_rest_waits() {
    let mut script = Script::handshake(|config, _| config.limits.calls_in_flight = 2);
    let _ = script.call("a");
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    for id in 1..=4 {
        let ping = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        script.event(3, "", &ping);
    }
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["4 POST 1", "5 POST 2"]);
    // Also where nothing else is.
    script.event(3, "", &result(2, &said("a")));
    script.end(3);
    assert_eq!(script.events(), ["done"]);
    assert!(script.fetches().is_empty());
    script.reply(4, 202, NOTHING, "");
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["6 POST 3"]);
}

#[test]
fn what_is_no_call_may_take_as_long_as_one() {
    let mut script = Script::handshake(|config, _| {
        config.limits.call_timeout = Duration::from_nanos(7);
    });
    script
        .client
        .notify::<RootsChanged>(&EmptyParams::default(), script.now);
    script.events();
    assert_eq!(
        script.fetches(),
        ["3 POST notifications/roots/list_changed"]
    );
    script.pass(Duration::from_nanos(6));
    script.assert_quiet();
    script.pass(Duration::from_nanos(1));
    script.events();
    assert_eq!(script.fetches(), ["3 abort"]);
}

#[test]
fn a_greeting_may_take_as_long_as_a_probe() {
    let mut script = Script::new(
        EraMode::Handshake(ProtocolVersion::V2025_11_25),
        |config, options| {
            options.listens = false;
            config.limits.probe_timeout = Duration::from_nanos(7);
        },
    );
    let _ = script.call("a");
    script.fetches();
    script.answer(1, 1, &initialized("2025-11-25"));
    script.events();
    assert_eq!(script.fetches(), ["2 POST notifications/initialized"]);
    script.pass(Duration::from_nanos(6));
    script.assert_quiet();
    script.pass(Duration::from_nanos(1));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["3 POST tools/call 2"]);
}
