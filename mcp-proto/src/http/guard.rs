//! Which `Host` and `Origin` may come in: the defence against DNS rebinding, which every revision
//! asks for (basic/transports, "Security Warning").
//!
//! In a rebinding attack a page from `evil.example` makes its own name resolve to a local address
//! and then talks to a local server as to its own. The browser still tells the truth in two
//! headers: `Host` has the attacker's name, and so has `Origin` where it is sent.

use alloc::{boxed::Box, vec::Vec};

use http::{HeaderMap, Uri, header};

/// Which names a server answers to, and which web pages may talk to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The names and ports in `Host`.
    pub hosts: Names,
    /// The web origins in `Origin`. A request without one, as programs other than browsers send
    /// it, is not looked at.
    pub origins: Origins,
}

/// A rule for `Host`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Names {
    /// Any host: for servers that are reached under names which they do not know.
    Any,
    /// This machine only: `localhost`, `127.0.0.0/8` and `[::1]`, with any port.
    Loopback,
    /// These hosts, as `example.com` with any port or `example.com:8080` with this one. Letter
    /// case does not matter.
    Listed(Vec<Box<str>>),
}

/// A rule for `Origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origins {
    /// Any page on the web.
    Any,
    /// Pages that this machine serves.
    Loopback,
    /// Pages of these origins, as `https://example.com` or with a port. None at all where the list
    /// is empty.
    Listed(Vec<Box<str>>),
}

/// Why a request may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blocked {
    /// `Host` names another server, or none, or two.
    Host,
    /// `Origin` is a page that may not talk to this server. Status 403 (MUST).
    Origin,
}

impl core::fmt::Display for Blocked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Host => "this host name is not served here",
            Self::Origin => "this origin is not allowed",
        })
    }
}

impl core::error::Error for Blocked {}

impl Guard {
    /// For a server that listens on this machine only.
    #[must_use]
    pub fn loopback() -> Self {
        Self {
            hosts: Names::Loopback,
            origins: Origins::Loopback,
        }
    }

    /// For a server that others can reach: any host, and no web pages until they are listed.
    #[must_use]
    pub fn public() -> Self {
        Self {
            hosts: Names::Any,
            origins: Origins::Listed(Vec::new()),
        }
    }

    /// Judges a request by its head.
    ///
    /// HTTP/2 has the host in the URI; where both are there, both must be allowed.
    ///
    /// # Errors
    /// Which of the two headers is at fault.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Blocked> {
        self.check_host(uri, headers)?;
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(origin), None)
                if origin
                    .to_str()
                    .is_ok_and(|origin| self.origins.allow(origin)) =>
            {
                Ok(())
            }
            _ => Err(Blocked::Origin),
        }
    }

    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Blocked> {
        if self.hosts == Names::Any {
            return Ok(());
        }
        let authority = uri.authority().map(http::uri::Authority::as_str);
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (None, _) => None,
            (Some(host), None) => Some(host.to_str().map_err(|_| Blocked::Host)?),
            _ => return Err(Blocked::Host),
        };
        let mut named = authority.into_iter().chain(host).peekable();
        if named.peek().is_some() && named.all(|host| self.hosts.allow(host)) {
            Ok(())
        } else {
            Err(Blocked::Host)
        }
    }
}

impl Names {
    /// Whether this `host`, with or without a port, is allowed.
    ///
    /// ```
    /// use mcp_proto::http::guard::Names;
    ///
    /// assert!(Names::Loopback.allow("localhost:8080"));
    /// assert!(!Names::Loopback.allow("localhost.evil.example"));
    /// ```
    #[must_use]
    pub fn allow(&self, host: &str) -> bool {
        if *self == Self::Loopback && is_usual_loopback(host) {
            return true;
        }
        let Some((name, port)) = split_port(host) else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::Loopback => is_loopback(name),
            Self::Listed(hosts) => {
                hosts
                    .iter()
                    .filter_map(|listed| split_port(listed))
                    .any(|(listed, wanted)| {
                        listed.eq_ignore_ascii_case(name) && (wanted.is_none() || wanted == port)
                    })
            }
        }
    }
}

impl Origins {
    /// Whether pages of this `origin` are allowed. `null`, the origin of pages that have none, is
    /// allowed only where any is, or where it is listed.
    #[must_use]
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Loopback => {
                let host = origin
                    .strip_prefix("http://")
                    .or_else(|| origin.strip_prefix("https://"));
                host.and_then(split_port)
                    .is_some_and(|(name, _)| is_loopback(name))
            }
            Self::Listed(origins) => origins
                .iter()
                .any(|listed| listed.eq_ignore_ascii_case(origin)),
        }
    }
}

// What nearly every client of this machine says is compared, and not read.
fn is_usual_loopback(host: &str) -> bool {
    let port = host
        .strip_prefix("127.0.0.1:")
        .or_else(|| host.strip_prefix("localhost:"));
    port.and_then(port_of).is_some()
}

// A port in digits alone: what `parse` would take besides is none.
fn port_of(digits: &str) -> Option<u16> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| digits.parse().ok()).flatten()
}

// A host and its port; `None` where it is neither `name`, `name:port` nor `[address]:port`.
fn split_port(host: &str) -> Option<(&str, Option<u16>)> {
    let name_ends = match host.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(name_ends);
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%:[]!$&'()*+,;=".contains(&byte);
    if name.is_empty() || !name.bytes().all(valid) {
        return None;
    }
    // An empty port is the scheme's own (RFC 3986 §3.2.3).
    if port.is_empty() || port == ":" {
        return Some((name, None));
    }
    Some((name, Some(port_of(port.strip_prefix(':')?)?)))
}

/// Whether a host's name, without a port, is this machine: what a resolver cannot be made to lie
/// about.
#[must_use]
pub fn is_loopback(name: &str) -> bool {
    if name.eq_ignore_ascii_case("localhost") || name.eq_ignore_ascii_case("localhost.") {
        return true;
    }
    if let Some(address) = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        return address
            .parse::<core::net::Ipv6Addr>()
            .is_ok_and(|address| address.is_loopback());
    }
    name.parse::<core::net::Ipv4Addr>()
        .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn hosts_are_compared_by_name_and_port() {
        let listed = Names::Listed(
            [
                "Example.com".into(),
                "api.example:8080".into(),
                "[2001:db8::1]".into(),
            ]
            .into(),
        );
        for (host, loopback, allowed) in [
            ("localhost", true, false),
            ("LOCALHOST:3000", true, false),
            ("localhost.:3000", true, false),
            ("127.0.0.1:80", true, false),
            ("127.0.0.1:", true, false),
            ("127.0.0.1:65535", true, false),
            ("127.0.0.1:65536", false, false),
            ("127.0.0.1:99999", false, false),
            // Read as a number of the usual length it would be one.
            ("127.0.0.1:000080", true, false),
            ("127.0.0.1:100080", false, false),
            ("localhost:+80", false, false),
            ("localhost:8o", false, false),
            ("localhost:80.evil.example", false, false),
            ("127.9.9.9", true, false),
            ("[::1]", true, false),
            ("[::1]:8080", true, false),
            ("[0:0:0:0:0:0:0:1]", true, false),
            ("example.com", false, true),
            ("example.com:1", false, true),
            ("example.com:", false, true),
            ("api.example:8080", false, true),
            ("api.example", false, false),
            ("api.example:8081", false, false),
            ("[2001:db8::1]:1", false, true),
            ("example.com.evil.example", false, false),
            ("localhost.evil.example", false, false),
            ("127.0.0.1.evil.example", false, false),
            ("127.1", false, false),
            ("0.0.0.0", false, false),
            ("[::]", false, false),
            ("[::ffff:127.0.0.1]", false, false),
            ("[::1", false, false),
            ("[::1]x", false, false),
            ("::1", false, false),
            ("localhost:80:80", false, false),
            ("localhost:+80", false, false),
            ("localhost:99999", false, false),
            ("user@localhost", false, false),
            ("localhost/", false, false),
            ("", false, false),
            (":80", false, false),
        ] {
            assert_eq!(Names::Loopback.allow(host), loopback, "{host}");
            assert_eq!(listed.allow(host), allowed, "{host}");
        }
    }

    #[test]
    fn origins_are_compared_whole() {
        let listed = Origins::Listed(
            [
                "https://app.example".into(),
                "http://app.example:8080".into(),
            ]
            .into(),
        );
        for (origin, loopback, allowed) in [
            ("http://localhost:5173", true, false),
            ("https://127.0.0.1", true, false),
            ("http://[::1]:1", true, false),
            ("https://app.example", false, true),
            ("HTTPS://App.Example", false, true),
            ("http://app.example:8080", false, true),
            ("http://app.example", false, false),
            ("https://app.example:444", false, false),
            ("https://app.example.evil.example", false, false),
            ("http://localhost.evil.example", false, false),
            ("http://localhost@evil.example", false, false),
            ("file://localhost", false, false),
            ("null", false, false),
            ("", false, false),
        ] {
            assert_eq!(Origins::Loopback.allow(origin), loopback, "{origin}");
            assert_eq!(listed.allow(origin), allowed, "{origin}");
            assert!(Origins::Any.allow(origin));
        }
    }

    #[test]
    fn a_head_is_judged_by_all_it_says() {
        let ok = Ok(());
        let (host, origin) = (Err(Blocked::Host), Err(Blocked::Origin));
        type Row<'a> = (
            &'a str,
            &'a [&'static str],
            &'a [&'static str],
            Result<(), Blocked>,
            Result<(), Blocked>,
        );
        let table: &[Row<'_>] = &[
            ("/mcp", &["localhost:1"], &[], ok, ok),
            (
                "/mcp",
                &["127.0.0.1:1"],
                &["http://127.0.0.1:1"],
                ok,
                origin,
            ),
            (
                "/mcp",
                &["evil.example"],
                &["http://evil.example"],
                host,
                origin,
            ),
            ("/mcp", &["evil.example"], &[], host, ok),
            (
                "/mcp",
                &["localhost"],
                &["http://evil.example"],
                origin,
                origin,
            ),
            ("/mcp", &["localhost"], &["null"], origin, origin),
            (
                "/mcp",
                &["localhost"],
                &["http://localhost", "http://localhost"],
                origin,
                origin,
            ),
            ("/mcp", &["localhost", "localhost"], &[], host, ok),
            ("/mcp", &[], &[], host, ok),
            ("http://localhost/mcp", &[], &[], ok, ok),
            ("http://evil.example/mcp", &["localhost"], &[], host, ok),
        ];
        for (uri, hosts, origins, local, public) in table {
            let mut headers = HeaderMap::new();
            for value in *hosts {
                headers.append(header::HOST, HeaderValue::from_static(value));
            }
            for value in *origins {
                headers.append(header::ORIGIN, HeaderValue::from_static(value));
            }
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(
                Guard::loopback().check(&uri, &headers),
                *local,
                "{uri} {hosts:?} {origins:?}"
            );
            assert_eq!(
                Guard::public().check(&uri, &headers),
                *public,
                "{uri} {hosts:?} {origins:?}"
            );
        }
    }
}
