//! What tasks need, whose calls outlive their connections: threads, the time of day, entropy.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
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
    later: Arc<Later>,
}

/// What is to be run later: only the newest is, and nothing once its host is gone.
#[derive(Debug, Default)]
struct Later {
    newest: Mutex<u64>,
    replaced: Condvar,
}

impl Later {
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self) -> u64 {
        let mut newest = self.lock();
        *newest += 1;
        self.replaced.notify_all();
        *newest
    }

    /// Waits; whether nothing has replaced it meanwhile.
    fn stands_for(&self, number: u64, wait: Duration) -> bool {
        let waited = self
            .replaced
            .wait_timeout_while(self.lock(), wait, |newest| *newest == number);
        let (newest, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *newest == number
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.later.replace();
    }
}

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

fn spawn(name: &str, run: Box<dyn FnOnce() + Send>) {
    // Where there is no thread to be had it is dropped, and thereby answered for.
    let _ = thread::Builder::new().name(name.into()).spawn(run);
}

impl Host for Threads {
    fn spawn(&self, run: Detached) {
        spawn("mcp-task", to_run(run));
    }

    fn run_after(&self, wait: Duration, run: Detached) {
        let later = Arc::clone(&self.later);
        let number = later.replace();
        let run = move || {
            if later.stands_for(number, wait) {
                to_run(run)();
            }
        };
        spawn("mcp-later", Box::new(run));
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
