//! Loss, gradient and Hessian-vector product of the tanh MLP against PyTorch, in double precision.

mod common;

use burn::tensor::{DType, Device, Tensor, TensorData};
use common::{Tensors, digits, json, relative_error, to_vec};
use flatland_models::{ForwardPass, Loss};
use flatland_optim::{Curvature, Objective};

#[test]
fn value_gradient_and_product_equal_pytorchs() {
    let (network, mut objective, point) = digits(DType::F64, Loss::Mse, 500);
    let case = Tensors::open("mlp_tanh_k0.safetensors");
    let expected = json("mlp_tanh.json");

    let images = Tensors::open("mlp_tanh.safetensors")
        .tensor::<2>("x")
        .reshape([500, 1, 8, 8]);
    let logits = network.logits(&ForwardPass::plain(objective.layout(), &point), images);
    assert!(relative_error(&to_vec(logits.value), &case.entries("logits")) < 1e-13);

    let (loss, gradient) = objective.loss_and_gradient(&point);
    let expected_loss = expected["loss0"].as_f64().unwrap();
    assert!((loss / expected_loss - 1.0).abs() < 1e-14);
    assert_eq!(loss, objective.loss(&point), "with and without a tape");
    assert!(relative_error(&to_vec(gradient), &case.entries("grad")) < 1e-12);

    let product = to_vec(objective.hvp(&point, &case.tensor("v")));
    assert!(relative_error(&product, &case.entries("Hv")) < 1e-12);
    let slope: f64 = product
        .iter()
        .zip(case.entries("v"))
        .map(|(a, b)| a * b)
        .sum();
    assert!((slope / expected["vHv"].as_f64().unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn chunks_change_nothing_but_rounding() {
    for loss in [Loss::Mse, Loss::CrossEntropy] {
        let (_, mut whole, point) = digits(DType::F64, loss, 500);
        let direction = Tensors::open("mlp_tanh_k0.safetensors").tensor("v");
        for chunk in [7, 100, 499, 1000] {
            let (_, mut chunked, _) = digits(DType::F64, loss, chunk);
            assert!((chunked.loss(&point) / whole.loss(&point) - 1.0).abs() < 1e-13);
            let gradients =
                [&mut whole, &mut chunked].map(|o| to_vec(o.loss_and_gradient(&point).1));
            assert!(relative_error(&gradients[1], &gradients[0]) < 1e-12);
            let products = [&mut whole, &mut chunked].map(|o| to_vec(o.hvp(&point, &direction)));
            assert!(relative_error(&products[1], &products[0]) < 1e-12);
            assert_eq!(
                chunked.evaluate(&point, None).accuracy,
                whole.evaluate(&point, None).accuracy
            );
        }
    }
}

#[test]
fn products_are_symmetric_and_central_differences_of_gradients() {
    for loss in [Loss::Mse, Loss::CrossEntropy] {
        let (_, mut objective, point) = digits(DType::F64, loss, 500);
        let dot = |a: &Tensor<1>, b: &Tensor<1>| (a.clone() * b.clone()).sum().into_scalar::<f64>();
        let [u, v] = [1, 2].map(|index| {
            let mut stream = flatland_random::stream(0, "test", index);
            let entries = (0..objective.dimension()).map(|_| flatland_random::normal(&mut stream));
            let data = TensorData::new::<f64, _>(entries.collect(), [objective.dimension()]);
            Tensor::<1>::from_data(data, (&Device::flex(), DType::F64))
        });
        let (product_u, product_v) = (objective.hvp(&point, &u), objective.hvp(&point, &v));
        let (left, right) = (dot(&v, &product_u), dot(&u, &product_v));
        assert!((left - right).abs() < 1e-12 * (dot(&product_u, &product_u) * dot(&v, &v)).sqrt());

        let step = 1e-5 / dot(&v, &v).sqrt();
        let gradient = |objective: &mut flatland_models::FullBatch, t: f64| {
            objective
                .loss_and_gradient(&(point.clone() + v.clone() * t))
                .1
        };
        let difference =
            (gradient(&mut objective, step) - gradient(&mut objective, -step)) / (2.0 * step);
        let error = relative_error(&to_vec(difference), &to_vec(product_v));
        assert!(error < 1e-7, "{loss:?}: {error:e}");
    }
}

/// The block of the Hessian that belongs to the last bias is `(2/K)·I` at every point (mean squared error).
#[test]
fn the_last_bias_has_curvature_two_over_the_number_of_classes() {
    let (_, mut objective, point) = digits(DType::F64, Loss::Mse, 500);
    let bias = objective.layout().slots().last().unwrap().clone();
    assert_eq!(bias.name, "5.bias");
    for shift in [0.0, 0.3] {
        let point = point.clone() + shift;
        for row in bias.range.clone() {
            let mut unit = vec![0.0; objective.dimension()];
            unit[row] = 1.0;
            let unit = TensorData::new(unit, [objective.dimension()]);
            let column = to_vec(objective.hvp(
                &point,
                &Tensor::from_data(unit, (&Device::flex(), DType::F64)),
            ));
            for entry in bias.range.clone() {
                let expected = if entry == row { 0.2 } else { 0.0 };
                assert!(
                    (column[entry] - expected).abs() < 1e-14,
                    "entry {entry} of column {row}"
                );
            }
        }
    }
}
