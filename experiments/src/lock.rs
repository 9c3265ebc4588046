//! One writer for each run: an operating-system lock on a file in its directory, which goes with its owner.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tracing::warn;

/// The file that is locked. It is empty, and stays when the lock goes.
pub const FILE: &str = "lock";

/// How often, and how long after each other, a lock is tried: who only looks whether it is held has it for a moment.
const TRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// The right to write in a directory, while it lives.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a directory, which is made if need be; nothing if another process, or another thread, holds it.
    ///
    /// # Errors
    ///
    /// The directory or the file cannot be made.
    pub fn take(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(FILE);
        for _ in 0..TRIES {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("cannot create {}", directory.display()))?;
            // Over NFS an exclusive lock asks for a file that is open for writing.
            let file = (OpenOptions::new().create(true).truncate(false).write(true))
                .open(&path)
                .with_context(|| format!("cannot write {}", path.display()))?;
            match file.try_lock() {
                // Not if the directory was removed since the file was opened.
                Ok(()) if path.exists() => return Ok(Some(Self { _file: file })),
                Ok(()) | Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => {
                    warn!(
                        "{}: cannot be locked ({error}); see to it that no other process makes this run",
                        path.display()
                    );
                    return Ok(Some(Self { _file: file }));
                }
            }
        }
        Ok(None)
    }
}

/// Whether somebody holds the lock of a directory, or may hold it, where the file system does not say.
pub fn may_be_held(directory: &Path) -> bool {
    let Ok(file) = File::open(directory.join(FILE)) else {
        return false;
    };
    file.try_lock_shared().is_err()
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
