use super::*;
use crate::session::Offers;
use alloc::format;
use mcp_proto::{encode, rpc::RpcError, types::PromptArgument};

fn object() -> Json {
    Json::parse(r#"{"type":"object"}"#).unwrap()
}

fn tool(name: &str) -> Tool {
    Tool::new(name, object())
}

fn builder() -> ServiceBuilder<u32> {
    Service::builder(Implementation::new("demo", "1.0.0"))
}

fn page(
    service: &Service<u32>,
    version: ProtocolVersion,
    cursor: Option<&str>,
) -> Result<(String, Option<String>), RpcError> {
    let page = service.page(ComponentKind::Tool, version, cursor)?;
    let mut out = Vec::new();
    encode::write_object(&page, &mut out, version);
    Ok((
        String::from_utf8(out).unwrap(),
        page.next_cursor().map(String::from),
    ))
}

/// The tools' names of all pages, and how many pages there are.
fn all_pages(service: &Service<u32>) -> (Vec<String>, usize) {
    let (mut names, mut cursor, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let (text, next) = page(service, ProtocolVersion::LATEST, cursor.as_deref()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let tools = value["tools"].as_array().unwrap();
        names.extend(
            tools
                .iter()
                .map(|tool| tool["name"].as_str().unwrap().to_string()),
        );
        pages += 1;
        match next {
            Some(next) => cursor = Some(next),
            None => return (names, pages),
        }
    }
}

#[test]
fn unknown_and_disabled_components_cannot_be_told_apart() {
    let hidden = |component: Component<Tool, u32>| component.with_enabled(false);
    let service = builder()
        .add_tool(hidden(Component::new(tool("hidden"), 1)))
        .tool(tool("shown"), 2)
        .add_prompt(Component::new(Prompt::new("hidden"), 3).with_enabled(false))
        .add_resource(Component::new(Resource::new("x://hidden", "hidden"), 4).with_enabled(false))
        .add_template(
            Component::new(ResourceTemplate::new("y://{id}", "hidden"), 5)
                .with_enabled(false)
                .with_completion(9),
        )
        .build()
        .unwrap();
    for name in ["hidden", "unknown"] {
        assert!(service.tool(name).is_none());
        assert!(service.prompt(name).is_none());
        let prompt = service.completion(&CompletionReference::prompt(name));
        assert!(matches!(prompt, CompletionTarget::Unknown));
    }
    for uri in ["x://hidden", "x://unknown", "y://hidden"] {
        assert!(service.resource(uri).is_none(), "{uri}");
    }
    assert!(service.template("y://{id}").is_none());
    assert_eq!(service.tool("shown").map(|tool| *tool.handler()), Some(2));
    assert_eq!(
        service.tools().count() + service.prompts().count() + service.resources().count(),
        1
    );
    let (text, _) = page(&service, ProtocolVersion::V2025_11_25, None).unwrap();
    assert_eq!(
        text,
        r#"{"tools":[{"name":"shown","inputSchema":{"type":"object"}}]}"#
    );
}

#[test]
fn a_fixed_uri_beats_templates_and_templates_come_in_order() {
    let service = builder()
        .template(ResourceTemplate::new("x://{a}", "first"), 1)
        .template(ResourceTemplate::new("x://{b*}", "second"), 2)
        .resource(Resource::new("x://fixed", "fixed"), 3)
        .add_resource(Component::new(Resource::new("x://off", "off"), 4).with_enabled(false))
        .build()
        .unwrap();
    let found = |uri: &str| {
        service.resource(uri).map(|found| {
            let variables = found.variables.iter();
            let variables: Vec<_> = variables
                .map(|(name, values)| (name.to_string(), values.join("|")))
                .collect();
            (*found.handler, variables)
        })
    };
    assert_eq!(found("x://fixed"), Some((3, Vec::new())));
    assert_eq!(
        found("x://a%20b"),
        Some((1, [("a".into(), "a b".into())].into()))
    );
    assert_eq!(
        found("x://a/b"),
        Some((2, [("b".into(), "a/b".into())].into()))
    );
    assert_eq!(
        found("x://off"),
        None,
        "a disabled resource hides what templates would find"
    );
    assert_eq!(found("x://..%2Fetc"), None, "what leads out is screened");
    assert_eq!(found("z://a"), None);
}

#[test]
fn a_variable_can_be_exempt_from_screening() {
    let mut template = Component::new(ResourceTemplate::new("x://{path*}", "files"), 1);
    template.unscreened.push("path".into());
    let service = builder().add_template(template.clone()).build().unwrap();
    assert!(service.resource("x://a/../b").is_some());
    template.unscreened.push("other".into());
    let error = builder().add_template(template).build().unwrap_err();
    assert!(matches!(error, BuildError::Variable { variable, .. } if variable == "other"));
}

#[test]
fn capabilities_follow_what_is_registered() {
    let capabilities = |service: &Service<u32>, version| {
        let mut out = Vec::new();
        service.capabilities(version).encode(&mut out, version);
        String::from_utf8(out).unwrap()
    };
    let latest = ProtocolVersion::LATEST;
    let tools = r#""tools":{"listChanged":true}"#;
    let prompts = r#""prompts":{"listChanged":true}"#;
    let resources = r#""resources":{"subscribe":true,"listChanged":true}"#;
    let cases: [(ServiceBuilder<u32>, ProtocolVersion, &[&str]); 9] = [
        (builder(), latest, &[r#""logging":{}"#]),
        (builder().without_logging(), latest, &[]),
        (
            builder().without_logging().tool(tool("a"), 0),
            latest,
            &[tools],
        ),
        (
            builder().without_logging().announce(ComponentKind::Tool),
            latest,
            &[tools],
        ),
        (
            builder()
                .without_logging()
                .add_tool(Component::new(tool("a"), 0).with_enabled(false)),
            latest,
            &[tools],
        ),
        (
            builder().without_logging().prompt(Prompt::new("a"), 0),
            latest,
            &[prompts],
        ),
        (
            builder()
                .without_logging()
                .resource(Resource::new("x:a", "a"), 0),
            latest,
            &[resources],
        ),
        (
            builder()
                .without_logging()
                .template(ResourceTemplate::new("x:{a}", "a"), 0)
                .completion(1),
            latest,
            &[r#""completions":{}"#, resources],
        ),
        (
            builder().without_logging().completion(1),
            ProtocolVersion::V2024_11_05,
            &[],
        ),
    ];
    for (builder, version, expected) in cases {
        let service = builder.build().unwrap();
        assert_eq!(
            capabilities(&service, version),
            ["{", &expected.join(","), "}"].concat()
        );
    }
}

#[test]
fn completions_lead_to_the_most_special_handler() {
    let with_arguments = |name: &str| Prompt::new(name).with_argument(PromptArgument::new("x"));
    let parts = || {
        builder()
            .add_prompt(Component::new(with_arguments("own"), 0).with_completion(1))
            .prompt(with_arguments("none"), 0)
            .add_template(
                Component::new(ResourceTemplate::new("x://{a}", "a"), 0).with_completion(2),
            )
            .resource(Resource::new("x://fixed", "fixed"), 0)
    };
    let target = |service: &Service<u32>, of: &CompletionReference| match service.completion(of) {
        CompletionTarget::Handler(handler) => *handler,
        CompletionTarget::Nothing => 100,
        CompletionTarget::Unknown => 101,
    };
    let cases = [
        (CompletionReference::prompt("own"), 1, 1),
        (CompletionReference::prompt("none"), 100, 3),
        (CompletionReference::prompt("unknown"), 101, 101),
        (CompletionReference::resource("x://{a}"), 2, 2),
        (CompletionReference::resource("x://fixed"), 100, 3),
        (CompletionReference::resource("x://{b}"), 101, 101),
    ];
    let (without, with) = (
        parts().build().unwrap(),
        parts().completion(3).build().unwrap(),
    );
    for (of, expected_without, expected_with) in cases {
        assert_eq!(target(&without, &of), expected_without, "{of:?}");
        assert_eq!(target(&with, &of), expected_with, "{of:?}");
    }
}

#[test]
fn pages_cover_the_list_in_order_whatever_their_size() {
    let names: Vec<String> = (0..23).map(|n| alloc::format!("tool_{n}")).collect();
    for (size, expected_pages) in [(1, 23), (5, 5), (22, 2), (23, 1), (100, 1), (0, 23)] {
        let mut limits = Limits::default();
        limits.page_items = size;
        let mut builder = builder().limits(limits);
        for name in &names {
            builder = builder.tool(tool(name), 0);
        }
        assert_eq!(
            all_pages(&builder.build().unwrap()),
            (names.clone(), expected_pages),
            "{size}"
        );
    }
    assert_eq!(all_pages(&builder().build().unwrap()), (Vec::new(), 1));
}

#[test]
fn pages_carry_caching_hints_in_the_stateless_era_only() {
    let service = builder()
        .list_cache(CacheHints::public(60_000))
        .build()
        .unwrap();
    let told = |version| page(&service, version, None).unwrap().0;
    assert_eq!(told(ProtocolVersion::V2025_11_25), r#"{"tools":[]}"#);
    assert_eq!(
        told(ProtocolVersion::V2026_07_28),
        r#"{"resultType":"complete","tools":[],"ttlMs":60000,"cacheScope":"public"}"#
    );
}

#[test]
fn a_cursor_outlives_changes_elsewhere_in_the_list() {
    let mut limits = Limits::default();
    limits.page_items = 2;
    let mut builder = builder().limits(limits);
    for name in ["a", "b", "c", "d", "e"] {
        builder = builder.tool(tool(name), 0);
    }
    let service = builder.build().unwrap();
    let latest = ProtocolVersion::V2025_11_25;
    let (_, cursor) = page(&service, latest, None).unwrap();
    let rest =
        |service: &Service<u32>| page(service, latest, cursor.as_deref()).map(|(text, _)| text);
    let expected = concat!(
        r#"{"tools":[{"name":"c","inputSchema":{"type":"object"}},"#,
        r#"{"name":"d","inputSchema":{"type":"object"}}],"nextCursor":"#
    );
    assert!(rest(&service).unwrap().starts_with(expected));
    let without = |name: &str| {
        service
            .edited(|edit| Ok(edit.remove(ComponentKind::Tool, name)))
            .unwrap()
            .0
    };
    assert!(
        rest(&without("a")).unwrap().starts_with(expected),
        "the item moved"
    );
    assert!(
        rest(&without("e"))
            .unwrap()
            .starts_with(&expected[..expected.len() - 15])
    );
    let error = rest(&without("b")).unwrap_err();
    assert_eq!(
        error.code, -32602,
        "the item is gone, and with it the place"
    );
}

#[test]
fn cursors_of_elsewhere_are_refused() {
    let mut limits = Limits::default();
    limits.page_items = 1;
    let service = builder()
        .limits(limits)
        .tool(tool("a"), 0)
        .tool(tool("b"), 0)
        .prompt(Prompt::new("a"), 0)
        .prompt(Prompt::new("b"), 0)
        .build()
        .unwrap();
    let latest = ProtocolVersion::LATEST;
    let prompts = service.page(ComponentKind::Prompt, latest, None).unwrap();
    for cursor in ["", "0", "AAAAAAAAAAAAAAAA", prompts.next_cursor().unwrap()] {
        assert_eq!(
            page(&service, latest, Some(cursor)).unwrap_err().code,
            -32602,
            "{cursor:?}"
        );
    }
}

#[test]
fn a_list_that_nothing_was_added_to_is_one_empty_page() {
    let tools = builder().tool(tool("a"), 0).build().unwrap();
    let prompts = builder().prompt(Prompt::new("a"), 0).build().unwrap();
    // Whether or not others of its kind are there, which are served in another way.
    for (service, kind, member) in [
        (&tools, ComponentKind::Prompt, "prompts"),
        (&tools, ComponentKind::Resource, "resources"),
        (&tools, ComponentKind::Template, "resourceTemplates"),
        (&prompts, ComponentKind::Tool, "tools"),
        (&prompts, ComponentKind::Resource, "resources"),
        (&prompts, ComponentKind::Template, "resourceTemplates"),
    ] {
        let offers: &dyn Offers = service;
        for (version, expected) in [
            (
                ProtocolVersion::V2026_07_28,
                format!(
                    r#"{{"resultType":"complete","{member}":[],"ttlMs":0,"cacheScope":"private"}}"#
                ),
            ),
            (
                ProtocolVersion::V2025_11_25,
                format!(r#"{{"{member}":[]}}"#),
            ),
        ] {
            let page = offers.page(kind, version, None).unwrap();
            assert_eq!(page.next_cursor(), None);
            let mut out = Vec::new();
            encode::write_object(&page, &mut out, version);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
            let refused = offers.page(kind, version, Some("x")).unwrap_err();
            assert!(refused.code == -32602 && refused.message.starts_with("unknown cursor"));
        }
    }
}

#[test]
fn what_is_wrong_with_a_component_is_said_with_the_fix() {
    let long = "x".repeat(129);
    let cases: [(ServiceBuilder<u32>, &str); 11] = [
        (builder().tool(tool("a b"), 0), "1 to 128 of the characters"),
        (builder().tool(tool(""), 0), "1 to 128 of the characters"),
        (builder().tool(tool(&long), 0), "1 to 128 of the characters"),
        (
            builder().prompt(Prompt::new("a\n"), 0),
            "no control characters",
        ),
        (
            builder().tool(tool("a"), 0).tool(tool("a"), 1),
            "on_duplicate",
        ),
        (
            builder().tool(
                Tool::new("a", Json::parse(r#"{"type":"string"}"#).unwrap()),
                0,
            ),
            "wrap a single value",
        ),
        (
            builder().resource(Resource::new("motd", "motd"), 0),
            "no scheme",
        ),
        (
            builder().resource(Resource::new("1x:motd", "motd"), 0),
            "begins with a letter",
        ),
        (
            builder().resource(Resource::new("x:a b", "motd"), 0),
            "percent-encode",
        ),
        (
            builder().resource(Resource::new("x:{a}", "motd"), 0),
            "as a template",
        ),
        (
            builder().template(ResourceTemplate::new("x:{a", "motd"), 0),
            "no URI template",
        ),
    ];
    for (builder, fix) in cases {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(fix), "{error}");
    }
    for name in ["a", "A-b_c.9", &"x".repeat(128)] {
        assert!(builder().tool(tool(name), 0).build().is_ok(), "{name}");
    }
    assert!(
        builder()
            .prompt(Prompt::new("code review"), 0)
            .build()
            .is_ok()
    );
}

#[test]
fn changes_are_told_by_list() {
    let service = builder()
        .tool(tool("a"), 0)
        .prompt(Prompt::new("a"), 0)
        .add_resource(Component::new(Resource::new("x:a", "a"), 0).with_tag("beta"))
        .build()
        .unwrap();
    type Edits = fn(&mut Edit<u32>) -> Result<(), BuildError>;
    let cases: [(Edits, &[Change]); 6] = [
        (|_| Ok(()), &[]),
        (
            |edit| edit.add_tool(Component::new(tool("b"), 0)).map(drop),
            &[Change::Tools],
        ),
        (
            |edit| {
                edit.add_tool(Component::new(tool("b"), 0).with_enabled(false))
                    .map(drop)
            },
            &[],
        ),
        (
            |edit| {
                edit.remove(ComponentKind::Prompt, "a");
                edit.set_enabled(false, |_, _, tags| tags.iter().any(|tag| tag == "beta"));
                Ok(())
            },
            &[Change::Prompts, Change::Resources],
        ),
        (
            |edit| {
                edit.add_template(Component::new(ResourceTemplate::new("y:{b}", "b"), 0))
                    .map(drop)
            },
            &[Change::Resources],
        ),
        (
            |edit| {
                // The same definition again is no change that a client could see.
                edit.remove(ComponentKind::Tool, "a");
                edit.add_tool(Component::new(tool("a"), 9)).map(drop)
            },
            &[],
        ),
    ];
    for (edits, expected) in cases {
        let (edited, ()) = service.edited(edits).unwrap();
        assert_eq!(edited.changes_since(&service), expected);
    }
    assert!(
        service
            .edited(|edit| edit.add_tool(Component::new(tool("a"), 0)))
            .is_err()
    );
}

#[test]
fn a_tool_that_only_is_a_task_needs_something_that_runs_tasks() {
    use mcp_proto::types::TaskSupport;
    let of = |support| {
        let tool = Tool::new("render", crate::schema::ObjectSchema::new().finish());
        tool.with_task_support(support)
    };
    let about = || Service::builder(Implementation::new("t", "1"));
    let expected = "the tool `render` runs only as a task, and the server runs none: add `.tasks(Tasks::new())`, or \
         make it `task = \"optional\"`";
    let refused = about().tool(of(TaskSupport::Required), ()).build();
    assert_eq!(refused.unwrap_err().to_string(), expected);
    for support in [TaskSupport::Optional, TaskSupport::Forbidden] {
        about().tool(of(support), ()).build().unwrap();
    }
    let tasks = || crate::Extension::new("com.example/tasks").task_calls(());
    let able = about()
        .tool(of(TaskSupport::Required), ())
        .extension(tasks());
    able.build().unwrap();
    // Nor can it come later.
    let required = || crate::Component::new(of(TaskSupport::Required), ());
    let unable = about().build().unwrap();
    let refused = unable.edited(|edit| edit.add_tool(required()));
    assert_eq!(refused.unwrap_err().to_string(), expected);
    let able = about().extension(tasks()).build().unwrap();
    assert!(able.edited(|edit| edit.add_tool(required())).unwrap().1);
}
