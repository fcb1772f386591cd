//! One client's HTTP exchanges, between it and the server: they overtake each other, get lost,
//! come twice, and break off in the middle of an event.

use std::collections::VecDeque;

use http::{HeaderMap, Request, header::HeaderName, response::Parts};
use mcp_client_core::http::FetchId;
use mcp_proto::{
    frame::SseDecoder,
    http::{EVENT_STREAM, names},
    time::Instant,
};
use mcp_server_core::http::{EventId, Exchange};

use crate::{
    handlers::Act,
    judge::Judge,
    kept::{Memory, Thing, Versions},
    shelf::{Places, Shelves},
    trace::Trace,
};

/// All exchanges of one client.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) judge: Judge,
    /// New exchanges wait for a step.
    pub(crate) stopped: bool,
    /// Bodies come in pieces of at most so many bytes; 0 for no such bound.
    pub(crate) piece: usize,
    /// Something was lost, doubled or changed: answers may come twice, and calls may fail.
    pub(crate) faulty: bool,
    /// A header was taken away, which nobody has to cope with for ever.
    pub(crate) crippled: bool,
    /// How far streams have come through to the client.
    pub(crate) places: Places,
}

impl Network {
    pub(crate) fn new() -> Self {
        let mut judge = Judge::default();
        judge.reopens = true;
        // A refusal is an answer to the exchange.
        judge.disturbed = true;
        Self {
            transfers: Vec::new(),
            judge,
            stopped: false,
            piece: 0,
            faulty: false,
            crippled: false,
            places: Places::default(),
        }
    }
}

/// One exchange on its way.
#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) number: u64,
    /// Who waits for the response; nobody where it is a second copy, or the client has left.
    pub(crate) fetch: Option<FetchId>,
    pub(crate) request: Request<Vec<u8>>,
    pub(crate) exchange: Option<Exchange<Act>>,
    pub(crate) arrived: bool,
    pub(crate) listens: bool,
    /// It was opened by a client that is no more, whose words the judge does not know.
    pub(crate) foreign: bool,
    /// The server knows that nobody reads its response any more.
    pub(crate) gone: bool,
    /// The response's head, until the client has it.
    pub(crate) head: Option<Parts>,
    /// The client has the head.
    pub(crate) headed: bool,
    pub(crate) body: Vec<u8>,
    pub(crate) ended: bool,
    /// It waits for a step.
    pub(crate) stopped: bool,
    /// A proxy keeps everything until it has all of it.
    pub(crate) buffered: bool,
    /// Nobody takes the response from the server.
    pub(crate) slow: bool,
    /// A header that gets lost on the way back.
    pub(crate) stripped: Option<HeaderName>,
    reader: Reader,
    /// The session that it belongs to, if any.
    session: String,
    /// The last event that was written, or the one that it goes on after.
    written: Option<EventId>,
    /// The versions that were the newest when changes were told, for each that has not arrived.
    changes: VecDeque<(Thing, u32)>,
    /// What the client reads of it.
    seen: Reader,
}

/// No event of a server of ours is longer.
const EVENT: usize = 1 << 20;

/// An event follows the one before it on its stream, and passes over none that is kept.
fn goes_on(
    before: Option<EventId>,
    id: EventId,
    is_message: bool,
    session: &str,
    shelves: &Shelves,
) {
    let Some(before) = before else { return };
    assert_eq!(before.stream, id.stream, "R3: an event of another stream");
    let follows = id.number > before.number || (!is_message && id.number == before.number);
    assert!(follows, "R3: event {id} comes after {before}");
    let kept = shelves.next(session, before);
    let passed = kept.filter(|kept| kept.number < id.number || (!is_message && *kept == id));
    assert_eq!(passed, None, "R3: passed over by {id}, after {before}");
    let kept = !is_message || shelves.has_had(session, id);
    assert!(kept, "R3: {id} is sent and not kept");
}

/// What is read of a response.
#[derive(Debug)]
enum Reader {
    Nothing,
    Events(SseDecoder),
    Whole(Vec<u8>),
}

impl Reader {
    fn of(head: &Parts) -> Self {
        let kind = text(&head.headers, &http::header::CONTENT_TYPE).unwrap_or_default();
        if kind.starts_with(EVENT_STREAM) {
            Self::Events(SseDecoder::new(EVENT))
        } else if kind.starts_with("application/json") {
            Self::Whole(Vec::new())
        } else {
            Self::Nothing
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl Transfer {
    /// The event after which the client wants to go on.
    pub(crate) fn resumes(&self) -> Option<(&str, EventId)> {
        Some((&self.session, self.written?))
    }

    pub(crate) fn new(number: u64, fetch: Option<FetchId>, request: Request<Vec<u8>>) -> Self {
        let session = text(request.headers(), &names::SESSION_ID).unwrap_or_default();
        let last = text(request.headers(), &names::LAST_EVENT_ID);
        Self {
            number,
            fetch,
            session: session.to_owned(),
            written: last.and_then(EventId::parse),
            changes: VecDeque::new(),
            seen: Reader::Nothing,
            request,
            exchange: None,
            arrived: false,
            listens: false,
            foreign: false,
            gone: false,
            head: None,
            headed: false,
            body: Vec::new(),
            ended: false,
            stopped: false,
            buffered: false,
            slow: false,
            stripped: None,
            reader: Reader::Nothing,
        }
    }

    /// The server has settled the response's head.
    pub(crate) fn take_head(&mut self, head: Parts) {
        if let Some(session) = text(&head.headers, &names::SESSION_ID) {
            session.clone_into(&mut self.session);
        }
        self.reader = Reader::of(&head);
        self.head = Some(head);
    }

    /// The server has written a part of the body, which the judge reads.
    pub(crate) fn take_body(
        &mut self,
        part: &[u8],
        (judge, shelves): (&mut Judge, &Shelves),
        newest: Versions,
        trace: &mut Trace,
    ) {
        self.body.extend_from_slice(part);
        if self.foreign {
            return;
        }
        match &mut self.reader {
            Reader::Nothing => {}
            Reader::Whole(whole) => whole.extend_from_slice(part),
            Reader::Events(events) => {
                events.store(part);
                while let Some(event) = events.next_event() {
                    let event = event.expect("a server's events are short");
                    if let Some(id) = event.id.and_then(EventId::parse) {
                        let is_message = event.is_message();
                        goes_on(self.written, id, is_message, &self.session, shelves);
                        self.written = Some(id);
                    }
                    // Those of other names belong to the transport.
                    if event.is_message() && event.name == "message" {
                        let text = std::str::from_utf8(event.data).expect("it is UTF-8");
                        trace.note(format_args!("~{} > {text}", self.number));
                        judge.server_says(text);
                        if let Some(thing) = Thing::of_change(text) {
                            self.changes.push_back((thing, newest[thing as usize]));
                        }
                    }
                }
            }
        }
    }

    /// The client gets the response's head.
    pub(crate) fn give_head(&mut self, head: &Parts) {
        self.headed = true;
        self.seen = Reader::of(head);
    }

    /// The client gets a part of the body.
    pub(crate) fn give_body(
        &mut self,
        part: &[u8],
        (places, memory): (&mut Places, &mut Memory),
        now: Instant,
    ) {
        let events = match &mut self.seen {
            Reader::Nothing => return,
            Reader::Whole(whole) => return whole.extend_from_slice(part),
            Reader::Events(events) => events,
        };
        events.store(part);
        while let Some(event) = events.next_event() {
            let event = event.expect("a server's events are short");
            if let Some(id) = event.id.and_then(EventId::parse) {
                places.reach(&self.session, id, event.is_message());
            }
            let text = String::from_utf8_lossy(event.data);
            if Thing::of_change(&text).is_some() {
                let (thing, version) = self.changes.pop_front().expect("it was written");
                let arrived = &mut memory.arrived[thing as usize];
                *arrived = version.max(*arrived);
            } else {
                memory.receives(&text, now);
            }
        }
    }

    /// The client gets the body's end.
    pub(crate) fn give_end(&mut self, memory: &mut Memory, now: Instant) {
        if let Reader::Whole(whole) = &self.seen {
            memory.receives(&String::from_utf8_lossy(whole), now);
        }
    }

    /// The response is complete.
    pub(crate) fn take_end(&mut self, judge: &mut Judge, trace: &mut Trace) {
        self.ended = true;
        if self.foreign {
            return;
        }
        if let Reader::Whole(whole) = &self.reader
            && !whole.is_empty()
        {
            let text = std::str::from_utf8(whole).expect("a server writes UTF-8");
            trace.note(format_args!("~{} > {text}", self.number));
            judge.server_says(text);
        }
    }

    /// Whether nothing more can come of it.
    pub(crate) fn is_over(&self) -> bool {
        self.fetch.is_none() && self.arrived && self.exchange.is_none()
    }
}
