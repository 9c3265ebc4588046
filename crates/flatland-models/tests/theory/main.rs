//! The paper's statements about networks, on many small ones drawn at random.

mod bias_block;
mod constant_predictions;
mod saddle;
mod steps;

#[path = "../common/mod.rs"]
mod common;

use std::ops::Range;

use burn::tensor::{DType, Device, Tensor, TensorData};
use common::to_vec;
use flatland_models::{
    Architecture, Batch, CnnConfig, FullBatch, Initializer, InputShape, Layout, Loss, MlpConfig,
    Nonlinearity, Norm,
};
use flatland_optim::module::flatten;
use flatland_optim::{Curvature, Objective};
use flatland_sharpness::LanczosConfig;
use proptest::prelude::*;

const SHAPE: InputShape = InputShape {
    channels: 1,
    height: 4,
    width: 4,
};
const PIXELS: usize = 16;

/// A point of the network on the plain CPU, in `f64`.
fn vector(entries: Vec<f64>) -> Tensor<1> {
    let n = entries.len();
    Tensor::from_data(TensorData::new(entries, [n]), (&Device::flex(), DType::F64))
}

/// Images of independent standard normal pixels, row by row.
fn images(samples: usize, seed: u64) -> Vec<f64> {
    let mut stream = flatland_random::stream(seed, "test images", 0);
    (0..samples * PIXELS)
        .map(|_| flatland_random::normal(&mut stream))
        .collect()
}

fn mlp(widths: Vec<usize>, activation: Nonlinearity, bias: bool) -> Architecture {
    Architecture::Mlp(MlpConfig {
        widths,
        activation,
        bias,
    })
}

fn cnn(activation: Nonlinearity, bias: bool) -> Architecture {
    Architecture::Cnn(CnnConfig {
        channels: [3, 2],
        activation,
        norm: Norm::None,
        bias,
    })
}

/// A network on random images with these labels, in chunks of 5, and its initial weights.
fn problem(
    architecture: &Architecture,
    classes: usize,
    labels: &[u8],
    loss: Loss,
    seed: u64,
) -> (FullBatch, Tensor<1>) {
    let device = Device::flex();
    let network = architecture
        .init(
            SHAPE,
            classes,
            &mut Initializer::new(seed, &device, DType::F64),
        )
        .unwrap();
    let images = images(labels.len(), seed);
    let chunks = Batch::chunks(&images, SHAPE, labels, classes, 5, &device, DType::F64);
    let point = flatten(&network);
    (FullBatch::new(network, loss, chunks), point)
}

/// A number of classes, and labels below it.
fn labels() -> impl Strategy<Value = (usize, Vec<u8>)> {
    (2..7usize).prop_flat_map(|classes| {
        (
            Just(classes),
            prop::collection::vec(0..classes as u8, 3..12),
        )
    })
}

/// The point with the entries of each parameter tensor changed, by its name and their index.
fn changed(
    layout: &Layout,
    point: &Tensor<1>,
    change: impl Fn(&str, usize, f64) -> f64,
) -> Tensor<1> {
    let mut entries = to_vec(point.clone());
    for slot in layout.slots() {
        for (index, entry) in entries[slot.range.clone()].iter_mut().enumerate() {
            *entry = change(&slot.name, index, *entry);
        }
    }
    vector(entries)
}

/// Where the last parameter tensor lies, which is the last bias in a network that has one.
fn last(layout: &Layout) -> Range<usize> {
    layout.slots().last().unwrap().range.clone()
}

/// The columns of the Hessian with these indices.
fn columns(objective: &mut FullBatch, point: &Tensor<1>, which: Range<usize>) -> Vec<Vec<f64>> {
    let n = objective.dimension();
    which
        .map(|i| {
            let unit = vector((0..n).map(|j| f64::from(i == j)).collect());
            to_vec(objective.hvp(point, &unit))
        })
        .collect()
}

/// The share of each class among the labels: the mean one-hot target.
fn shares(classes: usize, labels: &[u8]) -> Vec<f64> {
    let of = |class| (labels.iter().filter(|&&label| usize::from(label) == class)).count();
    (0..classes)
        .map(|class| of(class) as f64 / labels.len() as f64)
        .collect()
}

fn accurate() -> LanczosConfig {
    LanczosConfig::new()
        .with_tolerance(1e-9)
        .with_max_products(20_000)
}
