//! Threads that make requests: one at a time each, with a connection of its own.

use std::{
    io::{self, Read},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use bytes::Bytes;
use http::Request;
use mcp_client_core::http::{FetchError, FetchId};
use ureq::{Agent, Body};

use crate::client::driver::Driver;

use super::{
    agent::{self, IDLE},
    exchanges::{Exchanges, Told, report},
};

/// Bytes read of a body at a time.
const READ_BYTES: usize = 16 * 1024;

/// A request to be made, and where to report what comes of it.
pub(super) struct Job {
    pub(super) id: FetchId,
    pub(super) request: Request<Bytes>,
    pub(super) cancel: Arc<Cancel>,
    pub(super) driver: Arc<Driver<Exchanges>>,
}

/// Ends a request that is being made.
#[derive(Debug, Default)]
pub(super) struct Cancel(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    cancelled: bool,
    agent: Option<Agent>,
}

impl Cancel {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it: the thread that makes it wakes up, and its connection is closed.
    pub(super) fn cancel(&self) {
        let agent = {
            let mut state = self.lock();
            state.cancelled = true;
            state.agent.take()
        };
        if let Some(agent) = agent {
            agent.shutdown();
        }
    }

    // False where it was cancelled already.
    fn begin(&self, agent: &Agent) -> bool {
        let mut state = self.lock();
        state.agent = Some(agent.clone());
        !state.cancelled
    }

    // False where the agent was shut down.
    fn end(&self) -> bool {
        self.lock().agent.take().is_some()
    }
}

/// The threads of a connection that have nothing to do; they wait for a while, and end.
#[derive(Debug, Default)]
pub(super) struct Workers(Mutex<Vec<Sender<Job>>>);

impl Workers {
    fn idle(&self) -> MutexGuard<'_, Vec<Sender<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a thread make the request.
    pub(super) fn start(&self, mut job: Job) -> io::Result<()> {
        // The last one that became idle: its connection is the one that most likely still is one.
        while let Some(worker) = { self.idle().pop() } {
            match worker.send(job) {
                Ok(()) => return Ok(()),
                Err(back) => job = back.0,
            }
        }
        thread::Builder::new()
            .name("mcp-fetch".into())
            .spawn(move || work(job))
            .map(drop)
    }

    fn wait(&self) -> Receiver<Job> {
        let (sender, receiver) = channel();
        self.idle().push(sender);
        receiver
    }

    /// Ends those that are idle.
    pub(super) fn dismiss(&self) {
        self.idle().clear();
    }
}

fn work(mut job: Job) {
    let agent = job.driver.port.agent();
    loop {
        let next = perform(&agent, job);
        match next.and_then(|next| next.recv_timeout(IDLE).ok()) {
            Some(next) => job = next,
            None => return,
        }
    }
}

// Makes a request; gives where the next one will come from, if the thread is of further use.
fn perform(agent: &Agent, job: Job) -> Option<Receiver<Job>> {
    let Job {
        id,
        request,
        cancel,
        driver,
    } = job;
    if !cancel.begin(agent) {
        return None;
    }
    let how = exchange(agent, id, request, &driver);
    // Idle before the end is told: what comes next may be for this thread.
    let fine = cancel.end() && how.is_ok();
    let next = fine.then(|| driver.port.workers.wait());
    report(&driver, id, Told::End(how));
    next
}

fn exchange(
    agent: &Agent,
    id: FetchId,
    request: Request<Bytes>,
    driver: &Arc<Driver<Exchanges>>,
) -> Result<(), FetchError> {
    let (parts, body) = request.into_parts();
    let response = if body.is_empty() {
        agent.run(Request::from_parts(parts, ()))
    } else {
        agent.run(Request::from_parts(parts, &body[..]))
    };
    let (head, body) = response
        .map_err(|error| agent::failure(&error))?
        .into_parts();
    if report(driver, id, Told::Head(&head)) {
        read(driver, id, body)
    } else {
        Err(unwanted())
    }
}

// Nobody wants the rest, and nobody reads this.
fn unwanted() -> FetchError {
    FetchError::Broken("dropped".into())
}

fn read(driver: &Arc<Driver<Exchanges>>, id: FetchId, body: Body) -> Result<(), FetchError> {
    let mut reader = body.into_reader();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                if !report(driver, id, Told::Chunk(&buffer[..count])) {
                    return Err(unwanted());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FetchError::Broken(error.to_string())),
        }
    }
}
