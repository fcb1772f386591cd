//! The loop of a client over HTTP, for any executor: it polls the machine and its exchanges.

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, task::Wake, vec::Vec};
use core::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, response::Parts};
use mcp_proto::time::Instant;

use super::{Endpoint, Fetch, FetchError, FetchId, HttpClient};
use crate::desk::{Bell, Caller, ClientBuilder, Desk, Task};

/// Turns after which other tasks are let run, however much there is to do.
const TURNS: usize = 32;
/// Reports taken from one exchange before the others have their turn.
const REPORTS: usize = 16;

/// What is told of an exchange that is under way.
#[derive(Debug)]
#[non_exhaustive]
pub enum Report {
    /// The head of its response.
    Head(Parts),
    /// A part of its response's body.
    Chunk(Bytes),
    /// It is over; nothing more is told.
    End(Result<(), FetchError>),
}

/// An exchange that is under way. To drop it drops the exchange.
pub trait Perform: Send {
    /// The next thing to tell; not called again after the end.
    fn poll_report(&mut self, context: &mut Context<'_>) -> Poll<Report>;
}

/// Whoever can make requests. Redirects are not followed, and no status is an error.
pub trait Dial: Send {
    /// Begins an exchange.
    fn dial(&mut self, request: Request<Bytes>) -> Box<dyn Perform>;
}

/// A client over HTTP and all of its exchanges, driven by one task of any executor.
///
/// After [`poll`](Self::poll) the task sleeps until it is woken, or until
/// [`poll_timeout`](Self::poll_timeout).
pub struct HttpTurns<D> {
    desk: Desk<HttpClient>,
    dial: D,
    open: BTreeMap<FetchId, Open>,
    bells: Arc<Bells>,
}

struct Open {
    exchange: Box<dyn Perform>,
    ring: Arc<Ring>,
    // Came while nothing was to be read; nothing more is taken until it is.
    held: Option<Bytes>,
}

/// Wakes the task, and remembers which exchanges have something to tell.
#[derive(Debug, Default)]
struct Bells {
    task: Bell,
    rung: Mutex<Vec<FetchId>>,
}

/// The waker of one exchange.
#[derive(Debug)]
struct Ring {
    bells: Arc<Bells>,
    id: FetchId,
    rung: AtomicBool,
}

impl Bells {
    fn rung(&self) -> MutexGuard<'_, Vec<FetchId>> {
        // Consistent even after a panic: nothing here stops half-way.
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.bells.rung().push(self.id);
            self.bells.task.ring();
        }
    }
}

impl<D: Dial> HttpTurns<D> {
    /// Starts a connection whose requests `dial` makes.
    #[must_use]
    pub fn new(
        builder: ClientBuilder,
        endpoint: Endpoint,
        dial: D,
        now: Instant,
    ) -> (Self, Caller) {
        let bells = Arc::new(Bells::default());
        let woken = Arc::clone(&bells);
        let front = |config, now| HttpClient::new(config, endpoint, now);
        let (desk, caller) = Desk::over(builder, front, move || woken.task.ring(), now);
        let turns = Self {
            desk,
            dial,
            open: BTreeMap::new(),
            bells,
        };
        (turns, caller)
    }

    /// Does all there is to do; ready when it is all over. `start` runs the tasks that answer the
    /// server's questions, elsewhere.
    pub fn poll(
        &mut self,
        context: &mut Context<'_>,
        now: Instant,
        start: &mut dyn FnMut(Task),
    ) -> Poll<()> {
        // Before looking, so that nothing which comes meanwhile goes unnoticed.
        self.bells.task.listen(context.waker());
        for _ in 0..TURNS {
            if self.desk.poll_timeout().is_some_and(|due| due <= now) {
                self.desk.handle_timeout(now);
            }
            while let Some(task) = self.desk.poll_task(now) {
                start(task);
            }
            while let Some(fetch) = self.desk.poll_fetch() {
                self.perform(fetch);
            }
            if self.desk.is_closed() {
                return Poll::Ready(());
            }
            if !self.take_reports(now) {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// When [`poll`](Self::poll) must be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.desk.poll_timeout()
    }

    fn perform(&mut self, fetch: Fetch) {
        match fetch {
            Fetch::Open(id, request) => {
                let ring = Arc::new(Ring {
                    bells: Arc::clone(&self.bells),
                    id,
                    rung: AtomicBool::new(true),
                });
                let open = Open {
                    exchange: self.dial.dial(request),
                    ring,
                    held: None,
                };
                self.open.insert(id, open);
                self.bells.rung().push(id);
            }
            Fetch::Abort(id) => drop(self.open.remove(&id)),
        }
    }

    // Whether anything was told.
    fn take_reports(&mut self, now: Instant) -> bool {
        let mut told = self.release_held(now);
        let rung = core::mem::take(&mut *self.bells.rung());
        for id in rung {
            told |= self.take_reports_of(id, now);
        }
        told
    }

    fn release_held(&mut self, now: Instant) -> bool {
        let mut any = false;
        for (id, open) in &mut self.open {
            let wanted = |_: &mut _| self.desk.wants_chunk(*id);
            if let Some(bytes) = open.held.take_if(wanted) {
                self.desk.handle_chunk(*id, &bytes, now);
                // It may have more to tell, and was not asked since.
                Arc::clone(&open.ring).wake();
                any = true;
            }
        }
        any
    }

    fn take_reports_of(&mut self, id: FetchId, now: Instant) -> bool {
        let Some(open) = self.open.get_mut(&id) else {
            return false;
        };
        // Before asking, so that what rings from now on is heard.
        open.ring.rung.store(false, Ordering::Release);
        if open.held.is_some() {
            return false;
        }
        let waker = Waker::from(Arc::clone(&open.ring));
        let mut context = Context::from_waker(&waker);
        for told in 0..REPORTS {
            match open.exchange.poll_report(&mut context) {
                Poll::Pending => return told > 0,
                Poll::Ready(Report::Head(head)) => self.desk.handle_head(id, &head, now),
                Poll::Ready(Report::Chunk(bytes)) if self.desk.wants_chunk(id) => {
                    self.desk.handle_chunk(id, &bytes, now);
                }
                Poll::Ready(Report::Chunk(bytes)) => {
                    open.held = Some(bytes);
                    return told > 0;
                }
                Poll::Ready(Report::End(how)) => {
                    self.open.remove(&id);
                    self.desk.handle_end(id, how, now);
                    return true;
                }
            }
        }
        waker.wake();
        true
    }
}

impl<D> fmt::Debug for HttpTurns<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTurns")
            .field("exchanges", &self.open.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
