//! Writing messages: straight into the caller's buffer, the body by a closure.

use alloc::vec::Vec;

use super::{RequestId, RpcError};
use crate::encode::write_str;

/// Appends a request; `params` appends the parameters' object.
///
/// ```
/// let mut out = Vec::new();
/// mcp_proto::rpc::write_request(&mut out, &1.into(), "ping", |out| out.extend_from_slice(b"{}"));
/// assert_eq!(out, br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{}}"#);
/// ```
pub fn write_request(
    out: &mut Vec<u8>,
    id: &RequestId,
    method: &str,
    params: impl FnOnce(&mut Vec<u8>),
) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    id.write_to(out);
    write_method(out, method, params);
}

/// Appends a notification; `params` appends the parameters' object.
pub fn write_notification(out: &mut Vec<u8>, method: &str, params: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\"");
    write_method(out, method, params);
}

/// Appends a response; `result` appends the result's object.
pub fn write_result(out: &mut Vec<u8>, id: &RequestId, result: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    id.write_to(out);
    out.extend_from_slice(b",\"result\":");
    result(out);
    out.push(b'}');
}

/// Appends an error response. An id that could not be read is written as `null`, as JSON-RPC 2.0
/// has it.
pub fn write_error(out: &mut Vec<u8>, id: Option<&RequestId>, error: &RpcError) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    match id {
        Some(id) => id.write_to(out),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"error\":");
    error.write_to(out);
    out.push(b'}');
}

fn write_method(out: &mut Vec<u8>, method: &str, params: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b",\"method\":");
    write_str(out, method);
    let bare = out.len();
    out.extend_from_slice(b",\"params\":");
    let before = out.len();
    params(out);
    if out.len() == before {
        out.truncate(bare);
    }
    out.push(b'}');
}
