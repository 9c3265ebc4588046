//! How long the runs of a grid are, and when they are measured: in iterations, or with mini-batches in epochs.

use flatland_data::Dataset;
use flatland_models::Architecture;

use super::reader::{MOST, Reader};
use super::samples::SampleCount;
use crate::run_config::MiniBatchConfig;

/// The length of every run. With mini-batches the intervals are epochs, otherwise iterations.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Length {
    /// Iterations with the full batch; 0 with mini-batches.
    pub(super) iterations: u64,
    pub(super) mini_batches: Option<MiniBatchConfig>,
    pub(super) sharpness_every: u64,
    pub(super) accuracy_every: u64,
}

/// The keys that count iterations of the full batch.
const FULL_BATCH_ONLY: [(&str, &str); 3] = [
    (
        "iterations",
        "epochs = 100 says how long a stochastic run is",
    ),
    ("diagnostics", "these are measured on the full batch"),
    ("segment", "this is measured on the full batch"),
];

impl Length {
    /// Takes the keys that say so out of a grid.
    pub(super) fn read(reader: &mut Reader) -> Self {
        let is_asked = reader.table.contains_key("batch_size");
        let given = reader.count("batch_size", 0);
        let is_wrong = is_asked && given.is_none();
        let batch_size = given.filter(|&size| size > 0);
        let is_stochastic = batch_size.is_some();
        if let Some(batch_size) = batch_size {
            for (key, reason) in FULL_BATCH_ONLY {
                if reader.table.remove(key).is_some() {
                    reader.problems.push(format!(
                        "{key} does not go with batch_size = {batch_size}: {reason}; a grid file of your own has one of the two"
                    ));
                }
            }
        }
        let epochs = reader.count("epochs", 1);
        if let Some(epochs) = epochs.filter(|_| !is_stochastic && !is_wrong) {
            reader.problems.push(format!(
                "epochs = {epochs} goes with mini-batches: add batch_size = 256, or say iterations instead"
            ));
        }
        let mut every = |key: &str, by_iteration, by_epoch| {
            let default = if is_stochastic {
                by_epoch
            } else {
                by_iteration
            };
            reader.count(key, 0).unwrap_or(default)
        };
        let (sharpness_every, accuracy_every) = (
            every("sharpness_every", 100, 2),
            every("accuracy_every", 100, 1),
        );
        Self {
            iterations: if is_stochastic {
                0
            } else {
                reader.count("iterations", 1).unwrap_or(1000)
            },
            mini_batches: batch_size.map(|size| MiniBatchConfig {
                batch_size: usize::try_from(size).unwrap_or(usize::MAX),
                epochs: epochs.unwrap_or(100),
            }),
            sharpness_every,
            accuracy_every,
        }
    }

    /// Makes every run longer by `more` iterations, or epochs.
    pub(super) fn extend(&mut self, more: u64, problems: &mut Vec<String>) {
        let (length, unit) = match &mut self.mini_batches {
            None => (&mut self.iterations, "iterations"),
            Some(batches) => (&mut batches.epochs, "epochs"),
        };
        match length.checked_add(more).filter(|sum| *sum <= MOST) {
            Some(sum) => *length = sum,
            None => problems.push(format!(
                "--extend {more}: with the grid's {length} {unit} that is more than {MOST}: expected at most {}",
                MOST.saturating_sub(*length)
            )),
        }
    }

    /// Finds the networks whose samples do not fill one mini-batch.
    pub(super) fn check(
        &self,
        samples: &SampleCount,
        datasets: &[Dataset],
        networks: &[Architecture],
        problems: &mut Vec<String>,
    ) {
        let Some(MiniBatchConfig { batch_size, .. }) = self.mini_batches else {
            return;
        };
        for (network, dataset) in
            (networks.iter()).flat_map(|network| datasets.iter().map(move |data| (network, data)))
        {
            let samples = samples.of(*dataset, network);
            if let Some(samples) = samples.filter(|&count| count < batch_size) {
                let problem = format!(
                    "batch_size = {batch_size} is larger than the {samples} samples of {}: expected at most {samples}, \
                     or 0 for the full batch",
                    network.name()
                );
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
    }
}
