//! Calls: sent, answered, timed out, cancelled, lost.

use super::*;
use crate::session::{call::State, pending::Reply};
use crate::{
    CallError, CallOptions, Closed, Extension, Malformed, Misuse, NegotiationError, Pending,
};
use alloc::vec;
use mcp_proto::{
    frame::Line,
    json::Json,
    request::{CallTool, Complete, ListTools, Ping, ReadResource, Subscribe},
    rpc::RpcError,
    types::{
        CallToolParams, CallToolResult, CompleteParams, CompletionArgument, CompletionReference,
        EmptyParams, LoggingLevel, Meta, PaginatedParams, ReadResourceParams, SubscribeParams,
    },
};

fn add() -> CallToolParams {
    CallToolParams::new("add").with_arguments(Json::parse(r#"{"a":1}"#).unwrap())
}

impl Script {
    fn add(&mut self, options: &CallOptions) -> Pending<CallToolResult> {
        self.client
            .call::<CallTool>(&add(), options, self.now)
            .unwrap()
    }

    fn take<T: core::fmt::Debug>(&mut self, pending: Pending<T>) -> Result<T, CallError> {
        self.client.take(pending).expect("it has ended")
    }
}

#[test]
fn a_call_is_answered_by_its_id_only() {
    for mut script in [Script::handshake(|_| {}), Script::stateless(|_| {})] {
        let first = script.add(&CallOptions::default());
        let second = script.add(&CallOptions::default());
        assert_eq!(
            script.sent(),
            [
                r#""id":2,"method":"tools/call","params":{"name":"add","arguments":{"a":1}}"#,
                r#""id":3,"method":"tools/call","params":{"name":"add","arguments":{"a":1}}"#
            ]
        );
        script.result(3, r#"{"content":[{"type":"text","text":"second"}]}"#);
        assert_eq!(script.events(), ["done"]);
        let first = script.client.take(first).expect_err("not answered yet");
        assert_eq!(
            script.take(second).unwrap().content[0].as_text(),
            Some("second")
        );
        // Answered once more, under an unknown id, under a string that looks like the id.
        script.result(3, "{}");
        script.result(77, "{}");
        script.line(r#"{"jsonrpc":"2.0","id":"2","result":{}}"#);
        assert_eq!(
            script.events(),
            ["fault UnexpectedResponse", "fault UnexpectedResponse"]
        );
        script.line(r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"no such tool"}}"#);
        assert_eq!(script.events(), ["done"]);
        assert_eq!(
            script.take(first),
            Err(CallError::Rpc(RpcError::invalid_params("no such tool")))
        );
    }
}

#[test]
fn every_request_of_2026_carries_what_it_needs() {
    let mut script = Script::stateless(|_| {});
    let mut meta = Meta::new();
    meta.insert("example.com/k", Json::parse("1").unwrap());
    meta.insert("progressToken", Json::parse("\"mine\"").unwrap());
    let options = CallOptions::default()
        .with_progress()
        .with_meta(meta)
        .with_log_level(LoggingLevel::Debug);
    let call = script.add(&options);
    let token = call.id().as_u64();
    assert_eq!(
        script.sent_lines(),
        [format!(
            "{}{token}{}",
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"add","arguments":{"a":1},"_meta":{"progressToken":"#,
            concat!(
                r#","io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
                r#""io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"#,
                r#""io.modelcontextprotocol/clientCapabilities":{},"#,
                r#""io.modelcontextprotocol/logLevel":"debug","example.com/k":1}}}"#
            )
        )]
    );
    // The handshake era has told all that at its start.
    let mut script = Script::handshake(|_| {});
    let _ = script.add(&CallOptions::default().with_log_level(LoggingLevel::Debug));
    assert_eq!(
        script.sent_lines(),
        [
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"add","arguments":{"a":1}}}"#
        ]
    );
}

#[test]
fn calls_made_early_wait_for_the_revision_and_keep_their_order() {
    let mut script = Script::new(EraMode::Auto, |_| {});
    let mut complete = CompleteParams::new(
        CompletionReference::prompt("p"),
        CompletionArgument::new("a", ""),
    );
    complete.context = Some(Default::default());
    let ready = script.client.ready(script.now).unwrap();
    let call = script
        .client
        .call::<Complete>(&complete, &CallOptions::default(), script.now)
        .unwrap();
    let gone = script.add(&CallOptions::default());
    let ping = script
        .client
        .ping(&CallOptions::default(), script.now)
        .unwrap();
    assert_eq!(
        script.sent(),
        [r#""id":1,"method":"server/discover","params":{}"#]
    );
    script.client.cancel(gone.id(), None, script.now);
    assert_eq!(script.take(gone), Err(CallError::Cancelled));
    script.line(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"?"}}"#);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(
        script.sent(),
        [
            r#""id":2,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#
        ]
    );
    script.result(2, r#"{"protocolVersion":"2025-03-26","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#);
    assert_eq!(script.events(), ["ready", "done"]);
    // Written for the revision that was agreed on: 2025-03-26 knows no context.
    assert_eq!(
        script.sent(),
        [
            r#""method":"notifications/initialized","params":{}"#,
            r#""id":3,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":""}}"#,
            r#""id":4,"method":"ping","params":{}"#,
        ]
    );
    let server = script.take(ready).unwrap();
    assert_eq!(
        (server.version, server.info.as_ref().unwrap().name.as_str()),
        (ProtocolVersion::V2025_03_26, "s")
    );
    assert!(script.client.take(call).is_err() && script.client.take(ping).is_err());
}

#[test]
fn a_method_that_the_revision_lacks_is_not_sent() {
    let mut script = Script::stateless(|_| {});
    let call = script
        .client
        .call::<Subscribe>(
            &SubscribeParams::new("a:b"),
            &CallOptions::default(),
            script.now,
        )
        .unwrap();
    let custom = script
        .client
        .call_custom(
            "resources/subscribe",
            &Json::empty_object(),
            &CallOptions::default(),
            script.now,
        )
        .unwrap();
    assert_eq!(
        (script.events(), script.sent()),
        (vec!["done".into(), "done".into()], vec![])
    );
    let expected = CallError::NotInRevision {
        version: ProtocolVersion::V2026_07_28,
    };
    assert_eq!(script.take(call).unwrap_err(), expected);
    assert_eq!(script.take(custom).unwrap_err(), expected);
    // Nor one that waited for the revision.
    let mut script = Script::new(EraMode::Stateless, |_| {});
    let call = script
        .client
        .call::<Ping>(&EmptyParams::default(), &CallOptions::default(), script.now)
        .unwrap();
    script.result(
        1,
        r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#,
    );
    assert_eq!(script.events(), ["ready", "done"]);
    assert_eq!(script.take(call).unwrap_err(), expected);
}

#[test]
fn ping_and_log_level_mean_the_same_in_both_eras() {
    let mut script = Script::handshake(|_| {});
    let ping = script
        .client
        .ping(&CallOptions::default(), script.now)
        .unwrap();
    let level = script
        .client
        .set_log_level(LoggingLevel::Info, &CallOptions::default(), script.now)
        .unwrap();
    assert_eq!(
        script.sent(),
        [
            r#""id":2,"method":"ping","params":{}"#,
            r#""id":3,"method":"logging/setLevel","params":{"level":"info"}"#
        ]
    );
    script.result(2, "{}");
    script.result(3, "{}");
    assert_eq!(script.events(), ["done", "done"]);
    assert!(script.take(ping).is_ok() && script.take(level).is_ok());

    let mut script = Script::stateless(|_| {});
    let ping = script
        .client
        .ping(&CallOptions::default(), script.now)
        .unwrap();
    let level = script
        .client
        .set_log_level(LoggingLevel::Info, &CallOptions::default(), script.now)
        .unwrap();
    let call = script.add(&CallOptions::default());
    let sent = script.sent();
    assert_eq!(sent[0], r#""id":2,"method":"server/discover","params":{}"#);
    assert!(
        sent[1].contains(r#""io.modelcontextprotocol/logLevel":"info""#),
        "{sent:?}"
    );
    script.result(
        2,
        r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#,
    );
    assert_eq!(script.events(), ["done", "done"]);
    assert!(script.take(ping).is_ok() && script.take(level).is_ok());
    script.client.forget(call.id(), script.now);
}

#[test]
fn a_silent_server_loses_a_call_and_is_told() {
    for mut script in [Script::handshake(|_| {}), Script::stateless(|_| {})] {
        let call = script.add(&CallOptions::default().with_timeout(Duration::from_secs(10)));
        let other = script.add(&CallOptions::default());
        script.sent_lines();
        assert_eq!(
            script.client.poll_timeout(),
            Some(script.now.saturating_add(Duration::from_secs(10)))
        );
        script.pass(Duration::from_millis(9_999));
        assert!(script.events().is_empty());
        script.pass(Duration::from_millis(1));
        assert_eq!(script.events(), ["done"]);
        assert_eq!(
            script.sent(),
            [r#""method":"notifications/cancelled","params":{"requestId":2,"reason":"timed out"}"#]
        );
        assert_eq!(script.take(call), Err(CallError::TimedOut));
        // The answer crosses the cancellation; nobody minds.
        script.result(2, r#"{"content":[]}"#);
        script.result(3, r#"{"content":[]}"#);
        assert_eq!(script.events(), ["done"]);
        assert!(script.take(other).is_ok());
    }
}

#[test]
fn progress_keeps_a_call_alive_up_to_its_maximum() {
    for mut script in [Script::handshake(|_| {}), Script::stateless(|_| {})] {
        let options = CallOptions::default()
            .with_timeout(Duration::from_secs(10))
            .with_max(Duration::from_secs(25))
            .with_progress();
        let call = script.add(&options);
        let quiet = script.add(&CallOptions::default().with_timeout(Duration::from_secs(12)));
        let token = call.id().as_u64();
        for (at, done) in [(0, 1), (9, 2), (9, 3)] {
            script.pass(Duration::from_secs(at));
            script.note(
                "notifications/progress",
                &format!(r#"{{"progressToken":{token},"progress":{done}}}"#),
            );
            // For a call that did not ask for it, and for none at all.
            let other = quiet.id().as_u64();
            script.note(
                "notifications/progress",
                &format!(r#"{{"progressToken":{other},"progress":{done}}}"#),
            );
            script.note(
                "notifications/progress",
                r#"{"progressToken":"x","progress":1}"#,
            );
            script.note(
                "notifications/progress",
                r#"{"progressToken":-1,"progress":1}"#,
            );
            let mut events = script.events();
            if done == 3 {
                // Twelve seconds of silence: the other call.
                assert_eq!(events.remove(0), "done");
            }
            assert_eq!(events, [format!("progress {done}")]);
        }
        script.pass(Duration::from_millis(6_999));
        assert!(script.events().is_empty());
        script.pass(Duration::from_millis(1));
        assert_eq!(script.events(), ["done"]);
        assert_eq!(script.take(call), Err(CallError::TimedOut));
        script.note(
            "notifications/progress",
            &format!(r#"{{"progressToken":{token},"progress":9}}"#),
        );
        assert!(script.events().is_empty());
        assert_eq!(script.take(quiet), Err(CallError::TimedOut));
    }
}

#[test]
fn a_caller_may_change_its_mind() {
    let mut script = Script::stateless(|_| {});
    let cancelled = script.add(&CallOptions::default());
    let forgotten = script.add(&CallOptions::default());
    script.sent_lines();
    script
        .client
        .cancel(cancelled.id(), Some("no \"need\""), script.now);
    script.client.forget(forgotten.id(), script.now);
    assert_eq!(
        script.sent(),
        [
            r#""method":"notifications/cancelled","params":{"requestId":2,"reason":"no \"need\""}"#,
            r#""method":"notifications/cancelled","params":{"requestId":3}"#
        ]
    );
    assert_eq!(script.events(), ["done"]);
    script.client.cancel(cancelled.id(), None, script.now);
    assert_eq!((script.events().len(), script.sent().len()), (0, 0));
    assert_eq!(script.take(cancelled), Err(CallError::Cancelled));
    // A result that nobody takes is forgotten as well.
    let answered = script.add(&CallOptions::default());
    script.result(4, r#"{"content":[]}"#);
    script.client.handle_timeout(script.now);
    assert_eq!(script.client.calls.len(), 1);
    assert_eq!(script.events(), ["done"]);
    script.client.forget(answered.id(), script.now);
    assert_eq!(script.client.calls.len(), 0);
}

#[test]
fn the_end_of_the_connection_ends_every_call_for_good() {
    for mut script in [Script::handshake(|_| {}), Script::stateless(|_| {})] {
        let calls = [
            script.add(&CallOptions::default()),
            script.add(&CallOptions::default()),
        ];
        let answered = script.add(&CallOptions::default());
        script.sent_lines();
        // The last line has no end, and counts.
        script.client.handle_bytes(
            br#"{"jsonrpc":"2.0","id":4,"result":{"content":[]}}"#,
            script.now,
        );
        script.eof();
        assert_eq!(script.events(), ["done", "done", "done", "closed Eof"]);
        assert!(script.client.is_closed());
        assert!(!script.client.wants_read());
        assert_eq!(script.client.poll_timeout(), None);
        for call in calls {
            assert_eq!(script.take(call), Err(CallError::Lost(Closed::Eof)));
        }
        assert!(script.take(answered).is_ok());
        let refused = script
            .client
            .call::<CallTool>(&add(), &CallOptions::default(), script.now);
        assert_eq!(refused.unwrap_err(), Misuse::Closed(Closed::Eof));
        script.result(2, "{}");
        script.eof();
        script.client.close(script.now);
        assert!(script.events().is_empty());
    }
}

#[test]
fn closing_fails_what_is_open_and_sends_what_was_said() {
    let mut script = Script::handshake(|_| {});
    let call = script.add(&CallOptions::default());
    script.client.close(script.now);
    assert!(!script.client.is_closed());
    assert_eq!(script.events(), ["done", "closed Local"]);
    assert!(!script.client.is_closed());
    assert_eq!(script.sent().len(), 1);
    assert!(script.client.is_closed());
    assert_eq!(script.take(call), Err(CallError::Lost(Closed::Local)));
}

#[test]
fn a_failed_negotiation_explains_itself_to_every_call() {
    let mut script = Script::new(EraMode::Handshake(ProtocolVersion::LATEST), |_| {});
    let call = script.add(&CallOptions::default());
    let ready = script.client.ready(script.now).unwrap();
    script.result(1, r#"{"protocolVersion":"1999-12-31","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#);
    assert_eq!(script.events(), ["done", "done", "closed NotAgreed"]);
    let expected = NegotiationError::UnknownVersion("1999-12-31".into());
    assert_eq!(script.client.failure(), Some(&expected));
    assert_eq!(
        script.take(call).unwrap_err(),
        CallError::Negotiation(expected.clone())
    );
    assert_eq!(
        script.take(ready).unwrap_err(),
        CallError::Negotiation(expected)
    );
}

#[test]
fn a_server_that_hangs_up_on_the_probe_is_told_apart() {
    let mut script = Script::new(EraMode::Auto, |_| {});
    script.eof();
    assert_eq!(script.events(), ["closed Probe"]);
    let mut script = Script::new(EraMode::Handshake(ProtocolVersion::LATEST), |_| {});
    script.eof();
    assert_eq!(script.events(), ["closed Eof"]);
}

#[test]
fn a_list_is_followed_to_its_end() {
    for mut script in [Script::handshake(|_| {}), Script::stateless(|_| {})] {
        let page = |names: &[&str], cursor: Option<&str>| {
            let tools: Vec<_> = names
                .iter()
                .map(|name| format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#))
                .collect();
            let cursor = cursor.map_or(String::new(), |cursor| {
                format!(r#","nextCursor":"{cursor}""#)
            });
            format!(r#"{{"tools":[{}]{cursor}}}"#, tools.join(","))
        };
        let list = script
            .client
            .list_all::<ListTools>(&CallOptions::default(), script.now)
            .unwrap();
        assert_eq!(
            script.sent(),
            [r#""id":2,"method":"tools/list","params":{}"#]
        );
        // The empty cursor is a cursor.
        script.result(2, &page(&["a", "b"], Some("")));
        assert!(script.events().is_empty());
        assert_eq!(
            script.sent(),
            [r#""id":3,"method":"tools/list","params":{"cursor":""}"#]
        );
        script.result(3, &page(&[], Some("c2")));
        assert!(script.events().is_empty());
        assert_eq!(
            script.sent(),
            [r#""id":4,"method":"tools/list","params":{"cursor":"c2"}"#]
        );
        // One that came before: the list would go round for ever.
        script.result(4, &page(&["c"], Some("")));
        assert_eq!(
            (script.events(), script.sent()),
            (vec!["done".into()], vec![])
        );
        let names: Vec<_> = script
            .take(list)
            .unwrap()
            .into_iter()
            .map(|tool| tool.name)
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}

#[test]
fn a_list_that_is_too_long_is_given_up() {
    let pages = [r#"{"tools":[],"nextCursor":"next"}"#, r#"{"tools":[]}"#];
    let whole = pages[0].len() + "next".len() + pages[1].len();
    for (most, fits) in [(whole, true), (whole - 1, false)] {
        let mut script = Script::handshake(|config| config.limits.list_bytes = most);
        let (options, now) = (CallOptions::default(), script.now);
        let list = script.client.list_all::<ListTools>(&options, now).unwrap();
        for (id, page) in (2..).zip(pages) {
            script.result(id, page);
        }
        assert_eq!(script.events(), ["done"]);
        let ended = script.take(list);
        match fits {
            true => assert_eq!(ended, Ok([].into())),
            false => assert_eq!(ended, Err(CallError::ListTooLong(most))),
        }
    }
}

#[test]
fn a_list_that_does_not_end_is_given_up_at_the_limit() {
    let mut script = Script::handshake(|config| config.limits.pages = 3);
    let list = script
        .client
        .list_all::<ListTools>(&CallOptions::default(), script.now)
        .unwrap();
    for id in 2..5 {
        script.result(id, &format!(r#"{{"tools":[],"nextCursor":"{id}"}}"#));
    }
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.sent().len(), 3);
    assert_eq!(script.take(list).unwrap_err(), CallError::TooManyPages(3));
    // Exactly as many as allowed are fine; a page that fails fails the list.
    let list = script
        .client
        .list_all::<ListTools>(&CallOptions::default(), script.now)
        .unwrap();
    script.result(5, r#"{"tools":[],"nextCursor":"1"}"#);
    script.result(6, r#"{"tools":[],"nextCursor":"2"}"#);
    script.result(7, r#"{"tools":[]}"#);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.take(list).unwrap(), []);
    let list = script
        .client
        .list_all::<ListTools>(&CallOptions::default(), script.now)
        .unwrap();
    script.result(8, r#"{"tools":[],"nextCursor":7}"#);
    assert_eq!(script.events(), ["done"]);
    assert!(matches!(script.take(list), Err(CallError::Malformed(_))));
}

#[test]
fn results_are_read_by_the_method_that_was_called() {
    let mut script = Script::stateless(|_| {});
    let table: &[(&str, Option<&str>)] = &[
        (r#"{"resultType":"complete","content":[]}"#, None),
        (r#"{"content":[],"resultType":"complete"}"#, None),
        (r#"{"content":[]}"#, None),
        (r#"{"structuredContent":[1]}"#, None),
        (
            r#"{"content":[],"resultType":"other"}"#,
            Some("its resultType `other` is unexpected"),
        ),
        (
            r#"{"resultType":"task","taskId":"1"}"#,
            Some("its resultType `task` is unexpected"),
        ),
        (
            r#"{"content":[],"resultType":7}"#,
            Some("invalid type: integer `7`, expected a string at line 1 column 28"),
        ),
        (
            r#"{"content":7}"#,
            Some("invalid type: integer `7`, expected a sequence at line 1 column 12"),
        ),
        (
            "7",
            Some("invalid type: integer `7`, expected struct Peek at line 1 column 1"),
        ),
    ];
    for (at, (result, expected)) in table.iter().enumerate() {
        let call = script.add(&CallOptions::default());
        script.result(at as i64 + 2, result);
        assert_eq!(script.events(), ["done"]);
        match (script.take(call), expected) {
            (Ok(_), None) => {}
            (Err(CallError::Malformed(Malformed { reason })), Some(expected)) => {
                assert_eq!(reason, *expected);
            }
            other => panic!("{result}: {other:?}"),
        }
    }
    // Only three methods may ask back.
    let list = script
        .client
        .call::<ListTools>(
            &PaginatedParams::default(),
            &CallOptions::default(),
            script.now,
        )
        .unwrap();
    script.result(11, r#"{"resultType":"input_required","requestState":"s"}"#);
    assert_eq!(script.events(), ["done"]);
    assert!(matches!(script.take(list), Err(CallError::Malformed(_))));
    // Methods of extensions have results of their own.
    let custom = script
        .client
        .call_custom(
            "x/y",
            &Json::parse(r#"{"a":[1]}"#).unwrap(),
            &CallOptions::default(),
            script.now,
        )
        .unwrap();
    script.result(12, r#"{"resultType":"odd"}"#);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(
        script.take(custom).unwrap().as_str(),
        r#"{"resultType":"odd"}"#
    );
    assert_eq!(
        script.sent().last().unwrap(),
        r#""id":12,"method":"x/y","params":{"a":[1]}"#
    );
    assert_eq!(
        script
            .client
            .call_custom("x/y", &Json::null(), &CallOptions::default(), script.now)
            .unwrap_err(),
        Misuse::NotAnObject
    );
}

#[test]
fn a_long_result_is_handed_on_without_a_copy() {
    let mut script = Script::handshake(|_| {});
    let call = script
        .client
        .call::<ReadResource>(
            &ReadResourceParams::new("a:b"),
            &CallOptions::default(),
            script.now,
        )
        .unwrap();
    let custom = script
        .client
        .call_custom(
            "x/y",
            &Json::empty_object(),
            &CallOptions::default(),
            script.now,
        )
        .unwrap();
    let text = "é".repeat(10_000);
    script.result(
        2,
        &format!(r#"{{"contents":[{{"uri":"a:b","text":"{text}"}}]}}"#),
    );
    script.result(3, &format!(r#"{{"text":"{text}"}}"#));
    assert_eq!(script.events(), ["done", "done"]);
    assert_eq!(
        script.take(call).unwrap().contents[0].as_text(),
        Some(&*text)
    );
    assert_eq!(script.take(custom).unwrap().as_str().len(), text.len() + 11);
}

#[test]
fn open_calls_are_counted_and_bounded() {
    let mut script = Script::handshake(|config| config.limits.client_calls = 3);
    let calls: Vec<_> = (0..3)
        .map(|_| script.add(&CallOptions::default()))
        .collect();
    let refused = script
        .client
        .call::<CallTool>(&add(), &CallOptions::default(), script.now);
    assert_eq!(refused.unwrap_err(), Misuse::TooManyCalls(3));
    script.client.forget(calls[1].id(), script.now);
    assert!(
        script
            .client
            .ping(&CallOptions::default(), script.now)
            .is_ok()
    );
}

#[test]
fn any_cut_of_the_stream_gives_the_same_transcript() {
    let stream = concat!(
        "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"é\"}}\r\n",
        r#"{"jsonrpc":"2.0","id":2,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#,
        "\n",
        "\n nonsense\n",
        r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":3,"result":{"content":[]}}"#,
        "\n",
        r#"[{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}},7]"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":4,"result":{"content":7}}"#,
    );
    let run = |chunk: usize| {
        let mut script = Script::new(EraMode::Auto, |_| {});
        let calls = [
            script.add(&CallOptions::default()),
            script.add(&CallOptions::default()),
        ];
        let mut seen = Vec::new();
        for piece in stream.as_bytes().chunks(chunk) {
            script.client.handle_bytes(piece, script.now);
            if chunk % 2 == 1 {
                seen.append(&mut script.events());
            }
        }
        seen.append(&mut script.events());
        let sent = script.sent_lines();
        script.eof();
        seen.append(&mut script.events());
        (seen, sent, calls.map(|call| script.take(call)))
    };
    let whole = run(stream.len());
    assert_eq!(whole.0.len(), 7, "{:?}", whole.0);
    assert_eq!(whole.1.len(), 6, "{:?}", whole.1);
    for chunk in 1..60 {
        assert_eq!(run(chunk), whole, "in pieces of {chunk}");
    }
}

#[test]
fn what_an_extension_says_in_every_request_is_said_since_2026_alone() {
    let with = |config: &mut Config| {
        let said = Extension::new("com.example/x").meta("com.example/said", Json::null());
        config.extensions.push(said);
    };
    for (mut script, says) in [
        (Script::stateless(with), true),
        (Script::handshake(with), false),
    ] {
        let params = CallToolParams::new("t");
        let options = CallOptions::default();
        let now = script.now;
        let _ = script.client.call::<CallTool>(&params, &options, now);
        let sent = script.sent_lines().concat();
        assert_eq!(sent.contains("com.example/said"), says, "{sent}");
    }
}

#[test]
fn a_result_that_came_in_a_line_of_its_own_is_not_copied() {
    let mut script = Script::stateless(|_| {});
    let call = script.add(&CallOptions::default());
    let line = br#"{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","content":[]}}"#;
    let line = line.to_vec();
    let place = line.as_ptr_range();
    script.client.receive(Line::Owned(line));
    let state = &script.client.calls.get(call.id()).unwrap().state;
    let State::Done(Ok(Reply::Text(json))) = state else {
        panic!("{state:?}")
    };
    assert!(place.contains(&json.as_str().as_ptr()));
}

#[test]
fn what_is_told_of_a_call_that_is_over_is_told_nobody() {
    let mut script = Script::stateless(|_| {});
    let call = script.add(&CallOptions::default().with_progress());
    let token = call.id().as_u64();
    script.result(2, r#"{"resultType":"complete","content":[]}"#);
    let report = format!(r#"{{"progressToken":{token},"progress":1}}"#);
    script.note("notifications/progress", &report);
    assert_eq!(script.events(), ["done"]);
}

/// Without the extension a session's result has no type, whatever it looks like.
#[test]
fn until_2025_a_result_is_what_was_asked_for() {
    let mut script = Script::handshake(|_| {});
    let call = script.add(&CallOptions::default());
    script.result(
        2,
        r#"{"resultType":"task","content":[],"task":{"taskId":"T","status":"working","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttl":1}}"#,
    );
    assert_eq!(script.events(), ["done"]);
    assert!(script.take(call).unwrap().content.is_empty());
}
