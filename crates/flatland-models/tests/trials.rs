//! Saved passes of trials: the same results with fewer passes.

mod common;

use burn::tensor::{DType, Device, Distribution, Tensor};
use common::to_vec;
use flatland_models::{
    Activation, Batch, BatchNorm2dConfig, Conv2dConfig, Dropout, Flatten, Footprint, FullBatch,
    Initializer, InputShape, Layer, LinearConfig, Loss, Nonlinearity, Sequence,
};
use flatland_optim::module::flatten;
use flatland_optim::{Curvature, LineSearchConfig, Method};

const SIDE: usize = 8;
const SHAPE: InputShape = InputShape {
    channels: 1,
    height: SIDE,
    width: SIDE,
};
/// In three chunks, of which the last is smaller.
const SAMPLES: usize = 11;
const CHUNK: usize = 4;

/// A convolution, batch normalization and a linear layer, with dropout before it.
fn subject(dropout: f64) -> (FullBatch, Tensor<1>) {
    let device = Device::flex();
    let initializer = &mut Initializer::new(3, &device, DType::F32);
    let layers: [Layer; 6] = [
        Conv2dConfig::new(1, 3, 3).init(initializer).into(),
        BatchNorm2dConfig::new(3).init(initializer).into(),
        Activation::new(Nonlinearity::Tanh).into(),
        Flatten::default().into(),
        Dropout::new(dropout).into(),
        LinearConfig::new(3 * (SIDE - 2) * (SIDE - 2), 3)
            .init(initializer)
            .into(),
    ];
    let network = Sequence::numbered(layers);
    let point = flatten(&network);
    let images = to_vec::<1>(Tensor::random(
        [SAMPLES * SIDE * SIDE],
        Distribution::Normal(0.0, 1.0),
        &device,
    ));
    let labels: Vec<u8> = (0..SAMPLES).map(|sample| (sample % 3) as u8).collect();
    let chunks = Batch::chunks(&images, SHAPE, &labels, 3, CHUNK, &device, DType::F32);
    (FullBatch::new(network, Loss::Mse, chunks), point)
}

/// The points, the losses and the running statistics of a search, with a measurement in between.
fn run(mut objective: FullBatch, mut point: Tensor<1>) -> Vec<f64> {
    let mut search = LineSearchConfig::nls().init().unwrap();
    let mut seen = Vec::new();
    for iteration in 0..6 {
        if iteration == 3 {
            seen.extend(to_vec(objective.products_at(&point)(&point)));
        }
        let (next, step) = search.step(&mut objective, point);
        objective.commit_step();
        seen.extend([step.loss, step.step_size, f64::from(step.trials)]);
        seen.extend(to_vec(next.clone()));
        point = next;
    }
    if let Some(running) = objective.running_statistics().cloned() {
        seen.push(objective.evaluate(&point, Some(&running)).loss);
    }
    seen
}

#[test]
fn a_search_that_keeps_its_trials_finds_the_same_bits() {
    // With dropout the masks are others after each step, and nothing may be kept across.
    for dropout in [0.0, 0.5] {
        let (objective, point) = subject(dropout);
        let objective = objective.with_dropout(7);
        let expected = run(objective.clone(), point.clone());
        let of_chunk = Footprint::of(objective.network(), SHAPE).saved_bytes(CHUNK, 4);
        let vector = 4 * point.dims()[0] as u64;
        // All chunks of two trials, one chunk of each, none.
        for (memory, threads) in [
            (u64::MAX, 1),
            (u64::MAX, 2),
            (2 * (of_chunk + vector), 1),
            (of_chunk, 2),
        ] {
            let keeping = objective.clone().with_threads(threads);
            let found = run(keeping.with_memory_for_trials(memory), point.clone());
            assert!(
                found == expected,
                "dropout {dropout}, {memory} bytes, {threads} threads"
            );
        }
    }
}
