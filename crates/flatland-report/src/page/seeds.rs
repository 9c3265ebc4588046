//! What the runs of a method that differ in their seed show together, as the page holds it.

use serde::Serialize;

use super::thin::{PageCurve, percent};
use crate::figure::{CurveStyle, MedianAndRange, MethodCurves};
use crate::series::{RunSeries, Series};
use crate::summary::Entry;

/// The curves of a method over its seeds.
#[derive(Serialize)]
pub struct OverSeeds {
    pub method: String,
    /// How many runs there are.
    pub count: usize,
    /// `#RRGGBB`. `None` for the colour of text.
    pub color: Option<String>,
    pub dashes: Vec<f64>,
    pub loss: Banded,
    pub sharpness: Banded,
    pub step_size: Banded,
    pub product: Banded,
    pub accuracy: Banded,
}

/// The median, and the least and the largest values, over the runs that got that far.
#[derive(Serialize)]
pub struct Banded {
    pub median: PageCurve,
    pub range: (PageCurve, PageCurve),
}

impl OverSeeds {
    /// The curves of a method over its seeds. `None` for a single run.
    pub fn new(entry: &Entry<'_>, style: &CurveStyle) -> Option<Self> {
        let [first, _, ..] = entry.runs[..] else {
            return None;
        };
        let curves = MethodCurves {
            label: &entry.label,
            runs: (entry.runs.iter().copied()).map(RunSeries::from).collect(),
            edge: None,
        };
        let of = |series: Series| Banded::new(curves.over_seeds(series));
        let mut sharpness = curves.over_seeds(Series::Sharpness);
        if first.per_epoch().is_some() {
            sharpness.range = Some(curves.range_of_batches());
        }
        let mut accuracy = curves.over_seeds(Series::TestAccuracy);
        accuracy.median = percent(accuracy.median);
        accuracy.range = accuracy
            .range
            .map(|(low, high)| (percent(low), percent(high)));
        Some(Self {
            method: entry.label.clone(),
            count: entry.runs.len(),
            color: style.color(),
            dashes: style.dashes.to_vec(),
            loss: of(Series::Loss),
            sharpness: Banded::new(sharpness),
            step_size: of(Series::StepSize),
            product: of(Series::Product),
            accuracy: Banded::new(accuracy),
        })
    }
}

impl Banded {
    fn new(MedianAndRange { median, range }: MedianAndRange) -> Self {
        let (low, high) = range.unwrap_or_else(|| (median.clone(), median.clone()));
        Self {
            median: PageCurve::thin(&median),
            range: (PageCurve::thin(&low), PageCurve::thin(&high)),
        }
    }
}
