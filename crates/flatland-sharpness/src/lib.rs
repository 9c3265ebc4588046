//! Eigenvalues of the Hessian.
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
