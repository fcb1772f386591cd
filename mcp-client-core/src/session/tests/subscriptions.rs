//! Being told about changes, in both eras.

use super::*;
use crate::{CallError, CallOptions, Misuse, Pending, Subscribed, Subscription};
use mcp_proto::rpc::RpcError;

impl Script {
    fn subscribe(&mut self, wanted: Subscription) -> Pending<Subscribed> {
        self.client
            .subscribe(wanted, &CallOptions::default(), self.now)
            .unwrap()
    }

    pub(super) fn acknowledge(&mut self, id: i64, granted: &str) {
        let params = format!(
            r#"{{"notifications":{granted},"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}"#
        );
        self.note("notifications/subscriptions/acknowledged", &params);
    }
}

#[test]
fn the_handshake_era_subscribes_to_resources_only() {
    let mut script = Script::handshake(|_| {});
    script.note("notifications/tools/list_changed", "{}");
    assert!(script.events().is_empty(), "nobody has asked for it");
    let pending = script.subscribe(Subscription {
        tools: true,
        ..Subscription::uri("a:1").with_uri("a:2")
    });
    assert_eq!(
        script.sent(),
        [
            r#""id":2,"method":"resources/subscribe","params":{"uri":"a:1"}"#,
            r#""id":3,"method":"resources/subscribe","params":{"uri":"a:2"}"#
        ]
    );
    script.line(r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32002,"message":"?"}}"#);
    assert!(script.events().is_empty());
    script.result(2, "{}");
    assert_eq!(script.events(), ["subscribed 100 [\"a:1\"]", "done"]);
    let subscribed = script.client.take(pending).unwrap().unwrap();
    assert_eq!(subscribed.granted.resource_subscriptions, ["a:1"]);
    for note in [
        "tools/list_changed",
        "prompts/list_changed",
        "resources/list_changed",
    ] {
        script.note(&format!("notifications/{note}"), "{}");
    }
    script.note("notifications/resources/updated", r#"{"uri":"a:1/part"}"#);
    assert_eq!(
        script.events(),
        ["changed Tools", "changed Resource(\"a:1/part\")"]
    );

    // A resource that someone else wants as well stays subscribed to.
    let other = script.subscribe(Subscription::uri("a:1"));
    assert_eq!(
        script.sent(),
        [r#""id":4,"method":"resources/subscribe","params":{"uri":"a:1"}"#]
    );
    script.result(4, "{}");
    assert_eq!(script.events().len(), 2);
    script.client.unsubscribe(subscribed.id, script.now);
    assert_eq!(
        script.sent(),
        [r#""id":5,"method":"resources/unsubscribe","params":{"uri":"a:2"}"#]
    );
    let other = script.client.take(other).unwrap().unwrap();
    script.client.unsubscribe(other.id, script.now);
    script.client.unsubscribe(other.id, script.now);
    assert_eq!(
        script.sent(),
        [r#""id":6,"method":"resources/unsubscribe","params":{"uri":"a:1"}"#]
    );
    script.result(6, "{}");
    script.note("notifications/tools/list_changed", "{}");
    assert!(script.events().is_empty());
}

#[test]
fn a_subscription_waits_for_the_revision_and_heeds_what_was_declared() {
    let mut script = Script::new(EraMode::Handshake(ProtocolVersion::LATEST), |_| {});
    let pending = script.subscribe(Subscription::lists().with_uri("a:b"));
    script.sent();
    script.result(1, r#"{"protocolVersion":"2025-06-18","capabilities":{"prompts":{"listChanged":true},"resources":{}},"serverInfo":{"name":"s","version":"1"}}"#);
    assert_eq!(script.events(), ["ready", "subscribed 010 []", "done"]);
    assert_eq!(script.sent().len(), 1, "only initialized");
    assert!(script.client.take(pending).unwrap().is_ok());
}

#[test]
fn a_stream_tells_what_was_granted_and_ends_when_told() {
    let mut script = Script::stateless(|_| {});
    let pending = script.subscribe(Subscription::lists().with_uri("a:b"));
    assert_eq!(
        script.sent(),
        [
            r#""id":2,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a:b"]}}"#
        ]
    );
    script.acknowledge(
        2,
        r#"{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#,
    );
    assert_eq!(script.events(), ["subscribed 100 [\"a:b\"]", "done"]);
    let subscribed = script.client.take(pending).unwrap().unwrap();
    let meta = r#""_meta":{"io.modelcontextprotocol/subscriptionId":2}"#;
    script.note("notifications/tools/list_changed", &format!("{{{meta}}}"));
    script.note(
        "notifications/resources/updated",
        &format!(r#"{{"uri":"a:b",{meta}}}"#),
    );
    assert_eq!(
        script.events(),
        ["changed Tools", "changed Resource(\"a:b\")"]
    );
    // Days of silence are fine.
    script.pass(Duration::from_secs(1_000_000));
    assert!(script.events().is_empty());
    script.client.unsubscribe(subscribed.id, script.now);
    assert_eq!(
        script.sent(),
        [r#""method":"notifications/cancelled","params":{"requestId":2}"#]
    );
    script.result(2, r#"{"resultType":"complete"}"#);
    script.note("notifications/tools/list_changed", "{}");
    assert!(script.events().is_empty());
    assert_eq!(script.client.poll_timeout(), None);
}

#[test]
fn a_stream_that_breaks_off_is_opened_again_and_everything_may_have_changed() {
    let mut script = Script::stateless(|_| {});
    let pending = script.subscribe(Subscription {
        tools: true,
        ..Subscription::uri("a:b")
    });
    script.acknowledge(
        2,
        r#"{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#,
    );
    assert_eq!(script.events().len(), 2);
    assert!(script.client.take(pending).unwrap().is_ok());
    script.sent();
    // The server ends the stream with a notification, a result or an error.
    let ends = [
        r#""method":"notifications/cancelled","params":{"requestId":2}"#,
        r#""id":3,"result":{"resultType":"complete"}"#,
        r#""id":4,"error":{"code":-32603,"message":"m"}"#,
    ];
    let mut delay = 1;
    for (at, end) in ends.iter().enumerate() {
        let id = at as i64 + 2;
        script.line(&format!(r#"{{"jsonrpc":"2.0",{end}}}"#));
        assert!(script.events().is_empty());
        script.pass(Duration::from_millis(delay * 1000 - 1));
        assert!(script.events().is_empty() && script.sent().is_empty());
        script.pass(Duration::from_millis(1));
        assert!(script.events().is_empty());
        assert_eq!(script.sent().len(), 1);
        if at != 1 {
            script.acknowledge(
                id + 1,
                r#"{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#,
            );
            assert_eq!(
                script.events(),
                [
                    "subscribed 100 [\"a:b\"]",
                    "changed Tools",
                    "changed Resource(\"a:b\")"
                ]
            );
            delay = 1;
        } else {
            // Not acknowledged before it ends again: longer pauses.
            delay = 2;
        }
    }
    // An error that will not go away ends it.
    script.line(r#"{"jsonrpc":"2.0","id":5,"error":{"code":-32601,"message":"m"}}"#);
    assert_eq!(script.events(), ["unsubscribed"]);
    assert_eq!(script.client.poll_timeout(), None);
}

#[test]
fn the_pauses_between_streams_grow_up_to_a_minute() {
    let mut script = Script::stateless(|_| {});
    let pending = script.subscribe(Subscription::lists());
    script.acknowledge(2, r#"{"toolsListChanged":true}"#);
    assert_eq!(script.events().len(), 2);
    assert!(script.client.take(pending).unwrap().is_ok());
    script.sent();
    for (at, delay) in [1, 2, 4, 8, 16, 32, 60, 60].into_iter().enumerate() {
        let end = format!(
            r#""method":"notifications/cancelled","params":{{"requestId":{}}}"#,
            at + 2
        );
        script.line(&format!(r#"{{"jsonrpc":"2.0",{end}}}"#));
        assert!(script.events().is_empty());
        script.pass(Duration::from_millis(delay * 1000 - 1));
        assert!(script.events().is_empty() && script.sent().is_empty());
        script.pass(Duration::from_millis(1));
        assert!(script.events().is_empty());
        assert_eq!(script.sent().len(), 1, "{delay}");
    }
}

#[test]
fn a_stream_that_grants_nothing_or_fails_at_once_is_not_opened_again() {
    let mut script = Script::stateless(|_| {});
    let pending = script.subscribe(Subscription::lists());
    script.acknowledge(2, "{}");
    script.result(2, r#"{"resultType":"complete"}"#);
    assert_eq!(
        script.events(),
        ["subscribed 000 []", "done", "unsubscribed"]
    );
    assert!(script.client.take(pending).unwrap().is_ok());

    let pending = script.subscribe(Subscription::lists());
    script.line(r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32603,"message":"m"}}"#);
    assert_eq!(script.events(), ["done", "unsubscribed"]);
    assert_eq!(
        script.client.take(pending).unwrap(),
        Err(CallError::Rpc(RpcError::internal("m")))
    );

    let pending = script.subscribe(Subscription::lists());
    script.sent();
    script.pass(Duration::from_secs(300));
    let mut events = script.events();
    events.sort();
    assert_eq!(events, ["done"]);
    assert_eq!(
        script.client.take(pending).unwrap(),
        Err(CallError::TimedOut)
    );
    assert!(
        script.sent()[0]
            .starts_with(r#""method":"notifications/cancelled","params":{"requestId":4"#)
    );
    assert_eq!(script.client.poll_timeout(), None);
}

#[test]
fn a_caller_that_stops_waiting_ends_its_subscription() {
    let mut script = Script::stateless(|_| {});
    let cancelled = script.subscribe(Subscription::lists());
    let forgotten = script.subscribe(Subscription::lists());
    script.sent();
    script.client.cancel(cancelled.id(), None, script.now);
    script.client.forget(forgotten.id(), script.now);
    assert_eq!(
        script.sent(),
        [
            r#""method":"notifications/cancelled","params":{"requestId":2}"#,
            r#""method":"notifications/cancelled","params":{"requestId":3}"#
        ]
    );
    assert_eq!(script.events(), ["done"]);
    assert_eq!(
        script.client.take(cancelled).unwrap(),
        Err(CallError::Cancelled)
    );
    assert_eq!(script.client.calls.len(), 0);
}

#[test]
fn subscriptions_are_bounded() {
    let mut script = Script::stateless(|config| {
        config.limits.listens = 2;
        config.limits.subscribed_uris = 2;
    });
    let now = script.now;
    let mut subscribe = |wanted| {
        script
            .client
            .subscribe(wanted, &CallOptions::default(), now)
    };
    assert!(subscribe(Subscription::uri("a:1")).is_ok());
    let two = Subscription::uri("a:2").with_uri("a:3");
    assert_eq!(subscribe(two).unwrap_err(), Misuse::TooManyUris(2));
    assert!(subscribe(Subscription::uri("a:2")).is_ok());
    assert_eq!(
        subscribe(Subscription::default()).unwrap_err(),
        Misuse::TooManySubscriptions(2)
    );
}

#[test]
fn topics_are_bounded_over_all_subscriptions() {
    let mut script = Script::stateless(|config| config.limits.subscribed_topics = 3);
    let now = script.now;
    let mut subscribe = |topics: &[&str]| {
        let wanted = topics
            .iter()
            .fold(Subscription::default(), |wanted, topic| {
                wanted.with_topic("xs", *topic)
            });
        script
            .client
            .subscribe(wanted, &CallOptions::default(), now)
    };
    assert!(subscribe(&["a"]).is_ok());
    assert_eq!(
        subscribe(&["b", "c", "d"]).unwrap_err(),
        Misuse::TooManyTopics(3)
    );
    assert!(subscribe(&["b", "c"]).is_ok(), "three of three");
    assert_eq!(subscribe(&["d"]).unwrap_err(), Misuse::TooManyTopics(3));
    assert!(subscribe(&[]).is_ok(), "what has no topics is not counted");
}

#[test]
fn an_acknowledgement_may_cross_the_end_of_its_stream() {
    let mut script = Script::stateless(|_| {});
    let pending = script.subscribe(Subscription::lists());
    assert_eq!(script.sent().len(), 1);
    script.client.cancel(pending.id(), None, script.now);
    assert_eq!(script.events(), ["done"]);
    // The server had written it before it could know.
    script.acknowledge(2, r#"{"toolsListChanged":true}"#);
    assert_eq!(script.events(), [""; 0]);
    // One of a stream that never was is another thing.
    script.acknowledge(77, "{}");
    assert!(script.events()[0].starts_with("fault Notification"));
}

#[test]
fn the_next_stream_is_a_time_to_wait_for() {
    let mut script = Script::stateless(|_| {});
    let _ = script.subscribe(Subscription::lists());
    script.acknowledge(2, r#"{"toolsListChanged":true}"#);
    script.events();
    script.result(2, r#"{"resultType":"complete"}"#);
    script.events();
    let due = script.client.poll_timeout().unwrap();
    assert_eq!(due.duration_since(script.now), Duration::from_secs(1));
}
