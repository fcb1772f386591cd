//! Serving every connection of a listening socket.

#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::{
    future::{Future, poll_fn},
    io,
    marker::PhantomData,
    net::SocketAddr,
    pin::pin,
    task::{Poll, ready},
};

use async_io::Timer;
#[cfg(unix)]
use async_net::unix::UnixListener;
use async_net::{AsyncToSocketAddrs, TcpListener};
use futures_io::{AsyncRead, AsyncWrite};
use mcp_server_core::{AcceptFailure, Connections, IntoServer, Shutdown};

use super::{host::hosted, serve::serve_built};
use crate::{Error, Runtime};

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
    max_connections: usize,
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
            max_connections: Connections::USUAL,
            shutdown: Shutdown::new(),
            runtime: PhantomData,
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
                        Timer::after(pause).await;
                        continue;
                    }
                    _ => break Err(Error::Io(error)),
                },
                None => break Ok(()),
            };
            let (server, connection) = (server.clone(), connections.open());
            R::spawn(Box::pin(async move {
                let end = connection.input_end().clone();
                let serving = serve_built(&server, reader, writer, &end);
                connection.run(Box::pin(serving)).await;
            }));
        };
        connections.finish().await;
        result
    }

    // The next connection, once there is room for it; `None` once the listener is to end.
    async fn next(&self, connections: &Connections) -> Option<io::Result<Streams>> {
        let mut ended = pin!(self.shutdown.requested());
        // One future until it is ready: dropping it would take back what it has asked to be woken
        // for.
        let mut accepted = pin!(self.socket.accept());
        poll_fn(|context| {
            if ended.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            ready!(connections.poll_room(context));
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
