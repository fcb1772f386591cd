//! What happens when time passes, and when the client does not read.

use super::script::*;
use alloc::format;
use core::time::Duration;
use mcp_proto::limits::Limits;

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.call_timeout = Duration::from_secs(10);
    limits.call_timeout_max = Duration::from_secs(25);
    limits
}

#[test]
fn a_call_that_takes_too_long_is_answered_and_its_handler_told() {
    play_with(
        limits(),
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold",$m}}
        call 1: hold
        wait 4s
        > {"id":2,"method":"tools/call","params":{"name":"hold",$m}}
        call 2: hold
        wait 5999ms
        wait 1ms
        ! cancelled 1
        < {"id":1,"error":{"code":-32603,"message":"the call took longer than 10s without progress"}}
        finish 1 late
        ! discarded
        finish 2 in time
        < {"id":2,"result":{"resultType":"complete","content":[{"type":"text","text":"in time"}],$server}}
        wait 100s
        "#,
    );
}

#[test]
fn progress_buys_time_but_not_for_ever() {
    play_with(
        limits(),
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":1,"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{}}}}
        call 1: hold
        wait 9s
        progress 1 1
        < {"method":"notifications/progress","params":{"progressToken":1,"progress":1}}
        wait 9s
        progress 1 1
        progress 1 2
        < {"method":"notifications/progress","params":{"progressToken":1,"progress":2}}
        wait 6s
        progress 1 3
        < {"method":"notifications/progress","params":{"progressToken":1,"progress":3}}
        wait 999ms
        wait 1ms
        ! cancelled 1
        < {"id":1,"error":{"code":-32603,"message":"the call took longer than any call may"}}
        "#,
    );
}

#[test]
fn progress_that_does_not_grow_buys_nothing() {
    play_with(
        limits(),
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":1,"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{}}}}
        call 1: hold
        progress 1 1
        < {"method":"notifications/progress","params":{"progressToken":1,"progress":1}}
        wait 9s
        progress 1 1
        wait 1s
        ! cancelled 1
        < {"id":1,"error":{"code":-32603,"message":"the call took longer than 10s without progress"}}
        "#,
    );
}

#[test]
fn a_tool_may_have_a_time_of_its_own() {
    play_with(
        limits(),
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"slow",$m}}
        call 1: slow
        wait 59s
        finish 1 done
        < {"id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"done"}],$server}}
        "#,
    );
}

#[test]
fn waiting_for_a_place_counts() {
    let mut limits = limits();
    limits.calls_in_flight = 1;
    play_with(
        limits,
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"slow",$m}}
        call 1: slow
        > {"id":2,"method":"tools/call","params":{"name":"hold",$m}}
        wait 10s
        < {"id":2,"error":{"code":-32603,"message":"the call took longer than 10s without progress"}}
        finish 1 done
        < {"id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"done"}],$server}}
        > {"id":2,"method":"tools/call","params":{"name":"hold",$m}}
        call 2: hold
        "#,
    );
}

#[test]
fn who_never_reads_is_given_up() {
    play(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold",$m}}
        call 1: hold
        stop reading
        > {"id":2,"method":"ping"}
        wait 29999ms
        > {"id":3,"method":"ping"}
        wait 1ms
        ! cancelled 1
        ! closed Unresponsive
        read
        > {"id":4,"method":"ping"}
        finish 1 late
        ! discarded
        wait 60s
        "#,
    );
}

/// Answers that waited for the rest of their batch are as lost as those that were on their way.
#[test]
fn who_is_given_up_is_not_sent_the_beginning_of_a_batch() {
    play(
        r#"
        > {"id":"i","method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{}}}
        < {"id":"i","result":{"protocolVersion":"2025-03-26","capabilities":{"logging":{},"completions":{},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}},"serverInfo":{"name":"demo","version":"1.0.0"}}}
        > [{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hold"}}]
        call 1: hold
        stop reading
        > {"id":3,"method":"ping"}
        wait 30s
        ! cancelled 1
        ! closed Unresponsive
        read
        finish 1 late
        ! discarded
        "#,
    );
}

#[test]
fn who_reads_slowly_is_not() {
    play(
        r#"
        stop reading
        > {"id":1,"method":"ping"}
        wait 29s
        read
        < {"id":1,"result":{}}
        stop reading
        > {"id":2,"method":"ping"}
        wait 29s
        read
        < {"id":2,"result":{}}
        wait 60s
        "#,
    );
}

#[test]
fn nothing_is_read_while_too_much_waits_and_all_of_it_is_read_afterwards() {
    let mut limits = Limits::default();
    limits.outbound_high_water = 1500;
    let answer = |id: u32| {
        let text = "x".repeat(1000);
        format!(
            r#"< {{"id":{id},"result":{{"resultType":"complete","content":[{{"type":"text","text":"{text}"}}],$server}}}}"#
        )
    };
    play_with(
        limits,
        &format!(
            r#"
        stop reading
        > {{"id":1,"method":"tools/call","params":{{"name":"long",$m}}}}
        > {{"id":2,"method":"tools/call","params":{{"name":"long",$m}}}}
        > {{"id":3,"method":"tools/call","params":{{"name":"long",$m}}}}
        > {{"id":4,"method":"tools/call","params":{{"name":"hold",$m}}}}
        read
        {}
        {}
        call 1: hold
        {}
        "#,
            answer(1),
            answer(2),
            answer(3),
        ),
    );
}

#[test]
fn what_handlers_pile_up_beyond_the_bound_ends_the_connection() {
    let mut limits = Limits::default();
    (limits.outbound_high_water, limits.outbound_bytes) = (100, 400);
    let long = "x".repeat(150);
    play_with(
        limits,
        &format!(
            r#"
        > {{"id":1,"method":"tools/call","params":{{"name":"hold",$m}}}}
        call 1: hold
        > {{"id":2,"method":"tools/call","params":{{"name":"hold",$m}}}}
        call 2: hold
        > {{"id":3,"method":"tools/call","params":{{"name":"hold",$m}}}}
        call 3: hold
        stop reading
        finish 1 {long}
        finish 2 {long}
        ! cancelled 3
        ! closed Overflow
        read
        finish 3 {long}
        ! discarded
        "#
        ),
    );
}
