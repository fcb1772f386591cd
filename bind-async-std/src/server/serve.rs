//! One connection over any two streams.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use futures_io::{AsyncRead, AsyncWrite};
use mcp_proto::time::Instant;
use mcp_server_core::{Closed, Desk, IntoServer, Server};

use crate::{
    Error,
    clock::Clock,
    driver::{Driver, Machine},
};

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
    let server = server.into_server()?;
    serve_built(&server, reader, writer).await
}

pub(super) async fn serve_built<R, W>(server: &Server, reader: R, writer: W) -> Result<(), Error>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let clock = Clock::start();
    let patience = server.current().limits().outbound_stall;
    let connection = Connection {
        desk: Desk::new(server, clock.now()),
        patience,
    };
    Ok(Driver::new(connection, clock, reader, writer).run().await?)
}

struct Connection {
    desk: Desk,
    patience: Duration,
}

impl Machine for Connection {
    fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        self.desk.handle_bytes(bytes, now);
    }

    fn handle_eof(&mut self, now: Instant) {
        self.desk.handle_eof(now);
    }

    fn hang_up(&mut self, now: Instant) {
        self.desk.hang_up(now);
    }

    fn poll_work(&mut self, context: &mut Context<'_>, now: Instant) -> Poll<()> {
        let run = |job: mcp_server_core::Job| blocking::unblock(|| job.run()).detach();
        self.desk.poll_work(context, now, run).map(|closed| {
            if closed != Closed::Eof {
                self.patience = Duration::ZERO;
            }
        })
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.desk.poll_transmit(out)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.desk.poll_timeout()
    }

    fn wants_read(&self) -> bool {
        self.desk.wants_read()
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}
