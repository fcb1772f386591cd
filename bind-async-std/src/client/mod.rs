//! Being a client: the task that drives a connection, and the handles on it.

mod child;
mod connect;

pub use connect::Client;
