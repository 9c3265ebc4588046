//! For every network, in f64: gradients and Hessian products are those of burn's tape, products are symmetric and equal
//! central differences of gradients, and the forward pass with a tangent yields the slope `g·v`. Dropout, whose masks
//! must stay put for that, has its own tests.

mod common;

use burn::tensor::{DType, Device, Tensor, TensorData};
use common::to_vec;
use flatland_models::{
    Architecture, Batch, DenseNet121Config, Dropout, Dual, Flatten, ForwardPass, FullBatch,
    Initializer, InputShape, Layout, Loss, Masks, Norm, ResNetConfig, Sequence,
};
use flatland_optim::{Curvature, Objective, module::flatten, vector};
use serde_json::json;

const COLOUR: InputShape = InputShape {
    channels: 3,
    height: 32,
    width: 32,
};
const GREY: InputShape = InputShape {
    channels: 1,
    height: 28,
    width: 28,
};
const SAMPLES: usize = 3;

fn draws(purpose: &str, index: u64, count: usize) -> Vec<f64> {
    let mut stream = flatland_random::stream(7, purpose, index);
    (0..count)
        .map(|_| flatland_random::normal(&mut stream))
        .collect()
}

fn tensor<const D: usize>(entries: Vec<f64>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(
        TensorData::new(entries, shape),
        (&Device::flex(), DType::F64),
    )
}

fn images(input: InputShape) -> Vec<f64> {
    let pixels = input.channels * input.height * input.width;
    draws("images", 0, SAMPLES * pixels)
}

fn problem(
    architecture: &Architecture,
    input: InputShape,
    loss: Loss,
    chunk: usize,
) -> (FullBatch, Tensor<1>) {
    let device = Device::flex();
    let network = architecture
        .init(input, 10, &mut Initializer::new(3, &device, DType::F64))
        .unwrap();
    let chunks = Batch::chunks(
        &images(input),
        input,
        &[0, 3, 9],
        10,
        chunk,
        &device,
        DType::F64,
    );
    // Moved a little: where all shifts are zero, a dead channel sits exactly on the kink of the next ReLU.
    let point = flatten(&network);
    let [dimension] = point.dims();
    let point = point + tensor(draws("shift", 0, dimension), [dimension]) * 0.01;
    (FullBatch::new(network, loss, chunks), point)
}

/// A direction of length one.
fn direction(index: u64, dimension: usize) -> Tensor<1> {
    let v = tensor(draws("direction", index, dimension), [dimension]);
    let length = vector::norm(&v);
    v / length
}

fn check(architecture: &Architecture, input: InputShape, loss: Loss) {
    let name = format!("{} {loss:?} {input:?}", architecture.name());
    // Ghost batches of one sample have no statistics: a network with batch normalization needs all in one chunk.
    let (mut objective, point) = problem(architecture, input, loss, SAMPLES);
    let (u, v) = (
        direction(1, objective.dimension()),
        direction(2, objective.dimension()),
    );
    let product = objective.hvp(&point, &v);
    let other = objective.hvp(&point, &u);
    let (left, right) = (vector::dot(&u, &product), vector::dot(&v, &other));
    let size = vector::norm(&product);
    assert!(
        (left - right).abs() < 1e-12 * size,
        "{name}: uᵀHv {left:e}, vᵀHu {right:e}, ‖Hv‖ {size:e}"
    );
    drop(other);

    let error = part(&mut objective, &point, &v, &product);
    assert!(
        error < 1e-6,
        "{name}: H·v and central differences part by {error:e}"
    );

    let (value, gradient) = objective.loss_and_gradient(&point);
    for (what, by_hand, taped) in [
        (
            "gradient",
            &gradient,
            taped(&objective, &point, None, input, loss),
        ),
        (
            "H·v",
            &product,
            taped(&objective, &point, Some(&v), input, loss),
        ),
    ] {
        // Batch normalization of three samples amplifies rounding a lot.
        let error = vector::norm(&(taped.clone() - by_hand.clone())) / vector::norm(&taped);
        assert!(
            error < 1e-9,
            "{name}: {what} differs by {error:e} from the tape's"
        );
    }
    assert_eq!(value, objective.loss(&point), "{name}");

    let slope = slope(&objective, &point, &v, input, loss);
    let expected = vector::dot(&gradient, &v);
    assert!(
        (slope - expected).abs() < 1e-12 * vector::norm(&gradient),
        "{name}: slope {slope:e}, g·v {expected:e}"
    );
}

/// The relative distance between a Hessian product and the central difference of gradients. The step must be short
/// enough to cross no kink and long enough for the rounding of the gradients: the best of three counts.
fn part(objective: &mut FullBatch, point: &Tensor<1>, v: &Tensor<1>, product: &Tensor<1>) -> f64 {
    let mut best = f64::INFINITY;
    for step in [1e-6, 1e-7, 1e-8] {
        let mut gradient = |sign: f64| {
            let moved = point.clone() + v.clone() * (sign * step);
            objective.loss_and_gradient(&moved).1
        };
        let difference = (gradient(1.0) - gradient(-1.0)) / (2.0 * step);
        best = best.min(vector::norm(&(difference - product.clone())) / vector::norm(product));
        if best < 1e-6 {
            break;
        }
    }
    best
}

/// The gradient, or the Hessian product, by one backward pass of burn.
fn taped(
    objective: &FullBatch,
    point: &Tensor<1>,
    v: Option<&Tensor<1>>,
    input: InputShape,
    loss: Loss,
) -> Tensor<1> {
    let pass = ForwardPass::taped(objective.layout(), point);
    let parts = match v {
        Some(v) => {
            let pass = pass.along(v);
            let slope = share(objective, &pass, input, loss).tangent.unwrap();
            pass.gradient(slope.backward())
        }
        None => pass.gradient(share(objective, &pass, input, loss).value.backward()),
    };
    Tensor::cat(parts, 0)
}

/// The derivative of the loss along `v`, from one forward pass without a tape.
fn slope(
    objective: &FullBatch,
    point: &Tensor<1>,
    v: &Tensor<1>,
    input: InputShape,
    loss: Loss,
) -> f64 {
    let pass = ForwardPass::plain(objective.layout(), point).along(v);
    let loss = share(objective, &pass, input, loss);
    loss.tangent.unwrap().into_scalar()
}

/// The loss of all samples in one chunk.
fn share(objective: &FullBatch, pass: &ForwardPass<'_>, input: InputShape, loss: Loss) -> Dual<1> {
    let InputShape {
        channels,
        height,
        width,
    } = input;
    let images = tensor(images(input), [SAMPLES, channels, height, width]);
    let mut targets = vec![0.0; SAMPLES * 10];
    for (row, label) in [0, 3, 9].into_iter().enumerate() {
        targets[10 * row + label] = 1.0;
    }
    let logits = objective.network().logits(pass, images);
    loss.share_of_mean(logits, tensor(targets, [SAMPLES, 10]), SAMPLES)
}

fn check_named(name: &str) {
    let architecture = Architecture::named(name).unwrap();
    check(&architecture, COLOUR, Loss::Mse);
    check(&architecture, GREY, Loss::CrossEntropy);
}

#[test]
fn mlp_and_cnn() {
    check_named("mlp");
    check_named("cnn");
}

#[test]
fn vgg11() {
    check(&Architecture::named("vgg11").unwrap(), GREY, Loss::Mse);
}

#[test]
fn resnet34() {
    check_named("resnet34");
    let config = ResNetConfig {
        norm: Norm::Batch,
        last_bias: false,
    };
    check(&Architecture::Resnet34(config), COLOUR, Loss::Mse);
}

#[test]
fn wide_resnet50_2() {
    check(
        &Architecture::named("wide-resnet50-2").unwrap(),
        COLOUR,
        Loss::Mse,
    );
}

#[test]
fn densenet121() {
    check_named("densenet121");
}

/// The activations that no network has by default.
#[test]
fn smooth_activations() {
    for activation in ["tanh", "gelu", "silu", "elu", "softplus"] {
        let architecture = json!({ "name": "mlp", "widths": [20, 15], "activation": activation });
        let architecture = serde_json::from_value(architecture).unwrap();
        check(&architecture, GREY, Loss::CrossEntropy);
    }
}

#[test]
fn vit() {
    check_named("vit");
}

/// With dropout the loss is one smooth function until a step is committed.
#[test]
fn dropped_entries_stay_dropped_until_a_step() {
    let architecture = Architecture::Densenet121(DenseNet121Config {
        dropout: 0.2,
        ..DenseNet121Config::default()
    });
    let (objective, point) = problem(&architecture, COLOUR, Loss::Mse, SAMPLES);
    let undropped = objective.clone().loss(&point);
    let mut objective = objective.with_dropout(5);
    let loss = objective.loss(&point);
    assert_eq!(loss, objective.loss(&point));
    assert!(
        (loss - undropped).abs() > 1e-6 * undropped,
        "nothing dropped"
    );
    let (taped, _) = objective.loss_and_gradient(&point);
    assert!((taped - loss).abs() < 1e-12 * loss);

    let v = direction(2, objective.dimension());
    let product = objective.hvp(&point, &v);
    let error = part(&mut objective, &point, &v, &product);
    assert!(error < 1e-6, "{error:e}");

    assert_eq!(
        objective.evaluate(&point, None).loss,
        undropped,
        "a test drops nothing"
    );
    objective.commit_step();
    assert_ne!(loss, objective.loss(&point), "a step draws new masks");
}

/// Masks differ between chunks, steps, layers and seeds, drop the share they should, and keep the mean.
#[test]
fn masks_are_independent_and_fair() {
    let input = tensor(vec![1.0; 40_000], [4, 10_000]);
    let layout = Layout::default();
    let point = tensor(Vec::new(), [0]);
    let masks = |seed, step, chunk| Masks { seed, step, chunk };
    let network = Sequence::numbered([
        Flatten::default().into(),
        Dropout::new(0.25).into(),
        Dropout::new(0.0).into(),
    ]);
    let drop = |masks| {
        let pass = ForwardPass::plain(&layout, &point).dropping(masks);
        let image = input.clone().reshape([4, 1, 100, 100]);
        to_vec(network.logits(&pass, image).value)
    };
    let first = drop(masks(1, 2, 3));
    let zeros = first.iter().filter(|&&x| x == 0.0).count();
    assert!((9_500..10_500).contains(&zeros), "{zeros} of 40000 dropped");
    assert!(first.iter().all(|&x| x == 0.0 || x == 1.0 / 0.75));
    for other in [masks(2, 2, 3), masks(1, 3, 3), masks(1, 2, 4)] {
        let agree = first.iter().zip(drop(other)).filter(|(a, b)| *a == b);
        let share = agree.count() as f64 / 40_000.0; // of independent masks: 0.75² + 0.25²
        assert!((share - 0.625).abs() < 0.01, "{share}");
    }
    // What is left of two layers in a row is what both leave: with one mask for both it would be as much as of one.
    let twice = Sequence::numbered([
        Flatten::default().into(),
        Dropout::new(0.5).into(),
        Dropout::new(0.5).into(),
    ]);
    let pass = ForwardPass::plain(&layout, &point).dropping(masks(1, 2, 3));
    let left = to_vec(twice.logits(&pass, input.reshape([4, 1, 100, 100])).value);
    assert!(left.iter().all(|&x| x == 0.0 || x == 4.0));
    let share = left.iter().filter(|&&x| x > 0.0).count() as f64 / 40_000.0;
    assert!((share - 0.25).abs() < 0.01, "{share}");
}
