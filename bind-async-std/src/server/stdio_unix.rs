//! Standard input and output as streams of the reactor.
//!
//! Whether reads block is a property of the open file description, which the process that started
//! us may share: switching it would break that process. So it is left alone.
//! - A pipe is opened once more through `/proc`, which makes a description of our own.
//! - A socket (Node.js connects its children by sockets) is told with each call not to block.
//! - A file or terminal, or a pipe where there is no `/proc`, is read and written by threads.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    pin::Pin,
    task::{Context, Poll, ready},
};

use async_io::Async;
use blocking::Unblock;
use futures_io::{AsyncRead, AsyncWrite};
use rustix::{
    fs::{FileType, OFlags},
    net::{RecvFlags, SendFlags},
};

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

// There the standard library keeps a socket's signal away, if anybody does.
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: SendFlags = SendFlags::DONTWAIT;
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

/// Takes standard input and output away from everybody else in the process.
pub(super) fn take() -> io::Result<(Reader, Writer)> {
    let streams = (reader(io::stdin().as_fd())?, writer(io::stdout().as_fd())?);
    rustix::stdio::dup2_stdout(io::stderr().as_fd())?;
    if let Ok(nothing) = File::open("/dev/null") {
        rustix::stdio::dup2_stdin(nothing)?;
    }
    Ok(streams)
}

fn reader(fd: BorrowedFd<'_>) -> io::Result<Reader> {
    Ok(
        match channel(fd, "/proc/self/fd/0", OpenOptions::new().read(true))? {
            Ok(channel) => Box::new(channel),
            Err(file) => Box::new(Unblock::with_capacity(64 * 1024, file)),
        },
    )
}

fn writer(fd: BorrowedFd<'_>) -> io::Result<Writer> {
    Ok(
        match channel(fd, "/proc/self/fd/1", OpenOptions::new().write(true))? {
            Ok(channel) => Box::new(channel),
            Err(file) => Box::new(Unblock::with_capacity(64 * 1024, file)),
        },
    )
}

// Elsewhere such paths, if any, stand for the same description.
const HAS_PROC: bool = cfg!(any(target_os = "linux", target_os = "android"));

// What the reactor can wait for, or else a file.
fn channel(
    fd: BorrowedFd<'_>,
    path: &str,
    options: &mut OpenOptions,
) -> io::Result<Result<Channel, File>> {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let kind = match FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode) {
        FileType::Fifo if HAS_PROC => match options.custom_flags(nonblocking).open(path) {
            Ok(pipe) => Kind::Pipe(Async::new_nonblocking(pipe)?),
            // Another user's.
            Err(_) => return Ok(Err(fd.try_clone_to_owned()?.into())),
        },
        FileType::Socket => Kind::Socket(Async::new_nonblocking(fd.try_clone_to_owned()?)?),
        _ => return Ok(Err(fd.try_clone_to_owned()?.into())),
    };
    Ok(Ok(Channel {
        kind,
        drained: false,
    }))
}

/// One direction of a pipe or socket.
struct Channel {
    kind: Kind,
    // The last read took all there was: the next one waits for the system to tell of more.
    drained: bool,
}

enum Kind {
    Pipe(Async<File>),
    /// Possibly in blocking mode.
    Socket(Async<OwnedFd>),
}

impl Kind {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Pipe(pipe) => pipe.get_ref().read(buffer),
            Self::Socket(socket) => {
                Ok(rustix::net::recv(socket.get_ref(), buffer, RecvFlags::DONTWAIT)?.0)
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Pipe(pipe) => pipe.get_ref().write(bytes),
            Self::Socket(socket) => Ok(rustix::net::send(socket.get_ref(), bytes, SEND_FLAGS)?),
        }
    }

    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Pipe(pipe) => pipe.poll_readable(context),
            Self::Socket(socket) => socket.poll_readable(context),
        }
    }

    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Pipe(pipe) => pipe.poll_writable(context),
            Self::Socket(socket) => socket.poll_writable(context),
        }
    }
}

impl AsyncRead for Channel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.drained {
                ready!(self.kind.poll_readable(context))?;
            }
            match self.kind.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.drained = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    self.drained = read.as_ref().is_ok_and(|count| *count < buffer.len());
                    return Poll::Ready(read);
                }
            }
        }
    }
}

impl AsyncWrite for Channel {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.kind.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.kind.poll_writable(context))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Closed when dropped, as far as we have a say: others may hold it as well.
        Poll::Ready(Ok(()))
    }
}
