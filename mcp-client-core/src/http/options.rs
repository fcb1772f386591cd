//! What a client over HTTP is made with.

use alloc::string::{String, ToString};
use core::fmt;

use http::{HeaderMap, HeaderValue, Uri};

/// Where a server is, and how it is talked to.
///
/// ```
/// use mcp_client_core::http::HttpOptions;
///
/// let options = HttpOptions::new("https://example.com/mcp")?;
/// assert_eq!(options.endpoint().host(), Some("example.com"));
/// assert!(HttpOptions::new("example.com/mcp").is_err());
/// # Ok::<(), mcp_client_core::http::BadUrl>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpOptions {
    endpoint: Uri,
    /// Sent with every request, such as a gateway's key; never to another origin. The protocol's
    /// own headers cannot be replaced.
    pub headers: HeaderMap,
    /// The value of `Authorization`, such as `Bearer …`; never sent to another origin.
    pub authorization: Option<HeaderValue>,
    /// Lets what the server finds unauthorized wait for
    /// [`set_authorization`](crate::http::HttpClient::set_authorization), as long as
    /// [`Limits::input_timeout`](mcp_proto::limits::Limits::input_timeout). Off: it fails.
    pub awaits_authorization: bool,
    /// Keeps results for as long as the server allows (2026-07-28, server/utilities/caching). On.
    pub keeps_results: bool,
    /// Opens the stream for what the server says of its own accord, until 2025-11-25. On.
    pub listens: bool,
}

impl HttpOptions {
    /// A server at this URL.
    ///
    /// # Errors
    /// Where it is not a whole URL of the scheme `http` or `https`, or has a user's name in it.
    pub fn new(url: &str) -> Result<Self, BadUrl> {
        let endpoint: Uri = url
            .trim()
            .parse()
            .map_err(|error: http::uri::InvalidUri| BadUrl(error.to_string()))?;
        if !matches!(endpoint.scheme_str(), Some("http" | "https")) {
            return Err(BadUrl("it does not begin with http:// or https://".into()));
        }
        if endpoint.host().is_none_or(str::is_empty) {
            return Err(BadUrl("it names no host".into()));
        }
        if endpoint
            .authority()
            .is_some_and(|part| part.as_str().contains('@'))
        {
            return Err(BadUrl(
                "it has a user's name in it, which no request would carry".into(),
            ));
        }
        Ok(Self {
            endpoint,
            headers: HeaderMap::new(),
            authorization: None,
            awaits_authorization: false,
            keeps_results: true,
            listens: true,
        })
    }

    /// The URL.
    #[must_use]
    pub fn endpoint(&self) -> &Uri {
        &self.endpoint
    }
}

/// A URL that no server can be at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadUrl(String);

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a server's URL: {}", self.0)
    }
}

impl core::error::Error for BadUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_whole_url() {
        for (url, good) in [
            ("https://example.com/mcp", true),
            ("http://localhost:3000", true),
            ("http://[::1]:8080/mcp?key=1#part", true),
            (" https://example.com ", true),
            ("/mcp", false),
            ("localhost:3000", false),
            ("ftp://example.com/", false),
            ("ws://example.com/", false),
            ("http:///mcp", false),
            ("https://user:word@example.com/", false),
            ("https://exa mple.com/", false),
            ("", false),
        ] {
            assert_eq!(HttpOptions::new(url).is_ok(), good, "{url}");
        }
    }
}
