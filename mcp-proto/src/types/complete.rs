//! Completion of arguments while a person types them.

use super::Meta;
use crate::{
    encode::Encode,
    json::Json,
    version::ProtocolVersion,
    wire::{self, wire},
};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Deserializer, de};

wire! {
    /// Parameters of `completion/complete`.
    pub struct CompleteParams {
        /// What the argument belongs to.
        pub reference: CompletionReference = "ref",
        /// The argument being typed.
        pub argument: CompletionArgument = "argument",
        /// What has been filled in before.
        pub context: Option<CompletionContext> = opt "context" since V2025_06_18,
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl CompleteParams {
    /// Completes that argument of `reference`.
    #[must_use]
    pub fn new(reference: CompletionReference, argument: CompletionArgument) -> Self {
        Self {
            reference,
            argument,
            context: None,
            meta: None,
        }
    }
}

/// What a completed argument belongs to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CompletionReference {
    /// A prompt's argument.
    Prompt(PromptReference),
    /// A variable of a resource template.
    Resource(ResourceReference),
}

impl CompletionReference {
    /// The prompt of that name.
    #[must_use]
    pub fn prompt(name: impl Into<String>) -> Self {
        Self::Prompt(PromptReference {
            name: name.into(),
            title: None,
        })
    }

    /// The resource template with that text.
    #[must_use]
    pub fn resource(uri: impl Into<String>) -> Self {
        Self::Resource(ResourceReference { uri: uri.into() })
    }
}

impl Encode for CompletionReference {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Self::Prompt(prompt) => prompt.encode(out, version),
            Self::Resource(resource) => resource.encode(out, version),
        }
    }
}

wire::serialize_as_latest!(CompletionReference);

impl<'de> Deserialize<'de> for CompletionReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        wire::tagged(deserializer)
    }
}

impl wire::Tagged for CompletionReference {
    const TAG: &'static str = "type";
    const NAMES: &'static [&'static str] = &["ref/prompt", "ref/resource"];

    fn variant<'de, D: Deserializer<'de>>(index: usize, members: D) -> Result<Self, D::Error> {
        match index {
            0 => PromptReference::deserialize(members).map(Self::Prompt),
            _ => ResourceReference::deserialize(members).map(Self::Resource),
        }
    }

    fn unknown<E: de::Error>(tag: Option<&str>, _: Json) -> Result<Self, E> {
        Err(match tag {
            Some(tag) => E::unknown_variant(tag, Self::NAMES),
            None => E::missing_field(Self::TAG),
        })
    }
}

wire! {
    /// A prompt, by name.
    #[derive(Default)]
    pub struct PromptReference {
        const "type" = "ref/prompt";
        /// The programmatic name.
        pub name: String = "name",
        /// The name for people.
        pub title: Option<String> = opt "title" since V2025_06_18,
    }
}

wire! {
    /// A resource template, by its text, or a resource.
    #[derive(Default)]
    pub struct ResourceReference {
        const "type" = "ref/resource";
        /// The template or URI.
        pub uri: String = "uri",
    }
}

wire! {
    /// The argument being typed.
    #[derive(Default)]
    pub struct CompletionArgument {
        /// Its name.
        pub name: String = "name",
        /// What has been typed.
        pub value: String = "value",
    }
}

impl CompletionArgument {
    /// That argument, typed so far.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

wire! {
    /// What has been filled in before.
    #[derive(Default)]
    pub struct CompletionContext {
        /// The other arguments.
        pub arguments: BTreeMap<String, String> = opt "arguments",
    }
}

impl CompletionContext {
    /// Those arguments have been filled in.
    #[must_use]
    pub fn new(arguments: BTreeMap<String, String>) -> Self {
        Self { arguments }
    }
}

wire! {
    /// Result of `completion/complete`.
    #[derive(Default)]
    pub struct CompleteResult {
        const "resultType" = "complete" since V2026_07_28;
        /// The proposals.
        pub completion: Completion = "completion",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl CompleteResult {
    /// Those proposals, all of them or the first hundred.
    #[must_use]
    pub fn new(values: Vec<String>) -> Self {
        Self {
            completion: Completion::new(values),
            meta: None,
        }
    }
}

wire! {
    /// Proposals for an argument.
    #[derive(Default)]
    pub struct Completion {
        /// At most 100 of them.
        pub values: Vec<String> = "values",
        /// How many there are.
        pub total: Option<u64> = hint "total",
        /// Whether there are more than these.
        pub has_more: Option<bool> = opt "hasMore",
    }
}

impl Completion {
    /// The most values one answer may carry (every revision, server/utilities/completion).
    pub const MOST: usize = 100;

    /// Keeps what one answer may carry of `values`, and says how many there were if it is less.
    #[must_use]
    pub fn new(mut values: Vec<String>) -> Self {
        let all = values.len();
        if all <= Self::MOST {
            return Self {
                values,
                total: None,
                has_more: None,
            };
        }
        values.truncate(Self::MOST);
        Self {
            values,
            total: Some(all as u64),
            has_more: Some(true),
        }
    }
}
