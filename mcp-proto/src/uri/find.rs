//! Matching a URI. No step is ever taken back: text is bound where nothing else could match.

use super::{
    MAX_URI_BYTES, MAX_VALUES, Pair, Part, Place, UriTemplate, Variables, percent, screen,
};
use alloc::{string::String, vec, vec::Vec};

pub(super) fn find(template: &UriTemplate, uri: &str) -> Option<Variables> {
    if uri.len() > MAX_URI_BYTES {
        return None;
    }
    let uri = uri.split_once('#').map_or(uri, |(uri, _fragment)| uri);
    let (path, query) = match uri.split_once('?') {
        Some((path, query)) if !template.takes_query() => (path, query),
        _ => (uri, ""),
    };
    let mut values = vec![Vec::new(); template.variables.len()];
    find_in_path(template, path, &mut values)?;
    find_in_query(template, query, &mut values)?;
    let screened = |(index, values): (usize, &Vec<String>)| {
        template.variables[index].screened && values.iter().any(|value| screen::is_unsafe(value))
    };
    if values.iter().enumerate().any(screened) {
        return None;
    }
    let named = template
        .variables
        .iter()
        .map(|variable| variable.name.clone())
        .zip(values);
    Some(Variables {
        entries: named.filter(|(_, values)| !values.is_empty()).collect(),
    })
}

fn find_in_path(template: &UriTemplate, path: &str, values: &mut [Vec<String>]) -> Option<()> {
    let crosses = |part: &Part| matches!(part, Part::Variable(index) if template.variables[*index].place.crosses_segments());
    let mut set = |index: usize, text: &str| {
        values[index].push(percent::decode(text, false)?);
        Some(())
    };
    let Some(at) = template.path.iter().position(crosses) else {
        return (from_end(&template.path, path, &mut set)? == 0).then_some(());
    };
    let start = from_start(&template.path[..at], path, &mut set)?;
    let end = from_end(&template.path[at + 1..], path, &mut set)?;
    let between = path.get(start..end).filter(|text| !text.is_empty())?;
    match template.path[at] {
        Part::Variable(index) => set(index, between),
        Part::Literal(_) => None,
    }
}

/// Matches `parts`, of which the first is text, against the end of `path`; tells where they begin.
///
/// Taking the last place where a text fits loses nothing: a variable cannot hold `/`, so an
/// earlier place in another segment cannot match, and one in the same segment only moves text
/// from the variable before to the one behind.
fn from_end(
    parts: &[Part],
    path: &str,
    set: &mut impl FnMut(usize, &str) -> Option<()>,
) -> Option<usize> {
    let mut end = path.len();
    let mut open = None;
    for part in parts.iter().rev() {
        match (part, open.take()) {
            (Part::Variable(index), _) => open = Some(*index),
            (Part::Literal(text), None) => end = path[..end].strip_suffix(&**text)?.len(),
            (Part::Literal(text), Some(index)) => {
                // At least one character is left for the variable.
                let (last, _) = path[..end].char_indices().next_back()?;
                let start = path[..last].rfind(&**text)?;
                set(index, segment(&path[start + text.len()..end])?)?;
                end = start;
            }
        }
    }
    Some(end)
}

/// The same against the beginning of `path`, with the first place where a text fits; tells where
/// the parts end. The last of them is text.
fn from_start(
    parts: &[Part],
    path: &str,
    set: &mut impl FnMut(usize, &str) -> Option<()>,
) -> Option<usize> {
    let mut start = 0;
    let mut open = None;
    for part in parts {
        match (part, open.take()) {
            (Part::Variable(index), _) => open = Some(*index),
            (Part::Literal(text), None) => {
                start += path[start..].strip_prefix(&**text).map(|_| text.len())?;
            }
            (Part::Literal(text), Some(index)) => {
                let second = start + path[start..].chars().next()?.len_utf8();
                let end = second + path[second..].find(&**text)?;
                set(index, segment(&path[start..end])?)?;
                start = end + text.len();
            }
        }
    }
    Some(start)
}

fn segment(text: &str) -> Option<&str> {
    (!text.contains(['/', '?'])).then_some(text)
}

fn find_in_query(template: &UriTemplate, query: &str, values: &mut [Vec<String>]) -> Option<()> {
    if template.query.is_empty() {
        return Some(());
    }
    let mut found = vec![false; template.query.len()];
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (key, text) = parameter.split_once('=').unwrap_or((parameter, ""));
        // A key that is not UTF-8 is none of ours.
        let Some(key) = percent::decode(key, true) else {
            continue;
        };
        for (pair, found) in template.query.iter().zip(&mut found) {
            match pair {
                Pair::Fixed { key: known, value } if **known == *key => {
                    *found |= percent::decode(text, true)? == **value;
                }
                Pair::Variable { key: known, index } if **known == *key => {
                    let list = &mut values[*index];
                    if template.variables[*index].place == Place::QueryList {
                        add(list, text)?;
                    } else if !*found {
                        // Before decoding, so that an encoded comma belongs to its value.
                        text.split(',').try_for_each(|item| add(list, item))?;
                    }
                    *found = true;
                }
                _ => {}
            }
        }
    }
    let wanted = |pair: &Pair| match pair {
        Pair::Fixed { .. } => true,
        Pair::Variable { index, .. } => template.variables[*index].is_required(),
    };
    template
        .query
        .iter()
        .zip(found)
        .all(|(pair, found)| found || !wanted(pair))
        .then_some(())
}

fn add(list: &mut Vec<String>, text: &str) -> Option<()> {
    if list.len() == MAX_VALUES {
        return None;
    }
    list.push(percent::decode(text, true)?);
    Some(())
}
