//! Serving every connection of a listening socket.

#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use mcp_server_core::{CancelToken, IntoServer, Server};
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, ToSocketAddrs},
    task::JoinSet,
};

use super::serve::serve_built;
use crate::Error;

/// How long to wait for others to give back what the system has run out of.
const PAUSE: Duration = Duration::from_millis(50);

/// A listening socket whose every connection is one client.
///
/// ```no_run
/// use bind_tokio::{Listener, prelude::*};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Error> {
///     let listener = Listener::tcp("127.0.0.1:7000").await?;
///     let shutdown = listener.shutdown_handle();
///     tokio::spawn(async move {
///         tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
///         shutdown.shutdown();
///     });
///     listener.serve(server!()).await
/// }
/// ```
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    shutdown: Shutdown,
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

impl Listener {
    /// Listens on a TCP address.
    ///
    /// There is no authentication: bind to a loopback address, or where only trusted peers reach
    /// it.
    ///
    /// # Errors
    /// [`Error::Io`] where the address cannot be bound.
    pub async fn tcp(address: impl ToSocketAddrs) -> Result<Self, Error> {
        Ok(Self::new(Socket::Tcp(TcpListener::bind(address).await?)))
    }

    /// Listens on a Unix socket, which is made at `path` and removed when the listener ends.
    ///
    /// # Errors
    /// [`Error::Io`] where the socket cannot be made, for example since the path exists.
    #[cfg(unix)]
    #[expect(
        clippy::unused_async,
        reason = "as the other one; and it needs a runtime, which awaiting makes plain"
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
            match self.next(&mut connections).await {
                Some(Ok(streams)) => connections.start(&server, streams),
                Some(Err(error)) if is_transient(&error) => {}
                Some(Err(error)) if is_shortage(&error) => tokio::time::sleep(PAUSE).await,
                Some(Err(error)) => break Err(Error::Io(error)),
                None => break Ok(()),
            }
        };
        connections.finish().await;
        result
    }

    // The next connection; `None` once the listener is to end. Puts the finished ones away
    // meanwhile.
    async fn next(&self, connections: &mut Connections) -> Option<io::Result<Streams>> {
        let mut ended = pin!(self.shutdown.ended.cancelled());
        poll_fn(|context| {
            if ended.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            connections.poll_finished(context);
            self.socket.poll_accept(context).map(Some)
        })
        .await
    }
}

#[cfg(unix)]
impl Drop for Listener {
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
    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Streams>> {
        match self {
            Self::Tcp(socket) => socket.poll_accept(context).map_ok(|(stream, _)| {
                // Answers are whole messages: there is nothing to wait for. A peer that has gone
                // already is noticed later.
                let _ = stream.set_nodelay(true);
                let (reader, writer) = stream.into_split();
                (Box::new(reader) as _, Box::new(writer) as _)
            }),
            #[cfg(unix)]
            Self::Unix(socket, _) => socket.poll_accept(context).map_ok(|(stream, _)| {
                let (reader, writer) = stream.into_split();
                (Box::new(reader) as _, Box::new(writer) as _)
            }),
        }
    }
}

/// The open connections; dropping them ends them.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<u64>,
    // How to end the input of each.
    ends: Vec<(u64, CancelToken)>,
    next_key: u64,
}

impl Connections {
    fn start(&mut self, server: &Server, (reader, writer): Streams) {
        let (server, end, key) = (server.clone(), CancelToken::new(), self.next_key);
        self.next_key += 1;
        self.ends.push((key, end.clone()));
        let reader = Endable { reader, end };
        self.tasks.spawn(async move {
            // Its end concerns this peer alone, who knows of it.
            let _ = serve_built(&server, reader, writer).await;
            key
        });
    }

    fn poll_finished(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(Some(key)) = self.tasks.poll_join_next(context) {
            // A connection that panicked keeps its entry; it is told the end in vain.
            self.ends
                .retain(|(other, _)| key.as_ref().ok() != Some(other));
        }
    }

    async fn finish(mut self) {
        self.ends.iter().for_each(|(_, end)| end.cancel());
        while self.tasks.join_next().await.is_some() {}
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
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.end.is_cancelled() {
            return Poll::Ready(Ok(()));
        }
        let read = Pin::new(&mut self.reader).poll_read(context, buffer);
        if read.is_pending() && pin!(self.end.cancelled()).poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        read
    }
}
