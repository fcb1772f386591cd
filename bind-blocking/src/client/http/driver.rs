//! The client's loop over HTTP: threads make requests, one keeps time, and whoever makes a call
//! hands its request to a thread.
//!
//! The machine is under one mutex, which is never held while bytes are read or written, or while a
//! handler runs.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use http::response::Parts;
use mcp_client_core::{
    Caller, ClientBuilder, Desk,
    http::{Endpoint, Fetch, FetchError, FetchId, HttpClient},
};
use mcp_proto::time::Instant;
use ureq::{Agent, config::Config};

use super::{
    super::driver::start,
    worker::{Cancel, Job, Workers},
};
use crate::clock::Clock;

pub(super) struct Driver {
    clock: Clock,
    config: Config,
    workers: Workers,
    state: Mutex<State>,
    // Something was queued for the machine since it was last looked at.
    dirty: AtomicBool,
    // Where the timekeeper waits.
    time: Condvar,
    // Where threads wait that have something which is not to be read yet, or for the end.
    turn: Condvar,
}

struct State {
    // Gone once the connection is over; what was queued fails then.
    desk: Option<Desk<HttpClient>>,
    open: BTreeMap<FetchId, Arc<Cancel>>,
    // When the timekeeper will look next.
    planned: Instant,
}

type Guard<'a> = MutexGuard<'a, State>;

/// What a thread tells of its request.
pub(super) enum Told<'a> {
    Head(&'a Parts),
    Chunk(&'a [u8]),
    End(Result<(), FetchError>),
}

impl Driver {
    /// Starts a connection; its threads come and go.
    pub(super) fn start(
        builder: ClientBuilder,
        endpoint: Endpoint,
        config: Config,
    ) -> io::Result<(Arc<Self>, Caller)> {
        let clock = Clock::start();
        let mut caller = None;
        let driver = Arc::new_cyclic(|myself: &Weak<Self>| {
            let woken = myself.clone();
            let wake = move || {
                if let Some(driver) = woken.upgrade() {
                    driver.dirty.store(true, Ordering::Release);
                    driver.pump_if_free();
                }
            };
            let front = |config, now| HttpClient::new(config, endpoint, now);
            let (desk, new_caller) = Desk::over(builder, front, wake, clock.now());
            caller = Some(new_caller);
            let state = State {
                desk: Some(desk),
                open: BTreeMap::new(),
                planned: Instant::MAX,
            };
            Self {
                clock,
                config,
                workers: Workers::default(),
                state: Mutex::new(state),
                dirty: AtomicBool::new(true),
                time: Condvar::new(),
                turn: Condvar::new(),
            }
        });
        let keeping = Arc::downgrade(&driver);
        thread::Builder::new()
            .name("mcp-time".into())
            .spawn(move || keep_time(&keeping))?;
        driver.pump_if_free();
        // Set by the closure above, which always runs.
        let caller = caller.ok_or_else(|| io::Error::other("no caller"))?;
        Ok((driver, caller))
    }

    /// Ends the connection: open calls fail, and the server is told what it has to be told, which
    /// is waited for.
    pub(super) fn close(self: &Arc<Self>) {
        let mut state = self.lock();
        let now = self.clock.now();
        if let Some(desk) = &mut state.desk {
            desk.close(now);
        }
        self.pump(state);
        let mut state = self.lock();
        while state.desk.is_some() {
            state = self
                .turn
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn workers(&self) -> &Workers {
        &self.workers
    }

    /// The agent of one thread. Not shared: to end one request of it ends its connection.
    pub(super) fn agent(&self) -> Agent {
        self.config.new_agent()
    }

    /// Takes a thread's report; false where nobody wants to know more of its request. Waits while
    /// a part of a body is not to be read yet.
    pub(super) fn report(self: &Arc<Self>, id: FetchId, told: Told<'_>) -> bool {
        let mut state = self.lock();
        loop {
            if !state.open.contains_key(&id) {
                return false;
            }
            let Some(desk) = &mut state.desk else {
                return false;
            };
            if desk.wants_read() || !matches!(told, Told::Chunk(_)) {
                break;
            }
            state = self
                .turn
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let now = self.clock.now();
        let ended = matches!(told, Told::End(_));
        if ended {
            state.open.remove(&id);
        }
        if let Some(desk) = &mut state.desk {
            match told {
                Told::Head(head) => desk.handle_head(id, head, now),
                Told::Chunk(bytes) => desk.handle_chunk(id, bytes, now),
                Told::End(how) => desk.handle_end(id, how, now),
            }
        }
        self.pump(state);
        !ended
    }

    fn lock(&self) -> Guard<'_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Lets the machine work, unless somebody else is at it, who will then see that there is more.
    fn pump_if_free(self: &Arc<Self>) {
        while self.dirty.load(Ordering::Acquire) {
            match self.state.try_lock() {
                Ok(state) => self.pump_once(state),
                Err(TryLockError::Poisoned(poisoned)) => self.pump_once(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => return,
            }
        }
    }

    fn pump(self: &Arc<Self>, state: Guard<'_>) {
        self.pump_once(state);
        self.pump_if_free();
    }

    fn pump_once(self: &Arc<Self>, mut state: Guard<'_>) {
        self.dirty.store(false, Ordering::Release);
        let now = self.clock.now();
        let Some(desk) = &mut state.desk else { return };
        let (mut tasks, mut fetches) = (Vec::new(), Vec::new());
        while let Some(task) = desk.poll_task(now) {
            tasks.push(task);
        }
        while let Some(fetch) = desk.poll_fetch() {
            fetches.push(fetch);
        }
        let over = desk.is_closed();
        let (mut jobs, mut cancelled) = (Vec::new(), Vec::new());
        for fetch in fetches {
            match fetch {
                Fetch::Open(id, request) => {
                    let cancel = Arc::new(Cancel::default());
                    state.open.insert(id, Arc::clone(&cancel));
                    let driver = Arc::clone(self);
                    jobs.push(Job {
                        id,
                        request,
                        cancel,
                        driver,
                    });
                }
                Fetch::Abort(id) => cancelled.extend(state.open.remove(&id)),
                _ => {}
            }
        }
        if over {
            state.desk = None;
            state.planned = Instant::ZERO;
            cancelled.extend(std::mem::take(&mut state.open).into_values());
            self.workers.dismiss();
            self.time.notify_all();
        }
        self.plan(&mut state);
        drop(state);
        // Some may go on now, others have to end.
        self.turn.notify_all();
        cancelled.iter().for_each(|cancel| cancel.cancel());
        for job in jobs {
            self.perform(job);
        }
        tasks.into_iter().for_each(start);
    }

    fn perform(self: &Arc<Self>, job: Job) {
        let id = job.id;
        if let Err(error) = self.workers.start(job) {
            let why = FetchError::Connect(format!("no thread: {error}"));
            self.report(id, Told::End(Err(why)));
        }
    }

    // Tells the timekeeper where it has to look earlier than it meant to.
    fn plan(&self, state: &mut Guard<'_>) {
        let deadline = state.desk.as_ref().and_then(|desk| desk.poll_timeout());
        if deadline.is_some_and(|deadline| deadline < state.planned) {
            state.planned = deadline.unwrap_or(Instant::MAX);
            self.time.notify_one();
        }
    }
}

// Sleeps until a deadline comes; ends with the connection.
fn keep_time(driver: &Weak<Driver>) {
    while let Some(driver) = driver.upgrade() {
        let mut state = driver.lock();
        let now = driver.clock.now();
        let Some(desk) = &mut state.desk else { return };
        match desk.poll_timeout() {
            Some(deadline) if deadline <= now => {
                desk.handle_timeout(now);
                driver.pump(state);
            }
            deadline => {
                state.planned = deadline.unwrap_or(Instant::MAX);
                let waited = match deadline {
                    Some(deadline) => {
                        let wait = driver.clock.until(deadline);
                        let waited = driver.time.wait_timeout(state, wait);
                        waited.unwrap_or_else(PoisonError::into_inner).0
                    }
                    None => {
                        let waited = driver.time.wait(state);
                        waited.unwrap_or_else(PoisonError::into_inner)
                    }
                };
                drop(waited);
            }
        }
    }
}
