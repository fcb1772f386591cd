//! Cursors: opaque marks of where a list's next page begins.
//!
//! A server makes them of an offset and a fingerprint of the list. It keeps nothing: a cursor that
//! comes back is valid for the list it was made for, and cleanly refused for another one or after
//! the list has changed, which the specification answers with -32602 (every revision,
//! server/utilities/pagination, "Error Handling").
//!
//! ```
//! use mcp_proto::page::{Cursor, Fingerprint};
//!
//! let list = ["add", "echo", "sleep"].into_iter().fold(Fingerprint::new("tools"), Fingerprint::with);
//! let text = Cursor::new(2, list).to_string();
//! assert_eq!(Cursor::resume(&text, list), Ok(2));
//!
//! let changed = list.with("another");
//! assert!(Cursor::resume(&text, changed).is_err());
//! ```
//!
//! A client hands a server's cursor back unchanged and reads nothing into it; there even the empty
//! string is one.

use crate::rpc::RpcError;
use core::fmt;

/// Where a page begins, in a certain list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    offset: u32,
    list: Fingerprint,
}

/// Tells lists apart, and the states of one list. Two different lists have one fingerprint with
/// a probability of 2⁻⁶⁴ unless somebody looks for such names; the page that a cursor then marks
/// still holds nothing but the list's own items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// Of an empty list of this kind.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        // FNV-1a: a few instructions for each byte, the same on every machine.
        Self(0xcbf2_9ce4_8422_2325).with(kind)
    }

    /// Of the list that has one more item.
    #[must_use]
    pub fn with(self, item: &str) -> Self {
        // 0xff ends an item; it does not occur in UTF-8.
        let bytes = item.bytes().chain([0xff]);
        Self(bytes.fold(self.0, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }
}

/// A cursor that does not belong to the list: made up, of another list, or from before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownCursor;

impl fmt::Display for UnknownCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown cursor: the list may have changed, so begin again without one")
    }
}

impl core::error::Error for UnknownCursor {}

impl From<UnknownCursor> for RpcError {
    fn from(error: UnknownCursor) -> Self {
        Self::invalid_params(alloc::format!("{error}"))
    }
}

/// The digits of base64url (RFC 4648 §5).
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Characters in a cursor: 96 bits in digits of six.
const LENGTH: usize = 16;

impl Cursor {
    /// Marks the item at `offset` of `list`.
    #[must_use]
    pub fn new(offset: u32, list: Fingerprint) -> Self {
        Self { offset, list }
    }

    /// Where the page that `text` marks begins in `list`.
    ///
    /// # Errors
    /// Where `text` was not made for this list in this state. The empty string never was.
    pub fn resume(text: &str, list: Fingerprint) -> Result<u32, UnknownCursor> {
        let cursor = Self::decode(text).ok_or(UnknownCursor)?;
        if cursor.list == list {
            Ok(cursor.offset)
        } else {
            Err(UnknownCursor)
        }
    }

    fn decode(text: &str) -> Option<Self> {
        if text.len() != LENGTH {
            return None;
        }
        let mut bits = 0_u128;
        for byte in text.bytes() {
            let digit = DIGITS.iter().position(|digit| *digit == byte)?;
            bits = bits << 6 | digit as u128;
        }
        // 96 bits: the offset and then the fingerprint.
        Some(Self {
            offset: (bits >> 64) as u32,
            list: Fingerprint(bits as u64),
        })
    }
}

/// The form in which it travels.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from(self.offset) << 64 | u128::from(self.list.0);
        let digit = |index: usize| char::from(DIGITS[(bits >> (6 * index)) as usize & 63]);
        (0..LENGTH)
            .rev()
            .try_for_each(|index| fmt::Write::write_char(f, digit(index)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{
        string::{String, ToString},
        vec::Vec,
    };
    use proptest::prelude::*;

    fn tools(names: &[&str]) -> Fingerprint {
        names
            .iter()
            .copied()
            .fold(Fingerprint::new("tools"), Fingerprint::with)
    }

    #[test]
    fn a_cursor_is_good_for_one_list_in_one_state() {
        let list = tools(&["a", "b"]);
        let text = Cursor::new(1, list).to_string();
        assert_eq!(Cursor::resume(&text, list), Ok(1));
        let others = [
            tools(&["a"]),
            tools(&["b", "a"]),
            tools(&["ab"]),
            tools(&["a", "b", ""]),
            Fingerprint::new("prompts"),
        ];
        for other in others {
            assert_eq!(Cursor::resume(&text, other), Err(UnknownCursor));
        }
        assert_ne!(tools(&[]), Fingerprint::new("prompts"));
    }

    #[test]
    fn what_was_not_made_here_is_refused() {
        let list = tools(&["a"]);
        let text = Cursor::new(1, list).to_string();
        let mut forged = text.clone();
        forged.replace_range(15..16, if text.ends_with('A') { "B" } else { "A" });
        for bad in [
            "",
            "1",
            "AAAAAAAAAAAAAAAA",
            "ÄÄÄÄÄÄÄÄ",
            "AAAAAAAAAAAAAAA=",
            &forged,
            &(text + "A"),
        ] {
            assert_eq!(Cursor::resume(bad, list), Err(UnknownCursor), "{bad:?}");
        }
        assert_eq!(RpcError::from(UnknownCursor).code, -32602);
    }

    proptest! {
        #[test]
        fn cursors_come_back_as_they_went(offset: u32, names: Vec<String>) {
            let list = names.iter().map(String::as_str).fold(Fingerprint::new("tools"), Fingerprint::with);
            let text = Cursor::new(offset, list).to_string();
            prop_assert!(text.bytes().all(|byte| DIGITS.contains(&byte)));
            prop_assert_eq!(Cursor::resume(&text, list), Ok(offset));
        }

        #[test]
        fn any_text_is_read_without_harm(text: String) {
            prop_assert!(Cursor::resume(&text, Fingerprint::new("tools")).is_err());
        }
    }
}
