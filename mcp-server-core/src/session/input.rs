//! Calls that need input before they can go on: what is asked, and how a call is begun anew.
//!
//! ```text
//!  finish(NeedInput) ─ checked ─┬─ 2026-07-28: the result, with the state for the client to keep
//!                               │     … the client's next request ─ state recalled ─▶ Event::Call
//!                               └─ handshake: requests of ours (`asking`)
//!                                     … the last answer ─▶ parked ─▶ Event::Call
//! ```

use alloc::{boxed::Box, format, string::String, sync::Arc};
use mcp_proto::{
    encode::Sendable,
    json::{Json, Raw},
    limits::Limits,
    method::Method,
    rpc::{CallId, Member, Params, RpcError},
    types::{InputRequest, InputRequiredResult, Map},
    version::{Era, ProtocolVersion},
};

use super::{
    Phase, Session,
    offers::Offers,
    open::{Kept, Kind, Parked, Request, State},
};
use crate::{
    ask::need::Missing,
    call::{Answers, NeedInput, Peer, Resumed, TaskCall, Work},
    state::Bound,
};

impl Session {
    /// Asks what a handler needs to know; its call goes on once that is answered.
    ///
    /// # Errors
    /// What to answer the call with where it cannot be asked.
    pub(crate) fn need_input(
        &mut self,
        call: CallId,
        need: NeedInput,
        offers: &dyn Offers,
    ) -> Result<(), RpcError> {
        let Some(Request {
            peer,
            state: State::Running(running),
            ..
        }) = self.open.get_mut(call)
        else {
            return Ok(());
        };
        let (peer, rounds, kind) = (Arc::clone(peer), running.rounds, running.kind);
        if need.detach {
            return self.detach(call, need, rounds);
        }
        if !may_ask(kind, peer.version) {
            return Err(RpcError::internal(
                "a call of this kind cannot ask for input",
            ));
        }
        check_need(&need, &peer, rounds, &self.limits)?;
        let Some(Request {
            state: State::Running(running),
            ..
        }) = self.open.get_mut(call)
        else {
            return Ok(());
        };
        let Some(kept) = running.kept.take() else {
            // Only a state, and no questions, gets here from a client that can be asked nothing.
            return Err(RpcError::internal("the client can be asked nothing"));
        };
        if peer.version.era() == Era::Stateless {
            return self.answer_need(call, need, &kept, rounds, offers);
        }
        if self.phase != Phase::Open {
            return Err(RpcError::internal(
                "the client ended the connection before it could be asked",
            ));
        }
        self.ask(call, need, kept, rounds)
    }

    // A call that goes on as a task: it is handed out once more, to what begins tasks.
    fn detach(&mut self, call: CallId, need: NeedInput, rounds: usize) -> Result<(), RpcError> {
        let Some(request) = self.open.get_mut(call) else {
            return Ok(());
        };
        let State::Running(running) = &mut request.state else {
            return Ok(());
        };
        let Some(Kept {
            work: Work::Tool { name, arguments },
            meta,
        }) = running.kept.take()
        else {
            return Err(RpcError::internal("the call cannot become a task"));
        };
        let parked = Parked {
            work: Work::Task(Box::new(TaskCall {
                name,
                arguments,
                ttl_ms: None,
            })),
            progress: running.progress.take(),
            log_level: running.log_level,
            meta,
            times: running.times,
            resumed: Some(Arc::new(Resumed::new(Map::new(), need.state, rounds))),
            detachable: false,
        };
        request.state = State::Parked(Box::new(parked));
        self.running -= 1;
        self.parked.push_front(call);
        Ok(())
    }

    // From 2026-07-28 on: the client makes the call again.
    fn answer_need(
        &mut self,
        call: CallId,
        need: NeedInput,
        kept: &Kept,
        rounds: usize,
        offers: &dyn Offers,
    ) -> Result<(), RpcError> {
        let Some(request) = self.open.get(call) else {
            return Ok(());
        };
        let peer = Arc::clone(&request.peer);
        let bound = Bound::of_work(&peer, &kept.work);
        let envelope = seal(rounds + 1, need.state.as_deref());
        let expires = self.now.saturating_add(self.limits.input_timeout);
        let state = self
            .states
            .keep(offers.state_keeper(), &envelope, &bound, expires)
            .ok_or_else(|| RpcError::internal("no state can be kept for the client"))?;
        let mut result = InputRequiredResult::new(need.requests);
        result.request_state = Some(state);
        let Some(Request {
            address,
            state: State::Running(mut running),
            ..
        }) = self.close_request(call)
        else {
            return Ok(());
        };
        self.running -= 1;
        running.write_held(&mut self.out, self.now, &address, peer.version);
        self.answer_result(&address, peer.version, offers, &result);
        Ok(())
    }

    /// What the request of a call that has asked brings along; nothing for any other.
    ///
    /// # Errors
    /// -32602: for answers of a wrong type, and, without a detail, for a state that was not given
    /// for this very call, or too long ago (2026-07-28, basic/patterns/mrtr).
    pub(super) fn resumed(
        &mut self,
        params: &Params<'_>,
        peer: &Peer,
        method: Method,
        name: &str,
        offers: &dyn Offers,
    ) -> Result<Option<Arc<Resumed>>, RpcError> {
        let told = params.has(Member::InputResponses) || params.has(Member::RequestState);
        if !told || peer.version.era() != Era::Stateless {
            return Ok(None);
        }
        let answers = answers(params)?;
        if !params.has(Member::RequestState) {
            return Ok(Some(Arc::new(Resumed::new(answers, None, 0))));
        }
        let text = params.text(Member::RequestState)?;
        // Resources have none, whatever is sent.
        let arguments = match method {
            Method::ReadResource => None,
            _ => params.object(Member::Arguments)?,
        };
        let bound = Bound::new(peer, method, name, arguments.map(Raw::get));
        let (rounds, state) = self
            .states
            .recall(offers.state_keeper(), &text, &bound, self.now)
            .and_then(|envelope| unseal(&envelope))
            .ok_or_else(|| RpcError::invalid_params("params.requestState is not valid"))?;
        Ok(Some(Arc::new(Resumed::new(answers, state, rounds))))
    }
}

/// Which calls may ask: three methods from 2026-07-28 on (basic/patterns/mrtr), and until then
/// those of an extension as well.
fn may_ask(kind: Kind, version: ProtocolVersion) -> bool {
    match kind {
        Kind::Tool | Kind::Prompt | Kind::Resource => true,
        Kind::Extension => version.era() == Era::Handshake,
        Kind::Complete => false,
    }
}

/// Whether a client can be asked this, in its so many-th round.
///
/// # Errors
/// What to answer the call with where it cannot.
pub(crate) fn check_need(
    need: &NeedInput,
    peer: &Peer,
    rounds: usize,
    limits: &Limits,
) -> Result<(), RpcError> {
    if need.requests.is_empty() && need.state.is_none() {
        return Err(RpcError::internal("the handler asked for nothing"));
    }
    if rounds >= limits.input_rounds {
        let message = format!("the call asked for input in more than {rounds} rounds");
        return Err(RpcError::internal(message));
    }
    if need.requests.len() > limits.input_requests {
        let most = limits.input_requests;
        let message = format!("the call asked more than {most} questions at once");
        return Err(RpcError::internal(message));
    }
    if need.state.as_ref().map_or(0, String::len) > limits.request_state_bytes {
        let most = limits.request_state_bytes;
        let message = format!("the call has to remember more than {most} bytes");
        return Err(RpcError::internal(message));
    }
    Missing::of(need.requests.iter().map(|(_, request)| request), peer).into_result()?;
    need.requests
        .iter()
        .try_for_each(|(_, request)| sendable(request, peer.version))
}

/// Which questions a revision has no way to ask.
fn sendable(request: &InputRequest, version: ProtocolVersion) -> Result<(), RpcError> {
    // The id that 2025-11-25 wants with a URL is given where it is asked.
    if version >= ProtocolVersion::V2025_11_25 {
        if let InputRequest::Elicit(params) = request {
            if let mcp_proto::types::ElicitParams::Url(_) = &**params {
                return Ok(());
            }
        }
    }
    request.check(version).map_err(|unsendable| {
        RpcError::internal(format!("the client cannot be asked: {unsendable}"))
    })
}

fn answers(params: &Params<'_>) -> Result<Answers, RpcError> {
    if !params.has(Member::InputResponses) {
        return Ok(Answers::new());
    }
    let answers: Map<Json> = params.read_from(Member::InputResponses)?;
    let mut read = Answers::new();
    for (key, answer) in answers {
        if !answer.is_object() {
            return Err(RpcError::invalid_params(
                "params.inputResponses must be an object of objects",
            ));
        }
        read.insert(key, Ok(answer));
    }
    Ok(read)
}

/// What is kept: how many rounds there were, and the handler's own state.
fn seal(rounds: usize, state: Option<&str>) -> String {
    match state {
        Some(state) => format!("{rounds}+{state}"),
        None => format!("{rounds}-"),
    }
}

fn unseal(envelope: &str) -> Option<(usize, Option<String>)> {
    let at = envelope.find(['+', '-'])?;
    let (rounds, state) = envelope.split_at(at);
    let state = state.strip_prefix('+').map(String::from);
    Some((rounds.parse().ok()?, state))
}

impl Bound {
    /// For the work that a call consists of.
    fn of_work(peer: &Peer, work: &Work) -> Self {
        match work {
            Work::Tool { name, arguments } => Self::new(
                peer,
                Method::CallTool,
                name,
                arguments.as_ref().map(Json::as_str),
            ),
            Work::Prompt { name, arguments } => Self::new(
                peer,
                Method::GetPrompt,
                name,
                arguments.as_ref().map(Json::as_str),
            ),
            // Begun as a tool's call, and taken up as a task's, or the other way round.
            Work::Task(call) => Self::new(
                peer,
                Method::CallTool,
                &call.name,
                call.arguments.as_ref().map(Json::as_str),
            ),
            Work::Resource { uri, .. } => Self::new(peer, Method::ReadResource, uri, None),
            Work::Complete(_) | Work::Extension(_) => Self::new(peer, Method::Complete, "", None),
        }
    }
}
