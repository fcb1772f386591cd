//! Handles on a connection to a server.

use std::{
    future::Future,
    process::{Command, ExitStatus},
    sync::Arc,
};

use mcp_client_core::{
    Caller, ClientBuilder, ServerDetails, StreamDesk, Task, client_methods, task_handle,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, ToSocketAddrs},
    sync::watch,
};

use super::child::{Process, Stderr};
use crate::{Error, clock::Clock, driver::Driver, threads};

/// A connection to a server. Cheap to clone; all clones share it, and any number of tasks may call
/// at once. It ends when the last of them is dropped.
///
/// A call that is dropped before it has ended, by `select!` or a timeout, is cancelled at the
/// server. All calls that are open when the server goes away fail at once.
///
/// ```no_run
/// use bind_tokio::{json, prelude::*};
/// use std::process::Command;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let client = Client::spawn(Command::new("calculator")).await?;
/// let sum: f64 = client.call_tool("add", json!({"a": 1, "b": 2})).await?.structured()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    caller: Caller,
    server: Arc<ServerDetails>,
    connection: Arc<Shared>,
}

/// What all handles of a connection have in common.
#[derive(Debug)]
struct Shared {
    caller: Caller,
    stderr: Stderr,
    ended: watch::Receiver<Option<End>>,
}

/// How a connection's task has ended.
#[derive(Debug, Clone, Copy)]
struct End {
    status: Option<ExitStatus>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.caller.close();
    }
}

task_handle!(async, Error, Client, [], []);

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
    pub async fn spawn(command: Command) -> Result<Self, Error> {
        Self::spawn_with(builder(), command).await
    }

    /// [`spawn`](Self::spawn), as a client with these handlers and settings.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub async fn spawn_with(builder: ClientBuilder, command: Command) -> Result<Self, Error> {
        let mut command = Process::prepare(command);
        let first = Self::start(builder.clone(), &mut command).await;
        let older = match &first {
            Err(Error::Call(error)) => builder.fallback(error),
            _ => None,
        };
        match older {
            Some(builder) => Self::start(builder, &mut command).await,
            None => first,
        }
    }

    async fn start(
        builder: ClientBuilder,
        command: &mut tokio::process::Command,
    ) -> Result<Self, Error> {
        let (process, stderr, input, output) = Process::spawn(command)?;
        Self::run(builder, output, input, stderr, Some(process)).await
    }

    /// Connects over a reader and a writer.
    ///
    /// # Errors
    /// [`Error::Call`] where the server cannot be talked to.
    pub async fn connect<R, W>(reader: R, writer: W) -> Result<Self, Error>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        Self::connect_with(builder(), reader, writer).await
    }

    /// [`connect`](Self::connect), as a client with these handlers and settings.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with<R, W>(
        builder: ClientBuilder,
        reader: R,
        writer: W,
    ) -> Result<Self, Error>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        Self::run(builder, reader, writer, Stderr::default(), None).await
    }

    /// Connects to a server that listens on a TCP address.
    ///
    /// # Errors
    /// [`Error::Io`] where nobody listens there, [`Error::Call`] where it cannot be talked to.
    pub async fn tcp(address: impl ToSocketAddrs) -> Result<Self, Error> {
        Self::tcp_with(builder(), address).await
    }

    /// [`tcp`](Self::tcp), as a client with these handlers and settings.
    ///
    /// # Errors
    /// As [`tcp`](Self::tcp).
    pub async fn tcp_with(
        builder: ClientBuilder,
        address: impl ToSocketAddrs,
    ) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Self::connect_with(builder, reader, writer).await
    }

    /// Connects to a server that listens on a Unix socket.
    ///
    /// # Errors
    /// [`Error::Io`] where nobody listens there, [`Error::Call`] where it cannot be talked to.
    #[cfg(unix)]
    pub async fn unix(path: impl AsRef<std::path::Path>) -> Result<Self, Error> {
        Self::unix_with(builder(), path).await
    }

    /// [`unix`](Self::unix), as a client with these handlers and settings.
    ///
    /// # Errors
    /// As [`unix`](Self::unix).
    #[cfg(unix)]
    pub async fn unix_with(
        builder: ClientBuilder,
        path: impl AsRef<std::path::Path>,
    ) -> Result<Self, Error> {
        let (reader, writer) = tokio::net::UnixStream::connect(path).await?.into_split();
        Self::connect_with(builder, reader, writer).await
    }

    async fn run<R, W>(
        builder: ClientBuilder,
        reader: R,
        writer: W,
        stderr: Stderr,
        process: Option<Process>,
    ) -> Result<Self, Error>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let clock = Clock::start();
        let (desk, caller) = StreamDesk::new(builder, clock.now());
        let driver = Driver::new(desk, clock, reader, writer, answer);
        let driving = caller.clone();
        // How it ends, the calls that it has failed tell; nobody else waits for it.
        let drive = async move {
            match process {
                Some(mut process) => {
                    let _ = driving.drive(driver.run(), process.gone()).await;
                    process.end().await.ok()
                }
                None => driver.run().await.err().and(None),
            }
        };
        Self::over(caller, stderr, drive).await
    }

    /// A client of the connection that `drive` drives to its end.
    pub(super) async fn over(
        caller: Caller,
        stderr: Stderr,
        drive: impl Future<Output = Option<ExitStatus>> + Send + 'static,
    ) -> Result<Self, Error> {
        let (tell_end, ended) = watch::channel(None);
        tokio::spawn(async move {
            let status = drive.await;
            tell_end.send_replace(Some(End { status }));
        });
        let connection = Arc::new(Shared {
            caller: caller.clone(),
            stderr,
            ended,
        });
        let server = caller.ready().await?;
        Ok(Self {
            caller,
            server,
            connection,
        })
    }

    client_methods!(async, Error, TaskHandle);

    /// Ends the connection, for all handles on it, and waits until it has ended; a child process
    /// is gone then. Gives that one's exit status, if there was one.
    pub async fn close(self) -> Option<ExitStatus> {
        self.caller.close();
        let mut ended = self.connection.ended.clone();
        // Fails where the runtime has dropped the task: then there is nothing to tell.
        let end = ended
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|end| *end);
        end.and_then(|end| end.status)
    }

    /// The end of what the child process wrote to standard error so far, at most 64 KiB.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.connection.stderr.text()
    }
}

pub(super) fn builder() -> ClientBuilder {
    ClientBuilder::named_after(&std::env::args().next().unwrap_or_default())
}

/// Runs what answers a question of the server.
pub(super) fn answer(task: Task) {
    match task {
        Task::Async(task) => drop(tokio::spawn(task)),
        task => threads::run(|| task.run()),
    }
}
