//! What callers can ask of tasks.

use alloc::{boxed::Box, string::String, vec::Vec};

use mcp_proto::{
    request::{CallTool, CancelTask, GetTask, ListTasks, Request},
    rpc::CallId,
    time::Instant,
    types::{CallToolParams, CallToolResult, GetTaskResult, Task, TaskMetadata, TaskParams},
};
use serde::Serialize;
use serde::de::Error as _;

use super::{Goal, Watch, created, takes_tasks};
use crate::{
    command::{Command, call, list_all, object},
    error::Misuse,
    options::CallOptions,
    output::ToolOutput,
    session::{Pending, Reply, Session, typed},
};

/// What has come of a call that may become a task: the task, or what any other call gives.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a call has become a task, or it has not"
)]
pub enum Started<T> {
    /// It has become a task.
    Task(T),
    /// The server has answered at once.
    Done(ToolOutput),
}

/// A task that has begun.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Begun {
    /// The task, as it was then.
    pub task: Task,
    /// The call that began it. In 2025-11-25 reports of its progress bear that call's name for as
    /// long as the task lives; [`task_result`] and [`wait_for_task`] pass them on.
    pub call: CallId,
}

impl<T> Started<T> {
    /// The same with another kind of task.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Started<U> {
        match self {
            Self::Task(task) => Started::Task(change(task)),
            Self::Done(output) => Started::Done(output),
        }
    }

    /// The task, if it has become one.
    pub fn task(self) -> Option<T> {
        match self {
            Self::Task(task) => Some(task),
            Self::Done(_) => None,
        }
    }
}

/// `tools/call`, which ends as soon as it has become a task. In 2025-11-25 the server is asked for
/// one, if it has any; [`CallOptions::task_ttl`] is for how long it is to be kept.
///
/// The arguments serialize to an object, or to `null` for none.
pub fn call_tool_as_task(
    name: impl Into<String>,
    arguments: &impl Serialize,
) -> impl Command<Output = Started<Begun>> {
    let mut params = CallToolParams::new(name);
    let arguments = object(arguments);
    move |session: &mut Session, options: &CallOptions, now: Instant| {
        params.arguments = arguments?;
        if session.server().is_none_or(|server| takes_tasks(server)) {
            let ttl = options.task_ttl.map(|ttl| ttl.as_millis());
            let ttl = ttl.map(|ttl| u64::try_from(ttl).unwrap_or(u64::MAX));
            params.task = Some(TaskMetadata::new(ttl));
        }
        let mut options = options.clone();
        options.hand_over = true;
        let pending = session.call::<CallTool>(&params, &options, now)?;
        Ok(Pending::new(pending.id(), started))
    }
}

fn started(reply: &mut Reply) -> Result<Started<Begun>, serde_json::Error> {
    match reply {
        Reply::HandedOver(call, result) => {
            let task = created(result).map_err(|error| serde_json::Error::custom(error.reason))?;
            Ok(Started::Task(Begun { task, call: *call }))
        }
        reply => typed::<CallToolResult>(reply).map(|result| Started::Done(result.into())),
    }
}

/// How a task is, and what it gives or still wants to know (2026-07-28): `tasks/get`.
pub fn task_status(id: impl Into<String>) -> impl Command<Output = GetTaskResult> {
    call::<GetTask>(TaskParams::new(id))
}

/// Waits until a task has ended, and gives what its call would have given. The task's questions are
/// answered meanwhile; not to wait any longer does not cancel it.
///
/// `begun` is the call that began it, where this is known.
pub fn task_result(
    id: impl Into<String>,
    begun: Option<CallId>,
) -> impl Command<Output = ToolOutput> {
    let id = id.into();
    move |session: &mut Session, options: &CallOptions, now: Instant| {
        let call = watch(session, id, Goal::Result, begun, options, now)?;
        Ok(Pending::new(call, |reply| {
            typed::<CallToolResult>(reply).map(ToolOutput::from)
        }))
    }
}

/// Like [`task_result`], but gives the task as it was at its end, whatever that was.
pub fn wait_for_task(id: impl Into<String>, begun: Option<CallId>) -> impl Command<Output = Task> {
    let id = id.into();
    move |session: &mut Session, options: &CallOptions, now: Instant| {
        let call = watch(session, id, Goal::End, begun, options, now)?;
        Ok(Pending::new(call, typed::<Task>))
    }
}

fn watch(
    session: &mut Session,
    id: String,
    goal: Goal,
    begun: Option<CallId>,
    options: &CallOptions,
    now: Instant,
) -> Result<CallId, Misuse> {
    let mut options = options.clone();
    options.detached = true;
    session.follow(Box::new(Watch::new(id, goal)), begun, &options, now)
}

/// Cancels a task. The server may finish it all the same; in 2025-11-25 it is an error where it has
/// ended already.
pub fn cancel_task(id: impl Into<String>) -> impl Command<Output = ()> {
    let params = TaskParams::new(id);
    move |session: &mut Session, options: &CallOptions, now: Instant| {
        let pending = session.call::<CancelTask>(&params, options, now)?;
        Ok(Pending::new(pending.id(), |reply| {
            typed::<<CancelTask as Request>::Result>(reply).map(drop)
        }))
    }
}

/// All tasks that the server lets the client see, in 2025-11-25 only.
pub fn list_tasks() -> impl Command<Output = Vec<Task>> {
    list_all::<ListTasks>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_become_a_task_is_told_from_what_is_done() {
        let output = || ToolOutput::from(CallToolResult::new(Vec::new()));
        for (started, mapped, task) in [
            (Started::Task(3), Started::Task("3".into()), Some(3)),
            (Started::Done(output()), Started::Done(output()), None),
        ] {
            assert_eq!(started.clone().map(|id: u8| alloc::format!("{id}")), mapped);
            assert_eq!(started.task(), task);
        }
    }
}
