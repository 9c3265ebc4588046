//! `experiments status`: how far the runs in a folder are.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};

use crate::cell::CellConfig;
use crate::cli::StatusArgs;
use crate::finished;
use crate::lock;
use crate::records::{self, Owner, RunFile, Status};
use crate::say::show;
use crate::session::Ending;
use crate::words::{counted, plain};

/// What is known of a directory that holds a run, or a part of one.
pub struct Glance {
    pub directory: PathBuf,
    /// Nothing where its `config.toml` cannot be read.
    pub config: Option<CellConfig>,
    /// Nothing where its `run.json` is missing or cannot be read.
    pub file: Option<RunFile>,
    /// What is wrong with these files.
    problem: Option<String>,
}

impl Glance {
    /// Looks at every run in a folder, in the order of their paths.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn all(folder: &Path) -> Result<Vec<Self>> {
        let directories = finished::directories(folder)?;
        Ok(directories.into_iter().map(Self::at).collect())
    }

    fn at(directory: PathBuf) -> Self {
        let mut problems = Vec::new();
        let mut keep = |error: anyhow::Error| problems.push(format!("{error:#}"));
        let config = CellConfig::read(&directory).map_err(&mut keep).ok();
        let file = RunFile::read(&directory).map_err(&mut keep).ok().flatten();
        Self {
            config,
            file,
            problem: (!problems.is_empty()).then(|| problems.join("; ")),
            directory,
        }
    }

    /// The state of the run. Without a readable file of one it has hardly begun, or its process has ended before it could
    /// say so.
    pub fn status(&self) -> Status {
        match &self.file {
            Some(file) => file.status,
            None if self.problem.is_some() => Status::Unknown,
            None if lock::may_be_held(&self.directory) => Status::Running,
            None => Status::Killed,
        }
    }

    /// Why the run is in that state, where that is known.
    pub fn reason(&self) -> Option<&str> {
        let of_file = self.file.as_ref().and_then(|file| file.reason.as_deref());
        self.problem.as_deref().or(of_file)
    }

    /// Iterations done, of those asked for.
    fn iterations(&self) -> String {
        let done = match &self.file {
            Some(file) if file.status.is_final() => file.totals.iterations,
            _ => rows(&self.directory.join(records::METRICS)),
        };
        let samples = |config: &CellConfig| {
            let used = (self.file.as_ref()).and_then(|file| file.provenance.train_samples);
            used.map_or(config.samples, |samples| samples as usize)
        };
        match &self.config {
            Some(config) => format!("{done} of {}", config.steps(samples(config))),
            None => done.to_string(),
        }
    }

    /// How long ago something was recorded last.
    fn age(&self) -> Option<String> {
        let files = [records::RUN, records::METRICS, records::SHARPNESS];
        let times = files.iter().filter_map(|file| {
            (std::fs::metadata(self.directory.join(file)).and_then(|found| found.modified())).ok()
        });
        let seconds = SystemTime::now()
            .duration_since(times.max()?)
            .ok()?
            .as_secs();
        Some(match seconds {
            0..120 => format!("{seconds} s"),
            120..7200 => format!("{} min", seconds / 60),
            7200..172_800 => format!("{} h", seconds / 3600),
            _ => format!("{} days", seconds / 86_400),
        })
    }

    fn owner(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        let owner = file.owner.as_ref().map(Owner::to_string);
        owner.filter(|_| matches!(file.status, Status::Running | Status::Killed))
    }
}

/// `experiments status`
pub fn run(arguments: &StatusArgs) -> Result<Ending> {
    let folder = &arguments.results;
    let glances = Glance::all(folder)?;
    anyhow::ensure!(
        !glances.is_empty(),
        "{} holds no run: give a folder that `experiments run` has written to, such as results/quick",
        folder.display()
    );
    let name = |glance: &Glance| {
        let inner = glance.directory.strip_prefix(folder).ok();
        let inner = inner.filter(|inner| !inner.as_os_str().is_empty());
        inner.unwrap_or(&glance.directory).display().to_string()
    };
    show!("{}", plain(&table(&glances, name).to_string()));
    for glance in &glances {
        if let Some(reason) = glance.reason() {
            let line = format!("{}: {}: {reason}", name(glance), glance.status());
            show!("{}", plain(&line));
        }
    }
    show!("{}", counts(&glances));
    Ok(Ending::Success)
}

/// How far the runs of these names in a folder are, as far as they were begun; nothing if none was.
pub fn overview(folder: &Path, names: impl Iterator<Item = String>) -> Option<Table> {
    let directories = names
        .map(|name| folder.join(name))
        .filter(|path| path.is_dir());
    let glances: Vec<_> = directories.map(Glance::at).collect();
    let name = |glance: &Glance| {
        let name = glance.directory.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    (!glances.is_empty()).then(|| table(&glances, name))
}

fn table(glances: &[Glance], name: impl Fn(&Glance) -> String) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
        "run",
        "status",
        "iterations",
        "last record",
        "owner",
    ]);
    for glance in glances {
        table.add_row([
            name(glance),
            glance.status().to_string(),
            glance.iterations(),
            glance.age().unwrap_or_default(),
            glance.owner().unwrap_or_default(),
        ]);
    }
    for column in [2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// How many runs are in which state, the most frequent first.
fn counts(glances: &[Glance]) -> String {
    let mut counts: Vec<(Status, usize)> = Vec::new();
    for status in glances.iter().map(Glance::status) {
        match counts.iter_mut().find(|known| known.0 == status) {
            Some(known) => known.1 += 1,
            None => counts.push((status, 1)),
        }
    }
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let parts = counts
        .iter()
        .map(|(status, count)| format!("{count} {status}"));
    format!(
        "{}: {}",
        counted(glances.len(), "run"),
        parts.collect::<Vec<_>>().join(", ")
    )
}

/// Whole rows of a CSV file below its header.
fn rows(path: &Path) -> u64 {
    let text = records::read_file(path).unwrap_or_default();
    let lines = text.iter().filter(|&&byte| byte == b'\n').count() as u64;
    lines.saturating_sub(1)
}
