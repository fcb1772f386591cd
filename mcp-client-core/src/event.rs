//! What a client tells whoever drives it.

use alloc::{boxed::Box, string::String, sync::Arc};

use mcp_proto::{
    json::Json,
    rpc::CallId,
    types::{
        CreateMessageResult, ElicitResult, InputRequest, ListRootsResult, LogParams,
        ProgressParams, SubscriptionFilter, Task,
    },
};

use crate::{
    error::{Closed, Fault},
    session::SubscriptionId,
};

/// What a client tells whoever drives it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A revision was agreed on; [`Session::server`](crate::Session::server) tells which, and with
    /// whom. Calls made earlier are sent now.
    Ready,
    /// This call has ended: [`Session::take`](crate::Session::take) gives its result.
    Done(CallId),
    /// How far this call has come.
    Progress(CallId, Progress),
    /// How the task is doing that this call has become, or that it waits for: at first, and
    /// whenever that has changed.
    Task(CallId, Box<Task>),
    /// A log entry of the server.
    Log(LogParams),
    /// The server wants to know something. Bring the answer to
    /// [`Session::answer`](crate::Session::answer).
    Input(InputTicket, InputRequest),
    /// An answer to this question is no longer wanted.
    InputGone(CallId),
    /// Something that was subscribed to has changed.
    Changed(Change),
    /// The server grants this much of a subscription; also after it was re-opened.
    Subscribed(SubscriptionId, SubscriptionFilter),
    /// A subscription has ended and will not be re-opened.
    Unsubscribed(SubscriptionId),
    /// What was asked through a URL has been answered there (2025-11-25 only).
    ElicitationComplete(String),
    /// A notification that the machine does not know, such as one of an extension.
    Notification(String, Option<Json>),
    /// The server broke the rules; nothing needs to be done.
    Fault(Fault),
    /// The server wants another authorization, or one at all. Give it to
    /// [`HttpClient::set_authorization`](crate::http::HttpClient::set_authorization).
    #[cfg(feature = "http")]
    Unauthorized(crate::http::Challenge),
    /// Nothing more will come. The last event.
    Closed(Closed),
}

/// How far a call has come.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// So much is done, in any unit.
    pub done: f64,
    /// So much there is to do, in the same unit.
    pub total: Option<f64>,
    /// What is being done.
    pub message: Option<String>,
}

impl From<ProgressParams> for Progress {
    fn from(params: ProgressParams) -> Self {
        Self {
            done: params.progress,
            total: params.total,
            message: params.message,
        }
    }
}

/// Something that changed at the server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Change {
    /// The list of tools.
    Tools,
    /// The list of prompts.
    Prompts,
    /// The lists of resources and of resource templates.
    Resources,
    /// The contents of the resource with this URI.
    Resource(Arc<str>),
}

/// The duty to answer one question of the server. It cannot be copied, so that answering twice
/// does not compile.
///
/// A ticket that is lost is made good when
/// [`Limits::input_timeout`](mcp_proto::limits::Limits::input_timeout) has passed.
#[must_use = "the server waits for an answer"]
#[derive(Debug, PartialEq, Eq)]
pub struct InputTicket(pub(crate) CallId);

impl InputTicket {
    /// Names the question, as [`Event::InputGone`] does.
    #[must_use]
    pub fn id(&self) -> CallId {
        self.0
    }
}

/// The answer to a question of the server; which variant fits is told by the question.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InputAnswer {
    /// To [`InputRequest::Elicit`].
    Elicit(ElicitResult),
    /// To [`InputRequest::CreateMessage`].
    CreateMessage(CreateMessageResult),
    /// To [`InputRequest::ListRoots`].
    ListRoots(ListRootsResult),
}

impl From<ElicitResult> for InputAnswer {
    fn from(result: ElicitResult) -> Self {
        Self::Elicit(result)
    }
}

impl From<CreateMessageResult> for InputAnswer {
    fn from(result: CreateMessageResult) -> Self {
        Self::CreateMessage(result)
    }
}

impl From<ListRootsResult> for InputAnswer {
    fn from(result: ListRootsResult) -> Self {
        Self::ListRoots(result)
    }
}

/// What became of an answer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// The server will get it.
    Accepted,
    /// The server does not want it any longer: it cancelled the question, or the call that the
    /// question belonged to has ended.
    Discarded,
}
