//! The meaning of single parameters and records of a search.

use flatland_optim::{
    InitialTrial, LineSearchConfig, Method, Outcome, Polyak, Reference, SearchFailure,
};

use crate::toys::{Toy, host, quadratic, run, toy, vector};

#[test]
fn a_single_growth_obeys_the_limit_of_trials_too() {
    let config = LineSearchConfig {
        max_trials: 1,
        ..LineSearchConfig::nls_ub(10)
    };
    let mut seen = 0;
    run(
        &config,
        quadratic(vec![1e-6], 1.0),
        &[1000.0],
        3,
        |_, _, step, _| {
            seen += 1;
            assert_eq!((step.trials, step.step_size), (1, 1.0));
        },
    );
    assert_eq!(seen, 3);
}

#[test]
fn a_first_step_that_is_too_small_is_raised_to_the_least() {
    let config = LineSearchConfig {
        first_step_size: 1e-9,
        ..LineSearchConfig::ls()
    };
    run(
        &config,
        quadratic(vec![1.0], 1.0),
        &[1.0],
        1,
        |_, _, step, _| {
            assert_eq!(step.initial_step_size, Some(1e-6));
        },
    );
}

/// A function that is finite near 1 only, so that a search from there cuts its step size 22 times.
fn narrow() -> Toy {
    let is_near = |w: f64| (w - 1.0).abs() < 3e-6;
    toy(
        1,
        move |w| if is_near(w[0]) { w[0] } else { f64::NAN },
        |_| vec![1.0],
    )
}

#[test]
fn remembered_cuts_do_not_reach_below_the_least_step() {
    let mut search = LineSearchConfig::ponos().init().unwrap();
    let (_, step) = search.step(&mut narrow(), vector(&[1.0]));
    assert_eq!((step.backtracks, step.outcome), (22, Outcome::Stepped));
    // 21 cuts are remembered: Polyak's step of ½ here would start below 1e-6.
    let (_, step) = search.step(&mut quadratic(vec![10.0], 0.0), vector(&[1.0]));
    assert_eq!(step.initial_step_size, Some(1e-6));
}

#[test]
fn a_failed_search_leaves_the_memory_of_cuts_alone() {
    let mut nowhere = toy(
        1,
        |w| if w[0] == 1.0 { 1.0 } else { f64::NAN },
        |w| w.to_vec(),
    );
    let mut search = LineSearchConfig::ponos().init().unwrap();
    // Polyak's step is 5 and one up to 1 is acceptable: three cuts, of which two are remembered.
    search.step(&mut quadratic(vec![1.0], 0.0), vector(&[1.0]));
    let before = search.state().clone();
    let (point, step) = search.step(&mut nowhere, vector(&[1.0]));
    assert_eq!(host(&point), [1.0]);
    assert_eq!(
        step.outcome,
        Outcome::SearchFailed(SearchFailure::StepTooSmall)
    );
    assert!(step.backtracks > 10, "{step:?}");
    let (_, step) = search.step(&mut quadratic(vec![1.0], 0.0), vector(&[1.0]));
    let first = step.initial_step_size.unwrap();
    assert!(
        (first / 1.25 - 1.0).abs() < 1e-6,
        "{first} after {before:?}"
    );
}

/// On ½w² Polyak's step is 5 and a step up to 1 is acceptable: three cuts, of which two are remembered; then one cut
/// more in every iteration, which keeps the memory at two.
#[test]
fn cuts_are_remembered_for_as_long_as_they_are_needed() {
    let config = LineSearchConfig {
        reference: Reference::Monotone,
        ..LineSearchConfig::ponos()
    };
    let mut expected = [5.0, 1.25, 1.25, 1.25].into_iter();
    run(
        &config,
        quadratic(vec![1.0], 0.0),
        &[1.0],
        4,
        |_, _, step, _| {
            let first = step.initial_step_size.unwrap();
            assert!(
                (first / expected.next().unwrap() - 1.0).abs() < 1e-4,
                "{first}"
            );
        },
    );
    assert_eq!(expected.next(), None);
}

/// On ½w² the condition holds up to η = 2(1 − c); Polyak's step there is 5.
#[test]
fn ponos_asks_for_half_of_the_promised_decrease() {
    for (config, accepted) in [
        (LineSearchConfig::ponos(), 0.625),
        (LineSearchConfig::ponls(), 1.25),
    ] {
        run(
            &config,
            quadratic(vec![1.0], 0.0),
            &[1.0],
            1,
            |_, _, step, _| {
                assert!((step.step_size / accepted - 1.0).abs() < 1e-6, "{step:?}");
            },
        );
    }
}

#[test]
fn the_polyak_step_counts_from_the_optimal_loss() {
    let config = LineSearchConfig {
        initial_trial: InitialTrial::Polyak(Polyak {
            optimal_loss: 3.0,
            ..Polyak::default()
        }),
        ..LineSearchConfig::ponls()
    };
    run(
        &config,
        quadratic(vec![1.0], 3.0),
        &[1.0],
        1,
        |_, _, step, _| {
            let first = step.initial_step_size.unwrap();
            assert!((first - 0.5 / (0.1 + 1e-8)).abs() < 1e-12, "{first}");
        },
    );
}

#[test]
fn the_record_of_nls_holds_the_mean_of_all_losses() {
    let (mut sum, mut count) = (0.0, 0.0);
    run(
        &LineSearchConfig::nls(),
        quadratic(vec![1.0, 10.0], 1.0),
        &[1.0, 1.0],
        10,
        |_, _, step, _| {
            sum += step.loss;
            count += 1.0;
            assert!((step.average_loss.unwrap() - sum / count).abs() < 1e-14);
        },
    );
    assert_eq!(count, 10.0);
}

#[test]
fn step_sizes_of_a_configuration_are_positive() {
    let message = |config: LineSearchConfig| config.init().unwrap_err().to_string();
    let config = LineSearchConfig {
        first_step_size: 0.0,
        ..LineSearchConfig::ls()
    };
    assert_eq!(
        message(config),
        "first_step_size must be positive and finite, but is 0"
    );
    let config = LineSearchConfig {
        min_step_size: -1.0,
        ..LineSearchConfig::ls()
    };
    assert_eq!(
        message(config),
        "min_step_size must be positive and finite, but is -1"
    );
}
