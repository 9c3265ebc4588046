//! What a grid would take: parameters, arithmetic, memory and, measured on some samples, time.

mod timing;

use std::time::Duration;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use flatland_config::RunConfig;
use flatland_optim::MethodConfig;
use flatland_records::text::grouped;
use flatland_runner::FoundDevice;
use flatland_runner::memory::{self, Budget};
use flatland_runner::stop::StopToken;
use indicatif::{DecimalBytes, HumanDuration};

use timing::{Pace, Paces};

/// Passes over the samples in one iteration.
struct Passes {
    losses: f64,
    gradients: f64,
    products: f64,
}

/// A search is taken to try two step sizes, which is what it does on average; the rest is exact.
fn passes(method: &MethodConfig) -> Passes {
    let (losses, gradients, products) = match method {
        MethodConfig::Ls(_)
        | MethodConfig::Nls(_)
        | MethodConfig::Ponls(_)
        | MethodConfig::NlsUb(_)
        | MethodConfig::Ponos(_) => (2.0, 1.0, 0.0),
        MethodConfig::Gd(_) | MethodConfig::GdWarmup(_) | MethodConfig::GdWarmupUb(_) => {
            (0.0, 1.0, 0.0)
        }
        MethodConfig::Cdat(_) => (0.0, 1.0, 1.0),
        MethodConfig::Sam(_) => (0.0, 2.0, 0.0),
    };
    Passes {
        losses,
        gradients,
        products,
    }
}

/// Hessian products in a measurement of the sharpness: what one takes on average, give or take a half.
const PRODUCTS: f64 = 20.0;

impl Passes {
    /// Multiplications and additions, 2 for each of the forward pass: a gradient takes 3 times the arithmetic of a
    /// loss, a Hessian product 8 times.
    fn operations(&self, forward: f64) -> f64 {
        2.0 * forward * (self.losses + 3.0 * self.gradients + 8.0 * self.products)
    }
}

/// Seconds that an iteration takes on average, and the whole run with its measurements of the sharpness.
fn duration(run: &RunConfig, passes: &Passes, pace: &Pace) -> (f64, f64) {
    let iteration = samples_of_iteration(run)
        * (passes.losses * pace.loss
            + passes.gradients * pace.gradient
            + passes.products * pace.product);
    let steps = run.steps(run.samples) as f64;
    (iteration, steps * iteration + measuring(run, pace))
}

/// The samples that an iteration takes; a last batch with fewer makes it an average.
fn samples_of_iteration(run: &RunConfig) -> f64 {
    match &run.mini_batches {
        None => run.samples as f64,
        Some(batches) => run.samples as f64 / batches.per_epoch(run.samples) as f64,
    }
}

/// The grid as a table, a line for each run. With `measures`, every network is timed on the device until the user stops
/// it.
///
/// # Errors
///
/// A network cannot be built.
pub fn table(
    runs: &[RunConfig],
    device: &FoundDevice,
    budget: Option<Budget>,
    measures: bool,
    stop: &StopToken,
) -> Result<String> {
    let needs = runs
        .iter()
        .map(|run| memory::need(run, budget, device.threads(), &device.device))
        .collect::<Result<Vec<_>>>()?;
    let paces = measures
        .then(|| Paces::measure(runs, &needs, device, stop))
        .transpose()?;
    let mut table = Table::new();
    let mut header = vec![
        "run",
        "loss",
        "method",
        "iterations",
        "samples",
        "parameters",
        "GFLOP/iteration",
        "memory",
    ];
    if measures {
        header.extend(["s/iteration", "time"]);
    }
    (table.load_style(presets::UTF8_FULL_CONDENSED)).set_header(header);
    let mut total = Some(0.0);
    for (run, need) in runs.iter().zip(&needs) {
        let samples = samples_of_iteration(run);
        let steps = run.steps(run.samples);
        let passes = passes(&run.method);
        let operations = passes.operations(need.footprint.multiplications as f64 * samples);
        let mut row = vec![
            run.directory_name(),
            run.loss.to_string(),
            run.method.label(),
            match &run.mini_batches {
                None => steps.to_string(),
                Some(batches) => format!("{steps} in {} epochs", batches.epochs),
            },
            run.samples.to_string(),
            grouped(need.footprint.parameters),
            format!("{:.1}", operations / 1e9),
            DecimalBytes(need.bytes).to_string(),
        ];
        if let Some(paces) = &paces {
            let times = paces.of(run).map(|pace| duration(run, &passes, &pace));
            total = total
                .zip(times)
                .map(|(total, (_, seconds))| total + seconds);
            row.extend(match times {
                Some((iteration, seconds)) => [format!("{iteration:.3}"), human(seconds)],
                None => ["–".to_owned(), "–".to_owned()],
            });
        }
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = table.to_string();
    if measures {
        text += &match total {
            Some(seconds) => format!(
                "\nall of them here, one after the other: about {}\nTimes are those of some samples of noise, times \
                 the samples of the run; a measurement is taken to need {PRODUCTS:.0} Hessian products.",
                human(seconds)
            ),
            None => "\ninterrupted: not every network was timed".to_owned(),
        };
    }
    Ok(text)
}

/// A number of seconds, rounded.
fn human(seconds: f64) -> String {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    HumanDuration(duration).to_string()
}

/// Seconds for the sharpness, and for the full loss after every epoch of a stochastic run. There each measurement is
/// one of every mini-batch, which takes as many samples as one of the full batch.
fn measuring(run: &RunConfig, pace: &Pace) -> f64 {
    let (last, losses) = match &run.mini_batches {
        None => (run.iterations - 1, 0),
        Some(batches) => (batches.epochs, batches.epochs + 1),
    };
    let measurements = match run.sharpness_every {
        0 => 0,
        every => 1 + last.div_ceil(every),
    };
    let sample = measurements as f64 * PRODUCTS * pace.product + losses as f64 * pace.loss;
    sample * run.samples as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_follows_the_passes() {
        let of = |losses, gradients, products| Passes {
            losses,
            gradients,
            products,
        };
        assert_eq!(of(2.0, 1.0, 0.0).operations(1e9), 10e9);
        assert_eq!(of(0.0, 2.0, 0.0).operations(1e9), 12e9);
        assert_eq!(of(0.0, 1.0, 1.0).operations(1e9), 22e9);
    }

    /// A search on two samples for five iterations, measured at 0, 3 and the last.
    #[test]
    fn a_run_takes_its_passes_and_its_measurements() {
        let run = RunConfig {
            samples: 2,
            iterations: 5,
            sharpness_every: 3,
            ..crate::watch::testing::run_config()
        };
        let pace = Pace {
            loss: 1.0,
            gradient: 10.0,
            product: 100.0,
        };
        let search = passes(&MethodConfig::Nls(flatland_optim::LineSearchConfig::nls()));
        let iteration = 2.0 * (2.0 + 10.0);
        let measuring = 3.0 * PRODUCTS * 2.0 * 100.0;
        assert_eq!(
            duration(&run, &search, &pace),
            (iteration, 5.0 * iteration + measuring)
        );
        let unmeasured = RunConfig {
            sharpness_every: 0,
            ..run
        };
        assert_eq!(duration(&unmeasured, &search, &pace).1, 5.0 * iteration);
    }
}
