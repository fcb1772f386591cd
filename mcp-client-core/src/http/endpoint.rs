//! Where a server is, and how it is reached.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::{convert::Infallible, fmt};

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION},
};
use mcp_proto::http::guard::is_loopback;

use super::proxy::ProxyChoice;

/// Where a server is, and how it is talked to.
///
/// ```
/// use mcp_client_core::http::Endpoint;
///
/// let endpoint = Endpoint::new("https://example.com/mcp")?.bearer("a-token")?;
/// assert_eq!(endpoint.url().host(), Some("example.com"));
/// assert!(Endpoint::new("example.com/mcp").is_err());
/// # Ok::<(), mcp_client_core::http::BadEndpoint>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Endpoint {
    url: Uri,
    /// Sent with every request, such as a tenant's name; never to another origin. The protocol's
    /// own headers cannot be replaced. A value that [is sensitive](HeaderValue::is_sensitive) goes
    /// where an authorization may go.
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
    /// Lets secrets travel unencrypted to other machines, where anybody between can read them: an
    /// authorization (RFC 6750 §5.3: MUST NOT), a key. Off: only to this machine.
    pub trusts_network: bool,
    /// By which proxy the server is reached. As the environment says.
    pub proxy: ProxyChoice,
    /// Certificates, in the PEM format, of authorities that are trusted besides those of the
    /// system.
    pub authorities: Vec<Vec<u8>>,
}

impl Endpoint {
    /// A server at this URL.
    ///
    /// # Errors
    /// Where it is not a whole URL of the scheme `http` or `https`, or has a user's name in it.
    pub fn new(url: &str) -> Result<Self, BadEndpoint> {
        let bad = |why| Err(BadEndpoint::new("not a server's URL", why));
        let url: Uri = match url.trim().parse() {
            Ok(url) => url,
            Err(error) => return bad(http::uri::InvalidUri::to_string(&error)),
        };
        if !matches!(url.scheme_str(), Some("http" | "https")) {
            return bad("it does not begin with http:// or https://".into());
        }
        if url.host().is_none_or(str::is_empty) {
            return bad("it names no host".into());
        }
        let authority = url.authority();
        if authority.is_some_and(|part| part.as_str().contains('@')) {
            return bad("it has a user's name in it, which no request would carry".into());
        }
        Ok(Self {
            url,
            headers: HeaderMap::new(),
            authorization: None,
            awaits_authorization: false,
            keeps_results: true,
            listens: true,
            trusts_network: false,
            proxy: ProxyChoice::default(),
            authorities: Vec::new(),
        })
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// Authorizes every request with a bearer token (RFC 6750).
    ///
    /// # Errors
    /// Where the token has characters that no header can carry.
    pub fn bearer(mut self, token: &str) -> Result<Self, BadEndpoint> {
        let value = HeaderValue::from_str(&["Bearer ", token].concat());
        // Without the token itself: the message may end in a log.
        let mut value = value
            .map_err(|_| BadEndpoint::new("not a token", "no header can carry it".to_string()))?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// Adds a header to every request. For a key or a password there is
    /// [`secret_header`](Self::secret_header).
    ///
    /// # Errors
    /// Where no header can have this name or this value.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, BadEndpoint> {
        let (name, value) = parse_header(name, value)?;
        self.headers.append(name, value);
        Ok(self)
    }

    /// Adds a header whose value is a secret, such as a gateway's key: like an authorization it
    /// travels unencrypted to no other machine unless [`trusts_network`](Self::trusts_network)
    /// allows it.
    ///
    /// ```
    /// use mcp_client_core::http::Endpoint;
    ///
    /// let gateway = Endpoint::new("http://gateway.example/mcp")?;
    /// assert!(gateway.secret_header("x-api-key", "a-key")?.check().is_err());
    /// # Ok::<(), mcp_client_core::http::BadEndpoint>(())
    /// ```
    ///
    /// # Errors
    /// Where no header can have this name or this value.
    pub fn secret_header(mut self, name: &str, value: &str) -> Result<Self, BadEndpoint> {
        let (name, mut value) = parse_header(name, value)?;
        value.set_sensitive(true);
        self.headers.append(name, value);
        Ok(self)
    }

    /// Sets by which proxy the server is reached.
    #[must_use]
    pub fn proxy(mut self, choice: ProxyChoice) -> Self {
        self.proxy = choice;
        self
    }

    /// Trusts an authority besides those of the system: its certificate in the PEM format.
    #[must_use]
    pub fn authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(pem.into());
        self
    }

    /// Lets what the server finds unauthorized wait for a better authorization, see
    /// [`awaits_authorization`](Self::awaits_authorization).
    #[must_use]
    pub fn awaiting_authorization(mut self) -> Self {
        self.awaits_authorization = true;
        self
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.url.scheme_str() == Some("https")
    }

    /// Whether an authorization and other secrets may be sent to the server.
    #[must_use]
    pub fn may_authorize(&self) -> bool {
        self.is_secure() || self.trusts_network || self.url.host().is_some_and(is_loopback)
    }

    /// Refuses what would show a secret to strangers: an authorization, a cookie, a header's
    /// sensitive value.
    ///
    /// # Errors
    /// Where there is one, and the server is neither this machine nor reached by TLS; unless
    /// [`trusts_network`](Self::trusts_network) allows it.
    pub fn check(&self) -> Result<(), BadEndpoint> {
        if self.may_authorize() {
            return Ok(());
        }
        let why = |what| {
            [
                what,
                " would travel unencrypted; use https, or set trusts_network",
            ]
            .concat()
        };
        if self.authorization.is_some() {
            return Err(BadEndpoint::new("the authorization is not sent", why("it")));
        }
        let secret = |(name, value): &(&HeaderName, &HeaderValue)| {
            value.is_sensitive() || [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(name)
        };
        match self.headers.iter().find(secret) {
            Some((name, _)) => Err(BadEndpoint::new("a header is not sent", why(name.as_str()))),
            None => Ok(()),
        }
    }
}

fn parse_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), BadEndpoint> {
    let bad = |why: String| BadEndpoint::new("not a header", why);
    let parsed = HeaderName::from_bytes(name.as_bytes());
    let name = parsed.map_err(|error| bad(error.to_string()))?;
    // Without the value: it may be a key.
    match HeaderValue::from_str(value) {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(bad([name.as_str(), " cannot have that value"].concat())),
    }
}

impl TryFrom<&str> for Endpoint {
    type Error = BadEndpoint;

    fn try_from(url: &str) -> Result<Self, BadEndpoint> {
        Self::new(url)
    }
}

impl TryFrom<&String> for Endpoint {
    type Error = BadEndpoint;

    fn try_from(url: &String) -> Result<Self, BadEndpoint> {
        Self::new(url)
    }
}

impl TryFrom<String> for Endpoint {
    type Error = BadEndpoint;

    fn try_from(url: String) -> Result<Self, BadEndpoint> {
        Self::new(&url)
    }
}

/// An endpoint that no client can be made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEndpoint {
    what: &'static str,
    why: String,
}

impl BadEndpoint {
    /// What is bad, and why.
    #[must_use]
    pub fn new(what: &'static str, why: String) -> Self {
        Self { what, why }
    }
}

impl fmt::Display for BadEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

impl core::error::Error for BadEndpoint {}

impl fmt::Debug for Endpoint {
    /// Without what may be a secret: the values of headers, the authorization.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .field("headers", &headers)
            .field("has_authorization", &self.authorization.is_some())
            .field("awaits_authorization", &self.awaits_authorization)
            .field("keeps_results", &self.keeps_results)
            .field("listens", &self.listens)
            .field("trusts_network", &self.trusts_network)
            .field("proxy", &self.proxy)
            .field("authorities", &self.authorities.len())
            .finish()
    }
}

impl From<Infallible> for BadEndpoint {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<BadEndpoint> for std::io::Error {
    fn from(bad: BadEndpoint) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpClient;
    use mcp_proto::{time::Instant, types::Implementation};

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
            assert_eq!(Endpoint::new(url).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn an_authorization_is_not_shown_to_strangers() {
        for (url, trusts, good) in [
            ("https://example.com/mcp", false, true),
            ("http://localhost:3000/mcp", false, true),
            ("http://127.0.0.9/mcp", false, true),
            ("http://[::1]:1/mcp", false, true),
            ("http://example.com/mcp", false, false),
            ("http://localhost.example.com/mcp", false, false),
            ("http://10.0.0.1/mcp", false, false),
            ("http://10.0.0.1/mcp", true, true),
        ] {
            let mut endpoint = Endpoint::new(url).unwrap();
            assert_eq!(endpoint.check(), Ok(()), "{url}: there is nothing to show");
            endpoint = endpoint.bearer("secret").unwrap();
            endpoint.trusts_network = trusts;
            assert_eq!(endpoint.check().is_ok(), good, "{url}");
        }
    }

    #[test]
    fn nor_is_another_secret() {
        let endpoint = || Endpoint::new("http://example.com/mcp").unwrap();
        let open = endpoint().header("x-tenant", "7").unwrap();
        assert_eq!(open.check(), Ok(()), "that is no secret");
        for endpoint in [
            endpoint().secret_header("x-api-key", "secret"),
            endpoint().header("cookie", "id=secret"),
            endpoint().header("authorization", "Basic secret"),
        ] {
            let mut endpoint = endpoint.unwrap();
            let told = endpoint.check().unwrap_err().to_string();
            assert!(told.contains("travel unencrypted"), "{told}");
            endpoint.trusts_network = true;
            assert_eq!(endpoint.check(), Ok(()));
        }
    }

    #[test]
    fn secrets_are_in_no_message() {
        let endpoint = || Endpoint::new("https://example.com").unwrap();
        let shown = [
            endpoint().bearer("se\ncret").unwrap_err().to_string(),
            endpoint()
                .header("x-key", "se\ncret")
                .unwrap_err()
                .to_string(),
            endpoint()
                .secret_header("x-key", "se\ncret")
                .unwrap_err()
                .to_string(),
            Endpoint::new("http://example.com")
                .and_then(|endpoint| endpoint.secret_header("x-key", "secret"))
                .and_then(|endpoint| endpoint.check())
                .unwrap_err()
                .to_string(),
            alloc::format!("{:?}", endpoint().bearer("secret").unwrap()),
        ];
        for shown in shown {
            assert!(!shown.contains("cret"), "{shown}");
        }
        // However they got there; nor in what shows the connection or its requests.
        let endpoint = || {
            let proxy = ProxyChoice::At("http://user:secret@proxy:3128".into());
            let mut endpoint = endpoint().header("x-key", "secret").unwrap().proxy(proxy);
            let value = HeaderValue::from_static;
            endpoint.headers.insert("x-token", value("secret"));
            endpoint.authorization = Some(value("Bearer secret"));
            endpoint
        };
        let config = crate::Config::new(Implementation::new("c", "1"));
        let mut client = HttpClient::new(config, endpoint(), Instant::ZERO);
        let request = client.poll_fetch().expect("it begins with a request");
        let changed = Some(HeaderValue::from_static("Bearer secret 2"));
        client.set_authorization(changed, Instant::ZERO);
        let proxy = endpoint().proxy_server(|_| None).unwrap();
        let shown = [
            alloc::format!("{:?}", endpoint()),
            alloc::format!("{client:?}"),
            alloc::format!("{request:?}"),
            alloc::format!("{proxy:?}"),
        ];
        for shown in shown {
            assert!(!shown.contains("cret"), "{shown}");
        }
        assert!(endpoint().header("no name", "x").is_err());
    }
}
