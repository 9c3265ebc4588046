//! The sharpness: the largest eigenvalue of the Hessian.

use burn::tensor::Tensor;

use crate::{Error, LanczosConfig, SymmetricOperator, Wanted, lanczos::search};

/// The two ends of a spectrum.
#[derive(Debug, Clone)]
pub struct Sharpness {
    /// The largest eigenvalue.
    pub lambda_max: f64,
    /// `‖Av − λv‖` for the largest eigenvalue.
    pub lambda_max_residual: f64,
    /// The smallest Ritz value.
    pub lambda_min: f64,
    /// `‖Av − λv‖` for the smallest Ritz value.
    pub lambda_min_residual: f64,
    /// Products taken.
    pub products: usize,
    /// Whether the largest eigenvalue has reached the tolerance.
    pub converged: bool,
    /// vectors
    pub vectors: Vec<Tensor<1>>,
}

/// sharpness
pub fn sharpness<A: SymmetricOperator + ?Sized>(
    operator: &mut A,
    config: &LanczosConfig,
    previous: Option<&Sharpness>,
) -> Result<Sharpness, Error> {
    let smallest = usize::from(operator.dimension() > 1);
    let wanted = Wanted::Ends {
        largest: 1,
        smallest,
    };
    let decisive = Wanted::Ends {
        largest: 1,
        smallest: 0,
    };
    let start = previous.map_or(&[][..], |previous| &previous.vectors);
    let pairs = search(operator, wanted, decisive, config, start)?;
    Ok(Sharpness {
        lambda_max: pairs.values[0],
        lambda_max_residual: pairs.residuals[0],
        lambda_min: pairs.values[smallest],
        lambda_min_residual: pairs.residuals[smallest],
        products: pairs.products,
        converged: pairs.converged,
        vectors: pairs.vectors,
    })
}
