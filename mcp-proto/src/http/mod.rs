//! What the HTTP transports of all revisions share: headers, negotiation, guards, statuses.
//!
//! Everything here is a pure function over the types of the `http` crate; both cores build their
//! state machines on it. Which rule belongs to which revision is said at each function.
//!
//! | file | rules |
//! |---|---|
//! | [`value`] | how a text travels in a header, plain or as base64 (2026-07-28) |
//! | [`mirror`] | `MCP-Protocol-Version`, `Mcp-Method` and `Mcp-Name` repeat the body (2026-07-28) |
//! | [`param`] | `x-mcp-header`: arguments that travel in `Mcp-Param-*` as well (2026-07-28) |
//! | [`negotiate`] | `Accept` and `Content-Type` |
//! | [`status`] | error codes and HTTP statuses, in both directions |
//! | [`guard`] | which `Host` and `Origin` may come in |
//! | [`session_id`] | `Mcp-Session-Id` (2025-03-26 to 2025-11-25) |

pub mod guard;
pub mod mirror;
pub mod negotiate;
pub mod param;
pub mod session_id;
pub mod status;
pub mod value;

/// The headers that MCP defines or gives meaning to.
pub mod names {
    use http::HeaderName;

    /// The revision; from 2025-06-18 on.
    pub const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
    /// The session; 2025-03-26 to 2025-11-25.
    pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
    /// The body's method; from 2026-07-28 on.
    pub const METHOD: HeaderName = HeaderName::from_static("mcp-method");
    /// What the body's method is about: a tool, a prompt, a resource; from 2026-07-28 on.
    pub const NAME: HeaderName = HeaderName::from_static("mcp-name");
    /// Where to resume a stream; 2025-03-26 to 2025-11-25.
    pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
    /// Tells proxies not to hold back the events of a stream.
    pub const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
    /// What [`param`](super::param) headers begin with.
    pub const PARAM_PREFIX: &str = "mcp-param-";
}

/// The media type of messages.
pub const JSON: &str = "application/json";
/// The media type of event streams.
pub const EVENT_STREAM: &str = "text/event-stream";
