//! The state of a run, without its rows.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use flatland_config::{RunConfig, Status};

use crate::config_file::read_config;
use crate::disk::read_file;
use crate::files;
use crate::folder;
use crate::lock;
use crate::provenance::Owner;
use crate::run_file::RunFile;

/// The state of a run, as its directory tells it without its rows being read.
#[derive(Debug)]
pub struct RunState {
    /// The directory.
    pub directory: PathBuf,
    /// `None` if `config.toml` cannot be read.
    pub config: Option<RunConfig>,
    /// `None` if `run.json` is missing or cannot be read.
    pub file: Option<RunFile>,
    /// What is wrong with these files.
    problem: Option<String>,
}

impl RunState {
    /// The states of all runs in a folder, in the order of their paths.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn all(folder: &Path) -> Result<Vec<Self>> {
        let directories = folder::run_directories(folder)?;
        Ok(directories.into_iter().map(Self::read).collect())
    }

    /// The state of the run in a directory.
    pub fn read(directory: PathBuf) -> Self {
        let mut problems = Vec::new();
        let mut keep = |error: anyhow::Error| problems.push(format!("{error:#}"));
        let config = read_config(&directory).map_err(&mut keep).ok();
        let file = RunFile::read(&directory).map_err(&mut keep).ok().flatten();
        Self {
            config,
            file,
            problem: (!problems.is_empty()).then(|| problems.join("; ")),
            directory,
        }
    }

    /// The status of the run. A run without `run.json` has hardly begun, or its process has ended early.
    pub fn status(&self) -> Status {
        match &self.file {
            Some(file) => file.status,
            None if self.problem.is_some() => Status::Unknown,
            None if lock::may_be_held(&self.directory) => Status::Running,
            None => Status::Killed,
        }
    }

    /// Why the run has that status, if that is known.
    pub fn reason(&self) -> Option<&str> {
        let of_file = self.file.as_ref().and_then(|file| file.reason.as_deref());
        self.problem.as_deref().or(of_file)
    }

    /// Iterations made.
    pub fn iterations(&self) -> u64 {
        match &self.file {
            Some(file) if file.status.is_final() => file.totals.iterations,
            _ => row_count(&self.directory.join(files::METRICS)),
        }
    }

    /// Iterations asked for. `None` if the configuration cannot be read.
    pub fn iterations_asked(&self) -> Option<u64> {
        let config = self.config.as_ref()?;
        let used = (self.file.as_ref()).and_then(|file| file.provenance.train_samples);
        let samples = used.map_or(config.samples, |samples| samples as usize);
        Some(config.steps(samples))
    }

    /// The time since something was recorded.
    pub fn age(&self) -> Option<Duration> {
        let files = [files::RUN, files::METRICS, files::SHARPNESS];
        let times = files.iter().filter_map(|file| {
            (std::fs::metadata(self.directory.join(file)).and_then(|found| found.modified())).ok()
        });
        SystemTime::now().duration_since(times.max()?).ok()
    }

    /// The process that makes the run, or made it when it was killed.
    pub fn owner(&self) -> Option<&Owner> {
        let file = self.file.as_ref()?;
        let is_under_way = matches!(file.status, Status::Running | Status::Killed);
        file.owner.as_ref().filter(|_| is_under_way)
    }
}

/// How many runs have which status, in the order in which the statuses first occur.
pub fn count_by_status(statuses: impl Iterator<Item = Status>) -> Vec<(Status, usize)> {
    let mut counts: Vec<(Status, usize)> = Vec::new();
    for status in statuses {
        match counts.iter_mut().find(|known| known.0 == status) {
            Some(known) => known.1 += 1,
            None => counts.push((status, 1)),
        }
    }
    counts
}

/// Whole rows of a CSV file below its header.
fn row_count(path: &Path) -> u64 {
    let text = read_file(path).unwrap_or_default();
    let lines = text.iter().filter(|&&byte| byte == b'\n').count() as u64;
    lines.saturating_sub(1)
}
