//! Extreme eigenpairs by the Lanczos method.

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
    /// A pair has converged when `‖Av − λv‖ ≤ tolerance · max(|λ|, ρ/1000)`, where `ρ` is the largest magnitude found:
    /// what is smaller than a thousandth of that is only known to the accuracy of the thousandth.
    #[config(default = 1e-3)]
    pub tolerance: f64,
    /// The most vectors in the basis, each as long as the operator is wide; twice the wanted pairs and 20 if not given,
    /// twice the wanted pairs and 4 at least.
    ///
    /// A smaller basis saves memory and time between the products, a larger one saves products.
    pub basis_size: Option<usize>,
    /// The most products.
    #[config(default = 500)]
    pub max_products: usize,
    /// The seed of the random vectors.
    #[config(default = 0)]
    pub seed: u64,
}

impl LanczosConfig {
    /// The [`basis_size`](field@Self::basis_size) for so many wanted pairs, unless the configuration says otherwise.
    pub fn default_basis_size(wanted: Wanted) -> usize {
        2 * wanted.count() + 20
    }

    /// The least [`basis_size`](field@Self::basis_size) for so many wanted pairs.
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
    /// The eigenvalues, in the order that [`Wanted`] gives.
    pub values: Vec<f64>,
    /// An eigenvector for each value; they are orthonormal.
    pub vectors: Vec<Tensor<1>>,
    /// `‖Av − λv‖` for each pair: some eigenvalue lies within that distance of `λ`.
    ///
    /// It is never given as less than what rounding makes of the products, or than their measured asymmetry.
    pub residuals: Vec<f64>,
    /// Products taken.
    pub products: usize,
    /// Restarts made.
    pub restarts: usize,
    /// Whether every pair has reached the tolerance and nothing speaks against their being the wanted ones.
    ///
    /// Otherwise the products have run out, or the tolerance asks for more than rounding allows.
    pub converged: bool,
}

/// Finds extreme eigenpairs by the thick-restarted Lanczos method with full reorthogonalisation.
///
/// The first vector is random, plus the directions of the `start` vectors, if there are any: a good start is an earlier
/// result's eigenvectors at a point nearby. The random part must not be left out, since from an eigenvector nothing but
/// that eigenvector is ever seen, even when another eigenvalue has overtaken its own.
///
/// # Which eigenvalues
///
/// A small residual says that an eigenvalue is close, not which one it is. Converged pairs are accepted only when
///
/// - no other Ritz value can still take the place of one of them, as far as its own residual tells, and
/// - a random vector has been through enough products to show what was missed: after a start from `start` vectors, and
///   always where more than one eigenvalue is wanted of an end of the spectrum, since a Krylov space holds only one
///   eigenvector of a multiple eigenvalue. There, random vectors orthogonal to all that was found are put in until one
///   changes nothing.
///
/// What may be missed are eigenvalues that differ from a reported one by about its residual, and, with a probability
/// that is small for every operator and tiny for those with a few outlying eigenvalues, others.
///
/// # Cost
///
/// The products. For a spectrum like that of a network's Hessian, the largest eigenvalue to the tolerance of 1e-3 takes
/// 5 to 25 of them, the largest twenty 70 to 100. Besides, each product of an operator of dimension `n` is made
/// orthogonal to the basis twice, which takes `4·n` multiplications and additions for each vector in the basis, and two
/// reads from the device.
///
/// The basis never holds more than `basis_size` vectors, and a restart turns it in place. A product is under way while
/// there is room for one more in the basis; making it orthogonal takes a temporary. So at most
/// [`basis_size + 1`](field@LanczosConfig::basis_size) vectors of the operator's dimension are held, or `basis_size − 1` and
/// what the operator holds while it makes a product, the product included. The `start` vectors are the caller's.
///
/// # Errors
///
/// If an option or a start vector is not usable, or a product is not finite.
///
/// # References
///
/// - C. Lanczos (1950). An iteration method for the solution of the eigenvalue problem of linear differential and
///   integral operators. *Journal of Research of the National Bureau of Standards* 45, 255–282.
/// - K. Wu, H. Simon (2000). Thick-restart Lanczos method for large symmetric eigenvalue problems. *SIAM Journal on
///   Matrix Analysis and Applications* 22(2), 602–616.
/// - A. Ruhe (1979). Implementation aspects of band Lanczos algorithms for computation of eigenvalues of large sparse
///   symmetric matrices. *Mathematics of Computation* 33, 680–687. (More than one start vector, and what becomes of
///   those whose products are exhausted.)
/// - B. N. Parlett (1998). *The Symmetric Eigenvalue Problem*. SIAM. (Residual bounds, section 4.5; reorthogonalisation,
///   section 6.9; missing copies, section 13.)
pub fn eigenpairs<A: SymmetricOperator + ?Sized>(
    operator: &mut A,
    wanted: Wanted,
    config: &LanczosConfig,
    start: &[Tensor<1>],
) -> Result<EigenPairs, Error> {
    let start = sum_of_directions(start, operator.dimension())?;
    search(operator, wanted, wanted, config, start)
}

/// [`eigenpairs`], of which only the `decisive` ones, which come first, have to be found; `start` is a
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

/// The sum of the unit vectors along `vectors`, if there are any.
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
