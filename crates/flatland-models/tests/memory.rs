//! Peak memory against its estimate, and the number of vectors that an objective holds.
//!
//! There is one test, because the allocations of parallel tests would be counted too.

use burn::tensor::{DType, Device};
use flatland_models::{
    Activation, AdaptiveAvgPool2d, Architecture, Batch, BatchNorm2dConfig, Conv2dConfig, Flatten,
    Footprint, FullBatch, Initializer, InputShape, Layer, LinearConfig, Loss, Nonlinearity,
    Operation, Sequence,
};
use flatland_optim::module::flatten;
use flatland_optim::{Curvature, Objective};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const SHAPE: InputShape = InputShape {
    channels: 3,
    height: 32,
    width: 32,
};
const CLASSES: usize = 10;

/// A stem, four residual blocks and a head, with batch normalization or without.
fn residual(initializer: &mut Initializer, is_normalized: bool) -> Sequence {
    let relu = || Layer::from(Activation::new(Nonlinearity::Relu));
    let mut conv = |channels, names: [&'static str; 2]| {
        let config = Conv2dConfig::new(channels, 16, 3).with_padding(1);
        let mut layers = vec![(names[0], config.init(initializer).into())];
        if is_normalized {
            layers.push((
                names[1],
                BatchNorm2dConfig::new(16).init(initializer).into(),
            ));
        }
        layers
    };
    let mut layers = conv(3, ["conv1", "bn1"]);
    layers.push(("relu", relu()));
    for name in ["block1", "block2", "block3", "block4"] {
        let mut branch = conv(16, ["conv1", "bn1"]);
        branch.push(("relu", relu()));
        branch.extend(conv(16, ["conv2", "bn2"]));
        let block = Sequence::residual(branch).followed_by(Activation::new(Nonlinearity::Relu));
        layers.push((name, block.into()));
    }
    layers.extend([
        ("avgpool", AdaptiveAvgPool2d::new(1).into()),
        ("flatten", Flatten::default().into()),
        (
            "fc",
            LinearConfig::new(16, CLASSES).init(initializer).into(),
        ),
    ]);
    Sequence::named(layers)
}

fn named(name: &str, initializer: &mut Initializer) -> Sequence {
    let architecture = Architecture::named(name).unwrap();
    architecture.init(SHAPE, CLASSES, initializer).unwrap()
}

/// Bytes above the resting level.
fn peak<T>(operation: impl FnOnce() -> T) -> u64 {
    let resting = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = operation();
    let peak = ALLOCATOR.peak_usage() - resting;
    drop(result);
    peak as u64
}

type Build = fn(&mut Initializer) -> Sequence;

#[test]
fn the_peak_is_below_the_estimate_and_above_half_of_it() {
    let device = Device::flex();
    let networks: [(&str, Build, usize); 4] = [
        ("mlp", |i| named("mlp", i), 2000),
        ("cnn", |i| named("cnn", i), 40),
        ("residual", |i| residual(i, false), 40),
        (
            "residual with batch normalization",
            |i| residual(i, true),
            40,
        ),
    ];
    let mut wrong = Vec::new();
    for (name, build, chunk) in networks {
        let empty = build(&mut Initializer::without_values(&device, DType::F32));
        let footprint = Footprint::of(&empty, SHAPE);
        let network = build(&mut Initializer::new(1, &device, DType::F32));
        let point = flatten(&network);
        assert_eq!(footprint.parameters, point.dims()[0]);
        let direction = point.clone() * 1.0;
        let samples = 2 * chunk;
        let pixels = SHAPE.channels * SHAPE.height * SHAPE.width;
        let images: Vec<f32> = (0..samples * pixels)
            .map(|i| (i as f32 * 0.7).sin())
            .collect();
        let labels: Vec<u8> = (0..samples).map(|i| (i % CLASSES) as u8).collect();
        let chunks = Batch::chunks(&images, SHAPE, &labels, CLASSES, chunk, &device, DType::F32);

        let before = ALLOCATOR.current_usage();
        let mut objective = FullBatch::new(network, Loss::Mse, chunks);
        let freed = before.saturating_sub(ALLOCATOR.current_usage());
        let vector = 4 * footprint.parameters;
        assert!(
            vector < 1_000_000 || freed as f64 > 0.9 * vector as f64,
            "{name}: the objective has dropped {freed} of {vector} bytes of weights"
        );

        let resting = ALLOCATOR.current_usage();
        let products = objective.products_at(&point);
        let kept = (ALLOCATOR.current_usage() - resting) as u64;
        drop(products);
        let estimate = footprint.saved_bytes(samples, 4);
        let line = format!("{name} kept for products: {kept} bytes, estimated {estimate}");
        println!("{line}");
        if kept > estimate || 2 * kept < estimate {
            wrong.push(line);
        }

        objective.hvp(&point, &direction); // what is built once, such as threads
        for (operation, peak) in [
            (Operation::Loss, peak(|| objective.loss(&point))),
            (
                Operation::Gradient,
                peak(|| objective.loss_and_gradient(&point)),
            ),
            (
                Operation::Product,
                peak(|| objective.hvp(&point, &direction)),
            ),
        ] {
            let estimate = footprint.bytes(operation, chunk, 4);
            let line = format!("{name} {operation:?}: {peak} bytes, estimated {estimate}");
            println!("{line}");
            // A loss is never the largest, so its estimate need not be close.
            if peak > estimate || 2 * peak < estimate && operation != Operation::Loss {
                wrong.push(line);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
