//! Saved points, measured without training.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use super::{experiments, one_run, run_file, runs};

fn spectrum(arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::from_std(Command::new(cargo_bin("experiments")));
    command
        .args(["spectrum", "--device", "flex"])
        .args(arguments);
    command
}

/// The last point of a run, measured afterwards: what the run itself found there, and a density to go with it.
#[test]
fn a_saved_point_is_measured_without_training() {
    let folder = TempDir::new().unwrap();
    let small = "networks=[{name=\"mlp\", widths=[12]}]";
    let more = ["--set", small, "--set", "iterations=3"];
    experiments(folder.path(), &one_run(&more))
        .assert()
        .success();
    let [run] = &runs(folder.path())[..] else {
        panic!("one run")
    };
    let weights = run.join("weights.safetensors");
    let output = folder.path().join("measured");
    let (weights, folder_of_output) = (weights.to_str().unwrap(), output.to_str().unwrap());
    let arguments = [
        "--weights",
        weights,
        "--dataset",
        "fashion-mnist",
        "--network",
        "{ name = \"mlp\", widths = [12] }",
        "--samples",
        "60",
        "--eigenvalues",
        "14",
        "--probes",
        "4",
        "--steps",
        "50",
        "--output",
        folder_of_output,
    ];
    spectrum(&arguments)
        .assert()
        .success()
        .stdout(predicate::str::contains("pairing after the first K"));
    let read = || -> Value {
        serde_json::from_slice(&std::fs::read(output.join("spectrum.json")).unwrap()).unwrap()
    };
    let found = read();
    let list = |value: &Value| -> Vec<f64> {
        (value.as_array().unwrap().iter())
            .map(|number| number.as_f64().unwrap())
            .collect()
    };
    let loss = run_file(run)["totals"]["final_loss"].as_f64().unwrap();
    assert!((found["loss"].as_f64().unwrap() / loss - 1.0).abs() < 1e-5);
    let eigenvalues = list(&found["eigenvalues"]);
    assert_eq!(eigenvalues.len(), 14);
    assert!(eigenvalues.is_sorted_by(|x, y| x.abs() >= y.abs()));

    // The density holds the same spectrum: its ends and its trace.
    let (nodes, weights) = (
        list(&found["density"]["nodes"]),
        list(&found["density"]["weights"]),
    );
    let largest = eigenvalues.iter().copied().fold(0.0, f64::max);
    assert!((nodes[0] / largest - 1.0).abs() < 1e-2);
    let smallest = list(&found["smallest_eigenvalues"]);
    assert_eq!(smallest.len(), 5);
    let (least, node) = (smallest[0], nodes[nodes.len() - 1]);
    assert!(
        least < 0.0 && (node / least - 1.0).abs() < 1e-2,
        "{least} {node}"
    );
    let parameters = found["about"]["parameters"].as_f64().unwrap();
    assert_eq!(parameters, 784.0 * 12.0 + 12.0 + 130.0);
    let masses = nodes.iter().zip(&weights);
    let trace_of_density = parameters * masses.map(|(node, weight)| node * weight).sum::<f64>();
    let trace = found["trace"]["value"].as_f64().unwrap();
    let error = found["trace"]["standard_error"].as_f64().unwrap();
    assert!((trace_of_density - trace).abs() < 0.3 * trace + 5.0 * error);
    assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-5);
    assert_eq!(found["gradient_norms"].as_array().unwrap().len(), 4);
    assert_eq!(found["segment"].as_array().unwrap().len(), 9);
    let picture = std::fs::read_to_string(output.join("spectrum.svg")).unwrap();
    assert!(picture.contains("2/K = 0.2"));

    spectrum(&arguments).assert().success();
    assert_eq!(read(), found, "the same numbers again");
}

#[test]
fn what_spectrum_cannot_use_is_named() {
    for (network, loss, problem) in [
        ("mpl", "mse", "--network mpl"),
        ("mlp", "hinge", "--loss hinge: a loss is \"mse\""),
        ("mlp", "mse", "absent.safetensors"),
    ] {
        let arguments = [
            "--weights",
            "absent.safetensors",
            "--dataset",
            "fashion-mnist",
            "--network",
            network,
            "--loss",
            loss,
        ];
        spectrum(&arguments)
            .assert()
            .code(2)
            .stderr(predicate::str::contains(problem));
    }
}
