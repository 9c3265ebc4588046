//! The sharpness: the largest eigenvalue of the Hessian.

use burn::tensor::Tensor;

use crate::{
    Error, LanczosConfig, SymmetricOperator, Wanted,
    lanczos::{search, sum_of_directions},
};

/// The largest eigenvalue of an operator, and a bound of the smallest.
#[derive(Debug, Clone)]
pub struct Sharpness {
    /// The largest eigenvalue, `λ_max`.
    pub lambda_max: f64,
    /// `‖Av − λ_max·v‖`.
    pub lambda_max_residual: f64,
    /// An upper bound of the smallest eigenvalue, `λ_min`: the smallest Ritz value of the same Krylov space.
    ///
    /// It takes no additional products. An eigenvalue lies within its residual, but a smaller eigenvalue may have been
    /// missed if the residual is not small compared with the width of the spectrum.
    pub lambda_min: f64,
    /// `‖Av − λ_min·v‖`.
    pub lambda_min_residual: f64,
    /// The number of products.
    pub products: usize,
    /// Whether `λ_max` has converged, see [`EigenPairs::converged`](crate::EigenPairs::converged).
    pub converged: bool,
    /// The Ritz vectors of `λ_max` and `λ_min` (one vector in dimension 1), from which the next measurement can start.
    pub vectors: Vec<Tensor<1>>,
}

impl Sharpness {
    /// The eigenpairs of a measurement: `λ_max`, and the bound of `λ_min`.
    pub const WANTED: Wanted = Wanted::Ends {
        largest: 1,
        smallest: 1,
    };
}

/// Measures the sharpness, the largest eigenvalue, to the tolerance. See [`eigenpairs`](crate::eigenpairs).
///
/// With `previous`, the computation starts from the vectors of an earlier measurement, which are then dropped. This
/// saves products if the operator has changed little. It takes at least the products that a random vector needs to find
/// an eigenvalue that has become larger (6 for a dimension of 100, 9 for a million).
///
/// The memory is that of [`eigenpairs`](crate::eigenpairs) with two wanted pairs: a basis of
/// [24](LanczosConfig::default_basis_size) vectors, or of [8](LanczosConfig::least_basis_size) vectors, which takes
/// more products.
///
/// To compute the smallest eigenvalue to the tolerance too, use [`eigenpairs`](crate::eigenpairs) with
/// [`Wanted::Ends`].
///
/// # Errors
///
/// Returns an error if an option is outside its range, a previous vector is invalid, or a product is not finite.
pub fn sharpness<A: SymmetricOperator + ?Sized>(
    operator: &mut A,
    config: &LanczosConfig,
    previous: Option<Sharpness>,
) -> Result<Sharpness, Error> {
    let decisive = Wanted::Ends {
        largest: 1,
        smallest: 0,
    };
    let (wanted, smallest) = match operator.dimension() {
        0 | 1 => (decisive, 0),
        _ => (Sharpness::WANTED, 1),
    };
    let start = match previous {
        Some(previous) => sum_of_directions(&previous.vectors, operator.dimension())?,
        None => None,
    };
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
