//! The paper's statements about large steps, on functions that are no quadratics and have no global smoothness.

use std::ops::Range;

use flatland_optim::{GradientDescentConfig, LineSearchConfig, Method, Outcome, Reference, Step};
use proptest::prelude::*;

use crate::toys::{Toy, host, quadratic, rosenbrock, run, toy, vector};

/// Every point of the line along the gradient that is looked at, between 0 and the end.
const SAMPLES: usize = 2000;

/// A sum over coordinates of `term`, above 1, with its derivative.
fn separable(dimension: usize, term: fn(f64) -> f64, slope: fn(f64) -> f64) -> Toy {
    let scale = |i: usize| 1.0 + i as f64;
    toy(
        dimension,
        move |w| 1.0 + (w.iter().enumerate().map(|(i, &w)| scale(i) * term(w))).sum::<f64>(),
        move |w| (w.iter().enumerate().map(|(i, &w)| scale(i) * slope(w))).collect(),
    )
}

/// Functions with an unbounded, a bounded, and a changing curvature, convex and not.
fn function(which: usize) -> Toy {
    match which {
        0 => separable(3, |w| w.powi(4) / 4.0, |w| w.powi(3)),
        1 => separable(3, |w| w.cosh().ln(), f64::tanh),
        2 => separable(3, |w| (2.0 * w).cosh(), |w| 2.0 * (2.0 * w).sinh()),
        3 => separable(
            3,
            |w| 0.5 * w * w + (3.0 * w).cos(),
            |w| w - 3.0 * (3.0 * w).sin(),
        ),
        _ => rosenbrock(),
    }
}

fn starts() -> impl Strategy<Value = (usize, Vec<f64>)> {
    let point = prop::collection::vec(prop_oneof![-2.5..-0.1, 0.1..2.5f64], 3);
    (0..5usize, point)
}

/// What a step sees of the line `w − tg`.
struct Line<'a> {
    function: &'a Toy,
    point: Vec<f64>,
    gradient: Vec<f64>,
    loss: f64,
    norm: f64,
}

impl<'a> Line<'a> {
    fn new(function: &'a Toy, point: Vec<f64>) -> Self {
        let gradient = (function.gradient)(&point);
        Self {
            loss: (function.loss)(&point),
            norm: length(&gradient),
            function,
            point,
            gradient,
        }
    }

    fn at(&self, t: f64) -> Vec<f64> {
        let pairs = self.point.iter().zip(&self.gradient);
        pairs.map(|(w, g)| w - t * g).collect()
    }

    fn loss_at(&self, t: f64) -> f64 {
        (self.function.loss)(&self.at(t))
    }

    /// `‖∇f(w_t) − g‖ / (t‖g‖)`
    fn change_at(&self, t: f64) -> f64 {
        let turned = (self.function.gradient)(&self.at(t));
        let change: Vec<f64> = (turned.iter().zip(&self.gradient))
            .map(|(a, b)| a - b)
            .collect();
        length(&change) / (t * self.norm)
    }

    /// The segment smoothness `l(w, end)`, its supremum finely sampled.
    fn smoothness_up_to(&self, end: f64) -> f64 {
        let samples = (1..=SAMPLES).map(|i| end * i as f64 / SAMPLES as f64);
        samples.map(|t| self.change_at(t)).fold(0.0, f64::max)
    }

    /// The first step size sampled, up to `end`, that a search with the reference value `R` would refuse: all below are
    /// acceptable.
    fn first_refused(&self, reference: f64, c: f64, end: f64) -> f64 {
        let mut samples = (1..=SAMPLES).map(|i| end * i as f64 / SAMPLES as f64);
        let refused = samples.find(|t| self.loss_at(*t) > reference - c * t * self.norm.powi(2));
        refused.expect("the last one is refused")
    }
}

fn length(entries: &[f64]) -> f64 {
    entries.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Runs LS or NLS and hands over each step that is large enough for losses to resolve it.
fn large_steps(
    is_monotone: bool,
    (which, start): (usize, Vec<f64>),
    delta: f64,
    mut check: impl FnMut(&LineSearchConfig, &Line, &Step),
) {
    let base = if is_monotone {
        LineSearchConfig::ls()
    } else {
        LineSearchConfig::nls()
    };
    let config = LineSearchConfig {
        backtracking_factor: delta,
        ..base
    };
    let function = function(which);
    let start = &start[..if which == 4 { 2 } else { 3 }];
    run(&config, function, start, 15, |function, point, step, _| {
        let resolves = step.step_size * step.gradient_norm.powi(2) > 1e-8 * step.loss;
        if step.outcome == Outcome::Stepped && resolves {
            check(&config, &Line::new(function, host(point)), step);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// f(w_η) ≤ f(w) − η‖g‖²(1 − η·l(w, η)/2) for every η, beyond 2/l too.
    #[test]
    fn the_local_descent_lemma_holds_for_every_step_size((which, start) in starts(), exponent in -4.0..1.0f64) {
        let function = function(which);
        let line = Line::new(&function, start[..if which == 4 { 2 } else { 3 }].to_vec());
        let step_size = 10f64.powf(exponent);
        let l = line.smoothness_up_to(step_size);
        let bound = line.loss - step_size * line.norm.powi(2) * (1.0 - step_size * l / 2.0);
        let after = line.loss_at(step_size);
        prop_assert!(after <= bound + 1e-9 * (line.loss.abs() + bound.abs()), "{} > {}", after, bound);
    }

    /// Proposition 2.5: η ≥ 2δ(1−c)/l(w, η_w), where η_w is the first step size at which f(w_η) = f(w) − cη‖g‖². The
    /// proof takes δ from η/δ ≥ η_w, and the rest from the local descent lemma at η_w.
    #[test]
    fn an_equality_search_takes_steps_as_large_as_the_segment_allows(
        start in starts(), delta in prop::sample::select(vec![0.3, 0.5, 0.9]), is_monotone: bool,
    ) {
        large_steps(is_monotone, start, delta, |config, line, step| {
            let c = config.sufficient_decrease;
            // A non-monotone search may stop beyond a rise that a monotone one stops at, not before it.
            let refused = line.first_refused(line.loss, c, step.step_size / delta);
            let bound = 2.0 * delta * (1.0 - c) / line.smoothness_up_to(refused);
            assert!(step.step_size >= bound * (1.0 - 2e-3), "{} < {bound}", step.step_size);
        });
    }

    /// The non-monotone bound, η ≥ δ[(1−c) + √((1−c)² + 2lε/‖g‖²)]/l, with l up to the first step size refused.
    #[test]
    fn slack_carries_the_step_past_the_edge_of_the_segment(
        start in starts(), delta in prop::sample::select(vec![0.3, 0.5, 0.9]),
    ) {
        large_steps(false, start, delta, |config, line, step| {
            let root = 1.0 - config.sufficient_decrease;
            let reference = step.reference_value.unwrap();
            let refused = line.first_refused(reference, config.sufficient_decrease, step.step_size / delta);
            let l = line.smoothness_up_to(refused);
            let slack = reference - step.loss;
            let under_root = root * root + 2.0 * l * slack / step.gradient_norm.powi(2);
            let bound = delta * (root + under_root.sqrt()) / l;
            assert!(step.step_size >= bound * (1.0 - 2e-3), "{} < {bound}", step.step_size);
        });
    }

    /// Theorem 2.9: ‖∇f(w_k)‖ → 0 without a global Lipschitz constant. With a reference that forgets, down to what the
    /// rounding of the losses leaves; the mean of all losses slows a run, but a hundred times as late the gradient is
    /// at most half as large.
    #[test]
    fn the_gradient_vanishes_without_global_smoothness(
        which in prop::sample::select(vec![0usize, 2]), start in starts(), xi in prop_oneof![0.0..0.9f64, Just(1.0)],
    ) {
        let config = LineSearchConfig { reference: Reference::ZhangHager { xi }, ..LineSearchConfig::nls() };
        let mut norms = Vec::new();
        run(&config, function(which), &start.1, 3000, |_, _, step, _| norms.push(step.gradient_norm));
        let last = norms[norms.len() - 1];
        if last > 1e-6 && xi == 1.0 {
            let largest = |iterations: Range<usize>| norms[iterations].iter().copied().fold(0.0, f64::max);
            let (early, late) = (largest(20..30), largest(2000..3000));
            prop_assert!(late < early / 2.0, "{early} {late}");
        } else {
            prop_assert!(last < 1e-6, "{last}");
        }
    }

    /// Gradient descent on a quadratic converges if and only if η < 2/λ₁, and only the largest eigenvalue decides.
    #[test]
    fn gradient_descent_converges_on_a_quadratic_below_two_over_the_sharpness(
        mut spectrum in prop::collection::vec(0.1..1.0f64, 1..6), largest in 2.0..100.0f64, share in prop_oneof![0.1..0.95, 1.05..1.5f64],
    ) {
        spectrum.push(largest);
        let step_size = share * 2.0 / largest;
        let mut method = GradientDescentConfig::new(step_size).init().unwrap();
        let mut point = vector(&vec![1.0; spectrum.len()]);
        let mut objective = quadratic(spectrum, 1.0);
        for _ in 0..200 {
            point = method.step(&mut objective, point).0;
        }
        let last = host(&point).last().unwrap().abs();
        prop_assert!(if share < 1.0 { last < 1e-4 } else { last > 1e4 }, "{last}");
        prop_assert!(host(&point).iter().rev().skip(1).all(|w| w.abs() <= 1.0));
    }
}

/// Corollary 2.10: near a limit w*, η ≥ 2(1−c)δ/(|λ₁(H(w*))| + ε).
#[test]
fn near_a_limit_the_steps_are_at_least_those_of_its_hessian() {
    // Rosenbrock's Hessian at (1, 1) is [[802, −400], [−400, 200]]; those of the others are diagonal, at 0.
    let largest = 501.0 + (301f64.powi(2) + 400f64.powi(2)).sqrt();
    for (function, start, limit, sharpness) in [
        (rosenbrock(), &[1.005, 1.01][..], &[1.0, 1.0][..], largest),
        (function(1), &[0.7, -1.0, 2.0], &[0.0; 3], 3.0),
        (function(2), &[0.7, -1.0, 0.4], &[0.0; 3], 12.0),
    ] {
        let config = LineSearchConfig::ls();
        let mut near = 0;
        run(&config, function, start, 300, |_, point, step, _| {
            let pairs = host(point).into_iter().zip(limit);
            let distance = length(&pairs.map(|(w, limit)| w - limit).collect::<Vec<_>>());
            if distance < 0.02 && step.outcome == Outcome::Stepped {
                near += 1;
                let bound = 2.0 * (1.0 - config.sufficient_decrease) * config.backtracking_factor;
                assert!(
                    step.step_size >= bound / (1.05 * sharpness),
                    "{sharpness}: {step:?}"
                );
            }
        });
        assert!(near >= 3, "the run comes near its limit: {near}");
    }
}

/// On a parabola a monotone step is at most 2(1−c)/l; what carries NLS past 2/l is slack.
#[test]
fn only_slack_lets_a_step_pass_the_edge_of_a_parabola() {
    let largest = |config| {
        let mut largest: f64 = 0.0;
        run(
            &config,
            quadratic(vec![0.7], 1.0),
            &[3.0],
            5,
            |_, _, step, _| {
                largest = largest.max(step.step_size);
            },
        );
        largest
    };
    assert_eq!(largest(LineSearchConfig::ls()), 2.0);
    assert!(largest(LineSearchConfig::nls()) >= 4.0, "2/l is 2.86");
}

/// What LS and NLS promise, that η/δ is refused, PoNLS and NLS-ub do not: on a straight slope one stops where it
/// started, at its cap, and the other at the bound.
#[test]
fn ponls_and_nls_ub_may_stop_short_of_the_largest_acceptable_step() {
    for (config, step_size) in [
        (LineSearchConfig::ponls(), 1e4),
        (LineSearchConfig::nls_ub(10), 8.0),
    ] {
        let slope = toy(1, |w| 1e6 - w[0], |_| vec![-1.0]);
        let mut steps = Vec::new();
        run(&config, slope, &[0.0], 6, |function, point, step, _| {
            steps.push(step.step_size);
            let line = Line::new(function, host(point));
            let next = step.step_size / config.backtracking_factor;
            let decrease = config.sufficient_decrease * next * line.norm.powi(2);
            assert!(line.loss_at(next) <= step.reference_value.unwrap() - decrease);
        });
        assert_eq!((steps.len(), steps[5]), (6, step_size));
    }
}
