//! Calls: places for them, those that wait for one, and how they end without their handler.

use alloc::{boxed::Box, format, sync::Arc};
use core::{ops::Range, time::Duration};
use mcp_proto::{
    json::Json,
    rpc::{CallId, RequestId, RpcError, codes},
    time::Instant,
    version::ProtocolVersion,
};

use super::{
    Session,
    offers::{FoundCompletion, Offers, Place},
    open::{Address, Asked, Kept, Kind, Parked, Progress, Request, Running, State, Times, mark},
};
use crate::call::{Call, CallContext, Event, Peer, Resumed, Ticket, Work};

/// A call that a request makes.
#[derive(Debug)]
pub(super) struct NewCall {
    pub(super) asked: Asked,
    pub(super) work: Work,
    pub(super) place: Place,
    pub(super) timeout: Option<Duration>,
    /// Where the arguments are in the text that will be lent.
    pub(super) lent: Option<Range<usize>>,
    /// What an earlier run has left, and what its client has answered.
    pub(super) resumed: Option<Arc<Resumed>>,
    /// Whether it may become a task when it says so.
    pub(super) detachable: bool,
}

impl Session {
    /// Hands a call out, or lets it wait, or answers that there is no room for it.
    pub(super) fn begin(&mut self, address: Address, call: NewCall) {
        let times = self.times(call.timeout);
        let lent = call.lent.clone();
        let id = if self.parked.is_empty() && self.has_place() {
            self.run_now(address, call, times)
        } else if self.parked.len() < self.limits.calls_parked {
            self.park(address, call, times)
        } else {
            let message = "the server is busy: too many requests are waiting";
            return self.answer_error(&address, &RpcError::new(codes::BUSY, message));
        };
        self.lent = lent.map(|range| (id, range));
    }

    fn times(&self, timeout: Option<Duration>) -> Times {
        let timeout = timeout.unwrap_or(self.limits.call_timeout);
        let most = self.limits.call_timeout_max.max(timeout);
        Times {
            timeout,
            deadline: self.now.saturating_add(timeout),
            latest: self.now.saturating_add(most),
        }
    }

    pub(super) fn has_place(&self) -> bool {
        let most = self.limits.calls_in_flight;
        self.running < most && self.running + self.over < most.saturating_mul(2)
    }

    fn run_now(&mut self, address: Address, call: NewCall, times: Times) -> CallId {
        let NewCall {
            asked,
            mut work,
            place,
            resumed,
            detachable,
            ..
        } = call;
        let Asked {
            peer,
            progress_token,
            log_level,
            mut meta,
        } = asked;
        let kept = keep(&peer, detachable, &mut work, meta.as_mut());
        let cancel = self.tokens.pop().unwrap_or_default();
        let running = Running {
            kind: Kind::of(&work),
            cancel: cancel.clone(),
            progress: progress_token.map(Progress::new),
            log_level,
            times,
            notes: (0, 0),
            rounds: rounds_of(resumed.as_deref()),
            kept,
        };
        let wants_progress = running.progress.is_some();
        let mark = mark(&address.id);
        let request = Request {
            address,
            peer: peer.clone(),
            state: State::Running(running),
        };
        let id = self.open.insert(request, times.deadline);
        self.ids.insert(mark, id);
        self.running += 1;
        let context = CallContext {
            id,
            peer,
            deadline: times.deadline,
            cancel,
            wants_progress,
            log_level,
            meta,
            resumed,
            detachable,
        };
        self.hand_out(place, work, context);
        id
    }

    fn hand_out(&mut self, handler: Place, work: Work, context: CallContext) {
        // Most clients make one call at a time, and there may be many clients.
        if self.events.capacity() == 0 {
            self.events.reserve_exact(1);
        }
        self.events.push_back(Event::Call(Call {
            ticket: Ticket(context.id),
            handler,
            work,
            context,
        }));
    }

    fn park(&mut self, address: Address, call: NewCall, times: Times) -> CallId {
        let NewCall {
            asked,
            work,
            resumed,
            detachable,
            ..
        } = call;
        let Asked {
            peer,
            progress_token,
            log_level,
            meta,
        } = asked;
        let parked = Box::new(Parked {
            work,
            progress: progress_token.map(Progress::new),
            log_level,
            meta,
            times,
            resumed,
            detachable,
        });
        let mark = mark(&address.id);
        let request = Request {
            address,
            peer,
            state: State::Parked(parked),
        };
        let id = self.open.insert(request, times.deadline);
        self.ids.insert(mark, id);
        self.parked.push_back(id);
        id
    }

    /// Hands out waiting calls for which there is a place now.
    pub(super) fn promote(&mut self, offers: &dyn Offers) {
        while self.has_place() {
            let Some(id) = self.parked.pop_front() else {
                return;
            };
            let Some(request) = self.open.get_mut(id) else {
                continue;
            };
            let State::Parked(parked) = core::mem::replace(&mut request.state, State::Over) else {
                continue;
            };
            let Parked {
                mut work,
                progress,
                log_level,
                mut meta,
                times,
                resumed,
                detachable,
            } = *parked;
            // The service may be another one by now.
            let version = Some(request.peer.version);
            let Some(place) = place_of(&work, version, offers) else {
                self.refuse_parked(id, &work);
                continue;
            };
            let peer = request.peer.clone();
            let cancel = self.tokens.pop().unwrap_or_default();
            let wants_progress = progress.is_some();
            request.state = State::Running(Running {
                kind: Kind::of(&work),
                cancel: cancel.clone(),
                progress,
                log_level,
                times,
                notes: (0, 0),
                rounds: rounds_of(resumed.as_deref()),
                kept: keep(&peer, detachable, &mut work, meta.as_mut()),
            });
            self.running += 1;
            let context = CallContext {
                id,
                peer,
                deadline: times.deadline,
                cancel,
                wants_progress,
                log_level,
                meta,
                resumed,
                detachable,
            };
            self.hand_out(place, work, context);
        }
    }

    fn refuse_parked(&mut self, id: CallId, work: &Work) {
        let Some(request) = self.close_request(id) else {
            return;
        };
        let error = match work {
            Work::Resource { uri, .. } => {
                super::finish::fit(crate::error::resource_not_found(uri), request.peer.version)
            }
            _ => RpcError::invalid_params("what was called has been removed meanwhile"),
        };
        self.answer_error(&request.address, &error);
    }

    /// Puts lent arguments in their place.
    pub(super) fn set_arguments(&mut self, call: CallId, mut lent: Json) {
        let set = |work: &mut Work, value| match work {
            Work::Tool { arguments, .. } | Work::Prompt { arguments, .. } => {
                *arguments = Some(value);
            }
            Work::Task(call) => call.arguments = Some(value),
            _ => {}
        };
        match self.open.get_mut(call).map(|request| &mut request.state) {
            Some(State::Parked(parked)) => return set(&mut parked.work, lent),
            Some(State::Running(Running {
                kept: Some(kept), ..
            })) => set(&mut kept.work, lent.share()),
            _ => {}
        }
        // It was handed out a moment ago.
        if let Some(Event::Call(newest)) = self.events.back_mut() {
            set(&mut newest.work, lent);
        }
    }

    /// The client no longer wants an answer, and gets none (every revision, basic/utilities/
    /// cancellation). What it never asked, or what was answered already, is ignored.
    pub(super) fn cancel(&mut self, id: &RequestId) {
        if let Some(call) = self.ids.find(id, &self.open) {
            self.drop_call(call);
        }
    }

    /// Ends a call without an answer.
    pub(super) fn drop_call(&mut self, call: CallId) {
        if let Some(batch) = self.end_call(call).and_then(|address| address.batch) {
            self.leave_batch(batch);
        }
    }

    /// Ends a call whose time is up.
    pub(super) fn expire(&mut self, call: CallId) {
        let times = match self.open.get(call).map(|request| &request.state) {
            Some(State::Parked(parked)) => parked.times,
            Some(State::Running(running)) => running.times,
            Some(State::Asking(_)) => {
                let error = RpcError::internal(format!(
                    "the client left a question unanswered for {:?}",
                    self.limits.input_timeout
                ));
                return self.fail(call, &error);
            }
            _ => return,
        };
        let error = if times.deadline < times.latest {
            RpcError::internal(format!(
                "the call took longer than {:?} without progress",
                times.timeout
            ))
        } else {
            RpcError::internal("the call took longer than any call may")
        };
        self.fail(call, &error);
    }

    /// Ends all calls with an error.
    pub(super) fn fail_all(&mut self, error: &RpcError) {
        for call in self.open_calls() {
            self.fail(call, error);
        }
    }

    pub(super) fn fail(&mut self, call: CallId, error: &RpcError) {
        if let Some(address) = self.end_call(call) {
            self.answer_error(&address, error);
        }
    }

    /// Ends a call before its handler does: its place is free, the handler is told. Gives where
    /// the answer would go, if one is still owed.
    fn end_call(&mut self, call: CallId) -> Option<Address> {
        let request = self.open.get_mut(call)?;
        match &request.state {
            State::Over => return None,
            State::Parked(_) => {
                self.parked.retain(|parked| *parked != call);
                return self.close_request(call).map(|request| request.address);
            }
            State::Listening(_) => {
                self.listens.retain(|listen| *listen != call);
                return self.close_request(call).map(|request| request.address);
            }
            State::Asking(_) => {
                let request = self.close_request(call)?;
                self.take_back(&request);
                return Some(request.address);
            }
            State::Running(running) => running.cancel.cancel(),
        }
        // Its handler still has the ticket, which must be known until it comes back.
        let address = request.address.clone();
        request.state = State::Over;
        self.open.set_deadline(call, Instant::MAX);
        self.ids.remove(call);
        self.running -= 1;
        self.over += 1;
        self.events.push_back(Event::Cancelled(call));
        Some(address)
    }

    /// Forgets a request.
    pub(super) fn close_request(&mut self, call: CallId) -> Option<Request> {
        self.ids.remove(call);
        self.open.remove(call)
    }
}

/// What a call may have to begin anew with: nothing where its client cannot be asked anything.
fn keep(peer: &Peer, detachable: bool, work: &mut Work, meta: Option<&mut Json>) -> Option<Kept> {
    (detachable || peer.can_be_asked()).then(|| Kept::share(work, meta))
}

fn rounds_of(resumed: Option<&Resumed>) -> usize {
    resumed.map_or(0, |resumed| resumed.rounds)
}

/// Where the handler of work that was found before is now.
fn place_of(work: &Work, version: Option<ProtocolVersion>, offers: &dyn Offers) -> Option<Place> {
    match work {
        Work::Tool { name, .. } => offers.find_tool(name).map(|(found, _)| found.place),
        Work::Task(_) => offers.extensions().task_calls().map(Place::Extension),
        Work::Extension(call) => {
            let version = version?;
            let found = offers.extensions().find_method(&call.method, version)?;
            Some(Place::Extension(found.handler))
        }
        Work::Prompt { name, .. } => offers.find_prompt(name).map(|found| found.place),
        Work::Resource { uri, .. } => offers.find_resource(uri).map(|(found, _)| found.place),
        Work::Complete(wanted) => match offers.find_completion(&wanted.reference) {
            FoundCompletion::At(place) => Some(place),
            _ => None,
        },
    }
}
