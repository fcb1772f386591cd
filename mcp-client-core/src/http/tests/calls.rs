//! Calls over HTTP: each fails alone, is cancelled alone, and waits for its turn.

use super::*;
use crate::Subscription;

#[test]
fn an_exchange_fails_alone() {
    let other = result(99, "{}");
    let nameless = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"m"}}"#;
    let events = format!("data: {}\n\n", result(98, "{}"));
    let long = "x".repeat(10_000);
    for (status, headers, body, expected) in [
        (
            500,
            HTML,
            "<h1>boom</h1>",
            "HTTP 500: Internal Server Error: <h1>boom</h1>",
        ),
        (404, NOTHING, "", "HTTP 404: Not Found"),
        (409, JSON, "{}", "HTTP 409: Conflict: {}"),
        (
            400,
            JSON,
            &error(2, -32602, ""),
            "the server answered: m (-32602)",
        ),
        (500, JSON, nameless, "the server answered: m (-32603)"),
        (200, JSON, nameless, "the server answered: m (-32603)"),
        (
            200,
            JSON,
            &error(2, -32000, ""),
            "the server answered: m (-32000)",
        ),
        (
            200,
            HTML,
            "<html>",
            "HTTP 200: the response holds no answer: <html>",
        ),
        (200, JSON, "", "HTTP 200: the response holds no answer"),
        (202, NOTHING, "", "HTTP 202: the response holds no answer"),
        (200, JSON, "{", "HTTP 200: the response holds no answer: {"),
        (
            200,
            JSON,
            &other,
            &format!("HTTP 200: the response holds no answer: {other}"),
        ),
        (
            200,
            JSON,
            &long,
            &format!("HTTP 200: the response holds no answer: {}", &long[..512]),
        ),
        (
            503,
            HTML,
            &long,
            &format!("HTTP 503: Service Unavailable: {}", &long[..512]),
        ),
        (
            200,
            EVENTS,
            "",
            "HTTP 200: the stream ended before the answer",
        ),
        (
            200,
            EVENTS,
            &events,
            "HTTP 200: the stream ended before the answer",
        ),
    ] {
        let mut script = Script::stateless(|_, _| {});
        let (call, sound) = (script.call("a"), script.call("b"));
        assert!(script.events().is_empty());
        assert_eq!(
            script.fetches(),
            ["2 POST tools/call 2", "3 POST tools/call 3"]
        );
        script.reply(2, status, headers, body);
        let mut events = script.events();
        events.retain(|event| !event.starts_with("fault"));
        assert_eq!(events, ["done"], "{status} {body}");
        assert_eq!(script.outcome(call), expected);
        script.answer(3, 3, &said("fine"));
        assert_eq!(script.events(), ["done"]);
        assert_eq!(script.outcome(sound), "fine");
    }
}

#[test]
fn nothing_of_a_response_is_longer_than_its_limit() {
    let answer = result(2, &said("12345"));
    let event = format!("data: {answer}");
    let limits = answer.len().max(result(1, DISCOVERED).len());
    let padded = |most: usize| format!("{answer}{}", " ".repeat(most - answer.len()));
    for (headers, body, fits) in [
        (JSON, padded(limits), true),
        (JSON, padded(limits + 1), false),
        (EVENTS, format!("{event}\n\n"), true),
        (EVENTS, format!("{event} \n\n"), false),
    ] {
        let mut script = Script::stateless(|config, _| {
            config.limits.message_bytes = limits;
            config.limits.event_bytes = event.len();
        });
        let call = script.call("a");
        script.events();
        script.fetches();
        script.head(2, 200, headers);
        script.chunk(2, &body);
        if fits {
            script.end(2);
            assert_eq!(script.events(), ["done"]);
            assert_eq!(script.outcome(call), "12345");
        } else if headers == JSON {
            // The rest is not waited for.
            assert_eq!(script.events(), ["done"]);
            assert_eq!(script.fetches(), ["2 abort"]);
            assert!(
                script
                    .outcome(call)
                    .starts_with("HTTP 200: the response is too long: {")
            );
        } else {
            assert_eq!(script.events(), ["fault Frame"]);
            script.end(2);
            assert_eq!(script.events(), ["done"]);
            assert_eq!(
                script.outcome(call),
                "HTTP 200: the stream ended before the answer"
            );
        }
    }
    // An error is judged by what fits.
    let mut script = Script::stateless(|config, _| config.limits.refusal_bytes = 4);
    let call = script.call("a");
    script.events();
    script.fetches();
    script.head(2, 500, HTML);
    script.chunk(2, "12345");
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.fetches(), ["2 abort"]);
    assert_eq!(
        script.outcome(call),
        "HTTP 500: Internal Server Error: 1234"
    );
}

#[test]
fn what_broke_is_done_again_only_where_that_does_no_harm() {
    let broken = || FetchError::Broken("reset".into());
    let connect = || FetchError::Connect("refused".into());
    // Whether it is a tool's call, how it failed, and whether it is tried again.
    for (tool, error, again) in [
        (false, broken(), true),
        (false, FetchError::TimedOut, true),
        (false, connect(), true),
        (true, connect(), true),
        (true, broken(), false),
        (true, FetchError::TimedOut, false),
    ] {
        let mut script = Script::stateless(|_, _| {});
        if tool {
            let _ = script.call("a");
        } else {
            let _ = script.list();
        }
        assert!(script.events().is_empty());
        assert_eq!(script.fetches().len(), 1);
        script.fail(2, error.clone());
        if !again {
            assert_eq!(script.events(), ["done"], "{error}");
            continue;
        }
        script.assert_quiet();
        script.pass(millis(500));
        assert!(script.events().is_empty());
        let fetches = script.fetches();
        // A new request has a new id.
        assert!(
            matches!(&fetches[..], [one] if one.starts_with("3 POST") && one.ends_with(" 3")),
            "{fetches:?}"
        );
        script.answer(
            3,
            3,
            if tool {
                r#"{"content":[]}"#
            } else {
                r#"{"tools":[]}"#
            },
        );
        assert_eq!(script.events(), ["done"]);
    }
}

#[test]
fn an_exchange_may_stay_open_for_a_second_after_its_answer() {
    let mut script = Script::stateless(|_, _| {});
    let call = script.call("a");
    script.events();
    script.fetches();
    script.head(2, 200, EVENTS);
    script.event(2, "", &result(2, &said("a")));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(call), "a");
    script.pass(millis(999));
    script.assert_quiet();
    script.pass(millis(1));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["2 abort"]);
    // It may say a little more, too.
    let mut script = Script::stateless(|config, _| config.limits.refusal_bytes = 10);
    let _call = script.call("a");
    script.events();
    script.fetches();
    script.head(2, 200, EVENTS);
    script.event(2, "", &result(2, &said("a")));
    assert_eq!(script.events(), ["done"]);
    script.chunk(2, "0123456789");
    script.assert_quiet();
    script.chunk(2, "x");
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["2 abort"]);
}

#[test]
fn an_overloaded_server_is_asked_again_when_it_says() {
    let mut script = Script::stateless(|_, _| {});
    let list = script.list();
    script.events();
    script.fetches();
    script.reply(2, 503, &[("retry-after", "7")], "");
    script.assert_quiet();
    script.pass(millis(6999));
    script.assert_quiet();
    script.pass(millis(1));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["3 POST tools/list 3"]);
    // A pause that nobody can mean is cut short; what does not get better is given up.
    for fetch in 3..=5 {
        script.reply(fetch, 429, &[("retry-after", "86400")], "");
        let events = script.events();
        script.pass(millis(59_999));
        script.assert_quiet();
        script.pass(millis(1));
        script.assert_ready_for(if fetch < 5 { 1 } else { 0 });
        assert_eq!(events.is_empty(), fetch < 5);
    }
    assert_eq!(
        script.error(list).to_string(),
        "HTTP 429: Too Many Requests"
    );
}

#[test]
fn to_cancel_is_to_drop_the_exchange() {
    let mut script = Script::stateless(|_, _| {});
    let (one, two, three) = (script.call("a"), script.call("b"), script.call("c"));
    script.events();
    script.fetches();
    script.client.cancel(one.id(), Some("enough"), script.now);
    // The answer was on its way, or its stream was open: both are dropped.
    script.head(2, 200, EVENTS);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.fetches(), ["2 abort"]);
    script.event(2, "", &result(2, &said("late")));
    script.end(2);
    script.assert_quiet();
    script.client.forget(two.id(), script.now);
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["3 abort"]);
    // So is what takes too long.
    script.pass(secs(5 * 60));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.fetches(), ["4 abort"]);
    assert_eq!(script.error(three), CallError::TimedOut);
    // One that nobody has made yet is not made at all.
    let four = script.call("d");
    script.client.cancel(four.id(), None, script.now);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.fetches(), [""; 0]);
}

#[test]
fn only_so_many_calls_are_under_way() {
    let mut script = Script::stateless(|config, _| config.limits.fetches = 2);
    let calls: Vec<_> = ["a", "b", "c", "d"].map(|tool| script.call(tool)).into();
    let wanted = Subscription::uri("file:///x");
    let _ = script
        .client
        .subscribe(wanted, &CallOptions::default(), script.now)
        .unwrap();
    script.events();
    // Streams that stay open do not count.
    let first = [
        "2 POST subscriptions/listen 6",
        "3 POST tools/call 2",
        "4 POST tools/call 3",
    ];
    assert_eq!(script.fetches(), first);
    script.client.cancel(calls[2].id(), None, script.now);
    assert_eq!(script.events(), ["done"]);
    assert!(script.fetches().is_empty());
    script.answer(3, 2, &said("a"));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.fetches(), ["5 POST tools/call 5"]);
}

#[test]
fn an_answer_comes_as_one_body_or_after_other_messages() {
    let mut script = Script::stateless(|_, _| {});
    let options = CallOptions::default().with_progress();
    let params = CallToolParams::new("slow");
    let call = script
        .client
        .call::<CallTool>(&params, &options, script.now)
        .unwrap();
    script.events();
    script.fetches();
    let token = call.id().as_u64();
    script.head(2, 200, EVENTS);
    script.chunk(2, ": keep-alive\n\nevent: other\ndata: 7\n\n");
    script.assert_quiet();
    let note = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
    );
    // Cut anywhere.
    let (left, right) = note.split_at(40);
    script.chunk(2, &format!("data: {left}"));
    script.assert_quiet();
    script.chunk(2, &format!("{right}\n\n"));
    assert_eq!(script.events(), ["progress 1"]);
    script.event(2, "", &result(2, &said("done")));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(call), "done");
    // It ends soon, so its connection can be used again; otherwise it is dropped.
    assert!(script.fetches().is_empty());
    script.end(2);
    script.pass(secs(10));
    script.assert_quiet();

    let call = script.call("stays");
    script.events();
    script.fetches();
    script.head(3, 200, EVENTS);
    script.event(3, "", &result(3, &said("x")));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(call), "x");
    script.pass(millis(999));
    script.assert_quiet();
    script.pass(millis(1));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["3 abort"]);
}

#[test]
fn a_stream_is_opened_again_as_long_as_it_is_wanted() {
    let mut script = Script::stateless(|_, _| {});
    let wanted = Subscription::uri("file:///x");
    let pending = script
        .client
        .subscribe(wanted, &CallOptions::default(), script.now)
        .unwrap();
    script.events();
    assert_eq!(script.fetches(), ["2 POST subscriptions/listen 2"]);
    let granted = |id: i64| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"notifications":{{"resourceSubscriptions":["file:///x"]}},"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
        )
    };
    script.head(2, 200, EVENTS);
    script.event(2, "", &granted(2));
    assert_eq!(script.events().len(), 2);
    let id = script.client.take(pending).unwrap().unwrap().id;
    // A day of silence is no reason to end it.
    script.pass(secs(24 * 3600));
    script.assert_quiet();
    script.end(2);
    script.assert_quiet();
    script.pass(millis(999));
    script.assert_quiet();
    script.pass(millis(1));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["3 POST subscriptions/listen 3"]);
    // Accidents make the pauses grow.
    script.reply(3, 502, HTML, "");
    script.assert_quiet();
    script.pass(secs(2));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["4 POST subscriptions/listen 4"]);
    script.head(4, 200, EVENTS);
    script.event(4, "", &granted(4));
    let again = script.events();
    assert!(
        again.iter().any(|event| event.starts_with("changed")),
        "{again:?}"
    );
    script.client.unsubscribe(id, script.now);
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["4 abort"]);
}

#[test]
fn a_stream_that_was_never_granted_is_not_asked_for_again_where_it_is_refused() {
    for (status, over) in [(404, true), (501, false)] {
        let mut script = Script::stateless(|_, _| {});
        let wanted = Subscription::uri("file:///x");
        let pending = script
            .client
            .subscribe(wanted, &CallOptions::default(), script.now)
            .unwrap();
        script.events();
        script.fetches();
        script.reply(2, status, HTML, "<no>");
        let events = script.events();
        assert_eq!(
            events.iter().any(|event| event == "done"),
            over,
            "{status} {events:?}"
        );
        if over {
            assert_eq!(
                script.error(pending).to_string(),
                "HTTP 404: Not Found: <no>"
            );
        } else {
            script.assert_quiet();
            script.pass(millis(999));
            script.assert_quiet();
            script.pass(millis(1));
            assert!(script.events().is_empty());
            assert_eq!(script.fetches(), ["3 POST subscriptions/listen 3"]);
        }
    }
}

#[test]
fn a_revision_that_is_spoken_after_all_is_asked_for_once_more() {
    let mut script = Script::stateless(|_, _| {});
    let call = script.call("a");
    script.events();
    script.fetches();
    let refusal = r#","data":{"supported":["2026-07-28"],"requested":"2026-07-28"}"#;
    script.reply(2, 400, JSON, &error(2, -32022, refusal));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["3 POST tools/call 3"]);
    script.reply(3, 400, JSON, &error(3, -32022, refusal));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(call), "the server answered: m (-32022)");
}

#[test]
fn an_authorization_is_asked_for_and_waited_for() {
    const CHALLENGE: &[(&str, &str)] = &[("www-authenticate", "Bearer scope=\"x\"")];
    let mut script = Script::stateless(|_, options| options.awaits_authorization = true);
    let call = script.call("a");
    script.events();
    script.fetches();
    assert_eq!(script.header(2, "authorization"), None);
    script.reply(2, 401, CHALLENGE, "");
    assert_eq!(script.events(), ["unauthorized 401 Bearer scope=\"x\""]);
    // A person may take long to log in.
    script.pass(secs(9 * 60));
    script.assert_quiet();
    let other = script.call("b");
    script.events();
    script.fetches();
    script.reply(3, 401, CHALLENGE, "");
    // It is known already.
    script.assert_quiet();
    let token = http::HeaderValue::from_static("Bearer t");
    script.client.set_authorization(Some(token), script.now);
    assert!(script.events().is_empty());
    let mut fetches = script.fetches();
    fetches.sort();
    assert_eq!(fetches, ["4 POST tools/call 5", "5 POST tools/call 4"]);
    assert_eq!(script.header(4, "authorization"), Some("Bearer t"));
    assert!(script.request(4).headers()["authorization"].is_sensitive());
    script.answer(4, 5, &said("b"));
    script.answer(5, 4, &said("a"));
    assert_eq!(script.events(), ["done", "done"]);
    assert_eq!(
        (script.outcome(call), script.outcome(other)),
        ("a".into(), "b".into())
    );
}

#[test]
fn an_authorization_that_never_suffices_is_given_up() {
    let mut script = Script::stateless(|_, options| options.awaits_authorization = true);
    let call = script.call("a");
    for fetch in 2..=5 {
        script.events();
        assert_eq!(script.fetches().len(), 1);
        script.reply(
            fetch,
            403,
            &[("www-authenticate", "Bearer error=\"insufficient_scope\"")],
            "",
        );
        assert_eq!(
            script.events()[0],
            "unauthorized 403 Bearer error=\"insufficient_scope\""
        );
        if fetch < 5 {
            let token = format!("Bearer {fetch}").parse().unwrap();
            script.client.set_authorization(Some(token), script.now);
        }
    }
    assert_eq!(script.error(call).to_string(), "HTTP 403: Forbidden");
    // Who does not wait is told at once, and who gives up as well.
    for waits in [false, true] {
        let mut script = Script::stateless(|_, options| options.awaits_authorization = waits);
        let call = script.call("a");
        script.events();
        script.fetches();
        script.reply(2, 401, NOTHING, "no token");
        script.events();
        if waits {
            script.client.set_authorization(None, script.now);
            assert_eq!(script.events(), ["done"]);
        }
        assert_eq!(
            script.error(call).to_string(),
            "HTTP 401: Unauthorized: no token"
        );
    }
}

#[test]
fn a_login_may_take_ten_minutes() {
    let mut script = Script::stateless(|_, options| options.awaits_authorization = true);
    let call = script.call("a");
    script.events();
    script.fetches();
    script.reply(2, 401, NOTHING, "");
    assert_eq!(script.events(), ["unauthorized 401 "]);
    script.pass(millis(599_999));
    script.assert_quiet();
    script.pass(millis(1));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.error(call), CallError::TimedOut);
}

#[test]
fn a_call_that_waited_for_a_login_has_its_whole_time_again() {
    let mut script = Script::stateless(|_, options| options.awaits_authorization = true);
    let call = script.call("a");
    script.events();
    script.fetches();
    script.reply(2, 401, NOTHING, "");
    assert_eq!(script.events(), ["unauthorized 401 "]);
    script.pass(secs(9 * 60));
    let token = http::HeaderValue::from_static("Bearer t");
    script.client.set_authorization(Some(token), script.now);
    assert!(script.events().is_empty());
    assert_eq!(script.fetches().len(), 1);
    script.pass(secs(299));
    assert!(script.events().is_empty(), "it may take 300 s");
    script.pass(secs(1));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.error(call), CallError::TimedOut);
}

#[test]
fn an_authorization_may_be_wanted_before_anything_is_known() {
    let mut script = Script::new(EraMode::Auto, |_, options| {
        options.awaits_authorization = true;
    });
    script.fetches();
    script.reply(1, 401, NOTHING, "");
    assert_eq!(script.events(), ["unauthorized 401 "]);
    script.pass(secs(9 * 60));
    script.assert_quiet();
    let token = "Bearer t".parse().unwrap();
    script.client.set_authorization(Some(token), script.now);
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["2 POST server/discover 2"]);
    script.answer(2, 2, DISCOVERED);
    assert_eq!(script.events(), ["ready"]);
}

#[test]
fn redirects_lead_elsewhere_within_the_origin_and_not_for_ever() {
    let mut script = Script::stateless(|_, options| {
        options.authorization = Some(http::HeaderValue::from_static("Bearer t"));
    });
    let call = script.call("a");
    script.events();
    script.fetches();
    script.reply(2, 307, &[("location", "mcp/")], "");
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["3 POST tools/call 2"]);
    assert_eq!(script.request(3).uri(), "https://example.com/mcp/");
    assert_eq!(script.request(3).headers(), script.request(2).headers());
    script.answer(3, 2, &said("a"));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(call), "a");
    // For good.
    let call = script.call("b");
    script.events();
    script.fetches();
    assert_eq!(script.request(4).uri(), "https://example.com/mcp");
    script.reply(4, 308, &[("location", "/v2")], "");
    script.events();
    script.fetches();
    script.answer(5, 3, &said("b"));
    script.events();
    drop(call);
    let call = script.call("c");
    script.events();
    script.fetches();
    assert_eq!(script.request(6).uri(), "https://example.com/v2");
    // In a circle.
    for fetch in 6..=9 {
        script.reply(fetch, 302, &[("location", "/v2")], "");
        script.events();
        script.fetches();
    }
    assert_eq!(
        script.error(call).to_string(),
        "HTTP 302: it redirects too often"
    );
    // To somebody else, who must not see the authorization.
    let call = script.call("d");
    script.events();
    script.fetches();
    script.reply(10, 307, &[("location", "https://evil.example/mcp")], "");
    assert_eq!(script.events(), ["done"]);
    assert!(script.fetches().is_empty());
    assert_eq!(
        script.error(call).to_string(),
        "HTTP 307: it redirects to another origin"
    );
}

#[test]
fn the_callers_headers_are_sent_and_cannot_replace_the_protocols() {
    let mut script = Script::stateless(|_, options| {
        for (name, value) in [
            ("x-api-key", "k"),
            ("accept", "text/html"),
            ("mcp-session-id", "mine"),
            ("mcp-protocol-version", "1999-01-01"),
            ("last-event-id", "7"),
        ] {
            options.headers.insert(name, value.parse().unwrap());
        }
    });
    let _ = script.call("a");
    script.events();
    script.fetches();
    for (name, value) in [
        ("x-api-key", Some("k")),
        ("accept", Some("application/json, text/event-stream")),
        ("mcp-session-id", None),
        ("mcp-protocol-version", Some("2026-07-28")),
        ("last-event-id", None),
    ] {
        assert_eq!(script.header(2, name), value, "{name}");
    }
}

#[test]
fn to_close_drops_what_is_open() {
    let mut script = Script::stateless(|_, _| {});
    let call = script.call("a");
    script.events();
    script.fetches();
    let _ = script.call("never sent");
    script.client.close(script.now);
    assert_eq!(script.events(), ["done", "done", "closed Local"]);
    assert_eq!(script.fetches(), ["2 abort"]);
    assert!(script.client.is_closed() && script.client.poll_timeout().is_none());
    script.answer(2, 2, &said("late"));
    script.assert_quiet();
    assert_eq!(
        script.error(call).to_string(),
        "the call got no answer: the connection was closed"
    );
}

#[test]
fn a_program_logs_in_when_it_is_told_to() {
    let asked = alloc::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = alloc::sync::Arc::clone(&asked);
    let builder = crate::ClientBuilder::new("c", "1")
        .on_unauthorized(move |challenge| told.lock().unwrap().push(challenge.status));
    let now = Instant::from_nanos(1);
    let front = |config, now| {
        let mut options = Endpoint::new("https://example.com/mcp").unwrap();
        options.awaits_authorization = true;
        HttpClient::new(config, options, now)
    };
    let (mut desk, caller) = crate::Desk::over(builder, front, || {}, now);
    let ready = caller.ready();
    let open = |desk: &mut crate::Desk<HttpClient>| {
        while let Some(task) = desk.poll_task(now) {
            task.run();
        }
        match desk.poll_fetch() {
            Some(Fetch::Open(id, request)) => Some((id, request)),
            _ => None,
        }
    };
    let parts = |status: u16| {
        let response = Response::builder().status(status);
        let response = response.header("content-type", "application/json");
        response.body(()).unwrap().into_parts().0
    };
    let (id, request) = open(&mut desk).unwrap();
    assert!(!request.headers().contains_key("authorization"));
    desk.handle_head(id, &parts(401), now);
    desk.handle_end(id, Ok(()), now);
    assert!(open(&mut desk).is_none());
    assert_eq!(*asked.lock().unwrap(), [401]);
    caller.set_authorization(Some(http::HeaderValue::from_static("Bearer t")));
    let (id, request) = open(&mut desk).unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer t");
    desk.handle_head(id, &parts(200), now);
    desk.handle_chunk(id, result(2, DISCOVERED).as_bytes(), now);
    desk.handle_end(id, Ok(()), now);
    assert!(open(&mut desk).is_none());
    assert_eq!(ready.wait().unwrap().version, ProtocolVersion::V2026_07_28);
}
