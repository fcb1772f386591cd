//! Two connected ends in memory, for tests of servers and clients without a process or a socket.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

/// Bytes that fit between the two ends before a writer has to wait: as a pipe's.
const CAPACITY: usize = 64 * 1024;

/// Two ends: what is written to one is read from the other.
///
/// ```
/// use std::io::{Read, Write};
///
/// let (mut client, mut server) = bind_blocking::memory_pair();
/// client.1.write_all(b"hello")?;
/// drop(client);
/// let mut text = String::new();
/// server.0.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn memory_pair() -> ((PipeReader, PipeWriter), (PipeReader, PipeWriter)) {
    let (here, there) = (pipe(), pipe());
    ((here.0, there.1), (there.0, here.1))
}

fn pipe() -> (PipeReader, PipeWriter) {
    let pipe = Arc::new(Pipe::default());
    (PipeReader(Arc::clone(&pipe)), PipeWriter(pipe))
}

#[derive(Debug, Default)]
struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    // One of the ends is gone.
    closed: bool,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

/// The reading side of one direction; ends when the writer is dropped.
#[derive(Debug)]
pub struct PipeReader(Arc<Pipe>);

/// The writing side of one direction; fails once the reader is dropped.
#[derive(Debug)]
pub struct PipeWriter(Arc<Pipe>);

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.0.lock();
        let waiting = |state: &mut State| state.bytes.is_empty() && !state.closed;
        let mut state = self
            .0
            .changed
            .wait_while(state, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        let read = state.bytes.read(buffer)?;
        self.0.changed.notify_all();
        Ok(read)
    }
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let state = self.0.lock();
        let full = |state: &mut State| state.bytes.len() >= CAPACITY && !state.closed;
        let mut state = self
            .0
            .changed
            .wait_while(state, full)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let fits = bytes.len().min(CAPACITY - state.bytes.len());
        state.bytes.extend(&bytes[..fits]);
        self.0.changed.notify_all();
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.0.close();
    }
}
