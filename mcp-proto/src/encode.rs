//! The writer of JSON: straight into the caller's buffer, for one revision at a time.
//!
//! [`Encode`] replaces serde's `Serialize` on the way out because what a value looks like depends
//! on the revision that the peer speaks. Encoding cannot fail: what a revision does not know is
//! left out or replaced as the types' documentation says. Where leaving out would change the
//! meaning, [`Sendable::check`] tells so beforehand.
//!
//! ```
//! use mcp_proto::{encode::Encode, types::Implementation, version::ProtocolVersion};
//!
//! let mut server = Implementation::new("calculator", "1.0.0");
//! server.title = Some("Calculator".into());
//! let mut out = Vec::new();
//! server.encode(&mut out, ProtocolVersion::V2024_11_05);
//! assert_eq!(out, br#"{"name":"calculator","version":"1.0.0"}"#);
//! ```

use crate::{json::Json, version::ProtocolVersion};
use alloc::{borrow::Cow, boxed::Box, collections::BTreeMap, string::String, sync::Arc, vec::Vec};
use core::fmt::{self, Write as _};

/// Something that can be written as one JSON value in the form a revision prescribes.
pub trait Encode {
    /// Appends this value to `out` as `version` writes it.
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion);

    /// Whether an optional member with this value is left out: `None`, `false` and what is empty.
    ///
    /// Only [`Object::optional`] asks.
    fn is_absent(&self) -> bool {
        false
    }
}

/// A JSON object whose members can be appended to one that is open already.
///
/// This is how a machine adds members of its own, such as reserved `_meta` keys, to a value that
/// a handler made.
pub trait EncodeFields {
    /// Appends the members.
    fn encode_fields(&self, object: &mut Object<'_>);
}

/// Writes an object of `fields` alone.
pub fn write_object<T: EncodeFields + ?Sized>(
    fields: &T,
    out: &mut Vec<u8>,
    version: ProtocolVersion,
) {
    let mut object = Object::new(out, version);
    fields.encode_fields(&mut object);
    object.end();
}

/// Writes an object of `fields`, with `extra` members in its `_meta`.
///
/// `extra` holds pairs of a key and the JSON text of its value. A key that the value's own `_meta`
/// has is not written twice: the value's own wins.
///
/// ```
/// use mcp_proto::{encode, types::EmptyResult, version::ProtocolVersion};
///
/// let mut out = Vec::new();
/// encode::write_with_meta(
///     &EmptyResult::default(),
///     &mut out,
///     ProtocolVersion::V2025_11_25,
///     &[("example.com/shard", "3")],
/// );
/// assert_eq!(out, br#"{"_meta":{"example.com/shard":3}}"#);
/// ```
pub fn write_with_meta<T: EncodeFields + ?Sized>(
    fields: &T,
    out: &mut Vec<u8>,
    version: ProtocolVersion,
    extra: &[(&str, &str)],
) {
    let mut object = Object::new(out, version);
    object.extra_meta = extra;
    fields.encode_fields(&mut object);
    object.end();
}

/// A set of revisions: those that know a member.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Revisions(u8);

impl Revisions {
    /// Every revision.
    pub const ALL: Self = Self(u8::MAX);

    /// Those of the set that are `first` or newer.
    #[must_use]
    pub const fn since(self, first: ProtocolVersion) -> Self {
        Self(self.0 & (u8::MAX << first as u8))
    }

    /// Those of the set that are `last` or older.
    #[must_use]
    pub const fn until(self, last: ProtocolVersion) -> Self {
        Self(self.0 & (u8::MAX >> (7 - last as u8)))
    }

    /// Whether `version` is one of them.
    #[must_use]
    pub const fn contains(self, version: ProtocolVersion) -> bool {
        self.0 & (1 << version as u8) != 0
    }
}

/// A JSON object being written.
///
/// ```
/// use mcp_proto::{encode::Object, version::ProtocolVersion};
///
/// let mut out = Vec::new();
/// let mut object = Object::new(&mut out, ProtocolVersion::LATEST);
/// object.field("name", "add");
/// object.optional("title", &None::<String>);
/// object.end();
/// assert_eq!(out, br#"{"name":"add"}"#);
/// ```
#[derive(Debug)]
#[must_use = "an object must be ended"]
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    version: ProtocolVersion,
    first: bool,
    extra_meta: &'a [(&'a str, &'a str)],
}

impl<'a> Object<'a> {
    /// Opens an object at the end of `out`.
    pub fn new(out: &'a mut Vec<u8>, version: ProtocolVersion) -> Self {
        out.push(b'{');
        Self {
            out,
            version,
            first: true,
            extra_meta: &[],
        }
    }

    /// The revision being written.
    #[must_use]
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// Writes a member.
    pub fn field<T: Encode + ?Sized>(&mut self, name: &str, value: &T) {
        let (out, version) = self.key(name);
        value.encode(out, version);
    }

    /// Writes a member unless its value counts as absent.
    pub fn optional<T: Encode + ?Sized>(&mut self, name: &str, value: &T) {
        if !value.is_absent() {
            self.field(name, value);
        }
    }

    /// Writes a member whose value is JSON text.
    ///
    /// `json` must be one valid JSON value.
    pub fn raw(&mut self, name: &str, json: &str) {
        self.key(name).0.extend_from_slice(json.as_bytes());
    }

    /// Writes a member's name, and hands out the buffer for the one value that must follow.
    pub fn key(&mut self, name: &str) -> (&mut Vec<u8>, ProtocolVersion) {
        if self.first {
            self.first = false;
        } else {
            self.out.push(b',');
        }
        write_str(self.out, name);
        self.out.push(b':');
        (self.out, self.version)
    }

    /// Writes a member whose name was escaped before, as `,"name":`.
    pub(crate) fn member<T: Encode + ?Sized>(&mut self, key: &'static str, value: &T) {
        let key = key.as_bytes();
        self.out
            .extend_from_slice(if self.first { &key[1..] } else { key });
        self.first = false;
        value.encode(self.out, self.version);
    }

    /// [`Self::member`], unless the value counts as absent.
    pub(crate) fn optional_member<T: Encode + ?Sized>(&mut self, key: &'static str, value: &T) {
        if !value.is_absent() {
            self.member(key, value);
        }
    }

    /// Writes `_meta`: the value's own members and those of [`write_with_meta`].
    pub fn meta(&mut self, meta: Option<&crate::types::Meta>) {
        let extra = core::mem::take(&mut self.extra_meta);
        if meta.is_none() && extra.is_empty() {
            return;
        }
        let (out, version) = self.key("_meta");
        let mut object = Object::new(out, version);
        for (key, value) in meta.into_iter().flat_map(crate::types::Map::iter) {
            object.field(key, value);
        }
        for (key, value) in extra {
            if meta.is_none_or(|meta| meta.get(key).is_none()) {
                object.raw(key, value);
            }
        }
        object.end();
    }

    /// Closes the object.
    pub fn end(mut self) {
        if !self.extra_meta.is_empty() {
            self.meta(None);
        }
        self.out.push(b'}');
    }
}

/// Writes `items` as a JSON array.
pub fn write_array<'i, T: Encode + ?Sized + 'i>(
    out: &mut Vec<u8>,
    version: ProtocolVersion,
    items: impl IntoIterator<Item = &'i T>,
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item.encode(out, version);
    }
    out.push(b']');
}

/// How many bytes are looked at together; a multiple of every vector width.
const BLOCK: usize = 32;

/// What follows the backslash for a byte that needs one; 0 where none is needed, `u` for the
/// control characters without a short form.
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
    out.reserve(text.len() + 2);
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
        while let Some(block) = bytes.get(at..at + BLOCK) {
            let dirty = |byte: &u8| (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\');
            if block.iter().fold(false, |any, byte| any | dirty(byte)) {
                break;
            }
            at += BLOCK;
        }
        let end = bytes.len().min(at + BLOCK);
        while at < end {
            let byte = bytes[at];
            let escape = ESCAPES[usize::from(byte)];
            if escape != 0 {
                out.extend_from_slice(&bytes[copied..at]);
                write_escape(out, byte, escape);
                copied = at + 1;
            }
            at += 1;
        }
    }
    out.extend_from_slice(&bytes[copied..]);
}

fn write_escape(out: &mut Vec<u8>, byte: u8, escape: u8) {
    if escape == b'u' {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let (high, low) = (usize::from(byte >> 4), usize::from(byte & 0xf));
        out.extend_from_slice(&[b'\\', b'u', b'0', b'0', DIGITS[high], DIGITS[low]]);
    } else {
        out.extend_from_slice(&[b'\\', escape]);
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

/// Writes an unsigned integer.
pub fn write_u64(out: &mut Vec<u8>, mut value: u64) {
    // u64::MAX has 20 digits.
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
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

impl Encode for str {
    fn encode(&self, out: &mut Vec<u8>, _: ProtocolVersion) {
        write_str(out, self);
    }
}

impl Encode for String {
    fn encode(&self, out: &mut Vec<u8>, _: ProtocolVersion) {
        write_str(out, self);
    }
}

impl Encode for bool {
    fn encode(&self, out: &mut Vec<u8>, _: ProtocolVersion) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }

    fn is_absent(&self) -> bool {
        !self
    }
}

macro_rules! integers {
    ($($ty:ty => $write:ident),*) => {$(
        impl Encode for $ty {
            fn encode(&self, out: &mut Vec<u8>, _: ProtocolVersion) {
                $write(out, (*self).into());
            }
        }
    )*};
}
integers!(u8 => write_u64, u16 => write_u64, u32 => write_u64, u64 => write_u64,
          i8 => write_i64, i16 => write_i64, i32 => write_i64, i64 => write_i64);

impl Encode for usize {
    fn encode(&self, out: &mut Vec<u8>, _: ProtocolVersion) {
        write_u64(out, *self as u64);
    }
}

impl Encode for f64 {
    fn encode(&self, out: &mut Vec<u8>, _: ProtocolVersion) {
        write_f64(out, *self);
    }
}

impl Encode for Json {
    fn encode(&self, out: &mut Vec<u8>, _: ProtocolVersion) {
        // Not copied byte by byte: a line break between tokens would end the message.
        self.write_to(out);
    }
}

impl Encode for ProtocolVersion {
    fn encode(&self, out: &mut Vec<u8>, _: ProtocolVersion) {
        write_str(out, self.as_str());
    }
}

/// `null` where there is nothing; left out as an optional member.
impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Some(value) => value.encode(out, version),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Encode> Encode for [T] {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        write_array(out, version, self);
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        write_array(out, version, self);
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<K: AsRef<str>, T: Encode> Encode for BTreeMap<K, T> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let mut object = Object::new(out, version);
        for (key, value) in self {
            object.field(key.as_ref(), value);
        }
        object.end();
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        (**self).encode(out, version);
    }

    fn is_absent(&self) -> bool {
        (**self).is_absent()
    }
}

impl<T: Encode + ?Sized> Encode for Box<T> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        (**self).encode(out, version);
    }

    fn is_absent(&self) -> bool {
        (**self).is_absent()
    }
}

impl<T: Encode + ?Sized> Encode for Arc<T> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        (**self).encode(out, version);
    }

    fn is_absent(&self) -> bool {
        (**self).is_absent()
    }
}

impl<T: Encode + alloc::borrow::ToOwned + ?Sized> Encode for Cow<'_, T> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        (**self).encode(out, version);
    }

    fn is_absent(&self) -> bool {
        (**self).is_absent()
    }
}

/// Why a value cannot be sent to a peer: its revision has no way to say it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsendable {
    /// What cannot be said, for a person to read.
    pub what: &'static str,
    /// The first revision that can say it.
    pub since: ProtocolVersion,
}

impl Unsendable {
    /// Says that `what` exists only from `since` on.
    #[must_use]
    pub const fn new(what: &'static str, since: ProtocolVersion) -> Self {
        Self { what, since }
    }

    /// `Err` where `version` is older than `since`.
    ///
    /// # Errors
    /// That `what` cannot be sent.
    pub fn unless(
        version: ProtocolVersion,
        since: ProtocolVersion,
        what: &'static str,
    ) -> Result<(), Self> {
        if version >= since {
            Ok(())
        } else {
            Err(Self { what, since })
        }
    }
}

impl fmt::Display for Unsendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} can be sent only from revision {} on",
            self.what, self.since
        )
    }
}

impl core::error::Error for Unsendable {}

/// A value that some revisions cannot carry, however it is rewritten.
///
/// Encoding such a value regardless still writes something that the revision's schema allows, but
/// not what was meant.
pub trait Sendable {
    /// Whether a peer of that revision can be told this.
    ///
    /// # Errors
    /// The first thing found that the revision cannot say.
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{EmptyResult, Meta};
    use alloc::{format, string::ToString, vec};

    fn written(value: &(impl Encode + ?Sized)) -> String {
        let mut out = Vec::new();
        value.encode(&mut out, ProtocolVersion::LATEST);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_at_every_place_reads_back() {
        // 0 to 2 blocks before and after the character, and every offset within one.
        let characters = (0..0x80_u32).chain([0x80, 0x7ff, 0x2028, 0xfffd, 0x1_f600, 0x10_ffff]);
        for character in characters.filter_map(char::from_u32) {
            for before in (0..BLOCK + 2).chain([2 * BLOCK - 1, 2 * BLOCK]) {
                let text = format!("{}{character}{}", "x".repeat(before), "y".repeat(BLOCK - 1));
                let json = written(text.as_str());
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
            assert_eq!(written(text), json);
            assert_eq!(written(text), serde_json::to_string(text).unwrap());
        }
    }

    #[test]
    fn what_is_displayed_is_escaped_across_its_pieces() {
        let mut out = Vec::new();
        write_display(&mut out, &format_args!("{}\n{}", "a\"", '\\'));
        assert_eq!(out, br#""a\"\n\\""#);
    }

    #[test]
    fn integers_are_written_whole() {
        for value in [0, 1, 9, 10, 99, 100, u64::MAX - 1, u64::MAX] {
            assert_eq!(written(&value), value.to_string());
        }
        for value in [i64::MIN, -100, -1, 0, 7, i64::MAX] {
            assert_eq!(written(&value), value.to_string());
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
            assert_eq!(written(&value), json);
            if value.is_finite() {
                assert_eq!(serde_json::from_str::<f64>(json).unwrap(), value);
            }
        }
    }

    #[test]
    fn containers_are_written_like_their_contents() {
        assert_eq!(written(&None::<String>), "null");
        assert_eq!(written(&Some(true)), "true");
        assert_eq!(written(&vec![Some(1_u32), None]), "[1,null]");
        assert_eq!(written(&Vec::<u8>::new()), "[]");
        let map = BTreeMap::from([("b", Box::new(2_i64)), ("a\n", Box::new(-1))]);
        assert_eq!(written(&map), r#"{"a\n":-1,"b":2}"#);
        assert_eq!(written(&Cow::Borrowed("x")), r#""x""#);
        assert_eq!(written(&Arc::new(Json::null())), "null");
    }

    #[test]
    fn revisions_are_ranges() {
        use ProtocolVersion::{V2024_11_05, V2025_06_18, V2025_11_25};
        let know = |set: Revisions| ProtocolVersion::ALL.map(|version| set.contains(version));
        assert_eq!(know(Revisions::ALL), [true; 5]);
        assert_eq!(
            know(Revisions::ALL.since(V2025_06_18)),
            [false, false, true, true, true]
        );
        assert_eq!(
            know(Revisions::ALL.until(V2025_06_18)),
            [true, true, true, false, false]
        );
        let one = Revisions::ALL.since(V2025_11_25).until(V2025_11_25);
        assert_eq!(know(one), [false, false, false, true, false]);
        let none = Revisions::ALL.since(V2025_11_25).until(V2024_11_05);
        assert_eq!(know(none), [false; 5]);
    }

    #[test]
    fn added_metadata_yields_to_the_values_own() {
        let encode = |meta: Option<Meta>, extra: &[(&str, &str)]| {
            let mut out = Vec::new();
            let result = EmptyResult { meta };
            write_with_meta(&result, &mut out, ProtocolVersion::V2025_06_18, extra);
            String::from_utf8(out).unwrap()
        };
        let own = || Some(Meta::from_iter([("a", Json::null())]));
        assert_eq!(encode(None, &[]), "{}");
        assert_eq!(encode(own(), &[]), r#"{"_meta":{"a":null}}"#);
        assert_eq!(encode(Some(Meta::new()), &[]), r#"{"_meta":{}}"#);
        assert_eq!(encode(None, &[("b", "1")]), r#"{"_meta":{"b":1}}"#);
        assert_eq!(
            encode(own(), &[("a", "1"), ("b", "2")]),
            r#"{"_meta":{"a":null,"b":2}}"#
        );
    }

    #[test]
    fn added_metadata_reaches_what_has_none_of_its_own() {
        struct Bare;
        impl EncodeFields for Bare {
            fn encode_fields(&self, object: &mut Object<'_>) {
                object.field("a", &1_u8);
            }
        }
        let mut out = Vec::new();
        write_with_meta(&Bare, &mut out, ProtocolVersion::LATEST, &[("b", "{}")]);
        assert_eq!(out, br#"{"a":1,"_meta":{"b":{}}}"#);
    }
}
