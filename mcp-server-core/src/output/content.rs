//! What becomes content blocks.

use alloc::{borrow::Cow, boxed::Box, string::String, sync::Arc, vec::Vec};
use mcp_proto::{
    base64,
    types::{
        AudioContent, ContentBlock, EmbeddedResource, ImageContent, ResourceContents, ResourceLink,
        TextContent,
    },
};

/// A value that becomes one or several content blocks.
pub trait IntoContent {
    /// Appends the blocks.
    fn add_to(self, content: &mut Vec<ContentBlock>);
}

macro_rules! media {
    ($($(#[$attr:meta])* $name:ident $content:ident { $($(#[$short_attr:meta])* $short:ident $mime:literal)* })*) => {$(
        $(#[$attr])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            base64: String,
            mime_type: Cow<'static, str>,
        }

        impl $name {
            /// Bytes of that type.
            #[must_use]
            pub fn new(bytes: impl AsRef<[u8]>, mime_type: impl Into<Cow<'static, str>>) -> Self {
                Self::base64(base64::encode(bytes.as_ref()), mime_type)
            }

            /// Data of that type that is base64 already.
            #[must_use]
            pub fn base64(data: impl Into<String>, mime_type: impl Into<Cow<'static, str>>) -> Self {
                Self { base64: data.into(), mime_type: mime_type.into() }
            }

            $(
                $(#[$short_attr])*
                #[must_use]
                pub fn $short(bytes: impl AsRef<[u8]>) -> Self {
                    Self::new(bytes, $mime)
                }
            )*
        }

        impl From<$name> for ContentBlock {
            fn from(media: $name) -> Self {
                $content::new(media.base64, media.mime_type).into()
            }
        }
    )*};
}

media! {
    /// A picture, returned from a tool or put into a prompt's message.
    Image ImageContent {
        /// A PNG.
        png "image/png"
        /// A JPEG.
        jpeg "image/jpeg"
        /// A WebP.
        webp "image/webp"
        /// A GIF.
        gif "image/gif"
        /// An SVG.
        svg "image/svg+xml"
    }
    /// Sound, returned from a tool or put into a prompt's message.
    Audio AudioContent {
        /// A WAV.
        wav "audio/wav"
        /// An MP3.
        mp3 "audio/mpeg"
        /// An Ogg.
        ogg "audio/ogg"
    }
}

macro_rules! blocks {
    ($($ty:ty),*) => {$(
        impl IntoContent for $ty {
            fn add_to(self, content: &mut Vec<ContentBlock>) {
                content.push(self.into());
            }
        }
    )*};
}
blocks!(
    ContentBlock,
    Image,
    Audio,
    TextContent,
    ImageContent,
    AudioContent,
    EmbeddedResource,
    ResourceLink,
    String,
    &str
);

impl IntoContent for Cow<'_, str> {
    fn add_to(self, content: &mut Vec<ContentBlock>) {
        content.push(ContentBlock::text(self));
    }
}

impl IntoContent for Box<str> {
    fn add_to(self, content: &mut Vec<ContentBlock>) {
        content.push(ContentBlock::text(self));
    }
}

impl IntoContent for Arc<str> {
    fn add_to(self, content: &mut Vec<ContentBlock>) {
        content.push(ContentBlock::text(&*self));
    }
}

impl IntoContent for ResourceContents {
    fn add_to(self, content: &mut Vec<ContentBlock>) {
        content.push(ContentBlock::resource(self));
    }
}

impl IntoContent for () {
    fn add_to(self, _: &mut Vec<ContentBlock>) {}
}

impl<T: IntoContent> IntoContent for Vec<T> {
    fn add_to(self, content: &mut Vec<ContentBlock>) {
        content.reserve(self.len());
        self.into_iter().for_each(|item| item.add_to(content));
    }
}

impl<T: IntoContent, const N: usize> IntoContent for [T; N] {
    fn add_to(self, content: &mut Vec<ContentBlock>) {
        self.into_iter().for_each(|item| item.add_to(content));
    }
}
