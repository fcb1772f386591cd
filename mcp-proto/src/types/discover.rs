//! `server/discover`, which takes the handshake's place in 2026-07-28.

use super::{Meta, ServerCapabilities};
use crate::{version::ProtocolVersion, wire::cacheable};
use alloc::{string::String, string::ToString, vec::Vec};

cacheable! {
    /// Result of `server/discover`.
    ///
    /// Who the server is stands in `_meta` under `io.modelcontextprotocol/serverInfo`.
    #[derive(Default)]
    pub struct DiscoverResult {
        /// The revisions the server speaks; text, because there may be some we do not know.
        pub supported_versions: Vec<String> = "supportedVersions",
        /// What the server can do.
        pub capabilities: ServerCapabilities = soft "capabilities",
        /// How to use the server, for the model.
        pub instructions: Option<String> = opt "instructions",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl DiscoverResult {
    /// A server that speaks these revisions.
    #[must_use]
    pub fn new(
        versions: impl IntoIterator<Item = ProtocolVersion>,
        capabilities: ServerCapabilities,
    ) -> Self {
        let supported_versions = versions
            .into_iter()
            .map(|version| version.to_string())
            .collect();
        Self {
            supported_versions,
            capabilities,
            ..Self::default()
        }
    }
}
