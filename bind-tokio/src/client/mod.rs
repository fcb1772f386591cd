//! Being a client: the task that drives a connection, and the handles on it.

mod child;
mod connect;
#[cfg(feature = "http-client")]
mod http;

pub use connect::{Client, TaskHandle, TaskUpdates};
