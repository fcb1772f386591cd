//! Input that is no message, batches, and what ends the input.

use super::script::*;
use alloc::{format, string::String};
use mcp_proto::limits::Limits;

/// A handshake of that revision, without its answer's details.
fn opened(version: &str) -> String {
    format!(
        r#"
        > {{"id":"i","method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{{}}}}}}
        < {{"id":"i","result":{{"protocolVersion":"{version}","capabilities":{{"tools":{{"listChanged":true}}}},"serverInfo":{{"name":"demo","version":"1.0.0"}}}}}}
        "#
    )
}

/// A service with nothing but one tool that answers and one that does not.
fn small(limits: Limits) -> crate::service::Service<Act> {
    let schema = || mcp_proto::json::Json::parse(r#"{"type":"object"}"#).unwrap();
    let info = mcp_proto::types::Implementation::new("demo", "1.0.0");
    crate::service::Service::builder(info)
        .without_logging()
        .limits(limits)
        .tool(mcp_proto::types::Tool::new("echo", schema()), Act::Echo)
        .tool(mcp_proto::types::Tool::new("hold", schema()), Act::Hold)
        .build()
        .unwrap()
}

#[track_caller]
fn play_small(script: &str) {
    play_on(small(Limits::default()), script);
}

#[test]
fn what_is_no_message_is_answered_and_the_connection_lives() {
    play_small(
        r#"
        > nonsense
        ! rejected -32700
        < {"id":null,"error":{"code":-32700,"message":"message is not JSON: expected ident at line 1 column 2"}}
        > 5
        ! rejected -32600
        < {"id":null,"error":{"code":-32600,"message":"message must be a JSON object"}}
        > {"jsonrpc":"1.0","id":1,"method":"ping"}
        ! rejected -32600
        < {"id":1,"error":{"code":-32600,"message":"member `jsonrpc` must be \"2.0\""}}
        > {"id":null,"method":"ping"}
        ! rejected -32600
        < {"id":null,"error":{"code":-32600,"message":"member `id` must be a string or an integer"}}
        > {"id":1,"method":5}
        ! rejected -32600
        < {"id":1,"error":{"code":-32600,"message":"member `method` must be a string"}}
        > {"id":1.0,"method":"ping"}
        < {"id":1,"result":{}}
        "#,
    );
}

#[test]
fn what_asks_for_no_answer_gets_none() {
    play_small(
        r#"
        > {"jsonrpc":"1.0","method":"notifications/initialized"}
        ! rejected -32600
        > {"id":1,"result":{},"error":{"code":1}}
        ! rejected -32600
        > {"id":7,"result":{}}
        ! UnexpectedResponse
        > {"id":null,"error":{"code":-32700,"message":"you sent garbage"}}
        ! UnexpectedResponse
        > {"method":"notifications/cancelled","params":{"requestId":[]}}
        ! bad notification: params.requestId must be a string or an integer
        > {"method":"notifications/cancelled","params":[]}
        ! bad notification: params must be an object
        > {"method":"notifications/cancelled","params":{}}
        > {"method":"notifications/cancelled","params":{"requestId":5}}
        > {"method":"notifications/progress","params":{"progressToken":5,"progress":1}}
        "#,
    );
}

// The schemas forbid a null id; those since 2025-11-25 let it be absent, those before require one,
// so that there only what could not be parsed is answered, as JSON-RPC has it.
#[test]
fn an_id_that_cannot_be_read_is_shown_as_the_revision_can_show_it() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18"] {
        let script = r#"
        > {"id":null,"method":"ping"}
        ! rejected -32600
        > x
        ! rejected -32700
        < {"id":null,"error":{"code":-32700,"message":"message is not JSON: expected value at line 1 column 1"}}
        "#;
        play_small(&(opened(version) + script));
    }
    let script = r#"
        > {"id":null,"method":"ping"}
        ! rejected -32600
        < {"error":{"code":-32600,"message":"member `id` must be a string or an integer"}}
        "#;
    play_small(&(opened("2025-11-25") + script));
    let stateless = r#"
        > {"id":1,"method":"no/such","params":{$m}}
        < {"id":1,"error":{"code":-32601,"message":"method not found: no/such"}}"#;
    play_small(&(String::from(stateless) + script));
}

#[test]
fn of_unreadable_messages_in_a_row_only_so_many_are_answered() {
    let mut limits = Limits::default();
    limits.rejections = 2;
    let answered = r#"
        > x
        ! rejected -32700
        < {"id":null,"error":{"code":-32700,"message":"message is not JSON: expected value at line 1 column 1"}}"#;
    let silent = r#"
        > x
        ! rejected -32700"#;
    let ping = r#"
        > {"id":1,"method":"ping"}
        < {"id":1,"result":{}}"#;
    play_on(
        small(limits),
        &[answered, answered, silent, silent, ping, answered].concat(),
    );
}

#[test]
fn an_overlong_message_is_skipped_and_the_next_one_is_read() {
    let mut limits = Limits::default();
    limits.message_bytes = 60;
    let fits = |blanks: usize| format!(r#"{{"id":1,"method":"ping"{}}}"#, " ".repeat(blanks));
    // `"jsonrpc":"2.0",` is added to what a script says.
    let edge = 60 - fits(0).len() - r#""jsonrpc":"2.0","#.len();
    play_on(
        small(limits),
        &format!(
            r#"
            > {}
            < {{"id":1,"result":{{}}}}
            > {}
            ! Frame
            < {{"id":null,"error":{{"code":-32700,"message":"message is longer than 60 bytes"}}}}
            > {}
            < {{"id":1,"result":{{}}}}
            "#,
            fits(edge),
            fits(edge + 1),
            fits(0),
        ),
    );
}

#[test]
fn a_batch_is_answered_as_one_once_all_of_it_is() {
    play_small(
        &(opened("2025-03-26")
            + r#"
        > [{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":9}}},{"jsonrpc":"2.0","id":"3","method":"no/such"}]
        call 1: hold
        > {"id":4,"method":"ping"}
        < {"id":4,"result":{}}
        progress 1 1
        < {"method":"notifications/progress","params":{"progressToken":9,"progress":1}}
        finish 1 done
        < [{"id":1,"result":{}},{"id":"3","error":{"code":-32601,"message":"method not found: no/such"}},{"id":2,"result":{"content":[{"type":"text","text":"done"}]}}]
        > [{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":9,"result":{}}]
        ! UnexpectedResponse
        > [{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-03-26"}},5,{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{$m}}]
        ! rejected -32600
        < [{"id":1,"error":{"code":-32600,"message":"initialize cannot be part of a batch"}},{"id":2,"error":{"code":-32600,"message":"a request of this revision cannot be part of a batch"}}]
        > []
        ! rejected -32600
        "#),
    );
}

#[test]
fn a_batch_whose_calls_are_all_cancelled_is_not_answered() {
    play_small(
        &(opened("2025-03-26")
            + r#"
        > [{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hold"}},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hold"}}]
        call 1: hold
        call 2: hold
        > {"method":"notifications/cancelled","params":{"requestId":1}}
        ! cancelled 1
        > [{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}]
        ! cancelled 2
        finish 1 late
        ! discarded
        > [{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hold"}},{"jsonrpc":"2.0","id":2,"method":"ping"}]
        call 3: hold
        > {"method":"notifications/cancelled","params":{"requestId":1}}
        ! cancelled 3
        < [{"id":2,"result":{}}]
        "#),
    );
}

#[test]
fn where_there_are_no_batches_each_request_in_one_is_told_so() {
    let script = r#"
        > [{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":"2","method":5}]
        ! rejected -32600
        < {"id":1,"error":{"code":-32600,"message":"batches exist only in sessions of revision 2025-03-26"}}
        < {"id":"2","error":{"code":-32600,"message":"batches exist only in sessions of revision 2025-03-26"}}
        "#;
    play_small(script);
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        play_small(&(opened(version) + script));
    }
    play_small(
        r#"
        > [{"jsonrpc":"2.0","method":"notifications/initialized"}]
        ! rejected -32600
        < {"id":null,"error":{"code":-32600,"message":"batches exist only in sessions of revision 2025-03-26"}}
        "#,
    );
}

#[test]
fn the_end_of_the_input_is_answered_for_and_then_ends_all() {
    play_small(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold",$m}}
        call 1: hold
        > {"id":2,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},$m}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},"_meta":{"mcp/subscriptionId":2}}}
        eof
        < {"id":2,"result":{"resultType":"complete","_meta":{"mcp/subscriptionId":2}}}
        > {"id":3,"method":"ping"}
        change tools
        finish 1 done
        < {"id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"done"}],$server}}
        ! closed Eof
        eof
        close
        "#,
    );
    play_small("eof\n! closed Eof");
}

#[test]
fn calls_that_outlive_their_client_are_stopped_soon() {
    play_small(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold",$m}}
        call 1: hold
        eof
        wait 4999ms
        wait 1ms
        ! cancelled 1
        < {"id":1,"error":{"code":-32603,"message":"the client ended the connection before the call did"}}
        ! closed Eof
        finish 1 late
        ! discarded
        "#,
    );
}

#[test]
fn closing_answers_what_is_owed_and_stops_the_handlers() {
    play_small(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold",$m}}
        call 1: hold
        > {"id":"l","method":"subscriptions/listen","params":{"notifications":{},$m}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{},"_meta":{"mcp/subscriptionId":"l"}}}
        close
        ! cancelled 1
        < {"id":"l","result":{"resultType":"complete","_meta":{"mcp/subscriptionId":"l"}}}
        < {"id":1,"error":{"code":-32603,"message":"the server is shutting down"}}
        ! closed Local
        > {"id":2,"method":"ping"}
        finish 1 late
        ! discarded
        wait 1000s
        "#,
    );
}

/// The answers of a batch wait for each other: to the byte as many as the limit says.
#[test]
fn so_many_bytes_of_answers_may_wait_for_the_rest_of_their_batch() {
    let answer = r#",{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"x"}]}}"#;
    let two = 2 * answer.len();
    for (most, overflows) in [(two, false), (two - 1, true)] {
        let mut limits = Limits::default();
        limits.outbound_bytes = most;
        let mut stage = Stage::new(service(limits));
        let call = |id: u32| {
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"hold"}}}}"#
            )
        };
        let calls = format!("> [{},{},{}]", call(1), call(2), call(3));
        stage.act(r#"> {"id":0,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{}}}"#);
        for line in [&*calls, "finish 1 x", "finish 2 x"] {
            stage.act(line);
        }
        let closed = stage.transcript.contains("! closed Overflow");
        assert_eq!(closed, overflows, "{most}: {}", stage.transcript);
    }
}
