//! Questions and answers as a handler has them, in one run.

use alloc::{
    borrow::ToOwned,
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{
    fmt,
    pin::pin,
    task::{Context, Poll, Waker},
};

use mcp_proto::{
    json::Json,
    rpc::RpcError,
    types::{
        CreateMessageParams, CreateMessageResult, ElicitAction, ElicitParams, ElicitResult,
        ElicitSchema, InputRequest, ListRootsResult, Root, SamplingContent, StringSchema,
    },
};

use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{AskError, Cx, Elicited, ToolError};

/// Answers everything: forms with `content`, pages with `action`.
fn answering(action: ElicitAction, content: &'static str) -> Cx {
    Cx::detached().answering(move |asked| {
        Some(match asked {
            InputRequest::Elicit(params) => match &**params {
                ElicitParams::Form(_) if action == ElicitAction::Accept => {
                    let content = Json::parse(content).unwrap();
                    Json::new(&ElicitResult::accept(content)).unwrap()
                }
                _ => Json::new(&ElicitResult::new(action)).unwrap(),
            },
            InputRequest::CreateMessage(_) => {
                Json::new(&CreateMessageResult::new("m", SamplingContent::text("hi"))).unwrap()
            }
            _ => Json::new(&ListRootsResult::new(Vec::from([Root::new("file:///w")]))).unwrap(),
        })
    })
}

fn named() -> ElicitSchema {
    ElicitSchema::new().with_required("name", StringSchema::default())
}

#[test]
fn every_kind_of_question_has_its_answer() {
    let cx = answering(ElicitAction::Accept, r#"{"name":"Ada","confirm":true}"#);
    let form = cx.elicit_form("who?", named()).get().unwrap();
    let content = form.accepted().unwrap();
    assert_eq!(content.as_str(), r#"{"name":"Ada","confirm":true}"#);
    assert_eq!(cx.confirm("sure?").get(), Ok(true));
    let page = cx.elicit_url("pay", "https://a.b/").elicitation_id("e");
    assert_eq!(page.key("page").get(), Ok(Elicited::Accepted(())));
    let sampled = cx.sample(CreateMessageParams::new(Vec::new(), 5)).get();
    assert_eq!(sampled.unwrap().model, "m");
    assert_eq!(cx.roots().get().unwrap()[0].uri, "file:///w");

    for (action, elicited, problem) in [
        (ElicitAction::Decline, Elicited::Declined, "declined"),
        (ElicitAction::Cancel, Elicited::Cancelled, "closed"),
    ] {
        let cx = answering(action, "{}");
        assert_eq!(cx.elicit_url("pay", "https://a.b/").get(), Ok(elicited));
        assert_eq!(
            cx.confirm("sure?").get(),
            Ok(false),
            "anything else is a no"
        );
        let form = cx.elicit_form("who?", named()).get().unwrap();
        let error = form.required().unwrap_err();
        assert!(!error.is_internal() && error.to_string().contains(problem));
    }
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Form<T> {
    field: T,
}

#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
enum Size {
    Small,
    Large,
}

/// What a handler gets for a form of one field where the client answers this; `None` where that is
/// no answer.
fn answered<T: DeserializeOwned + JsonSchema>(content: &str) -> Option<T> {
    let content = Json::parse(content).unwrap();
    let cx = Cx::detached()
        .answering(move |_| Some(Json::new(&ElicitResult::accept(content.clone())).unwrap()));
    match cx.elicit::<Form<T>>("?").get() {
        Ok(Elicited::Accepted(form)) => Some(form.field),
        Err(AskError::Unanswered) => None,
        _ => panic!("it was accepted"),
    }
}

/// Takes these values, and none of those.
fn takes<T: Clone + PartialEq + fmt::Debug + DeserializeOwned + JsonSchema>(
    right: &[(&str, T)],
    wrong: &[&str],
) {
    let all = right
        .iter()
        .map(|(value, read)| (*value, Some(read.clone())))
        .chain(wrong.iter().map(|value| (*value, None)));
    for (value, read) in all {
        let content = format!(r#"{{"field":{value}}}"#);
        assert_eq!(answered::<T>(&content), read, "{content}");
    }
}

#[test]
fn each_kind_of_field_takes_its_answers_and_asks_again_for_others() {
    takes(
        &[("\"x\"", String::from("x")), ("\"7\"", String::from("7"))],
        &["7", "true", "null", "[]", "{}"],
    );
    // JSON Schema knows an integer by its value, however it is written.
    takes(
        &[("7", 7_u8), ("7.0", 7), ("0.7e1", 7)],
        &["7.5", "-1", "256", "256.0", "\"7\"", "true", "null"],
    );
    takes(&[("7", 7.0), ("7.5", 7.5)], &["\"7\"", "true", "null"]);
    takes(&[("true", true)], &["1", "\"true\"", "null"]);
    takes(
        &[("\"Small\"", Size::Small)],
        &["\"small\"", "\"\"", "0", "[\"Small\"]", "null"],
    );
    takes(
        &[
            ("[]", Vec::new()),
            (
                "[\"Large\",\"Small\"]",
                Vec::from([Size::Large, Size::Small]),
            ),
        ],
        &["\"Small\"", "[\"Medium\"]", "[null]", "null"],
    );
    // What is optional may be left out, and nothing else; no value is null.
    takes(&[("7", Some(7_u8))], &["\"7\"", "7.5", "null"]);
    assert_eq!(answered::<Option<u8>>("{}"), Some(None));
    assert_eq!(answered::<u8>("{}"), None);
    assert_eq!(answered::<u8>("[7]"), None, "it is no object");
}

#[test]
fn an_answer_is_turned_into_what_is_wanted() {
    let turned = |elicited: Elicited<u8>| {
        let doubled = elicited.map(|number| u16::from(number) * 2);
        (doubled.clone().accepted(), doubled.required().ok())
    };
    assert_eq!(turned(Elicited::Accepted(200)), (Some(400), Some(400)));
    assert_eq!(turned(Elicited::Declined), (None, None));
    assert_eq!(turned(Elicited::Cancelled), (None, None));
    let kept = Elicited::<u8>::Declined.map(u16::from);
    assert_eq!(kept, Elicited::Declined);
    let kept = Elicited::<u8>::Cancelled.map(u16::from);
    assert_eq!(kept, Elicited::Cancelled);
}

#[test]
fn a_question_that_cannot_be_put_has_no_answer() {
    // Nobody has declared anything.
    let cx = Cx::detached();
    let asked = cx.confirm("sure?");
    assert!(format!("{asked:?}").contains("Undeclared"), "{asked:?}");
    // Neither a key nor an id makes a difference.
    let asked = asked.key("k").elicitation_id("e");
    assert!(matches!(asked.get(), Err(AskError::Undeclared(error)) if error.code == -32021));
    let mut waiting = Context::from_waker(Waker::noop());
    let polled = pin!(cx.confirm("sure?")).poll(&mut waiting);
    assert!(matches!(polled, Poll::Ready(Err(AskError::Undeclared(_)))));

    let cx = answering(ElicitAction::Accept, r#"{"name":"Ada"}"#);
    assert!(cx.elicit_form("who?", named()).key("k").get().is_ok());
    let twice = cx.elicit_form("whose?", named()).key("k").get();
    assert_eq!(twice, Err(AskError::Key("k".into())));
    // Its own key again is no other question's.
    assert!(
        cx.elicit_form("where?", named())
            .key("l")
            .key("l")
            .get()
            .is_ok()
    );
}

#[test]
fn an_answer_that_is_not_there_ends_the_run() {
    let cx = Cx::detached().answering(|_| None);
    assert_eq!(cx.roots().get(), Err(AskError::Unanswered));
    // Nobody drops this run: it is told.
    let mut waiting = Context::from_waker(Waker::noop());
    let polled = pin!(cx.roots()).poll(&mut waiting);
    assert_eq!(polled, Poll::Ready(Err(AskError::Unanswered)));
    // What does not fit is no answer.
    let cx = answering(ElicitAction::Accept, r#"{"name":7}"#);
    let asked = cx.elicit_form("who?", named()).get();
    assert_eq!(asked, Err(AskError::Unanswered));
}

#[test]
fn what_was_done_once_is_not_done_again() {
    let cx = Cx::detached();
    assert_eq!(cx.once("a", || 1), Ok(1));
    assert_eq!(cx.once("a", || -> i32 { panic!("again") }), Ok(1));
    // Of another type it cannot be read.
    let other = cx.once("a", || true);
    assert!(matches!(other, Err(AskError::Once { key, .. }) if key == "a"));
    let no_json = cx.once("b", || alloc::collections::BTreeMap::from([([1, 2], 3)]));
    assert!(matches!(no_json, Err(AskError::Once { key, .. }) if key == "b"));

    // A failure is not remembered.
    let fails = |_: &str| Err::<u8, _>(ToolError::new("no"));
    assert!(cx.try_once("c", || fails("first")).is_err());
    assert_eq!(cx.try_once("c", || Ok::<_, ToolError>(3_u8)).unwrap(), 3);
    assert_eq!(cx.try_once("c", || fails("again")).unwrap(), 3);

    let mut waiting = Context::from_waker(Waker::noop());
    let mut ready =
        |future: core::pin::Pin<&mut dyn Future<Output = i32>>| match future.poll(&mut waiting) {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("not ready"),
        };
    let later = |cx: Cx, number| async move {
        let first = cx.once_async("d", || async { number }).await.unwrap();
        let second = cx.try_once_async("e", || async { Ok::<_, ToolError>(number) });
        first * 10 + second.await.unwrap()
    };
    assert_eq!(ready(pin!(later(cx.clone(), 4))), 44);
    assert_eq!(ready(pin!(later(cx.clone(), 5))), 44);
    let failing = async {
        let failed = cx.try_once_async("f", || async { Err::<i32, _>(ToolError::new("no")) });
        i32::from(failed.await.is_err())
    };
    assert_eq!(ready(pin!(failing)), 1);
    // No client takes this call as a task: it goes on here.
    assert_eq!(cx.detach(), Ok(()));
}

#[test]
fn why_there_is_no_answer_is_said() {
    let rpc = |message: &str| RpcError::new(-1, message.to_owned());
    let (field, problem) = ("f".to_owned(), "it is odd".to_owned());
    let cases = [
        (AskError::Unanswered, "a question is not answered yet"),
        (AskError::Undeclared(rpc("lacks roots")), "lacks roots"),
        (
            AskError::Refused(rpc("not now")),
            "the client has refused a question: not now",
        ),
        (
            AskError::Form {
                field: String::new(),
                problem: problem.clone(),
            },
            "the answer's type is no form: it is odd",
        ),
        (
            AskError::Form {
                field: field.clone(),
                problem: problem.clone(),
            },
            "the field `f` cannot be part of a form: it is odd",
        ),
        (
            AskError::Once {
                key: field.clone(),
                problem,
            },
            "the result of `f` cannot be remembered: it is odd",
        ),
        (AskError::Key(field), "two questions have the key `f`"),
    ];
    for (error, text) in cases {
        assert_eq!(error.to_string(), text);
        // Also where it is the cause of another error.
        let outer = Outer(Box::new(error.clone()));
        assert_eq!(AskError::within(&outer), Some(&error));
    }
    let other = core::fmt::Error;
    assert_eq!(AskError::within(&other), None);
}

#[derive(Debug)]
struct Outer(Box<AskError>);

impl core::fmt::Display for Outer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("outer")
    }
}

impl core::error::Error for Outer {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&*self.0)
    }
}
