//! The warm-ups, iteration by iteration.

use flatland_optim::{Method, Outcome, WarmUpConfig};

use crate::toys::{host, quadratic, toy, vector};

fn step_sizes(config: &WarmUpConfig, iterations: usize) -> Vec<f64> {
    let mut flat = quadratic(vec![1e-9], 1.0);
    let mut method = config.init().unwrap();
    let mut point = vector(&[1e3]);
    (0..iterations)
        .map(|_| {
            let (next, step) = method.step(&mut flat, point.clone());
            assert_eq!(step.outcome, Outcome::Stepped);
            let moved = host(&point)[0] - step.step_size * 1e-9 * host(&point)[0];
            assert_eq!(host(&next)[0], moved);
            point = next;
            step.step_size
        })
        .collect()
}

/// What the paper prints for ten classes: 12.5 at k = 31 and 32, then 9; and its counterpart that stays below 10.
#[test]
fn ten_classes_have_the_papers_steps() {
    let steps = step_sizes(&WarmUpConfig::new(10), 60);
    let bounded = step_sizes(&WarmUpConfig::bounded(10), 60);
    for k in 0..60 {
        let grown = 0.0125 * 1.25f64.powi(k as i32);
        let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-13;
        assert!(
            match k {
                0..=30 => near(steps[k], grown),
                31 | 32 => steps[k] == 12.5,
                _ => steps[k] == 9.0,
            },
            "{k}: {}",
            steps[k]
        );
        assert!(
            match k {
                0..=29 => near(bounded[k], grown),
                _ => bounded[k] == 9.0,
            },
            "{k}: {}",
            bounded[k]
        );
    }
}

#[test]
fn other_class_counts_cross_theirs_for_two_iterations_or_never() {
    for classes in [2, 26, 100] {
        let k = classes as f64;
        let steps = step_sizes(&WarmUpConfig::new(classes), 60);
        let at_peak = steps.iter().filter(|&&step| step == 1.25 * k).count();
        let largest = steps.iter().copied().fold(0.0, f64::max);
        assert_eq!((at_peak, largest), (2, 1.25 * k), "{classes} classes");
        assert_eq!(steps[59], 0.9 * k);
        let bounded = step_sizes(&WarmUpConfig::bounded(classes), 60);
        assert!(bounded.is_sorted() && bounded[59] == 0.9 * k);
    }
}

#[test]
fn a_peak_below_the_first_step_size_skips_the_growth() {
    let config = WarmUpConfig {
        peak: 0.01,
        ..WarmUpConfig::new(10)
    };
    assert_eq!(step_sizes(&config, 4), [0.01, 0.01, 9.0, 9.0]);
}

#[test]
fn a_restored_warm_up_goes_on_where_it_stood() {
    let config = WarmUpConfig::new(10);
    let whole = step_sizes(&config, 40);
    for pause in [5, 31, 32, 33] {
        let mut flat = quadratic(vec![1e-9], 1.0);
        let mut first = config.init().unwrap();
        for _ in 0..pause {
            first.step(&mut flat, vector(&[1e3]));
        }
        let saved = serde_json::to_string(first.state()).unwrap();
        let state = serde_json::from_str(&saved).unwrap();
        let mut restored = config.init().unwrap().with_state(state);
        for expected in &whole[pause..] {
            let (_, step) = restored.step(&mut flat, vector(&[1e3]));
            assert_eq!(step.step_size, *expected);
        }
    }
}

#[test]
fn an_iteration_without_a_step_does_not_advance_the_warm_up() {
    let mut method = WarmUpConfig::new(10).init().unwrap();
    let mut broken = toy(1, |_| f64::NAN, |_| vec![1.0]);
    let before = *method.state();
    let (_, step) = method.step(&mut broken, vector(&[1.0]));
    assert_eq!(step.step_size, 0.0);
    assert_eq!(*method.state(), before);
}

#[test]
fn wrong_parameters_are_named() {
    let message = |config: WarmUpConfig| config.init().unwrap_err().to_string();
    let growth = 1.0;
    assert_eq!(
        message(WarmUpConfig {
            growth,
            ..WarmUpConfig::new(10)
        }),
        "growth must be above 1 and finite, but is 1"
    );
    assert_eq!(
        message(WarmUpConfig::new(0)),
        "peak must be positive and finite, but is 0"
    );
}
