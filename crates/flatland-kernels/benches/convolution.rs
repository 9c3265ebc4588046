//! Times of a convolution and its gradients by burn and by this crate.
//!
//! ```sh
//! cargo bench -p flatland-kernels --bench convolution             # all shapes
//! cargo bench -p flatland-kernels --bench convolution -- 3x3      # shapes with this in their name
//! ```
//!
//! A row has medians in milliseconds, of the output and of the output with all gradients that the layer needs. A ratio
//! is the median of the ratios of neighbouring runs, so other load on the machine affects both. The last column is the
//! speed of this crate's operator relative to a matrix product of the same shape.

use std::time::Instant;

use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Distribution, Tensor, module};

struct Shape {
    name: &'static str,
    batch: usize,
    channels: [usize; 2],
    size: usize,
    kernel: usize,
    stride: usize,
    /// Whether the gradient at the input is wanted: not in a first layer.
    inner: bool,
}

const fn shape(
    name: &'static str,
    batch: usize,
    channels: [usize; 2],
    size: usize,
    kernel: usize,
    stride: usize,
) -> Shape {
    Shape {
        name,
        batch,
        channels,
        size,
        kernel,
        stride,
        inner: channels[0] > 3,
    }
}

const SHAPES: [Shape; 13] = [
    shape("3→32 3x3 32×32", 500, [3, 32], 32, 3, 1),
    shape("32→32 3x3 16×16", 500, [32, 32], 16, 3, 1),
    shape("64→64 3x3 8×8", 128, [64, 64], 8, 3, 1),
    shape("512→512 3x3 1×1", 128, [512, 512], 1, 3, 1),
    shape("256→64 1x1 8×8", 128, [256, 64], 8, 1, 1),
    shape("64→64 3x3 32×32", 128, [64, 64], 32, 3, 1),
    shape("3→64 7x7 32×32 /2", 32, [3, 64], 32, 7, 2),
    shape("64→64 3x3 8×8", 32, [64, 64], 8, 3, 1),
    shape("64→128 3x3 8×8 /2", 32, [64, 128], 8, 3, 2),
    shape("128→128 3x3 4×4", 32, [128, 128], 4, 3, 1),
    shape("256→256 3x3 2×2", 32, [256, 256], 2, 3, 1),
    shape("512→512 3x3 1×1", 32, [512, 512], 1, 3, 1),
    shape("64→128 1x1 8×8 /2", 32, [64, 128], 8, 1, 2),
];

const RUNS: usize = 7;

fn seconds<T>(run: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    let result = run();
    let seconds = start.elapsed().as_secs_f64();
    drop(result);
    seconds
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// The median times of two runs, and of the ratio of the first to the second.
fn compare(mut first: impl FnMut() -> f64, mut second: impl FnMut() -> f64) -> [f64; 3] {
    first();
    second();
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        firsts.push(first());
        seconds.push(second());
    }
    let ratios = firsts.iter().zip(&seconds).map(|(f, s)| f / s).collect();
    [median(firsts), median(seconds), median(ratios)]
}

fn row(shape: &Shape) {
    let device = Device::flex();
    let random =
        |dims: [usize; 4]| Tensor::<4>::random(dims, Distribution::Normal(0.0, 1.0), &device);
    let Shape {
        batch,
        channels: [c_in, c_out],
        size,
        kernel,
        stride,
        ..
    } = *shape;
    let padding = kernel / 2;
    let (input, weight) = (
        random([batch, c_in, size, size]),
        random([c_out, c_in, kernel, kernel]),
    );
    let own = |x, w| flatland_kernels::conv2d(x, w, None, stride, padding);
    let stock = |x, w| {
        let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
        module::conv2d(x, w, None, options)
    };
    let output = own(input.clone(), weight.clone());
    let [_, _, height, width] = output.dims();

    let forward = |operator: &dyn Fn(Tensor<4>, Tensor<4>) -> Tensor<4>| {
        seconds(|| operator(input.clone(), weight.clone()))
    };
    // The product with a constant makes a gradient at the output; it costs both the same.
    let all = |operator: &dyn Fn(Tensor<4>, Tensor<4>) -> Tensor<4>| {
        let tracked = |tensor: &Tensor<4>| Tensor::from_inner(tensor.clone()).require_grad();
        let (input, weight) = (
            if shape.inner {
                tracked(&input)
            } else {
                input.clone()
            },
            tracked(&weight),
        );
        seconds(|| operator(input, weight).sum().backward())
    };
    let [stock_forward, own_forward, forward_ratio] = compare(|| forward(&stock), || forward(&own));
    let [stock_all, own_all, all_ratio] = compare(|| all(&stock), || all(&own));

    let [rows, columns, depth] = [c_out, batch * height * width, c_in * kernel * kernel];
    let matrix = |rows, columns| {
        Tensor::<2>::random([rows, columns], Distribution::Normal(0.0, 1.0), &device)
    };
    let (left, right) = (matrix(rows, depth), matrix(depth, columns.min(1 << 16)));
    let share = columns as f64 / columns.min(1 << 16) as f64;
    let product = (0..3)
        .map(|_| share * seconds(|| left.clone().matmul(right.clone())))
        .collect();
    let products = if shape.inner { 3.0 } else { 2.0 };
    let speed = products * median(product) / own_all;
    let name = format!("{} b{batch}", shape.name);
    println!(
        "| {name:<22} | {:7.2} | {:7.2} | {forward_ratio:5.2} | {:7.2} | {:7.2} | {all_ratio:5.2} | {:4.0}% |",
        stock_forward * 1e3,
        own_forward * 1e3,
        stock_all * 1e3,
        own_all * 1e3,
        speed * 1e2,
    );
}

fn main() {
    let chosen: Vec<String> = (std::env::args().skip(1))
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    println!(
        "| convolution | output: burn | own | ratio | with gradients: burn | own | ratio | of a product |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for shape in &SHAPES {
        if chosen.is_empty() || chosen.iter().any(|chosen| shape.name.contains(chosen)) {
            row(shape);
        }
    }
}
