//! What a grid costs beside its steps and measurements.
//!
//! ```sh
//! cargo bench -p experiments --bench overhead                      # the quick preset
//! cargo bench -p experiments --bench overhead -- --set samples=500 # as `experiments run` takes it, of full-batch runs
//! ```
//!
//! The runs are made one after the other in one process, on all threads. What remains of its time once the seconds of
//! all steps, measurements and evaluations are taken off is everything else: to read the data, draw weights, write
//! records, progress and checkpoints, and at the end table, pictures and page. A second process of the same grid for
//! a single iteration does all of this but the records and the progress; the difference is theirs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

/// Seconds of a grid.
struct Cost {
    whole: f64,
    training: f64,
    measuring: f64,
    iterations: u64,
}

impl Cost {
    fn rest(&self) -> f64 {
        self.whole - self.training - self.measuring
    }
}

fn run(arguments: &[String], more: &[&str]) -> Cost {
    let folder = TempDir::new().expect("a temporary folder");
    let start = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_experiments"))
        .args(["run", "--in-process", "--jobs", "1", "--device", "flex"])
        .args(arguments)
        .args(more)
        .arg("--results")
        .arg(folder.path())
        .stdout(Stdio::null())
        .status()
        .expect("the program starts");
    let whole = start.elapsed().as_secs_f64();
    assert!(status.success(), "the grid was not made: {status}");
    let mut cost = Cost {
        whole,
        training: 0.0,
        measuring: 0.0,
        iterations: 0,
    };
    add(folder.path(), &mut cost);
    cost
}

/// Adds the runs in a folder and the folders in it.
fn add(folder: &Path, cost: &mut Cost) {
    for entry in std::fs::read_dir(folder).expect("a folder of results") {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            add(&path, cost);
        } else if path.ends_with("run.json") {
            let text = std::fs::read(&path).expect("a run's file");
            let file: serde_json::Value = serde_json::from_slice(&text).expect("a run's file");
            let seconds = |name: &str| file["totals"][name].as_f64().expect("seconds");
            cost.training += seconds("training_seconds");
            cost.measuring += seconds("measuring_seconds");
            cost.iterations += file["totals"]["iterations"].as_u64().expect("a count");
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let cost = run(&arguments, &[]);
    let share = |seconds: f64| 100.0 * seconds / cost.whole;
    let print = |what: &str, seconds: f64| {
        println!("{what:44}{seconds:9.3} s {:7.3} %", share(seconds));
    };
    print("the whole grid", cost.whole);
    print("steps", cost.training);
    print("sharpness, accuracies, diagnostics", cost.measuring);
    print("everything else", cost.rest());
    let short = run(&arguments, &["--set", "iterations=1"]);
    print("  of that in a grid of single iterations", short.rest());
    print(
        "  records, progress and checkpoints",
        cost.rest() - short.rest(),
    );
    match cost.iterations.checked_sub(short.iterations) {
        None | Some(0) => println!("  in no more iterations: give the grid some"),
        Some(more) => {
            let each = 1e6 * (cost.rest() - short.rest()) / more as f64;
            println!("  {each:.1} µs for each of {more} iterations");
        }
    }
}
