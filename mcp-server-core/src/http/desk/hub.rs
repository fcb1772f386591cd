//! What the exchanges of one server have in common, and the handlers of its sessions.

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    string::String,
    sync::{Arc, Weak},
    vec::Vec,
};
use core::{
    fmt,
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    task::{Context, Poll, Waker},
};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use http::request::Parts;
use mcp_proto::{rpc::CallId, time::Instant};

use super::{exchange::HttpDesk, keeper, runtime::Runtime};
use crate::{
    call::{Call, Link, Note, Outcome, Ticket},
    cancel::Cancelled,
    desk::{Begun, Inbox, Outlet, Posted, begin, discard, poll_caught},
    handler::{BoxFuture, Handler},
    http::{
        event::Verdict,
        exchange::Exchange,
        options::HttpOptions,
        server::HttpServer,
        sessions::{Errands, Sessions},
    },
    server::{Server, Watch},
};

/// Judges a request by its bearer token.
pub type Judge = dyn Fn(Option<String>) -> BoxFuture<Verdict> + Send + Sync;

/// One server over HTTP, for an async binding: what all of its exchanges share.
///
/// Its requests are served by [`desk`](Self::desk)s. It sees to its sessions by itself, with one
/// task that is started with the first of them.
pub struct HttpHub {
    pub(super) server: Server,
    pub(super) options: Arc<HttpOptions>,
    pub(super) judge: Option<Box<Judge>>,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) sessions: Sessions<Arc<Inbox>>,
    pub(super) myself: Weak<Self>,
    // How the handlers of sessions reach them.
    link: Arc<SessionLink>,
    // Whoever keeps the sessions' time.
    keeper: Arc<Inbox>,
    // What its sessions have still to be told, once there are any.
    watch: OnceLock<Watch>,
    // Exchanges that go on until they are told to end.
    endless: Mutex<BTreeMap<u64, Weak<Inbox>>>,
    last_endless: AtomicU64,
    closing: AtomicBool,
    /// Notes that one exchange keeps while its task does not come to take them.
    pub(super) notes: usize,
}

impl HttpHub {
    /// Serves `server` on `runtime`.
    #[must_use]
    pub fn new(
        server: Server,
        options: HttpOptions,
        judge: Option<Box<Judge>>,
        runtime: Arc<dyn Runtime>,
    ) -> Arc<Self> {
        let mut options = options.authorize(judge.is_some());
        let mut random = [0; 32];
        if runtime.fill(&mut random) {
            let warner = Arc::clone(&runtime);
            options = options.ephemeral_states(random, move |warning| warner.warn(warning));
        }
        let options = Arc::new(options);
        let service = server.current();
        let entropy = Arc::clone(&runtime);
        let notes = service.limits().notes_queued;
        Arc::new_cyclic(|myself| Self {
            sessions: Sessions::new(service, Arc::clone(&options), move |bytes| {
                entropy.fill(bytes)
            }),
            server,
            options,
            judge,
            runtime,
            myself: Weak::clone(myself),
            link: Arc::new(SessionLink(Weak::clone(myself))),
            // Nothing but wakes comes there.
            keeper: Arc::new(Inbox::new(0)),
            watch: OnceLock::new(),
            endless: Mutex::default(),
            last_endless: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            notes,
        })
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A place for one request, whose head has come, and its response.
    #[must_use]
    pub fn desk(&self, head: Parts) -> Option<HttpDesk> {
        // Whoever calls this has one.
        let hub = self.myself.upgrade()?;
        Some(HttpDesk::new(hub, head))
    }

    /// Ends what would go on for ever, and takes nobody in any more: subscriptions end with their
    /// result, sessions' streams without; calls go on, and are answered.
    pub fn shut_down(&self) {
        self.closing.store(true, Ordering::Release);
        let now = self.runtime.now();
        self.touch(|sessions, errands| {
            sessions.with(errands, |server| server.shut_down(now));
        });
        let endless: Vec<_> = lock(&self.endless).values().cloned().collect();
        for inbox in endless.iter().filter_map(Weak::upgrade) {
            inbox.tell_of_change();
        }
    }

    /// Ends every session, and cancels its calls.
    pub fn close(&self) {
        self.shut_down();
        let now = self.runtime.now();
        self.touch(|sessions, errands| sessions.with(errands, |server| server.close(now)));
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    // ── exchanges that do not end by themselves ─────────────────────────────────────────────────

    pub(super) fn add_endless(&self, inbox: &Arc<Inbox>) -> u64 {
        let key = self.last_endless.fetch_add(1, Ordering::Relaxed);
        lock(&self.endless).insert(key, Arc::downgrade(inbox));
        key
    }

    pub(super) fn remove_endless(&self, key: u64) {
        lock(&self.endless).remove(&key);
    }

    // ── sessions ────────────────────────────────────────────────────────────────────────────────

    /// Does what is due, and takes in what has changed. Until when the keeper may sleep.
    pub(super) fn keep(&self, now: Instant) -> Option<Instant> {
        self.sessions.wake_up();
        self.touch(|sessions, errands| {
            sessions.with(errands, |server| {
                if let Some(changes) = self.watch.get().and_then(Watch::take) {
                    server.handle_changes(changes.service.as_ref(), &changes.changes, now);
                }
            });
            sessions.fall_asleep(now, errands)
        })
    }

    /// Does something to the sessions, and then what comes of it.
    pub(super) fn touch<R>(
        &self,
        act: impl FnOnce(&Sessions<Arc<Inbox>>, &mut Errands<Arc<Inbox>>) -> R,
    ) -> R {
        let mut errands = Errands::default();
        let result = act(&self.sessions, &mut errands);
        self.run(errands, None);
        result
    }

    // `at`: the exchange whose task this is.
    fn run(&self, mut errands: Errands<Arc<Inbox>>, mut at: Option<&mut Exchange<Handler>>) {
        while !errands.is_empty() {
            for inbox in errands.wakes.drain(..) {
                inbox.tell_of_change();
            }
            if core::mem::take(&mut errands.rouse) {
                self.keeper.tell_of_change();
            }
            if let Some(call) = errands.calls.pop_front() {
                self.start(call, at.as_deref_mut(), &mut errands);
            }
        }
    }

    /// Takes an exchange in that wants to join. The sessions are to know what the server offers now,
    /// and somebody has to keep their time.
    pub(super) fn join(&self, exchange: &mut Exchange<Handler>, inbox: Arc<Inbox>, now: Instant) {
        let (mut errands, mut is_first) = (Errands::default(), false);
        let first = |server: &mut HttpServer<Handler, _>| {
            let watch = self.watch.get_or_init(|| {
                is_first = true;
                let keeper = Arc::clone(&self.keeper);
                self.server.watch(Arc::new(move || keeper.tell_of_change()))
            });
            if is_first {
                server.handle_service(self.server.current(), now);
            }
            // Taken in here, so that nobody comes with an older one.
            if let Some(changes) = watch.take() {
                server.handle_changes(changes.service.as_ref(), &changes.changes, now);
            }
        };
        self.sessions
            .join_after(first, exchange, inbox, now, &mut errands);
        if is_first {
            self.runtime
                .spawn(keeper::keep(self, Arc::clone(&self.keeper)));
        }
        self.run(errands, Some(exchange));
    }

    // A handler is polled here and now for the first time; only one that has to wait gets a task,
    // since it outlives the request that has called it.
    fn start(
        &self,
        call: Call<Handler>,
        at: Option<&mut Exchange<Handler>>,
        errands: &mut Errands<Arc<Inbox>>,
    ) {
        let cancel = call.context.cancel.clone();
        let (ticket, outcome) = match begin(call, &self.server, &self.link) {
            Begun::Over(ticket, outcome) => (ticket, outcome),
            Begun::Job(job) => return self.runtime.block(job),
            Begun::Future(ticket, mut future) => {
                let mut context = Context::from_waker(Waker::noop());
                let outcome = match poll_caught(&mut future, &mut context) {
                    Poll::Pending if !cancel.is_cancelled() => {
                        let running = SessionCall {
                            ticket: Some(ticket),
                            future: Some(future),
                            cancelled: cancel.cancelled(),
                            link: Arc::clone(&self.link),
                        };
                        return self.runtime.spawn(Box::pin(running));
                    }
                    Poll::Pending => None,
                    Poll::Ready(outcome) => outcome,
                };
                discard(future);
                (ticket, outcome)
            }
        };
        // Held here, it could not serve the next call.
        drop(cancel);
        let now = self.runtime.now();
        match at {
            Some(exchange) => self
                .sessions
                .end_call_at(exchange, ticket, outcome, now, errands),
            None => self.sessions.end_call(ticket, outcome, now, errands),
        }
    }
}

impl fmt::Debug for HttpHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpHub")
            .field("options", &self.options)
            .field("runtime", &self.runtime)
            .finish_non_exhaustive()
    }
}

/// Its keeper learns that there is nothing to keep.
impl Drop for HttpHub {
    fn drop(&mut self) {
        self.keeper.tell_of_change();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the handler of a session's call reaches its client, wherever it runs.
struct SessionLink(Weak<HttpHub>);

impl fmt::Debug for SessionLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionLink")
    }
}

impl Link for SessionLink {
    fn note(&self, call: CallId, note: Note) {
        self.post(Posted::Note(call, note));
    }
}

impl Outlet for SessionLink {
    fn post(&self, item: Posted) {
        let Some(hub) = self.0.upgrade() else { return };
        let now = hub.runtime.now();
        hub.touch(|sessions, errands| {
            // Discarded where the call is over, which the handler needs not know.
            let _ = sessions.with(errands, |server| match item {
                Posted::Note(call, note) => server.note(call, note, now),
                Posted::Done(ticket, outcome) => server.finish(ticket, outcome, now),
                Posted::Lost(call) => server.abandon(call, now),
            });
        });
    }
}

/// An async handler of a session's call. It is dropped where it stands once its call is cancelled.
struct SessionCall {
    ticket: Option<Ticket>,
    future: Option<BoxFuture<Outcome>>,
    cancelled: Cancelled,
    link: Arc<SessionLink>,
}

impl SessionCall {
    fn poll_outcome(&mut self, context: &mut Context<'_>) -> Poll<(Ticket, Option<Outcome>)> {
        let outcome = match &mut self.future {
            Some(future) => match poll_caught(future, context) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending if Pin::new(&mut self.cancelled).poll(context).is_pending() => {
                    return Poll::Pending;
                }
                // Cancelled.
                Poll::Pending => None,
            },
            None => None,
        };
        if let Some(future) = self.future.take() {
            discard(future);
        }
        match self.ticket.take() {
            Some(ticket) => Poll::Ready((ticket, outcome)),
            None => Poll::Pending,
        }
    }
}

impl Future for SessionCall {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.poll_outcome(context).map(|(ticket, outcome)| {
            let call = ticket.call();
            self.link.post(match outcome {
                Some(outcome) => Posted::Done(ticket, outcome),
                None => Posted::Lost(call),
            });
        })
    }
}

/// A task that is dropped, because its runtime ends, leaves nobody without an answer.
impl Drop for SessionCall {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            discard(future);
        }
        if let Some(ticket) = self.ticket.take() {
            self.link.post(Posted::Lost(ticket.call()));
        }
    }
}
