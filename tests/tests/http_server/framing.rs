//! Where requests begin and end, and what is refused before anybody looks into their bodies.

use std::{thread, time::Duration};

use serde_json::json;

use mcp_server_core::http::bounds::{HEAD_BYTES, HEADERS};
use mcp_tests::{bindings::Binding, http_serving};

use crate::{
    raw::Response,
    rig::{Rig, Setup, call, modern, post, post_head, rpc, text_of},
};

pub(crate) fn chunked_and_dribbling_requests_are_read(binding: Binding) {
    let rig = Rig::plain(binding);
    let (headers, body) = modern(
        1,
        "tools/call",
        json!({"name": "echo", "arguments": {"say": "a"}}),
    );
    let whole = post(&headers, &body);
    let head = post_head(&headers);
    for size in [1, 7, body.len()] {
        let chunks: String = body
            .as_bytes()
            .chunks(size)
            .map(|chunk| {
                format!(
                    "{:X};ext=1\r\n{}\r\n",
                    chunk.len(),
                    String::from_utf8_lossy(chunk)
                )
            })
            .collect();
        let request =
            format!("{head}transfer-encoding: Chunked\r\n\r\n{chunks}0\r\nTrailer: x\r\n\r\n");
        // A second request right behind it shows where the first one was taken to end.
        let mut client = rig.connect();
        client.send(format!("{request}{whole}"));
        for _ in 0..2 {
            let answer = client.response();
            assert_eq!(
                (answer.status, text_of(&answer.json())),
                (200, r#"{"say":"a"}"#),
                "{size}"
            );
        }
    }
    let mut client = rig.connect();
    for (at, byte) in whole.bytes().enumerate() {
        client.send([byte]);
        if at % 40 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(text_of(&client.response().json()), r#"{"say":"a"}"#);
}

pub(crate) fn pipelined_requests_are_answered_in_order(binding: Binding) {
    let rig = Rig::plain(binding);
    let mut client = rig.connect();
    let mut requests = call(1, "wait", json!({"ms": 60}));
    for id in 2..=40 {
        requests += &call(id, "echo", json!({"id": id}));
    }
    requests += "GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n";
    requests += &call(41, "long", json!({"bytes": 300_000}));
    client.send(requests);
    for id in 1..=40 {
        assert_eq!(client.response().json()["id"], id);
    }
    assert_eq!(client.response().status, 404);
    assert_eq!(text_of(&client.response().json()).len(), 300_000);
}

pub(crate) fn connections_go_on_or_end_as_asked(binding: Binding) {
    let rig = Rig::plain(binding);
    let (headers, body) = modern(1, "tools/call", json!({"name": "echo", "arguments": {}}));
    let request = |version: &str, connection: &str| {
        let request = post(&format!("{headers}{connection}"), &body);
        request.replace("HTTP/1.1", version)
    };
    for (version, connection, goes_on) in [
        ("HTTP/1.1", "", true),
        ("HTTP/1.1", "connection: keep-alive\r\n", true),
        ("HTTP/1.1", "Connection: Close\r\n", false),
        ("HTTP/1.0", "", false),
        ("HTTP/1.0", "connection: keep-alive\r\n", true),
    ] {
        let mut client = rig.connect();
        for round in 0..2 {
            let answer = client.ask(request(version, connection));
            assert_eq!(
                (answer.status, text_of(&answer.json())),
                (200, "{}"),
                "{version} {connection}"
            );
            let told = answer.get("connection") == Some("close");
            // Nobody expects a connection of HTTP/1.0 to go on.
            assert!(
                told != goes_on || version == "HTTP/1.0" && !told,
                "{answer:?}"
            );
            if !goes_on {
                assert!(client.is_ended(), "{version} {connection}");
                break;
            }
            // Also after a pause, in which the connection may have changed hands.
            thread::sleep(Duration::from_millis(60 * round));
        }
    }
}

pub(crate) fn one_connection_too_many_waits_for_another_to_end(binding: Binding) {
    let setup = Setup {
        http: http_serving::Setup::default().up_to(2),
        ..Setup::default()
    };
    let rig = Rig::start(binding, &setup);
    let echo = |id| call(id, "echo", json!({}));
    let (mut one, mut two) = (rig.connect(), rig.connect());
    for client in [&mut one, &mut two] {
        assert_eq!(client.ask(echo(1)).status, 200);
    }
    let mut three = rig.connect();
    three.send(echo(3));
    assert!(three.is_quiet(Duration::from_millis(300)), "{binding:?}");
    // Those that are in are served as before.
    for client in [&mut one, &mut two] {
        assert_eq!(client.ask(echo(2)).status, 200);
    }
    drop(one);
    assert_eq!(three.response().status, 200);
    assert_eq!(two.ask(echo(4)).status, 200);
}

pub(crate) fn a_client_may_wait_for_our_word(binding: Binding) {
    let rig = Rig::plain(binding);
    let (headers, body) = modern(1, "tools/call", json!({"name": "echo", "arguments": {}}));
    let head = |headers: &str| {
        format!(
            "{}expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            post_head(headers),
            body.len()
        )
    };
    let mut client = rig.connect();
    client.send(head(&headers));
    assert_eq!(client.head().status, 100);
    client.send(&body);
    assert_eq!(client.response().status, 200);
    // Who does not wait need not be told to go on.
    let mut answer = client.ask(format!("{}{body}", head(&headers)));
    if answer.status == 100 && !reads_heads_itself(binding) {
        answer = client.response();
    }
    assert_eq!(answer.status, 200);
    // A refusal comes in place of the word.
    client.send(head("origin: https://evil.example\r\n"));
    assert_eq!(client.response().status, 403);
    assert!(client.is_ended());
}

/// What no server may take for a request, and the statuses that fit.
fn malformed() -> Vec<(String, Vec<u16>)> {
    let long = "x".repeat(600_000);
    let many = "x: 1\r\n".repeat(2_000);
    vec![
        ("nonsense\r\n\r\n".to_owned(), vec![400]),
        ("\u{16}\u{3}\u{1}\r\n\r\n".to_owned(), vec![400]),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), vec![400]),
        (
            "GET / HTTP/1.1\r\nhost : localhost\r\n\r\n".to_owned(),
            vec![400],
        ),
        (
            format!(
                "{}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}x",
                post_head("")
            ),
            vec![400],
        ),
        (
            format!("{}content-length: two\r\n\r\n{{}}", post_head("")),
            vec![400],
        ),
        (
            format!("{}content-length: +2\r\n\r\n{{}}", post_head("")),
            vec![400],
        ),
        (
            format!(
                "{}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
                post_head("")
            ),
            vec![400],
        ),
        (
            format!("{}transfer-encoding: chunked\r\n\r\nx\r\n", post_head("")),
            vec![400],
        ),
        (
            format!(
                "{}transfer-encoding: chunked\r\n\r\n3\r\n{{}}x0\r\n\r\n",
                post_head("")
            ),
            vec![400],
        ),
        (
            format!("{}transfer-encoding: gzip\r\n\r\n", post_head("")),
            vec![400, 501],
        ),
        (
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            vec![400, 505],
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n"),
            vec![400, 431],
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n"),
            vec![400, 431],
        ),
    ]
}

pub(crate) fn malformed_requests_are_refused_and_cut_off(binding: Binding) {
    let rig = Rig::plain(binding);
    for (request, statuses) in malformed() {
        let mut client = rig.connect();
        // A request behind it must not be taken for one.
        client.try_send(&request);
        client.try_send(call(1, "wait", json!({"ms": 1})));
        let shown: String = request.chars().take(80).collect();
        println!("{shown}");
        // Whoever speaks HTTP/2 would not read an answer of HTTP/1.1.
        if shown.starts_with("PRI ") && !reads_heads_itself(binding) {
            assert!(client.is_ended());
            continue;
        }
        let refused = client.response();
        assert!(statuses.contains(&refused.status), "{shown}: {refused:?}");
        assert!(client.is_ended(), "{shown}");
    }
    assert_eq!(rig.counts.done.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(rig.ask(call(1, "echo", json!({}))).status, 200);
}

/// The head of a call, filled up to so many bytes, or with so many headers; and the call's body.
fn filled(bytes: Option<usize>, headers: usize) -> String {
    let call = call(1, "echo", json!({}));
    let (head, body) = call.split_once("\r\n\r\n").expect("a head and a body");
    let mut head = head.to_owned();
    for _ in head.lines().skip(1).count()..headers {
        head += "\r\nx: 1";
    }
    if let Some(bytes) = bytes {
        let rest = head.len() + "\r\nx-fill: \r\n\r\n".len();
        head += &format!("\r\nx-fill: {}", "x".repeat(bytes - rest));
    }
    format!("{head}\r\n\r\n{body}")
}

pub(crate) fn heads_have_a_limit(binding: Binding) {
    let rig = Rig::plain(binding);
    // Hyper reads ahead: it may have twice as much before it looks.
    let too_long = match reads_heads_itself(binding) {
        true => HEAD_BYTES + 1,
        false => 2 * HEAD_BYTES,
    };
    for (bytes, headers, status) in [
        (Some(HEAD_BYTES), 0, 200),
        (Some(too_long), 0, 431),
        (None, HEADERS, 200),
        (None, HEADERS + 1, 431),
    ] {
        let mut client = rig.connect();
        client.try_send(filled(bytes, headers));
        let answer = client.response();
        assert_eq!(answer.status, status, "{bytes:?} {headers}: {answer:?}");
        assert!(status == 200 || client.is_ended());
    }
}

pub(crate) fn bodies_that_are_too_long_are_refused(binding: Binding) {
    let mut setup = Setup::default();
    setup.limits.message_bytes = 10_000;
    let rig = Rig::start(binding, &setup);
    let (headers, body) = modern(
        1,
        "tools/call",
        json!({"name": "echo", "arguments": {"x": "x".repeat(20_000)}}),
    );
    // Said beforehand, and not even sent.
    let mut client = rig.connect();
    client.send(format!(
        "{}content-length: 20000\r\n\r\n",
        post_head(&headers)
    ));
    assert_eq!(client.response().status, 413);
    // Found out on the way.
    let mut client = rig.connect();
    let chunk = format!("{:x}\r\n{body}\r\n", body.len());
    client.try_send(format!(
        "{}transfer-encoding: chunked\r\n\r\n{chunk}",
        post_head(&headers)
    ));
    assert_eq!(client.response().status, 413);
    for _ in 0..100 {
        client.try_send(&chunk);
    }
    // The right length is let in.
    assert_eq!(
        rig.ask(call(1, "echo", json!({"x": "x".repeat(9_000)})))
            .status,
        200
    );
}

pub(crate) fn unread_bodies_do_not_become_requests(binding: Binding) {
    let rig = Rig::plain(binding);
    let inner = call(9, "wait", json!({"ms": 1}));
    let requests = [
        format!(
            "GET /nowhere HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{inner}",
            inner.len()
        ),
        format!(
            "DELETE /mcp HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{inner}\r\n0\r\n\r\n",
            inner.len()
        ),
        format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{inner}",
            inner.len()
        ),
    ];
    for request in requests {
        let mut client = rig.connect();
        let refused = client.ask(&request);
        assert!(refused.status >= 400, "{refused:?}");
        if refused.get("connection") == Some("close") {
            assert!(client.is_ended());
        } else {
            assert_eq!(
                text_of(&client.ask(call(2, "echo", json!({}))).json()),
                "{}"
            );
        }
    }
    assert_eq!(rig.counts.done.load(std::sync::atomic::Ordering::SeqCst), 0);
    // A POST without a body has none, and the next request is the next one.
    let mut client = rig.connect();
    client.send(format!(
        "{}\r\n{}",
        post_head(""),
        call(2, "echo", json!({}))
    ));
    assert_eq!(client.response().status, 400);
    assert_eq!(client.response().status, 200);
}

pub(crate) fn heads_that_lead_nowhere_are_refused(binding: Binding) {
    let rig = Rig::plain(binding);
    let (headers, body) = modern(1, "tools/list", json!({}));
    let with = |from: &str, to: &str| post(&headers, &body).replacen(from, to, 1);
    for (request, status) in [
        (with("application/json\r\n", "text/plain\r\n"), 415),
        (with("content-type: application/json\r\n", ""), 415),
        (
            with(
                "application/json\r\n",
                "application/json; charset=utf-8\r\n",
            ),
            200,
        ),
        (
            with("application/json, text/event-stream", "text/html"),
            406,
        ),
        (with("/mcp", "/mcp2"), 404),
        (with("POST", "PUT"), 405),
        (
            with("mcp-method: tools/list", "mcp-method: tools/call"),
            400,
        ),
        (
            with(
                "mcp-protocol-version: 2026-07-28",
                "mcp-protocol-version: 2025-11-25",
            ),
            400,
        ),
        (
            with("2026-07-28", "2026-07-29").replace("2026-07-28", "2026-07-29"),
            400,
        ),
        (
            with("tools/list", "tools/lost").replace("tools/list", "tools/lost"),
            404,
        ),
        (
            "GET / HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n\r\n".into(),
            200,
        ),
        (
            "HEAD / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".into(),
            200,
        ),
    ] {
        let mut client = rig.connect();
        client.send(&request);
        let head = client.head();
        assert_eq!(head.status, status, "{request}");
        if request.starts_with("HEAD") {
            assert_eq!(client.rest(), b"");
        }
    }
}

pub(crate) fn duplicate_headers_are_refused(binding: Binding) {
    let rig = Rig::plain(binding);
    let session = rig.open("");
    let (headers, body) = modern(1, "tools/call", json!({"name": "echo", "arguments": {}}));
    let code = |answer: &Response| answer.json()["error"]["code"].as_i64();
    for more in [
        "mcp-method: tools/call\r\n",
        "Mcp-Name: echo\r\n",
        "MCP-Protocol-Version: 2026-07-28\r\n",
    ] {
        let answer = rig.ask(post(&format!("{headers}{more}"), &body));
        assert_eq!(
            (answer.status, code(&answer)),
            (400, Some(-32020)),
            "{more}"
        );
    }
    let twice = format!("mcp-session-id: {session}\r\nmcp-session-id: {session}\r\n");
    let answer = rig.ask(post(&twice, &rpc(Some(1), "ping", json!({}))));
    assert_eq!(answer.status, 400);
}

pub(crate) fn other_names_and_pages_are_kept_out(binding: Binding) {
    let rig = Rig::plain(binding);
    let request = call(1, "echo", json!({}));
    for (host, origin, status) in [
        ("localhost:1", "", 200),
        ("127.0.0.1", "origin: http://localhost:3000\r\n", 200),
        ("[::1]:80", "", 200),
        ("evil.example", "", 403),
        ("localhost.evil.example", "", 403),
        ("localhost", "origin: http://evil.example\r\n", 403),
        ("localhost", "origin: null\r\n", 403),
    ] {
        let request = request.replacen(
            "host: localhost\r\n",
            &format!("host: {host}\r\n{origin}"),
            1,
        );
        assert_eq!(rig.ask(request).status, status, "{host} {origin}");
    }
}

/// Whether the framing is the binding's own, and so as strict as can be. Where it is not, hyper may
/// do what RFC 9112 leaves to it.
fn reads_heads_itself(binding: Binding) -> bool {
    binding == Binding::Blocking
}
