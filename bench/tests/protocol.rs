//! The program answers as `bench/peer/race.py` expects, and what it writes is what it times.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use burn::tensor::{DType, Device};
use flatland_models::{
    Architecture, Batch, FullBatch, Initializer, InputShape, Loss, load_weights,
};
use flatland_optim::vector::{dot, norm};
use flatland_optim::{Curvature, Objective};
use safetensors::SafeTensors;
use serde_json::Value;

fn answers(commands: &str) -> (Vec<Value>, Output) {
    let mut side = Command::new(env!("CARGO_BIN_EXE_flatland-side"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = side.stdin.take().unwrap();
    input.write_all(commands.as_bytes()).unwrap();
    drop(input);
    let output = side.wait_with_output().unwrap();
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let answers = (lines.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (answers, output)
}

fn floats(file: &SafeTensors, name: &str) -> Vec<f32> {
    let (numbers, _) = file.tensor(name).unwrap().data().as_chunks();
    numbers
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

/// `loss`, `gradient_norm`, `product_norm` and `curvature` from the files alone.
fn check_of_files(directory: &Path) -> [f64; 4] {
    let device = Device::flex();
    let shape = InputShape {
        channels: 3,
        height: 32,
        width: 32,
    };
    let mut initializer = Initializer::new(1, &device, DType::F32);
    let network = Architecture::named("cnn").unwrap();
    let network = network.init(shape, 10, &mut initializer).unwrap();
    let vector = |name: &str| {
        let path = directory.join(name);
        let loaded = load_weights(&path, &network, &device, DType::F32).unwrap();
        assert!(loaded.unused.is_empty());
        loaded.point
    };
    let (point, direction) = (
        vector("weights.safetensors"),
        vector("direction.safetensors"),
    );
    let file = std::fs::read(directory.join("samples.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&file).unwrap();
    let labels: Vec<u8> = (floats(&file, "targets").chunks(10))
        .map(|row| row.iter().position(|&entry| entry == 1.0).unwrap() as u8)
        .collect();
    assert_eq!(labels, [0, 1, 2, 3, 4, 5]);
    let images = floats(&file, "images");
    let chunks = Batch::chunks(&images, shape, &labels, 10, 4, &device, DType::F32);
    let mut objective = FullBatch::new(network, Loss::Mse, chunks);
    let (loss, gradient) = objective.loss_and_gradient(&point);
    let product = objective.hvp(&point, &direction);
    let curvature = dot(&gradient, &product);
    [loss, norm(&gradient), norm(&product), curvature]
}

#[test]
fn the_files_hold_what_is_timed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let commands = format!(
        "prepare cnn 6 2 4\nwrite {}\nrun iteration\ncheck\ncheck double\nrun matrix\nrun gradient\nrun further\nrun sharpness 3\nquit\nnothing\n",
        path.display()
    );
    let (answers, output) = answers(&commands);
    assert!(output.status.success(), "{output:?}");
    let [
        prepared,
        _,
        iteration,
        check,
        double,
        matrix,
        gradient,
        product,
        sharpness,
    ] = &answers[..]
    else {
        panic!("an answer for each command, but {answers:?}");
    };
    assert_eq!(prepared["parameters"], 30_634);
    assert_eq!(prepared["chunk"], 4);
    // An iteration leaves the prepared point where it is.
    let names = ["loss", "gradient_norm", "product_norm", "curvature"];
    for (name, expected) in names.into_iter().zip(check_of_files(path)) {
        assert_eq!(check[name].as_f64().unwrap(), expected, "{name}");
        let double = double[name].as_f64().unwrap();
        assert_ne!(double, expected, "{name}");
        assert!(
            (double / expected - 1.0).abs() < 1e-4,
            "{name}: {double} and {expected}"
        );
    }
    let search: Value =
        serde_json::from_slice(&std::fs::read(path.join("search.json")).unwrap()).unwrap();
    assert_eq!(search["reference"]["weight"], 2.0);
    for timed in [iteration, matrix, gradient, product, sharpness] {
        assert!(timed["milliseconds"].as_f64().unwrap() > 0.0);
    }
    assert!(iteration["trials"].as_f64().unwrap() >= 1.0);
    assert!(sharpness["eigenvalue"].as_f64().unwrap() > 0.0);
}

#[test]
fn an_unknown_task_is_refused_with_those_there_are() {
    let (answers, output) = answers("prepare mlp 2 0\nrun backward\n");
    assert_eq!(answers.len(), 1);
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("backward") && message.contains("gradient, product"),
        "{message}"
    );
}
