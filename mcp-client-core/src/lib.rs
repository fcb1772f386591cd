//! Model Context Protocol clients without I/O.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod call;
mod client;
pub mod command;
mod commands;
#[cfg(feature = "std")]
mod desk;
mod envelope;
mod error;
mod event;
#[cfg(feature = "std")]
mod facade;
#[cfg(feature = "std")]
mod handlers;
mod input;
mod negotiate;
mod options;
mod outbox;
mod output;
mod pending;
mod raw;
mod receive;
#[cfg(feature = "std")]
mod reply;
mod session;
mod subscribe;

pub use client::Client;
#[cfg(feature = "std")]
pub use desk::{AsyncTask, Caller, Desk, SyncTask, Task};
pub use error::{CallError, Closed, Fault, InputError, Malformed, Misuse, NegotiationError};
pub use event::{Change, Delivery, Event, InputAnswer, InputTicket, Progress};
#[cfg(feature = "std")]
pub use handlers::{ClientBuilder, IntoAnswer, Options, Refusal};
pub use mcp_proto;
pub use negotiate::ServerDetails;
pub use options::{CallOptions, Config, EraMode};
pub use outbox::Lane;
pub use output::{OutputError, ToolFailure, ToolOutput};
pub use pending::Pending;
#[cfg(feature = "std")]
pub use reply::Reply;
pub use serde::Serialize;
pub use session::Session;
pub use subscribe::{Subscribed, Subscription, SubscriptionId};
