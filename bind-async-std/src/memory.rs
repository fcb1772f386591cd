//! Two connected ends in memory, for tests of servers and clients without a process or a socket.

use piper::pipe;

/// Bytes that fit between the two ends before a writer has to wait: as a pipe's.
const CAPACITY: usize = 64 * 1024;

/// The reading side of one direction; ends when the writer is dropped.
pub type PipeReader = piper::Reader;
/// The writing side of one direction; fails once the reader is dropped.
pub type PipeWriter = piper::Writer;

/// Two ends: what is written to one is read from the other.
///
/// ```
/// use std::{future::poll_fn, pin::Pin, task::Poll};
///
/// use bind_async_std::{prelude::*, memory_pair};
/// use futures_io::{AsyncRead, AsyncWrite};
///
/// # async_io::block_on(async {
/// let (mut client, mut server) = memory_pair();
/// let written = poll_fn(|cx| Pin::new(&mut client.1).poll_write(cx, b"hello")).await?;
/// let mut text = [0; 16];
/// let read = poll_fn(|cx| Pin::new(&mut server.0).poll_read(cx, &mut text)).await?;
/// assert_eq!(text[..read], b"hello"[..written]);
/// # std::io::Result::Ok(())
/// # })?;
/// # std::io::Result::Ok(())
/// ```
#[must_use]
pub fn memory_pair() -> ((PipeReader, PipeWriter), (PipeReader, PipeWriter)) {
    let ((near_reader, far_writer), (far_reader, near_writer)) = (pipe(CAPACITY), pipe(CAPACITY));
    ((near_reader, near_writer), (far_reader, far_writer))
}
