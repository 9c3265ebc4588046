//! Folders that hold other things than whole runs.

use std::fs;

use predicates::prelude::*;
use tempfile::TempDir;

use super::{four_runs, output, report};
use crate::runs;

/// Every command names what it cannot read, and goes on with the rest.
#[test]
fn broken_runs_are_named_and_the_rest_is_shown() {
    let folder = four_runs();
    let runs = runs(folder.path());
    let quick = folder.path().join("quick");
    // Two of four runs are damaged; beside them are things that are no runs.
    fs::write(runs[0].join("run.json"), "{\"status\": \"do").unwrap();
    fs::remove_file(runs[1].join("run.json")).unwrap();
    fs::create_dir_all(quick.join("empty")).unwrap();
    fs::create_dir_all(quick.join("foreign/deep")).unwrap();
    fs::write(quick.join("foreign/run.json"), "[1, 2]").unwrap();
    fs::write(quick.join("foreign/deep/notes.txt"), "nothing").unwrap();
    let copy = folder.path().join("copy");
    fs::create_dir_all(&copy).unwrap();
    for file in ["run.json", "config.toml", "metrics.csv"] {
        fs::copy(runs[2].join(file), copy.join(file)).unwrap();
    }
    for arguments in [
        &["table", "."][..],
        &["export", ".", "--tensorboard", "events"],
        &["plot", ".", "--figure", "all", "--output", "all.svg"],
    ] {
        report(folder.path(), arguments)
            .assert()
            .success()
            .stderr(predicate::str::contains("run.json is no run file"))
            .stderr(predicate::str::contains(
                "has a config.toml but no run.json",
            ))
            .stderr(predicate::str::contains("foreign/run.json is no run file"))
            .stderr(predicate::str::contains("the same configuration as ./copy"));
    }
    let csv = output(&mut report(
        folder.path(),
        &["table", "quick", "--format", "csv", "--columns", "seeds"],
    ));
    assert_eq!(csv.lines().count(), 2, "one method is left\n{csv}");
    assert!(csv.ends_with(",NLS,\"1, 2\"\n"), "{csv}");
}

/// A row that was not written to its end is left out; a row that is wrong takes its run with it.
#[test]
fn half_written_rows_are_left_out() {
    let folder = four_runs();
    let runs = runs(folder.path());
    let metrics = runs[0].join("metrics.csv");
    let text = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, &text[..text.len() - 30]).unwrap();
    let wrong = runs[1].join("metrics.csv");
    fs::write(&wrong, text.replace("\n3,", "\nthree,")).unwrap();
    fs::write(runs[2].join("metrics.csv"), "").unwrap();
    let assert = report(
        folder.path(),
        &["table", "quick", "--format", "csv", "--columns", "seeds"],
    )
    .assert()
    .success()
    .stderr(predicate::str::contains("the last row is half-written"))
    .stderr(predicate::str::contains("does not hold the rows expected"))
    .stderr(predicate::str::contains(
        "metrics.csv has no row, but run.json tells of 7 iterations",
    ));
    let csv = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(
        csv.ends_with(",LS,1\nfashion-mnist,mlp,mse,,NLS,2\n"),
        "{csv}"
    );
}

#[test]
fn without_a_run_the_message_says_what_to_give() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for (results, problem) in [
        (".", "holds no run that can be read: give a folder"),
        ("nothing", "cannot read the folder nothing"),
        ("file", "cannot read the folder file"),
    ] {
        for command in [
            &["table", results][..],
            &["compare", results],
            &["plot", results],
            &["export", results, "--tensorboard", "events"],
        ] {
            report(folder.path(), command)
                .assert()
                .code(2)
                .stderr(predicate::str::contains(problem));
        }
    }
    assert!(!folder.path().join("events").exists());
}
