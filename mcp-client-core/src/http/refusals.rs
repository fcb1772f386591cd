//! What comes of responses that are no answers, and of exchanges that break off.

use alloc::{format, string::String};

use mcp_proto::{
    method::Method,
    rpc::{self, Incoming, Message, RequestId, RpcError},
};

use super::{
    Challenge, FetchError, FetchId, HttpClient, Refresh,
    exchange::{Exchange, OlderStream, Reading, What},
    post::{Post, Role},
    redirect::{self, Redirect},
    verdict::{self, Asked, Refused, Verdict},
};
use crate::{
    error::{CallError, HttpFailure},
    event::Event,
};

impl HttpClient {
    // ── What the tools say about headers ─────────────────────────────────────────────────────

    pub(super) fn learn(&mut self, page: &str, first: bool) -> (Option<String>, Option<String>) {
        let limits = &self.session.config.limits;
        let learnt = self.tools.learn(page, first, limits);
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
        let id = self.tools_id();
        let body = self.session.write_tools_request(&id, cursor);
        let mut post = Post::new(Role::Refresh, Some(Method::ListTools), body.into());
        post.first_page = cursor.is_none();
        self.send(post);
    }

    // An id that no call has, and that was not used before.
    pub(super) fn tools_id(&mut self) -> RequestId {
        self.refreshes += 1;
        RequestId::String(format!("tools-{}", self.refreshes).into())
    }

    pub(super) fn refreshed(&mut self, page: &str) {
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
    pub(super) fn refused(&mut self, id: FetchId, exchange: Exchange, error: Option<RpcError>) {
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
            (Verdict::Answer | Verdict::Refresh | Verdict::Fail, _) => self.fail(&post, failure),
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
                self.retry_broken(*post, Some(error), failure);
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
    pub(super) fn give_up(&mut self, id: FetchId, exchange: Exchange, failure: HttpFailure) {
        match exchange.what {
            What::Post(post) => self.fail(&post, failure),
            What::Resume(resume) => self.fail(&resume.post, failure),
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
