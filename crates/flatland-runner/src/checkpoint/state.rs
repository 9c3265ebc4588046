//! The part of a checkpoint that is not tensors.

use flatland_config::Status;
use flatland_optim::MethodState;
use flatland_records::{Marks, SharpnessRow, Totals};
use flatland_sharpness::Sharpness;
use serde::{Deserialize, Serialize};

use crate::diagnostics::PendingStep;

/// A run between two iterations: everything that is not a tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// When the run started, in UTC.
    pub started: jiff::Timestamp,
    /// The iteration that is next.
    pub place: RunPosition,
    /// Sums so far, with the evaluations counted and the times.
    pub totals: Totals,
    /// The state of the method.
    pub method: MethodState,
    /// Steps that the objective has made. Dropout draws its masks by their number.
    pub steps: u64,
    /// The last measurement of the sharpness, which the next one starts from.
    pub sharpness: Option<SharpnessNumbers>,
    /// The steps on which the verdict of Definition 2.3 is still open.
    pub waiting: Vec<PendingStep>,
    /// How many bytes the CSV files had.
    pub marks: Marks,
}

/// Where a run is resumed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RunPosition {
    /// Before this iteration of a full-batch run.
    FullBatch(u64),
    /// In a stochastic run.
    Stochastic(EpochPosition),
}

impl RunPosition {
    /// Iterations made, including those without a step, of a run with `per_epoch` iterations in an epoch.
    pub fn iteration(&self, per_epoch: u64) -> u64 {
        match self {
            Self::FullBatch(iteration) => *iteration,
            Self::Stochastic(cursor) => {
                (cursor.epoch.saturating_mul(per_epoch)).saturating_add(cursor.batch.unwrap_or(0))
            }
        }
    }
}

/// The position in a stochastic run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochPosition {
    /// Epochs made.
    pub epoch: u64,
    /// The batch of the epoch that is next. `None` if the row of the epochs made is next.
    pub batch: Option<u64>,
    /// Steps taken in the epoch under way, or the one just made.
    pub steps: u64,
    /// Why one of its batches gave no step.
    pub passed_over: Option<(Status, String)>,
    /// The sharpness of the first batch, until its step is known.
    pub first: Option<SharpnessRow>,
}

/// The numbers of a measurement, whose vectors are tensors of the checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharpnessNumbers {
    lambda_max: f64,
    lambda_max_residual: f64,
    lambda_min: f64,
    lambda_min_residual: f64,
    products: usize,
    converged: bool,
}

impl SharpnessNumbers {
    /// The numbers of a measurement.
    pub fn of(measured: &Sharpness) -> Self {
        Self {
            lambda_max: measured.lambda_max,
            lambda_max_residual: measured.lambda_max_residual,
            lambda_min: measured.lambda_min,
            lambda_min_residual: measured.lambda_min_residual,
            products: measured.products,
            converged: measured.converged,
        }
    }

    /// The measurement with its vectors.
    pub fn with_vectors(self, vectors: Vec<burn::tensor::Tensor<1>>) -> Sharpness {
        Sharpness {
            lambda_max: self.lambda_max,
            lambda_max_residual: self.lambda_max_residual,
            lambda_min: self.lambda_min,
            lambda_min_residual: self.lambda_min_residual,
            products: self.products,
            converged: self.converged,
            vectors,
        }
    }
}
