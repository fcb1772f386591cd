//! What a client brings back that it was not given, or not for this: over real connections, on every
//! binding, with sealed states and with such that are kept here.
#![cfg(unix)]

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use bind_blocking::http::StatusCode;
use mcp_server_core::{
    Cx, PromptEntry, SealedStates, Server, StateKeeper, StoredStates, ToolEntry, ToolError,
    http::Verdict,
};
use mcp_tests::{
    bindings::Binding,
    by_hand::post_as,
    http_serving::{HttpServing, Setup},
};
use serde_json::{Value, json};

const OLD_KEY: [u8; 32] = [1; 32];
const NEW_KEY: [u8; 32] = [2; 32];

fn sure(cx: &Cx, what: &str) -> Result<String, ToolError> {
    let sure = cx.confirm(format!("Really {what}?")).key("sure").get()?;
    Ok(format!("{what}: {sure}"))
}

fn server(keeper: impl StateKeeper + 'static) -> Server {
    let builder = Server::builder("bank", "1").state_keeper(keeper);
    let with_arguments = |name: &'static str| {
        let any = mcp_proto::json::Json::parse(r#"{"type":"object"}"#).expect("a schema");
        ToolEntry::new(name).raw(any, move |_, cx| sure(cx, name))
    };
    builder
        .tool(with_arguments("pay"))
        .tool(with_arguments("delete"))
        .prompt(PromptEntry::new("pay").run(|_, cx| sure(cx, "prompt")))
        .build()
        .expect("the components are fine")
}

fn judge(token: Option<&str>) -> Verdict {
    match token {
        Some(name) => Verdict::Allow(Some(name.into())),
        None => Verdict::Deny {
            status: StatusCode::UNAUTHORIZED,
            challenge: None,
        },
    }
}

fn serve(binding: Binding, keeper: impl StateKeeper + 'static) -> HttpServing {
    HttpServing::start(binding, server(keeper), &Setup::default().judged_by(judge))
}

fn request(method: &str, name: &str, arguments: Option<&Value>) -> Value {
    let mut params = json!({
        "name": name,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
        },
    });
    if let Some(arguments) = arguments {
        params["arguments"] = arguments.clone();
    }
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn pay() -> Value {
    request("tools/call", "pay", Some(&json!({"to": "bob"})))
}

/// Makes the call and gives the state to bring back.
fn state(url: &str, token: &str) -> String {
    let (status, asked) = post_as(url, token, &pay());
    assert_eq!(status, 200, "{asked}");
    let state = asked["result"]["requestState"].as_str();
    state.unwrap_or_else(|| panic!("{asked}")).into()
}

fn answered(mut request: Value, state: &str) -> Value {
    request["params"]["requestState"] = state.into();
    request["params"]["inputResponses"] =
        json!({"sure": {"action": "accept", "content": {"confirm": true}}});
    request
}

#[track_caller]
fn assert_refused(place: &str, (status, answer): &(u16, Value)) {
    // -32602, and nothing about why.
    let error = json!({"code": -32602, "message": "params.requestState is not valid"});
    assert_eq!(answer["error"], error, "{place}: {answer}");
    assert_eq!(*status, 200, "{place}");
}

#[track_caller]
fn assert_paid(place: &str, (status, answer): &(u16, Value)) {
    assert_eq!(
        answer["result"]["content"][0]["text"], "pay: true",
        "{place}: {answer}"
    );
    assert_eq!(*status, 200, "{place}");
}

/// What nobody may do with a state that alice was given for paying bob.
fn foreign(state: &str) -> Vec<(&'static str, &'static str, Value)> {
    let to_bob = json!({"to": "bob"});
    let again = |request: Value| answered(request, state);
    let mut cut = state.to_owned();
    cut.pop();
    let mut table = vec![
        ("another principal", "bob", again(pay())),
        (
            "another tool",
            "alice",
            again(request("tools/call", "delete", Some(&to_bob))),
        ),
        (
            "another method",
            "alice",
            again(request("prompts/get", "pay", Some(&to_bob))),
        ),
        (
            "other arguments",
            "alice",
            again(request("tools/call", "pay", Some(&json!({"to": "eve"})))),
        ),
        (
            "more arguments",
            "alice",
            again(request(
                "tools/call",
                "pay",
                Some(&json!({"to": "bob", "n": 1})),
            )),
        ),
        (
            "no arguments",
            "alice",
            again(request("tools/call", "pay", None)),
        ),
        ("a state that is cut", "alice", answered(pay(), &cut)),
        (
            "a longer state",
            "alice",
            answered(pay(), &format!("{state}A")),
        ),
        ("no state at all", "alice", answered(pay(), "")),
        (
            "a made up state",
            "alice",
            answered(pay(), "AQIDBAUGBwgJCgsMDQ4PEA"),
        ),
    ];
    for at in [0, state.len() / 2, state.len() - 1] {
        let mut bytes = state.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("it is text");
        table.push((
            "a state that was changed",
            "alice",
            answered(pay(), &changed),
        ));
    }
    table
}

/// Brings a state to where it does not belong, then to its own call, and there once more.
fn check_that_it_serves_its_own_call_alone(binding: Binding, url: &str, state: &str) {
    for (what, token, request) in foreign(state) {
        let place = format!("{binding:?}: {what}");
        assert_refused(&place, &post_as(url, token, &request));
    }
    // None of that has used it up; its own call does.
    let own = answered(pay(), state);
    assert_paid(&format!("{binding:?}"), &post_as(url, "alice", &own));
    let place = format!("{binding:?}: once more");
    assert_refused(&place, &post_as(url, "alice", &own));
}

#[test]
fn a_sealed_state_serves_its_own_call_and_no_other() {
    for binding in Binding::ALL {
        let serving = serve(binding, SealedStates::new(OLD_KEY, [1; 16]).once_only());
        let url = serving.url();
        check_that_it_serves_its_own_call_alone(binding, &url, &state(&url, "alice"));
    }
}

#[test]
fn a_state_that_is_kept_here_serves_its_own_call_and_no_other() {
    for binding in Binding::ALL {
        let drawn = AtomicU8::new(0);
        let keeper =
            StoredStates::new(100_000, move || [drawn.fetch_add(1, Ordering::Relaxed); 16]);
        let serving = serve(binding, keeper);
        let url = serving.url();
        let state = state(&url, "alice");
        assert!(state.len() < 32, "a handle and no more: {state}");
        check_that_it_serves_its_own_call_alone(binding, &url, &state);
    }
}

#[test]
fn keys_are_changed_while_calls_wait_for_answers() {
    let binding = Binding::Blocking;
    // Each step is another process, of which some are a step ahead.
    let steps: [fn() -> SealedStates; 4] = [
        || SealedStates::new(OLD_KEY, [1; 16]),
        || SealedStates::new(OLD_KEY, [2; 16]).and_opens(NEW_KEY),
        || SealedStates::new(NEW_KEY, [3; 16]).and_opens(OLD_KEY),
        || SealedStates::new(NEW_KEY, [4; 16]),
    ];
    let servers: Vec<_> = steps.map(|keeper| serve(binding, keeper())).into();
    for (asking, one) in servers.iter().enumerate() {
        let state = state(&one.url(), "alice");
        for (answering, other) in servers.iter().enumerate() {
            let told = post_as(&other.url(), "alice", &answered(pay(), &state));
            let place = format!("asked by {asking}, answered to {answering}");
            match asking.abs_diff(answering) {
                0 | 1 => assert_paid(&place, &told),
                // The new key alone does not open what the old one has sealed, nor the other way.
                _ if (asking < 2 && answering == 3) || answering == 0 => {
                    assert_refused(&place, &told);
                }
                _ => assert_paid(&place, &told),
            }
        }
    }
}

// ── clients that answer otherwise than they were asked ─────────────────────────────────────────

#[test]
fn who_answers_for_ever_is_told_to_stop() {
    let serving = serve(Binding::Blocking, SealedStates::new(OLD_KEY, [1; 16]));
    let url = serving.url();
    // To another question, with another kind of answer, with nothing.
    let wrong: [fn() -> Value; 3] = [
        || json!({"other": {"action": "accept", "content": {"confirm": true}}}),
        || json!({"sure": {"roots": []}}),
        || json!({}),
    ];
    for answers in wrong {
        let mut asked = post_as(&url, "alice", &pay()).1;
        let mut rounds = 1;
        while asked["result"]["resultType"] == "input_required" {
            let mut retry = pay();
            retry["params"]["requestState"] = asked["result"]["requestState"].clone();
            retry["params"]["inputResponses"] = answers();
            asked = post_as(&url, "alice", &retry).1;
            rounds += 1;
            assert!(rounds < 20, "{asked}");
        }
        let message = "the call asked for input in more than 8 rounds";
        assert_eq!(asked["error"], json!({"code": -32603, "message": message}));
    }
}

#[test]
fn an_old_round_brought_back_is_no_way_around_a_question() {
    // Two questions, one after the other; the second depends on the first.
    let asked = Arc::new(AtomicU8::new(0));
    let counted = Arc::clone(&asked);
    let any = mcp_proto::json::Json::parse(r#"{"type":"object"}"#).expect("a schema");
    let tool = ToolEntry::new("pay").raw(any, move |_, cx| {
        let number: u8 = cx.once("number", || counted.fetch_add(1, Ordering::Relaxed))?;
        let first = cx.confirm("To bob?").key("sure").get()?;
        let second = cx
            .confirm(format!("Bob is told so ({first}). Go on?"))
            .key("second")
            .get()?;
        Ok::<_, ToolError>(format!("{number} {first} {second}"))
    });
    let server = Server::builder("bank", "1").state_keeper(SealedStates::new(OLD_KEY, [1; 16]));
    let server = server.tool(tool).build().expect("the tool is fine");
    let setup = Setup::default().judged_by(judge);
    let serving = HttpServing::start(Binding::Blocking, server, &setup);
    let url = serving.url();
    let first = state(&url, "alice");
    let told = |state: &str, answers: Value| {
        let mut retry = answered(pay(), state);
        retry["params"]["inputResponses"] = answers;
        post_as(&url, "alice", &retry).1
    };
    let answer = |yes: bool| json!({"action": "accept", "content": {"confirm": yes}});
    // An answer to what was not asked yet does not count once it is.
    let second = told(
        &first,
        json!({"sure": answer(true), "second": answer(true)}),
    );
    assert_eq!(
        second["result"]["inputRequests"]["second"]["params"]["message"],
        "Bob is told so (true). Go on?"
    );
    let second = second["result"]["requestState"]
        .as_str()
        .expect("a state")
        .to_owned();
    // Nor does another answer to what was answered.
    let done = told(
        &second,
        json!({"sure": answer(false), "second": answer(true)}),
    );
    assert_eq!(done["result"]["content"][0]["text"], "0 true true");
    // The first state is good for the first question still, as for a request that was lost; what was
    // done once is not done again.
    let again = told(&first, json!({"sure": answer(false)}));
    assert_eq!(
        again["result"]["inputRequests"]["second"]["params"]["message"],
        "Bob is told so (false). Go on?"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
