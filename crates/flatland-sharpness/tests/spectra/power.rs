//! The power iteration and its limitations.

use burn::tensor::DType;
use flatland_sharpness::{
    Error, LanczosConfig, PowerEstimate, PowerIterationConfig, power_iteration, sharpness,
};

use crate::matrix::{Matrix, Watched};

fn power(matrix: &Matrix, config: &PowerIterationConfig) -> PowerEstimate {
    let mut operator = Watched::new(matrix.operator(DType::F64));
    let estimate = power_iteration(&mut operator, config).unwrap();
    assert_eq!(estimate.products, operator.products);
    let recomputed = matrix.residual(estimate.value, &estimate.vector);
    assert!((estimate.residual - recomputed).abs() <= 1e-12 * matrix.norm());
    let distances = matrix
        .spectrum
        .iter()
        .map(|exact| (exact - estimate.value).abs());
    assert!(distances.fold(f64::INFINITY, f64::min) <= estimate.residual + 1e-12);
    estimate
}

#[test]
fn a_leading_eigenvalue_is_found() {
    let matrix = Matrix::new((0..100).map(|i| 1.0 / f64::from(1 + i)).collect(), 1);
    let estimate = power(&matrix, &PowerIterationConfig::new().with_tolerance(1e-10));
    assert!(estimate.converged);
    assert!((estimate.value - 1.0).abs() < 1e-9);
}

#[test]
fn it_finds_the_largest_magnitude_where_lanczos_finds_the_largest_eigenvalue() {
    let spectrum = [-10.0, 1.0]
        .into_iter()
        .chain((1..99).map(|i| 0.5 / f64::from(i)));
    let matrix = Matrix::new(spectrum.collect(), 2);
    let estimate = power(&matrix, &PowerIterationConfig::new());
    assert!(estimate.converged && (estimate.value + 10.0).abs() < 0.1);
    let exact = sharpness(
        &mut matrix.operator(DType::F64),
        &LanczosConfig::new(),
        None,
    )
    .unwrap();
    assert!((exact.lambda_max - 1.0).abs() < 1e-3);
}

#[test]
fn it_stops_early_and_the_residual_tells() {
    let matrix = Matrix::new((0..300).map(|i| 1.0 - f64::from(i) / 300.0).collect(), 3);
    let estimate = power(&matrix, &PowerIterationConfig::new());
    assert!(estimate.converged);
    assert!(
        estimate.value < 0.98 && estimate.residual > 0.01,
        "{estimate:?}"
    );
}

#[test]
fn a_pair_of_opposite_sign_is_never_resolved() {
    let spectrum = [1.0, -1.0].into_iter().chain([0.0; 48]).collect();
    let estimate = power(&Matrix::new(spectrum, 4), &PowerIterationConfig::new());
    assert!(estimate.residual > 0.1 && estimate.value.abs() < 0.9);
}

#[test]
fn zero_and_the_identity_take_one_and_two_products() {
    let zero = power(&Matrix::new(vec![0.0; 9], 5), &PowerIterationConfig::new());
    assert_eq!((zero.value, zero.residual, zero.products), (0.0, 0.0, 1));
    assert!(zero.converged);
    let one = power(&Matrix::new(vec![1.0; 9], 5), &PowerIterationConfig::new());
    assert_eq!(one.products, 2);
    assert!(one.converged && one.residual < 1e-14 && (one.value - 1.0).abs() < 1e-14);
}

#[test]
fn it_ends() {
    let matrix = Matrix::new((0..300).map(|i| 1.0 - f64::from(i) / 300.0).collect(), 6);
    let config = PowerIterationConfig::new()
        .with_tolerance(1e-14)
        .with_max_products(12);
    let estimate = power(&matrix, &config);
    assert_eq!((estimate.products, estimate.converged), (12, false));
}

#[test]
fn errors_are_named() {
    let matrix = Matrix::new(vec![1.0, 2.0, 3.0], 7);
    let mut operator = Watched::new(matrix.operator(DType::F64));
    operator.spoiled = Some(2);
    let error = power_iteration(&mut operator, &PowerIterationConfig::new()).unwrap_err();
    assert_eq!(error, Error::NonFiniteProduct { product: 2 });
    for (config, message) in [
        (
            PowerIterationConfig::new().with_tolerance(1.0),
            "tolerance must be in (0, 1), but is 1",
        ),
        (
            PowerIterationConfig::new().with_max_products(0),
            "max_products must be at least 1, but is 0",
        ),
    ] {
        let error = power_iteration(&mut operator, &config).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}
