//! `experiments resume`: resuming unfinished runs from their directories alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use flatland_config::RunConfig;
use flatland_records::folder::run_directories;
use flatland_records::{RunFile, read_config};
use flatland_runner::stop::StopToken;
use flatland_runner::{FoundDevice, RunOutcome, RunTask, doctor, load_data, memory};
use tracing::warn;

use super::runner_args::RunnerArgs;
use crate::exit::Ending;
use crate::grid_run::{self, RunnerSetup};
use crate::program::program;
use crate::terminal::{TerminalObserver, say};

#[derive(Debug, Args)]
#[command(
    long_about = "Resume unfinished runs (interrupted, failed or killed) from their directories alone, each with the \
        configuration in its config.toml. Finished runs and those that another process is making are skipped.",
    after_help = "For instance:\n  \
        experiments resume results/quick/fashion-mnist-mlp-nls-42-0123456789\n  \
        experiments resume results/quick                every unfinished run in there\n\n\
        Exit code: 0 all runs done (but for those that others make), 1 some diverged, stalled, failed, ran out of time \
        or could not be read, 2 wrong usage or no run, 130, 143, 138 or 129 stopped by SIGINT, SIGTERM, SIGUSR1 or \
        SIGHUP."
)]
pub struct ResumeArgs {
    /// Directories of runs, or folders with runs.
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    #[command(flatten)]
    pub runner: RunnerArgs,
}

/// `experiments resume`
pub fn run(arguments: &ResumeArgs, stop: &StopToken) -> Result<Ending> {
    let runner = &arguments.runner;
    let NamedRuns { runs, left_out } = find(arguments)?;
    let (finished, open): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(_, directory)| {
        (RunFile::read(directory).ok().flatten()).is_some_and(|file| file.status.is_final())
    });
    for (_, directory) in &finished {
        say!("{} is finished and is skipped", directory.display());
    }
    let configs: Vec<RunConfig> = open.iter().map(|(config, _)| config.clone()).collect();
    let observer = TerminalObserver::default();
    let data = load_data(&configs, &runner.data_dir, runner.in_process)?;
    let mut outcomes: Vec<Option<RunOutcome>> = vec![None; open.len()];
    // The runs of one device and float type at a time.
    for (first, config) in configs.iter().enumerate() {
        let is_like =
            |other: &RunConfig| (other.device, other.dtype) == (config.device, config.dtype);
        if configs[..first].iter().any(is_like) || stop.is_stopped() {
            continue;
        }
        let tasks: Vec<_> = (open.iter().enumerate())
            .filter(|(_, (other, _))| is_like(other))
            .map(|(index, (config, directory))| RunTask {
                config,
                directory: directory.clone(),
                number: index + 1,
                count: open.len(),
            })
            .collect();
        let mut device = FoundDevice::find(config.device, config.dtype)?;
        let results = open[first].1.parent().context("a run without a folder")?;
        let results = results.parent().unwrap_or(results);
        doctor::consult(
            &mut device,
            config.dtype,
            results,
            runner.allow_unsound_device,
            &program(),
            &observer,
        )?;
        let budget = memory::budget(runner.memory, &device);
        let setup = RunnerSetup {
            arguments: runner,
            device: &device,
            budget,
            data: data.as_ref(),
            extended_by: None,
        };
        let made = setup.make(&tasks, stop, &observer)?;
        for (task, outcome) in tasks.iter().zip(made) {
            outcomes[task.number - 1] = outcome;
        }
    }
    let names = configs.iter().map(RunConfig::directory_name);
    let ending = grid_run::ending(names.zip(&outcomes), stop);
    if left_out.is_empty() {
        return Ok(ending);
    }
    // Again: by now the warnings are far above.
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
struct NamedRuns {
    /// Each once.
    runs: Vec<(RunConfig, PathBuf)>,
    /// What is wrong with the directories of other runs.
    left_out: Vec<String>,
}

/// Finds the runs that the arguments name.
///
/// # Errors
///
/// There is none, or none that can be resumed.
fn find(arguments: &ResumeArgs) -> Result<NamedRuns> {
    let mut found = NamedRuns::default();
    for folder in &arguments.runs {
        let directories = run_directories(folder)?;
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
    ensure!(!found.runs.is_empty(), "no run to resume: {problems}");
    for problem in &found.left_out {
        warn!("{problem}; the run is left out");
    }
    Ok(found)
}

/// The run of a directory.
fn read(directory: &Path) -> Result<(RunConfig, PathBuf)> {
    // Its own name is wanted, even of the folder ".".
    let directory = (directory.canonicalize())
        .with_context(|| format!("cannot read {}", directory.display()))?;
    let config = read_config(&directory)?;
    let name = config.directory_name();
    ensure!(
        directory.ends_with(&name),
        "{}: its config.toml is that of {name}: give the directory that name if the configuration is right, or make the \
         run with `experiments run`",
        directory.display()
    );
    Ok((config, directory))
}
