//! Arguments that travel in headers as well: `x-mcp-header` in a tool's input schema, and
//! `Mcp-Param-*` in its calls (2026-07-28, basic/transports/streamable-http, "Custom Headers from
//! Tool Parameters").

use alloc::{
    borrow::Cow,
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use http::{HeaderMap, HeaderName};
use serde_json::{Map, Value};

use super::{
    mirror::{Mismatch, UNREADABLE, single},
    names::PARAM_PREFIX,
    value,
};
use crate::json::Raw;

/// The annotation's name in a schema.
pub const ANNOTATION: &str = "x-mcp-header";

/// Most annotated parameters of one tool: with all of its headers a request has no more than servers
/// commonly read.
pub const MAX_PARAMS: usize = 64;

/// Longest name of such a header together with the names that lead to its parameter, in bytes.
pub const MAX_PARAM_BYTES: usize = 4096;

/// One argument of a tool that travels in a header too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamHeader {
    name: HeaderName,
    path: Box<[Box<str>]>,
    // Integers are compared as numbers.
    integer: bool,
}

/// Finds a tool's annotated parameters.
///
/// ```
/// use mcp_proto::http::param;
///
/// let schema = r#"{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}"#;
/// let params = param::scan(schema).unwrap();
/// assert_eq!(params[0].name(), "mcp-param-region");
/// ```
///
/// # Errors
/// Where an annotation breaks a rule of "Schema Extension". A client must then leave this one tool
/// out; a server should not have offered it.
pub fn scan(input_schema: &str) -> Result<Vec<ParamHeader>, BadAnnotation> {
    // Nearly no tool has one, which one search tells. A backslash could hide the name.
    let bytes = input_schema.as_bytes();
    let absent = memchr::memmem::find(bytes, ANNOTATION.as_bytes()).is_none();
    if absent && memchr::memchr(b'\\', bytes).is_none() {
        return Ok(Vec::new());
    }
    let mut scan = Scan {
        found: Vec::new(),
        path: Vec::new(),
    };
    match serde_json::from_str(input_schema) {
        Ok(Value::Object(root)) => scan.schema(&root, true)?,
        // A schema that is no object annotates nothing; whether it is allowed is judged elsewhere.
        _ => return Ok(Vec::new()),
    }
    Ok(scan.found)
}

struct Scan {
    found: Vec<ParamHeader>,
    path: Vec<Box<str>>,
}

/// Keywords whose value is a schema, those whose value is an array of schemas or one schema, and
/// those whose value maps names to schemas. Data, such as `default` and `enum`, holds none.
const SUBSCHEMAS: &[&str] = &[
    "items",
    "prefixItems",
    "contains",
    "additionalItems",
    "unevaluatedItems",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
];
const MAPS_OF_SUBSCHEMAS: &[&str] = &[
    "patternProperties",
    "dependentSchemas",
    "dependencies",
    "$defs",
    "definitions",
];

impl Scan {
    // `reachable`: whether only `properties` lead here from the root.
    fn schema(
        &mut self,
        schema: &Map<String, Value>,
        reachable: bool,
    ) -> Result<(), BadAnnotation> {
        if let Some(name) = schema.get(ANNOTATION) {
            if !reachable || self.path.is_empty() {
                return Err(self.bad("is allowed only on what `properties` alone lead to"));
            }
            self.annotation(name, schema.get("type"))?;
        }
        for (keyword, value) in schema {
            match value {
                Value::Object(properties) if keyword == "properties" => {
                    for (name, property) in properties {
                        self.path.push(name.as_str().into());
                        self.value(property, reachable)?;
                        self.path.pop();
                    }
                }
                Value::Object(schemas) if MAPS_OF_SUBSCHEMAS.contains(&keyword.as_str()) => {
                    schemas
                        .values()
                        .try_for_each(|schema| self.value(schema, false))?;
                }
                Value::Array(schemas) if SUBSCHEMAS.contains(&keyword.as_str()) => {
                    schemas
                        .iter()
                        .try_for_each(|schema| self.value(schema, false))?;
                }
                _ if SUBSCHEMAS.contains(&keyword.as_str()) => self.value(value, false)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn value(&mut self, schema: &Value, reachable: bool) -> Result<(), BadAnnotation> {
        match schema {
            Value::Object(schema) => self.schema(schema, reachable),
            _ => Ok(()),
        }
    }

    fn annotation(&mut self, name: &Value, kind: Option<&Value>) -> Result<(), BadAnnotation> {
        let Some(text) = name.as_str() else {
            return Err(self.bad("must be a string"));
        };
        // RFC 9110 §5.1: 1*tchar, which is what the `http` crate accepts.
        let valid = !text.is_empty() && text.is_ascii();
        let name =
            valid.then(|| HeaderName::from_bytes(format!("{PARAM_PREFIX}{text}").as_bytes()));
        let Some(Ok(name)) = name else {
            return Err(self.bad(format!("{text:?} is no token")));
        };
        let path: usize = self.path.iter().map(|name| name.len()).sum();
        if text.len() + path > MAX_PARAM_BYTES {
            return Err(self.bad(format!("has names of more than {MAX_PARAM_BYTES} bytes")));
        }
        if self.found.len() == MAX_PARAMS {
            return Err(self.bad(format!("is one more than {MAX_PARAMS} in one tool")));
        }
        if self.found.iter().any(|other| other.name == name) {
            return Err(self.bad(format!("{text:?} is used twice")));
        }
        // `number` is left out because its text is not the same everywhere.
        let integer = match kind.and_then(Value::as_str) {
            Some("integer") => true,
            Some("string" | "boolean") => false,
            _ => return Err(self.bad("is allowed only on the types string, integer and boolean")),
        };
        self.found.push(ParamHeader {
            name,
            path: self.path.as_slice().into(),
            integer,
        });
        Ok(())
    }

    fn bad(&self, problem: impl Into<Cow<'static, str>>) -> BadAnnotation {
        BadAnnotation {
            path: self.path.join("."),
            problem: problem.into(),
        }
    }
}

/// An `x-mcp-header` that breaks the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadAnnotation {
    path: String,
    problem: Cow<'static, str>,
}

impl fmt::Display for BadAnnotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() {
            "the root"
        } else {
            &self.path
        };
        write!(f, "{ANNOTATION} at {path} {}", self.problem)
    }
}

impl core::error::Error for BadAnnotation {}

impl ParamHeader {
    /// The header: `mcp-param-` and the annotation's name.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The names that lead from the arguments' object to the value.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        self.path.iter().map(|name| &**name)
    }

    /// Sets the header where the arguments have a value: the client's half.
    ///
    /// Null and absent values are left out (MUST), and so is what no header can stand for: arrays,
    /// objects, and integers that not every JSON reader keeps exact.
    pub fn write(&self, arguments: Option<Raw<'_>>, headers: &mut HeaderMap) {
        let found = arguments.and_then(|arguments| self.find(arguments).ok().flatten());
        if let Some(text) = found.and_then(text_of) {
            headers.insert(self.name.clone(), value::header(&text));
        }
    }

    /// Compares the header with the arguments: the server's half.
    ///
    /// A header without a value in the body is not looked at; that is for the arguments' schema
    /// to judge, as is a value of another type. Integers are compared as numbers (SHOULD).
    ///
    /// # Errors
    /// What to answer with -32020 and status 400.
    pub fn check(&self, arguments: Option<Raw<'_>>, headers: &HeaderMap) -> Result<(), Mismatch> {
        let header = single(headers, &self.name)?;
        // A recognized header with invalid characters is refused even if it says nothing (MUST).
        let decoded = match header {
            Some(header) => Some(
                value::decode(header.as_bytes())
                    .map_err(|_| Mismatch::new(&self.name, UNREADABLE))?,
            ),
            None => None,
        };
        let Some(arguments) = arguments else {
            return Ok(());
        };
        let found = self.find(arguments).map_err(|Twice| {
            Mismatch::new(
                &self.name,
                "stands for a member that is there more than once",
            )
        })?;
        let Some((raw, text)) = found.and_then(|raw| Some((raw, text_of(raw)?))) else {
            return Ok(());
        };
        let Some(decoded) = decoded else {
            return Err(Mismatch::new(&self.name, "is missing"));
        };
        if decoded == text || (self.integer && same_number(&decoded, raw.get())) {
            return Ok(());
        }
        Err(Mismatch::new(
            &self.name,
            format!("is {decoded:?} where the body has {text:?}"),
        ))
    }

    // The value at the path; null counts as absent.
    fn find<'a>(&self, arguments: Raw<'a>) -> Result<Option<Raw<'a>>, Twice> {
        let mut raw = arguments;
        for name in &self.path {
            match member(raw, name)? {
                Some(value) if value.get() != "null" => raw = value,
                _ => return Ok(None),
            }
        }
        Ok(Some(raw))
    }
}

// The text by which a header stands for a value, as JavaScript would write it.
fn text_of(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => raw.text(),
        b't' | b'f' => Some(Cow::Borrowed(text)),
        b'-' | b'0'..=b'9' => {
            let number: f64 = text.parse().ok()?;
            if number.fract() == 0.0 {
                (number.abs() <= MAX_SAFE).then(|| Cow::Owned((number as i64).to_string()))
            } else {
                Some(Cow::Owned(number.to_string()))
            }
        }
        _ => None,
    }
}

/// The largest integer that is exact in every JSON reader: 2^53 − 1.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

// Whether a header in plain decimal notation is the number of the body.
fn same_number(header: &str, body: &str) -> bool {
    let digits = header.strip_prefix('-').unwrap_or(header);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let decimal = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !decimal(whole) || !decimal(fraction) {
        return false;
    }
    match (header.parse::<f64>(), body.parse::<f64>()) {
        (Ok(header), Ok(body)) => header == body && header.abs() <= MAX_SAFE,
        _ => false,
    }
}

/// An object has the member that is looked for more than once.
#[derive(Debug)]
struct Twice;

// What is no object has no members.
fn member<'a>(raw: Raw<'a>, name: &str) -> Result<Option<Raw<'a>>, Twice> {
    let mut found = raw.members().filter(|(key, _)| key == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(Twice),
        (first, None) => Ok(first.map(|(_, value)| value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn property(schema: &str) -> String {
        format!(r#"{{"type":"object","properties":{{"p":{schema}}}}}"#)
    }

    #[test]
    fn annotations_are_found_where_they_may_be() {
        let show = |schema: &str| -> Vec<String> {
            let found = scan(schema).unwrap();
            found
                .iter()
                .map(|p| format!("{} {} {}", p.name, p.path.join("/"), p.integer))
                .collect()
        };
        assert!(show(r#"{"type":"object","properties":{"a":{"type":"string"}}}"#).is_empty());
        assert_eq!(
            show(&property(r#"{"type":"string","x-mcp-header":"Region"}"#)),
            ["mcp-param-region p false"]
        );
        assert_eq!(
            show(&property(r#"{"type":"boolean","x-\u006dcp-header":"!#$"}"#)),
            ["mcp-param-!#$ p false"]
        );
        assert_eq!(
            show(&property(
                r#"{"type":"object","properties":{"q":{"type":"integer","x-mcp-header":"N"}}}"#
            )),
            ["mcp-param-n p/q true"]
        );
        // A property of that name, and data that looks like a schema, are no annotations.
        assert!(show(r#"{"properties":{"x-mcp-header":{"type":"string"}}}"#).is_empty());
        assert!(
            show(&property(
                r#"{"default":{"x-mcp-header":5},"enum":[{"x-mcp-header":5}]}"#
            ))
            .is_empty()
        );
        assert!(show("true").is_empty());
    }

    #[test]
    fn every_broken_rule_is_told() {
        let annotated = |kind: &str, name: &str| {
            property(&format!(r#"{{"type":{kind},"x-mcp-header":{name}}}"#))
        };
        let inside =
            |outer: &str| property(&outer.replace('@', r#"{"type":"string","x-mcp-header":"A"}"#));
        let primitive =
            "x-mcp-header at p is allowed only on the types string, integer and boolean";
        let reachable = "is allowed only on what `properties` alone lead to";
        for (schema, problem) in [
            (annotated("\"string\"", "\"\""), "x-mcp-header at p \"\" is no token"),
            (annotated("\"string\"", "\"My Region\""), "x-mcp-header at p \"My Region\" is no token"),
            (annotated("\"string\"", "\"Region:Primary\""), "x-mcp-header at p \"Region:Primary\" is no token"),
            (annotated("\"string\"", "\"Région\""), "x-mcp-header at p \"Région\" is no token"),
            (annotated("\"string\"", "\"Region\\t1\""), "x-mcp-header at p \"Region\\t1\" is no token"),
            (annotated("\"string\"", "\"A\\r\\nB\""), "x-mcp-header at p \"A\\r\\nB\" is no token"),
            (annotated("\"string\"", "null"), "x-mcp-header at p must be a string"),
            (annotated("\"string\"", "{}"), "x-mcp-header at p must be a string"),
            (annotated("\"object\"", "\"A\""), primitive),
            (annotated("\"array\"", "\"A\""), primitive),
            (annotated("\"null\"", "\"A\""), primitive),
            (annotated("\"number\"", "\"A\""), primitive),
            (annotated("[\"string\",\"null\"]", "\"A\""), primitive),
            (property(r#"{"x-mcp-header":"A"}"#), primitive),
            (
                r#"{"properties":{"a":{"type":"string","x-mcp-header":"Field"},"b":{"type":"string","x-mcp-header":"fIELD"}}}"#.into(),
                "x-mcp-header at b \"fIELD\" is used twice",
            ),
            (r#"{"type":"string","x-mcp-header":"A"}"#.into(), &format!("x-mcp-header at the root {reachable}")),
            (inside(r#"{"items":@}"#), &format!("x-mcp-header at p {reachable}")),
            (inside(r#"{"prefixItems":[true,@]}"#), &format!("x-mcp-header at p {reachable}")),
            (inside(r#"{"anyOf":[{"type":"null"},@]}"#), &format!("x-mcp-header at p {reachable}")),
            (inside(r#"{"anyOf":[{"properties":{"q":@}}]}"#), &format!("x-mcp-header at p.q {reachable}")),
            (inside(r#"{"additionalProperties":@}"#), &format!("x-mcp-header at p {reachable}")),
            (inside(r#"{"if":{"not":@}}"#), &format!("x-mcp-header at p {reachable}")),
            (inside(r#"{"$defs":{"d":@}}"#), &format!("x-mcp-header at p {reachable}")),
            (inside(r#"{"patternProperties":{"d":@}}"#), &format!("x-mcp-header at p {reachable}")),
        ] {
            assert_eq!(scan(&schema).map_err(|bad| bad.to_string()), Err(problem.to_string()), "{schema}");
        }
    }

    #[test]
    fn a_tool_has_so_many_annotations_whose_names_are_so_long() {
        let with = |count: usize| {
            let property =
                |n: usize| format!(r#""p{n}":{{"type":"string","x-mcp-header":"H{n}"}}"#);
            let properties: Vec<_> = (0..count).map(property).collect();
            scan(&format!(r#"{{"properties":{{{}}}}}"#, properties.join(",")))
        };
        assert_eq!(with(MAX_PARAMS).unwrap().len(), MAX_PARAMS);
        let bad = with(MAX_PARAMS + 1).unwrap_err().to_string();
        assert!(bad.ends_with("is one more than 64 in one tool"), "{bad}");
        // Many that lie at the end of one long way must not each keep all of it.
        let along = |bytes: usize| {
            let way = "w".repeat(bytes - "pHeader".len());
            let leaf = r#"{"properties":{"p":{"type":"string","x-mcp-header":"Header"}}}"#;
            scan(&format!(r#"{{"properties":{{"{way}":{leaf}}}}}"#))
        };
        assert!(along(MAX_PARAM_BYTES).is_ok());
        let bad = along(MAX_PARAM_BYTES + 1).unwrap_err().to_string();
        assert!(bad.ends_with("has names of more than 4096 bytes"), "{bad}");
    }

    fn param(kind: &str) -> ParamHeader {
        scan(&property(&format!(
            r#"{{"type":"{kind}","x-mcp-header":"P"}}"#
        )))
        .unwrap()
        .remove(0)
    }

    fn raw(text: &str) -> Raw<'_> {
        Raw::parse(text).unwrap()
    }

    #[test]
    fn the_client_writes_what_a_header_can_stand_for() {
        for (kind, value, header) in [
            ("string", "\"us-west1\"", Some("us-west1")),
            ("string", "\"\"", Some("")),
            ("string", "\" a\\u0000\"", Some("=?base64?IGEA?=")),
            ("integer", "42", Some("42")),
            ("integer", "-7", Some("-7")),
            ("integer", "42.0", Some("42")),
            ("integer", "9007199254740991", Some("9007199254740991")),
            ("integer", "9007199254740992", None),
            ("integer", "1.5", Some("1.5")),
            ("boolean", "false", Some("false")),
            ("boolean", "null", None),
            ("string", "[1]", None),
            ("string", "{}", None),
        ] {
            let arguments = format!(r#"{{"o":1,"p":{value}}}"#);
            let mut headers = HeaderMap::new();
            param(kind).write(Some(raw(&arguments)), &mut headers);
            let written = headers
                .get("mcp-param-p")
                .map(|value| value.to_str().unwrap());
            assert_eq!(written, header, "{value}");
            assert_eq!(
                param(kind).check(Some(raw(&arguments)), &headers),
                Ok(()),
                "{value}"
            );
        }
        let mut headers = HeaderMap::new();
        param("string").write(None, &mut headers);
        param("string").write(Some(raw("{}")), &mut headers);
        param("string").write(Some(raw("[]")), &mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn the_server_refuses_what_disagrees() {
        type Row<'a> = (&'a str, &'a str, &'a [&'a [u8]], Option<&'a str>);
        let table: &[Row<'_>] = &[
            ("string", r#"{"p":"Hello"}"#, &[b"Hello"], None),
            (
                "string",
                r#"{"p":"Hello"}"#,
                &[b"=?base64?SGVsbG8=?="],
                None,
            ),
            ("string", r#"{"p":"SGVsbG8="}"#, &[b"SGVsbG8="], None),
            (
                "string",
                r#"{"p":"=?base64?SGVsbG8="}"#,
                &[b"=?base64?SGVsbG8="],
                None,
            ),
            ("integer", r#"{"p":42}"#, &[b"42.0"], None),
            ("integer", r#"{"p":4.2e1}"#, &[b"42"], None),
            ("boolean", r#"{"p":true}"#, &[b" true "], None),
            // Nothing in the body: nothing is expected, and what is there is not compared.
            ("string", r#"{"p":null}"#, &[], None),
            ("string", "{}", &[], None),
            ("string", "{}", &[b"Hello"], None),
            // Not for headers to judge.
            ("string", r#"{"p":[]}"#, &[], None),
            ("integer", r#"{"p":"abc"}"#, &[b"abc"], None),
            // Refused.
            ("string", r#"{"p":"Hello"}"#, &[], Some("is missing")),
            (
                "string",
                r#"{"p":"Hello"}"#,
                &[b"hello"],
                Some("is \"hello\" where the body has \"Hello\""),
            ),
            (
                "string",
                r#"{"p":"Hello"}"#,
                &[b"=?base64?SGVsbG8?="],
                Some(UNREADABLE),
            ),
            (
                "string",
                r#"{"p":"Hello"}"#,
                &[b"=?base64?SGVs!!!bG8=?="],
                Some(UNREADABLE),
            ),
            ("string", "{}", &[b"\xFF"], Some(UNREADABLE)),
            (
                "string",
                r#"{"p":"a"}"#,
                &[b"a", b"a"],
                Some("is there more than once"),
            ),
            (
                "string",
                r#"{"p":"a","p":"b"}"#,
                &[b"a"],
                Some("stands for a member that is there more than once"),
            ),
            (
                "integer",
                r#"{"p":42}"#,
                &[b"43"],
                Some("is \"43\" where the body has \"42\""),
            ),
            (
                "integer",
                r#"{"p":26}"#,
                &[b"0x1a"],
                Some("is \"0x1a\" where the body has \"26\""),
            ),
            (
                "integer",
                r#"{"p":100}"#,
                &[b"1e2"],
                Some("is \"1e2\" where the body has \"100\""),
            ),
            (
                "boolean",
                r#"{"p":true}"#,
                &[b"True"],
                Some("is \"True\" where the body has \"true\""),
            ),
        ];
        for (kind, arguments, values, problem) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append("mcp-param-p", HeaderValue::from_bytes(value).unwrap());
            }
            let expected = problem.map_or(Ok(()), |problem| {
                Err(format!("header mismatch: mcp-param-p {problem}"))
            });
            let found = param(kind)
                .check(Some(raw(arguments)), &headers)
                .map_err(|mismatch| mismatch.to_string());
            assert_eq!(found, expected, "{arguments} {values:?}");
        }
        assert_eq!(param("string").check(None, &HeaderMap::new()), Ok(()));
    }
}
