//! A conversation with the service that it is about: the session of one client, whose calls have
//! handlers.

use alloc::{borrow::Cow, collections::VecDeque, string::String, sync::Arc, vec::Vec};

use crate::{
    call::{Call, Change, Closed, Delivery, Event, Note, Outcome, Ticket},
    interest::Interest,
    service::Service,
    session::{Arrival, Claims, Place, Sent, Session, claims_are_made},
    state::StateKeeper,
};
use mcp_proto::{
    rpc::{CallId, Message, Params, RpcError},
    time::Instant,
    version::ProtocolVersion,
};

/// A [`Session`] that is not told its service with every word.
#[derive(Debug)]
pub(super) struct Dialog<H> {
    service: Arc<Service<H>>,
    session: Session,
    // Events whose handlers are those of an earlier service.
    attached: VecDeque<Event<H>>,
}

impl<H: Clone> Dialog<H> {
    pub(super) fn new(service: Arc<Service<H>>, tag: u32, now: Instant) -> Self {
        let session = Session::new(tag, service.shared_limits(), now).without_bound();
        Self {
            service,
            session,
            attached: VecDeque::new(),
        }
    }

    /// One whose client is not known, but for the revision it speaks and on whose behalf it asks.
    pub(super) fn established(
        service: Arc<Service<H>>,
        version: ProtocolVersion,
        subject: Option<Arc<str>>,
        tag: u32,
        now: Instant,
    ) -> Self {
        let limits = service.shared_limits();
        let session = Session::established(version, subject, &*service, tag, limits, now);
        Self {
            service,
            session,
            attached: VecDeque::new(),
        }
    }

    /// Says on whose behalf everything is asked.
    pub(super) fn on_behalf_of(mut self, subject: Option<Arc<str>>) -> Self {
        self.session.set_subject(subject);
        self
    }

    /// Says who keeps the states of calls that ask, where the service does not.
    pub(super) fn with_keeper(mut self, keeper: Option<Arc<dyn StateKeeper>>) -> Self {
        self.session.set_state_keeper(keeper);
        self
    }

    /// Takes a message. What is sent because of it will carry `origin`. `whole` is the text in which
    /// it lies, if that is [lent](Self::lend) afterwards.
    pub(super) fn handle(
        &mut self,
        mut message: Message<'_>,
        whole: Option<&str>,
        origin: u32,
        now: Instant,
    ) {
        let arrival = Arrival::new(&*self.service, origin);
        let arrival = match whole {
            Some(whole) => arrival.within(whole),
            None => arrival,
        };
        self.session.handle(&mut message, &arrival, now);
    }

    /// Takes the text of the last message, whose arguments are then not copied.
    pub(super) fn lend(&mut self, text: String) {
        self.session.lend(text);
    }

    pub(super) fn finish(&mut self, ticket: Ticket, outcome: Outcome, now: Instant) -> Delivery {
        self.session.finish(ticket, outcome, &*self.service, now)
    }

    pub(super) fn abandon(&mut self, call: CallId, now: Instant) -> Delivery {
        self.session.abandon(call, &*self.service, now)
    }

    pub(super) fn note(&mut self, call: CallId, note: Note, now: Instant) -> Delivery {
        self.session.note(call, note, now)
    }

    /// Which POST a call answers.
    pub(super) fn origin_of(&self, call: CallId) -> Option<u32> {
        self.session.origin_of(call)
    }

    /// What its subscriptions are about, beside lists.
    pub(super) fn interest(&self) -> Interest {
        self.session.interest()
    }

    pub(super) fn handle_change(&mut self, change: &Change, now: Instant) {
        self.session.handle_change(change, now);
    }

    /// Whether there is something to be said or done because of a change.
    pub(super) fn has_news(&self) -> bool {
        self.session.has_news() || !self.attached.is_empty()
    }

    /// Serves later requests by a successor. Calls that run keep their handlers.
    pub(super) fn handle_service(&mut self, service: Arc<Service<H>>, now: Instant) {
        // Calls that were found in the old service have their places there.
        while let Some(event) = self.session.poll_event(&*self.service) {
            let event = self.attach(event, now);
            self.attached.extend(event);
        }
        let changes = service.changes_since(&self.service);
        self.service = service;
        for change in &changes {
            self.session.handle_change(change, now);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
    }

    /// Ends subscriptions with their results.
    pub(super) fn end_subscriptions(&mut self, now: Instant) {
        self.session.end_input(now);
    }

    /// Cancels everything: nobody is there to be told.
    pub(super) fn cut(&mut self) {
        self.session.collapse(Closed::Local);
    }

    pub(super) fn poll_event(&mut self, now: Instant) -> Option<Event<H>> {
        loop {
            if let Some(event) = self.attached.pop_front() {
                return Some(event);
            }
            let event = self.session.poll_event(&*self.service)?;
            if let Some(event) = self.attach(event, now) {
                return Some(event);
            }
        }
    }

    /// Appends one message.
    pub(super) fn poll_out(&mut self, out: &mut Vec<u8>) -> Option<Sent> {
        self.session.poll_out(out)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.session.poll_timeout()
    }

    /// The revision that a handshake has agreed on.
    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        self.session.version()
    }

    /// Whether a request of that origin is still to be answered.
    pub(super) fn owes(&self, origin: u32) -> bool {
        self.session.owes(origin)
    }

    /// Whether no handler is at work, and none is going to be.
    pub(super) fn is_idle(&self) -> bool {
        self.session.is_idle()
    }

    // Puts the handler into a call. The place was found in this very service a moment ago.
    fn attach(&mut self, event: Event<Place>, now: Instant) -> Option<Event<H>> {
        Some(match event {
            Event::Call(Call {
                ticket,
                handler,
                work,
                context,
            }) => {
                let Some(handler) = self.service.handler_at(handler).cloned() else {
                    self.session.abandon(ticket.call(), &*self.service, now);
                    return None;
                };
                Event::Call(Call {
                    ticket,
                    handler,
                    work,
                    context,
                })
            }
            Event::Cancelled(call) => Event::Cancelled(call),
            Event::Fault(fault) => Event::Fault(fault),
            Event::Closed(why) => Event::Closed(why),
        })
    }
}

/// The revision that a request says it is of, served or not, once all that every request must
/// carry is there (2026-07-28, basic/index, `_meta`).
///
/// # Errors
/// -32602 for what is missing or of another type.
pub(super) fn claimed_version<'a>(params: &Params<'a>) -> Result<Cow<'a, str>, RpcError> {
    params.check()?;
    Claims::read(params.meta()?).map(|claims| claims.version)
}

/// Whether a request says that it is of a revision without a handshake.
pub(super) fn makes_claims(params: &Params<'_>) -> bool {
    params.check().is_ok() && matches!(params.meta(), Ok(Some(meta)) if claims_are_made(meta))
}
