//! What several runs that differ in their seed show together.

use super::Curves;
use super::axis::Points;
use crate::records::{EpochRow, MetricsRow, SharpnessRow};
use crate::report::FinishedRun;

/// What was recorded of one run.
#[derive(Clone, Copy)]
pub struct Recorded<'a> {
    pub metrics: &'a [MetricsRow],
    pub sharpness: &'a [SharpnessRow],
    /// Of a stochastic run.
    pub epochs: &'a [EpochRow],
    /// Iterations in an epoch of a stochastic run.
    pub per_epoch: Option<u64>,
}

impl<'a> From<&'a FinishedRun> for Recorded<'a> {
    fn from(run: &'a FinishedRun) -> Self {
        Self {
            metrics: &run.metrics,
            sharpness: &run.sharpness,
            epochs: &run.epochs,
            per_epoch: run.per_epoch(),
        }
    }
}

impl Recorded<'_> {
    /// Where an iteration lies on the axis.
    fn place(&self, iteration: u64) -> f64 {
        iteration as f64 / self.per_epoch.unwrap_or(1) as f64
    }

    pub fn metrics(&self, value: fn(&MetricsRow) -> Option<f64>) -> Points {
        let point = |row: &MetricsRow| Some((self.place(row.iteration), value(row)?));
        self.metrics.iter().filter_map(point).collect()
    }

    pub fn measured(&self, value: fn(&SharpnessRow) -> Option<f64>) -> Points {
        let point = |row: &SharpnessRow| Some((self.place(row.iteration), value(row)?));
        self.sharpness.iter().filter_map(point).collect()
    }

    pub fn by_epoch(&self, value: fn(&EpochRow) -> Option<f64>) -> Points {
        let point = |row: &EpochRow| Some((row.epoch as f64, value(row)?));
        self.epochs.iter().filter_map(point).collect()
    }
}

/// A curve over the seeds.
pub struct Together {
    pub median: Points,
    /// The least and the largest values, where there are several runs.
    pub range: Option<(Points, Points)>,
}

impl Curves<'_> {
    /// The median and the range of what `curve` makes of each run.
    pub fn together(&self, curve: impl Fn(&Recorded<'_>) -> Points) -> Together {
        over_seeds(&Vec::from_iter(self.runs.iter().map(curve)))
    }
}

/// At each place, the median and the range of the curves that have a value there. What is not finite counts as larger
/// than anything else: a loss that is no number has left the axis at its top.
fn over_seeds(curves: &[Points]) -> Together {
    let [_, _, ..] = curves else {
        return Together {
            median: curves.first().cloned().unwrap_or_default(),
            range: None,
        };
    };
    let at_top = |value: f64| if value.is_nan() { f64::INFINITY } else { value };
    let all = curves.iter().flatten();
    let mut all: Points = all.map(|&(x, value)| (x, at_top(value))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (mut median, mut low, mut high) = (Points::new(), Points::new(), Points::new());
    for place in all.chunk_by(|a, b| a.0 == b.0) {
        let (x, count) = (place[0].0, place.len());
        let middle = match count % 2 {
            1 => place[count / 2].1,
            _ => 0.5 * (place[count / 2 - 1].1 + place[count / 2].1),
        };
        median.push((x, middle));
        low.push(place[0]);
        high.push(place[count - 1]);
    }
    Together {
        median,
        range: Some((low, high)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_the_median_and_the_range_of_the_runs_that_got_there() {
        let runs = [
            vec![(0.0, 1.0), (1.0, 5.0), (2.0, f64::NAN)],
            vec![(0.0, 3.0), (1.0, 4.0), (2.0, 2.0)],
            vec![(0.0, 2.0), (1.0, -1.0)],
        ];
        let together = over_seeds(&runs);
        let infinity = f64::INFINITY;
        assert_eq!(together.median, [(0.0, 2.0), (1.0, 4.0), (2.0, infinity)]);
        let (low, high) = together.range.unwrap();
        assert_eq!(low, [(0.0, 1.0), (1.0, -1.0), (2.0, 2.0)]);
        assert_eq!(high, [(0.0, 3.0), (1.0, 5.0), (2.0, infinity)]);
        let two = over_seeds(&runs[..2]);
        assert_eq!(two.median[..2], [(0.0, 2.0), (1.0, 4.5)]);
        let one = over_seeds(&runs[2..]);
        assert_eq!((one.median, one.range.is_none()), (runs[2].clone(), true));
    }
}
