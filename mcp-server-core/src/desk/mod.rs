//! One connection with its handlers, for an async driver that adds nothing but the I/O.
//!
//! ```text
//!              ┌─────────────── Desk ───────────────┐
//!  read ─────▶ │ Conn ──▶ async: polled in place     │ ─────▶ write
//!              │  ▲  ├──▶ quick: called in place     │
//!  timer ────▶ │  │  └──▶ sync:  a Job ─────────────────────▶ some thread
//!              │  └─ Inbox ◀─ notes, outcomes, wakes ◀───────┘
//!              └──────────────────────────────────────┘
//! ```
//!
//! The task that drives the desk owns it: nothing here is locked but the inbox, which holds what
//! other threads have left for the next turn.

mod begin;
mod inbox;
mod job;
mod running;

use alloc::{sync::Arc, vec::Vec};
use core::{fmt, future::Future, mem, pin::Pin, task::Context, task::Poll, time::Duration};

use mcp_proto::{pump::Machine, rpc::CallId, time::Instant};

pub use job::Job;

use crate::{
    call::{Call, Closed, Event, Outcome, Ticket},
    cancel::{CancelToken, Cancelled},
    conn::Conn,
    handler::Handler,
    server::{Server, Watch},
};
pub(crate) use begin::{Begun, begin};
pub(crate) use inbox::{Inbox, Posted};
use running::{Running, Step};
#[cfg(feature = "http")]
pub(crate) use {
    inbox::Outlet,
    running::{discard, poll_caught},
};

/// One connection of a [`Server`], with the handlers that run for it.
///
/// An async handler is polled by whoever polls the desk, at once for the first time: one that needs
/// not wait costs no task, no channel and no wake-up. One that has to wait is polled again when it
/// is woken, and dropped where it stands when its call is cancelled, its time is up or the
/// connection ends. A handler that may block is handed out as a [`Job`]. A panic ends its own call
/// only, with an internal error.
///
/// Use it as [`Conn`](crate::Conn) is used, with [`poll_work`](Self::poll_work) in the place of
/// `poll_event`; or leave it to a [`Pump`](mcp_proto::pump::Pump), which knows when to do what:
///
/// ```
/// use mcp_server_core::{Desk, IntoServer, server, mcp_proto::time::Instant};
/// use std::task::{Context, Waker};
///
/// let server = server!().into_server().unwrap();
/// let mut desk = Desk::new(&server, Instant::ZERO);
/// desk.handle_bytes(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n", Instant::ZERO);
///
/// let mut context = Context::from_waker(Waker::noop());
/// let idle = desk.poll_work(&mut context, Instant::ZERO, |job| job.run());
/// assert!(idle.is_pending());
/// let mut out = Vec::new();
/// assert!(desk.poll_transmit(&mut out));
/// assert_eq!(out, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
/// ```
pub struct Desk {
    conn: Conn<Handler>,
    server: Server,
    watch: Watch,
    inbox: Arc<Inbox>,
    running: Running,
    // What was taken out of the inbox, and the space for it.
    posted: Vec<Posted>,
    woken: Vec<u64>,
    // To close with when dropped, which brings no time along.
    now: Instant,
    closed: Option<Closed>,
    // The peer takes nothing any more.
    mute: bool,
    // Ends the input from outside.
    input_end: Option<Cancelled>,
    patience: Duration,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

impl Desk {
    /// A new connection of `server`.
    #[must_use]
    pub fn new(server: &Server, now: Instant) -> Self {
        let service = server.current();
        let inbox = Arc::new(Inbox::new(service.limits().notes_queued));
        let woken = Arc::clone(&inbox);
        // Watched before the service is read, so that no change is missed.
        let watch = server.watch(Arc::new(move || woken.tell_of_change()));
        Self {
            conn: server.connect(0, now),
            server: server.clone(),
            watch,
            running: Running::new(Arc::clone(&inbox)),
            inbox,
            posted: Vec::new(),
            woken: Vec::new(),
            now,
            closed: None,
            mute: false,
            input_end: None,
            patience: service.limits().outbound_stall,
        }
    }

    /// Takes no more input from when `end` is cancelled: what was asked until then is still
    /// answered, and then the connection ends.
    #[must_use]
    pub fn until(mut self, end: &CancelToken) -> Self {
        self.input_end = Some(end.cancelled());
        self
    }

    /// Says on whose behalf the peer asks, as whoever let it in has established; to be told before
    /// anything is read.
    pub fn on_behalf_of(&mut self, subject: Option<Arc<str>>) {
        self.conn.on_behalf_of(subject);
    }

    /// Takes in what was read.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        self.conn.handle_bytes(bytes, now);
    }

    /// The peer has ended its input: what it asked is still answered.
    pub fn handle_eof(&mut self, now: Instant) {
        self.conn.handle_eof(now);
    }

    /// Ends the connection: what runs is cancelled, and what is owed is still to be sent.
    pub fn close(&mut self, now: Instant) {
        self.conn.close(now);
    }

    /// The peer takes nothing any more: ends the connection, and forgets what was to be sent.
    pub fn hang_up(&mut self, now: Instant) {
        self.mute = true;
        self.conn.close(now);
    }

    /// Does all there is to do: takes in changes, deadlines and what handlers have left, goes on
    /// with those that were woken and starts those of new calls. `block` is to run each [`Job`] on
    /// a thread that may block.
    ///
    /// Pending when there is nothing left to do; the task is woken when that changes. Ready, once
    /// and for all, when the connection has ended.
    pub fn poll_work(
        &mut self,
        context: &mut Context<'_>,
        now: Instant,
        mut block: impl FnMut(Job),
    ) -> Poll<Closed> {
        self.now = now;
        if let Some(closed) = self.closed {
            return Poll::Ready(closed);
        }
        let changed = self.inbox.take(&mut self.posted, &mut self.woken);
        self.take_in_posted();
        self.poll_input_end(context);
        if changed {
            if let Some(changes) = self.watch.take() {
                changes.apply(&mut self.conn, now);
            }
        }
        if self
            .conn
            .poll_timeout()
            .is_some_and(|deadline| deadline <= now)
        {
            self.conn.handle_timeout(now);
        }
        self.resume_woken();
        loop {
            while let Some(event) = self.conn.poll_event() {
                self.handle(event, &mut block);
            }
            if let Some(closed) = self.closed {
                self.running.clear();
                return Poll::Ready(closed);
            }
            if !self.mute || !self.discard_output() {
                break;
            }
        }
        self.inbox.rest(context.waker());
        Poll::Pending
    }

    /// Bytes to be sent, as [`Conn::poll_transmit`](crate::Conn::poll_transmit).
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.conn.poll_transmit(out)
    }

    /// When [`poll_work`](Self::poll_work) wants to be called although nothing else happens.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.conn.poll_timeout()
    }

    /// Whether to read. Otherwise the peer's bytes stay where they are until it takes ours.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.conn.wants_read()
    }

    fn poll_input_end(&mut self, context: &mut Context<'_>) {
        let end = self.input_end.as_mut();
        if end.is_some_and(|end| Pin::new(end).poll(context).is_ready()) {
            self.input_end = None;
            self.conn.handle_eof(self.now);
        }
    }

    fn handle(&mut self, event: Event<Handler>, block: &mut impl FnMut(Job)) {
        match event {
            Event::Call(call) => self.start(call, block),
            // One that runs elsewhere tells when it has ended.
            Event::Cancelled(call) => {
                if self.running.cancel(call) {
                    self.abandon(call);
                }
            }
            Event::Closed(closed) => self.closed = Some(closed),
            // The peer was told where it can be told.
            Event::Fault(_) => {}
        }
    }

    fn discard_output(&mut self) -> bool {
        let mut output = Vec::new();
        self.conn.poll_transmit(&mut output)
    }

    fn start(&mut self, call: Call<Handler>, block: &mut impl FnMut(Job)) {
        let step = match begin(call, &self.server, &self.inbox) {
            Begun::Future(ticket, future) => self.running.start(ticket, future),
            Begun::Over(ticket, Some(outcome)) => Step::Done(ticket, outcome),
            Begun::Over(ticket, None) => Step::Lost(ticket.call()),
            Begun::Job(job) => return block(job),
        };
        self.apply(step);
    }

    fn resume_woken(&mut self) {
        if self.woken.is_empty() {
            return;
        }
        let mut woken = mem::take(&mut self.woken);
        for key in woken.drain(..) {
            let step = self.running.resume(key);
            self.apply(step);
        }
        self.woken = woken;
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Waiting => {}
            Step::Done(ticket, outcome) => {
                self.take_in_notes();
                self.finish(ticket, outcome);
            }
            Step::Lost(call) => {
                self.take_in_notes();
                self.abandon(call);
            }
        }
    }

    // What a handler has told comes before its answer.
    fn take_in_notes(&mut self) {
        self.inbox.take_posted(&mut self.posted);
        self.take_in_posted();
    }

    fn take_in_posted(&mut self) {
        if self.posted.is_empty() {
            return;
        }
        let mut posted = mem::take(&mut self.posted);
        for item in posted.drain(..) {
            match item {
                Posted::Note(call, note) => {
                    // Discarded where the call is over, which the handler needs not know.
                    let _ = self.conn.note(call, note, self.now);
                }
                Posted::Done(ticket, outcome) => self.finish(ticket, outcome),
                Posted::Lost(call) => self.abandon(call),
            }
        }
        self.posted = posted;
    }

    fn finish(&mut self, ticket: Ticket, outcome: Outcome) {
        // Discarded where the call was cancelled or timed out: that was its answer.
        let _ = self.conn.finish(ticket, outcome, self.now);
    }

    fn abandon(&mut self, call: CallId) {
        let _ = self.conn.abandon(call, self.now);
    }
}

impl Machine for Desk {
    type Job = Job;

    fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        self.handle_bytes(bytes, now);
    }

    fn handle_eof(&mut self, now: Instant) {
        self.handle_eof(now);
    }

    fn hang_up(&mut self, now: Instant) {
        self.hang_up(now);
    }

    fn poll_work(
        &mut self,
        context: &mut Context<'_>,
        now: Instant,
        run: &mut dyn FnMut(Job),
    ) -> Poll<()> {
        self.poll_work(context, now, run).map(drop)
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.poll_transmit(out)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn wants_read(&self) -> bool {
        self.wants_read()
    }

    fn patience(&self) -> Duration {
        match self.closed {
            // Answers to what was asked before.
            None | Some(Closed::Eof) => self.patience,
            // Given up, or closed by us.
            Some(_) => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests;

/// Cancels what runs: async handlers are dropped, others find their token set.
impl Drop for Desk {
    fn drop(&mut self) {
        self.inbox.close();
        self.conn.close(self.now);
    }
}
