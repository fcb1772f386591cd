//! By which proxy a server is reached: a pure rule over the environment's variables.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, net::IpAddr};

use http::{HeaderValue, Uri};
use mcp_proto::{base64, http::guard::is_loopback};

use super::endpoint::{BadEndpoint, Endpoint};

/// By which proxy a server is reached.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyChoice {
    /// As the variables `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy` say, or their
    /// names in capitals. This machine is always reached without one.
    #[default]
    Environment,
    /// By none.
    Direct,
    /// By the one at this URL: `http://`, perhaps with a user's name and password.
    At(String),
}

impl fmt::Debug for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::Direct => f.write_str("Direct"),
            // Without the password.
            Self::At(url) => {
                let (_, rest) = url.rsplit_once('@').unwrap_or(("", url));
                f.debug_tuple("At").field(&rest).finish()
            }
        }
    }
}

/// A proxy that speaks HTTP.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proxy {
    /// Where it is: scheme and authority only.
    pub uri: Uri,
    /// Who asks it, and the password.
    pub user: Option<(String, String)>,
}

impl Proxy {
    /// The value of `Proxy-Authorization` (RFC 7617); `None` where it wants none.
    #[must_use]
    pub fn authorization(&self) -> Option<HeaderValue> {
        let (user, password) = self.user.as_ref()?;
        let pair = base64::encode([user, ":", password].concat().as_bytes());
        let mut value = HeaderValue::from_str(&["Basic ", &pair].concat()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn parse(url: &str) -> Result<Self, BadEndpoint> {
        let bad = |why: &str| BadEndpoint::new("not a proxy's URL", why.to_string());
        let url = url.trim();
        let rest = match url.split_once("://") {
            None => url,
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            // To go around it instead would show the traffic to whom it must not be shown.
            Some(_) => return Err(bad("only proxies of the scheme http:// are supported")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let uri: Uri = ["http://", host, "/"]
            .concat()
            .parse()
            .map_err(|_| bad("it names no host"))?;
        if uri.host().is_none_or(str::is_empty) {
            return Err(bad("it names no host"));
        }
        let user = user.map(|user| user.split_once(':').unwrap_or((user, "")));
        let user = user.map(|(user, password)| (decoded(user), decoded(password)));
        Ok(Self { uri, user })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the password.
        f.debug_tuple("Proxy").field(&self.uri).finish()
    }
}

impl Endpoint {
    /// The proxy by which the server is reached, if any; `variable` reads the environment.
    ///
    /// # Errors
    /// Where it is not a proxy of the scheme `http`.
    pub fn proxy_server(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Proxy>, BadEndpoint> {
        match &self.proxy {
            ProxyChoice::Direct => Ok(None),
            ProxyChoice::At(url) => Proxy::parse(url).map(Some),
            ProxyChoice::Environment => match from_environment(self.url(), variable) {
                Some(url) => Proxy::parse(&url).map(Some),
                None => Ok(None),
            },
        }
    }
}

fn from_environment(server: &Uri, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let host = server.host()?;
    if is_loopback(host) {
        return None;
    }
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let either = |name: &str| set(name).or_else(|| set(&name.to_ascii_uppercase()));
    let port = server.port_u16();
    let own = if server.scheme_str() == Some("https") {
        either("https_proxy")
    } else if set("REQUEST_METHOD").is_some() {
        // A CGI program, to which anybody can give an `HTTP_PROXY` by a header of that name.
        set("http_proxy")
    } else {
        either("http_proxy")
    };
    let proxy = own.or_else(|| either("all_proxy"))?;
    let excepted = either("no_proxy").is_some_and(|list| {
        let port = port.unwrap_or(if server.scheme_str() == Some("https") {
            443
        } else {
            80
        });
        list.split([',', ' '])
            .any(|entry| covers(entry.trim(), host, port))
    });
    (!excepted).then_some(proxy)
}

/// Whether an entry of `no_proxy` means this host: all, a name and all below it, an address, a
/// range of addresses, each perhaps with a port.
fn covers(entry: &str, host: &str, port: u16) -> bool {
    if entry.is_empty() {
        return false;
    }
    if entry == "*" {
        return true;
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = bare.parse().ok();
    if let (Some(address), Some((network, bits))) = (address, entry.split_once('/')) {
        let network: Option<IpAddr> = network.parse().ok();
        return network.is_some_and(|network| {
            bits.parse()
                .is_ok_and(|bits| in_network(address, network, bits))
        });
    }
    let (name, only) = match entry.rsplit_once(':') {
        // An address of IPv6 has more of them.
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => {
            (name, digits.parse::<u16>().ok())
        }
        _ => (entry, None),
    };
    if only.is_some_and(|only| only != port) {
        return false;
    }
    let name = name.trim_start_matches('[').trim_end_matches(']');
    if let Some(address) = address {
        return name.parse() == Ok(address);
    }
    let name = name
        .trim_start_matches('*')
        .trim_matches('.')
        .to_ascii_lowercase();
    let host = bare.trim_end_matches('.').to_ascii_lowercase();
    let above = host.strip_suffix(&*name);
    !name.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

fn in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (address, network, width): (u128, u128, u32) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits().into(), network.to_bits().into(), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let Some(rest) = width.checked_sub(bits) else {
        return false;
    };
    let shifted = |value: u128| value.checked_shr(rest).unwrap_or(0);
    shifted(address) == shifted(network)
}

// RFC 3986 §2.1; what is no escape stands for itself.
fn decoded(text: &str) -> String {
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high * 16 + low);
                rest = &rest[3..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(server: &str, variables: &[(&str, &str)]) -> Option<String> {
        let endpoint = Endpoint::new(server).unwrap();
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let proxy = endpoint.proxy_server(variable).unwrap();
        proxy.map(|proxy| proxy.uri.authority().unwrap().to_string())
    }

    #[test]
    fn the_environment_says_which_proxy() {
        let (http, https) = ("http://example.com/mcp", "https://example.com/mcp");
        for (server, variables, expected) in [
            (https, &[("https_proxy", "http://p:1")][..], Some("p:1")),
            (https, &[("HTTPS_PROXY", "p:1/x")], Some("p:1")),
            (https, &[("http_proxy", "http://p:1")], None),
            (https, &[("ALL_PROXY", "http://p:1")], Some("p:1")),
            (
                https,
                &[("https_proxy", ""), ("all_proxy", "p:2")],
                Some("p:2"),
            ),
            (http, &[("http_proxy", "http://p:1")], Some("p:1")),
            (http, &[("HTTP_PROXY", "http://p:1")], Some("p:1")),
            (
                http,
                &[("HTTP_PROXY", "p:1"), ("REQUEST_METHOD", "GET")],
                None,
            ),
            (
                http,
                &[("http_proxy", "p:1"), ("REQUEST_METHOD", "GET")],
                Some("p:1"),
            ),
            (
                https,
                &[("https_proxy", "p:1"), ("no_proxy", "example.com")],
                None,
            ),
            (https, &[("https_proxy", "p:1"), ("NO_PROXY", "*")], None),
            ("http://localhost:3000/", &[("http_proxy", "p:1")], None),
            ("http://127.0.0.1:3000/", &[("http_proxy", "p:1")], None),
            ("http://[::1]:3000/", &[("all_proxy", "p:1")], None),
            (http, &[], None),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(
                chosen(server, variables),
                expected,
                "{server} {variables:?}"
            );
        }
    }

    #[test]
    fn no_proxy_lists_hosts() {
        for (entry, host, port, covered) in [
            ("example.com", "example.com", 443, true),
            ("example.com", "api.Example.COM", 443, true),
            (".example.com", "api.example.com", 443, true),
            ("*.example.com", "api.example.com", 443, true),
            ("example.com", "badexample.com", 443, false),
            ("example.com:8443", "example.com", 8443, true),
            ("example.com:8443", "example.com", 443, false),
            ("10.0.0.1", "10.0.0.1", 80, true),
            ("10.0.0.0/8", "10.200.3.4", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("0.0.0.0/0", "11.0.0.1", 80, true),
            ("10.0.0.0/40", "10.0.0.1", 80, false),
            ("fd00::/8", "[fd12::1]", 80, true),
            ("fd00::/8", "10.0.0.1", 80, false),
            ("fd12::1", "[fd12::1]", 80, true),
            ("[fd12::1]:81", "[fd12::1]", 81, true),
            ("[fd12::1]:81", "[fd12::1]", 80, false),
            ("0.0.1", "10.0.0.1", 80, false),
            ("", "example.com", 80, false),
            (".", "example.com", 80, false),
        ] {
            assert_eq!(covers(entry, host, port), covered, "{entry} {host}:{port}");
        }
    }

    #[test]
    fn proxies_are_asked_by_somebody_or_nobody() {
        let proxy = Proxy::parse("http://al%40ice:p%3Aw%zz@proxy.example:3128/").unwrap();
        assert_eq!(proxy.uri, "http://proxy.example:3128/");
        let user = ("al@ice".to_owned(), "p:w%zz".to_owned());
        assert_eq!(proxy.user, Some(user));
        assert_eq!(proxy.authorization().unwrap(), "Basic YWxAaWNlOnA6dyV6eg==");
        assert!(!alloc::format!("{proxy:?}").contains("ice"));
        assert_eq!(Proxy::parse("proxy:80").unwrap().authorization(), None);
        for bad in ["socks5://p:1", "https://p:1", "http://", "http://a b:1", ""] {
            assert!(Proxy::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_choice_comes_before_the_environment() {
        let set = |_: &str| Some("http://environment:1".to_owned());
        let endpoint = || Endpoint::new("http://localhost:1/").unwrap();
        let direct = Endpoint::new("http://example.com/").unwrap();
        assert_eq!(
            direct.proxy(ProxyChoice::Direct).proxy_server(set),
            Ok(None)
        );
        let chosen = endpoint().proxy(ProxyChoice::At("http://chosen:2".into()));
        let proxy = chosen.proxy_server(set).unwrap().unwrap();
        assert_eq!(proxy.uri, "http://chosen:2/");
        let refused = endpoint().proxy(ProxyChoice::At("socks5://chosen:2".into()));
        assert!(refused.proxy_server(set).is_err());
    }
}
