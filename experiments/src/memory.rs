//! Whether a run fits into memory, and the chunk and the basis with which it does.

mod budget;

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use anyhow::{Result, bail};
use burn::tensor::{DType, Device};
use bytesize::ByteSize;
use flatland_data::Split;
use flatland_models::{Footprint, FullBatch, Initializer, Operation};
use flatland_sharpness::{LanczosConfig, Sharpness};
use serde::Deserialize;
use tracing::warn;

use crate::cell::{CellConfig, FloatType};
use crate::grid::input_shape;
pub use budget::{Budget, budget};

/// How many samples go through a network together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub enum Chunk {
    /// As many as [`Architecture::default_chunk`](flatland_models::Architecture::default_chunk) says.
    OfNetwork,
    /// As many as fit into memory, except where the chunk is part of the objective.
    Auto,
    /// So many.
    Samples(NonZeroUsize),
}

impl Chunk {
    /// What a grid and the command line allow.
    pub const ALLOWED: &str = "\"auto\" or a whole number, at least 1";
}

impl FromStr for Chunk {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => {
                (text.parse().map(Self::Samples)).map_err(|_| format!("expected {}", Self::ALLOWED))
            }
        }
    }
}

impl TryFrom<toml::Value> for Chunk {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(text) if text == "auto" => Ok(Self::Auto),
            toml::Value::Integer(count) => count.to_string().parse(),
            _ => Err(format!("expected {}", Self::ALLOWED)),
        }
    }
}

fn size(bytes: u64) -> impl fmt::Display {
    ByteSize::b(bytes).display().si()
}

/// Chooses the chunk of every cell, if it is to be chosen, and the basis of its measurements. Returns a line for each
/// network and data set that says what was chosen and what it needs.
///
/// # Errors
///
/// A cell that cannot fit into a stated budget, or a chunk to be chosen without a budget.
pub fn fit(
    cells: &mut [CellConfig],
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
    // Cells that differ in method, loss or seed take the same memory.
    let mut plans: HashMap<String, Plan> = HashMap::new();
    let mut lines = Vec::new();
    for cell in cells {
        let key = format!("{} {}", cell.dataset, toml::to_string(&cell.network)?);
        let plan = match plans.get(&key) {
            Some(plan) => *plan,
            None => {
                let demand = Demand::of(cell, device)?;
                let plan = demand.plan(cell, chunk, budget)?;
                lines.push(demand.describe(cell, plan));
                plans.insert(key, plan);
                plan
            }
        };
        cell.chunk = plan.chunk;
        cell.lanczos_basis = plan.lanczos_basis;
    }
    Ok(lines)
}

/// What a cell's network makes of a sample, how many chunks go through it at the same time, and the bytes that its run
/// takes then: one chunk for each of `most` threads, as far as there are chunks and memory. The results do not depend on
/// it.
pub fn need(
    cell: &CellConfig,
    budget: Option<Budget>,
    most: usize,
    device: &Device,
) -> Result<Need> {
    let demand = Demand::of(cell, device)?;
    let basis = cell.lanczos_basis.unwrap_or(default_basis());
    let chunk = cell.chunk.min(cell.batch_size());
    let chunks = cell.batch_size().div_ceil(chunk);
    let bytes = |threads| demand.bytes_with(chunk, basis, threads);
    let fits = |threads: &usize| budget.is_none_or(|budget| bytes(*threads) <= budget.bytes);
    let threads = (2..=most.min(chunks)).rev().find(fits).unwrap_or(1);
    Ok(Need {
        threads,
        bytes: bytes(threads),
        left: budget.map(|budget| budget.bytes.saturating_sub(bytes(threads))),
        footprint: demand.footprint,
    })
}

/// Where there is no budget.
const MEMORY_FOR_TRIALS: u64 = 1 << 30;

/// What a run takes.
#[derive(Debug)]
pub struct Need {
    pub footprint: Footprint,
    pub threads: usize,
    pub bytes: u64,
    /// What a budget leaves, for what Hessian-vector products at one point have in common, and for trials.
    pub left: Option<u64>,
}

impl Need {
    /// The objective with what it may take.
    pub fn grant(&self, objective: FullBatch) -> FullBatch {
        let objective = objective.with_threads(self.threads);
        match self.left {
            Some(bytes) => objective.with_memory_for_products(bytes),
            None => objective,
        }
    }

    /// The objective of a run. A search over all samples goes on from one of its trials, in what a measurement leaves when
    /// it is over.
    pub fn grant_run(&self, objective: FullBatch, cell: &CellConfig) -> FullBatch {
        let objective = self.grant(objective);
        if cell.mini_batches.is_none() && cell.method.is_search() {
            objective.with_memory_for_trials(self.left.unwrap_or(MEMORY_FOR_TRIALS))
        } else {
            objective
        }
    }
}

/// What was chosen for a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    chunk: usize,
    lanczos_basis: Option<usize>,
}

/// What the memory of a run is made of.
#[derive(Debug)]
struct Demand {
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

impl Demand {
    fn of(cell: &CellConfig, device: &Device) -> Result<Self> {
        let CellConfig { dataset, .. } = *cell;
        let (input, classes) = (input_shape(dataset), dataset.classes());
        let mut without_values = Initializer::without_values(device, DType::from(cell.dtype));
        let network = cell.network.init(input, classes, &mut without_values)?;
        let number = match cell.dtype {
            FloatType::F32 => 4,
            FloatType::F64 => 8,
        };
        let pixels = input.channels * input.height * input.width;
        let [train, test] =
            [Split::Train, Split::Test].map(|split| dataset.official_samples(split));
        // A mini-batch is gathered from the chunks, then put into order, while the one before it is still held.
        let copied = cell
            .mini_batches
            .map_or(0, |batches| 3 * batches.batch_size);
        let used = cell.samples + test + copied;
        Ok(Self {
            footprint: Footprint::of(&network, input),
            number,
            samples: ((train + test) * pixels + used * (pixels * number + classes * 4)) as u64,
            measures_sharpness: cell.sharpness_every > 0,
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
            match fits(middle) {
                true => fitting = middle,
                false => failing = middle,
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
    fn plan(&self, cell: &CellConfig, chunk: Chunk, budget: Budget) -> Result<Plan> {
        let is_objective = self.footprint.normalized > 0;
        let asked = cell.chunk.min(cell.batch_size());
        let plan = |chunk, basis| Plan {
            chunk,
            lanczos_basis: (self.measures_sharpness && basis < default_basis()).then_some(basis),
        };
        let largest = |basis| self.largest_chunk(basis, cell.batch_size(), budget);
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
            return Ok(plan(cell.chunk, basis));
        }
        let problem = self.problem(cell, largest(least_basis()), is_objective, budget);
        if budget.is_stated || chunk == Chunk::Auto {
            bail!(problem);
        }
        warn!("{problem}");
        Ok(plan(cell.chunk, least_basis()))
    }

    fn describe(&self, cell: &CellConfig, plan: Plan) -> String {
        let basis = plan.lanczos_basis.unwrap_or(default_basis());
        let vectors = match self.measures_sharpness {
            true => format!(", {basis} vectors for the sharpness"),
            false => String::new(),
        };
        let chunk = plan.chunk.min(cell.batch_size());
        let need = self.bytes(chunk, basis);
        format!(
            "{} on {}: chunks of {chunk} samples{vectors}, about {} of memory",
            cell.network.name(),
            cell.dataset,
            size(need)
        )
    }

    /// What a user needs to know where not even the least basis fits.
    fn problem(
        &self,
        cell: &CellConfig,
        largest_chunk: Option<usize>,
        is_objective: bool,
        budget: Budget,
    ) -> String {
        let name = format!("{} on {}", cell.network.name(), cell.dataset);
        let need = |chunk| size(self.bytes(chunk, least_basis()));
        let asked = cell.chunk.min(cell.batch_size());
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
        let vectors = match self.measures_sharpness {
            true => format!(", with {} vectors for the sharpness,", least_basis()),
            false => String::new(),
        };
        format!(
            "{name}: a chunk of {asked} samples needs{vectors} about {}, but {budget}; {next}",
            need(asked)
        )
    }
}

#[cfg(test)]
pub(crate) mod tests;
