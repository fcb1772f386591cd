//! What a running handler may know and tell.

use alloc::{format, string::ToString, sync::Arc};
use core::fmt;
use mcp_proto::{
    json::Json,
    rpc::CallId,
    time::Instant,
    types::{ClientCapabilities, Implementation, LoggingLevel},
    version::ProtocolVersion,
};
use serde::Serialize;

use crate::{
    call::{CallContext, Link, Note, Peer, Resumed},
    cancel::CancelToken,
};

/// A running call, as its handler sees it: who asks, whether an answer is still wanted, and a way
/// to report progress and log entries to the client.
///
/// Handlers take it as a parameter, `&Cx` or `Cx`; it never appears in a tool's schema. Reports
/// cost nothing where the client did not ask for them, and never block.
///
/// ```
/// use mcp_server_core::{Cx, ToolError};
///
/// fn index(files: &[&str], cx: &Cx) -> Result<u32, ToolError> {
///     let mut done = 0;
///     for file in files {
///         if cx.is_cancelled() {
///             return Err(ToolError::new("stopped"));
///         }
///         cx.progress_with(done, files.len(), format_args!("indexing {file}"));
///         done += 1;
///     }
///     cx.info(format_args!("{done} files"));
///     Ok(done)
/// }
///
/// assert_eq!(index(&["a", "b"], &Cx::detached()).unwrap(), 2);
/// ```
#[derive(Debug, Clone)]
pub struct Cx {
    context: CallContext,
    link: Arc<dyn Link>,
    #[cfg(feature = "std")]
    server: Option<crate::server::ServerHandle>,
}

impl Cx {
    /// For drivers: the context of a [`Call`](crate::Call), and the way back to its connection.
    #[must_use]
    pub fn new(context: CallContext, link: Arc<dyn Link>) -> Self {
        Self {
            context,
            link,
            #[cfg(feature = "std")]
            server: None,
        }
    }

    /// For drivers: the same, knowing the server it runs on.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn with_server(mut self, server: crate::server::ServerHandle) -> Self {
        self.server = Some(server);
        self
    }

    /// A call from nowhere, whose reports go nowhere: to test handlers as plain functions.
    #[must_use]
    pub fn detached() -> Self {
        let context = CallContext {
            id: CallId::from_u64(0, 0),
            peer: Arc::new(Peer::new(ProtocolVersion::LATEST)),
            deadline: Instant::MAX,
            cancel: CancelToken::new(),
            wants_progress: false,
            log_level: None,
            meta: None,
            resumed: None,
            detachable: false,
        };
        Self::new(context, Arc::new(Nowhere))
    }

    /// The call's own name, for logs.
    #[must_use]
    pub fn id(&self) -> CallId {
        self.context.id
    }

    /// The client.
    #[must_use]
    pub fn peer(&self) -> &Arc<Peer> {
        &self.context.peer
    }

    /// The revision this call is spoken in.
    #[must_use]
    pub fn version(&self) -> ProtocolVersion {
        self.context.peer.version
    }

    /// The client's name and version, where it gave them.
    #[must_use]
    pub fn client_info(&self) -> Option<&Implementation> {
        self.context.peer.info.as_ref()
    }

    /// What the client can be asked for.
    #[must_use]
    pub fn client_capabilities(&self) -> &ClientCapabilities {
        &self.context.peer.capabilities
    }

    /// When the call will be answered with a timeout, on the clock of the loop that runs it.
    /// Progress moves it, but not this value.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.context.deadline
    }

    /// The request's `_meta`, where it has members that the protocol does not reserve.
    #[must_use]
    pub fn meta(&self) -> Option<&Json> {
        self.context.meta.as_ref()
    }

    /// What earlier runs of this call have asked for, and were told. Questions that are asked
    /// through this context find their answers by themselves.
    #[must_use]
    pub fn resumed(&self) -> Option<&Resumed> {
        self.context.resumed.as_deref()
    }

    #[cfg(feature = "std")]
    pub(crate) fn is_detachable(&self) -> bool {
        self.context.detachable
    }

    /// The same of a client that has declared `capabilities`.
    #[cfg(test)]
    pub(crate) fn of_a_client(mut self, capabilities: ClientCapabilities) -> Self {
        let mut peer = Peer::clone(&self.context.peer);
        peer.capabilities = capabilities;
        self.context.peer = Arc::new(peer);
        self
    }

    /// The same of a client that has declared everything it can be asked for.
    #[cfg(feature = "std")]
    pub(crate) fn of_an_able_client(mut self) -> Self {
        let mut peer = Peer::clone(&self.context.peer);
        let of = &mut peer.capabilities;
        of.roots = Some(mcp_proto::types::RootsCapability::default());
        of.sampling = Some(mcp_proto::types::SamplingCapability::new().with_tools());
        let mut elicitation = mcp_proto::types::ElicitationCapability::default();
        (elicitation.form, elicitation.url) =
            (Some(Json::empty_object()), Some(Json::empty_object()));
        of.elicitation = Some(elicitation);
        self.context.peer = Arc::new(peer);
        self
    }

    /// Whether the outcome is no longer wanted: the client cancelled or left, or time is up.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.context.cancel.is_cancelled()
    }

    /// What [`is_cancelled`](Self::is_cancelled) looks at, to be passed on.
    #[must_use]
    pub fn cancel_token(&self) -> &CancelToken {
        &self.context.cancel
    }

    /// Sleeps, but not beyond the call's cancellation. Tells whether it was cancelled.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn wait(&self, timeout: core::time::Duration) -> bool {
        self.context.cancel.wait(timeout)
    }

    /// A future that is ready once the call is cancelled.
    #[cfg(feature = "std")]
    pub fn cancelled(&self) -> crate::cancel::Cancelled {
        self.context.cancel.cancelled()
    }

    /// The server this runs on, to add, remove, enable and disable components, or to say that a
    /// resource has changed. `None` where a loop runs handlers without a
    /// [`Server`](crate::Server), and in [`detached`](Self::detached) calls.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn server(&self) -> Option<&crate::server::ServerHandle> {
        self.server.as_ref()
    }

    /// Reports that `done` of `total` is done, in any unit; a `total` of `None` is not known.
    ///
    /// Does nothing unless the client asked for progress and `done` has grown.
    pub fn progress(&self, done: impl Amount, total: impl Amount) {
        if self.context.wants_progress {
            self.send_progress(done.amount(), total.amount(), None);
        }
    }

    /// [`progress`](Self::progress) with words for a person, which are put together only where
    /// they are wanted. Revisions before 2025-03-26 do not carry them.
    pub fn progress_with(&self, done: impl Amount, total: impl Amount, message: impl fmt::Display) {
        if self.context.wants_progress {
            self.send_progress(done.amount(), total.amount(), Some(message.to_string()));
        }
    }

    /// Whether progress reports reach anyone.
    #[must_use]
    pub fn wants_progress(&self) -> bool {
        self.context.wants_progress
    }

    fn send_progress(
        &self,
        done: Option<f64>,
        total: Option<f64>,
        message: Option<alloc::string::String>,
    ) {
        if let Some(done) = done {
            self.link.note(
                self.context.id,
                Note::Progress {
                    done,
                    total,
                    message,
                },
            );
        }
    }

    /// Gives back the connection on which the client waits for this call's answer, though the call
    /// goes on: the client asks for the rest after the time that the server has told it.
    ///
    /// Made for long calls over HTTP in a session of 2025-11-25. Without effect where the client
    /// could not come back: on other transports and in other revisions.
    pub fn close_stream(&self) {
        self.link.note(self.context.id, Note::CloseStream);
    }

    /// Whether log entries of this level reach the client.
    #[must_use]
    pub fn logs(&self, level: LoggingLevel) -> bool {
        self.context.log_level.is_some_and(|least| level >= least)
    }

    /// Sends a log entry: any value that serde can serialize. [`format_args!`] makes one that is
    /// put together only where the client wants it.
    pub fn log(&self, level: LoggingLevel, data: impl Serialize) {
        self.send_log(level, None, &data);
    }

    /// [`log`](Self::log), naming the part of the program it comes from.
    pub fn log_from(&self, logger: &str, level: LoggingLevel, data: impl Serialize) {
        self.send_log(level, Some(logger), &data);
    }

    /// A log entry for whoever debugs.
    pub fn debug(&self, data: impl Serialize) {
        self.send_log(LoggingLevel::Debug, None, &data);
    }

    /// A log entry about what goes on.
    pub fn info(&self, data: impl Serialize) {
        self.send_log(LoggingLevel::Info, None, &data);
    }

    /// A log entry about what may be wrong.
    pub fn warning(&self, data: impl Serialize) {
        self.send_log(LoggingLevel::Warning, None, &data);
    }

    /// A log entry about what failed.
    pub fn error(&self, data: impl Serialize) {
        self.send_log(LoggingLevel::Error, None, &data);
    }

    fn send_log(&self, level: LoggingLevel, logger: Option<&str>, data: &impl Serialize) {
        if !self.logs(level) {
            return;
        }
        // What cannot be serialized is still worth an entry.
        let data = Json::new(data)
            .or_else(|error| Json::new(&format!("a log entry that is no JSON: {error}")))
            .unwrap_or_else(|_| Json::null());
        let logger = logger.map(Into::into);
        self.link.note(
            self.context.id,
            Note::Log {
                level,
                logger,
                data,
            },
        );
    }
}

/// Goes nowhere.
#[derive(Debug)]
struct Nowhere;

impl Link for Nowhere {
    fn note(&self, _: CallId, _: Note) {}
}

/// A number to report progress with: any number, or `None` for one that is not known.
pub trait Amount {
    /// The number; `None` where it is not known or no finite number.
    fn amount(self) -> Option<f64>;
}

macro_rules! amounts {
    ($($number:ty),*) => {$(
        impl Amount for $number {
            fn amount(self) -> Option<f64> {
                let amount = self as f64;
                amount.is_finite().then_some(amount)
            }
        }
    )*};
}
amounts!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64);

impl Amount for Option<f64> {
    fn amount(self) -> Option<f64> {
        self.and_then(Amount::amount)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use core::cell::Cell;
    use std::{string::String, sync::Mutex, vec::Vec};

    #[derive(Debug, Default)]
    struct Recorder(Mutex<Vec<Note>>);

    impl Link for Recorder {
        fn note(&self, _: CallId, note: Note) {
            self.0.lock().unwrap().push(note);
        }
    }

    fn recorded(change: impl FnOnce(&mut CallContext), run: impl FnOnce(&Cx)) -> Vec<Note> {
        let recorder = Arc::new(Recorder::default());
        let mut context = Cx::detached().context;
        change(&mut context);
        run(&Cx::new(context, recorder.clone()));
        core::mem::take(&mut *recorder.0.lock().unwrap())
    }

    #[test]
    fn progress_is_sent_only_where_it_is_wanted() {
        let report = |cx: &Cx| {
            cx.progress(1, 4);
            cx.progress_with(2.5, None, format_args!("step {}", 2));
            cx.progress(f64::NAN, 4);
        };
        assert_eq!(recorded(|_| {}, report), []);
        assert_eq!(
            recorded(|context| context.wants_progress = true, report),
            [
                Note::Progress {
                    done: 1.0,
                    total: Some(4.0),
                    message: None
                },
                Note::Progress {
                    done: 2.5,
                    total: None,
                    message: Some(String::from("step 2"))
                },
            ]
        );
    }

    #[test]
    fn log_entries_below_the_level_are_not_even_formatted() {
        struct Counted<'a>(&'a Cell<u32>);
        impl fmt::Display for Counted<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.set(self.0.get() + 1);
                f.write_str("entry")
            }
        }
        let formatted = Cell::new(0);
        let write = |cx: &Cx| {
            cx.info(format_args!("{}", Counted(&formatted)));
            cx.error(format_args!("{}", Counted(&formatted)));
            cx.log_from("db", LoggingLevel::Alert, [1, 2]);
        };
        assert_eq!(recorded(|_| {}, write), []);
        assert_eq!(formatted.get(), 0);
        let entries = recorded(
            |context| context.log_level = Some(LoggingLevel::Warning),
            write,
        );
        assert_eq!(formatted.get(), 1);
        let expected = [
            (LoggingLevel::Error, None, r#""entry""#),
            (LoggingLevel::Alert, Some("db"), "[1,2]"),
        ];
        let entries: Vec<_> = entries
            .iter()
            .map(|note| match note {
                Note::Log {
                    level,
                    logger,
                    data,
                } => (*level, logger.as_deref(), data.as_str()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(entries, expected);
    }

    #[test]
    fn each_level_has_a_method_of_its_own() {
        let write = |cx: &Cx| {
            cx.debug("d");
            cx.info("i");
            cx.warning("w");
            cx.error("e");
            cx.log(LoggingLevel::Notice, "n");
        };
        let entries = recorded(
            |context| context.log_level = Some(LoggingLevel::Debug),
            write,
        );
        let told: Vec<_> = entries
            .iter()
            .map(|note| match note {
                Note::Log { level, data, .. } => (*level, data.as_str()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            told,
            [
                (LoggingLevel::Debug, r#""d""#),
                (LoggingLevel::Info, r#""i""#),
                (LoggingLevel::Warning, r#""w""#),
                (LoggingLevel::Error, r#""e""#),
                (LoggingLevel::Notice, r#""n""#),
            ]
        );
    }

    #[test]
    fn what_cannot_be_serialized_is_logged_as_that() {
        let no_json = std::collections::BTreeMap::from([([1, 2], 3)]);
        let entries = recorded(
            |context| context.log_level = Some(LoggingLevel::Debug),
            |cx| cx.info(&no_json),
        );
        let [Note::Log { data, .. }] = &*entries else {
            panic!("{entries:?}");
        };
        assert!(
            data.as_str()
                .starts_with(r#""a log entry that is no JSON: "#)
        );
    }

    #[test]
    fn any_finite_number_is_an_amount() {
        assert_eq!(7_u8.amount(), Some(7.0));
        assert_eq!(7_u16.amount(), Some(7.0));
        assert_eq!(7_u32.amount(), Some(7.0));
        assert_eq!(7_u64.amount(), Some(7.0));
        assert_eq!(7_usize.amount(), Some(7.0));
        assert_eq!((-7_i8).amount(), Some(-7.0));
        assert_eq!((-7_i16).amount(), Some(-7.0));
        assert_eq!((-7_i32).amount(), Some(-7.0));
        assert_eq!((-7_i64).amount(), Some(-7.0));
        assert_eq!((-7_isize).amount(), Some(-7.0));
        assert_eq!(0.5_f32.amount(), Some(0.5));
        assert_eq!(Some(0.5).amount(), Some(0.5));
        for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(none.amount(), None);
            assert_eq!(Some(none).amount(), None);
        }
        assert_eq!(None.amount(), None);
    }

    #[test]
    fn a_call_tells_who_has_made_it_and_how() {
        let mut context = Cx::detached().context;
        let mut peer = Peer::new(ProtocolVersion::V2025_06_18);
        peer.info = Some(Implementation::new("c", "1"));
        peer.capabilities.roots = Some(mcp_proto::types::RootsCapability::default());
        context.id = CallId::from_u64(0, 9);
        context.peer = Arc::new(peer);
        context.deadline = Instant::from_nanos(5);
        context.meta = Some(Json::parse(r#"{"a/b":1}"#).unwrap());
        context.resumed = Some(Arc::new(Resumed::default()));
        context.wants_progress = true;
        let token = context.cancel.clone();
        let cx = Cx::new(context, Arc::new(Nowhere));
        assert_eq!(cx.id(), CallId::from_u64(0, 9));
        assert_eq!(cx.version(), ProtocolVersion::V2025_06_18);
        assert_eq!(cx.client_info().map(|info| &*info.name), Some("c"));
        assert!(cx.client_capabilities().roots.is_some());
        assert_eq!(cx.peer().capabilities, *cx.client_capabilities());
        assert_eq!(cx.deadline(), Instant::from_nanos(5));
        assert_eq!(cx.meta().map(Json::as_str), Some(r#"{"a/b":1}"#));
        assert_eq!(cx.resumed(), Some(&Resumed::default()));
        assert!(cx.wants_progress() && cx.server().is_none());
        assert!(!cx.is_cancelled() && !cx.wait(core::time::Duration::ZERO));
        token.cancel();
        assert!(cx.is_cancelled() && cx.wait(core::time::Duration::MAX));
        assert!(cx.cancel_token().is_cancelled());
        let mut cancelled = core::pin::pin!(cx.cancelled());
        let mut waiting = core::task::Context::from_waker(core::task::Waker::noop());
        assert!(core::future::Future::poll(cancelled.as_mut(), &mut waiting).is_ready());

        let cx = Cx::detached();
        assert_eq!(cx.version(), ProtocolVersion::LATEST);
        assert_eq!(
            (cx.meta(), cx.resumed(), cx.client_info()),
            (None, None, None)
        );
        assert!(!cx.wants_progress() && !cx.logs(LoggingLevel::Emergency));
    }

    #[test]
    fn a_stream_is_given_back_with_a_note() {
        assert_eq!(recorded(|_| {}, Cx::close_stream), [Note::CloseStream]);
    }
}
