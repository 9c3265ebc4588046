//! Commands whose reader has gone.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

use super::{experiments, one_run, runs};

/// The exit code and the errors of a command whose standard output nobody reads.
fn without_reader(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = Command::new(cargo_bin("experiments"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    (child.wait().unwrap().code(), errors)
}

#[test]
fn a_reader_that_goes_ends_no_command_with_an_error() {
    let folder = TempDir::new().unwrap();
    let two = one_run(&["--set", "methods=[\"nls\", \"gd\"]"]);
    experiments(folder.path(), &two).assert().success();
    let weights = runs(folder.path())[0].join("weights.safetensors");
    let weights = weights.to_str().unwrap();
    let spectrum = [
        "spectrum",
        "--weights",
        weights,
        "--dataset",
        "fashion-mnist",
        "--network",
        "mlp",
        "--samples",
        "20",
        "--eigenvalues",
        "1",
        "--device",
        "flex",
    ];
    let commands: [&[&str]; 12] = [
        &["table", "quick"],
        &["compare", "quick"],
        &["data"],
        &["plot", "quick"],
        &["export", "quick", "--tensorboard", "exported"],
        &["report", "quick"],
        &["status", "quick"],
        &["watch", "quick", "--once"],
        &["doctor", "--device", "flex"],
        &["run", "--dry-run"],
        &["clean", "quick"],
        &spectrum,
    ];
    for arguments in commands {
        let (code, errors) = without_reader(folder.path(), arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {errors}");
        assert!(!errors.contains("panicked"), "{arguments:?}: {errors}");
    }
    // What the claims are worth decides the exit code of `check`, whoever reads them.
    let read = experiments_code(folder.path(), &["check", "quick"]);
    let (code, errors) = without_reader(folder.path(), &["check", "quick"]);
    assert_eq!(code, read, "{errors}");
}

fn experiments_code(folder: &Path, arguments: &[&str]) -> Option<i32> {
    let mut command = Command::new(cargo_bin("experiments"));
    let output = command
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    output.status.code()
}
