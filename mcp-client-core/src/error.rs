//! What can go wrong, and whose fault it is.

use alloc::{string::String, vec::Vec};
use core::fmt;

use mcp_proto::{rpc::RpcError, version::ProtocolVersion};

/// How one call failed.
///
/// A tool that fails gives a result like any other, marked as an error; see
/// [`ToolOutput`](crate::ToolOutput).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallError {
    /// The server answered with an error.
    Rpc(RpcError),
    /// No answer came in time, and the server was told that none is wanted any longer.
    TimedOut,
    /// The caller cancelled it.
    Cancelled,
    /// The connection ended first.
    Lost(Closed),
    /// The two sides found no revision to speak.
    Negotiation(NegotiationError),
    /// The answer is not what the method promises.
    Malformed(Malformed),
    /// The revision that was agreed on does not have this method.
    NotInRevision {
        /// What was agreed on.
        version: ProtocolVersion,
    },
    /// The server's questions could not be answered.
    Input(InputError),
    /// A list has more pages than [`Limits::pages`](mcp_proto::limits::Limits::pages), so many.
    TooManyPages(usize),
    /// A list comes to more than [`Limits::list_bytes`](mcp_proto::limits::Limits::list_bytes), so
    /// many.
    ListTooLong(usize),
    /// The task that the call has become, or that it waited for, has not ended well.
    Task(TaskError),
    /// The call was not even tried.
    Misuse(Misuse),
    /// The HTTP exchange that the call went by failed.
    #[cfg(feature = "http")]
    Http(HttpFailure),
}

/// An HTTP exchange without a message of the server in it that could be understood.
#[cfg(feature = "http")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpFailure {
    /// The response's status; `None` where there was no response.
    pub status: Option<u16>,
    /// What is wrong, for a person.
    pub reason: String,
    /// The beginning of the response's body.
    pub body: String,
}

#[cfg(feature = "http")]
impl HttpFailure {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            status: None,
            reason: reason.into(),
            body: String::new(),
        }
    }

    /// Whether the server has refused the request as it is, so that the next one like it fails too.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status
            .is_some_and(|status| (300..500).contains(&status) && !matches!(status, 408 | 429))
    }
}

/// An answer that is not what its method promises.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Malformed {
    /// What is wrong with it, for a person.
    pub reason: String,
}

impl Malformed {
    /// That is wrong with it.
    #[must_use]
    pub fn new(reason: impl fmt::Display) -> Self {
        use alloc::string::ToString;
        Self {
            reason: reason.to_string(),
        }
    }
}

/// Why a server's questions in the middle of a call ended it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InputError {
    /// It asked for something that the client did not declare it can answer.
    Undeclared(&'static str),
    /// It asked in more rounds than
    /// [`Limits::input_rounds`](mcp_proto::limits::Limits::input_rounds), so many.
    TooManyRounds(usize),
    /// It asked more questions at once than
    /// [`Limits::calls_in_flight`](mcp_proto::limits::Limits::calls_in_flight), so many.
    TooManyQuestions(usize),
    /// Whoever had to answer failed to.
    Failed(RpcError),
}

/// How a task has ended other than by a result or an error of its own.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskError {
    /// The server does not know it: it never did, or has not kept it any longer. This is what it
    /// says.
    Unknown(RpcError),
    /// It was cancelled. The server may have said why.
    Cancelled(Option<String>),
}

/// Why no revision was agreed on. Every call fails with it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NegotiationError {
    /// The server speaks only these, none of which we do.
    NoCommonVersion(Vec<String>),
    /// The server answered `initialize` with this revision, which we do not speak.
    UnknownVersion(String),
    /// The server answered `initialize` with an error.
    Refused(RpcError),
    /// The server's answer cannot be read.
    Malformed(Malformed),
    /// The server did not answer.
    TimedOut,
    /// Only 2026-07-28 was allowed, and the server does not speak it.
    NotStateless,
    /// The server could not be asked: the HTTP exchange failed, which says nothing about what it
    /// speaks.
    #[cfg(feature = "http")]
    Http(HttpFailure),
}

/// What reading the calling code would show to be wrong.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// The connection has ended.
    Closed(Closed),
    /// So many calls are open: [`Limits::client_calls`](mcp_proto::limits::Limits::client_calls).
    TooManyCalls(usize),
    /// So many subscriptions are open: [`Limits::listens`](mcp_proto::limits::Limits::listens).
    TooManySubscriptions(usize),
    /// More URIs than so many:
    /// [`Limits::subscribed_uris`](mcp_proto::limits::Limits::subscribed_uris).
    TooManyUris(usize),
    /// More topics of extensions than so many:
    /// [`Limits::subscribed_topics`](mcp_proto::limits::Limits::subscribed_topics).
    TooManyTopics(usize),
    /// A question was answered with something else than the result of this method.
    WrongAnswer(&'static str),
    /// Parameters must be a JSON object.
    NotAnObject,
}

/// How a connection ended, for good.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// The server ended it.
    Eof,
    /// The server ended it instead of answering the era probe. Old servers do; start it again
    /// with [`EraMode::Handshake`](crate::EraMode::Handshake).
    Probe,
    /// We ended it.
    Local,
    /// No revision was agreed on; see [`CallError::Negotiation`].
    NotAgreed,
    /// The server asked for more than it was willing to read answers to:
    /// [`Limits::outbound_bytes`](mcp_proto::limits::Limits::outbound_bytes).
    Overflow,
    /// The server has stopped reading:
    /// [`Limits::outbound_stall`](mcp_proto::limits::Limits::outbound_stall).
    Unresponsive,
}

/// How the server broke the rules without ending the connection. Nothing needs to be done.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// A message longer than [`Limits::message_bytes`](mcp_proto::limits::Limits::message_bytes).
    Frame,
    /// Input that is no message.
    NotRpc(RpcError),
    /// An answer to nothing that was asked.
    UnexpectedResponse,
    /// A request that cannot be answered in this era or under this id.
    UnexpectedRequest,
    /// A notification that could not be read.
    Notification(RpcError),
    /// A message that nobody waits for an answer to could not be delivered.
    #[cfg(feature = "http")]
    Http(HttpFailure),
    /// A tool was left out of the list: what it says about HTTP headers breaks the rules
    /// (2026-07-28, basic/transports/streamable-http, "Schema Extension").
    #[cfg(feature = "http")]
    Tool {
        /// The tool's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rpc(error) => write!(f, "the server answered: {error}"),
            Self::TimedOut => f.write_str("the server did not answer in time"),
            Self::Cancelled => f.write_str("the call was cancelled"),
            Self::Lost(closed) => write!(f, "the call got no answer: {closed}"),
            Self::Negotiation(error) => error.fmt(f),
            Self::Malformed(error) => error.fmt(f),
            Self::NotInRevision { version } => {
                write!(f, "revision {version} does not have this method")
            }
            Self::Input(error) => error.fmt(f),
            Self::TooManyPages(pages) => write!(f, "the list has more than {pages} pages"),
            Self::ListTooLong(bytes) => write!(f, "the list is longer than {bytes} bytes"),
            Self::Task(error) => error.fmt(f),
            Self::Misuse(misuse) => misuse.fmt(f),
            #[cfg(feature = "http")]
            Self::Http(failure) => failure.fmt(f),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server's answer cannot be read: {}", self.reason)
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undeclared(what) => {
                write!(
                    f,
                    "the server asked for {what}, which this client does not offer"
                )
            }
            Self::TooManyRounds(rounds) => {
                write!(f, "the server asked in more than {rounds} rounds")
            }
            Self::TooManyQuestions(most) => {
                write!(f, "the server asked more than {most} questions at once")
            }
            Self::Failed(error) => write!(f, "the server's question got no answer: {error}"),
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(error) => write!(f, "the server does not know the task: {error}"),
            Self::Cancelled(None) => f.write_str("the task was cancelled"),
            Self::Cancelled(Some(why)) => write!(f, "the task was cancelled: {why}"),
        }
    }
}

impl fmt::Display for NegotiationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCommonVersion(offered) => {
                write!(
                    f,
                    "the server speaks none of our revisions, only: {}",
                    offered.join(", ")
                )
            }
            Self::UnknownVersion(version) => {
                write!(
                    f,
                    "the server answered `initialize` with revision {version:?}, which cannot be agreed on"
                )
            }
            Self::Refused(error) => write!(f, "the server refused to initialize: {error}"),
            Self::Malformed(error) => error.fmt(f),
            Self::TimedOut => f.write_str("the server did not answer the handshake in time"),
            Self::NotStateless => f.write_str("the server does not speak revision 2026-07-28"),
            #[cfg(feature = "http")]
            Self::Http(failure) => failure.fmt(f),
        }
    }
}

#[cfg(feature = "http")]
impl fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "HTTP {status}: {}", self.reason)?,
            None => write!(f, "HTTP: {}", self.reason)?,
        }
        if !self.body.is_empty() {
            write!(f, ": {}", self.body)?;
        }
        Ok(())
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(closed) => closed.fmt(f),
            Self::TooManyCalls(most) => write!(f, "{most} calls are open already"),
            Self::TooManySubscriptions(most) => write!(f, "{most} subscriptions are open already"),
            Self::TooManyUris(most) => write!(f, "more than {most} resources are subscribed to"),
            Self::TooManyTopics(most) => write!(f, "more than {most} topics are subscribed to"),
            Self::WrongAnswer(asked) => write!(f, "{asked} was answered with something else"),
            Self::NotAnObject => f.write_str("parameters must be a JSON object"),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eof => "the server closed the connection",
            Self::Probe => {
                "the server closed the connection instead of answering the first request"
            }
            Self::Local => "the connection was closed",
            Self::NotAgreed => "no revision of the protocol was agreed on",
            Self::Overflow => "the server left too many answers unread",
            Self::Unresponsive => "the server has stopped reading",
        })
    }
}

impl core::error::Error for CallError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Rpc(error) => Some(error),
            _ => None,
        }
    }
}
impl core::error::Error for Malformed {}
impl core::error::Error for InputError {}
impl core::error::Error for TaskError {}
impl core::error::Error for NegotiationError {}
impl core::error::Error for Misuse {}

impl From<Misuse> for CallError {
    /// A closed connection is no mistake of one particular call.
    fn from(misuse: Misuse) -> Self {
        match misuse {
            Misuse::Closed(closed) => Self::Lost(closed),
            misuse => Self::Misuse(misuse),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{
        string::{String, ToString},
        vec,
    };
    use core::error::Error as _;

    use super::*;

    // What the variants that wrap another error say is what that says.
    #[test]
    fn the_table_of_texts() {
        use {CallError as Call, NegotiationError as Negotiation};
        let rpc = || RpcError::new(-32603, "boom");
        let own = |error: Call| error.to_string();
        let with = |start: &str| [start, "boom (-32603)"].concat();
        let cases: vec::Vec<(Call, String)> = vec![
            (Call::Rpc(rpc()), with("the server answered: ")),
            (Call::TimedOut, "the server did not answer in time".into()),
            (Call::Cancelled, "the call was cancelled".into()),
            (
                Call::NotInRevision {
                    version: ProtocolVersion::V2025_11_25,
                },
                "revision 2025-11-25 does not have this method".into(),
            ),
            (
                Call::TooManyPages(7),
                "the list has more than 7 pages".into(),
            ),
            (
                Call::Malformed(Malformed::new("no object")),
                "the server's answer cannot be read: no object".into(),
            ),
            (
                Call::Input(InputError::Undeclared("sampling")),
                "the server asked for sampling, which this client does not offer".into(),
            ),
            (
                Call::Input(InputError::TooManyRounds(3)),
                "the server asked in more than 3 rounds".into(),
            ),
            (
                Call::Input(InputError::TooManyQuestions(4)),
                "the server asked more than 4 questions at once".into(),
            ),
            (
                Call::Input(InputError::Failed(rpc())),
                with("the server's question got no answer: "),
            ),
            (
                Call::Task(TaskError::Unknown(rpc())),
                with("the server does not know the task: "),
            ),
            (
                Call::Task(TaskError::Cancelled(None)),
                "the task was cancelled".into(),
            ),
            (
                Call::Task(TaskError::Cancelled(Some("too dear".into()))),
                "the task was cancelled: too dear".into(),
            ),
            (
                Call::Negotiation(Negotiation::NoCommonVersion(vec![
                    "1999-01-01".into(),
                    "2000-01-01".into(),
                ])),
                "the server speaks none of our revisions, only: 1999-01-01, 2000-01-01".into(),
            ),
            (
                Call::Negotiation(Negotiation::UnknownVersion("v\n1".into())),
                r#"the server answered `initialize` with revision "v\n1", which cannot be agreed on"#.into(),
            ),
            (
                Call::Negotiation(Negotiation::Refused(rpc())),
                with("the server refused to initialize: "),
            ),
            (
                Call::Negotiation(Negotiation::Malformed(Malformed::new("?"))),
                "the server's answer cannot be read: ?".into(),
            ),
            (
                Call::Negotiation(Negotiation::TimedOut),
                "the server did not answer the handshake in time".into(),
            ),
            (
                Call::Negotiation(Negotiation::NotStateless),
                "the server does not speak revision 2026-07-28".into(),
            ),
            (
                Call::Misuse(Misuse::TooManyCalls(5)),
                "5 calls are open already".into(),
            ),
            (
                Call::Misuse(Misuse::TooManySubscriptions(6)),
                "6 subscriptions are open already".into(),
            ),
            (
                Call::Misuse(Misuse::TooManyUris(7)),
                "more than 7 resources are subscribed to".into(),
            ),
            (
                Call::Misuse(Misuse::TooManyTopics(8)),
                "more than 8 topics are subscribed to".into(),
            ),
            (
                Call::Misuse(Misuse::WrongAnswer("roots/list")),
                "roots/list was answered with something else".into(),
            ),
            (
                Call::Misuse(Misuse::NotAnObject),
                "parameters must be a JSON object".into(),
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(own(error), expected);
        }
    }

    #[test]
    fn the_ends_of_a_connection_are_told_apart() {
        let cases = [
            (Closed::Eof, "the server closed the connection"),
            (
                Closed::Probe,
                "the server closed the connection instead of answering the first request",
            ),
            (Closed::Local, "the connection was closed"),
            (
                Closed::NotAgreed,
                "no revision of the protocol was agreed on",
            ),
            (Closed::Overflow, "the server left too many answers unread"),
            (Closed::Unresponsive, "the server has stopped reading"),
        ];
        for (closed, expected) in cases {
            assert_eq!(closed.to_string(), expected);
            // Whoever calls too late is told the same as whoever called before.
            assert_eq!(Misuse::Closed(closed).to_string(), expected);
            let lost = CallError::from(Misuse::Closed(closed));
            assert_eq!(lost, CallError::Lost(closed));
            let text = ["the call got no answer: ", expected].concat();
            assert_eq!(lost.to_string(), text);
        }
        let misuse = CallError::from(Misuse::NotAnObject);
        assert_eq!(misuse, CallError::Misuse(Misuse::NotAnObject));
    }

    #[test]
    fn only_the_servers_own_error_is_a_source() {
        let rpc = RpcError::new(7, "own");
        let error = CallError::Rpc(rpc.clone());
        let source = error.source().unwrap();
        assert_eq!(source.downcast_ref::<RpcError>(), Some(&rpc));
        assert!(CallError::TimedOut.source().is_none());
    }

    #[cfg(feature = "http")]
    #[test]
    fn a_failed_exchange_says_what_is_known_of_it() {
        let failure = |status, body: &str| HttpFailure {
            status,
            body: body.into(),
            ..HttpFailure::new("no JSON")
        };
        let cases = [
            (failure(None, ""), "HTTP: no JSON"),
            (failure(Some(502), ""), "HTTP 502: no JSON"),
            (failure(Some(502), "<p>"), "HTTP 502: no JSON: <p>"),
        ];
        for (failure, expected) in cases {
            assert_eq!(failure.to_string(), expected);
            assert_eq!(CallError::Http(failure.clone()).to_string(), expected);
            let error = NegotiationError::Http(failure);
            assert_eq!(error.to_string(), expected);
        }
        let refused = [300, 400, 404, 499];
        let passing = [200, 299, 408, 429, 500, 503];
        for (status, expected) in refused
            .map(|status| (status, true))
            .into_iter()
            .chain(passing.map(|status| (status, false)))
        {
            assert_eq!(failure(Some(status), "").is_refusal(), expected, "{status}");
        }
        assert!(!failure(None, "").is_refusal());
    }
}
