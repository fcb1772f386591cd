//! A service as sessions see it: handlers are places, looked up at the edge.

use alloc::sync::Arc;
use mcp_proto::{
    rpc::RpcError,
    types::{
        CacheHints, CompletionReference, Implementation, ServerCapabilities, TaskSupport, Tool,
    },
    uri::Variables,
    version::ProtocolVersion,
};

use super::{
    Service,
    component::{ComponentKind, Definition},
    page::Page,
    table::Table,
};
use crate::{
    extension::ExtensionIndex,
    session::{Found, FoundCompletion, Offers, Place, TaskPolicy},
    state::StateKeeper,
};

impl<H> Service<H> {
    /// The member of an extension's request that `Mcp-Name` repeats.
    #[cfg(feature = "http")]
    pub(crate) fn name_member(&self, method: &str) -> Option<&str> {
        self.extensions.index().name_member(method)
    }

    /// The handler that a lookup in this very service led to.
    pub(crate) fn handler_at(&self, place: Place) -> Option<&H> {
        let tables = &self.tables;
        match place {
            Place::Tool(at) => tables.tools.at(at).map(|entry| &entry.component.handler),
            Place::Prompt(at) => tables.prompts.at(at).map(|entry| &entry.component.handler),
            Place::Resource(at) => tables
                .resources
                .at(at)
                .map(|entry| &entry.component.handler),
            Place::Template(at) => tables
                .templates
                .at(at)
                .map(|entry| &entry.component.handler),
            Place::PromptCompletion(at) => tables.prompts.at(at)?.component.completion.as_ref(),
            Place::TemplateCompletion(at) => tables.templates.at(at)?.component.completion.as_ref(),
            Place::Completion => self.completion.as_ref(),
            Place::Extension(at) => self.extensions.handler(at),
        }
    }

    fn completion_or(&self, own: Option<Place>) -> FoundCompletion {
        match own {
            Some(own) => FoundCompletion::At(own),
            None if self.completion.is_some() => FoundCompletion::At(Place::Completion),
            None => FoundCompletion::Nothing,
        }
    }
}

fn find<D: Definition, H>(
    table: &Table<D, H>,
    key: &str,
    place: fn(u32) -> Place,
) -> Option<Found> {
    let at = table.position(key)?;
    let entry = table.at(at)?;
    Some(Found {
        place: place(at),
        name: Arc::clone(entry.key()),
        timeout: entry.timeout(),
    })
}

/// Whether a tool runs as a task.
fn task_support(tool: &Tool) -> TaskSupport {
    let execution = tool.execution.as_ref();
    execution
        .and_then(|execution| execution.task_support)
        .unwrap_or(TaskSupport::Forbidden)
}

impl<H> Offers for Service<H> {
    fn info(&self) -> &Implementation {
        self.info()
    }

    fn info_json(&self) -> &str {
        self.info_json()
    }

    fn instructions(&self) -> Option<&str> {
        self.instructions()
    }

    fn state_keeper(&self) -> Option<&Arc<dyn StateKeeper>> {
        self.about.state_keeper.as_ref()
    }

    fn list_cache(&self) -> CacheHints {
        self.list_cache()
    }

    fn capabilities(&self, version: ProtocolVersion) -> ServerCapabilities {
        self.capabilities(version)
    }

    fn page(
        &self,
        kind: ComponentKind,
        version: ProtocolVersion,
        cursor: Option<&str>,
    ) -> Result<Page<'_>, RpcError> {
        self.page(kind, version, cursor)
    }

    fn extensions(&self) -> &ExtensionIndex {
        self.extensions.index()
    }

    fn find_tool(&self, name: &str) -> Option<(Found, TaskPolicy)> {
        let tools = &self.tables.tools;
        let at = tools.position(name)?;
        let entry = tools.at(at)?;
        let found = Found {
            place: Place::Tool(at),
            name: Arc::clone(entry.key()),
            timeout: entry.timeout(),
        };
        let policy = TaskPolicy {
            support: task_support(entry.definition()),
            detaches: entry.component.detaches,
        };
        Some((found, policy))
    }

    fn find_prompt(&self, name: &str) -> Option<Found> {
        find(&self.tables.prompts, name, Place::Prompt)
    }

    fn find_resource(&self, uri: &str) -> Option<(Found, Variables)> {
        let tables = &self.tables;
        // A disabled resource hides what templates would have found, as `Service::resource` says.
        if tables.resources.contains(uri) {
            return Some((
                find(&tables.resources, uri, Place::Resource)?,
                Variables::default(),
            ));
        }
        tables.templates.places().find_map(|(at, entry)| {
            let variables = entry.pattern.as_ref()?.matches(uri)?;
            let found = Found {
                place: Place::Template(at),
                name: Arc::clone(entry.key()),
                timeout: entry.timeout(),
            };
            Some((found, variables))
        })
    }

    fn find_completion(&self, of: &CompletionReference) -> FoundCompletion {
        let tables = &self.tables;
        match of {
            CompletionReference::Prompt(prompt) => match tables.prompts.position(&prompt.name) {
                Some(at) => {
                    let own = Place::PromptCompletion(at);
                    self.completion_or(self.handler_at(own).map(|_| own))
                }
                None => FoundCompletion::Unknown,
            },
            CompletionReference::Resource(resource) => {
                match tables.templates.position(&resource.uri) {
                    Some(at) => {
                        let own = Place::TemplateCompletion(at);
                        self.completion_or(self.handler_at(own).map(|_| own))
                    }
                    // A resource's own URI is allowed as well; there is nothing in it to complete.
                    None if tables.resources.position(&resource.uri).is_some() => {
                        self.completion_or(None)
                    }
                    None => FoundCompletion::Unknown,
                }
            }
            _ => FoundCompletion::Unknown,
        }
    }
}
