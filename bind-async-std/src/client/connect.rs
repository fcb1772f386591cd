//! Handles on a connection to a server.

use std::{
    fmt,
    future::{Future, poll_fn},
    marker::PhantomData,
    process::{Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use async_net::{AsyncToSocketAddrs, TcpStream};
use futures_io::{AsyncRead, AsyncWrite};
use mcp_client_core::{
    Caller, ClientBuilder, ServerDetails, StreamDesk, Task, client_methods, task_handle,
};

use super::child::{Process, Stderr};
use crate::{Error, Runtime, clock::Clock, driver::Driver};

/// A connection to a server. Cheap to clone; all clones share it, and any number of tasks may call
/// at once. It ends when the last of them is dropped.
///
/// A call that is dropped before it has ended, by `select!` or a timeout, is cancelled at the
/// server. All calls that are open when the server goes away fail at once.
///
/// ```no_run
/// # #[cfg(feature = "smol")]
/// # fn main() -> Result<(), bind_async_std::Error> {
/// use bind_async_std::{json, smol::prelude::*};
/// use std::process::Command;
///
/// smol::block_on(async {
///     let client = Client::spawn(Command::new("calculator")).await?;
///     let sum: f64 = client.call_tool("add", json!({"a": 1, "b": 2})).await?.structured()?;
///     println!("{sum}");
///     Ok(())
/// })
/// # }
/// # #[cfg(not(feature = "smol"))] fn main() {}
/// ```
pub struct Client<R> {
    caller: Caller,
    server: Arc<ServerDetails>,
    connection: Arc<Shared>,
    runtime: PhantomData<fn() -> R>,
}

task_handle!(async, Error, Client<R>, [<R: Runtime>], [<R>]);

impl<R> Clone for Client<R> {
    fn clone(&self) -> Self {
        Self {
            caller: self.caller.clone(),
            server: Arc::clone(&self.server),
            connection: Arc::clone(&self.connection),
            runtime: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Client<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// What all handles of a connection have in common.
#[derive(Debug)]
struct Shared {
    caller: Caller,
    stderr: Stderr,
    end: Arc<Mutex<End>>,
}

/// How a connection's task has ended.
#[derive(Debug, Default)]
struct End {
    ended: bool,
    status: Option<ExitStatus>,
    waiting: Vec<Waker>,
}

/// The duty to tell of the end, which a task has however it ends.
struct TellEnd(Arc<Mutex<End>>);

impl Drop for TellEnd {
    fn drop(&mut self) {
        let waiting = {
            let mut end = lock(&self.0);
            end.ended = true;
            std::mem::take(&mut end.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

fn lock(end: &Mutex<End>) -> MutexGuard<'_, End> {
    // Consistent even after a panic: nothing here stops half-way.
    end.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.caller.close();
    }
}

impl<T: Runtime> Client<T> {
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
        command: &mut async_process::Command,
    ) -> Result<Self, Error> {
        let (process, stderr, input, output) = Process::spawn::<T>(command)?;
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
    pub async fn tcp(address: impl AsyncToSocketAddrs) -> Result<Self, Error> {
        Self::tcp_with(builder(), address).await
    }

    /// [`tcp`](Self::tcp), as a client with these handlers and settings.
    ///
    /// # Errors
    /// As [`tcp`](Self::tcp).
    pub async fn tcp_with(
        builder: ClientBuilder,
        address: impl AsyncToSocketAddrs,
    ) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Self::connect_with(builder, stream.clone(), stream).await
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
        let stream = async_net::unix::UnixStream::connect(path).await?;
        Self::connect_with(builder, stream.clone(), stream).await
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
        let driver = Driver::new(desk, clock, reader, writer, answer::<T>);
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
        let end = Arc::new(Mutex::new(End::default()));
        let tell_end = TellEnd(Arc::clone(&end));
        T::spawn(Box::pin(async move {
            let status = drive.await;
            lock(&tell_end.0).status = status;
        }));
        let connection = Arc::new(Shared {
            caller: caller.clone(),
            stderr,
            end,
        });
        let server = caller.ready().await?;
        Ok(Self {
            caller,
            server,
            connection,
            runtime: PhantomData,
        })
    }

    client_methods!(async, Error, TaskHandle<T>);

    /// Ends the connection, for all handles on it, and waits until it has ended; a child process
    /// is gone then. Gives that one's exit status, if there was one.
    pub async fn close(self) -> Option<ExitStatus> {
        self.caller.close();
        poll_fn(|context| {
            let mut end = lock(&self.connection.end);
            if end.ended {
                return Poll::Ready(end.status);
            }
            if !end
                .waiting
                .iter()
                .any(|waker| waker.will_wake(context.waker()))
            {
                end.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
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
pub(super) fn answer<R: Runtime>(task: Task) {
    match task {
        Task::Async(task) => R::spawn(Box::pin(task)),
        task => blocking::unblock(|| task.run()).detach(),
    }
}
