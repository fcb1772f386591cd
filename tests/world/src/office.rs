//! Calls that outlive their requests: a server's process that ends and starts anew, the disk that
//! outlives it, and two clients, one of each revision that knows tasks.
//!
//! Their links lose nothing; what links do to requests is seen elsewhere. Here the process is what
//! fails.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use mcp_proto::{limits::Limits, time::Instant, types::TaskSupport};
use mcp_server_core::{
    BoxFuture, Call, Conn, Cx, Event, Handler, Link, Note, Outcome, Server, Tasks, Ticket,
    ToolEntry, ToolError, Watch,
};

use crate::{
    asks::{self, Arguments, Notebook},
    disk::{Disk, Drive, Puppet},
    holder::Holder,
    scenario::Pick,
    trace::Trace,
};

/// A process and its clients.
#[derive(Debug)]
pub(crate) struct Office {
    limits: Limits,
    notebook: Notebook,
    disk: Arc<Disk>,
    process: Process,
    pub(crate) holders: [Holder; 2],
    /// How many processes there were before.
    epoch: u32,
}

/// What ends with a process.
#[derive(Debug)]
struct Process {
    server: Server,
    watch: Watch,
    host: Arc<Puppet>,
    drive: Arc<Drive>,
    conns: [Conn<Handler>; 2],
    /// Handlers that may block, and wait for a step that runs them.
    blocking: Vec<(usize, Call<Handler>)>,
    futures: Vec<(usize, Waiting)>,
}

/// A handler that waits, and whether it was woken.
struct Waiting {
    ticket: Ticket,
    future: BoxFuture<Outcome>,
    woken: Arc<Woken>,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.ticket)
    }
}

#[derive(Debug)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Nowhere;

impl Link for Nowhere {
    fn note(&self, _: mcp_proto::rpc::CallId, _: Note) {}
}

/// Ready when it was polled so often.
struct Steps(u8);

impl Future for Steps {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        // Whoever runs it polls it when a step says so.
        Poll::Pending
    }
}

/// How long the runs of a task take, in steps, and what they do.
fn split(what: u8) -> (u8, u8) {
    (what / 16 % 3, what % 16)
}

async fn work(arguments: Arguments, cx: Cx, notebook: Notebook) -> Result<String, ToolError> {
    let (steps, script) = split(arguments.s);
    cx.progress_with(0, 1, "begun");
    Steps(steps).await;
    notebook.works(arguments.n);
    cx.progress_with(1, 1, "halfway");
    asks::play(arguments.n, script, &cx, &notebook)
}

impl Process {
    fn new(
        limits: &Limits,
        notebook: &Notebook,
        disk: &Arc<Disk>,
        epoch: u32,
        now: Instant,
    ) -> Self {
        let host = Arc::new(Puppet::new(epoch, now));
        let drive = Arc::new(Drive::new(Arc::clone(disk)));
        let tasks = Tasks::in_shared_store(Arc::clone(&drive) as _).list_without_subject();
        let [first, second] = [notebook.clone(), notebook.clone()];
        let server = Server::builder("office", "1")
            .limits(limits.clone())
            .tasks(tasks)
            .tool(
                ToolEntry::new("work")
                    .task(TaskSupport::Required)
                    .run_async(move |input, cx| {
                        let notebook = first.clone();
                        async move { work(input.decode()?, cx, notebook).await }
                    }),
            )
            .tool(
                ToolEntry::new("job")
                    .task(TaskSupport::Required)
                    .run(move |input, cx| {
                        let arguments: Arguments = input.decode()?;
                        let (_, script) = split(arguments.s);
                        asks::play(arguments.n, script, cx, &second)
                    }),
            )
            .build()
            .expect("a valid server")
            .hosted_by(Arc::clone(&host) as _);
        let watch = server.watch(Arc::new(|| {}));
        let conns = [0, 1].map(|at| server.connect(2 * epoch + at, now));
        Self {
            server,
            watch,
            host,
            drive,
            conns,
            blocking: Vec::new(),
            futures: Vec::new(),
        }
    }

    fn begin(&mut self, at: usize, call: Call<Handler>, now: Instant) {
        let cx = Cx::new(call.context.clone(), Arc::new(Nowhere)).with_server(self.server.handle());
        match &call.handler {
            Handler::Quick(run) => {
                let outcome = run(call.work, cx);
                let _ = self.conns[at].finish(call.ticket, outcome, now);
            }
            Handler::Async(run) => {
                let waiting = Waiting {
                    ticket: call.ticket,
                    future: run(call.work, cx),
                    woken: Arc::new(Woken(AtomicBool::new(true))),
                };
                self.futures.push((at, waiting));
            }
            _ => self.blocking.push((at, call)),
        }
    }

    /// Runs a handler that may block.
    fn run(&mut self, chosen: usize, now: Instant) {
        let (at, call) = self.blocking.swap_remove(chosen);
        let cx = Cx::new(call.context, Arc::new(Nowhere)).with_server(self.server.handle());
        let Handler::Sync(run) = call.handler else {
            panic!("only those that block wait");
        };
        let outcome = run(call.work, cx);
        let _ = self.conns[at].finish(call.ticket, outcome, now);
    }

    /// Polls the handlers that were woken.
    fn poll(&mut self, now: Instant) -> bool {
        let mut moved = false;
        for (at, mut waiting) in std::mem::take(&mut self.futures) {
            if !waiting.woken.0.swap(false, Ordering::Relaxed) {
                self.futures.push((at, waiting));
                continue;
            }
            moved = true;
            let waker = Waker::from(Arc::clone(&waiting.woken));
            match waiting
                .future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
            {
                Poll::Ready(outcome) => {
                    let _ = self.conns[at].finish(waiting.ticket, outcome, now);
                }
                Poll::Pending => self.futures.push((at, waiting)),
            }
        }
        moved
    }
}

impl Office {
    pub(crate) fn new(limits: &Limits, notebook: &Notebook, slow: bool, now: Instant) -> Self {
        let mut limits = limits.clone();
        // Who reads all that comes is not to be given up.
        let usual = Limits::default();
        limits.outbound_high_water = usual.outbound_high_water;
        limits.outbound_bytes = usual.outbound_bytes;
        let disk = Arc::new(Disk::new(limits.tasks, slow));
        let mut office = Self {
            process: Process::new(&limits, notebook, &disk, 0, now),
            limits,
            notebook: notebook.clone(),
            disk,
            holders: [Holder::new(true), Holder::new(false)],
            epoch: 0,
        };
        office.holders.iter_mut().for_each(Holder::open);
        office
    }

    /// Brings one to rest that goes nowhere else: everything that happens without a step.
    pub(crate) fn settle(&mut self, now: Instant, trace: &mut Trace) {
        for turns in 0.. {
            assert!(turns < 100_000, "S7: the office never comes to rest");
            let mut moved = self.process.poll(now);
            if let Some(changes) = self.process.watch.take() {
                for conn in &mut self.process.conns {
                    for change in &changes.changes {
                        conn.handle_change(change, now);
                    }
                }
                moved = true;
            }
            for at in 0..2 {
                moved |= self.turn(at, now, trace);
            }
            if !moved {
                break;
            }
        }
        self.check();
    }

    fn turn(&mut self, at: usize, now: Instant, trace: &mut Trace) -> bool {
        let mut moved = false;
        for line in self.holders[at].take_said() {
            trace.note(format_args!("={at} < {line}"));
            self.process.conns[at].handle_bytes(format!("{line}\n").as_bytes(), now);
        }
        while let Some(event) = self.process.conns[at].poll_event() {
            moved = true;
            match event {
                Event::Call(call) => self.process.begin(at, call, now),
                Event::Cancelled(id) => {
                    let futures = &mut self.process.futures;
                    futures.retain(|(_, waiting)| waiting.ticket.call() != id);
                }
                other => panic!("{other:?}"),
            }
        }
        let mut out = Vec::new();
        while self.process.conns[at].poll_transmit(&mut out) {}
        let text = String::from_utf8(out).expect("a server writes UTF-8");
        for line in text.lines() {
            moved = true;
            trace.note(format_args!("={at} > {line}"));
            self.holders[at].hear(line, unix_ms(now));
        }
        moved
    }

    /// What holds whenever nothing moves.
    fn check(&self) {
        let (kept, most) = (self.disk.len(), self.limits.tasks);
        assert!(kept <= most, "S6: {kept} tasks are kept");
        let (runs, most) = (self.process.host.waiting(), self.limits.tasks_running);
        assert!(runs <= most, "S6: {runs} tasks at work");
        let tasks = self.holders.iter().flat_map(|holder| &holder.tasks);
        for task in tasks.filter(|task| task.over) {
            self.notebook.ends(task.number);
        }
    }

    // ── Steps ────────────────────────────────────────────────────────────────────────────────

    /// A client begins a task.
    pub(crate) fn begin(&mut self, client: Pick, what: Pick, number: u32, now: Instant) {
        let at = usize::from(client.0 % 2);
        let ttl = [None, Some(5_000), Some(40_000)][usize::from(client.0 / 2) % 3];
        self.holders[at].begin(what, number, ttl, unix_ms(now));
    }

    /// A client looks at a task, answers it, waits for it, gives it up, or lists them all.
    pub(crate) fn look(&mut self, task: Pick, how: Pick) {
        let counts = self.holders.each_ref().map(|holder| holder.tasks.len());
        let Some(chosen) = task.among(counts.iter().sum()) else {
            return;
        };
        let (at, task) = match chosen < counts[0] {
            true => (0, chosen),
            false => (1, chosen - counts[0]),
        };
        self.holders[at].look(task, how, &self.notebook);
    }

    /// The process does a piece of work: a run of a task, or a request that touches the disk.
    pub(crate) fn work(&mut self, which: Pick, how: Pick, now: Instant) {
        let waiting = self.process.blocking.len();
        match (how.0 % 2, Pick(which.0).among(waiting)) {
            (0, Some(chosen)) => self.process.run(chosen, now),
            _ => self.process.host.run_one(which),
        }
    }

    /// The process ends in the middle of everything, and another one takes its place.
    pub(crate) fn crash(&mut self, now: Instant) {
        self.process.drive.pull();
        self.epoch += 1;
        let next = Process::new(&self.limits, &self.notebook, &self.disk, self.epoch, now);
        let old = std::mem::replace(&mut self.process, next);
        // Nobody hears what it would still have said.
        old.host.drop_all();
        drop(old);
        for holder in &mut self.holders {
            holder.forget_requests();
            holder.open();
        }
    }

    // ── Time, and the end ────────────────────────────────────────────────────────────────────

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.process
            .conns
            .iter()
            .filter_map(Conn::poll_timeout)
            .min()
    }

    pub(crate) fn advance(&mut self, to: Instant) {
        self.process.host.set_time(unix_ms(to));
        for conn in &mut self.process.conns {
            conn.handle_timeout(to);
            let next = conn.poll_timeout();
            assert!(
                next.is_none_or(|next| next > to),
                "S7: an office that spins"
            );
        }
    }

    /// All requests that touch the disk are served.
    fn read_disk(&mut self, now: Instant, trace: &mut Trace) -> bool {
        let any = !self.process.blocking.is_empty();
        while !self.process.blocking.is_empty() {
            self.process.run(0, now);
            self.settle(now, trace);
        }
        any
    }

    /// All work is done, all questions are answered: every task ends (L1).
    pub(crate) fn come_to_rest(&mut self, now: Instant, trace: &mut Trace) {
        self.settle(now, trace);
        for rounds in 0.. {
            assert!(rounds < 1_000, "L1: tasks do not end");
            let mut moved = false;
            moved |= self.read_disk(now, trace);
            while self.process.host.waiting() > 0 {
                self.process.host.run_one(Pick(0));
                self.settle(now, trace);
                moved = true;
            }
            for at in 0..2 {
                for task in 0..self.holders[at].tasks.len() {
                    self.holders[at].get(task);
                    self.settle(now, trace);
                    self.read_disk(now, trace);
                    moved |= self.holders[at].answer_all(task, &self.notebook);
                    self.settle(now, trace);
                    self.read_disk(now, trace);
                }
            }
            if !moved {
                break;
            }
        }
        for (at, holder) in self.holders.iter().enumerate() {
            let open = holder.open_requests();
            assert!(
                open.is_empty(),
                "L1: the office owes an answer to {at}: {open:?}"
            );
        }
        for holder in &self.holders {
            holder.check_ends(unix_ms(now));
        }
    }
}

/// Some day, when the world began.
const BEGAN_MS: u64 = 1_785_240_000_000;

pub(crate) fn unix_ms(now: Instant) -> u64 {
    BEGAN_MS + now.as_nanos() / 1_000_000
}
