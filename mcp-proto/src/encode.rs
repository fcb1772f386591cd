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
use core::fmt;

mod text;

pub use text::{
    Digits, join_lines, write_display, write_f64, write_i64, write_json, write_str, write_str_part,
    write_u64,
};
pub(crate) use text::{WORD, first_escape, is_plain};

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

/// [`write_with_meta`] where `text` is the object of `extra`, written before: it is copied wherever
/// `fields` have no `_meta` of their own.
pub fn write_with_written_meta<T: EncodeFields + ?Sized>(
    fields: &T,
    out: &mut Vec<u8>,
    version: ProtocolVersion,
    extra: &[(&str, &str)],
    text: &str,
) {
    let mut object = Object::new(out, version);
    object.extra_meta = extra;
    object.written_meta = text;
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
    // The same as text, or nothing.
    written_meta: &'a str,
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
            written_meta: "",
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

    /// Writes a member whose value is JSON text, on one line.
    ///
    /// `json` must be one valid JSON value.
    pub fn raw(&mut self, name: &str, json: &str) {
        write_json(self.key(name).0, json);
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

    /// Writes a member that was written before, as `,"name":"value"`.
    pub(crate) fn constant(&mut self, member: &'static str) {
        let member = member.as_bytes();
        self.out
            .extend_from_slice(if self.first { &member[1..] } else { member });
        self.first = false;
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
        if meta.is_none() && !self.written_meta.is_empty() {
            let text = core::mem::take(&mut self.written_meta);
            self.constant(",\"_meta\":");
            return self.out.extend_from_slice(text.as_bytes());
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
    use alloc::vec;

    fn written(value: &(impl Encode + ?Sized)) -> String {
        let mut out = Vec::new();
        value.encode(&mut out, ProtocolVersion::LATEST);
        String::from_utf8(out).unwrap()
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
