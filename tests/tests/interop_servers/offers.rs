//! What other people's servers offer, and what using it must come to.

use serde_json::{Value, json};

use Outcome::{Has, ToolError};

/// What a call must come to.
pub(crate) enum Outcome {
    /// No error, and this is in the result's JSON.
    Has(&'static str),
    /// A result marked as an error, with this in it.
    ToolError(&'static str),
}

/// A tool, its arguments and what they must come to.
pub(crate) type Use = (&'static str, Value, Outcome);
/// A template, values for its variables, and a part of what is read.
pub(crate) type Template = (
    &'static str,
    Vec<(&'static str, &'static str)>,
    &'static str,
);

/// What a server offers, as the tests know it.
#[derive(Default)]
pub(crate) struct Offer {
    pub(crate) tools: Vec<Use>,
    /// Resources that are listed, and must be readable.
    pub(crate) resources: Vec<&'static str>,
    pub(crate) templates: Vec<Template>,
    /// Prompts, with their arguments and a part of the messages.
    pub(crate) prompts: Vec<(&'static str, Value, &'static str)>,
    /// Tools that a visit leaves alone.
    pub(crate) untried: Vec<&'static str>,
}

#[rustfmt::skip] // one use a line
pub(crate) fn everything() -> Offer {
    let text = "data:text/plain;base64,aGVsbG8=";
    Offer {
        tools: vec![
            ("echo", json!({"message": "h\u{e9}llo"}), Has("Echo: h\u{e9}llo")),
            ("get-annotated-message", json!({"messageType": "error", "includeImage": true}), Has("annotations")),
            ("get-env", json!({}), Has("PATH")),
            ("get-resource-links", json!({"count": 2}), Has("resource_link")),
            ("get-resource-reference", json!({"resourceType": "Blob", "resourceId": 1}), Has("demo://resource/dynamic/blob/1")),
            ("get-structured-content", json!({"location": "Chicago"}), Has("\"conditions\":\"Light rain / drizzle\"")),
            ("get-sum", json!({"a": 1.5, "b": 2}), Has("The sum of 1.5 and 2 is 3.5")),
            ("get-tiny-image", json!({}), Has("image/png")),
            ("gzip-file-as-resource", json!({"name": "x.gz", "data": text}), Has("x.gz")),
            ("toggle-simulated-logging", json!({}), Has("Started simulated")),
            ("toggle-subscriber-updates", json!({}), Has("Started simulated")),
            ("trigger-long-running-operation", json!({"duration": 0.2, "steps": 2}), Has("Steps: 2")),
            ("simulate-research-query", json!({"topic": "x"}), ToolError("task")),
            ("get-roots-list", json!({}), Has("file:///tmp")),
            ("trigger-elicitation-request", json!({}), Has("alice")),
            ("trigger-sampling-request", json!({"prompt": "capital?", "maxTokens": 10}), Has("Paris")),
        ],
        resources: vec![
            "demo://resource/static/document/architecture.md",
            "demo://resource/static/document/features.md",
        ],
        templates: vec![
            ("demo://resource/dynamic/text/{resourceId}", vec![("resourceId", "2")], "Resource 2"),
            ("demo://resource/dynamic/blob/{resourceId}", vec![("resourceId", "3")], "blob"),
        ],
        prompts: vec![
            ("simple-prompt", json!({}), "simple prompt without arguments"),
            ("args-prompt", json!({"city": "Oslo"}), "What's weather in Oslo?"),
            ("completable-prompt", json!({"department": "Engineering", "name": "Alice"}), "Alice"),
            ("resource-prompt", json!({"resourceType": "Text", "resourceId": "1"}), "demo://resource/dynamic/text/1"),
        ],
        untried: Vec::new(),
    }
}

#[rustfmt::skip] // one use a line
pub(crate) fn filesystem(path: impl Fn(&str) -> String) -> Offer {
    let edit = json!([{"oldText": "two", "newText": "zwei"}]);
    Offer {
        tools: vec![
            ("list_allowed_directories", json!({}), Has("-files")),
            ("create_directory", json!({"path": path("sub")}), Has("sub")),
            ("write_file", json!({"path": path("sub/a.txt"), "content": "one\ntwo\nthree \u{2603}\n"}), Has("a.txt")),
            ("read_file", json!({"path": path("sub/a.txt")}), Has("three \u{2603}")),
            ("read_text_file", json!({"path": path("sub/a.txt"), "head": 1}), Has("one")),
            ("read_media_file", json!({"path": path("pixel.png")}), Has("image/png")),
            ("edit_file", json!({"path": path("sub/a.txt"), "edits": edit}), Has("zwei")),
            ("read_multiple_files", json!({"paths": [path("sub/a.txt"), path("no-such")]}), Has("zwei")),
            ("list_directory", json!({"path": path("")}), Has("[DIR] sub")),
            ("list_directory_with_sizes", json!({"path": path("")}), Has("pixel.png")),
            ("directory_tree", json!({"path": path("")}), Has("a.txt")),
            ("search_files", json!({"path": path(""), "pattern": "**/*.txt"}), Has("a.txt")),
            ("get_file_info", json!({"path": path("sub/a.txt")}), Has("size")),
            ("move_file", json!({"source": path("sub/a.txt"), "destination": path("b.txt")}), Has("b.txt")),
        ],
        ..Offer::default()
    }
}

#[rustfmt::skip] // one use a line
pub(crate) fn memory() -> Offer {
    let entities = json!([{"name": "Ada", "entityType": "person", "observations": ["writes"]},
        {"name": "Engine", "entityType": "machine", "observations": []}]);
    let relations = json!([{"from": "Ada", "to": "Engine", "relationType": "programs"}]);
    Offer {
        tools: vec![
            ("create_entities", json!({"entities": entities}), Has("Ada")),
            ("create_relations", json!({"relations": relations}), Has("programs")),
            ("add_observations", json!({"observations": [{"entityName": "Ada", "contents": ["counts"]}]}), Has("counts")),
            ("read_graph", json!({}), Has("Engine")),
            ("search_nodes", json!({"query": "counts"}), Has("Ada")),
            ("open_nodes", json!({"names": ["Engine"]}), Has("machine")),
            ("delete_observations", json!({"deletions": [{"entityName": "Ada", "observations": ["counts"]}]}), Has("success")),
            ("delete_relations", json!({"relations": relations}), Has("success")),
            ("delete_entities", json!({"entityNames": ["Ada", "Engine"]}), Has("success")),
        ],
        resources: vec!["memory://knowledge-graph"],
        ..Offer::default()
    }
}

#[rustfmt::skip] // one use a line
pub(crate) fn fastmcp() -> Offer {
    let points = json!([{"x": 0, "y": 0}, {"x": 2, "y": 4, "label": "b"}]);
    Offer {
        tools: vec![
            ("greet", json!({"name": "Ada", "excited": true}), Has("Hello, Ada!")),
            ("add", json!({"a": 40, "b": 2}), Has("{\"result\":42}")),
            ("midpoint", json!({"points": points}), Has("\"y\":2")),
            ("summarize", json!({"kind": "b", "times": 2}), Has("[\"b\",\"b\"]")),
            ("nothing", json!({}), Has("\"content\":[]")),
            ("numbers", json!({}), Has("[1,2,3]")),
            ("tomorrow", json!({"day": "2026-02-28"}), Has("2026-03-01")),
            ("picture", json!({}), Has("image/png")),
            ("sound", json!({}), Has("audio/wav")),
            ("document", json!({}), Has("\"type\":\"resource\"")),
            ("link", json!({}), Has("resource_link")),
            ("mixed", json!({}), Has("image/png")),
            ("explicit", json!({}), Has("\"hidden\":[1,2]")),
            ("refuse", json!({"reason": "no"}), ToolError("refused: no")),
            ("crash", json!({}), ToolError("crash")),
            ("slow", json!({"steps": 3}), Has("3 steps")),
            ("wait", json!({"seconds": 0.01}), Has("waited")),
            ("grow", json!({}), Has("added")),
        ],
        resources: vec!["data://config", "data://motto", "data://logo"],
        templates: vec![
            ("users://{user}/profile", vec![("user", "b\u{f6}b")], "b\u{f6}b"),
            ("files://{path*}", vec![("path", "a/b/c")], "contents of a/b/c"),
            ("search://items{?query,limit}", vec![("query", "x y"), ("limit", "3")], "3 of x y"),
        ],
        prompts: vec![
            ("ask", json!({"topic": "Rust"}), "What about Rust?"),
            ("review", json!({"code": "fn"}), "\"role\":\"assistant\""),
            ("total", json!({"numbers": [1, 2, 3]}), "The sum is 6"),
        ],
        untried: Vec::new(),
    }
}

#[rustfmt::skip] // one use a line
pub(crate) fn typescript() -> Offer {
    Offer {
        tools: vec![
            ("echo", json!({"message": "h\u{e9}llo"}), Has("h\u{e9}llo")),
            ("add", json!({"a": 0.5, "b": 2}), Has("{\"sum\":2.5}")),
            ("fail", json!({}), ToolError("as asked")),
            ("throw", json!({}), ToolError("thrown")),
            ("wait", json!({"ms": 5}), Has("waited")),
            ("report", json!({}), Has("reported")),
            ("change", json!({}), Has("changed")),
            ("echo", json!({}), ToolError("message")),
        ],
        resources: vec!["data://motto"],
        templates: vec![("users://{user}/profile", vec![("user", "bob")], "profile of bob")],
        prompts: vec![("ask", json!({"topic": "Rust"}), "What about Rust?")],
        untried: vec!["confirm"],
    }
}

#[rustfmt::skip] // one use a line
pub(crate) fn python() -> Offer {
    let asked = json!({"message": "who?"});
    Offer {
        tools: vec![
            ("echo", json!({"message": "qu\"ote \u{1f600}"}), Has("qu\\\"ote \u{1f600}")),
            ("add", json!({"a": 0.5, "b": 2}), Has("2.5")),
            ("sleep", json!({"ms": 5}), Has("slept 5 ms")),
            ("panic", json!({}), ToolError("panic")),
            ("test_simple_text", json!({}), Has("simple text response")),
            ("test_image_content", json!({}), Has("image/png")),
            ("test_audio_content", json!({}), Has("audio/wav")),
            ("test_embedded_resource", json!({}), Has("test://embedded-resource")),
            ("test_multiple_content_types", json!({}), Has("test://mixed-content-resource")),
            ("test_error_handling", json!({}), ToolError("intentionally returns an error")),
            ("test_tool_with_progress", json!({}), Has("done")),
            ("test_tool_with_logging", json!({}), Has("logged")),
            ("test_trigger_tool_change", json!({}), Has("ok")),
            ("test_trigger_prompt_change", json!({}), Has("ok")),
            ("test_trigger_resource_update", json!({}), Has("ok")),
            ("test_elicitation", asked, Has("alice")),
            ("test_elicitation_sep1034_defaults", json!({}), Has("action=accept")),
            ("test_sampling", json!({"prompt": "capital?"}), Has("LLM response: Paris")),
            ("test_input_required_result_elicitation", json!({}), Has("Hello, Alice!")),
            ("test_input_required_result_sampling", json!({}), Has("Paris")),
            ("test_input_required_result_list_roots", json!({}), Has("1 root(s)")),
            ("test_input_required_result_request_state", json!({}), Has("state-ok True")),
            ("test_input_required_result_multiple_inputs", json!({}), Has("Alice, Paris, 1 root(s)")),
        ],
        resources: vec!["test://static-text", "test://static-binary", "test://watched-resource"],
        templates: vec![("test://template/{id}/data", vec![("id", "a b/c")], "a b/c")],
        prompts: vec![
            ("test_simple_prompt", json!({}), "simple prompt"),
            ("test_prompt_with_arguments", json!({"arg1": "one", "arg2": 2}), "arg1='one', arg2='2'"),
            ("test_prompt_with_embedded_resource", json!({"resourceUri": "test://x"}), "test://x"),
            ("test_prompt_with_image", json!({}), "image/png"),
        ],
        untried: vec!["die"],
    }
}
