//! One connection over any two streams.

use std::io::{Read, Write};

use mcp_server_core::{IntoServer, Shutdown};

use super::{driver::serve_boxed, host::hosted};
use crate::Error;

/// Serves one connection over a reader and a writer until the peer closes it.
///
/// Handlers run concurrently, on as many threads as there are calls that take their time, up to
/// [`Limits::calls_in_flight`](mcp_proto::limits::Limits::calls_in_flight). The calling thread only
/// supervises and returns when the peer has closed its side and everything that it asked was
/// answered.
///
/// # Errors
/// [`Error::Build`] where the server cannot be built, and [`Error::Io`] where reading fails. A
/// writer that the peer has closed is the end of the connection and no error.
///
/// ```
/// use bind_blocking::{prelude::*, serve};
///
/// let request = br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":
///     {"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
/// let one_line: Vec<u8> = request.iter().copied().filter(|byte| *byte != b'\n').collect();
/// let (reader, writer) = std::io::pipe()?;
/// serve(server!(), std::io::Cursor::new(one_line), writer)?;
/// assert!(std::io::read_to_string(reader)?.contains("\"protocolVersion\":\"2025-11-25\""));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn serve<R, W>(server: impl IntoServer, reader: R, writer: W) -> Result<(), Error>
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    let server = hosted(server)?;
    serve_boxed(&server, Box::new(reader), Box::new(writer), None)
}

/// [`serve`], until `shutdown` as well: the input ends then, and what was asked before is answered.
/// The reader, in which a thread may wait, is left to that thread.
///
/// ```
/// use bind_blocking::{Shutdown, memory_pair, prelude::*, serve_until};
///
/// let ((_reader, _writer), (reader, writer)) = memory_pair();
/// let shutdown = Shutdown::new();
/// std::thread::spawn({
///     let shutdown = shutdown.clone();
///     move || shutdown.shutdown()
/// });
/// serve_until(server!(), reader, writer, &shutdown)?;
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// As [`serve`].
pub fn serve_until<R, W>(
    server: impl IntoServer,
    reader: R,
    writer: W,
    shutdown: &Shutdown,
) -> Result<(), Error>
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    let server = hosted(server)?;
    serve_boxed(&server, Box::new(reader), Box::new(writer), Some(shutdown))
}
