//! Text in a header: as it is where that is safe, else as base64 (2026-07-28,
//! basic/transports/streamable-http, "Value Encoding").

use alloc::{borrow::Cow, format, string::String};

use http::HeaderValue;

use crate::base64;

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// The text in the form in which it can travel.
///
/// Base64 wherever a reader might see something else: what is not visible ASCII or an inner blank,
/// blanks at either end, and plain text that looks like base64 (MUSTs of "Value Encoding").
///
/// ```
/// use mcp_proto::http::value;
///
/// assert_eq!(value::encode("us-west1"), "us-west1");
/// assert_eq!(value::encode(" padded "), "=?base64?IHBhZGRlZCA=?=");
/// ```
#[must_use]
pub fn encode(text: &str) -> Cow<'_, str> {
    let visible = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if visible && !text.starts_with(' ') && !text.ends_with(' ') && !looks_encoded(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!(
        "{PREFIX}{}{SUFFIX}",
        base64::encode(text.as_bytes())
    ))
}

/// [`encode`] as a header's value.
#[must_use]
pub fn header(text: &str) -> HeaderValue {
    // What `encode` lets pass is visible ASCII, which every header value may hold.
    HeaderValue::from_str(&encode(text)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The text that a header's value stands for.
///
/// Blanks around the value are not part of it (RFC 9110 §5.5). The markers of base64 are
/// case-sensitive and both must be there; anything else is taken literally.
///
/// # Errors
/// Where the value holds bytes other than visible ASCII, blanks and tabs, or base64 that no
/// encoder writes: another alphabet, missing padding, bytes that are not UTF-8.
pub fn decode(value: &[u8]) -> Result<Cow<'_, str>, Undecodable> {
    let text = plain(value)?;
    let Some(payload) = text
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX))
    else {
        return Ok(Cow::Borrowed(text));
    };
    // Our reader takes base64 without padding; this form does not.
    if payload.len() % 4 != 0 {
        return Err(Undecodable);
    }
    let bytes = base64::decode(payload).ok_or(Undecodable)?;
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| Undecodable)
}

/// A header's value without the blanks around it and without reading base64.
///
/// # Errors
/// Where the value holds bytes other than visible ASCII, blanks and tabs.
pub fn plain(value: &[u8]) -> Result<&str, Undecodable> {
    let printable = |byte: &u8| (b' '..=b'~').contains(byte) || *byte == b'\t';
    if !value.iter().all(printable) {
        return Err(Undecodable);
    }
    let text = core::str::from_utf8(value).map_err(|_| Undecodable)?;
    Ok(text.trim_matches([' ', '\t']))
}

fn looks_encoded(text: &str) -> bool {
    text.starts_with(PREFIX) && text.ends_with(SUFFIX)
}

/// A header's value that stands for no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undecodable;

impl core::fmt::Display for Undecodable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the value has invalid characters or invalid base64")
    }
}

impl core::error::Error for Undecodable {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_travels_in_the_form_of_the_specification() {
        for (text, encoded) in [
            ("us-west1", "us-west1"),
            ("", ""),
            ("a b", "a b"),
            ("42", "42"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("a\tb", "=?base64?YQli?="),
            ("\r", "=?base64?DQ==?="),
            ("\u{7f}", "=?base64?fw==?="),
            // Both markers, though they share their question mark.
            ("=?base64?=", "=?base64?PT9iYXNlNjQ/PQ==?="),
            // One marker alone is plain text.
            ("=?base64?SGVsbG8=", "=?base64?SGVsbG8="),
            ("SGVsbG8=?=", "SGVsbG8=?="),
            ("=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?="),
        ] {
            assert_eq!(encode(text), encoded);
            assert_eq!(decode(encoded.as_bytes()).as_deref(), Ok(text), "{encoded}");
            assert_eq!(header(text), encoded);
        }
    }

    #[test]
    fn what_is_no_value_is_told_from_what_is_literal() {
        for (value, text) in [
            (&b"  add \t"[..], Ok("add")),
            (b"=?base64?SGVsbG8=?=", Ok("Hello")),
            (b" =?base64?SGVsbG8=?= ", Ok("Hello")),
            (b"=?base64??=", Ok("")),
            (b"SGVsbG8=", Ok("SGVsbG8=")),
            (b"=?base64?=", Ok("=?base64?=")),
            (b"a\tb", Ok("a\tb")),
            (b"=?base64?SGVsbG8?=", Err(Undecodable)),
            (b"=?base64?SGVs!!!bG8=?=", Err(Undecodable)),
            (b"=?base64?SGVsbG9=?=", Err(Undecodable)),
            (b"=?base64?/w==?=", Err(Undecodable)),
            (b"=?base64?SGVs bG8=?=", Err(Undecodable)),
            (b"caf\xE9", Err(Undecodable)),
            ("café".as_bytes(), Err(Undecodable)),
            (b"a\0b", Err(Undecodable)),
            (b"a\x7F", Err(Undecodable)),
        ] {
            assert_eq!(
                decode(value).as_deref(),
                text.as_ref().copied(),
                "{value:?}"
            );
        }
    }
}
