//! One connection over any two streams.

use mcp_server_core::{CancelToken, Desk, IntoServer, Job, Server, Shutdown};
use tokio::io::{AsyncRead, AsyncWrite};

use super::host::hosted;
use crate::{Error, clock::Clock, driver::Driver, threads};

/// Serves one connection over a reader and a writer until the peer closes it.
///
/// The returned future drives everything: spawn it to serve in the background, drop it to end the
/// connection. Async handlers run inside of it, all at once and without a task of their own; one
/// that computes for long should rather be a plain `fn`, which runs on a thread of its own within
/// the runtime and holds up nobody, not even the end of the process. An async handler is dropped
/// when its call is cancelled, its time is up or the connection ends; a plain one finds its token
/// set.
///
/// The runtime's timers must be enabled, as `#[tokio::main]` does.
///
/// # Errors
/// [`Error::Build`] where the server cannot be built, and [`Error::Io`] where reading fails. A
/// writer that the peer has closed is the end of the connection and no error.
///
/// ```
/// use bind_tokio::{prelude::*, serve};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut ours, theirs) = tokio::io::duplex(1024);
/// let (reader, writer) = tokio::io::split(theirs);
/// let serving = tokio::spawn(serve(server!(), reader, writer));
///
/// ours.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n").await?;
/// ours.shutdown().await?;
/// let mut answer = String::new();
/// ours.read_to_string(&mut answer).await?;
/// assert_eq!(answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
/// serving.await??;
/// # Ok(())
/// # }
/// ```
pub async fn serve<R, W>(server: impl IntoServer, reader: R, writer: W) -> Result<(), Error>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let server = hosted(server)?;
    serve_built(&server, reader, writer, &CancelToken::new()).await
}

/// [`serve`], until `shutdown` as well: the input ends then, and what was asked before is answered.
///
/// ```
/// use bind_tokio::{Shutdown, memory_pair, prelude::*, serve_until};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let ((_reader, _writer), (reader, writer)) = memory_pair();
/// let shutdown = Shutdown::new();
/// let serving = tokio::spawn({
///     let shutdown = shutdown.clone();
///     async move { serve_until(server!(), reader, writer, &shutdown).await }
/// });
/// shutdown.shutdown();
/// serving.await.expect("it does not panic")
/// # }
/// ```
///
/// # Errors
/// As [`serve`].
pub async fn serve_until<R, W>(
    server: impl IntoServer,
    reader: R,
    writer: W,
    shutdown: &Shutdown,
) -> Result<(), Error>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let server = hosted(server)?;
    serve_built(&server, reader, writer, shutdown.token()).await
}

/// Until `end` is cancelled: what was asked before is answered.
pub(super) async fn serve_built<R, W>(
    server: &Server,
    reader: R,
    writer: W,
    end: &CancelToken,
) -> Result<(), Error>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let clock = Clock::start();
    let desk = Desk::new(server, clock.now()).until(end);
    let run = |job: Job| threads::run(|| job.run());
    Ok(Driver::new(desk, clock, reader, writer, run).run().await?)
}
