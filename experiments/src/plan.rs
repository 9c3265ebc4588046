//! What a grid would take: parameters, arithmetic, memory and, measured on one chunk, time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use burn::tensor::DType;
use comfy_table::{CellAlignment, Table, presets};
use flatland_models::{Batch, Footprint, FullBatch, InputShape};
use flatland_optim::module::flatten;
use flatland_optim::{Curvature, Objective};
use indicatif::{DecimalBytes, HumanDuration, ProgressBar};

use crate::cell::CellConfig;
use crate::device::FoundDevice;
use crate::grid::{input_shape, loss_name};
use crate::memory::{self, Budget, Need};
use crate::method::MethodConfig;

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

/// Seconds that a sample takes.
#[derive(Debug, Clone, Copy)]
struct Pace {
    loss: f64,
    gradient: f64,
    product: f64,
}

/// Seconds that an iteration takes on average, and the whole run with its measurements of the sharpness.
fn duration(cell: &CellConfig, passes: &Passes, pace: &Pace) -> (f64, f64) {
    let iteration = samples_of_iteration(cell)
        * (passes.losses * pace.loss
            + passes.gradients * pace.gradient
            + passes.products * pace.product);
    let steps = cell.steps(cell.samples) as f64;
    (iteration, steps * iteration + measuring(cell, pace))
}

/// The samples that an iteration takes; a last batch with fewer makes it an average.
fn samples_of_iteration(cell: &CellConfig) -> f64 {
    match &cell.mini_batches {
        None => cell.samples as f64,
        Some(batches) => cell.samples as f64 / batches.per_epoch(cell.samples) as f64,
    }
}

/// The grid as a table, a line for each run; with `measures`, one chunk of every network is timed on the device.
pub fn table(
    cells: &[CellConfig],
    device: &FoundDevice,
    budget: Option<Budget>,
    measures: bool,
) -> Result<String> {
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
    let mut paces: HashMap<String, Pace> = HashMap::new();
    let mut total = 0.0;
    for cell in cells {
        let Need {
            footprint,
            threads,
            bytes,
            ..
        } = memory::need(cell, budget, device.threads(), &device.device)?;
        let samples = samples_of_iteration(cell);
        let steps = cell.steps(cell.samples);
        let passes = passes(&cell.method);
        let operations = passes.operations(footprint.multiplications as f64 * samples);
        let mut row = vec![
            cell.directory_name(),
            loss_name(cell.loss).to_owned(),
            cell.method.label(),
            match &cell.mini_batches {
                None => steps.to_string(),
                Some(batches) => format!("{steps} in {} epochs", batches.epochs),
            },
            cell.samples.to_string(),
            grouped(footprint.parameters),
            format!("{:.1}", operations / 1e9),
            DecimalBytes(bytes).to_string(),
        ];
        if measures {
            let shape = input_shape(cell.dataset);
            let key = format!(
                "{}{shape:?}{}",
                toml::to_string(&cell.network)?,
                cell.upload_chunk()
            );
            let pace = match paces.get(&key) {
                Some(pace) => *pace,
                None => {
                    let pace = measure(cell, shape, (&footprint, threads), device)?;
                    paces.insert(key, pace);
                    pace
                }
            };
            let (iteration, seconds) = duration(cell, &passes, &pace);
            total += seconds;
            row.push(format!("{iteration:.3}"));
            row.push(HumanDuration(Duration::from_secs_f64(seconds)).to_string());
        }
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = table.to_string();
    if measures {
        let total = HumanDuration(Duration::from_secs_f64(total));
        text += &format!("\nall of them here, one after the other: about {total}");
    }
    Ok(text)
}

/// Seconds for the sharpness, and for the full loss after every epoch of a stochastic run. There each measurement is one
/// of every mini-batch, which takes as many samples as one of the full batch.
fn measuring(cell: &CellConfig, pace: &Pace) -> f64 {
    let (last, losses) = match &cell.mini_batches {
        None => (cell.iterations - 1, 0),
        Some(batches) => (batches.epochs, batches.epochs + 1),
    };
    let measurements = match cell.sharpness_every {
        0 => 0,
        every => 1 + last.div_ceil(every),
    };
    let sample = measurements as f64 * PRODUCTS * pace.product + losses as f64 * pace.loss;
    sample * cell.samples as f64
}

/// Times a loss, a gradient and a Hessian product of noise, one chunk for each thread: the second time, when kernels and memory are
/// ready.
fn measure(
    cell: &CellConfig,
    shape: InputShape,
    (footprint, threads): (&Footprint, usize),
    found: &FoundDevice,
) -> Result<Pace> {
    let bar = ProgressBar::new_spinner().with_message(format!(
        "timing {} ({} parameters) on {}×{}×{}",
        cell.network.name(),
        grouped(footprint.parameters),
        shape.channels,
        shape.height,
        shape.width
    ));
    bar.enable_steady_tick(Duration::from_millis(100));
    let (device, dtype) = (&found.device, DType::from(cell.dtype));
    let classes = cell.dataset.classes();
    let mut initializer = flatland_models::Initializer::new(cell.seed, device, dtype);
    let network = cell.network.init(shape, classes, &mut initializer)?;
    let point = flatten(&network);
    let chunk = cell.chunk.min(cell.batch_size());
    let samples = threads * chunk;
    let mut noise = flatland_random::stream(0, "timing", 0);
    let images: Vec<f32> = (0..samples * shape.channels * shape.height * shape.width)
        .map(|_| flatland_random::normal(&mut noise) as f32)
        .collect();
    let labels: Vec<u8> = (0..samples)
        .map(|sample| (sample % classes) as u8)
        .collect();
    let batch = Batch::chunks(&images, shape, &labels, classes, chunk, device, dtype);
    let mut objective = FullBatch::new(network, cell.loss, batch).with_threads(threads);
    let direction = objective.loss_and_gradient(&point).1;
    let mut time = |work: &mut dyn FnMut(&mut FullBatch)| {
        let started = Instant::now();
        work(&mut objective);
        started.elapsed().as_secs_f64() / samples as f64
    };
    // Reading a number back waits for the device.
    let read = |vector: burn::tensor::Tensor<1>| flatland_optim::vector::norm(&vector);
    let pace = Pace {
        loss: time(&mut |objective| {
            objective.loss(&point);
        }),
        gradient: time(&mut |objective| {
            read(objective.loss_and_gradient(&point).1);
        }),
        product: time(&mut |objective| {
            read(objective.hvp(&point, &direction));
        }),
    };
    bar.finish_and_clear();
    Ok(pace)
}

/// Digits in groups of three.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(7, "7"), (318_410, "318,410"), (128_807_306, "128,807,306")] {
            assert_eq!(grouped(number), text);
        }
    }

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
        let cell = CellConfig {
            samples: 2,
            iterations: 5,
            sharpness_every: 3,
            ..memory::tests::cell()
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
            duration(&cell, &search, &pace),
            (iteration, 5.0 * iteration + measuring)
        );
        let unmeasured = CellConfig {
            sharpness_every: 0,
            ..cell
        };
        assert_eq!(duration(&unmeasured, &search, &pace).1, 5.0 * iteration);
    }
}
