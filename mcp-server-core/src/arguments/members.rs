//! The members of an object, borrowed from its text.

use alloc::string::String;
use core::fmt;
use mcp_proto::json::Json;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::problems::Report;

/// The members that have a place among the names.
#[derive(Debug)]
pub(super) struct Members<'a, const N: usize>([Option<&'a RawValue>; N]);

impl<'a, const N: usize> Members<'a, N> {
    pub(super) fn get(&self, index: usize) -> Option<&'a RawValue> {
        self.0.get(index).copied().flatten()
    }
}

pub(super) fn read<'a, const N: usize>(
    object: Option<&'a Json>,
    report: &mut Report<'_>,
) -> Members<'a, N> {
    let mut members = Members([None; N]);
    if let Some(object) = object {
        read_into(object, &mut members.0, report);
    }
    members
}

/// Once for all numbers of members.
fn read_into<'a>(object: &'a Json, members: &mut [Option<&'a RawValue>], report: &mut Report<'_>) {
    if !object.is_object() {
        report.no_object();
        return;
    }
    let mut deserializer = serde_json::Deserializer::from_str(object.as_str());
    let read = deserializer.deserialize_map(Reader {
        members,
        report: &mut *report,
    });
    // The text is valid and an object's.
    debug_assert!(read.is_ok(), "{read:?}");
}

struct Reader<'r, 'a, 'n> {
    members: &'r mut [Option<&'a RawValue>],
    report: &'r mut Report<'n>,
}

impl<'a> Visitor<'a> for Reader<'_, 'a, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key(self.report))? {
            let value: &'a RawValue = map.next_value()?;
            match key {
                Known::Index(index) => match self.members.get_mut(index) {
                    Some(place @ None) => *place = Some(value),
                    _ => self.report.twice(index),
                },
                Known::Not(name) => self.report.unknown(&name),
            }
        }
        Ok(())
    }
}

enum Known {
    Index(usize),
    Not(String),
}

struct Key<'k, 'n>(&'k Report<'n>);

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = Known;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Known, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = Known;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Known, E> {
        Ok(self
            .0
            .index_of(name)
            .map_or_else(|| Known::Not(name.into()), Known::Index))
    }
}
