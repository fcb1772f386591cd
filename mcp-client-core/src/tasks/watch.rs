//! Waiting for one task: what to ask the server next.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::time::Duration;

use mcp_proto::{
    json::Json,
    method::Method,
    rpc::{RpcError, codes},
    time::Instant,
    types::{
        GetTaskResult, InputRequests, InputResponses, ResultType, Task, TaskOutcome, TaskParams,
        TaskStatus, UpdateTaskParams,
    },
    version::ProtocolVersion,
};

use super::EXTENSION;
use crate::{
    error::{CallError, Malformed, TaskError},
    extension::{Follow, FollowUp, News, Step},
};

/// How long to wait between two looks where the server does not say.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// What the call gives.
    Result,
    /// The end, whatever it is.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is under way.
    Resting,
    /// `tasks/get` is.
    Looking,
    /// 2025-11-25's `tasks/result` is, which is answered when the task has ended.
    Fetching,
    /// `tasks/update` is.
    Answering,
    /// The program is asked.
    Asking,
}

/// Waits for one task.
#[derive(Debug)]
pub(super) struct Watch {
    id: String,
    goal: Goal,
    stage: Stage,
    /// As it was last seen.
    task: Option<Task>,
    /// When the server was last heard.
    heard: Option<Instant>,
    /// The keys of all questions that were put to the program.
    asked: Vec<String>,
    /// Answers that the server has not acknowledged.
    answers: InputResponses,
    /// Something has happened since the server was asked.
    stale: bool,
    /// `tasks/result` has failed although the task had not ended.
    refused: bool,
}

impl Watch {
    pub(super) fn new(id: String, goal: Goal) -> Self {
        Self {
            id,
            goal,
            stage: Stage::Resting,
            task: None,
            heard: None,
            asked: Vec::new(),
            answers: InputResponses::new(),
            stale: false,
            refused: false,
        }
    }

    /// It has just begun.
    pub(super) fn created(mut self, task: Task) -> Self {
        self.task = Some(task);
        self
    }

    // ── What to do next ──────────────────────────────────────────────────────────────────────

    fn look(&mut self) -> Step {
        self.request(Stage::Looking, Method::GetTask, &TaskParams::new(&*self.id))
    }

    fn fetch(&mut self) -> Step {
        let params = TaskParams::new(&*self.id);
        self.request(Stage::Fetching, Method::TaskResult, &params)
    }

    fn answer(&mut self) -> Step {
        let params = UpdateTaskParams::new(&*self.id, self.answers.clone());
        self.request(Stage::Answering, Method::UpdateTask, &params)
    }

    fn request(&mut self, stage: Stage, method: Method, params: &impl serde::Serialize) -> Step {
        self.stage = stage;
        Step::Request {
            method: Cow::Borrowed(method.name()),
            // Strings and JSON can always be written.
            params: Json::new(params).unwrap_or_else(|_| Json::empty_object()),
        }
    }

    fn rest(&mut self, call: &Follow<'_>) -> Step {
        if core::mem::take(&mut self.stale) {
            return self.look();
        }
        self.stage = Stage::Resting;
        let (least, most) = (call.limits.task_poll_min, call.limits.task_poll_max);
        if call.is_told {
            return Step::Pause(most);
        }
        let wanted = self.task.as_ref().and_then(|task| task.poll_interval_ms);
        let wanted = wanted.map_or(INTERVAL, Duration::from_millis);
        Step::Pause(wanted.min(most).max(least))
    }

    // ── How the task is ──────────────────────────────────────────────────────────────────────

    fn begin(&mut self, call: &Follow<'_>) -> Step {
        self.heard = Some(call.now);
        let Some(task) = self.task.clone() else {
            return self.look();
        };
        call.tell(&task);
        if task.status == TaskStatus::Working {
            self.rest(call)
        } else {
            self.look()
        }
    }

    fn looked(&mut self, result: &str, call: &Follow<'_>) -> Step {
        match serde_json::from_str::<GetTaskResult>(result) {
            Ok(got) if got.task.task_id == self.id => self.judge(got, call),
            Ok(_) => malformed("it is about another task"),
            Err(error) => malformed(error),
        }
    }

    fn judge(&mut self, got: GetTaskResult, call: &Follow<'_>) -> Step {
        let GetTaskResult { task, outcome, .. } = got;
        let status = task.status;
        let reason = task.status_message.clone();
        let is_news = self.task.as_ref().is_none_or(|known| {
            (known.status, &known.status_message) != (status, &task.status_message)
        });
        if is_news {
            call.tell(&task);
        }
        self.task = Some(task);
        if self.goal == Goal::End && status.is_terminal() {
            return self.ended();
        }
        let is_old = call.version == ProtocolVersion::V2025_11_25;
        match (status, outcome) {
            (TaskStatus::Working, _) => self.rest(call),
            (TaskStatus::Cancelled, _) => {
                Step::Failed(CallError::Task(TaskError::Cancelled(reason)))
            }
            // The only way to hear the questions, the result, or the error.
            _ if is_old => self.fetch(),
            (TaskStatus::InputRequired, Some(TaskOutcome::InputRequired(requests))) => {
                self.questions(requests, call)
            }
            (TaskStatus::Completed, Some(TaskOutcome::Completed(result))) => completed(result),
            (TaskStatus::Failed, Some(TaskOutcome::Failed(error))) => failed(&error),
            (status, _) => malformed(format_args!(
                "a task that is {} must say more",
                status.as_str()
            )),
        }
    }

    // Extension tasks, Task Input: every outstanding question is listed each time, and none is to
    // be put twice to whoever answers.
    fn questions(&mut self, requests: InputRequests, call: &Follow<'_>) -> Step {
        let is_open = |(key, _): (&str, &Json)| requests.get(key).is_some();
        if self.answers.iter().any(is_open) {
            return self.answer();
        }
        let is_new =
            |key: &String| !self.asked.contains(key) && !call.asked_elsewhere.contains(key);
        let new: InputRequests = requests
            .into_iter()
            .filter(|(key, _)| is_new(key))
            .collect();
        if new.is_empty() {
            return self.rest(call);
        }
        self.asked
            .extend(new.iter().map(|(key, _)| String::from(key)));
        self.stage = Stage::Asking;
        Step::Ask(new)
    }

    fn ended(&self) -> Step {
        let task = self.task.as_ref().map(Json::new);
        Step::Done(task.and_then(Result::ok).unwrap_or_else(Json::null))
    }

    // ── What may happen meanwhile ────────────────────────────────────────────────────────────

    fn noticed(&mut self, notice: &Json, call: &Follow<'_>) -> Step {
        let Ok(got) = notice.to::<GetTaskResult>() else {
            // Not worth ending anything for: what it is about is looked at anyway.
            return Step::Stay;
        };
        self.heard = Some(call.now);
        let ended = got.task.status.is_terminal();
        match self.stage {
            Stage::Resting => self.judge(got, call),
            // Somebody else has answered, or the time is over.
            Stage::Asking if ended => self.judge(got, call),
            Stage::Asking => Step::Stay,
            _ => self.later(),
        }
    }

    // What is under way may have been answered before this happened.
    fn later(&mut self) -> Step {
        self.stale = true;
        Step::Stay
    }

    fn failed(&mut self, error: &CallError, call: &Follow<'_>) -> Step {
        match error {
            CallError::Rpc(error) if error.code == codes::BUSY => self.rest(call),
            CallError::Rpc(error) if self.stage == Stage::Fetching => self.refused(error),
            CallError::Rpc(error) if error.code == codes::INVALID_PARAMS => {
                Step::Failed(CallError::Task(TaskError::Unknown(error.clone())))
            }
            // Nothing has happened for long, which need not mean anything: ask again.
            CallError::TimedOut if self.stage == Stage::Fetching => self.look(),
            #[cfg(feature = "http")]
            CallError::Http(failure) if !failure.is_refusal() && self.is_patient(call) => {
                self.rest(call)
            }
            error => Step::Failed(error.clone()),
        }
    }

    // Whether a server that cannot be reached may still come back: its tasks may outlive it.
    #[cfg(feature = "http")]
    fn is_patient(&self, call: &Follow<'_>) -> bool {
        self.heard
            .is_some_and(|heard| call.now.duration_since(heard) < call.patience)
    }

    // 2025-11-25: this is what the call ends with; unless the task was cancelled meanwhile or is
    // not there any more, which only `tasks/get` tells.
    fn refused(&mut self, error: &RpcError) -> Step {
        let ended = |task: &Task| task.status.is_terminal();
        if self.refused || self.task.as_ref().is_some_and(ended) {
            return Step::Failed(CallError::Rpc(error.clone()));
        }
        self.refused = true;
        self.look()
    }
}

impl FollowUp for Watch {
    fn step(&mut self, news: News<'_>, call: &Follow<'_>) -> Step {
        if let News::Result(_) | News::Failed(CallError::Rpc(_)) = news {
            self.heard = Some(call.now);
        }
        match (news, self.stage) {
            (News::Begun, _) => self.begin(call),
            (News::Notice(notice), _) => self.noticed(notice, call),
            (News::Failed(error), _) => self.failed(error, call),
            (News::Answered(answers), _) => {
                self.answers = answers;
                self.answer()
            }
            (News::Resumed, Stage::Resting) => self.look(),
            (News::Result(result), Stage::Looking) => self.looked(result, call),
            (News::Result(_), Stage::Fetching) if self.goal == Goal::End => self.look(),
            (News::Result(result), Stage::Fetching) => match Json::parse(result) {
                Ok(result) => completed(result),
                Err(error) => malformed(error),
            },
            (News::Result(_), Stage::Answering) => {
                self.answers = InputResponses::new();
                self.rest(call)
            }
            (News::Resumed, Stage::Asking) => Step::Stay,
            (News::Resumed, _) => self.later(),
            // Nothing was asked.
            (News::Result(_), _) => Step::Stay,
        }
    }

    fn topic(&self) -> Option<(&str, &str)> {
        Some((EXTENSION, &self.id))
    }

    fn abandonment(&self) -> Option<(Cow<'static, str>, Json)> {
        let params = Json::new(&TaskParams::new(&*self.id)).ok()?;
        Some((Cow::Borrowed(Method::CancelTask.name()), params))
    }
}

// A task's result is that of a call which no longer may become anything else.
fn completed(result: Json) -> Step {
    match ResultType::of(result.as_str()) {
        Ok(ResultType::Complete) => Step::Done(result),
        Ok(_) => malformed("a task's result must be complete"),
        Err(error) => malformed(error),
    }
}

fn failed(error: &Json) -> Step {
    match error.to::<RpcError>() {
        Ok(error) => Step::Failed(CallError::Rpc(error)),
        Err(error) => malformed(error),
    }
}

fn malformed(reason: impl core::fmt::Display) -> Step {
    Step::Failed(CallError::Malformed(Malformed::new(reason)))
}
