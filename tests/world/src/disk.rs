//! What tasks are kept on, and what runs them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use mcp_proto::time::Instant;
use mcp_server_core::{BoxFuture, Detached, Host, StoreError, TaskRecord, TaskStore};

use crate::{office::unix_ms, scenario::Pick};

/// Tasks as text, as a disk has them. It outlives every process.
#[derive(Debug)]
pub(crate) struct Disk {
    records: Mutex<BTreeMap<String, String>>,
    most: usize,
    slow: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(text: &str) -> TaskRecord {
    serde_json::from_str(text).expect("what was kept can be read")
}

fn write(record: &TaskRecord) -> String {
    serde_json::to_string(record).expect("a record is JSON")
}

impl Disk {
    pub(crate) fn new(most: usize, slow: bool) -> Self {
        Self {
            records: Mutex::default(),
            most,
            slow,
        }
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.records).len()
    }
}

/// The disk as one process has it, until that ends.
#[derive(Debug)]
pub(crate) struct Drive {
    disk: Arc<Disk>,
    gone: AtomicBool,
}

impl Drive {
    pub(crate) fn new(disk: Arc<Disk>) -> Self {
        Self {
            disk,
            gone: AtomicBool::new(false),
        }
    }

    /// Its process has ended.
    pub(crate) fn pull(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    fn records(&self) -> Result<MutexGuard<'_, BTreeMap<String, String>>, StoreError> {
        if self.gone.load(Ordering::Relaxed) {
            return Err(StoreError::failed("the process has ended"));
        }
        Ok(lock(&self.disk.records))
    }
}

impl TaskStore for Drive {
    fn insert(&self, record: &TaskRecord) -> Result<(), StoreError> {
        let mut records = self.records()?;
        if records.len() >= self.disk.most {
            return Err(StoreError::Full);
        }
        records.insert(record.id().to_owned(), write(record));
        Ok(())
    }

    fn load(&self, id: &str) -> Result<Option<TaskRecord>, StoreError> {
        Ok(self.records()?.get(id).map(|text| read(text)))
    }

    fn replace(&self, record: &TaskRecord) -> Result<bool, StoreError> {
        let mut records = self.records()?;
        let Some(text) = records.get_mut(record.id()) else {
            return Ok(false);
        };
        if read(text).revision() + 1 != record.revision() {
            return Ok(false);
        }
        *text = write(record);
        Ok(true)
    }

    fn expire(&self, now_ms: u64) -> Result<(), StoreError> {
        let over = |text: &str| read(text).expires_ms().is_some_and(|end| end <= now_ms);
        self.records()?.retain(|_, text| !over(text));
        Ok(())
    }

    fn list(
        &self,
        subject: Option<&str>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<TaskRecord>, StoreError> {
        let records = self.records()?;
        let all = records.values().map(|text| read(text));
        let ours = all.filter(|record| record.subject() == subject);
        let rest = ours.filter(|record| after.is_none_or(|after| record.id() > after));
        Ok(rest.take(most).collect())
    }

    fn is_quick(&self) -> bool {
        !self.disk.slow
    }
}

/// Runs what outlives requests, a step at a time.
pub(crate) struct Puppet {
    runs: Mutex<Vec<Detached>>,
    /// What is to be run when its time has come.
    later: Mutex<Option<(u64, Detached)>>,
    unix_ms: AtomicU64,
    drawn: AtomicU64,
}

impl std::fmt::Debug for Puppet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} runs", self.waiting())
    }
}

impl Host for Puppet {
    fn spawn(&self, run: Detached) {
        lock(&self.runs).push(run);
    }

    fn run_after(&self, wait: Duration, run: Detached) {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let at = self.unix_ms.load(Ordering::Relaxed).saturating_add(wait);
        *lock(&self.later) = Some((at, run));
    }

    fn unix_time(&self) -> Duration {
        Duration::from_millis(self.unix_ms.load(Ordering::Relaxed))
    }

    fn random(&self) -> Option<[u8; 16]> {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0xab; 16];
        bytes[8..].copy_from_slice(&drawn.to_be_bytes());
        Some(bytes)
    }
}

impl Puppet {
    pub(crate) fn new(epoch: u32, now: Instant) -> Self {
        Self {
            runs: Mutex::default(),
            later: Mutex::default(),
            unix_ms: AtomicU64::new(unix_ms(now)),
            // Another process draws other numbers.
            drawn: AtomicU64::new(u64::from(epoch) << 32),
        }
    }

    pub(crate) fn set_time(&self, unix_ms: u64) {
        self.unix_ms.store(unix_ms, Ordering::Relaxed);
        let due = lock(&self.later).take_if(|(at, _)| *at <= unix_ms);
        if let Some((_, run)) = due {
            self.run(run);
        }
    }

    /// How many runs are not over.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.runs).len()
    }

    /// Runs one that may block to its end, or polls one that does not.
    pub(crate) fn run_one(&self, which: Pick) {
        let Some(chosen) = which.among(self.waiting()) else {
            return;
        };
        let run = lock(&self.runs).swap_remove(chosen);
        self.run(run);
    }

    fn run(&self, run: Detached) {
        match run {
            Detached::Blocking(run) => run(),
            Detached::Future(future) => self.poll(future),
            other => panic!("{other:?}"),
        }
    }

    fn poll(&self, mut future: BoxFuture<()>) {
        let mut context = Context::from_waker(Waker::noop());
        if future.as_mut().poll(&mut context).is_pending() {
            lock(&self.runs).push(Detached::Future(future));
        }
    }

    /// The process ends.
    pub(crate) fn drop_all(&self) {
        let runs = std::mem::take(&mut *lock(&self.runs));
        let later = lock(&self.later).take();
        drop((runs, later));
    }
}
