//! Eigenvalues, trace and spectral density of the Hessian, or of any other symmetric operator that is given by
//! products.
//!
//! The *sharpness* of a loss at a point is the largest eigenvalue `λ₁` of its Hessian there: gradient descent with step
//! size `η` is stable along the eigenvector while `η·λ₁ < 2`.
//!
//! | function | result | stopping criterion |
//! |---|---|---|
//! | [`sharpness()`] | the largest eigenvalue, and a bound of the smallest | the residual `‖Hv − λ₁v‖` is small |
//! | [`eigenpairs`] | several eigenvalues: the largest, the smallest, or the largest in magnitude | every residual is small |
//! | [`power_iteration`] | the eigenvalue of largest *magnitude*, often too small | the change of the Rayleigh quotient is small |
//! | [`trace`] | the sum of all eigenvalues, with a standard error | the change of the mean over probes is small |
//! | [`spectral_density`] | the distribution of all eigenvalues | a fixed number of probes and steps |
//! | [`segment_smoothness`] | the change of the gradient along a step, and the Hessian there | the given step sizes |
//! | [`gradient_changes`] | the change of the gradient along a step, without Hessian products | the given step sizes |
//!
//! [`pairing`] measures whether eigenvalues come in pairs `±λ`, as on a flat saddle. [`large_step`] decides whether a
//! step is large in the sense of the paper.
//!
//! The paper uses power iteration, which is here for comparison. It may stop early, and it finds `λ_min` if that has
//! the larger magnitude. The Lanczos method takes fewer products for a guaranteed residual.
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
//! [`Hessian`] is the operator of an objective's Hessian-vector products.

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
