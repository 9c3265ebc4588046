//! Curves as the page holds them: few points, few digits.
//!
//! A curve of more than 1,000 points keeps the lowest and the highest value of each stretch.

use serde::{Serialize, Serializer};

use crate::series::Points;
use crate::thin::thin;

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
pub struct PageCurve {
    /// Iterations, epochs or whatever the axis counts.
    pub x: Vec<Short>,
    /// The values there.
    pub y: Vec<Short>,
    /// How many points there were before thinning.
    pub points: usize,
    /// How many of them were not finite.
    pub not_finite: usize,
}

impl PageCurve {
    /// Thins points, which go from left to right, to [`STRETCHES`] stretches. A short curve stays as it is.
    pub fn thin(points: &[(f64, f64)]) -> Self {
        let kept = thin(points, STRETCHES);
        Self {
            x: short(kept.iter().map(|point| point.0)),
            y: short(kept.iter().map(|point| point.1)),
            points: points.len(),
            not_finite: (points.iter().filter(|point| !point.1.is_finite())).count(),
        }
    }
}

/// Shares in percent.
pub fn percent(mut points: Points) -> Points {
    points.iter_mut().for_each(|(_, share)| *share *= 100.0);
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(curve: &PageCurve) -> Vec<(f64, f64)> {
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
                let curve = PageCurve::thin(&points);
                assert!(values(&curve).contains(&(spike as f64, height)), "{spike}");
                assert!(curve.x.len() <= 3 * STRETCHES + 2, "{}", curve.x.len());
                assert!(curve.x.windows(2).all(|pair| pair[0].0 < pair[1].0));
                assert_eq!((curve.x[0].0, curve.x.last().unwrap().0), (0.0, 4_999.0));
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_a_gap_that_is_counted() {
        let mut points: Vec<_> = (0..3_000).map(|k| (f64::from(k), 1.0)).collect();
        (points[1_000].1, points[2_999].1) = (f64::NAN, f64::INFINITY);
        let curve = PageCurve::thin(&points);
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
