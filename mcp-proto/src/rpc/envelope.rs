//! Reading messages: the envelope is borrowed from the input, its params stay text.

use alloc::{borrow::Cow, format, vec::Vec};
use core::fmt;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{RequestId, RpcError, codes};
use crate::limits::Limits;

/// One JSON-RPC message.
#[derive(Debug)]
#[non_exhaustive]
pub enum Message<'a> {
    /// Wants an answer.
    Request {
        /// What the answer must be marked with.
        id: RequestId,
        /// The method's name, known or not.
        method: Cow<'a, str>,
        /// The parameters' text.
        params: Option<&'a RawValue>,
    },
    /// Wants none.
    Notification {
        /// The method's name, known or not.
        method: Cow<'a, str>,
        /// The parameters' text.
        params: Option<&'a RawValue>,
    },
    /// An answer to a request of ours.
    Response {
        /// The request's id; `None` where the peer could not read it.
        id: Option<RequestId>,
        /// The result's text, or the error.
        outcome: Result<&'a RawValue, RpcError>,
    },
}

/// What one line or one HTTP body holds.
#[derive(Debug)]
#[non_exhaustive]
pub enum Incoming<'a> {
    /// A message.
    Single(Message<'a>),
    /// A batch, with each of its members read or rejected on its own. Only 2025-03-26 has them.
    Batch(Vec<Result<Message<'a>, Rejected>>),
}

/// Input that is no message: what to answer, and to which id if one could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// The id of the broken request.
    pub id: Option<RequestId>,
    /// Why it was rejected.
    pub error: RpcError,
    /// Whether it looked like a response or a notification: nobody waits for an answer, and one
    /// could start two machines on complaining about each other's complaints.
    pub unasked: bool,
}

impl Rejected {
    /// For input that is not UTF-8.
    #[must_use]
    pub fn not_utf8() -> Self {
        Self::unreadable("message is not UTF-8")
    }

    /// For input that could not be parsed: -32700.
    #[must_use]
    pub fn unreadable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(None, codes::PARSE_ERROR, message)
    }

    /// For what is no message, nor has an id: -32600.
    #[must_use]
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(None, codes::INVALID_REQUEST, message)
    }

    fn new(id: Option<RequestId>, code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            id,
            error: RpcError::new(code, message),
            unasked: false,
        }
    }
}

/// Reads one line or body.
///
/// Lenient where that is harmless: members that JSON-RPC does not know are ignored, and ids may
/// be spelled `1.0`. Strict where a guess would hide an error: a second `id`, `method` or `params`
/// in one message, a wrong `jsonrpc`, an id of another type.
///
/// # Errors
/// What to answer instead: -32700 for what is not UTF-8 or not JSON, -32600 for JSON that is no
/// message, is nested deeper than [`Limits::json_depth`], or has an oversized id, method or batch.
///
/// ```
/// use mcp_proto::{limits::Limits, rpc::{Incoming, Message, parse}};
///
/// let line = br#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
/// let Ok(Incoming::Single(Message::Request { id, method, params })) = parse(line, &Limits::default()) else {
///     panic!("a request");
/// };
/// assert_eq!((id, &*method), (7.into(), "ping"));
/// assert!(params.is_none());
/// ```
pub fn parse<'a>(input: &'a [u8], limits: &Limits) -> Result<Incoming<'a>, Rejected> {
    match core::str::from_utf8(input) {
        Ok(text) => parse_text(text, limits),
        Err(_) => Err(Rejected::not_utf8()),
    }
}

/// [`parse`] for what is known to be UTF-8.
///
/// # Errors
/// Those of [`parse`], but for the one about UTF-8.
pub fn parse_text<'a>(text: &'a str, limits: &Limits) -> Result<Incoming<'a>, Rejected> {
    if too_deep(text.as_bytes(), limits.json_depth) {
        let message = format!("message is nested deeper than {} levels", limits.json_depth);
        return Err(Rejected::new(None, codes::INVALID_REQUEST, message));
    }
    if text.trim_ascii_start().starts_with('[') {
        return parse_batch(text, limits).map(Incoming::Batch);
    }
    read(text)?.classify(limits).map(Incoming::Single)
}

fn parse_batch<'a>(
    text: &'a str,
    limits: &Limits,
) -> Result<Vec<Result<Message<'a>, Rejected>>, Rejected> {
    let members: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    if members.is_empty() {
        return Err(Rejected::new(
            None,
            codes::INVALID_REQUEST,
            "batch is empty",
        ));
    }
    if members.len() > limits.batch_messages {
        let message = format!("batch holds more than {} messages", limits.batch_messages);
        return Err(Rejected::new(None, codes::INVALID_REQUEST, message));
    }
    Ok(members
        .into_iter()
        .map(|member| read(member.get())?.classify(limits))
        .collect())
}

fn read(text: &str) -> Result<Envelope<'_>, Rejected> {
    if !text.trim_ascii_start().starts_with('{') {
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| not_json(&error))?;
        return Err(Rejected::new(
            None,
            codes::INVALID_REQUEST,
            "message must be a JSON object",
        ));
    }
    serde_json::from_str(text).map_err(|error| not_json(&error))
}

fn not_json(error: &serde_json::Error) -> Rejected {
    Rejected::unreadable(format!("message is not JSON: {error}"))
}

// Whether arrays and objects nest deeper than `limit`. Most messages do not have that many
// brackets at all, which one fast search tells.
fn too_deep(input: &[u8], limit: usize) -> bool {
    if memchr::memchr2_iter(b'{', b'[', input).nth(limit).is_none() {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in input {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[derive(Default)]
struct Envelope<'a> {
    jsonrpc: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    // The first member that came twice.
    twice: Option<&'static str>,
}

impl<'a> Envelope<'a> {
    fn classify(self, limits: &Limits) -> Result<Message<'a>, Rejected> {
        let id = match self.id {
            _ if self.twice == Some("id") => None,
            None => None,
            Some(raw) => RequestId::from_raw(raw),
        };
        let unasked = match self.method {
            Some(_) => self.id.is_none(),
            None => self.result.is_some() || self.error.is_some(),
        };
        let message = match self.check(id.as_ref(), limits) {
            Err(message) => Err(Rejected::new(id, codes::INVALID_REQUEST, message)),
            Ok(Some(method)) => Ok(match id {
                Some(id) => Message::Request {
                    id,
                    method,
                    params: self.params,
                },
                None => Message::Notification {
                    method,
                    params: self.params,
                },
            }),
            Ok(None) => self.response(id),
        };
        message.map_err(|rejected| Rejected {
            unasked,
            ..rejected
        })
    }

    // The method's name, `None` for a response, or what is wrong.
    fn check(
        &self,
        id: Option<&RequestId>,
        limits: &Limits,
    ) -> Result<Option<Cow<'a, str>>, Cow<'static, str>> {
        if let Some(member) = self.twice {
            return Err(format!("member `{member}` occurs twice").into());
        }
        if self.jsonrpc.map(RawValue::get) != Some("\"2.0\"") {
            return Err("member `jsonrpc` must be \"2.0\"".into());
        }
        if self.id.is_some() && id.is_none() && (self.method.is_some() || self.error.is_none()) {
            return Err("member `id` must be a string or an integer".into());
        }
        if matches!(id, Some(RequestId::String(id)) if id.len() > limits.name_bytes) {
            return Err(format!("member `id` is longer than {} bytes", limits.name_bytes).into());
        }
        let Some(method) = self.method else {
            return match (self.result, self.error) {
                (None, None) => Err("member `method` is missing".into()),
                (Some(_), Some(_)) => Err("a response has either `result` or `error`".into()),
                _ => Ok(None),
            };
        };
        if self.result.is_some() || self.error.is_some() {
            return Err("a request has neither `result` nor `error`".into());
        }
        let Some(method) = text_of(method) else {
            return Err("member `method` must be a string".into());
        };
        if method.len() > limits.name_bytes {
            return Err(
                format!("member `method` is longer than {} bytes", limits.name_bytes).into(),
            );
        }
        if self
            .params
            .is_some_and(|params| !params.get().starts_with(['{', '[']))
        {
            return Err("member `params` must be an object".into());
        }
        Ok(Some(method))
    }

    fn response(self, id: Option<RequestId>) -> Result<Message<'a>, Rejected> {
        let outcome = match (self.result, self.error) {
            (Some(result), _) if id.is_some() => Ok(result),
            (None, Some(error)) => Err(serde_json::from_str(error.get()).map_err(|error| {
                let message = format!("member `error` is no error object: {error}");
                Rejected::new(id.clone(), codes::INVALID_REQUEST, message)
            })?),
            _ => {
                return Err(Rejected::new(
                    id,
                    codes::INVALID_REQUEST,
                    "member `id` is missing",
                ));
            }
        };
        Ok(Message::Response { id, outcome })
    }
}

/// A JSON string's text, borrowed where it has no escapes; `None` for any other value.
pub fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(text).ok().map(Cow::Owned)
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Envelope<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON-RPC message")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut envelope = Envelope::default();
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    let (name, member) = match &*key.0 {
                        "jsonrpc" => ("jsonrpc", &mut envelope.jsonrpc),
                        "id" => ("id", &mut envelope.id),
                        "method" => ("method", &mut envelope.method),
                        "params" => ("params", &mut envelope.params),
                        "result" => ("result", &mut envelope.result),
                        "error" => ("error", &mut envelope.error),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    if member.replace(map.next_value()?).is_some() {
                        envelope.twice.get_or_insert(name);
                    }
                }
                Ok(envelope)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// An object's key, borrowed where it has no escapes.
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.into())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    fn show(input: &[u8]) -> String {
        let one = |message: Result<Message<'_>, Rejected>| match message {
            Ok(Message::Request { id, method, params }) => {
                format!("request {id} {method} {}", raw(params))
            }
            Ok(Message::Notification { method, params }) => {
                format!("note {method} {}", raw(params))
            }
            Ok(Message::Response {
                id,
                outcome: Ok(result),
            }) => format!("result {id:?} {result}"),
            Ok(Message::Response {
                id,
                outcome: Err(error),
            }) => format!("error {id:?} {error}"),
            Err(rejected) => format!(
                "{} {} {}",
                rejected.error.code,
                rejected.id.map_or("-".to_string(), |id| id.to_string()),
                rejected.error.message
            ),
        };
        match parse(input, &Limits::default()) {
            Ok(Incoming::Single(message)) => one(Ok(message)),
            Ok(Incoming::Batch(messages)) => {
                let parts: Vec<String> = messages.into_iter().map(one).collect();
                format!("[{}]", parts.join("; "))
            }
            Err(rejected) => one(Err(rejected)),
        }
    }

    fn raw(params: Option<&RawValue>) -> &str {
        params.map_or("-", RawValue::get)
    }

    #[test]
    fn every_shape_has_one_reading() {
        let table: &[(&str, &str)] = &[
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":[1]}}"#,
                r#"request 1 a {"x":[1]}"#,
            ),
            (
                r#" {"method":"a\u0062","id":"i","jsonrpc":"2.0","more":{"id":2}} "#,
                r#"request "i" ab -"#,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1.0,"method":"a"}"#,
                "request 1 a -",
            ),
            (r#"{"jsonrpc":"2.0","method":"a","params":[]}"#, "note a []"),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
                "result Some(Number(1)) {}",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"m","data":[1]}}"#,
                "error Some(Number(1)) m (-1)",
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"m"}}"#,
                "error None m (-1)",
            ),
            (
                r#"{"jsonrpc":"2.0","error":{"code":-1}}"#,
                "error None  (-1)",
            ),
            // Not messages.
            (
                r#"{"jsonrpc":"2.0","id":1,"method":5}"#,
                "-32600 1 member `method` must be a string",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1}"#,
                "-32600 1 member `method` is missing",
            ),
            (
                r#"{"jsonrpc":"1.0","id":1,"method":"a"}"#,
                "-32600 1 member `jsonrpc` must be \"2.0\"",
            ),
            (
                r#"{"id":1,"method":"a"}"#,
                "-32600 1 member `jsonrpc` must be \"2.0\"",
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#,
                "-32600 - member `id` must be a string or an integer",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1.5,"method":"a"}"#,
                "-32600 - member `id` must be a string or an integer",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}"#,
                "-32600 - member `id` occurs twice",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#,
                "-32600 1 member `method` occurs twice",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1}}"#,
                "-32600 1 a response has either `result` or `error`",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","result":1}"#,
                "-32600 1 a request has neither `result` nor `error`",
            ),
            (
                r#"{"jsonrpc":"2.0","result":1}"#,
                "-32600 - member `id` is missing",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","params":3}"#,
                "-32600 1 member `params` must be an object",
            ),
            ("5", "-32600 - message must be a JSON object"),
            ("\"\"", "-32600 - message must be a JSON object"),
            ("[]", "-32600 - batch is empty"),
            ("[1]", "[-32600 - message must be a JSON object]"),
            (
                r#"[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","id":1,"method":"b"}]"#,
                "[note a -; request 1 b -]",
            ),
        ];
        for (input, expected) in table {
            assert_eq!(&show(input.as_bytes()), expected, "{input}");
        }
    }

    #[test]
    fn only_what_could_be_a_request_asks_for_an_answer() {
        let table: &[(&str, bool)] = &[
            ("nonsense", false),
            (r#"{"id":1,"method":"a"}"#, false),
            (r#"{"id":null,"method":"a","jsonrpc":"2.0"}"#, false),
            (r#"{"jsonrpc":"2.0"}"#, false),
            (r#"{"method":"a"}"#, true),
            (r#"{"id":1,"result":{}}"#, true),
            (r#"{"jsonrpc":"2.0","id":1,"error":5}"#, true),
            (r#"{"jsonrpc":"2.0","result":{}}"#, true),
        ];
        for (input, unasked) in table {
            let rejected = parse(input.as_bytes(), &Limits::default()).unwrap_err();
            assert_eq!(rejected.unasked, *unasked, "{input}");
        }
    }

    #[test]
    fn what_is_not_json_is_a_parse_error_without_id() {
        for input in [
            &b"nonsense"[..],
            b"{",
            b"{\"id\":1",
            b"\xff",
            b"{\"a\":1}x",
            b"[1",
            b"{\"a\":01}",
        ] {
            assert!(
                show(input).starts_with("-32700 - "),
                "{input:?}: {}",
                show(input)
            );
        }
    }

    #[test]
    fn depth_is_counted_outside_of_strings() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
            format!(r#"{{"jsonrpc":"2.0","method":"a","params":{open}{close}}}"#)
        };
        assert!(show(nested(128).as_bytes()).starts_with("note a"));
        assert!(show(nested(129).as_bytes()).starts_with("-32600 - message is nested deeper"));
        let flat = format!(
            r#"{{"jsonrpc":"2.0","method":"a","params":{{"x":"\"{}"}}}}"#,
            "[".repeat(500)
        );
        assert!(show(flat.as_bytes()).starts_with("note a"));
    }

    #[test]
    fn names_and_batches_are_bounded() {
        let limits = Limits {
            name_bytes: 4,
            batch_messages: 2,
            ..Limits::default()
        };
        let request = |id: &str, method: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"{method}"}}"#)
        };
        let parses = |text: String| parse(text.as_bytes(), &limits).is_ok();
        assert!(parses(request("1234", "1234")));
        assert!(!parses(request("12345", "a")));
        assert!(!parses(request("1", "12345")));
        assert!(parses("[1,2]".into()));
        assert!(!parses("[1,2,3]".into()));
    }
}
