//! Networks with dead last features, which predict their last bias for every input.

use burn::tensor::Tensor;
use flatland_models::{FullBatch, Loss, Nonlinearity};
use flatland_optim::{
    GradientDescentConfig, LineSearchConfig, Method, Objective, Outcome, Step, WarmUpConfig,
};
use proptest::prelude::*;

use crate::common::to_vec;
use crate::{changed, cnn, labels, last, mlp, problem, shares};

/// A ReLU network whose last features are zero on every image, and stay so however its parameters move a little.
pub(crate) fn dead(
    is_cnn: bool,
    classes: usize,
    labels: &[u8],
    seed: u64,
) -> (FullBatch, Tensor<1>) {
    let (architecture, before_last) = if is_cnn {
        (cnn(Nonlinearity::Relu, true), "3.bias")
    } else {
        (mlp(vec![5, 3], Nonlinearity::Relu, true), "3.bias")
    };
    let (objective, point) = problem(&architecture, classes, labels, Loss::Mse, seed);
    let layout = objective.layout();
    assert!(layout.slots().iter().any(|slot| slot.name == before_last));
    let point = changed(layout, &point, |name, _, entry| {
        if name == before_last { -1e3 } else { entry }
    });
    (objective, point)
}

/// Runs a method and asserts that each step multiplies `b − ȳ` by `1 − 2η/K` and moves nothing else. Returns the step
/// sizes, and the distances `‖b − ȳ‖` before each of them and at the end.
fn contraction(
    method: &mut dyn Method<FullBatch>,
    (mut objective, mut point): (FullBatch, Tensor<1>),
    mean: &[f64],
    iterations: usize,
) -> (Vec<f64>, Vec<f64>) {
    let bias = last(objective.layout());
    let distance = |point: &Tensor<1>| -> Vec<f64> {
        let entries = &to_vec(point.clone())[bias.clone()];
        entries.iter().zip(mean).map(|(b, y)| b - y).collect()
    };
    let norm = |entries: &[f64]| entries.iter().map(|x| x * x).sum::<f64>().sqrt();
    let hidden = to_vec(point.clone())[..bias.start].to_vec();
    let (mut steps, mut norms) = (Vec::new(), vec![norm(&distance(&point))]);
    for _ in 0..iterations {
        let before = distance(&point);
        let Step {
            outcome, step_size, ..
        };
        (
            point,
            Step {
                outcome,
                step_size,
                ..
            },
        ) = method.step(&mut objective, point);
        if outcome != Outcome::Stepped {
            assert!(matches!(outcome, Outcome::Converged(_)), "{outcome:?}");
            break;
        }
        let factor = 1.0 - 2.0 * step_size / mean.len() as f64;
        for (after, before) in distance(&point).iter().zip(&before) {
            let error = (after - factor * before).abs();
            assert!(
                error < 1e-14 * (1.0 + step_size) * (1.0 + before.abs()),
                "η = {step_size}"
            );
        }
        assert_eq!(to_vec(point.clone())[..bias.start], hidden);
        steps.push(step_size);
        norms.push(norm(&distance(&point)));
    }
    (steps, norms)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// b − ȳ is multiplied by 1 − 2η/K in a step of gradient descent: it shrinks if η < K, and grows if η > K.
    #[test]
    fn the_distance_to_the_mean_target_shrinks_below_k_and_grows_above_it(
        is_cnn: bool, (classes, labels) in labels(), seed: u64, share in prop_oneof![0.05..0.97f64, 1.03..1.6f64],
    ) {
        let mut method = GradientDescentConfig::new(share * classes as f64).init().unwrap();
        let mean = shares(classes, &labels);
        let (steps, norms) = contraction(&mut method, dead(is_cnn, classes, &labels, seed), &mean, 12);
        prop_assert!(!steps.is_empty());
        let shrinks = norms.windows(2).all(|pair| pair[1] < pair[0]);
        let grows = norms.windows(2).all(|pair| pair[1] > pair[0]);
        prop_assert_eq!((shrinks, grows), (share < 1.0, share > 1.0), "{:?}", norms);
    }

    /// The warm-up is above η = K, where b − ȳ grows, for three iterations: two at 1.25K, and the last one that grew,
    /// which is above K because it was the last below 1.25K. Its bounded counterpart never is, nor is NLS-ub.
    #[test]
    fn only_the_unbounded_warm_up_crosses_the_edge((classes, labels) in labels(), seed: u64) {
        let mean = shares(classes, &labels);
        // Far enough for 60 steps not to end at the threshold of convergence.
        let start = |factor: f64| {
            let (objective, point) = dead(false, classes, &labels, seed);
            let last = objective.layout().slots().last().unwrap().name.clone();
            let point = changed(objective.layout(), &point, |name, index, entry| {
                if name == last { mean[index] + factor * (1.0 + entry) } else { entry }
            });
            (objective, point)
        };
        for (config, crossings) in [(WarmUpConfig::new(classes), 3), (WarmUpConfig::bounded(classes), 0)] {
            let mut method = config.init().unwrap();
            let (steps, norms) = contraction(&mut method, start(1e6), &mean, 60);
            prop_assert_eq!(steps.len(), 60);
            let above = steps.iter().filter(|step| **step > classes as f64).count();
            let grown = norms.windows(2).filter(|pair| pair[1] > pair[0]).count();
            prop_assert_eq!((above, grown), (crossings, crossings));
        }
        let mut search = LineSearchConfig::nls_ub(classes).init().unwrap();
        let (steps, norms) = contraction(&mut search, start(1e3), &mean, 20);
        prop_assert!(steps.iter().all(|step| *step < classes as f64));
        prop_assert!(norms.windows(2).all(|pair| pair[1] < pair[0]), "{:?}", norms);
    }

    /// The best constant prediction is the mean target ȳ = p, with the loss (1 − Σp²)/K; the all-zero one has 1/K.
    #[test]
    fn the_loss_of_a_random_guess_is_one_minus_the_squared_shares((classes, labels) in labels(), seed: u64, is_cnn: bool) {
        let p = shares(classes, &labels);
        let (guess, zero, bias_gradient) = constant_losses(is_cnn, &p, &labels, seed);
        let squares: f64 = p.iter().map(|p| p * p).sum();
        prop_assert!((guess - (1.0 - squares) / classes as f64).abs() < 1e-15);
        prop_assert!((zero - 1.0 / classes as f64).abs() < 1e-15);
        prop_assert!(bias_gradient < 1e-15);
    }
}

/// The losses of the mean target and of zero as predictions, and the largest entry of the gradient at the former.
fn constant_losses(is_cnn: bool, p: &[f64], labels: &[u8], seed: u64) -> (f64, f64, f64) {
    let (mut objective, point) = dead(is_cnn, p.len(), labels, seed);
    let last = objective.layout().slots().last().unwrap().name.clone();
    let at = |objective: &FullBatch, scale: f64| {
        changed(objective.layout(), &point, |name, index, entry| {
            if name == last {
                scale * p[index]
            } else {
                entry
            }
        })
    };
    let (guess, zero) = (at(&objective, 1.0), at(&objective, 0.0));
    let (loss, gradient) = objective.loss_and_gradient(&guess);
    let largest = to_vec(gradient)
        .iter()
        .fold(0.0, |a: f64, b| a.max(b.abs()));
    (loss, objective.loss(&zero), largest)
}

#[test]
fn a_random_guess_among_the_papers_classes_has_the_losses_it_prints() {
    for (classes, printed, places) in [
        (10, 0.09, 1e-15),
        (100, 0.0099, 1e-15),
        (26, 0.036982, 5e-7),
    ] {
        let labels: Vec<u8> = (0..2 * classes).map(|i| (i % classes) as u8).collect();
        let (guess, zero, _) = constant_losses(false, &shares(classes, &labels), &labels, 1);
        assert!((guess - printed).abs() < places, "{classes}: {guess}");
        assert!((zero - 1.0 / classes as f64).abs() < 1e-15);
    }
}
