//! One connection over any two streams.

use futures_io::{AsyncRead, AsyncWrite};
use mcp_server_core::{CancelToken, Desk, IntoServer, Job, Server, Shutdown};

use super::host::hosted;
use crate::{Error, clock::Clock, driver::Driver};

/// Serves one connection over a reader and a writer until the peer closes it.
///
/// The returned future drives everything: spawn it to serve in the background, drop it to end the
/// connection. Async handlers run inside of it, all at once and without a task of their own; one
/// that computes for long should rather be a plain `fn`, which runs on a thread of the [`blocking`]
/// pool and holds up nobody. An async handler is dropped when its call is cancelled, its time is up
/// or the connection ends; a plain one finds its token set.
///
/// Any executor will do: nothing is spawned.
///
/// [`blocking`]: https://docs.rs/blocking
///
/// # Errors
/// [`Error::Build`] where the server cannot be built, and [`Error::Io`] where reading fails. A
/// writer that the peer has closed is the end of the connection and no error.
///
/// ```
/// use bind_async_std::{prelude::*, serve};
///
/// let request = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
/// let mut answer = Vec::new();
/// async_io::block_on(serve(server!(), &request[..], &mut answer))?;
/// assert_eq!(answer, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
/// # Ok::<(), Error>(())
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
/// use bind_async_std::{Shutdown, memory_pair, prelude::*, serve_until};
///
/// let ((_reader, _writer), (reader, writer)) = memory_pair();
/// let shutdown = Shutdown::new();
/// // By anybody, at any time.
/// shutdown.shutdown();
/// async_io::block_on(serve_until(server!(), reader, writer, &shutdown))?;
/// # Ok::<(), Error>(())
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
    let run = |job: Job| blocking::unblock(|| job.run()).detach();
    Ok(Driver::new(desk, clock, reader, writer, run).run().await?)
}
