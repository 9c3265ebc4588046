//! The reference value of a line search.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::require;

/// The reference value `R` of a search, computed from the losses so far. `R ≥ f(w_k)`, and the slack `ε = R − f(w_k)`
/// allows a step to increase the loss.
///
/// # References
///
/// - L. Grippo, F. Lampariello, S. Lucidi, *A nonmonotone line search technique for Newton's method*, SIAM Journal on
///   Numerical Analysis 23(4), 1986.
/// - H. Zhang, W. W. Hager, *A nonmonotone line search technique and its application to unconstrained optimization*,
///   SIAM Journal on Optimization 14(4), 2004.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reference {
    /// `R = f(w_k)`: every step decreases the loss.
    Monotone,
    /// `R` is the largest of the last `window` losses, including `f(w_k)`.
    Grippo {
        /// `M`, at least 1. With 1, the search is [`Monotone`](Self::Monotone).
        window: usize,
    },
    /// `R = max(C_k, f(w_k))` with the weighted mean `C_k` of all losses so far, which is updated before the search:
    /// `Q_k = ξ·Q_{k−1} + 1`, `C_k = (ξ·Q_{k−1}·C_{k−1} + f(w_k))/Q_k`, from `Q = C = 0`.
    ZhangHager {
        /// `ξ` in `[0, 1]`. With 0, the search is [`Monotone`](Self::Monotone). With 1, `C` is the mean of all losses.
        xi: f64,
    },
}

/// The state of a [`Reference`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReferenceState {
    /// The losses in the window, the newest last.
    recent: VecDeque<f64>,
    /// `Q`
    weight: f64,
    /// `C`
    average: f64,
}

/// A reference value, and the average behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ReferenceValue {
    pub(crate) value: f64,
    pub(crate) average: Option<f64>,
}

impl Reference {
    pub(crate) fn check(&self) -> Result<(), Error> {
        match *self {
            Self::Monotone => Ok(()),
            Self::Grippo { window } => require(window >= 1, "window", window as f64, "at least 1"),
            Self::ZhangHager { xi } => require((0.0..=1.0).contains(&xi), "xi", xi, "in [0, 1]"),
        }
    }

    /// Updates the state with `f(w_k)` and returns `R`.
    pub(crate) fn update(&self, state: &mut ReferenceState, loss: f64) -> ReferenceValue {
        match *self {
            Self::Monotone => ReferenceValue {
                value: loss,
                average: None,
            },
            Self::Grippo { window } => {
                state.recent.push_back(loss);
                while state.recent.len() > window {
                    state.recent.pop_front();
                }
                ReferenceValue {
                    value: state.recent.iter().copied().fold(loss, f64::max),
                    average: None,
                }
            }
            Self::ZhangHager { xi } => {
                let kept = xi * state.weight;
                state.weight = kept + 1.0;
                state.average = (kept * state.average + loss) / state.weight;
                ReferenceValue {
                    value: state.average.max(loss),
                    average: Some(state.average),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSSES: [f64; 6] = [5.0, 3.0, 4.0, 1.0, 2.0, 0.5];

    fn values(reference: Reference) -> Vec<f64> {
        let mut state = ReferenceState::default();
        LOSSES
            .map(|loss| reference.update(&mut state, loss).value)
            .to_vec()
    }

    #[test]
    fn a_window_forgets_what_falls_out_of_it() {
        assert_eq!(
            values(Reference::Grippo { window: 3 }),
            [5.0, 5.0, 5.0, 4.0, 4.0, 2.0]
        );
        assert_eq!(values(Reference::Grippo { window: 1 }), LOSSES);
    }

    #[test]
    fn with_weight_one_the_average_is_the_mean_of_all_losses() {
        let mut state = ReferenceState::default();
        for k in 0..LOSSES.len() {
            let reference = Reference::ZhangHager { xi: 1.0 }.update(&mut state, LOSSES[k]);
            let mean = LOSSES[..=k].iter().sum::<f64>() / (k + 1) as f64;
            assert!((reference.average.unwrap() - mean).abs() < 1e-15);
            assert_eq!(reference.value, reference.average.unwrap().max(LOSSES[k]));
        }
    }

    #[test]
    fn with_weight_zero_the_reference_is_the_last_loss() {
        assert_eq!(values(Reference::ZhangHager { xi: 0.0 }), LOSSES);
    }

    #[test]
    fn a_loss_above_the_average_is_its_own_reference() {
        let mut state = ReferenceState::default();
        let reference = Reference::ZhangHager { xi: 1.0 };
        assert_eq!(reference.update(&mut state, 1.0).value, 1.0);
        let risen = reference.update(&mut state, 5.0);
        assert_eq!((risen.value, risen.average), (5.0, Some(3.0)));
    }

    #[test]
    fn a_weight_between_follows_the_recursion() {
        let mut state = ReferenceState::default();
        let averages = LOSSES[..3].iter().map(|&loss| {
            let reference = Reference::ZhangHager { xi: 0.5 }.update(&mut state, loss);
            reference.average.unwrap()
        });
        let expected = [
            5.0,
            (0.5 * 5.0 + 3.0) / 1.5,
            (0.75 * (5.5 / 1.5) + 4.0) / 1.75,
        ];
        for (found, expected) in averages.zip(expected) {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
    }
}
