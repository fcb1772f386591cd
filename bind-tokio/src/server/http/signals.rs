//! The end that comes from outside: SIGINT and SIGTERM.

use std::{
    io,
    task::{Context, Poll},
};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals, taken from the process.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct Signals([Signal; 2]);

#[cfg(unix)]
impl Signals {
    pub(super) fn register() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ]))
    }

    /// Ready when one has come, once for each.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let come = |signal: &mut Signal| signal.poll_recv(context).is_ready();
        if self.0.iter_mut().any(come) {
            Poll::Ready(())
        } else {
            Poll::Pending
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
