//! What tasks need, whose calls outlive their connections: threads, the time of day, entropy.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    time::{Duration, SystemTime},
};

use mcp_server_core::{Detached, Host, IntoServer, Server};

use crate::Error;

/// The server, hosted by the pool of blocking threads: any executor may serve it, and that one need
/// not outlive the connection.
pub(super) fn hosted(server: impl IntoServer) -> Result<Server, Error> {
    Ok(server.into_server()?.hosted_by(Arc::new(Pool::default())))
}

#[derive(Debug, Default)]
struct Pool {
    // What the thread waits for that runs something later: letting go of it ends the wait.
    later: Mutex<Option<Sender<Never>>>,
}

#[derive(Debug, PartialEq)]
enum Never {}

fn run_here(run: Detached) {
    match run {
        Detached::Blocking(run) => run(),
        Detached::Future(future) => async_io::block_on(future),
        _ => {}
    }
}

impl Host for Pool {
    fn spawn(&self, run: Detached) {
        blocking::unblock(move || run_here(run)).detach();
    }

    fn run_after(&self, wait: Duration, run: Detached) {
        let (held, replaced) = mpsc::channel();
        *self.later.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        blocking::unblock(move || {
            if replaced.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                run_here(run);
            }
        })
        .detach();
    }

    fn unix_time(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap_or_default()
    }

    fn random(&self) -> Option<[u8; 16]> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok().map(|()| bytes)
    }
}
