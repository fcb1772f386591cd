//! What other threads leave for the task that drives a connection.

use alloc::{collections::VecDeque, vec::Vec};
use core::{fmt, mem, task::Waker};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mcp_proto::rpc::CallId;

use crate::call::{Link, Note, Outcome, Ticket};

/// Something that happened elsewhere.
#[derive(Debug)]
pub(crate) enum Posted {
    Note(CallId, Note),
    Done(Ticket, Outcome),
    /// A handler panicked, or was never run.
    Lost(CallId),
}

pub(crate) struct Inbox {
    state: Mutex<State>,
    max_notes: usize,
}

#[derive(Default)]
struct State {
    posted: VecDeque<Posted>,
    notes: usize,
    // Keys of futures that want to be polled.
    woken: Vec<u64>,
    changed: bool,
    // The task is not at rest: it will look by itself, and needs not be woken.
    awake: bool,
    closed: bool,
    waker: Option<Waker>,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inbox")
    }
}

impl Inbox {
    /// So many notes are kept while the task does not come to take them.
    pub(crate) fn new(max_notes: usize) -> Self {
        let state = State {
            awake: true,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            max_notes: max_notes.max(1),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Consistent even after a panic: nothing below stops half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ── for everybody else ──────────────────────────────────────────────────────────────────────

    pub(super) fn wake_future(&self, key: u64) {
        self.change(|state| state.woken.push(key));
    }

    pub(crate) fn tell_of_change(&self) {
        self.change(|state| state.changed = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        change(&mut state);
        if state.awake {
            return;
        }
        state.awake = true;
        let waker = state.waker.clone();
        // Wakers run foreign code; an executor may even poll us from here.
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    // ── for the task ────────────────────────────────────────────────────────────────────────────

    /// Takes everything, and tells whether the server has changed. From here until
    /// [`rest`](Self::rest) the task needs no waking.
    pub(crate) fn take(&self, posted: &mut Vec<Posted>, woken: &mut Vec<u64>) -> bool {
        let mut state = self.lock();
        state.awake = true;
        state.move_posted(posted);
        mem::swap(&mut state.woken, woken);
        mem::take(&mut state.changed)
    }

    /// Takes what was posted.
    pub(crate) fn take_posted(&self, posted: &mut Vec<Posted>) {
        let mut state = self.lock();
        state.move_posted(posted);
    }

    /// The task has done its work. It is woken at once where something has come meanwhile: it gets
    /// round to its I/O before.
    pub(crate) fn rest(&self, waker: &Waker) {
        let mut state = self.lock();
        if state.posted.is_empty() && state.woken.is_empty() && !state.changed {
            state.awake = false;
            if !state
                .waker
                .as_ref()
                .is_some_and(|known| known.will_wake(waker))
            {
                state.waker = Some(waker.clone());
            }
        } else {
            drop(state);
            waker.wake_by_ref();
        }
    }

    /// Nobody will look any more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        let old = mem::replace(
            &mut *state,
            State {
                closed: true,
                ..State::default()
            },
        );
        // Its drop may run foreign code.
        drop(state);
        drop(old);
    }
}

/// Takes whatever a handler leaves, from whatever thread.
pub(crate) trait Outlet: Link {
    fn post(&self, item: Posted);
}

impl Outlet for Inbox {
    fn post(&self, item: Posted) {
        self.change(|state| state.posted.push_back(item));
    }
}

impl Link for Inbox {
    fn note(&self, call: CallId, note: Note) {
        self.change(|state| {
            if state.notes < self.max_notes {
                state.notes += 1;
            } else if !state.make_room(call, &note) {
                return;
            }
            state.posted.push_back(Posted::Note(call, note));
        });
    }
}

impl State {
    fn move_posted(&mut self, to: &mut Vec<Posted>) {
        if !self.posted.is_empty() {
            to.extend(self.posted.drain(..));
            self.notes = 0;
        }
    }

    // Takes one note out, so that a handler which tells more than is taken costs bounded memory:
    // what the new one supersedes, else the oldest progress report, else the oldest log entry.
    fn make_room(&mut self, call: CallId, note: &Note) -> bool {
        let superseded = matches!(note, Note::Progress { .. })
            .then(|| {
                self.posted
                    .iter()
                    .rposition(|item| is_progress(item, Some(call)))
            })
            .flatten();
        let least = superseded
            .or_else(|| self.posted.iter().position(|item| is_progress(item, None)))
            .or_else(|| {
                self.posted
                    .iter()
                    .position(|item| matches!(item, Posted::Note(..)))
            });
        least.and_then(|at| self.posted.remove(at)).is_some()
    }
}

fn is_progress(item: &Posted, of: Option<CallId>) -> bool {
    matches!(item, Posted::Note(call, Note::Progress { .. }) if of.is_none_or(|of| of == *call))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, sync::Arc, task::Wake};
    use core::sync::atomic::{AtomicU32, Ordering};
    use mcp_proto::{json::Json, types::LoggingLevel};

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn progress(done: f64) -> Note {
        Note::Progress {
            done,
            total: None,
            message: None,
        }
    }

    fn log(text: &str) -> Note {
        let data = Json::new(text).unwrap();
        Note::Log {
            level: LoggingLevel::Info,
            logger: None,
            data,
        }
    }

    fn told(inbox: &Inbox) -> Vec<String> {
        let (mut posted, mut woken) = (Vec::new(), Vec::new());
        inbox.take(&mut posted, &mut woken);
        let text = |item: &Posted| match item {
            Posted::Note(call, Note::Progress { done, .. }) => {
                alloc::format!("{}:{done}", call.as_u64())
            }
            Posted::Note(call, Note::Log { data, .. }) => {
                alloc::format!("{}:{}", call.as_u64(), data.as_str())
            }
            other => panic!("{other:?}"),
        };
        posted.iter().map(text).collect()
    }

    #[test]
    fn a_task_at_rest_is_woken_once_and_a_busy_one_not_at_all() {
        let (inbox, count) = (Inbox::new(8), Arc::new(Count::default()));
        let waker = Waker::from(Arc::clone(&count));
        let woken = || count.0.load(Ordering::SeqCst);
        inbox.tell_of_change();
        assert_eq!(woken(), 0, "before the first turn");
        inbox.rest(&waker);
        assert_eq!(woken(), 1, "something was left");
        assert!(inbox.take(&mut Vec::new(), &mut Vec::new()));
        inbox.rest(&waker);
        inbox.wake_future(1);
        inbox.wake_future(2);
        assert_eq!(woken(), 2, "once for both");
        let mut futures = Vec::new();
        assert!(!inbox.take(&mut Vec::new(), &mut futures));
        assert_eq!(futures, [1, 2]);
    }

    #[test]
    fn a_flood_of_notes_keeps_the_newest_progress_and_as_many_entries_as_fit() {
        let (one, two) = (CallId::from_u64(0, 1), CallId::from_u64(0, 2));
        let inbox = Inbox::new(3);
        for done in 1..=1000 {
            inbox.note(one, progress(f64::from(done)));
        }
        assert_eq!(told(&inbox), ["1:1", "1:2", "1:1000"]);
        inbox.note(two, progress(1.0));
        for text in ["a", "b", "c", "d"] {
            inbox.note(one, log(text));
        }
        assert_eq!(told(&inbox), [r#"1:"b""#, r#"1:"c""#, r#"1:"d""#]);
    }

    #[test]
    fn nothing_is_kept_for_a_task_that_is_gone() {
        let inbox = Inbox::new(3);
        inbox.close();
        inbox.note(CallId::from_u64(0, 1), progress(1.0));
        assert_eq!(told(&inbox), [""; 0]);
    }
}
