//! What the caller chooses: for a connection, and for one call.

use alloc::vec::Vec;
use core::time::Duration;

use mcp_proto::{
    limits::Limits,
    types::{ClientCapabilities, Implementation, LoggingLevel, Meta},
    version::ProtocolVersion,
};

use crate::extension::Extension;

/// How the revision to speak is found.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EraMode {
    /// Ask with `server/discover`, and open a session with `initialize` unless the answer is one
    /// that only a server of 2026-07-28 gives. Anything else counts as "not that": an error, an
    /// unreadable answer, or none within
    /// [`Limits::probe_timeout`](mcp_proto::limits::Limits::probe_timeout).
    #[default]
    Auto,
    /// What an earlier connection to the same server has found
    /// ([`ServerDetails::version`](crate::ServerDetails::version)) is tried first, and the other
    /// era after it.
    Cached(ProtocolVersion),
    /// `initialize` at once, asking for this revision; the server may settle for an older one. The
    /// newest is asked for where this one has no handshake.
    Handshake(ProtocolVersion),
    /// 2026-07-28 and nothing else.
    Stateless,
}

/// What one client is made with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Who the client is.
    pub info: Implementation,
    /// What the server may ask it for.
    pub capabilities: ClientCapabilities,
    /// What it knows besides the specification.
    pub extensions: Vec<Extension>,
    /// How the revision to speak is found.
    pub era: EraMode,
    /// The bounds it keeps.
    pub limits: Limits,
    /// Marks its [`CallId`](mcp_proto::rpc::CallId)s, so that one taken to another client is
    /// noticed.
    pub tag: u32,
}

impl Config {
    /// A client of that name and version, which can be asked for nothing.
    #[must_use]
    pub fn new(info: Implementation) -> Self {
        Self {
            info,
            capabilities: ClientCapabilities::default(),
            extensions: Vec::new(),
            era: EraMode::default(),
            limits: Limits::default(),
            tag: 0,
        }
    }
}

/// How one call is made. The default is what [`Limits`] say, without progress reports.
///
/// ```
/// use core::time::Duration;
/// use mcp_client_core::CallOptions;
///
/// let patient = CallOptions::default().with_timeout(Duration::from_secs(3600)).with_progress();
/// assert!(patient.progress);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CallOptions {
    /// How long the server may be silent about this call; progress starts it anew.
    /// [`Limits::call_timeout`] where absent.
    pub timeout: Option<Duration>,
    /// How long the call may take however much progress it reports, the time that the user takes
    /// to answer questions not counted. [`Limits::call_timeout_max`] where absent; at least
    /// `timeout`.
    pub max: Option<Duration>,
    /// Asks for progress reports.
    pub progress: bool,
    /// Members for the request's `_meta`, besides those of its parameters.
    pub meta: Option<Meta>,
    /// The least severe log entries wanted from this call, from 2026-07-28 on; the session's level
    /// where absent. Older revisions have only the session's level.
    pub log_level: Option<LoggingLevel>,
    /// Asks the server even where an earlier result may still be used, which only clients over
    /// HTTP keep.
    pub fresh: bool,
    /// Ends the call with a result of an extension's type as soon as there is one, instead of
    /// following it to its end: with the task, rather than with what comes of it.
    pub hand_over: bool,
    /// Lets the task that the call has become go on when nobody waits for it any longer: where the
    /// call is dropped, cancelled, or out of time. It is cancelled otherwise.
    pub detached: bool,
    /// For how long the server is asked to keep a task, from its beginning, in 2025-11-25: the
    /// server decides.
    pub task_ttl: Option<Duration>,
}

impl CallOptions {
    /// Sets how long the server may be silent about the call.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how long the call may take in all.
    #[must_use]
    pub fn with_max(mut self, max: Duration) -> Self {
        self.max = Some(max);
        self
    }

    /// Asks for progress reports.
    #[must_use]
    pub fn with_progress(mut self) -> Self {
        self.progress = true;
        self
    }

    /// Adds members to the request's `_meta`.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// Asks for log entries of this level and above.
    #[must_use]
    pub fn with_log_level(mut self, level: LoggingLevel) -> Self {
        self.log_level = Some(level);
        self
    }

    /// Asks the server even where an earlier result may still be used.
    #[must_use]
    pub fn with_fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// Lets a task go on when nobody waits for it any longer.
    #[must_use]
    pub fn with_detached(mut self) -> Self {
        self.detached = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_changes_what_it_says_and_nothing_else() {
        let default = CallOptions::default;
        let second = Duration::from_secs(1);
        let mut expected: [CallOptions; 7] = core::array::from_fn(|_| default());
        expected[0].timeout = Some(second);
        expected[1].max = Some(second);
        expected[2].progress = true;
        expected[3].meta = Some(Meta::new());
        expected[4].log_level = Some(LoggingLevel::Error);
        expected[5].fresh = true;
        expected[6].detached = true;
        let chosen = [
            default().with_timeout(second),
            default().with_max(second),
            default().with_progress(),
            default().with_meta(Meta::new()),
            default().with_log_level(LoggingLevel::Error),
            default().with_fresh(),
            default().with_detached(),
        ];
        assert_eq!(chosen, expected);
    }
}
