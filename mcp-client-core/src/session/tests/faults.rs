//! Servers that break the rules: told of, survived, bounded.

use super::*;
use crate::{CallError, CallOptions};
use mcp_proto::{request::CallTool, types::CallToolParams};

#[test]
fn garbage_does_no_harm() {
    for mut script in [Script::handshake(|_| {}), Script::stateless(|_| {})] {
        let call = script
            .client
            .call::<CallTool>(
                &CallToolParams::new("t"),
                &CallOptions::default(),
                script.now,
            )
            .unwrap();
        script.sent_lines();
        let table: &[(&[u8], &str)] = &[
            (b"not json", "fault NotRpc"),
            (b"\xff\xfe", "fault NotRpc"),
            (b"{}", "fault NotRpc"),
            (b"[]", "fault NotRpc"),
            (b"null", "fault NotRpc"),
            (br#"{"jsonrpc":"2.0","id":null,"result":{}}"#, "fault NotRpc"),
            (br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}"#, "fault UnexpectedResponse"),
            // Requests of the server's with our id say nothing about our call.
            (br#"{"jsonrpc":"2.0","id":2,"method":7}"#, "fault NotRpc"),
            (br#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"loud","data":1}}"#, "fault Notification"),
            (br#"{"jsonrpc":"2.0","method":"notifications/progress"}"#, "fault Notification"),
            (br#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":1}}"#, "fault Notification"),
            (br#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{}}}"#, "fault Notification"),
            (br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#, ""),
            (br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}"#, ""),
            (br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#, ""),
            (br#"{"jsonrpc":"2.0","method":"x/y","params":[1]}"#, "note x/y Some([1])"),
            (br#"{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e"}}"#, "complete e"),
            (br#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{}}}"#, "log info"),
        ];
        for (line, expected) in table {
            script.client.handle_bytes(line, script.now);
            script.client.handle_bytes(b"\n", script.now);
            let events = script.events();
            let seen = events.first().map_or("", |event| event);
            assert!(
                seen.starts_with(expected) && events.len() <= 1,
                "{}: {events:?}",
                String::from_utf8_lossy(line)
            );
            assert!(!expected.is_empty() || events.is_empty(), "{events:?}");
        }
        assert!(script.sent().is_empty());
        script.result(2, r#"{"content":[]}"#);
        assert_eq!(script.events(), ["done"]);
        assert!(script.client.take(call).unwrap().is_ok());
    }
}

#[test]
fn an_unreadable_answer_is_an_answer() {
    let unreadable = [
        r#"{"jsonrpc":"2.0","id":2,"result":{},"error":{"code":1,"message":""}}"#,
        r#"{"jsonrpc":"2.0","id":2,"error":"no"}"#,
        r#"{"id":2,"result":{}}"#,
    ];
    for line in unreadable {
        let mut script = Script::handshake(|_| {});
        let call = script
            .client
            .call::<CallTool>(
                &CallToolParams::new("t"),
                &CallOptions::default(),
                script.now,
            )
            .unwrap();
        script.line(line);
        let events = script.events();
        assert!(events[0].starts_with("fault NotRpc"), "{line}");
        assert_eq!(events[1], "done", "{line}");
        assert!(
            matches!(script.client.take(call), Ok(Err(CallError::Malformed(_)))),
            "{line}"
        );
    }
    // Also of the first exchange.
    let mut script = Script::new(EraMode::Auto, |_| {});
    script.line(r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#);
    assert_eq!(script.events().len(), 1);
    assert_eq!(script.sent().len(), 2);
    script.line(r#"{"jsonrpc":"2.0","id":2,"error":"no"}"#);
    assert_eq!(script.events().last().unwrap(), "closed NotAgreed");
}

#[test]
fn a_message_is_as_long_as_the_limit_allows() {
    let mut script = Script::handshake(|config| config.limits.message_bytes = 300);
    let line = |length: usize| {
        let head = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":""#;
        format!("{head}{}\"}}}}", "x".repeat(length - head.len() - 3))
    };
    script.line(&line(300));
    script.line(&line(301));
    script.line(&"[".repeat(5_000));
    script.line(&line(299));
    assert_eq!(
        script.events(),
        ["log info", "fault Frame", "fault Frame", "log info"]
    );
}

#[test]
fn batches_are_read_one_message_at_a_time() {
    let mut script = Script::handshake(|_| {});
    let first = script
        .client
        .call::<CallTool>(
            &CallToolParams::new("t"),
            &CallOptions::default(),
            script.now,
        )
        .unwrap();
    let second = script
        .client
        .call::<CallTool>(
            &CallToolParams::new("t"),
            &CallOptions::default(),
            script.now,
        )
        .unwrap();
    script.sent_lines();
    script.line(concat!(
        r#"[{"jsonrpc":"2.0","id":3,"result":{"content":[]}},7,{"jsonrpc":"2.0","id":2,"error":"no"},"#,
        r#"{"jsonrpc":"2.0","id":9,"method":"ping"}]"#
    ));
    let events = script.events();
    assert_eq!(events.len(), 4, "{events:?}");
    assert!(script.client.take(second).unwrap().is_ok());
    assert!(matches!(
        script.client.take(first).unwrap(),
        Err(CallError::Malformed(_))
    ));
    assert_eq!(script.sent(), [r#""id":9,"result":{}"#]);
}

#[test]
fn answers_that_wait_are_counted_to_the_byte() {
    let with = |high_water: usize, most: usize| {
        let mut script = Script::handshake(|config| {
            config.limits.outbound_high_water = high_water;
            config.limits.outbound_bytes = most;
        });
        let mut events = Vec::new();
        for _ in 0..3 {
            script.line(r#"{"jsonrpc":"2.0","id":"0123456789","method":"ping"}"#);
            events.append(&mut script.events());
        }
        (script.client, events)
    };
    let three = with(usize::MAX, usize::MAX).0.outbox.answer_bytes();
    assert!(three > 100);
    assert!(with(three, usize::MAX).0.wants_read());
    assert!(!with(three - 1, usize::MAX).0.wants_read());
    assert!(with(usize::MAX, three).1.is_empty());
    assert_eq!(with(usize::MAX, three - 1).1, ["closed Overflow"]);
}

#[test]
fn answers_that_nobody_reads_are_bounded_in_bytes_and_time() {
    let mut script = Script::handshake(|config| {
        config.limits.outbound_high_water = 400;
        config.limits.outbound_bytes = 4000;
    });
    let ping = r#"{"jsonrpc":"2.0","id":"0123456789","method":"ping"}"#;
    while script.client.wants_read() {
        script.line(ping);
        assert!(script.events().is_empty());
    }
    let high = script.client.outbox.answer_bytes();
    assert!((400..500).contains(&high), "{high}");
    // Read again once some were taken.
    let mut out = Vec::new();
    for _ in 0..3 {
        assert!(script.client.poll_transmit(&mut out));
    }
    assert!(script.client.wants_read());
    // Left alone, the connection is given up.
    while script.client.wants_read() {
        script.line(ping);
        assert!(script.events().is_empty());
    }
    let due = script.client.poll_timeout().expect("it is watched");
    assert_eq!(due.duration_since(script.now), Duration::from_secs(30));
    script.pass(Duration::from_millis(29_999));
    assert!(script.events().is_empty());
    script.pass(Duration::from_millis(1));
    assert_eq!(script.events(), ["closed Unresponsive"]);

    // A loop that reads all the same is stopped as well.
    let mut script = Script::handshake(|config| config.limits.outbound_bytes = 4000);
    let mut events = Vec::new();
    for _ in 0..200 {
        script.line(ping);
        events.append(&mut script.events());
    }
    assert_eq!(events, ["closed Overflow"]);
}
