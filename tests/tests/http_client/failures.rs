//! What fails, fails alone, promptly, and says why.

use mcp_client_core::EraMode;
use mcp_proto::limits::Limits;
use mcp_tests::clients::Kind;
use serde_json::json;

use crate::{
    HANDSHAKE, builder, call, connect, endpoint,
    script::{Conn, Request, Script, opening, said},
};

/// Every kind of client, in both eras.
fn everybody() -> impl Iterator<Item = (Kind, EraMode)> {
    Kind::ALL
        .into_iter()
        .flat_map(|kind| [(kind, HANDSHAKE), (kind, EraMode::Auto)])
}

#[test]
fn an_error_keeps_its_status_and_the_beginning_of_its_body() {
    let script = Script::start(|request, conn| {
        opening(request, conn).unwrap_or_else(|| {
            match request.tool() {
                "teapot" => conn.reply("418 I'm a teapot", "content-type: text/plain\r\n", "short and stout"),
                "long" => conn.reply("500 Oops", "content-type: text/html\r\n", &"<p>".repeat(5_000)),
                "html" => conn.reply("200 OK", "content-type: text/html\r\n", "<h1>hello</h1>"),
                "cut" => {
                    conn.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{");
                    return false;
                }
                "silent" => return false,
                "garbage" => {
                    conn.send("220 smtp.example.com ESMTP\r\n\r\n");
                    return false;
                }
                _ => conn.result(request, &said("fine")),
            }
            true
        })
    });
    for (kind, era) in everybody() {
        let client = connect(kind, era, &script.url());
        for (tool, parts) in [
            ("teapot", &["HTTP 418", "short and stout"][..]),
            ("long", &["HTTP 500", "<p><p>"]),
            ("html", &["HTTP 200", "<h1>hello</h1>"]),
            ("cut", &["HTTP 200"]),
            ("silent", &["HTTP: "]),
            ("garbage", &["HTTP: "]),
        ] {
            let error = call(&*client, tool).expect_err(tool);
            assert!(error.len() < 2_000, "{kind:?} {tool}: {}", error.len());
            for part in parts {
                assert!(error.contains(part), "{kind:?} {era:?} {tool}: {error}");
            }
            let fine = call(&*client, "fine");
            assert!(fine.is_ok(), "{kind:?} {era:?} after {tool}: {fine:?}");
        }
    }
}

#[test]
fn who_does_not_answer_is_named_when_connecting() {
    for kind in Kind::ALL {
        let script = Script::start(|_, conn| {
            conn.reply(
                "503 Busy",
                "content-type: text/plain\r\n",
                "come back later",
            );
            true
        });
        let error = kind
            .http(builder(EraMode::Auto), endpoint(&script.url()))
            .err()
            .expect("nobody is there");
        let parts = ["503", "come back later"];
        assert!(
            parts.iter().all(|part| error.contains(part)),
            "{kind:?}: {error}"
        );
        let url = script.url();
        drop(script);
        let error = kind
            .http(builder(EraMode::Auto), endpoint(&url))
            .err()
            .expect("nobody listens");
        assert!(error.contains("no connection"), "{kind:?}: {error}");
    }
}

#[test]
fn what_is_too_long_is_not_read() {
    // Heads are bounded by whole buffers of the HTTP stacks, which hold some of the body as well:
    // with all of it at the limit, and the head alone at twice the limit.
    const HEAD: usize = 64 * 1024;
    const MESSAGE: usize = 256 * 1024;
    let pad = |request: &Request, conn: &mut Conn| {
        let size = request.body["params"]["arguments"]["size"].as_u64();
        let size = usize::try_from(size.unwrap_or_default()).unwrap_or_default();
        match request.tool() {
            "head" => {
                let body =
                    json!({"jsonrpc": "2.0", "id": request.body["id"], "result": said("fine")});
                let body = body.to_string();
                let headers =
                    |pad: &str| format!("content-type: application/json\r\nx-pad: {pad}\r\n");
                let around = "HTTP/1.1 200 OK\r\ncontent-length: 000\r\n\r\n";
                let rest = around.len() + headers("").len() + body.len();
                conn.reply("200 OK", &headers(&"h".repeat(size - rest)), &body);
            }
            "body" => {
                let empty = json!({"jsonrpc": "2.0", "id": request.body["id"], "result": said("")});
                let text = "b".repeat(size - empty.to_string().len());
                conn.result(request, &said(&text));
            }
            "event" => {
                conn.events();
                let empty = json!({"jsonrpc": "2.0", "id": request.body["id"], "result": said("")});
                let text = "e".repeat(size - empty.to_string().len());
                conn.event(
                    &json!({"jsonrpc": "2.0", "id": request.body["id"], "result": said(&text)}),
                );
                return false;
            }
            _ => conn.result(request, &said("fine")),
        }
        true
    };
    let script = Script::start(move |request, conn| {
        opening(request, conn).unwrap_or_else(|| pad(request, conn))
    });
    for kind in Kind::ALL {
        let mut limits = Limits::default();
        (limits.message_bytes, limits.event_bytes) = (MESSAGE, MESSAGE);
        limits.response_head_bytes = HEAD;
        let client = kind
            .http(
                builder(EraMode::Auto).limits(limits),
                endpoint(&script.url()),
            )
            .unwrap();
        for (tool, size, fits) in [
            ("head", HEAD, true),
            ("head", HEAD * 2 + 128, false),
            ("body", MESSAGE, true),
            ("body", MESSAGE + 1, false),
            // The names of its fields count as well.
            ("event", MESSAGE - 64, true),
            ("event", MESSAGE + 1, false),
        ] {
            let result = client.call(
                tool,
                &json!({"size": size}),
                mcp_client_core::Options::default(),
            );
            assert_eq!(
                result.is_ok(),
                fits,
                "{kind:?} {tool} {size}: {:.200?}",
                result.err()
            );
        }
    }
}
