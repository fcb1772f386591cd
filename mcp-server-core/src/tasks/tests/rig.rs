//! A server with one client, whose tasks run when they are told to.

use alloc::{boxed::Box, format, string::String, string::ToString, sync::Arc, vec::Vec};
use core::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::{collections::VecDeque, sync::Mutex};

use mcp_proto::time::Instant;
use serde_json::{Value, json};

use super::{MemoryTaskStore, TaskStore};
use crate::{
    Desk, ServerBuilder,
    handler::BoxFuture,
    host::{Detached, Host},
    server::Server,
    tasks::{StoreError, TaskRecord},
};

/// 2026-07-28T12:00:00Z
const BEGAN_MS: u64 = 1_785_240_000_000;

/// Keeps what it is to run until it is told to.
#[derive(Debug, Default)]
pub(super) struct Puppet {
    blocking: Mutex<Vec<Detached>>,
    futures: Mutex<Vec<Held>>,
    // When something is to be run, and what.
    later: Mutex<Option<(u64, Detached)>>,
    passed_ms: AtomicU64,
    drawn: AtomicU64,
}

struct Held(BoxFuture<()>);

impl core::fmt::Debug for Held {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Held")
    }
}

impl Host for Puppet {
    fn spawn(&self, run: Detached) {
        match run {
            Detached::Future(future) => self.futures.lock().unwrap().push(Held(future)),
            run => self.blocking.lock().unwrap().push(run),
        }
    }

    fn run_after(&self, wait: Duration, run: Detached) {
        let at = self.passed_ms.load(Ordering::SeqCst) + wait.as_millis() as u64;
        *self.later.lock().unwrap() = Some((at, run));
    }

    fn unix_time(&self) -> Duration {
        Duration::from_millis(BEGAN_MS + self.passed_ms.load(Ordering::SeqCst))
    }

    fn random(&self) -> Option<[u8; 16]> {
        let drawn = self.drawn.fetch_add(1, Ordering::SeqCst);
        let mut bytes = [0xab; 16];
        bytes[8..].copy_from_slice(&drawn.to_be_bytes());
        Some(bytes)
    }
}

impl Puppet {
    /// Runs what there is: whatever may block to its end, and futures by one poll.
    pub(super) fn run(&self) {
        let mut context = Context::from_waker(Waker::noop());
        let futures = core::mem::take(&mut *self.futures.lock().unwrap());
        for Held(mut future) in futures {
            if future.as_mut().poll(&mut context).is_pending() {
                self.futures.lock().unwrap().push(Held(future));
            }
        }
        loop {
            let runs = core::mem::take(&mut *self.blocking.lock().unwrap());
            if runs.is_empty() {
                return;
            }
            for run in runs {
                if let Detached::Blocking(run) = run {
                    run();
                }
            }
        }
    }

    /// How many are not done.
    pub(super) fn waiting(&self) -> usize {
        self.blocking.lock().unwrap().len() + self.futures.lock().unwrap().len()
    }

    pub(super) fn drop_all(&self) {
        let futures = core::mem::take(&mut *self.futures.lock().unwrap());
        let blocking = core::mem::take(&mut *self.blocking.lock().unwrap());
        drop((futures, blocking));
    }
}

pub(super) struct Rig {
    pub(super) host: Arc<Puppet>,
    server: Server,
    desk: Desk,
    told: VecDeque<Value>,
    next_id: u64,
}

impl Rig {
    pub(super) fn new(builder: ServerBuilder) -> Self {
        let host = Arc::new(Puppet::default());
        // Another process draws other numbers.
        static RIGS: AtomicU64 = AtomicU64::new(0);
        let first = RIGS.fetch_add(1, Ordering::SeqCst) << 32;
        host.drawn.store(first, Ordering::SeqCst);
        let server = builder
            .build()
            .unwrap()
            .hosted_by(Arc::clone(&host) as Arc<dyn Host>);
        Self::of(host, server, None)
    }

    fn of(host: Arc<Puppet>, server: Server, subject: Option<&str>) -> Self {
        let mut desk = Desk::new(&server, Instant::ZERO);
        desk.on_behalf_of(subject.map(Arc::from));
        Self {
            host,
            server,
            desk,
            told: VecDeque::new(),
            next_id: 0,
        }
    }

    /// Another client of the same server, which somebody has let in as `subject`.
    pub(super) fn other(&self, subject: &str) -> Self {
        Self::of(Arc::clone(&self.host), self.server.clone(), Some(subject))
    }

    pub(super) fn server_info(&self) -> Value {
        json!({"io.modelcontextprotocol/serverInfo": {"name": "t", "version": "1"}})
    }

    pub(super) fn wait(&mut self, time: Duration) {
        let passed = time.as_millis() as u64;
        let now = self.host.passed_ms.fetch_add(passed, Ordering::SeqCst) + passed;
        loop {
            let due = self
                .host
                .later
                .lock()
                .unwrap()
                .take_if(|(at, _)| *at <= now);
            match due {
                Some((_, Detached::Blocking(run))) => run(),
                _ => return,
            }
        }
    }

    /// In how many milliseconds the host will run something; `None` where nothing is due.
    pub(super) fn alarm(&self) -> Option<u64> {
        let now = self.host.passed_ms.load(Ordering::SeqCst);
        let later = self.host.later.lock().unwrap();
        later.as_ref().map(|(at, _)| at.saturating_sub(now))
    }

    /// When the next call of this client's has taken too long, from the beginning on.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let deadline = self.desk.poll_timeout()?;
        Some(deadline.duration_since(Instant::ZERO))
    }

    pub(super) fn run(&mut self) {
        self.host.run();
        self.turn();
    }

    fn turn(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            // What a job gives is taken in by the next turn.
            for _ in 0..2 {
                let _ = self
                    .desk
                    .poll_work(&mut context, Instant::ZERO, |job| job.run());
            }
            let mut out = Vec::new();
            if !self.desk.poll_transmit(&mut out) {
                return;
            }
            for line in String::from_utf8(out).unwrap().lines() {
                self.told.push_back(serde_json::from_str(line).unwrap());
            }
        }
    }

    /// The next message from the server; null where there is none.
    pub(super) fn told(&mut self) -> Value {
        self.turn();
        self.told.pop_front().unwrap_or_default()
    }

    fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.desk
            .handle_bytes(format!("{message}\n").as_bytes(), Instant::ZERO);
        id
    }

    fn claim(mut params: Value, extensions: &Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {
                "extensions": extensions, "elicitation": {}, "roots": {},
            },
        });
        params
    }

    /// An answer of the client's to a request of the server's.
    pub(super) fn answer(&mut self, id: &Value, result: &Value) -> Value {
        let message = json!({"jsonrpc": "2.0", "id": id, "result": result});
        self.desk
            .handle_bytes(format!("{message}\n").as_bytes(), Instant::ZERO);
        self.told()
    }

    /// A request of 2026-07-28 from a client that takes tasks, and what is sent next.
    pub(super) fn request(&mut self, method: &str, params: Value) -> Value {
        let params = Self::claim(params, &json!({"io.modelcontextprotocol/tasks": {}}));
        self.send(method, &params);
        self.told()
    }

    /// The same from one that does not.
    pub(super) fn plain_request(&mut self, method: &str, params: Value) -> Value {
        self.send(method, &Self::claim(params, &json!({})));
        self.told()
    }

    pub(super) fn call(&mut self, tool: &str) -> Value {
        self.request("tools/call", json!({"name": tool}))
    }

    pub(super) fn plain_call(&mut self, tool: &str) -> Value {
        self.plain_request("tools/call", json!({"name": tool}))
    }

    /// Calls a tool and gives its task's id.
    pub(super) fn begin(&mut self, tool: &str) -> String {
        let created = self.call(tool);
        let id = created["result"]["taskId"].as_str();
        id.unwrap_or_else(|| panic!("{created}")).to_string()
    }

    pub(super) fn task_request(&mut self, method: &str, id: &str, mut params: Value) -> Value {
        params["taskId"] = id.into();
        self.request(method, params)
    }

    pub(super) fn get(&mut self, id: &str) -> Value {
        self.task_request("tasks/get", id, json!({}))["result"].take()
    }

    /// A request of the handshake era, and what is sent next.
    #[allow(clippy::needless_pass_by_value)]
    pub(super) fn session_request(&mut self, method: &str, params: Value) -> Value {
        self.send(method, &params);
        self.told()
    }

    /// The same, and its answer, whatever is sent before.
    #[allow(clippy::needless_pass_by_value)]
    pub(super) fn session_answer(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, &params);
        loop {
            let told = self.told();
            assert!(!told.is_null(), "no answer");
            if told["id"] == id {
                return told;
            }
        }
    }

    pub(super) fn initialize(&mut self) -> Value {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}}});
        let answer = self.session_request("initialize", params);
        let ready = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";
        self.desk.handle_bytes(ready.as_bytes(), Instant::ZERO);
        self.turn();
        answer["result"].clone()
    }
}

/// Ready after so many polls.
pub(super) struct Steps(u32);

impl Steps {
    pub(super) fn new(steps: u32) -> Self {
        Self(steps)
    }
}

impl Future for Steps {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<&'static str> {
        if self.0 == 0 {
            return Poll::Ready("arrived");
        }
        self.0 -= 1;
        Poll::Pending
    }
}

/// A store of one process that outlives it, and fails when it is told to.
#[derive(Debug, Default)]
pub(super) struct BrokenStore {
    inner: MemoryTaskStore,
    insert: AtomicBool,
    replace: AtomicBool,
    load: AtomicBool,
    expire: AtomicBool,
    // Changes that somebody else is to be faster with.
    lost: AtomicUsize,
}

impl BrokenStore {
    pub(super) fn break_insert(&self, broken: bool) {
        self.insert.store(broken, Ordering::SeqCst);
    }

    pub(super) fn break_replace(&self, broken: bool) {
        self.replace.store(broken, Ordering::SeqCst);
    }

    /// Somebody else is faster, so many times.
    pub(super) fn lose_races(&self, races: usize) {
        self.lost.store(races, Ordering::SeqCst);
    }

    pub(super) fn break_expire(&self, broken: bool) {
        self.expire.store(broken, Ordering::SeqCst);
    }

    pub(super) fn break_load(&self, broken: bool) {
        self.load.store(broken, Ordering::SeqCst);
    }
}

fn check(broken: &AtomicBool) -> Result<(), StoreError> {
    if broken.load(Ordering::SeqCst) {
        return Err(StoreError::failed(Box::<
            dyn core::error::Error + Send + Sync,
        >::from("the disk is full")));
    }
    Ok(())
}

impl TaskStore for BrokenStore {
    fn insert(&self, record: &TaskRecord) -> Result<(), StoreError> {
        check(&self.insert)?;
        self.inner.insert(record)
    }

    fn load(&self, id: &str) -> Result<Option<TaskRecord>, StoreError> {
        check(&self.load)?;
        self.inner.load(id)
    }

    fn replace(&self, record: &TaskRecord) -> Result<bool, StoreError> {
        check(&self.replace)?;
        let lost = self.lost.load(Ordering::SeqCst);
        if lost > 0 {
            self.lost.store(lost - 1, Ordering::SeqCst);
            return Ok(false);
        }
        self.inner.replace(record)
    }

    fn expire(&self, now_ms: u64) -> Result<(), StoreError> {
        check(&self.expire)?;
        self.inner.expire(now_ms)
    }

    fn list(
        &self,
        subject: Option<&str>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<TaskRecord>, StoreError> {
        self.inner.list(subject, after, most)
    }
}
