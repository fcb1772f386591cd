//! Pages of lists, and how long results may be kept.

use super::{Meta, Prompt, Resource, ResourceTemplate, Tool};
use crate::wire::{cacheable, names, wire};
use alloc::{string::String, vec::Vec};

wire! {
    /// Parameters of a request that has none of its own.
    #[derive(Default)]
    pub struct EmptyParams {
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

wire! {
    /// A result that says only that the request was served.
    #[derive(Default)]
    pub struct EmptyResult {
        const "resultType" = "complete" since V2026_07_28;
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

wire! {
    /// Parameters of every list request.
    #[derive(Default)]
    pub struct PaginatedParams {
        /// Where the page begins: a result's `nextCursor`, unchanged. Absent for the first page.
        pub cursor: Option<String> = opt "cursor",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl PaginatedParams {
    /// Asks for the page at `cursor`.
    #[must_use]
    pub fn at(cursor: impl Into<String>) -> Self {
        Self {
            cursor: Some(cursor.into()),
            meta: None,
        }
    }
}

names! {
    /// Who may share a kept result.
    pub enum CacheScope {
        /// Anyone, shared caches included.
        Public = "public",
        /// Only whoever asked.
        Private = "private",
    }
}

impl Default for CacheScope {
    /// The one that gives nothing away.
    fn default() -> Self {
        Self::Private
    }
}

/// How long and by whom a result may be kept (2026-07-28, CacheableResult).
///
/// Zero and private by default: nobody keeps anything.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheHints {
    /// Milliseconds from now on; 0 for not at all.
    pub ttl_ms: u64,
    /// Who may share it.
    pub scope: CacheScope,
}

impl CacheHints {
    /// Hints of these values.
    #[must_use]
    pub const fn new(ttl_ms: u64, scope: CacheScope) -> Self {
        Self { ttl_ms, scope }
    }

    /// Anyone may keep the result for so many milliseconds.
    #[must_use]
    pub const fn public(ttl_ms: u64) -> Self {
        Self::new(ttl_ms, CacheScope::Public)
    }

    /// Whoever asked may keep the result for so many milliseconds.
    #[must_use]
    pub const fn private(ttl_ms: u64) -> Self {
        Self::new(ttl_ms, CacheScope::Private)
    }
}

macro_rules! pages {
    ($($(#[$attr:meta])* $name:ident { $items:ident: $item:ty = $wire:literal })*) => {$(
        cacheable! {
            $(#[$attr])*
            #[derive(Default)]
            pub struct $name {
                /// The page.
                pub $items: Vec<$item> = $wire,
                /// Where the next page begins; absent on the last.
                pub next_cursor: Option<String> = opt "nextCursor",
                /// Metadata.
                pub meta: Option<Meta> = meta "_meta",
            }
        }

        impl $name {
            /// A page that is the last one.
            #[must_use]
            pub fn new($items: Vec<$item>) -> Self {
                Self { $items, ..Self::default() }
            }
        }
    )*};
}

pages! {
    /// Result of `tools/list`.
    ListToolsResult { tools: Tool = "tools" }
    /// Result of `resources/list`.
    ListResourcesResult { resources: Resource = "resources" }
    /// Result of `resources/templates/list`.
    ListResourceTemplatesResult { resource_templates: ResourceTemplate = "resourceTemplates" }
    /// Result of `prompts/list`.
    ListPromptsResult { prompts: Prompt = "prompts" }
}
