//! What a run is made with.

use anyhow::Result;
use flatland_config::RunConfig;
use flatland_data::{Loaded, Samples, Selection};
use flatland_records::Program;
use serde::{Deserialize, Serialize};

use crate::checkpoint::CheckpointInterval;
use crate::device::FoundDevice;
use crate::memory::MemoryNeed;
use crate::observer::RunObserver;
use crate::stop::StopToken;

/// What a run is made with. Its numbers depend on the configuration and the data alone.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// The data set.
    pub data: &'a Loaded,
    /// The device.
    pub device: &'a FoundDevice,
    /// The threads and the memory that the run may take.
    pub need: &'a MemoryNeed,
    /// How the run keeps its state.
    pub checkpoints: CheckpointPolicy,
    /// This program.
    pub program: &'a Program,
    /// Asks the run to stop.
    pub stop: &'a StopToken,
    /// Hears of the run.
    pub observer: RunObserver<'a>,
}

/// How a run keeps its state, and what it continues.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CheckpointPolicy {
    /// How often a checkpoint is written.
    pub interval: CheckpointInterval,
    /// Iterations (epochs of a stochastic run) by which the run extends a finished one.
    pub extended_by: Option<u64>,
}

/// The training samples of a run.
///
/// # Errors
///
/// The data set does not have as many samples.
pub fn training_samples(config: &RunConfig, data: &Loaded) -> Result<Samples> {
    let selection = selection(config.first_per_class, config.samples, config.seed);
    Ok(data.train.select(selection)?)
}

/// The first samples of each class if `first_per_class` is given, else a stratified subset.
pub fn selection(first_per_class: Option<usize>, samples: usize, seed: u64) -> Selection {
    match first_per_class {
        Some(count) => Selection::FirstPerClass(count),
        None => Selection::Stratified { samples, seed },
    }
}
