//! Where tasks are kept.

use alloc::{boxed::Box, collections::BTreeMap, string::String, sync::Arc, vec::Vec};
use core::{error::Error, fmt};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mcp_proto::limits::Limits;

use super::record::TaskRecord;

/// Where a server's tasks are kept.
///
/// What an operation has done is there for every later one, also of another process where the
/// store [is shared](Self::is_shared), and for as long as the store promises: one on a disk
/// outlives the process. Its methods may block, unless it says that it [is quick](Self::is_quick):
/// they are called where handlers that may block are run.
///
/// Records are found by ids that nobody can guess. Whose they are is not the store's business.
pub trait TaskStore: Send + Sync + fmt::Debug {
    /// Keeps a new record. It is safe once this returns.
    ///
    /// # Errors
    /// [`StoreError::Full`] where there is no room; the client is told to come back later.
    fn insert(&self, record: &TaskRecord) -> Result<(), StoreError>;

    /// The record of that id.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn load(&self, id: &str) -> Result<Option<TaskRecord>, StoreError>;

    /// Puts a record in the place of the one with the revision before its own. `false` where the
    /// kept one is of another revision, or gone: somebody else was faster.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn replace(&self, record: &TaskRecord) -> Result<bool, StoreError>;

    /// Forgets the records whose time is over.
    ///
    /// # Errors
    /// Where that cannot be done.
    fn expire(&self, now_ms: u64) -> Result<(), StoreError>;

    /// The records of one subject by their ids, after the one with this id, at most so many.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn list(
        &self,
        subject: Option<&str>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<TaskRecord>, StoreError>;

    /// Whether its methods return at once, so that they need no thread that may block.
    fn is_quick(&self) -> bool {
        false
    }

    /// Whether several processes use it at once. Otherwise a task that another process was at work
    /// on is known to be lost, and told so; with a shared store it stays as it is until its time is
    /// over.
    fn is_shared(&self) -> bool {
        false
    }
}

/// Why a store did not do what it was asked for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no room for another task.
    Full,
    /// Something else; the client is told nothing of it.
    Failed(Arc<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Something else than a lack of room.
    #[must_use]
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(Arc::from(error.into()))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("there is no room for another task"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl Error for StoreError {}

/// Keeps tasks in this process, as long as it lives.
///
/// It holds [`Limits::tasks`] of them in [`Limits::task_bytes`]. Where a new one does not fit,
/// those give way that ended first; where that is not enough, it is refused, and none does.
#[derive(Debug)]
pub struct MemoryTaskStore {
    most: usize,
    most_bytes: usize,
    state: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    records: BTreeMap<String, Weighed>,
    bytes: usize,
}

#[derive(Debug)]
struct Weighed {
    record: TaskRecord,
    bytes: usize,
}

impl MemoryTaskStore {
    /// A store with those bounds.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            most: limits.tasks,
            most_bytes: limits.task_bytes,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Consistent even after a panic: nothing below runs foreign code.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // In its place, or where there is room for it. Where there is none, nothing changes.
    fn put(&self, kept: &mut Kept, record: &TaskRecord) -> Result<(), StoreError> {
        let bytes = weigh(record);
        let fits =
            |(count, held): (usize, usize)| count < self.most && held + bytes <= self.most_bytes;
        let earlier = kept.remove(record.id());
        if !fits(kept.all()) {
            if !fits(kept.at_work()) {
                kept.keep(earlier);
                return Err(StoreError::Full);
            }
            while !fits(kept.all()) && kept.remove_first_ended() {}
        }
        let record = record.clone();
        kept.keep(Some(Weighed { record, bytes }));
        Ok(())
    }
}

impl Default for MemoryTaskStore {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

impl Kept {
    fn keep(&mut self, weighed: Option<Weighed>) {
        if let Some(weighed) = weighed {
            self.bytes += weighed.bytes;
            self.records.insert(weighed.record.id().into(), weighed);
        }
    }

    fn remove(&mut self, id: &str) -> Option<Weighed> {
        let removed = self.records.remove(id)?;
        self.bytes -= removed.bytes;
        Some(removed)
    }

    // How many there are, and their bytes.
    fn all(&self) -> (usize, usize) {
        (self.records.len(), self.bytes)
    }

    // The same of those that do not give way.
    fn at_work(&self) -> (usize, usize) {
        let records = self.records.values();
        let at_work = records.filter(|kept| !kept.record.status().is_terminal());
        at_work.fold((0, 0), |(count, bytes), kept| {
            (count + 1, bytes + kept.bytes)
        })
    }

    fn remove_first_ended(&mut self) -> bool {
        let ended = self.records.iter().filter_map(|(id, kept)| {
            let record = &kept.record;
            record
                .status()
                .is_terminal()
                .then(|| (record.updated_ms(), id.clone()))
        });
        let first = ended.min();
        first.is_some_and(|(_, id)| self.remove(&id).is_some())
    }
}

// Its JSON, which is what most of it is made of.
fn weigh(record: &TaskRecord) -> usize {
    serde_json::to_vec(record).map_or(0, |json| json.len())
}

impl TaskStore for MemoryTaskStore {
    fn insert(&self, record: &TaskRecord) -> Result<(), StoreError> {
        self.put(&mut self.lock(), record)
    }

    fn load(&self, id: &str) -> Result<Option<TaskRecord>, StoreError> {
        Ok(self.lock().records.get(id).map(|kept| kept.record.clone()))
    }

    fn replace(&self, record: &TaskRecord) -> Result<bool, StoreError> {
        let mut kept = self.lock();
        let earlier = kept.records.get(record.id());
        let follows =
            earlier.is_some_and(|earlier| earlier.record.revision() + 1 == record.revision());
        if !follows {
            return Ok(false);
        }
        self.put(&mut kept, record)?;
        Ok(true)
    }

    fn expire(&self, now_ms: u64) -> Result<(), StoreError> {
        let mut kept = self.lock();
        let over = |kept: &&Weighed| kept.record.is_expired(now_ms);
        let ids: Vec<String> = kept
            .records
            .values()
            .filter(over)
            .map(|kept| kept.record.id().into())
            .collect();
        for id in ids {
            kept.remove(&id);
        }
        Ok(())
    }

    fn list(
        &self,
        subject: Option<&str>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<TaskRecord>, StoreError> {
        use core::ops::Bound;
        let kept = self.lock();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(kept
            .records
            .range::<str, _>((from, Bound::Unbounded))
            .map(|(_, kept)| &kept.record)
            .filter(|record| record.subject() == subject)
            .take(most)
            .cloned()
            .collect())
    }

    fn is_quick(&self) -> bool {
        true
    }

    // It ends with the process, so that nobody can outlive it.
    fn is_shared(&self) -> bool {
        true
    }
}
