//! What a client that only waits costs the server, and what a hostile one can make it hold without a
//! session (2026-07-28): bytes of its own memory, counted as they are allocated. What a binding and
//! the system add for a connection is not in it.

use std::{
    alloc::System,
    fmt,
    future::pending,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use axum::http::Request;
use mcp_server_core::{
    BoxFuture, Detached, Host, ResourceEntry, Server, StoredStates, Tasks, ToolEntry, ToolError,
    http::{HttpDesk, HttpHub},
    mcp_proto::{json::Json, limits::Limits, types::TaskSupport},
    tool,
};
use mcp_tests::hub;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MANY: usize = 10_000;
const COUNT: usize = 1000;

/// The allocator counts for all threads: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

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

#[test]
fn a_client_that_only_waits_costs_little() {
    let _alone = alone();
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

// ── what a hostile client can make it hold ──────────────────────────────────────────────────────

/// Small enough to be filled, with the proportions of the default.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.message_bytes = 64 * 1024;
    limits.name_bytes = 1024;
    limits.outbound_high_water = 8 * 1024;
    limits.subscribed_uris = 16;
    limits.subscribed_topics = 16;
    limits.notes_queued = 16;
    limits.request_state_bytes = 8 * 1024;
    limits.tasks = 64;
    limits.task_bytes = 1024 * 1024;
    limits.tasks_running = 8;
    limits
}

/// Bytes of states that are kept here for clients.
const STATES: usize = 256 * 1024;
/// Requests that are open at the same time, each on a connection of its own.
const EXCHANGES: usize = 64;

/// What the page of the limits says of so many exchanges, of tasks and of kept states.
fn at_most(limits: &Limits) -> usize {
    let exchange = 2 * limits.message_bytes
        + 2 * limits.outbound_high_water
        + (limits.subscribed_uris + limits.subscribed_topics) * limits.name_bytes;
    let tasks = limits.task_bytes + 2 * limits.tasks_running * limits.message_bytes;
    EXCHANGES * exchange + tasks + STATES
}

/// Keeps what it is to run, as if it never ended, but for what ends at once.
#[derive(Default)]
struct Patient(Mutex<Vec<BoxFuture<()>>>);

impl fmt::Debug for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Patient")
    }
}

impl Host for Patient {
    fn spawn(&self, run: Detached) {
        let Detached::Future(mut run) = run else {
            return;
        };
        let polled = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if polled.is_pending() {
            self.0.lock().expect("nothing panics").push(run);
        }
    }

    fn run_after(&self, _: Duration, run: Detached) {
        drop(run);
    }

    fn unix_time(&self) -> Duration {
        Duration::ZERO
    }

    fn random(&self) -> Option<[u8; 16]> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        Some(bytes)
    }
}

fn hostile_ground() -> Arc<HttpHub> {
    let any = || Json::parse(r#"{"type":"object"}"#).expect("a schema");
    let drawn = AtomicU8::new(0);
    let random = move || [drawn.fetch_add(1, Ordering::Relaxed); 16];
    let server = Server::builder("demo", "1.0.0")
        .limits(limits())
        .state_keeper(StoredStates::new(STATES, random))
        .tasks(Tasks::new())
        .resource(ResourceEntry::new("x:0", "x").constant(""))
        .tool(
            ToolEntry::new("hold").raw_async(any(), |arguments, _| async move {
                pending::<()>().await;
                drop(arguments);
            }),
        )
        .tool(
            ToolEntry::new("report").raw_async(any(), |arguments, cx| async move {
                for done in 0..1_000 {
                    cx.progress_with(done, None::<f64>, "p".repeat(1_000));
                }
                pending::<()>().await;
                drop(arguments);
            }),
        )
        .tool(ToolEntry::new("ask").raw_async(any(), |_, cx| async move {
            let sure = cx.confirm("q".repeat(7 * 1024)).get()?;
            Ok::<_, ToolError>(sure.to_string())
        }))
        .tool(
            ToolEntry::new("work")
                .task(TaskSupport::Optional)
                .raw_async(any(), |arguments, _| async move {
                    pending::<()>().await;
                    drop(arguments);
                }),
        )
        .tool(
            ToolEntry::new("result")
                .task(TaskSupport::Optional)
                .raw_async(any(), |_, _| async { "r".repeat(50 * 1024) }),
        );
    let server = server.build().expect("the tools are fine");
    let server = server.hosted_by(Arc::new(Patient::default()));
    hub::hub(server)
}

/// What a client that knows tasks declares.
const TASKS: &str = r#","extensions":{"io.modelcontextprotocol/tasks":{}}"#;

/// A request of 2026-07-28 as long as one may be, whose end nobody has told yet.
fn half(hub: &HttpHub, method: &str, name: &str, params: &str, tasks: &str) -> Box<HttpDesk> {
    let rest = format!(
        r##"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":1,"io.modelcontextprotocol/clientCapabilities":{{"elicitation":{{}}{tasks}}}}}}}}}"##
    );
    let fill = limits().message_bytes - (rest.len() - 1);
    let body = rest.replacen('#', &"x".repeat(fill), 1);
    let mut head = Request::post("/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method);
    if !name.is_empty() {
        head = head.header("mcp-name", name);
    }
    let head = head.body(()).expect("the headers are fine").into_parts().0;
    let mut desk = Box::new(hub.desk(head).expect("it is let in"));
    desk.handle_body(body.as_bytes());
    desk
}

fn whole(mut desk: Box<HttpDesk>) -> Box<HttpDesk> {
    desk.handle_body_end();
    desk.poll_work(&mut Context::from_waker(Waker::noop()));
    desk
}

fn half_a_call(hub: &HttpHub, tool: &str, tasks: &str) -> Box<HttpDesk> {
    let params = format!(r##""name":"{tool}","arguments":{{"a":"#"}},"##);
    half(hub, "tools/call", tool, &params, tasks)
}

#[test]
fn exchanges_without_a_session_are_bounded() {
    let _alone = alone();
    let limits = limits();
    let ground = hostile_ground();
    let region = Region::new(ALLOCATOR);
    let mut most = 0;
    let mut note = || {
        let change = region.change();
        most = most.max(change.bytes_allocated - change.bytes_deallocated);
    };
    // Tasks that go on for ever, and then as many results as fit; states of calls that ask. Their
    // clients go away.
    for tool in ["work", "result", "ask"] {
        for _ in 0..2 * limits.tasks {
            let tasks = match tool {
                "ask" => "",
                _ => TASKS,
            };
            let mut desk = whole(half_a_call(&ground, tool, tasks));
            let _head = desk.poll_head();
            let _answer = hub::read(&mut desk);
            note();
        }
    }
    // Everybody else stays.
    let uris: Vec<String> = (0..limits.subscribed_uris)
        .map(|n| format!("\"x:{n:04}{}\"", "n".repeat(limits.name_bytes - 6)))
        .collect();
    let names = uris.join(",");
    let listen = format!(
        r##""notifications":{{"resourceSubscriptions":[{names}],"taskIds":[{names}]}},"a":"#","##
    );
    let listens = || whole(half(&ground, "subscriptions/listen", "", &listen, TASKS));
    let mut one = listens();
    let _head = one.poll_head();
    let granted = hub::read(&mut one);
    assert_eq!(granted.matches(&names).count(), 2, "all that was asked for");
    drop(one);
    let mut desks = Vec::new();
    for _ in 0..EXCHANGES / 4 {
        desks.push(half_a_call(&ground, "hold", ""));
        desks.push(whole(half_a_call(&ground, "hold", "")));
        desks.push(whole(half_a_call(&ground, "report", "")));
        desks.push(listens());
        note();
    }
    // What changes, nobody reads.
    for _ in 0..100 {
        for uri in &uris {
            ground
                .server()
                .handle()
                .resource_updated(uri.trim_matches('"'));
        }
        for desk in &mut desks {
            desk.poll_work(&mut Context::from_waker(Waker::noop()));
        }
        note();
    }
    let bound = at_most(&limits);
    println!("{most} of {bound} bytes");
    assert!(most <= bound, "{most} of {bound} bytes");
    assert!(most > bound / 3, "{most} of {bound} bytes");
}
