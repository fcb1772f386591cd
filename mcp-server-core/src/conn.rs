//! One duplex byte stream: stdio, TCP, a Unix socket, a test's two buffers.

use alloc::{collections::VecDeque, string::String, sync::Arc, vec::Vec};
use core::str;
use mcp_proto::{
    frame::{Line, LineDecoder},
    rpc::{CallId, Rejected},
    time::Instant,
};

use crate::{
    call::{Call, Change, Delivery, Event, Note, Outcome, Ticket},
    service::Service,
    session::{Arrival, Place, Session},
};

/// A server's end of one byte stream, in both eras, without I/O.
///
/// Bytes, time, outcomes and changes go in; events and bytes come out. Whoever drives it owns the
/// socket, the clock and the threads:
///
/// | goes in | comes out |
/// | --- | --- |
/// | [`handle_bytes`](Self::handle_bytes), [`handle_eof`](Self::handle_eof) | [`poll_event`](Self::poll_event): calls to be run |
/// | [`finish`](Self::finish), [`abandon`](Self::abandon), [`note`](Self::note) | [`poll_transmit`](Self::poll_transmit): bytes to be sent |
/// | [`handle_timeout`](Self::handle_timeout) | [`poll_timeout`](Self::poll_timeout): when that is due |
/// | [`handle_service`](Self::handle_service), [`handle_change`](Self::handle_change) | [`wants_read`](Self::wants_read): whether to read on |
///
/// **The loop.** Poll events and transmits alternately until neither has anything; then wait for
/// bytes (if `wants_read`), for room in the socket (if bytes are left to be sent), for a handler's
/// outcome or a change, or until `poll_timeout`; tell the connection, and begin again. After
/// [`Event::Closed`] there is nothing more. No order of calls breaks anything; a loop that waits
/// with something left to poll is merely slow.
///
/// **What goes in never fails** and is only recorded: messages are taken apart by `poll_event`, one
/// at a time, so that how the bytes were cut does not change what happens.
///
/// **Backpressure** is on calls and on output, never on answers and cancellations. Calls beyond
/// [`Limits::calls_in_flight`] wait, those beyond [`Limits::calls_parked`] are answered "busy",
/// by a [patient](Self::patient) connection only where the others take their time.
/// While more than [`Limits::outbound_high_water`] bytes wait for `poll_transmit`, no further
/// message is looked at; if none is taken for [`Limits::outbound_stall`], the connection ends.
///
/// [`Limits::calls_in_flight`]: mcp_proto::limits::Limits::calls_in_flight
/// [`Limits::calls_parked`]: mcp_proto::limits::Limits::calls_parked
/// [`Limits::outbound_high_water`]: mcp_proto::limits::Limits::outbound_high_water
/// [`Limits::outbound_stall`]: mcp_proto::limits::Limits::outbound_stall
///
/// A whole server whose handlers are plain function pointers, run in place:
///
/// ```
/// use mcp_server_core::{Conn, Event, Outcome, Service};
/// use mcp_server_core::mcp_proto::{
///     json::Json,
///     time::Instant,
///     types::{CallToolResult, Implementation, Tool},
/// };
///
/// type Handler = fn() -> &'static str;
/// let service = Service::<Handler>::builder(Implementation::new("demo", "1.0.0"))
///     .tool(Tool::new("greet", Json::parse(r#"{"type":"object"}"#).unwrap()), || "hello")
///     .build()
///     .unwrap();
/// let mut conn = Conn::new(service.into(), 0, Instant::ZERO);
///
/// let mut sent = Vec::new();
/// let mut say = |line: &str| {
///     conn.handle_bytes(line.as_bytes(), Instant::ZERO);
///     while let Some(event) = conn.poll_event() {
///         if let Event::Call(call) = event {
///             let outcome = Outcome::Tool(CallToolResult::text((call.handler)()));
///             let _ = conn.finish(call.ticket, outcome, Instant::ZERO);
///         }
///     }
///     sent.clear();
///     while conn.poll_transmit(&mut sent) {}
///     String::from_utf8_lossy(&sent).into_owned()
/// };
///
/// // A client of the stateless era says in each request who it is.
/// let answer = say(concat!(
///     r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet","_meta":{"#,
///     r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
///     r#""io.modelcontextprotocol/clientCapabilities":{}}}}"#, "\n",
/// ));
/// assert!(answer.starts_with(concat!(
///     r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","#,
///     r#""content":[{"type":"text","text":"hello"}],"_meta":"#,
/// )));
///
/// // One of the handshake era asks first.
/// assert_eq!(
///     say("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n"),
///     "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n",
/// );
/// ```
#[derive(Debug)]
pub struct Conn<H> {
    service: Arc<Service<H>>,
    session: Session,
    lines: LineDecoder,
    input: Input,
    now: Instant,
    // Events whose handlers are those of an earlier service.
    attached: VecDeque<Event<H>>,
}

#[derive(Debug, PartialEq)]
enum Input {
    Open,
    /// The end was recorded; lines may be left.
    Ending,
    /// The session was told.
    Ended,
}

impl<H: Clone> Conn<H> {
    /// A connection on which nothing was said yet.
    ///
    /// `tag` becomes part of every [`CallId`] of this connection. Give each connection another one,
    /// and a ticket that was taken to the wrong one is noticed.
    #[must_use]
    pub fn new(service: Arc<Service<H>>, tag: u32, now: Instant) -> Self {
        let limits = service.limits();
        Self {
            session: Session::new(tag, service.shared_limits(), now),
            lines: LineDecoder::new(limits.message_bytes),
            service,
            input: Input::Open,
            now,
            attached: VecDeque::new(),
        }
    }

    /// Leaves a call for which there is no room unread, and all that stands behind it, rather than
    /// to answer it "busy" at once. [`wants_read`](Self::wants_read) is `false` meanwhile, so that a
    /// client which asks for more than is answered is slowed down.
    ///
    /// For 500 ms after there was no room, and for 10 ms more with each call that ends: cancellations
    /// and answers behind it are not to wait for calls that take their time.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.session.be_patient();
        self
    }

    /// Says on whose behalf the peer asks, as whoever let it in has established; to be told before
    /// anything is read. By default on nobody's in particular.
    pub fn on_behalf_of(&mut self, subject: Option<Arc<str>>) {
        self.session.set_subject(subject);
    }

    /// Bytes from the peer, cut anywhere.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        self.tick(now);
        if self.input == Input::Open && !self.session.is_closed() {
            self.lines.store(bytes);
        }
    }

    /// The peer will send nothing more. What it has asked is still answered: calls that run get
    /// [`Limits::drain_timeout`](mcp_proto::limits::Limits::drain_timeout), streams end at once.
    pub fn handle_eof(&mut self, now: Instant) {
        self.tick(now);
        if self.input == Input::Open {
            self.input = Input::Ending;
        }
    }

    /// Time has passed: what is due is done. Afterwards [`poll_timeout`](Self::poll_timeout) lies
    /// in the future.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.tick(now);
        self.session.handle_timeout(now);
    }

    /// Something has changed that clients may have asked to be told about.
    ///
    /// Any number of changes waits as one for a client that is slow to read.
    pub fn handle_change(&mut self, change: &Change, now: Instant) {
        self.tick(now);
        self.session.handle_change(change, now);
    }

    /// The service has a successor: later requests see it, and clients are told of the lists that
    /// differ. Calls that run keep their handlers.
    pub fn handle_service(&mut self, service: Arc<Service<H>>, now: Instant) {
        self.tick(now);
        // Calls that were found in the old service have their places there.
        while let Some(event) = self.session.poll_event(&*self.service) {
            if let Some(event) = self.attach(event) {
                self.attached.push_back(event);
            }
        }
        let changes = service.changes_since(&self.service);
        self.service = service;
        for change in &changes {
            self.session.handle_change(change, now);
        }
    }

    /// The outcome of a call.
    pub fn finish(&mut self, ticket: Ticket, outcome: Outcome, now: Instant) -> Delivery {
        self.tick(now);
        self.session.finish(ticket, outcome, &*self.service, now)
    }

    /// The ticket of this call is lost: its handler panicked, or was dropped. Where an answer is
    /// still owed it is an internal error.
    ///
    /// Call it for every ticket that is not brought to [`finish`](Self::finish), those of
    /// [cancelled](Event::Cancelled) calls included: that is what ends a call's share in
    /// [`Limits::calls_in_flight`](mcp_proto::limits::Limits::calls_in_flight).
    pub fn abandon(&mut self, call: CallId, now: Instant) -> Delivery {
        self.tick(now);
        self.session.abandon(call, &*self.service, now)
    }

    /// What a handler tells while it runs.
    pub fn note(&mut self, call: CallId, note: Note, now: Instant) -> Delivery {
        self.tick(now);
        self.session.note(call, note, now)
    }

    /// Ends the connection: streams with their results, calls with an error, their handlers' tokens
    /// set. The rest of the output is still to be transmitted, then comes [`Event::Closed`].
    pub fn close(&mut self, now: Instant) {
        self.tick(now);
        self.session.close(now);
    }

    /// What is to be done next. Takes at most one message out of the input for each event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<H>> {
        loop {
            if let Some(event) = self.attached.pop_front() {
                return Some(event);
            }
            match self.session.poll_event(&*self.service) {
                Some(event) => {
                    if let Some(event) = self.attach(event) {
                        return Some(event);
                    }
                }
                None if self.read_line() => {}
                None => return None,
            }
        }
    }

    /// Bytes to be sent: whole messages, each ended by a newline. Tells whether there were any.
    ///
    /// All there are where `out` is empty, by exchanging the buffers, so that nothing is copied:
    /// give the same buffer back once it is sent. Otherwise one message is appended. Take only
    /// what can be sent soon: what waits here is bounded, and its waiting is what slows a client
    /// down that asks for more than it reads.
    #[must_use]
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.session.poll_transmit(out)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, if nothing else happens
    /// before. It may come too early; there is another time then.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.session.poll_timeout()
    }

    /// Whether to read from the peer. `false` while too much of our output waits, while a call waits
    /// unread for room, and after the end: leave its bytes in the kernel.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.input == Input::Open && self.session.wants_message()
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.session.wants_write()
    }

    /// Whether it has ended. [`Event::Closed`] and events before it may be left to be polled.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.session.is_closed()
    }

    /// What it serves.
    #[must_use]
    pub fn service(&self) -> &Arc<Service<H>> {
        &self.service
    }

    // Takes one message out of the input. Tells whether there may be more to do.
    fn read_line(&mut self) -> bool {
        if !self.session.wants_message() {
            return false;
        }
        let arrival = Arrival::new(&*self.service, 0);
        let line = match (self.lines.next_line(), &self.input) {
            (Some(line), _) => Some(line),
            (None, Input::Ending) => self.lines.finish(),
            (None, _) => return false,
        };
        match line {
            Some(Ok(Line::Owned(bytes))) => match String::from_utf8(bytes) {
                Ok(text) => {
                    self.session
                        .handle_text(&text, &arrival.within(&text), self.now);
                    if self.session.has_held_back() {
                        self.lines.put_back_owned(text.into_bytes());
                        return false;
                    }
                    self.session.lend(text);
                }
                Err(_) => self
                    .session
                    .handle_rejected(Rejected::not_utf8(), &arrival, self.now),
            },
            Some(Ok(line)) => match str::from_utf8(line.as_bytes()) {
                Ok(text) => {
                    self.session.handle_text(text, &arrival, self.now);
                    if self.session.has_held_back() {
                        self.lines.put_back();
                        return false;
                    }
                }
                Err(_) => self
                    .session
                    .handle_rejected(Rejected::not_utf8(), &arrival, self.now),
            },
            Some(Err(error)) => self.session.handle_unframed(error, &arrival, self.now),
            None => {
                self.input = Input::Ended;
                self.session.end_input(self.now);
            }
        }
        true
    }

    // Puts the handler into a call. The place was found in this very service a moment ago.
    fn attach(&mut self, event: Event<Place>) -> Option<Event<H>> {
        Some(match event {
            Event::Call(Call {
                ticket,
                handler,
                work,
                context,
            }) => {
                let Some(handler) = self.service.handler_at(handler).cloned() else {
                    self.session.abandon(ticket.0, &*self.service, self.now);
                    return None;
                };
                Event::Call(Call {
                    ticket,
                    handler,
                    work,
                    context,
                })
            }
            Event::Cancelled(call) => Event::Cancelled(call),
            Event::Fault(fault) => Event::Fault(fault),
            Event::Closed(why) => Event::Closed(why),
        })
    }

    fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }
}
