//! Writing files and folders so that they are whole, and on the disk before anything relies on them.
//!
//! What a killed process leaves half-written has a recognizable name. The next process that holds the lock of the
//! directory removes it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};

/// Letters and digits at the end of a temporary name.
const RANDOM: usize = 6;

/// Replaces a file in one step, and waits until the disk has it. A process that is killed meanwhile leaves a temporary
/// file, which [`is_remainder`] recognizes.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_whole(path: &Path, contents: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file lies in a folder")?;
    let prefix = prefix(path.file_name().context("a file has a name")?);
    let mut temporary = tempfile::Builder::new();
    temporary.prefix(&prefix).rand_bytes(RANDOM);
    // Others may read the results as the user's umask says, not the owner alone.
    #[cfg(unix)]
    temporary.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = temporary
        .tempfile_in(folder)
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    temporary
        .write_all(contents)
        .and_then(|()| temporary.as_file().sync_all())
        .with_context(|| format!("cannot write {}", path.display()))?;
    temporary
        .persist(path)
        .with_context(|| format!("cannot replace {}", path.display()))?;
    sync_folder(folder).with_context(|| format!("cannot replace {}", path.display()))
}

/// The beginning of the name of a temporary file. Random letters follow.
fn prefix(name: &std::ffi::OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

/// Whether a file of this name is a temporary file of [`write_whole`] for the file `of`.
pub fn is_remainder(name: &str, of: &str) -> bool {
    (name.strip_prefix('.'))
        .and_then(|rest| rest.strip_prefix(of)?.strip_prefix('.'))
        .is_some_and(|rest| rest.len() == RANDOM && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Reads a regular file. A device or a pipe of this name may have no end.
///
/// # Errors
///
/// The file cannot be read, or is not a regular file.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if std::fs::metadata(path)?.is_file() {
        std::fs::read(path)
    } else {
        Err(io::Error::other("it is no regular file"))
    }
}

/// Waits until a file is on the disk.
///
/// # Errors
///
/// The file cannot be written.
pub fn sync(path: &Path) -> Result<()> {
    (File::open(path).and_then(|file| file.sync_all()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Waits until the names in a folder are on the disk.
///
/// # Errors
///
/// The folder cannot be written.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // On other systems a folder cannot be opened as a file.
    if cfg!(unix) {
        let here = folder.as_os_str().is_empty();
        File::open(if here { Path::new(".") } else { folder })?.sync_all()?;
    }
    Ok(())
}

/// Creates a folder and its parents unless they exist, and waits until the disk has them.
///
/// # Errors
///
/// A folder cannot be created.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let made: Vec<&Path> = (folder.ancestors())
        .take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.is_dir())
        .collect();
    std::fs::create_dir_all(folder)?;
    (made.iter().rev().filter_map(|folder| folder.parent())).try_for_each(sync_folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("run.json");
        for contents in ["one", "two"] {
            write_whole(&path, contents.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), contents);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_remainder_is_known_by_its_name() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut builder = tempfile::Builder::new();
        let made = (builder.prefix(&prefix("run.json".as_ref())))
            .rand_bytes(RANDOM)
            .tempfile_in(folder.path())
            .unwrap();
        let name = made.path().file_name().unwrap().to_str().unwrap();
        assert!(is_remainder(name, "run.json"), "{name}");
        for other in [
            "run.json",
            ".run.json",
            ".run.json.",
            ".run.json.old",
            ".run.json.backups",
            ".tmp",
        ] {
            assert!(!is_remainder(other, "run.json"), "{other}");
        }
        assert!(!is_remainder(name, "config.toml"));
    }

    #[test]
    fn folders_are_made_as_deep_as_asked_for() {
        let folder = tempfile::TempDir::new().unwrap();
        let deep = folder.path().join("one/two/three");
        make_folder(&deep).unwrap();
        make_folder(&deep).unwrap();
        assert!(deep.is_dir());
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(make_folder(&folder.path().join("file/two")).is_err());
        sync_folder(Path::new("")).unwrap();
    }
}
