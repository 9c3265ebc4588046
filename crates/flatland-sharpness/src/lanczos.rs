//! Extreme eigenpairs by the thick-restarted Lanczos method. A restart works in place on the basis.

use burn::{config::Config, tensor::Tensor};
use flatland_optim::vector;

use crate::{
    Error, SymmetricOperator, Wanted,
    assessment::Assessment,
    error::{require, require_length},
    krylov::Krylov,
    sweep::{Sweep, Verdict},
};

/// Options of [`eigenpairs`] and [`sharpness`](crate::sharpness()).
#[derive(Config, Debug, PartialEq)]
pub struct LanczosConfig {
    /// A pair has converged if `‖Av − λv‖ ≤ tolerance · max(|λ|, ρ/1000)`, where `ρ` is the largest magnitude found.
    /// Smaller eigenvalues than `ρ/1000` have the absolute accuracy of `ρ/1000`.
    #[config(default = 1e-3)]
    pub tolerance: f64,
    /// The largest number of basis vectors, each of the operator's dimension. The default is twice the number of wanted
    /// pairs plus 20, and the minimum is twice this number plus 4.
    ///
    /// A smaller basis saves memory and time between products. A larger basis saves products.
    pub basis_size: Option<usize>,
    /// The largest number of products.
    #[config(default = 500)]
    pub max_products: usize,
    /// The seed of the random vectors.
    #[config(default = 0)]
    pub seed: u64,
}

impl LanczosConfig {
    /// The default [`basis_size`](field@Self::basis_size) for the wanted pairs.
    pub fn default_basis_size(wanted: Wanted) -> usize {
        2 * wanted.count() + 20
    }

    /// The smallest [`basis_size`](field@Self::basis_size) for the wanted pairs.
    pub fn least_basis_size(wanted: Wanted) -> usize {
        2 * wanted.count() + 4
    }

    fn basis_size(&self, wanted: Wanted) -> usize {
        self.basis_size.unwrap_or(Self::default_basis_size(wanted))
    }

    fn check(&self, wanted: Wanted, dimension: usize) -> Result<(), Error> {
        let count = wanted.count();
        require(
            (1..=dimension).contains(&count),
            "the number of wanted eigenpairs",
            count as f64,
            format!("from 1 to the operator's dimension, {dimension}"),
        )?;
        require(
            self.tolerance > 0.0 && self.tolerance < 1.0,
            "tolerance",
            self.tolerance,
            "in (0, 1)",
        )?;
        let (basis_size, least) = (self.basis_size(wanted), Self::least_basis_size(wanted));
        require(
            basis_size >= least,
            "basis_size",
            basis_size as f64,
            format!("at least {least}, twice the wanted eigenpairs and 4"),
        )?;
        require(
            self.max_products >= count,
            "max_products",
            self.max_products as f64,
            format!("at least {count}, one for each wanted eigenpair"),
        )
    }
}

/// Approximate eigenpairs `(λ, v)` of an operator `A`.
#[derive(Debug, Clone)]
pub struct EigenPairs {
    /// The eigenvalues, in the order of [`Wanted`].
    pub values: Vec<f64>,
    /// Orthonormal eigenvectors, one for each value.
    pub vectors: Vec<Tensor<1>>,
    /// `‖Av − λv‖` for each pair. An eigenvalue lies within this distance of `λ`.
    ///
    /// It is at least the rounding error of products and their measured asymmetry.
    pub residuals: Vec<f64>,
    /// The number of products.
    pub products: usize,
    /// The number of restarts.
    pub restarts: usize,
    /// Whether every pair has reached the tolerance, and no other eigenvalue is known to be a wanted one.
    ///
    /// Otherwise the limit of products was reached, or rounding errors are above the tolerance.
    pub converged: bool,
}

/// Finds extreme eigenpairs by the thick-restarted Lanczos method with full reorthogonalisation.
///
/// The first vector is a random vector plus the directions of the `start` vectors. Good start vectors are the
/// eigenvectors at a nearby point. The random part is necessary: from an eigenvector, the method would find this
/// eigenvector alone, even if another eigenvalue has become larger.
///
/// # Which eigenvalues
///
/// A small residual shows that an eigenvalue is close, but not which one. Converged pairs are accepted only if
///
/// - no other Ritz value can replace one of them, as bounded by its own residual, and
/// - a random vector was expanded by enough products to find missed eigenvalues. This is required after a start from
///   `start` vectors, and if more than one eigenvalue is wanted at an end of the spectrum, because a Krylov space
///   contains one eigenvector of a multiple eigenvalue. In the second case, random vectors that are orthogonal to the
///   basis are added until one of them changes no wanted eigenvalue.
///
/// Eigenvalues may be missed if they differ from a reported one by about its residual. Other eigenvalues are missed
/// with a probability that is small for every operator and much smaller for an operator with a few outlying
/// eigenvalues.
///
/// # Cost
///
/// For the Hessian of a network and a tolerance of 1e-3, the largest eigenvalue takes 5 to 25 products and the largest
/// twenty take 70 to 100. Each product is orthogonalised twice, which takes `4·n` multiply-add operations for each
/// basis vector of an operator of dimension `n`, and two reads from the device.
///
/// The basis contains at most `basis_size` vectors, and a restart works in place. A product is computed while the basis
/// has room for one more vector, and its orthogonalisation needs a temporary. So the memory is at most
/// [`basis_size + 1`](field@LanczosConfig::basis_size) vectors of the operator's dimension, or `basis_size − 1` vectors
/// and the memory of the operator's product. This excludes the `start` vectors.
///
/// # Errors
///
/// Returns an error if an option is outside its range, a start vector is invalid, or a product is not finite.
///
/// # References
///
/// - C. Lanczos (1950). An iteration method for the solution of the eigenvalue problem of linear differential and
///   integral operators. *Journal of Research of the National Bureau of Standards* 45, 255–282.
/// - K. Wu, H. Simon (2000). Thick-restart Lanczos method for large symmetric eigenvalue problems. *SIAM Journal on
///   Matrix Analysis and Applications* 22(2), 602–616.
/// - A. Ruhe (1979). Implementation aspects of band Lanczos algorithms for computation of eigenvalues of large sparse
///   symmetric matrices. *Mathematics of Computation* 33, 680–687. (Several start vectors, and their
///   deflation.)
/// - B. N. Parlett (1998). *The Symmetric Eigenvalue Problem*. SIAM. (Residual bounds, section 4.5;
///   reorthogonalisation, section 6.9; missing copies, section 13.)
pub fn eigenpairs<A: SymmetricOperator + ?Sized>(
    operator: &mut A,
    wanted: Wanted,
    config: &LanczosConfig,
    start: &[Tensor<1>],
) -> Result<EigenPairs, Error> {
    let start = sum_of_directions(start, operator.dimension())?;
    search(operator, wanted, wanted, config, start)
}

/// [`eigenpairs`], where only the `decisive` pairs, which come first, must converge. `start` is a
/// [sum of directions](sum_of_directions).
pub(crate) fn search<A: SymmetricOperator + ?Sized>(
    operator: &mut A,
    wanted: Wanted,
    decisive: Wanted,
    config: &LanczosConfig,
    start: Option<Tensor<1>>,
) -> Result<EigenPairs, Error> {
    let dimension = operator.dimension();
    config.check(wanted, dimension)?;
    let basis_size = config.basis_size(wanted).min(dimension);
    let mut sweep = Sweep::new(decisive, start.is_some(), dimension);
    let mut krylov = Krylov::new(config.seed);
    krylov.push_random(operator, start);
    let mut restarts = 0;
    let mut next = 0;
    loop {
        krylov.expand(operator, next)?;
        sweep.record();
        if krylov.expanded() < wanted.count() {
            if krylov.pending() == 0 {
                krylov.push_random(operator, None);
                sweep.begin(None);
            }
            next = krylov.pending() - 1;
            continue;
        }

        let ritz = krylov.ritz();
        let noise = krylov.noise(operator);
        let pairs = Assessment::new(&krylov, &ritz, decisive, config.tolerance, noise);
        let is_complete = krylov.expanded() == dimension;
        let verdict = pairs.open.is_empty().then(|| {
            if is_complete {
                Verdict::Accept
            } else {
                sweep.judge(&pairs.values, &pairs.thresholds, krylov.pending())
            }
        });
        let converged = verdict == Some(Verdict::Accept);
        let is_over = krylov.products() >= config.max_products;
        if converged || is_complete || is_over || pairs.are_stuck {
            let places = wanted.select(&ritz.values, 0);
            let residual = |&place: &usize| krylov.residual(&ritz, place).max(noise);
            return Ok(EigenPairs {
                values: places.iter().map(|&place| ritz.values[place]).collect(),
                residuals: places.iter().map(residual).collect(),
                products: krylov.products(),
                restarts,
                converged,
                vectors: krylov.into_vectors(&ritz, &places),
            });
        }

        let heaviest = krylov.heaviest(&ritz, &pairs.open);
        let draws = krylov.pending() == 0 || verdict == Some(Verdict::Draw);
        let additions = 1 + usize::from(draws);
        if krylov.len() + additions > basis_size && basis_size < dimension {
            let room = basis_size - additions - krylov.pending();
            let spare = (room - wanted.count()) / 2;
            krylov.restart(&ritz, &wanted.select(&ritz.values, spare));
            restarts += 1;
        }
        if draws && krylov.len() < dimension {
            krylov.push_random(operator, None);
            sweep.begin(verdict.map(|_| pairs.values));
        }
        next = if draws || verdict.is_some() {
            sweep.turn(krylov.pending())
        } else {
            heaviest
        };
    }
}

/// The sum of the unit vectors along `vectors`. `None` if there are no vectors.
pub(crate) fn sum_of_directions(
    vectors: &[Tensor<1>],
    dimension: usize,
) -> Result<Option<Tensor<1>>, Error> {
    let mut sum: Option<Tensor<1>> = None;
    for (index, vector) in vectors.iter().enumerate() {
        let [length] = vector.dims();
        require_length("a start vector", dimension, length)?;
        let norm = vector::norm(vector);
        if !(norm > 0.0 && norm.is_finite()) {
            return Err(Error::InvalidStart { index, norm });
        }
        let direction = vector.clone() / norm;
        sum = Some(match sum {
            Some(sum) => sum + direction,
            None => direction,
        });
    }
    Ok(sum)
}
