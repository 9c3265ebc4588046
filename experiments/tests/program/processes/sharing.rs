//! Several programs on one folder, and the same numbers however runs are made.

use tempfile::TempDir;

use super::{
    ENDLESS, column, end, finish, grid, is_locked, owner, program, run_file, runs, signal,
    under_way,
};
use crate::weights;

#[test]
fn two_programs_share_a_grid_and_make_no_run_twice() {
    let folder = TempDir::new().unwrap();
    let sizes = ["1e-6", "2e-6", "3e-6", "4e-6", "5e-6"];
    let methods = sizes.map(|size| format!("{{name=\"gd\", step_size={size}}}"));
    let grid = grid(&format!("[{}]", methods.join(", ")), 800);
    let start = || program(folder.path(), &grid, &[]).spawn().unwrap();
    let both = [start(), start()].map(end);
    let said: String = both.iter().map(|ended| ended.errors.as_str()).collect();
    assert!(both.iter().all(|ended| ended.code == Some(0)), "{said}");
    let all = runs(folder.path());
    assert_eq!(all.len(), 5);
    for run in all {
        assert_eq!(run_file(&run)["status"], "done");
        assert_eq!(column(&run.join("metrics.csv"), "loss").len(), 800);
        let name = run.file_name().unwrap().to_string_lossy().into_owned();
        let made = format!("{name}  done ");
        assert_eq!(said.matches(&made).count(), 1, "{name}\n{said}");
    }
}

#[test]
fn a_run_that_another_program_makes_is_passed_over_and_named() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\"]", ENDLESS);
    let other = program(folder.path(), &grid, &[]).spawn().unwrap();
    let run = under_way(folder.path(), "");
    let pid = owner(&run);
    let ended = finish(program(folder.path(), &grid, &[]));
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    for words in [
        format!("skipped: process {pid} on "),
        "1 of 1 runs are being made by others:".to_owned(),
    ] {
        assert!(ended.errors.contains(&words), "{}", ended.errors);
    }
    assert_eq!(owner(&run), pid);
    assert!(is_locked(&run));
    signal("INT", other.id());
    assert_eq!(end(other).code, Some(130));
}

/// Where and beside what a run is made does not change a bit of it.
#[test]
fn a_run_has_the_same_bits_in_this_process_and_in_its_own() {
    let made = [
        &["--in-process"][..],
        &["--jobs", "1"],
        &["--jobs", "2"],
        &["--in-process", "--jobs", "2"],
    ]
    .map(|how| {
        let folder = TempDir::new().unwrap();
        let measured = ["--set", "sharpness_every=4", "--set", "accuracy_every=5"];
        let arguments = super::super::one_run(&[&measured[..], how].concat());
        let two = ["--set", "methods=[\"nls\", \"cdat\"]", "--set", "chunk=20"];
        (super::super::experiments(folder.path(), &[&arguments[..], &two].concat()))
            .assert()
            .success();
        folder
    });
    let [first, others @ ..] = made.each_ref().map(|folder| runs(folder.path()));
    assert_eq!(first.len(), 2);
    for (left, right) in others.iter().flat_map(|others| first.iter().zip(others)) {
        assert_eq!(left.file_name(), right.file_name());
        for (file, name) in [
            ("metrics.csv", "loss"),
            ("metrics.csv", "step_size"),
            ("metrics.csv", "test_loss"),
            ("sharpness.csv", "sharpness"),
        ] {
            let values = |run: &std::path::Path| column(&run.join(file), name);
            assert_eq!(values(left), values(right), "{name}");
        }
        assert!(weights(left) == weights(right));
    }
}
