//! An HTTP server before it serves: its address and its choices.

use std::{
    fmt,
    future::{Future, poll_fn},
    marker::PhantomData,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use ::http::{Response, request::Parts};
use async_io::Timer;
use async_net::{AsyncToSocketAddrs, TcpListener, TcpStream};
use mcp_server_core::{
    AcceptFailure, Connections, IntoServer,
    http::{self, HttpHub, HttpOptions, HttpService, HttpShutdown, Judge, Verdict},
};

use super::{connection, runtime::Lent, signals::Signals};
use crate::server::host::hosted;
use crate::{Error, Runtime, Task};

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
/// use bind_async_std::smol::{prelude::*, serve_http};
///
/// # #[cfg(feature = "smol")]
/// fn main() -> Result<(), Error> {
///     smol::block_on(serve_http(server!().instructions("Ask me anything."), "127.0.0.1:8000"))
/// }
/// ```
pub async fn serve_http<R: Runtime>(
    server: impl IntoServer,
    address: impl AsyncToSocketAddrs,
) -> Result<(), Error> {
    let server = hosted(server)?;
    let listener = HttpListener::<R>::bind(address).await?;
    listener.end_on_signals()?.serve(server).await
}

/// A listening socket whose every connection speaks HTTP.
///
/// ```no_run
/// use bind_async_std::{http::{Response, SessionMode}, smol::{HttpListener, prelude::*}};
///
/// # #[cfg(feature = "smol")]
/// fn main() -> Result<(), Error> {
///     smol::block_on(async {
///         let listener = HttpListener::bind("127.0.0.1:0").await?
///             .options(|options| options.sessions(SessionMode::Stateless))
///             .route("/health", |_| Response::new(b"ok".to_vec()));
///         eprintln!("listening on {}", listener.url());
///         listener.serve(server!()).await
///     })
/// }
/// ```
pub struct HttpListener<R> {
    socket: TcpListener,
    address: SocketAddr,
    options: HttpOptions,
    judge: Option<Box<Judge>>,
    max_connections: usize,
    signals: Option<Signals>,
    shutdown: HttpShutdown,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> HttpListener<R> {
    /// Listens on an address; port 0 lets the system choose one.
    ///
    /// # Errors
    /// [`Error::Io`] where the address cannot be bound.
    pub async fn bind(address: impl AsyncToSocketAddrs) -> Result<Self, Error> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self {
            socket,
            address,
            options: HttpOptions::listening(address.ip().is_loopback()),
            judge: None,
            max_connections: Connections::USUAL,
            signals: None,
            shutdown: HttpShutdown::new(),
            runtime: PhantomData,
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
        self.judge = Some(Box::new(move |token| Box::pin(judge(token))));
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
    /// [`Error::Build`] where the server cannot be built, [`Error::Io`] where accepting fails. What
    /// fails in one connection ends that connection only.
    pub async fn serve(self, server: impl IntoServer) -> Result<(), Error> {
        let server = hosted(server)?;
        let limits = server.current().limits().clone();
        let lent: Arc<dyn http::Runtime> = Arc::new(Lent::<R>::new());
        let hub = HttpHub::new(server, self.options, self.judge, Arc::clone(&lent));
        let mut serving = Serving {
            service: HttpService::new(hub),
            runtime: lent,
            start: R::spawn,
            stall: limits.outbound_stall,
            signals: self.signals,
            shutdown: self.shutdown,
            connections: Connections::up_to(self.max_connections),
        };
        let accepted = serving.accept(self.socket).await;
        serving.drain(limits.drain_timeout).await;
        accepted
    }
}

impl<R> fmt::Debug for HttpListener<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpListener")
            .field("address", &self.address)
            .field("options", &self.options)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

/// A listener at work.
struct Serving {
    service: HttpService,
    runtime: Arc<dyn http::Runtime>,
    start: fn(Task),
    stall: Duration,
    signals: Option<Signals>,
    shutdown: HttpShutdown,
    connections: Connections,
}

impl Serving {
    // Takes in connections until the end is asked for, or the socket is of no more use.
    async fn accept(&mut self, socket: TcpListener) -> Result<(), Error> {
        let mut end = pin!(self.shutdown.requested());
        loop {
            // One future until it is ready: dropping it would take back what it has asked to be woken
            // for.
            let mut accepted = pin!(socket.accept());
            let next = poll_fn(|context| {
                self.attend(context);
                if end.as_mut().poll(context).is_ready() {
                    return Poll::Ready(None);
                }
                ready!(self.connections.poll_room(context));
                accepted.as_mut().poll(context).map(Some)
            });
            match next.await {
                None => return Ok(()),
                Some(Ok((stream, _))) => self.start(stream),
                Some(Err(error)) => match AcceptFailure::of(&error) {
                    AcceptFailure::OfThePeer => {}
                    AcceptFailure::Shortage(pause) => drop(Timer::after(pause).await),
                    _ => return Err(Error::Io(error)),
                },
            }
        }
    }

    fn start(&mut self, stream: TcpStream) {
        let place = self.connections.open();
        let ending = place.input_end().cancelled();
        let serving = connection::serve(
            stream,
            self.service.clone(),
            Arc::clone(&self.runtime),
            self.stall,
            ending,
        );
        (self.start)(Box::pin(place.run(Box::pin(serving))));
    }

    // Listens to signals.
    fn attend(&mut self, context: &mut Context<'_>) {
        while let Some(Poll::Ready(())) = self.signals.as_mut().map(|it| it.poll(context)) {
            self.shutdown.shutdown();
        }
    }

    // Waits for the open connections, but not for too long. Whoever has not finished by then is
    // cut off.
    async fn drain(mut self, grace: Duration) {
        self.service.shut_down();
        let mut at_once = pin!(self.shutdown.insisted());
        let mut drained =
            pin!(std::mem::replace(&mut self.connections, Connections::up_to(0)).finish());
        let ended = poll_fn(|context| {
            self.attend(context);
            if at_once.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            drained.as_mut().poll(context)
        });
        let mut ended = pin!(ended);
        let mut grace = Timer::after(grace);
        poll_fn(|context| match Pin::new(&mut grace).poll(context) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => ended.as_mut().poll(context),
        })
        .await;
        self.service.hub().close();
    }
}
