//! Computations that stop early: by rounding, by the limit of products, by invalid operators and options.

use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_sharpness::{
    DenseMatrix, EigenPairs, Error, LanczosConfig, SymmetricOperator, Wanted, eigenpairs, sharpness,
};

use crate::matrix::{Matrix, Watched, assert_close, host};

const TWO: Wanted = Wanted::Ends {
    largest: 2,
    smallest: 0,
};

fn matrix() -> Matrix {
    Matrix::new((0..100).map(|i| f64::from(i * i) / 1e3 - 2.0).collect(), 3)
}

fn pairs(matrix: &Matrix, dtype: DType, config: &LanczosConfig) -> EigenPairs {
    eigenpairs(&mut matrix.operator(dtype), TWO, config, &[]).unwrap()
}

#[test]
fn single_precision_reaches_the_default_tolerance() {
    let matrix = matrix();
    let pairs = pairs(&matrix, DType::F32, &LanczosConfig::new());
    assert!(pairs.converged);
    assert!(
        pairs
            .residuals
            .iter()
            .zip(&pairs.values)
            .all(|(r, value)| *r <= 1e-3 * value)
    );
    assert_close(&pairs.values, &matrix.wanted(TWO), 1e-3);
    matrix.check(&pairs, 3e-6);
}

#[test]
fn what_rounding_forbids_is_given_up_soon() {
    let matrix = matrix();
    let single = pairs(
        &matrix,
        DType::F32,
        &LanczosConfig::new().with_tolerance(1e-9),
    );
    assert!(!single.converged);
    let double = pairs(
        &matrix,
        DType::F64,
        &LanczosConfig::new().with_tolerance(1e-9),
    );
    assert!(double.converged);
    assert!(
        single.products <= double.products,
        "{} products",
        single.products
    );
    // The residuals say how far it came, and that is about as far as it can.
    matrix.check(&single, 3e-6);
    assert!(
        single
            .residuals
            .iter()
            .all(|&residual| residual < 2e-6 * matrix.norm())
    );
}

#[test]
fn the_limit_of_products_is_kept() {
    let matrix = matrix();
    for max_products in [2, 5, 11] {
        let config = LanczosConfig::new().with_max_products(max_products);
        let pairs = pairs(&matrix, DType::F64, &config);
        assert_eq!(pairs.products, max_products);
        assert!(!pairs.converged);
        matrix.check(&pairs, 1e-12);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let matrix = matrix();
    let bits = |seed| {
        let config = LanczosConfig::new().with_seed(seed);
        let pairs = pairs(&matrix, DType::F32, &config);
        let numbers = pairs.values.into_iter().chain(pairs.residuals);
        let vectors = pairs.vectors.iter().flat_map(host);
        numbers.chain(vectors).map(f64::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(bits(7), bits(7));
    assert_ne!(bits(7), bits(8));
}

#[test]
fn a_product_that_is_not_finite_is_an_error() {
    for spoiled in [1, 4] {
        let mut operator = Watched::new(matrix().operator(DType::F32));
        operator.spoiled = Some(spoiled);
        let error = eigenpairs(&mut operator, TWO, &LanczosConfig::new(), &[]).unwrap_err();
        assert_eq!(error, Error::NonFiniteProduct { product: spoiled });
        assert!(
            error.to_string().contains(&format!("product {spoiled} ")),
            "{error}"
        );
    }
    let infinite = DenseMatrix::new(Tensor::full(
        [3, 3],
        f64::INFINITY,
        (&Device::flex(), DType::F64),
    ));
    let error = sharpness(&mut infinite.clone(), &LanczosConfig::new(), None).unwrap_err();
    assert_eq!(error, Error::NonFiniteProduct { product: 1 });
}

#[test]
fn an_operator_that_is_not_symmetric_does_not_converge() {
    let n = 60;
    let skew = |i: usize, j: usize| if i < j { 0.05 } else { -0.05 };
    let entries = (0..n * n).map(|at| match (at / n, at % n) {
        (i, j) if i == j => i as f64 / n as f64,
        (i, j) => skew(i, j),
    });
    let data = TensorData::new(entries.collect::<Vec<f64>>(), [n, n]);
    let mut operator = DenseMatrix::new(Tensor::from_data(data, (&Device::flex(), DType::F64)));
    let result = sharpness(&mut operator, &LanczosConfig::new(), None).unwrap();
    assert!(!result.converged);
    assert!(result.lambda_max_residual > 1e-2 && result.products < 60);
}

#[test]
fn an_operator_whose_squares_vanish_does_not_converge() {
    let matrix = Matrix::new((0..50).map(|i| f64::from(i) * 1e-27).collect(), 4);
    let result = sharpness(
        &mut matrix.operator(DType::F32),
        &LanczosConfig::new(),
        None,
    )
    .unwrap();
    assert!(!result.converged);
    let result = sharpness(
        &mut matrix.operator(DType::F64),
        &LanczosConfig::new(),
        None,
    )
    .unwrap();
    assert!(result.converged);
    assert!((result.lambda_max - 49e-27).abs() <= result.lambda_max_residual);
}

#[test]
fn options_out_of_range_are_named() {
    let config = LanczosConfig::new();
    let ends = |largest, smallest| Wanted::Ends { largest, smallest };
    for (wanted, config, message) in [
        (
            TWO,
            config.clone().with_tolerance(0.0),
            "tolerance must be in (0, 1), but is 0",
        ),
        (
            TWO,
            config.clone().with_tolerance(f64::NAN),
            "tolerance must be in (0, 1), but is NaN",
        ),
        (
            TWO,
            config.clone().with_basis_size(Some(7)),
            "basis_size must be at least 8, twice the wanted eigenpairs and 4, but is 7",
        ),
        (
            TWO,
            config.clone().with_max_products(1),
            "max_products must be at least 2, one for each wanted eigenpair, but is 1",
        ),
        (
            ends(60, 41),
            config.clone(),
            "the number of wanted eigenpairs must be from 1 to the operator's dimension, 100, but is 101",
        ),
        (
            ends(0, 0),
            config.clone(),
            "the number of wanted eigenpairs must be from 1 to the operator's dimension, 100, but is 0",
        ),
    ] {
        let mut operator = matrix().operator(DType::F64);
        let error = eigenpairs(&mut operator, wanted, &config, &[]).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

/// Its products lack an entry.
struct Short(DenseMatrix);

impl SymmetricOperator for Short {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn device(&self) -> Device {
        self.0.device()
    }

    fn dtype(&self) -> DType {
        self.0.dtype()
    }

    fn apply(&mut self, vector: &Tensor<1>) -> Tensor<1> {
        self.0.apply(vector).slice(1..self.dimension())
    }
}

#[test]
fn vectors_that_do_not_fit_are_named() {
    let mut short = Short(matrix().operator(DType::F64));
    let error = sharpness(&mut short, &LanczosConfig::new(), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a product must have 100 entries as the operator has, but has 99"
    );

    let mut operator = matrix().operator(DType::F64);
    let vector = |entries: usize, value: f64| {
        let (device, dtype) = (operator.device(), operator.dtype());
        Tensor::<1>::full([entries], value, (&device, dtype))
    };
    let start = [vector(100, 1.0), vector(101, 1.0)];
    let invalid = [vector(100, 1.0), vector(100, 0.0)];
    let error = eigenpairs(&mut operator, TWO, &LanczosConfig::new(), &start).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a start vector must have 100 entries as the operator has, but has 101"
    );
    let error = eigenpairs(&mut operator, TWO, &LanczosConfig::new(), &invalid).unwrap_err();
    assert_eq!(
        error.to_string(),
        "start vector 1 must have a positive and finite norm, but its norm is 0"
    );
}

#[test]
fn the_configuration_survives_serialisation() {
    let config = LanczosConfig::new().with_basis_size(Some(12)).with_seed(3);
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<LanczosConfig>(&text).unwrap(),
        config
    );
}
