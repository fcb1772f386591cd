//! A program that uses a client: what it has asked for, and what it must get.

use std::{collections::BTreeMap, time::Duration};

use mcp_client_core::{
    CallError, CallOptions, Change, Closed, Delivery, Event, Fault, InputError, InputTicket,
    Misuse, SubscriptionId,
};
use mcp_proto::{
    json::Json,
    rpc::{CallId, RpcError, codes},
    time::Instant,
    types::{InputRequest, LoggingLevel},
};

use crate::{
    asks::{self, Notebook, Reply},
    calls::{self, Waiting, What, subscription},
    kept::{self, Before, History, Memory, Thing},
    machine::Machine,
    scenario::Pick,
};

/// What a handler has answered to the call of this number, as far as it was accepted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Text(String),
    Code(i32),
}

/// The truth about all calls of a world, by their numbers. A request that comes twice is answered
/// twice.
pub(crate) type Book = BTreeMap<u32, Vec<Said>>;

#[derive(Debug)]
struct Open {
    id: CallId,
    number: u32,
    what: What,
    made: Instant,
    before: Before,
    patience: Duration,
    cancelled: bool,
    waiting: Waiting,
}

/// A program and its client.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) machine: Machine,
    open: Vec<Open>,
    pub(crate) subscriptions: Vec<(SubscriptionId, usize)>,
    pub(crate) questions: Vec<(InputTicket, InputRequest)>,
    /// Questions whose answers are no longer wanted, and may come nevertheless.
    pub(crate) gone: Vec<(InputTicket, InputRequest)>,
    /// Its users have said no, or nonsense: calls may fail of that.
    pub(crate) unkind: bool,
    pub(crate) told: Vec<Change>,
    pub(crate) closed: Option<Closed>,
    /// Somebody else has written to it: it may complain.
    pub(crate) disturbed: bool,
    /// Its network loses things: calls may fail.
    pub(crate) unreliable: bool,
    /// Its network has sent something twice, whose reports come twice.
    pub(crate) doubled: bool,
    /// What it may have kept.
    pub(crate) memory: Memory,
    /// How far each call has come that tells.
    progress: BTreeMap<CallId, f64>,
    /// Results of calls that were made to be looked at.
    pub(crate) wanted: BTreeMap<u32, Result<String, CallError>>,
    patience: Duration,
}

impl Program {
    pub(crate) fn new(machine: Machine, memory: Memory, patience: Duration) -> Self {
        Self {
            machine,
            open: Vec::new(),
            subscriptions: Vec::new(),
            questions: Vec::new(),
            gone: Vec::new(),
            unkind: false,
            told: Vec::new(),
            closed: None,
            disturbed: false,
            unreliable: false,
            doubled: false,
            memory,
            progress: BTreeMap::new(),
            wanted: BTreeMap::new(),
            patience,
        }
    }

    /// Whether it is still to be seen which revision is spoken, if any.
    pub(crate) fn is_opening(&mut self) -> bool {
        self.closed.is_none() && self.machine.session().server().is_none()
    }

    pub(crate) fn open_calls(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn describe_open(&self) -> String {
        format!("{:?}", self.open)
    }

    /// Makes a call, and tells which.
    pub(crate) fn call(&mut self, what: Pick, number: u32, now: Instant) -> What {
        let chosen = What::of(what);
        self.start(chosen, number, now);
        chosen
    }

    /// From now on it asks on this one's behalf.
    pub(crate) fn acts_for(&mut self, subject: &str) {
        self.memory.acts_for(subject.to_owned());
        for open in &mut self.open {
            // It may go out on this one's behalf, or have gone out before.
            if open.what == What::Forged(true) {
                open.what = What::Forged(false);
            }
        }
    }

    /// Makes a call that must succeed if nothing is wrong.
    pub(crate) fn call_quick(&mut self, number: u32, now: Instant) {
        self.start(What::Tool(kept::COUNTER), number, now);
    }

    /// Subscribes to one of a few things.
    pub(crate) fn subscribe(&mut self, which: Pick, number: u32, now: Instant) {
        self.start(What::Join(usize::from(which.0) % 4), number, now);
    }

    /// Answers a question, in time or too late. Gives what the question's handler may be told.
    pub(crate) fn answer(
        &mut self,
        question: usize,
        how: Pick,
        now: Instant,
    ) -> Option<(String, String)> {
        let late = how.0 >= 224 && !self.gone.is_empty();
        let (ticket, request) = match late {
            true => self.gone.swap_remove(0),
            false => self.questions.remove(question),
        };
        let Reply {
            answer,
            given,
            wrong,
        } = asks::reply(&request, how);
        self.unkind |= answer.is_err() || wrong;
        let delivery = self.machine.session().answer(ticket, answer, now);
        match delivery {
            Ok(Delivery::Accepted) => assert!(!late && !wrong, "S1: an answer that is too late"),
            Ok(_) => assert!(
                late || self.closed.is_some(),
                "S1: nobody wants {request:?}"
            ),
            Err(misuse) => assert!(
                wrong && matches!(misuse, Misuse::WrongAnswer(_)),
                "{request:?}: {misuse}"
            ),
        }
        given.filter(|_| !late)
    }

    /// Answers what there is to answer, as a user does who is always of the same opinion.
    pub(crate) fn answer_all(&mut self, notebook: &Notebook, now: Instant) -> bool {
        let any = !self.questions.is_empty();
        while let Some((_, request)) = self.questions.first() {
            let how = asks::settled_how(request);
            notebook.give(self.answer(0, how, now));
        }
        any
    }

    /// Makes a call with parameters of its own; `refused`: they must not be taken.
    pub(crate) fn forge(
        &mut self,
        method: &str,
        params: &Json,
        number: u32,
        refused: bool,
        now: Instant,
    ) {
        let session = self.machine.session();
        let options = CallOptions::default();
        if let Ok(pending) = session.call_custom(method.to_owned(), params, &options, now) {
            self.open.push(Open {
                id: pending.id(),
                number,
                what: What::Forged(refused),
                made: now,
                before: self.memory.before(),
                patience: self.patience,
                cancelled: false,
                waiting: Waiting::Forged(pending),
            });
        }
    }

    pub(crate) fn start(&mut self, what: What, number: u32, now: Instant) {
        let mut options = CallOptions::default();
        let mut patience = self.patience;
        if what == What::Watched {
            patience = Duration::from_secs(2);
            options = options
                .with_progress()
                .with_timeout(patience)
                .with_log_level(LoggingLevel::Info);
        }
        let closed = self.closed;
        match calls::start(self.machine.session(), what, number, &options, now) {
            Ok(waiting) => {
                assert_eq!(closed, None, "a closed client took a call");
                self.open.push(Open {
                    id: waiting.id(),
                    number,
                    what,
                    made: now,
                    before: self.memory.before(),
                    patience,
                    cancelled: false,
                    waiting,
                });
            }
            Err(Misuse::Closed(how)) => assert_eq!(Some(how), closed, "a lively client"),
            Err(Misuse::TooManyCalls(_)) => {}
            Err(Misuse::TooManySubscriptions(_) | Misuse::TooManyUris(_)) => {
                assert!(matches!(what, What::Join(_)), "{what:?}");
            }
            Err(misuse) => panic!("{what:?}: {misuse}"),
        }
    }

    /// Gives up on a call: wants no answer, or not even to be told.
    pub(crate) fn give_up(&mut self, call: usize, how: Pick, now: Instant) {
        let id = self.open[call].id;
        if how.0 % 3 == 0 {
            self.open.remove(call);
            self.machine.session().forget(id, now);
        } else {
            self.open[call].cancelled = true;
            let reason = (how.0 % 3 == 1).then_some("changed my mind");
            self.machine.session().cancel(id, reason, now);
        }
    }

    pub(crate) fn unsubscribe(&mut self, subscription: usize, now: Instant) {
        let (id, _) = self.subscriptions.remove(subscription);
        self.machine.session().unsubscribe(id, now);
    }

    /// Takes one event. Tells whether there was one.
    pub(crate) fn poll(&mut self, book: &Book, history: &History, now: Instant) -> Option<String> {
        let event = self.machine.poll_event()?;
        assert!(self.closed.is_none(), "an event after the end: {event:?}");
        let mut text = match &event {
            Event::Input(_, request) => format!("input {}", kind_of(request)),
            event => format!("{event:?}"),
        };
        match event {
            Event::Done(id) => text = self.done(id, book, history, now),
            Event::Changed(change) => self.changed(change),
            Event::Progress(id, progress) => {
                let last = self.progress.insert(id, progress.done);
                let grows = last.is_none_or(|last| progress.done > last);
                assert!(grows || self.doubled, "R4: {progress:?} after {last:?}");
            }
            Event::Unsubscribed(id) => self.subscriptions.retain(|(open, _)| *open != id),
            // A message that nobody waits for an answer to was lost, or is late.
            Event::Fault(Fault::Http(_)) => {}
            Event::Fault(fault) => assert!(self.disturbed, "the server broke a rule: {fault:?}"),
            Event::Input(ticket, request) => self.questions.push((ticket, request)),
            Event::InputGone(id) => {
                let at = self
                    .questions
                    .iter()
                    .position(|(ticket, _)| ticket.id() == id);
                self.gone
                    .extend(at.map(|at| self.questions.swap_remove(at)));
            }
            Event::Closed(how) => {
                self.closed = Some(how);
                let open = self.describe_open();
                assert!(self.open.is_empty(), "S8: still open at the end: {open}");
            }
            _ => {}
        }
        Some(text)
    }

    fn changed(&mut self, change: Change) {
        let wanted = self.wants(&change);
        assert!(wanted, "S4: nobody has asked for {change:?}");
        match &change {
            Change::Tools => self.memory.hears(Thing::Tools),
            Change::Resource(uri) if **uri == *kept::URI => self.memory.hears(Thing::Resource),
            _ => {}
        }
        self.told.push(change);
    }

    fn wants(&self, change: &Change) -> bool {
        let joining = self.open.iter().filter_map(|open| match open.what {
            What::Join(which) => Some(which),
            _ => None,
        });
        let granted = self.subscriptions.iter().map(|(_, which)| *which);
        joining
            .chain(granted)
            .map(subscription)
            .any(|wanted| match change {
                Change::Tools => wanted.tools,
                Change::Prompts => wanted.prompts,
                Change::Resources => wanted.resources,
                _ => !wanted.uris.is_empty(),
            })
    }

    /// Takes the outcome of a call, and judges it.
    fn done(&mut self, id: CallId, book: &Book, history: &History, now: Instant) -> String {
        let at = self.open.iter().position(|open| open.id == id);
        let at = at.unwrap_or_else(|| panic!("S1: told twice, or of nothing: {id:?}"));
        let Open {
            number,
            what,
            made,
            before,
            patience,
            cancelled,
            waiting,
            ..
        } = self.open.remove(at);
        let (outcome, joined) = waiting.take(self.machine.session());
        if let (Some(joined), What::Join(which)) = (joined, what) {
            self.subscriptions.push((joined, which));
        }
        let waited = now.duration_since(made);
        let mut kept = false;
        match &outcome {
            Ok(_) if what == What::Forged(true) => {
                panic!("S11: a state counted that was not given for this: {outcome:?}")
            }
            Ok(Some(text)) if matches!(what, What::Kept | What::List) => {
                let thing = match what {
                    What::List => Thing::Tools,
                    _ => Thing::Resource,
                };
                let call = (made, before);
                kept = self.memory.judge(thing, text, call, history);
            }
            Ok(Some(text)) => {
                let said = book.get(&number).map(Vec::as_slice).unwrap_or_default();
                assert!(
                    said.contains(&Said::Text(text.clone())),
                    "S1: call {number} got what nobody gave to it: {text}, but {said:?}"
                );
            }
            Ok(None) => {}
            Err(CallError::Cancelled) => assert!(cancelled, "nobody cancelled {what:?} {number}"),
            Err(CallError::TimedOut) => {
                assert!(
                    waited >= patience,
                    "{what:?}: lost patience after {waited:?}"
                );
            }
            Err(CallError::Rpc(_)) if self.unreliable => {}
            Err(CallError::Rpc(error)) => expect_error(what, error, book.get(&number)),
            Err(CallError::Input(error)) => expect_input_error(what, error, self.unkind),
            Err(CallError::Malformed(_)) if self.unreliable => {}
            Err(
                CallError::Lost(_) | CallError::Negotiation(_) | CallError::NotInRevision { .. },
            ) => {}
            Err(CallError::Http(failure)) => {
                // What its stream was to be resumed from has given way to newer events.
                let forgotten = failure.body.contains("there is no such event");
                assert!(self.unreliable || forgotten, "{what:?}: {outcome:?}");
            }
            Err(error) => panic!("{what:?} {number}: {error}"),
        }
        let from = if kept { " (kept)" } else { "" };
        let told = format!("Done({number}){from} {outcome:?}");
        self.wanted
            .insert(number, outcome.map(Option::unwrap_or_default));
        told
    }
}

/// How questions may end a call of ours.
fn expect_input_error(what: What, error: &InputError, unkind: bool) {
    let expected = match error {
        InputError::Failed(_) => unkind,
        InputError::TooManyRounds(_) | InputError::TooManyQuestions(_) => true,
        _ => false,
    };
    let asks = matches!(what, What::Ask(..) | What::Forged(_));
    assert!(expected && asks, "S5: {what:?}: {error:?}");
}

/// The errors that a server may answer a call of ours with.
fn expect_error(what: What, error: &RpcError, said: Option<&Vec<Said>>) {
    let own = [
        codes::INTERNAL_ERROR,
        codes::BUSY,
        codes::INVALID_PARAMS,
        codes::RESOURCE_NOT_FOUND,
        codes::METHOD_NOT_FOUND,
        codes::MISSING_CLIENT_CAPABILITY,
    ];
    let told = said.is_some_and(|said| said.contains(&Said::Code(error.code)));
    assert!(told || own.contains(&error.code), "{what:?}: {error}");
}

fn kind_of(request: &InputRequest) -> &'static str {
    match request {
        InputRequest::Elicit(_) => "elicitation",
        InputRequest::CreateMessage(_) => "sampling",
        _ => "roots",
    }
}
