//! What is counted on a client's side: rounds, answers, and the time of calls while people are asked.

use super::Script;
use alloc::{format, string::String};
use core::time::Duration;

use mcp_proto::{
    json::Json,
    request::CallTool,
    types::{
        CallToolParams, CallToolResult, ElicitationCapability, ListRootsResult, RootsCapability,
    },
    version::ProtocolVersion,
};

use crate::{CallError, CallOptions, Config, EraMode, InputError, Pending};

fn with_roots(config: &mut Config) {
    config.capabilities.roots = Some(RootsCapability::default());
}

impl Script {
    fn call_within(&mut self, seconds: u64) -> Pending<CallToolResult> {
        let options = CallOptions::default().with_timeout(Duration::from_secs(seconds));
        self.client
            .call::<CallTool>(&CallToolParams::new("t"), &options, self.now)
            .unwrap()
    }

    fn give_roots(&mut self) {
        let ticket = self.tickets.remove(0);
        let roots = ListRootsResult::new(alloc::vec![]).into();
        self.client.answer(ticket, Ok(roots), self.now).unwrap();
    }
}

#[test]
fn opening_takes_as_long_as_a_call_where_nothing_else_can_be_tried() {
    let handshake = EraMode::Handshake(ProtocolVersion::V2025_11_25);
    for era in [EraMode::Stateless, handshake] {
        let mut script = Script::new(era, |config| {
            config.limits.call_timeout = Duration::from_secs(7);
        });
        script.sent_lines();
        let due = script
            .client
            .poll_timeout()
            .expect("it does not wait for ever");
        assert_eq!(due.duration_since(script.now), Duration::from_secs(7));
    }
}

#[test]
fn a_call_has_its_time_anew_when_all_questions_are_answered() {
    let mut script = Script::handshake(with_roots);
    let call = script.call_within(10);
    script.sent_lines();
    script.pass(Duration::from_secs(4));
    for id in ["1", "2"] {
        script.line(&format!(
            r#"{{"jsonrpc":"2.0","id":"{id}","method":"roots/list"}}"#
        ));
    }
    assert_eq!(script.events(), ["input roots/list", "input roots/list"]);
    script.pass(Duration::from_secs(100));
    assert!(script.events().is_empty(), "people may take their time");
    script.give_roots();
    script.pass(Duration::from_secs(5));
    assert!(script.events().is_empty(), "somebody is still asked");
    script.give_roots();
    script.pass(Duration::from_secs(9));
    assert!(script.events().is_empty(), "an answer is a sign of life");
    script.pass(Duration::from_secs(1));
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.client.take(call).unwrap(), Err(CallError::TimedOut));
}

#[test]
fn so_many_rounds_are_answered_and_no_more() {
    let mut script = Script::stateless(|config| {
        with_roots(config);
        config.limits.input_rounds = 2;
    });
    let call = script.call_within(10);
    let asks = r#"{"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}}"#;
    for id in [2, 3] {
        script.result(id, asks);
        assert_eq!(script.events(), ["input roots/list"]);
        script.give_roots();
        assert!(script.events().is_empty());
        script.sent_lines();
    }
    script.result(4, asks);
    assert_eq!(script.events(), ["done"]);
    let error = script.client.take(call).unwrap().unwrap_err();
    assert_eq!(error, CallError::Input(InputError::TooManyRounds(2)));
}

#[test]
fn a_call_that_asks_nothing_is_made_again_so_many_times() {
    let mut script = Script::stateless(|config| config.limits.input_rounds = 2);
    let call = script.call_within(100);
    script.sent_lines();
    let again = r#"{"resultType":"input_required","requestState":"s"}"#;
    for id in [2, 3] {
        script.result(id, again);
        assert!(script.events().is_empty());
        script.pass(Duration::from_secs(1));
        assert!(script.events().is_empty());
        assert_eq!(script.sent_lines().len(), 1, "{id}");
    }
    script.result(4, again);
    assert_eq!(script.events(), ["done"]);
    let error = script.client.take(call).unwrap().unwrap_err();
    assert_eq!(error, CallError::Input(InputError::TooManyRounds(2)));
}

#[test]
fn so_many_questions_fit_into_one_round() {
    for (questions, fits) in [(2, true), (3, false)] {
        let mut script = Script::stateless(|config| {
            with_roots(config);
            config.limits.calls_in_flight = 2;
        });
        let call = script.call_within(100);
        script.sent_lines();
        let asked = (0..questions).map(|n| format!(r#""k{n}":{{"method":"roots/list"}}"#));
        let asked = asked.collect::<alloc::vec::Vec<_>>().join(",");
        script.result(
            2,
            &format!(r#"{{"resultType":"input_required","inputRequests":{{{asked}}}}}"#),
        );
        match fits {
            true => assert_eq!(script.events(), ["input roots/list", "input roots/list"]),
            false => {
                assert_eq!(script.events(), ["done"]);
                let error = script.client.take(call).unwrap().unwrap_err();
                assert_eq!(error, CallError::Input(InputError::TooManyQuestions(2)));
            }
        }
    }
}

#[test]
fn answers_may_wait_up_to_the_very_number() {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let mut script = Script::handshake(|_| {});
    script.line(ping);
    assert!(script.events().is_empty());
    assert!(script.client.wants_write());
    let one = script.client.outbox.answer_bytes();
    script.sent_lines();
    assert!(!script.client.wants_write());

    let mut script = Script::handshake(|config| {
        config.limits.outbound_high_water = 2 * one;
        config.limits.outbound_bytes = 3 * one;
    });
    for reads in [true, true, false] {
        script.line(ping);
        assert!(script.events().is_empty());
        assert_eq!(script.client.wants_read(), reads);
    }
    script.line(ping);
    assert_eq!(script.events(), ["closed Overflow"]);
    assert!(script.sent_lines().is_empty(), "nobody takes them");
}

#[test]
fn a_question_that_the_revision_does_not_have_is_no_question() {
    let mut script = Script::new(EraMode::Handshake(ProtocolVersion::V2025_03_26), |config| {
        let mut elicitation = ElicitationCapability::default();
        elicitation.form = Some(Json::empty_object());
        config.capabilities.elicitation = Some(elicitation);
    });
    script.sent_lines();
    script.result(
        1,
        r#"{"protocolVersion":"2025-03-26","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#,
    );
    assert_eq!(script.events(), ["ready"]);
    script.sent_lines();
    script.line(
        r#"{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object","properties":{}}}}"#,
    );
    assert!(script.events().is_empty());
    assert_eq!(
        script.sent_lines(),
        [r#"{"jsonrpc":"2.0","id":"q","error":{"code":-32601,"message":"method not found"}}"#]
    );
}

#[test]
fn a_server_that_offers_no_revision_is_not_one_of_2026() {
    let mut script = Script::new(EraMode::Auto, |_| {});
    script.sent_lines();
    let offered = r#"{"resultType":"complete","supportedVersions":[],"capabilities":{}}"#;
    script.result(1, offered);
    assert!(script.events().is_empty());
    let sent: String = script.sent_lines().concat();
    assert!(sent.contains(r#""method":"initialize""#), "{sent}");
    assert!(Json::parse(&sent).is_ok());
}

#[test]
fn a_probe_is_waited_for_as_long_as_the_limits_say() {
    let mut script = Script::new(EraMode::Auto, |config| {
        config.limits.probe_timeout = Duration::from_nanos(7);
    });
    script.sent_lines();
    script.pass(Duration::from_nanos(6));
    assert!(script.events().is_empty() && script.sent_lines().is_empty());
    script.pass(Duration::from_nanos(1));
    assert!(script.events().is_empty());
    let sent: String = script.sent_lines().concat();
    assert!(sent.contains(r#""method":"initialize""#), "{sent}");
}

/// A slow server took the first request for the choice of an era.
#[test]
fn a_probe_that_is_answered_late_counts_where_the_handshake_is_refused() {
    let discovered = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{},"ttlMs":0,"cacheScope":"private"}"#;
    for late in [true, false] {
        let mut script = Script::new(EraMode::Auto, |_| {});
        script.sent_lines();
        script.pass(Duration::from_secs(5));
        script.sent_lines();
        if late {
            script.result(1, discovered);
            assert!(script.events().is_empty(), "the handshake may succeed");
        }
        script.line(r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"no"}}"#);
        let expected = if late { "ready" } else { "closed NotAgreed" };
        assert_eq!(script.events(), [expected]);
    }
}
