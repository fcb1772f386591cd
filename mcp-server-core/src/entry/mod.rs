//! Components made of Rust functions: the definition is written beside the function, and what the
//! function takes and returns is converted.
//!
//! The attribute macros produce these entries. By hand they look like this:
//!
//! ```
//! use mcp_server_core::{Cx, PromptEntry, ResourceEntry, ServerBuilder, ToolEntry};
//!
//! # #[cfg(feature = "schemars")] {
//! let service = ServerBuilder::new("town", "1.0.0")
//!     .tool(ToolEntry::new("shout").description("Says it loudly").typed(|text: std::collections::BTreeMap<String, String>, _: &Cx| {
//!         text.values().map(|word| word.to_uppercase()).collect::<Vec<_>>()
//!     }))
//!     .resource(ResourceEntry::new("town://{name}", "town").run(|of, _| {
//!         Ok::<_, mcp_server_core::ToolError>(format!("{} is a town", of.get::<String>("name")?))
//!     }))
//!     .prompt(PromptEntry::new("greet").required("name", "who").run(|with, _| {
//!         Ok::<_, mcp_server_core::ToolError>(format!("Greet {}.", with.get::<String>("name")?))
//!     }))
//!     .build_service()
//!     .unwrap();
//! assert!(service.tool("shout").is_some());
//! # }
//! ```

mod closed;
mod completion;
mod making;
mod policy;
mod prompt;
mod resource;
mod tool;

pub use completion::Completer;
pub use prompt::{PromptEntry, PromptInput};
pub use resource::{ResourceEntry, ResourceInput};
pub use tool::{ToolEntry, ToolInput};

pub(crate) use policy::Policy;

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::fmt;

use crate::{
    error::BuildError,
    handler::Handler,
    service::{Edit, ServiceBuilder},
};

/// What [`ServerBuilder::tool`](crate::ServerBuilder::tool) takes: an entry, or what an attribute
/// macro made of a function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no tool",
    label = "this is no tool",
    note = "mark the function with `#[tool]`, or make a `ToolEntry` of it"
)]
pub trait IntoTool {
    /// The entry.
    fn into_tool(self) -> ToolEntry;
}

/// What [`ServerBuilder::resource`](crate::ServerBuilder::resource) takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no resource",
    label = "this is no resource",
    note = "mark the function with `#[resource(\"…\")]`, or make a `ResourceEntry` of it"
)]
pub trait IntoResource {
    /// The entry.
    fn into_resource(self) -> ResourceEntry;
}

/// What [`ServerBuilder::prompt`](crate::ServerBuilder::prompt) takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no prompt",
    label = "this is no prompt",
    note = "mark the function with `#[prompt]`, or make a `PromptEntry` of it"
)]
pub trait IntoPrompt {
    /// The entry.
    fn into_prompt(self) -> PromptEntry;
}

impl IntoTool for ToolEntry {
    fn into_tool(self) -> ToolEntry {
        self
    }
}

impl IntoResource for ResourceEntry {
    fn into_resource(self) -> ResourceEntry {
        self
    }
}

impl IntoPrompt for PromptEntry {
    fn into_prompt(self) -> PromptEntry {
        self
    }
}

/// Several components that belong together, such as the methods of a struct that share its state.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use mcp_server_core::{ComponentSet, Components, ServerBuilder, ToolEntry};
///
/// #[derive(Default)]
/// struct Counter(Mutex<u32>);
///
/// impl Components for Counter {
///     fn add_to(self, set: &mut ComponentSet) {
///         let counter = Arc::new(self);
///         set.tool(ToolEntry::new("count").run(move |_, _| {
///             let mut count = counter.0.lock().unwrap();
///             *count += 1;
///             *count
///         }));
///     }
/// }
///
/// let service = ServerBuilder::new("counter", "1.0.0").components(Counter::default()).build_service();
/// assert!(service.unwrap().tool("count").is_some());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no set of components",
    label = "these are no components",
    note = "mark the `impl` block with `#[components]` and its methods with `#[tool]`, `#[resource]` or `#[prompt]`"
)]
pub trait Components {
    /// Adds the components.
    fn add_to(self, set: &mut ComponentSet);
}

/// Components that share a struct which others may hold as well.
///
/// The attribute `#[components]` implements it, and [`Components`] with it, so that
/// [`ServerBuilder::components`](crate::ServerBuilder::components) takes the struct or an `Arc` of
/// it.
pub trait SharedComponents {
    /// Adds the components, each of which keeps its share.
    fn add_shared(self: Arc<Self>, set: &mut ComponentSet);
}

impl<T: SharedComponents> Components for Arc<T> {
    fn add_to(self, set: &mut ComponentSet) {
        self.add_shared(set);
    }
}

/// Components on their way into a server.
#[derive(Debug, Default)]
pub struct ComponentSet {
    entries: Vec<Box<dyn AnyEntry>>,
}

/// An entry of whatever kind. Behind a pointer, so that a program carries the code of those kinds
/// only that it has.
trait AnyEntry: fmt::Debug + Send {
    fn build_into(
        self: Box<Self>,
        service: ServiceBuilder<Handler>,
        policy: &Arc<Policy>,
    ) -> Result<ServiceBuilder<Handler>, BuildError>;

    #[cfg_attr(not(feature = "std"), allow(dead_code))]
    fn add_into(
        self: Box<Self>,
        edit: &mut Edit<Handler>,
        policy: &Arc<Policy>,
    ) -> Result<bool, BuildError>;
}

impl AnyEntry for ToolEntry {
    fn build_into(
        self: Box<Self>,
        service: ServiceBuilder<Handler>,
        policy: &Arc<Policy>,
    ) -> Result<ServiceBuilder<Handler>, BuildError> {
        Ok(service.add_tool(self.build(policy)?))
    }

    fn add_into(
        self: Box<Self>,
        edit: &mut Edit<Handler>,
        policy: &Arc<Policy>,
    ) -> Result<bool, BuildError> {
        edit.add_tool(self.build(policy)?)
    }
}

impl AnyEntry for ResourceEntry {
    fn build_into(
        self: Box<Self>,
        service: ServiceBuilder<Handler>,
        policy: &Arc<Policy>,
    ) -> Result<ServiceBuilder<Handler>, BuildError> {
        Ok(match self.build(policy)? {
            resource::Built::Fixed(resource) => service.add_resource(resource),
            resource::Built::Template(template) => service.add_template(template),
        })
    }

    fn add_into(
        self: Box<Self>,
        edit: &mut Edit<Handler>,
        policy: &Arc<Policy>,
    ) -> Result<bool, BuildError> {
        match self.build(policy)? {
            resource::Built::Fixed(resource) => edit.add_resource(resource),
            resource::Built::Template(template) => edit.add_template(template),
        }
    }
}

impl AnyEntry for PromptEntry {
    fn build_into(
        self: Box<Self>,
        service: ServiceBuilder<Handler>,
        policy: &Arc<Policy>,
    ) -> Result<ServiceBuilder<Handler>, BuildError> {
        Ok(service.add_prompt(self.build(policy)?))
    }

    fn add_into(
        self: Box<Self>,
        edit: &mut Edit<Handler>,
        policy: &Arc<Policy>,
    ) -> Result<bool, BuildError> {
        edit.add_prompt(self.build(policy)?)
    }
}

impl ComponentSet {
    /// Adds a tool.
    pub fn tool(&mut self, tool: impl IntoTool) -> &mut Self {
        self.add(Box::new(tool.into_tool()))
    }

    /// Adds a resource or resource template.
    pub fn resource(&mut self, resource: impl IntoResource) -> &mut Self {
        self.add(Box::new(resource.into_resource()))
    }

    /// Adds a prompt.
    pub fn prompt(&mut self, prompt: impl IntoPrompt) -> &mut Self {
        self.add(Box::new(prompt.into_prompt()))
    }

    fn add(&mut self, entry: Box<dyn AnyEntry>) -> &mut Self {
        self.entries.push(entry);
        self
    }

    /// Adds what another set of components consists of.
    pub fn components(&mut self, components: impl Components) -> &mut Self {
        components.add_to(self);
        self
    }

    pub(crate) fn build_into(
        self,
        mut service: ServiceBuilder<Handler>,
        policy: &Arc<Policy>,
    ) -> Result<ServiceBuilder<Handler>, BuildError> {
        for entry in self.entries {
            service = entry.build_into(service, policy)?;
        }
        Ok(service)
    }

    #[cfg_attr(not(feature = "std"), allow(dead_code))]
    pub(crate) fn add_into(
        self,
        edit: &mut Edit<Handler>,
        policy: &Arc<Policy>,
    ) -> Result<bool, BuildError> {
        let mut changed = false;
        for entry in self.entries {
            changed |= entry.add_into(edit, policy)?;
        }
        Ok(changed)
    }
}

/// The settings that entries of all kinds share.
macro_rules! shared_settings {
    ($definition:ident) => {
        /// Sets the name for people.
        pub fn title(mut self, title: impl Into<String>) -> Self {
            self.$definition.title = Some(title.into());
            self
        }

        /// Says what it is for, to the model.
        pub fn description(mut self, description: impl Into<String>) -> Self {
            self.$definition.description = Some(description.into());
            self
        }

        /// Adds a picture to show beside it.
        pub fn icon(mut self, icon: mcp_proto::types::Icon) -> Self {
            self.$definition.icons.push(icon);
            self
        }

        /// Adds a member to the definition's `_meta`.
        pub fn meta(mut self, key: impl Into<String>, value: mcp_proto::json::Json) -> Self {
            self.$definition
                .meta
                .get_or_insert_with(Default::default)
                .insert(key, value);
            self
        }

        /// Adds a tag, under which components are enabled and disabled together.
        pub fn tag(mut self, tag: impl Into<String>) -> Self {
            self.options.tags.push(tag.into());
            self
        }

        /// Hides it until it is enabled through the server's handle.
        pub fn disabled(mut self) -> Self {
            self.options.enabled = false;
            self
        }

        /// Sets how long one call may take, instead of
        /// [`Limits::call_timeout`](mcp_proto::limits::Limits::call_timeout).
        pub fn timeout(mut self, timeout: core::time::Duration) -> Self {
            self.options.timeout = Some(timeout);
            self
        }

        /// Promises that the function returns at once, so that it is run in place rather than on
        /// a thread of its own. Nothing else is served while it runs.
        pub fn quick(mut self) -> Self {
            self.options.quick = true;
            self
        }
    };
}
pub(crate) use shared_settings;

#[cfg(test)]
mod tests;
