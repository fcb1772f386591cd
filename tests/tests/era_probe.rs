//! Which revision a client speaks with which server, over a pipe: the specification's matrix row by
//! row, and the answers that real servers give to a request they do not know.

use std::time::Duration;

use mcp_client_core::{CallOptions, Client, Closed, Config, EraMode, Event};
use mcp_proto::{
    request::ListTools,
    time::Instant,
    types::{Implementation, PaginatedParams},
    version::ProtocolVersion::{self, *},
};

/// What a server does with a request.
enum Reaction {
    /// Answers with this: the response without `jsonrpc` and `id`.
    Says(&'static str),
    /// Writes this line, whatever it is.
    Writes(&'static str),
    /// Nothing.
    Silent,
    /// Ends its output.
    HangsUp,
}
use Reaction::{HangsUp, Says, Silent, Writes};

#[derive(Debug, PartialEq)]
enum Outcome {
    Speaks(ProtocolVersion),
    Fails(Closed),
}
use Outcome::{Fails, Speaks};

struct Row {
    what: &'static str,
    mode: EraMode,
    discover: Reaction,
    initialize: Reaction,
    outcome: Outcome,
    /// The methods that the server has seen, in order; the user has made one call at the start.
    seen: &'static [&'static str],
}

const STATELESS: &[&str] = &["server/discover", "tools/list"];
const FALLEN_BACK: &[&str] = &[
    "server/discover",
    "initialize",
    "notifications/initialized",
    "tools/list",
];
const HANDSHAKE: &[&str] = &["initialize", "notifications/initialized", "tools/list"];
const REFUSED: &[&str] = &["server/discover", "initialize"];

const DISCOVERED: &str = r#""result":{"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}"#;
const INITIALIZED: &str = r#""result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#;
const NOT_FOUND: &str = r#""error":{"code":-32601,"message":"Method not found"}"#;

fn fallback(what: &'static str, discover: Reaction) -> Row {
    Row {
        what,
        mode: EraMode::Auto,
        discover,
        initialize: Says(INITIALIZED),
        outcome: Speaks(V2025_11_25),
        seen: FALLEN_BACK,
    }
}

fn rows() -> Vec<Row> {
    let auto = |what, discover, initialize, outcome, seen| Row {
        what,
        mode: EraMode::Auto,
        discover,
        initialize,
        outcome,
        seen,
    };
    let mut rows = vec![
        auto(
            "a server of 2026-07-28",
            Says(DISCOVERED),
            Says(NOT_FOUND),
            Speaks(V2026_07_28),
            STATELESS,
        ),
        auto(
            "one that says so with a modern error",
            Says(
                r#""error":{"code":-32021,"message":"","data":{"requiredCapabilities":{"sampling":{}}}}"#,
            ),
            Says(NOT_FOUND),
            Speaks(V2026_07_28),
            STATELESS,
        ),
        auto(
            "one of the handshake era that knows the probe",
            Says(r#""result":{"supportedVersions":["2025-06-18","2025-03-26"],"capabilities":{}}"#),
            Says(
                r#""result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#,
            ),
            Speaks(V2025_06_18),
            FALLEN_BACK,
        ),
        auto(
            "-32022 with a revision in common",
            Says(
                r#""error":{"code":-32022,"message":"","data":{"supported":["2024-11-05","2025-03-26"],"requested":"2026-07-28"}}"#,
            ),
            Says(
                r#""result":{"protocolVersion":"2025-03-26","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#,
            ),
            Speaks(V2025_03_26),
            FALLEN_BACK,
        ),
        auto(
            "-32022 with revisions of the future, and a handshake all the same",
            Says(
                r#""error":{"code":-32022,"message":"","data":{"supported":["2031-01-01"],"requested":"2026-07-28"}}"#,
            ),
            Says(INITIALIZED),
            Speaks(V2025_11_25),
            FALLEN_BACK,
        ),
        auto(
            "revisions of the future only",
            Says(
                r#""error":{"code":-32022,"message":"","data":{"supported":["2031-01-01"],"requested":"2026-07-28"}}"#,
            ),
            Says(NOT_FOUND),
            Fails(Closed::NotAgreed),
            REFUSED,
        ),
        auto(
            "one that hangs up on what it does not know",
            HangsUp,
            Silent,
            Fails(Closed::Probe),
            &["server/discover"],
        ),
        auto(
            "one that hangs up on everybody",
            Silent,
            HangsUp,
            Fails(Closed::Eof),
            REFUSED,
        ),
        auto(
            "one that answers nothing",
            Silent,
            Silent,
            Fails(Closed::NotAgreed),
            REFUSED,
        ),
        auto(
            "one that settles for an older revision",
            Says(NOT_FOUND),
            Says(
                r#""result":{"protocolVersion":"2024-11-05","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#,
            ),
            Speaks(V2024_11_05),
            FALLEN_BACK,
        ),
        auto(
            "one that settles for what nobody knows",
            Says(NOT_FOUND),
            Says(
                r#""result":{"protocolVersion":"1.0","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#,
            ),
            Fails(Closed::NotAgreed),
            REFUSED,
        ),
    ];
    rows.extend([
        // Seen of real servers.
        fallback("TypeScript: method not found", Says(NOT_FOUND)),
        fallback("Python: invalid request parameters", Says(r#""error":{"code":-32602,"message":"Invalid request parameters","data":""}"#)),
        fallback("strict about the order", Says(r#""error":{"code":-32600,"message":"Server not initialized"}"#)),
        fallback("a code of its own", Says(r#""error":{"code":-32004,"message":"unsupported"}"#)),
        fallback("not even a code of JSON-RPC", Says(r#""error":{"code":404,"message":"not found"}"#)),
        fallback("an error without an id", Writes(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"not initialized"}}"#)),
        fallback("silence", Silent),
        fallback("noise", Writes("Starting server on stdio...")),
        fallback("an empty result", Says(r#""result":{}"#)),
        fallback("a result of something else", Says(r#""result":{"tools":[]}"#)),
        fallback("a result of an unknown kind", Says(r#""result":{"resultType":"later","supportedVersions":["2026-07-28"]}"#)),
        fallback("an unreadable error", Says(r#""error":"unknown method""#)),
        fallback("a result and an error", Says(r#""result":null,"error":{"code":-32601,"message":""}"#)),
        fallback("-32022 without data", Says(r#""error":{"code":-32022,"message":""}"#)),
    ]);
    let mode = |what, mode, discover, initialize, outcome, seen| Row {
        what,
        mode,
        discover,
        initialize,
        outcome,
        seen,
    };
    rows.extend([
        mode(
            "the handshake forced",
            EraMode::Handshake(V2025_11_25),
            Says(DISCOVERED),
            Says(INITIALIZED),
            Speaks(V2025_11_25),
            HANDSHAKE,
        ),
        mode(
            "the handshake forced, in vain",
            EraMode::Handshake(V2025_11_25),
            Says(DISCOVERED),
            Says(NOT_FOUND),
            Fails(Closed::NotAgreed),
            &["initialize"],
        ),
        mode(
            "2026-07-28 forced",
            EraMode::Stateless,
            Says(DISCOVERED),
            Says(INITIALIZED),
            Speaks(V2026_07_28),
            STATELESS,
        ),
        mode(
            "2026-07-28 forced, in vain",
            EraMode::Stateless,
            Says(NOT_FOUND),
            Says(INITIALIZED),
            Fails(Closed::NotAgreed),
            &["server/discover"],
        ),
        mode(
            "known from before",
            EraMode::Cached(V2025_03_26),
            Says(NOT_FOUND),
            Says(INITIALIZED),
            Speaks(V2025_11_25),
            HANDSHAKE,
        ),
        mode(
            "known from before, and changed meanwhile",
            EraMode::Cached(V2025_11_25),
            Says(DISCOVERED),
            Says(NOT_FOUND),
            Speaks(V2026_07_28),
            &["initialize", "server/discover", "tools/list"],
        ),
        mode(
            "known from before, and changed back",
            EraMode::Cached(V2026_07_28),
            Says(NOT_FOUND),
            Says(INITIALIZED),
            Speaks(V2025_11_25),
            FALLEN_BACK,
        ),
    ]);
    rows
}

#[test]
fn the_matrix_row_by_row() {
    for row in rows() {
        let (outcome, seen) = play(&row);
        assert_eq!(outcome, row.outcome, "{}", row.what);
        assert_eq!(seen, row.seen, "{}", row.what);
    }
}

/// Plays the server until the era is settled, in virtual time.
fn play(row: &Row) -> (Outcome, Vec<String>) {
    let mut now = Instant::ZERO;
    let mut config = Config::new(Implementation::new("c", "1"));
    config.era = row.mode;
    let mut client = Client::new(config, now);
    let call = client
        .call::<ListTools>(&PaginatedParams::default(), &CallOptions::default(), now)
        .unwrap();
    let (mut outcome, mut seen) = (None, Vec::new());
    loop {
        while let Some(event) = client.poll_event() {
            match event {
                Event::Ready => outcome = client.server().map(|server| Speaks(server.version)),
                Event::Closed(how) => outcome = Some(Fails(how)),
                _ => {}
            }
        }
        let mut out = Vec::new();
        if !client.poll_transmit(&mut out) {
            if outcome.is_some() {
                break;
            }
            // Nothing is said: whatever the client waits for does not come.
            now = client
                .poll_timeout()
                .expect("the client waits for something");
            client.handle_timeout(now);
            continue;
        }
        let message: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let method = message["method"].as_str().unwrap().to_owned();
        let reaction = match method.as_str() {
            "server/discover" => &row.discover,
            "initialize" => &row.initialize,
            _ => &Silent,
        };
        match reaction {
            Says(what) => {
                let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},{what}}}\n", message["id"]);
                client.handle_bytes(line.as_bytes(), now);
            }
            Writes(line) => client.handle_bytes(format!("{line}\n").as_bytes(), now),
            Silent => {}
            HangsUp => client.handle_eof(now),
        }
        seen.push(method);
    }
    // Whatever has happened, the user's call is not left hanging.
    let ended = client.take(call).is_ok();
    assert_eq!(ended, matches!(outcome, Some(Fails(_))), "{}", row.what);
    (outcome.unwrap(), seen)
}

#[test]
fn a_silent_server_is_given_five_seconds() {
    let mut client = Client::new(Config::new(Implementation::new("c", "1")), Instant::ZERO);
    let mut out = Vec::new();
    while client.poll_transmit(&mut out) {}
    assert_eq!(
        client.poll_timeout(),
        Some(Instant::ZERO.saturating_add(Duration::from_secs(5)))
    );
}

#[test]
fn the_probe_is_neither_cancelled_nor_is_its_late_answer_taken_for_another() {
    let mut now = Instant::ZERO;
    let mut client = Client::new(Config::new(Implementation::new("c", "1")), now);
    let mut out = Vec::new();
    while client.poll_transmit(&mut out) {}
    now = now.saturating_add(Duration::from_secs(5));
    client.handle_timeout(now);
    assert!(client.poll_event().is_none());
    out.clear();
    while client.poll_transmit(&mut out) {}
    let sent = String::from_utf8(out).unwrap();
    assert!(
        sent.starts_with(r#"{"jsonrpc":"2.0","id":2,"method":"initialize""#)
            && sent.lines().count() == 1,
        "{sent}"
    );
    client.handle_bytes(
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,{DISCOVERED}}}\n").as_bytes(),
        now,
    );
    assert!(client.poll_event().is_none());
    client.handle_bytes(
        format!("{{\"jsonrpc\":\"2.0\",\"id\":2,{INITIALIZED}}}\n").as_bytes(),
        now,
    );
    assert!(matches!(client.poll_event(), Some(Event::Ready)));
    assert_eq!(client.server().unwrap().version, V2025_11_25);
}

#[test]
fn a_slow_server_that_takes_the_probe_for_its_choice_of_era_is_followed() {
    let mut client = Client::new(Config::new(Implementation::new("c", "1")), Instant::ZERO);
    let now = Instant::ZERO.saturating_add(Duration::from_secs(7));
    client.handle_timeout(now);
    assert!(client.poll_event().is_none());
    client.handle_bytes(
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,{DISCOVERED}}}\n").as_bytes(),
        now,
    );
    client.handle_bytes(
        format!("{{\"jsonrpc\":\"2.0\",\"id\":2,{NOT_FOUND}}}\n").as_bytes(),
        now,
    );
    assert!(matches!(client.poll_event(), Some(Event::Ready)));
    assert_eq!(client.server().unwrap().version, V2026_07_28);
}
