//! Eigenvalues of the Hessian, and of any other symmetric operator known by its products.
//!
//! The *sharpness* of a loss at a point is the largest eigenvalue `λ₁` of its Hessian there: gradient descent with step
//! size `η` is stable along the eigenvector while `η·λ₁ < 2`.
//!
//! | function | finds | stops when |
//! |---|---|---|
//! | [`sharpness()`] | the largest eigenvalue, and the smallest as far as it came to light | the residual `‖Hv − λ₁v‖` is small |
//! | [`eigenpairs`] | so many of the largest, the smallest, or the largest in magnitude | every residual is small |
//! | [`power_iteration`] | the eigenvalue of largest *magnitude*, often low | the Rayleigh quotient hardly moves |
//! | [`trace`] | the sum of all eigenvalues, with a standard error | the mean of the probes hardly moves |
//! | [`spectral_density`] | how many eigenvalues lie where | after so many probes and steps |
//! | [`segment_smoothness`] | how fast the gradient turns along a step, and the Hessian there | at the step sizes given |
//! | [`gradient_changes`] | only the former, without Hessian products | at the step sizes given |
//!
//! [`pairing`] tells whether eigenvalues come in pairs `±λ`, as they do on a flat saddle; [`large_step`] whether a step
//! is large in the sense of the paper.
//!
//! Power iteration is what the paper measures with. It may stop early, and it finds `λ_min` where that is the larger in
//! magnitude; it is here to compare with. The Lanczos method takes fewer products for a guaranteed residual.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use flatland_sharpness::{DenseMatrix, LanczosConfig, sharpness};
//!
//! let matrix = [[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, -5.0]]; // eigenvalues 3, 1, -5
//! let mut operator = DenseMatrix::new(Tensor::from_floats(matrix, &Device::flex()));
//! let found = sharpness(&mut operator, &LanczosConfig::new(), None)?;
//! assert!((found.lambda_max - 3.0).abs() < 1e-3);
//! assert!((found.lambda_min + 5.0).abs() < 1e-3);
//! # Ok::<(), flatland_sharpness::Error>(())
//! ```
//!
//! For the Hessian of an objective, [`Hessian`] makes an operator of its Hessian-vector products.

mod assessment;
mod density;
mod error;
mod jacobi;
mod krylov;
mod lanczos;
mod operator;
mod pairing;
mod power;
mod segment;
mod sharpness;
mod sweep;
mod trace;
mod wanted;

pub use density::{SmoothedDensity, SpectralDensity, SpectralDensityConfig, spectral_density};
pub use error::Error;
pub use lanczos::{EigenPairs, LanczosConfig, eigenpairs};
pub use operator::{DenseMatrix, Hessian, SymmetricOperator};
pub use pairing::pairing;
pub use power::{PowerEstimate, PowerIterationConfig, power_iteration};
pub use segment::{
    LargeStep, SEGMENT_STEP_SIZES, SegmentPoint, gradient_changes, large_step, segment_smoothness,
    smoothness_up_to,
};
pub use sharpness::{Sharpness, sharpness};
pub use trace::{TraceConfig, TraceEstimate, trace};
pub use wanted::Wanted;
