//! Requests that are owed an answer, found by their ids.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::time::Duration;
use mcp_proto::{
    json::Json,
    rpc::{CallId, Ledger, RequestId},
    time::Instant,
    types::LoggingLevel,
};

use super::{batch::BatchId, watch::Watch};
use crate::{
    call::{Peer, Resumed, Work},
    cancel::CancelToken,
};

/// Where an answer goes.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) id: RequestId,
    /// What the front calls the message that brought the request.
    pub(super) origin: u32,
    /// The batch that the answer becomes part of.
    pub(super) batch: Option<BatchId>,
}

/// What a request says about itself besides its method's own parameters.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) peer: Arc<Peer>,
    /// The progress token's JSON text.
    pub(super) progress_token: Option<Box<str>>,
    /// The least level of log entries wanted, or none.
    pub(super) log_level: Option<LoggingLevel>,
    /// `_meta`, where handlers may want to see it.
    pub(super) meta: Option<Json>,
}

/// A request that is owed an answer, or whose handler has not come back yet.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) address: Address,
    pub(super) peer: Arc<Peer>,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    /// Waits for a place among the running ones.
    Parked(Box<Parked>),
    /// Waits for the client's answers to what its handler has asked.
    Asking(Box<Asking>),
    /// A handler is at work.
    Running(Running),
    /// Answered or cancelled, but its handler has not come back.
    Over,
    /// An open subscription stream.
    Listening(Box<Watch>),
}

/// What a parked request needs to be begun later.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) work: Work,
    pub(super) progress: Option<Progress>,
    pub(super) log_level: Option<LoggingLevel>,
    pub(super) meta: Option<Json>,
    pub(super) times: Times,
    pub(super) resumed: Option<Arc<Resumed>>,
    pub(super) detachable: bool,
}

/// A call whose client is being asked, in a handshake revision.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) parked: Parked,
    pub(super) since: Instant,
    /// Our requests that were not answered yet, and the keys of their questions.
    pub(super) waiting: Vec<(i64, String)>,
    pub(super) resumed: Resumed,
}

/// Until when a call may run.
#[derive(Copy, Clone, Debug)]
pub(super) struct Times {
    /// How much each progress report buys.
    pub(super) timeout: Duration,
    pub(super) deadline: Instant,
    /// However much progress it reports.
    pub(super) latest: Instant,
}

/// A call whose handler is at work.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) kind: Kind,
    pub(super) cancel: CancelToken,
    pub(super) progress: Option<Progress>,
    pub(super) log_level: Option<LoggingLevel>,
    pub(super) times: Times,
    /// Notes sent since everything was last taken, and which time that was.
    pub(super) notes: (u32, usize),
    /// How many rounds of questions there were before.
    pub(super) rounds: usize,
    /// What to begin anew with, should the handler ask. Only where the client can be asked.
    pub(super) kept: Option<Kept>,
}

/// What was asked for, without copies of its texts.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) work: Work,
    pub(super) meta: Option<Json>,
}

impl Kept {
    pub(super) fn share(work: &mut Work, meta: Option<&mut Json>) -> Self {
        let work = match work {
            Work::Tool { name, arguments } => Work::Tool {
                name: Arc::clone(name),
                arguments: arguments.as_mut().map(Json::share),
            },
            Work::Prompt { name, arguments } => Work::Prompt {
                name: Arc::clone(name),
                arguments: arguments.as_mut().map(Json::share),
            },
            Work::Task(call) => {
                // Shared at first, so that the copy is one of a reference.
                let _ = call.arguments.as_mut().map(Json::share);
                Work::Task(call.clone())
            }
            other => other.clone(),
        };
        Self {
            work,
            meta: meta.map(Json::share),
        }
    }
}

/// Which outcome a call must have.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tool,
    Prompt,
    Resource,
    Complete,
    Extension,
}

impl Kind {
    pub(super) fn of(work: &Work) -> Self {
        match work {
            Work::Tool { .. } => Self::Tool,
            Work::Prompt { .. } => Self::Prompt,
            Work::Resource { .. } => Self::Resource,
            Work::Complete(_) => Self::Complete,
            Work::Extension(_) => Self::Extension,
            // Its result is the call's, if of another type.
            Work::Task(_) => Self::Tool,
        }
    }
}

/// The progress of a call whose client wants to see it.
#[derive(Debug)]
pub(super) struct Progress {
    /// The token's JSON text.
    pub(super) token: Box<str>,
    /// The last value that was reported.
    pub(super) done: f64,
    /// The newest report that waits because the client is slow to read.
    pub(super) held: Option<Box<Report>>,
}

impl Progress {
    pub(super) fn new(token: Box<str>) -> Self {
        Self {
            token,
            done: f64::NEG_INFINITY,
            held: None,
        }
    }
}

/// One report of progress.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) done: f64,
    pub(super) total: Option<f64>,
    pub(super) message: Option<String>,
}

/// The open requests by id: a list with one number for each, which is searched faster than a tree
/// where there are no more of them than [`Limits`](mcp_proto::limits::Limits) allows.
#[derive(Debug, Default)]
pub(super) struct Ids {
    entries: Vec<(u64, CallId)>,
}

impl Ids {
    /// Under which [`mark`] a request's id is to be found.
    pub(super) fn insert(&mut self, mark: u64, call: CallId) {
        self.entries.push((mark, call));
    }

    pub(super) fn remove(&mut self, call: CallId) {
        if let Some(at) = self.entries.iter().position(|(_, of)| *of == call) {
            self.entries.swap_remove(at);
        }
    }

    /// The open request of that id.
    pub(super) fn find(&self, id: &RequestId, open: &Ledger<Request>) -> Option<CallId> {
        let wanted = mark(id);
        let is_it = |call| {
            open.get(call)
                .is_some_and(|request| request.address.id == *id)
        };
        self.entries
            .iter()
            .filter(|(mark, _)| *mark == wanted)
            .find_map(|(_, call)| is_it(*call).then_some(*call))
    }
}

/// A number that equal ids share. Different ids may share one as well.
pub(super) fn mark(id: &RequestId) -> u64 {
    match id {
        RequestId::Number(number) => *number as u64,
        // FNV-1a
        RequestId::String(text) => text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn few_ids_share_a_mark() {
        let numbers = (-100..100).map(RequestId::Number);
        let letters = ('a'..='z').flat_map(|a| ('a'..='z').map(move |b| [a, b]));
        let texts = letters.map(|text| RequestId::String(String::from_iter(text).into()));
        let marks: BTreeSet<u64> = numbers.chain(texts).map(|id| mark(&id)).collect();
        assert_eq!(marks.len(), 200 + 26 * 26);
        assert_eq!(mark(&RequestId::Number(7)), mark(&RequestId::Number(7)));
    }
}
