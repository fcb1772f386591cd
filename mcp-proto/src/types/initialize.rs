//! The handshake of 2024-11-05 to 2025-11-25.

use super::{ClientCapabilities, Implementation, Meta, ServerCapabilities};
use crate::{version::ProtocolVersion, wire::wire};
use alloc::string::{String, ToString};

wire! {
    /// Parameters of `initialize`.
    #[derive(Default)]
    pub struct InitializeParams {
        /// The newest revision the client speaks; text, because it may be one we do not know.
        pub protocol_version: String = "protocolVersion",
        /// What the client can do.
        pub capabilities: ClientCapabilities = soft "capabilities",
        /// Who the client is.
        pub client_info: Implementation = "clientInfo",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl InitializeParams {
    /// A client's opening.
    #[must_use]
    pub fn new(
        version: ProtocolVersion,
        capabilities: ClientCapabilities,
        client_info: Implementation,
    ) -> Self {
        Self {
            protocol_version: version.to_string(),
            capabilities,
            client_info,
            meta: None,
        }
    }
}

wire! {
    /// Result of `initialize`.
    #[derive(Default)]
    pub struct InitializeResult {
        /// The revision the session will speak.
        pub protocol_version: String = "protocolVersion",
        /// What the server can do.
        pub capabilities: ServerCapabilities = soft "capabilities",
        /// Who the server is.
        pub server_info: Implementation = "serverInfo",
        /// How to use the server, for the model.
        pub instructions: Option<String> = opt "instructions",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl InitializeResult {
    /// A server's answer.
    #[must_use]
    pub fn new(
        version: ProtocolVersion,
        capabilities: ServerCapabilities,
        server_info: Implementation,
    ) -> Self {
        Self {
            protocol_version: version.to_string(),
            capabilities,
            server_info,
            instructions: None,
            meta: None,
        }
    }
}
