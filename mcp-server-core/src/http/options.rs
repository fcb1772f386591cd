//! How a server behaves over HTTP: everything that is a choice.

use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};
use core::{fmt, net::SocketAddr, time::Duration};

use http::{Method, Response, request::Parts};
use mcp_proto::http::guard::{Guard, Names, Origins};

use crate::state::{SealedStates, StateKeeper};

/// What one HTTP server does; shared by all of its exchanges.
///
/// ```
/// use mcp_server_core::http::{HttpOptions, SessionMode};
///
/// let options = HttpOptions::listening(true)
///     .endpoint("/v1/mcp")
///     .sessions(SessionMode::Off)
///     .route("/health", |_| http::Response::new(b"ok".to_vec()));
/// assert_eq!(options.endpoint_path(), Some("/v1/mcp"));
/// ```
#[derive(Debug, Clone)]
pub struct HttpOptions {
    pub(super) endpoint: Option<Box<str>>,
    pub(super) pair: Option<Pair>,
    pub(super) guard: Guard,
    pub(super) cors: bool,
    pub(super) sessions: SessionMode,
    pub(super) page: bool,
    pub(super) authorize: bool,
    pub(super) release_after: Option<Duration>,
    pub(super) retry: Duration,
    pub(super) routes: Vec<Route>,
    pub(super) state_keeper: Option<Arc<dyn StateKeeper>>,
    // Bound to a loopback address, where no other process can serve the same clients.
    alone: bool,
}

/// What becomes of clients of the revisions with an `initialize` handshake, 2025-03-26 to
/// 2025-11-25. Newer ones need no session and are served in any mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionMode {
    /// They get a session with everything that belongs to it: questions to the user, log levels,
    /// subscriptions, resumable streams. All requests of one session must reach this process.
    #[default]
    Stateful,
    /// Each of their requests is served on its own, by any process. Nothing can be asked of such
    /// a client, nothing can be sent to it unasked, and its capabilities are not known.
    Stateless,
    /// They are turned away with the list of the revisions that are served.
    Off,
}

/// The two paths of the transport of 2024-11-05.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) stream: Box<str>,
    pub(super) messages: Box<str>,
}

type PlainAnswer = dyn Fn(&Parts) -> Response<Vec<u8>> + Send + Sync;

/// A request's answer that has nothing to do with MCP, such as a health check.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) path: Box<str>,
    pub(super) answer: Arc<PlainAnswer>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

const EPHEMERAL: &str = "WARNING: the states of calls that ask are sealed with a key that only this process \
    has. If other processes serve the same clients, or this one is restarted, such calls fail. Give the server a \
    key of your own: `.state_keeper(SealedStates::new(key, random))`";

/// The path of the endpoint where nothing else is chosen.
pub const DEFAULT_ENDPOINT: &str = "/mcp";

impl HttpOptions {
    /// For a server that owns its listener: the endpoint is [`DEFAULT_ENDPOINT`], a browser gets a
    /// page at `/`, and where the listener is bound to a `loopback` address, only this machine's
    /// names and pages are let in.
    #[must_use]
    pub fn listening(loopback: bool) -> Self {
        Self {
            endpoint: Some(DEFAULT_ENDPOINT.into()),
            guard: if loopback {
                Guard::loopback()
            } else {
                Guard::public()
            },
            page: true,
            alone: loopback,
            ..Self::mounted()
        }
    }

    /// For a service that another server has mounted: every path is the endpoint, and there is no
    /// page. Web pages are kept out until [`allow_origins`](Self::allow_origins) lets them in.
    #[must_use]
    pub fn mounted() -> Self {
        Self {
            endpoint: None,
            pair: None,
            guard: Guard::public(),
            cors: false,
            sessions: SessionMode::Stateful,
            page: false,
            authorize: false,
            release_after: None,
            retry: Duration::from_secs(1),
            routes: Vec::new(),
            state_keeper: None,
            alone: false,
        }
    }

    /// Sets the endpoint's path.
    #[must_use]
    pub fn endpoint(mut self, path: impl Into<Box<str>>) -> Self {
        self.endpoint = Some(path.into());
        self
    }

    /// The endpoint's path; `None` where every path is the endpoint.
    #[must_use]
    pub fn endpoint_path(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The endpoint's URL where the server listens on this address, for clients on this machine.
    #[must_use]
    pub fn url(&self, address: SocketAddr) -> String {
        format!("http://{address}{}", self.endpoint_path().unwrap_or("/"))
    }

    /// Serves the transport of 2024-11-05 as well, which is deprecated: a stream at one path, and
    /// the client's messages at the other.
    #[must_use]
    pub fn http_sse(mut self, stream: impl Into<Box<str>>, messages: impl Into<Box<str>>) -> Self {
        self.pair = Some(Pair {
            stream: stream.into(),
            messages: messages.into(),
        });
        self
    }

    /// Sets which names in `Host` are served.
    #[must_use]
    pub fn allow_hosts(mut self, hosts: Names) -> Self {
        // Under another name it is reached through something that may well know of others.
        self.alone &= hosts == Names::Loopback;
        self.guard.hosts = hosts;
        self
    }

    /// Sets which web pages may send requests. What they may read is up to [`cors`](Self::cors).
    #[must_use]
    pub fn allow_origins(mut self, origins: Origins) -> Self {
        self.guard.origins = origins;
        self
    }

    /// Tells browsers that the pages that are let in may read the answers, so that MCP clients can
    /// run in them. Off.
    #[must_use]
    pub fn cors(mut self, cors: bool) -> Self {
        self.cors = cors;
        self
    }

    /// Sets what becomes of clients with a handshake. [`SessionMode::Stateful`].
    #[must_use]
    pub fn sessions(mut self, mode: SessionMode) -> Self {
        self.sessions = mode;
        self
    }

    /// Shows browsers a page that says what the server offers. On for a server of its own.
    #[must_use]
    pub fn landing_page(mut self, page: bool) -> Self {
        self.page = page;
        self
    }

    /// Asks for a verdict on every request to the endpoint before its body is taken. Off.
    #[must_use]
    pub fn authorize(mut self, authorize: bool) -> Self {
        self.authorize = authorize;
        self
    }

    /// Ends the connection of a call's event stream after this time, though not the call: clients
    /// of 2025-11-25 then ask for the rest. Others keep their connection. Off.
    #[must_use]
    pub fn release_after(mut self, time: Duration) -> Self {
        self.release_after = Some(time);
        self
    }

    /// Sets how long clients of 2025-11-25 are told to wait before they resume a stream. 1 s.
    #[must_use]
    pub fn retry(mut self, time: Duration) -> Self {
        self.retry = time;
        self
    }

    /// Answers GET and HEAD requests for `path`, beside the endpoint. Such a route is behind the
    /// guard of hosts and origins, and not behind the authorization.
    #[must_use]
    pub fn route(
        mut self,
        path: impl Into<Box<str>>,
        answer: impl Fn(&Parts) -> Response<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.routes.push(Route {
            path: path.into(),
            answer: Arc::new(answer),
        });
        self
    }

    /// For drivers: seals the states of calls that ask with an ephemeral key, where the service has
    /// no [`StateKeeper`]. `random` must come from a cryptographic source.
    ///
    /// `warn` is told what to say when that key is used for the first time, and not on a loopback
    /// address: another process that serves the same clients could not take such states back.
    #[must_use]
    pub fn ephemeral_states(
        mut self,
        random: [u8; 32],
        warn: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let mut states = SealedStates::ephemeral(random);
        if !self.alone {
            states = states.on_first(move || warn(EPHEMERAL));
        }
        self.state_keeper = Some(Arc::new(states));
        self
    }

    pub(super) fn find_route(&self, head: &Parts) -> Option<&Route> {
        let plain = head.method == Method::GET || head.method == Method::HEAD;
        self.routes
            .iter()
            .find(|route| plain && *route.path == *head.uri.path())
    }
}
