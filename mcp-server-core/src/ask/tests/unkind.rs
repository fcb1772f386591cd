//! Clients that cannot be asked, and such that answer otherwise than they were asked.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::time::Duration;

use mcp_proto::{
    limits::Limits,
    types::{CreateMessageParams, InputRequests},
    version::ProtocolVersion,
};
use serde_json::{Value, json};

use super::client::{Client, accept, kind, text};
use crate::{
    Conn, Handler, NeedInput, Outcome, PeerFault, ServerBuilder, ToolEntry, ToolError,
    mcp_proto::time::Instant,
};

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Age {
    #[schemars(range(min = 18))]
    age: u8,
}

const NEW: ProtocolVersion = ProtocolVersion::V2026_07_28;
const OLD: ProtocolVersion = ProtocolVersion::V2025_11_25;

fn server() -> ServerBuilder {
    ServerBuilder::new("demo", "1.0.0")
        .tool(ToolEntry::new("age").run(|_, cx| {
            let age = cx
                .elicit::<Age>("How old?")
                .key("age")
                .get()?
                .required()?
                .age;
            Ok::<_, ToolError>(alloc::format!("{age}"))
        }))
        .tool(ToolEntry::new("two").run(|_, cx| {
            let (first, second) = (cx.confirm("First?"), cx.confirm("Second?"));
            Ok::<_, ToolError>(alloc::format!("{} {}", first.get()?, second.get()?))
        }))
        .tool(ToolEntry::new("page").run(|_, cx| {
            cx.elicit_url("Pay", "https://example.com/pay")
                .get()?
                .required()?;
            Ok::<_, ToolError>("paid")
        }))
        .tool(ToolEntry::new("sample").run(|_, cx| {
            let says = cx.sample(CreateMessageParams::ask("Hi?", 9)).get()?;
            Ok::<_, ToolError>(String::from(says.text()))
        }))
        .tool(ToolEntry::new("tools").run(|_, cx| {
            let schema = mcp_proto::json::Json::empty_object();
            let params = CreateMessageParams::ask("Hi?", 9)
                .with_tool(mcp_proto::types::Tool::new("t", schema));
            Ok::<_, ToolError>(String::from(cx.sample(params).get()?.text()))
        }))
        .tool(
            ToolEntry::new("roots")
                .run(|_, cx| Ok::<_, ToolError>(alloc::format!("{}", cx.roots().get()?.len()))),
        )
}

#[test]
fn what_was_not_declared_is_an_error_that_names_it_and_nothing_is_sent() {
    // The tool, what is declared, what must be, and how it is called.
    let table = [
        (
            "age",
            json!({}),
            json!({"elicitation": {"form": {}}}),
            "elicitation",
        ),
        (
            "age",
            json!({"elicitation": {"url": {}}}),
            json!({"elicitation": {"form": {}}}),
            "elicitation",
        ),
        (
            "page",
            json!({"elicitation": {}}),
            json!({"elicitation": {"url": {}}}),
            "elicitation.url",
        ),
        (
            "page",
            json!({"elicitation": {"form": {}}}),
            json!({"elicitation": {"url": {}}}),
            "elicitation.url",
        ),
        (
            "sample",
            json!({"elicitation": {}}),
            json!({"sampling": {}}),
            "sampling",
        ),
        (
            "tools",
            json!({"sampling": {}}),
            json!({"sampling": {"tools": {}}}),
            "sampling.tools",
        ),
        ("roots", json!({}), json!({"roots": {}}), "roots"),
    ];
    for (tool, declared, required, name) in table {
        for version in [NEW, OLD] {
            let mut client = Client::with(version, declared.clone(), server());
            let response = client.tool(tool, &json!({}), |_, _| panic!("asked"));
            let code = if version == NEW { -32021 } else { -32603 };
            let message = alloc::format!("the client has not declared the capability {name}");
            assert_eq!(
                response["error"],
                json!({"code": code, "message": message, "data": {"requiredCapabilities": required}}),
                "{tool} {version}"
            );
        }
    }
    // A mode that is not named is the form.
    let mut client = Client::with(NEW, json!({"elicitation": {}}), server());
    assert_eq!(
        text(&client.tool("age", &json!({}), |_, _| accept(&json!({"age": 18})))),
        "18"
    );
}

#[test]
fn capabilities_are_those_of_the_request_and_of_no_other() {
    let mut client = Client::with(NEW, json!({"elicitation": {}}), server());
    let id = client.send("tools/call", json!({"name": "age"}));
    let asked = client.take(id).unwrap()["result"].clone();
    client.capabilities = json!({});
    // What it declared when it was asked does not count when it is asked again.
    let retry = client.retry(&json!({"name": "age"}), &asked, |_, _| {
        accept(&json!({"age": 3}))
    });
    let id = client.send("tools/call", retry);
    assert_eq!(client.take(id).unwrap()["error"]["code"], -32021);
}

#[test]
fn wrong_answers_are_asked_for_again_but_not_for_ever() {
    let wrong = [
        json!({"action": "accept", "content": {"age": 17}}),
        json!({"action": "accept", "content": {"age": "old"}}),
        json!({"action": "accept", "content": {}}),
        json!({"action": "accept"}),
        // Fits the form, but not the type.
        json!({"action": "accept", "content": {"age": 1000}}),
        json!({"action": "perhaps"}),
        json!({}),
        json!({"roots": []}),
    ];
    for version in [NEW, OLD] {
        for answer in &wrong {
            let mut client = Client::new(version, server());
            let mut asked = 0;
            let response = client.tool("age", &json!({}), |_, _| {
                asked += 1;
                Some(Ok(if asked < 3 {
                    answer.clone()
                } else {
                    json!({"action": "decline"})
                }))
            });
            assert_eq!(
                text(&response),
                "the user declined to answer",
                "{version} {answer}"
            );
            assert_eq!(asked, 3);
            let response = client.tool("age", &json!({}), |_, _| Some(Ok(answer.clone())));
            let message = "the call asked for input in more than 8 rounds";
            assert_eq!(
                response["error"],
                json!({"code": -32603, "message": message})
            );
        }
    }
}

#[test]
fn half_an_answer_is_kept_and_the_other_half_is_asked_for() {
    for version in [NEW, ProtocolVersion::V2025_06_18] {
        let mut client = Client::new(version, server());
        let mut rounds = 0;
        let response = client.tool("two", &json!({}), |_, params| {
            rounds += usize::from(params["message"] == "Second?");
            let yes = params["message"] == "First?" || rounds > 1;
            Some(Ok(match yes {
                true => json!({"action": "accept", "content": {"confirm": true}}),
                false => json!({"action": "accept"}),
            }))
        });
        assert_eq!(text(&response), "true true", "{version}");
        let asked: Vec<Vec<&Value>> = client
            .rounds
            .iter()
            .map(|round| round.iter().map(|(_, params)| &params["message"]).collect())
            .collect();
        assert_eq!(
            json!(asked),
            json!([["First?", "Second?"], ["Second?"]]),
            "{version}"
        );
    }
    // From 2026-07-28 on an answer may be missing altogether.
    let mut client = Client::new(NEW, server());
    let mut rounds = 0;
    let response = client.tool("two", &json!({}), |method, params| {
        rounds += 1;
        if rounds == 1 {
            None
        } else {
            kind(method, params)
        }
    });
    assert_eq!((text(&response), rounds), ("true true".into(), 3));
}

#[test]
fn answers_that_are_no_answers_are_refused() {
    let params = json!({"name": "age"});
    for responses in [
        json!(null),
        json!([1]),
        json!("x"),
        json!({"age": 12345}),
        json!({"age": null}),
    ] {
        let mut client = Client::new(NEW, server());
        let id = client.send("tools/call", params.clone());
        let asked = client.take(id).unwrap()["result"].clone();
        let mut retry = client.retry(&params, &asked, |_, _| None);
        retry["inputResponses"] = responses.clone();
        let id = client.send("tools/call", retry);
        assert_eq!(
            client.take(id).unwrap()["error"]["code"],
            -32602,
            "{responses}"
        );
    }
    // Keys that nobody asked for do not matter.
    let mut client = Client::new(NEW, server());
    let id = client.send("tools/call", params.clone());
    let asked = client.take(id).unwrap()["result"].clone();
    let mut retry = client.retry(&params, &asked, |_, _| accept(&json!({"age": 30})));
    retry["inputResponses"]["other"] = json!({"action": "accept", "content": {"age": 99}});
    let id = client.send("tools/call", retry);
    assert_eq!(text(&client.take(id).unwrap()), "30");
}

#[test]
fn an_answer_never_counts_for_another_question() {
    // The question depends on what the handler finds, under one key.
    let found = Arc::new(std::sync::Mutex::new("a"));
    for version in [NEW, OLD] {
        *found.lock().unwrap() = "a";
        let finds = Arc::clone(&found);
        let delete = ToolEntry::new("delete").run(move |_, cx| {
            let file = *finds.lock().unwrap();
            let question = alloc::format!("Delete {file}?");
            let sure = cx.confirm(question).key("sure").get()?;
            Ok::<_, ToolError>(alloc::format!("{file}: {sure}"))
        });
        let mut client = Client::new(version, ServerBuilder::new("demo", "1.0.0").tool(delete));
        let mut asked = Vec::new();
        let response = client.tool("delete", &json!({}), |method, params| {
            asked.push(params["message"].clone());
            // Meanwhile it is another file.
            *found.lock().unwrap() = "b";
            kind(method, params)
        });
        assert_eq!(text(&response), "b: true", "{version}");
        assert_eq!(json!(asked), json!(["Delete a?", "Delete b?"]), "{version}");
    }
}

#[test]
fn a_client_that_refuses_is_told_of() {
    let mut client = Client::new(OLD, server());
    let response = client.tool("sample", &json!({}), |_, _| {
        Some(Err(
            json!({"code": -1, "message": "User rejected sampling request"}),
        ))
    });
    assert_eq!(response["result"]["isError"], true);
    let told = "the client has refused a question: User rejected sampling request";
    assert_eq!(text(&response), told);
}

#[test]
fn pages_have_an_id_in_2025_11_25_alone() {
    let mut client = Client::new(OLD, server());
    assert_eq!(text(&client.tool("page", &json!({}), kind)), "paid");
    assert_eq!(text(&client.tool("page", &json!({}), kind)), "paid");
    let ids: Vec<_> = client
        .rounds
        .iter()
        .map(|round| &round[0].1["elicitationId"])
        .collect();
    assert!(
        ids[0].is_string() && ids[1].is_string() && ids[0] != ids[1],
        "{ids:?}"
    );
    let mut client = Client::new(NEW, server());
    assert_eq!(text(&client.tool("page", &json!({}), kind)), "paid");
    assert_eq!(
        client.rounds[0][0].1,
        json!({"mode": "url", "message": "Pay", "url": "https://example.com/pay"})
    );
    // An older client has no such thing, whatever it declares.
    let mut client = Client::new(ProtocolVersion::V2025_06_18, server());
    let response = client.tool("page", &json!({}), |_, _| panic!("asked"));
    assert_eq!(response["error"]["code"], -32603, "{response}");
}

#[test]
fn who_was_sent_to_a_page_is_told_that_it_is_done_with() {
    let page = |name: &'static str, id: &'static str| {
        ToolEntry::new(name).run(move |_, cx| {
            let page = cx.elicit_url("Pay", "https://example.com/pay");
            let page = if id.is_empty() {
                page
            } else {
                page.elicitation_id(id)
            };
            Ok::<_, ToolError>(alloc::format!("{:?}", page.get()?))
        })
    };
    let builder = || {
        ServerBuilder::new("demo", "1.0.0")
            .tool(page("own", "pay-1"))
            .tool(page("other", "pay-2"))
            .tool(page("unnamed", ""))
    };
    let complete = |client: &mut Client, id: &str| {
        let change = crate::Change::ElicitationComplete(id.into());
        client.conn.handle_change(&change, client.now);
        client.settle();
        client.said.drain(..).collect::<Vec<Value>>()
    };
    let told = |id: &str| json!([{"jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": {"elicitationId": id}}]);
    let mut client = Client::new(OLD, builder());
    // Nobody was sent there yet.
    assert_eq!(json!(complete(&mut client, "pay-1")), json!([]));
    client.tool("own", &json!({}), kind);
    assert_eq!(client.rounds[0][0].1["elicitationId"], "pay-1");
    assert_eq!(json!(complete(&mut client, "pay-2")), json!([]));
    assert_eq!(json!(complete(&mut client, "pay-1")), told("pay-1"));
    assert_eq!(json!(complete(&mut client, "pay-1")), json!([]), "once");
    // Also before the client has said that it goes there.
    let id = client.send("tools/call", json!({"name": "other"}));
    assert_eq!(client.asked().len(), 1);
    assert_eq!(json!(complete(&mut client, "pay-2")), told("pay-2"));
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
    client.said.clear();
    // Who does not go is not told; nor is anybody of a call that was taken back.
    client.tool("own", &json!({}), |_, _| {
        Some(Ok(json!({"action": "decline"})))
    });
    assert_eq!(json!(complete(&mut client, "pay-1")), json!([]));
    client.tool("own", &json!({}), |_, _| {
        Some(Err(json!({"code": -1, "message": "no"})))
    });
    assert_eq!(json!(complete(&mut client, "pay-1")), json!([]));
    let id = client.send("tools/call", json!({"name": "own"}));
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
    client.said.clear();
    assert_eq!(json!(complete(&mut client, "pay-1")), json!([]));
    // A page without a name of its own has one that nobody knows.
    client.tool("unnamed", &json!({}), kind);
    // No other revision has the message, nor does another session hear of it.
    let mut other = Client::new(OLD, builder());
    client.tool("own", &json!({}), kind);
    assert_eq!(json!(complete(&mut other, "pay-1")), json!([]));
    let mut new = Client::new(NEW, builder());
    assert_eq!(text(&new.tool("own", &json!({}), kind)), "Accepted(())");
    assert_eq!(new.rounds[0][0].1.get("elicitationId"), None);
    assert_eq!(json!(complete(&mut new, "pay-1")), json!([]));
}

#[test]
fn so_many_pages_are_remembered_and_of_more_the_newest() {
    for (pages, told) in [(2, true), (3, false)] {
        let mut limits = Limits::default();
        limits.subscribed_topics = 2;
        let any = mcp_proto::json::Json::parse(r#"{"type":"object"}"#).unwrap();
        let tool = ToolEntry::new("page").raw(any, |arguments, cx| {
            let page = cx.elicit_url("Pay", "https://example.com/pay");
            page.elicitation_id(arguments.as_str()).get()?;
            Ok::<_, ToolError>("paid")
        });
        let builder = ServerBuilder::new("demo", "1.0.0")
            .limits(limits)
            .tool(tool);
        let mut client = Client::new(OLD, builder);
        for number in 0..pages {
            client.tool("page", &json!({"n": number}), kind);
        }
        let first = crate::Change::ElicitationComplete(r#"{"n":0}"#.into());
        client.conn.handle_change(&first, client.now);
        client.settle();
        assert_eq!(!client.said.is_empty(), told, "{pages}");
    }
}

// ── while a client of the handshake era is being asked ─────────────────────────────────────────

#[test]
fn a_call_that_is_cancelled_while_it_asks_takes_its_questions_back() {
    let mut client = Client::new(OLD, server());
    let id = client.send("tools/call", json!({"name": "two"}));
    let asked = client.asked();
    assert_eq!(asked.len(), 2);
    client.say(&json!({"jsonrpc": "2.0", "id": asked[0]["id"], "result": {"action": "cancel"}}));
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
    let said: Vec<_> = client.said.drain(..).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0]["method"], "notifications/cancelled");
    assert_eq!(said[0]["params"]["requestId"], asked[1]["id"]);
    // An answer that has crossed this is nobody's, and nobody's fault; one to what was never asked is.
    client.say(&json!({"jsonrpc": "2.0", "id": asked[1]["id"], "result": {"action": "cancel"}}));
    assert_eq!((client.said.len(), &*client.faults), (0, &[][..]));
    client.say(&json!({"jsonrpc": "2.0", "id": 3, "result": {"action": "cancel"}}));
    assert_eq!(client.faults, [PeerFault::UnexpectedResponse]);
    assert_eq!(text(&client.tool("two", &json!({}), kind)), "true true");
}

#[test]
fn a_state_counts_for_ten_minutes() {
    for (wait, counts) in [(0, true), (1, false)] {
        let mut client = Client::new(NEW, server());
        let id = client.send("tools/call", json!({"name": "age"}));
        let asked = client.take(id).expect("it is answered")["result"].take();
        client.pass(Duration::from_secs(600) - Duration::from_nanos(1 - wait));
        let answer = accept(&json!({"age": 50})).unwrap().unwrap();
        let params = json!({
            "name": "age", "inputResponses": {"age": answer}, "requestState": asked["requestState"],
        });
        let id = client.send("tools/call", params);
        let response = client.take(id).expect("it is answered");
        match counts {
            true => assert_eq!(text(&response), "50"),
            false => assert_eq!(response["error"]["code"], -32602, "{response}"),
        }
    }
}

#[test]
fn so_many_calls_may_wait_for_answers() {
    let mut limits = Limits::default();
    limits.calls_in_flight = 2;
    let mut client = Client::new(OLD, server().limits(limits));
    let ids = [(); 3].map(|()| client.send("tools/call", json!({"name": "age"})));
    assert_eq!(client.asked().len(), 2);
    let refused = client.take(ids[2]).expect("it is refused");
    assert_eq!(refused["error"]["code"], -32000, "{refused}");
    assert!(client.take(ids[1]).is_none());
}

#[test]
fn a_person_may_take_ten_minutes_and_the_call_does_not_notice() {
    for wait in [0, 1] {
        let mut client = Client::new(OLD, server());
        let id = client.send("tools/call", json!({"name": "age"}));
        let asked = client.asked();
        // Longer than any handler may take, and one nanosecond more than anybody may.
        client
            .pass(Duration::from_secs(600) - Duration::from_nanos(1) + Duration::from_nanos(wait));
        if wait == 0 {
            let answer = accept(&json!({"age": 50})).unwrap().unwrap();
            client.say(&json!({"jsonrpc": "2.0", "id": asked[0]["id"], "result": answer}));
            assert_eq!(text(&client.take(id).unwrap()), "50");
        } else {
            let response = client.take(id).unwrap();
            let message = "the client left a question unanswered for 600s";
            assert_eq!(
                response["error"],
                json!({"code": -32603, "message": message})
            );
            assert_eq!(client.said[0]["method"], "notifications/cancelled");
        }
    }
}

#[test]
fn who_leaves_while_it_is_asked_is_not_waited_for() {
    let mut client = Client::new(OLD, server());
    let id = client.send("tools/call", json!({"name": "age"}));
    assert_eq!(client.asked().len(), 1);
    client.conn.handle_eof(client.now);
    client.settle();
    let response = client.take(id).unwrap();
    let message = "the client ended the connection before it answered";
    assert_eq!(
        response["error"],
        json!({"code": -32603, "message": message})
    );
    assert!(client.conn.is_closed());
}

#[test]
fn a_call_that_asks_takes_no_place_from_others() {
    let mut limits = Limits::default();
    limits.calls_in_flight = 1;
    let mut client = Client::new(OLD, server().limits(limits));
    let first = client.send("tools/call", json!({"name": "age"}));
    let asked = client.asked();
    let second = client.send("tools/call", json!({"name": "age"}));
    let response = client.take(second).unwrap();
    assert_eq!(
        response["error"]["code"], -32000,
        "the second that asks is one too many"
    );
    let answer = accept(&json!({"age": 50})).unwrap().unwrap();
    client.say(&json!({"jsonrpc": "2.0", "id": asked[0]["id"], "result": answer}));
    assert_eq!(text(&client.take(first).unwrap()), "50");
}

// ── handlers of one's own ──────────────────────────────────────────────────────────────────────

fn own(need: impl Fn(usize) -> NeedInput + Send + Sync + 'static) -> ServerBuilder {
    let handler = Handler::sync(move |_, cx| {
        let rounds = cx.resumed().map_or(0, |resumed| resumed.rounds);
        Outcome::NeedInput(need(rounds))
    });
    ServerBuilder::new("demo", "1.0.0").tool(ToolEntry::new("own").handler(handler))
}

fn questions(count: usize) -> InputRequests {
    let question = || mcp_proto::types::InputRequest::ListRoots(Default::default());
    (0..count)
        .map(|at| (alloc::format!("{at}"), question()))
        .collect()
}

#[test]
fn what_a_handler_asks_is_bounded() {
    type Row = (&'static str, fn(usize) -> NeedInput);
    let table: [Row; 4] = [
        ("the handler asked for nothing", |_| NeedInput::default()),
        ("the call asked more than 16 questions at once", |_| {
            NeedInput::new(questions(17))
        }),
        ("the call has to remember more than 16384 bytes", |_| {
            NeedInput::new(questions(16)).with_state("x".repeat(16 * 1024 + 1))
        }),
        ("the call asked for input in more than 8 rounds", |_| {
            NeedInput::new(questions(16)).with_state("x".repeat(16 * 1024))
        }),
    ];
    for version in [NEW, OLD] {
        for (message, need) in table {
            let mut client = Client::new(version, own(need));
            let response = client.tool("own", &json!({}), kind);
            assert_eq!(
                response["error"],
                json!({"code": -32603, "message": message}),
                "{version}"
            );
        }
    }
}

#[test]
fn a_state_comes_back_as_it_was_left() {
    for version in [NEW, OLD] {
        let handler = Handler::sync(|_, cx| match cx.resumed() {
            None => Outcome::NeedInput(NeedInput::new(questions(1)).with_state("left+-behind")),
            Some(resumed) => {
                assert_eq!(resumed.state.as_deref(), Some("left+-behind"));
                let roots = resumed.answers.get("0").unwrap().as_ref().unwrap();
                Outcome::Tool(mcp_proto::types::CallToolResult::text(roots.as_str()))
            }
        });
        let builder =
            ServerBuilder::new("demo", "1.0.0").tool(ToolEntry::new("own").handler(handler));
        let mut client = Client::new(version, builder);
        let response = client.tool("own", &json!({}), kind);
        assert_eq!(text(&response), r#"{"roots":[{"uri":"file:///w"}]}"#);
    }
}

#[test]
fn a_state_is_good_for_its_own_call_on_its_own_connection_once() {
    let service = Arc::new(server().build_service().unwrap());
    let connect = |tag| {
        let conn = Conn::new(Arc::clone(&service), tag, Instant::ZERO);
        Client::on(NEW, super::client::everything(), conn)
    };
    let mut client = connect(1);
    let params = json!({"name": "age", "arguments": {}});
    let ask = |client: &mut Client| {
        let id = client.send("tools/call", params.clone());
        let asked = client.take(id).unwrap()["result"].clone();
        client.retry(&params, &asked, |_, _| accept(&json!({"age": 50})))
    };
    let refused = |client: &mut Client, method: &str, retry: Value| {
        let id = client.send(method, retry);
        let response = client.take(id).unwrap();
        let message = "params.requestState is not valid";
        assert_eq!(
            response["error"],
            json!({"code": -32602, "message": message}),
            "{response}"
        );
    };
    let retry = ask(&mut client);
    let changed = |member: &str, value: Value| {
        let mut retry = retry.clone();
        retry[member] = value;
        retry
    };
    refused(&mut client, "tools/call", changed("name", json!("two")));
    refused(
        &mut client,
        "tools/call",
        changed("arguments", json!({"x": 1})),
    );
    refused(
        &mut client,
        "tools/call",
        changed("requestState", json!("0")),
    );
    refused(&mut connect(2), "tools/call", retry.clone());
    let id = client.send("tools/call", retry.clone());
    assert_eq!(text(&client.take(id).unwrap()), "50");
    refused(&mut client, "tools/call", retry);
    // And not for longer than a person may take.
    let late = ask(&mut client);
    client.pass(Duration::from_secs(600));
    refused(&mut client, "tools/call", late);
    // It must be a text.
    let mut wrong = ask(&mut client);
    wrong["requestState"] = json!(null);
    let id = client.send("tools/call", wrong);
    assert_eq!(client.take(id).unwrap()["error"]["code"], -32602);
}
