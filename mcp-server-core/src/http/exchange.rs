//! One HTTP request and its response.
//!
//! ```text
//!  head ─guard─▶ verdict ─▶ body ─parse, mirrors, version─▶ running ─answer first, in time─▶ JSON ─▶ end
//!    │              │         │  └ notification ─▶ 202          └─ note, too late, or a subscription ─▶ events ─▶ end
//!    │              │         └ of an older revision ─▶ `HttpServer::join`, which hands it messages
//!    └ 403 404 405  └ 401 403 + challenge ─ 400 404 406 413 415 ─▶ end
//! ```

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use http::{Method as HttpMethod, Response, StatusCode, header, request::Parts};
use mcp_proto::{
    rpc::{self, CallId},
    time::Instant,
};

use super::{
    arrival::{Complete, Content, Request},
    event::{HttpEvent, Verdict},
    head::{self, Way},
    options::{HttpOptions, SessionMode},
    page,
    refusal::{Refusal, shutting_down, unreadable},
    reply::{Body, Reply},
    request::{self, Target},
    seat::Seated,
    serving::Serving,
};
use crate::{
    call::{Change, Delivery, Event, Note, Outcome, Ticket},
    interest::Interest,
    service::Service,
};

/// One HTTP request and its response, as a machine.
///
/// Exchanges of revision 2026-07-28 share nothing but the [`Service`]; many can run at once
/// without a lock. Those whose head does not say that they are of that revision say
/// [`HttpEvent::Join`] once their body is there, and are then fed by the
/// [`HttpServer`](super::HttpServer) where they are of an older one.
///
/// Drive it so: hand in what comes (`handle_*`, `finish`, `note`), drain
/// [`poll_event`](Self::poll_event), take [`poll_head`](Self::poll_head) and
/// [`poll_body`](Self::poll_body), then wait for whatever comes first, but no longer than until
/// [`poll_timeout`](Self::poll_timeout). The response may be there before the request's body is.
#[derive(Debug)]
pub struct Exchange<H> {
    service: Arc<Service<H>>,
    options: Arc<HttpOptions>,
    tag: u32,
    state: State<H>,
    reply: Reply,
    now: Instant,
}

#[derive(Debug)]
enum State<H> {
    /// Nothing is decided before the verdict. `true`: it was asked for.
    Judging(Box<Request>, bool),
    /// The body is wanted, unless it is complete.
    Receiving(Box<Request>),
    /// To be taken into a session. `true`: that was said.
    Joining(Box<Request>, bool),
    /// Served on its own.
    Serving(Box<Serving<H>>),
    /// Reads a stream of a session.
    Seated(Box<Seated>),
    /// There is nothing to be done but to send the reply.
    Done,
}

impl<H: Clone> Exchange<H> {
    /// An exchange for a request whose head has come. Its calls are marked with `tag`.
    #[must_use]
    pub fn new(
        service: Arc<Service<H>>,
        options: Arc<HttpOptions>,
        head: Parts,
        tag: u32,
        now: Instant,
    ) -> Self {
        let limits = service.limits();
        let mut reply = Reply::new(limits.keep_alive, limits.outbound_stall);
        let deadline = now.saturating_add(limits.outbound_stall);
        let way = head::find_way(&head, &options, limits.message_bytes);
        if head.method == HttpMethod::HEAD {
            reply.set_headless();
        }
        if !matches!(&way, Way::Refuse(refusal) if refusal.status == StatusCode::FORBIDDEN) {
            head::add_cors(&head, &options, reply.headers_mut());
        }
        let judged = options.authorize && way.is_protected();
        let length = head.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let request = Box::new(Request {
            version: head::version_of(&head.headers),
            head,
            way,
            body: Vec::new(),
            subject: None,
            length: length.unwrap_or(0),
            complete: false,
            deadline,
        });
        let mut exchange = Self {
            service,
            options,
            tag,
            state: State::Done,
            reply,
            now,
        };
        if judged {
            exchange.state = State::Judging(request, false);
        } else {
            exchange.admit(request);
        }
        exchange
    }

    // ── in ──────────────────────────────────────────────────────────────────────────────────────

    /// A part of the body.
    pub fn handle_body(&mut self, chunk: &[u8], now: Instant) {
        self.now = now;
        let limits = self.service.limits();
        let (State::Judging(request, _) | State::Receiving(request)) = &mut self.state else {
            return;
        };
        if request.body.len() + chunk.len() > limits.message_bytes {
            let refusal = head::too_large(limits.message_bytes);
            return self.refuse(refusal);
        }
        request.deadline = now.saturating_add(limits.outbound_stall);
        request.take_chunk(chunk);
    }

    /// The end of the body.
    pub fn handle_body_end(&mut self, now: Instant) {
        self.now = now;
        if let State::Judging(request, _) | State::Receiving(request) = &mut self.state {
            request.complete = true;
        }
    }

    /// The client is gone. From 2026-07-28 on that cancels its call (MUST, "Cancellation"); calls
    /// of older revisions go on (SHOULD NOT be taken for a cancellation).
    ///
    /// An exchange with a session is to be handed to
    /// [`HttpServer::leave`](super::HttpServer::leave) as well.
    pub fn handle_disconnect(&mut self, now: Instant) {
        self.now = now;
        self.reply.cut();
        match &mut self.state {
            State::Serving(serving) => {
                serving.handle_disconnect();
                // What waited for room has nobody to wait for.
                serving.pump(&mut self.reply, now);
            }
            State::Seated(_) => {}
            _ => self.state = State::Done,
        }
    }

    /// What [`HttpEvent::Authorize`] asked for.
    pub fn handle_verdict(&mut self, verdict: Verdict, now: Instant) {
        self.now = now;
        let State::Judging(mut request, asked) = core::mem::replace(&mut self.state, State::Done)
        else {
            return;
        };
        match verdict {
            Verdict::Allow(subject) if asked => {
                request.subject = subject;
                self.admit(request);
            }
            Verdict::Allow(_) => self.state = State::Judging(request, asked),
            Verdict::Deny { status, challenge } => {
                let mut refusal = Refusal::bare(status);
                refusal.challenge = challenge;
                self.refuse(refusal);
            }
        }
    }

    /// What the server offers has changed. Without effect on anything but a subscription.
    pub fn handle_service(&mut self, service: Arc<Service<H>>, now: Instant) {
        self.now = now;
        self.service = Arc::clone(&service);
        if let State::Serving(serving) = &mut self.state {
            serving.dialog.handle_service(service, now);
            serving.pump(&mut self.reply, now);
        }
    }

    /// Both at once, so that the client is told once of a list that is part of both.
    pub fn handle_changes(
        &mut self,
        service: Option<&Arc<Service<H>>>,
        changes: &[Change],
        now: Instant,
    ) {
        self.now = now;
        if let Some(service) = service {
            self.service = Arc::clone(service);
        }
        if let State::Serving(serving) = &mut self.state {
            if let Some(service) = service {
                serving.dialog.handle_service(Arc::clone(service), now);
            }
            for change in changes {
                serving.dialog.handle_change(change, now);
            }
            serving.pump(&mut self.reply, now);
        }
    }

    /// Something has changed that clients may have subscribed to.
    pub fn handle_change(&mut self, change: &Change, now: Instant) {
        self.now = now;
        if let State::Serving(serving) = &mut self.state {
            serving.dialog.handle_change(change, now);
            serving.pump(&mut self.reply, now);
        }
    }

    /// The time has come that [`poll_timeout`](Self::poll_timeout) told.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        if self.reply.handle_timeout(now) {
            self.handle_disconnect(now);
        }
        match &mut self.state {
            State::Receiving(request) if now >= request.deadline && !request.complete => {
                let message = "the body did not come in time";
                self.refuse(Refusal::http(StatusCode::REQUEST_TIMEOUT, message));
            }
            State::Serving(serving) => serving.handle_timeout(&mut self.reply, now),
            State::Seated(seated) => seated.handle_timeout(&mut self.reply, now),
            _ => {}
        }
    }

    /// Ends what would go on for ever: a subscription, with its result; a body that is still
    /// coming. Calls go on.
    pub fn shut_down(&mut self, now: Instant) {
        self.now = now;
        match &mut self.state {
            State::Serving(serving) => {
                serving.dialog.end_subscriptions(now);
                serving.pump(&mut self.reply, now);
            }
            State::Judging(..) | State::Receiving(_) | State::Joining(..) => {
                self.refuse(shutting_down());
            }
            State::Seated(_) | State::Done => {}
        }
    }

    /// A call's outcome.
    pub fn finish(&mut self, ticket: Ticket, outcome: Outcome, now: Instant) -> Delivery {
        self.now = now;
        let State::Serving(serving) = &mut self.state else {
            return Delivery::Discarded;
        };
        let delivery = serving.dialog.finish(ticket, outcome, now);
        serving.pump(&mut self.reply, now);
        delivery
    }

    /// A call whose ticket is lost, because its handler panicked.
    pub fn abandon(&mut self, call: CallId, now: Instant) -> Delivery {
        self.now = now;
        let State::Serving(serving) = &mut self.state else {
            return Delivery::Discarded;
        };
        let delivery = serving.dialog.abandon(call, now);
        serving.pump(&mut self.reply, now);
        delivery
    }

    /// What a handler tells while it runs.
    pub fn note(&mut self, call: CallId, note: Note, now: Instant) -> Delivery {
        self.now = now;
        let State::Serving(serving) = &mut self.state else {
            return Delivery::Discarded;
        };
        let delivery = serving.dialog.note(call, note, now);
        serving.pump(&mut self.reply, now);
        delivery
    }

    // ── out ─────────────────────────────────────────────────────────────────────────────────────

    /// What is to be done next; `None` until something comes in.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<HttpEvent<H>> {
        loop {
            match &mut self.state {
                State::Judging(request, asked @ false) => {
                    *asked = true;
                    return Some(HttpEvent::Authorize(head::bearer_of(&request.head.headers)));
                }
                State::Receiving(request) if request.complete => self.read(),
                State::Joining(_, asked @ false) => {
                    *asked = true;
                    return Some(HttpEvent::Join);
                }
                State::Serving(serving) => {
                    if serving.begins_to_listen() {
                        return Some(HttpEvent::Listen);
                    }
                    let event = serving.dialog.poll_event(self.now);
                    serving.pump(&mut self.reply, self.now);
                    return match event? {
                        Event::Call(call) => Some(HttpEvent::Call(call)),
                        Event::Cancelled(call) => Some(HttpEvent::Cancelled(call)),
                        _ => continue,
                    };
                }
                _ => return None,
            }
        }
    }

    /// The response's head, once: JSON or events are settled here.
    #[must_use]
    pub fn poll_head(&mut self) -> Option<Response<()>> {
        self.reply.poll_head()
    }

    /// Appends what there is of the response's body. Take the head first.
    #[must_use]
    pub fn poll_body(&mut self, out: &mut Vec<u8>) -> Body {
        let body = self.reply.poll_body(out);
        if let State::Serving(serving) = &mut self.state {
            // There is room again for what the calls have told meanwhile.
            serving.pump(&mut self.reply, self.now);
        }
        body
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = match &self.state {
            State::Receiving(request) if !request.complete => Some(request.deadline),
            State::Serving(serving) => serving.poll_timeout(&self.reply),
            State::Seated(seated) => seated.poll_timeout(&self.reply),
            _ => None,
        };
        own.into_iter().chain(self.reply.poll_timeout()).min()
    }

    /// Whether more of the request's body is wanted. Otherwise it need not be read.
    #[must_use]
    pub fn wants_body(&self) -> bool {
        matches!(&self.state, State::Receiving(request) if !request.complete)
    }

    /// Whether the exchange reads a stream of a session: after whatever comes in, hand it to
    /// [`HttpServer::ferry`](super::HttpServer::ferry), and at its end to
    /// [`HttpServer::leave`](super::HttpServer::leave).
    #[must_use]
    pub fn is_seated(&self) -> bool {
        matches!(self.state, State::Seated(_))
    }

    /// What its subscription is about, beside lists, once it has said [`HttpEvent::Listen`]: it
    /// needs not be told of anything else.
    #[must_use]
    pub fn interest(&self) -> Interest {
        match &self.state {
            State::Serving(serving) => serving.dialog.interest(),
            _ => Interest::default(),
        }
    }

    /// Whether nothing is left to be done once the reply is sent: no call runs any more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match &self.state {
            State::Done => true,
            State::Serving(serving) => serving.is_over(),
            _ => false,
        }
    }

    // ── between ─────────────────────────────────────────────────────────────────────────────────

    // Lets a request go its way, as far as its head leads.
    fn admit(&mut self, mut request: Box<Request>) {
        let now = self.now;
        match core::mem::replace(&mut request.way, Way::Page) {
            Way::Refuse(refusal) => self.refuse(refusal),
            Way::Preflight => self.reply.whole(StatusCode::NO_CONTENT, None, now, |_| {}),
            Way::Route => self.route(&request.head),
            Way::Page => {
                page::set_headers(self.reply.headers_mut());
                let (service, options) = (&*self.service, &*self.options);
                self.reply
                    .whole(StatusCode::OK, Some(page::CONTENT_TYPE), now, |out| {
                        page::write(out, service, options, &request.head);
                    });
            }
            way @ (Way::Post | Way::PairPost) => {
                request.way = way;
                self.state = State::Receiving(request);
            }
            way @ (Way::Listen | Way::Delete | Way::PairStream) => {
                request.way = way;
                self.state = State::Joining(request, false);
            }
        }
    }

    fn route(&mut self, head: &Parts) {
        let Some(route) = self.options.find_route(head) else {
            return;
        };
        let (answer, body) = (route.answer)(head).into_parts();
        // CORS headers of the route's own win.
        for (name, value) in &answer.headers {
            self.reply.headers_mut().insert(name, value.clone());
        }
        self.reply.whole(answer.status, None, self.now, |out| {
            out.extend_from_slice(&body);
        });
    }

    // Reads a complete body, unless it may belong to a session: then it is read when it joins.
    fn read(&mut self) {
        let State::Receiving(request) = core::mem::replace(&mut self.state, State::Done) else {
            return;
        };
        let stateful = self.options.sessions == SessionMode::Stateful;
        if request.way == Way::PairPost || stateful && !request.version.is_modern() {
            self.state = State::Joining(request, false);
            return;
        }
        let complete = Complete::new(request);
        // An `initialize` that says nothing of the revision in the header.
        if self.sort(&complete).is_some() {
            self.state = State::Joining(complete.into_request(), false);
        } else {
            self.lend(complete);
        }
    }

    /// What a request says that wants to join a session. `None` where it belongs to none: it is
    /// served or refused here, and its text is to be [lent](Self::lend).
    pub(super) fn sort<'a>(&mut self, complete: &'a Complete) -> Option<Content<'a>> {
        let Complete { request, text } = complete;
        let (version, limits) = (request.version, self.service.limits());
        let text = match (text, &request.way) {
            (Ok(text), Way::Post) => text,
            (Ok(text), Way::PairPost) => {
                let incoming = rpc::parse_text(text, limits);
                return Some(match incoming {
                    Ok(incoming) => Content::Messages(incoming, text),
                    Err(rejected) => Content::Unreadable(unreadable(rejected)),
                });
            }
            (Err(rejected), Way::PairPost) => {
                return Some(Content::Unreadable(unreadable(rejected.clone())));
            }
            (Err(rejected), Way::Post) => {
                self.refuse(request::refusal(rejected.clone(), version));
                return None;
            }
            _ => return Some(Content::Nothing),
        };
        let (service, tag, now) = (&self.service, self.tag, self.now);
        let served = match request::classify(text, version, self.options.sessions, limits) {
            Err(refusal) => Err(refusal),
            Ok(Target::Accepted) => {
                self.accept();
                return None;
            }
            Ok(Target::Modern(message)) => {
                Serving::modern(service, message, text, request, &self.options, tag, now)
            }
            Ok(Target::Handshake(incoming)) if self.options.sessions == SessionMode::Stateless => {
                Serving::stateless(service, incoming, text, request, tag, now)
            }
            Ok(Target::Handshake(incoming)) => return Some(Content::Messages(incoming, text)),
        };
        match served {
            Ok(serving) if serving.owes_nothing() => self.accept(),
            Ok(serving) => self.state = State::Serving(Box::new(serving)),
            Err(refusal) => self.refuse(refusal),
        }
        None
    }

    /// Hands over the text of a request that was [sorted](Self::sort): it need not be copied.
    pub(super) fn lend(&mut self, complete: Complete) {
        if let (State::Serving(serving), Ok(text)) = (&mut self.state, complete.text) {
            serving.dialog.lend(text);
        }
    }

    // 202: taken, and there is nothing to say.
    fn accept(&mut self) {
        self.respond(StatusCode::ACCEPTED, self.now);
    }

    /// A status without a body.
    pub(super) fn respond(&mut self, status: StatusCode, now: Instant) {
        self.respond_with(now, |reply| reply.whole(status, None, now, |_| {}));
        self.state = State::Done;
    }

    pub(super) fn respond_with(&mut self, now: Instant, write: impl FnOnce(&mut Reply)) {
        self.now = now;
        write(&mut self.reply);
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        refusal.answer(&mut self.reply, self.now);
        self.state = State::Done;
    }

    /// The request that wants to be taken into a session.
    pub(super) fn take_complete(&mut self, now: Instant) -> Option<Complete> {
        self.now = now;
        match core::mem::replace(&mut self.state, State::Done) {
            State::Joining(request, _) => Some(Complete::new(request)),
            state => {
                self.state = state;
                None
            }
        }
    }

    pub(super) fn sit(&mut self, seated: Seated) {
        self.state = State::Seated(Box::new(seated));
    }

    pub(super) fn stand_up(&mut self) -> Option<Box<Seated>> {
        match core::mem::replace(&mut self.state, State::Done) {
            State::Seated(seated) => Some(seated),
            state => {
                self.state = state;
                None
            }
        }
    }

    /// The seat, and the reply that is written there.
    pub(super) fn seat_and_reply(&mut self, now: Instant) -> (Option<&mut Seated>, &mut Reply) {
        self.now = now;
        let seated = match &mut self.state {
            State::Seated(seated) => Some(&mut **seated),
            _ => None,
        };
        (seated, &mut self.reply)
    }
}
