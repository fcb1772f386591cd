//! What a handler sees, and how often it is run.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::{
    future::poll_fn,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

use mcp_proto::{types::CreateMessageParams, version::ProtocolVersion};
use serde_json::json;

use super::client::{Client, accept, kind, text};
use crate::{AskError, Cx, PromptEntry, ResourceEntry, ServerBuilder, ToolEntry, ToolError};

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

/// Those that can be asked by forms.
const ELICITING: [ProtocolVersion; 3] = [
    ProtocolVersion::V2025_06_18,
    ProtocolVersion::V2025_11_25,
    ProtocolVersion::V2026_07_28,
];

fn name(cx: &Cx, message: &str) -> Result<String, ToolError> {
    Ok(cx.elicit::<Name>(message).get()?.required()?.name)
}

fn server() -> ServerBuilder {
    ServerBuilder::new("demo", "1.0.0")
}

#[test]
fn one_question_after_the_other_is_a_round_each() {
    for version in ELICITING {
        let builder = server().tool(ToolEntry::new("greet").run(|_, cx| {
            let (first, last) = (name(cx, "First name?")?, name(cx, "Last name?")?);
            Ok::<_, ToolError>(alloc::format!("{first} {last}"))
        }));
        let mut client = Client::new(version, builder);
        let response = client.tool("greet", &json!({}), |_, params| {
            let first = params["message"] == "First name?";
            accept(&json!({"name": if first { "Ada" } else { "Lovelace" }}))
        });
        assert_eq!(text(&response), "Ada Lovelace", "{version}");
        let sizes: Vec<_> = client.rounds.iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 1], "{version}");
    }
}

#[test]
fn all_kinds_of_questions_at_once_are_one_round() {
    let ask = |cx: Cx| async move {
        let name = cx.elicit::<Name>("Name?");
        let (says, roots) = (cx.sample(CreateMessageParams::ask("Hi?", 9)), cx.roots());
        // Joined by hand: all three are polled before any of them is waited for.
        let (mut name, mut says, mut roots) = (pin!(name), pin!(says), pin!(roots));
        poll_fn(|context| {
            let polls = (
                name.as_mut().poll(context),
                says.as_mut().poll(context),
                roots.as_mut().poll(context),
            );
            match polls {
                (Poll::Ready(name), Poll::Ready(says), Poll::Ready(roots)) => Poll::Ready(
                    name.and_then(|name| Ok((name, says?, roots?)))
                        .map_err(ToolError::from),
                ),
                _ => Poll::Pending,
            }
        })
        .await
        .and_then(|(name, says, roots)| {
            let name = name.required()?.name;
            Ok(alloc::format!("{name}, {}, {}", says.text(), roots[0].uri))
        })
    };
    for version in ELICITING {
        let builder = server().tool(ToolEntry::new("all").run_async(move |_, cx| ask(cx)));
        let mut client = Client::new(version, builder);
        let response = client.tool("all", &json!({}), kind);
        assert_eq!(text(&response), "Ada, hi, file:///w", "{version}");
        let methods: Vec<_> = client.rounds[0]
            .iter()
            .map(|(method, _)| &**method)
            .collect();
        let all = ["elicitation/create", "sampling/createMessage", "roots/list"];
        assert_eq!((methods, client.rounds.len()), (all.into(), 1), "{version}");
    }
}

#[test]
fn every_revision_can_be_asked_what_it_has() {
    for version in ProtocolVersion::ALL {
        let builder = server().tool(ToolEntry::new("all").run(|_, cx| {
            let (says, roots) = (cx.sample(CreateMessageParams::ask("Hi?", 9)), cx.roots());
            Ok::<_, ToolError>(alloc::format!(
                "{} {}",
                says.get()?.text(),
                roots.get()?.len()
            ))
        }));
        let mut client = Client::new(version, builder);
        let response = client.tool("all", &json!({}), kind);
        assert_eq!(text(&response), "hi 1", "{version}");
        assert_eq!(client.rounds.len(), 1, "{version}");
    }
}

#[test]
fn prompts_and_resources_ask_as_tools_do() {
    for version in ELICITING {
        let builder = server()
            .prompt(PromptEntry::new("p").run(|_, cx| name(cx, "For whom?")))
            .prompt(PromptEntry::new("later").run_async(|_, cx| async move {
                Ok::<_, ToolError>(cx.elicit::<Name>("Whom?").await?.required()?.name)
            }))
            .resource(ResourceEntry::new("r://{of}", "r").run(|_, cx| name(cx, "Whose?")))
            .resource(
                ResourceEntry::new("later://{of}", "l").run_async(|_, cx| async move {
                    Ok::<_, ToolError>(cx.elicit::<Name>("Whose?").await?.required()?.name)
                }),
            );
        let mut client = Client::new(version, builder);
        for prompt in ["p", "later"] {
            let response = client.call("prompts/get", json!({"name": prompt}), kind);
            assert_eq!(
                response["result"]["messages"][0]["content"]["text"], "Ada",
                "{version}"
            );
        }
        for uri in ["r://x", "later://x"] {
            let response = client.call("resources/read", json!({"uri": uri}), kind);
            assert_eq!(
                response["result"]["contents"][0]["text"], "Ada",
                "{version} {response}"
            );
        }
        assert_eq!(client.rounds.len(), 4);
    }
}

#[test]
fn what_one_call_was_told_no_other_knows() {
    for version in ELICITING {
        let builder = server()
            .tool(ToolEntry::new("sync").run(|_, cx| {
                let number = cx.once("number", || 1)?;
                Ok::<_, ToolError>(alloc::format!("{} {number}", name(cx, "Name?")?))
            }))
            .tool(ToolEntry::new("async").run_async(|_, cx| async move {
                let asked = cx.elicit::<Name>("Name?").await?;
                Ok::<_, ToolError>(asked.required()?.name)
            }));
        let mut client = Client::new(version, builder);
        for number in 1..=6 {
            let tool = if number % 2 == 0 { "sync" } else { "async" };
            let answer = alloc::format!("Ada{number}");
            let response = client.tool(tool, &json!({}), |_, _| accept(&json!({"name": answer})));
            assert!(text(&response).starts_with(&answer), "{version} {response}");
            assert_eq!(client.rounds.len(), number, "{version}");
        }
    }
}

#[test]
fn what_is_done_once_is_not_repeated() {
    for version in ELICITING {
        let (runs, effects) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (Arc::clone(&runs), Arc::clone(&effects));
        let builder = server().tool(ToolEntry::new("order").run(move |_, cx| {
            counts.0.fetch_add(1, Ordering::Relaxed);
            let number = cx.once("order", || counts.1.fetch_add(1, Ordering::Relaxed) + 41)?;
            let failed: Result<u8, ToolError> =
                cx.try_once("failing", || Err(ToolError::new("not yet")));
            assert!(failed.is_err(), "a failure is no result");
            let (first, last) = (name(cx, "First name?")?, name(cx, "Last name?")?);
            Ok::<_, ToolError>(alloc::format!("{number} for {first} {last}"))
        }));
        let mut client = Client::new(version, builder);
        let response = client.tool("order", &json!({}), kind);
        assert_eq!(text(&response), "41 for Ada Ada", "{version}");
        let counted = (
            runs.load(Ordering::Relaxed),
            effects.load(Ordering::Relaxed),
        );
        assert_eq!(counted, (3, 1), "{version}");
    }
}

#[test]
fn a_handler_that_swallows_the_error_asks_all_the_same() {
    for version in ELICITING {
        let builder = server()
            .tool(
                ToolEntry::new("sync")
                    .run(|_, cx| name(cx, "Name?").unwrap_or_else(|_| "nobody".into())),
            )
            .tool(ToolEntry::new("async").run_async(|_, cx| async move {
                match cx.elicit::<Name>("Name?").await {
                    Ok(answer) => answer.accepted().unwrap().name,
                    // Dropped before: what would be done in vain is not done at all.
                    Err(error) => panic!("{error}"),
                }
            }));
        let mut client = Client::new(version, builder);
        for tool in ["sync", "async"] {
            assert_eq!(
                text(&client.tool(tool, &json!({}), kind)),
                "Ada",
                "{version} {tool}"
            );
        }
    }
}

#[test]
fn questions_of_a_task_of_its_own_end_the_run_as_well() {
    for version in ELICITING {
        let builder = server().tool(ToolEntry::new("spawns").run_async(|_, cx| async move {
            #[expect(
                clippy::disallowed_methods,
                reason = "a second thread is what is tested"
            )]
            let asked = std::thread::spawn(move || {
                let asked = super::client::boxed(cx.elicit::<Name>("Name?"));
                let mut asked = asked;
                let mut context = core::task::Context::from_waker(core::task::Waker::noop());
                match asked.as_mut().poll(&mut context) {
                    Poll::Ready(answer) => Some(answer),
                    Poll::Pending => None,
                }
            })
            .join()
            .unwrap();
            match asked {
                Some(answer) => Ok::<_, ToolError>(answer?.required()?.name),
                None => core::future::pending().await,
            }
        }));
        let mut client = Client::new(version, builder);
        assert_eq!(
            text(&client.tool("spawns", &json!({}), kind)),
            "Ada",
            "{version}"
        );
    }
}

#[test]
fn outside_of_a_server_a_question_fails_or_is_answered_by_the_test() {
    let cx = Cx::detached();
    assert!(matches!(
        cx.elicit::<Name>("?").get(),
        Err(AskError::Undeclared(_))
    ));
    let cx = Cx::detached().answering(|_| None);
    assert_eq!(cx.confirm("?").get(), Err(AskError::Unanswered));
    let cx = Cx::detached().answering(|_| {
        let answer = kind(
            "elicitation/create",
            &json!({"requestedSchema": {"properties": {"name": {"type": "string"}}}}),
        );
        Some(answer?.unwrap().into())
    });
    assert_eq!(name(&cx, "?").unwrap(), "Ada");
}

#[test]
fn a_confirmation_is_a_yes_or_a_no() {
    let table = [
        (
            json!({"action": "accept", "content": {"confirm": true}}),
            "true",
        ),
        (
            json!({"action": "accept", "content": {"confirm": false}}),
            "false",
        ),
        (json!({"action": "decline"}), "false"),
        (json!({"action": "cancel"}), "false"),
    ];
    for version in ELICITING {
        let builder = server().tool(
            ToolEntry::new("sure")
                .run(|_, cx| Ok::<_, ToolError>(alloc::format!("{}", cx.confirm("Sure?").get()?))),
        );
        let mut client = Client::new(version, builder);
        for (answer, expected) in &table {
            let response = client.tool("sure", &json!({}), |_, _| Some(Ok(answer.clone())));
            assert_eq!(text(&response), *expected, "{version} {answer}");
        }
    }
}
