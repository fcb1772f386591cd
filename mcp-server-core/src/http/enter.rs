//! How requests find their session, or open one.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

use http::StatusCode;
use mcp_proto::{
    http::session_id,
    rpc::{Incoming, Message, RpcError},
    time::Instant,
    version::ProtocolVersion,
};

use super::{
    arrival::{Content, Request},
    dialog::Dialog,
    head::{self, VersionHeader, Way},
    legacy::{HttpSession, Tray},
    refusal::{Refusal, shutting_down},
    seat::Form,
    server::{HttpServer, HttpServerEvent},
    serving::{id_of, is_initialize, no_batches, unknown_version},
    store::EventId,
    streams::{Next, Seat},
};

/// What becomes of an exchange that joins.
pub(super) enum Entry {
    /// It reads a stream.
    Seat { tag: u32, seat: Seat, form: Form },
    /// Its messages were taken in, and there is nothing else to say.
    Told(Told),
    /// Its session has ended, as it wanted.
    Ended,
    /// `initialize` has failed: there is no session.
    Failed(Vec<Box<[u8]>>),
}

/// A session that has taken messages, which are still to be lent, and it to be pumped.
pub(super) struct Told {
    tag: u32,
    // Where the answers are read, if there is a request among the messages.
    seat: Option<(Seat, Form)>,
    // It was opened for them.
    opened: bool,
}

impl<H: Clone, W: Clone> HttpServer<H, W> {
    /// `entropy` is wanted where the request [may open a session](Content::opens).
    pub(super) fn enter(
        &mut self,
        request: &Request,
        content: Content<'_>,
        waker: W,
        entropy: Option<&[u8; 16]>,
        now: Instant,
    ) -> Result<Entry, Refusal> {
        if self.closed {
            return Err(shutting_down());
        }
        match (&request.way, content) {
            (Way::Listen, _) => self.listen(request, waker, now),
            (Way::PairStream, _) => self.open_pair(request, waker, entropy, now),
            (Way::PairPost, content) => self.post_to_pair(request, content, now),
            (Way::Post, Content::Messages(messages, text)) => {
                self.post(request, messages, text, waker, entropy, now)
            }
            (Way::Delete, _) => {
                let tag = self.find(request, head::session_of(&request.head.headers)?)?;
                self.end(tag, now);
                Ok(Entry::Ended)
            }
            // Nothing else says `HttpEvent::Join`.
            _ => Err(Refusal::no_session()),
        }
    }

    /// What comes of an entry, once nobody needs the messages any more.
    pub(super) fn follow_up(&mut self, entry: Entry, text: Option<String>, now: Instant) -> Entry {
        let Entry::Told(told) = entry else {
            return entry;
        };
        let tag = told.tag;
        if let (Some(session), Some(text)) = (self.sessions.get_mut(&tag), text) {
            session.dialog.lend(text);
        }
        self.pump(tag, now);
        let Told {
            seat: Some((seat, form)),
            opened,
            ..
        } = told
        else {
            return Entry::Told(told);
        };
        // Nobody gets a session who could not say what it is for.
        let failed = |session: &HttpSession<H, W>| session.dialog.version().is_none();
        if opened
            && self
                .sessions
                .get(&tag)
                .is_some_and(|session| failed(session))
        {
            return Entry::Failed(self.undo(tag, seat, now));
        }
        Entry::Seat { tag, seat, form }
    }

    // Ends a session that was opened in vain: what it has answered.
    fn undo(&mut self, tag: u32, seat: Seat, now: Instant) -> Vec<Box<[u8]>> {
        let mut answers = Vec::new();
        if let Some(session) = self.sessions.get_mut(&tag) {
            let (streams, id, store) = (&mut session.streams, &session.id, &mut *self.store);
            while let Next::Event(event) = streams.take(seat, false, id, store) {
                answers.push(event.message);
            }
        }
        self.end(tag, now);
        answers
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
        if !pair && request.version == VersionHeader::Unknown {
            return Err(unknown_version());
        }
        Ok(tag)
    }

    fn post(
        &mut self,
        request: &Request,
        messages: Incoming<'_>,
        text: &str,
        waker: W,
        entropy: Option<&[u8; 16]>,
        now: Instant,
    ) -> Result<Entry, Refusal> {
        let opens = is_initialize(&messages);
        let refused = |refusal: Refusal| refusal.in_answer_to(id_of(&messages));
        let named = head::session_of(&request.head.headers).map_err(refused)?;
        let tag = match named {
            None if opens => self.add(request, entropy, now),
            named => self.find(request, named),
        };
        let tag = tag.map_err(refused)?;
        if opens && named.is_some() {
            let error = RpcError::invalid_request("the session is initialized already");
            return Err(refused(Refusal::envelope(None, error)));
        }
        self.deliver(tag, messages, text, waker, opens, now)
    }

    // What comes of it is for `follow_up`.
    fn deliver(
        &mut self,
        tag: u32,
        messages: Incoming<'_>,
        text: &str,
        waker: W,
        opened: bool,
        now: Instant,
    ) -> Result<Entry, Refusal> {
        let Some(session) = self.sessions.get_mut(&tag) else {
            return Err(Refusal::no_session());
        };
        let batch = matches!(messages, Incoming::Batch(_));
        if batch && session.dialog.version() != Some(ProtocolVersion::V2025_03_26) {
            return Err(no_batches());
        }
        let owed = answers_owed(&messages);
        let seat = (owed > 0).then(|| session.streams.open(owed, waker));
        let form = session.post_form(&self.options, self.service.limits(), batch);
        let mut tray = Tray {
            events: &mut self.events,
            store: &mut *self.store,
            limits: self.service.limits(),
        };
        session.touch(now);
        let origin = seat.map_or(0, |seat| seat.stream);
        session.handle(messages, text, origin, now, &mut tray);
        let seat = seat.map(|seat| (seat, form));
        Ok(Entry::Told(Told { tag, seat, opened }))
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
        entropy: Option<&[u8; 16]>,
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
    fn post_to_pair(
        &mut self,
        request: &Request,
        content: Content<'_>,
        now: Instant,
    ) -> Result<Entry, Refusal> {
        let found = self.find(request, head::pair_session_of(&request.head));
        let tag = found.map_err(|refusal| refusal.in_answer_to(None))?;
        let (messages, text) = match content {
            Content::Messages(messages, text) => (messages, text),
            Content::Unreadable(refusal) => return Err(refusal),
            Content::Nothing => return Err(Refusal::no_session()),
        };
        let Some(session) = self.sessions.get_mut(&tag) else {
            return Err(Refusal::no_session());
        };
        let batch = matches!(messages, Incoming::Batch(_));
        if batch && session.dialog.version() != Some(ProtocolVersion::V2025_03_26) {
            return Err(no_batches());
        }
        let mut tray = Tray {
            events: &mut self.events,
            store: &mut *self.store,
            limits: self.service.limits(),
        };
        session.touch(now);
        session.handle(messages, text, 0, now, &mut tray);
        let (seat, opened) = (None, false);
        Ok(Entry::Told(Told { tag, seat, opened }))
    }

    fn add(
        &mut self,
        request: &Request,
        entropy: Option<&[u8; 16]>,
        now: Instant,
    ) -> Result<u32, Refusal> {
        let Some(entropy) = entropy else {
            return Err(Refusal::http(
                StatusCode::SERVICE_UNAVAILABLE,
                "there is no randomness for a session's id",
            ));
        };
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

// How many answers there will be: one for each request, and one for each member of a batch that is
// no message.
fn answers_owed(messages: &Incoming<'_>) -> u32 {
    let is_request = |message: &Message<'_>| matches!(message, Message::Request { .. });
    match messages {
        Incoming::Single(message) => u32::from(is_request(message)),
        Incoming::Batch(messages) => {
            let answered = messages
                .iter()
                .filter(|message| message.as_ref().map_or(true, is_request));
            answered.count() as u32
        }
        _ => 0,
    }
}
