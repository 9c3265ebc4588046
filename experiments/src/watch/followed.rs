//! A file of rows that is being followed.

use std::path::PathBuf;

use anyhow::Result;
use flatland_records::tail::Tail;
use flatland_records::{EpochRow, MetricsRow, SharpnessRow};
use flatland_report::series::{Points, Series, SeriesRow};
use serde::de::DeserializeOwned;

/// The series that are shown.
pub const CURVES: [Series; 4] = [
    Series::Loss,
    Series::Sharpness,
    Series::Product,
    Series::StepSize,
];

/// A row of which something is shown.
pub trait ShownRow: DeserializeOwned {
    fn iteration(&self) -> u64;
    fn as_series_row(&self) -> SeriesRow<'_>;
    /// Seconds spent on what the row measures.
    fn measuring_seconds(&self) -> f64;
}

impl ShownRow for MetricsRow {
    fn iteration(&self) -> u64 {
        self.iteration
    }

    fn as_series_row(&self) -> SeriesRow<'_> {
        SeriesRow::Metrics(self)
    }

    fn measuring_seconds(&self) -> f64 {
        0.0
    }
}

impl ShownRow for SharpnessRow {
    fn iteration(&self) -> u64 {
        self.iteration
    }

    fn as_series_row(&self) -> SeriesRow<'_> {
        SeriesRow::Sharpness(self)
    }

    fn measuring_seconds(&self) -> f64 {
        self.seconds
    }
}

impl ShownRow for EpochRow {
    fn iteration(&self) -> u64 {
        self.iteration
    }

    fn as_series_row(&self) -> SeriesRow<'_> {
        SeriesRow::Epoch(self)
    }

    fn measuring_seconds(&self) -> f64 {
        self.measuring_seconds
    }
}

/// What was read of a file so far.
pub struct Followed<T> {
    tail: Tail<T>,
    /// Values by iteration, in the order of [`CURVES`]. A series that the file does not have is empty.
    curves: [Points; CURVES.len()],
    pub last: Option<T>,
    pub measuring_seconds: f64,
}

impl<T: ShownRow> Followed<T> {
    pub fn new(path: PathBuf) -> Self {
        Self {
            tail: Tail::new(path),
            curves: Default::default(),
            last: None,
            measuring_seconds: 0.0,
        }
    }

    /// Reads new rows of a full-batch or a stochastic run. Returns how many there are, and whether there are more.
    ///
    /// # Errors
    ///
    /// As [`Tail::read`].
    pub fn read(&mut self, is_stochastic: bool) -> Result<(usize, bool)> {
        let found = self.tail.read()?;
        if found.is_restarted {
            self.curves = Default::default();
            self.last = None;
            self.measuring_seconds = 0.0;
        }
        for row in &found.rows {
            for (series, curve) in CURVES.iter().zip(&mut self.curves) {
                if let Some(value) = series.value(row.as_series_row(), is_stochastic) {
                    curve.push((row.iteration() as f64, value));
                }
            }
            self.measuring_seconds += row.measuring_seconds();
        }
        let count = found.rows.len();
        self.last = found.rows.into_iter().next_back().or(self.last.take());
        Ok((count, found.has_more))
    }

    /// The points of a series. `None` if the file has none.
    pub fn curve(&self, series: Series) -> Option<&[(f64, f64)]> {
        let place = CURVES.iter().position(|&shown| shown == series)?;
        Some(self.curves[place].as_slice()).filter(|points| !points.is_empty())
    }
}
