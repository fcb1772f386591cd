//! The table of methods: the one place that says which revision has which, and who may send it.

use crate::version::ProtocolVersion::{self, *};

/// Who sends a method.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sender {
    /// Only the client.
    Client,
    /// Only the server.
    Server,
    /// Either of them.
    Both,
}

/// Whether a method wants an answer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// It does.
    Request,
    /// It does not.
    Notification,
}

/// The capability without which a method is not found.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capability {
    /// Always there.
    None,
    /// The server's `tools`.
    Tools,
    /// The server's `prompts`.
    Prompts,
    /// The server's `resources`.
    Resources,
    /// The server's `resources.subscribe`.
    Subscribe,
    /// The server's `completions`; 2024-11-05 has the method but no such capability.
    Completions,
    /// The server's `logging`.
    Logging,
    /// The client's `sampling`.
    Sampling,
    /// The client's `elicitation`.
    Elicitation,
    /// The client's `roots`.
    Roots,
    /// Either side's `tasks` (2025-11-25), or the tasks extension.
    Tasks,
}

/// One row of [`METHODS`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MethodInfo {
    /// Which method this is.
    pub method: Method,
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it wants an answer.
    pub kind: Kind,
    /// Who sends it.
    pub sender: Sender,
    /// The first revision that has it.
    pub since: ProtocolVersion,
    /// The last revision that has it.
    pub until: ProtocolVersion,
    /// What must be declared for it to be there.
    pub capability: Capability,
    /// Whether its answer may be "input required" (2026-07-28).
    pub asks: bool,
    /// Whether its result carries caching hints (2026-07-28).
    pub cacheable: bool,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident $name:literal $kind:ident $sender:ident $since:ident..$until:ident
        $capability:ident [$($flag:ident)*],)*) => {
        /// Every method of every revision, and of the extensions built on the table.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Method { $($(#[$doc])* $variant,)* }

        /// Every method: its name, direction, revisions and capability.
        ///
        /// Dispatch, gating, documentation and tests all read this table.
        pub const METHODS: &[MethodInfo] = &[$(MethodInfo {
            method: Method::$variant,
            name: $name,
            kind: Kind::$kind,
            sender: Sender::$sender,
            since: $since,
            until: $until,
            capability: Capability::$capability,
            asks: has_flag(&[$(stringify!($flag)),*], b'a'),
            cacheable: has_flag(&[$(stringify!($flag)),*], b'c'),
        },)*];

        impl Method {
            /// The method of that name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

// By the first letter, since strings cannot be compared in a constant.
const fn has_flag(flags: &[&str], first: u8) -> bool {
    let mut at = 0;
    while at < flags.len() {
        if flags[at].as_bytes()[0] == first {
            return true;
        }
        at += 1;
    }
    false
}

methods! {
    /// Opens a session.
    Initialize "initialize" Request Client V2024_11_05..V2025_11_25 None [],
    /// Asks whether the peer is there.
    Ping "ping" Request Both V2024_11_05..V2025_11_25 None [],
    /// Asks for versions, capabilities and identity.
    Discover "server/discover" Request Client V2026_07_28..V2026_07_28 None [cacheable],
    /// Lists the tools.
    ListTools "tools/list" Request Client V2024_11_05..V2026_07_28 Tools [cacheable],
    /// Calls a tool.
    CallTool "tools/call" Request Client V2024_11_05..V2026_07_28 Tools [asks],
    /// Lists the resources.
    ListResources "resources/list" Request Client V2024_11_05..V2026_07_28 Resources [cacheable],
    /// Lists the resource templates.
    ListResourceTemplates "resources/templates/list" Request Client V2024_11_05..V2026_07_28 Resources [cacheable],
    /// Reads a resource.
    ReadResource "resources/read" Request Client V2024_11_05..V2026_07_28 Resources [asks cacheable],
    /// Subscribes to one resource.
    Subscribe "resources/subscribe" Request Client V2024_11_05..V2025_11_25 Subscribe [],
    /// Ends that subscription.
    Unsubscribe "resources/unsubscribe" Request Client V2024_11_05..V2025_11_25 Subscribe [],
    /// Opens a stream of notifications.
    Listen "subscriptions/listen" Request Client V2026_07_28..V2026_07_28 None [],
    /// Lists the prompts.
    ListPrompts "prompts/list" Request Client V2024_11_05..V2026_07_28 Prompts [cacheable],
    /// Renders a prompt.
    GetPrompt "prompts/get" Request Client V2024_11_05..V2026_07_28 Prompts [asks],
    /// Suggests values for an argument.
    Complete "completion/complete" Request Client V2024_11_05..V2026_07_28 Completions [],
    /// Sets the session's least log level.
    SetLevel "logging/setLevel" Request Client V2024_11_05..V2025_11_25 Logging [],
    /// Asks the client's model.
    CreateMessage "sampling/createMessage" Request Server V2024_11_05..V2025_11_25 Sampling [],
    /// Asks for the client's roots.
    ListRoots "roots/list" Request Server V2024_11_05..V2025_11_25 Roots [],
    /// Asks the client's user.
    Elicit "elicitation/create" Request Server V2025_06_18..V2025_11_25 Elicitation [],
    /// Asks how a task is doing.
    GetTask "tasks/get" Request Both V2025_11_25..V2026_07_28 Tasks [],
    /// Waits for a task's result (2025-11-25).
    TaskResult "tasks/result" Request Both V2025_11_25..V2025_11_25 Tasks [],
    /// Lists the tasks (2025-11-25).
    ListTasks "tasks/list" Request Both V2025_11_25..V2025_11_25 Tasks [],
    /// Cancels a task.
    CancelTask "tasks/cancel" Request Both V2025_11_25..V2026_07_28 Tasks [],
    /// Answers a task's questions (the extension).
    UpdateTask "tasks/update" Request Client V2026_07_28..V2026_07_28 Tasks [],

    /// The client is ready.
    Initialized "notifications/initialized" Notification Client V2024_11_05..V2025_11_25 None [],
    /// A request is no longer wanted.
    Cancelled "notifications/cancelled" Notification Both V2024_11_05..V2026_07_28 None [],
    /// A request makes progress.
    Progress "notifications/progress" Notification Both V2024_11_05..V2026_07_28 None [],
    /// A log entry.
    Log "notifications/message" Notification Server V2024_11_05..V2026_07_28 Logging [],
    /// A subscribed resource changed.
    ResourceUpdated "notifications/resources/updated" Notification Server V2024_11_05..V2026_07_28 Resources [],
    /// The list of resources changed.
    ResourcesChanged "notifications/resources/list_changed" Notification Server V2024_11_05..V2026_07_28 Resources [],
    /// The list of tools changed.
    ToolsChanged "notifications/tools/list_changed" Notification Server V2024_11_05..V2026_07_28 Tools [],
    /// The list of prompts changed.
    PromptsChanged "notifications/prompts/list_changed" Notification Server V2024_11_05..V2026_07_28 Prompts [],
    /// The list of roots changed.
    RootsChanged "notifications/roots/list_changed" Notification Client V2024_11_05..V2025_11_25 Roots [],
    /// A question that was asked through a URL has been answered.
    ElicitComplete "notifications/elicitation/complete" Notification Server V2025_11_25..V2025_11_25 Elicitation [],
    /// A task changed (2025-11-25).
    TaskStatus "notifications/tasks/status" Notification Both V2025_11_25..V2025_11_25 Tasks [],
    /// A task changed (the extension).
    TaskChanged "notifications/tasks" Notification Server V2026_07_28..V2026_07_28 Tasks [],
    /// What a subscription stream will carry.
    Acknowledged "notifications/subscriptions/acknowledged" Notification Server V2026_07_28..V2026_07_28 None [],
}

impl Method {
    /// The method's row in [`METHODS`].
    #[must_use]
    pub const fn info(self) -> &'static MethodInfo {
        &METHODS[self as usize]
    }

    /// The method's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// Whether that revision has the method.
    #[must_use]
    pub fn exists_in(self, version: ProtocolVersion) -> bool {
        let info = self.info();
        info.since <= version && version <= info.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_indexed_by_the_enum() {
        for (at, row) in METHODS.iter().enumerate() {
            assert_eq!(row.method as usize, at);
            assert_eq!(Method::parse(row.name), Some(row.method));
            assert!(row.since <= row.until, "{}", row.name);
        }
        assert_eq!(Method::parse("tools/unknown"), None);
    }

    #[test]
    fn flags_follow_the_revision_of_2026() {
        let asking: Vec<_> = METHODS
            .iter()
            .filter(|row| row.asks)
            .map(|row| row.name)
            .collect();
        assert_eq!(asking, ["tools/call", "resources/read", "prompts/get"]);
        assert_eq!(METHODS.iter().filter(|row| row.cacheable).count(), 6);
    }

    #[test]
    fn a_flag_is_told_by_its_first_letter() {
        assert!(has_flag(&["asks", "cacheable"], b'a'));
        assert!(has_flag(&["asks", "cacheable"], b'c'));
        assert!(!has_flag(&["cacheable"], b'a'));
        assert!(!has_flag(&[], b'c'));
    }

    #[test]
    fn a_method_is_there_from_its_first_revision_to_its_last() {
        for row in METHODS {
            assert_eq!(row.method.info(), row);
            assert_eq!(row.method.name(), row.name);
            for version in ProtocolVersion::ALL {
                let between = (row.since..=row.until).contains(&version);
                assert_eq!(
                    row.method.exists_in(version),
                    between,
                    "{} {version}",
                    row.name
                );
            }
        }
        assert!(!Method::Ping.exists_in(V2026_07_28) && Method::Ping.exists_in(V2025_11_25));
        assert!(
            Method::Discover.exists_in(V2026_07_28) && !Method::Discover.exists_in(V2025_11_25)
        );
    }

    extern crate alloc;
    use alloc::vec::Vec;
}
