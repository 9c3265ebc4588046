//! Finding the runs in a folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tracing::warn;

use crate::records::{self, RunFile};
use crate::report::FinishedRun;

/// A run and where it lies.
pub struct Found {
    pub directory: PathBuf,
    pub run: FinishedRun,
}

/// All runs in a folder and the folders in it, in the order of their paths. What cannot be read is left out with a
/// warning, and so is a second run of a configuration.
///
/// # Errors
///
/// If the folder cannot be read, or nothing is left.
pub fn read(folder: &Path) -> Result<Vec<Found>> {
    let mut runs: Vec<Found> = Vec::new();
    for found in read_each(&[folder])? {
        match runs
            .iter()
            .find(|first| first.run.config == found.run.config)
        {
            Some(first) => warn!(
                "{}: the same configuration as {}; the run is left out",
                found.directory.display(),
                first.directory.display()
            ),
            None => runs.push(found),
        }
    }
    Ok(runs)
}

/// The same without their places.
pub fn read_runs(folder: &Path) -> Result<Vec<FinishedRun>> {
    let found = read(folder)?.into_iter();
    Ok(found.map(|found| found.run).collect())
}

/// All runs of several folders. What cannot be read is left out with a warning.
///
/// # Errors
///
/// If one of the folders cannot be read, or holds no run that can.
pub fn read_each(folders: &[impl AsRef<Path>]) -> Result<Vec<Found>> {
    let mut runs = Vec::new();
    for folder in folders.iter().map(AsRef::as_ref) {
        let before = runs.len();
        for directory in directories(folder)? {
            match read_one(&directory) {
                Ok(run) => runs.push(Found { directory, run }),
                Err(error) => warn!("{error:#}; the run is left out"),
            }
        }
        ensure!(
            runs.len() > before,
            "{} holds no run that can be read: give a folder that `experiments run` has written to, such as \
             results/fig1",
            folder.display()
        );
    }
    Ok(runs)
}

/// The directories in a folder that hold a run, or a part of one, in order; the folder itself if it is one.
///
/// # Errors
///
/// If the folder cannot be read.
pub fn directories(folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::read_dir(folder).with_context(|| {
        format!(
            "cannot read the folder {}: give one that `experiments run` has written to, such as results/fig1",
            folder.display()
        )
    })?;
    let mut found = Vec::new();
    collect(folder, &mut found);
    found.sort();
    Ok(found)
}

/// A run that has made at least one iteration.
fn read_one(directory: &Path) -> Result<FinishedRun> {
    let name = directory.display();
    let run = FinishedRun::read(directory)?
        .with_context(|| format!("{name} has a {} but no {}", records::CONFIG, records::RUN))?;
    let RunFile { status, reason, .. } = &run.file;
    let reason = reason.as_deref().map(|reason| format!(": {reason}"));
    ensure!(
        !run.metrics.is_empty(),
        "{name}: no iteration was made ({status}{})",
        reason.unwrap_or_default()
    );
    Ok(run)
}

/// Directories that hold a run, or a part of one.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    if [records::RUN, records::CONFIG]
        .iter()
        .any(|file| folder.join(file).is_file())
    {
        found.push(folder.to_owned());
        return;
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            warn!(
                "cannot read the folder {}: {error}; it is left out",
                folder.display()
            );
            return;
        }
    };
    for entry in entries {
        // Links are not followed: a circle of them would have no end.
        match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
            Ok((path, kind)) if kind.is_dir() => collect(&path, found),
            Ok(_) => {}
            Err(error) => warn!("{}: {error}; it is left out", folder.display()),
        }
    }
}
