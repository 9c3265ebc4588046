//! The vertical axis of a panel, and what of a curve it can show.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;

/// Points of a curve: iteration and value.
pub(super) type Points = Vec<(f64, f64)>;

/// Points that a curve is thinned to, twice: each of so many stretches keeps its lowest and its highest.
const STRETCHES: usize = 600;

/// A vertical axis, linear or logarithmic.
#[derive(Clone)]
pub(super) struct Axis {
    pub(super) range: Range<f64>,
    is_logarithmic: bool,
}

impl Axis {
    /// An axis for what can be shown of some curves, with room for some lines; nothing if there is nothing to show.
    ///
    /// Where one curve climbs to more than a thousand times the median of the curves' highest values, the axis ends
    /// there: a run that diverges does not press the others flat.
    pub(super) fn around(curves: &[Points], lines: &[f64], is_logarithmic: bool) -> Option<Self> {
        let is_shown = |value: &f64| value.is_finite() && (*value > 0.0 || !is_logarithmic);
        let mut tops = Vec::new();
        let mut low = f64::INFINITY;
        for curve in curves {
            let shown = curve.iter().map(|(_, value)| *value).filter(is_shown);
            let (least, most) = shown.fold(
                (f64::INFINITY, f64::NEG_INFINITY),
                |(least, most), value| (least.min(value), most.max(value)),
            );
            if least <= most {
                tops.push(most);
                low = low.min(least);
            }
        }
        tops.sort_by(f64::total_cmp);
        let median = *tops.get(tops.len().saturating_sub(1) / 2)?;
        let mut high = tops[tops.len() - 1].min(1e3 * median.abs()).max(low);
        for line in lines {
            (low, high) = (low.min(*line), high.max(*line));
        }
        let range = if is_logarithmic {
            let room = (high / low).powf(0.05).max(1.3);
            low / room..high * room
        } else {
            let room = (0.05 * (high - low)).max(1e-3 * high.abs()).max(1e-12);
            low - room..high + room
        };
        Some(Self {
            range,
            is_logarithmic,
        })
    }

    fn scale(&self, value: f64) -> f64 {
        if self.is_logarithmic {
            value.log10()
        } else {
            value
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (bottom, top): (i32, i32)) -> i32 {
        let (low, high) = (self.scale(self.range.start), self.scale(self.range.end));
        let share = (self.scale(*value) - low) / (high - low);
        bottom + (share * f64::from(top - bottom)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let is_narrow = self.range.end < 3.0 * self.range.start; // a decade's marks would be too few
        if !self.is_logarithmic || is_narrow {
            return RangedCoordf64::from(self.range.clone()).key_points(hint);
        }
        let (low, high) = (self.range.start.log10(), self.range.end.log10());
        let decades = (low.floor() as i32..=high.ceil() as i32).collect::<Vec<_>>();
        let mantissas: &[f64] = match high - low {
            span if span < 1.2 => &[1.0, 2.0, 3.0, 5.0, 7.0],
            span if span < 2.5 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let step = ((high - low) / 8.0).ceil().max(1.0) as usize;
        (decades.iter().step_by(step))
            .flat_map(|&decade| {
                mantissas
                    .iter()
                    .map(move |mantissa| mantissa * 10f64.powi(decade))
            })
            .filter(|value| self.range.contains(value))
            .collect()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        match value.abs() {
            size if size == 0.0 || (1e-2..1e4).contains(&size) => {
                let text = format!("{value:.3}");
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
            _ => format!("{value:.0e}"),
        }
    }
}

/// The parts of a curve between values that the axis cannot show.
pub(super) fn stretches<'a>(
    points: &'a [(f64, f64)],
    range: &'a Range<f64>,
) -> impl Iterator<Item = &'a [(f64, f64)]> {
    (points.split(|(_, value)| !range.contains(value))).filter(|stretch| !stretch.is_empty())
}

/// Fewer points with the same outline: of each stretch of neighbours the lowest and the highest.
pub(super) fn thin(points: &[(f64, f64)]) -> Points {
    if points.len() <= 2 * STRETCHES {
        return points.to_vec();
    }
    let mut kept = Vec::with_capacity(2 * STRETCHES);
    for stretch in points.chunks(points.len().div_ceil(STRETCHES)) {
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let ends = [
            stretch.iter().min_by(by_value),
            stretch.iter().max_by(by_value),
        ];
        let mut ends: Points = ends.into_iter().flatten().copied().collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        ends.dedup();
        kept.extend(ends);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_every_spike() {
        let mut points: Points = (0..50_000)
            .map(|i| (f64::from(i), f64::from(i % 7)))
            .collect();
        points[12_345].1 = 1e6;
        points[40_000].1 = -1e6;
        let kept = thin(&points);
        assert!(kept.len() <= 2 * STRETCHES);
        assert!(kept.contains(&(12_345.0, 1e6)) && kept.contains(&(40_000.0, -1e6)));
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn an_axis_ignores_what_it_cannot_show_and_a_run_that_diverges() {
        let calm = vec![(0.0, 0.1), (1.0, f64::NAN), (2.0, 0.0), (3.0, 0.05)];
        let wild = vec![(0.0, 0.1), (1.0, 1e30), (2.0, f64::INFINITY)];
        let axis = Axis::around(&[calm.clone(), wild], &[], true).unwrap();
        assert!(
            axis.range.start > 0.02 && axis.range.start < 0.05,
            "{:?}",
            axis.range
        );
        assert!(
            axis.range.end > 0.1 && axis.range.end < 1e4,
            "{:?}",
            axis.range
        );
        assert!(Axis::around(&[vec![(0.0, f64::NAN)], Vec::new()], &[], true).is_none());
        assert_eq!(stretches(&calm, &axis.range).count(), 2);
    }

    #[test]
    fn a_logarithmic_axis_has_at_least_two_labels() {
        for range in [0.9..1.5, 0.01..20.0, 1e-9..1e9, 3.0..40.0] {
            let axis = Axis {
                range: range.clone(),
                is_logarithmic: true,
            };
            let points = axis.key_points(plotters::coord::ranged1d::BoldPoints(10));
            assert!((2..=12).contains(&points.len()), "{range:?}: {points:?}");
        }
    }
}
