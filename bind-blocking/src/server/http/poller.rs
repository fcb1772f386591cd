//! The thread that called [`serve`](super::HttpListener::serve): it accepts connections, watches
//! those that no worker is at, and keeps the time.

use std::{io, sync::Arc, time::Duration};

use mcp_proto::time::Instant;
use mcp_server_core::Watch;
use mio::{Events, Poll, Token, event::Event, net::TcpListener};

use super::{
    connection::Connection,
    hub::{Errands, Hub},
    listener::{HttpShutdown, Urgency},
    signals::Signals,
};
use crate::Error;

/// How long a handler may run before its connection is watched.
const TICK: Duration = Duration::from_millis(10);
/// For how many ticks without any handler the poller keeps looking.
const IDLE_TICKS: u32 = 50;
/// How long to wait before connections are accepted again that could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

pub(super) const LISTENER: Token = Token(0);
pub(super) const WAKER: Token = Token(1);
pub(super) const SIGNALS: Token = Token(2);
const FIRST: usize = 3;

pub(super) struct Poller {
    pub(super) poll: Poll,
    pub(super) listener: Option<TcpListener>,
    pub(super) hub: Arc<Hub>,
    pub(super) watch: Watch,
    pub(super) signals: Option<Signals>,
    pub(super) shutdown: HttpShutdown,
    pub(super) max_connections: usize,
    pub(super) grace: Duration,
    pub(super) state: State,
}

#[derive(Default)]
pub(super) struct State {
    last_token: usize,
    // When to accept again.
    accept_at: Option<Instant>,
    quiet_ticks: u32,
    // When the last connections are cut, once the end has begun.
    cut_at: Option<Instant>,
}

impl Poller {
    /// Serves until the end is asked for, and everybody had the time to leave.
    pub(super) fn run(mut self) -> Result<(), Error> {
        let mut events = Events::with_capacity(256);
        loop {
            let mut errands = Errands::default();
            let sleep = self.hub.fall_asleep(self.wanted(), &mut errands);
            // What that has brought is done first: another sleep comes after it.
            let sleep = if errands.is_empty() {
                sleep
            } else {
                Some(Duration::ZERO)
            };
            let polled = self.poll.poll(&mut events, sleep);
            let due = self.hub.wake_up();
            match polled {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    self.cut();
                    return Err(Error::Io(error));
                }
                _ => {}
            }
            for event in &events {
                self.handle(event, &mut errands);
            }
            self.handle_time(&due, &mut errands);
            if let Some(changes) = self.watch.take() {
                self.hub.change(&changes, &mut errands);
            }
            self.hub.change_listeners(&mut errands);
            self.hub.run(errands);
            if self.is_over() {
                self.cut();
                return Ok(());
            }
        }
    }

    fn handle(&mut self, event: &Event, errands: &mut Errands) {
        match event.token() {
            LISTENER => self.accept(),
            WAKER => {}
            SIGNALS => {
                for _ in 0..self.signals.as_mut().map_or(0, Signals::take) {
                    self.shutdown.hurry();
                }
            }
            token => {
                if let Some(connection) = self.hub.connection(token) {
                    self.attend(&connection, event, errands);
                }
            }
        }
    }

    // ── connections ─────────────────────────────────────────────────────────────────────────────

    fn accept(&mut self) {
        self.state.accept_at = None;
        while let Some(listener) = &self.listener {
            let now = self.hub.now();
            if self.hub.count() >= self.max_connections {
                self.state.accept_at = Some(now.saturating_add(ACCEPT_PAUSE));
                return;
            }
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The client's fault: the next one may do better.
                Err(error) if is_of_the_client(&error) => continue,
                // A passing lack of resources.
                Err(_) => {
                    self.state.accept_at = Some(now.saturating_add(ACCEPT_PAUSE));
                    return;
                }
            };
            // Responses are written whole: there is nothing to wait for. Without it they only come
            // later.
            let _ = stream.set_nodelay(true);
            self.state.last_token += 1;
            let token = Token(FIRST + self.state.last_token);
            let connection = Connection::new(token, &self.hub, stream, now);
            self.hub.add(&connection);
            connection.lock().park(&connection, &self.hub);
        }
    }

    fn attend(&self, connection: &Arc<Connection>, event: &Event, errands: &mut Errands) {
        let hub = &*self.hub;
        let mut inner = connection.lock();
        if !inner.is_parked() {
            return;
        }
        if event.is_writable() {
            inner.pump(connection, hub, errands);
        }
        if event.is_readable() || event.is_error() || event.is_read_closed() {
            if inner.channel.wants_request() && inner.channel.output.is_empty() {
                return inner.hand_over(connection, hub);
            }
            while inner.channel.wants_read() && !inner.has_ended() {
                match inner.read() {
                    Ok(0) => inner.end(connection, hub, errands),
                    Ok(_) => inner.channel.discard(),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => inner.disconnect(connection, hub, errands),
                }
            }
        }
        inner.settle(connection, hub);
    }

    // ── time ────────────────────────────────────────────────────────────────────────────────────

    fn wanted(&self) -> Option<Instant> {
        let tick = self
            .hub
            .is_ticking()
            .then(|| self.hub.now().saturating_add(TICK));
        [tick, self.state.accept_at, self.state.cut_at]
            .into_iter()
            .flatten()
            .min()
    }

    fn handle_time(&mut self, due: &[Arc<Connection>], errands: &mut Errands) {
        let now = self.hub.now();
        for connection in due {
            self.handle_due(connection, now, errands);
        }
        if self.hub.is_ticking() {
            self.tick(now);
        }
        if self.state.accept_at.is_some_and(|at| at <= now) {
            self.accept();
        }
        if self.state.cut_at.is_none() && self.shutdown.urgency() >= Urgency::Graceful {
            self.begin_end(now, errands);
        }
    }

    fn handle_due(&self, connection: &Arc<Connection>, now: Instant, errands: &mut Errands) {
        let hub = &*self.hub;
        let mut inner = connection.lock();
        inner.scheduled = None;
        // A worker looks at the time when it gives the connection away.
        if !inner.is_parked() {
            return;
        }
        if inner.channel.handle_timeout(now) {
            return inner.disconnect(connection, hub, errands);
        }
        inner.pump(connection, hub, errands);
        inner.settle(connection, hub);
    }

    // Watches the connections whose handlers take longer than a moment.
    fn tick(&mut self, now: Instant) {
        let start = Instant::from_nanos(now.as_nanos().saturating_sub(TICK.as_nanos() as u64));
        match self.hub.take_slow(start) {
            Some(slow) => {
                self.state.quiet_ticks = 0;
                for connection in slow {
                    connection.lock().park(&connection, &self.hub);
                }
            }
            None => {
                self.state.quiet_ticks += 1;
                if self.state.quiet_ticks >= IDLE_TICKS {
                    self.hub.stop_ticking();
                    self.state.quiet_ticks = 0;
                }
            }
        }
    }

    // ── the end ─────────────────────────────────────────────────────────────────────────────────

    fn begin_end(&mut self, now: Instant, errands: &mut Errands) {
        self.state.cut_at = Some(now.saturating_add(self.grace));
        self.state.accept_at = None;
        // Whoever connects from now on is refused by the system.
        self.listener = None;
        self.hub
            .sessions(errands, |sessions| sessions.shut_down(now));
        for connection in self.hub.connections() {
            connection.shut_down(&self.hub, errands);
        }
    }

    fn is_over(&self) -> bool {
        let Some(cut_at) = self.state.cut_at else {
            return false;
        };
        let now = self.hub.now();
        self.hub.count() == 0 || now >= cut_at || self.shutdown.urgency() == Urgency::AtOnce
    }

    // Handlers that still run are told, and left behind.
    fn cut(&mut self) {
        let mut errands = Errands::default();
        let now = self.hub.now();
        for connection in self.hub.connections() {
            connection.cut(&self.hub, &mut errands);
        }
        self.hub
            .sessions(&mut errands, |sessions| sessions.close(now));
        self.hub.close();
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}
