//! The extreme eigenvalues of a matrix that is given by its products alone.
//!
//! ```sh
//! cargo run --release -p flatland-sharpness --example matrix
//! ```

use std::f64::consts::PI;

use burn::tensor::{DType, Device, Tensor};
use flatland_sharpness::{Error, LanczosConfig, SymmetricOperator, TraceConfig, sharpness, trace};

/// The second difference on a grid, `(Av)ᵢ = 2vᵢ − vᵢ₋₁ − vᵢ₊₁`, with the eigenvalues `2 − 2·cos(kπ/(n + 1))`.
struct SecondDifference {
    points: usize,
}

impl SymmetricOperator for SecondDifference {
    fn dimension(&self) -> usize {
        self.points
    }

    fn device(&self) -> Device {
        Device::flex()
    }

    fn dtype(&self) -> DType {
        DType::F64
    }

    fn apply(&mut self, vector: &Tensor<1>) -> Tensor<1> {
        let zero = Tensor::zeros([1], (&self.device(), self.dtype()));
        let last = self.points - 1;
        let left = Tensor::cat(vec![zero.clone(), vector.clone().slice(0..last)], 0);
        let right = Tensor::cat(vec![vector.clone().slice(1..self.points), zero], 0);
        vector.clone() * 2.0 - left - right
    }
}

fn main() -> Result<(), Error> {
    let mut operator = SecondDifference { points: 300 };
    let exact = 2.0 + 2.0 * (PI / 301.0).cos();

    let found = sharpness(&mut operator, &LanczosConfig::new(), None)?;
    println!(
        "λ_max = {:.8} ± {:.1e} after {} products, exact {exact:.8}",
        found.lambda_max, found.lambda_max_residual, found.products
    );
    println!("λ_min ≤ {:.8}", found.lambda_min);
    let estimate = trace(&mut operator, &TraceConfig::new().with_tolerance(0.0))?;
    println!(
        "trace = {:.1} ± {:.1} after {} probes, exact 600",
        estimate.value, estimate.standard_error, estimate.probes
    );

    assert!(found.converged);
    assert!((found.lambda_max - exact).abs() <= found.lambda_max_residual);
    assert!((estimate.value - 600.0).abs() < 6.0 * estimate.standard_error);
    Ok(())
}
