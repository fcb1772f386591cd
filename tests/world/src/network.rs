//! One client's HTTP exchanges, between it and the server: they overtake each other, get lost,
//! come twice, and break off in the middle of an event.

use http::{Request, header::HeaderName, response::Parts};
use mcp_client_core::http::FetchId;
use mcp_proto::{frame::SseDecoder, http::EVENT_STREAM};
use mcp_server_core::http::Exchange;

use crate::{handlers::Act, judge::Judge, trace::Trace};

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
}

/// What the judge reads of a response.
#[derive(Debug)]
enum Reader {
    Nothing,
    Events(SseDecoder),
    Whole(Vec<u8>),
}

impl Transfer {
    pub(crate) fn new(number: u64, fetch: Option<FetchId>, request: Request<Vec<u8>>) -> Self {
        Self {
            number,
            fetch,
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
        let kind = head.headers.get(http::header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        self.reader = if kind.starts_with(EVENT_STREAM) {
            Reader::Events(SseDecoder::new(1 << 20))
        } else if kind.starts_with("application/json") {
            Reader::Whole(Vec::new())
        } else {
            Reader::Nothing
        };
        self.head = Some(head);
    }

    /// The server has written a part of the body, which the judge reads.
    pub(crate) fn take_body(&mut self, part: &[u8], judge: &mut Judge, trace: &mut Trace) {
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
                    // Those of other names belong to the transport.
                    if event.is_message() && event.name == "message" {
                        let text = std::str::from_utf8(event.data).expect("it is UTF-8");
                        trace.note(format_args!("~{} > {text}", self.number));
                        judge.server_says(text);
                    }
                }
            }
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
