//! Which era a body belongs to, and whether it is one that can be served at all.

use alloc::{borrow::Cow, format};

use http::HeaderMap;
use mcp_proto::{
    http::{mirror::Mirrored, mirror::name_member},
    limits::Limits,
    method::Method,
    rpc::{self, Incoming, Member, Message, Params, Rejected, RequestId, RpcError},
    version::ProtocolVersion,
};

use super::{
    dialog::makes_claims,
    head::VersionHeader,
    options::SessionMode,
    refusal::{Refusal, unreadable},
};

/// What is to be done with a body.
#[derive(Debug)]
// Taken apart where it is made: a box would cost more than the copy.
#[allow(clippy::large_enum_variant)]
pub(super) enum Target<'a> {
    /// A request that says it is of a revision without sessions, or may only be one.
    Modern(ModernRequest<'a>),
    /// A notification of such a revision. None of them has a meaning over HTTP.
    Accepted,
    /// Messages of a revision with an `initialize` handshake.
    Handshake(Incoming<'a>),
}

/// The parts of a [`Message::Request`].
#[derive(Debug)]
pub(super) struct ModernRequest<'a> {
    pub(super) id: RequestId,
    pub(super) method: Cow<'a, str>,
    pub(super) params: Params<'a>,
}

/// Reads a body and finds its era by what each message claims in `_meta`, then by the header.
///
/// # Errors
/// What to answer where the body is no message, or none that anybody serves here.
pub(super) fn classify<'a>(
    body: &'a str,
    version: VersionHeader,
    mode: SessionMode,
    limits: &Limits,
) -> Result<Target<'a>, Refusal> {
    let modern = version.is_modern();
    let incoming = rpc::parse_text(body, limits).map_err(|rejected| refusal(rejected, version))?;
    match incoming {
        Incoming::Single(message) => single(message, modern, mode),
        batch => check_batch(batch, modern, mode),
    }
}

/// The answer to a body that is no message.
pub(super) fn refusal(rejected: Rejected, version: VersionHeader) -> Refusal {
    if version.is_modern() {
        Refusal::envelope(rejected.id, rejected.error)
    } else {
        unreadable(rejected)
    }
}

fn single(message: Message<'_>, modern: bool, mode: SessionMode) -> Result<Target<'_>, Refusal> {
    let handshake = mode != SessionMode::Off;
    match message {
        Message::Request { id, method, params } => {
            let claims = makes_claims(&params);
            let initialize = !claims && Method::parse(&method) == Some(Method::Initialize);
            if initialize && !handshake {
                return Err(no_handshake(id, &params));
            }
            if !initialize && (claims || modern || !handshake) {
                return Ok(Target::Modern(ModernRequest { id, method, params }));
            }
            let message = Message::Request { id, method, params };
            Ok(Target::Handshake(Incoming::Single(message)))
        }
        // What headers a notification needs is not defined (2026-07-28, "Sending Messages").
        Message::Notification { params, .. } if modern || !handshake || makes_claims(&params) => {
            Ok(Target::Accepted)
        }
        Message::Response { .. } if modern || !handshake => {
            let error = RpcError::invalid_request("clients send no responses in this revision");
            Err(Refusal::envelope(None, error))
        }
        message => Ok(Target::Handshake(Incoming::Single(message))),
    }
}

// 2025-03-26 alone has batches, and `initialize` is never part of one (MUST NOT). Whether the
// session is of that revision is for the session to judge.
fn check_batch(
    batch: Incoming<'_>,
    modern: bool,
    mode: SessionMode,
) -> Result<Target<'_>, Refusal> {
    let refuse =
        |message: &'static str| Err(Refusal::envelope(None, RpcError::invalid_request(message)));
    if modern || mode == SessionMode::Off {
        return refuse("the body must be one message");
    }
    let Incoming::Batch(messages) = &batch else {
        return Ok(Target::Handshake(batch));
    };
    for message in messages.iter().flatten() {
        match message {
            Message::Request { method, .. }
                if Method::parse(method) == Some(Method::Initialize) =>
            {
                return refuse("initialize cannot be part of a batch");
            }
            Message::Request { params, .. } | Message::Notification { params, .. }
                if makes_claims(params) =>
            {
                return refuse("a request of this revision cannot be part of a batch");
            }
            _ => {}
        }
    }
    Ok(Target::Handshake(batch))
}

// A server without sessions tells a client with a handshake what it could speak instead.
fn no_handshake(id: RequestId, params: &Params<'_>) -> Refusal {
    let requested = params.check().ok();
    let requested = requested.and_then(|()| params.optional_text(Member::ProtocolVersion).ok()?);
    let requested = requested.as_deref().unwrap_or_default();
    Refusal::envelope(Some(id), unsupported_version(requested, SessionMode::Off))
}

/// -32022: the revision is not served.
pub(super) fn unsupported_version(requested: &str, mode: SessionMode) -> RpcError {
    #[derive(serde::Serialize)]
    struct Data<'a> {
        supported: alloc::vec::Vec<&'static str>,
        requested: &'a str,
    }
    let supported = ProtocolVersion::ALL
        .into_iter()
        .rev()
        .filter(|version| mode != SessionMode::Off || *version == ProtocolVersion::LATEST)
        .map(ProtocolVersion::as_str)
        .collect();
    let error = RpcError::new(
        rpc::codes::UNSUPPORTED_PROTOCOL_VERSION,
        format!("protocol version {requested:?} is not supported"),
    );
    match mcp_proto::json::Json::new(&Data {
        supported,
        requested,
    }) {
        Ok(data) => error.with_data(data),
        Err(_) => error,
    }
}

impl ModernRequest<'_> {
    /// Compares the headers that repeat the body.
    ///
    /// # Errors
    /// -32020, to be answered with 400.
    pub(super) fn check_mirrors(
        &self,
        version: &str,
        headers: &HeaderMap,
        extension_member: Option<&str>,
    ) -> Result<(), Refusal> {
        // Params that cannot be read have no name to repeat; they are refused for themselves.
        let member = name_member(&self.method).filter(|_| self.params.check().is_ok());
        let name = member.and_then(|member| self.params.optional_text(member).ok()?);
        let name = name.or_else(|| self.text_of(extension_member?));
        Mirrored {
            version,
            method: &self.method,
            name: name.as_deref(),
        }
        .check(headers)
        .map_err(|mismatch| Refusal::envelope(Some(self.id.clone()), mismatch.to_error()))
    }

    // A member that only an extension knows.
    fn text_of(&self, member: &str) -> Option<Cow<'_, str>> {
        let members = self.params.raw()?.members();
        let (_, value) = members.filter(|(key, _)| key == member).last()?;
        value.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::head::version_of;
    use alloc::{
        string::{String, ToString},
        vec::Vec,
    };
    use http::HeaderValue;

    const CLAIM: &str = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;

    fn show(body: &str, version: Option<&'static str>, mode: SessionMode) -> String {
        let mut headers = HeaderMap::new();
        headers.extend(version.map(|v| {
            (
                mcp_proto::http::names::PROTOCOL_VERSION,
                HeaderValue::from_static(v),
            )
        }));
        let version = version_of(&headers);
        match classify(body, version, mode, &Limits::default()) {
            Ok(Target::Modern(request)) => format!("modern {}", request.id),
            Ok(Target::Accepted) => "202".into(),
            Ok(Target::Handshake(Incoming::Single(_))) => "handshake".into(),
            Ok(Target::Handshake(_)) => "handshake batch".into(),
            Err(refusal) => {
                let id = refusal.id.as_ref().map_or(
                    if refusal.null_id {
                        "null".into()
                    } else {
                        "-".into()
                    },
                    |id| id.to_string(),
                );
                format!(
                    "{} {} {id}",
                    refusal.status.as_u16(),
                    refusal.error.as_ref().unwrap().code
                )
            }
        }
    }

    fn request(method: &str, params: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#)
    }

    fn note(method: &str, params: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
    }

    // The rows are those of the specification's two eras: what a message claims comes first, then
    // `initialize`, then the header (2026-07-28, basic/versioning, "Backward Compatibility").
    #[test]
    fn the_era_follows_the_claim_then_the_header() {
        let (new, old) = (Some("2026-07-28"), Some("2025-11-25"));
        let unknown_claim = CLAIM.replace("2026-07-28", "v999.0.0");
        let old_claim = CLAIM.replace("2026-07-28", "2025-11-25");
        let number_claim = CLAIM.replace("\"2026-07-28\"", "5");
        let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_string();
        // Body, header, what a server with sessions does with it, and one without.
        let table: &[(String, Option<&'static str>, &str, &str)] = &[
            (request("tools/list", CLAIM), new, "modern 7", "modern 7"),
            (request("tools/list", CLAIM), None, "modern 7", "modern 7"),
            (request("tools/list", CLAIM), old, "modern 7", "modern 7"),
            (
                request("tools/list", &unknown_claim),
                Some("v999.0.0"),
                "modern 7",
                "modern 7",
            ),
            (
                request("tools/list", &old_claim),
                old,
                "modern 7",
                "modern 7",
            ),
            (request("initialize", CLAIM), new, "modern 7", "modern 7"),
            (
                request("initialize", "{}"),
                None,
                "handshake",
                "400 -32022 7",
            ),
            (
                request("initialize", "{}"),
                old,
                "handshake",
                "400 -32022 7",
            ),
            (
                request("initialize", "{}"),
                new,
                "handshake",
                "400 -32022 7",
            ),
            (request("tools/list", "{}"), new, "modern 7", "modern 7"),
            (
                request("tools/list", &number_claim),
                new,
                "modern 7",
                "modern 7",
            ),
            (
                request("tools/list", &number_claim),
                None,
                "modern 7",
                "modern 7",
            ),
            (request("tools/list", "{}"), old, "handshake", "modern 7"),
            (request("tools/list", "[]"), None, "handshake", "modern 7"),
            (note("notifications/x", "{}"), new, "202", "202"),
            (note("notifications/x", CLAIM), None, "202", "202"),
            (
                note("notifications/initialized", "{}"),
                None,
                "handshake",
                "202",
            ),
            (
                note("notifications/initialized", "{}"),
                old,
                "handshake",
                "202",
            ),
            (response.clone(), old, "handshake", "400 -32600 -"),
            (response.clone(), None, "handshake", "400 -32600 -"),
            (response, new, "400 -32600 -", "400 -32600 -"),
            // Batches.
            (
                format!("[{}]", request("ping", "{}")),
                None,
                "handshake batch",
                "400 -32600 -",
            ),
            (
                format!("[{}]", request("ping", "{}")),
                new,
                "400 -32600 -",
                "400 -32600 -",
            ),
            (
                format!("[{},{}]", request("ping", "{}"), request("ping", CLAIM)),
                None,
                "400 -32600 -",
                "400 -32600 -",
            ),
            (
                format!("[{}]", request("initialize", "{}")),
                None,
                "400 -32600 -",
                "400 -32600 -",
            ),
            // What is no message.
            ("{".into(), new, "400 -32700 -", "400 -32700 -"),
            ("{".into(), old, "400 -32700 null", "400 -32700 null"),
            ("5".into(), new, "400 -32600 -", "400 -32600 -"),
            (String::new(), None, "400 -32700 null", "400 -32700 null"),
            (
                r#"{"jsonrpc":"2.0","id":7}"#.into(),
                new,
                "400 -32600 7",
                "400 -32600 7",
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#.into(),
                new,
                "400 -32600 -",
                "400 -32600 -",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1.5,"method":"a"}"#.into(),
                new,
                "400 -32600 -",
                "400 -32600 -",
            ),
            (
                r#"{"jsonrpc":"2.0","id":true,"method":"a"}"#.into(),
                new,
                "400 -32600 -",
                "400 -32600 -",
            ),
            (
                r#"{"jsonrpc":"1.0","id":7,"method":"a"}"#.into(),
                new,
                "400 -32600 7",
                "400 -32600 7",
            ),
        ];
        for (body, header, stateful, off) in table {
            assert_eq!(
                show(body, *header, SessionMode::Stateful),
                *stateful,
                "{body} {header:?}"
            );
            assert_eq!(
                show(body, *header, SessionMode::Stateless),
                *stateful,
                "{body} {header:?}"
            );
            assert_eq!(
                show(body, *header, SessionMode::Off),
                *off,
                "{body} {header:?}"
            );
        }
    }

    #[test]
    fn a_server_without_handshake_says_what_it_speaks() {
        let error = unsupported_version("2025-11-25", SessionMode::Off);
        assert_eq!(
            error.data.unwrap().as_str(),
            r#"{"supported":["2026-07-28"],"requested":"2025-11-25"}"#
        );
        let error = unsupported_version("x", SessionMode::Stateful);
        let supported: Vec<&str> = ProtocolVersion::ALL
            .iter()
            .rev()
            .map(|version| version.as_str())
            .collect();
        assert_eq!(
            error.data.unwrap().as_str(),
            format!(
                r#"{{"supported":{},"requested":"x"}}"#,
                format!("{supported:?}").replace(", ", ",")
            )
        );
    }

    #[test]
    fn names_are_taken_from_where_the_method_has_them() {
        for (method, params, name, agrees) in [
            ("tools/call", r#"{"name":"add"}"#, Some("add"), true),
            ("tools/call", r#"{"name":"add"}"#, Some("sub"), false),
            ("tools/call", r#"{"name":"add"}"#, None, false),
            ("prompts/get", r#"{"name":"p"}"#, Some("p"), true),
            (
                "resources/read",
                r#"{"uri":"file:///a","name":"x"}"#,
                Some("file:///a"),
                true,
            ),
            ("tasks/get", r#"{"taskId":"t"}"#, Some("t"), true),
            ("tasks/cancel", r#"{"taskId":"t"}"#, None, true),
            ("tasks/cancel", r#"{"taskId":"t"}"#, Some("u"), false),
            ("tools/list", r#"{"name":"add"}"#, None, true),
            ("tools/list", "{}", Some("whatever"), true),
            // The body is at fault, not the header.
            ("tools/call", "{}", None, true),
            ("tools/call", r#"{"name":5}"#, None, true),
        ] {
            let body = request(method, params);
            let mut headers = HeaderMap::new();
            let mirrored = Mirrored {
                version: "2026-07-28",
                method,
                name,
            };
            mirrored.write(&mut headers);
            let version = version_of(&headers);
            let Ok(Target::Modern(request)) =
                classify(&body, version, SessionMode::Off, &Limits::default())
            else {
                panic!("{body}");
            };
            let checked = request.check_mirrors("2026-07-28", &headers, None);
            assert_eq!(checked.is_ok(), agrees, "{body} {name:?}");
            if let Err(refusal) = checked {
                assert_eq!(
                    (
                        refusal.status.as_u16(),
                        refusal.error.as_ref().unwrap().code
                    ),
                    (400, -32020)
                );
                assert_eq!(refusal.id, Some(7.into()));
            }
        }
    }
}
