//! Where a run goes on.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use tracing::warn;

use crate::cell::CellConfig;
use crate::checkpoint::{self, Checkpoint, Identity, Unusable};
use crate::records::{self, RunFile, Source};

/// What a run starts from.
pub(super) struct Start {
    /// Nothing if the run starts from its beginning.
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) source: Source,
    /// What is wrong with better checkpoints.
    pub(super) passed_over: Vec<String>,
}

/// Makes sure that there is what `cells`, in their directories in `folder`, extend by so many iterations or epochs: for
/// each that has not been begun, a finished run that is shorter by so much.
///
/// # Errors
///
/// The first run that is missing, or not finished.
pub fn check_extension(cells: &[CellConfig], folder: &Path, more: u64) -> Result<()> {
    for cell in cells {
        let has_begun = |path: &PathBuf| path.exists();
        if checkpoint::generations(&folder.join(cell.directory_name()))
            .iter()
            .any(has_begun)
        {
            continue;
        }
        let shorter = (cell.shorter_by(more)).context("an extended run has been longer before")?;
        let origin = folder.join(shorter.directory_name());
        let is_finished = RunFile::read(&origin)?.is_some_and(|file| file.status.is_final());
        ensure!(
            is_finished && origin.join(checkpoint::NEWEST).exists(),
            "--extend {more}: {} is no finished run with a checkpoint; give the command without --extend first",
            origin.display()
        );
    }
    Ok(())
}

/// Finds what the run of `cell` starts from: the best checkpoint in its directory; if there is none, and the run is to
/// extend one that is shorter by `extended_by`, that one's last, whose records are copied; if there is none, its beginning.
///
/// # Errors
///
/// A checkpoint that is whole and must not be gone on from: of another version of the format, of other data, or with
/// records that no longer hold the rows written before it.
pub(super) fn find(
    cell: &CellConfig,
    directory: &Path,
    identity: &Identity,
    device: &Device,
    extended_by: Option<u64>,
) -> Result<Start> {
    let found = best(directory, identity, device)?;
    if found.checkpoint.is_some() {
        return Ok(found);
    }
    if let Some(shorter) = extended_by.and_then(|more| cell.shorter_by(more)) {
        let checkpoint = extend(&shorter, directory, identity, device)?;
        return Ok(Start {
            checkpoint: Some(checkpoint),
            source: Source::ShorterRun,
            ..found
        });
    }
    checkpoint::forget(directory)?;
    Ok(found)
}

/// The newest checkpoint that can be gone on from, or the beginning.
fn best(directory: &Path, identity: &Identity, device: &Device) -> Result<Start> {
    let mut passed_over = Vec::new();
    let mut misfit = None;
    let sources = [Source::Checkpoint, Source::PreviousCheckpoint];
    for (path, source) in checkpoint::generations(directory).into_iter().zip(sources) {
        let (of, checkpoint) = match Checkpoint::read(&path, device) {
            Ok(read) => read,
            Err(Unusable::Missing(_)) => continue,
            Err(error @ Unusable::Damaged { .. }) => {
                warn!("{error}");
                passed_over.push(error.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        identity
            .check(&of)
            .with_context(|| format!("cannot go on from {}", path.display()))?;
        if let Err(error) = records::misfit(directory, &checkpoint.state.marks) {
            warn!("{}: {error}", path.display());
            passed_over.push(error.to_string());
            misfit.get_or_insert(error);
            continue;
        }
        if source == Source::PreviousCheckpoint {
            // Or it would take the place of this one when the next is written.
            checkpoint::forget_newest(directory)?;
        }
        return Ok(Start {
            checkpoint: Some(checkpoint),
            source,
            passed_over,
        });
    }
    if let Some(misfit) = misfit {
        bail!(
            "{misfit}: the rows before the checkpoint cannot be made again. Put the file back as it was, or remove \
             {} to start anew",
            directory.display()
        );
    }
    if !passed_over.is_empty() {
        warn!(
            "{}: no checkpoint can be used; the run starts anew",
            directory.display()
        );
    }
    Ok(Start {
        checkpoint: None,
        source: Source::Beginning,
        passed_over,
    })
}

/// The last checkpoint of the run of `shorter` beside `directory`, with a copy of that run's records. That run stays.
fn extend(
    shorter: &CellConfig,
    directory: &Path,
    identity: &Identity,
    device: &Device,
) -> Result<Checkpoint> {
    let origin = directory.with_file_name(shorter.directory_name());
    let path = origin.join(checkpoint::NEWEST);
    let (of, checkpoint) = Checkpoint::read(&path, device).context(
        "cannot extend the shorter run; make it first, with the same command without --extend",
    )?;
    let expected = Identity {
        configuration: Identity::configuration(shorter),
        ..identity.clone()
    };
    let fits = expected.check(&of);
    fits.and_then(|()| Ok(records::misfit(&origin, &checkpoint.state.marks)?))
        .with_context(|| format!("cannot extend {}", origin.display()))?;
    for name in checkpoint.state.marks.keys() {
        let from = origin.join(name);
        std::fs::copy(&from, directory.join(name))
            .with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(checkpoint)
}
