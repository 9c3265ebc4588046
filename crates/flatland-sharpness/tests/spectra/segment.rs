//! Smoothness along a step, on functions whose derivatives are known.

use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_optim::{Curvature, Objective};
use flatland_sharpness::{
    Error, LanczosConfig, LargeStep, SEGMENT_STEP_SIZES, SegmentPoint, SymmetricOperator,
    gradient_changes, large_step, segment_smoothness, smoothness_up_to,
};
use proptest::{collection::vec, prelude::*};

use crate::matrix::{Matrix, dot, unit_vector};

/// `½wᵀAw`
struct Quadratic(Matrix);

impl Objective for Quadratic {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn loss(&mut self, _: &Tensor<1>) -> f64 {
        unreachable!("the segment needs gradients only")
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        (f64::NAN, self.0.operator(DType::F64).apply(point))
    }
}

impl Curvature for Quadratic {
    fn hvp(&mut self, _: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        self.0.operator(DType::F64).apply(direction)
    }
}

/// `¼w⁴` of one variable; infinite beyond 1000.
struct Quartic;

impl Objective for Quartic {
    fn dimension(&self) -> usize {
        1
    }

    fn loss(&mut self, _: &Tensor<1>) -> f64 {
        unreachable!("the segment needs gradients only")
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        (f64::NAN, point.clone().powi_scalar(3))
    }
}

impl Curvature for Quartic {
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        let wall = if point.clone().abs().into_scalar::<f64>() > 1e3 {
            f64::INFINITY
        } else {
            1.0
        };
        point.clone().powi_scalar(2) * direction.clone() * (3.0 * wall)
    }
}

fn vector(entries: Vec<f64>) -> Tensor<1> {
    let n = entries.len();
    Tensor::from_data(TensorData::new(entries, [n]), (&Device::flex(), DType::F64))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// With the gradient `g = Aw`, the four numbers are the same at every step size: `‖Ag‖/‖g‖` twice, `gᵀAg/‖g‖²` and
    /// the largest eigenvalue.
    #[test]
    fn on_a_quadratic_nothing_changes_along_the_step(spectrum in vec(0.1..1.0, 1..20), seed: u64, bent: bool) {
        let mut spectrum: Vec<f64> = spectrum;
        spectrum[0] *= if bent { -1.0 } else { 1.0 };
        let matrix = Matrix::new(spectrum, seed);
        let point = unit_vector(matrix.dimension(), seed, 99);
        let gradient = matrix.times(&point);
        let image = matrix.times(&gradient);
        let square = dot(&gradient, &gradient);
        let norm = (dot(&image, &image) / square).sqrt();
        let curvature = dot(&gradient, &image) / square;
        let largest = matrix.spectrum[0];
        let config = LanczosConfig::new().with_tolerance(1e-7).with_seed(seed);
        let mut objective = Quadratic(matrix);
        let measured =
            segment_smoothness(&mut objective, &vector(point.clone()), &SEGMENT_STEP_SIZES, &config).unwrap();
        prop_assert_eq!(measured.len(), SEGMENT_STEP_SIZES.len());
        let changes: Vec<f64> = measured.iter().map(|at| at.gradient_change).collect();
        for (at, step_size) in measured.iter().zip(SEGMENT_STEP_SIZES) {
            prop_assert_eq!(at.step_size, step_size);
            prop_assert!((at.gradient_change - norm).abs() < 1e-11 / step_size.min(1.0));
            prop_assert!((at.curvature - curvature).abs() < 1e-12);
            prop_assert!((at.hessian_norm - norm).abs() < 1e-12);
            prop_assert!((at.sharpness - largest).abs() < 1e-6);
            prop_assert!(at.products >= 2);
            prop_assert!(at.curvature.abs() <= at.hessian_norm + 1e-12);
        }
        let alone = gradient_changes(&mut objective, &vector(point), &SEGMENT_STEP_SIZES);
        prop_assert_eq!(alone.unwrap(), changes);
        let l = smoothness_up_to(&measured, 0.02).unwrap();
        prop_assert!((l - norm).abs() < 1e-8);
        prop_assert_eq!(smoothness_up_to(&measured, 1e-4), None);
    }
}

/// At `w = 2` with `g = 8`: at `w_t = 2 − 8t` the gradient is `w_t³` and the Hessian `3·w_t²`.
#[test]
fn where_the_curvature_changes_each_point_has_its_own() {
    let steps = [0.01, 0.125, 0.25, 1.0];
    let measured = segment_smoothness(
        &mut Quartic,
        &vector(vec![2.0]),
        &steps,
        &LanczosConfig::new(),
    )
    .unwrap();
    for (at, t) in measured.iter().zip(steps) {
        let moved: f64 = 2.0 - 8.0 * t;
        let change = (8.0 - moved.powi(3)).abs() / (8.0 * t);
        assert!((at.gradient_change - change).abs() < 1e-12 * change);
        for number in [at.curvature, at.hessian_norm, at.sharpness] {
            assert!((number - 3.0 * moved * moved).abs() < 1e-12, "{at:?}");
        }
    }
    // The changes are 11.5, 7, 4 and 28.
    let l = |step_size| smoothness_up_to(&measured, step_size).unwrap();
    assert_eq!(l(0.25), measured[0].gradient_change);
    assert!((l(1.0) - 28.0).abs() < 1e-12);
}

#[test]
fn a_hessian_that_is_not_finite_leaves_the_other_points_alone() {
    let steps = [0.5, 1e3, 1.0];
    let measured = segment_smoothness(
        &mut Quartic,
        &vector(vec![2.0]),
        &steps,
        &LanczosConfig::new(),
    )
    .unwrap();
    assert!(measured[1].sharpness.is_nan() && measured[1].products == 1);
    assert!(measured[0].sharpness.is_finite() && measured[2].sharpness.is_finite());
}

#[test]
fn at_a_stationary_point_the_ratios_are_zero() {
    let mut objective = Quadratic(Matrix::new(vec![3.0, -1.0], 1));
    let measured = segment_smoothness(
        &mut objective,
        &vector(vec![0.0; 2]),
        &[1.0],
        &LanczosConfig::new(),
    );
    let SegmentPoint {
        gradient_change,
        curvature,
        hessian_norm,
        sharpness,
        ..
    } = measured.unwrap()[0];
    assert_eq!([gradient_change, curvature, hessian_norm], [0.0; 3]);
    assert!((sharpness - 3.0).abs() < 1e-2);
}

#[test]
fn a_step_size_must_be_positive() {
    for step_size in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut objective = Quadratic(Matrix::new(vec![3.0, -1.0], 1));
        let config = LanczosConfig::new();
        let error =
            segment_smoothness(&mut objective, &vector(vec![1.0; 2]), &[step_size], &config);
        let error = error.unwrap_err();
        assert!(matches!(error, Error::InvalidOption { .. }), "{error}");
    }
}

#[test]
fn a_large_step_is_long_and_crosses_the_edge_in_time() {
    let judge = |steps: &[(f64, f64)]| {
        let LargeStep {
            is_long,
            edge_crossed_after,
        } = large_step(steps);
        assert_eq!(
            large_step(steps).holds(),
            is_long && edge_crossed_after.is_some()
        );
        (is_long, edge_crossed_after)
    };
    assert_eq!(judge(&[(1.0, 2.5)]), (true, Some(0)));
    assert_eq!(judge(&[(1.0, 1.0)]), (true, None), "1/l is long enough");
    assert_eq!(
        judge(&[(1.0, 2.0)]),
        (true, None),
        "2/l does not cross the edge"
    );
    assert_eq!(
        judge(&[(0.5, 3.0), (0.5, 3.9), (0.5, 4.1), (9.0, 9.0)]),
        (true, Some(2))
    );
    assert_eq!(judge(&[(0.1, 3.0), (1.0, 3.0)]), (false, Some(1)));
    assert_eq!(judge(&[(1.0, f64::NAN)]), (false, None));
}
