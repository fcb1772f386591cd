//! Handshakes, stateless requests, and both on one connection.

use super::script::*;
use alloc::format;
use mcp_proto::limits::Limits;

/// A handshake of that revision.
fn open(version: &str) -> alloc::string::String {
    format!(
        r#"
        > {{"id":"i","method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"c","version":"1"}}}}}}
        < {{"id":"i","result":{{"protocolVersion":"{version}","capabilities":{{"logging":{{}},{}"prompts":{{"listChanged":true}},"resources":{{"subscribe":true,"listChanged":true}},"tools":{{"listChanged":true}}}},"serverInfo":{{"name":"demo","version":"1.0.0"}}}}}}
        > {{"method":"notifications/initialized"}}
        "#,
        if version > "2024-11-05" {
            r#""completions":{},"#
        } else {
            ""
        },
    )
}

#[test]
fn every_handshake_revision_is_agreed_on_as_asked() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        play(&open(version));
    }
}

#[test]
fn a_revision_that_no_handshake_has_is_answered_with_the_latest_that_one_has() {
    for asked in ["2026-07-28", "2027-01-01", "2024-10-07", "", "v1"] {
        play(&format!(
            r#"
            > {{"id":1,"method":"initialize","params":{{"protocolVersion":"{asked}","capabilities":{{}},"clientInfo":{{"name":"c","version":"1"}}}}}}
            < {{"id":1,"result":{{"protocolVersion":"2025-11-25","capabilities":{{"logging":{{}},"completions":{{}},"prompts":{{"listChanged":true}},"resources":{{"subscribe":true,"listChanged":true}},"tools":{{"listChanged":true}}}},"serverInfo":{{"name":"demo","version":"1.0.0"}}}}}}
            "#
        ));
    }
}

#[test]
fn an_initialize_that_says_nothing_is_told_what_is_missing_and_may_be_sent_again() {
    play(
        r#"
        > {"id":1,"method":"initialize"}
        < {"id":1,"error":{"code":-32602,"message":"params.protocolVersion is missing"}}
        > {"id":2,"method":"initialize","params":{"protocolVersion":5}}
        < {"id":2,"error":{"code":-32602,"message":"params.protocolVersion must be a string"}}
        > {"id":3,"method":"initialize","params":{"protocolVersion":"2025-06-18","clientInfo":[]}}
        < {"id":3,"error":{"code":-32602,"message":"params.clientInfo must be an object"}}
        > {"id":4,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}
        < {"id":4,"result":{"protocolVersion":"2025-06-18","capabilities":{"logging":{},"completions":{},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}},"serverInfo":{"name":"demo","version":"1.0.0"}}}
        > {"id":5,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}
        < {"id":5,"error":{"code":-32600,"message":"this session is initialized already"}}
        "#,
    );
}

#[test]
fn an_initialize_with_claims_is_taken_the_same_whether_they_are_known_or_not() {
    let initialize = r#"> {"id":2,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},$m}}"#;
    let mut unknown = Stage::new(service(Limits::default()));
    unknown.act(initialize);
    assert!(unknown.transcript.contains(r#""code":-32601"#));
    let mut known = Stage::new(service(Limits::default()));
    known.act(r#"> {"id":1,"method":"tools/call","params":{"name":"echo",$m}}"#);
    known.transcript.clear();
    known.act(initialize);
    assert_eq!(known.transcript, unknown.transcript);
}

#[test]
fn before_a_handshake_only_pings_are_served_and_nothing_ends_the_connection() {
    play(
        r#"
        > {"id":1,"method":"ping"}
        < {"id":1,"result":{}}
        > {"id":2,"method":"tools/list"}
        < {"id":2,"error":{"code":-32600,"message":"send `initialize` first, or say in params._meta which revision the request is of"}}
        > {"id":3,"method":"logging/setLevel","params":{"level":"info"}}
        < {"id":3,"error":{"code":-32600,"message":"send `initialize` first, or say in params._meta which revision the request is of"}}
        > {"id":4,"method":"server/discover"}
        < {"id":4,"error":{"code":-32602,"message":"params._meta[\"mcp/protocolVersion\"] is missing"}}
        > {"id":5,"method":"subscriptions/listen","params":{"notifications":{}}}
        < {"id":5,"error":{"code":-32602,"message":"params._meta[\"mcp/protocolVersion\"] is missing"}}
        > {"id":6,"method":"no/such"}
        < {"id":6,"error":{"code":-32601,"message":"method not found: no/such"}}
        > {"id":7,"method":"no/such","params":[]}
        < {"id":7,"error":{"code":-32601,"message":"method not found: no/such"}}
        > {"id":8,"method":"sampling/createMessage"}
        < {"id":8,"error":{"code":-32601,"message":"method not found: sampling/createMessage"}}
        > {"id":9,"method":"notifications/initialized"}
        < {"id":9,"error":{"code":-32601,"message":"method not found: notifications/initialized"}}
        > {"method":"notifications/initialized"}
        > {"method":"no/such/notification","params":[1]}
        > {"id":10,"method":"ping"}
        < {"id":10,"result":{}}
        "#,
    );
}

#[test]
fn a_client_may_act_before_it_says_that_it_is_ready() {
    play(
        r#"
        > {"id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}
        < {"id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"logging":{},"completions":{},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}},"serverInfo":{"name":"demo","version":"1.0.0"}}}
        > {"id":2,"method":"logging/setLevel","params":{"level":"warning"}}
        < {"id":2,"result":{}}
        > {"id":3,"method":"ping"}
        < {"id":3,"result":{}}
        > {"id":4,"method":"tools/call","params":{"name":"echo"}}
        < {"id":4,"result":{"content":[{"type":"text","text":"nothing"}]}}
        change tools
        > {"method":"notifications/initialized"}
        < {"method":"notifications/tools/list_changed"}
        > {"method":"notifications/initialized"}
        "#,
    );
}

#[test]
fn a_session_serves_every_method_of_its_revision() {
    play(&format!(
        r#"{}
        > {{"id":1,"method":"tools/call","params":{{"name":"echo","arguments":{{"a":[1]}}}}}}
        < {{"id":1,"result":{{"content":[{{"type":"text","text":"{{\"a\":[1]}}"}}]}}}}
        > {{"id":2,"method":"prompts/get","params":{{"name":"greeting","arguments":{{"a":"b"}}}}}}
        < {{"id":2,"result":{{"messages":[{{"role":"user","content":{{"type":"text","text":"{{\"a\":\"b\"}}"}}}}]}}}}
        > {{"id":3,"method":"resources/read","params":{{"uri":"note://7"}}}}
        < {{"id":3,"result":{{"contents":[{{"uri":"note://7","text":"id=7"}}]}}}}
        > {{"id":4,"method":"resources/read","params":{{"uri":"file:///a"}}}}
        < {{"id":4,"result":{{"contents":[{{"uri":"file:///a","text":""}}]}}}}
        > {{"id":5,"method":"completion/complete","params":{{"ref":{{"type":"ref/resource","uri":"page://{{n}}"}},"argument":{{"name":"n","value":"4"}}}}}}
        < {{"id":5,"result":{{"completion":{{"values":["4"]}}}}}}
        > {{"id":6,"method":"completion/complete","params":{{"ref":{{"type":"ref/prompt","name":"greeting"}},"argument":{{"name":"n","value":"4"}}}}}}
        < {{"id":6,"result":{{"completion":{{"values":[]}}}}}}
        > {{"id":7,"method":"resources/templates/list"}}
        < {{"id":7,"result":{{"resourceTemplates":[{{"uriTemplate":"note://{{id}}","name":"note"}},{{"uriTemplate":"page://{{n}}","name":"page"}}]}}}}
        > {{"id":8,"method":"resources/list"}}
        < {{"id":8,"result":{{"resources":[{{"uri":"file:///a","name":"a"}},{{"uri":"file:///gone","name":"gone"}}]}}}}
        > {{"id":9,"method":"prompts/list","params":{{}}}}
        < {{"id":9,"result":{{"prompts":[{{"name":"greeting"}}]}}}}
        > {{"id":"10","method":"server/discover"}}
        < {{"id":"10","error":{{"code":-32601,"message":"method not found: server/discover"}}}}
        > {{"id":11,"method":"subscriptions/listen","params":{{"notifications":{{}}}}}}
        < {{"id":11,"error":{{"code":-32601,"message":"method not found: subscriptions/listen"}}}}
        > {{"id":12,"method":"tasks/list"}}
        < {{"id":12,"error":{{"code":-32601,"message":"method not found: tasks/list"}}}}
        "#,
        open("2025-11-25")
    ));
}

#[test]
fn a_session_answers_what_does_not_exist_with_its_revisions_codes() {
    play(&format!(
        r#"{}
        > {{"id":1,"method":"tools/call","params":{{"name":"none"}}}}
        < {{"id":1,"error":{{"code":-32602,"message":"unknown tool: none"}}}}
        > {{"id":2,"method":"prompts/get","params":{{"name":"none"}}}}
        < {{"id":2,"error":{{"code":-32602,"message":"unknown prompt: none"}}}}
        > {{"id":3,"method":"resources/read","params":{{"uri":"file:///none"}}}}
        < {{"id":3,"error":{{"code":-32002,"message":"resource not found","data":{{"uri":"file:///none"}}}}}}
        > {{"id":4,"method":"resources/read","params":{{"uri":"file:///gone"}}}}
        < {{"id":4,"error":{{"code":-32002,"message":"failed"}}}}
        > {{"id":5,"method":"completion/complete","params":{{"ref":{{"type":"ref/prompt","name":"none"}},"argument":{{"name":"n","value":""}}}}}}
        < {{"id":5,"error":{{"code":-32602,"message":"params.ref leads to nothing"}}}}
        > {{"id":6,"method":"tools/list","params":{{"cursor":"none"}}}}
        < {{"id":6,"error":{{"code":-32602,"message":"unknown cursor: it is none of this list, so begin again without one"}}}}
        > {{"id":7,"method":"tools/call","params":{{"name":"fail"}}}}
        < {{"id":7,"error":{{"code":-32042,"message":"failed"}}}}
        "#,
        open("2025-11-25")
    ));
}

#[test]
fn the_first_revision_completes_without_the_capability() {
    let service =
        crate::service::Service::builder(mcp_proto::types::Implementation::new("demo", "1.0.0"))
            .prompt(mcp_proto::types::Prompt::new("p"), Act::Echo)
            .build()
            .unwrap();
    play_on(
        service,
        r#"
        > {"id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{}}}
        < {"id":0,"result":{"protocolVersion":"2024-11-05","capabilities":{"logging":{},"prompts":{"listChanged":true}},"serverInfo":{"name":"demo","version":"1.0.0"}}}
        > {"id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"n","value":""}}}
        < {"id":1,"result":{"completion":{"values":[]}}}
        > {"id":2,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"n","value":""},"_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{}}}}
        < {"id":2,"error":{"code":-32601,"message":"method not found: completion/complete"}}
        > {"id":3,"method":"tools/list"}
        < {"id":3,"error":{"code":-32601,"message":"method not found: tools/list"}}
        > {"id":4,"method":"tools/call","params":{"name":"x"}}
        < {"id":4,"error":{"code":-32601,"message":"method not found: tools/call"}}
        > {"id":5,"method":"resources/read","params":{"uri":"file:///x"}}
        < {"id":5,"error":{"code":-32601,"message":"method not found: resources/read"}}
        > {"id":6,"method":"resources/subscribe","params":{"uri":"file:///x"}}
        < {"id":6,"error":{"code":-32601,"message":"method not found: resources/subscribe"}}
        "#,
    );
}

#[test]
fn parameters_that_are_wrong_are_named() {
    play(&format!(
        r#"{}
        > {{"id":1,"method":"tools/call"}}
        < {{"id":1,"error":{{"code":-32602,"message":"params.name is missing"}}}}
        > {{"id":2,"method":"tools/call","params":{{"name":5}}}}
        < {{"id":2,"error":{{"code":-32602,"message":"params.name must be a string"}}}}
        > {{"id":3,"method":"tools/call","params":{{"name":"echo","arguments":[]}}}}
        < {{"id":3,"error":{{"code":-32602,"message":"params.arguments must be an object"}}}}
        > {{"id":4,"method":"tools/call","params":[]}}
        < {{"id":4,"error":{{"code":-32602,"message":"params must be an object"}}}}
        > {{"id":5,"method":"tools/call","params":{{"name":"echo","name":"echo"}}}}
        < {{"id":5,"error":{{"code":-32602,"message":"params: member `name` occurs twice"}}}}
        > {{"id":6,"method":"tools/call","params":{{"name":"echo","_meta":5}}}}
        < {{"id":6,"error":{{"code":-32602,"message":"params._meta must be an object"}}}}
        > {{"id":7,"method":"tools/call","params":{{"name":"echo","_meta":{{"progressToken":{{}}}}}}}}
        < {{"id":7,"error":{{"code":-32602,"message":"params._meta.progressToken must be a string or an integer"}}}}
        > {{"id":8,"method":"logging/setLevel","params":{{"level":"loud"}}}}
        < {{"id":8,"error":{{"code":-32602,"message":"params.level: invalid value: string \"loud\", expected one of debug, info, notice, warning, error, critical, alert, emergency at line 1 column 6"}}}}
        > {{"id":9,"method":"resources/subscribe","params":{{}}}}
        < {{"id":9,"error":{{"code":-32602,"message":"params.uri is missing"}}}}
        > {{"id":10,"method":"tools/call","params":{{"name":"echo","arguments":null}}}}
        < {{"id":10,"result":{{"content":[{{"type":"text","text":"nothing"}}]}}}}
        "#,
        open("2025-06-18")
    ));
}

#[test]
fn a_stateless_request_needs_no_other_before_it() {
    play(
        r#"
        > {"id":1,"method":"server/discover","params":{$m}}
        < {"id":1,"result":{"resultType":"complete","supportedVersions":["2024-11-05","2025-03-26","2025-06-18","2025-11-25","2026-07-28"],"capabilities":{"logging":{},"completions":{},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}},$server,"ttlMs":0,"cacheScope":"private"}}
        > {"id":2,"method":"tools/call","params":{"name":"echo","arguments":{},$m}}
        < {"id":2,"result":{"resultType":"complete","content":[{"type":"text","text":"{}"}],$server}}
        > {"id":"2","method":"prompts/get","params":{$m,"name":"greeting"}}
        < {"id":"2","result":{"resultType":"complete","messages":[{"role":"user","content":{"type":"text","text":"nothing"}}],$server}}
        > {"id":3,"method":"resources/read","params":{$m,"uri":"file:///a"}}
        < {"id":3,"result":{"resultType":"complete","contents":[{"uri":"file:///a","text":""}],$server,"ttlMs":0,"cacheScope":"private"}}
        > {"id":4,"method":"prompts/list","params":{$m}}
        < {"id":4,"result":{"resultType":"complete","prompts":[{"name":"greeting"}],"ttlMs":0,"cacheScope":"private",$server}}
        > {"id":5,"method":"completion/complete","params":{$m,"ref":{"type":"ref/resource","uri":"file:///a"},"argument":{"name":"n","value":""}}}
        < {"id":5,"result":{"resultType":"complete","completion":{"values":[]},$server}}
        "#,
    );
}

#[test]
fn a_stateless_request_must_say_who_asks() {
    play(
        r#"
        > {"id":1,"method":"tools/list","params":{"_meta":{"mcp/clientCapabilities":{}}}}
        < {"id":1,"error":{"code":-32602,"message":"params._meta[\"mcp/protocolVersion\"] is missing"}}
        > {"id":2,"method":"tools/list","params":{"_meta":{"mcp/protocolVersion":"2026-07-28"}}}
        < {"id":2,"error":{"code":-32602,"message":"params._meta[\"mcp/clientCapabilities\"] is missing"}}
        > {"id":3,"method":"tools/list","params":{"_meta":{"mcp/protocolVersion":1,"mcp/clientCapabilities":{}}}}
        < {"id":3,"error":{"code":-32602,"message":"params._meta[\"mcp/protocolVersion\"] must be a string"}}
        > {"id":4,"method":"tools/list","params":{"_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":[]}}}
        < {"id":4,"error":{"code":-32602,"message":"params._meta[\"mcp/clientCapabilities\"] must be an object"}}
        > {"id":5,"method":"tools/list","params":{"_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{},"mcp/clientInfo":"me"}}}
        < {"id":5,"error":{"code":-32602,"message":"params._meta[\"mcp/clientInfo\"] must be an object"}}
        > {"id":6,"method":"tools/list","params":{"_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{"roots":5}}}}
        < {"id":6,"error":{"code":-32602,"message":"params._meta[\"mcp/clientCapabilities\"] is wrong: invalid type: integer `5`, expected struct RootsCapability at line 1 column 10"}}
        > {"id":7,"method":"tools/call","params":{"name":"echo","_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{},"mcp/logLevel":"loud"}}}
        < {"id":7,"error":{"code":-32602,"message":"params._meta[\"mcp/logLevel\"] is wrong: invalid value: string \"loud\", expected one of debug, info, notice, warning, error, critical, alert, emergency at line 1 column 6"}}
        > {"id":8,"method":"tools/call","params":{"name":"echo","_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{},"mcp/clientInfo":{"name":"me","version":"0"}}}}
        < {"id":8,"result":{"resultType":"complete","content":[{"type":"text","text":"nothing"}],$server}}
        "#,
    );
}

#[test]
fn the_revision_is_judged_before_the_method_and_the_method_before_its_parameters() {
    play(
        r#"
        > {"id":1,"method":"no/such","params":{"_meta":{"mcp/protocolVersion":"v999.0.0"}}}
        < {"id":1,"error":{"code":-32602,"message":"params._meta[\"mcp/clientCapabilities\"] is missing"}}
        > {"id":2,"method":"no/such","params":{"_meta":{"mcp/protocolVersion":"v999.0.0","mcp/clientCapabilities":{}}}}
        < {"id":2,"error":{"code":-32022,"message":"this revision is not served","data":{"supported":["2024-11-05","2025-03-26","2025-06-18","2025-11-25","2026-07-28"],"requested":"v999.0.0"}}}
        > {"id":3,"method":"tools/call","params":{"_meta":{"mcp/protocolVersion":"2025-11-25","mcp/clientCapabilities":{}}}}
        < {"id":3,"error":{"code":-32022,"message":"revision 2025-11-25 begins with an `initialize` request","data":{"supported":["2024-11-05","2025-03-26","2025-06-18","2025-11-25","2026-07-28"],"requested":"2025-11-25"}}}
        > {"id":4,"method":"no/such","params":{$m}}
        < {"id":4,"error":{"code":-32601,"message":"method not found: no/such"}}
        > {"id":5,"method":"tools/call","params":{$m,"name":5}}
        < {"id":5,"error":{"code":-32602,"message":"params.name must be a string"}}
        > {"id":6,"method":"tools/call","params":{$m,"name":"none"}}
        < {"id":6,"error":{"code":-32602,"message":"unknown tool: none"}}
        > {"id":7,"method":"resources/read","params":{$m,"uri":"file:///none"}}
        < {"id":7,"error":{"code":-32602,"message":"resource not found","data":{"uri":"file:///none"}}}
        > {"id":8,"method":"resources/read","params":{$m,"uri":"file:///gone"}}
        < {"id":8,"error":{"code":-32602,"message":"failed"}}
        > {"id":9,"method":"tools/call","params":{$m,"name":"fail"}}
        < {"id":9,"error":{"code":-32603,"message":"failed"}}
        "#,
    );
}

#[test]
fn what_the_stateless_era_has_removed_does_not_exist_in_it() {
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/list",
        "tasks/get",
        "sampling/createMessage",
        "roots/list",
    ] {
        play(&format!(
            r#"
            > {{"id":1,"method":"{method}","params":{{$m}}}}
            < {{"id":1,"error":{{"code":-32601,"message":"method not found: {method}"}}}}
            "#
        ));
    }
}

#[test]
fn both_eras_live_side_by_side() {
    play(&format!(
        r#"
        > {{"id":1,"method":"tools/call","params":{{"name":"echo",$m}}}}
        < {{"id":1,"result":{{"resultType":"complete","content":[{{"type":"text","text":"nothing"}}],$server}}}}
        {}
        > {{"id":1,"method":"tools/call","params":{{"name":"echo",$m}}}}
        < {{"id":1,"result":{{"resultType":"complete","content":[{{"type":"text","text":"nothing"}}],$server}}}}
        > {{"id":1,"method":"tools/call","params":{{"name":"echo"}}}}
        < {{"id":1,"result":{{"content":[{{"type":"text","text":"nothing"}}]}}}}
        > {{"id":2,"method":"ping","params":{{$m}}}}
        < {{"id":2,"error":{{"code":-32601,"message":"method not found: ping"}}}}
        > {{"id":2,"method":"ping"}}
        < {{"id":2,"result":{{}}}}
        > {{"id":3,"method":"initialize","params":{{"protocolVersion":"2025-11-25",$m}}}}
        < {{"id":3,"error":{{"code":-32601,"message":"method not found: initialize"}}}}
        > {{"id":4,"method":"resources/read","params":{{"uri":"file:///none"}}}}
        < {{"id":4,"error":{{"code":-32002,"message":"resource not found","data":{{"uri":"file:///none"}}}}}}
        > {{"id":5,"method":"resources/read","params":{{"uri":"file:///none",$m}}}}
        < {{"id":5,"error":{{"code":-32602,"message":"resource not found","data":{{"uri":"file:///none"}}}}}}
        "#,
        open("2025-06-18")
    ));
}

#[test]
fn an_initialize_that_claims_a_revision_with_a_handshake_is_one() {
    play(
        r#"
        > {"id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"_meta":{"mcp/protocolVersion":"2025-06-18"}}}
        < {"id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"logging":{},"completions":{},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}},"serverInfo":{"name":"demo","version":"1.0.0"}}}
        "#,
    );
}
