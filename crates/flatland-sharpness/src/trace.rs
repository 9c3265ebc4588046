//! The trace, by Hutchinson's method.

use burn::config::Config;
use flatland_optim::vector;

use crate::{
    Error, SymmetricOperator,
    error::{require, require_length},
    krylov::rademacher_vector,
};

/// Options of [`trace`]; the defaults are those of the *Flatland* paper.
#[derive(Config, Debug, PartialEq)]
pub struct TraceConfig {
    /// The estimate stops if a probe changes the mean by at most this share of it.
    #[config(default = 1e-3)]
    pub tolerance: f64,
    /// The largest number of probes, each with one product.
    #[config(default = 100)]
    pub max_probes: usize,
    /// The seed of the probes.
    #[config(default = 0)]
    pub seed: u64,
}

impl TraceConfig {
    fn check(&self) -> Result<(), Error> {
        require(
            self.tolerance >= 0.0 && self.tolerance < 1.0,
            "tolerance",
            self.tolerance,
            "in [0, 1)",
        )?;
        require(
            self.max_probes >= 2,
            "max_probes",
            self.max_probes as f64,
            "at least 2, which a standard error needs",
        )
    }
}

/// An estimate of a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceEstimate {
    /// The mean over the probes.
    pub value: f64,
    /// The standard error of the mean, from the variance of the probes.
    pub standard_error: f64,
    /// The number of probes, each with one product.
    pub probes: usize,
    /// Whether the change of the mean reached the tolerance.
    pub converged: bool,
}

/// Estimates the trace by Hutchinson's method: the mean of `zᵀAz` over Rademacher vectors `z`.
///
/// The expectation is the trace, and the variance of one probe is `2·Σ_{i≠j} a_ij²`, so the estimate is exact for a
/// diagonal operator. The stopping criterion is the paper's (and PyHessian's): it stops at the first probe, from the
/// second on, that changes the mean by at most `tolerance` of its value. This can happen early by chance. The standard
/// error shows the accuracy, although it is itself uncertain for few probes.
///
/// # Errors
///
/// Returns an error if an option is outside its range or a product is not finite.
///
/// # References
///
/// - M. F. Hutchinson (1989). A stochastic estimator of the trace of the influence matrix for Laplacian smoothing
///   splines. *Communications in Statistics: Simulation and Computation* 18(3), 1059–1076.
/// - Z. Yao, A. Gholami, K. Keutzer, M. W. Mahoney (2020). PyHessian: Neural networks through the lens of the Hessian.
///   *IEEE Big Data*. arXiv:1912.07145.
pub fn trace<A: SymmetricOperator + ?Sized>(
    operator: &mut A,
    config: &TraceConfig,
) -> Result<TraceEstimate, Error> {
    config.check()?;
    // The mean, and the sum of squared deviations from it, by Welford's recurrence.
    let (mut mean, mut squares) = (0.0, 0.0);
    let mut probes = 0;
    loop {
        let signs = rademacher_vector(operator, config.seed, "trace probe", probes as u64);
        let product = operator.apply(&signs);
        probes += 1;
        let [length] = product.dims();
        require_length("a product", operator.dimension(), length)?;
        let sample = vector::dot(&signs, &product);
        if !sample.is_finite() {
            return Err(Error::NonFiniteProduct { product: probes });
        }

        let (before, deviation) = (mean, sample - mean);
        mean += deviation / probes as f64;
        squares += deviation * (sample - mean);
        let rests = probes >= 2 && (mean - before).abs() <= config.tolerance * before.abs();
        if rests || probes == config.max_probes {
            let variance = squares / (probes - 1) as f64;
            return Ok(TraceEstimate {
                value: mean,
                standard_error: (variance / probes as f64).sqrt(),
                probes,
                converged: rests,
            });
        }
    }
}
