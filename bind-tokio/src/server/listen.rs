//! Serving every connection of a listening socket.

#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    task::{Context, Poll, ready},
};

use mcp_server_core::{AcceptFailure, Connections, IntoServer, Shutdown};
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, ToSocketAddrs},
};

use super::{host::hosted, serve::serve_built};
use crate::Error;

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
    max_connections: usize,
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
            max_connections: Connections::USUAL,
            shutdown: Shutdown::new(),
        }
    }

    /// Sets how many connections may be open at the same time; more wait until others end. 10,000.
    #[must_use]
    pub fn max_connections(mut self, count: usize) -> Self {
        self.max_connections = count.max(1);
        self
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
        let server = hosted(server)?;
        let mut connections = Connections::up_to(self.max_connections);
        let result = loop {
            let (reader, writer) = match self.next(&connections).await {
                Some(Ok(streams)) => streams,
                Some(Err(error)) => match AcceptFailure::of(&error) {
                    AcceptFailure::OfThePeer => continue,
                    AcceptFailure::Shortage(pause) => {
                        tokio::time::sleep(pause).await;
                        continue;
                    }
                    _ => break Err(Error::Io(error)),
                },
                None => break Ok(()),
            };
            let (server, connection) = (server.clone(), connections.open());
            tokio::spawn(async move {
                let end = connection.input_end().clone();
                let serving = serve_built(&server, reader, writer, &end);
                connection.run(Box::pin(serving)).await;
            });
        };
        connections.finish().await;
        result
    }

    // The next connection, once there is room for it; `None` once the listener is to end.
    async fn next(&self, connections: &Connections) -> Option<io::Result<Streams>> {
        let mut ended = pin!(self.shutdown.requested());
        poll_fn(|context| {
            if ended.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            ready!(connections.poll_room(context));
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
