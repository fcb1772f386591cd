//! What a session asks of the service behind it, with the handlers left out.

use alloc::sync::Arc;
use core::time::Duration;
use mcp_proto::{
    rpc::{Params, RpcError},
    types::{
        CacheHints, CompleteParams, CompletionReference, Implementation, ServerCapabilities,
        TaskSupport,
    },
    uri::Variables,
    version::ProtocolVersion,
};

use crate::{
    extension::ExtensionIndex,
    service::{ComponentKind, Page},
    state::StateKeeper,
};

/// Where in its service a handler is found. It holds for that one service only: a front turns it
/// into the handler before it takes a successor.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The tool at this position.
    Tool(u32),
    /// The prompt.
    Prompt(u32),
    /// The resource.
    Resource(u32),
    /// The resource template.
    Template(u32),
    /// What completes this prompt's arguments.
    PromptCompletion(u32),
    /// What completes this template's variables.
    TemplateCompletion(u32),
    /// What completes everything else.
    Completion,
    /// What serves an extension's method.
    Extension(u32),
}

/// A component that was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where its handler is.
    pub(crate) place: Place,
    /// Its name or URI, as it is registered.
    pub(crate) name: Arc<str>,
    /// How long one call may take, where it is not the limit that holds for all.
    pub(crate) timeout: Option<Duration>,
}

/// Whether a tool's calls become tasks.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskPolicy {
    pub(crate) support: TaskSupport,
    /// Not at once, but when the handler says so.
    pub(crate) detaches: bool,
}

/// Where a completion request leads to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum FoundCompletion {
    /// To the handler there.
    At(Place),
    /// To something that exists but proposes nothing.
    Nothing,
    /// To nothing that exists.
    Unknown,
}

/// A service as sessions see it. Sessions are not generic over the handlers, so that they are
/// compiled once; the front that drives one attaches the handler to each call.
///
/// What is disabled is not found, like what does not exist.
pub(crate) trait Offers {
    /// The server's name and version.
    fn info(&self) -> &Implementation;
    /// The same as JSON text of the newest revision.
    fn info_json(&self) -> &str;
    /// How the server is to be used.
    fn instructions(&self) -> Option<&str>;
    /// How long lists and the answer to `server/discover` may be kept.
    fn list_cache(&self) -> CacheHints;
    /// What keeps the states of calls that ask; `None`: each connection for itself.
    fn state_keeper(&self) -> Option<&Arc<dyn StateKeeper>>;
    /// What is declared to clients of that revision.
    fn capabilities(&self, version: ProtocolVersion) -> ServerCapabilities;
    /// One page of a list.
    fn page(
        &self,
        kind: ComponentKind,
        version: ProtocolVersion,
        cursor: Option<&str>,
    ) -> Result<Page<'_>, RpcError>;
    /// What goes beyond the specification.
    fn extensions(&self) -> &ExtensionIndex;
    /// The tool of that name, and whether it runs as a task.
    fn find_tool(&self, name: &str) -> Option<(Found, TaskPolicy)>;
    /// The prompt of that name.
    fn find_prompt(&self, name: &str) -> Option<Found>;
    /// The resource at that URI, or the template that matches it.
    fn find_resource(&self, uri: &str) -> Option<(Found, Variables)>;
    /// What completes the arguments of a prompt or the variables of a template.
    fn find_completion(&self, of: &CompletionReference) -> FoundCompletion;
    /// What is to be completed; `None` where nothing ever is.
    fn read_completion(&self, params: &Params<'_>) -> Result<Option<CompleteParams>, RpcError>;
}
