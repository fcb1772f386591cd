//! Messages that come in: what each of them is for.

use alloc::{boxed::Box, string::String};
use core::ops::Range;

use mcp_proto::{
    frame::Line,
    json::{Json, Raw},
    meta::keys,
    method::Method,
    request::{ListTools, Paged as _},
    rpc::{self, CallId, Incoming, Message, RequestId, RpcError},
    types::{
        AcknowledgedParams, CancelledParams, ElicitationCompleteParams, InputRequiredResult,
        LogParams, ProgressParams, ProgressToken, ResourceUpdatedParams, ResultType,
    },
    version::ProtocolVersion,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    error::{CallError, Fault, Malformed},
    event::{Change, Event},
    extension::News,
    session::Session,
    session::call::{Owner, State},
    session::pending::Reply,
};

/// How a complete result begins where we write it: then nothing needs to be looked for.
const COMPLETE: &str = "{\"resultType\":\"complete\"";

impl Session {
    /// Takes one message: a line, a body, an event's data.
    pub(crate) fn receive(&mut self, line: Line<'_>) {
        let bytes = line.as_bytes();
        let parsed = match core::str::from_utf8(bytes) {
            Ok(text) => match rpc::usual_result(text, &self.config.limits) {
                Some((id, outcome)) => Ok(Incoming::Single(Message::Response {
                    id: Some(RequestId::Number(id)),
                    outcome: Ok(outcome),
                })),
                None => rpc::parse_text(text, &self.config.limits),
            },
            Err(_) => Err(rpc::Rejected::not_utf8()),
        };
        let result = match parsed {
            Ok(Incoming::Single(message)) => self.message(message),
            Ok(Incoming::Batch(messages)) => {
                for message in messages {
                    // One of them may have ended the connection.
                    if self.closed.is_some() {
                        break;
                    }
                    match message {
                        Ok(message) => {
                            if let Some((id, raw)) = self.message(message) {
                                self.complete(id, Json::from_raw(raw));
                            }
                        }
                        Err(rejected) => self.rejected(rejected),
                    }
                }
                None
            }
            Ok(_) => None,
            Err(rejected) => {
                self.rejected(rejected);
                None
            }
        };
        let Some((id, raw)) = result else {
            return;
        };
        let range = place_of(raw, bytes);
        let json = match line {
            // Without a copy: the line is large.
            Line::Owned(bytes) => {
                let text = String::from_utf8(bytes).ok();
                text.and_then(|text| Json::slice_of(text, range))
            }
            _ => self.spare.text(raw),
        };
        match json {
            Some(json) => self.complete(id, json),
            // Not possible: the result is a part of the line.
            None => self.finish(
                id,
                Err(CallError::Malformed(Malformed::new("it is no text"))),
            ),
        }
    }

    // Does what a message asks for; a result that is to be kept is given back.
    fn message<'m>(&mut self, message: Message<'m>) -> Option<(CallId, Raw<'m>)> {
        match message {
            Message::Request { .. } if self.reads_forgotten => {}
            Message::Request { id, method, params } => self.request(id, &method, params.raw()),
            Message::Notification { method, params } => self.notification(&method, params.raw()),
            Message::Response { id, outcome } => return self.response(id.as_ref(), outcome),
            _ => {}
        }
        None
    }

    fn rejected(&mut self, rejected: rpc::Rejected) {
        self.events
            .push_back(Event::Fault(Fault::NotRpc(rejected.error.clone())));
        // An unreadable answer to a call of ours is an answer all the same. Requests of the server
        // have ids of its own, which mean nothing here.
        if let (Some(RequestId::Number(wire)), true) = (rejected.id, rejected.unasked) {
            if let Some(id) = self.wires.take(wire) {
                let error = Malformed::new(rejected.error.message);
                self.fail(id, CallError::Malformed(error));
            }
        }
    }

    // ── Answers ──────────────────────────────────────────────────────────────────────────────

    fn response<'m>(
        &mut self,
        id: Option<&RequestId>,
        outcome: Result<Raw<'m>, RpcError>,
    ) -> Option<(CallId, Raw<'m>)> {
        let wire = match id {
            Some(RequestId::Number(wire)) => *wire,
            _ => {
                self.events
                    .push_back(Event::Fault(Fault::UnexpectedResponse));
                return None;
            }
        };
        let Some(id) = self.wires.take(wire) else {
            self.late_response(wire, outcome.as_ref().copied());
            return None;
        };
        let owner = self.calls.get(id).map(|call| call.owner.clone())?;
        let text = outcome.as_ref().map(|raw| raw.get());
        match (owner, outcome.as_ref()) {
            (Owner::Probe, _) => {
                self.drop_call(id);
                self.probe_answered(text);
            }
            (Owner::Handshake, _) => {
                self.drop_call(id);
                self.handshake_answered(text);
            }
            (_, Err(_)) => {
                if let Err(error) = outcome {
                    self.refused(id, error);
                }
            }
            (Owner::User, Ok(raw)) => return self.judge(id, *raw),
            (_, Ok(_)) => self.finish(id, Ok(Reply::Text(Json::empty_object()))),
        }
        None
    }

    // A call was answered with an error, which need not be its end.
    fn refused(&mut self, id: CallId, error: RpcError) {
        if !self.repeat(id, &error) {
            self.request_failed(id, CallError::Rpc(error));
        }
    }

    // Answers to what was cancelled or given up may well cross; others cannot be explained.
    fn late_response(&mut self, wire: i64, outcome: Result<Raw<'_>, &RpcError>) {
        if self.lost_probe == Some(wire) {
            self.lost_probe = None;
            self.lost_probe_answered(outcome.map(Raw::get));
        } else if !self.wires.was_issued(wire) {
            self.events
                .push_back(Event::Fault(Fault::UnexpectedResponse));
        }
    }

    /// Fails a call however far it is, the ones of our own included.
    fn fail(&mut self, id: CallId, error: CallError) {
        match self.calls.get(id).map(|call| call.owner.clone()) {
            Some(Owner::Probe) => {
                self.drop_call(id);
                self.probe_answered(Err(&RpcError::internal("unreadable")));
            }
            Some(Owner::Handshake) => {
                self.drop_call(id);
                self.handshake_answered(Ok("null"));
            }
            _ => self.finish(id, Err(error)),
        }
    }

    // What kind of result a call has got; gives back one that is to be kept.
    fn judge<'m>(&mut self, id: CallId, raw: Raw<'m>) -> Option<(CallId, Raw<'m>)> {
        let text = raw.get();
        let call = self.calls.get_mut(id)?;
        if call.following.is_some() {
            call.state = State::New;
            self.advance(id, News::Result(text));
            return None;
        }
        let asks = call.asks();
        let method = call.method;
        // Only 2026-07-28 has `resultType`, and only methods of an extension may have one of their
        // own. In 2025-11-25 tasks can be told by their shape.
        let has_types = match method {
            Some(_) if self.is_stateless() => !text.starts_with(COMPLETE),
            Some(method) => {
                self.version() == Some(ProtocolVersion::V2025_11_25)
                    && self.extensions.follow(method)
            }
            None => false,
        };
        if !has_types {
            return Some((id, raw));
        }
        let error = match ResultType::of(text) {
            Ok(ResultType::Complete) => return Some((id, raw)),
            Ok(ResultType::InputRequired) if asks => {
                match serde_json::from_str::<InputRequiredResult>(text) {
                    Ok(asked) => {
                        self.start_round(id, asked);
                        return None;
                    }
                    Err(error) => Malformed::new(error),
                }
            }
            Ok(other) => {
                self.extended(id, &other, raw);
                return None;
            }
            Err(error) => Malformed::new(error),
        };
        self.finish(id, Err(CallError::Malformed(error)));
        None
    }

    // A call has got its result, or one page of it.
    fn complete(&mut self, id: CallId, json: Json) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let Some(pages) = &mut call.pages else {
            return self.finish(id, Ok(Reply::Text(json)));
        };
        let (most, most_bytes) = (self.config.limits.pages, self.config.limits.list_bytes);
        let next = match next_cursor(json.as_str()) {
            Ok(next) => next.filter(|cursor| !pages.cursors.contains(cursor)),
            Err(error) => {
                let error = CallError::Malformed(Malformed::new(error));
                return self.finish(id, Err(error));
            }
        };
        pages.bytes += json.as_str().len() + next.as_ref().map_or(0, |cursor| cursor.len());
        pages.texts.push(json);
        if pages.bytes > most_bytes {
            return self.finish(id, Err(CallError::ListTooLong(most_bytes)));
        }
        match next {
            Some(_) if pages.texts.len() >= most => {
                self.finish(id, Err(CallError::TooManyPages(most)));
            }
            Some(cursor) => {
                pages.cursors.push(cursor);
                self.next_page(id);
            }
            None => {
                let texts = core::mem::take(&mut pages.texts);
                self.finish(id, Ok(Reply::Pages(texts)));
            }
        }
    }

    fn next_page(&mut self, id: CallId) {
        let (Some(call), Some(version)) = (
            self.calls.get_mut(id),
            self.server.as_ref().map(|s| s.version),
        ) else {
            return;
        };
        let Some(pages) = call.pages.take() else {
            return;
        };
        let deadline = call.timing.deadline(self.now);
        self.calls.set_deadline(id, deadline);
        // The parameters of every list are the same.
        let params = ListTools::at(pages.cursors.last().map(|cursor| &**cursor));
        self.write_request(id, &params, &pages.options, version);
        if let Some(call) = self.calls.get_mut(id) {
            call.pages = Some(pages);
        }
    }

    // ── Notifications ────────────────────────────────────────────────────────────────────────

    fn notification(&mut self, name: &str, params: Option<Raw<'_>>) {
        let done = match Method::parse(name) {
            Some(Method::Progress) => read(params).map(|params| self.progress(params)),
            Some(Method::Log) => {
                read::<LogParams>(params).map(|params| self.events.push_back(Event::Log(params)))
            }
            Some(Method::Cancelled) => read(params).map(|params| self.cancelled(params)),
            Some(Method::ToolsChanged) => {
                self.changed(Change::Tools);
                Ok(())
            }
            Some(Method::PromptsChanged) => {
                self.changed(Change::Prompts);
                Ok(())
            }
            Some(Method::ResourcesChanged) => {
                self.changed(Change::Resources);
                Ok(())
            }
            Some(Method::ResourceUpdated) => read(params).map(|params: ResourceUpdatedParams| {
                self.changed(Change::Resource(params.uri.into()));
            }),
            Some(Method::Acknowledged) => {
                read(params).and_then(|read| self.acknowledge(read, params.map_or("{}", Raw::get)))
            }
            Some(Method::ElicitComplete) => {
                read(params).map(|params: ElicitationCompleteParams| {
                    self.events
                        .push_back(Event::ElicitationComplete(params.elicitation_id));
                })
            }
            _ => {
                let params = params.map(Json::from_raw);
                if let Some(params) = &params {
                    self.noticed(name, params);
                }
                self.events
                    .push_back(Event::Notification(String::from(name), params));
                Ok(())
            }
        };
        if let Err(mut error) = done {
            error.message = alloc::format!("{name}: {}", error.message).into();
            self.events
                .push_back(Event::Fault(Fault::Notification(error)));
        }
    }

    fn progress(&mut self, params: ProgressParams) {
        let ProgressToken::Number(token) = params.progress_token else {
            return;
        };
        let Ok(token) = u64::try_from(token) else {
            return;
        };
        let id = CallId::from_u64(self.calls.tag(), token);
        if self.calls.get(id).is_some() {
            return self.progressed(id, params);
        }
        for follower in self.followers(id) {
            self.progressed(follower, params.clone());
        }
    }

    fn progressed(&mut self, id: CallId, params: ProgressParams) {
        let now = self.now;
        // Reports that come late, or that nobody asked for, are no sign of life.
        let Some(call) = self.calls.get_mut(id).filter(|call| call.progress) else {
            return;
        };
        match call.state {
            State::Sent(_) => {
                let deadline = call.timing.deadline(now);
                self.calls.set_deadline(id, deadline);
            }
            // Over, or not asked yet.
            _ if call.following.is_none() => return,
            _ => {}
        }
        self.events.push_back(Event::Progress(id, params.into()));
    }

    fn cancelled(&mut self, params: CancelledParams) {
        match params.request_id {
            Some(RequestId::Number(wire)) if self.is_stateless() => self.listen_cancelled(wire),
            Some(id) if !self.reads_forgotten => self.request_cancelled(&id),
            _ => {}
        }
    }

    fn acknowledge(&mut self, params: AcknowledgedParams, text: &str) -> Result<(), RpcError> {
        let id = params
            .meta
            .as_ref()
            .and_then(|meta| meta.get(keys::SUBSCRIPTION_ID));
        match id.map(Json::to::<RequestId>) {
            Some(Ok(RequestId::Number(wire)))
                if self.acknowledged(wire, params.notifications, text) =>
            {
                Ok(())
            }
            // It may cross the cancellation of the stream, or its timeout.
            Some(Ok(RequestId::Number(wire))) if self.wires.is_over(wire) => Ok(()),
            _ => Err(RpcError::invalid_params("it names no open subscription")),
        }
    }
}

fn read<T: DeserializeOwned>(params: Option<Raw<'_>>) -> Result<T, RpcError> {
    let text = params.map_or("{}", Raw::get);
    serde_json::from_str(text).map_err(|error| RpcError::invalid_params(alloc::format!("{error}")))
}

fn next_cursor(page: &str) -> Result<Option<Box<str>>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(rename = "nextCursor")]
        next_cursor: Option<Box<str>>,
    }
    serde_json::from_str::<Page>(page).map(|page| page.next_cursor)
}

/// Where a part of the line lies in it.
fn place_of(raw: Raw<'_>, line: &[u8]) -> Range<usize> {
    let start = (raw.get().as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
    start..start.wrapping_add(raw.get().len())
}
