//! One connection: its channel, its socket, and who looks after it.
//!
//! A connection is with exactly one of these:
//! - a worker that reads from it, or runs the handler that its request has called;
//! - the poller, which watches it for input, room and deadlines: while it is idle, while it waits
//!   for events to send, and also while its handler takes longer than a moment.
//!
//! Locks are taken in this order: a connection, then whatever of the [`Hub`]'s. Nobody holds two
//! connections, and handlers run without any lock.

use std::{
    fmt, io,
    net::Shutdown,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use mcp_proto::{rpc::CallId, time::Instant};
use mcp_server_core::{Handler, Link, Note, Outcome, Ticket, Watch, http::Exchange};
use mio::{Interest, Token, net::TcpStream};

use super::{
    channel::Channel,
    hub::{Errands, Hub, Job},
};

/// A client's connection.
pub(super) struct Connection {
    pub(super) token: Token,
    hub: Weak<Hub>,
    pub(super) myself: Weak<Connection>,
    inner: Mutex<Inner>,
}

pub(super) struct Inner {
    pub(super) channel: Channel,
    // Gone once the connection is closed.
    stream: Option<TcpStream>,
    // The poller has it; otherwise a worker has.
    parked: bool,
    // What the poller watches it for.
    watched: Option<Interest>,
    // When the poller will look after it.
    pub(super) scheduled: Option<Instant>,
    // Which worker has it: grows each time that it is given to one.
    tenure: u64,
    // What its exchange has subscribed to.
    watch: Option<Watch>,
    // The client has closed its side.
    ended: bool,
}

impl Connection {
    pub(super) fn new(token: Token, hub: &Arc<Hub>, stream: TcpStream, now: Instant) -> Arc<Self> {
        let inner = Inner {
            channel: Channel::new(now),
            stream: Some(stream),
            parked: false,
            watched: None,
            scheduled: None,
            tenure: 0,
            watch: None,
            ended: false,
        };
        Arc::new_cyclic(|myself| Self {
            token,
            hub: Arc::downgrade(hub),
            myself: Weak::clone(myself),
            inner: Mutex::new(inner),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // Handlers panic outside of it; what a panic of ours left behind is still consistent enough
        // to be closed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something for its exchange in a session.
    pub(super) fn ferry(&self, hub: &Hub, errands: &mut Errands) {
        let mut inner = self.lock();
        inner.pump(self, hub, errands);
        inner.settle(self, hub);
    }

    /// Something has changed that its exchange has subscribed to.
    pub(super) fn change(&self, hub: &Hub, errands: &mut Errands) {
        let mut inner = self.lock();
        let Some(changes) = inner.watch.as_ref().and_then(Watch::take) else {
            return;
        };
        if let Some(exchange) = inner.channel.exchange_mut() {
            exchange.handle_changes(changes.service.as_ref(), &changes.changes, hub.now());
        }
        inner.pump(self, hub, errands);
        inner.settle(self, hub);
    }

    /// A call of its exchange has ended; `None`: without an outcome.
    pub(super) fn finish(&self, ticket: Ticket, outcome: Option<Outcome>, hub: &Hub) {
        let mut inner = self.lock();
        let (call, now) = (ticket.call(), hub.now());
        // An exchange that is gone needs no outcome.
        let Some(exchange) = inner.channel.exchange_of(call.tag()) else {
            return;
        };
        // Discarded where the call was cancelled or timed out meanwhile, which needs no answer.
        let _ = match outcome {
            Some(outcome) => exchange.finish(ticket, outcome, now),
            None => exchange.abandon(call, now),
        };
    }

    /// Ends what can be ended, and takes no further request.
    pub(super) fn shut_down(&self, hub: &Hub, errands: &mut Errands) {
        let mut inner = self.lock();
        let now = hub.now();
        inner.channel.shut_down(now);
        if inner.channel.is_closed() {
            return inner.close(self, hub);
        }
        inner.pump(self, hub, errands);
        inner.settle(self, hub);
    }

    /// Ends it whatever it is at.
    pub(super) fn cut(&self, hub: &Hub, errands: &mut Errands) {
        self.lock().disconnect(self, hub, errands);
    }
}

impl Inner {
    // ── the socket ──────────────────────────────────────────────────────────────────────────────

    /// Reads once, without waiting.
    pub(super) fn read(&mut self) -> io::Result<usize> {
        match &mut self.stream {
            Some(stream) => self.channel.input.fill(stream),
            None => Ok(0),
        }
    }

    /// Waits for input, for no longer than `time`; whether there is some.
    #[cfg(unix)]
    pub(super) fn wait(&self, time: Duration) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let Some(stream) = &self.stream else {
            return false;
        };
        let Ok(time) = Timespec::try_from(time) else {
            return false;
        };
        let mut fds = [PollFd::new(stream, PollFlags::IN)];
        poll(&mut fds, Some(&time)).is_ok_and(|ready| ready > 0)
    }

    /// There is no portable way to wait for one socket without changing it: the poller does it.
    #[cfg(not(unix))]
    pub(super) fn wait(&self, _time: Duration) -> bool {
        false
    }

    /// Sends what there is to be sent, as far as the client takes it; whether anything moved.
    pub(super) fn pump(&mut self, me: &Connection, hub: &Hub, errands: &mut Errands) -> bool {
        let mut moved_at_all = false;
        loop {
            let now = hub.now();
            if let Some(exchange) = self.channel.exchange_mut().filter(|it| it.is_seated()) {
                hub.sessions(errands, |sessions| sessions.ferry(exchange, now));
            }
            let moved = self.channel.transmit(now);
            let Some(stream) = &mut self.stream else {
                return moved_at_all;
            };
            let Ok(progress) = self.channel.output.flush(stream) else {
                self.disconnect(me, hub, errands);
                return true;
            };
            self.channel.flushed(progress, hub.stall, now);
            moved_at_all |= moved || progress;
            // Where the socket has taken all, there is room for more of the reply.
            if !(moved || progress) || !self.channel.output.is_empty() {
                break;
            }
        }
        if self.channel.exchange().is_none() {
            self.watch = None;
        }
        if self.channel.wants_end(hub.now()) {
            if self.ended {
                self.close(me, hub);
            } else if let Some(stream) = &self.stream {
                // Fails where the client was faster.
                let _ = stream.shutdown(Shutdown::Write);
            }
        }
        moved_at_all
    }

    /// The client sends nothing more.
    pub(super) fn end(&mut self, me: &Connection, hub: &Hub, errands: &mut Errands) {
        self.ended = true;
        // Whoever closes its side while its request is at work is not going to read the answer.
        if self.channel.exchange().is_some() || self.channel.output.is_empty() {
            self.disconnect(me, hub, errands);
        } else {
            self.channel.end();
        }
    }

    /// The client is gone.
    pub(super) fn disconnect(&mut self, me: &Connection, hub: &Hub, errands: &mut Errands) {
        let now = hub.now();
        if let Some(exchange) = self.channel.exchange_mut() {
            exchange.handle_disconnect(now);
            leave(exchange, hub, errands, now);
        }
        self.close(me, hub);
    }

    fn close(&mut self, me: &Connection, hub: &Hub) {
        self.unwatch(hub);
        self.stream = None;
        self.channel.close();
        self.watch = None;
        hub.forget(me, &mut self.scheduled);
    }

    // ── who has it ──────────────────────────────────────────────────────────────────────────────

    /// Gives it to a worker, to read its next request or to go on with this one.
    pub(super) fn hand_over(&mut self, me: &Connection, hub: &Hub) {
        self.take(hub);
        self.tenure += 1;
        if let Some(connection) = me.myself.upgrade() {
            hub.enqueue(Job::Serve(connection, self.tenure));
        }
    }

    /// Takes it from the poller.
    pub(super) fn take(&mut self, hub: &Hub) {
        self.parked = false;
        self.unwatch(hub);
    }

    pub(super) fn is_with(&self, tenure: u64) -> bool {
        self.tenure == tenure && !self.channel.is_closed()
    }

    /// Gives it to the poller, or tells the poller what has become of it.
    pub(super) fn park(&mut self, me: &Connection, hub: &Hub) {
        if self.channel.is_closed() {
            return;
        }
        self.channel.input.shrink();
        self.channel.output.shrink();
        self.parked = true;
        hub.schedule(me, &mut self.scheduled, self.channel.poll_timeout());
        self.watch(me, hub);
    }

    /// After something came from elsewhere: the poller has to know, if it is the one who has it.
    pub(super) fn settle(&mut self, me: &Connection, hub: &Hub) {
        if self.channel.is_closed() {
            return;
        }
        if self.parked && self.channel.has_request() && self.channel.output.is_empty() {
            self.hand_over(me, hub);
        } else if self.parked || !self.channel.output.is_empty() {
            self.park(me, hub);
        }
    }

    pub(super) fn is_parked(&self) -> bool {
        self.parked
    }

    fn watch(&mut self, me: &Connection, hub: &Hub) {
        let reads = self.channel.wants_read() && !self.ended;
        let interest = match (reads, self.channel.output.is_empty()) {
            (true, true) => Some(Interest::READABLE),
            (true, false) => Some(Interest::READABLE | Interest::WRITABLE),
            (false, false) => Some(Interest::WRITABLE),
            // Nothing comes of it before its handler is done.
            (false, true) => None,
        };
        let Some(stream) = &mut self.stream else {
            return;
        };
        let registered = match (self.watched, interest) {
            (_, None) => return self.unwatch(hub),
            (Some(before), Some(interest)) if before == interest => Ok(()),
            (Some(_), Some(interest)) => hub.registry.reregister(stream, me.token, interest),
            (None, Some(interest)) => hub.registry.register(stream, me.token, interest),
        };
        self.watched = interest;
        if registered.is_err() {
            // Nobody would ever look after it.
            self.close(me, hub);
        }
    }

    fn unwatch(&mut self, hub: &Hub) {
        if let (Some(_), Some(stream)) = (self.watched.take(), &mut self.stream) {
            // It was registered, so it can be taken out; the socket's end does the same.
            let _ = hub.registry.deregister(stream);
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Its exchange is told of changes from now on.
    pub(super) fn listen(&mut self, me: &Connection, hub: &Hub) {
        let Some(exchange) = self.channel.exchange_mut() else {
            return;
        };
        let (connection, told) = (me.myself.clone(), me.hub.clone());
        let wake = move || {
            if let Some(hub) = told.upgrade() {
                hub.tell_of_change(connection.clone());
            }
        };
        self.watch = Some(hub.server.watch_for(exchange.interest(), Arc::new(wake)));
        exchange.handle_service(hub.server.current(), hub.now());
    }
}

/// Takes an exchange out of its session.
pub(super) fn leave(
    exchange: &mut Exchange<Handler>,
    hub: &Hub,
    errands: &mut Errands,
    now: Instant,
) {
    if exchange.is_seated() {
        hub.sessions(errands, |sessions| sessions.leave(exchange, now));
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// How the handler of a request that is served on its own reaches its client.
impl Link for Connection {
    fn note(&self, call: CallId, note: Note) {
        let Some(hub) = self.hub.upgrade() else {
            return;
        };
        let mut errands = Errands::default();
        let mut inner = self.lock();
        if let Some(exchange) = inner.channel.exchange_of(call.tag()) {
            let _ = exchange.note(call, note, hub.now());
            inner.pump(self, &hub, &mut errands);
            inner.settle(self, &hub);
        }
        drop(inner);
        hub.run(errands);
    }
}
