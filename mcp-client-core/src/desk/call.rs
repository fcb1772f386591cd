//! One call of a caller: what is to be asked, and later the result. It is one allocation, which the
//! caller and the loop share.

use alloc::sync::Arc;
use core::{
    mem,
    task::{Context, Poll, Waker},
};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use mcp_proto::{rpc::CallId, time::Instant};

use crate::{
    command::Command,
    desk::{Caller, Options, Shared},
    error::{CallError, Closed},
    options::CallOptions,
    session::{Pending, Session},
};

/// A call as the loop sees it.
pub(super) trait Ask: Send + Sync {
    /// Makes the call; `None` where there is nothing to wait for.
    fn begin(&self, options: &CallOptions, session: &mut Session, now: Instant) -> Option<CallId>;
    /// Takes the result, which is there.
    fn end(&self, session: &mut Session);
    /// There will be no result, unless there is one.
    fn lose(&self);
}

/// A call as whoever waits for its result sees it.
pub(super) trait Answer<T>: Send + Sync {
    /// Blocks until there is a result.
    fn wait(&self) -> Result<T, CallError>;
    /// Has the waker woken when there is a result.
    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<T, CallError>>;
    /// Nobody waits any longer.
    fn abandon(&self);
    /// Its name on the session, while it is open there.
    fn id(&self) -> Option<CallId>;
}

/// The duty to bring a call's result: dropped, it says that the connection is lost.
pub(super) struct Duty {
    call: Arc<dyn Ask>,
    // Not with the call: that one lasts until its result is taken, and whoever is told of what a
    // call does meanwhile learns of its end by not being held any more.
    options: Arc<Options>,
}

impl Duty {
    /// See [`Ask::begin`].
    pub(super) fn begin(&self, session: &mut Session, now: Instant) -> Option<CallId> {
        self.call.begin(&self.options.call, session, now)
    }

    /// See [`Ask::end`].
    pub(super) fn end(self, session: &mut Session) {
        self.call.end(session);
    }

    /// How it is made, and who is told meanwhile.
    pub(super) fn options(&self) -> &Options {
        &self.options
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        self.call.lose();
    }
}

pub(super) struct Call<C: Command> {
    shared: Arc<Shared>,
    state: Mutex<State<C>>,
    // Where the caller's thread sleeps.
    done: Condvar,
}

struct State<C: Command> {
    stage: Stage<C>,
    waker: Option<Waker>,
    sleeps: bool,
    abandoned: bool,
}

enum Stage<C: Command> {
    Queued(C),
    /// The loop is at it.
    Away,
    Open(Pending<C::Output>),
    /// Until the result is taken.
    Done(Option<Result<C::Output, CallError>>),
}

impl<C: Command> Call<C> {
    /// A call, and the duty to answer it.
    pub(super) fn new(command: C, caller: &Caller) -> (Arc<Self>, Duty) {
        let state = State {
            stage: Stage::Queued(command),
            waker: None,
            sleeps: false,
            abandoned: false,
        };
        let call = Arc::new(Self {
            shared: Arc::clone(&caller.shared),
            state: Mutex::new(state),
            done: Condvar::new(),
        });
        let duty = Duty {
            call: Arc::clone(&call) as Arc<dyn Ask>,
            options: Arc::clone(&caller.options),
        };
        (call, duty)
    }

    // A panic elsewhere leaves the state whole: it is only ever replaced.
    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, mut state: MutexGuard<'_, State<C>>, outcome: Result<C::Output, CallError>) {
        let before = mem::replace(&mut state.stage, Stage::Done(Some(outcome)));
        let (waker, sleeps) = (state.waker.take(), state.sleeps);
        drop(state);
        if sleeps {
            self.done.notify_one();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        // Without the lock: it may be a closure of the user's.
        drop(before);
    }
}

impl<C: Command> Ask for Call<C> {
    fn begin(&self, options: &CallOptions, session: &mut Session, now: Instant) -> Option<CallId> {
        let mut state = self.lock();
        if state.abandoned {
            return None;
        }
        let Stage::Queued(command) = mem::replace(&mut state.stage, Stage::Away) else {
            return None;
        };
        drop(state);
        match command.start(session, options, now) {
            Ok(pending) => {
                let id = pending.id();
                let mut state = self.lock();
                if state.abandoned {
                    drop(state);
                    session.forget(id, now);
                    return None;
                }
                state.stage = Stage::Open(pending);
                Some(id)
            }
            Err(misuse) => {
                let failure = session.failure().cloned();
                let error = failure.map_or(misuse.into(), CallError::Negotiation);
                self.fill(self.lock(), Err(error));
                None
            }
        }
    }

    fn end(&self, session: &mut Session) {
        let mut state = self.lock();
        let Stage::Open(pending) = mem::replace(&mut state.stage, Stage::Away) else {
            return;
        };
        drop(state);
        // `Done` was reported, so the result is there.
        let outcome = session.take(pending).unwrap_or(Err(CallError::Cancelled));
        self.fill(self.lock(), outcome);
    }

    fn lose(&self) {
        let state = self.lock();
        if !matches!(state.stage, Stage::Done(_)) {
            let how = self.shared.closed().unwrap_or(Closed::Local);
            self.fill(state, Err(CallError::Lost(how)));
        }
    }
}

impl<C: Command> Answer<C::Output> for Call<C> {
    fn wait(&self) -> Result<C::Output, CallError> {
        let mut state = self.lock();
        loop {
            if let Stage::Done(outcome) = &mut state.stage {
                return outcome.take().unwrap_or(Err(CallError::Cancelled));
            }
            state.sleeps = true;
            let woken = self.done.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<C::Output, CallError>> {
        let mut state = self.lock();
        if let Stage::Done(outcome) = &mut state.stage {
            return Poll::Ready(outcome.take().unwrap_or(Err(CallError::Cancelled)));
        }
        let known = state.waker.as_ref();
        if !known.is_some_and(|waker| waker.will_wake(context.waker())) {
            state.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    fn abandon(&self) {
        let mut state = self.lock();
        state.abandoned = true;
        if let Stage::Open(pending) = &state.stage {
            let id = pending.id();
            drop(state);
            self.shared.forget(id);
        }
    }

    fn id(&self) -> Option<CallId> {
        match &self.lock().stage {
            Stage::Open(pending) => Some(pending.id()),
            _ => None,
        }
    }
}
