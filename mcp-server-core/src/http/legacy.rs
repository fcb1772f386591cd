//! One session of a client with an `initialize` handshake (2024-11-05 to 2025-11-25).

use alloc::{boxed::Box, collections::VecDeque, sync::Arc, vec::Vec};

use mcp_proto::{limits::Limits, rpc::Incoming, time::Instant, version::ProtocolVersion};

use super::{
    dialog::Dialog,
    seat::Form,
    server::HttpServerEvent,
    serving::error_of,
    store::EventStore,
    streams::{Streams, Weight},
};
use crate::{call::Event, session::SentKind};

/// A session: its conversation, and the streams that carry it.
pub(super) struct HttpSession<H, W> {
    pub(super) id: Box<str>,
    /// On whose behalf it was opened. Nobody else's requests get in.
    pub(super) subject: Option<Arc<str>>,
    pub(super) dialog: Dialog<H>,
    pub(super) streams: Streams<W>,
    /// The transport of 2024-11-05, whose session ends with its stream.
    pub(super) pair: bool,
    /// When its server's schedule has it looked at.
    pub(super) planned: Instant,
    active: Instant,
}

impl<H: Clone, W: Clone> HttpSession<H, W> {
    pub(super) fn new(
        id: Box<str>,
        subject: Option<Arc<str>>,
        dialog: Dialog<H>,
        pair: bool,
        now: Instant,
    ) -> Self {
        Self {
            id,
            subject,
            dialog,
            streams: Streams::new(pair),
            pair,
            planned: Instant::MAX,
            active: now,
        }
    }

    /// Something of the client's has come, or somebody has read.
    pub(super) fn touch(&mut self, now: Instant) {
        self.active = now;
    }

    /// Since when nobody has read and no call has run; `None` while either is the case.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        (!self.streams.has_readers() && self.dialog.is_idle()).then_some(self.active)
    }

    /// When it is over, should nobody use it until then.
    pub(super) fn idle_until(&self, limits: &Limits) -> Option<Instant> {
        self.idle_since()
            .map(|since| since.saturating_add(limits.session_idle))
    }

    /// When it is to be looked at.
    pub(super) fn due(&self, limits: &Limits) -> Instant {
        let idle = self.idle_until(limits);
        idle.into_iter()
            .chain(self.dialog.poll_timeout())
            .min()
            .unwrap_or(Instant::MAX)
    }

    /// How the answers to a POST are given.
    pub(super) fn post_form(
        &self,
        options: &super::HttpOptions,
        limits: &Limits,
        batch: bool,
    ) -> Form {
        Form {
            ids: !self.pair,
            prime: self.primes().then_some(options.retry),
            releasable: self.primes(),
            batch,
            stream_after: limits.sse_after,
            release_after: options.release_after,
        }
    }

    /// How what was not asked for is given. `resumed`: the client has an id already.
    pub(super) fn listen_form(&self, options: &super::HttpOptions, resumed: bool) -> Form {
        Form {
            ids: !self.pair,
            prime: (self.primes() && !resumed).then_some(options.retry),
            releasable: self.primes(),
            batch: false,
            stream_after: core::time::Duration::ZERO,
            release_after: None,
        }
    }

    // Clients before 2025-11-25 take an event without data for a message.
    fn primes(&self) -> bool {
        !self.pair && self.dialog.version() >= Some(ProtocolVersion::V2025_11_25)
    }

    /// Takes the messages of one POST, which lie in `text`. Afterwards it is to be lent, and then
    /// [pumped](Self::pump): between two messages of a batch the second would seem not to be owed
    /// anything.
    pub(super) fn handle(
        &mut self,
        messages: Incoming<'_>,
        text: &str,
        origin: u32,
        now: Instant,
        tray: &mut Tray<'_, H, W>,
    ) {
        match messages {
            Incoming::Single(message) => self.dialog.handle(message, Some(text), origin, now),
            Incoming::Batch(messages) => {
                for message in messages {
                    match message {
                        Ok(message) => self.dialog.handle(message, None, origin, now),
                        Err(rejected) => {
                            let error = error_of(&rejected).into();
                            self.push(Some(origin), Weight::Answer, error, tray);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Hands out what the conversation has to say and to do.
    pub(super) fn pump(&mut self, now: Instant, tray: &mut Tray<'_, H, W>) {
        loop {
            let mut idle = true;
            while let Some(event) = self.dialog.poll_event(now) {
                idle = false;
                match event {
                    Event::Call(call) => tray.events.push_back(HttpServerEvent::Call(call)),
                    Event::Cancelled(call) => {
                        tray.events.push_back(HttpServerEvent::Cancelled(call));
                    }
                    // It ends only with its session: its outbox has no bound to break.
                    _ => {}
                }
            }
            let mut message = Vec::new();
            while let Some(sent) = self.dialog.poll_out(&mut message) {
                idle = false;
                let weight = match sent.kind {
                    SentKind::Answer { .. } => Weight::Answer,
                    SentKind::Notice => Weight::Other,
                    SentKind::Report => Weight::Report,
                };
                self.push(
                    sent.origin,
                    weight,
                    core::mem::take(&mut message).into(),
                    tray,
                );
            }
            if idle {
                break;
            }
        }
        // Whoever waits for the answer to a cancelled request waits in vain.
        let wakers = self.streams.end_unowed(|number| self.dialog.owes(number));
        tray.events
            .extend(wakers.into_iter().map(HttpServerEvent::Wake));
    }

    fn push(
        &mut self,
        origin: Option<u32>,
        weight: Weight,
        message: Box<[u8]>,
        tray: &mut Tray<'_, H, W>,
    ) {
        let waker = self
            .streams
            .push(origin, weight, message, &self.id, tray.store, tray.limits);
        tray.events.extend(waker.map(HttpServerEvent::Wake));
    }
}

/// Where a session puts what it has for others.
pub(super) struct Tray<'t, H, W> {
    pub(super) events: &'t mut VecDeque<HttpServerEvent<H, W>>,
    pub(super) store: &'t mut dyn EventStore,
    pub(super) limits: &'t Limits,
}
