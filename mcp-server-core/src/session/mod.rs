//! The protocol, message by message, for both eras at once.
//!
//! ```text
//!  front ── message ──▶ receive ─┬─ handshake era: its session's revision, level, subscriptions
//!                                └─ stateless era: what each request says in `_meta`
//!                                     │
//!                       service ◀─ find ─ calls ──▶ Event::Call ──▶ whoever runs handlers
//!                                            ▲                           │
//!  front ◀── message ─── outbox ◀── answers ─┴──── finish, abandon, note ┘
//! ```
//!
//! A session knows no bytes, lines or sockets, and no handlers: it asks the service where a
//! handler is, and the front that drives it attaches the handler to the call. `Conn` is such a
//! front for byte streams; HTTP has its own.
//!
//! **Both eras on one connection.** Each request is judged by itself: one that makes claims in
//! `_meta` is of the stateless era, any other of the handshake era. A client may use both side by
//! side, `initialize` may come after stateless requests, and a stateless request changes nothing
//! in the session that a handshake opened. Request ids are shared by both.
//!
//! **What is owed.** Every request gets exactly one answer: from its handler, or an error when the
//! handler panicked, its deadline came, or the connection ends; none once the client cancelled it.
//! At most [`Limits::calls_in_flight`] calls run, [`Limits::calls_parked`] wait, and the next one
//! is answered "busy", unless the front can hold it back for a while. A cancelled or expired call
//! gives its place to the next one at once, even if its handler goes on; but there are never more
//! than twice as many handlers at work as calls may be in flight, so that handlers which never come
//! back cost a bounded number of threads.

mod answer;
mod asking;
mod batch;
mod calls;
mod claims;
mod extension;
mod finish;
mod handshake;
mod input;
mod offers;
mod open;
mod outbox;
mod receive;
mod room;
mod serve;
mod subscribe;
#[cfg(test)]
mod tests;
mod watch;

use alloc::{boxed::Box, collections::VecDeque, sync::Arc, vec::Vec};
use core::ops::Range;
use mcp_proto::{
    limits::Limits,
    rpc::{CallId, Ledger, RpcError},
    time::Instant,
    version::ProtocolVersion,
};

#[cfg(feature = "http")]
pub(crate) use claims::{Claims, are_made as claims_are_made};
#[cfg(feature = "std")]
pub(crate) use finish::fit;
#[cfg(feature = "std")]
pub(crate) use input::check_need;
pub(crate) use offers::{Found, FoundCompletion, Offers, Place, TaskPolicy};
#[cfg(feature = "http")]
pub(crate) use outbox::{Sent, SentKind};
pub(crate) use receive::Arrival;

#[cfg(feature = "http")]
use crate::state::StateKeeper;
use crate::{
    call::{Change, Closed, Event},
    cancel::CancelToken,
    state::States,
};
use asking::Asked;
use batch::Batches;
use claims::Known;
use handshake::Opened;
use open::{Ids, Request, State};
use outbox::Outbox;
use room::Patience;

/// One client's conversation.
#[derive(Debug)]
pub(crate) struct Session {
    limits: Arc<Limits>,
    // The last time that anybody told.
    now: Instant,
    phase: Phase,
    open: Ledger<Request>,
    ids: Ids,
    parked: VecDeque<CallId>,
    listens: Vec<CallId>,
    // Tokens of calls that have ended, for the next ones; no more than ran at once.
    tokens: Vec<CancelToken>,
    // Calls whose handlers are at work and wanted, and those that are no longer wanted.
    running: usize,
    over: usize,
    // With calls for which there is no room, where the front can hold them back.
    patience: Option<Patience>,
    // Calls that wait for their client's answers, and our requests to it, once there are any.
    asking: usize,
    asked: Option<Box<Asked>>,
    states: States,
    batches: Batches,
    handshake: Option<Box<Opened>>,
    known: Option<Known>,
    // It is the only request: what it says need not be remembered.
    forgetful: bool,
    // On whose behalf everything is asked.
    subject: Option<Arc<str>>,
    // The revision that was spoken last.
    spoken: Option<ProtocolVersion>,
    // Unreadable messages in a row.
    rejected: usize,
    // Changes or progress reports wait for room in the outbox.
    due: bool,
    // A call whose arguments lie in a text that the front still has to hand over.
    lent: Option<(CallId, Range<usize>)>,
    events: VecDeque<Event<Place>>,
    out: Outbox,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// No more requests come; what was asked is answered until then, if there is such a time.
    Ending {
        why: Closed,
        until: Option<Instant>,
    },
    Closed,
}

impl Session {
    /// A conversation that has not begun. `tag` is put into its call ids.
    pub(crate) fn new(tag: u32, limits: &Arc<Limits>, now: Instant) -> Self {
        Self {
            limits: Arc::clone(limits),
            now,
            phase: Phase::Open,
            open: Ledger::new(tag),
            ids: Ids::default(),
            parked: VecDeque::new(),
            listens: Vec::new(),
            tokens: Vec::new(),
            running: 0,
            over: 0,
            patience: None,
            asking: 0,
            asked: None,
            states: States::new(limits),
            batches: Batches::new(limits.outbound_bytes),
            handshake: None,
            known: None,
            forgetful: false,
            subject: None,
            spoken: None,
            rejected: 0,
            due: false,
            lent: None,
            events: VecDeque::new(),
            out: Outbox::new(limits),
        }
    }

    /// Says on whose behalf everything is asked; to be told before anything is.
    pub(crate) fn set_subject(&mut self, subject: Option<Arc<str>>) {
        self.subject = subject;
        // What was read of the client is remembered with whom it asks for.
        self.known = None;
    }

    /// Says who keeps the states of calls that ask, where the service does not.
    #[cfg(feature = "http")]
    pub(crate) fn set_state_keeper(&mut self, keeper: Option<Arc<dyn StateKeeper>>) {
        self.states.set_keeper(keeper);
    }

    /// The revision that the handshake has agreed on.
    pub(crate) fn version(&self) -> Option<ProtocolVersion> {
        self.handshake.as_ref().map(|opened| opened.version())
    }

    /// What it wants from whoever drives it. After each event, and after messages were taken,
    /// there may be another.
    pub(crate) fn poll_event(&mut self, offers: &dyn Offers) -> Option<Event<Place>> {
        if self.out.has_overflowed() || self.batches.have_overflowed() {
            self.collapse(Closed::Overflow);
        }
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        if self.phase == Phase::Open && self.parked.is_empty() {
            return None;
        }
        if self.phase != Phase::Closed && !self.out.is_crowded() {
            self.promote(offers);
        }
        if let (Phase::Ending { why, .. }, true) = (self.phase, self.owes_nothing()) {
            self.phase = Phase::Closed;
            self.events.push_back(Event::Closed(why));
        }
        self.events.pop_front()
    }

    fn owes_nothing(&self) -> bool {
        self.running + self.asking == 0
            && self.parked.is_empty()
            && self.events.is_empty()
            && !self.wants_write()
    }

    /// Moves messages into `out`, each ended by a newline: all there are where it is empty, by
    /// exchanging the buffers, else one. Tells whether there were any.
    pub(crate) fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.announce();
        self.out.take(out, self.now)
    }

    /// Appends one message, without a newline, and tells where it belongs.
    #[cfg(feature = "http")]
    pub(crate) fn poll_out(&mut self, out: &mut Vec<u8>) -> Option<Sent> {
        self.announce();
        let sent = self.out.take_one(out, self.now)?;
        out.pop();
        Some(sent)
    }

    /// For a front that takes every message at once with [`poll_out`](Self::poll_out), and keeps
    /// the bound on what waits for the client itself.
    #[cfg(feature = "http")]
    pub(crate) fn without_bound(mut self) -> Self {
        self.out.has_no_bound();
        // Over HTTP, stateless requests have a conversation each.
        self.forgetful = true;
        self
    }

    /// Whether there is something to be sent.
    pub(crate) fn wants_write(&self) -> bool {
        self.due || !self.out.is_empty()
    }

    /// Whether messages should be read now. `false` while so many of ours wait that answers to
    /// more could not be held, and while a call is held back.
    pub(crate) fn wants_message(&self) -> bool {
        self.phase == Phase::Open && !self.out.is_crowded() && self.held_until().is_none()
    }

    /// When [`handle_timeout`](Self::handle_timeout) should be called next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.phase == Phase::Closed {
            return None;
        }
        let until = match self.phase {
            Phase::Ending { until, .. } => until,
            _ => None,
        };
        let earlier = |one: Option<Instant>, other: Option<Instant>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        earlier(
            earlier(self.open.next_deadline(), self.out.deadline()),
            earlier(self.held_until(), until),
        )
    }

    /// Does what is due at `now`, such as answering the calls whose deadline has come.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.tick(now);
        if self.phase == Phase::Closed {
            return;
        }
        while let Some(call) = self.open.take_expired(self.now) {
            self.expire(call);
        }
        match &mut self.phase {
            Phase::Ending { until, .. } if until.is_some_and(|until| until <= self.now) => {
                *until = None;
                self.fail_all(&RpcError::internal(
                    "the client ended the connection before the call did",
                ));
            }
            _ => {}
        }
        if self.out.is_stalled(self.now) {
            self.collapse(Closed::Unresponsive);
        }
    }

    /// Takes note of a change, to tell those clients that asked for it.
    pub(crate) fn handle_change(&mut self, change: &Change, now: Instant) {
        self.tick(now);
        if self.phase == Phase::Open {
            self.note_change(change);
        }
    }

    /// No more messages will come: answers what was asked, then ends. Streams end now, with their
    /// results; calls get [`Limits::drain_timeout`].
    pub(crate) fn end_input(&mut self, now: Instant) {
        self.tick(now);
        if self.phase == Phase::Open {
            let until = Some(self.now.saturating_add(self.limits.drain_timeout));
            self.phase = Phase::Ending {
                why: Closed::Eof,
                until,
            };
            self.end_listens();
            // No answers will come any more.
            self.end_asks();
        }
    }

    /// Ends at once: streams with their results, calls with an error.
    pub(crate) fn close(&mut self, now: Instant) {
        self.tick(now);
        if self.phase != Phase::Closed {
            self.phase = Phase::Ending {
                why: Closed::Local,
                until: None,
            };
            self.end_listens();
            self.fail_all(&RpcError::internal("the server is shutting down"));
        }
    }

    /// The client is gone, or cannot be talked to any more: nothing is sent, nothing is owed.
    pub(crate) fn collapse(&mut self, why: Closed) {
        if self.phase == Phase::Closed {
            return;
        }
        self.phase = Phase::Closed;
        self.due = false;
        self.out.clear();
        self.batches.clear();
        for call in self.open_calls() {
            self.drop_call(call);
        }
        self.events.push_back(Event::Closed(why));
    }

    /// Whether it has ended. Events may be left to be polled.
    pub(crate) fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Whether no handler is at work, and none is going to be.
    #[cfg(feature = "http")]
    pub(crate) fn is_idle(&self) -> bool {
        (self.running, self.over, self.asking) == (0, 0, 0) && self.parked.is_empty()
    }

    /// Where the request came from that this call answers.
    #[cfg(feature = "http")]
    pub(crate) fn origin_of(&self, call: CallId) -> Option<u32> {
        self.open.get(call).map(|request| request.address.origin)
    }

    /// Whether a request of that origin is still to be answered, or an open stream.
    #[cfg(feature = "http")]
    pub(crate) fn owes(&self, origin: u32) -> bool {
        let owed = |request: &Request| {
            request.address.origin == origin && !matches!(request.state, State::Over)
        };
        self.open.iter().any(|(_, request)| owed(request))
    }

    fn open_calls(&self) -> Vec<CallId> {
        self.open.iter().map(|(call, _)| call).collect()
    }

    fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }
}

/// Handlers that are still at work learn that nobody waits for them any more.
impl Drop for Session {
    fn drop(&mut self) {
        for (_, request) in self.open.iter() {
            if let State::Running(running) = &request.state {
                running.cancel.cancel();
            }
        }
    }
}
