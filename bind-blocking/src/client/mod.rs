//! Handles on a connection to a server.

mod child;
mod driver;
#[cfg(feature = "http-client")]
mod http;
#[cfg_attr(unix, path = "pipes_unix.rs")]
mod pipes;
#[cfg(unix)]
mod sockets;
mod stream;
mod turns;

use std::{
    fmt,
    io::{Read, Write},
    net::{Shutdown, TcpStream, ToSocketAddrs},
    process::{Command, ExitStatus},
    sync::{Arc, Mutex, PoisonError},
};

use mcp_client_core::{Caller, ClientBuilder, ServerDetails, client_methods, task_handle};

use self::stream::{Outlet, Plain};
use crate::Error;

/// A connection to a server. Cheap to clone; all clones share it, and any number of threads may
/// call at once. It ends when the last of them is dropped.
///
/// Each call blocks its thread until the answer is there, the call's timeout has come, or the
/// server has gone away. See the [crate's front page](crate) for an example.
#[derive(Debug, Clone)]
pub struct Client {
    caller: Caller,
    server: Arc<ServerDetails>,
    connection: Arc<Connection>,
}

/// What all handles of a connection have in common.
struct Connection {
    close: Box<dyn Fn() + Send + Sync>,
    process: Mutex<Option<child::Server>>,
}

impl Connection {
    fn end(&self) -> Option<ExitStatus> {
        (self.close)();
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        // It is gone, or cannot be waited for, which only the caller of `close` may want to know.
        let status = process.as_mut().and_then(|process| process.end().ok());
        *process = None;
        status
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

task_handle!(blocking, Error, Client, [], []);

impl Client {
    /// Starts a server as a child process and connects to it.
    ///
    /// The server inherits only the variables of the environment that programs need to run, and
    /// what `command` sets. What it writes to standard error is kept apart, see
    /// [`stderr`](Self::stderr). It is ended with the connection: by the end of its input, then by
    /// SIGTERM, then by SIGKILL, with two seconds between them; and with it what it has started.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be started, [`Error::Call`] where it cannot be talked to.
    pub fn spawn(command: Command) -> Result<Self, Error> {
        Self::spawn_with(builder(), command)
    }

    /// [`spawn`](Self::spawn), as a client with these handlers and settings.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn spawn_with(builder: ClientBuilder, mut command: Command) -> Result<Self, Error> {
        child::prepare(&mut command);
        let first = Self::start(builder.clone(), &mut command);
        let older = match &first {
            Err(Error::Call(error)) => builder.fallback(error),
            _ => None,
        };
        match older {
            Some(builder) => Self::start(builder, &mut command),
            None => first,
        }
    }

    fn start(builder: ClientBuilder, command: &mut Command) -> Result<Self, Error> {
        let (process, (reader, writer)) = child::Server::spawn(command)?;
        Self::run(builder, reader, writer, Some(process), Box::new(|| {}))
    }

    /// Connects over a reader and a writer.
    ///
    /// A thread reads and another one writes, so that a call fails when its time is up although the
    /// writer blocks. The connection ends when its last handle is dropped: the writer is dropped
    /// then, and the reader once it has come to its end.
    ///
    /// # Errors
    /// [`Error::Call`] where the server cannot be talked to.
    pub fn connect<R, W>(reader: R, writer: W) -> Result<Self, Error>
    where
        R: Read + Send + 'static,
        W: Write + Send + 'static,
    {
        Self::connect_with(builder(), reader, writer)
    }

    /// [`connect`](Self::connect), as a client with these handlers and settings.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_with<R, W>(builder: ClientBuilder, reader: R, writer: W) -> Result<Self, Error>
    where
        R: Read + Send + 'static,
        W: Write + Send + 'static,
    {
        Self::run(
            builder,
            Box::new(reader),
            Box::new(Plain(writer)),
            None,
            Box::new(|| {}),
        )
    }

    /// Connects to a server that listens on a TCP address.
    ///
    /// # Errors
    /// [`Error::Io`] where nobody listens there, [`Error::Call`] where it cannot be talked to.
    pub fn tcp(address: impl ToSocketAddrs) -> Result<Self, Error> {
        Self::tcp_with(builder(), address)
    }

    /// [`tcp`](Self::tcp), as a client with these handlers and settings.
    ///
    /// # Errors
    /// As [`tcp`](Self::tcp).
    pub fn tcp_with(builder: ClientBuilder, address: impl ToSocketAddrs) -> Result<Self, Error> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let (reader, writer) = (stream.try_clone()?, stream.try_clone()?);
        // Fails where the peer was faster.
        let hang_up = move || drop(stream.shutdown(Shutdown::Both));
        Self::run(
            builder,
            Box::new(reader),
            outlet(writer),
            None,
            Box::new(hang_up),
        )
    }

    /// Connects to a server that listens on a Unix socket.
    ///
    /// # Errors
    /// [`Error::Io`] where nobody listens there, [`Error::Call`] where it cannot be talked to.
    #[cfg(unix)]
    pub fn unix(path: impl AsRef<std::path::Path>) -> Result<Self, Error> {
        Self::unix_with(builder(), path)
    }

    /// [`unix`](Self::unix), as a client with these handlers and settings.
    ///
    /// # Errors
    /// As [`unix`](Self::unix).
    #[cfg(unix)]
    pub fn unix_with(
        builder: ClientBuilder,
        path: impl AsRef<std::path::Path>,
    ) -> Result<Self, Error> {
        let stream = std::os::unix::net::UnixStream::connect(path)?;
        let (reader, writer) = (stream.try_clone()?, stream.try_clone()?);
        // Fails where the peer was faster.
        let hang_up = move || drop(stream.shutdown(Shutdown::Both));
        Self::run(
            builder,
            Box::new(reader),
            outlet(writer),
            None,
            Box::new(hang_up),
        )
    }

    fn run(
        builder: ClientBuilder,
        reader: Box<dyn Read + Send>,
        writer: Box<dyn Outlet>,
        process: Option<child::Server>,
        hang_up: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Self, Error> {
        let (driver, caller) = stream::start(builder, reader, writer)?;
        let close = move || {
            stream::close(&driver);
            // Ends a socket's other direction too, which dropping our writer does not.
            hang_up();
        };
        Self::over(caller, Box::new(close), process)
    }

    /// A client of the connection that `close` ends.
    fn over(
        caller: Caller,
        close: Box<dyn Fn() + Send + Sync>,
        process: Option<child::Server>,
    ) -> Result<Self, Error> {
        // Made first: whatever goes wrong from here on ends the connection and the process.
        let connection = Arc::new(Connection {
            close,
            process: Mutex::new(process),
        });
        let server = caller.ready().wait()?;
        Ok(Self {
            caller,
            server,
            connection,
        })
    }

    client_methods!(blocking, Error, TaskHandle);

    /// Ends the connection, for all handles on it; a child process is gone then. Gives that one's
    /// exit status, if there was one.
    #[allow(clippy::must_use_candidate)]
    pub fn close(self) -> Option<ExitStatus> {
        self.connection.end()
    }

    /// The end of what the child process wrote to standard error so far, at most 64 KiB.
    #[must_use]
    pub fn stderr(&self) -> String {
        let process = self
            .connection
            .process
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        process
            .as_ref()
            .map(child::Server::stderr)
            .unwrap_or_default()
    }
}

#[cfg(unix)]
fn outlet(socket: impl std::os::fd::AsFd + Send + 'static) -> Box<dyn Outlet> {
    Box::new(sockets::Socket(socket))
}

#[cfg(not(unix))]
fn outlet(socket: impl Write + Send + 'static) -> Box<dyn Outlet> {
    Box::new(Plain(socket))
}

fn builder() -> ClientBuilder {
    ClientBuilder::named_after(&std::env::args().next().unwrap_or_default())
}
