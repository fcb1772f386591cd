//! What a connection has yet to be told of a server's changes.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Weak},
    vec::Vec,
};
use core::{fmt, mem};
use std::sync::Mutex;

use mcp_proto::time::Instant;

use super::{Shared, lock};
use crate::{
    call::Change,
    conn::Conn,
    extension::TopicChange,
    handler::Handler,
    interest::{Interest, Thing},
    service::Service,
    sorted::Sorted,
};

/// One connection's view of a server's changes; made by [`Server::watch`](crate::Server::watch).
#[derive(Debug)]
pub struct Watch {
    pub(super) watcher: Arc<Watcher>,
    pub(super) number: u64,
    pub(super) server: Weak<Shared>,
}

/// Whoever no longer watches is forgotten, without a look at any other.
impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(shared) = self.server.upgrade() {
            lock(&shared.state).watchers.remove(self.number);
        }
    }
}

/// Who watches a server, in the order in which they began: that in which they are told.
///
/// To begin and to end costs the same however many there are, and a change of one thing costs those
/// whom it concerns.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    last: u64,
    all: BTreeMap<u64, Place>,
    // Those that are told of everything.
    of_all: BTreeSet<u64>,
    by_thing: BTreeMap<Thing, BTreeSet<u64>>,
}

#[derive(Debug)]
struct Place {
    watcher: Weak<Watcher>,
    // Under which things it is to be found; `None`: under all.
    interest: Option<Interest>,
}

impl Watchers {
    /// One more, and its number.
    pub(super) fn add(&mut self, watcher: &Arc<Watcher>, interest: Option<Interest>) -> u64 {
        self.last += 1;
        let number = self.last;
        match &interest {
            None => {
                self.of_all.insert(number);
            }
            Some(interest) => {
                for thing in &interest.things {
                    let those = self.by_thing.entry(thing.clone()).or_default();
                    those.insert(number);
                }
            }
        }
        let watcher = Arc::downgrade(watcher);
        self.all.insert(number, Place { watcher, interest });
        number
    }

    fn remove(&mut self, number: u64) {
        let Some(place) = self.all.remove(&number) else {
            return;
        };
        let Some(interest) = place.interest else {
            self.of_all.remove(&number);
            return;
        };
        for thing in &interest.things {
            if let Some(those) = self.by_thing.get_mut(thing) {
                those.remove(&number);
                if those.is_empty() {
                    self.by_thing.remove(thing);
                }
            }
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Watcher>> {
        let watchers = self.all.values();
        watchers
            .filter_map(|place| place.watcher.upgrade())
            .collect()
    }

    /// Those whom a change may concern.
    pub(super) fn concerned(&self, change: &Change) -> Vec<Arc<Watcher>> {
        let Some(thing) = Thing::of(change) else {
            return self.all();
        };
        let nobody = BTreeSet::new();
        let those = self.by_thing.get(&thing).unwrap_or(&nobody);
        those
            .union(&self.of_all)
            .filter_map(|number| self.all.get(number)?.watcher.upgrade())
            .collect()
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Under how much they are noted down in all.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.all.len()
            + self.of_all.len()
            + self.by_thing.values().map(BTreeSet::len).sum::<usize>()
    }
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
    // The newest change of each of an extension's topics, sorted by them.
    topics: Vec<Arc<TopicChange>>,
    updated: VecDeque<Arc<str>>,
    known: Sorted<Arc<str>>,
    // Elicitations that are complete.
    complete: Sorted<Arc<str>>,
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
        } else if !self.known.contains(&**uri) {
            self.lists.insert(&Change::Resources);
        }
    }

    fn note_topic(&mut self, change: &Arc<TopicChange>) {
        let place = self
            .topics
            .binary_search_by(|there| there.topic.cmp(&change.topic));
        match place {
            Ok(at) => self.topics[at] = Arc::clone(change),
            // Those who are not told look for themselves: topics are told for speed alone.
            Err(_) if self.topics.len() >= Self::UPDATED => {}
            Err(at) => self.topics.insert(at, Arc::clone(change)),
        }
    }

    pub(super) fn note(&mut self, change: &Change) {
        match change {
            Change::Resource(uri) => self.update(uri),
            Change::Topic(topic) => self.note_topic(topic),
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
        let mut pending = lock(&self.watcher.pending);
        if pending.is_empty() {
            return None;
        }
        let pending = mem::take(&mut *pending);
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
                        .into_vec()
                        .into_iter()
                        .map(Change::ElicitationComplete),
                )
                .chain(pending.topics.into_iter().map(Change::Topic))
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
