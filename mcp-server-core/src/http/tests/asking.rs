//! Calls that ask: on the call's own stream in a session, by its result from 2026-07-28 on.

use super::{
    handshake::{get, post, with},
    *,
};
use crate::{
    call::{CallContext, NeedInput},
    http::SessionMode,
};
use mcp_proto::types::{EmptyParams, InputRequest, InputRequests};
use serde_json::{Value, json};

/// The outcome of [`Act::Ask`].
pub(super) fn outcome(context: &CallContext) -> Outcome {
    let Some(resumed) = &context.resumed else {
        let mut requests = InputRequests::new();
        requests.insert("where", InputRequest::ListRoots(EmptyParams::default()));
        return Outcome::NeedInput(NeedInput::new(requests).with_state("asked"));
    };
    assert_eq!(resumed.state.as_deref(), Some("asked"));
    let told = match resumed.answers.get("where") {
        Some(Ok(answer)) => answer.as_str(),
        _ => "nothing",
    };
    Outcome::Tool(CallToolResult::text(told))
}

/// Calls the tool in 2026-07-28, and gives the status and the response.
#[expect(
    clippy::needless_pass_by_value,
    reason = "written with `json!` where it is called"
)]
fn ask(rig: &mut Rig, capabilities: Value, more: Value) -> (u16, Value) {
    let mut params = json!({
        "name": "ask",
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        },
    });
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    let headers = with(&[
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "ask"),
    ]);
    let body = request("1", "tools/call", &params.to_string());
    let open = rig.send("POST /mcp", &headers, &body);
    let message = open.messages().pop().unwrap();
    (open.status, serde_json::from_str(&message).unwrap())
}

fn answered(asked: &Value) -> Value {
    json!({
        "inputResponses": {"where": {"roots": []}},
        "requestState": asked["result"]["requestState"],
    })
}

fn sealing() -> HttpOptions {
    HttpOptions::listening(true)
        .authorize(true)
        .ephemeral_states([9; 32], |_| panic!("on a loopback address it is alone"))
}

#[test]
fn a_state_is_of_use_to_its_own_subject_alone() {
    let roots = || json!({"roots": {}});
    let allow = |name: &str| Some(Verdict::Allow(Some(name.into())));
    let mut rig = Rig::new(sealing());
    rig.verdict = allow("alice");
    let (status, asked) = ask(&mut rig, roots(), json!({}));
    assert_eq!(
        (status, &asked["result"]["resultType"]),
        (200, &json!("input_required"))
    );
    assert_eq!(
        asked["result"]["inputRequests"],
        json!({"where": {"method": "roots/list"}})
    );
    let refused = json!({"code": -32602, "message": "params.requestState is not valid"});
    for verdict in [allow("bob"), Some(Verdict::Allow(None))] {
        rig.verdict = verdict;
        assert_eq!(ask(&mut rig, roots(), answered(&asked)).1["error"], refused);
    }
    rig.verdict = allow("alice");
    let mut tampered = answered(&asked);
    let state = tampered["requestState"].as_str().unwrap();
    tampered["requestState"] = format!("{state}-TAMPERED").into();
    assert_eq!(ask(&mut rig, roots(), tampered).1["error"], refused);
    let mut other = answered(&asked);
    other["arguments"] = json!({"other": 1});
    assert_eq!(ask(&mut rig, roots(), other).1["error"], refused);
    // Another process, or this one after it was started again.
    let mut elsewhere = Rig::new(sealing().ephemeral_states([8; 32], |_| {}));
    elsewhere.verdict = allow("alice");
    assert_eq!(
        ask(&mut elsewhere, roots(), answered(&asked)).1["error"],
        refused
    );
    let (status, told) = ask(&mut rig, roots(), answered(&asked));
    assert_eq!(status, 200);
    assert_eq!(told["result"]["content"][0]["text"], r#"{"roots":[]}"#);
    assert_eq!(told["result"]["resultType"], "complete");
    rig.wait(Duration::from_secs(600));
    assert_eq!(ask(&mut rig, roots(), answered(&asked)).1["error"], refused);
}

#[test]
fn who_cannot_be_asked_is_told_so_before_the_head_is_sent() {
    let mut rig = Rig::new(sealing());
    rig.verdict = Some(Verdict::Allow(None));
    let (status, refused) = ask(&mut rig, json!({"elicitation": {}}), json!({}));
    assert_eq!((status, &refused["error"]["code"]), (400, &json!(-32021)));
    let required = &refused["error"]["data"]["requiredCapabilities"];
    assert_eq!(*required, json!({"roots": {}}));
}

#[test]
fn an_ephemeral_key_is_warned_of_where_others_may_serve_the_same_clients() {
    use core::sync::atomic::{AtomicUsize, Ordering};
    use mcp_proto::http::guard::Names;
    let named = Names::Listed(Vec::from(["t".into(), "localhost".into()]));
    let table = [
        (HttpOptions::mounted(), 1),
        (HttpOptions::listening(false), 1),
        // Behind a proxy, which may know of others on this machine.
        (HttpOptions::listening(true).allow_hosts(named), 1),
        (HttpOptions::listening(true).allow_hosts(Names::Any), 1),
        (HttpOptions::listening(true), 0),
        (HttpOptions::listening(true).allow_hosts(Names::Loopback), 0),
    ];
    for (options, expected) in table {
        let shown = format!("{options:?}");
        let warned = Arc::new(AtomicUsize::new(0));
        let heard = Arc::clone(&warned);
        let mut rig = Rig::new(options.ephemeral_states([9; 32], move |warning| {
            assert!(warning.contains("SealedStates"), "{warning}");
            heard.fetch_add(1, Ordering::Relaxed);
        }));
        assert_eq!(warned.load(Ordering::Relaxed), 0);
        for _ in 0..2 {
            let (_, asked) = ask(&mut rig, json!({"roots": {}}), json!({}));
            assert!(
                asked["result"]["requestState"].is_string(),
                "{shown}: {asked}"
            );
            assert_eq!(warned.load(Ordering::Relaxed), expected, "{shown}");
        }
    }
}

#[test]
fn a_session_asks_on_the_stream_of_the_call() {
    let mut rig = rig();
    let params = json!({
        "protocolVersion": "2025-06-18", "capabilities": {"roots": {}},
        "clientInfo": {"name": "t", "version": "1"},
    });
    let open = rig.send(
        "POST /mcp",
        &BASE,
        &request("0", "initialize", &params.to_string()),
    );
    let id = open.header("mcp-session-id").to_string();
    assert_eq!(
        post(&mut rig, &id, super::handshake::INITIALIZED).outline(),
        "202"
    );
    let mut unasked = get(&mut rig, &id, &[]);
    let mut call = handshake::call_tool(&mut rig, &id, "7", "ask");
    assert_eq!(call.outline(), "200 stream");
    let asked: Value = serde_json::from_str(&call.messages()[0]).unwrap();
    assert_eq!(asked["method"], "roots/list");
    assert!(!call.ended);
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"roots": []}});
    assert_eq!(post(&mut rig, &id, &answer.to_string()).outline(), "202");
    rig.drive(&mut call);
    assert_eq!(call.outline(), "200 stream result id 7");
    assert!(
        call.ended && call.messages()[1].contains(r#"{\"roots\":[]}"#),
        "{}",
        call.body
    );
    rig.drive(&mut unasked);
    assert_eq!(unasked.messages(), Vec::<String>::new());
    // The second time nobody has asked.
    assert_eq!(post(&mut rig, &id, &answer.to_string()).outline(), "202");
}

#[test]
fn without_sessions_nobody_can_be_asked_and_it_is_said_why() {
    let mut rig = Rig::new(HttpOptions::listening(true).sessions(SessionMode::Stateless));
    let body = request("7", "tools/call", r#"{"name":"ask"}"#);
    let open = rig.send(
        "POST /mcp",
        &with(&[("mcp-protocol-version", "2025-11-25")]),
        &body,
    );
    let told: Value = serde_json::from_str(&open.messages()[0]).unwrap();
    let message = "the client cannot be asked anything: the server keeps no session for it";
    assert_eq!(told["error"], json!({"code": -32603, "message": message}));
}

/// The client is away, but comes back with an answer.
#[test]
fn a_session_that_has_asked_is_not_idle() {
    let mut limits = Limits::default();
    limits.session_idle = Duration::from_secs(60);
    let mut rig = Rig::with_limits(HttpOptions::listening(true), limits);
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {"roots": {}},
        "clientInfo": {"name": "t", "version": "1"},
    });
    let body = request("0", "initialize", &params.to_string());
    let open = rig.send("POST /mcp", &BASE, &body);
    let id = open.header("mcp-session-id").to_string();
    post(&mut rig, &id, super::handshake::INITIALIZED);
    let mut call = handshake::call_tool(&mut rig, &id, "7", "ask");
    let asked: Value = serde_json::from_str(&call.messages()[0]).unwrap();
    call.exchange.handle_disconnect(rig.now);
    rig.server.leave(&mut call.exchange, rig.now);
    rig.wait(Duration::from_secs(61));
    rig.server.handle_timeout(rig.now);
    assert_eq!(rig.server.sessions(), 1);
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"roots": []}});
    assert_eq!(post(&mut rig, &id, &answer.to_string()).outline(), "202");
    rig.wait(Duration::from_secs(60));
    rig.server.handle_timeout(rig.now);
    assert_eq!(rig.server.sessions(), 0, "nothing runs any more");
}
