//! The form that a Rust type is.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use mcp_proto::types::{
    BooleanSchema, ElicitSchema, EnumChoice, EnumSchema, MultiSelect, NumberSchema,
    PrimitiveSchema, StringFormat, StringSchema,
};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, Visitor},
    forward_to_deserialize_any,
};
use serde_json::{Map, Value};

use super::error::AskError;
use crate::schema::{SchemaGenerator, ToSchema};

/// The form whose answer is a `T`.
///
/// # Errors
/// [`AskError::Form`] names the field that a form has no place for: they are flat, and have only
/// texts, numbers, yes and no, and choices (2025-11-25, client/elicitation, Requested Schema).
pub(super) fn form_of<T: ToSchema + DeserializeOwned>() -> Result<ElicitSchema, AskError> {
    let schema = SchemaGenerator::new().root::<T>();
    let root: Map<String, Value> = schema
        .to()
        .map_err(|_| wrong("", "it has no schema of its own"))?;
    form(&root, fields_of::<T>())
}

/// The names of a struct's fields in the order they were written in, which is the one to show them
/// in; schemas may sort them otherwise.
fn fields_of<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    match T::deserialize(Probe) {
        Err(Fields(fields)) => fields,
        Ok(_) => &[],
    }
}

/// Fails with the fields of the first struct that it is asked for.
struct Probe;

#[derive(Debug)]
struct Fields(&'static [&'static str]);

impl<'de> Deserializer<'de> for Probe {
    type Error = Fields;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fields> {
        Err(Fields(fields))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fields> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
        Err(Fields(&[]))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl de::Error for Fields {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Self(&[])
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fields: {:?}", self.0)
    }
}

impl core::error::Error for Fields {}

fn form(root: &Map<String, Value>, order: &[&str]) -> Result<ElicitSchema, AskError> {
    if root.get("type").and_then(Value::as_str) != Some("object") {
        return Err(wrong("", "it must be a struct with named fields"));
    }
    for keyword in ["allOf", "anyOf", "oneOf", "$ref"] {
        if root.contains_key(keyword) {
            return Err(wrong("", "it must be a struct without alternatives"));
        }
    }
    if matches!(
        root.get("additionalProperties"),
        Some(Value::Object(_) | Value::Bool(true))
    ) {
        return Err(wrong("", "it must be a struct, whose fields are known"));
    }
    let no_fields = Map::new();
    let fields = root.get("properties").and_then(Value::as_object);
    let required = root.get("required").and_then(Value::as_array);
    let mut form = ElicitSchema::new();
    let mut fields: Vec<_> = fields.unwrap_or(&no_fields).iter().collect();
    let place = |name: &str| {
        order
            .iter()
            .position(|of| *of == name)
            .unwrap_or(order.len())
    };
    fields.sort_by_key(|(name, _)| place(name));
    for (name, schema) in fields {
        let field = field(schema).map_err(|problem| wrong(name, problem))?;
        let must = required.is_some_and(|names| names.iter().any(|of| of == name));
        form = match must {
            true => form.with_required(name, field),
            false => form.with_optional(name, field),
        };
    }
    Ok(form)
}

fn wrong(field: &str, problem: impl Into<String>) -> AskError {
    AskError::Form {
        field: field.into(),
        problem: problem.into(),
    }
}

type Schema = Map<String, Value>;

fn field(schema: &Value) -> Result<PrimitiveSchema, String> {
    let schema = without_null(schema)?;
    if let Some(choices) = choices(&schema)? {
        return Ok(choice(&schema, choices, None).into());
    }
    let ty = schema.get("type").and_then(Value::as_str);
    match ty {
        Some("string") => Ok(text(&schema).into()),
        Some("integer") => Ok(number(&schema, true).into()),
        Some("number") => Ok(number(&schema, false).into()),
        Some("boolean") => {
            let mut field = BooleanSchema::default();
            (field.title, field.description) = labels(&schema);
            field.default = schema.get("default").and_then(Value::as_bool);
            Ok(field.into())
        }
        Some("array") => several(&schema),
        Some("object") => Err("forms are flat: it cannot be an object".into()),
        Some(other) => Err(format!("it cannot be of the type {other}")),
        None => Err("its type is not a text, number, boolean, enum or list of enums".into()),
    }
}

/// What an option holds. That it may be absent is said by its not being required.
fn without_null(schema: &Value) -> Result<Schema, String> {
    let Value::Object(schema) = schema else {
        return Err("it may be anything".into());
    };
    let mut schema = schema.clone();
    if schema.contains_key("$ref") {
        return Err("it refers to itself".into());
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get("type") {
        let mut types = types.iter().filter(|ty| *ty != "null").cloned();
        let (Some(only), None) = (types.next(), types.next()) else {
            return Err("it may be of several types".into());
        };
        schema.insert("type".into(), only);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(either)) = schema.get("anyOf") else {
        return Ok(schema);
    };
    let mut real = either
        .iter()
        .filter(|of| of.get("type").is_none_or(|ty| ty != "null"));
    let (Some(Value::Object(only)), None) = (real.next(), real.next()) else {
        return Err("it may be one thing or another".into());
    };
    let mut inner = only.clone();
    for (keyword, value) in schema {
        if keyword != "anyOf" {
            inner.insert(keyword, value);
        }
    }
    Ok(inner)
}

fn labels(schema: &Schema) -> (Option<String>, Option<String>) {
    (text_at(schema, "title"), text_at(schema, "description"))
}

fn text_at(schema: &Schema, keyword: &str) -> Option<String> {
    schema.get(keyword).and_then(Value::as_str).map(Into::into)
}

fn text(schema: &Schema) -> StringSchema {
    let mut field = StringSchema::default();
    (field.title, field.description) = labels(schema);
    field.min_length = schema.get("minLength").and_then(Value::as_u64);
    field.max_length = schema.get("maxLength").and_then(Value::as_u64);
    // Formats beyond these cannot be told; what does not fit is noticed when it is read.
    field.format = match schema.get("format").and_then(Value::as_str) {
        Some("email") => Some(StringFormat::Email),
        Some("uri") => Some(StringFormat::Uri),
        Some("date") => Some(StringFormat::Date),
        Some("date-time") => Some(StringFormat::DateTime),
        _ => None,
    };
    field.default = text_at(schema, "default");
    field
}

fn number(schema: &Schema, integer: bool) -> NumberSchema {
    let mut field = if integer {
        NumberSchema::integer()
    } else {
        NumberSchema::number()
    };
    (field.title, field.description) = labels(schema);
    field.minimum = schema.get("minimum").and_then(Value::as_f64);
    field.maximum = schema.get("maximum").and_then(Value::as_f64);
    field.default = schema.get("default").and_then(Value::as_f64);
    field
}

/// The choices of an enum without data; `None` for what is no enum.
fn choices(schema: &Schema) -> Result<Option<Vec<EnumChoice>>, String> {
    if let Some(Value::Array(values)) = schema.get("enum") {
        let values = values.iter().map(|value| named(value, None));
        return values.collect::<Result<_, _>>().map(Some);
    }
    if let Some(value) = schema.get("const") {
        return named(value, None).map(|only| Some(Vec::from([only])));
    }
    let Some(Value::Array(variants)) = schema.get("oneOf") else {
        return Ok(None);
    };
    let mut choices = Vec::new();
    for variant in variants {
        let Value::Object(variant) = variant else {
            return Err(DATA.into());
        };
        // A variant with words of its own stands alone; the others are put together.
        let (title, description) = labels(variant);
        match (variant.get("const"), variant.get("enum")) {
            (Some(value), _) => choices.push(named(value, title.or(description))?),
            (None, Some(Value::Array(values))) => {
                for value in values {
                    choices.push(named(value, None)?);
                }
            }
            _ => return Err(DATA.into()),
        }
    }
    Ok(Some(choices))
}

const DATA: &str = "its variants must have no data";

fn named(value: &Value, title: Option<String>) -> Result<EnumChoice, String> {
    let mut choice = EnumChoice::default();
    choice.value = value.as_str().ok_or("its choices must be texts")?.into();
    choice.title = title;
    Ok(choice)
}

fn choice(schema: &Schema, choices: Vec<EnumChoice>, multi: Option<MultiSelect>) -> EnumSchema {
    let mut field = EnumSchema::default();
    (field.title, field.description) = labels(schema);
    field.choices = choices;
    field.default = match schema.get("default") {
        Some(Value::String(one)) => Some(Vec::from([one.clone()])),
        Some(Value::Array(many)) => Some(
            many.iter()
                .filter_map(|one| one.as_str().map(Into::into))
                .collect(),
        ),
        _ => None,
    };
    field.multi = multi;
    field
}

fn several(schema: &Schema) -> Result<PrimitiveSchema, String> {
    const ENUMS: &str = "a list must be one of enums";
    let items = without_null(schema.get("items").ok_or(ENUMS)?)?;
    let choices = choices(&items)?.ok_or(ENUMS)?;
    let mut multi = MultiSelect::default();
    multi.min_items = schema.get("minItems").and_then(Value::as_u64);
    multi.max_items = schema.get("maxItems").and_then(Value::as_u64);
    Ok(choice(schema, choices, Some(multi)).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_proto::json::Json;
    use serde_json::json;

    fn written(schema: &Value) -> Result<Value, String> {
        field(schema).map(|field| Json::new(&field).unwrap().to().unwrap())
    }

    #[test]
    fn whatever_a_schema_says_a_field_shows_what_the_specification_knows() {
        let text = json!({"type": "string"});
        let choices = json!({"type": "string", "enum": ["a", "b"]});
        for (schema, expected) in [
            (
                json!({"type": "string", "format": "date"}),
                json!({"type": "string", "format": "date"}),
            ),
            (
                json!({"type": "string", "format": "date-time"}),
                json!({"type": "string", "format": "date-time"}),
            ),
            (
                json!({"type": "string", "format": "uuid", "pattern": "^a"}),
                text.clone(),
            ),
            (
                json!({"type": "string", "default": "x"}),
                json!({"type": "string", "default": "x"}),
            ),
            (json!({"type": "string", "default": null}), text.clone()),
            (json!({"type": ["string", "null"]}), text.clone()),
            (json!({"type": ["null", "string"], "default": null}), text),
            (
                json!({"type": "integer", "format": "int64", "title": "N", "description": "how many"}),
                json!({"type": "integer", "title": "N", "description": "how many"}),
            ),
            (
                json!({"type": "number", "minimum": -0.5, "maximum": 1.5, "default": 1}),
                json!({"type": "number", "minimum": -0.5, "maximum": 1.5, "default": 1}),
            ),
            (
                json!({"type": ["boolean", "null"], "title": "Sure", "default": true}),
                json!({"type": "boolean", "title": "Sure", "default": true}),
            ),
            (
                json!({"const": "a"}),
                json!({"type": "string", "enum": ["a"]}),
            ),
            (
                json!({"type": ["string", "null"], "enum": ["a", "b", null]}),
                choices.clone(),
            ),
            (
                json!({"anyOf": [{"type": "null"}, choices], "default": "b", "description": "which"}),
                json!({"type": "string", "enum": ["a", "b"], "default": "b", "description": "which"}),
            ),
            (
                json!({"oneOf": [{"enum": ["a", "b"]}, {"const": "c", "description": "the last"}]}),
                json!({"type": "string", "oneOf": [
                    {"const": "a", "title": "a"}, {"const": "b", "title": "b"},
                    {"const": "c", "title": "the last"},
                ]}),
            ),
            (
                json!({"type": "array", "items": choices, "default": ["b"], "title": "Some"}),
                json!({"type": "array", "items": choices, "default": ["b"], "title": "Some"}),
            ),
            (
                json!({"type": ["array", "null"], "items": {"const": "a"}, "default": null}),
                json!({"type": "array", "items": {"type": "string", "enum": ["a"]}}),
            ),
        ] {
            assert_eq!(written(&schema), Ok(expected), "{schema}");
        }
    }

    #[test]
    fn a_field_that_no_form_has_is_refused_with_the_reason() {
        for (schema, reason) in [
            (json!(true), "it may be anything"),
            (json!({}), "its type is not a text"),
            (json!({"type": "null"}), "the type null"),
            (json!({"type": ["string", "integer"]}), "several types"),
            (json!({"type": ["null"]}), "several types"),
            (json!({"type": "object"}), "forms are flat"),
            (json!({"$ref": "#"}), "it refers to itself"),
            (
                json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
                "one thing or another",
            ),
            (json!({"anyOf": [{"type": "null"}]}), "one thing or another"),
            (
                json!({"type": "integer", "enum": [1, 2]}),
                "its choices must be texts",
            ),
            (json!({"const": 1}), "its choices must be texts"),
            (json!({"oneOf": [{"type": "object"}]}), "must have no data"),
            (json!({"oneOf": [true]}), "must have no data"),
            (json!({"type": "array"}), "a list must be one of enums"),
            (
                json!({"type": "array", "items": {"type": "string"}}),
                "a list must be one of enums",
            ),
            (
                json!({"type": "array", "items": {"$ref": "#"}}),
                "it refers to itself",
            ),
        ] {
            let refused = written(&schema).unwrap_err();
            assert!(refused.contains(reason), "{schema}: {refused}");
        }
    }

    #[test]
    fn a_form_is_one_struct_whose_fields_are_known() {
        let of = |root: Value| form(root.as_object().unwrap(), &[]).map(drop);
        assert_eq!(
            of(json!({"type": "object"})),
            Ok(()),
            "it only asks whether"
        );
        for root in [
            json!({}),
            json!({"type": "string"}),
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"type": "object", "additionalProperties": true}),
            json!({"type": "object", "oneOf": [{"type": "object"}]}),
            json!({"type": "object", "$ref": "#/$defs/T"}),
        ] {
            let shown = root.clone();
            assert!(
                matches!(of(root), Err(AskError::Form { field, .. }) if field.is_empty()),
                "{shown}"
            );
        }
    }
}
