//! An HTTP server before it serves: its address and its choices.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Response, request::Parts};
use mcp_server_core::{
    IntoServer,
    http::{HttpOptions, HttpService, Judge, Runtime, Verdict},
};
use tokio::{
    net::{TcpListener, TcpStream, ToSocketAddrs},
    sync::watch,
    task::JoinSet,
};

use super::{connection, service, signals::Signals};
use crate::Error;

/// Connections that may be open at the same time.
const MAX_CONNECTIONS: usize = 10_000;
/// How long to wait before connections are accepted again that could not be.
const PAUSE: Duration = Duration::from_millis(50);

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
/// use bind_tokio::{prelude::*, serve_http};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Error> {
///     serve_http(server!().instructions("Ask me anything."), "127.0.0.1:8000").await
/// }
/// ```
pub async fn serve_http(server: impl IntoServer, address: impl ToSocketAddrs) -> Result<(), Error> {
    let server = server.into_server()?;
    let listener = HttpListener::bind(address).await?;
    listener.end_on_signals()?.serve(server).await
}

/// A listening socket whose every connection speaks HTTP.
///
/// ```no_run
/// use bind_tokio::{HttpListener, http::SessionMode, prelude::*};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Error> {
///     let listener = HttpListener::bind("127.0.0.1:0").await?
///         .options(|options| options.sessions(SessionMode::Stateless))
///         .route("/health", |_| http::Response::new(b"ok".to_vec()));
///     eprintln!("listening on {}", listener.url());
///     listener.serve(server!()).await
/// }
/// ```
pub struct HttpListener {
    socket: TcpListener,
    address: SocketAddr,
    options: HttpOptions,
    judge: Option<Box<Judge>>,
    max_connections: usize,
    signals: Option<Signals>,
    shutdown: HttpShutdown,
}

impl HttpListener {
    /// Listens on an address; port 0 lets the system choose one.
    ///
    /// # Errors
    /// [`Error::Io`] where the address cannot be bound.
    pub async fn bind(address: impl ToSocketAddrs) -> Result<Self, Error> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self {
            socket,
            address,
            options: HttpOptions::listening(address.ip().is_loopback()),
            judge: None,
            max_connections: MAX_CONNECTIONS,
            signals: None,
            shutdown: HttpShutdown {
                urgency: Arc::new(watch::Sender::new(Urgency::None)),
            },
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

    /// Has every request to the endpoint judged by its bearer token, before its body is read.
    #[must_use]
    pub fn authorize<F>(
        mut self,
        judge: impl Fn(Option<String>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        self.judge = Some(service::boxed(judge));
        self
    }

    /// Sets how many connections may be open at the same time; more wait until others end. 10,000.
    #[must_use]
    pub fn max_connections(mut self, count: usize) -> Self {
        self.max_connections = count.max(1);
        self
    }

    /// Takes SIGINT and SIGTERM from the process, for the rest of its life: the first one ends
    /// serving as [`HttpShutdown::shutdown`] does, the second one at once. Without effect on
    /// Windows.
    ///
    /// # Errors
    /// [`Error::Io`] where the system refuses it.
    pub fn end_on_signals(mut self) -> Result<Self, Error> {
        self.signals = Some(Signals::register()?);
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

    /// Serves until [`HttpShutdown::shutdown`], each connection in a task of its own. Then
    /// subscriptions end, and calls have
    /// [`drain_timeout`](mcp_proto::limits::Limits::drain_timeout) to complete. Dropping the
    /// returned future ends them at once.
    ///
    /// # Errors
    /// [`Error::Build`] where the server cannot be built. What fails in one connection ends that
    /// connection only.
    pub async fn serve(self, server: impl IntoServer) -> Result<(), Error> {
        let server = server.into_server()?;
        let limits = server.current().limits().clone();
        let (service, runtime) = service::build(&server, self.options, self.judge);
        let mut serving = Serving {
            service,
            runtime,
            stall: limits.outbound_stall,
            max_connections: self.max_connections,
            signals: self.signals,
            shutdown: self.shutdown,
            connections: JoinSet::new(),
        };
        serving.accept(self.socket).await;
        serving.service.shut_down();
        serving.drain(limits.drain_timeout).await;
        Ok(())
    }
}

impl fmt::Debug for HttpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpListener")
            .field("address", &self.address)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Ends an [`HttpListener`] from another task or thread; cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpShutdown {
    urgency: Arc<watch::Sender<Urgency>>,
}

/// How much of an end was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    None,
    Graceful,
    AtOnce,
}

impl HttpShutdown {
    /// Lets nobody in any more, and lets those who are in finish. Asked again, it does not.
    pub fn shutdown(&self) {
        self.urgency.send_modify(|urgency| {
            *urgency = match urgency {
                Urgency::None => Urgency::Graceful,
                Urgency::Graceful | Urgency::AtOnce => Urgency::AtOnce,
            };
        });
    }

    // Ready when at least that much was asked for.
    fn asked(&self, least: Urgency) -> impl Future<Output = ()> + use<> {
        let mut urgency = self.urgency.subscribe();
        async move {
            // Fails where nobody is left who could ask.
            let _ = urgency.wait_for(|urgency| *urgency >= least).await;
        }
    }
}

/// A listener at work.
struct Serving {
    service: HttpService,
    runtime: Arc<dyn Runtime>,
    stall: Duration,
    max_connections: usize,
    signals: Option<Signals>,
    shutdown: HttpShutdown,
    connections: JoinSet<()>,
}

impl Serving {
    // Takes in connections until the end is asked for.
    async fn accept(&mut self, socket: TcpListener) {
        let mut end = pin!(self.shutdown.asked(Urgency::Graceful));
        loop {
            let next = poll_fn(|context| {
                self.attend(context);
                if end.as_mut().poll(context).is_ready() {
                    return Poll::Ready(None);
                }
                if self.connections.len() >= self.max_connections {
                    return Poll::Pending;
                }
                socket.poll_accept(context).map(Some)
            });
            match next.await {
                None => return,
                Some(Ok((stream, _))) => self.start(stream),
                // The client's fault: the next one may do better.
                Some(Err(error)) if is_of_the_client(&error) => {}
                // A passing lack of resources.
                Some(Err(_)) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn start(&mut self, stream: TcpStream) {
        self.connections.spawn(connection::serve(
            stream,
            self.service.clone(),
            Arc::clone(&self.runtime),
            self.stall,
            self.shutdown.asked(Urgency::Graceful),
        ));
    }

    // Puts ended connections away, and listens to signals.
    fn attend(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(Some(_)) = self.connections.poll_join_next(context) {}
        while let Some(Poll::Ready(())) = self.signals.as_mut().map(|it| it.poll(context)) {
            self.shutdown.shutdown();
        }
    }

    // Waits for the open connections, but not for too long.
    async fn drain(&mut self, grace: Duration) {
        let mut at_once = pin!(self.shutdown.asked(Urgency::AtOnce));
        let drained = poll_fn(|context| {
            self.attend(context);
            if self.connections.is_empty() {
                return Poll::Ready(());
            }
            at_once.as_mut().poll(context)
        });
        // Whoever has not finished by then is cut off.
        let _ = tokio::time::timeout(grace, drained).await;
        self.connections.shutdown().await;
        self.service.hub().close();
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}
