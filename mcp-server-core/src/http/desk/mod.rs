//! Exchanges with their handlers, for an async driver that adds nothing but the I/O.
//!
//! ```text
//!   request ─▶ ┌──────────┐ ─ Join ─▶ ┌─────────┐ ── calls that have to wait ──▶ tasks
//!              │ HttpDesk │           │ HttpHub │
//!  response ◀─ │ Exchange │ ◀─ ferry ─ │Sessions │ ◀── time, changes ── its keeper, a task
//!              └──────────┘           └─────────┘
//!               └─ async handlers of 2026-07-28, polled in place
//! ```

mod exchange;
mod hub;
mod keeper;
#[cfg(feature = "http-service")]
mod pace;
mod runtime;
#[cfg(feature = "http-service")]
mod service;
mod shutdown;
#[cfg(test)]
mod tests;

pub use exchange::HttpDesk;
pub use hub::{HttpHub, Judge};
#[cfg(feature = "http-service")]
pub use pace::{Pace, poll_late};
pub use runtime::{Alarm, Runtime};
#[cfg(feature = "http-service")]
pub use service::{HttpBody, HttpFuture, HttpService};
pub use shutdown::HttpShutdown;
