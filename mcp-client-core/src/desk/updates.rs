//! What a task that is waited for does meanwhile: kept until it is read.

use alloc::{collections::VecDeque, sync::Arc};
use core::{
    fmt,
    task::{Context, Poll, Waker},
};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use mcp_proto::types::Task;

use super::{Caller, Reply};
use crate::{output::ToolOutput, tasks::task_result};

/// Changes kept for a reader that is late; then the oldest give way. 64: a task does not change as
/// often as it makes progress.
const KEPT: usize = 64;

/// The changes of a task, one after the other, and what comes of it.
///
/// Whoever has it waits for the task, whose questions are answered meanwhile. To drop it ends the
/// waiting, not the task.
#[must_use = "dropping it ends the waiting"]
pub struct Updates {
    queue: Arc<Queue>,
    reply: Reply<ToolOutput>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    ended: bool,
    waker: Option<Waker>,
}

/// Tells the reader of the end when nobody is left who could tell more.
struct Source(Arc<Queue>);

impl Queue {
    // A panic elsewhere leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.lock();
            change(&mut state);
            state.waker.take()
        };
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Source {
    fn push(&self, task: Task) {
        self.0.change(|state| {
            if state.tasks.len() == KEPT {
                state.tasks.pop_front();
            }
            state.tasks.push_back(task);
        });
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.0.change(|state| state.ended = true);
    }
}

impl Updates {
    /// Waits for the task, which this call began where that is known.
    pub fn new(caller: &Caller, id: &str, begun: Option<mcp_proto::rpc::CallId>) -> Self {
        let queue = Arc::new(Queue::default());
        let source = Source(Arc::clone(&queue));
        let options = caller.options().clone();
        let also = options.on_task.clone();
        let options = options.on_task(move |task: Task| {
            if let Some(also) = &also {
                also(task.clone());
            }
            source.push(task);
        });
        let reply = caller.with(options).submit(task_result(id, begun));
        Self { queue, reply }
    }

    /// Blocks this thread until the task has changed, and gives it as it is then; `None` once the
    /// waiting is over.
    pub fn wait_next(&self) -> Option<Task> {
        let mut state = self.queue.lock();
        loop {
            if let Some(task) = state.tasks.pop_front() {
                return Some(task);
            }
            if state.ended {
                return None;
            }
            state = self
                .queue
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The task when it has changed; `None` once the waiting is over.
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Task>> {
        let mut state = self.queue.lock();
        if let Some(task) = state.tasks.pop_front() {
            return Poll::Ready(Some(task));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// What comes of the task.
    pub fn into_result(self) -> Reply<ToolOutput> {
        self.reply
    }
}

impl fmt::Debug for Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates")
            .field("reply", &self.reply)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn so_many_changes_wait_for_their_reader_and_of_more_the_newest() {
        let queue = Arc::new(Queue::default());
        let source = Source(Arc::clone(&queue));
        let mut pushed = 0;
        for (count, oldest) in [(KEPT, "0"), (KEPT + 1, "1")] {
            while pushed < count {
                source.push(Task::new(pushed.to_string(), ""));
                pushed += 1;
            }
            let state = queue.lock();
            assert_eq!(state.tasks.len(), KEPT);
            assert_eq!(state.tasks[0].task_id, oldest);
        }
    }
}
