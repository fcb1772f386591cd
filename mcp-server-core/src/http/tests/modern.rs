//! Revision 2026-07-28: each request on its own.

use super::*;
use crate::http::SessionMode;

const VERSION: &str = "2026-07-28";

/// Params with the required members of `_meta`.
pub(super) fn params(version: &str, rest: &str) -> String {
    let comma = if rest.is_empty() { "" } else { "," };
    format!(
        r#"{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{version}","io.modelcontextprotocol/clientCapabilities":{{}}}}{comma}{rest}}}"#
    )
}

fn headers<'a>(
    version: &'a str,
    method: &'a str,
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut headers = Vec::from(BASE);
    headers.extend([("mcp-protocol-version", version), ("mcp-method", method)]);
    headers.extend_from_slice(more);
    headers
}

/// A well-formed request and its answer so far.
fn call(rig: &mut Rig, method: &str, more: &[(&str, &str)], rest: &str) -> Open {
    rig.send(
        "POST /mcp",
        &headers(VERSION, method, more),
        &request("7", method, &params(VERSION, rest)),
    )
}

fn call_tool(rig: &mut Rig, name: &str) -> Open {
    call(
        rig,
        "tools/call",
        &[("mcp-name", name)],
        &format!(r#""name":"{name}""#),
    )
}

// basic/transports/streamable-http, from the body on: the rows of its checks in their order.
#[test]
fn every_refusal_has_its_status_and_code() {
    let m = |rest: &str| params(VERSION, rest);
    let without = |key: &str| m("").replace(key, "x");
    let tool = r#""name":"answer""#;
    let region = r#""name":"routed","arguments":{"region":"eu"}"#;
    type Row<'a> = (String, &'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);
    let table: &[Row<'_>] = &[
        // What is no message, or none of this revision.
        ("{".into(), VERSION, "tools/list", &[], "400 -32700 id -"),
        (
            format!("[{}]", request("7", "tools/list", &m(""))),
            VERSION,
            "tools/list",
            &[],
            "400 -32600 id -",
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"result":{}}"#.into(),
            VERSION,
            "tools/list",
            &[],
            "400 -32600 id -",
        ),
        (
            r#"{"jsonrpc":"2.0","id":7}"#.into(),
            VERSION,
            "tools/list",
            &[],
            "400 -32600 id 7",
        ),
        (
            request("null", "tools/list", &m("")),
            VERSION,
            "tools/list",
            &[],
            "400 -32600 id -",
        ),
        (
            request("1.5", "tools/list", &m("")),
            VERSION,
            "tools/list",
            &[],
            "400 -32600 id -",
        ),
        (
            request("7", "tools/list", &m("")).replace("2.0", "1.0"),
            VERSION,
            "tools/list",
            &[],
            "400 -32600 id 7",
        ),
        (
            request("true", "tools/list", &m("")),
            VERSION,
            "tools/list",
            &[],
            "400 -32600 id -",
        ),
        (
            request("7", "tools/list", &m("")).replace("\"tools/list\"", "5"),
            VERSION,
            "tools/list",
            &[],
            "400 -32600 id 7",
        ),
        (
            r#"{"jsonrpc":"1.0","method":"notifications/x"}"#.into(),
            VERSION,
            "notifications/x",
            &[],
            "400 -32600 id -",
        ),
        // The required members of `_meta`.
        (
            request(
                "7",
                "tools/list",
                &m("").replace("\"2026-07-28\"", "20260728"),
            ),
            VERSION,
            "tools/list",
            &[],
            "400 -32602 id 7",
        ),
        (
            request("7", "tools/list", r#"{"_meta":"2026-07-28"}"#),
            VERSION,
            "tools/list",
            &[],
            "400 -32602 id 7",
        ),
        (
            request("7", "tools/list", "[]"),
            VERSION,
            "tools/list",
            &[],
            "400 -32602 id 7",
        ),
        (
            request("101", "server/discover", "{}"),
            VERSION,
            "server/discover",
            &[],
            "400 -32602 id 101",
        ),
        (
            request("7", "server/discover", &without("protocolVersion")),
            VERSION,
            "server/discover",
            &[],
            "400 -32602 id 7",
        ),
        (
            request("7", "server/discover", &without("clientCapabilities")),
            VERSION,
            "server/discover",
            &[],
            "400 -32602 id 7",
        ),
        (
            request("7", "server/discover", &m("").replace("{}", "[]")),
            VERSION,
            "server/discover",
            &[],
            "400 -32602 id 7",
        ),
        // ... come before the headers.
        (
            request("7", "server/discover", "{}"),
            VERSION,
            "tools/list",
            &[],
            "400 -32602 id 7",
        ),
        // Headers that repeat the body.
        (
            request("\"a\"", "tools/list", &m("")),
            VERSION,
            "prompts/list",
            &[],
            "400 -32020 id \"a\"",
        ),
        (
            request("7", "tools/list", &m("")),
            VERSION,
            "TOOLS/LIST",
            &[],
            "400 -32020 id 7",
        ),
        (
            request("7", "tools/list", &m("")),
            VERSION,
            "tools/list",
            &[("mcp-method", "tools/list")],
            "400 -32020 id 7",
        ),
        (
            request("7", "tools/call", &m(tool)),
            VERSION,
            "tools/call",
            &[],
            "400 -32020 id 7",
        ),
        (
            request("7", "tools/call", &m(tool)),
            VERSION,
            "tools/call",
            &[("mcp-name", "wrong")],
            "400 -32020 id 7",
        ),
        (
            request("7", "tools/call", &m(tool)),
            VERSION,
            "tools/call",
            &[("mcp-name", "=?base64?!?=")],
            "400 -32020 id 7",
        ),
        (
            request("7", "tools/call", &m(tool)),
            VERSION,
            "tools/call",
            &[("mcp-name", " answer\t")],
            "200 result id 7",
        ),
        (
            request("7", "tools/call", &m(tool)),
            VERSION,
            "tools/call",
            &[("mcp-name", "=?base64?YW5zd2Vy?=")],
            "200 result id 7",
        ),
        (
            request("7", "resources/read", &m(r#""uri":"test://a""#)),
            VERSION,
            "resources/read",
            &[],
            "400 -32020 id 7",
        ),
        // A disagreement about the revision is told before that it is not served.
        (
            request("7", "tools/list", &params("v999.0.0", "")),
            VERSION,
            "tools/list",
            &[],
            "400 -32020 id 7",
        ),
        (
            request("7", "tools/list", &m("")),
            "2025-11-25",
            "tools/list",
            &[],
            "400 -32020 id 7",
        ),
        (
            request("7", "tools/list", &params("v999.0.0", "")),
            "v999.0.0",
            "tools/list",
            &[],
            "400 -32022 id 7",
        ),
        (
            request("7", "tools/list", &params("2025-11-25", "")),
            "2025-11-25",
            "tools/list",
            &[],
            "400 -32022 id 7",
        ),
        // Methods that do not exist, or no more.
        (
            request("7", "unknown/method", &m("")),
            VERSION,
            "unknown/method",
            &[],
            "404 -32601 id 7",
        ),
        (
            request("7", "initialize", &m("")),
            VERSION,
            "initialize",
            &[],
            "404 -32601 id 7",
        ),
        (
            request("7", "ping", &m("")),
            VERSION,
            "ping",
            &[],
            "404 -32601 id 7",
        ),
        (
            request("7", "logging/setLevel", &m("")),
            VERSION,
            "logging/setLevel",
            &[],
            "404 -32601 id 7",
        ),
        (
            request("7", "resources/subscribe", &m("")),
            VERSION,
            "resources/subscribe",
            &[],
            "404 -32601 id 7",
        ),
        // ... or belong to what this server does not offer.
        (
            request("7", "completion/complete", &m("")),
            VERSION,
            "completion/complete",
            &[],
            "404 -32601 id 7",
        ),
        (
            request("7", "tasks/get", &m(r#""taskId":"1""#)),
            VERSION,
            "tasks/get",
            &[("mcp-name", "1")],
            "404 -32601 id 7",
        ),
        // Arguments that travel in headers as well.
        (
            request("7", "tools/call", &m(region)),
            VERSION,
            "tools/call",
            &[("mcp-name", "routed")],
            "400 -32020 id 7",
        ),
        (
            request("7", "tools/call", &m(region)),
            VERSION,
            "tools/call",
            &[("mcp-name", "routed"), ("mcp-param-region", "us")],
            "400 -32020 id 7",
        ),
        (
            request("7", "tools/call", &m(region)),
            VERSION,
            "tools/call",
            &[
                ("mcp-name", "routed"),
                ("mcp-param-region", "eu"),
                ("mcp-param-unknown", "x"),
            ],
            "200 result id 7",
        ),
        (
            request(
                "7",
                "tools/call",
                &m(r#""name":"routed","arguments":{"region":null}"#),
            ),
            VERSION,
            "tools/call",
            &[("mcp-name", "routed")],
            "200 result id 7",
        ),
        // What is wrong with a method's own parameters is no matter of HTTP.
        (
            request("7", "tools/call", &m("")),
            VERSION,
            "tools/call",
            &[],
            "200 -32602 id 7",
        ),
        (
            request("7", "tools/call", &m(r#""name":"none""#)),
            VERSION,
            "tools/call",
            &[("mcp-name", "none")],
            "200 -32602 id 7",
        ),
        (
            request("7", "resources/read", &m(r#""uri":"test://none""#)),
            VERSION,
            "resources/read",
            &[("mcp-name", "test://none")],
            "200 -32602 id 7",
        ),
        (
            request("7", "prompts/get", &m(r#""name":"none""#)),
            VERSION,
            "prompts/get",
            &[("mcp-name", "none")],
            "200 -32602 id 7",
        ),
        (
            request("7", "tools/list", &m(r#""cursor":"none""#)),
            VERSION,
            "tools/list",
            &[],
            "200 -32602 id 7",
        ),
        (
            request("7", "tools/call", &m(r#""name":"invalid""#)),
            VERSION,
            "tools/call",
            &[("mcp-name", "invalid")],
            "200 -32602 id 7",
        ),
        // Notifications have no meaning over HTTP, and no required headers.
        (
            r#"{"jsonrpc":"2.0","method":"notifications/x"}"#.into(),
            VERSION,
            "whatever",
            &[],
            "202",
        ),
        // What is served.
        (
            request("7", "server/discover", &m("")),
            VERSION,
            "server/discover",
            &[],
            "200 result id 7",
        ),
        (
            request("7", "tools/list", &m("")),
            VERSION,
            "tools/list",
            &[],
            "200 result id 7",
        ),
        (
            request("7", "prompts/get", &m(r#""name":"explain""#)),
            VERSION,
            "prompts/get",
            &[("mcp-name", "explain")],
            "200 result id 7",
        ),
    ];
    for mode in [
        SessionMode::Stateful,
        SessionMode::Stateless,
        SessionMode::Off,
    ] {
        let mut rig = Rig::new(HttpOptions::listening(true).sessions(mode));
        for (body, version, method, more, expected) in table {
            let open = rig.send("POST /mcp", &headers(version, method, more), body);
            assert_eq!(
                open.outline(),
                *expected,
                "{body} {version} {method} {more:?}"
            );
            assert!(open.ended && open.exchange.is_done());
            assert_eq!(open.header("mcp-session-id"), "-");
        }
        assert_eq!(rig.server.sessions(), 0);
    }
}

#[test]
fn the_revisions_that_are_served_are_told() {
    for (mode, supported) in [
        (
            SessionMode::Off,
            r#""supported":["2026-07-28"],"requested":"v9""#,
        ),
        (
            SessionMode::Stateful,
            r#""2025-06-18","2025-03-26","2024-11-05"],"requested":"v9""#,
        ),
    ] {
        let mut rig = Rig::new(HttpOptions::listening(true).sessions(mode));
        let body = request("7", "tools/list", &params("v9", ""));
        let open = rig.send("POST /mcp", &headers("v9", "tools/list", &[]), &body);
        assert!(open.body.contains(supported), "{}", open.body);
    }
    // A client with a handshake is told the same.
    let mut rig = Rig::new(HttpOptions::listening(true).sessions(SessionMode::Off));
    let open = rig.send(
        "POST /mcp",
        &BASE,
        &request("1", "initialize", r#"{"protocolVersion":"2025-11-25"}"#),
    );
    assert_eq!(open.outline(), "400 -32022 id 1");
    assert!(
        open.body
            .contains(r#""supported":["2026-07-28"],"requested":"2025-11-25""#)
    );
    assert_eq!(open.header("mcp-session-id"), "-");
    let open = rig.send("POST /mcp", &BASE, &request("1", "ping", "{}"));
    assert_eq!(open.outline(), "400 -32602 id 1");
    assert_eq!(
        (open.header("mcp-session-id"), rig.server.sessions()),
        ("-", 0)
    );
}

#[test]
fn sessions_and_event_ids_of_clients_are_ignored() {
    let mut rig = rig();
    let more = [("mcp-session-id", "abc"), ("last-event-id", "1-1")];
    let open = call(&mut rig, "tools/list", &more, "");
    assert_eq!(
        (open.outline(), open.header("mcp-session-id")),
        ("200 result id 7".into(), "-")
    );
}

#[test]
fn an_answer_in_time_is_json_and_a_late_one_is_a_stream() {
    let mut rig = rig();
    let sse_after = Limits::default().sse_after;
    let mut open = call_tool(&mut rig, "wait");
    assert_eq!((open.status, open.ended), (0, false));
    rig.pass(sse_after - Duration::from_nanos(1), &mut open);
    assert_eq!(open.status, 0);
    rig.finish_in(&mut open);
    assert_eq!(open.outline(), "200 result id 7");
    assert!(open.ended);

    let mut open = call_tool(&mut rig, "wait");
    assert_eq!(
        open.exchange.poll_timeout(),
        Some(rig.now.saturating_add(sse_after))
    );
    rig.pass(sse_after, &mut open);
    assert_eq!(
        (open.outline(), open.body.as_str()),
        ("200 stream".into(), "")
    );
    assert_eq!(
        (
            open.header("cache-control"),
            open.header("x-accel-buffering")
        ),
        ("no-cache", "no")
    );
    rig.pass(
        Limits::default().keep_alive - Duration::from_nanos(1),
        &mut open,
    );
    assert!(open.body.is_empty());
    rig.pass(Duration::from_nanos(1), &mut open);
    rig.finish_in(&mut open);
    // No ids: these streams are not resumable.
    assert_eq!(open.events(), [":", "result 7"]);
    assert!(open.ended && open.exchange.is_done());
}

/// A call whose client wants to see log entries.
pub(super) fn call_that_logs(rig: &mut Rig, name: &str) -> Open {
    let body = request(
        "7",
        "tools/call",
        &params(VERSION, &format!(r#""name":"{name}""#)),
    )
    .replace(
        r#""_meta":{"#,
        r#""_meta":{"io.modelcontextprotocol/logLevel":"info","#,
    );
    let headers = headers(VERSION, "tools/call", &[("mcp-name", name)]);
    rig.send("POST /mcp", &headers, &body)
}

#[test]
fn what_is_told_before_the_answer_makes_a_stream() {
    let mut rig = rig();
    // Log entries come only where the request asks for them.
    assert_eq!(call_tool(&mut rig, "note").outline(), "200 result id 7");
    let open = call_that_logs(&mut rig, "note");
    assert_eq!(open.events(), ["notifications/message", "result 7"]);
    assert!(open.ended);
}

#[test]
fn an_error_keeps_its_status_until_the_head_is_sent() {
    let mut rig = rig();
    let mut open = call_tool(&mut rig, "wait");
    let (ticket, _) = rig.waiting.remove(0);
    let missing = RpcError::new(-32021, "needs sampling");
    let _ = open
        .exchange
        .finish(ticket, Outcome::Fail(missing.clone()), rig.now);
    rig.drive(&mut open);
    assert_eq!(open.outline(), "400 -32021 id 7");
    // Too late for a status: an event of a response that is fine so far.
    let mut open = call_tool(&mut rig, "wait");
    rig.pass(Duration::from_secs(1), &mut open);
    let (ticket, _) = rig.waiting.remove(0);
    let _ = open
        .exchange
        .finish(ticket, Outcome::Fail(missing), rig.now);
    rig.drive(&mut open);
    assert_eq!(open.outline(), "200 stream -32021 id 7");
}

// "Cancellation": closing the response is the cancellation, and nothing more is sent.
#[test]
fn a_disconnect_cancels() {
    for streams in [false, true] {
        let mut rig = rig();
        let mut open = call_tool(&mut rig, "wait");
        if streams {
            rig.pass(Duration::from_secs(1), &mut open);
        }
        open.exchange.handle_disconnect(rig.now);
        rig.drive(&mut open);
        assert_eq!(rig.cancelled, [rig.waiting[0].0.call()]);
        let before = open.body.clone();
        assert!(!open.exchange.is_done());
        rig.finish_in(&mut open);
        assert!(open.exchange.is_done());
        assert_eq!(open.body, before);
    }
}

#[test]
fn a_client_that_does_not_read_is_given_up() {
    let mut rig = rig();
    let mut open = call_tool(&mut rig, "wait");
    rig.wait(Duration::from_secs(1));
    // The head is there and nobody takes it.
    open.exchange.handle_timeout(rig.now);
    rig.wait(Limits::default().outbound_stall - Duration::from_nanos(1));
    open.exchange.handle_timeout(rig.now);
    assert!(open.exchange.poll_event().is_none(), "it has its time");
    rig.wait(Duration::from_nanos(1));
    open.exchange.handle_timeout(rig.now);
    rig.drive(&mut open);
    assert_eq!((rig.cancelled.len(), open.ended), (1, true));
}

#[test]
fn a_subscription_streams_until_it_is_ended() {
    let mut rig = rig();
    let mut open = call(
        &mut rig,
        "subscriptions/listen",
        &[],
        r#""notifications":{"toolsListChanged":true}"#,
    );
    assert!(open.listens);
    assert_eq!(open.events(), ["notifications/subscriptions/acknowledged"]);
    for change in [crate::Change::Prompts, crate::Change::Tools] {
        open.exchange.handle_change(&change, rig.now);
    }
    rig.drive(&mut open);
    rig.pass(Limits::default().keep_alive, &mut open);
    open.exchange.shut_down(rig.now);
    rig.drive(&mut open);
    assert_eq!(
        open.events(),
        [
            "notifications/subscriptions/acknowledged",
            "notifications/tools/list_changed",
            ":",
            "result 7"
        ]
    );
    assert!(
        open.messages()
            .iter()
            .all(|message| message.contains(r#""io.modelcontextprotocol/subscriptionId":7"#))
    );
    assert!(open.ended && open.exchange.is_done());
}

#[test]
fn a_subscription_hears_of_another_service() {
    let mut rig = rig();
    let mut open = call(
        &mut rig,
        "subscriptions/listen",
        &[],
        r#""notifications":{"toolsListChanged":true}"#,
    );
    open.exchange
        .handle_service(Arc::clone(&rig.service), rig.now);
    let (changed, _) = rig
        .service
        .edited(|edit| Ok(edit.remove(crate::ComponentKind::Tool, "note")))
        .unwrap();
    open.exchange.handle_service(Arc::new(changed), rig.now);
    rig.drive(&mut open);
    assert_eq!(
        open.events(),
        [
            "notifications/subscriptions/acknowledged",
            "notifications/tools/list_changed"
        ]
    );
    open.exchange.handle_disconnect(rig.now);
    rig.drive(&mut open);
    assert!(open.exchange.is_done());
}

#[test]
fn a_subscription_says_what_it_is_about() {
    let mut rig = rig();
    let wanted =
        r#""notifications":{"toolsListChanged":true,"resourceSubscriptions":["test://a"]}"#;
    let open = call(&mut rig, "subscriptions/listen", &[], wanted);
    let about = crate::interest::Thing::Resource("test://a".into());
    assert_eq!(open.exchange.interest().things, [about]);
    let other = call_tool(&mut rig, "answer");
    assert_eq!(other.exchange.interest().things, []);
}
