//! MCP over HTTP, without a server, a socket or a clock.

mod head;
mod options;
mod page;
mod refusal;
mod reply;
mod request;
mod store;
mod streams;

pub use options::{DEFAULT_ENDPOINT, HttpOptions, SessionMode};
pub use reply::Body;
pub use store::{EventId, EventRing, EventStore, StoredEvent};
