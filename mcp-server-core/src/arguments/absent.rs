//! What stands for an argument that was left out.

use core::fmt;
use serde::{
    Deserialize,
    de::{self, Deserializer, Visitor},
    forward_to_deserialize_any,
};

use super::problems::Report;

/// Whether an argument of this type may be left out: whether it is an `Option`, under any name.
#[must_use]
pub fn may_be_absent<T: for<'de> Deserialize<'de>>() -> bool {
    T::deserialize(Absent).is_ok()
}

/// `None` for an `Option`, and a problem for any other type.
pub(super) fn absent<T: for<'de> Deserialize<'de>>(
    index: usize,
    report: &mut Report<'_>,
) -> Option<T> {
    let absent = T::deserialize(Absent).ok();
    if absent.is_none() {
        report.missing(index);
    }
    absent
}

/// Gives `None` to who asks for an `Option`, and nothing to others.
struct Absent;

impl<'de> Deserializer<'de> for Absent {
    type Error = Missing;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Missing> {
        Err(Missing)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Missing> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// An error that costs nothing; what is missing is known to the reader.
#[derive(Debug)]
struct Missing;

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("missing")
    }
}

impl core::error::Error for Missing {}

impl de::Error for Missing {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}
