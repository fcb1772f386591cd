//! What a call through the client costs: allocations and copies, from parameters to bytes and from
//! bytes to a typed result.

use std::alloc::System;

use mcp_client_core::{
    CallOptions, Client, ClientBuilder, Config, Desk, EraMode, Event, ToolOutput, command,
};
use mcp_proto::{
    json::Json,
    request::CallTool,
    time::Instant,
    types::{CallToolParams, Implementation},
    version::ProtocolVersion,
};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A client that has agreed on a revision, and the buffer its bytes go to.
struct Warm {
    client: Client,
    out: Vec<u8>,
    next: i64,
}

impl Warm {
    fn new(era: EraMode, answer: &str) -> Self {
        let mut config = Config::new(Implementation::new("c", "1.0.0"));
        config.era = era;
        let client = Client::new(config, Instant::ZERO);
        let mut warm = Self {
            client,
            out: Vec::with_capacity(1 << 20),
            next: 2,
        };
        warm.client.handle_bytes(
            format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{answer}}}\n").as_bytes(),
            Instant::ZERO,
        );
        assert!(matches!(warm.client.poll_event(), Some(Event::Ready)));
        while warm.client.poll_transmit(&mut warm.out) {}
        for _ in 0..3 {
            assert_eq!(warm.add(), 3.0);
        }
        warm
    }

    fn all() -> [(&'static str, Self); 2] {
        let handshake = EraMode::Handshake(ProtocolVersion::LATEST_HANDSHAKE);
        let initialized = r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#;
        let discovered = r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#;
        [
            ("handshake", Self::new(handshake, initialized)),
            ("stateless", Self::new(EraMode::Stateless, discovered)),
        ]
    }

    /// One call of a tool that adds two numbers, as a program makes it.
    fn add(&mut self) -> f64 {
        let arguments = Json::new(&json!({"a": 1, "b": 2})).unwrap();
        let params = CallToolParams::new("add").with_arguments(arguments);
        let response = self.response(r#"{"resultType":"complete","content":[{"type":"text","text":"3"}],"structuredContent":{"result":3}}"#);
        self.call(&params, &response).structured().unwrap()
    }

    fn response(&mut self, result: &str) -> Vec<u8> {
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}\n",
            self.next
        );
        self.next += 1;
        line.into_bytes()
    }

    fn call(&mut self, params: &CallToolParams, response: &[u8]) -> ToolOutput {
        let now = Instant::ZERO;
        let call = self
            .client
            .call::<CallTool>(params, &CallOptions::default(), now)
            .unwrap();
        self.out.clear();
        while self.client.poll_transmit(&mut self.out) {}
        self.client.handle_bytes(response, now);
        assert!(matches!(self.client.poll_event(), Some(Event::Done(_))));
        self.client.take(call).unwrap().unwrap().into()
    }
}

/// What a call costs that is made from another thread or task, as in the bindings.
fn through_a_desk(arguments: &serde_json::Value) -> usize {
    let era = EraMode::Handshake(ProtocolVersion::LATEST_HANDSHAKE);
    let builder = ClientBuilder::new("c", "1.0.0").era(era);
    let (mut desk, caller) = Desk::new(builder, || {}, Instant::ZERO);
    desk.handle_bytes(
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\"}}\n",
        Instant::ZERO,
    );
    let mut out = Vec::with_capacity(1 << 16);
    let mut last = 0;
    for id in 2..10 {
        let result = r#"{"content":[{"type":"text","text":"3"}],"structuredContent":{"result":3}}"#;
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n");
        let region = Region::new(ALLOCATOR);
        let reply = caller.submit(command::call_tool("add", arguments));
        assert!(desk.poll_task(Instant::ZERO).is_none());
        out.clear();
        while desk.poll_transmit(&mut out) {}
        desk.handle_bytes(line.as_bytes(), Instant::ZERO);
        assert!(desk.poll_task(Instant::ZERO).is_none());
        let sum: f64 = reply.wait().unwrap().structured().unwrap();
        let cost = region.change();
        assert_eq!(sum, 3.0);
        last = cost.allocations + cost.reallocations;
    }
    println!("through a desk: {last} allocations");
    last
}

// One test, because the counters are the whole process's.
#[test]
fn a_call_costs_a_handful_of_allocations_and_a_long_text_two_copies() {
    for (era, mut warm) in Warm::all() {
        let numbers = json!({"a": 1, "b": 2});
        let response = warm.response(r#"{"resultType":"complete","content":[{"type":"text","text":"3"}],"structuredContent":{"result":3}}"#);
        let region = Region::new(ALLOCATOR);
        let arguments = Json::new(&numbers).unwrap();
        let params = CallToolParams::new("add").with_arguments(arguments);
        let sum: f64 = warm.call(&params, &response).structured().unwrap();
        let cost = region.change();
        assert_eq!(sum, 3.0);
        let allocations = cost.allocations + cost.reallocations;
        println!(
            "{era}: {allocations} allocations, {} bytes",
            cost.bytes_allocated
        );
        // The two parameters; the list of blocks, the text, and the structured value of the result.
        assert_eq!(allocations, 5, "{era}: {cost:?}");
        assert_eq!(
            cost.allocations,
            cost.deallocations + 2,
            "only the two parameters are left: {era} {cost:?}"
        );
        drop(params);

        // The same, and what caller and loop share.
        assert_eq!(through_a_desk(&numbers), 6);

        // The text in the input buffer becomes the text in the result: what is kept of the message
        // until it is taken is the input buffer itself.
        let text = "x".repeat(64 * 1024);
        let response = warm.response(&format!(
            r#"{{"content":[{{"type":"text","text":"{text}"}}]}}"#
        ));
        let params = CallToolParams::new("long");
        let region = Region::new(ALLOCATOR);
        let output = warm.call(&params, &response);
        let cost = region.change();
        println!(
            "{era}: {} bytes for a result of {}",
            cost.bytes_allocated,
            text.len()
        );
        assert_eq!(output.text(), text);
        assert!(
            cost.bytes_allocated < 2 * text.len() + 8 * 1024,
            "{era}: {cost:?}"
        );

        // A long argument: once into the outgoing message, kept beside it only where the server
        // may ask back, and once into the caller's buffer, which is there already.
        let arguments = Json::new(&json!({"text": text})).unwrap();
        let params = CallToolParams::new("long").with_arguments(arguments);
        let response = warm.response(r#"{"content":[]}"#);
        let region = Region::new(ALLOCATOR);
        warm.call(&params, &response);
        let cost = region.change();
        println!(
            "{era}: {} bytes for arguments of {}",
            cost.bytes_allocated,
            text.len()
        );
        assert!(cost.bytes_allocated < 4 * text.len(), "{era}: {cost:?}");
    }
}
