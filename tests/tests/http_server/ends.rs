//! Clients that go away, handlers that fail, and the end of the server.

use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use mcp_tests::bindings::Binding;

use crate::rig::{Rig, Setup, call, modern_post, session_call, text_of, until};

pub(crate) fn leaving_cancels_a_call_of_2026_07_28(binding: Binding) {
    let rig = Rig::plain(binding);
    let mut leaving = rig.connect();
    leaving.send(call(1, "wait", json!({"ms": 60_000})));
    until("it runs", || rig.counts.waiting.load(Ordering::SeqCst) == 1);
    drop(leaving);
    until("it is cancelled", || {
        rig.counts.cancelled.load(Ordering::SeqCst) == 1
    });
    // Also with a request behind it that nobody has read yet.
    let mut leaving = rig.connect();
    leaving.send(call(1, "wait", json!({"ms": 60_000})) + &call(2, "echo", json!({})));
    until("it runs", || rig.counts.waiting.load(Ordering::SeqCst) == 1);
    drop(leaving);
    until("it is cancelled", || {
        rig.counts.cancelled.load(Ordering::SeqCst) == 2
    });
    // And after its answer has become a stream.
    let mut leaving = rig.connect();
    leaving.send(call(1, "notes", json!({"count": 1_000, "pause": 60})));
    assert_eq!(leaving.head().status, 200);
    drop(leaving);
    until("it is cancelled", || {
        rig.counts.cancelled.load(Ordering::SeqCst) == 3
    });
}

pub(crate) fn leaving_does_not_cancel_an_older_call(binding: Binding) {
    let rig = Rig::plain(binding);
    let session = rig.open("");
    let mut leaving = rig.connect();
    leaving.send(session_call(&session, 1, "wait", json!({"ms": 300})));
    until("it runs", || rig.counts.waiting.load(Ordering::SeqCst) == 1);
    drop(leaving);
    until("it is done", || rig.counts.done.load(Ordering::SeqCst) == 1);
    assert_eq!(rig.counts.cancelled.load(Ordering::SeqCst), 0);
}

pub(crate) fn so_many_handlers_run_at_the_same_time() {
    for threads in [2, 3] {
        let mut setup = Setup::default();
        setup.http = setup.http.with_threads(threads);
        let rig = Rig::start(Binding::Blocking, &setup);
        let mut clients = [(); 3].map(|()| rig.connect());
        for client in &mut clients {
            client.send(call(1, "wait", json!({"ms": 60_000})));
        }
        let waiting = || rig.counts.waiting.load(Ordering::SeqCst);
        until("every thread has a handler", || waiting() == threads);
        // One more has to wait, where there is one more.
        thread::sleep(Duration::from_millis(200));
        assert_eq!(waiting(), threads);
    }
}

pub(crate) fn a_panic_ends_a_call_and_nothing_else(binding: Binding) {
    let rig = Rig::plain(binding);
    let session = rig.open("");
    let mut client = rig.connect();
    for request in [
        call(1, "panics", json!({})),
        session_call(&session, 1, "panics", json!({})),
    ] {
        let answer = client.ask(request).json();
        let failed = answer["error"]["code"] == -32603 || answer["result"]["isError"] == true;
        assert!(failed, "{answer}");
        assert!(!answer.to_string().contains("as asked"), "{answer}");
        assert_eq!(
            text_of(&client.ask(call(2, "echo", json!({}))).json()),
            "{}"
        );
    }
}

pub(crate) fn a_timed_out_call_does_not_hold_up_the_next(binding: Binding) {
    let mut setup = Setup::default();
    setup.limits.call_timeout = Duration::from_millis(100);
    let rig = Rig::start(binding, &setup);
    let mut client = rig.connect();
    let begun = Instant::now();
    let answer = client.ask(call(1, "deaf", json!({"ms": 3_000})));
    assert!(answer.json()["error"].is_object(), "{answer:?}");
    assert_eq!(
        text_of(&client.ask(call(2, "echo", json!({}))).json()),
        "{}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "the handler is still at it"
    );
}

pub(crate) fn a_graceful_end_lets_everybody_finish(binding: Binding) {
    let mut rig = Rig::plain(binding);
    let session = rig.open("");
    let mut idle = rig.connect();
    assert_eq!(idle.ask(call(1, "echo", json!({}))).status, 200);
    let mut modern = rig.connect();
    modern.send(call(1, "wait", json!({"ms": 300})));
    let mut older = rig.connect();
    older.send(session_call(&session, 2, "wait", json!({"ms": 300})));
    let mut listening = rig.connect();
    listening.send(modern_post(
        3,
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true}}),
    ));
    assert_eq!(listening.head().status, 200);
    until("both run", || {
        rig.counts.waiting.load(Ordering::SeqCst) == 2
    });
    rig.stop();
    assert!(idle.is_ended());
    for client in [&mut modern, &mut older] {
        assert_eq!(text_of(&client.response().json()), "waited");
        assert!(client.is_ended());
    }
    while listening.event().is_some() {}
    rig.join();
    assert_eq!(rig.counts.done.load(Ordering::SeqCst), 2);
    assert!(
        std::net::TcpStream::connect(rig.address).is_err(),
        "nobody listens any more"
    );
}

pub(crate) fn an_end_that_takes_too_long_is_cut_short(binding: Binding) {
    let mut setup = Setup::default();
    setup.limits.drain_timeout = Duration::from_millis(200);
    let mut rig = Rig::start(binding, &setup);
    let session = rig.open("");
    let mut modern = rig.connect();
    modern.send(call(1, "wait", json!({"ms": 60_000})));
    let mut older = rig.connect();
    older.send(session_call(&session, 2, "wait", json!({"ms": 60_000})));
    until("both run", || {
        rig.counts.waiting.load(Ordering::SeqCst) == 2
    });
    rig.stop();
    thread::sleep(Duration::from_millis(50));
    assert_eq!(rig.counts.cancelled.load(Ordering::SeqCst), 0);
    rig.join();
    until("both are cancelled", || {
        rig.counts.cancelled.load(Ordering::SeqCst) == 2
    });
}
