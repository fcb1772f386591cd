//! Proposals for the arguments of prompts and the variables of resource templates.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::{fmt, future::Future};
use mcp_proto::types::{CompleteParams, Completion};

use super::policy::{Policy, wrong_work};
use crate::{
    call::Work,
    cx::Cx,
    error::ToolError,
    handler::{BoxFuture, Handler},
    output::IntoCompletion,
};

/// What proposes values for one argument.
///
/// ```
/// use mcp_server_core::Completer;
///
/// // Of these, the ones that begin with what has been typed.
/// let fixed = Completer::of(["Antwerp", "Bruges", "Ghent"]);
/// // Whatever a function says.
/// let computed = Completer::new(|typed: &str| [typed.to_uppercase()]);
/// ```
pub struct Completer(Kind);

type Proposed = Result<Completion, ToolError>;

type SyncFn = dyn Fn(&CompleteParams, &Cx) -> Proposed + Send + Sync;
type AsyncFn = dyn Fn(CompleteParams, Cx) -> BoxFuture<Proposed> + Send + Sync;

enum Kind {
    Sync(Box<SyncFn>),
    Async(Box<AsyncFn>),
}

impl Completer {
    /// Proposes those of `values` that begin with what has been typed, whatever its case.
    pub fn of<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        Self::new(move |typed| {
            let typed = typed.to_lowercase();
            let fits = |value: &&String| value.to_lowercase().starts_with(&typed);
            values.iter().filter(fits).cloned().collect::<Vec<_>>()
        })
    }

    /// Proposes what a function makes of what has been typed.
    pub fn new<R: IntoCompletion>(complete: impl Fn(&str) -> R + Send + Sync + 'static) -> Self {
        Self::with(move |params, _| complete(&params.argument.value))
    }

    /// The same for a function that looks at the whole question, such as the arguments that have
    /// been filled in before.
    pub fn with<R: IntoCompletion>(
        complete: impl Fn(&CompleteParams, &Cx) -> R + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::Sync(Box::new(move |params, cx| {
            complete(params, cx).into_completion()
        })))
    }

    /// The same for an async function.
    pub fn with_async<F>(complete: impl Fn(CompleteParams, Cx) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoCompletion> + Send + 'static,
    {
        Self(Kind::Async(Box::new(move |params, cx| {
            let completing = complete(params, cx);
            Box::pin(async move { completing.await.into_completion() })
        })))
    }
}

impl fmt::Debug for Completer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Sync(_) => "Completer::Sync",
            Kind::Async(_) => "Completer::Async",
        })
    }
}

/// The completers of one component, by the names of its arguments.
#[derive(Debug, Default)]
pub(super) struct Completers(Vec<(String, Completer)>);

impl Completers {
    pub(super) fn insert(&mut self, argument: String, completer: Completer) {
        self.0.retain(|(name, _)| *name != argument);
        self.0.push((argument, completer));
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// One handler for all of them.
    pub(super) fn finish(self, policy: &Arc<Policy>) -> Option<Handler> {
        if self.0.is_empty() {
            return None;
        }
        let policy = Arc::clone(policy);
        let blocking = self
            .0
            .iter()
            .all(|(_, completer)| matches!(completer.0, Kind::Sync(_)));
        if !blocking {
            return Some(self.finish_async(policy));
        }
        Some(Handler::sync(move |work, cx| {
            let Work::Complete(params) = work else {
                return wrong_work();
            };
            let result = match self.get(&params.argument.name) {
                Some(Kind::Sync(complete)) => complete(&params, &cx),
                _ => Ok(Completion::default()),
            };
            policy.completion(&params.argument.name, result)
        }))
    }

    fn finish_async(self, policy: Arc<Policy>) -> Handler {
        Handler::Async(Arc::new(move |work, cx| {
            let Work::Complete(params) = work else {
                return Box::pin(core::future::ready(wrong_work()));
            };
            let name = params.argument.name.clone();
            let completing = match self.get(&name) {
                Some(Kind::Async(complete)) => complete(*params, cx),
                Some(Kind::Sync(complete)) => Box::pin(core::future::ready(complete(&params, &cx))),
                None => Box::pin(core::future::ready(Ok(Completion::default()))),
            };
            let policy = Arc::clone(&policy);
            Box::pin(async move { policy.completion(&name, completing.await) })
        }))
    }

    fn get(&self, argument: &str) -> Option<&Kind> {
        self.0
            .iter()
            .find(|(name, _)| name == argument)
            .map(|(_, completer)| &completer.0)
    }
}

impl Completer {
    /// A handler that proposes for any argument, for the server as a whole.
    pub(crate) fn into_handler(self, policy: &Arc<Policy>) -> Handler {
        let policy = Arc::clone(policy);
        match self.0 {
            Kind::Sync(complete) => Handler::sync(move |work, cx| {
                let Work::Complete(params) = work else {
                    return wrong_work();
                };
                policy.completion(&params.argument.name, complete(&params, &cx))
            }),
            Kind::Async(complete) => Handler::Async(Arc::new(move |work, cx| {
                let Work::Complete(params) = work else {
                    return Box::pin(core::future::ready(wrong_work()));
                };
                let (name, policy) = (params.argument.name.clone(), Arc::clone(&policy));
                let completing = complete(*params, cx);
                Box::pin(async move { policy.completion(&name, completing.await) })
            })),
        }
    }
}
