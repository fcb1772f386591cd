//! One connection, driven by a small pool of threads.
//!
//! Whichever worker is free reads the peer's bytes; the worker that read a call runs it in place,
//! and writes the answer itself. Nothing is passed from thread to thread on the way, so a short
//! call costs one read and one write. While a handler runs, nobody reads; the supervisor, which is
//! the thread that called [`serve`](super::serve()), looks every [`TICK`] whether a worker is stuck in a handler
//! and then sends the next one to read. Once handlers turn out to be slow, the next reader is sent
//! at once instead, until they are quick again.
//!
//! ```text
//!            ┌──────────── worker ────────────┐
//!  peer ──▶ read ──▶ Conn ──▶ handler ──▶ Conn ──▶ write ──▶ peer      (Conn: under one lock)
//!                      ▲
//!                  supervisor: deadlines, changes of the registry, a worker too few
//! ```

use std::{
    io::{self, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    task::Wake,
    thread,
    time::Duration,
};

use mcp_proto::{rpc::CallId, time::Instant};
use mcp_server_core::{
    Call, Closed, Conn, Cx, Event, Handler, Link, Note, Server, Shutdown, Watch,
};

use super::{block_on::block_on, listen::when_requested};
use crate::{Error, clock::Clock};

/// How long a handler may keep the only reader busy before another thread takes over.
const TICK: Duration = Duration::from_millis(1);
/// For how many ticks without any progress the supervisor keeps looking before it sleeps.
const IDLE_TICKS: u32 = 32;
/// For how many calls after a slow one the next reader is sent at once, and for how many at most:
/// twice as many each time that another one turns out to be slow meanwhile. A single one may have
/// been slow because the machine was busy.
const WARY_CALLS: u32 = 8;
const MOST_WARY_CALLS: u32 = 64;
/// Bytes asked of the reader at a time: what a Linux pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// Serves one connection, as [`serve`](super::serve()) and [`serve_until`](super::serve_until) have it.
pub(super) fn serve_boxed(
    server: &Server,
    reader: Box<dyn Read + Send>,
    writer: Box<dyn Write + Send>,
    shutdown: Option<&Shutdown>,
) -> Result<(), Error> {
    let pool = Pool::new(server, reader, writer);
    let end_input = Arc::new(EndInput(Arc::downgrade(&pool)));
    // Kept while it serves: whoever asks for the end wakes it.
    let _asked = shutdown.map(|shutdown| when_requested(shutdown, end_input));
    pool.supervise()
}

/// Ends a connection's input when it is woken.
struct EndInput(Weak<Pool>);

impl Wake for EndInput {
    fn wake(self: Arc<Self>) {
        if let Some(pool) = self.0.upgrade() {
            let mut state = pool.lock();
            state.conn.handle_eof(pool.clock.now());
            state.drained = false;
            pool.supervisor.notify_one();
        }
    }
}

struct Pool {
    server: Server,
    clock: Clock,
    max_workers: usize,
    patience: Duration,
    state: Mutex<State>,
    // Where idle workers wait.
    idle: Condvar,
    // Where the supervisor waits.
    supervisor: Condvar,
    // To start further workers with.
    myself: Weak<Pool>,
    // The same for handlers.
    link: Arc<dyn Link>,
}

struct State {
    conn: Conn<Handler>,
    watch: Watch,
    // The call that no worker has taken yet.
    call: Option<Call<Handler>>,
    // Whether the machine had nothing more to say when it was last asked.
    drained: bool,
    // With the pool while nobody reads; gone once the input has ended.
    reader: Option<Box<dyn Read + Send>>,
    // With the pool while nobody writes; gone once the output is closed.
    writer: Option<Box<dyn Write + Send>>,
    writing: bool,
    // Taken by the reader and the writer together with what they belong to.
    input: Vec<u8>,
    output: Vec<u8>,
    workers: usize,
    idle: usize,
    // Workers that were sent for and have not come yet: idle ones, and new ones.
    sent_for: usize,
    starting: usize,
    running: usize,
    // Grows with everything that a worker finishes; the supervisor compares.
    progress: u64,
    // The last time that was told: about when a call begins that is taken up now.
    now: Instant,
    // How often the supervisor has looked.
    looks: u64,
    ticking: bool,
    wary: u32,
    closed: Option<Closed>,
    failure: Option<io::Error>,
}

type Guard<'a> = MutexGuard<'a, State>;

impl Pool {
    fn new(
        server: &Server,
        reader: Box<dyn Read + Send>,
        writer: Box<dyn Write + Send>,
    ) -> Arc<Self> {
        let clock = Clock::start();
        Arc::new_cyclic(|myself: &Weak<Pool>| {
            let woken = myself.clone();
            let watch = server.watch(Arc::new(move || {
                if let Some(pool) = woken.upgrade() {
                    // Under the lock, so that it cannot fall between a look and the wait.
                    let _state = pool.lock();
                    pool.supervisor.notify_one();
                }
            }));
            Self {
                server: server.clone(),
                clock,
                patience: server.current().limits().outbound_stall,
                max_workers: server.current().limits().calls_in_flight.saturating_add(2),
                state: Mutex::new(State::new(
                    server.connect(0, clock.now()),
                    watch,
                    reader,
                    writer,
                )),
                idle: Condvar::new(),
                supervisor: Condvar::new(),
                myself: myself.clone(),
                link: Arc::new(PoolLink(myself.clone())),
            }
        })
    }

    fn lock(&self) -> Guard<'_> {
        // Handlers panic outside of the lock; a poisoned one means a bug of ours was caught once.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ── the supervisor ──────────────────────────────────────────────────────────────────────────

    fn supervise(&self) -> Result<(), Error> {
        let mut state = self.lock();
        self.add_worker(&mut state);
        let (mut seen, mut quiet) = (0, 0_u32);
        loop {
            self.pump(&mut state);
            if state.closed.is_some() {
                break;
            }
            if state.unattended() && state.progress == seen && quiet > 0 {
                // Where no handler is at work, it is a peer that is slow to read.
                if state.running > 0 {
                    state.grow_wary();
                }
                self.send_worker(&mut state);
            }
            quiet = if state.progress == seen {
                quiet.saturating_add(1)
            } else {
                0
            };
            seen = state.progress;
            state.ticking =
                state.unattended() || (state.running > 0 || quiet > 0) && quiet < IDLE_TICKS;
            state = self.rest(state);
        }
        state = self.let_finish(state);
        // Workers that read or run for ever are left behind; they hold nothing but themselves.
        self.idle.notify_all();
        match state.failure.take() {
            Some(error) => Err(Error::Io(error)),
            None => Ok(()),
        }
    }

    // The last answers may be on their way. A peer that does not take them is not waited for any
    // longer than in the middle of a connection.
    fn let_finish<'a>(&self, mut state: Guard<'a>) -> Guard<'a> {
        let patience = match state.closed {
            Some(Closed::Eof) => self.patience,
            _ => Duration::ZERO,
        };
        let until = self.clock.now().saturating_add(patience);
        while state.writing && self.clock.now() < until {
            state = self
                .supervisor
                .wait_timeout(state, self.clock.until(until))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state
    }

    fn rest<'a>(&self, state: Guard<'a>) -> Guard<'a> {
        // It was told the time a moment ago.
        let deadline = state
            .conn
            .poll_timeout()
            .map(|deadline| deadline.duration_since(state.now));
        let wait = match (state.ticking, deadline) {
            (true, Some(deadline)) => Some(TICK.min(deadline)),
            (true, None) => Some(TICK),
            (false, deadline) => deadline,
        };
        match wait {
            Some(wait) => {
                self.supervisor
                    .wait_timeout(state, wait)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self
                .supervisor
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
        }
    }

    // Lets time and the registry's changes in, and hands out what comes of it.
    fn pump(&self, state: &mut Guard<'_>) {
        let now = state.tell(self.clock);
        state.looks += 1;
        if let Some(changes) = state.watch.take() {
            changes.apply(&mut state.conn, now);
            state.drained = false;
        }
        if state
            .conn
            .poll_timeout()
            .is_some_and(|deadline| deadline <= now)
        {
            state.conn.handle_timeout(now);
            state.drained = false;
        }
        // Workers poll the machine for all that they bring to it.
        if !state.drained {
            state.drain_events();
        }
        if state.call.is_some() || (state.writer.is_some() && state.conn.wants_write()) {
            self.send_worker(state);
        }
    }

    // ── workers ─────────────────────────────────────────────────────────────────────────────────

    // One that is on its way sees to all there is when it comes; another one would only be in its
    // way, most of all where the machine is so busy that it takes its time.
    fn send_worker(&self, state: &mut Guard<'_>) {
        if state.sent_for + state.starting > 0 {
            return;
        }
        if state.idle > 0 {
            state.sent_for += 1;
            self.idle.notify_one();
        } else if state.workers < self.max_workers {
            self.add_worker(state);
        }
    }

    fn add_worker(&self, state: &mut Guard<'_>) {
        let Some(pool) = self.myself.upgrade() else {
            return;
        };
        // Without another thread the ones that exist go on serving, one call at a time.
        if thread::Builder::new()
            .name("mcp-worker".into())
            .spawn(move || pool.work())
            .is_ok()
        {
            state.workers += 1;
            state.starting += 1;
        }
    }

    fn work(&self) {
        let mut state = self.lock();
        state.starting -= 1;
        loop {
            // Whoever changes something polls the machine until there is a call; what lies behind
            // that call is for whoever comes next.
            if !state.drained {
                state.drain_events();
            }
            if state.closed.is_some() {
                break;
            }
            state = if let Some(call) = state.call.take() {
                self.run(state, call)
            } else if state.writer.is_some() && state.conn.wants_write() {
                self.write(state)
            } else if state.may_read() {
                self.read(state)
            } else {
                self.wait(state)
            };
        }
        state.workers -= 1;
        drop(state);
        self.supervisor.notify_one();
    }

    fn wait<'a>(&self, mut state: Guard<'a>) -> Guard<'a> {
        state.idle += 1;
        let mut state = self
            .idle
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        state.sent_for = state.sent_for.saturating_sub(1);
        state
    }

    fn read<'a>(&'a self, mut state: Guard<'a>) -> Guard<'a> {
        let Some(mut reader) = state.reader.take() else {
            return state;
        };
        let mut input = std::mem::take(&mut state.input);
        if !state.ticking && state.conn.poll_timeout().is_some() {
            // The supervisor may have gone to sleep when there was no deadline to wait for.
            self.supervisor.notify_one();
        }
        drop(state);
        input.resize(READ_BYTES, 0);
        let read = reader.read(&mut input);
        let mut state = self.lock();
        let now = state.tell(self.clock);
        match read {
            Ok(0) => state.conn.handle_eof(now),
            Ok(count) => {
                state.conn.handle_bytes(&input[..count], now);
                state.reader = Some(reader);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => state.reader = Some(reader),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => state.hang_up(now),
            Err(error) => {
                state.failure = Some(error);
                state.conn.handle_eof(now);
            }
        }
        if state.reader.is_none() {
            // No read comes after this one: what is still open has less time than the supervisor,
            // which may be asleep, has been told.
            self.supervisor.notify_one();
        }
        state.input = input;
        state.progress += 1;
        state.drain_events();
        state.announce(&self.supervisor, &self.idle);
        state
    }

    fn write<'a>(&'a self, mut state: Guard<'a>) -> Guard<'a> {
        let Some(mut writer) = state.writer.take() else {
            return state;
        };
        let mut output = std::mem::take(&mut state.output);
        output.clear();
        // Where no input waits for room in the output, taking it changes nothing else.
        let calm = state.drained && state.conn.wants_read();
        // Into an empty buffer all that waits is moved at once.
        let _ = state.conn.poll_transmit(&mut output);
        state.writing = true;
        drop(state);
        let written = writer.write_all(&output).and_then(|()| writer.flush());
        let mut state = self.lock();
        state.writing = false;
        match written {
            Ok(()) => state.writer = Some(writer),
            Err(_) => state.hang_up(self.clock.now()),
        }
        state.output = output;
        state.progress += 1;
        if !calm || !state.drained {
            state.drain_events();
        }
        state.announce(&self.supervisor, &self.idle);
        state
    }

    fn run<'a>(&'a self, mut state: Guard<'a>, call: Call<Handler>) -> Guard<'a> {
        let quick = matches!(call.handler, Handler::Quick(_));
        let looks = state.looks;
        // Somebody looks at least once in a tick; a quick handler is taken at its word.
        let attended = quick || state.wary == 0;
        state.running += 1;
        if !quick {
            self.expect_slowness(&mut state);
        }
        drop(state);
        let id = call.ticket.call();
        let Call {
            ticket,
            handler,
            work,
            context,
            ..
        } = call;
        let cancel = context.cancel.clone();
        let link = Arc::clone(&self.link);
        let cx = Cx::new(context, link).with_server(self.server.handle());
        let begun = (!attended).then(|| self.clock.now());
        let outcome = catch_unwind(AssertUnwindSafe(|| match handler {
            _ if cancel.is_cancelled() => None,
            Handler::Sync(handler) | Handler::Quick(handler) => Some(handler(work, cx)),
            Handler::Async(handler) => block_on(handler(work, cx), &cancel),
            _ => None,
        }));
        // The token goes on to another call where nobody holds it.
        drop(cancel);
        // The handler's own time: to wait for the lock is no fault of its.
        let took = begun.map(|begun| self.clock.now().duration_since(begun));
        let mut state = self.lock();
        // Where the supervisor has not looked meanwhile, the time is what it was.
        let looks = state.looks - looks;
        let now = match attended && looks == 0 {
            true => state.now,
            false => state.tell(self.clock),
        };
        // Discarded where the call was cancelled or timed out meanwhile, which needs no answer.
        let _ = match outcome {
            Ok(Some(outcome)) => state.conn.finish(ticket, outcome, now),
            _ => state.conn.abandon(id, now),
        };
        state.running -= 1;
        state.progress += 1;
        // Between two looks there is a tick.
        match took.map_or(looks >= 2, |took| took >= TICK) {
            true => state.grow_wary(),
            false => state.wary = state.wary.saturating_sub(1),
        }
        state.drain_events();
        state.announce(&self.supervisor, &self.idle);
        state
    }

    // Before a handler runs: somebody must notice if it takes long.
    fn expect_slowness(&self, state: &mut Guard<'_>) {
        let unattended = state.unattended();
        if state.wary > 0 && unattended {
            self.send_worker(state);
        } else if !state.ticking {
            state.ticking = true;
            self.supervisor.notify_one();
        }
    }
}

impl State {
    fn new(
        conn: Conn<Handler>,
        watch: Watch,
        reader: Box<dyn Read + Send>,
        writer: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            conn,
            watch,
            call: None,
            drained: true,
            reader: Some(reader),
            writer: Some(writer),
            writing: false,
            input: Vec::new(),
            output: Vec::new(),
            workers: 0,
            idle: 0,
            sent_for: 0,
            starting: 0,
            running: 0,
            progress: 0,
            now: Instant::ZERO,
            looks: 0,
            ticking: false,
            wary: 0,
            closed: None,
            failure: None,
        }
    }

    fn tell(&mut self, clock: Clock) -> Instant {
        self.now = clock.now();
        self.now
    }

    fn grow_wary(&mut self) {
        self.wary = (2 * self.wary).clamp(WARY_CALLS, MOST_WARY_CALLS);
    }

    // Whether there is something to do that no worker is at: it waits for one that runs a handler.
    fn unattended(&self) -> bool {
        self.call.is_some()
            || !self.drained
            || self.may_read()
            || (self.writer.is_some() && self.conn.wants_write())
    }

    fn may_read(&self) -> bool {
        self.reader.is_some() && self.drained && self.conn.wants_read()
    }

    // Takes messages in until one is a call: the next one is for the next worker, so that no more
    // calls are under way than workers are busy with.
    fn drain_events(&mut self) {
        while self.call.is_none() {
            match self.conn.poll_event() {
                Some(Event::Call(call)) => self.call = Some(call),
                // Its token is set already; a thread cannot be stopped from outside.
                Some(Event::Cancelled(_)) => {}
                Some(Event::Closed(reason)) => self.closed = Some(reason),
                Some(_) => {}
                None => {
                    self.drained = true;
                    return;
                }
            }
        }
        self.drained = false;
    }

    // The peer has gone: what there still is to say cannot reach it.
    fn hang_up(&mut self, now: Instant) {
        self.conn.close(now);
        let mut nowhere = Vec::new();
        while self.conn.poll_transmit(&mut nowhere) {
            nowhere.clear();
        }
        self.drained = false;
    }

    // What the supervisor is to hear of at once, which may be asleep.
    fn announce(&self, supervisor: &Condvar, idle: &Condvar) {
        if self.closed.is_some() {
            supervisor.notify_one();
            idle.notify_all();
        } else if !self.ticking && !self.conn.wants_read() {
            // It sees to it that reading goes on when it is time.
            supervisor.notify_one();
        }
    }
}

/// How a running handler reaches its connection: under the lock, and out on its own thread.
#[derive(Clone)]
struct PoolLink(Weak<Pool>);

impl std::fmt::Debug for PoolLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PoolLink")
    }
}

impl Link for PoolLink {
    fn note(&self, call: CallId, note: Note) {
        let Some(pool) = self.0.upgrade() else { return };
        let mut state = pool.lock();
        let _ = state.conn.note(call, note, pool.clock.now());
        state.drained = false;
        while state.closed.is_none() && state.writer.is_some() && state.conn.wants_write() {
            state = pool.write(state);
        }
    }
}
