//! Cells whose process was still there when a program came to them, and was left alone by its own.

use std::time::Duration;

use tempfile::TempDir;

use super::{
    column, end, finish, grid, is_gone, is_locked, owner, program, run_file, runs, signal,
    under_way, wait_for,
};

/// The process of the run is held for a second, as a large network's is that writes its checkpoint.
#[test]
fn a_restart_soon_after_the_program_died_makes_everything() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\"]", 15_000);
    let mut child = program(folder.path(), &grid, &[]).spawn().unwrap();
    let run = under_way(folder.path(), "");
    let process = owner(&run);
    signal("STOP", process);
    child.kill().unwrap(); // the program alone
    child.wait().unwrap();
    let restarted = program(folder.path(), &grid, &[]).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    signal("CONT", process);
    let ended = end(restarted);
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    assert_eq!(run_file(&run)["status"], "done", "{}", ended.errors);
    assert_eq!(column(&run.join("metrics.csv"), "loss").len(), 15_000);
    assert!(is_gone(process) && !is_locked(&run));
}

/// Longer than any program waits for one that does not say that it stops.
#[test]
fn a_process_that_says_that_it_stops_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\"]", 9);
    assert_eq!(finish(program(folder.path(), &grid, &[])).code, Some(0));
    let run = runs(folder.path()).remove(0);
    let mut file = run_file(&run);
    file["status"] = "running".into();
    std::fs::write(run.join("run.json"), file.to_string()).unwrap();
    std::fs::write(run.join("lock"), "stopping\n").unwrap();
    let lock = std::fs::File::options().write(true).open(run.join("lock"));
    let lock = lock.unwrap();
    lock.lock().unwrap();
    let child = program(folder.path(), &grid, &[]).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(5));
    drop(lock);
    let ended = end(child);
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    let waits = "waiting for the process that was making it to stop";
    assert_eq!(ended.errors.matches(waits).count(), 1, "{}", ended.errors);
    assert_eq!(run_file(&run)["status"], "done");
    assert!(std::fs::read(run.join("lock")).unwrap().is_empty());
}

#[test]
fn a_run_that_another_program_leaves_behind_is_made_after_the_others() {
    let folder = TempDir::new().unwrap();
    let methods = "[{name=\"gd\", step_size=1e-6}, {name=\"sam\", step_size=1e-6}]";
    let grid = grid(methods, 9000);
    let start = || program(folder.path(), &grid, &[]).spawn().unwrap();
    let mut first = start();
    let left = under_way(folder.path(), "-gd-");
    let process = owner(&left);
    signal("STOP", process); // or it would be done before the other one is looked at
    let second = start();
    let other = under_way(folder.path(), "-sam-");
    assert_ne!(owner(&other), process);
    first.kill().unwrap();
    first.wait().unwrap();
    signal("CONT", process);
    wait_for("the end of the process's process", || is_gone(process));
    let ended = end(second);
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    assert!(
        ended
            .errors
            .contains(&format!("skipped: process {process} on ")),
        "{}",
        ended.errors
    );
    for run in [left, other] {
        assert_eq!(run_file(&run)["status"], "done", "{}", ended.errors);
        assert_eq!(column(&run.join("metrics.csv"), "loss").len(), 9000);
    }
}
