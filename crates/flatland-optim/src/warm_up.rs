//! Gradient descent with a warm-up of the step size.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::{require, require_positive};
use crate::method::Start;
use crate::vector::axpy;
use crate::{Error, Method, Objective, Step};

/// A warm-up in three phases. The step size grows by a factor in every iteration until it would exceed the peak, stays
/// at the peak for some iterations, and then has its last value.
///
/// With mean squared error and `K` classes, a network with dead features is unstable for `η ≥ K`. The paper's
/// [warm-up](Self::new) crosses this edge, and its [bounded warm-up](Self::bounded) does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUpConfig {
    /// The step size of the first iteration.
    pub first_step_size: f64,
    /// The factor of the step size in every iteration, above 1.
    pub growth: f64,
    /// The largest step size.
    pub peak: f64,
    /// The number of iterations at the peak.
    pub peak_iterations: u32,
    /// The step size after the peak.
    pub last_step_size: f64,
}

impl WarmUpConfig {
    /// GD-warmup: from 0.0125 by 25% in every iteration to `1.25·K`, two iterations there, then `0.9·K`.
    pub fn new(classes: usize) -> Self {
        Self {
            first_step_size: 0.0125,
            growth: 1.25,
            peak: 1.25 * classes as f64,
            peak_iterations: 2,
            last_step_size: 0.9 * classes as f64,
        }
    }

    /// GD-warmup-ub: from 0.0125 by 25% in every iteration to `0.9·K`.
    pub fn bounded(classes: usize) -> Self {
        let crossing = Self::new(classes);
        Self {
            peak: crossing.last_step_size,
            peak_iterations: 0,
            ..crossing
        }
    }

    /// The method, ready for its first step.
    ///
    /// # Errors
    ///
    /// Returns [`Error::InvalidParameter`] for the first parameter outside its range.
    pub fn init(&self) -> Result<WarmUp, Error> {
        require_positive("first_step_size", self.first_step_size)?;
        require_positive("peak", self.peak)?;
        require_positive("last_step_size", self.last_step_size)?;
        let growth = self.growth;
        let is_allowed = growth > 1.0 && growth.is_finite();
        require(is_allowed, "growth", growth, "above 1 and finite")?;
        Ok(WarmUp {
            state: WarmUpState {
                next: self.first_step_size,
                at_peak: 0,
            },
            config: self.clone(),
        })
    }
}

/// The state of a warm-up between two iterations. With the point, it determines the rest of the run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WarmUpState {
    /// The next step size of the growth phase, above the peak once that has ended.
    next: f64,
    /// The number of steps at the peak.
    at_peak: u32,
}

/// Gradient descent, `w ← w − η·g`, with a warm-up of the step size. See [`WarmUpConfig`].
///
/// An iteration evaluates one gradient. An iteration without a step does not advance the warm-up.
///
/// # References
///
/// - L. Galli, C. Fox, W. Bartolomaeus, M. Schmidt, H. Rauhut, *Flatland: The Adventures of Gradient Descent with Large
///   Step Sizes*, ICML 2026, arXiv 2606.06722, appendix D.
#[derive(Debug, Clone)]
pub struct WarmUp {
    config: WarmUpConfig,
    state: WarmUpState,
}

impl WarmUp {
    /// The state after the last iteration.
    pub fn state(&self) -> &WarmUpState {
        &self.state
    }

    /// The method in an earlier [`state`](Self::state).
    pub fn with_state(mut self, state: WarmUpState) -> Self {
        self.state = state;
        self
    }

    /// Returns the step size of this iteration and advances to the next.
    fn advance(&mut self) -> f64 {
        let (config, state) = (&self.config, &mut self.state);
        if state.next <= config.peak {
            let step_size = state.next;
            state.next *= config.growth;
            step_size
        } else if state.at_peak < config.peak_iterations {
            state.at_peak += 1;
            config.peak
        } else {
            config.last_step_size
        }
    }
}

impl<O: Objective + ?Sized> Method<O> for WarmUp {
    fn step(&mut self, objective: &mut O, point: Tensor<1>) -> (Tensor<1>, Step) {
        let start = match Start::evaluate(objective, &point) {
            Ok(start) => start,
            Err(step) => return (point, step),
        };
        let step_size = self.advance();
        let step = Step {
            step_size,
            ..start.step()
        };
        (axpy(-step_size, &start.gradient, &point), step)
    }
}
