//! The flat saddle: the last weight `V` is zero, and so are the last features on the data.

use burn::tensor::Tensor;
use flatland_models::{FullBatch, Loss, Nonlinearity};
use flatland_optim::{Objective, vector::norm};
use flatland_sharpness::{Hessian, Wanted, eigenpairs};
use proptest::prelude::*;

use crate::common::to_vec;
use crate::{PIXELS, accurate, changed, columns, images, labels, mlp, problem, shares};

/// The singular values of a matrix given by its columns, the largest first, by one-sided Jacobi rotations (Hestenes
/// 1958).
fn singular_values(mut columns: Vec<Vec<f64>>) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for _ in 0..60 {
        for q in 1..columns.len() {
            for p in 0..q {
                let (a, b) = (columns[p].clone(), columns[q].clone());
                let angle = 0.5 * (2.0 * dot(&a, &b)).atan2(dot(&a, &a) - dot(&b, &b));
                let (sine, cosine) = angle.sin_cos();
                for i in 0..a.len() {
                    columns[p][i] = cosine * a[i] + sine * b[i];
                    columns[q][i] = cosine * b[i] - sine * a[i];
                }
            }
        }
    }
    let mut values: Vec<f64> = columns.iter().map(|c| dot(c, c).sqrt()).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

/// A tanh MLP with two hidden layers, nothing of which goes into the second, a last weight of zero and a last bias of
/// `bias`.
fn saddle(widths: [usize; 2], bias: &[f64], labels: &[u8], seed: u64) -> (FullBatch, Tensor<1>) {
    let architecture = mlp(widths.to_vec(), Nonlinearity::Tanh, true);
    let (objective, point) = problem(&architecture, bias.len(), labels, Loss::Mse, seed);
    let point = changed(
        objective.layout(),
        &point,
        |name, index, entry| match name {
            "3.weight" | "3.bias" | "5.weight" => 0.0,
            "5.bias" => bias[index],
            _ => entry,
        },
    );
    (objective, point)
}

/// The singular values of `B = ∂²f/∂V∂θ` by hand. A last feature `φⱼ = tanh(wⱼ·h + aⱼ)` has the derivatives `h` and 1
/// in its own `wⱼ` and `aⱼ` alone, so `B` is one copy for each of these features of `M = 2/(nK) Σᵢ (b − yᵢ)·(hᵢ, 1)ᵀ`,
/// where `h` are the first hidden features.
fn coupling(
    objective: &FullBatch,
    point: &Tensor<1>,
    bias: &[f64],
    labels: &[u8],
    seed: u64,
) -> Vec<f64> {
    let entries = to_vec(point.clone());
    let slots = objective.layout().slots();
    let (weight, shift) = (
        &entries[slots[0].range.clone()],
        &entries[slots[1].range.clone()],
    );
    let classes = bias.len();
    let mut columns = vec![vec![0.0; classes]; shift.len() + 1];
    for (image, &label) in images(labels.len(), seed).chunks(PIXELS).zip(labels) {
        let features = weight.chunks(PIXELS).zip(shift).map(|(row, shift)| {
            (row.iter().zip(image).map(|(w, x)| w * x).sum::<f64>() + shift).tanh()
        });
        for (column, feature) in columns.iter_mut().zip(features.chain([1.0])) {
            for (class, entry) in column.iter_mut().enumerate() {
                let residual = bias[class] - f64::from(usize::from(label) == class);
                *entry += 2.0 * residual * feature / (labels.len() * classes) as f64;
            }
        }
    }
    singular_values(columns)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// H = (2/K)·I ⊕ [[0, B], [Bᵀ, 0]]: the spectrum is 2/K, K times, and ± the singular values of B, which are known
    /// without the Hessian; the rest is zero, and the trace is 2.
    #[test]
    fn the_spectrum_is_two_over_k_and_plus_and_minus_the_singular_values_of_the_coupling(
        (classes, labels) in labels(), widths in [2..5usize, 1..4usize], bias in prop::collection::vec(-1.0..1.0f64, 6), seed: u64,
    ) {
        let bias = &bias[..classes];
        let (mut objective, point) = saddle(widths, bias, &labels, seed);
        let mut expected = vec![2.0 / classes as f64; classes];
        for value in coupling(&objective, &point, bias, &labels, seed) {
            expected.extend([value, -value].repeat(widths[1]));
        }
        expected.sort_by(|a, b| b.total_cmp(a));
        let wanted = Wanted::Magnitude(expected.len());
        let mut found = eigenpairs(&mut Hessian::new(&mut objective, &point), wanted, &accurate(), &[]).unwrap();
        prop_assert!(found.converged);
        found.values.sort_by(|a, b| b.total_cmp(a));
        for (value, expected) in found.values.iter().zip(&expected) {
            prop_assert!((value - expected).abs() < 1e-8, "{:?} {:?}", value, expected);
        }
        let n = objective.dimension();
        let rows = columns(&mut objective, &point, 0..n);
        let trace: f64 = (0..n).map(|i| rows[i][i]).sum();
        prop_assert!((trace - 2.0).abs() < 1e-13, "{}", trace);
        // Nothing is left for other eigenvalues.
        let squares: f64 = rows.iter().flatten().map(|entry| entry * entry).sum();
        let explained: f64 = expected.iter().map(|value| value * value).sum();
        prop_assert!((squares - explained).abs() < 1e-12 * explained, "{} {}", squares, explained);
    }

    /// With b = ȳ the gradient is zero there, and an eigenvalue is negative: a saddle point.
    #[test]
    fn with_the_mean_target_as_its_bias_it_is_a_saddle_point((classes, labels) in labels(), seed: u64) {
        prop_assume!(labels.iter().any(|label| *label != labels[0])); // else the loss is 0
        let (mut objective, point) = saddle([4, 2], &shares(classes, &labels), &labels, seed);
        prop_assert!(norm(&objective.loss_and_gradient(&point).1) < 1e-15);
        let wanted = Wanted::Ends { largest: 0, smallest: 1 };
        let found = eigenpairs(&mut Hessian::new(&mut objective, &point), wanted, &accurate(), &[]).unwrap();
        prop_assert!(found.values[0] < -1e-4, "{:?}", found.values);
    }

    /// With dead ReLUs in place of features that happen to be zero, B = 0: only the block of the bias is left.
    #[test]
    fn with_dead_features_nothing_but_the_block_of_the_bias_is_left((classes, labels) in labels(), seed: u64) {
        let (mut objective, point) = crate::constant_predictions::dead(false, classes, &labels, seed);
        let bias = crate::last(objective.layout());
        let n = objective.dimension();
        for (i, column) in columns(&mut objective, &point, 0..n).iter().enumerate() {
            for (j, entry) in column.iter().enumerate() {
                let expected = if i == j && bias.contains(&i) { 2.0 / classes as f64 } else { 0.0 };
                prop_assert!((entry - expected).abs() < 1e-14, "({}, {}): {}", i, j, entry);
            }
        }
    }
}
