//! Prompts made of functions.

use alloc::{boxed::Box, collections::BTreeMap, format, string::String, sync::Arc, vec::Vec};
use core::future::Future;
use mcp_proto::{
    json::Json,
    rpc::RpcError,
    types::{Prompt, PromptArgument},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    completion::{Completer, Completers},
    making::{Making, Options},
    policy::{Policy, wrong_work},
    shared_settings,
};
use crate::{
    arguments::{self, Problems},
    ask::Round,
    call::{Outcome, Work},
    cx::Cx,
    error::{BuildError, ToolError},
    handler::Handler,
    output::IntoPromptResult,
    schema::{SchemaGenerator, ToSchema},
    service::Component,
};

/// A prompt: its definition and the function to run.
///
/// On the wire a prompt's arguments are strings. A function may take other types: they are read
/// from the text as [`PromptInput::get`] does, and the argument's description tells clients the schema.
///
/// ```
/// use mcp_server_core::{Completer, Cx, PromptEntry, ServerBuilder, ToolError};
///
/// let greet = PromptEntry::new("greet")
///     .description("A greeting")
///     .required("name", "who is greeted")
///     .optional("times", "how often")
///     .complete("name", Completer::of(["Ada", "Alan"]))
///     .run(|with, _: &Cx| {
///         let times: Option<usize> = with.get("times")?;
///         Ok::<_, ToolError>(format!("Greet {}.", with.get::<String>("name")?).repeat(times.unwrap_or(1)))
///     });
/// let service = ServerBuilder::new("town", "1.0.0").prompt(greet).build_service().unwrap();
/// ```
#[derive(Debug)]
#[must_use = "an entry does nothing before it is added to a server"]
pub struct PromptEntry {
    prompt: Prompt,
    options: Options,
    making: Making<Plan>,
    completers: Completers,
}

/// What a prompt's handler is finished with.
struct Plan {
    policy: Arc<Policy>,
    required: Vec<String>,
}

impl Plan {
    fn input(&self, name: &str, arguments: Option<&Json>) -> Result<PromptInput, RpcError> {
        let arguments: BTreeMap<String, Value> = match arguments {
            Some(arguments) => arguments.to().map_err(|error| {
                RpcError::invalid_params(format!(
                    "the arguments of prompt `{name}` are no object of strings: {error}"
                ))
            })?,
            None => BTreeMap::new(),
        };
        let missing: Vec<_> = self
            .required
            .iter()
            .filter(|required| !arguments.contains_key(*required))
            .collect();
        if missing.is_empty() {
            // Not a string against the rules; its JSON is what the text would have been.
            let text = |value| match value {
                Value::String(text) => text,
                other => Json::from(other).into_string(),
            };
            let arguments = arguments
                .into_iter()
                .map(|(name, value)| (name, text(value)));
            return Ok(PromptInput {
                arguments: arguments.collect(),
            });
        }
        let missing = missing
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        Err(RpcError::invalid_params(format!(
            "prompt `{name}` lacks the required {missing}"
        )))
    }
}

/// What a prompt is to be filled in with.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct PromptInput {
    /// The arguments' text by their names.
    pub arguments: BTreeMap<String, String>,
}

impl PromptInput {
    /// An argument's value: text as it is, a number as such, a choice by its name, all else as
    /// JSON. One that was not sent is read as an absent `Option`.
    ///
    /// # Errors
    /// -32602 where the value is not one of that type, or absent and no `Option`.
    pub fn get<T: DeserializeOwned>(&self, argument: &str) -> Result<T, ToolError> {
        if let Some(text) = self.arguments.get(argument) {
            return arguments::decode_text(argument, text).map_err(Problems::into_invalid_params);
        }
        serde_json::from_str("null")
            .map_err(|_| ToolError::invalid_params(format!("{argument}: missing, but required")))
    }

    /// All arguments as one value.
    ///
    /// # Errors
    /// -32602 where they are not one of that type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ToolError> {
        let arguments = self
            .arguments
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        arguments::decode_texts(arguments).map_err(Problems::into_invalid_params)
    }
}

impl PromptEntry {
    /// A prompt of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            prompt: Prompt::new(name),
            options: Options::default(),
            making: Making::Missing,
            completers: Completers::default(),
        }
    }

    shared_settings!(prompt);

    /// Adds an argument that must be given; -32602 tells a client that did not.
    pub fn required(self, name: impl Into<String>, description: impl Into<String>) -> Self {
        let description: String = description.into();
        let mut argument = PromptArgument::new(name).with_required(true);
        argument.description = Some(description).filter(|text| !text.is_empty());
        self.argument(argument)
    }

    /// Adds an argument that may be left out.
    pub fn optional(self, name: impl Into<String>, description: impl Into<String>) -> Self {
        let description: String = description.into();
        let mut argument = PromptArgument::new(name);
        argument.description = Some(description).filter(|text| !text.is_empty());
        self.argument(argument)
    }

    /// Adds an argument.
    pub fn argument(mut self, argument: PromptArgument) -> Self {
        self.prompt.arguments.push(argument);
        self
    }

    /// Adds an argument that a `T` is read from. Where `T` is no string, the schema of its text
    /// is added to the description, for clients that fill it in.
    pub fn typed_argument<T: ToSchema + ?Sized>(
        self,
        name: &str,
        description: &str,
        required: bool,
    ) -> Self {
        let schema = SchemaGenerator::new().root::<T>();
        self.argument(described(name, description, required, &schema))
    }

    /// Proposes values for an argument.
    pub fn complete(mut self, argument: impl Into<String>, completer: Completer) -> Self {
        self.completers.insert(argument.into(), completer);
        self
    }

    /// Runs a function of one value, whose type says what the arguments are.
    pub fn typed<A, R>(self, run: impl Fn(A, &Cx) -> R + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned + ToSchema,
        R: IntoPromptResult,
    {
        self.arguments_of::<A>()
            .run(move |input, cx| input.decode().map(|arguments| run(arguments, cx)))
    }

    /// [`typed`](Self::typed) for an async function.
    pub fn typed_async<A, F>(self, run: impl Fn(A, Cx) -> F + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned + ToSchema,
        F: Future<Output: IntoPromptResult> + Send + 'static,
    {
        self.arguments_of::<A>().run_async(move |input, cx| {
            let running = input.decode().map(|arguments| run(arguments, cx));
            async move {
                match running {
                    Ok(running) => Ok(running.await),
                    Err(error) => Err(error),
                }
            }
        })
    }

    fn arguments_of<A: ToSchema>(mut self) -> Self {
        #[derive(serde::Deserialize)]
        struct Root {
            #[serde(default)]
            properties: Map<String, Value>,
            #[serde(default)]
            required: Vec<String>,
        }
        let schema = SchemaGenerator::new().root::<A>();
        let Ok(Root {
            properties,
            required,
        }) = schema.to()
        else {
            return self;
        };
        for (name, schema) in properties {
            let description = schema
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let argument = described(
                &name,
                description,
                required.contains(&name),
                &Json::from(schema.clone()),
            );
            self = self.argument(argument);
        }
        self
    }

    /// Runs a function that returns the messages.
    pub fn run<R: IntoPromptResult>(
        self,
        run: impl Fn(PromptInput, &Cx) -> R + Send + Sync + 'static,
    ) -> Self {
        self.making(Making::Sync(Box::new(move |plan: Plan| {
            Arc::new(move |work, cx| {
                let Work::Prompt { name, arguments } = work else {
                    return wrong_work();
                };
                match plan.input(&name, arguments.as_ref()) {
                    Ok(input) => {
                        let (round, returned) = (Round::of(&cx), run(input, &cx));
                        round.end(|| plan.policy.prompt(&name, returned.into_prompt_result()))
                    }
                    Err(error) => Outcome::Fail(error),
                }
            })
        })))
    }

    /// [`run`](Self::run) for an async function.
    pub fn run_async<F>(self, run: impl Fn(PromptInput, Cx) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoPromptResult> + Send + 'static,
    {
        self.making(Making::Async(Box::new(move |plan: Plan| {
            Arc::new(move |work, cx| {
                let Work::Prompt { name, arguments } = work else {
                    return Box::pin(core::future::ready(wrong_work()));
                };
                match plan.input(&name, arguments.as_ref()) {
                    Ok(input) => {
                        let (round, policy) = (Round::of(&cx), Arc::clone(&plan.policy));
                        let running = run(input, cx);
                        let outcome = move |returned: F::Output| {
                            policy.prompt(&name, returned.into_prompt_result())
                        };
                        Box::pin(round.run(running, outcome))
                    }
                    Err(error) => Box::pin(core::future::ready(Outcome::Fail(error))),
                }
            })
        })))
    }

    /// Runs a function that takes no arguments.
    pub fn call<R>(self, run: impl Fn() -> R + Send + Sync + 'static) -> Self
    where
        R: IntoPromptResult,
    {
        self.run(move |_, _| run())
    }

    /// Runs a handler as it is: results and errors pass through it unchanged.
    pub fn handler(self, handler: Handler) -> Self {
        self.making(Making::Ready(handler))
    }

    fn making(mut self, making: Making<Plan>) -> Self {
        self.making = making;
        self
    }

    pub(super) fn build(
        self,
        policy: &Arc<Policy>,
    ) -> Result<Component<Prompt, Handler>, BuildError> {
        let Self {
            prompt,
            options,
            making,
            completers,
        } = self;
        let known = |name: &str| {
            prompt
                .arguments
                .iter()
                .any(|argument| argument.name == name)
        };
        if let Some(unknown) = completers.names().find(|name| !known(name)) {
            let (kind, variable) = ("prompt", unknown.into());
            return Err(BuildError::Variable {
                kind,
                name: prompt.name,
                variable,
            });
        }
        let required = prompt.arguments.iter().filter(|argument| argument.required);
        let required = required.map(|argument| argument.name.clone()).collect();
        match making.finish(
            Plan {
                policy: Arc::clone(policy),
                required,
            },
            options.quick,
        ) {
            Some(handler) => Ok(options.component(prompt, handler, completers.finish(policy))),
            None => Err(BuildError::NoHandler {
                kind: "prompt",
                name: prompt.name,
            }),
        }
    }
}

/// An argument whose text is read as what `schema` describes.
fn described(name: &str, description: &str, required: bool, schema: &Json) -> PromptArgument {
    let mut argument = PromptArgument::new(name).with_required(required);
    let hint = hint(schema);
    let parts = [description, hint.as_deref().unwrap_or_default()];
    let text = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n");
    argument.description = Some(text).filter(|text| !text.is_empty());
    argument
}

/// What to tell clients about an argument that is no plain string.
fn hint(schema: &Json) -> Option<String> {
    let mut schema: Map<String, Value> = schema.to().ok()?;
    let is_text = match schema.get("type") {
        Some(Value::String(ty)) => ty == "string",
        // An optional one.
        Some(Value::Array(types)) => types.iter().all(|ty| ty == "string" || ty == "null"),
        // Anything.
        _ => schema.is_empty(),
    };
    schema.remove("description");
    let plain = is_text && !schema.contains_key("enum");
    (!plain).then(|| {
        let schema = Json::from(Value::Object(schema));
        format!(
            "Provide as a JSON string matching the following schema: {}",
            schema.as_str()
        )
    })
}
