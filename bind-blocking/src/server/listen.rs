//! Serving every connection of a listening socket.

use std::{
    io::{self, Read, Write},
    net::{Shutdown as Half, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
#[cfg(unix)]
use std::{
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
};

use mcp_server_core::{AcceptFailure, IntoServer, Server};

use super::{driver::serve_boxed, host::hosted};
use crate::Error;

/// A listening socket whose every connection is one client.
///
/// ```no_run
/// use bind_blocking::{Listener, prelude::*};
///
/// fn main() -> Result<(), Error> {
///     let listener = Listener::tcp("127.0.0.1:7000")?;
///     let shutdown = listener.shutdown_handle();
///     std::thread::spawn(move || {
///         std::thread::sleep(std::time::Duration::from_secs(3600));
///         shutdown.shutdown();
///     });
///     listener.serve(server!())
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

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Ends a [`Listener`] from another thread; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ended: AtomicBool,
    address: Address,
    // The open connections, to be half-closed at the end.
    streams: Mutex<Vec<(u64, Stream)>>,
}

#[derive(Debug)]
enum Address {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Listener {
    /// Listens on a TCP address.
    ///
    /// There is no authentication: bind to a loopback address, or where only trusted peers reach
    /// it.
    ///
    /// # Errors
    /// [`Error::Io`] where the address cannot be bound.
    pub fn tcp(address: impl ToSocketAddrs) -> Result<Self, Error> {
        let socket = TcpListener::bind(address)?;
        let address = Address::Tcp(socket.local_addr()?);
        Ok(Self {
            socket: Socket::Tcp(socket),
            shutdown: Shutdown::new(address),
        })
    }

    /// Listens on a Unix socket, which is made at `path` and removed when the listener ends.
    ///
    /// # Errors
    /// [`Error::Io`] where the socket cannot be made, for example since the path exists.
    #[cfg(unix)]
    pub fn unix(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_path_buf();
        let socket = UnixListener::bind(&path)?;
        let address = Address::Unix(path.clone());
        Ok(Self {
            socket: Socket::Unix(socket, path),
            shutdown: Shutdown::new(address),
        })
    }

    /// The TCP address that was bound, with the port that the system chose for port 0.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.shutdown.shared.address {
            Address::Tcp(address) => Some(*address),
            #[cfg(unix)]
            Address::Unix(_) => None,
        }
    }

    /// A handle that ends [`serve`](Self::serve).
    #[must_use]
    pub fn shutdown_handle(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Serves every connection until [`Shutdown::shutdown`], then waits for the open ones: their
    /// input ends, what they have asked is answered.
    ///
    /// # Errors
    /// [`Error::Build`] where the server cannot be built, [`Error::Io`] where accepting fails.
    /// What fails in one connection ends that connection only.
    pub fn serve(self, server: impl IntoServer) -> Result<(), Error> {
        let server = hosted(server)?;
        let mut connections = Vec::new();
        let result = loop {
            let stream = match self.socket.accept() {
                Ok(_) if self.shutdown.is_ended() => break Ok(()),
                Ok(stream) => stream,
                Err(error) => match AcceptFailure::of(&error) {
                    AcceptFailure::OfThePeer => continue,
                    AcceptFailure::Shortage(pause) => {
                        thread::sleep(pause);
                        continue;
                    }
                    _ => break Err(Error::Io(error)),
                },
            };
            connections.retain(|connection: &thread::JoinHandle<()>| !connection.is_finished());
            // A connection that cannot be set up is closed by dropping it; the next may do better.
            if let Ok(connection) = self.shutdown.start(&server, stream) {
                connections.push(connection);
            }
        };
        self.shutdown.end_streams();
        for connection in connections {
            // A panic in there was reported on its own thread.
            let _ = connection.join();
        }
        result
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

impl Shutdown {
    fn new(address: Address) -> Self {
        let shared = Shared {
            ended: AtomicBool::new(false),
            address,
            streams: Mutex::new(Vec::new()),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Accepts no more connections and ends the input of the open ones.
    pub fn shutdown(&self) {
        if self.shared.ended.swap(true, Ordering::AcqRel) {
            return;
        }
        // Accepting blocks until somebody connects; so we do. A listener that is gone needs none.
        match &self.shared.address {
            Address::Tcp(address) => drop(TcpStream::connect(address)),
            #[cfg(unix)]
            Address::Unix(path) => drop(UnixStream::connect(path)),
        }
        self.end_streams();
    }

    fn is_ended(&self) -> bool {
        self.shared.ended.load(Ordering::Acquire)
    }

    fn start(&self, server: &Server, stream: Stream) -> io::Result<thread::JoinHandle<()>> {
        let (reader, writer) = stream.split()?;
        let shutdown = self.clone();
        let key = {
            let mut streams = self.streams();
            let key = streams.last().map_or(0, |(key, _)| key + 1);
            streams.push((key, stream));
            key
        };
        let server = server.clone();
        thread::Builder::new()
            .name("mcp-connection".into())
            .spawn(move || {
                // Its end concerns this peer alone, who knows of it.
                let _ = serve_boxed(&server, reader, writer);
                let mut streams = shutdown.streams();
                if let Some(at) = streams.iter().position(|(other, _)| *other == key) {
                    streams.remove(at).1.close();
                }
            })
    }

    fn end_streams(&self) {
        for (_, stream) in self.streams().iter() {
            stream.end_input();
        }
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Stream)>> {
        self.shared
            .streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Socket {
    fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(socket) => {
                let (stream, _) = socket.accept()?;
                // Answers are whole messages: there is nothing to wait for.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            #[cfg(unix)]
            Self::Unix(socket, _) => Ok(Stream::Unix(socket.accept()?.0)),
        }
    }
}

type Halves = (Box<dyn Read + Send>, Box<dyn Write + Send>);

impl Stream {
    fn split(&self) -> io::Result<Halves> {
        Ok(match self {
            Self::Tcp(stream) => (Box::new(stream.try_clone()?), Box::new(stream.try_clone()?)),
            #[cfg(unix)]
            Self::Unix(stream) => (Box::new(stream.try_clone()?), Box::new(stream.try_clone()?)),
        })
    }

    fn end_input(&self) {
        self.shut(Half::Read);
    }

    fn close(&self) {
        self.shut(Half::Both);
    }

    fn shut(&self, half: Half) {
        // Fails where the peer was faster.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(half),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(half),
        };
    }
}
