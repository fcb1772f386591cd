//! Output schemas, and the wrapping that older revisions need.

use crate::{
    encode::{self, Encode, Object},
    json::{Json, Raw},
    version::ProtocolVersion,
};
use alloc::{format, string::String, vec::Vec};
use serde::{Deserialize, Deserializer};

/// The JSON Schema of a tool's structured results.
///
/// 2026-07-28 allows any schema, 2025-11-25 and 2025-06-18 only one of `"type": "object"`. For
/// these, another schema `S` is wrapped, once and for all when this is made: `{"type": "object",
/// "properties": {"result": S}, "required": ["result"]}`. References within `S` are moved along.
///
/// ```
/// use mcp_proto::{json::Json, types::OutputSchema};
///
/// let object = OutputSchema::new(Json::parse(r#"{"type":"object"}"#).unwrap());
/// assert!(!object.is_wrapped());
/// let number = OutputSchema::new(Json::parse(r#"{"type":"number"}"#).unwrap());
/// assert!(number.is_wrapped());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSchema {
    schema: Json,
    /// What revisions up to 2025-11-25 are told, where it differs.
    older: Option<Json>,
    wrapped: bool,
}

impl OutputSchema {
    /// Takes a schema, and prepares its older form where it needs one.
    #[must_use]
    pub fn new(schema: Json) -> Self {
        let root = object(&schema);
        let wrapped = !root.is_some_and(is_object_schema);
        let older = match root {
            root if wrapped => Some(wrap(&schema, root)),
            Some(root) => spell_out_booleans(root),
            None => None,
        };
        Self {
            schema,
            older,
            wrapped,
        }
    }

    /// The schema as 2026-07-28 sends it.
    #[must_use]
    pub fn json(&self) -> &Json {
        &self.schema
    }

    /// Whether older revisions are told a wrapped form.
    #[must_use]
    pub fn is_wrapped(&self) -> bool {
        self.wrapped
    }
}

impl From<Json> for OutputSchema {
    fn from(schema: Json) -> Self {
        Self::new(schema)
    }
}

impl Encode for OutputSchema {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match &self.older {
            Some(older) if version < ProtocolVersion::V2026_07_28 => older.encode(out, version),
            _ => self.schema.encode(out, version),
        }
    }
}

crate::wire::serialize_as_latest!(OutputSchema);

impl<'de> Deserialize<'de> for OutputSchema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(Self::new)
    }
}

fn is_object_schema(root: Raw<'_>) -> bool {
    root.member("type")
        .is_some_and(|ty| ty.get() == "\"object\"")
}

/// The schema, if it is an object.
fn object(schema: &Json) -> Option<Raw<'_>> {
    Some(schema.as_raw()).filter(|raw| raw.is_object())
}

/// The schema of what a tool takes, with the two things said that every revision wants to read:
/// that it is an object, and that its properties have schemas that are objects.
pub(super) fn input_schema(schema: Json) -> Json {
    let Some(root) = object(&schema) else {
        // `true`, or no schema at all.
        return Json::from_valid(String::from(r#"{"type":"object"}"#));
    };
    let typed = root.member("type").is_some();
    match spell_out_booleans(root) {
        None if typed => schema,
        Some(spelt) if typed => spelt,
        spelt => {
            let rest = spelt.as_ref().unwrap_or(&schema).as_str();
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            let comma = root.members().next().map_or("", |_| ",");
            Json::from_valid(format!(r#"{{"type":"object"{comma}{rest}"#))
        }
    }
}

/// Writes properties that may be anything, or nothing, as objects: up to 2025-11-25 the schema of
/// a property is one (2025-11-25 schema, Tool.inputSchema.properties).
///
/// `None` where there are none.
fn spell_out_booleans(root: Raw<'_>) -> Option<Json> {
    let properties = root.member("properties")?;
    if !properties
        .members()
        .any(|(_, schema)| spelt_out(schema.get()) != schema.get())
    {
        return None;
    }
    let mut text = Vec::new();
    let mut object = Object::new(&mut text, ProtocolVersion::LATEST);
    for (key, value) in root.members() {
        if key == "properties" {
            let (out, version) = object.key(&key);
            let mut object = Object::new(out, version);
            for (name, schema) in properties.members() {
                object.raw(&name, spelt_out(schema.get()));
            }
            object.end();
        } else {
            object.raw(&key, value.get());
        }
    }
    object.end();
    String::from_utf8(text).ok().map(Json::from_valid)
}

/// A boolean schema as an object.
fn spelt_out(schema: &str) -> &str {
    match schema {
        "true" => "{}",
        "false" => r#"{"not":{}}"#,
        other => other,
    }
}

/// Where the wrapped schema ends up.
const NEW_ROOT: &str = "#/properties/result";

/// Deeper than any schema a person or a derive writes; what is deeper is copied unchanged.
const DEPTH: usize = 128;

fn wrap(schema: &Json, root: Option<Raw<'_>>) -> Json {
    let mut text = Vec::new();
    let mut object = Object::new(&mut text, ProtocolVersion::LATEST);
    // The dialect is said at the root of a document.
    if let Some(dialect) = root.and_then(|root| root.member("$schema")) {
        object.raw("$schema", dialect.get());
    }
    object.field("type", "object");
    let (out, version) = object.key("properties");
    let mut properties = Object::new(out, version);
    let (out, _) = properties.key("result");
    match root {
        // A base URI of its own: references within stay what they are.
        Some(root) if root.member("$id").is_some() => write_without_dialect(root, out, version),
        Some(root) => write_schema(root, out, version, 0, true),
        None => out.extend_from_slice(spelt_out(schema.as_str()).as_bytes()),
    }
    properties.end();
    object.raw("required", r#"["result"]"#);
    object.end();
    // Pieces of valid JSON put together by the writer of objects.
    String::from_utf8(text).map_or_else(|_| schema.clone(), Json::from_valid)
}

fn write_without_dialect(root: Raw<'_>, out: &mut Vec<u8>, version: ProtocolVersion) {
    let mut object = Object::new(out, version);
    for (key, value) in root.members().filter(|(key, _)| *key != "$schema") {
        object.raw(&key, value.get());
    }
    object.end();
}

/// Copies a schema and moves its references.
fn write_schema(
    schema: Raw<'_>,
    out: &mut Vec<u8>,
    version: ProtocolVersion,
    depth: usize,
    root: bool,
) {
    let mut object = Object::new(out, version);
    for (key, value) in schema.members() {
        match &*key {
            "$schema" if root => {}
            "$ref" | "$dynamicRef" => match value.text() {
                Some(pointer) if pointer == "#" || pointer.starts_with("#/") => {
                    let (out, _) = object.key(&key);
                    encode::write_display(out, &format_args!("{NEW_ROOT}{}", &pointer[1..]));
                }
                _ => object.raw(&key, value.get()),
            },
            // Values, not schemas.
            "const" | "enum" | "default" | "examples" => object.raw(&key, value.get()),
            // Names of the author's own choice, which are no keywords, above schemas.
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
                write_named(value, object.key(&key).0, version, depth + 1);
            }
            _ => write_any(value, object.key(&key).0, version, depth + 1),
        }
    }
    object.end();
}

/// Copies an object whose members are schemas.
fn write_named(value: Raw<'_>, out: &mut Vec<u8>, version: ProtocolVersion, depth: usize) {
    if !value.is_object() {
        out.extend_from_slice(value.get().as_bytes());
        return;
    }
    let mut object = Object::new(out, version);
    for (key, value) in value.members() {
        write_any(value, object.key(&key).0, version, depth + 1);
    }
    object.end();
}

/// Copies what may be a schema, an array of schemas or something else.
fn write_any(value: Raw<'_>, out: &mut Vec<u8>, version: ProtocolVersion, depth: usize) {
    let text = value.get();
    if depth < DEPTH {
        // References below `$id` are relative to that.
        if value.is_object() && value.member("$id").is_none() {
            return write_schema(value, out, version, depth, false);
        }
        if text.starts_with('[') {
            out.push(b'[');
            for (index, item) in value.elements().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_any(item, out, version, depth + 1);
            }
            out.push(b']');
            return;
        }
    }
    out.extend_from_slice(text.as_bytes());
}
