//! `experiments tune`: the best of a list of step sizes for every data set, network and loss of a grid.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table, presets};
use flatland_config::tuned::{self, Candidate, Criterion, TunedEntries, TunedEntry, TuningTask};
use flatland_config::{Overrides, Status, TuningOverride};
use flatland_records::RunFile;
use flatland_records::disk::write_whole;
use flatland_report::summary::{NumberKind, text};
use flatland_runner::stop::StopToken;

use super::grid_args::GridArgs;
use crate::exit::Ending;
use crate::grid_run::{self, GridRun};
use crate::terminal::{choice, say, show};

/// A method whose fixed step size can be tuned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tunable {
    /// Sharpness-aware minimization.
    Sam,
    /// Gradient descent.
    Gd,
}

impl Tunable {
    /// Its name in a grid.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sam => "sam",
            Self::Gd => "gd",
        }
    }
}

#[derive(Debug, Args)]
#[command(
    long_about = "Find the best step size of SAM or gradient descent for every data set, network and loss of a grid: \
        a short run of each candidate with the grid's first seed, in results/tune-<grid>/. Prints all of them and \
        merges the best, with the others beside it, into a file from which a grid takes it with \
        { name = \"sam\", step_size = \"tuned\" }.",
    after_help = "Finished runs are skipped when the command is given again. A run that diverged or failed is never \
        the best.\n\n\
        Exit code: 0 every step size chosen, 1 some not, 2 wrong usage or configuration, 130, 143, 138 or 129 \
        stopped by SIGINT, SIGTERM, SIGUSR1 or SIGHUP."
)]
pub struct TuneArgs {
    /// The method; the other options are those that the grid names it with.
    #[arg(value_name = "METHOD")]
    pub method: Tunable,
    /// Step sizes to try. Default: 1e-4,1e-3,1e-2,1e-1 for sam, as in the paper; 0.01,0.1,1,10 for gd.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub step_sizes: Vec<f64>,
    /// Iterations of each run, in place of the grid's.
    #[arg(long, value_name = "N", default_value = "100")]
    pub iterations: NonZeroU64,
    /// What makes a step size the best.
    #[arg(long, value_name = "WHAT", default_value = "loss", value_parser = choice::<Criterion>())]
    pub by: Criterion,
    /// The file for the step sizes; entries of other problems in it are kept.
    #[arg(short, long, value_name = "FILE", default_value = tuned::DEFAULT)]
    pub output: PathBuf,
    #[command(flatten)]
    pub grid: GridArgs,
}

impl Tunable {
    /// The step sizes tried where none are given.
    ///
    /// SAM's are the paper's. Gradient descent's are the powers of ten up to 10: with mean squared error over `K`
    /// classes (and a last bias) the sharpness is at least `2/K`, so that no `η > K` is stable, and `K` is 10 on most
    /// of the data sets.
    fn step_sizes(self) -> &'static [f64] {
        match self {
            Self::Sam => &[1e-4, 1e-3, 1e-2, 1e-1],
            Self::Gd => &[1e-2, 1e-1, 1.0, 10.0],
        }
    }
}

/// The candidates of a task.
struct Trial {
    /// With any of the step sizes in its method.
    entry: TunedEntry,
    /// The index of the best candidate, or why there is none.
    best: Result<usize, String>,
}

/// `experiments tune`
pub fn run(arguments: &TuneArgs, stop: &StopToken) -> Result<Ending> {
    ensure!(
        arguments.grid.extend.is_none(),
        "--extend goes with run: give tune more --iterations instead"
    );
    let step_sizes = step_sizes(arguments)?;
    let output = arguments.output.as_path();
    TunedEntries::read(output)?; // before the runs: they would be in vain if the file could not be extended
    check_folder(output)?;
    let overrides = Overrides {
        tuning: Some(TuningOverride {
            method: arguments.method.name().to_owned(),
            step_sizes,
            iterations: arguments.iterations.get(),
        }),
        ..arguments.grid.overrides()
    };
    let grid = grid_run::read_grid(&arguments.grid, &overrides)?;
    ensure!(
        !grid.is_stochastic(),
        "tuning makes full-batch runs: take batch_size and epochs out of the grid, or give the method a number"
    );
    let Some(made) = grid_run::make(&grid, &arguments.grid, stop)? else {
        return Ok(Ending::Success);
    };
    let trials = trials(&made, arguments.by)?;
    show!("{}", table(&trials));

    let mut entries = TunedEntries::read(output)?.unwrap_or_default();
    let mut chosen = 0;
    for Trial { entry, best } in &trials {
        match best {
            Ok(best) => {
                let step_size = entry.candidates[*best].step_size;
                if let Some(end) = at_end(&entry.candidates, step_size) {
                    say!(
                        "{}: the best step size is the {end} tried, {step_size}; --step-sizes takes others",
                        entry.task
                    );
                }
                let mut entry = entry.clone();
                entry.task.method = entry.task.method.with_step_size(step_size);
                entries.insert(entry);
                chosen += 1;
            }
            Err(reason) => say!("error: no step size for {}: {reason}", entry.task),
        }
    }
    if chosen > 0 {
        write_whole(output, entries.to_toml().as_bytes())?;
    }
    show!(
        "{chosen} of {} step sizes chosen and written to {}",
        trials.len(),
        output.display()
    );
    if stop.is_stopped() {
        say!("interrupted; give the same command again: finished runs are skipped");
        return Ok(Ending::Interrupted);
    }
    Ok(if chosen < trials.len() {
        Ending::SomeFailed
    } else {
        Ending::Success
    })
}

/// The step sizes to try, in ascending order.
fn step_sizes(arguments: &TuneArgs) -> Result<Vec<f64>> {
    let mut step_sizes = arguments.step_sizes.clone();
    if step_sizes.is_empty() {
        step_sizes = arguments.method.step_sizes().to_vec();
    }
    for &step_size in &step_sizes {
        ensure!(
            step_size > 0.0 && step_size.is_finite(),
            "--step-sizes: {step_size} is not positive and finite"
        );
    }
    step_sizes.sort_by(f64::total_cmp);
    for pair in step_sizes.windows(2) {
        ensure!(
            pair[0] < pair[1],
            "--step-sizes: {} is listed twice",
            pair[0]
        );
    }
    Ok(step_sizes)
}

/// Makes sure that the folder of a file is there.
fn check_folder(file: &Path) -> Result<()> {
    let folder = file.parent().context("--output is not a file")?;
    ensure!(
        folder.as_os_str().is_empty() || folder.is_dir(),
        "--output {}: there is no folder {}",
        file.display(),
        folder.display()
    );
    Ok(())
}

/// The tasks with their candidates, as the runs' directories tell.
fn trials(made: &GridRun, by: Criterion) -> Result<Vec<Trial>> {
    let mut entries: Vec<TunedEntry> = Vec::new();
    for run in &made.runs {
        let file = RunFile::read(&made.folder.join(run.directory_name()))?;
        let task = TuningTask::of(run);
        let candidate = Candidate {
            step_size: (run.method.step_size()).context("a method without a step size was run")?,
            // A run without a file was not reached.
            status: file
                .as_ref()
                .map_or(Status::Interrupted, |file| file.status),
            final_loss: file.as_ref().and_then(|file| file.totals.final_loss),
            test_accuracy: file.and_then(|file| file.totals.final_test_accuracy),
        };
        match (entries.iter_mut()).find(|entry| entry.task.is_same(&task)) {
            Some(entry) => entry.candidates.push(candidate),
            None => entries.push(TunedEntry {
                by,
                iterations: run.iterations,
                samples: run.samples,
                seed: run.seed,
                task,
                candidates: vec![candidate],
            }),
        }
    }
    let trials = entries.into_iter().map(|entry| Trial {
        best: best(&entry.candidates, by),
        entry,
    });
    Ok(trials.collect())
}

/// Where the best candidate is. Of two with the same loss the one with the higher accuracy is better, and the other way
/// round.
///
/// # Errors
///
/// No candidate reached its end, the two best are the same in both, or a run has not ended.
fn best(candidates: &[Candidate], by: Criterion) -> Result<usize, String> {
    if (candidates.iter()).any(|c| matches!(c.status, Status::Running | Status::Interrupted)) {
        return Err("not all of its runs have ended".to_owned());
    }
    // The smaller the better, in the order of the entries.
    let mut ranked: Vec<(usize, [f64; 2])> = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        if let (true, Some(loss), Some(accuracy)) = (
            candidate.status.is_success(),
            candidate.final_loss,
            candidate.test_accuracy,
        ) {
            let score = match by {
                Criterion::Loss => [loss, -accuracy],
                Criterion::Accuracy => [-accuracy, loss],
            };
            ranked.push((index, score));
        }
    }
    ranked.sort_by(|(_, a), (_, b)| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    match ranked.as_slice() {
        [] => Err("every run diverged or failed; try smaller --step-sizes".to_owned()),
        [(first, a), (second, b), ..] if a == b => Err(format!(
            "{} and {} end with the same loss and the same accuracy; give more --iterations or other --step-sizes",
            candidates[*first].step_size, candidates[*second].step_size
        )),
        [(first, _), ..] => Ok(*first),
    }
}

/// Whether a step size is the smallest or the largest of several tried.
fn at_end(candidates: &[Candidate], step_size: f64) -> Option<&'static str> {
    let mut others = (candidates.iter().map(|c| c.step_size)).filter(|&other| other != step_size);
    let first = others.next()?;
    let is_below = step_size < first;
    (others.all(|other| (step_size < other) == is_below)).then_some(if is_below {
        "smallest"
    } else {
        "largest"
    })
}

/// One line for each candidate, the best of each task marked.
fn table(trials: &[Trial]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
        "data set",
        "network",
        "loss",
        "method",
        "step size",
        "status",
        "final loss",
        "test acc.",
        "best",
    ]);
    for Trial { entry, best } in trials {
        for (index, candidate) in entry.candidates.iter().enumerate() {
            table.add_row([
                entry.task.dataset.to_string(),
                entry.task.network(),
                entry.task.loss.to_string(),
                entry.task.method(),
                candidate.step_size.to_string(),
                candidate.status.to_string(),
                text(candidate.final_loss, NumberKind::Number),
                text(candidate.test_accuracy, NumberKind::Share),
                if *best == Ok(index) { "←" } else { "" }.to_owned(),
            ]);
        }
    }
    for column in [4, 6, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(step_size: f64, status: Status, loss: f64, accuracy: f64) -> Candidate {
        Candidate {
            step_size,
            status,
            final_loss: Some(loss),
            test_accuracy: Some(accuracy),
        }
    }

    #[test]
    fn the_criterion_chooses_and_the_other_number_breaks_a_tie() {
        let candidates = [
            candidate(0.01, Status::Done, 0.3, 0.7),
            candidate(0.1, Status::Done, 0.2, 0.5),
            candidate(1.0, Status::Converged, 0.1, 0.6),
            candidate(10.0, Status::Diverged, 0.0, 1.0),
            candidate(100.0, Status::Stalled, 0.0, 1.0),
            candidate(1000.0, Status::Failed, 0.0, 1.0),
        ];
        assert_eq!(best(&candidates, Criterion::Loss), Ok(2));
        assert_eq!(best(&candidates, Criterion::Accuracy), Ok(0));
        let tied = [
            candidate(0.01, Status::Done, 0.3, 0.7),
            candidate(0.1, Status::Done, 0.2, 0.7),
            candidate(1.0, Status::Done, 0.2, 0.8),
        ];
        assert_eq!(best(&tied, Criterion::Loss), Ok(2));
        assert_eq!(best(&tied[..2], Criterion::Accuracy), Ok(1));
    }

    #[test]
    fn without_a_single_best_run_there_is_no_choice() {
        let twins = [
            candidate(0.01, Status::Done, 0.2, 0.7),
            candidate(0.1, Status::Done, 0.2, 0.7),
        ];
        let nothing_finite = Candidate {
            final_loss: None,
            ..candidate(1.0, Status::Done, 0.0, 0.1)
        };
        let under_way = [
            candidate(0.1, Status::Done, 0.2, 0.7),
            candidate(1.0, Status::Interrupted, 0.3, 0.6),
        ];
        for (candidates, part) in [
            (&twins[..], "0.01 and 0.1 end with the same loss"),
            (
                &[candidate(9.0, Status::Diverged, 0.1, 0.9)],
                "every run diverged",
            ),
            (&[nothing_finite], "every run diverged"),
            (&under_way, "not all"),
        ] {
            for by in [Criterion::Loss, Criterion::Accuracy] {
                let message = best(candidates, by).unwrap_err();
                assert!(message.contains(part), "{message}");
            }
        }
    }

    #[test]
    fn the_end_of_the_list_is_noticed() {
        let at = |sizes: &[f64], best| {
            let candidates: Vec<_> = (sizes.iter())
                .map(|&size| candidate(size, Status::Done, 1.0, 0.5))
                .collect();
            at_end(&candidates, best)
        };
        assert_eq!(at(&[0.1, 1.0, 10.0], 10.0), Some("largest"));
        assert_eq!(at(&[0.1, 1.0, 10.0], 0.1), Some("smallest"));
        assert_eq!(at(&[0.1, 1.0, 10.0], 1.0), None);
        assert_eq!(at(&[1.0], 1.0), None);
    }
}
