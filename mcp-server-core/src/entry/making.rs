//! A handler that is finished only when the server is built, and its settings are known.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::{fmt, time::Duration};

use crate::{
    handler::{AsyncFn, Handler, SyncFn},
    service::Component,
};

/// How a handler is finished from a plan `P`.
pub(super) enum Making<P> {
    Missing,
    Sync(Box<dyn FnOnce(P) -> Arc<SyncFn> + Send>),
    Async(Box<dyn FnOnce(P) -> Arc<AsyncFn> + Send>),
    Ready(Handler),
}

impl<P> Making<P> {
    pub(super) fn finish(self, plan: P, quick: bool) -> Option<Handler> {
        match self {
            Self::Missing => None,
            Self::Sync(make) if quick => Some(Handler::Quick(make(plan))),
            Self::Sync(make) => Some(Handler::Sync(make(plan))),
            Self::Async(make) => Some(Handler::Async(make(plan))),
            Self::Ready(handler) => Some(handler),
        }
    }
}

impl<P> fmt::Debug for Making<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "Missing",
            Self::Sync(_) => "Sync",
            Self::Async(_) => "Async",
            Self::Ready(_) => "Ready",
        })
    }
}

/// The settings of an entry that clients do not see.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) tags: Vec<String>,
    pub(super) enabled: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) quick: bool,
    pub(super) unscreened: Vec<String>,
    pub(super) detaches: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tags: Vec::new(),
            enabled: true,
            timeout: None,
            quick: false,
            unscreened: Vec::new(),
            detaches: false,
        }
    }
}

impl Options {
    pub(super) fn component<D>(
        self,
        definition: D,
        handler: Handler,
        completion: Option<Handler>,
    ) -> Component<D, Handler> {
        let mut component = Component::new(definition, handler);
        component.completion = completion;
        component.tags = self.tags;
        component.enabled = self.enabled;
        component.timeout = self.timeout;
        component.unscreened = self.unscreened;
        component.detaches = self.detaches;
        component
    }
}
