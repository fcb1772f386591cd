//! What lies before and beside MCP: bodies, verdicts, pages, routes, browsers.

use super::super::SessionMode;
use super::*;
use http::{HeaderValue, StatusCode};
use mcp_proto::{http::guard::Origins, rpc::Ledger};

#[test]
fn a_body_is_taken_up_to_the_limit() {
    let mut limits = Limits::default();
    limits.message_bytes = 100;
    let mut rig = Rig::with_limits(HttpOptions::listening(true), limits);
    let mut open = rig.begin("POST /mcp", &BASE);
    assert!(open.exchange.wants_body());
    open.exchange.handle_body(&[b' '; 100], rig.now);
    rig.drive(&mut open);
    assert_eq!(open.status, 0);
    open.exchange.handle_body(b" ", rig.now);
    rig.drive(&mut open);
    assert_eq!(open.outline(), "413 -32000 id -");
    let said = open.messages().pop().unwrap();
    assert!(said.contains("the body is longer than 100 bytes"), "{said}");
    assert!(!open.exchange.wants_body() && open.ended);
    // Whatever still comes is ignored.
    open.exchange.handle_body(b" ", rig.now);
    open.exchange.handle_body_end(rig.now);
    rig.drive(&mut open);
    assert!(open.exchange.is_done());
    // A length that is announced needs no body.
    let mut announce = |length| {
        let announced = [("content-length", length)];
        let headers: Vec<_> = BASE.into_iter().chain(announced).collect();
        rig.begin("POST /mcp", &headers)
    };
    assert_eq!(announce("100").status, 0);
    assert_eq!(announce("101").outline(), "413 -32000 id -");
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let mut rig = rig();
    let stall = Limits::default().outbound_stall;
    let mut open = rig.begin("POST /mcp", &BASE);
    let due = |rig: &Rig| Some(rig.now.saturating_add(stall));
    assert_eq!(open.exchange.poll_timeout(), due(&rig));
    rig.wait(stall - Duration::from_nanos(1));
    open.exchange.handle_body(b"{", rig.now);
    assert_eq!(open.exchange.poll_timeout(), due(&rig));
    rig.wait(stall - Duration::from_nanos(1));
    open.exchange.handle_timeout(rig.now);
    rig.drive(&mut open);
    assert_eq!(open.status, 0);
    rig.pass(Duration::from_nanos(1), &mut open);
    assert_eq!(open.outline(), "408 -32000 id -");
    assert!(open.ended && open.exchange.poll_timeout().is_none());
}

#[test]
fn what_is_shown_of_sessions_holds_none_of_their_ids() {
    let mut rig = rig();
    let open = rig.send("POST /mcp", &BASE, &handshake::initialize("2025-11-25"));
    let id = open.header("mcp-session-id").to_string();
    assert!(open.headers["mcp-session-id"].is_sensitive());
    let call = handshake::call_tool(&mut rig, &id, "1", "hold");
    for shown in [
        format!("{:?}", rig.server),
        format!("{:?} {:?}", open.exchange, open.headers),
        format!("{:?} {:?}", call.exchange, call.headers),
    ] {
        assert!(!shown.contains(&id), "{shown}");
    }
    assert!(format!("{:?}", rig.server).contains("sessions: 1"));
}

#[test]
fn what_is_shown_of_a_request_holds_no_secret() {
    let mut options = HttpOptions::listening(true);
    options.authorize = true;
    let rig = Rig::new(options);
    let secrets = [
        ("authorization", "Bearer hushed-token"),
        ("cookie", "id=hushed"),
        ("x-api-key", "hushed"),
    ];
    let mut head = http::Request::post("/mcp?key=hushed");
    for (name, value) in BASE.into_iter().chain(secrets) {
        head = head.header(name, value);
    }
    let head = head.body(()).unwrap().into_parts().0;
    let (service, options) = (Arc::clone(&rig.service), Arc::clone(&rig.options));
    let mut exchange = Exchange::new(service, options, head, 7, rig.now);
    let mut shown = Vec::from([format!("{exchange:?}")]);
    let asked = exchange.poll_event().expect("the verdict is not there yet");
    assert!(matches!(&asked, HttpEvent::Authorize(Some(token)) if token == "hushed-token"));
    shown.push(format!("{asked:?}"));
    exchange.handle_verdict(Verdict::Allow(None), rig.now);
    shown.push(format!("{exchange:?}"));
    assert!(exchange.wants_body());
    for (shown, part) in shown.iter().zip(["/mcp", "Authorize", "authorization"]) {
        assert!(shown.contains(part) && !shown.contains("hushed"), "{shown}");
    }
    let call = Ledger::new(0).insert((), rig.now);
    for (event, shown) in [
        (
            HttpEvent::<Act>::Cancelled(call),
            format!("Cancelled({call:?})"),
        ),
        (HttpEvent::Authorize(None), "Authorize(None)".into()),
        (HttpEvent::Join, "Join".into()),
        (HttpEvent::Listen, "Listen".into()),
    ] {
        assert_eq!(format!("{event:?}"), shown);
    }
}

#[test]
fn nothing_is_read_without_a_verdict() {
    let mut rig = Rig::new(
        HttpOptions::listening(true)
            .authorize(true)
            .route("/health", |_| http::Response::new(b"ok".to_vec())),
    );
    // Beside the endpoint nobody is asked for anything.
    assert_eq!(rig.begin("GET /health", &BASE).body, "ok");
    assert_eq!(rig.begin("GET /", &BASE).status, 200);
    assert_eq!(
        rig.begin("POST /mcp", &[("host", "evil.example")]).status,
        403
    );
    assert_eq!(rig.bearers.len(), 0);
    let headers: Vec<_> = BASE
        .into_iter()
        .chain([("authorization", "Bearer abc")])
        .collect();
    let mut open = rig.begin("POST /mcp", &headers);
    assert_eq!(rig.bearers, [Some("abc".to_string())]);
    assert_eq!((open.status, open.exchange.wants_body()), (0, false));
    let challenge = Some(HeaderValue::from_static("Bearer error=\"invalid_token\""));
    open.exchange.handle_verdict(
        Verdict::Deny {
            status: StatusCode::UNAUTHORIZED,
            challenge,
        },
        rig.now,
    );
    rig.drive(&mut open);
    assert_eq!(
        (open.outline(), open.header("www-authenticate")),
        ("401".into(), "Bearer error=\"invalid_token\"")
    );
    // One that nobody has asked for yet counts for nothing.
    let (service, options) = (Arc::clone(&rig.service), Arc::clone(&rig.options));
    let head = BASE
        .into_iter()
        .fold(Request::post("/mcp"), |head, (name, value)| {
            head.header(name, value)
        });
    let head = head.body(()).unwrap().into_parts().0;
    let mut exchange = Exchange::new(service, options, head, 99, rig.now);
    exchange.handle_verdict(Verdict::Allow(Some("mallory".into())), rig.now);
    assert!(!exchange.wants_body());
    assert!(matches!(
        exchange.poll_event(),
        Some(HttpEvent::Authorize(_))
    ));
    // A verdict may take its time; the body waits.
    let mut open = rig.send("POST /mcp", &BASE, "{");
    assert_eq!((rig.bearers.last(), open.status), (Some(&None), 0));
    open.exchange.handle_verdict(Verdict::Allow(None), rig.now);
    rig.drive(&mut open);
    assert_eq!(open.outline(), "400 -32700 id null");
}

#[test]
fn a_person_gets_a_page() {
    let mut rig = rig();
    let open = rig.begin("GET /", &[("host", "localhost:1"), ("accept", "text/html")]);
    assert_eq!(open.outline(), "200 text/html; charset=utf-8");
    assert!(
        open.body
            .contains("<pre id=\"address\">http://localhost:1/mcp</pre>")
            && open.ended
    );
    assert!(
        open.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    assert_eq!(open.header("content-length"), open.body.len().to_string());
    let head = rig.begin("HEAD /", &[("host", "localhost:1")]);
    assert_eq!(
        (head.status, head.body.as_str(), head.ended),
        (200, "", true)
    );
    assert_eq!(head.header("content-length"), open.header("content-length"));
}

#[test]
fn routes_answer_as_they_like() {
    let options = HttpOptions::listening(true).route("/health", |head| {
        let mut answer = http::Response::new(head.uri.query().unwrap_or("-").as_bytes().to_vec());
        *answer.status_mut() = StatusCode::IM_A_TEAPOT;
        answer
            .headers_mut()
            .insert("x-own", HeaderValue::from_static("1"));
        answer
    });
    let mut rig = Rig::new(options);
    let open = rig.begin("GET /health?full", &[("host", "localhost:1")]);
    assert_eq!(
        (open.status, open.body.as_str(), open.header("x-own")),
        (418, "full", "1")
    );
    assert!(open.ended && open.exchange.is_done());
}

#[test]
fn a_page_that_is_let_in_can_read_the_answer() {
    let options = HttpOptions::mounted()
        .allow_origins(Origins::Listed(["https://app.example".into()].into()))
        .cors(true);
    let mut rig = Rig::new(options);
    let origin = ("origin", "https://app.example");
    let open = rig.begin(
        "OPTIONS /",
        &[origin, ("access-control-request-method", "POST")],
    );
    assert_eq!((open.outline(), open.ended), ("204".into(), true));
    assert_eq!(
        open.header("access-control-allow-origin"),
        "https://app.example"
    );
    // Errors can be read as well.
    let open = rig.begin("POST /", &[origin]);
    assert_eq!(
        (open.status, open.header("access-control-allow-origin")),
        (415, "https://app.example")
    );
    let open = rig.begin("POST /", &[("origin", "https://evil.example")]);
    assert_eq!(
        (open.status, open.header("access-control-allow-origin")),
        (403, "-")
    );
}

#[test]
fn a_client_that_stopped_reading_and_a_late_call_leave_nothing_due() {
    let mut rig = Rig::new(HttpOptions::listening(true).sessions(SessionMode::Stateless));
    let call = request("1", "tools/call", r#"{"name":"wait"}"#);
    let mut open = rig.begin("POST /mcp", &BASE);
    open.exchange.handle_body(call.as_bytes(), rig.now);
    open.exchange.handle_body_end(rig.now);
    assert!(matches!(
        open.exchange.poll_event(),
        Some(HttpEvent::Call(_))
    ));
    for wait in [Duration::from_secs(1), Duration::from_secs(3600)] {
        rig.wait(wait);
        open.exchange.handle_timeout(rig.now);
        let due = open.exchange.poll_timeout();
        assert!(due.is_none_or(|due| due > rig.now), "{due:?}");
    }
}

#[test]
fn an_answer_that_nobody_takes_does_not_keep_its_exchange() {
    let mut limits = Limits::default();
    limits.outbound_high_water = 10;
    let options = HttpOptions::listening(true).sessions(SessionMode::Stateless);
    let mut rig = Rig::with_limits(options, limits);
    let call = request("1", "tools/call", r#"{"name":"wait"}"#);
    let mut exchange = rig.begin("POST /mcp", &BASE).exchange;
    exchange.handle_body(call.as_bytes(), rig.now);
    exchange.handle_body_end(rig.now);
    let Some(HttpEvent::Call(call)) = exchange.poll_event() else {
        panic!("a call");
    };
    // The client takes nothing of what it is told, so that the answer has to wait.
    let id = call.ticket.call();
    let _ = exchange.note(id, note("working"), rig.now);
    let _ = exchange.finish(call.ticket, outcome(&call.work), rig.now);
    assert!(!exchange.is_done());
    exchange.handle_disconnect(rig.now);
    assert!(exchange.is_done(), "for ever in the way");
}

#[test]
fn a_body_that_is_complete_is_not_waited_for() {
    let mut rig = rig();
    let mut exchange = rig.open("POST /mcp", &BASE).exchange;
    let given_up = rig.now.saturating_add(Limits::default().outbound_stall);
    assert_eq!(exchange.poll_timeout(), Some(given_up));
    rig.wait(Duration::from_secs(1));
    exchange.handle_body_end(rig.now);
    assert_eq!(exchange.poll_timeout(), None);
}
