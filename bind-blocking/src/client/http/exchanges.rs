//! A client's exchanges over HTTP: threads make requests, and whoever makes a call hands its request
//! to one of them.

use std::{collections::BTreeMap, io, mem, sync::Arc};

use http::response::Parts;
use mcp_client_core::{
    Caller, ClientBuilder, Desk,
    http::{Endpoint, Fetch, FetchError, FetchId, HttpClient},
};
use ureq::{Agent, config::Config};

use super::worker::{Cancel, Job, Workers};
use crate::client::driver::{Driver, Port, answer};

pub(super) struct Exchanges {
    config: Config,
    pub(super) workers: Workers,
}

/// What a thread tells of its request.
pub(super) enum Told<'a> {
    Head(&'a Parts),
    Chunk(&'a [u8]),
    End(Result<(), FetchError>),
}

/// Starts a connection; its threads come and go.
pub(super) fn start(
    builder: ClientBuilder,
    endpoint: Endpoint,
    config: Config,
) -> io::Result<(Arc<Driver<Exchanges>>, Caller)> {
    let port = Exchanges {
        config,
        workers: Workers::default(),
    };
    let front = |config, now| HttpClient::new(config, endpoint, now);
    let (driver, caller) = Driver::start(builder, front, port, BTreeMap::new())?;
    driver.wake();
    Ok((driver, caller))
}

/// Ends the connection: open calls fail, and the server is told what it has to be told, which is
/// waited for.
pub(super) fn close(driver: &Arc<Driver<Exchanges>>) {
    driver.fail();
    drop(driver.wait_while(driver.lock(), None, |state| state.desk.is_some()));
}

/// Takes a thread's report; false where nobody wants to know more of its request. Waits while a
/// part of a body is not to be read yet.
pub(super) fn report(driver: &Arc<Driver<Exchanges>>, id: FetchId, told: Told<'_>) -> bool {
    let is_chunk = matches!(told, Told::Chunk(_));
    let mut state = driver.wait_while(driver.lock(), None, |state| {
        let waits = |desk: &Desk<HttpClient>| is_chunk && !desk.wants_chunk(id);
        state.port.contains_key(&id) && state.desk.as_ref().is_some_and(waits)
    });
    let ended = matches!(told, Told::End(_));
    let wanted = match ended {
        true => state.port.remove(&id).is_some(),
        false => state.port.contains_key(&id),
    };
    let Some(desk) = state.desk.as_mut().filter(|_| wanted) else {
        return false;
    };
    let now = driver.clock.now();
    match told {
        Told::Head(head) => desk.handle_head(id, head, now),
        Told::Chunk(bytes) => desk.handle_chunk(id, bytes, now),
        Told::End(how) => desk.handle_end(id, how, now),
    }
    drop(state);
    driver.wake();
    !ended
}

impl Exchanges {
    /// The agent of one thread. Not shared: to end one request of it ends its connection.
    pub(super) fn agent(&self) -> Agent {
        self.config.new_agent()
    }
}

impl Port for Exchanges {
    type Front = HttpClient;
    /// Those that are under way, and how to end them.
    type State = BTreeMap<FetchId, Arc<Cancel>>;

    fn turn(driver: &Arc<Driver<Self>>) {
        let now = driver.clock.now();
        let mut locked = driver.lock();
        let state = &mut *locked;
        let Some(desk) = &mut state.desk else { return };
        let (mut tasks, mut jobs, mut cancelled) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(task) = desk.poll_task(now) {
            tasks.push(task);
        }
        while let Some(fetch) = desk.poll_fetch() {
            match fetch {
                Fetch::Open(id, request) => {
                    let cancel = Arc::new(Cancel::default());
                    state.port.insert(id, Arc::clone(&cancel));
                    jobs.push(Job {
                        id,
                        request,
                        cancel,
                        driver: Arc::clone(driver),
                    });
                }
                Fetch::Abort(id) => cancelled.extend(state.port.remove(&id)),
                _ => {}
            }
        }
        driver.plan(desk.poll_timeout());
        if desk.is_closed() {
            cancelled.extend(mem::take(&mut state.port).into_values());
            driver.port.workers.dismiss();
            driver.end(locked);
        } else {
            driver.unlock(locked);
        }
        cancelled.iter().for_each(|cancel| cancel.cancel());
        jobs.into_iter().for_each(|job| perform(driver, job));
        tasks.into_iter().for_each(answer);
    }
}

fn perform(driver: &Arc<Driver<Exchanges>>, job: Job) {
    let id = job.id;
    if let Err(error) = driver.port.workers.start(job) {
        let why = FetchError::Connect(format!("no thread: {error}"));
        report(driver, id, Told::End(Err(why)));
    }
}
