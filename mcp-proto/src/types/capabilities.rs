//! What each side declares that it can do.

use crate::{
    encode::{EncodeFields, Object},
    json::{Json, read::read_members},
    version::ProtocolVersion,
    wire::{encode_as_object, wire, wire_struct},
};

use super::Map;

/// The extension that has a namesake, but no counterpart, before 2026-07-28.
const TASKS: &str = "io.modelcontextprotocol/tasks";

/// Writes the extensions: at every revision, because objects are open and MCP Apps needs them on
/// 2025-11-25; all but the tasks, whose results older revisions have no place for.
fn encode_extensions(extensions: &Map<Json>, object: &mut Object<'_>) {
    let modern = object.version() >= ProtocolVersion::V2026_07_28;
    let mut known = extensions
        .iter()
        .filter(|(id, _)| modern || *id != TASKS)
        .peekable();
    if known.peek().is_none() {
        return;
    }
    let (out, version) = object.key("extensions");
    let mut object = Object::new(out, version);
    for (id, settings) in known {
        object.field(id, settings);
    }
    object.end();
}

wire_struct! {
    /// What a client can do: in `initialize`, and in every request's `_meta` from 2026-07-28 on.
    #[derive(Default)]
    pub struct ClientCapabilities {
        /// Capabilities outside the specification, with their settings.
        pub experimental: Map<Json> = opt "experimental",
        /// It can list the roots of its workspace. Deprecated in 2026-07-28.
        pub roots: Option<RootsCapability> = opt "roots",
        /// It lets servers use its language model. Deprecated in 2026-07-28.
        pub sampling: Option<SamplingCapability> = opt "sampling",
        /// It can ask its user on a server's behalf.
        pub elicitation: Option<ElicitationCapability> = opt "elicitation",
        /// It runs requests as tasks.
        pub tasks: Option<ClientTasksCapability> = opt "tasks",
        /// Extensions by identifier, with their settings.
        ///
        /// Written at every revision, but for `io.modelcontextprotocol/tasks` before 2026-07-28.
        pub extensions: Map<Json> = opt "extensions",
    }
}

impl EncodeFields for ClientCapabilities {
    fn encode_fields(&self, object: &mut Object<'_>) {
        let version = object.version();
        object.optional("experimental", &self.experimental);
        object.optional("roots", &self.roots);
        object.optional("sampling", &self.sampling);
        // Without modes it means forms, and 2025-06-18 has no modes.
        let modes = version >= ProtocolVersion::V2025_11_25;
        if modes || (version == ProtocolVersion::V2025_06_18 && self.elicits_forms()) {
            object.optional("elicitation", &self.elicitation);
        }
        if version == ProtocolVersion::V2025_11_25 {
            object.optional("tasks", &self.tasks);
        }
        encode_extensions(&self.extensions, object);
    }
}

encode_as_object!(ClientCapabilities);

read_members!(ClientCapabilities {
    optional experimental = "experimental",
    optional roots = "roots",
    optional sampling = "sampling",
    optional elicitation = "elicitation",
    optional tasks = "tasks",
    optional extensions = "extensions",
});
read_members!(RootsCapability { optional list_changed = "listChanged" });
read_members!(SamplingCapability { optional context = "context", optional tools = "tools" });
read_members!(ElicitationCapability { optional form = "form", optional url = "url" });
read_members!(ClientTasksCapability {
    optional list = "list",
    optional cancel = "cancel",
    optional requests = "requests",
});
read_members!(ClientTaskRequests {
    optional sampling = "sampling",
    optional elicitation = "elicitation",
});
read_members!(SamplingTaskRequests { optional create_message = "createMessage" });
read_members!(ElicitationTaskRequests { optional create = "create" });

impl ClientCapabilities {
    /// Whether forms can be shown: declared outright, or by an `elicitation` without modes
    /// (2025-11-25, client/elicitation, Capabilities: an empty object means form mode only).
    #[must_use]
    pub fn elicits_forms(&self) -> bool {
        self.elicitation
            .as_ref()
            .is_some_and(|modes| modes.form.is_some() || modes.url.is_none())
    }

    /// Whether the user can be sent to a URL.
    #[must_use]
    pub fn elicits_urls(&self) -> bool {
        self.elicitation
            .as_ref()
            .is_some_and(|modes| modes.url.is_some())
    }

    /// Whether sampling may use tools.
    #[must_use]
    pub fn samples_with_tools(&self) -> bool {
        self.sampling
            .as_ref()
            .is_some_and(|sampling| sampling.tools.is_some())
    }
}

wire! {
    /// The client's roots.
    #[derive(Default)]
    pub struct RootsCapability {
        /// It announces changes of the list.
        pub list_changed: bool = opt "listChanged" until V2025_11_25,
    }
}

impl RootsCapability {
    /// Roots whose changes are announced or not.
    #[must_use]
    pub fn new(list_changed: bool) -> Self {
        Self { list_changed }
    }
}

wire! {
    /// The client's language model.
    #[derive(Default)]
    pub struct SamplingCapability {
        /// `includeContext` may be something else than `none`.
        pub context: Option<Json> = opt "context" since V2025_11_25,
        /// `tools` and `toolChoice` are understood.
        pub tools: Option<Json> = opt "tools" since V2025_11_25,
    }
}

impl SamplingCapability {
    /// Text, pictures and sound only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Understands tools as well.
    #[must_use]
    pub fn with_tools(mut self) -> Self {
        self.tools = Some(Json::empty_object());
        self
    }

    /// Adds servers' context when asked.
    #[must_use]
    pub fn with_context(mut self) -> Self {
        self.context = Some(Json::empty_object());
        self
    }
}

wire! {
    /// The ways in which a client can ask its user.
    #[derive(Default)]
    pub struct ElicitationCapability {
        /// A form made from a schema.
        pub form: Option<Json> = opt "form" since V2025_11_25,
        /// A page at a URL.
        pub url: Option<Json> = opt "url" since V2025_11_25,
    }
}

impl ElicitationCapability {
    /// Forms only.
    #[must_use]
    pub fn form() -> Self {
        Self {
            form: Some(Json::empty_object()),
            url: None,
        }
    }

    /// Pages only.
    #[must_use]
    pub fn url() -> Self {
        Self {
            form: None,
            url: Some(Json::empty_object()),
        }
    }

    /// Both forms and pages.
    #[must_use]
    pub fn both() -> Self {
        Self {
            url: Some(Json::empty_object()),
            ..Self::form()
        }
    }
}

wire! {
    /// A client's tasks, in 2025-11-25 only.
    #[derive(Default)]
    pub struct ClientTasksCapability {
        /// `tasks/list` is answered.
        pub list: Option<Json> = opt "list",
        /// `tasks/cancel` is answered.
        pub cancel: Option<Json> = opt "cancel",
        /// The requests that may become tasks.
        pub requests: Option<ClientTaskRequests> = opt "requests",
    }
}

wire! {
    /// The requests to a client that may become tasks.
    #[derive(Default)]
    pub struct ClientTaskRequests {
        /// Sampling requests.
        pub sampling: Option<SamplingTaskRequests> = opt "sampling",
        /// Elicitation requests.
        pub elicitation: Option<ElicitationTaskRequests> = opt "elicitation",
    }
}

wire! {
    /// The sampling requests that may become tasks.
    #[derive(Default)]
    pub struct SamplingTaskRequests {
        /// `sampling/createMessage`.
        pub create_message: Option<Json> = opt "createMessage",
    }
}

wire! {
    /// The elicitation requests that may become tasks.
    #[derive(Default)]
    pub struct ElicitationTaskRequests {
        /// `elicitation/create`.
        pub create: Option<Json> = opt "create",
    }
}

wire_struct! {
    /// What a server can do.
    #[derive(Default)]
    pub struct ServerCapabilities {
        /// Capabilities outside the specification, with their settings.
        pub experimental: Map<Json> = opt "experimental",
        /// It sends log messages. Deprecated in 2026-07-28.
        pub logging: Option<Json> = opt "logging",
        /// It completes arguments. 2024-11-05 has the method without the capability.
        pub completions: Option<Json> = opt "completions",
        /// It has prompts.
        pub prompts: Option<PromptsCapability> = opt "prompts",
        /// It has resources.
        pub resources: Option<ResourcesCapability> = opt "resources",
        /// It has tools.
        pub tools: Option<ToolsCapability> = opt "tools",
        /// It runs requests as tasks.
        pub tasks: Option<ServerTasksCapability> = opt "tasks",
        /// Extensions by identifier, with their settings.
        ///
        /// Written at every revision, but for `io.modelcontextprotocol/tasks` before 2026-07-28.
        pub extensions: Map<Json> = opt "extensions",
    }
}

impl EncodeFields for ServerCapabilities {
    fn encode_fields(&self, object: &mut Object<'_>) {
        let version = object.version();
        object.optional("experimental", &self.experimental);
        object.optional("logging", &self.logging);
        if version >= ProtocolVersion::V2025_03_26 {
            object.optional("completions", &self.completions);
        }
        object.optional("prompts", &self.prompts);
        object.optional("resources", &self.resources);
        object.optional("tools", &self.tools);
        if version == ProtocolVersion::V2025_11_25 {
            object.optional("tasks", &self.tasks);
        }
        encode_extensions(&self.extensions, object);
    }
}

encode_as_object!(ServerCapabilities);

wire! {
    /// The server's prompts.
    #[derive(Default)]
    pub struct PromptsCapability {
        /// It announces changes of the list.
        pub list_changed: bool = opt "listChanged",
    }
}

impl PromptsCapability {
    /// Prompts whose changes are announced or not.
    #[must_use]
    pub fn new(list_changed: bool) -> Self {
        Self { list_changed }
    }
}

wire! {
    /// The server's resources.
    #[derive(Default)]
    pub struct ResourcesCapability {
        /// Single resources can be watched.
        pub subscribe: bool = opt "subscribe",
        /// It announces changes of the list.
        pub list_changed: bool = opt "listChanged",
    }
}

impl ResourcesCapability {
    /// Resources that can be watched or not, and whose changes are announced or not.
    #[must_use]
    pub fn new(subscribe: bool, list_changed: bool) -> Self {
        Self {
            subscribe,
            list_changed,
        }
    }
}

wire! {
    /// The server's tools.
    #[derive(Default)]
    pub struct ToolsCapability {
        /// It announces changes of the list.
        pub list_changed: bool = opt "listChanged",
    }
}

impl ToolsCapability {
    /// Tools whose changes are announced or not.
    #[must_use]
    pub fn new(list_changed: bool) -> Self {
        Self { list_changed }
    }
}

wire! {
    /// A server's tasks, in 2025-11-25 only.
    #[derive(Default)]
    pub struct ServerTasksCapability {
        /// `tasks/list` is answered.
        pub list: Option<Json> = opt "list",
        /// `tasks/cancel` is answered.
        pub cancel: Option<Json> = opt "cancel",
        /// The requests that may become tasks.
        pub requests: Option<ServerTaskRequests> = opt "requests",
    }
}

wire! {
    /// The requests to a server that may become tasks.
    #[derive(Default)]
    pub struct ServerTaskRequests {
        /// Tool requests.
        pub tools: Option<ToolTaskRequests> = opt "tools",
    }
}

wire! {
    /// The tool requests that may become tasks.
    #[derive(Default)]
    pub struct ToolTaskRequests {
        /// `tools/call`.
        pub call: Option<Json> = opt "call",
    }
}
