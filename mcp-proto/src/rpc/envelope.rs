//! Reading messages: the envelope is borrowed from the input, its params stay text.

use alloc::{borrow::Cow, format, vec::Vec};
use core::mem;
use serde::de::IgnoredAny;

use super::{Params, RequestId, RpcError, codes};
use crate::{
    json::{Fault, Raw, Scan, Scanner, Span},
    limits::Limits,
    meta::KnownMeta,
};

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
        /// The parameters.
        params: Params<'a>,
    },
    /// Wants none.
    Notification {
        /// The method's name, known or not.
        method: Cow<'a, str>,
        /// The parameters.
        params: Params<'a>,
    },
    /// An answer to a request of ours.
    Response {
        /// The request's id; `None` where the peer could not read it.
        id: Option<RequestId>,
        /// The result's text, or the error.
        outcome: Result<Raw<'a>, RpcError>,
    },
}

/// What one line or one HTTP body holds.
#[derive(Debug)]
#[non_exhaustive]
// Taken apart where it is made: a box would cost more than the copy.
#[allow(clippy::large_enum_variant)]
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
/// assert!(params.raw().is_none());
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
    parse_knowing(text, limits, None)
}

/// [`parse_text`] where the request's `_meta` may be one that is known, unless it is in a batch.
///
/// # Errors
/// Those of [`parse_text`].
pub fn parse_knowing<'a>(
    text: &'a str,
    limits: &Limits,
    known: Option<&KnownMeta>,
) -> Result<Incoming<'a>, Rejected> {
    if text.len() > Scanner::MAX_LEN {
        return Err(Rejected::invalid("message has 4 GiB or more"));
    }
    let mut scanner = Scanner::new(text, limits.json_depth);
    if scanner.next_is(b'[') {
        return match read_batch(&mut scanner, limits) {
            Ok(batch) => batch,
            Err(fault) => Err(unreadable(fault, text, limits)),
        };
    }
    let mut envelope = Envelope::default();
    let read = envelope.read(&mut scanner, known);
    match read.and_then(|()| scanner.end()) {
        Ok(()) => envelope.classify(limits, Incoming::Single),
        Err(fault) => Err(unreadable(fault, text, limits)),
    }
}

fn read_batch<'a>(
    scanner: &mut Scanner<'a>,
    limits: &Limits,
) -> Scan<Result<Incoming<'a>, Rejected>> {
    let (mut messages, mut too_many, mut first) = (Vec::new(), false, true);
    scanner.enter()?;
    while scanner.next_element(mem::take(&mut first))? {
        let mut envelope = Envelope::default();
        envelope.read(scanner, None)?;
        too_many |= messages.len() >= limits.batch_messages;
        if !too_many {
            messages.push(envelope.classify(limits, |message| message));
        }
    }
    scanner.end()?;
    if too_many {
        let message = format!("batch holds more than {} messages", limits.batch_messages);
        return Ok(Err(Rejected::invalid(message)));
    }
    Ok(match messages.is_empty() {
        true => Err(Rejected::invalid("batch is empty")),
        false => Ok(Incoming::Batch(messages)),
    })
}

#[cold]
fn unreadable(fault: Fault, text: &str, limits: &Limits) -> Rejected {
    match fault {
        Fault::TooDeep => Rejected::invalid(format!(
            "message is nested deeper than {} levels",
            limits.json_depth
        )),
        Fault::Syntax => not_json(text),
    }
}

// Only where something is wrong is it worth a second look at what and where.
fn not_json(text: &str) -> Rejected {
    match serde_json::from_str::<IgnoredAny>(text) {
        Err(error) => Rejected::unreadable(format!("message is not JSON: {error}")),
        Ok(_) => Rejected::unreadable("message is not JSON"),
    }
}

macro_rules! members {
    ($($variant:ident = $name:literal,)*) => {
        /// A member of the envelope.
        #[derive(Clone, Copy, PartialEq, Eq)]
        enum Member { $($variant,)* }

        impl Member {
            const COUNT: usize = [$($name),*].len();

            const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The one whose key is next.
            #[inline(always)]
            fn read(scanner: &mut Scanner<'_>) -> Scan<Option<Self>> {
                $(if scanner.skip_key(concat!("\"", $name, "\":")) {
                    return Ok(Some(Self::$variant));
                })*
                let key = scanner.any_key()?;
                Ok(match &*key.name() { $($name => Some(Self::$variant),)* _ => None })
            }
        }
    };
}

members! {
    Jsonrpc = "jsonrpc",
    Id = "id",
    Method = "method",
    Params = "params",
    Result = "result",
    Error = "error",
}

#[derive(Default)]
struct Envelope<'a> {
    text: &'a str,
    is_object: bool,
    members: [Span; Member::COUNT],
    params: Params<'a>,
    // The first member that came twice.
    twice: Option<Member>,
}

impl<'a> Envelope<'a> {
    // Not inlined, as `classify` is not.
    #[inline(never)]
    fn read(&mut self, scanner: &mut Scanner<'a>, known: Option<&KnownMeta>) -> Scan<()> {
        if !scanner.next_is(b'{') {
            return scanner.value().map(drop);
        }
        self.is_object = true;
        self.text = scanner.text();
        scanner.enter()?;
        let mut first = true;
        while scanner.next_member(mem::take(&mut first))? {
            let member = Member::read(scanner)?;
            let value = match member {
                Some(Member::Params) => {
                    scanner.reading(|scanner| self.params.read(scanner, known))?
                }
                // What most messages say is compared, not scanned.
                Some(Member::Jsonrpc) => scanner.usual_value("\"2.0\"")?,
                Some(Member::Method) => scanner.usual_value("\"tools/call\"")?,
                _ => scanner.value()?,
            };
            if let Some(member) = member {
                if mem::replace(&mut self.members[member as usize], value).is_some() {
                    self.twice.get_or_insert(member);
                }
            }
        }
        Ok(())
    }

    fn has(&self, member: Member) -> bool {
        self.members[member as usize].is_some()
    }

    fn get(&self, member: Member) -> Option<Raw<'a>> {
        self.members[member as usize].of(self.text)
    }

    // Not inlined, so that the parameters are moved as a whole, and but once: into what `wrap`
    // makes of the message.
    #[inline(never)]
    fn classify<T>(
        &mut self,
        limits: &Limits,
        wrap: impl FnOnce(Message<'a>) -> T,
    ) -> Result<T, Rejected> {
        let id = match self.get(Member::Id) {
            Some(raw) if self.twice != Some(Member::Id) => RequestId::from_raw(raw),
            _ => None,
        };
        let method = match self.check(id.as_ref(), limits) {
            Ok(Some(method)) => method,
            Ok(None) => return self.response(id).map(wrap),
            Err(message) => return Err(self.rejected(id, message)),
        };
        let params = mem::take(&mut self.params);
        Ok(match id {
            Some(id) => wrap(Message::Request { id, method, params }),
            None => wrap(Message::Notification { method, params }),
        })
    }

    // The method's name, `None` for a response, or what is wrong.
    fn check(
        &self,
        id: Option<&RequestId>,
        limits: &Limits,
    ) -> Result<Option<Cow<'a, str>>, Cow<'static, str>> {
        if !self.is_object {
            return Err("message must be a JSON object".into());
        }
        if let Some(member) = self.twice {
            return Err(format!("member `{}` occurs twice", member.name()).into());
        }
        if self.get(Member::Jsonrpc).map(Raw::get) != Some("\"2.0\"") {
            return Err("member `jsonrpc` must be \"2.0\"".into());
        }
        if self.has(Member::Id)
            && id.is_none()
            && (self.has(Member::Method) || !self.has(Member::Error))
        {
            return Err("member `id` must be a string or an integer".into());
        }
        if matches!(id, Some(RequestId::String(id)) if id.len() > limits.name_bytes) {
            return Err(format!("member `id` is longer than {} bytes", limits.name_bytes).into());
        }
        let Some(method) = self.get(Member::Method) else {
            return match (self.has(Member::Result), self.has(Member::Error)) {
                (false, false) => Err("member `method` is missing".into()),
                (true, true) => Err("a response has either `result` or `error`".into()),
                _ => Ok(None),
            };
        };
        if self.has(Member::Result) || self.has(Member::Error) {
            return Err("a request has neither `result` nor `error`".into());
        }
        let Some(method) = method.text() else {
            return Err("member `method` must be a string".into());
        };
        if method.len() > limits.name_bytes {
            return Err(
                format!("member `method` is longer than {} bytes", limits.name_bytes).into(),
            );
        }
        let params = self.params.raw();
        if params.is_some_and(|params| !params.get().starts_with(['{', '['])) {
            return Err("member `params` must be an object".into());
        }
        Ok(Some(method))
    }

    fn response(&self, id: Option<RequestId>) -> Result<Message<'a>, Rejected> {
        let outcome = match (self.get(Member::Result), self.get(Member::Error)) {
            (Some(result), _) if id.is_some() => Ok(result),
            (None, Some(error)) => Err(error.to().map_err(|error| {
                let message = format!("member `error` is no error object: {error}");
                self.rejected(id.clone(), message)
            })?),
            _ => return Err(self.rejected(id, "member `id` is missing")),
        };
        Ok(Message::Response { id, outcome })
    }

    fn rejected(&self, id: Option<RequestId>, message: impl Into<Cow<'static, str>>) -> Rejected {
        let unasked = match self.has(Member::Method) {
            true => !self.has(Member::Id),
            false => self.has(Member::Result) || self.has(Member::Error),
        };
        Rejected {
            unasked,
            ..Rejected::new(id, codes::INVALID_REQUEST, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    fn show(input: &[u8]) -> String {
        let one = |message: Result<Message<'_>, Rejected>| match message {
            Ok(Message::Request { id, method, params }) => {
                format!("request {id} {method} {}", raw(&params))
            }
            Ok(Message::Notification { method, params }) => {
                format!("note {method} {}", raw(&params))
            }
            Ok(Message::Response {
                id,
                outcome: Ok(result),
            }) => format!("result {id:?} {}", result.get()),
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

    fn raw<'a>(params: &Params<'a>) -> &'a str {
        params.raw().map_or("-", Raw::get)
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
        let problem = "-32600 - message is nested deeper than 128 levels";
        assert_eq!(show(nested(129).as_bytes()), problem);
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
        let problem = |text: &str| {
            let rejected = parse(text.as_bytes(), &limits).err()?;
            Some(rejected.error.message.to_string())
        };
        for (text, said) in [
            (request("1234", "1234"), None),
            (
                request("12345", "a"),
                Some("member `id` is longer than 4 bytes"),
            ),
            (
                request("1", "12345"),
                Some("member `method` is longer than 4 bytes"),
            ),
            ("[1,2]".into(), None),
            ("[1,2,3]".into(), Some("batch holds more than 2 messages")),
        ] {
            assert_eq!(problem(&text).as_deref(), said, "{text}");
        }
    }
}
