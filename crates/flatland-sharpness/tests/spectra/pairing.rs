//! The score of pairs `±λ`.

use flatland_sharpness::pairing;
use proptest::{collection::vec, prelude::*};

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn perfect_pairs_score_one_and_one_sign_scores_zero(values in vec(1e-6..1.0, 1..20), flip: bool) {
        let pairs: Vec<f64> = values.iter().flat_map(|&value: &f64| [value, -value]).collect();
        prop_assert_eq!(pairing(&pairs), Some(1.0));
        let sign = if flip { -1.0 } else { 1.0 };
        let one_sided: Vec<f64> = values.iter().map(|value| sign * value).collect();
        prop_assert!(pairing(&one_sided).unwrap().abs() < 1e-15);
    }

    /// Neither order, sign, scale nor zeros matter, and the score is a share.
    #[test]
    fn the_score_depends_on_ratios_alone(values in vec(-1.0..1.0, 1..20), scale in 1e-3..1e3f64) {
        let score = pairing(&values).unwrap();
        prop_assert!((-1e-15..=1.0).contains(&score));
        let mut other: Vec<f64> = values.iter().rev().map(|value: &f64| -(value * scale)).collect();
        other.extend([0.0; 5]);
        prop_assert!((pairing(&other).unwrap() - score).abs() < 1e-12);
    }

    /// No other matching of three positive values with three negative ones cancels more.
    #[test]
    fn matching_by_rank_is_the_best(positive in [0.0..1.0, 0.0..1.0, 0.0..1.0], negative in [0.0..1.0, 0.0..1.0, 0.0..1.0]) {
        let values: Vec<f64> = positive.into_iter().chain(negative.map(|value: f64| -value)).collect();
        let total: f64 = values.iter().map(|value| value.abs()).sum();
        let score = pairing(&values).unwrap();
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let unmatched: f64 = (0..3).map(|i| (positive[i] - negative[order[i]]).abs()).sum();
            prop_assert!(1.0 - unmatched / total <= score + 1e-12);
        }
    }
}

/// A relative difference of `d` between partners costs about `d/2`; a value without a partner costs its share.
#[test]
fn what_a_defect_costs_is_known() {
    let score = pairing(&[1.0, -0.9, 0.5, -0.5]).unwrap();
    assert!((score - (1.0 - 0.1 / 2.9)).abs() < 1e-15);
    let score = pairing(&[1.0, -1.0, 0.5]).unwrap();
    assert!((score - 0.8).abs() < 1e-15);
}

#[test]
fn there_is_no_score_of_nothing() {
    for values in [
        &[][..],
        &[0.0, -0.0],
        &[1.0, f64::NAN],
        &[f64::INFINITY, -1.0],
    ] {
        assert_eq!(pairing(values), None, "{values:?}");
    }
}
