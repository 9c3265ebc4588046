//! Single cases: limits, thresholds, parameters, modules.

use burn::tensor::Device;
use flatland_optim::module::{flatten, step_module};
use flatland_optim::vector::norm;
use flatland_optim::{
    Convergence, Counted, Extrapolation, GradientDescentConfig, InitialTrial, LineSearchConfig,
    Method, NonFinite, Outcome, Polyak, Reference, SearchFailure,
};

use crate::toys::{Toy, host, quadratic, run, toy, vector};

#[test]
fn a_trial_that_is_not_finite_is_refused() {
    for wall in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        // ½w², but not to be evaluated left of -0.4.
        let objective = toy(
            1,
            move |w| {
                if w[0] < -0.4 {
                    wall
                } else {
                    1.0 + 0.5 * w[0] * w[0]
                }
            },
            |w| w.to_vec(),
        );
        run(
            &LineSearchConfig::ls(),
            objective,
            &[1.0],
            1,
            |_, _, step, trials| {
                assert_eq!(step.outcome, Outcome::Stepped);
                assert_eq!((step.step_size, trials.len()), (1.0, 2));
            },
        );
    }
}

#[test]
fn a_search_that_finds_nothing_says_why() {
    let nowhere = || {
        toy(
            1,
            |w| if w[0] == 1.0 { 1.0 } else { f64::NAN },
            |w| w.to_vec(),
        )
    };
    let mut seen = 0;
    run(
        &LineSearchConfig::nls(),
        nowhere(),
        &[1.0],
        1,
        |_, _, step, _| {
            seen += 1;
            assert_eq!(
                step.outcome,
                Outcome::SearchFailed(SearchFailure::StepTooSmall)
            );
            assert_eq!((step.trials, step.backtracks), (20, 19)); // 2⁻¹⁹ is the last power above 1e-6
        },
    );
    let config = LineSearchConfig {
        max_trials: 7,
        ..LineSearchConfig::nls()
    };
    run(&config, nowhere(), &[1.0], 1, |_, _, step, _| {
        seen += 1;
        assert_eq!(
            step.outcome,
            Outcome::SearchFailed(SearchFailure::TrialLimit)
        );
        assert_eq!((step.trials, step.backtracks), (7, 6));
    });
    assert_eq!(seen, 2);
}

#[test]
fn an_extrapolation_without_end_takes_the_last_step_it_may_try() {
    let config = LineSearchConfig {
        max_trials: 30,
        ..LineSearchConfig::ls()
    };
    run(
        &config,
        toy(1, |w| 10.0 - w[0], |_| vec![-1.0]),
        &[0.0],
        1,
        |_, _, step, _| {
            assert_eq!(step.outcome, Outcome::Stepped);
            assert_eq!((step.trials, step.step_size), (30, 2f64.powi(29)));
        },
    );
}

#[test]
fn first_trials_are_clipped() {
    let first = |config: &LineSearchConfig, slope: f64, point: f64| {
        let mut first = 0.0;
        run(
            config,
            quadratic(vec![slope], 0.0),
            &[point],
            1,
            |_, _, step, _| first = step.initial_step_size.unwrap(),
        );
        first
    };
    // Polyak's step size on ½λw² is about 1/(2·0.1·λ).
    assert_eq!(first(&LineSearchConfig::ponls(), 1e-6, 1000.0), 1e4);
    assert_eq!(first(&LineSearchConfig::ponos(), 1e-2, 10.0), 10.0);
    assert_eq!(first(&LineSearchConfig::ponls(), 1e9, 1.0), 1e-6);
    let large = LineSearchConfig {
        first_step_size: 1e6,
        ..LineSearchConfig::ls()
    };
    assert_eq!(first(&large, 1.0, 1.0), 1e4);
    let polyak = first(&LineSearchConfig::ponls(), 2.0, 1.0);
    assert!(
        (polyak - 1.0 / (0.1 * 4.0 + 1e-8)).abs() < 1e-12,
        "{polyak}"
    );
}

#[test]
fn a_polyak_start_remembers_cuts() {
    let polyak = Polyak {
        remembers_cuts: true,
        ..Polyak::default()
    };
    let config = LineSearchConfig {
        initial_trial: InitialTrial::Polyak(polyak),
        ..LineSearchConfig::ponls()
    };
    let mut cuts = 0;
    run(
        &config,
        quadratic(vec![1.0, 30.0], 0.0),
        &[1.0, 1.0],
        20,
        |_, _, step, _| {
            let start = step.loss / (0.1 * step.gradient_norm.powi(2) + 1e-8) * 0.5f64.powi(cuts);
            assert!((step.initial_step_size.unwrap() / start - 1.0).abs() < 1e-12);
            cuts = (cuts + step.backtracks as i32 - 1).max(0);
        },
    );
    assert!(cuts > 0, "the example makes cuts");
}

#[test]
fn thresholds_end_a_run_and_what_is_not_finite_is_divergence() {
    let outcome = |objective: Toy, point: f64| {
        let mut outcomes = Vec::new();
        run(
            &LineSearchConfig::nls(),
            objective,
            &[point],
            1,
            |_, _, step, trials| {
                assert!(trials.is_empty());
                outcomes.push(step.outcome);
            },
        );
        outcomes[0]
    };
    let flat = toy(1, |_| 1.0, |_| vec![1e-9]);
    assert_eq!(
        outcome(flat, 0.0),
        Outcome::Converged(Convergence::GradientNorm)
    );
    assert_eq!(
        outcome(quadratic(vec![1.0], 0.0), 1e-4),
        Outcome::Converged(Convergence::Loss)
    );
    let broken = toy(1, |_| f64::NAN, |_| vec![1.0]);
    assert_eq!(outcome(broken, 0.0), Outcome::Diverged(NonFinite::Loss));
    let steep = toy(1, |_| 1.0, |_| vec![f64::INFINITY]);
    assert_eq!(outcome(steep, 0.0), Outcome::Diverged(NonFinite::Gradient));
}

#[test]
fn gradient_descent_contracts_below_the_edge_and_grows_above_it() {
    for (step_size, factor) in [(0.1, 0.9), (1.9, -0.9), (2.1, -1.1)] {
        let mut objective = Counted::new(quadratic(vec![1.0], 1.0));
        let mut method = GradientDescentConfig::new(step_size).init().unwrap();
        let (next, step) = method.step(&mut objective, vector(&[2.0]));
        assert!((host(&next)[0] - 2.0 * factor).abs() < 1e-15);
        assert_eq!((step.step_size, step.trials), (step_size, 0));
        assert_eq!(
            (
                objective.evaluations().gradients,
                objective.evaluations().losses
            ),
            (1, 0)
        );
    }
}

#[test]
fn a_bad_parameter_is_named_with_its_value_and_range() {
    let nls = LineSearchConfig::nls;
    for (config, message) in [
        (
            LineSearchConfig {
                sufficient_decrease: 1.5,
                ..nls()
            },
            "sufficient_decrease must be in (0, 1), but is 1.5",
        ),
        (
            LineSearchConfig {
                backtracking_factor: 1.0,
                ..nls()
            },
            "backtracking_factor must be in (0, 1), but is 1",
        ),
        (
            LineSearchConfig {
                max_trials: 0,
                ..nls()
            },
            "max_trials must be at least 1, but is 0",
        ),
        (
            LineSearchConfig {
                max_step_size: 1e-9,
                ..nls()
            },
            "max_step_size must be at least min_step_size",
        ),
        (
            LineSearchConfig {
                reference: Reference::ZhangHager { xi: 2.0 },
                ..nls()
            },
            "xi must be in [0, 1], but is 2",
        ),
        (
            LineSearchConfig {
                reference: Reference::Grippo { window: 0 },
                ..nls()
            },
            "window must be at least 1, but is 0",
        ),
        (
            LineSearchConfig {
                extrapolation: Extrapolation::OnceBelow { bound: -1.0 },
                ..nls()
            },
            "bound must be positive and finite, but is -1",
        ),
        (
            LineSearchConfig {
                initial_trial: InitialTrial::Polyak(Polyak {
                    scale: 0.0,
                    ..Polyak::default()
                }),
                ..nls()
            },
            "scale must be positive and finite, but is 0",
        ),
    ] {
        let error = config.init().unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let error = GradientDescentConfig::new(f64::NAN)
        .init()
        .unwrap_err()
        .to_string();
    assert_eq!(error, "step_size must be positive and finite, but is NaN");
}

/// Trial losses are given plain tensors: nothing they compute is recorded.
#[test]
fn a_module_is_moved_as_its_point_would_be_and_trials_leave_no_tape() {
    use burn::module::Module;
    use burn::optim::GradientsParams;

    let device = Device::flex();
    let inputs = vector(&[1.0, -2.0, 0.5, 3.0])
        .cast(burn::tensor::FloatDType::F32)
        .reshape([2, 2]);
    let loss = |model: &burn::nn::Linear| (model.forward(inputs.clone()) - 1.0).square().mean();
    let mut model = burn::nn::LinearConfig::new(2, 3).init(&device.autodiff());
    let mut search = LineSearchConfig::nls().init().unwrap();
    let before = flatten(&model);
    let (mut trials, mut gradients) = (0, 0);
    let step;
    (model, step) = step_module(
        &mut search,
        model,
        |plain| {
            assert!(!plain.weight.val().is_autodiff() && !loss(plain).is_autodiff());
            trials += 1;
            loss(plain).into_scalar()
        },
        |taped| {
            assert!(taped.weight.val().is_require_grad());
            gradients += 1;
            let loss = loss(taped);
            (
                loss.clone().into_scalar(),
                GradientsParams::from_grads(loss.backward(), taped),
            )
        },
    );
    assert_eq!((trials, gradients), (step.trials, 1));
    assert!(model.weight.val().is_require_grad() && model.num_params() == 9);
    let moved = norm(&(flatten(&model) - before));
    assert!((moved / (step.step_size * step.gradient_norm) - 1.0).abs() < 1e-5);
    assert!((loss(&model).into_scalar::<f64>() / step.accepted_loss.unwrap() - 1.0).abs() < 1e-5);
}
