//! This process's own standard input and output.

use mcp_server_core::{CancelToken, IntoServer, Shutdown};

use super::{host::hosted, serve::serve_built};
use crate::Error;

/// Serves the client that started this process, over standard input and output, until it closes
/// our input.
///
/// Only protocol messages may appear on standard output. On Unix they are safe from everything
/// else in the process: for the rest of its life, whatever `println!` or a C library writes to
/// standard output goes to standard error instead, which hosts show or log, and standard input is
/// empty, so that no child process can take the client's messages. Elsewhere such output reaches
/// the client, which skips lines that are no messages.
///
/// Pipes and sockets are read and written without a detour over other threads. A pending read keeps
/// neither the runtime nor the process alive, and the process ends on SIGTERM and SIGINT as any
/// other does: no handler is installed.
///
/// # Errors
/// [`Error::Build`] where the server cannot be built, [`Error::Io`] where standard input cannot be
/// read.
///
/// ```no_run
/// use bind_tokio::prelude::*;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Error> {
///     serve_stdio(server!().instructions("Ask me anything.")).await
/// }
/// ```
pub async fn serve_stdio(server: impl IntoServer) -> Result<(), Error> {
    let server = hosted(server)?;
    let (reader, writer) = streams::take()?;
    serve_built(&server, reader, writer, &CancelToken::new()).await
}

/// [`serve_stdio`], until `shutdown` as well: the input ends then, and what was asked before is
/// answered. For a process that has more to do than to serve.
///
/// # Errors
/// As [`serve_stdio`].
pub async fn serve_stdio_until(server: impl IntoServer, shutdown: &Shutdown) -> Result<(), Error> {
    let server = hosted(server)?;
    let (reader, writer) = streams::take()?;
    serve_built(&server, reader, writer, shutdown.token()).await
}

#[cfg(unix)]
#[path = "stdio_unix.rs"]
mod streams;

#[cfg(not(unix))]
mod streams {
    use std::io;

    use tokio::io::AsyncWrite;

    use crate::server::thread_reader::ThreadReader;

    pub(super) fn take() -> io::Result<(ThreadReader, impl AsyncWrite + Unpin)> {
        Ok((ThreadReader::start(io::stdin())?, tokio::io::stdout()))
    }
}
