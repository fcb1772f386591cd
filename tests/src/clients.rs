//! The clients of every binding behind one face that blocks, results as JSON.

use std::future::Future;
use std::process::{Command, ExitStatus};
use std::sync::LazyLock;
use std::time::Duration;

use mcp_client_core::http::Endpoint;
use mcp_client_core::{
    CallError, ClientBuilder, Options, Serialize, Started, Subscription, SubscriptionId,
};
use mcp_proto::types::{CompletionReference, LoggingLevel, ServerCapabilities};
use mcp_proto::version::ProtocolVersion;
use serde_json::Value;

/// A binding's client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `bind_blocking::Client`.
    Blocking,
    /// `bind_tokio::Client` on a multi-thread runtime.
    Tokio,
    /// `bind_tokio::Client` on a current-thread runtime.
    TokioCurrentThread,
    /// `bind_async_std::smol::Client`.
    Smol,
    /// `bind_async_std::async_std::Client`.
    AsyncStd,
}

impl Kind {
    /// Starts a server as a child process and connects to it.
    ///
    /// # Errors
    /// What the binding's client says.
    pub fn spawn(
        self,
        builder: ClientBuilder,
        command: Command,
    ) -> Result<Box<dyn AnyClient>, String> {
        match self {
            Self::Blocking => boxed(bind_blocking::Client::spawn_with(builder, command)),
            Self::Tokio => boxed(on_tokio(bind_tokio::Client::spawn_with(builder, command))),
            Self::TokioCurrentThread => {
                let client = bind_tokio::Client::spawn_with(builder, command);
                boxed(CURRENT_THREAD.block_on(client))
            }
            Self::Smol => boxed(smol::block_on(bind_async_std::smol::Client::spawn_with(
                builder, command,
            ))),
            Self::AsyncStd => boxed(async_std::task::block_on(
                bind_async_std::async_std::Client::spawn_with(builder, command),
            )),
        }
    }

    /// Connects to a server over HTTP.
    ///
    /// # Errors
    /// What the binding's client says.
    pub fn http(
        self,
        builder: ClientBuilder,
        endpoint: Endpoint,
    ) -> Result<Box<dyn AnyClient>, String> {
        match self {
            Self::Blocking => boxed(bind_blocking::Client::http_with(builder, endpoint)),
            Self::Tokio => boxed(on_tokio(bind_tokio::Client::http_with(builder, endpoint))),
            Self::TokioCurrentThread => {
                let client = bind_tokio::Client::http_with(builder, endpoint);
                boxed(CURRENT_THREAD.block_on(client))
            }
            Self::Smol => boxed(smol::block_on(bind_async_std::smol::Client::http_with(
                builder, endpoint,
            ))),
            Self::AsyncStd => boxed(async_std::task::block_on(
                bind_async_std::async_std::Client::http_with(builder, endpoint),
            )),
        }
    }

    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Blocking,
        Self::TokioCurrentThread,
        Self::Tokio,
        Self::Smol,
        Self::AsyncStd,
    ];

    /// Connects to a server over a socket.
    ///
    /// # Errors
    /// What the binding's client says.
    ///
    /// # Panics
    /// Where the socket cannot be made the binding's.
    #[cfg(unix)]
    pub fn connect(
        self,
        builder: ClientBuilder,
        socket: std::os::unix::net::UnixStream,
    ) -> Result<Box<dyn AnyClient>, String> {
        let on_tokio = async |builder, socket: std::os::unix::net::UnixStream| {
            socket.set_nonblocking(true)?;
            let socket = tokio::net::UnixStream::from_std(socket)?;
            let (reader, writer) = socket.into_split();
            bind_tokio::Client::connect_with(builder, reader, writer).await
        };
        match self {
            Self::Blocking => {
                let reader = socket.try_clone().expect("a descriptor");
                boxed(bind_blocking::Client::connect_with(builder, reader, socket))
            }
            Self::Tokio => boxed(self::on_tokio(on_tokio(builder, socket))),
            Self::TokioCurrentThread => boxed(CURRENT_THREAD.block_on(on_tokio(builder, socket))),
            Self::Smol => {
                let socket = smol::net::unix::UnixStream::try_from(socket).expect("a socket");
                boxed(smol::block_on(bind_async_std::smol::Client::connect_with(
                    builder,
                    socket.clone(),
                    socket,
                )))
            }
            Self::AsyncStd => {
                let socket = async_std::os::unix::net::UnixStream::from(socket);
                boxed(async_std::task::block_on(
                    bind_async_std::async_std::Client::connect_with(
                        builder,
                        socket.clone(),
                        socket,
                    ),
                ))
            }
        }
    }
}

fn boxed<C: AnyClient + 'static, E: ToString>(
    client: Result<C, E>,
) -> Result<Box<dyn AnyClient>, String> {
    client
        .map(|client| Box::new(client) as Box<dyn AnyClient>)
        .map_err(|error| error.to_string())
}

/// What the tests do with a client; errors as the binding words them.
///
/// The methods are those of `client_methods!`, which says what they mean.
#[allow(missing_docs, clippy::missing_errors_doc)]
pub trait AnyClient: Send + Sync {
    fn version(&self) -> ProtocolVersion;
    fn server_name(&self) -> Option<String>;
    fn instructions(&self) -> Option<String>;
    fn capabilities(&self) -> ServerCapabilities;
    fn tools(&self) -> Result<Vec<Value>, String>;
    fn resources(&self) -> Result<Vec<Value>, String>;
    fn templates(&self) -> Result<Vec<Value>, String>;
    fn prompts(&self) -> Result<Vec<Value>, String>;
    fn call(&self, tool: &str, arguments: &Value, options: Options) -> Result<Value, String>;
    /// Drops the call if it takes longer, which only a future can be: `None` then. For the blocking
    /// client it is a call with a timeout.
    fn call_for(
        &self,
        patience: Duration,
        tool: &str,
        arguments: &Value,
    ) -> Result<Option<Value>, String>;
    fn structured(&self, tool: &str, arguments: &Value) -> Result<Value, String>;
    fn read(&self, uri: &str) -> Result<Value, String>;
    fn prompt(&self, name: &str, arguments: &Value) -> Result<Value, String>;
    fn complete(
        &self,
        of: CompletionReference,
        argument: &str,
        typed: &str,
    ) -> Result<Vec<String>, String>;
    fn ping(&self) -> Result<(), String>;
    fn set_log_level(&self, level: LoggingLevel) -> Result<(), String>;
    /// Begins a task and waits for it by its handle; what any call gives where it is none.
    fn run_as_task(&self, tool: &str, arguments: &Value, options: Options)
    -> Result<Value, String>;
    /// The id of the task that this call has become, or what it gave at once.
    fn begin(&self, tool: &str, arguments: &Value) -> Result<Result<String, Value>, String>;
    fn task_status(&self, id: &str) -> Result<Value, String>;
    fn task_wait(&self, id: &str) -> Result<Value, String>;
    fn task_result(&self, id: &str, options: Options) -> Result<Value, String>;
    /// Every change, and what comes of it.
    fn task_updates(&self, id: &str) -> (Vec<Value>, Result<Value, String>);
    fn task_cancel(&self, id: &str) -> Result<(), String>;
    fn list_tasks(&self) -> Result<Vec<Value>, String>;
    fn subscribe(&self, wanted: Subscription) -> Result<SubscriptionId, String>;
    fn unsubscribe(&self, id: SubscriptionId);
    fn stderr(&self) -> String;
    fn close(&self) -> Option<ExitStatus>;
}

fn plain<T>(value: T) -> T {
    value
}

fn on_tokio<F: Future>(future: F) -> F::Output {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        crate::bindings::tokio_runtime(crate::bindings::Binding::TokioMultiThread)
    });
    RUNTIME.block_on(future)
}

/// A runtime without threads of its own. Connections live on it; what they are asked may be awaited
/// anywhere.
static CURRENT_THREAD: LazyLock<tokio::runtime::Handle> = LazyLock::new(|| {
    let runtime = crate::bindings::tokio_runtime(crate::bindings::Binding::TokioCurrentThread);
    let handle = runtime.handle().clone();
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    handle
});

async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let late = async {
        smol::Timer::after(limit).await;
        None
    };
    smol::future::or(async { Some(future.await) }, late).await
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("what a server sent is JSON")
}

macro_rules! any_client {
    ($client:ty, $wait:path, |$this:ident, $patience:ident, $tool:ident, $arguments:ident| $call_for:expr) => {
        impl AnyClient for $client {
            fn version(&self) -> ProtocolVersion {
                self.protocol_version()
            }
            fn server_name(&self) -> Option<String> {
                self.server_info().map(|info| info.name.to_string())
            }
            fn instructions(&self) -> Option<String> {
                self.instructions().map(str::to_owned)
            }
            fn capabilities(&self) -> ServerCapabilities {
                self.capabilities().clone()
            }
            fn tools(&self) -> Result<Vec<Value>, String> {
                any_client!(@list $wait(self.list_tools()))
            }
            fn resources(&self) -> Result<Vec<Value>, String> {
                any_client!(@list $wait(self.list_resources()))
            }
            fn templates(&self) -> Result<Vec<Value>, String> {
                any_client!(@list $wait(self.list_resource_templates()))
            }
            fn prompts(&self) -> Result<Vec<Value>, String> {
                any_client!(@list $wait(self.list_prompts()))
            }
            fn call(&self, tool: &str, arguments: &Value, options: Options) -> Result<Value, String> {
                let client = self.with(options);
                let result = $wait(client.call_tool(tool, arguments));
                result.map(|output| json(&*output)).map_err(|error| error.to_string())
            }
            fn call_for(
                &self,
                $patience: Duration,
                $tool: &str,
                $arguments: &Value,
            ) -> Result<Option<Value>, String> {
                let $this = self;
                let result: Option<Result<_, _>> = $call_for;
                result.transpose().map(|output| output.map(|output| json(&*output))).map_err(|error| error.to_string())
            }
            fn structured(&self, tool: &str, arguments: &Value) -> Result<Value, String> {
                let result = $wait(self.call_tool(tool, arguments)).map_err(|error| error.to_string())?;
                result.structured().map_err(|error| error.to_string())
            }
            fn read(&self, uri: &str) -> Result<Value, String> {
                let result = $wait(self.read_resource(uri));
                result.map(|read| json(&read)).map_err(|error| error.to_string())
            }
            fn prompt(&self, name: &str, arguments: &Value) -> Result<Value, String> {
                let result = $wait(self.get_prompt(name, arguments));
                result.map(|prompt| json(&prompt)).map_err(|error| error.to_string())
            }
            fn complete(&self, of: CompletionReference, argument: &str, typed: &str) -> Result<Vec<String>, String> {
                let result = $wait(self.complete(of, argument, typed));
                result.map(|found| found.values).map_err(|error| error.to_string())
            }
            fn ping(&self) -> Result<(), String> {
                $wait(self.ping()).map_err(|error| error.to_string())
            }
            fn set_log_level(&self, level: LoggingLevel) -> Result<(), String> {
                $wait(self.set_log_level(level)).map_err(|error| error.to_string())
            }
            fn run_as_task(&self, tool: &str, arguments: &Value, options: Options) -> Result<Value, String> {
                let client = self.with(options);
                let output = match any_client!(@text $wait(client.call_tool_as_task(tool, arguments)))? {
                    Started::Task(task) => any_client!(@text $wait(task.result()))?,
                    Started::Done(output) => output,
                };
                Ok(json(&*output))
            }
            fn begin(&self, tool: &str, arguments: &Value) -> Result<Result<String, Value>, String> {
                Ok(match any_client!(@text $wait(self.call_tool_as_task(tool, arguments)))? {
                    Started::Task(task) => Ok(task.id().to_owned()),
                    Started::Done(output) => Err(json(&*output)),
                })
            }
            fn task_status(&self, id: &str) -> Result<Value, String> {
                any_client!(@text $wait(self.task(id).status())).map(|task| json(&task))
            }
            fn task_wait(&self, id: &str) -> Result<Value, String> {
                any_client!(@text $wait(self.task(id).wait())).map(|task| json(&task))
            }
            fn task_result(&self, id: &str, options: Options) -> Result<Value, String> {
                any_client!(@text $wait(self.task(id).with(options).result())).map(|output| json(&*output))
            }
            fn task_updates(&self, id: &str) -> (Vec<Value>, Result<Value, String>) {
                let mut updates = self.task(id).updates();
                let mut changes = Vec::new();
                while let Some(task) = $wait(updates.next()) {
                    changes.push(json(&task));
                }
                let result = any_client!(@text $wait(updates.result())).map(|output| json(&*output));
                (changes, result)
            }
            fn task_cancel(&self, id: &str) -> Result<(), String> {
                any_client!(@text $wait(self.task(id).cancel()))
            }
            fn list_tasks(&self) -> Result<Vec<Value>, String> {
                any_client!(@list $wait(self.list_tasks()))
            }
            fn subscribe(&self, wanted: Subscription) -> Result<SubscriptionId, String> {
                let result = $wait(self.subscribe(wanted));
                result.map(|subscribed| subscribed.id).map_err(|error| error.to_string())
            }
            fn unsubscribe(&self, id: SubscriptionId) {
                self.unsubscribe(id);
            }
            fn stderr(&self) -> String {
                self.stderr()
            }
            fn close(&self) -> Option<ExitStatus> {
                $wait(self.clone().close())
            }
        }
    };
    (@text $result:expr) => {
        $result.map_err(|error| error.to_string())
    };
    (@list $list:expr) => {
        $list.map(|items| items.iter().map(json).collect()).map_err(|error| error.to_string())
    };
}

any_client!(
    bind_blocking::Client,
    plain,
    |client, patience, tool, arguments| {
        let client = client.with(Options::default().timeout(patience).max(patience));
        match client.call_tool(tool, arguments) {
            Err(bind_blocking::Error::Call(CallError::TimedOut)) => None,
            result => Some(result),
        }
    }
);
any_client!(
    bind_tokio::Client,
    on_tokio,
    |client, patience, tool, arguments| on_tokio(within(
        patience,
        client.call_tool(tool, arguments)
    ))
);
any_client!(
    bind_async_std::smol::Client,
    smol::block_on,
    |client, patience, tool, arguments| smol::block_on(within(
        patience,
        client.call_tool(tool, arguments)
    ))
);
any_client!(
    bind_async_std::async_std::Client,
    async_std::task::block_on,
    |client, patience, tool, arguments| async_std::task::block_on(within(
        patience,
        client.call_tool(tool, arguments)
    ))
);
