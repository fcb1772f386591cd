//! The macros that turn one declaration into a type, its decoder and its encoder per revision.
//!
//! A declaration reads like the struct it makes:
//!
//! ```text
//! wire! {
//!     /// Documentation.
//!     #[derive(Default)]
//!     pub struct TextContent {
//!         const "type" = "text";
//!         /// Always written; an error where absent.
//!         pub text: String = "text",
//!         /// Always written; read as the default where absent or null.
//!         pub lines: Vec<String> = soft "lines",
//!         /// Left out when `None`, `false` or empty; absent and null read as that.
//!         pub title: Option<String> = opt "title" since V2025_06_18,
//!         /// The same, and read as `None` when it cannot be understood.
//!         pub theme: Option<IconTheme> = hint "theme" since V2025_11_25 until V2025_11_25,
//!         /// Room for the reserved keys that the machines add.
//!         pub meta: Option<Meta> = meta "_meta",
//!     }
//! }
//! ```

use crate::{
    encode::{Encode, Object},
    json::Json,
    version::ProtocolVersion,
};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::{fmt, marker::PhantomData};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

/// Only the struct, its decoder and its Serialize, for types that write themselves by hand.
macro_rules! wire_struct {
    (
        $(#[$attr:meta])*
        pub struct $name:ident {
            $(const $tag:literal = $tag_value:literal $(since $tag_since:ident)?;)*
            $(
                $(#[$field_attr:meta])*
                pub $field:ident : $ty:ty = $($req:literal)? $(soft $soft:literal)? $(opt $opt:literal)?
                    $(hint $hint:literal)? $(meta $meta:tt)?
                    $(since $since:ident)? $(until $until:ident)?
            ),* $(,)?
        }
    ) => {
        $(#[$attr])*
        #[derive(Clone, Debug, PartialEq, ::serde::Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$field_attr])*
                $(#[serde(rename = $req)])?
                $(#[serde(rename = $soft, default, deserialize_with = "crate::wire::or_default")])?
                $(#[serde(rename = $opt, default, deserialize_with = "crate::wire::or_default")])?
                $(#[serde(rename = $hint, default, deserialize_with = "crate::wire::lenient")])?
                $(#[serde(rename = $meta, default)])?
                pub $field: $ty,
            )*
        }

        crate::wire::serialize_as_latest!($name);
    };
}

/// The struct of [`wire_struct`] and the encoder that its table of revisions describes.
macro_rules! wire {
    (
        $(#[$attr:meta])*
        pub struct $name:ident {
            $(const $tag:literal = $tag_value:literal $(since $tag_since:ident)?;)*
            $(
                $(#[$field_attr:meta])*
                pub $field:ident : $ty:ty = $($req:literal)? $(soft $soft:literal)? $(opt $opt:literal)?
                    $(hint $hint:literal)? $(meta $meta:tt)?
                    $(since $since:ident)? $(until $until:ident)?
            ),* $(,)?
        }
    ) => {
        crate::wire::wire_struct! {
            $(#[$attr])*
            pub struct $name {
                $(
                    $(#[$field_attr])*
                    pub $field : $ty = $($req)? $(soft $soft)? $(opt $opt)? $(hint $hint)? $(meta $meta)?
                ),*
            }
        }

        impl crate::encode::EncodeFields for $name {
            fn encode_fields(&self, object: &mut crate::encode::Object<'_>) {
                $(
                    if crate::wire::revisions!($(since $tag_since)?).contains(object.version()) {
                        object.constant(concat!(",\"", $tag, "\":\"", $tag_value, "\""));
                    }
                )*
                $(
                    if crate::wire::revisions!($(since $since)? $(until $until)?)
                        .contains(object.version())
                    {
                        $(object.member(concat!(",\"", $req, "\":"), &self.$field);)?
                        $(object.member(concat!(",\"", $soft, "\":"), &self.$field);)?
                        $(object.optional_member(concat!(",\"", $opt, "\":"), &self.$field);)?
                        $(object.optional_member(concat!(",\"", $hint, "\":"), &self.$field);)?
                        $(crate::wire::meta_member!(object, self.$field, $meta);)?
                    }
                )*
                // A struct without members for this revision leaves the writer untouched.
                let _ = object;
            }
        }

        crate::wire::encode_as_object!($name);
    };
}

/// A [`wire`] struct with the cache hints of 2026-07-28's CacheableResult beside its members.
///
/// The decoder goes through a copy of the struct in which the two hints are plain members, because
/// serde's own flattening cannot keep JSON text.
macro_rules! cacheable {
    (
        $(#[$attr:meta])*
        pub struct $name:ident {
            $(
                $(#[$field_attr:meta])*
                pub $field:ident : $ty:ty = $($req:literal)? $(soft $soft:literal)? $(opt $opt:literal)?
                    $(meta $meta:tt)?
            ),* $(,)?
        }
    ) => {
        $(#[$attr])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_attr])* pub $field: $ty,)*
            /// How long and by whom the result may be kept; written from 2026-07-28 on.
            pub cache: crate::types::CacheHints,
        }

        const _: () = {
            #[derive(::serde::Deserialize)]
            struct Flat {
                $(
                    $(#[serde(rename = $req)])?
                    $(#[serde(rename = $soft, default, deserialize_with = "crate::wire::or_default")])?
                    $(#[serde(rename = $opt, default, deserialize_with = "crate::wire::or_default")])?
                    $(#[serde(rename = $meta, default)])?
                    $field: $ty,
                )*
                #[serde(rename = "ttlMs", default, deserialize_with = "crate::wire::lenient")]
                ttl_ms: Option<u64>,
                #[serde(rename = "cacheScope", default, deserialize_with = "crate::wire::lenient")]
                scope: Option<crate::types::CacheScope>,
            }

            impl<'de> ::serde::Deserialize<'de> for $name {
                fn deserialize<D: ::serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Self, D::Error> {
                    let flat = <Flat as ::serde::Deserialize>::deserialize(deserializer)?;
                    Ok(Self {
                        cache: crate::types::CacheHints::new(
                            flat.ttl_ms.unwrap_or_default(),
                            flat.scope.unwrap_or_default(),
                        ),
                        $($field: flat.$field,)*
                    })
                }
            }

            impl crate::encode::EncodeFields for $name {
                fn encode_fields(&self, object: &mut crate::encode::Object<'_>) {
                    let modern = object.version() >= crate::version::ProtocolVersion::V2026_07_28;
                    if modern {
                        object.constant(",\"resultType\":\"complete\"");
                    }
                    $(
                        $(object.member(concat!(",\"", $req, "\":"), &self.$field);)?
                        $(object.member(concat!(",\"", $soft, "\":"), &self.$field);)?
                        $(object.optional_member(concat!(",\"", $opt, "\":"), &self.$field);)?
                        $(crate::wire::meta_member!(object, self.$field, $meta);)?
                    )*
                    if modern {
                        object.member(",\"ttlMs\":", &self.cache.ttl_ms);
                        object.member(",\"cacheScope\":", &self.cache.scope);
                    }
                }
            }
        };

        crate::wire::serialize_as_latest!($name);
        crate::wire::encode_as_object!($name);
    };
}

/// The set of revisions that the marks of a member name.
macro_rules! revisions {
    ($(since $since:ident)? $(until $until:ident)?) => {
        const {
            crate::encode::Revisions::ALL
                $(.since(crate::version::ProtocolVersion::$since))?
                $(.until(crate::version::ProtocolVersion::$until))?
        }
    };
}

/// Writes `_meta`; its name is fixed and stands in declarations only to be read.
macro_rules! meta_member {
    ($object:ident, $value:expr, "_meta") => {
        $object.meta($value.as_ref())
    };
}

/// `Encode` for a type that has `EncodeFields`.
macro_rules! encode_as_object {
    ($name:ident) => {
        impl crate::encode::Encode for $name {
            fn encode(
                &self,
                out: &mut ::alloc::vec::Vec<u8>,
                version: crate::version::ProtocolVersion,
            ) {
                crate::encode::write_object(self, out, version);
            }
        }
    };
}

/// `Serialize` for a type that has `Encode`: as the newest revision writes it.
macro_rules! serialize_as_latest {
    ($($name:ident),*) => {$(
        /// Written as the newest revision does; for serde_json only, as JSON text passes through.
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                crate::wire::serialize(self, serializer)
            }
        }
    )*};
}

/// An enumeration of strings.
macro_rules! names {
    (
        $(#[$attr:meta])*
        pub enum $name:ident { $($(#[$variant_attr:meta])* $variant:ident = $text:literal),* $(,)? }
    ) => {
        $(#[$attr])*
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$variant_attr])* $variant,)* }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The value of that name, if there is one.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl crate::encode::Encode for $name {
            fn encode(
                &self,
                out: &mut ::alloc::vec::Vec<u8>,
                _: crate::version::ProtocolVersion,
            ) {
                crate::encode::write_str(out, self.as_str());
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(crate::wire::NameVisitor {
                    parse: Self::parse,
                    names: &[$($text),*],
                })
            }
        }

        impl crate::json::Read for $name {
            fn read(raw: crate::json::Raw<'_>) -> Result<Self, crate::json::Mistake> {
                crate::json::read::name(raw, Self::parse, &[$($text),*])
            }
        }

        impl crate::wire::Lenient for $name {
            fn lenient<'de, D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<Self>, D::Error> {
                deserializer.deserialize_any(crate::wire::LenientName(Self::parse))
            }
        }
    };
}

pub(crate) use {
    cacheable, encode_as_object, meta_member, names, revisions, serialize_as_latest, wire,
    wire_struct,
};

/// `Serialize` by way of [`Encode`], as the newest revision.
pub(crate) fn serialize<S: Serializer>(
    value: &impl Encode,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    use serde::ser::Error as _;
    let mut out = Vec::new();
    value.encode(&mut out, ProtocolVersion::LATEST);
    let text = String::from_utf8(out).map_err(S::Error::custom)?;
    RawValue::from_string(text)
        .map_err(S::Error::custom)?
        .serialize(serializer)
}

/// Reads null as the default.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A hint that must not fail the whole message it stands in.
pub(crate) trait Lenient: Sized {
    fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>;
}

/// Reads what cannot be understood as `None`.
pub(crate) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Lenient,
{
    T::lenient(deserializer)
}

impl Lenient for u64 {
    fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        deserializer.deserialize_any(LenientWhole)
    }
}

/// Answers for everything a hint is not, so that the visitors below hold only what it is.
macro_rules! ignore_others {
    ($($ignored:ident($ty:ty)),*) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }

        fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<de::IgnoredAny>()?.is_some() {}
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
            Ok(None)
        }

        $(fn $ignored<E: de::Error>(self, _: $ty) -> Result<Self::Value, E> {
            Ok(None)
        })*
    };
}

struct LenientWhole;

impl<'de> Visitor<'de> for LenientWhole {
    type Value = Option<u64>;

    ignore_others!(visit_str(&str));

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(value).ok())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        // 12.0 is an integer in JSON Schema.
        let whole = value as u64;
        Ok((whole as f64 == value).then_some(whole))
    }
}

pub(crate) struct LenientName<T>(pub(crate) fn(&str) -> Option<T>);

impl<'de, T> Visitor<'de> for LenientName<T> {
    type Value = Option<T>;

    ignore_others!(visit_u64(u64), visit_i64(i64), visit_f64(f64));

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok((self.0)(value))
    }
}

pub(crate) struct NameVisitor<T> {
    pub(crate) parse: fn(&str) -> Option<T>,
    pub(crate) names: &'static [&'static str],
}

impl<T> Visitor<'_> for NameVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one of ")?;
        for (index, name) in self.names.iter().enumerate() {
            write!(f, "{}{name}", if index > 0 { ", " } else { "" })?;
        }
        Ok(())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<T, E> {
        (self.parse)(value).ok_or_else(|| E::invalid_value(de::Unexpected::Str(value), &self))
    }
}

/// An enum whose variants a string member tells apart, decoded without a tree and, where that
/// member comes first as everyone writes it, without a copy.
pub(crate) trait Tagged: Sized {
    /// The telling member.
    const TAG: &'static str;
    /// Its values.
    const NAMES: &'static [&'static str];

    /// Decodes the variant `NAMES[index]`.
    fn variant<'de, D: Deserializer<'de>>(index: usize, members: D) -> Result<Self, D::Error>;

    /// What to make of a value with another tag or none.
    fn unknown<E: de::Error>(tag: Option<&str>, value: Json) -> Result<Self, E>;
}

/// Decodes a [`Tagged`] enum.
pub(crate) fn tagged<'de, D: Deserializer<'de>, T: Tagged>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(TaggedVisitor(PhantomData))
}

struct TaggedVisitor<T>(PhantomData<T>);

impl<'de, T: Tagged> Visitor<'de> for TaggedVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with a {:?}", T::TAG)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let first = match map.next_key_seed(OneOf(&[T::TAG]))? {
            Some(Ok(_)) => match map.next_value_seed(OneOf(T::NAMES))? {
                Ok(index) => return T::variant(index, MapAccessDeserializer::new(map)),
                Err(tag) => Some((T::TAG.to_owned(), Some(tag))),
            },
            Some(Err(key)) => Some((key, None)),
            None => None,
        };
        slow(first, map)
    }
}

/// The way for unusual objects: keeps them as text, then reads that text again.
fn slow<'de, T: Tagged, A: MapAccess<'de>>(
    first: Option<(String, Option<String>)>,
    mut map: A,
) -> Result<T, A::Error> {
    let mut text = Vec::new();
    let mut object = Object::new(&mut text, ProtocolVersion::LATEST);
    let mut tag = None;
    match first {
        Some((key, Some(value))) => {
            object.field(&key, &value);
            tag = Some(value);
        }
        Some((key, None)) => object.raw(&key, map.next_value::<Json>()?.as_str()),
        None => {}
    }
    while let Some(key) = map.next_key::<String>()? {
        let value: Json = map.next_value()?;
        if key == T::TAG && tag.replace(value.to().map_err(A::Error::custom)?).is_some() {
            return Err(A::Error::duplicate_field(T::TAG));
        }
        object.raw(&key, value.as_str());
    }
    object.end();
    let text = String::from_utf8(text).map_err(A::Error::custom)?;
    match tag
        .as_deref()
        .and_then(|tag| T::NAMES.iter().position(|name| *name == tag))
    {
        Some(index) => {
            let mut reader = serde_json::Deserializer::from_str(&text);
            T::variant(index, &mut reader).map_err(A::Error::custom)
        }
        None => T::unknown(tag.as_deref(), Json::from_valid(text)),
    }
}

/// Reads a string: the index of one of the names, or the string itself.
struct OneOf(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for OneOf {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for OneOf {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(self
            .0
            .iter()
            .position(|name| *name == value)
            .ok_or_else(|| value.to_owned()))
    }
}

/// Keeps null as a value of its own.
pub(crate) fn some<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use crate::{
        json::Json,
        types::{
            CompletionReference, ContentBlock, Icon, IconTheme, ListToolsResult, Resource, Role,
            TextContent,
        },
        version::ProtocolVersion,
    };
    use alloc::string::String;

    fn block(text: &str) -> Result<ContentBlock, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn the_tag_may_stand_anywhere() {
        for text in [
            r#"{"type":"text","text":"hi"}"#,
            r#"{"text":"hi","type":"text"}"#,
            r#"{"unknown":[{}],"text":"hi","more":1.50,"type":"text"}"#,
            r#" { "t\u0065xt" : "\u0068i" , "ty\u0070e" : "te\u0078t" } "#,
        ] {
            assert_eq!(block(text).unwrap(), ContentBlock::text("hi"), "{text}");
        }
    }

    #[test]
    fn text_in_a_late_tagged_value_is_kept_to_the_letter() {
        let text =
            r#"{"_meta":{"n":1.50,"big":123456789012345678901234567890},"text":"","type":"text"}"#;
        let Ok(ContentBlock::Text(TextContent {
            meta: Some(meta), ..
        })) = block(text)
        else {
            panic!("text with metadata");
        };
        assert_eq!(meta.get("n").unwrap().as_str(), "1.50");
        assert_eq!(
            meta.get("big").unwrap().as_str(),
            "123456789012345678901234567890"
        );
    }

    #[test]
    fn unknown_kinds_are_kept_as_they_came() {
        for text in [
            r#"{"type":"video","data":{"x":1.0},"text":5}"#,
            r#"{"data":{"x":1.0},"type":"video","text":5}"#,
        ] {
            assert_eq!(
                block(text).unwrap(),
                ContentBlock::Unknown(Json::parse(text).unwrap())
            );
        }
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for (text, names) in [
            (r#"{"text":"hi"}"#, "type"),
            ("{}", "type"),
            ("[]", "object"),
            ("null", "object"),
            (r#"{"type":5}"#, "string"),
            (r#"{"type":null,"text":""}"#, "string"),
            (r#"{"text":"","type":[]}"#, "string"),
            (r#"{"type":"text"}"#, "text"),
            (r#"{"type":"text","text":5}"#, "string"),
            (r#"{"text":5,"type":"text"}"#, "string"),
            (r#"{"text":"","type":"text","type":"image"}"#, "duplicate"),
            (r#"{"type":"text","text":"a","text":"b"}"#, "duplicate"),
            (r#"{"text":"a","type":"text","text":"b"}"#, "duplicate"),
        ] {
            let error = alloc::string::ToString::to_string(&block(text).unwrap_err());
            assert!(error.contains(names), "{text}: {error}");
        }
    }

    #[test]
    fn an_unknown_reference_names_the_known_ones() {
        let error = serde_json::from_str::<CompletionReference>(r#"{"type":"ref/tool"}"#);
        let error = alloc::string::ToString::to_string(&error.unwrap_err());
        assert!(
            error.contains("ref/tool") && error.contains("ref/prompt"),
            "{error}"
        );
    }

    #[test]
    fn a_hint_never_fails_its_message() {
        for (size, expected) in [
            ("12", Some(12)),
            ("12.0", Some(12)),
            ("12.5", None),
            ("-1", None),
            ("1e300", None),
            ("null", None),
            ("true", None),
            ("\"12\"", None),
            ("[1,[2]]", None),
            ("{\"a\":{}}", None),
        ] {
            let text =
                alloc::format!(r#"{{"uri":"a:b","name":"c","size":{size},"mimeType":null}}"#);
            let resource: Resource = serde_json::from_str(&text).unwrap();
            assert_eq!(resource.size, expected, "{text}");
        }
        for (theme, expected) in [
            ("\"dark\"", Some(IconTheme::Dark)),
            ("\"sepia\"", None),
            ("1", None),
            ("null", None),
        ] {
            let text = alloc::format!(r#"{{"src":"a:b","theme":{theme}}}"#);
            let icon: Icon = serde_json::from_str(&text).unwrap();
            assert_eq!(icon.theme, expected, "{text}");
        }
    }

    #[test]
    fn names_are_read_and_written() {
        assert_eq!(
            serde_json::from_str::<Role>("\"user\"").unwrap(),
            Role::User
        );
        assert_eq!(
            serde_json::to_string(&Role::Assistant).unwrap(),
            "\"assistant\""
        );
        let error = serde_json::from_str::<Role>("\"system\"").unwrap_err();
        let error = alloc::string::ToString::to_string(&error);
        assert!(
            error.contains("system") && error.contains("user, assistant"),
            "{error}"
        );
        assert!(serde_json::from_str::<Role>("1").is_err());
    }

    #[test]
    fn required_members_are_required() {
        let error = serde_json::from_str::<ListToolsResult>("{}").unwrap_err();
        assert!(alloc::string::ToString::to_string(&error).contains("tools"));
        assert!(serde_json::from_str::<Icon>(r#"{"src":null}"#).is_err());
    }

    #[test]
    fn serializing_is_encoding_as_the_newest() {
        use crate::encode::Encode;
        let result = ListToolsResult::default();
        let mut out = alloc::vec::Vec::new();
        result.encode(&mut out, ProtocolVersion::LATEST);
        let text = serde_json::to_string(&result).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text);
        let tree = serde_json::to_value(&result).unwrap();
        assert_eq!(tree["cacheScope"], "private");
        assert_eq!(
            serde_json::from_value::<ListToolsResult>(tree).unwrap(),
            result
        );
    }
}
