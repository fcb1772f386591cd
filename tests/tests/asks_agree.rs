//! The same handlers ask clients of five revisions, on every binding, over pipes and over HTTP: they
//! see the same answers and return the same results. All that is said is in the snapshots, and the same
//! on a pipe and over HTTP.
#![cfg(unix)]

use bind_blocking::HttpListener;
use mcp_client_core::{ClientBuilder, EraMode, Options, http::Endpoint};
use mcp_proto::{
    json::Json,
    types::{CreateMessageResult, ElicitResult, Root},
    version::{Era, ProtocolVersion},
};
use mcp_server_core::{IntoServer, Server};
use mcp_tests::{
    bindings::Binding,
    by_hand::ByHand,
    clients::Kind,
    fixture,
    http_serving::{HttpServing, Setup},
};
use serde_json::{Value, json};

/// The tools of the fixture that ask, with their arguments and the first revision in which they can.
const ASKING: &[(&str, &str, ProtocolVersion)] = &[
    (
        "test_sampling",
        r#"{"prompt":"capital?"}"#,
        ProtocolVersion::V2024_11_05,
    ),
    (
        "test_input_required_result_sampling",
        "{}",
        ProtocolVersion::V2024_11_05,
    ),
    (
        "test_input_required_result_list_roots",
        "{}",
        ProtocolVersion::V2024_11_05,
    ),
    (
        "test_elicitation",
        r#"{"message":"who?"}"#,
        ProtocolVersion::V2025_06_18,
    ),
    (
        "test_elicitation_sep1034_defaults",
        "{}",
        ProtocolVersion::V2025_06_18,
    ),
    (
        "test_streaming_elicitation",
        "{}",
        ProtocolVersion::V2025_06_18,
    ),
    (
        "test_input_required_result_elicitation",
        "{}",
        ProtocolVersion::V2025_06_18,
    ),
    (
        "test_input_required_result_request_state",
        "{}",
        ProtocolVersion::V2025_06_18,
    ),
    (
        "test_input_required_result_multiple_inputs",
        "{}",
        ProtocolVersion::V2025_06_18,
    ),
    (
        "test_input_required_result_multi_round",
        "{}",
        ProtocolVersion::V2025_06_18,
    ),
    (
        "test_elicitation_sep1330_enums",
        "{}",
        ProtocolVersion::V2025_11_25,
    ),
];

/// What a person fills in: of each field the same, whoever asks.
fn filled_in(properties: &Value) -> Value {
    let mut content = json!({});
    for (name, field) in properties.as_object().expect("a form has fields") {
        let first = |list: &Value| list.as_array()?.first().cloned();
        let chosen =
            |of: &Value| first(&of["enum"]).or_else(|| Some(first(&of["oneOf"])?["const"].clone()));
        content[name] = match field["type"].as_str().unwrap_or_default() {
            "array" => {
                let items = &field["items"];
                let chosen = first(&items["enum"])
                    .or_else(|| Some(first(&items["anyOf"])?["const"].clone()));
                json!([chosen])
            }
            "boolean" => json!(true),
            "integer" => json!(41),
            "number" => json!(12.5),
            _ => chosen(field).unwrap_or_else(|| json!("Ada")),
        };
    }
    content
}

fn answer(method: &str, params: &Value) -> Value {
    match method {
        "elicitation/create" => {
            let content = filled_in(&params["requestedSchema"]["properties"]);
            json!({"action": "accept", "content": content})
        }
        "sampling/createMessage" => json!({
            "role": "assistant", "content": {"type": "text", "text": "Paris"}, "model": "m",
        }),
        _ => json!({"roots": [{"uri": "file:///w"}]}),
    }
}

// ── by hand, over a pipe and over HTTP ─────────────────────────────────────────────────────────

/// The text that a tool returns once it was told what it asked.
fn call(client: &mut ByHand, tool: &str, arguments: &str) -> String {
    let arguments: Value = serde_json::from_str(arguments).expect("arguments are JSON");
    let params = json!({"name": tool, "arguments": arguments});
    client.send("tools/call", params.clone());
    loop {
        let message = client.hear(|_| true);
        if let Some(method) = message["method"].as_str() {
            client.reply(&message, &answer(method, &message["params"]));
            continue;
        }
        let result = &message["result"];
        if result["resultType"] != "input_required" {
            let text = result["content"][0]["text"].as_str();
            return text.unwrap_or_default().into();
        }
        let mut retry = params.clone();
        for (key, asked) in result["inputRequests"].as_object().expect("it asks") {
            let method = asked["method"].as_str().expect("a method");
            retry["inputResponses"][key] = answer(method, &asked["params"]);
        }
        retry["requestState"] = result["requestState"].clone();
        client.send("tools/call", retry);
    }
}

fn capabilities() -> Value {
    json!({"elicitation": {}, "sampling": {}, "roots": {}})
}

fn fixture_server() -> Server {
    let server = fixture::server().into_server();
    server.expect("the fixture is complete")
}

/// The client of one revision on every binding, over a pipe and over HTTP.
fn everywhere(
    version: ProtocolVersion,
) -> impl Iterator<Item = (String, ByHand, Option<HttpServing>)> {
    let over_pipes = Binding::ALL.into_iter().map(move |binding| {
        let client = ByHand::on_pipe(binding, &fixture_server(), version, &capabilities());
        (format!("{binding:?} on a pipe"), client, None)
    });
    let over_http = Binding::ALL.into_iter().map(move |binding| {
        let setup = Setup::default().with_options(|options| options.http_sse("/sse", "/messages"));
        let serving = HttpServing::start(binding, fixture_server(), &setup);
        let url = match version {
            ProtocolVersion::V2024_11_05 => format!("http://{}/sse", serving.address()),
            _ => serving.url(),
        };
        let client = ByHand::on_http(&url, version, &capabilities());
        (format!("{binding:?} over HTTP"), client, Some(serving))
    });
    over_pipes.chain(over_http)
}

fn results(version: ProtocolVersion) -> Vec<(&'static str, String)> {
    let mut first: Option<(String, Vec<_>)> = None;
    for (place, mut client, _serving) in everywhere(version) {
        let results: Vec<_> = ASKING
            .iter()
            .filter(|(_, _, since)| version >= *since)
            .map(|(tool, arguments, _)| (*tool, call(&mut client, tool, arguments)))
            .collect();
        match &first {
            Some((said, expected)) => {
                assert_eq!(client.said(), *said, "{place} {version}");
                assert_eq!(results, *expected, "{place} {version}");
            }
            None => first = Some((client.said().into(), results)),
        }
    }
    let (said, results) = first.expect("there are bindings");
    insta::assert_snapshot!(format!("asks-{version}"), said);
    results
}

#[test]
fn the_same_is_asked_and_answered_on_every_binding_and_in_every_revision() {
    let newest = results(ProtocolVersion::LATEST);
    for version in ProtocolVersion::ALL {
        for result in results(version) {
            assert!(
                newest.contains(&result),
                "{version}: {result:?} is not in {newest:?}"
            );
        }
    }
}

// ── over HTTP, with clients of our own ─────────────────────────────────────────────────────────

fn client(version: ProtocolVersion) -> ClientBuilder {
    let mode = match version.era() {
        Era::Stateless => EraMode::Stateless,
        _ => EraMode::Handshake(version),
    };
    ClientBuilder::new("asks", "1")
        .era(mode)
        .on_elicit(|form| {
            let schema: Value = Json::new(&form.requested_schema)?.to()?;
            let content = filled_in(&schema["properties"]);
            Ok::<_, serde_json::Error>(ElicitResult::accept(Json::from(content)))
        })
        .on_sample(|_| CreateMessageResult::new("m", "Paris"))
        .roots([Root::new("file:///w")])
}

#[test]
fn over_http_it_is_the_same() {
    let listener = HttpListener::bind("127.0.0.1:0").expect("a free port");
    let (url, shutdown) = (listener.url(), listener.shutdown_handle());
    let serving = std::thread::spawn(move || listener.serve(fixture::server()));
    for version in ProtocolVersion::ALL {
        // 2024-11-05 has another transport over HTTP.
        if version == ProtocolVersion::V2024_11_05 {
            continue;
        }
        let server = fixture_server();
        let mut by_hand = ByHand::on_pipe(Binding::Blocking, &server, version, &capabilities());
        for kind in [Kind::Blocking, Kind::Tokio, Kind::Smol] {
            let endpoint = Endpoint::new(&url).expect("a URL");
            let client = kind.http(client(version), endpoint).expect("it connects");
            assert_eq!(client.version(), version);
            for (tool, arguments, since) in ASKING {
                if version < *since {
                    continue;
                }
                let over_pipe = call(&mut by_hand, tool, arguments);
                let arguments = serde_json::from_str(arguments).expect("arguments are JSON");
                let result = client.call(tool, &arguments, Options::default());
                let result = result.unwrap_or_else(|error| panic!("{version} {tool}: {error}"));
                assert_eq!(
                    result["content"][0]["text"], over_pipe,
                    "{kind:?} {version} {tool}"
                );
            }
            let prompt = client.prompt("test_input_required_result_prompt", &json!({}));
            if version >= ProtocolVersion::V2025_06_18 {
                let prompt = prompt.expect("it is answered");
                assert_eq!(
                    prompt["messages"][0]["content"]["text"],
                    "Use this context: Ada"
                );
            } else {
                let error = prompt.expect_err("nobody can be asked by a form");
                assert!(error.contains("elicitation"), "{error}");
            }
            client.close();
        }
    }
    shutdown.shutdown();
    serving
        .join()
        .expect("serving does not panic")
        .expect("it ends well");
}

// ── whatever the rounds ─────────────────────────────────────────────────────────────────────────

#[test]
fn how_questions_are_split_into_rounds_changes_nothing() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for _ in 0..1000 {
        let length = next() % 24;
        let input: Vec<u8> = (0..length).map(|_| next() as u8).collect();
        mcp_server_core::fuzzing::asks(&input);
    }
}
