//! The sessions of clients with an `initialize` handshake, and the way between them and the
//! exchanges.
//!
//! ```text
//!   Exchange ── join ──▶ HttpServer ── messages ──▶ one session ── Event::Call ──▶ the driver
//!      ▲                     │                          │
//!      └────── ferry ◀── HttpServerEvent::Wake ◀── its streams ◀── what the session has to say
//! ```

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    vec::Vec,
};

use core::fmt;
use http::{HeaderValue, StatusCode};
use mcp_proto::{frame::sse, http::names, rpc::CallId, time::Instant};

use super::{
    arrival::Complete,
    enter::Entry,
    exchange::Exchange,
    head,
    legacy::{HttpSession, Tray},
    options::HttpOptions,
    refusal::Refusal,
    seat::{Seated, write_answers},
    store::{EventRing, EventStore},
};
use crate::{
    call::{Call, Change, Delivery, Note, Outcome, Ticket},
    service::Service,
};

/// What a server's sessions want from whoever drives them.
#[derive(Debug)]
#[non_exhaustive]
pub enum HttpServerEvent<H, W> {
    /// Run this handler and bring its outcome to [`HttpServer::finish`].
    Call(Call<H>),
    /// This call's outcome is no longer wanted; its token is set already. It is to be finished or
    /// abandoned all the same.
    Cancelled(CallId),
    /// There is something for the exchange that joined with this waker: hand it to
    /// [`HttpServer::ferry`].
    Wake(W),
}

/// All sessions of one server: the only part that its exchanges share.
///
/// Revision 2026-07-28 has no sessions, and so none of its requests is taken in; for the others, put
/// it behind a mutex. `W` is whatever wakes the driver of an exchange: stored, cloned into
/// [`HttpServerEvent::Wake`], never called. After every call drain [`poll_event`](Self::poll_event).
pub struct HttpServer<H, W> {
    pub(super) service: Arc<Service<H>>,
    pub(super) options: Arc<HttpOptions>,
    pub(super) ids: BTreeMap<Box<str>, u32>,
    // Boxed, since nearly half of a tree's places are empty.
    pub(super) sessions: BTreeMap<u32, Box<HttpSession<H, W>>>,
    // When which session has to be looked at.
    pub(super) schedule: BTreeSet<(Instant, u32)>,
    pub(super) store: Box<dyn EventStore>,
    pub(super) events: VecDeque<HttpServerEvent<H, W>>,
    pub(super) last_tag: u32,
    pub(super) closed: bool,
}

/// Without the sessions' ids, which let in whoever knows them.
impl<H, W> fmt::Debug for HttpServer<H, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer")
            .field("sessions", &self.sessions.len())
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

impl<H: Clone, W: Clone> HttpServer<H, W> {
    /// A server without sessions, which keeps events in memory.
    #[must_use]
    pub fn new(service: Arc<Service<H>>, options: Arc<HttpOptions>) -> Self {
        let store = Box::new(EventRing::new(service.limits()));
        Self {
            service,
            options,
            ids: BTreeMap::new(),
            sessions: BTreeMap::new(),
            schedule: BTreeSet::new(),
            store,
            events: VecDeque::new(),
            last_tag: 0,
            closed: false,
        }
    }

    /// Keeps events in another store.
    #[must_use]
    pub fn with_store(mut self, store: Box<dyn EventStore>) -> Self {
        self.store = store;
        self
    }

    /// How many sessions there are.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    // ── exchanges ───────────────────────────────────────────────────────────────────────────────

    /// Takes in an exchange that said [`HttpEvent::Join`](super::HttpEvent::Join): its body is read
    /// here. Poll it for events again, for it need not belong to a session.
    ///
    /// `entropy` makes a new session's id and must come from a cryptographic source.
    pub fn join(&mut self, exchange: &mut Exchange<H>, waker: W, entropy: &[u8; 16], now: Instant) {
        let Some(complete) = exchange.take_complete(now) else {
            return;
        };
        match exchange.sort(&complete) {
            Some(content) => {
                let entered = self.enter(&complete.request, content, waker, Some(entropy), now);
                self.take_in(exchange, entered, complete, now);
            }
            None => exchange.lend(complete),
        }
    }

    /// Has an exchange go on with what has become of its request.
    pub(super) fn take_in(
        &mut self,
        exchange: &mut Exchange<H>,
        entered: Result<Entry, Refusal>,
        complete: Complete,
        now: Instant,
    ) {
        let Complete { request, text } = complete;
        match entered.map(|entry| self.follow_up(entry, text.ok(), now)) {
            Ok(Entry::Seat { tag, seat, form }) => {
                // That which the client has named is this one.
                let named = request.head.headers.get(names::SESSION_ID);
                self.greet(exchange, tag, named.cloned(), now);
                exchange.sit(Seated::new(tag, seat, form, now));
            }
            Ok(Entry::Failed(answers)) => {
                exchange.respond_with(now, |reply| {
                    write_answers(answers, false, StatusCode::OK, reply, now);
                });
            }
            Ok(Entry::Told(_)) => exchange.respond(StatusCode::ACCEPTED, now),
            Ok(Entry::Ended) => exchange.respond(StatusCode::NO_CONTENT, now),
            Err(refusal) => exchange.refuse(refusal),
        }
        self.ferry(exchange, now);
    }

    /// Hands to a seated exchange what its stream has for it.
    pub fn ferry(&mut self, exchange: &mut Exchange<H>, now: Instant) {
        let room = self.service.limits().outbound_high_water;
        let (Some(seated), reply) = exchange.seat_and_reply(now) else {
            return;
        };
        let tag = seated.tag;
        let more = match self.sessions.get_mut(&tag) {
            Some(session) => {
                session.touch(now);
                seated.ferry(
                    &mut session.streams,
                    reply,
                    &session.id,
                    &mut *self.store,
                    room,
                    now,
                )
            }
            // The session has ended meanwhile.
            None => {
                Refusal::no_session().in_answer_to(None).answer(reply, now);
                reply.end();
                false
            }
        };
        if !more {
            self.leave(exchange, now);
        }
    }

    /// Takes an exchange out: its reply is complete, or its client is gone. What its calls still
    /// have to say is kept for a client that can come back.
    pub fn leave(&mut self, exchange: &mut Exchange<H>, now: Instant) {
        let Some(seated) = exchange.stand_up() else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&seated.tag) else {
            return;
        };
        session
            .streams
            .leave(seated.seat, &session.id, &mut *self.store);
        session.touch(now);
        if session.pair {
            self.end(seated.tag, now);
        } else {
            self.reschedule(seated.tag);
        }
    }

    // ── in ──────────────────────────────────────────────────────────────────────────────────────

    /// A call's outcome.
    pub fn finish(&mut self, ticket: Ticket, outcome: Outcome, now: Instant) -> Delivery {
        let tag = ticket.call().tag();
        let Some(session) = self.sessions.get_mut(&tag) else {
            return Delivery::Discarded;
        };
        let delivery = session.dialog.finish(ticket, outcome, now);
        self.pump(tag, now);
        delivery
    }

    /// A call's outcome, or none where its ticket is lost, for whoever drives the exchange that has
    /// brought the call: what comes of it is handed over here, and nobody is woken for it.
    pub(super) fn finish_at(
        &mut self,
        exchange: &mut Exchange<H>,
        ticket: Ticket,
        outcome: Option<Outcome>,
        now: Instant,
    ) {
        if let (Some(seated), _) = exchange.seat_and_reply(now) {
            if let Some(session) = self.sessions.get_mut(&seated.tag) {
                session.streams.attend(seated.seat);
            }
        }
        // Discarded where the call was cancelled or timed out meanwhile, which needs no answer.
        let _ = match outcome {
            Some(outcome) => self.finish(ticket, outcome, now),
            None => self.abandon(ticket.call(), now),
        };
        self.ferry(exchange, now);
    }

    /// A call whose ticket is lost, because its handler panicked.
    pub fn abandon(&mut self, call: CallId, now: Instant) -> Delivery {
        let Some(session) = self.sessions.get_mut(&call.tag()) else {
            return Delivery::Discarded;
        };
        let delivery = session.dialog.abandon(call, now);
        self.pump(call.tag(), now);
        delivery
    }

    /// What a handler tells while it runs.
    pub fn note(&mut self, call: CallId, note: Note, now: Instant) -> Delivery {
        let Some(session) = self.sessions.get_mut(&call.tag()) else {
            return Delivery::Discarded;
        };
        if note == Note::CloseStream {
            let origin = session.dialog.origin_of(call);
            let waker = origin.and_then(|origin| session.streams.release(origin));
            self.events.extend(waker.map(HttpServerEvent::Wake));
            return Delivery::Accepted;
        }
        let delivery = session.dialog.note(call, note, now);
        self.pump(call.tag(), now);
        delivery
    }

    /// What the server offers has changed.
    pub fn handle_service(&mut self, service: Arc<Service<H>>, now: Instant) {
        self.service = service;
        let service = Arc::clone(&self.service);
        self.for_each(now, |session| {
            session.dialog.handle_service(Arc::clone(&service), now);
            session.dialog.has_news()
        });
    }

    /// What the server offers has changed, and so has something that clients may want to know: both
    /// at once, so that they are told once of a list that is part of both.
    pub fn handle_changes(
        &mut self,
        service: Option<&Arc<Service<H>>>,
        changes: &[Change],
        now: Instant,
    ) {
        if let Some(service) = service {
            self.service = Arc::clone(service);
        }
        self.for_each(now, |session| {
            if let Some(service) = service {
                session.dialog.handle_service(Arc::clone(service), now);
            }
            for change in changes {
                session.dialog.handle_change(change, now);
            }
            session.dialog.has_news()
        });
    }

    /// Something has changed that clients may want to know.
    pub fn handle_change(&mut self, change: &Change, now: Instant) {
        self.handle_changes(None, core::slice::from_ref(change), now);
    }

    /// The time has come that [`poll_timeout`](Self::poll_timeout) told.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, tag)) = self.schedule.first().copied().filter(|(at, _)| *at <= now) {
            // It is put back with its next time, if it has one.
            self.schedule.remove(&(at, tag));
            let limits = self.service.limits();
            let Some(session) = self.sessions.get_mut(&tag) else {
                continue;
            };
            session.planned = Instant::MAX;
            if session.idle_until(limits).is_some_and(|until| now >= until) {
                self.end(tag, now);
                continue;
            }
            session.dialog.handle_timeout(now);
            self.pump(tag, now);
        }
    }

    /// Takes nobody in any more and ends the streams that nobody waits for an answer on. Calls go
    /// on, and their answers are still given.
    pub fn shut_down(&mut self, now: Instant) {
        self.closed = true;
        let mut wakers = Vec::new();
        self.for_each(now, |session| {
            wakers.extend(session.streams.close_unasked());
            true
        });
        self.events
            .extend(wakers.into_iter().map(HttpServerEvent::Wake));
    }

    /// Ends every session, and cancels its calls.
    pub fn close(&mut self, now: Instant) {
        self.closed = true;
        while let Some(tag) = self.sessions.keys().next().copied() {
            self.end(tag, now);
        }
    }

    // ── out ─────────────────────────────────────────────────────────────────────────────────────

    /// What is to be done next; `None` until something comes in.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<HttpServerEvent<H, W>> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.schedule.first().map(|(at, _)| *at)
    }

    // ── sessions ────────────────────────────────────────────────────────────────────────────────

    // Begins the reply of an exchange that is to read a stream.
    fn greet(
        &mut self,
        exchange: &mut Exchange<H>,
        tag: u32,
        named: Option<HeaderValue>,
        now: Instant,
    ) {
        let Some(session) = self.sessions.get(&tag) else {
            return;
        };
        let pair = self.options.pair.as_ref().filter(|_| session.pair);
        let endpoint = pair.map(|pair| head::pair_endpoint(&pair.messages, &session.id));
        let id = named.or_else(|| HeaderValue::from_str(&session.id).ok());
        exchange.respond_with(now, |reply| {
            if let Some(mut id) = id.filter(|_| endpoint.is_none()) {
                id.set_sensitive(true);
                reply.headers_mut().insert(names::SESSION_ID, id);
            }
            if let Some(endpoint) = endpoint {
                reply.begin_stream(now);
                reply.event(now, |out| {
                    sse::write_event(out, Some("endpoint"), None, endpoint.as_bytes());
                });
            }
        });
    }

    pub(super) fn end(&mut self, tag: u32, now: Instant) {
        if let Some(session) = self.sessions.get_mut(&tag) {
            session.dialog.cut();
        }
        self.pump(tag, now);
        let Some(mut session) = self.sessions.remove(&tag) else {
            return;
        };
        self.schedule.remove(&(session.planned, tag));
        self.ids.remove(&session.id);
        self.store.forget(&session.id);
        self.events
            .extend(session.streams.close().map(HttpServerEvent::Wake));
    }

    pub(super) fn pump(&mut self, tag: u32, now: Instant) {
        let Some(session) = self.sessions.get_mut(&tag) else {
            return;
        };
        let mut tray = Tray {
            events: &mut self.events,
            store: &mut *self.store,
            limits: self.service.limits(),
        };
        session.pump(now, &mut tray);
        self.reschedule(tag);
    }

    // Does this to every session, and hands out what those have to say for which it is true.
    fn for_each(&mut self, now: Instant, mut change: impl FnMut(&mut HttpSession<H, W>) -> bool) {
        let sessions = self.sessions.iter_mut();
        let tags: Vec<u32> = sessions
            .filter_map(|(tag, session)| change(session).then_some(*tag))
            .collect();
        for tag in tags {
            self.pump(tag, now);
        }
    }

    pub(super) fn reschedule(&mut self, tag: u32) {
        let Some(session) = self.sessions.get_mut(&tag) else {
            return;
        };
        let due = session.due(self.service.limits());
        // One that is planned too early is planned anew when it is looked at: to do so with every
        // request costs more, and wakes whoever keeps the time.
        if due < session.planned {
            self.schedule.remove(&(session.planned, tag));
            session.planned = due;
            self.schedule.insert((due, tag));
        }
    }
}
