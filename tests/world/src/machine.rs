//! A client on either transport.

use mcp_client_core::{Client, Event, Session, http::HttpClient};
use mcp_proto::time::Instant;

/// A client on either transport.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there are two of them")]
pub(crate) enum Machine {
    Stream(Client),
    Http(HttpClient),
}

impl Machine {
    pub(crate) fn session(&mut self) -> &mut Session {
        match self {
            Self::Stream(client) => client,
            Self::Http(client) => client,
        }
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        match self {
            Self::Stream(client) => client.poll_event(),
            Self::Http(client) => client.poll_event(),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Stream(client) => client.poll_timeout(),
            Self::Http(client) => client.poll_timeout(),
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Stream(client) => client.handle_timeout(now),
            Self::Http(client) => client.handle_timeout(now),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Stream(client) => client.is_closed(),
            Self::Http(client) => client.is_closed(),
        }
    }
}
