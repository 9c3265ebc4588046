//! Starts from an earlier result.

use burn::tensor::DType;
use flatland_sharpness::{LanczosConfig, Sharpness, Wanted, eigenpairs, sharpness};

use crate::matrix::{Matrix, host, unit_vector};

fn measure(matrix: &Matrix, previous: Option<&Sharpness>) -> Sharpness {
    sharpness(
        &mut matrix.operator(DType::F64),
        &LanczosConfig::new(),
        previous.cloned(),
    )
    .unwrap()
}

/// No gap at the top: a hard case for a cold start.
fn slow() -> Matrix {
    Matrix::new(
        (0..300)
            .map(|i| 2.0 / (1.0 + f64::from(i) / 5.0).sqrt() - 0.3)
            .collect(),
        5,
    )
}

#[test]
fn a_warm_start_saves_products_where_little_has_changed() {
    let mut matrix = slow();
    let before = measure(&matrix, None);
    // Turn the leading eigenvector by about 0.1.
    let mut axis = unit_vector(300, 6, 0);
    axis.iter_mut()
        .zip(host(&before.vectors[0]))
        .for_each(|(x, v)| *x += 0.05 * v);
    let norm = axis.iter().map(|x| x * x).sum::<f64>().sqrt();
    axis.iter_mut().for_each(|x| *x /= norm);
    matrix.reflect(&axis);

    let (cold, warm) = (measure(&matrix, None), measure(&matrix, Some(&before)));
    assert!(cold.converged && warm.converged);
    for result in [&cold, &warm] {
        assert!((result.lambda_max - 1.7).abs() <= result.lambda_max_residual);
    }
    assert!(
        warm.products < cold.products,
        "{} products against {}",
        warm.products,
        cold.products
    );
}

#[test]
fn several_pairs_are_found_again_with_fewer_products() {
    let matrix = slow();
    let wanted = Wanted::Ends {
        largest: 6,
        smallest: 1,
    };
    let config = LanczosConfig::new();
    let mut operator = matrix.operator(DType::F64);
    let cold = eigenpairs(&mut operator, wanted, &config, &[]).unwrap();
    let warm = eigenpairs(&mut operator, wanted, &config, &cold.vectors).unwrap();
    assert!(cold.converged && warm.converged);
    assert!(
        warm.products < cold.products,
        "{} products against {}",
        warm.products,
        cold.products
    );
    matrix.check(&warm, 2e-13);
}

/// The eigenvector on the line `2/K` stays an exact eigenvector while another eigenvalue grows past it.
#[test]
fn an_eigenvalue_that_has_overtaken_is_not_missed() {
    let bulk = |i: i32| 0.05 / f64::from(i);
    for (seed, overtaken) in [(0, 0.25), (1, 0.3), (2, 0.5), (3, 5.0)] {
        // Both matrices are diagonal in the same basis; the values at places 0 and 1 change sides.
        let spectrum = |second: f64| -> Vec<f64> {
            [0.2, second]
                .into_iter()
                .chain((1..399).map(bulk))
                .collect()
        };
        let before = measure(&Matrix::unsorted(spectrum(0.1), seed), None);
        let mut exact = Matrix::unsorted(spectrum(overtaken), seed);
        let stuck = exact.residual(0.2, &before.vectors[0]);
        assert!(
            stuck <= 1e-3 * 0.2,
            "the old vector is still an eigenvector: {stuck:e}"
        );
        let after = measure(&exact, Some(&before));
        assert!(after.converged);
        assert!(
            (after.lambda_max - overtaken).abs() <= 1e-3 * overtaken,
            "{}",
            after.lambda_max
        );
        exact.spectrum.clear();
    }
}

#[test]
fn a_start_from_the_answer_is_verified_in_few_products() {
    let matrix = slow();
    let before = measure(&matrix, None);
    let again = measure(&matrix, Some(&before));
    assert!(
        again.converged && again.products <= 10,
        "{}",
        again.products
    );
}
