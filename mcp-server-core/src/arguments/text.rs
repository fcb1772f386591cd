//! Decoding text that people type or that stands in a URI.

use alloc::{borrow::Cow, string::String};
use serde::de::{
    Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor,
    value::{SeqDeserializer, StrDeserializer},
};
use serde_json::{Error, value::RawValue};

/// Text, decoded as the wanted type demands: a string as it is, a number or boolean as such, a
/// choice by its name, and all else as JSON.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    text: &'a str,
    /// The items, where several values were given apart.
    items: Option<&'a [String]>,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, items: None }
    }

    /// A list, and the text that it is where no list is wanted: see [`joined`].
    pub(super) fn of_list(items: &'a [String], joined: &'a str) -> Self {
        Self {
            text: joined,
            items: Some(items),
        }
    }
}

/// The items as one text, separated by commas as they may have been in their URI.
pub(super) fn joined(items: &[String]) -> Cow<'_, str> {
    match items {
        [one] => Cow::Borrowed(one),
        several => Cow::Owned(several.join(",")),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// Numbers and booleans, parsed as the type that is wanted.
macro_rules! parsed {
    ($($method:ident $visit:ident $ty:ty),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let text = self.text;
            match text.trim().parse::<$ty>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(Error::invalid_type(Unexpected::Str(text), &visitor)),
            }
        }
    )*};
}

/// What only JSON can say.
macro_rules! json {
    ($($method:ident ( $($argument:ident: $ty:ty),* )),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $ty,)* visitor: V) -> Result<V::Value, Error> {
            let text = self.text;
            if !is_json(text) {
                return Err(Error::invalid_type(Unexpected::Str(text), &visitor));
            }
            serde_json::Deserializer::from_str(text).$method($($argument,)* visitor)
        }
    )*};
}

/// Lists, of several values or in JSON.
macro_rules! lists {
    ($($method:ident ( $($argument:ident: $ty:ty),* )),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $ty,)* visitor: V) -> Result<V::Value, Error> {
            let text = self.text;
            match self.items {
                Some(items) => visitor.visit_seq(each(items)),
                None if !is_json(text) => Err(Error::invalid_type(Unexpected::Str(text), &visitor)),
                None => serde_json::Deserializer::from_str(text).$method($($argument,)* visitor),
            }
        }
    )*};
}

type Items<'a> = SeqDeserializer<
    core::iter::Map<core::slice::Iter<'a, String>, fn(&'a String) -> Text<'a>>,
    Error,
>;

fn each(items: &[String]) -> Items<'_> {
    let item: fn(&String) -> Text<'_> = |item| Text::new(item);
    SeqDeserializer::new(items.iter().map(item))
}

impl<'de> IntoDeserializer<'de, Error> for Text<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Error;

    // JSON where it is some: this asks for a `serde_json::Value` or for one of several types.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if is_json(self.text) {
            return serde_json::Deserializer::from_str(self.text).deserialize_any(visitor);
        }
        visitor.visit_borrowed_str(self.text)
    }

    parsed! {
        deserialize_bool visit_bool bool,
        deserialize_i8 visit_i64 i64, deserialize_i16 visit_i64 i64,
        deserialize_i32 visit_i64 i64, deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u64 u64, deserialize_u16 visit_u64 u64,
        deserialize_u32 visit_u64 u64, deserialize_u64 visit_u64 u64, deserialize_u128 visit_u128 u128,
        deserialize_f32 visit_f64 f64, deserialize_f64 visit_f64 f64,
    }

    json! {
        deserialize_map(), deserialize_struct(name: &'static str, fields: &'static [&'static str]),
        deserialize_unit(), deserialize_unit_struct(name: &'static str),
    }

    lists! {
        deserialize_seq(), deserialize_tuple(length: usize),
        deserialize_tuple_struct(name: &'static str, length: usize),
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.text.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        // The name by which serde_json knows that its raw text is wanted.
        if name != "$serde_json::private::RawValue" {
            return visitor.visit_newtype_struct(self);
        }
        if is_json(self.text) {
            return serde_json::Deserializer::from_str(self.text)
                .deserialize_newtype_struct(name, visitor);
        }
        serde_json::Value::from(self.text).deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.text.starts_with(['{', '"']) && is_json(self.text) {
            return serde_json::Deserializer::from_str(self.text)
                .deserialize_enum(name, variants, visitor);
        }
        visitor.visit_enum(StrDeserializer::new(self.text))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}
