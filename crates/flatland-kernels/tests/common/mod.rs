//! Helpers of the tests of operators.

use burn::tensor::{DType, Device, Tensor, TensorData};
use rayon::ThreadPoolBuilder;

/// Normal random numbers, on flex.
pub fn tensor<const D: usize>(shape: [usize; D], seed: u64, dtype: DType) -> Tensor<D> {
    let mut stream = flatland_random::stream(seed, "numbers", 0);
    let numbers: Vec<f64> = (0..shape.iter().product())
        .map(|_| flatland_random::normal(&mut stream))
        .collect();
    Tensor::from_data(TensorData::new(numbers, shape), (&Device::flex(), dtype))
}

pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}

/// The norm of the error relative to the norm of the sums of the terms' magnitudes, which bounds rounding errors even if
/// terms cancel.
pub fn relative_error(found: &[f64], expected: &[f64], magnitudes: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.len(), magnitudes.len());
    let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(f, e)| f - e));
    difference / norm(&mut magnitudes.iter().copied()).max(f64::MIN_POSITIVE)
}

/// The float types, with the largest allowed [`relative_error`].
pub const TYPES: [(DType, f64); 2] = [(DType::F64, 1e-14), (DType::F32, 3e-7)];

/// Whether the kernel of a convolution fits into its padded image.
pub fn has_output(input: [usize; 4], weight: [usize; 4], padding: usize) -> bool {
    (2..4).all(|axis| weight[axis] <= input[axis] + 2 * padding)
}

/// Asserts that an output and its gradients at input, weight and bias have small [`relative_error`]s.
#[track_caller]
pub fn assert_close(
    case: &str,
    found: &[Vec<f64>],
    expected: &[Vec<f64>],
    magnitudes: &[Vec<f64>],
    tolerance: f64,
) {
    const NAMES: [&str; 4] = [
        "output",
        "input gradient",
        "weight gradient",
        "bias gradient",
    ];
    assert_eq!(found.len(), expected.len(), "{case}");
    for (place, found) in found.iter().enumerate() {
        let error = relative_error(found, &expected[place], &magnitudes[place]);
        let name = NAMES[place];
        assert!(error < tolerance, "{case}: {name} is off by {error:e}");
    }
}

/// Asserts that the numbers have the same bits on 1, 2 and 5 threads.
#[track_caller]
pub fn assert_same_on_threads<R: PartialEq + Send>(case: &str, run: impl Fn() -> R + Sync) {
    let [one, two, five] = [1, 2, 5].map(|threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads").install(&run)
    });
    assert!(one == two && one == five, "{case}");
}
