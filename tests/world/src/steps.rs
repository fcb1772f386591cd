//! What a step does to the world.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;
use mcp_proto::{rpc::CallId, time::Instant, version::Era};
use mcp_server_core::{Change, Delivery};

use crate::{
    calls::What,
    handlers::{self, Act, Door, Home},
    kept::{self, Thing},
    machine::Machine,
    pipe::Flow,
    scenario::{Pick, Step},
    world::{Link, Pair, Plant, World},
};

/// On whose behalf clients ask.
pub(crate) fn subject(how: Pick) -> &'static str {
    how.of(&["ada", "bob"])
}

pub(crate) fn bearer(subject: &str) -> HeaderValue {
    let value = format!("Bearer {subject}");
    value.parse().expect("it is a header's value")
}

impl World {
    pub(crate) fn step(&mut self, step: Step) {
        self.trace.note(format_args!("{step:?}"));
        match step {
            Step::Call { client, what } => self.call(client, what),
            Step::Cancel { call, how } => self.cancel(call, how),
            Step::Finish { held, how } => {
                if let Some(at) = held.among(self.held.len()) {
                    self.finish(at, how);
                }
            }
            Step::Abandon { held, how: _ } => self.abandon(held),
            Step::Note { held, what } => self.note(held, what),
            Step::Subscribe { client, what } => self.subscribe(client, what),
            Step::Unsubscribe {
                subscription,
                how: _,
            } => self.unsubscribe(subscription),
            Step::Change { what, how } => {
                if what.0 % 6 == 5 {
                    self.history.change(Thing::Resource, self.now);
                }
                // Not everything that changes is told.
                if what.0 % 6 < 5 || how.0 % 2 == 0 {
                    self.change(what);
                }
            }
            Step::Swap { what, how: _ } => {
                self.swaps += 1;
                self.swap(what);
            }
            Step::Deliver { pipe, much } => self.deliver(pipe, much),
            Step::Flow { pipe, how } => self.flow(pipe, how),
            Step::Cut { client, how } => self.cut(client, how),
            Step::Noise { pipe, what } => self.disturb(pipe, what),
            Step::Network { exchange, fault } => self.fault(exchange, fault),
            Step::Advance { by, how: _ } => self.advance_by(by),
            Step::Restart { client, how } => self.restart(client, how),
            Step::Close { client, how } => self.close(client, how),
            Step::Answer { question, how } => self.answer(question, how),
            Step::Forge { client, how } => self.forge(client, how),
            Step::Begin { client, what } => {
                self.numbers += 1;
                let (number, now) = (self.numbers, self.now);
                self.office().begin(client, what, number, now);
            }
            Step::Look { task, how } => self.office().look(task, how),
            Step::Work { task, how } => {
                let now = self.now;
                self.office().work(task, how, now);
            }
            Step::Crash { office: _, how: _ } => {
                let now = self.now;
                self.office().crash(now);
            }
            Step::Login { client, how } => self.login(client, how),
        }
        self.settle();
    }

    // ── What programs do ─────────────────────────────────────────────────────────────────────

    fn pair(&mut self, client: Pick) -> &mut Pair {
        let at = usize::from(client.0) % self.pairs.len();
        &mut self.pairs[at]
    }

    fn call(&mut self, client: Pick, what: Pick) {
        self.numbers += 1;
        let (number, now) = (self.numbers, self.now);
        let Pair { program, link, .. } = self.pair(client);
        let called = program.call(what, number, now);
        // A client over HTTP makes calls again that only read, when it is not known what came of
        // them. Over a stream nothing gets lost but with its end.
        if matches!((link, called), (Link::Http(_), What::Ask(2 | 3, _))) {
            self.notebook.reads(number);
        }
    }

    /// From now on a client asks on behalf of somebody else.
    pub(crate) fn login(&mut self, client: Pick, how: Pick) {
        let now = self.now;
        let Pair { program, link, .. } = self.pair(client);
        let server = program.machine.session().server();
        // A session belongs to whoever has begun it.
        let stateless = server.is_some_and(|server| server.version.era() == Era::Stateless);
        let (Machine::Http(machine), Link::Http(network), true) =
            (&mut program.machine, link, stateless)
        else {
            return;
        };
        let subject = subject(how);
        machine.set_authorization(Some(bearer(subject)), now);
        network.judge.subject = subject.to_owned();
        program.acts_for(subject);
    }

    fn subscribe(&mut self, client: Pick, what: Pick) {
        self.numbers += 1;
        let (number, now) = (self.numbers, self.now);
        self.pair(client).program.subscribe(what, number, now);
    }

    /// The pair and the index in it that the pick stands for, of all that `count` counts.
    fn locate(&self, pick: Pick, count: impl Fn(&Pair) -> usize) -> Option<(usize, usize)> {
        let all: usize = self.pairs.iter().map(&count).sum();
        let mut at = pick.among(all)?;
        for (pair, counted) in self.pairs.iter().map(count).enumerate() {
            if at < counted {
                return Some((pair, at));
            }
            at -= counted;
        }
        None
    }

    fn cancel(&mut self, call: Pick, how: Pick) {
        if let Some((pair, at)) = self.locate(call, |pair| pair.program.open_calls()) {
            self.pairs[pair].program.give_up(at, how, self.now);
        }
    }

    fn unsubscribe(&mut self, pick: Pick) {
        if let Some((pair, at)) = self.locate(pick, |pair| pair.program.subscriptions.len()) {
            self.pairs[pair].program.unsubscribe(at, self.now);
        }
    }

    fn answer(&mut self, question: Pick, how: Pick) {
        if let Some((pair, at)) = self.locate(question, |pair| pair.program.questions.len()) {
            let given = self.pairs[pair].program.answer(at, how, self.now);
            self.notebook.give(given);
        }
    }

    // ── What servers and handlers do ─────────────────────────────────────────────────────────

    /// The machine that a handler's outcome goes to, if it is there still.
    fn door(&mut self, home: Home) -> Option<&mut dyn Door> {
        match home {
            // A ticket may even be taken to the connection that came after its own.
            Home::Stream(at, _) => {
                let (_, stream) = self.pairs.get_mut(at)?.ends()?;
                Some(&mut stream.conn)
            }
            Home::Exchange(at, number) => {
                let exchange = self.exchange(at, number)?;
                Some(exchange)
            }
            Home::Session => Some(&mut self.site.sessions),
        }
    }

    pub(crate) fn finish(&mut self, at: usize, how: Pick) {
        let held = self.held.swap_remove(at);
        let late = held.cancelled || held.cancel.is_cancelled();
        let (outcome, said) = match &held.act {
            Act::Run(handler) => handlers::run(handler, held.work, held.context),
            Act::Kept => {
                let subject = held.context.peer.subject.as_deref();
                (self.history.outcome(subject), None)
            }
            _ => handlers::outcome(&held.work, held.number, how),
        };
        let now = self.now;
        let delivery = match self.door(held.home) {
            Some(door) => door.finish(held.ticket, outcome, now),
            None => Delivery::Discarded,
        };
        // Nobody waits any more, perhaps though that was not said yet.
        let expected = match late {
            true => Delivery::Discarded,
            false => Delivery::Accepted,
        };
        assert_eq!(delivery, expected, "S1: the answer to call {}", held.number);
        if delivery == Delivery::Accepted {
            self.book.entry(held.number).or_default().extend(said);
        }
    }

    fn abandon(&mut self, held: Pick) {
        if let Some(at) = held.among(self.held.len()) {
            let held = self.held.swap_remove(at);
            let now = self.now;
            let (outcome, _) = handlers::outcome(&held.work, held.number, Pick(0));
            if let Some(door) = self.door(held.home) {
                let _ = door.abandon(held.id, now);
                // A ticket that turns up later does not answer it again.
                let late = door.finish(held.ticket, outcome, now);
                assert_eq!(late, Delivery::Discarded, "S1: abandoned, then answered");
            }
        }
    }

    fn note(&mut self, held: Pick, what: Pick) {
        if let Some(at) = held.among(self.held.len()) {
            let now = self.now;
            let times = if what.0 >= 224 { 300 } else { 1 };
            for _ in 0..times {
                let held = &mut self.held[at];
                let (home, id, note) = (held.home, held.id, held.note(what));
                if let Some(door) = self.door(home) {
                    let _ = door.note(id, note, now);
                }
            }
        }
    }

    pub(crate) fn cancelled(&mut self, id: CallId) {
        self.trace.note(format_args!("! cancelled"));
        // One that has ended meanwhile needs not be told.
        if let Some(held) = self.held.iter_mut().find(|held| held.id == id) {
            let limits = &self.limits;
            // Reports may have made it later.
            let waits = self.now < held.context.deadline;
            if let (Home::Stream(at, tag), true) = (held.home, waits) {
                let streams = self.pairs.get(at).and_then(Pair::stream);
                let mut stream = streams.into_iter().filter(|stream| stream.tag == tag);
                assert!(
                    !stream.any(|one| one.has_to_finish(limits.drain_timeout, self.now)),
                    "S13: call {} gets no time to end",
                    held.number
                );
            }
            held.cancelled = self.options.plant != Some(Plant::ForgetsCancellation);
        }
    }

    pub(crate) fn change(&mut self, what: Pick) {
        let change = match what.0 % 6 {
            0 => Change::Tools,
            1 => Change::Prompts,
            2 => Change::Resources,
            3 => Change::Resource("note:///watched".into()),
            5 => Change::Resource(kept::URI.into()),
            _ => Change::Resource("note:///other".into()),
        };
        let now = self.now;
        for (_, stream) in self.pairs.iter_mut().filter_map(Pair::ends) {
            stream.conn.handle_change(&change, now);
        }
        self.tell_http(None, &[change]);
    }

    pub(crate) fn swap(&mut self, what: Pick) {
        if what.0 % 3 == 0 {
            self.history.change(Thing::Tools, self.now);
        }
        let [_, version] = self.history.newest();
        let (service, now) = (handlers::swapped(&self.service, what, version), self.now);
        self.service = Arc::clone(&service);
        for (_, stream) in self.pairs.iter_mut().filter_map(Pair::ends) {
            stream.conn.handle_service(Arc::clone(&service), now);
        }
        self.tell_http(Some(&service), &[]);
    }

    // ── What happens between them ────────────────────────────────────────────────────────────

    fn pipe(pick: Pick) -> (Pick, usize) {
        (Pick(pick.0 / 2), usize::from(pick.0 % 2))
    }

    fn deliver(&mut self, pipe: Pick, much: Pick) {
        let (client, direction) = Self::pipe(pipe);
        let at = usize::from(client.0) % self.pairs.len();
        let (now, most) = (self.now, usize::from(much.0) + 1);
        match self.pairs[at].ends() {
            Some((_, stream)) if direction == 0 => drop(stream.feed_server(Some(most), now)),
            Some((client, stream)) => drop(stream.feed_client(client, Some(most), now)),
            None => self.deliver_http(at, pipe, most),
        }
    }

    fn flow(&mut self, pipe: Pick, how: Pick) {
        let (client, direction) = Self::pipe(pipe);
        let flows = [
            Flow::Stopped,
            Flow::Pieces(usize::MAX),
            Flow::Pieces(1),
            Flow::Pieces(7),
        ];
        match &mut self.pair(client).link {
            Link::Stream(stream) => stream.pipes[direction].flow = how.of(&flows),
            Link::Http(network) => {
                network.stopped = how.0 % 4 == 0;
                network.piece = how.of(&[0, 0, 1, 7]);
            }
        }
    }

    fn cut(&mut self, client: Pick, how: Pick) {
        let lost = usize::from(how.0 / 4);
        let at = usize::from(client.0) % self.pairs.len();
        // Half a message may be all that comes.
        self.pairs[at].program.disturbed = true;
        let Link::Stream(stream) = &mut self.pairs[at].link else {
            return self.cut_all(at);
        };
        stream.judge.disturbed = true;
        match how.0 % 4 {
            0 => stream.pipes[0].cut(lost),
            1 => stream.pipes[1].cut(lost),
            _ => stream.pipes.iter_mut().for_each(|pipe| pipe.cut(lost)),
        }
    }

    fn disturb(&mut self, pipe: Pick, what: Pick) {
        let (client, direction) = Self::pipe(pipe);
        let Pair { program, link, .. } = self.pair(client);
        if let Link::Stream(stream) = link {
            // The server tells its client what it could not read.
            program.disturbed |= stream.disturb(direction, what);
        }
    }

    fn restart(&mut self, client: Pick, how: Pick) {
        let at = usize::from(client.0) % self.pairs.len();
        if matches!(self.pairs[at].link, Link::Http(_)) && how.0 % 2 == 1 {
            return self.restart_site();
        }
        self.reconnect(at);
        // Some start so slowly that the client loses patience.
        match &mut self.pairs[at].link {
            Link::Stream(stream) => {
                if how.0 & 0x40 != 0 {
                    stream.mark();
                }
                for (pipe, slow) in stream.pipes.iter_mut().zip([2, 3]) {
                    if how.0 % 4 == slow {
                        pipe.flow = Flow::Stopped;
                    }
                }
            }
            Link::Http(network) => network.stopped = how.0 % 4 == 2,
        }
    }

    pub(crate) fn reconnect(&mut self, at: usize) {
        self.cut_all(at);
        let pair = self.connect(at, self.pairs[at].way);
        let old = std::mem::replace(&mut self.pairs[at], pair);
        let stream = match (old.link, &mut self.pairs[at].link) {
            (Link::Stream(stream), _) => stream,
            (Link::Http(old), Link::Http(new)) => {
                // Some calls go on without their client.
                new.transfers = old.transfers;
                new.transfers.iter_mut().for_each(|one| one.foreign = true);
                return;
            }
            (Link::Http(_), Link::Stream(_)) => return,
        };
        self.replay(&stream);
        let tag = stream.tag;
        drop(stream);
        for held in &mut self.held {
            if held.home == Home::Stream(at, tag) {
                assert!(held.cancel.is_cancelled(), "a handler without a connection");
                held.cancelled = true;
            }
        }
    }

    fn close(&mut self, client: Pick, how: Pick) {
        let now = self.now;
        let Pair { program, link, .. } = self.pair(client);
        match link {
            Link::Stream(stream) if how.0 % 2 == 1 => {
                stream.dismissed = true;
                stream.conn.close(now);
            }
            _ => program.machine.session().close(now),
        }
    }

    fn advance_by(&mut self, by: Pick) {
        let next = self.next_deadline();
        let after = |nanos| self.now.saturating_add(Duration::from_nanos(nanos));
        let to = match (by.0 % 8, next) {
            (0, _) => self.now,
            (1, Some(next)) => next,
            (2, Some(next)) => Instant::from_nanos(next.as_nanos().saturating_sub(1)),
            (3, _) => after(1),
            (4, _) => after(1_000_000),
            (5, _) => after(1_000_000_000),
            (6, _) => after(6_000_000_000),
            _ => after(40_000_000_000),
        };
        self.advance(to.max(self.now));
    }
}
