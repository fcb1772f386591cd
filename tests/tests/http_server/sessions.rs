//! Clients with a handshake.

use std::{sync::atomic::Ordering, time::Duration};

use mcp_server_core::http::Verdict;
use serde_json::json;

use mcp_tests::{bindings::Binding, http_serving};

use crate::{
    raw::Client,
    rig::{Rig, Setup, another_tool, in_session, post, rpc, session_call, text_of, until},
};

fn get(session: &str, more: &str) -> String {
    let headers = in_session(session);
    format!(
        "GET /mcp HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n{headers}{more}\r\n"
    )
}

pub(crate) fn a_session_has_one_stream_of_its_own(binding: Binding) {
    let rig = Rig::plain(binding);
    let (session, other) = (rig.open(""), rig.open(""));
    let mut stream = rig.connect();
    stream.send(get(&session, ""));
    assert_eq!(stream.head().get("content-type"), Some("text/event-stream"));
    let primed = stream.event().expect("an id to come back with");
    assert!(primed.id.is_some() && primed.data.is_empty(), "{primed:?}");
    assert_eq!(rig.ask(get(&session, "")).status, 409);
    rig.handle.add_tool(another_tool()).expect("a new name");
    let event = stream.event().expect("a change");
    assert_eq!(event.json()["method"], "notifications/tools/list_changed");
    // The other session's are not ours.
    let delete = get(&other, "").replacen("GET", "DELETE", 1);
    assert!([200, 204].contains(&rig.ask(&delete).status));
    assert_eq!(rig.ask(&delete).status, 404);
    let quiet = stream.is_quiet(Duration::from_millis(50));
    assert!(quiet, "{:?}", stream.event());
    // Its own end ends its stream.
    assert!([200, 204].contains(&rig.ask(delete.replace(&other, &session)).status));
    assert_eq!(stream.event(), None);
    let ping = post(&in_session(&session), &rpc(Some(1), "ping", json!({})));
    assert_eq!(rig.ask(ping).status, 404);
}

pub(crate) fn an_answer_that_was_lost_can_be_fetched(binding: Binding) {
    let mut setup = Setup::default();
    setup.limits.sse_after = Duration::from_millis(20);
    let rig = Rig::start(binding, &setup);
    let session = rig.open("");
    let mut client = rig.connect();
    client.send(session_call(&session, 5, "wait", json!({"ms": 200})));
    assert_eq!(client.head().get("content-type"), Some("text/event-stream"));
    let id = client
        .event()
        .expect("an id to come back with")
        .id
        .expect("it has one");
    drop(client);
    until("the work is done", || {
        rig.counts.done.load(Ordering::SeqCst) == 1
    });
    let mut client = rig.connect();
    client.send(get(&session, &format!("last-event-id: {id}\r\n")));
    assert_eq!(client.head().status, 200);
    let answer = loop {
        let event = client.event().expect("the answer");
        if !event.data.is_empty() {
            break event;
        }
    };
    assert_eq!(
        (&answer.json()["id"], text_of(&answer.json())),
        (&json!(5), "waited")
    );
    assert_eq!(client.event(), None);
    // What was never sent cannot be resumed.
    assert_eq!(
        rig.ask(get(&session, "last-event-id: 99-99\r\n")).status,
        400
    );
}

pub(crate) fn sessions_are_bound_to_who_opened_them(binding: Binding) {
    let judge = |token: Option<&str>| match token {
        Some(token) => Verdict::Allow(Some(token.into())),
        None => Verdict::Deny {
            status: bind_blocking::http::StatusCode::UNAUTHORIZED,
            challenge: Some(bind_blocking::http::HeaderValue::from_static("Bearer")),
        },
    };
    let rig = Rig::start(
        binding,
        &Setup {
            http: http_serving::Setup::default().judged_by(judge),
            ..Setup::default()
        },
    );
    let refused = rig.ask(post("", &rpc(Some(1), "ping", json!({}))));
    assert_eq!(
        (refused.status, refused.get("www-authenticate")),
        (401, Some("Bearer"))
    );
    let session = rig.open("authorization: Bearer alice\r\n");
    for (token, status) in [("alice", 200), ("bob", 404)] {
        let headers = format!("{}authorization: Bearer {token}\r\n", in_session(&session));
        let ping = rig.ask(post(&headers, &rpc(Some(1), "ping", json!({}))));
        assert_eq!(ping.status, status, "{token}: {ping:?}");
    }
}

pub(crate) fn a_batch_runs_its_calls_at_the_same_time(binding: Binding) {
    let rig = Rig::plain(binding);
    let initialize = json!({"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let opened = rig.ask(post("", &rpc(Some(1), "initialize", initialize)));
    let headers = format!(
        "mcp-session-id: {}\r\n",
        opened.get("mcp-session-id").expect("a session")
    );
    assert_eq!(
        rig.ask(post(
            &headers,
            &rpc(None, "notifications/initialized", json!({}))
        ))
        .status,
        202
    );
    let calls: Vec<String> = (1..=4)
        .map(|id| {
            rpc(
                Some(id),
                "tools/call",
                json!({"name": "wait", "arguments": {"ms": 200}}),
            )
        })
        .collect();
    let mut client: Client = rig.connect();
    let answers = client
        .ask(post(&headers, &format!("[{}]", calls.join(","))))
        .json();
    let mut ids: Vec<u64> = answers
        .as_array()
        .expect("an array")
        .iter()
        .filter_map(|answer| answer["id"].as_u64())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, 4]);
    assert_eq!(rig.counts.most_at_once.load(Ordering::SeqCst), 4);
    // The connection goes on.
    assert_eq!(
        client
            .ask(post(&headers, &rpc(Some(9), "ping", json!({}))))
            .status,
        200
    );
}
