//! The forms that types are.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use mcp_proto::json::Json;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::form::form_of;
use crate::AskError;

fn shown<T: JsonSchema + for<'de> Deserialize<'de>>() -> Value {
    Json::new(&form_of::<T>().unwrap()).unwrap().to().unwrap()
}

#[test]
fn every_kind_of_field_is_written_as_the_specification_has_it() {
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "its form is all there is to it")]
    struct Form {
        /// Your name
        #[schemars(title = "Name", length(min = 2, max = 40))]
        zebra: String,
        #[schemars(email)]
        mail: String,
        #[schemars(url)]
        page: Option<String>,
        #[schemars(range(min = 1, max = 9))]
        #[serde(default = "three")]
        count: u8,
        share: f64,
        sure: Option<bool>,
        plain: Plain,
        titled: Option<Titled>,
        mixed: Mixed,
        #[schemars(length(min = 1, max = 2))]
        several: Vec<Plain>,
        set: Option<BTreeSet<Titled>>,
    }
    fn three() -> u8 {
        3
    }
    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Plain {
        Red,
        Green,
    }
    #[derive(Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
    enum Titled {
        #[schemars(title = "Small")]
        S,
        /// Large
        L,
    }
    #[derive(Deserialize, JsonSchema)]
    enum Mixed {
        /// The first
        A,
        B,
        C,
    }
    let titled = json!([{"const": "S", "title": "Small"}, {"const": "L", "title": "Large"}]);
    let form = shown::<Form>();
    assert_eq!(
        form["properties"],
        json!({
            "zebra": {"type": "string", "title": "Name", "description": "Your name", "minLength": 2, "maxLength": 40},
            "mail": {"type": "string", "format": "email"},
            "page": {"type": "string", "format": "uri"},
            "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
            "share": {"type": "number"},
            "sure": {"type": "boolean"},
            "plain": {"type": "string", "enum": ["red", "green"]},
            "titled": {"type": "string", "oneOf": titled},
            "mixed": {"type": "string", "oneOf": [
                {"const": "B", "title": "B"}, {"const": "C", "title": "C"}, {"const": "A", "title": "The first"},
            ]},
            "several": {"type": "array", "minItems": 1, "maxItems": 2,
                        "items": {"type": "string", "enum": ["red", "green"]}},
            "set": {"type": "array", "items": {"anyOf": titled}},
        })
    );
    assert_eq!(
        form["required"],
        json!(["zebra", "mail", "share", "plain", "mixed", "several"])
    );
    // In the order that they were written in.
    let text = Json::new(&form_of::<Form>().unwrap()).unwrap();
    let at = |name: &str| text.as_str().find(name).unwrap();
    assert!(
        at("zebra") < at("mail") && at("several") < at("\"set\""),
        "{text:?}"
    );
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "it is refused")]
struct Flat {
    fine: String,
}

fn refused<T: JsonSchema + for<'de> Deserialize<'de>>() -> (String, String) {
    match form_of::<T>() {
        Err(AskError::Form { field, problem }) => (field, problem),
        other => panic!("{other:?}"),
    }
}

macro_rules! refused {
    ($ty:ty) => {{
        #[derive(Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "it is refused")]
        struct Form {
            fine: String,
            wrong: $ty,
        }
        let (field, problem) = refused::<Form>();
        assert_eq!(field, "wrong");
        problem
    }};
}

#[test]
fn what_is_no_form_is_refused_and_the_field_named() {
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "it is refused")]
    enum Data {
        A(u8),
        B,
    }
    assert_eq!(refused!(Flat), "forms are flat: it cannot be an object");
    assert_eq!(refused!(Vec<String>), "a list must be one of enums");
    assert_eq!(refused!(Option<Vec<u8>>), "a list must be one of enums");
    assert_eq!(refused!(Value), "it may be anything");
    assert_eq!(refused!(Data), "its variants must have no data");
    assert!(refused!((u8, u8)).contains("a list"), "a tuple");
    assert_eq!(refused::<String>().0, "");
    assert_eq!(refused::<Vec<Flat>>().0, "");
    assert_eq!(
        refused::<alloc::collections::BTreeMap<String, String>>().0,
        ""
    );
    assert_eq!(refused::<Data>().0, "");
}
