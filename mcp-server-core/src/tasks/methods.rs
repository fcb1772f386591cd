//! The requests that tasks answer: those of the extension, and those of 2025-11-25.

use alloc::{boxed::Box, format, string::ToString, sync::Arc};
use core::{future::poll_fn, task::Poll};

use mcp_proto::{
    json::Json,
    meta::keys,
    rpc::RpcError,
    types::{
        ElicitParams, InputRequest, InputRequests, ListTasksResult, Map, Meta, PaginatedParams,
        TaskParams, TaskStatus, UpdateTaskParams,
    },
    version::ProtocolVersion,
};
use serde::de::DeserializeOwned;

use super::{
    record::{Effect, End, TaskRecord, json_of},
    runner::{Place, Runner, unkept, unknown},
};
use crate::{
    call::{NeedInput, Outcome, Work},
    cx::Cx,
    extension::{Extension, ExtensionMethod, ExtensionResult},
    handler::Handler,
};

const OLD: ProtocolVersion = ProtocolVersion::V2025_11_25;

type Answered = Result<ExtensionResult, RpcError>;
type Answer = fn(&Arc<Runner>, &Work, &Cx) -> Answered;

/// Adds the methods of both revisions.
pub(super) fn add(mut extension: Extension<Handler>, runner: &Arc<Runner>) -> Extension<Handler> {
    let new: [(&str, Answer); 3] = [
        ("tasks/get", get),
        ("tasks/update", update),
        ("tasks/cancel", cancel),
    ];
    for (name, answer) in new {
        let method = ExtensionMethod::new(name, handler(runner, answer)).named_by("taskId");
        extension = extension.method(method);
    }
    let old: [(&str, Answer); 3] = [
        ("tasks/get", get),
        ("tasks/cancel", cancel_now),
        ("tasks/list", list),
    ];
    for (name, answer) in old {
        let method = ExtensionMethod::new(name, handler(runner, answer));
        extension = extension.method(method.in_revisions(OLD, OLD).ungated());
    }
    let waiting = Arc::clone(runner);
    let result = Handler::future(move |work, cx| result(Arc::clone(&waiting), work, cx));
    extension.method(
        ExtensionMethod::new("tasks/result", result)
            .in_revisions(OLD, OLD)
            .ungated()
            .for_a_tasks_life(),
    )
}

fn handler(
    runner: &Arc<Runner>,
    answer: impl Fn(&Arc<Runner>, &Work, &Cx) -> Answered + Send + Sync + 'static,
) -> Handler {
    let quick = runner.store.is_quick();
    let runner = Arc::clone(runner);
    let run = move |work: Work, cx: Cx| {
        answer(&runner, &work, &cx).map_or_else(Outcome::Fail, Outcome::Extension)
    };
    if quick {
        Handler::quick(run)
    } else {
        Handler::sync(run)
    }
}

fn params<T: DeserializeOwned>(work: &Work) -> Result<T, RpcError> {
    let Work::Extension(call) = work else {
        return Err(RpcError::internal(
            "the handler belongs to another kind of component",
        ));
    };
    let params = call.params.clone().unwrap_or_else(Json::empty_object);
    params.to().map_err(|error| {
        // Where in the text it stands is of no use to a program.
        let problem = error.to_string();
        let problem = problem.split(" at line ").next().unwrap_or_default();
        RpcError::invalid_params(format!("params: {problem}"))
    })
}

fn found(runner: &Runner, work: &Work, cx: &Cx, place: &Place<'_>) -> Result<TaskRecord, RpcError> {
    let params: TaskParams = params(work)?;
    runner.find(&params.task_id, cx.peer(), place)
}

fn get(runner: &Arc<Runner>, work: &Work, cx: &Cx) -> Answered {
    let record = found(runner, work, cx, &Place::of(cx)?)?;
    Ok(ExtensionResult::new(&json_of(
        &record.detailed(),
        cx.version(),
    )))
}

fn update(runner: &Arc<Runner>, work: &Work, cx: &Cx) -> Answered {
    let place = Place::of(cx)?;
    let params: UpdateTaskParams = params(work)?;
    let record = runner.find(&params.task_id, cx.peer(), &place)?;
    let answers = params.input_responses.into_iter();
    let answers = answers.map(|(key, answer)| (key, Ok(answer))).collect();
    runner.answer(&record, answers, &place)?;
    Ok(ExtensionResult::empty())
}

// Extension tasks, tasks/cancel: acknowledged, whatever state the task is in.
fn cancel(runner: &Arc<Runner>, work: &Work, cx: &Cx) -> Answered {
    let place = Place::of(cx)?;
    let record = found(runner, work, cx, &place)?;
    runner.cancel(&record, &place)?;
    Ok(ExtensionResult::empty())
}

// 2025-11-25, basic/utilities/tasks, Cancelling: what has ended MUST be refused, and everything
// else MUST be cancelled when this is answered.
fn cancel_now(runner: &Arc<Runner>, work: &Work, cx: &Cx) -> Answered {
    let place = Place::of(cx)?;
    let record = found(runner, work, cx, &place)?;
    let (record, effect) = runner.cancel(&record, &place)?;
    if effect == Effect::None {
        return Err(RpcError::invalid_params(format!(
            "the task is {} already",
            record.status().as_str()
        )));
    }
    Ok(ExtensionResult::new(&json_of(
        &record.detailed(),
        cx.version(),
    )))
}

// 2025-11-25, basic/utilities/tasks, Task Isolation: only where it is known whose they are.
fn list(runner: &Arc<Runner>, work: &Work, cx: &Cx) -> Answered {
    let place = Place::of(cx)?;
    let params: PaginatedParams = params(work)?;
    let subject = cx.peer().subject.as_deref();
    let mut page = ListTasksResult::default();
    if subject.is_some() || runner.lists_for_nobody {
        let most = place.server.server().current().limits().page_items;
        let after = params.cursor.as_deref();
        if after.is_some_and(|after| !after.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(RpcError::invalid_params("params.cursor is not valid"));
        }
        let mut records = runner
            .store
            .list(subject, after, most.saturating_add(1))
            .map_err(|error| unkept(&error, &place))?;
        if records.len() > most {
            records.truncate(most);
            page.next_cursor = records.last().map(|record| record.id().into());
        }
        page.tasks = records
            .iter()
            .filter(|record| record.is_for(cx.peer()) && !record.is_expired(place.now_ms))
            .map(TaskRecord::task)
            .collect();
    }
    Ok(ExtensionResult::new(&json_of(&page, cx.version())))
}

// 2025-11-25, basic/utilities/tasks, Result Retrieval: blocks until the task has ended, then
// answers as its request would have been.
async fn result(runner: Arc<Runner>, work: Work, cx: Cx) -> Outcome {
    let params: TaskParams = match params(&work) {
        Ok(params) => params,
        Err(error) => return Outcome::Fail(error),
    };
    if let Err(error) = take_answers(&runner, &params.task_id, &cx) {
        return Outcome::Fail(error);
    }
    let _waiting = Waiting(&runner, &params.task_id);
    let ended = poll_fn(|context| {
        let found = Place::of(&cx).and_then(|place| {
            // Before it is looked at, so that no change falls in between.
            runner.wake_at_change(&params.task_id, context.waker());
            runner.find(&params.task_id, cx.peer(), &place)
        });
        match found {
            Ok(record) if record.status() == TaskStatus::Working => Poll::Pending,
            Ok(record) => Poll::Ready(Ok(record)),
            Err(error) => Poll::Ready(Err(error)),
        }
    });
    let answered = ended.await.and_then(|record| match record.status() {
        TaskStatus::InputRequired => Ok(Outcome::NeedInput(questions_of(&record))),
        _ => ended_result(&record).map(Outcome::Extension),
    });
    answered.unwrap_or_else(Outcome::Fail)
}

// 2025-11-25, basic/utilities/tasks, Input Required Status: what a task wants to know is asked
// while its result is waited for, and says which task it belongs to.
fn questions_of(record: &TaskRecord) -> NeedInput {
    let mut questions = InputRequests::new();
    let related = related_task(record);
    for (key, mut question) in record.questions().clone() {
        match &mut question {
            InputRequest::Elicit(params) => match &mut **params {
                ElicitParams::Form(form) => relate(&mut form.meta, &related),
                ElicitParams::Url(page) => relate(&mut page.meta, &related),
                _ => {}
            },
            InputRequest::CreateMessage(params) => relate(&mut params.meta, &related),
            InputRequest::ListRoots(params) => relate(&mut params.meta, &related),
            _ => {}
        }
        questions.insert(key, question);
    }
    NeedInput::new(questions)
}

fn relate(meta: &mut Option<Meta>, related: &Json) {
    meta.get_or_insert_with(Meta::new)
        .insert(keys::RELATED_TASK, related.clone());
}

fn related_task(record: &TaskRecord) -> Json {
    let mut related = Map::new();
    related.insert("taskId", record.id());
    // A map of strings is always JSON.
    Json::new(&related).unwrap_or_else(|_| Json::empty_object())
}

// What the client has answered while the result was waited for.
fn take_answers(runner: &Arc<Runner>, id: &str, cx: &Cx) -> Result<(), RpcError> {
    let Some(resumed) = cx.resumed() else {
        return Ok(());
    };
    let place = Place::of(cx)?;
    let record = runner.find(id, cx.peer(), &place)?;
    runner.answer(&record, resumed.answers.clone(), &place)
}

struct Waiting<'a>(&'a Runner, &'a str);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.forget_waiters(self.1);
    }
}

fn ended_result(record: &TaskRecord) -> Answered {
    match (record.end(), record.status()) {
        (Some(End::Result(result)), _) => {
            let mut result = ExtensionResult::new(result);
            let mut meta: Meta = result
                .members
                .get("_meta")
                .and_then(|meta| meta.to().ok())
                .unwrap_or_default();
            meta.insert(keys::RELATED_TASK, related_task(record));
            if let Ok(meta) = Json::new(&meta) {
                result.members.insert("_meta", meta);
            }
            Ok(result)
        }
        (Some(End::Error(error)), _) => Err(error
            .to()
            .unwrap_or_else(|_| RpcError::internal("the task failed"))),
        (None, TaskStatus::Cancelled) => Err(RpcError::internal("the task was cancelled")),
        (None, _) => Err(unknown()),
    }
}

/// What takes the calls that become tasks.
pub(super) fn starter(runner: &Arc<Runner>) -> Handler {
    let quick = runner.store.is_quick();
    let runner = Arc::clone(runner);
    let run = move |work: Work, cx: Cx| {
        let Work::Task(call) = work else {
            return Outcome::Fail(RpcError::internal(
                "the handler belongs to another kind of component",
            ));
        };
        let call: Box<_> = call;
        runner.start(&call, &cx).unwrap_or_else(Outcome::Fail)
    };
    if quick {
        Handler::quick(run)
    } else {
        Handler::sync(run)
    }
}
