//! Arguments of the commands that look at a saved point, a device or the data sets.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use flatland_data::Dataset;

use crate::cell::FloatType;
use crate::device::DeviceName;

#[derive(Debug, Args)]
#[command(
    long_about = "Measure a saved point, without training: the trace and the density of the Hessian's spectrum, its \
        eigenvalues of largest magnitude and how well they pair, the gradient's norm by parameter, dead activations, \
        and the smoothness along the gradient. Prints tables; writes spectrum.json and spectrum.svg."
)]
pub struct SpectrumArgs {
    /// The file with the weights, under PyTorch's names: a run's weights.safetensors, or a .pt file.
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    /// The data set of the loss.
    #[arg(long, value_name = "NAME")]
    pub dataset: Dataset,
    /// The network: a name, or a table as in a grid, '{ name = "cnn", channels = [16, 16] }'.
    #[arg(long, value_name = "NETWORK")]
    pub network: String,
    /// The loss: mse or cross-entropy.
    #[arg(long, default_value = "mse", value_name = "LOSS")]
    pub loss: String,
    /// Training samples, class by class, chosen by the seed as in a run.
    #[arg(long, default_value_t = 5000, value_name = "N")]
    pub samples: usize,
    /// In place of --samples: the first so many of each class, in the order of the files.
    #[arg(long, value_name = "N", conflicts_with = "samples")]
    pub first_per_class: Option<usize>,
    /// The seed of the samples and of everything random in the measurements.
    #[arg(long, default_value_t = 42, value_name = "SEED")]
    pub seed: u64,
    /// Samples that go through the network together.
    #[arg(long, value_name = "N")]
    pub chunk: Option<usize>,
    /// How many eigenvalues of largest magnitude.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub eigenvalues: usize,
    /// How many of the smallest eigenvalues: the most negative ones.
    #[arg(long, default_value = "5", value_name = "N")]
    pub smallest: NonZeroUsize,
    /// Random vectors for the density.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub probes: usize,
    /// Lanczos steps from each.
    #[arg(long, default_value_t = 80, value_name = "N")]
    pub steps: usize,
    /// Where to compute.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceName,
    /// Float type to compute in.
    #[arg(long, value_name = "DTYPE", default_value = "f32")]
    pub dtype: FloatType,
    /// Folder that holds the data sets, one folder each.
    #[arg(long, default_value = "datasets", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Folder for what is written; that of the weights if not given.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Check a device: every operator's value, tangent, gradient and Hessian product, and those of small \
        networks, against the same numbers in double precision on flex.\n\n\
        Graphics drivers and generated kernels can be wrong without a word. A run on wgpu or cuda is preceded by this \
        check, once for every device and build; its verdict is kept in the results folder and in run.json.\n\n\
        Exit code: 0 sound, 1 not sound, 2 the device cannot be used."
)]
pub struct DoctorArgs {
    /// The device to check.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceName,
    /// Float type to compute in.
    #[arg(long, value_name = "DTYPE", default_value = "f32")]
    pub dtype: FloatType,
}

#[derive(Debug, Args)]
pub struct DataArgs {
    /// Folder that holds the data sets, one folder each.
    #[arg(long, default_value = "datasets", value_name = "DIR")]
    pub data_dir: PathBuf,
}
