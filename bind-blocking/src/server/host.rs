//! What tasks need, whose calls outlive their connections: threads, the time of day, entropy.

use std::{
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use mcp_server_core::{CancelToken, Detached, Host, IntoServer, Server};

use super::block_on::block_on;
use crate::Error;

/// The server, hosted by plain threads.
pub(super) fn hosted(server: impl IntoServer) -> Result<Server, Error> {
    Ok(server.into_server()?.hosted_by(Arc::new(Threads)))
}

#[derive(Debug)]
struct Threads;

impl Host for Threads {
    fn spawn(&self, run: Detached) {
        let run: Box<dyn FnOnce() + Send> = match run {
            Detached::Blocking(run) => run,
            Detached::Future(future) => Box::new(move || {
                // The future looks itself whether it is still wanted.
                block_on(future, &CancelToken::new());
            }),
            _ => return,
        };
        // Where there is no thread to be had it is dropped, and thereby answered for.
        let _ = thread::Builder::new().name("mcp-task".into()).spawn(run);
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
