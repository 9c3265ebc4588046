//! Seconds that a sample takes, measured.

use std::collections::HashMap;
use std::fmt;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::Result;
use burn::tensor::{DType, Tensor, TensorData};
use flatland_config::RunConfig;
use flatland_models::{Batch, FullBatch, Initializer};
use flatland_optim::vector::norm;
use flatland_optim::{Curvature, Objective};
use flatland_records::text::grouped;
use flatland_runner::FoundDevice;
use flatland_runner::memory::MemoryNeed;
use flatland_runner::stop::StopToken;
use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::say;

/// The time that all measurements take together.
const TOTAL: Duration = Duration::from_secs(45);
/// A gradient takes 3 times the arithmetic of a loss, a Hessian product 8 times.
const GRADIENT: f64 = 3.0;
const PRODUCT: f64 = 8.0;
/// A gradient to warm up, a loss, a gradient and a Hessian product, in gradients.
const ROUND: f64 = (GRADIENT + 1.0 + GRADIENT + PRODUCT) / GRADIENT;

/// Seconds that a sample takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    pub loss: f64,
    pub gradient: f64,
    pub product: f64,
}

impl Pace {
    /// The pace by the arithmetic, if a sample's gradient takes this long.
    fn of_gradient(gradient: f64) -> Self {
        Self {
            loss: gradient / GRADIENT,
            gradient,
            product: gradient / GRADIENT * PRODUCT,
        }
    }
}

/// What runs have in common that take the same time for a sample.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key(String);

impl Key {
    fn of(run: &RunConfig) -> Result<Self> {
        Ok(Self(format!(
            "{}{:?}{}",
            toml::to_string(&run.network)?,
            run.input_shape(),
            run.upload_chunk()
        )))
    }
}

/// The paces of the runs' networks.
pub struct Paces(HashMap<Key, Pace>);

impl Paces {
    /// Times every network that differs in its options, its images or its chunk. Together this takes less than a
    /// minute. If the user stops it, some are missing.
    ///
    /// # Errors
    ///
    /// A network cannot be built.
    pub fn measure(
        runs: &[RunConfig],
        needs: &[MemoryNeed],
        found: &FoundDevice,
        stop: &StopToken,
    ) -> Result<Self> {
        let mut open: Vec<(Key, &RunConfig, &MemoryNeed)> = Vec::new();
        for (run, need) in runs.iter().zip(needs) {
            let key = Key::of(run)?;
            if !open.iter().any(|(known, _, _)| *known == key) {
                open.push((key, run, need));
            }
        }
        let count = open.len();
        let start = Instant::now();
        let bar = bar(count);
        let mut paces = HashMap::new();
        for (index, (key, run, need)) in open.into_iter().enumerate() {
            announce(bar.as_ref(), run, need, (index, count));
            let share = TOTAL.saturating_sub(start.elapsed()) / (count - index) as u32;
            let timing = Timing {
                run,
                threads: need.threads,
                parameters: need.footprint.parameters,
                found,
                stop,
            };
            match timing.pace(share)? {
                Some(pace) => paces.insert(key, pace),
                None => break,
            };
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        Ok(Self(paces))
    }

    /// The pace of a run's network. `None` if it was not timed.
    pub fn of(&self, run: &RunConfig) -> Option<Pace> {
        self.0.get(&Key::of(run).ok()?).copied()
    }
}

/// A bar over the networks, on a terminal.
fn bar(count: usize) -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new(count as u64);
    bar.set_style(
        ProgressStyle::with_template("{bar:16} {pos}/{len} {wide_msg} {elapsed}")
            .expect("the template is well-formed"),
    );
    bar.enable_steady_tick(Duration::from_millis(100));
    Some(bar)
}

/// Says which network is timed: on the bar, or in a line.
fn announce(
    bar: Option<&ProgressBar>,
    run: &RunConfig,
    need: &MemoryNeed,
    (index, count): (usize, usize),
) {
    let shape = run.input_shape();
    let what = format!(
        "timing {} ({} parameters) on {}×{}×{}",
        run.network.name(),
        grouped(need.footprint.parameters),
        shape.channels,
        shape.height,
        shape.width
    );
    match bar {
        Some(bar) => {
            bar.set_position(index as u64);
            bar.set_message(what);
        }
        None => say!("[{}/{count}] {what}", index + 1),
    }
}

/// One network to be timed.
struct Timing<'a> {
    run: &'a RunConfig,
    threads: usize,
    parameters: usize,
    found: &'a FoundDevice,
    stop: &'a StopToken,
}

impl fmt::Debug for Timing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timing").field("run", self.run).finish()
    }
}

impl Timing<'_> {
    /// Times the network for about `share`: first a gradient of one sample for each thread, then as many samples as the
    /// time left allows, a chunk for each thread at most. If that gradient leaves no time, the rest follows from the
    /// arithmetic. `None` if the user stopped it.
    ///
    /// # Errors
    ///
    /// The network cannot be built.
    fn pace(&self, share: Duration) -> Result<Option<Pace>> {
        let start = Instant::now();
        let point = self.point();
        let (gradient, _) = self.gradient(&point, &mut self.objective(1)?);
        if self.stop.is_stopped() {
            return Ok(None);
        }
        let left = share.saturating_sub(start.elapsed()).as_secs_f64();
        let most = self.run.chunk.min(self.run.batch_size());
        let chunk = chunk(gradient, left, most);
        if chunk == 0 {
            return Ok(Some(Pace::of_gradient(gradient / self.threads as f64)));
        }
        let samples = (self.threads * chunk) as f64;
        let mut objective = self.objective(chunk)?;
        // Once without a clock, for kernels and memory to be ready.
        let (_, direction) = self.gradient(&point, &mut objective);
        let mut objective = objective.interruptible(self.stop.flag());
        let timer = Instant::now();
        objective.loss(&point);
        let loss = timer.elapsed().as_secs_f64();
        let timer = Instant::now();
        // Reading a number waits for the device.
        norm(&objective.loss_and_gradient(&point).1);
        let gradient = timer.elapsed().as_secs_f64();
        let timer = Instant::now();
        norm(&objective.hvp(&point, &direction));
        let product = timer.elapsed().as_secs_f64();
        if self.stop.is_stopped() {
            return Ok(None);
        }
        Ok(Some(Pace {
            loss: loss / samples,
            gradient: gradient / samples,
            product: product / samples,
        }))
    }

    /// Seconds that a gradient takes, and the gradient.
    fn gradient(&self, point: &Tensor<1>, objective: &mut FullBatch) -> (f64, Tensor<1>) {
        let timer = Instant::now();
        let mut objective = objective.interruptible(self.stop.flag());
        let gradient = objective.loss_and_gradient(point).1;
        norm(&gradient);
        (timer.elapsed().as_secs_f64(), gradient)
    }

    /// Weights. A time does not depend on them, so they are the cheapest that differ from each other and keep numbers
    /// small.
    fn point(&self) -> Tensor<1> {
        let weight = |index: usize| {
            let mixed = (index as u32).wrapping_mul(2_654_435_761) >> 8;
            0.02 * (f64::from(mixed) / f64::from(1_u32 << 24) - 0.5)
        };
        let weights: Vec<f32> = (0..self.parameters)
            .map(|index| weight(index) as f32)
            .collect();
        let data = TensorData::new(weights, [self.parameters]);
        Tensor::from_data(data, (&self.found.device, DType::from(self.run.dtype)))
    }

    /// The objective over noise: `chunk` samples for each thread.
    ///
    /// # Errors
    ///
    /// The network cannot be built.
    fn objective(&self, chunk: usize) -> Result<FullBatch> {
        let (device, dtype) = (&self.found.device, DType::from(self.run.dtype));
        let (shape, classes) = (self.run.input_shape(), self.run.dataset.classes());
        let mut without_values = Initializer::without_values(device, dtype);
        let network = self.run.network.init(shape, classes, &mut without_values)?;
        let samples = self.threads * chunk;
        let mut noise = flatland_random::stream(0, "timing", 0);
        let pixels = samples * shape.channels * shape.height * shape.width;
        let images: Vec<f32> = (0..pixels)
            .map(|_| flatland_random::uniform(&mut noise) as f32)
            .collect();
        let labels: Vec<u8> = (0..samples)
            .map(|sample| (sample % classes) as u8)
            .collect();
        let batch = Batch::chunks(&images, shape, &labels, classes, chunk, device, dtype);
        Ok(FullBatch::new(network, self.run.loss, batch).with_threads(self.threads))
    }
}

/// The samples of each thread that can be timed in `left` seconds, at most `most`, if a gradient of one sample of each
/// takes `gradient` seconds. 0 if not even one can.
fn chunk(gradient: f64, left: f64, most: usize) -> usize {
    let fitting = left / (ROUND * gradient);
    // A conversion saturates: a gradient of no measurable time allows any number.
    (fitting as usize).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_samples_are_timed_as_the_time_allows() {
        assert_eq!(chunk(1.0, 4.0, 50), 0);
        assert_eq!(chunk(1.0, 5.1, 50), 1);
        assert_eq!(chunk(0.1, 5.1, 50), 10);
        assert_eq!(chunk(0.1, 5.1, 4), 4);
        assert_eq!(chunk(0.0, 5.1, 4), 4);
        assert_eq!(chunk(0.1, 0.0, 4), 0);
    }

    #[test]
    fn a_gradient_tells_the_rest_by_the_arithmetic() {
        let pace = Pace::of_gradient(6.0);
        assert_eq!((pace.loss, pace.gradient, pace.product), (2.0, 6.0, 16.0));
    }
}
