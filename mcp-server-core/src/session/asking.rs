//! Questions as requests of our own, in the handshake revisions.

use alloc::{boxed::Box, format, string::String, vec::Vec};
use mcp_proto::{
    encode::{self, Object},
    json::Json,
    method::Method,
    rpc::{self, CallId, RequestId, RpcError, codes},
    types::{ElicitParams, InputRequest, Map},
    version::ProtocolVersion,
};

use super::{
    Phase, Session,
    open::{Address, Asking, Kept, Parked, Request, State},
    outbox::{Sent, SentKind},
};
use crate::call::{NeedInput, Resumed};

/// Our requests that are not answered yet, and the calls that they belong to.
#[derive(Debug, Default)]
pub(super) struct Asked {
    open: Vec<(i64, CallId)>,
    last: i64,
}

impl Asked {
    fn add(&mut self, call: CallId) -> i64 {
        self.last += 1;
        self.open.push((self.last, call));
        self.last
    }

    /// Whether that was asked, however long ago.
    fn was_asked(&self, id: i64) -> bool {
        (1..=self.last).contains(&id)
    }

    fn take(&mut self, id: i64) -> Option<CallId> {
        let at = self.open.iter().position(|(asked, _)| *asked == id)?;
        Some(self.open.swap_remove(at).1)
    }
}

impl Session {
    /// Sends the questions of a running call, which then waits for the answers.
    pub(super) fn ask(
        &mut self,
        call: CallId,
        need: NeedInput,
        kept: Kept,
        rounds: usize,
    ) -> Result<(), RpcError> {
        if self.asking >= self.limits.calls_in_flight {
            let message = "the server is busy: too many calls wait for answers";
            return Err(RpcError::new(codes::BUSY, message));
        }
        let Some(request) = self.open.get_mut(call) else {
            return Ok(());
        };
        let State::Running(mut running) = core::mem::replace(&mut request.state, State::Over)
        else {
            return Ok(());
        };
        let (version, address) = (request.peer.version, request.address.clone());
        running.write_held(&mut self.out, self.now, &address, version);
        let mut waiting = Vec::with_capacity(need.requests.len());
        for (key, question) in need.requests {
            let id = self.send_ask(call, &address, question, version);
            waiting.push((id, key));
        }
        let asking = Asking {
            parked: Parked {
                work: kept.work,
                progress: running.progress,
                log_level: running.log_level,
                meta: kept.meta,
                times: running.times,
                resumed: None,
                // Clients of these revisions say beforehand what is to be a task.
                detachable: false,
            },
            since: self.now,
            waiting,
            resumed: Resumed::new(Map::new(), need.state, rounds + 1),
        };
        self.running -= 1;
        self.asking += 1;
        if let Some(request) = self.open.get_mut(call) {
            request.state = State::Asking(Box::new(asking));
        }
        let until = self.now.saturating_add(self.limits.input_timeout);
        self.open.set_deadline(call, until);
        self.go_on_if_answered(call);
        Ok(())
    }

    fn send_ask(
        &mut self,
        call: CallId,
        address: &Address,
        mut question: InputRequest,
        version: ProtocolVersion,
    ) -> i64 {
        let id = self.asked.get_or_insert_default().add(call);
        if let InputRequest::Elicit(params) = &mut question {
            if let ElicitParams::Url(page) = &mut **params {
                // 2025-11-25, client/elicitation: required, and unique within the server.
                let page = page
                    .elicitation_id
                    .get_or_insert_with(|| format!("{}-{id}", call.as_u64()));
                if let Some(opened) = &mut self.handshake {
                    let most = self.limits.subscribed_topics;
                    opened.watch.sent_to_page(id, page.as_str().into(), most);
                }
            }
        }
        let sent = Sent {
            origin: Some(address.origin),
            kind: SentKind::Notice,
        };
        self.out.put(sent, self.now, |out| {
            let id = RequestId::Number(id);
            rpc::write_request(out, &id, question.method(), |out| match &question {
                InputRequest::Elicit(params) => encode::write_object(&**params, out, version),
                InputRequest::CreateMessage(params) => {
                    encode::write_object(&**params, out, version);
                }
                InputRequest::ListRoots(params) => encode::write_object(params, out, version),
                _ => out.extend_from_slice(b"{}"),
            });
        });
        id
    }

    /// Takes the client's answer. Tells whether it is one to a question of ours. Where that needs no
    /// answer any more, the two have crossed (every revision until 2025-11-25,
    /// basic/utilities/cancellation, Timing Considerations).
    pub(super) fn take_answer(&mut self, id: &RequestId, answer: Result<Json, RpcError>) -> bool {
        let RequestId::Number(id) = *id else {
            return false;
        };
        let Some(asked) = self.asked.as_mut() else {
            return false;
        };
        let Some(call) = asked.take(id) else {
            return asked.was_asked(id);
        };
        if !agrees(&answer) {
            self.forget_page(id);
        }
        let Some(Request {
            state: State::Asking(asking),
            ..
        }) = self.open.get_mut(call)
        else {
            return true;
        };
        if let Some(at) = asking.waiting.iter().position(|(asked, _)| *asked == id) {
            let (_, key) = asking.waiting.remove(at);
            asking.resumed.answers.insert(key, answer);
        }
        self.go_on_if_answered(call);
        true
    }

    fn forget_page(&mut self, id: i64) {
        if let Some(opened) = &mut self.handshake {
            opened.watch.forget_page(id);
        }
    }

    // A call whose last question is answered gets the next place that is free. The time that its
    // client took is not the handler's.
    fn go_on_if_answered(&mut self, call: CallId) {
        let Some(request) = self.open.get_mut(call) else {
            return;
        };
        if !matches!(&request.state, State::Asking(asking) if asking.waiting.is_empty()) {
            return;
        }
        let State::Asking(asking) = core::mem::replace(&mut request.state, State::Over) else {
            return;
        };
        let Asking {
            mut parked,
            since,
            resumed,
            ..
        } = *asking;
        let waited = self.now.duration_since(since);
        parked.times.deadline = parked.times.deadline.saturating_add(waited);
        parked.times.latest = parked.times.latest.saturating_add(waited);
        parked.resumed = Some(resumed.into());
        let deadline = parked.times.deadline;
        request.state = State::Parked(Box::new(parked));
        self.open.set_deadline(call, deadline);
        self.asking -= 1;
        self.parked.push_front(call);
    }

    /// Ends every call that waits for an answer: none will come.
    pub(super) fn end_asks(&mut self) {
        let error = RpcError::internal("the client ended the connection before it answered");
        for call in self.open_calls() {
            if matches!(
                self.open.get(call).map(|of| &of.state),
                Some(State::Asking(_))
            ) {
                self.fail(call, &error);
            }
        }
    }

    /// Tells the client that the questions of a request that was closed need no answer any more.
    pub(super) fn take_back(&mut self, request: &Request) {
        let State::Asking(asking) = &request.state else {
            return;
        };
        self.asking -= 1;
        for (id, _) in &asking.waiting {
            let _ = self.asked.as_mut().and_then(|asked| asked.take(*id));
            self.forget_page(*id);
            if self.phase == Phase::Open {
                self.send_cancelled(*id, &request.address, request.peer.version);
            }
        }
    }

    // Every revision until 2025-11-25, basic/utilities/cancellation.
    fn send_cancelled(&mut self, id: i64, address: &Address, version: ProtocolVersion) {
        self.notify(Some(address.origin), |out| {
            rpc::write_notification(out, Method::Cancelled.name(), |out| {
                let mut params = Object::new(out, version);
                params.field("requestId", &id);
                params.field("reason", &String::from("the call it belongs to is over"));
                params.end();
            });
        });
    }
}

/// Whether the person has gone where they were sent.
fn agrees(answer: &Result<Json, RpcError>) -> bool {
    answer.as_ref().is_ok_and(|answer| {
        let mut members = answer.as_raw().members();
        members.any(|(name, value)| name == "action" && value.get() == "\"accept\"")
    })
}
