//! Finding the runs in a folder: what every table, picture, page and export is made from.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tracing::warn;

use crate::clean;
use crate::records;
use crate::report::FinishedRun;

/// What a folder and the folders in it hold.
#[derive(Default)]
pub struct Contents {
    /// In the order of their paths. Each configuration once; a run that has made no iteration yet is among them.
    pub runs: Vec<FinishedRun>,
    /// A line for each run or folder that is left out, with its reason.
    pub left_out: Vec<String>,
}

impl Contents {
    /// Reads a folder.
    ///
    /// # Errors
    ///
    /// If the folder itself cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut contents = Self::default();
        for run in contents.every_run(folder)? {
            match (contents.runs.iter()).find(|first| first.config == run.config) {
                Some(first) => contents.left_out.push(format!(
                    "{}: the same configuration as {}; the run is left out",
                    run.directory.display(),
                    first.directory.display()
                )),
                None => contents.runs.push(run),
            }
        }
        Ok(contents)
    }

    /// Every run that can be read.
    fn every_run(&mut self, folder: &Path) -> Result<Vec<FinishedRun>> {
        let mut runs = Vec::new();
        for directory in self.directories(folder)? {
            match read_one(&directory) {
                Ok(run) => runs.push(run),
                Err(error) => (self.left_out).push(format!("{error:#}; the run is left out")),
            }
        }
        Ok(runs)
    }

    /// The directories that hold a run, or a part of one.
    fn directories(&mut self, folder: &Path) -> Result<Vec<PathBuf>> {
        let mut found = folders(folder, &mut self.left_out)?;
        found.retain(|directory| {
            let holds = |file: &&str| directory.join(file).is_file();
            [records::RUN, records::CONFIG].iter().any(holds)
        });
        Ok(found)
    }

    fn warn(&self) {
        for line in &self.left_out {
            warn!("{line}");
        }
    }
}

/// All runs in a folder and the folders in it, in the order of their paths. What cannot be read is left out with a
/// warning, and so is a second run of a configuration.
///
/// # Errors
///
/// If the folder cannot be read, or nothing is left.
pub fn read(folder: &Path) -> Result<Vec<FinishedRun>> {
    let contents = Contents::read(folder)?;
    contents.warn();
    ensure!(!contents.runs.is_empty(), nothing_in(folder));
    Ok(contents.runs)
}

/// All runs of several folders, also of the same configuration. What cannot be read is left out with a warning.
///
/// # Errors
///
/// If one of the folders cannot be read, or holds no run that can.
pub fn read_each(folders: &[impl AsRef<Path>]) -> Result<Vec<FinishedRun>> {
    let mut all = Vec::new();
    for folder in folders.iter().map(AsRef::as_ref) {
        let mut contents = Contents::default();
        let runs = contents.every_run(folder)?;
        contents.warn();
        ensure!(!runs.is_empty(), nothing_in(folder));
        all.extend(runs);
    }
    Ok(all)
}

/// The directories in a folder that hold a run, or a part of one, in order; the folder itself if it is one. Folders that
/// cannot be read are left out with a warning.
///
/// # Errors
///
/// If the folder itself cannot be read.
pub fn directories(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut contents = Contents::default();
    let found = contents.directories(folder)?;
    contents.warn();
    Ok(found)
}

/// That a folder has nothing to show, and what to give instead.
pub fn nothing_in(folder: &Path) -> String {
    format!(
        "{} holds no run that can be read: give a folder that `experiments run` has written to, such as results/fig1",
        folder.display()
    )
}

/// A run as its directory holds it.
fn read_one(directory: &Path) -> Result<FinishedRun> {
    let name = directory.display();
    let run = FinishedRun::read(directory)?
        .with_context(|| format!("{name} has a {} but no {}", records::CONFIG, records::RUN))?;
    let iterations = run.file.totals.iterations;
    ensure!(
        run.has_begun() || iterations == 0,
        "{name}: {} has no row, but {} tells of {iterations} iterations",
        records::METRICS,
        records::RUN
    );
    Ok(run)
}

/// A folder and all folders in it, in the order of their paths. One that cannot be read becomes a line of `left_out`.
///
/// # Errors
///
/// If the folder itself cannot be read.
pub fn folders(folder: &Path, left_out: &mut Vec<String>) -> Result<Vec<PathBuf>> {
    std::fs::read_dir(folder).with_context(|| {
        format!(
            "cannot read the folder {}: give one that `experiments run` has written to, such as results/fig1",
            folder.display()
        )
    })?;
    let mut found = Vec::new();
    collect(folder, &mut found, left_out);
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>, left_out: &mut Vec<String>) {
    found.push(folder.to_owned());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let folder = folder.display();
            left_out.push(format!(
                "cannot read the folder {folder}: {error}; it is left out"
            ));
            return;
        }
    };
    for entry in entries {
        // Links are not followed: a circle of them would have no end.
        match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
            Ok((path, _)) if is_being_removed(&path) => {}
            Ok((path, kind)) if kind.is_dir() => collect(&path, found, left_out),
            Ok(_) => {}
            Err(error) => left_out.push(format!("{}: {error}; it is left out", folder.display())),
        }
    }
}

fn is_being_removed(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(clean::is_removed)
}
