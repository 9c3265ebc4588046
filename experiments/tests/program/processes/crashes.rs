//! A run that dies takes nothing with it.

use tempfile::TempDir;

use super::{
    ENDLESS, end, grid, is_gone, is_locked, owner, program, reason, run_file, runs, signal,
    under_way, wait_for,
};

#[test]
fn a_run_that_is_killed_fails_and_the_rest_is_made() {
    for (name, words) in [
        ("KILL", "ended by SIGKILL (9)"),
        ("ABRT", "ended by SIGABRT (6)"),
    ] {
        let folder = TempDir::new().unwrap();
        // Gradient descent is to be killed: with such a step it does not converge before.
        let methods = "[{name=\"gd\", step_size=1e-6}, \"ls\", \"nls\"]";
        let child = program(folder.path(), &grid(methods, 15_000), &[])
            .spawn()
            .unwrap();
        let killed = under_way(folder.path(), "-gd-");
        signal(name, owner(&killed));
        let ended = end(child);
        assert_eq!(ended.code, Some(1), "{}", ended.errors);
        assert!(
            ended.errors.contains("1 of 3 runs did not reach their end"),
            "{}",
            ended.errors
        );
        for run in runs(folder.path()) {
            let file = run_file(&run);
            if run == killed {
                assert_eq!(file["status"], "failed");
                assert!(reason(&file).contains(words), "{file}");
                assert!(ended.errors.contains(words), "{}", ended.errors);
                assert!(file["ended"].is_string());
            } else {
                let status = &file["status"];
                assert!(status == "done" || status == "converged", "{status}");
            }
            assert!(!is_locked(&run));
        }
    }
}

#[test]
fn a_run_stops_when_the_program_is_killed_and_leaves_no_lock() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\"]", ENDLESS);
    let mut child = program(folder.path(), &grid, &[]).spawn().unwrap();
    let run = under_way(folder.path(), "");
    let process = owner(&run);
    assert_ne!(process, child.id());
    assert!(is_locked(&run));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("the end of the process's process", || is_gone(process));
    let file = run_file(&run);
    assert_eq!(file["status"], "interrupted");
    assert!(
        reason(&file).contains("stopped by the end of the process that had started it"),
        "{file}"
    );
    assert!(!is_locked(&run));
}
