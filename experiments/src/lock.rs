//! One writer for each run: an operating-system lock on a file in its directory, which goes with its owner.

#[cfg(unix)]
use std::fs::Metadata;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tracing::warn;

use crate::disk::make_folder;

/// The file that is locked. It stays when the lock goes. It is empty, or tells that its holder is [`STOPPING`].
pub const FILE: &str = "lock";

/// What the file holds once its holder was asked to stop.
const STOPPING: &str = "stopping\n";

/// How often, and how long after each other, a lock is tried: who only looks whether it is held has it for a moment.
const TRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// The right to write in a directory, while it lives.
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a directory, which is made if need be; nothing if another process, or another thread, holds it.
    ///
    /// # Errors
    ///
    /// The directory or the file cannot be made.
    pub fn take(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(FILE);
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

    /// Tells others that the lock will be free soon, so that they wait for it.
    pub fn tell_of_stop(&self) {
        // They do not wait if it cannot be written.
        let _ = (&self.file).write_all(STOPPING.as_bytes());
    }
}

/// Whether an open file is the one that bears a name now.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        let id = |found: Metadata| (found.dev(), found.ino());
        let both = (file.metadata().map(id), std::fs::metadata(path).map(id));
        matches!(both, (Ok(this), Ok(named)) if this == named)
    }
    // Elsewhere what is open is not removed.
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

/// Whether somebody holds the lock of a directory, or may hold it, where the file system does not say.
pub fn may_be_held(directory: &Path) -> bool {
    let Ok(file) = File::open(directory.join(FILE)) else {
        return false;
    };
    file.try_lock_shared().is_err()
}

/// Whether the holder of the lock of a directory has told that it [stops](Lock::tell_of_stop).
pub fn is_stopping(directory: &Path) -> bool {
    std::fs::read(directory.join(FILE)).is_ok_and(|text| text.starts_with(STOPPING.as_bytes()))
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
        lock.tell_of_stop();
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
        let path = run.join(FILE);
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
        let looking = File::open(folder.path().join(FILE)).unwrap();
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
