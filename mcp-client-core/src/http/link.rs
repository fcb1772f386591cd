//! Where messages go, and when: until the era is known, until the server is ready, once it has
//! forgotten the session, and over the transport of 2024-11-05.

use alloc::{boxed::Box, format, string::String};
use core::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Uri};
use mcp_proto::{
    method::Method,
    rpc::{self, RpcError},
    version::Era,
};

use super::{
    FetchId, HttpClient,
    exchange::{Exchange, OlderStream, What},
    post::{Post, Role},
    redirect, request,
    send::{LONGEST_WAIT, after, long_pause},
    timers::Due,
};
use crate::error::{CallError, HttpFailure, NegotiationError};

/// How far the connection is.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The era is not known.
    #[default]
    Opening,
    /// The server is being told that the session is open; nothing may overtake that.
    Greeting,
    /// Messages go as they come.
    Up,
    /// There is no session; the next message opens one.
    Down,
    /// A session is being opened once more.
    Reopening,
}

/// Where messages go.
#[derive(Debug, Default)]
pub(super) struct Link {
    phase: Phase,
    /// Grows with every session.
    pub(super) epoch: u32,
    pub(super) session_id: Option<HeaderValue>,
    /// `initialize` as it was sent.
    pub(super) hello: Option<Bytes>,
    /// The server is to be told again what it forgot.
    restores: bool,
    older: Option<Older>,
    listening: Listening,
}

/// The transport of 2024-11-05.
#[derive(Debug)]
struct Older {
    stream: FetchId,
    /// Where the server wants messages; `None` until it has said so.
    posts_to: Option<Uri>,
}

/// The stream for what the server says of its own accord.
#[derive(Debug, Default)]
struct Listening {
    fetch: Option<FetchId>,
    last_event_id: Option<String>,
    /// The server has had such a stream.
    opened: bool,
    /// The server has none, or not for this authorization.
    refused: bool,
    /// It was refused as it would be where there is no session any more.
    missing: bool,
    unauthorized: bool,
    failures: usize,
}

impl Link {
    pub(super) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Whether the session of this time is there still.
    pub(super) fn is_in(&self, epoch: u32) -> bool {
        self.epoch == epoch && !self.is_down()
    }

    pub(super) fn is_down(&self) -> bool {
        self.phase == Phase::Down
    }

    pub(super) fn is_reopening(&self) -> bool {
        self.phase == Phase::Reopening
    }

    pub(super) fn is_older(&self) -> bool {
        self.older.is_some()
    }

    /// Whether a message may go now.
    pub(super) fn lets_pass(&self, role: Role) -> bool {
        match self.phase {
            Phase::Opening | Phase::Up => true,
            // The server may ask before it is ready, and must be answered.
            Phase::Greeting => matches!(role, Role::Initialized | Role::Answer),
            Phase::Down => false,
            // Nothing but a repeated try to open it.
            Phase::Reopening => role == Role::Reopen,
        }
    }

    pub(super) fn older_stream(&self) -> Option<FetchId> {
        self.older.as_ref().map(|older| older.stream)
    }

    /// An exchange goes on under another name.
    pub(super) fn moved(&mut self, from: FetchId, to: FetchId) {
        if let Some(older) = self.older.as_mut().filter(|older| older.stream == from) {
            older.stream = to;
        }
        if self.listening.fetch == Some(from) {
            self.listening.fetch = Some(to);
        }
    }

    pub(super) fn posts_to(&self, endpoint: &Uri) -> Uri {
        let older = self
            .older
            .as_ref()
            .and_then(|older| older.posts_to.as_ref());
        older.unwrap_or(endpoint).clone()
    }
}

impl HttpClient {
    // ── Opening ──────────────────────────────────────────────────────────────────────────────

    /// Another way to find the revision is tried: what is left of the last one is dropped.
    pub(super) fn begin_negotiation(&mut self) {
        self.link.older = None;
        self.abort_all(|exchange| match exchange.role() {
            Some(role) => matches!(role, Role::Probe | Role::Handshake),
            None => matches!(exchange.what, What::Older(_)),
        });
    }

    /// Looks whether the last message has settled the revision.
    pub(super) fn check_agreed(&mut self, session_id: Option<HeaderValue>) {
        let Some(version) = self.session.version() else {
            return;
        };
        if self.link.phase != Phase::Opening {
            return;
        }
        if version.era() == Era::Stateless {
            self.link.phase = Phase::Up;
        } else {
            self.link.session_id = session_id;
            self.greet();
        }
    }

    // The greeting is on its way; a server that never takes it must not hold everything up.
    fn greet(&mut self) {
        self.link.phase = Phase::Greeting;
        let at = after(self.session.now, self.session.config.limits.probe_timeout);
        self.timers.add(at, Due::Greeted(self.link.epoch));
    }

    /// The server knows that the session is open.
    pub(super) fn greeted(&mut self, epoch: u32) {
        if self.link.phase != Phase::Greeting || self.link.epoch != epoch {
            return;
        }
        self.link.phase = Phase::Up;
        if core::mem::take(&mut self.link.restores) {
            self.session.restore();
        }
        self.listen();
    }

    // ── The stream for what the server says of its own accord ────────────────────────────────

    /// Opens it, where there may be one.
    pub(super) fn listen(&mut self) {
        let listening = &self.link.listening;
        let wanted = self.options.listens && !listening.refused && listening.fetch.is_none();
        if !wanted || !self.link.is_up() || self.link.is_older() || self.session.is_stateless() {
            return;
        }
        let what = What::Stream(listening.last_event_id.clone());
        let uri = self.endpoint.clone();
        self.link.listening.fetch = Some(self.open(what, uri, 0));
    }

    /// Opens it with another authorization, where it was refused.
    pub(super) fn listen_again(&mut self) {
        if core::mem::take(&mut self.link.listening.unauthorized) {
            self.link.listening.refused = false;
            self.listen();
        }
    }

    /// The server has opened it.
    pub(super) fn listening(&mut self) {
        self.link.listening.opened = true;
    }

    /// It has ended, or could not be opened; the next one is opened after a while, from where this
    /// one has ended.
    pub(super) fn listening_ended(
        &mut self,
        exchange: &Exchange,
        wait: Option<Duration>,
        last: Option<&str>,
    ) {
        if exchange.epoch != self.link.epoch {
            return;
        }
        let most = self.session.config.limits.fetch_retries;
        let listening = &mut self.link.listening;
        listening.fetch = None;
        if let Some(last) = last.filter(|last| request::is_resumable(last)) {
            listening.last_event_id = Some(last.into());
        }
        if exchange.lively {
            listening.failures = 0;
        }
        if !listening.opened && listening.failures >= most {
            return;
        }
        let pause = long_pause(listening.failures).max(wait.unwrap_or_default());
        listening.failures += 1;
        self.timers.add(after(self.session.now, pause), Due::Listen);
    }

    /// The server does not offer it: 405, or whatever else it says to a GET.
    pub(super) fn listening_refused(&mut self, exchange: &Exchange) {
        if exchange.epoch != self.link.epoch {
            return;
        }
        self.link.listening.fetch = None;
        let status = exchange.head.as_ref().map(|head| head.status.as_u16());
        if status == Some(404) && self.link.listening.opened {
            return self.session_gone(exchange.epoch);
        }
        // 409: for the server the stream that was lost is open still; it will notice.
        if status.is_some_and(|status| status >= 500 || matches!(status, 408 | 409 | 429)) {
            let wait = exchange.head.as_ref().and_then(|head| head.retry_after);
            return self.listening_ended(exchange, wait, None);
        }
        if self.link.listening.last_event_id.take().is_some() {
            // The place to resume from may be what it does not know any longer.
            return self.listening_ended(exchange, None, None);
        }
        self.link.listening.refused = true;
        self.link.listening.missing = status == Some(404);
        self.link.listening.unauthorized = matches!(status, Some(401 | 403));
    }

    // ── A session after a session ────────────────────────────────────────────────────────────

    /// The server has forgotten the session of this time; a later one is not meant.
    pub(super) fn session_gone(&mut self, epoch: u32) {
        if epoch != self.link.epoch || !self.link.is_up() {
            return;
        }
        self.link.phase = Phase::Down;
        self.link.session_id = None;
        // Another session asks under the same ids.
        self.session.forget_requests();
        let stream = self.link.listening.fetch;
        self.link.listening = Listening {
            refused: self.link.listening.refused && !self.link.listening.missing,
            ..Listening::default()
        };
        if let Some(id) = stream {
            self.drop_exchange(id);
        }
        // What the server says of its own accord was wanted, so somebody may wait for it.
        if stream.is_some() || self.session.has_subscriptions() {
            self.reopen();
        }
    }

    /// Whoever only listens makes no call that would open another session.
    fn reopen_later(&mut self, pause: Duration) {
        if self.session.has_subscriptions() {
            self.timers.add(after(self.session.now, pause), Due::Reopen);
        }
    }

    /// Opens another session (2025-11-25, basic/transports, "Session Management": MUST, without a
    /// session id).
    pub(super) fn reopen(&mut self) {
        let Some(hello) = self.link.hello.clone() else {
            return;
        };
        self.link.phase = Phase::Reopening;
        self.link.epoch += 1;
        let mut post = Post::new(Role::Reopen, Some(Method::Initialize), hello);
        post.wire = super::post::wire(&post.body);
        if self.link.is_older() {
            self.open_older(OlderStream {
                first: Some(post),
                refused: None,
            });
        } else {
            self.send(post);
        }
    }

    /// The server has opened it.
    pub(super) fn reopened(&mut self, result: &str, session_id: Option<HeaderValue>) {
        if let Err(error) = self.session.opened_again(result) {
            return self.reopen_failed(&HttpFailure::new(format!("{error}")));
        }
        self.link.session_id = session_id;
        self.link.restores = true;
        self.greet();
        let mut body = alloc::vec::Vec::new();
        rpc::write_notification(&mut body, Method::Initialized.name(), |_| {});
        self.send(Post::new(
            Role::Initialized,
            Some(Method::Initialized),
            body.into(),
        ));
    }

    /// The server has not; what waits for it fails, and what comes next tries again.
    pub(super) fn reopen_failed(&mut self, failure: &HttpFailure) {
        if !self.link.is_reopening() {
            return;
        }
        self.link.phase = Phase::Down;
        self.others.clear();
        for post in core::mem::take(&mut self.calls) {
            self.fail(&post, failure.clone());
        }
        self.reopen_later(LONGEST_WAIT);
    }

    // ── The transport of 2024-11-05 ──────────────────────────────────────────────────────────

    /// `initialize` was refused in a way that a server with the older transport would.
    pub(super) fn try_older(
        &mut self,
        mut post: Post,
        error: Option<RpcError>,
        failure: HttpFailure,
    ) {
        // It was sent before, and an id is used once.
        self.renew(&mut post);
        self.open_older(OlderStream {
            first: Some(post),
            refused: Some((error, failure)),
        });
    }

    fn open_older(&mut self, stream: OlderStream) {
        let uri = self.endpoint.clone();
        let stream = self.open(What::Older(Box::new(stream)), uri, 0);
        self.link.older = Some(Older {
            stream,
            posts_to: None,
        });
    }

    /// The server says where it wants messages: the first event (2024-11-05, basic/transports,
    /// "HTTP with SSE"). Only its own origin is gone to.
    pub(super) fn endpoint_named(
        &mut self,
        exchange: &mut Exchange,
        data: &[u8],
    ) -> Result<(), HttpFailure> {
        let What::Older(stream) = &mut exchange.what else {
            return Ok(());
        };
        let Some(post) = stream.first.take() else {
            // It has said so before.
            return Ok(());
        };
        let named = core::str::from_utf8(data)
            .ok()
            .and_then(|text| redirect::resolve(&exchange.uri, text));
        let allowed = named.filter(|uri| redirect::same_origin(&exchange.uri, uri));
        let Some(uri) = allowed else {
            stream.first = Some(post);
            return Err(exchange.failure("the server names an endpoint of another origin"));
        };
        if let Some(older) = &mut self.link.older {
            older.posts_to = Some(uri);
        }
        self.send(post);
        Ok(())
    }

    /// The stream of the older transport has ended, or there is none.
    pub(super) fn older_ended(&mut self, id: FetchId, stream: OlderStream, failure: HttpFailure) {
        if self.link.older.as_ref().map(|older| older.stream) != Some(id) {
            return;
        }
        let was_reopening = self.link.is_reopening();
        if self.link.phase == Phase::Opening {
            self.link.older = None;
            return self.older_refused(stream, failure);
        }
        self.link.session_id = None;
        if was_reopening {
            return self.reopen_failed(&failure);
        }
        // All answers come on this stream, so none will come to what was asked on it.
        self.link.phase = Phase::Down;
        self.abort_all(|exchange| exchange.role().is_some());
        self.session.fail_all_sent(&CallError::Http(failure));
        self.reopen_later(long_pause(0));
    }

    fn older_refused(&mut self, stream: OlderStream, failure: HttpFailure) {
        match (stream.first, stream.refused) {
            // What the newer transport was refused with explains more.
            (Some(post), Some((Some(error), _))) => self.answer_error(&post, &error),
            (Some(post), Some((None, refused))) => self.fail(&post, refused),
            (Some(post), None) => self.fail(&post, failure),
            // `initialize` was sent; its answer will not come.
            (None, _) => self.session.not_agreed(NegotiationError::Http(failure)),
        }
    }
}
