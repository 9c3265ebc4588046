//! Peak memory and time of a loss, a gradient, a Hessian-vector product, a measurement of the sharpness and a step of
//! NLS, for each network and size of a chunk.
//!
//! ```sh
//! cargo bench -p experiments --bench memory            # all networks: the tables of docs/memory.md
//! cargo bench -p experiments --bench memory -- cnn     # one of them
//! ```
//!
//! Memory is what was asked of the allocator, above what was held before the operation; the point, the direction and
//! the images are there before. A straight line through the peaks of several chunk sizes tells what does not depend on
//! the chunk, in vectors as long as the network has parameters, from what every sample adds.

use std::time::Instant;

use burn::tensor::{DType, Device, Tensor};
use flatland_models::{
    Architecture, Batch, Footprint, FullBatch, Initializer, InputShape, Loss, Operation,
};
use flatland_optim::module::flatten;
use flatland_optim::{Curvature, LineSearchConfig, Method, Objective};
use flatland_sharpness::{Hessian, LanczosConfig, sharpness};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const CIFAR10: InputShape = InputShape {
    channels: 3,
    height: 32,
    width: 32,
};
const CLASSES: usize = 10;
/// Enough for sums over chunks to show.
const CHUNKS: usize = 2;
const MEGABYTE: f64 = 1e6;

/// Bytes above the resting level, and seconds.
#[derive(Clone, Copy)]
struct Cost {
    bytes: f64,
    seconds: f64,
}

fn measure<T>(operation: impl FnOnce() -> T) -> Cost {
    let resting = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let start = Instant::now();
    let result = operation();
    let seconds = start.elapsed().as_secs_f64();
    let bytes = (ALLOCATOR.peak_usage() - resting) as f64;
    drop(result);
    Cost { bytes, seconds }
}

struct Subject {
    objective: FullBatch,
    point: Tensor<1>,
}

impl Subject {
    fn new(architecture: &Architecture, chunk: usize) -> Self {
        let device = Device::flex();
        let mut initializer = Initializer::new(42, &device, DType::F32);
        let network = (architecture.init(CIFAR10, CLASSES, &mut initializer))
            .expect("the networks take images of CIFAR-10");
        let point = flatten(&network);
        let pixels = CIFAR10.channels * CIFAR10.height * CIFAR10.width;
        let samples = CHUNKS * chunk;
        let mut stream = flatland_random::stream(1, "images", 0);
        let images: Vec<f32> = (0..samples * pixels)
            .map(|_| flatland_random::normal(&mut stream) as f32)
            .collect();
        let labels: Vec<u8> = (0..samples).map(|i| (i % CLASSES) as u8).collect();
        let chunks = Batch::chunks(
            &images,
            CIFAR10,
            &labels,
            CLASSES,
            chunk,
            &device,
            DType::F32,
        );
        Self {
            objective: FullBatch::new(network, Loss::Mse, chunks),
            point,
        }
    }

    fn loss(&mut self) -> Cost {
        measure(|| self.objective.loss(&self.point))
    }

    fn gradient(&mut self) -> Cost {
        measure(|| self.objective.loss_and_gradient(&self.point))
    }

    fn product(&mut self) -> Cost {
        let direction = self.point.clone() * 1.0;
        measure(|| self.objective.hvp(&self.point, &direction))
    }

    /// Enough products for a basis of the least size to be restarted.
    fn sharpness(&mut self) -> Cost {
        let config = LanczosConfig::new()
            .with_basis_size(Some(BASIS))
            .with_max_products(BASIS + 2)
            .with_tolerance(1e-9);
        let mut hessian = Hessian::new(&mut self.objective, &self.point);
        measure(|| sharpness(&mut hessian, &config, None).expect("the Hessian is finite"))
    }

    fn step(&mut self) -> Cost {
        let mut search = (LineSearchConfig::nls().init()).expect("the defaults are valid");
        let point = self.point.clone();
        measure(|| search.step(&mut self.objective, point))
    }
}

/// The vectors in the basis of the measurement: the fewest that are allowed.
const BASIS: usize = 8;

/// The ordinate at 0 and the slope of the straight line that fits best.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len() as f64;
    let mean = |part: fn(&(f64, f64)) -> f64| points.iter().map(part).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let covariance: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let variance: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let slope = covariance / variance;
    (y - slope * x, slope)
}

type Measured = (&'static str, Operation, fn(&mut Subject) -> Cost);

fn table(architecture: &Architecture, chunks: &[usize]) {
    let operations: [Measured; 3] = [
        ("loss", Operation::Loss, Subject::loss),
        ("gradient", Operation::Gradient, Subject::gradient),
        ("H·v", Operation::Product, Subject::product),
    ];
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); operations.len()];
    let mut parameters = 0;
    let mut once = Vec::new();
    for (index, &chunk) in chunks.iter().enumerate() {
        let mut subject = Subject::new(architecture, chunk);
        parameters = subject.objective.dimension();
        for ((_, _, operation), costs) in operations.iter().zip(&mut costs) {
            operation(&mut subject); // what is built once, such as threads
            costs.push(operation(&mut subject));
        }
        if index == 0 {
            once.push(("sharpness", subject.sharpness()));
            once.push(("step of NLS", subject.step()));
        }
    }

    let vector = 4.0 * parameters as f64;
    let network = architecture
        .init(
            CIFAR10,
            CLASSES,
            &mut Initializer::without_values(&Device::flex(), DType::F32),
        )
        .expect("it was built before");
    let footprint = Footprint::of(&network, CIFAR10);
    println!(
        "\n### {}\n\n{parameters} parameters, {:.1} MB in f32\n",
        architecture.name(),
        vector / MEGABYTE
    );
    let sizes: String = chunks
        .iter()
        .map(|chunk| format!(" MB at {chunk} | estimate | s |"))
        .collect();
    println!("| operation | vectors | kB per sample |{sizes}");
    println!("|---|---|---|{}", "---|---|---|".repeat(chunks.len()));
    for ((name, operation, _), costs) in operations.iter().zip(&costs) {
        let points: Vec<_> = (chunks.iter().zip(costs))
            .map(|(&chunk, cost)| (chunk as f64, cost.bytes))
            .collect();
        let (fixed, slope) = line(&points);
        let cells: String = (chunks.iter().zip(costs))
            .map(|(&chunk, cost)| cell(cost, Some(footprint.bytes(*operation, chunk, 4))))
            .collect();
        let (vectors, slope) = (fixed / vector, slope / 1e3);
        println!("| {name} | {vectors:.2} | {slope:.0} |{cells}");
    }
    for (name, cost) in once {
        println!(
            "| {name} | {:.2} in all | |{}",
            cost.bytes / vector,
            cell(&cost, None)
        );
    }
}

fn cell(cost: &Cost, estimate: Option<u64>) -> String {
    let estimate = estimate.map_or(String::new(), |bytes| {
        format!("{:.0}", bytes as f64 / MEGABYTE)
    });
    let Cost { bytes, seconds } = cost;
    format!(" {:.0} | {estimate} | {seconds:.2} |", bytes / MEGABYTE)
}

fn main() {
    let chosen: Vec<String> = (std::env::args().skip(1))
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for name in Architecture::NAMES {
        if !chosen.is_empty() && !chosen.iter().any(|chosen| chosen == name) {
            continue;
        }
        let architecture = Architecture::named(name).expect("it is one of the names");
        let chunks: &[usize] = match *name {
            "mlp" => &[500, 1000, 5000],
            "cnn" => &[10, 50, 100],
            "vgg11" => &[10, 50, 100],
            _ => &[10, 50, 100, 200],
        };
        table(&architecture, chunks);
    }
}
