//! What differs between the executors: how a task is started.

use std::{fmt, future::Future, pin::Pin};

/// A task, ready to be started.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An executor. Sockets, timers and child processes work on all of them, since
/// [`async_io`](https://docs.rs/async-io) brings its own reactor: to use one that has no module
/// here, implement this for a type of your own and name it, as in `Listener<Mine>`.
pub trait Runtime: fmt::Debug + Send + Sync + 'static {
    /// Starts a task that runs to its end by itself.
    fn spawn(task: Task);
}

/// smol's global executor.
#[cfg(feature = "smol")]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Smol;

#[cfg(feature = "smol")]
impl Runtime for Smol {
    fn spawn(task: Task) {
        ::smol::spawn(task).detach();
    }
}

/// async-std's global executor.
#[cfg(feature = "async-std")]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AsyncStd;

#[cfg(feature = "async-std")]
impl Runtime for AsyncStd {
    fn spawn(task: Task) {
        drop(::async_std::task::spawn(task));
    }
}
