//! Tasks over a connection, on a host that runs them only when it is told to.

mod expiry;
mod laws;
mod rig;
mod stores;

use alloc::{format, string::ToString, sync::Arc, vec, vec::Vec};
use std::time::Duration;

use mcp_proto::types::TaskSupport;
use rig::{BrokenStore, Rig, Steps};
use serde_json::{Value, json};

use super::{MemoryTaskStore, TaskStore, Tasks};
use crate::{Server, ServerBuilder, ToolEntry, ToolError};

fn builder(tasks: Tasks) -> ServerBuilder {
    Server::builder("t", "1")
        .tasks(tasks)
        .tool(ToolEntry::new("plain").call(|| "plain"))
        .tool(
            ToolEntry::new("may")
                .task(TaskSupport::Optional)
                .call(|| "done"),
        )
        .tool(
            ToolEntry::new("must")
                .task(TaskSupport::Required)
                .call(|| "done"),
        )
        .tool(
            ToolEntry::new("fails")
                .task(TaskSupport::Optional)
                .call(|| Err::<(), _>(ToolError::new("it failed"))),
        )
        .tool(
            ToolEntry::new("panics")
                .task(TaskSupport::Optional)
                .call(|| -> &str { panic!("as asked") }),
        )
        .tool(
            ToolEntry::new("for_ever")
                .task(TaskSupport::Optional)
                .run_async(|_, cx| async move {
                    cx.progress_with(1, 2, "half of it");
                    core::future::pending::<&str>().await
                }),
        )
        .tool(
            ToolEntry::new("asks")
                .task(TaskSupport::Optional)
                .run(|_, cx| {
                    let first = cx.confirm("first?").key("first");
                    let second = cx.confirm("second?").key("second");
                    let (first, second) = (first.get()?, second.get()?);
                    let last = cx.confirm("first?").key("first-again").get()?;
                    Ok::<_, ToolError>(format!("{first} {second} {last}"))
                }),
        )
        .tool(
            ToolEntry::new("detaches")
                .task(TaskSupport::Required)
                .detaches()
                .run(|_, cx| {
                    let sure = cx.confirm("sure?").key("sure").get()?;
                    cx.detach()?;
                    Ok::<_, ToolError>(format!("{sure}"))
                }),
        )
        .tool(
            ToolEntry::new("steps")
                .task(TaskSupport::Optional)
                .run_async(|_, _| Steps::new(3)),
        )
}

fn rig() -> Rig {
    Rig::new(builder(Tasks::new()))
}

#[test]
fn a_task_is_kept_before_it_is_answered_and_ends_with_its_result() {
    let mut rig = rig();
    let created = rig.call("may");
    let id = created["result"]["taskId"].as_str().unwrap().to_string();
    assert_eq!(
        created["result"],
        json!({
            "resultType": "task", "taskId": id, "status": "working",
            "createdAt": "2026-07-28T12:00:00.000Z", "lastUpdatedAt": "2026-07-28T12:00:00.000Z",
            "ttlMs": 3_600_000, "pollIntervalMs": 500, "_meta": rig.server_info(),
        })
    );
    assert_eq!(id.len(), 32);
    assert_eq!(rig.get(&id)["status"], "working");
    rig.wait(Duration::from_secs(2));
    rig.run();
    let got = rig.get(&id);
    assert_eq!(got["status"], "completed");
    assert_eq!(got["lastUpdatedAt"], "2026-07-28T12:00:02.000Z");
    assert_eq!(
        got["result"],
        json!({"resultType": "complete", "content": [{"type": "text", "text": "done"}]})
    );
}

#[test]
fn a_failed_call_is_a_completed_task_and_a_panic_a_failed_one() {
    let mut rig = rig();
    let (failed, panicked) = (rig.begin("fails"), rig.begin("panics"));
    rig.run();
    let failed = rig.get(&failed);
    assert_eq!(
        (&failed["status"], &failed["result"]["isError"]),
        (&json!("completed"), &json!(true))
    );
    let panicked = rig.get(&panicked);
    assert_eq!(panicked["status"], "failed");
    assert_eq!(
        panicked["error"],
        json!({"code": -32603, "message": "handler panicked"})
    );
    assert!(panicked.get("result").is_none());
}

#[test]
fn a_cancelled_task_stays_cancelled_and_its_handler_is_dropped() {
    let mut rig = rig();
    let id = rig.begin("for_ever");
    rig.run();
    let working = rig.get(&id);
    assert_eq!(
        (&working["status"], &working["statusMessage"]),
        (&json!("working"), &json!("half of it"))
    );
    assert_eq!(rig.host.waiting(), 1);
    let acknowledged = rig.task_request("tasks/cancel", &id, json!({}));
    assert_eq!(
        acknowledged["result"],
        json!({"resultType": "complete", "_meta": rig.server_info()})
    );
    rig.run();
    assert_eq!(rig.host.waiting(), 0, "the future is gone");
    assert_eq!(rig.get(&id)["status"], "cancelled");
    // Again, and after the end: acknowledged as well.
    let again = rig.task_request("tasks/cancel", &id, json!({}));
    assert_eq!(again["result"]["resultType"], "complete");
}

#[test]
fn a_task_that_was_cancelled_before_it_ran_ignores_what_it_gives() {
    let mut rig = rig();
    let id = rig.begin("may");
    rig.task_request("tasks/cancel", &id, json!({}));
    rig.run();
    let got = rig.get(&id);
    assert_eq!(got["status"], "cancelled");
    assert!(got.get("result").is_none() && got.get("error").is_none());
}

#[test]
fn a_task_that_ends_in_several_polls_is_driven_to_its_end() {
    let mut rig = rig();
    let id = rig.begin("steps");
    for _ in 0..3 {
        rig.run();
        assert_eq!(rig.get(&id)["status"], "working");
    }
    rig.run();
    assert_eq!(rig.get(&id)["status"], "completed");
}

#[test]
fn a_run_that_its_host_drops_has_failed() {
    let mut rig = rig();
    let ids = [rig.begin("may"), rig.begin("for_ever")];
    rig.host.drop_all();
    for id in ids {
        let got = rig.get(&id);
        assert_eq!(got["status"], "failed");
        assert_eq!(
            got["error"]["message"],
            "the server ended before the task did"
        );
    }
}

#[test]
fn a_foreign_task_is_as_unknown_as_one_that_never_was() {
    let mut rig = rig();
    let id = rig.begin("may");
    rig.run();
    let mut foreign = rig.other("somebody");
    let mut nobody = rig.task_request("tasks/get", "ffffffffffffffffffffffffffffffff", json!({}));
    assert_eq!(
        nobody["error"],
        json!({"code": -32602, "message": "there is no such task"})
    );
    for method in ["tasks/get", "tasks/cancel", "tasks/update"] {
        for (is_foreign, id) in [(true, &*id), (false, "0123"), (false, "")] {
            let from = if is_foreign { &mut foreign } else { &mut rig };
            let mut answer = from.task_request(method, id, json!({"inputResponses": {}}));
            answer["id"].take();
            nobody["id"].take();
            assert_eq!(answer, nobody, "{method} {id}");
        }
    }
    // Its own are there.
    let own = foreign.begin("may");
    assert_eq!(foreign.get(&own)["status"], "working");
    assert_eq!(
        rig.task_request("tasks/get", &own, json!({}))["error"]["code"],
        -32602
    );
}

#[test]
fn so_many_tasks_are_worked_on_and_no_more() {
    let mut limits = mcp_proto::limits::Limits::default();
    limits.tasks_running = 2;
    let mut rig = Rig::new(builder(Tasks::new()).limits(limits));
    let first = rig.begin("for_ever");
    rig.begin("for_ever");
    let refused = rig.call("may");
    assert_eq!(refused["error"]["code"], -32000);
    rig.task_request("tasks/cancel", &first, json!({}));
    rig.run();
    rig.begin("may");
}

#[test]
fn a_store_that_fails_is_answered_for() {
    let store = Arc::new(BrokenStore::default());
    let kept: Arc<dyn TaskStore> = Arc::clone(&store) as Arc<dyn TaskStore>;
    let mut rig = Rig::new(builder(Tasks::in_shared_store(kept)));
    store.break_insert(true);
    let refused = rig.call("may");
    assert_eq!(
        refused["error"],
        json!({"code": -32603, "message": "the server cannot reach its tasks"})
    );
    assert_eq!(rig.host.waiting(), 0, "nothing was begun");
    store.break_insert(false);
    let id = rig.begin("may");
    // The end cannot be written: whoever asks here is told the truth, and it is written later.
    store.break_replace(true);
    rig.run();
    assert_eq!(rig.get(&id)["status"], "completed");
    assert_eq!(
        store.load(&id).unwrap().unwrap().status().as_str(),
        "working"
    );
    store.break_replace(false);
    assert_eq!(rig.get(&id)["status"], "completed");
    assert_eq!(
        store.load(&id).unwrap().unwrap().status().as_str(),
        "completed"
    );
    store.break_load(true);
    let failed = rig.task_request("tasks/get", &id, json!({}));
    assert_eq!(failed["error"]["code"], -32603);
}

#[test]
fn so_many_times_somebody_else_may_be_faster() {
    let store = Arc::new(BrokenStore::default());
    let kept = Arc::clone(&store) as Arc<dyn TaskStore>;
    let mut rig = Rig::new(builder(Tasks::in_shared_store(kept)));
    for (races, code) in [(15, Value::Null), (16, json!(-32603))] {
        let id = rig.begin("for_ever");
        store.lose_races(races);
        let answer = rig.task_request("tasks/cancel", &id, json!({}));
        assert_eq!(answer["error"]["code"], code, "{races}");
    }
}

#[test]
fn after_a_restart_a_task_that_was_worked_on_has_failed_and_says_so() {
    let store = Arc::new(BrokenStore::default());
    let kept = || Tasks::in_shared_store(Arc::clone(&store) as Arc<dyn TaskStore>);
    let mut before = Rig::new(builder(kept()));
    let (done, working) = (before.begin("may"), before.begin("for_ever"));
    before.run();
    let mut after = Rig::new(builder(kept()));
    assert_eq!(after.get(&done)["status"], "completed");
    let got = after.get(&working);
    assert_eq!(got["status"], "failed");
    assert_eq!(
        got["error"]["message"],
        "the server ended before the task did"
    );
    // Nor does it come back once somebody has been told.
    assert_eq!(before.get(&working)["status"], "failed");
}

#[test]
fn a_stream_is_told_of_the_tasks_it_follows() {
    let mut rig = rig();
    let id = rig.begin("for_ever");
    let acknowledged = rig.request(
        "subscriptions/listen",
        json!({"notifications": {"taskIds": [id, "unknown"]}}),
    );
    assert_eq!(
        acknowledged["params"]["notifications"],
        json!({"taskIds": [id, "unknown"]})
    );
    rig.run();
    let told = rig.told();
    assert_eq!(told["method"], "notifications/tasks");
    assert_eq!(told["params"]["statusMessage"], "half of it");
    assert!(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"].is_number());
    assert!(told["params"].get("resultType").is_none());
    rig.task_request("tasks/cancel", &id, json!({}));
    assert_eq!(rig.told()["params"]["status"], "cancelled");
    rig.run();
    assert_eq!(rig.told(), Value::Null, "nothing comes after the end");
}

#[test]
fn without_the_extension_a_call_just_takes_as_long_as_it_takes() {
    let mut rig = rig();
    let answer = rig.plain_call("may");
    assert_eq!(answer["result"]["content"][0]["text"], "done");
    let refused = rig.plain_call("must");
    assert_eq!(refused["error"]["code"], -32021);
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let refused = rig.plain_request(method, json!({"taskId": "x"}));
        assert_eq!(
            refused["error"]["data"],
            json!({"requiredCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}})
        );
    }
    for method in ["tasks/result", "tasks/list"] {
        assert_eq!(
            rig.request(method, json!({"taskId": "x"}))["error"]["code"],
            -32601
        );
    }
}

// ── 2025-11-25 ──────────────────────────────────────────────────────────────────────────────────

#[test]
fn until_2025_11_25_the_client_asks_for_tasks_and_fetches_their_results() {
    let mut rig = rig();
    let declared = rig.initialize();
    assert_eq!(
        declared["capabilities"]["tasks"],
        json!({"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}})
    );
    assert!(declared["capabilities"].get("extensions").is_none());
    let created = rig.session_request("tools/call", json!({"name": "may", "task": {"ttl": 5000}}));
    let task = created["result"]["task"].clone();
    assert_eq!(
        (&task["status"], &task["ttl"]),
        (&json!("working"), &json!(5000))
    );
    let id = task["taskId"].as_str().unwrap().to_string();
    let got = rig.session_request("tasks/get", json!({"taskId": id}));
    assert_eq!(got["result"], task);
    // The result is waited for.
    assert_eq!(
        rig.session_request("tasks/result", json!({"taskId": id})),
        Value::Null
    );
    rig.run();
    let told: Vec<Value> =
        core::iter::from_fn(|| Some(rig.told()).filter(|told| !told.is_null())).collect();
    let result = told
        .iter()
        .find(|told| told.get("result").is_some())
        .unwrap();
    assert_eq!(
        result["result"],
        json!({
            "content": [{"type": "text", "text": "done"}],
            "_meta": {"io.modelcontextprotocol/related-task": {"taskId": id}},
        })
    );
    let status = told
        .iter()
        .find(|told| told.get("method").is_some())
        .unwrap();
    assert_eq!(status["method"], "notifications/tasks/status");
    assert_eq!(status["params"]["status"], "completed");
    // Again, at once.
    let again = rig.session_request("tasks/result", json!({"taskId": id}));
    assert_eq!(again["result"], result["result"]);
    let refused = rig.session_request("tasks/cancel", json!({"taskId": id}));
    assert_eq!(refused["error"]["code"], -32602);
}

#[test]
fn who_waits_for_a_task_that_is_forgotten_meanwhile_is_told_so() {
    let mut rig = rig();
    rig.initialize();
    let params = json!({"name": "may", "task": {"ttl": 5000}});
    let created = rig.session_request("tools/call", params);
    let id = created["result"]["task"]["taskId"].clone();
    let waiting = rig.session_request("tasks/result", json!({"taskId": id}));
    assert_eq!(waiting, Value::Null);
    rig.wait(Duration::from_secs(5));
    rig.run();
    let told: Vec<Value> =
        core::iter::from_fn(|| Some(rig.told()).filter(|told| !told.is_null())).collect();
    let answer = told.iter().find(|told| told.get("error").is_some());
    assert_eq!(answer.expect("it is answered")["error"]["code"], -32602);
}

#[test]
fn until_2025_11_25_a_failed_call_is_a_failed_task_and_cancelling_is_at_once() {
    let mut rig = rig();
    rig.initialize();
    let mut begin = |name: &str| {
        let created = rig.session_request("tools/call", json!({"name": name, "task": {}}));
        created["result"]["task"]["taskId"]
            .as_str()
            .unwrap()
            .to_string()
    };
    let (failed, cancelled) = (begin("fails"), begin("for_ever"));
    rig.run();
    while !rig.told().is_null() {}
    let got = rig.session_request("tasks/get", json!({"taskId": failed}));
    assert_eq!(got["result"]["status"], "failed");
    let result = rig.session_request("tasks/result", json!({"taskId": failed}));
    assert_eq!(result["result"]["isError"], true);
    let answer = rig.session_answer("tasks/cancel", json!({"taskId": cancelled}));
    assert_eq!(answer["result"]["status"], "cancelled");
    let result = rig.session_answer("tasks/result", json!({"taskId": cancelled}));
    assert_eq!(result["error"]["message"], "the task was cancelled");
}

#[test]
fn the_two_revisions_do_not_see_each_others_tasks() {
    let mut rig = rig();
    rig.initialize();
    let new = rig.begin("may");
    let answer = rig.session_request("tasks/get", json!({"taskId": new}));
    assert_eq!(answer["error"]["code"], -32602);
}

#[test]
fn tasks_are_listed_to_whom_they_belong() {
    let mut limits = mcp_proto::limits::Limits::default();
    limits.page_items = 2;
    let mut anonymous = Rig::new(builder(Tasks::new()).limits(limits.clone()));
    anonymous.initialize();
    anonymous.session_request("tools/call", json!({"name": "may", "task": {}}));
    let none = anonymous.session_request("tasks/list", json!({}));
    assert_eq!(
        none["result"],
        json!({"tasks": []}),
        "whose they are is not known"
    );

    let mut rig = Rig::new(builder(Tasks::new().list_without_subject()).limits(limits));
    rig.initialize();
    for _ in 0..3 {
        rig.session_request("tools/call", json!({"name": "for_ever", "task": {}}));
    }
    let first = rig.session_request("tasks/list", json!({}));
    assert_eq!(first["result"]["tasks"].as_array().unwrap().len(), 2);
    let cursor = &first["result"]["nextCursor"];
    let second = rig.session_request("tasks/list", json!({"cursor": cursor}));
    assert_eq!(second["result"]["tasks"].as_array().unwrap().len(), 1);
    assert!(second["result"].get("nextCursor").is_none());
    let wrong = rig.session_request("tasks/list", json!({"cursor": "../x"}));
    assert_eq!(wrong["error"]["code"], -32602);
}

#[test]
fn two_servers_with_one_store_share_their_tasks() {
    let store: Arc<dyn TaskStore> = Arc::new(MemoryTaskStore::default());
    let tasks = || Tasks::in_shared_store(Arc::clone(&store));
    let (mut one, mut two) = (Rig::new(builder(tasks())), Rig::new(builder(tasks())));
    let id = one.begin("may");
    assert_eq!(two.get(&id)["status"], "working");
    one.run();
    assert_eq!(two.get(&id)["status"], "completed");
}

// ── questions ───────────────────────────────────────────────────────────────────────────────────

fn yes(sure: bool) -> Value {
    json!({"action": "accept", "content": {"confirm": sure}})
}

fn open_questions(got: &Value) -> Vec<&str> {
    let open = got["inputRequests"].as_object();
    open.map(|open| open.keys().map(|key| &**key).collect())
        .unwrap_or_default()
}

#[test]
fn a_task_waits_for_its_answers_without_a_thread_and_takes_them_in_parts() {
    let mut rig = rig();
    let id = rig.begin("asks");
    rig.run();
    assert_eq!(rig.host.waiting(), 0, "nothing runs while it waits");
    let got = rig.get(&id);
    assert_eq!(got["status"], "input_required");
    assert_eq!(open_questions(&got), ["first", "second"]);
    assert_eq!(
        got["inputRequests"]["first"]["method"],
        "elicitation/create"
    );
    assert!(got.get("requestState").is_none());
    let update = |rig: &mut Rig, answers: Value| {
        let answer = rig.task_request("tasks/update", &id, json!({"inputResponses": answers}));
        assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
        rig.run();
        rig.get(&id)
    };
    let got = update(
        &mut rig,
        json!({"second": yes(false), "never asked": yes(true), "first": 5}),
    );
    assert_eq!(
        (&got["status"], open_questions(&got)),
        (&json!("input_required"), vec!["first"])
    );
    // What is answered already stays answered.
    let got = update(&mut rig, json!({"second": yes(true)}));
    assert_eq!(open_questions(&got), ["first"]);
    let got = update(&mut rig, json!({"first": yes(true)}));
    assert_eq!(open_questions(&got), ["first-again"]);
    let got = update(&mut rig, json!({"first-again": yes(false)}));
    assert_eq!(got["result"]["content"][0]["text"], "true false false");
    // Too late, and acknowledged all the same.
    let got = update(&mut rig, json!({"first": yes(false)}));
    assert_eq!(got["status"], "completed");
}

#[test]
fn a_task_that_waits_for_answers_can_be_cancelled_and_outlives_its_process() {
    let store = Arc::new(BrokenStore::default());
    let kept = || Tasks::in_shared_store(Arc::clone(&store) as Arc<dyn TaskStore>);
    let mut before = Rig::new(builder(kept()));
    let (goes_on, given_up) = (before.begin("asks"), before.begin("asks"));
    before.run();
    let mut after = Rig::new(builder(kept()));
    assert_eq!(after.get(&goes_on)["status"], "input_required");
    let answers = json!({"inputResponses": {"first": yes(true), "second": yes(true)}});
    after.task_request("tasks/update", &goes_on, answers.clone());
    after.run();
    assert_eq!(open_questions(&after.get(&goes_on)), ["first-again"]);
    after.task_request("tasks/cancel", &given_up, json!({}));
    after.task_request("tasks/update", &given_up, answers);
    after.run();
    assert_eq!(after.get(&given_up)["status"], "cancelled");
}

#[test]
fn what_cannot_be_run_is_not_begun_by_its_answers() {
    let mut limits = mcp_proto::limits::Limits::default();
    limits.tasks_running = 1;
    let mut rig = Rig::new(builder(Tasks::new()).limits(limits));
    let id = rig.begin("asks");
    rig.run();
    let busy = rig.begin("for_ever");
    let answers = json!({"inputResponses": {"first": yes(true), "second": yes(true)}});
    let refused = rig.task_request("tasks/update", &id, answers.clone());
    assert_eq!(refused["error"]["code"], -32000);
    assert_eq!(
        open_questions(&rig.get(&id)),
        ["first", "second"],
        "nothing is lost"
    );
    rig.task_request("tasks/cancel", &busy, json!({}));
    rig.run();
    rig.task_request("tasks/update", &id, answers);
    rig.run();
    assert_eq!(open_questions(&rig.get(&id)), ["first-again"]);
}

#[test]
fn what_is_asked_before_the_task_is_asked_in_the_call() {
    // The call that becomes a task gives its place up to it.
    let mut limits = mcp_proto::limits::Limits::default();
    limits.calls_in_flight = 1;
    let mut rig = Rig::new(builder(Tasks::new()).limits(limits));
    let asked = rig.call("detaches");
    assert_eq!(asked["result"]["resultType"], "input_required");
    assert!(asked["result"].get("taskId").is_none());
    let created = rig.request(
        "tools/call",
        json!({
            "name": "detaches",
            "inputResponses": {"sure": yes(true)},
            "requestState": asked["result"]["requestState"],
        }),
    );
    assert_eq!(created["result"]["resultType"], "task", "{created}");
    assert!(created["result"].get("requestState").is_none());
    let id = created["result"]["taskId"].as_str().unwrap().to_string();
    rig.run();
    assert_eq!(rig.get(&id)["result"]["content"][0]["text"], "true");
}

#[test]
fn until_2025_11_25_a_task_asks_while_its_result_is_waited_for() {
    let mut rig = rig();
    rig.initialize();
    let created = rig.session_request("tools/call", json!({"name": "asks", "task": {}}));
    let id = created["result"]["task"]["taskId"]
        .as_str()
        .unwrap()
        .to_string();
    rig.run();
    assert_eq!(rig.told()["params"]["status"], "input_required");
    let asked = rig.session_request("tasks/result", json!({"taskId": id}));
    assert_eq!(asked["method"], "elicitation/create");
    assert_eq!(
        asked["params"]["_meta"],
        json!({"io.modelcontextprotocol/related-task": {"taskId": id}})
    );
    let second = rig.told();
    rig.answer(&second["id"], &yes(false));
    rig.answer(&asked["id"], &yes(true));
    rig.run();
    let asked = loop {
        let told = rig.told();
        if told["method"] == "elicitation/create" {
            break told;
        }
        assert!(!told.is_null(), "nothing more was asked");
    };
    rig.answer(&asked["id"], &yes(true));
    rig.run();
    let result = loop {
        let told = rig.told();
        if told.get("result").is_some() {
            break told;
        }
        assert!(!told.is_null(), "no result");
    };
    assert_eq!(result["result"]["content"][0]["text"], "true false true");
}

#[test]
fn a_task_asks_in_so_many_rounds_and_no_more() {
    let answers = |names: &[&str]| {
        let answers = names.iter().map(|name| ((*name).to_string(), yes(true)));
        json!({"inputResponses": answers.collect::<serde_json::Map<_, _>>()})
    };
    // The handler asks in two.
    for (most, status) in [(2, "completed"), (1, "failed")] {
        let mut limits = mcp_proto::limits::Limits::default();
        limits.input_rounds = most;
        let mut rig = Rig::new(builder(Tasks::new()).limits(limits));
        let id = rig.begin("asks");
        rig.run();
        for round in [&["first", "second"][..], &["first-again"]] {
            rig.task_request("tasks/update", &id, answers(round));
            rig.run();
        }
        let got = rig.get(&id);
        assert_eq!(got["status"], status, "{got}");
        if most == 1 {
            let message = "the call asked for input in more than 1 rounds";
            assert_eq!(got["error"]["message"], message);
        }
    }
}
