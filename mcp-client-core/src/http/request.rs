//! The heads of requests.

use alloc::string::String;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use mcp_proto::{
    http::{EVENT_STREAM, JSON, mirror::Mirrored, names},
    method::Method as Rpc,
    types::Implementation,
    version::{Era, ProtocolVersion},
};

use super::{
    exchange::{Exchange, What},
    post::{self, Post, Role},
    tools::Tools,
};

/// What the heads depend on besides the message.
pub(super) struct Context<'a> {
    /// The caller's own headers.
    pub(super) headers: &'a HeaderMap,
    pub(super) authorization: Option<&'a HeaderValue>,
    /// The revision that was agreed on.
    pub(super) version: Option<ProtocolVersion>,
    pub(super) session_id: Option<&'a HeaderValue>,
    pub(super) tools: &'a Tools,
}

/// 2025-03-26 and later, basic/transports, "Sending Messages": both MUST be listed.
const BOTH: &str = "application/json, text/event-stream";

/// The request that an exchange consists of.
pub(super) fn build(exchange: &Exchange, context: &Context<'_>) -> Request<Bytes> {
    let (method, body) = match &exchange.what {
        What::Post(post) => (Method::POST, post.body.clone()),
        What::Resume(_) | What::Stream(_) | What::Older(_) => (Method::GET, Bytes::new()),
        What::Delete => (Method::DELETE, Bytes::new()),
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = exchange.uri.clone();
    let headers = request.headers_mut();
    headers.clone_from(context.headers);
    if let Some(authorization) = context.authorization {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    }
    match &exchange.what {
        What::Post(post) => {
            headers.insert(header::ACCEPT, HeaderValue::from_static(BOTH));
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
            write_post(post, context, headers);
        }
        What::Resume(resume) => write_get(Some(&resume.last_event_id), context, headers),
        What::Stream(last_event_id) => write_get(last_event_id.as_deref(), context, headers),
        What::Older(_) => {
            headers.insert(header::ACCEPT, HeaderValue::from_static(EVENT_STREAM));
        }
        What::Delete => write_session(context, headers),
    }
    request
}

fn write_get(last_event_id: Option<&str>, context: &Context<'_>, headers: &mut HeaderMap) {
    headers.insert(header::ACCEPT, HeaderValue::from_static(EVENT_STREAM));
    // 2025-03-26 and later, basic/transports, "Resumability and Redelivery".
    if let Some(Ok(id)) = last_event_id.map(event_id) {
        headers.insert(names::LAST_EVENT_ID, id);
    }
    write_session(context, headers);
}

fn event_id(id: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    HeaderValue::from_bytes(id.as_bytes())
}

/// Whether a stream can be resumed from this event at all: not where no header can name it.
pub(super) fn is_resumable(id: &str) -> bool {
    event_id(id).is_ok()
}

/// Who asks (RFC 9110 §10.1.5), without what no name of a product may have in it. Some gateways
/// refuse those who do not say.
pub(super) fn user_agent(info: &Implementation) -> Option<HeaderValue> {
    let token = |text: &str| -> String {
        let fits = |c: &char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*c);
        text.chars().filter(fits).collect()
    };
    let (name, version) = (token(&info.name), token(&info.version));
    let text = match (&*name, &*version) {
        ("", _) => return None,
        (name, "") => name.into(),
        (name, version) => [name, "/", version].concat(),
    };
    HeaderValue::from_str(&text).ok()
}

/// The caller's headers without those that are the protocol's.
pub(super) fn own_headers(mut headers: HeaderMap) -> HeaderMap {
    for name in [
        names::PROTOCOL_VERSION,
        names::SESSION_ID,
        names::METHOD,
        names::NAME,
        names::LAST_EVENT_ID,
        header::ACCEPT,
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::HOST,
    ] {
        headers.remove(name);
    }
    headers
}

fn write_post(post: &Post, context: &Context<'_>, headers: &mut HeaderMap) {
    let stateless = match context.version {
        Some(version) => version.era() == Era::Stateless,
        None => post.role == Role::Probe,
    };
    if !stateless {
        // `initialize` belongs to no session, and is how the revision is found.
        if !matches!(post.role, Role::Handshake | Role::Reopen) {
            write_session(context, headers);
        }
        return;
    }
    // 2026-07-28, basic/transports/streamable-http, "Request Metadata".
    let mirrored = Mirrored {
        version: ProtocolVersion::LATEST.as_str(),
        method: &post.method_name,
        name: post.name.as_deref(),
    };
    mirrored.write(headers);
    if let (Some(Rpc::CallTool), Some(name)) = (post.method, &post.name) {
        if context.tools.has(name) {
            context
                .tools
                .write(name, post::arguments(&post.body), headers);
        }
    }
}

fn write_session(context: &Context<'_>, headers: &mut HeaderMap) {
    if let Some(id) = context.session_id {
        headers.insert(names::SESSION_ID, id.clone());
    }
    // 2025-06-18, basic/transports, "Protocol Version Header": MUST; earlier revisions do not
    // know it.
    if let Some(version) = context
        .version
        .filter(|version| *version >= ProtocolVersion::V2025_06_18)
    {
        headers.insert(
            names::PROTOCOL_VERSION,
            HeaderValue::from_static(version.as_str()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn who_asks_is_told_in_tokens() {
        for (name, version, expected) in [
            ("app", "1.0.0", Some("app/1.0.0")),
            ("My App\n", "2 beta", Some("MyApp/2beta")),
            ("app", "", Some("app")),
            ("\u{e9}", "1", None),
        ] {
            let value = user_agent(&Implementation::new(name, version));
            assert_eq!(
                value.as_ref().map(|value| value.to_str().unwrap()),
                expected
            );
        }
    }

    #[test]
    fn the_protocols_headers_are_nobody_elses() {
        let mut headers = HeaderMap::new();
        for name in ["accept", "host", "mcp-session-id", "user-agent", "x-key"] {
            headers.insert(name, HeaderValue::from_static("mine"));
        }
        let mut kept: alloc::vec::Vec<_> = own_headers(headers)
            .keys()
            .map(ToString::to_string)
            .collect();
        kept.sort_unstable();
        assert_eq!(kept, ["user-agent", "x-key"]);
    }
}
