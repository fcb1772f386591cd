//! The reserved members of `_meta`.

use alloc::{boxed::Box, vec::Vec};
use core::{cmp::Ordering, mem};

use crate::json::{Raw, Scan, Scanner, Span};

/// The names that the protocol reserves in `_meta`.
pub mod keys {
    /// The request's revision (2026-07-28, required).
    pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    /// The client's capabilities for this request (2026-07-28, required).
    pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
    /// The client's name and version (2026-07-28).
    pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
    /// The least level of log entries wanted on this request's stream (2026-07-28).
    pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
    /// The server's name and version, in results (2026-07-28).
    pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
    /// Which subscription a notification belongs to (2026-07-28).
    pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
    /// Which task a message belongs to (2025-11-25).
    pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
    /// What progress notifications are marked with.
    pub const PROGRESS_TOKEN: &str = "progressToken";
    /// W3C trace context: the parent span.
    pub const TRACEPARENT: &str = "traceparent";
    /// W3C trace context: the vendors' state.
    pub const TRACESTATE: &str = "tracestate";
    /// W3C trace context: the baggage.
    pub const BAGGAGE: &str = "baggage";
}

macro_rules! request_meta {
    ($($(#[$doc:meta])* $member:ident = $key:ident,)*) => {
        #[derive(Clone, Copy, Debug)]
        #[allow(non_camel_case_types)]
        enum Place { $($member,)* }

        impl Place {
            const COUNT: usize = [$(Self::$member),*].len();

            fn of(key: &str) -> Option<Self> {
                match key { $(keys::$key => Some(Self::$member),)* _ => None }
            }
        }

        impl<'a> RequestMeta<'a> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $member(&self) -> Option<Raw<'a>> {
                self.spans[Place::$member as usize].of(self.text)
            }
        )*}
    };
}

request_meta! {
    /// [`keys::PROTOCOL_VERSION`]
    protocol_version = PROTOCOL_VERSION,
    /// [`keys::CLIENT_CAPABILITIES`]
    client_capabilities = CLIENT_CAPABILITIES,
    /// [`keys::CLIENT_INFO`]
    client_info = CLIENT_INFO,
    /// [`keys::LOG_LEVEL`]
    log_level = LOG_LEVEL,
    /// [`keys::PROGRESS_TOKEN`]
    progress_token = PROGRESS_TOKEN,
    /// [`keys::SUBSCRIPTION_ID`]
    subscription_id = SUBSCRIPTION_ID,
    /// [`keys::RELATED_TASK`]
    related_task = RELATED_TASK,
    /// [`keys::TRACEPARENT`]
    traceparent = TRACEPARENT,
    /// [`keys::TRACESTATE`]
    tracestate = TRACESTATE,
    /// [`keys::BAGGAGE`]
    baggage = BAGGAGE,
}

/// The reserved members of one request's `_meta`, borrowed from the message and not yet decoded.
/// Of one that is there twice it is the last.
///
/// ```
/// use mcp_proto::{json::Raw, rpc::Params};
///
/// let raw = Raw::parse(r#"{"_meta":{"progressToken":7,"com.example/x":[]}}"#).unwrap();
/// let params = Params::scan(raw);
/// let meta = params.meta().unwrap().unwrap();
/// assert_eq!(meta.progress_token().unwrap().get(), "7");
/// assert!(meta.protocol_version().is_none() && meta.has_others());
/// ```
#[derive(Debug, Default, Clone)]
pub struct RequestMeta<'a> {
    text: &'a str,
    spans: [Span; Place::COUNT],
    others: bool,
    recalled: bool,
}

impl<'a> RequestMeta<'a> {
    /// Whether there are members that the protocol does not reserve.
    #[must_use]
    pub fn has_others(&self) -> bool {
        self.others
    }

    /// Whether it says what the [known one](KnownMeta) did that the message was read with, but for
    /// the progress token and the trace context.
    #[must_use]
    pub fn is_recalled(&self) -> bool {
        self.recalled
    }

    /// Reads the object that is next, or takes it over from what is known.
    pub(crate) fn read_or_recall(
        &mut self,
        scanner: &mut Scanner<'a>,
        known: Option<&KnownMeta>,
    ) -> Scan<()> {
        let Some(known) = known else {
            return self.read(scanner);
        };
        let rest = scanner.rest();
        if scanner.skip(&known.text, known.depth) {
            self.spans = known.spans;
        } else if !known.changing.is_empty() {
            let mut ahead = scanner.clone();
            let Some(spans) = known.recall_around(&mut ahead) else {
                return self.read(scanner);
            };
            *scanner = ahead;
            self.spans = spans;
        } else {
            return self.read(scanner);
        }
        self.text = rest;
        self.others = known.others;
        self.recalled = true;
        Ok(())
    }

    /// Reads the object that is next.
    fn read(&mut self, scanner: &mut Scanner<'a>) -> Scan<()> {
        self.text = scanner.text();
        scanner.enter()?;
        let mut first = true;
        while let Some(key) = scanner.next_key(mem::take(&mut first))? {
            let value = scanner.value()?;
            match Place::of(&key.name()) {
                Some(place) => self.spans[place as usize] = value,
                None => self.others = true,
            }
        }
        Ok(())
    }
}

/// A `_meta` that was read before: the same text again is taken over without being scanned, but for
/// the progress token and the trace context, whose values may be others.
///
/// Clients of the stateless era say the same in every request.
#[derive(Debug, Clone)]
pub struct KnownMeta {
    text: Box<str>,
    spans: [Span; Place::COUNT],
    others: bool,
    // No more arrays and objects nest in it.
    depth: usize,
    // Where those of the members lie that may have another value each time, in their order.
    changing: Vec<Span>,
}

/// The members that are another request's each time.
const CHANGING: [Place; 4] = [
    Place::progress_token,
    Place::traceparent,
    Place::tracestate,
    Place::baggage,
];

impl KnownMeta {
    /// Remembers an object; `None` for any other value.
    #[must_use]
    pub fn new(raw: Raw<'_>) -> Option<Self> {
        let mut meta = RequestMeta::default();
        let brackets = raw.get().bytes().filter(|byte| matches!(byte, b'{' | b'['));
        let mut scanner = Scanner::new(raw.get(), usize::MAX);
        raw.is_object().then_some(())?;
        meta.read(&mut scanner).ok()?;
        let changing = CHANGING.iter().map(|place| meta.spans[*place as usize]);
        let mut changing: Vec<Span> = changing.filter(|span| span.is_some()).collect();
        changing.sort_unstable_by_key(|span| span.start());
        Some(Self {
            text: raw.get().into(),
            spans: meta.spans,
            others: meta.others,
            depth: brackets.count(),
            changing,
        })
    }

    /// Gets behind an object that differs from this one in nothing but values which change, and
    /// tells where its members lie; the scanner is anywhere otherwise.
    fn recall_around(&self, scanner: &mut Scanner<'_>) -> Option<[Span; Place::COUNT]> {
        let mut spans = self.spans;
        let begin = scanner.at();
        let mut from = 0;
        for old in &self.changing {
            let piece = self.text.get(from..old.start())?;
            if !scanner.skip(piece, self.depth) || scanner.next_is(b'{') || scanner.next_is(b'[') {
                return None;
            }
            let new = scanner.value().ok()?.within(begin);
            for (span, known) in spans.iter_mut().zip(&self.spans) {
                match known.start().cmp(&old.start()) {
                    Ordering::Less => {}
                    Ordering::Equal => *span = new,
                    Ordering::Greater => *span = known.moved(old.end(), new.end()),
                }
            }
            from = old.end();
        }
        scanner
            .skip(self.text.get(from..)?, self.depth)
            .then_some(spans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::{Member, Params};
    use alloc::{format, string::String};

    /// What a message with this `_meta` says, read while `known` is known, and whether it was.
    fn told(meta: &str, known: Option<&KnownMeta>) -> (String, bool) {
        let line =
            format!(r#"{{"jsonrpc":"2.0","method":"m","params":{{"_meta": {meta},"z":[]}}}}"#);
        let limits = crate::limits::Limits::default();
        let read = crate::rpc::parse_knowing(&line, &limits, known);
        let Ok(crate::rpc::Incoming::Single(crate::rpc::Message::Notification { params, .. })) =
            read
        else {
            return (format!("{read:?}"), false);
        };
        let params: Params<'_> = params;
        let found = params.meta().unwrap().unwrap();
        let all = found.spans.map(|span| span.of(found.text).map(Raw::get));
        let raw = params.get(Member::Meta).map(Raw::get);
        (format!("{raw:?} {all:?} {}", found.others), found.recalled)
    }

    #[test]
    fn whatever_is_known_the_same_is_read() {
        let metas = [
            r#"{}"#,
            r#"{"progressToken":1}"#,
            r#"{"progressToken":22}"#,
            r#"{"progressToken": "abc" }"#,
            r#"{"progressToken":null}"#,
            r#"{"progressToken":{"a":1}}"#,
            r#"{"progressToken":01}"#,
            r#"{"progressToken":1,"progressToken":2}"#,
            r#"{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"a"}"#,
            r#"{"progressToken":333,"io.modelcontextprotocol/protocolVersion":"a"}"#,
            r#"{"progressToken":333,"io.modelcontextprotocol/protocolVersion":"b"}"#,
            r#"{"traceparent":"0","x":1,"progressToken":"t","baggage":"","io.modelcontextprotocol/logLevel":"info"}"#,
            r#"{"traceparent":"0123","x":1,"progressToken":5,"baggage":"b","io.modelcontextprotocol/logLevel":"info"}"#,
            r#"{"traceparent":"0123","x":2,"progressToken":5,"baggage":"b","io.modelcontextprotocol/logLevel":"info"}"#,
            r#"{"progressToken":5,"traceparent":"0123","x":1,"baggage":"b","io.modelcontextprotocol/logLevel":"info"}"#,
            r#"{"traceparent":"0123","x":1,"progressToken":5,"baggage":"b"#,
        ];
        for before in metas {
            let Some(known) = Raw::parse(before).and_then(KnownMeta::new) else {
                continue;
            };
            for meta in metas {
                assert_eq!(
                    told(meta, Some(&known)).0,
                    told(meta, None).0,
                    "{meta} after {before}"
                );
            }
        }
    }

    #[test]
    fn what_changes_is_known_all_the_same() {
        let known = |meta| KnownMeta::new(Raw::parse(meta).unwrap()).unwrap();
        let recalled = |before, meta| told(meta, Some(&known(before))).1;
        let first = r#"{"a":1,"progressToken":1,"b":2,"traceparent":"x"}"#;
        for (meta, expected) in [
            (first, true),
            (
                r#"{"a":1,"progressToken":"y","b":2,"traceparent":"zz"}"#,
                true,
            ),
            (
                r#"{"a":1,"progressToken":[],"b":2,"traceparent":"x"}"#,
                false,
            ),
            (
                r#"{"a":2,"progressToken":1,"b":2,"traceparent":"x"}"#,
                false,
            ),
            (
                r#"{"a":1,"progressToken":1,"b":2,"traceparent":"x","c":3}"#,
                false,
            ),
            (r#"{"a":1,"progressToken":1,"b":2}"#, false),
        ] {
            assert_eq!(recalled(first, meta), expected, "{meta}");
        }
        assert!(!told(first, None).1);
        assert!(!recalled(r#"{"a":1}"#, r#"{"a":2}"#));
    }

    #[test]
    fn what_is_known_may_nest_no_deeper_than_allowed() {
        let meta = |token| format!(r#"{{"a":[[[]]],"progressToken":{token}}}"#);
        let known = KnownMeta::new(Raw::parse(&meta(1)).unwrap()).unwrap();
        for (depth, reads) in [(6, true), (5, false)] {
            let limits = crate::limits::Limits {
                json_depth: depth,
                ..Default::default()
            };
            for token in [1, 2] {
                let line = format!(
                    r#"{{"jsonrpc":"2.0","method":"m","params":{{"_meta":{}}}}}"#,
                    meta(token)
                );
                let read = crate::rpc::parse_knowing(&line, &limits, Some(&known));
                assert_eq!(read.is_ok(), reads, "{depth} {token}");
            }
        }
    }
}
