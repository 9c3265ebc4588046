//! The sharpness: the largest eigenvalue of the Hessian.

use burn::tensor::Tensor;

use crate::{
    Error, LanczosConfig, SymmetricOperator, Wanted,
    lanczos::{search, sum_of_directions},
};

/// The largest eigenvalue of an operator, and the other end of its spectrum as far as it came to light.
#[derive(Debug, Clone)]
pub struct Sharpness {
    /// The largest eigenvalue, `λ_max`.
    pub lambda_max: f64,
    /// `‖Av − λ_max·v‖`.
    pub lambda_max_residual: f64,
    /// An upper bound of the smallest eigenvalue, `λ_min`: the smallest Ritz value of the same Krylov space.
    ///
    /// No product is spent on it. It is within its residual of some eigenvalue, but while that residual is not small
    /// against the width of the spectrum, a smaller one may have been missed altogether.
    pub lambda_min: f64,
    /// `‖Av − λ_min·v‖`.
    pub lambda_min_residual: f64,
    /// Products taken.
    pub products: usize,
    /// Whether `λ_max` has reached the tolerance; see [`EigenPairs::converged`](crate::EigenPairs::converged).
    pub converged: bool,
    /// The Ritz vectors of `λ_max` and `λ_min` (a single one in dimension 1): where the next measurement starts.
    pub vectors: Vec<Tensor<1>>,
}

impl Sharpness {
    /// The pairs that a measurement carries along: `λ_max`, and `λ_min` as far as it comes to light.
    pub const WANTED: Wanted = Wanted::Ends {
        largest: 1,
        smallest: 1,
    };
}

/// Measures the sharpness: finds the largest eigenvalue to the tolerance, as [`eigenpairs`](crate::eigenpairs) does.
///
/// With `previous`, the measurement starts from that one's vectors, which are dropped as soon as it has. Where the operator has changed little, that saves
/// products; but it never takes fewer than those that a random vector needs to show an eigenvalue that has overtaken
/// (6 for a dimension of 100, 9 for a million).
///
/// The vectors it holds are those of [`eigenpairs`](crate::eigenpairs) with two wanted pairs: a basis of
/// [24](LanczosConfig::default_basis_size), or of [8](LanczosConfig::least_basis_size) where memory is short, which
/// takes more products.
///
/// For the smallest eigenvalue to the tolerance too, ask for [`Wanted::Ends`] with one of each.
///
/// # Errors
///
/// If an option or a previous vector is not usable, or a product is not finite.
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
