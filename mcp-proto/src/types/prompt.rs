//! Prompts: messages that a server prepares for a model.

use super::{ContentBlock, Icon, InputResponses, Meta, Role};
use crate::wire::wire;
use alloc::{collections::BTreeMap, string::String, vec::Vec};

wire! {
    /// A prompt that a server offers.
    #[derive(Default)]
    pub struct Prompt {
        /// The programmatic name.
        pub name: String = "name",
        /// The name for people.
        pub title: Option<String> = opt "title" since V2025_06_18,
        /// What it is for.
        pub description: Option<String> = opt "description",
        /// What it can be filled in with.
        pub arguments: Vec<PromptArgument> = opt "arguments",
        /// Pictures to show beside it.
        pub icons: Vec<Icon> = opt "icons" since V2025_11_25,
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta" since V2025_06_18,
    }
}

impl Prompt {
    /// A prompt of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets the name for people.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Says what it is for.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn with_argument(mut self, argument: PromptArgument) -> Self {
        self.arguments.push(argument);
        self
    }

    /// Adds a picture.
    #[must_use]
    pub fn with_icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// Sets the metadata.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }
}

wire! {
    /// Something a prompt can be filled in with; its value is always a string.
    #[derive(Default)]
    pub struct PromptArgument {
        /// The programmatic name.
        pub name: String = "name",
        /// The name for people.
        pub title: Option<String> = opt "title" since V2025_06_18,
        /// What it means.
        pub description: Option<String> = opt "description",
        /// Whether the prompt makes no sense without.
        pub required: bool = opt "required",
    }
}

impl PromptArgument {
    /// An optional argument of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets the name for people.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Says what it means.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Makes it required or optional.
    #[must_use]
    pub fn with_required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }
}

wire! {
    /// A message of a prompt.
    pub struct PromptMessage {
        /// Who says it.
        pub role: Role = "role",
        /// What is said.
        pub content: ContentBlock = "content",
    }
}

impl PromptMessage {
    /// A message.
    #[must_use]
    pub fn new(role: Role, content: impl Into<ContentBlock>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }

    /// Something the person says.
    #[must_use]
    pub fn user(content: impl Into<ContentBlock>) -> Self {
        Self::new(Role::User, content)
    }

    /// Something the model says.
    #[must_use]
    pub fn assistant(content: impl Into<ContentBlock>) -> Self {
        Self::new(Role::Assistant, content)
    }
}

wire! {
    /// Parameters of `prompts/get`.
    #[derive(Default)]
    pub struct GetPromptParams {
        /// The prompt.
        pub name: String = "name",
        /// What to fill in.
        pub arguments: BTreeMap<String, String> = opt "arguments",
        /// Answers to what an earlier try asked for.
        pub input_responses: Option<InputResponses> = opt "inputResponses" since V2026_07_28,
        /// What an earlier try asked to be told again.
        pub request_state: Option<String> = opt "requestState" since V2026_07_28,
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl GetPromptParams {
    /// The prompt of that name, without arguments.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

wire! {
    /// Result of `prompts/get`.
    #[derive(Default)]
    pub struct GetPromptResult {
        const "resultType" = "complete" since V2026_07_28;
        /// What the prompt is for.
        pub description: Option<String> = opt "description",
        /// The messages.
        pub messages: Vec<PromptMessage> = "messages",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl GetPromptResult {
    /// Those messages.
    #[must_use]
    pub fn new(messages: Vec<PromptMessage>) -> Self {
        Self {
            messages,
            ..Self::default()
        }
    }
}
