//! What a session counts, remembers and leaves behind.

use super::script::*;
use alloc::{format, string::String, sync::Arc, vec::Vec};
use core::time::Duration;
use mcp_proto::{
    json::Json,
    limits::Limits,
    method::{Capability, METHODS, Method},
    rpc::{self, Incoming},
    time::Instant,
    types::{CallToolResult, CreateMessageParams, EmptyParams, InputRequest, InputRequests},
    version::ProtocolVersion,
};

use crate::{
    call::{Call, Event, NeedInput, Outcome, Work},
    conn::Conn,
    session::{Session, receive::Arrival, serve::require},
};

/// A client that can be asked for its roots.
const ABLE: &str = r#"
        > {"id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{}}}}
        < {"id":"i","result":{"protocolVersion":"2025-11-25","capabilities":{"logging":{},"completions":{},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"tools":{"listChanged":true}},"serverInfo":{"name":"demo","version":"1.0.0"}}}
        > {"method":"notifications/initialized"}"#;

fn one_at_a_time() -> Limits {
    let mut limits = Limits::default();
    (limits.calls_in_flight, limits.calls_parked) = (1, 3);
    limits
}

fn conn() -> Conn<Act> {
    Conn::new(Arc::new(service(Limits::default())), 1, Instant::ZERO)
}

/// Sends a line and takes the call that comes of it.
fn call(conn: &mut Conn<Act>, line: &str) -> Call<Act> {
    conn.handle_bytes(to_wire(line).as_bytes(), Instant::ZERO);
    conn.handle_bytes(b"\n", Instant::ZERO);
    match conn.poll_event() {
        Some(Event::Call(call)) => call,
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_calls_that_wait_only_the_cancelled_one_goes() {
    play_with(
        one_at_a_time(),
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold",$m}}
        call 1: hold
        > {"id":2,"method":"tools/call","params":{"name":"hold",$m}}
        > {"id":3,"method":"tools/call","params":{"name":"echo",$m}}
        > {"method":"notifications/cancelled","params":{"requestId":2}}
        wait 299s
        finish 1 one
        < {"id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"one"}],$server}}
        < {"id":3,"result":{"resultType":"complete","content":[{"type":"text","text":"nothing"}],$server}}
        "#,
    );
}

#[test]
fn work_of_every_kind_waits_and_may_have_gone_meanwhile() {
    play_with(
        one_at_a_time(),
        r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold",$m}}
        call 1: hold
        > {"id":2,"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"page://{n}"},"argument":{"name":"n","value":"v"},$m}}
        > {"id":3,"method":"resources/read","params":{"uri":"file:///a",$m}}
        > {"id":4,"method":"prompts/get","params":{"name":"greeting",$m}}
        without file:///a
        finish 1 one
        < {"id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"one"}],$server}}
        < {"id":2,"result":{"resultType":"complete","completion":{"values":["v"]},$server}}
        < {"id":3,"error":{"code":-32602,"message":"resource not found","data":{"uri":"file:///a"}}}
        < {"id":4,"result":{"resultType":"complete","messages":[{"role":"user","content":{"type":"text","text":"nothing"}}],$server}}
        "#,
    );
}

#[test]
fn a_call_that_asks_gives_its_place_back_in_both_eras() {
    let able =
        r#""_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{"roots":{}}}"#;
    let call = |id: u32| {
        format!(
            "> {{\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"hold\",{able}}}}}\n"
        )
    };
    let asked = r#"< {"id":1,"result":{"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}},"requestState":"#;
    let mut stage = Stage::new(service(one_at_a_time()));
    for line in [&*call(1), "ask 1", &*call(2)] {
        stage.act(line.trim());
    }
    let transcript = stage.transcript;
    assert!(transcript.contains(asked), "{transcript}");
    assert!(transcript.ends_with("call 2: hold\n"), "{transcript}");

    play_with(
        one_at_a_time(),
        &[
            ABLE,
            r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold"}}
        call 1: hold
        ask 1
        < {"id":1,"method":"roots/list","params":{}}
        > {"id":1,"result":{"roots":[]}}
        call 2: hold
        > {"id":2,"method":"tools/call","params":{"name":"hold"}}
        ask 2
        call 3: hold
        < {"id":2,"method":"roots/list","params":{}}
        finish 3 three
        < {"id":2,"result":{"content":[{"type":"text","text":"three"}]}}
        > {"id":2,"result":{"roots":[]}}
        call 4: hold
        finish 4 four
        < {"id":1,"result":{"content":[{"type":"text","text":"four"}]}}
        eof
        ! closed Eof
        "#,
        ]
        .concat(),
    );
}

#[test]
fn what_waits_for_a_place_also_waits_for_a_slow_reader() {
    let mut limits = one_at_a_time();
    limits.outbound_high_water = 1;
    play_with(
        limits,
        &[
            ABLE,
            r#"
        > {"id":1,"method":"tools/call","params":{"name":"hold"}}
        call 1: hold
        ask 1
        < {"id":1,"method":"roots/list","params":{}}
        > {"id":2,"method":"tools/call","params":{"name":"hold"}}
        call 2: hold
        > {"id":3,"method":"tools/call","params":{"name":"hold"}}
        stop reading
        finish 2 two
        read
        < {"id":2,"result":{"content":[{"type":"text","text":"two"}]}}
        call 3: hold
        "#,
        ]
        .concat(),
    );
}

#[test]
fn what_does_not_fit_any_more_is_still_due() {
    let mut limits = Limits::default();
    limits.outbound_high_water = 1;
    play_with(
        limits,
        r#"
        > {"id":1,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"promptsListChanged":true},$m}}
        < {"method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true,"promptsListChanged":true},"_meta":{"mcp/subscriptionId":1}}}
        stop reading
        change tools
        change prompts
        read
        < {"method":"notifications/tools/list_changed","params":{"_meta":{"mcp/subscriptionId":1}}}
        < {"method":"notifications/prompts/list_changed","params":{"_meta":{"mcp/subscriptionId":1}}}
        "#,
    );
}

#[test]
fn the_drain_time_is_a_time_to_wait_for() {
    let mut conn = conn();
    let held = call(
        &mut conn,
        r#"{"id":1,"method":"tools/call","params":{"name":"hold",$m}}"#,
    );
    let before = conn.poll_timeout();
    conn.handle_eof(Instant::ZERO);
    assert!(conn.poll_event().is_none());
    let drained = Instant::ZERO.saturating_add(Duration::from_secs(5));
    assert_eq!(conn.poll_timeout(), Some(drained), "not {before:?}");
    assert!(!conn.wants_read() && !conn.wants_write() && !conn.is_closed());
    conn.handle_timeout(drained);
    assert!(held.context.cancel.is_cancelled());
}

#[test]
fn handlers_learn_that_their_connection_is_dropped() {
    let mut conn = conn();
    let line = r#"{"id":1,"method":"tools/call","params":{"name":"hold",$m}}"#;
    let held = call(&mut conn, line);
    assert!(!held.context.cancel.is_cancelled());
    drop(conn);
    assert!(held.context.cancel.is_cancelled());
}

#[test]
fn a_connection_says_what_it_wants() {
    let mut conn = conn();
    assert!(conn.wants_read() && !conn.wants_write() && !conn.is_closed());
    assert_eq!(conn.poll_timeout(), None);
    let line = r#"{"id":1,"method":"tools/call","params":{"name":"hold",$m}}"#;
    let held = call(&mut conn, line);
    let deadline = Instant::ZERO.saturating_add(Limits::default().call_timeout);
    assert_eq!(conn.poll_timeout(), Some(deadline));
    let outcome = Outcome::Tool(CallToolResult::text("done"));
    let _ = conn.finish(held.ticket, outcome, Instant::ZERO);
    assert!(conn.wants_read() && conn.wants_write());
    conn.handle_eof(Instant::ZERO);
    assert!(conn.poll_event().is_none());
    assert!(!conn.wants_read() && !conn.is_closed(), "it owes an answer");
    let mut out = Vec::new();
    while conn.poll_transmit(&mut out) {}
    assert!(matches!(conn.poll_event(), Some(Event::Closed(_))));
    assert!(conn.is_closed() && !conn.wants_write() && conn.poll_timeout().is_none());
    // What comes now is not kept.
    conn.handle_bytes(b"{}\n", Instant::ZERO);
    assert!(conn.poll_event().is_none());
}

/// The `_meta` that a handler sees.
fn seen(conn: &mut Conn<Act>, id: usize, more: &str) -> Option<Json> {
    let line = format!(
        r#"{{"id":{id},"method":"tools/call","params":{{"name":"hold","_meta":{{{more}"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{{}}}}}}}}"#
    );
    let call = call(conn, &line);
    assert_eq!(call.context.peer.subject, None);
    call.context.meta
}

#[test]
fn handlers_see_what_the_protocol_does_not_read_and_only_that() {
    let mut conn = conn();
    let extras = [
        r#""com.example/x":1,"#,
        r#""traceparent":"t","#,
        r#""tracestate":"t","#,
        r#""baggage":"b","#,
        r#""mcp/related-task":{"taskId":"t"},"#,
    ];
    let mut id = 0;
    for extra in extras {
        // The same again, for what is the same is remembered.
        for more in [extra, extra, "", ""] {
            id += 1;
            let meta = seen(&mut conn, id, more);
            assert_eq!(meta.is_some(), !more.is_empty(), "{more} gives {meta:?}");
        }
    }
}

#[test]
fn what_is_remembered_of_a_client_is_not_taken_for_another() {
    let mut conn = conn();
    let line = |id: u32, name: &str, claims: &str| -> String {
        format!(
            r#"{{"id":{id},"method":"tools/call","params":{{"name":"hold","_meta":{{"mcp/protocolVersion":"2026-07-28","mcp/clientInfo":{{"name":"{name}","version":"1"}},"mcp/clientCapabilities":{claims}}}}}}}"#
        )
    };
    let mut id = 0;
    for (name, claims) in [
        ("a", "{}"),
        ("b", "{}"),
        ("b", r#"{"roots":{}}"#),
        ("a", "{}"),
    ] {
        for _ in 0..2 {
            id += 1;
            let peer = call(&mut conn, &line(id, name, claims)).context.peer;
            assert_eq!(&*peer.info.as_ref().unwrap().name, name);
            assert_eq!(peer.capabilities.roots.is_some(), claims != "{}");
        }
    }
    // Nor is it for somebody else, whoever says the same.
    conn.on_behalf_of(Some("alice".into()));
    let peer = call(&mut conn, &line(100, "a", "{}")).context.peer;
    assert_eq!(peer.subject.as_deref(), Some("alice"));
}

#[test]
fn who_says_the_same_again_is_the_same_client() {
    let mut conn = conn();
    let mut id = 0;
    let mut peer = |more: &str, name: &str| {
        id += 1;
        let line = format!(
            r#"{{"id":{id},"method":"tools/call","params":{{"name":"hold","_meta":{{{more}"mcp/protocolVersion":"2026-07-28","mcp/clientInfo":{{"name":"{name}","version":"1"}},"mcp/clientCapabilities":{{}}}}}}}}"#
        );
        call(&mut conn, &line).context.peer
    };
    let first = peer("", "a");
    // Word for word, and by what counts of it.
    for more in ["", r#""progressToken":1,"#, "", r#""com.example/x":1,"#] {
        assert!(Arc::ptr_eq(&first, &peer(more, "a")), "{more}");
    }
    assert!(!Arc::ptr_eq(&first, &peer("", "b")));
}

/// What a client says is remembered while it is short.
#[test]
fn a_long_description_of_a_client_is_not_kept() {
    let around = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
    for (length, kept) in [(16 * 1024, true), (16 * 1024 + 1, false)] {
        let mut conn = conn();
        let name = "n".repeat(length - around.len());
        let meta = around.replace(r#""name":"""#, &format!(r#""name":"{name}""#));
        assert_eq!(meta.len(), length);
        let mut peer = |id: u32| {
            let line = format!(
                r#"{{"id":{id},"method":"tools/call","params":{{"name":"hold","_meta":{meta}}}}}"#
            );
            call(&mut conn, &line).context.peer
        };
        assert_eq!(Arc::ptr_eq(&peer(1), &peer(2)), kept, "{length}");
    }
}

#[test]
fn a_method_that_needs_no_capability_is_there_without_any() {
    let service = service(Limits::default());
    let free = METHODS
        .iter()
        .filter(|row| row.capability == Capability::None);
    for row in free {
        let required = require(row.method, ProtocolVersion::LATEST, &service);
        assert!(required.is_ok(), "{}", row.name);
    }
    let handshake = ProtocolVersion::LATEST_HANDSHAKE;
    assert!(require(Method::SetLevel, handshake, &service).is_ok());
    let tasks = require(Method::GetTask, handshake, &service);
    assert_eq!(tasks.unwrap_err().code, -32601);
}

#[test]
fn answers_count_without_a_state_and_only_where_a_call_may_ask() {
    let mut conn = conn();
    let line = r#"{"id":1,"method":"tools/call","params":{"name":"hold","inputResponses":{},$m}}"#;
    assert!(call(&mut conn, line).context.resumed.is_some());
    // A resource has no arguments, whatever is sent.
    play(
        r#"
        > {"id":1,"method":"resources/read","params":{"uri":"file:///a","arguments":5,"requestState":"x",$m}}
        < {"id":1,"error":{"code":-32602,"message":"params.requestState is not valid"}}
        "#,
    );
    let line = r#"{"id":2,"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"page://{n}"},"argument":{"name":"n","value":"v"},$m}}"#;
    let completion = call(
        &mut conn,
        &line.replace(
            "$m",
            r#""_meta":{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{"roots":{}}}"#,
        ),
    );
    let roots = mcp_proto::types::InputRequest::ListRoots(Default::default());
    let questions = [(String::from("k"), roots)].into_iter().collect();
    let outcome = Outcome::NeedInput(NeedInput::new(questions));
    let _ = conn.finish(completion.ticket, outcome, Instant::ZERO);
    let mut out = Vec::new();
    let _ = conn.poll_transmit(&mut out);
    let answer = String::from_utf8(out).unwrap();
    assert!(
        answer.contains("-32603") && !answer.contains("inputRequests"),
        "{answer}"
    );
}

#[test]
fn a_connection_that_owes_much_or_has_heard_all_does_not_read() {
    let mut limits = Limits::default();
    limits.outbound_high_water = 1;
    let mut conn = Conn::new(Arc::new(service(limits)), 1, Instant::ZERO);
    conn.handle_bytes(
        to_wire("{\"id\":1,\"method\":\"ping\",\"params\":{$m}}\n").as_bytes(),
        Instant::ZERO,
    );
    assert!(conn.poll_event().is_none());
    assert!(!conn.wants_read(), "its answer is not taken");
    let mut out = Vec::new();
    assert!(conn.poll_transmit(&mut out) && conn.wants_read());
    conn.handle_eof(Instant::ZERO);
    assert!(!conn.wants_read(), "nothing comes");
    // Whoever says that nothing comes is not listened to any more.
    conn.handle_bytes(b"nonsense\n", Instant::ZERO);
    out.clear();
    while let Some(event) = conn.poll_event() {
        assert!(matches!(event, Event::Closed(_)), "{event:?}");
    }
    assert!(!conn.poll_transmit(&mut out), "{out:?}");
}

#[test]
fn time_passes_with_whatever_comes() {
    let mut conn = conn();
    let later = Instant::ZERO.saturating_add(Duration::from_secs(7));
    let line = r#"{"id":1,"method":"tools/call","params":{"name":"hold",$m}}"#;
    conn.handle_bytes(to_wire(line).as_bytes(), Instant::ZERO);
    conn.handle_bytes(b"\n", later);
    assert!(matches!(conn.poll_event(), Some(Event::Call(_))));
    let deadline = later.saturating_add(Limits::default().call_timeout);
    assert_eq!(conn.poll_timeout(), Some(deadline));
}

#[test]
fn a_question_is_asked_with_all_that_it_says() {
    let mut conn = conn();
    let hello = r#"{"id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{},"sampling":{}}}}"#;
    conn.handle_bytes(to_wire(hello).as_bytes(), Instant::ZERO);
    conn.handle_bytes(b"\n", Instant::ZERO);
    assert!(conn.poll_event().is_none());
    let held = call(
        &mut conn,
        r#"{"id":2,"method":"tools/call","params":{"name":"hold"}}"#,
    );
    let mut roots = EmptyParams::default();
    roots
        .meta
        .get_or_insert_default()
        .insert("com.example/x", Json::null());
    let sample = CreateMessageParams::ask("how?", 7);
    let mut questions = InputRequests::new();
    questions.insert("r", InputRequest::ListRoots(roots));
    questions.insert("s", sample.into());
    let outcome = Outcome::NeedInput(NeedInput::new(questions));
    let _ = conn.finish(held.ticket, outcome, Instant::ZERO);
    let mut out = Vec::new();
    while conn.poll_transmit(&mut out) {}
    let out = String::from_utf8(out).unwrap();
    let asked: Vec<&str> = out.lines().skip(1).collect();
    assert_eq!(
        asked,
        [
            r#"{"jsonrpc":"2.0","id":1,"method":"roots/list","params":{"_meta":{"com.example/x":null}}}"#,
            r#"{"jsonrpc":"2.0","id":2,"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"how?"}}],"maxTokens":7}}"#,
        ]
    );
}

/// Of a long line the arguments are lent, and arrive wherever the call is meanwhile.
#[test]
fn long_arguments_are_there_again_when_the_call_has_asked() {
    let mut conn = conn();
    let hello = r#"{"id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{}}}}"#;
    conn.handle_bytes(to_wire(hello).as_bytes(), Instant::ZERO);
    conn.handle_bytes(b"\n", Instant::ZERO);
    assert!(conn.poll_event().is_none());
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(20_000));
    let line = format!(
        r#"{{"id":2,"method":"tools/call","params":{{"name":"hold","arguments":{long}}}}}"#
    );
    let first = call(&mut conn, &line);
    let mut questions = InputRequests::new();
    questions.insert("r", InputRequest::ListRoots(EmptyParams::default()));
    let outcome = Outcome::NeedInput(NeedInput::new(questions));
    let _ = conn.finish(first.ticket, outcome, Instant::ZERO);
    assert!(conn.poll_event().is_none());
    let again = call(&mut conn, r#"{"id":1,"result":{"roots":[]}}"#);
    for work in [first.work, again.work] {
        let Work::Tool { arguments, .. } = work else {
            panic!("{work:?}")
        };
        assert_eq!(arguments.unwrap().as_str(), long);
    }
}

/// Members of others and tasks are other ones each time: to remember them would be in vain.
#[test]
fn only_what_says_the_same_each_time_is_remembered_word_for_word() {
    let limits = Arc::new(Limits::default());
    let service = service(Limits::default());
    for (more, is_remembered) in [
        ("", true),
        (r#","progressToken":1,"traceparent":"00-1""#, true),
        (r#","com.example/x":1"#, false),
        (r#","mcp/related-task":{"taskId":"t"}"#, false),
        (
            r#","com.example/x":1,"mcp/related-task":{"taskId":"t"}"#,
            false,
        ),
    ] {
        let mut session = Session::new(1, &limits, Instant::ZERO);
        let meta = format!(
            r#""_meta":{{"mcp/protocolVersion":"2026-07-28","mcp/clientCapabilities":{{}}{more}}}"#
        );
        let line = to_wire(&format!(
            r#"{{"id":1,"method":"tools/list","params":{{{meta}}}}}"#
        ));
        session.handle_text(&line, &Arrival::new(&service, 0), Instant::ZERO);
        let known = session.known.as_ref().expect("the client is known");
        assert_eq!(known.meta().is_some(), is_remembered, "{more}");
    }
}

#[test]
fn the_first_call_takes_room_for_one() {
    let limits = Arc::new(Limits::default());
    let service = service(Limits::default());
    let mut session = Session::new(1, &limits, Instant::ZERO);
    assert_eq!(session.events.capacity(), 0);
    let line = to_wire(r#"{"id":1,"method":"tools/call","params":{"name":"hold",$m}}"#);
    session.handle_text(&line, &Arrival::new(&service, 0), Instant::ZERO);
    assert_eq!((session.events.len(), session.events.capacity()), (1, 1));
}

#[test]
fn long_arguments_are_of_the_text_that_is_lent() {
    let limits = Arc::new(Limits::default());
    let service = service(Limits::default());
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(1000));
    let call = r#"{"id":1,"method":"tools/call","params":{"name":"hold","arguments":LONG,$m}}"#;
    let line = to_wire(&call.replace("LONG", &long));
    for is_lent in [true, false] {
        let mut session = Session::new(1, &limits, Instant::ZERO);
        let Ok(Incoming::Single(mut message)) = rpc::parse(line.as_bytes(), &limits) else {
            panic!("it is one message");
        };
        let mut arrival = Arrival::new(&service, 0);
        if is_lent {
            arrival = arrival.within(&line);
        }
        session.handle(&mut message, &arrival, Instant::ZERO);
        assert_eq!(session.lent.is_some(), is_lent);
        session.lend(line.clone());
        let Some(Event::Call(call)) = session.poll_event(&service) else {
            panic!("it is called");
        };
        let Work::Tool { arguments, .. } = call.work else {
            panic!("{:?}", call.work);
        };
        assert_eq!(arguments.as_ref().map(Json::as_str), Some(&*long));
    }
}

/// Whoever asks for nothing has no news, nor whoever has been told all; over HTTP each look at what
/// a session has to say costs.
#[cfg(feature = "http")]
#[test]
fn there_is_news_only_of_what_is_to_be_told() {
    let limits = Arc::new(Limits::default());
    let service = service(Limits::default());
    let mut session = Session::new(1, &limits, Instant::ZERO);
    let say = |session: &mut Session, line: &str| {
        session.handle_text(&to_wire(line), &Arrival::new(&service, 0), Instant::ZERO);
    };
    let mut out = Vec::new();
    say(
        &mut session,
        r#"{"id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}"#,
    );
    assert!(session.poll_transmit(&mut out));
    session.handle_change(&crate::Change::Resource("file:///a".into()), Instant::ZERO);
    session.handle_change(&crate::Change::Tools, Instant::ZERO);
    assert!(!session.has_news(), "it is not open yet");
    say(&mut session, r#"{"method":"notifications/initialized"}"#);
    out.clear();
    assert!(session.has_news() && session.poll_transmit(&mut out));
    assert!(!session.has_news(), "it was told");
    session.handle_change(&crate::Change::Resource("file:///a".into()), Instant::ZERO);
    assert!(!session.has_news(), "nobody follows that");
}
