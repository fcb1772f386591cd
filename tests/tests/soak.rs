//! Fifty callers, ten thousand calls, cancelled at random, over a Unix socket, on every binding:
//! nothing is lost, nothing comes twice, and memory does not grow.
#![cfg(unix)]

use std::{
    alloc::System,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use mcp_client_core::{CallError, Options};
use mcp_server_core::{Cx, Server, ServerBuilder, ToolEntry, ToolError};
use mcp_tests::bindings::{Binding, tokio_runtime};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CALLS: usize = 10_000;
const CALLERS: usize = 50;
/// Rounds, each of which ends with nothing under way: memory is compared between them.
const ROUNDS: usize = 5;
/// What may be held more at the end than after the first round: no more than a few buffers that
/// have grown to their size by chance.
const GROWTH_BYTES: usize = 96 * 1024;

/// One test at a time: they share the allocator's counters.
static ALONE: Mutex<()> = Mutex::new(());

// ── what happened ───────────────────────────────────────────────────────────────────────────────

/// What happened to each call, on the server.
#[derive(Debug)]
struct Book {
    started: Vec<AtomicU8>,
    ended: Vec<AtomicU8>,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

/// One run of a handler; ends when it is dropped, however that happens.
struct Run(Arc<Book>, usize);

impl Book {
    fn new() -> Arc<Self> {
        let counters = || (0..CALLS).map(|_| AtomicU8::new(0)).collect();
        Arc::new(Self {
            started: counters(),
            ended: counters(),
            running: AtomicUsize::new(0),
            most_running: AtomicUsize::new(0),
        })
    }

    fn start(self: &Arc<Self>, call: usize) -> Result<Run, ToolError> {
        let started = self
            .started
            .get(call)
            .ok_or_else(|| ToolError::new("no such call"))?;
        started.fetch_add(1, Ordering::Relaxed);
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_running.fetch_max(running, Ordering::Relaxed);
        Ok(Run(Arc::clone(self), call))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.0.ended[self.1].fetch_add(1, Ordering::Relaxed);
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(serde::Deserialize)]
struct Arguments {
    call: usize,
    ms: u64,
}

fn server(book: &Arc<Book>) -> Server {
    let schema = || {
        let text =
            r#"{"type":"object","properties":{"call":{"type":"integer"},"ms":{"type":"integer"}}}"#;
        mcp_server_core::mcp_proto::json::Json::parse(text).expect("it is valid JSON")
    };
    let decode = |text: &str| {
        serde_json::from_str::<Arguments>(text).map_err(|error| ToolError::new(error.to_string()))
    };
    let (in_place, on_thread, later) = (Arc::clone(book), Arc::clone(book), Arc::clone(book));
    ServerBuilder::new("soak", "1.0.0")
        .tool(
            ToolEntry::new("at_once")
                .input_schema(schema())
                .run_async(move |input, _| {
                    let run =
                        decode(input.text()).and_then(|arguments| in_place.start(arguments.call));
                    async move { run.map(|run| run.1.to_string()) }
                }),
        )
        .tool(
            ToolEntry::new("on_thread")
                .input_schema(schema())
                .run(move |input, cx: &Cx| {
                    let arguments = decode(input.text())?;
                    let run = on_thread.start(arguments.call)?;
                    let _ = cx.wait(Duration::from_millis(arguments.ms));
                    Ok::<_, ToolError>(run.1.to_string())
                }),
        )
        .tool(
            ToolEntry::new("later")
                .input_schema(schema())
                .run_async(move |input, cx| {
                    let arguments = decode(input.text());
                    let run = arguments
                        .and_then(|arguments| Ok((later.start(arguments.call)?, arguments.ms)));
                    async move {
                        let (run, ms) = run?;
                        for step in 0..ms {
                            cx.progress(step, ms);
                            pause(Duration::from_millis(1)).await;
                        }
                        Ok::<_, ToolError>(run.1.to_string())
                    }
                }),
        )
        .build()
        .expect("the server can be built")
}

/// Sleeps on any runtime.
async fn pause(length: Duration) {
    smol::Timer::after(length).await;
}

// ── what to do ──────────────────────────────────────────────────────────────────────────────────

/// One call: what it does, and when its caller loses patience.
#[derive(Clone, Copy, Debug)]
struct Plan {
    call: usize,
    tool: &'static str,
    ms: u64,
    patience: Option<Duration>,
}

impl Plan {
    /// The same for the same number: every binding is given the same.
    fn of(call: usize) -> Self {
        let dice = call.wrapping_mul(2_654_435_761) >> 7;
        let tool = ["at_once", "on_thread", "later"][dice % 3];
        let ms = (dice / 3 % 4) as u64;
        let patience =
            (dice / 12 % 5 == 0).then(|| Duration::from_micros((dice / 60 % 2500) as u64));
        Self {
            call,
            tool,
            ms,
            patience,
        }
    }

    fn arguments(self) -> serde_json::Value {
        json!({"call": self.call, "ms": self.ms})
    }
}

/// How a call went, for its caller.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Answered,
    GivenUp,
}

/// The calls that one of so many callers makes in one round.
fn share(round: usize, caller: usize) -> impl Iterator<Item = Plan> {
    let each = CALLS / ROUNDS / CALLERS;
    let first = round * (CALLS / ROUNDS) + caller * each;
    (first..first + each).map(Plan::of)
}

fn check(plan: Plan, text: &str) {
    assert_eq!(
        text,
        plan.call.to_string(),
        "somebody else's answer to {plan:?}"
    );
}

// ── the bindings ────────────────────────────────────────────────────────────────────────────────

/// Makes a round's calls from all callers at once.
trait Callers {
    fn round(&self, round: usize) -> Vec<(usize, End)>;
}

struct Blocking(bind_blocking::Client);

impl Callers for Blocking {
    fn round(&self, round: usize) -> Vec<(usize, End)> {
        thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS)
                .map(|caller| {
                    scope.spawn(move || {
                        share(round, caller)
                            .map(|plan| self.call(plan))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            callers
                .into_iter()
                .flat_map(|caller| caller.join().expect("a caller does not panic"))
                .collect()
        })
    }
}

impl Blocking {
    fn call(&self, plan: Plan) -> (usize, End) {
        // A thread cannot give up a call by dropping it; its time runs out instead.
        let client = match plan.patience {
            Some(patience) => self.0.with(Options::default().timeout(patience)),
            None => self.0.clone(),
        };
        match client.call_tool(plan.tool, plan.arguments()) {
            Ok(output) => check(plan, &output.text()),
            Err(bind_blocking::Error::Call(CallError::TimedOut)) if plan.patience.is_some() => {
                return (plan.call, End::GivenUp);
            }
            Err(error) => panic!("{plan:?}: {error}"),
        }
        (plan.call, End::Answered)
    }
}

/// The same for each async client: they have no type in common, but all their words.
macro_rules! async_caller {
    ($name:ident, $client:ty, $timeout:path) => {
        async fn $name(client: $client, round: usize, caller: usize) -> Vec<(usize, End)> {
            let mut ends = Vec::new();
            for plan in share(round, caller) {
                let call = client.call_tool(plan.tool, plan.arguments());
                let output = match plan.patience {
                    // Dropped where it stands, when patience runs out.
                    Some(patience) => $timeout(patience, call).await,
                    None => Some(call.await),
                };
                match output {
                    Some(Ok(output)) => check(plan, &output.text()),
                    Some(Err(error)) => panic!("{plan:?}: {error}"),
                    None => {
                        ends.push((plan.call, End::GivenUp));
                        continue;
                    }
                }
                ends.push((plan.call, End::Answered));
            }
            ends
        }
    };
}

async fn tokio_timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(limit, future).await.ok()
}

async fn timer_timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let late = async {
        smol::Timer::after(limit).await;
        None
    };
    smol::future::or(async { Some(future.await) }, late).await
}

async_caller!(call_on_tokio, bind_tokio::Client, tokio_timeout);
async_caller!(call_on_smol, bind_async_std::smol::Client, timer_timeout);
async_caller!(
    call_on_async_std,
    bind_async_std::async_std::Client,
    timer_timeout
);

struct Tokio<'a>(&'a tokio::runtime::Runtime, bind_tokio::Client);

impl Callers for Tokio<'_> {
    fn round(&self, round: usize) -> Vec<(usize, End)> {
        self.0.block_on(async {
            let tasks: Vec<_> = (0..CALLERS)
                .map(|caller| tokio::spawn(call_on_tokio(self.1.clone(), round, caller)))
                .collect();
            let mut ends = Vec::new();
            for task in tasks {
                ends.extend(task.await.expect("a caller does not panic"));
            }
            ends
        })
    }
}

struct Smol(bind_async_std::smol::Client);

impl Callers for Smol {
    fn round(&self, round: usize) -> Vec<(usize, End)> {
        smol::block_on(async {
            let tasks: Vec<_> = (0..CALLERS)
                .map(|caller| smol::spawn(call_on_smol(self.0.clone(), round, caller)))
                .collect();
            let mut ends = Vec::new();
            for task in tasks {
                ends.extend(task.await);
            }
            ends
        })
    }
}

struct AsyncStd(bind_async_std::async_std::Client);

impl Callers for AsyncStd {
    fn round(&self, round: usize) -> Vec<(usize, End)> {
        async_std::task::block_on(async {
            let tasks: Vec<_> = (0..CALLERS)
                .map(|caller| {
                    async_std::task::spawn(call_on_async_std(self.0.clone(), round, caller))
                })
                .collect();
            let mut ends = Vec::new();
            for task in tasks {
                ends.extend(task.await);
            }
            ends
        })
    }
}

// ── the test ────────────────────────────────────────────────────────────────────────────────────

fn held() -> usize {
    let stats = ALLOCATOR.stats();
    stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated)
}

/// Runs all rounds, and compares what callers and server have seen.
fn soak(book: &Arc<Book>, callers: &impl Callers) {
    let mut ends = vec![None; CALLS];
    let mut after_first = 0;
    for round in 0..ROUNDS {
        for (call, end) in callers.round(round) {
            assert!(ends[call].replace(end).is_none(), "call {call} ended twice");
        }
        settle(book);
        if round == 0 {
            after_first = held();
        }
    }
    let growth = held().saturating_sub(after_first);
    let mut given_up = 0;
    for (call, end) in ends.iter().enumerate() {
        let runs = (
            book.started[call].load(Ordering::Relaxed),
            book.ended[call].load(Ordering::Relaxed),
        );
        match end.expect("every call has ended") {
            End::Answered => assert_eq!(runs, (1, 1), "runs of the answered call {call}"),
            End::GivenUp => {
                given_up += 1;
                assert!(
                    runs == (0, 0) || runs == (1, 1),
                    "runs of the call {call}, given up: {runs:?}"
                );
            }
        }
    }
    let most = book.most_running.load(Ordering::Relaxed);
    println!("{given_up} of {CALLS} given up, at most {most} at once, {growth} bytes more held");
    assert!(
        given_up > CALLS / 50 && most > CALLERS / 5,
        "this was too easy to show anything"
    );
    assert!(
        growth < GROWTH_BYTES,
        "{growth} bytes more are held after {CALLS} calls than after {}",
        CALLS / ROUNDS
    );
}

/// Waits until every handler has ended, those of abandoned calls included.
fn settle(book: &Book) {
    let until = Instant::now() + Duration::from_secs(20);
    while book.running.load(Ordering::Relaxed) > 0 {
        assert!(Instant::now() < until, "handlers run that nobody waits for");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Where the tests' sockets are; removed with everything in it.
struct Place(std::path::PathBuf);

impl Place {
    fn new(binding: Binding) -> Self {
        let path =
            std::env::temp_dir().join(format!("mcp-soak-{}-{binding:?}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory for the socket");
        Self(path)
    }

    fn socket(&self) -> std::path::PathBuf {
        self.0.join("socket")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn blocking_holds_out() {
    let _alone = ALONE.lock();
    let (book, place) = (Book::new(), Place::new(Binding::Blocking));
    let listener = bind_blocking::Listener::unix(place.socket()).expect("a socket");
    let (shutdown, server) = (listener.shutdown_handle(), server(&book));
    let serving = thread::spawn(move || listener.serve(server));
    let client = bind_blocking::Client::unix(place.socket()).expect("a connection");
    soak(&book, &Blocking(client.clone()));
    client.close();
    shutdown.shutdown();
    serving
        .join()
        .expect("serving does not panic")
        .expect("serving ends well");
}

fn tokio_holds_out(binding: Binding) {
    let _alone = ALONE.lock();
    let (book, place) = (Book::new(), Place::new(binding));
    let runtime = tokio_runtime(binding);
    // The current-thread runtime stands still between rounds, so the server has one of its own.
    let serving_runtime = tokio_runtime(Binding::TokioMultiThread);
    let (server, socket) = (server(&book), place.socket());
    let (serving, shutdown) = match binding {
        Binding::TokioMultiThread => {
            let listener = serving_runtime
                .block_on(bind_tokio::Listener::unix(&socket))
                .expect("a socket");
            let shutdown = listener.shutdown_handle();
            (
                thread::spawn(move || serving_runtime.block_on(listener.serve(server))),
                shutdown,
            )
        }
        _ => {
            let (sender, receiver) = std::sync::mpsc::channel();
            let serving = thread::spawn(move || {
                tokio_runtime(Binding::TokioCurrentThread).block_on(async {
                    let listener = bind_tokio::Listener::unix(&socket).await?;
                    sender
                        .send(listener.shutdown_handle())
                        .expect("the test waits");
                    listener.serve(server).await
                })
            });
            (serving, receiver.recv().expect("the listener listens"))
        }
    };
    let client = runtime
        .block_on(bind_tokio::Client::unix(place.socket()))
        .expect("a connection");
    soak(&book, &Tokio(&runtime, client.clone()));
    runtime.block_on(client.close());
    shutdown.shutdown();
    serving
        .join()
        .expect("serving does not panic")
        .expect("serving ends well");
}

#[test]
fn tokio_on_one_thread_holds_out() {
    tokio_holds_out(Binding::TokioCurrentThread);
}

#[test]
fn tokio_on_many_threads_holds_out() {
    tokio_holds_out(Binding::TokioMultiThread);
}

#[test]
fn smol_holds_out() {
    let _alone = ALONE.lock();
    let (book, place) = (Book::new(), Place::new(Binding::Smol));
    let listener =
        smol::block_on(bind_async_std::smol::Listener::unix(place.socket())).expect("a socket");
    let (shutdown, server) = (listener.shutdown_handle(), server(&book));
    let serving = thread::spawn(move || smol::block_on(listener.serve(server)));
    let client =
        smol::block_on(bind_async_std::smol::Client::unix(place.socket())).expect("a connection");
    soak(&book, &Smol(client.clone()));
    smol::block_on(client.close());
    shutdown.shutdown();
    serving
        .join()
        .expect("serving does not panic")
        .expect("serving ends well");
}

#[test]
fn async_std_holds_out() {
    use async_std::task::block_on;

    let _alone = ALONE.lock();
    let (book, place) = (Book::new(), Place::new(Binding::AsyncStd));
    let listener =
        block_on(bind_async_std::async_std::Listener::unix(place.socket())).expect("a socket");
    let (shutdown, server) = (listener.shutdown_handle(), server(&book));
    let serving = thread::spawn(move || block_on(listener.serve(server)));
    let client =
        block_on(bind_async_std::async_std::Client::unix(place.socket())).expect("a connection");
    soak(&book, &AsyncStd(client.clone()));
    block_on(client.close());
    shutdown.shutdown();
    serving
        .join()
        .expect("serving does not panic")
        .expect("serving ends well");
}
