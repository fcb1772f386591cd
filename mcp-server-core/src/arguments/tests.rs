use super::*;
use alloc::{borrow::ToOwned, collections::BTreeMap, string::ToString, vec, vec::Vec};
use core::num::NonZeroU8;
use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize)]
enum Unit {
    Metric,
    #[serde(rename = "imperial")]
    Imperial,
    Custom {
        factor: f64,
    },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    items: Vec<Item>,
    note: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Item {
    price: u8,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(u32);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum NumberOrName {
    Number(u32),
    Name(String),
}

/// A number that may be null in other places.
#[derive(Debug, PartialEq)]
struct Chosen(u8);

impl<'de> Deserialize<'de> for Chosen {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let chosen = Option::deserialize(from)?;
        let missing = || serde::de::Error::custom("one must be chosen");
        chosen.map(Self).ok_or_else(missing)
    }
}

/// One argument `a` of a tool, given as this JSON.
fn tool<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    given(&alloc::format!(r#"{{"a":{json}}}"#), false)
}

fn given<T: DeserializeOwned>(object: &str, strict: bool) -> Result<T, String> {
    let object = Json::parse(object).unwrap();
    let mut arguments = ToolArguments::read(&["a"], Some(&object)).strict(strict);
    let value = arguments.get(0);
    arguments
        .finish()
        .map_err(|problems| problems.to_string())?;
    Ok(value.unwrap())
}

fn prompt<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let texts = BTreeMap::from([("a".to_owned(), text.to_owned())]);
    let mut arguments = PromptArguments::read(&["a"], &texts);
    let value = arguments.get(0);
    arguments
        .finish()
        .map_err(|problems| problems.to_string())?;
    Ok(value.unwrap())
}

fn template<T: DeserializeOwned>(values: &[&str]) -> Result<T, String> {
    let variables = values.iter().map(|value| ("a", *value)).collect();
    let mut arguments = TemplateArguments::read(&["a"], &variables);
    let value = arguments.get(0);
    arguments
        .finish()
        .map_err(|problems| problems.to_string())?;
    Ok(value.unwrap())
}

fn no<T>(message: &str) -> Result<T, String> {
    Err(message.to_owned())
}

#[test]
fn what_is_wrong_is_said_in_terms_of_json() {
    assert_eq!(
        tool::<f64>("\"x\""),
        no("a: expected a number, got the string \"x\"")
    );
    assert_eq!(tool::<f64>("{}"), no("a: expected a number, got an object"));
    assert_eq!(tool::<i64>("1.5"), no("a: expected an integer, got 1.5"));
    assert_eq!(tool::<i64>("null"), no("a: expected an integer, got null"));
    assert_eq!(
        tool::<u8>("300"),
        no("a: expected an integer from 0 to 255, got 300")
    );
    assert_eq!(
        tool::<u32>("-1"),
        no("a: expected an integer from 0 to 4294967295, got -1")
    );
    assert_eq!(
        tool::<NonZeroU8>("0"),
        no("a: expected an integer that is not 0, got 0")
    );
    assert_eq!(tool::<bool>("1"), no("a: expected true or false, got 1"));
    assert_eq!(tool::<String>("true"), no("a: expected a string, got true"));
    assert_eq!(
        tool::<char>("\"ab\""),
        no("a: expected one character, got the string \"ab\"")
    );
    assert_eq!(
        tool::<Vec<u8>>("{}"),
        no("a: expected an array, got an object")
    );
    assert_eq!(
        tool::<BTreeMap<String, u8>>("[]"),
        no("a: expected an object, got an array")
    );
    assert_eq!(
        tool::<Unit>("\"Furlong\""),
        no("a: expected one of `Metric`, `imperial`, `Custom`, got \"Furlong\"")
    );
}

#[test]
fn the_place_of_a_nested_error_is_named() {
    assert_eq!(
        tool::<Order>(r#"{"note": "a { \" [", "items": [{"price": 1}, {"price": 256}]}"#),
        no("a.items[1].price: expected an integer from 0 to 255, got 256")
    );
    assert_eq!(
        tool::<Order>("{\n\"items\": [\n{\"price\": \"x\"}\n]}"),
        no("a.items[0].price: expected an integer from 0 to 255, got the string \"x\"")
    );
    assert_eq!(
        tool::<Order>(r#"{"items": [{}, {}]}"#),
        no("a.items[0].price: missing, but required")
    );
    assert_eq!(tool::<Order>("{}"), no("a.items: missing, but required"));
    assert_eq!(
        tool::<Order>(r#"{"items": 3}"#),
        no("a.items: expected an array, got 3")
    );
    assert_eq!(
        tool::<Order>(r#"{"items": [3]}"#),
        no("a.items[0]: expected an object, got 3")
    );
    assert_eq!(
        tool::<Order>(r#"{"itms": [], "note": null}"#),
        no("a.itms: unknown field `itms`, expected `items` or `note`")
    );
    assert_eq!(
        tool::<BTreeMap<String, u8>>(r#"{"x": 1, "y": []}"#),
        no("a.y: expected an integer from 0 to 255, got an array")
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let object = Json::parse(r#"{"b": "x", "z": 1, "a": 2, "a": 3, "\u0064": 4}"#).unwrap();
    let mut arguments = ToolArguments::read(&["a", "b", "c", "d"], Some(&object));
    assert_eq!(arguments.get::<u32>(0), Some(2));
    assert_eq!(arguments.get::<u32>(1), None);
    assert_eq!(arguments.get::<u32>(2), None);
    assert_eq!(arguments.get::<u32>(3), Some(4));
    assert_eq!(
        arguments.finish().unwrap_err().to_string(),
        "z: unknown argument; known are a, b, c, d\na: given twice\nb: expected an integer from 0 to 4294967295, \
         got the string \"x\"\nc: missing, but required"
    );

    let arguments = ToolArguments::read(&[], Some(&object));
    let problems = arguments.finish().unwrap_err().to_string();
    assert!(
        problems.starts_with("b: unknown argument; none are known\n"),
        "{problems}"
    );

    let array = Json::parse("[1]").unwrap();
    let problems = ToolArguments::read(&["a"], Some(&array))
        .finish()
        .unwrap_err()
        .to_string();
    assert!(problems.contains("expected an object"), "{problems}");
    assert_eq!(ToolArguments::read(&["a"], None).finish(), Ok(()));
}

#[test]
fn what_is_repeated_to_the_caller_is_short() {
    let problem = tool::<u8>(&alloc::format!("\"{}\"", "ä".repeat(1000))).unwrap_err();
    assert!(problem.len() < 200 && problem.contains("äää…"), "{problem}");

    let many: BTreeMap<_, _> = (0..1000)
        .map(|index| (alloc::format!("{index}-{}", "x".repeat(500)), 0))
        .collect();
    let object = Json::new(&many).unwrap();
    let problems = ToolArguments::read(&["a"], Some(&object))
        .finish()
        .unwrap_err()
        .to_string();
    assert!(
        problems.len() < 4000 && problems.ends_with("and 980 more"),
        "{problems}"
    );
}

#[test]
fn what_is_left_out_is_none_or_the_default() {
    assert_eq!(given::<Option<u8>>("{}", true), Ok(None));
    assert_eq!(given::<u8>("{}", false), no("a: missing, but required"));
    assert_eq!(tool::<Option<u8>>("null"), Ok(None));
    type Maybe = Option<Vec<u8>>;
    assert!(may_be_absent::<Maybe>() && !may_be_absent::<Vec<u8>>() && !may_be_absent::<()>());
    assert!(
        !may_be_absent::<Chosen>(),
        "it is read as an option and must be there"
    );
    assert_eq!(given::<Chosen>("{}", true), no("a: missing, but required"));
    assert_eq!(tool::<Chosen>("3"), Ok(Chosen(3)));

    let default = |object: &str, strict: bool| {
        let object = Json::parse(object).unwrap();
        let mut arguments = ToolArguments::read(&["a"], Some(&object)).strict(strict);
        let value = arguments.get_or(0, || 7_u8);
        arguments.finish().map(|()| value.unwrap()).ok()
    };
    assert_eq!(default("{}", true), Some(7));
    assert_eq!(default(r#"{"a":1}"#, true), Some(1));
    assert_eq!(default(r#"{"a":null}"#, false), Some(7));
    assert_eq!(default(r#"{"a":null}"#, true), None);
    assert_eq!(default(r#"{"a":"x"}"#, false), None);
}

#[test]
fn json_in_a_string_is_understood_unless_strict() {
    assert_eq!(tool::<i32>("\"2\""), Ok(2));
    assert_eq!(tool::<Vec<u8>>("\"[1, 2]\""), Ok(vec![1, 2]));
    assert_eq!(
        tool::<Order>(r#""{\"items\": []}""#),
        Ok(Order {
            items: vec![],
            note: None
        })
    );
    assert_eq!(tool::<Option<bool>>("\"true\""), Ok(Some(true)));
    assert_eq!(tool::<String>("\"2\""), Ok("2".to_owned()));
    assert_eq!(
        given::<i32>(r#"{"a":"2"}"#, true),
        no("a: expected an integer from -2147483648 to 2147483647, got the string \"2\"",)
    );
}

#[test]
fn a_whole_object_is_read_as_leniently() {
    let read = |text: &str, strict| {
        let object = Json::parse(text).unwrap();
        decode_object::<Order>(Some(&object), strict).map_err(|problems| problems.to_string())
    };
    let order = || {
        Ok(Order {
            items: vec![Item { price: 1 }],
            note: Some("x, \"y\"".to_owned()),
        })
    };
    let quoted = r#"{ "note" : "x, \"y\"" , "items" : "[{\"price\": 1}]" }"#;
    assert_eq!(read(quoted, false), order());
    assert_eq!(
        read(r#"{"items": [{"price": 1}], "note": "x, \"y\""}"#, true),
        order()
    );
    let array = "items: expected an array, got the string \"[{\\\"price\\\": 1}]\"";
    assert_eq!(read(quoted, true), no(array));
    assert_eq!(
        read(r#"{"items": "[{}]"}"#, false),
        no("items: expected an array, got the string \"[{}]\"")
    );
    assert_eq!(
        read(r#"{"items": "\"[]\""}"#, false).map(|_| ()),
        no(r#"items: expected an array, got the string "\"[]\"""#)
    );
    assert_eq!(
        read(r#"{"items": [{"price": "1"}]}"#, false).map(|_| ()),
        no("items[0].price: expected an integer from 0 to 255, got the string \"1\"",)
    );
    assert_eq!(read("{}", false), no("items: missing, but required"));
    assert_eq!(
        decode_object::<u8>(None, false).unwrap_err().to_string(),
        "the arguments: expected an integer from 0 to 255, got an object"
    );
    let numbers = Json::parse(r#"{"a": "1", "b": "2", "c": "3"}"#).unwrap();
    assert_eq!(
        decode_object::<BTreeMap<String, u8>>(Some(&numbers), false)
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn a_whole_number_is_an_integer_however_it_is_written() {
    assert_eq!(given::<u8>(r#"{"a":2.0}"#, true), Ok(2));
    assert_eq!(given::<i64>(r#"{"a":-1e3}"#, true), Ok(-1000));
    assert!(given::<i64>(r#"{"a":1e300}"#, true).is_err());
    assert!(given::<u8>(r#"{"a":256.0}"#, true).is_err());
}

#[test]
fn a_prompt_reads_texts_as_its_types_demand() {
    assert_eq!(prompt::<String>("5"), Ok("5".to_owned()));
    assert_eq!(prompt::<String>("\"x\""), Ok("\"x\"".to_owned()));
    assert_eq!(
        prompt::<Option<String>>("null"),
        Ok(Some("null".to_owned()))
    );
    assert_eq!(prompt::<f64>(" 1.5 "), Ok(1.5));
    assert_eq!(prompt::<Option<u8>>("5"), Ok(Some(5)));
    assert_eq!(prompt::<bool>("true"), Ok(true));
    assert_eq!(prompt::<char>("x"), Ok('x'));
    assert_eq!(prompt::<Wrapped>("5"), Ok(Wrapped(5)));
    assert_eq!(prompt::<Vec<u8>>("[1,2]"), Ok(vec![1, 2]));
    assert_eq!(prompt::<(u8, String)>("[1,\"a\"]"), Ok((1, "a".to_owned())));
    assert_eq!(
        prompt::<Order>(r#"{"items":[{"price":1}]}"#).unwrap().items,
        [Item { price: 1 }]
    );
    assert_eq!(prompt::<Unit>("Metric"), Ok(Unit::Metric));
    assert_eq!(prompt::<Unit>("\"imperial\""), Ok(Unit::Imperial));
    assert_eq!(
        prompt::<Unit>(r#"{"Custom":{"factor":2}}"#),
        Ok(Unit::Custom { factor: 2.0 })
    );
    assert_eq!(prompt::<NumberOrName>("5"), Ok(NumberOrName::Number(5)));
    assert_eq!(
        prompt::<NumberOrName>("x"),
        Ok(NumberOrName::Name("x".to_owned()))
    );
    assert_eq!(prompt::<serde_json::Value>("{x"), Ok("{x".into()));
    assert_eq!(prompt::<Json>("[1]").unwrap().as_str(), "[1]");
    assert_eq!(prompt::<Json>("it's").unwrap().as_str(), "\"it's\"");

    assert_eq!(
        prompt::<f64>("x"),
        no("a: expected a number, got the string \"x\"")
    );
    assert_eq!(
        prompt::<u8>("300"),
        no("a: expected an integer from 0 to 255, got 300")
    );
    assert_eq!(
        prompt::<Vec<u8>>("1, 2"),
        no("a: expected an array, got the string \"1, 2\"")
    );
    assert_eq!(
        prompt::<Vec<u8>>("[1,true]"),
        no("a[1]: expected an integer from 0 to 255, got true")
    );
    assert_eq!(
        prompt::<Order>("x"),
        no("a: expected an object, got the string \"x\"")
    );
    assert_eq!(
        prompt::<Unit>("x"),
        no("a: expected one of `Metric`, `imperial`, `Custom`, got \"x\"")
    );
}

#[test]
fn texts_are_bytes_marks_and_nothings_to_types_that_want_those() {
    #[derive(Debug, PartialEq)]
    struct Bytes(Vec<u8>);
    struct Reader;
    impl serde::de::Visitor<'_> for Reader {
        type Value = Bytes;
        fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("bytes")
        }
        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
            Ok(Bytes(bytes.to_vec()))
        }
    }
    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_byte_buf(Reader)
        }
    }
    assert_eq!(prompt::<Bytes>("[1]"), Ok(Bytes(b"[1]".to_vec())));
    assert_eq!(
        prompt::<char>("xy"),
        no("a: expected one character, got the string \"xy\"")
    );
    assert_eq!(prompt::<()>("null"), Ok(()));
    assert!(prompt::<()>("x").is_err());
    assert!(prompt::<serde::de::IgnoredAny>("{x").is_ok());
}

#[test]
fn a_prompt_takes_only_the_arguments_it_knows() {
    let texts: BTreeMap<_, _> = ["a", "x"]
        .map(|name| (name.to_owned(), "5".to_owned()))
        .into();
    let mut arguments = PromptArguments::read(&["a", "b", "c"], &texts);
    assert_eq!(arguments.get::<u8>(0), Some(5));
    assert_eq!(arguments.get_or(1, || 7), Some(7));
    assert_eq!(arguments.get::<bool>(2), None);
    let problems = "x: unknown argument; known are a, b, c\nc: missing, but required";
    assert_eq!(arguments.finish().unwrap_err().to_string(), problems);
}

#[test]
fn a_template_reads_values_and_lists() {
    assert_eq!(template::<String>(&["5"]), Ok("5".to_owned()));
    assert_eq!(template::<String>(&["a", "b"]), Ok("a,b".to_owned()));
    assert_eq!(template::<u64>(&["5"]), Ok(5));
    assert_eq!(template::<Option<f64>>(&[]), Ok(None));
    assert_eq!(template::<Vec<u64>>(&["5"]), Ok(vec![5]));
    assert_eq!(
        template::<Vec<String>>(&["[1]", ""]),
        Ok(vec!["[1]".to_owned(), String::new()])
    );
    assert_eq!(
        template::<Option<Vec<Unit>>>(&["imperial", "Metric"]),
        Ok(Some(vec![Unit::Imperial, Unit::Metric]))
    );
    assert_eq!(template::<(u8, bool)>(&["1", "false"]), Ok((1, false)));
    assert_eq!(template::<u64>(&[]), no("a: missing, but required"));
    assert_eq!(
        template::<u64>(&["5", "6"]),
        no("a: expected an integer that is not negative, got the string \"5,6\"")
    );
    assert_eq!(
        template::<Vec<u8>>(&["5", "x"]),
        no("a: expected an integer from 0 to 255, got the string \"x\"")
    );
}

#[test]
fn problems_go_to_the_model_or_to_the_program() {
    let problems = || {
        ToolArguments::read(&[], Some(&Json::parse("1").unwrap()))
            .finish()
            .unwrap_err()
    };
    assert!(!problems().into_tool_error().is_internal());
    assert_eq!(
        problems().into_invalid_params().to_string(),
        problems().to_string()
    );
}
