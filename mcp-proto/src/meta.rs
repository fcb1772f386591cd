//! The reserved members of `_meta`.

use alloc::boxed::Box;
use core::mem;

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
}

impl<'a> RequestMeta<'a> {
    /// Whether there are members that the protocol does not reserve.
    #[must_use]
    pub fn has_others(&self) -> bool {
        self.others
    }

    /// Reads the object that is next, or takes it over from what is known.
    pub(crate) fn read_or_recall(
        &mut self,
        scanner: &mut Scanner<'a>,
        known: Option<&KnownMeta>,
    ) -> Scan<()> {
        let rest = scanner.rest();
        match known.filter(|known| scanner.skip(&known.text, known.depth)) {
            Some(known) => {
                self.text = rest;
                self.spans = known.spans;
                self.others = known.others;
                Ok(())
            }
            None => self.read(scanner),
        }
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

/// A `_meta` that was read before: the same text again is taken over without being scanned.
///
/// Clients of the stateless era say the same in every request.
#[derive(Debug, Clone)]
pub struct KnownMeta {
    text: Box<str>,
    spans: [Span; Place::COUNT],
    others: bool,
    // No more arrays and objects nest in it.
    depth: usize,
}

impl KnownMeta {
    /// Remembers an object; `None` for any other value.
    #[must_use]
    pub fn new(raw: Raw<'_>) -> Option<Self> {
        let mut meta = RequestMeta::default();
        let brackets = raw.get().bytes().filter(|byte| matches!(byte, b'{' | b'['));
        let mut scanner = Scanner::new(raw.get(), usize::MAX);
        raw.is_object().then_some(())?;
        meta.read(&mut scanner).ok()?;
        Some(Self {
            text: raw.get().into(),
            spans: meta.spans,
            others: meta.others,
            depth: brackets.count(),
        })
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}
