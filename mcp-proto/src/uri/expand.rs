//! Making a URI out of a template and values.

use super::{
    ExpandError, Pair, Part, Place, UriTemplate, Variable,
    percent::{self, Keep},
};
use alloc::{string::String, vec::Vec};

pub(super) fn expand<N: AsRef<str>, V: AsRef<str>>(
    template: &UriTemplate,
    values: &[(N, V)],
) -> Result<String, ExpandError> {
    for (name, _) in values {
        if !template
            .variables
            .iter()
            .any(|variable| is_named(variable, name.as_ref()))
        {
            return Err(ExpandError::Unknown(name.as_ref().into()));
        }
    }
    let of = |variable: &Variable| -> Vec<&str> {
        let own = values
            .iter()
            .filter(|(name, _)| is_named(variable, name.as_ref()));
        own.map(|(_, value)| value.as_ref()).collect()
    };
    let mut uri = String::new();
    for part in &template.path {
        match part {
            Part::Literal(text) => uri.push_str(text),
            Part::Variable(index) => {
                let variable = &template.variables[*index];
                expand_path(template, variable, &of(variable), &mut uri)?;
            }
        }
    }
    let mut separator = '?';
    for pair in &template.query {
        match pair {
            Pair::Fixed { key, value } => {
                begin(key, &mut separator, &mut uri);
                percent::encode(value, Keep::Unreserved, &mut uri);
            }
            Pair::Variable { key, index } => {
                let variable = &template.variables[*index];
                let values = of(variable);
                if values.is_empty() && variable.is_required() {
                    return Err(ExpandError::Missing(variable.name().into()));
                }
                expand_query(key, variable, &values, &mut separator, &mut uri);
            }
        }
    }
    Ok(uri)
}

/// In the form of the template or in that of a parameter's name.
fn is_named(variable: &Variable, name: &str) -> bool {
    let known = variable.name().bytes();
    name.len() == known.len()
        && name
            .bytes()
            .zip(known)
            .all(|(given, known)| given == known || (given == b'-' && known == b'_'))
}

fn expand_path(
    template: &UriTemplate,
    variable: &Variable,
    values: &[&str],
    uri: &mut String,
) -> Result<(), ExpandError> {
    let keep = match variable.place {
        Place::Segments => Keep::Slash,
        Place::Reserved if template.takes_query() => Keep::Reserved,
        Place::Reserved => Keep::ReservedInPath,
        _ => Keep::Unreserved,
    };
    match values {
        [] => Err(ExpandError::Missing(variable.name().into())),
        [""] => Err(ExpandError::Empty(variable.name().into())),
        [value] => {
            percent::encode(value, keep, uri);
            Ok(())
        }
        _ => Err(ExpandError::Several(variable.name().into())),
    }
}

fn expand_query(
    key: &str,
    variable: &Variable,
    values: &[&str],
    separator: &mut char,
    uri: &mut String,
) {
    if variable.is_list() {
        for value in values {
            begin(key, separator, uri);
            percent::encode(value, Keep::Unreserved, uri);
        }
    } else if !values.is_empty() {
        begin(key, separator, uri);
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                uri.push(',');
            }
            percent::encode(value, Keep::Unreserved, uri);
        }
    }
}

fn begin(key: &str, separator: &mut char, uri: &mut String) {
    uri.push(core::mem::replace(separator, '&'));
    percent::encode(key, Keep::Unreserved, uri);
    uri.push('=');
}
