//! Curvature-dynamics-aware tuning (CDAT): a step size from the curvature along the gradient.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::{require, require_positive};
use crate::method::Start;
use crate::vector::axpy;
use crate::{Curvature, CurvatureFailure, Error, Method, Outcome, Step};

/// The parameters of [`Cdat`]. The default is the paper's: `σ = 2.06`, without `ε`, averages and a largest step.
///
/// The step size for the update direction `u = −g` is
///
/// ```text
/// η = scale · max(−gᵀu, 0) / (|uᵀHu| + epsilon) = scale · ‖g‖² / (|gᵀHg| + epsilon)
/// ```
///
/// With `scale` 1, a step ends at the minimum of the quadratic model along `u`. With `scale` 2, it ends at the model's
/// initial value, on the edge of stability. Without `epsilon`, averages and a largest step, `η·max|λ| ≥ scale` in every
/// iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CdatConfig {
    /// `σ`, positive and finite.
    pub scale: f64,
    /// `ε`, which is added to the curvature along the step, at least 0 and finite.
    pub epsilon: f64,
    /// `β` in `[0, 1)`. Numerator and denominator are averages in which a value has the weight `β^t` after `t`
    /// iterations. With 0, only the current values count. Averages are meant for stochastic gradients.
    pub averaging: f64,
    /// The largest step size. `None` for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_step_size: Option<f64>,
}

impl Default for CdatConfig {
    fn default() -> Self {
        Self {
            scale: 2.06,
            epsilon: 0.0,
            averaging: 0.0,
            max_step_size: None,
        }
    }
}

impl CdatConfig {
    /// The paper's parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// The method, ready for its first step.
    ///
    /// # Errors
    ///
    /// Returns [`Error::InvalidParameter`] for the first parameter outside its range.
    pub fn init(&self) -> Result<Cdat, Error> {
        let Self {
            scale,
            epsilon,
            averaging,
            max_step_size,
        } = *self;
        require_positive("scale", scale)?;
        let is_allowed = epsilon >= 0.0 && epsilon.is_finite();
        require(is_allowed, "epsilon", epsilon, "at least 0 and finite")?;
        let is_allowed = (0.0..1.0).contains(&averaging);
        require(is_allowed, "averaging", averaging, "in [0, 1)")?;
        if let Some(limit) = max_step_size {
            require_positive("max_step_size", limit)?;
        }
        Ok(Cdat {
            config: self.clone(),
            state: CdatState::default(),
        })
    }
}

/// The state of CDAT between two iterations. With the point, it determines the rest of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CdatState {
    /// The average of `‖g‖²`, 0 before the first step.
    numerator: f64,
    /// The average of `|gᵀHg| + ε`, 0 before the first step.
    denominator: f64,
}

/// Gradient descent with a step size from the curvature along the gradient, see [`CdatConfig`].
///
/// An iteration evaluates one gradient, with the loss at `w_k`, and one curvature. It takes no step if the run has
/// converged (`‖g‖` or `f` below `1e-8`), if the loss or the gradient at `w_k` is not finite, or if the curvature
/// vanishes or is not finite ([`Outcome::CurvatureFailed`]).
///
/// # References
///
/// - V. Roulet, A. Agarwala, J.-B. Grill, G. Swirszcz, M. Blondel, F. Pedregosa, *Stepping on the Edge: Curvature Aware
///   Learning Rate Tuners*, NeurIPS 2024, arXiv 2407.06183.
#[derive(Debug, Clone)]
pub struct Cdat {
    config: CdatConfig,
    state: CdatState,
}

impl Cdat {
    /// The state after the last iteration.
    pub fn state(&self) -> &CdatState {
        &self.state
    }

    /// The method in an earlier [`state`](Self::state).
    pub fn with_state(mut self, state: CdatState) -> Self {
        self.state = state;
        self
    }

    /// Updates the averages with `‖g‖²` and a finite `gᵀHg`. Returns `None` if the step size is not finite.
    fn step_size(&mut self, squared_norm: f64, curvature: f64) -> Option<f64> {
        let CdatConfig {
            scale,
            epsilon,
            averaging,
            max_step_size,
        } = self.config;
        let average = |old: f64, new: f64| averaging * old + (1.0 - averaging) * new;
        // Both averages start at zero, so their missing weights cancel in the quotient.
        self.state = CdatState {
            numerator: average(self.state.numerator, squared_norm),
            denominator: average(self.state.denominator, curvature.abs() + epsilon),
        };
        if self.state.denominator == 0.0 {
            return None;
        }
        let step_size = scale * self.state.numerator / self.state.denominator;
        let step_size = step_size.min(max_step_size.unwrap_or(f64::INFINITY));
        step_size.is_finite().then_some(step_size)
    }
}

impl<O: Curvature + ?Sized> Method<O> for Cdat {
    fn step(&mut self, objective: &mut O, point: Tensor<1>) -> (Tensor<1>, Step) {
        let start = match Start::evaluate(objective, &point) {
            Ok(start) => start,
            Err(step) => return (point, step),
        };
        let mut step = start.step();
        let curvature = objective.curvature_along(&point, &start.gradient);
        if !curvature.is_finite() {
            step.outcome = Outcome::CurvatureFailed(CurvatureFailure::NonFinite);
            return (point, step);
        }
        let squared_norm = start.gradient_norm * start.gradient_norm;
        let Some(step_size) = self.step_size(squared_norm, curvature) else {
            step.outcome = Outcome::CurvatureFailed(CurvatureFailure::Vanishes);
            return (point, step);
        };
        step.step_size = step_size;
        (axpy(-step_size, &start.gradient, &point), step)
    }
}
