//! The protocol's client side: messages and commands in, messages and events out.

mod call;
mod calls;
mod envelope;
mod filter;
mod follow;
#[cfg(feature = "http")]
mod front;
mod input;
mod negotiate;
mod outbox;
mod pending;
mod raw;
mod receive;
mod spare;
mod subscribe;
#[cfg(test)]
mod tests;

pub use negotiate::ServerDetails;
pub use outbox::Lane;
pub use pending::Pending;
pub(crate) use pending::{Reply, typed};
pub use subscribe::{Subscribed, Subscription, SubscriptionId};

use alloc::{
    collections::VecDeque,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use mcp_proto::{
    encode::{EncodeFields, write_with_meta, write_with_written_meta},
    method::Method,
    request::Notification,
    rpc::{self, CallId, Ledger, RpcError},
    time::Instant,
    types::{EmptyParams, InitializeParams, LoggingLevel},
    version::{Era, ProtocolVersion},
};

use crate::{
    error::{CallError, Closed, NegotiationError},
    event::Event,
    extension::{Extensions, News},
    options::{CallOptions, Config, EraMode},
    session::call::{Call, Owner, State, Timing, Wires},
    session::envelope::{Envelope, json_of},
    session::input::Question,
    session::negotiate::{Negotiation, Step},
    session::outbox::Outbox,
    session::spare::Spare,
    session::subscribe::Subscriptions,
};

/// One connection to a server, as messages: it knows the eras and no bytes.
///
/// This is what every transport has in common; [`Client`](crate::Client) puts it on a byte stream,
/// and has all its methods.
#[derive(Debug)]
pub struct Session {
    pub(crate) config: Config,
    pub(crate) envelope: Envelope,
    pub(crate) extensions: Extensions,
    negotiation: Negotiation,
    pub(crate) server: Option<Arc<ServerDetails>>,
    failure: Option<NegotiationError>,
    /// A probe that was given up; its answer may still come.
    pub(crate) lost_probe: Option<i64>,
    pub(crate) calls: Ledger<Call>,
    pub(crate) wires: Wires,
    /// Calls that wait for the revision, in the order they were made.
    pub(crate) queued: VecDeque<CallId>,
    pub(crate) questions: Ledger<Question>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) outbox: Outbox,
    pub(crate) events: VecDeque<Event>,
    pub(crate) log_level: Option<LoggingLevel>,
    pub(crate) closed: Option<Closed>,
    pub(crate) now: Instant,
    pub(crate) spare: Spare,
    /// What is being read was sent in a session that the server has forgotten since. Nobody waits
    /// there for an answer, and the next session has requests of the same ids.
    pub(crate) reads_forgotten: bool,
    /// Since when the server leaves too many of our answers unread.
    stalled: Option<Instant>,
}

impl Session {
    /// Starts a connection; the first message is on its way out at once.
    #[must_use]
    pub fn new(mut config: Config, now: Instant) -> Self {
        let extensions = Extensions::new(&config.extensions, &mut config.capabilities);
        let mut session = Self {
            envelope: Envelope::new(&config),
            extensions,
            negotiation: Negotiation::new(config.era),
            server: None,
            failure: None,
            lost_probe: None,
            calls: Ledger::new(config.tag),
            wires: Wires::default(),
            queued: VecDeque::new(),
            questions: Ledger::new(config.tag),
            subscriptions: Subscriptions::default(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            log_level: None,
            closed: None,
            now,
            spare: Spare::default(),
            reads_forgotten: false,
            stalled: None,
            config,
        };
        let step = session.negotiation.start();
        session.negotiate(step);
        session
    }

    /// The server, once a revision was agreed on.
    #[must_use]
    pub fn server(&self) -> Option<&Arc<ServerDetails>> {
        self.server.as_ref()
    }

    /// Why no revision was agreed on.
    #[must_use]
    pub fn failure(&self) -> Option<&NegotiationError> {
        self.failure.as_ref()
    }

    /// How the connection has ended.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.closed
    }

    /// Whether the connection has ended and everything was said about it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.is_some() && self.events.is_empty() && self.outbox.is_empty()
    }

    /// Time has passed; what is due is done by `poll_event`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
    }

    /// The next thing to know; `None` until more comes in.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.closed.is_some() || !self.run_timer() {
                return None;
            }
        }
    }

    /// Moves the next message to the end of `out`, without a line end, and tells what it belongs
    /// to.
    #[must_use]
    pub fn poll_message(&mut self, out: &mut Vec<u8>) -> Option<Lane> {
        let lane = self.outbox.pop(out)?;
        if self.stalled.is_some() {
            self.stalled = None;
            self.watch_answers();
        }
        Some(lane)
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called at the latest, unless
    /// something else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.closed.is_some() {
            return None;
        }
        let never = Instant::MAX;
        let stall = self.stalled.map_or(never, |since| {
            since.saturating_add(self.config.limits.outbound_stall)
        });
        let due = (self.calls.next_deadline().unwrap_or(never))
            .min(self.questions.next_deadline().unwrap_or(never))
            .min(self.subscriptions.next_deadline().unwrap_or(never))
            .min(stall);
        (due != never).then_some(due)
    }

    /// Whether messages are to be read: `false` once the connection has ended, and while the
    /// server leaves more than
    /// [`Limits::outbound_high_water`](mcp_proto::limits::Limits::outbound_high_water) bytes of
    /// answers to its own requests unread.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.closed.is_none() && self.stalled.is_none()
    }

    /// Whether [`poll_message`](Self::poll_message) has something.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Ends the connection: every open call fails, and [`Event::Closed`] is the last event.
    /// Messages that are on their way out still come out of `poll_message`.
    pub fn close(&mut self, now: Instant) {
        self.now = now;
        self.end(Closed::Local);
    }

    /// Sends a notification. One that the revision does not have is not sent, nor is one before a
    /// revision was agreed on; tells whether it was.
    pub fn notify<N: Notification>(&mut self, params: &N::Params, now: Instant) -> bool {
        self.now = now;
        let Some(version) = self.version().filter(|_| self.closed.is_none()) else {
            return false;
        };
        if N::METHOD.is_some_and(|method| !method.exists_in(version)) {
            return false;
        }
        self.write_note(N::NAME, params, version);
        true
    }

    pub(crate) fn version(&self) -> Option<ProtocolVersion> {
        self.server.as_ref().map(|server| server.version)
    }

    pub(crate) fn is_stateless(&self) -> bool {
        self.version()
            .is_some_and(|version| version.era() == Era::Stateless)
    }

    pub(crate) fn write_note(
        &mut self,
        name: &str,
        params: &dyn EncodeFields,
        version: ProtocolVersion,
    ) {
        self.outbox.push(Lane::Note, |out| {
            rpc::write_notification(out, name, |out| write_with_meta(params, out, version, &[]));
        });
    }

    /// Writes an answer to a request of the server.
    pub(crate) fn write_answer(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.outbox.push(Lane::Answer, write);
        self.watch_answers();
    }

    fn watch_answers(&mut self) {
        let queued = self.outbox.answer_bytes();
        if queued > self.config.limits.outbound_bytes {
            self.end(Closed::Overflow);
        } else if queued > self.config.limits.outbound_high_water {
            self.stalled.get_or_insert(self.now);
        }
    }

    /// Ends the connection, once.
    pub(crate) fn end(&mut self, how: Closed) {
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(how);
        let error = match &self.failure {
            Some(failure) => CallError::Negotiation(failure.clone()),
            None => CallError::Lost(how),
        };
        let open: Vec<CallId> = self.calls.iter().map(|(id, _)| id).collect();
        for id in open {
            self.finish(id, Err(error.clone()));
        }
        let asked: Vec<CallId> = self.questions.iter().map(|(id, _)| id).collect();
        for id in asked {
            self.questions.remove(id);
            self.events.push_back(Event::InputGone(id));
        }
        self.subscriptions = Subscriptions::default();
        if how != Closed::Local {
            self.outbox.clear();
        }
        self.events.push_back(Event::Closed(how));
    }

    /// How the end of the server's output is to be understood.
    pub(crate) fn end_of_input(&mut self) {
        let probing = self.config.era != EraMode::Stateless
            && self
                .calls
                .iter()
                .any(|(_, call)| call.owner == Owner::Probe);
        self.end(if probing { Closed::Probe } else { Closed::Eof });
    }

    // ── Finding the revision ─────────────────────────────────────────────────────────────────

    pub(crate) fn probe_answered(&mut self, answer: Result<&str, &RpcError>) {
        let step = self.negotiation.probe_answered(answer);
        self.negotiate(step);
    }

    pub(crate) fn handshake_answered(&mut self, answer: Result<&str, &RpcError>) {
        let step = self.negotiation.initialize_answered(answer);
        self.negotiate(step);
    }

    pub(crate) fn lost_probe_answered(&mut self, answer: Result<&str, &RpcError>) {
        if self.server.is_none() {
            self.negotiation.probe_answered_late(answer);
        }
    }

    fn negotiate(&mut self, step: Step) {
        match step {
            Step::Probe => {
                // Where nothing else can be tried, a slow start is waited for.
                let waits = self.config.era == EraMode::Stateless || self.negotiation.is_patient();
                let patience = match waits {
                    true => self.config.limits.call_timeout,
                    false => self.config.limits.probe_timeout,
                };
                let id = self.open_internal(Owner::Probe, Method::Discover, patience);
                let params = EmptyParams::default();
                self.write_request(
                    id,
                    &params,
                    &CallOptions::default(),
                    ProtocolVersion::LATEST,
                );
            }
            Step::Initialize(version) => {
                let patience = self.config.limits.call_timeout;
                let id = self.open_internal(Owner::Handshake, Method::Initialize, patience);
                let params = InitializeParams::new(
                    version,
                    self.config.capabilities.clone(),
                    self.config.info.clone(),
                );
                self.write_request(id, &params, &CallOptions::default(), version);
            }
            Step::Agreed(server) => self.agreed(server),
            Step::Failed(error) => {
                self.failure = Some(error);
                self.end(Closed::NotAgreed);
            }
        }
    }

    fn agreed(&mut self, server: Arc<ServerDetails>) {
        let version = server.version;
        self.server = Some(server);
        self.events.push_back(Event::Ready);
        if version.era() == Era::Handshake {
            self.write_note(Method::Initialized.name(), &EmptyParams::default(), version);
        }
        for id in core::mem::take(&mut self.queued) {
            self.send_queued(id);
        }
        self.open_subscriptions();
    }

    // ── Time ─────────────────────────────────────────────────────────────────────────────────

    // Does one thing that is due; `false` once nothing is.
    fn run_timer(&mut self) -> bool {
        if let Some(id) = self.calls.take_expired(self.now) {
            self.call_expired(id);
        } else if let Some(id) = self.questions.take_expired(self.now) {
            self.question_expired(id);
        } else if let Some(id) = self.subscriptions.take_due(self.now) {
            self.open_subscription(id);
        } else if self.stalled.is_some_and(|since| {
            self.now.duration_since(since) >= self.config.limits.outbound_stall
        }) {
            self.end(Closed::Unresponsive);
        } else {
            return false;
        }
        true
    }

    fn call_expired(&mut self, id: CallId) {
        let user_is_asked = self.open_requests() > 0;
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let wire = match &call.state {
            State::Sent(wire) => *wire,
            State::Resting if self.now < call.timing.limit => {
                return self.advance(id, News::Resumed);
            }
            State::Pausing(_) => return self.ask_again(id),
            State::New | State::Done(_) => return,
            State::Queued(_) | State::Asking(_) | State::Joining(_) | State::Resting => {
                self.abandon(id);
                return self.finish(id, Err(CallError::TimedOut));
            }
        };
        if call.asks() && user_is_asked {
            // Which call a request of the server belongs to cannot be told in the handshake era.
            call.timing.pause(self.now);
            let later = self.now.saturating_add(call.timing.timeout);
            return self.calls.set_deadline(id, later);
        }
        match call.owner.clone() {
            // An unknown notification could confuse a server that has no session yet, and
            // initialize must not be cancelled (2025-11-25, basic/utilities/cancellation).
            Owner::Probe => {
                self.drop_call(id);
                self.lost_probe = Some(wire);
                let step = self.negotiation.probe_expired();
                self.negotiate(step);
            }
            Owner::Handshake => {
                self.drop_call(id);
                let step = self.negotiation.initialize_expired();
                self.negotiate(step);
            }
            _ => {
                let is_late = self.now >= call.timing.limit;
                self.write_cancellation(wire, Some("timed out"));
                if !is_late {
                    return self.request_failed(id, CallError::TimedOut);
                }
                self.abandon(id);
                self.finish(id, Err(CallError::TimedOut));
            }
        }
    }

    fn open_internal(
        &mut self,
        owner: Owner,
        method: Method,
        patience: core::time::Duration,
    ) -> CallId {
        let options = CallOptions::default().with_timeout(patience);
        let timing = Timing::new(&options, &self.config.limits, self.now);
        self.calls
            .insert(Call::new(owner, method, timing), timing.deadline(self.now))
    }

    // ── Requests ─────────────────────────────────────────────────────────────────────────────

    /// Writes a call's request under an id of its own.
    pub(crate) fn write_request(
        &mut self,
        id: CallId,
        params: &dyn EncodeFields,
        options: &CallOptions,
        version: ProtocolVersion,
    ) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let wire = self.wires.issue(id);
        call.state = State::Sent(wire);
        let keeps = call.method.is_some_and(|method| {
            if version.era() == Era::Stateless {
                method.info().asks
            } else {
                self.extensions.may_repeat(method)
            }
        });
        // Reports go on to bear the name of the first request.
        let token = if call.progress && call.following.is_none() {
            id.as_u64().to_string()
        } else {
            String::new()
        };
        let level = options.log_level.or(self.log_level);
        let level = match level {
            Some(level) if version.era() == Era::Stateless => json_of(&level),
            _ => String::new(),
        };
        let reserved = self.envelope.reserved(version, &token, &level);
        let added = version.era() == Era::Stateless && self.extensions.has_meta();
        let added = added.then(|| self.extensions.meta());
        let mut kept = None;
        let (outbox, spare, name) = (&mut self.outbox, &mut self.spare, &call.name);
        outbox.push(Lane::Call(id), |out| {
            rpc::write_request(out, &wire.into(), name, |out| {
                let start = out.len();
                match (&options.meta, added) {
                    (None, None) => write_with_written_meta(
                        params,
                        out,
                        version,
                        reserved.members(),
                        reserved.text(),
                    ),
                    (meta, added) => {
                        let own = meta.iter().flat_map(|meta| meta.iter());
                        let own = own.map(|(key, value)| (key, value.as_str()));
                        let members = reserved.with(own.chain(added.into_iter().flatten()));
                        write_with_meta(params, out, version, &members);
                    }
                }
                kept = keeps.then(|| spare.params(&out[start..]));
            });
        });
        call.kept = kept;
    }

    /// Tells the server that an answer is no longer wanted.
    pub(crate) fn write_cancellation(&mut self, wire: i64, reason: Option<&str>) {
        self.wires.take(wire);
        self.outbox.push(Lane::Note, |out| {
            rpc::write_notification(out, Method::Cancelled.name(), |out| {
                let mut params = mcp_proto::encode::Object::new(out, ProtocolVersion::LATEST);
                params.field("requestId", &wire);
                if let Some(reason) = reason {
                    params.field("reason", reason);
                }
                params.end();
            });
        });
    }

    /// Ends a call, once: whoever waits for it is told.
    pub(crate) fn finish(&mut self, id: CallId, outcome: Result<Reply, CallError>) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        if matches!(call.state, State::Done(_)) {
            return;
        }
        if call.owner == Owner::User {
            let state = core::mem::replace(&mut call.state, State::Done(outcome));
            let following = call.following.take();
            self.calls.set_deadline(id, Instant::MAX);
            self.leave(id, state);
            self.unfollow(following);
            self.events.push_back(Event::Done(id));
        } else if let Some(call) = self.drop_call(id) {
            self.internal_done(call.owner, outcome);
        }
    }

    /// Removes a call and everything that points to it.
    pub(crate) fn drop_call(&mut self, id: CallId) -> Option<Call> {
        let mut call = self.calls.remove(id)?;
        let state = core::mem::replace(&mut call.state, State::New);
        let following = call.following.take();
        self.spare.keep_params(call.kept.take());
        self.leave(id, state);
        self.unfollow(following);
        Some(call)
    }

    fn leave(&mut self, id: CallId, state: State) {
        match state {
            State::Queued(_) => self.queued.retain(|queued| *queued != id),
            State::Sent(wire) => {
                self.wires.take(wire);
            }
            State::Asking(round) => self.drop_questions(&round),
            State::Joining(subscription) => self.left(subscription),
            State::New | State::Pausing(_) | State::Resting | State::Done(_) => {}
        }
    }
}
