//! Questions to the person at the client, from 2025-06-18 on.

use super::{ElicitSchema, Meta, TaskMetadata};
use crate::{
    encode::{EncodeFields, Object, Sendable, Unsendable},
    json::Json,
    version::ProtocolVersion,
    wire::{self, encode_as_object, names, serialize_as_latest, wire, wire_struct},
};
use alloc::{format, string::String, vec::Vec};
use serde::{Deserialize, Deserializer, de};

/// Parameters of `elicitation/create`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ElicitParams {
    /// A form to fill in.
    Form(ElicitFormParams),
    /// A page to visit, from 2025-11-25 on.
    Url(ElicitUrlParams),
}

impl ElicitParams {
    /// Asks for what the schema describes.
    #[must_use]
    pub fn form(message: impl Into<String>, schema: ElicitSchema) -> Self {
        Self::Form(ElicitFormParams::new(message, schema))
    }

    /// Sends the person to a page.
    #[must_use]
    pub fn url(message: impl Into<String>, url: impl Into<String>) -> Self {
        Self::Url(ElicitUrlParams::new(message, url))
    }

    /// What is shown above the form or link.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Form(form) => &form.message,
            Self::Url(url) => &url.message,
        }
    }
}

impl EncodeFields for ElicitParams {
    fn encode_fields(&self, object: &mut Object<'_>) {
        match self {
            Self::Form(form) => form.encode_fields(object),
            Self::Url(url) => url.encode_fields(object),
        }
    }
}

encode_as_object!(ElicitParams);
serialize_as_latest!(ElicitParams);

impl<'de> Deserialize<'de> for ElicitParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        wire::tagged(deserializer)
    }
}

impl wire::Tagged for ElicitParams {
    const TAG: &'static str = "mode";
    const NAMES: &'static [&'static str] = &["form", "url"];

    fn variant<'de, D: Deserializer<'de>>(index: usize, members: D) -> Result<Self, D::Error> {
        match index {
            0 => ElicitFormParams::deserialize(members).map(Self::Form),
            _ => ElicitUrlParams::deserialize(members).map(Self::Url),
        }
    }

    fn unknown<E: de::Error>(tag: Option<&str>, value: Json) -> Result<Self, E> {
        match tag {
            // 2025-11-25, client/elicitation: without a mode it is a form.
            None => value.to().map(Self::Form).map_err(E::custom),
            Some(tag) => Err(E::unknown_variant(tag, Self::NAMES)),
        }
    }
}

impl Sendable for ElicitParams {
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable> {
        match self {
            Self::Form(form) => form.check(version),
            Self::Url(url) => url.check(version),
        }
    }
}

wire! {
    /// Parameters of `elicitation/create` for a form.
    pub struct ElicitFormParams {
        const "mode" = "form" since V2025_11_25;
        /// What is shown above the form.
        pub message: String = "message",
        /// The form.
        pub requested_schema: ElicitSchema = "requestedSchema",
        /// Asks for this to be run as a task (2025-11-25 only).
        pub task: Option<TaskMetadata> = opt "task" since V2025_11_25 until V2025_11_25,
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta" until V2025_11_25,
    }
}

impl ElicitFormParams {
    /// Asks for what the schema describes.
    #[must_use]
    pub fn new(message: impl Into<String>, requested_schema: ElicitSchema) -> Self {
        Self {
            message: message.into(),
            requested_schema,
            task: None,
            meta: None,
        }
    }
}

impl Sendable for ElicitFormParams {
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable> {
        self.requested_schema.check(version)
    }
}

wire_struct! {
    /// Parameters of `elicitation/create` for a page to visit.
    #[derive(Default)]
    pub struct ElicitUrlParams {
        /// Why.
        pub message: String = "message",
        /// Where to.
        pub url: String = "url",
        /// Tells this question from others; required in 2025-11-25 and gone after it.
        pub elicitation_id: Option<String> = opt "elicitationId",
        /// Asks for this to be run as a task (2025-11-25 only).
        pub task: Option<TaskMetadata> = opt "task",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl ElicitUrlParams {
    /// Sends the person to a page.
    #[must_use]
    pub fn new(message: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            url: url.into(),
            ..Self::default()
        }
    }
}

impl EncodeFields for ElicitUrlParams {
    fn encode_fields(&self, object: &mut Object<'_>) {
        let version = object.version();
        if version < ProtocolVersion::V2025_11_25 {
            // Not meant to be sent; a form that shows the link is the nearest thing.
            object.field("message", &format!("{}\n{}", self.message, self.url));
            object.raw("requestedSchema", r#"{"type":"object","properties":{}}"#);
            object.meta(self.meta.as_ref());
            return;
        }
        object.field("mode", "url");
        object.field("message", &self.message);
        object.field("url", &self.url);
        if version == ProtocolVersion::V2025_11_25 {
            object.field(
                "elicitationId",
                self.elicitation_id.as_deref().unwrap_or_default(),
            );
            object.optional("task", &self.task);
            object.meta(self.meta.as_ref());
        }
    }
}

encode_as_object!(ElicitUrlParams);

impl Sendable for ElicitUrlParams {
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable> {
        Unsendable::unless(version, ProtocolVersion::V2025_11_25, "elicitation by URL")?;
        if version == ProtocolVersion::V2025_11_25 && self.elicitation_id.is_none() {
            let what = "elicitation by URL without an elicitationId";
            return Err(Unsendable::new(what, ProtocolVersion::V2026_07_28));
        }
        Ok(())
    }
}

wire! {
    /// Parameters of `notifications/elicitation/complete`, in 2025-11-25 only.
    #[derive(Default)]
    pub struct ElicitationCompleteParams {
        /// The question that was answered elsewhere.
        pub elicitation_id: String = "elicitationId",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl ElicitationCompleteParams {
    /// That question was answered.
    #[must_use]
    pub fn new(elicitation_id: impl Into<String>) -> Self {
        Self {
            elicitation_id: elicitation_id.into(),
            meta: None,
        }
    }
}

wire! {
    /// Data of the error -32042 of 2025-11-25: pages to visit before the request is tried again.
    #[derive(Default)]
    pub struct UrlElicitationRequired {
        /// The pages.
        pub elicitations: Vec<ElicitUrlParams> = "elicitations",
    }
}

impl UrlElicitationRequired {
    /// Those pages.
    #[must_use]
    pub fn new(elicitations: Vec<ElicitUrlParams>) -> Self {
        Self { elicitations }
    }
}

wire! {
    /// Result of `elicitation/create`.
    pub struct ElicitResult {
        /// What the person did.
        pub action: ElicitAction = "action",
        /// What they filled in: an object that fits the schema, when they accepted a form.
        pub content: Option<Json> = opt "content",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta" until V2025_11_25,
    }
}

impl ElicitResult {
    /// The form filled in.
    #[must_use]
    pub fn accept(content: Json) -> Self {
        Self {
            action: ElicitAction::Accept,
            content: Some(content),
            meta: None,
        }
    }

    /// Anything without content.
    #[must_use]
    pub fn new(action: ElicitAction) -> Self {
        Self {
            action,
            content: None,
            meta: None,
        }
    }
}

names! {
    /// What the person did with a question.
    pub enum ElicitAction {
        /// Answered it.
        Accept = "accept",
        /// Said no.
        Decline = "decline",
        /// Closed it.
        Cancel = "cancel",
    }
}
