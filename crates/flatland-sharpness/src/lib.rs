//! Eigenvalues of the Hessian.
mod assessment;
mod error;
mod jacobi;
mod krylov;
mod lanczos;
mod operator;
mod sharpness;
mod sweep;
#[path = "../../flatland-optim/src/vector.rs"]
mod vector;
mod wanted;

pub use error::Error;
pub use lanczos::{EigenPairs, LanczosConfig, eigenpairs};
pub use operator::{DenseMatrix, Hessian, SymmetricOperator};
pub use sharpness::{Sharpness, sharpness};
pub use wanted::Wanted;
