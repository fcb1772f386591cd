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
/// It holds [`Limits::tasks`] of them in files of [`Limits::task_bytes`] altogether. Where a new one
/// does not fit, those give way that ended first; where that is not enough, it is refused, and none
/// does.
#[derive(Debug)]
pub struct FileTaskStore {
    folder: PathBuf,
    most: usize,
    most_bytes: usize,
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
            most_bytes: limits.task_bytes,
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

    // In its place, or where there is room for it.
    fn put(&self, record: &TaskRecord) -> Result<(), StoreError> {
        let json = serde_json::to_vec(record).map_err(StoreError::failed)?;
        let path = self.path(record.id());
        let path = path
            .ok_or_else(|| StoreError::failed(io::Error::other("an id that is no file's name")))?;
        self.make_room(&path, json.len())?;
        self.write(&path, &json).map_err(StoreError::failed)
    }

    fn write(&self, path: &Path, json: &[u8]) -> io::Result<()> {
        let part = path.with_extension("part");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&part)?;
        file.write_all(json)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        // The name as well; there are systems on which a folder cannot be opened.
        if let Ok(folder) = File::open(&self.folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension() == Some(OsStr::new(ENDING)) {
                files.push(path);
            }
        }
        Ok(files)
    }

    fn records(&self) -> io::Result<Vec<TaskRecord>> {
        let mut records = Vec::new();
        for path in self.files()? {
            records.extend(read(&path)?);
        }
        records.sort_by(|one, other| one.id().cmp(other.id()));
        Ok(records)
    }

    // Room for so many bytes at this path, beside all others. No file is read unless some are to give
    // way, and none does unless that is enough.
    fn make_room(&self, path: &Path, bytes: usize) -> Result<(), StoreError> {
        let mut others = Vec::new();
        for file in self.files().map_err(StoreError::failed)? {
            if file != path {
                let length = fs::metadata(&file).map_err(StoreError::failed)?.len();
                others.push((file, length));
            }
        }
        let fits = |count: usize, held: u64| {
            count < self.most && held + bytes as u64 <= self.most_bytes as u64
        };
        let (mut count, mut held) = (others.len(), others.iter().map(|(_, length)| length).sum());
        if fits(count, held) {
            return Ok(());
        }
        let mut ended = Vec::new();
        for (file, length) in others {
            let record = read(&file).map_err(StoreError::failed)?;
            let record = record.filter(|record| record.status().is_terminal());
            ended.extend(record.map(|record| (record.updated_ms(), file, length)));
        }
        let freed = ended.iter().map(|(_, _, length)| length).sum::<u64>();
        if !fits(count - ended.len(), held - freed) {
            return Err(StoreError::Full);
        }
        ended.sort();
        for (_, file, length) in ended {
            if fits(count, held) {
                break;
            }
            fs::remove_file(&file).map_err(StoreError::failed)?;
            (count, held) = (count - 1, held - length);
        }
        Ok(())
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
        self.put(record)
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
        self.put(record)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, revision: u64, status: &str, updated_ms: u64, state: &str) -> TaskRecord {
        let json = format!(
            r#"{{"id":"{id}","revision":{revision},"subject":null,"version":"2026-07-28","client":{{}},"tool":"t","arguments":null,"createdMs":0,"updatedMs":{updated_ms},"ttlMs":null,"pollMs":1,"status":"{status}","message":null,"runner":"r","end":null,"questions":{{}},"answers":[],"keys":[],"state":"{state}","rounds":0}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn at_work(id: &str) -> TaskRecord {
        record(id, 1, "working", 0, "")
    }

    fn ended(id: &str, updated_ms: u64) -> TaskRecord {
        record(id, 2, "completed", updated_ms, "")
    }

    /// A store of its own, which is gone when the test is over.
    struct Folder(FileTaskStore);

    impl Folder {
        fn new(name: &str, tasks: usize, task_bytes: usize) -> Self {
            let name = format!("mcp-file-tasks-{name}-{}", std::process::id());
            let mut limits = Limits::default();
            (limits.tasks, limits.task_bytes) = (tasks, task_bytes);
            Self(FileTaskStore::with_limits(std::env::temp_dir().join(name), &limits).unwrap())
        }

        fn holds(&self) -> String {
            let all = self.0.list(None, None, usize::MAX).unwrap();
            all.iter().map(TaskRecord::id).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0.folder);
        }
    }

    #[test]
    fn so_many_fit_and_then_those_give_way_that_ended_first() {
        let folder = Folder::new("count", 3, usize::MAX);
        let store = &folder.0;
        for id in ["a", "b", "c"] {
            store.insert(&at_work(id)).unwrap();
        }
        assert!(matches!(store.insert(&at_work("d")), Err(StoreError::Full)));
        assert!(store.replace(&ended("b", 5)).unwrap() && store.replace(&ended("a", 6)).unwrap());
        store.insert(&at_work("d")).unwrap();
        assert_eq!(folder.holds(), "acd", "b ended before a");
    }

    #[test]
    fn so_many_bytes_fit_and_what_does_not_leaves_the_task_as_it_was() {
        let one = serde_json::to_vec(&at_work("a")).unwrap().len();
        for (room, fits) in [(2 * one, true), (2 * one - 1, false)] {
            let folder = Folder::new("bytes", usize::MAX, room);
            folder.0.insert(&at_work("a")).unwrap();
            assert_eq!(folder.0.insert(&at_work("b")).is_ok(), fits, "{room}");
            assert_eq!(folder.holds(), if fits { "ab" } else { "a" });
        }
        let folder = Folder::new("change", usize::MAX, 3 * one);
        let store = &folder.0;
        for id in ["a", "b", "c"] {
            store.insert(&at_work(id)).unwrap();
        }
        let longer = record("a", 2, "working", 1, "xx");
        assert!(matches!(store.replace(&longer), Err(StoreError::Full)));
        assert_eq!(store.load("a").unwrap().unwrap(), at_work("a"));
        // One that fails is a letter shorter, which is not enough.
        let failed = record("b", 2, "failed", 2, "");
        assert!(store.replace(&failed).unwrap());
        assert!(store.replace(&longer).unwrap());
        assert_eq!(folder.holds(), "ac", "what has ended gives way");
    }

    #[test]
    fn nothing_gives_way_to_what_does_not_fit_even_then() {
        let one = serde_json::to_vec(&at_work("a")).unwrap().len();
        // Longer than the whole folder, or than what the one at work leaves of it.
        for room in [4, 5] {
            let folder = Folder::new("refused", usize::MAX, room * one);
            let store = &folder.0;
            store.insert(&ended("a", 1)).unwrap();
            store.insert(&at_work("b")).unwrap();
            let long = |times: usize| "x".repeat(times * one);
            let new = record("c", 1, "working", 0, &long(4));
            assert!(matches!(store.insert(&new), Err(StoreError::Full)));
            let change = record("b", 2, "working", 0, &long(room));
            assert!(matches!(store.replace(&change), Err(StoreError::Full)));
            assert_eq!(folder.holds(), "ab", "{room}");
            let shorter = record("c", 1, "working", 0, &long(room - 2));
            store.insert(&shorter).unwrap();
            assert_eq!(folder.holds(), "bc", "{room}: what has ended gives way");
        }
    }
}
