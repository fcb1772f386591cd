//! The types against what we did not write: the specification's examples and schemas.

use mcp_proto::{
    encode::{self, Encode, EncodeFields},
    json::Json,
    rpc,
    types::*,
    version::ProtocolVersion,
};
use mcp_tests::schema::{Revision, Schemas, Strictness, spec_folder};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fs;

fn encoded(value: &impl Encode, version: ProtocolVersion) -> Value {
    let mut out = Vec::new();
    value.encode(&mut out, version);
    parsed(&out)
}

fn parsed(out: &[u8]) -> Value {
    serde_json::from_slice(out)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(out)))
}

// ---- every example, read and written again ----

/// Decodes a value and encodes it again, as the newest revision; in two orders of its members,
/// because the one that tells the kind may come last as well.
fn again<T: DeserializeOwned + Encode>(value: &Value) -> Value {
    let texts = [value.to_string(), reversed(value)];
    let [forwards, backwards] = texts.map(|text| {
        let read: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        encoded(&read, ProtocolVersion::LATEST)
    });
    assert_eq!(forwards, backwards);
    forwards
}

/// The same value with the members of every object in the opposite order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let member = |(key, value)| format!("{}:{}", json!(key), reversed(value));
            let members: Vec<_> = map.iter().rev().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(reversed).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

/// Decodes an error and encodes it again.
fn error_again(value: &Value) -> Value {
    let error: rpc::RpcError = serde_json::from_value(value.clone()).unwrap();
    let mut out = Vec::new();
    rpc::write_error(&mut out, Some(&1.into()), &error);
    let mut written = parsed(&out);
    written["error"].take()
}

/// Reads and writes an example of that definition; `None` where nothing here answers to it.
fn example_again(definition: &str, value: &Value) -> Option<Value> {
    if let Some(inner) = definition.strip_suffix("Response") {
        return Some(with(value, "result", |result| value_again(inner, result)));
    }
    match definition {
        "HeaderMismatchError"
        | "MissingRequiredClientCapabilityError"
        | "UnsupportedProtocolVersionError" => Some(with(value, "error", |error| {
            let mut written = error_again(error);
            if let Some(capabilities) = error.pointer("/data/requiredCapabilities") {
                written["data"]["requiredCapabilities"] = again::<ClientCapabilities>(capabilities);
            }
            Some(written)
        })),
        "InternalError" | "InvalidParamsError" | "MethodNotFoundError" | "ParseError" => {
            Some(error_again(value))
        }
        _ if definition.ends_with("Request") || definition.ends_with("Notification") => {
            // Those that are values of `inputRequests` as well are read as these, too.
            if value.get("jsonrpc").is_none() {
                let mut embedded = value.clone();
                // One example has an id, which has no meaning there.
                embedded.as_object_mut()?.remove("id");
                assert_eq!(again::<InputRequest>(&embedded), complete(embedded));
            }
            let method = value["method"].as_str()?;
            let params = if value.get("params").is_some() {
                "params"
            } else {
                return Some(value.clone());
            };
            Some(with(value, params, |params| params_again(method, params)))
        }
        _ => value_again(definition, value),
    }
}

/// The value with one member replaced by what becomes of it.
fn with(value: &Value, member: &str, replace: impl Fn(&Value) -> Option<Value>) -> Value {
    let mut whole = value.clone();
    whole[member] = replace(&value[member]).unwrap_or_else(|| panic!("nothing reads {value}"));
    whole
}

fn params_again(method: &str, params: &Value) -> Option<Value> {
    Some(match method {
        "completion/complete" => again::<CompleteParams>(params),
        "elicitation/create" => again::<ElicitParams>(params),
        "notifications/cancelled" => again::<CancelledParams>(params),
        "notifications/message" => again::<LogParams>(params),
        "notifications/progress" => again::<ProgressParams>(params),
        "notifications/resources/updated" => again::<ResourceUpdatedParams>(params),
        "notifications/subscriptions/acknowledged" => again::<AcknowledgedParams>(params),
        "prompts/get" => again::<GetPromptParams>(params),
        "prompts/list" | "resources/list" | "resources/templates/list" | "tools/list" => {
            again::<PaginatedParams>(params)
        }
        "resources/read" => again::<ReadResourceParams>(params),
        "sampling/createMessage" => again::<CreateMessageParams>(params),
        "subscriptions/listen" => again::<ListenParams>(params),
        "tools/call" => again::<CallToolParams>(params),
        "roots/list"
        | "server/discover"
        | "notifications/prompts/list_changed"
        | "notifications/resources/list_changed"
        | "notifications/tools/list_changed" => again::<EmptyParams>(params),
        _ => return None,
    })
}

fn value_again(definition: &str, value: &Value) -> Option<Value> {
    Some(match definition {
        "AudioContent" | "EmbeddedResource" | "ImageContent" | "ResourceLink" | "TextContent" => {
            again::<ContentBlock>(value)
        }
        "BlobResourceContents" | "TextResourceContents" => again::<ResourceContents>(value),
        "BooleanSchema"
        | "NumberSchema"
        | "StringSchema"
        | "TitledMultiSelectEnumSchema"
        | "TitledSingleSelectEnumSchema"
        | "UntitledMultiSelectEnumSchema"
        | "UntitledSingleSelectEnumSchema" => {
            let schema: PrimitiveSchema = serde_json::from_value(value.clone()).unwrap();
            assert!(!matches!(schema, PrimitiveSchema::Unknown(_)), "{value}");
            again::<PrimitiveSchema>(value)
        }
        "CallToolRequestParams" => again::<CallToolParams>(value),
        "CallToolResult" => again::<Outcome<CallToolResult>>(value),
        "CancelledNotificationParams" => again::<CancelledParams>(value),
        "ClientCapabilities" => again::<ClientCapabilities>(value),
        "CompleteRequestParams" => again::<CompleteParams>(value),
        "CompleteResult" => again::<CompleteResult>(value),
        "CreateMessageRequestParams" => again::<CreateMessageParams>(value),
        "CreateMessageResult" => again::<CreateMessageResult>(value),
        "DiscoverResult" => again::<DiscoverResult>(value),
        "ElicitRequestFormParams" | "ElicitRequestURLParams" => again::<ElicitParams>(value),
        "ElicitResult" => again::<ElicitResult>(value),
        "GetPromptRequestParams" => again::<GetPromptParams>(value),
        "GetPromptResult" => again::<Outcome<GetPromptResult>>(value),
        "InputRequests" => again::<InputRequests>(value),
        "InputRequiredResult" => again::<Outcome<CallToolResult>>(value),
        "InputResponses" => input_responses_again(value),
        "ListPromptsResult" => again::<ListPromptsResult>(value),
        "ListResourceTemplatesResult" => again::<ListResourceTemplatesResult>(value),
        "ListResourcesResult" => again::<ListResourcesResult>(value),
        "ListRootsResult" => again::<ListRootsResult>(value),
        "ListToolsResult" => again::<ListToolsResult>(value),
        "LoggingMessageNotificationParams" => again::<LogParams>(value),
        "ModelPreferences" => again::<ModelPreferences>(value),
        "PaginatedRequestParams" => again::<PaginatedParams>(value),
        "ProgressNotificationParams" => again::<ProgressParams>(value),
        "ReadResourceResult" => again::<Outcome<ReadResourceResult>>(value),
        "Resource" => again::<Resource>(value),
        "ResourceUpdatedNotificationParams" => again::<ResourceUpdatedParams>(value),
        "Root" => again::<Root>(value),
        "SamplingMessage" => again::<SamplingMessage>(value),
        "ServerCapabilities" => again::<ServerCapabilities>(value),
        "SubscriptionsListenResult" => again::<ListenResult>(value),
        "Tool" => again::<Tool>(value),
        "ToolResultContent" | "ToolUseContent" => again::<SamplingContent>(value),
        _ => return None,
    })
}

/// Whoever asked reads an answer as what it asked for.
fn input_responses_again(value: &Value) -> Value {
    let responses: InputResponses = serde_json::from_value(value.clone()).unwrap();
    let elicited: ElicitResult = responses.get("github_login").unwrap().to().unwrap();
    let sampled: CreateMessageResult = responses.get("capital_of_france").unwrap().to().unwrap();
    let answers = InputResponses::from_iter([
        ("github_login", Json::new(&elicited).unwrap()),
        ("capital_of_france", Json::new(&sampled).unwrap()),
    ]);
    encoded(&answers, ProtocolVersion::LATEST)
}

/// The same example with what it leaves unsaid: forms are forms where no mode is given, and one
/// result lacks the caching hints that its schema requires, which means: do not keep it.
fn complete(mut example: Value) -> Value {
    match &mut example {
        Value::Object(map) => {
            if map.contains_key("requestedSchema") {
                map.entry("mode").or_insert(json!("form"));
            }
            if map.contains_key("contents") {
                map.entry("ttlMs").or_insert(json!(0));
                map.entry("cacheScope").or_insert(json!("private"));
            }
            map.values_mut()
                .for_each(|value| *value = complete(value.take()));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|value| *value = complete(value.take())),
        _ => {}
    }
    example
}

#[test]
fn every_published_example_is_read_and_written_again_the_same() {
    let Some(folder) = spec_folder() else {
        println!("skipped: no folder of schemas; MCP_SPEC_DIR may name one");
        return;
    };
    let mut checked = 0;
    for entry in fs::read_dir(folder.join("2026-07-28/examples")).unwrap() {
        let entry = entry.unwrap();
        let definition = entry.file_name().into_string().unwrap();
        for file in fs::read_dir(entry.path()).unwrap() {
            let path = file.unwrap().path();
            let value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let written = example_again(&definition, &value)
                .unwrap_or_else(|| panic!("nothing reads {definition}"));
            assert_eq!(written, complete(value), "{}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} examples");
}

// ---- samples of every type, against every revision's schema ----

/// Checks samples against every revision that defines what they are.
struct Against<'a> {
    version: ProtocolVersion,
    revision: &'a Revision,
    checked: usize,
    skipped: Vec<String>,
}

impl Against<'_> {
    /// A value by its definition, closed: no member that the revision does not have.
    fn value(&mut self, definition: &str, value: &impl Encode) {
        self.check(
            definition,
            &encoded(value, self.version),
            Strictness::Closed,
        );
    }

    /// A value whose definition is put together from others, which closing would contradict, or
    /// which holds what is known to be more than the schema says.
    fn open_value(&mut self, definition: &str, value: &impl Encode) {
        self.check(
            definition,
            &encoded(value, self.version),
            Strictness::Published,
        );
    }

    fn check(&mut self, definition: &str, value: &Value, strictness: Strictness) {
        if !self.revision.defines(definition) {
            self.skipped.push(definition.to_owned());
            return;
        }
        self.checked += 1;
        let outcome = self.revision.check(definition, value, strictness);
        outcome.unwrap_or_else(|error| panic!("{} {error}\n{value:#}", self.version));
    }

    /// A result, with metadata added as a server does.
    fn result(&mut self, definition: &str, result: &(impl Encode + EncodeFields)) {
        let mut out = Vec::new();
        let mut added = vec![(
            "io.modelcontextprotocol/serverInfo",
            r#"{"name":"s","version":"1"}"#,
        )];
        if definition == "SubscriptionsListenResult" {
            added.push(("io.modelcontextprotocol/subscriptionId", "1"));
        } else {
            self.value(definition, result);
        }
        encode::write_with_meta(result, &mut out, self.version, &added);
        let value = parsed(&out);
        // What answers `inputRequests` in 2026-07-28 is no result and has no metadata.
        let strictness = match definition {
            "ElicitResult" | "ListRootsResult" => Strictness::Published,
            _ => Strictness::Closed,
        };
        self.check(definition, &value, strictness);
    }

    /// A request or notification of one of the methods that the revision has.
    fn call(&mut self, method: &str, params: &impl EncodeFields) {
        let notification = method.starts_with("notifications/");
        let embedded =
            ["elicitation/create", "sampling/createMessage", "roots/list"].contains(&method);
        let mut added = Vec::new();
        if self.version == ProtocolVersion::V2026_07_28 && !notification && !embedded {
            added.push(("io.modelcontextprotocol/protocolVersion", r#""2026-07-28""#));
            added.push(("io.modelcontextprotocol/clientCapabilities", "{}"));
        }
        self.call_with(method, params, &added, Strictness::Closed);
        added.push(("progressToken", "1"));
        self.call_with(method, params, &added, Strictness::Published);
    }

    fn call_with(
        &mut self,
        method: &str,
        params: &impl EncodeFields,
        added: &[(&str, &str)],
        strictness: Strictness,
    ) {
        let mut out = Vec::new();
        let write = |out: &mut Vec<u8>| encode::write_with_meta(params, out, self.version, added);
        if method.starts_with("notifications/") {
            rpc::write_notification(&mut out, method, write);
        } else {
            rpc::write_request(&mut out, &"id".into(), method, write);
        }
        let message = parsed(&out);
        match self.revision.check_call(&message, strictness) {
            Ok(()) => self.checked += 1,
            Err(error) if error.contains("has no method") => self.skipped.push(method.to_owned()),
            Err(error) => panic!("{} {error}\n{message:#}", self.version),
        }
    }
}

fn object() -> Json {
    Json::empty_object()
}

fn meta() -> Option<Meta> {
    Some(Meta::from_iter([("example.com/a", object())]))
}

fn icon() -> Icon {
    let mut icon = Icon::new("https://example.com/i.png");
    icon.mime_type = Some("image/png".into());
    icon.sizes = vec!["48x48".into()];
    icon.theme = Some(IconTheme::Dark);
    icon
}

fn annotations() -> Annotations {
    let mut annotations = Annotations::new();
    annotations.audience = vec![Role::User, Role::Assistant];
    annotations.priority = Some(0.5);
    annotations.last_modified = Some("2025-01-12T15:00:58Z".into());
    annotations
}

fn implementation() -> Implementation {
    let mut implementation = Implementation::new("n", "1").with_title("T");
    implementation.description = Some("d".into());
    implementation.website_url = Some("https://example.com".into());
    implementation.icons = vec![icon()];
    implementation
}

fn tool() -> Tool {
    let schema = r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#;
    let annotations = ToolAnnotations::new()
        .with_title("A")
        .with_read_only(true)
        .with_destructive(false)
        .with_idempotent(true)
        .with_open_world(false);
    Tool::new("n", Json::parse(schema).unwrap())
        .with_title("T")
        .with_description("d")
        .with_annotations(annotations)
        .with_task_support(TaskSupport::Optional)
        .with_icon(icon())
        .with_meta(meta().unwrap())
}

fn resource() -> Resource {
    Resource::new("file:///a", "n")
        .with_title("T")
        .with_description("d")
        .with_mime_type("text/plain")
        .with_size(5)
        .with_annotations(annotations())
        .with_icon(icon())
        .with_meta(meta().unwrap())
}

fn template() -> ResourceTemplate {
    ResourceTemplate::new("file:///{path}", "n")
        .with_title("T")
        .with_description("d")
        .with_mime_type("text/plain")
        .with_annotations(annotations())
        .with_icon(icon())
        .with_meta(meta().unwrap())
}

fn prompt() -> Prompt {
    let argument = PromptArgument::new("a")
        .with_title("A")
        .with_description("d")
        .with_required(true);
    Prompt::new("n")
        .with_title("T")
        .with_description("d")
        .with_argument(argument)
        .with_icon(icon())
        .with_meta(meta().unwrap())
}

/// One block of each kind, with everything that a block can have.
fn blocks() -> Vec<ContentBlock> {
    let mut text = TextContent::new("t");
    let mut image = ImageContent::from_bytes(b"\x89PNG", "image/png");
    let mut audio = AudioContent::from_bytes(b"RIFF", "audio/wav");
    let contents = ResourceContents::text("file:///a", "t").with_mime_type("text/plain");
    let mut embedded = EmbeddedResource::new(contents.with_meta(meta().unwrap()));
    text.annotations = Some(annotations());
    image.annotations = Some(annotations());
    audio.annotations = Some(annotations());
    embedded.annotations = Some(annotations());
    text.meta = meta();
    image.meta = meta();
    audio.meta = meta();
    embedded.meta = meta();
    let blob = ResourceContents::bytes("file:///b", &[0, 255]);
    vec![
        text.into(),
        image.into(),
        audio.into(),
        embedded.into(),
        ContentBlock::resource(blob),
        ContentBlock::link(resource()),
    ]
}

fn client_capabilities() -> ClientCapabilities {
    let mut capabilities = ClientCapabilities::default();
    capabilities.experimental.insert("x", object());
    capabilities.roots = Some(RootsCapability::new(true));
    capabilities.sampling = Some(SamplingCapability::new().with_tools().with_context());
    capabilities.elicitation = Some(ElicitationCapability::both());
    let mut sampling = SamplingTaskRequests::default();
    sampling.create_message = Some(object());
    let mut elicitation = ElicitationTaskRequests::default();
    elicitation.create = Some(object());
    let mut requests = ClientTaskRequests::default();
    requests.sampling = Some(sampling);
    requests.elicitation = Some(elicitation);
    let mut tasks = ClientTasksCapability::default();
    tasks.list = Some(object());
    tasks.cancel = Some(object());
    tasks.requests = Some(requests);
    capabilities.tasks = Some(tasks);
    capabilities
}

fn server_capabilities() -> ServerCapabilities {
    let mut capabilities = ServerCapabilities::default();
    capabilities.experimental.insert("x", object());
    capabilities.logging = Some(object());
    capabilities.completions = Some(object());
    capabilities.prompts = Some(PromptsCapability::new(true));
    capabilities.resources = Some(ResourcesCapability::new(true, true));
    capabilities.tools = Some(ToolsCapability::new(true));
    let mut tools = ToolTaskRequests::default();
    tools.call = Some(object());
    let mut requests = ServerTaskRequests::default();
    requests.tools = Some(tools);
    let mut tasks = ServerTasksCapability::default();
    tasks.list = Some(object());
    tasks.cancel = Some(object());
    tasks.requests = Some(requests);
    capabilities.tasks = Some(tasks);
    capabilities
}

fn form() -> ElicitSchema {
    let mut text = StringSchema::default();
    text.title = Some("T".into());
    text.description = Some("d".into());
    text.min_length = Some(1);
    text.max_length = Some(9);
    text.format = Some(StringFormat::DateTime);
    text.default = Some("x".into());
    let mut number = NumberSchema::integer();
    number.minimum = Some(1.0);
    number.maximum = Some(9.0);
    number.default = Some(2.0);
    let mut boolean = BooleanSchema::default();
    boolean.default = Some(true);
    let mut untitled = EnumSchema::new(["x", "y"]);
    untitled.default = Some(vec!["x".into()]);
    let mut several = EnumSchema::titled([("x", "X"), ("y", "Y")]).with_several();
    several.default = Some(vec!["x".into()]);
    let mut limits = MultiSelect::default();
    limits.min_items = Some(1);
    limits.max_items = Some(2);
    several.multi = Some(limits);
    let mut form = ElicitSchema::new()
        .with_required("text", text)
        .with_optional("integer", number)
        .with_optional("number", NumberSchema::number())
        .with_optional("boolean", boolean)
        .with_optional("untitled", untitled)
        .with_optional("titled", EnumSchema::titled([("x", "X"), ("y", "Y")]))
        .with_optional("untitled several", EnumSchema::new(["x"]).with_several())
        .with_optional("titled several", several);
    form.schema = Some("https://json-schema.org/draft/2020-12/schema".into());
    form
}

fn url_elicitation() -> ElicitUrlParams {
    let mut url = ElicitUrlParams::new("m", "https://example.com/");
    url.elicitation_id = Some("e".into());
    url
}

fn sampling_messages() -> Vec<SamplingMessage> {
    let call = ToolUseContent::new("i", "n", object());
    let mut result = ToolResultContent::new("i", blocks());
    result.structured_content = Some(object());
    result.is_error = Some(false);
    let mut message = SamplingMessage::user("a");
    message.meta = meta();
    for block in blocks() {
        match block {
            ContentBlock::Text(text) => message.content.push(text.into()),
            ContentBlock::Image(image) => message.content.push(image.into()),
            ContentBlock::Audio(audio) => message.content.push(audio.into()),
            _ => {}
        }
    }
    vec![
        message,
        SamplingMessage::assistant(call),
        SamplingMessage::user(result),
    ]
}

fn sampling() -> CreateMessageParams {
    let mut preferences = ModelPreferences::default();
    preferences.hints = vec![ModelHint::new("h")];
    preferences.cost_priority = Some(0.0);
    preferences.speed_priority = Some(0.5);
    preferences.intelligence_priority = Some(1.0);
    let mut params = CreateMessageParams::new(sampling_messages(), 10);
    params.model_preferences = Some(preferences);
    params.system_prompt = Some("s".into());
    params.include_context = Some(IncludeContext::ThisServer);
    params.temperature = Some(0.1);
    params.stop_sequences = vec!["x".into()];
    params.metadata = Some(object());
    params.tools = vec![tool()];
    params.tool_choice = Some(ToolChoice::new(ToolChoiceMode::Required));
    params.task = Some(TaskMetadata::new(Some(1)));
    params
}

fn task() -> Task {
    let mut task = Task::new("t", "2025-11-25T10:30:00Z");
    task.status_message = Some("m".into());
    task.poll_interval_ms = Some(5);
    task
}

fn parts(against: &mut Against<'_>) {
    against.value("Implementation", &implementation());
    against.value("Icon", &icon());
    against.value("Annotations", &annotations());
    against.value("ClientCapabilities", &client_capabilities());
    against.value("ServerCapabilities", &server_capabilities());
    against.value("Tool", &tool());
    against.value("ToolAnnotations", &tool().annotations.unwrap());
    against.value("Resource", &resource());
    against.value("ResourceTemplate", &template());
    against.value("Prompt", &prompt());
    against.value("PromptArgument", &prompt().arguments[0]);
    against.value("Task", &task());
    for block in blocks() {
        against.value("ContentBlock", &block);
        against.value("PromptMessage", &PromptMessage::user(block));
    }
    for message in sampling_messages() {
        against.value("SamplingMessage", &message);
    }
    for (_, field) in form().properties {
        against.value("PrimitiveSchemaDefinition", &field);
    }
    let mut client = client_capabilities();
    client.extensions.insert("example.com/x", object());
    against.open_value("ClientCapabilities", &client);
    let mut server = server_capabilities();
    server.extensions.insert("example.com/x", object());
    against.open_value("ServerCapabilities", &server);
    for schema in ["true", r#"{"type":"array"}"#, r#"{"type":"object"}"#] {
        let schema = Json::parse(schema).unwrap();
        // 2026-07-28's schema of output schemas is an object's, though `true` is one, too.
        if schema.is_object() || against.version < ProtocolVersion::V2026_07_28 {
            against.value("Tool", &tool().with_output_schema(schema));
        }
    }
}

fn results(against: &mut Against<'_>) {
    let version = against.version;
    let mut initialize = InitializeResult::new(version, server_capabilities(), implementation());
    initialize.instructions = Some("i".into());
    against.result("InitializeResult", &initialize);
    let mut discover = DiscoverResult::new(ProtocolVersion::ALL, server_capabilities());
    discover.instructions = Some("i".into());
    against.result("DiscoverResult", &discover);
    against.result("EmptyResult", &EmptyResult::default());
    against.result("ListToolsResult", &ListToolsResult::new(vec![tool()]));
    let mut resources = ListResourcesResult::new(vec![resource()]);
    resources.next_cursor = Some(String::new());
    resources.cache = CacheHints::public(1);
    against.result("ListResourcesResult", &resources);
    let templates = ListResourceTemplatesResult::new(vec![template()]);
    against.result("ListResourceTemplatesResult", &templates);
    against.result("ListPromptsResult", &ListPromptsResult::new(vec![prompt()]));
    let contents = vec![
        ResourceContents::text("file:///a", "t").with_meta(meta().unwrap()),
        ResourceContents::bytes("file:///b", b"b").with_mime_type("a/b"),
    ];
    against.result("ReadResourceResult", &ReadResourceResult::new(contents));
    let mut got =
        GetPromptResult::new(blocks().into_iter().map(PromptMessage::assistant).collect());
    got.description = Some("d".into());
    against.result("GetPromptResult", &got);
    let values = (0..200).map(|value| value.to_string()).collect();
    against.result("CompleteResult", &CompleteResult::new(values));
    call_results(against);
    against.result("SubscriptionsListenResult", &ListenResult::default());
    let mut root = Root::new("file:///");
    root.name = Some("n".into());
    root.meta = meta();
    against.result("ListRootsResult", &ListRootsResult::new(vec![root]));
    let accepted = Json::parse(r#"{"a":1,"b":"c","d":true}"#).unwrap();
    against.result("ElicitResult", &ElicitResult::accept(accepted));
    against.result("ElicitResult", &ElicitResult::new(ElicitAction::Cancel));
    let mut said = CreateMessageResult::new("m", "t");
    said.stop_reason = Some("endTurn".into());
    against.result("CreateMessageResult", &said);
    said.content = sampling_messages().remove(1).content;
    against.result("CreateMessageResult", &said);
    said.content.clear();
    against.result("CreateMessageResult", &said);
    let mut input = InputRequiredResult::new(InputRequests::from_iter([
        ("a", ElicitParams::form("m", form()).into()),
        ("b", ElicitParams::Url(url_elicitation()).into()),
        ("c", sampling().into()),
        ("d", InputRequest::ListRoots(EmptyParams::default())),
    ]));
    input.request_state = Some("s".into());
    against.result("InputRequiredResult", &input);
}

fn call_results(against: &mut Against<'_>) {
    against.result("CallToolResult", &CallToolResult::new(blocks()));
    against.result("CallToolResult", &CallToolResult::new(Vec::new()));
    against.result("CallToolResult", &CallToolResult::error("e"));
    for value in ["{}", "[1]", "5", "null"] {
        let mut result = CallToolResult::structured(Json::parse(value).unwrap());
        against.result("CallToolResult", &result);
        result.wraps_output = true;
        against.result("CallToolResult", &result);
    }
    // 2026-07-28 has these as an extension, of which there is no schema.
    if against.version < ProtocolVersion::V2026_07_28 {
        against.result("CreateTaskResult", &CreateTaskResult::new(task()));
        against.open_value("GetTaskResult", &GetTaskResult::new(task(), None));
        against.open_value("CancelTaskResult", &GetTaskResult::new(task(), None));
        against.result("ListTasksResult", &ListTasksResult::new(vec![task()]));
    }
}

fn client_calls(against: &mut Against<'_>) {
    let version = against.version;
    against.call(
        "initialize",
        &InitializeParams::new(version, client_capabilities(), implementation()),
    );
    against.call("ping", &EmptyParams::default());
    against.call("server/discover", &EmptyParams::default());
    for method in [
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "prompts/list",
    ] {
        against.call(method, &PaginatedParams::at("c"));
        against.call(method, &PaginatedParams::default());
    }
    let responses = InputResponses::from_iter([(
        "a",
        Json::new(&ElicitResult::new(ElicitAction::Decline)).unwrap(),
    )]);
    let mut call = CallToolParams::new("n").with_arguments(object());
    call.task = Some(TaskMetadata::new(Some(60_000)));
    call.input_responses = Some(responses.clone());
    call.request_state = Some("s".into());
    against.call("tools/call", &call);
    let mut get = GetPromptParams::new("n");
    get.arguments.insert("a".into(), "b".into());
    get.input_responses = Some(responses.clone());
    get.request_state = Some("s".into());
    against.call("prompts/get", &get);
    let mut read = ReadResourceParams::new("file:///a");
    read.input_responses = Some(responses);
    against.call("resources/read", &read);
    against.call("resources/subscribe", &SubscribeParams::new("file:///a"));
    against.call(
        "resources/unsubscribe",
        &UnsubscribeParams::new("file:///a"),
    );
    let argument = CompletionArgument::new("a", "v");
    let mut complete = CompleteParams::new(CompletionReference::prompt("p"), argument);
    complete.context = Some(CompletionContext::new([("b".into(), "w".into())].into()));
    against.call("completion/complete", &complete);
    complete.reference = CompletionReference::resource("file:///{a}");
    against.call("completion/complete", &complete);
    against.call(
        "logging/setLevel",
        &SetLevelParams::new(LoggingLevel::Notice),
    );
    against.call("subscriptions/listen", &ListenParams::new(filter()));
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        against.call(method, &TaskParams::new("t"));
    }
    against.call("tasks/list", &PaginatedParams::at("c"));
    against.call("notifications/initialized", &EmptyParams::default());
    against.call("notifications/roots/list_changed", &EmptyParams::default());
}

fn filter() -> SubscriptionFilter {
    let mut filter = SubscriptionFilter::default();
    filter.tools_list_changed = true;
    filter.prompts_list_changed = true;
    filter.resources_list_changed = true;
    filter.resource_subscriptions = vec!["file:///a".into()];
    filter
}

fn server_calls(against: &mut Against<'_>) {
    against.call("sampling/createMessage", &sampling());
    against.call("roots/list", &EmptyParams::default());
    let mut elicit = ElicitFormParams::new("m", form());
    elicit.task = Some(TaskMetadata::new(None));
    against.call("elicitation/create", &ElicitParams::Form(elicit));
    against.call("elicitation/create", &ElicitParams::Url(url_elicitation()));
    let mut cancelled = CancelledParams::new("id".into());
    cancelled.reason = Some("r".into());
    against.call("notifications/cancelled", &cancelled);
    let mut progress = ProgressParams::new("t".into(), 0.5);
    progress.total = Some(1.0);
    progress.message = Some("m".into());
    against.call("notifications/progress", &progress);
    let mut log = LogParams::new(LoggingLevel::Emergency, Json::parse("[1]").unwrap());
    log.logger = Some("l".into());
    against.call("notifications/message", &log);
    against.call(
        "notifications/resources/updated",
        &ResourceUpdatedParams::new("file:///a"),
    );
    for list in ["resources", "tools", "prompts"] {
        let method = format!("notifications/{list}/list_changed");
        against.call(&method, &EmptyParams::default());
    }
    let complete = ElicitationCompleteParams::new("e");
    against.call("notifications/elicitation/complete", &complete);
    let granted = AcknowledgedParams::new(filter());
    against.call("notifications/subscriptions/acknowledged", &granted);
}

#[test]
fn samples_of_every_type_are_valid_in_every_revision() {
    let Some(schemas) = Schemas::load() else {
        println!("skipped: no folder of schemas; MCP_SPEC_DIR may name one");
        return;
    };
    let mut never: Option<Vec<String>> = None;
    for version in ProtocolVersion::ALL {
        let revision = schemas.revision(version.as_str()).unwrap();
        let (checked, skipped) = (0, Vec::new());
        let mut against = Against {
            version,
            revision,
            checked,
            skipped,
        };
        parts(&mut against);
        results(&mut against);
        client_calls(&mut against);
        server_calls(&mut against);
        assert!(against.checked > 80, "{version}: only {}", against.checked);
        let skipped = against.skipped;
        never = Some(match never {
            None => skipped,
            Some(never) => never
                .into_iter()
                .filter(|name| skipped.contains(name))
                .collect(),
        });
    }
    // A misspelt definition would be skipped by every revision.
    assert_eq!(never.unwrap(), Vec::<String>::new());
}
