//! Every default bound of a server's connection, at the number and one beyond it.

use std::sync::Arc;

use mcp_proto::{
    json::Json,
    limits::Limits,
    time::Instant,
    types::{CallToolResult, Implementation, Resource, ResourceTemplate, Tool},
};
use mcp_server_core::{Closed, Conn, Event, Outcome, PeerFault, Service, Ticket, mcp_proto};
use serde_json::{Value, json};

const NOW: Instant = Instant::ZERO;

/// A connection with one tool whose calls stay open, in a session of 2025-03-26, which has
/// batches.
struct Bench {
    conn: Conn<()>,
    held: Vec<Ticket>,
    faults: Vec<PeerFault>,
}

impl Bench {
    fn new() -> Self {
        let schema = Json::parse(r#"{"type":"object"}"#).unwrap();
        let template = ResourceTemplate::new("any:{+rest}", "any");
        let mut builder = Service::builder(Implementation::new("demo", "1.0.0"))
            .tool(Tool::new("hold", schema), ())
            .template(template, ())
            .limits(Limits::default());
        for number in 0..101 {
            builder = builder.resource(Resource::new(format!("r://{number}"), "r"), ());
        }
        let conn = Conn::new(Arc::new(builder.build().unwrap()), 0, NOW);
        let (held, faults) = (Vec::new(), Vec::new());
        let mut bench = Self { conn, held, faults };
        bench.ask("initialize", &json!({"protocolVersion": "2025-03-26"}));
        bench
    }

    /// Sends a line; gives what comes back.
    fn say(&mut self, line: &str) -> Vec<Value> {
        self.conn.handle_bytes(line.as_bytes(), NOW);
        self.conn.handle_bytes(b"\n", NOW);
        self.settle()
    }

    fn settle(&mut self) -> Vec<Value> {
        let mut out = Vec::new();
        loop {
            while let Some(event) = self.conn.poll_event() {
                match event {
                    Event::Call(call) => self.held.push(call.ticket),
                    Event::Fault(fault) => self.faults.push(fault),
                    _ => {}
                }
            }
            if !self.conn.poll_transmit(&mut out) {
                break;
            }
        }
        let lines = out
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    fn ask(&mut self, method: &str, params: &Value) -> Vec<Value> {
        self.ask_as("ask", method, params)
    }

    fn ask_as(&mut self, id: &str, method: &str, params: &Value) -> Vec<Value> {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.say(&request.to_string())
    }

    /// The code of the only answer, or 0 for a result; `None` where there is no answer.
    fn code(answers: &[Value]) -> Option<i64> {
        let [answer] = answers else {
            assert!(answers.is_empty(), "{answers:?}");
            return None;
        };
        Some(answer["error"]["code"].as_i64().unwrap_or_default())
    }
}

#[test]
fn a_message_of_4_mib() {
    let line = |length: usize| {
        let rest = r#"{"jsonrpc":"2.0","id":1,"method":"ping","x":""}"#;
        let fill = "y".repeat(length - rest.len());
        rest.replace(r#""x":"""#, &format!(r#""x":"{fill}""#))
    };
    let most = Limits::default().message_bytes;
    assert_eq!(most, 4 * 1024 * 1024);
    let mut bench = Bench::new();
    assert_eq!(Bench::code(&bench.say(&line(most))), Some(0));
    assert_eq!(Bench::code(&bench.say(&line(most + 1))), Some(-32700));
    assert_eq!(bench.faults, [PeerFault::Frame]);
    assert_eq!(Bench::code(&bench.say(&line(100))), Some(0));
}

#[test]
fn an_endless_line_costs_no_more_than_one_message() {
    let mut bench = Bench::new();
    let piece = vec![b'x'; 1024 * 1024];
    for _ in 0..64 {
        assert!(bench.conn.wants_read());
        bench.conn.handle_bytes(&piece, NOW);
        bench.settle();
    }
    assert_eq!(bench.faults, [PeerFault::Frame], "told once");
}

#[test]
fn json_128_levels_deep() {
    let mut bench = Bench::new();
    let line = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 2), "]".repeat(depth - 2));
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":{open}{close}}}}}"#)
    };
    assert_eq!(Bench::code(&bench.say(&line(128))), Some(0));
    // Nothing with an id was read, and this revision's schema requires one in errors.
    assert_eq!(Bench::code(&bench.say(&line(129))), None);
    assert_eq!(bench.faults.len(), 1);
}

#[test]
fn names_of_8_kib() {
    let most = Limits::default().name_bytes;
    let name = |length: usize| "n".repeat(length);
    let mut bench = Bench::new();
    assert_eq!(
        Bench::code(&bench.ask_as(&name(most), "ping", &json!({}))),
        Some(0)
    );
    assert_eq!(
        Bench::code(&bench.ask_as(&name(most + 1), "ping", &json!({}))),
        Some(-32600)
    );
    assert_eq!(
        Bench::code(&bench.ask(&name(most), &json!({}))),
        Some(-32601)
    );
    assert_eq!(
        Bench::code(&bench.ask(&name(most + 1), &json!({}))),
        Some(-32600)
    );
    let uri = |length: usize| json!({"uri": format!("x:{}", name(length - 2))});
    assert_eq!(
        Bench::code(&bench.ask("resources/subscribe", &uri(most))),
        Some(0)
    );
    assert_eq!(
        Bench::code(&bench.ask("resources/subscribe", &uri(most + 1))),
        Some(-32602)
    );
    // What is longer is no resource, whatever the templates say.
    let any = |length: usize| json!({"uri": format!("any:{}", name(length - 4))});
    assert!(bench.ask_as("any", "resources/read", &any(most)).is_empty());
    assert_eq!(bench.held.len(), 1);
    assert_eq!(
        Bench::code(&bench.ask("resources/read", &any(most + 1))),
        Some(-32002)
    );
    let token =
        |length: usize| json!({"name": "none", "_meta": {"progressToken": name(length - 2)}});
    let told = bench.ask("tools/call", &token(most));
    assert_eq!(told[0]["error"]["message"], "unknown tool: none");
    let told = bench.ask("tools/call", &token(most + 1));
    assert_eq!(
        told[0]["error"]["message"],
        "params._meta.progressToken is longer than 8192 bytes"
    );
}

#[test]
fn a_batch_of_64() {
    let mut bench = Bench::new();
    let batch = |length: usize| {
        let members =
            (0..length).map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "ping"}).to_string());
        format!("[{}]", members.collect::<Vec<_>>().join(","))
    };
    let answers = bench.say(&batch(64));
    assert_eq!(answers[0].as_array().map(Vec::len), Some(64));
    assert!(
        bench.say(&batch(65)).is_empty(),
        "it was not read so far as to know an id"
    );
    assert_eq!(bench.faults.len(), 1);
}

#[test]
fn calls_in_flight_and_calls_that_wait_64_each() {
    let mut bench = Bench::new();
    for id in 0..129 {
        let code =
            Bench::code(&bench.ask_as(&id.to_string(), "tools/call", &json!({"name": "hold"})));
        assert_eq!(bench.held.len(), (id + 1).min(64));
        assert_eq!(code, (id == 128).then_some(-32000), "{id}");
    }
    // Each that ends lets one more begin, and all are answered.
    for _ in 0..128 {
        let ticket = bench.held.remove(0);
        let outcome = Outcome::Tool(CallToolResult::text("done"));
        let _ = bench.conn.finish(ticket, outcome, NOW);
        assert_eq!(Bench::code(&bench.settle()), Some(0));
    }
    assert!(bench.held.is_empty());
}

#[test]
fn handlers_that_ignore_cancellation_are_at_most_twice_as_many() {
    let mut bench = Bench::new();
    let mut next = 0;
    let mut call = |bench: &mut Bench| {
        next += 1;
        let id = next.to_string();
        let answers = bench.ask_as(&id, "tools/call", &json!({"name": "hold"}));
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        bench.say(&cancel.to_string());
        Bench::code(&answers)
    };
    for begun in 1..=200 {
        assert_eq!(call(&mut bench), None);
        assert_eq!(bench.held.len(), begun.min(128));
    }
    let ticket = bench.held.remove(0);
    let _ = bench.conn.abandon(ticket.call(), NOW);
    assert_eq!(call(&mut bench), None);
    assert_eq!(bench.held.len(), 128);
}

#[test]
fn sixteen_streams_and_256_resources_in_each() {
    let mut bench = Bench::new();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let filter = |uris: usize| {
        let uris: Vec<_> = (0..uris).map(|number| format!("r://{number}")).collect();
        json!({"notifications": {"resourceSubscriptions": uris}, "_meta": meta})
    };
    let told = bench.ask_as("l", "subscriptions/listen", &filter(257));
    assert_eq!(Bench::code(&told), Some(-32000));
    for stream in 0..17 {
        let told = bench.ask_as(&stream.to_string(), "subscriptions/listen", &filter(256));
        if stream < 16 {
            assert_eq!(
                told[0]["method"],
                "notifications/subscriptions/acknowledged"
            );
        } else {
            assert_eq!(Bench::code(&told), Some(-32000));
        }
    }
    for (length, code) in [(8 * 1024, None), (8 * 1024 + 1, Some(-32602))] {
        let uri = format!("r:{}", "n".repeat(length - 2));
        let filter = json!({"notifications": {"resourceSubscriptions": [uri]}, "_meta": meta});
        let told = Bench::new().ask_as("l", "subscriptions/listen", &filter);
        assert_eq!(told[0]["error"]["code"].as_i64(), code, "{length}");
    }
    for number in 0..257 {
        let told = bench.ask_as(
            "s",
            "resources/subscribe",
            &json!({"uri": format!("r://{number}")}),
        );
        assert_eq!(
            Bench::code(&told),
            Some(if number < 256 { 0 } else { -32000 })
        );
    }
}

#[test]
fn a_page_of_100() {
    let mut bench = Bench::new();
    let page = bench.ask("resources/list", &json!({}));
    let first = &page[0]["result"];
    assert_eq!(first["resources"].as_array().map(Vec::len), Some(100));
    let rest = bench.ask("resources/list", &json!({"cursor": first["nextCursor"]}));
    assert_eq!(
        rest[0]["result"]["resources"].as_array().map(Vec::len),
        Some(1)
    );
    assert!(rest[0]["result"].get("nextCursor").is_none());
}

#[test]
fn sixty_four_complaints_in_a_row() {
    let mut bench = Bench::new();
    for number in 1..=65 {
        let answered = !bench.say("nonsense").is_empty();
        assert_eq!(answered, number <= 64, "{number}");
    }
    assert_eq!(Bench::code(&bench.ask("ping", &json!({}))), Some(0));
    assert!(!bench.say("nonsense").is_empty());
}

#[test]
fn output_that_nobody_takes() {
    let mut bench = Bench::new();
    let limits = Limits::default();
    // Lists of 100 resources, asked for without ever reading an answer: past the high water mark
    // no further request is looked at.
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#;
    let mut asked = 0;
    while bench.conn.wants_read() {
        bench
            .conn
            .handle_bytes(format!("{request}\n").as_bytes(), NOW);
        assert!(bench.conn.poll_event().is_none());
        asked += 1;
    }
    for _ in 0..100 {
        bench
            .conn
            .handle_bytes(format!("{request}\n").as_bytes(), NOW);
        assert!(bench.conn.poll_event().is_none());
    }
    let mut out = Vec::new();
    assert!(bench.conn.poll_transmit(&mut out));
    assert!(out.len() >= limits.outbound_high_water);
    assert!(out.len() < limits.outbound_high_water + 8 * 1024);
    assert_eq!(out.split(|byte| *byte == b'\n').count() - 1, asked);
    // Once it was taken, the others are answered as well.
    let rest: usize = std::iter::repeat_with(|| bench.settle().len())
        .take_while(|count| *count > 0)
        .sum();
    assert_eq!(rest, 100);

    let deadline = NOW.saturating_add(limits.outbound_stall);
    bench
        .conn
        .handle_bytes(format!("{request}\n").as_bytes(), NOW);
    assert!(bench.conn.poll_event().is_none());
    assert_eq!(bench.conn.poll_timeout(), Some(deadline));
    bench.conn.handle_timeout(deadline);
    let events: Vec<_> = std::iter::from_fn(|| bench.conn.poll_event()).collect();
    assert!(matches!(events[..], [Event::Closed(Closed::Unresponsive)]));
}

#[test]
fn answers_that_pile_up_to_8_mib() {
    let limits = Limits::default();
    let mut bench = Bench::new();
    for id in 0..20 {
        bench.ask_as(&id.to_string(), "tools/call", &json!({"name": "hold"}));
    }
    let mut sent = 0;
    let closed = loop {
        let ticket = bench.held.remove(0);
        let text = "x".repeat(1024 * 1024);
        let outcome = Outcome::Tool(CallToolResult::text(text));
        let _ = bench.conn.finish(ticket, outcome, NOW);
        sent += 1024 * 1024;
        let events: Vec<_> = std::iter::from_fn(|| bench.conn.poll_event()).collect();
        if let Some(Event::Closed(why)) = events.last() {
            break *why;
        }
    };
    assert_eq!(closed, Closed::Overflow);
    assert_eq!(
        sent, limits.outbound_bytes,
        "with the messages' own bytes the eighth is over"
    );
    assert!(!bench.conn.poll_transmit(&mut Vec::new()));
}
