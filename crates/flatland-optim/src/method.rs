//! A method, and the record of one of its iterations.
//!
//! All methods implement [`Method`]. CDAT alone requires a [`Curvature`](crate::Curvature), of which it uses `gᵀHg`.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::Objective;
use crate::vector::norm;

/// An iterative method.
///
/// `O` is the required type of problem: an [`Objective`] for line searches and gradient descent, a
/// [`Curvature`](crate::Curvature) for methods that use the Hessian.
pub trait Method<O: ?Sized> {
    /// Runs one iteration from `point`. Returns the next point, which is `point` itself unless the outcome is
    /// [`Outcome::Stepped`], and the record of the iteration.
    fn step(&mut self, objective: &mut O, point: Tensor<1>) -> (Tensor<1>, Step);
}

/// The record of one iteration.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// `f(w_k)`, the loss before the step.
    pub loss: f64,
    /// `‖∇f(w_k)‖`.
    pub gradient_norm: f64,
    /// The step size `η_k`, 0 if no step was taken.
    pub step_size: f64,
    /// The first trial step size. `None` if there was no trial.
    pub initial_step_size: Option<f64>,
    /// The number of trials.
    pub trials: u32,
    /// The number of backtracking steps.
    pub backtracks: u32,
    /// The reference value `R`. `None` if the method is no line search.
    pub reference_value: Option<f64>,
    /// Zhang and Hager's average `C`. `None` for other references.
    pub average_loss: Option<f64>,
    /// `f(w_{k+1})`. `None` if it was not evaluated.
    pub accepted_loss: Option<f64>,
    /// How the iteration ended.
    pub outcome: Outcome,
}

/// How an iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A step was taken.
    Stepped,
    /// `‖g‖` or `f` is below its threshold, and no step was taken.
    Converged(Convergence),
    /// No acceptable step size was found, and no step was taken.
    SearchFailed(SearchFailure),
    /// No finite step size follows from the curvature along the gradient, and no step was taken.
    CurvatureFailed(CurvatureFailure),
    /// The loss or the gradient at `w_k` is not finite, and no step was taken.
    Diverged(NonFinite),
}

/// The criterion of a converged run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Convergence {
    /// `‖g‖ < 1e-8`.
    GradientNorm,
    /// `f < 1e-8`.
    Loss,
}

/// The reason for the failure of a line search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SearchFailure {
    /// The limit of trials was reached.
    TrialLimit,
    /// The step size fell below its smallest value.
    StepTooSmall,
}

/// The reason why no step size follows from the curvature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CurvatureFailure {
    /// The curvature vanishes, up to rounding.
    Vanishes,
    /// The curvature is not finite, although the loss and the gradient are.
    NonFinite,
}

/// The quantity that is not finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NonFinite {
    /// The loss at `w_k`.
    Loss,
    /// The gradient at `w_k`.
    Gradient,
}

/// A smaller norm of the gradient counts as zero.
const LEAST_GRADIENT_NORM: f64 = 1e-8;
/// A smaller loss counts as zero.
const LEAST_LOSS: f64 = 1e-8;

/// The loss and the gradient at the start of an iteration.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// `f(w_k)`
    pub(crate) loss: f64,
    /// `g`
    pub(crate) gradient: Tensor<1>,
    /// `‖g‖`
    pub(crate) gradient_norm: f64,
}

impl Start {
    /// Evaluates loss and gradient at `point`.
    ///
    /// # Errors
    ///
    /// Returns the record of an iteration without a step if the run has converged or diverged.
    pub(crate) fn evaluate<O: Objective + ?Sized>(
        objective: &mut O,
        point: &Tensor<1>,
    ) -> Result<Self, Step> {
        let (loss, gradient) = objective.loss_and_gradient(point);
        let gradient_norm = norm(&gradient);
        let start = Self {
            loss,
            gradient,
            gradient_norm,
        };
        let outcome = if !loss.is_finite() {
            Outcome::Diverged(NonFinite::Loss)
        } else if !gradient_norm.is_finite() {
            Outcome::Diverged(NonFinite::Gradient)
        } else if gradient_norm < LEAST_GRADIENT_NORM {
            Outcome::Converged(Convergence::GradientNorm)
        } else if loss < LEAST_LOSS {
            Outcome::Converged(Convergence::Loss)
        } else {
            return Ok(start);
        };
        Err(Step {
            outcome,
            ..start.step()
        })
    }

    /// The record of an iteration without trials.
    pub(crate) fn step(&self) -> Step {
        Step {
            loss: self.loss,
            gradient_norm: self.gradient_norm,
            step_size: 0.0,
            initial_step_size: None,
            trials: 0,
            backtracks: 0,
            reference_value: None,
            average_loss: None,
            accepted_loss: None,
            outcome: Outcome::Stepped,
        }
    }
}
