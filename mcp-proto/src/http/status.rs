//! Error codes and HTTP statuses (2026-07-28, basic/transports/streamable-http).

use http::StatusCode;

use crate::rpc::{RpcError, codes};

/// The status of a response whose error was found while its head was still unsent.
///
/// The specification sets one where the request itself is at fault; what a handler answers is a
/// matter of JSON-RPC and travels with 200. `Invalid params` is both: the caller says with
/// [`of_envelope_error`] when it is about the request's envelope.
///
/// ```
/// use mcp_proto::{http::status, rpc::codes};
///
/// assert_eq!(status::of_error(codes::METHOD_NOT_FOUND), 404);
/// assert_eq!(status::of_error(codes::INVALID_PARAMS), 200);
/// ```
#[must_use]
pub const fn of_error(code: i32) -> StatusCode {
    match code {
        codes::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        codes::PARSE_ERROR
        | codes::INVALID_REQUEST
        | codes::HEADER_MISMATCH
        | codes::MISSING_CLIENT_CAPABILITY
        | codes::UNSUPPORTED_PROTOCOL_VERSION => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

/// The status of an error in what every request must carry: its JSON, its envelope, the required
/// members of `_meta`.
#[must_use]
pub const fn of_envelope_error(code: i32) -> StatusCode {
    match code {
        codes::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Whether an error that came with a 4xx status shows that the server speaks a revision from
/// 2026-07-28 on, so that the client must correct its request and not fall back to `initialize`
/// ("Backward Compatibility").
///
/// Never decided by the code alone where older servers use it too: -32601 counts only with 404,
/// and -32602 only where it speaks of `_meta`.
#[must_use]
pub fn shows_modern_server(status: StatusCode, error: &RpcError) -> bool {
    match error.code {
        codes::HEADER_MISMATCH
        | codes::MISSING_CLIENT_CAPABILITY
        | codes::UNSUPPORTED_PROTOCOL_VERSION => true,
        codes::METHOD_NOT_FOUND => status == StatusCode::NOT_FOUND,
        codes::INVALID_PARAMS => {
            error.message.contains("_meta") || error.message.contains("io.modelcontextprotocol/")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_the_specification() {
        for (code, status, of_envelope) in [
            (-32700, 400, 400),
            (-32600, 400, 400),
            (-32601, 404, 404),
            (-32602, 200, 400),
            (-32603, 200, 400),
            (-32020, 400, 400),
            (-32021, 400, 400),
            (-32022, 400, 400),
            (-32000, 200, 400),
            (1, 200, 400),
        ] {
            assert_eq!(of_error(code).as_u16(), status, "{code}");
            assert_eq!(of_envelope_error(code).as_u16(), of_envelope, "{code}");
        }
    }

    #[test]
    fn an_old_server_is_not_taken_for_a_new_one() {
        for (status, code, message, modern) in [
            (400, -32020, "", true),
            (400, -32021, "", true),
            (400, -32022, "Unsupported protocol version", true),
            (404, -32601, "Method not found", true),
            (400, -32602, "params._meta is missing", true),
            (
                400,
                -32602,
                "missing io.modelcontextprotocol/clientCapabilities",
                true,
            ),
            (400, -32601, "Method not found", false),
            (404, -32001, "Session not found", false),
            (400, -32000, "Bad Request: Server not initialized", false),
            (400, -32602, "Invalid request parameters", false),
            (400, -32600, "", false),
        ] {
            let error = RpcError::new(code, message);
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                shows_modern_server(status, &error),
                modern,
                "{status} {error}"
            );
        }
    }
}
