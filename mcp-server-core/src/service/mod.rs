//! What a server offers, as one immutable value.
//!
//! ```text
//!  ServiceBuilder<H> ── build ──▶ Service<H> ── Arc ──▶ every connection
//!   (tools, resources,             lookups, pages, capabilities;
//!    templates, prompts)           never calls an H
//! ```
//!
//! A change makes a successor, which shares all entries with the service it came from; connections
//! are handed the successor and tell their clients what differs.

mod builder;
mod component;
mod offers;
mod others;
mod page;
mod table;

use alloc::{
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::time::Duration;
use mcp_proto::{
    encode::Encode,
    json::Json,
    limits::Limits,
    types::{
        CacheHints, CompletionReference, Implementation, Prompt, PromptsCapability, Resource,
        ResourceTemplate, ResourcesCapability, ServerCapabilities, Tool, ToolsCapability,
    },
    uri::{UriTemplate, Variables},
    version::ProtocolVersion,
};

pub use builder::ServiceBuilder;
pub use component::{Component, ComponentKind, Entry};
pub use page::Page;
pub use table::Duplicates;

use crate::{call::Change, error::BuildError, extension::Extensions, state::StateKeeper};
use others::Others;
use page::Pages;
use table::Table;

/// What a server offers. `H` is a payload: stored, cloned into each [`Call`](crate::Call), never
/// called.
///
/// ```
/// use mcp_server_core::{Service, mcp_proto::{json::Json, types::{Implementation, Tool}}};
///
/// let service = Service::<fn() -> i32>::builder(Implementation::new("demo", "1.0.0"))
///     .tool(Tool::new("answer", Json::empty_object()), || 42)
///     .build()
///     .unwrap();
///
/// let answer = service.tool("answer").unwrap();
/// assert_eq!(answer.handler()(), 42);
/// assert!(service.tool("question").is_none());
/// ```
#[derive(Debug)]
pub struct Service<H> {
    about: Arc<About>,
    tables: Tables<H>,
    completion: Option<H>,
    extensions: Arc<Extensions<H>>,
    pages: Pages,
}

/// What stays the same in all successors of a service.
#[derive(Debug, Clone)]
struct About {
    info: Implementation,
    info_json: String,
    instructions: Option<String>,
    // Shared by every session.
    limits: Arc<Limits>,
    list_cache: CacheHints,
    logging: bool,
    announced: Vec<ComponentKind>,
    duplicates: Duplicates,
    state_keeper: Option<Arc<dyn StateKeeper>>,
    runs_tasks: bool,
}

#[derive(Debug)]
struct Tables<H> {
    tools: Table<Tool, H>,
    resources: Table<Resource, H>,
    templates: Table<ResourceTemplate, H>,
    prompts: Table<Prompt, H>,
    // There once there is, or may be, something else than tools.
    others: Option<Others<H>>,
}

impl<H> Default for Tables<H> {
    fn default() -> Self {
        Self {
            tools: Table::default(),
            resources: Table::default(),
            templates: Table::default(),
            prompts: Table::default(),
            others: None,
        }
    }
}

impl<H> Clone for Tables<H> {
    fn clone(&self) -> Self {
        Self {
            tools: self.tools.clone(),
            resources: self.resources.clone(),
            templates: self.templates.clone(),
            prompts: self.prompts.clone(),
            others: self.others,
        }
    }
}

impl<H> Tables<H> {
    fn add_tool(
        &mut self,
        tool: Component<Tool, H>,
        duplicates: Duplicates,
    ) -> Result<bool, BuildError> {
        builder::check_name("tool", &tool.definition.name)?;
        builder::check_schemas(&tool.definition)?;
        self.tools.insert(tool, None, duplicates)
    }

    fn add_resource(
        &mut self,
        resource: Component<Resource, H>,
        duplicates: Duplicates,
    ) -> Result<bool, BuildError> {
        builder::check_uri(&resource.definition.uri)?;
        self.others = Some(Others::all());
        self.resources.insert(resource, None, duplicates)
    }

    fn add_template(
        &mut self,
        template: Component<ResourceTemplate, H>,
        duplicates: Duplicates,
    ) -> Result<bool, BuildError> {
        let text = &template.definition.uri_template;
        let mut pattern = UriTemplate::parse(text).map_err(|error| BuildError::Template {
            template: text.clone(),
            problem: error.to_string(),
        })?;
        for variable in &template.unscreened {
            if !pattern.exempt(variable) {
                let (kind, name, variable) = ("resource template", text.clone(), variable.clone());
                return Err(BuildError::Variable {
                    kind,
                    name,
                    variable,
                });
            }
        }
        self.others = Some(Others::all());
        self.templates.insert(template, Some(pattern), duplicates)
    }

    fn add_prompt(
        &mut self,
        prompt: Component<Prompt, H>,
        duplicates: Duplicates,
    ) -> Result<bool, BuildError> {
        builder::check_name("prompt", &prompt.definition.name)?;
        self.others = Some(Others::all());
        self.prompts.insert(prompt, None, duplicates)
    }
}

/// The resource that a URI leads to.
#[derive(Debug)]
#[non_exhaustive]
pub struct FoundResource<'s, H> {
    /// What runs.
    pub handler: &'s H,
    /// How long one call may take, where it is not the limit that holds for all.
    pub timeout: Option<Duration>,
    /// The template's variables; none for a resource of its own.
    pub variables: Variables,
}

/// Where a completion request leads to.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompletionTarget<'s, H> {
    /// To this handler.
    Handler(&'s H),
    /// To something that exists but proposes nothing: the answer is an empty list.
    Nothing,
    /// To nothing that exists: -32602.
    Unknown,
}

impl<H> Service<H> {
    /// Begins a service of that name and version.
    pub fn builder(info: Implementation) -> ServiceBuilder<H> {
        ServiceBuilder::new(info)
    }

    /// The server's name and version.
    #[must_use]
    pub fn info(&self) -> &Implementation {
        &self.about.info
    }

    /// [`info`](Self::info) as the newest revision writes it: the value of the `_meta` member
    /// [`SERVER_INFO`](mcp_proto::meta::keys::SERVER_INFO), ready to be copied.
    #[must_use]
    pub fn info_json(&self) -> &str {
        &self.about.info_json
    }

    /// How the server is to be used, for the model.
    #[must_use]
    pub fn instructions(&self) -> Option<&str> {
        self.about.instructions.as_deref()
    }

    /// The bounds of every connection.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.about.limits
    }

    pub(crate) fn shared_limits(&self) -> &Arc<Limits> {
        &self.about.limits
    }

    #[cfg(feature = "std")]
    pub(crate) fn observe(&self, change: &crate::TopicChange) {
        self.extensions.index().observe(change);
    }

    /// How long clients may keep lists and the answer to `server/discover` (2026-07-28).
    #[must_use]
    pub fn list_cache(&self) -> CacheHints {
        self.about.list_cache
    }

    /// What is declared to clients of `version`: what is registered, whether enabled or not, and
    /// what was [announced](ServiceBuilder::announce).
    #[must_use]
    pub fn capabilities(&self, version: ProtocolVersion) -> ServerCapabilities {
        let tables = &self.tables;
        let announced = |kind| self.about.announced.contains(&kind);
        let mut capabilities = ServerCapabilities::default();
        if self.about.logging {
            capabilities.logging = Some(Json::empty_object());
        }
        if !tables.tools.is_empty() || announced(ComponentKind::Tool) {
            capabilities.tools = Some(ToolsCapability::new(true));
        }
        if !tables.prompts.is_empty() || announced(ComponentKind::Prompt) {
            capabilities.prompts = Some(PromptsCapability::new(true));
        }
        if !tables.resources.is_empty()
            || !tables.templates.is_empty()
            || announced(ComponentKind::Resource)
            || announced(ComponentKind::Template)
        {
            capabilities.resources = Some(ResourcesCapability::new(true, true));
        }
        // 2024-11-05 has the method without a capability for it.
        if version > ProtocolVersion::V2024_11_05 && self.completes() {
            capabilities.completions = Some(Json::empty_object());
        }
        self.extensions.index().declare(&mut capabilities, version);
        capabilities
    }

    /// Whether anything completes arguments.
    #[must_use]
    pub fn completes(&self) -> bool {
        self.completion.is_some()
            || self
                .tables
                .prompts
                .all()
                .any(|prompt| prompt.component.completion.is_some())
            || self
                .tables
                .templates
                .all()
                .any(|template| template.component.completion.is_some())
    }

    /// The tool of that name. One that is disabled is not found, like one that does not exist.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&Entry<Tool, H>> {
        self.tables.tools.get(name)
    }

    /// The prompt of that name.
    #[must_use]
    pub fn prompt(&self, name: &str) -> Option<&Entry<Prompt, H>> {
        self.tables.prompts.get(name)
    }

    /// The resource at `uri`: one with just this URI, or else the first template that matches.
    ///
    /// A disabled resource hides what templates would have found at its URI: otherwise disabling
    /// it could open another way to it.
    #[must_use]
    pub fn resource(&self, uri: &str) -> Option<FoundResource<'_, H>> {
        if self.tables.resources.contains(uri) {
            let entry = self.tables.resources.get(uri)?;
            let timeout = entry.timeout();
            return Some(FoundResource {
                handler: entry.handler(),
                timeout,
                variables: Variables::default(),
            });
        }
        self.tables.templates.enabled().find_map(|entry| {
            let variables = entry.pattern.as_ref()?.matches(uri)?;
            Some(FoundResource {
                handler: entry.handler(),
                timeout: entry.timeout(),
                variables,
            })
        })
    }

    /// The template with just this text.
    #[must_use]
    pub fn template(&self, uri_template: &str) -> Option<&Entry<ResourceTemplate, H>> {
        self.tables.templates.get(uri_template)
    }

    /// What completes the arguments of a prompt or the variables of a template.
    #[must_use]
    pub fn completion(&self, of: &CompletionReference) -> CompletionTarget<'_, H> {
        let own = match of {
            CompletionReference::Prompt(prompt) => self
                .prompt(&prompt.name)
                .map(|entry| entry.component.completion.as_ref()),
            // A resource's own URI is allowed as well; there is nothing in it to complete.
            CompletionReference::Resource(resource) => self
                .template(&resource.uri)
                .map(|entry| entry.component.completion.as_ref())
                .or_else(|| self.tables.resources.get(&resource.uri).map(|_| None)),
            _ => None,
        };
        match (own, &self.completion) {
            (Some(Some(handler)), _) | (Some(None), Some(handler)) => {
                CompletionTarget::Handler(handler)
            }
            (Some(None), None) => CompletionTarget::Nothing,
            (None, _) => CompletionTarget::Unknown,
        }
    }

    /// All tools, also those that are disabled.
    pub(crate) fn all_tools(&self) -> impl Iterator<Item = &Tool> {
        self.tables
            .tools
            .all()
            .map(|entry| &entry.component.definition)
    }

    /// The type that the resource or template at this URI is declared with, also where it is
    /// disabled; `None` where there is none.
    pub(crate) fn mime_type_at(&self, uri: &str) -> Option<Option<&str>> {
        self.tables
            .others
            .and_then(|others| others.mime_type_at(self, uri))
    }

    /// The enabled tools, in order.
    pub fn tools(&self) -> impl Iterator<Item = &Entry<Tool, H>> {
        self.tables.tools.enabled().map(|entry| &**entry)
    }

    /// The enabled resources, in order.
    pub fn resources(&self) -> impl Iterator<Item = &Entry<Resource, H>> {
        self.tables.resources.enabled().map(|entry| &**entry)
    }

    /// The enabled resource templates, in order.
    pub fn templates(&self) -> impl Iterator<Item = &Entry<ResourceTemplate, H>> {
        self.tables.templates.enabled().map(|entry| &**entry)
    }

    /// The enabled prompts, in order.
    pub fn prompts(&self) -> impl Iterator<Item = &Entry<Prompt, H>> {
        self.tables.prompts.enabled().map(|entry| &**entry)
    }

    /// The lists that clients would be told otherwise than by `earlier`.
    #[must_use]
    pub fn changes_since(&self, earlier: &Self) -> Vec<Change> {
        let (new, old) = (&self.tables, &earlier.tables);
        let (prompts, resources) = match new.others.or(old.others) {
            Some(others) => others.lists_differ(new, old),
            None => (false, false),
        };
        [
            (new.tools.lists_differ(&old.tools), Change::Tools),
            (prompts, Change::Prompts),
            (resources, Change::Resources),
        ]
        .into_iter()
        .filter_map(|(differs, change)| differs.then_some(change))
        .collect()
    }
}

impl<H: Clone> Service<H> {
    /// A service that differs from this one by what `edit` does.
    ///
    /// # Errors
    /// Those of the edits; this service is untouched in any case.
    pub fn edited<R>(
        &self,
        edit: impl FnOnce(&mut Edit<H>) -> Result<R, BuildError>,
    ) -> Result<(Self, R), BuildError> {
        let mut edits = Edit {
            tables: self.tables.clone(),
            duplicates: self.about.duplicates,
            runs_tasks: self.about.runs_tasks,
        };
        let outcome = edit(&mut edits)?;
        let service = Self {
            about: Arc::clone(&self.about),
            tables: edits.tables,
            completion: self.completion.clone(),
            extensions: Arc::clone(&self.extensions),
            pages: Pages::default(),
        };
        Ok((service, outcome))
    }
}

/// Changes of a service's components; see [`Service::edited`].
#[derive(Debug)]
pub struct Edit<H> {
    tables: Tables<H>,
    duplicates: Duplicates,
    runs_tasks: bool,
}

impl<H> Edit<H> {
    /// Adds a tool at the end of the list. Tells whether it was added or replaced another one.
    ///
    /// # Errors
    /// For a wrong name or schema, for a duplicate where the server's policy says so, and for a
    /// tool that runs only as a task where nothing runs tasks.
    pub fn add_tool(&mut self, tool: Component<Tool, H>) -> Result<bool, BuildError> {
        builder::check_tasks(&tool.definition, self.runs_tasks)?;
        self.tables.add_tool(tool, self.duplicates)
    }

    /// Adds a resource.
    ///
    /// # Errors
    /// For a wrong URI, and for a duplicate where the server's policy says so.
    pub fn add_resource(&mut self, resource: Component<Resource, H>) -> Result<bool, BuildError> {
        self.tables.add_resource(resource, self.duplicates)
    }

    /// Adds a resource template.
    ///
    /// # Errors
    /// For a wrong template, and for a duplicate where the server's policy says so.
    pub fn add_template(
        &mut self,
        template: Component<ResourceTemplate, H>,
    ) -> Result<bool, BuildError> {
        self.tables.add_template(template, self.duplicates)
    }

    /// Adds a prompt.
    ///
    /// # Errors
    /// For a wrong name, and for a duplicate where the server's policy says so.
    pub fn add_prompt(&mut self, prompt: Component<Prompt, H>) -> Result<bool, BuildError> {
        self.tables.add_prompt(prompt, self.duplicates)
    }

    /// Removes a component by its name, URI or URI template. Tells whether it was there.
    pub fn remove(&mut self, kind: ComponentKind, key: &str) -> bool {
        match kind {
            ComponentKind::Tool => self.tables.tools.remove(key),
            ComponentKind::Resource => self.tables.resources.remove(key),
            ComponentKind::Template => self.tables.templates.remove(key),
            ComponentKind::Prompt => self.tables.prompts.remove(key),
        }
    }

    /// Shows or hides what `choose` picks by kind, key and tags. Tells how many components changed.
    pub fn set_enabled(
        &mut self,
        enabled: bool,
        mut choose: impl FnMut(ComponentKind, &str, &[String]) -> bool,
    ) -> usize {
        let tables = &mut self.tables;
        tables.tools.set_enabled(enabled, &mut choose)
            + tables.resources.set_enabled(enabled, &mut choose)
            + tables.templates.set_enabled(enabled, &mut choose)
            + tables.prompts.set_enabled(enabled, &mut choose)
    }
}

/// `definition` as the newest revision writes it.
fn json_of(definition: &impl Encode) -> String {
    let mut out = Vec::new();
    definition.encode(&mut out, ProtocolVersion::LATEST);
    // The encoder writes UTF-8 only.
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests;
