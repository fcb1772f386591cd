//! What is wrong with arguments, in words that a model can act on.

use alloc::{
    borrow::Cow,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::{self, Write as _};
use mcp_proto::rpc::RpcError;

use crate::error::ToolError;

/// Longest piece of an argument that is repeated to the caller, in bytes.
const QUOTED: usize = 80;
/// Most problems that are told.
const TOLD: usize = 20;

/// All that is wrong with the arguments of one call, a line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(String);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Problems {
    /// For a tool: the model reads them and tries again.
    #[must_use]
    pub fn into_tool_error(self) -> ToolError {
        ToolError::new(self.0)
    }

    /// For a prompt or resource: -32602, which the client's program reads.
    #[must_use]
    pub fn into_invalid_params(self) -> ToolError {
        ToolError::protocol(RpcError::invalid_params(self.0))
    }
}

/// Collects problems. Allocates nothing while there are none.
#[derive(Debug)]
pub(super) struct Report<'a> {
    names: &'a [&'a str],
    lines: String,
    count: usize,
}

impl<'a> Report<'a> {
    pub(super) fn new(names: &'a [&'a str]) -> Self {
        Self {
            names,
            lines: String::new(),
            count: 0,
        }
    }

    pub(super) fn name(&self, index: usize) -> &'a str {
        self.names.get(index).copied().unwrap_or_default()
    }

    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| *known == name)
    }

    #[cold]
    fn add(&mut self, line: fmt::Arguments<'_>) {
        self.count += 1;
        if self.count <= TOLD {
            let separator = if self.lines.is_empty() { "" } else { "\n" };
            // Writing to a String does not fail.
            let _ = write!(self.lines, "{separator}{line}");
        }
    }

    pub(super) fn no_object(&mut self) {
        self.add(format_args!(
            "the arguments: expected an object with a member for each argument"
        ));
    }

    pub(super) fn missing(&mut self, index: usize) {
        self.add(format_args!("{}: missing, but required", self.name(index)));
    }

    pub(super) fn twice(&mut self, index: usize) {
        self.add(format_args!("{}: given twice", self.name(index)));
    }

    pub(super) fn unknown(&mut self, name: &str) {
        let name = shortened(name);
        if self.names.is_empty() {
            self.add(format_args!("{name}: unknown argument; none are known"));
        } else {
            self.add(format_args!(
                "{name}: unknown argument; known are {}",
                self.names.join(", ")
            ));
        }
    }

    /// `text` is what was decoded, to find the place of the error in it.
    #[cold]
    pub(super) fn wrong(&mut self, index: usize, text: &str, error: &serde_json::Error) {
        let path = String::from(self.name(index));
        self.add(format_args!("{}", in_words(path, text, error)));
    }

    pub(super) fn finish(mut self) -> Result<(), Problems> {
        if self.count == 0 {
            return Ok(());
        }
        if self.count > TOLD {
            let _ = write!(self.lines, "\nand {} more", self.count - TOLD);
        }
        Err(Problems(self.lines))
    }
}

/// The problem of an object as a whole.
#[cold]
pub(super) fn in_object(text: &str, error: &serde_json::Error) -> Problems {
    let line = in_words(String::new(), text, error);
    match line.strip_prefix(": ") {
        Some(line) => Problems(format!("the arguments: {line}")),
        None => Problems(line),
    }
}

/// Where and what; `path` leads to `text`.
fn in_words(mut path: String, text: &str, error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message
        .rsplit_once(" at line ")
        .map_or(&*message, |(message, _)| message);
    path.push_str(&path_at(text, offset_of(text, error)));
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'));
    if let Some(field) = missing {
        push_key(&mut path, field);
    }
    let path = path.strip_prefix('.').unwrap_or(&path);
    match missing {
        Some(_) => format!("{path}: missing, but required"),
        None => format!("{path}: {}", reworded(message)),
    }
}

/// `text`, an object, with the JSON that the string member where `error` lies holds in its place.
#[cold]
pub(super) fn unquoted_at(text: &str, error: &serde_json::Error) -> Option<String> {
    let bytes = text.as_bytes();
    let wrong = offset_of(text, error);
    let (mut at, mut depth, mut value) = (0, 0_usize, false);
    while at < wrong {
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 1 => value = true,
            b',' if depth == 1 => value = false,
            b'"' => {
                let end = end_of_string(bytes, at);
                if value && depth == 1 && end + 1 >= wrong {
                    let json: String = serde_json::from_str(text.get(at..=end)?).ok()?;
                    let is_json =
                        serde_json::from_str::<&serde_json::value::RawValue>(&json).is_ok();
                    // A string within the string would be taken out again, and so on.
                    let better = is_json && !json.trim_start().starts_with('"');
                    return better.then(|| format!("{}{json}{}", &text[..at], &text[end + 1..]));
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// serde's message in terms of JSON instead of Rust.
fn reworded(message: &str) -> String {
    let invalid = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "));
    if let Some((got, wanted)) = invalid.and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!(
            "expected {}, got {}",
            wanted_in_words(wanted),
            got_in_words(got)
        );
    }
    let variant = message
        .strip_prefix("unknown variant `")
        .and_then(|rest| rest.split_once("`, expected "));
    if let Some((got, wanted)) = variant {
        return format!("expected {wanted}, got \"{}\"", shortened(got));
    }
    shortened_to(message, 4 * QUOTED).into_owned()
}

fn wanted_in_words(wanted: &str) -> Cow<'_, str> {
    Cow::Borrowed(match wanted {
        "f32" | "f64" => "a number",
        "i128" | "i64" | "isize" => "an integer",
        "u128" | "u64" | "usize" => "an integer that is not negative",
        "u8" => "an integer from 0 to 255",
        "u16" => "an integer from 0 to 65535",
        "u32" => "an integer from 0 to 4294967295",
        "i8" => "an integer from -128 to 127",
        "i16" => "an integer from -32768 to 32767",
        "i32" => "an integer from -2147483648 to 2147483647",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" => "null",
        "a character" => "one character",
        "a borrowed string" | "a formatted string" => "a string",
        _ if wanted.starts_with("struct ") => "an object",
        _ if wanted.starts_with("a nonzero ") => "an integer that is not 0",
        _ => return shortened(wanted),
    })
}

/// What serde calls unexpected, such as `string "x"` or ``integer `5` ``.
fn got_in_words(got: &str) -> Cow<'_, str> {
    let quoted = |kind: &str| got.strip_prefix(kind)?.strip_prefix('`')?.strip_suffix('`');
    if got.starts_with("string ") {
        return Cow::Owned(format!("the {}", shortened(got)));
    }
    let literal = quoted("integer ")
        .or_else(|| quoted("floating point "))
        .or_else(|| quoted("boolean "));
    Cow::Borrowed(match got {
        "sequence" => "an array",
        "map" => "an object",
        "unit" => "null",
        _ => return shortened(literal.unwrap_or(got)),
    })
}

fn shortened(text: &str) -> Cow<'_, str> {
    shortened_to(text, QUOTED)
}

fn shortened_to(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let fits = |end: &usize| text.is_char_boundary(*end);
    let end = (0..=most).rev().find(fits).unwrap_or_default();
    Cow::Owned(format!("{}…", &text[..end]))
}

/// Where in `text` serde_json stopped; 0 where it does not say.
fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let before = error.line().saturating_sub(1);
    let line: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    (line + error.column()).min(text.len())
}

/// The way from the root of a JSON text to what stands before `offset`, such as `[2].price`.
fn path_at(text: &str, offset: usize) -> String {
    enum Step<'a> {
        Item(usize),
        Member { key: &'a str, expected: bool },
    }
    let bytes = text.as_bytes();
    let (mut steps, mut at) = (Vec::new(), 0);
    while at < offset {
        match (bytes[at], steps.last_mut()) {
            (b'{', _) => steps.push(Step::Member {
                key: "",
                expected: true,
            }),
            (b'[', _) => steps.push(Step::Item(0)),
            (b'}' | b']', _) => {
                steps.pop();
            }
            (b',', Some(Step::Item(index))) => *index += 1,
            (b',', Some(Step::Member { expected, .. })) => *expected = true,
            (b'"', top) => {
                let end = end_of_string(bytes, at);
                if let Some(Step::Member {
                    key,
                    expected: expected @ true,
                }) = top
                {
                    (*key, *expected) = (text.get(at + 1..end).unwrap_or_default(), false);
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Item(index) => {
                let _ = write!(path, "[{index}]");
            }
            Step::Member { key: "", .. } => {}
            Step::Member { key, .. } => push_key(&mut path, key),
        }
    }
    path
}

/// The place of the quote that ends the string which begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

fn push_key(path: &mut String, key: &str) {
    path.push('.');
    path.push_str(&shortened(key));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_much_is_told_and_repeated() {
        let told = |count: usize| {
            let mut report = Report::new(&["a"]);
            (0..count).for_each(|_| report.missing(0));
            report.finish().expect_err("something is missing").0
        };
        assert_eq!(told(TOLD).lines().count(), TOLD);
        let more = told(TOLD + 1);
        assert_eq!(more.lines().count(), TOLD + 1);
        assert!(more.ends_with("\nand 1 more"), "{more}");
        let fits = "x".repeat(QUOTED);
        assert_eq!(shortened(&fits), fits);
        assert_eq!(shortened(&format!("{fits}x")), format!("{fits}…"));
        // What a type of the program's says is given more room.
        let said = "y".repeat(320);
        assert_eq!(reworded(&said), said);
        assert_eq!(reworded(&format!("{said}y")), format!("{said}…"));
    }
}
