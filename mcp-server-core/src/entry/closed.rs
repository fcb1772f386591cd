//! Reading a struct that takes no members but its own, whatever its attributes say.

use core::fmt;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
    forward_to_deserialize_any,
};

/// A value of which an unknown member is an error, as its schema says: serde would pass over a
/// misspelt argument in silence. Maps, and structs with flattened members, stay open.
pub(super) struct Closed<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Closed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(Watching(deserializer)).map(Self)
    }
}

/// Passes everything on but for the structs it is asked for.
struct Watching<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Watching<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(
            name,
            fields,
            Members {
                inner: visitor,
                fields,
            },
        )
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        // JSON text and others that a deserializer knows by their names.
        if name.starts_with('$') {
            return self.0.deserialize_newtype_struct(name, visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    // An arguments' object is none of these.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit seq tuple
        tuple_struct identifier ignored_any
    }
}

/// The parts of a struct's reading, from the object down to the visitor of a member's name.
struct Members<T> {
    inner: T,
    fields: &'static [&'static str],
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Members<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Members {
            inner: map,
            fields: self.fields,
        })
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.inner.next_key_seed(Name(Members {
            inner: seed,
            fields: self.fields,
        }))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// A member's name: the seed, the deserializer and the visitor that it passes through.
struct Name<T>(Members<T>);

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Name<K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        let Members { inner, fields } = self.0;
        inner.deserialize(Name(Members {
            inner: deserializer,
            fields,
        }))
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Name<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let Members { inner, fields } = self.0;
        inner.deserialize_identifier(Name(Members {
            inner: visitor,
            fields,
        }))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Name<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.inner.expecting(f)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<V::Value, E> {
        let fields = self.0.fields;
        if fields.contains(&name) {
            return self.0.inner.visit_str(name);
        }
        Err(match fields {
            [] => E::custom("unknown argument; none are known"),
            _ => E::custom(format_args!(
                "unknown argument; known are {}",
                fields.join(", ")
            )),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{
        collections::BTreeMap,
        string::{String, ToString},
    };
    use serde::de::DeserializeOwned;

    fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        serde_json::from_str::<Closed<T>>(text)
            .map(|Closed(value)| value)
            .map_err(|error| error.to_string())
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Two {
        a: u8,
        #[serde(default)]
        b: Option<u8>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(Two);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Nothing {}

    #[derive(Debug, PartialEq, Deserialize)]
    struct Unit;

    #[derive(Debug, PartialEq, Deserialize)]
    enum Choice {
        A,
        B(u8),
    }

    #[test]
    fn a_struct_takes_no_members_but_its_own() {
        let two = |b| Two { a: 1, b };
        assert_eq!(read(r#"{"a":1}"#), Ok(two(None)));
        assert_eq!(read(r#"{"b":2,"a":1}"#), Ok(two(Some(2))));
        // Names may be written with escapes.
        assert_eq!(read(r#"{"\u0061":1}"#), Ok(two(None)));
        let unknown = read::<Two>(r#"{"a":1,"c":3}"#).unwrap_err();
        assert!(
            unknown.starts_with("unknown argument; known are a, b"),
            "{unknown}"
        );
        let missing = read::<Two>("{}").unwrap_err();
        assert!(missing.starts_with("missing field `a`"), "{missing}");
        // The name that serde gives the struct is told, as without this.
        let mistyped = read::<Two>("7").unwrap_err();
        assert!(mistyped.contains("expected struct Two"), "{mistyped}");

        assert_eq!(read("{}"), Ok(Nothing {}));
        let unknown = read::<Nothing>(r#"{"a":1}"#).unwrap_err();
        assert!(
            unknown.starts_with("unknown argument; none are known"),
            "{unknown}"
        );
    }

    #[test]
    fn so_does_one_in_a_wrapper() {
        let wrapped = Wrapped(Two { a: 1, b: None });
        assert_eq!(read(r#"{"a":1}"#), Ok(wrapped));
        assert!(read::<Wrapped>(r#"{"a":1,"c":3}"#).is_err());
    }

    #[test]
    fn all_else_is_read_as_without_this() {
        assert_eq!(read("null"), Ok(Unit));
        assert_eq!(read("null"), Ok(None::<Two>));
        assert_eq!(read(r#"{"a":1}"#), Ok(Some(Two { a: 1, b: None })));
        assert_eq!(read(r#""A""#), Ok(Choice::A));
        assert_eq!(read(r#"{"B":2}"#), Ok(Choice::B(2)));
        let map = BTreeMap::from([(String::from("a"), 1)]);
        assert_eq!(read(r#"{"a":1}"#), Ok(map));
        assert_eq!(read(r#"{"a":[1]}"#), Ok(serde_json::json!({"a": [1]})));
        let text: alloc::boxed::Box<serde_json::value::RawValue> = read(r#"{"a": 1}"#).unwrap();
        assert_eq!(text.get(), r#"{"a": 1}"#);
        assert_eq!(read("7"), Ok(7_u8));
    }
}
