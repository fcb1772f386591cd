//! Attribute macros of mcp-server-core: tools, resources and prompts from plain functions.
//!
//! The core and every binding export them; nobody needs to depend on this crate. What they write
//! can be written by hand as well, with `ToolEntry`, `ResourceEntry` and `PromptEntry`.
//!
//! | attribute | on | makes |
//! |---|---|---|
//! | [`tool`](macro@tool) | a function | what `ServerBuilder::tool` takes |
//! | [`resource`](macro@resource) | a function | what `ServerBuilder::resource` takes |
//! | [`prompt`](macro@prompt) | a function | what `ServerBuilder::prompt` takes |
//! | [`components`](macro@components) | an `impl` block | a struct whose marked methods are components |
//!
//! # Functions
//!
//! A function may be `async`. It stays callable, as a unit struct of its name that dereferences to
//! a function pointer: `add(1.0, 2.0)` works, and `*add` is the pointer where a function is wanted
//! as a value. An async function's pointer returns a boxed future. Like any unit struct, the name
//! cannot be used for a variable in the same module; keep tools in a module of their own where
//! that is in the way.
//!
//! # Parameters
//!
//! - Each parameter is an argument, named after it. Its type is read by serde, and for tools
//!   described by its JSON Schema. A doc comment on the parameter is its description.
//! - `Option<T>` may be left out, and so may what has a default: `#[arg(default = 10)]`, or
//!   `#[arg(default)]` for that of the type.
//! - `&str`, `&[T]` and `&T` are read as `String`, `Vec<T>` and `T`, and lent for the call.
//! - `&Cx` or `Cx` is the running call: progress, logs, cancellation. It is no argument.
//!
//! All options of a parameter: `#[arg(default = …, description = "…", rename = "…")]`;
//! `#[arg(flatten)]` on the only one, whose struct's fields are the arguments; for prompts and
//! resource templates `#[arg(complete = ["a", "b"])]`, `#[arg(complete = function)]` from what has
//! been typed to proposals, or `#[arg(completer = …)]`; for resource templates `#[arg(unscreened)]`.
//!
//! # Options
//!
//! | option | meaning |
//! |---|---|
//! | `name = "…"` | the name for programs, instead of the function's |
//! | `title = "…"` | the name for people |
//! | `description = "…"` | instead of the first paragraph of the doc comment |
//! | `tags("a", "b")` | names to enable and disable components by |
//! | `icon = "https://…"` | a picture; more than once for several |
//! | `meta("key" = value)` | members of the definition's `_meta`, of anything serializable |
//! | `timeout = "5s"` | the longest a call may take: `ms`, `s`, `m`, `h`, or a `Duration` |
//! | `quick` | the function returns at once and needs no thread of its own |
//! | `disabled` | hidden until it is enabled |
//! | `crate = path` | the binding or the core, where the macro does not find it in `Cargo.toml` |

use proc_macro::TokenStream;

mod components;
mod crate_path;
mod docs;
mod entry;
mod function;
mod options;
mod params;
mod template;

use options::Kind;

/// Makes a tool of a function.
///
/// ```
/// use mcp_server_core::{Cx, ToolError, server, tool};
///
/// /// Divide one number by another.
/// #[tool(title = "Division", read_only)]
/// fn divide(
///     /** the dividend */ a: f64,
///     /** the divisor */
///     #[arg(default = 1.0)]
///     b: f64,
/// ) -> Result<f64, ToolError> {
///     if b == 0.0 { Err(ToolError::new("nothing can be divided by 0")) } else { Ok(a / b) }
/// }
///
/// #[tool(timeout = "1m", open_world)]
/// async fn fetch(url: &str, limit: Option<usize>, cx: &Cx) -> String {
///     cx.info(format_args!("fetching {url}"));
///     format!("{limit:?} of {url}")
/// }
///
/// let server = server!().tool(divide).tool(fetch).build_service().unwrap();
/// assert_eq!(server.tools().count(), 2);
/// assert_eq!(divide(6.0, 3.0).unwrap(), 2.0);
/// ```
///
/// The function may return whatever is `IntoToolResult`. Its return type says the output schema;
/// `output_schema = …` replaces it by a JSON text, `output_schema = none` leaves it out.
///
/// `task = "optional"` lets calls become tasks where the client takes them, `task = "required"`
/// makes all of them tasks, on servers that have tasks. With `detaches` they become tasks when the
/// function says so.
///
/// The hints `read_only`, `destructive`, `idempotent` and `open_world` tell what the tool does to
/// the world, alone or with `= false`. The [crate's page](crate) lists the other options, and what
/// can be said about parameters.
#[proc_macro_attribute]
pub fn tool(options: TokenStream, function: TokenStream) -> TokenStream {
    function::expand(Kind::Tool, options.into(), &function.into()).into()
}

/// Makes a resource of a function, or a family of resources where its URI has variables.
///
/// ```
/// use mcp_server_core::{Json, ToolError, resource, server};
///
/// /// The house rules.
/// #[resource("town://rules", mime = "text/markdown")]
/// fn rules() -> &'static str {
///     "# Be kind"
/// }
///
/// /// The weather in a town.
/// #[resource("weather://{town}/now{?units,tags*}")]
/// fn weather(
///     #[arg(complete = ["Antwerp", "Bruges"])] town: &str,
///     #[arg(default = "metric")] units: String,
///     tags: Vec<String>,
/// ) -> Result<Json<Vec<String>>, ToolError> {
///     match town {
///         "Atlantis" => Err(ToolError::not_found()),
///         _ => Ok(Json([vec![town.to_owned(), units], tags].concat())),
///     }
/// }
///
/// let server = server!().resource(rules).resource(weather).build_service().unwrap();
/// assert!(server.resource("weather://Ghent/now?tags=a&tags=b").is_some());
/// ```
///
/// The URI is a template as `UriTemplate` reads it: `{x}` for one segment, `{+x}` or `{x*}` across
/// `/`, `{?x,y}` for the query, `{?x*}` for what may be repeated. Each variable is a parameter, with
/// an underscore for a hyphen, and each parameter a variable. Those of the query take an `Option`,
/// a `Vec` or a default.
///
/// Values that could lead out of a folder are not let in; a parameter with `#[arg(unscreened)]`
/// takes them. `mime = "…"` is the type of the contents. The [crate's page](crate) lists the other
/// options. The function may return whatever is `IntoResourceResult`.
#[proc_macro_attribute]
pub fn resource(options: TokenStream, function: TokenStream) -> TokenStream {
    function::expand(Kind::Resource, options.into(), &function.into()).into()
}

/// Makes a prompt of a function.
///
/// ```
/// use mcp_server_core::{mcp_proto::types::PromptMessage, prompt, server};
///
/// /// Reviews some code.
/// #[prompt(title = "Code review")]
/// fn review(
///     /** the code */ code: &str,
///     #[arg(complete = ["Rust", "Python"])] language: Option<String>,
///     #[arg(default = 3)] remarks: u8,
/// ) -> Vec<PromptMessage> {
///     let language = language.unwrap_or_else(|| "some language".into());
///     vec![
///         PromptMessage::user(format!("This is {language}: {code}")),
///         PromptMessage::user(format!("Make {remarks} remarks.")),
///     ]
/// }
///
/// let server = server!().prompt(review).build_service().unwrap();
/// assert_eq!(server.prompt("review").unwrap().definition().arguments.len(), 3);
/// ```
///
/// On the wire a prompt's arguments are text. Other types are read from it: numbers and booleans as
/// such, choices by their names, all else as JSON. The [crate's page](crate) lists the options. The
/// function may return whatever is `IntoPromptResult`.
#[proc_macro_attribute]
pub fn prompt(options: TokenStream, function: TokenStream) -> TokenStream {
    function::expand(Kind::Prompt, options.into(), &function.into()).into()
}

/// Makes components of those methods of a struct that are marked with `#[tool]`, `#[resource]` or
/// `#[prompt]`. They share the struct.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use mcp_server_core::{components, server};
///
/// #[derive(Default)]
/// struct Notes {
///     notes: Mutex<Vec<String>>,
/// }
///
/// #[components]
/// impl Notes {
///     /// Adds a note.
///     #[tool]
///     fn add(&self, text: String) -> usize {
///         let mut notes = self.notes.lock().unwrap();
///         notes.push(text);
///         notes.len()
///     }
///
///     /// One note.
///     #[resource("notes://{index}")]
///     async fn note(&self, index: usize) -> Option<String> {
///         self.notes.lock().unwrap().get(index).cloned()
///     }
/// }
///
/// let notes = Arc::new(Notes::default());
/// let server = server!().components(Arc::clone(&notes)).build_service().unwrap();
/// assert!(server.tool("add").is_some());
/// assert_eq!(notes.add("the methods stay what they are".into()), 1);
/// ```
///
/// A method takes `&self` or `self: Arc<Self>`, or no receiver at all. Calls run at the same time,
/// so what changes belongs into a `Mutex` or an atomic. `ServerBuilder::components` takes the struct
/// itself, or an `Arc` of it where others need it too.
#[proc_macro_attribute]
pub fn components(options: TokenStream, block: TokenStream) -> TokenStream {
    components::expand(options.into(), &block.into()).into()
}
