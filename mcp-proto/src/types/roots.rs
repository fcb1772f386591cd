//! The folders that a client works in.

use super::Meta;
use crate::{
    encode::{EncodeFields, Object},
    version::ProtocolVersion,
    wire::{encode_as_object, wire, wire_struct},
};
use alloc::{string::String, vec::Vec};

wire! {
    /// A folder or file that the client works in.
    #[derive(Default)]
    pub struct Root {
        /// A `file:` URI.
        pub uri: String = "uri",
        /// A name for people.
        pub name: Option<String> = opt "name",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta" since V2025_06_18,
    }
}

impl Root {
    /// The root at `uri`.
    #[must_use]
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            ..Self::default()
        }
    }
}

wire_struct! {
    /// Result of `roots/list`. Deprecated in 2026-07-28, where it is no result but an answer in
    /// `inputResponses`, without metadata.
    #[derive(Default)]
    pub struct ListRootsResult {
        /// All of them.
        pub roots: Vec<Root> = "roots",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta" until V2025_11_25,
    }
}

impl ListRootsResult {
    /// These roots.
    #[must_use]
    pub fn new(roots: Vec<Root>) -> Self {
        Self { roots, meta: None }
    }
}

impl EncodeFields for ListRootsResult {
    fn encode_fields(&self, object: &mut Object<'_>) {
        object.field("roots", &self.roots);
        if object.version() < ProtocolVersion::V2026_07_28 {
            object.meta(self.meta.as_ref());
        }
    }
}

encode_as_object!(ListRootsResult);
