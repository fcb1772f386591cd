//! Threads for handlers that may block.
//!
//! Not those of tokio's own pool: a runtime that is dropped waits for them, so that a handler which
//! never ends would keep the process of a server whose client has long gone. Here nobody waits.
//! Within a handler the runtime is entered, as it is on tokio's.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::runtime::Handle;

/// More threads than this are not started; jobs wait for one. Each connection has a bound of its
/// own, [`calls_in_flight`](mcp_proto::limits::Limits::calls_in_flight).
const MOST: usize = 512;
/// How long a thread without a job is kept.
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

static POOL: Pool = Pool::new();

struct Pool {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

/// Runs a job on a thread that may block. Called within a runtime, which the job will find as well.
pub(crate) fn run(job: impl FnOnce() + Send + 'static) {
    run_within(Handle::current(), job);
}

/// As [`run`], from anywhere.
pub(crate) fn run_within(runtime: Handle, job: impl FnOnce() + Send + 'static) {
    POOL.run(Box::new(move || {
        let _within = runtime.enter();
        job();
    }));
}

impl Pool {
    const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                threads: 0,
                idle: 0,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Jobs run without the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&'static self, job: Job) {
        let mut state = self.lock();
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() {
            drop(state);
            return self.changed.notify_one();
        }
        if state.threads >= MOST {
            return;
        }
        let started = thread::Builder::new()
            .name("mcp-handler".into())
            .spawn(move || self.work());
        if started.is_ok() {
            state.threads += 1;
        } else if state.threads == 0 {
            // Nobody will come for it. Dropped, it answers that it has failed.
            let job = state.jobs.pop_back();
            drop(state);
            drop(job);
        }
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            while let Some(job) = state.jobs.pop_front() {
                drop(state);
                // A panic was reported where it happened; the thread goes on.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.lock();
            }
            state.idle += 1;
            let waited = self
                .changed
                .wait_timeout_while(state, IDLE, |state| state.jobs.is_empty());
            let timeout;
            (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    #[test]
    fn so_many_jobs_run_and_one_more_waits_for_a_thread() {
        static POOL: Pool = Pool::new();
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static GATE: Mutex<()> = Mutex::new(());
        let until = |count: usize| {
            while RUNNING.load(Ordering::Relaxed) != count {
                thread::sleep(Duration::from_millis(1));
            }
        };
        let shut = GATE.lock().expect("nothing panics");
        for _ in 0..=MOST {
            POOL.run(Box::new(|| {
                RUNNING.fetch_add(1, Ordering::Relaxed);
                drop(GATE.lock());
            }));
        }
        until(MOST);
        assert_eq!(
            {
                let state = POOL.lock();
                (state.threads, state.jobs.len())
            },
            (MOST, 1)
        );
        drop(shut);
        until(MOST + 1);
    }

    #[test]
    fn jobs_run_within_the_runtime_which_waits_for_none() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let (say, said) = mpsc::channel();
        let (let_go, wait) = mpsc::channel::<()>();
        runtime.block_on(async {
            let say = say.clone();
            run(move || {
                say.send(Handle::try_current().is_ok())
                    .expect("the test waits");
                // Until the test has ended.
                let _ = wait.recv();
                say.send(false).expect("the test waits");
            });
        });
        assert_eq!(said.recv(), Ok(true));
        drop(runtime);
        drop(let_go);
        assert_eq!(said.recv(), Ok(false));
    }
}
