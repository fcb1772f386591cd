//! URI templates: which URIs a resource template covers, and the values in them.
//!
//! A subset of [RFC 6570](https://www.rfc-editor.org/rfc/rfc6570) that can be matched backwards
//! without guessing:
//!
//! | expression | matches | its value |
//! |---|---|---|
//! | `{x}` | one segment: anything but `/`, not empty | decoded text |
//! | `{+x}`, `{x*}` | anything, `/` included, not empty; once in a template | decoded text |
//! | `{?a,b}` | `a=…` and `b=…` in the query, in any order, each optional | decoded text, or its parts at raw commas |
//! | `{?a*}` | every `a=…` in the query | a list |
//! | `?k={x}` | `k=…` in the query, required | as for `{?a}` |
//! | `{&a,b}` | the same as `{?a,b}`, after a `?` in the text | as for `{?a,b}` |
//!
//! A template's URI may carry more query parameters than the template names, and a fragment; both
//! are ignored. A template that ends in `{+x}` takes the query as a part of `x`. A hyphen in a
//! variable's name becomes an underscore, so that it can name a parameter of a function; in the
//! query the hyphen is kept.
//!
//! ```
//! use mcp_proto::uri::UriTemplate;
//!
//! let template = UriTemplate::parse("weather://{city}/now{?units}").unwrap();
//! let values = template.matches("weather://S%C3%A3o%20Paulo/now?units=metric").unwrap();
//! assert_eq!(values.get("city").unwrap(), "São Paulo");
//! assert_eq!(values.get("units").unwrap(), "metric");
//! assert!(template.matches("weather://a/b/now").is_none());
//!
//! let uri = template.expand(&[("city", "Bonn")]).unwrap();
//! assert_eq!(uri, "weather://Bonn/now");
//! ```

mod error;
mod expand;
mod find;
mod parse;
mod percent;
mod screen;
#[cfg(test)]
mod tests;

pub use error::{ExpandError, TemplateError, TemplateProblem};

use alloc::{borrow::Cow, boxed::Box, string::String, sync::Arc, vec::Vec};
use core::fmt;

/// Longest template in bytes. Templates are written by people; longer ones are mistakes.
pub const MAX_TEMPLATE_BYTES: usize = 4096;
/// Most variables in one template, and most fixed query parameters.
pub const MAX_VARIABLES: usize = 32;
/// Longest URI in bytes that is looked at; a longer one matches nothing.
pub const MAX_URI_BYTES: usize = 64 * 1024;
/// Most values that one URI may give; one with more matches nothing.
pub const MAX_VALUES: usize = 1024;

/// A URI template, ready to be matched and expanded. See the [module](self) for the syntax.
#[derive(Clone, Debug)]
pub struct UriTemplate {
    text: Box<str>,
    // Begins with a literal; no two variables are neighbours; at most one crosses `/`.
    path: Vec<Part>,
    query: Vec<Pair>,
    variables: Vec<Variable>,
}

/// A piece of a template before its query.
#[derive(Clone, Debug)]
enum Part {
    Literal(Box<str>),
    /// An index into the variables.
    Variable(usize),
}

/// A parameter of a template's query.
#[derive(Clone, Debug)]
enum Pair {
    Fixed { key: Box<str>, value: Box<str> },
    Variable { key: Box<str>, index: usize },
}

impl Pair {
    fn key(&self) -> &str {
        match self {
            Self::Fixed { key, .. } | Self::Variable { key, .. } => key,
        }
    }
}

/// A variable of a template.
#[derive(Clone, Debug)]
pub struct Variable {
    name: Arc<str>,
    place: Place,
    screened: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// `{x}`
    Segment,
    /// `{x*}`
    Segments,
    /// `{+x}`
    Reserved,
    /// `{?x}` and `{&x}`
    Query,
    /// `?k={x}`
    RequiredQuery,
    /// `{?x*}`
    QueryList,
}

impl Place {
    fn crosses_segments(self) -> bool {
        matches!(self, Self::Segments | Self::Reserved)
    }
}

impl Variable {
    /// The name as a Rust identifier would spell it, with underscores for hyphens.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether every URI that matches has a value for it; otherwise it stands in the query.
    #[must_use]
    pub fn is_required(&self) -> bool {
        !matches!(self.place, Place::Query | Place::QueryList)
    }

    /// Whether it may have several values, as `{?x*}` may.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.place == Place::QueryList
    }
}

impl UriTemplate {
    /// Reads a template. One without variables matches a single URI.
    ///
    /// # Errors
    /// Where `text` is no template of this kind. The message names the fix.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parse::parse(text)
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The variables, in the order in which they are written.
    #[must_use]
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Lets the variable `name` have any value, however much it looks like a way out of a folder.
    ///
    /// Without this a URI does not match where a value, decoded once or more, has a `..` segment,
    /// is an absolute path, or holds a backslash or NUL. Tells whether there is such a variable.
    pub fn exempt(&mut self, name: &str) -> bool {
        let variable = self
            .variables
            .iter_mut()
            .find(|variable| &*variable.name == name);
        variable.map(|variable| variable.screened = false).is_some()
    }

    /// The values in `uri`, where it is one that this template covers.
    ///
    /// Takes time in proportion to the length of the URI. Percent-encoding is decoded, and in the
    /// query `+` is a blank. A URI that is screened out (see [`exempt`](Self::exempt)) or whose
    /// values are not UTF-8 matches nothing, so that a peer cannot tell it from an unknown one.
    ///
    /// Where a segment could be split in several ways, as with `{name}.{extension}` in
    /// `a.tar.gz`, the first variable takes the most; if a variable that crosses `/` follows, the
    /// least.
    #[must_use]
    pub fn matches(&self, uri: &str) -> Option<Variables> {
        find::find(self, uri)
    }

    /// The URI in which the variables have these values.
    ///
    /// A name may be given several times where a list is allowed, which is in `{?x}` and `{?x*}`.
    /// Values are plain text: a `%` in one is encoded too, and so is a `#`, also in `{+x}`.
    ///
    /// ```
    /// # use mcp_proto::uri::UriTemplate;
    /// let template = UriTemplate::parse("notes://{+path}{?tag*}").unwrap();
    /// let uri = template.expand(&[("path", "a/b c"), ("tag", "x"), ("tag", "y")]).unwrap();
    /// assert_eq!(uri, "notes://a/b%20c?tag=x&tag=y");
    /// ```
    ///
    /// # Errors
    /// Where a value is missing, empty where the URI would not match, one too many, or of no
    /// variable.
    pub fn expand<N: AsRef<str>, V: AsRef<str>>(
        &self,
        values: &[(N, V)],
    ) -> Result<String, ExpandError> {
        expand::expand(self, values)
    }

    /// Whether the text after a `?` belongs to the last variable.
    fn takes_query(&self) -> bool {
        let last = self.path.last();
        self.query.is_empty()
            && matches!(last, Some(Part::Variable(index)) if self.variables[*index].place == Place::Reserved)
    }
}

impl fmt::Display for UriTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for UriTemplate {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for UriTemplate {}

/// The values that a template found in a URI, decoded, in the template's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    // No variable without a value.
    entries: Vec<(Arc<str>, Vec<String>)>,
}

impl Variables {
    /// The value of `name`; several are joined by commas, as they stood in the URI.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.all(name) {
            [] => None,
            [one] => Some(Cow::Borrowed(one)),
            several => Some(Cow::Owned(several.join(","))),
        }
    }

    /// All values of `name`: those that were repeated or separated by commas. None where the URI
    /// does not have it.
    #[must_use]
    pub fn all(&self, name: &str) -> &[String] {
        let entry = self.entries.iter().find(|(known, _)| &**known == name);
        entry.map_or(&[], |(_, values)| values)
    }

    /// Each variable that has a value, with its values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.entries
            .iter()
            .map(|(name, values)| (&**name, values.as_slice()))
    }

    /// Whether no variable has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Values that repeat a name are that name's list.
impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(values: I) -> Self {
        let mut entries: Vec<(Arc<str>, Vec<String>)> = Vec::new();
        for (name, value) in values {
            match entries
                .iter_mut()
                .find(|(known, _)| **known == *name.as_ref())
            {
                Some((_, values)) => values.push(value.into()),
                None => entries.push((Arc::from(name.as_ref()), [value.into()].into())),
            }
        }
        Self { entries }
    }
}
