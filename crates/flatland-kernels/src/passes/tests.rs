//! The loops against compositions of burn's operators, and derivatives against burn's tape.

mod movement;
mod norm;

use burn::tensor::{DType, Device, Tensor, TensorData};
use rayon::ThreadPoolBuilder;

/// Numbers drawn from a normal distribution.
fn tensor<const D: usize>(shape: [usize; D], seed: u64, dtype: DType) -> Tensor<D> {
    let mut stream = flatland_random::stream(seed, "numbers", 0);
    let numbers: Vec<f64> = (0..shape.iter().product())
        .map(|_| flatland_random::normal(&mut stream))
        .collect();
    Tensor::from_data(TensorData::new(numbers, shape), (&Device::flex(), dtype))
}

fn numbers<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.clone().into_data().iter().collect()
}

fn bits<const D: usize>(tensor: &Tensor<D>) -> Vec<u64> {
    numbers(tensor).into_iter().map(f64::to_bits).collect()
}

fn tracked<const D: usize>(tensor: &Tensor<D>) -> Tensor<D> {
    Tensor::from_inner(tensor.clone()).require_grad()
}

/// On the device of the tape, but constant.
fn constant<const D: usize>(tensor: &Tensor<D>) -> Tensor<D> {
    Tensor::from_inner(tensor.clone())
}

/// The norm of the difference relative to the norm of what is expected.
fn relative_error(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(f, e)| f - e));
    difference / norm(&mut expected.iter().copied()).max(f64::MIN_POSITIVE)
}

#[track_caller]
fn assert_close(what: &str, found: &[Vec<f64>], expected: &[Vec<f64>], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = relative_error(found, expected);
        assert!(
            error < tolerance,
            "{what}: result {index} is off by {error:e}"
        );
    }
}

/// The same numbers in memory that holds more, or in another order.
fn views<const D: usize>(tensor: &Tensor<D>) -> [Tensor<D>; 3] {
    let length = tensor.dims()[0];
    let between = Tensor::cat(
        vec![tensor.clone() * 2, tensor.clone(), tensor.clone() * 3],
        0,
    );
    let before = Tensor::cat(vec![tensor.clone(), tensor.clone() * 2], 0);
    let turned = tensor
        .clone()
        .swap_dims(0, 1)
        .mul_scalar(1.0)
        .swap_dims(0, 1);
    [
        between.narrow(0, length, length),
        before.narrow(0, 0, length),
        turned,
    ]
}

fn with_threads<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(run)
}
