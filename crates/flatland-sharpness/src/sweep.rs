//! When converged pairs may be believed to be the wanted ones.

use crate::Wanted;

/// What to do with wanted pairs that have all converged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They are the wanted ones.
    Accept,
    /// The random vector that is looking for others needs more products.
    Continue,
    /// Another random vector has to look for others.
    Draw,
}

/// A random vector on its way through the operator, in search of eigenvalues that were missed.
///
/// A small residual says that there is an eigenvalue close by, not that it is the one that was asked for. Two ways lead
/// astray. A start vector close to an eigenvector converges before anything else shows. And the Krylov space of one
/// vector holds one eigenvector of an eigenvalue, however many there are. Against both helps a random vector: whatever
/// is missing, it has a share of it, which the products bring out.
///
/// Let `e` be the part of the spectrum's width by which the largest Ritz value falls short of the largest eigenvalue
/// after `k` products of a random vector. Kuczyński and Woźniakowski bound its distribution for every operator:
/// `P(e > ε) ≤ 1.648·√n·exp(−(2k − 1)·√ε)`. A sweep takes as many products as make that 1% for `ε = 1/2`: 6 for
/// `n = 100`, 9 for a million; where several neighbours are wanted, and the missing one may hide among them, 0.01% for
/// `ε = 1/4`: 13 and 18. Spectra with a few eigenvalues far out, as Hessians have them, are much kinder.
///
/// # References
///
/// - J. Kuczyński, H. Woźniakowski (1992). Estimating the largest eigenvalue by the power and Lanczos algorithms with
///   a random start. *SIAM Journal on Matrix Analysis and Applications* 13(4), 1094–1122.
#[derive(Debug)]
pub(crate) struct Sweep {
    wanted: Wanted,
    /// Whether the first vector was not all random.
    is_warm: bool,
    /// Products that make a sweep.
    length: usize,
    /// Products since the latest random vector was drawn.
    products: usize,
    /// The wanted eigenvalues as they were when the latest of these began.
    before: Option<Vec<f64>>,
}

impl Sweep {
    /// The first vector's.
    pub(crate) fn new(wanted: Wanted, is_warm: bool, dimension: usize) -> Self {
        Self {
            wanted,
            is_warm,
            length: match wanted.asks_for_neighbours() {
                false => length(dimension, 1e-2, 0.5),
                true => length(dimension, 1e-4, 0.25),
            },
            products: 0,
            before: None,
        }
    }

    /// Notes a product.
    pub(crate) fn record(&mut self) {
        self.products += 1;
    }

    /// Whose turn it is among `pending` vectors. All of them take part: what is missing may lie in an older one, which
    /// the latest random vector, being orthogonal to it, does not see.
    pub(crate) fn turn(&self, pending: usize) -> usize {
        self.products % pending
    }

    /// Notes that a random vector was drawn, to look for others than `values` if these have converged.
    pub(crate) fn begin(&mut self, converged: Option<Vec<f64>>) {
        self.products = 0;
        self.before = converged;
    }

    /// Judges converged values, each known up to its threshold, while `pending` vectors can still be multiplied.
    ///
    /// If several neighbours are wanted, they are accepted when a sweep has found nothing new among them. That ends: what
    /// a sweep changes, it changes for good, since the wanted Ritz values only move outwards.
    pub(crate) fn judge(&self, values: &[f64], thresholds: &[f64], pending: usize) -> Verdict {
        let is_long = self.products >= self.length * pending;
        if !self.wanted.asks_for_neighbours() {
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

/// The least `k` with `1.648·√n·exp(−(2k − 1)·√gap) ≤ odds`.
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
