//! One table a downgrade rule: what each revision is told.

use super::*;
use crate::{
    encode::{Encode, Sendable},
    json::{Json, Raw},
    rpc::RequestId,
    version::ProtocolVersion::{self, *},
};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

fn wire(value: &impl Encode, version: ProtocolVersion) -> String {
    let mut out = Vec::new();
    value.encode(&mut out, version);
    String::from_utf8(out).unwrap()
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

#[test]
fn a_result_is_read_alike_however_it_is_spelled() {
    let text = r#"{"type":"text","text":"a\n\"b\" é"}"#;
    let spelled = [
        format!(r#"{{"content":[{text}]}}"#),
        format!(r#"{{"resultType":"complete","content":[{text}]}}"#),
        format!(r#"{{"content":[{text}],"structuredContent":{{"a":[1]}}}}"#),
        format!(r#"{{"content":[{text}],"structuredContent":null,"isError":true}}"#),
        format!(r#"{{"content":[{text}],"isError":false}}"#),
        format!(r#"{{"content":[{text}],"isError":null}}"#),
        format!(r#"{{"content":[{text},{text}]}}"#),
        format!(r#"{{"content":[{text}],"_meta":{{"a":1,"b":{{"c":[]}}}}}}"#),
        format!(r#"{{"content":[{text}],"isError":true,"_meta":null}}"#),
        format!(r#"{{"content":[{text}],"_meta":5}}"#),
        format!(r#"{{"content":[{text}],"_meta":{{}},"isError":true}}"#),
        format!(r#"{{"content":[{text}],"isError":false,"isError":true}}"#),
        format!(r#"{{"isError":true,"content":[{text}]}}"#),
        format!(r#"{{ "content":[{text}]}}"#),
        r#"{"content":[{"type":"text","text":"a","_meta":{}}]}"#.to_string(),
        r#"{"content":[{"type":"text","text":"\ud800"}]}"#.to_string(),
        r#"{"content":[{"type":"text","text":5}]}"#.to_string(),
        r#"{"content":[{"type":"other"}]}"#.to_string(),
        r#"{"structuredContent":5}"#.to_string(),
        "5".to_string(),
    ];
    for text in spelled {
        let raw = Raw::parse(&text).unwrap();
        let read = CallToolResult::read(raw).map_err(|error| error.to_string());
        let expected = serde_json::from_str(&text).map_err(|error| error.to_string());
        assert_eq!(read, expected, "{text}");
    }
}

fn meta() -> Option<Meta> {
    Some(Meta::from_iter([("a/b", json("[1]"))]))
}

/// The first revision of each range and what is written from there on.
type Steps<'a> = &'a [(ProtocolVersion, &'a str)];

/// Checks all five revisions.
fn steps(value: &impl Encode, table: Steps<'_>) {
    assert_eq!(table[0].0, V2024_11_05, "a table begins with the oldest");
    for version in ProtocolVersion::ALL {
        let (_, expected) = table
            .iter()
            .rev()
            .find(|(since, _)| *since <= version)
            .unwrap();
        assert_eq!(wire(value, version), *expected, "{version}");
    }
}

fn sendable_since(value: &impl Sendable, since: ProtocolVersion) {
    for version in ProtocolVersion::ALL {
        match value.check(version) {
            Ok(()) => assert!(version >= since, "{version}"),
            Err(error) => {
                assert!(version < since, "{version}: {error}");
                assert_eq!(error.since, since);
            }
        }
    }
}

#[test]
fn an_implementation_grows_a_title_then_pictures() {
    let mut value = Implementation::new("n", "1").with_title("T");
    value.description = Some("d".into());
    value.website_url = Some("https://w".into());
    value.icons.push(Icon::new("https://i"));
    steps(
        &value,
        &[
            (V2024_11_05, r#"{"name":"n","version":"1"}"#),
            (V2025_06_18, r#"{"name":"n","title":"T","version":"1"}"#),
            (
                V2025_11_25,
                r#"{"name":"n","title":"T","version":"1","description":"d","websiteUrl":"https://w","icons":[{"src":"https://i"}]}"#,
            ),
        ],
    );
}

#[test]
fn a_tool_has_only_what_its_revision_knows() {
    let value = Tool::new("n", json(r#"{"type":"object","$defs":{}}"#))
        .with_title("T")
        .with_description("d")
        .with_output_schema(json(r#"{"type":"object"}"#))
        .with_annotations(ToolAnnotations::new().with_read_only(true))
        .with_task_support(TaskSupport::Optional)
        .with_icon(Icon::new("i"))
        .with_meta(meta().unwrap());
    steps(
        &value,
        &[
            (
                V2024_11_05,
                r#"{"name":"n","description":"d","inputSchema":{"type":"object","$defs":{}}}"#,
            ),
            (
                V2025_03_26,
                r#"{"name":"n","description":"d","inputSchema":{"type":"object","$defs":{}},"annotations":{"title":"T","readOnlyHint":true}}"#,
            ),
            (
                V2025_06_18,
                r#"{"name":"n","title":"T","description":"d","inputSchema":{"type":"object","$defs":{}},"outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true},"_meta":{"a/b":[1]}}"#,
            ),
            (
                V2025_11_25,
                r#"{"name":"n","title":"T","description":"d","inputSchema":{"type":"object","$defs":{}},"outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true},"execution":{"taskSupport":"optional"},"icons":[{"src":"i"}],"_meta":{"a/b":[1]}}"#,
            ),
            (
                V2026_07_28,
                r#"{"name":"n","title":"T","description":"d","inputSchema":{"type":"object","$defs":{}},"outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true},"icons":[{"src":"i"}],"_meta":{"a/b":[1]}}"#,
            ),
        ],
    );
}

#[test]
fn a_title_moves_into_the_annotations_of_2025_03_26() {
    let tool = || Tool::new("n", json("{}"));
    let own = ToolAnnotations::new().with_title("own");
    for (value, expected) in [
        (tool(), r#"{"name":"n","inputSchema":{"type":"object"}}"#),
        (
            tool().with_title("T"),
            r#"{"name":"n","inputSchema":{"type":"object"},"annotations":{"title":"T"}}"#,
        ),
        (
            tool().with_title("T").with_annotations(own),
            r#"{"name":"n","inputSchema":{"type":"object"},"annotations":{"title":"own"}}"#,
        ),
    ] {
        assert_eq!(wire(&value, V2025_03_26), expected);
    }
}

#[test]
fn an_output_schema_of_another_type_is_wrapped_until_2025_11_25() {
    let tool = Tool::new("n", json("{}")).with_output_schema(json(r#"{"type":"array"}"#));
    assert!(tool.wraps_output());
    steps(
        &tool,
        &[
            (
                V2024_11_05,
                r#"{"name":"n","inputSchema":{"type":"object"}}"#,
            ),
            (
                V2025_06_18,
                r#"{"name":"n","inputSchema":{"type":"object"},"outputSchema":{"type":"object","properties":{"result":{"type":"array"}},"required":["result"]}}"#,
            ),
            (
                V2026_07_28,
                r#"{"name":"n","inputSchema":{"type":"object"},"outputSchema":{"type":"array"}}"#,
            ),
        ],
    );
}

#[test]
fn references_move_with_the_schema_they_are_in() {
    const REST: &str = r#"},"required":["result"]}"#;
    for (schema, result) in [
        ("true", r#""result":{}"#),
        ("false", r#""result":{"not":{}}"#),
        (
            r##"{"$ref":"#"}"##,
            r##""result":{"$ref":"#/properties/result"}"##,
        ),
        (
            r##"{"$ref":"#/$defs/A","$defs":{"A":{"type":"object"}}}"##,
            r##""result":{"$ref":"#/properties/result/$defs/A","$defs":{"A":{"type":"object"}}}"##,
        ),
        // Below combinators and in arrays.
        (
            r##"{"anyOf":[{"items":{"$dynamicRef":"#/x"}},false]}"##,
            r##""result":{"anyOf":[{"items":{"$dynamicRef":"#/properties/result/x"}},false]}"##,
        ),
        // An anchor or another document is no pointer from the root.
        (
            r##"{"items":{"$ref":"#a"}}"##,
            r##""result":{"items":{"$ref":"#a"}}"##,
        ),
        (
            r##"{"items":{"$ref":"b#/c"}}"##,
            r##""result":{"items":{"$ref":"b#/c"}}"##,
        ),
        // Values that look like schemas.
        (
            r##"{"const":{"$ref":"#"},"enum":[{"$ref":"#"}],"default":{"$ref":"#"},"examples":[{"$ref":"#"}]}"##,
            r##""result":{"const":{"$ref":"#"},"enum":[{"$ref":"#"}],"default":{"$ref":"#"},"examples":[{"$ref":"#"}]}"##,
        ),
        // Properties that are named like keywords.
        (
            r##"{"$defs":{"const":{"$ref":"#/a"},"$ref":{"$ref":"#/b"},"$id":{"$ref":"#/c"}}}"##,
            r##""result":{"$defs":{"const":{"$ref":"#/properties/result/a"},"$ref":{"$ref":"#/properties/result/b"},"$id":{"$ref":"#/properties/result/c"}}}"##,
        ),
        // A base of its own.
        (
            r##"{"not":{"$id":"x","items":{"$ref":"#/a"}}}"##,
            r##""result":{"not":{"$id":"x","items":{"$ref":"#/a"}}}"##,
        ),
        (
            r##"{"$id":"x","items":{"$ref":"#/a"}}"##,
            r##""result":{"$id":"x","items":{"$ref":"#/a"}}"##,
        ),
        // A type that is not only an object.
        (
            r#"{"type":["object","null"]}"#,
            r#""result":{"type":["object","null"]}"#,
        ),
    ] {
        let wrapped = wire(&OutputSchema::new(json(schema)), V2025_11_25);
        let expected = [r#"{"type":"object","properties":{"#, result, REST].concat();
        assert_eq!(wrapped, expected, "{schema}");
    }
}

#[test]
fn a_property_has_an_object_for_a_schema_in_older_revisions() {
    let schema = r#"{"type":"object","properties":{"a":true,"b":false,"c":{"d":true}},"e":true}"#;
    let spelt = r#"{"type":"object","properties":{"a":{},"b":{"not":{}},"c":{"d":true}},"e":true}"#;
    let output = OutputSchema::new(json(schema));
    assert!(!output.is_wrapped());
    assert_eq!(wire(&output, V2025_11_25), spelt);
    assert_eq!(wire(&output, V2026_07_28), schema);
    assert_eq!(Tool::new("n", json(schema)).input_schema.as_str(), spelt);
}

#[test]
fn a_tool_takes_an_object() {
    for (schema, expected) in [
        ("true", r#"{"type":"object"}"#),
        ("{}", r#"{"type":"object"}"#),
        (r#"{ "oneOf":[{}]}"#, r#"{"type":"object", "oneOf":[{}]}"#),
        (
            r#"{"properties":{"a":true}}"#,
            r#"{"type":"object","properties":{"a":{}}}"#,
        ),
        (r#"{"type":"object","x":1}"#, r#"{"type":"object","x":1}"#),
        (
            r#"{"properties":1,"type":"object"}"#,
            r#"{"properties":1,"type":"object"}"#,
        ),
    ] {
        let tool = Tool::new("n", json(schema));
        assert_eq!(tool.input_schema.as_str(), expected);
    }
}

#[test]
fn the_dialect_is_said_at_the_root_of_the_wrapper() {
    for (schema, result) in [
        (r#"{"$schema":"d","type":"string"}"#, r#"{"type":"string"}"#),
        (r#"{"$schema":"d","$id":"i"}"#, r#"{"$id":"i"}"#),
    ] {
        let expected = [
            r#"{"$schema":"d","type":"object","properties":{"result":"#,
            result,
            r#"},"required":["result"]}"#,
        ];
        assert_eq!(
            wire(&OutputSchema::new(json(schema)), V2025_06_18),
            expected.concat()
        );
    }
}

#[test]
fn a_schema_without_end_is_wrapped_without_recursing_without_end() {
    let deep = [r#"{"not":"#.repeat(10_000), "{}".into(), "}".repeat(10_000)].concat();
    let schema = OutputSchema::new(json(&deep));
    assert!(schema.is_wrapped());
    assert!(wire(&schema, V2025_11_25).contains(&deep));
}

#[test]
fn a_structured_object_is_text_as_well_and_nothing_else_before_2025_06_18() {
    steps(
        &CallToolResult::structured(json(r#"{"a":"b"}"#)),
        &[
            (
                V2024_11_05,
                r#"{"content":[{"type":"text","text":"{\"a\":\"b\"}"}]}"#,
            ),
            (
                V2025_06_18,
                r#"{"content":[{"type":"text","text":"{\"a\":\"b\"}"}],"structuredContent":{"a":"b"}}"#,
            ),
            (
                V2026_07_28,
                r#"{"resultType":"complete","content":[{"type":"text","text":"{\"a\":\"b\"}"}],"structuredContent":{"a":"b"}}"#,
            ),
        ],
    );
}

#[test]
fn another_structured_value_is_wrapped_if_its_schema_was() {
    let mut value = CallToolResult::structured(json("[1]"));
    let text = r#"{"content":[{"type":"text","text":"[1]"}]}"#;
    let modern = r#"{"resultType":"complete","content":[{"type":"text","text":"[1]"}],"structuredContent":[1]}"#;
    steps(&value, &[(V2024_11_05, text), (V2026_07_28, modern)]);
    value.wraps_output = true;
    let wrapped =
        r#"{"content":[{"type":"text","text":"[1]"}],"structuredContent":{"result":[1]}}"#;
    steps(
        &value,
        &[
            (V2024_11_05, text),
            (V2025_06_18, wrapped),
            (V2026_07_28, modern),
        ],
    );
    // An object, too, where the schema allows more than objects.
    let mut value = CallToolResult::text("t");
    value.structured_content = Some(json("{}"));
    value.wraps_output = true;
    assert_eq!(
        wire(&value, V2025_11_25),
        r#"{"content":[{"type":"text","text":"t"}],"structuredContent":{"result":{}}}"#
    );
}

#[test]
fn a_tool_error_and_metadata_are_known_to_all() {
    let mut value = CallToolResult::error("no");
    value.meta = meta();
    steps(
        &value,
        &[
            (
                V2024_11_05,
                r#"{"content":[{"type":"text","text":"no"}],"isError":true,"_meta":{"a/b":[1]}}"#,
            ),
            (
                V2026_07_28,
                r#"{"resultType":"complete","content":[{"type":"text","text":"no"}],"isError":true,"_meta":{"a/b":[1]}}"#,
            ),
        ],
    );
    assert!(value.failed());
}

#[test]
fn null_is_a_structured_value() {
    let value: CallToolResult =
        serde_json::from_str(r#"{"content":null,"structuredContent":null,"isError":null}"#)
            .unwrap();
    assert_eq!(value, CallToolResult::structured(Json::null()));
    assert_eq!(
        serde_json::from_str::<CallToolResult>("{}").unwrap(),
        CallToolResult::default()
    );
}

#[test]
fn sound_is_named_before_2025_03_26() {
    let mut audio = AudioContent::new("AAAA", "audio/wav");
    audio.meta = meta();
    audio.annotations = Some(Annotations {
        priority: Some(1.0),
        ..Annotations::new()
    });
    let old =
        r#"{"type":"audio","data":"AAAA","mimeType":"audio/wav","annotations":{"priority":1}}"#;
    let new = r#"{"type":"audio","data":"AAAA","mimeType":"audio/wav","annotations":{"priority":1},"_meta":{"a/b":[1]}}"#;
    let table: Steps<'_> = &[
        (
            V2024_11_05,
            r#"{"type":"text","text":"[audio audio/wav]","annotations":{"priority":1}}"#,
        ),
        (V2025_03_26, old),
        (V2025_06_18, new),
    ];
    steps(&ContentBlock::Audio(audio.clone()), table);
    steps(&SamplingContent::Audio(audio), table);
}

#[test]
fn a_link_is_text_before_2025_06_18() {
    let resource = Resource::new("file:///a\"b", "n")
        .with_title("T")
        .with_icon(Icon::new("i"));
    steps(
        &ContentBlock::link(resource),
        &[
            (V2024_11_05, r#"{"type":"text","text":"[n](file:///a\"b)"}"#),
            (
                V2025_06_18,
                r#"{"type":"resource_link","uri":"file:///a\"b","name":"n","title":"T"}"#,
            ),
            (
                V2025_11_25,
                r#"{"type":"resource_link","uri":"file:///a\"b","name":"n","title":"T","icons":[{"src":"i"}]}"#,
            ),
        ],
    );
}

#[test]
fn metadata_and_dates_of_blocks_begin_with_2025_06_18() {
    let mut annotations = Annotations::new();
    annotations.audience.push(Role::User);
    annotations.last_modified = Some("2025".into());
    let mut contents = ResourceContents::text("a:b", "t")
        .with_mime_type("m")
        .with_meta(Meta::new());
    contents.meta = meta();
    let mut embedded = EmbeddedResource::new(contents);
    embedded.annotations = Some(annotations);
    embedded.meta = meta();
    steps(
        &ContentBlock::from(embedded),
        &[
            (
                V2024_11_05,
                r#"{"type":"resource","resource":{"uri":"a:b","mimeType":"m","text":"t"},"annotations":{"audience":["user"]}}"#,
            ),
            (
                V2025_06_18,
                r#"{"type":"resource","resource":{"uri":"a:b","mimeType":"m","text":"t","_meta":{"a/b":[1]}},"annotations":{"audience":["user"],"lastModified":"2025"},"_meta":{"a/b":[1]}}"#,
            ),
        ],
    );
}

#[test]
fn unknown_blocks_are_written_as_they_came() {
    let text = r#"{"type":"x","n":1.0}"#;
    steps(&ContentBlock::Unknown(json(text)), &[(V2024_11_05, text)]);
}

#[test]
fn a_list_is_paged_everywhere_and_cached_only_from_2026_07_28() {
    let mut value = ListPromptsResult::new(vec![
        Prompt::new("n")
            .with_argument(PromptArgument::new("a").with_title("A").with_required(true)),
    ]);
    value.next_cursor = Some(String::new());
    value.cache = CacheHints::public(5);
    steps(
        &value,
        &[
            (
                V2024_11_05,
                r#"{"prompts":[{"name":"n","arguments":[{"name":"a","required":true}]}],"nextCursor":""}"#,
            ),
            (
                V2025_06_18,
                r#"{"prompts":[{"name":"n","arguments":[{"name":"a","title":"A","required":true}]}],"nextCursor":""}"#,
            ),
            (
                V2026_07_28,
                r#"{"resultType":"complete","prompts":[{"name":"n","arguments":[{"name":"a","title":"A","required":true}]}],"nextCursor":"","ttlMs":5,"cacheScope":"public"}"#,
            ),
        ],
    );
    let read = serde_json::from_str::<ListPromptsResult>(&wire(&value, V2026_07_28)).unwrap();
    assert_eq!(read, value);
    assert_eq!(
        wire(&ListToolsResult::default(), V2025_03_26),
        r#"{"tools":[]}"#
    );
}

#[test]
fn hints_that_make_no_sense_mean_do_not_cache() {
    for text in [
        r#"{"contents":[]}"#,
        r#"{"contents":[],"ttlMs":-5,"cacheScope":"everyone"}"#,
        r#"{"contents":[],"ttlMs":"1","cacheScope":null}"#,
    ] {
        let result: ReadResourceResult = serde_json::from_str(text).unwrap();
        assert_eq!(result.cache, CacheHints::default(), "{text}");
    }
    let result: ReadResourceResult =
        serde_json::from_str(r#"{"cacheScope":"public","ttlMs":60000.0,"contents":[]}"#).unwrap();
    assert_eq!(result.cache, CacheHints::public(60_000));
}

#[test]
fn an_empty_result_is_empty_until_results_have_types() {
    let table: Steps<'_> = &[
        (V2024_11_05, "{}"),
        (V2026_07_28, r#"{"resultType":"complete"}"#),
    ];
    steps(&EmptyResult::default(), table);
    steps(&ListenResult::default(), table);
}

#[test]
fn capabilities_are_those_of_the_revision() {
    let settings = || Some(json("{}"));
    let mut client = ClientCapabilities {
        roots: Some(RootsCapability { list_changed: true }),
        sampling: Some(SamplingCapability {
            context: settings(),
            tools: settings(),
        }),
        elicitation: Some(ElicitationCapability {
            form: settings(),
            url: settings(),
        }),
        tasks: Some(ClientTasksCapability {
            list: settings(),
            ..Default::default()
        }),
        ..Default::default()
    };
    for id in ["io.modelcontextprotocol/tasks", "x/y"] {
        client.extensions.insert(id, json("{}"));
    }
    steps(
        &client,
        &[
            (
                V2024_11_05,
                r#"{"roots":{"listChanged":true},"sampling":{},"extensions":{"x/y":{}}}"#,
            ),
            (
                V2025_06_18,
                r#"{"roots":{"listChanged":true},"sampling":{},"elicitation":{},"extensions":{"x/y":{}}}"#,
            ),
            (
                V2025_11_25,
                r#"{"roots":{"listChanged":true},"sampling":{"context":{},"tools":{}},"elicitation":{"form":{},"url":{}},"tasks":{"list":{}},"extensions":{"x/y":{}}}"#,
            ),
            (
                V2026_07_28,
                r#"{"roots":{},"sampling":{"context":{},"tools":{}},"elicitation":{"form":{},"url":{}},"extensions":{"io.modelcontextprotocol/tasks":{},"x/y":{}}}"#,
            ),
        ],
    );
    client.extensions.remove("x/y");
    assert!(!wire(&client, V2025_11_25).contains("extensions"));

    let server = ServerCapabilities {
        logging: settings(),
        completions: settings(),
        resources: Some(ResourcesCapability::new(true, true)),
        tools: Some(ToolsCapability::new(false)),
        tasks: Some(ServerTasksCapability {
            cancel: settings(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let common = r#""resources":{"subscribe":true,"listChanged":true},"tools":{}"#;
    let [old, new, tasks] = [
        [r#"{"logging":{},"#, common, "}"],
        [r#"{"logging":{},"completions":{},"#, common, "}"],
        [
            r#"{"logging":{},"completions":{},"#,
            common,
            r#","tasks":{"cancel":{}}}"#,
        ],
    ]
    .map(|parts| parts.concat());
    steps(
        &server,
        &[
            (V2024_11_05, &old),
            (V2025_03_26, &new),
            (V2025_11_25, &tasks),
            (V2026_07_28, &new),
        ],
    );
}

#[test]
fn who_shows_pages_only_declares_nothing_where_there_are_only_forms() {
    let capabilities = ClientCapabilities {
        elicitation: Some(ElicitationCapability::url()),
        ..ClientCapabilities::default()
    };
    for (version, expected) in [
        (V2025_06_18, "{}"),
        (V2025_11_25, r#"{"elicitation":{"url":{}}}"#),
        (V2026_07_28, r#"{"elicitation":{"url":{}}}"#),
    ] {
        let mut out = Vec::new();
        capabilities.encode(&mut out, version);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{version}");
    }
}

#[test]
fn what_an_elicitation_capability_means() {
    for (text, forms, urls) in [
        ("{}", false, false),
        (r#"{"elicitation":{}}"#, true, false),
        (r#"{"elicitation":[]}"#, true, false),
        (r#"{"elicitation":{"form":{}}}"#, true, false),
        (r#"{"elicitation":{"url":{}}}"#, false, true),
        (r#"{"elicitation":{"form":{},"url":{}}}"#, true, true),
    ] {
        let client: ClientCapabilities = serde_json::from_str(text).unwrap();
        assert_eq!(
            (client.elicits_forms(), client.elicits_urls()),
            (forms, urls),
            "{text}"
        );
    }
}

#[test]
fn progress_has_words_from_2025_03_26() {
    let mut value = ProgressParams::new("t".into(), 0.5);
    value.total = Some(2.0);
    value.message = Some("m".into());
    steps(
        &value,
        &[
            (
                V2024_11_05,
                r#"{"progressToken":"t","progress":0.5,"total":2}"#,
            ),
            (
                V2025_03_26,
                r#"{"progressToken":"t","progress":0.5,"total":2,"message":"m"}"#,
            ),
        ],
    );
}

#[test]
fn tokens_keep_their_type() {
    for (text, expected) in [
        ("1", Some(ProgressToken::Number(1))),
        ("-1.0", Some(ProgressToken::Number(-1))),
        ("\"1\"", Some(ProgressToken::from("1"))),
        ("1.5", None),
        ("1e300", None),
        ("9223372036854775808", None),
        ("null", None),
        ("[]", None),
    ] {
        assert_eq!(
            serde_json::from_str::<ProgressToken>(text).ok(),
            expected,
            "{text}"
        );
    }
    assert_eq!(wire(&ProgressToken::from(7), V2024_11_05), "7");
    assert_eq!(
        RequestId::from(ProgressToken::from("7")),
        RequestId::from("7")
    );
    assert_eq!(
        wire(&CancelledParams::new(RequestId::from("7")), V2024_11_05),
        r#"{"requestId":"7"}"#
    );
}

#[test]
fn completion_has_a_context_from_2025_06_18() {
    let mut value = CompleteParams::new(
        CompletionReference::prompt("p"),
        CompletionArgument::new("a", "v"),
    );
    if let CompletionReference::Prompt(prompt) = &mut value.reference {
        prompt.title = Some("P".into());
    }
    value.context = Some(CompletionContext {
        arguments: [("b".into(), "w".into())].into(),
    });
    steps(
        &value,
        &[
            (
                V2024_11_05,
                r#"{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"v"}}"#,
            ),
            (
                V2025_06_18,
                r#"{"ref":{"type":"ref/prompt","name":"p","title":"P"},"argument":{"name":"a","value":"v"},"context":{"arguments":{"b":"w"}}}"#,
            ),
        ],
    );
}

#[test]
fn one_answer_holds_a_hundred_proposals() {
    let values = |count: usize| {
        (0..count)
            .map(|value| value.to_string())
            .collect::<Vec<_>>()
    };
    let full = Completion::new(values(100));
    assert_eq!(
        (full.values.len(), full.total, full.has_more),
        (100, None, None)
    );
    let more = Completion::new(values(101));
    assert_eq!(
        (more.values.len(), more.total, more.has_more),
        (100, Some(101), Some(true))
    );
}

#[test]
fn a_root_has_metadata_from_2025_06_18() {
    let mut value = ListRootsResult::new(vec![Root::new("file:///")]);
    value.roots[0].meta = meta();
    value.meta = meta();
    steps(
        &value,
        &[
            (
                V2024_11_05,
                r#"{"roots":[{"uri":"file:///"}],"_meta":{"a/b":[1]}}"#,
            ),
            (
                V2025_06_18,
                r#"{"roots":[{"uri":"file:///","_meta":{"a/b":[1]}}],"_meta":{"a/b":[1]}}"#,
            ),
            (
                V2026_07_28,
                r#"{"roots":[{"uri":"file:///","_meta":{"a/b":[1]}}]}"#,
            ),
        ],
    );
}

#[test]
fn a_call_has_the_members_of_its_era() {
    let mut value = CallToolParams::new("n").with_arguments(json(r#"{"a":1.0}"#));
    value.task = Some(TaskMetadata { ttl: Some(1) });
    value.input_responses = Some(InputResponses::from_iter([("k", json("{}"))]));
    value.request_state = Some("s".into());
    let old = r#"{"name":"n","arguments":{"a":1.0}}"#;
    let modern =
        r#"{"name":"n","arguments":{"a":1.0},"inputResponses":{"k":{}},"requestState":"s"}"#;
    let task = r#"{"name":"n","arguments":{"a":1.0},"task":{"ttl":1}}"#;
    steps(
        &value,
        &[
            (V2024_11_05, old),
            (V2025_11_25, task),
            (V2026_07_28, modern),
        ],
    );
}

#[test]
fn a_form_is_reduced_to_what_2025_06_18_knows() {
    let mut form = ElicitSchema::new()
        .with_required(
            "s",
            StringSchema {
                default: Some("d".into()),
                ..Default::default()
            },
        )
        .with_optional(
            "n",
            NumberSchema {
                default: Some(1.0),
                ..NumberSchema::integer()
            },
        )
        .with_optional(
            "b",
            BooleanSchema {
                default: Some(true),
                ..Default::default()
            },
        );
    let mut plain = EnumSchema::new(["x"]);
    plain.default = Some(vec!["x".into()]);
    form = form
        .with_optional("e", plain)
        .with_optional("t", EnumSchema::titled([("x", "X")]));
    form.schema = Some("d".into());
    let mut params = ElicitFormParams::new("m", form);
    params.task = Some(TaskMetadata { ttl: None });
    params.meta = meta();
    let fields_06 = r#"{"type":"object","properties":{"s":{"type":"string"},"n":{"type":"integer"},"b":{"type":"boolean","default":true},"e":{"type":"string","enum":["x"]},"t":{"type":"string","enum":["x"],"enumNames":["X"]}},"required":["s"]}"#;
    let fields_11 = r#"{"type":"object","$schema":"d","properties":{"s":{"type":"string","default":"d"},"n":{"type":"integer","default":1},"b":{"type":"boolean","default":true},"e":{"type":"string","enum":["x"],"default":"x"},"t":{"type":"string","oneOf":[{"const":"x","title":"X"}]}},"required":["s"]}"#;
    let form_06 = [
        r#"{"message":"m","requestedSchema":"#,
        fields_06,
        r#","_meta":{"a/b":[1]}}"#,
    ];
    let form_11 = [
        r#"{"mode":"form","message":"m","requestedSchema":"#,
        fields_11,
        r#","task":{},"_meta":{"a/b":[1]}}"#,
    ];
    let form_26 = [
        r#"{"mode":"form","message":"m","requestedSchema":"#,
        fields_11,
        "}",
    ];
    let params = ElicitParams::Form(params);
    steps(
        &params,
        &[
            (V2024_11_05, &form_06.concat()),
            (V2025_11_25, &form_11.concat()),
            (V2026_07_28, &form_26.concat()),
        ],
    );
    sendable_since(&params, V2025_06_18);
    for text in [form_06.concat(), form_11.concat(), form_26.concat()] {
        let read: ElicitParams = serde_json::from_str(&text).unwrap();
        assert_eq!(
            wire(&read, V2025_06_18).replace(r#","_meta":{"a/b":[1]}"#, ""),
            [r#"{"message":"m","requestedSchema":"#, fields_06, "}"].concat()
        );
    }
}

#[test]
fn several_values_can_be_chosen_from_2025_11_25() {
    let mut several = EnumSchema::new(["x", "y"]).with_several();
    several.multi = Some(MultiSelect {
        min_items: Some(1),
        max_items: Some(2),
    });
    several.default = Some(vec!["x".into()]);
    steps(
        &PrimitiveSchema::from(several.clone()),
        &[
            (V2024_11_05, r#"{"type":"string","enum":["x","y"]}"#),
            (
                V2025_11_25,
                r#"{"type":"array","minItems":1,"maxItems":2,"items":{"type":"string","enum":["x","y"]},"default":["x"]}"#,
            ),
        ],
    );
    let titled = EnumSchema::titled([("x", "X")]).with_several();
    assert_eq!(
        wire(&titled, V2026_07_28),
        r#"{"type":"array","items":{"anyOf":[{"const":"x","title":"X"}]}}"#
    );
    sendable_since(
        &ElicitSchema::new().with_optional("e", several),
        V2025_11_25,
    );
}

#[test]
fn every_spelling_of_a_field_is_read() {
    let titled = || EnumSchema::titled([("x", "X"), ("y", "Y")]);
    for (text, expected) in [
        (
            r#"{"type":"string","enum":["x","y"],"enumNames":["X","Y"]}"#,
            titled(),
        ),
        (
            r#"{"oneOf":[{"const":"x","title":"X"},{"title":"Y","const":"y"}],"type":"string"}"#,
            titled(),
        ),
        (
            r#"{"type":"array","items":{"oneOf":[{"const":"x","title":"X"},{"const":"y","title":"Y"}]}}"#,
            titled().with_several(),
        ),
        (
            r#"{"type":"array","items":{"enum":["x"]}}"#,
            EnumSchema::new(["x"]).with_several(),
        ),
    ] {
        let read: PrimitiveSchema = serde_json::from_str(text).unwrap();
        assert_eq!(read, PrimitiveSchema::Enum(expected), "{text}");
    }
    for text in [
        r#"{"type":"object"}"#,
        r#"{"type":"array"}"#,
        r#"{"enum":[1]}"#,
        "{}",
    ] {
        let read: PrimitiveSchema = serde_json::from_str(text).unwrap();
        assert_eq!(read, PrimitiveSchema::Unknown(json(text)), "{text}");
    }
    assert!(serde_json::from_str::<PrimitiveSchema>("1").is_err());
}

#[test]
fn a_page_to_visit_needs_2025_11_25_and_there_an_id() {
    let mut url = ElicitUrlParams::new("m", "https://u");
    assert_eq!(url.check(V2025_11_25).unwrap_err().since, V2026_07_28);
    assert_eq!(url.check(V2026_07_28), Ok(()));
    url.elicitation_id = Some("e".into());
    url.meta = meta();
    sendable_since(&url, V2025_11_25);
    let params = ElicitParams::Url(url);
    steps(
        &params,
        &[
            (
                V2024_11_05,
                r#"{"message":"m\nhttps://u","requestedSchema":{"type":"object","properties":{}},"_meta":{"a/b":[1]}}"#,
            ),
            (
                V2025_11_25,
                r#"{"mode":"url","message":"m","url":"https://u","elicitationId":"e","_meta":{"a/b":[1]}}"#,
            ),
            (
                V2026_07_28,
                r#"{"mode":"url","message":"m","url":"https://u"}"#,
            ),
        ],
    );
    assert!(serde_json::from_str::<ElicitParams>(r#"{"mode":"voice","message":"m"}"#).is_err());
}

#[test]
fn an_answer_has_metadata_until_answers_are_no_results() {
    let mut value = ElicitResult::accept(json(r#"{"a":["b"]}"#));
    value.meta = meta();
    steps(
        &value,
        &[
            (
                V2024_11_05,
                r#"{"action":"accept","content":{"a":["b"]},"_meta":{"a/b":[1]}}"#,
            ),
            (V2026_07_28, r#"{"action":"accept","content":{"a":["b"]}}"#),
        ],
    );
    let declined = ElicitResult::new(ElicitAction::Decline);
    assert_eq!(wire(&declined, V2025_06_18), r#"{"action":"decline"}"#);
}

#[test]
fn a_conversation_is_split_before_2025_11_25() {
    let mut message = SamplingMessage::user("a");
    message.content.push("b".into());
    message.meta = meta();
    let mut params = CreateMessageParams::new(vec![message, SamplingMessage::assistant("c")], 9);
    params.stop_sequences.push("s".into());
    params.meta = meta();
    let tail = r#""maxTokens":9,"stopSequences":["s"]"#;
    let split = [
        r#"{"messages":[{"role":"user","content":{"type":"text","text":"a"}},{"role":"user","content":{"type":"text","text":"b"}},{"role":"assistant","content":{"type":"text","text":"c"}}],"#,
        tail,
        r#","_meta":{"a/b":[1]}}"#,
    ]
    .concat();
    let head = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"_meta":{"a/b":[1]}},{"role":"assistant","content":{"type":"text","text":"c"}}],"#;
    let whole = [head, tail, r#","_meta":{"a/b":[1]}}"#].concat();
    let modern = [head, tail, "}"].concat();
    steps(
        &params,
        &[
            (V2024_11_05, &split),
            (V2025_11_25, &whole),
            (V2026_07_28, &modern),
        ],
    );
    sendable_since(&params, V2024_11_05);
    sendable_since(&params.messages[0], V2025_11_25);
}

#[test]
fn tools_in_sampling_begin_with_2025_11_25() {
    let call = ToolUseContent::new("i", "n", json("{}"));
    let result = ToolResultContent::new("i", vec!["t".into()]);
    let mut message = SamplingMessage::assistant(call.clone());
    sendable_since(&message, V2025_11_25);
    message.content = vec![result.clone().into()];
    sendable_since(&message, V2025_11_25);
    steps(
        &SamplingContent::from(call),
        &[
            (V2024_11_05, r#"{"type":"text","text":"[tool_use n]"}"#),
            (
                V2025_11_25,
                r#"{"type":"tool_use","id":"i","name":"n","input":{}}"#,
            ),
        ],
    );
    steps(
        &SamplingContent::from(result),
        &[
            (V2024_11_05, r#"{"type":"text","text":"[tool_result i]"}"#),
            (
                V2025_11_25,
                r#"{"type":"tool_result","toolUseId":"i","content":[{"type":"text","text":"t"}]}"#,
            ),
        ],
    );
    let mut params = CreateMessageParams::new(vec![SamplingMessage::user("a")], 1);
    params.tool_choice = Some(ToolChoice::new(ToolChoiceMode::None));
    sendable_since(&params, V2025_11_25);
    assert!(!wire(&params, V2025_06_18).contains("toolChoice"));
    assert!(wire(&params, V2025_11_25).contains(r#""toolChoice":{"mode":"none"}"#));
}

#[test]
fn a_model_says_one_thing_before_2025_11_25() {
    let mut value = CreateMessageResult::new("m", "a");
    value.stop_reason = Some("endTurn".into());
    sendable_since(&value, V2024_11_05);
    value.content.push("b".into());
    sendable_since(&value, V2025_11_25);
    steps(
        &value,
        &[
            (
                V2024_11_05,
                r#"{"role":"assistant","content":{"type":"text","text":"a"},"model":"m","stopReason":"endTurn"}"#,
            ),
            (
                V2025_11_25,
                r#"{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"model":"m","stopReason":"endTurn"}"#,
            ),
        ],
    );
}

#[test]
fn asking_for_input_is_a_result_only_since_2026_07_28() {
    let requests = InputRequests::from_iter([
        (
            "a",
            InputRequest::from(ElicitParams::form("m", ElicitSchema::new())),
        ),
        ("b", InputRequest::ListRoots(EmptyParams::default())),
    ]);
    let value = InputRequiredResult::new(requests);
    sendable_since(&value, V2026_07_28);
    let text = r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"mode":"form","message":"m","requestedSchema":{"type":"object","properties":{}}}},"b":{"method":"roots/list"}}}"#;
    assert_eq!(wire(&value, V2026_07_28), text);
    let read = Outcome::<CallToolResult>::decode(text).unwrap();
    assert_eq!(read, Outcome::InputRequired(value));
    assert!(serde_json::from_str::<InputRequest>(r#"{"method":"ping"}"#).is_err());
}

#[test]
fn a_question_is_what_it_would_be_as_a_request_of_its_own() {
    let listed = EmptyParams {
        meta: Some(Meta::from_iter([("a", json("1"))])),
    };
    let mut tools = CreateMessageParams::new(vec![SamplingMessage::user("a")], 1);
    tools.tool_choice = Some(ToolChoice::new(ToolChoiceMode::None));
    for (request, method, text, since) in [
        (
            InputRequest::from(ElicitParams::form("m", ElicitSchema::new())),
            "elicitation/create",
            r#"{"method":"elicitation/create","params":{"mode":"form","message":"m","requestedSchema":{"type":"object","properties":{}}}}"#,
            V2025_06_18,
        ),
        (
            InputRequest::from(ElicitParams::url("m", "https://a.b/")),
            "elicitation/create",
            r#"{"method":"elicitation/create","params":{"mode":"url","message":"m","url":"https://a.b/"}}"#,
            // Without an id.
            V2026_07_28,
        ),
        (
            InputRequest::from(CreateMessageParams::new(
                vec![SamplingMessage::user("a")],
                1,
            )),
            "sampling/createMessage",
            r#"{"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"a"}}],"maxTokens":1}}"#,
            V2024_11_05,
        ),
        (
            InputRequest::from(tools),
            "sampling/createMessage",
            r#"{"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"a"}}],"maxTokens":1,"toolChoice":{"mode":"none"}}}"#,
            V2025_11_25,
        ),
        (
            InputRequest::ListRoots(EmptyParams::default()),
            "roots/list",
            r#"{"method":"roots/list"}"#,
            V2024_11_05,
        ),
        (
            InputRequest::ListRoots(listed),
            "roots/list",
            r#"{"method":"roots/list","params":{"_meta":{"a":1}}}"#,
            V2024_11_05,
        ),
    ] {
        assert_eq!(request.method(), method);
        assert_eq!(wire(&request, V2026_07_28), text);
        assert_eq!(serde_json::from_str::<InputRequest>(text).unwrap(), request);
        for version in ProtocolVersion::ALL {
            let fits = request.check(version).is_ok();
            assert_eq!(fits, version >= since, "{text} {version}");
        }
    }
    for (text, reason) in [
        (r#"{"method":"ping"}"#, "unknown variant `ping`"),
        (
            r#"{"method":"elicitation/create"}"#,
            "missing field `params`",
        ),
        (
            r#"{"method":"sampling/createMessage","params":{}}"#,
            "missing field",
        ),
        (r#"{"method":"roots/list","params":7}"#, "invalid type"),
        (r#"{"params":{}}"#, "missing field `method`"),
    ] {
        let error = serde_json::from_str::<InputRequest>(text).unwrap_err();
        assert!(error.to_string().contains(reason), "{text}: {error}");
    }
}

#[test]
fn an_outcome_is_read_and_written_as_the_result_that_it_is() {
    let complete = CallToolResult::text("a");
    let asked = InputRequiredResult::new(InputRequests::from_iter([(
        "b",
        InputRequest::ListRoots(EmptyParams::default()),
    )]));
    let task = CreateTaskResult::new(Task::new("t", "2025-01-01T00:00:00Z"));
    for (outcome, text) in [
        (
            Outcome::from(complete.clone()),
            wire(&complete, V2026_07_28),
        ),
        (
            Outcome::InputRequired(asked.clone()),
            wire(&asked, V2026_07_28),
        ),
        (Outcome::Task(task.clone()), wire(&task, V2026_07_28)),
    ] {
        assert_eq!(wire(&outcome, V2026_07_28), text);
        let read: Outcome<CallToolResult> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, outcome, "{text}");
    }
    for wrong in ["[]", r#"{"content":7}"#, r#"{"resultType":"task"}"#] {
        let read = serde_json::from_str::<Outcome<CallToolResult>>(wrong);
        assert!(read.is_err(), "{wrong}");
    }
}

#[test]
fn the_type_of_a_result_is_what_it_says_or_complete() {
    for name in ["complete", "input_required", "task", "com.example/alarm"] {
        let text = format!(r#"{{"resultType":"{name}"}}"#);
        assert_eq!(ResultType::of(&text).unwrap().to_string(), name);
    }
    for (text, expected) in [
        ("{}", ResultType::Complete),
        (r#"{"resultType":null}"#, ResultType::Complete),
        (
            r#"{"content":[],"resultType":"complete"}"#,
            ResultType::Complete,
        ),
        (
            r#"{"resultType":"input_required"}"#,
            ResultType::InputRequired,
        ),
        (r#"{"resultType":"task","taskId":""}"#, ResultType::Task),
        (r#"{"task":{"taskId":""}}"#, ResultType::Task),
        (r#"{"task":{},"content":[]}"#, ResultType::Complete),
        (
            r#"{"resultType":"later"}"#,
            ResultType::Other("later".into()),
        ),
    ] {
        assert_eq!(ResultType::of(text).unwrap(), expected, "{text}");
    }
    assert!(ResultType::of(r#"{"resultType":1}"#).is_err());
    let error = Outcome::<EmptyResult>::decode(r#"{"resultType":"later"}"#).unwrap_err();
    assert!(error.to_string().contains("later"));
}

#[test]
fn a_task_has_the_names_of_its_revision() {
    let mut task = Task::new("t", "2025-01-01T00:00:00Z");
    task.poll_interval_ms = Some(5);
    let common = r#""taskId":"t","status":"working","createdAt":"2025-01-01T00:00:00Z","lastUpdatedAt":"2025-01-01T00:00:00Z""#;
    let old = [r#"{"task":{"#, common, r#","ttl":null,"pollInterval":5}}"#].concat();
    let new = [
        r#"{"resultType":"task","#,
        common,
        r#","ttlMs":null,"pollIntervalMs":5}"#,
    ]
    .concat();
    let value = CreateTaskResult::new(task);
    steps(&value, &[(V2024_11_05, &old), (V2026_07_28, &new)]);
    sendable_since(&value, V2025_11_25);
    for text in [&old, &new] {
        let read = Outcome::<CallToolResult>::decode(text).unwrap();
        assert_eq!(read, Outcome::Task(value.clone()), "{text}");
    }
    assert!(serde_json::from_str::<CreateTaskResult>("{}").is_err());
}

#[test]
fn a_finished_task_brings_its_outcome_along() {
    let mut task = Task::new("t", "c");
    task.ttl_ms = Some(7);
    for (status, outcome, member) in [
        (TaskStatus::Working, None, ""),
        (TaskStatus::Cancelled, None, ""),
        (
            TaskStatus::Completed,
            Some(TaskOutcome::Completed(json(r#"{"a":1.0}"#))),
            r#","result":{"a":1.0}"#,
        ),
        (
            TaskStatus::Failed,
            Some(TaskOutcome::Failed(json(r#"{"code":1}"#))),
            r#","error":{"code":1}"#,
        ),
        (
            TaskStatus::InputRequired,
            Some(TaskOutcome::InputRequired(InputRequests::from_iter([(
                "k",
                InputRequest::ListRoots(EmptyParams::default()),
            )]))),
            r#","inputRequests":{"k":{"method":"roots/list"}}"#,
        ),
    ] {
        task.status = status;
        let mut value = GetTaskResult::new(task.clone(), outcome);
        value.meta = meta();
        let head = [
            r#""taskId":"t","status":""#,
            status.as_str(),
            r#"","createdAt":"c","lastUpdatedAt":"c""#,
        ]
        .concat();
        let meta = r#","_meta":{"a/b":[1]}}"#;
        let old = ["{", &head, r#","ttl":7"#, meta].concat();
        let new = [
            r#"{"resultType":"complete","#,
            &head,
            r#","ttlMs":7"#,
            member,
            meta,
        ]
        .concat();
        steps(&value, &[(V2024_11_05, &old), (V2026_07_28, &new)]);
        assert_eq!(serde_json::from_str::<GetTaskResult>(&new).unwrap(), value);
        let mut notification = Vec::new();
        value.encode_notification(&mut notification, V2026_07_28);
        assert_eq!(notification, ["{", &new[25..]].concat().as_bytes());
    }
}

#[test]
fn maps_keep_their_order_and_do_not_mind_php() {
    let text = r#"{"z":1,"a":2}"#;
    let map: Meta = serde_json::from_str(text).unwrap();
    assert_eq!(wire(&map, V2024_11_05), text);
    assert!(serde_json::from_str::<Meta>("[]").unwrap().is_empty());
    assert!(serde_json::from_str::<Meta>("[1]").is_err());
    let mut map = map;
    assert_eq!(map.insert("z", Json::null()).unwrap().as_str(), "1");
    assert_eq!(map.remove("a").unwrap().as_str(), "2");
    assert_eq!(map.len(), 1);
}

#[test]
fn severities_compare() {
    assert!(LoggingLevel::Debug < LoggingLevel::Info);
    assert!(LoggingLevel::Emergency > LoggingLevel::Alert);
    for level in LoggingLevel::ALL {
        assert_eq!(LoggingLevel::parse(level.as_str()), Some(*level));
    }
    assert_eq!(LoggingLevel::ALL.len(), 8);
}
