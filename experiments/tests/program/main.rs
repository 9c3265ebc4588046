//! The program as a user meets it.

mod damaged_grids;
mod diagnostics;
mod endings;
mod follow;
mod grids;
mod memory;
mod pipes;
#[cfg(unix)]
mod processes;
mod records;
mod report;
mod reports;
mod spectrum;
mod stochastic;
mod stopping;
mod tune;

use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

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

/// A grid of one small run, as arguments.
fn one_run<'a>(more: &[&'a str]) -> Vec<&'a str> {
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

/// Sends a SIGINT to a child that makes one run of the quick preset in `folder`, once it has recorded five iterations.
#[cfg(unix)]
fn interrupt_after_five_rows(child: &std::process::Child, folder: &Path) {
    let has_rows = || {
        folder.join("quick").is_dir()
            && (runs(folder).first()).is_some_and(|run| {
                let text = std::fs::read_to_string(run.join("metrics.csv"));
                text.is_ok_and(|text| text.lines().count() > 5)
            })
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !has_rows() {
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
}
