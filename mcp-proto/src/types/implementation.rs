//! Who a peer is, and pictures for it.

use crate::{
    json::read::read_members,
    wire::{names, wire},
};
use alloc::{string::String, vec::Vec};

wire! {
    /// The name and version of a client or server.
    #[derive(Default)]
    pub struct Implementation {
        /// The programmatic name.
        pub name: String = "name",
        /// The name for people; the programmatic one stands in where absent.
        pub title: Option<String> = opt "title" since V2025_06_18,
        /// The implementation's own version.
        pub version: String = "version",
        /// What it is for.
        pub description: Option<String> = opt "description" since V2025_11_25,
        /// Where to read about it.
        pub website_url: Option<String> = opt "websiteUrl" since V2025_11_25,
        /// Pictures to show beside it.
        pub icons: Vec<Icon> = opt "icons" since V2025_11_25,
    }
}

read_members!(Implementation {
    required name = "name",
    optional title = "title",
    required version = "version",
    optional description = "description",
    optional website_url = "websiteUrl",
    optional icons = "icons",
});

impl Implementation {
    /// A name and a version.
    #[must_use]
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            ..Self::default()
        }
    }

    /// Sets the name for people.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }
}

wire! {
    /// A picture, from 2025-11-25 on.
    ///
    /// Whoever renders icons must support PNG and JPEG.
    #[derive(Default)]
    pub struct Icon {
        /// An `https:` or `data:` URI.
        pub src: String = "src",
        /// The type, where the source does not tell.
        pub mime_type: Option<String> = opt "mimeType",
        /// Sizes such as `48x48`, or `any`.
        pub sizes: Vec<String> = opt "sizes",
        /// The background it is drawn for.
        pub theme: Option<IconTheme> = hint "theme",
    }
}

read_members!(Icon {
    required src = "src",
    optional mime_type = "mimeType",
    optional sizes = "sizes",
    hint theme = "theme",
});

impl Icon {
    /// An icon found at `src`.
    #[must_use]
    pub fn new(src: impl Into<String>) -> Self {
        Self {
            src: src.into(),
            ..Self::default()
        }
    }
}

names! {
    /// The background an icon is drawn for.
    pub enum IconTheme {
        /// For a light background.
        Light = "light",
        /// For a dark background.
        Dark = "dark",
    }
}
