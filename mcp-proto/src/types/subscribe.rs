//! Watching for changes: one resource at a time until 2025-11-25, one stream since 2026-07-28.

use super::Meta;
use crate::{json::read::read_members, wire::wire};
use alloc::{string::String, vec::Vec};

wire! {
    /// Parameters of `resources/subscribe`.
    #[derive(Default)]
    pub struct SubscribeParams {
        /// The resource to watch.
        pub uri: String = "uri",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl SubscribeParams {
    /// Watches the resource at `uri`.
    #[must_use]
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            meta: None,
        }
    }
}

wire! {
    /// Parameters of `resources/unsubscribe`.
    #[derive(Default)]
    pub struct UnsubscribeParams {
        /// The resource no longer to watch.
        pub uri: String = "uri",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl UnsubscribeParams {
    /// Stops watching the resource at `uri`.
    #[must_use]
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            meta: None,
        }
    }
}

wire! {
    /// The notifications that a listener wants, or that a server grants.
    #[derive(Default)]
    pub struct SubscriptionFilter {
        /// `notifications/tools/list_changed`.
        pub tools_list_changed: bool = opt "toolsListChanged",
        /// `notifications/prompts/list_changed`.
        pub prompts_list_changed: bool = opt "promptsListChanged",
        /// `notifications/resources/list_changed`.
        pub resources_list_changed: bool = opt "resourcesListChanged",
        /// `notifications/resources/updated` for these URIs.
        pub resource_subscriptions: Vec<String> = opt "resourceSubscriptions",
        /// `notifications/tasks` for these tasks (extension `io.modelcontextprotocol/tasks`).
        pub task_ids: Vec<String> = opt "taskIds",
    }
}

read_members!(SubscriptionFilter {
    optional tools_list_changed = "toolsListChanged",
    optional prompts_list_changed = "promptsListChanged",
    optional resources_list_changed = "resourcesListChanged",
    optional resource_subscriptions = "resourceSubscriptions",
    optional task_ids = "taskIds",
});

wire! {
    /// Parameters of `subscriptions/listen`, from 2026-07-28 on.
    #[derive(Default)]
    pub struct ListenParams {
        /// What to listen for.
        pub notifications: SubscriptionFilter = "notifications",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl ListenParams {
    /// Listens for these.
    #[must_use]
    pub fn new(notifications: SubscriptionFilter) -> Self {
        Self {
            notifications,
            meta: None,
        }
    }
}

wire! {
    /// Result of `subscriptions/listen`: the server ended the stream.
    ///
    /// `_meta` must hold `io.modelcontextprotocol/subscriptionId`, the id of the listen request.
    #[derive(Default)]
    pub struct ListenResult {
        const "resultType" = "complete" since V2026_07_28;
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

wire! {
    /// Parameters of `notifications/subscriptions/acknowledged`, from 2026-07-28 on.
    #[derive(Default)]
    pub struct AcknowledgedParams {
        /// What the server will send of what was asked for.
        pub notifications: SubscriptionFilter = "notifications",
        /// Metadata; holds `io.modelcontextprotocol/subscriptionId`.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl AcknowledgedParams {
    /// Grants these.
    #[must_use]
    pub fn new(notifications: SubscriptionFilter) -> Self {
        Self {
            notifications,
            meta: None,
        }
    }
}
