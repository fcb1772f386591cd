//! What the machine wants from whoever can dial, and what it is told.

use alloc::string::String;
use core::fmt;

use bytes::Bytes;
use http::Request;

/// Names one HTTP exchange of one machine. Never used again for another.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchId(pub(super) u64);

impl FetchId {
    /// The id as a number, for a log or a C interface.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// Something to be done about an HTTP exchange.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are requests")]
pub enum Fetch {
    /// Make this request, and report what comes of it under this id.
    ///
    /// Its URI is absolute. The caller adds `Host`, the framing of the body, and what is its own
    /// business, such as `User-Agent`. It must not follow redirects, nor read meaning into a status.
    Open(FetchId, Request<Bytes>),
    /// Nothing more is wanted from this exchange: drop it, and its connection where it cannot be
    /// used for another. Reports about it are ignored from now on.
    Abort(FetchId),
}

/// How an exchange broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection was made: nothing of the request can have reached the server.
    Connect(String),
    /// The connection broke, or what came over it was not HTTP.
    Broken(String),
    /// The caller's own patience has ended.
    TimedOut,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(why) => write!(f, "no connection: {why}"),
            Self::Broken(why) => write!(f, "the connection broke: {why}"),
            Self::TimedOut => f.write_str("the server did not respond in time"),
        }
    }
}

impl core::error::Error for FetchError {}

/// The server wants another authorization, or one at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// 401, or 403 where there was an authorization and it is not enough.
    pub status: u16,
    /// What the server says in `WWW-Authenticate` (RFC 9110 §11.6.1): all its values, joined by
    /// commas. `None` where it says nothing.
    pub text: Option<String>,
}
