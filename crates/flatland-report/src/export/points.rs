//! A run as a list of points, each with all that was recorded of it.
//!
//! What was recorded of each `w_k` is listed once, for TensorBoard and Parquet alike.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flatland_records::{DiagnosticsRow, EpochRow, MetricsRow, RunRecords, SharpnessRow, Totals};

use crate::series::{Series, SeriesRow};

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

/// The points of a run by their `k`, from 0. The last one, after the last step, has no row of an iteration; where the
/// run ended on a point without a step, it has.
pub fn points(run: &RunRecords) -> BTreeMap<u64, Point<'_>> {
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

    /// The value of a series that figures show, if the point has it.
    fn series(&self, series: Series) -> Option<f64> {
        let rows = [
            self.epoch.map(SeriesRow::Epoch),
            self.metrics.map(SeriesRow::Metrics),
            self.sharpness.map(SeriesRow::Sharpness),
        ];
        let mut rows = rows.into_iter().flatten();
        rows.find_map(|row| series.value(row, self.is_stochastic))
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
#[derive(Clone)]
pub struct ExportSeries {
    /// The name of a column.
    pub column: Cow<'static, str>,
    /// The same for TensorBoard, which groups lines by what stands before the `/`.
    pub tag: Cow<'static, str>,
    /// Whether it counts things.
    pub is_count: bool,
    of: Of,
}

/// What a series takes of a point.
#[derive(Clone, Copy)]
enum Of {
    Value(fn(&Point<'_>) -> Option<f64>),
    /// The eigenvalue of this rank by magnitude, from 0.
    Eigenvalue(usize),
}

impl ExportSeries {
    /// The number of a point, where it has one.
    pub fn value(&self, point: &Point<'_>) -> Option<f64> {
        match self.of {
            Of::Value(of) => of(point),
            Of::Eigenvalue(rank) => point.diagnostics?.eigenvalues.get(rank).copied(),
        }
    }

    fn eigenvalue(rank: usize) -> Self {
        let name = format!("eigenvalue_{}", rank + 1);
        Self {
            tag: format!("early/{name}").into(),
            column: name.into(),
            is_count: false,
            of: Of::Eigenvalue(rank),
        }
    }
}

/// The series that points of these runs may have: the same for all runs, and as many eigenvalues as any of them has.
pub fn series_of<'a>(runs: impl IntoIterator<Item = &'a RunRecords>) -> Vec<ExportSeries> {
    let rows = (runs.into_iter()).flat_map(|run| &run.diagnostics);
    let ranks = rows.map(|row| row.eigenvalues.len()).max().unwrap_or(0);
    let eigenvalues = (0..ranks).map(ExportSeries::eigenvalue);
    ALL.iter().cloned().chain(eigenvalues).collect()
}

const fn series(
    column: &'static str,
    tag: &'static str,
    of: fn(&Point<'_>) -> Option<f64>,
) -> ExportSeries {
    ExportSeries {
        column: Cow::Borrowed(column),
        tag: Cow::Borrowed(tag),
        is_count: false,
        of: Of::Value(of),
    }
}

const fn count(
    column: &'static str,
    tag: &'static str,
    of: fn(&Point<'_>) -> Option<f64>,
) -> ExportSeries {
    ExportSeries {
        column: Cow::Borrowed(column),
        tag: Cow::Borrowed(tag),
        is_count: true,
        of: Of::Value(of),
    }
}

/// All series but the eigenvalues, of which a run has as many as it was asked for.
static ALL: [ExportSeries; 32] = [
    series("train_loss", "loss/train", |point| {
        let last = || point.totals.and_then(|totals| totals.final_loss);
        point.series(Series::Loss).or_else(last)
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
        let last = || point.totals.and_then(|totals| totals.final_test_accuracy);
        point.series(Series::TestAccuracy).or_else(last)
    }),
    series("step_size", "step/size", |point| {
        point.series(Series::StepSize)
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
        |point| point.series(Series::Product),
    ),
    series("edge", "sharpness/edge", |point| point.series(Series::Edge)),
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
        point.series(Series::SharpnessMin)
    }),
    series("sharpness_max", "sharpness/batches_max", |point| {
        point.series(Series::SharpnessMax)
    }),
    series("trace", "early/trace", |point| {
        Some(point.diagnostics?.trace)
    }),
    series(
        "trace_standard_error",
        "early/trace_standard_error",
        |point| Some(point.diagnostics?.trace_standard_error),
    ),
    series("gradient_norm_mean", "early/gradient_norm_mean", |point| {
        point.diagnostics?.gradient_norm_mean
    }),
    series("gradient_norm_min", "early/gradient_norm_min", |point| {
        point.diagnostics?.gradient_norm_min
    }),
    series("gradient_norm_max", "early/gradient_norm_max", |point| {
        point.diagnostics?.gradient_norm_max
    }),
    series(
        "gradient_norm_last_bias",
        "early/gradient_norm_last_bias",
        |point| point.diagnostics?.gradient_norm_last_bias,
    ),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use flatland_config::Status;

    fn row(iteration: u64, eigenvalues: &[f64]) -> DiagnosticsRow {
        DiagnosticsRow {
            iteration,
            trace: 2.0,
            trace_standard_error: 0.1,
            trace_probes: 10,
            eigenvalues: eigenvalues.to_vec(),
            eigenvalue_residual: 0.0,
            gradient_norm_mean: Some(0.25),
            gradient_norm_min: Some(0.125),
            gradient_norm_max: Some(0.5),
            gradient_norm_last_bias: None,
            zero_gradient_share: 0.5,
            dead_activation_share: None,
            pairing: None,
            hessian_products: 1,
            seconds: 0.0,
        }
    }

    /// `early/…` of a run at an iteration, in the order of the series.
    fn early(series: &[ExportSeries], point: &Point<'_>) -> Vec<(String, f64)> {
        let values = series.iter().filter_map(|series| {
            let name = series.tag.strip_prefix("early/")?;
            Some((name.to_owned(), series.value(point)?))
        });
        values.collect()
    }

    #[test]
    fn all_that_diagnostics_have_is_a_series() {
        let mut run = testing::run_of(testing::run_config(), Status::Done, None);
        let fixed = series_of([&run]).len();
        run.diagnostics = vec![row(0, &[3.0]), row(2, &[2.0, -1.0])];
        let series = series_of([&run]);
        assert_eq!(series.len(), fixed + 2);
        let columns: Vec<_> = series.iter().rev().map(|series| &series.column).collect();
        assert_eq!(columns[..2], ["eigenvalue_2", "eigenvalue_1"]);
        let points = points(&run);
        let expected = |eigenvalues: &[(&str, f64)]| {
            let fixed = [
                ("trace", 2.0),
                ("trace_standard_error", 0.1),
                ("gradient_norm_mean", 0.25),
                ("gradient_norm_min", 0.125),
                ("gradient_norm_max", 0.5),
                ("zero_gradients", 0.5),
            ];
            let all = fixed.iter().chain(eigenvalues);
            Vec::from_iter(all.map(|(name, value)| ((*name).to_owned(), *value)))
        };
        assert_eq!(
            early(&series, &points[&0]),
            expected(&[("eigenvalue_1", 3.0)])
        );
        let two = [("eigenvalue_1", 2.0), ("eigenvalue_2", -1.0)];
        assert_eq!(early(&series, &points[&2]), expected(&two));
    }
}
