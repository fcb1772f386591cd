//! What a request's head alone decides: who may come in, and where the request goes.

use alloc::{borrow::Cow, boxed::Box, string::String};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use mcp_proto::{
    http::{
        guard::Blocked,
        mirror, names,
        negotiate::{Accepts, ContentType, wants_html},
        session_id, value,
    },
    version::{Era, ProtocolVersion},
};

use super::{
    options::{HttpOptions, SessionMode},
    refusal::Refusal,
};

/// Where a request goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Way {
    /// Nowhere.
    Refuse(Refusal),
    /// To a browser that asks whether it may send the real request.
    Preflight,
    /// To one of the [routes](HttpOptions::route).
    Route,
    /// To the page for people.
    Page,
    /// To the endpoint: its body is wanted.
    Post,
    /// To a session's stream of what was not asked for, or to one that is to be resumed.
    Listen,
    /// To the end of a session.
    Delete,
    /// To a new stream of the transport of 2024-11-05.
    PairStream,
    /// To the session of such a stream: its body is wanted.
    PairPost,
}

impl Way {
    /// Whether this goes to MCP, and not to a page or a route beside it.
    pub(super) fn is_protected(&self) -> bool {
        matches!(
            self,
            Self::Post | Self::Listen | Self::Delete | Self::PairStream | Self::PairPost
        )
    }
}

/// Judges a head, in the order of the checks that the specification and the official suite expect.
pub(super) fn find_way(head: &Parts, options: &HttpOptions, body_limit: usize) -> Way {
    if let Err(blocked) = options.guard.check(&head.uri, &head.headers) {
        return Way::Refuse(block(blocked));
    }
    if options.find_route(head).is_some() {
        return Way::Route;
    }
    let path = head.uri.path();
    let pair = options.pair.as_ref();
    let endpoint = options
        .endpoint
        .as_deref()
        .is_none_or(|endpoint| endpoint == path);
    let pair_stream = pair.is_some_and(|pair| *pair.stream == *path);
    let pair_messages = pair.is_some_and(|pair| *pair.messages == *path);
    let known = endpoint || pair_stream || pair_messages;
    let to_people = options.page && matches!(head.method, Method::GET | Method::HEAD);
    if to_people && (path == "/" && !known || known && is_browser(head)) {
        return Way::Page;
    }
    if !known {
        return Way::Refuse(Refusal::http(
            StatusCode::NOT_FOUND,
            "there is nothing at this path",
        ));
    }
    if head.method == Method::OPTIONS && options.cors {
        return Way::Preflight;
    }
    let checked = match () {
        () if pair_messages => check_pair_post(head, body_limit),
        () if pair_stream => check_pair_stream(head),
        () => check_endpoint(head, options, body_limit),
    };
    checked.unwrap_or_else(Way::Refuse)
}

fn block(blocked: Blocked) -> Refusal {
    Refusal::http(StatusCode::FORBIDDEN, alloc::format!("{blocked}"))
}

// A person looks at the endpoint with a browser, which no client of ours pretends to be.
fn is_browser(head: &Parts) -> bool {
    wants_html(&head.headers)
        && !head.headers.contains_key(names::SESSION_ID)
        && !head.headers.contains_key(names::PROTOCOL_VERSION)
}

fn check_endpoint(head: &Parts, options: &HttpOptions, body_limit: usize) -> Result<Way, Refusal> {
    let stateful = options.sessions == SessionMode::Stateful;
    match head.method {
        Method::POST => {}
        // 2025-03-26 to 2025-11-25 only; newer clients have no such requests.
        Method::GET if stateful && !is_modern(&head.headers) => return check_listen(head),
        Method::DELETE if stateful && !is_modern(&head.headers) => {
            return check_session(head).map(|()| Way::Delete);
        }
        _ => {
            return Err(Refusal::method(if stateful {
                "GET, POST, DELETE"
            } else {
                "POST"
            }));
        }
    }
    check_body(head, body_limit)?;
    if !Accepts::of(&head.headers).both() {
        let message = "the client must accept application/json and text/event-stream";
        return Err(Refusal::http(StatusCode::NOT_ACCEPTABLE, message));
    }
    Ok(Way::Post)
}

fn check_body(head: &Parts, limit: usize) -> Result<(), Refusal> {
    if ContentType::of(&head.headers) != ContentType::Json {
        return Err(Refusal::http(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the content type must be application/json",
        ));
    }
    if declared_length(&head.headers).is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    Ok(())
}

pub(super) fn too_large(limit: usize) -> Refusal {
    Refusal::http(
        StatusCode::PAYLOAD_TOO_LARGE,
        alloc::format!("the body is longer than {limit} bytes"),
    )
}

// What the body's length is said to be. Whether it is true is for the HTTP library to enforce.
fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn check_listen(head: &Parts) -> Result<Way, Refusal> {
    if !Accepts::of(&head.headers).event_stream {
        return Err(Refusal::http(
            StatusCode::NOT_ACCEPTABLE,
            "the client must accept text/event-stream",
        ));
    }
    check_session(head)?;
    Ok(Way::Listen)
}

fn check_session(head: &Parts) -> Result<(), Refusal> {
    match session_of(&head.headers)? {
        Some(_) => Ok(()),
        None => Err(missing_session()),
    }
}

pub(super) fn missing_session() -> Refusal {
    Refusal::http(
        StatusCode::BAD_REQUEST,
        "the header mcp-session-id is missing",
    )
}

/// The session that a request names.
///
/// One that is no id cannot be of a session of ours, and is as good as unknown.
pub(super) fn session_of(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    match mirror::single(headers, &names::SESSION_ID) {
        Err(_) => Err(Refusal::http(
            StatusCode::BAD_REQUEST,
            "the header mcp-session-id is there more than once",
        )),
        Ok(None) => Ok(None),
        Ok(Some(id)) if session_id::is_valid(id.as_bytes()) => Ok(id.to_str().ok()),
        Ok(Some(_)) => Err(Refusal::no_session()),
    }
}

/// The event after which a stream is to be resumed.
pub(super) fn last_event_of(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(names::LAST_EVENT_ID)?
        .to_str()
        .ok()
        .filter(|id| !id.is_empty())
}

/// What the header `MCP-Protocol-Version` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VersionHeader {
    Absent,
    Known(ProtocolVersion),
    /// Something else, or two things.
    Unknown,
}

pub(super) fn version_of(headers: &HeaderMap) -> VersionHeader {
    match mirror::single(headers, &names::PROTOCOL_VERSION) {
        Ok(None) => VersionHeader::Absent,
        Ok(Some(version)) => value::plain(version.as_bytes())
            .ok()
            .and_then(ProtocolVersion::parse)
            .map_or(VersionHeader::Unknown, VersionHeader::Known),
        Err(_) => VersionHeader::Unknown,
    }
}

impl VersionHeader {
    /// Whether a request says that it is of a revision without sessions.
    pub(super) fn is_modern(self) -> bool {
        matches!(self, Self::Known(version) if version.era() == Era::Stateless)
    }
}

fn is_modern(headers: &HeaderMap) -> bool {
    version_of(headers).is_modern()
}

fn check_pair_stream(head: &Parts) -> Result<Way, Refusal> {
    if head.method != Method::GET {
        return Err(Refusal::method("GET"));
    }
    if !Accepts::of(&head.headers).event_stream {
        return Err(Refusal::http(
            StatusCode::NOT_ACCEPTABLE,
            "the client must accept text/event-stream",
        ));
    }
    Ok(Way::PairStream)
}

fn check_pair_post(head: &Parts, body_limit: usize) -> Result<Way, Refusal> {
    if head.method != Method::POST {
        return Err(Refusal::method("POST"));
    }
    match pair_session_of(head) {
        Some(id) if session_id::is_valid(id.as_bytes()) => {}
        _ => return Err(Refusal::no_session()),
    }
    check_body(head, body_limit)?;
    Ok(Way::PairPost)
}

/// The session in the URI that the event `endpoint` told the client.
pub(super) fn pair_session_of(head: &Parts) -> Option<&str> {
    head.uri
        .query()?
        .split('&')
        .find_map(|pair| pair.strip_prefix(PAIR_SESSION)?.strip_prefix('='))
}

pub(super) const PAIR_SESSION: &str = "sessionId";

/// The bearer token, for whoever gives the verdict.
pub(super) fn bearer_of(headers: &HeaderMap) -> Option<String> {
    let value = mirror::single(headers, &header::AUTHORIZATION)
        .ok()??
        .to_str()
        .ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().into())
}

/// Lets the page of an allowed origin read the answer, and its preflight pass.
///
/// Allowed headers are what the page asks for, because `Mcp-Param-*` has any number of names.
pub(super) fn add_cors(head: &Parts, options: &HttpOptions, headers: &mut HeaderMap) {
    if !options.cors {
        return;
    }
    // The guard has passed: an origin that is here is an allowed one.
    let Some(origin) = head.headers.get(header::ORIGIN) else {
        return;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if head.method != Method::OPTIONS {
        let exposed = "Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate";
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(exposed),
        );
        return;
    }
    let mut set = |name: HeaderName, value: Cow<'static, str>| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    set(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        "GET, POST, DELETE, OPTIONS".into(),
    );
    set(header::ACCESS_CONTROL_MAX_AGE, "7200".into());
    if let Some(wanted) = head.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
}

/// What a client is told to send its messages to, on the stream of 2024-11-05.
pub(super) fn pair_endpoint(messages: &str, session: &str) -> Box<str> {
    alloc::format!("{messages}?{PAIR_SESSION}={session}").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString, vec::Vec};
    use http::Request;
    use mcp_proto::http::guard::{Names, Origins};

    fn head(line: &str, headers: &[&str]) -> Parts {
        let (method, uri) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(uri);
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn show(way: &Way) -> String {
        match way {
            Way::Refuse(refusal) => {
                let allow = refusal
                    .allow
                    .map_or(String::new(), |allow| format!(" Allow: {allow}"));
                let message = refusal
                    .error
                    .as_ref()
                    .map_or(String::new(), |error| format!(" {}", error.message));
                format!("{}{allow}{message}", refusal.status.as_u16())
            }
            way => format!("{way:?}"),
        }
    }

    const LOCAL: &str = "host: localhost:1";
    const JSON: &str = "content-type: application/json";
    const BOTH: &str = "accept: application/json, text/event-stream";
    const STREAM: &str = "accept: text/event-stream";
    const HTML: &str = "accept: text/html,*/*;q=0.8";
    const SESSION: &str = "mcp-session-id: abc";
    const MODERN: &str = "mcp-protocol-version: 2026-07-28";
    const NOT_BOTH: &str = "406 the client must accept application/json and text/event-stream";
    const NOT_JSON: &str = "415 the content type must be application/json";

    fn check(options: &HttpOptions, table: &[(&str, &[&str], &str)]) {
        for (line, headers, expected) in table {
            let found = find_way(&head(line, headers), options, 1000);
            assert_eq!(show(&found), *expected, "{line} {headers:?}");
        }
    }

    // protocol: 2026-07-28 and 2025-11-25, basic/transports.
    #[test]
    fn the_endpoint_of_a_listener() {
        let options = HttpOptions::listening(true);
        check(
            &options,
            &[
                ("POST /mcp", &[LOCAL, JSON, BOTH], "Post"),
                (
                    "POST /mcp",
                    &[
                        LOCAL,
                        "content-type: application/json; charset=utf-8",
                        "accept: */*",
                    ],
                    "Post",
                ),
                ("POST /mcp", &[LOCAL, JSON], "Post"),
                ("POST /mcp?x=1", &[LOCAL, JSON, BOTH], "Post"),
                // 5.2 rows 1 and 2, before anything else.
                (
                    "POST /mcp",
                    &["host: evil.example"],
                    "403 this host name is not served here",
                ),
                (
                    "PUT /nowhere",
                    &[LOCAL, "origin: http://evil.example"],
                    "403 this origin is not allowed",
                ),
                (
                    "POST /mcp",
                    &[
                        "host: 127.0.0.1:1",
                        "origin: http://127.0.0.1:1",
                        JSON,
                        BOTH,
                    ],
                    "Post",
                ),
                (
                    "POST /mcp",
                    &[JSON, BOTH],
                    "403 this host name is not served here",
                ),
                // 5.2 row 4.
                ("PUT /mcp", &[LOCAL], "405 Allow: GET, POST, DELETE"),
                ("OPTIONS /mcp", &[LOCAL], "405 Allow: GET, POST, DELETE"),
                (
                    "GET /mcp",
                    &[LOCAL, STREAM, MODERN, SESSION],
                    "405 Allow: GET, POST, DELETE",
                ),
                (
                    "DELETE /mcp",
                    &[LOCAL, MODERN, SESSION],
                    "405 Allow: GET, POST, DELETE",
                ),
                // 5.2 rows 6 to 8.
                ("POST /mcp", &[LOCAL, BOTH], NOT_JSON),
                (
                    "POST /mcp",
                    &[LOCAL, BOTH, "content-type: text/plain"],
                    NOT_JSON,
                ),
                ("POST /mcp", &[LOCAL, BOTH, JSON, JSON], NOT_JSON),
                (
                    "POST /mcp",
                    &[LOCAL, BOTH, "content-type: APPLICATION/Json;charset=utf-8"],
                    "Post",
                ),
                (
                    "POST /mcp",
                    &[LOCAL, BOTH, "content-type: text/json"],
                    NOT_JSON,
                ),
                (
                    "POST /mcp",
                    &[LOCAL, BOTH, "content-type: application/jsonl"],
                    NOT_JSON,
                ),
                (
                    "POST /mcp",
                    &[LOCAL, BOTH, "content-type: application/vnd.api+json"],
                    NOT_JSON,
                ),
                // What a page can send without being asked (a "simple request").
                (
                    "POST /mcp",
                    &[LOCAL, BOTH, "content-type: text/plain; application/json"],
                    NOT_JSON,
                ),
                (
                    "POST /mcp",
                    &[LOCAL, BOTH, "content-type: multipart/form-data; boundary=x"],
                    NOT_JSON,
                ),
                (
                    "POST /mcp",
                    &[
                        LOCAL,
                        BOTH,
                        "content-type: application/x-www-form-urlencoded",
                    ],
                    NOT_JSON,
                ),
                (
                    "POST /mcp",
                    &[LOCAL, JSON, "accept: application/json", STREAM],
                    "Post",
                ),
                (
                    "POST /mcp",
                    &[LOCAL, JSON, "accept: application/*, text/*;q=0.5"],
                    "Post",
                ),
                ("POST /mcp", &[LOCAL, JSON, STREAM], NOT_BOTH),
                (
                    "POST /mcp",
                    &[LOCAL, JSON, "accept: application/json"],
                    NOT_BOTH,
                ),
                ("POST /mcp", &[LOCAL, JSON, "accept: text/html"], NOT_BOTH),
                (
                    "POST /mcp",
                    &[LOCAL, JSON, BOTH, "content-length: 1000"],
                    "Post",
                ),
                (
                    "POST /mcp",
                    &[LOCAL, JSON, BOTH, "content-length: 1001"],
                    "413 the body is longer than 1000 bytes",
                ),
                // 5.3: GET and DELETE.
                ("GET /mcp", &[LOCAL, STREAM, SESSION], "Listen"),
                (
                    "GET /mcp",
                    &[LOCAL, STREAM, SESSION, "mcp-protocol-version: 2025-06-18"],
                    "Listen",
                ),
                (
                    "GET /mcp",
                    &[LOCAL, "accept: application/json", SESSION],
                    "406 the client must accept text/event-stream",
                ),
                (
                    "GET /mcp",
                    &[LOCAL, STREAM],
                    "400 the header mcp-session-id is missing",
                ),
                (
                    "GET /mcp",
                    &[LOCAL, STREAM, SESSION, SESSION],
                    "400 the header mcp-session-id is there more than once",
                ),
                (
                    "GET /mcp",
                    &[LOCAL, STREAM, "mcp-session-id: a b"],
                    "404 session not found",
                ),
                ("DELETE /mcp", &[LOCAL, SESSION], "Delete"),
                (
                    "DELETE /mcp",
                    &[LOCAL],
                    "400 the header mcp-session-id is missing",
                ),
                // For people.
                ("GET /", &[LOCAL], "Page"),
                ("HEAD /", &[LOCAL, HTML], "Page"),
                ("GET /mcp", &[LOCAL, HTML], "Page"),
                ("GET /mcp", &[LOCAL, HTML, SESSION], "Listen"),
                (
                    "POST /",
                    &[LOCAL, JSON, BOTH],
                    "404 there is nothing at this path",
                ),
                (
                    "POST /mcp/",
                    &[LOCAL, JSON, BOTH],
                    "404 there is nothing at this path",
                ),
                (
                    "GET /favicon.ico",
                    &[LOCAL],
                    "404 there is nothing at this path",
                ),
                // The old transport is not served unless asked for.
                (
                    "GET /sse",
                    &[LOCAL, STREAM],
                    "404 there is nothing at this path",
                ),
            ],
        );
        assert!(Way::Post.is_protected() && !Way::Page.is_protected());
    }

    #[test]
    fn without_sessions_there_is_only_post() {
        for mode in [SessionMode::Off, SessionMode::Stateless] {
            let options = HttpOptions::listening(true)
                .sessions(mode)
                .landing_page(false);
            check(
                &options,
                &[
                    ("POST /mcp", &[LOCAL, JSON, BOTH], "Post"),
                    ("GET /mcp", &[LOCAL, STREAM, SESSION], "405 Allow: POST"),
                    ("DELETE /mcp", &[LOCAL, SESSION], "405 Allow: POST"),
                    ("GET /mcp", &[LOCAL, HTML], "405 Allow: POST"),
                    ("GET /", &[LOCAL, HTML], "404 there is nothing at this path"),
                ],
            );
        }
    }

    #[test]
    fn a_mounted_service_is_at_every_path_and_shut_to_pages() {
        let options = HttpOptions::mounted();
        check(
            &options,
            &[
                ("POST /", &["host: api.example", JSON, BOTH], "Post"),
                ("POST /any", &["host: api.example", JSON, BOTH], "Post"),
                (
                    "GET /",
                    &["host: api.example", HTML],
                    "400 the header mcp-session-id is missing",
                ),
                (
                    "POST /",
                    &[
                        "host: api.example",
                        "origin: https://api.example",
                        JSON,
                        BOTH,
                    ],
                    "403 this origin is not allowed",
                ),
            ],
        );
        let options = options.allow_hosts(Names::Listed(["api.example".into()].into()));
        check(
            &options,
            &[
                ("POST /", &["host: API.example:443", JSON, BOTH], "Post"),
                (
                    "POST /",
                    &["host: evil.example", JSON, BOTH],
                    "403 this host name is not served here",
                ),
            ],
        );
    }

    #[test]
    fn routes_lie_beside_the_endpoint() {
        let options =
            HttpOptions::listening(true).route("/health", |_| http::Response::new(Vec::new()));
        check(
            &options,
            &[
                ("GET /health", &[LOCAL], "Route"),
                ("HEAD /health?x", &[LOCAL], "Route"),
                (
                    "GET /health",
                    &["host: evil.example"],
                    "403 this host name is not served here",
                ),
                (
                    "POST /health",
                    &[LOCAL],
                    "404 there is nothing at this path",
                ),
            ],
        );
        assert!(!Way::Route.is_protected());
    }

    // 2024-11-05, basic/transports, "HTTP with SSE".
    #[test]
    fn the_two_paths_of_the_first_revision() {
        let options = HttpOptions::listening(true).http_sse("/sse", "/messages");
        check(
            &options,
            &[
                ("GET /sse", &[LOCAL, STREAM], "PairStream"),
                ("GET /sse", &[LOCAL], "PairStream"),
                (
                    "GET /sse",
                    &[LOCAL, "accept: application/json"],
                    "406 the client must accept text/event-stream",
                ),
                ("POST /sse", &[LOCAL, JSON], "405 Allow: GET"),
                ("POST /messages?sessionId=abc", &[LOCAL, JSON], "PairPost"),
                (
                    "POST /messages?a=b&sessionId=abc",
                    &[LOCAL, JSON],
                    "PairPost",
                ),
                ("POST /messages", &[LOCAL, JSON], "404 session not found"),
                (
                    "POST /messages?sessionId=",
                    &[LOCAL, JSON],
                    "404 session not found",
                ),
                ("POST /messages?sessionId=abc", &[LOCAL], NOT_JSON),
                (
                    "GET /messages?sessionId=abc",
                    &[LOCAL, JSON],
                    "405 Allow: POST",
                ),
            ],
        );
        assert_eq!(
            pair_endpoint("/messages", "abc").to_string(),
            "/messages?sessionId=abc"
        );
        assert_eq!(
            pair_session_of(&head("POST /messages?sessionId=abc", &[])),
            Some("abc")
        );
    }

    #[test]
    fn browsers_are_answered_where_their_pages_are_let_in() {
        let options = HttpOptions::mounted()
            .allow_origins(Origins::Listed(["https://app.example".into()].into()))
            .cors(true);
        let origin = "origin: https://app.example";
        let wanted = "access-control-request-headers: content-type,mcp-param-region";
        check(
            &options,
            &[
                ("OPTIONS /", &[origin, wanted], "Preflight"),
                (
                    "OPTIONS /",
                    &["origin: https://evil.example"],
                    "403 this origin is not allowed",
                ),
                ("POST /", &[origin, JSON, BOTH], "Post"),
            ],
        );
        let cors = |line: &str, headers: &[&str], options: &HttpOptions| {
            let mut answer = HeaderMap::new();
            add_cors(&head(line, headers), options, &mut answer);
            answer
        };
        let preflight = cors("OPTIONS /", &[origin, wanted], &options);
        for (name, value) in [
            ("access-control-allow-origin", "https://app.example"),
            ("access-control-allow-methods", "GET, POST, DELETE, OPTIONS"),
            (
                "access-control-allow-headers",
                "content-type,mcp-param-region",
            ),
            ("access-control-max-age", "7200"),
            ("vary", "Origin"),
        ] {
            assert_eq!(preflight[name], value);
        }
        let answer = cors("POST /", &[origin], &options);
        assert_eq!(
            answer["access-control-expose-headers"],
            "Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate"
        );
        assert!(!answer.contains_key("access-control-allow-methods"));
        assert!(cors("POST /", &[], &options).is_empty());
        assert!(cors("OPTIONS /", &[origin, wanted], &options.cors(false)).is_empty());
    }

    #[test]
    fn what_else_a_head_says() {
        for (header, version) in [
            (&[][..], VersionHeader::Absent),
            (
                &["mcp-protocol-version: 2025-06-18"],
                VersionHeader::Known(ProtocolVersion::V2025_06_18),
            ),
            (
                &["mcp-protocol-version: 2026-07-28 "],
                VersionHeader::Known(ProtocolVersion::V2026_07_28),
            ),
            (&["mcp-protocol-version: v1"], VersionHeader::Unknown),
            (
                &[
                    "mcp-protocol-version: 2025-06-18",
                    "mcp-protocol-version: 2025-06-18",
                ],
                VersionHeader::Unknown,
            ),
        ] {
            assert_eq!(
                version_of(&head("GET /", header).headers),
                version,
                "{header:?}"
            );
        }
        for (header, token) in [
            (&[][..], None),
            (&["authorization: Bearer abc"], Some("abc")),
            (&["authorization: bearer  abc "], Some("abc")),
            (&["authorization: Basic abc"], None),
            (&["authorization: Bearer"], None),
            (
                &["authorization: Bearer a", "authorization: Bearer b"],
                None,
            ),
        ] {
            assert_eq!(
                bearer_of(&head("GET /", header).headers).as_deref(),
                token,
                "{header:?}"
            );
        }
        assert_eq!(
            last_event_of(&head("GET /", &["last-event-id: 0-1"]).headers),
            Some("0-1")
        );
        assert_eq!(
            last_event_of(&head("GET /", &["last-event-id: "]).headers),
            None
        );
    }
}
