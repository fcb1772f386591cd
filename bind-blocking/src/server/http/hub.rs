//! What all connections of one HTTP server share, and the workers that serve them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use mcp_proto::{rpc::CallId, time::Instant};
use mcp_server_core::{
    Call, Changes, Cx, Handler, Link, Note, Outcome, Server, Ticket,
    http::{self, Exchange, HttpOptions, HttpServer, Sessions},
};
use mio::{Registry, Token, Waker};

use super::{channel::Terrain, connection::Connection, listener::Authorizer, worker};
use crate::{
    clock::Clock,
    server::{block_on::block_on, entropy},
};

/// How long a worker that has nothing to do stays.
const WORKER_IDLE: Duration = Duration::from_secs(10);

/// The server's sessions; an exchange that waits for something of theirs is woken by its
/// connection.
type Session = HttpServer<Handler, Weak<Connection>>;
/// What is to be done once no lock is held.
pub(super) type Errands = http::Errands<Weak<Connection>>;

pub(super) struct Hub {
    pub(super) server: Server,
    pub(super) options: Arc<HttpOptions>,
    pub(super) authorizer: Option<Authorizer>,
    pub(super) registry: Registry,
    /// How long a client may take nothing of what we send.
    pub(super) stall: Duration,
    max_workers: usize,
    clock: Clock,
    waker: Arc<Waker>,
    myself: Weak<Hub>,
    link: Arc<dyn Link>,
    sessions: Sessions<Weak<Connection>>,
    connections: Mutex<BTreeMap<usize, Arc<Connection>>>,
    // Connections whose subscriptions have something to be told.
    told: Mutex<Vec<Weak<Connection>>>,
    schedule: Mutex<Schedule>,
    running: Mutex<BTreeMap<usize, (Arc<Connection>, Instant)>>,
    // The poller looks regularly whether handlers take their time.
    ticking: AtomicBool,
    queue: Mutex<Queue>,
    jobs: Condvar,
    // Jobs that no worker has taken.
    waiting: AtomicUsize,
}

/// When the poller has to look after what.
#[derive(Default)]
struct Schedule {
    connections: BTreeSet<(Instant, usize)>,
    // Until when the poller sleeps; `None` while it is awake.
    asleep_until: Option<Instant>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    workers: usize,
    idle: usize,
    // Idle workers that were notified and have not come yet.
    called: usize,
    closed: bool,
}

/// Something for a worker.
pub(super) enum Job {
    /// This connection, in this tenure.
    Serve(Arc<Connection>, u64),
    /// A call of a session.
    Run(Call<Handler>),
}

/// What a hub is made of.
pub(super) struct Parts {
    pub(super) server: Server,
    pub(super) options: Arc<HttpOptions>,
    pub(super) authorizer: Option<Authorizer>,
    pub(super) registry: Registry,
    pub(super) waker: Arc<Waker>,
    pub(super) max_workers: usize,
}

impl Hub {
    pub(super) fn new(parts: Parts) -> Arc<Self> {
        let Parts {
            server,
            options,
            authorizer,
            registry,
            waker,
            max_workers,
        } = parts;
        let service = server.current();
        let stall = service.limits().outbound_stall;
        let sessions = Sessions::new(service, Arc::clone(&options), entropy::fill);
        Arc::new_cyclic(|myself: &Weak<Hub>| Self {
            server,
            options,
            authorizer,
            registry,
            stall,
            max_workers,
            clock: Clock::start(),
            waker,
            myself: Weak::clone(myself),
            link: Arc::new(SessionLink(Weak::clone(myself))),
            sessions,
            connections: Mutex::default(),
            told: Mutex::default(),
            schedule: Mutex::default(),
            running: Mutex::default(),
            ticking: AtomicBool::new(false),
            queue: Mutex::default(),
            jobs: Condvar::new(),
            waiting: AtomicUsize::new(0),
        })
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(super) fn terrain(&self) -> Terrain {
        Terrain {
            service: self.server.current(),
            options: Arc::clone(&self.options),
        }
    }

    pub(super) fn wake(&self) {
        // Fails where the poller is gone, and with it everything that it could be woken for.
        let _ = self.waker.wake();
    }

    // ── connections ─────────────────────────────────────────────────────────────────────────────

    pub(super) fn add(&self, connection: &Arc<Connection>) {
        lock(&self.connections).insert(connection.token.0, Arc::clone(connection));
    }

    pub(super) fn connection(&self, token: Token) -> Option<Arc<Connection>> {
        lock(&self.connections).get(&token.0).cloned()
    }

    pub(super) fn connections(&self) -> Vec<Arc<Connection>> {
        lock(&self.connections).values().cloned().collect()
    }

    pub(super) fn count(&self) -> usize {
        lock(&self.connections).len()
    }

    /// A connection has ended.
    pub(super) fn forget(&self, connection: &Connection, scheduled: &mut Option<Instant>) {
        self.schedule(connection, scheduled, None);
        let left = {
            let mut connections = lock(&self.connections);
            connections.remove(&connection.token.0);
            connections.len()
        };
        if left == 0 {
            // Somebody may wait for the last one.
            self.wake();
        }
    }

    /// Something has changed that a connection has subscribed to.
    pub(super) fn tell_of_change(&self, connection: Weak<Connection>) {
        let mut told = lock(&self.told);
        told.push(connection);
        let first = told.len() == 1;
        drop(told);
        if first {
            self.wake();
        }
    }

    /// Tells the sessions of what has changed.
    pub(super) fn change(&self, changes: &Changes, errands: &mut Errands) {
        let now = self.now();
        self.sessions(errands, |sessions| {
            sessions.handle_changes(changes.service.as_ref(), &changes.changes, now);
        });
    }

    /// Tells the connections that have subscribed to what has changed.
    pub(super) fn change_listeners(&self, errands: &mut Errands) {
        let told = std::mem::take(&mut *lock(&self.told));
        for connection in told.iter().filter_map(Weak::upgrade) {
            connection.change(self, errands);
        }
    }

    // ── sessions ────────────────────────────────────────────────────────────────────────────────

    /// Does something to the sessions, and notes down what comes of it.
    pub(super) fn sessions<R>(
        &self,
        errands: &mut Errands,
        act: impl FnOnce(&mut Session) -> R,
    ) -> R {
        self.sessions.with(errands, act)
    }

    /// Takes an exchange into its session.
    pub(super) fn join(
        &self,
        exchange: &mut Exchange<Handler>,
        waker: Weak<Connection>,
        errands: &mut Errands,
    ) {
        self.sessions.join(exchange, waker, self.now(), errands);
    }

    /// Does what was noted down. Nobody may hold a lock.
    pub(super) fn run(&self, mut errands: Errands) {
        while let Some(connection) = errands.wakes.pop() {
            if let Some(connection) = connection.upgrade() {
                connection.ferry(self, &mut errands);
            }
        }
        for call in errands.calls {
            self.enqueue(Job::Run(call));
        }
        if errands.rouse {
            self.wake();
        }
    }

    // ── handlers ────────────────────────────────────────────────────────────────────────────────

    /// Runs a handler here and now. `None`: it has panicked, or was cancelled.
    pub(super) fn call(
        &self,
        call: Call<Handler>,
        link: Arc<dyn Link>,
        on: Option<&Arc<Connection>>,
    ) -> (Ticket, Option<Outcome>) {
        let Call {
            ticket,
            handler,
            work,
            context,
            ..
        } = call;
        let cancel = context.cancel.clone();
        let cx = Cx::new(context, link).with_server(self.server.handle());
        let watched = on.filter(|_| !matches!(handler, Handler::Quick(_)));
        if let Some(connection) = watched {
            self.expect_slowness(connection);
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| match handler {
            _ if cancel.is_cancelled() => None,
            Handler::Sync(handler) | Handler::Quick(handler) => Some(handler(work, cx)),
            Handler::Async(handler) => block_on(handler(work, cx), &cancel),
            _ => None,
        }));
        if let Some(connection) = watched {
            lock(&self.running).remove(&connection.token.0);
        }
        (ticket, outcome.ok().flatten())
    }

    /// Runs a session's handler and tells the session.
    pub(super) fn call_session(
        &self,
        call: Call<Handler>,
        on: Option<&Arc<Connection>>,
        errands: &mut Errands,
    ) {
        let (ticket, outcome) = self.call(call, Arc::clone(&self.link), on);
        self.sessions.end_call(ticket, outcome, self.now(), errands);
    }

    // While a handler runs, nobody looks after its connection: the poller does if it takes long.
    fn expect_slowness(&self, connection: &Arc<Connection>) {
        let entry = (Arc::clone(connection), self.now());
        lock(&self.running).insert(connection.token.0, entry);
        if !self.ticking.swap(true, Ordering::AcqRel) {
            self.wake();
        }
    }

    pub(super) fn is_ticking(&self) -> bool {
        self.ticking.load(Ordering::Acquire)
    }

    /// Connections whose handlers have been running since before `start` and that were not told of
    /// before; `None` where no handler runs at all.
    pub(super) fn take_slow(&self, start: Instant) -> Option<Vec<Arc<Connection>>> {
        let mut running = lock(&self.running);
        let mut slow = Vec::new();
        for (connection, since) in running.values_mut().filter(|(_, since)| *since <= start) {
            *since = Instant::MAX;
            slow.push(Arc::clone(connection));
        }
        (!running.is_empty()).then_some(slow)
    }

    /// Ends the regular look, unless a handler has begun meanwhile.
    pub(super) fn stop_ticking(&self) {
        self.ticking.store(false, Ordering::Release);
        if !lock(&self.running).is_empty() {
            self.ticking.store(true, Ordering::Release);
        }
    }

    // ── time ────────────────────────────────────────────────────────────────────────────────────

    /// Has the poller look after a connection at `due`.
    pub(super) fn schedule(
        &self,
        connection: &Connection,
        scheduled: &mut Option<Instant>,
        due: Option<Instant>,
    ) {
        if *scheduled == due {
            return;
        }
        let mut schedule = lock(&self.schedule);
        if let Some(before) = scheduled.take() {
            schedule.connections.remove(&(before, connection.token.0));
        }
        if let Some(due) = due {
            schedule.connections.insert((due, connection.token.0));
        }
        *scheduled = due;
        self.rouse(schedule, due);
    }

    fn rouse(&self, schedule: MutexGuard<'_, Schedule>, due: Option<Instant>) {
        let sleeps_longer = schedule
            .asleep_until
            .is_some_and(|until| due.is_some_and(|due| due < until));
        drop(schedule);
        if sleeps_longer {
            self.wake();
        }
    }

    /// The poller goes to sleep, until `wanted` at the latest. For how long it may. What is due in
    /// the sessions is done.
    pub(super) fn fall_asleep(
        &self,
        wanted: Option<Instant>,
        errands: &mut Errands,
    ) -> Option<Duration> {
        let sessions = self.sessions.fall_asleep(self.now(), errands);
        let mut schedule = lock(&self.schedule);
        let connections = schedule.connections.first().map(|(due, _)| *due);
        let until = [connections, sessions, wanted].into_iter().flatten().min();
        schedule.asleep_until = Some(until.unwrap_or(Instant::MAX));
        // A wait in whole milliseconds must not end before its time and then spin.
        until.map(|until| {
            self.clock
                .until(until)
                .saturating_add(Duration::from_micros(999))
        })
    }

    /// The poller is awake: which connections are due.
    pub(super) fn wake_up(&self) -> Vec<Arc<Connection>> {
        let now = self.now();
        let mut tokens = Vec::new();
        self.sessions.wake_up();
        let mut schedule = lock(&self.schedule);
        schedule.asleep_until = None;
        while let Some((_, token)) = schedule
            .connections
            .first()
            .copied()
            .filter(|(due, _)| *due <= now)
        {
            schedule.connections.pop_first();
            tokens.push(token);
        }
        drop(schedule);
        tokens
            .into_iter()
            .filter_map(|token| self.connection(Token(token)))
            .collect()
    }

    // ── workers ─────────────────────────────────────────────────────────────────────────────────

    pub(super) fn enqueue(&self, job: Job) {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return;
        }
        queue.jobs.push_back(job);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if queue.called < queue.idle {
            queue.called += 1;
            drop(queue);
            self.jobs.notify_one();
        } else if queue.workers < self.max_workers {
            self.add_worker(&mut queue);
        }
    }

    /// Whether no job waits for a worker.
    pub(super) fn is_calm(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }

    fn add_worker(&self, queue: &mut Queue) {
        let Some(hub) = self.myself.upgrade() else {
            return;
        };
        let worker = thread::Builder::new().name("mcp-http".into());
        // Without another thread the ones that exist take the job in their turn.
        if worker.spawn(move || hub.work()).is_ok() {
            queue.workers += 1;
        }
    }

    fn work(&self) {
        while let Some(job) = self.next_job() {
            // Handlers are caught before; what is caught here is a bug of ours in one connection.
            let done = catch_unwind(AssertUnwindSafe(|| worker::perform(self, job)));
            drop(done);
        }
    }

    // `None`: there is no need of this worker any more.
    fn next_job(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                return Some(job);
            }
            if queue.closed {
                break;
            }
            queue.idle += 1;
            let (woken, wait) = self
                .jobs
                .wait_timeout(queue, WORKER_IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            queue.idle -= 1;
            queue.called = queue
                .called
                .saturating_sub(usize::from(!wait.timed_out()))
                .min(queue.idle);
            if wait.timed_out() && queue.jobs.is_empty() {
                break;
            }
        }
        queue.workers -= 1;
        None
    }

    /// Sends the workers home.
    pub(super) fn close(&self) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        queue.jobs.clear();
        drop(queue);
        self.jobs.notify_all();
    }
}

/// The data is consistent even where a thread has panicked while holding it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the handler of a session's call reaches its client.
struct SessionLink(Weak<Hub>);

impl fmt::Debug for SessionLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionLink")
    }
}

impl Link for SessionLink {
    fn note(&self, call: CallId, note: Note) {
        let Some(hub) = self.0.upgrade() else { return };
        let mut errands = Errands::default();
        let _ = hub.sessions(&mut errands, |sessions| {
            sessions.note(call, note, hub.now())
        });
        hub.run(errands);
    }
}
