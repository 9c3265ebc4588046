//! Gradient descent whose step size follows a warm-up.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::{require, require_positive};
use crate::method::Start;
use crate::vector::axpy;
use crate::{Error, Method, Objective, Step};

/// A warm-up in three parts: the step size grows by a factor in every iteration until the next one would pass the peak,
/// stays on the peak for a while, then takes its last value for good.
///
/// The two of the paper differ in whether they cross `η = K`, the number of classes, from where on a dead network is
/// unstable with mean squared error: [`new`](Self::new) does, [`bounded`](Self::bounded) does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUpConfig {
    /// The step size of the first iteration.
    pub first_step_size: f64,
    /// What the step size is multiplied by in every iteration, above 1.
    pub growth: f64,
    /// No step size grows past it.
    pub peak: f64,
    /// Iterations at the peak.
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

    /// GD-warmup-ub: from 0.0125 by 25% in every iteration to `0.9·K`, never above.
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
    /// [`Error::InvalidParameter`] names the first parameter outside its range.
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

/// Where a warm-up stands: all that continuing a run needs besides the point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WarmUpState {
    /// The next step size on the way up, past the peak once that is reached.
    next: f64,
    /// Steps taken at the peak.
    at_peak: u32,
}

/// Gradient descent, `w ← w − η·g`, whose step size follows a warm-up; see [`WarmUpConfig`].
///
/// An iteration takes one gradient. One that ends without a step, as of [`GradientDescent`](crate::GradientDescent),
/// does not advance the warm-up.
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
    /// Where the warm-up stands.
    pub fn state(&self) -> &WarmUpState {
        &self.state
    }

    /// The method, to go on from an earlier [`state`](Self::state).
    pub fn with_state(mut self, state: WarmUpState) -> Self {
        self.state = state;
        self
    }

    /// The step size of this iteration; the next call is the next iteration's.
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
