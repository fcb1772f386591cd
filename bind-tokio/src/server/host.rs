//! What tasks need, whose calls outlive their connections: the runtime, the time of day, entropy.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use mcp_server_core::{Detached, Host, IntoServer, Server};

use crate::Error;

/// The server, hosted by the runtime that it is served on.
pub(super) fn hosted(server: impl IntoServer) -> Result<Server, Error> {
    Ok(server.into_server()?.hosted_by(Arc::new(Runtime)))
}

#[derive(Debug)]
struct Runtime;

impl Host for Runtime {
    // Called by handlers only, and by what was spawned here: on the runtime or its blocking pool.
    fn spawn(&self, run: Detached) {
        match run {
            Detached::Blocking(run) => drop(tokio::task::spawn_blocking(run)),
            Detached::Future(future) => drop(tokio::spawn(future)),
            _ => {}
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
