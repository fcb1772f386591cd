//! The event streams of one session, and which message goes on which of them.
//!
//! ```text
//!              ┌─ its POST's stream, while somebody reads it or can resume it
//!  message ────┤
//!              └─ stream 0, which a GET reads
//!
//!  on a stream:  push ─▶ pending ─▶ take ─▶ the reader, and the store
//!                  └──── nobody reads ────▶ the store, where the client can resume
//! ```

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};

use mcp_proto::limits::Limits;

use super::store::{EventId, EventStore, StoredEvent};

/// The stream of what no request asked for.
pub(super) const UNASKED: u32 = 0;

/// All streams of one session. `W` wakes whoever reads one.
#[derive(Debug)]
pub(super) struct Streams<W> {
    // By number, which only grows.
    open: Vec<Stream<W>>,
    last: u32,
    // 2024-11-05 has one stream for everything, and no ids.
    single: bool,
}

/// Which reader of which stream. A reader that was replaced has an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) stream: u32,
    reader: u32,
}

#[derive(Debug)]
struct Stream<W> {
    number: u32,
    // Answers that are still to come; the stream ends with the last one. None for stream 0.
    owed: Option<u32>,
    // The number of the next event.
    next: u32,
    readers: u32,
    reader: Option<Reader<W>>,
    // The client was given an id, and so can come back.
    resumable: bool,
    // Events after this one are to be taken from the store first.
    replay: Option<u32>,
    pending: VecDeque<StoredEvent>,
    pending_bytes: usize,
    // Which of them are reports, by their events' numbers.
    reports: VecDeque<u32>,
    // Something pending is not an answer.
    mixed: bool,
    // The reader is to give its connection back before the stream is complete.
    released: bool,
}

#[derive(Debug)]
struct Reader<W> {
    waker: W,
    woken: bool,
}

/// What a reader gets next.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// An event, which the store has or will have.
    Event(StoredEvent),
    /// Nothing for now.
    Wait,
    /// Nothing any more: the stream is complete, or another reader has it.
    End,
}

/// Whether a message is an answer to a request, with which its stream may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Answer,
    Other,
    /// May give way to newer ones of its kind.
    Report,
}

impl<W: Clone> Streams<W> {
    pub(super) fn new(single: bool) -> Self {
        Self {
            open: Vec::new(),
            last: UNASKED,
            single,
        }
    }

    /// Opens the stream of a POST with so many requests.
    pub(super) fn open(&mut self, owed: u32, waker: W) -> Seat {
        self.last += 1;
        self.make_room();
        self.open.push(Stream::new(self.last, Some(owed)));
        self.open.last_mut().map_or(
            Seat {
                stream: self.last,
                reader: 0,
            },
            |stream| stream.seat(waker),
        )
    }

    /// Opens the stream of what was not asked for; `None` where somebody reads it already.
    pub(super) fn open_unasked(&mut self, waker: W) -> Option<Seat> {
        let stream = self.unasked();
        stream.reader.is_none().then(|| stream.seat(waker))
    }

    /// Goes on after an event that the client has seen, in the place of whoever read that stream;
    /// `None` where there is no such event.
    pub(super) fn resume(
        &mut self,
        after: EventId,
        waker: W,
        session: &str,
        store: &mut dyn EventStore,
    ) -> Option<(Seat, Option<W>)> {
        let known = store.knows(session, after.stream);
        let at = self.find(after.stream);
        if at.is_none() && known {
            // Complete, though the client may not have seen all of it.
            let mut stream = Stream::new(after.stream, Some(0));
            stream.next = u32::MAX;
            self.open.push(stream);
        }
        let stream = self
            .get(after.stream)
            .filter(|stream| after.number < stream.next && (known || stream.resumable))?;
        // What the former reader did not get comes from the store, too.
        let former = stream.reader.take().map(|reader| reader.waker);
        stream.shelve(session, store);
        stream.replay = Some(after.number);
        Some((stream.seat(waker), former))
    }

    /// Gives a message to the stream it belongs to: that of the POST `origin`, or else that of
    /// what was not asked for. The reader to be woken, if there is one that does not know yet.
    pub(super) fn push(
        &mut self,
        origin: Option<u32>,
        weight: Weight,
        message: Box<[u8]>,
        session: &str,
        store: &mut dyn EventStore,
        limits: &Limits,
    ) -> Option<W> {
        let number = self.route(origin, weight)?;
        let stream = if number == UNASKED {
            self.unasked()
        } else {
            self.get(number)?
        };
        let last = stream.count(weight);
        let event = StoredEvent {
            id: EventId {
                stream: number,
                number: stream.next,
            },
            message,
            last,
        };
        stream.next += 1;
        if stream.reader.is_some() || !stream.resumable {
            stream.keep_pending(event, weight, limits.notes_queued);
        } else {
            store.keep(session, event);
        }
        let woken = stream.settle(session, store, limits);
        self.drop_complete();
        woken
    }

    // Where a message goes; `None`: nobody can ever read it.
    fn route(&self, origin: Option<u32>, weight: Weight) -> Option<u32> {
        let Some(origin) = origin.filter(|_| !self.single) else {
            return Some(UNASKED);
        };
        let reachable = self
            .find(origin)
            .filter(|stream| stream.reader.is_some() || stream.resumable);
        match (reachable, weight) {
            (Some(_), _) => Some(origin),
            // A response belongs to its request's stream alone (MUST NOT elsewhere).
            (None, Weight::Answer) => None,
            (None, Weight::Other | Weight::Report) => Some(UNASKED),
        }
    }

    /// The id before what the reader in `seat` gets next. Its client is told, and can come back.
    pub(super) fn prime(&mut self, seat: Seat) -> EventId {
        let mut number = 0;
        if let Some(stream) = self
            .get(seat.stream)
            .filter(|stream| stream.readers == seat.reader)
        {
            stream.resumable = true;
            number = stream
                .pending
                .front()
                .map_or(stream.next, |event| event.id.number)
                - 1;
        }
        EventId {
            stream: seat.stream,
            number,
        }
    }

    /// What the reader in `seat` gets next. `ids`: whether the client is told the event's id.
    pub(super) fn take(
        &mut self,
        seat: Seat,
        ids: bool,
        session: &str,
        store: &mut dyn EventStore,
    ) -> Next {
        let Some(stream) = self
            .get(seat.stream)
            .filter(|stream| stream.readers == seat.reader)
        else {
            return Next::End;
        };
        if stream.reader.is_none() {
            return Next::End;
        }
        let next = stream.next_event(ids, session, store);
        stream.resumable |= ids && matches!(next, Next::Event(_));
        if next == Next::End {
            stream.reader = None;
            self.drop_complete();
        }
        next
    }

    /// The reader in `seat` looks now: the next message wakes it again.
    pub(super) fn look(&mut self, seat: Seat) {
        if let Some(reader) = self.reader(seat) {
            reader.woken = false;
        }
    }

    /// The reader in `seat` is about to look, and needs not be woken.
    pub(super) fn attend(&mut self, seat: Seat) {
        if let Some(reader) = self.reader(seat) {
            reader.woken = true;
        }
    }

    fn reader(&mut self, seat: Seat) -> Option<&mut Reader<W>> {
        let stream = self.get(seat.stream)?;
        let reader = stream.reader.as_mut();
        reader.filter(|_| stream.readers == seat.reader)
    }

    /// Whether the answer to the POST in `seat` is complete and consists of answers alone.
    pub(super) fn is_plain(&self, seat: Seat) -> bool {
        self.find(seat.stream).is_some_and(|stream| {
            stream.owed == Some(0) && !stream.mixed && stream.replay.is_none()
        })
    }

    /// Whether the POST in `seat` has been sent something before its answers are complete.
    pub(super) fn is_mixed(&self, seat: Seat) -> bool {
        self.find(seat.stream).is_some_and(|stream| stream.mixed)
    }

    /// Has whoever reads the stream of the POST `origin` leave it and come back: the reader to be
    /// woken, if there is one that does not know yet.
    pub(super) fn release(&mut self, origin: u32) -> Option<W> {
        let stream = self.get(origin)?;
        let reader = stream.reader.as_mut()?;
        stream.released = true;
        let known = core::mem::replace(&mut reader.woken, true);
        (!known).then(|| reader.waker.clone())
    }

    /// Whether the reader in `seat` is to leave for now.
    pub(super) fn is_released(&self, seat: Seat) -> bool {
        self.find(seat.stream)
            .is_some_and(|stream| stream.released && stream.readers == seat.reader)
    }

    /// The reader in `seat` is gone. This is no cancellation: the calls go on.
    pub(super) fn leave(&mut self, seat: Seat, session: &str, store: &mut dyn EventStore) {
        let Some(stream) = self
            .get(seat.stream)
            .filter(|stream| stream.readers == seat.reader)
        else {
            return;
        };
        stream.reader = None;
        if stream.resumable {
            stream.shelve(session, store);
        } else if stream.number != UNASKED {
            // The client has no id to resume with: nobody can ever read this stream.
            self.open.retain(|stream| stream.number != seat.stream);
        }
        self.drop_complete();
    }

    /// Ends the streams of POSTs that are `owed` nothing any more although not all their requests
    /// were answered: those were cancelled. Their readers are to be woken.
    pub(super) fn end_unowed(&mut self, owed: impl Fn(u32) -> bool) -> Vec<W> {
        let mut wakers = Vec::new();
        for stream in self
            .open
            .iter_mut()
            .filter(|stream| stream.owed.is_some_and(|owed| owed > 0))
        {
            if !owed(stream.number) {
                stream.owed = Some(0);
                // No answer at all cannot be said in JSON.
                stream.mixed |= stream.pending.is_empty();
                wakers.extend(stream.reader.as_ref().map(|reader| reader.waker.clone()));
            }
        }
        self.drop_complete();
        wakers
    }

    /// Whether anybody reads any of the streams.
    pub(super) fn has_readers(&self) -> bool {
        self.open.iter().any(|stream| stream.reader.is_some())
    }

    /// Ends all streams; their readers are to be woken.
    pub(super) fn close(&mut self) -> impl Iterator<Item = W> {
        core::mem::take(&mut self.open)
            .into_iter()
            .filter_map(|stream| stream.reader)
            .map(|reader| reader.waker)
    }

    /// Ends the stream of what was not asked for; its reader is to be woken.
    pub(super) fn close_unasked(&mut self) -> Option<W> {
        let at = self
            .open
            .iter()
            .position(|stream| stream.number == UNASKED)?;
        self.open.remove(at).reader.map(|reader| reader.waker)
    }

    // Most sessions have one stream at a time, and there may be many sessions.
    fn make_room(&mut self) {
        if self.open.is_empty() {
            self.open.reserve_exact(1);
        }
    }

    fn unasked(&mut self) -> &mut Stream<W> {
        let at = match self.open.iter().position(|stream| stream.number == UNASKED) {
            Some(at) => at,
            None => {
                self.make_room();
                self.open.insert(0, Stream::new(UNASKED, None));
                0
            }
        };
        &mut self.open[at]
    }

    fn find(&self, number: u32) -> Option<&Stream<W>> {
        self.open.iter().find(|stream| stream.number == number)
    }

    fn get(&mut self, number: u32) -> Option<&mut Stream<W>> {
        self.open.iter_mut().find(|stream| stream.number == number)
    }

    // A stream that is complete and read, or that nobody can read, needs no place here.
    fn drop_complete(&mut self) {
        self.open
            .retain(|stream| stream.reader.is_some() || stream.owed != Some(0));
    }
}

impl<W> Stream<W> {
    fn new(number: u32, owed: Option<u32>) -> Self {
        Self {
            number,
            owed,
            next: 1,
            readers: 0,
            reader: None,
            resumable: false,
            replay: None,
            pending: VecDeque::new(),
            pending_bytes: 0,
            reports: VecDeque::new(),
            mixed: false,
            released: false,
        }
    }

    fn seat(&mut self, waker: W) -> Seat {
        self.readers += 1;
        self.released = false;
        self.reader = Some(Reader {
            waker,
            // Whoever sits down looks at once.
            woken: true,
        });
        Seat {
            stream: self.number,
            reader: self.readers,
        }
    }

    // Counts an answer; whether it is the last message of this stream.
    fn count(&mut self, weight: Weight) -> bool {
        match (&mut self.owed, weight) {
            (Some(owed), Weight::Answer) => {
                *owed = owed.saturating_sub(1);
                *owed == 0
            }
            _ => false,
        }
    }

    fn keep_pending(&mut self, event: StoredEvent, weight: Weight, reports: usize) {
        self.mixed |= weight != Weight::Answer;
        if weight == Weight::Report {
            self.reports.push_back(event.id.number);
        }
        self.pending_bytes += event.message.len();
        self.pending.push_back(event);
        if self.reports.len() > reports {
            self.drop_report();
        }
    }

    // The oldest report gives way: what it says is outdated, or was only worth a log.
    fn drop_report(&mut self) {
        let Some(number) = self.reports.pop_front() else {
            return;
        };
        let at = self
            .pending
            .iter()
            .position(|event| event.id.number == number);
        if let Some(event) = at.and_then(|at| self.pending.remove(at)) {
            self.pending_bytes -= event.message.len();
        }
    }

    // Holds what is pending to the limits, and tells whom to wake.
    fn settle(&mut self, session: &str, store: &mut dyn EventStore, limits: &Limits) -> Option<W>
    where
        W: Clone,
    {
        if self.reader.is_none() {
            while self.pending.len() > limits.replay_events
                || self.pending_bytes > limits.replay_bytes
            {
                self.pop();
            }
            return None;
        }
        // One message that is longer than the bound alone is no reader's fault.
        let newest = self.pending.back().map_or(0, |event| event.message.len());
        let waiting = self.pending_bytes - newest;
        if self.pending_bytes > limits.outbound_bytes && waiting >= limits.outbound_high_water {
            // A reader this slow loses its connection, and may come back for the rest.
            self.shelve(session, store);
            return self.reader.take().map(|reader| reader.waker);
        }
        let reader = self.reader.as_mut()?;
        let known = core::mem::replace(&mut reader.woken, true);
        (!known).then(|| reader.waker.clone())
    }

    fn next_event(&mut self, keep: bool, session: &str, store: &mut dyn EventStore) -> Next {
        if let Some(after) = self.replay {
            let mut found = None;
            let after = EventId {
                stream: self.number,
                number: after,
            };
            store.replay(session, after, &mut |event| {
                found = Some(event.clone());
                false
            });
            self.replay = found.as_ref().map(|event| event.id.number);
            if let Some(event) = found {
                return Next::Event(event);
            }
        }
        match self.pop() {
            Some(event) => {
                if keep {
                    store.keep(session, event.clone());
                }
                Next::Event(event)
            }
            None if self.owed == Some(0) => Next::End,
            None => Next::Wait,
        }
    }

    fn pop(&mut self) -> Option<StoredEvent> {
        let event = self.pending.pop_front()?;
        self.pending_bytes -= event.message.len();
        if self.reports.front() == Some(&event.id.number) {
            self.reports.pop_front();
        }
        Some(event)
    }

    // Moves what is pending to the store.
    fn shelve(&mut self, session: &str, store: &mut dyn EventStore) {
        while let Some(event) = self.pop() {
            store.keep(session, event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::store::EventRing;
    use alloc::{
        format,
        string::{String, ToString},
    };

    struct Session {
        streams: Streams<&'static str>,
        store: EventRing,
        limits: Limits,
    }

    impl Session {
        fn new() -> Self {
            let limits = Limits::default();
            Self {
                streams: Streams::new(false),
                store: EventRing::new(&limits),
                limits,
            }
        }

        fn answer(&mut self, origin: u32, text: &str) -> Option<&'static str> {
            let message = text.as_bytes().into();
            self.streams.push(
                Some(origin),
                Weight::Answer,
                message,
                "s",
                &mut self.store,
                &self.limits,
            )
        }

        fn other(&mut self, origin: Option<u32>, text: &str) -> Option<&'static str> {
            let message = text.as_bytes().into();
            self.streams.push(
                origin,
                Weight::Other,
                message,
                "s",
                &mut self.store,
                &self.limits,
            )
        }

        fn open(&mut self, owed: u32, waker: &'static str) -> Seat {
            let seat = self.streams.open(owed, waker);
            self.streams.look(seat);
            seat
        }

        fn get(&mut self, waker: &'static str) -> Seat {
            let seat = self.streams.open_unasked(waker).unwrap();
            self.streams.look(seat);
            seat
        }

        // Everything that the reader gets now.
        fn read(&mut self, seat: Seat) -> String {
            self.take_all(seat, true)
        }

        fn take_all(&mut self, seat: Seat, ids: bool) -> String {
            let mut seen = Vec::new();
            self.streams.look(seat);
            loop {
                match self.streams.take(seat, ids, "s", &mut self.store) {
                    Next::Event(event) => {
                        let text = String::from_utf8_lossy(&event.message).into_owned();
                        seen.push(format!(
                            "{}={text}{}",
                            event.id,
                            if event.last { "!" } else { "" }
                        ));
                    }
                    Next::Wait => break,
                    Next::End => {
                        seen.push("end".to_string());
                        break;
                    }
                }
            }
            seen.join(" ")
        }

        fn leave(&mut self, seat: Seat) {
            self.streams.leave(seat, "s", &mut self.store);
        }

        fn resume(
            &mut self,
            id: &str,
            waker: &'static str,
        ) -> Option<(Seat, Option<&'static str>)> {
            let after = EventId::parse(id).unwrap();
            let (seat, former) = self.streams.resume(after, waker, "s", &mut self.store)?;
            self.streams.look(seat);
            Some((seat, former))
        }
    }

    #[test]
    fn every_message_goes_on_one_stream() {
        let mut session = Session::new();
        let (a, b) = (session.open(1, "a"), session.open(2, "b"));
        let get = session.get("get");
        assert!(session.streams.open_unasked("get2").is_none());
        assert_eq!(session.other(Some(a.stream), "note a"), Some("a"));
        assert_eq!(session.other(Some(a.stream), "ask a"), None);
        assert_eq!(session.other(None, "changed"), Some("get"));
        assert_eq!(session.answer(b.stream, "one"), Some("b"));
        assert!(
            session.streams.is_mixed(a)
                && !session.streams.is_mixed(b)
                && !session.streams.is_plain(b)
        );
        assert_eq!(session.answer(b.stream, "two"), None);
        assert!(session.streams.is_plain(b));
        assert_eq!(session.answer(a.stream, "done"), None);
        assert_eq!(session.read(a), "1-1=note a 1-2=ask a 1-3=done! end");
        assert_eq!(session.read(b), "2-1=one 2-2=two! end");
        assert_eq!(session.read(get), "0-1=changed");
        assert_eq!(session.read(a), "end");
        // A second answer has nowhere to go.
        assert_eq!(session.answer(a.stream, "again"), None);
        assert_eq!(session.read(get), "");
    }

    #[test]
    fn a_lost_connection_is_resumed_where_it_was() {
        let mut session = Session::new();
        let post = session.open(1, "post");
        assert_eq!(session.streams.prime(post).to_string(), "1-0");
        session.other(Some(1), "a");
        assert_eq!(session.read(post), "1-1=a");
        session.other(Some(1), "b");
        session.leave(post);
        assert_eq!(session.other(Some(1), "c"), None);
        assert_eq!(session.other(None, "elsewhere"), None);
        let (seat, former) = session.resume("1-0", "again").unwrap();
        assert_eq!(former, None);
        assert_eq!(session.other(Some(1), "d"), Some("again"));
        assert_eq!(session.read(seat), "1-1=a 1-2=b 1-3=c 1-4=d");
        // The former reader is not one any more.
        assert_eq!(session.read(post), "end");
        let (third, former) = session.resume("1-3", "third").unwrap();
        assert_eq!(former, Some("again"));
        assert_eq!(
            (session.read(seat), session.read(third)),
            ("end".into(), "1-4=d".into())
        );
        session.leave(third);
        session.answer(1, "done");
        let (seat, _) = session.resume("1-4", "late").unwrap();
        assert_eq!(session.read(seat), "1-5=done! end");
        // Once complete it can be asked for again, and has nothing after its last event.
        let (seat, _) = session.resume("1-5", "later").unwrap();
        assert_eq!(session.read(seat), "end");
        for unknown in ["2-0", "2-1", "0-5", "7-1"] {
            assert!(session.resume(unknown, "x").is_none(), "{unknown}");
        }
    }

    #[test]
    fn without_an_id_nothing_is_kept_for_a_client_that_is_gone() {
        let mut session = Session::new();
        let post = session.open(1, "post");
        session.other(Some(1), "a");
        session.leave(post);
        // What the call still wants to say goes where the client may hear it.
        assert_eq!(session.other(Some(1), "ask"), None);
        assert_eq!(session.answer(1, "done"), None);
        assert!(session.resume("1-0", "x").is_none());
        let get = session.get("get");
        assert_eq!(session.read(get), "0-1=ask");
        assert_eq!(session.streams.open.len(), 1);
        // What was given as plain JSON is not an event, and cannot be asked for.
        let post = session.open(1, "post");
        session.answer(2, "done");
        assert_eq!(session.take_all(post, false), "2-1=done! end");
        assert!(session.resume("2-0", "x").is_none());
    }

    #[test]
    fn a_cancelled_request_ends_its_stream() {
        let mut session = Session::new();
        let (a, b) = (session.open(1, "a"), session.open(2, "b"));
        session.answer(b.stream, "one");
        assert_eq!(
            session.streams.end_unowed(|number| number == b.stream),
            ["a"]
        );
        assert!(session.streams.is_mixed(a) && !session.streams.is_plain(a));
        assert_eq!(
            (session.read(a), session.read(b)),
            ("end".into(), "2-1=one".into())
        );
        assert_eq!(session.streams.end_unowed(|_| false), ["b"]);
        assert_eq!(session.read(b), "end");
    }

    #[test]
    fn what_nobody_reads_is_bounded() {
        let mut session = Session::new();
        session.limits.replay_events = 3;
        for number in 0..10 {
            session.other(None, &number.to_string());
        }
        let get = session.get("get");
        assert_eq!(session.read(get), "0-8=7 0-9=8 0-10=9");
        // A reader that is too slow loses its connection, not its messages.
        (
            session.limits.outbound_high_water,
            session.limits.outbound_bytes,
        ) = (10, 10);
        assert_eq!(session.other(None, "0123456789"), Some("get"));
        assert_eq!(session.other(None, "x"), Some("get"));
        assert_eq!(session.read(get), "end");
        let (again, _) = session.resume("0-10", "again").unwrap();
        assert_eq!(session.read(again), "0-11=0123456789 0-12=x");
    }

    #[test]
    fn what_nobody_reads_is_bounded_in_bytes_and_a_reader_is_too_slow_from_there() {
        let mut session = Session::new();
        session.limits.replay_bytes = 3;
        for number in 0..10 {
            session.other(None, &number.to_string());
        }
        let get = session.get("get");
        assert_eq!(session.read(get), "0-8=7 0-9=8 0-10=9");
        // Eleven bytes wait, ten of them before the last message.
        for (most, high_water, keeps) in [(11, 10, true), (10, 10, false), (10, 11, true)] {
            let mut session = Session::new();
            session.limits.outbound_bytes = most;
            session.limits.outbound_high_water = high_water;
            let get = session.get("get");
            session.other(None, "0123456789");
            session.other(None, "x");
            assert_eq!(session.read(get) != "end", keeps, "{most} {high_water}");
        }
    }

    #[test]
    fn a_message_longer_than_the_bound_is_no_readers_fault() {
        let mut session = Session::new();
        (
            session.limits.outbound_high_water,
            session.limits.outbound_bytes,
        ) = (4, 8);
        let post = session.open(2, "post");
        assert_eq!(session.answer(post.stream, "0123456789"), Some("post"));
        assert_eq!(session.read(post), "1-1=0123456789");
        session.answer(post.stream, "9876543210");
        assert_eq!(session.read(post), "1-2=9876543210! end");
    }

    #[test]
    fn reports_give_way_where_their_reader_is_slow() {
        let mut session = Session::new();
        session.limits.notes_queued = 2;
        let post = session.open(1, "post");
        session.other(Some(post.stream), "ask");
        for number in 0..5 {
            let message = number.to_string().into_bytes().into();
            let (store, limits) = (&mut session.store, &session.limits);
            let (origin, weight) = (Some(post.stream), Weight::Report);
            session
                .streams
                .push(origin, weight, message, "s", store, limits);
        }
        session.answer(post.stream, "done");
        let expected = "1-1=ask 1-5=3 1-6=4 1-7=done! end";
        assert_eq!(session.read(post), expected);
    }

    #[test]
    fn the_first_revision_has_one_stream() {
        let mut session = Session::new();
        session.streams = Streams::new(true);
        let stream = session.get("stream");
        assert_eq!(session.answer(5, "a"), Some("stream"));
        assert_eq!(session.other(Some(6), "b"), None);
        assert_eq!(session.take_all(stream, false), "0-1=a 0-2=b");
        assert!(session.streams.has_readers());
        assert_eq!(session.streams.close().collect::<Vec<_>>(), ["stream"]);
        assert_eq!(session.read(stream), "end");
    }
}
