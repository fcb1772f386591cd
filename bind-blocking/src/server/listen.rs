//! Serving every connection of a listening socket.

use std::{
    future::Future,
    io::{self, Read, Write},
    net::{
        IpAddr, Ipv4Addr, Ipv6Addr, Shutdown as Half, SocketAddr, TcpListener, TcpStream,
        ToSocketAddrs,
    },
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Wake, Waker},
    thread,
};
#[cfg(unix)]
use std::{
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
};

use mcp_server_core::{AcceptFailure, Cancelled, IntoServer, Server, Shutdown};

use super::{driver::serve_boxed, host::hosted};
use crate::Error;

/// Connections that may be open at the same time: each has a thread or two of its own.
const MAX_CONNECTIONS: usize = 1_000;

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
    max_connections: usize,
    open: Arc<Open>,
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

/// What a listener and whoever ends it have in common.
#[derive(Debug)]
struct Open {
    address: Address,
    state: Mutex<State>,
    // A connection has ended, or the listener is to.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    // The open connections, to be half-closed at the end.
    streams: Vec<(u64, Stream)>,
    // The listener waits for somebody to connect.
    accepting: bool,
}

/// The place of an open connection, which goes with its thread, however that ends.
struct Place {
    key: u64,
    open: Arc<Open>,
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
        Ok(Self::new(Socket::Tcp(socket), address))
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
        Ok(Self::new(Socket::Unix(socket, path), address))
    }

    fn new(socket: Socket, address: Address) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self {
            socket,
            max_connections: MAX_CONNECTIONS,
            open: Arc::new(Open {
                address,
                state,
                changed,
            }),
            shutdown: Shutdown::new(),
        }
    }

    /// Sets how many connections may be open at the same time; more wait until others end. 1,000,
    /// since each has a thread or two of its own.
    #[must_use]
    pub fn max_connections(mut self, count: usize) -> Self {
        self.max_connections = count.max(1);
        self
    }

    /// The TCP address that was bound, with the port that the system chose for port 0.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.open.address {
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
        let _asked = when_requested(&self.shutdown, Arc::clone(&self.open));
        let result = loop {
            if !self.open.has_room(self.max_connections, &self.shutdown) {
                break Ok(());
            }
            let stream = match self.socket.accept() {
                _ if self.shutdown.is_requested() => break Ok(()),
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
            if let Ok(connection) = self.open.start(&server, stream) {
                connections.push(connection);
            }
        };
        self.open.end_streams();
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

/// Wakes `waker` when the shutdown is asked for, or now where it has been; until the result is
/// dropped.
pub(super) fn when_requested(
    shutdown: &Shutdown,
    waker: Arc<impl Wake + Send + Sync + 'static>,
) -> Cancelled {
    let waker = Waker::from(waker);
    let mut requested = shutdown.requested();
    let polled = Pin::new(&mut requested).poll(&mut Context::from_waker(&waker));
    if polled.is_ready() {
        waker.wake();
    }
    requested
}

impl Wake for Open {
    fn wake(self: Arc<Self>) {
        let accepting = self.state().accepting;
        self.changed.notify_all();
        // Accepting blocks until somebody connects; so we do. A listener that is gone needs none, and
        // one that waits for room would leave us in its queue.
        match &self.address {
            _ if !accepting => {}
            Address::Tcp(address) => drop(TcpStream::connect(within_reach(*address))),
            #[cfg(unix)]
            Address::Unix(path) => drop(UnixStream::connect(path)),
        }
        self.end_streams();
    }
}

// Not everywhere can one connect to "all addresses of this machine".
fn within_reach(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

impl Open {
    fn start(
        self: &Arc<Self>,
        server: &Server,
        stream: Stream,
    ) -> io::Result<thread::JoinHandle<()>> {
        let (reader, writer) = stream.split()?;
        let place = self.place(stream);
        let server = server.clone();
        thread::Builder::new()
            .name("mcp-connection".into())
            .spawn(move || {
                let _place = place;
                // Its end concerns this peer alone, who knows of it.
                let _ = serve_boxed(&server, reader, writer, None);
            })
    }

    /// Waits for room for one more connection; `false` where the listener is to end instead.
    fn has_room(&self, most: usize, shutdown: &Shutdown) -> bool {
        let mut state = self.state();
        while state.streams.len() >= most && !shutdown.is_requested() {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.accepting = !shutdown.is_requested();
        state.accepting
    }

    fn place(self: &Arc<Self>, stream: Stream) -> Place {
        let open = Arc::clone(self);
        let mut state = self.state();
        let key = state.streams.last().map_or(0, |(key, _)| key + 1);
        state.streams.push((key, stream));
        state.accepting = false;
        Place { key, open }
    }

    fn end_streams(&self) {
        for (_, stream) in &self.state().streams {
            stream.end_input();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing stops half-way with the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.open.state();
        if let Some(at) = state.streams.iter().position(|(key, _)| *key == self.key) {
            state.streams.remove(at).1.close();
        }
        drop(state);
        self.open.changed.notify_one();
    }
}

impl Socket {
    fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(socket) => {
                let (stream, _) = socket.accept()?;
                // Answers are whole messages: there is nothing to wait for. A peer that has gone
                // already is noticed later.
                let _ = stream.set_nodelay(true);
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
