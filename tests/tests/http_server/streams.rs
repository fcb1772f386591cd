//! Responses that are event streams.

use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use mcp_tests::bindings::Binding;

use crate::{
    raw::Client,
    rig::{Rig, Setup, another_tool, call, modern_post, text_of, until},
};

pub(crate) fn notes_arrive_while_the_handler_runs(binding: Binding) {
    let rig = Rig::plain(binding);
    let mut client = rig.connect();
    client.send(call(
        7,
        "notes",
        json!({"count": 2, "pause": 300, "bytes": 3}),
    ));
    let head = client.head();
    assert_eq!(
        (head.status, head.get("content-type")),
        (200, Some("text/event-stream"))
    );
    let first = client.event().expect("a note").json();
    assert_eq!(
        (&first["method"], &first["params"]["message"]),
        (&json!("notifications/progress"), &json!("nnn"))
    );
    // The handler is in its first pause.
    assert_eq!(rig.counts.done.load(Ordering::SeqCst), 0);
    assert_eq!(
        client.event().expect("a note").json()["params"]["progress"],
        2
    );
    let answer = client.event().expect("the answer");
    assert_eq!(
        (answer.id.as_deref(), text_of(&answer.json())),
        (None, "told")
    );
    assert_eq!(client.event(), None);
    // The connection goes on behind the stream.
    assert_eq!(client.ask(call(8, "echo", json!({}))).status, 200);
}

pub(crate) fn a_slow_answer_becomes_a_stream(binding: Binding) {
    let mut setup = Setup::default();
    setup.limits.sse_after = Duration::from_millis(50);
    setup.limits.keep_alive = Duration::from_millis(40);
    let rig = Rig::start(binding, &setup);
    let mut client = rig.connect();
    client.send(call(1, "deaf", json!({"ms": 1500})));
    let (begun, head) = (Instant::now(), client.head());
    assert_eq!(head.get("content-type"), Some("text/event-stream"));
    assert!(
        begun.elapsed() < Duration::from_millis(1200),
        "the head comes before the answer"
    );
    let mut comments = 0;
    let answer = loop {
        let chunk = String::from_utf8(client.chunk().expect("an answer")).expect("text");
        match chunk.split_once("data: ") {
            Some((_, answer)) => break answer.to_owned(),
            None => comments += 1,
        }
    };
    assert!(answer.contains("done"), "{answer}");
    assert!(comments >= 2, "{comments} comments");
}

pub(crate) fn http_1_0_gets_a_stream_until_the_end(binding: Binding) {
    let rig = Rig::plain(binding);
    // It takes a while, or the whole answer would be there with its head, and its length.
    let request =
        call(1, "notes", json!({"count": 1, "pause": 300})).replace("HTTP/1.1", "HTTP/1.0");
    let mut client = rig.connect();
    client.send(request.replace(
        "host: localhost\r\n",
        "host: localhost\r\nconnection: keep-alive\r\n",
    ));
    let head = client.head();
    assert_eq!((head.status, head.get("transfer-encoding")), (200, None));
    assert_eq!(head.get("content-length"), None);
    let body = String::from_utf8(client.rest()).expect("text");
    assert!(
        body.starts_with("data: {") || body.contains("\ndata: {"),
        "{body}"
    );
    assert!(body.contains("told"), "{body}");
}

fn listen(rig: &Rig, id: u32, filter: impl Into<serde_json::Value>) -> Client {
    let mut client = rig.connect();
    client.send(modern_post(
        id,
        "subscriptions/listen",
        json!({"notifications": filter.into()}),
    ));
    assert_eq!(client.head().get("content-type"), Some("text/event-stream"));
    let first = client.event().expect("an acknowledgement").json();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    client
}

pub(crate) fn everybody_who_listens_is_told(binding: Binding) {
    let mut rig = Rig::plain(binding);
    let tools = || json!({"toolsListChanged": true});
    let (mut one, mut two) = (listen(&rig, 1, tools()), listen(&rig, 2, tools()));
    let mut other = listen(&rig, 3, json!({"promptsListChanged": true}));
    rig.handle.add_tool(another_tool()).expect("a new name");
    for (id, client) in [(1, &mut one), (2, &mut two)] {
        let event = client.event().expect("a change").json();
        assert_eq!(event["method"], "notifications/tools/list_changed");
        assert_eq!(
            event["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"]
                .to_string()
                .trim_matches('"'),
            id.to_string()
        );
    }
    assert!(
        other.is_quiet(Duration::from_millis(100)),
        "a change that nobody asked for"
    );
    let mut quiet =
        || one.is_quiet(Duration::from_millis(50)) && two.is_quiet(Duration::from_millis(50));
    assert!(quiet(), "a change is told once");
    // One that leaves does not take the others with it.
    drop(one);
    thread::sleep(Duration::from_millis(30));
    rig.handle.remove_tool("another");
    assert_eq!(
        two.event().expect("a change").json()["method"],
        "notifications/tools/list_changed"
    );
    // At the end everybody gets the result.
    rig.stop();
    for client in [&mut two, &mut other] {
        assert!(client.event().expect("a result").json()["result"].is_object());
        assert_eq!(client.event(), None);
    }
    rig.join();
}

pub(crate) fn a_slow_reader_holds_nobody_up(binding: Binding) {
    let rig = Rig::plain(binding);
    let mut slow = rig.connect();
    // Far more than all buffers on the way hold together.
    slow.send(call(1, "notes", json!({"count": 3_000, "bytes": 10_000})));
    assert_eq!(slow.head().status, 200);
    until("the handler is done, though nobody reads", || {
        rig.counts.done.load(Ordering::SeqCst) == 1
    });
    for id in 0..20 {
        assert_eq!(rig.ask(call(id, "echo", json!({}))).status, 200);
    }
    // What it reads in the end is in order and ends with the answer; what did not fit was dropped.
    let (mut last, mut events) = (0, 0);
    while let Some(event) = slow.event() {
        let message = event.json();
        if message["id"] == 1 {
            assert_eq!(text_of(&message), "told");
            assert_eq!(slow.event(), None);
            break;
        }
        let progress = message["params"]["progress"].as_u64().expect("progress");
        assert!(progress > last, "{progress} after {last}");
        (last, events) = (progress, events + 1);
    }
    assert!((1..3_000).contains(&events), "{events} events");
    assert_eq!(slow.ask(call(2, "echo", json!({}))).status, 200);
}

pub(crate) fn a_reader_that_pauses_gets_the_rest(binding: Binding) {
    // More than all buffers on the way hold together.
    const BYTES: usize = 32_000_000;
    let rig = Rig::plain(binding);
    let mut pausing = rig.connect();
    pausing.send(call(1, "long", json!({"bytes": BYTES})));
    let head = pausing.head();
    assert_eq!(head.status, 200);
    // Far less than a client is waited for.
    thread::sleep(Duration::from_millis(300));
    let response = pausing.body(head);
    assert_eq!(text_of(&response.json()).len(), BYTES);
    assert_eq!(pausing.ask(call(2, "echo", json!({}))).status, 200);
}

pub(crate) fn a_reader_that_has_stopped_is_given_up(binding: Binding) {
    let mut setup = Setup::default();
    setup.limits.outbound_stall = Duration::from_millis(300);
    let rig = Rig::start(binding, &setup);
    let mut stopped = rig.connect();
    stopped.send(call(
        1,
        "notes",
        json!({"count": 1_000_000, "bytes": 100_000, "pause": 1}),
    ));
    assert_eq!(stopped.head().status, 200);
    until("its call is cancelled", || {
        rig.counts.cancelled.load(Ordering::SeqCst) == 1
    });
    // The same for an answer in one piece, of which the beginning is read and no more. Once the
    // connection is closed, the system takes nothing for it either.
    let mut stopped = rig.connect();
    stopped.send(call(1, "long", json!({"bytes": 32_000_000})));
    assert_eq!(stopped.head().status, 200);
    until("the connection is closed", || !stopped.is_heard("\r\n"));
    assert!(stopped.rest_or_reset() < 32_000_000);
    assert_eq!(rig.counts.done.load(Ordering::SeqCst), 1);
}

pub(crate) fn many_open_streams_need_few_threads(binding: Binding) {
    const STREAMS: usize = 300;
    let rig = Rig::plain(binding);
    let before = threads();
    let mut streams: Vec<Client> = (0..STREAMS as u32)
        .map(|id| listen(&rig, id, json!({"toolsListChanged": true})))
        .collect();
    let mut idle: Vec<Client> = (0..STREAMS).map(|_| rig.connect()).collect();
    for client in &mut idle {
        assert_eq!(client.ask(call(1, "echo", json!({}))).status, 200);
    }
    if let (Some(before), Some(now)) = (before, threads()) {
        // Other tests have theirs at the same time.
        assert!(now < before + STREAMS / 2, "{before} threads, then {now}");
    }
    rig.handle.add_tool(another_tool()).expect("a new name");
    for stream in &mut streams {
        assert_eq!(
            stream.event().expect("a change").json()["method"],
            "notifications/tools/list_changed"
        );
    }
    for client in &mut idle {
        assert_eq!(client.ask(call(1, "echo", json!({}))).status, 200);
    }
}

fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}
