//! Which number of which record is the loss, `λ₁`, `η`, `η·λ₁` or the accuracy: for figures, the page, medians over
//! seeds, the terminal and exports alike.

use flatland_records::{EpochRow, MetricsRow, RunRecords, SharpnessRow};

/// Places on the horizontal axis and values.
pub type Points = Vec<(f64, f64)>;

/// A quantity of a run that is shown as a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// The training loss. For a stochastic run, on all samples after an epoch.
    Loss,
    /// `λ₁`. For a stochastic run, the mean over the mini-batches.
    Sharpness,
    /// The least `λ₁` of the mini-batches of a stochastic run.
    SharpnessMin,
    /// The largest `λ₁` of the mini-batches of a stochastic run.
    SharpnessMax,
    /// The sharpness at which the method is on its edge of stability.
    Edge,
    /// `η` of every step.
    StepSize,
    /// `η·λ₁` of the steps at which `λ₁` was measured. For a stochastic run, of a step and its own mini-batch. A point
    /// without a step has no product.
    Product,
    /// The share of test samples that are classified correctly.
    TestAccuracy,
}

/// A row of one of the files.
#[derive(Debug, Clone, Copy)]
pub enum SeriesRow<'a> {
    /// Of `metrics.csv`.
    Metrics(&'a MetricsRow),
    /// Of `sharpness.csv`.
    Sharpness(&'a SharpnessRow),
    /// Of `epochs.csv`.
    Epoch(&'a EpochRow),
}

impl Series {
    /// The value in a row of a full-batch or a stochastic run. `None` if such a row does not have it.
    pub fn value(self, row: SeriesRow<'_>, is_stochastic: bool) -> Option<f64> {
        match (self, row, is_stochastic) {
            (Self::Loss, SeriesRow::Metrics(row), false) => Some(row.loss),
            (Self::Loss, SeriesRow::Epoch(row), true) => Some(row.loss),
            (Self::Sharpness, SeriesRow::Sharpness(row), false) => Some(row.sharpness),
            (Self::Sharpness, SeriesRow::Epoch(row), true) => row.sharpness_mean,
            (Self::SharpnessMin, SeriesRow::Epoch(row), true) => row.sharpness_min,
            (Self::SharpnessMax, SeriesRow::Epoch(row), true) => row.sharpness_max,
            (Self::Edge, SeriesRow::Sharpness(row), _) => row.edge,
            (Self::StepSize, SeriesRow::Metrics(row), _) => Some(row.step_size),
            (Self::Product, SeriesRow::Sharpness(row), _) => row.product(),
            (Self::TestAccuracy, SeriesRow::Metrics(row), false) => row.test_accuracy,
            (Self::TestAccuracy, SeriesRow::Epoch(row), true) => row.test_accuracy,
            _ => None,
        }
    }
}

/// The rows of a run that have series.
#[derive(Debug, Clone, Copy)]
pub struct RunSeries<'a> {
    /// `metrics.csv`
    pub metrics: &'a [MetricsRow],
    /// `sharpness.csv`
    pub sharpness: &'a [SharpnessRow],
    /// `epochs.csv` of a stochastic run.
    pub epochs: &'a [EpochRow],
    /// Iterations in an epoch of a stochastic run.
    pub per_epoch: Option<u64>,
}

impl<'a> From<&'a RunRecords> for RunSeries<'a> {
    fn from(run: &'a RunRecords) -> Self {
        Self {
            metrics: &run.metrics,
            sharpness: &run.sharpness,
            epochs: &run.epochs,
            per_epoch: run.per_epoch(),
        }
    }
}

impl RunSeries<'_> {
    /// The points of a series, by iteration; for a stochastic run, by epoch.
    pub fn points(&self, series: Series) -> Points {
        let is_stochastic = self.per_epoch.is_some();
        let per_epoch = self.per_epoch.unwrap_or(1) as f64;
        let metrics = (self.metrics.iter())
            .map(|row| (row.iteration as f64 / per_epoch, SeriesRow::Metrics(row)));
        let sharpness = (self.sharpness.iter())
            .map(|row| (row.iteration as f64 / per_epoch, SeriesRow::Sharpness(row)));
        let epochs = (self.epochs.iter()).map(|row| (row.epoch as f64, SeriesRow::Epoch(row)));
        metrics
            .chain(sharpness)
            .chain(epochs)
            .filter_map(|(place, row)| Some((place, series.value(row, is_stochastic)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run that stalled is measured at a last point without a step: it has a sharpness, and no product.
    #[test]
    fn a_point_without_a_step_has_no_product() {
        let row = |iteration, step_size| SharpnessRow {
            iteration,
            sharpness: 4.0,
            lambda_min: 0.0,
            step_size,
            step_size_times_sharpness: 4.0 * step_size,
            edge: None,
            residual: 0.0,
            hessian_products: 1,
            seconds: 0.0,
        };
        let sharpness = [row(0, 0.5), row(10, 0.0)];
        let mut run = RunSeries {
            metrics: &[],
            sharpness: &sharpness,
            epochs: &[],
            per_epoch: None,
        };
        assert_eq!(run.points(Series::Product), [(0.0, 2.0)]);
        assert_eq!(run.points(Series::Sharpness), [(0.0, 4.0), (10.0, 4.0)]);
        run.per_epoch = Some(5);
        assert_eq!(run.points(Series::Product), [(0.0, 2.0)]);
        assert_eq!(
            run.points(Series::Sharpness),
            [],
            "that is the mean over mini-batches"
        );
    }
}
