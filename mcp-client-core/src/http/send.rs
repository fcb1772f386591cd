//! Messages on their way out: whose turn it is, what is tried again, and what is given up.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::time::Duration;

use mcp_proto::{
    frame::Line,
    method::Method,
    rpc::{CallId, RequestId, write_result},
    time::Instant,
};

use super::{
    Fetch, FetchId, HttpClient,
    exchange::{Exchange, Reading, What},
    fetch::{Challenge, FetchError},
    post::{self, Post, Role},
    request::{self, Context},
    timers::Due,
};
use crate::{
    error::{CallError, Fault, HttpFailure, Malformed, NegotiationError},
    event::Event,
    session::Lane,
};

/// The first pause before something is tried again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// The longest pause that a server may ask for.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long an exchange may stay open after its answer: long enough for its end to arrive, by
/// which its connection can be used again.
const LINGER: Duration = Duration::from_secs(1);

impl HttpClient {
    /// Takes what the session wants to send, and sends what may be sent.
    pub(super) fn pump(&mut self) {
        while self.takes_more() {
            let mut body = Vec::new();
            let Some(lane) = self.session.poll_message(&mut body) else {
                break;
            };
            self.enqueue(lane, body);
        }
        self.flush();
    }

    // A server that asks without end and takes no answers must not make us keep them: then the
    // session keeps them, and gives up.
    fn takes_more(&self) -> bool {
        let most = self.session.config.limits.calls_in_flight;
        if self.fetches.len() + self.others.len() < most {
            return true;
        }
        let open = self
            .fetches
            .values()
            .filter(|exchange| exchange.role() == Some(Role::Answer));
        let waiting = self.others.iter().filter(|post| post.role == Role::Answer);
        open.count() + waiting.count() < most
    }

    fn enqueue(&mut self, lane: Lane, body: Vec<u8>) {
        let opening = self.session.version().is_none();
        let Some(mut post) = Post::read(lane, body, opening) else {
            if let Lane::Call(call) = lane {
                let error = Malformed::new("the request cannot be read");
                self.session.finish(call, Err(CallError::Malformed(error)));
            }
            return;
        };
        post.epoch = self.link.epoch;
        if post.method.is_none() {
            post.name = post::params(&post.body)
                .and_then(|params| {
                    self.session
                        .extensions
                        .name(&post.method_name, params.get())
                })
                .map(Into::into);
        }
        if let Some(call) = post.call {
            post.fresh = self.session.wants_fresh(call);
        }
        match post.role {
            Role::Note if post.method == Some(Method::Cancelled) => return self.cancel(post),
            Role::Probe | Role::Handshake => self.begin_negotiation(),
            _ => {}
        }
        self.queue_of(&post).push_back(post);
    }

    // Calls wait for their turn; streams that stay open, and everything else, do not.
    fn queue_of(&mut self, post: &Post) -> &mut VecDeque<Post> {
        match post.role {
            Role::Call if !post.listens() => &mut self.calls,
            _ => &mut self.others,
        }
    }

    /// Sends a message before all others that wait.
    pub(super) fn send_again(&mut self, post: Post) {
        self.queue_of(&post).push_front(post);
    }

    /// Sends what may be sent.
    pub(super) fn flush(&mut self) {
        if self.link.is_down() && !(self.calls.is_empty() && self.others.is_empty()) {
            self.reopen();
        }
        while let Some(at) = self
            .others
            .iter()
            .position(|post| self.link.lets_pass(post.role))
        {
            if let Some(post) = self.others.remove(at) {
                self.send(post);
            }
        }
        while self.link.is_up() && !self.calls.is_empty() && self.has_room() {
            if let Some(post) = self.calls.pop_front() {
                self.send(post);
            }
        }
    }

    fn has_room(&self) -> bool {
        let most = self.session.config.limits.fetches;
        let is_call = |exchange: &&Exchange| {
            exchange.role() == Some(Role::Call) && !exchange.post().is_some_and(Post::listens)
        };
        self.fetches.len() < most || self.fetches.values().filter(is_call).count() < most
    }

    /// Sends one message now, unless its result is known or nobody waits for it.
    pub(super) fn send(&mut self, post: Post) {
        if !self.is_wanted(&post) || self.answer_from_cache(&post) {
            return;
        }
        if post.role == Role::Handshake {
            self.link.hello = Some(post.body.clone());
        }
        let uri = self.link.posts_to(&self.endpoint);
        self.open(What::Post(Box::new(post)), uri, 0);
    }

    fn answer_from_cache(&mut self, post: &Post) -> bool {
        let (Some(key), Some(wire), false) = (&post.key, post.wire, post.fresh) else {
            return false;
        };
        let Some(result) = self.cache.get(key, self.session.now) else {
            return false;
        };
        let mut message = Vec::new();
        write_result(&mut message, &RequestId::Number(wire), |out| {
            out.extend_from_slice(result.as_bytes());
        });
        self.session.receive(Line::Owned(message));
        self.answered = true;
        true
    }

    /// Whether anybody still waits for what this message brings.
    pub(super) fn is_wanted(&self, post: &Post) -> bool {
        match post.role {
            Role::Reopen => self.link.is_reopening(),
            // The next session asks under the same ids.
            Role::Answer => self.link.is_in(post.epoch),
            _ => post.call.is_none() || post.wire.is_some_and(|wire| self.session.waits_for(wire)),
        }
    }

    /// Begins an exchange.
    pub(super) fn open(&mut self, what: What, uri: http::Uri, hops: usize) -> FetchId {
        self.last_fetch += 1;
        let id = FetchId(self.last_fetch);
        let mut exchange = Exchange::new(what, uri, hops);
        exchange.epoch = self.link.epoch;
        exchange.cache_epoch = self.cache.epoch();
        exchange.in_session = self.link.session_id.is_some();
        exchange.acknowledged_only = self.link.is_older();
        let patience = self.session.config.limits.call_timeout;
        let never_ends = match &exchange.what {
            // Calls have deadlines of their own, and so has the negotiation.
            What::Post(post) => matches!(post.role, Role::Probe | Role::Handshake | Role::Call),
            What::Older(_) => !self.link.is_reopening(),
            What::Resume(_) | What::Stream(_) | What::Delete => true,
        };
        if !never_ends {
            let at = self.session.now.saturating_add(patience);
            exchange.expiry = Some(self.timers.add(at, Due::Expire(id)));
        }
        let context = Context {
            headers: &self.options.headers,
            authorization: self.options.authorization.as_ref(),
            version: self.session.version(),
            session_id: self.link.session_id.as_ref(),
            tools: &self.tools,
        };
        let request = request::build(&exchange, &context);
        self.out.push_back(Fetch::Open(id, request));
        self.fetches.insert(id, exchange);
        id
    }

    // ── Again ────────────────────────────────────────────────────────────────────────────────

    /// Prepares a message to be sent once more; `false` if nobody wants it any longer.
    ///
    /// An id is used once (2025-11-25, basic: MUST NOT; 2026-07-28, changelog: "a new request with
    /// a new request ID").
    pub(super) fn renew(&mut self, post: &mut Post) -> bool {
        if !self.is_wanted(post) {
            return false;
        }
        let id = match (post.role, post.wire) {
            (Role::Refresh, _) => self.tools_id(),
            (_, Some(wire)) if post.call.is_some() => match self.session.reissue(wire) {
                Some(wire) => RequestId::Number(wire),
                None => return false,
            },
            _ => return true,
        };
        post.renumber(&id);
        true
    }

    /// Tries again in a while what has failed by accident, but not for ever.
    pub(super) fn retry(&mut self, mut post: Post, wait: Option<Duration>, failure: HttpFailure) {
        if post.failures >= self.session.config.limits.fetch_retries {
            return self.fail(&post, failure);
        }
        post.failures += 1;
        let pause = pause(post.failures).max(wait.unwrap_or_default().min(LONGEST_WAIT));
        let at = self.session.now.saturating_add(pause);
        self.timers.add(at, Due::Post(Box::new(post)));
    }

    /// The exchange of a message broke off. What can have been done already is not done again.
    pub(super) fn retry_broken(
        &mut self,
        post: Post,
        error: Option<&FetchError>,
        failure: HttpFailure,
    ) {
        let untouched = matches!(error, Some(FetchError::Connect(_))) && !post.listens();
        if post.role == Role::Call && !post.safe && !untouched {
            self.fail(&post, failure);
        } else {
            self.retry(post, None, failure);
        }
    }

    /// The server wants another authorization.
    pub(super) fn unauthorized(
        &mut self,
        mut post: Post,
        challenge: Challenge,
        failure: HttpFailure,
    ) {
        if self.held.challenge.as_ref() != Some(&challenge) {
            self.held.challenge = Some(challenge.clone());
            self.session
                .events
                .push_back(Event::Unauthorized(challenge));
        }
        let most = self.session.config.limits.authorizations;
        if !self.options.awaits_authorization || post.authorizations >= most {
            return self.fail(&post, failure);
        }
        post.authorizations += 1;
        if let Some(call) = post.call {
            self.session.postpone(call);
        }
        self.held.unauthorized.push((post, failure));
    }

    /// Nothing more is tried with a message.
    pub(super) fn fail(&mut self, post: &Post, failure: HttpFailure) {
        match (post.role, post.wire) {
            (Role::Call, Some(wire)) => {
                self.session.fail_request(wire, CallError::Http(failure));
            }
            (Role::Probe, _) => self.session.not_agreed(NegotiationError::Http(failure)),
            (Role::Handshake, Some(wire)) => {
                self.session
                    .handshake_failed(wire, NegotiationError::Http(failure));
            }
            (Role::Refresh, _) => self.refresh_failed(),
            (Role::Reopen, _) => self.reopen_failed(&failure),
            (role, _) => {
                self.session
                    .events
                    .push_back(Event::Fault(Fault::Http(failure)));
                if role == Role::Initialized {
                    self.greeted(self.link.epoch);
                }
            }
        }
    }

    // ── No longer ────────────────────────────────────────────────────────────────────────────

    // A request is no longer wanted. On 2026-07-28 its exchange is dropped, which says so; before,
    // a drop says nothing, and the server is told (basic/utilities/cancellation).
    fn cancel(&mut self, note: Post) {
        let Some(wire) = post::cancelled(&note.body) else {
            return;
        };
        let is_it = |post: &Post| post.wire == Some(wire);
        for queue in [&mut self.calls, &mut self.others] {
            if let Some(at) = queue.iter().position(is_it) {
                queue.remove(at);
                return;
            }
        }
        self.held.mismatched.retain(|(post, _)| !is_it(post));
        let unauthorized = self.held.unauthorized.len();
        self.held.unauthorized.retain(|(post, _)| !is_it(post));
        if self.held.unauthorized.len() < unauthorized {
            return;
        }
        if let Some(Due::Post(_)) = self.timers.take_request(wire) {
            return;
        }
        let of_it = |exchange: &Exchange| exchange.post().is_some_and(is_it);
        let fetch = self
            .fetches
            .iter()
            .find(|(_, exchange)| of_it(exchange))
            .map(|(id, _)| *id);
        if self.session.is_stateless() {
            if let Some(id) = fetch {
                self.drop_exchange(id);
            }
        } else {
            if let Some(id) = fetch {
                self.settle(id);
            }
            // A session that is forgotten has forgotten the request as well.
            if !self.link.is_down() && !self.link.is_reopening() {
                self.others.push_back(note);
            }
        }
    }

    /// Drops an exchange; the caller is told.
    pub(super) fn drop_exchange(&mut self, id: FetchId) {
        let Some(exchange) = self.fetches.remove(&id) else {
            return;
        };
        if let Some(key) = exchange.expiry {
            self.timers.cancel(key);
        }
        if exchange.end.is_none() {
            self.abort(id);
        }
    }

    /// Tells the caller that nothing more is wanted from an exchange.
    pub(super) fn abort(&mut self, id: FetchId) {
        let unknown = |fetch: &Fetch| matches!(fetch, Fetch::Open(open, _) if *open == id);
        match self.out.iter().position(unknown) {
            Some(at) => {
                self.out.remove(at);
            }
            None => self.out.push_back(Fetch::Abort(id)),
        }
    }

    /// A call has ended: what its exchange may still bring is of no interest.
    pub(super) fn release(&mut self, call: CallId) {
        let of_it =
            |exchange: &Exchange| exchange.post().is_some_and(|post| post.call == Some(call));
        let found = self
            .fetches
            .iter()
            .find(|(_, exchange)| of_it(exchange))
            .map(|(id, _)| *id);
        if let Some(id) = found {
            self.settle(id);
        }
    }

    /// Reads nothing more from an exchange, and drops it unless it ends soon.
    pub(super) fn settle(&mut self, id: FetchId) {
        if let Some(mut exchange) = self.fetches.remove(&id) {
            self.let_end(id, &mut exchange);
            self.fetches.insert(id, exchange);
            self.wake(id);
        }
    }

    /// The same for one that is being read.
    pub(super) fn let_end(&mut self, id: FetchId, exchange: &mut Exchange) {
        let at = after(self.session.now, LINGER);
        exchange.reading = Reading::Rest;
        let key = self.timers.add(at, Due::Expire(id));
        if let Some(earlier) = exchange.expiry.replace(key) {
            self.timers.cancel(earlier);
        }
    }

    /// An exchange has taken too long.
    pub(super) fn expire(&mut self, id: FetchId) {
        let is_older = |exchange: &Exchange| matches!(exchange.what, What::Older(_));
        if !self.link.is_reopening() && self.fetches.get(&id).is_some_and(is_older) {
            // It was waited for, and came.
            return;
        }
        let Some(mut exchange) = self.fetches.remove(&id) else {
            return;
        };
        self.abort(id);
        if !matches!(exchange.reading, Reading::Rest) {
            match &mut exchange.what {
                // A server that does not know that the session is open says nothing of its own.
                What::Post(post) if post.role == Role::Initialized => {}
                // It was waited for long enough.
                What::Post(post) => post.failures = usize::MAX,
                _ => {}
            }
            self.broken(exchange, &FetchError::TimedOut);
        }
    }
}

/// The pause before the next attempt.
pub(super) fn pause(failures: usize) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1))
        .unwrap_or(u32::MAX)
        .min(16);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

/// The same for a stream that is opened as often as it takes.
pub(super) fn long_pause(failures: usize) -> Duration {
    let doublings = u32::try_from(failures).unwrap_or(u32::MAX).min(6);
    (FIRST_PAUSE * 2 * 2_u32.pow(doublings)).min(LONGEST_WAIT)
}

/// The moment after a pause.
pub(super) fn after(now: Instant, pause: Duration) -> Instant {
    now.saturating_add(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let millis = [1, 2, 3, 4, 5, 6, 100].map(|failures| pause(failures).as_millis());
        assert_eq!(millis, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
        let millis = [0, 1, 2, 3, 4, 5, 6, 100].map(|failures| long_pause(failures).as_millis());
        assert_eq!(millis, [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
    }
}
