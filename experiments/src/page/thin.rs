//! Curves as the page holds them: few points, few digits.

use serde::{Serialize, Serializer};

/// Stretches that a long curve is thinned to; each leaves two points at most, and one more where it has a gap.
pub const STRETCHES: usize = 500;

/// A number with six significant digits; what is not finite is `null`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Short(pub f64);

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value) = *self;
        if !value.is_finite() {
            return serializer.serialize_none();
        }
        let rounded: f64 = (format!("{value:.5e}").parse()).expect("a number was written");
        if rounded.fract() == 0.0 && rounded.abs() < 1e15 {
            serializer.serialize_i64(rounded as i64)
        } else {
            serializer.serialize_f64(rounded)
        }
    }
}

/// Numbers with six digits each.
pub fn short(values: impl IntoIterator<Item = f64>) -> Vec<Short> {
    values.into_iter().map(Short).collect()
}

/// A curve: places from left to right and their values, `null` where a value is not finite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// Iterations, epochs or whatever the axis counts.
    pub x: Vec<Short>,
    /// The values there.
    pub y: Vec<Short>,
    /// How many points there were before thinning.
    pub points: usize,
    /// How many of them were not finite.
    pub not_finite: usize,
}

impl Curve {
    /// Thins points, which go from left to right: of each of [`STRETCHES`] equal parts the lowest and the highest value
    /// stay, and the first that is not finite; so do the first and the last point of all. A curve that is short enough
    /// stays as it is.
    pub fn thin(points: &[(f64, f64)]) -> Self {
        let mut kept: Vec<usize> = Vec::new();
        if points.len() <= 2 * STRETCHES {
            kept.extend(0..points.len());
        } else {
            let edge = |part: usize| part * points.len() / STRETCHES;
            kept.push(0);
            for part in 0..STRETCHES {
                let stretch = || edge(part)..edge(part + 1);
                let finite = || stretch().filter(|&index| points[index].1.is_finite());
                let by_value = |a: &usize, b: &usize| points[*a].1.total_cmp(&points[*b].1);
                kept.extend(finite().min_by(by_value));
                kept.extend(finite().max_by(by_value));
                kept.extend(stretch().find(|&index| !points[index].1.is_finite()));
            }
            kept.push(points.len() - 1);
            kept.sort_unstable();
            kept.dedup();
        }
        Self {
            x: short(kept.iter().map(|&index| points[index].0)),
            y: short(kept.iter().map(|&index| points[index].1)),
            points: points.len(),
            not_finite: (points.iter().filter(|point| !point.1.is_finite())).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(curve: &Curve) -> Vec<(f64, f64)> {
        (curve.x.iter().zip(&curve.y))
            .map(|(x, y)| (x.0, y.0))
            .collect()
    }

    #[test]
    fn spikes_survive_wherever_they_are() {
        for spike in [0, 1, 777, 2_500, 4_998, 4_999] {
            for height in [1e6, -1e6] {
                let mut points: Vec<_> = (0..5_000)
                    .map(|k| (f64::from(k), (f64::from(k) / 50.0).sin()))
                    .collect();
                points[spike].1 = height;
                let curve = Curve::thin(&points);
                assert!(values(&curve).contains(&(spike as f64, height)), "{spike}");
                assert!(curve.x.len() <= 3 * STRETCHES + 2, "{}", curve.x.len());
                assert!(curve.x.windows(2).all(|pair| pair[0].0 < pair[1].0));
                assert_eq!((curve.x[0].0, curve.x.last().unwrap().0), (0.0, 4_999.0));
            }
        }
    }

    #[test]
    fn every_stretch_keeps_its_extremes() {
        let points: Vec<_> = (0..7_321)
            .map(|k| (f64::from(k), f64::from(k * 7919 % 4093)))
            .collect();
        let kept = values(&Curve::thin(&points));
        for part in 0..STRETCHES {
            let stretch =
                &points[part * points.len() / STRETCHES..(part + 1) * points.len() / STRETCHES];
            let extreme = |fold: fn(f64, f64) -> f64| {
                stretch.iter().map(|point| point.1).reduce(fold).unwrap()
            };
            for value in [extreme(f64::min), extreme(f64::max)] {
                assert!(
                    kept.iter()
                        .any(|point| point.1 == value && stretch.contains(point)),
                    "stretch {part} lost {value}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_a_gap_that_is_counted() {
        let mut points: Vec<_> = (0..3_000).map(|k| (f64::from(k), 1.0)).collect();
        (points[1_000].1, points[2_999].1) = (f64::NAN, f64::INFINITY);
        let curve = Curve::thin(&points);
        assert_eq!((curve.points, curve.not_finite), (3_000, 2));
        let json = serde_json::to_value(&curve).unwrap();
        let place = curve.x.iter().position(|x| x.0 == 1_000.0).unwrap();
        assert!(json["y"][place].is_null() && json["y"][curve.y.len() - 1].is_null());
        assert_eq!(
            json["y"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|y| y.is_null())
                .count(),
            2
        );
    }

    #[test]
    fn numbers_keep_six_digits() {
        let json = |value: f64| serde_json::to_string(&Short(value)).unwrap();
        for (value, text) in [
            (1.0 / 3.0, "0.333333"),
            (1234567.0, "1234570"),
            (1.23456789e-12, "1.23457e-12"),
            (-0.1 - 0.2, "-0.3"),
            (5_000.0, "5000"),
            (f64::NAN, "null"),
            (f64::NEG_INFINITY, "null"),
        ] {
            assert_eq!(json(value), text);
        }
    }
}
