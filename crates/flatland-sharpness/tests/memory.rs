//! The number of vectors that a measurement holds.
//!
//! There is one test, because the allocations of parallel tests would be counted too.

use burn::tensor::{DType, Device, Tensor};
use flatland_sharpness::{LanczosConfig, Sharpness, SymmetricOperator, sharpness};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// A diagonal matrix.
struct Diagonal(Tensor<1>);

impl SymmetricOperator for Diagonal {
    fn dimension(&self) -> usize {
        self.0.dims()[0]
    }

    fn device(&self) -> Device {
        self.0.device()
    }

    fn dtype(&self) -> DType {
        self.0.dtype()
    }

    fn apply(&mut self, vector: &Tensor<1>) -> Tensor<1> {
        self.0.clone() * vector.clone()
    }
}

#[test]
fn a_measurement_holds_its_basis_and_one_vector_more() {
    // Longer than the blocks in which a restart turns the basis, and no multiple of them.
    let dimension: usize = (1 << 22) + 3;
    let place = Tensor::arange(1..dimension as i64 + 1, &Device::flex()).float();
    let eigenvalues = place.sqrt().recip() * 3.0 - 0.1; // 2.9, 2.0, 1.6, …
    let mut operator = Diagonal(eigenvalues);
    for basis in [8, 10] {
        let config = LanczosConfig::new()
            .with_basis_size(Some(basis))
            .with_tolerance(1e-4);
        let resting = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let found = sharpness(&mut operator, &config, None).unwrap();
        let peak = (ALLOCATOR.peak_usage() - resting) as f64 / (4 * dimension) as f64;

        assert!(found.converged, "{found:?}");
        assert!(found.products >= basis, "{} products", found.products);
        assert!((found.lambda_max - 2.9).abs() <= found.lambda_max_residual);
        // Only an eigenvector that every block of which was turned alike has this residual.
        let vector = &found.vectors[0];
        let rest = operator.apply(vector) - vector.clone() * found.lambda_max;
        let residual = rest.square().sum().into_scalar::<f64>().sqrt();
        assert!(residual <= 1.1 * found.lambda_max_residual, "{residual:e}");

        // A product or a temporary, or the blocks under way, each a quarter of a vector.
        let bound = basis as f64 + 1.6;
        assert!(
            peak < bound,
            "{peak} vectors with a basis of {basis}, at most {bound}"
        );
        assert!(
            ALLOCATOR.current_usage() >= resting + 8 * dimension,
            "it returns two vectors"
        );
    }
    assert_eq!(Sharpness::WANTED.count(), 2);
}
