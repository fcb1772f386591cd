//! Model Context Protocol servers and clients on tokio.
//!
//! A complete server:
//!
//! ```no_run
//! use bind_tokio::prelude::*;
//!
//! /// Add two numbers.
//! #[tool]
//! async fn add(/** the first */ a: f64, /** the second */ b: f64) -> f64 {
//!     a + b
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Error> {
//!     serve_stdio(server!().tool(add)).await
//! }
//! ```
//!
//! A client of it:
//!
//! ```no_run
//! use std::process::Command;
//!
//! use bind_tokio::{json, prelude::*};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Error> {
//!     let client = Client::spawn(Command::new("calculator")).await?;
//!     let sum: f64 = client.call_tool("add", json!({"a": 1, "b": 2})).await?.structured()?;
//!     println!("{sum}");
//!     Ok(())
//! }
//! ```
//!
//! The protocol itself lives in `mcp-server-core` and `mcp-client-core`, which do no I/O; this
//! crate moves their bytes. The other bindings, `bind-blocking` and `bind-async-std`, have the same
//! names in the same places.
//!
//! # How handlers run
//!
//! | registered as | runs | on cancellation, timeout, or disconnection |
//! | --- | --- | --- |
//! | `async fn` | in the connection's own task | is dropped at its next `.await` |
//! | `fn` | on a thread that may block, within the runtime | finds [`Cx::is_cancelled`](prelude::Cx::is_cancelled) set |
//! | `fn`, `quick` | in place: it must return at once | – |
//!
//! Either flavour of the runtime will do. On the current-thread one a call is read, run and
//! answered on one thread with three system calls, so that is what a stdio server should use.
//!
//! # Features
//!
//! `server`, `client`, `macros` and `schemars`, all on by default and independent of each other;
//! `http-client` and `http-server` for HTTP, which bring hyper and, for clients, TLS.

#[cfg(feature = "client")]
mod client;
mod clock;
mod driver;
mod error;
mod memory;
#[cfg(feature = "server")]
mod server;
mod threads;

#[cfg(feature = "client")]
pub use client::{Client, TaskHandle, TaskUpdates};
pub use error::Error;
#[cfg(feature = "client")]
pub use mcp_client_core;
pub use mcp_proto;
#[cfg(feature = "server")]
pub use mcp_server_core;
#[cfg(feature = "server")]
#[doc(hidden)]
pub use mcp_server_core as __core;
pub use memory::{PipeReader, PipeWriter, memory_pair};
#[cfg(feature = "http-server")]
pub use server::{HttpListener, HttpShutdown, authorized_http_service, http_service, serve_http};
#[cfg(feature = "server")]
pub use server::{Listener, Shutdown, serve, serve_stdio, serve_stdio_until, serve_until};

/// The choices of servers and clients over HTTP.
#[cfg(any(feature = "http-client", feature = "http-server"))]
pub mod http {
    #[cfg(feature = "http-server")]
    pub use http::{HeaderValue, Response, StatusCode, request::Parts};
    #[cfg(feature = "http-client")]
    pub use mcp_client_core::http::{BadEndpoint, Challenge, Endpoint, ProxyChoice};
    #[cfg(feature = "http-server")]
    pub use mcp_proto::http::guard::{Names, Origins};
    #[cfg(feature = "http-server")]
    pub use mcp_server_core::http::{HttpBody, HttpOptions, HttpService, SessionMode, Verdict};
}

/// Makes a JSON value, such as the arguments of a call.
pub use serde_json::json;

/// What most programs need; made to be imported whole.
pub mod prelude {
    #[cfg(feature = "client")]
    pub use crate::Client;
    pub use crate::Error;
    #[cfg(feature = "http-client")]
    pub use crate::http::Endpoint;
    #[cfg(feature = "http-server")]
    pub use crate::{HttpListener, serve_http};
    #[cfg(feature = "server")]
    pub use crate::{Listener, serve, serve_stdio};
    #[cfg(feature = "client")]
    pub use mcp_client_core::{
        CallError, ClientBuilder, Options, Started, Subscription, ToolOutput, client,
    };
    pub use mcp_proto::types::{
        CallToolResult, ContentBlock, GetPromptResult, LoggingLevel, PromptMessage,
        ReadResourceResult, ResourceContents, Role,
    };
    #[cfg(feature = "server")]
    pub use mcp_server_core::{
        AskError, Audio, Cx, Elicited, Image, Json, PromptEntry, ResourceEntry, Selector, Server,
        ServerBuilder, ServerHandle, ToolEntry, ToolError, server,
    };
    #[cfg(all(feature = "server", feature = "macros"))]
    pub use mcp_server_core::{components, prompt, resource, tool};
}
