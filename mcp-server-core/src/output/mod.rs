//! What handlers return, and what becomes of it.
//!
//! | a tool returns | content | structured content, output schema |
//! |---|---|---|
//! | `()` | nothing | – |
//! | `&str`, `String`, `Cow<str>`, `Box<str>`, `Arc<str>` | one text | – |
//! | a number, `bool`; a `Vec` or array of such or of text; a `BTreeMap` | its JSON as text | the value, with a schema |
//! | [`Json<T>`] | its JSON as text | the value, with `T`'s schema |
//! | [`json::Json`](mcp_proto::json::Json), `serde_json::Value` | its JSON as text | the value where it is an object; no schema |
//! | [`Image`], [`Audio`], `ContentBlock`, `ResourceLink`, `ResourceContents` | that block | – |
//! | a `Vec` or array of blocks, images, … | all of them | – |
//! | `(content, Json<T>)` | as the first says | as the second says |
//! | `Option<T>` | as `T` says; nothing | as `T` says; `null` |
//! | `CallToolResult` | as it is | as it is |
//! | `Result<T, E>` | as `T` says, or an error ([`ToolError`](crate::ToolError)) | as `T` says |
//!
//! Where a result has structured content and no other, its text is written by the encoder,
//! straight from the one copy. Revisions until 2025-11-25 allow only objects there, so other values
//! are wrapped for them as `{"result": …}`, in the schema too.

mod completion;
mod content;
mod prompt;
mod resource;
mod tool;

pub use completion::IntoCompletion;
pub use content::{Audio, Image, IntoContent};
pub use prompt::IntoPromptResult;
pub use resource::{IntoResourceResult, ResourceTarget};
pub use tool::{IntoToolResult, Item};

/// A value that is returned as JSON: from tools as structured content with an output schema, from
/// resources as JSON text.
///
/// ```
/// use mcp_server_core::{IntoToolResult, Json};
///
/// let result = Json([1, 2, 3]).into_tool_result().unwrap();
/// assert_eq!(result.structured_content.unwrap().as_str(), "[1,2,3]");
/// ```
///
/// The text of a JSON value is another type: [`mcp_proto::json::Json`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(
    /// The value.
    pub T,
);
