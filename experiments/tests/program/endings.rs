//! Runs that do not reach their end.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use tempfile::TempDir;

use super::{experiments, numbers, one_run, run_file, runs};

#[test]
fn a_run_that_diverges_is_recorded_and_the_grid_goes_on() {
    let folder = TempDir::new().unwrap();
    let methods = "methods=[{name=\"gd\", step_size=1e30}, \"ls\"]";
    experiments(folder.path(), &one_run(&["--set", methods]))
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

/// No decrease is as large as the search asks for with the only step size that it may try.
#[test]
fn a_run_that_stalls_is_recorded_with_its_reason_and_the_grid_goes_on() {
    let folder = TempDir::new().unwrap();
    let methods = "methods=[{name=\"ls\", first_step_size=1e6, max_trials=1}, \"ls\"]";
    experiments(folder.path(), &one_run(&["--set", methods]))
        .assert()
        .code(1)
        .stderr(predicate::str::contains(
            "1 of 2 runs did not reach their end",
        ));
    let files: Vec<_> = (runs(folder.path()).iter())
        .map(|run| run_file(run))
        .collect();
    let stalled = files.iter().find(|file| file["status"] == "stalled");
    let stalled = stalled.unwrap_or_else(|| panic!("{files:?}"));
    let reason = stalled["reason"].as_str().unwrap();
    assert!(
        reason.contains("none of 1 step sizes was acceptable"),
        "{reason}"
    );
    assert_eq!(stalled["totals"]["iterations"], 0);
    assert!(files.iter().any(|file| file["status"] == "done"));
    // Once more, it is skipped, and still no success.
    experiments(folder.path(), &one_run(&["--set", methods]))
        .assert()
        .code(1)
        .stderr(predicate::str::contains(
            "2 of 2 runs were already finished",
        ));
}

/// As `| head -1` does: nobody reads what is said, in the program or in the process of a run.
#[test]
fn a_grid_is_finished_when_nobody_listens_any_more() {
    for more in [&[][..], &["--in-process"]] {
        let folder = TempDir::new().unwrap();
        let methods = "methods=[\"nls\", \"ls\", \"ponls\"]";
        let mut child = Command::new(cargo_bin("experiments"))
            .args(one_run(&[&["--set", methods], more].concat()))
            .arg("--results")
            .arg(folder.path())
            .current_dir(folder.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let runs = runs(folder.path());
        assert_eq!(runs.len(), 3);
        for run in runs {
            assert_eq!(run_file(&run)["status"], "done");
        }
        assert!(folder.path().join("quick/summary.txt").exists());
    }
}

/// Ctrl-C: the iteration is finished, the files are whole, and the same command makes the run.
#[cfg(unix)]
#[test]
fn an_interrupted_grid_says_how_to_go_on() {
    let folder = TempDir::new().unwrap();
    let long = one_run(&[
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
