//! Model Context Protocol servers and clients on smol, on async-std, or on any executor that goes
//! with [`futures_io`] and [`async_io`].
//!
//! **async-std is discontinued** by its authors, who name [smol](https://docs.rs/smol) as its
//! successor. New programs should take smol; programs that are on async-std already can have this
//! crate there as well. Both are tested alike. Each is a feature of its own, `smol` (the default)
//! and `async-std`; with both on, both modules work side by side.
//!
//! A complete server:
//!
//! ```no_run
//! # #[cfg(feature = "smol")] mod example {
//! use bind_async_std::smol::prelude::*;
//!
//! /// Add two numbers.
//! #[tool]
//! async fn add(/** the first */ a: f64, /** the second */ b: f64) -> f64 {
//!     a + b
//! }
//!
//! fn main() -> Result<(), Error> {
//!     smol::block_on(serve_stdio(server!().tool(add)))
//! }
//! # }
//! ```
//!
//! The protocol itself lives in `mcp-server-core` and `mcp-client-core`, which do no I/O; this
//! crate moves their bytes. The other bindings, `bind-blocking` and `bind-tokio`, have the same
//! names in the same places.
//!
//! # How handlers run
//!
//! | registered as | runs | on cancellation, timeout, or disconnection |
//! | --- | --- | --- |
//! | `async fn` | in the connection's own task | is dropped at its next `.await` |
//! | `fn` | on a thread of the `blocking` pool | finds [`Cx::is_cancelled`](prelude::Cx::is_cancelled) set |
//! | `fn`, `quick` | in place: it must return at once | – |
//!
//! # Features
//!
//! `smol`, `server`, `client`, `macros` and `schemars`, all on by default, and `async-std`,
//! independent of each other; `http-client` and `http-server` for HTTP, which bring hyper and, for
//! clients, TLS.
//!
//! # Other executors
//!
//! [`serve`] and [`serve_stdio`] spawn nothing, so they run anywhere, without either feature. For
//! listeners and clients implement [`Runtime`], which says how to start a task, and name it:
//! `Listener<Mine>`.

#[cfg(feature = "client")]
mod client;
mod clock;
mod driver;
mod error;
mod memory;
mod runtime;
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
#[cfg(feature = "async-std")]
pub use runtime::AsyncStd;
#[cfg(feature = "smol")]
pub use runtime::Smol;
pub use runtime::{Runtime, Task};
#[cfg(feature = "http-server")]
pub use server::{HttpListener, serve_http};
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
    pub use mcp_server_core::http::{HttpOptions, HttpShutdown, SessionMode, Verdict};
}

/// Makes a JSON value, such as the arguments of a call.
pub use serde_json::json;

/// What most programs need, whatever they run on; [`smol`] and [`async_std`] have the rest.
pub mod prelude {
    pub use crate::Error;
    #[cfg(feature = "http-client")]
    pub use crate::http::Endpoint;
    #[cfg(feature = "server")]
    pub use crate::{serve, serve_stdio};
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

/// Everything, on smol.
#[cfg(feature = "smol")]
pub mod smol {
    #[cfg(feature = "server")]
    pub use crate::{Shutdown, serve, serve_stdio, serve_stdio_until, serve_until};

    /// See [`Listener`](crate::Listener).
    #[cfg(feature = "server")]
    pub type Listener = crate::Listener<crate::Smol>;

    /// See [`HttpListener`](crate::HttpListener).
    #[cfg(feature = "http-server")]
    pub type HttpListener = crate::HttpListener<crate::Smol>;

    #[cfg(feature = "http-server")]
    pub use crate::http::HttpShutdown;

    /// See [`serve_http`](crate::serve_http()).
    ///
    /// # Errors
    /// As that one's.
    #[cfg(feature = "http-server")]
    pub async fn serve_http(
        server: impl mcp_server_core::IntoServer,
        address: impl async_net::AsyncToSocketAddrs,
    ) -> Result<(), crate::Error> {
        crate::serve_http::<crate::Smol>(server, address).await
    }

    /// See [`Client`](crate::Client).
    #[cfg(feature = "client")]
    pub type Client = crate::Client<crate::Smol>;

    /// See [`TaskHandle`](crate::TaskHandle).
    #[cfg(feature = "client")]
    pub type TaskHandle = crate::TaskHandle<crate::Smol>;

    /// What most programs need; made to be imported whole.
    pub mod prelude {
        #[cfg(feature = "client")]
        pub use super::Client;
        #[cfg(feature = "server")]
        pub use super::Listener;
        #[cfg(feature = "http-server")]
        pub use super::{HttpListener, serve_http};
        pub use crate::prelude::*;
    }
}

/// Everything, on async-std, which is discontinued; its successor is smol.
#[cfg(feature = "async-std")]
pub mod async_std {
    #[cfg(feature = "server")]
    pub use crate::{Shutdown, serve, serve_stdio, serve_stdio_until, serve_until};

    /// See [`Listener`](crate::Listener).
    #[cfg(feature = "server")]
    pub type Listener = crate::Listener<crate::AsyncStd>;

    /// See [`HttpListener`](crate::HttpListener).
    #[cfg(feature = "http-server")]
    pub type HttpListener = crate::HttpListener<crate::AsyncStd>;

    #[cfg(feature = "http-server")]
    pub use crate::http::HttpShutdown;

    /// See [`serve_http`](crate::serve_http()).
    ///
    /// # Errors
    /// As that one's.
    #[cfg(feature = "http-server")]
    pub async fn serve_http(
        server: impl mcp_server_core::IntoServer,
        address: impl async_net::AsyncToSocketAddrs,
    ) -> Result<(), crate::Error> {
        crate::serve_http::<crate::AsyncStd>(server, address).await
    }

    /// See [`Client`](crate::Client).
    #[cfg(feature = "client")]
    pub type Client = crate::Client<crate::AsyncStd>;

    /// See [`TaskHandle`](crate::TaskHandle).
    #[cfg(feature = "client")]
    pub type TaskHandle = crate::TaskHandle<crate::AsyncStd>;

    /// What most programs need; made to be imported whole.
    pub mod prelude {
        #[cfg(feature = "client")]
        pub use super::Client;
        #[cfg(feature = "server")]
        pub use super::Listener;
        #[cfg(feature = "http-server")]
        pub use super::{HttpListener, serve_http};
        pub use crate::prelude::*;
    }
}
