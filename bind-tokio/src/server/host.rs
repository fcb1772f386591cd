//! What tasks need, whose calls outlive their connections: the runtime, the time of day, entropy.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::task::AbortHandle;

use mcp_server_core::{Detached, Host, IntoServer, Server};

use crate::Error;

/// The server, hosted by the runtime that it is served on.
pub(super) fn hosted(server: impl IntoServer) -> Result<Server, Error> {
    Ok(server
        .into_server()?
        .hosted_by(Arc::new(Runtime::default())))
}

#[derive(Debug, Default)]
struct Runtime {
    later: Mutex<Option<AbortHandle>>,
}

async fn run_to_end(run: Detached) {
    match run {
        // It goes on when this is dropped.
        Detached::Blocking(run) => drop(tokio::task::spawn_blocking(run)),
        Detached::Future(future) => future.await,
        _ => {}
    }
}

impl Host for Runtime {
    // Called by handlers only, and by what was spawned here: on the runtime, or on threads that have
    // entered it.
    fn spawn(&self, run: Detached) {
        match run {
            Detached::Blocking(run) => crate::threads::run(run),
            Detached::Future(future) => drop(tokio::spawn(future)),
            _ => {}
        }
    }

    fn run_after(&self, wait: Duration, run: Detached) {
        let waiting = tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            run_to_end(run).await;
        });
        let mut later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(replaced) = later.replace(waiting.abort_handle()) {
            replaced.abort();
        }
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
