//! The id of a session over HTTP (2025-03-26 to 2025-11-25, basic/transports, "Session Management").

use alloc::string::String;

/// Whether a text may be a session's id: visible ASCII only (MUST), and no longer than a header
/// can be expected to carry.
#[must_use]
pub fn is_valid(id: &[u8]) -> bool {
    !id.is_empty() && id.len() <= MAX_LENGTH && id.iter().all(|byte| (0x21..=0x7e).contains(byte))
}

/// Longest id that is looked at. Ours have 32 characters; other servers' are tokens at most.
pub const MAX_LENGTH: usize = 4096;

/// Makes an id of 128 bits of the caller's entropy.
///
/// `entropy` must come from a cryptographic source: whoever guesses an id can speak in its session
/// unless requests are authorized (SHOULD).
///
/// ```
/// use mcp_proto::http::session_id;
///
/// let id = session_id::from_entropy(&[0xa5; 16]);
/// assert_eq!(id, "a5".repeat(16));
/// assert!(session_id::is_valid(id.as_bytes()));
/// ```
#[must_use]
pub fn from_entropy(entropy: &[u8; 16]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut id = String::with_capacity(2 * entropy.len());
    for byte in entropy {
        id.push(char::from(DIGITS[usize::from(byte >> 4)]));
        id.push(char::from(DIGITS[usize::from(byte & 0xf)]));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_visible_ascii() {
        for (id, valid) in [
            (&b"a"[..], true),
            (b"!~", true),
            (b"", false),
            (b"a b", false),
            (b"a\x7f", false),
            (b"a\xe9", false),
            (b"a\t", false),
            (&[b'a'; MAX_LENGTH], true),
            (&[b'a'; MAX_LENGTH + 1], false),
        ] {
            assert_eq!(is_valid(id), valid, "{id:?}");
        }
    }
}
