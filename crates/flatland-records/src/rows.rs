//! The rows of the CSV files.
//!
//! The field names are the columns. New columns are optional when rows are read, so that older records stay readable.

mod diagnostics;
mod epochs;

use serde::{Deserialize, Serialize};

pub use diagnostics::{DiagnosticsRow, GradientNormRow, LargeStepRow, SegmentRow, SmoothnessRow};
pub use epochs::EpochRow;

/// A row of `metrics.csv`: what was known at `w_k`, and the step from it. In a stochastic run `f` is the loss on the
/// mini-batch of the iteration, and there are no accuracies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricsRow {
    /// `k`, from 0.
    pub iteration: u64,
    /// Training loss `f(w_k)`.
    pub loss: f64,
    /// `η_k`. 0 if no step was taken.
    pub step_size: f64,
    /// The first trial of a line search.
    pub initial_step_size: Option<f64>,
    /// Trial losses.
    pub trials: u32,
    /// Cuts of the step size.
    pub backtracks: u32,
    /// All losses evaluated for the step, with or without gradient: one at `w_k`, the trials, and SAM's uphill point.
    pub function_evaluations: u64,
    /// `‖∇f(w_k)‖`
    pub gradient_norm: f64,
    /// `R_k` of a line search.
    pub reference_value: Option<f64>,
    /// Zhang and Hager's `C_k`, if the reference is theirs.
    pub average_loss: Option<f64>,
    /// Share of the training samples that are classified correctly at `w_k`, at the interval.
    pub train_accuracy: Option<f64>,
    /// Loss on the test set at `w_k`, at the interval.
    pub test_loss: Option<f64>,
    /// Share of the test samples that are classified correctly at `w_k`, at the interval.
    pub test_accuracy: Option<f64>,
    /// Seconds since the start of the run, without measurements of sharpness and accuracy.
    pub seconds: f64,
}

/// A row of `sharpness.csv`: a measurement of the Hessian at `w_k`, before step `k`. In a stochastic run the Hessian is
/// that of the mini-batch of step `k`, the first of an epoch, and there is a row only where a step was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharpnessRow {
    /// `k`, from 0.
    pub iteration: u64,
    /// `λ₁(w_k)`, the largest eigenvalue.
    pub sharpness: f64,
    /// The smallest eigenvalue.
    pub lambda_min: f64,
    /// `η_k`. 0 if no step was taken: at the end of a run that converged, stalled or diverged.
    pub step_size: f64,
    /// `η_k·λ₁(w_k)`. 0 if no step was taken; [`product`](Self::product) is what to judge and to average.
    pub step_size_times_sharpness: f64,
    /// The sharpness at which the method is on its edge of stability: `2/η_k`, or SAM's own edge. `None` if no step was
    /// taken.
    pub edge: Option<f64>,
    /// `‖H v − λ₁ v‖` for the unit eigenvector found.
    pub residual: f64,
    /// Hessian-vector products of the measurement.
    pub hessian_products: u64,
    /// Seconds that the measurement took.
    pub seconds: f64,
}

impl SharpnessRow {
    /// `η_k·λ₁(w_k)`. `None` if no step was taken: such a row says nothing about the size of steps.
    pub fn product(&self) -> Option<f64> {
        (self.step_size > 0.0).then_some(self.step_size_times_sharpness)
    }
}
