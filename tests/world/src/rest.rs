//! The end of every scenario: the faults are over, and everything must come to rest.

use std::time::Duration;

use mcp_client_core::Change;
use mcp_proto::{time::Instant, version::Era};

use crate::{
    calls::What,
    kept::Thing,
    scenario::Pick,
    world::{Link, Pair, World},
};

/// How much virtual time everything may take that was begun under faults: every deadline there is,
/// one after the other, with room to spare.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

impl World {
    pub(crate) fn come_to_rest(&mut self) {
        for at in 0..self.pairs.len() {
            if let Some((_, stream)) = self.pairs[at].ends() {
                stream.mend();
            }
            self.mend_http(at);
        }
        self.settle();
        self.all_calls_end();
        self.all_questions_end();
        // What began to find its revision under faults may still fail.
        let deadline = self.now.saturating_add(PATIENCE);
        while self.pairs.iter_mut().any(|pair| pair.program.is_opening()) {
            self.wait_until(deadline, "L1: no revision is found");
        }
        for at in 0..self.pairs.len() {
            if self.is_lost(at) {
                self.reconnect(at);
            }
            self.a_new_call_succeeds(at);
            if self.is_told_of_changes(at) {
                self.the_next_change_is_told(at);
            }
            self.what_is_kept_gives_way(at);
        }
        let (now, trace) = (self.now, &mut self.trace);
        if let Some(office) = &mut self.office {
            office.come_to_rest(now, trace);
        }
        self.office = None;
        self.everything_ends();
    }

    /// Whether nothing but a new connection helps.
    fn is_lost(&self, at: usize) -> bool {
        let pair = &self.pairs[at];
        let severed = match &pair.link {
            Link::Stream(stream) => stream.pipes.iter().any(|pipe| pipe.is_ended()),
            Link::Http(network) => network.crippled,
        };
        severed || pair.program.closed.is_some()
    }

    /// Whether its server can tell it anything without being asked.
    fn is_told_of_changes(&mut self, at: usize) -> bool {
        let http = matches!(self.pairs[at].link, Link::Http(_));
        let server = self.pairs[at].program.machine.session().server();
        let stateless = server.is_some_and(|server| server.version.era() == Era::Stateless);
        !http || self.site.tells || stateless
    }

    /// Handlers end, users answer, time passes, until there is no call left (L1).
    fn all_calls_end(&mut self) {
        let deadline = self.now.saturating_add(PATIENCE);
        loop {
            self.all_handlers_end();
            let mut answered = false;
            for pair in &mut self.pairs {
                answered |= self.answers && pair.program.answer_all(&self.notebook, self.now);
            }
            if answered {
                self.settle();
                continue;
            }
            let open: usize = self
                .pairs
                .iter()
                .map(|pair| pair.program.open_calls())
                .sum();
            if open == 0 {
                return;
            }
            self.wait_until(deadline, "L1: a call does not end");
        }
    }

    /// What a user never answers is taken back, though its call be over (L1).
    fn all_questions_end(&mut self) {
        let deadline = self.now.saturating_add(PATIENCE);
        let open = |pair: &Pair| !pair.program.questions.is_empty();
        while self.pairs.iter().any(open) {
            self.wait_until(deadline, "L1: a question stays open");
        }
    }

    fn all_handlers_end(&mut self) {
        while !self.held.is_empty() {
            self.finish(0, Pick(0));
            self.settle();
        }
    }

    /// Lets time pass until the next thing happens.
    fn wait_until(&mut self, deadline: Instant, law: &str) {
        let next = self.next_deadline();
        let Some(next) = next else {
            panic!("S8: nothing to wait for. {law}: {}", self.describe());
        };
        assert!(next <= deadline, "{law}: {}", self.describe());
        self.advance(next);
    }

    fn describe(&self) -> String {
        let open = self.pairs.iter().map(|pair| pair.program.describe_open());
        open.collect::<Vec<_>>().join("\n")
    }

    fn a_new_call_succeeds(&mut self, at: usize) {
        self.numbers += 1;
        let number = self.numbers;
        self.pairs[at].program.call_quick(number, self.now);
        self.settle();
        self.all_calls_end();
        let outcome = self.pairs[at].program.wanted.get(&number);
        assert!(
            matches!(outcome, Some(Ok(_))),
            "L1: without faults a call gives {outcome:?}"
        );
    }

    fn the_next_change_is_told(&mut self, at: usize) {
        // Whoever has room for no more watches enough, but perhaps not the tools.
        while self.pairs[at].program.subscriptions.len() >= self.limits.listens {
            self.pairs[at].program.unsubscribe(0, self.now);
            self.settle();
        }
        self.numbers += 1;
        let number = self.numbers;
        self.pairs[at].program.subscribe(Pick(3), number, self.now);
        self.settle();
        self.all_calls_end();
        let outcome = self.pairs[at].program.wanted.get(&number);
        assert!(matches!(outcome, Some(Ok(_))), "L2: {outcome:?}");
        let deadline = self.now.saturating_add(PATIENCE);
        // What was kept of the list until then is of no use after it.
        self.read(at, What::List);
        loop {
            self.pairs[at].program.told.clear();
            self.swap(Pick(0));
            self.settle();
            if self.pairs[at].program.told.contains(&Change::Tools) {
                return self.read(at, What::List);
            }
            // A stream that was lost is opened again after a while; a pipe is never lost.
            let stream = self.pairs[at].stream().is_some();
            assert!(!stream, "L2: not told of a change");
            self.wait_until(deadline, "L2: not told of any change");
        }
    }

    /// Once to somebody else, and once when its time is over.
    fn what_is_kept_gives_way(&mut self, at: usize) {
        let client = Pick(u8::try_from(at).expect("there are two"));
        self.read(at, What::Kept);
        for how in [0, 1] {
            self.login(client, Pick(how));
            self.read(at, What::Kept);
        }
        self.history.change(Thing::Resource, self.now);
        let ttl = Duration::from_millis(self.history.hints().ttl_ms);
        self.advance(self.now.saturating_add(ttl));
        self.read(at, What::Kept);
    }

    /// Asks for something of which there are versions, and judges what comes.
    fn read(&mut self, at: usize, what: What) {
        self.numbers += 1;
        let number = self.numbers;
        self.pairs[at].program.start(what, number, self.now);
        self.settle();
        self.all_calls_end();
    }

    /// Everybody leaves, and nothing is left behind.
    fn everything_ends(&mut self) {
        for pair in &mut self.pairs {
            pair.program.machine.session().close(self.now);
        }
        self.settle();
        // An answer that came late may have let one run again for a caller that had given up.
        self.all_handlers_end();
        let deadline = self.now.saturating_add(PATIENCE);
        while self.next_deadline().is_some() {
            self.wait_until(deadline, "L1: they do not part");
        }
        assert!(self.held.is_empty(), "handlers without callers");
        for pair in std::mem::take(&mut self.pairs) {
            let closed = pair.program.machine.is_closed() && pair.program.closed.is_some();
            assert!(closed, "L1: not closed");
            let stream = match &pair.link {
                Link::Stream(stream) => stream,
                Link::Http(network) => {
                    assert!(network.transfers.is_empty(), "L1: an open exchange");
                    continue;
                }
            };
            assert!(stream.conn.is_closed() && stream.closed.is_some());
            assert!(!stream.conn.wants_read() && !stream.conn.wants_write());
            self.replay(stream);
        }
        assert_eq!(self.site.sessions.sessions(), 0, "L1: sessions are left");
    }
}
