use super::*;
use alloc::{format, string::ToString, vec};
use proptest::prelude::*;

/// What a template finds, written as `name=value` and lists as `name=[a|b]`.
fn found(template: &str, uri: &str) -> Option<String> {
    let values = UriTemplate::parse(template).unwrap().matches(uri)?;
    let entry = |(name, values): (&str, &[String])| match values {
        [one] => format!("{name}={one}"),
        several => format!("{name}=[{}]", several.join("|")),
    };
    Some(values.iter().map(entry).collect::<Vec<_>>().join(" "))
}

#[test]
fn templates_find_values() {
    const ROWS: &[(&str, &str, &str)] = &[
        ("data://x", "data://x", ""),
        ("data://x", "data://x?anything#at-all", ""),
        ("data://{id}", "data://7", "id=7"),
        ("data://{id}/data", "data://a%20b/data", "id=a b"),
        ("data://{id}/data", "data://a%2Fb/data", "id=a/b"),
        ("data://{id}/data", "data://100%/data", "id=100%"),
        ("data://{id}/data", "data://a+b/data", "id=a+b"),
        ("data:{id}", "data:é", "id=é"),
        ("data://{user-id}", "data://7", "user_id=7"),
        (
            "files://{name}.{ext}",
            "files://a.tar.gz",
            "name=a.tar ext=gz",
        ),
        ("files://{a}-{b}-{c}", "files://1-2-3-4", "a=1-2 b=3 c=4"),
        ("files://{a}--{b}", "files://x----y", "a=x-- b=y"),
        ("files://{path*}", "files://a/b/c.txt", "path=a/b/c.txt"),
        ("files://{+path}", "files://a/b/c.txt", "path=a/b/c.txt"),
        ("files://{+path}", "files://a?b=c#d", "path=a?b=c"),
        ("files://{+path*}", "files://a/b", "path=a/b"),
        ("files://{path*}", "files://a?b=c#d", "path=a"),
        (
            "files://{user}/{path*}",
            "files://me/a/b",
            "user=me path=a/b",
        ),
        (
            "files://{user}-{path*}",
            "files://a-b-c/d",
            "user=a path=b-c/d",
        ),
        (
            "files://{path*}/x/{id}",
            "files://a/x/b/x/c",
            "path=a/x/b id=c",
        ),
        ("files://{path*}.txt", "files://a.txt.txt", "path=a.txt"),
        ("w://{city}{?units,days}", "w://bonn", "city=bonn"),
        (
            "w://{city}{?units,days}",
            "w://bonn?days=3&units=metric&other=1",
            "city=bonn units=metric days=3",
        ),
        (
            "w://{city}{?units}",
            "w://bonn?units=a&units=b",
            "city=bonn units=a",
        ),
        (
            "w://{city}{?units}",
            "w://bonn?city=ulm&units=",
            "city=bonn units=",
        ),
        ("w://{city}{?units}", "w://bonn?units", "city=bonn units="),
        (
            "w://{city}{?units}",
            "w://bonn?units=a+b%2B",
            "city=bonn units=a b+",
        ),
        (
            "w://{city}{?at-most}",
            "w://bonn?at-most=1",
            "city=bonn at_most=1",
        ),
        ("w://x{?tags}", "w://x?tags=a,b%2Cc,", "tags=[a|b,c|]"),
        (
            "w://x{?tags*}",
            "w://x?tags=a,b&tags=&tags=c",
            "tags=[a,b||c]",
        ),
        ("w://x?q={query}", "w://x?q=1", "query=1"),
        (
            "w://x?v=1&q={query}{&page}",
            "w://x?page=2&q=a&v=1",
            "query=a page=2",
        ),
    ];
    for (template, uri, expected) in ROWS {
        assert_eq!(
            found(template, uri).as_deref(),
            Some(*expected),
            "{template} on {uri}"
        );
    }
}

#[test]
fn templates_do_not_match_what_they_do_not_cover() {
    const ROWS: &[(&str, &str)] = &[
        ("data://x", "data://y"),
        ("data://x", "data://x/"),
        ("data://{id}", "data://"),
        ("data://{id}", "data://a/b"),
        ("data://{id}", "DATA://a"),
        ("data://{id}", "data://%FF"),
        ("data://{id}/data", "data:///data"),
        ("data://{id}/data", "data://a/b/data"),
        ("data://{a}-{b}", "data://-b"),
        ("data://{a}-{b}", "data://a-"),
        ("data://{a}-{b}", "data://a/x-b"),
        ("files://{path*}", "files://"),
        ("files://{a}/{path*}/{b}", "files://a/b"),
        ("files://{a}/x{path*}x/{b}", "files://a/x/b"),
        ("w://x?q={query}", "w://x"),
        ("w://x?v=1", "w://x?v=2"),
        ("w://x{?a}", "w://x?a=%FF"),
    ];
    for (template, uri) in ROWS {
        assert_eq!(found(template, uri), None, "{template} on {uri}");
    }
}

#[test]
fn values_that_lead_out_of_a_folder_match_nothing() {
    let escapes = [
        "..",
        "a/../b",
        "a/..",
        "..%2Fetc",
        "%2e%2e/etc",
        "%2e%2E",
        "%252e%252e%252fetc",
        "%25252e%2e",
        "/etc/passwd",
        "%2Fetc",
        "a%00b",
        "a%5Cb",
        "a\\b",
        "%255C",
    ];
    for value in escapes {
        let uri = format!("files://{value}");
        let mut template = UriTemplate::parse("files://{path*}").unwrap();
        assert_eq!(template.matches(&uri), None, "{uri}");
        assert!(template.exempt("path"));
        assert!(template.matches(&uri).is_some(), "{uri}");

        let in_query = format!("files://x?path={value}");
        assert_eq!(found("files://x{?path*}", &in_query), None, "{in_query}");
    }
    for harmless in [
        "...",
        "a..b",
        "..a",
        ".",
        "a/./b",
        "100%25",
        "a:b",
        "%2525%2525",
    ] {
        assert!(
            found("files://{path*}", &format!("files://{harmless}")).is_some(),
            "{harmless}"
        );
    }
    assert!(
        !UriTemplate::parse("files://{path*}")
            .unwrap()
            .exempt("other")
    );
}

#[test]
fn what_is_no_template_is_refused_with_the_fix() {
    const ROWS: &[(&str, usize, &str)] = &[
        ("notes/{id}", 0, "write for example `data://{id}`"),
        ("{id}", 0, "begins with a scheme"),
        ("1a://{id}", 0, "begins with a scheme"),
        ("", 0, "begins with a scheme"),
        ("a://{id", 4, "this `{` has no `}`"),
        ("a://{i{d}", 4, "this `{` has no `}`"),
        ("a://id}", 6, "this `}` has no `{`"),
        ("a://x y", 5, "percent-encoded, as `%20`"),
        ("a://é", 4, "percent-encoded, as `%C3%A9`"),
        ("a://%zz", 4, "percent-encoded, as `%25`"),
        ("a://x#{part}", 5, "leave `#` and what follows out"),
        ("a://x{#part}", 5, "`{#…}` is not supported"),
        ("a://x{/part}", 5, "`{/…}` is not supported"),
        ("a://x{&a}", 5, "write `{?name}` instead"),
        ("a://x?b=c{?a}", 9, "write `{&name}` instead"),
        ("a://x{?a}{?b}", 9, "write `{&name}` instead"),
        ("a://{id:3}", 4, "write `{id}`"),
        ("a://{b,c}", 4, "write `{b}` and put text between"),
        ("a://{}", 4, "cannot name a parameter"),
        ("a://{?}", 4, "cannot name a parameter"),
        ("a://{?a,}", 4, "cannot name a parameter"),
        ("a://{1st}", 4, "`1st` cannot name a parameter"),
        ("a://{a b}", 4, "`a b` cannot name a parameter"),
        ("a://{id}/{id}", 9, "`id` is there twice"),
        ("a://{a-b}/{a_b}", 10, "`a_b` is there twice"),
        ("a://{id}{?id}", 8, "`id` is there twice"),
        ("a://x?b=1{&b}", 9, "`b` is there twice"),
        ("a://{b}{c}", 7, "put text, such as `/`, before it"),
        ("a://{b*}{c}", 8, "put text, such as `/`, before it"),
        ("a://{b*}/{+c}", 9, "write `{c}` for one segment"),
        ("a://x{?b}/y", 9, "move `{?…}` to the end"),
        ("a://x{?b}{c}", 9, "move `{?…}` to the end"),
        ("a://x?{b}", 6, "write `key=value`"),
        ("a://x?b=1{c}", 9, "write `key=value`"),
        ("a://x?b={c}d", 11, "write `key=value`"),
        ("a://x?b={+c}", 8, "write `key=value`"),
    ];
    for (text, at, fix) in ROWS {
        let error = UriTemplate::parse(text).expect_err(text);
        assert_eq!(error.at, *at, "{text}: {error}");
        assert!(error.to_string().contains(fix), "{text}: {error}");
    }
}

#[test]
fn sizes_are_bounded() {
    let long = format!("a://{}", "x".repeat(MAX_TEMPLATE_BYTES - 4));
    assert!(UriTemplate::parse(&long).is_ok());
    let told = |template: &str| UriTemplate::parse(template).unwrap_err().to_string();
    let too_long = "the template is longer than 4096 bytes (at byte 4096)";
    assert_eq!(told(&format!("{long}x")), too_long);

    let with = |count: usize| {
        let names: Vec<_> = (0..count).map(|index| format!("v{index}")).collect();
        UriTemplate::parse(&format!("a://x{{?{}}}", names.join(",")))
    };
    assert!(with(MAX_VARIABLES).is_ok());
    let too_many = |template: &str| {
        let error = UriTemplate::parse(template).unwrap_err();
        let said = "the template has more than 32 variables or parameters";
        error.problem.to_string() == said
    };
    assert_eq!(
        with(MAX_VARIABLES + 1).unwrap_err().problem,
        TemplateProblem::TooMany
    );
    let path = |count: usize| {
        let segments: String = (0..count).map(|index| format!("/{{v{index}}}")).collect();
        format!("a://x{segments}")
    };
    assert!(UriTemplate::parse(&path(MAX_VARIABLES)).is_ok());
    assert!(too_many(&path(MAX_VARIABLES + 1)));
    let pairs = "&k=v".repeat(MAX_VARIABLES);
    assert!(UriTemplate::parse(&format!("a://x?{}", &pairs[1..])).is_ok());
    assert!(too_many(&format!("a://x?{pairs}&k=v")));

    let longest = format!("a://{}", "x".repeat(MAX_URI_BYTES - 4));
    assert!(found("a://{b}", &longest).is_some());
    assert!(found("a://{b}", &format!("{longest}x")).is_none());
    for (template, item) in [("a://x{?b}", ","), ("a://x{?b*}", "&b=")] {
        assert!(
            found(
                template,
                &format!("a://x?b={}", item.repeat(MAX_VALUES - 1))
            )
            .is_some()
        );
        assert!(found(template, &format!("a://x?b={}", item.repeat(MAX_VALUES))).is_none());
    }
}

#[test]
fn hostile_uris_take_linear_time() {
    // Quadratic or worse would take minutes.
    let template = UriTemplate::parse("a://{b}a{c}a{d}a{e}a{f*}a{g}a{h}a{i}/x").unwrap();
    let uri = format!("a://{}", "a".repeat(MAX_URI_BYTES - 4));
    for _ in 0..20 {
        assert!(template.matches(&uri).is_none());
    }
    let nested = format!("a://{}", "%25".repeat(20_000));
    assert!(found("a://{b}", &nested).is_some());
}

#[test]
fn expanding_needs_fitting_values() {
    let expand = |template: &str, values: &[(&str, &str)]| {
        UriTemplate::parse(template)
            .unwrap()
            .expand(values)
            .map_err(|error| error.to_string())
    };
    let ok = |uri: &str| Ok(String::from(uri));
    assert_eq!(expand("a://{b}{?c}", &[("b", "x/y")]), ok("a://x%2Fy"));
    assert_eq!(expand("a://{b*}", &[("b", "x/y?z")]), ok("a://x/y%3Fz"));
    assert_eq!(
        expand("a://{+b}", &[("b", "http://c/d?e=f#g%")]),
        ok("a://http://c/d?e=f%23g%25")
    );
    assert_eq!(expand("a://{+b}/c", &[("b", "x?y")]), ok("a://x%3Fy/c"));
    assert_eq!(
        expand("a://{b-c}?d=e{&f}", &[("b_c", "1"), ("f", "g&h")]),
        ok("a://1?d=e&f=g%26h")
    );
    assert_eq!(expand("a://{b-c}", &[("b-c", "1")]), ok("a://1"));
    assert_eq!(
        expand("a://x{?t}", &[("t", "a,b"), ("t", "c")]),
        ok("a://x?t=a%2Cb,c")
    );
    assert_eq!(
        expand("a://{b}", &[]),
        Err("the template's variable `b` needs a value".into())
    );
    assert_eq!(
        expand("a://{b}", &[("b", "")]),
        Err("the template's variable `b` cannot be empty".into())
    );
    assert_eq!(
        expand("a://{b}", &[("b", "1"), ("b", "2")]),
        Err("the template's variable `b` takes one value".into())
    );
    assert_eq!(
        expand("a://x?b={c}", &[]),
        Err("the template's variable `c` needs a value".into())
    );
    assert_eq!(
        expand("a://x", &[("c", "1")]),
        Err("the template has no variable `c`".into())
    );
}

#[test]
fn variables_can_be_made_by_hand() {
    let values: Variables = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
    assert_eq!(values.get("a").unwrap(), "1,3");
    assert_eq!(values.all("a"), ["1", "3"]);
    assert_eq!(values.get("b").unwrap(), "2");
    assert_eq!(values.get("c"), None);
    assert!(!values.is_empty() && Variables::default().is_empty());
}

#[test]
fn variables_tell_where_they_stand() {
    let template = UriTemplate::parse("a://{b}/{c-d*}?e={f}{&g,h*}").unwrap();
    let told: Vec<_> = template
        .variables()
        .iter()
        .map(|v| (v.name(), v.is_required(), v.is_list()))
        .collect();
    let expected = vec![
        ("b", true, false),
        ("c_d", true, false),
        ("f", true, false),
        ("g", false, false),
        ("h", false, true),
    ];
    assert_eq!(told, expected);
    assert_eq!(template.to_string(), template.as_str());
}

proptest! {
    #[test]
    fn expanding_and_matching_gives_the_values_back(
        user in ".+",
        path in ".+",
        // The first variable of a segment may hold the text between the two, the second may not.
        name in ".+",
        extension in "[^.]+",
        unit in proptest::option::of(".*"),
        list in proptest::collection::vec(".*", 0..4),
        tags in proptest::collection::vec(".*", 0..4),
    ) {
        for crossing in ["{+path}", "{path*}"] {
            let text = format!("t://{{user}}/{crossing}/v/{{name}}.{{extension}}?fixed=a%20b{{&unit,list,tags*}}");
            let mut template = UriTemplate::parse(&text).unwrap();
            for variable in ["user", "path", "name", "extension", "unit", "list", "tags"] {
                prop_assert!(template.exempt(variable));
            }
            let mut values = vec![("user", &user), ("path", &path), ("name", &name), ("extension", &extension)];
            values.extend(unit.iter().map(|value| ("unit", value)));
            values.extend(list.iter().map(|value| ("list", value)));
            values.extend(tags.iter().map(|value| ("tags", value)));
            let uri = template.expand(&values).unwrap();
            let expected: Variables = values.into_iter().map(|(name, value)| (name, value.as_str())).collect();
            prop_assert_eq!(template.matches(&uri), Some(expected));
        }
    }

    #[test]
    fn what_ends_in_a_reserved_variable_gives_it_back(value in ".+") {
        let mut template = UriTemplate::parse("t://{+value}").unwrap();
        template.exempt("value");
        let uri = template.expand(&[("value", &value)]).unwrap();
        let found = template.matches(&uri).unwrap();
        prop_assert_eq!(found.get("value").unwrap(), value);
    }

    #[test]
    fn no_text_is_too_odd_to_be_read(text in "(a://)?[a?&=,*+{}/.%0-]{0,24}", uri in "a://[a?&=,*+/.%0-]{0,24}") {
        if let Ok(template) = UriTemplate::parse(&text) {
            if let Some(found) = template.matches(&uri) {
                for (name, values) in found.iter() {
                    prop_assert!(!values.is_empty());
                    prop_assert!(template.variables().iter().any(|variable| variable.name() == name));
                }
            }
        }
    }

    #[test]
    fn nothing_found_leads_out(uri in "f://([a./%\\\\]|%2e|%2F|%5c|%25|%00){0,12}") {
        if let Some(found) = UriTemplate::parse("f://{path*}").unwrap().matches(&uri) {
            let path = found.get("path").unwrap();
            prop_assert!(!path.split('/').any(|segment| segment == ".."));
            prop_assert!(!path.starts_with('/') && !path.contains(['\\', '\0']));
        }
    }
}
