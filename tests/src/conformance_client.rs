//! The client that the official conformance suite runs: it plays one scenario with a server of the
//! suite and tells by its exit code whether all went well.
//!
//! The suite gives the server's URL as the last argument, and the rest by variables.

use std::{env, process::ExitCode, time::Duration};

use mcp_client_core::{ClientBuilder, EraMode, Options, client, http::Endpoint};
use mcp_proto::{
    json::Json,
    types::{CreateMessageResult, ElicitFormParams, ElicitResult, Root},
    version::ProtocolVersion,
};
use serde_json::{Value, json};

use crate::clients::{AnyClient, Kind};

/// Less than the 30 s after which the suite gives a client up.
const PATIENCE: Duration = Duration::from_secs(20);

type Played = Result<(), String>;
type Scenario = fn(&dyn AnyClient, &Value) -> Played;

/// The scenarios, and how each is played once the client is connected.
const SCENARIOS: [(&str, Scenario); 11] = [
    ("initialize", list),
    ("tools_call", add_numbers),
    ("elicitation-sep1034-client-defaults", fill_in_defaults),
    ("sse-retry", reconnect),
    ("request-metadata", list),
    ("http-standard-headers", use_everything),
    ("http-custom-headers", make_given_calls),
    ("http-invalid-tool-headers", call_what_is_left),
    ("sep-2322-client-request-state", answer_questions),
    ("json-schema-ref-no-deref", list),
    ("json-schema-2020-12-preservation", echo_schema),
];

/// Plays the scenario that the suite names, with a binding's client.
#[must_use]
pub fn main(kind: Kind) -> ExitCode {
    match play(kind) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn play(kind: Kind) -> Played {
    let url = env::args().next_back().unwrap_or_default();
    let name = variable("MCP_CONFORMANCE_SCENARIO")?;
    let known = SCENARIOS.iter().find(|(known, _)| *known == name);
    let (_, scenario) = known.ok_or_else(|| format!("{name} is not known here"))?;
    let context = match env::var("MCP_CONFORMANCE_CONTEXT") {
        Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))?,
        Err(_) => Value::Null,
    };
    let version = variable("MCP_CONFORMANCE_PROTOCOL_VERSION")?;
    let mut endpoint = Endpoint::new(&url).map_err(|bad| bad.to_string())?;
    // That scenario's server takes every GET for the one that resumes.
    endpoint.listens = name != "sse-retry";
    let client = kind.http(builder(&version)?, endpoint)?;
    let played = scenario(&*client, &context);
    client.close();
    played
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set"))
}

fn builder(version: &str) -> Result<ClientBuilder, String> {
    let version =
        ProtocolVersion::parse(version).ok_or_else(|| format!("no revision {version}"))?;
    // The suite's servers of one revision are no servers of another, and judge what they get.
    let era = if version <= ProtocolVersion::LATEST_HANDSHAKE {
        EraMode::Handshake(version)
    } else {
        EraMode::Auto
    };
    Ok(client!()
        .era(era)
        .options(Options::default().timeout(PATIENCE))
        .on_elicit(|form| fill_in(&form))
        .on_sample(|_| CreateMessageResult::new("no model", "nothing"))
        .roots([Root::new("file:///tmp")]))
}

/// Confirms what asks for a confirmation, and takes the defaults of everything else.
fn fill_in(form: &ElicitFormParams) -> ElicitResult {
    let schema = json!(form.requested_schema);
    if schema["properties"]["confirmed"].is_object() {
        let confirmed = Json::new(&json!({"confirmed": true}));
        return ElicitResult::accept(confirmed.expect("it is JSON"));
    }
    ElicitResult::accept_defaults(&form.requested_schema)
}

fn call(client: &dyn AnyClient, tool: &str, arguments: &Value) -> Played {
    let result = client.call(tool, arguments, Options::default());
    let result = result.map_err(|error| format!("{tool}: {error}"))?;
    if result["isError"] == true {
        return Err(format!("{tool} failed: {result}"));
    }
    Ok(())
}

fn list(client: &dyn AnyClient, _: &Value) -> Played {
    client.tools().map(drop)
}

fn add_numbers(client: &dyn AnyClient, context: &Value) -> Played {
    list(client, context)?;
    call(client, "add_numbers", &json!({"a": 5, "b": 3}))
}

fn fill_in_defaults(client: &dyn AnyClient, context: &Value) -> Played {
    list(client, context)?;
    call(client, "test_client_elicitation_defaults", &json!({}))
}

fn reconnect(client: &dyn AnyClient, _: &Value) -> Played {
    call(client, "test_reconnection", &json!({}))
}

fn use_everything(client: &dyn AnyClient, _: &Value) -> Played {
    for tool in client.tools()? {
        let name = tool["name"].as_str().unwrap_or_default();
        call(client, name, &sample(&tool["inputSchema"]))?;
    }
    for resource in client.resources()? {
        client.read(resource["uri"].as_str().unwrap_or_default())?;
    }
    for prompt in client.prompts()? {
        client.prompt(prompt["name"].as_str().unwrap_or_default(), &json!({}))?;
    }
    Ok(())
}

fn make_given_calls(client: &dyn AnyClient, context: &Value) -> Played {
    client.tools()?;
    let calls = context["toolCalls"].as_array();
    for given in calls.ok_or("the context has no calls")? {
        let name = given["name"].as_str().unwrap_or_default();
        call(client, name, &given["arguments"])?;
    }
    Ok(())
}

fn call_what_is_left(client: &dyn AnyClient, _: &Value) -> Played {
    for tool in client.tools()? {
        let name = tool["name"].as_str().unwrap_or_default();
        call(client, name, &sample(&tool["inputSchema"]))?;
    }
    Ok(())
}

fn answer_questions(client: &dyn AnyClient, _: &Value) -> Played {
    client.tools()?;
    for tool in ["echo_state", "unrelated", "no_state", "no_result_type"] {
        call(client, &format!("test_mrtr_{tool}"), &json!({}))?;
    }
    Ok(())
}

fn echo_schema(client: &dyn AnyClient, _: &Value) -> Played {
    let tools = client.tools()?;
    let found = tools
        .iter()
        .find(|tool| tool["name"] == "json_schema_2020_12_tool");
    let schema = &found.ok_or("the tool is not listed")?["inputSchema"];
    call(client, "json_schema_echo", &json!({"schema": schema}))
}

/// Arguments with a text for every text that a schema names.
fn sample(schema: &Value) -> Value {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let texts = properties.filter(|(_, property)| property["type"] == "string");
    let members = texts.map(|(name, _)| (name.clone(), json!("value")));
    Value::Object(members.collect())
}
