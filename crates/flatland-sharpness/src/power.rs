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
    /// The iteration stops when the Rayleigh quotient changes by less than this share of itself.
    #[config(default = 1e-3)]
    pub tolerance: f64,
    /// The most products.
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

/// What a power iteration ends with.
#[derive(Debug, Clone)]
pub struct PowerEstimate {
    /// The Rayleigh quotient `vᵀAv`.
    pub value: f64,
    /// The unit vector `v`.
    pub vector: Tensor<1>,
    /// `‖Av − value·v‖`: some eigenvalue lies within that distance of the value.
    pub residual: f64,
    /// Products taken.
    pub products: usize,
    /// Whether the Rayleigh quotient came to rest, whatever the residual.
    pub converged: bool,
}

/// Multiplies a random vector by the operator until its Rayleigh quotient comes to rest.
///
/// This is the measurement of the *Flatland* paper, here for comparison; [`sharpness`](crate::sharpness()) is better in
/// every respect but simplicity.
///
/// - It tends to the eigenvalue of largest *magnitude*: where `|λ_min| > λ_max`, to `λ_min`.
/// - It stops on a small *change*, and the Rayleigh quotient changes little wherever two eigenvalues are close in
///   magnitude, or while the part of the leading eigenvector in the start vector is still small. The residual tells.
///
/// It holds two vectors of the operator's dimension, the iterate and its product, and at its end a third.
///
/// # Errors
///
/// If an option is out of range or a product is not finite.
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
