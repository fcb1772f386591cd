//! Redirects, proxies and what is sent along.

use std::sync::Arc;

use mcp_client_core::{
    EraMode,
    http::{Endpoint, ProxyChoice},
};
use mcp_tests::clients::Kind;

use crate::{
    HANDSHAKE, builder, call, endpoint,
    script::{Conn, Request, Script, opening, said},
};

fn fine(request: &Request, conn: &mut Conn) -> bool {
    opening(request, conn).unwrap_or_else(|| {
        conn.result(request, &said("fine"));
        true
    })
}

#[test]
fn every_request_says_who_asks_and_by_what_right() {
    for kind in Kind::ALL {
        for era in [HANDSHAKE, EraMode::Auto] {
            let script = Script::start(fine);
            let endpoint = endpoint(&script.url())
                .bearer("t0ken")
                .and_then(|endpoint| endpoint.header("x-tenant", "7"))
                .unwrap();
            let client = kind.http(builder(era), endpoint).unwrap();
            call(&*client, "x").unwrap();
            client.close();
            for request in script.seen() {
                assert_eq!(request.header("authorization"), "Bearer t0ken", "{kind:?}");
                assert_eq!(request.header("x-tenant"), "7");
                assert_eq!(request.header("user-agent"), "tests/1.0.0");
                assert_eq!(
                    request.header("host"),
                    format!("127.0.0.1:{}", script.port())
                );
                assert!(
                    !request.headers.contains_key("accept-encoding"),
                    "{request:?}"
                );
                assert!(
                    !request.headers.contains_key("transfer-encoding"),
                    "{request:?}"
                );
            }
        }
    }
}

#[test]
fn a_redirect_is_followed_within_the_origin_and_nowhere_else() {
    for kind in Kind::ALL {
        let stranger = Arc::new(Script::start(fine));
        let elsewhere = format!("location: {}\r\n", stranger.url());
        let script =
            Script::start(
                move |request, conn| match (request.target.as_str(), request.tool()) {
                    ("/mcp", "away") => {
                        conn.reply("307 Temporary Redirect", &elsewhere, "");
                        true
                    }
                    ("/mcp", _) => {
                        conn.reply("308 Permanent Redirect", "location: /moved\r\n", "");
                        true
                    }
                    (_, "away") => {
                        conn.reply("307 Temporary Redirect", &elsewhere, "");
                        true
                    }
                    _ => fine(request, conn),
                },
            );
        let endpoint = endpoint(&script.url()).bearer("t0ken").unwrap();
        let client = kind.http(builder(EraMode::Auto), endpoint).unwrap();
        assert!(call(&*client, "here").is_ok(), "{kind:?}");
        let targets: Vec<_> = script
            .seen()
            .into_iter()
            .map(|request| request.target)
            .collect();
        // Once it is told, it goes there at once.
        assert_eq!(targets, ["/mcp", "/moved", "/moved"], "{kind:?}");
        let error = call(&*client, "away").unwrap_err();
        assert!(error.contains("another origin"), "{kind:?}: {error}");
        assert_eq!(stranger.connections(), 0, "{kind:?}: strangers get nothing");
    }
}

#[test]
fn a_proxy_is_gone_by_and_told_who_asks() {
    for kind in Kind::ALL {
        // It is the server as well, whether it is tunnelled through or reads the requests.
        let proxy = Script::start(|request, conn| {
            if request.method == "CONNECT" {
                conn.send("HTTP/1.1 200 Connection established\r\n\r\n");
                return true;
            }
            fine(request, conn)
        });
        let by = format!("http://ann:secret@127.0.0.1:{}", proxy.port());
        // A name that only the proxy knows.
        let endpoint = endpoint("http://no-such-host.example/mcp").proxy(ProxyChoice::At(by));
        let client = kind.http(builder(EraMode::Auto), endpoint).unwrap();
        assert!(call(&*client, "x").is_ok(), "{kind:?}");
        let mut tunnelled = false;
        for request in proxy.seen() {
            let right = request.header("proxy-authorization");
            if request.method == "CONNECT" {
                tunnelled = true;
                assert_eq!(request.target, "no-such-host.example:80", "{kind:?}");
                assert_eq!(right, "Basic YW5uOnNlY3JldA==", "{kind:?}");
            } else if tunnelled {
                assert_eq!((&*request.target, right), ("/mcp", ""), "{kind:?}");
            } else {
                assert_eq!(
                    request.target, "http://no-such-host.example/mcp",
                    "{kind:?}"
                );
                assert_eq!(right, "Basic YW5uOnNlY3JldA==", "{kind:?}");
            }
            assert!(
                request.header("host").starts_with("no-such-host.example"),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn a_token_is_not_sent_unencrypted_to_other_machines() {
    for kind in Kind::ALL {
        let endpoint = Endpoint::new("http://192.0.2.1/mcp")
            .unwrap()
            .bearer("t0ken")
            .unwrap();
        let error = kind
            .http(builder(EraMode::Auto), endpoint)
            .err()
            .expect("refused");
        assert!(
            error.contains("unencrypted") && !error.contains("t0ken"),
            "{error}"
        );
    }
}
