//! How requests find their session, or open one.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use http::StatusCode;
use mcp_proto::{
    http::session_id,
    limits::Limits,
    rpc::{self, Message, Rejected, RpcError},
    time::Instant,
    version::ProtocolVersion,
};

use super::{
    arrival::Request,
    dialog::Dialog,
    exchange::shutting_down,
    head::{self, VersionHeader, Way},
    legacy::{HttpSession, Tray},
    refusal::Refusal,
    seat::Form,
    server::{HttpServer, HttpServerEvent},
    serving::{id_of, is_initialize, no_batches, split, unknown_version},
    store::EventId,
    streams::{Next, Seat},
};

/// What becomes of an exchange that joins.
pub(super) enum Entry {
    Seat {
        tag: u32,
        seat: Seat,
        form: Form,
    },
    Done(StatusCode),
    /// `initialize` has failed: there is no session.
    Failed(Vec<Box<[u8]>>),
}

impl<H: Clone, W: Clone> HttpServer<H, W> {
    pub(super) fn enter(
        &mut self,
        request: &mut Request,
        waker: W,
        entropy: &[u8; 16],
        now: Instant,
    ) -> Result<Entry, Refusal> {
        if self.closed {
            return Err(shutting_down());
        }
        match request.way {
            Way::Listen => self.listen(request, waker, now),
            Way::Delete => {
                let tag = self.find(request, head::session_of(&request.head.headers)?)?;
                self.end(tag, now);
                Ok(Entry::Done(StatusCode::NO_CONTENT))
            }
            Way::PairStream => self.open_pair(request, waker, entropy, now),
            Way::PairPost => self.post_to_pair(request, now),
            _ => self.post(request, waker, entropy, now),
        }
    }

    // The session that a request names, if it is one of the same subject. An answer that told the
    // difference would tell whether a session exists.
    fn find(&self, request: &Request, id: Option<&str>) -> Result<u32, Refusal> {
        let id = id.ok_or_else(head::missing_session)?;
        let tag = *self.ids.get(id).ok_or_else(Refusal::no_session)?;
        let Some(session) = self.sessions.get(&tag) else {
            return Err(Refusal::no_session());
        };
        let pair = matches!(request.way, Way::PairPost);
        if session.subject != request.subject || session.pair != pair {
            return Err(Refusal::no_session());
        }
        if !pair && head::version_of(&request.head.headers) == VersionHeader::Unknown {
            return Err(unknown_version());
        }
        Ok(tag)
    }

    fn post(
        &mut self,
        request: &mut Request,
        waker: W,
        entropy: &[u8; 16],
        now: Instant,
    ) -> Result<Entry, Refusal> {
        let text = request.take_text().map_err(unreadable)?;
        let request = &*request;
        let (messages, batch) = parse(&text, self.service.limits())?;
        let opens = !batch && messages.iter().flatten().any(is_initialize);
        let refused = |refusal: Refusal| refusal.in_answer_to(id_of(&messages));
        let named = head::session_of(&request.head.headers).map_err(refused)?;
        if opens && named.is_none() {
            return self.open(request, messages, &text, waker, entropy, now);
        }
        let tag = self.find(request, named).map_err(refused)?;
        if opens {
            let error = RpcError::invalid_request("the session is initialized already");
            return Err(refused(Refusal::envelope(None, error)));
        }
        let whole = (!batch).then_some(&*text);
        let entry = self.deliver(tag, messages, whole, waker, now)?;
        if let Some(session) = self.sessions.get_mut(&tag) {
            session.dialog.lend(text);
        }
        self.pump(tag, now);
        Ok(entry)
    }

    // What comes of it is for `pump`. `whole`: the text of the only message.
    fn deliver(
        &mut self,
        tag: u32,
        messages: Vec<Result<Message<'_>, Rejected>>,
        whole: Option<&str>,
        waker: W,
        now: Instant,
    ) -> Result<Entry, Refusal> {
        let Some(session) = self.sessions.get_mut(&tag) else {
            return Err(Refusal::no_session());
        };
        let batch = whole.is_none();
        if batch && session.dialog.version() != Some(ProtocolVersion::V2025_03_26) {
            return Err(no_batches());
        }
        let answered = |message: &&Result<Message<'_>, Rejected>| !matches!(message, Ok(message) if !is_request(message));
        let owed = messages.iter().filter(answered).count() as u32;
        let seat = (owed > 0).then(|| session.streams.open(owed, waker));
        let form = session.post_form(&self.options, self.service.limits(), batch);
        let mut tray = Tray {
            events: &mut self.events,
            store: &mut *self.store,
            limits: self.service.limits(),
        };
        session.touch(now);
        let origin = seat.map_or(0, |seat| seat.stream);
        session.handle(messages, whole, origin, now, &mut tray);
        Ok(
            seat.map_or(Entry::Done(StatusCode::ACCEPTED), |seat| Entry::Seat {
                tag,
                seat,
                form,
            }),
        )
    }

    fn open(
        &mut self,
        request: &Request,
        messages: Vec<Result<Message<'_>, Rejected>>,
        text: &str,
        waker: W,
        entropy: &[u8; 16],
        now: Instant,
    ) -> Result<Entry, Refusal> {
        let refused = |refusal: Refusal| refusal.in_answer_to(id_of(&messages));
        let tag = self.add(request, entropy, now).map_err(refused)?;
        let entry = self.deliver(tag, messages, Some(text), waker, now)?;
        self.pump(tag, now);
        let Some(session) = self.sessions.get_mut(&tag) else {
            return Ok(entry);
        };
        // Nobody gets a session who could not say what it is for.
        if session.dialog.version().is_none() {
            let mut answers = Vec::new();
            if let Entry::Seat { seat, .. } = entry {
                while let Next::Event(event) =
                    session
                        .streams
                        .take(seat, false, &session.id, &mut *self.store)
                {
                    answers.push(event.message);
                }
            }
            self.end(tag, now);
            return Ok(Entry::Failed(answers));
        }
        Ok(entry)
    }

    fn listen(&mut self, request: &Request, waker: W, now: Instant) -> Result<Entry, Refusal> {
        let headers = &request.head.headers;
        let tag = self.find(request, head::session_of(headers)?)?;
        let Some(session) = self.sessions.get_mut(&tag) else {
            return Err(Refusal::no_session());
        };
        session.touch(now);
        let last = head::last_event_of(headers);
        let seat = match last {
            None => session.streams.open_unasked(waker).ok_or_else(|| {
                Refusal::http(StatusCode::CONFLICT, "the session has a stream already")
            })?,
            Some(last) => {
                // Not 404: that would end the session. Not an empty stream either: clients would
                // come back for more for ever, where they give up after a few errors.
                let unknown = || Refusal::http(StatusCode::BAD_REQUEST, "there is no such event");
                let after = EventId::parse(last).ok_or_else(unknown)?;
                let resumed = session
                    .streams
                    .resume(after, waker, &session.id, &mut *self.store);
                let (seat, former) = resumed.ok_or_else(unknown)?;
                self.events.extend(former.map(HttpServerEvent::Wake));
                seat
            }
        };
        let form = session.listen_form(&self.options, last.is_some());
        self.reschedule(tag);
        Ok(Entry::Seat { tag, seat, form })
    }

    fn open_pair(
        &mut self,
        request: &Request,
        waker: W,
        entropy: &[u8; 16],
        now: Instant,
    ) -> Result<Entry, Refusal> {
        let tag = self.add(request, entropy, now)?;
        let Some(session) = self.sessions.get_mut(&tag) else {
            return Err(Refusal::no_session());
        };
        let seat = session
            .streams
            .open_unasked(waker)
            .ok_or_else(Refusal::no_session)?;
        let form = session.listen_form(&self.options, false);
        self.reschedule(tag);
        Ok(Entry::Seat { tag, seat, form })
    }

    // Whatever is asked is answered on the stream; this request only hears that it has arrived.
    fn post_to_pair(&mut self, request: &mut Request, now: Instant) -> Result<Entry, Refusal> {
        let found = self.find(request, head::pair_session_of(&request.head));
        let tag = found.map_err(|refusal| refusal.in_answer_to(None))?;
        let text = request.take_text().map_err(unreadable)?;
        let (messages, batch) = parse(&text, self.service.limits())?;
        let Some(session) = self.sessions.get_mut(&tag) else {
            return Err(Refusal::no_session());
        };
        if batch && session.dialog.version() != Some(ProtocolVersion::V2025_03_26) {
            return Err(no_batches());
        }
        let mut tray = Tray {
            events: &mut self.events,
            store: &mut *self.store,
            limits: self.service.limits(),
        };
        session.touch(now);
        session.handle(messages, (!batch).then_some(&*text), 0, now, &mut tray);
        session.dialog.lend(text);
        self.pump(tag, now);
        Ok(Entry::Done(StatusCode::ACCEPTED))
    }

    fn add(&mut self, request: &Request, entropy: &[u8; 16], now: Instant) -> Result<u32, Refusal> {
        if self.sessions.len() >= self.service.limits().sessions {
            self.make_room(now)?;
        }
        let id: Box<str> = session_id::from_entropy(entropy).into();
        if self.ids.contains_key(&id) {
            // Never with the entropy that was asked for; two sessions of one id would be worse.
            return Err(Refusal::http(
                StatusCode::SERVICE_UNAVAILABLE,
                "there is no entropy",
            ));
        }
        self.last_tag = self.last_tag.wrapping_add(1);
        while self.sessions.contains_key(&self.last_tag) {
            self.last_tag = self.last_tag.wrapping_add(1);
        }
        let tag = self.last_tag;
        let dialog =
            Dialog::new(Arc::clone(&self.service), tag, now).on_behalf_of(request.subject.clone());
        let pair = request.way == Way::PairStream;
        let session = HttpSession::new(id.clone(), request.subject.clone(), dialog, pair, now);
        self.ids.insert(id, tag);
        self.sessions.insert(tag, Box::new(session));
        Ok(tag)
    }

    // Ends the session that has been idle for the longest time, as most clients never do it.
    fn make_room(&mut self, now: Instant) -> Result<(), Refusal> {
        let idle = self
            .sessions
            .iter()
            .filter_map(|(tag, session)| Some((session.idle_since()?, *tag)));
        let Some((_, tag)) = idle.min() else {
            return Err(Refusal::http(
                StatusCode::SERVICE_UNAVAILABLE,
                "there are too many sessions",
            ));
        };
        self.end(tag, now);
        Ok(())
    }
}

type Messages<'a> = Vec<Result<Message<'a>, Rejected>>;

fn parse<'a>(text: &'a str, limits: &Limits) -> Result<(Messages<'a>, bool), Refusal> {
    rpc::parse_text(text, limits).map(split).map_err(unreadable)
}

fn unreadable(rejected: Rejected) -> Refusal {
    Refusal::envelope(rejected.id, rejected.error).in_answer_to(None)
}

fn is_request(message: &Message<'_>) -> bool {
    matches!(message, Message::Request { .. })
}
