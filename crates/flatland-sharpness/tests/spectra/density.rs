//! The spectral density by stochastic Lanczos quadrature.

use burn::tensor::DType;
use flatland_sharpness::{Error, SpectralDensityConfig, spectral_density};
use proptest::{collection::vec, prelude::*};

use crate::matrix::{Matrix, Watched};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// On a diagonal matrix every vector of signs sees every eigenvalue alike, so that the quadrature has no noise: its
    /// moments up to the order `2·steps − 1` are those of the spectrum.
    #[test]
    fn moments_are_exact_on_a_diagonal(
        spectrum in vec(-1.0..1.0, 1..50), seed: u64, probes in 1usize..4, steps in 1usize..12,
    ) {
        let n = spectrum.len() as f64;
        let mut operator = Matrix::diagonal(spectrum.clone()).operator(DType::F64);
        let config = SpectralDensityConfig::new().with_probes(probes).with_steps(steps).with_seed(seed);
        let density = spectral_density(&mut operator, &config).unwrap();
        prop_assert!(density.products <= probes * steps);
        prop_assert!(density.nodes.is_sorted_by(|x, y| x >= y));
        prop_assert!(density.weights.iter().all(|weight| *weight >= 0.0));
        for order in 0..2 * steps as i32 {
            let exact = spectrum.iter().map(|value: &f64| value.powi(order)).sum::<f64>() / n;
            let found = density.mean(|value| value.powi(order));
            prop_assert!((found - exact).abs() < 1e-12, "moment {order}: {found} is not {exact}");
        }
    }

    /// A process with as many steps as there are different eigenvalues finds them all.
    #[test]
    fn few_different_eigenvalues_become_the_nodes(values in vec(-3..=3, 2..40), seed: u64) {
        let spectrum: Vec<f64> = values.iter().copied().map(f64::from).collect();
        let n = spectrum.len() as f64;
        let config = SpectralDensityConfig::new().with_probes(1).with_steps(20).with_seed(seed);
        let mut operator = Matrix::diagonal(spectrum.clone()).operator(DType::F64);
        let density = spectral_density(&mut operator, &config).unwrap();
        let mut different: Vec<i32> = values.clone();
        different.sort_unstable_by(|x, y| y.cmp(x));
        different.dedup();
        prop_assert_eq!(density.nodes.len(), different.len());
        for ((node, weight), value) in density.nodes.iter().zip(&density.weights).zip(different) {
            let share = values.iter().filter(|other| **other == value).count() as f64 / n;
            prop_assert!((node - f64::from(value)).abs() < 1e-12, "{node} is not {value}");
            prop_assert!((weight - share).abs() < 1e-12, "{weight} is not {share}");
        }
    }

    #[test]
    fn nodes_lie_within_the_spectrum_and_weights_add_up(spectrum in vec(-1.0..1.0, 1..50), seed: u64) {
        let matrix = Matrix::new(spectrum, seed);
        let config = SpectralDensityConfig::new().with_probes(3).with_steps(60).with_seed(seed);
        let density = spectral_density(&mut matrix.operator(DType::F64), &config).unwrap();
        let n = matrix.dimension();
        prop_assert!(density.nodes.len() <= 3 * n);
        prop_assert!(density.nodes[0] <= matrix.spectrum[0] + 1e-13);
        prop_assert!(*density.nodes.last().unwrap() >= matrix.spectrum[n - 1] - 1e-13);
        prop_assert!((density.mean(|_| 1.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_smoothed_density_has_the_moments_of_its_masses(spectrum in vec(-1.0..1.0, 2..50), seed: u64) {
        let matrix = Matrix::new(spectrum, seed);
        let config = SpectralDensityConfig::new().with_probes(2).with_seed(seed);
        let density = spectral_density(&mut matrix.operator(DType::F64), &config).unwrap();
        let smoothed = density.smoothed(4000, 0.01).unwrap();
        let step = smoothed.points[1] - smoothed.points[0];
        let integral = |order: i32| -> f64 {
            let terms = smoothed.points.iter().zip(&smoothed.densities);
            terms.map(|(point, density)| point.powi(order) * density * step).sum()
        };
        let variance = smoothed.standard_deviation.powi(2);
        prop_assert!((integral(0) - 1.0).abs() < 1e-4);
        prop_assert!((integral(1) - density.mean(|x| x)).abs() < 1e-4);
        prop_assert!((integral(2) - density.mean(|x| x * x) - variance).abs() < 1e-4);
    }
}

/// Half the eigenvalues at 0, the others spread evenly over (0, 1]: the distribution of one probe's nodes, against it.
#[test]
fn many_probes_count_the_eigenvalues_below_a_bound() {
    let spectrum = (0..400).map(|i| (f64::from(i) - 199.0).max(0.0) / 200.0);
    let matrix = Matrix::new(spectrum.collect(), 3);
    let config = SpectralDensityConfig::new().with_probes(20).with_steps(40);
    let density = spectral_density(&mut matrix.operator(DType::F64), &config).unwrap();
    for bound in [0.002, 0.25, 0.5, 0.75] {
        let found = density.mean(|value| f64::from(value < bound));
        let exact = 0.5 + 0.5 * bound;
        assert!(
            (found - exact).abs() < 0.02,
            "below {bound}: {found}, not {exact}"
        );
    }
    assert_eq!(density.products, 800);
}

#[test]
fn a_multiple_of_the_identity_is_one_bump() {
    for value in [3.0, -2.0, 0.0] {
        let matrix = Matrix::new(vec![value; 20], 1);
        let config = SpectralDensityConfig::new();
        let density = spectral_density(&mut matrix.operator(DType::F64), &config).unwrap();
        let smoothed = density.smoothed(1001, 0.05).unwrap();
        let scale = if value == 0.0 { 1.0 } else { f64::abs(value) };
        assert!((smoothed.standard_deviation - 0.05 * scale).abs() < 1e-12);
        let height = 1.0 / (smoothed.standard_deviation * std::f64::consts::TAU.sqrt());
        assert!((smoothed.densities[500] - height).abs() < 1e-9 * height);
        assert!((smoothed.points[500] - value).abs() < 1e-12);
    }
}

#[test]
fn a_product_that_is_not_finite_is_counted_over_all_probes() {
    let mut operator = Watched::new(Matrix::new(vec![1.0, 2.0, -3.0, 0.5], 1).operator(DType::F64));
    operator.spoiled = Some(6);
    let error = spectral_density(&mut operator, &SpectralDensityConfig::new()).unwrap_err();
    assert_eq!(error, Error::NonFiniteProduct { product: 6 });
}

#[test]
fn options_are_checked() {
    let mut operator = Matrix::diagonal(vec![1.0, 2.0]).operator(DType::F64);
    for (config, option) in [
        (SpectralDensityConfig::new().with_probes(0), "probes"),
        (SpectralDensityConfig::new().with_steps(0), "steps"),
    ] {
        let error = spectral_density(&mut operator, &config).unwrap_err();
        assert!(error.to_string().starts_with(option), "{error}");
    }
    let density = spectral_density(&mut operator, &SpectralDensityConfig::new()).unwrap();
    let error = density.smoothed(1, 0.1).unwrap_err().to_string();
    assert!(error.starts_with("points"), "{error}");
    for bandwidth in [0.0, 1.5, f64::NAN] {
        let error = density.smoothed(100, bandwidth).unwrap_err().to_string();
        assert!(error.starts_with("bandwidth"), "{error}");
    }
}
