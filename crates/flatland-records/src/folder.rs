//! Finding the runs in a results folder.
//!
//! Reports are made from records only, and a folder may hold anything: what is broken is named, and the rest is read.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tracing::warn;

use crate::files;
use crate::run_records::RunRecords;
use crate::spectrum::SpectrumRecord;

/// The beginning of the name of a directory that is being removed.
pub const REMOVED: &str = ".removed-";

/// Whether a directory of this name is being removed, or was when the process that removed it was killed.
pub fn is_removed(name: &str) -> bool {
    name.starts_with(REMOVED)
}

/// A folder and all folders in it.
#[derive(Debug, Default)]
pub struct FolderTree {
    /// The folders, in the order of their paths.
    pub folders: Vec<PathBuf>,
    /// What could not be read, with the reason.
    pub unreadable: Vec<(PathBuf, std::io::Error)>,
}

impl FolderTree {
    /// Walks through a folder. Links are not followed, since they may form a circle. Directories that are [being
    /// removed](is_removed) and folders that vanish meanwhile are left out.
    pub fn walk(folder: &Path) -> Self {
        let mut tree = Self::default();
        tree.add(folder);
        tree.folders.sort();
        tree
    }

    fn add(&mut self, folder: &Path) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) => {
                self.folders.push(folder.to_owned());
                return self.unreadable.push((folder.to_owned(), error));
            }
        };
        self.folders.push(folder.to_owned());
        for entry in entries {
            let entry =
                entry.and_then(|entry| Ok((entry.file_name(), entry.path(), entry.file_type()?)));
            match entry {
                Ok((name, _, _)) if name.to_str().is_some_and(is_removed) => {}
                Ok((_, path, kind)) if kind.is_dir() => self.add(&path),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => self.unreadable.push((folder.to_owned(), error)),
            }
        }
    }

    /// The directories that hold a run, or a part of one.
    pub fn run_directories(&self) -> impl Iterator<Item = &PathBuf> {
        let holds_run = |directory: &&PathBuf| {
            let holds = |file: &&str| directory.join(file).is_file();
            [files::RUN, files::CONFIG].iter().any(holds)
        };
        self.folders.iter().filter(holds_run)
    }
}

/// The records in a folder and the folders in it.
#[derive(Debug, Default)]
pub struct FolderRecords {
    /// The runs, in the order of their paths, each configuration once. Runs without an iteration are among them.
    pub runs: Vec<RunRecords>,
    /// The spectra of saved points, with the paths of their files.
    pub spectra: Vec<(PathBuf, SpectrumRecord)>,
    /// A line for each run, folder or file that is left out, with its reason.
    pub left_out: Vec<String>,
}

impl FolderRecords {
    /// Reads a folder.
    ///
    /// # Errors
    ///
    /// The folder itself cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let tree = walk(folder)?;
        let (every, left_out) = every_run(&tree);
        let mut records = Self {
            left_out,
            ..Self::default()
        };
        for run in every {
            match (records.runs.iter()).find(|first| first.config == run.config) {
                Some(first) => records.left_out.push(format!(
                    "{}: the same configuration as {}; the run is left out",
                    run.directory.display(),
                    first.directory.display()
                )),
                None => records.runs.push(run),
            }
        }
        for folder in &tree.folders {
            let path = folder.join(files::SPECTRUM);
            if !path.is_file() {
                continue;
            }
            match SpectrumRecord::read(&path) {
                Ok(spectrum) => records.spectra.push((path, spectrum)),
                Err(error) => (records.left_out)
                    .push(format!("{}: {error:#}; it is left out", path.display())),
            }
        }
        Ok(records)
    }
}

/// Reads all runs in a folder, in the order of their paths. Runs that cannot be read, and second runs of a
/// configuration, are left out with a warning.
///
/// # Errors
///
/// The folder cannot be read, or no run is left.
pub fn read_runs(folder: &Path) -> Result<Vec<RunRecords>> {
    let FolderRecords { runs, left_out, .. } = FolderRecords::read(folder)?;
    left_out.iter().for_each(|line| warn!("{line}"));
    ensure!(!runs.is_empty(), no_run_in(folder));
    Ok(runs)
}

/// Reads all runs of several folders, including runs of the same configuration. Runs that cannot be read are left out
/// with a warning.
///
/// # Errors
///
/// One of the folders cannot be read, or holds no run that can be read.
pub fn read_every_run(folders: &[impl AsRef<Path>]) -> Result<Vec<RunRecords>> {
    let mut all = Vec::new();
    for folder in folders.iter().map(AsRef::as_ref) {
        let (runs, left_out) = every_run(&walk(folder)?);
        left_out.iter().for_each(|line| warn!("{line}"));
        ensure!(!runs.is_empty(), no_run_in(folder));
        all.extend(runs);
    }
    Ok(all)
}

/// The directories in a folder that hold a run, or a part of one, in order. The folder itself is among them if it does.
/// Folders that cannot be read are left out with a warning.
///
/// # Errors
///
/// The folder itself cannot be read.
pub fn run_directories(folder: &Path) -> Result<Vec<PathBuf>> {
    let tree = walk(folder)?;
    unreadable(&tree).for_each(|line| warn!("{line}"));
    Ok(tree.run_directories().cloned().collect())
}

/// The message for a folder that has no run to show.
pub fn no_run_in(folder: &Path) -> String {
    format!(
        "{} holds no run that can be read: give a folder that `experiments run` has written to, such as results/fig1",
        folder.display()
    )
}

fn walk(folder: &Path) -> Result<FolderTree> {
    std::fs::read_dir(folder).with_context(|| {
        format!(
            "cannot read the folder {}: give one that `experiments run` has written to, such as results/fig1",
            folder.display()
        )
    })?;
    Ok(FolderTree::walk(folder))
}

/// A line for each folder that could not be read.
fn unreadable(tree: &FolderTree) -> impl Iterator<Item = String> {
    (tree.unreadable.iter()).map(|(folder, error)| {
        let folder = folder.display();
        format!("cannot read the folder {folder}: {error}; it is left out")
    })
}

/// Every run that can be read, and a line for each that cannot.
fn every_run(tree: &FolderTree) -> (Vec<RunRecords>, Vec<String>) {
    let mut left_out: Vec<String> = unreadable(tree).collect();
    let mut runs = Vec::new();
    for directory in tree.run_directories() {
        match read_run(directory) {
            Ok(run) => runs.push(run),
            Err(error) => left_out.push(format!("{error:#}; the run is left out")),
        }
    }
    (runs, left_out)
}

fn read_run(directory: &Path) -> Result<RunRecords> {
    let name = directory.display();
    let run = RunRecords::read(directory)?
        .with_context(|| format!("{name} has a {} but no {}", files::CONFIG, files::RUN))?;
    let iterations = run.file.totals.iterations;
    ensure!(
        run.has_begun() || iterations == 0,
        "{name}: {} has no row, but {} tells of {iterations} iterations",
        files::METRICS,
        files::RUN
    );
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_that_are_being_removed_are_left_out() {
        let folder = tempfile::TempDir::new().unwrap();
        for name in ["a", ".removed-x1/run", "b/c"] {
            let directory = folder.path().join(name);
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(directory.join(files::CONFIG), "").unwrap();
        }
        let tree = FolderTree::walk(folder.path());
        let found = tree
            .run_directories()
            .map(|path| path.strip_prefix(folder.path()).unwrap());
        assert_eq!(Vec::from_iter(found), [Path::new("a"), Path::new("b/c")]);
        assert!(tree.unreadable.is_empty());
        let nowhere = FolderTree::walk(&folder.path().join("absent"));
        assert!(nowhere.folders.is_empty() && nowhere.unreadable.is_empty());
    }
}
