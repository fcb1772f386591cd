//! Where a response may lead: a pure rule over URLs.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use http::{Method, StatusCode, Uri};

/// Where the next request goes, if this response sends it elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// It does not.
    None,
    /// There; from now on, where it says so.
    To { uri: Uri, permanently: bool },
    /// It does, to where we do not go, for this reason.
    Refused(&'static str),
}

/// Judges a response.
///
/// Only the same origin is gone to, because headers may hold secrets and a server is one origin.
/// The method and the body stay: a message that arrives as a GET is none. 303 asks for exactly
/// that, so it is followed only where it was a GET already.
pub(super) fn judge(
    method: &Method,
    from: &Uri,
    status: StatusCode,
    location: Option<&str>,
) -> Redirect {
    let permanently = match status.as_u16() {
        301 | 308 => true,
        302 | 307 => false,
        303 if method == Method::GET => false,
        303 => return Redirect::Refused("it redirects to a page"),
        _ => return Redirect::None,
    };
    let Some(uri) = location.and_then(|location| resolve(from, location)) else {
        return Redirect::Refused("it redirects to nowhere");
    };
    if !same_origin(from, &uri) {
        return Redirect::Refused("it redirects to another origin");
    }
    Redirect::To { uri, permanently }
}

/// Whether two URLs have the scheme, host and port in common (RFC 6454 §4), and neither names a
/// user.
pub(super) fn same_origin(one: &Uri, other: &Uri) -> bool {
    fn origin(uri: &Uri) -> Option<(String, String, u16)> {
        let authority = uri.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let port = match (authority.port(), &*scheme) {
            (Some(port), _) => port.as_str().parse().ok()?,
            (None, "http") => 80,
            (None, "https") => 443,
            _ => return None,
        };
        Some((scheme, authority.host().to_ascii_lowercase(), port))
    }
    origin(one).is_some_and(|one| origin(other).is_some_and(|other| one == other))
}

/// The URL that a reference means where it stands (RFC 3986 §5.2).
pub(super) fn resolve(base: &Uri, reference: &str) -> Option<Uri> {
    let reference = reference.trim().split('#').next().unwrap_or_default();
    if has_scheme(reference) {
        return reference.parse().ok();
    }
    let scheme = base.scheme_str()?;
    if reference.starts_with("//") {
        return [scheme, ":", reference].concat().parse().ok();
    }
    let (path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (reference, None),
    };
    let path = if path.is_empty() {
        base.path().to_string()
    } else if path.starts_with('/') {
        without_dots(path)
    } else {
        let folder = base
            .path()
            .rfind('/')
            .map_or("/", |end| &base.path()[..=end]);
        without_dots(&[folder, path].concat())
    };
    let query = match query {
        None if reference.is_empty() => base.query(),
        query => query,
    };
    let authority = base.authority()?.as_str();
    let (mark, query) = query.map_or(("", ""), |query| ("?", query));
    [scheme, "://", authority, &path, mark, query]
        .concat()
        .parse()
        .ok()
}

fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

// RFC 3986 §5.2.4, for a path that begins with a slash.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "." if last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if last {
                    kept.push("");
                }
            }
            part => kept.push(part),
        }
    }
    let mut path = String::new();
    for part in kept {
        path.push('/');
        path.push_str(part);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_followed_within_its_origin() {
        let from: Uri = "https://example.com/api/mcp?k=1".parse().unwrap();
        let to = |uri: &str, permanently| Redirect::To {
            uri: uri.parse().unwrap(),
            permanently,
        };
        let elsewhere = || Redirect::Refused("it redirects to another origin");
        let nowhere = || Redirect::Refused("it redirects to nowhere");
        let (get, post) = (Method::GET, Method::POST);
        for (method, status, location, expected) in [
            (
                &post,
                307,
                Some("/api/mcp/"),
                to("https://example.com/api/mcp/", false),
            ),
            (
                &post,
                308,
                Some("https://example.com/v2"),
                to("https://example.com/v2", true),
            ),
            (
                &post,
                301,
                Some("mcp/"),
                to("https://example.com/api/mcp/", true),
            ),
            (
                &post,
                302,
                Some("?k=2"),
                to("https://example.com/api/mcp?k=2", false),
            ),
            (
                &post,
                307,
                Some("HTTPS://EXAMPLE.com:443/x#y"),
                to("HTTPS://EXAMPLE.com:443/x", false),
            ),
            (
                &post,
                307,
                Some("//example.com/x"),
                to("https://example.com/x", false),
            ),
            (&get, 303, Some("/x"), to("https://example.com/x", false)),
            (
                &post,
                303,
                Some("/x"),
                Redirect::Refused("it redirects to a page"),
            ),
            (&post, 307, Some("http://example.com/api/mcp"), elsewhere()),
            (&post, 307, Some("https://example.com:8443/"), elsewhere()),
            (&post, 307, Some("https://www.example.com/"), elsewhere()),
            (
                &post,
                307,
                Some("https://example.com@evil.example/"),
                elsewhere(),
            ),
            (&post, 307, Some("https://user@example.com/"), elsewhere()),
            (&post, 307, Some("//evil.example/"), elsewhere()),
            (&post, 307, Some("javascript:alert(1)"), elsewhere()),
            (&post, 307, Some("/a b"), nowhere()),
            (&post, 307, None, nowhere()),
            (&post, 300, Some("/x"), Redirect::None),
            (&post, 304, None, Redirect::None),
            (&post, 404, Some("/x"), Redirect::None),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                judge(method, &from, status, location),
                expected,
                "{status} {location:?}"
            );
        }
    }

    #[test]
    fn references_are_resolved() {
        // The normal and the abnormal examples of RFC 3986 §5.4, without parameters and fragments.
        let base: Uri = "http://a/b/c/d;p?q".parse().unwrap();
        for (reference, expected) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("./g/.", "http://a/b/c/g/"),
            ("g/../h", "http://a/b/c/h"),
            ("http://x/y", "http://x/y"),
            ("messages?to=http://x", "http://a/b/c/messages?to=http://x"),
        ] {
            let resolved = resolve(&base, reference).map(|uri| uri.to_string());
            assert_eq!(resolved.as_deref(), Some(expected), "{reference}");
        }
    }
}
