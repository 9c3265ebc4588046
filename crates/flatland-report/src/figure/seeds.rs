//! What several runs that differ in their seed show together.
//!
//! These are medians, and ranges from the smallest to the largest value.

use crate::series::{Points, RunSeries, Series};

/// The curves of a method: of one run, or of several that differ in their seed.
pub struct MethodCurves<'a> {
    /// The method's name, then what tells it from its like: `NLS`, `GD 0.1`.
    pub label: &'a str,
    /// The runs.
    pub runs: Vec<RunSeries<'a>>,
    /// What the edge of a method with a fixed step size is called, to be drawn beside the sharpness.
    pub edge: Option<String>,
}

/// A curve over the seeds.
pub struct MedianAndRange {
    /// The medians.
    pub median: Points,
    /// The least and the largest values, if there are several runs.
    pub range: Option<(Points, Points)>,
}

impl MedianAndRange {
    /// Changes every value.
    pub fn map_values(&mut self, change: impl Fn(f64) -> f64) {
        let range = self.range.iter_mut().flat_map(|(low, high)| [low, high]);
        for (_, value) in [&mut self.median].into_iter().chain(range).flatten() {
            *value = change(*value);
        }
    }
}

impl MethodCurves<'_> {
    /// The median and the range of a series over the runs.
    pub fn over_seeds(&self, series: Series) -> MedianAndRange {
        over_seeds(&Vec::from_iter(
            self.runs.iter().map(|run| run.points(series)),
        ))
    }

    /// The least and the largest `λ₁` of the mini-batches of stochastic runs.
    pub fn range_of_batches(&self) -> (Points, Points) {
        let least = self.over_seeds(Series::SharpnessMin);
        let largest = self.over_seeds(Series::SharpnessMax);
        let low = least.range.map_or(least.median, |(low, _)| low);
        (low, largest.range.map_or(largest.median, |(_, high)| high))
    }
}

/// At each place, the median and the range of the curves that have a value there. What is not finite counts as larger
/// than anything else: a loss that is no number has left the axis at its top.
fn over_seeds(curves: &[Points]) -> MedianAndRange {
    let [_, _, ..] = curves else {
        return MedianAndRange {
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
    MedianAndRange {
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
