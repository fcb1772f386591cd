//! What a connection has yet to be told of a server's changes.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    vec::Vec,
};
use core::{fmt, mem};
use std::sync::Mutex;

use mcp_proto::time::Instant;

use super::lock;
use crate::{call::Change, conn::Conn, extension::TopicChange, handler::Handler, service::Service};

/// One connection's view of a server's changes; made by [`Server::watch`](crate::Server::watch).
#[derive(Debug)]
pub struct Watch {
    pub(super) watcher: Arc<Watcher>,
}

pub(super) struct Watcher {
    pub(super) wake: Arc<dyn Fn() + Send + Sync>,
    pub(super) pending: Mutex<Pending>,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

/// What a connection has yet to take. Bounded, however slow it is: of services only the last one
/// counts, and of updated resources so many are kept.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) service: Option<Arc<Service<Handler>>>,
    // Which lists have changed, even where they are again what they were.
    pub(super) lists: Lists,
    // The newest change of each of an extension's topics.
    topics: BTreeMap<Arc<str>, Arc<TopicChange>>,
    updated: VecDeque<Arc<str>>,
    known: BTreeSet<Arc<str>>,
    // Elicitations that are complete.
    complete: BTreeSet<Arc<str>>,
}

/// Which of the lists, in the order in which clients are told.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Lists([bool; 3]);

impl Lists {
    const ALL: [Change; 3] = [Change::Tools, Change::Prompts, Change::Resources];

    pub(super) fn insert(&mut self, list: &Change) {
        if let Some(at) = Self::ALL.iter().position(|known| known == list) {
            self.0[at] = true;
        }
    }

    fn changes(self) -> impl Iterator<Item = Change> {
        Self::ALL
            .into_iter()
            .zip(self.0)
            .filter_map(|(list, changed)| changed.then_some(list))
    }
}

impl Pending {
    /// More than one connection may subscribe to by default, several times over.
    pub(super) const UPDATED: usize = 1024;

    pub(super) fn is_empty(&self) -> bool {
        self.service.is_none()
            && self.lists == Lists::default()
            && self.updated.is_empty()
            && self.topics.is_empty()
            && self.complete.is_empty()
    }

    fn update(&mut self, uri: &Arc<str>) {
        if self.updated.len() < Self::UPDATED {
            if self.known.insert(Arc::clone(uri)) {
                self.updated.push_back(Arc::clone(uri));
            }
        } else if !self.known.contains(uri) {
            self.lists.insert(&Change::Resources);
        }
    }

    pub(super) fn note(&mut self, change: &Change) {
        match change {
            Change::Resource(uri) => self.update(uri),
            // Those who are not told look for themselves: topics are told for speed alone.
            Change::Topic(topic)
                if self.topics.len() >= Self::UPDATED
                    && !self.topics.contains_key(&topic.topic) => {}
            Change::Topic(topic) => {
                self.topics
                    .insert(Arc::clone(&topic.topic), Arc::clone(topic));
            }
            // Their clients ask the person instead.
            Change::ElicitationComplete(_) if self.complete.len() >= Self::UPDATED => {}
            Change::ElicitationComplete(id) => {
                self.complete.insert(Arc::clone(id));
            }
            list => self.lists.insert(list),
        }
    }
}

impl Watch {
    /// What has changed since the last time; `None` where nothing has.
    ///
    /// Changes are put together: many of one list are one, and so are many of one resource. Where
    /// more than 1,024 resources were updated, the rest of them is told as a change of the list.
    #[must_use]
    pub fn take(&self) -> Option<Changes> {
        let pending = mem::take(&mut *lock(&self.watcher.pending));
        if pending.is_empty() {
            return None;
        }
        let updated = pending.updated.into_iter().map(Change::Resource);
        Some(Changes {
            service: pending.service,
            changes: pending
                .lists
                .changes()
                .chain(updated)
                .chain(
                    pending
                        .complete
                        .into_iter()
                        .map(Change::ElicitationComplete),
                )
                .chain(pending.topics.into_values().map(Change::Topic))
                .collect(),
        })
    }
}

/// What has changed on a server, for one connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct Changes {
    /// What the server offers now, where that is something else.
    pub service: Option<Arc<Service<Handler>>>,
    /// Which lists and resources have changed meanwhile, even if they are again what they were.
    pub changes: Vec<Change>,
}

impl Changes {
    /// Tells a connection of them.
    pub fn apply(self, conn: &mut Conn<Handler>, now: Instant) {
        if let Some(service) = self.service {
            conn.handle_service(service, now);
        }
        for change in &self.changes {
            conn.handle_change(change, now);
        }
    }
}
