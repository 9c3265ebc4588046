//! Random spectra, many of them with multiple eigenvalues.

use burn::tensor::DType;
use flatland_sharpness::{LanczosConfig, Wanted, eigenpairs, sharpness};
use proptest::{collection::vec, prelude::*};

use crate::matrix::Matrix;

/// Few different values, or as many as there are places, or spread over orders of magnitude.
fn spectrum() -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        vec((-3..=3).prop_map(f64::from), 1..40),
        vec(-1.0..1.0, 1..40),
        vec((-6.0..0.0, prop::bool::ANY), 1..40).prop_map(|terms| (terms.into_iter())
            .map(|(x, sign): (f64, bool)| if sign { 10f64.powf(x) } else { -10f64.powf(x) })
            .collect()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_largest_eigenvalue_is_within_its_residual(spectrum in spectrum(), seed: u64) {
        let matrix = Matrix::new(spectrum, seed);
        let config = LanczosConfig::new().with_tolerance(1e-6).with_seed(seed);
        let result = sharpness(&mut matrix.operator(DType::F64), &config, None).unwrap();
        prop_assert!(result.converged);
        let exact = matrix.spectrum[0];
        prop_assert!(
            (result.lambda_max - exact).abs() <= result.lambda_max_residual + 1e-14 * matrix.norm(),
            "{} is not {exact}", result.lambda_max
        );
        let least = matrix.spectrum[matrix.dimension() - 1];
        prop_assert!(result.lambda_min >= least - 1e-14 * matrix.norm());
    }

    #[test]
    fn every_wanted_eigenvalue_is_found(spectrum in spectrum(), seed: u64, share in 0.0..1.0, by_magnitude: bool) {
        let matrix = Matrix::new(spectrum, seed);
        let n = matrix.dimension();
        let count = 1 + (share * n as f64 / 2.0) as usize;
        let wanted = if by_magnitude {
            Wanted::Magnitude(count)
        } else {
            Wanted::Ends { largest: count.div_ceil(2), smallest: count / 2 }
        };
        let config = LanczosConfig::new()
            .with_tolerance(1e-9)
            .with_seed(seed)
            .with_max_products(20_000);
        let pairs = eigenpairs(&mut matrix.operator(DType::F64), wanted, &config, &[]).unwrap();
        prop_assert!(pairs.converged);
        matrix.check(&pairs, 1e-12);
        matrix.assert_wanted(&pairs.values, wanted, 1e-8);
    }
}
