//! Whether a run fits into memory, and with which chunk and Lanczos basis.
//!
//! The chunk and the basis follow from the footprint of the network and from the budget. They are chosen for one
//! thread: they are part of a run's configuration, and must not depend on the number of cores.

mod budget;

use std::collections::HashMap;

use anyhow::{Result, bail};
use burn::tensor::{DType, Device};
use flatland_config::{Chunk, RunConfig};
use flatland_data::Split;
use flatland_models::{Footprint, FullBatch, Initializer, Operation};
use flatland_sharpness::{LanczosConfig, Sharpness};
use tracing::warn;

use budget::size;

pub use budget::{Budget, budget};

/// Chooses the chunk of every run, if `chunk` is [`Chunk::Auto`], and the Lanczos basis of its measurements. Returns a
/// line for each network and data set: what was chosen, and how much memory it needs.
///
/// # Errors
///
/// A run does not fit into a stated budget, or a chunk cannot be chosen without a budget.
pub fn fit(
    runs: &mut [RunConfig],
    chunk: Chunk,
    budget: Option<Budget>,
    device: &Device,
) -> Result<Vec<String>> {
    let Some(budget) = budget else {
        if chunk == Chunk::Auto {
            bail!(
                "the memory of this device is not known: --chunk auto needs --memory, such as --memory 8GB"
            );
        }
        return Ok(Vec::new());
    };
    // Runs that differ in method, loss or seed take the same memory.
    let mut plans: HashMap<String, MemoryPlan> = HashMap::new();
    let mut lines = Vec::new();
    for run in runs {
        let key = format!("{} {}", run.dataset, toml::to_string(&run.network)?);
        let plan = match plans.get(&key) {
            Some(plan) => *plan,
            None => {
                let demand = MemoryModel::of(run, device)?;
                let plan = demand.plan(run, chunk, budget)?;
                lines.push(demand.describe(run, plan));
                plans.insert(key, plan);
                plan
            }
        };
        run.chunk = plan.chunk;
        run.lanczos_basis = plan.lanczos_basis;
    }
    Ok(lines)
}

/// Estimates memory: footprint, parallel chunks, total bytes. One chunk is in work on each of at most `most` threads,
/// if there are as many chunks and as much memory. Results do not depend on it.
///
/// # Errors
///
/// The network cannot be built.
pub fn need(
    run: &RunConfig,
    budget: Option<Budget>,
    most: usize,
    device: &Device,
) -> Result<MemoryNeed> {
    let demand = MemoryModel::of(run, device)?;
    let basis = run.lanczos_basis.unwrap_or(default_basis());
    let chunk = run.chunk.min(run.batch_size());
    let chunks = run.batch_size().div_ceil(chunk);
    let bytes = |threads| demand.bytes_with(chunk, basis, threads);
    let fits = |threads: &usize| budget.is_none_or(|budget| bytes(*threads) <= budget.bytes);
    let threads = (2..=most.min(chunks)).rev().find(fits).unwrap_or(1);
    Ok(MemoryNeed {
        threads,
        bytes: bytes(threads),
        left: budget.map(|budget| budget.bytes.saturating_sub(bytes(threads))),
        footprint: demand.footprint,
    })
}

/// Bytes for trials if there is no budget.
const MEMORY_FOR_TRIALS: u64 = 1 << 30;

/// The memory that a run needs.
#[derive(Debug)]
pub struct MemoryNeed {
    /// What the network makes of a sample.
    pub footprint: Footprint,
    /// Chunks that are in work at the same time.
    pub threads: usize,
    /// Bytes.
    pub bytes: u64,
    /// Bytes that the budget leaves, for the shared part of Hessian-vector products at one point, and for trials.
    pub left: Option<u64>,
}

impl MemoryNeed {
    /// The objective with its limits of threads and memory.
    pub fn limit(&self, objective: FullBatch) -> FullBatch {
        let objective = objective.with_threads(self.threads);
        match self.left {
            Some(bytes) => objective.with_memory_for_products(bytes),
            None => objective,
        }
    }

    /// The objective of a run with its limits. A full-batch search keeps its trials, in the memory that a measurement
    /// leaves when it is over: it computes the gradient from the pass of the accepted one.
    pub fn limit_run(&self, objective: FullBatch, run: &RunConfig) -> FullBatch {
        let objective = self.limit(objective);
        if run.mini_batches.is_none() && run.method.is_search() {
            objective.with_memory_for_trials(self.left.unwrap_or(MEMORY_FOR_TRIALS))
        } else {
            objective
        }
    }
}

/// The chunk and the basis that were chosen for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MemoryPlan {
    chunk: usize,
    lanczos_basis: Option<usize>,
}

/// The parts that the memory of a run is made of.
#[derive(Debug)]
struct MemoryModel {
    footprint: Footprint,
    /// Bytes of a number.
    number: usize,
    /// Bytes of the samples: as they were read, as the network takes them, and copied into mini-batches.
    samples: u64,
    measures_sharpness: bool,
}

/// Vectors in the basis of a measurement.
fn default_basis() -> usize {
    LanczosConfig::default_basis_size(Sharpness::WANTED)
}

fn least_basis() -> usize {
    LanczosConfig::least_basis_size(Sharpness::WANTED)
}

impl MemoryModel {
    fn of(run: &RunConfig, device: &Device) -> Result<Self> {
        let RunConfig { dataset, .. } = *run;
        let (input, classes) = (run.input_shape(), dataset.classes());
        let mut without_values = Initializer::without_values(device, DType::from(run.dtype));
        let network = run.network.init(input, classes, &mut without_values)?;
        let number = run.dtype.size();
        let pixels = input.channels * input.height * input.width;
        let [train, test] =
            [Split::Train, Split::Test].map(|split| dataset.official_samples(split));
        // A mini-batch is gathered from the chunks, then put into order, while the one before it is still held.
        let copied = run.mini_batches.map_or(0, |batches| 3 * batches.batch_size);
        let used = run.samples + test + copied;
        Ok(Self {
            footprint: Footprint::of(&network, input),
            number,
            samples: ((train + test) * pixels + used * (pixels * number + classes * 4)) as u64,
            measures_sharpness: run.sharpness_every > 0,
        })
    }

    /// The bytes that a run takes with one chunk at a time.
    fn bytes(&self, chunk: usize, basis: usize) -> u64 {
        self.bytes_with(chunk, basis, 1)
    }

    /// The bytes that a run takes: its samples, the point, and the larger of what a step and a measurement take.
    fn bytes_with(&self, chunk: usize, basis: usize, threads: usize) -> u64 {
        let vectors = |count: usize| (count * self.footprint.parameters * self.number) as u64;
        let operation = |operation| {
            let bytes = self.footprint.bytes(operation, chunk, self.number);
            bytes.saturating_mul(threads as u64)
        };
        let sum = |parts: [u64; 3]| parts.into_iter().fold(0, u64::saturating_add);
        let gradient = operation(Operation::Gradient);
        // A step holds its gradient and a trial; the vectors of the last measurement wait for the next one.
        let step = gradient.max(sum([vectors(2), operation(Operation::Loss), 0]));
        if !self.measures_sharpness {
            return sum([self.samples, vectors(1), step]);
        }
        let measurement = sum([vectors(basis - 1), operation(Operation::Product), 0]);
        // Those vectors stay during the measurement, too: a checkpoint of the state before it may be asked for.
        sum([self.samples, vectors(3), measurement.max(step)])
    }

    /// The largest chunk of at most `most` samples that fits.
    fn largest_chunk(&self, basis: usize, most: usize, budget: Budget) -> Option<usize> {
        let fits = |chunk: usize| self.bytes(chunk, basis) <= budget.bytes;
        let (mut fitting, mut failing) = (0, most + 1);
        while failing - fitting > 1 {
            let middle = fitting + (failing - fitting) / 2;
            if fits(middle) {
                fitting = middle;
            } else {
                failing = middle;
            }
        }
        (fitting > 0).then_some(fitting)
    }

    /// The largest basis, from the least to the default one, with which `chunk` fits.
    fn largest_basis(&self, chunk: usize, budget: Budget) -> Option<usize> {
        (least_basis()..=default_basis())
            .rev()
            .find(|&basis| self.bytes(chunk, basis) <= budget.bytes)
    }

    /// The chunk comes before the basis up to the network's default: a small basis costs products, a small chunk the
    /// speed of all of them.
    fn plan(&self, run: &RunConfig, chunk: Chunk, budget: Budget) -> Result<MemoryPlan> {
        let is_objective = self.footprint.normalized > 0;
        let asked = run.chunk.min(run.batch_size());
        let plan = |chunk, basis| MemoryPlan {
            chunk,
            lanczos_basis: (self.measures_sharpness && basis < default_basis()).then_some(basis),
        };
        let largest = |basis| self.largest_chunk(basis, run.batch_size(), budget);
        if chunk == Chunk::Auto && !is_objective {
            if let Some(chunk) = largest(default_basis()).filter(|&chunk| chunk >= asked) {
                return Ok(plan(chunk, default_basis()));
            }
            if let Some(basis) = self.largest_basis(asked, budget) {
                return Ok(plan(asked, basis));
            }
            if let Some(chunk) = largest(least_basis()) {
                return Ok(plan(chunk, least_basis()));
            }
        } else if let Some(basis) = self.largest_basis(asked, budget) {
            return Ok(plan(run.chunk, basis));
        }
        let problem = self.problem(run, largest(least_basis()), is_objective, budget);
        if budget.is_stated || chunk == Chunk::Auto {
            bail!(problem);
        }
        warn!("{problem}");
        Ok(plan(run.chunk, least_basis()))
    }

    fn describe(&self, run: &RunConfig, plan: MemoryPlan) -> String {
        let basis = plan.lanczos_basis.unwrap_or(default_basis());
        let vectors = if self.measures_sharpness {
            format!(", {basis} vectors for the sharpness")
        } else {
            String::new()
        };
        let chunk = plan.chunk.min(run.batch_size());
        let need = self.bytes(chunk, basis);
        format!(
            "{} on {}: chunks of {chunk} samples{vectors}, about {} of memory",
            run.network.name(),
            run.dataset,
            size(need)
        )
    }

    /// What a user needs to know where not even the least basis fits.
    fn problem(
        &self,
        run: &RunConfig,
        largest_chunk: Option<usize>,
        is_objective: bool,
        budget: Budget,
    ) -> String {
        let name = format!("{} on {}", run.network.name(), run.dataset);
        let need = |chunk| size(self.bytes(chunk, least_basis()));
        let asked = run.chunk.min(run.batch_size());
        let next = match largest_chunk {
            Some(chunk) if is_objective => format!(
                "the largest chunk that fits is {chunk}, but batch normalization makes the chunk a part of the \
                 objective: raise --memory, or choose another objective with --chunk {chunk}"
            ),
            Some(chunk) => {
                format!(
                    "the largest chunk that fits is {chunk}: give --chunk {chunk} or --chunk auto"
                )
            }
            None if self.measures_sharpness => {
                let without = Self {
                    measures_sharpness: false,
                    footprint: self.footprint,
                    ..*self
                };
                format!(
                    "no chunk fits, since a single sample needs {}: raise --memory, or set sharpness_every = 0, \
                     which needs {}",
                    need(1),
                    size(without.bytes(1, least_basis()))
                )
            }
            None => format!(
                "no chunk fits, since a single sample needs {}: raise --memory",
                need(1)
            ),
        };
        let vectors = if self.measures_sharpness {
            format!(", with {} vectors for the sharpness,", least_basis())
        } else {
            String::new()
        };
        format!(
            "{name}: a chunk of {asked} samples needs{vectors} about {}, but {budget}; {next}",
            need(asked)
        )
    }
}

#[cfg(test)]
mod tests;
