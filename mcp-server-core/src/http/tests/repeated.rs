//! Headers that repeat the body, in every spelling (2026-07-28, "Standard Headers" and "Custom
//! Headers").

use super::{modern::params, *};

const V: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
const CALL: (&str, &str) = ("mcp-method", "tools/call");
const ANSWER: &str = r#""name":"answer""#;
const FINE: &str = "200 result id 7";
const MISMATCH: &str = "400 -32020 id 7";

fn name(value: &str) -> (&str, &str) {
    ("mcp-name", value)
}

/// A method, its parameters, the headers that repeat them, and the answer's outline.
type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);

fn check(table: &[Row<'_>]) {
    let mut rig = rig();
    for (method, rest, more, expected) in table {
        let headers: Vec<_> = BASE.into_iter().chain(more.iter().copied()).collect();
        let body = request("7", method, &params("2026-07-28", rest));
        let open = rig.send("POST /mcp", &headers, &body);
        assert_eq!(open.outline(), *expected, "{method} {rest} {more:?}");
    }
}

#[test]
fn a_request_that_is_not_repeated_word_for_word_is_refused() {
    check(&[
        ("tools/list", "", &[V, ("mcp-method", "tools/list")], FINE),
        ("tools/list", "", &[], MISMATCH),
        ("tools/list", "", &[V], MISMATCH),
        ("tools/list", "", &[("mcp-method", "tools/list")], MISMATCH),
        (
            "tools/list",
            "",
            &[V, V, ("mcp-method", "tools/list")],
            MISMATCH,
        ),
        ("tools/list", "", &[V, ("mcp-method", "tools/list ")], FINE),
        ("tools/list", "", &[V, ("mcp-method", "")], MISMATCH),
        (
            "tools/list",
            "",
            &[V, ("mcp-method", "tools/l\u{ef}st")],
            MISMATCH,
        ),
        (
            "tools/list",
            "",
            &[V, ("mcp-method", "tools/list, tools/list")],
            MISMATCH,
        ),
        // Only names and arguments may be base64.
        (
            "tools/list",
            "",
            &[V, ("mcp-method", "=?base64?dG9vbHMvbGlzdA==?=")],
            MISMATCH,
        ),
        (
            "tools/list",
            "",
            &[
                ("mcp-protocol-version", "=?base64?MjAyNi0wNy0yOA==?="),
                ("mcp-method", "tools/list"),
            ],
            MISMATCH,
        ),
        // A name where none is wanted is nobody's business.
        (
            "tools/list",
            "",
            &[V, ("mcp-method", "tools/list"), name("x")],
            FINE,
        ),
    ]);
}

#[test]
fn a_name_may_be_plain_or_base64_and_nothing_else() {
    const READ: (&str, &str) = ("mcp-method", "resources/read");
    const PROMPT: (&str, &str) = ("mcp-method", "prompts/get");
    let (uri, prompt) = (r#""uri":"test://a""#, r#""name":"explain""#);
    check(&[
        ("tools/call", ANSWER, &[V, CALL, name("answer")], FINE),
        ("tools/call", ANSWER, &[V, CALL, name("\tanswer ")], FINE),
        (
            "tools/call",
            ANSWER,
            &[V, CALL, name("=?base64?YW5zd2Vy?=")],
            FINE,
        ),
        (
            "tools/call",
            ANSWER,
            &[V, CALL, name(" =?base64?YW5zd2Vy?= ")],
            FINE,
        ),
        ("tools/call", ANSWER, &[V, CALL], MISMATCH),
        ("tools/call", ANSWER, &[V, CALL, name("")], MISMATCH),
        ("tools/call", ANSWER, &[V, CALL, name("Answer")], MISMATCH),
        (
            "tools/call",
            ANSWER,
            &[V, CALL, name("\"answer\"")],
            MISMATCH,
        ),
        (
            "tools/call",
            ANSWER,
            &[V, CALL, name("answer"), name("answer")],
            MISMATCH,
        ),
        (
            "tools/call",
            ANSWER,
            &[V, CALL, name("\u{e4}nswer")],
            MISMATCH,
        ),
        // Another name in base64, and base64 that is none, or not marked as such.
        (
            "tools/call",
            ANSWER,
            &[V, CALL, name("=?base64?bm90ZQ==?=")],
            MISMATCH,
        ),
        (
            "tools/call",
            ANSWER,
            &[V, CALL, name("=?base64?YW5zd2V?=")],
            MISMATCH,
        ),
        (
            "tools/call",
            ANSWER,
            &[V, CALL, name("=?base64?YW5z d2Vy?=")],
            MISMATCH,
        ),
        (
            "tools/call",
            ANSWER,
            &[V, CALL, name("=?base64??=")],
            MISMATCH,
        ),
        (
            "tools/call",
            ANSWER,
            &[V, CALL, name("=?base64?/w==?=")],
            MISMATCH,
        ),
        (
            "tools/call",
            ANSWER,
            &[V, CALL, name("=?base64?YW5zd2Vy")],
            MISMATCH,
        ),
        ("tools/call", ANSWER, &[V, CALL, name("YW5zd2Vy")], MISMATCH),
        ("resources/read", uri, &[V, READ, name("test://a")], FINE),
        (
            "resources/read",
            uri,
            &[V, READ, name("=?base64?dGVzdDovL2E=?=")],
            FINE,
        ),
        (
            "resources/read",
            uri,
            &[V, READ, name("test%3A//a")],
            MISMATCH,
        ),
        (
            "resources/read",
            uri,
            &[V, READ, name("TEST://a")],
            MISMATCH,
        ),
        ("prompts/get", prompt, &[V, PROMPT], MISMATCH),
        ("prompts/get", prompt, &[V, PROMPT, name("other")], MISMATCH),
        (
            "prompts/get",
            prompt,
            &[V, PROMPT, name("=?base64?ZXhwbGFpbg==?=")],
            FINE,
        ),
    ]);
}

#[test]
fn an_argument_may_be_plain_or_base64_and_nothing_else() {
    const NAME: (&str, &str) = ("mcp-name", "routed");
    let region = |value: &'static str| ("mcp-param-region", value);
    let with = |value: &str| format!(r#""name":"routed","arguments":{{"region":{value}}}"#);
    let (eu, accent, empty) = (with("\"eu\""), with("\"\u{e9}\""), with("\"\""));
    let (null, twice) = (with("null"), with(r#""eu","region":"us""#));
    check(&[
        ("tools/call", &eu, &[V, CALL, NAME, region("eu")], FINE),
        (
            "tools/call",
            &eu,
            &[V, CALL, NAME, ("Mcp-Param-REGION", " eu\t")],
            FINE,
        ),
        (
            "tools/call",
            &eu,
            &[V, CALL, NAME, region("=?base64?ZXU=?=")],
            FINE,
        ),
        (
            "tools/call",
            &accent,
            &[V, CALL, NAME, region("=?base64?w6k=?=")],
            FINE,
        ),
        ("tools/call", &empty, &[V, CALL, NAME, region("")], FINE),
        // Without a value nothing is expected, and nothing is compared.
        ("tools/call", &null, &[V, CALL, NAME], FINE),
        ("tools/call", &null, &[V, CALL, NAME, region("eu")], FINE),
        ("tools/call", &eu, &[V, CALL, NAME], MISMATCH),
        ("tools/call", &empty, &[V, CALL, NAME], MISMATCH),
        ("tools/call", &eu, &[V, CALL, NAME, region("EU")], MISMATCH),
        (
            "tools/call",
            &eu,
            &[V, CALL, NAME, region("eu"), region("eu")],
            MISMATCH,
        ),
        (
            "tools/call",
            &eu,
            &[V, CALL, NAME, region("=?base64?dXM=?=")],
            MISMATCH,
        ),
        (
            "tools/call",
            &eu,
            &[V, CALL, NAME, region("=?base64?ZXU?=")],
            MISMATCH,
        ),
        (
            "tools/call",
            &eu,
            &[V, CALL, NAME, region("ZXU=")],
            MISMATCH,
        ),
        (
            "tools/call",
            &accent,
            &[V, CALL, NAME, region("\u{e9}")],
            MISMATCH,
        ),
        (
            "tools/call",
            &twice,
            &[V, CALL, NAME, region("eu")],
            MISMATCH,
        ),
        (
            "tools/call",
            &twice,
            &[V, CALL, NAME, region("us")],
            MISMATCH,
        ),
    ]);
}
