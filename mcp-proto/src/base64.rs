//! Base64 with padding and the standard alphabet (RFC 4648 section 4).

use alloc::{string::String, vec::Vec};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Not in the alphabet.
const INVALID: u8 = 0xff;

const VALUES: [u8; 256] = {
    let mut table = [INVALID; 256];
    let mut value = 0;
    while value < 64 {
        table[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    table
};

/// Writes bytes as base64.
///
/// ```
/// assert_eq!(mcp_proto::base64::encode(b"foob"), "Zm9vYg==");
/// ```
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |index| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            text.push(if place > group.len() {
                '='
            } else {
                char::from(ALPHABET[(bits >> (18 - 6 * place) & 0x3f) as usize])
            });
        }
    }
    text
}

/// Reads base64; padding may be absent.
///
/// `None` where a character is outside the alphabet, white space included, or where the length or
/// the unused bits fit no encoding.
///
/// ```
/// assert_eq!(mcp_proto::base64::decode("Zm9vYg==").unwrap(), b"foob");
/// assert_eq!(mcp_proto::base64::decode("Zm9v YmFy"), None);
/// ```
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let padding = bytes
        .iter()
        .rev()
        .take(2)
        .take_while(|byte| **byte == b'=')
        .count();
    if padding > 0 && bytes.len() % 4 != 0 {
        return None;
    }
    let digits = &bytes[..bytes.len() - padding];
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for (place, digit) in group.iter().enumerate() {
            let value = VALUES[usize::from(*digit)];
            if value == INVALID {
                return None;
            }
            bits |= u32::from(value) << (18 - 6 * place);
        }
        let whole = match group.len() {
            4 => 3,
            3 if bits & 0xff == 0 => 2,
            2 if bits & 0xffff == 0 => 1,
            _ => return None,
        };
        out.extend_from_slice(&bits.to_be_bytes()[1..=whole]);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_rfc_4648() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain.as_bytes()), encoded);
            assert_eq!(decode(encoded).as_deref(), Some(plain.as_bytes()));
            assert_eq!(
                decode(encoded.trim_end_matches('=')).as_deref(),
                Some(plain.as_bytes())
            );
        }
    }

    #[test]
    fn every_byte_survives() {
        let bytes: Vec<u8> = (0..=255).rev().chain(0..=255).collect();
        for start in 0..4 {
            assert_eq!(
                decode(&encode(&bytes[start..])).as_deref(),
                Some(&bytes[start..])
            );
        }
    }

    #[test]
    fn what_no_encoder_writes_is_refused() {
        for text in [
            "Z", "Zg=", "Zh==", "Zm9=", "Zm9v=", "Zg==Zg==", "====", "Zm9v\n", "Zm-_", "é",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
