//! Runs whose `run.json` is of an older or a newer version of the program, or cannot be read.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{column, end, finish, grid, program, run_file, runs, signal, under_way};

/// What a run's directory holds.
fn files(run: &Path) -> BTreeMap<std::ffi::OsString, Vec<u8>> {
    let entries = std::fs::read_dir(run).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

fn change(run: &Path, change: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    let mut file = run_file(run);
    change(file.as_object_mut().unwrap());
    std::fs::write(run.join("run.json"), file.to_string()).unwrap();
}

/// Before there were versions, the file had none.
#[test]
fn a_run_of_an_older_version_is_gone_on_with_and_skipped_when_it_is_finished() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\"]", 15_000);
    let child = program(folder.path(), &grid, &[]).spawn().unwrap();
    let run = under_way(folder.path(), "");
    signal("INT", child.id());
    assert_eq!(end(child).code, Some(130));
    change(&run, |file| {
        assert_eq!(file.remove("version"), Some(1.into()))
    });
    let ended = finish(program(folder.path(), &grid, &[]));
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    assert!(
        ended.errors.contains("resumes at iteration"),
        "{}",
        ended.errors
    );
    assert_eq!(run_file(&run)["status"], "done");
    assert_eq!(run_file(&run)["version"], 1);
    assert_eq!(column(&run.join("metrics.csv"), "loss").len(), 15_000);

    change(&run, |file| drop(file.remove("version")));
    let before = files(&run);
    let ended = finish(program(folder.path(), &grid, &[]));
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    assert!(files(&run) == before, "untouched");
}

#[test]
fn a_run_that_cannot_be_understood_is_left_alone_with_the_way_out() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\"]", 5);
    assert_eq!(finish(program(folder.path(), &grid, &[])).code, Some(0));
    let run = runs(folder.path()).remove(0);
    let whole = std::fs::read_to_string(run.join("run.json")).unwrap();
    let newer = whole.replacen("\"version\": 1", "\"version\": 2", 1);
    for (text, words) in [
        (newer.as_str(), "run.json has version 2 of its format"),
        // As a newer version may be: nothing else in it is known.
        ("{\"version\": 7, \"state\": 1}", "has version 7 of its"),
        (&whole[..whole.len() / 2], "run.json is no run file"),
        ("", "run.json is no run file"),
        ("\0\u{7f}\0", "run.json is no run file"),
    ] {
        std::fs::write(run.join("run.json"), text).unwrap();
        let before = files(&run);
        for more in [&[][..], &["--in-process"]] {
            let ended = finish(program(folder.path(), &grid, more));
            assert_eq!(ended.code, Some(1), "{}", ended.errors);
            assert!(ended.errors.contains(words), "{}", ended.errors);
            assert!(
                ended
                    .errors
                    .contains("put the file back as it was, or remove"),
                "{}",
                ended.errors
            );
            assert!(files(&run) == before, "untouched");
        }
    }
    std::fs::write(run.join("run.json"), whole).unwrap();
    assert_eq!(finish(program(folder.path(), &grid, &[])).code, Some(0));
}
