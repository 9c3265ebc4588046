//! Times of the operators for hand-written passes, as compositions of burn's operators and as loops of this crate.
//!
//! ```sh
//! cargo bench -p flatland-kernels --bench passes             # all
//! cargo bench -p flatland-kernels --bench passes -- norm     # operators with this in their name
//! ```
//!
//! A row has medians in microseconds. The ratio is the median of the ratios of neighbouring runs, so other load on the
//! machine affects both. The compositions are those that the operators call on a device with a tape, without a tracked
//! tensor. Overwritten arguments are copied before the clock starts.

use std::time::Instant;

use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Distribution, Tensor, module};
use flatland_kernels::{
    add, batch_norm, batch_norm_gradient, batch_norm_gradient_tangent, batch_norm_tangent, gate,
    max_pool2d, max_pool2d_gather, max_pool2d_scatter, relu,
};

/// ResNet-34 and DenseNet-121 on images of 32×32 pixels.
const SHAPES: [(&str, [usize; 4]); 9] = [
    ("ResNet", [32, 64, 16, 16]),
    ("ResNet", [32, 64, 8, 8]),
    ("ResNet", [32, 128, 4, 4]),
    ("ResNet", [32, 256, 2, 2]),
    ("ResNet", [32, 512, 1, 1]),
    ("DenseNet", [32, 256, 8, 8]),
    ("DenseNet", [32, 512, 4, 4]),
    ("DenseNet", [32, 1024, 2, 2]),
    ("DenseNet", [32, 1024, 1, 1]),
];

/// Input, kernel, stride, padding.
const POOLS: [([usize; 4], [usize; 3]); 3] = [
    ([500, 32, 32, 32], [2, 2, 0]),
    ([500, 32, 16, 16], [2, 2, 0]),
    ([32, 64, 16, 16], [3, 2, 1]),
];

const RUNS: usize = 21;

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// The time of one run; the first argument is owned by it alone.
fn time<R>(owned: &Tensor<4>, run: impl FnOnce(Tensor<4>) -> R) -> f64 {
    let owned = owned.clone().mul_scalar(1.0);
    let start = Instant::now();
    let result = run(owned);
    let time = start.elapsed().as_secs_f64();
    drop(result);
    time
}

fn row(
    chosen: &[String],
    name: &str,
    mut stock: impl FnMut() -> f64,
    mut own: impl FnMut() -> f64,
) {
    if !chosen.is_empty() && !chosen.iter().any(|chosen| name.contains(chosen)) {
        return;
    }
    stock();
    own();
    let (mut stocks, mut owns) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        stocks.push(stock());
        owns.push(own());
    }
    let ratio = median(stocks.iter().zip(&owns).map(|(s, o)| s / o).collect());
    let [stock, own] = [stocks, owns].map(|times| median(times) * 1e6);
    println!("| {name:<44} | {stock:8.0} | {own:8.0} | {ratio:5.1} |");
}

/// Runs an operator once, and gives the time.
type Operator = fn(&Tensors) -> f64;

/// The tensors of an operator, on a device with a tape or without.
struct Tensors {
    /// Five of the shape.
    images: [Tensor<4>; 5],
    /// Four numbers of each channel.
    channels: [Tensor<1>; 4],
}

impl Tensors {
    fn new(shape: [usize; 4]) -> Self {
        let device = Device::flex();
        let normal = Distribution::Normal(0.0, 1.0);
        Self {
            images: std::array::from_fn(|_| Tensor::random(shape, normal, &device)),
            channels: std::array::from_fn(|_| Tensor::random([shape[1]], normal, &device)),
        }
    }

    fn with_tape(&self) -> Self {
        Self {
            images: self.images.clone().map(Tensor::from_inner),
            channels: self.channels.clone().map(Tensor::from_inner),
        }
    }

    fn relu(&self) -> f64 {
        time(&self.images[0], relu)
    }

    fn gate(&self) -> f64 {
        time(&self.images[0], |x| gate(x, &self.images[1]))
    }

    fn add(&self) -> f64 {
        time(&self.images[0], |x| add(x, self.images[1].clone()))
    }

    fn norm(&self) -> f64 {
        let [scale, shift, ..] = self.channels.clone();
        time(&self.images[0], |x| batch_norm(x, scale, shift, 1e-5))
    }

    fn gradient(&self) -> f64 {
        let ([x, g, ..], [s, scale, ..]) = (&self.images, &self.channels);
        time(g, |g| batch_norm_gradient(x, s, scale, g))
    }

    fn tangent(&self) -> f64 {
        let ([x, t, ..], [s, scale, a, b]) = (&self.images, &self.channels);
        time(t, |t| batch_norm_tangent(x, s, scale, Some(t), a, b))
    }

    fn gradient_tangent(&self) -> f64 {
        let ([x, g, t, h, _], [s, scale, a, b]) = (&self.images, &self.channels);
        time(h, |h| {
            batch_norm_gradient_tangent(x, s, scale, a, g, Some(t), Some(b), h)
        })
    }
}

fn pools(chosen: &[String]) {
    for (shape, [kernel, stride, padding]) in POOLS {
        let name = |what: &str| format!("max_pool2d{what} {shape:?} {kernel}×{kernel}");
        let x = Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex());
        let (output, winners) = max_pool2d(x.clone(), kernel, stride, padding);
        let (tape, tape_output) = (
            Tensor::from_inner(x.clone()),
            Tensor::from_inner(output.clone()),
        );
        let tape_winners = Tensor::from_inner(winners.clone());
        let options = MaxPoolOptions::new([kernel; 2])
            .with_stride([stride; 2])
            .with_padding([padding; 2]);
        row(
            chosen,
            &name(""),
            || time(&x, |x| module::max_pool2d_with_indices(x, options.clone())),
            || time(&x, |x| max_pool2d(x, kernel, stride, padding)),
        );
        let size = [shape[2], shape[3]];
        row(
            chosen,
            &name("_scatter"),
            || time(&tape_output, |g| max_pool2d_scatter(g, &tape_winners, size)),
            || time(&output, |g| max_pool2d_scatter(g, &winners, size)),
        );
        row(
            chosen,
            &name("_gather"),
            || time(&tape, |x| max_pool2d_gather(x, &tape_winners)),
            || time(&x, |x| max_pool2d_gather(x, &winners)),
        );
    }
}

fn main() {
    let chosen: Vec<String> = (std::env::args().skip(1))
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let operators: [(&str, Operator); 7] = [
        ("batch_norm", Tensors::norm),
        ("batch_norm_gradient", Tensors::gradient),
        ("batch_norm_tangent", Tensors::tangent),
        ("batch_norm_gradient_tangent", Tensors::gradient_tangent),
        ("relu", Tensors::relu),
        ("gate", Tensors::gate),
        ("add", Tensors::add),
    ];
    println!("| operator, µs | burn | own | ratio |");
    println!("|---|---|---|---|");
    for (network, shape) in SHAPES {
        let plain = Tensors::new(shape);
        let tape = plain.with_tape();
        for (operator, run) in operators {
            let name = format!("{network} {operator} {shape:?}");
            row(&chosen, &name, || run(&tape), || run(&plain));
        }
    }
    pools(&chosen);
}
