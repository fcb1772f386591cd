//! One connection with many callers: what the bindings' loops have in common.
//!
//! A loop owns a [`Desk`]; everyone else has a [`Caller`]. Callers queue what they want and wake
//! the loop; the loop runs it on the machine and hands results back. Nothing here names a runtime:
//! to be woken is a closure, to wait is a future or a condition variable.

mod call;
mod handlers;
mod reply;
mod task;
#[cfg(test)]
mod tests;
mod updates;
mod waiting;

pub use handlers::{ClientBuilder, IntoAnswer, Options, Refusal};
pub use reply::Reply;
pub use task::{Bell, StreamDesk};
pub use updates::Updates;

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::{
    fmt,
    future::Future,
    ops::{Deref, DerefMut},
    pin::Pin,
    task::{Context, Poll},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use mcp_proto::{
    request::RootsChanged,
    rpc::{CallId, RpcError, codes},
    time::Instant,
    types::{ElicitParams, EmptyParams, InputRequest, ListRootsResult, Root},
};

use crate::{
    client::Client,
    command::Command,
    desk::call::{Call, Duty},
    desk::handlers::{BoxFuture, Handler, Handlers, Listener, checked},
    desk::waiting::Waiting,
    error::Closed,
    event::{Event, InputAnswer, InputTicket},
    front::Front,
    options::{CallOptions, Config},
    session::ServerDetails,
    session::Session,
    session::Subscription,
};

/// A machine, and everyone who waits for something from it. Owned by the loop that drives it.
///
/// It has the verbs of the [`Front`] that it drives: [`Client`] for a byte stream, or another one
/// given to [`over`](Self::over). In place of `poll_event` the loop calls
/// [`poll_task`](Self::poll_task).
///
/// ```
/// use mcp_client_core::{CallError, ClientBuilder, Closed, Desk, mcp_proto::time::Instant};
///
/// let now = Instant::ZERO;
/// let (mut desk, caller) = Desk::new(ClientBuilder::new("app", "1.0.0"), || {}, now);
/// let ready = caller.ready();
/// desk.handle_eof(now);
/// while let Some(task) = desk.poll_task(now) {
///     task.run();
/// }
/// assert_eq!(ready.wait(), Err(CallError::Lost(Closed::Probe)));
/// ```
#[derive(Debug)]
pub struct Desk<F: Front = Client> {
    client: F,
    shared: Arc<Shared>,
    waiting: Waiting,
    // Empty between turns; kept for its room.
    jobs: Jobs,
    handlers: Handlers,
}

/// Makes calls from any thread or task; cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    shared: Arc<Shared>,
    options: Arc<Options>,
}

/// A question of the server together with the handler that answers it. To run it, on a thread or
/// as a task, answers the question; to drop it tells the server that there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Task {
    /// May block: run it on a thread that may.
    Sync(SyncTask),
    /// A future.
    Async(AsyncTask),
}

/// See [`Task::Sync`].
pub struct SyncTask(Box<dyn FnOnce() + Send>);

/// See [`Task::Async`].
#[must_use = "futures do nothing unless polled"]
pub struct AsyncTask(BoxFuture<()>);

/// What the loop is to do for others.
enum Job {
    Call(Duty),
    Other(Box<Act>),
}

type Act = dyn FnOnce(&mut dyn Front, &mut Waiting, Instant) + Send;

#[derive(Default)]
struct Jobs(Vec<Job>);

/// What the loop and the callers share.
pub(crate) struct Shared {
    queue: Mutex<Queue>,
    wake: Box<dyn Fn() + Send + Sync>,
    roots: Option<Arc<Mutex<Vec<Root>>>>,
}

#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    // Nobody will run jobs any more, because of this.
    closed: Option<Closed>,
}

impl Desk {
    /// Starts a connection over a byte stream. `wake` is called whenever
    /// [`poll_task`](Self::poll_task) has something to do without anything having come in; from any
    /// thread, with no lock held.
    #[must_use]
    pub fn new(
        builder: ClientBuilder,
        wake: impl Fn() + Send + Sync + 'static,
        now: Instant,
    ) -> (Self, Caller) {
        Self::over(builder, Client::new, wake, now)
    }
}

impl<F: Front> Desk<F> {
    /// Starts a connection over the transport that `front` makes of the builder's configuration.
    /// `wake` is as for [`new`](Desk::new).
    #[must_use]
    pub fn over(
        builder: ClientBuilder,
        front: impl FnOnce(Config, Instant) -> F,
        wake: impl Fn() + Send + Sync + 'static,
        now: Instant,
    ) -> (Self, Caller) {
        let ClientBuilder {
            config,
            handlers,
            options,
        } = builder;
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            wake: Box::new(wake),
            roots: handlers.roots.clone(),
        });
        let mut client = front(config, now);
        if handlers.change.is_some() {
            // Never refused: it is the first one.
            let _ = client.subscribe(Subscription::lists(), &CallOptions::default(), now);
        }
        let caller = Caller {
            shared: Arc::clone(&shared),
            options: Arc::new(options),
        };
        (
            Self {
                client,
                shared,
                waiting: Waiting::default(),
                jobs: Jobs::default(),
                handlers,
            },
            caller,
        )
    }

    /// Does what was asked for and what is due: runs what callers have queued, hands results to
    /// them, tells listeners. Gives the next question's task to be run; `None` until more comes.
    #[must_use]
    pub fn poll_task(&mut self, now: Instant) -> Option<Task> {
        loop {
            let mut jobs = core::mem::take(&mut self.jobs);
            self.shared.swap_jobs(&mut jobs.0);
            for job in jobs.0.drain(..) {
                match job {
                    Job::Call(duty) => {
                        if let Some(id) = duty.begin(&mut self.client, now) {
                            self.waiting.insert(id, duty);
                        }
                    }
                    Job::Other(act) => act(&mut self.client, &mut self.waiting, now),
                }
            }
            self.jobs = jobs;
            let Some(event) = self.client.poll_event() else {
                if self.shared.has_jobs() {
                    continue;
                }
                return None;
            };
            match event {
                Event::Ready => self.apply_log_level(now),
                Event::Done(id) => match self.waiting.remove(id) {
                    Some(duty) => duty.end(&mut self.client),
                    None => self.client.forget(id, now),
                },
                Event::Progress(id, progress) => {
                    let options = self.waiting.options(id);
                    tell(options.and_then(|it| it.on_progress.as_ref()), progress);
                }
                Event::Task(id, task) => {
                    let options = self.waiting.options(id);
                    tell(options.and_then(|it| it.on_task.as_ref()), *task);
                }
                Event::Log(entry) => tell(self.handlers.log.as_ref(), entry),
                Event::Changed(change) => tell(self.handlers.change.as_ref(), change),
                Event::Input(ticket, request) => return Some(self.task(ticket, request)),
                #[cfg(feature = "http")]
                Event::Unauthorized(challenge) => {
                    tell(self.handlers.unauthorized.as_ref(), challenge);
                }
                // Handlers that run on are ignored; what came too late is discarded.
                _ => {}
            }
        }
    }

    fn apply_log_level(&mut self, now: Instant) {
        let Some(level) = self.handlers.log_level else {
            return;
        };
        let logs = self
            .client
            .server()
            .is_some_and(|server| server.capabilities.logging.is_some());
        if logs || self.client.is_stateless() {
            // Its answer is forgotten when it comes.
            let _ = self
                .client
                .set_log_level(level, &CallOptions::default(), now);
        }
    }

    fn task(&self, ticket: InputTicket, request: InputRequest) -> Task {
        let answering = Answering {
            ticket: Some(ticket),
            shared: Arc::clone(&self.shared),
        };
        match request {
            InputRequest::Elicit(params) => match *params {
                ElicitParams::Form(form) => {
                    let schema = form.requested_schema.clone();
                    let check = move |answer| checked(&schema, answer);
                    answering.task(self.handlers.elicit.clone(), form, check)
                }
                ElicitParams::Url(url) => {
                    answering.task(self.handlers.elicit_url.clone(), url, |answer| answer)
                }
                _ => answering.task(None::<Handler<()>>, (), |answer| answer),
            },
            InputRequest::CreateMessage(params) => {
                answering.task(self.handlers.sample.clone(), *params, |answer| answer)
            }
            _ => {
                let handler = self.handlers.roots.clone().map(|roots| {
                    Handler::Sync(Arc::new(move |()| {
                        let roots = roots.lock().unwrap_or_else(PoisonError::into_inner).clone();
                        Ok(ListRootsResult::new(roots).into())
                    }))
                });
                answering.task(handler, (), |answer| answer)
            }
        }
    }
}

// Its panic, which was reported where it happened, is no concern of the calls.
fn tell<T>(listener: Option<&Listener<T>>, what: T) {
    if let Some(listener) = listener {
        let _ = catch_unwind(AssertUnwindSafe(|| listener(what)));
    }
}

impl<F: Front> Deref for Desk<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.client
    }
}

impl<F: Front> DerefMut for Desk<F> {
    fn deref_mut(&mut self) -> &mut F {
        &mut self.client
    }
}

impl<F: Front> Drop for Desk<F> {
    fn drop(&mut self) {
        let jobs = {
            let mut queue = self.shared.lock();
            queue.closed = Some(self.client.closed().unwrap_or(Closed::Local));
            core::mem::take(&mut queue.jobs)
        };
        // Dropping them, like dropping the waiters, tells the callers how it has ended.
        drop(jobs);
    }
}

impl Caller {
    /// Makes a call.
    pub fn submit<C: Command>(&self, command: C) -> Reply<C::Output> {
        let (call, duty) = Call::new(command, self);
        self.shared.push(Job::Call(duty));
        Reply::new(call)
    }

    /// Waits until a revision was agreed on, and tells what is known about the server.
    pub fn ready(&self) -> Reply<Arc<ServerDetails>> {
        self.submit(|session: &mut Session, _: &CallOptions, now| session.ready(now))
    }

    /// The same callers with other options for their calls.
    #[must_use]
    pub fn with(&self, options: Options) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            options: Arc::new(options),
        }
    }

    /// The options that calls are made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Does something on the session when the loop comes to it: what needs no answer.
    pub fn run(&self, job: impl FnOnce(&mut Session, Instant) + Send + 'static) {
        self.shared.act(move |front, _, now| job(front, now));
    }

    /// Sets the value of `Authorization` from now on, where the connection is over HTTP, and sends
    /// again what waits for it; see [`Event::Unauthorized`].
    #[cfg(feature = "http")]
    pub fn set_authorization(&self, value: Option<http::HeaderValue>) {
        self.shared.act(move |front, _, now| {
            front.set_authorization(value, now);
        });
    }

    /// Ends the connection: every open call fails.
    pub fn close(&self) {
        self.run(Session::close);
    }

    /// Says that the server has gone although its output has not ended: every open call fails.
    pub fn lost(&self) {
        self.run(|session, _| session.end_of_input());
    }

    /// Replaces the roots that servers are told, and tells them. Without effect for a client that
    /// was built without roots, for it has declared that it has none.
    pub fn set_roots(&self, roots: impl IntoIterator<Item = Root>) {
        let Some(shared) = &self.shared.roots else {
            return;
        };
        *shared.lock().unwrap_or_else(PoisonError::into_inner) = roots.into_iter().collect();
        self.run(|session, now| {
            session.notify::<RootsChanged>(&EmptyParams::default(), now);
        });
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) {
        {
            let mut queue = self.lock();
            if queue.closed.is_some() {
                // Dropped outside the lock below; it tells its caller.
                drop(queue);
                return drop(job);
            }
            queue.jobs.push(job);
        }
        (self.wake)();
    }

    fn act(&self, act: impl FnOnce(&mut dyn Front, &mut Waiting, Instant) + Send + 'static) {
        self.push(Job::Other(Box::new(act)));
    }

    fn swap_jobs(&self, jobs: &mut Vec<Job>) {
        core::mem::swap(&mut self.lock().jobs, jobs);
    }

    /// How the connection has ended, for those who still queue something.
    fn closed(&self) -> Option<Closed> {
        self.lock().closed
    }

    fn has_jobs(&self) -> bool {
        !self.lock().jobs.is_empty()
    }

    /// Nobody waits for this call any longer.
    pub(crate) fn forget(&self, call: CallId) {
        self.act(move |front, waiting, now| {
            waiting.remove(call);
            front.forget(call, now);
        });
    }
}

/// The duty to answer a question; dropped, it says that there is no answer.
struct Answering {
    ticket: Option<InputTicket>,
    shared: Arc<Shared>,
}

impl Answering {
    fn task<Q: Send + 'static>(
        self,
        handler: Option<Handler<Q>>,
        question: Q,
        check: impl FnOnce(Result<InputAnswer, RpcError>) -> Result<InputAnswer, RpcError>
        + Send
        + 'static,
    ) -> Task {
        match handler {
            Some(Handler::Sync(handler)) => Task::Sync(SyncTask(Box::new(move || {
                self.answer(check(handler(question)));
            }))),
            Some(Handler::Async(handler)) => Task::Async(AsyncTask(Box::pin(async move {
                self.answer(check(handler(question).await));
            }))),
            None => {
                let error = RpcError::new(codes::METHOD_NOT_FOUND, "method not found");
                Task::Sync(SyncTask(Box::new(move || self.answer(Err(error)))))
            }
        }
    }

    fn answer(mut self, answer: Result<InputAnswer, RpcError>) {
        self.send(answer);
    }

    fn send(&mut self, answer: Result<InputAnswer, RpcError>) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.act(move |front, _, now| {
                // An answer of the wrong kind cannot be: handlers are typed.
                let _ = front.answer(ticket, answer, now);
            });
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.send(Err(RpcError::internal("the question was not answered")));
    }
}

impl Task {
    /// Runs the task here and now; a future by blocking this thread.
    pub fn run(self) {
        match self {
            Self::Sync(task) => task.run(),
            Self::Async(task) => block_on(task),
        }
    }
}

impl SyncTask {
    /// Runs the handler, which may block, and answers.
    pub fn run(self) {
        (self.0)();
    }
}

impl Future for AsyncTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

fn block_on(mut task: AsyncTask) {
    #[derive(Default)]
    struct Signal {
        woken: Mutex<bool>,
        changed: Condvar,
    }
    impl alloc::task::Wake for Signal {
        fn wake(self: Arc<Self>) {
            *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.changed.notify_one();
        }
    }
    let signal = Arc::new(Signal::default());
    let waker = Arc::clone(&signal).into();
    let mut cx = Context::from_waker(&waker);
    while Pin::new(&mut task).poll(&mut cx).is_pending() {
        let mut woken = signal.woken.lock().unwrap_or_else(PoisonError::into_inner);
        while !*woken {
            woken = signal
                .changed
                .wait(woken)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *woken = false;
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jobs({})", self.0.len())
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Waiting({})", self.len())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.lock();
        f.debug_struct("Shared")
            .field("jobs", &queue.jobs.len())
            .field("closed", &queue.closed)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handlers")
    }
}

impl fmt::Debug for SyncTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SyncTask")
    }
}

impl fmt::Debug for AsyncTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsyncTask")
    }
}
