//! Tools made of functions.

use alloc::{boxed::Box, string::String, sync::Arc};
use core::future::Future;
use mcp_proto::{
    json::Json,
    types::{OutputSchema, TaskSupport, Tool, ToolAnnotations},
};
use serde::de::DeserializeOwned;

use super::{
    closed::Closed,
    making::{Making, Options},
    policy::{Policy, wrong_work},
    shared_settings,
};
use crate::{
    apps::{self, META_KEY, OLD_META_KEY, Shown},
    arguments::{self, Problems},
    ask::Round,
    call::{Outcome, Work},
    cx::Cx,
    error::{BuildError, ToolError},
    handler::Handler,
    output::IntoToolResult,
    schema::{ObjectSchema, SchemaGenerator, ToSchema},
    service::Component,
};

/// A tool: its definition and the function to run.
///
/// ```
/// use mcp_server_core::{Cx, ServerBuilder, ToolEntry};
///
/// # #[cfg(feature = "schemars")] {
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Add {
///     /// the first
///     a: f64,
///     b: f64,
/// }
///
/// let add = ToolEntry::new("add")
///     .description("Add two numbers")
///     .typed(|add: Add, _: &Cx| add.a + add.b);
/// let service = ServerBuilder::new("calculator", "1.0.0").tool(add).build_service().unwrap();
/// # }
/// ```
#[derive(Debug)]
#[must_use = "an entry does nothing before it is added to a server"]
pub struct ToolEntry {
    tool: Tool,
    options: Options,
    making: Making<Plan>,
    // The schema was set or refused by hand; the function's return type does not decide.
    output_settled: bool,
    // The app's page.
    page: Option<String>,
}

/// What a tool's handler is finished with.
struct Plan {
    policy: Arc<Policy>,
    wraps_output: bool,
}

impl Plan {
    fn outcome(&self, name: &str, returned: impl IntoToolResult) -> Outcome {
        let result = returned.into_tool_result().map(|mut result| {
            result.wraps_output |= self.wraps_output;
            result
        });
        self.policy.tool(name, result)
    }
}

/// What a tool was called with.
#[derive(Debug)]
#[non_exhaustive]
pub struct ToolInput {
    /// The arguments' object; `None` where the client sent none.
    pub arguments: Option<Json>,
    /// Whether the server takes arguments only in the very type that the schema says.
    pub strict: bool,
}

impl ToolInput {
    /// The arguments' object, empty where the client sent none.
    #[must_use]
    pub fn text(&self) -> &str {
        self.arguments.as_ref().map_or("{}", Json::as_str)
    }

    /// The arguments as one value. A struct takes no members that it does not have.
    ///
    /// # Errors
    /// A [`ToolError`] that tells the model which argument is wrong, and how.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ToolError> {
        arguments::decode_object(self.arguments.as_ref(), self.strict)
            .map(|Closed(arguments)| arguments)
            .map_err(Problems::into_tool_error)
    }
}

impl ToolEntry {
    /// A tool of that name: 1 to 128 of `A-Z a-z 0-9 _ . -`.
    pub fn new(name: impl Into<String>) -> Self {
        Self::of(Tool::new(name, ObjectSchema::new().finish()))
    }

    /// A tool of that definition, for what the methods below do not say.
    pub fn of(tool: Tool) -> Self {
        let output_settled = tool.output_schema.is_some();
        Self {
            tool,
            options: Options::default(),
            making: Making::Missing,
            output_settled,
            page: None,
        }
    }

    shared_settings!(tool);

    /// Says whether its calls may, must or must not become [tasks](crate::Tasks), which outlive
    /// their requests. They do not by default.
    ///
    /// Where they must, clients that know no tasks cannot call it, and a server without
    /// [`Tasks`](crate::Tasks) cannot be built.
    pub fn task(mut self, support: TaskSupport) -> Self {
        self.tool = self.tool.with_task_support(support);
        self
    }

    /// Lets its calls become tasks only when the handler says so with
    /// [`Cx::detach`](crate::Cx::detach): what it asks before that, it asks of whoever made the
    /// call. Together with [`task`](Self::task); from 2026-07-28 on.
    pub fn detaches(mut self) -> Self {
        self.options.detaches = true;
        self
    }

    /// Shows an app beside its results, to clients that do: see [`apps`](crate::apps).
    pub fn shown(self, shown: &Shown) -> Self {
        let mut this = self.meta(META_KEY, shown.json());
        this.page.clone_from(&shown.resource_uri);
        // A text is always JSON.
        match shown.resource_uri.as_ref().map(Json::new) {
            Some(Ok(uri)) => this.meta(OLD_META_KEY, uri),
            _ => this,
        }
    }

    /// Sets the hints about what it does to the world.
    pub fn annotations(mut self, annotations: ToolAnnotations) -> Self {
        self.tool.annotations = Some(annotations);
        self
    }

    /// Hints that it changes nothing.
    pub fn read_only(mut self) -> Self {
        self.tool
            .annotations
            .get_or_insert_with(ToolAnnotations::new)
            .read_only_hint = Some(true);
        self
    }

    /// Sets the schema of its arguments' object; [`typed`](Self::typed) does so by itself.
    pub fn input_schema(mut self, schema: Json) -> Self {
        self.tool.input_schema = schema;
        self
    }

    /// Sets the schema of its structured results; the return type does so by itself.
    pub fn output_schema(mut self, schema: Json) -> Self {
        self.tool.output_schema = Some(OutputSchema::new(schema));
        self.output_settled = true;
        self
    }

    /// Tells no schema of its structured results, whatever the return type says.
    pub fn without_output_schema(mut self) -> Self {
        self.tool.output_schema = None;
        self.output_settled = true;
        self
    }

    /// Runs a function of one value, whose type says what the arguments are.
    pub fn typed<A, R>(self, run: impl Fn(A, &Cx) -> R + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned + ToSchema,
        R: IntoToolResult,
    {
        self.input_schema(SchemaGenerator::new().arguments::<A>())
            .run(move |input, cx| input.decode().map(|arguments| run(arguments, cx)))
    }

    /// [`typed`](Self::typed) for an async function.
    pub fn typed_async<A, F>(self, run: impl Fn(A, Cx) -> F + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned + ToSchema,
        F: Future<Output: IntoToolResult> + Send + 'static,
    {
        self.input_schema(SchemaGenerator::new().arguments::<A>())
            .run_async(move |input, cx| {
                let running = input.decode().map(|arguments| run(arguments, cx));
                async move {
                    match running {
                        Ok(running) => Ok(running.await),
                        Err(error) => Err(error),
                    }
                }
            })
    }

    /// Runs a function of the arguments' JSON text, which `schema` describes.
    pub fn raw<R: IntoToolResult>(
        self,
        schema: Json,
        run: impl Fn(Json, &Cx) -> R + Send + Sync + 'static,
    ) -> Self {
        self.input_schema(schema)
            .run(move |input, cx| run(input.arguments.unwrap_or_else(Json::empty_object), cx))
    }

    /// [`raw`](Self::raw) for an async function.
    pub fn raw_async<F>(
        self,
        schema: Json,
        run: impl Fn(Json, Cx) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoToolResult> + Send + 'static,
    {
        self.input_schema(schema)
            .run_async(move |input, cx| run(input.arguments.unwrap_or_else(Json::empty_object), cx))
    }

    /// Runs a function that reads its arguments itself; [`input_schema`](Self::input_schema) says
    /// which it takes, none by default.
    pub fn run<R: IntoToolResult>(
        self,
        run: impl Fn(ToolInput, &Cx) -> R + Send + Sync + 'static,
    ) -> Self {
        self.returning::<R>()
            .making(Making::Sync(Box::new(move |plan: Plan| {
                Arc::new(move |work, cx| {
                    let Work::Tool { name, arguments } = work else {
                        return wrong_work();
                    };
                    let input = ToolInput {
                        arguments,
                        strict: plan.policy.strict_arguments,
                    };
                    let (round, returned) = (Round::of(&cx), run(input, &cx));
                    round.end(|| plan.outcome(&name, returned))
                })
            })))
    }

    /// [`run`](Self::run) for an async function.
    pub fn run_async<F>(self, run: impl Fn(ToolInput, Cx) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoToolResult> + Send + 'static,
    {
        self.returning::<F::Output>()
            .making(Making::Async(Box::new(move |plan: Plan| {
                let plan = Arc::new(plan);
                Arc::new(move |work, cx| {
                    let Work::Tool { name, arguments } = work else {
                        return Box::pin(core::future::ready(wrong_work()));
                    };
                    let input = ToolInput {
                        arguments,
                        strict: plan.policy.strict_arguments,
                    };
                    let (round, plan) = (Round::of(&cx), Arc::clone(&plan));
                    let running = run(input, cx);
                    Box::pin(round.run(running, move |returned| plan.outcome(&name, returned)))
                })
            })))
    }

    /// Runs a function that takes no arguments.
    pub fn call<R: IntoToolResult>(self, run: impl Fn() -> R + Send + Sync + 'static) -> Self {
        self.run(move |_, _| run())
    }

    /// Runs a handler as it is: results and errors pass through it unchanged.
    pub fn handler(self, handler: Handler) -> Self {
        self.making(Making::Ready(handler))
    }

    fn returning<R: IntoToolResult>(mut self) -> Self {
        if !self.output_settled {
            self.tool.output_schema = R::output_schema().map(OutputSchema::new);
        }
        self
    }

    fn making(mut self, making: Making<Plan>) -> Self {
        self.making = making;
        self
    }

    pub(super) fn build(
        self,
        policy: &Arc<Policy>,
    ) -> Result<Component<Tool, Handler>, BuildError> {
        let Self {
            tool,
            options,
            making,
            page,
            ..
        } = self;
        page.map_or(Ok(()), |uri| apps::check_uri(&uri))?;
        let plan = Plan {
            policy: Arc::clone(policy),
            wraps_output: tool.wraps_output(),
        };
        match making.finish(plan, options.quick) {
            Some(handler) => Ok(options.component(tool, handler, None)),
            None => Err(BuildError::NoHandler {
                kind: "tool",
                name: tool.name,
            }),
        }
    }
}
