//! Helpers of the tests of operators.

use burn::tensor::{DType, Device, Tensor, TensorData};

/// Numbers that look random, on flex.
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

/// The norm of the difference, by that of the sums of the terms' magnitudes: terms may cancel each other, and what they
/// leave is then known no better than they are.
pub fn relative_error(found: &[f64], expected: &[f64], magnitudes: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.len(), magnitudes.len());
    let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(f, e)| f - e));
    difference / norm(&mut magnitudes.iter().copied()).max(f64::MIN_POSITIVE)
}

/// By float type, what [`relative_error`] may be.
pub const TYPES: [(DType, f64); 2] = [(DType::F64, 1e-14), (DType::F32, 3e-7)];

/// Whether the kernel of a convolution fits into its padded image.
pub fn has_output(input: [usize; 4], weight: [usize; 4], padding: usize) -> bool {
    (2..4).all(|axis| weight[axis] <= input[axis] + 2 * padding)
}
