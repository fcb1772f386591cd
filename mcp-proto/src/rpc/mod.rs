//! JSON-RPC 2.0 as MCP uses it: envelopes borrowed from the input, ids, errors, and the writers.

mod envelope;
mod error;
mod id;
mod ledger;
mod params;
mod result;
mod write;

pub use envelope::{Incoming, Message, Rejected, parse, parse_knowing, parse_text};
pub use error::{RpcError, codes};
pub use id::RequestId;
pub use ledger::{CallId, Ledger};
pub use params::{Member, Params};
pub use result::usual_result;
pub use write::{write_error, write_notification, write_request, write_result};
