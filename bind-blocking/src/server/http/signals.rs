//! The end that comes from outside: SIGINT and SIGTERM.

use std::io;

use mio::Registry;

/// Both signals, taken from the process for as long as this lives.
#[cfg(unix)]
pub(super) struct Signals {
    reader: mio::net::UnixStream,
    ids: Vec<signal_hook::SigId>,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn register(registry: &Registry) -> io::Result<Self> {
        use signal_hook::{
            consts::{SIGINT, SIGTERM},
            low_level::pipe,
        };

        let (reader, writer) = std::os::unix::net::UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let mut signals = Self {
            reader: mio::net::UnixStream::from_std(reader),
            ids: Vec::new(),
        };
        for signal in [SIGINT, SIGTERM] {
            signals
                .ids
                .push(pipe::register(signal, writer.try_clone()?)?);
        }
        registry.register(
            &mut signals.reader,
            super::poller::SIGNALS,
            mio::Interest::READABLE,
        )?;
        Ok(signals)
    }

    /// How many have come.
    pub(super) fn take(&mut self) -> usize {
        use std::io::Read;

        let (mut count, mut bytes) = (0, [0; 16]);
        while let Ok(read @ 1..) = self.reader.read(&mut bytes) {
            count += read;
        }
        count
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
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn register(_: &Registry) -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) fn take(&mut self) -> usize {
        0
    }
}
