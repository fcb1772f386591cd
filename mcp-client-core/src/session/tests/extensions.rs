//! What an extension of one's own has, as servers of each revision see it.

use super::*;
use crate::{
    CallError, CallOptions, Extension, ExtensionMethod, Follow, FollowUp, News, Pending, Step,
    error::Malformed,
};
use ProtocolVersion::*;
use alloc::{boxed::Box, sync::Arc, vec};
use core::sync::atomic::{AtomicUsize, Ordering};
use mcp_proto::{
    json::Json,
    method::Method,
    request::CallTool,
    types::{CallToolParams, CallToolResult, Map, Meta, Task},
};

const SECOND: Duration = Duration::from_secs(1);
const DONE: &str = r#"{"resultType":"complete","content":[]}"#;

fn clock() -> Extension {
    Extension::new("com.example/clock")
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

/// A client that has not heard of its server yet.
fn asking(version: ProtocolVersion, extension: Extension) -> Script {
    let era = match version {
        V2026_07_28 => EraMode::Stateless,
        version => EraMode::Handshake(version),
    };
    Script::new(era, |config| config.extensions.push(extension))
}

/// A client that has agreed with its server on this revision; its next request has the id 2.
fn agreed(version: ProtocolVersion, extension: Extension) -> Script {
    let mut script = asking(version, extension);
    script.agree(version);
    script.sent_lines();
    script
}

impl Script {
    fn agree(&mut self, version: ProtocolVersion) {
        self.sent_lines();
        let result = match version {
            V2026_07_28 => r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#.to_string(),
            version => format!(r#"{{"protocolVersion":"{version}","capabilities":{{}}}}"#),
        };
        self.result(1, &result);
        assert_eq!(self.events()[0], "ready");
    }

    fn custom(&mut self, method: &'static str) -> Pending<Json> {
        self.client
            .call_custom(
                method,
                &Json::empty_object(),
                &CallOptions::default(),
                self.now,
            )
            .unwrap()
    }

    fn tool_with(&mut self, options: &CallOptions) -> Pending<CallToolResult> {
        let params = CallToolParams::new("t");
        self.client
            .call::<CallTool>(&params, options, self.now)
            .unwrap()
    }

    fn followed(&mut self, machine: impl FollowUp + 'static) -> Pending<Json> {
        let options = CallOptions::default();
        let id = self
            .client
            .follow(Box::new(machine), None, &options, self.now)
            .unwrap();
        Pending::new(id, crate::session::pending::text)
    }

    fn outcome<T: core::fmt::Debug>(&mut self, of: Pending<T>) -> Result<T, CallError> {
        self.client.take(of).expect("it has ended")
    }
}

fn members(line: &str, path: &[&str]) -> Map<Json> {
    let mut at = json(line);
    for name in path {
        let object: Map<Json> = at.to().unwrap();
        at = object.get(name).expect("it is there").clone();
    }
    at.to().unwrap()
}

#[test]
fn a_method_is_sent_in_its_revisions_and_refused_unsent_in_all_others() {
    let has = |method: &str, version| match method {
        "clock/new" => version == V2026_07_28,
        "clock/old" => V2025_03_26 <= version && version <= V2025_06_18,
        "clock/both" => version == V2024_11_05 || version >= V2025_11_25,
        _ => true,
    };
    let extension = || {
        let both = || ExtensionMethod::new("clock/both");
        clock()
            .method(ExtensionMethod::new("clock/new"))
            .method(ExtensionMethod::new("clock/old").in_revisions(V2025_03_26, V2025_06_18))
            .method(both().in_revisions(V2024_11_05, V2024_11_05))
            .method(both().in_revisions(V2025_11_25, V2026_07_28))
    };
    for version in ProtocolVersion::ALL {
        for method in ["clock/new", "clock/old", "clock/both", "nobodys/method"] {
            // The same whether the revision is known when it is called, or not yet.
            for early in [true, false] {
                let case = format!("{method} in {version}, early: {early}");
                let mut script = asking(version, extension());
                if !early {
                    script.agree(version);
                }
                let call = script.custom(method);
                if early {
                    script.agree(version);
                }
                let sent = script.sent_lines();
                let sent: Vec<_> = sent.iter().filter(|line| line.contains(method)).collect();
                if has(method, version) {
                    assert_eq!(sent.len(), 1, "{case}");
                    script.result(2, r#"{"time":7}"#);
                    script.events();
                    assert_eq!(script.outcome(call), Ok(json(r#"{"time":7}"#)), "{case}");
                } else {
                    assert_eq!(sent, [""; 0], "{case}");
                    script.events();
                    let refused = CallError::NotInRevision { version };
                    assert_eq!(script.outcome(call), Err(refused), "{case}");
                }
            }
        }
    }
}

#[test]
fn its_settings_are_declared_to_every_server() {
    for (extension, declared) in [
        (clock(), "{}"),
        (
            clock().settings(json(r#"{"zone":"UTC"}"#)),
            r#"{"zone":"UTC"}"#,
        ),
    ] {
        for version in ProtocolVersion::ALL {
            let mut script = asking(version, extension.clone());
            let first = script.sent_lines().remove(0);
            let path: &[&str] = match version {
                V2026_07_28 => &[
                    "params",
                    "_meta",
                    "io.modelcontextprotocol/clientCapabilities",
                ],
                _ => &["params", "capabilities"],
            };
            let known = members(&first, path).get("extensions").cloned();
            let expected = format!(r#"{{"com.example/clock":{declared}}}"#);
            assert_eq!(known, Some(json(&expected)), "{version}");
        }
    }
}

#[test]
fn its_meta_goes_with_requests_from_2026_on_and_takes_nobodys_place() {
    const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    let extension = clock()
        .meta("com.example/tick", json("1"))
        .meta("com.example/tick", json("3"))
        .meta(VERSION, json("\"1999-01-01\""));
    for version in ProtocolVersion::ALL {
        for (given, tick) in [(None, "1"), (Some("2"), "2")] {
            let mut script = agreed(version, extension.clone());
            let options = CallOptions {
                meta: given.map(|given| {
                    let mut meta = Meta::new();
                    meta.insert("com.example/tick", json(given));
                    meta
                }),
                ..CallOptions::default()
            };
            let _ = script.tool_with(&options);
            let line = script.sent_lines().remove(0);
            if version != V2026_07_28 {
                let count = usize::from(given.is_some());
                assert_eq!(line.matches("com.example/tick").count(), count, "{line}");
                continue;
            }
            // A key that stands twice in an object means one thing or another.
            assert_eq!(line.matches("com.example/tick").count(), 1, "{line}");
            assert_eq!(line.matches(VERSION).count(), 1, "{line}");
            let meta = members(&line, &["params", "_meta"]);
            assert_eq!(meta.get("com.example/tick"), Some(&json(tick)));
            assert_eq!(meta.get(VERSION), Some(&json("\"2026-07-28\"")));
        }
    }
}

/// Does what it is made to, one step after the other, and says nothing of its end.
#[derive(Debug)]
struct Steps(Vec<Step>);

impl FollowUp for Steps {
    fn step(&mut self, _: News<'_>, _: &Follow<'_>) -> Step {
        self.0.remove(0)
    }
}

fn begin(result: &Json, _: &Follow<'_>) -> Result<Box<dyn FollowUp>, Malformed> {
    let result: Map<Json> = result.to().map_err(Malformed::new)?;
    match result.get("then") {
        Some(then) => Ok(Box::new(Steps(vec![Step::Done(then.clone())]))),
        None => Err(Malformed::new("it does not say what then")),
    }
}

#[test]
fn a_result_of_its_type_goes_on_by_its_machine_and_any_other_is_refused() {
    let extension = || {
        clock()
            .result_type("alarm", Method::CallTool, begin)
            .result_type("later", Method::GetPrompt, begin)
            .result_type("task", Method::CallTool, begin)
    };
    let then = r#""then":{"content":[{"type":"text","text":"rung"}]}"#;
    let task = format!(r#"{{"task":{{}},{then}}}"#);
    let alarm = format!(r#"{{"resultType":"alarm",{then}}}"#);
    let later = format!(r#"{{"resultType":"later",{then}}}"#);
    let unexpected = "its resultType `later` is unexpected";
    for (version, result, expected) in [
        (V2026_07_28, &*alarm, Ok("rung")),
        (V2026_07_28, &later, Err(unexpected)),
        (
            V2026_07_28,
            r#"{"resultType":"alarm"}"#,
            Err("it does not say what then"),
        ),
        (V2026_07_28, r#"{"resultType":7}"#, Err("expected a string")),
        // Until 2025-11-25 results have no type, but this one tells a task by its shape.
        (V2025_11_25, &task, Ok("rung")),
        (V2025_11_25, DONE, Ok("")),
        (
            V2025_06_18,
            r#"{"resultType":"alarm","content":[]}"#,
            Ok(""),
        ),
        (V2025_06_18, r#"{"task":{},"content":[]}"#, Ok("")),
    ] {
        let mut script = agreed(version, extension());
        let call = script.tool_with(&CallOptions::default());
        script.result(2, result);
        assert_eq!(script.events(), ["done"], "{version} {result}");
        match (script.outcome(call), expected) {
            (Ok(output), Ok(text)) => {
                let said = output.content.iter().filter_map(|block| block.as_text());
                assert_eq!(said.collect::<String>(), text, "{version} {result}");
            }
            (Err(error @ CallError::Malformed(_)), Err(reason)) => {
                let error = error.to_string();
                assert!(error.contains(reason), "{version} {result}: {error}");
            }
            (outcome, _) => panic!("{version} {result}: {outcome:?}"),
        }
    }
}

#[test]
fn whoever_takes_the_result_over_gets_it_as_it_came() {
    let extension = clock().result_type("alarm", Method::CallTool, begin);
    for (result, is_taken) in [
        (r#"{"resultType":"alarm","then":1}"#, true),
        (r#"{"resultType":"alarm"}"#, false),
    ] {
        let mut script = agreed(V2026_07_28, extension.clone());
        let call = script.tool_with(&CallOptions {
            hand_over: true,
            ..CallOptions::default()
        });
        script.result(2, result);
        assert_eq!(script.events(), ["done"]);
        let text = Pending::new(call.id(), crate::session::pending::text);
        let outcome = script.outcome(text);
        assert_eq!(outcome.ok(), is_taken.then(|| json(result)));
    }
}

#[test]
fn a_refused_call_is_made_once_more_in_the_handshake_era_alone() {
    for version in ProtocolVersion::ALL {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let extension = clock().again(Method::CallTool, move |error, params, server| {
            count.fetch_add(1, Ordering::Relaxed);
            assert_eq!((error.code, server.version), (-32601, version));
            assert_eq!(params, &json(r#"{"name":"t"}"#));
            Some(json(r#"{"name":"t","at":"noon"}"#))
        });
        let mut script = agreed(version, extension);
        let call = script.tool_with(&CallOptions::default());
        script.sent_lines();
        let refused = |id| {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"no"}}}}"#)
        };
        script.line(&refused(2));
        if version != V2026_07_28 {
            assert_eq!(script.events(), [""; 0], "{version}");
            assert_eq!(
                script.sent(),
                [r#""id":3,"method":"tools/call","params":{"name":"t","at":"noon"}"#],
                "{version}"
            );
            script.line(&refused(3));
        }
        assert_eq!(script.events(), ["done"], "{version}");
        assert!(script.sent().is_empty(), "{version}: not a third time");
        assert!(matches!(script.outcome(call), Err(CallError::Rpc(_))));
        let asked = asked.load(Ordering::Relaxed);
        assert_eq!(asked, usize::from(version != V2026_07_28), "{version}");
    }
}

/// Waits for word of one topic of one extension.
#[derive(Debug)]
struct Waits(&'static str, &'static str);

impl FollowUp for Waits {
    fn step(&mut self, news: News<'_>, call: &Follow<'_>) -> Step {
        match news {
            News::Notice(params) => Step::Done(params.clone()),
            _ => {
                let mut task = Task::new(self.1, "");
                task.status_message = Some(format!("told: {}", call.is_told));
                call.tell(&task);
                Step::Stay
            }
        }
    }

    fn topic(&self) -> Option<(&str, &str)> {
        Some((self.0, self.1))
    }
}

#[test]
fn a_notice_wakes_those_who_follow_that_topic_of_that_extension() {
    const CLOCK: &str = "com.example/clock";
    const TIMER: &str = "com.example/timer";
    for version in ProtocolVersion::ALL {
        let mut script = Script::new(
            match version {
                V2026_07_28 => EraMode::Stateless,
                version => EraMode::Handshake(version),
            },
            |config| {
                config.extensions = vec![
                    clock().notice("notifications/struck", "clockId"),
                    // Both may say the same of what is theirs.
                    Extension::new(TIMER)
                        .notice("notifications/over", "timerId")
                        .notice("notifications/struck", "timerId"),
                ];
            },
        );
        script.agree(version);
        let calls = [
            (CLOCK, "7"),
            (CLOCK, "8"),
            (TIMER, "7"),
            (TIMER, "8"),
            (TIMER, "9"),
        ]
        .map(|(extension, topic)| Some(script.followed(Waits(extension, topic))));
        let mut calls = Vec::from(calls);
        script.events();
        let mut ended = |script: &mut Script| {
            script.events();
            let mut ended = Vec::new();
            for (at, slot) in calls.iter_mut().enumerate() {
                if let Some(call) = slot.take() {
                    match script.client.take(call) {
                        Ok(_) => ended.push(at),
                        Err(call) => *slot = Some(call),
                    }
                }
            }
            ended
        };
        for (notice, params, expected) in [
            ("notifications/over", r#"{"clockId":"8"}"#, vec![]),
            ("notifications/over", r#"{"timerId":8}"#, vec![]),
            ("notifications/struck", "[]", vec![]),
            ("notifications/else", r#"{"clockId":"7"}"#, vec![]),
            ("notifications/struck", r#"{"clockId":"7"}"#, vec![0]),
            ("notifications/over", r#"{"timerId":"8"}"#, vec![3]),
            ("notifications/struck", r#"{"timerId":"7"}"#, vec![2]),
            (
                "notifications/struck",
                r#"{"clockId":"8","timerId":"9"}"#,
                vec![1, 4],
            ),
        ] {
            script.note(notice, params);
            assert_eq!(ended(&mut script), expected, "{version} {notice} {params}");
        }
    }
}

#[test]
fn a_stream_is_opened_for_a_topic_where_the_extension_has_a_place_for_it() {
    for (version, extension, is_opened) in [
        (V2026_07_28, clock().topics("clockIds"), true),
        (V2026_07_28, clock(), false),
        (V2025_11_25, clock().topics("clockIds"), false),
    ] {
        let mut script = agreed(version, extension);
        let call = script.followed(Waits("com.example/clock", "7"));
        assert_eq!(script.events(), ["task working told: false"]);
        let sent = script.sent();
        if !is_opened {
            assert_eq!(sent, [""; 0], "{version}");
            continue;
        }
        let listen =
            r#""method":"subscriptions/listen","params":{"notifications":{"clockIds":["7"]}"#;
        assert!(sent[0].contains(listen), "{sent:?}");
        let granted = r#"{"notifications":{"clockIds":["7"]},"_meta":{"io.modelcontextprotocol/subscriptionId":2}}"#;
        script.note("notifications/subscriptions/acknowledged", granted);
        assert_eq!(script.events(), ["task working told: true"]);
        script.client.cancel(call.id(), None, script.now);
        let sent = script.sent();
        assert!(sent[0].contains(r#"notifications/cancelled","params":{"requestId":2"#));
        assert_eq!(sent.len(), 1, "what is followed ends without a word");
    }
}

#[test]
fn a_machine_that_says_nothing_of_its_end_leaves_the_server_alone() {
    let mut script = agreed(V2026_07_28, clock());
    let paused = script.followed(Steps(vec![Step::Pause(SECOND)]));
    let asked = script.followed(Steps(vec![Step::Request {
        method: "clock/read".into(),
        params: Json::empty_object(),
    }]));
    let sent = script.sent();
    assert!(sent[0].starts_with(r#""id":2,"method":"clock/read""#) && sent.len() == 1);
    script.client.forget(paused.id(), script.now);
    assert_eq!(script.sent(), [""; 0], "nothing of its is with the server");
    script.client.forget(asked.id(), script.now);
    let cancelled = r#""method":"notifications/cancelled","params":{"requestId":2}"#;
    assert_eq!(script.sent(), [cancelled]);
    assert_eq!(script.client.poll_timeout(), None);
}

#[test]
fn what_a_machine_has_sent_is_to_be_an_object() {
    let mut script = agreed(V2026_07_28, clock());
    let call = script.followed(Steps(vec![Step::Request {
        method: "clock/read".into(),
        params: json("[7]"),
    }]));
    assert_eq!(
        (script.events(), script.sent().len()),
        (vec!["done".into()], 0)
    );
    assert!(matches!(script.outcome(call), Err(CallError::Malformed(_))));
}
