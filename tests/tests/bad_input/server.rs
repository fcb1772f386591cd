//! A server whose handlers do what handlers should not.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    future::pending,
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use mcp_server_core::mcp_proto::limits::Limits;
use mcp_server_core::{Json, Server, ServerBuilder, ToolEntry, prompt, resource, tool};

pub(crate) fn server() -> (Server, Release) {
    let released = Arc::new(AtomicBool::new(false));
    let release = Release(Arc::clone(&released));
    let mut limits = Limits::default();
    limits.message_bytes = 64 * 1024;
    limits.drain_timeout = Duration::from_millis(500);
    let server = ServerBuilder::new("bad", "1.0.0")
        .limits(limits)
        .tool(echo)
        .tool(add)
        .tool(panic_at_once)
        .tool(panic_later)
        .tool(panic_sync)
        .tool(panic_quick)
        .tool(panic_when_dropped)
        .tool(no_json)
        .tool(no_json_later)
        .tool(hold)
        .tool(
            ToolEntry::new("hold_briefly")
                .timeout(Duration::from_millis(30))
                .run_async(|_, _| pending::<String>()),
        )
        .tool(
            ToolEntry::new("stuck")
                .timeout(Duration::from_millis(30))
                .run(move |_, _| stuck(&released)),
        )
        .tool(spin)
        .resource(note)
        .prompt(greet)
        .build()
        .expect("the server can be built");
    (server, release)
}

#[tool]
async fn echo(text: String) -> String {
    text
}

#[tool]
async fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[tool]
async fn panic_at_once() -> String {
    panic!("as asked")
}

#[tool]
async fn panic_later() -> String {
    smol::Timer::after(Duration::from_millis(1)).await;
    panic!("as asked")
}

#[tool]
fn panic_sync() -> String {
    panic!("as asked")
}

#[tool(quick)]
fn panic_quick() -> String {
    panic!("as asked")
}

/// Panics while it is given up.
#[tool(timeout = "30ms")]
async fn panic_when_dropped() -> String {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(thread::panicking(), "as asked");
        }
    }
    let _bomb = Bomb;
    pending().await
}

/// A path that is no text: a value that no JSON can be made of.
fn no_text() -> Json<BTreeMap<String, PathBuf>> {
    let path = PathBuf::from(OsStr::from_bytes(b"\xff"));
    Json([("path".to_owned(), path)].into())
}

#[tool]
fn no_json() -> Json<BTreeMap<String, PathBuf>> {
    no_text()
}

#[tool]
async fn no_json_later() -> Json<BTreeMap<String, PathBuf>> {
    smol::Timer::after(Duration::from_millis(1)).await;
    no_text()
}

/// Does not end unless it is cancelled.
#[tool]
async fn hold() -> String {
    pending().await
}

/// Lets all go that are stuck in handlers of one server, when it is dropped.
pub(crate) struct Release(Arc<AtomicBool>);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Blocks its thread, and does not listen to anybody.
fn stuck(released: &AtomicBool) -> &'static str {
    while !released.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(5));
    }
    "too late"
}

/// Computes for a while without ever waiting.
#[tool]
fn spin(rounds: u64) -> u64 {
    (0..rounds.min(1_000_000)).fold(0, |sum, n| sum ^ n.wrapping_mul(31))
}

#[resource("note://{id}")]
fn note(id: u32) -> String {
    format!("note {id}")
}

#[prompt]
async fn greet(name: String) -> String {
    format!("Say hello to {name}.")
}

/// Handlers that panic as they are asked to need not fill the test's output.
pub(crate) fn expect_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload().downcast_ref::<&str>() != Some(&"as asked") {
                report(panic);
            }
        }));
    });
}
