//! What the programs `caller-*` are told to do: `handshake|stateless COUNT SERVER...`.

use std::{env, process::Command};

use mcp_client_core::{ClientBuilder, EraMode};
use mcp_proto::version::ProtocolVersion;

/// What is echoed, 64 bytes.
pub const MESSAGE: &str = "The quick brown fox jumps over the lazy dog, again and again and";

/// So many calls of `echo` in one era.
#[derive(Debug)]
pub struct Job {
    /// The client's name and era.
    pub builder: ClientBuilder,
    /// How many calls.
    pub count: u32,
    /// The server's program.
    pub server: Command,
}

impl Job {
    /// What the program's arguments say.
    #[must_use]
    pub fn from_arguments() -> Self {
        let mut arguments = env::args().skip(1);
        let era = match arguments.next().as_deref() {
            Some("handshake") => EraMode::Handshake(ProtocolVersion::LATEST_HANDSHAKE),
            _ => EraMode::Stateless,
        };
        let count = arguments.next().and_then(|count| count.parse().ok());
        let mut server = Command::new(arguments.next().unwrap_or_default());
        server.args(arguments);
        Self {
            builder: ClientBuilder::new("caller", "1.0.0").era(era),
            count: count.unwrap_or(1),
            server,
        }
    }
}
