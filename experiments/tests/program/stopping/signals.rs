//! Signals end a run soon, and it goes on from there.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{SMALL, assert_same, finish, only_run, program, rows, run_file, signal, wait_for_rows};

/// How long a program may take from a signal to its end: a trial evaluation, of which the samples in the network at that
/// moment are waited for only, and a second, on a machine that does other things too. Without them it is some 0.1 s; the
/// measurement that is given up would have taken minutes.
const SOON: Duration = Duration::from_secs(3);

/// Measuring at the first iteration takes some hundred Hessian-vector products of about a second each.
const SLOW: &str = "datasets = [\"fashion-mnist\"]\nnetworks = [\"cnn\"]\nmethods = [\"nls\"]\niterations = 3\n\
                    samples = 1000\nsharpness_every = 0\naccuracy_every = 0\ndevice = \"flex\"\n\
                    diagnostics = { every = 1, eigenvalues = 20 }\n";

#[test]
fn a_measurement_under_way_is_thrown_away() {
    for (name, code) in [("INT", 130), ("TERM", 143), ("USR1", 138)] {
        let folder = TempDir::new().unwrap();
        let mut child = program(folder.path(), SLOW, &[]).spawn().unwrap();
        wait_for_rows(&mut child, folder.path(), 1); // the row of the step; the diagnostics follow
        let start = Instant::now();
        signal(name, &child.id().to_string());
        let output = child.wait_with_output().unwrap();
        let latency = start.elapsed();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(!said.contains("no diagnostics"), "{said}");
        println!("SIG{name}: ended after {latency:.1?}");
        assert!(latency < SOON, "{latency:?}");
        let run = only_run(folder.path());
        let file = run_file(&run);
        assert_eq!(file["status"], "interrupted");
        let reason = file["reason"].as_str().unwrap();
        assert!(reason.contains("before iteration 0"), "{reason}");
        assert_eq!(file["totals"]["iterations"], 0);
        assert_eq!(file["totals"]["function_evaluations"], 0);
        assert_eq!(rows(&run.join("metrics.csv")), 0);
        assert_eq!(rows(&run.join("diagnostics.csv")), 0);
        assert!(run.join("checkpoint.safetensors").exists());
    }
}

/// A run that is stopped again and again is the same run in the end, full-batch or not.
#[test]
fn a_run_may_be_stopped_at_any_iteration() {
    let measured = "segment = { at = [1, 9, 30], window = 9 }\n";
    stop_again_and_again(&format!("{SMALL}{measured}"));
    stop_again_and_again(&SMALL.replace("iterations = 40", "batch_size = 25\nepochs = 30"));
}

fn stop_again_and_again(grid: &str) {
    let reference = TempDir::new().unwrap();
    finish(reference.path(), grid, &[]);
    let folder = TempDir::new().unwrap();
    for count in [1, 8, 20] {
        let mut child = program(folder.path(), grid, &["--in-process"])
            .spawn()
            .unwrap();
        wait_for_rows(&mut child, folder.path(), count);
        let start = Instant::now();
        signal("TERM", &child.id().to_string());
        let output = child.wait_with_output().unwrap();
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        if output.status.code() != Some(143) {
            break; // it was sooner done than the signal came
        }
        let run = only_run(folder.path());
        let file = run_file(&run);
        assert_eq!(file["status"], "interrupted");
        let made = rows(&run.join("metrics.csv")) as u64;
        assert!(file["totals"]["iterations"].as_u64().unwrap() <= made);
        let reason = file["reason"].as_str().unwrap();
        assert!(
            reason.contains(&format!("before iteration {made};")),
            "{made}: {reason}"
        );
    }
    let run = only_run(folder.path());
    finish(folder.path(), grid, &[]);
    assert_same(&run, &only_run(reference.path()));
    let resumed = run_file(&run)["resumed"].clone();
    let resumed = resumed.as_array().expect("it went on");
    assert!(
        resumed.iter().all(|once| once["from"] == "checkpoint"),
        "{resumed:?}"
    );
}
