//! Progress of requests, and the end of interest in them.

use super::Meta;
use crate::{encode::Encode, rpc::RequestId, version::ProtocolVersion, wire::wire};
use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;
use serde::{Deserialize, Deserializer, de};

/// A progress token: its JSON type is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProgressToken {
    /// An integer.
    Number(i64),
    /// A string.
    String(Box<str>),
}

impl From<i64> for ProgressToken {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for ProgressToken {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl Encode for ProgressToken {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Self::Number(number) => number.encode(out, version),
            Self::String(text) => text.encode(out, version),
        }
    }
}

impl From<RequestId> for ProgressToken {
    fn from(id: RequestId) -> Self {
        match id {
            RequestId::Number(number) => Self::Number(number),
            RequestId::String(text) => Self::String(text),
        }
    }
}

impl From<ProgressToken> for RequestId {
    fn from(token: ProgressToken) -> Self {
        match token {
            ProgressToken::Number(number) => Self::Number(number),
            ProgressToken::String(text) => Self::String(text),
        }
    }
}

impl Encode for RequestId {
    fn encode(&self, out: &mut Vec<u8>, _: ProtocolVersion) {
        self.write_to(out);
    }
}

crate::wire::serialize_as_latest!(ProgressToken);

impl<'de> Deserialize<'de> for ProgressToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TokenVisitor)
    }
}

struct TokenVisitor;

impl de::Visitor<'_> for TokenVisitor {
    type Value = ProgressToken;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an integer")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<ProgressToken, E> {
        Ok(ProgressToken::String(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<ProgressToken, E> {
        Ok(ProgressToken::Number(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<ProgressToken, E> {
        i64::try_from(value)
            .map(ProgressToken::Number)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<ProgressToken, E> {
        // `1.0` is the integer 1 to JSON Schema and to whoever computes in doubles.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let whole = value as i64;
        if whole as f64 == value && value.abs() <= EXACT {
            Ok(ProgressToken::Number(whole))
        } else {
            Err(E::invalid_value(de::Unexpected::Float(value), &self))
        }
    }
}

wire! {
    /// Parameters of `notifications/progress`.
    pub struct ProgressParams {
        /// The token that the request carried.
        pub progress_token: ProgressToken = "progressToken",
        /// How far; must grow from one notification to the next.
        pub progress: f64 = "progress",
        /// How far it will go, where known.
        pub total: Option<f64> = opt "total",
        /// What goes on, for people.
        pub message: Option<String> = opt "message" since V2025_03_26,
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl ProgressParams {
    /// Progress of the request that carried `token`.
    #[must_use]
    pub fn new(token: ProgressToken, progress: f64) -> Self {
        Self {
            progress_token: token,
            progress,
            total: None,
            message: None,
            meta: None,
        }
    }
}

wire! {
    /// Parameters of `notifications/cancelled`.
    #[derive(Default)]
    pub struct CancelledParams {
        /// The request nobody waits for any longer. Only 2025-11-25 allows it to be absent.
        pub request_id: Option<RequestId> = opt "requestId",
        /// Why, for logs.
        pub reason: Option<String> = opt "reason",
        /// Metadata.
        pub meta: Option<Meta> = meta "_meta",
    }
}

impl CancelledParams {
    /// Cancels that request.
    #[must_use]
    pub fn new(request_id: RequestId) -> Self {
        Self {
            request_id: Some(request_id),
            ..Self::default()
        }
    }
}
