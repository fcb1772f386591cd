//! Standard input and output as streams of the runtime.
//!
//! Whether reads block is a property of the open file description, which the process that started
//! us may share: switching it would break that process. So it is left alone.
//! - A pipe is opened once more through `/proc`, which makes a description of our own.
//! - A socket (Node.js connects its children by sockets) is told with each call not to block.
//! - A file or terminal, or a pipe where there is no `/proc`, is read by a thread of its own and
//!   written by tokio's blocking pool, which is only held while a write is under way.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustix::{
    fs::FileType,
    net::{RecvFlags, SendFlags},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::unix::pipe,
};

use super::super::thread_reader::ThreadReader;

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
    let kind = kind(fd)?;
    if kind == FileType::Fifo && HAS_PROC {
        if let Ok(pipe) = pipe::OpenOptions::new().open_receiver("/proc/self/fd/0") {
            return Ok(Box::new(pipe));
        }
    }
    let fd = fd.try_clone_to_owned()?;
    if kind == FileType::Socket {
        return Ok(Box::new(SocketReader(
            pipe::Receiver::from_owned_fd_unchecked(fd)?,
        )));
    }
    Ok(Box::new(ThreadReader::start(File::from(fd))?))
}

fn writer(fd: BorrowedFd<'_>) -> io::Result<Writer> {
    let kind = kind(fd)?;
    if kind == FileType::Fifo && HAS_PROC {
        if let Ok(pipe) = pipe::OpenOptions::new().open_sender("/proc/self/fd/1") {
            return Ok(Box::new(pipe));
        }
    }
    let fd = fd.try_clone_to_owned()?;
    if kind == FileType::Socket {
        return Ok(Box::new(SocketWriter(
            pipe::Sender::from_owned_fd_unchecked(fd)?,
        )));
    }
    Ok(Box::new(tokio::fs::File::from_std(File::from(fd))))
}

// Elsewhere such paths, if any, stand for the same description.
const HAS_PROC: bool = cfg!(any(target_os = "linux", target_os = "android"));

fn kind(fd: BorrowedFd<'_>) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode))
}

/// A socket that may be in blocking mode. To the runtime it is a pipe: a descriptor to wait for.
struct SocketReader(pipe::Receiver);

impl AsyncRead for SocketReader {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let space = buffer.initialize_unfilled();
        loop {
            ready!(self.0.poll_read_ready(context))?;
            let mut read = None;
            let result = self.0.try_io(|| {
                let (count, _) = rustix::net::recv(&self.0, &mut *space, RecvFlags::DONTWAIT)?;
                read = Some(count);
                // That was all there is: the next read waits for the system to tell of more.
                if 0 < count && count < space.len() {
                    Err(io::ErrorKind::WouldBlock.into())
                } else {
                    Ok(())
                }
            });
            match (read, result) {
                (Some(count), _) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                (None, Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                (None, result) => return Poll::Ready(result),
            }
        }
    }
}

/// As [`SocketReader`], for the other direction.
struct SocketWriter(pipe::Sender);

impl AsyncWrite for SocketWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(context))?;
            match self
                .0
                .try_io(|| Ok(rustix::net::send(&self.0, bytes, SEND_FLAGS)?))
            {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Closed when dropped, as far as we have a say: others may hold it as well.
        Poll::Ready(Ok(()))
    }
}
