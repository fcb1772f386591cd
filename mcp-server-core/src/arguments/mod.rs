//! Reading the arguments of a call into the types of a function's parameters.
//!
//! An object of arguments is read once, into slices of its text, and each argument is decoded into
//! its own type; nothing is allocated but the values. All that is wrong is collected into one
//! message, so that a model can put everything right in its next try.
//!
//! ```
//! use mcp_server_core::{arguments::ToolArguments, mcp_proto::json::Json};
//!
//! let given = Json::parse(r#"{"a": "x", "c": 1}"#).unwrap();
//! let mut arguments = ToolArguments::read(&["a", "b"], Some(&given));
//! let a: Option<f64> = arguments.get(0);
//! let b: Option<f64> = arguments.get_or(1, || 2.0);
//! assert_eq!((a, b), (None, Some(2.0)));
//! assert_eq!(
//!     arguments.finish().unwrap_err().to_string(),
//!     "c: unknown argument; known are a, b\na: expected a number, got the string \"x\"",
//! );
//! ```
//!
//! A parameter whose type is `Option` may be left out. The attributes `#[tool]`, `#[prompt]` and
//! `#[resource]` write such code.

mod absent;
mod members;
mod problems;
mod text;
mod value;

pub use absent::may_be_absent;
pub use problems::Problems;

use alloc::{collections::BTreeMap, string::String};
use mcp_proto::{
    json::{Json, Raw},
    uri::Variables,
};
use serde::de::DeserializeOwned;

use self::{members::Members, problems::Report, text::Text, value::Value};

/// The arguments of a tool: any JSON.
///
/// Models make mistakes that leave no doubt about what is meant. Unless this is
/// [strict](Self::strict), a string that holds the JSON of the wanted type is taken for that
/// value, and `null` for an argument that was left out.
#[derive(Debug)]
pub struct ToolArguments<'a, const N: usize> {
    members: Members<'a, N>,
    report: Report<'a>,
    strict: bool,
}

impl<'a, const N: usize> ToolArguments<'a, N> {
    /// Reads an object. Members that are not among `names` are a problem; no object at all is the
    /// empty one.
    #[must_use]
    pub fn read(names: &'a [&'a str; N], object: Option<&'a Json>) -> Self {
        let mut report = Report::new(names);
        Self {
            members: members::read(object, &mut report),
            report,
            strict: false,
        }
    }

    /// Takes nothing for what it is not.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The argument at `index` among the names. `None` where it is missing or wrong, which
    /// [`finish`](Self::finish) then tells.
    pub fn get<T: DeserializeOwned>(&mut self, index: usize) -> Option<T> {
        let Some(raw) = self.members.get(index) else {
            return absent::absent(index, &mut self.report);
        };
        self.decode(index, raw)
    }

    /// The same, for an argument that may be left out.
    pub fn get_or<T: DeserializeOwned>(
        &mut self,
        index: usize,
        default: impl FnOnce() -> T,
    ) -> Option<T> {
        match self.members.get(index) {
            None => Some(default()),
            Some(raw) if raw.is_null() && !self.strict => {
                Some(serde_json::from_str(raw.get()).unwrap_or_else(|_| default()))
            }
            Some(raw) => self.decode(index, raw),
        }
    }

    fn decode<T: DeserializeOwned>(&mut self, index: usize, raw: Raw<'_>) -> Option<T> {
        match T::deserialize(Value(raw)) {
            Ok(value) => Some(value),
            Err(error) => decode_as_meant(raw.get(), self.strict).or_else(|| {
                self.report.wrong(index, raw.get(), &error);
                None
            }),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// All that was wrong with the arguments.
    pub fn finish(self) -> Result<(), Problems> {
        self.report.finish()
    }
}

/// Decodes one JSON text into `T`, allowing for what models get wrong unless `strict`.
///
/// A number without a fraction is an integer however it is written (JSON Schema 2020-12,
/// Validation, 6.1.1).
///
/// # Errors
/// The error of `text` itself.
pub fn decode<T: DeserializeOwned>(text: &str, strict: bool) -> Result<T, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| decode_as_meant(text, strict).ok_or(error))
}

fn decode_as_meant<T: DeserializeOwned>(text: &str, strict: bool) -> Option<T> {
    serde_json::from_str(&meant_by(text, strict)?).ok()
}

/// Decodes a whole object of arguments into a type of its own; no object is the empty one.
///
/// Unless `strict`, a member that does not fit is taken for the JSON that its string holds.
///
/// ```
/// use mcp_server_core::{arguments, mcp_proto::json::Json};
/// use std::collections::BTreeMap;
///
/// let given = Json::parse(r#"{"a": "1", "b": 2}"#).unwrap();
/// let read: BTreeMap<String, u8> = arguments::decode_object(Some(&given), false).unwrap();
/// assert_eq!(read["a"], 1);
/// ```
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn decode_object<T: DeserializeOwned>(
    object: Option<&Json>,
    strict: bool,
) -> Result<T, Problems> {
    let given = object.map_or("{}", Json::as_str);
    let error = match serde_json::from_str(given) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let (mut text, mut last) = (None, None);
    if !strict {
        // Each round replaces one member of the object, and none twice.
        while let Some(better) = problems::unquoted_at(
            text.as_deref().unwrap_or(given),
            last.as_ref().unwrap_or(&error),
        ) {
            match serde_json::from_str(&better) {
                Ok(value) => return Ok(value),
                Err(next) => (text, last) = (Some(better), Some(next)),
            }
        }
    }
    Err(problems::in_object(given, &error))
}

/// Decodes one text, as [`PromptArguments`] does with each of them; `name` is for the error.
///
/// ```
/// use mcp_server_core::arguments::decode_text;
///
/// assert_eq!(decode_text::<String>("n", "42").unwrap(), "42");
/// assert_eq!(decode_text::<Option<u32>>("n", "42").unwrap(), Some(42));
/// assert!(decode_text::<u32>("n", "many").unwrap_err().to_string().starts_with("n: expected"));
/// ```
///
/// # Errors
/// Where the text is no value of that type.
pub fn decode_text<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Problems> {
    T::deserialize(Text::new(text)).map_err(|error| {
        let names = [name];
        let mut report = Report::new(&names);
        report.wrong(0, text, &error);
        report
            .finish()
            .err()
            .unwrap_or_else(|| problems::in_object(text, &error))
    })
}

/// Decodes texts by their names into a type of their own.
///
/// # Errors
/// The first thing that is wrong.
pub fn decode_texts<'a, T: DeserializeOwned>(
    texts: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<T, Problems> {
    let texts = texts
        .into_iter()
        .map(|(name, text)| (name, Text::new(text)));
    T::deserialize(serde::de::value::MapDeserializer::new(texts))
        .map_err(|error: serde_json::Error| problems::in_object("", &error))
}

/// The other text that `text` may stand for.
pub(crate) fn meant_by(text: &str, strict: bool) -> Option<String> {
    // Beyond this a double does not tell neighbouring integers apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match text.bytes().next()? {
        b'"' if !strict => serde_json::from_str(text).ok(),
        b'-' | b'0'..=b'9' if text.contains(['.', 'e', 'E']) => {
            let number: f64 = text.parse().ok()?;
            let integer = number as i64;
            (number.abs() <= EXACT && integer as f64 == number).then(|| alloc::format!("{integer}"))
        }
        _ => None,
    }
}

/// The arguments of a prompt: text, as people type it.
///
/// Where a parameter is no text, its argument is read as the type demands: a number or `true` as
/// such, anything else as JSON.
#[derive(Debug)]
pub struct PromptArguments<'a, const N: usize> {
    texts: &'a BTreeMap<String, String>,
    report: Report<'a>,
}

impl<'a, const N: usize> PromptArguments<'a, N> {
    /// Looks for `names` among the texts. Those that are not among the names are a problem.
    #[must_use]
    pub fn read(names: &'a [&'a str; N], texts: &'a BTreeMap<String, String>) -> Self {
        let mut report = Report::new(names);
        for name in texts.keys().filter(|name| !names.contains(&name.as_str())) {
            report.unknown(name);
        }
        Self { texts, report }
    }

    /// The argument at `index` among the names. `None` where it is missing or wrong, which
    /// [`finish`](Self::finish) then tells.
    pub fn get<T: DeserializeOwned>(&mut self, index: usize) -> Option<T> {
        match self.texts.get(self.report.name(index)) {
            Some(text) => self.decode(index, text),
            None => absent::absent(index, &mut self.report),
        }
    }

    /// The same, for an argument that may be left out.
    pub fn get_or<T: DeserializeOwned>(
        &mut self,
        index: usize,
        default: impl FnOnce() -> T,
    ) -> Option<T> {
        match self.texts.get(self.report.name(index)) {
            Some(text) => self.decode(index, text),
            None => Some(default()),
        }
    }

    fn decode<T: DeserializeOwned>(&mut self, index: usize, text: &str) -> Option<T> {
        let decoded = T::deserialize(Text::new(text));
        decoded
            .map_err(|error| self.report.wrong(index, text, &error))
            .ok()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// All that was wrong with the arguments.
    pub fn finish(self) -> Result<(), Problems> {
        self.report.finish()
    }
}

/// The variables of a resource template: text out of a URI.
///
/// Read like the arguments of a prompt, but that a list is made of a variable's several values.
#[derive(Debug)]
pub struct TemplateArguments<'a, const N: usize> {
    variables: &'a Variables,
    report: Report<'a>,
}

impl<'a, const N: usize> TemplateArguments<'a, N> {
    /// Looks for `names` among the values that a template found.
    #[must_use]
    pub fn read(names: &'a [&'a str; N], variables: &'a Variables) -> Self {
        Self {
            variables,
            report: Report::new(names),
        }
    }

    /// The variable at `index` among the names. `None` where it is missing or wrong, which
    /// [`finish`](Self::finish) then tells.
    pub fn get<T: DeserializeOwned>(&mut self, index: usize) -> Option<T> {
        match self.variables.all(self.report.name(index)) {
            [] => absent::absent(index, &mut self.report),
            values => self.decode(index, values),
        }
    }

    /// The same, for a variable that may be left out.
    pub fn get_or<T: DeserializeOwned>(
        &mut self,
        index: usize,
        default: impl FnOnce() -> T,
    ) -> Option<T> {
        match self.variables.all(self.report.name(index)) {
            [] => Some(default()),
            values => self.decode(index, values),
        }
    }

    fn decode<T: DeserializeOwned>(&mut self, index: usize, values: &[String]) -> Option<T> {
        let joined = text::joined(values);
        let decoded = T::deserialize(Text::of_list(values, &joined));
        decoded
            .map_err(|error| self.report.wrong(index, "", &error))
            .ok()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// All that was wrong with the variables.
    pub fn finish(self) -> Result<(), Problems> {
        self.report.finish()
    }
}

#[cfg(test)]
mod tests;
