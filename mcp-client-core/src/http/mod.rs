//! The front for HTTP: a session whose messages are exchanges (feature `http`).
//!
//! It speaks Streamable HTTP of every revision, finds out by the server's answers which one that
//! is, and goes back to the transport of 2024-11-05 where need be. It never dials: it says which
//! requests are to be made, and is told what comes of them.
//!
//! | file | what it knows |
//! |---|---|
//! | `endpoint` | where a server is, and how it is reached |
//! | `fetch` | what is wanted from the caller, and what it reports |
//! | `request` | the heads of requests |
//! | `exchange` | one exchange under way: what its body is read as, and how much of it |
//! | `send` | whose turn it is, what is tried again, what is given up |
//! | `answers` | what comes in: messages, and streams that end |
//! | `refusals` | what comes of responses that are no answers, and of accidents |
//! | `verdict` | what a response means that is no answer; era detection is a table there |
//! | `link` | where messages go: opening, the greeting, forgotten sessions, the older transport |
//! | `redirect` | where a response may lead |
//! | `tools` | arguments that travel in headers, and tools that are left out because of them |
//! | `cache` | results that may be used again |
//! | `proxy` | by which proxy a server is reached |
//! | `turn` | the loop of one task of any executor that has many exchanges |
//! | `hyper` | exchanges by hyper over any connector (feature `hyper`) |

mod answers;
mod cache;
mod endpoint;
mod exchange;
mod fetch;
#[cfg(feature = "hyper")]
pub mod hyper;
mod link;
mod post;
mod proxy;
mod redirect;
mod refusals;
mod request;
mod send;
#[cfg(test)]
mod tests;
mod timers;
mod tools;
mod turn;
mod verdict;

pub use endpoint::{BadEndpoint, Endpoint};
pub use fetch::{Challenge, Fetch, FetchError, FetchId};
pub use proxy::{Proxy, ProxyChoice};
pub use turn::{Dial, HttpTurns, Perform, Report};

use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use core::ops::{Deref, DerefMut};

use http::{HeaderValue, Uri, response::Parts};
use mcp_proto::{rpc::RpcError, time::Instant};

use self::{
    cache::Cache,
    exchange::{Exchange, Resume, What},
    link::Link,
    post::{Post, Role},
    timers::{Due, Timers},
    tools::Tools,
};
use crate::{
    error::{Closed, HttpFailure},
    event::Event,
    options::Config,
    session::Session,
};

/// One connection to a server over HTTP.
///
/// It does no I/O and reads no clock. The inputs only record; [`poll_event`](Self::poll_event) does
/// the work. After every input, and after commands:
///
/// 1. [`poll_event`](Self::poll_event) until there is none,
/// 2. [`poll_fetch`](Self::poll_fetch) until there is none: make the requests, drop the exchanges,
/// 3. wait for something to report about an exchange (its body only while
///    [`wants_chunk`](Self::wants_chunk)), for a command, or for
///    [`poll_timeout`](Self::poll_timeout).
///
/// An exchange is reported with [`handle_head`](Self::handle_head) once,
/// [`handle_chunk`](Self::handle_chunk) any number of times and [`handle_end`](Self::handle_end)
/// once. What fails, fails alone: the call that the exchange belongs to ends with
/// [`CallError::Http`](crate::CallError::Http).
///
/// The commands are those of [`Session`].
///
/// ```
/// use mcp_client_core::{Config, EraMode, Event};
/// use mcp_client_core::http::{Fetch, HttpClient, Endpoint};
/// use mcp_client_core::mcp_proto::{time::Instant, types::Implementation};
///
/// let now = Instant::ZERO;
/// let endpoint = Endpoint::new("http://localhost:3000/mcp")?;
/// let config = Config::new(Implementation::new("app", "1.0.0"));
/// let mut client = HttpClient::new(config, endpoint, now);
/// assert!(client.poll_event().is_none());
/// let Some(Fetch::Open(id, request)) = client.poll_fetch() else { panic!() };
/// assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/mcp"));
/// assert_eq!(request.headers()["mcp-method"], "server/discover");
///
/// // A real loop would make the request and report what comes.
/// let head = http::Response::builder().header("content-type", "application/json").body(()).unwrap();
/// client.handle_head(id, &head.into_parts().0, now);
/// client.handle_chunk(id, concat!(
///     r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","#,
///     r#""supportedVersions":["2026-07-28"],"capabilities":{},"ttlMs":0,"cacheScope":"public"}}"#,
/// ).as_bytes(), now);
/// client.handle_end(id, Ok(()), now);
/// assert!(matches!(client.poll_event(), Some(Event::Ready)));
/// # Ok::<(), mcp_client_core::http::BadEndpoint>(())
/// ```
#[derive(Debug)]
pub struct HttpClient {
    session: Session,
    options: Endpoint,
    /// Where the server is; redirects for good change it.
    endpoint: Uri,
    link: Link,
    fetches: BTreeMap<FetchId, Exchange>,
    last_fetch: u64,
    out: VecDeque<Fetch>,
    /// Exchanges of which something has come that is not read yet.
    ready: VecDeque<FetchId>,
    /// Calls that wait for their turn, and everything else that waits to be sent.
    calls: VecDeque<Post>,
    others: VecDeque<Post>,
    held: Held,
    timers: Timers,
    tools: Tools,
    refresh: Option<Refresh>,
    refreshes: u64,
    cache: Cache,
    /// One of the results that were kept has answered a call.
    answered: bool,
    ending: Option<Ending>,
}

/// Messages that can be sent again once something is known.
#[derive(Debug, Default)]
struct Held {
    /// Another authorization, by which the failure might be mended.
    unauthorized: Vec<(Post, HttpFailure)>,
    /// What the server's tools say about headers now.
    mismatched: Vec<(Post, RpcError)>,
    /// What the caller was last told that the server wants.
    challenge: Option<Challenge>,
}

/// The list of tools is being read by ourselves.
#[derive(Debug)]
struct Refresh {
    pages: usize,
}

/// The connection has ended; the last exchanges have not.
#[derive(Debug)]
struct Ending {
    deleted: bool,
}

impl HttpClient {
    /// Starts a connection; the first request is to be made at once.
    #[must_use]
    pub fn new(config: Config, mut options: Endpoint, now: Instant) -> Self {
        options.headers = request::own_headers(options.headers);
        if let (http::header::Entry::Vacant(entry), Some(value)) = (
            options.headers.entry(http::header::USER_AGENT),
            request::user_agent(&config.info),
        ) {
            entry.insert(value);
        }
        // Any of them may be a secret, which no request is to show.
        for value in options
            .headers
            .values_mut()
            .chain(&mut options.authorization)
        {
            value.set_sensitive(true);
        }
        let mut session = Session::new(config, now);
        session.be_patient();
        Self {
            session,
            endpoint: options.url().clone(),
            options,
            link: Link::default(),
            fetches: BTreeMap::new(),
            last_fetch: 0,
            out: VecDeque::new(),
            ready: VecDeque::new(),
            calls: VecDeque::new(),
            others: VecDeque::new(),
            held: Held::default(),
            timers: Timers::default(),
            tools: Tools::default(),
            refresh: None,
            refreshes: 0,
            cache: Cache::default(),
            answered: false,
            ending: None,
        }
    }

    // ── What comes in ────────────────────────────────────────────────────────────────────────

    /// Records the head of an exchange's response. Heads with a status of 1xx may come before it.
    pub fn handle_head(&mut self, id: FetchId, head: &Parts, now: Instant) {
        self.session.now = now;
        if let Some(exchange) = self.fetches.get_mut(&id) {
            exchange.take_head(head, &self.session.config.limits);
            self.wake(id);
        }
    }

    /// Records a part of the response's body.
    pub fn handle_chunk(&mut self, id: FetchId, bytes: &[u8], now: Instant) {
        self.session.now = now;
        if let Some(exchange) = self.fetches.get_mut(&id) {
            exchange.take_chunk(bytes, &self.session.config.limits);
            self.wake(id);
        }
    }

    /// Records that the exchange is over: its body has ended, or it broke off.
    pub fn handle_end(&mut self, id: FetchId, how: Result<(), FetchError>, now: Instant) {
        self.session.now = now;
        if let Some(exchange) = self.fetches.get_mut(&id) {
            exchange.end = Some(how);
            self.wake(id);
        }
    }

    /// Records that time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
    }

    /// Sets the value of `Authorization` from now on, and sends again what waits for it. Without
    /// one, what waits fails.
    ///
    /// What was kept of the server's results for the earlier authorization alone is dropped.
    pub fn set_authorization(&mut self, mut value: Option<HeaderValue>, now: Instant) {
        self.session.now = now;
        if let Some(value) = &mut value {
            value.set_sensitive(true);
        }
        if self.options.authorization != value {
            self.cache.forget_private();
        }
        let given = value.is_some();
        self.options.authorization = value;
        self.held.challenge = None;
        for (mut post, failure) in core::mem::take(&mut self.held.unauthorized) {
            if let Some(call) = post.call {
                self.session.go_on(call);
            }
            if !given {
                self.fail(&post, failure);
            } else if self.renew(&mut post) {
                self.send_again(post);
            }
        }
        if given {
            self.listen_again();
        }
    }

    // ── What comes out ───────────────────────────────────────────────────────────────────────

    /// Does what is due, and tells the next thing to know; `None` until more comes in.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.session.poll_event() {
                self.observe(&event);
                return Some(event);
            }
            if !self.step() {
                return None;
            }
        }
    }

    /// The next thing to do about an exchange; `None` until [`poll_event`](Self::poll_event) was
    /// called again.
    #[must_use]
    pub fn poll_fetch(&mut self) -> Option<Fetch> {
        if self.ending.is_none() {
            self.pump();
        }
        self.out.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called at the latest, unless
    /// something else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = [self.session.next_due(), self.timers.next()];
        due.into_iter().flatten().min()
    }

    /// Whether the body of this exchange's response is to be read: while
    /// [`wants_read`](Session::wants_read), and always where answers that wait for room wait for
    /// this exchange.
    #[must_use]
    pub fn wants_chunk(&self, id: FetchId) -> bool {
        self.session.wants_read() || self.makes_room(id)
    }

    /// Whether the connection has ended, everything was said about it, and no exchange is open.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.session.is_closed()
            && self.ending.is_some()
            && self.out.is_empty()
            && self.fetches.is_empty()
    }

    // ── Work ─────────────────────────────────────────────────────────────────────────────────

    // Does one thing; `false` once there is nothing to do.
    fn step(&mut self) -> bool {
        if self.session.closed.is_some() {
            return self.wind_up();
        }
        self.pump();
        // What has come is read first: it may be what a timer waits for.
        if let Some(id) = self.take_ready() {
            self.advance(id);
            return true;
        }
        if let Some(due) = self.timers.take_due(self.session.now) {
            self.run_timer(due);
            return true;
        }
        // A result that was kept may have answered a call without any exchange. What that may be an event, another page to ask for, or both.
        core::mem::take(&mut self.answered) || !self.session.events.is_empty()
    }

    // While the server's messages are left unread, what they wait for goes on.
    fn take_ready(&mut self) -> Option<FetchId> {
        if self.session.wants_read() {
            return self.ready.pop_front();
        }
        let at = self.ready.iter().position(|id| self.makes_room(*id))?;
        self.ready.remove(at)
    }

    // Whether the end of this exchange lets the next answer go.
    fn makes_room(&self, id: FetchId) -> bool {
        let role = self.fetches.get(&id).and_then(Exchange::role);
        matches!(role, Some(Role::Answer | Role::Initialized | Role::Reopen))
    }

    fn observe(&mut self, event: &Event) {
        match event {
            Event::Done(call) => self.release(*call),
            Event::Changed(change) => self.cache.changed(change),
            _ => {}
        }
    }

    fn run_timer(&mut self, due: Due) {
        match due {
            Due::Post(mut post) => {
                if self.renew(&mut post) {
                    self.send_again(*post);
                }
            }
            Due::Resume(resume) => self.resume(resume),
            Due::Listen => self.listen(),
            Due::Reopen => {
                if self.link.is_down() {
                    self.reopen();
                }
            }
            Due::Expire(id) => self.expire(id),
            Due::Greeted(epoch) => self.greeted(epoch),
            Due::End => {}
        }
    }

    fn resume(&mut self, resume: Box<Resume>) {
        if !self.is_wanted(&resume.post) {
            return;
        }
        // The next session has other streams under the same ids.
        if !self.link.is_in(resume.epoch) {
            let failure = HttpFailure::new("the server has forgotten the session of the call");
            return self.retry_broken(resume.post, None, failure);
        }
        let uri = self.endpoint.clone();
        self.open(What::Resume(resume), uri, 0);
    }

    fn wake(&mut self, id: FetchId) {
        if let Some(exchange) = self.fetches.get_mut(&id) {
            if !core::mem::replace(&mut exchange.queued, true) {
                self.ready.push_back(id);
            }
        }
    }

    // ── The end ──────────────────────────────────────────────────────────────────────────────

    // Ends what is open, step by step; `false` while there is nothing to do about it.
    fn wind_up(&mut self) -> bool {
        if self.ending.is_none() {
            self.begin_ending();
            return true;
        }
        if let Some(Due::End) = self.timers.take_due(self.session.now) {
            self.ending = Some(Ending { deleted: true });
            self.abort_all(|_| true);
        }
        while let Some(id) = self.ready.pop_front() {
            let over = |exchange: &Exchange| exchange.head.is_some() || exchange.end.is_some();
            if self.fetches.get(&id).is_some_and(over) {
                self.drop_exchange(id);
            }
        }
        self.end_session();
        false
    }

    fn begin_ending(&mut self) {
        // What was said before the end is still delivered where the end was our own wish.
        let delivers = self.session.closed == Some(Closed::Local) && self.link.is_up();
        self.timers.clear();
        self.calls.clear();
        self.held = Held::default();
        if delivers {
            self.pump();
            self.calls.clear();
        }
        self.others.clear();
        self.ending = Some(Ending { deleted: false });
        self.abort_all(|exchange| {
            !delivers || exchange.role().is_none_or(|role| role.is_request())
        });
        let mut rest = Vec::new();
        while self.session.poll_message(&mut rest).is_some() {}
        let patience = self.session.config.limits.drain_timeout;
        self.timers
            .add(self.session.now.saturating_add(patience), Due::End);
    }

    // 2025-03-26 to 2025-11-25, basic/transports, "Session Management": a client that no longer
    // needs a session SHOULD delete it.
    fn end_session(&mut self) {
        let Some(ending) = &mut self.ending else {
            return;
        };
        if !self.fetches.is_empty() {
            return;
        }
        if !core::mem::replace(&mut ending.deleted, true) && self.link.session_id.is_some() {
            let uri = self.endpoint.clone();
            self.open(What::Delete, uri, 0);
        } else {
            self.timers.clear();
        }
    }

    fn abort_all(&mut self, which: impl Fn(&Exchange) -> bool) {
        let chosen = self.fetches.iter().filter(|(_, exchange)| which(exchange));
        let chosen: Vec<FetchId> = chosen.map(|(id, _)| *id).collect();
        for id in chosen {
            self.drop_exchange(id);
        }
    }
}

impl Deref for HttpClient {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for HttpClient {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
