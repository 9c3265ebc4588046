//! The acceptance of converged pairs as the wanted ones.

use crate::Wanted;

/// The decision about wanted pairs that have all converged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Accept them as the wanted ones.
    Accept,
    /// Expand the last random vector by more products.
    Continue,
    /// Add another random vector.
    Draw,
}

/// The expansion of a random vector by several products, to find missed eigenvalues.
///
/// A small residual shows that an eigenvalue is close, but not that it is a wanted one. There are two causes of error.
/// A start vector close to an eigenvector converges before other eigenvalues appear. And the Krylov space of one vector
/// contains one eigenvector of a multiple eigenvalue. A random vector resolves both: it has a component along every
/// missing eigenvector, which products amplify.
///
/// Let `e` be the relative error of the largest Ritz value after `k` products of a random vector, as a share of the
/// spectrum's width. Kuczyński and Woźniakowski bound its distribution for every operator of dimension `n`:
/// `P(e > ε) ≤ 1.648·√n·exp(−(2k − 1)·√ε)`. The length of a sweep makes this bound 1% for `ε = 1/2`: 6 products for
/// `n = 100`, 9 for a million. If several neighbouring eigenvalues are wanted, it makes the bound 0.01% for `ε = 1/4`:
/// 13 and 18 products. For spectra with a few outlying eigenvalues, as of Hessians, the error is much smaller.
///
/// # References
///
/// - J. Kuczyński, H. Woźniakowski (1992). Estimating the largest eigenvalue by the power and Lanczos algorithms with
///   a random start. *SIAM Journal on Matrix Analysis and Applications* 13(4), 1094–1122.
#[derive(Debug)]
pub(crate) struct Sweep {
    wanted: Wanted,
    /// Whether the first vector contained start vectors.
    is_warm: bool,
    /// The number of products in a sweep.
    length: usize,
    /// The number of products since the last random vector was added.
    products: usize,
    /// The wanted eigenvalues before the last random vector was added, if they had converged.
    before: Option<Vec<f64>>,
}

impl Sweep {
    /// The sweep of the first vector.
    pub(crate) fn new(wanted: Wanted, is_warm: bool, dimension: usize) -> Self {
        Self {
            wanted,
            is_warm,
            length: if wanted.has_neighbours() {
                length(dimension, 1e-4, 0.25)
            } else {
                length(dimension, 1e-2, 0.5)
            },
            products: 0,
            before: None,
        }
    }

    /// Counts a product.
    pub(crate) fn record(&mut self) {
        self.products += 1;
    }

    /// The index of the next vector to expand among `pending` vectors. All of them take turns: the last random vector
    /// is orthogonal to the older ones, which may contain a missing eigenvector.
    pub(crate) fn turn(&self, pending: usize) -> usize {
        self.products % pending
    }

    /// Starts the sweep of a new random vector. `converged` are the wanted values if they have converged.
    pub(crate) fn begin(&mut self, converged: Option<Vec<f64>>) {
        self.products = 0;
        self.before = converged;
    }

    /// Decides about converged values with these thresholds, while there are `pending` vectors.
    ///
    /// If several neighbouring eigenvalues are wanted, they are accepted after a sweep that changes none of them. This
    /// terminates, because the wanted Ritz values only move outwards.
    pub(crate) fn judge(&self, values: &[f64], thresholds: &[f64], pending: usize) -> Verdict {
        let is_long = self.products >= self.length * pending;
        if !self.wanted.has_neighbours() {
            return if is_long || !self.is_warm {
                Verdict::Accept
            } else {
                Verdict::Continue
            };
        }
        let is_unchanged = self.before.as_ref().is_some_and(|before| {
            (before.iter().zip(values).zip(thresholds))
                .all(|((before, value), threshold)| (before - value).abs() <= *threshold)
        });
        if is_unchanged && is_long {
            Verdict::Accept
        } else if is_unchanged {
            Verdict::Continue
        } else {
            Verdict::Draw
        }
    }
}

/// The smallest `k` with `1.648·√n·exp(−(2k − 1)·√gap) ≤ odds`.
fn length(dimension: usize, odds: f64, gap: f64) -> usize {
    let ratio = 1.648 * (dimension as f64).sqrt() / odds;
    ((ratio.ln() / gap.sqrt() + 1.0) / 2.0).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_as_long_as_the_bound_asks() {
        for dimension in [10, 100, 318_410, 1_000_000, 1_000_000_000] {
            for (odds, gap) in [(1e-2, 0.5f64), (1e-4, 0.25)] {
                let bound = |k: usize| {
                    let exponent = (2.0 * k as f64 - 1.0) * gap.sqrt();
                    1.648 * (dimension as f64).sqrt() * (-exponent).exp()
                };
                let k = length(dimension, odds, gap);
                assert!(bound(k) <= odds && bound(k - 1) > odds, "{dimension}: {k}");
            }
        }
        assert_eq!([100, 1_000_000].map(|n| length(n, 1e-2, 0.5)), [6, 9]);
        assert_eq!([100, 1_000_000].map(|n| length(n, 1e-4, 0.25)), [13, 18]);
    }

    fn after(sweep: &mut Sweep, products: usize) -> Verdict {
        (0..products).for_each(|_| sweep.record());
        sweep.judge(&[1.0], &[1e-3], 1)
    }

    #[test]
    fn a_single_pair_is_accepted_at_once_unless_it_was_started_from() {
        let wanted = Wanted::Magnitude(1);
        assert_eq!(
            after(&mut Sweep::new(wanted, false, 100), 1),
            Verdict::Accept
        );
        let mut warm = Sweep::new(wanted, true, 100);
        assert_eq!(after(&mut warm, 5), Verdict::Continue);
        assert_eq!(after(&mut warm, 1), Verdict::Accept);
    }

    #[test]
    fn neighbours_are_accepted_when_a_sweep_changes_nothing() {
        let wanted = Wanted::Ends {
            largest: 2,
            smallest: 0,
        };
        let mut sweep = Sweep::new(wanted, false, 100);
        assert_eq!(after(&mut sweep, 20), Verdict::Draw);
        sweep.begin(Some(vec![0.9]));
        assert_eq!(after(&mut sweep, 20), Verdict::Draw);
        sweep.begin(Some(vec![0.9995]));
        assert_eq!(after(&mut sweep, 12), Verdict::Continue);
        assert_eq!(after(&mut sweep, 1), Verdict::Accept);
    }

    #[test]
    fn a_complete_krylov_space_ends_a_sweep() {
        let mut sweep = Sweep::new(Wanted::Magnitude(2), false, 100);
        sweep.begin(Some(vec![1.0]));
        assert_eq!(sweep.judge(&[1.0], &[1e-3], 2), Verdict::Continue);
        assert_eq!(sweep.judge(&[1.0], &[1e-3], 0), Verdict::Accept);
    }
}
