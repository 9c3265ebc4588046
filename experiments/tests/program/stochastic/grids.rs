//! Grids with mini-batches, right and wrong.

use predicates::prelude::*;
use tempfile::TempDir;

use super::super::{experiments, one_run};
use super::{GRID, run};

#[test]
fn what_makes_no_sense_with_mini_batches_is_named() {
    let folder = TempDir::new().unwrap();
    for (sets, message) in [
        (
            &["batch_size=61"][..],
            "batch_size = 61 is larger than the 60 samples of mlp: expected at most 60",
        ),
        (
            &["first_per_class=2"],
            "batch_size = 25 is larger than the 20 samples of mlp: expected at most 20",
        ),
        (
            &["iterations=7"],
            "iterations does not go with batch_size = 25: epochs = 100 says how long",
        ),
        (
            &["diagnostics={}"],
            "diagnostics does not go with batch_size = 25",
        ),
        (
            &["segment={ at = [0] }"],
            "segment does not go with batch_size = 25",
        ),
        (
            &["batch_size=0"],
            "epochs = 5 goes with mini-batches: add batch_size = 256",
        ),
        (
            &["batch_size=-1"],
            "batch_size = -1: expected a whole number, at least 0",
        ),
        (
            &["epochs=0"],
            "epochs = 0: expected a whole number, at least 1",
        ),
        (
            &["methods=[{ name = \"sam\", step_size = \"tuned\" }]"],
            "step_size = \"tuned\" does not go with batch_size",
        ),
    ] {
        run(folder.path(), sets)
            .code(2)
            .stderr(predicate::str::contains(message));
    }
    experiments(
        folder.path(),
        &["tune", "gd", "quick.toml", "--device", "flex"],
    )
    .assert()
    .code(2)
    .stderr(predicate::str::contains("tuning makes full-batch runs"));
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "only the grid file is there");
}

#[test]
fn a_stochastic_grid_is_planned_and_timed() {
    let folder = TempDir::new().unwrap();
    let arguments = ["run", "--preset", "appE", "--device", "flex", "--dry-run"];
    let output = experiments(folder.path(), &arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("144 runs on flex"), "{text}");
    let line = text
        .lines()
        .find(|line| line.contains("cifar10-mlp-nls-42"));
    // A twentieth of what an iteration of the full batch takes.
    for part in ["5000 in 250 epochs", " 0.8 "] {
        assert!(line.unwrap().contains(part), "{line:?}");
    }
    std::fs::write(folder.path().join("quick.toml"), GRID).unwrap();
    let timed = [
        "run",
        "quick.toml",
        "--device",
        "flex",
        "--dry-run",
        "--estimate",
    ];
    (experiments(folder.path(), &timed).assert().success())
        .stdout(predicate::str::contains("15 in 5 epochs"))
        .stdout(predicate::str::contains("all of them here"));
}

/// New keys leave the names of full-batch runs alone, so that finished ones are still skipped.
#[test]
fn a_full_batch_run_keeps_its_name() {
    let folder = TempDir::new().unwrap();
    let arguments = one_run(&["--dry-run"]);
    (experiments(folder.path(), &arguments).assert().success()).stdout(predicate::str::contains(
        "fashion-mnist-mlp-nls-42-973f547d06",
    ));
}
