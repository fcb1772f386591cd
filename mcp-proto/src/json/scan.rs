//! One pass over JSON text, which checks all of it and tells where its parts lie.
//!
//! Nothing is decoded but keys with escapes. What is accepted is exactly what serde_json accepts
//! for a value that it skips: escapes may name lone surrogates here, as whoever decodes the string
//! finds out. Nesting takes no stack, so that its only bound is the one given.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use super::Raw;
use crate::encode::{WORD, first_escape, is_plain};

/// Why text was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is no JSON.
    Syntax,
    /// Arrays and objects nest deeper than they may.
    TooDeep,
}

pub(crate) type Scan<T> = Result<T, Fault>;

/// A place in JSON text, and how many arrays and objects may still be opened there.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    room: usize,
}

/// Where a value lies in its text. No value ends where texts begin: that is the one which is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Whether there is a value.
    pub(crate) fn is_some(self) -> bool {
        self.end > 0
    }

    /// Where it begins.
    pub(crate) fn start(self) -> usize {
        self.start as usize
    }

    /// Where it ends.
    pub(crate) fn end(self) -> usize {
        self.end as usize
    }

    /// The same value in a text that begins further ahead.
    pub(crate) fn within(self, begin: usize) -> Self {
        self.moved(begin, 0)
    }

    /// Where it lies when what was at `from` before is at `to`.
    pub(crate) fn moved(self, from: usize, to: usize) -> Self {
        let moved = |at: u32| at.wrapping_add(to as u32).wrapping_sub(from as u32);
        Self {
            start: moved(self.start),
            end: moved(self.end),
        }
    }

    /// The value in the text that was scanned; `None` where it is absent.
    pub(crate) fn of(self, text: &str) -> Option<Raw<'_>> {
        if self.end == 0 {
            return None;
        }
        text.get(self.start as usize..self.end as usize)
            .map(Raw::from_valid)
    }
}

/// A key as it is spelled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    text: &'a str,
    escaped: bool,
}

impl<'a> Key<'a> {
    /// The key. An escape that stands for no character is left as it is: such a key is no known
    /// one.
    pub(crate) fn name(self) -> Cow<'a, str> {
        if self.escaped {
            return unescaped(self.text);
        }
        Cow::Borrowed(self.text)
    }
}

#[cold]
fn unescaped(key: &str) -> Cow<'_, str> {
    serde_json::from_str::<String>(&format!("\"{key}\"")).map_or(Cow::Borrowed(key), Cow::Owned)
}

impl<'a> Scanner<'a> {
    /// Longer texts are not scanned: spans hold 32 bits.
    pub(crate) const MAX_LEN: usize = u32::MAX as usize;

    /// The start of a text in which arrays and objects may nest `depth` deep.
    pub(crate) fn new(text: &'a str, depth: usize) -> Self {
        Self {
            text,
            at: 0,
            room: depth,
        }
    }

    /// The text that is scanned.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// How far it has come.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// What is left of it.
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Whether the next token begins with this byte.
    #[inline]
    pub(crate) fn next_is(&mut self, byte: u8) -> bool {
        self.token() == Ok(byte)
    }

    /// Checks the next value, whatever it is.
    #[inline]
    pub(crate) fn value(&mut self) -> Scan<Span> {
        let byte = self.token()?;
        let start = self.at;
        match byte {
            b'"' => {
                self.at += 1;
                self.string()?;
            }
            b'{' | b'[' => self.nested()?,
            _ => self.scalar(byte)?,
        }
        Ok(self.since(start))
    }

    /// Checks the next value, which is often this string.
    #[inline(always)]
    pub(crate) fn usual_value(&mut self, usual: &'static str) -> Scan<Span> {
        let start = self.at;
        match self.skip_key(usual) {
            true => Ok(self.since(start)),
            false => self.value(),
        }
    }

    /// Where the next value lies, which `read` has to get behind.
    #[inline]
    pub(crate) fn reading(&mut self, read: impl FnOnce(&mut Self) -> Scan<()>) -> Scan<Span> {
        self.token()?;
        let start = self.at;
        read(self)?;
        Ok(self.since(start))
    }

    /// Gets behind the next value if it is this text, which was accepted before and has no more
    /// than `depth` arrays and objects in it.
    #[inline]
    pub(crate) fn skip(&mut self, value: &str, depth: usize) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let same = self.room >= depth && rest.starts_with(value.as_bytes());
        self.at += if same { value.len() } else { 0 };
        same
    }

    /// Steps into the object or array that is next.
    #[inline]
    pub(crate) fn enter(&mut self) -> Scan<()> {
        self.room = self.room.checked_sub(1).ok_or(Fault::TooDeep)?;
        self.at += 1;
        Ok(())
    }

    /// The next key of the object that was entered, with the value next; `None` behind the object.
    #[inline]
    pub(crate) fn next_key(&mut self, first: bool) -> Scan<Option<Key<'a>>> {
        match self.next_member(first)? {
            true => self.any_key().map(Some),
            false => Ok(None),
        }
    }

    /// Whether there is another member in the object that was entered, whose key is next then.
    #[inline]
    pub(crate) fn next_member(&mut self, first: bool) -> Scan<bool> {
        self.next_item(first, b'}')
    }

    /// Gets behind the key that is next if it is spelled just so; `key` has its quotes and its
    /// colon. To compare a few usual keys costs less than to look for the end of any.
    #[inline(always)]
    pub(crate) fn skip_key(&mut self, key: &'static str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let same = rest.starts_with(key.as_bytes());
        self.at += if same { key.len() } else { 0 };
        same
    }

    /// The key that is next, with the value next.
    #[inline]
    pub(crate) fn any_key(&mut self) -> Scan<Key<'a>> {
        let start = self.at + 1;
        let escaped = self.key()?;
        let text = self.text.get(start..self.at - 1).unwrap_or_default();
        self.colon()?;
        Ok(Key { text, escaped })
    }

    /// Whether there is another item in the array that was entered, which is next then.
    pub(crate) fn next_element(&mut self, first: bool) -> Scan<bool> {
        self.next_item(first, b']')
    }

    /// That nothing follows.
    pub(crate) fn end(&mut self) -> Scan<()> {
        match self.token() {
            Err(_) => Ok(()),
            Ok(_) => Err(Fault::Syntax),
        }
    }

    // What was read since the scan was there.
    #[inline]
    fn since(&self, start: usize) -> Span {
        Span {
            start: start as u32,
            end: self.at as u32,
        }
    }

    #[inline]
    fn next_item(&mut self, first: bool, close: u8) -> Scan<bool> {
        let byte = self.token()?;
        if byte == close {
            self.at += 1;
            self.room += 1;
            return Ok(false);
        }
        if !first {
            if byte != b',' {
                return Err(Fault::Syntax);
            }
            self.at += 1;
            self.token()?;
        }
        Ok(true)
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    // The byte behind white space, left where it is.
    #[inline]
    fn token(&mut self) -> Scan<u8> {
        match self.peek() {
            Some(byte) if byte > b' ' => Ok(byte),
            _ => self.token_behind_space(),
        }
    }

    fn token_behind_space(&mut self) -> Scan<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(byte),
                None => return Err(Fault::Syntax),
            }
        }
    }

    // An array or object, however deep.
    fn nested(&mut self) -> Scan<()> {
        let mut outer = Kinds::default();
        let mut depth = 1_usize;
        let mut in_object = self.peek() == Some(b'{');
        self.enter()?;
        let mut first = true;
        loop {
            if !self.next_item(first, if in_object { b'}' } else { b']' })? {
                depth -= 1;
                if depth == 0 {
                    return Ok(());
                }
                in_object = outer.pop();
                first = false;
                continue;
            }
            if in_object {
                self.key()?;
                self.colon()?;
            }
            let byte = self.token()?;
            first = matches!(byte, b'{' | b'[');
            if first {
                self.enter()?;
                outer.push(in_object);
                depth += 1;
                in_object = byte == b'{';
            } else if byte == b'"' {
                self.at += 1;
                self.string()?;
            } else {
                self.scalar(byte)?;
            }
        }
    }

    // Tells whether there are escapes in it.
    #[inline]
    fn key(&mut self) -> Scan<bool> {
        if self.peek() != Some(b'"') {
            return Err(Fault::Syntax);
        }
        self.at += 1;
        self.string()
    }

    #[inline]
    fn colon(&mut self) -> Scan<()> {
        if self.token()? != b':' {
            return Err(Fault::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    // A value that is no string.
    fn scalar(&mut self, byte: u8) -> Scan<()> {
        match byte {
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => Err(Fault::Syntax),
        }
    }

    fn literal(&mut self, word: &[u8]) -> Scan<()> {
        if !self.text.as_bytes()[self.at..].starts_with(word) {
            return Err(Fault::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    // The rest of a string, its closing quote included. Tells whether there are escapes in it.
    #[inline]
    fn string(&mut self) -> Scan<bool> {
        let bytes = self.text.as_bytes();
        self.at = plain_end(bytes, self.at);
        if bytes.get(self.at) == Some(&b'"') {
            self.at += 1;
            return Ok(false);
        }
        self.string_with_escapes()
    }

    fn string_with_escapes(&mut self) -> Scan<bool> {
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        loop {
            self.at = plain_end(bytes, self.at);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(Fault::Syntax),
            }
        }
    }

    fn escape(&mut self) -> Scan<()> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(Fault::Syntax);
                }
                self.at += 5;
            }
            _ => return Err(Fault::Syntax),
        }
        Ok(())
    }

    fn number(&mut self) -> Scan<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            // No digit may follow; nothing else accepts one here.
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Scan<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|byte| !byte.is_ascii_digit());
        let count = end.unwrap_or(rest.len());
        self.at += count;
        match count {
            0 => Err(Fault::Syntax),
            _ => Ok(()),
        }
    }
}

/// Where the first quote, backslash or control character from `at` on lies, or the text's end.
#[inline]
fn plain_end(bytes: &[u8], at: usize) -> usize {
    // Most keys fit into a word.
    let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else {
        return plain_end_of_few(bytes, at);
    };
    match first_escape(*word) {
        found @ ..WORD => at + found,
        _ => plain_end_of_many(bytes, at + WORD),
    }
}

fn plain_end_of_many(bytes: &[u8], start: usize) -> usize {
    // Vector instructions only tell whether there is anything in a block. Most strings are short:
    // few bytes at a time first, and behind the last of them word by word.
    const FEW: usize = 16;
    const MANY: usize = 64;
    let mut at = start;
    while bytes[at..].first_chunk().is_some_and(is_plain::<FEW>) {
        at += FEW;
        if at == start + MANY {
            while bytes[at..].first_chunk().is_some_and(is_plain::<MANY>) {
                at += MANY;
            }
        }
    }
    while let Some(word) = bytes[at..].first_chunk() {
        match first_escape(*word) {
            found @ ..WORD => return at + found,
            _ => at += WORD,
        }
    }
    plain_end_of_few(bytes, at)
}

// Where less than a word is left.
fn plain_end_of_few(bytes: &[u8], at: usize) -> usize {
    let special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(special).unwrap_or(rest.len())
}

/// Which of the open containers are objects, innermost last: a bit for each.
#[derive(Default)]
struct Kinds {
    // The newest ones, the innermost lowest, and how many they are.
    bits: u64,
    count: u32,
    full: Vec<u64>,
}

impl Kinds {
    fn push(&mut self, is_object: bool) {
        if self.count == u64::BITS {
            self.full.push(self.bits);
            self.count = 0;
        }
        self.bits = self.bits << 1 | u64::from(is_object);
        self.count += 1;
    }

    fn pop(&mut self) -> bool {
        if self.count == 0 {
            self.bits = self.full.pop().unwrap_or_default();
            self.count = u64::BITS;
        }
        let is_object = self.bits & 1 == 1;
        self.bits >>= 1;
        self.count -= 1;
        is_object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &str) -> bool {
        let mut scanner = Scanner::new(text, usize::MAX);
        scanner.value().and_then(|_| scanner.end()).is_ok()
    }

    #[test]
    fn exactly_json_is_accepted() {
        let table: &[(&str, bool)] = &[
            ("0", true),
            ("-0", true),
            ("-0.10e+05", true),
            ("1E9", true),
            (" 12 ", true),
            ("01", false),
            ("-", false),
            ("1.", false),
            (".5", false),
            ("1e", false),
            ("+1", false),
            ("1e+", false),
            ("0x1", false),
            ("NaN", false),
            ("true", true),
            ("false", true),
            ("null", true),
            ("nul", false),
            ("nulll", false),
            ("\"\"", true),
            ("\"a\\u00e9\\n\\\"\\/\"", true),
            ("\"\\ud800\"", true),
            ("\"\\u12g4\"", false),
            ("\"\\u12\"", false),
            ("\"\\x\"", false),
            ("\"\\\"", false),
            ("\"a", false),
            ("\"\u{7f}é😀\"", true),
            ("\"\n\"", false),
            ("\"\u{1f}\"", false),
            ("[]", true),
            ("[ ]", true),
            ("[1,2 , 3]", true),
            ("[1,]", false),
            ("[,1]", false),
            ("[1 2]", false),
            ("[1}", false),
            ("[", false),
            ("]", false),
            ("{}", true),
            ("{\"a\":1,\"a\":[{}]}", true),
            ("{\"a\" : 1 }", true),
            ("{\"a\":1,}", false),
            ("{,}", false),
            ("{\"a\"}", false),
            ("{\"a\":}", false),
            ("{a:1}", false),
            ("{1:1}", false),
            ("{\"a\":1]", false),
            ("[[[{\"a\":[]}]],{}]", true),
            ("", false),
            (" ", false),
            ("1 2", false),
            ("\u{a0}1", false),
        ];
        for (text, expected) in table {
            assert_eq!(accepts(text), *expected, "{text}");
            let judged = serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
            assert_eq!(judged, *expected, "serde_json: {text}");
        }
    }

    #[test]
    fn a_string_ends_wherever_it_ends() {
        for length in 0..150 {
            for (tail, expected) in [("\"", true), ("\\\"\"", true), ("\n\"", false), ("", false)] {
                let text = format!("\"{}{tail}", "x".repeat(length));
                assert_eq!(accepts(&text), expected, "{length} {tail:?}");
            }
        }
    }

    #[test]
    fn depth_is_counted_over_all_that_is_open() {
        let nested = |depth: usize| "[{\"a\":".repeat(depth / 2) + "1" + &"}]".repeat(depth / 2);
        for depth in [2, 64, 66, 128, 130, 1000] {
            let text = nested(depth);
            let scan = |room| Scanner::new(&text, room).value();
            assert_eq!(
                scan(depth).map(|span| span.of(&text)),
                Ok(Some(Raw::from_valid(&text)))
            );
            assert_eq!(scan(depth - 1), Err(Fault::TooDeep));
        }
        // What is closed makes room again.
        let mut scanner = Scanner::new("[[],[],{}] []", 2);
        assert!(scanner.value().is_ok() && scanner.value().is_ok());
    }

    #[test]
    fn keys_are_decoded_where_they_can_be() {
        let mut scanner = Scanner::new(r#" {"a" : 1, "\u0062":[2],"\ud800":{},"":null} "#, 9);
        assert!(scanner.next_is(b'{'));
        scanner.enter().unwrap();
        let (mut seen, mut first) = (Vec::new(), true);
        while let Some(key) = scanner.next_key(core::mem::take(&mut first)).unwrap() {
            let value = scanner.value().unwrap().of(scanner.text()).unwrap();
            seen.push(format!("{}={}", key.name(), value.get()));
        }
        assert_eq!(seen, ["a=1", "b=[2]", "\\ud800={}", "=null"]);
        assert_eq!(scanner.end(), Ok(()));
    }
}
