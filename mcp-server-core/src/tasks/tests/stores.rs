//! The store in memory: its bounds, and who wins when two change a task.

use alloc::{format, string::String, sync::Arc, vec::Vec};
use core::time::Duration;

use mcp_proto::{json::Json, limits::Limits, rpc::RpcError, version::ProtocolVersion};

use super::{MemoryTaskStore, TaskStore};
use crate::{
    Peer,
    tasks::{
        StoreError, TaskRecord,
        record::{Begin, Effect, Step},
    },
};

pub(super) fn record(id: &str, subject: Option<&str>, now_ms: u64) -> TaskRecord {
    let mut peer = Peer::new(ProtocolVersion::LATEST);
    peer.subject = subject.map(Arc::from);
    TaskRecord::begin(Begin {
        id: id.into(),
        peer: &peer,
        tool: "tool".into(),
        arguments: Some(Json::empty_object()),
        now_ms,
        ttl: Some(Duration::from_millis(100)),
        poll: Duration::from_millis(1),
        runner: "here".into(),
    })
}

fn ended(mut record: TaskRecord, now_ms: u64) -> TaskRecord {
    let step = Step::Fail(RpcError::internal("failed"));
    assert_eq!(record.apply(step, now_ms), Effect::Changed);
    record
}

fn store(tasks: usize, task_bytes: usize) -> MemoryTaskStore {
    let mut limits = Limits::default();
    (limits.tasks, limits.task_bytes) = (tasks, task_bytes);
    MemoryTaskStore::new(&limits)
}

#[test]
fn so_many_fit_and_then_those_give_way_that_ended_first() {
    let store = store(3, usize::MAX);
    for id in ["a", "b", "c"] {
        store.insert(&record(id, None, 0)).unwrap();
    }
    assert!(matches!(
        store.insert(&record("d", None, 0)),
        Err(StoreError::Full)
    ));
    assert!(store.replace(&ended(record("b", None, 0), 5)).unwrap());
    assert!(store.replace(&ended(record("a", None, 0), 6)).unwrap());
    store.insert(&record("d", None, 0)).unwrap();
    let there = |id| store.load(id).unwrap().is_some();
    assert_eq!(
        ["a", "b", "c", "d"].map(there),
        [true, false, true, true],
        "b ended before a"
    );
}

#[test]
fn so_many_bytes_fit_and_a_result_that_does_not_leaves_the_task_as_it_was() {
    let one = serde_json::to_vec(&record("a", None, 0)).unwrap().len();
    for (room, fits) in [(2 * one, true), (2 * one - 1, false)] {
        let store = store(usize::MAX, room);
        store.insert(&record("a", None, 0)).unwrap();
        assert_eq!(store.insert(&record("b", None, 0)).is_ok(), fits, "{room}");
    }
    let store = store(usize::MAX, 2 * one);
    store.insert(&record("a", None, 0)).unwrap();
    store.insert(&record("b", None, 0)).unwrap();
    assert!(store.insert(&record("c", None, 0)).is_err());
    let mut big = record("a", None, 0);
    let result = Json::new(&"x".repeat(2 * one)).unwrap();
    big.apply(
        Step::Complete {
            result,
            failed: false,
        },
        1,
    );
    assert!(store.replace(&big).is_err());
    assert_eq!(store.load("a").unwrap(), Some(record("a", None, 0)));
}

#[test]
fn nothing_gives_way_to_what_does_not_fit_even_then() {
    let one = serde_json::to_vec(&record("a", None, 0)).unwrap().len();
    let holds = |store: &MemoryTaskStore| -> String {
        let all = store.list(None, None, usize::MAX).unwrap();
        all.iter().map(TaskRecord::id).collect()
    };
    let with_ended = |tasks, task_bytes| {
        let store = store(tasks, task_bytes);
        store.insert(&ended(record("a", None, 0), 1)).unwrap();
        store.insert(&record("b", None, 0)).unwrap();
        store
    };
    // Longer than the whole store, or than what the one at work leaves of it.
    for room in [4, 5] {
        let store = with_ended(usize::MAX, room * one);
        let long = record(&"c".repeat(4 * one), None, 0);
        assert!(matches!(store.insert(&long), Err(StoreError::Full)));
        assert_eq!(holds(&store), "ab", "{room}");
        // The room is what it was, and what has ended gives way where that helps.
        let shorter = record(&"c".repeat((room - 2) * one), None, 0);
        store.insert(&shorter).unwrap();
        assert!(!holds(&store).contains('a'), "{room}");
    }
    // One more than may be at work at the same time.
    let store = with_ended(2, usize::MAX);
    store.insert(&record("c", None, 0)).unwrap();
    assert_eq!(holds(&store), "bc");
    assert!(matches!(
        store.insert(&record("d", None, 0)),
        Err(StoreError::Full)
    ));
    // The same for a change.
    let store = with_ended(usize::MAX, 4 * one);
    let mut long = record("b", None, 0);
    let result = Json::new(&"x".repeat(4 * one)).unwrap();
    long.apply(
        Step::Complete {
            result,
            failed: false,
        },
        1,
    );
    assert!(matches!(store.replace(&long), Err(StoreError::Full)));
    assert_eq!(holds(&store), "ab");
}

#[test]
fn of_two_that_change_a_task_the_first_one_wins() {
    let store = store(3, usize::MAX);
    store.insert(&record("a", None, 0)).unwrap();
    let (mut one, mut two) = (record("a", None, 0), record("a", None, 0));
    one.apply(Step::Cancel, 1);
    two.apply(Step::Fail(RpcError::internal("no")), 1);
    assert!(store.replace(&one).unwrap());
    assert!(!store.replace(&two).unwrap());
    assert_eq!(store.load("a").unwrap(), Some(one));
    let missing = ended(record("z", None, 0), 1);
    assert!(!store.replace(&missing).unwrap(), "it was never there");
}

#[test]
fn what_is_over_is_forgotten_at_that_very_time() {
    let store = store(3, usize::MAX);
    store.insert(&record("a", None, 0)).unwrap();
    store.insert(&record("b", None, 1)).unwrap();
    store.expire(99).unwrap();
    assert!(store.load("a").unwrap().is_some());
    store.expire(100).unwrap();
    assert!(store.load("a").unwrap().is_none() && store.load("b").unwrap().is_some());
}

#[test]
fn lists_are_of_one_subject_and_go_on_where_they_ended() {
    let store = store(usize::MAX, usize::MAX);
    for at in 0..5 {
        let subject = (at % 2 == 0).then_some("even");
        store.insert(&record(&format!("{at}"), subject, 0)).unwrap();
    }
    let list = |after, most| -> Vec<String> {
        let listed = store.list(Some("even"), after, most).unwrap();
        listed.iter().map(|record| record.id().into()).collect()
    };
    assert_eq!(list(None, 2), ["0", "2"]);
    assert_eq!(list(Some("2"), 2), ["4"]);
    assert_eq!(store.list(Some("odd"), None, 9).unwrap(), []);
    assert_eq!(store.list(None, None, 9).unwrap().len(), 2);
}

#[test]
fn a_record_is_the_same_after_it_was_written_down() {
    let record = ended(record("a", Some("ann"), 7), 9);
    let json = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<TaskRecord>(&json).unwrap(), record);
}
