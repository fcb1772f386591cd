//! Rust source as the tidiness rules see it: code without comments, strings and test modules.
//!
//! A small lexer, not a parser: it knows what is a comment, a string and a brace, which is enough to
//! find functions and modules in code that rustfmt has laid out.

use std::path::{Path, PathBuf};

/// One source file, read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// Its code, with comments, string contents and test modules blanked; the lines stay where they are.
    pub code: String,
    /// The string literals outside test modules, with their line.
    pub strings: Vec<(usize, String)>,
    /// How many lines are outside test modules.
    pub lines: usize,
}

/// A function in a [`Source`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line that it starts on, from 1.
    pub line: usize,
    /// How many lines it has, signature and closing brace included.
    pub length: usize,
}

impl Source {
    /// Reads a file.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Self {
        let (mut code, mut strings) = blank(text);
        let mut lines = text.lines().count();
        for (start, end) in test_modules(&code) {
            let first = line_at(&code, start);
            let last = line_at(&code, end);
            lines -= last + 1 - first;
            strings.retain(|(line, _)| !(first..=last).contains(line));
            let hidden: String = code[start..=end].chars().map(hide).collect();
            code.replace_range(start..=end, &hidden);
        }
        Self {
            path: path.to_owned(),
            code,
            strings,
            lines,
        }
    }

    /// Every function with a body, nested ones too.
    #[must_use]
    pub fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for start in words(&self.code, "fn") {
            let rest = &self.code[start + 2..];
            let name: String = rest
                .trim_start()
                .chars()
                .take_while(|c| is_word(*c))
                .collect();
            // A pointer type (`fn(u8)`) has no name, a trait's declaration no body.
            let Some(open) = rest.find(['{', ';']).map(|at| start + 2 + at) else {
                continue;
            };
            if name.is_empty() || self.code.as_bytes()[open] == b';' {
                continue;
            }
            let (line, last) = (
                line_at(&self.code, start),
                line_at(&self.code, closing(&self.code, open)),
            );
            found.push(Function {
                name,
                line,
                length: last + 1 - line,
            });
        }
        found
    }

    /// The lines on which a path or word stands in code, not as a part of a longer word.
    #[must_use]
    pub fn uses(&self, word: &str) -> Vec<usize> {
        words(&self.code, word)
            .map(|at| line_at(&self.code, at))
            .collect()
    }

    /// What stands in braces directly after a path, with the line that each group starts on.
    #[must_use]
    pub fn groups(&self, path: &str) -> Vec<(usize, &str)> {
        let groups = words(&self.code, path).filter_map(|at| {
            let open = at + path.len() + "::".len();
            let rest = self.code.get(open..)?;
            let group = rest.starts_with('{') && self.code[..open].ends_with("::");
            group.then(|| {
                (
                    line_at(&self.code, at),
                    &self.code[open..closing(&self.code, open)],
                )
            })
        });
        groups.collect()
    }

    /// The modules that it declares in files of their own.
    #[must_use]
    pub fn module_files(&self) -> Vec<String> {
        let declared = words(&self.code, "mod").filter_map(|at| {
            let rest = self.code[at + 3..].trim_start();
            let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
            rest[name.len()..].starts_with(';').then_some(name)
        });
        declared.collect()
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn hide(c: char) -> char {
    if c == '\n' { '\n' } else { ' ' }
}

fn line_at(code: &str, at: usize) -> usize {
    code.as_bytes()[..at]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            let before = code[..*at].chars().next_back();
            let after = code[at + word.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
}

/// The place of the brace that closes the one at `open`.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return at;
        }
    }
    code.len() - 1
}

/// From the attribute to the closing brace (or the semicolon) of every module that is there for
/// tests alone: `#[cfg(test)]` or `#[cfg(all(test, ..))]`.
fn test_modules(code: &str) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let simple = code.match_indices("#[cfg(test)]");
    let mut attributes: Vec<_> = simple
        .chain(code.match_indices("#[cfg(all(test,"))
        .collect();
    attributes.sort_unstable();
    for (start, attribute) in attributes {
        if found.last().is_some_and(|(_, end)| start < *end) {
            continue;
        }
        let rest = &code[start + attribute.len()..];
        let Some(end) = rest.find(['{', ';']).map(|at| start + attribute.len() + at) else {
            continue;
        };
        if words(&code[start..end], "mod").next().is_some() {
            let body = code.as_bytes()[end] == b'{';
            found.push((start, if body { closing(code, end) } else { end }));
        }
    }
    found
}

/// Blanks comments and the contents of strings and characters; gives the strings with their lines.
fn blank(text: &str) -> (String, Vec<(usize, String)>) {
    let mut code = String::with_capacity(text.len());
    let mut strings = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (skipped, string) = token(rest, &code);
        if skipped == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        if let Some(string) = string {
            strings.push((line_at(&code, code.len()), string.to_owned()));
        }
        code.extend(rest[..skipped].chars().map(hide));
        rest = &rest[skipped..];
    }
    (code, strings)
}

/// How many bytes of `rest` are a comment, a string or a character; with a string's contents.
fn token<'a>(rest: &'a str, before: &str) -> (usize, Option<&'a str>) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if let Some(inner) = rest.strip_prefix('"') {
        let end = quoted(inner, '"');
        return (end + 2, Some(&inner[..end]));
    }
    let in_word = before.chars().next_back().is_some_and(is_word);
    let prefix = rest.find(|c| !matches!(c, 'b' | 'c' | 'r')).unwrap_or(0);
    if !in_word && rest[..prefix].ends_with('r') {
        let hashes = rest[prefix..].len() - rest[prefix..].trim_start_matches('#').len();
        let open = prefix + hashes;
        if rest[open..].starts_with('"') {
            let close = format!("\"{}", &rest[prefix..open]);
            let end = rest[open + 1..].find(&close).unwrap_or(0);
            return (
                open + 1 + end + close.len(),
                Some(&rest[open + 1..open + 1 + end]),
            );
        }
    }
    if rest.starts_with('\'') && is_character(rest) {
        return (quoted(&rest[1..], '\'') + 2, None);
    }
    (0, None)
}

/// A character literal, not a lifetime: it closes, at once or after an escape.
fn is_character(rest: &str) -> bool {
    let mut chars = rest[1..].chars();
    match chars.next() {
        Some('\\') => true,
        Some(_) => chars.next() == Some('\''),
        None => false,
    }
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at;
        }
    }
    rest.len().saturating_sub(1)
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    for (at, _) in rest.char_indices() {
        if rest[at..].starts_with("/*") {
            depth += 1;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            if depth == 0 {
                return at + 2;
            }
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::parse(Path::new("x.rs"), text)
    }

    #[test]
    fn comments_strings_and_characters_are_no_code() {
        let text = "a // unsafe\n/* fn x() { /* } */ */ b \"}{ \\\" fn\" 'c' '\\'' '{' r#\"\"{\"# b\"z\" 'life";
        let found = source(text);
        assert!(found.uses("unsafe").is_empty() && found.uses("fn").is_empty());
        assert!(!found.code.contains(['{', '}']), "{}", found.code);
        assert!(found.code.contains("'life"), "{}", found.code);
        let strings: Vec<_> = found
            .strings
            .iter()
            .map(|(line, s)| (*line, &**s))
            .collect();
        assert_eq!(strings, [(2, "}{ \\\" fn"), (2, "\"{"), (2, "z")]);
    }

    #[test]
    fn functions_are_measured_from_signature_to_brace() {
        let text = "fn a() {}\ntrait T { fn b(&self); }\nfn c<F: Fn()>(\n  f: fn(u8),\n) {\n  f(b'{');\n}\n";
        let found = source(text).functions();
        let measured: Vec<_> = found.iter().map(|f| (&*f.name, f.line, f.length)).collect();
        assert_eq!(measured, [("a", 1, 1), ("c", 3, 5)]);
    }

    #[test]
    fn test_modules_do_not_count() {
        let text = "use a;\n#[cfg(test)]\nmod tests {\n  fn long() { unsafe {} }\n}\n#[cfg(all(test, x))]\nmod more;\nmod kept;\n";
        let found = source(text);
        assert_eq!(found.lines, 2);
        assert!(found.functions().is_empty() && found.uses("unsafe").is_empty());
        assert_eq!(found.module_files(), ["kept"]);
    }

    #[test]
    fn groups_are_found_behind_their_path() {
        let found = source("use std::{fs, time::{Instant}};\nuse other_std::{a};\nuse std::x;\n");
        assert_eq!(found.groups("std"), [(1, "{fs, time::{Instant}")]);
    }

    #[test]
    fn a_word_is_not_found_inside_another() {
        assert_eq!(
            source("my_unsafe\nunsafe_code\nx::unsafe\n").uses("unsafe"),
            [3]
        );
    }
}
