//! Resources and resource templates made of functions.

use alloc::{boxed::Box, string::String, sync::Arc};
use core::future::Future;
use mcp_proto::{
    json::Json,
    types::{Annotations, CacheHints, Meta, Resource, ResourceTemplate},
    uri::{UriTemplate, Variables},
};
use serde::de::DeserializeOwned;

use super::{
    completion::{Completer, Completers},
    making::{Making, Options},
    policy::{Policy, wrong_work},
    shared_settings,
};
use crate::{
    apps::{self, Page},
    arguments::{Problems, TemplateArguments},
    ask::Round,
    call::{Outcome, Work},
    cx::Cx,
    error::{BuildError, ToolError},
    handler::Handler,
    output::{IntoResourceResult, ResourceTarget},
    service::Component,
};

/// A resource, or a family of them if its URI has variables: `{name}` for one segment of the
/// path, `{name*}` for the rest of it, `{?name}` for the query.
///
/// ```
/// use mcp_server_core::{Cx, ResourceEntry, ServerBuilder, ToolError};
///
/// let motd = ResourceEntry::new("town://motd", "motd").run(|_, _| "Fair weather");
/// let house = ResourceEntry::new("town://{street}/{number}", "house").run(|of, _: &Cx| {
///     let (street, number): (String, u32) = (of.get("street")?, of.get("number")?);
///     Ok::<_, ToolError>(format!("{number}, {street}"))
/// });
/// let service = ServerBuilder::new("town", "1.0.0").resource(motd).resource(house).build_service().unwrap();
/// assert!(service.resource("town://Main%20St/5").is_some());
/// ```
#[derive(Debug)]
#[must_use = "an entry does nothing before it is added to a server"]
pub struct ResourceEntry {
    // Holds the text of the template, or of the URI.
    definition: ResourceTemplate,
    size: Option<u64>,
    cache: CacheHints,
    options: Options,
    making: Making<Plan>,
    completers: Completers,
    // It is an app's.
    page: Option<Box<Page>>,
}

/// What a resource's handler is finished with.
struct Plan {
    policy: Arc<Policy>,
    mime_type: Option<String>,
    cache: CacheHints,
    // Of each of the contents: what an app's page may do.
    ui: Option<Json>,
}

impl Plan {
    fn outcome(&self, uri: &str, returned: impl IntoResourceResult) -> Outcome {
        let target = ResourceTarget::new(uri, self.mime_type.as_deref());
        let result = returned.into_resource_result(target).map(|mut result| {
            if result.cache == CacheHints::default() {
                result.cache = self.cache;
            }
            if let Some(ui) = &self.ui {
                // MCP Apps: what is read counts before what is listed.
                for contents in &mut result.contents {
                    let meta = contents.meta.get_or_insert_with(Meta::new);
                    if meta.get(apps::META_KEY).is_none() {
                        meta.insert(apps::META_KEY, ui.clone());
                    }
                }
            }
            result
        });
        self.policy.resource(uri, result)
    }
}

/// What is to be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct ResourceInput {
    /// The URI as the client sent it.
    pub uri: String,
    /// The template's variables, decoded; none for a fixed URI.
    pub variables: Variables,
}

impl ResourceInput {
    /// A variable's value: text as it is, a number as such, a choice by its name, all else as
    /// JSON. One that the URI lacks is read as an absent `Option`.
    ///
    /// # Errors
    /// -32602 where the value is not one of that type, or absent and no `Option`.
    pub fn get<T: DeserializeOwned>(&self, variable: &str) -> Result<T, ToolError> {
        let names = [variable];
        let mut variables = TemplateArguments::read(&names, &self.variables);
        let value = variables.get(0);
        variables.finish().map_err(Problems::into_invalid_params)?;
        value.ok_or_else(|| ToolError::internal("a variable is neither there nor wrong"))
    }
}

pub(super) enum Built {
    Fixed(Component<Resource, Handler>),
    Template(Component<ResourceTemplate, Handler>),
}

impl ResourceEntry {
    /// A resource at that URI, or a template where it has variables in braces; and a name for
    /// programs.
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            definition: ResourceTemplate::new(uri, name),
            size: None,
            cache: CacheHints::default(),
            options: Options::default(),
            making: Making::Missing,
            completers: Completers::default(),
            page: None,
        }
    }

    shared_settings!(definition);

    /// Sets the type of the contents.
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.definition.mime_type = Some(mime_type.into());
        self
    }

    /// Makes it the page of an app: see [`apps`](crate::apps). Its URI begins with `ui://`.
    pub fn app(self, page: &crate::apps::Page) -> Self {
        let mut this = self
            .mime_type(apps::MIME_TYPE)
            .meta(apps::META_KEY, page.json());
        this.page = Some(Box::new(page.clone()));
        this
    }

    /// Sets the hints on whom it is for and how important it is.
    pub fn annotations(mut self, annotations: Annotations) -> Self {
        self.definition.annotations = Some(annotations);
        self
    }

    /// Sets the size of the contents in bytes; for a fixed URI only.
    pub fn size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// Says how long clients may keep the contents (2026-07-28); not at all by default.
    pub fn cache(mut self, hints: CacheHints) -> Self {
        self.cache = hints;
        self
    }

    /// Lets a variable hold what could lead out of a directory: `..`, an absolute path, NUL. By
    /// default such a URI is not found. Whoever turns this off must check the value.
    pub fn unscreened(mut self, variable: impl Into<String>) -> Self {
        self.options.unscreened.push(variable.into());
        self
    }

    /// Proposes values for a variable.
    pub fn complete(mut self, variable: impl Into<String>, completer: Completer) -> Self {
        self.completers.insert(variable.into(), completer);
        self
    }

    /// Runs a function that returns the contents.
    pub fn run<R: IntoResourceResult>(
        self,
        run: impl Fn(ResourceInput, &Cx) -> R + Send + Sync + 'static,
    ) -> Self {
        self.making(Making::Sync(Box::new(move |plan: Plan| {
            Arc::new(move |work, cx| {
                let Work::Resource { uri, variables } = work else {
                    return wrong_work();
                };
                let named = uri.clone();
                let round = Round::of(&cx);
                let returned = run(ResourceInput { uri, variables }, &cx);
                round.end(|| plan.outcome(&named, returned))
            })
        })))
    }

    /// [`run`](Self::run) for an async function.
    pub fn run_async<F>(self, run: impl Fn(ResourceInput, Cx) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoResourceResult> + Send + 'static,
    {
        self.making(Making::Async(Box::new(move |plan: Plan| {
            let plan = Arc::new(plan);
            Arc::new(move |work, cx| {
                let Work::Resource { uri, variables } = work else {
                    return Box::pin(core::future::ready(wrong_work()));
                };
                let named = uri.clone();
                let (round, plan) = (Round::of(&cx), Arc::clone(&plan));
                let running = run(ResourceInput { uri, variables }, cx);
                Box::pin(round.run(running, move |returned| plan.outcome(&named, returned)))
            })
        })))
    }

    /// Runs a function that takes nothing; for a fixed URI.
    pub fn call<R>(self, run: impl Fn() -> R + Send + Sync + 'static) -> Self
    where
        R: IntoResourceResult,
    {
        self.run(move |_, _| run())
    }

    /// Always has the same contents.
    pub fn constant<R>(self, contents: R) -> Self
    where
        R: IntoResourceResult + Clone + Send + Sync + 'static,
    {
        self.quick().run(move |_, _| contents.clone())
    }

    /// Runs a handler as it is: results and errors pass through it unchanged.
    pub fn handler(self, handler: Handler) -> Self {
        self.making(Making::Ready(handler))
    }

    fn making(mut self, making: Making<Plan>) -> Self {
        self.making = making;
        self
    }

    pub(super) fn build(self, policy: &Arc<Policy>) -> Result<Built, BuildError> {
        let Self {
            definition,
            size,
            cache,
            options,
            making,
            completers,
            page,
        } = self;
        if let Some(page) = &page {
            apps::check_page(page, &definition)?;
        }
        let text = &definition.uri_template;
        let is_template = text.contains(['{', '}']);
        let kind = if is_template {
            "resource template"
        } else {
            "resource"
        };
        check_completers(&completers, text, is_template)?;
        let plan = Plan {
            policy: Arc::clone(policy),
            mime_type: definition.mime_type.clone(),
            cache,
            ui: page.as_deref().map(Page::json),
        };
        let Some(handler) = making.finish(plan, options.quick) else {
            return Err(BuildError::NoHandler {
                kind,
                name: definition.uri_template,
            });
        };
        if is_template {
            let completion = completers.finish(policy);
            return Ok(Built::Template(
                options.component(definition, handler, completion),
            ));
        }
        let ResourceTemplate {
            uri_template,
            name,
            title,
            description,
            mime_type,
            annotations,
            icons,
            meta,
            ..
        } = definition;
        let mut resource = Resource::new(uri_template, name);
        (resource.title, resource.description, resource.mime_type) =
            (title, description, mime_type);
        (resource.annotations, resource.icons, resource.meta) = (annotations, icons, meta);
        resource.size = size;
        Ok(Built::Fixed(options.component(resource, handler, None)))
    }
}

/// A completion for what is no variable would never be asked.
fn check_completers(
    completers: &Completers,
    text: &str,
    is_template: bool,
) -> Result<(), BuildError> {
    // A template that cannot be parsed is reported where it is added.
    let template = UriTemplate::parse(text).ok().filter(|_| is_template);
    let known = |name: &str| {
        template.as_ref().is_some_and(|template| {
            template
                .variables()
                .iter()
                .any(|known| known.name() == name)
        })
    };
    match completers.names().find(|name| !known(name)) {
        Some(variable) if template.is_some() || !is_template => Err(BuildError::Variable {
            kind: if is_template {
                "resource template"
            } else {
                "resource"
            },
            name: text.into(),
            variable: variable.into(),
        }),
        _ => Ok(()),
    }
}
