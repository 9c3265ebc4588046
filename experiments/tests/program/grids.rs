//! Grids and arguments, right and wrong.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use tempfile::TempDir;

use super::experiments;

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
        (
            vec!["--set", "chunk=\"large\""],
            "chunk = \"large\": expected \"auto\" or a whole number, at least 1",
        ),
        (
            vec!["--chunk", "0"],
            "expected \"auto\" or a whole number, at least 1",
        ),
        (vec!["--memory", "much"], "invalid value 'much'"),
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

/// A software Vulkan driver is a GPU to the eye only: `auto` leaves it alone.
#[cfg(all(feature = "wgpu", feature = "flex"))]
#[test]
fn auto_never_takes_a_software_adapter() {
    let folder = TempDir::new().unwrap();
    let output = experiments(folder.path(), &["--device", "auto", "--dry-run"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(
        output.status.success() && text.contains("runs on "),
        "{text}"
    );
    assert!(
        !text.contains("llvmpipe") && !text.contains("swiftshader"),
        "{text}"
    );
}
