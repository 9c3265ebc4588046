//! Hutchinson's estimate of the trace.

use burn::tensor::{DType, Device, Tensor};
use flatland_sharpness::{Error, SymmetricOperator, TraceConfig, trace};
use proptest::{collection::vec, prelude::*};

use crate::matrix::{Matrix, Watched, dot, host};

/// Keeps `zᵀAz` of every probe.
struct Recorded {
    matrix: Matrix,
    samples: Vec<f64>,
}

impl SymmetricOperator for Recorded {
    fn dimension(&self) -> usize {
        self.matrix.dimension()
    }

    fn device(&self) -> Device {
        Device::flex()
    }

    fn dtype(&self) -> DType {
        DType::F64
    }

    fn apply(&mut self, vector: &Tensor<1>) -> Tensor<1> {
        let signs = host(vector);
        assert!(signs.iter().all(|sign| sign.abs() == 1.0));
        self.samples.push(dot(&signs, &self.matrix.times(&signs)));
        self.matrix.operator(DType::F64).apply(vector)
    }
}

/// Mean and standard error, from their definitions.
fn moments(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_diagonal_matrix_takes_two_probes(spectrum in vec(-1.0..1.0, 1..40), seed: u64) {
        let exact: f64 = spectrum.iter().sum();
        let norm: f64 = spectrum.iter().map(|value: &f64| value.abs()).sum();
        prop_assume!(exact.abs() > 1e-9 * norm);
        let mut operator = Matrix::diagonal(spectrum).operator(DType::F64);
        let found = trace(&mut operator, &TraceConfig::new().with_seed(seed)).unwrap();
        prop_assert!((found.value - exact).abs() <= 1e-14 * norm, "{} is not {exact}", found.value);
        prop_assert!(found.standard_error <= 1e-14 * norm);
        prop_assert_eq!((found.probes, found.converged), (2, true));
    }

    /// The error of 100 probes against the variance that the entries off the diagonal give.
    #[test]
    fn the_estimate_scatters_as_theory_says(spectrum in vec(-1.0..1.0, 25..40), seed: u64) {
        let matrix = Matrix::new(spectrum, seed);
        let n = matrix.dimension();
        let exact: f64 = matrix.spectrum.iter().sum();
        let off_diagonal = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
        let variance: f64 = off_diagonal.map(|(i, j)| 4.0 * matrix.entry(i, j).powi(2)).sum();
        let config = TraceConfig::new().with_tolerance(0.0).with_seed(seed);
        let found = trace(&mut matrix.operator(DType::F64), &config).unwrap();
        let deviation = (variance / 100.0).sqrt();
        prop_assert!(
            (found.value - exact).abs() <= 10.0 * deviation + 1e-12,
            "{} is not {exact} ± {deviation}", found.value
        );
        prop_assert_eq!((found.probes, found.converged), (100, false), "no probe repeats the mean to the last bit");
        let ratio = found.standard_error / deviation;
        prop_assert!(ratio > 0.3 && ratio < 3.0, "{} for {deviation}", found.standard_error);
    }

    /// Every probe before the last changes the mean by more than the tolerance, and the last does not.
    #[test]
    fn the_papers_rule_ends_it(spectrum in vec(-1.0..2.0, 2..30), seed: u64, exponent in -4.0..-1.0) {
        let tolerance = 10f64.powf(exponent);
        let mut operator = Recorded { matrix: Matrix::new(spectrum, seed), samples: Vec::new() };
        let config = TraceConfig::new().with_tolerance(tolerance).with_max_probes(60).with_seed(seed);
        let found = trace(&mut operator, &config).unwrap();
        prop_assert_eq!(operator.samples.len(), found.probes);
        let (mean, standard_error) = moments(&operator.samples);
        prop_assert!((found.value - mean).abs() <= 1e-12);
        prop_assert!((found.standard_error - standard_error).abs() <= 1e-12);
        for probes in 2..=found.probes {
            let before = moments(&operator.samples[..probes - 1]).0;
            let change = (moments(&operator.samples[..probes]).0 - before).abs();
            if (change / (tolerance * before.abs()) - 1.0).abs() < 1e-6 {
                continue; // rounding decides
            }
            let rests = change <= tolerance * before.abs();
            prop_assert_eq!(rests, found.converged && probes == found.probes, "probe {}", probes);
        }
        prop_assert!(found.converged || found.probes == 60);
    }
}

#[test]
fn the_same_seed_gives_the_same_estimate_in_single_precision_too() {
    let matrix = Matrix::new((0..200).map(|i| 1.0 / (1.0 + f64::from(i))).collect(), 5);
    let estimate = |dtype, seed| {
        let config = TraceConfig::new().with_seed(seed);
        trace(&mut matrix.operator(dtype), &config).unwrap()
    };
    assert_eq!(estimate(DType::F64, 1), estimate(DType::F64, 1));
    assert_ne!(estimate(DType::F64, 1).value, estimate(DType::F64, 2).value);
    let (single, double) = (estimate(DType::F32, 1), estimate(DType::F64, 1));
    assert_eq!(single.probes, double.probes);
    assert!((single.value / double.value - 1.0).abs() < 1e-5);
}

#[test]
fn zero_has_trace_zero() {
    let mut operator = Matrix::diagonal(vec![0.0; 7]).operator(DType::F64);
    let found = trace(&mut operator, &TraceConfig::new()).unwrap();
    assert_eq!(
        (found.value, found.standard_error, found.probes),
        (0.0, 0.0, 2)
    );
}

#[test]
fn a_product_that_is_not_finite_is_named() {
    let mut operator = Watched::new(Matrix::new(vec![1.0, 2.0, -3.0, 0.5], 1).operator(DType::F64));
    operator.spoiled = Some(3);
    let config = TraceConfig::new().with_tolerance(0.0);
    let error = trace(&mut operator, &config).unwrap_err();
    assert_eq!(error, Error::NonFiniteProduct { product: 3 });
}

#[test]
fn options_are_checked() {
    let mut operator = Matrix::diagonal(vec![1.0]).operator(DType::F64);
    for (config, option) in [
        (TraceConfig::new().with_max_probes(1), "max_probes"),
        (TraceConfig::new().with_tolerance(-1e-3), "tolerance"),
        (TraceConfig::new().with_tolerance(f64::NAN), "tolerance"),
    ] {
        let message = trace(&mut operator, &config).unwrap_err().to_string();
        assert!(message.starts_with(option), "{message}");
    }
}
