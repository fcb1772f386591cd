//! What tasks need, whose calls outlive their connections: threads, the time of day, entropy.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, SystemTime},
};

use mcp_server_core::{CancelToken, Detached, Host, IntoServer, Server};

use super::{block_on::block_on, entropy};
use crate::Error;

/// The server, hosted by plain threads.
pub(super) fn hosted(server: impl IntoServer) -> Result<Server, Error> {
    Ok(server
        .into_server()?
        .hosted_by(Arc::new(Threads::default())))
}

#[derive(Debug, Default)]
struct Threads {
    // What the thread waits for that runs something later: letting go of it ends the thread.
    later: Mutex<Option<Sender<Never>>>,
}

#[derive(Debug, PartialEq)]
enum Never {}

fn to_run(run: Detached) -> Box<dyn FnOnce() + Send> {
    match run {
        Detached::Blocking(run) => run,
        // The future looks itself whether it is still wanted.
        Detached::Future(future) => Box::new(move || {
            block_on(future, &CancelToken::new());
        }),
        _ => Box::new(|| {}),
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) {
    // Where there is no thread to be had it is dropped, and thereby answered for.
    let _ = thread::Builder::new().name(name.into()).spawn(run);
}

impl Host for Threads {
    fn spawn(&self, run: Detached) {
        spawn("mcp-task", to_run(run));
    }

    fn run_after(&self, wait: Duration, run: Detached) {
        let (held, replaced) = mpsc::channel();
        *self.later.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        spawn("mcp-later", move || {
            if replaced.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                to_run(run)();
            }
        });
    }

    fn unix_time(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap_or_default()
    }

    fn random(&self) -> Option<[u8; 16]> {
        let mut bytes = [0; 16];
        entropy::fill(&mut bytes).then_some(bytes)
    }
}
