//! What holds for every task, whatever happens to it in whatever order.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use mcp_proto::{
    json::Json,
    rpc::RpcError,
    types::{EmptyParams, InputRequest, InputRequests, TaskStatus},
};
use proptest::prelude::*;

use super::stores::record;
use crate::{
    call::Answers,
    tasks::record::{Effect, Step},
};

/// What may happen.
#[derive(Debug, Clone)]
enum Move {
    Complete(bool),
    Fail,
    Ask(Vec<u8>),
    Answer(Vec<(u8, bool)>),
    Cancel,
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        1 => any::<bool>().prop_map(Move::Complete),
        1 => Just(Move::Fail),
        4 => proptest::collection::vec(0..4_u8, 0..4).prop_map(Move::Ask),
        4 => proptest::collection::vec((0..4_u8, any::<bool>()), 0..4).prop_map(Move::Answer),
        1 => Just(Move::Cancel),
    ]
}

/// The same machine, said as simply as it can be said.
#[derive(Debug)]
struct Model {
    status: TaskStatus,
    open: BTreeSet<String>,
    used: BTreeMap<String, u32>,
}

fn step(of: &Move, open: &[String]) -> Step {
    match of {
        Move::Complete(failed) => Step::Complete {
            result: Json::empty_object(),
            failed: *failed,
        },
        Move::Fail => Step::Fail(RpcError::internal("failed")),
        Move::Ask(keys) => {
            let mut questions = InputRequests::new();
            for key in keys {
                let roots = InputRequest::ListRoots(EmptyParams::default());
                questions.insert(format!("k{key}"), roots);
            }
            Step::Ask {
                questions,
                state: Some("state".into()),
            }
        }
        Move::Answer(answers) => {
            let mut map = Answers::new();
            for (at, is_object) in answers {
                // One that is open, or none.
                let key = open.get(usize::from(*at)).cloned();
                let answer = if *is_object {
                    Json::empty_object()
                } else {
                    Json::null()
                };
                map.insert(key.unwrap_or_else(|| format!("x{at}")), Ok(answer));
            }
            Step::Answer(map)
        }
        Move::Cancel => Step::Cancel,
    }
}

impl Model {
    // Whether anything changes.
    fn apply(&mut self, of: &Move, open: &[String]) -> bool {
        match (self.status, of) {
            (TaskStatus::Working, Move::Complete(_)) => self.status = TaskStatus::Completed,
            (TaskStatus::Working, Move::Fail) => self.status = TaskStatus::Failed,
            (TaskStatus::Working, Move::Ask(keys)) => {
                if !keys.is_empty() {
                    self.status = TaskStatus::InputRequired;
                }
            }
            (TaskStatus::InputRequired, Move::Answer(answers)) => {
                let before = self.open.len();
                let mut last = BTreeMap::new();
                for (at, is_object) in answers {
                    if let Some(key) = open.get(usize::from(*at)) {
                        last.insert(key, *is_object);
                    }
                }
                for (key, is_object) in last {
                    if is_object {
                        self.open.remove(key);
                    }
                }
                if self.open.is_empty() {
                    self.status = TaskStatus::Working;
                }
                return self.open.len() < before;
            }
            (TaskStatus::Working | TaskStatus::InputRequired, Move::Cancel) => {
                self.status = TaskStatus::Cancelled;
            }
            _ => return false,
        }
        if self.status.is_terminal() {
            self.open.clear();
        }
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_task_is_what_the_model_says(moves in proptest::collection::vec(moves(), 0..24)) {
        let mut task = record("a", None, 0);
        let mut model = Model {
            status: TaskStatus::Working,
            open: BTreeSet::new(),
            used: BTreeMap::new(),
        };
        for (now, of) in moves.iter().enumerate() {
            let open: Vec<String> = task.questions().iter().map(|(key, _)| key.into()).collect();
            let before = task.clone();
            let effect = task.apply(step(of, &open), now as u64);
            let changed = model.apply(of, &open);
            prop_assert_eq!(effect != Effect::None, changed, "{:?}", of);
            if before.status() == TaskStatus::Working && task.status() == TaskStatus::InputRequired {
                // Keys are never used twice in a task's life.
                for (key, _) in task.questions().iter() {
                    let count = model.used.entry(key.into()).or_default();
                    *count += 1;
                    prop_assert_eq!(*count, 1, "{}", key);
                    model.open.insert(key.into());
                }
            }
            prop_assert_eq!(task.status(), model.status, "{:?}", of);
            let open: BTreeSet<String> = task.questions().iter().map(|(key, _)| key.into()).collect();
            prop_assert_eq!(&open, &model.open);
            // Each change is one revision, and no change is none.
            prop_assert_eq!(task.revision(), before.revision() + u64::from(changed));
            if !changed {
                prop_assert_eq!(&task, &before);
            }
            if before.status().is_terminal() {
                prop_assert_eq!(&task, &before, "what has ended never changes");
            }
            prop_assert_eq!(
                effect == Effect::Run,
                before.status() == TaskStatus::InputRequired && task.status() == TaskStatus::Working
            );
            // What is asked is open exactly while input is required.
            prop_assert_eq!(task.status() == TaskStatus::InputRequired, !open.is_empty());
            let kept: crate::TaskRecord =
                serde_json::from_str(&serde_json::to_string(&task).unwrap()).unwrap();
            prop_assert_eq!(&kept, &task);
        }
    }
}
