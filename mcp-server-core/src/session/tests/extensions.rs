//! Extensions: who may call their methods, what their results look like, who hears of topics, and
//! which calls become tasks.

use super::script::*;
use alloc::{format, string::String, sync::Arc, vec::Vec};
use mcp_proto::{
    json::Json,
    limits::Limits,
    method::Method,
    time::Instant,
    types::{CallToolResult, Implementation, TaskSupport, Tool},
    version::ProtocolVersion,
};

use crate::{
    call::{Event, Outcome, Work},
    conn::Conn,
    extension::{Extension, ExtensionMethod, ExtensionResult},
    service::Service,
};

fn service(limits: Limits) -> Service<Act> {
    let tool = |name: &str| Tool::new(name, Json::empty_object());
    let old = ProtocolVersion::V2025_11_25;
    let x = Extension::new("com.example/x")
        .settings(Json::parse(r#"{"a":1}"#).unwrap())
        .method(ExtensionMethod::new("x/echo", Act::Echo))
        .method(ExtensionMethod::new("x/open", Act::Echo).ungated())
        .method(ExtensionMethod::new("tasks/get", Act::Hold))
        .method(
            ExtensionMethod::new("tasks/get", Act::Echo)
                .in_revisions(old, old)
                .ungated(),
        )
        .result_type("task", Method::CallTool)
        .topics("xs")
        .meta_key("com.example/x-only")
        .task_calls(Act::Hold);
    Service::builder(Implementation::new("demo", "1.0.0"))
        .limits(limits)
        .without_logging()
        .extension(x)
        .tool(tool("plain"), Act::Echo)
        .tool(
            tool("may").with_task_support(TaskSupport::Optional),
            Act::Echo,
        )
        .tool(
            tool("must").with_task_support(TaskSupport::Required),
            Act::Echo,
        )
        .build()
        .unwrap()
}

#[track_caller]
fn play_extended(script: &str) {
    let claims = r#""_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{"extensions":{"com.example/x":{}}}}"#;
    let script = script.replace("$x", claims);
    play_on(service(Limits::default()), &script);
}

const OPEN: &str = r#"
        > {"id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}
        < {"id":"i","result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"extensions":{"com.example/x":{"a":1}}},"serverInfo":{"name":"demo","version":"1.0.0"}}}
        > {"method":"notifications/initialized"}"#;

#[test]
fn a_method_is_there_for_clients_that_declare_its_extension() {
    play_extended(
        r#"
        > {"id":1,"method":"x/echo","params":{"b":2,$x}}
        < {"id":1,"result":{"resultType":"complete","b":2,"_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{"extensions":{"com.example/x":{}}},"mcp/serverInfo":{"name":"demo","version":"1.0.0"}}}}
        > {"id":2,"method":"x/echo","params":{$m}}
        < {"id":2,"error":{"code":-32021,"message":"the client must declare the extension com.example/x","data":{"requiredCapabilities":{"extensions":{"com.example/x":{}}}}}}
        > {"id":3,"method":"x/open","params":{"_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{}}}}
        < {"id":3,"result":{"resultType":"complete","_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{},"mcp/serverInfo":{"name":"demo","version":"1.0.0"}}}}
        > {"id":4,"method":"x/nothing","params":{$x}}
        < {"id":4,"error":{"code":-32601,"message":"method not found: x/nothing"}}
        > {"id":5,"method":"tasks/list","params":{$x}}
        < {"id":5,"error":{"code":-32601,"message":"method not found: tasks/list"}}
        > {"id":6,"method":"x/echo","params":[]}
        < {"id":6,"error":{"code":-32601,"message":"method not found: x/echo"}}
        > {"id":7,"method":"x/echo"}
        < {"id":7,"error":{"code":-32601,"message":"method not found: x/echo"}}
        "#,
    );
}

#[test]
fn a_method_is_of_the_revisions_that_it_says() {
    play_extended(&format!(
        "{OPEN}{}",
        r#"
        > {"id":1,"method":"tasks/get","params":{"taskId":"t"}}
        < {"id":1,"result":{"taskId":"t"}}
        > {"id":2,"method":"x/echo","params":{}}
        < {"id":2,"error":{"code":-32601,"message":"method not found: x/echo"}}
        > {"id":3,"method":"tasks/get","params":{"taskId":"t",$x}}
        call 1: tasks/get
        finish 1 {"resultType":"task"}
        < {"id":3,"error":{"code":-32603,"message":"the handler gave a result that the client cannot read"}}
        "#
    ));
}

#[test]
fn the_server_makes_tasks_of_calls_whose_client_takes_them() {
    play_extended(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"may",$m}}
        < {"id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"nothing"}],$server}}
        > {"id":2,"method":"tools/call","params":{"name":"must",$m}}
        < {"id":2,"error":{"code":-32021,"message":"the client must declare the extension com.example/x","data":{"requiredCapabilities":{"extensions":{"com.example/x":{}}}}}}
        > {"id":3,"method":"tools/call","params":{"name":"plain","task":{"ttl":5},$x}}
        < {"id":3,"result":{"resultType":"complete","content":[{"type":"text","text":"nothing"}],$server}}
        > {"id":4,"method":"tools/call","params":{"name":"may",$x}}
        call 1: may
        finish 1 {"resultType":"task","taskId":"t"}
        < {"id":4,"result":{"resultType":"task","taskId":"t",$server}}
        > {"id":5,"method":"tools/call","params":{"name":"must",$x}}
        call 2: must
        finish 2 {"resultType":"other","taskId":"t"}
        < {"id":5,"error":{"code":-32603,"message":"the handler gave a result that the client cannot read"}}
        "#,
    );
}

#[test]
fn until_2025_11_25_the_client_asks_for_tasks_if_the_tool_allows_it() {
    play_extended(&format!(
        "{OPEN}{}",
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"may"}}
        < {"id":1,"result":{"content":[{"type":"text","text":"nothing"}]}}
        > {"id":2,"method":"tools/call","params":{"name":"must"}}
        < {"id":2,"error":{"code":-32601,"message":"method not found: tools/call: this tool runs only as a task"}}
        > {"id":3,"method":"tools/call","params":{"name":"plain","task":{}}}
        < {"id":3,"error":{"code":-32601,"message":"method not found: tools/call: this tool does not run as a task"}}
        > {"id":4,"method":"tools/call","params":{"name":"may","task":{"ttl":"x"}}}
        call 1: may
        finish 1 {"task":"t"}
        < {"id":4,"result":{"task":"t"}}
        change topic:t=1
        < {"method":"notifications/x/status","params":{"value":"1"}}
        change topic:other=1
        change topic:somebody@t=2
        change topic:t=3!
        < {"method":"notifications/x/status","params":{"value":"3"}}
        change topic:t=4
        > {"id":5,"method":"tools/call","params":{"name":"may","task":[]}}
        < {"id":5,"error":{"code":-32602,"message":"params.task must be an object"}}
        "#
    ));
}

#[test]
fn a_stream_follows_the_topics_of_the_extensions_that_its_client_declares() {
    play_extended(
        r#"
        > {"id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"xs":["a","b"],"ys":["c"]},$x}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true,"xs":["a","b"]},"_meta":{"mcp/subscriptionId":1}}}
        > {"id":2,"method":"subscriptions/listen","params":{"notifications":{"xs":["a"]},$m}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{},"_meta":{"mcp/subscriptionId":2}}}
        change topic:a=1
        < {"method":"notifications/x","params":{"value":"1","_meta":{"mcp/subscriptionId":1}}}
        change topic:c=1
        change topic:somebody@a=1
        stop reading
        change topic:a=2
        change topic:b=1
        change topic:a=3
        read
        < {"method":"notifications/x","params":{"value":"3","_meta":{"mcp/subscriptionId":1}}}
        < {"method":"notifications/x","params":{"value":"1","_meta":{"mcp/subscriptionId":1}}}
        > {"id":3,"method":"subscriptions/listen","params":{"notifications":{"xs":5},$x}}
        < {"id":3,"error":{"code":-32602,"message":"params.notifications.xs must be a list of strings"}}
        "#,
    );
}

#[test]
fn a_stream_follows_so_many_topics_and_no_more() {
    let mut limits = Limits::default();
    limits.subscribed_topics = 2;
    limits.name_bytes = 40;
    let claims = r#""_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{"extensions":{"com.example/x":{}}}}"#;
    let script = r#"
        > {"id":1,"method":"subscriptions/listen","params":{"notifications":{"xs":["a","b","a"]},$x}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"xs":["a","b","a"]},"_meta":{"mcp/subscriptionId":1}}}
        > {"id":2,"method":"subscriptions/listen","params":{"notifications":{"xs":["a","b","c"]},$x}}
        < {"id":2,"error":{"code":-32000,"message":"no more than 2 topics can be followed at once"}}
        > {"id":3,"method":"subscriptions/listen","params":{"notifications":{"xs":["$l"]},$x}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"xs":["$l"]},"_meta":{"mcp/subscriptionId":3}}}
        > {"id":4,"method":"subscriptions/listen","params":{"notifications":{"xs":["$l+"]},$x}}
        < {"id":4,"error":{"code":-32602,"message":"params.notifications.xs holds something longer than 40 bytes"}}
        "#;
    let script = script.replace("$x", claims).replace("$l", &"l".repeat(40));
    play_on(service(limits), &script);
}

/// What is answered to these lines where the last one's call ends so.
fn answered(lines: &[&str], outcome: Outcome) -> String {
    let mut conn = Conn::new(Arc::new(service(Limits::default())), 1, Instant::ZERO);
    for line in lines {
        conn.handle_bytes(to_wire(line).as_bytes(), Instant::ZERO);
        conn.handle_bytes(b"\n", Instant::ZERO);
    }
    let Some(Event::Call(call)) = conn.poll_event() else {
        panic!("no call")
    };
    let _ = conn.poll_transmit(&mut Vec::new());
    let _ = conn.finish(call.ticket, outcome, Instant::ZERO);
    let mut out = Vec::new();
    let _ = conn.poll_transmit(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn what_only_an_extensions_clients_understand_is_kept_from_the_others() {
    let result = r#"{"content":[],"_meta":{"com.example/x-only":1,"com.example/other":2}}"#;
    for (capabilities, understands) in [
        ("{}", false),
        (r#"{"extensions":{"com.example/x":{}}}"#, true),
    ] {
        let line = format!(
            r#"{{"id":1,"method":"tools/call","params":{{"name":"plain","_meta":{{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{capabilities}}}}}}}"#
        );
        let result: CallToolResult = serde_json::from_str(result).unwrap();
        let answer = answered(&[&line], Outcome::Tool(result));
        assert!(answer.contains("com.example/other"), "{answer}");
        assert_eq!(answer.contains("com.example/x-only"), understands);
    }
}

#[test]
fn a_call_becomes_a_task_in_one_handshake_revision_only() {
    for (version, result, allowed) in [
        ("2025-11-25", r#"{"task":{"taskId":"t"}}"#, true),
        ("2025-11-25", r#"{"other":1}"#, false),
        ("2025-06-18", r#"{"task":{"taskId":"t"}}"#, false),
    ] {
        let open = format!(
            r#"{{"id":1,"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{{}}}}}}"#
        );
        let call = r#"{"id":2,"method":"tools/call","params":{"name":"plain"}}"#;
        let result = ExtensionResult::new(&Json::parse(result).unwrap());
        let answer = answered(&[&open, call], Outcome::Extension(result));
        assert_eq!(answer.contains("\"error\""), !allowed, "{answer}");
    }
    // What 2025-11-25 asks for a task with means nothing later.
    play_extended(
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"must","task":{"ttl":"x"},$x}}
        call 1: must
        "#,
    );
}

#[test]
fn a_session_follows_so_many_tasks_that_it_has_begun_and_no_more() {
    let mut limits = Limits::default();
    limits.subscribed_topics = 2;
    let begin = |id: u32, topic: &str| {
        format!(
            r#"
        > {{"id":{id},"method":"tools/call","params":{{"name":"may","task":{{}}}}}}
        call {id}: may
        finish {id} {{"task":"{topic}"}}
        < {{"id":{id},"result":{{"task":"{topic}"}}}}"#
        )
    };
    let told = r#"
        change topic:a=1
        < {"method":"notifications/x/status","params":{"value":"1"}}
        change topic:b=1
        < {"method":"notifications/x/status","params":{"value":"1"}}
        change topic:c=1"#;
    let script = [OPEN, &begin(1, "a"), &begin(2, "b"), &begin(3, "c"), told].concat();
    play_on(service(limits), &script);
}

#[test]
fn a_task_has_its_arguments_however_long_they_are() {
    let mut conn = Conn::new(Arc::new(service(Limits::default())), 1, Instant::ZERO);
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(20_000));
    let claims = r#""_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{"extensions":{"com.example/x":{}}}}"#;
    let line = format!(
        r#"{{"id":1,"method":"tools/call","params":{{"name":"may","task":{{"ttl":5}},"arguments":{long},{claims}}}}}"#
    );
    conn.handle_bytes(to_wire(&line).as_bytes(), Instant::ZERO);
    conn.handle_bytes(b"\n", Instant::ZERO);
    let Some(Event::Call(call)) = conn.poll_event() else {
        panic!("no call")
    };
    let Work::Task(task) = call.work else {
        panic!("no task")
    };
    assert_eq!(task.arguments.unwrap().as_str(), long);
    // Since 2026-07-28 nobody but the server says how long it is kept.
    assert_eq!(task.ttl_ms, None);
}
