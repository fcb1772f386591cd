//! One run of a task's call, away from any connection.

use alloc::{string::String, sync::Arc};
use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mcp_proto::{
    rpc::{CallId, RpcError},
    time::Instant,
    version::ProtocolVersion,
};

use super::{
    record::{TaskRecord, lost},
    runner::{Place, Runner, work_of},
};
use crate::{
    call::{CallContext, Link, Note, Outcome, Work},
    cancel::{CancelToken, Cancelled},
    cx::Cx,
    handler::{BoxFuture, Handler},
    host::{Detached, SharedHost},
    server::ServerHandle,
};

/// A run that is about to begin.
pub(super) struct Run {
    runner: Arc<Runner>,
    id: Arc<str>,
    version: ProtocolVersion,
    server: ServerHandle,
    host: SharedHost,
    work: Work,
    context: CallContext,
}

impl Run {
    pub(super) fn new(
        runner: &Arc<Runner>,
        record: &TaskRecord,
        cancel: CancelToken,
        place: &Place<'_>,
    ) -> Self {
        let context = CallContext {
            id: CallId::from_u64(0, 0),
            peer: Arc::new(record.peer()),
            deadline: Instant::MAX,
            cancel,
            // What it says in words becomes the task's status message.
            wants_progress: true,
            // Extension tasks: no log entries are sent for a task.
            log_level: None,
            meta: None,
            resumed: record.resumption(),
            // It is a task already.
            detachable: false,
        };
        Self {
            runner: Arc::clone(runner),
            id: record.id().into(),
            version: record.version(),
            server: place.server.clone(),
            host: Arc::clone(place.host),
            work: work_of(record),
            context,
        }
    }

    /// Ends it without a run.
    pub(super) fn fail(self, error: RpcError) {
        self.guard().end(Outcome::Fail(error));
    }

    fn guard(&self) -> Guard {
        Guard {
            runner: Some(Arc::clone(&self.runner)),
            id: Arc::clone(&self.id),
            version: self.version,
            server: self.server.clone(),
            host: Arc::clone(&self.host),
        }
    }

    /// Runs the call from its beginning, with what is known of earlier runs.
    pub(super) fn spawn(self, handler: Handler) {
        let guard = self.guard();
        let link = Arc::new(Words {
            runner: Arc::clone(&self.runner),
            id: self.id,
            server: self.server.clone(),
        });
        let cancelled = self.context.cancel.cancelled();
        let cx = Cx::new(self.context, link).with_server(self.server);
        let (work, host) = (self.work, self.host);
        host.spawn(match handler {
            Handler::Sync(run) | Handler::Quick(run) => Detached::blocking(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| run(work, cx)));
                guard.end(outcome.unwrap_or_else(|_| panicked()));
            }),
            Handler::Async(run) => Detached::Future(alloc::boxed::Box::pin(Polled {
                cancelled,
                state: Some(Begun::Not(alloc::boxed::Box::new(move || run(work, cx)))),
                guard: Some(guard),
            })),
        });
    }
}

fn panicked() -> Outcome {
    Outcome::Fail(RpcError::internal("handler panicked"))
}

/// The duty to say what became of a task. One that is dropped says that it is lost.
struct Guard {
    runner: Option<Arc<Runner>>,
    id: Arc<str>,
    version: ProtocolVersion,
    server: ServerHandle,
    host: SharedHost,
}

impl Guard {
    /// May block, as the store may.
    fn end(mut self, outcome: Outcome) {
        self.say(outcome);
    }

    fn say(&mut self, outcome: Outcome) {
        let Some(runner) = self.runner.take() else {
            return;
        };
        let now = self.host.unix_time().as_millis();
        let place = Place {
            server: &self.server,
            host: &self.host,
            now_ms: u64::try_from(now).unwrap_or(u64::MAX),
        };
        runner.end(&self.id, outcome, self.version, &place);
    }

    /// The same where nothing may block.
    fn end_elsewhere(self, outcome: Outcome) {
        let quick = self
            .runner
            .as_ref()
            .is_none_or(|runner| runner.store.is_quick());
        if quick {
            return self.end(outcome);
        }
        let host = Arc::clone(&self.host);
        host.spawn(Detached::blocking(move || self.end(outcome)));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.say(Outcome::Fail(lost()));
    }
}

/// An async handler, until it is done or no longer wanted.
struct Polled {
    cancelled: Cancelled,
    state: Option<Begun>,
    guard: Option<Guard>,
}

enum Begun {
    Not(alloc::boxed::Box<dyn FnOnce() -> BoxFuture<Outcome> + Send>),
    Running(BoxFuture<Outcome>),
}

impl Future for Polled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if Pin::new(&mut this.cancelled).poll(context).is_ready() {
            // What it holds may panic when it is dropped; that is nobody else's concern.
            let state = this.state.take();
            let _ = catch_unwind(AssertUnwindSafe(|| drop(state)));
            // It is cancelled already; this frees its place.
            this.end(Outcome::Fail(lost()));
            return Poll::Ready(());
        }
        let Some(state) = this.state.take() else {
            return Poll::Ready(());
        };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let mut future = match state {
                Begun::Not(begin) => begin(),
                Begun::Running(future) => future,
            };
            match future.as_mut().poll(context) {
                Poll::Ready(outcome) => Ok(outcome),
                Poll::Pending => Err(future),
            }
        }));
        match polled {
            Ok(Err(future)) => {
                this.state = Some(Begun::Running(future));
                return Poll::Pending;
            }
            Ok(Ok(outcome)) => this.end(outcome),
            Err(_) => this.end(panicked()),
        }
        Poll::Ready(())
    }
}

impl Polled {
    fn end(&mut self, outcome: Outcome) {
        if let Some(guard) = self.guard.take() {
            guard.end_elsewhere(outcome);
        }
    }
}

/// What a task's call tells while it runs: words of how far it is, for those who ask.
struct Words {
    runner: Arc<Runner>,
    id: Arc<str>,
    server: ServerHandle,
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Words").field(&self.id).finish()
    }
}

impl Link for Words {
    fn note(&self, _: CallId, note: Note) {
        if let Note::Progress {
            message: Some(message),
            ..
        } = note
        {
            self.runner.say(&self.id, shortened(message), &self.server);
        }
    }
}

/// Words for a person, and not at any length: every listener is sent them.
const STATUS_CHARS: usize = 1000;

fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(STATUS_CHARS) {
        message.truncate(end);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_on_a_status_have_an_end() {
        let fits = "é".repeat(STATUS_CHARS);
        assert_eq!(shortened(fits.clone()), fits);
        assert_eq!(shortened(fits.clone() + "é"), fits);
    }
}
