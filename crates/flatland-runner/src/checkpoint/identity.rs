//! Which run a checkpoint belongs to.

use anyhow::{Result, ensure};
use flatland_config::RunConfig;
use flatland_records::{DataFile, Provenance};
use serde::{Deserialize, Serialize};

/// What must not change between two parts of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// The BLAKE3 sum of the complete configuration.
    pub configuration: String,
    /// The data files with their SHA-256 sums, in the order in which they are read.
    pub data: Vec<(String, String)>,
    /// The BLAKE3 sum of the file with initial weights, if one was given.
    pub initial_weights: Option<String>,
}

impl RunIdentity {
    /// The identity of a run.
    pub fn new(config: &RunConfig, provenance: &Provenance) -> Self {
        let data = provenance.data.iter();
        Self {
            configuration: config.hash(),
            data: data
                .map(|DataFile { path, sha256, .. }| (path.clone(), sha256.clone()))
                .collect(),
            initial_weights: provenance.initial_weights.clone(),
        }
    }

    /// Checks that a run of this identity may be resumed from a checkpoint of the `other`. Files may have moved.
    ///
    /// # Errors
    ///
    /// What differs, with both checksums.
    pub fn check(&self, other: &Self) -> Result<()> {
        ensure!(
            self.configuration == other.configuration,
            "it belongs to another configuration (checksum {}, here {})",
            other.configuration,
            self.configuration
        );
        ensure!(
            self.data.len() == other.data.len(),
            "the run was made from {} data files, and there are {} now",
            other.data.len(),
            self.data.len()
        );
        for ((path, sum), (_, before)) in self.data.iter().zip(&other.data) {
            ensure!(
                sum == before,
                "the data file {path} has changed since the run was started: its SHA-256 sum was {before} and is {sum} \
                 now; put the old file back, or remove the run's folder to start again"
            );
        }
        ensure!(
            self.initial_weights == other.initial_weights,
            "the file with the initial weights has changed since the run was started: its BLAKE3 sum was {} and is {} \
             now; put the old file back, or remove the run's folder to start again",
            other.initial_weights.as_deref().unwrap_or("unknown"),
            self.initial_weights.as_deref().unwrap_or("unknown")
        );
        Ok(())
    }
}
