//! Tools whose calls outlive their requests: the extension `io.modelcontextprotocol/tasks`, and the
//! tasks of 2025-11-25 that it took the place of.
//!
//! ```text
//!            Tasks ── into an Extension ──▶ Server
//!  a client that takes tasks calls a tool that may be one
//!      └─▶ record kept ─▶ answered with its id ─▶ the handler runs away from any connection
//!  the client looks, answers, cancels; or listens, and is told
//! ```
//!
//! Built from nothing but what [`Extension`] offers to everybody.

mod expiry;
mod methods;
mod record;
mod run;
mod runner;
mod store;
#[cfg(test)]
mod tests;
mod time;

use alloc::sync::Arc;
use core::time::Duration;

use mcp_proto::{
    json::Json,
    method::Method,
    types::{ServerCapabilities, ServerTaskRequests, ServerTasksCapability, ToolTaskRequests},
    version::ProtocolVersion,
};

pub use record::TaskRecord;
pub use store::{MemoryTaskStore, StoreError, TaskStore};

use crate::{extension::Extension, handler::Handler};
use runner::Runner;

/// The extension's identifier.
pub(crate) const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// Lets calls of tools outlive their requests.
///
/// A tool says with its [task support](crate::ToolEntry::task) whether its calls may become tasks.
/// From 2026-07-28 on they do where the client declares the extension
/// `io.modelcontextprotocol/tasks`; in 2025-11-25 where it asks for it. For all other clients the
/// call takes as long as it takes.
///
/// ```
/// use mcp_server_core::{Server, Tasks, ToolEntry, mcp_proto::types::TaskSupport};
/// use std::time::Duration;
///
/// let render = ToolEntry::new("render").task(TaskSupport::Optional).run(|_, cx| {
///     for frame in 0..3 {
///         if cx.wait(Duration::from_millis(1)) {
///             return "stopped";
///         }
///         cx.progress_with(frame, 3, format_args!("frame {frame}"));
///     }
///     "rendered"
/// });
/// let server = Server::builder("films", "1.0.0").tasks(Tasks::new()).tool(render).build().unwrap();
/// # let _ = server;
/// ```
///
/// **Its bounds** are the server's [`Limits`](mcp_proto::limits::Limits): `tasks_running` at work
/// at once, `task_ttl` and `task_ttl_max` for how long they are kept.
///
/// **When its time is over** a task is forgotten; a call that is still at work on it is cancelled, as
/// by its client, and those who follow the task are told that it has failed.
///
/// **Whose they are.** A task is shown to the subject that began it and to nobody else; where
/// nothing establishes subjects, to whoever knows its id, which is 128 random bits.
///
/// **After a restart** a task that was being worked on has failed, and says so; one that waits for
/// answers still waits, and goes on once it has them, if the [store](Self::in_store) outlived the
/// process.
#[derive(Debug)]
#[must_use = "tasks do nothing before they are added to a server"]
pub struct Tasks {
    runner: Runner,
}

impl Tasks {
    /// Tasks that live as long as this process.
    pub fn new() -> Self {
        Self::in_store(MemoryTaskStore::default())
    }

    /// Tasks that live in this store.
    pub fn in_store(store: impl TaskStore + 'static) -> Self {
        Self::in_shared_store(Arc::new(store))
    }

    /// Tasks that live in a store which others use as well.
    pub fn in_shared_store(store: Arc<dyn TaskStore>) -> Self {
        Self {
            runner: Runner::new(store),
        }
    }

    /// For how long a task is kept from its beginning where its client does not say, instead of
    /// [`Limits::task_ttl`](mcp_proto::limits::Limits::task_ttl).
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.runner.ttl = Some(ttl);
        self
    }

    /// How often clients are asked to look; every 500 ms by default.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.runner.poll = interval;
        self
    }

    /// Lists tasks that nobody in particular has begun to everybody whom nothing else is known of
    /// (2025-11-25): right over a pipe, whose client is always the same, and wrong wherever
    /// strangers are let in without being asked who they are.
    pub fn list_without_subject(mut self) -> Self {
        self.runner.lists_for_nobody = true;
        self
    }

    /// As an extension, which is all they are.
    pub fn into_extension(self) -> Extension<Handler> {
        let runner = Arc::new(self.runner);
        let observing = Arc::clone(&runner);
        let extension = Extension::new(EXTENSION)
            .since(ProtocolVersion::V2026_07_28)
            .declaring(declare)
            .result_type("task", Method::CallTool)
            .topics("taskIds")
            .task_calls(methods::starter(&runner))
            .observing(Arc::new(move |change| observing.observe(change)));
        methods::add(extension, &runner)
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

// 2025-11-25, basic/utilities/tasks, Capability Negotiation.
fn declare(capabilities: &mut ServerCapabilities, version: ProtocolVersion) {
    if version != ProtocolVersion::V2025_11_25 {
        return;
    }
    let yes = || Some(Json::empty_object());
    let mut tools = ToolTaskRequests::default();
    tools.call = yes();
    let mut requests = ServerTaskRequests::default();
    requests.tools = Some(tools);
    let mut tasks = ServerTasksCapability::default();
    (tasks.list, tasks.cancel, tasks.requests) = (yes(), yes(), Some(requests));
    capabilities.tasks = Some(tasks);
}
