//! What a run starts from.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use flatland_config::RunConfig;
use flatland_records::{ResumeSource, RunFile, check_marks};
use tracing::warn;

use crate::checkpoint::{self, Checkpoint, CheckpointError, RunIdentity};

/// What a run starts from.
pub(super) struct RunStart {
    /// `None` if the run starts from its beginning.
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) source: ResumeSource,
    /// What is wrong with better checkpoints.
    pub(super) passed_over: Vec<String>,
}

/// Checks that every run has what it extends by `more` iterations (epochs of a stochastic run): a checkpoint of its
/// own, or a finished run in `folder` that is shorter by as much.
///
/// # Errors
///
/// The first run for which that is missing, or not finished.
pub fn check_extension(runs: &[RunConfig], folder: &Path, more: u64) -> Result<()> {
    for run in runs {
        if checkpoint::newest(&folder.join(run.directory_name())).is_some() {
            continue;
        }
        let shorter = run
            .shorter_by(more)
            .context("an extended run has been longer before")?;
        let origin = folder.join(shorter.directory_name());
        let is_finished = RunFile::read(&origin)?.is_some_and(|file| file.status.is_final());
        ensure!(
            is_finished && checkpoint::newest(&origin).is_some(),
            "--extend {more}: {} is no finished run with a checkpoint; give the command without --extend first",
            origin.display()
        );
    }
    Ok(())
}

/// Finds what a run starts from: the best checkpoint in its directory, else the last checkpoint of the run that is
/// shorter by `extended_by`, whose records are copied, else its beginning.
///
/// # Errors
///
/// A checkpoint is whole but must not be resumed from: it has another version of the format, other data, or records
/// that no longer hold the rows before it.
pub(super) fn find(
    config: &RunConfig,
    directory: &Path,
    identity: &RunIdentity,
    device: &Device,
    extended_by: Option<u64>,
) -> Result<RunStart> {
    let found = best(directory, identity, device)?;
    if found.checkpoint.is_some() {
        return Ok(found);
    }
    if let Some(shorter) = extended_by.and_then(|more| config.shorter_by(more)) {
        let checkpoint = extend(&shorter, directory, identity, device)?;
        return Ok(RunStart {
            checkpoint: Some(checkpoint),
            source: ResumeSource::ShorterRun,
            ..found
        });
    }
    checkpoint::remove_all(directory)?;
    Ok(found)
}

/// The newest checkpoint that can be resumed from, or the beginning.
fn best(directory: &Path, identity: &RunIdentity, device: &Device) -> Result<RunStart> {
    let mut passed_over = Vec::new();
    let mut mark_error = None;
    for (path, source) in checkpoint::generations(directory) {
        let (of, checkpoint) = match Checkpoint::read(&path, device) {
            Ok(read) => read,
            Err(CheckpointError::Missing(_)) => continue,
            Err(error @ CheckpointError::Damaged { .. }) => {
                warn!("{error}");
                passed_over.push(error.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        identity
            .check(&of)
            .with_context(|| format!("cannot resume from {}", path.display()))?;
        if let Err(error) = check_marks(directory, &checkpoint.state.marks) {
            warn!("{}: {error}", path.display());
            passed_over.push(error.to_string());
            mark_error.get_or_insert(error);
            continue;
        }
        checkpoint::remove_newer_than(directory, &path)?;
        return Ok(RunStart {
            checkpoint: Some(checkpoint),
            source,
            passed_over,
        });
    }
    if let Some(error) = mark_error {
        bail!(
            "{error}: the rows before the checkpoint cannot be made again. Put the file back as it was, or remove {} to \
             start again",
            directory.display()
        );
    }
    if !passed_over.is_empty() {
        warn!(
            "{}: no checkpoint can be used; the run starts again",
            directory.display()
        );
    }
    Ok(RunStart {
        checkpoint: None,
        source: ResumeSource::Beginning,
        passed_over,
    })
}

/// The last checkpoint of the `shorter` run beside `directory`, with a copy of that run's records. That run stays.
fn extend(
    shorter: &RunConfig,
    directory: &Path,
    identity: &RunIdentity,
    device: &Device,
) -> Result<Checkpoint> {
    let origin = directory.with_file_name(shorter.directory_name());
    let path = checkpoint::newest(&origin).unwrap_or_else(|| origin.join(checkpoint::NEWEST));
    let (of, checkpoint) = Checkpoint::read(&path, device).context(
        "cannot extend the shorter run; make it first, with the same command without --extend",
    )?;
    let expected = RunIdentity {
        configuration: shorter.hash(),
        ..identity.clone()
    };
    let fits = expected.check(&of);
    fits.and_then(|()| Ok(check_marks(&origin, &checkpoint.state.marks)?))
        .with_context(|| format!("cannot extend {}", origin.display()))?;
    for name in checkpoint.state.marks.keys() {
        let from = origin.join(name);
        std::fs::copy(&from, directory.join(name))
            .with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(checkpoint)
}
