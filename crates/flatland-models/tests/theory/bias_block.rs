//! The block of the Hessian that belongs to the last bias, and its consequence by interlacing.

use flatland_models::{Architecture, ForwardPass, Loss, Nonlinearity};
use flatland_optim::Objective;
use flatland_sharpness::{Hessian, Wanted, eigenpairs};
use proptest::prelude::*;

use crate::common::to_vec;
use crate::{accurate, cnn, columns, images, labels, last, mlp, problem};

fn networks() -> impl Strategy<Value = fn(bool) -> Architecture> {
    prop::sample::select(vec![
        (|bias| mlp(vec![5, 4], Nonlinearity::Relu, bias)) as fn(bool) -> Architecture,
        |bias| mlp(vec![3], Nonlinearity::Gelu, bias),
        |bias| mlp(vec![4, 3, 3], Nonlinearity::Tanh, bias),
        |bias| mlp(vec![], Nonlinearity::Relu, bias),
        |bias| cnn(Nonlinearity::Relu, bias),
        |bias| cnn(Nonlinearity::Softplus, bias),
    ])
}

/// Two hidden layers, so that small weights make both the last features and their derivatives small.
fn deep_networks() -> impl Strategy<Value = fn(bool) -> Architecture> {
    prop::sample::select(vec![
        (|bias| mlp(vec![5, 4], Nonlinearity::Relu, bias)) as fn(bool) -> Architecture,
        |bias| mlp(vec![4, 3, 3], Nonlinearity::Tanh, bias),
        |bias| cnn(Nonlinearity::Gelu, bias),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Mean squared error: the block is (2/K)·I at every point, its trace is 2, and by interlacing K eigenvalues of the
    /// whole Hessian are at least 2/K.
    #[test]
    fn the_block_is_two_over_k_and_as_many_eigenvalues_as_classes_are_at_least_that(
        network in networks(), (classes, labels) in labels(), seed: u64, exponent in -2.0..0.7f64,
    ) {
        let (mut objective, point) = problem(&network(true), classes, &labels, Loss::Mse, seed);
        let point = point * 10f64.powf(exponent);
        let floor = 2.0 / classes as f64;
        let bias = last(objective.layout());
        prop_assert_eq!(bias.len(), classes);
        let mut trace = 0.0;
        for (i, column) in columns(&mut objective, &point, bias.clone()).iter().enumerate() {
            for (j, entry) in column[bias.clone()].iter().enumerate() {
                let expected = if i == j { floor } else { 0.0 };
                prop_assert!((entry - expected).abs() < 1e-14, "({}, {}): {}", i, j, entry);
            }
            trace += column[bias.start + i];
        }
        prop_assert!((trace - 2.0).abs() < 1e-13);
        let wanted = Wanted::Ends { largest: classes, smallest: 0 };
        let pairs = eigenpairs(&mut Hessian::new(&mut objective, &point), wanted, &accurate(), &[]).unwrap();
        prop_assert!(pairs.converged);
        let least = pairs.values[classes - 1];
        prop_assert!(least >= floor - 1e-8 * pairs.values[0], "{:?}", pairs.values);
    }

    /// Without the last bias there is no such block, and at small weights the sharpness is below the line.
    #[test]
    fn without_the_last_bias_the_floor_is_gone(network in deep_networks(), (classes, labels) in labels(), seed: u64) {
        let sharpness = |bias| {
            let (mut objective, point) = problem(&network(bias), classes, &labels, Loss::Mse, seed);
            let wanted = Wanted::Ends { largest: 1, smallest: 0 };
            let point = point * 0.01;
            let hessian = &mut Hessian::new(&mut objective, &point);
            eigenpairs(hessian, wanted, &accurate(), &[]).unwrap().values[0]
        };
        let floor = 2.0 / classes as f64;
        prop_assert!(sharpness(true) >= floor - 1e-9);
        prop_assert!(sharpness(false) < floor, "{} ≥ {}", sharpness(false), floor);
    }

    /// Cross-entropy: the block is the mean of diag(p) − ppᵀ over the samples, and its smallest eigenvalue is 0.
    #[test]
    fn with_cross_entropy_the_block_is_the_covariance_of_the_predicted_class(
        network in networks(), (classes, labels) in labels(), seed: u64, exponent in -1.0..0.7f64,
    ) {
        let (mut objective, point) = problem(&network(true), classes, &labels, Loss::CrossEntropy, seed);
        let point = point * 10f64.powf(exponent);
        let samples = labels.len();
        let input = crate::vector(images(samples, seed)).reshape([samples, 1, 4, 4]);
        let logits = objective.network().logits(&ForwardPass::plain(objective.layout(), &point), input);
        let mut expected = vec![vec![0.0; classes]; classes];
        for logits in to_vec(logits.value).chunks(classes) {
            let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = logits.iter().map(|z| (z - largest).exp()).collect();
            let total: f64 = weights.iter().sum();
            let p: Vec<f64> = weights.iter().map(|w| w / total).collect();
            for i in 0..classes {
                expected[i][i] += p[i] / samples as f64;
                for j in 0..classes {
                    expected[i][j] -= p[i] * p[j] / samples as f64;
                }
            }
        }
        let bias = last(objective.layout());
        for (column, expected) in columns(&mut objective, &point, bias.clone()).iter().zip(&expected) {
            for (entry, expected) in column[bias.clone()].iter().zip(expected) {
                prop_assert!((entry - expected).abs() < 1e-14, "{} {}", entry, expected);
            }
            // To shift all logits alike changes nothing: no floor.
            prop_assert!(column[bias.clone()].iter().sum::<f64>().abs() < 1e-14);
        }
        prop_assert!(objective.dimension() > classes);
    }
}
