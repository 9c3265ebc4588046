//! Runs that are stopped, killed or damaged, and go on.

#[cfg(unix)]
mod damage;
#[cfg(unix)]
mod kills;
mod longer;
#[cfg(unix)]
mod signals;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

use super::{run_file, weights};

/// A grid of one run.
const SMALL: &str = "datasets = [\"fashion-mnist\"]\nnetworks = [{ name = \"mlp\", widths = [12] }]\n\
                     methods = [\"nls\"]\niterations = 40\nsamples = 60\nsharpness_every = 5\naccuracy_every = 7\n\
                     device = \"flex\"\n";

/// The program, about to make the runs of the grid with results in `folder`.
fn program(folder: &Path, grid: &str, more: &[&str]) -> Command {
    std::fs::write(folder.join("grid.toml"), grid).unwrap();
    let mut command = Command::new(cargo_bin("experiments"));
    command
        .args(["run", "grid.toml", "--results", "."])
        .args(more)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Makes the runs to their end; what was said on the way.
fn finish(folder: &Path, grid: &str, more: &[&str]) -> String {
    let output = program(folder, grid, more).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// The directory of the only run, whose name contains `part`.
fn run_of(folder: &Path, part: &str) -> PathBuf {
    let entries = std::fs::read_dir(folder.join("grid")).unwrap();
    let mut runs = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && path.to_string_lossy().contains(part));
    let run = runs.next().unwrap();
    assert!(runs.next().is_none(), "more than one run");
    run
}

fn only_run(folder: &Path) -> PathBuf {
    run_of(folder, "")
}

/// The names of the CSV files of a run.
fn tables(run: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(run).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".csv"))
        .collect()
}

/// The cells of a CSV file but those of times.
fn cells(path: &Path) -> Vec<Vec<String>> {
    let (header, rows) = super::table(path);
    let is_time = |column: &String| column.ends_with("seconds");
    let kept: Vec<_> = (0..header.len())
        .filter(|&at| !is_time(&header[at]))
        .collect();
    let pick = |row: &Vec<String>| kept.iter().map(|&at| row[at].clone()).collect();
    [&header].into_iter().chain(&rows).map(pick).collect()
}

/// The totals of a run without its times.
fn totals(run: &Path) -> Value {
    let mut totals = run_file(run)["totals"].clone();
    (totals.as_object_mut().unwrap()).retain(|name, _| !name.ends_with("seconds"));
    totals
}

/// Makes sure that two runs left the same: weights and every cell but times bit by bit.
fn assert_same(run: &Path, reference: &Path) {
    assert_eq!(tables(run), tables(reference));
    for name in tables(run) {
        let (found, expected) = (run.join(&name), reference.join(&name));
        if std::fs::metadata(&expected).unwrap().len() == 0 {
            assert_eq!(std::fs::metadata(&found).unwrap().len(), 0, "{name}");
            continue;
        }
        assert_eq!(cells(&found), cells(&expected), "{name}");
    }
    assert!(weights(run) == weights(reference), "the weights differ");
    assert_eq!(totals(run), totals(reference));
    for run in [run, reference] {
        assert!(!run.join("checkpoint.previous.safetensors").exists());
        assert!(run.join("checkpoint.safetensors").exists());
    }
}

/// Rows of a CSV file so far, without the header.
fn rows(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count().saturating_sub(1))
}

/// Waits until the only run of a child has recorded so many iterations.
#[cfg(unix)]
fn wait_for_rows(child: &mut Child, folder: &Path, count: usize) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(600);
    let has_rows = || {
        folder.join("grid").is_dir()
            && (std::fs::read_dir(folder.join("grid")).unwrap())
                .any(|entry| rows(&entry.unwrap().path().join("metrics.csv")) >= count)
    };
    while !has_rows() {
        assert!(
            std::time::Instant::now() < deadline,
            "the run does not start"
        );
        assert!(child.try_wait().unwrap().is_none(), "the run has ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Sends a signal to a child, or with a minus before the number to its process group.
#[cfg(unix)]
fn signal(name: &str, to: &str) {
    let kill = Command::new("kill").args(["-s", name, "--", to]).status();
    assert!(kill.unwrap().success());
}

/// Starts a run of the grid that writes a checkpoint before every iteration from the second on, and stops it after so
/// many rows. Two generations of the checkpoint are left, an iteration apart.
#[cfg(unix)]
fn stopped_after(folder: &Path, grid: &str, count: usize) -> PathBuf {
    let mut child = program(folder, grid, &["--checkpoint-every", "1", "--in-process"])
        .spawn()
        .unwrap();
    wait_for_rows(&mut child, folder, count);
    signal("INT", &child.id().to_string());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    only_run(folder)
}
