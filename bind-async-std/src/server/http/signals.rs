//! The end that comes from outside: SIGINT and SIGTERM.

use std::{
    io,
    task::{Context, Poll},
};

/// Both signals, taken from the process for as long as this lives.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct Signals {
    reader: async_io::Async<std::os::unix::net::UnixStream>,
    ids: Vec<signal_hook::SigId>,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn register() -> io::Result<Self> {
        use signal_hook::{
            consts::{SIGINT, SIGTERM},
            low_level::pipe,
        };

        let (reader, writer) = std::os::unix::net::UnixStream::pair()?;
        let mut signals = Self {
            reader: async_io::Async::new(reader)?,
            ids: Vec::new(),
        };
        for signal in [SIGINT, SIGTERM] {
            signals
                .ids
                .push(pipe::register(signal, writer.try_clone()?)?);
        }
        Ok(signals)
    }

    /// Ready when one has come, once for each.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        use std::io::Read;

        loop {
            match self.reader.get_ref().read(&mut [0]) {
                Ok(1) => return Poll::Ready(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Nothing else can come of it.
                _ => return Poll::Pending,
            }
            if self.reader.poll_readable(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(unix)]
impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

/// There are none to take.
#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn register() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
