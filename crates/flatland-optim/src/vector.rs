//! The few operations on parameter vectors that methods and eigensolvers are made of.
//!
//! Vectors are rank-1 tensors on a plain (not autodiff) device. Scalars live on the host, as `f64`.

use burn::tensor::Tensor;

/// Entries that one partial sum of [`dot`] runs over: few enough that rounding in `f32` stays small and that the
/// products stay in a cache, many enough that launching a kernel for each block costs a GPU nothing.
const BLOCK: usize = 1 << 18;

/// The inner product `xᵀy`.
///
/// The products and their sums over blocks of 2¹⁸ entries are computed on the device, in its float type; the sums of
/// the blocks are added on the host, in `f64` and in order. The device is read once, and no temporary is longer than
/// a block.
///
/// This is not a matrix product, although a `[1, n] × [n, 1]` one would need no temporary either: a GPU may round the
/// factors of a matrix product to fewer bits than those of a product of numbers (TF32).
///
/// # Panics
///
/// If the lengths differ.
pub fn dot(x: &Tensor<1>, y: &Tensor<1>) -> f64 {
    let ([n], [m]) = (x.dims(), y.dims());
    assert_eq!(n, m, "the vectors of an inner product differ in length");
    if n == 0 {
        return 0.0;
    }
    let blocks = x.clone().split(BLOCK, 0).into_iter();
    let sums = blocks
        .zip(y.clone().split(BLOCK, 0))
        .map(|(x, y)| (x * y).sum())
        .collect();
    Tensor::cat(sums, 0).into_data().iter::<f64>().sum()
}

/// The Euclidean norm `‖x‖`.
pub fn norm(x: &Tensor<1>) -> f64 {
    dot(x, x).sqrt()
}

/// `y + a·x`, which is built where `a·x` was: no third vector is held besides `x` and `y`.
pub fn axpy(a: f64, x: &Tensor<1>, y: &Tensor<1>) -> Tensor<1> {
    x.clone() * a + y.clone()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData};

    use super::*;

    /// Pseudo-random numbers in [-1, 1) that `f32` represents exactly.
    fn entries(n: usize, seed: u64) -> Vec<f64> {
        (0..n as u64)
            .map(|i| {
                let hash = (i + 1 + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                (hash >> 40) as f64 / (1u64 << 23) as f64 - 1.0
            })
            .collect()
    }

    fn tensor(entries: &[f64], dtype: DType) -> Tensor<1> {
        Tensor::from_data(TensorData::from(entries), (&Device::flex(), dtype))
    }

    #[test]
    fn dot_of_a_million_entries_is_as_exact_as_its_float_type() {
        let n = 1_000_003;
        let (x, y) = (entries(n, 0), entries(n, 1 << 40));
        let exact: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
        let magnitude: f64 = x.iter().zip(&y).map(|(x, y)| (x * y).abs()).sum();
        for (dtype, tolerance) in [(DType::F32, 1e-7), (DType::F64, 1e-14)] {
            let (x, y) = (tensor(&x, dtype), tensor(&y, dtype));
            let error = (dot(&x, &y) - exact).abs() / magnitude;
            assert!(error < tolerance, "{dtype:?}: {error:e}");
        }
    }

    #[test]
    fn norm_of_a_million_entries_is_as_exact_as_its_float_type() {
        let x = entries(1_000_003, 0);
        let exact = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        for (dtype, tolerance) in [(DType::F32, 2e-7), (DType::F64, 1e-12)] {
            let error = (norm(&tensor(&x, dtype)) / exact - 1.0).abs();
            assert!(error < tolerance, "{dtype:?}: {error:e}");
        }
    }

    #[test]
    fn sums_of_blocks_are_added_in_double_precision() {
        // In f32 the second block would vanish beside the first: 2^24 + 1 = 2^24.
        let mut x = vec![0.0; BLOCK + 1];
        x[0] = 4096.0;
        x[BLOCK] = 1.0;
        let x = tensor(&x, DType::F32);
        assert_eq!(dot(&x, &x), 16_777_217.0);
    }

    #[test]
    fn dot_covers_every_length_and_passes_on_what_is_not_finite() {
        for n in [0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK] {
            let ones = tensor(&vec![1.0; n], DType::F32);
            assert_eq!(dot(&ones, &ones), n as f64);
        }
        assert!(norm(&tensor(&[1.0, f64::NAN], DType::F32)).is_nan());
        assert_eq!(norm(&tensor(&[1e30, 1.0], DType::F32)), f64::INFINITY);
    }

    #[test]
    #[should_panic(expected = "differ in length")]
    fn dot_refuses_vectors_of_different_lengths() {
        dot(
            &tensor(&[1.0], DType::F64),
            &tensor(&[1.0, 2.0], DType::F64),
        );
    }

    #[test]
    fn axpy_leaves_its_arguments_alone() {
        let (x, y) = (
            tensor(&[1.0, 2.0], DType::F64),
            tensor(&[3.0, 4.0], DType::F64),
        );
        let sum = axpy(-0.5, &x, &y);
        assert_eq!(sum.into_data().try_to_vec::<f64>().unwrap(), [2.5, 3.0]);
        assert_eq!(x.into_data().try_to_vec::<f64>().unwrap(), [1.0, 2.0]);
        assert_eq!(y.into_data().try_to_vec::<f64>().unwrap(), [3.0, 4.0]);
    }
}
