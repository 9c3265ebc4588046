//! The guarantees of the searches, for every function.

use burn::tensor::Tensor;
use flatland_optim::{LineSearchConfig, Method, Objective, Outcome, Reference, Step};
use proptest::prelude::*;

use crate::toys::{Toy, host, quadratic, rosenbrock, run, vector};

/// Whether a step size is acceptable, evaluated anew.
fn is_acceptable(
    objective: &mut Toy,
    config: &LineSearchConfig,
    point: &Tensor<1>,
    step: &Step,
    step_size: f64,
) -> bool {
    let (_, gradient) = objective.loss_and_gradient(point);
    let loss = (objective.loss)(&host(&(point.clone() - gradient * step_size)));
    let decrease = config.sufficient_decrease * step_size * step.gradient_norm.powi(2);
    loss.is_finite() && loss <= step.reference_value.unwrap() - decrease
}

fn spectra() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(
        (-2.0..2.0f64).prop_map(|exponent| 10f64.powf(exponent)),
        1..6,
    )
}

fn points() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(
        (0.1..3.0f64, any::<bool>()).prop_map(|(size, sign)| if sign { size } else { -size }),
        6,
    )
}

fn factors() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![0.3, 0.5, 0.8, 0.9])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// LS and NLS end with an equality up to δ: η is acceptable, η/δ is not.
    #[test]
    fn equality_searches_take_the_largest_acceptable_step(
        spectrum in spectra(), start in points(), delta in factors(), is_monotone in any::<bool>(),
    ) {
        let base = if is_monotone { LineSearchConfig::ls() } else { LineSearchConfig::nls() };
        let config = LineSearchConfig { backtracking_factor: delta, ..base };
        let start = &start[..spectrum.len()];
        run(&config, quadratic(spectrum.clone(), 1.0), start, 20, |objective, point, step, _| {
            if step.outcome == Outcome::Stepped {
                assert!(is_acceptable(objective, &config, point, step, step.step_size));
                assert!(!is_acceptable(objective, &config, point, step, step.step_size / delta));
            }
        });
    }

    /// The same on a function that is no quadratic, and for every composition: what is taken is acceptable.
    #[test]
    fn every_step_taken_is_acceptable(start in points(), which in 0..5usize) {
        let config = [
            LineSearchConfig::ls(), LineSearchConfig::nls(), LineSearchConfig::ponls(),
            LineSearchConfig::nls_ub(10), LineSearchConfig::ponos(),
        ][which].clone();
        run(&config, rosenbrock(), &start[..2], 30, |objective, point, step, trials| {
            if step.outcome == Outcome::Stepped {
                assert!(is_acceptable(objective, &config, point, step, step.step_size));
                let accepted = trials.iter().any(|trial| {
                    (objective.loss)(trial) == step.accepted_loss.unwrap()
                });
                assert!(accepted, "the accepted loss is that of a trial");
            }
        });
    }

    /// Monotone equality on a quadratic: with η* = 2(1−c)‖g‖²/gᵀHg the step lies in (δη*, η*], and η·λ₁ ≥ 2δ(1−c).
    #[test]
    fn monotone_equality_brackets_the_exact_step(spectrum in spectra(), start in points(), delta in factors()) {
        let config = LineSearchConfig { backtracking_factor: delta, ..LineSearchConfig::ls() };
        let sharpness = spectrum.iter().copied().fold(0.0, f64::max);
        let start = &start[..spectrum.len()];
        run(&config, quadratic(spectrum.clone(), 1.0), start, 20, |_, point, step, _| {
            if step.outcome != Outcome::Stepped {
                return;
            }
            let gradient: Vec<f64> = host(point).iter().zip(&spectrum).map(|(w, l)| w * l).collect();
            let curvature: f64 = gradient.iter().zip(&spectrum).map(|(g, l)| l * g * g).sum();
            let limit = 2.0 * (1.0 - config.sufficient_decrease) * step.gradient_norm.powi(2) / curvature;
            // Near the minimum of 1 + …, the decrease itself is lost in rounding.
            if curvature * step.step_size.powi(2) > 1e-9 {
                assert!(step.step_size <= limit * (1.0 + 1e-4), "{} > {limit}", step.step_size);
                assert!(step.step_size > delta * limit * (1.0 - 1e-4), "{} < {delta}·{limit}", step.step_size);
                let edge = 2.0 * delta * (1.0 - config.sufficient_decrease);
                assert!(step.step_size * sharpness >= edge * (1.0 - 1e-4));
            }
        });
    }

    /// The non-monotone bound: η ≥ δ[(1−c) + √((1−c)² + 2lε/‖g‖²)]/l with the slack ε = R − f and the smoothness l
    /// along g, which on a quadratic is at most ‖Hg‖/‖g‖.
    #[test]
    fn slack_carries_the_step_past_the_edge(spectrum in spectra(), start in points()) {
        let config = LineSearchConfig::nls();
        let start = &start[..spectrum.len()];
        run(&config, quadratic(spectrum.clone(), 1.0), start, 20, |_, point, step, _| {
            if step.outcome != Outcome::Stepped || step.gradient_norm < 1e-3 {
                return;
            }
            let gradient: Vec<f64> = host(point).iter().zip(&spectrum).map(|(w, l)| w * l).collect();
            let image = gradient.iter().zip(&spectrum).map(|(g, l)| (l * g).powi(2)).sum::<f64>().sqrt();
            let smoothness = image / step.gradient_norm;
            let slack = step.reference_value.unwrap() - step.loss;
            let root = 1.0 - config.sufficient_decrease;
            let under_root = root * root + 2.0 * smoothness * slack / step.gradient_norm.powi(2);
            let bound = config.backtracking_factor * (root + under_root.sqrt()) / smoothness;
            assert!(step.step_size >= bound * (1.0 - 1e-6), "{} < {bound}", step.step_size);
        });
    }

    /// f ≤ R, and the average never rises while every step is acceptable.
    #[test]
    fn the_average_never_rises(spectrum in spectra(), start in points(), xi in 0.0..=1.0f64) {
        let config = LineSearchConfig { reference: Reference::ZhangHager { xi }, ..LineSearchConfig::nls() };
        let mut last = f64::INFINITY;
        let start = &start[..spectrum.len()];
        run(&config, quadratic(spectrum.clone(), 1.0), start, 30, |_, _, step, _| {
            if let (Some(reference), Some(average)) = (step.reference_value, step.average_loss) {
                assert!(step.loss <= reference);
                assert!(average <= last * (1.0 + 1e-12), "{average} > {last}");
                last = average;
            }
        });
    }

    /// ξ = 0 and a window of 1 are the monotone reference.
    #[test]
    fn degenerate_references_are_monotone(spectrum in spectra(), start in points()) {
        let steps = |reference| {
            let mut steps = Vec::new();
            let config = LineSearchConfig { reference, ..LineSearchConfig::ls() };
            let start = &start[..spectrum.len()];
            run(&config, quadratic(spectrum.clone(), 1.0), start, 20, |_, _, step, _| {
                steps.push((step.loss, step.step_size, step.trials));
            });
            steps
        };
        let monotone = steps(Reference::Monotone);
        prop_assert_eq!(&steps(Reference::ZhangHager { xi: 0.0 }), &monotone);
        prop_assert_eq!(&steps(Reference::Grippo { window: 1 }), &monotone);
    }

    /// With δ = ½ and η₋₁ = 1 the steps of LS, NLS and NLS-ub are powers of two.
    #[test]
    fn halving_from_one_gives_powers_of_two(start in points(), which in 0..3usize) {
        let config = [LineSearchConfig::ls(), LineSearchConfig::nls(), LineSearchConfig::nls_ub(10)][which].clone();
        run(&config, rosenbrock(), &start[..2], 30, |_, _, step, _| {
            if step.outcome == Outcome::Stepped {
                assert_eq!(step.step_size.log2().fract(), 0.0, "{}", step.step_size);
            }
        });
    }

    /// A saved state continues the run bit by bit.
    #[test]
    fn a_restored_search_continues_as_if_it_had_not_stopped(start in points(), which in 0..5usize, pause in 1..10usize) {
        let config = [
            LineSearchConfig::ls(), LineSearchConfig::nls(), LineSearchConfig::ponls(), LineSearchConfig::ponos(),
            LineSearchConfig { reference: Reference::Grippo { window: 4 }, ..LineSearchConfig::nls() },
        ][which].clone();
        let (mut objective, mut whole) = (rosenbrock(), config.init().unwrap());
        let mut point = vector(&start[..2]);
        for _ in 0..pause {
            point = whole.step(&mut objective, point).0;
        }
        let saved = serde_json::to_string(whole.state()).unwrap();
        let mut restored = config.init().unwrap().with_state(serde_json::from_str(&saved).unwrap());
        let mut other = point.clone();
        for _ in 0..10 {
            let (left, right);
            (point, left) = whole.step(&mut objective, point);
            (other, right) = restored.step(&mut objective, other);
            prop_assert_eq!(left, right);
            prop_assert_eq!(host(&point), host(&other));
        }
    }
}

/// The steps of NLS-ub double up to the largest power of two below the number of classes.
#[test]
fn a_bound_stops_the_growth_below_the_number_of_classes() {
    for (classes, largest) in [(10, 8.0), (100, 64.0), (26, 16.0), (8, 4.0)] {
        let mut steps = Vec::new();
        run(
            &LineSearchConfig::nls_ub(classes),
            quadratic(vec![1e-6], 1.0),
            &[1000.0],
            12,
            |_, _, step, _| {
                steps.push(step.step_size);
            },
        );
        let growth: Vec<f64> = (1..=12).map(|k| 2f64.powi(k).min(largest)).collect();
        assert_eq!(steps, growth);
    }
}
