//! The convergence of the wanted Ritz pairs.

use crate::{
    Wanted,
    krylov::{Krylov, Ritz},
};

/// Smaller eigenvalues than this share of the largest magnitude have the tolerance of this share.
const SMALL: f64 = 1e-3;

/// The decisive Ritz pairs, and the pairs that prevent convergence.
pub(crate) struct Assessment {
    /// The Ritz values, in the order of [`Wanted`].
    pub(crate) values: Vec<f64>,
    /// The largest allowed residual of each pair.
    pub(crate) thresholds: Vec<f64>,
    /// The places of the pairs that have not converged or, if all have, of their rivals.
    pub(crate) open: Vec<usize>,
    /// Whether the residuals of all pairs that have not converged are below the noise, so they cannot converge.
    pub(crate) are_stuck: bool,
}

impl Assessment {
    /// Assesses the pairs in `decisive`.
    ///
    /// A *rival* is another pair that may converge to a wanted eigenvalue: its interval `θ ± ‖Ax − θx‖` reaches beyond
    /// the smallest wanted eigenvalue, and its residual is above its threshold and above the noise.
    pub(crate) fn new(
        krylov: &Krylov,
        ritz: &Ritz,
        decisive: Wanted,
        tolerance: f64,
        noise: f64,
    ) -> Self {
        let magnitude = (ritz.values.iter()).fold(0.0, |most: f64, value| most.max(value.abs()));
        let threshold = |place: usize| tolerance * ritz.values[place].abs().max(SMALL * magnitude);

        let places = decisive.select(&ritz.values, 0);
        let values: Vec<f64> = places.iter().map(|&place| ritz.values[place]).collect();
        let thresholds: Vec<f64> = places.iter().map(|&place| threshold(place)).collect();
        let residuals = places.iter().map(|&place| krylov.residual(ritz, place));
        let residuals: Vec<f64> = residuals.collect();
        let unconverged = (0..places.len()).filter(|&i| residuals[i].max(noise) > thresholds[i]);
        let unconverged: Vec<usize> = unconverged.collect();
        let are_stuck =
            !unconverged.is_empty() && unconverged.iter().all(|&i| residuals[i] <= noise);

        let mut open: Vec<usize> = unconverged.iter().map(|&i| places[i]).collect();
        if open.is_empty() {
            let others = (0..ritz.values.len()).filter(|place| !places.contains(place));
            open = others
                .filter(|&place| {
                    let residual = krylov.residual(ritz, place);
                    residual > threshold(place).max(noise)
                        && decisive.is_reached(&values, ritz.values[place], residual)
                })
                .collect();
        }
        Self {
            values,
            thresholds,
            open,
            are_stuck,
        }
    }
}
