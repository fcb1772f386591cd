//! Putting a service together, and what can be wrong with its parts.

use alloc::{collections::VecDeque, string::String, sync::Arc, vec::Vec};
use mcp_proto::{
    json::Raw,
    limits::Limits,
    types::{CacheHints, Implementation, Prompt, Resource, ResourceTemplate, TaskSupport, Tool},
};

use super::{
    About, Component, ComponentKind, Duplicates, Pages, Service, Tables, json_of, others::Others,
};
use crate::{
    apps,
    error::BuildError,
    extension::{Extension, Extensions},
    state::StateKeeper,
};

/// Puts a [`Service`] together from definitions and handlers of any kind.
///
/// The [`ServerBuilder`](crate::ServerBuilder) does the same for handlers that are Rust functions,
/// and writes their definitions itself.
///
/// Nothing fails before [`build`](Self::build), which checks everything.
#[derive(Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct ServiceBuilder<H> {
    about: About,
    waiting: Waiting<H>,
    // How each component of the waiting ones is added, in the order of their registration: what
    // adds a kind is linked only into programs that have one.
    steps: Vec<Step<H>>,
    others: Option<Others<H>>,
    completion: Option<H>,
    extensions: Vec<Extension<H>>,
    // As with `steps`.
    add_extension: Option<AddExtension<H>>,
}

type AddExtension<H> = fn(&mut Extensions<H>, Extension<H>) -> Result<(), BuildError>;

/// Components that are added when the service is built, each kind in order.
#[derive(Debug)]
struct Waiting<H> {
    tools: VecDeque<Component<Tool, H>>,
    resources: VecDeque<Component<Resource, H>>,
    templates: VecDeque<Component<ResourceTemplate, H>>,
    prompts: VecDeque<Component<Prompt, H>>,
}

/// Adds the next component of one kind.
type Step<H> = fn(&mut Waiting<H>, &mut Tables<H>, &About) -> Result<(), BuildError>;

impl<H> Waiting<H> {
    fn add_tool(&mut self, tables: &mut Tables<H>, about: &About) -> Result<(), BuildError> {
        let Some(tool) = self.tools.pop_front() else {
            return Ok(());
        };
        check_tasks(&tool.definition, about.runs_tasks)?;
        tables.add_tool(tool, about.duplicates).map(|_| ())
    }

    fn add_resource(&mut self, tables: &mut Tables<H>, about: &About) -> Result<(), BuildError> {
        match self.resources.pop_front() {
            Some(resource) => tables.add_resource(resource, about.duplicates).map(|_| ()),
            None => Ok(()),
        }
    }

    fn add_template(&mut self, tables: &mut Tables<H>, about: &About) -> Result<(), BuildError> {
        match self.templates.pop_front() {
            Some(template) => tables.add_template(template, about.duplicates).map(|_| ()),
            None => Ok(()),
        }
    }

    fn add_prompt(&mut self, tables: &mut Tables<H>, about: &About) -> Result<(), BuildError> {
        match self.prompts.pop_front() {
            Some(prompt) => tables.add_prompt(prompt, about.duplicates).map(|_| ()),
            None => Ok(()),
        }
    }
}

impl<H> ServiceBuilder<H> {
    /// Begins a service of that name and version.
    pub fn new(info: Implementation) -> Self {
        let about = About {
            info_json: String::new(),
            info,
            instructions: None,
            limits: Arc::default(),
            list_cache: CacheHints::default(),
            logging: true,
            announced: Vec::new(),
            duplicates: Duplicates::default(),
            state_keeper: None,
            runs_tasks: false,
        };
        Self {
            about,
            waiting: Waiting {
                tools: VecDeque::new(),
                resources: VecDeque::new(),
                templates: VecDeque::new(),
                prompts: VecDeque::new(),
            },
            steps: Vec::new(),
            others: None,
            completion: None,
            extensions: Vec::new(),
            add_extension: None,
        }
    }

    /// The server's name, version, and what else it says about itself, to be changed.
    pub fn info_mut(&mut self) -> &mut Implementation {
        &mut self.about.info
    }

    /// Tells the model how to use the server.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.about.instructions = Some(instructions.into());
        self
    }

    /// Sets the bounds of every connection.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.about.limits = Arc::new(limits);
        self
    }

    /// Says how long clients may keep lists and the answer to `server/discover`; not at all by
    /// default (2026-07-28).
    pub fn list_cache(mut self, hints: CacheHints) -> Self {
        self.about.list_cache = hints;
        self
    }

    /// Decides what happens to a component whose name is taken; an error by default.
    pub fn on_duplicate(mut self, duplicates: Duplicates) -> Self {
        self.about.duplicates = duplicates;
        self
    }

    /// Sets who keeps the states of calls that ask, between their rounds (2026-07-28).
    pub fn state_keeper(mut self, keeper: Arc<dyn StateKeeper>) -> Self {
        self.about.state_keeper = Some(keeper);
        self
    }

    /// Does not declare `logging`: nothing here ever logs.
    pub fn without_logging(mut self) -> Self {
        self.about.logging = false;
        self
    }

    /// Declares that there are components of this kind, although none may be registered yet.
    pub fn announce(mut self, kind: ComponentKind) -> Self {
        self.about.announced.push(kind);
        self.others = Some(Others::all());
        self
    }

    /// Adds a tool.
    pub fn tool(self, definition: Tool, handler: H) -> Self {
        self.add_tool(Component::new(definition, handler))
    }

    /// Adds a resource.
    pub fn resource(self, definition: Resource, handler: H) -> Self {
        self.add_resource(Component::new(definition, handler))
    }

    /// Adds a resource template.
    pub fn template(self, definition: ResourceTemplate, handler: H) -> Self {
        self.add_template(Component::new(definition, handler))
    }

    /// Adds a prompt.
    pub fn prompt(self, definition: Prompt, handler: H) -> Self {
        self.add_prompt(Component::new(definition, handler))
    }

    /// Adds a tool with settings of its own.
    pub fn add_tool(mut self, tool: Component<Tool, H>) -> Self {
        self.waiting.tools.push_back(tool);
        self.steps.push(Waiting::add_tool);
        self
    }

    /// Adds a resource with settings of its own.
    pub fn add_resource(mut self, resource: Component<Resource, H>) -> Self {
        self.waiting.resources.push_back(resource);
        self.steps.push(Waiting::add_resource);
        self
    }

    /// Adds a resource template with settings of its own.
    pub fn add_template(mut self, template: Component<ResourceTemplate, H>) -> Self {
        self.waiting.templates.push_back(template);
        self.steps.push(Waiting::add_template);
        self
    }

    /// Adds a prompt with settings of its own.
    pub fn add_prompt(mut self, prompt: Component<Prompt, H>) -> Self {
        self.waiting.prompts.push_back(prompt);
        self.steps.push(Waiting::add_prompt);
        self
    }

    /// Sets what completes the arguments of prompts and the variables of templates that have no
    /// completion of their own.
    pub fn completion(mut self, handler: H) -> Self {
        self.completion = Some(handler);
        self.others = Some(Others::all());
        self
    }

    /// Adds an extension.
    pub fn extension(mut self, extension: Extension<H>) -> Self {
        self.extensions.push(extension);
        self.add_extension = Some(Extensions::add);
        self
    }

    /// Checks everything and finishes the service.
    ///
    /// # Errors
    /// The first problem, in the order of registration; its text names the fix.
    pub fn build(self) -> Result<Service<H>, BuildError> {
        let Self {
            mut about,
            mut waiting,
            steps,
            others,
            completion,
            extensions,
            add_extension,
        } = self;
        about.info_json = json_of(&about.info);
        about.runs_tasks = extensions.iter().any(Extension::runs_tasks);
        let mut tables = Tables {
            others,
            ..Tables::default()
        };
        for step in steps {
            step(&mut waiting, &mut tables, &about)?;
        }
        let mut known = Extensions::default();
        if let Some(add) = add_extension {
            for extension in extensions {
                add(&mut known, extension)?;
            }
        }
        let service = Service {
            about: Arc::new(about),
            tables,
            completion,
            extensions: Arc::new(known),
            pages: Pages::default(),
        };
        apps::check_tools(&service)?;
        Ok(service)
    }
}

/// 2025-11-25, server/tools, Tool Names. A prompt's name is free, but for being none.
pub(super) fn check_name(kind: &'static str, name: &str) -> Result<(), BuildError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let fine = match kind {
        "tool" => (1..=128).contains(&name.len()) && name.bytes().all(allowed),
        _ => !name.is_empty() && !name.contains(char::is_control),
    };
    if fine {
        Ok(())
    } else {
        Err(BuildError::Name {
            kind,
            name: name.into(),
        })
    }
}

/// Every revision: a tool's input schema is that of an object.
pub(super) fn check_schemas(tool: &Tool) -> Result<(), BuildError> {
    let root = tool.input_schema.as_raw().member("type");
    if root.and_then(Raw::text).is_some_and(|ty| ty == "object") {
        return Ok(());
    }
    let problem =
        "the input schema must have `\"type\": \"object\"`: wrap a single value in an object";
    Err(BuildError::Schema {
        tool: tool.name.clone(),
        problem,
    })
}

/// A tool that is a task or nothing needs something to run tasks with.
pub(super) fn check_tasks(tool: &Tool, runs_tasks: bool) -> Result<(), BuildError> {
    let support = tool
        .execution
        .as_ref()
        .and_then(|execution| execution.task_support);
    if support == Some(TaskSupport::Required) && !runs_tasks {
        return Err(BuildError::NoTasks {
            tool: tool.name.clone(),
        });
    }
    Ok(())
}

/// RFC 3986, section 3: a URI begins with a scheme.
pub(super) fn check_uri(uri: &str) -> Result<(), BuildError> {
    let wrong = |problem| {
        Err(BuildError::Uri {
            uri: uri.into(),
            problem,
        })
    };
    let Some((scheme, _)) = uri.split_once(':') else {
        return wrong("it has no scheme: begin it with one, such as `data://`");
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        || !scheme.bytes().all(allowed)
    {
        return wrong("its scheme may hold only A-Z a-z 0-9 + - . and begins with a letter");
    }
    if uri.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return wrong("it holds a blank or control character: percent-encode it");
    }
    if uri.contains(['{', '}']) {
        return wrong("it has braces: register it as a template, or percent-encode them");
    }
    Ok(())
}
