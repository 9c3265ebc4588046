//! One step of a method, and the record it leaves.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::Objective;
use crate::vector::norm;

/// A rule that moves a point once and remembers what it needs for the next move.
///
/// `O` is what the rule asks of the problem: an [`Objective`] for line searches and gradient descent, a
/// [`Curvature`](crate::Curvature) for rules that look at the Hessian.
pub trait Method<O: ?Sized> {
    /// Moves `point` once. The returned point is `point` itself unless the outcome is [`Outcome::Stepped`].
    fn step(&mut self, objective: &mut O, point: Tensor<1>) -> (Tensor<1>, Step);
}

/// What happened in one iteration.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// `f(w_k)`, at the point the step started from.
    pub loss: f64,
    /// `‖∇f(w_k)‖`.
    pub gradient_norm: f64,
    /// The step size `η_k` taken; 0 when no step was taken.
    pub step_size: f64,
    /// The first trial step size, where there was one.
    pub initial_step_size: Option<f64>,
    /// Trial losses evaluated.
    pub trials: u32,
    /// How often the step size was cut.
    pub backtracks: u32,
    /// The reference value `R` of the search.
    pub reference_value: Option<f64>,
    /// Zhang and Hager's average `C`, where the reference is theirs.
    pub average_loss: Option<f64>,
    /// `f(w_{k+1})` where the search evaluated it.
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
    /// `‖g‖` or `f` is below its threshold: there is nothing left to do.
    Converged(Convergence),
    /// No acceptable step size was found, and no step was taken.
    SearchFailed(SearchFailure),
    /// A method that divides by the curvature along the step finds no finite step size, and no step was taken.
    CurvatureFailed(CurvatureFailure),
    /// The loss or the gradient at `w_k` is not finite, and no step was taken.
    Diverged(NonFinite),
}

/// Which threshold a converged run fell below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Convergence {
    /// `‖g‖ < 1e-8`.
    GradientNorm,
    /// `f < 1e-8`.
    Loss,
}

/// Why a search ended without an acceptable step size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SearchFailure {
    /// The limit of trials was reached.
    TrialLimit,
    /// The step size fell below its least value.
    StepTooSmall,
}

/// Why no step size follows from the curvature along the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CurvatureFailure {
    /// It vanishes, up to rounding.
    Vanishes,
    /// It is not finite, though the loss and the gradient are.
    NonFinite,
}

/// What was not finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NonFinite {
    /// The loss at `w_k`.
    Loss,
    /// The gradient at `w_k`.
    Gradient,
}

/// Below it, the norm of the gradient counts as zero.
const LEAST_GRADIENT_NORM: f64 = 1e-8;
/// Below it, the loss counts as zero.
const LEAST_LOSS: f64 = 1e-8;

/// Where an iteration begins: what every method that follows the gradient knows before it moves.
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
    /// The record of an iteration that ends before it begins: the run has converged, or diverged.
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

    /// A record with what is known, for an iteration that takes no trial.
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
