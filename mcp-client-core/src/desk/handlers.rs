//! What a program answers and wants to be told: closures, stored until a question comes.

use alloc::{borrow::ToOwned, boxed::Box, format, string::ToString, sync::Arc, vec::Vec};
use core::{any::Any, fmt, future::Future, pin::Pin, time::Duration};
use std::sync::Mutex;

use mcp_proto::{
    json::Json,
    limits::Limits,
    rpc::RpcError,
    types::{
        CreateMessageParams, CreateMessageResult, ElicitFormParams, ElicitResult, ElicitUrlParams,
        ElicitationCapability, Implementation, LogParams, LoggingLevel, Root, RootsCapability,
        SamplingCapability, Task,
    },
    version::ProtocolVersion,
};

use crate::{
    error::{CallError, Closed},
    event::{Change, InputAnswer, Progress},
    extension::Extension,
    options::{CallOptions, Config, EraMode},
    tasks::Tasks,
};

/// Why a question of the server is not answered. Made by `?` from any error, or from a text; an
/// [`RpcError`] reaches the server as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal(RpcError);

impl<E: core::error::Error + 'static> From<E> for Refusal {
    fn from(error: E) -> Self {
        match (&error as &dyn Any).downcast_ref::<RpcError>() {
            Some(error) => Self(error.clone()),
            None => Self(RpcError::internal(error.to_string())),
        }
    }
}

impl Refusal {
    /// Not answered, for this reason.
    #[must_use]
    pub fn new(reason: &str) -> Self {
        Self(RpcError::internal(reason.to_owned()))
    }
}

/// What a handler may return for an answer of type `R`: the answer, or a result with it.
pub trait IntoAnswer<R> {
    /// The answer, or why there is none.
    ///
    /// # Errors
    /// Where there is none.
    fn into_answer(self) -> Result<R, Refusal>;
}

macro_rules! answers {
    ($($answer:ty),*) => {$(
        impl IntoAnswer<$answer> for $answer {
            fn into_answer(self) -> Result<$answer, Refusal> {
                Ok(self)
            }
        }

        impl<E: Into<Refusal>> IntoAnswer<$answer> for Result<$answer, E> {
            fn into_answer(self) -> Result<$answer, Refusal> {
                self.map_err(Into::into)
            }
        }
    )*};
}
answers!(ElicitResult, CreateMessageResult);

type Answer = Result<InputAnswer, RpcError>;
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
pub(crate) type Listener<T> = Arc<dyn Fn(T) + Send + Sync>;

/// A closure that answers one kind of question, at once or later.
pub(crate) enum Handler<Q> {
    Sync(Arc<dyn Fn(Q) -> Answer + Send + Sync>),
    Async(Arc<dyn Fn(Q) -> BoxFuture<Answer> + Send + Sync>),
}

impl<Q> Clone for Handler<Q> {
    fn clone(&self) -> Self {
        match self {
            Self::Sync(handler) => Self::Sync(Arc::clone(handler)),
            Self::Async(handler) => Self::Async(Arc::clone(handler)),
        }
    }
}

impl<Q> Handler<Q> {
    fn sync<R: Into<InputAnswer>, A: IntoAnswer<R>>(
        handler: impl Fn(Q) -> A + Send + Sync + 'static,
    ) -> Option<Self> {
        Some(Self::Sync(Arc::new(move |question| {
            finish::<R, A>(handler(question))
        })))
    }

    fn later<R: Into<InputAnswer>, A: IntoAnswer<R>, F: Future<Output = A> + Send + 'static>(
        handler: impl Fn(Q) -> F + Send + Sync + 'static,
    ) -> Option<Self> {
        Some(Self::Async(Arc::new(move |question| {
            let answer = handler(question);
            Box::pin(async move { finish::<R, A>(answer.await) })
        })))
    }
}

fn finish<R: Into<InputAnswer>, A: IntoAnswer<R>>(answer: A) -> Answer {
    answer
        .into_answer()
        .map(Into::into)
        .map_err(|refusal| refusal.0)
}

/// Everything that a program answers and wants to be told.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    pub(crate) elicit: Option<Handler<ElicitFormParams>>,
    pub(crate) elicit_url: Option<Handler<ElicitUrlParams>>,
    pub(crate) sample: Option<Handler<CreateMessageParams>>,
    pub(crate) roots: Option<Arc<Mutex<Vec<Root>>>>,
    pub(crate) log: Option<Listener<LogParams>>,
    pub(crate) change: Option<Listener<Change>>,
    pub(crate) log_level: Option<LoggingLevel>,
    #[cfg(feature = "http")]
    pub(crate) unauthorized: Option<Listener<crate::http::Challenge>>,
}

/// How a client is put together: who it is, what it answers and wants to be told, and what it
/// keeps to. What it declares to servers follows from its handlers.
///
/// The bindings connect it; the same builder serves all of them.
///
/// ```
/// use mcp_client_core::{ClientBuilder, mcp_proto::types::{ElicitResult, Root}};
///
/// let client = ClientBuilder::new("my-app", "1.0.0")
///     .on_elicit(|form| ElicitResult::accept_defaults(&form.requested_schema))
///     .roots([Root::new("file:///home/ada/project")])
///     .on_log(|entry| eprintln!("{}: {:?}", entry.level, entry.data));
/// # let _ = client;
/// ```
#[derive(Clone)]
pub struct ClientBuilder {
    pub(crate) config: Config,
    pub(crate) handlers: Handlers,
    pub(crate) options: Options,
}

impl ClientBuilder {
    /// A client of that name and version. The macro [`client!`](crate::client) takes both from the
    /// crate that it is used in.
    #[must_use]
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            config: Config::new(Implementation::new(name, version)),
            handlers: Handlers::default(),
            options: Options::default(),
        }
    }

    /// A client that bears the name of the program at this path, for programs that do not care.
    #[must_use]
    pub fn named_after(program: &str) -> Self {
        let file = program.rsplit(['/', '\\']).next().unwrap_or(program);
        let name = file.strip_suffix(".exe").unwrap_or(file);
        Self::new(if name.is_empty() { "client" } else { name }, "0.0.0")
    }

    /// Sets the name for people.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        self.config.info.title = Some(title.to_owned());
        self
    }

    /// Sets everything about who the client is.
    #[must_use]
    pub fn info(mut self, info: Implementation) -> Self {
        self.config.info = info;
        self
    }

    /// Sets how the revision to speak is found.
    #[must_use]
    pub fn era(mut self, era: EraMode) -> Self {
        self.config.era = era;
        self
    }

    /// The client to try again with after one was lost so: a server that has gone at the first
    /// message of 2026-07-28 is older than that, and is to be greeted with a handshake.
    #[must_use]
    pub fn fallback(self, error: &CallError) -> Option<Self> {
        let older = EraMode::Handshake(ProtocolVersion::LATEST_HANDSHAKE);
        (*error == CallError::Lost(Closed::Probe)).then(|| self.era(older))
    }

    /// Sets the bounds that the client keeps.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// What a machine of this client is made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Sets how calls are made that say nothing else.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Answers forms that the server wants its user to fill in.
    #[must_use]
    pub fn on_elicit<A: IntoAnswer<ElicitResult>>(
        mut self,
        handler: impl Fn(ElicitFormParams) -> A + Send + Sync + 'static,
    ) -> Self {
        self.handlers.elicit = Handler::sync(handler);
        self.declares_elicitation().form = Some(Json::empty_object());
        self
    }

    /// Like [`on_elicit`](Self::on_elicit), with a future.
    #[must_use]
    pub fn on_elicit_async<A, F>(
        mut self,
        handler: impl Fn(ElicitFormParams) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: IntoAnswer<ElicitResult>,
        F: Future<Output = A> + Send + 'static,
    {
        self.handlers.elicit = Handler::later(handler);
        self.declares_elicitation().form = Some(Json::empty_object());
        self
    }

    /// Sends the user to pages that the server names, after asking for consent; the URL must be
    /// shown in full (2025-11-25, client/elicitation, Safe URL Handling).
    #[must_use]
    pub fn on_elicit_url<A: IntoAnswer<ElicitResult>>(
        mut self,
        handler: impl Fn(ElicitUrlParams) -> A + Send + Sync + 'static,
    ) -> Self {
        self.handlers.elicit_url = Handler::sync(handler);
        self.declares_elicitation().url = Some(Json::empty_object());
        self
    }

    /// Like [`on_elicit_url`](Self::on_elicit_url), with a future.
    #[must_use]
    pub fn on_elicit_url_async<A, F>(
        mut self,
        handler: impl Fn(ElicitUrlParams) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: IntoAnswer<ElicitResult>,
        F: Future<Output = A> + Send + 'static,
    {
        self.handlers.elicit_url = Handler::later(handler);
        self.declares_elicitation().url = Some(Json::empty_object());
        self
    }

    /// Lets the server use the program's language model.
    #[must_use]
    pub fn on_sample<A: IntoAnswer<CreateMessageResult>>(
        mut self,
        handler: impl Fn(CreateMessageParams) -> A + Send + Sync + 'static,
    ) -> Self {
        self.handlers.sample = Handler::sync(handler);
        self.declares_sampling();
        self
    }

    /// Like [`on_sample`](Self::on_sample), with a future.
    #[must_use]
    pub fn on_sample_async<A, F>(
        mut self,
        handler: impl Fn(CreateMessageParams) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: IntoAnswer<CreateMessageResult>,
        F: Future<Output = A> + Send + 'static,
    {
        self.handlers.sample = Handler::later(handler);
        self.declares_sampling();
        self
    }

    /// Declares that sampling may use tools, which the handler then has to understand.
    #[must_use]
    pub fn sampling_with_tools(mut self) -> Self {
        self.declares_sampling().tools = Some(Json::empty_object());
        self
    }

    /// Tells servers which folders the program works in.
    #[must_use]
    pub fn roots(mut self, roots: impl IntoIterator<Item = Root>) -> Self {
        self.handlers.roots = Some(Arc::new(Mutex::new(roots.into_iter().collect())));
        let mut declared = RootsCapability::default();
        declared.list_changed = true;
        self.config.capabilities.roots = Some(declared);
        self
    }

    /// Adds what the client knows besides the specification, and declares it to servers.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        self.config.extensions.push(extension);
        self
    }

    /// Lets servers answer calls of tools with tasks; see [`Tasks`].
    #[must_use]
    pub fn tasks(self, tasks: Tasks) -> Self {
        self.extension(tasks.into_extension())
    }

    /// Is told the server's log entries. Called where the connection is driven, so it must be
    /// quick, and must not wait for a call of this client, which would wait for itself.
    #[must_use]
    pub fn on_log(mut self, listener: impl Fn(LogParams) + Send + Sync + 'static) -> Self {
        self.handlers.log = Some(Arc::new(listener));
        self
    }

    /// Asks the server for log entries of this level and above.
    #[must_use]
    pub fn log_level(mut self, level: LoggingLevel) -> Self {
        self.handlers.log_level = Some(level);
        self
    }

    /// Is told when the server's lists change, and what else was subscribed to. Called where the
    /// connection is driven, so it must be quick, and must not wait for a call of this client,
    /// which would wait for itself.
    #[must_use]
    pub fn on_change(mut self, listener: impl Fn(Change) + Send + Sync + 'static) -> Self {
        self.handlers.change = Some(Arc::new(listener));
        self
    }

    /// Is told when the server wants another authorization, or one at all, which
    /// [`Caller::set_authorization`](crate::Caller::set_authorization) sets. Called where the
    /// connection is driven, so it must be quick: a login is to be started elsewhere.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn on_unauthorized(
        mut self,
        listener: impl Fn(crate::http::Challenge) + Send + Sync + 'static,
    ) -> Self {
        self.handlers.unauthorized = Some(Arc::new(listener));
        self
    }

    /// Changes what else the client is made with, such as capabilities of an extension.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    fn declares_elicitation(&mut self) -> &mut ElicitationCapability {
        self.config.capabilities.elicitation.get_or_insert_default()
    }

    fn declares_sampling(&mut self) -> &mut SamplingCapability {
        self.config.capabilities.sampling.get_or_insert_default()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// How calls are made through a client handle.
///
/// ```
/// use core::time::Duration;
/// use mcp_client_core::Options;
///
/// let options = Options::default()
///     .timeout(Duration::from_secs(60))
///     .on_progress(|progress| eprintln!("{} of {:?}", progress.done, progress.total));
/// # let _ = options;
/// ```
#[derive(Clone, Default)]
pub struct Options {
    pub(crate) call: CallOptions,
    pub(crate) on_progress: Option<Listener<Progress>>,
    pub(crate) on_task: Option<Listener<Task>>,
}

impl Options {
    /// Sets how long the server may be silent about a call; see [`CallOptions::timeout`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.call.timeout = Some(timeout);
        self
    }

    /// Sets how long a call may take in all; see [`CallOptions::max`].
    #[must_use]
    pub fn max(mut self, max: Duration) -> Self {
        self.call.max = Some(max);
        self
    }

    /// Asks for progress reports. Called where the connection is driven, so it must be quick, and
    /// must not wait for a call of this client, which would wait for itself.
    #[must_use]
    pub fn on_progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.call.progress = true;
        self.on_progress = Some(Arc::new(listener));
        self
    }

    /// Is told how the task is doing that a call has become, or that is waited for: at first, and
    /// whenever its status or what is said of it has changed. Called where the connection is driven,
    /// so it must be quick.
    #[must_use]
    pub fn on_task(mut self, listener: impl Fn(Task) + Send + Sync + 'static) -> Self {
        self.on_task = Some(Arc::new(listener));
        self
    }

    /// Lets the task that a call has become go on when nobody waits for it any longer; see
    /// [`CallOptions::detached`].
    #[must_use]
    pub fn detached(mut self) -> Self {
        self.call.detached = true;
        self
    }

    /// Asks for a task to be kept so long from its beginning; see [`CallOptions::task_ttl`].
    #[must_use]
    pub fn task_ttl(mut self, ttl: Duration) -> Self {
        self.call.task_ttl = Some(ttl);
        self
    }

    /// Sets everything else; see [`CallOptions`].
    #[must_use]
    pub fn call(mut self, change: impl FnOnce(&mut CallOptions)) -> Self {
        change(&mut self.call);
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// An answer to a form that does not fit it would be the server's to reject; say it here, where it
/// can be mended.
pub(crate) fn checked(form: &mcp_proto::types::ElicitSchema, answer: Answer) -> Answer {
    let InputAnswer::Elicit(result) = answer? else {
        return Err(RpcError::internal(
            "a form was answered with something else",
        ));
    };
    let problems = match &result.content {
        Some(content) if result.action == mcp_proto::types::ElicitAction::Accept => {
            form.problems(content)
        }
        _ => Vec::new(),
    };
    if problems.is_empty() {
        Ok(InputAnswer::Elicit(result))
    } else {
        Err(RpcError::internal(format!(
            "the answer does not fit the form: {}",
            problems.join("; ")
        )))
    }
}
