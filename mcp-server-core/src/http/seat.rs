//! An exchange that reads a stream of a session.

use alloc::{boxed::Box, format, string::ToString, vec::Vec};
use core::time::Duration;

use http::StatusCode;
use mcp_proto::{frame::sse, http::JSON, time::Instant};

use super::{
    reply::Reply,
    store::{EventStore, StoredEvent},
    streams::{Next, Seat, Streams},
};

/// A place in a session's streams, and how the client reads there.
#[derive(Debug)]
pub(super) struct Seated {
    /// The session's.
    pub(super) tag: u32,
    pub(super) seat: Seat,
    form: Form,
    // When the answer becomes an event stream at the latest; `None`: it is to become one.
    stream_at: Option<Instant>,
    // When the connection of such a stream is given back.
    release_at: Instant,
}

/// What differs between the streams of the handshake revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    /// Events have ids, and the stream can be resumed. Not so in 2024-11-05.
    pub(super) ids: bool,
    /// From 2025-11-25 on: the first event primes the client, and tells it how long to wait before
    /// it resumes. Older clients would take it for a message.
    pub(super) prime: Option<Duration>,
    /// The connection may be given back before the stream is complete: the client comes for the
    /// rest (2025-11-25, "Sending Messages to the Server").
    pub(super) releasable: bool,
    /// The answers to a batch are one array, where they are given as JSON.
    pub(super) batch: bool,
    /// How long to wait for an answer before the reply becomes a stream.
    pub(super) stream_after: Duration,
    /// How long such a stream may hold its connection.
    pub(super) release_after: Option<Duration>,
}

impl Seated {
    pub(super) fn new(tag: u32, seat: Seat, form: Form, now: Instant) -> Self {
        let stream_at = Some(now.saturating_add(form.stream_after)).filter(|at| *at > now);
        Self {
            tag,
            seat,
            form,
            stream_at,
            release_at: Instant::MAX,
        }
    }

    /// Takes what the stream has, as far as the client has read what it got; whether it may have
    /// more later.
    pub(super) fn ferry<W: Clone>(
        &mut self,
        streams: &mut Streams<W>,
        reply: &mut Reply,
        session: &str,
        store: &mut dyn EventStore,
        room: usize,
        now: Instant,
    ) -> bool {
        streams.look(self.seat);
        let released = self.form.releasable && streams.is_released(self.seat);
        if reply.is_undecided() {
            if streams.is_plain(self.seat) {
                self.answer_plainly(streams, reply, session, store, now);
                return false;
            }
            if !released
                && !streams.is_mixed(self.seat)
                && self.stream_at.is_some_and(|at| now < at)
            {
                return true;
            }
            self.begin_stream(streams, reply, now);
        }
        while reply.is_stream() && reply.waiting() < room {
            match streams.take(self.seat, self.form.ids, session, store) {
                Next::Event(event) => self.write_event(&event, reply, now),
                Next::Wait if released => reply.end(),
                Next::Wait => return true,
                Next::End => reply.end(),
            }
        }
        reply.is_stream()
    }

    fn answer_plainly<W: Clone>(
        &mut self,
        streams: &mut Streams<W>,
        reply: &mut Reply,
        session: &str,
        store: &mut dyn EventStore,
        now: Instant,
    ) {
        let mut answers: Vec<Box<[u8]>> = Vec::new();
        while let Next::Event(event) = streams.take(self.seat, false, session, store) {
            answers.push(event.message);
        }
        write_answers(answers, self.form.batch, StatusCode::OK, reply, now);
    }

    fn begin_stream<W: Clone>(
        &mut self,
        streams: &mut Streams<W>,
        reply: &mut Reply,
        now: Instant,
    ) {
        reply.begin_stream(now);
        let Some(retry) = self.form.prime else { return };
        let id = streams.prime(self.seat).to_string();
        reply.event(now, |out| sse::write_priming(out, &id, Some(retry)));
        if let Some(time) = self.form.release_after {
            self.release_at = now.saturating_add(time);
        }
    }

    fn write_event(&self, event: &StoredEvent, reply: &mut Reply, now: Instant) {
        let id = self.form.ids.then(|| format!("{}", event.id));
        reply.event(now, |out| {
            sse::write_message(out, id.as_deref(), |out| {
                out.extend_from_slice(&event.message);
            });
        });
    }

    pub(super) fn poll_timeout(&self, reply: &Reply) -> Option<Instant> {
        if reply.is_undecided() {
            return self.stream_at;
        }
        (reply.is_stream() && self.release_at != Instant::MAX).then_some(self.release_at)
    }

    /// Lets the reply become a stream, or gives its connection back though it is not complete.
    pub(super) fn handle_timeout(&mut self, reply: &mut Reply, now: Instant) {
        self.stream_at = self.stream_at.filter(|at| now < *at);
        if reply.is_stream() && now >= self.release_at {
            reply.end();
        }
    }
}

/// Writes complete answers as JSON: one message, which is not copied, or the array of a batch.
pub(super) fn write_answers(
    answers: Vec<impl AsRef<[u8]> + Into<Vec<u8>>>,
    batch: bool,
    status: StatusCode,
    reply: &mut Reply,
    now: Instant,
) {
    reply.whole(status, Some(JSON), now, |out| {
        let mut answers = answers.into_iter();
        if !batch {
            *out = answers.next().map(Into::into).unwrap_or_default();
            return;
        }
        for (index, answer) in answers.enumerate() {
            out.push(if index == 0 { b'[' } else { b',' });
            out.extend_from_slice(answer.as_ref());
        }
        out.push(b']');
    });
}
