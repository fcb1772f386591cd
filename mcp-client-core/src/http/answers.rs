//! What comes in: messages, streams that end, refusals.

use alloc::{boxed::Box, format, vec::Vec};
use core::time::Duration;

use http::HeaderValue;
use mcp_proto::{
    frame::Line,
    method::Method,
    rpc::{self, Incoming, Message, RequestId, RpcError, codes, write_result},
};

use super::{
    FetchError, FetchId, HttpClient,
    exchange::{Exchange, Reading, Resume, What},
    post::{Post, Role},
    request,
    send::{after, pause},
    timers::Due,
};
use crate::{
    error::{Fault, HttpFailure},
    event::Event,
};

/// Bodies up to this length are read in place.
const LENT_BYTES: usize = 8 * 1024;

/// What became of an exchange.
enum Next {
    /// Nothing more can be done until more comes.
    Wait(Exchange),
    /// There may be more to read.
    More(Exchange),
    /// It is over.
    Over,
}

/// What came of a message.
enum Delivered {
    /// There may be more.
    More,
    /// It was what the exchange is for.
    Last,
    /// It was an error that has yet to be judged.
    Refused(RpcError),
}

/// What a message is, besides one for the session.
enum Inspected {
    /// Nothing else.
    Pass,
    /// This is to be read in its place.
    Replaced(Vec<u8>),
    /// It was for the front alone.
    Taken,
    /// An error that is not the answer yet.
    Refused(RpcError),
}

impl HttpClient {
    /// Reads one thing from an exchange.
    pub(super) fn advance(&mut self, id: FetchId) {
        let Some(mut exchange) = self.fetches.remove(&id) else {
            return;
        };
        exchange.queued = false;
        let (ended, expiry) = (exchange.end.is_some(), exchange.expiry);
        match self.read(id, exchange) {
            Next::Wait(exchange) => {
                self.fetches.insert(id, exchange);
            }
            Next::More(exchange) => {
                self.fetches.insert(id, exchange);
                self.wake(id);
            }
            Next::Over => {
                if let Some(key) = expiry {
                    self.timers.cancel(key);
                }
                if !ended {
                    self.abort(id);
                }
            }
        }
    }

    fn read(&mut self, id: FetchId, mut exchange: Exchange) -> Next {
        if core::mem::take(&mut exchange.news) {
            self.begun(&exchange);
            return Next::More(exchange);
        }
        match &exchange.reading {
            Reading::Events(_) => return self.read_event(id, exchange),
            Reading::Json(_) if exchange.overflow => {
                let failure = exchange.failure("the response is too long");
                self.give_up(id, exchange, failure);
            }
            Reading::Rest if exchange.overflow => {}
            Reading::Refusal(_) if exchange.overflow => self.refused(id, exchange, None),
            _ => match exchange.end.take() {
                None => return Next::Wait(exchange),
                Some(end) => self.ended(id, exchange, end),
            },
        }
        Next::Over
    }

    // The head of a response is there.
    fn begun(&mut self, exchange: &Exchange) {
        match (&exchange.what, &exchange.reading) {
            (What::Post(post), Reading::Rest) if post.role == Role::Initialized => {
                self.greeted(exchange.epoch);
            }
            (What::Stream(_), Reading::Events(_)) => self.listening(),
            _ => {}
        }
    }

    fn ended(&mut self, id: FetchId, mut exchange: Exchange, end: Result<(), FetchError>) {
        match (&mut exchange.reading, end) {
            (Reading::Rest, _) => {}
            // What there is of an error is better than none.
            (Reading::Refusal(_), _) => self.refused(id, exchange, None),
            (Reading::Json(body), Ok(())) => {
                let body = core::mem::take(body);
                self.read_body(id, exchange, body);
            }
            (_, Err(error)) => self.broken(exchange, &error),
            (_, Ok(())) => self.broken(
                exchange,
                &FetchError::Broken("it ended without a response".into()),
            ),
        }
    }

    // ── Streams ──────────────────────────────────────────────────────────────────────────────

    fn read_event(&mut self, id: FetchId, mut exchange: Exchange) -> Next {
        let Reading::Events(mut decoder) = core::mem::replace(&mut exchange.reading, Reading::Rest)
        else {
            return Next::Wait(exchange);
        };
        let delivered = match decoder.next_event() {
            None => {
                exchange.reading = Reading::Events(decoder);
                return match exchange.end.take() {
                    None => Next::Wait(exchange),
                    Some(end) => {
                        self.stream_ended(id, exchange, end);
                        Next::Over
                    }
                };
            }
            Some(Err(_)) => {
                self.session.events.push_back(Event::Fault(Fault::Frame));
                Delivered::More
            }
            Some(Ok(event)) => {
                exchange.lively |= event.id.is_some() || event.is_message();
                match (event.name, event.is_message()) {
                    ("message", true) => self.deliver(&exchange, Line::Borrowed(event.data)),
                    ("endpoint", true) => {
                        if let Err(failure) = self.endpoint_named(&mut exchange, event.data) {
                            self.give_up(id, exchange, failure);
                            return Next::Over;
                        }
                        Delivered::More
                    }
                    // Events of other names are none of ours (2025-11-25 sends only messages).
                    _ => Delivered::More,
                }
            }
        };
        match delivered {
            Delivered::Last if exchange.post().is_some() => {
                // Nothing more is read; the stream may end by itself.
                self.let_end(id, &mut exchange);
                Next::More(exchange)
            }
            Delivered::Refused(error) => {
                self.refused(id, exchange, Some(error));
                Next::Over
            }
            Delivered::More | Delivered::Last => {
                exchange.reading = Reading::Events(decoder);
                Next::More(exchange)
            }
        }
    }

    fn stream_ended(&mut self, id: FetchId, exchange: Exchange, end: Result<(), FetchError>) {
        let Reading::Events(decoder) = &exchange.reading else {
            return;
        };
        let (last, wait) = (
            decoder.last_event_id().map(Box::<str>::from),
            decoder.retry(),
        );
        let error = end.err();
        let failure = exchange.failure(match &error {
            Some(error) => format!("the stream broke off before the answer: {error}"),
            None => "the stream ended before the answer".into(),
        });
        match exchange.what {
            What::Post(post) => {
                // 2025-03-26 to 2025-11-25, "Resumability and Redelivery"; gone since.
                let resumable = post.role == Role::Call && !self.session.is_stateless();
                match last.filter(|last| resumable && request::is_resumable(last)) {
                    Some(last) => {
                        let last_event_id = last.into();
                        let resume = Resume {
                            post: *post,
                            last_event_id,
                            failures: 0,
                            epoch: exchange.epoch,
                        };
                        self.resume_later(resume, wait, failure);
                    }
                    None => self.retry_broken(*post, None, failure),
                }
            }
            What::Resume(mut resume) => {
                if let Some(last) = last.filter(|last| request::is_resumable(last)) {
                    resume.last_event_id = last.into();
                }
                resume.failures = if exchange.lively {
                    0
                } else {
                    resume.failures + 1
                };
                self.resume_later(*resume, wait, failure);
            }
            What::Stream(_) => self.listening_ended(&exchange, wait, last.as_deref()),
            What::Older(stream) => self.older_ended(id, *stream, failure),
            What::Delete => {}
        }
    }

    // 2025-11-25, basic/transports: the client MUST respect `retry`.
    pub(super) fn resume_later(
        &mut self,
        resume: Resume,
        wait: Option<Duration>,
        failure: HttpFailure,
    ) {
        if resume.failures >= self.session.config.limits.resumptions {
            return self.fail(&resume.post, failure);
        }
        let wait = wait.unwrap_or_default().max(pause(resume.failures + 1));
        let at = after(self.session.now, wait);
        self.timers.add(at, Due::Resume(Box::new(resume)));
    }

    // ── Messages ─────────────────────────────────────────────────────────────────────────────

    fn read_body(&mut self, id: FetchId, mut exchange: Exchange, mut body: Vec<u8>) {
        let delivered = if body.trim_ascii().is_empty() {
            Delivered::More
        } else if body.len() > LENT_BYTES {
            // Handed over, so that a large result is not copied; only its beginning is kept.
            let beginning = body[..LENT_BYTES].to_vec();
            self.deliver(
                &exchange,
                Line::Owned(core::mem::replace(&mut body, beginning)),
            )
        } else {
            self.deliver(&exchange, Line::Borrowed(&body))
        };
        let error = match delivered {
            Delivered::Last => return,
            Delivered::More => None,
            Delivered::Refused(error) => Some(error),
        };
        if !exchange.post().is_some_and(|post| self.is_wanted(post)) {
            return;
        }
        exchange.reading = Reading::Refusal(body);
        self.refused(id, exchange, error);
    }

    // Hands a message to whom it is for.
    fn deliver(&mut self, exchange: &Exchange, line: Line<'_>) -> Delivered {
        self.session.reads_forgotten = !self.link.is_in(exchange.epoch);
        match self.inspect(exchange, line.as_bytes()) {
            Inspected::Pass => self.session.receive(line),
            Inspected::Replaced(message) => self.session.receive(Line::Owned(message)),
            Inspected::Taken => return Delivered::Last,
            Inspected::Refused(error) => return Delivered::Refused(error),
        }
        self.check_agreed(session_id(exchange));
        if exchange.post().is_some_and(|post| !self.is_wanted(post)) {
            Delivered::Last
        } else {
            Delivered::More
        }
    }

    // Looks into messages that mean something to the front.
    fn inspect(&mut self, exchange: &Exchange, message: &[u8]) -> Inspected {
        let reopens = self.link.is_reopening();
        let looks = match exchange.post() {
            Some(post) => post.role != Role::Call || post.key.is_some(),
            // All answers of an older server come on one stream.
            None => reopens && self.link.is_older(),
        };
        if !looks {
            return Inspected::Pass;
        }
        let parsed = rpc::parse(message, &self.session.config.limits);
        let Ok(Incoming::Single(Message::Response {
            id: Some(id),
            outcome,
        })) = parsed
        else {
            return Inspected::Pass;
        };
        let role = exchange.post().map_or(Role::Reopen, |post| post.role);
        match (role, &id, outcome) {
            (Role::Refresh, RequestId::String(_), Ok(page)) => self.refreshed(page.get()),
            (Role::Refresh, RequestId::String(_), Err(_)) => self.refresh_failed(),
            (Role::Reopen, RequestId::Number(_), Ok(result)) if reopens => {
                self.reopened(result.get(), session_id(exchange));
            }
            (Role::Reopen, RequestId::Number(_), Err(error)) if reopens => {
                self.reopen_failed(&exchange.failure(format!("{error}")));
            }
            (_, RequestId::Number(wire), outcome) => {
                let Some(post) = exchange.post().filter(|post| post.wire == Some(*wire)) else {
                    return Inspected::Pass;
                };
                return match outcome {
                    Ok(result) => self.inspect_result(exchange, post, result.get()),
                    Err(error) if post.role == Role::Probe => Inspected::Refused(error),
                    Err(error) => {
                        self.inspect_error(post, &error);
                        Inspected::Pass
                    }
                };
            }
            _ => return Inspected::Pass,
        }
        Inspected::Taken
    }

    fn inspect_result(&mut self, exchange: &Exchange, post: &Post, result: &str) -> Inspected {
        let (Some(key), Some(wire)) = (&post.key, post.wire) else {
            return Inspected::Pass;
        };
        if !(self.session.is_stateless() || post.role == Role::Probe) {
            return Inspected::Pass;
        }
        let page = match post.method {
            Some(Method::ListTools) => self.learn(result, post.first_page).0,
            _ => None,
        };
        let kept = page.as_deref().unwrap_or(result);
        if self.options.keeps_results && exchange.cache_epoch == self.cache.epoch() {
            self.cache
                .put(key, kept, &self.session.config.limits, self.session.now);
        }
        match page {
            None => Inspected::Pass,
            Some(page) => {
                let mut message = Vec::new();
                write_result(&mut message, &RequestId::Number(wire), |out| {
                    out.extend_from_slice(page.as_bytes());
                });
                Inspected::Replaced(message)
            }
        }
    }

    // A place in a list that is no longer known: the list is another one now (2026-07-28, caching,
    // "Interaction with Pagination").
    pub(super) fn inspect_error(&mut self, post: &Post, error: &RpcError) {
        if let (Some(method), false) = (post.method, post.first_page) {
            if error.code == codes::INVALID_PARAMS {
                self.cache.forget(&[method]);
            }
        }
    }
}

fn session_id(exchange: &Exchange) -> Option<HeaderValue> {
    exchange.head.as_ref()?.session_id.clone()
}
