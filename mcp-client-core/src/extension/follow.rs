//! How a call goes on whose result is not its end.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::{cell::RefCell, fmt, time::Duration};

use mcp_proto::{
    json::Json,
    limits::Limits,
    time::Instant,
    types::{InputRequests, InputResponses, Task},
    version::ProtocolVersion,
};

use crate::error::CallError;

/// A machine by which a call goes on whose result is of an extension's type, or that never was a
/// request of its own.
///
/// It is told what has happened and says what to do next; it does no I/O and reads no clock. The
/// session makes its requests one at a time, waits, asks the program the server's questions, and
/// ends the call with what it gives. What the call's options say about time holds for all of it.
pub trait FollowUp: fmt::Debug + Send + Sync {
    /// What to do next.
    fn step(&mut self, news: News<'_>, call: &Follow<'_>) -> Step;

    /// The topic whose notices it wants to be told, if any, after the extension that it is one of.
    fn topic(&self) -> Option<(&str, &str)> {
        None
    }

    /// The request by which the server is told that nobody wants the result any more.
    fn abandonment(&self) -> Option<(Cow<'static, str>, Json)> {
        None
    }
}

/// What has happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum News<'a> {
    /// Nothing yet; the first news.
    Begun,
    /// Its request was answered with this result: JSON text.
    Result(&'a str),
    /// Its request has failed; it may still have reached the server.
    Failed(&'a CallError),
    /// The pause is over, or something may have changed meanwhile.
    Resumed,
    /// A notice about its topic, with these params. Comes at any time.
    Notice(&'a Json),
    /// Every question is answered.
    Answered(InputResponses),
}

/// What to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// Make this request; `params` is an object.
    Request {
        /// The method.
        method: Cow<'static, str>,
        /// Its params.
        params: Json,
    },
    /// Wait so long.
    Pause(Duration),
    /// Have the program answer these questions; at least one.
    Ask(InputRequests),
    /// Go on with what is being done.
    Stay,
    /// The call has this result.
    Done(Json),
    /// The call has failed.
    Failed(CallError),
}

/// What a [`FollowUp`] may know of its call.
#[derive(Debug)]
#[non_exhaustive]
pub struct Follow<'a> {
    /// The revision that was agreed on.
    pub version: ProtocolVersion,
    /// The bounds to be kept.
    pub limits: &'a Limits,
    /// What time it is.
    pub now: Instant,
    /// How long the server may be silent.
    pub patience: Duration,
    /// Whether the server tells of its topic's changes.
    pub is_told: bool,
    /// The keys of questions about its topic that other calls have asked, and that are open.
    pub asked_elsewhere: &'a [String],
    pub(crate) told: RefCell<Vec<Task>>,
}

impl Follow<'_> {
    /// Tells whoever waits for the call how the task that it has become is doing.
    pub fn tell(&self, task: &Task) {
        self.told.borrow_mut().push(task.clone());
    }
}
