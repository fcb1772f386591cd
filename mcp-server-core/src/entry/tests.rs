use super::*;
use crate::{
    Completer, Cx, Failure, IntoToolResult, Json, Outcome, ServerBuilder, Service, ToolError, Work,
};
use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    sync::Arc,
};
use core::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use mcp_proto::{
    encode::Encode,
    json::Json as JsonText,
    rpc::RpcError,
    types::{
        Annotations, CacheHints, CompleteParams, CompletionArgument, CompletionReference, Icon,
        PromptMessage, ToolAnnotations,
    },
    version::ProtocolVersion,
};

fn text(json: &str) -> Option<JsonText> {
    Some(JsonText::parse(json).unwrap())
}

/// Runs a handler to its end; the futures of these tests are always ready.
fn run(handler: &Handler, work: Work) -> Outcome {
    let cx = Cx::detached();
    match handler {
        Handler::Sync(run) | Handler::Quick(run) => run(work, cx),
        Handler::Async(run) => ready(run(work, cx)),
    }
}

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready"),
    }
}

fn built(builder: ServerBuilder) -> Service<Handler> {
    builder.build_service().unwrap()
}

fn server() -> ServerBuilder {
    ServerBuilder::new("test", "1.0.0")
}

fn call(service: &Service<Handler>, name: &str, arguments: &str) -> Outcome {
    let entry = service.tool(name).unwrap();
    run(
        entry.handler(),
        Work::Tool {
            name: Arc::clone(entry.key()),
            arguments: text(arguments),
        },
    )
}

fn get(service: &Service<Handler>, name: &str, arguments: Option<JsonText>) -> Outcome {
    let entry = service.prompt(name).unwrap();
    run(
        entry.handler(),
        Work::Prompt {
            name: Arc::clone(entry.key()),
            arguments,
        },
    )
}

fn read(service: &Service<Handler>, uri: &str) -> Outcome {
    let found = service.resource(uri).unwrap();
    run(
        found.handler,
        Work::Resource {
            uri: uri.into(),
            variables: found.variables,
        },
    )
}

/// The outcome as the client sees it.
fn told(outcome: Outcome) -> String {
    let version = ProtocolVersion::LATEST_HANDSHAKE;
    let mut out = Vec::new();
    match outcome {
        Outcome::Tool(result) => result.encode(&mut out, version),
        Outcome::Prompt(result) => result.encode(&mut out, version),
        Outcome::Resource(result) => result.encode(&mut out, version),
        Outcome::Complete(completion) => completion.encode(&mut out, version),
        Outcome::Fail(error) => error.write_to(&mut out),
        #[allow(unreachable_patterns)]
        other => panic!("{other:?}"),
    }
    String::from_utf8(out).unwrap()
}

#[cfg(feature = "schemars")]
mod typed {
    use super::*;
    use crate::Image;
    use alloc::collections::BTreeMap;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    fn definition(service: &Service<Handler>, name: &str) -> serde_json::Value {
        let mut out = Vec::new();
        service
            .tool(name)
            .unwrap()
            .definition()
            .encode(&mut out, ProtocolVersion::LATEST_HANDSHAKE);
        serde_json::from_slice(&out).unwrap()
    }

    #[derive(Deserialize, JsonSchema)]
    struct Add {
        /// the first
        a: f64,
        b: f64,
        times: Option<u32>,
    }

    impl Add {
        fn sum(&self) -> f64 {
            (self.a + self.b) * f64::from(self.times.unwrap_or(1))
        }
    }

    fn calculator() -> ServerBuilder {
        server()
            .tool(
                ToolEntry::new("add")
                    .description("Add two numbers")
                    .typed(|add: Add, _: &Cx| add.sum()),
            )
            .tool(
                ToolEntry::new("add_later")
                    .typed_async(|add: Add, _cx: Cx| async move { add.sum() }),
            )
    }

    #[test]
    fn a_typed_tool_is_described_by_its_types() {
        let service = built(calculator());
        let expected = serde_json::json!({
            "name": "add",
            "description": "Add two numbers",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "a": {"type": "number", "description": "the first"},
                    "b": {"type": "number"},
                    "times": {"type": ["integer", "null"], "minimum": 0},
                },
                "required": ["a", "b"],
                "additionalProperties": false,
            },
            "outputSchema": {
                "type": "object",
                "properties": {"result": {"type": "number"}},
                "required": ["result"],
            },
        });
        assert_eq!(definition(&service, "add"), expected);
    }

    #[test]
    fn arguments_are_checked_before_the_function_runs() {
        let service = built(calculator());
        for name in ["add", "add_later"] {
            assert_eq!(
                told(call(&service, name, r#"{"a":1,"b":2.5}"#)),
                r#"{"content":[{"type":"text","text":"3.5"}],"structuredContent":{"result":3.5}}"#
            );
            let wrong = [
                (r#"{"a":1}"#, "b: missing, but required"),
                (r#"{"a":1,"b":"x"}"#, "b: expected a number, got the string"),
                (r#"{"a":1,"b":2,"times":-1}"#, "times: expected"),
                (
                    r#"{"a":1,"b":2,"c":3}"#,
                    "c: unknown argument; known are a, b, times",
                ),
                (r#"{"a":1,"b":2,"times":1,"":3}"#, "unknown argument"),
            ];
            for (arguments, message) in wrong {
                let Outcome::Tool(result) = call(&service, name, arguments) else {
                    panic!("{arguments}")
                };
                assert!(result.failed(), "{arguments}");
                let text = result.content[0].as_text().unwrap();
                assert!(text.contains(message), "{arguments}: {text}");
            }
        }
    }

    #[test]
    fn json_in_a_string_is_read_unless_arguments_are_strict() {
        let arguments = r#"{"a":"1","b":2}"#;
        let Outcome::Tool(lenient) = call(&built(calculator()), "add", arguments) else {
            panic!()
        };
        assert_eq!(lenient.structured_content, text("3"));
        let Outcome::Tool(strict) = call(&built(calculator().strict_arguments()), "add", arguments)
        else {
            panic!()
        };
        assert!(strict.failed());
    }

    #[test]
    fn maps_and_flattened_structs_take_any_member() {
        #[derive(Deserialize, JsonSchema)]
        struct Open {
            #[serde(flatten)]
            rest: BTreeMap<String, serde_json::Value>,
        }
        let service = built(
            server()
                .tool(ToolEntry::new("map").typed(|map: BTreeMap<String, u8>, _: &Cx| map.len()))
                .tool(ToolEntry::new("open").typed(|open: Open, _: &Cx| open.rest.len())),
        );
        for name in ["map", "open"] {
            let Outcome::Tool(result) = call(&service, name, r#"{"x":1,"y":2}"#) else {
                panic!()
            };
            assert_eq!(result.structured_content, text("2"), "{name}");
        }
        assert_eq!(
            definition(&service, "open")["inputSchema"]["additionalProperties"],
            true
        );
    }

    #[test]
    fn a_typed_prompt_reads_its_arguments_from_text() {
        let prompt = PromptEntry::new("sum").typed(|add: Add, _: &Cx| add.sum().to_string());
        let service = built(server().prompt(prompt));
        let arguments = &service.prompt("sum").unwrap().definition().arguments;
        let told_arguments: Vec<_> = arguments
            .iter()
            .map(|argument| {
                (
                    argument.name.as_str(),
                    argument.required,
                    argument.description.as_deref().unwrap(),
                )
            })
            .collect();
        let hint = |schema: &str| {
            format!("Provide as a JSON string matching the following schema: {schema}")
        };
        let (number, times) = (
            hint(r#"{"type":"number"}"#),
            hint(r#"{"minimum":0,"type":["integer","null"]}"#),
        );
        let first = format!("the first\n\n{number}");
        assert_eq!(
            told_arguments,
            [
                ("a", true, &*first),
                ("b", true, &*number),
                ("times", false, &*times)
            ]
        );
        assert_eq!(
            told(get(
                &service,
                "sum",
                text(r#"{"a":"1","b":"2.5","times":"2"}"#)
            )),
            r#"{"messages":[{"role":"user","content":{"type":"text","text":"7"}}]}"#
        );
        for wrong in [r#"{"a":"1","b":"x"}"#, r#"{"a":"1"}"#, "{}"] {
            let Outcome::Fail(error) = get(&service, "sum", text(wrong)) else {
                panic!("{wrong}")
            };
            assert_eq!(error.code, -32602, "{wrong}");
        }
    }

    #[test]
    fn structured_results_have_a_schema_that_the_return_type_tells() {
        #[derive(Serialize, JsonSchema)]
        struct Town {
            name: String,
        }
        let town = || {
            Json(Town {
                name: "Ghent".into(),
            })
        };
        let service = built(
            server()
                .tool(ToolEntry::new("town").run(move |_, _| Ok::<_, ToolError>(town())))
                .tool(ToolEntry::new("seen").run(move |_, _| (Image::png([1]), town())))
                .tool(
                    ToolEntry::new("untold")
                        .without_output_schema()
                        .run(move |_, _| town()),
                )
                .tool(ToolEntry::new("names").run(|_, _| ["Ghent"])),
        );
        let schema = |name: &str| definition(&service, name)["outputSchema"]["properties"].clone();
        assert_eq!(schema("town")["name"]["type"], "string");
        assert_eq!(schema("seen")["name"]["type"], "string");
        assert!(schema("untold").is_null());
        assert_eq!(schema("names")["result"]["type"], "array");
        assert_eq!(
            told(call(&service, "town", "{}")),
            r#"{"content":[{"type":"text","text":"{\"name\":\"Ghent\"}"}],"structuredContent":{"name":"Ghent"}}"#
        );
    }
}

#[test]
fn internal_errors_are_masked_and_told_to_the_hook() {
    extern crate std;
    use std::sync::Mutex;

    fn fails() -> Result<u32, ToolError> {
        Ok("secret".parse::<u32>()?)
    }
    let parts = || {
        server()
            .tool(ToolEntry::new("t").run(|_, _| fails()))
            .tool(
                ToolEntry::new("visible").run(|_, _| Err::<u32, _>(ToolError::new("no such city"))),
            )
            .tool(
                ToolEntry::new("protocol")
                    .run(|_, _| Err::<u32, _>(ToolError::protocol(RpcError::new(7, "own")))),
            )
            .resource(ResourceEntry::new("x:r", "r").run(|_, _| fails().map(|_| "")))
            .resource(ResourceEntry::new("x:gone", "gone").run(|_, _| None::<&str>))
            .prompt(PromptEntry::new("p").run(|_, _| fails().map(|_| "")))
            .prompt(
                PromptEntry::new("visible").run(|_, _| Err::<&str, _>(ToolError::new("not today"))),
            )
    };
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    let masked = built(parts().on_error(move |failure: &Failure<'_>| {
        hearing.lock().unwrap().push(failure.to_string());
    }));
    let error =
        |text: &str| format!(r#"{{"content":[{{"type":"text","text":"{text}"}}],"isError":true}}"#);
    assert_eq!(
        told(call(&masked, "t", "{}")),
        error("internal error in tool `t`")
    );
    assert_eq!(told(call(&masked, "visible", "{}")), error("no such city"));
    assert_eq!(
        told(call(&masked, "protocol", "{}")),
        r#"{"code":7,"message":"own"}"#
    );
    assert_eq!(
        told(read(&masked, "x:r")),
        r#"{"code":-32603,"message":"internal error in resource `x:r`"}"#
    );
    assert_eq!(
        told(read(&masked, "x:gone")),
        r#"{"code":-32002,"message":"resource not found","data":{"uri":"x:gone"}}"#
    );
    assert_eq!(
        told(get(&masked, "p", None)),
        r#"{"code":-32603,"message":"internal error in prompt `p`"}"#
    );
    assert_eq!(
        told(get(&masked, "visible", None)),
        r#"{"code":-32603,"message":"not today"}"#
    );
    let cause = "invalid digit found in string";
    assert_eq!(
        *heard.lock().unwrap(),
        [
            format!("tool `t`: {cause}"),
            format!("resource `x:r`: {cause}"),
            format!("prompt `p`: {cause}")
        ]
    );

    let exposed = built(parts().expose_errors(true));
    assert_eq!(
        told(call(&exposed, "t", "{}")),
        error(&format!("tool `t`: {cause}"))
    );
}

#[test]
fn async_functions_give_async_handlers_with_the_same_outcomes() {
    let service = built(
        server()
            .tool(ToolEntry::new("t").run_async(|input, _| async move { input.text().to_string() }))
            .tool(ToolEntry::new("raw").raw_async(
                JsonText::parse(r#"{"type":"object"}"#).unwrap(),
                |arguments, _| async move { arguments },
            ))
            .resource(
                ResourceEntry::new("x:{r}", "r")
                    .run_async(|of, _| async move { of.get::<String>("r") }),
            )
            .prompt(
                PromptEntry::new("p").run_async(|_, _| async { PromptMessage::assistant("hi") }),
            ),
    );
    assert!(matches!(
        service.tool("t").unwrap().handler(),
        Handler::Async(_)
    ));
    assert_eq!(
        told(call(&service, "t", r#"{"x":1}"#)),
        r#"{"content":[{"type":"text","text":"{\"x\":1}"}]}"#
    );
    assert_eq!(
        told(call(&service, "raw", r#"{"x":1}"#)),
        r#"{"content":[{"type":"text","text":"{\"x\":1}"}],"structuredContent":{"x":1}}"#
    );
    assert_eq!(
        told(read(&service, "x:a%2Bb")),
        r#"{"contents":[{"uri":"x:a%2Bb","mimeType":"text/plain","text":"a+b"}]}"#
    );
    assert_eq!(
        told(get(&service, "p", None)),
        r#"{"messages":[{"role":"assistant","content":{"type":"text","text":"hi"}}]}"#
    );
}

#[test]
fn quick_functions_are_marked_so() {
    let service = built(
        server()
            .tool(ToolEntry::new("slow").run(|_, _| ()))
            .tool(ToolEntry::new("quick").quick().run(|_, _| ()))
            .resource(ResourceEntry::new("x:c", "c").constant("c")),
    );
    assert!(matches!(
        service.tool("slow").unwrap().handler(),
        Handler::Sync(_)
    ));
    assert!(matches!(
        service.tool("quick").unwrap().handler(),
        Handler::Quick(_)
    ));
    assert!(matches!(
        service.resource("x:c").unwrap().handler,
        Handler::Quick(_)
    ));
}

#[test]
fn a_resource_keeps_its_declared_type_and_hints() {
    let service = built(
        server().resource(
            ResourceEntry::new("x:{n}", "n")
                .mime_type("application/vnd.n+json")
                .cache(CacheHints::private(5))
                .run(|of, _| Ok::<_, ToolError>(Json([of.get::<u32>("n")?]))),
        ),
    );
    let Outcome::Resource(result) = read(&service, "x:7") else {
        panic!()
    };
    assert_eq!(result.cache, CacheHints::private(5));
    assert_eq!(
        told(Outcome::Resource(result)),
        r#"{"contents":[{"uri":"x:7","mimeType":"application/vnd.n+json","text":"[7]"}]}"#
    );
    let Outcome::Fail(error) = read(&service, "x:seven") else {
        panic!()
    };
    assert_eq!(error.code, -32602);
    assert!(
        error.message.contains('n') && error.message.contains("seven"),
        "{error}"
    );
}

#[test]
fn required_arguments_of_a_prompt_are_missed_before_it_runs() {
    let service = built(
        server().prompt(
            PromptEntry::new("p")
                .required("a", "first")
                .required("b", "")
                .optional("c", "")
                .run(|with, _| {
                    let c: Option<u32> = with.get("c")?;
                    Ok::<_, ToolError>(format!(
                        "{}{}{c:?}",
                        with.get::<String>("a")?,
                        with.get::<bool>("b")?
                    ))
                }),
        ),
    );
    for (arguments, missing) in [(None, "`a`, `b`"), (text(r#"{"a":"x"}"#), "`b`")] {
        let Outcome::Fail(error) = get(&service, "p", arguments) else {
            panic!()
        };
        assert_eq!(
            (error.code, error.message),
            (
                -32602,
                format!("prompt `p` lacks the required {missing}").into()
            )
        );
    }
    let Outcome::Fail(error) = get(&service, "p", text(r#"{"a":"x","b":"maybe"}"#)) else {
        panic!()
    };
    assert_eq!(error.code, -32602);
    let said = get(&service, "p", text(r#"{"a":"x","b":"true","c":3}"#));
    assert!(told(said).contains("xtrueSome(3)"));
}

#[test]
fn completers_propose_for_their_own_argument() {
    let prompt = PromptEntry::new("p")
        .required("city", "")
        .required("street", "")
        .required("house", "")
        .complete("city", Completer::of(["Antwerp", "Ghent", "geneva"]))
        .complete(
            "street",
            Completer::with(|params, _| {
                let city = params
                    .context
                    .as_ref()
                    .and_then(|context| context.arguments.get("city"));
                [format!("{} Street", city.map_or("Main", String::as_str))]
            }),
        )
        .run(|_, _| "");
    let later = PromptEntry::new("later")
        .required("x", "")
        .required("y", "")
        .complete(
            "x",
            Completer::with_async(|params, _| async move { [params.argument.value] }),
        )
        .complete(
            "y",
            Completer::new(|_| Err::<[&str; 0], _>(ToolError::new("no idea"))),
        )
        .run(|_, _| "");
    let service = built(server().prompt(prompt).prompt(later));
    let propose = |name: &str, argument: &str, typed: &str| {
        let of = CompletionReference::prompt(name);
        let crate::CompletionTarget::Handler(handler) = service.completion(&of) else {
            panic!()
        };
        let params = CompleteParams::new(of.clone(), CompletionArgument::new(argument, typed));
        told(run(handler, Work::Complete(Box::new(params))))
    };
    assert_eq!(
        propose("p", "city", "g"),
        r#"{"values":["Ghent","geneva"]}"#
    );
    assert_eq!(propose("p", "street", ""), r#"{"values":["Main Street"]}"#);
    assert_eq!(propose("p", "house", ""), r#"{"values":[]}"#);
    assert_eq!(propose("later", "x", "a"), r#"{"values":["a"]}"#);
    assert_eq!(
        propose("later", "y", "a"),
        r#"{"code":-32603,"message":"no idea"}"#
    );
    assert_eq!(propose("later", "z", "a"), r#"{"values":[]}"#);
}

#[test]
fn entries_that_cannot_work_are_refused() {
    let cases = [
        (server().tool(ToolEntry::new("t")), "has no function to run"),
        (
            server().resource(ResourceEntry::new("x:{r}", "r")),
            "resource template `x:{r}` has no function",
        ),
        (
            server().resource(
                ResourceEntry::new("x:{r}", "r")
                    .complete("s", Completer::of(["a"]))
                    .constant(""),
            ),
            "the resource template `x:{r}` has no `s`",
        ),
        (
            server().resource(
                ResourceEntry::new("x:r", "r")
                    .complete("s", Completer::of(["a"]))
                    .constant(""),
            ),
            "the resource `x:r` has no `s`",
        ),
        (
            server().prompt(
                PromptEntry::new("p")
                    .complete("s", Completer::of(["a"]))
                    .run(|_, _| ""),
            ),
            "the prompt `p` has no `s`",
        ),
    ];
    for (builder, problem) in cases {
        let error = builder.build_service().unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn work_of_another_kind_is_an_internal_error() {
    let service = built(server().tool(ToolEntry::new("t").run(|_, _| ().into_tool_result())));
    let work = Work::Prompt {
        name: "t".into(),
        arguments: None,
    };
    let Outcome::Fail(error) = run(service.tool("t").unwrap().handler(), work) else {
        panic!()
    };
    assert_eq!(error.code, -32603);
}

#[test]
fn what_an_entry_says_is_told_or_kept() {
    let service = built(
        server()
            .tool(
                ToolEntry::new("t")
                    .icon(Icon::new("https://a.b/i.png"))
                    .meta("com.example/x", JsonText::null())
                    .tag("one")
                    .tag("two")
                    .timeout(Duration::from_secs(3))
                    .read_only()
                    .output_schema(JsonText::parse(r#"{"type":"object"}"#).unwrap())
                    .call(|| ()),
            )
            .tool(ToolEntry::new("hidden").disabled().call(|| ()))
            .tool(
                ToolEntry::new("hinted")
                    .annotations(ToolAnnotations::new())
                    .call(|| ()),
            )
            .resource(
                ResourceEntry::new("x:r", "r")
                    .annotations(Annotations::new())
                    .size(5)
                    .call(|| "r"),
            )
            .resource(ResourceEntry::new("screened:{path}", "s").constant(""))
            .resource(
                ResourceEntry::new("open:{path}", "o")
                    .unscreened("path")
                    .constant(""),
            ),
    );
    let tool = service.tool("t").unwrap();
    assert_eq!(tool.timeout(), Some(Duration::from_secs(3)));
    assert_eq!(tool.tags(), ["one", "two"]);
    let of = tool.definition();
    assert_eq!(of.icons[0].src, "https://a.b/i.png");
    assert!(of.meta.as_ref().unwrap().get("com.example/x").is_some());
    assert_eq!(of.annotations.as_ref().unwrap().read_only_hint, Some(true));
    assert!(of.output_schema.is_some());
    assert!(service.tool("hidden").is_none());
    let hinted = &service.tool("hinted").unwrap().definition().annotations;
    assert_eq!(hinted.as_ref().unwrap().read_only_hint, None);
    let resource = service.resources().next().unwrap().definition();
    assert!(resource.annotations.is_some() && resource.size == Some(5));
    assert!(told(read(&service, "x:r")).contains(r#""text":"r""#));
    assert!(service.resource("screened:..%2Fa").is_none());
    assert!(service.resource("open:..%2Fa").is_some());
}

#[test]
fn a_handler_is_run_as_it_is() {
    let own = || Handler::quick(|_, _| Outcome::Fail(RpcError::new(7, "own")));
    let service = built(
        server()
            .tool(ToolEntry::new("t").handler(own()))
            .resource(ResourceEntry::new("x:r", "r").handler(own()))
            .prompt(PromptEntry::new("p").required("a", "").handler(own())),
    );
    let outcomes = [
        call(&service, "t", "{}"),
        read(&service, "x:r"),
        get(&service, "p", None),
    ];
    for outcome in outcomes {
        assert_eq!(told(outcome), r#"{"code":7,"message":"own"}"#);
    }
    for (entry, making) in [
        (ToolEntry::new("t"), "Missing"),
        (ToolEntry::new("t").call(|| ()), "Sync"),
        (ToolEntry::new("t").run_async(|_, _| async {}), "Async"),
        (ToolEntry::new("t").handler(own()), "Ready"),
    ] {
        let shown = format!("{entry:?}");
        assert!(shown.contains(&format!("making: {making}")), "{shown}");
    }
    let nothing = server().prompt(PromptEntry::new("p")).build_service();
    let problem = nothing.unwrap_err().to_string();
    assert!(problem.starts_with("the prompt `p` has no function to run"));
}

#[test]
fn work_of_another_kind_is_an_internal_error_whatever_it_is_given_to() {
    let service = built(
        server()
            .tool(ToolEntry::new("later").run_async(|_, _| async {}))
            .resource(ResourceEntry::new("x:r", "r").call(|| ""))
            .resource(ResourceEntry::new("x:later", "l").run_async(|_, _| async { "" }))
            .prompt(
                PromptEntry::new("p")
                    .required("a", "")
                    .complete("a", Completer::of(["a"]))
                    .call(|| ""),
            )
            .prompt(
                PromptEntry::new("later")
                    .required("a", "")
                    .complete("a", Completer::with_async(|_, _| async { ["a"] }))
                    .run_async(|_, _| async { "" }),
            ),
    );
    let completer = |name: &str| match service.completion(&CompletionReference::prompt(name)) {
        crate::CompletionTarget::Handler(handler) => handler.clone(),
        _ => panic!("{name} is completed"),
    };
    let handlers = [
        service.tool("later").unwrap().handler().clone(),
        service.resource("x:r").unwrap().handler.clone(),
        service.resource("x:later").unwrap().handler.clone(),
        service.prompt("p").unwrap().handler().clone(),
        service.prompt("later").unwrap().handler().clone(),
        completer("p"),
        completer("later"),
    ];
    for handler in handlers {
        let work = Work::Extension(Box::new(crate::call::ExtensionCall::new(
            "com.example/x".into(),
            "x".into(),
            None,
        )));
        let outcome = run(&handler, work);
        assert!(matches!(outcome, Outcome::Fail(error) if error.code == -32603));
    }
}

#[test]
fn only_a_resource_can_be_not_found() {
    let gone = || Err::<&str, _>(ToolError::not_found());
    let service = built(
        server()
            .tool(ToolEntry::new("t").call(gone))
            .prompt(PromptEntry::new("p").call(gone)),
    );
    assert!(told(call(&service, "t", "{}")).contains("internal error in tool `t`"));
    assert_eq!(
        told(get(&service, "p", None)),
        r#"{"code":-32603,"message":"internal error in prompt `p`"}"#
    );
}

#[test]
fn async_prompts_read_and_miss_their_arguments_like_others() {
    let later = PromptEntry::new("later")
        .required("a", "")
        .run_async(|with, _| async move { with.get::<String>("a") });
    let service = built(server().prompt(later));
    let said = told(get(&service, "later", text(r#"{"a":"x"}"#)));
    assert!(said.contains(r#""text":"x""#), "{said}");
    for wrong in [None, text(r#"{"b":"x"}"#), text("[1]")] {
        let outcome = get(&service, "later", wrong);
        assert!(matches!(outcome, Outcome::Fail(error) if error.code == -32602));
    }
}

#[cfg(feature = "schemars")]
#[test]
fn async_prompts_have_types_too() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Twice {
        number: u32,
    }
    let typed = PromptEntry::new("typed")
        .typed_async(|twice: Twice, _cx: Cx| async move { (2 * twice.number).to_string() });
    let one = PromptEntry::new("one")
        .typed_argument::<u8>("n", "how many", true)
        .run(|with, _| with.get::<u8>("n").map(|n| n.to_string()));
    let service = built(server().prompt(typed).prompt(one));
    let said = told(get(&service, "typed", text(r#"{"number":"21"}"#)));
    assert!(said.contains(r#""text":"42""#), "{said}");
    let wrong = get(&service, "typed", text(r#"{"number":"x"}"#));
    assert!(matches!(wrong, Outcome::Fail(error) if error.code == -32602));
    let argument = &service.prompt("one").unwrap().definition().arguments[0];
    let description = argument.description.as_deref().unwrap();
    assert!(argument.required && description.starts_with("how many\n\nProvide as a JSON string"));
    let said = told(get(&service, "one", text(r#"{"n":"7"}"#)));
    assert!(said.contains(r#""text":"7""#), "{said}");
}

#[test]
fn shared_components_are_added_through_their_arc() {
    struct Counter;
    impl SharedComponents for Counter {
        fn add_shared(self: Arc<Self>, set: &mut ComponentSet) {
            set.tool(ToolEntry::new("shares").call(move || Arc::strong_count(&self) as u64));
        }
    }
    let counter = Arc::new(Counter);
    let service = built(server().components(Arc::clone(&counter)));
    let Outcome::Tool(result) = call(&service, "shares", "{}") else {
        panic!("a tool's outcome");
    };
    assert_eq!(result.structured_content, text("2"));
}
