//! Calls that outlive their requests, seen from the client: the extension
//! `io.modelcontextprotocol/tasks`, and the tasks of 2025-11-25 that it took the place of.
//!
//! ```text
//!  tools/call ──▶ a result: as ever
//!             └─▶ a task ──▶ look, wait, look … ──▶ completed: the call's result
//!                              │ ▲                └▶ failed, cancelled, unknown: its error
//!                              ▼ │
//!                      questions, answered by the program's handlers
//! ```
//!
//! Built from nothing but what [`Extension`] offers to everybody.

mod commands;
mod watch;

pub use commands::{
    Begun, Started, call_tool_as_task, cancel_task, list_tasks, task_result, task_status,
    wait_for_task,
};

use alloc::boxed::Box;

use mcp_proto::{
    json::Json,
    method::Method,
    rpc::{RpcError, codes},
    types::{CreateTaskResult, Map},
    version::ProtocolVersion,
};

use crate::{
    error::Malformed,
    extension::{Extension, Follow, FollowUp},
    session::ServerDetails,
};
use watch::{Goal, Watch};

/// The extension's identifier.
pub(crate) const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// Lets servers answer calls of tools with tasks.
///
/// From 2026-07-28 on the server decides whether a call becomes one; in 2025-11-25 the client asks.
/// Whoever calls a tool does not notice: the call goes on until the task has ended, however often
/// the server is looked at meanwhile, its questions are answered by the same handlers as any
/// others, and it ends like the call would have. What a call's options say holds for all of it:
/// [`timeout`](crate::CallOptions::timeout) is how long the server may be silent,
/// [`max`](crate::CallOptions::max) how long it takes at most.
///
/// [`call_tool_as_task`] begins a task on purpose, and gives its id.
///
/// ```
/// use mcp_client_core::{ClientBuilder, Tasks};
///
/// let client = ClientBuilder::new("app", "1.0.0").tasks(Tasks::new());
/// assert!(client.config().extensions.len() == 1);
/// ```
///
/// **Nobody waits any longer.** A call that is dropped, cancelled or out of time has its task
/// cancelled, as its request would have been, unless its options say
/// [`detached`](crate::CallOptions::detached). Waiting for a task that was begun on purpose, or
/// that is picked up by its id, cancels nothing but the waiting.
///
/// **How often it looks.** As the server says, or once a second; but not more often than
/// [`Limits::task_poll_min`](mcp_proto::limits::Limits::task_poll_min) and not less often than
/// [`Limits::task_poll_max`](mcp_proto::limits::Limits::task_poll_max) say.
#[derive(Clone, Debug, Default)]
#[must_use = "tasks do nothing before they are added to a client"]
pub struct Tasks {
    listens: bool,
}

impl Tasks {
    /// Tasks that are looked at from time to time.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has servers of 2026-07-28 tell of changes as well, by one stream for each task that is
    /// waited for; where a server does, tasks are looked at only as often as
    /// [`Limits::task_poll_max`](mcp_proto::limits::Limits::task_poll_max) says.
    ///
    /// Servers of 2025-11-25 tell unasked, or not at all.
    pub fn listening(mut self) -> Self {
        self.listens = true;
        self
    }

    /// As an extension, which is all they are.
    pub fn into_extension(self) -> Extension {
        let extension = Extension::new(EXTENSION)
            .result_type("task", Method::CallTool, begin)
            .again(Method::CallTool, again)
            .notice(Method::TaskChanged.name(), "taskId")
            .notice(Method::TaskStatus.name(), "taskId");
        match self.listens {
            true => extension.topics("taskIds"),
            false => extension,
        }
    }
}

fn begin(result: &Json, call: &Follow<'_>) -> Result<Box<dyn FollowUp>, Malformed> {
    let task = created(result)?;
    let longest = call.limits.name_bytes;
    if task.task_id.is_empty() || task.task_id.len() > longest {
        return Err(Malformed::new(format_args!(
            "its taskId is empty, or longer than {longest} bytes"
        )));
    }
    let watch = Watch::new(task.task_id.clone(), Goal::Result);
    Ok(Box::new(watch.created(task)))
}

pub(crate) fn created(result: &Json) -> Result<mcp_proto::types::Task, Malformed> {
    let created: CreateTaskResult = result.to().map_err(Malformed::new)?;
    Ok(created.task)
}

// 2025-11-25, basic/utilities/tasks, Tool-Level Negotiation: -32601 where the client must ask for
// a task and did not, or must not and did.
fn again(error: &RpcError, params: &Json, server: &ServerDetails) -> Option<Json> {
    if error.code != codes::METHOD_NOT_FOUND || !takes_tasks(server) {
        return None;
    }
    let mut params: Map<Json> = params.to().ok()?;
    if params.remove("task").is_none() {
        params.insert("task", Json::empty_object());
    }
    Json::new(&params).ok()
}

/// Whether the client may ask this server for a task in place of a tool's result.
pub(crate) fn takes_tasks(server: &ServerDetails) -> bool {
    let tasks = server.capabilities.tasks.as_ref();
    let tools = tasks
        .and_then(|tasks| tasks.requests.as_ref())
        .and_then(|requests| requests.tools.as_ref());
    server.version == ProtocolVersion::V2025_11_25
        && tools.is_some_and(|tools| tools.call.is_some())
}
