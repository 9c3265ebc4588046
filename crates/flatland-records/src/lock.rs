//! One writer for each run: an operating-system lock on a file in its directory. The lock ends with its process.
//!
//! Whether the owner of a run lives is asked of this lock, never of a process number: another process, or another
//! machine, may have that number by now.

#[cfg(unix)]
use std::fs::Metadata;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tracing::warn;

use crate::disk::make_folder;
use crate::files::LOCK;

/// The contents of the file once its holder was asked to stop. Before that, it is empty.
const STOPPING: &str = "stopping\n";

/// How often and with which pause a lock is tried: a process that tests whether the lock is held has it for a moment.
const TRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// The right to write in a directory, until it is dropped.
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a directory, and creates the directory if necessary. `None` if another process, or another
    /// thread, holds the lock.
    ///
    /// # Errors
    ///
    /// The directory or the file cannot be created.
    pub fn take(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(LOCK);
        for left in (0..TRIES).rev() {
            make_folder(directory)
                .with_context(|| format!("cannot create {}", directory.display()))?;
            // Over NFS an exclusive lock asks for a file that is open for writing.
            let file =
                match (OpenOptions::new().create(true).truncate(false).write(true)).open(&path) {
                    // The directory was removed at this moment.
                    Err(error) if error.kind() == ErrorKind::NotFound && left > 0 => continue,
                    opened => opened.with_context(|| format!("cannot write {}", path.display()))?,
                };
            match file.try_lock() {
                // Not if the directory was removed since the file was opened, or another is in its place.
                Ok(()) if is_at(&file, &path) => {
                    (file.set_len(0))
                        .with_context(|| format!("cannot write {}", path.display()))?;
                    return Ok(Some(Self { file }));
                }
                Ok(()) | Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => {
                    warn!(
                        "{}: cannot be locked ({error}); see to it that no other process makes this run",
                        path.display()
                    );
                    return Ok(Some(Self { file }));
                }
            }
        }
        Ok(None)
    }

    /// Announces that the lock will be free soon, so that other processes wait for it.
    pub fn announce_stop(&self) {
        // If this fails, they do not wait.
        let _ = (&self.file).write_all(STOPPING.as_bytes());
    }
}

/// Whether the open file is the one at this path.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        let id = |found: Metadata| (found.dev(), found.ino());
        let both = (file.metadata().map(id), std::fs::metadata(path).map(id));
        matches!(both, (Ok(this), Ok(named)) if this == named)
    }
    // On other systems an open file is not removed.
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

/// Whether a process holds the lock of a directory, or may hold it: some file systems cannot tell.
pub fn may_be_held(directory: &Path) -> bool {
    let Ok(file) = File::open(directory.join(LOCK)) else {
        return false;
    };
    file.try_lock_shared().is_err()
}

/// Whether the holder of the lock has [announced](Lock::announce_stop) that it stops.
pub fn is_stopping(directory: &Path) -> bool {
    std::fs::read(directory.join(LOCK)).is_ok_and(|text| text.starts_with(STOPPING.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_goes_with_its_holder() {
        let folder = tempfile::TempDir::new().unwrap();
        let run = folder.path().join("grid/run");
        assert!(!may_be_held(&run));
        let lock = Lock::take(&run).unwrap();
        assert!(lock.is_some() && may_be_held(&run));
        assert!(Lock::take(&run).unwrap().is_none());
        drop(lock);
        assert!(!may_be_held(&run));
        assert!(Lock::take(&run).unwrap().is_some());
    }

    #[test]
    fn a_holder_that_stops_says_so_and_the_next_one_does_not() {
        let folder = tempfile::TempDir::new().unwrap();
        let lock = Lock::take(folder.path()).unwrap().unwrap();
        assert!(!is_stopping(folder.path()));
        lock.announce_stop();
        assert!(is_stopping(folder.path()));
        drop(lock);
        let _next = Lock::take(folder.path()).unwrap().unwrap();
        assert!(!is_stopping(folder.path()));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_in_a_directory_that_took_the_place_of_another_is_not_the_one_that_was_opened() {
        let folder = tempfile::TempDir::new().unwrap();
        let run = folder.path().join("run");
        drop(Lock::take(&run).unwrap());
        let path = run.join(LOCK);
        let opened = File::open(&path).unwrap();
        assert!(is_at(&opened, &path));
        std::fs::rename(&run, folder.path().join("removed")).unwrap();
        assert!(!is_at(&opened, &path));
        drop(Lock::take(&run).unwrap());
        assert!(!is_at(&opened, &path));
    }

    #[test]
    fn a_look_does_not_take_the_lock_away() {
        let folder = tempfile::TempDir::new().unwrap();
        drop(Lock::take(folder.path()).unwrap());
        let looking = File::open(folder.path().join(LOCK)).unwrap();
        looking.lock_shared().unwrap();
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| Lock::take(folder.path()).unwrap().is_some());
            std::thread::sleep(2 * PAUSE); // as long as a slow look may take
            drop(looking);
            assert!(taking.join().unwrap());
        });
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_named() {
        let folder = tempfile::TempDir::new().unwrap();
        let run = folder.path().join("run");
        std::fs::write(&run, "").unwrap();
        let error = format!("{:#}", Lock::take(&run).err().unwrap());
        assert!(error.contains(&run.display().to_string()), "{error}");
    }
}
