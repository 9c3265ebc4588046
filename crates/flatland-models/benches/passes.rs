//! Times of loss, gradient and Hessian-vector product, with parallel operators and with parallel chunks. Both are timed
//! in turn. The table has medians, and the median of the ratios.
//!
//! `cargo bench -p flatland-models --bench passes -- [NETWORK…]`

use std::time::Instant;

use burn::tensor::{DType, Device, Distribution, Tensor};
use flatland_models::{Architecture, Batch, FullBatch, Initializer, InputShape, Loss};
use flatland_optim::module::flatten;
use flatland_optim::{Curvature, Objective};

/// As in the program: fresh pages for every tensor would cost more than the arithmetic.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SHAPE: InputShape = InputShape {
    channels: 3,
    height: 32,
    width: 32,
};
const CLASSES: usize = 10;
const TURNS: usize = 7;
/// Networks with samples and chunk.
const CASES: [(&str, usize, usize); 8] = [
    ("mlp", 5000, 500),
    ("mlp", 5000, 250),
    ("cnn", 500, 100),
    ("cnn", 500, 50),
    ("resnet34", 64, 32),
    ("densenet121", 64, 32),
    ("vgg11", 64, 32),
    ("vit", 256, 64),
];

fn main() {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    println!("network      samples chunk  what      alone ms  {threads} threads ms  ratio");
    for (name, samples, chunk) in CASES {
        if !named.is_empty() && !named.iter().any(|other| other == name) {
            continue;
        }
        let (mut alone, point, direction) = objective(name, samples, chunk);
        let mut threads = alone.clone().with_threads(threads);
        type ForwardPass = fn(&mut FullBatch, &Tensor<1>, &Tensor<1>);
        let passes: [(&str, ForwardPass); 3] = [
            ("loss", |objective, point, _| {
                objective.loss(point);
            }),
            ("gradient", |objective, point, _| {
                objective.loss_and_gradient(point);
            }),
            ("hvp", |objective, point, direction| {
                objective.hvp(point, direction);
            }),
        ];
        for (what, pass) in passes {
            let time = |objective: &mut FullBatch| {
                let start = Instant::now();
                pass(objective, &point, &direction);
                start.elapsed().as_secs_f64() * 1e3
            };
            time(&mut alone); // warm
            time(&mut threads);
            let times: Vec<(f64, f64)> = (0..TURNS)
                .map(|_| (time(&mut alone), time(&mut threads)))
                .collect();
            let of = |value: fn(&(f64, f64)) -> f64| median(times.iter().map(value).collect());
            println!(
                "{name:12} {samples:7} {chunk:5}  {what:8}  {:8.1}  {:10.1}  {:5.2}",
                of(|t| t.0),
                of(|t| t.1),
                of(|t| t.0 / t.1)
            );
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn objective(name: &str, samples: usize, chunk: usize) -> (FullBatch, Tensor<1>, Tensor<1>) {
    let device = Device::flex();
    let mut initializer = Initializer::new(42, &device, DType::F32);
    let architecture = Architecture::named(name).expect("the network exists");
    let network = architecture
        .init(SHAPE, CLASSES, &mut initializer)
        .expect("it fits");
    let point = flatten(&network);
    let direction = Tensor::random([point.dims()[0]], Distribution::Default, &device);
    let pixels = samples * SHAPE.channels * SHAPE.height * SHAPE.width;
    let images = Tensor::<1>::random([pixels], Distribution::Normal(0.0, 1.0), &device);
    let images: Vec<f32> = images.into_data().iter().collect();
    let labels: Vec<u8> = (0..samples)
        .map(|sample| (sample % CLASSES) as u8)
        .collect();
    let chunks = Batch::chunks(&images, SHAPE, &labels, CLASSES, chunk, &device, DType::F32);
    (FullBatch::new(network, Loss::Mse, chunks), point, direction)
}
