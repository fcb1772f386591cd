//! What subscriptions are about, so that a change is told to those whom it concerns.

use alloc::{sync::Arc, vec::Vec};

use crate::call::Change;

/// What a subscription is about, beside lists; for [`Server::watch_for`](crate::Server::watch_for).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest {
    pub(crate) things: Vec<Thing>,
}

/// One of the many things that a client may ask to be told about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    /// The resource with this URI.
    Resource(Arc<str>),
    /// The topic of this name, of whichever extension.
    Topic(Arc<str>),
    /// The page of the elicitation with this id.
    Page(Arc<str>),
}

impl Thing {
    /// What this is a change of; `None`: of a list, which concerns everybody.
    pub(crate) fn of(change: &Change) -> Option<Self> {
        match change {
            Change::Tools | Change::Prompts | Change::Resources => None,
            Change::Resource(uri) => Some(Self::Resource(Arc::clone(uri))),
            Change::ElicitationComplete(id) => Some(Self::Page(Arc::clone(id))),
            Change::Topic(change) => Some(Self::Topic(Arc::clone(&change.topic))),
        }
    }
}
