//! What a call costs the server: allocations and copies, from the bytes of a request to the bytes
//! of its answer.

use std::{
    alloc::System,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use mcp_proto::{json::Json, limits::Limits, rpc::CallId, time::Instant};
use mcp_server_core::{
    Conn, Cx, Event, Handler, Link, Note, Server, ServerBuilder, ToolEntry, mcp_proto, tool,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Adds two numbers.
#[tool]
fn add(a: f64, b: f64) -> f64 {
    a + b
}

/// Returns the message.
#[tool]
fn echo(message: String) -> String {
    message
}

#[derive(Debug)]
struct Deaf;

impl Link for Deaf {
    fn note(&self, _: CallId, _: Note) {}
}

/// A connection whose buffers have grown already, and which runs handlers in place.
struct Warm {
    conn: Conn<Handler>,
    link: Arc<dyn Link>,
    out: Vec<u8>,
    stateless: bool,
}

fn other(number: usize) -> ToolEntry {
    ToolEntry::new(format!("other_{number}")).run(|_, _| "other")
}

fn demo(other_tools: usize) -> ServerBuilder {
    let builder = Server::builder("demo", "1.0.0").tool(add).tool(echo);
    (0..other_tools).fold(builder, |builder, number| builder.tool(other(number)))
}

impl Warm {
    fn new(stateless: bool, other_tools: usize) -> Self {
        Self::of(&demo(other_tools).build().unwrap(), stateless)
    }

    fn of(server: &Server, stateless: bool) -> Self {
        let conn = server.connect(1, Instant::ZERO);
        let mut warm = Self {
            conn,
            link: Arc::new(Deaf),
            out: Vec::new(),
            stateless,
        };
        if !stateless {
            let hello = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
            warm.exchange(format!("{hello}\n").as_bytes());
        }
        for _ in 0..10 {
            let request = warm.request("add", r#"{"a":1,"b":2}"#);
            warm.exchange(&request);
        }
        warm
    }

    fn request(&self, tool: &str, arguments: &str) -> Vec<u8> {
        self.line(
            "tools/call",
            &format!(r#""name":"{tool}","arguments":{arguments},"#),
        )
    }

    /// A request with these members in its params, each with a comma behind it.
    fn line(&self, method: &str, members: &str) -> Vec<u8> {
        let meta = match self.stateless {
            true => {
                r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#
            }
            false => "null",
        };
        let params = format!(r#"{{{members}"_meta":{meta}}}"#);
        format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"{method}\",\"params\":{params}}}\n")
            .into_bytes()
    }

    /// Takes a request's bytes in and its answer's bytes out.
    fn exchange(&mut self, request: &[u8]) {
        self.take_in(request);
        self.take_out();
    }

    fn take_in(&mut self, bytes: &[u8]) {
        self.conn.handle_bytes(bytes, Instant::ZERO);
        while let Some(event) = self.conn.poll_event() {
            let Event::Call(call) = event else {
                panic!("{event:?}")
            };
            let cx = Cx::new(call.context, Arc::clone(&self.link));
            let outcome = match call.handler {
                Handler::Sync(run) | Handler::Quick(run) => run(call.work, cx),
                Handler::Async(run) => {
                    let mut running = run(call.work, cx);
                    let mut context = Context::from_waker(Waker::noop());
                    match running.as_mut().poll(&mut context) {
                        Poll::Ready(outcome) => outcome,
                        Poll::Pending => panic!("none of these waits"),
                    }
                }
                other => panic!("{other:?}"),
            };
            let _ = self.conn.finish(call.ticket, outcome, Instant::ZERO);
        }
    }

    fn take_out(&mut self) {
        self.out.clear();
        assert!(self.conn.poll_transmit(&mut self.out));
    }

    fn cost(&mut self, request: &[u8]) -> Stats {
        let region = Region::new(ALLOCATOR);
        self.exchange(request);
        region.change()
    }
}

fn allocations(cost: &Stats) -> usize {
    cost.allocations + cost.reallocations
}

// One test, because the counters are the whole process's.
#[test]
fn a_call_costs_a_handful_of_allocations_and_a_long_text_one_copy() {
    for (stateless, most) in [(false, 2), (true, 2)] {
        let mut counts = Vec::new();
        for other_tools in [8, 9_998] {
            let mut warm = Warm::new(stateless, other_tools);
            let request = warm.request("add", r#"{"a":1,"b":2}"#);
            let cost = warm.cost(&request);
            let answer = String::from_utf8(warm.out.clone()).unwrap();
            assert!(
                answer.contains(r#""structuredContent":{"result":3}"#) != stateless,
                "{answer}"
            );
            assert!(answer.contains(r#"{"type":"text","text":"3"}"#), "{answer}");
            println!(
                "stateless {stateless}, {} tools: {} allocations, {} bytes",
                other_tools + 2,
                allocations(&cost),
                cost.bytes_allocated
            );
            assert!(allocations(&cost) <= most, "{cost:?}");
            assert_eq!(cost.allocations, cost.deallocations, "nothing is kept");
            counts.push(allocations(&cost));
        }
        assert_eq!(counts[0], counts[1], "the number of tools costs nothing");

        for length in [4 * 1024, 64 * 1024, 1024 * 1024] {
            a_long_text_is_copied_once_each_way(stateless, length);
        }
        a_list_is_encoded_once(stateless);
        what_else_is_offered_costs_nothing(stateless);
    }
}

// The fixture has components of every kind, tasks and extensions among them. Its handler is async:
// its future is one allocation more.
fn what_else_is_offered_costs_nothing(stateless: bool) {
    let mut warm = Warm::of(&mcp_tests::fixture::server().build().unwrap(), stateless);
    let request = warm.request("add", r#"{"a":1,"b":2}"#);
    let cost = warm.cost(&request);
    println!(
        "stateless {stateless}, the fixture: {} allocations, {} bytes",
        allocations(&cost),
        cost.bytes_allocated
    );
    assert!(allocations(&cost) <= 3, "{cost:?}");
    assert_eq!(cost.allocations, cost.deallocations, "nothing is kept");
}

// In the input buffer it lies once; from there it is copied into the handler's string, which is the
// answer's text; and from there into the output buffer. Short texts are copied once more, out of the
// input buffer, which stays where it is.
fn a_long_text_is_copied_once_each_way(stateless: bool, length: usize) {
    let mut warm = Warm::new(stateless, 0);
    let text = "x".repeat(length);
    let arguments = Json::new(&serde_json::json!({ "message": text })).unwrap();
    let request = warm.request("echo", arguments.as_str());
    // The two output buffers take turns.
    warm.exchange(&request);
    warm.exchange(&request);
    // In the pieces in which a pipe hands it over.
    let region = Region::new(ALLOCATOR);
    for piece in request.chunks(64 * 1024) {
        warm.take_in(piece);
    }
    warm.take_out();
    let cost = region.change();
    println!(
        "stateless {stateless}, {length}: {} bytes in {} allocations, {} sent",
        cost.bytes_allocated,
        allocations(&cost),
        warm.out.len(),
    );
    assert!(warm.out.len() > length);
    assert!(
        cost.bytes_allocated < 2 * length + 8 * 1024,
        "the input buffer, which goes with the message, and the string: {cost:?}"
    );
}

fn a_list_is_encoded_once(stateless: bool) {
    let mut limits = Limits::default();
    limits.page_items = 2000;
    let server = demo(998).limits(limits).build().unwrap();
    let mut warm = Warm::of(&server, stateless);
    let request = warm.line("tools/list", "");
    let listed = |warm: &Warm, name: &str| {
        let name = format!(r#""name":"{name}""#);
        String::from_utf8_lossy(&warm.out).contains(&name)
    };
    for last in [997, 998] {
        let first = warm.cost(&request);
        let length = warm.out.len();
        assert!(
            listed(&warm, &format!("other_{last}"))
                && !listed(&warm, &format!("other_{}", last + 1))
        );
        assert!(first.bytes_allocated > length, "it is encoded: {first:?}");
        // The other output buffer grows once.
        warm.exchange(&request);
        let again = warm.cost(&request);
        println!(
            "stateless {stateless}, a list of {length} bytes: {} allocations, then {}",
            allocations(&first),
            allocations(&again)
        );
        assert_eq!(warm.out.len(), length);
        assert!(allocations(&again) <= 4, "{again:?}");
        assert!(again.bytes_allocated < 1024, "{again:?}");
        assert!(server.handle().add_tool(other(last + 1)).unwrap());
        warm.conn.handle_service(server.current(), Instant::ZERO);
        while warm.conn.poll_transmit(&mut warm.out) {}
    }
}
