//! What handlers give: outcomes, and notes while they are at work.

use alloc::boxed::Box;
use core::mem;
use mcp_proto::{
    encode::Object,
    json::Json,
    method::Method,
    rpc::{self, CallId, RpcError, codes},
    time::Instant,
    types::{CompleteResult, LoggingLevel, Meta},
    version::{Era, ProtocolVersion},
};

use super::{
    Session,
    offers::Offers,
    open::{Address, Kind, Report, Request, Running, State},
    outbox::{Outbox, Sent, SentKind},
};
use crate::call::{Delivery, Note, Outcome, Peer, Ticket};

impl Session {
    /// Takes the outcome of a call.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the duty to answer ends here"
    )]
    pub(crate) fn finish(
        &mut self,
        ticket: Ticket,
        mut outcome: Outcome,
        offers: &dyn Offers,
        now: Instant,
    ) -> Delivery {
        self.end(ticket.0, &mut outcome, offers, now)
    }

    /// Takes note that a handler is gone and its ticket with it: it panicked, or was dropped.
    pub(crate) fn abandon(&mut self, call: CallId, offers: &dyn Offers, now: Instant) -> Delivery {
        let mut outcome = Outcome::Fail(RpcError::internal("handler panicked"));
        self.end(call, &mut outcome, offers, now)
    }

    // The outcome is borrowed because it is large.
    fn end(
        &mut self,
        call: CallId,
        outcome: &mut Outcome,
        offers: &dyn Offers,
        now: Instant,
    ) -> Delivery {
        self.tick(now);
        match self.open.get(call).map(|request| &request.state) {
            Some(State::Running(_)) => {}
            Some(State::Over) => {
                self.open.remove(call);
                self.over -= 1;
                self.has_ended_one();
                return Delivery::Discarded;
            }
            _ => return Delivery::Discarded,
        }
        if let Outcome::NeedInput(need) = outcome {
            match need.ask(self, call, offers) {
                Ok(()) => return Delivery::Accepted,
                Err(error) => *outcome = Outcome::Fail(error),
            }
        }
        let Some(Request {
            address,
            peer,
            state: State::Running(mut running),
        }) = self.close_request(call)
        else {
            return Delivery::Discarded;
        };
        self.running -= 1;
        self.has_ended_one();
        let version = peer.version;
        running.write_held(&mut self.out, self.now, &address, version);
        self.tokens.extend(running.cancel.reuse());
        match (running.kind, outcome) {
            (Kind::Tool, Outcome::Tool(result)) => {
                strip_meta(&mut result.meta, &peer, offers);
                self.answer_result(&address, version, offers, result);
            }
            (Kind::Prompt, Outcome::Prompt(result)) => {
                self.answer_result(&address, version, offers, result);
            }
            (Kind::Resource, Outcome::Resource(result)) => {
                self.answer_result(&address, version, offers, result);
            }
            (Kind::Complete, Outcome::Complete(completion)) => {
                let mut result = CompleteResult::default();
                result.completion = mem::take(completion);
                self.answer_result(&address, version, offers, &result);
            }
            (kind, Outcome::Extension(result)) => {
                self.finish_extension(&address, &peer, kind, result, offers);
            }
            (_, Outcome::Fail(error)) => {
                error.code = fit_code(error.code, version);
                self.answer_error(&address, error);
            }
            _ => {
                let error =
                    RpcError::internal("the handler gave the outcome of another kind of call");
                self.answer_error(&address, &error);
            }
        }
        Delivery::Accepted
    }

    /// Takes what a handler tells while it is at work.
    pub(crate) fn note(&mut self, call: CallId, note: Note, now: Instant) -> Delivery {
        self.tick(now);
        match note {
            Note::Progress {
                done,
                total,
                message,
            } => {
                let total = total.filter(|total| total.is_finite());
                self.note_progress(
                    call,
                    Report {
                        done,
                        total,
                        message,
                    },
                )
            }
            Note::Log {
                level,
                logger,
                data,
            } => self.note_log(call, level, logger.as_deref(), &data),
            // A matter of streams, of which a session knows nothing.
            Note::CloseStream => Delivery::Accepted,
        }
    }

    fn note_progress(&mut self, call: CallId, report: Report) -> Delivery {
        let Some(Request {
            address,
            peer,
            state: State::Running(running),
        }) = self.open.get_mut(call)
        else {
            return Delivery::Discarded;
        };
        let last = running
            .progress
            .as_ref()
            .map_or(f64::NEG_INFINITY, |progress| progress.done);
        // Basic/utilities/progress, every revision: the value MUST increase.
        if !report.done.is_finite() || report.done <= last {
            return Delivery::Accepted;
        }
        let may_note = running.may_note(&self.out, self.limits.notes_queued);
        if let Some(progress) = &mut running.progress {
            progress.done = report.done;
            // An older report that still waits is outdated.
            progress.held = None;
            if may_note {
                write_progress(
                    &mut self.out,
                    self.now,
                    address,
                    peer.version,
                    &progress.token,
                    &report,
                );
            } else {
                progress.held = Some(Box::new(report));
                self.due = true;
            }
        }
        // Basic/utilities/cancellation, Timeouts: progress MAY extend it, a maximum SHOULD hold.
        let times = &mut running.times;
        times.deadline = self.now.saturating_add(times.timeout).min(times.latest);
        let deadline = times.deadline;
        self.open.set_deadline(call, deadline);
        Delivery::Accepted
    }

    fn note_log(
        &mut self,
        call: CallId,
        level: LoggingLevel,
        logger: Option<&str>,
        data: &Json,
    ) -> Delivery {
        let session_level = self
            .handshake
            .as_ref()
            .and_then(|opened| opened.log_level());
        let Some(Request {
            address,
            peer,
            state: State::Running(running),
        }) = self.open.get_mut(call)
        else {
            return Delivery::Discarded;
        };
        // 2026-07-28 has a level for each request and is silent without one (server/utilities/
        // logging); the other revisions have one for the session.
        let least = match peer.version.era() {
            Era::Stateless => running.log_level,
            _ => session_level,
        };
        if least.is_none_or(|least| level < least) {
            return Delivery::Accepted;
        }
        if !running.may_note(&self.out, self.limits.notes_queued) {
            return Delivery::Discarded;
        }
        let version = peer.version;
        let sent = Sent {
            origin: Some(address.origin),
            kind: SentKind::Report,
        };
        self.out.put(sent, self.now, |out| {
            rpc::write_notification(out, Method::Log.name(), |out| {
                let mut params = Object::new(out, version);
                params.field("level", &level);
                params.optional("logger", &logger);
                params.field("data", data);
                params.end();
            });
        });
        Delivery::Accepted
    }

    /// Sends the progress reports that were held back, as far as there is room for them now.
    pub(super) fn release_reports(&mut self) {
        for call in self.open_calls() {
            let Some(Request {
                address,
                peer,
                state: State::Running(running),
            }) = self.open.get_mut(call)
            else {
                continue;
            };
            if running.holds_report() && running.may_note(&self.out, self.limits.notes_queued) {
                running.write_held(&mut self.out, self.now, address, peer.version);
            }
        }
    }
}

impl Running {
    /// Counts one more note, unless the client is slow to read and has enough of this call's
    /// before it.
    fn may_note(&mut self, out: &Outbox, most: usize) -> bool {
        let (round, count) = &mut self.notes;
        if *round != out.round() {
            (*round, *count) = (out.round(), 0);
        }
        let may = !out.is_crowded() && *count < most;
        *count += usize::from(may);
        may
    }

    /// Whether a report is held back.
    pub(super) fn holds_report(&self) -> bool {
        self.progress
            .as_ref()
            .is_some_and(|progress| progress.held.is_some())
    }

    /// Writes the report that was held back, if there is one.
    pub(super) fn write_held(
        &mut self,
        out: &mut Outbox,
        now: Instant,
        to: &Address,
        version: ProtocolVersion,
    ) {
        let Some(progress) = &mut self.progress else {
            return;
        };
        if let Some(report) = progress.held.take() {
            write_progress(out, now, to, version, &progress.token, &report);
        }
    }
}

fn write_progress(
    out: &mut Outbox,
    now: Instant,
    to: &Address,
    version: ProtocolVersion,
    token: &str,
    report: &Report,
) {
    let sent = Sent {
        origin: Some(to.origin),
        kind: SentKind::Report,
    };
    out.put(sent, now, |out| {
        rpc::write_notification(out, Method::Progress.name(), |out| {
            let mut params = Object::new(out, version);
            params.raw("progressToken", token);
            params.field("progress", &report.done);
            params.optional("total", &report.total);
            if version > ProtocolVersion::V2024_11_05 {
                params.optional("message", &report.message);
            }
            params.end();
        });
    });
}

// What only the clients of an extension understand is kept from the others.
fn strip_meta(meta: &mut Option<Meta>, peer: &Peer, offers: &dyn Offers) {
    if let Some(meta) = meta {
        offers.extensions().strip_meta(meta, &peer.capabilities);
    }
}

/// An error of a handler's as a revision may say it.
pub(crate) fn fit(mut error: RpcError, version: ProtocolVersion) -> RpcError {
    error.code = fit_code(error.code, version);
    error
}

fn fit_code(code: i32, version: ProtocolVersion) -> i32 {
    let stateless = version.era() == Era::Stateless;
    match code {
        // 2026-07-28, server/resources, Error Handling; until then -32002.
        codes::RESOURCE_NOT_FOUND if stateless => codes::INVALID_PARAMS,
        // 2025-11-25 alone.
        codes::URL_ELICITATION_REQUIRED if version != ProtocolVersion::V2025_11_25 => {
            codes::INTERNAL_ERROR
        }
        // Not before 2026-07-28.
        codes::HEADER_MISMATCH
        | codes::MISSING_CLIENT_CAPABILITY
        | codes::UNSUPPORTED_PROTOCOL_VERSION
            if !stateless =>
        {
            codes::INTERNAL_ERROR
        }
        code => code,
    }
}
