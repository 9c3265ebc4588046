//! Runs side by side: settings that differ, results, and when each first reached a loss.

use anyhow::Result;
use flatland_records::RunRecords;

use crate::summary::{
    Heading, NumberKind, Quantity, Sheet, SheetCell, SheetGroup, Spread, TableFormat, differences,
};

/// The comparison of runs as text: their directories and a table. `loss` is the loss whose first reaching is compared;
/// by default the worst final loss if all runs are of one problem.
///
/// # Errors
///
/// The table cannot be written.
pub fn compare(runs: &[RunRecords], loss: Option<f64>, format: TableFormat) -> Result<String> {
    let named = runs.iter().zip(names(runs.len()));
    let directories = named.map(|(run, name)| {
        let method = run.config.method.label();
        format!("{name}  {} ({method})", run.directory.display())
    });
    let directories = Vec::from_iter(directories).join("\n");
    let runs: Vec<_> = runs.iter().collect();
    let default = || worst_final_loss(&runs).filter(|_| are_of_one_problem(&runs));
    let sheet = sheet(&runs, loss.or_else(default)).write(format)?;
    Ok(match format {
        TableFormat::Text => format!("{directories}\n\n{sheet}"),
        TableFormat::Markdown => format!("```\n{directories}\n```\n\n{sheet}"),
        TableFormat::Latex => format!("% {}\n{sheet}", directories.replace('\n', "\n% ")),
        TableFormat::Csv => sheet,
    })
}

/// A, B and so on; after Z numbers.
fn names(count: usize) -> impl Iterator<Item = String> {
    let letters = ('A'..='Z').map(String::from);
    letters
        .chain((27..).map(|number: usize| number.to_string()))
        .take(count)
}

/// The worst final loss of the runs that reached their end. A run that stalled or diverged may have ended where the
/// others began.
fn worst_final_loss(runs: &[&RunRecords]) -> Option<f64> {
    let ended = runs.iter().filter(|run| run.file.status.is_success());
    let losses = ended.filter_map(|run| run.file.totals.final_loss);
    losses.filter(|loss| loss.is_finite()).reduce(f64::max)
}

/// Whether the results are numbers of the same thing, of which one may be better than another.
fn are_of_one_problem(runs: &[&RunRecords]) -> bool {
    let problem = |run: &RunRecords| {
        let config = &run.config;
        (config.dataset, config.network.name(), config.loss)
    };
    runs.windows(2)
        .all(|pair| problem(pair[0]) == problem(pair[1]))
}

/// When a run was first at a loss or below it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reached {
    /// `k` of the point `w_k`.
    iteration: u64,
    /// Losses evaluated by the method up to there, that at `w_k` among them.
    evaluations: u64,
    /// Time spent stepping to `w_k`.
    seconds: f64,
}

/// Of a stochastic run, the full loss at the start or after an epoch.
fn reached(run: &RunRecords, loss: f64) -> Option<Reached> {
    let place = match run.config.mini_batches {
        None => (run.metrics.iter().find(|row| row.loss <= loss)).map(|row| row.iteration),
        Some(_) => (run.epochs.iter().find(|row| row.loss <= loss)).map(|row| row.iteration),
    };
    let totals = &run.file.totals;
    let is_reached_at_last = totals.final_loss.is_some_and(|last| last <= loss);
    let iteration = place.or(is_reached_at_last.then_some(totals.iterations))?;
    let before = || {
        run.metrics
            .iter()
            .take_while(|row| row.iteration < iteration)
    };
    Some(Reached {
        iteration,
        evaluations: (before().map(|row| row.function_evaluations)).fold(1, u64::saturating_add),
        seconds: before().last().map_or(0.0, |row| row.seconds),
    })
}

fn sheet(runs: &[&RunRecords], loss: Option<f64>) -> Sheet {
    let configs: Vec<_> = runs.iter().map(|run| &run.config).collect();
    let settings = differences(&configs).into_iter().map(|difference| {
        let values = difference.values.into_iter();
        let values = values.map(|value| value.map_or(SheetCell::Nothing, SheetCell::Words));
        row(&difference.key, values)
    });
    let mut settings: Vec<_> = settings.collect();
    // Where numbers come from may differ where settings do not.
    let mut provenance = |name: &str, of: fn(&RunRecords) -> String| {
        let values: Vec<_> = runs.iter().map(|run| of(run)).collect();
        if values.windows(2).any(|pair| pair[0] != pair[1]) {
            settings.push(row(name, values.into_iter().map(SheetCell::Words)));
        }
    };
    provenance("version", |run| run.file.provenance.version.clone());
    provenance("commit", |run| run.file.provenance.git_commit.clone());
    provenance("device", |run| run.file.provenance.device.clone());
    provenance("threads", |run| run.file.provenance.threads.to_string());

    let status = |run: &&RunRecords| SheetCell::Words(run.file.status.to_string());
    let mut results = vec![row("status", runs.iter().map(status))];
    results.extend(
        Quantity::all()
            .iter()
            .filter_map(|quantity| numbers(runs, quantity)),
    );

    let mut groups = vec![
        group("settings that differ", settings),
        group("results", results),
    ];
    if let Some(loss) = loss {
        let found: Vec<_> = runs.iter().map(|run| reached(run, loss)).collect();
        let line = |name: &str, kind: NumberKind, of: fn(Reached) -> f64| {
            row(
                name,
                found
                    .iter()
                    .map(|reached| SheetCell::number(reached.map(of), kind)),
            )
        };
        let level = Spread::single(loss);
        groups.push(group(
            &format!(
                "first at a loss of {} or below",
                level.written(NumberKind::Number).to_text()
            ),
            vec![
                line("iteration", NumberKind::Count, |reached| {
                    reached.iteration as f64
                }),
                line("f evals", NumberKind::Count, |reached| {
                    reached.evaluations as f64
                }),
                line("training s", NumberKind::Seconds, |reached| reached.seconds),
            ],
        ));
    }
    groups.retain(|group| !group.rows.is_empty());
    let names = names(runs.len()).map(|name| Heading::words(&name, &name));
    Sheet {
        keys: vec!["part"],
        headings: [Heading::words("what", "")]
            .into_iter()
            .chain(names)
            .collect(),
        groups,
        words: 1,
    }
}

/// A quantity of all runs, the best marked where they are of one problem; nothing where no run has it.
fn numbers(runs: &[&RunRecords], quantity: &Quantity) -> Option<Vec<SheetCell>> {
    let best = quantity.best_of(runs.iter().copied());
    let best = best.filter(|_| are_of_one_problem(runs));
    let values: Vec<_> = runs.iter().map(|run| quantity.of_run(run)).collect();
    values.iter().any(Option::is_some).then(|| {
        row(
            quantity.header,
            runs.iter().zip(values).map(|(run, value)| match value {
                Some(mean) => SheetCell::Number {
                    value: Spread::single(mean),
                    runs: 1,
                    kind: quantity.kind,
                    is_best: run.file.status.is_success() && best == Some(mean),
                },
                None => SheetCell::Nothing,
            }),
        )
    })
}

fn row(name: &str, cells: impl Iterator<Item = SheetCell>) -> Vec<SheetCell> {
    [SheetCell::Words(name.to_owned())]
        .into_iter()
        .chain(cells)
        .collect()
}

fn group(title: &str, rows: Vec<Vec<SheetCell>>) -> SheetGroup {
    SheetGroup {
        title: title.to_owned(),
        keys: vec![title.to_owned()],
        rows,
    }
}

#[cfg(test)]
mod tests {
    use flatland_config::{RunConfig, Status};
    use flatland_data::Dataset;
    use flatland_models::{Architecture, Loss};

    use super::*;
    use crate::testing;

    fn run(loss: f64, status: Status) -> RunRecords {
        testing::run_of(testing::run_config(), status, Some(loss))
    }

    #[test]
    fn the_loss_to_be_reached_is_that_of_runs_that_got_to_their_end() {
        let runs = [
            run(0.1, Status::Done),
            run(0.3, Status::Converged),
            run(0.9, Status::Stalled),
            run(f64::INFINITY, Status::Diverged),
        ];
        let worst = |runs: &[RunRecords]| worst_final_loss(&Vec::from_iter(runs));
        assert_eq!(worst(&runs), Some(0.3));
        assert_eq!(worst(&runs[2..]), None);
    }

    #[test]
    fn only_runs_of_one_problem_have_a_best() {
        let mut runs = [run(0.1, Status::Done), run(0.3, Status::Done)];
        let loss = Quantity::named("final-loss").unwrap();
        let marks = |runs: &[RunRecords]| {
            let cells = numbers(&Vec::from_iter(runs), loss).unwrap();
            let is_best =
                |cell: &SheetCell| matches!(cell, SheetCell::Number { is_best: true, .. });
            cells.iter().filter(|cell| is_best(cell)).count()
        };
        assert_eq!(marks(&runs), 1);
        runs[1].config.seed = 7;
        assert_eq!(marks(&runs), 1, "the seed is no part of a problem");
        let others: [fn(&mut RunConfig); 3] = [
            |config| config.dataset = Dataset::Mnist,
            |config| config.network = Architecture::named("mlp").unwrap(),
            |config| config.loss = Loss::CrossEntropy,
        ];
        for other in others {
            let mut runs = runs.clone();
            other(&mut runs[1].config);
            assert_eq!(marks(&runs), 0);
            assert!(!are_of_one_problem(&Vec::from_iter(&runs)));
        }
    }
}
