//! Cells made side by side, each in a process of its own unless the user wants them in this one.
//!
//! A process that crashes, runs out of memory or loses its device takes its cell with it and nothing else. It is started
//! with this program's hidden command `cell`, reads an [`Order`] from its standard input, tells [`Event`]s on its standard
//! output, and stops when its standard input says so or ends. What the run says goes to its standard error.

pub mod child;
mod death;
mod elsewhere;
mod outcome;
mod parent;
mod work;

use std::collections::HashMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use flatland_data::{Dataset, Loaded};
use indicatif::MultiProgress;
use serde::{Deserialize, Serialize};

use crate::cell::CellConfig;
use crate::cli::{MakingArgs, Minutes};
use crate::device::FoundDevice;
use crate::doctor::Verdict;
use crate::jobs::Jobs;
use crate::memory::{self, Budget};
use crate::progress::{Line, Progress};
use crate::run::{Keeping, Means};
use crate::say::say;

pub use outcome::Outcome;

/// What the process of a cell reads first, in one line; the rest is among its arguments.
#[derive(Serialize, Deserialize)]
struct Order {
    /// As in the run's `config.toml`.
    config: String,
    /// The memory that the run may take.
    share: Option<Budget>,
    /// What the doctor says of the device.
    verdict: Option<Verdict>,
    keeping: Keeping,
}

/// What the process of a cell tells, one in a line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// How many iterations are done, and how the run does.
    Progress { done: u64, state: String },
    /// What became of the cell; the last event.
    Ended(Outcome),
}

impl Event {
    /// Tells the process that started this one, if it is still there.
    pub fn tell(&self) {
        if let Ok(text) = serde_json::to_string(self) {
            let mut output = std::io::stdout().lock();
            let _ = writeln!(output, "{text}").and_then(|()| output.flush());
        }
    }
}

/// A cell to be made.
pub struct Task<'a> {
    pub cell: &'a CellConfig,
    pub directory: PathBuf,
    /// Its number, from 1, and that of all cells.
    pub place: (usize, usize),
}

/// What cells are made with.
pub struct Workshop<'a> {
    pub device: &'a FoundDevice,
    /// The memory for all.
    pub budget: Option<Budget>,
    /// How many at the same time.
    pub jobs: Option<NonZeroUsize>,
    pub data_dir: &'a Path,
    /// How long each cell may take.
    pub time_limit: Option<Duration>,
    /// The data, if the cells are to be made in this process.
    pub in_process: Option<&'a HashMap<Dataset, Loaded>>,
    pub keeping: Keeping,
}

impl<'a> Workshop<'a> {
    /// As the arguments say. The data are used where they ask for runs in this process, and extended runs go on by so many
    /// iterations, or epochs, from finished ones.
    pub fn new(
        arguments: &'a MakingArgs,
        device: &'a FoundDevice,
        budget: Option<Budget>,
        in_process: Option<&'a HashMap<Dataset, Loaded>>,
        extended_by: Option<u64>,
    ) -> Self {
        Self {
            device,
            budget,
            jobs: arguments.jobs,
            data_dir: &arguments.data_dir,
            time_limit: arguments.max_minutes.map(Minutes::duration),
            in_process,
            keeping: Keeping {
                checkpoints: arguments.checkpoint_every,
                extended_by,
            },
        }
    }

    /// Makes the cells in order, then those that other processes had begun and left behind. Returns what became of each;
    /// nothing of those that were not begun when `interrupted` was raised.
    ///
    /// # Errors
    ///
    /// The memory of a cell cannot be estimated.
    pub fn make(
        &self,
        tasks: &[Task<'_>],
        interrupted: &AtomicBool,
    ) -> Result<Vec<Option<Outcome>>> {
        let cells: Vec<_> = tasks.iter().map(|task| task.cell).collect();
        let jobs = Jobs::plan(self.jobs, &cells, self.budget, self.device)?;
        if jobs.count > 1 {
            let Jobs { count, threads } = jobs;
            say!("{count} runs at the same time, each on {threads} of the CPU's threads");
        }
        let share = self.budget.map(|budget| budget.share(jobs.count));
        let bars = MultiProgress::new();
        let outcomes = Mutex::new(vec![None; tasks.len()]);
        let make = |index: usize| {
            let task = &tasks[index];
            let name = task.cell.directory_name();
            let steps = task.cell.steps(task.cell.samples);
            let mut line = Line::new(&bars, &name, task.place, steps);
            let outcome = match self.in_process {
                Some(data) => {
                    let data = &data[&task.cell.dataset];
                    let mut progress = Progress::Line(line);
                    let outcome =
                        self.make_here(task, data, jobs, share, interrupted, &mut progress);
                    if let Progress::Line(line) = progress {
                        line.finish(&outcome.to_string());
                    }
                    outcome
                }
                None => {
                    let outcome =
                        parent::make(self, task, jobs.threads, share, interrupted, &mut line);
                    line.finish(&outcome.to_string());
                    outcome
                }
            };
            outcomes.lock().expect("no holder panics")[index] = Some(outcome);
            !interrupted.load(Ordering::Relaxed)
        };
        let mut open: Vec<usize> = (0..tasks.len()).collect();
        while !open.is_empty() {
            jobs.run(open.len(), |place| make(open[place]));
            let mut known = outcomes.lock().expect("no holder panics");
            open = elsewhere::left_behind(tasks, &mut known, interrupted);
        }
        Ok(outcomes.into_inner().expect("no holder panics"))
    }

    /// Makes a cell in this process, on threads of its own.
    fn make_here(
        &self,
        task: &Task<'_>,
        data: &Loaded,
        jobs: Jobs,
        share: Option<Budget>,
        interrupted: &AtomicBool,
        progress: &mut Progress,
    ) -> Outcome {
        let Task {
            cell, directory, ..
        } = task;
        work::guarded(cell, directory, |_| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(jobs.threads)
                .build()
                .context("cannot start the threads of the run")?;
            pool.install(|| {
                let device = self.device;
                let need = memory::need(cell, share, device.threads(), &device.device)?;
                let means = Means {
                    data,
                    device,
                    need: &need,
                    keeping: self.keeping,
                };
                crate::run::execute(cell, directory, &means, interrupted, progress)
            })
        })
    }
}
