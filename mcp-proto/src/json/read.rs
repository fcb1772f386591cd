//! Typed values out of scanned text, by a table of names and one body for all types.
//!
//! serde writes a decoder for each type, whose code a program carries whether it matters or not.
//! What a session reads of its client once, or once for each change of it, is read this way.

use alloc::{format, string::String, vec::Vec};
use core::{fmt, mem};

use super::{Json, Raw, Scanner};

/// What is wrong with a value, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    problem: String,
    // The address behind what is wrong; made into a place by whoever knows the whole text.
    at: usize,
    place: (usize, usize),
}

impl Mistake {
    #[cold]
    fn new(raw: Raw<'_>, problem: String) -> Self {
        let text = raw.get();
        let shown = match text.as_bytes().first() {
            Some(b'{' | b'[') => 1,
            _ => text.len(),
        };
        Self {
            problem,
            at: text.as_ptr() as usize + shown,
            place: (0, 0),
        }
    }

    /// The value is of another type than `expected`.
    #[cold]
    pub(crate) fn unexpected(raw: Raw<'_>, expected: &str) -> Self {
        let text = raw.get();
        let found = match text.as_bytes().first() {
            Some(b'{') => String::from("map"),
            Some(b'[') => String::from("sequence"),
            Some(b'n') => String::from("null"),
            Some(b't' | b'f') => format!("boolean `{text}`"),
            Some(b'"') => match raw.text() {
                Some(content) => format!("string {content:?}"),
                None => String::from("a string that stands for no text"),
            },
            _ if text.contains(['.', 'e', 'E']) => format!("floating point `{text}`"),
            _ => format!("integer `{text}`"),
        };
        Self::new(raw, format!("invalid type: {found}, expected {expected}"))
    }

    #[cold]
    fn within(mut self, whole: Raw<'_>) -> Self {
        let whole = whole.get();
        let end = self.at.saturating_sub(whole.as_ptr() as usize);
        let before = whole.as_bytes().get(..end).unwrap_or_default();
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        self.place = (lines + 1, before.len() - line_start);
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.place;
        write!(f, "{} at line {line} column {column}", self.problem)
    }
}

impl core::error::Error for Mistake {}

/// A type that is read out of scanned text.
pub trait Read: Sized {
    /// Reads a value.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(raw: Raw<'_>) -> Result<Self, Mistake>;
}

impl<'a> Raw<'a> {
    /// Reads the value.
    ///
    /// # Errors
    /// What was expected, and where.
    ///
    /// ```
    /// use mcp_proto::{json::Raw, types::Implementation};
    ///
    /// let raw = Raw::parse(r#"{"name":"me","version":1}"#).unwrap();
    /// let mistake = raw.read::<Implementation>().unwrap_err();
    /// assert_eq!(mistake.to_string(), "invalid type: integer `1`, expected a string at line 1 column 24");
    /// ```
    pub fn read<T: Read>(self) -> Result<T, Mistake> {
        T::read(self).map_err(|mistake| mistake.within(self))
    }

    /// The elements of an array, in their order; none for any other value, and for 4 GiB or more.
    pub(crate) fn elements(self) -> impl Iterator<Item = Raw<'a>> {
        let mut scanner = Scanner::new(self.get(), usize::MAX);
        let over = self.get().len() > Scanner::MAX_LEN
            || !scanner.next_is(b'[')
            || scanner.enter().is_err();
        let mut first = true;
        core::iter::from_fn(move || {
            // The text was accepted before, so that nothing fails here.
            if over || !scanner.next_element(mem::take(&mut first)).ok()? {
                return None;
            }
            scanner.value().ok()?.of(scanner.text())
        })
        .fuse()
    }
}

/// Picks the members of these names out of an object; null is as good as absent.
pub(crate) fn pick<'a>(
    raw: Raw<'a>,
    kind: &str,
    names: &[&'static str],
    found: &mut [Option<Raw<'a>>],
) -> Result<(), Mistake> {
    if !raw.is_object() {
        return Err(Mistake::unexpected(raw, kind));
    }
    for (name, value) in raw.members() {
        let index = names.iter().position(|known| *known == name);
        let Some(place) = index.and_then(|index| found.get_mut(index)) else {
            continue;
        };
        if place.replace(value).is_some() {
            return Err(Mistake::new(value, format!("duplicate field `{name}`")));
        }
    }
    Ok(())
}

/// A member that must be there.
pub(crate) fn required<T: Read>(
    found: Option<Raw<'_>>,
    name: &str,
    object: Raw<'_>,
) -> Result<T, Mistake> {
    match found {
        Some(raw) => T::read(raw),
        None => {
            let mut mistake = Mistake::new(object, format!("missing field `{name}`"));
            mistake.at = object.get().as_ptr() as usize + object.get().len();
            Err(mistake)
        }
    }
}

/// A member that may be absent or null.
pub(crate) fn optional<T: Read + Default>(found: Option<Raw<'_>>) -> Result<T, Mistake> {
    match found.filter(|raw| !raw.is_null()) {
        Some(raw) => T::read(raw),
        None => Ok(T::default()),
    }
}

/// One of an enumeration's names.
pub(crate) fn name<T>(
    raw: Raw<'_>,
    parse: fn(&str) -> Option<T>,
    names: &[&str],
) -> Result<T, Mistake> {
    let Some(text) = raw.text() else {
        return Err(Mistake::unexpected(raw, &one_of(names)));
    };
    parse(&text).ok_or_else(|| {
        let expected = one_of(names);
        Mistake::new(
            raw,
            format!("invalid value: string {text:?}, expected {expected}"),
        )
    })
}

#[cold]
fn one_of(names: &[&str]) -> String {
    format!("one of {}", names.join(", "))
}

impl<T: Read> Read for Option<T> {
    fn read(raw: Raw<'_>) -> Result<Self, Mistake> {
        match raw.is_null() {
            true => Ok(None),
            false => T::read(raw).map(Some),
        }
    }
}

impl Read for Json {
    fn read(raw: Raw<'_>) -> Result<Self, Mistake> {
        Ok(Self::from_valid(raw.get().into()))
    }
}

impl Read for String {
    fn read(raw: Raw<'_>) -> Result<Self, Mistake> {
        match raw.text() {
            Some(text) => Ok(text.into_owned()),
            None => Err(Mistake::unexpected(raw, "a string")),
        }
    }
}

impl Read for bool {
    fn read(raw: Raw<'_>) -> Result<Self, Mistake> {
        match raw.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Mistake::unexpected(raw, "a boolean")),
        }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(raw: Raw<'_>) -> Result<Self, Mistake> {
        if !raw.get().starts_with('[') {
            return Err(Mistake::unexpected(raw, "a sequence"));
        }
        raw.elements().map(T::read).collect()
    }
}

/// [`Read`] for a struct: each member with its name and whether it is `required`, `optional` or a
/// `hint`, which is as good as absent where it cannot be understood.
macro_rules! read_members {
    ($name:ident { $($kind:ident $field:ident = $key:literal),* $(,)? }) => {
        impl crate::json::Read for $name {
            fn read(raw: crate::json::Raw<'_>) -> Result<Self, crate::json::Mistake> {
                const NAMES: &[&str] = &[$($key),*];
                let mut found = [None; NAMES.len()];
                crate::json::read::pick(raw, concat!("struct ", stringify!($name)), NAMES, &mut found)?;
                let [$($field),*] = found;
                Ok(Self { $($field: crate::json::read::read_members!(@$kind $field, $key, raw),)* })
            }
        }
    };
    (@required $found:ident, $key:literal, $object:ident) => {
        crate::json::read::required($found, $key, $object)?
    };
    (@optional $found:ident, $key:literal, $object:ident) => {
        crate::json::read::optional($found)?
    };
    (@hint $found:ident, $key:literal, $object:ident) => {
        $found.and_then(|raw| crate::json::Read::read(raw).ok())
    };
}

pub(crate) use read_members;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{
        ClientCapabilities, Icon, Implementation, LoggingLevel, Map, SubscriptionFilter,
    };
    use alloc::string::ToString;
    use serde::de::DeserializeOwned;

    /// What serde makes of the same text.
    fn agree<T: Read + DeserializeOwned + PartialEq + fmt::Debug>(text: &str) {
        let raw = Raw::parse(text).unwrap();
        match (raw.read::<T>(), serde_json::from_str::<T>(text)) {
            (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{text}"),
            (Err(ours), Err(theirs)) => {
                let (ours, theirs) = (ours.to_string(), theirs.to_string());
                // In front of an array or object serde is now here, now there.
                let same = ["invalid type: sequence", "invalid type: map"]
                    .iter()
                    .all(|wrong| !ours.starts_with(wrong));
                let problem = |text: &str| match text.split_once(" at line ") {
                    Some((problem, _)) if !same => problem.to_string(),
                    _ => text.to_string(),
                };
                assert_eq!(problem(&ours), problem(&theirs), "{text}");
            }
            (ours, theirs) => panic!("{text}: {ours:?} here, {theirs:?} there"),
        }
    }

    #[test]
    fn capabilities_are_read_as_serde_reads_them() {
        for text in [
            "{}",
            r#"{"roots":{"listChanged":true},"sampling":{},"elicitation":{"form":{},"url":{"a":[1]}}}"#,
            r#"{"roots":null,"experimental":null,"extensions":{"a/b":{"c":1.50},"\u0061":{}}}"#,
            r#"{"tasks":{"list":{},"cancel":{},"requests":{"sampling":{"createMessage":{}},"elicitation":{"create":{}}}}}"#,
            r#"{"sampling":{"context":{},"tools":{}},"unknown":{"roots":5}}"#,
            r#"{"roots":5}"#,
            r#"{"roots":-5.5}"#,
            r#"{"roots":"x"}"#,
            r#"{"roots":true}"#,
            "{\n \"roots\":{\n\"listChanged\":\"yes\"}}",
            r#"{"experimental":7}"#,
        ] {
            agree::<ClientCapabilities>(text);
        }
    }

    #[test]
    fn implementations_are_read_as_serde_reads_them() {
        for text in [
            r#"{"name":"me","version":"1"}"#,
            r#"{"version":"\u00e9\n","name":"","title":"T","description":null,"websiteUrl":"https://a","x":[{}]}"#,
            r#"{"name":"me","version":"1","icons":[{"src":"a:b","sizes":["1x1","any"],"theme":"dark","mimeType":"image/png"},{"src":"c:d","theme":3}]}"#,
            r#"{"name":"me","version":5}"#,
            r#"{"name":"me","version":"1","icons":[{"src":"a","sizes":"any"}]}"#,
            r#"{"name":"me"}"#,
        ] {
            agree::<Implementation>(text);
        }
        for text in [r#"{"src":"a","theme":"sepia"}"#, r#"{"theme":"dark"}"#] {
            agree::<Icon>(text);
        }
    }

    #[test]
    fn filters_are_read_as_serde_reads_them() {
        for text in [
            "{}",
            r#"{"toolsListChanged":true,"promptsListChanged":false,"resourcesListChanged":null}"#,
            r#"{"resourceSubscriptions":["a","b"],"taskIds":[]}"#,
            r#"{"resourceSubscriptions":"file:///a"}"#,
            r#"{"resourceSubscriptions":["a",null]}"#,
            r#"{"toolsListChanged":1}"#,
        ] {
            agree::<SubscriptionFilter>(text);
        }
    }

    #[test]
    fn names_are_read_as_serde_reads_them() {
        for text in ["\"error\"", "\"loud\"", "5", "[]", "null"] {
            agree::<LoggingLevel>(text);
        }
    }

    #[test]
    fn members_keep_their_order_and_their_text() {
        for text in ["{}", "[]", "[1]", r#"{"b":1.50,"a":{},"b":[]}"#, "5"] {
            agree::<Map<Json>>(text);
        }
    }

    #[test]
    fn what_comes_twice_is_refused() {
        let raw = Raw::parse(r#"{"name":"a","name":"b"}"#).unwrap();
        let mistake = raw.read::<Implementation>().unwrap_err().to_string();
        assert!(mistake.starts_with("duplicate field `name`"), "{mistake}");
        assert!(Raw::parse("[]").unwrap().read::<Implementation>().is_err());
        let raw = Raw::parse(r#""\ud800""#).unwrap();
        assert!(raw.read::<String>().is_err());
    }
}
