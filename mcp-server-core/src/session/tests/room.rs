//! Calls for which there is no room, on a connection that holds them back.

use super::script::*;
use alloc::format;
use core::time::Duration;
use mcp_proto::{limits::Limits, time::Instant};

fn limits(in_flight: usize, parked: usize) -> Limits {
    let mut limits = Limits::default();
    (limits.calls_in_flight, limits.calls_parked) = (in_flight, parked);
    limits
}

/// There is no room for another call.
const FULL: &str = r#"
        > {"id":"i","method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{}}}
        < {"id":"i","result":{"protocolVersion":"2025-03-26","capabilities":{"logging":{},"completions":{},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}},"serverInfo":{"name":"demo","version":"1.0.0"}}}
        > {"method":"notifications/initialized"}
        > {"id":1,"method":"tools/call","params":{"name":"hold"}}
        call 1: hold
        > {"id":2,"method":"tools/call","params":{"name":"hold"}}"#;

#[track_caller]
fn play_full(script: &str) {
    play_patiently(limits(1, 1), &[FULL, script].concat());
}

#[test]
fn a_call_without_room_is_left_unread_with_all_behind_it() {
    play_full(
        r#"
        > {"id":3,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}}
        > {"id":4,"method":"ping"}
        wait 50ms
        finish 1 one
        call 2: hold
        < {"id":1,"result":{"content":[{"type":"text","text":"one"}]}}
        < {"id":4,"result":{}}
        finish 2 two
        < {"id":2,"result":{"content":[{"type":"text","text":"two"}]}}
        < {"id":3,"result":{"content":[{"type":"text","text":"{\"a\":1}"}]}}
        "#,
    );
}

/// What the client writes meanwhile stays in the pipe, and costs nothing here.
#[test]
fn nothing_more_is_read_meanwhile() {
    let mut stage = Stage::new(service(limits(1, 1)));
    stage.conn = stage.conn.patient();
    let call =
        |id| format!(r#"> {{"id":{id},"method":"tools/call","params":{{"name":"hold",$m}}}}"#);
    stage.act(&call(1));
    stage.act(&call(2));
    assert!(stage.conn.wants_read());
    stage.act(&call(3));
    assert!(!stage.conn.wants_read());
    let until = Instant::ZERO.saturating_add(Duration::from_millis(500));
    assert_eq!(stage.conn.poll_timeout(), Some(until));
    stage.act("finish 1 one");
    assert!(stage.conn.wants_read());
    stage.act(&call(4));
    assert!(!stage.conn.wants_read());
    stage.act("wait 500ms");
    assert!(stage.conn.wants_read());
}

#[test]
fn what_needs_no_room_is_taken_until_then() {
    play_full(
        r#"
        > {"id":3,"method":"ping"}
        < {"id":3,"result":{}}
        > {"method":"notifications/cancelled","params":{"requestId":1}}
        ! cancelled 1
        call 2: hold
        > {"id":4,"method":"tools/call","params":{"name":"hold"}}
        > {"id":5,"method":"prompts/get","params":{"name":"greeting"}}
        > {"id":6,"method":"ping"}
        finish 2 two
        call 3: hold
        < {"id":2,"result":{"content":[{"type":"text","text":"two"}]}}
        < {"id":6,"result":{}}
        "#,
    );
}

#[test]
fn patience_ends_so_that_a_cancellation_gets_through() {
    play_full(
        r#"
        > {"id":3,"method":"tools/call","params":{"name":"hold"}}
        > {"id":4,"method":"tools/call","params":{"name":"hold"}}
        > {"method":"notifications/cancelled","params":{"requestId":1}}
        wait 499ms
        wait 1ms
        ! cancelled 1
        call 2: hold
        < {"id":3,"error":{"code":-32000,"message":"the server is busy: too many requests are waiting"}}
        < {"id":4,"error":{"code":-32000,"message":"the server is busy: too many requests are waiting"}}
        "#,
    );
}

#[test]
fn each_call_that_ends_buys_ten_milliseconds_up_to_as_much_again() {
    play_full(
        r#"
        > {"id":3,"method":"tools/call","params":{"name":"hold"}}
        > {"id":4,"method":"tools/call","params":{"name":"hold"}}
        wait 495ms
        finish 1 one
        call 2: hold
        < {"id":1,"result":{"content":[{"type":"text","text":"one"}]}}
        wait 14ms
        > {"id":5,"method":"tools/call","params":{"name":"hold"}}
        wait 1ms
        < {"id":4,"error":{"code":-32000,"message":"the server is busy: too many requests are waiting"}}
        < {"id":5,"error":{"code":-32000,"message":"the server is busy: too many requests are waiting"}}
        "#,
    );
    play_full(
        r#"
        > {"id":3,"method":"tools/call","params":{"name":"hold"}}
        > {"id":4,"method":"tools/call","params":{"name":"hold"}}
        finish 1 one
        call 2: hold
        < {"id":1,"result":{"content":[{"type":"text","text":"one"}]}}
        wait 499ms
        wait 1ms
        < {"id":4,"error":{"code":-32000,"message":"the server is busy: too many requests are waiting"}}
        "#,
    );
}

#[test]
fn a_client_that_was_quiet_has_all_the_patience_again() {
    play_full(
        r#"
        > {"id":3,"method":"tools/call","params":{"name":"hold"}}
        wait 500ms
        < {"id":3,"error":{"code":-32000,"message":"the server is busy: too many requests are waiting"}}
        finish 1 one
        call 2: hold
        < {"id":1,"result":{"content":[{"type":"text","text":"one"}]}}
        finish 2 two
        < {"id":2,"result":{"content":[{"type":"text","text":"two"}]}}
        > {"id":4,"method":"tools/call","params":{"name":"hold"}}
        call 3: hold
        > {"id":5,"method":"tools/call","params":{"name":"hold"}}
        > {"id":6,"method":"tools/call","params":{"name":"hold"}}
        wait 499ms
        wait 1ms
        < {"id":6,"error":{"code":-32000,"message":"the server is busy: too many requests are waiting"}}
        "#,
    );
}

#[test]
fn a_long_call_is_held_back_as_it_is() {
    let long = "x".repeat(10_000);
    play_full(&format!(
        r#"
        > {{"id":3,"method":"tools/call","params":{{"name":"echo","arguments":{{"a":"{long}"}}}}}}
        > {{"id":4,"method":"ping"}}
        finish 1 one
        call 2: hold
        < {{"id":1,"result":{{"content":[{{"type":"text","text":"one"}}]}}}}
        < {{"id":4,"result":{{}}}}
        finish 2 two
        < {{"id":2,"result":{{"content":[{{"type":"text","text":"two"}}]}}}}
        < {{"id":3,"result":{{"content":[{{"type":"text","text":"{{\"a\":\"{long}\"}}"}}]}}}}
        "#
    ));
}

#[test]
fn the_end_of_the_input_waits_behind_it() {
    play_full(
        r#"
        > {"id":3,"method":"tools/call","params":{"name":"hold"}}
        eof
        finish 1 one
        call 2: hold
        < {"id":1,"result":{"content":[{"type":"text","text":"one"}]}}
        finish 2 two
        call 3: hold
        < {"id":2,"result":{"content":[{"type":"text","text":"two"}]}}
        finish 3 three
        < {"id":3,"result":{"content":[{"type":"text","text":"three"}]}}
        ! closed Eof
        "#,
    );
}

/// Its members are answered together, so that it cannot be taken up in the middle.
#[test]
fn a_batch_is_not_held_back() {
    play_full(
        r#"
        > [{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"hold"}}]
        < [{"id":3,"error":{"code":-32000,"message":"the server is busy: too many requests are waiting"}}]
        "#,
    );
}

/// A client that still has a call running was not quiet, also where no call may wait.
#[test]
fn patience_is_not_renewed_while_a_call_runs_though_none_waits() {
    play_patiently(
        limits(2, 0),
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold",$m}}
        call 1: hold
        > {"id":2,"method":"tools/call","params":{"name":"hold",$m}}
        call 2: hold
        > {"id":3,"method":"tools/call","params":{"name":"hold",$m}}
        wait 495ms
        finish 1 one
        call 3: hold
        < {"id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"one"}],$server}}
        > {"id":4,"method":"tools/call","params":{"name":"hold",$m}}
        wait 14ms
        wait 1ms
        < {"id":4,"error":{"code":-32000,"message":"the server is busy: too many requests are waiting"}}
        "#,
    );
}

/// Where none may wait: a call is held back while there is no place, and only then.
#[test]
fn a_call_is_held_back_where_none_may_wait() {
    play_patiently(
        limits(1, 0),
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold",$m}}
        call 1: hold
        > {"id":2,"method":"tools/call","params":{"name":"hold",$m}}
        finish 1 one
        call 2: hold
        < {"id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"one"}],$server}}
        "#,
    );
}
