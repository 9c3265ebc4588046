//! Whole networks against torchvision: logits, loss, and the gradient and Hessian products of every tensor.
//!
//! Takes every case of this kind in the fixtures, in the folder that `FLATLAND_CASES` names, and beside the project.

mod common;

use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, Tensor, TensorData};
use common::{relative_error, to_vec};
use flatland_models::{
    Batch, DenseNet121Config, ForwardPass, FullBatch, Initializer, InputShape, Layout, Loss, Norm,
    ResNetConfig, Sequence, Vgg11Config, VitConfig,
};
use flatland_optim::{Curvature, Objective};
use serde_json::Value;

const IMAGE: InputShape = InputShape {
    channels: 3,
    height: 32,
    width: 32,
};

/// The network that a case describes, as torchvision (or the fixtures' script) builds it.
fn network(case: &str) -> Option<Sequence> {
    let initializer = &mut Initializer::new(0, &Device::flex(), DType::F64);
    let resnet = ResNetConfig {
        norm: Norm::Batch,
        last_bias: true,
    };
    Some(match case {
        "resnet34" => resnet.init_resnet34(IMAGE, 10, initializer),
        "wide_resnet50_2" => resnet.init_wide_resnet50_2(IMAGE, 10, initializer),
        "densenet121" => DenseNet121Config::default().init(IMAGE, 10, initializer),
        "vit" => VitConfig::default().init(IMAGE, 10, initializer),
        "vgg11" => Vgg11Config::default().init(IMAGE, 10, initializer),
        _ => return None,
    })
}

/// A number in `[-1, 1)` from a stream and an index: the cases' own generator.
fn uniform(stream: u64, index: u64) -> f64 {
    let mut z = (stream.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add((index + 1).wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 11) as f64 * (-52f64).exp2() - 1.0
}

/// The weights of the cases.
fn weights(layout: &Layout) -> Vec<f64> {
    let mut weights = Vec::with_capacity(layout.dimension());
    for (number, slot) in layout.slots().iter().enumerate() {
        let fan_in: usize = slot.shape[1..].iter().product();
        let scale = (6.0 / fan_in as f64).sqrt();
        weights.extend((0..slot.range.len()).map(|i| {
            if slot.shape.len() > 1 {
                scale * uniform(number as u64, i as u64)
            } else if slot.name.ends_with("weight") {
                1.0 + 0.01 * ((i + number) as f64).sin()
            } else {
                0.01 * ((i + number) as f64).cos()
            }
        }));
    }
    weights
}

fn vector(entries: Vec<f64>) -> Tensor<1> {
    let length = entries.len();
    Tensor::from_data(
        TensorData::new(entries, [length]),
        (&Device::flex(), DType::F64),
    )
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap()],
    }
}

fn norm(entries: &[f64]) -> f64 {
    dot(entries, entries).sqrt()
}

/// Summed in blocks: added up one by one, the rounding errors of 10⁸ products would be seen.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    (left.chunks(4096).zip(right.chunks(4096)))
        .map(|(left, right)| left.iter().zip(right).map(|(x, y)| x * y).sum::<f64>())
        .sum()
}

fn check(case: &Value) {
    let name = case["case"].as_str().unwrap();
    let network = network(name).unwrap();
    let samples = case["batch"].as_u64().unwrap() as usize;
    let images: Vec<f64> = (0..(samples * 3072) as u64)
        .map(|i| 3f64.sqrt() * uniform(2000, i))
        .collect();
    let labels: Vec<u8> = (0..samples as u8).map(|i| i % 10).collect();
    let device = Device::flex();
    let chunks = Batch::chunks(&images, IMAGE, &labels, 10, samples, &device, DType::F64);
    let mut objective = FullBatch::new(network.clone(), Loss::Mse, chunks);
    let layout = objective.layout().clone();
    let point = vector(weights(&layout));

    // Names, shapes and order of the parameters.
    let expected = case["params"].as_array().unwrap();
    assert_eq!(
        layout.dimension() as u64,
        case["n_params"].as_u64().unwrap()
    );
    assert_eq!(layout.slots().len(), expected.len());
    for (slot, expected) in layout.slots().iter().zip(expected) {
        assert_eq!(slot.name, expected["name"].as_str().unwrap());
        let shape = numbers(&expected["shape"]);
        assert!(
            slot.shape.iter().map(|&d| d as f64).eq(shape),
            "shape of {}",
            slot.name
        );
    }

    // How far two correct programs may part: rounding, times what the network makes of it.
    let allowed =
        |what: &str| 1e-14 * case["amplification"][what].as_f64().unwrap().max(1.0) * 10.0;
    let near = |what: &str, found: f64, expected: &Value, tolerance: f64| {
        let expected = expected.as_f64().unwrap();
        let error = (found / expected - 1.0).abs();
        assert!(
            error < tolerance,
            "{name}: {what} is {found:e}, expected {expected:e}"
        );
    };

    let batch = TensorData::new(images, [samples, 3, 32, 32]);
    let batch = Tensor::<4>::from_data(batch, (&device, DType::F64));
    let logits = network.logits(&ForwardPass::plain(&layout, &point), batch);
    let error = relative_error(&to_vec(logits.value), &numbers(&case["logits"]));
    assert!(
        error < allowed("loss"),
        "{name}: relative error of the logits {error:e}"
    );

    let (loss, gradient) = objective.loss_and_gradient(&point);
    near("loss", loss, &case["loss"], allowed("loss"));
    near(
        "loss without a tape",
        objective.loss(&point),
        &case["loss"],
        allowed("loss"),
    );
    let gradient = to_vec(gradient);
    near(
        "gradient norm",
        norm(&gradient),
        &case["grad_norm"],
        allowed("grad"),
    );

    let directions: [(&str, Vec<f64>); 2] = [
        (
            "sin",
            (1..=layout.dimension()).map(|i| (i as f64).sin()).collect(),
        ),
        (
            "hash",
            (0..layout.dimension())
                .map(|i| uniform(777, i as u64))
                .collect(),
        ),
    ];
    for (kind, direction) in directions {
        let expected = &case["v"][kind];
        let product = to_vec(objective.hvp(&point, &vector(direction.clone())));
        // The terms of gᵀv cancel: what is left is about ‖g‖·‖v‖/√dimension, and so is what rounding makes of it.
        let scale = norm(&gradient) * norm(&direction) / (direction.len() as f64).sqrt();
        let error = dot(&gradient, &direction) - expected["gv"].as_f64().unwrap();
        assert!(
            error.abs() < 100.0 * allowed("grad") * scale,
            "{name}: gᵀv is off by {error:e}, of {scale:e}"
        );
        near(
            "vᵀHv",
            dot(&product, &direction),
            &expected["vHv"],
            allowed("vHv"),
        );
        near(
            "‖Hv‖",
            norm(&product),
            &expected["Hv_norm"],
            allowed("Hv_norm"),
        );
        for (slot, expected) in layout
            .slots()
            .iter()
            .zip(case["params"].as_array().unwrap())
        {
            let (part, whole) = (norm(&product[slot.range.clone()]), norm(&product));
            let expected = expected[format!("Hv_{kind}")].as_f64().unwrap();
            let error = (part - expected).abs() / whole;
            assert!(
                error < allowed("Hv_norm"),
                "{name}: H·v of {} is off by {error:e}",
                slot.name
            );
        }
    }
    for (slot, expected) in layout
        .slots()
        .iter()
        .zip(case["params"].as_array().unwrap())
    {
        let part = norm(&gradient[slot.range.clone()]);
        let error = (part - expected["grad"].as_f64().unwrap()).abs() / norm(&gradient);
        assert!(
            error < allowed("grad"),
            "{name}: gradient of {} is off by {error:e}",
            slot.name
        );
    }
}

/// The cases of this kind in a folder.
fn cases(folder: &Path) -> Vec<Value> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    (paths.iter())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap())
        .filter(|case| case["params"].is_array() && case["amplification"].is_object())
        .collect()
}

#[test]
fn every_case_is_reproduced() {
    let mut checked = Vec::new();
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    let named = std::env::var_os("FLATLAND_CASES").map(PathBuf::from);
    for folder in [Some(common::fixture("")), Some(beside), named]
        .into_iter()
        .flatten()
    {
        for case in cases(&folder) {
            let name = case["case"].as_str().unwrap().to_owned();
            if checked.contains(&name) {
                continue;
            }
            check(&case);
            println!("{name}: reproduced");
            checked.push(name);
        }
    }
    assert!(
        checked.len() >= 3,
        "the fixtures hold three cases, found {checked:?}"
    );
}
