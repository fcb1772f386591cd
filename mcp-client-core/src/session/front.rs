//! What a front needs that gives every message an exchange of its own: exchanges fail alone, and
//! the server may forget the session.

use alloc::{sync::Arc, vec::Vec};

use mcp_proto::{
    method::Method,
    request::{ListTools, Paged as _},
    rpc::{self, CallId, RequestId, RpcError},
    time::Instant,
    types::SetLevelParams,
    version::ProtocolVersion,
};

use crate::{
    error::{CallError, Closed, NegotiationError},
    options::CallOptions,
    session::Session,
    session::call::{Call, Owner, State, Timing},
    session::negotiate::{ServerDetails, Step, read_initialize},
};

impl Session {
    /// Silence says nothing about the server's era: every exchange has a response of its own.
    pub(crate) fn be_patient(&mut self) {
        self.negotiation.be_patient();
        let deadline = self.now.saturating_add(self.config.limits.call_timeout);
        let probe = self
            .calls
            .iter()
            .find(|(_, call)| call.owner == Owner::Probe);
        if let Some(id) = probe.map(|(id, _)| id) {
            self.calls.set_deadline(id, deadline);
        }
    }

    /// Whether the request of this id waits for its answer.
    pub(crate) fn waits_for(&self, wire: i64) -> bool {
        self.wires.get(wire).is_some()
    }

    /// Whether an earlier result must not be used for this call.
    pub(crate) fn wants_fresh(&self, call: CallId) -> bool {
        self.calls.get(call).is_none_or(|call| call.fresh)
    }

    /// Whether anything is subscribed to.
    pub(crate) fn has_subscriptions(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    /// The request of this id will get no answer.
    pub(crate) fn fail_request(&mut self, wire: i64, error: CallError) {
        if let Some(id) = self.wires.take(wire) {
            self.request_failed(id, error);
        }
    }

    /// Gives a request another id, under which it is to be sent again.
    pub(crate) fn reissue(&mut self, wire: i64) -> Option<i64> {
        let call = self.wires.take(wire)?;
        let again = self.wires.issue(call);
        self.calls.get_mut(call)?.state = State::Sent(again);
        Some(again)
    }

    /// Fails every request that is out: none of them can be answered any longer.
    pub(crate) fn fail_all_sent(&mut self, error: &CallError) {
        let sent = |call: &Call| matches!(call.state, State::Sent(_));
        let negotiates = |call: &Call| matches!(call.owner, Owner::Probe | Owner::Handshake);
        let open = self
            .calls
            .iter()
            .filter(|(_, call)| sent(call) && !negotiates(call));
        let open: Vec<CallId> = open.map(|(id, _)| id).collect();
        for id in open {
            self.request_failed(id, error.clone());
        }
    }

    /// Lets a call wait for the user to log in, who may take their time.
    pub(crate) fn postpone(&mut self, call: CallId) {
        let deadline = self.now.saturating_add(self.config.limits.input_timeout);
        if let Some(call) = self.calls.get_mut(call) {
            call.timing.pause(self.now);
        }
        self.calls.set_deadline(call, deadline);
    }

    /// Goes on after [`postpone`](Self::postpone).
    pub(crate) fn go_on(&mut self, call: CallId) {
        let now = self.now;
        if let Some(open) = self.calls.get_mut(call) {
            open.timing.resume(now);
            let deadline = open.timing.deadline(now);
            self.calls.set_deadline(call, deadline);
        }
    }

    // ── Negotiation ──────────────────────────────────────────────────────────────────────────

    /// The probe was refused in a way that only servers of 2026-07-28 know, or in any other.
    pub(crate) fn probe_refused(&mut self, wire: i64, modern: bool, error: &RpcError) {
        let Some(id) = self.wires.take(wire) else {
            return;
        };
        self.drop_call(id);
        if modern {
            let server = Arc::new(ServerDetails::unknown(ProtocolVersion::LATEST));
            self.negotiate(Step::Agreed(server));
        } else {
            self.probe_answered(Err(error));
        }
    }

    /// `initialize` was answered with an error.
    pub(crate) fn handshake_refused(&mut self, wire: i64, error: &RpcError) {
        if let Some(id) = self.wires.take(wire) {
            self.drop_call(id);
            self.handshake_answered(Err(error));
        }
    }

    /// `initialize` has failed without an answer of the server.
    pub(crate) fn handshake_failed(&mut self, wire: i64, error: NegotiationError) {
        if let Some(id) = self.wires.take(wire) {
            self.drop_call(id);
            let step = self.negotiation.refuse(error);
            self.negotiate(step);
        }
    }

    /// The server could not be asked what it speaks.
    pub(crate) fn not_agreed(&mut self, error: NegotiationError) {
        if self.closed.is_none() {
            self.failure = Some(error);
            self.end(Closed::NotAgreed);
        }
    }

    // ── A session after a session ────────────────────────────────────────────────────────────

    /// The server has answered another `initialize`, because it forgot the session of the first.
    pub(crate) fn opened_again(&mut self, result: &str) -> Result<(), NegotiationError> {
        let server = read_initialize(result)?;
        self.server = Some(Arc::new(server));
        Ok(())
    }

    /// Tells the server again what it forgot with its session.
    pub(crate) fn restore(&mut self) {
        let Some(version) = self.version() else {
            return;
        };
        if let Some(level) = self
            .log_level
            .filter(|_| Method::SetLevel.exists_in(version))
        {
            self.send_for_nobody(Method::SetLevel, &SetLevelParams::new(level), version);
        }
        self.watch_again();
    }

    fn send_for_nobody(
        &mut self,
        method: Method,
        params: &dyn mcp_proto::encode::EncodeFields,
        version: ProtocolVersion,
    ) {
        let timing = Timing::new(&CallOptions::default(), &self.config.limits, self.now);
        let call = Call::new(Owner::Nobody, method, timing);
        let id = self.calls.insert(call, timing.deadline(self.now));
        self.write_request(id, params, &CallOptions::default(), version);
    }

    // ── Requests of the front's own ──────────────────────────────────────────────────────────

    /// Writes a request for a page of the list of tools under an id of the front's own.
    pub(crate) fn write_tools_request(&self, id: &RequestId, cursor: Option<&str>) -> Vec<u8> {
        let reserved = self.envelope.reserved(ProtocolVersion::LATEST, "", "");
        let params = ListTools::at(cursor);
        let mut out = Vec::new();
        rpc::write_request(&mut out, id, Method::ListTools.name(), |out| {
            mcp_proto::encode::write_with_meta(
                &params,
                out,
                ProtocolVersion::LATEST,
                reserved.members(),
            );
        });
        out
    }

    /// When something must be done at the latest; now, where something is waiting to be told.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        if self.events.is_empty() {
            self.poll_timeout()
        } else {
            Some(self.now)
        }
    }
}
