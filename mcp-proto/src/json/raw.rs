//! JSON text that is borrowed.

use alloc::{borrow::Cow, string::String};
use core::mem;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::scan::Scanner;
use crate::encode::WORD;

/// One JSON value, borrowed as the text it came in, without white space around it.
///
/// Valid by construction: it is what a scan or serde_json has accepted.
///
/// ```
/// use mcp_proto::json::Raw;
///
/// let raw = Raw::parse(r#" {"name":"add","arguments":{"a":1}} "#).unwrap();
/// let members: Vec<_> = raw.members().map(|(key, value)| format!("{key} {}", value.get())).collect();
/// assert_eq!(members, [r#"name "add""#, r#"arguments {"a":1}"#]);
/// assert!(Raw::parse("{\"open\":").is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// Checks `text`; `None` where it is not exactly one JSON value, or has 4 GiB or more.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > Scanner::MAX_LEN {
            return None;
        }
        let mut scanner = Scanner::new(text, usize::MAX);
        let value = scanner.value().ok()?;
        scanner.end().ok()?;
        value.of(text)
    }

    /// What is known to be one value.
    pub(crate) const fn from_valid(text: &'a str) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub const fn get(self) -> &'a str {
        self.0
    }

    /// Whether this is a JSON object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// A string's text, borrowed where it has no escapes; `None` for any other value, and for
    /// escapes that stand for no character.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        if !has_backslash(inner.as_bytes()) {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str::<String>(self.0).ok().map(Cow::Owned)
    }

    /// Deserializes the value.
    ///
    /// # Errors
    /// serde_json's, naming what was expected and where.
    pub fn to<T: Deserialize<'a>>(self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0)
    }

    /// The first member of that name; `None` where there is none, or no object.
    #[must_use]
    pub fn member(self, name: &str) -> Option<Raw<'a>> {
        self.members()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The members of an object, in their order; none for any other value, and for 4 GiB or more.
    #[must_use]
    pub fn members(self) -> Members<'a> {
        let mut scanner = Scanner::new(self.0, usize::MAX);
        let over =
            self.0.len() > Scanner::MAX_LEN || !scanner.next_is(b'{') || scanner.enter().is_err();
        Members {
            scanner,
            first: true,
            over,
        }
    }
}

#[inline]
fn any_backslash<const N: usize>(block: &[u8; N]) -> bool {
    block.iter().fold(false, |any, byte| any | (*byte == b'\\'))
}

// Block by block, each of which is compiled to a few vector instructions, without a call.
fn has_backslash(text: &[u8]) -> bool {
    const BLOCK: usize = 32;
    // From this length on a search that chooses its instructions when it runs is worth its call.
    const LONG: usize = 256;
    if text.len() >= LONG {
        return memchr::memchr(b'\\', text).is_some();
    }
    let mut rest = text;
    while let Some((block, behind)) = rest.split_first_chunk() {
        if any_backslash::<BLOCK>(block) {
            return true;
        }
        rest = behind;
    }
    while let Some((word, behind)) = rest.split_first_chunk() {
        if any_backslash::<WORD>(word) {
            return true;
        }
        rest = behind;
    }
    rest.contains(&b'\\')
}

/// The members of an object; see [`Raw::members`].
#[derive(Clone, Debug)]
pub struct Members<'a> {
    scanner: Scanner<'a>,
    first: bool,
    over: bool,
}

impl<'a> Members<'a> {
    fn value(&mut self) -> Option<Raw<'a>> {
        self.scanner.value().ok()?.of(self.scanner.text())
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        // The text was accepted before, so that nothing fails here.
        let first = mem::take(&mut self.first);
        let member = match self.scanner.next_key(first) {
            Ok(Some(key)) => self.value().map(|value| (key.name(), value)),
            _ => None,
        };
        self.over = member.is_none();
        member
    }
}

impl<'a> From<&'a RawValue> for Raw<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(raw.get())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    #[test]
    fn an_escape_is_found_wherever_it_is() {
        for length in [0, 1, 7, 8, 9, 31, 32, 33, 40, 63, 100, 255, 256, 300] {
            let plain = "x".repeat(length);
            let text = format!("\"{plain}\"");
            assert_eq!(Raw(&text).text(), Some(Cow::Borrowed(&*plain)), "{length}");
            for at in 0..length {
                let mut bytes = vec![b'x'; length];
                bytes[at] = b'\\';
                assert!(has_backslash(&bytes), "{at} of {length}");
            }
        }
    }
}
