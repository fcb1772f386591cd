//! What comes in: messages, streams that end, refusals.

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::time::Duration;

use http::HeaderValue;
use mcp_proto::{
    frame::Line,
    method::Method,
    rpc::{self, Incoming, Message, RequestId, RpcError, codes, write_result},
};

use super::{
    Challenge, FetchError, FetchId, HttpClient, Refresh,
    exchange::{Exchange, OlderStream, Reading, Resume, What},
    post::{Post, Role},
    redirect::{self, Redirect},
    request,
    send::{after, pause},
    timers::Due,
    verdict::{self, Asked, Refused, Verdict},
};
use crate::{
    error::{CallError, Fault, HttpFailure},
    event::Event,
};

/// Bodies up to this length are read in place.
const LENT_BYTES: usize = 8 * 1024;

/// What became of an exchange.
enum Next {
    /// Nothing more can be done until more comes.
    Wait(Exchange),
    /// There may be more to read.
    More(Exchange),
    /// It is over.
    Over,
}

/// What a message is, besides one for the session.
enum Inspected {
    /// Nothing else.
    Pass,
    /// This is to be read in its place.
    Replaced(Vec<u8>),
    /// It was for the front alone.
    Taken,
    /// An error that is not the answer yet.
    Refused(RpcError),
}

impl HttpClient {
    /// Reads one thing from an exchange.
    pub(super) fn advance(&mut self, id: FetchId) {
        let Some(mut exchange) = self.fetches.remove(&id) else {
            return;
        };
        exchange.queued = false;
        let (ended, expiry) = (exchange.end.is_some(), exchange.expiry);
        match self.read(id, exchange) {
            Next::Wait(exchange) => {
                self.fetches.insert(id, exchange);
            }
            Next::More(exchange) => {
                self.fetches.insert(id, exchange);
                self.wake(id);
            }
            Next::Over => {
                if let Some(key) = expiry {
                    self.timers.cancel(key);
                }
                if !ended {
                    self.abort(id);
                }
            }
        }
    }

    fn read(&mut self, id: FetchId, mut exchange: Exchange) -> Next {
        if core::mem::take(&mut exchange.news) {
            self.begun(&exchange);
            return Next::More(exchange);
        }
        match &exchange.reading {
            Reading::Events(_) => return self.read_event(id, exchange),
            Reading::Json(_) if exchange.overflow => {
                let failure = exchange.failure("the response is too long");
                self.give_up(id, exchange, failure);
            }
            Reading::Rest if exchange.overflow => {}
            Reading::Refusal(_) if exchange.overflow => self.refused(id, exchange, None),
            _ => match exchange.end.take() {
                None => return Next::Wait(exchange),
                Some(end) => self.ended(id, exchange, end),
            },
        }
        Next::Over
    }

    // The head of a response is there.
    fn begun(&mut self, exchange: &Exchange) {
        match (&exchange.what, &exchange.reading) {
            (What::Post(post), Reading::Rest) if post.role == Role::Initialized => {
                self.greeted(exchange.epoch);
            }
            (What::Stream(_), Reading::Events(_)) => self.listening(),
            _ => {}
        }
    }

    fn ended(&mut self, id: FetchId, mut exchange: Exchange, end: Result<(), FetchError>) {
        match (&mut exchange.reading, end) {
            (Reading::Rest, _) => {}
            // What there is of an error is better than none.
            (Reading::Refusal(_), _) => self.refused(id, exchange, None),
            (Reading::Json(body), Ok(())) => {
                let body = core::mem::take(body);
                self.read_body(id, exchange, body);
            }
            (_, Err(error)) => self.broken(exchange, &error),
            (_, Ok(())) => self.broken(
                exchange,
                &FetchError::Broken("it ended without a response".into()),
            ),
        }
    }

    // ── Streams ──────────────────────────────────────────────────────────────────────────────

    fn read_event(&mut self, id: FetchId, mut exchange: Exchange) -> Next {
        let Reading::Events(mut decoder) = core::mem::replace(&mut exchange.reading, Reading::Rest)
        else {
            return Next::Wait(exchange);
        };
        let refused = match decoder.next_event() {
            None => {
                exchange.reading = Reading::Events(decoder);
                return match exchange.end.take() {
                    None => Next::Wait(exchange),
                    Some(end) => {
                        self.stream_ended(id, exchange, end);
                        Next::Over
                    }
                };
            }
            Some(Err(_)) => {
                self.session.events.push_back(Event::Fault(Fault::Frame));
                None
            }
            Some(Ok(event)) => {
                exchange.lively |= event.id.is_some() || event.is_message();
                match (event.name, event.is_message()) {
                    ("message", true) => self.deliver(&exchange, Line::Borrowed(event.data)),
                    ("endpoint", true) => {
                        if let Err(failure) = self.endpoint_named(&mut exchange, event.data) {
                            self.give_up(id, exchange, failure);
                            return Next::Over;
                        }
                        None
                    }
                    // Events of other names are none of ours (2025-11-25 sends only messages).
                    _ => None,
                }
            }
        };
        if let Some(error) = refused {
            self.refused(id, exchange, Some(error));
            return Next::Over;
        }
        if exchange.post().is_some_and(|post| !self.is_wanted(post)) {
            // The answer was in it.
            self.fetches.insert(id, exchange);
            self.settle(id);
            return match self.fetches.remove(&id) {
                Some(exchange) => Next::Wait(exchange),
                None => Next::Over,
            };
        }
        exchange.reading = Reading::Events(decoder);
        Next::More(exchange)
    }

    fn stream_ended(&mut self, id: FetchId, exchange: Exchange, end: Result<(), FetchError>) {
        let Reading::Events(decoder) = &exchange.reading else {
            return;
        };
        let (last, wait) = (
            decoder.last_event_id().map(Box::<str>::from),
            decoder.retry(),
        );
        let error = end.err();
        let failure = exchange.failure(match &error {
            Some(error) => format!("the stream broke off before the answer: {error}"),
            None => "the stream ended before the answer".into(),
        });
        match exchange.what {
            What::Post(post) => {
                // 2025-03-26 to 2025-11-25, "Resumability and Redelivery"; gone since.
                let resumable = post.role == Role::Call && !self.session.is_stateless();
                match last.filter(|last| resumable && request::is_resumable(last)) {
                    Some(last) => {
                        let last_event_id = last.into();
                        let resume = Resume {
                            post: *post,
                            last_event_id,
                            failures: 0,
                        };
                        self.resume_later(resume, wait, failure);
                    }
                    None => self.retry_broken(*post, None, failure),
                }
            }
            What::Resume(mut resume) => {
                if let Some(last) = last.filter(|last| request::is_resumable(last)) {
                    resume.last_event_id = last.into();
                }
                resume.failures = if exchange.lively {
                    0
                } else {
                    resume.failures + 1
                };
                self.resume_later(*resume, wait, failure);
            }
            What::Stream(_) => self.listening_ended(&exchange, wait, last.as_deref()),
            What::Older(stream) => self.older_ended(id, *stream, failure),
            What::Delete => {}
        }
    }

    // 2025-11-25, basic/transports: the client MUST respect `retry`.
    fn resume_later(&mut self, resume: Resume, wait: Option<Duration>, failure: HttpFailure) {
        if resume.failures >= self.session.config.limits.resumptions {
            return self.fail(resume.post, failure);
        }
        let wait = wait.unwrap_or_default().max(pause(resume.failures + 1));
        let at = after(self.session.now, wait);
        self.timers.add(at, Due::Resume(Box::new(resume)));
    }

    // ── Messages ─────────────────────────────────────────────────────────────────────────────

    fn read_body(&mut self, id: FetchId, mut exchange: Exchange, mut body: Vec<u8>) {
        let answered = |client: &Self| exchange.post().is_none_or(|post| !client.is_wanted(post));
        let error = if body.trim_ascii().is_empty() {
            None
        } else if body.len() > LENT_BYTES {
            // Handed over, so that a large result is not copied; only its beginning is kept.
            let beginning = body[..LENT_BYTES].to_vec();
            self.deliver(
                &exchange,
                Line::Owned(core::mem::replace(&mut body, beginning)),
            )
        } else {
            match self.deliver(&exchange, Line::Borrowed(&body)) {
                None if !answered(self) => error_in(&body),
                error => error,
            }
        };
        if error.is_none() && answered(self) {
            return;
        }
        exchange.reading = Reading::Refusal(body);
        self.refused(id, exchange, error);
    }

    // Hands a message to whom it is for; gives back an error that has yet to be judged.
    fn deliver(&mut self, exchange: &Exchange, line: Line<'_>) -> Option<RpcError> {
        match self.inspect(exchange, line.as_bytes()) {
            Inspected::Pass => self.session.receive(line),
            Inspected::Replaced(message) => self.session.receive(Line::Owned(message)),
            Inspected::Taken => return None,
            Inspected::Refused(error) => return Some(error),
        }
        self.check_agreed(session_id(exchange));
        None
    }

    // Looks into messages that mean something to the front.
    fn inspect(&mut self, exchange: &Exchange, message: &[u8]) -> Inspected {
        let reopens = self.link.is_reopening();
        let looks = match exchange.post() {
            Some(post) => post.role != Role::Call || post.key.is_some(),
            // All answers of an older server come on one stream.
            None => reopens && self.link.is_older(),
        };
        if !looks {
            return Inspected::Pass;
        }
        let parsed = rpc::parse(message, &self.session.config.limits);
        let Ok(Incoming::Single(Message::Response {
            id: Some(id),
            outcome,
        })) = parsed
        else {
            return Inspected::Pass;
        };
        let role = exchange.post().map_or(Role::Reopen, |post| post.role);
        match (role, &id, outcome) {
            (Role::Refresh, RequestId::String(_), Ok(page)) => self.refreshed(page.get()),
            (Role::Refresh, RequestId::String(_), Err(_)) => self.refresh_failed(),
            (Role::Reopen, RequestId::Number(_), Ok(result)) if reopens => {
                self.reopened(result.get(), session_id(exchange));
            }
            (Role::Reopen, RequestId::Number(_), Err(error)) if reopens => {
                self.reopen_failed(&exchange.failure(format!("{error}")));
            }
            (_, RequestId::Number(wire), outcome) => {
                let Some(post) = exchange.post().filter(|post| post.wire == Some(*wire)) else {
                    return Inspected::Pass;
                };
                return match outcome {
                    Ok(result) => self.inspect_result(exchange, post, result.get()),
                    Err(error) if post.role == Role::Probe => Inspected::Refused(error),
                    Err(error) => {
                        self.inspect_error(post, &error);
                        Inspected::Pass
                    }
                };
            }
            _ => return Inspected::Pass,
        }
        Inspected::Taken
    }

    fn inspect_result(&mut self, exchange: &Exchange, post: &Post, result: &str) -> Inspected {
        let (Some(key), Some(wire)) = (&post.key, post.wire) else {
            return Inspected::Pass;
        };
        if !(self.session.is_stateless() || post.role == Role::Probe) {
            return Inspected::Pass;
        }
        let page = match post.method {
            Some(Method::ListTools) => self.learn(result, post.first_page).0,
            _ => None,
        };
        let kept = page.as_deref().unwrap_or(result);
        if self.options.keeps_results && exchange.cache_epoch == self.cache.epoch() {
            self.cache
                .put(key, kept, &self.session.config.limits, self.session.now);
        }
        match page {
            None => Inspected::Pass,
            Some(page) => {
                let mut message = Vec::new();
                write_result(&mut message, &RequestId::Number(wire), |out| {
                    out.extend_from_slice(page.as_bytes());
                });
                Inspected::Replaced(message)
            }
        }
    }

    // A place in a list that is no longer known: the list is another one now (2026-07-28, caching,
    // "Interaction with Pagination").
    fn inspect_error(&mut self, post: &Post, error: &RpcError) {
        if let (Some(method), false) = (post.method, post.first_page) {
            if error.code == codes::INVALID_PARAMS {
                self.cache.forget(&[method]);
            }
        }
    }

    // ── What the tools say about headers ─────────────────────────────────────────────────────

    fn learn(&mut self, page: &str, first: bool) -> (Option<String>, Option<String>) {
        let most = self.session.config.limits.annotated_tools;
        let learnt = self.tools.learn(page, first, most);
        let faults = learnt.faults.into_iter().map(Event::Fault);
        self.session.events.extend(faults);
        (learnt.page, learnt.next)
    }

    fn refresh(&mut self) {
        if self.refresh.is_none() {
            self.refresh = Some(Refresh { pages: 0 });
            self.cache.forget(&[Method::ListTools]);
            self.ask_for_tools(None);
        }
    }

    fn ask_for_tools(&mut self, cursor: Option<&str>) {
        self.refreshes += 1;
        let body = self.session.write_tools_request(self.refreshes, cursor);
        let mut post = Post::new(Role::Refresh, Some(Method::ListTools), body.into());
        post.first_page = cursor.is_none();
        self.send(post);
    }

    fn refreshed(&mut self, page: &str) {
        let Some(refresh) = &mut self.refresh else {
            return;
        };
        refresh.pages += 1;
        let (first, full) = (
            refresh.pages == 1,
            refresh.pages >= self.session.config.limits.pages,
        );
        let (_, next) = self.learn(page, first);
        if let Some(next) = next.filter(|_| !full) {
            return self.ask_for_tools(Some(&next));
        }
        self.refresh = None;
        for (mut post, _) in core::mem::take(&mut self.held.mismatched) {
            post.refreshed = true;
            if self.renew(&mut post) {
                self.send_again(post);
            }
        }
    }

    /// The tools could not be listed, so the calls fail as the server said.
    pub(super) fn refresh_failed(&mut self) {
        self.refresh = None;
        for (post, error) in core::mem::take(&mut self.held.mismatched) {
            self.answer_error(&post, &error);
        }
    }

    // ── Refusals ─────────────────────────────────────────────────────────────────────────────

    // A response that is no answer. `error`: what its body says, where that was read already.
    fn refused(&mut self, id: FetchId, exchange: Exchange, error: Option<RpcError>) {
        let Some(head) = &exchange.head else {
            return self.broken(
                exchange,
                &FetchError::Broken("there was no response".into()),
            );
        };
        let method = match &exchange.what {
            What::Post(_) => http::Method::POST,
            What::Delete => return,
            _ => http::Method::GET,
        };
        let mut reason = head.status.canonical_reason().unwrap_or("refused");
        if head.status.is_success() {
            reason = "the response holds no answer";
        }
        match redirect::judge(
            &method,
            &exchange.uri,
            head.status,
            head.location.as_deref(),
        ) {
            Redirect::None => {}
            Redirect::Refused(why) => reason = why,
            Redirect::To { .. } if exchange.hops >= self.session.config.limits.redirects => {
                reason = "it redirects too often";
            }
            Redirect::To { uri, permanently } => {
                return self.follow(id, exchange, uri, permanently);
            }
        }
        let error = error.or_else(|| match &exchange.reading {
            Reading::Refusal(body) => error_in(body),
            _ => None,
        });
        let failure = exchange.failure(reason);
        match exchange.what {
            What::Post(_) => self.post_refused(exchange, error, failure),
            _ => self.get_refused(id, exchange, failure),
        }
    }

    fn follow(&mut self, id: FetchId, exchange: Exchange, uri: http::Uri, permanently: bool) {
        if permanently && exchange.uri == self.endpoint {
            self.endpoint = uri.clone();
        }
        let again = self.open(exchange.what, uri, exchange.hops + 1);
        self.link.moved(id, again);
    }

    fn post_refused(&mut self, exchange: Exchange, error: Option<RpcError>, failure: HttpFailure) {
        let (What::Post(post), Some(head)) = (exchange.what, exchange.head) else {
            return;
        };
        let mut post = *post;
        let stateless = self.session.is_stateless();
        let asked = Asked {
            role: post.role,
            stateless,
            tool: stateless && post.method == Some(Method::CallTool),
            safe: post.safe,
            in_session: !stateless && self.session.version().is_some() && exchange.in_session,
            repeated: post.repeated,
            refreshed: post.refreshed,
            renewed: post.renewed,
        };
        let refused = Refused {
            status: head.status,
            error: error.as_ref(),
            challenged: head.challenge.is_some(),
        };
        match (verdict::judge(&asked, &refused), error) {
            (Verdict::Answer, Some(error)) => self.answer_error(&post, &error),
            (Verdict::Retry, _) => self.retry(post, head.retry_after, failure),
            (Verdict::Unauthorized, _) => {
                let status = head.status.as_u16();
                let challenge = Challenge {
                    status,
                    text: head.challenge,
                };
                self.unauthorized(post, challenge, failure);
            }
            (verdict @ (Verdict::Modern | Verdict::Old), error) => {
                let error = error.unwrap_or_else(|| RpcError::internal(failure.reason));
                if let Some(wire) = post.wire {
                    self.session
                        .probe_refused(wire, verdict == Verdict::Modern, &error);
                }
                self.check_agreed(None);
            }
            (Verdict::Older, error) => self.try_older(post, error, failure),
            (Verdict::Again, _) => {
                post.repeated = true;
                if self.renew(&mut post) {
                    self.send_again(post);
                }
            }
            (Verdict::SessionGone, _) => {
                self.session_gone(exchange.epoch);
                post.renewed = true;
                if post.role == Role::Call && self.renew(&mut post) {
                    self.send_again(post);
                }
            }
            (Verdict::Refresh, Some(error)) => {
                self.held.mismatched.push((post, error));
                self.refresh();
            }
            (Verdict::Answer | Verdict::Refresh | Verdict::Fail, _) => self.fail(post, failure),
        }
    }

    fn get_refused(&mut self, id: FetchId, exchange: Exchange, failure: HttpFailure) {
        match exchange.what {
            What::Stream(_) => self.listening_refused(&exchange),
            What::Resume(mut resume) => {
                let head = exchange.head.as_ref();
                let status = head.map_or(0, |head| head.status.as_u16());
                if status >= 500 || matches!(status, 408 | 429) {
                    resume.failures += 1;
                    let wait = head.and_then(|head| head.retry_after);
                    return self.resume_later(*resume, wait, failure);
                }
                if status == 404 && exchange.in_session {
                    self.session_gone(exchange.epoch);
                }
                self.retry_broken(resume.post, None, failure);
            }
            What::Older(stream) => self.older_ended(id, *stream, failure),
            What::Post(_) | What::Delete => {}
        }
    }

    /// The error is the answer to this message.
    pub(super) fn answer_error(&mut self, post: &Post, error: &RpcError) {
        match (post.role, post.wire) {
            (Role::Probe, Some(wire)) => self.session.probe_refused(wire, false, error),
            (Role::Handshake, Some(wire)) => self.session.handshake_refused(wire, error),
            (Role::Call, Some(wire)) => {
                self.inspect_error(post, error);
                self.session
                    .fail_request(wire, CallError::Rpc(error.clone()));
            }
            (Role::Reopen, _) => self.reopen_failed(&HttpFailure::new(format!("{error}"))),
            (Role::Refresh, _) => self.refresh_failed(),
            _ => {}
        }
    }

    // ── Accidents ────────────────────────────────────────────────────────────────────────────

    /// An exchange broke off before its response was whole.
    pub(super) fn broken(&mut self, exchange: Exchange, error: &FetchError) {
        let failure = exchange.failure(format!("{error}"));
        match exchange.what {
            What::Post(post) if self.is_wanted(&post) => {
                self.retry_broken(*post, Some(error), failure)
            }
            What::Post(_) | What::Delete => {}
            What::Resume(mut resume) => {
                resume.failures += 1;
                self.resume_later(*resume, None, failure);
            }
            What::Stream(_) => self.listening_ended(&exchange, None, None),
            What::Older(stream) => self.older_broken(*stream, failure),
        }
    }

    // An exchange is useless as it is, and will be again.
    fn give_up(&mut self, id: FetchId, exchange: Exchange, failure: HttpFailure) {
        match exchange.what {
            What::Post(post) => self.fail(*post, failure),
            What::Resume(resume) => self.fail(resume.post, failure),
            What::Stream(_) => self.listening_refused(&exchange),
            What::Older(stream) => self.older_ended(id, *stream, failure),
            What::Delete => {}
        }
    }

    fn older_broken(&mut self, stream: OlderStream, failure: HttpFailure) {
        if let Some(id) = self.link.older_stream() {
            self.older_ended(id, stream, failure);
        }
    }
}

fn session_id(exchange: &Exchange) -> Option<HeaderValue> {
    exchange.head.as_ref()?.session_id.clone()
}

/// The error that a body holds, whatever its id: an exchange has one request.
fn error_in(body: &[u8]) -> Option<RpcError> {
    let limits = mcp_proto::limits::Limits::default();
    match rpc::parse(body, &limits) {
        Ok(Incoming::Single(Message::Response {
            outcome: Err(error),
            ..
        })) => Some(error),
        _ => None,
    }
}
