//! What the attributes make of free functions.

#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;

use mcp_server_core::{
    Completer, Cx, Image, Json, Server, ToolError,
    mcp_proto::types::{CompletionReference, PromptMessage},
    prompt, resource, tool,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use support::{Tester, block_on, encoded, yield_now};

/// Add two numbers.
///
/// Not for models to read.
#[tool]
fn add(
    /** the first */
    a: f64,
    /** the second */
    b: f64,
) -> f64 {
    a + b
}

#[test]
fn a_tool_is_called_with_typed_arguments() {
    let tester = Tester::new(|server| server.tool(add));
    assert_eq!(tester.text("add", r#"{"a": 1, "b": 2.5}"#).unwrap(), "3.5");
    assert_eq!(tester.text("add", r#"{"b": "2", "a": "1"}"#).unwrap(), "3");
    assert_eq!(
        tester.text("add", r#"{"a": "x", "c": 1}"#).unwrap_err(),
        "c: unknown argument; known are a, b\na: expected a number, got the string \"x\"\nb: missing, but required"
    );
}

#[test]
fn a_strict_server_takes_no_text_for_a_number() {
    let tester = Tester::new(|server| server.tool(add).strict_arguments());
    let error = tester.text("add", r#"{"a": "1", "b": 2}"#).unwrap_err();
    assert_eq!(error, "a: expected a number, got the string \"1\"");
}

#[test]
fn a_function_stays_a_function() {
    assert_eq!(add(1.0, 2.0), 3.0);
    assert_eq!([1.0, 2.0].map(|number| add(number, 1.0)), [2.0, 3.0]);
    let pointer: fn(f64, f64) -> f64 = *add;
    assert_eq!(pointer(1.0, 1.0), 2.0);
    assert_eq!(factorial(5), 120);
    assert_eq!(greet("Ada", &Cx::detached()), "Hello, Ada");
    let names = ["a".to_owned()];
    assert_eq!(
        block_on(wait("now", &Cx::detached(), &names)).unwrap(),
        "now a"
    );
}

#[tool]
fn factorial(n: u64) -> u64 {
    if n < 2 { 1 } else { n * factorial(n - 1) }
}

#[tool]
fn greet(name: &str, _cx: &Cx) -> String {
    format!("Hello, {name}")
}

#[tool]
async fn wait(text: &str, cx: &Cx, names: &[String]) -> Result<String, ToolError> {
    yield_now().await;
    cx.info("woke up");
    if text.is_empty() {
        return Err(ToolError::new("nothing to say"));
    }
    Ok(format!("{text} {}", names.join(" ")))
}

#[test]
fn an_async_function_is_awaited_and_borrows_from_its_call() {
    let tester = Tester::new(|server| server.tool(wait).tool(greet).tool(owned_cx).tool(sync_cx));
    assert_eq!(
        tester
            .text("wait", r#"{"text": "hi", "names": ["a", "b"]}"#)
            .unwrap(),
        "hi a b"
    );
    assert_eq!(
        tester
            .text("wait", r#"{"text": "", "names": []}"#)
            .unwrap_err(),
        "nothing to say"
    );
    assert_eq!(
        tester
            .text("wait", r#"{"text": 1}"#)
            .unwrap_err()
            .lines()
            .count(),
        2
    );
    assert_eq!(
        tester.text("greet", r#"{"name": "Ada"}"#).unwrap(),
        "Hello, Ada"
    );
    assert_eq!(tester.text("owned_cx", "{}").unwrap(), "false");
    assert_eq!(tester.text("sync_cx", "{}").unwrap(), "false");
}

#[tool]
async fn owned_cx(cx: Cx) -> bool {
    cx.is_cancelled()
}

#[tool]
fn sync_cx(cx: mcp_server_core::Cx) -> bool {
    cx.is_cancelled()
}

/// Searches.
#[tool(
    name = "search",
    title = "Search things",
    tags("public", "slow"),
    read_only,
    destructive = false,
    idempotent,
    open_world = false,
    timeout = "5s",
    icon = "https://example.com/search.png",
    meta("example.com/cost" = 3, "example.com/kind" = ["a", "b"])
)]
fn find(
    query: String,
    /// how many results,
    /// at most
    #[arg(default = 10)]
    most: u8,
    #[arg(description = "the language", rename = "lang", default = "en")] language: String,
    #[arg(default)] tags: Vec<String>,
    #[arg(default = 2)] factor: f64,
    after: Option<i64>,
    r#type: Option<Kind>,
) -> String {
    format!("{query} {most} {language} {tags:?} {factor} {after:?} {type:?}")
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code)]
enum Kind {
    Book,
    Film,
}

#[test]
fn defaults_and_options_may_be_left_out() {
    let tester = Tester::new(|server| server.tool(find));
    assert_eq!(
        tester.text("search", r#"{"query": "x"}"#).unwrap(),
        r#"x 10 en [] 2 None None"#
    );
    let all = r#"{"query": "x", "most": 3, "lang": "nl", "tags": ["a"], "factor": 0.5, "after": -1, "type": "film"}"#;
    assert_eq!(
        tester.text("search", all).unwrap(),
        r#"x 3 nl ["a"] 0.5 Some(-1) Some(Film)"#
    );
    let nulls = r#"{"query": "x", "most": null, "after": null}"#;
    assert_eq!(
        tester.text("search", nulls).unwrap(),
        r#"x 10 en [] 2 None None"#
    );
    let error = tester
        .text("search", r#"{"query": "x", "most": 300}"#)
        .unwrap_err();
    assert_eq!(error, "most: expected an integer from 0 to 255, got 300");
}

#[test]
fn what_an_attribute_says_is_in_the_definition() {
    let tester = Tester::new(|server| server.tool(find).tool(add).tool(greet));
    insta::assert_snapshot!(support::pretty(&tester.tool("search")));
    insta::assert_snapshot!(support::pretty(&tester.tool("add")));
    insta::assert_snapshot!(support::pretty(&tester.tool("greet")));
    let entry = tester.0.tool("search").unwrap();
    assert_eq!(entry.tags(), ["public", "slow"]);
    assert_eq!(entry.timeout(), Some(std::time::Duration::from_secs(5)));
    assert_eq!(tester.0.tool("add").unwrap().timeout(), None);
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq)]
struct Point {
    /// to the right
    x: i32,
    y: i32,
    next: Option<Box<Point>>,
}

/// Takes one value for all arguments.
#[tool]
fn mirror(#[arg(flatten)] point: Point, _cx: &Cx) -> Json<Point> {
    Json(Point {
        x: -point.x,
        ..point
    })
}

#[tool(output_schema = none)]
async fn shift(#[arg(flatten)] point: &Point) -> Json<i32> {
    Json(point.x + 1)
}

/// Takes a struct among others.
#[tool(quick)]
fn distance(from: Point, to: &Point) -> i32 {
    (from.x - to.x).abs() + (from.y - to.y).abs()
}

#[test]
fn structs_are_arguments_or_all_of_them() {
    let tester = Tester::new(|server| server.tool(mirror).tool(shift).tool(distance));
    assert_eq!(
        tester.text("mirror", r#"{"x": 1, "y": 2}"#).unwrap(),
        r#"{"x":-1,"y":2,"next":null}"#
    );
    assert_eq!(tester.text("shift", r#"{"x": 1, "y": 2}"#).unwrap(), "2");
    assert_eq!(tester.tool("shift").get("outputSchema"), None);
    let arguments = r#"{"from": {"x": 1, "y": 2}, "to": "{\"x\": 3, \"y\": 5}"}"#;
    assert_eq!(tester.text("distance", arguments).unwrap(), "5");
    let error = tester
        .text(
            "distance",
            r#"{"from": {"x": 1, "y": "2"}, "to": {"x": 1}}"#,
        )
        .unwrap_err();
    assert!(
        error.starts_with("from.y: expected an integer from"),
        "{error}"
    );
    assert!(error.ends_with("to.y: missing, but required"), "{error}");
    insta::assert_snapshot!(support::pretty(&tester.tool("mirror")["inputSchema"]));
}

mod nested {
    use super::*;

    /// Visible where its visibility says.
    #[tool]
    pub(super) fn inner(map: BTreeMap<String, u8>) -> u32 {
        helper(&map)
    }

    fn helper(map: &BTreeMap<String, u8>) -> u32 {
        map.values().copied().map(u32::from).sum()
    }

    #[tool]
    #[cfg(any())]
    pub(super) fn never(argument: DoesNotExist) {}
}

#[test]
fn functions_live_in_modules_and_in_functions() {
    #[tool]
    fn local(mut n: u8) -> u8 {
        n += 1;
        n
    }
    let tester = Tester::new(|server| server.tool(nested::inner).tool(local));
    assert_eq!(
        tester
            .text("inner", r#"{"map": {"a": 1, "b": 2}}"#)
            .unwrap(),
        "3"
    );
    assert_eq!(tester.text("local", r#"{"n": 1}"#).unwrap(), "2");
    assert_eq!(local(1), 2);
}

#[tool]
fn nothing() {}

#[tool(description = "A constant may say it", disabled)]
fn picture() -> Image {
    Image::png([1, 2, 3])
}

#[tool(crate = mcp_server_core)]
fn fails() -> Result<(), ToolError> {
    Err("secret".parse::<u8>().unwrap_err())?
}

#[test]
fn tools_without_arguments_take_none() {
    let tester = Tester::new(|server| server.tool(nothing).tool(picture).tool(fails));
    assert_eq!(tester.text("nothing", "{}").unwrap(), "");
    assert_eq!(
        tester.text("nothing", r#"{"a": 1}"#).unwrap_err(),
        "a: unknown argument; none are known"
    );
    assert!(tester.0.tool("picture").is_none());
    assert_eq!(
        tester.text("fails", "{}").unwrap_err(),
        "internal error in tool `fails`"
    );
    let schema = r#"{"additionalProperties":false,"properties":{},"type":"object"}"#;
    assert_eq!(
        tester.tool("nothing")["inputSchema"],
        serde_json::from_str::<serde_json::Value>(schema).unwrap()
    );
}

/// Greets.
#[prompt(title = "A greeting", tags("x"))]
fn greeting(
    /** who is greeted */
    #[arg(complete = ["Ada", "Alan", "Grace"])]
    name: String,
    /** how often */
    #[arg(default = 1, complete = |_: &str| ["1", "2"])]
    times: usize,
    formal: Option<bool>,
    cx: &Cx,
) -> Vec<PromptMessage> {
    assert!(!cx.is_cancelled());
    let greeting = if formal == Some(true) {
        "Good day"
    } else {
        "Hi"
    };
    (0..times)
        .map(|_| PromptMessage::user(format!("{greeting}, {name}")))
        .collect()
}

#[prompt]
async fn list(
    #[arg(rename = "the-items", completer = Completer::of(["[1]"]))] items: &[u32],
) -> String {
    yield_now().await;
    format!("{items:?}")
}

#[test]
fn prompts_read_their_arguments_from_text() {
    let tester = Tester::new(|server| server.prompt(greeting).prompt(list));
    assert_eq!(
        tester.prompt("greeting", r#"{"name": "5"}"#).unwrap(),
        "Hi, 5"
    );
    assert_eq!(
        tester
            .prompt(
                "greeting",
                r#"{"name": "Ada", "times": "2", "formal": "true"}"#
            )
            .unwrap(),
        "Good day, Ada"
    );
    assert!(
        tester
            .prompt("greeting", "{}")
            .unwrap_err()
            .contains("`name`")
    );
    let error = tester
        .prompt("greeting", r#"{"name": "Ada", "times": "x"}"#)
        .unwrap_err();
    assert_eq!(
        error,
        "times: expected an integer that is not negative, got the string \"x\" (-32602)"
    );
    let error = tester
        .prompt("greeting", r#"{"name": "Ada", "nick": "x"}"#)
        .unwrap_err();
    assert!(error.starts_with("nick: unknown argument"), "{error}");
    assert_eq!(
        tester.prompt("list", r#"{"the-items": "[1, 2]"}"#).unwrap(),
        "[1, 2]"
    );

    let complete =
        |argument, typed| tester.complete(CompletionReference::prompt("greeting"), argument, typed);
    assert_eq!(complete("name", "a"), ["Ada", "Alan"]);
    assert_eq!(complete("times", ""), ["1", "2"]);
    assert_eq!(
        tester.complete(CompletionReference::prompt("list"), "the-items", ""),
        ["[1]"]
    );
    let definition = encoded(tester.0.prompt("greeting").unwrap().definition());
    insta::assert_snapshot!(support::pretty(&definition));
    assert_eq!(greeting("A".into(), 2, None, &Cx::detached()).len(), 2);
}

/// The house rules.
#[resource("town://rules", mime = "text/markdown")]
fn rules() -> &'static str {
    "# Rules"
}

/// A house.
#[resource(
    "town://{street}/{house-number}{?floor,tags*,verbose}",
    name = "house",
    title = "House"
)]
async fn house(
    #[arg(complete = |typed: &str| [format!("{typed}...")])] street: &str,
    house_number: u32,
    floor: Option<i8>,
    tags: Vec<String>,
    #[arg(default = false)] verbose: bool,
) -> Result<String, ToolError> {
    yield_now().await;
    if house_number == 0 {
        return Err(ToolError::not_found());
    }
    Ok(format!(
        "{house_number}, {street}, {floor:?}, {tags:?}, {verbose}"
    ))
}

#[resource("file://{+path}")]
fn file(#[arg(unscreened)] path: String, #[arg(default = 7)] extra: u8) -> Json<(String, u8)> {
    Json((path, extra))
}

#[resource("file:screened/{path*}")]
fn screened(path: String) -> String {
    path
}

#[test]
fn resources_take_their_variables() {
    let tester = Tester::new(|server| {
        server
            .resource(rules)
            .resource(house)
            .resource(file)
            .resource(screened)
    });
    let fixed = tester.read("town://rules").unwrap();
    assert_eq!(
        (&fixed["text"], &fixed["mimeType"]),
        (&"# Rules".into(), &"text/markdown".into())
    );
    let text = |uri: &str| {
        tester
            .read(uri)
            .map(|contents| contents["text"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        text("town://Main%20St/5").unwrap(),
        "5, Main St, None, [], false"
    );
    assert_eq!(
        text("town://a/5?verbose=true&tags=x&floor=-1&tags=y").unwrap(),
        r#"5, a, Some(-1), ["x", "y"], true"#
    );
    assert!(
        text("town://a/b")
            .unwrap_err()
            .starts_with("house_number: expected an integer from 0")
    );
    assert!(text("town://a/0").unwrap_err().contains("not found"));
    assert_eq!(
        text("file:///etc/../passwd").unwrap(),
        r#"["/etc/../passwd",7]"#
    );
    assert_eq!(text("file:screened/a/b").unwrap(), "a/b");
    assert_eq!(text("file:screened/a/../b").unwrap_err(), "not found");
    let reference =
        CompletionReference::resource("town://{street}/{house-number}{?floor,tags*,verbose}");
    assert_eq!(tester.complete(reference, "street", "Ma"), ["Ma..."]);
    let definition = encoded(tester.0.templates().next().unwrap().definition());
    insta::assert_snapshot!(support::pretty(&definition));
    assert_eq!(
        block_on(house("a", 1, None, vec![], true)).unwrap(),
        "1, a, None, [], true"
    );
}

#[test]
fn a_whole_server_is_built_of_functions() {
    let server: Server = mcp_server_core::server!()
        .tool(add)
        .prompt(greeting)
        .resource(house)
        .build()
        .unwrap();
    assert_eq!(server.current().info().name, "mcp-server-macros");
}

/// Takes its time.
#[tool(task = "optional")]
fn long() {}

#[test]
fn a_tool_says_whether_it_runs_as_a_task() {
    let tester = Tester::new(|server| server.tool(long).tool(add));
    let support = |name| {
        let tool = tester.0.tool(name).unwrap().definition();
        tool.execution
            .as_ref()?
            .task_support
            .map(|support| support.as_str())
    };
    assert_eq!((support("long"), support("add")), (Some("optional"), None));
}
