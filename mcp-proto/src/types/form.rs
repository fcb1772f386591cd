//! Forms: the schemas of what a person is asked to fill in.

use super::Map;
use crate::{
    encode::{self, Encode, Object, Sendable, Unsendable},
    json::Json,
    version::ProtocolVersion,
    wire::{self, names, serialize_as_latest, wire},
};
use alloc::{borrow::Cow, string::String, vec::Vec};
use serde::{Deserialize, Deserializer, de};

wire! {
    /// A form: a flat object of simple values.
    #[derive(Default)]
    pub struct ElicitSchema {
        const "type" = "object";
        /// The dialect of JSON Schema.
        pub schema: Option<String> = opt "$schema" since V2025_11_25,
        /// The fields, in the order to show them in.
        pub properties: Map<PrimitiveSchema> = "properties",
        /// Those that must be filled in.
        pub required: Vec<String> = opt "required",
    }
}

impl ElicitSchema {
    /// A form without fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field that must be filled in.
    #[must_use]
    pub fn with_required(self, name: &str, schema: impl Into<PrimitiveSchema>) -> Self {
        let mut form = self.with_optional(name, schema);
        form.required.push(name.into());
        form
    }

    /// Adds a field that may be left empty.
    #[must_use]
    pub fn with_optional(mut self, name: &str, schema: impl Into<PrimitiveSchema>) -> Self {
        self.properties.insert(name, schema.into());
        self
    }
}

impl Sendable for ElicitSchema {
    fn check(&self, version: ProtocolVersion) -> Result<(), Unsendable> {
        let several = |field: &PrimitiveSchema| {
            matches!(
                field,
                PrimitiveSchema::Enum(EnumSchema { multi: Some(_), .. })
            )
        };
        if self.properties.iter().any(|(_, field)| several(field)) {
            Unsendable::unless(
                version,
                ProtocolVersion::V2025_11_25,
                "a choice of several values",
            )?;
        }
        Unsendable::unless(version, ProtocolVersion::V2025_06_18, "elicitation")
    }
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PrimitiveSchema {
    /// Text.
    String(StringSchema),
    /// A number.
    Number(NumberSchema),
    /// Yes or no.
    Boolean(BooleanSchema),
    /// One or several of a list.
    Enum(EnumSchema),
    /// A kind that no revision we know defines, kept and written as it came.
    Unknown(Json),
}

macro_rules! from_schema {
    ($($ty:ident => $variant:ident),*) => {$(
        impl From<$ty> for PrimitiveSchema {
            fn from(schema: $ty) -> Self {
                Self::$variant(schema)
            }
        }
    )*};
}
from_schema!(StringSchema => String, NumberSchema => Number, BooleanSchema => Boolean,
             EnumSchema => Enum);

impl Encode for PrimitiveSchema {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Self::String(schema) => schema.encode(out, version),
            Self::Number(schema) => schema.encode(out, version),
            Self::Boolean(schema) => schema.encode(out, version),
            Self::Enum(schema) => schema.encode(out, version),
            Self::Unknown(schema) => schema.encode(out, version),
        }
    }
}

serialize_as_latest!(PrimitiveSchema, NumberSchema, EnumSchema);

wire! {
    /// A text field.
    #[derive(Default)]
    pub struct StringSchema {
        const "type" = "string";
        /// The label.
        pub title: Option<String> = opt "title",
        /// What it means.
        pub description: Option<String> = opt "description",
        /// The least number of characters.
        pub min_length: Option<u64> = hint "minLength",
        /// The most characters.
        pub max_length: Option<u64> = hint "maxLength",
        /// What the text must look like.
        pub format: Option<StringFormat> = hint "format",
        /// What stands there at first.
        pub default: Option<String> = opt "default" since V2025_11_25,
    }
}

names! {
    /// What a text must look like.
    pub enum StringFormat {
        /// An address for mail.
        Email = "email",
        /// A URI.
        Uri = "uri",
        /// A date, as in `2026-07-28`.
        Date = "date",
        /// A date and time, as in RFC 3339.
        DateTime = "date-time",
    }
}

/// A field for a number.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct NumberSchema {
    /// Whether only whole numbers are allowed.
    pub integer: bool,
    /// The label.
    pub title: Option<String>,
    /// What it means.
    pub description: Option<String>,
    /// The least value.
    pub minimum: Option<f64>,
    /// The greatest value.
    pub maximum: Option<f64>,
    /// What stands there at first.
    pub default: Option<f64>,
}

impl NumberSchema {
    /// Any number.
    #[must_use]
    pub fn number() -> Self {
        Self::default()
    }

    /// A whole number.
    #[must_use]
    pub fn integer() -> Self {
        Self {
            integer: true,
            ..Self::default()
        }
    }
}

impl Encode for NumberSchema {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let mut object = Object::new(out, version);
        object.field("type", if self.integer { "integer" } else { "number" });
        object.optional("title", &self.title);
        object.optional("description", &self.description);
        object.optional("minimum", &self.minimum);
        object.optional("maximum", &self.maximum);
        if version >= ProtocolVersion::V2025_11_25 {
            object.optional("default", &self.default);
        }
        object.end();
    }
}

wire! {
    /// A field for yes or no.
    #[derive(Default)]
    pub struct BooleanSchema {
        const "type" = "boolean";
        /// The label.
        pub title: Option<String> = opt "title",
        /// What it means.
        pub description: Option<String> = opt "description",
        /// What stands there at first.
        pub default: Option<bool> = opt "default",
    }
}

/// A field for one or several of a list.
///
/// Where any choice has a title, all are written with one: as `oneOf` or `anyOf` since 2025-11-25,
/// as `enumNames` in 2025-06-18. Several values cannot be asked for in 2025-06-18.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EnumSchema {
    /// The label.
    pub title: Option<String>,
    /// What it means.
    pub description: Option<String>,
    /// The list.
    pub choices: Vec<EnumChoice>,
    /// Allows several values.
    pub multi: Option<MultiSelect>,
    /// What is chosen at first; at most one where only one may be chosen.
    pub default: Option<Vec<String>>,
}

/// Something to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnumChoice {
    /// The value.
    pub value: String,
    /// The label; the value where absent.
    pub title: Option<String>,
}

/// How many values may be chosen.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MultiSelect {
    /// The least.
    pub min_items: Option<u64>,
    /// The most.
    pub max_items: Option<u64>,
}

impl EnumSchema {
    /// One of these values.
    #[must_use]
    pub fn new<S: Into<String>>(values: impl IntoIterator<Item = S>) -> Self {
        let choices = values.into_iter().map(|value| EnumChoice {
            value: value.into(),
            title: None,
        });
        Self {
            choices: choices.collect(),
            ..Self::default()
        }
    }

    /// One of these values, each with its title.
    #[must_use]
    pub fn titled<V: Into<String>, T: Into<String>>(
        choices: impl IntoIterator<Item = (V, T)>,
    ) -> Self {
        let choices = choices.into_iter().map(|(value, title)| EnumChoice {
            value: value.into(),
            title: Some(title.into()),
        });
        Self {
            choices: choices.collect(),
            ..Self::default()
        }
    }

    /// Allows several values.
    #[must_use]
    pub fn with_several(mut self) -> Self {
        self.multi = Some(MultiSelect::default());
        self
    }

    fn is_titled(&self) -> bool {
        self.choices.iter().any(|choice| choice.title.is_some())
    }

    fn encode_one(&self, object: &mut Object<'_>) {
        let titled = self.is_titled();
        if titled && object.version() >= ProtocolVersion::V2025_11_25 {
            object.field("oneOf", &TitledChoices(&self.choices));
        } else {
            object.field("enum", &Values(&self.choices));
            if titled {
                object.field("enumNames", &Titles(&self.choices));
            }
        }
        if object.version() >= ProtocolVersion::V2025_11_25 {
            object.optional(
                "default",
                &self.default.as_ref().and_then(|values| values.first()),
            );
        }
    }

    fn encode_several(&self, limits: MultiSelect, object: &mut Object<'_>) {
        object.optional("minItems", &limits.min_items);
        object.optional("maxItems", &limits.max_items);
        let (out, version) = object.key("items");
        let mut items = Object::new(out, version);
        if self.is_titled() {
            items.field("anyOf", &TitledChoices(&self.choices));
        } else {
            items.field("type", "string");
            items.field("enum", &Values(&self.choices));
        }
        items.end();
        if let Some(default) = &self.default {
            object.field("default", default);
        }
    }
}

impl Encode for EnumSchema {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        // Before 2025-11-25 there is no way to ask for several; asking for one is the nearest.
        let multi = self
            .multi
            .filter(|_| version >= ProtocolVersion::V2025_11_25);
        let mut object = Object::new(out, version);
        object.field("type", if multi.is_some() { "array" } else { "string" });
        object.optional("title", &self.title);
        object.optional("description", &self.description);
        match multi {
            Some(limits) => self.encode_several(limits, &mut object),
            None => self.encode_one(&mut object),
        }
        object.end();
    }
}

struct Values<'a>(&'a [EnumChoice]);

impl Encode for Values<'_> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        encode::write_array(out, version, self.0.iter().map(|choice| &choice.value));
    }
}

struct Titles<'a>(&'a [EnumChoice]);

impl Encode for Titles<'_> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        encode::write_array(out, version, self.0.iter().map(EnumChoice::label));
    }
}

struct TitledChoices<'a>(&'a [EnumChoice]);

impl Encode for TitledChoices<'_> {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        encode::write_array(out, version, self.0);
    }
}

impl EnumChoice {
    /// What is shown for it.
    #[must_use]
    pub fn label(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.value)
    }
}

/// As a member of `oneOf` or `anyOf`.
impl Encode for EnumChoice {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let mut object = Object::new(out, version);
        object.field("const", &self.value);
        object.field("title", self.label());
        object.end();
    }
}

/// The members of all kinds of fields; which of them are there tells the kind.
#[derive(Deserialize)]
struct AnySchema<'a> {
    #[serde(borrow, rename = "type")]
    ty: Option<Cow<'a, str>>,
    title: Option<String>,
    description: Option<String>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    #[serde(rename = "enum")]
    values: Option<Vec<String>>,
    #[serde(rename = "enumNames")]
    names: Option<Vec<String>>,
    #[serde(rename = "oneOf")]
    one_of: Option<Vec<AnyChoice>>,
    items: Option<AnyItems>,
    #[serde(rename = "minItems", default, deserialize_with = "wire::lenient")]
    min_items: Option<u64>,
    #[serde(rename = "maxItems", default, deserialize_with = "wire::lenient")]
    max_items: Option<u64>,
    default: Option<Json>,
}

#[derive(Deserialize)]
struct AnyChoice {
    #[serde(rename = "const")]
    value: String,
    title: Option<String>,
}

#[derive(Deserialize)]
struct AnyItems {
    #[serde(rename = "enum")]
    values: Option<Vec<String>>,
    #[serde(rename = "anyOf", alias = "oneOf")]
    any_of: Option<Vec<AnyChoice>>,
}

impl<'de> Deserialize<'de> for PrimitiveSchema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        if !json.is_object() {
            return Err(de::Error::custom("the schema of a field must be an object"));
        }
        // What does not fit a kind is not lost: it is for whoever shows the form to judge.
        Ok(Self::classify(&json).unwrap_or(Self::Unknown(json)))
    }
}

impl PrimitiveSchema {
    fn classify(json: &Json) -> Option<Self> {
        let any: AnySchema<'_> = serde_json::from_str(json.as_str()).ok()?;
        match any.ty.as_deref()? {
            "string" if any.values.is_some() || any.one_of.is_some() => any.into_single(),
            "string" => json.to().ok().map(Self::String),
            "boolean" => json.to().ok().map(Self::Boolean),
            "number" => Some(any.into_number(false)),
            "integer" => Some(any.into_number(true)),
            "array" => any.into_several(),
            _ => None,
        }
    }
}

impl AnySchema<'_> {
    fn into_number(self, integer: bool) -> PrimitiveSchema {
        PrimitiveSchema::Number(NumberSchema {
            integer,
            title: self.title,
            description: self.description,
            minimum: self.minimum,
            maximum: self.maximum,
            default: self.default.and_then(|value| value.to().ok()),
        })
    }

    fn into_single(self) -> Option<PrimitiveSchema> {
        let choices = choices(self.values, self.names, self.one_of)?;
        Some(PrimitiveSchema::Enum(EnumSchema {
            title: self.title,
            description: self.description,
            choices,
            multi: None,
            default: self
                .default
                .and_then(|value| value.to().ok())
                .map(|value| Vec::from([value])),
        }))
    }

    fn into_several(self) -> Option<PrimitiveSchema> {
        let items = self.items?;
        let choices = choices(items.values, None, items.any_of)?;
        Some(PrimitiveSchema::Enum(EnumSchema {
            title: self.title,
            description: self.description,
            choices,
            multi: Some(MultiSelect {
                min_items: self.min_items,
                max_items: self.max_items,
            }),
            default: self.default.and_then(|value| value.to().ok()),
        }))
    }
}

fn choices(
    values: Option<Vec<String>>,
    names: Option<Vec<String>>,
    titled: Option<Vec<AnyChoice>>,
) -> Option<Vec<EnumChoice>> {
    if let Some(titled) = titled {
        let choice = |AnyChoice { value, title }| EnumChoice { value, title };
        return Some(titled.into_iter().map(choice).collect());
    }
    let mut names = names.unwrap_or_default().into_iter();
    let choice = |value| EnumChoice {
        value,
        title: names.next(),
    };
    Some(values?.into_iter().map(choice).collect())
}
