//! The handler that any binding can run.

use alloc::{boxed::Box, sync::Arc};
use core::{fmt, future::Future, pin::Pin};

use crate::{
    call::{Outcome, Work},
    cx::Cx,
};

/// A future that may move between threads; what async handlers return.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A function that blocks until it is done.
pub type SyncFn = dyn Fn(Work, Cx) -> Outcome + Send + Sync;

/// A function that returns a future.
pub type AsyncFn = dyn Fn(Work, Cx) -> BoxFuture<Outcome> + Send + Sync;

/// What runs when a component is called. Nothing here names a runtime: futures are `core`'s.
///
/// A [`Service`](crate::Service) stores handlers without ever calling them, so this is a choice
/// and not a bound: a loop of your own may use a bare `fn`, a number, or `()`.
///
/// ```
/// use mcp_server_core::{Cx, Handler, Outcome, Work, mcp_proto::types::CallToolResult};
///
/// let handler = Handler::sync(|_work, _cx| Outcome::Tool(CallToolResult::default()));
/// assert!(matches!(handler, Handler::Sync(_)));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Handler {
    /// May block: async bindings run it on a thread of its own.
    Sync(Arc<SyncFn>),
    /// Returns at once: run in place, between two messages.
    Quick(Arc<SyncFn>),
    /// Awaited by async bindings; blocking ones drive it on a worker thread.
    Async(Arc<AsyncFn>),
}

impl Handler {
    /// A handler that may block.
    pub fn sync(run: impl Fn(Work, Cx) -> Outcome + Send + Sync + 'static) -> Self {
        Self::Sync(Arc::new(run))
    }

    /// A handler that returns at once.
    pub fn quick(run: impl Fn(Work, Cx) -> Outcome + Send + Sync + 'static) -> Self {
        Self::Quick(Arc::new(run))
    }

    /// A handler that returns a future.
    pub fn future<F>(run: impl Fn(Work, Cx) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        Self::Async(Arc::new(move |work, cx| Box::pin(run(work, cx))))
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sync(_) => "Handler::Sync",
            Self::Quick(_) => "Handler::Quick",
            Self::Async(_) => "Handler::Async",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use core::task::{Context, Poll, Waker};
    use mcp_proto::rpc::RpcError;

    fn failed(reason: &'static str) -> Outcome {
        Outcome::Fail(RpcError::internal(reason))
    }

    #[test]
    fn each_kind_is_told_apart_and_runs_what_it_was_made_of() {
        let work = || Work::Tool {
            name: "t".into(),
            arguments: None,
        };
        let sync = Handler::sync(|_, _| failed("sync"));
        let quick = Handler::quick(|_, _| failed("quick"));
        let later = Handler::future(|_, _| async { failed("later") });
        let cases = [
            (sync, "Handler::Sync", "sync"),
            (quick, "Handler::Quick", "quick"),
            (later, "Handler::Async", "later"),
        ];
        for (handler, shown, reason) in cases {
            assert_eq!(format!("{handler:?}"), shown);
            let outcome = match &handler {
                Handler::Sync(run) | Handler::Quick(run) => run(work(), Cx::detached()),
                Handler::Async(run) => {
                    let mut running = run(work(), Cx::detached());
                    let mut context = Context::from_waker(Waker::noop());
                    match running.as_mut().poll(&mut context) {
                        Poll::Ready(outcome) => outcome,
                        Poll::Pending => panic!("{shown}: not ready"),
                    }
                }
            };
            assert_eq!(outcome, failed(reason));
        }
    }
}
