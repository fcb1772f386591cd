//! Tasks whose time is over, in virtual time.

use alloc::{string::ToString, sync::Arc};
use core::time::Duration;

use serde_json::{Value, json};

use super::{
    super::{MemoryTaskStore, TaskStore, Tasks},
    builder,
    rig::{BrokenStore, Rig},
};

fn short_lived() -> Rig {
    let mut limits = mcp_proto::limits::Limits::default();
    limits.task_ttl = Duration::from_secs(10);
    Rig::new(builder(Tasks::new()).limits(limits))
}

#[test]
fn nobody_keeps_a_task_for_longer_than_a_day() {
    let mut rig = Rig::new(builder(Tasks::new()));
    rig.initialize();
    let day = 24 * 60 * 60 * 1000_u64;
    for ttl in [day - 1, day, day + 1] {
        let params = json!({"name": "may", "task": {"ttl": ttl}});
        let created = rig.session_answer("tools/call", params);
        assert_eq!(created["result"]["task"]["ttl"], ttl.min(day));
    }
}

#[test]
fn a_task_is_forgotten_when_its_time_is_over_and_not_before() {
    let mut rig = short_lived();
    let ended = rig.begin("may");
    rig.run();
    let running = rig.begin("for_ever");
    rig.run();
    rig.wait(Duration::from_millis(9_999));
    for id in [&ended, &running] {
        assert!(rig.get(id).get("status").is_some());
    }
    rig.wait(Duration::from_millis(1));
    for id in [&ended, &running] {
        let got = rig.task_request("tasks/get", id, json!({}));
        assert_eq!(got["error"]["code"], -32602);
    }
}

#[test]
fn what_runs_longer_than_it_is_kept_is_stopped_though_nobody_asks() {
    let mut rig = short_lived();
    let id = rig.begin("for_ever");
    rig.request(
        "subscriptions/listen",
        json!({"notifications": {"taskIds": [id]}}),
    );
    rig.run();
    assert_eq!(rig.told()["params"]["statusMessage"], "half of it");
    rig.wait(Duration::from_millis(9_999));
    rig.run();
    assert_eq!((rig.host.waiting(), rig.told()), (1, Value::Null));
    rig.wait(Duration::from_millis(1));
    rig.run();
    assert_eq!(rig.host.waiting(), 0, "the handler is dropped");
    let told = rig.told();
    assert_eq!(told["params"]["status"], "failed");
    let message = "the task was not done when its time was over";
    assert_eq!(told["params"]["error"]["message"], message);
    assert_eq!(rig.told(), Value::Null, "nothing comes after the end");
    assert_eq!(rig.alarm(), None, "nothing is left to be done");
    // Its place is free again.
    let next = rig.begin("may");
    rig.run();
    assert_eq!(rig.get(&next)["status"], "completed");
}

#[test]
fn a_result_that_is_waited_for_is_not_waited_for_any_longer() {
    let mut rig = short_lived();
    rig.initialize();
    let created = rig.session_request("tools/call", json!({"name": "for_ever", "task": {}}));
    let id = created["result"]["task"]["taskId"]
        .as_str()
        .unwrap()
        .to_string();
    rig.run();
    while !rig.told().is_null() {}
    let nothing_yet = rig.session_request("tasks/result", json!({"taskId": id}));
    assert_eq!(nothing_yet, Value::Null);
    rig.wait(Duration::from_secs(10));
    let told = [rig.told(), rig.told()];
    let status = told.iter().find(|told| told["method"].is_string()).unwrap();
    assert_eq!(status["params"]["status"], "failed");
    let answer = told.iter().find(|told| told["id"].is_number()).unwrap();
    assert_eq!(answer["error"]["code"], -32602);
}

#[test]
fn the_host_keeps_one_alarm_and_it_is_the_next_that_is_due() {
    let store = Arc::new(MemoryTaskStore::default());
    let kept = Arc::clone(&store) as Arc<dyn TaskStore>;
    let mut rig = Rig::new(builder(Tasks::in_shared_store(kept)));
    rig.initialize();
    let mut begin = |tool: &str, ttl: u64| {
        let call = json!({"name": tool, "task": {"ttl": ttl}});
        let created = rig.session_answer("tools/call", call);
        let id = created["result"]["task"]["taskId"]
            .as_str()
            .unwrap()
            .to_string();
        (id, rig.alarm())
    };
    assert_eq!(begin("for_ever", 5_000).1, Some(5_000));
    let (ended, alarm) = begin("may", 9_000);
    assert_eq!(alarm, Some(5_000));
    assert_eq!(begin("for_ever", 2_000).1, Some(2_000));
    rig.run();
    rig.wait(Duration::from_secs(2));
    rig.run();
    assert_eq!((rig.host.waiting(), rig.alarm()), (1, Some(3_000)));
    rig.wait(Duration::from_secs(3));
    rig.run();
    // Nothing runs any more, but something is kept.
    assert_eq!((rig.host.waiting(), rig.alarm()), (0, Some(4_000)));
    assert!(store.load(&ended).unwrap().is_some());
    rig.wait(Duration::from_secs(4));
    assert_eq!(store.load(&ended).unwrap(), None);
    assert_eq!(rig.alarm(), None);
}

#[test]
fn what_runs_is_stopped_though_the_store_is_broken() {
    let store = Arc::new(BrokenStore::default());
    let kept = Arc::clone(&store) as Arc<dyn TaskStore>;
    let mut rig = Rig::new(builder(
        Tasks::in_shared_store(kept).ttl(Duration::from_secs(10)),
    ));
    rig.begin("for_ever");
    rig.run();
    store.break_expire(true);
    rig.wait(Duration::from_secs(10));
    rig.run();
    assert_eq!(rig.host.waiting(), 0);
    store.break_expire(false);
    let next = rig.begin("may");
    rig.run();
    assert_eq!(rig.get(&next)["status"], "completed");
}

#[test]
fn a_server_that_is_gone_is_not_kept_for_its_alarm() {
    let mut rig = short_lived();
    rig.begin("may");
    rig.run();
    assert!(rig.alarm().is_some());
    let host = Arc::clone(&rig.host);
    drop(rig);
    // Nothing but the rig's own clone, and this one, was left.
    assert_eq!(Arc::strong_count(&host), 1);
}

/// No task is kept for longer, so that nobody is left alone before the task has ended.
#[test]
fn a_result_is_waited_for_as_long_as_any_task_may_be_kept() {
    let mut limits = mcp_proto::limits::Limits::default();
    limits.task_ttl = Duration::from_secs(7_200);
    limits.task_ttl_max = Duration::from_secs(10_800);
    let mut rig = Rig::new(builder(Tasks::new()).limits(limits));
    rig.initialize();
    let created = rig.session_answer("tools/call", json!({"name": "may", "task": {}}));
    let id = created["result"]["task"]["taskId"].clone();
    let nothing_yet = rig.session_request("tasks/result", json!({"taskId": id}));
    assert_eq!(nothing_yet, Value::Null);
    assert_eq!(rig.deadline(), Some(Duration::from_secs(10_800)));
}
