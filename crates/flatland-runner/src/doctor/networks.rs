//! Small networks for the doctor: loss, gradient and a Hessian product of each.

use burn::tensor::{DType, Device};
use flatland_models::{
    Activation, Architecture, Batch, BatchNorm2dConfig, CnnConfig, Conv2dConfig, Flatten,
    FullBatch, Initializer, InputShape, Layer, LinearConfig, Loss, MaxPool2d, Nonlinearity,
    Sequence, VitConfig,
};
use flatland_optim::module::flatten;
use flatland_optim::{Curvature, Objective};

use super::checks::{Check, CheckKind, CheckTarget, read};

const IMAGES: InputShape = InputShape {
    channels: 3,
    height: 16,
    width: 16,
};
const SAMPLES: usize = 8;
const CLASSES: usize = 10;

/// One check for each kind of network.
pub fn networks() -> Vec<Check> {
    let named = |architecture: Architecture| {
        move |initializer: &mut Initializer| {
            (architecture.init(IMAGES, CLASSES, initializer)).expect("the options fit the images")
        }
    };
    let mlp = Architecture::named("mlp").expect("there is an MLP");
    let cnn = Architecture::Cnn(CnnConfig {
        channels: [8, 8],
        ..CnnConfig::default()
    });
    let vit = Architecture::Vit(VitConfig {
        width: 32,
        depth: 1,
        heads: 2,
        head_width: 16,
        hidden_width: 64,
        ..VitConfig::default()
    });
    vec![
        network("MLP", Loss::Mse, named(mlp)),
        network("CNN", Loss::CrossEntropy, named(cnn)),
        network("residual, batch norm", Loss::Mse, residual),
        network("vision transformer", Loss::Mse, named(vit)),
    ]
}

/// A convolution, a residual block with a dense one inside, and a linear layer: batch norm throughout.
fn residual(initializer: &mut Initializer) -> Sequence {
    fn conv(channels_in: usize, channels_out: usize, initializer: &mut Initializer) -> Layer {
        Conv2dConfig::new(channels_in, channels_out, 3)
            .with_padding(1)
            .with_bias(false)
            .init(initializer)
            .into()
    }
    let relu = || Layer::from(Activation::new(Nonlinearity::Relu));
    let stem = conv(IMAGES.channels, 8, initializer);
    let branch = vec![
        ("norm", BatchNorm2dConfig::new(8).init(initializer).into()),
        ("relu", relu()),
        ("conv", conv(8, 8, initializer)),
    ];
    let dense = vec![("conv", conv(8, 4, initializer)), ("relu", relu())];
    let head = LinearConfig::new(12 * 8 * 8, CLASSES).init(initializer);
    Sequence::numbered([
        stem,
        MaxPool2d::new(2).into(),
        Sequence::residual(branch).into(),
        Sequence::dense(dense).into(),
        BatchNorm2dConfig::new(12).init(initializer).into(),
        relu(),
        Flatten::default().into(),
        head.into(),
    ])
}

fn network(
    name: &'static str,
    loss: Loss,
    build: impl Fn(&mut Initializer) -> Sequence + 'static,
) -> Check {
    let compute = move |target: &CheckTarget| {
        let CheckTarget { device, dtype } = target;
        let network = build(&mut Initializer::new(1, device, *dtype));
        // The same point everywhere: drawn in f32 on the host's own device.
        let host = build(&mut Initializer::new(1, &Device::flex(), DType::F32));
        let weights = read(flatten(&host));
        let count = weights.len();
        let point = target.tensor(weights, [count]);

        let images = read(target.draws(2000, [SAMPLES * 3 * 16 * 16]));
        let labels: Vec<u8> = (0..SAMPLES as u8).collect();
        let batch = Batch::chunks(&images, IMAGES, &labels, CLASSES, SAMPLES, device, *dtype);
        let mut objective = FullBatch::new(network, loss, batch);
        let (value, gradient) = objective.loss_and_gradient(&point);
        let direction = target.draws(3000, [count]);
        vec![
            ("loss", vec![value, objective.loss(&point)]),
            ("gradient", read(gradient)),
            ("H·v", read(objective.hvp(&point, &direction))),
        ]
    };
    Check {
        name,
        kind: CheckKind::Network,
        compute: Box::new(compute),
    }
}
