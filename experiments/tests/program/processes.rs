//! Cells in processes of their own: crashes, limits, signals, and several programs on one folder.

mod crashes;
mod limits;
mod managing;
mod restarts;
mod sharing;
mod signals;
mod versions;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

use super::{column, run_file, runs};

/// A grid of small runs, one for each method.
fn grid(methods: &str, iterations: u64) -> Vec<String> {
    let settings = [
        "networks=[{name=\"mlp\", widths=[4]}]".to_owned(),
        format!("methods={methods}"),
        format!("iterations={iterations}"),
        "samples=20".to_owned(),
        "sharpness_every=0".to_owned(),
        "accuracy_every=0".to_owned(),
    ];
    let mut arguments = vec!["--device".to_owned(), "flex".to_owned()];
    for setting in settings {
        arguments.extend(["--set".to_owned(), setting]);
    }
    arguments
}

/// So many iterations that only a stop ends them.
const ENDLESS: u64 = 100_000_000;

/// The program, about to make the runs of a grid with results in `folder`.
fn program(folder: &Path, grid: &[String], more: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("experiments"));
    command
        .args(grid)
        .args(more)
        .args(["--jobs", "1", "--results", "."])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a program has said, and its exit code.
struct Ended {
    code: Option<i32>,
    output: String,
    errors: String,
}

fn end(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code(),
        output: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

fn finish(mut command: Command) -> Ended {
    end(command.spawn().unwrap())
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(300);
    while !is_there() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The directory of the run whose name contains `part`, once it has recorded some iterations.
fn under_way(folder: &Path, part: &str) -> PathBuf {
    let mut found = None;
    wait_for("a run under way", || {
        found = (folder.join("quick").is_dir().then(|| runs(folder)))
            .into_iter()
            .flatten()
            .find(|run| run.to_string_lossy().contains(part));
        let rows = (found.as_ref())
            .and_then(|run| std::fs::read_to_string(run.join("metrics.csv")).ok())
            .map_or(0, |text| text.lines().count());
        rows > 5
    });
    found.unwrap()
}

/// The number of the process that makes a run.
fn owner(run: &Path) -> u32 {
    run_file(run)["owner"]["pid"].as_u64().unwrap() as u32
}

fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// Whether a process has ended, or waits for nothing but to be taken note of.
fn is_gone(pid: u32) -> bool {
    let state = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .unwrap();
    let state = String::from_utf8(state.stdout).unwrap();
    state.trim().is_empty() || state.trim().starts_with('Z')
}

fn is_locked(run: &Path) -> bool {
    let lock = std::fs::File::open(run.join("lock")).unwrap();
    lock.try_lock_shared().is_err()
}

fn reason(file: &Value) -> &str {
    file["reason"].as_str().unwrap()
}
