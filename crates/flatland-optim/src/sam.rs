//! Sharpness-aware minimization.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::{require, require_positive};
use crate::method::Start;
use crate::vector::{axpy, norm};
use crate::{Error, Method, NonFinite, Objective, Outcome, Step};

/// The parameters of [`Sam`], for the ascent step and the descent step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamConfig {
    /// `η`, positive and finite.
    pub step_size: f64,
    /// `ρ`, the length of the ascent step, at least 0 and finite.
    pub rho: f64,
    /// `μ` in `[0, 1)`, without dampening.
    pub momentum: f64,
    /// `d`, at least 0 and finite. `d·w` is added to the gradient, as in PyTorch's SGD.
    pub weight_decay: f64,
}

impl SamConfig {
    /// The paper's parameters: momentum 0.9, weight decay 1e-4 and `ρ = 0.05`.
    pub fn new(step_size: f64) -> Self {
        Self {
            momentum: 0.9,
            weight_decay: 1e-4,
            ..Self::plain(step_size)
        }
    }

    /// `ρ = 0.05`, without momentum and weight decay.
    pub fn plain(step_size: f64) -> Self {
        Self {
            step_size,
            rho: 0.05,
            momentum: 0.0,
            weight_decay: 0.0,
        }
    }

    /// The method, ready for its first step.
    ///
    /// # Errors
    ///
    /// Returns [`Error::InvalidParameter`] for the first parameter outside its range.
    pub fn init(&self) -> Result<Sam, Error> {
        let Self {
            step_size,
            rho,
            momentum,
            weight_decay,
        } = *self;
        let is_size = |value: f64| value >= 0.0 && value.is_finite();
        require_positive("step_size", step_size)?;
        require(is_size(rho), "rho", rho, "at least 0 and finite")?;
        let is_allowed = (0.0..1.0).contains(&momentum);
        require(is_allowed, "momentum", momentum, "in [0, 1)")?;
        let is_allowed = is_size(weight_decay);
        require(
            is_allowed,
            "weight_decay",
            weight_decay,
            "at least 0 and finite",
        )?;
        Ok(Sam {
            config: self.clone(),
            state: SamState::default(),
        })
    }

    /// The sharpness at the method's edge of stability for a gradient of this norm. On a quadratic with the gradient
    /// along the top eigenvector, the iteration diverges for a larger `λ₁`.
    ///
    /// ```text
    /// ‖g‖/(2ρ) · (√(1 + 4ρ·e/‖g‖) − 1)        e = 2(1 + μ)/η − d
    /// ```
    ///
    /// is the solution `λ` of `λ·(1 + ρλ/‖g‖) = e`, where `e` is the edge of the descent step alone: `2/η` without
    /// momentum and weight decay. It is below `e`, tends to `e` as `ρ → 0` and to 0 as the gradient vanishes, and is 0
    /// if `e ≤ 0`, where weight decay alone makes the iteration unstable.
    ///
    /// # References
    ///
    /// - P. M. Long, P. L. Bartlett, *Sharpness-Aware Minimization and the Edge of Stability*, JMLR 25, 2024,
    ///   arXiv 2309.12488 (without momentum and weight decay).
    pub fn edge(&self, gradient_norm: f64) -> f64 {
        let descent = 2.0 * (1.0 + self.momentum) / self.step_size - self.weight_decay;
        if self.rho == 0.0 || descent <= 0.0 {
            return descent.max(0.0);
        }
        // The same solution without a difference of nearly equal numbers.
        2.0 * descent / (1.0 + (1.0 + 4.0 * self.rho * descent / gradient_norm).sqrt())
    }
}

/// The state of SAM between two iterations. With the point, it determines the rest of the run.
#[derive(Debug, Clone, Default)]
pub struct SamState {
    /// The momentum buffer, `[dimension]`. `None` before the first step and without momentum.
    pub buffer: Option<Tensor<1>>,
}

/// Sharpness-aware minimization, which descends along the gradient at a point uphill:
///
/// ```text
/// e = ρ·g/‖g‖        g' = ∇f(w + e)        b ← μ·b + g' + d·w        w ← w − η·b
/// ```
///
/// with `b = g' + d·w` in the first step. See [`SamConfig`].
///
/// An iteration evaluates two gradients. It takes no step if the run has converged (`‖g‖` or `f` at `w_k` below
/// `1e-8`), or if the loss or one of the gradients is not finite.
///
/// # References
///
/// - P. Foret, A. Kleiner, H. Mobahi, B. Neyshabur, *Sharpness-Aware Minimization for Efficiently Improving
///   Generalization*, ICLR 2021, arXiv 2010.01412.
#[derive(Debug, Clone)]
pub struct Sam {
    config: SamConfig,
    state: SamState,
}

impl Sam {
    /// The state after the last iteration.
    pub fn state(&self) -> &SamState {
        &self.state
    }

    /// The method in an earlier [`state`](Self::state).
    pub fn with_state(mut self, state: SamState) -> Self {
        self.state = state;
        self
    }
}

impl<O: Objective + ?Sized> Method<O> for Sam {
    fn step(&mut self, objective: &mut O, point: Tensor<1>) -> (Tensor<1>, Step) {
        let start = match Start::evaluate(objective, &point) {
            Ok(start) => start,
            Err(step) => return (point, step),
        };
        let SamConfig {
            step_size,
            rho,
            momentum,
            weight_decay,
        } = self.config;
        let mut step = start.step();
        let uphill = axpy(rho / start.gradient_norm, &start.gradient, &point);
        let (_, gradient) = objective.loss_and_gradient(&uphill);
        if !norm(&gradient).is_finite() {
            step.outcome = Outcome::Diverged(NonFinite::Gradient);
            return (point, step);
        }
        let mut direction = axpy(weight_decay, &point, &gradient);
        if momentum > 0.0 {
            if let Some(buffer) = &self.state.buffer {
                direction = axpy(momentum, buffer, &direction);
            }
            self.state.buffer = Some(direction.clone());
        }
        step.step_size = step_size;
        (axpy(-step_size, &direction, &point), step)
    }
}
