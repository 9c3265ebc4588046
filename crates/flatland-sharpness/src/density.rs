//! The spectral density, by stochastic Lanczos quadrature.

use burn::config::Config;

use crate::{
    Error, SymmetricOperator,
    error::require,
    krylov::{Krylov, rademacher_vector},
};

/// Options of [`spectral_density`].
#[derive(Config, Debug, PartialEq)]
pub struct SpectralDensityConfig {
    /// The number of random start vectors.
    #[config(default = 10)]
    pub probes: usize,
    /// The number of Lanczos steps per start vector, each with one product. At most the operator's dimension is used.
    #[config(default = 80)]
    pub steps: usize,
    /// The seed of the probes.
    #[config(default = 0)]
    pub seed: u64,
}

/// A spectral density as point masses: a quadrature rule for the spectral measure.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectralDensity {
    /// The Ritz values of all probes, the largest first.
    pub nodes: Vec<f64>,
    /// The share of the spectrum at each node. The shares add up to 1.
    pub weights: Vec<f64>,
    /// The number of products.
    pub products: usize,
}

/// A spectral density on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct SmoothedDensity {
    /// The equidistant points, in ascending order.
    pub points: Vec<f64>,
    /// The density at each point. Its integral over the real line is 1.
    pub densities: Vec<f64>,
    /// The standard deviation of the Gaussians that replace the point masses.
    pub standard_deviation: f64,
}

/// Estimates the spectral density of an operator.
///
/// For each probe, a Rademacher vector, the Lanczos process with full reorthogonalisation computes a small tridiagonal
/// matrix. The matrix defines a Gauss quadrature for the spectral measure of the probe: its eigenvalues are the nodes,
/// and the squared first components of its eigenvectors are the weights. Moments up to the order `2·steps − 1` of the
/// probe's measure are exact. The mean over probes is an unbiased estimate of the spectral density. A process that
/// reaches an invariant subspace ends there, and its quadrature is exact for the probe.
///
/// # Cost
///
/// `probes · steps` products, and the memory of `steps + 3` vectors of the operator's dimension.
///
/// # Errors
///
/// Returns an error if an option is outside its range or a product is not finite.
///
/// # References
///
/// - B. Ghorbani, S. Krishnan, Y. Xiao (2019). An investigation into neural net optimization via Hessian eigenvalue
///   density. *ICML*. arXiv:1901.10159.
/// - Z. Yao, A. Gholami, K. Keutzer, M. W. Mahoney (2020). PyHessian: Neural networks through the lens of the Hessian.
///   *IEEE Big Data*. arXiv:1912.07145. (Rademacher vectors as probes.)
/// - G. H. Golub, J. H. Welsch (1969). Calculation of Gauss quadrature rules. *Mathematics of Computation* 23, 221–230.
pub fn spectral_density<A: SymmetricOperator + ?Sized>(
    operator: &mut A,
    config: &SpectralDensityConfig,
) -> Result<SpectralDensity, Error> {
    for (option, value) in [("probes", config.probes), ("steps", config.steps)] {
        require(value >= 1, option, value as f64, "at least 1")?;
    }
    let dimension = operator.dimension();
    let mut masses: Vec<(f64, f64)> = Vec::new();
    let mut products = 0;
    for index in 0..config.probes {
        let signs = rademacher_vector(operator, config.seed, "density probe", index as u64);
        let mut krylov = Krylov::from_unit_vector(signs / (dimension as f64).sqrt());
        while krylov.pending() > 0 && krylov.expanded() < config.steps {
            krylov.expand(operator, 0).map_err(|error| match error {
                Error::NonFiniteProduct { product } => Error::NonFiniteProduct {
                    product: products + product,
                },
                error => error,
            })?;
        }
        products += krylov.products();
        let ritz = krylov.ritz();
        let weights = ritz.quadrature_weights().into_iter();
        let shares = weights.map(|weight| weight / config.probes as f64);
        masses.extend(ritz.values.iter().copied().zip(shares));
    }
    masses.sort_by(|(x, _), (y, _)| y.total_cmp(x));
    let (nodes, weights) = masses.into_iter().unzip();
    Ok(SpectralDensity {
        nodes,
        weights,
        products,
    })
}

/// The distance between the outermost nodes and the ends of the grid of a smoothed density, in standard deviations.
const MARGIN: f64 = 5.0;

impl SpectralDensity {
    /// The mean of a function `φ` over the eigenvalues, `tr φ(A)/dimension`.
    pub fn mean(&self, function: impl Fn(f64) -> f64) -> f64 {
        let masses = self.nodes.iter().zip(&self.weights);
        masses.map(|(node, weight)| weight * function(*node)).sum()
    }

    /// The density with Gaussians instead of point masses, on a grid of `points` points that extends 5 standard
    /// deviations beyond the outermost nodes.
    ///
    /// The standard deviation is `bandwidth` times the distance between the outermost nodes. If they coincide, it is
    /// `bandwidth` times their magnitude, or `bandwidth` if they are 0.
    ///
    /// # Errors
    ///
    /// Returns an error if there are fewer than 2 points, or if the bandwidth is not in `(0, 1]`.
    pub fn smoothed(&self, points: usize, bandwidth: f64) -> Result<SmoothedDensity, Error> {
        require(points >= 2, "points", points as f64, "at least 2")?;
        require(
            bandwidth > 0.0 && bandwidth <= 1.0,
            "bandwidth",
            bandwidth,
            "in (0, 1]",
        )?;
        let (largest, smallest) = (self.nodes[0], self.nodes[self.nodes.len() - 1]);
        let magnitude = largest.abs().max(smallest.abs());
        let spread = largest - smallest;
        // Equal eigenvalues are computed with rounding errors.
        let scale = if spread > 1e-6 * magnitude {
            spread
        } else if magnitude > 0.0 {
            magnitude
        } else {
            1.0
        };
        let deviation = bandwidth * scale;
        let start = smallest - MARGIN * deviation;
        let step = (spread + 2.0 * MARGIN * deviation) / (points - 1) as f64;
        let points: Vec<f64> = (0..points).map(|i| start + step * i as f64).collect();
        let height = 1.0 / (deviation * std::f64::consts::TAU.sqrt());
        let densities = points.iter().map(|point| {
            let gaussian = |node: f64| (-0.5 * ((point - node) / deviation).powi(2)).exp();
            height * self.mean(gaussian)
        });
        Ok(SmoothedDensity {
            densities: densities.collect(),
            points,
            standard_deviation: deviation,
        })
    }
}
