//! An HTTP server before it serves: its address and its choices.

use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use http::{Response, request::Parts};
use mcp_server_core::{
    Connections, IntoServer,
    http::{HttpOptions, Verdict},
};
use mio::{Interest, Poll, Waker, net::TcpListener};

use super::{
    hub::{self, Hub},
    poller::{LISTENER, Poller, State, WAKER},
    signals::Signals,
};
use crate::{
    Error,
    server::{entropy, host::hosted},
};

/// Judges a request by its bearer token.
pub(super) type Authorizer = Arc<dyn Fn(Option<&str>) -> Verdict + Send + Sync>;

/// Handlers that may run at the same time.
const MAX_THREADS: usize = 256;

/// Serves a server over HTTP until the process is told to end by SIGINT or SIGTERM.
///
/// The endpoint is `/mcp`, for clients of every revision; a browser gets a page at `/` that says
/// what there is. On a loopback address only this machine's names and pages are let in. There is no
/// authorization: bind to another address only where everybody who reaches it may come in, or use
/// [`HttpListener::authorize`].
///
/// The first signal ends it gracefully: nobody is let in any more, subscriptions end with their
/// result, and calls have [`drain_timeout`](mcp_proto::limits::Limits::drain_timeout) to complete.
/// The second one ends it at once. (On Windows the process ends as any other.)
///
/// # Errors
/// [`Error::Build`] where the server cannot be built, [`Error::Io`] where the address cannot be
/// bound.
///
/// ```no_run
/// use bind_blocking::{prelude::*, serve_http};
///
/// fn main() -> Result<(), Error> {
///     serve_http(server!().instructions("Ask me anything."), "127.0.0.1:8000")
/// }
/// ```
pub fn serve_http(server: impl IntoServer, address: impl ToSocketAddrs) -> Result<(), Error> {
    let server = hosted(server)?;
    HttpListener::bind(address)?.end_on_signals()?.serve(server)
}

/// A listening socket whose every connection speaks HTTP.
///
/// ```no_run
/// use bind_blocking::{HttpListener, http::SessionMode, prelude::*};
///
/// fn main() -> Result<(), Error> {
///     let listener = HttpListener::bind("127.0.0.1:0")?
///         .options(|options| options.sessions(SessionMode::Stateless))
///         .route("/health", |_| http::Response::new(b"ok".to_vec()));
///     eprintln!("listening on {}", listener.url());
///     listener.serve(server!())
/// }
/// ```
pub struct HttpListener {
    poll: Poll,
    socket: TcpListener,
    address: SocketAddr,
    options: HttpOptions,
    authorizer: Option<Authorizer>,
    max_connections: usize,
    max_threads: usize,
    signals: Option<Signals>,
    shutdown: HttpShutdown,
}

impl HttpListener {
    /// Listens on an address; port 0 lets the system choose one.
    ///
    /// # Errors
    /// [`Error::Io`] where the address cannot be bound.
    pub fn bind(address: impl ToSocketAddrs) -> Result<Self, Error> {
        let socket = std::net::TcpListener::bind(address)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let poll = Poll::new()?;
        let mut socket = TcpListener::from_std(socket);
        poll.registry()
            .register(&mut socket, LISTENER, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let shutdown = HttpShutdown {
            urgency: Arc::new(AtomicU8::new(0)),
            waker,
        };
        Ok(Self {
            poll,
            socket,
            address,
            options: HttpOptions::listening(address.ip().is_loopback()),
            authorizer: None,
            max_connections: Connections::USUAL,
            max_threads: MAX_THREADS,
            signals: None,
            shutdown,
        })
    }

    /// Changes the [choices](HttpOptions) that there are. They begin as
    /// [`HttpOptions::listening`] has them for this address.
    #[must_use]
    pub fn options(mut self, change: impl FnOnce(HttpOptions) -> HttpOptions) -> Self {
        self.options = change(self.options);
        self
    }

    /// Answers GET and HEAD requests for `path`, beside the endpoint: see [`HttpOptions::route`].
    #[must_use]
    pub fn route(
        mut self,
        path: impl Into<Box<str>>,
        answer: impl Fn(&Parts) -> Response<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.options = self.options.route(path, answer);
        self
    }

    /// Has every request to the endpoint judged by its bearer token, before its body is read. The
    /// judge may block, for example to ask another server.
    #[must_use]
    pub fn authorize(
        mut self,
        judge: impl Fn(Option<&str>) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.options = self.options.authorize(true);
        self.authorizer = Some(Arc::new(judge));
        self
    }

    /// Sets how many connections may be open at the same time; more wait until others end. 10,000.
    #[must_use]
    pub fn max_connections(mut self, count: usize) -> Self {
        self.max_connections = count.max(1);
        self
    }

    /// Sets how many threads serve connections and run handlers; requests beyond wait for one.
    /// Idle connections and streams need none. 256.
    #[must_use]
    pub fn max_threads(mut self, count: usize) -> Self {
        self.max_threads = count.max(1);
        self
    }

    /// Takes SIGINT and SIGTERM from the process: the first one ends serving as
    /// [`HttpShutdown::shutdown`] does, the second one at once. Without effect on Windows.
    ///
    /// # Errors
    /// [`Error::Io`] where the system refuses it.
    pub fn end_on_signals(mut self) -> Result<Self, Error> {
        self.signals = Some(Signals::register(self.poll.registry())?);
        Ok(self)
    }

    /// The address that was bound, with the port that the system chose for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint's URL, for clients on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        self.options.url(self.address)
    }

    /// A handle that ends [`serve`](Self::serve).
    #[must_use]
    pub fn shutdown_handle(&self) -> HttpShutdown {
        self.shutdown.clone()
    }

    /// Serves until [`HttpShutdown::shutdown`], on the calling thread and as many more as requests
    /// need. Then subscriptions end, and calls have
    /// [`drain_timeout`](mcp_proto::limits::Limits::drain_timeout) to complete.
    ///
    /// # Errors
    /// [`Error::Build`] where the server cannot be built, [`Error::Io`] where the system cannot
    /// tell what happens on the sockets. What fails in one connection ends that connection only.
    pub fn serve(self, server: impl IntoServer) -> Result<(), Error> {
        let server = hosted(server)?;
        let grace = server.current().limits().drain_timeout;
        let waker = Arc::clone(&self.shutdown.waker);
        let watch = {
            let waker = Arc::clone(&waker);
            // Fails where the poller is gone.
            server.watch(Arc::new(move || drop(waker.wake())))
        };
        let mut random = [0; 32];
        if !entropy::fill(&mut random) {
            return Err(io::Error::other("the system has no random bytes").into());
        }
        let options = self
            .options
            .ephemeral_states(random, |warning| eprintln!("{warning}"));
        let hub = Hub::new(hub::Parts {
            server,
            options: Arc::new(options),
            authorizer: self.authorizer,
            registry: self.poll.registry().try_clone()?,
            waker,
            max_workers: self.max_threads,
        });
        let poller = Poller {
            poll: self.poll,
            listener: Some(self.socket),
            hub,
            watch,
            signals: self.signals,
            shutdown: self.shutdown,
            max_connections: self.max_connections,
            grace,
            state: State::default(),
        };
        poller.run()
    }
}

impl fmt::Debug for HttpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpListener")
            .field("address", &self.address)
            .field("options", &self.options)
            .field("max_connections", &self.max_connections)
            .field("max_threads", &self.max_threads)
            .finish_non_exhaustive()
    }
}

/// Ends an [`HttpListener`] from another thread; cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpShutdown {
    urgency: Arc<AtomicU8>,
    waker: Arc<Waker>,
}

/// How much of an end was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    None,
    Graceful,
    AtOnce,
}

impl HttpShutdown {
    /// Lets nobody in any more, and lets those who are in finish. Asked again, it does not.
    pub fn shutdown(&self) {
        self.hurry();
        // Fails where the server is gone.
        let _ = self.waker.wake();
    }

    pub(super) fn hurry(&self) {
        // Twice is at once; more is the same.
        let _ = self
            .urgency
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |urgency| {
                (urgency < 2).then_some(urgency + 1)
            });
    }

    pub(super) fn urgency(&self) -> Urgency {
        match self.urgency.load(Ordering::Acquire) {
            0 => Urgency::None,
            1 => Urgency::Graceful,
            _ => Urgency::AtOnce,
        }
    }
}
