//! What can be wrong with a template or with its values.

use alloc::boxed::Box;
use core::fmt;

/// Why a text is no template, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// Where in the text, in bytes.
    pub at: usize,
    /// What is wrong.
    pub problem: TemplateProblem,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateProblem {
    /// More than [`MAX_TEMPLATE_BYTES`](super::MAX_TEMPLATE_BYTES).
    TooLong,
    /// More than [`MAX_VARIABLES`](super::MAX_VARIABLES).
    TooMany,
    /// No scheme at the beginning.
    NoScheme,
    /// A `{` without `}`.
    Unclosed,
    /// A `}` without `{`.
    Unopened,
    /// A character that a URI cannot hold.
    Character(char),
    /// A `#` in the text.
    Fragment,
    /// An operator such as `{/x}`, or one in the wrong place.
    Operator(char),
    /// A length, as in `{x:3}`.
    Length(Box<str>),
    /// A list of names, as in `{a,b}`.
    Several(Box<str>),
    /// A name that could not name a parameter.
    Name(Box<str>),
    /// One name twice.
    Duplicate(Box<str>),
    /// A variable right behind another one.
    Adjacent(Box<str>),
    /// A second variable that crosses `/`.
    SecondCrossing(Box<str>),
    /// A path after the query.
    AfterQuery,
    /// A query parameter that is neither `key=value` nor `key={name}`.
    Parameter(Box<str>),
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(
                f,
                "the template is longer than {} bytes",
                super::MAX_TEMPLATE_BYTES
            ),
            Self::TooMany => write!(
                f,
                "the template has more than {} variables or parameters",
                super::MAX_VARIABLES
            ),
            Self::NoScheme => {
                f.write_str("a template begins with a scheme: write for example `data://{id}`")
            }
            Self::Unclosed => f.write_str(
                "this `{` has no `}`: close it, or write `%7B` for the character itself",
            ),
            Self::Unopened => {
                f.write_str("this `}` has no `{`: open it, or write `%7D` for the character itself")
            }
            Self::Character(found) => {
                write!(
                    f,
                    "a URI cannot hold {found:?}: write it percent-encoded, as `"
                )?;
                let mut bytes = [0; 4];
                found
                    .encode_utf8(&mut bytes)
                    .bytes()
                    .try_for_each(|byte| write!(f, "%{byte:02X}"))?;
                f.write_str("`")
            }
            Self::Fragment => {
                f.write_str("a fragment is no part of what is read: leave `#` and what follows out")
            }
            Self::Operator('?') => {
                f.write_str("the query has begun already: write `{&name}` instead of `{?name}`")
            }
            Self::Operator('&') => {
                f.write_str("no query has begun: write `{?name}` instead of `{&name}`")
            }
            Self::Operator(operator) => write!(
                f,
                "`{{{operator}…}}` is not supported: write `{{name}}` for one segment, `{{+name}}` for several, `{{?name}}` for a query parameter"
            ),
            Self::AfterQuery => f.write_str("the query comes last: move `{?…}` to the end"),
            Self::Length(name)
            | Self::Several(name)
            | Self::Name(name)
            | Self::Duplicate(name)
            | Self::Adjacent(name)
            | Self::SecondCrossing(name)
            | Self::Parameter(name) => self.fmt_named(name, f),
        }
    }
}

impl TemplateProblem {
    /// The problems that quote a name from the template.
    fn fmt_named(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(_) => write!(f, "lengths are not supported: write `{{{name}}}`"),
            Self::Several(_) => {
                write!(
                    f,
                    "only a query takes several names: write `{{{name}}}` and put text between it and the next one"
                )
            }
            Self::Name(_) => write!(
                f,
                "`{name}` cannot name a parameter: use ASCII letters, digits, `_` and `-`, and no digit at the beginning"
            ),
            Self::Duplicate(_) => write!(
                f,
                "the variable `{name}` is there twice: give the second one another name"
            ),
            Self::Adjacent(_) => {
                write!(
                    f,
                    "nothing tells where `{{{name}}}` begins: put text, such as `/`, before it"
                )
            }
            Self::SecondCrossing(_) => {
                write!(
                    f,
                    "only one variable may match across `/`: write `{{{name}}}` for one segment"
                )
            }
            _ => {
                write!(
                    f,
                    "`{name}` is no query parameter: write `key=value`, `key={{name}}` or `{{?name}}`"
                )
            }
        }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.problem, self.at)
    }
}

impl core::error::Error for TemplateError {}

/// Why a template cannot be expanded with the values given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpandError {
    /// This variable stands in every URI and was given no value.
    Missing(Box<str>),
    /// This variable cannot be empty.
    Empty(Box<str>),
    /// This variable stands in the path and was given more than one value.
    Several(Box<str>),
    /// The template has no such variable.
    Unknown(Box<str>),
}

impl fmt::Display for ExpandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "the template's variable `{name}` needs a value"),
            Self::Empty(name) => write!(f, "the template's variable `{name}` cannot be empty"),
            Self::Several(name) => write!(f, "the template's variable `{name}` takes one value"),
            Self::Unknown(name) => write!(f, "the template has no variable `{name}`"),
        }
    }
}

impl core::error::Error for ExpandError {}
