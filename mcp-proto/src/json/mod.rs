//! JSON text that is kept as text.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod law;
mod raw;
pub(crate) mod read;
mod scan;

pub use raw::{Members, Raw};
pub use read::{Mistake, Read};
pub(crate) use scan::{Fault, Scan, Scanner, Span};

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::{fmt, ops::Range};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::value::RawValue;

/// One JSON value, owned, as the text it came in.
///
/// Arguments, `_meta` members, schemas and structured results pass through the machines in this
/// form: valid by construction, never turned into a tree. A `Json` may be a range of a longer
/// text, so that a large message can be handed to its handler without a copy.
///
/// ```
/// use mcp_proto::json::Json;
///
/// let json = Json::new(&[1, 2, 3]).unwrap();
/// assert_eq!(json.as_str(), "[1,2,3]");
/// assert_eq!(json.to::<Vec<u8>>().unwrap(), [1, 2, 3]);
/// assert!(Json::parse("{\"open\":").is_err());
/// ```
#[derive(Clone)]
pub struct Json(Text);

// One valid value. Small, since it is moved with whatever it is a part of.
#[derive(Clone)]
enum Text {
    Owned(String),
    // What was read is often looked at twice: as arguments, and once more if the call asks.
    Copied(Arc<str>),
    // Shared, or only a part of what is kept.
    Part(Arc<Part>),
}

struct Part {
    text: String,
    // Always in bounds and on character boundaries.
    range: Range<usize>,
}

impl Part {
    fn as_str(&self) -> &str {
        // In bounds by construction; the fallback cannot be reached and costs no panic path.
        self.text.get(self.range.clone()).unwrap_or("null")
    }
}

impl Json {
    /// Serializes `value`.
    ///
    /// # Errors
    /// Where serde cannot represent the value in JSON, such as a map whose keys are no strings.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(Self::from_valid)
    }

    /// Checks and keeps `text`.
    ///
    /// # Errors
    /// Where `text` is not exactly one JSON value.
    pub fn parse(text: impl Into<String>) -> Result<Self, serde_json::Error> {
        let mut text = text.into();
        let raw: &RawValue = serde_json::from_str(&text)?;
        let start = raw.get().as_ptr() as usize - text.as_ptr() as usize;
        text.truncate(start + raw.get().len());
        text.drain(..start);
        Ok(Self::from_valid(text))
    }

    /// Copies a value that was checked already.
    #[must_use]
    pub fn from_raw(raw: Raw<'_>) -> Self {
        Self(Text::Copied(raw.get().into()))
    }

    /// The value, borrowed.
    #[must_use]
    pub fn as_raw(&self) -> Raw<'_> {
        Raw::from_valid(self.as_str())
    }

    /// The value `null`.
    #[must_use]
    pub fn null() -> Self {
        Self::from_valid(String::from("null"))
    }

    /// The value `{}`.
    #[must_use]
    pub fn empty_object() -> Self {
        Self::from_valid(String::from("{}"))
    }

    /// Keeps `line` whole and shows only `part`, which must be a slice of it holding one valid
    /// value: how a large message's arguments are handed on without a copy.
    ///
    /// All of a line is that line itself. Returns `None` where `part` is not a slice of `line`.
    #[must_use]
    pub fn slice_of(line: String, part: Range<usize>) -> Option<Self> {
        line.get(part.clone())?;
        if part == (0..line.len()) {
            return Some(Self::from_valid(line));
        }
        Some(Self(Text::Part(Arc::new(Part {
            text: line,
            range: part,
        }))))
    }

    pub(crate) fn from_valid(text: String) -> Self {
        Self(Text::Owned(text))
    }

    /// The same value once more, without a copy of its text.
    #[must_use]
    pub fn share(&mut self) -> Self {
        if let Text::Owned(text) = &mut self.0 {
            let range = 0..text.len();
            let text = core::mem::take(text);
            self.0 = Text::Part(Arc::new(Part { text, range }));
        }
        self.clone()
    }

    /// The text, without surrounding white space.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Owned(text) => text,
            Text::Copied(text) => text,
            Text::Part(part) => part.as_str(),
        }
    }

    /// The text as an owned string, without a copy where it is the whole buffer.
    #[must_use]
    pub fn into_string(self) -> String {
        match self.0 {
            Text::Owned(text) => text,
            Text::Copied(text) => String::from(&*text),
            Text::Part(part) => String::from(part.as_str()),
        }
    }

    /// Appends the value as one line. A line break in valid JSON is white space between tokens,
    /// since strings cannot hold one; it becomes a blank, so that framing by lines holds.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        crate::encode::write_json(out, self.as_str());
    }

    /// Deserializes the value.
    ///
    /// # Errors
    /// serde_json's, naming what was expected and where.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }

    /// Whether this is a JSON object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.as_str().starts_with('{')
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_str() == "null"
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Equality of the text: two spellings of one value differ.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue =
            serde_json::from_str(self.as_str()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self::from_valid(String::from(Box::<str>::from(raw))))
    }
}

/// Serializes a dynamic value; always possible.
impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        use alloc::string::ToString;
        Self::from_valid(value.to_string())
    }
}
