//! Reading a template.

use super::{
    MAX_TEMPLATE_BYTES, MAX_VARIABLES, Pair, Part, Place, TemplateError, TemplateProblem,
    UriTemplate, Variable, percent,
};
use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

pub(super) fn parse(text: &str) -> Result<UriTemplate, TemplateError> {
    if text.len() > MAX_TEMPLATE_BYTES {
        return Err(error(MAX_TEMPLATE_BYTES, TemplateProblem::TooLong));
    }
    if !has_scheme(text) {
        return Err(error(0, TemplateProblem::NoScheme));
    }
    let mut reader = Reader::default();
    let mut at = 0;
    while let Some(offset) = text[at..].find(['{', '}']) {
        let brace = at + offset;
        reader.literal(&text[at..brace], at)?;
        if text.as_bytes()[brace] == b'}' {
            return Err(error(brace, TemplateProblem::Unopened));
        }
        let inside = &text[brace + 1..];
        let Some(length) = inside
            .find(['{', '}'])
            .filter(|end| inside.as_bytes()[*end] == b'}')
        else {
            return Err(error(brace, TemplateProblem::Unclosed));
        };
        reader.expression(&inside[..length], brace)?;
        at = brace + 1 + length + 1;
    }
    reader.literal(&text[at..], at)?;
    reader.end_pair(text.len())?;
    Ok(UriTemplate {
        text: text.into(),
        path: reader.path,
        query: reader.query,
        variables: reader.variables,
    })
}

fn error(at: usize, problem: TemplateProblem) -> TemplateError {
    TemplateError { at, problem }
}

/// RFC 3986 §3.1
fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

#[derive(Default)]
struct Reader {
    path: Vec<Part>,
    query: Vec<Pair>,
    variables: Vec<Variable>,
    in_query: bool,
    /// The text of the query parameter that is being read.
    pair: String,
    /// Whether that parameter is complete, so that only `&` can follow.
    pair_done: bool,
}

impl Reader {
    fn literal(&mut self, text: &str, at: usize) -> Result<(), TemplateError> {
        if let Some((offset, found)) = percent::unfit(text) {
            let problem = if found == '#' {
                TemplateProblem::Fragment
            } else {
                TemplateProblem::Character(found)
            };
            return Err(error(at + offset, problem));
        }
        let query = if self.in_query {
            text
        } else {
            let (path, query) = text
                .split_once('?')
                .map_or((text, None), |(path, query)| (path, Some(query)));
            if !path.is_empty() {
                self.path.push(Part::Literal(path.into()));
            }
            let Some(query) = query else { return Ok(()) };
            self.in_query = true;
            query
        };
        for (index, piece) in query.split('&').enumerate() {
            if index > 0 {
                self.end_pair(at)?;
            }
            if self.pair_done && !piece.is_empty() {
                let is_path = self.pair.is_empty();
                let problem = if is_path {
                    TemplateProblem::AfterQuery
                } else {
                    TemplateProblem::Parameter(piece.into())
                };
                return Err(error(at, problem));
            }
            self.pair.push_str(piece);
        }
        Ok(())
    }

    fn end_pair(&mut self, at: usize) -> Result<(), TemplateError> {
        let text = core::mem::take(&mut self.pair);
        if !core::mem::take(&mut self.pair_done) && !text.is_empty() {
            let (key, value) = text.split_once('=').unwrap_or((&text, ""));
            let decoded = (percent::decode(key, true), percent::decode(value, true));
            let (Some(key), Some(value)) = decoded else {
                return Err(error(at, TemplateProblem::Parameter(text.into())));
            };
            self.pair(
                Pair::Fixed {
                    key: key.into(),
                    value: value.into(),
                },
                at,
            )?;
        }
        Ok(())
    }

    fn pair(&mut self, pair: Pair, at: usize) -> Result<(), TemplateError> {
        if self.query.len() == MAX_VARIABLES {
            return Err(error(at, TemplateProblem::TooMany));
        }
        // A key may be fixed several times, but not be fixed and vary, or name two variables.
        let clash = |other: &Pair| {
            let varies =
                matches!(other, Pair::Variable { .. }) || matches!(pair, Pair::Variable { .. });
            varies && other.key() == pair.key()
        };
        if self.query.iter().any(clash) {
            return Err(error(at, TemplateProblem::Duplicate(pair.key().into())));
        }
        self.query.push(pair);
        Ok(())
    }

    /// What stands between the braces; the first of them is at `at`.
    fn expression(&mut self, text: &str, at: usize) -> Result<(), TemplateError> {
        match text.chars().next() {
            Some(operator @ ('?' | '&')) => {
                if (operator == '?') == self.in_query {
                    return Err(error(at, TemplateProblem::Operator(operator)));
                }
                self.in_query = true;
                self.end_pair(at)?;
                text[1..]
                    .split(',')
                    .try_for_each(|name| self.query_variable(name, at))?;
                // From here on only `&` may follow.
                self.pair_done = true;
                Ok(())
            }
            Some('+') => self.path_variable(&text[1..], Place::Reserved, at),
            Some(operator @ ('#' | '/' | '.' | ';' | '=' | '!' | '@' | '|' | '$')) => {
                Err(error(at, TemplateProblem::Operator(operator)))
            }
            _ if self.in_query => self.required_query_variable(text, at),
            _ if text.ends_with('*') => self.path_variable(text, Place::Segments, at),
            _ => self.path_variable(text, Place::Segment, at),
        }
    }

    fn path_variable(&mut self, text: &str, place: Place, at: usize) -> Result<(), TemplateError> {
        if self.in_query {
            let problem = if self.pair.is_empty() {
                TemplateProblem::AfterQuery
            } else {
                TemplateProblem::Parameter(text.into())
            };
            return Err(error(at, problem));
        }
        let name = single(text, at)?;
        if matches!(self.path.last(), Some(Part::Variable(_))) {
            return Err(error(at, TemplateProblem::Adjacent(name.into())));
        }
        if place.crosses_segments()
            && self
                .variables
                .iter()
                .any(|other| other.place.crosses_segments())
        {
            return Err(error(at, TemplateProblem::SecondCrossing(name.into())));
        }
        let index = self.variable(name, place, at)?;
        self.path.push(Part::Variable(index));
        Ok(())
    }

    /// `{name}` where the query has been written as text: `?key={name}`.
    fn required_query_variable(&mut self, text: &str, at: usize) -> Result<(), TemplateError> {
        let name = single(text, at)?;
        let key = self
            .pair
            .strip_suffix('=')
            .filter(|key| !key.is_empty() && !key.contains('=') && !self.pair_done);
        let Some(key) = key.and_then(|key| percent::decode(key, true)) else {
            let problem = if self.pair.is_empty() && self.pair_done {
                TemplateProblem::AfterQuery
            } else {
                TemplateProblem::Parameter(alloc::format!("{}{{{text}}}", self.pair).into())
            };
            return Err(error(at, problem));
        };
        let index = self.variable(name, Place::RequiredQuery, at)?;
        self.pair(
            Pair::Variable {
                key: key.into(),
                index,
            },
            at,
        )?;
        self.pair_done = true;
        Ok(())
    }

    fn query_variable(&mut self, text: &str, at: usize) -> Result<(), TemplateError> {
        let place = if text.ends_with('*') {
            Place::QueryList
        } else {
            Place::Query
        };
        let name = single(text, at)?;
        let index = self.variable(name, place, at)?;
        self.pair(
            Pair::Variable {
                key: name.into(),
                index,
            },
            at,
        )
    }

    fn variable(&mut self, name: &str, place: Place, at: usize) -> Result<usize, TemplateError> {
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if !plain || name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(error(at, TemplateProblem::Name(name.into())));
        }
        let name: Box<str> = name.replace('-', "_").into();
        if self.variables.iter().any(|other| *other.name == *name) {
            return Err(error(at, TemplateProblem::Duplicate(name)));
        }
        if self.variables.len() == MAX_VARIABLES {
            return Err(error(at, TemplateProblem::TooMany));
        }
        self.variables.push(Variable {
            name: Arc::from(name),
            place,
            screened: true,
        });
        Ok(self.variables.len() - 1)
    }
}

/// One name, without its `*`.
fn single(text: &str, at: usize) -> Result<&str, TemplateError> {
    if let Some((first, _)) = text.split_once(',') {
        return Err(error(at, TemplateProblem::Several(first.into())));
    }
    if let Some((name, _)) = text.split_once(':') {
        return Err(error(at, TemplateProblem::Length(name.into())));
    }
    Ok(text.strip_suffix('*').unwrap_or(text))
}
