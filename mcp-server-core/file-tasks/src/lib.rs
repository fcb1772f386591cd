//! Tasks in files, one each, so that they outlive the process that made them.
//!
//! ```
//! use mcp_file_tasks::FileTaskStore;
//! use mcp_server_core::{Server, Tasks};
//!
//! let folder = std::env::temp_dir().join(format!("tasks-{}", std::process::id()));
//! let store = FileTaskStore::open(&folder)?;
//! let server = Server::builder("demo", "1.0.0").tasks(Tasks::in_store(store)).build()?;
//! # drop(server);
//! # std::fs::remove_dir_all(folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use mcp_proto::limits::Limits;
use mcp_server_core::{StoreError, TaskRecord, TaskStore};

/// How a task's file ends. What is being written ends otherwise.
const ENDING: &str = "json";

/// Keeps tasks in a folder, a file of JSON for each.
///
/// A file is written beside its place, flushed to the disk, and then put there: after a crash it is
/// either the old one or the new one. One process at a time may use a folder. A task that an earlier
/// process was at work on is found and has failed, as it has; one that waits for answers goes on.
///
/// It holds [`Limits::tasks`] of them. Where a new one does not fit, the one that ended first gives
/// way; where none has ended, the new one is refused.
#[derive(Debug)]
pub struct FileTaskStore {
    folder: PathBuf,
    most: usize,
    // One change at a time, so that what is compared is what is replaced.
    writing: Mutex<()>,
}

impl FileTaskStore {
    /// Opens a folder, and makes it where it is not there. Leftovers of an interrupted write are
    /// removed.
    ///
    /// # Errors
    /// Where the folder cannot be made or read.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        Self::with_limits(folder, &Limits::default())
    }

    /// The same with other bounds.
    ///
    /// # Errors
    /// Where the folder cannot be made or read.
    pub fn with_limits(folder: impl Into<PathBuf>, limits: &Limits) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension() == Some(OsStr::new("part")) {
                fs::remove_file(path)?;
            }
        }
        Ok(Self {
            folder,
            most: limits.tasks,
            writing: Mutex::new(()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Ids that clients send may be anything; those of records are letters and digits.
    fn path(&self, id: &str) -> Option<PathBuf> {
        let plain =
            (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then(|| self.folder.join(id).with_extension(ENDING))
    }

    fn write(&self, record: &TaskRecord) -> io::Result<()> {
        let path = self
            .path(record.id())
            .ok_or_else(|| io::Error::other("an id that is no file's name"))?;
        let part = path.with_extension("part");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&part)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        // The name as well; there are systems on which a folder cannot be opened.
        if let Ok(folder) = File::open(&self.folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    fn records(&self) -> io::Result<Vec<TaskRecord>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension() == Some(OsStr::new(ENDING)) {
                records.extend(read(&path)?);
            }
        }
        records.sort_by(|one, other| one.id().cmp(other.id()));
        Ok(records)
    }

    fn make_room(&self) -> Result<(), StoreError> {
        let records = self.records().map_err(StoreError::failed)?;
        if records.len() < self.most {
            return Ok(());
        }
        let first = records
            .iter()
            .filter(|record| record.status().is_terminal())
            .min_by_key(|record| record.updated_ms());
        let path = first.and_then(|record| self.path(record.id()));
        let path = path.ok_or(StoreError::Full)?;
        fs::remove_file(path).map_err(StoreError::failed)
    }
}

// `None` where there is none.
fn read(path: &Path) -> io::Result<Option<TaskRecord>> {
    match fs::read(path) {
        Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl TaskStore for FileTaskStore {
    fn insert(&self, record: &TaskRecord) -> Result<(), StoreError> {
        let _writing = self.lock();
        self.make_room()?;
        self.write(record).map_err(StoreError::failed)
    }

    fn load(&self, id: &str) -> Result<Option<TaskRecord>, StoreError> {
        match self.path(id) {
            Some(path) => read(&path).map_err(StoreError::failed),
            None => Ok(None),
        }
    }

    fn replace(&self, record: &TaskRecord) -> Result<bool, StoreError> {
        let _writing = self.lock();
        let earlier = self.load(record.id())?;
        if earlier.is_none_or(|earlier| earlier.revision() + 1 != record.revision()) {
            return Ok(false);
        }
        self.write(record).map_err(StoreError::failed)?;
        Ok(true)
    }

    fn expire(&self, now_ms: u64) -> Result<(), StoreError> {
        let _writing = self.lock();
        for record in self.records().map_err(StoreError::failed)? {
            if record.expires_ms().is_some_and(|expires| expires <= now_ms) {
                if let Some(path) = self.path(record.id()) {
                    fs::remove_file(path).map_err(StoreError::failed)?;
                }
            }
        }
        Ok(())
    }

    fn list(
        &self,
        subject: Option<&str>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<TaskRecord>, StoreError> {
        let records = self.records().map_err(StoreError::failed)?;
        let wanted = |record: &TaskRecord| {
            record.subject() == subject && after.is_none_or(|after| record.id() > after)
        };
        Ok(records.into_iter().filter(wanted).take(most).collect())
    }
}
