//! Chunks in parallel have the same results.

mod common;

use burn::tensor::{DType, Device, Distribution, Tensor};
use common::to_vec;
use flatland_models::{Architecture, Batch, Footprint, FullBatch, Initializer, InputShape, Loss};
use flatland_optim::module::flatten;
use flatland_optim::{Curvature, Objective};
use serde_json::json;

const SHAPE: InputShape = InputShape {
    channels: 2,
    height: 8,
    width: 8,
};

/// Everything that an objective says of a point, with batch normalization, so that the chunks' statistics count, too.
fn all_of(objective: &mut FullBatch, point: &Tensor<1>, direction: &Tensor<1>) -> Vec<f64> {
    let (loss, gradient) = objective.loss_and_gradient(point);
    objective.commit_step();
    let running = objective.running_statistics().unwrap().clone();
    let (train, test) = (
        objective.evaluate(point, None),
        objective.evaluate(point, Some(&running)),
    );
    let evaluations = [train, test].map(|found| [found.loss, found.accuracy]);
    let products = to_vec(objective.products_at(point)(direction));
    [
        vec![loss, objective.loss(point)],
        to_vec(gradient),
        to_vec(objective.hvp(point, direction)),
        products,
        evaluations.concat(),
        objective.small_activations(point, 0.1),
    ]
    .concat()
}

#[test]
fn threads_do_not_change_a_bit() {
    let device = Device::flex();
    let architecture: Architecture =
        serde_json::from_value(json!({ "name": "cnn", "channels": [4, 4], "norm": "batch" }))
            .unwrap();
    let mut initializer = Initializer::new(3, &device, DType::F32);
    let network = architecture.init(SHAPE, 3, &mut initializer).unwrap();
    let point = flatten(&network);
    let direction = Tensor::random([point.dims()[0]], Distribution::Default, &device);
    let samples = 29; // the last chunk is smaller
    let images = to_vec::<1>(Tensor::random(
        [samples * 2 * 8 * 8],
        Distribution::Normal(0.0, 1.0),
        &device,
    ));
    let labels: Vec<u8> = (0..samples).map(|sample| (sample % 3) as u8).collect();
    let chunks = Batch::chunks(&images, SHAPE, &labels, 3, 4, &device, DType::F32);
    assert_eq!(chunks.len(), 8);
    let objective = FullBatch::new(network, Loss::Mse, chunks);
    let expected = all_of(&mut objective.clone(), &point, &direction);
    // Nothing is kept between the products, or all, or some.
    let of_chunk = Footprint::of(objective.network(), SHAPE).saved_bytes(4, 4);
    for (threads, chunks) in [(1, 0), (2, 8), (3, 5), (5, 3), (9, 1)] {
        let mut objective =
            (objective.clone().with_threads(threads)).with_memory_for_products(chunks * of_chunk);
        assert!(
            all_of(&mut objective, &point, &direction) == expected,
            "{threads} threads, {chunks} chunks kept"
        );
    }
}
