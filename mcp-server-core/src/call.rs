//! What passes between the session, which knows the protocol, and whoever runs the handlers.

use alloc::{boxed::Box, string::String, sync::Arc};
use core::fmt;
use mcp_proto::{
    json::Json,
    rpc::{CallId, RpcError},
    time::Instant,
    types::{
        CallToolResult, ClientCapabilities, CompleteParams, Completion, GetPromptResult,
        Implementation, InputRequests, LoggingLevel, Map, ReadResourceResult,
    },
    uri::Variables,
    version::ProtocolVersion,
};

use crate::{
    cancel::CancelToken,
    extension::{ExtensionResult, TopicChange},
    session::{Offers, Session},
};

/// The duty to answer one call. It cannot be copied, so that answering twice does not compile.
///
/// A ticket that is lost, because its handler panicked, is made good by
/// [`Conn::abandon`](crate::Conn::abandon); one that is merely dropped is answered when the call's
/// deadline comes.
#[must_use = "the peer waits for an answer"]
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket(pub(crate) CallId);

impl Ticket {
    /// The call that this ticket answers.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.0
    }
}

/// One call for a handler, with all that the handler may know about it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Call<H> {
    /// To be given back with the outcome.
    pub ticket: Ticket,
    /// What the service stored for this component.
    pub handler: H,
    /// What is asked for.
    pub work: Work,
    /// Who asks, and how.
    pub context: CallContext,
}

/// What a handler is asked to do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Work {
    /// `tools/call`
    Tool {
        /// The tool's name.
        name: Arc<str>,
        /// The arguments' object; `None` where the client sent none.
        arguments: Option<Json>,
    },
    /// `prompts/get`
    Prompt {
        /// The prompt's name.
        name: Arc<str>,
        /// The arguments' object, whose values are strings; `None` where the client sent none.
        arguments: Option<Json>,
    },
    /// `resources/read`
    Resource {
        /// The URI as the client sent it.
        uri: String,
        /// The template's variables, decoded, in the template's order; none for a fixed URI.
        variables: Variables,
    },
    /// `completion/complete`
    Complete(Box<CompleteParams>),
    /// A method that an [extension](crate::Extension) has added.
    Extension(Box<ExtensionCall>),
    /// `tools/call`, to be run as a task: what an extension's
    /// [`task_calls`](crate::Extension::task_calls) takes.
    Task(Box<TaskCall>),
}

/// A request of an extension's method.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExtensionCall {
    /// The extension.
    pub extension: Arc<str>,
    /// The method.
    pub method: Arc<str>,
    /// The params' object; `None` where the client sent none.
    pub params: Option<Json>,
}

impl ExtensionCall {
    pub(crate) fn new(extension: Arc<str>, method: Arc<str>, params: Option<Json>) -> Self {
        Self {
            extension,
            method,
            params,
        }
    }
}

/// A tool's call that is to become a task.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TaskCall {
    /// The tool's name.
    pub name: Arc<str>,
    /// The arguments' object; `None` where the client sent none.
    pub arguments: Option<Json>,
    /// For how many milliseconds the client wants the outcome kept, if it said so.
    pub ttl_ms: Option<u64>,
}

/// Who asks for a call, and under which conditions.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallContext {
    /// Names the call in notes, cancellations and the log.
    pub id: CallId,
    /// The client, as it has introduced itself.
    pub peer: Arc<Peer>,
    /// When the call will be answered with a timeout unless it reports progress.
    pub deadline: Instant,
    /// Set once the call's outcome is no longer wanted.
    pub cancel: CancelToken,
    /// Whether the client wants progress reports.
    pub wants_progress: bool,
    /// The least severe log entries that the client wants; `None` where it wants none.
    pub log_level: Option<LoggingLevel>,
    /// The request's `_meta`, where it has members besides those that the protocol reserves.
    pub meta: Option<Json>,
    /// What an earlier run of this call has asked for, and was told: see [`Outcome::NeedInput`].
    pub resumed: Option<Arc<Resumed>>,
    /// Whether the call may become a task when it says so; see [`NeedInput::detach`].
    pub detachable: bool,
}

/// The client at the other end, as far as it has introduced itself.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Peer {
    /// The revision that this call is spoken in.
    pub version: ProtocolVersion,
    /// The client's name and version. Optional from 2026-07-28 on.
    pub info: Option<Implementation>,
    /// What the client can be asked for.
    pub capabilities: ClientCapabilities,
    /// On whose behalf it asks, as whoever let it in has established; nobody in particular where
    /// `None`, as over a pipe.
    pub subject: Option<Arc<str>>,
    /// Whether questions reach the client at all: not in a handshake revision over HTTP whose
    /// server keeps no sessions.
    pub reachable: bool,
}

impl Peer {
    /// A client that has told nothing but its revision.
    #[must_use]
    pub fn new(version: ProtocolVersion) -> Self {
        Self {
            version,
            info: None,
            capabilities: ClientCapabilities::default(),
            subject: None,
            reachable: true,
        }
    }

    /// Whether it has declared anything at all that it can be asked for.
    pub(crate) fn can_be_asked(&self) -> bool {
        let of = &self.capabilities;
        self.reachable && (of.elicitation.is_some() || of.sampling.is_some() || of.roots.is_some())
    }
}

/// How a call ended. Which variant fits is told by the call's [`Work`]; another one is answered as
/// an internal error.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The result of [`Work::Tool`], a failure that the model may read included.
    Tool(CallToolResult),
    /// The result of [`Work::Prompt`].
    Prompt(GetPromptResult),
    /// The result of [`Work::Resource`].
    Resource(ReadResourceResult),
    /// The result of [`Work::Complete`].
    Complete(Completion),
    /// The result of [`Work::Extension`], or one of another type that an extension
    /// [allows](crate::Extension::result_type).
    Extension(ExtensionResult),
    /// The call cannot go on before its client has answered questions; not for
    /// [`Work::Complete`]. It will be made again, with the answers in [`CallContext::resumed`].
    ///
    /// From 2026-07-28 on this is the result, and the client makes the call again. In a handshake
    /// revision the session sends the questions as requests of its own and hands the same call
    /// out once they are answered. Handlers that ask through [`Cx`](crate::Cx) need not know.
    NeedInput(NeedInput),
    /// An error of the protocol.
    Fail(RpcError),
}

/// What a call has to know before it can go on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NeedInput {
    /// The questions, each under a key of its own.
    pub requests: InputRequests,
    /// What the next run of the call is to be told, at most
    /// [`Limits::request_state_bytes`](mcp_proto::limits::Limits::request_state_bytes) long. The
    /// client may have to keep it, but can neither read nor change it, nor use it for another
    /// call.
    pub state: Option<String>,
    /// Nothing is asked: the call is to go on as a task. Only for one that is
    /// [detachable](CallContext::detachable).
    pub detach: bool,
    asking: Asking,
}

/// What asks, brought along by what is asked: a program in which nothing ever asks does not carry
/// it.
#[derive(Copy, Clone)]
struct Asking(Option<Ask>);

type Ask = fn(&mut Session, CallId, NeedInput, &dyn Offers) -> Result<(), RpcError>;

/// The same for everybody who asks.
impl PartialEq for Asking {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asking")
    }
}

impl Default for NeedInput {
    fn default() -> Self {
        Self::new(InputRequests::default())
    }
}

impl NeedInput {
    /// Asks these questions.
    #[must_use]
    pub fn new(requests: InputRequests) -> Self {
        Self {
            requests,
            state: None,
            detach: false,
            asking: Asking(Some(Session::need_input)),
        }
    }

    /// Takes it out of an outcome, and asks.
    pub(crate) fn ask(
        &mut self,
        session: &mut Session,
        call: CallId,
        offers: &dyn Offers,
    ) -> Result<(), RpcError> {
        let nothing = Self {
            requests: InputRequests::default(),
            state: None,
            detach: false,
            asking: Asking(None),
        };
        let need = core::mem::replace(self, nothing);
        match need.asking {
            Asking(Some(ask)) => ask(session, call, need, offers),
            Asking(None) => Err(RpcError::internal("the handler asked for nothing")),
        }
    }

    /// Remembers that until they are answered.
    #[must_use]
    pub fn with_state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }
}

/// What an earlier run of a call has asked for, and was told.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Resumed {
    /// What the client has answered, under the keys of the questions. Nothing is certain about it:
    /// there may be less or more than was asked for, and an answer may be of another kind.
    pub answers: Answers,
    /// What the earlier run left in [`NeedInput::state`]. `None` also for answers of a client that
    /// has not given back what it was to keep.
    pub state: Option<String>,
    /// How many rounds of questions there were.
    pub rounds: usize,
}

/// Answers under the keys of their questions: results, or the error that the client answered with.
pub type Answers = Map<Result<Json, RpcError>>;

impl Resumed {
    /// Those answers, and what an earlier run has left.
    #[must_use]
    pub fn new(answers: Answers, state: Option<String>, rounds: usize) -> Self {
        Self {
            answers,
            state,
            rounds,
        }
    }
}

/// What a handler tells while it runs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// How far it has come. Sent only where the client asked for it and `done` has grown.
    Progress {
        /// So much is done, in any unit.
        done: f64,
        /// So much there is to do, in the same unit.
        total: Option<f64>,
        /// What is being done (2025-03-26 on).
        message: Option<String>,
    },
    /// A log entry. Sent only where it is at least as severe as the client wants.
    Log {
        /// How severe it is.
        level: LoggingLevel,
        /// Which part of the program it comes from.
        logger: Option<String>,
        /// The entry itself.
        data: Json,
    },
    /// The call's event stream is to give its connection back, though the call goes on.
    CloseStream,
}

/// Something that clients may have asked to be told about.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// What somebody was sent to a page for is done: the elicitation of this id (2025-11-25,
    /// client/elicitation, Completion Notifications for URL Mode Elicitation). Told to the session
    /// that asked for it, and to no other.
    ElicitationComplete(Arc<str>),
    /// Something of an extension's.
    Topic(Arc<TopicChange>),
}

impl From<TopicChange> for Change {
    fn from(change: TopicChange) -> Self {
        Self::Topic(Arc::new(change))
    }
}

/// What became of something handed to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// It will be sent, or is known not to be wanted.
    Accepted,
    /// The call was cancelled, timed out, answered or cut off meanwhile.
    Discarded,
}

/// What a connection wants from whoever drives it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<H> {
    /// Run this handler and bring its outcome to `finish`.
    Call(Call<H>),
    /// This call's outcome is no longer wanted; its token is set already. An async driver drops
    /// the handler's future now.
    Cancelled(CallId),
    /// The peer broke the rules and was answered; nothing needs to be done.
    Fault(PeerFault),
    /// Nothing more will come. The last event.
    Closed(Closed),
}

/// How a peer broke the rules without ending the connection. It was told so where it can be told.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PeerFault {
    /// A message longer than [`Limits::message_bytes`](mcp_proto::limits::Limits::message_bytes).
    Frame,
    /// Input that is no message.
    NotRpc(RpcError),
    /// An answer to nothing that was asked.
    UnexpectedResponse,
    /// A notification that could not be read.
    Notification(RpcError),
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// The peer ended its input, and everything it had asked was answered.
    Eof,
    /// We ended it.
    Local,
    /// More answers piled up than [`Limits::outbound_bytes`](mcp_proto::limits::Limits::outbound_bytes).
    Overflow,
    /// The peer took none of our bytes for too long.
    Unresponsive,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eof => "the peer closed the connection",
            Self::Local => "the connection was closed",
            Self::Overflow => "the peer left too many answers unread",
            Self::Unresponsive => "the peer has stopped reading",
        })
    }
}

/// How a running handler reaches its connection: implemented by the bindings.
pub trait Link: Send + Sync + fmt::Debug {
    /// Passes a note on to the connection that `call` came from. Never blocks for long.
    fn note(&self, call: CallId, note: Note);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec::Vec};
    use mcp_proto::types::{
        ElicitationCapability, EmptyParams, InputRequest, RootsCapability, SamplingCapability,
    };

    #[test]
    fn a_client_can_be_asked_what_it_has_declared_and_while_it_can_be_reached() {
        let nothing = Peer::new(ProtocolVersion::V2025_06_18);
        assert_eq!(nothing.version, ProtocolVersion::V2025_06_18);
        assert!(nothing.reachable && !nothing.can_be_asked());
        let declares: [fn(&mut ClientCapabilities); 3] = [
            |of| of.elicitation = Some(ElicitationCapability::default()),
            |of| of.sampling = Some(SamplingCapability::default()),
            |of| of.roots = Some(RootsCapability::default()),
        ];
        for declare in declares {
            let mut peer = nothing.clone();
            declare(&mut peer.capabilities);
            assert!(peer.can_be_asked());
            peer.reachable = false;
            assert!(!peer.can_be_asked());
        }
    }

    #[test]
    fn questions_and_answers_hold_what_they_were_made_of() {
        let mut requests = InputRequests::new();
        requests.insert("k", InputRequest::ListRoots(EmptyParams::default()));
        let need = NeedInput::new(requests.clone());
        assert_eq!((&need.requests, &need.state), (&requests, &None));
        assert!(!need.detach);
        assert_eq!(need.with_state("s").state.as_deref(), Some("s"));

        let mut answers = Answers::new();
        answers.insert("k", Ok(Json::null()));
        let resumed = Resumed::new(answers.clone(), Some("s".into()), 2);
        assert_eq!((&resumed.answers, resumed.rounds), (&answers, 2));
        assert_eq!(resumed.state.as_deref(), Some("s"));

        let ticket = Ticket(CallId::from_u64(1, 5));
        assert_eq!(ticket.call(), CallId::from_u64(1, 5));
        let topic = TopicChange::new("com.example/x", "a");
        assert_eq!(Change::from(topic.clone()), Change::Topic(Arc::new(topic)));
    }

    #[test]
    fn the_ends_of_a_connection_are_told_apart() {
        let ends = [
            Closed::Eof,
            Closed::Local,
            Closed::Overflow,
            Closed::Unresponsive,
        ];
        let texts: Vec<String> = ends.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "the peer closed the connection",
                "the connection was closed",
                "the peer left too many answers unread",
                "the peer has stopped reading",
            ]
        );
    }
}
