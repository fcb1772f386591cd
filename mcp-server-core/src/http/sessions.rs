//! The sessions of one server behind a lock, and what is to be done once it is given back.

use alloc::{boxed::Box, collections::VecDeque, sync::Arc, vec::Vec};
use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mcp_proto::time::Instant;

use super::{
    exchange::Exchange,
    options::HttpOptions,
    server::{HttpServer, HttpServerEvent},
};
use crate::{
    call::{Call, Outcome, Ticket},
    handler::Handler,
    service::Service,
};

/// An [`HttpServer`] that many threads or tasks share. Every access notes down what comes of it in
/// [`Errands`], which are run when no lock is held.
///
/// Whoever keeps the time asks [`fall_asleep`](Self::fall_asleep) how long it may, and is to be
/// woken where errands say so.
pub struct Sessions<W> {
    shared: Mutex<Shared<W>>,
    fill: Box<Fill>,
}

/// Fills a buffer from the system's cryptographic source; false where there is none.
type Fill = dyn Fn(&mut [u8]) -> bool + Send + Sync;

struct Shared<W> {
    server: HttpServer<Handler, W>,
    entropy: Entropy,
    // Until when whoever keeps the time sleeps; `None` while it is awake.
    asleep_until: Option<Instant>,
}

/// What is to be done once no lock is held.
#[derive(Debug)]
#[non_exhaustive]
pub struct Errands<W> {
    /// Exchanges with something to fetch from their sessions.
    pub wakes: Vec<W>,
    /// Handlers to be run.
    pub calls: VecDeque<Call<Handler>>,
    /// Whoever keeps the time sleeps for too long.
    pub rouse: bool,
}

impl<W> Default for Errands<W> {
    fn default() -> Self {
        Self {
            wakes: Vec::new(),
            calls: VecDeque::new(),
            rouse: false,
        }
    }
}

impl<W> Errands<W> {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wakes.is_empty() && self.calls.is_empty() && !self.rouse
    }
}

impl<W: Clone> Sessions<W> {
    /// No sessions yet. `fill` is where the ids of new ones come from: it fills a buffer from a
    /// cryptographic source and says whether it could.
    pub fn new(
        service: Arc<Service<Handler>>,
        options: Arc<HttpOptions>,
        fill: impl Fn(&mut [u8]) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            shared: Mutex::new(Shared {
                server: HttpServer::new(service, options),
                entropy: Entropy::default(),
                asleep_until: None,
            }),
            fill: Box::new(fill),
        }
    }

    /// Does something to the sessions.
    pub fn with<R>(
        &self,
        errands: &mut Errands<W>,
        act: impl FnOnce(&mut HttpServer<Handler, W>) -> R,
    ) -> R {
        let mut shared = self.lock();
        let result = act(&mut shared.server);
        shared.collect(errands);
        result
    }

    /// Takes in an exchange that said [`HttpEvent::Join`](super::HttpEvent::Join). Where the system
    /// has no random bytes, no session is opened: there would be ids that can be guessed.
    pub fn join(
        &self,
        exchange: &mut Exchange<Handler>,
        waker: W,
        now: Instant,
        errands: &mut Errands<W>,
    ) {
        self.join_after(|_| {}, exchange, waker, now, errands);
    }

    /// The same where something else is to be done to the sessions first, if there is somebody to
    /// be taken in.
    pub(super) fn join_after(
        &self,
        first: impl FnOnce(&mut HttpServer<Handler, W>),
        exchange: &mut Exchange<Handler>,
        waker: W,
        now: Instant,
        errands: &mut Errands<W>,
    ) {
        let Some(complete) = exchange.take_complete(now) else {
            return;
        };
        // Nobody waits for the lock while a message is read.
        let Some(content) = exchange.sort(&complete) else {
            return exchange.lend(complete);
        };
        let shared = &mut *self.lock();
        let opens = content.opens(&complete.request.way);
        let entropy = opens.then(|| shared.entropy.take(&self.fill)).flatten();
        let server = &mut shared.server;
        first(server);
        let entered = server.enter(&complete.request, content, waker, entropy.as_ref(), now);
        server.take_in(exchange, entered, complete, now);
        shared.collect(errands);
    }

    /// A session's call has ended; `None`: without an outcome, since its handler has panicked or
    /// was dropped.
    pub fn end_call(
        &self,
        ticket: Ticket,
        outcome: Option<Outcome>,
        now: Instant,
        errands: &mut Errands<W>,
    ) {
        // Discarded where the call was cancelled or timed out meanwhile, which needs no answer.
        let _ = self.with(errands, |server| match outcome {
            Some(outcome) => server.finish(ticket, outcome, now),
            None => server.abandon(ticket.call(), now),
        });
    }

    /// The same for a call that was run by whoever drives the exchange that has brought it: the
    /// exchange gets at once what comes of it, and is not woken.
    pub fn end_call_at(
        &self,
        exchange: &mut Exchange<Handler>,
        ticket: Ticket,
        outcome: Option<Outcome>,
        now: Instant,
        errands: &mut Errands<W>,
    ) {
        self.with(errands, |server| {
            server.finish_at(exchange, ticket, outcome, now);
        });
    }

    /// Does what is due. Until when whoever keeps the time may sleep from now on; from here until
    /// [`wake_up`](Self::wake_up), [`Errands::rouse`] says when that has become too long.
    pub fn fall_asleep(&self, now: Instant, errands: &mut Errands<W>) -> Option<Instant> {
        let mut shared = self.lock();
        // Awake meanwhile: this needs no rousing.
        shared.asleep_until = None;
        if shared.server.poll_timeout().is_some_and(|due| due <= now) {
            shared.server.handle_timeout(now);
        }
        shared.collect(errands);
        let due = shared.server.poll_timeout();
        shared.asleep_until = Some(due.unwrap_or(Instant::MAX));
        due
    }

    /// Whoever keeps the time is awake.
    pub fn wake_up(&self) {
        self.lock().asleep_until = None;
    }

    fn lock(&self) -> MutexGuard<'_, Shared<W>> {
        // The data is consistent even where a thread has panicked while holding it.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Clone> Shared<W> {
    fn collect(&mut self, errands: &mut Errands<W>) {
        while let Some(event) = self.server.poll_event() {
            match event {
                HttpServerEvent::Call(call) => {
                    // Most of the time there is one, and it is large.
                    if errands.calls.capacity() == 0 {
                        errands.calls.reserve_exact(1);
                    }
                    errands.calls.push_back(call);
                }
                HttpServerEvent::Wake(waker) => errands.wakes.push(waker),
                // Its token is set already, which is how its handler learns of it.
                HttpServerEvent::Cancelled(_) => {}
            }
        }
        let due = self.server.poll_timeout();
        if let (Some(until), Some(due)) = (self.asleep_until, due) {
            if due < until {
                self.asleep_until = None;
                errands.rouse = true;
            }
        }
    }
}

impl<W> fmt::Debug for Sessions<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// Random bytes, fetched for many ids at once.
struct Entropy {
    bytes: [u8; Self::BYTES],
    used: usize,
}

impl Default for Entropy {
    fn default() -> Self {
        Self {
            bytes: [0; Self::BYTES],
            used: Self::BYTES,
        }
    }
}

impl Entropy {
    const BYTES: usize = 512;

    fn take(&mut self, fill: impl FnOnce(&mut [u8]) -> bool) -> Option<[u8; 16]> {
        if self.used == Self::BYTES {
            if !fill(&mut self.bytes) {
                return None;
            }
            self.used = 0;
        }
        let mut taken = [0; 16];
        let from = &mut self.bytes[self.used..self.used + 16];
        // Nobody else gets to see them.
        taken.swap_with_slice(from);
        self.used += 16;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicU8, Ordering};

    #[test]
    fn no_two_ids_are_made_of_the_same_bytes() {
        let fetched = AtomicU8::new(0);
        let fill = |bytes: &mut [u8]| {
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte = (index / 16) as u8 + 32 * fetched.load(Ordering::SeqCst);
            }
            fetched.fetch_add(1, Ordering::SeqCst);
            true
        };
        let mut entropy = Entropy::default();
        let taken: Vec<_> = (0..64).map(|_| entropy.take(fill).unwrap()[0]).collect();
        assert_eq!(taken, (0..64).collect::<Vec<u8>>());
        assert_eq!((fetched.into_inner(), entropy.bytes), (2, [0; 512]));
        assert_eq!(entropy.take(|_: &mut [u8]| false), None);
    }
}
