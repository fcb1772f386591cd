//! JSON Schemas of the types that handlers take and return.

use alloc::{
    borrow::Cow,
    string::{String, ToString},
    vec::Vec,
};
use mcp_proto::{
    encode::{Object, write_str},
    json::Json,
    version::ProtocolVersion,
};
use serde_json::{Map, Value};

use crate::sorted::sort_by_name;

/// A type that has a JSON Schema.
///
/// With the feature `schemars`, every type with `schemars::JsonSchema` has one. Without it, the
/// types of this crate's table do, and others can be given one by hand:
///
/// ```
/// use mcp_server_core::{mcp_proto::json::Json, schema::{SchemaGenerator, ToSchema}};
///
/// struct Percent(u8);
///
/// impl ToSchema for Percent {
///     fn schema(_: &mut SchemaGenerator) -> Json {
///         Json::parse(r#"{"type":"integer","minimum":0,"maximum":100}"#).unwrap()
///     }
/// }
///
/// assert!(SchemaGenerator::new().root::<Percent>().as_str().contains("100"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no JSON Schema",
    note = "derive `schemars::JsonSchema` for it, or implement `mcp_server_core::schema::ToSchema` by hand"
)]
pub trait ToSchema {
    /// The type's schema.
    ///
    /// Types within it are asked through `generator`, which also keeps the definitions of
    /// recursive ones.
    fn schema(generator: &mut SchemaGenerator) -> Json;
}

/// Makes schemas that any client can read: without references but for recursive types, without
/// the titles and number formats that only Rust knows.
#[derive(Debug)]
pub struct SchemaGenerator {
    #[cfg(feature = "schemars")]
    inner: schemars::SchemaGenerator,
}

impl Default for SchemaGenerator {
    fn default() -> Self {
        Self::new()
    }
}

impl SchemaGenerator {
    /// A generator of JSON Schema 2020-12, which is what revisions mean without saying so
    /// (2025-11-25, basic, JSON Schema Usage).
    #[must_use]
    pub fn new() -> Self {
        #[cfg(feature = "schemars")]
        {
            let mut settings = schemars::generate::SchemaSettings::draft2020_12();
            // Many clients cannot follow references.
            settings.inline_subschemas = true;
            settings.meta_schema = None;
            Self {
                inner: schemars::SchemaGenerator::new(settings),
            }
        }
        #[cfg(not(feature = "schemars"))]
        Self {}
    }

    /// The schema of a part. What it refers to as `#/$defs/…` is kept for the root.
    pub fn part<T: ToSchema + ?Sized>(&mut self) -> Json {
        T::schema(self)
    }

    /// A schema that stands alone.
    #[must_use]
    pub fn root<T: ToSchema + ?Sized>(mut self) -> Json {
        let schema = self.part::<T>();
        match self.take_definitions() {
            Some(definitions) => with_keyword(&schema, "$defs", definitions.as_str()),
            None => schema,
        }
    }

    /// The schema of a tool's arguments: an object that takes no other members than `T` has.
    #[must_use]
    pub fn arguments<T: ToSchema + ?Sized>(self) -> Json {
        let mut root = as_object(&self.root::<T>());
        root.entry("type").or_insert_with(|| "object".into());
        // Each branch of a combination sees only its own members; closing the root would forbid
        // all of them.
        let open = [
            "additionalProperties",
            "unevaluatedProperties",
            "allOf",
            "anyOf",
            "oneOf",
            "$ref",
        ];
        if root["type"] == "object" && !open.iter().any(|keyword| root.contains_key(*keyword)) {
            root.insert(String::from("additionalProperties"), Value::Bool(false));
        }
        Value::Object(root).into()
    }

    /// The definitions that parts refer to as `#/$defs/…`, if there are any.
    fn take_definitions(&mut self) -> Option<Json> {
        #[cfg(feature = "schemars")]
        {
            let mut definitions = self.inner.take_definitions(true);
            definitions.values_mut().for_each(tidy);
            (!definitions.is_empty()).then(|| Value::Object(definitions).into())
        }
        #[cfg(not(feature = "schemars"))]
        None
    }
}

#[cfg(feature = "schemars")]
impl<T: schemars::JsonSchema + ?Sized> ToSchema for T {
    fn schema(generator: &mut SchemaGenerator) -> Json {
        let mut schema = generator.inner.subschema_for::<T>().to_value();
        tidy(&mut schema);
        schema.into()
    }
}

/// Takes out the formats by which schemars tells Rust's numbers apart: they are no formats of
/// JSON Schema, and some validators refuse what they do not know.
#[cfg(feature = "schemars")]
fn tidy(schema: &mut Value) {
    let Value::Object(members) = schema else {
        return;
    };
    let numeric = ["number", "integer"]
        .iter()
        .any(|ty| match members.get("type") {
            Some(Value::String(own)) => own == ty,
            Some(Value::Array(all)) => all.iter().any(|own| own == ty),
            _ => false,
        });
    if numeric {
        members.remove("format");
    }
    for (keyword, member) in members.iter_mut() {
        match (keyword.as_str(), member) {
            // Values, not schemas.
            ("const" | "enum" | "default" | "examples", _) => {}
            (
                "properties" | "patternProperties" | "$defs" | "dependentSchemas",
                Value::Object(named),
            ) => {
                named.values_mut().for_each(tidy);
            }
            (_, Value::Array(schemas)) => schemas.iter_mut().for_each(tidy),
            (_, member) => tidy(member),
        }
    }
}

/// What `schema` allows, or `null`.
pub(crate) fn nullable(schema: &Json) -> Json {
    let mut members = as_object(schema);
    // What the schema names stays where references look for it.
    let definitions = members.remove("$defs");
    let enumerated = ["enum", "const"]
        .iter()
        .any(|keyword| members.contains_key(*keyword));
    match members.get_mut("type") {
        Some(Value::String(ty)) if !enumerated && ty != "null" => {
            let types = [Value::from(ty.as_str()), Value::from("null")];
            members.insert(String::from("type"), types.into_iter().collect());
        }
        Some(Value::Array(types)) if !enumerated && types.iter().any(|ty| ty == "null") => {}
        _ => {
            let either = [Value::Object(members), serde_json::json!({"type": "null"})];
            members = Map::from_iter([(String::from("anyOf"), either.into_iter().collect())]);
        }
    }
    members.extend(definitions.map(|definitions| (String::from("$defs"), definitions)));
    Value::Object(members).into()
}

/// A schema as an object: `true` is `{}`, `false` is `{"not": {}}`.
fn as_object(schema: &Json) -> Map<String, Value> {
    match schema.to() {
        Ok(Value::Object(members)) => members,
        Ok(Value::Bool(false)) => {
            Map::from_iter([(String::from("not"), Value::Object(Map::new()))])
        }
        _ => Map::new(),
    }
}

/// An object's members by their names, as [`as_object`] has them, but as text.
fn keywords(schema: &Json) -> Vec<(Cow<'_, str>, &str)> {
    if schema.as_str() == "false" {
        return Vec::from([(Cow::Borrowed("not"), "{}")]);
    }
    let members = schema.as_raw().members();
    members.map(|(name, value)| (name, value.get())).collect()
}

/// The schema as an object that has this keyword as well, or instead of its own.
fn with_keyword(schema: &Json, keyword: &str, value: &str) -> Json {
    let mut keywords = keywords(schema);
    keywords.retain(|(name, _)| name != keyword);
    keywords.push((Cow::Borrowed(keyword), value));
    written(keywords)
}

fn written(mut keywords: Vec<(Cow<'_, str>, &str)>) -> Json {
    sort_by_name(&mut keywords);
    let mut text = Vec::new();
    let mut object = Object::new(&mut text, ProtocolVersion::LATEST);
    for (name, value) in keywords {
        object.raw(&name, value);
    }
    object.end();
    json_of(text)
}

/// What is known to be JSON.
fn json_of(text: Vec<u8>) -> Json {
    // It is valid JSON in UTF-8.
    let text = String::from_utf8(text).unwrap_or_default();
    Json::parse(text).unwrap_or_else(|_| Json::empty_object())
}

/// Puts the schema of an arguments' object together, member by member and in their order.
///
/// ```
/// use mcp_server_core::schema::ObjectSchema;
///
/// let mut schema = ObjectSchema::new();
/// schema.member::<String>("city", "the town's name", true);
/// schema.member::<bool>("past", "", false);
/// assert_eq!(
///     schema.finish().as_str(),
///     concat!(
///         r#"{"type":"object","properties":{"city":{"description":"the town's name","type":"string"},"#,
///         r#""past":{"type":"boolean"}},"required":["city"],"additionalProperties":false}"#
///     )
/// );
/// ```
#[derive(Debug, Default)]
pub struct ObjectSchema {
    generator: SchemaGenerator,
    members: Vec<(String, Json)>,
    required: Vec<String>,
}

impl ObjectSchema {
    /// An object without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member of type `T`. A `description` that is not empty takes the place of the type's
    /// own.
    pub fn member<T: ToSchema + ?Sized>(&mut self, name: &str, description: &str, required: bool) {
        let schema = self.generator.part::<T>();
        self.add(name, &schema, description, required);
    }

    fn add(&mut self, name: &str, schema: &Json, description: &str, required: bool) {
        let schema = match description {
            "" => written(keywords(schema)),
            text => {
                let mut quoted = Vec::new();
                write_str(&mut quoted, text);
                let quoted = String::from_utf8(quoted).unwrap_or_default();
                with_keyword(schema, "description", &quoted)
            }
        };
        self.members.push((name.to_string(), schema));
        if required {
            self.required.push(name.to_string());
        }
    }

    /// Adds a keyword, such as `default` or `minimum`, to the member that was added last.
    pub fn keyword(&mut self, keyword: &str, value: &Json) {
        if let Some((_, schema)) = self.members.last_mut() {
            *schema = with_keyword(schema, keyword, value.as_str());
        }
    }

    /// The schema.
    #[must_use]
    pub fn finish(mut self) -> Json {
        let mut text = Vec::new();
        let mut root = Object::new(&mut text, ProtocolVersion::LATEST);
        root.field("type", "object");
        let (out, version) = root.key("properties");
        let mut properties = Object::new(out, version);
        for (name, schema) in &self.members {
            properties.raw(name, schema.as_str());
        }
        properties.end();
        root.optional("required", &self.required);
        if let Some(definitions) = self.generator.take_definitions() {
            root.raw("$defs", definitions.as_str());
        }
        root.raw("additionalProperties", "false");
        root.end();
        json_of(text)
    }
}

#[cfg(not(feature = "schemars"))]
mod plain {
    //! The types that have a schema without schemars.

    use super::{Json, SchemaGenerator, ToSchema, as_object};
    use alloc::{
        borrow::Cow,
        boxed::Box,
        collections::{BTreeMap, BTreeSet},
        string::String,
        sync::Arc,
        vec::Vec,
    };
    use serde_json::{Value, json};

    // As text, since programs that need nothing else of the kind need no trees of JSON either.
    macro_rules! plain {
        ($($ty:ty => $schema:literal),* $(,)?) => {$(
            impl ToSchema for $ty {
                fn schema(_: &mut SchemaGenerator) -> Json {
                    super::json_of(Vec::from($schema))
                }
            }
        )*};
    }
    plain! {
        bool => r#"{"type":"boolean"}"#,
        f32 => r#"{"type":"number"}"#, f64 => r#"{"type":"number"}"#,
        i8 => r#"{"type":"integer"}"#, i16 => r#"{"type":"integer"}"#, i32 => r#"{"type":"integer"}"#,
        i64 => r#"{"type":"integer"}"#, isize => r#"{"type":"integer"}"#,
        u8 => r#"{"maximum":255,"minimum":0,"type":"integer"}"#,
        u16 => r#"{"maximum":65535,"minimum":0,"type":"integer"}"#,
        u32 => r#"{"minimum":0,"type":"integer"}"#, u64 => r#"{"minimum":0,"type":"integer"}"#,
        usize => r#"{"minimum":0,"type":"integer"}"#,
        str => r#"{"type":"string"}"#, String => r#"{"type":"string"}"#,
        char => r#"{"maxLength":1,"minLength":1,"type":"string"}"#,
        () => r#"{"type":"null"}"#, Value => "{}",
    }

    macro_rules! lists {
        ($($ty:ty),*) => {$(
            impl<T: ToSchema> ToSchema for $ty {
                fn schema(generator: &mut SchemaGenerator) -> Json {
                    json!({"type": "array", "items": as_object(&T::schema(generator))}).into()
                }
            }
        )*};
    }
    lists!(Vec<T>, [T], BTreeSet<T>);

    impl<T: ToSchema, const N: usize> ToSchema for [T; N] {
        fn schema(generator: &mut SchemaGenerator) -> Json {
            let items = as_object(&T::schema(generator));
            json!({"type": "array", "items": items, "minItems": N, "maxItems": N}).into()
        }
    }

    impl<T: ToSchema> ToSchema for BTreeMap<String, T> {
        fn schema(generator: &mut SchemaGenerator) -> Json {
            json!({"type": "object", "additionalProperties": as_object(&T::schema(generator))})
                .into()
        }
    }

    impl<T: ToSchema> ToSchema for Option<T> {
        fn schema(generator: &mut SchemaGenerator) -> Json {
            let mut schema = as_object(&T::schema(generator));
            match schema.get_mut("type") {
                Some(ty @ Value::String(_)) => *ty = json!([ty, "null"]),
                _ => return json!({"anyOf": [schema, {"type": "null"}]}).into(),
            }
            Value::Object(schema).into()
        }
    }

    macro_rules! pointers {
        ($($ty:ty),*) => {$(
            impl<T: ToSchema + ?Sized> ToSchema for $ty {
                fn schema(generator: &mut SchemaGenerator) -> Json {
                    T::schema(generator)
                }
            }
        )*};
    }
    pointers!(&T, Box<T>, Arc<T>);

    impl<T: ToSchema + alloc::borrow::ToOwned + ?Sized> ToSchema for Cow<'_, T> {
        fn schema(generator: &mut SchemaGenerator) -> Json {
            T::schema(generator)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nullable_schema_keeps_its_definitions_at_the_root() {
        let table = [
            (r#"{"type":"string"}"#, r#"{"type":["string","null"]}"#),
            (
                r#"{"type":["string","null"]}"#,
                r#"{"type":["string","null"]}"#,
            ),
            (
                r#"{"enum":["a"],"type":"string"}"#,
                r#"{"anyOf":[{"enum":["a"],"type":"string"},{"type":"null"}]}"#,
            ),
            (
                r##"{"$defs":{"N":{}},"$ref":"#/$defs/N"}"##,
                r##"{"$defs":{"N":{}},"anyOf":[{"$ref":"#/$defs/N"},{"type":"null"}]}"##,
            ),
            ("true", r#"{"anyOf":[{},{"type":"null"}]}"#),
        ];
        for (schema, expected) in table {
            assert_eq!(nullable(&Json::parse(schema).unwrap()).as_str(), expected);
        }
    }

    #[cfg(feature = "schemars")]
    mod derived {
        use super::*;
        use alloc::{boxed::Box, vec::Vec};
        use schemars::JsonSchema;

        fn root<T: ToSchema>() -> Value {
            SchemaGenerator::new().root::<T>().to().unwrap()
        }

        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        struct Inner {
            /// how many
            count: u8,
            format: f64,
        }

        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        struct Outer {
            first: Inner,
            rest: Vec<Inner>,
        }

        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        struct Node {
            next: Option<Box<Node>>,
        }

        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        #[serde(tag = "kind")]
        enum Shape {
            Circle { radius: f64 },
            Square { side: f64 },
        }

        #[test]
        fn parts_are_inlined_without_titles_or_formats_of_rust() {
            let inner = serde_json::json!({
                "type": "object",
                "properties": {
                    "count": {"type": "integer", "description": "how many", "minimum": 0, "maximum": 255},
                    "format": {"type": "number"},
                },
                "required": ["count", "format"],
            });
            let expected = serde_json::json!({
                "type": "object",
                "properties": {"first": inner, "rest": {"type": "array", "items": inner}},
                "required": ["first", "rest"],
            });
            assert_eq!(root::<Outer>(), expected);
        }

        #[test]
        fn recursive_types_are_defined_at_the_root() {
            let schema = root::<Node>();
            let reference = schema["properties"]["next"].to_string();
            assert!(reference.contains("#/$defs/Node"), "{schema}");
            assert_eq!(schema["$defs"]["Node"]["type"], "object");
            let mut object = ObjectSchema::new();
            object.member::<Node>("node", "where to begin", true);
            let object: Value = object.finish().to().unwrap();
            assert_eq!(object["$defs"]["Node"]["type"], "object");
            assert_eq!(
                object["properties"]["node"]["description"],
                "where to begin"
            );
        }

        #[test]
        fn arguments_are_closed_objects_unless_they_are_combined() {
            let arguments = |schema: Json| schema.to::<Value>().unwrap();
            let closed = arguments(SchemaGenerator::new().arguments::<Inner>());
            assert_eq!(closed["additionalProperties"], false);
            let combined = arguments(SchemaGenerator::new().arguments::<Shape>());
            assert_eq!(combined["type"], "object");
            assert!(combined["additionalProperties"].is_null() && combined["oneOf"].is_array());
        }
    }
}
