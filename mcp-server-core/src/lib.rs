//! Model Context Protocol servers without I/O.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod call;
mod cancel;

#[cfg(feature = "std")]
pub use cancel::Cancelled;
pub use call::{
    Call, CallContext, Change, Closed, Delivery, Event, Link, Note, Outcome, Peer, PeerFault, Ticket, Work,
};
pub use cancel::CancelToken;
pub use mcp_proto;
