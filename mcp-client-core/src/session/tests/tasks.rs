//! Calls that become tasks, in both revisions that have them.

use super::*;
use crate::{
    CallError, CallOptions, Extension, Follow, FollowUp, InputError, News, Pending, Started, Step,
    TaskError, Tasks, ToolOutput,
    command::{self, Command},
    tasks::{self, Begun},
};
use mcp_proto::{
    json::Json,
    types::{ElicitResult, ElicitationCapability, Task, TaskStatus},
};

const SECOND: Duration = Duration::from_secs(1);

fn with(tasks: Tasks) -> impl FnOnce(&mut Config) {
    |config| {
        config.extensions.push(tasks.into_extension());
        let forms = &mut config.capabilities.elicitation;
        *forms = None;
    }
}

fn asked(config: &mut Config) {
    config.extensions.push(Tasks::new().into_extension());
    let mut elicitation = ElicitationCapability::default();
    elicitation.form = Some(Json::empty_object());
    config.capabilities.elicitation = Some(elicitation);
}

fn stateless() -> Script {
    Script::stateless(with(Tasks::new()))
}

/// A client that has agreed on 2025-11-25 with a server that takes tasks.
fn handshake() -> Script {
    let mut script = Script::new(
        EraMode::Handshake(ProtocolVersion::V2025_11_25),
        with(Tasks::new()),
    );
    script.sent_lines();
    script.line(
        r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}},"serverInfo":{"name":"s","version":"1"}}}"#,
    );
    assert_eq!(script.events(), ["ready"]);
    script.sent_lines();
    script
}

/// What a server says of the task `T`.
fn task(status: &str, more: &str) -> String {
    format!(
        r#""taskId":"T","status":"{status}","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttlMs":60000,"pollIntervalMs":2000{more}"#
    )
}

fn old(status: &str) -> String {
    format!(
        r#"{{"taskId":"T","status":"{status}","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttl":60000,"pollInterval":2000}}"#
    )
}

const CONTENT: &str = r#"{"content":[{"type":"text","text":"done"}]}"#;
const ASKS: &str = r#"{"method":"elicitation/create","params":{"mode":"form","message":"who?","requestedSchema":{"type":"object","properties":{}}}}"#;

impl Script {
    fn start<C: Command>(&mut self, command: C) -> Pending<C::Output> {
        self.start_with(command, &CallOptions::default())
    }

    fn start_with<C: Command>(&mut self, command: C, options: &CallOptions) -> Pending<C::Output> {
        command
            .start(&mut self.client, options, self.now)
            .expect("there is room")
    }

    fn tool_call(&mut self) -> Pending<ToolOutput> {
        self.start(command::call_tool("t", &()))
    }

    fn taken<T: core::fmt::Debug>(&mut self, of: Pending<T>) -> Result<T, CallError> {
        self.client.take(of).expect("it has ended")
    }

    /// A call of 2026-07-28 that has become the task `T`; its request had the id 2.
    fn becomes(&mut self) -> Pending<ToolOutput> {
        let call = self.tool_call();
        self.sent();
        let created = task("working", "");
        self.result(2, &format!(r#"{{"resultType":"task",{created}}}"#));
        assert_eq!(self.events(), ["task working "]);
        call
    }

    fn got(&mut self, id: i64, status: &str, more: &str) {
        let got = task(status, more);
        self.result(id, &format!(r#"{{"resultType":"complete",{got}}}"#));
    }

    fn answer_form(&mut self) {
        let ticket = self.tickets.remove(0);
        let answer = ElicitResult::accept(Json::empty_object()).into();
        self.client
            .answer(ticket, Ok(answer), self.now)
            .expect("it fits");
    }
}

const GET: &str = r#""method":"tasks/get","params":{"taskId":"T"}"#;

#[test]
fn a_call_that_becomes_a_task_is_looked_at_as_often_as_the_server_says() {
    let mut script = stateless();
    let call = script.becomes();
    assert_eq!(script.sent(), [""; 0]);
    script.pass(SECOND);
    assert_eq!((script.events().len(), script.sent().len()), (0, 0));
    script.pass(SECOND);
    assert_eq!(script.events(), [""; 0]);
    assert_eq!(script.sent(), [format!(r#""id":3,{GET}"#)]);
    script.got(3, "working", r#","statusMessage":"half""#);
    assert_eq!(script.events(), ["task working half"]);
    // The interval may change.
    script.pass(2 * SECOND);
    script.events();
    assert_eq!(script.sent(), [format!(r#""id":4,{GET}"#)]);
    let done = format!(r#","statusMessage":"half","result":{CONTENT}"#);
    script.got(4, "completed", &done);
    assert_eq!(script.events(), ["task completed half", "done"]);
    assert_eq!(script.taken(call).unwrap().text(), "done");
    assert_eq!(script.client.poll_timeout(), None);
}

#[test]
fn a_tasks_questions_are_put_once_and_answered() {
    let mut script = Script::stateless(asked);
    let call = script.tool_call();
    script.sent_lines();
    let created = task("input_required", "");
    script.result(2, &format!(r#"{{"resultType":"task",{created}}}"#));
    // Which questions there are only a look tells.
    assert_eq!(script.events(), ["task input_required "]);
    assert_eq!(script.sent_lines().len(), 1);
    script.got(
        3,
        "input_required",
        &format!(r#","inputRequests":{{"a":{ASKS}}}"#),
    );
    assert_eq!(script.events(), ["input elicitation/create"]);
    script.pass(120 * SECOND);
    assert_eq!(script.events(), [""; 0]);
    script.answer_form();
    let update = script.sent_lines().remove(0);
    assert!(
        update.contains(r#""method":"tasks/update","params":{"taskId":"T","inputResponses":{"a":{"action":"accept","content":{}}}"#),
        "{update}"
    );
    script.result(4, r#"{"resultType":"complete"}"#);
    script.events();
    // The acknowledgement is no promise that the next look knows of it.
    for id in 5..7 {
        script.pass(2 * SECOND);
        script.events();
        assert_eq!(script.sent_lines().len(), 1);
        script.got(
            id,
            "input_required",
            &format!(r#","inputRequests":{{"a":{ASKS}}}"#),
        );
        assert_eq!(script.events(), [""; 0]);
    }
    script.pass(2 * SECOND);
    script.events();
    // Another one is another question.
    script.got(
        7,
        "input_required",
        &format!(r#","inputRequests":{{"a":{ASKS},"b":{ASKS}}}"#),
    );
    assert_eq!(script.events(), ["input elicitation/create"]);
    script.answer_form();
    script.result(8, r#"{"resultType":"complete"}"#);
    script.events();
    script.pass(2 * SECOND);
    script.events();
    script.got(9, "completed", &format!(r#","result":{CONTENT}"#));
    assert_eq!(script.events(), ["task completed ", "done"]);
    assert_eq!(script.taken(call).unwrap().text(), "done");
}

#[test]
fn two_who_wait_for_one_task_do_not_ask_the_same_twice() {
    let mut script = Script::stateless(asked);
    let first = script.start(tasks::task_result("T", None));
    let second = script.start(tasks::wait_for_task("T", None));
    script.sent_lines();
    let asks = format!(r#","inputRequests":{{"a":{ASKS}}}"#);
    script.got(2, "input_required", &asks);
    script.got(3, "input_required", &asks);
    let events = script.events();
    let questions = events.iter().filter(|event| event.starts_with("input "));
    assert_eq!(questions.count(), 1, "{events:?}");
    script.answer_form();
    assert_eq!(script.sent_lines().len(), 1);
    script.result(4, r#"{"resultType":"complete"}"#);
    script.events();
    script.pass(2 * SECOND);
    script.events();
    assert_eq!(script.sent_lines().len(), 2);
    script.got(5, "completed", &format!(r#","result":{CONTENT}"#));
    script.got(6, "completed", &format!(r#","result":{CONTENT}"#));
    script.events();
    assert_eq!(script.taken(first).unwrap().text(), "done");
    assert_eq!(script.taken(second).unwrap().status, TaskStatus::Completed);
}

#[test]
fn answers_that_did_not_arrive_are_sent_again() {
    let mut script = Script::stateless(asked);
    let call = script.start(tasks::task_result("T", None));
    script.sent_lines();
    let asks = format!(r#","inputRequests":{{"a":{ASKS}}}"#);
    script.got(2, "input_required", &asks);
    script.events();
    script.answer_form();
    script.sent_lines();
    script.line(r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32000,"message":"busy"}}"#);
    script.events();
    script.pass(2 * SECOND);
    script.events();
    script.got(4, "input_required", &asks);
    script.events();
    let sent = script.sent_lines();
    assert_eq!(sent.len(), 2);
    assert!(sent[1].contains("tasks/update"), "{}", sent[1]);
    script.client.cancel(call.id(), None, script.now);
}

#[test]
fn a_tool_that_wants_to_be_a_task_is_asked_for_one() {
    let mut script = handshake();
    let call = script.tool_call();
    assert_eq!(
        script.sent(),
        [r#""id":2,"method":"tools/call","params":{"name":"t"}"#]
    );
    let refused = r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"as a task"}}"#;
    script.line(&refused.replace("ID", "2"));
    assert_eq!(script.events(), [""; 0]);
    assert_eq!(
        script.sent(),
        [r#""id":3,"method":"tools/call","params":{"name":"t","task":{}}"#]
    );
    script.result(3, &format!(r#"{{"task":{}}}"#, old("working")));
    assert_eq!(script.events(), ["task working "]);
    script.pass(2 * SECOND);
    script.events();
    assert_eq!(script.sent(), [format!(r#""id":4,{GET}"#)]);
    script.result(4, &old("completed"));
    assert_eq!(script.events(), ["task completed "]);
    assert_eq!(
        script.sent(),
        [r#""id":5,"method":"tasks/result","params":{"taskId":"T"}"#]
    );
    script.result(5, CONTENT);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.taken(call).unwrap().text(), "done");
    // Once, and not for ever.
    let call = script.tool_call();
    script.line(&refused.replace("ID", "6"));
    script.events();
    script.line(&refused.replace("ID", "7"));
    assert_eq!(script.events(), ["done"]);
    assert!(matches!(script.taken(call), Err(CallError::Rpc(error)) if error.code == -32601));
}

#[test]
fn a_task_of_2025_that_asks_is_heard_while_its_result_is_waited_for() {
    let mut script = handshake();
    let call = script.start(tasks::task_result("T", None));
    script.sent();
    script.result(2, &old("input_required"));
    assert_eq!(script.events(), ["task input_required "]);
    assert_eq!(
        script.sent(),
        [r#""id":3,"method":"tasks/result","params":{"taskId":"T"}"#]
    );
    // Silence is no reason to give up: it is asked how the task is.
    script.pass(script.client.config.limits.call_timeout);
    assert_eq!(script.events(), [""; 0]);
    let sent = script.sent();
    assert!(sent[0].contains("notifications/cancelled"), "{sent:?}");
    assert_eq!(sent[1], format!(r#""id":4,{GET}"#));
    script.result(4, &old("failed"));
    script.events();
    script.sent();
    script.line(r#"{"jsonrpc":"2.0","id":5,"error":{"code":-32603,"message":"broken"}}"#);
    assert_eq!(script.events(), ["done"]);
    let error = script.taken(call).unwrap_err();
    assert_eq!(error.to_string(), "the server answered: broken (-32603)");
}

#[test]
fn reports_go_on_in_2025() {
    let mut script = handshake();
    let options = CallOptions::default().with_progress();
    let begun = script.start_with(tasks::call_tool_as_task("t", &()), &options);
    let token = begun.id().as_u64();
    assert_eq!(
        script.sent(),
        [format!(
            r#""id":2,"method":"tools/call","params":{{"name":"t","task":{{}},"_meta":{{"progressToken":{token}}}}}"#
        )]
    );
    script.result(2, &format!(r#"{{"task":{}}}"#, old("working")));
    assert_eq!(script.events(), ["done"]);
    let Started::Task(Begun { call, task, .. }) = script.taken(begun).unwrap() else {
        panic!("it is a task");
    };
    assert_eq!((task.task_id.as_str(), task.ttl_ms), ("T", Some(60_000)));
    let report = format!(r#"{{"progressToken":{token},"progress":1}}"#);
    // Nobody waits, and nobody is told.
    script.note("notifications/progress", &report);
    assert_eq!(script.events(), [""; 0]);
    let result = script.start_with(tasks::task_result("T", Some(call)), &options);
    assert_eq!(script.sent(), [format!(r#""id":3,{GET}"#)]);
    script.note("notifications/progress", &report);
    assert_eq!(script.events(), ["progress 1"]);
    script.result(3, &old("working"));
    script.note("notifications/progress", &report);
    assert_eq!(script.events(), ["task working ", "progress 1"]);
    // A notice is as good as a look.
    script.note("notifications/tasks/status", &old("completed"));
    let events = script.events();
    assert_eq!(events[0], "task completed ");
    assert_eq!(
        script.sent(),
        [r#""id":4,"method":"tasks/result","params":{"taskId":"T"}"#]
    );
    script.result(4, CONTENT);
    script.events();
    assert_eq!(script.taken(result).unwrap().text(), "done");
}

#[test]
fn a_server_that_answers_at_once_has_begun_nothing() {
    for mut script in [stateless(), handshake()] {
        let call = script.start(tasks::call_tool_as_task("t", &()));
        script.result(2, CONTENT);
        assert_eq!(script.events(), ["done"]);
        let Started::Done(output) = script.taken(call).unwrap() else {
            panic!("it is no task");
        };
        assert_eq!(output.text(), "done");
    }
}

#[test]
fn whoever_listens_is_woken_and_looks_seldom() {
    let mut script = Script::stateless(with(Tasks::new().listening()));
    let call = script.tool_call();
    script.sent();
    script.result(
        2,
        &format!(r#"{{"resultType":"task",{}}}"#, task("working", "")),
    );
    script.events();
    assert_eq!(
        script.sent(),
        [r#""id":3,"method":"subscriptions/listen","params":{"notifications":{"taskIds":["T"]}}"#]
    );
    script.note(
        "notifications/subscriptions/acknowledged",
        r#"{"notifications":{"taskIds":["T"]},"_meta":{"io.modelcontextprotocol/subscriptionId":3}}"#,
    );
    // It may have changed before.
    assert_eq!(script.events(), [""; 0]);
    assert_eq!(script.sent(), [format!(r#""id":4,{GET}"#)]);
    script.got(4, "working", "");
    script.pass(30 * SECOND);
    assert_eq!(script.events(), [""; 0]);
    assert_eq!(script.sent(), [""; 0]);
    let told = format!("{{{}}}", task("working", r#","statusMessage":"half""#));
    script.note("notifications/tasks", &told);
    assert_eq!(script.events()[0], "task working half");
    let told = format!(
        "{{{}}}",
        task("completed", &format!(r#","result":{CONTENT}"#))
    );
    script.note("notifications/tasks", &told);
    let events = script.events();
    assert_eq!(events[..2], ["task completed ", "done"]);
    assert_eq!(script.taken(call).unwrap().text(), "done");
    // The stream is closed with what it was for.
    let sent = script.sent();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains(r#""requestId":3"#), "{sent:?}");
    assert_eq!(script.client.poll_timeout(), None);
}

#[test]
fn a_stream_that_breaks_off_is_made_good_by_looking() {
    let mut script = Script::stateless(with(Tasks::new().listening()));
    let call = script.start(tasks::wait_for_task("T", None));
    script.sent();
    script.note(
        "notifications/subscriptions/acknowledged",
        r#"{"notifications":{"taskIds":["T"]},"_meta":{"io.modelcontextprotocol/subscriptionId":2}}"#,
    );
    script.got(3, "working", "");
    script.events();
    // What was acknowledged while it was looked at may have been told before.
    assert_eq!(script.sent(), [format!(r#""id":4,{GET}"#)]);
    script.got(4, "working", "");
    script.events();
    script.result(2, r#"{"resultType":"complete"}"#);
    script.events();
    assert_eq!(script.sent(), [format!(r#""id":5,{GET}"#)]);
    script.got(5, "cancelled", "");
    script.events();
    assert_eq!(script.taken(call).unwrap().status, TaskStatus::Cancelled);
}

#[test]
fn a_call_that_nobody_wants_any_more_takes_its_task_along() {
    let cancel = r#""method":"tasks/cancel","params":{"taskId":"T""#;
    for detached in [false, true] {
        let mut script = stateless();
        let mut options = CallOptions::default().with_max(10 * SECOND);
        options.timeout = Some(5 * SECOND);
        options.detached = detached;
        let expected = usize::from(!detached);
        for end in ["forgotten", "cancelled", "late"] {
            let call = script.start_with(command::call_tool("t", &()), &options);
            let line = script.sent_lines().remove(0);
            let id = line[22..].split(',').next().unwrap().parse().unwrap();
            let created = task("working", "");
            script.result(id, &format!(r#"{{"resultType":"task",{created}}}"#));
            script.events();
            match end {
                "forgotten" => script.client.forget(call.id(), script.now),
                "cancelled" => script.client.cancel(call.id(), None, script.now),
                _ => {
                    for _ in 0..5 {
                        script.pass(2 * SECOND);
                        script.events();
                        for line in script.sent_lines() {
                            if line.contains("tasks/get") {
                                let id = line[22..].split(',').next().unwrap().parse().unwrap();
                                script.got(id, "working", "");
                            } else {
                                assert!(line.contains(cancel) && !detached, "{end}: {line}");
                            }
                        }
                    }
                    script.events();
                    assert_eq!(script.taken(call), Err(CallError::TimedOut));
                    continue;
                }
            }
            script.events();
            let sent = script.sent();
            assert_eq!(sent.len(), expected, "{end}: {sent:?}");
            assert!(sent.iter().all(|line| line.contains(cancel)), "{sent:?}");
        }
    }
}

#[test]
fn waiting_is_not_the_task() {
    let mut script = stateless();
    let waiting = script.start(tasks::task_result("T", None));
    script.sent();
    script.got(2, "working", "");
    script.events();
    script.client.forget(waiting.id(), script.now);
    assert_eq!(script.sent(), [""; 0]);
    let cancel = script.start(tasks::cancel_task("T"));
    assert_eq!(
        script.sent(),
        [r#""id":3,"method":"tasks/cancel","params":{"taskId":"T"}"#]
    );
    script.result(3, r#"{"resultType":"complete"}"#);
    script.events();
    assert_eq!(script.taken(cancel), Ok(()));
}

#[test]
fn how_a_task_ends_is_how_its_call_ends() {
    let error = |code: i64| format!(r#","error":{{"code":{code},"message":"no"}}"#);
    for (status, more, expected) in [
        ("failed", error(-5), "the server answered: no (-5)"),
        (
            "failed",
            String::new(),
            "the server's answer cannot be read: a task that is failed must say more",
        ),
        (
            "failed",
            r#","error":7"#.into(),
            "the server's answer cannot be read: ",
        ),
        ("cancelled", String::new(), "the task was cancelled"),
        (
            "cancelled",
            r#","statusMessage":"why not""#.into(),
            "the task was cancelled: why not",
        ),
        (
            "completed",
            String::new(),
            "the server's answer cannot be read: a task that is completed must say more",
        ),
        (
            "completed",
            r#","result":[1]"#.into(),
            "the server's answer cannot be read: ",
        ),
        (
            "completed",
            r#","result":{"resultType":"task","taskId":"U"}"#.into(),
            "the server's answer cannot be read: a task's result must be complete",
        ),
        (
            "completed",
            r#","result":{"resultType":"input_required"}"#.into(),
            "the server's answer cannot be read: a task's result must be complete",
        ),
        (
            "input_required",
            String::new(),
            "the server's answer cannot be read: a task that is input_required must say more",
        ),
        (
            "input_required",
            format!(r#","inputRequests":{{"a":{ASKS}}}"#),
            "the server asked for elicitation by form, which this client does not offer",
        ),
        (
            "sleeping",
            String::new(),
            "the server's answer cannot be read: ",
        ),
    ] {
        let mut script = stateless();
        let call = script.becomes();
        script.pass(2 * SECOND);
        script.events();
        script.sent();
        script.got(3, status, &more);
        script.events();
        let error = script.taken(call).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{status} {more}: {error}");
    }
}

#[test]
fn answers_about_something_else_end_the_call_clearly() {
    let unreadable = "the server's answer cannot be read: ";
    for (created, expected) in [
        (r#"{"resultType":"task"}"#.to_string(), unreadable),
        (
            r#"{"resultType":"task","task":{"taskId":"T"}}"#.to_string(),
            unreadable,
        ),
        (
            format!(
                r#"{{"resultType":"task",{}}}"#,
                task("working", "").replace("\"T\"", "\"\"")
            ),
            unreadable,
        ),
        (
            format!(
                r#"{{"resultType":"task",{}}}"#,
                task("working", "").replace("\"T\"", "7")
            ),
            unreadable,
        ),
        (r#"{"resultType":"other"}"#.to_string(), unreadable),
    ] {
        let mut script = stateless();
        let call = script.tool_call();
        script.result(2, &created);
        assert_eq!(script.events(), ["done"], "{created}");
        let error = script.taken(call).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{created}: {error}");
    }
    for got in [
        task("working", "").replace("\"T\"", "\"U\""),
        "\"a\":1".to_string(),
    ] {
        let mut script = stateless();
        let call = script.becomes();
        script.pass(2 * SECOND);
        script.events();
        script.result(3, &format!("{{{got}}}"));
        assert_eq!(script.events(), ["done"]);
        let error = script.taken(call).unwrap_err().to_string();
        assert!(error.starts_with(unreadable), "{got}: {error}");
    }
    // Nobody has said that tasks are understood.
    let mut script = Script::stateless(|_| {});
    let call = script.tool_call();
    script.result(
        2,
        &format!(r#"{{"resultType":"task",{}}}"#, task("working", "")),
    );
    script.events();
    let error = script.taken(call).unwrap_err().to_string();
    assert_eq!(
        error,
        "the server's answer cannot be read: its resultType `task` is unexpected"
    );
}

#[test]
fn an_unknown_task_is_said_to_be_so() {
    for mut script in [stateless(), handshake()] {
        let call = script.start(tasks::wait_for_task("T", None));
        script.line(r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"no such task"}}"#);
        script.events();
        let error = script.taken(call).unwrap_err();
        assert!(
            matches!(error, CallError::Task(TaskError::Unknown(_))),
            "{error:?}"
        );
    }
}

#[test]
fn no_pause_is_shorter_than_a_millisecond() {
    let with_tasks = with(Tasks::new());
    let mut script = Script::stateless(|config| {
        with_tasks(config);
        config.limits.task_poll_min = Duration::ZERO;
    });
    let _waiting = script.start(tasks::wait_for_task("T", None));
    let got = task("working", "").replace("2000", "0");
    script.result(2, &format!("{{{got}}}"));
    assert_eq!(script.events(), ["task working "]);
    let due = script.client.poll_timeout().expect("it looks again");
    assert_eq!(due.duration_since(script.now), Duration::from_millis(1));
}

#[test]
fn no_server_makes_a_client_look_without_end_or_never_again() {
    // What the server wants, and when it is looked at again.
    for (interval, expected) in [
        ("0", Duration::from_millis(50)),
        ("49", Duration::from_millis(50)),
        ("51", Duration::from_millis(51)),
        ("59999", Duration::from_millis(59_999)),
        ("60001", 60 * SECOND),
        ("18446744073709551615", 60 * SECOND),
        ("-1", SECOND),
        ("1e300", SECOND),
        ("\"soon\"", SECOND),
    ] {
        let mut script = stateless();
        let call = script.start(tasks::wait_for_task("T", None));
        let got = task("working", "").replace("2000", interval);
        script.result(2, &format!("{{{got}}}"));
        assert_eq!(script.events(), ["task working "], "{interval}");
        let due = script.client.poll_timeout().expect("it looks again");
        assert_eq!(due.duration_since(script.now), expected, "{interval}");
        script.client.forget(call.id(), script.now);
    }
}

#[test]
fn a_task_that_asks_without_end_is_given_up() {
    let mut script = Script::stateless(|config| {
        asked(config);
        config.limits.input_rounds = 2;
    });
    let call = script.start(tasks::task_result("T", None));
    for (id, key) in [(2, "a"), (5, "b"), (8, "c")] {
        script.got(
            id,
            "input_required",
            &format!(r#","inputRequests":{{"{key}":{ASKS}}}"#),
        );
        script.events();
        if script.tickets.is_empty() {
            break;
        }
        script.answer_form();
        script.result(id + 1, "{}");
        script.events();
        script.pass(2 * SECOND);
        script.events();
        script.sent();
        script.got(id + 2, "working", "");
        script.events();
        script.pass(2 * SECOND);
        script.events();
    }
    let error = script.taken(call).unwrap_err();
    assert_eq!(error, CallError::Input(InputError::TooManyRounds(2)));
}

#[test]
fn what_is_silent_or_gone_ends_the_waiting() {
    let mut script = stateless();
    let call = script.becomes();
    script.pass(2 * SECOND);
    script.events();
    script.pass(script.client.config.limits.call_timeout);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.taken(call), Err(CallError::TimedOut));
    let call = script.start(tasks::task_result("T", None));
    script.eof();
    script.events();
    assert!(matches!(script.taken(call), Err(CallError::Lost(_))));
}

#[test]
fn tasks_are_listed_in_2025_only() {
    let mut script = handshake();
    let list = script.start(tasks::list_tasks());
    script.result(2, &format!(r#"{{"tasks":[{}]}}"#, old("working")));
    script.events();
    let listed: Vec<Task> = script.taken(list).unwrap();
    assert_eq!(listed[0].task_id, "T");
    let mut script = stateless();
    let list = script.start(tasks::list_tasks());
    script.events();
    assert!(matches!(
        script.taken(list),
        Err(CallError::NotInRevision { .. })
    ));
}

/// Whatever a server says about a task, in whatever order: the call ends within its time, the
/// server is asked no more often than it may be, and nothing is left over.
#[test]
fn no_answers_keep_a_call_or_a_server_busy() {
    for seed in 0..3_000 {
        hostile(seed);
    }
}

fn hostile(seed: u64) {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut roll = move |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % sides as u64) as usize
    };
    let mut script = match roll(3) {
        0 => handshake(),
        1 => Script::stateless(asked),
        _ => Script::stateless(with(Tasks::new().listening())),
    };
    let mut options = CallOptions::default().with_max(60 * SECOND);
    options.timeout = Some(10 * SECOND);
    options.detached = roll(2) == 0;
    let call = match roll(2) {
        0 => script.start_with(command::call_tool("t", &()), &options),
        _ => script.start_with(tasks::task_result("T", None), &options),
    };
    let (mut owed, mut asked, mut ended) = (Vec::<(String, bool)>::new(), 0_u32, false);
    let begun = script.now;
    while !ended && script.now.duration_since(begun) < 2000 * SECOND {
        for line in script.sent_lines() {
            asked += 1;
            if let Some(rest) = line.strip_prefix(r#"{"jsonrpc":"2.0","id":"#) {
                let id = rest.split(',').next().unwrap_or_default();
                owed.push((id.into(), line.contains("tasks/result")));
            }
        }
        let id = match roll(8) {
            0 => "999".to_string(),
            _ if owed.is_empty() => "998".into(),
            _ => {
                let at = roll(owed.len());
                owed.swap_remove(at).0
            }
        };
        let answer = hostile_answer(&mut roll);
        match roll(12) {
            0 => script.note("notifications/tasks", &answer),
            1 => script.note("notifications/tasks/status", &answer),
            2 => script.note(
                "notifications/subscriptions/acknowledged",
                &format!(
                    r#"{{"notifications":{{"taskIds":["T"]}},"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}"#
                ),
            ),
            3 => script.line(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{},"message":"no"}}}}"#,
                [-32000, -32601, -32602, -32603][roll(4)]
            )),
            4 | 5 => {}
            _ => script.result_of(&id, &answer),
        }
        ended |= script.events().iter().any(|event| event == "done");
        if !script.tickets.is_empty() && roll(2) == 0 {
            script.answer_form();
            ended |= script.events().iter().any(|event| event == "done");
        }
        script.pass(Duration::from_millis([0, 1, 40, 900, 11_000][roll(5)]));
        ended |= script.events().iter().any(|event| event == "done");
    }
    assert!(ended, "seed {seed}: it never ends");
    let _ = script.taken(call);
    // A look in 50 ms at most, and what belongs to each: an answer, a fetch, a cancellation.
    assert!(asked < 4 * 2000 * 20, "seed {seed}: asked {asked} times");
    for _ in 0..40 {
        script.pass(300 * SECOND);
        script.events();
        script.sent_lines();
    }
    let left = script.client.calls.iter().count() + script.client.questions.iter().count();
    assert_eq!(left, 0, "seed {seed}");
    assert_eq!(script.client.poll_timeout(), None, "seed {seed}");
}

fn hostile_answer(roll: &mut impl FnMut(usize) -> usize) -> String {
    let status = [
        "working",
        "working",
        "input_required",
        "completed",
        "failed",
        "cancelled",
        "?",
    ][roll(7)];
    let more = [
        String::new(),
        format!(r#","result":{CONTENT}"#),
        r#","result":{"resultType":"task"}"#.into(),
        r#","error":{"code":1,"message":"m"}"#.into(),
        format!(r#","inputRequests":{{"k{}":{ASKS}}}"#, roll(40)),
        r#","inputRequests":{}"#.into(),
    ][roll(6)]
    .clone();
    let interval = ["0", "18446744073709551615", "-1", "7", "\"x\""][roll(5)];
    let id = ["T", "T", "T", "T", "U", ""][roll(6)];
    let task = task(status, &more)
        .replace("2000", interval)
        .replace("60000", ["0", "null", "1"][roll(3)])
        .replace("\"T\"", &format!("\"{id}\""));
    match roll(6) {
        0 => format!(r#"{{"resultType":"task",{task}}}"#),
        1 => format!(r#"{{"task":{{{task}}}}}"#),
        2 => CONTENT.into(),
        _ => format!(r#"{{"resultType":"complete",{task}}}"#),
    }
}

impl Script {
    fn result_of(&mut self, id: &str, result: &str) {
        self.line(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#
        ));
    }
}

#[test]
fn a_tasks_id_is_as_long_as_a_name_may_be() {
    for (length, fits) in [(64, true), (65, false)] {
        let mut script = Script::stateless(|config| {
            with(Tasks::new())(config);
            config.limits.name_bytes = 64;
        });
        let call = script.tool_call();
        script.sent();
        let id = "T".repeat(length);
        let created = task("working", "").replace("\"T\"", &format!("\"{id}\""));
        script.result(2, &format!(r#"{{"resultType":"task",{created}}}"#));
        let expected = if fits { "task working " } else { "done" };
        assert_eq!(script.events(), [expected]);
        if !fits {
            let error = script.taken(call).unwrap_err().to_string();
            assert!(error.contains("longer than 64 bytes"), "{error}");
        }
    }
}

#[test]
fn so_many_tasks_are_listened_to_and_the_rest_is_looked_at() {
    let mut script = Script::stateless(|config| {
        with(Tasks::new().listening())(config);
        config.limits.listens = 2;
    });
    let mut listened = Vec::new();
    for id in ["A", "B", "C"] {
        let _ = script.start(tasks::wait_for_task(id, None));
        let listens = |line: &String| line.contains("subscriptions/listen");
        listened.push(script.sent().iter().any(listens));
    }
    assert_eq!(listened, [true, true, false]);
}

/// The last look is not answered; there is no time for another one.
#[test]
fn a_look_that_fails_when_all_time_is_over_is_the_last() {
    let mut script = stateless();
    script.client.config.limits.call_timeout = 10 * SECOND;
    script.client.config.limits.call_timeout_max = 11 * SECOND;
    let call = script.becomes();
    script.pass(2 * SECOND);
    script.events();
    assert_eq!(script.sent(), [format!(r#""id":3,{GET}"#)]);
    script.pass(8 * SECOND);
    script.events();
    script.sent();
    script.pass(SECOND);
    assert_eq!(script.events(), ["done"]);
    assert_eq!(script.taken(call), Err(CallError::TimedOut));
}

#[test]
fn tasks_of_the_same_client_are_told_apart() {
    let mut script = Script::stateless(asked);
    let calls = ["T", "U"].map(|id| script.start(tasks::wait_for_task(id, None)));
    script.sent_lines();
    let asks = format!(r#","inputRequests":{{"a":{ASKS}}}"#);
    let of = |id: &str, status: &str, more: &str| {
        let task = task(status, more).replace("\"T\"", &format!("\"{id}\""));
        format!(r#"{{"resultType":"complete",{task}}}"#)
    };
    // Both ask under the same name.
    script.result(2, &of("T", "input_required", &asks));
    script.result(3, &of("U", "input_required", &asks));
    let events = script.events();
    let questions = events.iter().filter(|event| event.starts_with("input "));
    assert_eq!(questions.count(), 2, "{events:?}");
    // What is said of one is said of that alone; its questions are put no longer.
    script.note("notifications/tasks", &of("U", "cancelled", ""));
    let events = script.events();
    assert_eq!(events[..3], ["task cancelled ", "input gone", "done"]);
    let [first, second] = calls;
    assert!(script.client.take(first).is_err(), "it goes on");
    let ended = script.taken(second).unwrap();
    assert_eq!(
        (&*ended.task_id, ended.status),
        ("U", TaskStatus::Cancelled)
    );
}

/// Ends with the first notice, whatever it has asked for.
#[derive(Debug)]
struct Hasty;

impl FollowUp for Hasty {
    fn step(&mut self, news: News<'_>, _: &Follow<'_>) -> Step {
        match news {
            News::Begun => Step::Request {
                method: "x/wait".into(),
                params: Json::empty_object(),
            },
            News::Notice(_) => Step::Done(Json::empty_object()),
            _ => Step::Stay,
        }
    }

    fn topic(&self) -> Option<(&str, &str)> {
        Some(("com.example/x", "x"))
    }
}

#[test]
fn a_request_that_its_call_does_not_wait_for_is_cancelled() {
    let mut script = Script::stateless(|config| {
        let extension = Extension::new("com.example/x").notice("notifications/x", "name");
        config.extensions.push(extension);
    });
    let (machine, now) = (alloc::boxed::Box::new(Hasty), script.now);
    let options = CallOptions::default();
    let _ = script.client.follow(machine, None, &options, now).unwrap();
    assert_eq!(script.sent().len(), 1);
    script.note("notifications/x", r#"{"name":"x"}"#);
    assert_eq!(script.events()[0], "done");
    assert_eq!(
        script.sent(),
        [r#""method":"notifications/cancelled","params":{"requestId":2}"#]
    );
}
