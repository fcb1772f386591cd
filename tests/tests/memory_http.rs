//! What a client that only waits costs the server: bytes of its own memory, counted as they are
//! allocated. What a binding and the system add for a connection is not in it.

use std::{alloc::System, task::Waker};

use mcp_server_core::{
    Server,
    http::{HttpDesk, HttpHub},
    mcp_proto::limits::Limits,
    tool,
};
use mcp_tests::hub;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MANY: usize = 10_000;
const COUNT: usize = 1000;

/// Adds two numbers.
#[tool]
fn add(a: f64, b: f64) -> f64 {
    a + b
}

/// Opens a session, and leaves it after one call where that is wanted.
fn session(hub: &HttpHub, calls: bool) {
    let id = hub::session(hub);
    if calls {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2}}}"#;
        let answer = hub::in_session(hub, &id, call).answer;
        assert!(answer.contains(r#""text":"3""#), "{answer}");
    }
}

/// Subscribes to changes.
fn listen(hub: &HttpHub) -> Box<HttpDesk> {
    Box::new(hub::listen(
        hub,
        r#""toolsListChanged":true"#,
        Waker::noop(),
    ))
}

/// Bytes that are kept for each of many.
fn bytes_each<T>(count: usize, open: impl Fn() -> T) -> usize {
    // What is made once is made.
    let _first: Vec<T> = (0..10).map(|_| open()).collect();
    let mut all = Vec::with_capacity(count);
    let region = Region::new(ALLOCATOR);
    all.extend((0..count).map(|_| open()));
    let kept = region.change();
    (kept.bytes_allocated - kept.bytes_deallocated) / count
}

// One test, because the counters are the whole process's.
#[test]
fn a_client_that_only_waits_costs_little() {
    let served = || {
        let mut limits = Limits::default();
        limits.sessions = 2 * MANY;
        let server = Server::builder("demo", "1.0.0").limits(limits).tool(add);
        hub::hub(server.build().unwrap())
    };
    let (idle, used, listening) = (served(), served(), served());
    for (what, bytes, most) in [
        ("session", bytes_each(MANY, || session(&idle, false)), 2_200),
        (
            "session after a call",
            bytes_each(COUNT, || session(&used, true)),
            2_800,
        ),
        (
            "listen stream",
            bytes_each(COUNT, || listen(&listening)),
            3_000,
        ),
    ] {
        println!("{what}: {bytes} of {most} bytes");
        assert!(bytes <= most, "{what}: {bytes} of {most} bytes");
    }
}
