//! What the searches promise, on functions with known answers.

use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_optim::module::{flatten, step_module};
use flatland_optim::vector::norm;
use flatland_optim::{
    Convergence, Counted, Extrapolation, GradientDescentConfig, InitialTrial, LineSearchConfig,
    Method, NonFinite, Objective, Outcome, Polyak, Reference, SearchFailure, Step,
};
use proptest::prelude::*;

/// A function on the host that notes where it was evaluated without a gradient.
struct Function<F, G> {
    dimension: usize,
    loss: F,
    gradient: G,
    trials: Vec<Vec<f64>>,
}

impl<F: Fn(&[f64]) -> f64, G: Fn(&[f64]) -> Vec<f64>> Function<F, G> {
    fn new(dimension: usize, loss: F, gradient: G) -> Self {
        Self {
            dimension,
            loss,
            gradient,
            trials: Vec::new(),
        }
    }
}

fn host(point: &Tensor<1>) -> Vec<f64> {
    point.to_data().iter::<f64>().collect()
}

fn vector(entries: &[f64]) -> Tensor<1> {
    Tensor::from_data(TensorData::from(entries), (&Device::flex(), DType::F64))
}

impl<F: Fn(&[f64]) -> f64, G: Fn(&[f64]) -> Vec<f64>> Objective for Function<F, G> {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        let point = host(point);
        let loss = (self.loss)(&point);
        self.trials.push(point);
        loss
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        let point = host(point);
        ((self.loss)(&point), vector(&(self.gradient)(&point)))
    }
}

type Toy = Function<Box<dyn Fn(&[f64]) -> f64>, Box<dyn Fn(&[f64]) -> Vec<f64>>>;

fn toy(
    dimension: usize,
    loss: impl Fn(&[f64]) -> f64 + 'static,
    gradient: impl Fn(&[f64]) -> Vec<f64> + 'static,
) -> Toy {
    Function::new(dimension, Box::new(loss), Box::new(gradient))
}

/// `½ Σ λᵢwᵢ² + offset`
fn quadratic(spectrum: Vec<f64>, offset: f64) -> Toy {
    let (values, slopes) = (spectrum.clone(), spectrum);
    toy(
        values.len(),
        move |w| offset + 0.5 * w.iter().zip(&values).map(|(w, l)| l * w * w).sum::<f64>(),
        move |w| w.iter().zip(&slopes).map(|(w, l)| l * w).collect(),
    )
}

fn rosenbrock() -> Toy {
    toy(
        2,
        |w| (1.0 - w[0]).powi(2) + 100.0 * (w[1] - w[0] * w[0]).powi(2),
        |w| {
            let valley = w[1] - w[0] * w[0];
            vec![-2.0 * (1.0 - w[0]) - 400.0 * w[0] * valley, 200.0 * valley]
        },
    )
}

/// Runs a search and hands each step to a check, with the point it started from and the points it tried.
fn run(
    config: &LineSearchConfig,
    objective: Toy,
    point: &[f64],
    iterations: usize,
    mut check: impl FnMut(&mut Toy, &Tensor<1>, &Step, &[Vec<f64>]),
) {
    let mut search = config.init().unwrap();
    let mut objective = Counted::new(objective);
    let mut point = vector(point);
    for _ in 0..iterations {
        let before = objective.evaluations();
        let (next, step) = search.step(&mut objective, point.clone());
        let after = objective.evaluations();
        assert_eq!(after.gradients - before.gradients, 1);
        assert_eq!(after.losses - before.losses, u64::from(step.trials));
        let trials = std::mem::take(&mut objective.inner_mut().trials);
        for (index, trial) in trials.iter().enumerate() {
            assert!(
                !trials[..index].contains(trial),
                "a trial was evaluated twice"
            );
        }
        check(objective.inner_mut(), &point, &step, &trials);
        if step.outcome != Outcome::Stepped {
            assert_eq!(host(&next), host(&point), "no step, no move");
            assert_eq!(step.step_size, 0.0);
            break;
        }
        point = next;
    }
}

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
