//! The power iteration.

use burn::{config::Config, tensor::Tensor};
use flatland_optim::vector;

use crate::{
    Error, SymmetricOperator,
    error::{require, require_length},
    krylov::random_unit_vector,
};

/// Options of [`power_iteration`]; the defaults are those of the *Flatland* paper.
#[derive(Config, Debug, PartialEq)]
pub struct PowerIterationConfig {
    /// The iteration stops if the relative change of the Rayleigh quotient is smaller.
    #[config(default = 1e-3)]
    pub tolerance: f64,
    /// The largest number of products.
    #[config(default = 100)]
    pub max_products: usize,
    /// The seed of the random start vector.
    #[config(default = 0)]
    pub seed: u64,
}

impl PowerIterationConfig {
    fn check(&self) -> Result<(), Error> {
        require(
            self.tolerance > 0.0 && self.tolerance < 1.0,
            "tolerance",
            self.tolerance,
            "in (0, 1)",
        )?;
        let max_products = self.max_products as f64;
        require(
            self.max_products >= 1,
            "max_products",
            max_products,
            "at least 1",
        )
    }
}

/// The result of a power iteration.
#[derive(Debug, Clone)]
pub struct PowerEstimate {
    /// The Rayleigh quotient `vᵀAv`.
    pub value: f64,
    /// The unit vector `v`.
    pub vector: Tensor<1>,
    /// `‖Av − value·v‖`. An eigenvalue lies within this distance of the value.
    pub residual: f64,
    /// The number of products.
    pub products: usize,
    /// Whether the change of the Rayleigh quotient reached the tolerance. The residual may still be large.
    pub converged: bool,
}

/// Multiplies a random vector by the operator until the change of its Rayleigh quotient is small.
///
/// This is the method of the *Flatland* paper, for comparison. [`sharpness`](crate::sharpness()) is better in every
/// respect but simplicity.
///
/// - The iteration converges to the eigenvalue of largest *magnitude*, which is `λ_min` if `|λ_min| > λ_max`.
/// - The iteration stops after a small *change*. The Rayleigh quotient also changes little if two eigenvalues are close
///   in magnitude, or while the component along the leading eigenvector is small. The residual shows this.
///
/// It holds two vectors of the operator's dimension, the iterate and its product, and a third one at the end.
///
/// # Errors
///
/// Returns an error if an option is outside its range or a product is not finite.
///
/// # References
///
/// - R. von Mises, H. Pollaczek-Geiringer (1929). Praktische Verfahren der Gleichungsauflösung. *Zeitschrift für
///   Angewandte Mathematik und Mechanik* 9, 58–77 and 152–164.
/// - L. Galli et al. (2026). Flatland: The adventures of gradient descent with large step sizes. *ICML*.
///   arXiv:2606.06722.
pub fn power_iteration<A: SymmetricOperator + ?Sized>(
    operator: &mut A,
    config: &PowerIterationConfig,
) -> Result<PowerEstimate, Error> {
    config.check()?;
    let mut vector = random_unit_vector(operator, config.seed, 0);
    let mut previous: Option<f64> = None;
    let mut products = 0;
    loop {
        let product = operator.apply(&vector);
        products += 1;
        let [length] = product.dims();
        require_length("a product", operator.dimension(), length)?;
        let norm = vector::norm(&product);
        if !norm.is_finite() {
            return Err(Error::NonFiniteProduct { product: products });
        }

        let value = vector::dot(&vector, &product);
        let rests = |previous: f64| (value - previous).abs() < config.tolerance * value.abs();
        let converged = norm == 0.0 || previous.is_some_and(rests);
        if converged || products == config.max_products {
            let residual = vector::norm(&vector::axpy(-value, &vector, &product));
            return Ok(PowerEstimate {
                value,
                vector,
                residual,
                products,
                converged,
            });
        }
        vector = product / norm;
        previous = Some(value);
    }
}
