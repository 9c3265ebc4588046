//! Checkpoints: all that a run needs to go on as if it had never been stopped.
//!
//! A run's directory holds the newest one, `checkpoint.bin`, and the one before it, `checkpoint.previous.bin`. A new one
//! is written beside them, waited for until it is on the disk, read back and compared by its checksum, and then takes
//! the place of the newest in one step: at any moment one of the two is whole. A finished run keeps one, of the state
//! before its last iteration, from which a longer run goes on (`--extend`).
//!
//! | part of the file | what |
//! |---|---|
//! | 8 bytes | `flatland` |
//! | 4 bytes | the version of the format, little-endian as all numbers here |
//! | 8 bytes and as many as they say | [`State`] with its [`Identity`], as MessagePack |
//! | for each tensor that the state names, 8 bytes and as many as they say | a safetensors file of that tensor |
//! | 32 bytes | the BLAKE3 sum of everything before |

mod file;
mod identity;
mod interval;
mod state;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use burn::tensor::{Device, Tensor};

use crate::disk::sync_folder;
pub use file::Unusable;
pub use identity::Identity;
pub use interval::Interval;
pub use state::{Cursor, Place, SharpnessNumbers, State};

/// The newest checkpoint of a run.
pub const NEWEST: &str = "checkpoint.bin";
/// The one before it.
pub const PREVIOUS: &str = "checkpoint.previous.bin";
/// One that is being written. Who is killed meanwhile leaves it.
pub const UNFINISHED: &str = "checkpoint.new.bin";

/// The state of a run at one place, and the tensors of it.
pub struct Checkpoint {
    pub state: State,
    /// Rank-1 tensors under their names.
    pub tensors: Vec<(String, Tensor<1>)>,
}

impl Checkpoint {
    /// The tensor of that name.
    pub fn tensor(&self, name: &str) -> Option<Tensor<1>> {
        let found = self.tensors.iter().find(|(other, _)| other == name);
        found.map(|(_, tensor)| tensor.clone())
    }

    /// The tensors `group.0`, `group.1` and so on.
    pub fn group(&self, group: &str) -> Vec<Tensor<1>> {
        (0..)
            .map_while(|index| self.tensor(&format!("{group}.{index}")))
            .collect()
    }

    /// Makes this the newest checkpoint of a run, and the one that was the newest the previous.
    ///
    /// # Errors
    ///
    /// What cannot be written, or is not read back as it was written. The earlier checkpoints are whole then.
    pub fn save(&self, directory: &Path, identity: &Identity) -> Result<()> {
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
        replace().with_context(|| format!("cannot replace {}", newest.display()))
    }

    /// Reads a checkpoint, and whose it is. The tensors come to lie on `device`.
    ///
    /// # Errors
    ///
    /// See [`Unusable`].
    pub fn read(path: &Path, device: &Device) -> Result<(Identity, Self), Unusable> {
        file::read(path, device)
    }
}

/// The checkpoints of a run, the better first.
pub fn generations(directory: &Path) -> [PathBuf; 2] {
    [NEWEST, PREVIOUS].map(|name| directory.join(name))
}

/// Removes the newest checkpoint, where the one before it is better.
///
/// # Errors
///
/// A file that is there and cannot be removed.
pub fn forget_newest(directory: &Path) -> Result<()> {
    remove(&directory.join(NEWEST))
}

/// Removes the checkpoint before the newest, of a run that has ended.
///
/// # Errors
///
/// A file that is there and cannot be removed.
pub fn forget_previous(directory: &Path) -> Result<()> {
    remove(&directory.join(PREVIOUS))
}

/// Removes all checkpoints, of a run that starts anew.
///
/// # Errors
///
/// A file that is there and cannot be removed.
pub fn forget(directory: &Path) -> Result<()> {
    generations(directory)
        .iter()
        .try_for_each(|path| remove(path))
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
