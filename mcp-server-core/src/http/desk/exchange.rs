//! One exchange with its handlers, for a task that adds nothing but the I/O.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::{fmt, mem, task::Context, task::Poll};
use std::panic::{AssertUnwindSafe, catch_unwind};

use http::{Response, StatusCode, request::Parts};
use mcp_proto::{rpc::CallId, time::Instant};

use super::hub::HttpHub;
#[cfg(feature = "http-service")]
use super::runtime::Runtime;
use crate::{
    call::{Call, Outcome, Ticket},
    desk::{Begun, Inbox, Posted, begin, discard, poll_caught},
    handler::{BoxFuture, Handler},
    http::{
        event::{HttpEvent, Verdict},
        exchange::Exchange,
        reply::Body,
    },
    server::Watch,
};

/// One request and its response, with the handlers that run for them; made by
/// [`HttpHub::desk`](super::HttpHub::desk).
///
/// The task that drives it polls the async handlers of 2026-07-28 as well, so that a call which
/// needs not wait costs no task, no channel and no wake-up. Calls of older revisions that have to
/// wait outlive the request, and get a task of their own. Dropping it says that the client is gone.
///
/// Drive it so: give it the body while it [wants](Self::wants_body) one, then
/// [`poll_work`](Self::poll_work), then take [`poll_head`](Self::poll_head) and
/// [`poll_body`](Self::poll_body); again when the task is woken, or
/// [`poll_timeout`](Self::poll_timeout) has come.
pub struct HttpDesk {
    hub: Arc<HttpHub>,
    exchange: Exchange<Handler>,
    // What wakes the task; made when there is somebody who might.
    inbox: Option<Arc<Inbox>>,
    posted: Vec<Posted>,
    running: Vec<Running>,
    judging: Option<BoxFuture<Verdict>>,
    listening: Option<Listening>,
    told_to_end: bool,
    // What the time was when its task has last begun to look at it.
    now: Instant,
}

struct Running {
    ticket: Ticket,
    future: BoxFuture<Outcome>,
}

/// A subscription: it is told of changes, and of the end.
struct Listening {
    watch: Watch,
    key: u64,
}

impl HttpDesk {
    pub(super) fn new(hub: Arc<HttpHub>, head: Parts) -> Self {
        let now = hub.runtime.now();
        let (service, options) = (hub.server.current(), Arc::clone(&hub.options));
        Self {
            // Its calls are told apart by the inbox they come back to.
            exchange: Exchange::new(service, options, head, 0, now),
            hub,
            inbox: None,
            posted: Vec::new(),
            running: Vec::new(),
            judging: None,
            listening: None,
            told_to_end: false,
            now,
        }
    }

    /// Its task looks at it: from here on it is as late as it is now.
    pub(super) fn look(&mut self) {
        self.now = self.hub.runtime.now();
    }

    /// What it runs on.
    #[cfg(feature = "http-service")]
    pub(super) fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.hub.runtime
    }

    // ── in ──────────────────────────────────────────────────────────────────────────────────────

    /// A part of the request's body.
    pub fn handle_body(&mut self, chunk: &[u8]) {
        self.look();
        self.take_body(chunk);
    }

    /// The end of the request's body.
    pub fn handle_body_end(&mut self) {
        self.exchange.handle_body_end(self.now);
    }

    /// When its task has last looked.
    #[cfg(feature = "http-service")]
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// A part of the body, for a task that has [looked](Self::look).
    pub(super) fn take_body(&mut self, chunk: &[u8]) {
        self.exchange.handle_body(chunk, self.now);
    }

    /// Whether more of the body is wanted. Otherwise it need not be read.
    #[must_use]
    pub fn wants_body(&self) -> bool {
        self.exchange.wants_body()
    }

    /// Does all there is to do; the task is woken when there is more, but for what
    /// [`poll_timeout`](Self::poll_timeout) tells.
    pub fn poll_work(&mut self, context: &mut Context<'_>) {
        self.look();
        self.work(context);
    }

    /// The same for a task that has [looked](Self::look).
    pub(super) fn work(&mut self, context: &mut Context<'_>) {
        let now = self.now;
        self.take_in(now);
        if self.hub.is_closing() && !mem::replace(&mut self.told_to_end, true) {
            self.exchange.shut_down(now);
        }
        if self.exchange.poll_timeout().is_some_and(|due| due <= now) {
            self.exchange.handle_timeout(now);
        }
        self.poll_running(context, now);
        self.poll_verdict(context, now);
        loop {
            while let Some(event) = self.exchange.poll_event() {
                self.handle(event, context, now);
            }
            if self.exchange.is_seated() {
                let exchange = &mut self.exchange;
                self.hub.touch(|sessions, errands| {
                    sessions.with(errands, |server| server.ferry(exchange, now));
                });
            }
            // A call of ours that was answered in place has left something.
            if !self.take_in(now) {
                break;
            }
        }
        // Nobody waits for anything where all is said.
        if let Some(inbox) = self.inbox.as_ref().filter(|_| !self.exchange.is_done()) {
            inbox.rest(context.waker());
        }
    }

    // Takes what was left for us; whether there was anything.
    fn take_in(&mut self, now: Instant) -> bool {
        let Some(inbox) = &self.inbox else {
            return false;
        };
        let changed = inbox.take(&mut self.posted, &mut Vec::new());
        if changed {
            let changes = self.listening.as_ref().and_then(|it| it.watch.take());
            if let Some(changes) = changes {
                self.exchange
                    .handle_changes(changes.service.as_ref(), &changes.changes, now);
            }
        }
        let posted = !self.posted.is_empty();
        self.take_in_posted(now);
        changed || posted
    }

    fn take_in_posted(&mut self, now: Instant) {
        for item in self.posted.drain(..) {
            // Discarded where the call is over, which the handler needs not know.
            let _ = match item {
                Posted::Note(call, note) => self.exchange.note(call, note, now),
                Posted::Done(ticket, outcome) => self.exchange.finish(ticket, outcome, now),
                Posted::Lost(call) => self.exchange.abandon(call, now),
            };
        }
    }

    // ── handlers ────────────────────────────────────────────────────────────────────────────────

    fn handle(&mut self, event: HttpEvent<Handler>, context: &mut Context<'_>, now: Instant) {
        match event {
            HttpEvent::Call(call) => self.start(call, context, now),
            // One that runs elsewhere tells when it has ended.
            HttpEvent::Cancelled(call) => {
                if self.cancel(call) {
                    let _ = self.exchange.abandon(call, now);
                }
            }
            HttpEvent::Authorize(token) => {
                // A server that asks for a verdict and has nobody to give it lets nobody in; nor
                // does one whose judge has panicked.
                let judging = self
                    .hub
                    .judge
                    .as_ref()
                    .and_then(|judge| catch_unwind(AssertUnwindSafe(|| judge(token))).ok());
                self.judging =
                    Some(judging.unwrap_or_else(|| Box::pin(core::future::ready(deny()))));
                self.poll_verdict(context, now);
            }
            HttpEvent::Join => {
                let inbox = Arc::clone(self.inbox());
                self.hub.join(&mut self.exchange, inbox, now);
            }
            HttpEvent::Listen => {
                let inbox = Arc::clone(self.inbox());
                let key = self.hub.add_endless(&inbox);
                let watch = self.hub.server.watch_for(
                    self.exchange.interest(),
                    Arc::new(move || inbox.tell_of_change()),
                );
                self.listening = Some(Listening { watch, key });
                self.exchange.handle_service(self.hub.server.current(), now);
                if self.hub.is_closing() {
                    self.exchange.shut_down(now);
                }
            }
        }
    }

    fn inbox(&mut self) -> &Arc<Inbox> {
        self.inbox
            .get_or_insert_with(|| Arc::new(Inbox::new(self.hub.notes)))
    }

    fn start(&mut self, call: Call<Handler>, context: &mut Context<'_>, now: Instant) {
        let inbox = Arc::clone(self.inbox());
        match begin(call, &self.hub.server, &inbox) {
            Begun::Over(ticket, outcome) => self.settle(ticket, outcome, now),
            Begun::Job(job) => self.hub.runtime.block(job),
            Begun::Future(ticket, future) => {
                let mut running = Running { ticket, future };
                match running.poll(context) {
                    Poll::Pending => self.running.push(running),
                    Poll::Ready(outcome) => self.end(running, outcome, now),
                }
            }
        }
    }

    fn poll_running(&mut self, context: &mut Context<'_>, now: Instant) {
        let mut at = 0;
        while let Some(running) = self.running.get_mut(at) {
            match running.poll(context) {
                Poll::Pending => at += 1,
                Poll::Ready(outcome) => {
                    let running = self.running.remove(at);
                    self.end(running, outcome, now);
                }
            }
        }
    }

    fn end(&mut self, running: Running, outcome: Option<Outcome>, now: Instant) {
        discard(running.future);
        self.settle(running.ticket, outcome, now);
    }

    fn settle(&mut self, ticket: Ticket, outcome: Option<Outcome>, now: Instant) {
        // What a handler has told comes before its answer.
        if let Some(inbox) = &self.inbox {
            inbox.take_posted(&mut self.posted);
            self.take_in_posted(now);
        }
        let call = ticket.call();
        // Discarded where the call was cancelled or timed out: that was its answer.
        let _ = match outcome {
            Some(outcome) => self.exchange.finish(ticket, outcome, now),
            None => self.exchange.abandon(call, now),
        };
    }

    // Drops the handler of a call whose outcome is not wanted. Tells whether it was here.
    fn cancel(&mut self, call: CallId) -> bool {
        let at = self
            .running
            .iter()
            .position(|running| running.ticket.call() == call);
        let Some(at) = at else { return false };
        discard(self.running.remove(at).future);
        true
    }

    fn poll_verdict(&mut self, context: &mut Context<'_>, now: Instant) {
        let Some(judging) = &mut self.judging else {
            return;
        };
        let verdict = match poll_caught(judging, context) {
            Poll::Pending => return,
            Poll::Ready(verdict) => verdict.unwrap_or_else(deny),
        };
        self.judging = None;
        self.exchange.handle_verdict(verdict, now);
    }

    // ── out ─────────────────────────────────────────────────────────────────────────────────────

    /// The response's head, once.
    #[must_use]
    pub fn poll_head(&mut self) -> Option<Response<()>> {
        self.exchange.poll_head()
    }

    /// Appends what there is of the response's body. Take the head first.
    #[must_use]
    pub fn poll_body(&mut self, out: &mut Vec<u8>) -> Body {
        self.exchange.poll_body(out)
    }

    /// When [`poll_work`](Self::poll_work) wants to be called although nothing else happens.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.exchange.poll_timeout()
    }
}

fn deny() -> Verdict {
    Verdict::Deny {
        status: StatusCode::UNAUTHORIZED,
        challenge: None,
    }
}

impl Running {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Outcome>> {
        poll_caught(&mut self.future, context)
    }
}

/// The client is gone, unless everything was said. That cancels what 2026-07-28 has called; what
/// older revisions have goes on.
impl Drop for HttpDesk {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            self.hub.remove_endless(listening.key);
        }
        if !self.exchange.is_done() {
            let now = self.hub.runtime.now();
            self.exchange.handle_disconnect(now);
            while let Some(event) = self.exchange.poll_event() {
                if let HttpEvent::Cancelled(call) = event {
                    self.cancel(call);
                }
            }
            if self.exchange.is_seated() {
                let exchange = &mut self.exchange;
                self.hub.touch(|sessions, errands| {
                    sessions.with(errands, |server| server.leave(exchange, now));
                });
            }
        }
        if let Some(inbox) = &self.inbox {
            inbox.close();
        }
        let goes_on = !self.exchange.is_done();
        for mut running in self.running.drain(..) {
            if goes_on {
                let rest = core::future::poll_fn(move |context| running.poll(context).map(drop));
                self.hub.runtime.spawn(Box::pin(rest));
            } else {
                discard(running.future);
            }
        }
    }
}

impl fmt::Debug for HttpDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpDesk")
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}
