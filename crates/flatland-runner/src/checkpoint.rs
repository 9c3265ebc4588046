//! Checkpoints: everything that a resumed run needs to continue bit by bit.
//!
//! A run's directory holds the newest one, `checkpoint.safetensors`, and the one before it,
//! `checkpoint.previous.safetensors`. A new checkpoint is written beside them, synced to the disk, read back, compared
//! by its checksum, and then replaces the newest in one step: at any moment one of the two is whole. A finished run
//! keeps one, of the state before its last iteration, from which a longer run is made (`--extend`).
//!
//! A checkpoint is a safetensors file: the tensors by name, and in the metadata
//!
//! | key | value |
//! |---|---|
//! | `format`, `version` | `flatland checkpoint`, `2` |
//! | `identity` | the checksums that must not change between two parts of a run, as TOML ([`RunIdentity`]) |
//! | `state` | everything that is not a tensor, as TOML ([`State`]) |
//! | `checksum` | the BLAKE3 sum of all metadata, by key, and of all tensors, by name |
//!
//! Runs with checkpoints of the first version, `checkpoint.bin`, can be resumed.
//!
//! A run is resumed only from a checkpoint that fits. It contains the number of bytes of every CSV file, with their
//! checksum: the writer of the tables cuts what came later, and `check_marks` finds what is missing. The start of a run
//! (`run/start.rs`) chooses between the generations, a shorter run (`--extend`), and the beginning.

mod contents;
mod file;
mod first_version;
mod identity;
mod interval;
mod state;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use flatland_records::ResumeSource;
use flatland_records::disk::sync_folder;

pub use contents::Checkpoint;
pub use file::CheckpointError;
pub use identity::RunIdentity;
pub use interval::CheckpointInterval;
pub use state::{EpochPosition, RunPosition, SharpnessNumbers, State};

/// The newest checkpoint of a run.
pub const NEWEST: &str = "checkpoint.safetensors";
/// The checkpoint before it.
pub const PREVIOUS: &str = "checkpoint.previous.safetensors";
/// A checkpoint that is being written. A process that is killed leaves it.
pub const UNFINISHED: &str = "checkpoint.new.safetensors";
/// A checkpoint that was being written in the first version of the format.
const UNFINISHED_OF_FIRST_VERSION: &str = "checkpoint.new.bin";
/// The newest checkpoint in the first version of the format.
pub const NEWEST_OF_FIRST_VERSION: &str = "checkpoint.bin";
/// The checkpoint before it in the first version of the format.
pub const PREVIOUS_OF_FIRST_VERSION: &str = "checkpoint.previous.bin";

/// The files that a run may be resumed from, the best first. Whatever looks for checkpoints uses this list.
const GENERATIONS: [(&str, ResumeSource); 4] = [
    (NEWEST, ResumeSource::Checkpoint),
    (PREVIOUS, ResumeSource::PreviousCheckpoint),
    (NEWEST_OF_FIRST_VERSION, ResumeSource::Checkpoint),
    (PREVIOUS_OF_FIRST_VERSION, ResumeSource::PreviousCheckpoint),
];

impl Checkpoint {
    /// Makes this the newest checkpoint of a run, and the newest one the previous.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or is not read back as it was written. The earlier checkpoints stay whole.
    pub fn save(&self, directory: &Path, identity: &RunIdentity) -> Result<()> {
        let newest = directory.join(NEWEST);
        let temporary = directory.join(UNFINISHED);
        let write = || -> Result<()> {
            let sum = file::write(&temporary, identity, self)?;
            ensure!(
                file::sum(&temporary)? == sum,
                "it is not read back as it was written"
            );
            Ok(())
        };
        if let Err(error) = write() {
            let _ = std::fs::remove_file(&temporary); // a remainder is of no use; the error is what counts
            return Err(error.context(format!("cannot write the checkpoint {}", newest.display())));
        }
        let replace = || -> std::io::Result<()> {
            if newest.exists() {
                std::fs::rename(&newest, directory.join(PREVIOUS))?;
            }
            std::fs::rename(&temporary, &newest)?;
            sync_folder(directory)
        };
        replace().with_context(|| format!("cannot replace {}", newest.display()))?;
        // Every checkpoint of the first version is older.
        [NEWEST_OF_FIRST_VERSION, PREVIOUS_OF_FIRST_VERSION]
            .iter()
            .try_for_each(|name| remove(&directory.join(name)))
    }

    /// Reads a checkpoint and the identity of its run. The tensors are put on `device`.
    ///
    /// # Errors
    ///
    /// See [`CheckpointError`].
    pub fn read(path: &Path, device: &Device) -> Result<(RunIdentity, Self), CheckpointError> {
        if path.extension().is_some_and(|extension| extension == "bin") {
            first_version::read(path, device)
        } else {
            file::read(path, device)
        }
    }
}

/// The bytes of a checkpoint with a checksum that fits, whatever else they hold. For fuzzing; no public interface.
///
/// # Errors
///
/// The bytes are no safetensors file with metadata.
#[doc(hidden)]
pub fn sealed(bytes: &[u8]) -> Result<Vec<u8>> {
    file::sealed(bytes)
}

/// The files in a run's directory that it may be resumed from, the best first, with what `run.json` calls each.
pub fn generations(directory: &Path) -> impl Iterator<Item = (PathBuf, ResumeSource)> {
    let directory = directory.to_owned();
    (GENERATIONS.iter()).map(move |&(name, source)| (directory.join(name), source))
}

/// The newest checkpoint in a run's directory, if there is any.
pub fn newest(directory: &Path) -> Option<PathBuf> {
    let mut paths = generations(directory).map(|(path, _)| path);
    paths.find(|path| path.exists())
}

/// Whether a file is what a process that was killed has left of a checkpoint.
pub fn is_remainder(name: &str) -> bool {
    // The safetensors library writes to a file of the tempfile library first: `.tmp` and six letters or digits.
    let of_library = name.strip_prefix(".tmp").is_some_and(|rest| {
        rest.len() == 6 && rest.chars().all(|letter| letter.is_ascii_alphanumeric())
    });
    of_library || [UNFINISHED, UNFINISHED_OF_FIRST_VERSION].contains(&name)
}

/// Removes the checkpoints that are newer than the one at `path`. A run is resumed from that one, and the next
/// checkpoint would otherwise make one of these its previous.
///
/// # Errors
///
/// A file cannot be removed.
pub fn remove_newer_than(directory: &Path, path: &Path) -> Result<()> {
    generations(directory)
        .take_while(|(other, _)| other != path)
        .try_for_each(|(newer, _)| remove(&newer))
}

/// Removes all checkpoints except the newest, when the run has ended.
///
/// # Errors
///
/// A file cannot be removed.
pub fn remove_previous(directory: &Path) -> Result<()> {
    let newest = newest(directory);
    generations(directory)
        .filter(|(path, _)| Some(path) != newest.as_ref())
        .try_for_each(|(path, _)| remove(&path))
}

/// Removes all checkpoints of a run that starts again.
///
/// # Errors
///
/// A file cannot be removed.
pub fn remove_all(directory: &Path) -> Result<()> {
    generations(directory).try_for_each(|(path, _)| remove(&path))
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
