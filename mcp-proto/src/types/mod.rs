//! Every type of every revision, as one superset.
//!
//! A struct here has the members of all five revisions. [`Encode`](crate::encode::Encode) writes
//! those that the peer's revision knows and rewrites what it has to; decoding takes any revision's
//! form, ignores what is unknown and is strict only where a message would have no meaning.
//!
//! Conventions: an optional member is an `Option`, an empty `Vec` or map, or `false`, none of which
//! are written. Members whose absence means something else than their default are `Option`s.

mod answer;
mod capabilities;
mod complete;
mod content;
mod discover;
mod elicit;
mod form;
mod implementation;
mod initialize;
mod input;
mod list;
mod log;
mod map;
mod progress;
mod prompt;
mod resource;
mod roots;
mod sample;
mod schema;
mod subscribe;
mod task;
mod tool;

#[cfg(test)]
mod tests;

pub use capabilities::{
    ClientCapabilities, ClientTaskRequests, ClientTasksCapability, ElicitationCapability,
    ElicitationTaskRequests, PromptsCapability, ResourcesCapability, RootsCapability,
    SamplingCapability, SamplingTaskRequests, ServerCapabilities, ServerTaskRequests,
    ServerTasksCapability, ToolTaskRequests, ToolsCapability,
};
pub use complete::{
    CompleteParams, CompleteResult, Completion, CompletionArgument, CompletionContext,
    CompletionReference, PromptReference, ResourceReference,
};
pub use content::{
    Annotations, AudioContent, ContentBlock, EmbeddedResource, ImageContent, ResourceLink, Role,
    TextContent,
};
pub use discover::DiscoverResult;
pub use elicit::{
    ElicitAction, ElicitFormParams, ElicitParams, ElicitResult, ElicitUrlParams,
    ElicitationCompleteParams, UrlElicitationRequired,
};
pub use form::{
    BooleanSchema, ElicitSchema, EnumChoice, EnumSchema, MultiSelect, NumberSchema,
    PrimitiveSchema, StringFormat, StringSchema,
};
pub use implementation::{Icon, IconTheme, Implementation};
pub use initialize::{InitializeParams, InitializeResult};
pub use input::{
    InputRequest, InputRequests, InputRequiredResult, InputResponses, Outcome, ResultType,
};
pub use list::{
    CacheHints, CacheScope, EmptyParams, EmptyResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedParams,
};
pub use log::{LogParams, LoggingLevel, SetLevelParams};
pub use map::{Map, Meta};
pub use progress::{CancelledParams, ProgressParams, ProgressToken};
pub use prompt::{GetPromptParams, GetPromptResult, Prompt, PromptArgument, PromptMessage};
pub use resource::{
    ReadResourceParams, ReadResourceResult, Resource, ResourceBody, ResourceContents,
    ResourceTemplate, ResourceUpdatedParams,
};
pub use roots::{ListRootsResult, Root};
pub use sample::{
    CreateMessageParams, CreateMessageResult, IncludeContext, ModelHint, ModelPreferences,
    SamplingContent, SamplingMessage, ToolChoice, ToolChoiceMode, ToolResultContent,
    ToolUseContent,
};
pub use schema::OutputSchema;
pub use subscribe::{
    AcknowledgedParams, ListenParams, ListenResult, SubscribeParams, SubscriptionFilter,
    UnsubscribeParams,
};
pub use task::{
    CreateTaskResult, GetTaskResult, ListTasksResult, Task, TaskMetadata, TaskOutcome, TaskParams,
    TaskStatus, UpdateTaskParams,
};
pub use tool::{CallToolParams, CallToolResult, TaskSupport, Tool, ToolAnnotations, ToolExecution};
