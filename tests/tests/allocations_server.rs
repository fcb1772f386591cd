//! What a call costs the server: allocations and copies, from the bytes of a request to the bytes
//! of its answer.

use std::{alloc::System, sync::Arc};

use mcp_proto::{json::Json, rpc::CallId, time::Instant};
use mcp_server_core::{Conn, Cx, Event, Handler, Link, Note, Server, ToolEntry, mcp_proto, tool};
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

impl Warm {
    fn new(stateless: bool, other_tools: usize) -> Self {
        let mut builder = Server::builder("demo", "1.0.0").tool(add).tool(echo);
        for number in 0..other_tools {
            builder = builder.tool(ToolEntry::new(format!("other_{number}")).run(|_, _| "other"));
        }
        let conn = builder.build().unwrap().connect(1, Instant::ZERO);
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
        let meta = match self.stateless {
            true => {
                r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#
            }
            false => "",
        };
        let params = format!(r#"{{"name":"{tool}","arguments":{arguments}{meta}}}"#);
        format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{params}}}\n")
            .into_bytes()
    }

    /// Takes a request's bytes in and its answer's bytes out.
    fn exchange(&mut self, request: &[u8]) {
        self.conn.handle_bytes(request, Instant::ZERO);
        while let Some(event) = self.conn.poll_event() {
            let Event::Call(call) = event else {
                panic!("{event:?}")
            };
            let (Handler::Sync(run) | Handler::Quick(run)) = call.handler else {
                panic!("all of these are plain functions")
            };
            let outcome = run(call.work, Cx::new(call.context, Arc::clone(&self.link)));
            let _ = self.conn.finish(call.ticket, outcome, Instant::ZERO);
        }
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

        // In the input buffer it lies once; from there it is copied into the handler's string,
        // which is the answer's text; and from there into the output buffer.
        let mut warm = Warm::new(stateless, 0);
        let text = "x".repeat(64 * 1024);
        let arguments = Json::new(&serde_json::json!({ "message": text })).unwrap();
        let request = warm.request("echo", arguments.as_str());
        // The two output buffers take turns.
        warm.exchange(&request);
        warm.exchange(&request);
        let cost = warm.cost(&request);
        println!(
            "stateless {stateless}, 64 KiB: {} bytes in {} allocations, {} sent",
            cost.bytes_allocated,
            allocations(&cost),
            warm.out.len(),
        );
        assert!(warm.out.len() > text.len());
        assert!(
            cost.bytes_allocated < 2 * text.len() + 8 * 1024,
            "the input buffer, which goes with the message, and the string: {cost:?}"
        );
    }
}
