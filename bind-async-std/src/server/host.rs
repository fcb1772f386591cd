//! What tasks need, whose calls outlive their connections: threads, the time of day, entropy.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use mcp_server_core::{Detached, Host, IntoServer, Server};

use crate::Error;

/// The server, hosted by the pool of blocking threads: any executor may serve it, and that one need
/// not outlive the connection.
pub(super) fn hosted(server: impl IntoServer) -> Result<Server, Error> {
    Ok(server.into_server()?.hosted_by(Arc::new(Pool)))
}

#[derive(Debug)]
struct Pool;

impl Host for Pool {
    fn spawn(&self, run: Detached) {
        match run {
            Detached::Blocking(run) => blocking::unblock(run).detach(),
            Detached::Future(future) => {
                blocking::unblock(move || async_io::block_on(future)).detach();
            }
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
