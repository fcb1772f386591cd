//! This process's own standard input and output.

use std::{
    fs::File,
    io::{self, Read, Write},
};

use mcp_server_core::{IntoServer, Shutdown};

use super::{driver::serve_boxed, host::hosted};
use crate::Error;

/// Serves the client that started this process, over standard input and output, until it closes
/// our input.
///
/// Only protocol messages may appear on standard output. On Unix they are safe from everything
/// else in the process: for the rest of its life, whatever `println!` or a C library writes to
/// standard output goes to standard error instead, which hosts show or log, and whatever reads
/// standard input finds it empty. Elsewhere such output reaches the client, which skips lines that
/// are no messages.
///
/// The process ends on SIGTERM and SIGINT as any other does, also while a read is pending: no
/// handler is installed.
///
/// # Errors
/// [`Error::Build`] where the server cannot be built, [`Error::Io`] where standard input cannot be
/// read.
///
/// ```no_run
/// use bind_blocking::prelude::*;
///
/// fn main() -> Result<(), Error> {
///     serve_stdio(server!().instructions("Ask me anything."))
/// }
/// ```
pub fn serve_stdio(server: impl IntoServer) -> Result<(), Error> {
    let server = hosted(server)?;
    let (reader, writer) = take_stdio()?;
    serve_boxed(&server, reader, writer, None)
}

/// [`serve_stdio`], until `shutdown` as well: the input ends then, and what was asked before is
/// answered. For a process that has more to do than to serve.
///
/// # Errors
/// As [`serve_stdio`].
pub fn serve_stdio_until(server: impl IntoServer, shutdown: &Shutdown) -> Result<(), Error> {
    let server = hosted(server)?;
    let (reader, writer) = take_stdio()?;
    serve_boxed(&server, reader, writer, Some(shutdown))
}

type Stdio = (Box<dyn Read + Send>, Box<dyn Write + Send>);

// Unbuffered, since both machines buffer as they need.
#[cfg(unix)]
fn take_stdio() -> io::Result<Stdio> {
    use std::os::fd::AsFd;

    let reader = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let writer = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    // A child that a handler starts with our standard input would eat messages.
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr().as_fd())?;
    Ok((Box::new(reader), Box::new(writer)))
}

#[cfg(windows)]
fn take_stdio() -> io::Result<Stdio> {
    use std::os::windows::io::AsHandle;

    let reader = File::from(io::stdin().as_handle().try_clone_to_owned()?);
    let writer = File::from(io::stdout().as_handle().try_clone_to_owned()?);
    Ok((Box::new(reader), Box::new(writer)))
}

#[cfg(not(any(unix, windows)))]
fn take_stdio() -> io::Result<Stdio> {
    Ok((Box::new(io::stdin()), Box::new(io::stdout())))
}
