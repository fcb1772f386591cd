//! Resources: what a server lets others read.

use super::{Annotations, Icon, InputResponses, Meta};
use crate::{
    base64,
    encode::{EncodeFields, Object},
    version::ProtocolVersion,
    wire::{cacheable, encode_as_object, serialize_as_latest, wire},
};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Deserializer, de};

wire! {
    /// A resource that a server offers.
    #[derive(Default)]
    pub struct Resource {
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

wire! {
    /// A family of resources, by the template of their URIs (RFC 6570).
    #[derive(Default)]
    pub struct ResourceTemplate {
        /// The template.
        pub uri_template: String = "uriTemplate",
        /// The programmatic name.
        pub name: String = "name",
        /// The name for people.
        pub title: Option<String> = opt "title" since V2025_06_18,
        /// What they hold.
        pub description: Option<String> = opt "description",
        /// The type of their contents, where all have the same.
        pub mime_type: Option<String> = opt "mimeType",
        /// Hints.
        pub annotations: Option<Annotations> = opt "annotations",
        /// Pictures to show beside it.
        pub icons: Vec<Icon> = opt "icons" since V2025_11_25,
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta" since V2025_06_18,
    }
}

macro_rules! described {
    ($($name:ident { $uri:ident })*) => {$(
        impl $name {
            /// Under that URI and name.
            #[must_use]
            pub fn new($uri: impl Into<String>, name: impl Into<String>) -> Self {
                Self { $uri: $uri.into(), name: name.into(), ..Self::default() }
            }

            /// Sets the name for people.
            #[must_use]
            pub fn with_title(mut self, title: impl Into<String>) -> Self {
                self.title = Some(title.into());
                self
            }

            /// Says what it holds.
            #[must_use]
            pub fn with_description(mut self, description: impl Into<String>) -> Self {
                self.description = Some(description.into());
                self
            }

            /// Sets the type of the contents.
            #[must_use]
            pub fn with_mime_type(mut self, mime_type: impl Into<String>) -> Self {
                self.mime_type = Some(mime_type.into());
                self
            }

            /// Sets the hints.
            #[must_use]
            pub fn with_annotations(mut self, annotations: Annotations) -> Self {
                self.annotations = Some(annotations);
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
    )*};
}
described! { Resource { uri } ResourceTemplate { uri_template } }

impl Resource {
    /// Sets the size of the contents in bytes, before base64.
    #[must_use]
    pub fn with_size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }
}

/// The contents of a resource, or of a part of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResourceContents {
    /// Where they are.
    pub uri: String,
    /// Their type.
    pub mime_type: Option<String>,
    /// The contents themselves.
    pub body: ResourceBody,
    /// Metadata.
    pub meta: Option<Meta>,
}

/// Text or bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResourceBody {
    /// Text.
    Text(String),
    /// Bytes, in base64.
    Blob(String),
}

impl ResourceContents {
    /// Text at `uri`.
    #[must_use]
    pub fn text(uri: impl Into<String>, text: impl Into<String>) -> Self {
        let body = ResourceBody::Text(text.into());
        Self {
            uri: uri.into(),
            mime_type: None,
            body,
            meta: None,
        }
    }

    /// Bytes at `uri`, in base64 already.
    #[must_use]
    pub fn blob(uri: impl Into<String>, base64: impl Into<String>) -> Self {
        let body = ResourceBody::Blob(base64.into());
        Self {
            uri: uri.into(),
            mime_type: None,
            body,
            meta: None,
        }
    }

    /// Bytes at `uri`.
    #[must_use]
    pub fn bytes(uri: impl Into<String>, bytes: &[u8]) -> Self {
        Self::blob(uri, base64::encode(bytes))
    }

    /// Sets the type.
    #[must_use]
    pub fn with_mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }

    /// Sets the metadata.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// The text, where the contents are text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.body {
            ResourceBody::Text(text) => Some(text),
            ResourceBody::Blob(_) => None,
        }
    }
}

impl EncodeFields for ResourceContents {
    fn encode_fields(&self, object: &mut Object<'_>) {
        object.member(",\"uri\":", &self.uri);
        object.optional_member(",\"mimeType\":", &self.mime_type);
        match &self.body {
            ResourceBody::Text(text) => object.member(",\"text\":", text),
            ResourceBody::Blob(base64) => object.member(",\"blob\":", base64),
        }
        if object.version() >= ProtocolVersion::V2025_06_18 {
            object.meta(self.meta.as_ref());
        }
    }
}

encode_as_object!(ResourceContents);
serialize_as_latest!(ResourceContents);

impl<'de> Deserialize<'de> for ResourceContents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Flat {
            uri: String,
            #[serde(rename = "mimeType")]
            mime_type: Option<String>,
            text: Option<String>,
            blob: Option<String>,
            #[serde(rename = "_meta")]
            meta: Option<Meta>,
        }
        let Flat {
            uri,
            mime_type,
            text,
            blob,
            meta,
        } = Flat::deserialize(deserializer)?;
        let body = match (text, blob) {
            (Some(text), _) => ResourceBody::Text(text),
            (None, Some(blob)) => ResourceBody::Blob(blob),
            (None, None) => return Err(de::Error::missing_field("text` or `blob")),
        };
        Ok(Self {
            uri,
            mime_type,
            body,
            meta,
        })
    }
}

wire! {
    /// Parameters of `resources/read`.
    #[derive(Default)]
    pub struct ReadResourceParams {
        /// The resource to read.
        pub uri: String = "uri",
        /// Answers to what an earlier try asked for.
        pub input_responses: Option<InputResponses> = opt "inputResponses" since V2026_07_28,
        /// What an earlier try asked to be told again.
        pub request_state: Option<String> = opt "requestState" since V2026_07_28,
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl ReadResourceParams {
    /// Reads the resource at `uri`.
    #[must_use]
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            ..Self::default()
        }
    }
}

cacheable! {
    /// Result of `resources/read`.
    #[derive(Default)]
    pub struct ReadResourceResult {
        /// The contents; several where the resource has parts.
        pub contents: Vec<ResourceContents> = "contents",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl ReadResourceResult {
    /// Those contents.
    #[must_use]
    pub fn new(contents: Vec<ResourceContents>) -> Self {
        Self {
            contents,
            ..Self::default()
        }
    }
}

wire! {
    /// Parameters of `notifications/resources/updated`.
    #[derive(Default)]
    pub struct ResourceUpdatedParams {
        /// The resource that changed.
        pub uri: String = "uri",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl ResourceUpdatedParams {
    /// The resource at `uri` changed.
    #[must_use]
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            meta: None,
        }
    }
}
