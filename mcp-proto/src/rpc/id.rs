//! Request ids.

use alloc::boxed::Box;
use core::fmt;
use serde_json::value::RawValue;

use crate::json::Raw;

/// A JSON-RPC request id. Its JSON type is part of it: `1` and `"1"` are two ids.
///
/// MCP allows strings and integers, never `null` (2025-11-25 and 2026-07-28, basic/index). A
/// number that is written as a float but is one of the integers, `1.0`, is read as that integer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RequestId {
    /// An integer.
    Number(i64),
    /// A string.
    String(Box<str>),
}

impl RequestId {
    /// Reads an id; `None` where the value is neither a string nor an integer of 64 bits.
    #[must_use]
    pub fn from_raw(raw: Raw<'_>) -> Option<Self> {
        let text = raw.get();
        if text.starts_with('"') {
            return raw.text().map(|id| Self::String(id.into()));
        }
        if let Some(id) = few_digits(text).or_else(|| text.parse().ok()) {
            return Some(Self::Number(id));
        }
        // Beyond 2^53 a float no longer tells which integer was meant.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let float = text
            .parse::<f64>()
            .ok()
            .filter(|float| (-EXACT..=EXACT).contains(float))?;
        let id = float as i64;
        (id as f64 == float).then_some(Self::Number(id))
    }

    /// Appends the id's JSON form.
    pub fn write_to(&self, out: &mut alloc::vec::Vec<u8>) {
        match self {
            Self::Number(id) => crate::encode::write_i64(out, *id),
            Self::String(id) => crate::encode::write_str(out, id),
        }
    }
}

// What nearly every id is: so few digits that no sum of them overflows.
fn few_digits(text: &str) -> Option<i64> {
    const FEW: usize = 18;
    if text.is_empty() || text.len() > FEW {
        return None;
    }
    let mut id = 0;
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        id = id * 10 + i64::from(digit);
    }
    Some(id)
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(id) => write!(f, "{id}"),
            Self::String(id) => write!(f, "{id:?}"),
        }
    }
}

impl From<i64> for RequestId {
    fn from(id: i64) -> Self {
        Self::Number(id)
    }
}

impl From<&str> for RequestId {
    fn from(id: &str) -> Self {
        Self::String(id.into())
    }
}

impl serde::Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(id) => serializer.serialize_i64(*id),
            Self::String(id) => serializer.serialize_str(id),
        }
    }
}

impl<'de> serde::Deserialize<'de> for RequestId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_raw(Raw::from(&*raw))
            .ok_or_else(|| serde::de::Error::custom("an id is a string or an integer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_type() {
        let table: &[(&str, Option<RequestId>)] = &[
            ("1", Some(1.into())),
            ("-7", Some((-7).into())),
            ("0", Some(0.into())),
            ("1.0", Some(1.into())),
            ("1e2", Some(100.into())),
            ("\"1\"", Some("1".into())),
            ("\"\"", Some("".into())),
            ("\"\\u00e9\\n\"", Some("é\n".into())),
            ("999999999999999999", Some(999_999_999_999_999_999.into())),
            (
                "1000000000000000000",
                Some(1_000_000_000_000_000_000.into()),
            ),
            ("9223372036854775807", Some(i64::MAX.into())),
            ("9223372036854775808", None),
            ("1.5", None),
            ("1e300", None),
            ("null", None),
            ("true", None),
            ("[1]", None),
            ("{}", None),
            ("\"\\ud800\"", None),
        ];
        for (text, expected) in table {
            let raw = Raw::parse(text).unwrap();
            assert_eq!(&RequestId::from_raw(raw), expected, "{text}");
        }
    }
}
