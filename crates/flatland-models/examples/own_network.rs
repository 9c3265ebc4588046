//! A network of your own layers, trained by gradient descent with a large step size, and its sharpness.
//!
//! ```sh
//! cargo run --release -p flatland-models --example own_network
//! ```

use burn::tensor::{DType, Device};
use flatland_models::{
    Activation, AvgPool2d, Batch, Conv2dConfig, Flatten, FullBatch, Initializer, InputShape, Layer,
    LinearConfig, Loss, MaxPool2d, Nonlinearity, Sequence,
};
use flatland_optim::module::flatten;
use flatland_optim::{GradientDescentConfig, Method};
use flatland_sharpness::{Hessian, LanczosConfig, sharpness};

const SHAPE: InputShape = InputShape {
    channels: 1,
    height: 8,
    width: 8,
};
const CLASSES: usize = 4;
const SAMPLES: usize = 200;
const STEP_SIZE: f64 = 0.4;

/// A convolution with a residual connection beside it, then a linear layer.
fn network(initializer: &mut Initializer) -> Sequence {
    let mut conv = |channels_in| -> Layer {
        let config = Conv2dConfig::new(channels_in, 8, 3).with_padding(1);
        config.init(initializer).into()
    };
    let (first, second) = (conv(1), conv(8));
    let tanh = || Activation::new(Nonlinearity::Tanh);
    let block = Sequence::residual(vec![("conv", second)]).followed_by(tanh());
    let head = LinearConfig::new(8 * 2 * 2, CLASSES).init(initializer);
    Sequence::named(vec![
        ("stem", first),
        ("tanh", tanh().into()),
        ("maxpool", MaxPool2d::new(2).into()),
        ("block", block.into()),
        ("avgpool", AvgPool2d::new(2).into()),
        ("flatten", Flatten::default().into()),
        ("head", head.into()),
    ])
}

/// Noisy images with one bright quadrant, which is the class.
fn samples() -> (Vec<f64>, Vec<u8>) {
    let mut stream = flatland_random::stream(1, "images", 0);
    let labels: Vec<u8> = (0..SAMPLES).map(|i| (i % CLASSES) as u8).collect();
    let images = labels.iter().flat_map(|&label| {
        let noise: Vec<f64> = (0..64)
            .map(|_| flatland_random::normal(&mut stream))
            .collect();
        let pixels = noise.into_iter().enumerate();
        pixels.map(move |(pixel, noise)| {
            let quadrant = 2 * (pixel / 32) + pixel % 8 / 4;
            noise + f64::from(quadrant == usize::from(label))
        })
    });
    (images.collect(), labels)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex();
    let network = network(&mut Initializer::new(1, &device, DType::F32));
    let mut point = flatten(&network);
    let (images, labels) = samples();
    let chunks = Batch::chunks(&images, SHAPE, &labels, CLASSES, 50, &device, DType::F32);
    let mut objective = FullBatch::new(network, Loss::Mse, chunks);
    for slot in objective.layout().slots() {
        println!("{:18} {:?}", slot.name, slot.shape);
    }

    let mut method = GradientDescentConfig::new(STEP_SIZE).init()?;
    println!(
        "\niteration    loss  accuracy   λ₁ (edge of stability: {:.2})",
        2.0 / STEP_SIZE
    );
    let mut previous = None;
    for iteration in 0..=300 {
        if iteration % 50 == 0 {
            let evaluation = objective.evaluate(&point, None);
            let mut hessian = Hessian::new(&mut objective, &point);
            let found = sharpness(&mut hessian, &LanczosConfig::new(), previous.take())?;
            println!(
                "{iteration:9}  {:6.4}  {:7.1}%  {:6.3}",
                evaluation.loss,
                100.0 * evaluation.accuracy,
                found.lambda_max
            );
            previous = Some(found);
        }
        (point, _) = method.step(&mut objective, point);
        objective.commit_step();
    }

    // With mean squared error and a last bias, λ₁ is at least 2/K at every point.
    let found = previous.expect("a measurement");
    assert!(found.converged && found.lambda_max >= 2.0 / CLASSES as f64 - 1e-3);
    assert!(objective.evaluate(&point, None).accuracy > 0.9);
    Ok(())
}
