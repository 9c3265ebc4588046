//! Lanczos against exact spectra.

use burn::tensor::DType;
use flatland_sharpness::{LanczosConfig, Sharpness, Wanted, eigenpairs, sharpness};

use crate::matrix::{Matrix, Watched};

const FIVE_AND_TWO: Wanted = Wanted::Ends {
    largest: 5,
    smallest: 2,
};

/// Finds the wanted pairs of a matrix with this spectrum to ten digits, and returns the products that took.
fn exact(spectrum: Vec<f64>, wanted: Wanted, config: LanczosConfig) -> usize {
    let matrix = Matrix::new(spectrum, 1);
    let mut operator = Watched::new(matrix.operator(DType::F64));
    let pairs = eigenpairs(&mut operator, wanted, &config.with_tolerance(1e-10), &[]).unwrap();
    assert!(pairs.converged);
    assert_eq!(pairs.products, operator.products);
    matrix.assert_wanted(&pairs.values, wanted, 1e-9);
    matrix.check(&pairs, 2e-13);
    pairs.products
}

/// `count` numbers from `first` to `last`.
fn evenly(first: f64, last: f64, count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |i| first + (last - first) * i as f64 / (count - 1) as f64)
}

#[test]
fn evenly_spaced() {
    exact(
        evenly(-1.0, 1.0, 200).collect(),
        FIVE_AND_TWO,
        LanczosConfig::new(),
    );
}

#[test]
fn clustered() {
    let cluster = evenly(1.0, 1.0 + 1e-6, 6);
    exact(
        cluster.chain(evenly(-0.5, 0.5, 94)).collect(),
        FIVE_AND_TWO,
        LanczosConfig::new(),
    );
}

#[test]
fn dominated_by_a_negative_eigenvalue() {
    let spectrum = evenly(0.0, 1.0, 149).chain([-10.0]);
    exact(spectrum.collect(), FIVE_AND_TWO, LanczosConfig::new());
}

#[test]
fn pairs_of_opposite_sign() {
    let half = evenly(0.0, 1.0, 50).map(|x| x * x);
    let spectrum = half.flat_map(|x| [x, -x]).collect();
    exact(spectrum, FIVE_AND_TWO, LanczosConfig::new());
}

#[test]
fn low_rank_and_zeros() {
    let spectrum = [3.0, 2.0, 1.0, -0.5].into_iter().chain([0.0; 196]);
    exact(spectrum.collect(), FIVE_AND_TWO, LanczosConfig::new());
}

#[test]
fn zeros_alone_and_the_identity() {
    for value in [0.0, 1.0, -2.5] {
        let products = exact(vec![value; 50], FIVE_AND_TWO, LanczosConfig::new());
        assert!(
            products <= 9,
            "one for each pair, and at most two that find nothing more"
        );
    }
}

/// The paper's flat saddle: `(2/K)·I` for K = 10, and pairs `±σ` and zeros beside it.
fn saddle() -> Vec<f64> {
    let pairs = (1..=20).flat_map(|i| [0.01 / f64::from(i), -0.01 / f64::from(i)]);
    [0.2; 10]
        .into_iter()
        .chain(pairs)
        .chain([0.0; 150])
        .collect()
}

#[test]
fn every_copy_of_a_multiple_eigenvalue() {
    for largest in [2, 5, 10, 12] {
        let wanted = Wanted::Ends {
            largest,
            smallest: 0,
        };
        exact(saddle(), wanted, LanczosConfig::new());
    }
    exact(saddle(), FIVE_AND_TWO, LanczosConfig::new());
}

#[test]
fn multiple_eigenvalues_at_both_ends_and_within() {
    let spectrum = [[1.0; 3], [-1.0; 3], [0.5; 3], [-0.5; 3]]
        .concat()
        .into_iter();
    let spectrum = spectrum.chain(evenly(-0.9, 0.9, 60));
    let wanted = Wanted::Ends {
        largest: 5,
        smallest: 5,
    };
    exact(spectrum.collect(), wanted, LanczosConfig::new());
}

#[test]
fn largest_magnitudes() {
    let spectrum: Vec<f64> = [-3.0, 2.0, -1.5, 1.4]
        .into_iter()
        .chain(evenly(-0.5, 0.5, 96))
        .collect();
    for count in [1, 3, 5] {
        exact(
            spectrum.clone(),
            Wanted::Magnitude(count),
            LanczosConfig::new(),
        );
    }
    exact(saddle(), Wanted::Magnitude(12), LanczosConfig::new());
}

#[test]
fn six_orders_of_magnitude() {
    let spectrum: Vec<f64> = evenly(-6.0, 0.0, 120).map(|x| 10f64.powf(x)).collect();
    let largest = Wanted::Ends {
        largest: 5,
        smallest: 0,
    };
    exact(spectrum.clone(), largest, LanczosConfig::new());

    let whole = LanczosConfig::new()
        .with_basis_size(Some(120))
        .with_tolerance(1e-10);
    let matrix = Matrix::new(spectrum, 1);
    let pairs = eigenpairs(&mut matrix.operator(DType::F64), FIVE_AND_TWO, &whole, &[]).unwrap();
    assert!(pairs.converged);
    for (value, exact) in pairs.values.iter().zip(matrix.wanted(FIVE_AND_TWO)) {
        assert!(
            (value / exact - 1.0).abs() < 1e-8,
            "{value:e} is not {exact:e}"
        );
    }
}

#[test]
fn the_smallest_basis_will_do() {
    let spectrum: Vec<f64> = evenly(-1.0, 1.0, 200).map(|x| x * x * x).collect();
    let small = LanczosConfig::new().with_basis_size(Some(18));
    let products = exact(spectrum.clone(), FIVE_AND_TWO, small);
    let large = LanczosConfig::new().with_basis_size(Some(80));
    assert!(exact(spectrum, FIVE_AND_TWO, large) < products);
    exact(
        saddle(),
        FIVE_AND_TWO,
        LanczosConfig::new().with_basis_size(Some(18)),
    );
}

#[test]
fn tiny_dimensions() {
    for n in 1..=8 {
        for largest in 0..=n {
            for smallest in usize::from(largest == 0)..=n - largest {
                let wanted = Wanted::Ends { largest, smallest };
                exact(
                    evenly(-1.0, 2.0, n + 1).take(n).collect(),
                    wanted,
                    LanczosConfig::new(),
                );
                exact(vec![1.0; n], wanted, LanczosConfig::new());
            }
        }
    }
}

#[test]
fn all_eigenvalues() {
    let spectrum: Vec<f64> = evenly(-1.0, 1.0, 30).chain([1.0; 3]).collect();
    assert_eq!(
        exact(spectrum, Wanted::Magnitude(33), LanczosConfig::new()),
        33
    );
}

#[test]
fn sharpness_is_the_largest_eigenvalue_not_the_largest_magnitude() {
    let spectrum: Vec<f64> = evenly(-10.0, 1.0, 100).collect();
    for dtype in [DType::F32, DType::F64] {
        let matrix = Matrix::new(spectrum.clone(), 2);
        let result = sharpness(&mut matrix.operator(dtype), &LanczosConfig::new(), None).unwrap();
        assert!(result.converged);
        assert!(result.lambda_max_residual <= 1e-2);
        assert!((result.lambda_max - 1.0).abs() <= result.lambda_max_residual);
        assert!(result.lambda_min >= -10.0 - 1e-5);
        let distance = spectrum
            .iter()
            .map(|exact| (exact - result.lambda_min).abs());
        assert!(distance.fold(f64::INFINITY, f64::min) <= result.lambda_min_residual);
    }
}

/// Few eigenvalues far out and a bulk around zero, as Hessians have them, and one without any gap.
#[test]
fn the_least_basis_finds_the_sharpness_with_more_products() {
    let outliers = (0..10).map(|i| 5.0 * 0.8f64.powi(i));
    let hessian: Vec<f64> = outliers.chain(evenly(-0.1, 0.1, 290)).collect();
    let slow = (0..300).map(|i| 2.0 / (1.0 + f64::from(i) / 5.0).sqrt() - 0.3);
    let least = LanczosConfig::least_basis_size(Sharpness::WANTED);
    for spectrum in [hessian, slow.collect()] {
        let matrix = Matrix::new(spectrum, 7);
        let [small, default] = [Some(least), None].map(|basis_size| {
            let config = LanczosConfig::new().with_basis_size(basis_size);
            sharpness(&mut matrix.operator(DType::F64), &config, None).unwrap()
        });
        for result in [&small, &default] {
            assert!(result.converged);
            let error = (result.lambda_max - matrix.spectrum[0]).abs();
            assert!(error <= result.lambda_max_residual, "{error:e}");
        }
        assert!(
            (default.products..=4 * default.products).contains(&small.products),
            "{} products with {least} vectors, {} with the default",
            small.products,
            default.products
        );
    }
}

#[test]
fn sharpness_of_a_number_and_of_nothing() {
    for value in [3.0, -3.0, 0.0] {
        let matrix = Matrix::new(vec![value], 0);
        let result = sharpness(
            &mut matrix.operator(DType::F32),
            &LanczosConfig::new(),
            None,
        )
        .unwrap();
        assert_eq!((result.lambda_max, result.lambda_min), (value, value));
        assert!(result.converged);
        assert_eq!((result.products, result.vectors.len()), (1, 1));
    }
    let zero = Matrix::new(vec![0.0; 20], 0);
    let result = sharpness(&mut zero.operator(DType::F32), &LanczosConfig::new(), None).unwrap();
    assert_eq!((result.lambda_max, result.lambda_min), (0.0, 0.0));
    assert_eq!(result.lambda_max_residual, 0.0);
    assert!(result.converged);
}
