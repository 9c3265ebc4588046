//! What a panel's axis shows of its curves, and where it has labels.

use std::ops::Range;

use crate::series::Points;

/// Stretches that a long curve is thinned to.
pub const STRETCHES: usize = 600;

/// How an axis measures values.
#[derive(Clone, Copy, PartialEq)]
pub enum AxisScale {
    Linear,
    /// Logarithmic, from the lowest to the highest value.
    Whole,
    /// Logarithmic, with an end for what diverges.
    Capped,
}

impl AxisScale {
    /// The range of the axis, if there is anything to show.
    pub fn range(&self, curves: &[Points], lines: &[(f64, String)]) -> Option<Range<f64>> {
        let (mut low, mut tops) = (f64::INFINITY, Vec::new());
        for curve in curves {
            let shown = curve.iter().filter(|point| point.1.is_finite());
            let values = shown.map(|point| point.1);
            low = values.clone().fold(low, f64::min);
            tops.extend(values.max_by(f64::total_cmp));
        }
        tops.sort_by(f64::total_cmp);
        let mut high = *tops.last()?;
        if *self == Self::Capped {
            let median = tops[(tops.len() - 1) / 2];
            high = high.min(median + 3.0).max(low);
        }
        for (line, _) in lines.iter().filter(|line| line.0.is_finite()) {
            (low, high) = (low.min(*line), high.max(*line));
        }
        let least = match self {
            Self::Linear => 1.0,
            _ => 0.05,
        };
        let room = (0.05 * (high - low)).max(least);
        let room_for_names = if lines.is_empty() { 0.0 } else { room };
        Some(low - room - room_for_names..high + room)
    }

    /// Where the axis has lines, with their labels; the fine ones have none.
    pub fn ticks(&self, range: &Range<f64>) -> Vec<(f64, String)> {
        if !(range.end - range.start).is_finite() {
            return Vec::new();
        }
        if *self == Self::Linear {
            return multiples(range, 6, -1);
        }
        let stride = (((range.end - range.start) / 7.0).ceil() as i32).max(1);
        let decades = range.start.floor() as i32..=range.end.ceil() as i32;
        let within = |mantissas: &[i64]| -> Vec<(f64, String)> {
            let decades = decades.clone().filter(|decade| decade % stride == 0);
            let ticks = decades.flat_map(|decade| mantissas.iter().map(move |&m| tick(m, decade)));
            let ticks = ticks.map(|(value, label)| (value.log10(), label));
            ticks.filter(|(place, _)| range.contains(place)).collect()
        };
        let choices = [within(&[1]), within(&[1, 3]), within(&[1, 2, 5])];
        let choice = choices.into_iter().find(|ticks| ticks.len() >= 3);
        let ticks = choice.unwrap_or_else(|| {
            let values = 10f64.powf(range.start)..10f64.powf(range.end);
            let finest = ((values.end - values.start).log10().floor() as i32).max(-330) - 1;
            let ticks = multiples(&values, 5, finest).into_iter();
            ticks.map(|(value, label)| (value.log10(), label)).collect()
        });
        let mut lines = match stride {
            1 => within(&[2, 3, 4, 5, 6, 7, 8, 9]),
            _ => Vec::new(),
        };
        lines.iter_mut().for_each(|(_, label)| label.clear());
        lines.extend(ticks);
        lines
    }
}

/// `mantissa · 10^exponent` and its label.
fn tick(mantissa: i64, exponent: i32) -> (f64, String) {
    let value = mantissa as f64 * 10f64.powi(exponent);
    let is_short = mantissa == 0 || (1e-3..1e6).contains(&value.abs());
    let decimals = exponent.min(0).unsigned_abs() as usize;
    let label = if is_short {
        format!("{value:.decimals$}")
    } else {
        format!("{mantissa}e{exponent}").replace('-', "−")
    };
    (value, label)
}

/// The multiples in the range of 1, 2 or 5 times `10^finest` or a higher power of ten: as many as
/// there are without being more than `most`.
pub fn multiples(range: &Range<f64>, most: usize, finest: i32) -> Vec<(f64, String)> {
    let within = |(mantissa, exponent): (i64, i32)| {
        let step = tick(mantissa, exponent).0;
        ((range.start / step).ceil(), (range.end / step).floor())
    };
    // Numbers of foreign records may be of any size: only indices that are whole in a float are counted.
    let is_few = |step: &(i64, i32)| {
        let (first, last) = within(*step);
        first.abs().max(last.abs()) < 1e15 && last - first < most as f64
    };
    let mut steps = (finest..308).flat_map(|exponent| [1, 2, 5].map(|step| (step, exponent)));
    let Some(step) = steps.find(is_few) else {
        return Vec::new();
    };
    let (first, last) = within(step);
    (first as i64..=last as i64)
        .map(|index| tick(index * step.0, step.1))
        .collect()
}

/// A band of fewer points that holds the whole one: of each stretch of neighbours the least and the largest value.
pub fn thin_band(low: &[(f64, f64)], high: &[(f64, f64)]) -> (Points, Points) {
    let length = low.len().div_ceil(STRETCHES).max(1);
    let thinned = |points: &[(f64, f64)], choose: fn(f64, f64) -> f64| -> Points {
        let stretches = points.chunks(length);
        let extreme = |stretch: &[(f64, f64)]| {
            let values = stretch.iter().map(|point| point.1);
            (stretch[0].0, values.reduce(choose).unwrap_or(f64::NAN))
        };
        stretches.map(extreme).collect()
    };
    (thinned(low, f64::min), thinned(high, f64::max))
}

/// The curve up to where it crosses the top, with a gap where it is above.
pub fn cut(points: &[(f64, f64)], top: f64) -> Points {
    let mut kept = Points::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        if y <= top || !y.is_finite() {
            kept.push((x, y));
            continue;
        }
        let neighbours = [index.wrapping_sub(1), index + 1].map(|index| points.get(index));
        let [before, after] = neighbours.map(|neighbour| match neighbour {
            Some((x0, y0)) if y0.is_finite() && *y0 <= top => {
                (x0 + (x - x0) * (top - y0) / (y - y0), top)
            }
            _ => (x, f64::NAN),
        });
        kept.extend([before, (x, f64::NAN), after]);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_band_holds_the_whole_one() {
        let low: Points = (0..10_000)
            .map(|i| (i as f64, (i * 7919 % 101) as f64))
            .collect();
        let high: Points = low.iter().map(|(x, y)| (*x, y + 1.0)).collect();
        let (thin_low, thin_high) = thin_band(&low, &high);
        assert!(thin_low.len() <= STRETCHES && thin_low.len() == thin_high.len());
        for (index, (low, high)) in low.iter().zip(&high).enumerate() {
            let place = index / 10_000usize.div_ceil(STRETCHES);
            assert!(thin_low[place].1 <= low.1 && high.1 <= thin_high[place].1);
        }
        let short = (low[..9].to_vec(), high[..9].to_vec());
        assert_eq!(thin_band(&short.0, &short.1), short);
    }

    #[test]
    fn an_axis_ignores_what_it_cannot_show_and_a_run_that_diverges() {
        let curve = |losses: [f64; 5]| -> Points {
            (0..5).map(f64::from).zip(losses.map(f64::log10)).collect()
        };
        let calm = curve([0.1, f64::NAN, 0.0, -1.0, 0.05]);
        let wild = curve([0.1, 1e29, 1e35, f64::INFINITY, 0.1]);
        let curves = [calm, wild];
        let range = AxisScale::Capped.range(&curves, &[]).unwrap();
        assert!((0.01..0.05).contains(&10f64.powf(range.start)), "{range:?}");
        assert!((100.0..300.0).contains(&10f64.powf(range.end)), "{range:?}");
        let mut curve = cut(&curves[1], range.end);
        curve.retain(|point| point.1.is_finite());
        let crossing = ((range.end + 1.0) / 30.0, range.end);
        assert_eq!(curve, [(0.0, -1.0), crossing, (4.0, -1.0)]);
    }

    #[test]
    fn numbers_of_any_size_have_an_axis() {
        let (max, min) = (f64::MAX, f64::from_bits(1));
        for values in [[-max, max], [0.0, max], [max, max], [min, min], [0.0, min]] {
            let curve: Points = (0..2).map(f64::from).zip(values).collect();
            let range = AxisScale::Linear
                .range(std::slice::from_ref(&curve), &[])
                .unwrap();
            assert!(AxisScale::Linear.ticks(&range).len() <= 6, "{values:?}");
            let logs = curve.iter().map(|(x, value)| (*x, value.log10()));
            if let Some(range) = AxisScale::Whole.range(&[logs.collect()], &[]) {
                AxisScale::Whole.ticks(&range);
            }
        }
        // Of a line that is at no place of the axis, and of an axis without an end.
        let lines = [f64::NEG_INFINITY, f64::NAN].map(|line| (line, String::new()));
        let curve = vec![(0.0, 1.0)];
        let range = AxisScale::Whole.range(&[curve], &lines).unwrap();
        assert!(!AxisScale::Whole.ticks(&range).is_empty());
        for range in [f64::NAN..f64::NAN, f64::NEG_INFINITY..0.0] {
            assert_eq!(AxisScale::Whole.ticks(&range), []);
        }
        assert!(multiples(&(0.0..u64::MAX as f64), 6, 0).len() <= 6);
        assert_eq!(multiples(&(0.0..f64::INFINITY), 6, 0), []);
    }

    #[test]
    fn a_logarithmic_axis_has_a_few_labels_however_long_it_is() {
        for (low, high) in [
            (0.975, 1.025),
            (4e-7, 8.5e-7),
            (3.0, 40.0),
            (0.01, 20.0),
            (1e-9, 1e9),
        ] {
            let range = f64::log10(low)..f64::log10(high);
            let mut labelled = AxisScale::Whole.ticks(&range);
            labelled.retain(|(_, label)| !label.is_empty());
            assert!((2..=8).contains(&labelled.len()), "{labelled:?}");
            assert!(
                labelled.iter().all(|(place, _)| range.contains(place)),
                "{labelled:?}"
            );
        }
    }
}
