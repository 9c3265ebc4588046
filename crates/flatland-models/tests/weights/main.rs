//! Weight files: both formats, PyTorch's own files, and files that do not fit or are damaged.

#[path = "../common/mod.rs"]
mod common;
mod reading;
mod refused;
mod writing;

use std::collections::HashMap;
use std::path::Path;

use burn::tensor::{DType, Device};
use common::to_vec;
use flatland_models::{
    Activation, BatchNorm2dConfig, Conv2dConfig, Flatten, Initializer, InputShape, LinearConfig,
    LoadedWeights, MlpConfig, Nonlinearity, RunningStatistics, Sequence, WeightsError,
    load_weights,
};
use safetensors::tensor::{Dtype, TensorView};

fn initializer(dtype: DType) -> Initializer {
    Initializer::new(0, &Device::flex(), dtype)
}

/// The network of `mlp.pt`.
fn mlp(classes: usize) -> Sequence {
    let shape = InputShape {
        channels: 1,
        height: 2,
        width: 2,
    };
    MlpConfig {
        widths: vec![3],
        activation: Nonlinearity::Tanh,
        bias: true,
    }
    .init(shape, classes, &mut initializer(DType::F64))
}

/// The network of `batch_norm.pt`.
fn batch_norm_net(dtype: DType) -> Sequence {
    let initializer = &mut initializer(dtype);
    Sequence::numbered([
        Conv2dConfig::new(1, 2, 3)
            .with_bias(false)
            .init(initializer)
            .into(),
        BatchNorm2dConfig::new(2).init(initializer).into(),
        Activation::new(Nonlinearity::Relu).into(),
        Flatten::default().into(),
        LinearConfig::new(8, 2).init(initializer).into(),
    ])
}

fn load(path: &Path, network: &Sequence) -> Result<LoadedWeights, WeightsError> {
    load_weights(path, network, &Device::flex(), DType::F64)
}

/// What `make_weights.py` puts into the `k`-th tensor of a state dict.
fn formula(k: usize, entries: usize) -> Vec<f64> {
    (0..entries)
        .map(|i| (1 + (7 * k + 3 * i) % 16) as f64 / 16.0)
        .collect()
}

/// The running statistics by name.
fn running(statistics: &RunningStatistics) -> HashMap<String, Vec<f64>> {
    (statistics.tensors())
        .map(|(name, tensor)| (name, to_vec(tensor.clone())))
        .collect()
}

fn named<'a>(entries: impl IntoIterator<Item = (&'a str, Vec<f64>)>) -> HashMap<String, Vec<f64>> {
    (entries.into_iter())
        .map(|(name, entries)| (name.to_owned(), entries))
        .collect()
}

/// Writes a safetensors file of tensors that all hold ones.
fn write_ones(path: &Path, tensors: &[(&str, &[usize], Dtype)]) {
    let bytes: Vec<Vec<u8>> = (tensors.iter())
        .map(|(_, shape, dtype)| {
            let one: &[u8] = match dtype {
                Dtype::F16 => &[0x00, 0x3c],
                Dtype::BF16 => &[0x80, 0x3f],
                Dtype::F32 => &[0, 0, 0x80, 0x3f],
                Dtype::F64 => &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
                Dtype::I64 => &[1, 0, 0, 0, 0, 0, 0, 0],
                other => panic!("no one for {other:?}"),
            };
            one.repeat(shape.iter().product())
        })
        .collect();
    let views = (tensors.iter().zip(&bytes)).map(|((name, shape, dtype), bytes)| {
        let view = TensorView::new(*dtype, shape.to_vec(), bytes).unwrap();
        (name.to_string(), view)
    });
    safetensors::serialize_to_file(views, None, path).unwrap();
}
