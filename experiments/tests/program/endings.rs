//! Runs that do not reach their end.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use tempfile::TempDir;

use super::{cell, experiments, numbers, run_file, runs};

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
    super::interrupt_after_five_rows(&child, folder.path());
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
