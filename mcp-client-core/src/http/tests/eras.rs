//! Which revision is found, for everything that servers are known to answer.

use super::*;

/// What the server at the other end answers to each request, until the client is ready or gives up.
struct Server {
    discover: (u16, &'static str),
    initialize: (u16, &'static str),
    get: (u16, &'static str),
}

const OLD: (u16, &str) = (200, "initialized");
const MODERN: (u16, &str) = (200, "discovered");

// Answers everything, and says what was asked and what came of it.
fn play(era: EraMode, server: &Server) -> (Vec<String>, String) {
    let mut script = Script::new(era, |_, _| {});
    let (mut asked, mut ended) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        ended.extend(script.events());
        if ended
            .iter()
            .any(|event| event == "ready" || event.starts_with("closed"))
        {
            break;
        }
        let fetches = script.fetches();
        for fetch in fetches.iter().filter(|fetch| !fetch.ends_with("abort")) {
            let mut words = fetch.split(' ');
            let number: u64 = words.next().unwrap().parse().unwrap();
            let what: Vec<&str> = words.collect();
            asked.push(what[..what.len().min(2)].join(" "));
            let (status, body) = match what[..] {
                [_, "server/discover", _] => server.discover,
                [_, "initialize", _] => server.initialize,
                _ => server.get,
            };
            let id = what.get(2).map_or(0, |id| id.parse().unwrap());
            answer(&mut script, number, id, status, body);
        }
        // Accidents are tried again.
        script.pass(secs(8));
    }
    let end = match script.client.server() {
        Some(server) => server.version.to_string(),
        None => script
            .client
            .failure()
            .map_or_else(|| "open".into(), ToString::to_string),
    };
    (asked, end)
}

fn answer(script: &mut Script, fetch: u64, id: i64, status: u16, body: &str) {
    let (kind, code) = body.split_once(' ').unwrap_or((body, ""));
    let (headers, body) = match kind {
        "discovered" => (JSON, result(id, DISCOVERED)),
        "initialized" => (JSON, result(id, &initialized("2025-11-25"))),
        "initialized-sse" => {
            let message = result(id, &initialized("2025-06-18"));
            (EVENTS, format!("event: message\ndata: {message}\n\n"))
        }
        "error" => {
            let (code, rest) = code.split_once(' ').unwrap_or((code, ""));
            let data = match rest {
                "" => String::new(),
                versions => format!(r#","data":{{"supported":["{versions}"]}}"#),
            };
            (JSON, error(id, code.parse().unwrap(), &data))
        }
        "error-sse" => (
            EVENTS,
            format!("data: {}\n\n", error(id, code.parse().unwrap(), "")),
        ),
        "html" => (HTML, "<html>not here</html>".to_string()),
        _ => (NOTHING, String::new()),
    };
    if kind == "endpoint" {
        script.head(fetch, status, EVENTS);
        return script.chunk(fetch, "event: endpoint\ndata: /messages?id=7\n\n");
    }
    script.reply(fetch, status, headers, &body);
}

#[test]
fn the_era_is_found_whatever_the_server_answers() {
    const DISCOVER: &str = "POST server/discover";
    const INITIALIZE: &str = "POST initialize";
    let none = (404, "html");
    for (discover, initialize, get, asked, found) in [
        // Servers of 2026-07-28, healthy or in need of something.
        (MODERN, OLD, none, &[DISCOVER][..], "2026-07-28"),
        ((400, "error -32020"), OLD, none, &[DISCOVER], "2026-07-28"),
        ((400, "error -32021"), OLD, none, &[DISCOVER], "2026-07-28"),
        ((404, "error -32601"), OLD, none, &[DISCOVER], "2026-07-28"),
        (
            (400, "error -32022 2026-07-28"),
            OLD,
            none,
            &[DISCOVER, DISCOVER],
            "2026-07-28",
        ),
        // Servers that speak both, and refuse the newer one.
        (
            (400, "error -32022 2025-11-25"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        (
            (404, "error -32022 2024-11-05\",\"2025-06-18\",\"2099-01-01"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        // Revisions of the future: what it lists need not be all that it serves.
        (
            (400, "error -32022 2099-01-01"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        (
            (400, "error -32022 2099-01-01"),
            (400, "error -32022 2099-01-01"),
            none,
            &[DISCOVER, INITIALIZE],
            "the server speaks none of our revisions, only: 2099-01-01",
        ),
        // Servers of the handshake era, by every answer they are known to give.
        (
            (400, "error -32000"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        (
            (400, "error -32600"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        (
            (400, "error -32601"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        (
            (400, "error -32602"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        (
            (404, "error -32001"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        ((400, ""), OLD, none, &[DISCOVER, INITIALIZE], "2025-11-25"),
        (
            (400, "html"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        ((406, ""), OLD, none, &[DISCOVER, INITIALIZE], "2025-11-25"),
        (
            (422, "html"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        (
            (200, "error -32601"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        (
            (200, "error-sse -32601"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        (
            (200, "html"),
            OLD,
            none,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
        ((202, ""), OLD, none, &[DISCOVER, INITIALIZE], "2025-11-25"),
        (
            (400, ""),
            (200, "initialized-sse"),
            none,
            &[DISCOVER, INITIALIZE],
            "2025-06-18",
        ),
        // Nobody there who speaks the protocol.
        (
            (404, "html"),
            (404, "html"),
            (404, "html"),
            &[DISCOVER, INITIALIZE, "GET"],
            "HTTP 404: Not Found: <html>not here</html>",
        ),
        (
            (405, ""),
            (405, ""),
            (200, "html"),
            &[DISCOVER, INITIALIZE, "GET"],
            "HTTP 405: Method Not Allowed",
        ),
        (
            (400, ""),
            (400, "error -32000"),
            (405, ""),
            &[DISCOVER, INITIALIZE, "GET"],
            "the server refused to initialize: m (-32000)",
        ),
        (
            (400, ""),
            (415, ""),
            none,
            &[DISCOVER, INITIALIZE],
            "HTTP 415: Unsupported Media Type",
        ),
        // Somebody who will not talk to us, of whom nothing is known.
        ((401, ""), OLD, none, &[DISCOVER], "HTTP 401: Unauthorized"),
        (
            (403, "error -32000"),
            OLD,
            none,
            &[DISCOVER],
            "HTTP 403: Forbidden: ",
        ),
        (
            (400, ""),
            (401, ""),
            none,
            &[DISCOVER, INITIALIZE],
            "HTTP 401: Unauthorized",
        ),
        // Accidents decide nothing, however often they happen.
        (
            (503, ""),
            OLD,
            none,
            &[DISCOVER; 4],
            "HTTP 503: Service Unavailable",
        ),
        (
            (500, "error -32603"),
            OLD,
            none,
            &[DISCOVER; 4],
            "HTTP 500: Internal Server Error: ",
        ),
        (
            (429, ""),
            OLD,
            none,
            &[DISCOVER; 4],
            "HTTP 429: Too Many Requests",
        ),
    ] {
        let server = Server {
            discover,
            initialize,
            get,
        };
        let (seen, end) = play(EraMode::Auto, &server);
        assert_eq!(seen, asked, "{discover:?} {initialize:?} {get:?}: {end}");
        assert!(
            end.starts_with(found),
            "{discover:?} {initialize:?} {get:?}: {end}"
        );
    }
}

#[test]
fn of_what_the_server_speaks_the_newest_is_asked_for() {
    for (supported, asked) in [
        (r#""2024-11-05","2025-06-18","2099-01-01""#, "2025-06-18"),
        (r#""2025-11-25""#, "2025-11-25"),
        (r#""2024-11-05""#, "2024-11-05"),
    ] {
        let mut script = Script::new(EraMode::Auto, |_, _| {});
        script.fetches();
        let data = format!(r#","data":{{"supported":[{supported}],"requested":"2026-07-28"}}"#);
        script.reply(1, 400, JSON, &error(1, -32022, &data));
        assert!(script.events().is_empty());
        assert_eq!(script.fetches(), ["2 POST initialize 2"]);
        let wanted = format!(r#""protocolVersion":"{asked}""#);
        assert!(script.body(2).contains(&wanted), "{}", script.body(2));
    }
}

#[test]
fn a_mode_that_was_chosen_is_kept_to() {
    const DISCOVER: &str = "POST server/discover";
    const INITIALIZE: &str = "POST initialize";
    let handshake = EraMode::Handshake(ProtocolVersion::V2025_06_18);
    let cached_old = EraMode::Cached(ProtocolVersion::V2025_03_26);
    let cached_new = EraMode::Cached(ProtocolVersion::V2026_07_28);
    let none = (404, "");
    for (era, discover, initialize, asked, found) in [
        (
            EraMode::Stateless,
            MODERN,
            none,
            &[DISCOVER][..],
            "2026-07-28",
        ),
        (
            EraMode::Stateless,
            (400, ""),
            OLD,
            &[DISCOVER],
            "the server does not speak revision 2026-07-28",
        ),
        (
            EraMode::Stateless,
            (400, "error -32022 2026-07-28"),
            OLD,
            &[DISCOVER; 2],
            "2026-07-28",
        ),
        (handshake, MODERN, OLD, &[INITIALIZE], "2025-11-25"),
        (
            handshake,
            MODERN,
            (404, "error -32601"),
            &[INITIALIZE],
            "the server refused to initialize: m (-32601)",
        ),
        (
            handshake,
            MODERN,
            (404, ""),
            &[INITIALIZE, "GET"],
            "HTTP 404",
        ),
        (cached_old, MODERN, OLD, &[INITIALIZE], "2025-11-25"),
        (
            cached_old,
            MODERN,
            (404, "error -32601"),
            &[INITIALIZE, DISCOVER],
            "2026-07-28",
        ),
        (
            cached_old,
            MODERN,
            (404, ""),
            &[INITIALIZE, "GET", DISCOVER],
            "2026-07-28",
        ),
        (cached_new, MODERN, OLD, &[DISCOVER], "2026-07-28"),
        (
            cached_new,
            (400, ""),
            OLD,
            &[DISCOVER, INITIALIZE],
            "2025-11-25",
        ),
    ] {
        let server = Server {
            discover,
            initialize,
            get: none,
        };
        let (seen, end) = play(era, &server);
        assert_eq!(seen, asked, "{era:?} {discover:?} {initialize:?}: {end}");
        assert!(
            end.starts_with(found),
            "{era:?} {discover:?} {initialize:?}: {end}"
        );
    }
}

#[test]
fn an_unreachable_server_is_tried_with_growing_pauses() {
    let mut script = Script::new(EraMode::Auto, |_, _| {});
    let ready = script.client.ready(script.now).unwrap();
    let mut pauses = Vec::new();
    for attempt in 1..=4 {
        assert!(script.events().is_empty());
        assert_eq!(
            script.fetches(),
            [format!("{attempt} POST server/discover {attempt}")]
        );
        script.fail(attempt, FetchError::Connect("refused".into()));
        if attempt < 4 {
            assert!(script.events().is_empty() && script.fetches().is_empty());
            let due = script.client.poll_timeout().unwrap();
            pauses.push(due.duration_since(script.now).as_millis());
            script.pass(due.duration_since(script.now));
        }
    }
    assert_eq!(pauses, [500, 1000, 2000]);
    assert_eq!(script.events(), ["done", "closed NotAgreed"]);
    let error = script.error(ready);
    assert_eq!(error.to_string(), "HTTP: no connection: refused");
    assert!(script.client.poll_event().is_none() && script.client.is_closed());
}

#[test]
fn silence_says_nothing_about_the_era() {
    let mut script = Script::new(EraMode::Auto, |_, _| {});
    script.fetches();
    script.pass(secs(5 * 60) - millis(1));
    script.assert_quiet();
    script.pass(millis(1));
    assert_eq!(script.events(), ["closed NotAgreed"]);
    assert_eq!(script.fetches(), ["1 abort"]);
    assert_eq!(
        script.client.failure().unwrap().to_string(),
        "the server did not answer the handshake in time"
    );
}

#[test]
fn what_is_left_of_a_probe_is_dropped_when_the_handshake_begins() {
    let mut script = Script::new(EraMode::Auto, |_, _| {});
    script.fetches();
    script.head(1, 200, EVENTS);
    script.event(1, "", &error(1, -32601, ""));
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["1 abort", "2 POST initialize 2"]);
}

#[test]
fn the_probe_and_the_handshake_have_the_headers_of_their_era() {
    let mut script = Script::new(EraMode::Auto, |_, _| {});
    script.fetches();
    script.reply(1, 400, NOTHING, "");
    assert!(script.events().is_empty());
    assert_eq!(script.fetches(), ["2 POST initialize 2"]);
    for (fetch, version, method) in [
        (1, Some("2026-07-28"), Some("server/discover")),
        (2, None, None),
    ] {
        assert_eq!(script.header(fetch, "mcp-protocol-version"), version);
        assert_eq!(script.header(fetch, "mcp-method"), method);
        assert_eq!(script.header(fetch, "mcp-session-id"), None);
        assert_eq!(
            script.header(fetch, "content-type"),
            Some("application/json")
        );
        let both = "application/json, text/event-stream";
        assert_eq!(script.header(fetch, "accept"), Some(both));
        assert_eq!(script.request(fetch).uri(), "https://example.com/mcp");
    }
}

#[test]
fn a_probe_may_take_as_long_as_a_call() {
    let mut script = Script::new(EraMode::Auto, |config, _| {
        config.limits.call_timeout = Duration::from_nanos(7);
    });
    script.fetches();
    script.pass(Duration::from_nanos(6));
    script.assert_quiet();
    script.pass(Duration::from_nanos(1));
    assert_eq!(script.events(), ["closed NotAgreed"]);
}
