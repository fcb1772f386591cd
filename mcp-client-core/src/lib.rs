//! Model Context Protocol clients without I/O.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod call;
mod client;
mod commands;
mod envelope;
mod error;
mod event;
mod input;
mod negotiate;
mod options;
mod outbox;
mod pending;
mod raw;
mod receive;
mod session;
mod subscribe;

pub use client::Client;
pub use error::{CallError, Closed, Fault, InputError, Malformed, Misuse, NegotiationError};
pub use event::{Change, Delivery, Event, InputAnswer, InputTicket, Progress};
pub use mcp_proto;
pub use negotiate::ServerDetails;
pub use options::{CallOptions, Config, EraMode};
pub use outbox::Lane;
pub use pending::Pending;
pub use session::Session;
pub use subscribe::{Subscribed, Subscription, SubscriptionId};
