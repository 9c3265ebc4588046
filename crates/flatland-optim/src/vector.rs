//! The operations of methods and eigensolvers on parameter vectors.
//!
//! Vectors are rank-1 tensors on a plain (not autodiff) device. Scalars are `f64` on the host.

use burn::tensor::Tensor;
pub use flatland_kernels::{axpy, dot};

/// The Euclidean norm `‖x‖`.
pub fn norm(x: &Tensor<1>) -> f64 {
    dot(x, x).sqrt()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_norm_is_euclids_and_passes_on_what_is_not_finite() {
        let norm = |entries: [f32; 2]| norm(&Tensor::from_floats(entries, &Device::flex()));
        assert_eq!(norm([3.0, -4.0]), 5.0);
        assert!(norm([1.0, f32::NAN]).is_nan());
        assert_eq!(norm([1e30, 1.0]), f64::INFINITY);
    }
}
