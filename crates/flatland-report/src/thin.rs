//! Fewer points with the same outline.

use crate::series::Points;

/// Thins a curve to at most `stretches` stretches of neighbours: of each, the lowest and the highest value stay, and
/// the first that is not finite. The first and the last point stay. A curve of at most twice as many points stays as it
/// is.
pub fn thin(points: &[(f64, f64)], stretches: usize) -> Points {
    let length = points.len().div_ceil(stretches.max(1)).max(1);
    let last = points.len().saturating_sub(1);
    let mut kept: Vec<usize> = Vec::new();
    for start in (0..points.len()).step_by(length) {
        let stretch = start..points.len().min(start + length);
        let finite = || (stretch.clone()).filter(|&index| points[index].1.is_finite());
        let by_value = |a: &usize, b: &usize| points[*a].1.total_cmp(&points[*b].1);
        let gap = stretch.clone().find(|&index| !points[index].1.is_finite());
        let mut chosen = Vec::from_iter(
            [finite().min_by(by_value), finite().max_by(by_value), gap]
                .into_iter()
                .flatten()
                .chain(stretch.filter(|&index| index == 0 || index == last)),
        );
        chosen.sort_unstable();
        chosen.dedup();
        kept.extend(chosen);
    }
    kept.into_iter().map(|index| points[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spike_and_gap_stays_and_so_do_the_ends() {
        const STRETCHES: usize = 600;
        let mut points: Points = (0..50_000).map(|i| (i as f64, (i % 7) as f64)).collect();
        (points[12_345].1, points[40_000].1) = (1e6, -1e6);
        points[30_000].1 = f64::INFINITY;
        let kept = thin(&points, STRETCHES);
        assert!(kept.len() <= 2 * STRETCHES + 3);
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
        for index in [0, 12_345, 30_000, 40_000, 49_999] {
            assert!(kept.contains(&points[index]), "{index}");
        }
        assert_eq!(
            thin(&points[..2 * STRETCHES], STRETCHES),
            points[..2 * STRETCHES]
        );
        assert_eq!(thin(&[], STRETCHES), []);
    }

    #[test]
    fn every_stretch_keeps_its_extremes() {
        let points: Points = (0..7_321)
            .map(|k| (f64::from(k), f64::from(k * 7919 % 4093)))
            .collect();
        let kept = thin(&points, 500);
        for stretch in points.chunks(points.len().div_ceil(500)) {
            let extreme = |fold: fn(f64, f64) -> f64| {
                stretch.iter().map(|point| point.1).reduce(fold).unwrap()
            };
            for value in [extreme(f64::min), extreme(f64::max)] {
                let is_kept = |point: &(f64, f64)| point.1 == value && stretch.contains(point);
                assert!(kept.iter().any(is_kept), "{value} was lost");
            }
        }
    }
}
