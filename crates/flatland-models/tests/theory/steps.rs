//! The paper's propositions about steps, on small networks with smooth activations.

use burn::tensor::Tensor;
use flatland_models::{FullBatch, Loss, Nonlinearity};
use flatland_optim::{
    CdatConfig, Curvature, LineSearchConfig, Method, Objective, Outcome, vector::axpy, vector::norm,
};
use flatland_sharpness::{Hessian, LanczosConfig, Wanted, eigenpairs};
use proptest::prelude::*;

use crate::{labels, mlp, problem};

/// Points of a segment that are looked at, and the ratio of the distances of two neighbours.
const SAMPLES: usize = 300;
const RATIO: f64 = 1.04;

fn smooth() -> impl Strategy<Value = Nonlinearity> {
    prop::sample::select(vec![
        Nonlinearity::Tanh,
        Nonlinearity::Gelu,
        Nonlinearity::Softplus,
    ])
}

/// Along `w − tg`, for `t` up to `end`, from `1e-5·end` on: `t`, the loss, and the largest `‖∇f(w_s) − g‖/(s‖g‖)` for
/// `s ≤ t`, which is the segment smoothness `l(w, t)`.
fn segment(objective: &mut FullBatch, point: &Tensor<1>, end: f64) -> Vec<(f64, f64, f64)> {
    let (_, gradient) = objective.loss_and_gradient(point);
    let length = norm(&gradient);
    // The limit for t → 0, where the supremum lies if the curvature falls along the step.
    let mut smoothness = norm(&objective.hvp(point, &gradient)) / length;
    (1..=SAMPLES)
        .map(|i| {
            let t = end * RATIO.powi(i as i32 - SAMPLES as i32);
            let (loss, turned) = objective.loss_and_gradient(&axpy(-t, &gradient, point));
            smoothness = smoothness.max(norm(&(turned - gradient.clone())) / (t * length));
            (t, loss, smoothness)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// At every step of LS and NLS: the local descent lemma, Proposition 2.5, and the non-monotone bound, which with
    /// the slack ε = R − f = 0 is Proposition 2.5 again. See `flatland-optim`'s tests for the interval of `l`.
    #[test]
    fn descent_lemma_and_bounds_hold_at_every_step_of_an_equality_search(
        activation in smooth(), (classes, labels) in labels(), seed: u64, is_monotone: bool, loss in prop::sample::select(vec![Loss::Mse, Loss::CrossEntropy]),
    ) {
        let config = if is_monotone { LineSearchConfig::ls() } else { LineSearchConfig::nls() };
        let (c, delta) = (config.sufficient_decrease, config.backtracking_factor);
        let (mut objective, mut point) = problem(&mlp(vec![5, 4], activation, true), classes, &labels, loss, seed);
        let mut search = config.init().unwrap();
        for _ in 0..10 {
            let before = point.clone();
            let step;
            (point, step) = search.step(&mut objective, point);
            if step.outcome != Outcome::Stepped {
                break;
            }
            let square = step.gradient_norm.powi(2);
            if step.step_size * square < 1e-8 * step.loss {
                break; // the losses do not resolve it
            }
            let along = segment(&mut objective, &before, step.step_size / delta);
            for (t, loss, l) in &along {
                let bound = step.loss - t * square * (1.0 - t * l / 2.0);
                prop_assert!(*loss <= bound + 1e-3 * t * t * square * l + 1e-12, "{} > {} at {}", loss, bound, t);
            }
            let reference = step.reference_value.unwrap();
            for reference in [step.loss, reference] {
                let refused = along.iter().find(|(t, loss, _)| *loss > reference - c * t * square);
                let (_, _, l) = refused.expect("the last one is refused");
                let slack = reference - step.loss;
                let bound = delta * (1.0 - c + ((1.0 - c).powi(2) + 2.0 * l * slack / square).sqrt()) / l;
                prop_assert!(step.step_size >= bound * (1.0 - 1e-2), "{} < {}", step.step_size, bound);
            }
        }
    }

    /// CDAT: η·max|λ| ≥ σ at every iteration.
    #[test]
    fn cdat_is_never_inside_its_edge(activation in smooth(), (classes, labels) in labels(), seed: u64, scale in 0.5..2.5f64) {
        let (mut objective, mut point) = problem(&mlp(vec![5, 4], activation, true), classes, &labels, Loss::Mse, seed);
        let mut method = CdatConfig { scale, ..CdatConfig::new() }.init().unwrap();
        let config = LanczosConfig::new().with_tolerance(1e-6).with_max_products(5000);
        for _ in 0..10 {
            let largest = {
                let mut hessian = Hessian::new(&mut objective, &point);
                eigenpairs(&mut hessian, Wanted::Magnitude(1), &config, &[]).unwrap().values[0].abs()
            };
            let step;
            (point, step) = method.step(&mut objective, point);
            prop_assert_eq!(step.outcome, Outcome::Stepped);
            prop_assert!(step.step_size * largest >= scale * (1.0 - 1e-5), "{:?} {}", step, largest);
        }
    }
}
