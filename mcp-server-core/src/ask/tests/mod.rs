//! Handlers that ask, run for clients of every revision.

mod answers;
mod client;
mod forms;
mod rounds;
mod unkind;
