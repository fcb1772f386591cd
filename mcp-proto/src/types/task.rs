//! Work that outlives its request: the experiment of 2025-11-25, and the extension
//! `io.modelcontextprotocol/tasks` that took its place with other names for the same things.

use super::{InputRequests, InputResponses, Meta};
use crate::{
    encode::{EncodeFields, Object, Sendable, Unsendable},
    json::Json,
    version::ProtocolVersion,
    wire::{self, encode_as_object, names, serialize_as_latest, wire},
};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Deserializer, de};

names! {
    /// How far a task is.
    pub enum TaskStatus {
        /// Being worked on.
        Working = "working",
        /// Waiting for answers.
        InputRequired = "input_required",
        /// Done; the result is there.
        Completed = "completed",
        /// Failed.
        Failed = "failed",
        /// Given up on request.
        Cancelled = "cancelled",
    }
}

impl TaskStatus {
    /// Whether it will never change again.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

wire! {
    /// Asks for a request to be run as a task, in 2025-11-25 only.
    #[derive(Default)]
    pub struct TaskMetadata {
        /// For how many milliseconds the outcome should be kept.
        pub ttl: Option<u64> = hint "ttl",
    }
}

impl TaskMetadata {
    /// Keeps the outcome for so many milliseconds, or as long as the peer likes.
    #[must_use]
    pub fn new(ttl: Option<u64>) -> Self {
        Self { ttl }
    }
}

/// A task.
///
/// 2025-11-25 writes `ttl` and `pollInterval`, the extension `ttlMs` and `pollIntervalMs`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Task {
    /// Names it; must be unguessable.
    #[serde(rename = "taskId")]
    pub task_id: String,
    /// How far it is.
    pub status: TaskStatus,
    /// The same, for people.
    #[serde(rename = "statusMessage")]
    pub status_message: Option<String>,
    /// When it began, in ISO 8601.
    #[serde(rename = "createdAt")]
    pub created_at: String,
    /// When it last changed, in ISO 8601.
    #[serde(rename = "lastUpdatedAt")]
    pub last_updated_at: String,
    /// For how many milliseconds from its beginning it is kept; without end where `None`.
    #[serde(
        rename = "ttlMs",
        alias = "ttl",
        default,
        deserialize_with = "wire::lenient"
    )]
    pub ttl_ms: Option<u64>,
    /// How many milliseconds to wait between two looks at it.
    #[serde(
        rename = "pollIntervalMs",
        alias = "pollInterval",
        default,
        deserialize_with = "wire::lenient"
    )]
    pub poll_interval_ms: Option<u64>,
}

impl Task {
    /// A task that began at `created_at` (ISO 8601) and is being worked on.
    #[must_use]
    pub fn new(task_id: impl Into<String>, created_at: impl Into<String>) -> Self {
        let created_at = created_at.into();
        Self {
            task_id: task_id.into(),
            status: TaskStatus::Working,
            status_message: None,
            last_updated_at: created_at.clone(),
            created_at,
            ttl_ms: None,
            poll_interval_ms: None,
        }
    }
}

impl EncodeFields for Task {
    fn encode_fields(&self, object: &mut Object<'_>) {
        let (ttl, poll_interval) = if object.version() >= ProtocolVersion::V2026_07_28 {
            ("ttlMs", "pollIntervalMs")
        } else {
            ("ttl", "pollInterval")
        };
        object.field("taskId", &self.task_id);
        object.field("status", &self.status);
        object.optional("statusMessage", &self.status_message);
        object.field("createdAt", &self.created_at);
        object.field("lastUpdatedAt", &self.last_updated_at);
        object.field(ttl, &self.ttl_ms);
        object.optional(poll_interval, &self.poll_interval_ms);
    }
}

encode_as_object!(Task);
serialize_as_latest!(Task, CreateTaskResult, GetTaskResult);

/// The result of a request that became a task.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CreateTaskResult {
    /// The task.
    pub task: Task,
    /// Metadata.
    pub meta: Option<Meta>,
}

impl CreateTaskResult {
    /// That task was made.
    #[must_use]
    pub fn new(task: Task) -> Self {
        Self { task, meta: None }
    }
}

impl EncodeFields for CreateTaskResult {
    fn encode_fields(&self, object: &mut Object<'_>) {
        if object.version() >= ProtocolVersion::V2026_07_28 {
            object.field("resultType", "task");
            self.task.encode_fields(object);
        } else {
            object.field("task", &self.task);
        }
        object.meta(self.meta.as_ref());
    }
}

encode_as_object!(CreateTaskResult);

impl Sendable for CreateTaskResult {
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable> {
        Unsendable::unless(version, ProtocolVersion::V2025_11_25, "a task")
    }
}

impl<'de> Deserialize<'de> for CreateTaskResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Either {
            task: Option<Task>,
            #[serde(rename = "_meta")]
            meta: Option<Meta>,
            #[serde(flatten)]
            flat: Option<Task>,
        }
        let Either { task, meta, flat } = Either::deserialize(deserializer)?;
        let task = task
            .or(flat)
            .ok_or_else(|| de::Error::missing_field("task"))?;
        Ok(Self { task, meta })
    }
}

/// Result of `tasks/get`, of 2025-11-25's `tasks/cancel`, and parameters of the notifications that
/// a task changed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GetTaskResult {
    /// The task.
    pub task: Task,
    /// What came of it, in the extension; 2025-11-25 has `tasks/result` for that.
    pub outcome: Option<TaskOutcome>,
    /// Metadata.
    pub meta: Option<Meta>,
}

/// What a task's status entails.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskOutcome {
    /// Everything the task still wants to know.
    InputRequired(InputRequests),
    /// The result of the request that became the task.
    Completed(Json),
    /// The JSON-RPC error of that request.
    Failed(Json),
}

impl GetTaskResult {
    /// How that task is.
    #[must_use]
    pub fn new(task: Task, outcome: Option<TaskOutcome>) -> Self {
        Self {
            task,
            outcome,
            meta: None,
        }
    }

    /// The members that `notifications/tasks` has as well: all but `resultType`.
    pub fn encode_notification(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let mut object = Object::new(out, version);
        self.encode_members(&mut object);
        object.end();
    }

    fn encode_members(&self, object: &mut Object<'_>) {
        self.task.encode_fields(object);
        if object.version() >= ProtocolVersion::V2026_07_28 {
            match &self.outcome {
                Some(TaskOutcome::InputRequired(requests)) => {
                    object.field("inputRequests", requests);
                }
                Some(TaskOutcome::Completed(result)) => object.field("result", result),
                Some(TaskOutcome::Failed(error)) => object.field("error", error),
                None => {}
            }
        }
        object.meta(self.meta.as_ref());
    }
}

impl EncodeFields for GetTaskResult {
    fn encode_fields(&self, object: &mut Object<'_>) {
        if object.version() >= ProtocolVersion::V2026_07_28 {
            object.field("resultType", "complete");
        }
        self.encode_members(object);
    }
}

encode_as_object!(GetTaskResult);

impl<'de> Deserialize<'de> for GetTaskResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Flat {
            #[serde(flatten)]
            task: Task,
            #[serde(rename = "inputRequests")]
            input_requests: Option<InputRequests>,
            result: Option<Json>,
            error: Option<Json>,
            #[serde(rename = "_meta")]
            meta: Option<Meta>,
        }
        let Flat {
            task,
            input_requests,
            result,
            error,
            meta,
        } = Flat::deserialize(deserializer)?;
        let outcome = match task.status {
            TaskStatus::InputRequired => input_requests.map(TaskOutcome::InputRequired),
            TaskStatus::Completed => result.map(TaskOutcome::Completed),
            TaskStatus::Failed => error.map(TaskOutcome::Failed),
            TaskStatus::Working | TaskStatus::Cancelled => None,
        };
        Ok(Self {
            task,
            outcome,
            meta,
        })
    }
}

wire! {
    /// Parameters of `tasks/get`, `tasks/cancel` and 2025-11-25's `tasks/result`.
    #[derive(Default)]
    pub struct TaskParams {
        /// The task.
        pub task_id: String = "taskId",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl TaskParams {
    /// That task.
    #[must_use]
    pub fn new(task_id: impl Into<String>) -> Self {
        Self {
            task_id: task_id.into(),
            meta: None,
        }
    }
}

wire! {
    /// Parameters of the extension's `tasks/update`.
    #[derive(Default)]
    pub struct UpdateTaskParams {
        /// The task.
        pub task_id: String = "taskId",
        /// Answers to some or all of what it wants to know.
        pub input_responses: InputResponses = "inputResponses",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl UpdateTaskParams {
    /// Answers that task.
    #[must_use]
    pub fn new(task_id: impl Into<String>, input_responses: InputResponses) -> Self {
        Self {
            task_id: task_id.into(),
            input_responses,
            meta: None,
        }
    }
}

wire! {
    /// Result of `tasks/list`, in 2025-11-25 only.
    #[derive(Default)]
    pub struct ListTasksResult {
        /// The page.
        pub tasks: Vec<Task> = "tasks",
        /// Where the next page begins; absent on the last.
        pub next_cursor: Option<String> = opt "nextCursor",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl ListTasksResult {
    /// A page that is the last one.
    #[must_use]
    pub fn new(tasks: Vec<Task>) -> Self {
        Self {
            tasks,
            ..Self::default()
        }
    }
}
