//! Conversations, written down as scripts; see [`script`].

mod calls;
mod changes;
mod eras;
mod input;
mod laws;
mod script;
mod timing;
