//! What tools, prompts and models say: text, pictures, sound, resources.

use super::{Icon, Meta, Resource, ResourceContents};
use crate::{
    base64,
    encode::{self, Encode, Object},
    json::Json,
    version::ProtocolVersion,
    wire::{self, names, wire},
};
use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;
use serde::{Deserialize, Deserializer, de};

names! {
    /// Who speaks, or whom something is for.
    pub enum Role {
        /// The person.
        User = "user",
        /// The model.
        Assistant = "assistant",
    }
}

wire! {
    /// Hints on how to use what they stand at.
    #[derive(Default)]
    pub struct Annotations {
        /// Whom it is for.
        pub audience: Vec<Role> = opt "audience",
        /// How important it is, from 0.0 to 1.0.
        pub priority: Option<f64> = opt "priority",
        /// When it last changed, in ISO 8601.
        pub last_modified: Option<String> = opt "lastModified" since V2025_06_18,
    }
}

impl Annotations {
    /// Without any hint.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

wire! {
    /// Text.
    #[derive(Default)]
    pub struct TextContent {
        const "type" = "text";
        /// The text.
        pub text: String = "text",
        /// Hints.
        pub annotations: Option<Annotations> = opt "annotations",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta" since V2025_06_18,
    }
}

impl TextContent {
    /// That text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

macro_rules! media {
    ($($(#[$attr:meta])* $name:ident $tag:literal)*) => {$(
        wire! {
            $(#[$attr])*
            #[derive(Default)]
            pub struct $name {
                const "type" = $tag;
                /// The data, in base64.
                pub data: String = "data",
                /// Its type.
                pub mime_type: String = "mimeType",
                /// Hints.
                pub annotations: Option<Annotations> = opt "annotations",
                /// Metadata.
                pub meta: Option<Meta> = meta "_meta" since V2025_06_18,
            }
        }

        impl $name {
            /// From data that is base64 already.
            #[must_use]
            pub fn new(data: impl Into<String>, mime_type: impl Into<String>) -> Self {
                Self { data: data.into(), mime_type: mime_type.into(), ..Self::default() }
            }

            /// From the bytes themselves.
            #[must_use]
            pub fn from_bytes(bytes: &[u8], mime_type: impl Into<String>) -> Self {
                Self::new(base64::encode(bytes), mime_type)
            }
        }
    )*};
}

media! {
    /// A picture.
    ImageContent "image"
    /// Sound, from 2025-03-26 on.
    AudioContent "audio"
}

wire! {
    /// A resource's contents, within a message.
    pub struct EmbeddedResource {
        const "type" = "resource";
        /// The contents.
        pub resource: ResourceContents = "resource",
        /// Hints.
        pub annotations: Option<Annotations> = opt "annotations",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta" since V2025_06_18,
    }
}

impl EmbeddedResource {
    /// Those contents.
    #[must_use]
    pub fn new(resource: ResourceContents) -> Self {
        Self {
            resource,
            annotations: None,
            meta: None,
        }
    }
}

wire! {
    /// A resource that can be read, named within a message; from 2025-06-18 on.
    #[derive(Default)]
    pub struct ResourceLink {
        const "type" = "resource_link";
        /// Where it is.
        pub uri: String = "uri",
        /// The programmatic name.
        pub name: String = "name",
        /// The name for people.
        pub title: Option<String> = opt "title" since V2025_06_18,
        /// What it holds.
        pub description: Option<String> = opt "description",
        /// The type of its contents.
        pub mime_type: Option<String> = opt "mimeType",
        /// The size of its contents in bytes, before base64.
        pub size: Option<u64> = hint "size",
        /// Hints.
        pub annotations: Option<Annotations> = opt "annotations",
        /// Pictures to show beside it.
        pub icons: Vec<Icon> = opt "icons" since V2025_11_25,
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta" since V2025_06_18,
    }
}

impl ResourceLink {
    /// The resource of that name at `uri`.
    #[must_use]
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            name: name.into(),
            ..Self::default()
        }
    }
}

impl From<Resource> for ResourceLink {
    fn from(resource: Resource) -> Self {
        let Resource {
            uri,
            name,
            title,
            description,
            mime_type,
            size,
            annotations,
            icons,
            meta,
        } = resource;
        Self {
            uri,
            name,
            title,
            description,
            mime_type,
            size,
            annotations,
            icons,
            meta,
        }
    }
}

/// One piece of a tool's result or of a prompt's message.
///
/// Where the peer's revision lacks a kind, text takes its place: `[name](uri)` for a link before
/// 2025-06-18, `[audio audio/wav]` for sound in 2024-11-05.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ContentBlock {
    /// Text.
    Text(TextContent),
    /// A picture.
    Image(ImageContent),
    /// Sound.
    Audio(AudioContent),
    /// A resource that can be read.
    ResourceLink(Box<ResourceLink>),
    /// A resource's contents.
    Resource(Box<EmbeddedResource>),
    /// A kind that no revision we know defines, kept and written as it came.
    Unknown(Json),
}

impl ContentBlock {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextContent::new(text))
    }

    /// A picture in base64.
    #[must_use]
    pub fn image(data: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::Image(ImageContent::new(data, mime_type))
    }

    /// Sound in base64.
    #[must_use]
    pub fn audio(data: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::Audio(AudioContent::new(data, mime_type))
    }

    /// A resource's contents.
    #[must_use]
    pub fn resource(contents: ResourceContents) -> Self {
        Self::Resource(Box::new(EmbeddedResource::new(contents)))
    }

    /// A resource that can be read.
    #[must_use]
    pub fn link(link: impl Into<ResourceLink>) -> Self {
        Self::ResourceLink(Box::new(link.into()))
    }

    /// The text, where this is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(content) => Some(&content.text),
            _ => None,
        }
    }
}

impl From<String> for ContentBlock {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for ContentBlock {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

macro_rules! from_content {
    ($($ty:ident => $variant:ident),*) => {$(
        impl From<$ty> for ContentBlock {
            fn from(content: $ty) -> Self {
                Self::$variant(content.into())
            }
        }
    )*};
}
from_content!(TextContent => Text, ImageContent => Image, AudioContent => Audio,
              ResourceLink => ResourceLink, EmbeddedResource => Resource);

impl Encode for ContentBlock {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Self::Text(content) => content.encode(out, version),
            Self::Image(content) => content.encode(out, version),
            Self::Audio(content) if version < ProtocolVersion::V2025_03_26 => {
                write_placeholder(
                    out,
                    version,
                    format_args!("[audio {}]", content.mime_type),
                    content.annotations.as_ref(),
                );
            }
            Self::Audio(content) => content.encode(out, version),
            Self::ResourceLink(link) if version < ProtocolVersion::V2025_06_18 => {
                write_placeholder(
                    out,
                    version,
                    format_args!("[{}]({})", link.name, link.uri),
                    link.annotations.as_ref(),
                );
            }
            Self::ResourceLink(link) => link.encode(out, version),
            Self::Resource(content) => content.encode(out, version),
            Self::Unknown(block) => block.encode(out, version),
        }
    }
}

/// Writes a text block in the place of one that the revision lacks.
pub(super) fn write_placeholder(
    out: &mut Vec<u8>,
    version: ProtocolVersion,
    text: fmt::Arguments<'_>,
    annotations: Option<&Annotations>,
) {
    let mut object = Object::new(out, version);
    object.constant(",\"type\":\"text\"");
    encode::write_display(object.key("text").0, &text);
    object.optional("annotations", &annotations);
    object.end();
}

wire::serialize_as_latest!(ContentBlock);

impl<'de> Deserialize<'de> for ContentBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        wire::tagged(deserializer)
    }
}

impl wire::Tagged for ContentBlock {
    const TAG: &'static str = "type";
    const NAMES: &'static [&'static str] = &["text", "image", "audio", "resource_link", "resource"];

    fn variant<'de, D: Deserializer<'de>>(index: usize, members: D) -> Result<Self, D::Error> {
        match index {
            0 => TextContent::deserialize(members).map(Self::Text),
            1 => ImageContent::deserialize(members).map(Self::Image),
            2 => AudioContent::deserialize(members).map(Self::Audio),
            3 => Box::deserialize(members).map(Self::ResourceLink),
            _ => Box::deserialize(members).map(Self::Resource),
        }
    }

    fn unknown<E: de::Error>(tag: Option<&str>, value: Json) -> Result<Self, E> {
        match tag {
            Some(_) => Ok(Self::Unknown(value)),
            None => Err(E::missing_field(Self::TAG)),
        }
    }
}
