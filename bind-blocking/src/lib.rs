//! Model Context Protocol servers and clients on plain threads, without async.
//!
//! # A server
//!
//! ```no_run
//! use bind_blocking::prelude::*;
//!
//! /// Add two numbers.
//! #[tool]
//! fn add(/** the first */ a: f64, /** the second */ b: f64) -> f64 {
//!     a + b
//! }
//!
//! fn main() -> Result<(), Error> {
//!     serve_stdio(server!().tool(add))
//! }
//! ```
//!
//! [`serve_stdio`] serves the client that started the process, [`serve`] any reader and writer, a
//! [`Listener`] every connection of a TCP or Unix socket. Handlers run on a few threads of their
//! own; async ones are driven there too.
//!
//! # A client
//!
//! ```no_run
//! use std::process::Command;
//!
//! use bind_blocking::{json, prelude::*};
//!
//! fn main() -> Result<(), Error> {
//!     let client = Client::spawn(Command::new("calculator"))?;
//!     let sum: f64 = client.call_tool("add", json!({"a": 1, "b": 2}))?.structured()?;
//!     println!("{sum}");
//!     Ok(())
//! }
//! ```
//!
//! # Both, in one process
//!
//! [`memory_pair`] connects them for tests:
//!
//! ```
//! use bind_blocking::{json, memory_pair, prelude::*};
//!
//! /// Add two numbers.
//! #[tool]
//! fn add(a: f64, b: f64) -> f64 {
//!     a + b
//! }
//!
//! let (here, there) = memory_pair();
//! std::thread::spawn(|| serve(server!().tool(add), there.0, there.1));
//! let client = Client::connect(here.0, here.1)?;
//! let sum: f64 = client.call_tool("add", json!({"a": 1, "b": 2}))?.structured()?;
//! assert_eq!(sum, 3.0);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Features
//!
//! `server`, `client`, `macros` and `schemars`, all on by default and independent of each other;
//! `http-client` and `http-server` for HTTP, which bring TLS and an HTTP stack.

#[cfg(feature = "client")]
mod client;
mod clock;
mod error;
mod memory;
#[cfg(feature = "server")]
mod server;

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
pub use server::{HttpListener, HttpShutdown, serve_http};
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
    pub use mcp_server_core::http::{HttpOptions, SessionMode, Verdict};
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
