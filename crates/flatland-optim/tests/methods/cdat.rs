//! CDAT on quadratics and at its limits.

use burn::tensor::Tensor;
use flatland_optim::{
    CdatConfig, Convergence, Counted, Curvature, CurvatureFailure, Method, Objective, Outcome,
};
use proptest::prelude::*;

use crate::toys::{Quadratic, host, vector};

/// Eigenvalues of both signs and of very different sizes.
fn spectra() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(
        (-4.0..4.0f64, any::<bool>()).prop_map(|(exponent, is_negative)| {
            let size = 10f64.powf(exponent);
            if is_negative { -size } else { size }
        }),
        1..12,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// η·max|λ| ≥ σ at every iteration, for every spectrum: |gᵀHg| ≤ max|λ|·‖g‖².
    #[test]
    fn a_step_is_never_inside_its_edge(
        spectrum in spectra(), start in prop::collection::vec(-3.0..3.0f64, 12), scale in 0.5..3.0f64,
    ) {
        let magnitude = spectrum.iter().map(|l| l.abs()).fold(0.0, f64::max);
        let mut point = vector(&start[..spectrum.len()]);
        // The loss is far from its threshold of convergence, whichever way the quadratic bends.
        let mut objective = Quadratic { spectrum, offset: 1e300 };
        let mut method = CdatConfig { scale, ..CdatConfig::new() }.init().unwrap();
        for _ in 0..10 {
            let step;
            (point, step) = method.step(&mut objective, point);
            match step.outcome {
                Outcome::Stepped => {
                    prop_assert!(step.step_size.is_finite());
                    prop_assert!(step.step_size * magnitude >= scale * (1.0 - 1e-12), "{:?}", step);
                }
                Outcome::Converged(Convergence::GradientNorm) | Outcome::CurvatureFailed(CurvatureFailure::Vanishes) => break,
                Outcome::Diverged(_) | Outcome::CurvatureFailed(CurvatureFailure::NonFinite)
                    if step.gradient_norm > 1e100 => break,
                outcome => prop_assert!(false, "{outcome:?} {step:?}"),
            }
        }
    }

    /// A restored method continues as the one that was not stopped.
    #[test]
    fn a_restored_method_continues_as_if_it_had_not_stopped(spectrum in spectra(), averaging in 0.1..0.95f64) {
        let config = CdatConfig { averaging, ..CdatConfig::new() };
        let mut point = vector(&vec![1.0; spectrum.len()]);
        let mut objective = Quadratic { spectrum, offset: 1e300 };
        let mut whole = config.init().unwrap();
        point = whole.step(&mut objective, point).0;
        let saved = serde_json::to_string(whole.state()).unwrap();
        let mut restored = config.init().unwrap().with_state(serde_json::from_str(&saved).unwrap());
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
fn twice_the_greedy_step_ends_at_equal_height() {
    let spectrum = vec![1.0, -3.0, 10.0];
    for (scale, share) in [(1.0, 0.5), (2.0, 0.0), (2.06, -0.0618)] {
        let mut objective = Quadratic {
            spectrum: spectrum.clone(),
            offset: 1e3,
        };
        let mut method = CdatConfig {
            scale,
            ..CdatConfig::new()
        }
        .init()
        .unwrap();
        let (next, step) = method.step(&mut objective, vector(&[1.0, 0.5, 1.0]));
        // f(w) − f(w − ηg) = η‖g‖²(1 − σ/2); in units of the greedy decrease's double, σ(1 − σ/2).
        let decrease = step.loss - objective.loss(&next);
        let unit = step.step_size / scale * step.gradient_norm.powi(2);
        assert!((decrease / unit - share).abs() < 1e-9, "{scale}");
    }
}

#[test]
fn an_iteration_takes_one_gradient_and_one_curvature() {
    let mut objective = Counted::new(Quadratic {
        spectrum: vec![1.0, 2.0],
        offset: 1.0,
    });
    let mut method = CdatConfig::new().init().unwrap();
    let (_, step) = method.step(&mut objective, vector(&[1.0, 1.0]));
    let counts = objective.evaluations();
    assert_eq!(
        (
            counts.losses,
            counts.gradients,
            counts.products,
            counts.curvatures
        ),
        (0, 1, 0, 1)
    );
    assert_eq!(
        (step.trials, step.reference_value, step.initial_step_size),
        (0, None, None)
    );
    // g = (1, 2): ‖g‖² = 5 and gᵀHg = 9.
    assert!((step.step_size - 2.06 * 5.0 / 9.0).abs() < 1e-14);
}

/// A slope whose curvature is a constant: `f = w + 10`.
struct Slope {
    curvature: f64,
}

impl Objective for Slope {
    fn dimension(&self) -> usize {
        1
    }
    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        10.0 + host(point)[0]
    }
    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        (self.loss(point), vector(&[1.0]))
    }
}

impl Curvature for Slope {
    fn hvp(&mut self, _: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        direction.clone() * self.curvature
    }
}

#[test]
fn a_curvature_without_a_step_size_is_an_outcome_and_no_step() {
    let least = f64::from_bits(1);
    for (curvature, expected) in [
        (0.0, Outcome::CurvatureFailed(CurvatureFailure::Vanishes)),
        (-0.0, Outcome::CurvatureFailed(CurvatureFailure::Vanishes)),
        (least, Outcome::CurvatureFailed(CurvatureFailure::Vanishes)), // 2.06 / least overflows
        (
            f64::NAN,
            Outcome::CurvatureFailed(CurvatureFailure::NonFinite),
        ),
        (
            f64::INFINITY,
            Outcome::CurvatureFailed(CurvatureFailure::NonFinite),
        ),
    ] {
        let mut method = CdatConfig::new().init().unwrap();
        let (point, step) = method.step(&mut Slope { curvature }, vector(&[3.0]));
        assert_eq!((step.outcome, step.step_size), (expected, 0.0));
        assert_eq!(host(&point), [3.0]);
        assert_eq!((step.loss, step.gradient_norm), (13.0, 1.0));
    }
}

#[test]
fn options_bound_and_smooth_the_step() {
    let first = |config: CdatConfig, curvature| {
        let mut method = config.init().unwrap();
        let step = method.step(&mut Slope { curvature }, vector(&[3.0])).1;
        assert_eq!(step.outcome, Outcome::Stepped);
        step.step_size
    };
    let paper = CdatConfig::new();
    let epsilon = CdatConfig {
        epsilon: 1.0,
        ..paper.clone()
    };
    assert_eq!(first(epsilon.clone(), 0.0), 2.06);
    assert_eq!(first(epsilon, -1.0), 1.03);
    let capped = CdatConfig {
        max_step_size: Some(1.5),
        ..paper.clone()
    };
    assert_eq!(first(capped.clone(), 1.0), 1.5);
    assert_eq!(first(capped, -4.0), 0.515);

    // Averages weigh a value that is t iterations old by β^t; the missing weights of the start cancel.
    let averaged = CdatConfig {
        averaging: 0.5,
        ..paper
    };
    let mut method = averaged.init().unwrap();
    let mut sizes = [1.0, 3.0, -2.0].map(|curvature| {
        let step = method.step(&mut Slope { curvature }, vector(&[3.0])).1;
        step.step_size / 2.06
    });
    let expected = [1.0, 1.5 / 3.5, 1.75 / 3.75];
    for (found, expected) in sizes.iter_mut().zip(expected) {
        assert!((*found - expected).abs() < 1e-15, "{found} {expected}");
    }
}

#[test]
fn wrong_parameters_are_named() {
    let message = |config: CdatConfig| config.init().unwrap_err().to_string();
    let paper = CdatConfig::new;
    for (config, expected) in [
        (
            CdatConfig {
                scale: 0.0,
                ..paper()
            },
            "scale must be positive and finite, but is 0",
        ),
        (
            CdatConfig {
                epsilon: -1.0,
                ..paper()
            },
            "epsilon must be at least 0 and finite, but is -1",
        ),
        (
            CdatConfig {
                averaging: 1.0,
                ..paper()
            },
            "averaging must be in [0, 1), but is 1",
        ),
        (
            CdatConfig {
                max_step_size: Some(f64::NAN),
                ..paper()
            },
            "max_step_size must be positive and finite, but is NaN",
        ),
    ] {
        assert_eq!(message(config), expected);
    }
}
