//! What the client's loops have in common: a machine under one mutex, a thread that keeps time, and
//! turns, which any thread takes that has brought something.
//!
//! The mutex is never held while bytes are read or written, or while a question is answered.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use mcp_client_core::{Caller, ClientBuilder, Config, Desk, Front, Task};
use mcp_proto::time::Instant;

use super::turns::Turns;
use crate::clock::Clock;

/// How what a machine says leaves it.
pub(super) trait Port: Send + Sync + Sized + 'static {
    type Front: Front + Send;
    /// What is under the mutex with the machine.
    type State: Send;

    /// Lets the machine work, and moves what comes of it. Only one thread at a time is in here.
    fn turn(driver: &Arc<Driver<Self>>);
}

/// One connection.
pub(super) struct Driver<P: Port> {
    pub(super) clock: Clock,
    pub(super) port: P,
    state: Mutex<State<P>>,
    turns: Turns,
    alarm: Alarm,
    // Where threads wait for what others do.
    changed: Condvar,
}

pub(super) struct State<P: Port> {
    /// Gone once the connection is over; what was queued fails then.
    pub(super) desk: Option<Desk<P::Front>>,
    pub(super) port: P::State,
    // So many threads are told of changes.
    waiting: usize,
}

pub(super) type Guard<'a, P> = MutexGuard<'a, State<P>>;

impl<P: Port> Driver<P> {
    /// Makes a connection and starts its timekeeper; it begins with the first [`wake`](Self::wake).
    pub(super) fn start(
        builder: ClientBuilder,
        front: impl FnOnce(Config, Instant) -> P::Front,
        port: P,
        state: P::State,
    ) -> io::Result<(Arc<Self>, Caller)> {
        let clock = Clock::start();
        let mut caller = None;
        let driver = Arc::new_cyclic(|myself: &Weak<Self>| {
            let woken = myself.clone();
            let wake = move || {
                if let Some(driver) = woken.upgrade() {
                    driver.wake();
                }
            };
            let (desk, new_caller) = Desk::over(builder, front, wake, clock.now());
            caller = Some(new_caller);
            let state = State {
                desk: Some(desk),
                port: state,
                waiting: 0,
            };
            Self {
                clock,
                port,
                state: Mutex::new(state),
                turns: Turns::default(),
                alarm: Alarm::new(),
                changed: Condvar::new(),
            }
        });
        let keeping = Arc::clone(&driver);
        thread::Builder::new()
            .name("mcp-time".into())
            .spawn(move || keeping.keep_time())?;
        // Set by the closure above, which always runs.
        let caller = caller.ok_or_else(|| io::Error::other("no caller"))?;
        Ok((driver, caller))
    }

    /// Has the machine work: here and now, or by the thread that is at it.
    pub(super) fn wake(self: &Arc<Self>) {
        self.turns.take(|| P::turn(self));
    }

    /// Has the machine fail what is open.
    pub(super) fn fail(self: &Arc<Self>) {
        if let Some(desk) = &mut self.lock().desk {
            desk.close(self.clock.now());
        }
        self.wake();
    }

    pub(super) fn lock(&self) -> Guard<'_, P> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits as long as it `lasts`, or for so long, if that is said.
    pub(super) fn wait_while<'a>(
        &'a self,
        mut state: Guard<'a, P>,
        limit: Option<Duration>,
        mut lasts: impl FnMut(&State<P>) -> bool,
    ) -> Guard<'a, P> {
        state.waiting += 1;
        let lasts = |state: &mut State<P>| lasts(state);
        let mut state = match limit {
            Some(limit) => {
                let waited = self.changed.wait_timeout_while(state, limit, lasts);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let waited = self.changed.wait_while(state, lasts);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        };
        state.waiting -= 1;
        state
    }

    /// Unlocks what was changed, and tells those who wait for it.
    pub(super) fn unlock(&self, state: Guard<'_, P>) {
        let waiting = state.waiting > 0;
        drop(state);
        if waiting {
            self.changed.notify_all();
        }
    }

    /// Sees to it that there is a turn at this time.
    pub(super) fn plan(&self, due: Option<Instant>) {
        if let Some(due) = due {
            self.alarm.set(due);
        }
    }

    /// The connection is over: nothing is asked of the machine any more.
    pub(super) fn end(&self, mut state: Guard<'_, P>) {
        let desk = state.desk.take();
        self.unlock(state);
        self.alarm.set(Instant::ZERO);
        // Without the lock: what it holds may hold the last handle on this connection.
        drop(desk);
    }

    // Sleeps until something is due; ends with the connection.
    fn keep_time(self: Arc<Self>) {
        loop {
            self.alarm.wait(self.clock);
            match &mut self.lock().desk {
                Some(desk) => desk.handle_timeout(self.clock.now()),
                None => return,
            }
            self.wake();
        }
    }
}

/// When the timekeeper has to look. Not under the machine's mutex, on which it would keep others
/// from a turn.
struct Alarm {
    at: Mutex<Instant>,
    earlier: Condvar,
}

impl Alarm {
    fn new() -> Self {
        Self {
            at: Mutex::new(Instant::MAX),
            earlier: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // One that is set for an earlier time is left alone: a look for nothing costs less.
    fn set(&self, due: Instant) {
        let mut at = self.lock();
        if due < *at {
            *at = due;
            drop(at);
            self.earlier.notify_one();
        }
    }

    fn wait(&self, clock: Clock) {
        let mut at = self.lock();
        while *at > clock.now() {
            at = if *at == Instant::MAX {
                let waited = self.earlier.wait(at);
                waited.unwrap_or_else(PoisonError::into_inner)
            } else {
                let limit = clock.until(*at);
                let waited = self.earlier.wait_timeout(at, limit);
                waited.unwrap_or_else(PoisonError::into_inner).0
            };
        }
        *at = Instant::MAX;
    }
}

/// Runs what answers a question, on a thread of its own: it may take as long as a person does.
pub(super) fn answer(task: Task) {
    // Where no thread can be had, the task is dropped, which answers with an error.
    let _ = thread::Builder::new()
        .name("mcp-question".into())
        .spawn(move || task.run());
}
