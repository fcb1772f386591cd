//! The world: who is in it, and what a step does to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use mcp_client_core::{
    Client, Config, EraMode,
    http::{Endpoint, HttpClient},
};
use mcp_proto::{
    limits::Limits,
    time::Instant,
    types::{
        ClientCapabilities, ElicitationCapability, Implementation, RootsCapability,
        SamplingCapability,
    },
    version::{Era, ProtocolVersion},
};
use mcp_server_core::{Call, Event, Service};

use crate::{
    asks::{self, Notebook},
    handlers::{self, Act, Held, Home},
    kept::{History, Memory},
    machine::Machine,
    network::Network,
    office::Office,
    program::{Book, Program},
    scenario::{Pick, Scenario, Setup},
    steps,
    stream::Stream,
    trace::{Text, Trace},
    web::Site,
};

/// How a scenario is run.
#[derive(Copy, Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Feeds what each server has read to another one in other pieces (S9).
    pub replayed: bool,
    /// Has a fault of its own, which must be found.
    pub plant: Option<Plant>,
}

/// A fault of the world's own: the machines have none to show.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plant {
    /// Once the registry was swapped, servers give their answers twice.
    AnswersTwice,
    /// Handlers that are cancelled while time passes are never told so.
    ForgetsCancellation,
}

/// What came of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Everything that happened, as one number.
    pub trace: u64,
    /// How many connections there were.
    pub sessions: u32,
    /// How many calls were made.
    pub calls: u32,
    /// What the handler of each call that asks was told, run by run.
    pub told: BTreeMap<u32, Vec<String>>,
}

/// Runs a scenario and then to rest.
///
/// # Panics
/// Where a law is broken, with its name.
#[must_use]
pub fn run(scenario: &Scenario, options: Options) -> Report {
    run_telling(scenario, options, None)
}

pub(crate) fn run_telling(scenario: &Scenario, options: Options, text: Option<Text>) -> Report {
    let mut world = World::new(scenario.setup, options, Trace::new(text));
    for step in &scenario.steps {
        world.step(*step);
    }
    world.come_to_rest();
    Report {
        trace: world.trace.hash(),
        sessions: world.tags,
        calls: world.numbers,
        told: world.notebook.runs(),
    }
}

/// How a client is connected, and how it finds the revision.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Way {
    Stream(EraMode),
    /// The path of the server.
    Http(EraMode, &'static str),
}

const WAYS: [Way; 16] = [
    Way::Stream(EraMode::Auto),
    Way::Stream(EraMode::Stateless),
    Way::Stream(EraMode::Handshake(ProtocolVersion::V2025_11_25)),
    Way::Stream(EraMode::Handshake(ProtocolVersion::V2025_06_18)),
    Way::Stream(EraMode::Handshake(ProtocolVersion::V2025_03_26)),
    Way::Stream(EraMode::Handshake(ProtocolVersion::V2024_11_05)),
    Way::Stream(EraMode::Cached(ProtocolVersion::V2025_06_18)),
    Way::Stream(EraMode::Cached(ProtocolVersion::V2026_07_28)),
    Way::Http(EraMode::Auto, "/mcp"),
    Way::Http(EraMode::Stateless, "/mcp"),
    Way::Http(EraMode::Handshake(ProtocolVersion::V2025_11_25), "/mcp"),
    Way::Http(EraMode::Handshake(ProtocolVersion::V2025_06_18), "/mcp"),
    Way::Http(EraMode::Handshake(ProtocolVersion::V2025_03_26), "/mcp"),
    Way::Http(EraMode::Handshake(ProtocolVersion::V2024_11_05), "/sse"),
    Way::Http(EraMode::Cached(ProtocolVersion::V2025_06_18), "/mcp"),
    Way::Http(EraMode::Cached(ProtocolVersion::V2026_07_28), "/mcp"),
];

/// What lies between a client and its server.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there are two of them")]
pub(crate) enum Link {
    Stream(Stream),
    Http(Network),
}

/// A client with its program, and the server at the other end.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) program: Program,
    pub(crate) link: Link,
    pub(crate) way: Way,
}

impl Pair {
    /// Both ends of a byte stream, if this is one.
    pub(crate) fn ends(&mut self) -> Option<(&mut Client, &mut Stream)> {
        match (&mut self.program.machine, &mut self.link) {
            (Machine::Stream(client), Link::Stream(stream)) => Some((client, stream)),
            _ => None,
        }
    }

    pub(crate) fn stream(&self) -> Option<&Stream> {
        match &self.link {
            Link::Stream(stream) => Some(stream),
            Link::Http(_) => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) options: Options,
    pub(crate) service: Arc<Service<Act>>,
    pub(crate) limits: Limits,
    patience: Duration,
    /// At the end users answer everything, or nothing ever.
    pub(crate) answers: bool,
    room: usize,
    /// Servers leave calls unread for which there is no room, as those of a process do.
    holds_back: bool,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) site: Site,
    pub(crate) held: Vec<Held>,
    pub(crate) book: Book,
    pub(crate) numbers: u32,
    tags: u32,
    pub(crate) swaps: u32,
    /// Some network has lost or doubled something: what was done may be done again.
    pub(crate) repeats: bool,
    pub(crate) trace: Trace,
    /// What handlers have asked, and users answered.
    pub(crate) notebook: Notebook,
    /// Tasks, once somebody has begun one.
    pub(crate) office: Option<Box<Office>>,
    slow_disk: bool,
    /// The versions of what clients keep.
    pub(crate) history: History,
    /// What each client can be asked for.
    able: [ClientCapabilities; 2],
}

/// Narrow limits, so that few steps reach them.
fn narrow(pick: Pick, over_http: bool) -> Limits {
    let bits = usize::from(pick.0);
    let mut limits = Limits::default();
    limits.message_bytes = 64 * 1024;
    limits.calls_in_flight = 1 + (bits & 3);
    limits.calls_parked = (bits >> 2) & 3;
    limits.outbound_high_water = [256 * 1024, 300, 2_000, 300][(bits >> 4) & 3];
    // Several answers come on one stream of HTTP at one moment, before anybody can have read any.
    // A question is as long as a short answer, and all of one round are asked at once.
    let burst = if over_http { 4_000 } else { 2_000 };
    limits.outbound_bytes = limits.outbound_high_water + burst;
    limits.listens = 2;
    limits.subscribed_uris = 2;
    limits.notes_queued = 3;
    limits.page_items = 2;
    limits.client_calls = 24;
    limits.call_timeout = Duration::from_secs(5);
    limits.call_timeout_max = Duration::from_secs(9);
    limits.drain_timeout = Duration::from_secs(3);
    limits.input_timeout = Duration::from_secs(20);
    limits.sessions = 8;
    limits.session_idle = Duration::from_secs(30);
    limits.replay_events = 4;
    limits.fetches = 3;
    limits.input_rounds = 4;
    limits.input_requests = 3;
    limits.request_state_bytes = 1_000;
    limits.kept_state_bytes = 4_000;
    limits.tasks = 6;
    limits.tasks_running = 3;
    limits.task_ttl = Duration::from_secs(60);
    limits
}

/// What a client can be asked for: everything but what a bit takes away.
fn able(bits: u8) -> ClientCapabilities {
    let declared = |bit: u8| bits & bit == 0;
    let mut able = ClientCapabilities::default();
    able.roots = declared(1).then(RootsCapability::default);
    able.sampling = declared(2).then(SamplingCapability::new);
    able.elicitation = match (declared(4), declared(8)) {
        (true, true) => Some(ElicitationCapability::both()),
        // As in 2025-06-18, which knows no modes.
        (true, false) => Some(ElicitationCapability::default()),
        (false, true) => Some(ElicitationCapability::url()),
        (false, false) => None,
    };
    able
}

impl World {
    fn new(setup: Setup, options: Options, trace: Trace) -> Self {
        let ways = [setup.first, setup.second].map(|way| way.of(&WAYS));
        let over_http = ways.iter().any(|way| matches!(way, Way::Http(..)));
        let limits = narrow(setup.limits, over_http);
        let patience = Duration::from_secs(if setup.limits.0 & 0x80 == 0 { 7 } else { 4 });
        let notebook = Notebook::default();
        // Over HTTP no connection could keep what a call has to remember.
        let sealed = over_http || setup.limits.0 & 0x80 != 0;
        let askers = asks::askers(&notebook);
        let now = Instant::from_nanos(1_000_000_000);
        let history = History::new(setup.second.0 / 16, now);
        let service = handlers::service(limits.clone(), askers, sealed, history.hints());
        let service = Arc::new(service);
        let mut world = Self {
            now,
            options,
            site: Site::new(&service, usize::from(setup.first.0 / 16)),
            service,
            limits,
            patience,
            answers: setup.limits.0 & 0x80 == 0,
            room: if setup.limits.0 & 0x40 == 0 {
                usize::MAX
            } else {
                300
            },
            // As many setups as not, however narrow the limits are.
            holds_back: setup.limits.0.count_ones() % 2 == 1,
            pairs: Vec::new(),
            held: Vec::new(),
            book: Book::new(),
            numbers: 0,
            tags: 0,
            swaps: 0,
            repeats: false,
            trace,
            notebook,
            office: None,
            slow_disk: setup.limits.0 & 0x40 != 0,
            history,
            able: [setup.second.0 / 16, (setup.second.0 / 16) ^ 5].map(able),
        };
        for (at, way) in ways.into_iter().enumerate() {
            let pair = world.connect(at, way);
            world.pairs.push(pair);
        }
        world.settle();
        world
    }

    /// A new client and its link to a server; a new one where it has a server of its own.
    pub(crate) fn connect(&mut self, at: usize, way: Way) -> Pair {
        self.tags += 1;
        let (Way::Stream(era) | Way::Http(era, _)) = way;
        let mut config = Config::new(Implementation::new("client", "1"));
        config.era = era;
        config.capabilities = self.able[at].clone();
        config.limits = self.limits.clone();
        config.limits.call_timeout = self.patience;
        config.limits.call_timeout_max = self.patience * 2;
        config.tag = self.tags;
        let mut memory = Memory::new(matches!(way, Way::Http(..)));
        let (machine, link) = match way {
            Way::Stream(_) => {
                let client = Client::new(config, self.now);
                let service = Arc::clone(&self.service);
                let mut stream = Stream::new(service, self.tags, self.room, self.now);
                if self.holds_back {
                    stream.conn = stream.conn.patient();
                }
                stream.judge.able = self.able[at].clone();
                stream.read = self.options.replayed.then(Vec::new);
                (Machine::Stream(client), Link::Stream(stream))
            }
            Way::Http(_, path) => {
                let endpoint = Endpoint::new(&format!("http://localhost{path}"));
                let endpoint = endpoint.expect("a URL");
                let mut client = HttpClient::new(config, endpoint, self.now);
                let subject = steps::subject(Pick(u8::try_from(at).expect("there are two")));
                client.set_authorization(Some(steps::bearer(subject)), self.now);
                memory.acts_for(subject.to_owned());
                let mut network = Network::new();
                network.judge.able = self.able[at].clone();
                network.judge.subject = subject.to_owned();
                (Machine::Http(client), Link::Http(network))
            }
        };
        Pair {
            program: Program::new(machine, memory, self.patience),
            link,
            way,
        }
    }

    /// The next time that anybody waits for.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let both = |pair: &Pair| {
            let server = pair.stream().and_then(|stream| stream.conn.poll_timeout());
            [pair.program.machine.poll_timeout(), server]
        };
        let streams = self.pairs.iter().flat_map(both).flatten();
        let office = self
            .office
            .as_ref()
            .and_then(|office| office.next_deadline());
        streams.chain(self.next_web_deadline()).chain(office).min()
    }

    pub(crate) fn advance(&mut self, to: Instant) {
        self.now = to;
        self.trace.note(format_args!("at {}", to.as_nanos()));
        for pair in &mut self.pairs {
            pair.program.machine.handle_timeout(to);
            if let Some((_, stream)) = pair.ends() {
                stream.conn.handle_timeout(to);
                let next = stream.conn.poll_timeout();
                assert!(next.is_none_or(|next| next > to), "S7: a server that spins");
            }
        }
        self.advance_web(to);
        if let Some(office) = &mut self.office {
            office.advance(to);
        }
        self.settle();
        for Pair { program, .. } in &self.pairs {
            let next = program.machine.poll_timeout();
            assert!(next.is_none_or(|next| next > to), "S7: a client that spins");
        }
    }

    // ── Everything that happens by itself ────────────────────────────────────────────────────

    /// Lets happen what happens without time, and checks the laws.
    pub(crate) fn settle(&mut self) {
        for turns in 0.. {
            assert!(turns < 1_000_000, "S7: they never come to rest");
            let mut moved = false;
            for at in 0..self.pairs.len() {
                moved |= self.turn(at);
            }
            if !moved {
                break;
            }
        }
        for (_, stream) in self.pairs.iter_mut().filter_map(Pair::ends) {
            if stream.judge.is_cancelling() && stream.is_settled() {
                stream.judge.settled();
            }
        }
        if let Some(office) = &mut self.office {
            office.settle(self.now, &mut self.trace);
        }
        self.check();
    }

    /// Where tasks are worked on.
    pub(crate) fn office(&mut self) -> &mut Office {
        let Self {
            office,
            limits,
            notebook,
            slow_disk,
            now,
            ..
        } = self;
        office.get_or_insert_with(|| Box::new(Office::new(limits, notebook, *slow_disk, *now)))
    }

    fn turn(&mut self, at: usize) -> bool {
        let mut moved = self.turn_server(at);
        while let Some(text) = self.pairs[at]
            .program
            .poll(&self.book, &self.history, self.now)
        {
            self.trace.note(format_args!("#{at} . {text}"));
            moved = true;
        }
        let Some((client, stream)) = self.pairs[at].ends() else {
            return moved | self.turn_http(at);
        };
        moved |= stream.write_client(client, &mut self.trace);
        moved |= stream.feed_server(None, self.now);
        moved |= stream.feed_client(client, None, self.now);
        moved | stream.hang_up(client)
    }

    fn turn_server(&mut self, at: usize) -> bool {
        let mut moved = false;
        while let Some((_, stream)) = self.pairs[at].ends() {
            let Some(event) = stream.poll_event() else {
                let twice = self.options.plant == Some(Plant::AnswersTwice) && self.swaps > 0;
                return moved | stream.write_server(twice, &mut self.trace);
            };
            let tag = stream.tag;
            moved = true;
            match event {
                Event::Call(call) => self.run(Home::Stream(at, tag), call),
                Event::Cancelled(id) => self.cancelled(id),
                event => self.trace.note(format_args!("#{at} ! {event:?}")),
            }
        }
        moved
    }

    /// Hands a call to its handler.
    pub(crate) fn run(&mut self, home: Home, call: Call<Act>) {
        self.trace.note(format_args!("{home:?} ! {:?}", call.work));
        let quick = matches!(call.handler, Act::Quick | Act::Kept);
        self.held.push(Held::new(home, call));
        if quick {
            self.finish(self.held.len() - 1, Pick(0));
        }
    }

    /// What holds whenever nothing moves.
    fn check(&mut self) {
        for held in &self.held {
            let told = held.cancelled == held.cancel.is_cancelled();
            assert!(told, "S2: call {} knows nothing of its end", held.number);
        }
        let most = self.limits.calls_in_flight;
        let tags: BTreeSet<u32> = self.held.iter().map(|held| held.id.tag()).collect();
        for tag in tags {
            let here = self.held.iter().filter(|held| held.id.tag() == tag);
            let wanted = here.clone().filter(|held| !held.cancelled).count();
            let all = here.count();
            assert!(wanted <= most, "S6: {wanted} calls in flight");
            assert!(all <= 2 * most, "S6: {all} handlers at work");
        }
        for pair in &mut self.pairs {
            let server = pair.program.machine.session().server();
            let stateless = server.is_some_and(|server| server.version.era() == Era::Stateless);
            // Questions of the handshake era belong to no call in particular.
            let calls = if stateless {
                pair.program.open_calls()
            } else {
                1
            };
            let questions = pair.program.questions.len();
            assert!(questions <= most * calls, "S6: {questions} questions");
            if let Some(stream) = pair.stream().filter(|stream| stream.holds_back()) {
                self.trace.note(format_args!("#{} holds back", stream.tag));
            }
        }
        self.notebook.check();
        if !self.repeats {
            self.notebook.check_once();
        }
        let sessions = self.site.sessions.sessions();
        assert!(sessions <= self.limits.sessions, "S6: {sessions} sessions");
    }
}
