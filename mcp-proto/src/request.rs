//! Methods as types: what each request takes and gives, and what each notification carries.
//!
//! One marker type per row of [`METHODS`](crate::method::METHODS), named as its
//! [`Method`] variant. They are never made; they stand in type parameters:
//!
//! ```
//! use mcp_proto::request::{ListTools, Paged, Request};
//!
//! assert_eq!(ListTools::NAME, "tools/list");
//! let second_page: <ListTools as Request>::Params = ListTools::at(Some("c2"));
//! assert_eq!(second_page.cursor.as_deref(), Some("c2"));
//! ```

use alloc::{string::String, vec::Vec};
use serde::de::DeserializeOwned;

use crate::{encode::EncodeFields, json::Json, method::Method, types::*};

/// A request: its method, what it takes, and what it gives.
///
/// Implement it for the methods of an extension; those of the specification are here.
pub trait Request {
    /// The method's name on the wire.
    const NAME: &'static str;
    /// The method's row in the table; `None` for one that the specification does not know.
    const METHOD: Option<Method> = None;
    /// The parameters. Cloned only where a request has to wait before it can be written.
    type Params: EncodeFields + Clone + Send + Sync + 'static;
    /// The result.
    type Result: DeserializeOwned;
}

/// A notification: its method and what it carries.
pub trait Notification {
    /// The method's name on the wire.
    const NAME: &'static str;
    /// The method's row in the table; `None` for one that the specification does not know.
    const METHOD: Option<Method> = None;
    /// The parameters.
    type Params: EncodeFields;
}

/// A request whose result is one page of a list.
pub trait Paged: Request {
    /// What the list holds.
    type Item;

    /// The parameters for the page at `cursor`, or for the first one.
    fn at(cursor: Option<&str>) -> Self::Params;

    /// The page's items. Where the next page begins is the result's `nextCursor`.
    fn items(page: Self::Result) -> Vec<Self::Item>;
}

macro_rules! requests {
    ($($marker:ident($params:ty) -> $result:ty;)*) => {$(
        #[doc = concat!("The request of [`Method::", stringify!($marker), "`].")]
        #[derive(Debug)]
        #[non_exhaustive]
        pub enum $marker {}

        impl Request for $marker {
            const NAME: &'static str = Method::$marker.name();
            const METHOD: Option<Method> = Some(Method::$marker);
            type Params = $params;
            type Result = $result;
        }
    )*};
}

macro_rules! notifications {
    ($($marker:ident($params:ty);)*) => {$(
        #[doc = concat!("The notification of [`Method::", stringify!($marker), "`].")]
        #[derive(Debug)]
        #[non_exhaustive]
        pub enum $marker {}

        impl Notification for $marker {
            const NAME: &'static str = Method::$marker.name();
            const METHOD: Option<Method> = Some(Method::$marker);
            type Params = $params;
        }
    )*};
}

macro_rules! paged {
    ($($marker:ident: $items:ident[$item:ty];)*) => {$(
        impl Paged for $marker {
            type Item = $item;

            fn at(cursor: Option<&str>) -> PaginatedParams {
                PaginatedParams { cursor: cursor.map(String::from), ..PaginatedParams::default() }
            }

            fn items(page: Self::Result) -> Vec<$item> {
                page.$items
            }
        }
    )*};
}

requests! {
    Initialize(InitializeParams) -> InitializeResult;
    Ping(EmptyParams) -> EmptyResult;
    Discover(EmptyParams) -> DiscoverResult;
    ListTools(PaginatedParams) -> ListToolsResult;
    CallTool(CallToolParams) -> CallToolResult;
    ListResources(PaginatedParams) -> ListResourcesResult;
    ListResourceTemplates(PaginatedParams) -> ListResourceTemplatesResult;
    ReadResource(ReadResourceParams) -> ReadResourceResult;
    Subscribe(SubscribeParams) -> EmptyResult;
    Unsubscribe(UnsubscribeParams) -> EmptyResult;
    Listen(ListenParams) -> ListenResult;
    ListPrompts(PaginatedParams) -> ListPromptsResult;
    GetPrompt(GetPromptParams) -> GetPromptResult;
    Complete(CompleteParams) -> CompleteResult;
    SetLevel(SetLevelParams) -> EmptyResult;
    CreateMessage(CreateMessageParams) -> CreateMessageResult;
    ListRoots(EmptyParams) -> ListRootsResult;
    Elicit(ElicitParams) -> ElicitResult;
    GetTask(TaskParams) -> GetTaskResult;
    TaskResult(TaskParams) -> Json;
    ListTasks(PaginatedParams) -> ListTasksResult;
    CancelTask(TaskParams) -> Json;
    UpdateTask(UpdateTaskParams) -> EmptyResult;
}

paged! {
    ListTools: tools[Tool];
    ListResources: resources[Resource];
    ListResourceTemplates: resource_templates[ResourceTemplate];
    ListPrompts: prompts[Prompt];
    ListTasks: tasks[Task];
}

notifications! {
    Initialized(EmptyParams);
    Cancelled(CancelledParams);
    Progress(ProgressParams);
    Log(LogParams);
    ResourceUpdated(ResourceUpdatedParams);
    ResourcesChanged(EmptyParams);
    ToolsChanged(EmptyParams);
    PromptsChanged(EmptyParams);
    RootsChanged(EmptyParams);
    ElicitComplete(ElicitationCompleteParams);
    Acknowledged(AcknowledgedParams);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::{Kind, METHODS};

    #[test]
    fn every_request_of_the_table_has_a_type() {
        let names = [
            Initialize::NAME,
            Ping::NAME,
            Discover::NAME,
            ListTools::NAME,
            CallTool::NAME,
            ListResources::NAME,
            ListResourceTemplates::NAME,
            ReadResource::NAME,
            Subscribe::NAME,
            Unsubscribe::NAME,
            Listen::NAME,
            ListPrompts::NAME,
            GetPrompt::NAME,
            Complete::NAME,
            SetLevel::NAME,
            CreateMessage::NAME,
            ListRoots::NAME,
            Elicit::NAME,
            GetTask::NAME,
            TaskResult::NAME,
            ListTasks::NAME,
            CancelTask::NAME,
            UpdateTask::NAME,
        ];
        let table: Vec<_> = METHODS
            .iter()
            .filter(|row| row.kind == Kind::Request)
            .map(|row| row.name)
            .collect();
        assert_eq!(names.as_slice(), table);
    }

    #[test]
    fn an_empty_cursor_is_a_cursor() {
        assert_eq!(ListTools::at(Some("")).cursor.as_deref(), Some(""));
        assert_eq!(ListTools::at(None).cursor, None);
    }
}
