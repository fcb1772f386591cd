//! What a worker does with a connection: it reads requests and runs their handlers, in place.
//!
//! A client that sends one request after the other keeps its worker, for as long as it does not
//! pause for more than [`PAUSE`]: then a short request costs one wait, one read and one write, and
//! nothing is handed from thread to thread.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, MutexGuard},
    time::Duration,
};

use http::StatusCode;
use mcp_server_core::{
    Handler, Link,
    http::{HttpEvent, Verdict},
};

use super::{
    channel::Step,
    connection::{Connection, Inner},
    hub::{Errands, Hub, Job},
};

/// How long a worker waits for a client's next request before the poller does.
const PAUSE: Duration = Duration::from_millis(10);

/// Does one job.
pub(super) fn perform(hub: &Hub, job: Job) {
    match job {
        Job::Serve(connection, tenure) => Service {
            hub,
            connection: &connection,
            tenure,
        }
        .run(),
        Job::Run(call) => {
            let mut errands = Errands::default();
            hub.call_session(call, None, &mut errands);
            hub.run(errands);
        }
    }
}

struct Service<'a> {
    hub: &'a Hub,
    connection: &'a Arc<Connection>,
    tenure: u64,
}

type Guard<'a> = MutexGuard<'a, Inner>;

impl<'a> Service<'a> {
    fn run(&self) {
        let mut inner = self.connection.lock();
        let mut errands = Errands::default();
        // What it was handed over for may be input that is to be read.
        let mut ready = true;
        while inner.is_with(self.tenure) {
            inner.take(self.hub);
            if let Step::Event(event) = inner.channel.poll(|| self.hub.terrain(), self.hub.now()) {
                inner = self.handle(event, inner, &mut errands);
                continue;
            }
            let moved = inner.pump(self.connection, self.hub, &mut errands);
            if !errands.is_empty() {
                drop(inner);
                self.hub.run(std::mem::take(&mut errands));
                inner = self.connection.lock();
                continue;
            }
            if moved {
                continue;
            }
            match self.read(&mut inner, ready, &mut errands) {
                Some(more) => ready = more,
                None => break,
            }
        }
        drop(inner);
        self.hub.run(errands);
    }

    // Whether there may be more to be read at once; `None`: the connection was given away.
    fn read(&self, inner: &mut Guard<'a>, ready: bool, errands: &mut Errands) -> Option<bool> {
        const LONG: usize = 16 * 1024;
        let wants = inner.channel.wants_request() && inner.channel.output.is_empty();
        let waited = wants && (ready || self.hub.is_calm() && inner.wait(PAUSE));
        if !waited {
            inner.park(self.connection, self.hub);
            return None;
        }
        match inner.read() {
            Ok(0) => {
                inner.end(self.connection, self.hub, errands);
                Some(false)
            }
            Ok(count) => Some(count >= LONG),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Some(true),
            Err(_) => {
                inner.disconnect(self.connection, self.hub, errands);
                Some(false)
            }
        }
    }

    fn handle(
        &self,
        event: HttpEvent<Handler>,
        mut inner: Guard<'a>,
        errands: &mut Errands,
    ) -> Guard<'a> {
        let hub = self.hub;
        match event {
            HttpEvent::Call(call) => {
                drop(inner);
                let link: Arc<dyn Link> = Arc::clone(self.connection) as _;
                let (ticket, outcome) = hub.call(call, link, Some(self.connection));
                self.connection.finish(ticket, outcome, hub);
                self.connection.lock()
            }
            HttpEvent::Join => {
                self.join(&mut inner, errands);
                match errands.calls.pop_front() {
                    None => inner,
                    // The others go to other workers.
                    Some(call) => {
                        drop(inner);
                        hub.run(std::mem::take(errands));
                        hub.call_session(call, Some(self.connection), errands);
                        self.connection.lock()
                    }
                }
            }
            HttpEvent::Authorize(token) => {
                drop(inner);
                let verdict = self.judge(token.as_deref());
                let mut inner = self.connection.lock();
                // Nobody else has had it meanwhile.
                if let Some(exchange) = inner.channel.exchange_mut() {
                    exchange.handle_verdict(verdict, hub.now());
                }
                inner
            }
            HttpEvent::Listen => {
                inner.listen(self.connection, hub);
                inner
            }
            // A cancelled call's token is set already; a thread cannot be stopped from outside.
            _ => inner,
        }
    }

    fn join(&self, inner: &mut Guard<'a>, errands: &mut Errands) {
        if let Some(exchange) = inner.channel.exchange_mut() {
            let waker = Arc::downgrade(self.connection);
            self.hub.join(exchange, waker, errands);
        }
    }

    fn judge(&self, token: Option<&str>) -> Verdict {
        let authorizer = self.hub.authorizer.as_deref();
        // A server that asks for a verdict and has nobody to give it lets nobody in; nor does one
        // whose judge has panicked.
        let verdict =
            authorizer.and_then(|judge| catch_unwind(AssertUnwindSafe(|| judge(token))).ok());
        verdict.unwrap_or(Verdict::Deny {
            status: StatusCode::UNAUTHORIZED,
            challenge: None,
        })
    }
}
