//! Decoding one argument.

use alloc::borrow::Cow;

use mcp_proto::json::Raw;
use serde::de::{Deserializer, Visitor};
use serde_json::Error;

/// A value whose strings are taken as they stand where they have no escapes. All else is
/// serde_json's.
#[derive(Clone, Copy)]
pub(super) struct Value<'a>(pub(super) Raw<'a>);

macro_rules! forwarded {
    ($($method:ident ( $($argument:ident: $ty:ty),* )),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $ty,)* visitor: V) -> Result<V::Value, Error> {
            serde_json::Deserializer::from_str(self.0.get()).$method($($argument,)* visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Error;

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.text() {
            Some(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Some(Cow::Owned(text)) => visitor.visit_string(text),
            None => serde_json::Deserializer::from_str(self.0.get()).deserialize_str(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.is_null() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    forwarded! {
        deserialize_any(), deserialize_bool(),
        deserialize_i8(), deserialize_i16(), deserialize_i32(), deserialize_i64(), deserialize_i128(),
        deserialize_u8(), deserialize_u16(), deserialize_u32(), deserialize_u64(), deserialize_u128(),
        deserialize_f32(), deserialize_f64(), deserialize_char(),
        deserialize_bytes(), deserialize_byte_buf(), deserialize_unit(),
        deserialize_unit_struct(name: &'static str), deserialize_newtype_struct(name: &'static str),
        deserialize_seq(), deserialize_tuple(length: usize),
        deserialize_tuple_struct(name: &'static str, length: usize),
        deserialize_map(), deserialize_struct(name: &'static str, fields: &'static [&'static str]),
        deserialize_enum(name: &'static str, variants: &'static [&'static str]),
        deserialize_identifier(), deserialize_ignored_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{boxed::Box, collections::BTreeMap, format, string::String, vec::Vec};
    use core::fmt::Debug;
    use serde::de::DeserializeOwned;

    fn agrees<T: DeserializeOwned + Debug>(text: &str) {
        // Where it stands in its own text nobody wants to know of a value that is no object.
        let told = |error: Error| {
            format!("{error}")
                .split(" at line ")
                .next()
                .map(String::from)
        };
        let theirs = serde_json::from_str::<T>(text).map_err(told);
        let ours = T::deserialize(Value(Raw::parse(text).unwrap())).map_err(told);
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{text}");
    }

    #[test]
    fn whatever_is_wanted_it_is_read_as_serde_json_reads_it() {
        let long = format!("\"{}\"", "x".repeat(100));
        let escaped = format!("\"{}\\n\"", "x".repeat(100));
        let texts = [
            "null",
            "true",
            "1",
            "-1.5",
            "\"\"",
            "\"abc\"",
            "\"a\\u00e9\"",
            "\"\\ud800\"",
            "\"c\"",
            "[]",
            "[1,2]",
            "[\"a\",null]",
            "{}",
            "{\"a\":1}",
            "{\"a\":\"b\"}",
            &long,
            &escaped,
        ];
        for text in texts {
            agrees::<String>(text);
            agrees::<Option<String>>(text);
            agrees::<Option<Option<u8>>>(text);
            agrees::<Box<str>>(text);
            agrees::<Cow<'static, str>>(text);
            agrees::<char>(text);
            agrees::<bool>(text);
            agrees::<f64>(text);
            agrees::<u8>(text);
            agrees::<()>(text);
            agrees::<Vec<u32>>(text);
            agrees::<(u8, u8)>(text);
            agrees::<BTreeMap<String, String>>(text);
            agrees::<serde_json::Value>(text);
            agrees::<mcp_proto::json::Json>(text);
            agrees::<mcp_proto::types::Role>(text);
            agrees::<mcp_proto::rpc::RequestId>(text);
        }
    }
}
