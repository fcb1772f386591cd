//! What one run of a handler has asked, and what earlier runs were told.

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    task::Waker,
};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use mcp_proto::{
    json::Json,
    rpc::RpcError,
    types::{
        CreateMessageResult, ElicitAction, ElicitParams, ElicitResult, InputRequest, InputRequests,
        ListRootsResult,
    },
};

use super::{
    error::AskError,
    memory::{Answered, Asked, Memory},
};
use crate::call::{Answers, NeedInput, Resumed};

/// What a call's handler and whoever runs it know of its questions. Costs nothing until the first
/// one is asked.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    book: OnceLock<Box<dyn Opened>>,
    // Whoever runs the handler drops it where it waits for an answer.
    drops: AtomicBool,
    runner: Mutex<Option<Waker>>,
}

/// A book that was opened. Only what opens one refers to its code, so that programs which never ask
/// are linked without it.
trait Opened: fmt::Debug + Send + Sync {
    fn book(&self) -> MutexGuard<'_, Book>;
    fn need(&self) -> Option<NeedInput>;
}

impl Opened for Mutex<Book> {
    fn book(&self) -> MutexGuard<'_, Book> {
        lock(self)
    }

    fn need(&self) -> Option<NeedInput> {
        let mut book = lock(self);
        book.interrupted.then(|| book.need())
    }
}

/// The questions of one run.
#[derive(Default)]
pub(super) struct Book {
    memory: Memory,
    // Answers of a client that has not given back what it was to keep. The key is all they have.
    unpinned: Answers,
    // Asked in the last round, and not answered.
    open: Vec<Asked>,
    questions: Vec<Question>,
    // Which of the answers in memory have found their question.
    claimed: Vec<usize>,
    interrupted: bool,
    // Not by a question, but to go on as a task.
    detaches: bool,
    responder: Option<Box<Responder>>,
}

/// Answers in the place of a client, in tests.
pub(super) type Responder = dyn FnMut(&InputRequest) -> Option<Json> + Send;

#[derive(Debug)]
struct Question {
    asked: Asked,
    // Whether the key is one that the handler has chosen.
    named: bool,
    request: InputRequest,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    /// Nobody has looked yet.
    Unknown,
    None,
    Told(Result<Json, RpcError>),
}

impl Asks {
    /// What follows is another call, which must know nothing of this one's questions and answers.
    pub(crate) fn forget(&mut self) {
        self.book.take();
        *self.drops.get_mut() = false;
        *self
            .runner
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The book of a run, opened with what earlier ones have left.
    pub(super) fn open(&self, resumed: Option<&Resumed>) -> MutexGuard<'_, Book> {
        self.book
            .get_or_init(|| Box::new(Mutex::new(Book::new(resumed))))
            .book()
    }

    /// For a run that may have to begin anew: whether a question stopped it, and with what to.
    pub(super) fn need(&self) -> Option<NeedInput> {
        self.book.get()?.need()
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.book
            .get()
            .is_some_and(|opened| opened.book().interrupted)
    }

    /// The handler is a future, and may be dropped where it waits.
    pub(super) fn may_drop(&self) {
        self.drops.store(true, Ordering::Relaxed);
    }

    /// Whom to wake when a question stops the run elsewhere, in a task of its own.
    pub(super) fn set_runner(&self, waker: &Waker) {
        let mut runner = lock(&self.runner);
        if !runner.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *runner = Some(waker.clone());
        }
    }

    /// The run is to go on as a task.
    pub(super) fn detach(&self) {
        self.open(None).detaches = true;
        self.interrupt();
    }

    /// A question has no answer, and the run cannot go on. Tells whether it is dropped for that.
    pub(super) fn interrupt(&self) -> bool {
        self.open(None).interrupted = true;
        let drops = self.drops.load(Ordering::Relaxed);
        if drops {
            if let Some(runner) = lock(&self.runner).take() {
                runner.wake();
            }
        }
        drops
    }
}

// What is behind these locks is whole after each statement, even if a user's code panics within.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// The key of a question that has none of its own, and the question's text.
fn name(number: usize, request: &InputRequest) -> (String, Json) {
    let question = Json::new(request).unwrap_or_else(|_| Json::null());
    // In the order they are asked, for clients that sort what they show by its keys.
    let key = format!("{:02}-{:016x}", number + 1, fnv(question.as_str()));
    (key, question)
}

impl Book {
    fn new(resumed: Option<&Resumed>) -> Self {
        let Some(resumed) = resumed else {
            return Self::default();
        };
        // The state comes from nobody but ourselves: of one that cannot be read nothing is known.
        let memory = resumed.state.as_deref();
        let memory = memory.and_then(|state| serde_json::from_str(state).ok());
        let Some(Memory {
            asked,
            mut answered,
            once,
        }) = memory
        else {
            return Self {
                unpinned: resumed.answers.clone(),
                ..Self::default()
            };
        };
        let mut open = Vec::new();
        for asked in asked {
            if let Some(answer) = resumed.answers.get(&asked.key) {
                let again =
                    |known: &Answered| known.key == asked.key && known.question == asked.question;
                answered.retain(|known| !again(known));
                answered.push(Answered::new(asked, answer.clone()));
            } else {
                open.push(asked);
            }
        }
        Self {
            memory: Memory {
                asked: Vec::new(),
                answered,
                once,
            },
            open,
            ..Self::default()
        }
    }

    pub(super) fn set_responder(&mut self, responder: Box<Responder>) {
        self.responder = Some(responder);
    }

    /// Takes a question down, and gives its number.
    pub(super) fn add(&mut self, request: InputRequest) -> usize {
        let number = self.questions.len();
        let (key, question) = name(number, &request);
        self.questions.push(Question {
            asked: Asked { key, question },
            named: false,
            request,
            answer: Answer::Unknown,
        });
        number
    }

    /// Gives an elicitation by page its id.
    pub(super) fn set_elicitation_id(&mut self, number: usize, id: String) {
        let Some(question) = self.questions.get_mut(number) else {
            return;
        };
        let InputRequest::Elicit(params) = &mut question.request else {
            return;
        };
        let ElicitParams::Url(page) = &mut **params else {
            return;
        };
        page.elicitation_id = Some(id);
        let (key, text) = name(number, &question.request);
        question.asked.question = text;
        if !question.named {
            question.asked.key = key;
        }
        question.answer = Answer::Unknown;
    }

    /// Gives a question another key.
    pub(super) fn set_key(&mut self, number: usize, key: String) -> Result<(), AskError> {
        let taken = |(at, known): (usize, &Question)| at != number && known.asked.key == key;
        if self.questions.iter().enumerate().any(taken) {
            return Err(AskError::Key(key));
        }
        if let Some(question) = self.questions.get_mut(number) {
            question.asked.key = key;
            question.named = true;
            question.answer = Answer::Unknown;
        }
        Ok(())
    }

    /// The answer to a question, where there is one.
    pub(super) fn answer(&mut self, number: usize) -> Option<&Result<Json, RpcError>> {
        if matches!(self.questions.get(number)?.answer, Answer::Unknown) {
            let found = self.look_up(number).map_or(Answer::None, Answer::Told);
            self.questions.get_mut(number)?.answer = found;
        }
        match &self.questions.get(number)?.answer {
            Answer::Told(answer) => Some(answer),
            _ => None,
        }
    }

    fn look_up(&mut self, number: usize) -> Option<Result<Json, RpcError>> {
        let question = self.questions.get(number)?;
        if let Some(at) = self.find(question) {
            self.claimed.push(at);
            let answer = self.memory.answered.get(at)?.answer();
            return Some(answer).filter(|answer| fits(&question.request, answer));
        }
        let unpinned = self.unpinned.get(&question.asked.key).cloned();
        let responder = self.responder.as_mut();
        let answer = unpinned
            .or_else(|| {
                responder
                    .and_then(|answer| answer(&question.request))
                    .map(Ok)
            })
            .filter(|answer| fits(&question.request, answer))?;
        let answered = Answered::new(question.asked.clone(), answer.clone());
        self.claimed.push(self.memory.answered.len());
        self.memory.answered.push(answered);
        Some(answer)
    }

    // An earlier answer to this very question: under its key or, where the handler has not chosen
    // one, under that of the same question asked at another place in the order.
    fn find(&self, question: &Question) -> Option<usize> {
        let known = || {
            let all = self.memory.answered.iter().enumerate();
            all.filter(|(at, known)| {
                known.question == question.asked.question && !self.claimed.contains(at)
            })
        };
        let exact = known().find(|(_, known)| known.key == question.asked.key);
        let elsewhere = || {
            let moved = !question.named && !self.open.contains(&question.asked);
            known().next().filter(|_| moved)
        };
        exact.or_else(elsewhere).map(|(at, _)| at)
    }

    /// The answer that was found does not do: the question is asked again.
    pub(super) fn reject(&mut self, number: usize) {
        if let Some(question) = self.questions.get_mut(number) {
            question.answer = Answer::None;
        }
    }

    /// What a side effect of an earlier run has led to.
    pub(super) fn done(&self, key: &str) -> Option<&Json> {
        self.memory.once.get(key)
    }

    pub(super) fn set_done(&mut self, key: &str, result: Json) {
        self.memory.once.insert(key, result);
    }

    /// All questions that are open, and what the next run has to know.
    fn need(&mut self) -> NeedInput {
        let mut requests = InputRequests::new();
        let mut asked = Vec::new();
        for number in 0..self.questions.len() {
            if self.answer(number).is_some() {
                continue;
            }
            if let Some(question) = self.questions.get(number) {
                requests.insert(question.asked.key.clone(), question.request.clone());
                asked.push(question.asked.clone());
            }
        }
        let open = |known: &&Answered| {
            let again = |asked: &Asked| asked.key == known.key && asked.question == known.question;
            !asked.iter().any(again)
        };
        let memory = Memory {
            answered: self.memory.answered.iter().filter(open).cloned().collect(),
            once: self.memory.once.clone(),
            asked,
        };
        let mut need = NeedInput::new(requests);
        // What is asked comes first; the next run says again that it detaches.
        need.detach = self.detaches && need.requests.is_empty();
        // Maps of JSON can always be written.
        match serde_json::to_string(&memory) {
            Ok(state) => need.with_state(state),
            Err(_) => need,
        }
    }
}

/// Whether that can be an answer to this at all. The client may have sent anything.
fn fits(request: &InputRequest, answer: &Result<Json, RpcError>) -> bool {
    let Ok(answer) = answer else { return true };
    match request {
        InputRequest::Elicit(params) => {
            let Ok(result) = answer.to::<ElicitResult>() else {
                return false;
            };
            match (&result.action, &**params) {
                (ElicitAction::Accept, ElicitParams::Form(form)) => {
                    let content = result.content.unwrap_or_else(Json::empty_object);
                    form.requested_schema.problems(&content).is_empty()
                }
                (ElicitAction::Accept | ElicitAction::Decline | ElicitAction::Cancel, _) => true,
                _ => false,
            }
        }
        InputRequest::CreateMessage(_) => answer.to::<CreateMessageResult>().is_ok(),
        InputRequest::ListRoots(_) => answer.to::<ListRootsResult>().is_ok(),
        _ => false,
    }
}

// FNV-1a. Two questions that share it are told apart by their texts.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("memory", &self.memory)
            .field("questions", &self.questions)
            .field("interrupted", &self.interrupted)
            .finish_non_exhaustive()
    }
}
