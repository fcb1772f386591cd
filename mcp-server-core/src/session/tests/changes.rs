//! What clients are told of changes.

use super::script::*;
use alloc::{format, string::String};
use mcp_proto::limits::Limits;

const OPEN: &str = r#"
        > {"id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}
        < {"id":"i","result":{"protocolVersion":"2025-11-25","capabilities":{"logging":{},"completions":{},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}},"serverInfo":{"name":"demo","version":"1.0.0"}}}
        > {"method":"notifications/initialized"}"#;

#[test]
fn a_session_is_told_of_lists_unasked_and_of_resources_it_subscribed_to() {
    play(
        &[
            OPEN,
            r#"
        change tools
        < {"method":"notifications/tools/list_changed"}
        change prompts
        < {"method":"notifications/prompts/list_changed"}
        change resources
        < {"method":"notifications/resources/list_changed"}
        change file:///a
        > {"id":1,"method":"resources/subscribe","params":{"uri":"file:///a"}}
        < {"id":1,"result":{}}
        > {"id":2,"method":"resources/subscribe","params":{"uri":"test://not-there"}}
        < {"id":2,"result":{}}
        change file:///a
        < {"method":"notifications/resources/updated","params":{"uri":"file:///a"}}
        change file:///A
        change test://not-there
        < {"method":"notifications/resources/updated","params":{"uri":"test://not-there"}}
        > {"id":3,"method":"resources/unsubscribe","params":{"uri":"file:///a"}}
        < {"id":3,"result":{}}
        > {"id":4,"method":"resources/unsubscribe","params":{"uri":"file:///never"}}
        < {"id":4,"result":{}}
        change file:///a
        "#,
        ]
        .concat(),
    );
}

#[test]
fn nobody_is_told_who_has_not_begun_to_listen() {
    play(
        r#"
        change tools
        > {"id":1,"method":"tools/call","params":{"name":"echo",$m}}
        < {"id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"nothing"}],$server}}
        change tools
        change file:///a
        "#,
    );
}

#[test]
fn a_stream_begins_with_what_it_grants_and_carries_only_that() {
    play(
        r#"
        > {"id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["file:///a"]},$m}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["file:///a"]},"_meta":{"mcp/subscriptionId":1}}}
        > {"id":"1","method":"subscriptions/listen","params":{"notifications":{"promptsListChanged":true,"toolsListChanged":false,"resourcesListChanged":true,"taskIds":["t"]},$m}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"promptsListChanged":true,"resourcesListChanged":true},"_meta":{"mcp/subscriptionId":"1"}}}
        change tools
        < {"method":"notifications/tools/list_changed","params":{"_meta":{"mcp/subscriptionId":1}}}
        change prompts
        < {"method":"notifications/prompts/list_changed","params":{"_meta":{"mcp/subscriptionId":"1"}}}
        change resources
        < {"method":"notifications/resources/list_changed","params":{"_meta":{"mcp/subscriptionId":"1"}}}
        change file:///a
        < {"method":"notifications/resources/updated","params":{"uri":"file:///a","_meta":{"mcp/subscriptionId":1}}}
        change file:///b
        > {"method":"notifications/cancelled","params":{"requestId":1}}
        change tools
        change file:///a
        change prompts
        < {"method":"notifications/prompts/list_changed","params":{"_meta":{"mcp/subscriptionId":"1"}}}
        > {"id":1,"method":"subscriptions/listen","params":{"notifications":{},$m}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{},"_meta":{"mcp/subscriptionId":1}}}
        "#,
    );
}

#[test]
fn a_stream_must_say_what_it_is_for() {
    play(
        r#"
        > {"id":1,"method":"subscriptions/listen","params":{$m}}
        < {"id":1,"error":{"code":-32602,"message":"params.notifications is missing"}}
        > {"id":2,"method":"subscriptions/listen","params":{"notifications":[],$m}}
        < {"id":2,"error":{"code":-32602,"message":"params.notifications must be an object"}}
        > {"id":3,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":"file:///a"},$m}}
        < {"id":3,"error":{"code":-32602,"message":"params.notifications: invalid type: string \"file:///a\", expected a sequence at line 1 column 36"}}
        "#,
    );
}

#[test]
fn a_stream_is_granted_no_more_than_is_declared() {
    let schema = mcp_proto::json::Json::parse(r#"{"type":"object"}"#).unwrap();
    let service =
        crate::service::Service::builder(mcp_proto::types::Implementation::new("demo", "1.0.0"))
            .tool(mcp_proto::types::Tool::new("echo", schema), Act::Echo)
            .build()
            .unwrap();
    play_on(
        service,
        r#"
        > {"id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["file:///a"]},$m}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},"_meta":{"mcp/subscriptionId":1}}}
        change prompts
        change resources
        change file:///a
        change tools
        < {"method":"notifications/tools/list_changed","params":{"_meta":{"mcp/subscriptionId":1}}}
        "#,
    );
}

#[test]
fn both_eras_are_told_side_by_side() {
    play(
        &[
            OPEN,
            r#"
        > {"id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},$m}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},"_meta":{"mcp/subscriptionId":1}}}
        without echo
        < {"method":"notifications/tools/list_changed"}
        < {"method":"notifications/tools/list_changed","params":{"_meta":{"mcp/subscriptionId":1}}}
        without echo
        "#,
        ]
        .concat(),
    );
}

#[test]
fn a_slow_reader_is_told_once_however_much_has_changed() {
    play(
        &[
            OPEN,
            r#"
        > {"id":1,"method":"resources/subscribe","params":{"uri":"file:///a"}}
        < {"id":1,"result":{}}
        stop reading
        change tools
        change tools
        change file:///a
        change tools
        change file:///a
        > {"id":2,"method":"ping"}
        read
        < {"id":2,"result":{}}
        < {"method":"notifications/tools/list_changed"}
        < {"method":"notifications/resources/updated","params":{"uri":"file:///a"}}
        change tools
        < {"method":"notifications/tools/list_changed"}
        "#,
        ]
        .concat(),
    );
}

#[test]
fn the_newest_progress_waits_for_a_slow_reader() {
    let mut limits = Limits::default();
    limits.notes_queued = 2;
    play_with(
        limits,
        &[
            OPEN,
            r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":1}}}
        call 1: hold
        > {"id":2,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":2}}}
        call 2: hold
        stop reading
        progress 1 1
        progress 1 2
        progress 1 3
        progress 1 4
        log 1 error
        ! discarded
        log 2 error
        progress 2 1
        progress 2 2
        finish 2 done
        read
        < {"method":"notifications/progress","params":{"progressToken":1,"progress":1}}
        < {"method":"notifications/progress","params":{"progressToken":1,"progress":2}}
        < {"method":"notifications/message","params":{"level":"error","data":"entry"}}
        < {"method":"notifications/progress","params":{"progressToken":2,"progress":1}}
        < {"method":"notifications/progress","params":{"progressToken":2,"progress":2}}
        < {"id":2,"result":{"content":[{"type":"text","text":"done"}]}}
        < {"method":"notifications/progress","params":{"progressToken":1,"progress":4}}
        finish 1 done
        < {"id":1,"result":{"content":[{"type":"text","text":"done"}]}}
        "#,
        ]
        .concat(),
    );
}

#[test]
fn only_what_was_said_counts_against_a_call() {
    let mut limits = Limits::default();
    limits.notes_queued = 1;
    play_with(
        limits,
        &[
            OPEN,
            r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":1}}}
        call 1: hold
        change tools
        < {"method":"notifications/tools/list_changed"}
        progress 1 1
        < {"method":"notifications/progress","params":{"progressToken":1,"progress":1}}
        "#,
        ]
        .concat(),
    );
}

#[test]
fn subscriptions_are_bounded() {
    let mut limits = Limits::default();
    limits.subscribed_uris = 2;
    limits.listens = 2;
    limits.name_bytes = 40;
    let long = "x".repeat(33);
    let script = format!(
        r#"
        > {{"id":1,"method":"resources/subscribe","params":{{"uri":"file:///1"}}}}
        < {{"id":1,"result":{{}}}}
        > {{"id":2,"method":"resources/subscribe","params":{{"uri":"file:///2"}}}}
        < {{"id":2,"result":{{}}}}
        > {{"id":3,"method":"resources/subscribe","params":{{"uri":"file:///3"}}}}
        < {{"id":3,"error":{{"code":-32000,"message":"no more than 2 resources can be subscribed to"}}}}
        > {{"id":4,"method":"resources/subscribe","params":{{"uri":"file:///2"}}}}
        < {{"id":4,"result":{{}}}}
        > {{"id":5,"method":"resources/unsubscribe","params":{{"uri":"file:///1"}}}}
        < {{"id":5,"result":{{}}}}
        > {{"id":6,"method":"resources/subscribe","params":{{"uri":"file:///{long}"}}}}
        < {{"id":6,"error":{{"code":-32602,"message":"params.uri is longer than 40 bytes"}}}}
        > {{"id":7,"method":"resources/subscribe","params":{{"uri":"file://{long}"}}}}
        < {{"id":7,"result":{{}}}}
        > {{"id":8,"method":"subscriptions/listen","params":{{"notifications":{{"resourceSubscriptions":["a:1","a:2","a:1"]}},$m}}}}
        < {{"method":"notifications/subscriptions/acknowledged","params":{{"notifications":{{"resourceSubscriptions":["a:1","a:2","a:1"]}},"_meta":{{"mcp/subscriptionId":8}}}}}}
        > {{"id":9,"method":"subscriptions/listen","params":{{"notifications":{{"resourceSubscriptions":["a:1","a:2","a:3"]}},$m}}}}
        < {{"id":9,"error":{{"code":-32000,"message":"no more than 2 resources can be subscribed to at once"}}}}
        > {{"id":10,"method":"subscriptions/listen","params":{{"notifications":{{"resourceSubscriptions":["file:///{long}"]}},$m}}}}
        < {{"id":10,"error":{{"code":-32602,"message":"params.notifications.resourceSubscriptions holds a URI longer than 40 bytes"}}}}
        > {{"id":11,"method":"subscriptions/listen","params":{{"notifications":{{"resourceSubscriptions":["file://{long}"]}},$m}}}}
        < {{"method":"notifications/subscriptions/acknowledged","params":{{"notifications":{{"resourceSubscriptions":["file://{long}"]}},"_meta":{{"mcp/subscriptionId":11}}}}}}
        > {{"id":12,"method":"subscriptions/listen","params":{{"notifications":{{}},$m}}}}
        < {{"id":12,"error":{{"code":-32000,"message":"no more than 2 subscription streams can be open"}}}}
        > {{"method":"notifications/cancelled","params":{{"requestId":8}}}}
        > {{"id":12,"method":"subscriptions/listen","params":{{"notifications":{{}},$m}}}}
        < {{"method":"notifications/subscriptions/acknowledged","params":{{"notifications":{{}},"_meta":{{"mcp/subscriptionId":12}}}}}}
        "#
    );
    play_with(limits, &(String::from(OPEN) + &script));
}

#[test]
fn log_entries_count_as_reports_and_one_report_may_wait_where_only_one_is_sent() {
    let with = |most: usize, script: &str| {
        let mut limits = Limits::default();
        limits.notes_queued = most;
        let call = r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold","_meta":{"progressToken":1}}}
        call 1: hold
        stop reading"#;
        play_with(limits, &[OPEN, call, script].concat());
    };
    with(
        2,
        r#"
        log 1 error
        log 1 error
        log 1 error
        ! discarded
        read
        < {"method":"notifications/message","params":{"level":"error","data":"entry"}}
        < {"method":"notifications/message","params":{"level":"error","data":"entry"}}
        "#,
    );
    with(
        1,
        r#"
        progress 1 1
        progress 1 2
        read
        < {"method":"notifications/progress","params":{"progressToken":1,"progress":1}}
        < {"method":"notifications/progress","params":{"progressToken":1,"progress":2}}
        "#,
    );
}
