//! Calls: their answers, cancellation, places, and what handlers tell while they run.

use super::script::*;
use alloc::{format, string::String};
use mcp_proto::limits::Limits;

const OPEN: &str = r#"
        > {"id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}
        < {"id":"i","result":{"protocolVersion":"2025-11-25","capabilities":{"logging":{},"completions":{},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}},"serverInfo":{"name":"demo","version":"1.0.0"}}}
        > {"method":"notifications/initialized"}"#;

#[track_caller]
fn play_open(script: &str) {
    play(&[OPEN, script].concat());
}

#[test]
fn a_call_has_one_answer_whatever_becomes_of_its_handler() {
    play_open(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold"}}
        call 1: hold
        > {"id":2,"method":"tools/call","params":{"name":"hold"}}
        call 2: hold
        > {"id":3,"method":"tools/call","params":{"name":"hold"}}
        call 3: hold
        > {"id":4,"method":"tools/call","params":{"name":"confuse"}}
        < {"id":4,"error":{"code":-32603,"message":"the handler gave the outcome of another kind of call"}}
        panic 2
        < {"id":2,"error":{"code":-32603,"message":"handler panicked"}}
        panic 2
        ! discarded
        finish 3 three
        < {"id":3,"result":{"content":[{"type":"text","text":"three"}]}}
        panic 3
        ! discarded
        finish 1 one
        < {"id":1,"result":{"content":[{"type":"text","text":"one"}]}}
        "#,
    );
}

#[test]
fn an_id_in_use_is_refused_and_the_first_call_does_not_notice() {
    play_open(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold"}}
        call 1: hold
        > {"id":1,"method":"tools/call","params":{"name":"hold"}}
        < {"id":1,"error":{"code":-32600,"message":"the id belongs to a request that is still open"}}
        > {"id":1.0,"method":"ping"}
        < {"id":1,"error":{"code":-32600,"message":"the id belongs to a request that is still open"}}
        > {"id":"1","method":"tools/call","params":{"name":"hold"}}
        call 2: hold
        > {"id":1,"method":"tools/call","params":{"name":"echo",$m}}
        < {"id":1,"error":{"code":-32600,"message":"the id belongs to a request that is still open"}}
        finish 1 one
        < {"id":1,"result":{"content":[{"type":"text","text":"one"}]}}
        > {"id":1,"method":"ping"}
        < {"id":1,"result":{}}
        finish 2 two
        < {"id":"1","result":{"content":[{"type":"text","text":"two"}]}}
        > {"id":5,"method":"subscriptions/listen","params":{"notifications":{},$m}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{},"_meta":{"mcp/subscriptionId":5}}}
        > {"id":5,"method":"ping"}
        < {"id":5,"error":{"code":-32600,"message":"the id belongs to a request that is still open"}}
        "#,
    );
}

#[test]
fn a_cancelled_call_is_never_answered() {
    play_open(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":"t"}}}
        call 1: hold
        > {"method":"notifications/cancelled","params":{"requestId":"1"}}
        > {"method":"notifications/cancelled","params":{"requestId":1,"reason":"no longer needed"}}
        ! cancelled 1
        > {"method":"notifications/cancelled","params":{"requestId":1}}
        progress 1 1
        ! discarded
        log 1 error
        ! discarded
        wait 3600s
        finish 1 late
        ! discarded
        > {"id":2,"method":"tools/call","params":{"name":"hold",$m}}
        call 2: hold
        > {"method":"notifications/cancelled","params":{"requestId":2,$m}}
        ! cancelled 2
        panic 2
        ! discarded
        > {"id":2,"method":"tools/call","params":{"name":"echo"}}
        < {"id":2,"result":{"content":[{"type":"text","text":"nothing"}]}}
        > {"method":"notifications/cancelled","params":{"requestId":2}}
        "#,
    );
}

#[test]
fn progress_only_grows_and_ends_with_the_call() {
    play_open(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":"t"}}}
        call 1: hold
        progress 1 0/3
        < {"method":"notifications/progress","params":{"progressToken":"t","progress":0,"total":3}}
        progress 1 1.5/3 half done
        < {"method":"notifications/progress","params":{"progressToken":"t","progress":1.5,"total":3,"message":"half done"}}
        progress 1 1.5/3
        progress 1 1
        progress 1 NaN
        progress 1 inf
        progress 1 2/NaN
        < {"method":"notifications/progress","params":{"progressToken":"t","progress":2}}
        finish 1 done
        < {"id":1,"result":{"content":[{"type":"text","text":"done"}]}}
        progress 1 3
        ! discarded
        > {"id":2,"method":"tools/call","params":{"name":"hold"}}
        call 2: hold
        progress 2 1
        > {"id":3,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":7,"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{}}}}
        call 3: hold
        progress 3 1
        < {"method":"notifications/progress","params":{"progressToken":7,"progress":1}}
        "#,
    );
}

#[test]
fn the_first_revision_has_no_words_for_progress() {
    play(
        r#"
        > {"id":"i","method":"initialize","params":{"protocolVersion":"2024-11-05"}}
        < {"id":"i","result":{"protocolVersion":"2024-11-05","capabilities":{"logging":{},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}},"serverInfo":{"name":"demo","version":"1.0.0"}}}
        > {"id":1,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":1}}}
        call 1: hold
        progress 1 1/2 half
        < {"method":"notifications/progress","params":{"progressToken":1,"progress":1,"total":2}}
        "#,
    );
}

#[test]
fn a_session_has_one_log_level_and_info_before_it_is_set() {
    play_open(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold"}}
        call 1: hold
        log 1 debug
        log 1 info
        < {"method":"notifications/message","params":{"level":"info","data":"entry"}}
        > {"id":2,"method":"logging/setLevel","params":{"level":"debug"}}
        < {"id":2,"result":{}}
        log 1 debug app
        < {"method":"notifications/message","params":{"level":"debug","logger":"app","data":"entry"}}
        > {"id":3,"method":"logging/setLevel","params":{"level":"emergency"}}
        < {"id":3,"result":{}}
        log 1 alert
        log 1 emergency
        < {"method":"notifications/message","params":{"level":"emergency","data":"entry"}}
        "#,
    );
}

#[test]
fn a_stateless_request_is_silent_unless_it_names_a_level() {
    play_open(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold",$m}}
        call 1: hold
        log 1 emergency
        > {"id":2,"method":"tools/call","params":{"name":"hold","_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{},"mcp/logLevel":"warning"}}}
        call 2: hold
        log 2 notice
        log 2 warning
        < {"method":"notifications/message","params":{"level":"warning","data":"entry"}}
        > {"id":3,"method":"tools/call","params":{"name":"hold",$m}}
        call 3: hold
        log 3 emergency
        log 1 emergency
        "#,
    );
}

fn limits(in_flight: usize, parked: usize) -> Limits {
    let mut limits = Limits::default();
    (limits.calls_in_flight, limits.calls_parked) = (in_flight, parked);
    limits
}

#[test]
fn calls_beyond_the_limit_wait_and_those_beyond_that_are_told_to_come_back() {
    play_with(
        limits(2, 2),
        &[
            OPEN,
            r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold"}}
        call 1: hold
        > {"id":2,"method":"tools/call","params":{"name":"hold"}}
        call 2: hold
        > {"id":3,"method":"tools/call","params":{"name":"hold"}}
        > {"id":4,"method":"tools/call","params":{"name":"echo","arguments":{"late":true}}}
        > {"id":5,"method":"tools/call","params":{"name":"echo"}}
        < {"id":5,"error":{"code":-32000,"message":"the server is busy: too many requests are waiting"}}
        > {"id":6,"method":"ping"}
        < {"id":6,"result":{}}
        > {"id":7,"method":"tools/call","params":{"name":"none"}}
        < {"id":7,"error":{"code":-32602,"message":"unknown tool: none"}}
        > {"id":3,"method":"ping"}
        < {"id":3,"error":{"code":-32600,"message":"the id belongs to a request that is still open"}}
        finish 2 two
        call 3: hold
        < {"id":2,"result":{"content":[{"type":"text","text":"two"}]}}
        finish 3 three
        < {"id":3,"result":{"content":[{"type":"text","text":"three"}]}}
        < {"id":4,"result":{"content":[{"type":"text","text":"{\"late\":true}"}]}}
        "#,
        ]
        .concat(),
    );
}

#[test]
fn a_waiting_call_can_be_cancelled_and_what_it_calls_can_go() {
    play_with(
        limits(1, 3),
        &[
            OPEN,
            r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold"}}
        call 1: hold
        > {"id":2,"method":"tools/call","params":{"name":"echo"}}
        > {"id":3,"method":"tools/call","params":{"name":"long"}}
        > {"id":4,"method":"tools/call","params":{"name":"echo"}}
        > {"method":"notifications/cancelled","params":{"requestId":2}}
        without long
        < {"method":"notifications/tools/list_changed"}
        finish 1 one
        < {"id":1,"result":{"content":[{"type":"text","text":"one"}]}}
        < {"id":3,"error":{"code":-32602,"message":"what was called has been removed meanwhile"}}
        < {"id":4,"result":{"content":[{"type":"text","text":"nothing"}]}}
        "#,
        ]
        .concat(),
    );
}

#[test]
fn a_cancelled_call_gives_its_place_up_but_handlers_stay_bounded() {
    play_with(
        limits(1, 1),
        &[
            OPEN,
            r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold"}}
        call 1: hold
        > {"id":2,"method":"tools/call","params":{"name":"hold"}}
        > {"method":"notifications/cancelled","params":{"requestId":1}}
        ! cancelled 1
        call 2: hold
        > {"method":"notifications/cancelled","params":{"requestId":2}}
        ! cancelled 2
        > {"id":3,"method":"tools/call","params":{"name":"hold"}}
        > {"id":4,"method":"tools/call","params":{"name":"hold"}}
        < {"id":4,"error":{"code":-32000,"message":"the server is busy: too many requests are waiting"}}
        panic 1
        ! discarded
        call 3: hold
        finish 2 late
        ! discarded
        finish 3 three
        < {"id":3,"result":{"content":[{"type":"text","text":"three"}]}}
        "#,
        ]
        .concat(),
    );
}

#[test]
fn running_calls_keep_the_handlers_they_began_with() {
    play_open(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold"}}
        call 1: hold
        without hold
        < {"method":"notifications/tools/list_changed"}
        > {"id":2,"method":"tools/call","params":{"name":"hold"}}
        < {"id":2,"error":{"code":-32602,"message":"unknown tool: hold"}}
        > {"id":3,"method":"tools/call","params":{"name":"long","_meta":{"progressToken":"p"}}}
        < {"id":3,"result":{"content":[{"type":"text","text":"$1000"}]}}
        finish 1 one
        < {"id":1,"result":{"content":[{"type":"text","text":"one"}]}}
        "#
        .replace("$1000", &"x".repeat(1000))
        .as_str(),
    );
}

#[test]
fn names_are_repeated_only_so_far() {
    let (name, shown): (String, String) = ("é".repeat(5000), "é".repeat(200));
    play_open(&format!(
        r#"
        > {{"id":1,"method":"tools/call","params":{{"name":"{name}"}}}}
        < {{"id":1,"error":{{"code":-32602,"message":"unknown tool: {shown}…"}}}}
        "#
    ));
}

#[test]
fn arguments_of_any_length_arrive_whole() {
    // Beyond 8 KiB a line is handed over instead of being copied.
    for length in [1, 5_000, 20_000, 200_000] {
        let text = "y".repeat(length);
        play_with(
            limits(1, 1),
            &format!(
                r#"
        > {{"id":0,"method":"tools/call","params":{{"name":"hold",$m}}}}
        call 1: hold
        > {{"id":1,"method":"tools/call","params":{{"name":"echo","arguments":{{"t":"{text}"}},$m}}}}
        finish 1 done
        < {{"id":0,"result":{{"resultType":"complete","content":[{{"type":"text","text":"done"}}],$server}}}}
        < {{"id":1,"result":{{"resultType":"complete","content":[{{"type":"text","text":"{{\"t\":\"{text}\"}}"}}],$server}}}}
        > {{"id":2,"method":"prompts/get","params":{{$m,"name":"greeting","arguments":{{"t":"{text}"}}}}}}
        < {{"id":2,"result":{{"resultType":"complete","messages":[{{"role":"user","content":{{"type":"text","text":"{{\"t\":\"{text}\"}}"}}}}],$server}}}}
        "#
            ),
        );
    }
}

#[test]
fn a_progress_token_is_as_long_as_a_name_may_be() {
    let mut limits = Limits::default();
    limits.name_bytes = 32;
    play_with(
        limits,
        &[
            OPEN,
            r#"
        > {"id":1,"method":"tools/call","params":{"name":"echo","_meta":{"progressToken":"123456789.123456789.123456789."}}}
        < {"id":1,"result":{"content":[{"type":"text","text":"nothing"}]}}
        > {"id":2,"method":"tools/call","params":{"name":"echo","_meta":{"progressToken":"123456789.123456789.123456789.1"}}}
        < {"id":2,"error":{"code":-32602,"message":"params._meta.progressToken is longer than 32 bytes"}}
        "#,
        ]
        .concat(),
    );
}
