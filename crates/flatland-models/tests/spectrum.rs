//! Eigenvalues of the tanh MLP's Hessian against PyTorch's dense matrix and ARPACK, through exact products.

mod common;

use burn::tensor::{DType, Tensor};
use common::{Tensors, digits, json};
use flatland_models::{FullBatch, Loss};
use flatland_optim::{LineSearchConfig, Method};
use flatland_sharpness::{
    Hessian, LanczosConfig, PowerIterationConfig, Wanted, eigenpairs, power_iteration, sharpness,
};

fn near(found: f64, expected: f64, tolerance: f64) -> bool {
    (found / expected - 1.0).abs() < tolerance
}

/// Calls a check at some iterations of a run.
fn along(
    config: LineSearchConfig,
    iterations: &[usize],
    mut check: impl FnMut(usize, &mut FullBatch, &Tensor<1>),
) {
    let (_, mut objective, mut point) = digits(DType::F64, Loss::Mse, 500);
    let mut method = config.init().unwrap();
    for k in 0..=*iterations.last().unwrap() {
        if iterations.contains(&k) {
            check(k, &mut objective, &point);
        }
        point = method.step(&mut objective, point).0;
    }
}

#[test]
fn the_ends_of_the_spectrum_equal_pytorchs_along_two_runs() {
    let config = LanczosConfig::new()
        .with_tolerance(1e-7)
        .with_basis_size(Some(60));
    for (name, search) in [
        ("ls", LineSearchConfig::ls()),
        ("nls", LineSearchConfig::nls()),
    ] {
        let case = &json("mlp_tanh.json")["methods"][name]["eigenvalues"];
        along(search, &[0, 10, 20, 30], |k, objective, point| {
            let expected = &case[k.to_string()];
            let ends = Wanted::Ends {
                largest: 5,
                smallest: 2,
            };
            let pairs =
                eigenpairs(&mut Hessian::new(objective, point), ends, &config, &[]).unwrap();
            assert!(pairs.converged, "{name} {k}: {:?}", pairs.residuals);
            let numbers = |key: &str| expected[key].as_array().unwrap().clone();
            for (found, expected) in pairs
                .values
                .iter()
                .zip([numbers("top5"), numbers("bottom2")].concat())
            {
                assert!(
                    near(*found, expected.as_f64().unwrap(), 1e-8),
                    "{name} {k}: {found} {expected}"
                );
            }
        });
    }
}

/// The authors' power iteration is always low; an eigensolver that watches the residual is not.
#[test]
fn the_sharpness_equals_arpacks_along_the_authors_runs() {
    for (name, search) in [
        ("LS", LineSearchConfig::ls()),
        ("NLS", LineSearchConfig::nls()),
    ] {
        let case = &json("official_digits_tanh.json")["methods"][name]["eig"];
        let iterations: Vec<usize> = (0..100)
            .filter(|k| case[k.to_string()].is_object())
            .collect();
        assert!(iterations.len() >= 2);
        let mut previous = None;
        along(search, &iterations, |k, objective, point| {
            let expected = case[k.to_string()]["lambda1"].as_f64().unwrap();
            let hessian = &mut Hessian::new(objective, point);
            let found = sharpness(hessian, &LanczosConfig::new(), previous.take()).unwrap();
            // A residual of 1e-3 leaves a much smaller error in the eigenvalue.
            assert!(
                near(found.lambda_max, expected, 2e-4),
                "{name} {k}: {} {expected}",
                found.lambda_max
            );
            let power = power_iteration(hessian, &PowerIterationConfig::new()).unwrap();
            assert!(power.value <= expected * (1.0 + 1e-9) && power.value > 0.85 * expected);
            previous = Some(found);
        });
    }
}

/// With mean squared error and a last bias, Cauchy's interlacing puts K eigenvalues at 2/K or above, at every point.
#[test]
fn as_many_eigenvalues_as_classes_are_at_least_two_over_their_number() {
    let config = LanczosConfig::new()
        .with_tolerance(1e-6)
        .with_basis_size(Some(60));
    let (_, mut objective, initial) = digits(DType::F64, Loss::Mse, 500);
    for point in [initial.clone(), initial.clone() * 0.1, initial.zeros_like()] {
        let ends = Wanted::Ends {
            largest: 10,
            smallest: 1,
        };
        let pairs = eigenpairs(
            &mut Hessian::new(&mut objective, &point),
            ends,
            &config,
            &[],
        )
        .unwrap();
        for value in &pairs.values[..10] {
            assert!(*value >= 0.2 - 1e-9, "{:?}", pairs.values);
        }
    }
    let expected = Tensors::open("mlp_tanh_k0.safetensors").entries("eig");
    assert!(expected[9] >= 0.2, "PyTorch agrees");
}
