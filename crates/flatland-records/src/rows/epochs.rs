//! The rows of `epochs.csv`.

use serde::{Deserialize, Serialize};

/// A row of `epochs.csv`: a stochastic run after an epoch. The row of epoch 0 is the start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// Epochs made.
    pub epoch: u64,
    /// Iterations made, including those without a step: `k` of the step that follows.
    pub iteration: u64,
    /// Steps taken in the epoch that ended here.
    pub steps: u64,
    /// The loss on all training samples.
    pub loss: f64,
    /// Share of all training samples classified correctly.
    pub train_accuracy: f64,
    /// Loss on the test set, at the interval.
    pub test_loss: Option<f64>,
    /// Share of the test samples classified correctly, at the interval.
    pub test_accuracy: Option<f64>,
    /// The mean of `λ₁` over the mini-batches of the epoch that follows, all at this point, at the interval. A last
    /// smaller batch counts like the others.
    pub sharpness_mean: Option<f64>,
    /// The least `λ₁` among them.
    pub sharpness_min: Option<f64>,
    /// The largest `λ₁` among them.
    pub sharpness_max: Option<f64>,
    /// The smallest eigenvalue among all of them.
    pub lambda_min: Option<f64>,
    /// Hessian-vector products of the measurement.
    pub hessian_products: u64,
    /// Seconds since the start of the run, without measurements.
    pub seconds: f64,
    /// Seconds that the row took: the full loss, the accuracies and the sharpness.
    pub measuring_seconds: f64,
}
