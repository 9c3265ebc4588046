//! The summary: a row for each method on each problem, over its seeds.

use serde::Serialize;

use super::gather::Found;
use super::problems::Problem;
use crate::report::{number, percent};
use crate::summary::Spread;

/// A cell of the table: what is shown, and what it is sorted by.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    pub text: String,
    /// Nothing where there is no number: sorted last.
    pub value: Option<f64>,
    /// The best of its problem.
    pub is_best: bool,
}

/// A row: the runs of one method on one problem.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The problem's section of the page.
    pub anchor: String,
    pub dataset: String,
    pub network: String,
    pub loss: String,
    pub settings: String,
    pub method: String,
    pub seeds: String,
    pub status: String,
    /// Not all runs reached their end.
    pub is_open: bool,
    pub cells: Vec<Cell>,
}

/// The columns of numbers.
pub const COLUMNS: [&str; 9] = [
    "iterations",
    "final loss",
    "final λ₁",
    "mean η·λ₁",
    "η·λ₁ > 1 − c",
    "η·λ₁ > 2",
    "loss rose",
    "test accuracy",
    "seconds",
];

/// The better of two values.
type Better = fn(f64, f64) -> f64;

/// Of which columns the best is marked: the least loss, the least sharpness, the highest accuracy.
const BEST: [(usize, Better); 3] = [(1, f64::min), (2, f64::min), (7, f64::max)];

/// The rows of a problem.
pub fn rows(problem: &Problem<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = (problem.methods.iter())
        .map(|runs| row(problem, runs))
        .collect();
    if rows.len() > 1 {
        for (column, better) in BEST {
            let values = rows.iter().filter_map(|row| row.cells[column].value);
            let best = values.filter(|value| value.is_finite()).reduce(better);
            for row in &mut rows {
                let cell = &mut row.cells[column];
                cell.is_best = best.is_some() && cell.value == best;
            }
        }
    }
    rows
}

fn row(problem: &Problem<'_>, runs: &[&Found]) -> Row {
    let config = &runs[0].run.config;
    let cell = |text: fn(Option<f64>) -> String, value: &dyn Fn(&Found) -> Option<f64>| {
        summary(text, runs.iter().filter_map(|found| value(found)))
    };
    let whole: fn(Option<f64>) -> String =
        |value| value.map_or("–".to_owned(), |v| format!("{v:.0}"));
    let seconds: fn(Option<f64>) -> String =
        |value| value.map_or("–".to_owned(), |v| format!("{v:.1}"));
    let cells = vec![
        cell(whole, &|found| {
            Some(found.run.file.totals.iterations as f64)
        }),
        cell(number, &|found| found.last_loss()),
        cell(number, &|found| found.run.final_sharpness()),
        cell(number, &|found| found.run.mean_at_edge()),
        cell(percent, &|found| {
            let bound = 1.0 - found.run.config.method.sufficient_decrease();
            found.run.share_above(bound)
        }),
        cell(percent, &|found| found.run.share_above(2.0)),
        cell(percent, &|found| found.run.share_risen()),
        cell(percent, &|found| found.run.file.totals.final_test_accuracy),
        cell(seconds, &|found| {
            let totals = &found.run.file.totals;
            Some(totals.training_seconds + totals.measuring_seconds)
        }),
    ];
    let seeds: Vec<String> = (runs.iter())
        .map(|found| found.run.config.seed.to_string())
        .collect();
    let mut states: Vec<(String, usize)> = Vec::new();
    for found in runs {
        let state = found.run.file.status.to_string();
        match states.iter_mut().find(|known| known.0 == state) {
            Some(known) => known.1 += 1,
            None => states.push((state, 1)),
        }
    }
    let status = match states.as_slice() {
        [(state, _)] => state.clone(),
        states => {
            let counts = states
                .iter()
                .map(|(state, count)| format!("{count} {state}"));
            counts.collect::<Vec<_>>().join(", ")
        }
    };
    Row {
        anchor: problem.anchor.clone(),
        dataset: config.dataset.to_string(),
        network: config.network.name().to_owned(),
        loss: crate::grid::loss_name(config.loss).to_owned(),
        settings: problem.settings.clone(),
        method: config.method.label(),
        seeds: seeds.join(", "),
        status,
        is_open: runs.iter().any(|found| !found.run.file.status.is_success()),
        cells,
    }
}

/// The mean, with the standard deviation (of a sample: over n − 1) where there are several values.
fn summary(text: fn(Option<f64>) -> String, values: impl Iterator<Item = f64>) -> Cell {
    let values: Vec<f64> = values.collect();
    let spread = Spread::of(&values);
    let mean = spread.map(|spread| spread.mean);
    let mut shown = text(mean);
    if let Some(deviation) = spread.and_then(|spread| spread.deviation) {
        shown += &format!(" ± {}", text(Some(deviation)));
    }
    Cell {
        text: shown,
        value: mean.filter(|mean| mean.is_finite()),
        is_best: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_seeds_have_a_mean_and_the_deviation_of_a_sample() {
        let cell = |values: &[f64]| summary(number, values.iter().copied());
        assert_eq!(cell(&[]).text, "–");
        assert_eq!(cell(&[]).value, None);
        assert_eq!(cell(&[2.0]).text, "2.0000");
        let several = cell(&[1.0, 2.0, 3.0, 6.0]);
        assert_eq!(several.text, "3.0000 ± 2.1602");
        assert_eq!(several.value, Some(3.0));
        assert_eq!(cell(&[1.0, f64::NAN]).value, None);
    }
}
