//! Making the runs of a grid: what `run`, `tune` and `resume` have in common.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use flatland_config::presets;
use flatland_config::{Grid, GridSpec, Overrides, RunConfig};
use flatland_data::{Dataset, Loaded};
use flatland_records::RunFile;
use flatland_records::text::counted;
use flatland_runner::memory::{self, Budget};
use flatland_runner::observer::Observer;
use flatland_runner::run::{CheckpointPolicy, check_extension};
use flatland_runner::stop::StopToken;
use flatland_runner::{FoundDevice, RunOutcome, RunTask, Scheduler, doctor, load_data, resolve};

use crate::commands::RunnerArgs;
use crate::commands::cell;
use crate::commands::grid_args::GridArgs;
use crate::estimate;
use crate::exit::Ending;
use crate::program::program;
use crate::terminal::{TerminalObserver, say, show};

/// Reads the grid that the arguments name, applies what a command changes, and checks it.
///
/// # Errors
///
/// The file cannot be read, or the grid is wrong.
pub fn read_grid(arguments: &GridArgs, overrides: &Overrides) -> Result<Grid> {
    let spec = match &arguments.grid {
        Some(path) => {
            let origin = path.display().to_string();
            let bytes = std::fs::read(path).with_context(|| {
                format!(
                    "cannot read the grid {origin}: give a file, or --preset for a grid that comes with the program"
                )
            })?;
            let text =
                flatland_config::text(bytes).map_err(|problem| anyhow!("{origin}: {problem}"))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            GridSpec::parse(&name, &text, &origin)?
        }
        None => {
            let name = arguments.preset_name();
            let preset = presets::read(name, arguments.scale).map_err(anyhow::Error::msg)?;
            for change in &preset.changes {
                say!("scale: {change}");
            }
            GridSpec::parse(&preset.folder, &preset.text, &format!("preset {name}"))?
        }
    };
    Ok(spec.apply(overrides).check()?)
}

/// The runs of a grid that were made before the user stopped.
pub struct GridRun {
    /// The configurations.
    pub runs: Vec<RunConfig>,
    /// The folder of the runs' directories.
    pub folder: PathBuf,
    /// The outcome of each run. `None` if it was not begun.
    pub outcomes: Vec<Option<RunOutcome>>,
}

/// Makes the runs of a grid that are not finished. With `--dry-run` it prints them, and returns `None`.
///
/// # Errors
///
/// The device cannot be used, a run does not fit into memory, or a data set is missing.
pub fn make(grid: &Grid, arguments: &GridArgs, stop: &StopToken) -> Result<Option<GridRun>> {
    let runner = &arguments.runner;
    let mut device = FoundDevice::find(grid.device(), grid.dtype())?;
    let budget = memory::budget(runner.memory, &device);
    let resolved = resolve(grid, &device, budget)?;
    let runs = resolved.runs;
    let folder = arguments.results.join(grid.name());
    let data = load_data(&runs, &runner.data_dir, runner.in_process);
    if arguments.dry_run {
        let table = estimate::table(&runs, &device, budget, arguments.estimate, stop)?;
        show!("{table}");
        show!(
            "{} on {}, in {}; nothing was written. Arithmetic: a gradient as 3 losses, a Hessian product as 8, a \
             search as two trials.",
            counted(runs.len(), "run"),
            device.description,
            folder.display()
        );
        for plan in resolved.memory_plans {
            show!("{plan}");
        }
        if let Err(problem) = data {
            show!("not ready to run: {problem:#}");
        }
        return Ok(None);
    }
    let data = data?;
    let extended_by = arguments.extend.map(NonZeroU64::get);
    if let Some(more) = extended_by {
        check_extension(&runs, &folder, more)?;
    }
    if resolved.has_choices {
        for plan in resolved.memory_plans {
            say!("{plan}");
        }
    }
    let observer = TerminalObserver::default();
    doctor::consult(
        &mut device,
        grid.dtype(),
        &arguments.results,
        runner.allow_unsound_device,
        &program(),
        &observer,
    )?;
    say!(
        "{} on {}, results in {}",
        counted(runs.len(), "run"),
        device.description,
        folder.display()
    );
    let mut outcomes = vec![None; runs.len()];
    let mut open = Vec::new();
    for (index, config) in runs.iter().enumerate() {
        let directory = folder.join(config.directory_name());
        // A file that cannot be read belongs to no finished run. Making the run reports the error.
        match RunFile::read(&directory).ok().flatten() {
            Some(file) if file.status.is_final() => {
                outcomes[index] = Some(RunOutcome::Finished(file.status));
            }
            _ => open.push(RunTask {
                config,
                directory,
                number: index + 1,
                count: runs.len(),
            }),
        }
    }
    let setup = RunnerSetup {
        arguments: runner,
        device: &device,
        budget,
        data: data.as_ref(),
        extended_by,
    };
    let made = setup.make(&open, stop, &observer)?;
    let skipped = runs.len() - open.len();
    for (task, outcome) in open.iter().zip(made) {
        outcomes[task.number - 1] = outcome;
    }
    if skipped > 0 {
        say!(
            "{skipped} of {} runs were already finished and have been skipped",
            runs.len()
        );
    }
    Ok(Some(GridRun {
        runs,
        folder,
        outcomes,
    }))
}

/// How runs are made.
pub struct RunnerSetup<'a> {
    /// The options of the command.
    pub arguments: &'a RunnerArgs,
    /// The device.
    pub device: &'a FoundDevice,
    /// The memory for all runs at a time.
    pub budget: Option<Budget>,
    /// The data, if the runs are made in this process.
    pub data: Option<&'a HashMap<Dataset, Loaded>>,
    /// Iterations (epochs of stochastic runs) by which the runs extend finished ones.
    pub extended_by: Option<u64>,
}

impl RunnerSetup<'_> {
    /// Makes runs. Returns the outcome of each; `None` for those that were not begun.
    ///
    /// # Errors
    ///
    /// As [`Scheduler::make`].
    pub fn make(
        &self,
        tasks: &[RunTask<'_>],
        stop: &StopToken,
        observer: &dyn Observer,
    ) -> Result<Vec<Option<RunOutcome>>> {
        let arguments = self.arguments;
        let scheduler = Scheduler {
            device: self.device,
            budget: self.budget,
            jobs: arguments.jobs,
            time_limit: arguments.max_minutes.map(|limit| limit.duration()),
            in_process: self.data,
            child_command: &|directory, threads| {
                cell::command(directory, &arguments.data_dir, threads)
            },
            checkpoints: CheckpointPolicy {
                interval: arguments.checkpoint_every,
                extended_by: self.extended_by,
            },
            program: &program(),
            stop,
            observer,
        };
        scheduler.make(tasks)
    }
}

/// Says how runs ended, each with its outcome; `None` if it was not begun.
pub fn ending<'a>(
    runs: impl ExactSizeIterator<Item = (String, &'a Option<RunOutcome>)>,
    stop: &StopToken,
) -> Ending {
    let count = runs.len();
    let (mut failed, mut owned_by_others) = (0, Vec::new());
    for (name, outcome) in runs {
        match outcome {
            Some(RunOutcome::OwnedByOther(owner)) => owned_by_others.push((name, owner)),
            Some(outcome) if outcome.is_failure() => failed += 1,
            _ => {}
        }
    }
    if !owned_by_others.is_empty() {
        say!(
            "{} of {count} runs are being made by others:",
            owned_by_others.len()
        );
        for (name, owner) in owned_by_others {
            let owner = owner.as_ref().map(ToString::to_string);
            say!(
                "  {name} by {}",
                owner.as_deref().unwrap_or("another process")
            );
        }
    }
    if stop.is_stopped() {
        say!(
            "interrupted; give the same command again: finished runs are skipped, interrupted ones are resumed"
        );
        return Ending::Interrupted;
    }
    if failed > 0 {
        say!(
            "{failed} of {count} runs did not reach their end; run.json in their folders says why"
        );
        return Ending::SomeFailed;
    }
    Ending::Success
}
