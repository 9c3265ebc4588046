//! Gradient norms, small activations, the flat saddle, and smoothness along a step of the digits MLP.

mod common;

use burn::tensor::{DType, Device, Tensor, TensorData};
use common::{digits, to_vec};
use flatland_models::{
    Batch, FullBatch, GradientNorms, Initializer, InputShape, Layout, Loss, MlpConfig,
    Nonlinearity, NormSummary,
};
use flatland_optim::module::flatten;
use flatland_optim::{Curvature, Objective, vector};
use flatland_sharpness::{
    Hessian, LanczosConfig, SEGMENT_STEP_SIZES, SpectralDensityConfig, TraceConfig, Wanted,
    eigenpairs, large_step, pairing, segment_smoothness, sharpness, smoothness_up_to,
    spectral_density, trace,
};

const SHAPE: InputShape = InputShape {
    channels: 1,
    height: 2,
    width: 3,
};
const CLASSES: usize = 4;
/// The width of the last hidden layer.
const FEATURES: usize = 3;

/// A small MLP on 12 random images, in chunks of 5.
fn small(activation: Nonlinearity, bias: bool) -> (FullBatch, Tensor<1>) {
    in_chunks(activation, bias, 5)
}

fn in_chunks(activation: Nonlinearity, bias: bool, chunk: usize) -> (FullBatch, Tensor<1>) {
    let device = Device::flex();
    let config = MlpConfig {
        widths: vec![5, FEATURES],
        activation,
        bias,
    };
    let network = config.init(
        SHAPE,
        CLASSES,
        &mut Initializer::new(7, &device, DType::F64),
    );
    let mut stream = flatland_random::stream(7, "test images", 0);
    let images: Vec<f64> = (0..12 * 6)
        .map(|_| flatland_random::normal(&mut stream))
        .collect();
    let labels: Vec<u8> = (0..12u8).map(|i| i * i % 4 + i % 3 / 2).collect();
    let chunks = Batch::chunks(&images, SHAPE, &labels, CLASSES, chunk, &device, DType::F64);
    let point = flatten(&network);
    (FullBatch::new(network, Loss::Mse, chunks), point)
}

/// The point with some parameter tensors replaced.
fn replaced(layout: &Layout, point: &Tensor<1>, change: impl Fn(&str, f64) -> f64) -> Tensor<1> {
    let mut entries = to_vec(point.clone());
    for slot in layout.slots() {
        for entry in &mut entries[slot.range.clone()] {
            *entry = change(&slot.name, *entry);
        }
    }
    let n = entries.len();
    Tensor::from_data(TensorData::new(entries, [n]), (&Device::flex(), DType::F64))
}

/// The matrix of Hessian products with the unit vectors, row by row.
fn dense(objective: &mut FullBatch, point: &Tensor<1>) -> Vec<Vec<f64>> {
    let n = objective.dimension();
    let unit = |i: usize| {
        let entries: Vec<f64> = (0..n).map(|j| f64::from(i == j)).collect();
        Tensor::from_data(TensorData::new(entries, [n]), (&point.device(), DType::F64))
    };
    (0..n)
        .map(|i| to_vec(objective.hvp(point, &unit(i))))
        .collect()
}

/// The flat saddle: the last weight is zero, and so are the last features, because nothing goes into their tanh.
fn saddle() -> (FullBatch, Tensor<1>) {
    let (objective, point) = small(Nonlinearity::Tanh, true);
    let point = replaced(objective.layout(), &point, |name, entry| match name {
        "3.weight" | "3.bias" | "5.weight" => 0.0,
        _ => entry,
    });
    (objective, point)
}

#[test]
fn on_the_flat_saddle_the_hessian_is_the_bias_block_and_pairs() {
    let (mut objective, point) = saddle();
    let names: Vec<_> = (objective.layout().slots().iter())
        .map(|slot| slot.name.clone())
        .collect();
    assert_eq!(
        names,
        [
            "1.weight", "1.bias", "3.weight", "3.bias", "5.weight", "5.bias"
        ]
    );
    let slots = objective.layout().slots();
    let (weight, bias) = (slots[4].range.clone(), slots[5].range.clone());
    let rows = dense(&mut objective, &point);
    let n = rows.len();
    let mut coupling = 0.0f64;
    for (i, row) in rows.iter().enumerate() {
        for (j, entry) in row.iter().enumerate() {
            let couples = weight.contains(&i) != weight.contains(&j)
                && !bias.contains(&i)
                && !bias.contains(&j);
            if couples {
                coupling = coupling.max(entry.abs());
                continue;
            }
            let floor = 2.0 / CLASSES as f64;
            let expected = if i == j && bias.contains(&i) {
                floor
            } else {
                0.0
            };
            assert!((entry - expected).abs() < 1e-15, "({i}, {j}): {entry}");
        }
    }
    assert!(coupling > 1e-2, "B is not zero, so this is a saddle");
    let exact: f64 = (0..n).map(|i| rows[i][i]).sum();
    assert!((exact - 2.0).abs() < 1e-14, "the trace is {exact}");
}

#[test]
fn the_measurements_see_the_flat_saddle() {
    let (mut objective, point) = saddle();
    let hessian = &mut Hessian::new(&mut objective, &point);
    let config = LanczosConfig::new()
        .with_tolerance(1e-10)
        .with_max_products(5000);
    // A singular value of B has one copy for each last feature, with both signs. Magnitudes within such a group are
    // equal up to rounding, so only whole groups have a determined set of eigenvalues: three of them beside the bias
    // block.
    let wanted = Wanted::Magnitude(CLASSES + 3 * 2 * FEATURES);
    let pairs = eigenpairs(hessian, wanted, &config, &[]).unwrap();
    let floor = 2.0 / CLASSES as f64;
    for value in &pairs.values[..CLASSES] {
        assert!((value - floor).abs() < 1e-10, "{:?}", pairs.values);
    }
    let rest = &pairs.values[CLASSES..];
    assert!(rest[0].abs() > 1e-2 && rest[0].abs() < floor);
    assert!(rest.iter().any(|value| *value < -1e-2), "signs are kept");
    assert!((pairing(rest).unwrap() - 1.0).abs() < 1e-8, "{rest:?}");
    assert!(pairing(&pairs.values).unwrap() < 0.9);

    let config = TraceConfig::new().with_tolerance(0.0);
    let found = trace(hessian, &config).unwrap();
    let deviation = (found.value - 2.0).abs() / found.standard_error;
    assert!(deviation < 5.0 && found.standard_error < 0.3, "{found:?}");

    let config = SpectralDensityConfig::new().with_probes(200);
    let density = spectral_density(hessian, &config).unwrap();
    let dimension = point.dims()[0] as f64;
    let above = density.mean(|value| f64::from(value > floor - 1e-9)) * dimension;
    assert!(
        (above - CLASSES as f64).abs() < 0.5,
        "{above} eigenvalues on the line"
    );
}

/// Away from it, none of that holds: the tests above do not pass by themselves.
#[test]
fn at_a_random_point_there_are_no_pairs() {
    let (mut objective, point) = small(Nonlinearity::Tanh, true);
    let rows = dense(&mut objective, &point);
    let exact: f64 = (0..rows.len()).map(|i| rows[i][i]).sum();
    assert!(exact > 2.01);
    let config = LanczosConfig::new().with_max_products(5000);
    let hessian = &mut Hessian::new(&mut objective, &point);
    let pairs = eigenpairs(hessian, Wanted::Magnitude(20), &config, &[]).unwrap();
    assert!(pairing(&pairs.values[CLASSES..]).unwrap() < 0.95);
}

#[test]
fn each_parameter_tensor_has_its_norm() {
    let (objective, point) = small(Nonlinearity::Relu, true);
    let layout = objective.layout();
    let gradient = replaced(layout, &point, |name, _| match name {
        "1.weight" => 1.0,  // 30 entries
        "3.weight" => -2.0, // 15
        "5.bias" => 10.0,   // 4
        _ => 0.0,           // 5 + 3 + 12
    });
    let norms = GradientNorms::of(layout, &gradient);
    let expected = [30f64.sqrt(), 0.0, 60f64.sqrt(), 0.0, 0.0, 20.0];
    assert_eq!(norms.tensors, expected);
    assert_eq!(norms.last_bias(), Some(20.0));
    let mean = (30f64.sqrt() + 60f64.sqrt()) / 5.0;
    let hidden = norms.hidden().unwrap();
    assert!((hidden.mean - mean).abs() < 1e-15);
    let (min, max) = (0.0, 60f64.sqrt());
    assert_eq!(hidden, NormSummary { min, max, ..hidden });
    assert!((norms.zero_share - 20.0 / 69.0).abs() < 1e-15);
}

#[test]
fn without_biases_every_tensor_is_hidden() {
    let (mut objective, point) = small(Nonlinearity::Tanh, false);
    let (_, gradient) = objective.loss_and_gradient(&point);
    let norms = GradientNorms::of(objective.layout(), &gradient);
    assert_eq!((norms.last_bias(), norms.tensors.len()), (None, 3));
    let squares: f64 = norms.tensors.iter().map(|norm| norm * norm).sum();
    assert!((squares.sqrt() - vector::norm(&gradient)).abs() < 1e-15);
    assert_eq!(norms.zero_share, 0.0);
}

/// With the second layer's biases far below zero its ReLUs are dead, and so is every gradient before the last bias.
#[test]
fn dead_relus_are_counted_layer_by_layer_over_all_chunks() {
    let (mut objective, point) = small(Nonlinearity::Relu, true);
    let dead = replaced(objective.layout(), &point, |name, entry| match name {
        "3.bias" => -1e3,
        _ => entry,
    });
    let shares = objective.small_activations(&dead, 1e-6);
    assert_eq!(shares.len(), 2);
    assert_eq!(shares[1], 1.0);
    assert!(shares[0] > 0.1 && shares[0] < 0.9);
    let (whole, _) = in_chunks(Nonlinearity::Relu, true, 12);
    assert_eq!(whole.small_activations(&dead, 1e-6), shares);
    let whole = objective.small_activations(&dead, f64::INFINITY);
    assert_eq!(whole, [1.0, 1.0]);
    assert_eq!(
        objective.small_activations(&dead, 0.0),
        [0.0, 0.0],
        "none is below 0"
    );

    let (_, gradient) = objective.loss_and_gradient(&dead);
    let norms = GradientNorms::of(objective.layout(), &gradient);
    assert_eq!(norms.hidden().unwrap().max, 0.0);
    assert!(norms.last_bias().unwrap() > 0.0);
    assert!((norms.zero_share - 65.0 / 69.0).abs() < 1e-15);
}

/// Both signs count alike, and a layer's share is that of its own features.
#[test]
fn the_threshold_is_on_magnitudes() {
    let (objective, point) = small(Nonlinearity::Tanh, true);
    // Without weights, the second hidden layer puts out the tanh of its biases.
    let layout = objective.layout();
    let mut entries = to_vec(replaced(layout, &point, |name, entry| match name {
        "3.weight" => 0.0,
        _ => entry,
    }));
    let biases = layout.slots()[3].range.clone();
    entries[biases].copy_from_slice(&[-0.01, 0.1, 0.5]);
    let n = entries.len();
    let point = Tensor::from_data(TensorData::new(entries, [n]), (&Device::flex(), DType::F64));
    for (threshold, expected) in [(1e-3, 0.0), (0.02, 1.0), (0.2, 2.0), (0.9, 3.0)] {
        let shares = objective.small_activations(&point, threshold);
        assert!(
            (shares[1] - expected / 3.0).abs() < 1e-12,
            "{threshold}: {shares:?}"
        );
    }
}

/// Along the first step on the digits, every number is checked by another way to it.
#[test]
fn the_segment_of_the_digits_mlp_agrees_with_its_parts() {
    let (_, mut objective, point) = digits(DType::F64, Loss::Mse, 100);
    let (_, gradient) = objective.loss_and_gradient(&point);
    let norm = vector::norm(&gradient);
    let config = LanczosConfig::new().with_tolerance(1e-6);
    let steps = [1e-6, 0.1, 1.0, 10.0];
    let measured = segment_smoothness(&mut objective, &point, &steps, &config).unwrap();
    // As t tends to 0, the change of the gradient tends to the Hessian's image.
    assert!((measured[0].gradient_change / measured[0].hessian_norm - 1.0).abs() < 1e-4);
    for at in &measured {
        let moved = point.clone() - gradient.clone() * at.step_size;
        let exact = sharpness(&mut Hessian::new(&mut objective, &moved), &config, None);
        let exact = exact.unwrap().lambda_max;
        assert!((at.sharpness / exact - 1.0).abs() < 1e-5, "{at:?} {exact}");
        let along = objective.curvature_along(&moved, &gradient) / (norm * norm);
        assert!((at.curvature - along).abs() < 1e-10);
        assert!(at.curvature <= at.hessian_norm && at.curvature <= at.sharpness * (1.0 + 1e-6));
    }
    // Descent for η < 2/l, as far as l was measured.
    let measured =
        segment_smoothness(&mut objective, &point, &SEGMENT_STEP_SIZES, &config).unwrap();
    let before = objective.loss(&point);
    let mut below = 0;
    for step_size in [0.01, 0.1, 1.0, 10.0] {
        let l = smoothness_up_to(&measured, step_size).unwrap();
        let after = objective.loss(&(point.clone() - gradient.clone() * step_size));
        let verdict = large_step(&[(step_size, l)]);
        if verdict.edge_crossed_after.is_none() {
            below += 1;
            assert!(after < before, "{step_size}, l = {l}");
        } else {
            assert!(verdict.is_long);
        }
    }
    assert!(
        (1..=3).contains(&below),
        "{below} of the step sizes are below the edge"
    );
}
