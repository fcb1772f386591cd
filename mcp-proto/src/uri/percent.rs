//! Percent-encoding (RFC 3986 §2).

use alloc::{string::String, vec::Vec};

/// What is written as it is.
#[derive(Clone, Copy)]
pub(super) enum Keep {
    Unreserved,
    /// And `/`.
    Slash,
    /// And all that separates the parts of a URI, except `#`.
    Reserved,
    /// And all that separates the parts of a URI, except `#` and `?`.
    ReservedInPath,
}

impl Keep {
    fn keeps(self, byte: u8) -> bool {
        is_unreserved(byte)
            || match self {
                Self::Unreserved => false,
                Self::Slash => byte == b'/',
                Self::Reserved => is_reserved(byte) && byte != b'#',
                Self::ReservedInPath => is_reserved(byte) && byte != b'#' && byte != b'?',
            }
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn is_reserved(byte: u8) -> bool {
    b":/?#[]@!$&'()*+,;=".contains(&byte)
}

/// Appends `text`, encoding all but what is kept.
pub(super) fn encode(text: &str, keep: Keep, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if keep.keeps(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 0xf)]));
        }
    }
}

/// The text meant; `None` where it is not UTF-8. A `%` without two digits stands for itself, and
/// `+` for a blank where `plus` says so.
pub(super) fn decode(text: &str, plus: bool) -> Option<String> {
    let mut bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    while let [first, rest @ ..] = bytes {
        bytes = rest;
        out.push(match (first, rest) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                bytes = after;
                digit(*high) << 4 | digit(*low)
            }
            (b'+', _) if plus => b' ',
            (byte, _) => *byte,
        });
    }
    String::from_utf8(out).ok()
}

fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20) - b'a' + 10,
    }
}

/// The first character of `text` that a template's text cannot hold, and its place.
pub(super) fn unfit(text: &str) -> Option<(usize, char)> {
    text.char_indices().find(|(at, found)| match found {
        '#' => true,
        '%' => !matches!(text.as_bytes()[at + 1..], [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
        _ => u8::try_from(*found).map_or(true, |byte| !is_unreserved(byte) && !is_reserved(byte)),
    })
}
