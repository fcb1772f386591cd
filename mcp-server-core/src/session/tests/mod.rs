//! Conversations, written down as scripts; see [`script`].

mod calls;
mod changes;
mod counts;
mod eras;
mod extensions;
mod input;
mod laws;
mod room;
mod script;
mod timing;
