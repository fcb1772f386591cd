//! Serving every connection of a listening socket.

#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::{
    future::{Future, poll_fn},
    io,
    marker::PhantomData,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_io::Timer;
#[cfg(unix)]
use async_net::unix::UnixListener;
use async_net::{AsyncToSocketAddrs, TcpListener};
use futures_io::{AsyncRead, AsyncWrite};
use mcp_server_core::{CancelToken, IntoServer, Server};

use super::serve::serve_built;
use crate::{Error, Runtime};

/// How long to wait for others to give back what the system has run out of.
const PAUSE: Duration = Duration::from_millis(50);

/// A listening socket whose every connection is one client.
///
/// ```no_run
/// use bind_async_std::smol::{Listener, prelude::*};
///
/// # #[cfg(feature = "smol")]
/// fn main() -> Result<(), Error> {
///     smol::block_on(async {
///         let listener = Listener::tcp("127.0.0.1:7000").await?;
///         let shutdown = listener.shutdown_handle();
///         smol::spawn(async move {
///             smol::Timer::after(std::time::Duration::from_secs(3600)).await;
///             shutdown.shutdown();
///         })
///         .detach();
///         listener.serve(server!()).await
///     })
/// }
/// ```
#[derive(Debug)]
pub struct Listener<R> {
    socket: Socket,
    shutdown: Shutdown,
    runtime: PhantomData<R>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, PathBuf),
}

type Streams = (
    Box<dyn AsyncRead + Send + Unpin>,
    Box<dyn AsyncWrite + Send + Unpin>,
);

/// Ends a [`Listener`] from another task or thread; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown {
    ended: CancelToken,
}

impl Shutdown {
    /// Accepts no more connections and ends the input of the open ones.
    pub fn shutdown(&self) {
        self.ended.cancel();
    }
}

impl<R: Runtime> Listener<R> {
    /// Listens on a TCP address.
    ///
    /// There is no authentication: bind to a loopback address, or where only trusted peers reach
    /// it.
    ///
    /// # Errors
    /// [`Error::Io`] where the address cannot be bound.
    pub async fn tcp(address: impl AsyncToSocketAddrs) -> Result<Self, Error> {
        Ok(Self::new(Socket::Tcp(TcpListener::bind(address).await?)))
    }

    /// Listens on a Unix socket, which is made at `path` and removed when the listener ends.
    ///
    /// # Errors
    /// [`Error::Io`] where the socket cannot be made, for example since the path exists.
    #[cfg(unix)]
    #[expect(
        clippy::unused_async,
        reason = "as the other one; and it may have to wait on other systems"
    )]
    pub async fn unix(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_path_buf();
        Ok(Self::new(Socket::Unix(UnixListener::bind(&path)?, path)))
    }

    fn new(socket: Socket) -> Self {
        Self {
            socket,
            shutdown: Shutdown {
                ended: CancelToken::new(),
            },
            runtime: PhantomData,
        }
    }

    /// The TCP address that was bound, with the port that the system chose for port 0.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr().ok(),
            #[cfg(unix)]
            Socket::Unix(..) => None,
        }
    }

    /// A handle that ends [`serve`](Self::serve).
    #[must_use]
    pub fn shutdown_handle(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Serves every connection, each in a task of its own, until [`Shutdown::shutdown`]; then waits
    /// for the open ones: their input ends, what they have asked is answered. Dropping the returned
    /// future ends them at once.
    ///
    /// # Errors
    /// [`Error::Build`] where the server cannot be built, [`Error::Io`] where accepting fails.
    /// What fails in one connection ends that connection only.
    pub async fn serve(self, server: impl IntoServer) -> Result<(), Error> {
        let server = server.into_server()?;
        let mut connections = Connections::default();
        let result = loop {
            match self.next().await {
                Some(Ok(streams)) => connections.start::<R>(&server, streams),
                Some(Err(error)) if is_transient(&error) => {}
                Some(Err(error)) if is_shortage(&error) => drop(Timer::after(PAUSE).await),
                Some(Err(error)) => break Err(Error::Io(error)),
                None => break Ok(()),
            }
        };
        connections.finish().await;
        result
    }

    // The next connection; `None` once the listener is to end.
    async fn next(&self) -> Option<io::Result<Streams>> {
        let mut ended = pin!(self.shutdown.ended.cancelled());
        // One future until it is ready: dropping it would take back what it has asked to be woken
        // for.
        let mut accepted = pin!(self.socket.accept());
        poll_fn(|context| {
            if ended.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            accepted.as_mut().poll(context).map(Some)
        })
        .await
    }
}

#[cfg(unix)]
impl<R> Drop for Listener<R> {
    fn drop(&mut self) {
        if let Socket::Unix(_, path) = &self.socket {
            // It may have been removed by somebody else, which is what is wanted.
            let _ = std::fs::remove_file(path);
        }
    }
}

// The peer's fault: the next one may do better.
fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}

// No more descriptors or memory for now: connections that end will give some back.
#[cfg(unix)]
fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| {
        shortages
            .iter()
            .any(|shortage| shortage.raw_os_error() == code)
    })
}

#[cfg(not(unix))]
fn is_shortage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}

impl Socket {
    async fn accept(&self) -> io::Result<Streams> {
        match self {
            Self::Tcp(socket) => {
                let (stream, _) = socket.accept().await?;
                // Answers are whole messages: there is nothing to wait for. A peer that has gone
                // already is noticed later.
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream.clone()), Box::new(stream)))
            }
            #[cfg(unix)]
            Self::Unix(socket, _) => {
                let (stream, _) = socket.accept().await?;
                Ok((Box::new(stream.clone()), Box::new(stream)))
            }
        }
    }
}

/// The open connections; dropping them ends them.
#[derive(Default)]
struct Connections {
    open: Arc<Open>,
    next_key: u64,
}

#[derive(Default)]
struct Open {
    state: Mutex<OpenState>,
}

#[derive(Default)]
struct OpenState {
    ends: Vec<(u64, End)>,
    // Waits for the last one.
    waiting: Option<Waker>,
}

/// How to end a connection.
#[derive(Clone, Default)]
struct End {
    // Its input.
    input: CancelToken,
    // All of it.
    at_once: CancelToken,
}

impl Connections {
    fn start<R: Runtime>(&mut self, server: &Server, (reader, writer): Streams) {
        let (server, end) = (server.clone(), End::default());
        let registered = self.register(end.clone());
        let reader = Endable {
            reader,
            end: end.input,
        };
        R::spawn(Box::pin(async move {
            let mut serving = pin!(serve_built(&server, reader, writer));
            let mut at_once = pin!(end.at_once.cancelled());
            // Its end concerns this peer alone, who knows of it.
            poll_fn(|context| match at_once.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => serving.as_mut().poll(context).map(drop),
            })
            .await;
            drop(registered);
        }));
    }

    fn register(&mut self, end: End) -> Registered {
        let key = self.next_key;
        self.next_key += 1;
        self.open.lock().ends.push((key, end));
        Registered {
            key,
            open: Arc::clone(&self.open),
        }
    }

    async fn finish(self) {
        self.open.end(|end| end.input.cancel());
        poll_fn(|context| {
            let mut state = self.open.lock();
            if state.ends.is_empty() {
                return Poll::Ready(());
            }
            state.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.open.end(|end| end.at_once.cancel());
    }
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, OpenState> {
        // Consistent even after a panic: nothing below stops half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Tells all, without the lock, since it wakes tasks.
    fn end(&self, how: impl Fn(&End)) {
        let ends: Vec<End> = self
            .lock()
            .ends
            .iter()
            .map(|(_, end)| end.clone())
            .collect();
        ends.iter().for_each(how);
    }
}

/// An open connection's entry, which goes with its task, however that ends.
struct Registered {
    key: u64,
    open: Arc<Open>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut state = self.open.lock();
        state.ends.retain(|(key, _)| *key != self.key);
        let waiting = if state.ends.is_empty() {
            state.waiting.take()
        } else {
            None
        };
        drop(state);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

/// A reader whose input ends when it is told so.
struct Endable {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    end: CancelToken,
}

impl AsyncRead for Endable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.end.is_cancelled() {
            return Poll::Ready(Ok(0));
        }
        let read = Pin::new(&mut self.reader).poll_read(context, buffer);
        if read.is_pending() && pin!(self.end.cancelled()).poll(context).is_ready() {
            return Poll::Ready(Ok(0));
        }
        read
    }
}
