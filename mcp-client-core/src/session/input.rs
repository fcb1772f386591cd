//! Questions of the server: requests of their own in the handshake era, rounds of one call since
//! 2026-07-28. Whoever answers them cannot tell the difference.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::time::Duration;

use mcp_proto::{
    encode::Encode,
    json::{Json, Raw},
    method::Method,
    rpc::{CallId, RequestId, RpcError, codes, write_error, write_result},
    time::Instant,
    types::{ElicitParams, InputRequest, InputRequests, InputRequiredResult, InputResponses},
    version::{Era, ProtocolVersion},
};

use crate::{
    error::{CallError, Fault, InputError, Malformed, Misuse},
    event::{Delivery, Event, InputAnswer, InputTicket},
    extension::News,
    session::Session,
    session::call::State,
    session::outbox::Lane,
    session::raw::RawParams,
};

/// A question that waits for its answer.
#[derive(Debug)]
pub(crate) struct Question {
    origin: Origin,
    method: Method,
}

#[derive(Debug)]
enum Origin {
    /// A request of the server.
    Request(RequestId),
    /// One of those that this call's answer asked, by its place among them.
    Round(CallId, usize),
}

/// The questions that one call's answer asked.
#[derive(Debug)]
pub(crate) struct Round {
    state: Option<String>,
    // In the server's order: the key, and the question or its answer.
    slots: Vec<(String, Slot)>,
}

impl Round {
    /// The keys of the questions.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().map(|(key, _)| &**key)
    }
}

#[derive(Debug)]
enum Slot {
    Open(CallId),
    Answered(Json),
}

/// How long a server that only wants to be asked again is left alone at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

impl Session {
    /// Answers a question of the server, or says why it cannot be answered.
    ///
    /// A call whose question cannot be answered fails with [`InputError::Failed`].
    ///
    /// # Errors
    /// Where the answer is of another kind than the question. The server is told that the question
    /// could not be answered.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is used up")]
    pub fn answer(
        &mut self,
        ticket: InputTicket,
        answer: Result<InputAnswer, RpcError>,
        now: Instant,
    ) -> Result<Delivery, Misuse> {
        self.now = now;
        let (Some(question), Some(version)) = (self.questions.remove(ticket.id()), self.version())
        else {
            return Ok(Delivery::Discarded);
        };
        let (answer, misuse) = match answer {
            Ok(answer) if answer.method() != question.method => {
                let error = RpcError::internal("the question could not be answered");
                (
                    Err(error),
                    Some(Misuse::WrongAnswer(question.method.name())),
                )
            }
            answer => (answer, None),
        };
        match question.origin {
            Origin::Request(id) => {
                self.write_answer(|out| match &answer {
                    Ok(answer) => write_result(out, &id, |out| answer.encode(out, version)),
                    Err(error) => write_error(out, Some(&id), error),
                });
                self.resume_calls();
            }
            Origin::Round(call, place) => self.answer_round(call, place, answer, version),
        }
        misuse.map_or(Ok(Delivery::Accepted), Err)
    }

    // ── Since 2026-07-28 ─────────────────────────────────────────────────────────────────────

    /// A call's answer asks something.
    pub(crate) fn start_round(&mut self, id: CallId, asked: InputRequiredResult) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        call.rounds += 1;
        let rounds = call.rounds;
        if !asked.input_requests.is_empty() {
            return self.put(id, asked.input_requests, asked.request_state, rounds);
        }
        let most = self.config.limits.input_rounds;
        if rounds > most {
            return self.finish(id, Err(CallError::Input(InputError::TooManyRounds(most))));
        }
        if asked.request_state.is_none() {
            let error = Malformed::new("it asks for input and does not say which");
            return self.finish(id, Err(CallError::Malformed(error)));
        }
        let until = self.now.saturating_add(pause(rounds));
        self.wait(id, State::Pausing(asked.request_state), until);
    }

    /// What a call goes on with asks something.
    pub(crate) fn ask(&mut self, id: CallId, questions: InputRequests) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        call.rounds += 1;
        let rounds = call.rounds;
        self.put(id, questions, None, rounds);
    }

    // Puts a round of questions to the program.
    fn put(&mut self, id: CallId, questions: InputRequests, state: Option<String>, rounds: usize) {
        let limits = &self.config.limits;
        let fault = if rounds > limits.input_rounds {
            Some(InputError::TooManyRounds(limits.input_rounds))
        } else if questions.len() > limits.calls_in_flight {
            Some(InputError::TooManyQuestions(limits.calls_in_flight))
        } else {
            questions
                .iter()
                .find_map(|(_, request)| self.undeclared(request))
        };
        if let Some(fault) = fault {
            self.abandon(id);
            return self.finish(id, Err(CallError::Input(fault)));
        }
        let until = self.now.saturating_add(limits.input_timeout);
        let mut slots = Vec::with_capacity(questions.len());
        for (place, (key, request)) in questions.into_iter().enumerate() {
            let method = method_of(&request);
            let question = Question {
                origin: Origin::Round(id, place),
                method,
            };
            // The call's deadline counts, not one for each question.
            let question = self.questions.insert(question, Instant::MAX);
            slots.push((key, Slot::Open(question)));
            self.events
                .push_back(Event::Input(InputTicket(question), request));
        }
        let round = Round { state, slots };
        self.wait(id, State::Asking(Box::new(round)), until);
    }

    // Waits for something that does not count as the server's time.
    fn wait(&mut self, id: CallId, state: State, until: Instant) {
        if let Some(call) = self.calls.get_mut(id) {
            call.state = state;
            call.timing.pause(self.now);
        }
        self.calls.set_deadline(id, until);
    }

    fn answer_round(
        &mut self,
        id: CallId,
        place: usize,
        answer: Result<InputAnswer, RpcError>,
        version: ProtocolVersion,
    ) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let State::Asking(round) = &mut call.state else {
            return;
        };
        let answer = match answer {
            Ok(answer) => answer.to_json(version),
            Err(error) => {
                self.abandon(id);
                return self.finish(id, Err(CallError::Input(InputError::Failed(error))));
            }
        };
        if let Some((_, slot)) = round.slots.get_mut(place) {
            *slot = Slot::Answered(answer);
        }
        if !round
            .slots
            .iter()
            .any(|(_, slot)| matches!(slot, Slot::Open(_)))
        {
            self.ask_again(id);
        }
    }

    /// Sends a call once more, with the answers if there were questions.
    pub(crate) fn ask_again(&mut self, id: CallId) {
        let (Some(call), Some(server)) = (self.calls.get_mut(id), &self.server) else {
            return;
        };
        let (state, answers) = match core::mem::replace(&mut call.state, State::New) {
            State::Asking(round) => (round.state, answers(round.slots)),
            State::Pausing(state) => (state, InputResponses::new()),
            _ => (None, InputResponses::new()),
        };
        call.timing.resume(self.now);
        if call.following.is_some() {
            return self.advance(id, News::Answered(answers));
        }
        let deadline = call.timing.deadline(self.now);
        let (version, kept) = (server.version, call.kept.take().unwrap_or_default());
        self.calls.set_deadline(id, deadline);
        let params = core::str::from_utf8(&kept)
            .map_err(serde::de::Error::custom)
            .and_then(RawParams::read)
            .and_then(|params| params.answered(&answers, state.as_ref()));
        match params {
            // Everything else that the request needs stands in the parameters already.
            Ok(params) => self.write_request(id, &params, &Default::default(), version),
            Err(error) => self.finish(id, Err(CallError::Malformed(Malformed::new(error)))),
        }
    }

    /// Forgets the questions of a call that has ended.
    pub(crate) fn drop_questions(&mut self, round: &Round) {
        for (_, slot) in &round.slots {
            if let Slot::Open(question) = slot {
                if self.questions.remove(*question).is_some() {
                    self.events.push_back(Event::InputGone(*question));
                }
            }
        }
    }

    // ── Until 2025-11-25 ─────────────────────────────────────────────────────────────────────

    /// A request of the server.
    pub(crate) fn request(&mut self, id: RequestId, name: &str, params: Option<Raw<'_>>) {
        let version = self.version();
        let method = Method::parse(name);
        if version.is_some_and(|version| version.era() == Era::Stateless) {
            // 2026-07-28, basic: servers send no requests, and clients send no responses.
            return self
                .events
                .push_back(Event::Fault(Fault::UnexpectedRequest));
        }
        let asked = match (method, version) {
            // Answered promptly, and before the session is open as well (basic/utilities/ping).
            (Some(Method::Ping), _) => {
                return self.write_answer(|out| {
                    write_result(out, &id, |out| out.extend_from_slice(b"{}"));
                });
            }
            (
                Some(method @ (Method::Elicit | Method::CreateMessage | Method::ListRoots)),
                Some(version),
            ) if method.exists_in(version) => self.read_question(method, params),
            _ => Err(RpcError::new(codes::METHOD_NOT_FOUND, "method not found")),
        };
        let twice =
            |question: &Question| matches!(&question.origin, Origin::Request(open) if *open == id);
        if self.questions.iter().any(|(_, question)| twice(question)) {
            // An error under this id would answer the first request as well.
            return self
                .events
                .push_back(Event::Fault(Fault::UnexpectedRequest));
        }
        match asked {
            Ok(_) if self.open_requests() >= self.config.limits.calls_in_flight => {
                let error = RpcError::new(codes::BUSY, "too many questions are open");
                self.write_answer(|out| write_error(out, Some(&id), &error));
            }
            Ok(request) => {
                let question = Question {
                    method: method_of(&request),
                    origin: Origin::Request(id),
                };
                let deadline = self.now.saturating_add(self.config.limits.input_timeout);
                let ticket = InputTicket(self.questions.insert(question, deadline));
                self.events.push_back(Event::Input(ticket, request));
                self.pause_calls();
            }
            Err(error) => self.write_answer(|out| write_error(out, Some(&id), &error)),
        }
    }

    fn read_question(
        &self,
        method: Method,
        params: Option<Raw<'_>>,
    ) -> Result<InputRequest, RpcError> {
        let text = params.map_or("{}", Raw::get);
        let read = || -> Result<InputRequest, serde_json::Error> {
            Ok(match method {
                Method::Elicit => InputRequest::Elicit(serde_json::from_str(text)?),
                Method::CreateMessage => InputRequest::CreateMessage(serde_json::from_str(text)?),
                _ => InputRequest::ListRoots(serde_json::from_str(text)?),
            })
        };
        let capabilities = &self.config.capabilities;
        let declared = match method {
            Method::Elicit => capabilities.elicitation.is_some(),
            Method::CreateMessage => capabilities.sampling.is_some(),
            _ => capabilities.roots.is_some(),
        };
        if !declared {
            return Err(RpcError::new(codes::METHOD_NOT_FOUND, "method not found"));
        }
        let request = read().map_err(|error| {
            RpcError::invalid_params(alloc::format!("params of {}: {error}", method.name()))
        })?;
        match self.undeclared(&request) {
            // 2025-11-25, client/elicitation and client/sampling: -32602 for a mode or for tools
            // that the client did not declare.
            Some(error) => Err(RpcError::invalid_params(alloc::format!("{error}"))),
            None => Ok(request),
        }
    }

    fn undeclared(&self, request: &InputRequest) -> Option<InputError> {
        let capabilities = &self.config.capabilities;
        let (declared, what) = match request {
            InputRequest::Elicit(params) => match &**params {
                ElicitParams::Url(_) => (capabilities.elicits_urls(), "elicitation by URL"),
                _ => (capabilities.elicits_forms(), "elicitation by form"),
            },
            InputRequest::CreateMessage(params) if !params.tools.is_empty() => {
                (capabilities.samples_with_tools(), "sampling with tools")
            }
            InputRequest::CreateMessage(_) => (capabilities.sampling.is_some(), "sampling"),
            _ => (capabilities.roots.is_some(), "roots"),
        };
        (!declared).then_some(InputError::Undeclared(what))
    }

    /// How many requests of the server wait for an answer.
    pub(crate) fn open_requests(&self) -> usize {
        self.questions
            .iter()
            .filter(|(_, question)| matches!(question.origin, Origin::Request(_)))
            .count()
    }

    /// The server does not want the answer to this request of its any longer.
    pub(crate) fn request_cancelled(&mut self, id: &RequestId) {
        let asked =
            |question: &Question| matches!(&question.origin, Origin::Request(open) if open == id);
        let found = self
            .questions
            .iter()
            .find(|(_, question)| asked(question))
            .map(|(id, _)| id);
        if let Some(found) = found {
            self.questions.remove(found);
            self.events.push_back(Event::InputGone(found));
            self.resume_calls();
        }
    }

    /// Whoever asked by requests is gone: an answer would be taken for one to another question.
    #[cfg(feature = "http")]
    pub(crate) fn forget_requests(&mut self) {
        let asked =
            |(_, question): &(CallId, &Question)| matches!(question.origin, Origin::Request(_));
        let asked: Vec<CallId> = self
            .questions
            .iter()
            .filter(asked)
            .map(|(id, _)| id)
            .collect();
        for id in asked {
            self.questions.remove(id);
            self.events.push_back(Event::InputGone(id));
        }
        self.outbox.clear_answers();
        self.resume_calls();
    }

    /// Nobody has answered a request of the server in time.
    pub(crate) fn question_expired(&mut self, id: CallId) {
        let Some(question) = self.questions.remove(id) else {
            return;
        };
        self.events.push_back(Event::InputGone(id));
        if let Origin::Request(request) = question.origin {
            let error = RpcError::internal("the question was not answered in time");
            self.outbox
                .push(Lane::Answer, |out| write_error(out, Some(&request), &error));
            self.resume_calls();
        }
    }

    // While the user is asked, no call that may have led to the question times out: which one it
    // was cannot be told.
    fn pause_calls(&mut self) {
        let now = self.now;
        for id in self.asking_calls() {
            if let Some(call) = self.calls.get_mut(id) {
                call.timing.pause(now);
            }
        }
    }

    fn resume_calls(&mut self) {
        if self.open_requests() > 0 {
            return;
        }
        let now = self.now;
        for id in self.asking_calls() {
            if let Some(call) = self
                .calls
                .get_mut(id)
                .filter(|call| call.timing.asked_at.is_some())
            {
                call.timing.resume(now);
                let deadline = call.timing.deadline(now);
                self.calls.set_deadline(id, deadline);
            }
        }
    }

    fn asking_calls(&self) -> Vec<CallId> {
        let sent = |state: &State| matches!(state, State::Sent(_));
        let open = self
            .calls
            .iter()
            .filter(|(_, call)| call.asks() && sent(&call.state));
        open.map(|(id, _)| id).collect()
    }
}

fn method_of(request: &InputRequest) -> Method {
    match request {
        InputRequest::Elicit(_) => Method::Elicit,
        InputRequest::CreateMessage(_) => Method::CreateMessage,
        _ => Method::ListRoots,
    }
}

fn answers(slots: Vec<(String, Slot)>) -> InputResponses {
    let answered = |(key, slot)| match slot {
        Slot::Answered(answer) => Some((key, answer)),
        Slot::Open(_) => None,
    };
    slots.into_iter().filter_map(answered).collect()
}

fn pause(rounds: usize) -> Duration {
    let doublings = u32::try_from(rounds - 1).unwrap_or(u32::MAX).min(8);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

impl InputAnswer {
    fn method(&self) -> Method {
        match self {
            Self::Elicit(_) => Method::Elicit,
            Self::CreateMessage(_) => Method::CreateMessage,
            Self::ListRoots(_) => Method::ListRoots,
        }
    }

    fn to_json(&self, version: ProtocolVersion) -> Json {
        let mut out = Vec::new();
        self.encode(&mut out, version);
        // What is encoded is JSON, so the fallback is never needed.
        String::from_utf8(out)
            .ok()
            .and_then(|text| Json::parse(text).ok())
            .unwrap_or_else(Json::null)
    }
}

impl Encode for InputAnswer {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Self::Elicit(result) => result.encode(out, version),
            Self::CreateMessage(result) => result.encode(out, version),
            Self::ListRoots(result) => result.encode(out, version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let millis = [1, 2, 3, 4, 5, 100].map(|rounds| pause(rounds).as_millis());
        assert_eq!(millis, [50, 100, 200, 250, 250, 250]);
    }
}
