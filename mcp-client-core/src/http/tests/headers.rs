//! What travels in headers as well as in the body.

use super::*;
use crate::{Extension, ExtensionMethod};
use ProtocolVersion::V2025_11_25;

const TOOL: &str = r#"{"name":"t","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"},"flag":{"type":"boolean","x-mcp-header":"Flag"},"q":{"type":"string"}}}}"#;
const BAD: &str = r#"{"name":"bad","inputSchema":{"type":"object","properties":{"x":{"type":"number","x-mcp-header":"X"}}}}"#;

fn tools(list: &[&str], rest: &str) -> String {
    format!(
        r#"{{"resultType":"complete","tools":[{}],"ttlMs":0,"cacheScope":"public"{rest}}}"#,
        list.join(",")
    )
}

#[test]
fn the_method_and_the_name_are_repeated() {
    let mut script = Script::stateless(|_, _| {});
    let _ = script.call("my-hyphenated-tool");
    let _ = script.call(" padded é");
    let _ = script.read("file:///path/to/file%20name.txt");
    let _ = script.list();
    script.events();
    script.fetches();
    for (fetch, method, name) in [
        (2, "tools/call", Some("my-hyphenated-tool")),
        (3, "tools/call", Some("=?base64?IHBhZGRlZCDDqQ==?=")),
        (4, "resources/read", Some("file:///path/to/file%20name.txt")),
        (5, "tools/list", None),
    ] {
        assert_eq!(script.header(fetch, "mcp-method"), Some(method));
        assert_eq!(script.header(fetch, "mcp-name"), name);
        assert_eq!(
            script.header(fetch, "mcp-protocol-version"),
            Some("2026-07-28")
        );
    }
}

#[test]
fn a_method_of_an_extension_is_named_by_the_member_that_it_says() {
    let extend = |config: &mut Config, _: &mut Endpoint| {
        let named = |name| ExtensionMethod::new(name).named_by("clockId");
        let clock = Extension::new("com.example/clock")
            .method(named("clock/read"))
            .method(named("clock/old").in_revisions(V2025_11_25, V2025_11_25))
            .method(ExtensionMethod::new("clock/list"));
        config.extensions.push(clock);
    };
    for (method, params, name) in [
        ("clock/read", r#"{"clockId":"c 1"}"#, Some("c 1")),
        ("clock/read", r#"{"clockId":"é"}"#, Some("=?base64?w6k=?=")),
        ("clock/read", r#"{"clockId":1}"#, None),
        ("clock/read", r#"{"name":"c"}"#, None),
        ("clock/list", r#"{"clockId":"c","name":"c"}"#, None),
        ("nobodys/method", r#"{"clockId":"c","name":"c"}"#, None),
    ] {
        let mut script = Script::stateless(extend);
        let params = mcp_proto::json::Json::parse(params).unwrap();
        let (options, now) = (CallOptions::default(), script.now);
        let _ = script.client.call_custom(method, &params, &options, now);
        script.assert_ready_for(1);
        assert_eq!(script.header(2, "mcp-method"), Some(method));
        assert_eq!(script.header(2, "mcp-name"), name, "{method} {params:?}");
    }
    // Until 2025-11-25 nothing of a message is repeated.
    let mut script = Script::handshake(extend);
    let params = mcp_proto::json::Json::parse(r#"{"clockId":"c"}"#).unwrap();
    let (options, now) = (CallOptions::default(), script.now);
    let _ = script
        .client
        .call_custom("clock/old", &params, &options, now);
    script.assert_ready_for(1);
    for header in ["mcp-method", "mcp-name"] {
        assert_eq!(script.header(3, header), None, "{header}");
    }
}

#[test]
fn annotated_arguments_travel_in_headers_once_the_tools_are_known() {
    let mut script = Script::stateless(|_, _| {});
    let arguments = r#"{"region":"eu north ","n":42.0,"flag":false,"q":"SELECT"}"#;
    let _ = script.call_with("t", arguments);
    let list = script.list();
    script.events();
    script.fetches();
    assert_eq!(script.header(2, "mcp-param-region"), None);
    script.answer(3, 3, &tools(&[TOOL, BAD], ""));
    assert_eq!(script.events(), ["bad tool bad", "done"]);
    let names: Vec<_> = script
        .client
        .take(list)
        .unwrap()
        .unwrap()
        .tools
        .into_iter()
        .map(|tool| tool.name)
        .collect();
    assert_eq!(names, ["t"]);
    let _ = script.call_with("t", arguments);
    let _ = script.call_with("t", r#"{"region":null,"n":7}"#);
    let _ = script.call_with("other", arguments);
    script.events();
    script.fetches();
    for (fetch, region, n, flag) in [
        (
            4,
            Some("=?base64?ZXUgbm9ydGgg?="),
            Some("42"),
            Some("false"),
        ),
        (5, None, Some("7"), None),
        (6, None, None, None),
    ] {
        assert_eq!(script.header(fetch, "mcp-param-region"), region);
        assert_eq!(script.header(fetch, "mcp-param-n"), n);
        assert_eq!(script.header(fetch, "mcp-param-flag"), flag);
        assert_eq!(script.header(fetch, "mcp-param-q"), None);
    }
}

#[test]
fn only_so_many_tools_are_remembered() {
    let mut script = Script::stateless(|config, _| config.limits.annotated_tools = 1);
    let list = script.list();
    script.events();
    script.fetches();
    let other = TOOL.replace(r#""name":"t""#, r#""name":"u""#);
    script.answer(2, 2, &tools(&[TOOL, &other], ""));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.client.take(list).unwrap().unwrap().tools.len(), 2);
    for (fetch, name, region) in [(3, "t", Some("eu")), (4, "u", None)] {
        let _ = script.call_with(name, r#"{"region":"eu"}"#);
        script.fetches();
        assert_eq!(script.header(fetch, "mcp-param-region"), region);
    }
}

#[test]
fn bad_tools_are_left_out_of_every_page_however_it_comes() {
    let mut script = Script::stateless(|_, _| {});
    let list = script
        .client
        .list_all::<ListTools>(&CallOptions::default(), script.now)
        .unwrap();
    script.events();
    script.fetches();
    script.head(2, 200, EVENTS);
    script.event(
        2,
        "",
        &result(2, &tools(&[BAD, TOOL], r#","nextCursor":"n""#)),
    );
    script.end(2);
    assert_eq!(script.events(), ["bad tool bad"]);
    assert_eq!(script.fetches(), ["3 POST tools/list 3"]);
    script.answer(3, 3, &tools(&[BAD], ""));
    assert_eq!(script.events(), ["bad tool bad", "done"]);
    assert_eq!(script.client.take(list).unwrap().unwrap().len(), 1);
    // Earlier revisions do not know the annotation (2026-07-28 introduced it).
    let mut script = Script::handshake(|_, _| {});
    let list = script.list();
    script.events();
    script.fetches();
    script.answer(3, 2, &format!(r#"{{"tools":[{BAD}]}}"#));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.client.take(list).unwrap().unwrap().tools.len(), 1);
}

#[test]
fn headers_that_do_not_fit_are_mended_by_looking_at_the_tools_once() {
    let mut script = Script::stateless(|_, _| {});
    let arguments = r#"{"region":"eu"}"#;
    let (one, two) = (
        script.call_with("t", arguments),
        script.call_with("t", arguments),
    );
    script.events();
    script.fetches();
    script.reply(2, 400, JSON, &error(2, -32020, ""));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["4 POST tools/list tools-1"]);
    assert_eq!(script.header(4, "mcp-method"), Some("tools/list"));
    assert!(
        script
            .body(4)
            .contains(r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#)
    );
    // Whoever else is refused meanwhile waits as well.
    script.reply(3, 400, JSON, &error(3, -32020, ""));
    script.assert_quiet();
    let page = format!(
        r#"{{"jsonrpc":"2.0","id":"tools-1","result":{}}}"#,
        tools(&[BAD], r#","nextCursor":"2""#)
    );
    script.reply(4, 200, JSON, &page);
    assert_eq!(script.events(), ["bad tool bad"]);
    assert_eq!(script.fetches(), ["5 POST tools/list tools-2"]);
    assert!(script.body(5).contains(r#""cursor":"2""#));
    script.head(5, 200, EVENTS);
    let page = format!(
        r#"{{"jsonrpc":"2.0","id":"tools-2","result":{}}}"#,
        tools(&[TOOL], "")
    );
    script.event(5, "", &page);
    script.end(5);
    assert!(script.events().is_empty());
    let mut fetches = script.fetches();
    fetches.sort();
    assert_eq!(fetches, ["6 POST tools/call 5", "7 POST tools/call 4"]);
    assert_eq!(script.header(6, "mcp-param-region"), Some("eu"));
    script.answer(7, 4, &said("one"));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(one), "one");
    // Not twice.
    script.reply(6, 400, JSON, &error(5, -32020, ""));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.outcome(two), "the server answered: m (-32020)");
}

#[test]
fn where_the_tools_cannot_be_listed_the_call_fails_as_the_server_said() {
    let failed = r#"{"jsonrpc":"2.0","id":"tools-1","error":{"code":-32601,"message":"no"}}"#;
    for (status, headers, body) in [
        (404, JSON, failed),
        (200, JSON, failed),
        (404, HTML, ""),
        (401, NOTHING, ""),
    ] {
        let mut script = Script::stateless(|_, _| {});
        let (call, given_up) = (script.call("t"), script.call("u"));
        script.events();
        script.fetches();
        script.reply(2, 400, JSON, &error(2, -32020, ""));
        script.reply(3, 400, JSON, &error(3, -32020, ""));
        script.events();
        script.fetches();
        script.client.forget(given_up.id(), script.now);
        script.reply(4, status, headers, body);
        let events = script.events();
        assert!(events.contains(&"done".to_string()), "{status}: {events:?}");
        assert!(script.fetches().is_empty());
        assert_eq!(script.outcome(call), "the server answered: m (-32020)");
    }
}

#[test]
fn the_tools_are_looked_at_again_under_another_id() {
    let mut script = Script::stateless(|_, _| {});
    let _ = script.call_with("t", r#"{"region":"eu"}"#);
    script.events();
    script.fetches();
    script.reply(2, 400, JSON, &error(2, -32020, ""));
    script.events();
    assert_eq!(script.fetches(), ["3 POST tools/list tools-1"]);
    script.reply(3, 503, NOTHING, "");
    script.assert_quiet();
    script.pass(millis(500));
    script.events();
    assert_eq!(script.fetches(), ["4 POST tools/list tools-2"]);
}

#[test]
fn the_tools_are_looked_through_up_to_so_many_pages() {
    let mut script = Script::stateless(|config, _| config.limits.pages = 2);
    let _ = script.call_with("t", r#"{"region":"eu"}"#);
    script.events();
    script.fetches();
    script.reply(2, 400, JSON, &error(2, -32020, ""));
    for (fetch, id) in [(3, "tools-1"), (4, "tools-2")] {
        script.events();
        assert_eq!(script.fetches(), [format!("{fetch} POST tools/list {id}")]);
        let page = format!(
            r#"{{"jsonrpc":"2.0","id":"{id}","result":{}}}"#,
            tools(&[TOOL], r#","nextCursor":"more""#)
        );
        script.reply(fetch, 200, JSON, &page);
    }
    script.events();
    assert_eq!(script.fetches(), ["5 POST tools/call 3"]);
}
