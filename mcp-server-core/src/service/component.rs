//! One thing that a server offers: its definition, and what runs when it is used.

#[cfg(feature = "http")]
use alloc::boxed::Box;
use alloc::{string::String, sync::Arc, vec::Vec};
use core::{fmt, time::Duration};
#[cfg(feature = "http")]
use mcp_proto::http::param::{self, ParamHeader};
use mcp_proto::{
    types::{Prompt, Resource, ResourceTemplate, Tool},
    uri::UriTemplate,
};

/// The four kinds of components, each with a list of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ComponentKind {
    /// `tools/list`
    Tool,
    /// `resources/list`
    Resource,
    /// `resources/templates/list`
    Template,
    /// `prompts/list`
    Prompt,
}

impl ComponentKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Tool, Self::Resource, Self::Template, Self::Prompt];

    /// The kind's name in messages for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Resource => "resource",
            Self::Template => "resource template",
            Self::Prompt => "prompt",
        }
    }
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A definition with its handler and the settings that clients do not see.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Component<D, H> {
    /// What the lists tell.
    pub definition: D,
    /// What runs.
    pub handler: H,
    /// What completes a prompt's arguments or a template's variables.
    pub completion: Option<H>,
    /// Names under which components are enabled and disabled together.
    pub tags: Vec<String>,
    /// Whether clients see it; a disabled component is as good as unknown.
    pub enabled: bool,
    /// How long one call may take, instead of
    /// [`Limits::call_timeout`](mcp_proto::limits::Limits::call_timeout).
    pub timeout: Option<Duration>,
    /// Variables of a template that may hold what leads out of a directory; see
    /// [`UriTemplate::exempt`].
    pub unscreened: Vec<String>,
    /// Whether a tool's calls become tasks when its handler says so, and not at once.
    pub detaches: bool,
}

impl<D, H> Component<D, H> {
    /// A visible component.
    pub fn new(definition: D, handler: H) -> Self {
        Self {
            definition,
            handler,
            completion: None,
            tags: Vec::new(),
            enabled: true,
            timeout: None,
            unscreened: Vec::new(),
            detaches: false,
        }
    }

    /// Sets what completes its arguments or variables.
    #[must_use]
    pub fn with_completion(mut self, completion: H) -> Self {
        self.completion = Some(completion);
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Sets how long one call may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Shows or hides it.
    #[must_use]
    pub fn with_enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }
}

/// A component as a [`Service`](crate::Service) holds it.
#[derive(Debug)]
pub struct Entry<D, H> {
    pub(super) key: Arc<str>,
    pub(super) component: Component<D, H>,
    // Templates only.
    pub(super) pattern: Option<UriTemplate>,
    // Tools only.
    #[cfg(feature = "http")]
    pub(super) mirrored: Box<[ParamHeader]>,
}

impl<D, H> Entry<D, H> {
    /// The name, URI or URI template, cheap to keep.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// What the lists tell.
    #[must_use]
    pub fn definition(&self) -> &D {
        &self.component.definition
    }

    /// What runs.
    #[must_use]
    pub fn handler(&self) -> &H {
        &self.component.handler
    }

    /// How long one call may take, where it is not the limit that holds for all.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.component.timeout
    }

    /// The arguments of its calls that travel in headers as well.
    #[cfg(feature = "http")]
    pub(crate) fn mirrored(&self) -> &[ParamHeader] {
        &self.mirrored
    }

    /// The component's tags.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.component.tags
    }
}

/// The four definitions, seen alike.
pub(crate) trait Definition: mcp_proto::encode::Encode + PartialEq {
    const KIND: ComponentKind;
    fn key(&self) -> &str;

    /// The arguments of its calls that travel in headers as well. Annotations that break the rules
    /// bind nobody: clients do not see such a tool.
    #[cfg(feature = "http")]
    fn mirrored(&self) -> Box<[ParamHeader]> {
        Box::default()
    }
}

impl Definition for Tool {
    const KIND: ComponentKind = ComponentKind::Tool;

    fn key(&self) -> &str {
        &self.name
    }

    #[cfg(feature = "http")]
    fn mirrored(&self) -> Box<[ParamHeader]> {
        param::scan(self.input_schema.as_str())
            .unwrap_or_default()
            .into()
    }
}

macro_rules! definitions {
    ($($ty:ident $kind:ident $key:ident),*) => {$(
        impl Definition for $ty {
            const KIND: ComponentKind = ComponentKind::$kind;

            fn key(&self) -> &str {
                &self.$key
            }
        }
    )*};
}
definitions!(Resource Resource uri, ResourceTemplate Template uri_template, Prompt Prompt name);
