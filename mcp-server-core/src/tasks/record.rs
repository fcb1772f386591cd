//! One task, as a machine without time, threads or storage.
//!
//! ```text
//!                    ┌──── answered ────┐
//!                    ▼                  │
//!   begun ──▶ working ── asked ──▶ input required
//!                │ │                    │
//!     completed ◀┘ └▶ failed            │
//!                        cancelled ◀────┴── also while working
//! ```
//!
//! What has ended never changes again: whatever comes later is ignored.

use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::time::Duration;
use mcp_proto::{
    encode,
    json::Json,
    rpc::{RpcError, codes},
    types::{
        ClientCapabilities, CreateTaskResult, GetTaskResult, InputRequests, Task, TaskOutcome,
        TaskStatus,
    },
    version::{Era, ProtocolVersion},
};
use serde::{Deserialize, Serialize};

use super::time::iso_8601;
use crate::call::{Answers, Peer, Resumed};

/// A task, with all that is needed to go on with it: what a [`TaskStore`](super::TaskStore) keeps.
///
/// A store keeps its JSON and looks at no more than the methods tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskRecord {
    id: String,
    revision: u64,
    subject: Option<String>,
    #[serde(with = "revision_name")]
    version: ProtocolVersion,
    client: ClientCapabilities,
    tool: String,
    arguments: Option<Json>,
    created_ms: u64,
    updated_ms: u64,
    ttl_ms: Option<u64>,
    poll_ms: u64,
    status: TaskStatus,
    message: Option<String>,
    // Which process is at work on it.
    runner: String,
    end: Option<End>,
    // What the client has yet to answer, and what it has answered in this round.
    questions: InputRequests,
    answers: Vec<(String, Answered)>,
    // Every key that was ever used, with the key that the handler knows it by.
    keys: Vec<(String, String)>,
    state: Option<String>,
    rounds: usize,
}

/// What a client has answered: a result, or an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answered {
    Result(Json),
    Error(Json),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum End {
    Result(Json),
    Error(Json),
}

/// What happens to a task.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Its call has given a result; `failed`: one that says so.
    Complete { result: Json, failed: bool },
    /// Its call has failed, or whoever ran it is gone.
    Fail(RpcError),
    /// Its call wants to know something, and has left a state for when it does.
    Ask {
        questions: InputRequests,
        state: Option<String>,
    },
    /// The client has answered.
    Answer(Answers),
    /// The client no longer wants it.
    Cancel,
}

/// What a step has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing: it came too late, or made no sense.
    None,
    /// The task is different now.
    Changed,
    /// The task is different now, and its call is to be run once more.
    Run,
}

/// What a task begins with.
#[derive(Debug)]
pub(super) struct Begin<'a> {
    pub(super) id: String,
    pub(super) peer: &'a Peer,
    pub(super) tool: Arc<str>,
    pub(super) arguments: Option<Json>,
    pub(super) now_ms: u64,
    pub(super) ttl: Option<Duration>,
    pub(super) poll: Duration,
    pub(super) runner: String,
}

impl TaskRecord {
    pub(super) fn begin(begin: Begin<'_>) -> Self {
        let Begin {
            id,
            peer,
            tool,
            arguments,
            now_ms,
            ttl,
            poll,
            runner,
        } = begin;
        Self {
            id,
            revision: 1,
            subject: peer.subject.as_deref().map(String::from),
            version: peer.version,
            client: peer.capabilities.clone(),
            tool: String::from(&*tool),
            arguments,
            created_ms: now_ms,
            updated_ms: now_ms,
            ttl_ms: ttl.map(millis),
            poll_ms: millis(poll).max(1),
            status: TaskStatus::Working,
            message: None,
            runner,
            end: None,
            questions: InputRequests::new(),
            answers: Vec::new(),
            keys: Vec::new(),
            state: None,
            rounds: 0,
        }
    }

    // ── what stores need ────────────────────────────────────────────────────────────────────────

    /// Names it. Letters and digits only.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Grows by one with every change.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// On whose behalf it was begun.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// How far it is.
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        self.status
    }

    /// When it began, in milliseconds since 1970.
    #[must_use]
    pub fn created_ms(&self) -> u64 {
        self.created_ms
    }

    /// When it last changed, in milliseconds since 1970.
    #[must_use]
    pub fn updated_ms(&self) -> u64 {
        self.updated_ms
    }

    /// When it is to be forgotten, in milliseconds since 1970.
    #[must_use]
    pub fn expires_ms(&self) -> Option<u64> {
        self.ttl_ms.map(|ttl| self.created_ms.saturating_add(ttl))
    }

    // ── what happens ────────────────────────────────────────────────────────────────────────────

    /// Takes a step. The revision grows with every change.
    pub(super) fn apply(&mut self, step: Step, now_ms: u64) -> Effect {
        let effect = match (self.status, step) {
            (TaskStatus::Working, Step::Complete { result, failed }) => {
                self.complete(result, failed);
                Effect::Changed
            }
            (TaskStatus::Working, Step::Fail(error)) => {
                self.fail(&error);
                Effect::Changed
            }
            (TaskStatus::Working, Step::Ask { questions, state }) => {
                self.ask(questions, state);
                Effect::Changed
            }
            (TaskStatus::InputRequired, Step::Answer(answers)) => self.answer(answers),
            (TaskStatus::Working | TaskStatus::InputRequired, Step::Cancel) => {
                self.status = TaskStatus::Cancelled;
                self.message = Some("cancelled by the client".into());
                self.forget_round();
                Effect::Changed
            }
            _ => Effect::None,
        };
        if effect != Effect::None {
            self.revision += 1;
            self.updated_ms = self.updated_ms.max(now_ms);
        }
        effect
    }

    fn complete(&mut self, result: Json, failed: bool) {
        // A result that says it failed is a result (extension tasks, Task Status); 2025-11-25 has
        // it failed (basic/utilities/tasks, Task Execution Errors).
        let failed = failed && self.version.era() == Era::Handshake;
        self.status = if failed {
            TaskStatus::Failed
        } else {
            TaskStatus::Completed
        };
        self.message = None;
        self.end = Some(End::Result(result));
        self.forget_round();
    }

    fn fail(&mut self, error: &RpcError) {
        self.status = TaskStatus::Failed;
        self.message = Some(error.message.to_string());
        self.end = Some(End::Error(error_json(error)));
        self.forget_round();
    }

    fn ask(&mut self, questions: InputRequests, state: Option<String>) {
        self.rounds += 1;
        self.state = state;
        self.answers = Vec::new();
        self.questions = InputRequests::new();
        for (key, question) in questions {
            // Extension tasks, Input Requests: a key is never used twice in a task's life.
            let used = |wanted: &str| self.keys.iter().any(|(known, _)| known == wanted);
            let mut known_as = key.clone();
            while used(&known_as) {
                known_as = format!("{known_as}-{}", self.rounds);
            }
            self.keys.push((known_as.clone(), key));
            self.questions.insert(known_as, question);
        }
        self.status = if self.questions.is_empty() {
            // There is nothing to wait for.
            TaskStatus::Working
        } else {
            TaskStatus::InputRequired
        };
        self.message = None;
    }

    // Extension tasks, tasks/update: what was not asked, or is answered already, is ignored.
    fn answer(&mut self, answers: Answers) -> Effect {
        let mut taken = false;
        for (known_as, answer) in answers {
            let answer = match answer {
                Ok(result) if result.is_object() => Answered::Result(result),
                Ok(_) => continue,
                Err(error) => Answered::Error(error_json(&error)),
            };
            if self.questions.remove(&known_as).is_none() {
                continue;
            }
            let key = self.keys.iter().find(|(known, _)| *known == known_as);
            let key = key.map_or(known_as.clone(), |(_, key)| key.clone());
            self.answers.push((key, answer));
            taken = true;
        }
        if !self.questions.is_empty() {
            return if taken { Effect::Changed } else { Effect::None };
        }
        self.status = TaskStatus::Working;
        Effect::Run
    }

    fn forget_round(&mut self) {
        self.questions = InputRequests::new();
        self.answers = Vec::new();
        self.state = None;
    }

    /// Says in words how far it is.
    pub(super) fn set_message(&mut self, message: String) {
        self.message = Some(message);
    }

    /// Notes down which process is at work on it.
    pub(super) fn set_runner(&mut self, runner: &str) {
        self.runner = runner.into();
    }

    // ── what is told ────────────────────────────────────────────────────────────────────────────

    pub(super) fn runner(&self) -> &str {
        &self.runner
    }

    pub(super) fn rounds(&self) -> usize {
        self.rounds
    }

    pub(super) fn version(&self) -> ProtocolVersion {
        self.version
    }

    pub(super) fn tool(&self) -> &str {
        &self.tool
    }

    pub(super) fn arguments(&self) -> Option<&Json> {
        self.arguments.as_ref()
    }

    pub(super) fn questions(&self) -> &InputRequests {
        &self.questions
    }

    /// What the next run of the handler is to know: what the client has answered in the round that
    /// is over, under the handler's own keys; what the handler left; how many rounds there were.
    pub(super) fn resumption(&self) -> Option<Arc<Resumed>> {
        if self.rounds == 0 && self.state.is_none() {
            return None;
        }
        let mut answers = Answers::new();
        for (key, answer) in &self.answers {
            let answer = match answer {
                Answered::Result(result) => Ok(result.clone()),
                Answered::Error(error) => Err(error
                    .to()
                    .unwrap_or_else(|_| RpcError::internal("the client answered with an error"))),
            };
            answers.insert(key.as_str(), answer);
        }
        Some(Arc::new(Resumed::new(
            answers,
            self.state.clone(),
            self.rounds,
        )))
    }

    /// Goes on with what a call has left that became this task.
    pub(super) fn continuing(mut self, earlier: &Resumed) -> Self {
        self.state.clone_from(&earlier.state);
        self.rounds = earlier.rounds;
        for (key, answer) in earlier.answers.iter() {
            let answer = match answer {
                Ok(result) => Answered::Result(result.clone()),
                Err(error) => Answered::Error(error_json(error)),
            };
            self.answers.push((key.into(), answer));
        }
        self
    }

    /// The client, as it was when it began the task.
    pub(super) fn peer(&self) -> Peer {
        let mut peer = Peer::new(self.version);
        peer.capabilities = self.client.clone();
        peer.subject = self.subject.as_deref().map(Arc::from);
        peer
    }

    /// Whether a client may know of it: one of the same subject, and of the era whose methods
    /// show it as it is.
    pub(super) fn is_for(&self, peer: &Peer) -> bool {
        self.subject.as_deref() == peer.subject.as_deref()
            && self.version.era() == peer.version.era()
    }

    pub(super) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_ms().is_some_and(|expires| expires <= now_ms)
    }

    pub(super) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    pub(super) fn task(&self) -> Task {
        let mut task = Task::new(self.id.as_str(), iso_8601(self.created_ms));
        task.status = self.status;
        task.status_message.clone_from(&self.message);
        task.last_updated_at = iso_8601(self.updated_ms);
        task.ttl_ms = self.ttl_ms;
        task.poll_interval_ms = Some(self.poll_ms);
        task
    }

    /// As `tasks/get` and the notifications tell it.
    pub(super) fn detailed(&self) -> GetTaskResult {
        let outcome = match (self.status, &self.end) {
            (TaskStatus::InputRequired, _) => {
                Some(TaskOutcome::InputRequired(self.questions.clone()))
            }
            (TaskStatus::Completed, Some(End::Result(result))) => {
                Some(TaskOutcome::Completed(result.clone()))
            }
            (TaskStatus::Failed, Some(End::Error(error))) => {
                Some(TaskOutcome::Failed(error.clone()))
            }
            _ => None,
        };
        GetTaskResult::new(self.task(), outcome)
    }

    /// As the call is answered that it was made of.
    pub(super) fn created(&self) -> Json {
        json_of(&CreateTaskResult::new(self.task()), self.version)
    }

    /// As the notifications tell it.
    pub(super) fn notification(&self) -> Json {
        let mut out = Vec::new();
        self.detailed().encode_notification(&mut out, self.version);
        parsed(out)
    }
}

/// A value as a revision writes it.
pub(super) fn json_of(value: &impl encode::EncodeFields, version: ProtocolVersion) -> Json {
    let mut out = Vec::new();
    encode::write_object(value, &mut out, version);
    parsed(out)
}

mod revision_name {
    use mcp_proto::version::ProtocolVersion;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        version: &ProtocolVersion,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(version.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ProtocolVersion, D::Error> {
        let name = alloc::string::String::deserialize(deserializer)?;
        ProtocolVersion::parse(&name).ok_or_else(|| de::Error::custom("an unknown revision"))
    }
}

fn error_json(error: &RpcError) -> Json {
    let mut text = Vec::new();
    error.write_to(&mut text);
    parsed(text)
}

// What the encoder writes is JSON.
fn parsed(out: Vec<u8>) -> Json {
    String::from_utf8(out)
        .ok()
        .and_then(|text| Json::parse(text).ok())
        .unwrap_or_else(Json::empty_object)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// -32603: the task's process is gone.
pub(super) fn lost() -> RpcError {
    RpcError::new(
        codes::INTERNAL_ERROR,
        "the server ended before the task did",
    )
}
