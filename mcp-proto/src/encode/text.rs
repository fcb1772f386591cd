//! Strings and numbers as JSON writes them.

use alloc::vec::Vec;
use core::fmt::{self, Write as _};

/// How many bytes are looked at together; a multiple of every vector width.
const BLOCK: usize = 32;

/// What follows the backslash for a byte that needs one: `u` for the control characters without a
/// short form.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = b'u';
        control += 1;
    }
    table[0x08] = b'b';
    table[b'\t' as usize] = b't';
    table[b'\n' as usize] = b'n';
    table[0x0c] = b'f';
    table[b'\r' as usize] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Writes `text` as a JSON string, quotes included.
pub fn write_str(out: &mut Vec<u8>, text: &str) {
    // A buffer that a long text has filled would be doubled for the rest of its message, which is
    // short: the server's name, and what closes all that is open.
    const LONG: usize = 4 * 1024;
    const REST: usize = 256;
    out.reserve(text.len() + if text.len() < LONG { 2 } else { REST });
    out.push(b'"');
    write_str_part(out, text);
    out.push(b'"');
}

/// Writes `text` as a part of a JSON string, without quotes.
pub fn write_str_part(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        // Whole blocks first: this loop is compiled to vector instructions.
        while bytes[at..].first_chunk().is_some_and(is_plain::<BLOCK>) {
            at += BLOCK;
        }
        // Then the block that has something to escape, or the end, word by word.
        for _ in 0..BLOCK / WORD {
            let rest = &bytes[at..];
            if rest.is_empty() {
                break;
            }
            let mut escapes = match rest.first_chunk() {
                Some(word) => word_escapes(*word),
                None => {
                    let mut word = [b' '; WORD];
                    word[..rest.len()].copy_from_slice(rest);
                    word_escapes(word)
                }
            };
            while escapes != 0 {
                let found = at + escapes.trailing_zeros() as usize / 8;
                out.extend_from_slice(&bytes[copied..found]);
                write_escape(out, bytes[found]);
                copied = found + 1;
                escapes &= escapes - 1;
            }
            at = bytes.len().min(at + WORD);
        }
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// Whether none of these bytes must be escaped; compiled to vector instructions.
#[inline]
pub(crate) fn is_plain<const N: usize>(block: &[u8; N]) -> bool {
    let special = |byte: &u8| (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\');
    !block.iter().fold(false, |any, byte| any | special(byte))
}

/// The bytes in a machine word.
pub(crate) const WORD: usize = 8;

/// Bit 7 of each byte that must be escaped, the first byte's lowest.
fn word_escapes(word: [u8; WORD]) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const LOW: u64 = ONES * 0x7f;
    // Exact in every byte, unlike the shorter ways to find a zero: no carry crosses bytes.
    let zeros = |word: u64| !(((word & LOW) + LOW) | word | LOW);
    let word = u64::from_le_bytes(word);
    let control = zeros(word & (ONES * 0xe0));
    let quote = zeros(word ^ (ONES * b'"' as u64));
    let backslash = zeros(word ^ (ONES * b'\\' as u64));
    control | quote | backslash
}

/// Where the first byte lies that must be escaped; [`WORD`] or more where there is none.
#[inline]
pub(crate) fn first_escape(word: [u8; WORD]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    // Borrows cross bytes, but only from a byte that is found itself.
    let word = u64::from_le_bytes(word);
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let found = (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash);
    ((control | found) & (ONES * 0x80)).trailing_zeros() as usize / 8
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let escape = ESCAPES[usize::from(byte)];
    if escape == b'u' {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let (high, low) = (usize::from(byte >> 4), usize::from(byte & 0xf));
        out.extend_from_slice(&[b'\\', b'u', b'0', b'0', DIGITS[high], DIGITS[low]]);
    } else {
        out.extend_from_slice(&[b'\\', escape]);
    }
}

/// Writes JSON text as it is, but on one line.
///
/// `json` must be one valid JSON value. Line breaks in it can only be white space, and would end a
/// message for transports that frame by lines (stdio, server-sent events).
pub fn write_json(out: &mut Vec<u8>, json: &str) {
    let mut rest = json.as_bytes();
    while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
        out.extend_from_slice(&rest[..end]);
        out.push(b' ');
        rest = &rest[end + 1..];
    }
    out.extend_from_slice(rest);
}

/// Makes one line of JSON text that was written in any way: line breaks become blanks.
pub fn join_lines(json: &mut [u8]) {
    let mut rest = json;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
        rest[at] = b' ';
        rest = &mut rest[at + 1..];
    }
}

/// Writes what `value` displays as a JSON string, without an intermediate `String`.
pub fn write_display(out: &mut Vec<u8>, value: &(impl fmt::Display + ?Sized)) {
    struct Escaping<'a>(&'a mut Vec<u8>);
    impl fmt::Write for Escaping<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            write_str_part(self.0, text);
            Ok(())
        }
    }
    out.push(b'"');
    // A Display that fails has written what it could; the string is closed all the same.
    let _ = write!(Escaping(out), "{value}");
    out.push(b'"');
}

/// The digits of the numbers below one hundred.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut at = 0;
    while at < pairs.len() {
        pairs[at] = [b'0' + (at / 10) as u8, b'0' + (at % 10) as u8];
        at += 1;
    }
    pairs
};

/// The decimal digits of an unsigned integer, for those who have no buffer to write them to.
#[derive(Clone, Copy, Debug)]
pub struct Digits {
    // u64::MAX has 20 digits.
    digits: [u8; 20],
    start: usize,
}

impl Digits {
    /// Those of this number.
    #[must_use]
    #[inline]
    pub fn of(mut value: u64) -> Self {
        let mut digits = [0; 20];
        let mut start = digits.len();
        for pair in digits.rchunks_exact_mut(2) {
            pair.copy_from_slice(&PAIRS[(value % 100) as usize]);
            value /= 100;
            start -= 2;
            if value == 0 {
                break;
            }
        }
        // Of an odd number of digits the first pair is one too many.
        start += usize::from(digits[start] == b'0');
        Self { digits, start }
    }

    /// As text.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.digits[self.start..]
    }
}

/// Writes an unsigned integer.
pub fn write_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(Digits::of(value).as_bytes());
}

/// Writes a signed integer.
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    write_u64(out, value.unsigned_abs());
}

/// Writes a number the way JavaScript does, `1` for 1.0; `null` for what JSON cannot say.
pub fn write_f64(out: &mut Vec<u8>, value: f64) {
    struct Plain<'a>(&'a mut Vec<u8>);
    impl fmt::Write for Plain<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Up to 2^53 every integer is a double of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !value.is_finite() {
        out.extend_from_slice(b"null");
    } else if value.abs() <= EXACT && (value as i64) as f64 == value {
        write_i64(out, value as i64);
    } else {
        // Debug, unlike Display, uses an exponent for what is very large or small.
        let _ = write!(Plain(out), "{value:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{
        format,
        string::{String, ToString},
    };

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_at_every_place_reads_back() {
        // 0 to 2 blocks before and after the character, and every offset within one.
        let characters = (0..0x80_u32).chain([0x80, 0x7ff, 0x2028, 0xfffd, 0x1_f600, 0x10_ffff]);
        for character in characters.filter_map(char::from_u32) {
            for before in (0..BLOCK + 2).chain([2 * BLOCK - 1, 2 * BLOCK]) {
                let text = format!("{}{character}{}", "x".repeat(before), "y".repeat(BLOCK - 1));
                let json = written(|out| write_str(out, &text));
                assert_eq!(
                    serde_json::from_str::<String>(&json).unwrap(),
                    text,
                    "{json}"
                );
                assert!(!json.bytes().any(|byte| byte < 0x20), "{json:?}");
            }
        }
    }

    #[test]
    fn escapes_are_the_short_ones() {
        for (text, json) in [
            ("", r#""""#),
            ("\"\\/", r#""\"\\/""#),
            ("\u{8}\t\n\u{c}\r", r#""\b\t\n\f\r""#),
            ("\0\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\""),
            ("{\"a\":\"b\"}", r#""{\"a\":\"b\"}""#),
        ] {
            assert_eq!(written(|out| write_str(out, text)), json);
            assert_eq!(
                written(|out| write_str(out, text)),
                serde_json::to_string(text).unwrap()
            );
        }
    }

    #[test]
    fn what_is_displayed_is_escaped_across_its_pieces() {
        let mut out = Vec::new();
        write_display(&mut out, &format_args!("{}\n{}", "a\"", '\\'));
        assert_eq!(out, br#""a\"\n\\""#);
    }

    #[test]
    fn json_text_stays_on_one_line() {
        for (json, line) in [
            ("null", "null"),
            ("{\n\t\"a\": \"\\n\"\r\n}\n", "{ \t\"a\": \"\\n\"  } "),
            ("\n", " "),
        ] {
            assert_eq!(written(|out| write_json(out, json)), line);
        }
    }

    #[test]
    fn integers_are_written_whole() {
        for value in [0, 1, 9, 10, 99, 100, u64::MAX - 1, u64::MAX] {
            assert_eq!(written(|out| write_u64(out, value)), value.to_string());
        }
        for value in [i64::MIN, -100, -1, 0, 7, i64::MAX] {
            assert_eq!(written(|out| write_i64(out, value)), value.to_string());
        }
    }

    #[test]
    fn floats_are_written_as_javascript_does_and_read_back() {
        for (value, json) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-25.0, "-25"),
            (0.1, "0.1"),
            (1e21, "1e21"),
            (1.5e-10, "1.5e-10"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (f64::NAN, "null"),
            (f64::INFINITY, "null"),
            (f64::NEG_INFINITY, "null"),
        ] {
            assert_eq!(written(|out| write_f64(out, value)), json);
            if value.is_finite() {
                assert_eq!(serde_json::from_str::<f64>(json).unwrap(), value);
            }
        }
    }
}
