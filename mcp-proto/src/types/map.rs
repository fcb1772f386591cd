//! Small maps that keep the order their members came in.

use crate::{
    encode::{Encode, Object},
    json::{Json, Mistake, Raw, Read},
    version::ProtocolVersion,
};
use alloc::{string::String, vec::Vec};
use core::{fmt, marker::PhantomData};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor},
};

/// A `_meta` object: values under the keys that the specification's grammar for `_meta` allows.
///
/// Keys under `io.modelcontextprotocol/` are reserved; the machines write and read those.
pub type Meta = Map<Json>;

/// A JSON object with string keys, in the order of insertion; meant for few members.
///
/// ```
/// use mcp_proto::{json::Json, types::Meta};
///
/// let mut meta = Meta::new();
/// meta.insert("example.com/shard", Json::new(&3).unwrap());
/// assert_eq!(meta.get("example.com/shard").unwrap().as_str(), "3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map<T> {
    entries: Vec<(String, T)>,
}

impl<T> Map<T> {
    /// An empty object.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&T> {
        self.entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// Whether there is something under `key`.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Puts `value` under `key`; hands back what was there.
    pub fn insert(&mut self, key: impl Into<String>, value: T) -> Option<T> {
        let key = key.into();
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => Some(core::mem::replace(old, value)),
            None => {
                self.entries.push((key, value));
                None
            }
        }
    }

    /// Takes the value under `key` out.
    pub fn remove(&mut self, key: &str) -> Option<T> {
        let index = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.remove(index).1)
    }

    /// The members in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &T)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// The number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<T> Default for Map<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> IntoIterator for Map<T> {
    type Item = (String, T);
    type IntoIter = alloc::vec::IntoIter<(String, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<K: Into<String>, T> FromIterator<(K, T)> for Map<T> {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<T: Encode> Encode for Map<T> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let mut object = Object::new(out, version);
        for (key, value) in self.iter() {
            object.field(key, value);
        }
        object.end();
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Encode> Serialize for Map<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::wire::serialize(self, serializer)
    }
}

impl<T: Read> Read for Map<T> {
    fn read(raw: Raw<'_>) -> Result<Self, Mistake> {
        // PHP's encoder does not tell an empty object from an empty array.
        if !raw.is_object() && raw.elements().next().is_some() || !raw.get().starts_with(['{', '['])
        {
            return Err(Mistake::unexpected(raw, "an object"));
        }
        let entries = raw
            .members()
            .map(|(name, value)| Ok((name.into_owned(), T::read(value)?)));
        Ok(Self {
            entries: entries.collect::<Result<_, Mistake>>()?,
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Map<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MapVisitor(PhantomData))
    }
}

struct MapVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
    type Value = Map<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        // PHP's encoder does not tell an empty object from an empty array.
        match seq.next_element::<IgnoredAny>()? {
            None => Ok(Map::new()),
            Some(_) => Err(A::Error::invalid_type(Unexpected::Seq, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        // Not `insert`: looking for duplicates would make a hostile object quadratic. Of two
        // members with one name the first is found; both are written again.
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Map { entries })
    }
}
