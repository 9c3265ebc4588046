//! SAM: its first steps by hand, its state, and its edge of stability.

use flatland_optim::{Counted, Method, NonFinite, Outcome, SamConfig, SamState};
use proptest::prelude::*;

use crate::toys::{Quadratic, host, rosenbrock, toy, vector};

fn bowl(curvature: f64) -> Quadratic {
    Quadratic {
        spectrum: vec![curvature],
        offset: 1.0,
    }
}

/// On w² from w = 1, with numbers that are easy to follow: g = 2, e = ρ, g' = 2(1 + ρ).
#[test]
fn the_first_two_steps_are_those_of_sgd_with_the_gradient_uphill() {
    let config = SamConfig {
        step_size: 0.1,
        rho: 0.5,
        momentum: 0.9,
        weight_decay: 0.25,
    };
    let mut method = config.init().unwrap();
    let (point, step) = method.step(&mut bowl(2.0), vector(&[1.0]));
    assert_eq!(
        (step.loss, step.gradient_norm, step.step_size),
        (2.0, 2.0, 0.1)
    );
    let first = 3.0 + 0.25; // no dampening, and nothing remembered yet
    let w = 1.0 - 0.1 * first;
    assert!((host(&point)[0] - w).abs() < 1e-15);
    let (point, _) = method.step(&mut bowl(2.0), point);
    let second = 0.9 * first + 2.0 * (w + 0.5) + 0.25 * w;
    assert!((host(&point)[0] - (w - 0.1 * second)).abs() < 1e-15);
}

#[test]
fn an_iteration_takes_two_gradients() {
    for config in [SamConfig::new(0.1), SamConfig::plain(0.1)] {
        let mut objective = Counted::new(bowl(1.0));
        let mut method = config.init().unwrap();
        let (_, step) = method.step(&mut objective, vector(&[1.0]));
        let counts = objective.evaluations();
        assert_eq!(
            (counts.losses, counts.gradients, counts.functions()),
            (0, 2, 2)
        );
        assert_eq!((step.outcome, step.trials), (Outcome::Stepped, 0));
        assert_eq!(method.state().buffer.is_some(), config.momentum > 0.0);
    }
}

#[test]
fn a_gradient_uphill_that_is_not_finite_is_divergence_and_no_step() {
    let mut cliff = toy(
        1,
        |w| w[0],
        |w| vec![if w[0] > 1.0 { f64::INFINITY } else { 1.0 }],
    );
    let mut method = SamConfig::new(0.1).init().unwrap();
    let (point, step) = method.step(&mut cliff, vector(&[1.0]));
    assert_eq!(step.outcome, Outcome::Diverged(NonFinite::Gradient));
    assert_eq!((host(&point), step.step_size), (vec![1.0], 0.0));
    assert!(
        method.state().buffer.is_none(),
        "nothing is remembered of it"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// On its edge the method goes to and fro for ever: from `w` to `−w`, and with momentum so does its buffer. Inside
    /// the edge `|w|` falls, outside it grows.
    #[test]
    fn at_its_edge_the_method_oscillates(
        step_size in 0.01..2.0f64, rho in 0.001..1.0f64, momentum in 0.0..0.95f64, weight_decay in 0.0..0.1f64,
        gradient_norm in 0.01..10.0f64,
    ) {
        let config = SamConfig { step_size, rho, momentum, weight_decay };
        let edge = config.edge(gradient_norm);
        let descent = 2.0 * (1.0 + momentum) / step_size - weight_decay;
        prop_assert!(0.0 < edge && edge < descent);
        let step = |curvature: f64| {
            let w = gradient_norm / curvature;
            let buffer = vector(&[-2.0 * w / step_size]);
            let state = SamState { buffer: Some(buffer) };
            let mut method = config.init().unwrap().with_state(state);
            let (next, _) = method.step(&mut bowl(curvature), vector(&[w]));
            host(&next)[0] / w
        };
        prop_assert!((step(edge) + 1.0).abs() < 1e-12, "{}", step(edge));
        prop_assert!(step(0.99 * edge) > -1.0 && step(1.01 * edge) < -1.0);
    }

    /// A saved buffer continues the run bit by bit.
    #[test]
    fn a_restored_method_continues_as_if_it_had_not_stopped(start in prop::collection::vec(-2.0..2.0f64, 2)) {
        let config = SamConfig::new(1e-3);
        let (mut objective, mut whole) = (rosenbrock(), config.init().unwrap());
        let mut point = whole.step(&mut objective, vector(&start)).0;
        let saved = whole.state().buffer.as_ref().map(host);
        let state = SamState { buffer: saved.map(|entries| vector(&entries)) };
        let mut restored = config.init().unwrap().with_state(state);
        for _ in 0..5 {
            let other = restored.step(&mut objective, point.clone());
            let (next, step) = whole.step(&mut objective, point);
            prop_assert_eq!(&step, &other.1);
            prop_assert_eq!(host(&next), host(&other.0));
            point = next;
        }
    }
}

#[test]
fn the_edge_has_its_limits() {
    let plain = SamConfig::plain(0.1);
    // Long and Bartlett's formula, as it stands in their paper.
    for gradient_norm in [0.01f64, 1.0, 30.0] {
        let printed = gradient_norm / (2.0 * 0.05)
            * ((1.0 + 8.0 * 0.05 / (0.1 * gradient_norm)).sqrt() - 1.0);
        assert!((plain.edge(gradient_norm) / printed - 1.0).abs() < 1e-12);
    }
    let nearly_gd = SamConfig {
        rho: 1e-14,
        ..plain.clone()
    };
    assert!((nearly_gd.edge(1.0) / 20.0 - 1.0).abs() < 1e-11);
    let gd = SamConfig {
        rho: 0.0,
        ..plain.clone()
    };
    assert_eq!((gd.edge(1.0), gd.edge(0.0)), (20.0, 20.0));
    assert_eq!(plain.edge(0.0), 0.0);
    let decaying = SamConfig {
        weight_decay: 30.0,
        ..plain
    };
    assert_eq!(decaying.edge(1.0), 0.0);
}

#[test]
fn wrong_parameters_are_named() {
    let message = |config: SamConfig| config.init().unwrap_err().to_string();
    let paper = || SamConfig::new(0.1);
    let case = |config, expected: &str| assert_eq!(message(config), expected);
    case(
        SamConfig::new(0.0),
        "step_size must be positive and finite, but is 0",
    );
    let rho = -0.1;
    case(
        SamConfig { rho, ..paper() },
        "rho must be at least 0 and finite, but is -0.1",
    );
    let momentum = 1.0;
    case(
        SamConfig {
            momentum,
            ..paper()
        },
        "momentum must be in [0, 1), but is 1",
    );
    let weight_decay = f64::INFINITY;
    case(
        SamConfig {
            weight_decay,
            ..paper()
        },
        "weight_decay must be at least 0 and finite, but is inf",
    );
}
