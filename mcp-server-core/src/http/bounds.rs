//! What bounds a connection of HTTP/1.1 on every binding; the page of [`mcp_proto::limits`] shows what
//! a client sees beyond each.

use core::time::Duration;

/// Longest head of a request, in bytes: room for the names and arguments that newer clients repeat
/// in headers. Hyper reads ahead, by as much again at most.
pub const HEAD_BYTES: usize = 64 * 1024;
/// Headers in one head: more than clients and proxies add up to.
pub const HEADERS: usize = 100;
/// How long a head may take from its first byte to its last.
pub const HEAD_TIME: Duration = Duration::from_secs(30);
/// How long a connection may lie idle between two requests: as with common servers.
pub const IDLE: Duration = Duration::from_secs(75);
/// How long a client has to read the last response and to close its side.
pub const LINGER: Duration = Duration::from_secs(2);
