//! A run as a list of points, each with all that was recorded of it.

use std::collections::BTreeMap;

use crate::records::{DiagnosticsRow, EpochRow, MetricsRow, SharpnessRow, Totals};
use crate::report::FinishedRun;

/// What was recorded of `w_k`.
#[derive(Default)]
pub struct Point<'a> {
    /// Of a run that goes through mini-batches.
    is_stochastic: bool,
    metrics: Option<&'a MetricsRow>,
    sharpness: Option<&'a SharpnessRow>,
    epoch: Option<&'a EpochRow>,
    diagnostics: Option<&'a DiagnosticsRow>,
    /// Of the point after the last step.
    totals: Option<&'a Totals>,
}

/// The points of a run by their `k`, from 0. The last one, after the last step, has no row of an iteration; where the run
/// ended on a point without a step, it has.
pub fn points(run: &FinishedRun) -> BTreeMap<u64, Point<'_>> {
    let is_stochastic = run.config.mini_batches.is_some();
    let mut points = BTreeMap::<u64, Point<'_>>::new();
    for row in &run.metrics {
        points.entry(row.iteration).or_default().metrics = Some(row);
    }
    for row in &run.sharpness {
        points.entry(row.iteration).or_default().sharpness = Some(row);
    }
    for row in &run.epochs {
        points.entry(row.iteration).or_default().epoch = Some(row);
    }
    for row in &run.diagnostics {
        points.entry(row.iteration).or_default().diagnostics = Some(row);
    }
    let totals = &run.file.totals;
    if totals.final_loss.is_some() || totals.final_test_loss.is_some() {
        points.entry(totals.iterations).or_default().totals = Some(totals);
    }
    for point in points.values_mut() {
        point.is_stochastic = is_stochastic;
    }
    points
}

impl Point<'_> {
    /// Time since the start of the run, without measurements, at the end of the step from this point.
    pub fn seconds(&self) -> Option<f64> {
        (self.metrics.map(|row| row.seconds))
            .or(self.epoch.map(|row| row.seconds))
            .or(self.totals.map(|totals| totals.training_seconds))
    }

    /// A value at all samples: of an epoch, of the row of a full-batch iteration, or of the last point.
    fn at_all(
        &self,
        epoch: fn(&EpochRow) -> Option<f64>,
        metrics: fn(&MetricsRow) -> Option<f64>,
        totals: fn(&Totals) -> Option<f64>,
    ) -> Option<f64> {
        let metrics_row = self.metrics.filter(|_| !self.is_stochastic);
        (self.epoch.and_then(epoch))
            .or(metrics_row.and_then(metrics))
            .or(self.totals.and_then(totals))
    }
}

/// A number of points, one line in a plot.
#[cfg_attr(
    not(feature = "parquet"),
    expect(dead_code, reason = "columns are Parquet's")
)]
pub struct Series {
    /// The name of a column.
    pub column: &'static str,
    /// The same for TensorBoard, which groups lines by what stands before the `/`.
    pub tag: &'static str,
    /// Whether it counts things.
    pub is_count: bool,
    pub of: fn(&Point<'_>) -> Option<f64>,
}

const fn series(
    column: &'static str,
    tag: &'static str,
    of: fn(&Point<'_>) -> Option<f64>,
) -> Series {
    Series {
        column,
        tag,
        is_count: false,
        of,
    }
}

const fn count(
    column: &'static str,
    tag: &'static str,
    of: fn(&Point<'_>) -> Option<f64>,
) -> Series {
    Series {
        is_count: true,
        ..series(column, tag, of)
    }
}

/// All series.
pub static ALL: [Series; 27] = [
    series("train_loss", "loss/train", |point| {
        point.at_all(
            |row| Some(row.loss),
            |row| Some(row.loss),
            |totals| totals.final_loss,
        )
    }),
    series("batch_loss", "loss/batch", |point| {
        let row = point.metrics.filter(|_| point.is_stochastic)?;
        Some(row.loss)
    }),
    series("test_loss", "loss/test", |point| {
        point.at_all(
            |row| row.test_loss,
            |row| row.test_loss,
            |totals| totals.final_test_loss,
        )
    }),
    series("train_accuracy", "accuracy/train", |point| {
        point.at_all(
            |row| Some(row.train_accuracy),
            |row| row.train_accuracy,
            |totals| totals.final_train_accuracy,
        )
    }),
    series("test_accuracy", "accuracy/test", |point| {
        point.at_all(
            |row| row.test_accuracy,
            |row| row.test_accuracy,
            |totals| totals.final_test_accuracy,
        )
    }),
    series("step_size", "step/size", |point| {
        Some(point.metrics?.step_size)
    }),
    series("initial_step_size", "step/first_trial", |point| {
        point.metrics?.initial_step_size
    }),
    count("trials", "step/trials", |point| {
        Some(f64::from(point.metrics?.trials))
    }),
    count("backtracks", "step/backtracks", |point| {
        Some(f64::from(point.metrics?.backtracks))
    }),
    count(
        "function_evaluations",
        "step/function_evaluations",
        |point| Some(point.metrics?.function_evaluations as f64),
    ),
    series("gradient_norm", "gradient/norm", |point| {
        Some(point.metrics?.gradient_norm)
    }),
    series("reference_value", "loss/reference", |point| {
        point.metrics?.reference_value
    }),
    series("average_loss", "loss/average", |point| {
        point.metrics?.average_loss
    }),
    series("seconds", "time/seconds", |point| point.seconds()),
    series("sharpness", "sharpness/lambda_1", |point| {
        Some(point.sharpness?.sharpness)
    }),
    series("lambda_min", "sharpness/lambda_min", |point| {
        Some(point.sharpness?.lambda_min)
    }),
    series(
        "step_size_times_sharpness",
        "sharpness/step_size_times_lambda_1",
        |point| Some(point.sharpness?.step_size_times_sharpness),
    ),
    series("edge", "sharpness/edge", |point| point.sharpness?.edge),
    series("residual", "sharpness/residual", |point| {
        Some(point.sharpness?.residual)
    }),
    count("epoch", "time/epoch", |point| {
        Some(point.epoch?.epoch as f64)
    }),
    series("sharpness_mean", "sharpness/batches_mean", |point| {
        point.epoch?.sharpness_mean
    }),
    series("sharpness_min", "sharpness/batches_min", |point| {
        point.epoch?.sharpness_min
    }),
    series("sharpness_max", "sharpness/batches_max", |point| {
        point.epoch?.sharpness_max
    }),
    series("trace", "early/trace", |point| {
        Some(point.diagnostics?.trace)
    }),
    series("zero_gradient_share", "early/zero_gradients", |point| {
        Some(point.diagnostics?.zero_gradient_share)
    }),
    series("dead_activation_share", "early/dead_activations", |point| {
        point.diagnostics?.dead_activation_share
    }),
    series("pairing", "early/pairing", |point| {
        point.diagnostics?.pairing
    }),
];
