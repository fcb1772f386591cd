//! The machine alone: handlers are bare `fn` pointers, and the loop is a page long.
//!
//! Nothing here needs threads, an allocator of its own, or more of std than reading and writing
//! bytes; `echo '{"jsonrpc":"2.0","id":1,"method":"ping"}' | cargo run -p mcp-server-core --example fn_pointers`
#![allow(
    clippy::disallowed_methods,
    reason = "a loop has a clock; the machines have none"
)]

use std::{
    io::{self, Read, Write},
    sync::Arc,
    time::Instant as Clock,
};

use mcp_server_core::{
    Conn, Event, Outcome, Service, Work,
    mcp_proto::{
        json::Json,
        time::Instant,
        types::{CallToolResult, Implementation, Tool},
    },
};

/// What the service stores for each of its components: here, what runs it.
type Handler = fn(&Work) -> Outcome;

fn double(work: &Work) -> Outcome {
    let Work::Tool {
        arguments: Some(arguments),
        ..
    } = work
    else {
        return Outcome::Tool(CallToolResult::error("pass the number `n`"));
    };
    #[derive(serde::Deserialize)]
    struct Arguments {
        n: i64,
    }
    match arguments.to::<Arguments>() {
        Ok(Arguments { n }) => Outcome::Tool(CallToolResult::text(format!("{}", n * 2))),
        Err(error) => Outcome::Tool(CallToolResult::error(error.to_string())),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schema =
        Json::parse(r#"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"#)?;
    let service = Service::<Handler>::builder(Implementation::new("fn-pointers", "1.0.0"))
        .tool(
            Tool::new("double", schema).with_description("Doubles a number."),
            double,
        )
        .build()?;
    let start = Clock::now();
    let now = || Instant::ZERO.saturating_add(start.elapsed());
    let mut conn = Conn::new(Arc::new(service), 0, now());
    let (mut input, mut output) = ([0; 4096], Vec::new());
    loop {
        // Events first, then what there is to send, until there is neither.
        loop {
            let event = conn.poll_event();
            match event {
                Some(Event::Call(call)) => {
                    let outcome = (call.handler)(&call.work);
                    let _ = conn.finish(call.ticket, outcome, now());
                }
                Some(Event::Closed(_)) => return Ok(()),
                Some(_) => {}
                None if conn.poll_transmit(&mut output) => {
                    io::stdout().write_all(&output)?;
                    output.clear();
                }
                None => break,
            }
        }
        io::stdout().flush()?;
        match io::stdin().read(&mut input)? {
            0 => conn.handle_eof(now()),
            count => conn.handle_bytes(&input[..count], now()),
        }
    }
}
