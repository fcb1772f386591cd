//! Filling in a form, and looking whether what was filled in fits.

use super::{
    ElicitResult, ElicitSchema, EnumSchema, Map, NumberSchema, PrimitiveSchema, StringSchema,
};
use crate::json::Json;
use alloc::{format, string::String, vec::Vec};

impl ElicitResult {
    /// The form filled in with its defaults. A field that must be filled in and has none gets the
    /// least value that fits: an empty or blank text, zero or the minimum, `false`, the first
    /// choice.
    ///
    /// ```
    /// use mcp_proto::types::{BooleanSchema, ElicitResult, ElicitSchema, StringSchema};
    ///
    /// let mut name = StringSchema::default();
    /// name.default = Some("Ada".into());
    /// let form = ElicitSchema::new()
    ///     .with_optional("name", name)
    ///     .with_required("sure", BooleanSchema::default())
    ///     .with_optional("remarks", StringSchema::default());
    /// let result = ElicitResult::accept_defaults(&form);
    /// assert_eq!(result.content.unwrap().as_str(), r#"{"name":"Ada","sure":false}"#);
    /// ```
    #[must_use]
    pub fn accept_defaults(form: &ElicitSchema) -> Self {
        let mut content: Map<Json> = Map::new();
        for (name, field) in form.properties.iter() {
            let required = form.required.iter().any(|required| required == name);
            let value = field
                .default_value()
                .or_else(|| required.then(|| field.least_value()));
            if let Some(value) = value {
                content.insert(name, value);
            }
        }
        // A map of JSON texts can always be written.
        Self::accept(Json::new(&content).unwrap_or_else(|_| Json::empty_object()))
    }
}

impl ElicitSchema {
    /// What is wrong with `content` as an answer to this form; nothing where it fits.
    ///
    /// Formats are not looked at, nor are fields of a kind that no revision defines; fields that
    /// the form does not have are allowed.
    #[must_use]
    pub fn problems(&self, content: &Json) -> Vec<String> {
        let Some(values) = content
            .is_object()
            .then(|| content.to::<Map<Json>>().ok())
            .flatten()
        else {
            return Vec::from([String::from("the answer must be an object")]);
        };
        let mut problems = Vec::new();
        for name in &self.required {
            if values.get(name).is_none() {
                problems.push(format!("{name}: it must be filled in"));
            }
        }
        for (name, field) in self.properties.iter() {
            if let Some(problem) = values.get(name).and_then(|value| field.problem(value)) {
                problems.push(format!("{name}: {problem}"));
            }
        }
        problems
    }
}

impl PrimitiveSchema {
    fn default_value(&self) -> Option<Json> {
        let value = match self {
            Self::String(field) => Json::new(field.default.as_ref()?),
            Self::Number(field) => number(field, field.default?),
            Self::Boolean(field) => Json::new(&field.default?),
            Self::Enum(field) if field.multi.is_some() => Json::new(field.default.as_ref()?),
            Self::Enum(field) => Json::new(field.default.as_ref()?.first()?),
            Self::Unknown(schema) => Json::new(&schema.to::<Map<Json>>().ok()?.remove("default")?),
        };
        value.ok()
    }

    fn least_value(&self) -> Json {
        let value = match self {
            Self::String(field) => {
                let length = field.min_length.unwrap_or_default().min(LONGEST_BLANK);
                Json::new(&(0..length).map(|_| ' ').collect::<String>())
            }
            Self::Number(field) => {
                let low = field.minimum.unwrap_or(f64::MIN);
                number(
                    field,
                    0.0_f64.max(low).min(field.maximum.unwrap_or(f64::MAX)),
                )
            }
            Self::Boolean(_) => Json::new(&false),
            Self::Enum(field) => {
                let values = field.choices.iter().map(|choice| &choice.value);
                match field.multi {
                    Some(several) => {
                        let least = usize::try_from(several.min_items.unwrap_or_default());
                        Json::new(&values.take(least.unwrap_or(usize::MAX)).collect::<Vec<_>>())
                    }
                    None => Json::new(&values.take(1).next()),
                }
            }
            Self::Unknown(_) => Ok(Json::null()),
        };
        value.unwrap_or_else(|_| Json::null())
    }

    fn problem(&self, value: &Json) -> Option<String> {
        match self {
            Self::String(field) => match value.to::<String>() {
                Ok(text) => field.length_problem(&text),
                Err(_) => Some("it must be a text".into()),
            },
            Self::Number(field) => match value.to::<f64>() {
                Ok(number) => field.range_problem(number),
                Err(_) => Some("it must be a number".into()),
            },
            Self::Boolean(_) => value
                .to::<bool>()
                .err()
                .map(|_| "it must be true or false".into()),
            Self::Enum(field) => field.choice_problem(value),
            Self::Unknown(_) => None,
        }
    }
}

/// A form that demands more blanks than this gets an answer that does not fit.
const LONGEST_BLANK: u64 = 1024;

fn number(field: &NumberSchema, value: f64) -> Result<Json, serde_json::Error> {
    if field.integer {
        Json::new(&(value as i64))
    } else {
        Json::new(&value)
    }
}

impl StringSchema {
    fn length_problem(&self, text: &str) -> Option<String> {
        let length = text.chars().count() as u64;
        match (self.min_length, self.max_length) {
            (Some(least), _) if length < least => {
                Some(format!("it must have at least {least} characters"))
            }
            (_, Some(most)) if length > most => {
                Some(format!("it must have at most {most} characters"))
            }
            _ => None,
        }
    }
}

impl NumberSchema {
    fn range_problem(&self, number: f64) -> Option<String> {
        match (self.minimum, self.maximum) {
            _ if self.integer && number % 1.0 != 0.0 => Some("it must be a whole number".into()),
            (Some(least), _) if number < least => Some(format!("it must be at least {least}")),
            (_, Some(most)) if number > most => Some(format!("it must be at most {most}")),
            _ => None,
        }
    }
}

impl EnumSchema {
    fn choice_problem(&self, value: &Json) -> Option<String> {
        let known = |value: &String| self.choices.iter().any(|choice| choice.value == *value);
        let Some(several) = self.multi else {
            let fits = value.to::<String>().is_ok_and(|value| known(&value));
            return (!fits).then(|| "it must be one of the choices".into());
        };
        match value.to::<Vec<String>>() {
            Ok(values) if values.iter().all(known) => {
                let count = values.len() as u64;
                let fits = several.min_items.is_none_or(|least| count >= least)
                    && several.max_items.is_none_or(|most| count <= most);
                (!fits).then(|| "there are too few or too many choices".into())
            }
            _ => Some("it must be a list of choices".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> ElicitSchema {
        serde_json::from_str(text).unwrap()
    }

    const FORM: &str = r#"{"type":"object","properties":{
        "name":{"type":"string","minLength":2,"maxLength":4},
        "age":{"type":"integer","minimum":18,"default":21},
        "share":{"type":"number","maximum":-0.5},
        "sure":{"type":"boolean"},
        "color":{"type":"string","enum":["red","blue"],"default":"blue"},
        "one":{"type":"string","oneOf":[{"const":"a","title":"A"}]},
        "many":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"string","enum":["x","y","z"]}}
    },"required":["name","share","sure","one","many"]}"#;

    #[test]
    fn the_defaults_of_a_form_fit_it() {
        let form = form(FORM);
        let content = ElicitResult::accept_defaults(&form).content.unwrap();
        assert_eq!(
            content.as_str(),
            r#"{"name":"  ","age":21,"share":-0.5,"sure":false,"color":"blue","one":"a","many":["x"]}"#
        );
        assert_eq!(form.problems(&content), Vec::<String>::new());
    }

    #[test]
    fn an_answer_that_does_not_fit_is_told_why() {
        let table: &[(&str, &str)] = &[
            (r#""name":"a""#, "name: it must have at least 2 characters"),
            (
                r#""name":"abcde""#,
                "name: it must have at most 4 characters",
            ),
            (r#""name":7"#, "name: it must be a text"),
            (r#""age":17"#, "age: it must be at least 18"),
            (r#""age":18.5"#, "age: it must be a whole number"),
            (r#""age":"18""#, "age: it must be a number"),
            (r#""share":0"#, "share: it must be at most -0.5"),
            (r#""sure":"yes""#, "sure: it must be true or false"),
            (r#""color":"green""#, "color: it must be one of the choices"),
            (r#""many":"x""#, "many: it must be a list of choices"),
            (r#""many":["x","w"]"#, "many: it must be a list of choices"),
            (
                r#""many":["x","y","z"]"#,
                "many: there are too few or too many choices",
            ),
        ];
        let mut form = form(FORM);
        form.required.clear();
        for (member, expected) in table {
            let content = Json::parse(format!("{{{member}}}")).unwrap();
            assert_eq!(form.problems(&content), [*expected]);
        }
        form.required.push("name".into());
        assert_eq!(
            form.problems(&Json::empty_object()),
            ["name: it must be filled in"]
        );
        assert_eq!(
            form.problems(&Json::null()),
            ["the answer must be an object"]
        );
    }
}
