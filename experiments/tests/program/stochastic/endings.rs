//! When a stochastic run ends.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

use super::super::{interrupt_after_five_rows, numbers, run_file};
use super::{GRID, is_given, only_run, run};

const WITHOUT_MEASUREMENTS: [&str; 2] = ["sharpness_every=0", "accuracy_every=0"];

#[test]
fn a_batch_on_which_the_search_fails_is_passed_over() {
    // No step is smaller than 0.125, which is too large for some batches.
    let folder = TempDir::new().unwrap();
    let coarse = "methods=[{ name = \"ls\", min_step_size = 0.12 }]";
    run(
        folder.path(),
        &[
            &[coarse, "epochs=20", "batch_size=5"],
            &WITHOUT_MEASUREMENTS[..],
        ]
        .concat(),
    )
    .success();
    let run_directory = only_run(folder.path());
    let steps = numbers(&run_directory.join("epochs.csv"), "steps");
    assert!(
        steps[1..].iter().any(|&steps| steps > 0.0 && steps < 12.0),
        "some batches are passed over: {steps:?}"
    );
    let metrics = run_directory.join("metrics.csv");
    let taken = numbers(&metrics, "step_size");
    assert_eq!(taken.len(), 20 * 12);
    let file = run_file(&run_directory);
    let moved = taken.iter().filter(|&&step_size| step_size > 0.0).count();
    assert_eq!(file["status"], "done");
    assert_eq!(file["totals"]["iterations"], moved);
    assert_eq!(steps.iter().sum::<f64>(), moved as f64);
}

/// Four batches, fitted one after the other, until an epoch finds all of them so.
#[test]
fn a_run_converges_with_an_epoch_of_fitted_batches_and_not_with_one() {
    let folder = TempDir::new().unwrap();
    let small = "networks=[{ name = \"mlp\", widths = [32], activation = \"tanh\" }]";
    let fitted = [
        "methods=[\"ls\"]",
        small,
        "samples=10",
        "batch_size=3",
        "epochs=2500",
        "dtype=\"f64\"",
    ];
    run(
        folder.path(),
        &[&fitted[..], &WITHOUT_MEASUREMENTS[..]].concat(),
    )
    .success();
    let run_directory = only_run(folder.path());
    let file = run_file(&run_directory);
    assert_eq!(file["status"], "converged");
    let reason = file["reason"].as_str().unwrap();
    assert!(
        reason.contains("gave a step: on one of them the loss is"),
        "{reason}"
    );
    let steps = numbers(&run_directory.join("epochs.csv"), "steps");
    let (last, before) = steps[1..].split_last().unwrap();
    assert_eq!(*last, 0.0);
    assert!(before.iter().all(|&steps| steps > 0.0));
    assert!(before.iter().any(|&steps| steps < 4.0), "{steps:?}");
    let losses = numbers(&run_directory.join("metrics.csv"), "loss");
    assert!(losses[losses.len() - 4..].iter().all(|&loss| loss < 1e-8));
}

/// No step size is acceptable on any batch.
#[test]
fn an_epoch_of_failed_searches_is_the_end() {
    let folder = TempDir::new().unwrap();
    let hopeless = "methods=[{ name = \"ls\", min_step_size = 5e3 }]";
    run(folder.path(), &[hopeless]).code(1);
    let run_directory = only_run(folder.path());
    let file = run_file(&run_directory);
    assert_eq!(file["status"], "stalled");
    let reason = file["reason"].as_str().unwrap();
    assert!(
        reason.contains("no batch of epoch 0 gave a step"),
        "{reason}"
    );
    let epochs = run_directory.join("epochs.csv");
    assert_eq!(numbers(&epochs, "epoch"), [0.0, 1.0]);
    assert_eq!(numbers(&epochs, "steps"), [0.0, 0.0]);
    assert_eq!(is_given(&epochs, "sharpness_mean"), [true, true]);
    let losses = numbers(&epochs, "loss");
    assert_eq!(losses[0], losses[1], "the point has not moved");
    assert_eq!(
        numbers(&run_directory.join("metrics.csv"), "step_size"),
        [0.0, 0.0, 0.0]
    );
    let products = std::fs::read_to_string(run_directory.join("sharpness.csv")).unwrap();
    assert_eq!(products, "", "without a step there is no product");
}

#[test]
fn a_run_that_diverges_ends_at_once() {
    let folder = TempDir::new().unwrap();
    run(
        folder.path(),
        &["methods=[{ name = \"gd\", step_size = 1e30 }]"],
    )
    .code(1);
    let run = only_run(folder.path());
    let file = run_file(&run);
    assert_eq!(file["status"], "diverged");
    let reason = file["reason"].as_str().unwrap();
    assert!(reason.contains("at iteration 1, in epoch 0"), "{reason}");
    assert_eq!(numbers(&run.join("epochs.csv"), "epoch"), [0.0]);
}

/// Ctrl-C in the middle of an epoch: the files are whole, and the same command makes the run.
#[cfg(unix)]
#[test]
fn an_epoch_can_be_interrupted() {
    let folder = TempDir::new().unwrap();
    let grid = GRID.replace(
        "epochs = 5",
        "epochs = 1000000\nsharpness_every = 0\naccuracy_every = 0",
    );
    std::fs::write(folder.path().join("quick.toml"), grid).unwrap();
    let child = Command::new(cargo_bin("experiments"))
        .args(["run", "quick.toml", "--device", "flex", "--results"])
        .arg(folder.path())
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    interrupt_after_five_rows(&child, folder.path());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let run = only_run(folder.path());
    let file = run_file(&run);
    assert_eq!(file["status"], "interrupted");
    let rows = numbers(&run.join("metrics.csv"), "iteration");
    assert!(rows.windows(2).all(|pair| pair[1] == pair[0] + 1.0));
    // A row of epochs.csv for the start and every whole epoch. The run may have stopped between the last batch of an
    // epoch and its row: the row is then the first thing that the run goes on with.
    let epochs = numbers(&run.join("epochs.csv"), "epoch");
    let due = rows.len() / 3 + 1;
    let is_pending = rows.len().is_multiple_of(3) && epochs.len() + 1 == due;
    assert!(epochs.len() == due || is_pending, "{epochs:?} {rows:?}");
}
