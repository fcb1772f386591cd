//! Questions of the server, in both eras.

use super::*;
use crate::{CallError, CallOptions, Delivery, InputAnswer, InputError, Misuse, Pending};
use alloc::vec;
use mcp_proto::{
    json::Json,
    request::{CallTool, ListTools},
    rpc::RpcError,
    types::{
        CallToolParams, CallToolResult, CreateMessageResult, ElicitAction, ElicitResult,
        ElicitationCapability, ListRootsResult, PaginatedParams, Root, RootsCapability,
        SamplingCapability, SamplingContent,
    },
};

fn able(config: &mut Config) {
    let capabilities = &mut config.capabilities;
    let mut elicitation = ElicitationCapability::default();
    elicitation.form = Some(Json::empty_object());
    capabilities.elicitation = Some(elicitation);
    capabilities.sampling = Some(SamplingCapability::default());
    capabilities.roots = Some(RootsCapability::default());
}

fn roots() -> InputAnswer {
    ListRootsResult::new(vec![Root::new("file:///a")]).into()
}

fn sampled() -> InputAnswer {
    CreateMessageResult::new("m", SamplingContent::text("hi")).into()
}

impl Script {
    fn tool(&mut self, options: &CallOptions) -> Pending<CallToolResult> {
        let params = CallToolParams::new("t").with_arguments(Json::parse("{\"a\":\n1}").unwrap());
        self.client
            .call::<CallTool>(&params, options, self.now)
            .unwrap()
    }

    fn answer(&mut self, answer: impl Into<InputAnswer>) -> Result<Delivery, Misuse> {
        let ticket = self.tickets.remove(0);
        self.client.answer(ticket, Ok(answer.into()), self.now)
    }

    fn params_of(&mut self) -> Vec<String> {
        let lines = self.sent_lines();
        let at = |line: &str| line.find(r#""params":"#).map_or(0, |at| at + 9);
        let no_meta = |line: &str| match line.find(r#","_meta""#) {
            Some(end) => String::from(&line[..end]),
            None => String::from(line),
        };
        lines
            .iter()
            .map(|line| no_meta(&line[at(line)..]))
            .collect()
    }
}

const ASKS: &str = r#"{"resultType":"input_required","requestState":"s\"1","inputRequests":{
    "who":{"method":"elicitation/create","params":{"mode":"form","message":"who?","requestedSchema":{"type":"object","properties":{}}}},
    "where":{"method":"roots/list"},
    "what":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":5}}}}"#;

fn asks() -> String {
    ASKS.replace('\n', "")
}

#[test]
fn a_call_is_asked_again_once_all_its_questions_are_answered() {
    let mut script = Script::stateless(able);
    let call = script.tool(&CallOptions::default());
    assert_eq!(script.params_of(), [r#"{"name":"t","arguments":{"a": 1}"#]);
    script.result(2, &asks());
    assert_eq!(
        script.events(),
        [
            "input elicitation/create",
            "input roots/list",
            "input sampling/createMessage"
        ]
    );
    let accepted = ElicitResult::accept(Json::parse(r#"{"name":"Ada"}"#).unwrap());
    assert_eq!(script.answer(accepted), Ok(Delivery::Accepted));
    assert_eq!(script.answer(roots()), Ok(Delivery::Accepted));
    assert!(script.sent_lines().is_empty());
    assert_eq!(script.answer(sampled()), Ok(Delivery::Accepted));
    let sent = script.sent_lines();
    assert!(sent[0].starts_with(r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"t","arguments":{"a": 1},"#), "{sent:?}");
    assert!(sent[0].contains(concat!(
        r#""inputResponses":{"who":{"action":"accept","content":{"name":"Ada"}},"#,
        r#""where":{"roots":[{"uri":"file:///a"}]},"#,
        r#""what":{"role":"assistant","content":{"type":"text","text":"hi"},"model":"m"}},"#,
        r#""requestState":"s\"1","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28""#
    )), "{sent:?}");
    // Another round: the state of this one counts, and it has none.
    script.result(
        3,
        r#"{"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}}"#,
    );
    assert_eq!(script.events(), ["input roots/list"]);
    assert_eq!(script.answer(roots()), Ok(Delivery::Accepted));
    assert_eq!(
        script.params_of(),
        [
            r#"{"name":"t","arguments":{"a": 1},"inputResponses":{"k":{"roots":[{"uri":"file:///a"}]}}"#
        ]
    );
    script.result(4, r#"{"resultType":"complete","content":[]}"#);
    assert_eq!(script.events(), ["done"]);
    assert!(script.client.take(call).unwrap().is_ok());
}

#[test]
fn a_server_may_only_want_to_be_asked_again() {
    let mut script = Script::stateless(|_| {});
    let call = script.tool(&CallOptions::default());
    script.sent_lines();
    script.result(
        2,
        r#"{"resultType":"input_required","requestState":"busy"}"#,
    );
    assert!(script.events().is_empty() && script.sent_lines().is_empty());
    assert_eq!(
        script.client.poll_timeout(),
        Some(script.now.saturating_add(Duration::from_millis(50)))
    );
    script.pass(Duration::from_millis(50));
    assert!(script.events().is_empty());
    assert_eq!(
        script.params_of(),
        [r#"{"name":"t","arguments":{"a": 1},"requestState":"busy""#]
    );
    script.result(
        3,
        r#"{"resultType":"input_required","requestState":"busier"}"#,
    );
    script.events();
    script.pass(Duration::from_millis(99));
    assert!(script.events().is_empty() && script.sent_lines().is_empty());
    script.pass(Duration::from_millis(1));
    assert!(script.events().is_empty());
    assert_eq!(
        script.params_of(),
        [r#"{"name":"t","arguments":{"a": 1},"requestState":"busier""#]
    );
    // Nothing at all is no question.
    script.result(4, r#"{"resultType":"input_required"}"#);
    assert_eq!(script.events(), ["done"]);
    assert!(matches!(
        script.client.take(call).unwrap(),
        Err(CallError::Malformed(_))
    ));
}

#[test]
fn questions_are_bounded_in_rounds_and_number_and_by_what_was_declared() {
    let ask = r#"{"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}}"#;
    let mut script = Script::stateless(|config| {
        able(config);
        config.limits.input_rounds = 2;
    });
    let call = script.tool(&CallOptions::default());
    for id in 2..4 {
        script.result(id, ask);
        assert_eq!(script.events(), ["input roots/list"]);
        script.answer(roots()).unwrap();
    }
    script.result(4, ask);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(
        script.client.take(call).unwrap(),
        Err(CallError::Input(InputError::TooManyRounds(2)))
    );

    let mut script = Script::stateless(|config| {
        able(config);
        config.limits.calls_in_flight = 2;
    });
    let call = script.tool(&CallOptions::default());
    script.result(2, &asks());
    assert_eq!(script.events(), ["done"]);
    assert_eq!(
        script.client.take(call).unwrap(),
        Err(CallError::Input(InputError::TooManyQuestions(2)))
    );

    let table = [
        (
            r#"{"method":"elicitation/create","params":{"mode":"url","message":"m","url":"https://a"}}"#,
            "elicitation by URL",
        ),
        (
            r#"{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":5,"tools":[{"name":"t","inputSchema":{}}]}}"#,
            "sampling with tools",
        ),
    ];
    for (question, what) in table {
        let mut script = Script::stateless(able);
        let call = script.tool(&CallOptions::default());
        script.result(
            2,
            &format!(r#"{{"resultType":"input_required","inputRequests":{{"k":{question}}}}}"#),
        );
        assert_eq!(script.events(), ["done"]);
        assert_eq!(
            script.client.take(call).unwrap(),
            Err(CallError::Input(InputError::Undeclared(what)))
        );
    }
    let mut script = Script::stateless(|_| {});
    let call = script.tool(&CallOptions::default());
    script.result(2, ask);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(
        script.client.take(call).unwrap(),
        Err(CallError::Input(InputError::Undeclared("roots")))
    );
    // A kind that does not exist.
    let call = script.tool(&CallOptions::default());
    script.result(
        3,
        r#"{"resultType":"input_required","inputRequests":{"k":{"method":"tools/list"}}}"#,
    );
    assert_eq!(script.events(), ["done"]);
    assert!(matches!(
        script.client.take(call).unwrap(),
        Err(CallError::Malformed(_))
    ));
}

#[test]
fn a_refused_question_fails_its_call() {
    let mut script = Script::stateless(able);
    let call = script.tool(&CallOptions::default());
    script.result(2, &asks());
    assert_eq!(script.events().len(), 3);
    let ticket = script.tickets.remove(0);
    let refusal = RpcError::internal("the user is away");
    assert_eq!(
        script
            .client
            .answer(ticket, Err(refusal.clone()), script.now),
        Ok(Delivery::Accepted)
    );
    assert_eq!(script.events(), ["input gone", "input gone", "done"]);
    assert_eq!(
        script.client.take(call).unwrap(),
        Err(CallError::Input(InputError::Failed(refusal)))
    );
    assert_eq!(script.answer(roots()), Ok(Delivery::Discarded));
    assert!(script.sent_lines().len() == 1, "only the call itself");
}

#[test]
fn people_may_take_their_time_but_not_for_ever() {
    for stateless in [true, false] {
        let mut script = if stateless {
            Script::stateless(able)
        } else {
            Script::handshake(able)
        };
        let options = CallOptions::default()
            .with_timeout(Duration::from_secs(10))
            .with_max(Duration::from_secs(20));
        let call = script.tool(&options);
        let ask = |script: &mut Script, id: i64| {
            if stateless {
                script.result(id, r#"{"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}}"#);
            } else {
                script.line(&format!(
                    r#"{{"jsonrpc":"2.0","id":"q{id}","method":"roots/list"}}"#
                ));
            }
            assert_eq!(script.events(), ["input roots/list"]);
        };
        ask(&mut script, 2);
        script.pass(Duration::from_millis(599_999));
        assert!(script.events().is_empty(), "stateless: {stateless}");
        script.answer(roots()).unwrap();
        script.pass(Duration::from_secs(9));
        assert!(script.events().is_empty(), "the wait did not count");
        ask(&mut script, 3);
        script.pass(Duration::from_millis(599_999));
        assert!(script.events().is_empty(), "stateless: {stateless}");
        script.pass(Duration::from_millis(1));
        script.sent_lines();
        if stateless {
            assert_eq!(script.events(), ["input gone", "done"]);
            assert!(
                script.sent_lines().is_empty(),
                "nothing is out that could be cancelled"
            );
            assert_eq!(script.client.take(call).unwrap(), Err(CallError::TimedOut));
        } else {
            // The question is answered with an error; the call goes on.
            assert_eq!(script.events(), ["input gone"]);
            assert_eq!(
                script.sent_lines(),
                [
                    r#"{"jsonrpc":"2.0","id":"q3","error":{"code":-32603,"message":"the question was not answered in time"}}"#
                ]
            );
            script.pass(Duration::from_secs(10));
            assert_eq!(script.events(), ["done"]);
            assert_eq!(script.client.take(call).unwrap(), Err(CallError::TimedOut));
        }
        assert_eq!(script.answer(roots()), Ok(Delivery::Discarded));
    }
}

#[test]
fn requests_of_the_server_are_answered_once_each() {
    let mut script = Script::handshake(able);
    script.line(r#"{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object","properties":{}}}}"#);
    script.line(r#"{"jsonrpc":"2.0","id":"1","method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}"#);
    script.line(r#"{"jsonrpc":"2.0","id":3,"method":"roots/list"}"#);
    script.line(r#"{"jsonrpc":"2.0","id":3,"method":"roots/list"}"#);
    script.line(r#"{"jsonrpc":"2.0","id":4,"method":"ping"}"#);
    assert_eq!(
        script.events(),
        [
            "input elicitation/create",
            "input sampling/createMessage",
            "input roots/list",
            "fault UnexpectedRequest"
        ]
    );
    assert_eq!(script.sent(), [r#""id":4,"result":{}"#]);
    assert_eq!(
        script.answer(ElicitResult::new(ElicitAction::Decline)),
        Ok(Delivery::Accepted)
    );
    assert_eq!(
        script.answer(roots()),
        Err(Misuse::WrongAnswer("sampling/createMessage"))
    );
    script.note(
        "notifications/cancelled",
        r#"{"requestId":3,"reason":"late"}"#,
    );
    assert_eq!(script.events(), ["input gone"]);
    assert_eq!(script.answer(roots()), Ok(Delivery::Discarded));
    assert_eq!(
        script.sent(),
        [
            r#""id":1,"result":{"action":"decline"}"#,
            r#""id":"1","error":{"code":-32603,"message":"the question could not be answered"}"#
        ]
    );
}

#[test]
fn what_was_not_declared_is_not_found() {
    let table = [
        ("roots/list", "null", -32601),
        (
            "elicitation/create",
            r#"{"message":"m","requestedSchema":{"type":"object","properties":{}}}"#,
            -32601,
        ),
        ("tasks/get", "{}", -32601),
        ("tools/list", "{}", -32601),
        ("x/y", "{}", -32601),
    ];
    let mut script = Script::handshake(|_| {});
    for (method, params, code) in table {
        script.line(&format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"{method}"{}}}"#,
            match params {
                "null" => String::new(),
                params => format!(r#","params":{params}"#),
            }
        ));
        assert!(script.events().is_empty());
        assert_eq!(
            script.sent(),
            [format!(
                r#""id":7,"error":{{"code":{code},"message":"method not found"}}"#
            )]
        );
    }
    // 2025-11-25, client/elicitation and client/sampling: wrong parameters, rather.
    let mut script = Script::handshake(able);
    for (method, params, message) in [
        (
            "elicitation/create",
            r#"{"mode":"url","message":"m","url":"u","elicitationId":"e"}"#,
            "elicitation by URL",
        ),
        (
            "sampling/createMessage",
            r#"{"messages":[],"maxTokens":1,"tools":[{"name":"t","inputSchema":{}}]}"#,
            "sampling with tools",
        ),
        (
            "sampling/createMessage",
            r#"{"messages":[]}"#,
            "missing field `maxTokens`",
        ),
    ] {
        script.line(&format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#
        ));
        assert!(script.events().is_empty());
        let sent = script.sent();
        assert!(
            sent[0].starts_with(r#""id":7,"error":{"code":-32602,"#) && sent[0].contains(message),
            "{sent:?}"
        );
    }
}

#[test]
fn too_many_questions_at_once_are_turned_away() {
    let mut script = Script::handshake(|config| {
        able(config);
        config.limits.calls_in_flight = 2;
    });
    for id in 1..4 {
        script.line(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"roots/list"}}"#
        ));
    }
    assert_eq!(script.events(), ["input roots/list", "input roots/list"]);
    assert_eq!(
        script.sent(),
        [r#""id":3,"error":{"code":-32000,"message":"too many questions are open"}"#]
    );
}

#[test]
fn a_server_of_2026_sends_no_requests() {
    let mut script = Script::stateless(able);
    script.line(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    script.line(r#"{"jsonrpc":"2.0","id":2,"method":"roots/list"}"#);
    assert_eq!(
        script.events(),
        ["fault UnexpectedRequest", "fault UnexpectedRequest"]
    );
    assert!(script.sent().is_empty());
    // Before the era is known, a ping is answered: it may come first thing.
    let mut script = Script::new(EraMode::Auto, able);
    script.sent();
    script.line(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    script.line(r#"{"jsonrpc":"2.0","id":2,"method":"roots/list"}"#);
    assert!(script.events().is_empty());
    assert_eq!(
        script.sent(),
        [
            r#""id":1,"result":{}"#,
            r#""id":2,"error":{"code":-32601,"message":"method not found"}"#
        ]
    );
}

#[test]
fn an_ended_call_or_connection_takes_its_questions_along() {
    let mut script = Script::stateless(able);
    let call = script.tool(&CallOptions::default());
    script.result(2, &asks());
    assert_eq!(script.events().len(), 3);
    script.client.cancel(call.id(), None, script.now);
    assert_eq!(
        script.events(),
        ["input gone", "input gone", "input gone", "done"]
    );
    assert_eq!(script.answer(roots()), Ok(Delivery::Discarded));
    assert_eq!(
        script.sent_lines().len(),
        1,
        "there is nothing to cancel at the server"
    );

    let mut script = Script::handshake(able);
    script.line(r#"{"jsonrpc":"2.0","id":2,"method":"roots/list"}"#);
    assert_eq!(script.events(), ["input roots/list"]);
    script.eof();
    assert_eq!(script.events(), ["input gone", "closed Eof"]);
    assert_eq!(script.answer(roots()), Ok(Delivery::Discarded));
}

#[test]
fn only_a_call_that_may_have_asked_waits_for_the_answer() {
    let mut script = Script::handshake(able);
    let options = CallOptions::default().with_timeout(Duration::from_secs(10));
    let asks = script.tool(&options);
    let plain = script
        .client
        .call::<ListTools>(&PaginatedParams::default(), &options, script.now)
        .unwrap();
    script.line(r#"{"jsonrpc":"2.0","id":"q","method":"roots/list"}"#);
    assert_eq!(script.events(), ["input roots/list"]);
    script.pass(Duration::from_secs(4));
    script.answer(roots()).unwrap();
    script.pass(Duration::from_secs(6));
    assert_eq!(script.events(), ["done"], "the list was late after 10 s");
    assert_eq!(script.client.take(plain).unwrap(), Err(CallError::TimedOut));
    script.pass(Duration::from_secs(4));
    assert_eq!(script.events(), ["done"], "the call after 14 s");
    assert_eq!(script.client.take(asks).unwrap(), Err(CallError::TimedOut));
}
