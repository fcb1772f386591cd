//! The text of doc comments.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The whole text, each paragraph on one line and a blank line between two.
pub(crate) fn text(attrs: &[Attribute]) -> String {
    let mut paragraphs: Vec<String> = vec![String::new()];
    for line in attrs
        .iter()
        .filter_map(line)
        .flat_map(|text| text.lines().map(clean).collect::<Vec<_>>())
    {
        match paragraphs.last_mut() {
            Some(_) if line.is_empty() => paragraphs.push(String::new()),
            Some(last) if last.is_empty() => *last = line,
            Some(last) => {
                last.push(' ');
                last.push_str(&line);
            }
            None => {}
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

/// The first paragraph.
pub(crate) fn summary(attrs: &[Attribute]) -> String {
    let text = text(attrs);
    text.split_once("\n\n")
        .map_or(text.clone(), |(first, _)| first.to_owned())
}

pub(crate) fn is_doc(attr: &Attribute) -> bool {
    attr.path().is_ident("doc")
}

fn line(attr: &Attribute) -> Option<String> {
    match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Some(match text.value() {
                // An empty line, which `lines` would lose.
                empty if empty.is_empty() => String::from("\n"),
                text => text,
            }),
            _ => None,
        },
        _ => None,
    }
}

/// Without the blanks around and the stars of a block comment's lines.
fn clean(line: &str) -> String {
    let line = line.trim();
    line.strip_prefix("* ")
        .unwrap_or(if line == "*" { "" } else { line })
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str) -> (String, String) {
        let function: syn::ItemFn = syn::parse_str(&format!("{source} fn f() {{}}")).unwrap();
        (summary(&function.attrs), text(&function.attrs))
    }

    #[test]
    fn lines_become_paragraphs() {
        let same = |text: &str| (text.to_owned(), text.to_owned());
        assert_eq!(of("/// Adds.\n"), same("Adds."));
        assert_eq!(of("/// Adds\n/// two.\n"), same("Adds two."));
        assert_eq!(of("/** the first */"), same("the first"));
        assert_eq!(of("/**\n * One\n * two.\n *\n * Three. */").0, "One two.");
        assert_eq!(of("#[inline]"), same(""));
        assert_eq!(
            of("///\n/// A.\n///\n///\n/// B\n/// c.\n"),
            ("A.".to_owned(), "A.\n\nB c.".to_owned())
        );
        // A list's stars stay.
        assert_eq!(of("/// Takes: *all*\n").0, "Takes: *all*");
    }
}
