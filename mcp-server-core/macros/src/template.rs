//! The variables of a URI template, and what is wrong with it.
//!
//! mcp-proto parses templates for good when the server is built. This follows the same rules, so
//! that mistakes are errors of the compiler; a test holds the two together.

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// As a Rust identifier.
    pub(crate) name: String,
    /// Stands in every URI, and not only in some queries.
    pub(crate) required: bool,
}

const MAX_BYTES: usize = 4096;
const MAX_VARIABLES: usize = 32;

pub(crate) fn variables(text: &str) -> Result<Vec<Variable>, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("a URI template has at most {MAX_BYTES} bytes"));
    }
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(fits) {
        return Err(String::from(
            "a resource's URI begins with a scheme: write for example `data://…`",
        ));
    }
    let (mut reader, mut rest) = (Reader::default(), text);
    while let Some(brace) = rest.find(['{', '}']) {
        reader.literal(&rest[..brace])?;
        if rest[brace..].starts_with('}') {
            return Err(String::from(
                "there is a `}` without `{`: open it, or write `%7D` for the character itself",
            ));
        }
        let inside = &rest[brace + 1..];
        let Some(end) = inside
            .find(['{', '}'])
            .filter(|end| inside[*end..].starts_with('}'))
        else {
            return Err(String::from(
                "there is a `{` without `}`: close it, or write `%7B` for the character itself",
            ));
        };
        reader.expression(&inside[..end])?;
        rest = &inside[end + 1..];
    }
    reader.literal(rest)?;
    reader.end_pair()?;
    Ok(reader.variables)
}

#[derive(Default)]
struct Reader {
    variables: Vec<Variable>,
    keys: Vec<(String, bool)>,
    after_variable: bool,
    crossing: bool,
    in_query: bool,
    pair: String,
    pair_done: bool,
}

impl Reader {
    fn literal(&mut self, text: &str) -> Result<(), String> {
        check_characters(text)?;
        let query = if self.in_query {
            text
        } else {
            let (path, query) = text
                .split_once('?')
                .map_or((text, None), |(path, query)| (path, Some(query)));
            self.after_variable &= path.is_empty();
            let Some(query) = query else { return Ok(()) };
            self.in_query = true;
            query
        };
        for (index, piece) in query.split('&').enumerate() {
            if index > 0 {
                self.end_pair()?;
            }
            if self.pair_done && !piece.is_empty() {
                return Err(self.misplaced(piece));
            }
            self.pair.push_str(piece);
        }
        Ok(())
    }

    fn end_pair(&mut self) -> Result<(), String> {
        let text = std::mem::take(&mut self.pair);
        if !std::mem::take(&mut self.pair_done) && !text.is_empty() {
            let (key, value) = text.split_once('=').unwrap_or((&text, ""));
            match (decode(key), decode(value)) {
                (Some(key), Some(_)) => self.key(key, false)?,
                _ => return Err(parameter(&text)),
            }
        }
        Ok(())
    }

    fn key(&mut self, key: String, varies: bool) -> Result<(), String> {
        if self.keys.len() == MAX_VARIABLES {
            return Err(too_many());
        }
        if self
            .keys
            .iter()
            .any(|(known, other)| *known == key && (varies || *other))
        {
            return Err(format!(
                "the query parameter `{key}` is there twice: give the second one another name"
            ));
        }
        self.keys.push((key, varies));
        Ok(())
    }

    fn expression(&mut self, text: &str) -> Result<(), String> {
        match text.chars().next() {
            Some('?') if self.in_query => Err(String::from(
                "the query has begun already: write `{&name}` instead of `{?name}`",
            )),
            Some('&') if !self.in_query => Err(String::from(
                "no query has begun: write `{?name}` instead of `{&name}`",
            )),
            Some('?' | '&') => {
                self.in_query = true;
                self.end_pair()?;
                for name in text[1..].split(',') {
                    let name = single(name)?;
                    self.variable(name, false)?;
                    self.key(name.to_owned(), true)?;
                }
                self.pair_done = true;
                Ok(())
            }
            Some('+') => self.path_variable(&text[1..], true),
            Some(operator @ ('#' | '/' | '.' | ';' | '=' | '!' | '@' | '|' | '$')) => Err(format!(
                "`{{{operator}…}}` is not supported: write `{{name}}` for one segment, `{{+name}}` for several, \
                 `{{?name}}` for a query parameter"
            )),
            _ if self.in_query => self.required_query_variable(text),
            _ => self.path_variable(text, text.ends_with('*')),
        }
    }

    fn path_variable(&mut self, text: &str, crosses: bool) -> Result<(), String> {
        if self.in_query {
            return Err(self.misplaced(text));
        }
        let name = single(text)?;
        if self.after_variable {
            return Err(format!(
                "nothing tells where `{{{name}}}` begins: put text, such as `/`, before it"
            ));
        }
        if crosses && self.crossing {
            return Err(format!(
                "only one variable may match across `/`: write `{{{name}}}` for one segment"
            ));
        }
        self.crossing |= crosses;
        self.after_variable = true;
        self.variable(name, true)
    }

    /// `{name}` in `?key={name}`.
    fn required_query_variable(&mut self, text: &str) -> Result<(), String> {
        let name = single(text)?;
        let key = self
            .pair
            .strip_suffix('=')
            .filter(|key| !key.is_empty() && !key.contains('=') && !self.pair_done);
        let Some(key) = key.and_then(decode) else {
            return Err(self.misplaced(text));
        };
        self.variable(name, true)?;
        self.key(key, true)?;
        self.pair_done = true;
        Ok(())
    }

    fn misplaced(&self, text: &str) -> String {
        if self.pair.is_empty() && self.pair_done {
            return String::from("the query comes last: move `{?…}` to the end");
        }
        parameter(text)
    }

    fn variable(&mut self, name: &str, required: bool) -> Result<(), String> {
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if !plain || name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(format!(
                "`{name}` cannot name a parameter: use ASCII letters, digits, `_` and `-`, and no digit at the beginning"
            ));
        }
        let name = name.replace('-', "_");
        if self.variables.iter().any(|known| known.name == name) {
            return Err(format!(
                "the variable `{name}` is there twice: give the second one another name"
            ));
        }
        if self.variables.len() == MAX_VARIABLES {
            return Err(too_many());
        }
        self.variables.push(Variable { name, required });
        Ok(())
    }
}

fn single(text: &str) -> Result<&str, String> {
    if let Some((first, _)) = text.split_once(',') {
        return Err(format!(
            "only a query takes several names: write `{{{first}}}` and put text between it and the next one"
        ));
    }
    if let Some((name, _)) = text.split_once(':') {
        return Err(format!("lengths are not supported: write `{{{name}}}`"));
    }
    Ok(text.strip_suffix('*').unwrap_or(text))
}

fn parameter(text: &str) -> String {
    format!("`{text}` is no query parameter: write `key=value`, `key={{name}}` or `{{?name}}`")
}

fn too_many() -> String {
    format!("a URI template has at most {MAX_VARIABLES} variables and query parameters")
}

fn check_characters(text: &str) -> Result<(), String> {
    for (at, found) in text.char_indices() {
        let fits = match found {
            '#' => {
                return Err(String::from(
                    "a fragment is no part of what is read: leave `#` and what follows out",
                ));
            }
            '%' => {
                matches!(text.as_bytes()[at + 1..], [high, low, ..] if is_hex(high) && is_hex(low))
            }
            _ => found.is_ascii_alphanumeric() || "-._~:/?[]@!$&'()*+,;=".contains(found),
        };
        if !fits {
            let encoded: String = found
                .to_string()
                .bytes()
                .map(|byte| format!("%{byte:02X}"))
                .collect();
            return Err(format!(
                "a URI cannot hold {found:?}: write it percent-encoded, as `{encoded}`"
            ));
        }
    }
    Ok(())
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

/// A query's key or value, as text; `None` where it is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match (first, after) {
            (b'%', [high, low, after @ ..]) if is_hex(*high) && is_hex(*low) => {
                rest = after;
                let digits = [*high, *low];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            (b'+', _) => b' ',
            (byte, _) => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_proto::uri::UriTemplate;
    use proptest::prelude::*;

    fn as_parsed_for_good(text: &str) -> Option<Vec<Variable>> {
        let template = UriTemplate::parse(text).ok()?;
        let variable = |variable: &mcp_proto::uri::Variable| Variable {
            name: variable.name().to_owned(),
            required: variable.is_required(),
        };
        Some(template.variables().iter().map(variable).collect())
    }

    fn assert_same(text: &str) {
        assert_eq!(
            variables(text).ok(),
            as_parsed_for_good(text),
            "{text}: {:?}",
            variables(text)
        );
    }

    #[test]
    fn the_same_templates_are_taken_as_when_the_server_is_built() {
        let texts = [
            "a://x",
            "a://{b}",
            "a://{b-c}/{d*}.txt{?e,f*}",
            "a://{+b}",
            "a://x?k={b}&l=m{&n}",
            "a://x?k=%41",
            "x",
            "",
            "1:x",
            "{a}",
            "a://{b",
            "a://b}",
            "a://{b{c}}",
            "a://x y",
            "a://é",
            "a://%4",
            "a://x#y",
            "a://{/b}",
            "a://{b:3}",
            "a://{b,c}",
            "a://{}",
            "a://{?}",
            "a://{1}",
            "a://{b}/{b}",
            "a://{b_c}/{b-c}",
            "a://{b}{c}",
            "a://{b*}/{+c}",
            "a://x{?b}/c",
            "a://x{?b}{c}",
            "a://x?{b}",
            "a://x?b={c}d",
            "a://x?b=1{&b}",
            "a://x?b=1&b=2",
            "a://x?b={+c}",
            "a://x{&b}",
            "a://x{?b}{?c}",
            "a://x?%FF=1",
            "a://x?a=b={c}",
            "a://x?b={c,d}",
        ];
        texts.into_iter().for_each(assert_same);
        assert_same(&format!("a://{}", "x".repeat(MAX_BYTES - 4)));
        assert_same(&format!("a://{}", "x".repeat(MAX_BYTES - 3)));
        for count in [MAX_VARIABLES, MAX_VARIABLES + 1] {
            let names: Vec<_> = (0..count).map(|index| format!("v{index}")).collect();
            assert_same(&format!("a://x{{?{}}}", names.join(",")));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn any_text_is_taken_alike(text in "a:(//)?([ab-]|[{}]|\\{[+?&]?[ab]\\*?\\}|\\{[?&]a,b\\}|[?&=/%*#,]|%41){0,12}") {
            assert_same(&text);
        }
    }
}
