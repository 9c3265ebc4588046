//! The complete configuration of a run, and the name that follows from it.
//!
//! A run is a directory that is named by the hash of its configuration. A finished run is therefore found by its name,
//! and skipped. What depends on the memory of the machine (the chunk, the Lanczos basis) is a number before a run has a
//! name.

use flatland_data::Dataset;
use flatland_models::{Architecture, InputShape, Loss};
use flatland_optim::MethodConfig;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::device_name::DeviceName;
use crate::diagnostics::{DiagnosticsConfig, SegmentConfig};
use crate::float_type::FloatType;
use crate::init::Init;
use crate::measurement::MeasurementConfig;

/// Everything that the numbers of a run depend on.
///
/// [`directory_name`](Self::directory_name) contains a hash of all of it. A key that has its default value and was
/// added after the first version is left out of the TOML form, so that older runs keep their names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The data set.
    pub dataset: Dataset,
    /// The training loss.
    pub loss: Loss,
    /// The seed of the samples, the first weights and everything else that is random.
    pub seed: u64,
    /// Iterations of a full-batch run. 0 for a stochastic run, and left out of the file.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub iterations: u64,
    /// Training samples asked for; stratification may round them down.
    pub samples: usize,
    /// If given, the samples are the first of each class, this number of them, in the order of the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_per_class: Option<usize>,
    /// Samples that go through the network together.
    pub chunk: usize,
    /// Iterations (epochs of a stochastic run) between two measurements of the sharpness. 0 for none.
    pub sharpness_every: u64,
    /// Vectors in the Lanczos basis of a measurement, if memory does not allow as many as
    /// [`LanczosConfig`](flatland_sharpness::LanczosConfig) takes by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanczos_basis: Option<usize>,
    /// Iterations (epochs of a stochastic run) between two measurements of the accuracy. 0 for none.
    pub accuracy_every: u64,
    /// Where the first weights come from.
    pub init: Init,
    /// The float type of parameters and data.
    pub dtype: FloatType,
    /// The device that computes.
    pub device: DeviceName,
    /// The network with its options.
    pub network: Architecture,
    /// The method with its options.
    pub method: MethodConfig,
    /// Measurements of the early phase, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<DiagnosticsConfig>,
    /// Measurements along steps, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentConfig>,
    /// How accurately the run measures.
    #[serde(
        default = "MeasurementConfig::first",
        skip_serializing_if = "MeasurementConfig::is_first"
    )]
    pub measurement: MeasurementConfig,
    /// The mini-batches of a stochastic run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mini_batches: Option<MiniBatchConfig>,
}

/// How a stochastic run goes through its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MiniBatchConfig {
    /// Samples in a batch; the last of an epoch may have fewer.
    pub batch_size: usize,
    /// Passes over the samples.
    pub epochs: u64,
}

impl MiniBatchConfig {
    /// The steps of an epoch over `samples` samples.
    pub fn per_epoch(&self, samples: usize) -> u64 {
        samples.div_ceil(self.batch_size) as u64
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl RunConfig {
    /// Reads a `config.toml`. Anybody may have written it, so a configuration that no grid allows is refused.
    ///
    /// # Errors
    ///
    /// The text is not a configuration that this program could have written.
    pub fn from_toml(text: &str) -> Result<Self, RunConfigError> {
        let config: Self = toml::from_str(text)?;
        match config.problem() {
            Some(problem) => Err(RunConfigError::Value(problem)),
            None => Ok(config),
        }
    }

    /// What no grid allows, and what the program could not work with.
    fn problem(&self) -> Option<String> {
        let batches = self.mini_batches.as_ref();
        let counts = [
            ("samples", Some(self.samples)),
            ("first_per_class", self.first_per_class),
            ("chunk", Some(self.chunk)),
            ("lanczos_basis", self.lanczos_basis),
            ("batch_size", batches.map(|batches| batches.batch_size)),
        ];
        let is_zero = |count: &&(&str, Option<usize>)| count.1 == Some(0);
        if let Some((name, _)) = counts.iter().find(is_zero) {
            return Some(format!("{name} = 0: expected at least 1"));
        }
        let diagnostics = self
            .diagnostics
            .as_ref()
            .and_then(DiagnosticsConfig::problem);
        if let Some(problem) = diagnostics {
            return Some(format!("diagnostics: {problem}"));
        }
        if let Some(problem) = self.measurement.problem() {
            return Some(format!("measurement: {problem}"));
        }
        // The hash and the page are made of the TOML form, whose numbers end at 2⁶³ − 1.
        let is_writable = toml::Table::try_from(self).is_ok();
        (!is_writable).then(|| format!("a number is larger than {}", i64::MAX))
    }

    /// The shape of the data set's images.
    pub fn input_shape(&self) -> InputShape {
        input_shape(self.dataset)
    }

    /// The iterations of the run on `samples` samples.
    pub fn steps(&self, samples: usize) -> u64 {
        match &self.mini_batches {
            None => self.iterations,
            Some(batches) => (batches.epochs).saturating_mul(batches.per_epoch(samples)),
        }
    }

    /// The number of samples that the loss of an iteration is the mean over: all, or those of a mini-batch.
    pub fn batch_size(&self) -> usize {
        match &self.mini_batches {
            None => self.samples,
            Some(batches) => batches.batch_size,
        }
    }

    /// The chunk in which samples are uploaded. It is never larger than a mini-batch.
    pub fn upload_chunk(&self) -> usize {
        match &self.mini_batches {
            None => self.chunk,
            Some(batches) => self.chunk.min(batches.batch_size),
        }
    }

    /// The same run with `fewer` iterations (epochs of a stochastic run) less. `None` if no iteration is left.
    pub fn shorter_by(&self, fewer: u64) -> Option<Self> {
        let mut shorter = self.clone();
        let count = match &mut shorter.mini_batches {
            None => &mut shorter.iterations,
            Some(batches) => &mut batches.epochs,
        };
        *count = count.checked_sub(fewer).filter(|&left| left > 0)?;
        Some(shorter)
    }

    /// The configuration as the run's `config.toml` holds it.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration has a TOML form")
    }

    /// The BLAKE3 sum of the TOML form, in hexadecimal digits.
    pub fn hash(&self) -> String {
        blake3::hash(self.to_toml().as_bytes()).to_hex().to_string()
    }

    /// The name of the run's directory: data set, network, method, seed, and the first digits of the
    /// [hash](Self::hash).
    pub fn directory_name(&self) -> String {
        let hash = self.hash();
        let Self {
            dataset,
            network,
            method,
            seed,
            ..
        } = self;
        format!(
            "{dataset}-{}-{}-{seed}-{}",
            network.name(),
            method.name(),
            &hash[..10]
        )
    }

    /// The floor of the sharpness, see [`sharpness_floor`].
    pub fn floor(&self) -> Option<f64> {
        sharpness_floor(self.loss, &self.network, self.dataset.classes())
    }

    /// The configuration without its method: what runs that are compared with each other have in common.
    pub fn problem_key(&self) -> String {
        let mut table = self.to_table();
        table.remove("method");
        table.to_string()
    }

    /// The configuration without its method and its seed.
    pub fn problem_key_over_seeds(&self) -> String {
        let mut table = self.to_table();
        table.remove("method");
        table.remove("seed");
        table.to_string()
    }

    /// The TOML form as a table.
    pub fn to_table(&self) -> toml::Table {
        toml::Table::try_from(self).expect("a configuration has a TOML form")
    }

    /// Whether two runs differ in their method only.
    pub fn is_peer(&self, other: &Self) -> bool {
        let method = self.method.clone();
        *self
            == Self {
                method,
                ..other.clone()
            }
    }
}

/// `2/K`, the sharpness that no point can be below: for mean squared error over `K` classes and a last layer with a
/// bias. The Hessian restricted to that bias is `(2/K)·I`. `None` for other losses and networks.
pub fn sharpness_floor(loss: Loss, network: &Architecture, classes: usize) -> Option<f64> {
    let has_floor = loss == Loss::Mse && network.has_last_bias();
    has_floor.then(|| 2.0 / classes as f64)
}

/// The shape of the images of a data set.
pub fn input_shape(dataset: Dataset) -> InputShape {
    let [height, width] = dataset.image_size();
    InputShape {
        channels: dataset.channels(),
        height,
        width,
    }
}

/// Why a text is not the configuration of a run.
#[derive(Debug, Error)]
pub enum RunConfigError {
    /// It is not TOML, or a key is missing, unknown or has a value of another type.
    #[error(transparent)]
    Format(#[from] toml::de::Error),
    /// A value that no grid allows.
    #[error("{0}")]
    Value(String),
}
