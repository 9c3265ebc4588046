//! Stochastic runs and what they leave.

mod endings;
mod grids;

use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use tempfile::TempDir;

use super::{column, experiments, numbers, run_file, table, weights};

/// 60 samples in batches of 25, 25 and 10.
const GRID: &str = "datasets = [\"fashion-mnist\"]\nnetworks = [{ name = \"mlp\", widths = [12] }]\n\
                    methods = [\"nls\"]\nsamples = 60\nbatch_size = 25\nepochs = 5\n";

/// Makes the runs of [`GRID`] with these keys replaced.
fn run(folder: &Path, sets: &[&str]) -> assert_cmd::assert::Assert {
    std::fs::write(folder.join("quick.toml"), GRID).unwrap();
    let mut arguments = vec!["run", "quick.toml", "--device", "flex"];
    for set in sets {
        arguments.extend(["--set", set]);
    }
    experiments(folder, &arguments).assert()
}

fn only_run(folder: &Path) -> PathBuf {
    let runs = super::runs(folder);
    assert_eq!(runs.len(), 1);
    runs[0].clone()
}

fn is_given(path: &Path, name: &str) -> Vec<bool> {
    (column(path, name).iter())
        .map(|text| !text.is_empty())
        .collect()
}

#[test]
fn a_run_leaves_a_row_for_the_start_and_every_epoch() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), &["accuracy_every=2", "sharpness_every=3"])
        .success()
        .stdout(predicate::str::contains("picture:"));
    let run = only_run(folder.path());
    let file = run_file(&run);
    assert_eq!(file["status"], "done");
    assert_eq!(file["totals"]["iterations"], 15);
    let config = std::fs::read_to_string(run.join("config.toml")).unwrap();
    for line in ["[mini_batches]", "batch_size = 25", "epochs = 5"] {
        assert!(config.contains(line), "{config}");
    }
    assert!(!config.contains("iterations"), "{config}");

    let epochs = run.join("epochs.csv");
    assert_eq!(
        table(&epochs).0.join(", "),
        "epoch, iteration, steps, loss, train_accuracy, test_loss, test_accuracy, sharpness_mean, sharpness_min, \
         sharpness_max, lambda_min, hessian_products, seconds, measuring_seconds"
    );
    assert_eq!(numbers(&epochs, "epoch"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let iterations = [0.0, 3.0, 6.0, 9.0, 12.0, 15.0];
    assert_eq!(numbers(&epochs, "iteration"), iterations);
    assert_eq!(numbers(&epochs, "steps"), [0.0, 3.0, 3.0, 3.0, 3.0, 3.0]);
    // At their intervals, and at the end.
    assert_eq!(
        is_given(&epochs, "test_accuracy"),
        [true, false, true, false, true, true]
    );
    let measured = [true, false, false, true, false, true];
    for name in ["sharpness_mean", "sharpness_min", "sharpness_max"] {
        assert_eq!(is_given(&epochs, name), measured, "{name}");
    }
    let losses = numbers(&epochs, "loss");
    assert_eq!(
        Some(losses[5]),
        file["totals"]["final_loss"].as_f64(),
        "the loss on all samples"
    );
    let products = numbers(&epochs, "hessian_products");
    assert_eq!(
        Some(products.iter().sum()),
        file["totals"]["hessian_products"].as_f64()
    );

    // The rows of the steps from these points: the batch of the step is among those measured.
    let sharpness = run.join("sharpness.csv");
    assert_eq!(numbers(&sharpness, "iteration"), [0.0, 9.0]);
    let metrics = run.join("metrics.csv");
    let steps = numbers(&metrics, "step_size");
    let rows = table(&epochs).1;
    for (row, (iteration, epoch)) in [(0, 0), (9, 3)].into_iter().enumerate() {
        let at = |name| numbers(&sharpness, name)[row];
        let [mean, least, largest] = [7, 8, 9].map(|k| rows[epoch][k].parse::<f64>().unwrap());
        assert!(least < mean && mean < largest, "three batches differ");
        assert!((least..=largest).contains(&at("sharpness")));
        assert_eq!(at("step_size"), steps[iteration]);
        assert_eq!(
            at("step_size_times_sharpness"),
            at("step_size") * at("sharpness")
        );
    }

    // Every loss is that of a batch, and so is the average of the search.
    let batch_losses = numbers(&metrics, "loss");
    assert_eq!(batch_losses.len(), 15);
    let mean = batch_losses.iter().sum::<f64>() / 15.0;
    let average = numbers(&metrics, "average_loss")[14];
    assert!((average - mean).abs() < 1e-12);
    // At the start, before any step, the full loss is not that of the first batch.
    assert!((batch_losses[0] / losses[0] - 1.0).abs() > 1e-4);

    let picture =
        std::fs::read_to_string(folder.path().join("quick/fashion-mnist-mlp-mse-42.svg")).unwrap();
    assert!(picture.contains("by epoch, for NLS"));
}

/// One batch of all samples: the steps are those of the full batch, but for the order of the samples in a sum.
#[test]
fn a_batch_of_all_samples_steps_like_the_full_batch() {
    let folder = TempDir::new().unwrap();
    let double = "dtype=\"f64\"";
    run(folder.path(), &[double, "batch_size=60"]).success();
    let stochastic = only_run(folder.path());
    let full = GRID.replace("batch_size = 25\nepochs = 5", "iterations = 5");
    let other = TempDir::new().unwrap();
    std::fs::write(other.path().join("quick.toml"), full).unwrap();
    experiments(
        other.path(),
        &["run", "quick.toml", "--device", "flex", "--set", double],
    )
    .assert()
    .success();
    let full = only_run(other.path());
    assert!(!full.join("epochs.csv").exists());
    for name in ["loss", "gradient_norm", "step_size", "reference_value"] {
        let [left, right] = [&stochastic, &full].map(|run| numbers(&run.join("metrics.csv"), name));
        assert_eq!(left.len(), 5);
        for (left, right) in left.iter().zip(right) {
            assert!((left / right - 1.0).abs() < 1e-9, "{name} {left} {right}");
        }
    }
    let losses = numbers(&stochastic.join("metrics.csv"), "loss");
    let full_losses = numbers(&stochastic.join("epochs.csv"), "loss");
    for (batch, full) in losses.iter().zip(full_losses) {
        assert!((batch / full - 1.0).abs() < 1e-12);
    }
}

/// The order of the samples follows the seed, whatever the chunk and the measurements.
#[test]
fn the_same_seed_gives_the_same_bits() {
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    run(folders[0].path(), &[]).success();
    run(folders[1].path(), &["sharpness_every=0", "chunk=300"]).success();
    let [left, right] = folders.each_ref().map(|folder| only_run(folder.path()));
    for name in ["loss", "step_size", "gradient_norm"] {
        let file = "metrics.csv";
        assert_eq!(
            column(&left.join(file), name),
            column(&right.join(file), name)
        );
    }
    assert!(weights(&left) == weights(&right));
}

#[test]
fn every_method_of_the_appendix_makes_its_run() {
    let folder = TempDir::new().unwrap();
    let arguments = [
        "run",
        "--preset",
        "appE",
        "--scale",
        "smoke",
        "--device",
        "flex",
        "--set",
        "datasets=[\"fashion-mnist\"]",
        "--set",
        "methods=[{ name = \"sam\", step_size = 0.1 }, { name = \"cdat\", averaging = 0.9 }, \"nls-ub\", \"nls\", \
         \"ls\", \"ponos\"]",
        "--set",
        "networks=[\"mlp\", { name = \"cnn\", channels = [4, 4], norm = \"batch\" }]",
    ];
    experiments(folder.path(), &arguments)
        .assert()
        .success()
        .stdout(predicate::str::contains("PoNoS"));
    let grid = folder.path().join("appE-smoke");
    let runs: Vec<PathBuf> = (std::fs::read_dir(&grid).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    assert_eq!(runs.len(), 12);
    for run in runs {
        let (file, name) = (run_file(&run), run.display().to_string());
        assert_eq!(file["status"], "done", "{name}");
        let per_epoch = if name.contains("-mlp-") { 8 } else { 3 };
        assert_eq!(file["totals"]["iterations"], 3 * per_epoch, "{name}");
        let metrics = run.join("metrics.csv");
        assert_eq!(numbers(&metrics, "loss").len(), 3 * per_epoch, "{name}");
        let epochs = run.join("epochs.csv");
        assert_eq!(
            is_given(&epochs, "sharpness_mean"),
            [true, false, true, true]
        );
        assert_eq!(is_given(&epochs, "test_loss"), [true; 4]);
        let evaluations: f64 = numbers(&metrics, "function_evaluations").iter().sum();
        assert_eq!(
            file["totals"]["function_evaluations"].as_f64(),
            Some(evaluations),
            "{name}: neither the full loss nor the sharpness is the method's"
        );
    }
    let mut check = assert_cmd::Command::from_std(Command::new(cargo_bin("experiments")));
    (check.arg("check").arg(&grid).assert().success())
        .stdout(predicate::str::contains("60 samples in batches of 25"))
        .stdout(predicate::str::contains("of 3 epochs"));
}
