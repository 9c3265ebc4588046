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
mod error;
mod jacobi;
mod krylov;
mod lanczos;
mod operator;
mod power;
mod sharpness;
mod sweep;
mod wanted;

pub use error::Error;
pub use lanczos::{EigenPairs, LanczosConfig, eigenpairs};
pub use operator::{DenseMatrix, Hessian, SymmetricOperator};
pub use power::{PowerEstimate, PowerIterationConfig, power_iteration};
pub use sharpness::{Sharpness, sharpness};
pub use wanted::Wanted;
