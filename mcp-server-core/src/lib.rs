//! Model Context Protocol servers without I/O.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[doc(hidden)]
#[path = "macro_support.rs"]
pub mod __private;
pub mod apps;
pub mod arguments;
mod ask;
mod builder;
mod call;
mod cancel;
mod conn;
mod cx;
#[cfg(feature = "std")]
mod desk;
pub mod entry;
mod error;
mod extension;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod handler;
#[cfg(feature = "std")]
mod host;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "std")]
mod interest;
#[cfg(feature = "std")]
mod listen;
pub mod output;
pub mod schema;
#[cfg(feature = "std")]
mod server;
pub mod service;
mod session;
mod sorted;
mod state;
#[cfg(feature = "std")]
mod tasks;

pub use ask::AskError;
#[cfg(feature = "std")]
pub use ask::{Ask, Elicited};
pub use builder::ServerBuilder;
pub use call::{
    Answers, Call, CallContext, Change, Closed, Delivery, Event, ExtensionCall, Link, NeedInput,
    Note, Outcome, Peer, PeerFault, Resumed, TaskCall, Ticket, Work,
};
pub use cancel::CancelToken;
#[cfg(feature = "std")]
pub use cancel::Cancelled;
pub use conn::Conn;
pub use cx::{Amount, Cx};
#[cfg(feature = "std")]
pub use desk::{Desk, Job};
pub use entry::{
    Completer, ComponentSet, Components, IntoPrompt, IntoResource, IntoTool, PromptEntry,
    PromptInput, ResourceEntry, ResourceInput, SharedComponents, ToolEntry, ToolInput,
};
pub use error::{BuildError, Failure, ToolError, resource_not_found};
pub use extension::{
    Declare, Extension, ExtensionMethod, ExtensionResult, TopicChange, TopicNotice,
};
pub use handler::{AsyncFn, BoxFuture, Handler, SyncFn};
#[cfg(feature = "std")]
pub use host::{Detached, Host};
#[cfg(feature = "std")]
pub use interest::Interest;
#[cfg(feature = "std")]
pub use listen::{AcceptFailure, Connection, Connections, Shutdown};
pub use mcp_proto;
#[cfg(feature = "macros")]
pub use mcp_server_macros::{components, prompt, resource, tool};
pub use output::{
    Audio, Image, IntoCompletion, IntoContent, IntoPromptResult, IntoResourceResult,
    IntoToolResult, Item, Json, ResourceTarget,
};
pub use schema::ToSchema;
#[cfg(feature = "std")]
pub use server::{
    Changes, Deliver, EventBus, IntoServer, LocalBus, Selector, Server, ServerHandle, Watch,
};
pub use service::{
    CompletionTarget, Component, ComponentKind, Duplicates, Edit, Entry, FoundResource, Page,
    Service, ServiceBuilder,
};
#[cfg(feature = "seal")]
pub use state::SealedStates;
#[cfg(feature = "std")]
pub use state::StoredStates;
pub use state::{Bound, StateKeeper};

#[cfg(feature = "std")]
pub use tasks::{MemoryTaskStore, StoreError, TaskRecord, TaskStore, Tasks};

/// How the macros' code reaches this crate, through whichever crate exports it.
#[doc(hidden)]
pub use crate as __core;
