//! One cell of a grid: the complete configuration of a run, and the name that follows from it.

use std::fmt;

use burn::tensor::DType;
use clap::ValueEnum;
use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};
use serde::{Deserialize, Serialize};

use crate::device::DeviceName;
use crate::diagnostics::{DiagnosticsConfig, SegmentConfig};
use crate::method::MethodConfig;

/// Everything that a run's numbers depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellConfig {
    pub dataset: Dataset,
    pub loss: Loss,
    pub seed: u64,
    /// Iterations of a full-batch run; 0, and left out of the file, of a stochastic one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub iterations: u64,
    /// Training samples asked for; stratification may round them down.
    pub samples: usize,
    /// Where given, the samples are the first so many of each class, in the order of the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_per_class: Option<usize>,
    /// Samples that go through the network together.
    pub chunk: usize,
    /// Iterations, of a stochastic run epochs, between two measurements of the sharpness, 0 for none.
    pub sharpness_every: u64,
    /// Vectors in the basis of a measurement, where memory does not allow as many as
    /// [`LanczosConfig`](flatland_sharpness::LanczosConfig) takes by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanczos_basis: Option<usize>,
    /// Iterations, of a stochastic run epochs, between two measurements of the accuracy, 0 for none.
    pub accuracy_every: u64,
    pub init: Init,
    pub dtype: FloatType,
    pub device: DeviceName,
    pub network: Architecture,
    pub method: MethodConfig,
    /// Measurements of the early phase, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<DiagnosticsConfig>,
    /// Measurements along steps, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentConfig>,
    /// Of a stochastic run.
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
    /// The steps of an epoch over so many samples.
    pub fn per_epoch(&self, samples: usize) -> u64 {
        samples.div_ceil(self.batch_size) as u64
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl CellConfig {
    /// The iterations of the run on so many samples.
    pub fn steps(&self, samples: usize) -> u64 {
        match &self.mini_batches {
            None => self.iterations,
            Some(batches) => batches.epochs.saturating_mul(batches.per_epoch(samples)),
        }
    }

    /// The samples that the loss of an iteration is the mean over: all, or those of a mini-batch.
    pub fn batch_size(&self) -> usize {
        match &self.mini_batches {
            None => self.samples,
            Some(batches) => batches.batch_size,
        }
    }

    /// The chunk that samples are uploaded in: no mini-batch has one that is larger than itself.
    pub fn upload_chunk(&self) -> usize {
        match &self.mini_batches {
            None => self.chunk,
            Some(batches) => self.chunk.min(batches.batch_size),
        }
    }

    /// The same run with so many iterations, of a stochastic one epochs, fewer; nothing if none is left.
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

    /// The name of the run's directory: what a reader looks for, then a hash of the complete configuration.
    pub fn directory_name(&self) -> String {
        let hash = blake3::hash(self.to_toml().as_bytes()).to_hex();
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

    /// `2/K`, below which the sharpness cannot fall, where there is such a floor: with mean squared error and a bias in the
    /// last layer.
    pub fn floor(&self) -> Option<f64> {
        let has_floor = self.loss == Loss::Mse && self.network.has_last_bias();
        has_floor.then(|| 2.0 / self.dataset.classes() as f64)
    }

    /// Whether two runs differ in their method only, so that they belong in one picture.
    pub fn is_peer(&self, other: &Self) -> bool {
        let method = self.method.clone();
        *self
            == Self {
                method,
                ..other.clone()
            }
    }
}

/// Where the first weights come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Init {
    /// Drawn from PyTorch's default distribution with the run's seed.
    Pytorch,
    /// Read from a safetensors file, or one that `torch.save` wrote.
    File(std::path::PathBuf),
}

impl From<String> for Init {
    fn from(text: String) -> Self {
        match text.as_str() {
            "pytorch" => Self::Pytorch,
            _ => Self::File(text.into()),
        }
    }
}

impl From<Init> for String {
    fn from(init: Init) -> Self {
        match init {
            Init::Pytorch => "pytorch".to_owned(),
            Init::File(path) => path.display().to_string(),
        }
    }
}

/// The float type of parameters and data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum FloatType {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl fmt::Display for FloatType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}

impl From<FloatType> for DType {
    fn from(float: FloatType) -> Self {
        match float {
            FloatType::F32 => Self::F32,
            FloatType::F64 => Self::F64,
        }
    }
}
