//! Asking the person, the model or the program at the client in the middle of a call.
//!
//! ```text
//!  run 1:  cx.elicit(a) ─ no answer ─▶ the run ends ─▶ Outcome::NeedInput { a, memory }
//!  run 2:  cx.elicit(a) ─ answer ─▶ goes on ─ cx.sample(b) ─ no answer ─▶ NeedInput { b, memory }
//!  run 3:  cx.elicit(a) ─ answer ─▶ cx.sample(b) ─ answer ─▶ the result
//! ```
//!
//! A handler is run from its beginning each time, in every revision, and finds what was answered
//! before. Nothing of it waits anywhere meanwhile: not in a thread, not in a session, not even in
//! this process.

#[cfg(feature = "std")]
mod answer;
#[cfg(feature = "std")]
mod book;
#[cfg(feature = "std")]
mod cx;
mod error;
#[cfg(feature = "std")]
mod form;
#[cfg(feature = "std")]
mod memory;
pub(crate) mod need;
mod round;
#[cfg(all(test, feature = "schemars", feature = "std"))]
mod tests;

#[cfg(feature = "std")]
pub use answer::{Ask, Elicited};
#[cfg(feature = "std")]
pub(crate) use book::Asks;
pub use error::AskError;
pub(crate) use round::Round;
