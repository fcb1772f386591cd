//! What the behaviour tests share: the peers that others wrote, and the official schemas.

#[cfg(unix)]
pub mod bindings;
#[cfg(unix)]
pub mod by_hand;
pub mod caller;
#[cfg(unix)]
pub mod clients;
pub mod conformance;
pub mod conformance_client;
pub mod counted;
pub mod fixture;
#[cfg(unix)]
pub mod http_serving;
pub mod hub;
pub mod peers;
pub mod schema;
pub mod served;
pub mod source;
pub mod task_clients;
pub mod transcript;
