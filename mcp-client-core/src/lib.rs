//! Model Context Protocol clients without I/O.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod client;
pub mod command;
#[cfg(feature = "std")]
mod desk;
mod error;
mod event;
#[cfg(feature = "std")]
mod facade;
mod options;
mod output;
mod session;

pub use client::Client;
#[cfg(feature = "std")]
pub use desk::{
    AsyncTask, Caller, ClientBuilder, Desk, IntoAnswer, Options, Refusal, Reply, SyncTask, Task,
};
pub use error::{CallError, Closed, Fault, InputError, Malformed, Misuse, NegotiationError};
pub use event::{Change, Delivery, Event, InputAnswer, InputTicket, Progress};
pub use mcp_proto;
pub use options::{CallOptions, Config, EraMode};
pub use output::{OutputError, ToolFailure, ToolOutput};
pub use serde::Serialize;
pub use session::{
    Lane, Pending, ServerDetails, Session, Subscribed, Subscription, SubscriptionId,
};
