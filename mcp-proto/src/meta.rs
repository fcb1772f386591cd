//! The reserved members of `_meta`.

use core::fmt;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

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

/// The reserved members of one request's `_meta`, borrowed from the message and not yet decoded.
///
/// ```
/// use mcp_proto::meta::RequestMeta;
///
/// let raw = serde_json::from_str(r#"{"progressToken":7,"com.example/x":[]}"#).unwrap();
/// let meta = RequestMeta::scan(raw).unwrap();
/// assert_eq!(meta.progress_token.unwrap().get(), "7");
/// assert!(meta.protocol_version.is_none());
/// ```
#[derive(Debug, Default, Clone, Copy)]
#[non_exhaustive]
pub struct RequestMeta<'a> {
    /// [`keys::PROTOCOL_VERSION`]
    pub protocol_version: Option<&'a RawValue>,
    /// [`keys::CLIENT_CAPABILITIES`]
    pub client_capabilities: Option<&'a RawValue>,
    /// [`keys::CLIENT_INFO`]
    pub client_info: Option<&'a RawValue>,
    /// [`keys::LOG_LEVEL`]
    pub log_level: Option<&'a RawValue>,
    /// [`keys::PROGRESS_TOKEN`]
    pub progress_token: Option<&'a RawValue>,
    /// [`keys::SUBSCRIPTION_ID`]
    pub subscription_id: Option<&'a RawValue>,
    /// [`keys::RELATED_TASK`]
    pub related_task: Option<&'a RawValue>,
    /// [`keys::TRACEPARENT`]
    pub traceparent: Option<&'a RawValue>,
    /// [`keys::TRACESTATE`]
    pub tracestate: Option<&'a RawValue>,
    /// [`keys::BAGGAGE`]
    pub baggage: Option<&'a RawValue>,
    /// Whether there are members that the protocol does not reserve.
    pub has_others: bool,
}

impl<'a> RequestMeta<'a> {
    /// Scans a `_meta` object once.
    ///
    /// # Errors
    /// serde_json's, where it is no object.
    pub fn scan(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        serde_json::Deserializer::from_str(raw.get()).deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = RequestMeta<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut meta = RequestMeta::default();
        while let Some(key) = map.next_key::<crate::rpc::Key<'de>>()? {
            let member = match &*key.0 {
                keys::PROTOCOL_VERSION => &mut meta.protocol_version,
                keys::CLIENT_CAPABILITIES => &mut meta.client_capabilities,
                keys::CLIENT_INFO => &mut meta.client_info,
                keys::LOG_LEVEL => &mut meta.log_level,
                keys::PROGRESS_TOKEN => &mut meta.progress_token,
                keys::SUBSCRIPTION_ID => &mut meta.subscription_id,
                keys::RELATED_TASK => &mut meta.related_task,
                keys::TRACEPARENT => &mut meta.traceparent,
                keys::TRACESTATE => &mut meta.tracestate,
                keys::BAGGAGE => &mut meta.baggage,
                _ => {
                    meta.has_others = true;
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *member = Some(map.next_value()?);
        }
        Ok(meta)
    }
}
