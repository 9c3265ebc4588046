//! Curvature-dynamics-aware tuning: gradient descent kept at the edge by the curvature along its step.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::{require, require_positive};
use crate::method::Start;
use crate::vector::axpy;
use crate::{Curvature, CurvatureFailure, Error, Method, Outcome, Step};

/// The parameters of [`Cdat`]. The default is the paper's: `σ = 2.06`, and nothing else.
///
/// The step size for the update direction `u = −g` is
///
/// ```text
/// η = scale · max(−gᵀu, 0) / (|uᵀHu| + epsilon) = scale · ‖g‖² / (|gᵀHg| + epsilon)
/// ```
///
/// With `scale` 1 a step goes to the minimum of the quadratic model along `u`, with 2 it ends at equal height, on the
/// edge. Without `epsilon`, averages and a largest step, `η·max|λ| ≥ scale` at every iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CdatConfig {
    /// `σ`, positive and finite.
    pub scale: f64,
    /// `ε`, added to the curvature along the step; at least 0 and finite.
    pub epsilon: f64,
    /// `β` in `[0, 1)`: numerator and denominator are averages in which a value that is `t` iterations old has the
    /// weight `β^t`. 0 takes the values of the iteration itself; averages are meant for stochastic gradients.
    pub averaging: f64,
    /// No step is larger, where there is a limit.
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
    /// [`Error::InvalidParameter`] names the first parameter outside its range.
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

/// What CDAT carries from one iteration to the next: all that continuing a run needs besides the point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CdatState {
    /// The average of `‖g‖²`, 0 before the first step.
    numerator: f64,
    /// The average of `|gᵀHg| + ε`, 0 before the first step.
    denominator: f64,
}

/// Gradient descent with the step size that the curvature along the step gives; see [`CdatConfig`].
///
/// An iteration takes one gradient, with the loss at `w_k`, and one curvature along it. It ends without a step where the
/// run has converged (`‖g‖` or `f` below `1e-8`), where the loss or the gradient at `w_k` is not finite, and where
/// no finite step size follows from the curvature, which vanishes or is not finite ([`Outcome::CurvatureFailed`]).
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
    /// What the method carries to the next iteration.
    pub fn state(&self) -> &CdatState {
        &self.state
    }

    /// The method, to go on from an earlier [`state`](Self::state).
    pub fn with_state(mut self, state: CdatState) -> Self {
        self.state = state;
        self
    }

    /// Takes in `‖g‖²` and a finite `gᵀHg`; the step size, unless none is finite.
    fn step_size(&mut self, squared_norm: f64, curvature: f64) -> Option<f64> {
        let CdatConfig {
            scale,
            epsilon,
            averaging,
            max_step_size,
        } = self.config;
        let average = |old: f64, new: f64| averaging * old + (1.0 - averaging) * new;
        // Both start at zero, so the weights that are still missing cancel in the quotient.
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
