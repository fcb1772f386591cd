//! The clients of every binding behind one face that blocks, results as JSON.

use std::future::Future;
use std::process::{Command, ExitStatus};
use std::sync::LazyLock;

use mcp_client_core::{ClientBuilder, Options, Serialize, Subscription, SubscriptionId};
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
        fn boxed<C: AnyClient + 'static, E: ToString>(
            client: Result<C, E>,
        ) -> Result<Box<dyn AnyClient>, String> {
            client
                .map(|client| Box::new(client) as Box<dyn AnyClient>)
                .map_err(|error| error.to_string())
        }
        match self {
            Self::Blocking => boxed(bind_blocking::Client::spawn_with(builder, command)),
            Self::Tokio => boxed(on_tokio(bind_tokio::Client::spawn_with(builder, command))),
            Self::Smol => boxed(smol::block_on(bind_async_std::smol::Client::spawn_with(
                builder, command,
            ))),
            Self::AsyncStd => boxed(async_std::task::block_on(
                bind_async_std::async_std::Client::spawn_with(builder, command),
            )),
        }
    }
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

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("what a server sent is JSON")
}

macro_rules! any_client {
    ($client:ty, $wait:path) => {
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
    (@list $list:expr) => {
        $list.map(|items| items.iter().map(json).collect()).map_err(|error| error.to_string())
    };
}

any_client!(bind_blocking::Client, plain);
any_client!(bind_tokio::Client, on_tokio);
any_client!(bind_async_std::smol::Client, smol::block_on);
any_client!(bind_async_std::async_std::Client, async_std::task::block_on);
