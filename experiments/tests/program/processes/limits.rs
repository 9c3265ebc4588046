//! Time, memory and disks come to an end.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

use super::{ENDLESS, finish, grid, program, reason, run_file, runs};

#[test]
fn a_time_limit_stops_a_run_and_the_next_one_begins() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\", \"ls\"]", ENDLESS);
    for _ in 0..2 {
        let ended = finish(program(folder.path(), &grid, &["--max-minutes", "0.02"]));
        assert_eq!(ended.code, Some(1), "{}", ended.errors);
        let limit = "interrupted: stopped by the time limit of 0.02 min before iteration ";
        assert_eq!(ended.errors.matches(limit).count(), 2, "{}", ended.errors);
        assert_eq!(runs(folder.path()).len(), 2);
        for run in runs(folder.path()) {
            let file = run_file(&run);
            assert_eq!(file["status"], "interrupted");
            assert!(
                reason(&file).contains("stopped by the time limit of 0.02 min"),
                "{file}"
            );
        }
    }
}

/// A pickle of nothing but numbers, of which each takes many times its place in the file.
#[test]
fn a_run_that_takes_much_more_than_its_memory_is_ended() {
    let folder = TempDir::new().unwrap();
    let weights = folder.path().join("weights.pt");
    let mut pickle = b"\x80\x02".to_vec();
    pickle.resize(60_000_000, b'N');
    std::fs::write(&weights, pickle).unwrap();
    let mut grid = grid("[\"nls\"]", 5);
    grid.extend(["--set".to_owned(), format!("init={weights:?}")]);
    let ended = finish(program(folder.path(), &grid, &["--memory", "200MB"]));
    assert_eq!(ended.code, Some(1), "{}", ended.errors);
    let file = run_file(&runs(folder.path())[0]);
    assert_eq!(file["status"], "failed");
    let reason = reason(&file);
    assert!(
        reason.contains("of memory and 556.0 MB is the most for its share of --memory"),
        "{reason}"
    );
}

#[test]
fn a_run_that_cannot_be_written_fails_and_the_rest_is_made() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\", \"ls\"]", 5);
    let ended = finish(program(folder.path(), &grid, &[]));
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    let [first, second] = &runs(folder.path())[..] else {
        panic!("two runs")
    };
    std::fs::remove_dir_all(first).unwrap();
    std::fs::remove_dir_all(second).unwrap();
    std::fs::write(first, "in the way").unwrap();
    let ended = finish(program(folder.path(), &grid, &[]));
    assert_eq!(ended.code, Some(1), "{}", ended.errors);
    let name = first.file_name().unwrap().to_string_lossy();
    let line = (ended.errors.lines())
        .find(|line| line.contains("failed: cannot create"))
        .expect(&ended.errors);
    assert!(line.contains(&*name) && line.contains("exists"), "{line}");
    assert!(!ended.errors.contains("panicked"), "{}", ended.errors);
    assert_eq!(run_file(second)["status"], "done");
}

/// In sysfs nobody makes a folder, not even root, who writes in any folder that is read-only by its mode.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_in_fails_every_run_with_path_and_reason() {
    for more in [&[][..], &["--in-process"]] {
        let folder = TempDir::new().unwrap();
        let results = "/sys/kernel/flatland";
        let output = Command::new(cargo_bin("experiments"))
            .args(grid("[\"nls\", \"ls\"]", 5))
            .args(more)
            .args(["--results", results])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        let failed = format!("failed: cannot create {results}");
        assert_eq!(errors.matches(&failed).count(), 2, "{errors}");
    }
}

/// As on a full disk: writing fails after some bytes.
#[test]
fn files_that_cannot_grow_fail_every_run_with_path_and_reason() {
    for more in [&[][..], &["--in-process"]] {
        let folder = TempDir::new().unwrap();
        let grid = grid("[\"nls\", \"ls\"]", 500);
        let output = Command::new("sh")
            .args(["-c", "ulimit -f 8; exec \"$0\" \"$@\""])
            .arg(cargo_bin("experiments"))
            .args(grid)
            .args(more)
            .args(["--results", "."])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        for run in runs(folder.path()) {
            let file = run_file(&run);
            assert_eq!(file["status"], "failed");
            let reason = reason(&file);
            assert!(
                reason.contains("metrics.csv") && reason.contains("File too large"),
                "{reason}"
            );
        }
    }
}

#[test]
fn a_run_of_a_newer_version_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\"]", 5);
    assert_eq!(finish(program(folder.path(), &grid, &[])).code, Some(0));
    let run = runs(folder.path()).remove(0);
    let mut file = run_file(&run);
    file["status"] = "paused".into();
    file["colour"] = "green".into();
    let text = file.to_string();
    std::fs::write(run.join("run.json"), &text).unwrap();
    let ended = finish(program(folder.path(), &grid, &[]));
    assert_eq!(ended.code, Some(1), "{}", ended.errors);
    assert!(
        ended
            .errors
            .contains("run.json is of a newer version of this program"),
        "{}",
        ended.errors
    );
    assert_eq!(
        std::fs::read_to_string(run.join("run.json")).unwrap(),
        text,
        "untouched"
    );
}
