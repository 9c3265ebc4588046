//! The program as a user meets it.

use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

/// The program, with its results in `folder`.
fn experiments(folder: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::from_std(Command::new(cargo_bin("experiments")));
    command
        .args(arguments)
        .arg("--results")
        .arg(folder)
        .current_dir(folder);
    command
}

/// A grid of one small cell, as arguments.
fn cell<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec![
        "--device",
        "flex",
        "--set",
        "networks=[\"mlp\"]",
        "--set",
        "methods=[\"nls\"]",
        "--set",
        "iterations=7",
        "--set",
        "samples=60",
        "--set",
        "sharpness_every=3",
        "--set",
        "accuracy_every=4",
    ];
    arguments.extend_from_slice(more);
    arguments
}

/// The directories of the runs, in order.
fn runs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("quick")).unwrap();
    let mut runs: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    runs.sort();
    runs
}

fn run_file(run: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(run.join("run.json")).unwrap()).unwrap()
}

/// The header and the rows of a CSV file.
fn table(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text
        .lines()
        .map(|line| line.split(',').map(str::to_owned).collect());
    (lines.next().unwrap(), lines.collect())
}

fn column(path: &Path, name: &str) -> Vec<String> {
    let (header, rows) = table(path);
    let place = header.iter().position(|column| column == name).unwrap();
    rows.into_iter().map(|row| row[place].clone()).collect()
}

fn numbers(path: &Path, name: &str) -> Vec<f64> {
    column(path, name)
        .iter()
        .map(|text| text.parse().unwrap())
        .collect()
}

/// The tensors of a run's weight file: what follows the header, whose entries have no fixed order.
fn weights(run: &Path) -> Vec<u8> {
    let bytes = std::fs::read(run.join("weights.safetensors")).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

#[test]
fn a_run_leaves_its_configuration_state_records_weights_and_a_picture() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &cell(&[]))
        .assert()
        .success()
        .stdout(predicate::str::contains("picture:"));
    let [run] = &runs(folder.path())[..] else {
        panic!("one run")
    };

    let config: toml::Table = std::fs::read_to_string(run.join("config.toml"))
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(config["samples"].as_integer(), Some(60));
    assert_eq!(
        config["method"]["sufficient_decrease"].as_float(),
        Some(1e-4)
    );
    assert_eq!(config["network"]["widths"].as_array().unwrap().len(), 2);

    let file = run_file(run);
    assert_eq!(file["status"], "done");
    assert_eq!(file["totals"]["iterations"], 7);
    assert_eq!(
        file["provenance"]["parameters"],
        784 * 100 + 100 + 100 * 100 + 100 + 1010
    );
    assert_eq!(file["provenance"]["data"].as_array().unwrap().len(), 4);

    let metrics = run.join("metrics.csv");
    assert_eq!(
        table(&metrics).0.join(", "),
        "iteration, loss, step_size, initial_step_size, trials, backtracks, function_evaluations, gradient_norm, \
         reference_value, average_loss, train_accuracy, test_loss, test_accuracy, seconds"
    );
    assert_eq!(
        numbers(&metrics, "iteration"),
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    );
    let measured: Vec<bool> = column(&metrics, "test_accuracy")
        .iter()
        .map(|text| !text.is_empty())
        .collect();
    assert_eq!(measured, [true, false, false, false, true, false, true]);
    let evaluations: f64 = numbers(&metrics, "function_evaluations").iter().sum();
    assert_eq!(
        file["totals"]["function_evaluations"].as_f64(),
        Some(evaluations)
    );

    let sharpness = run.join("sharpness.csv");
    assert_eq!(
        table(&sharpness).0.join(", "),
        "iteration, sharpness, lambda_min, step_size, step_size_times_sharpness, residual, hessian_products, seconds"
    );
    assert_eq!(numbers(&sharpness, "iteration"), [0.0, 3.0, 6.0]);
    let (step_sizes, steps) = (
        numbers(&sharpness, "step_size"),
        numbers(&metrics, "step_size"),
    );
    assert_eq!(step_sizes, [steps[0], steps[3], steps[6]]);
    for (row, sharpness_value) in numbers(&sharpness, "sharpness").into_iter().enumerate() {
        assert!(sharpness_value >= 0.2 * 0.999, "2/K is a floor");
        assert_eq!(
            numbers(&sharpness, "step_size_times_sharpness")[row],
            step_sizes[row] * sharpness_value
        );
        assert!(numbers(&sharpness, "residual")[row] <= 1e-3 * sharpness_value);
    }
    let picture =
        std::fs::read_to_string(folder.path().join("quick/fashion-mnist-mlp-mse-42.svg")).unwrap();
    assert!(picture.contains("NLS") && picture.contains("2/K = 0.2"));
    assert!(run.join("weights.safetensors").is_file());
}

#[test]
fn a_finished_run_is_skipped_and_a_changed_one_is_another() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &cell(&[])).assert().success();
    let [run] = &runs(folder.path())[..] else {
        panic!("one run")
    };
    let before = std::fs::read(run.join("metrics.csv")).unwrap();
    experiments(folder.path(), &cell(&[]))
        .assert()
        .success()
        .stderr(predicate::str::contains(
            "1 of 1 runs were already finished",
        ));
    assert_eq!(
        std::fs::read(run.join("metrics.csv")).unwrap(),
        before,
        "seconds and all"
    );
    experiments(folder.path(), &cell(&["--set", "seeds=[7]"]))
        .assert()
        .success();
    assert_eq!(runs(folder.path()).len(), 2);
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let networks = ["--set", "networks=[\"mlp\",\"cnn\"]", "--set", "chunk=20"];
    for folder in &folders {
        experiments(folder.path(), &cell(&networks))
            .assert()
            .success();
    }
    let [left, right] = folders.each_ref().map(|folder| runs(folder.path()));
    assert_eq!(left.len(), 2);
    for (left, right) in left.iter().zip(&right) {
        assert_eq!(left.file_name(), right.file_name());
        for (file, timing) in [("metrics.csv", "seconds"), ("sharpness.csv", "seconds")] {
            let (header, _) = table(&left.join(file));
            for name in header.iter().filter(|name| *name != timing) {
                assert_eq!(
                    column(&left.join(file), name),
                    column(&right.join(file), name),
                    "{file} {name}"
                );
            }
        }
        assert!(
            weights(left) == weights(right),
            "final weights of {}",
            left.display()
        );
    }
}

#[test]
fn weights_of_one_run_start_another() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &cell(&["--dtype", "f64"]))
        .assert()
        .success();
    let first = runs(folder.path()).remove(0);
    let init = format!(
        "init={:?}",
        first.join("weights.safetensors").display().to_string()
    );
    experiments(folder.path(), &cell(&["--dtype", "f64", "--set", &init]))
        .assert()
        .success();
    let second = runs(folder.path())
        .into_iter()
        .find(|run| *run != first)
        .unwrap();
    let final_loss = run_file(&first)["totals"]["final_loss"].as_f64().unwrap();
    assert_eq!(numbers(&second.join("metrics.csv"), "loss")[0], final_loss);
    assert!(run_file(&second)["provenance"]["initial_weights"].is_string());

    let wrong = cell(&[
        "--dtype",
        "f64",
        "--set",
        &init,
        "--set",
        "networks=[{name=\"mlp\", widths=[9]}]",
    ]);
    experiments(folder.path(), &wrong).assert().code(1);
    let failed = runs(folder.path())
        .into_iter()
        .map(|run| run_file(&run))
        .find(|file| file["status"] == "failed");
    let reason = failed.unwrap()["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.contains("1.weight") && reason.contains("[9, 784]"),
        "{reason}"
    );
}

#[test]
fn every_problem_of_a_grid_is_named_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let grid = folder.path().join("grid.toml");
    std::fs::write(
        &grid,
        "datasets = [\"cifar\"]\nnetworks = [{ name = \"mlp\", depth = 3 }]\n\
         methods = [{ name = \"gd\", step_size = -1.0 }, \"adam\"]\nlosses = []\niterations = 0\nepochs = 3\n",
    )
    .unwrap();
    let mut assert = experiments(folder.path(), &["run", grid.to_str().unwrap()])
        .assert()
        .code(2);
    for problem in [
        "\"cifar\"",
        "cifar10",
        "depth",
        "step_size must be positive and finite, but is -1",
        "\"adam\"",
        "losses = []",
        "iterations = 0: expected a whole number, at least 1",
        "unknown key \"epochs\"",
    ] {
        assert = assert.stderr(predicate::str::contains(problem));
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "only the grid file is there");
}

#[test]
fn wrong_usage_ends_with_code_two_and_the_next_step() {
    let folder = TempDir::new().unwrap();
    for (arguments, message) in [
        (
            vec!["--only", "method=sam"],
            "the grid has no \"sam\"; it has ls, nls",
        ),
        (vec!["--set", "iterations"], "expected key=value"),
        (vec!["--set", "samples=9"], "ask for at least 10 samples"),
        (
            vec!["--set", "datasets=[\"svhn\"]"],
            "datasets/README.md says where to get it",
        ),
        (vec!["--preset", "huge"], "possible values: quick, small"),
        (
            vec!["run", "absent.toml"],
            "cannot read the grid absent.toml",
        ),
        (
            vec!["--set", "init=\"absent.safetensors\""],
            "there is no such file",
        ),
    ] {
        experiments(folder.path(), &arguments)
            .assert()
            .code(2)
            .stderr(predicate::str::contains(message));
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing was written"
    );
}

#[cfg(not(feature = "wgpu"))]
#[test]
fn a_device_that_is_not_compiled_in_names_the_feature() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &["--device", "wgpu"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains(
            "cargo run --release --features wgpu",
        ));
}

#[test]
fn a_run_that_diverges_is_recorded_and_the_grid_goes_on() {
    let folder = TempDir::new().unwrap();
    let methods = "methods=[{name=\"gd\", step_size=1e30}, \"ls\"]";
    experiments(folder.path(), &cell(&["--set", methods]))
        .assert()
        .code(1)
        .stderr(predicate::str::contains(
            "1 of 2 runs did not reach their end",
        ));
    let states: Vec<_> = runs(folder.path())
        .iter()
        .map(|run| run_file(run))
        .collect();
    assert_eq!(states[0]["status"], "diverged");
    assert!(
        states[0]["reason"]
            .as_str()
            .unwrap()
            .contains("at iteration"),
        "{}",
        states[0]
    );
    assert_eq!(states[1]["status"], "done");
}

#[test]
fn a_dry_run_lists_the_cells_and_writes_nothing() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &["--preset", "small", "--dry-run"])
        .assert()
        .success()
        .stdout(predicate::str::contains("40 runs"))
        .stdout(predicate::str::contains("svhn-cnn-nls-ub-42-"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_data_sets_are_listed() {
    let mut command = assert_cmd::Command::from_std(Command::new(cargo_bin("experiments")));
    let folder = TempDir::new().unwrap();
    let mut assert = command
        .args(["data", "--data-dir"])
        .arg(folder.path())
        .assert()
        .success();
    for text in [
        "cifar10",
        "cifar100",
        "svhn",
        "emnist",
        "mnist",
        "built in",
        "train-images-idx3-ubyte.gz is missing",
    ] {
        assert = assert.stdout(predicate::str::contains(text));
    }
}

/// Ctrl-C: the iteration is finished, the files are whole, and the same command makes the run.
#[cfg(unix)]
#[test]
fn an_interrupted_grid_says_how_to_go_on() {
    let folder = TempDir::new().unwrap();
    let long = cell(&[
        "--set",
        "iterations=1000000",
        "--set",
        "sharpness_every=0",
        "--set",
        "accuracy_every=0",
    ]);
    let child = Command::new(cargo_bin("experiments"))
        .args(&long)
        .arg("--results")
        .arg(folder.path())
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let metrics = || {
        runs(folder.path())
            .first()
            .map(|run| run.join("metrics.csv"))
    };
    let has_rows = || metrics().is_some_and(|path| path.is_file() && table_length(&path) > 5);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !(folder.path().join("quick").is_dir() && has_rows()) {
        assert!(
            std::time::Instant::now() < deadline,
            "the run does not start"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(message.contains("give the same command again"), "{message}");
    let run = runs(folder.path()).remove(0);
    let file = run_file(&run);
    assert_eq!(file["status"], "interrupted");
    let rows = numbers(&run.join("metrics.csv"), "iteration");
    assert_eq!(
        file["totals"]["iterations"].as_u64(),
        Some(rows.len() as u64)
    );
    assert!(rows.windows(2).all(|pair| pair[1] == pair[0] + 1.0));
}

#[cfg(unix)]
fn table_length(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// The same cell on another device: the same losses, but for rounding.
#[cfg(any(feature = "wgpu", feature = "ndarray"))]
#[test]
fn other_devices_agree_with_flex() {
    let others: &[&str] = &[
        #[cfg(feature = "wgpu")]
        "wgpu",
        #[cfg(feature = "ndarray")]
        "ndarray",
    ];
    let measure = |device: &str| {
        let folder = TempDir::new().unwrap();
        let grid = [
            "--set",
            "iterations=20",
            "--set",
            "sharpness_every=19",
            "--set",
            "networks=[\"mlp\", {name=\"cnn\", channels=[4, 4]}]",
            "--set",
            "methods=[{name=\"gd\", step_size=0.5}]",
        ];
        let mut arguments = cell(&grid);
        arguments[1] = device;
        experiments(folder.path(), &arguments).assert().success();
        let read = |file: &str, name: &str| -> Vec<f64> {
            runs(folder.path())
                .iter()
                .flat_map(|run| numbers(&run.join(file), name))
                .collect()
        };
        (
            read("metrics.csv", "loss"),
            read("sharpness.csv", "sharpness"),
        )
    };
    let (losses, sharpness) = measure("flex");
    for device in others {
        let (other_losses, other_sharpness) = measure(device);
        assert_eq!(other_losses.len(), 40);
        for (left, right) in losses.iter().zip(&other_losses) {
            assert!(
                (left / right - 1.0).abs() < 1e-4,
                "{device}: {left} {right}"
            );
        }
        for (left, right) in sharpness.iter().zip(&other_sharpness) {
            assert!(
                (left / right - 1.0).abs() < 1e-2,
                "{device}: {left} {right}"
            );
        }
    }
}
