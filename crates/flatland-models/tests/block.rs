//! A small network with every kind of layer that the large ones have, against PyTorch: both losses, their gradients and
//! Hessian products, and short runs of the methods with batch normalization.

mod common;

use burn::tensor::{DType, Device, Tensor, TensorData};
use common::replay::{near, unguarded_ponls};
use common::{Tensors, json, relative_error, to_vec};
use flatland_models::{
    Activation, AdaptiveAvgPool2d, AvgPool2d, Batch, BatchNorm2dConfig, Conv2dConfig, Flatten,
    ForwardPass, FullBatch, Initializer, InputShape, Layer, LinearConfig, Loss, MaxPool2d,
    Nonlinearity, Sequence,
};
use flatland_optim::{
    CdatConfig, Curvature, LineSearchConfig, Method, Objective, Polyak, SamConfig,
};

/// The network that `block.json` names; the order of its parameters is PyTorch's.
fn network() -> Sequence {
    let initializer = &mut Initializer::new(0, &Device::flex(), DType::F64);
    let mut conv = |channels_in, channels_out, kernel, stride, bias| -> Layer {
        Conv2dConfig::new(channels_in, channels_out, kernel)
            .with_stride(stride)
            .with_padding(kernel / 2)
            .with_bias(bias)
            .init(initializer)
            .into()
    };
    let [conv1, conv2, conv3, short] = [
        conv(3, 8, 3, 1, false),
        conv(8, 8, 3, 1, true),
        conv(16, 12, 3, 2, false),
        conv(16, 12, 1, 2, false),
    ];
    let mut norm =
        |channels| -> Layer { BatchNorm2dConfig::new(channels).init(initializer).into() };
    let [bn1, bn2, bn3, bn4] = [norm(8), norm(16), norm(12), norm(12)];
    let relu = || Activation::new(Nonlinearity::Relu);
    let shortcut = Sequence::named(vec![("conv", short), ("norm", bn4)]);
    let residual = Sequence::residual_with(
        vec![("conv", conv3), ("norm", bn3)],
        ("short", shortcut.into()),
    );
    Sequence::numbered([
        conv1,
        bn1,
        relu().into(),
        MaxPool2d::new(3).with_stride(2).with_padding(1).into(),
        Sequence::dense(vec![("conv", conv2)]).into(),
        bn2,
        relu().into(),
        AvgPool2d::new(2).into(),
        residual.followed_by(relu()).into(),
        AdaptiveAvgPool2d::new(1).into(),
        Flatten::default().into(),
        LinearConfig::new(12, 10).init(initializer).into(),
    ])
}

fn objective(case: &Tensors, loss: Loss) -> FullBatch {
    let labels: Vec<u8> = (case.entries("y").chunks(10))
        .map(|row| row.iter().position(|&y| y == 1.0).unwrap() as u8)
        .collect();
    let shape = InputShape {
        channels: 3,
        height: 16,
        width: 16,
    };
    let images = case.entries("x");
    let chunks = Batch::chunks(&images, shape, &labels, 10, 64, &Device::flex(), DType::F64);
    FullBatch::new(network(), loss, chunks)
}

fn point(case: &Tensors) -> Tensor<1> {
    let names = json("block.json")["param_names"]
        .as_array()
        .unwrap()
        .clone();
    let entries: Vec<f64> = (names.iter())
        .flat_map(|name| case.entries(name.as_str().unwrap()))
        .collect();
    let length = entries.len();
    Tensor::from_data(
        TensorData::new(entries, [length]),
        (&Device::flex(), DType::F64),
    )
}

#[test]
fn both_losses_have_pytorchs_gradients_and_products() {
    let case = Tensors::open("block.safetensors");
    let expected = json("block.json");
    let point = point(&case);
    for (loss, suffix, expected_loss) in [
        (Loss::Mse, "", &expected["loss"]),
        (Loss::CrossEntropy, "_ce", &expected["ce"]["loss"]),
    ] {
        let mut objective = objective(&case, loss);
        assert_eq!(
            objective.dimension() as u64,
            expected["n_params"].as_u64().unwrap()
        );
        let logits = network_logits(&objective, &case, &point);
        assert!(relative_error(&logits, &case.entries("logits")) < 1e-12);
        let (found, gradient) = objective.loss_and_gradient(&point);
        assert!(
            (found / expected_loss.as_f64().unwrap() - 1.0).abs() < 1e-13,
            "{found} {expected_loss}"
        );
        let error = relative_error(&to_vec(gradient), &case.entries(&format!("grad{suffix}")));
        assert!(error < 1e-11, "gradient{suffix}: {error:e}");
        let directions = if suffix.is_empty() { 0..3 } else { 0..1 };
        for index in directions {
            let product = objective.hvp(&point, &case.tensor(&format!("v{index}")));
            let error = relative_error(
                &to_vec(product),
                &case.entries(&format!("Hv{index}{suffix}")),
            );
            assert!(error < 1e-10, "Hv{index}{suffix}: {error:e}");
        }
    }
}

fn network_logits(objective: &FullBatch, case: &Tensors, point: &Tensor<1>) -> Vec<f64> {
    // The objective's own network: another one would have other parameter identities.
    let pass = ForwardPass::plain(objective.layout(), point);
    to_vec(objective.network().logits(&pass, case.tensor("x")).value)
}

#[test]
fn methods_with_batch_normalization_repeat_an_independent_run() {
    let rules: [(&str, Box<dyn Method<FullBatch>>); 5] = [
        ("ls", Box::new(LineSearchConfig::ls().init().unwrap())),
        ("nls", Box::new(LineSearchConfig::nls().init().unwrap())),
        (
            "ponls",
            Box::new(unguarded_ponls(Polyak::default()).init().unwrap()),
        ),
        ("cdat", Box::new(CdatConfig::new().init().unwrap())),
        ("sam", Box::new(SamConfig::plain(2.0).init().unwrap())),
    ];
    let case = Tensors::open("block.safetensors");
    let runs = &json("block.json")["runs"];
    for (name, mut rule) in rules {
        let (mut objective, mut point) = (objective(&case, Loss::Mse), point(&case));
        for (k, expected) in (runs[name]["records"].as_array().unwrap().iter())
            .take(10)
            .enumerate()
        {
            let at = format!("{name}, iteration {k}: {expected}");
            let drift = runs[name]["loss_relative_change_for_1e_14"][k].as_f64();
            let tolerance = 1000.0 * drift.unwrap().max(1e-13);
            let step;
            (point, step) = rule.step(&mut objective, point);
            assert!(
                near(step.loss, &expected["loss"], tolerance),
                "{at} {step:?}"
            );
            assert!(
                near(
                    step.gradient_norm.powi(2),
                    &expected["gn2"],
                    10.0 * tolerance
                ),
                "{at} {step:?}"
            );
            match name {
                "ponls" | "cdat" => assert!(
                    near(step.step_size, &expected["eta"], 100.0 * tolerance),
                    "{at} {step:?}"
                ),
                _ => assert_eq!(step.step_size, expected["eta"].as_f64().unwrap(), "{at}"),
            }
            assert_eq!(
                u64::from(step.trials),
                expected["n_f"].as_u64().unwrap(),
                "{at} {step:?}"
            );
            if let Some(reference) = step.reference_value {
                assert!(near(reference, &expected["R"], tolerance), "{at} {step:?}");
            }
            objective.commit_step();
        }
        let expected = &runs[name]["records"][10]["loss"];
        let (loss, _) = objective.loss_and_gradient(&point);
        assert!(near(loss, expected, 1e-9), "{name}: {loss} {expected}");
        let running = objective.running_statistics();
        let evaluation = objective.evaluate(&point, running);
        assert!(running.is_some() && evaluation.loss.is_finite());
    }
}
