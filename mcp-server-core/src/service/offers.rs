//! A service as sessions see it: handlers are places, looked up at the edge.

use alloc::sync::Arc;
use mcp_proto::{
    rpc::{Params, RpcError},
    types::{
        CacheHints, CompleteParams, CompletionReference, Implementation, ServerCapabilities,
        TaskSupport, Tool,
    },
    uri::Variables,
    version::ProtocolVersion,
};

use super::{Service, component::ComponentKind, page::Page};
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
        match (kind, self.tables.others) {
            (ComponentKind::Tool, _) => self.tool_page(version, cursor),
            (_, Some(others)) => others.page(self, kind, version, cursor),
            (_, None) => self.empty_page(kind, cursor),
        }
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
        self.tables.others?.find_prompt(self, name)
    }

    fn find_resource(&self, uri: &str) -> Option<(Found, Variables)> {
        self.tables.others?.find_resource(self, uri)
    }

    fn find_completion(&self, of: &CompletionReference) -> FoundCompletion {
        match self.tables.others {
            Some(others) => others.find_completion(self, of),
            None => FoundCompletion::Unknown,
        }
    }

    fn read_completion(&self, params: &Params<'_>) -> Result<Option<CompleteParams>, RpcError> {
        match self.tables.others {
            Some(others) => others.read_completion(params).map(Some),
            None => Ok(None),
        }
    }
}
