//! `experiments resume`: going on with unfinished runs from their directories alone.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use tracing::warn;

use crate::cell::CellConfig;
use crate::cli::ResumeArgs;
use crate::finished;
use crate::making::{Outcome, Task, Workshop};
use crate::memory;
use crate::records::RunFile;
use crate::say::say;
use crate::session::{self, Ending};

/// `experiments resume`
pub fn run(arguments: &ResumeArgs, interrupted: &AtomicBool) -> Result<Ending> {
    let making = &arguments.making;
    let Found { runs, left_out } = find(arguments)?;
    let (finished, open): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(_, directory)| {
        (RunFile::read(directory).ok().flatten()).is_some_and(|file| file.status.is_final())
    });
    for (_, directory) in &finished {
        say!("{} is finished and is skipped", directory.display());
    }
    let cells: Vec<CellConfig> = open.iter().map(|(cell, _)| cell.clone()).collect();
    let data = session::load_data(&cells, &making.data_dir, making.in_process)?;
    let mut outcomes: Vec<Option<Outcome>> = vec![None; open.len()];
    // The runs of one device and float type at a time.
    for (first, cell) in cells.iter().enumerate() {
        let is_like = |other: &CellConfig| (other.device, other.dtype) == (cell.device, cell.dtype);
        if cells[..first].iter().any(is_like) || interrupted.load(Ordering::Relaxed) {
            continue;
        }
        let tasks: Vec<_> = (open.iter().enumerate())
            .filter(|(_, (other, _))| is_like(other))
            .map(|(index, (cell, directory))| Task {
                cell,
                directory: directory.clone(),
                place: (index + 1, open.len()),
            })
            .collect();
        let mut device = cell.device.find(cell.dtype)?;
        let results = open[first].1.parent().context("a run without a folder")?;
        let results = results.parent().unwrap_or(results);
        session::consult(&mut device, cell.dtype, results, making.despite_doctor)?;
        let budget = memory::budget(making.memory, &device);
        let workshop = Workshop::new(making, &device, budget, data.as_ref(), None);
        let made = workshop.make(&tasks, interrupted)?;
        for (task, outcome) in tasks.iter().zip(made) {
            outcomes[task.place.0 - 1] = outcome;
        }
    }
    let names = cells.iter().map(CellConfig::directory_name);
    let ending = session::ending(names.zip(&outcomes), interrupted);
    if left_out.is_empty() {
        return Ok(ending);
    }
    // Once more: by now the first time is far above.
    for problem in &left_out {
        say!("left out: {problem}");
    }
    Ok(match ending {
        Ending::Success => Ending::SomeFailed,
        ending => ending,
    })
}

/// What the arguments name.
#[derive(Default)]
struct Found {
    /// Each once.
    runs: Vec<(CellConfig, PathBuf)>,
    /// What is wrong with the directories of other runs.
    left_out: Vec<String>,
}

/// Finds the runs that the arguments name.
///
/// # Errors
///
/// There is none, or none that can be gone on with.
fn find(arguments: &ResumeArgs) -> Result<Found> {
    let mut found = Found::default();
    for folder in &arguments.runs {
        let directories = finished::directories(folder)?;
        ensure!(
            !directories.is_empty(),
            "{} holds no run: give the directory of one, such as results/quick/<run>",
            folder.display()
        );
        for directory in directories {
            match read(&directory) {
                Ok((_, known)) if found.runs.iter().any(|(_, other)| *other == known) => {}
                Ok(run) => found.runs.push(run),
                Err(error) => found.left_out.push(format!("{error:#}")),
            }
        }
    }
    let problems = found.left_out.join("; ");
    ensure!(!found.runs.is_empty(), "no run to go on with: {problems}");
    for problem in &found.left_out {
        warn!("{problem}; the run is left out");
    }
    Ok(found)
}

/// The run of a directory.
fn read(directory: &Path) -> Result<(CellConfig, PathBuf)> {
    // Its own name is wanted, even of the folder ".".
    let directory = (directory.canonicalize())
        .with_context(|| format!("cannot read {}", directory.display()))?;
    let cell = CellConfig::read(&directory)?;
    let name = cell.directory_name();
    ensure!(
        directory.ends_with(&name),
        "{}: its config.toml is that of {name}: give the directory that name if the configuration is right, or make the \
         run with `experiments run`",
        directory.display()
    );
    Ok((cell, directory))
}
