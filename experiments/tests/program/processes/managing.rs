//! `status`, `resume` and `clean`.

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

use super::{
    ENDLESS, Ended, column, end, finish, grid, is_gone, owner, program, run_file, runs, signal,
    under_way, wait_for,
};

fn experiments(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(cargo_bin("experiments"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    finish(command)
}

/// The words of the line of a table that contains `part`.
fn line<'a>(text: &'a str, part: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.contains(part)).expect(text);
    line.split(['│', '┆']).map(str::trim).collect()
}

/// A run that is done, one that failed, one whose process was killed and one under way, which is returned.
fn mixed(folder: &Path) -> std::process::Child {
    let short = grid("[\"nls\", {name=\"gd\", step_size=0.5}]", 9);
    assert_eq!(finish(program(folder, &short, &[])).code, Some(0));
    let gd = (runs(folder).into_iter())
        .find(|run| run.to_string_lossy().contains("-gd-"))
        .unwrap();
    let mut file = run_file(&gd);
    file["status"] = "failed".into();
    file["reason"] = "no luck".into();
    std::fs::write(gd.join("run.json"), file.to_string()).unwrap();

    let mut child = program(folder, &grid("[\"ls\"]", ENDLESS), &[])
        .spawn()
        .unwrap();
    let process = owner(&under_way(folder, "-ls-"));
    child.kill().unwrap(); // before the process's, which would be taken note of
    signal("KILL", process);
    child.wait().unwrap();
    wait_for("the end of the process's process", || is_gone(process));

    let child = program(folder, &grid("[\"ponls\"]", ENDLESS), &[])
        .spawn()
        .unwrap();
    under_way(folder, "-ponls-");
    child
}

#[test]
fn the_states_of_a_folder_are_told_and_only_what_is_asked_for_is_removed() {
    let folder = TempDir::new().unwrap();
    let child = mixed(folder.path());
    // Killed by two signals, of which the first alone would let it say "interrupted".
    let killed = (runs(folder.path()).into_iter())
        .find(|run| run.to_string_lossy().contains("-ls-"))
        .unwrap();
    let foreign = folder.path().join("quick/foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("run.json"), "{\"status\": \"failed\"}").unwrap();
    let mut file = run_file(&killed);
    file["status"] = "running".into(); // as SIGKILL at both at the same moment leaves it
    std::fs::write(killed.join("run.json"), file.to_string()).unwrap();

    let status = experiments(folder.path(), &["status", "."]);
    assert_eq!(status.code, Some(0), "{}", status.errors);
    let text = &status.output;
    assert_eq!(line(text, "-nls-")[2..4], ["done", "9 of 9"]);
    assert_eq!(line(text, "-gd-")[2..4], ["failed", "9 of 9"]);
    assert_eq!(line(text, "-ls-")[2], "killed");
    let under_way = line(text, "-ponls-");
    assert_eq!(under_way[2], "running");
    assert!(under_way[3].ends_with(" of 100000000"), "{under_way:?}");
    assert!(under_way[5].starts_with("process "), "{under_way:?}");
    assert!(text.contains("failed: no luck") && text.contains("ended without a word"));
    assert!(text.contains("foreign: unknown: "), "{text}");
    let table = experiments(folder.path(), &["table", ".", "--columns", "status"]);
    assert_eq!(
        line(&table.output, "│ LS ")[2],
        "killed",
        "{}",
        table.output
    );

    let count = || {
        std::fs::read_dir(folder.path().join("quick"))
            .unwrap()
            .count()
    };
    let before = count();
    let all = experiments(folder.path(), &["clean", "."]);
    assert!(
        all.output
            .contains("2 unfinished runs, none of them asked for"),
        "{}",
        all.output
    );
    let dry = experiments(folder.path(), &["clean", ".", "--unfinished"]);
    assert!(
        dry.output
            .contains("2 of 2 unfinished runs would be removed; --yes removes them"),
        "{}",
        dry.output
    );
    assert_eq!(count(), before, "nothing was removed");
    let failed = experiments(folder.path(), &["clean", ".", "--failed", "--yes"]);
    assert!(
        failed.output.contains("1 of 2 unfinished runs removed"),
        "{}",
        failed.output
    );
    assert_eq!(count(), before - 1);
    let rest = experiments(folder.path(), &["clean", ".", "--unfinished", "--yes"]);
    assert_eq!(rest.code, Some(0), "{}", rest.output);
    assert_eq!(count(), before - 2);
    let left: Vec<_> = (runs(folder.path()).iter())
        .map(|run| run.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(left.iter().any(|name| name.contains("-nls-")), "{left:?}");
    assert!(left.iter().any(|name| name.contains("-ponls-")), "{left:?}");
    assert!(foreign.join("run.json").is_file());
    signal("TERM", child.id());
    assert_eq!(end(child).code, Some(143));
}

#[test]
fn a_run_is_gone_on_with_from_its_directory_alone() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\", \"ls\"]", 20_000);
    let child = program(folder.path(), &grid, &[]).spawn().unwrap();
    let run = under_way(folder.path(), "");
    signal("INT", child.id());
    assert_eq!(end(child).code, Some(130));
    let run = run.display().to_string();
    let elsewhere = TempDir::new().unwrap();
    let resumed = experiments(elsewhere.path(), &["resume", &run]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.errors);
    let [run] = &runs(folder.path())[..] else {
        panic!("the other process was not begun")
    };
    assert_eq!(run_file(run)["status"], "done");
    assert_eq!(column(&run.join("metrics.csv"), "loss").len(), 20_000);
    let again = experiments(elsewhere.path(), &["resume", &run.display().to_string()]);
    assert_eq!(again.code, Some(0));
    assert!(
        again.errors.contains("is finished and is skipped"),
        "{}",
        again.errors
    );

    // One that cannot be gone on with keeps no other from it.
    let broken = folder.path().join("quick/broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::copy(run.join("run.json"), broken.join("run.json")).unwrap();
    let unfinished = folder.path().join("quick");
    let mut file = run_file(run);
    file["status"] = "interrupted".into();
    std::fs::write(run.join("run.json"), file.to_string()).unwrap();
    let rest = experiments(
        elsewhere.path(),
        &["resume", &unfinished.display().to_string()],
    );
    assert_eq!(rest.code, Some(1), "{}", rest.errors);
    assert!(
        rest.errors.contains("left out: cannot read ")
            && rest.errors.contains("broken/config.toml"),
        "{}",
        rest.errors
    );
    assert_eq!(run_file(run)["status"], "done");
    std::fs::remove_dir_all(broken).unwrap();

    let renamed = folder.path().join("renamed");
    std::fs::rename(run, &renamed).unwrap();
    let refused = experiments(
        elsewhere.path(),
        &["resume", &renamed.display().to_string()],
    );
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.errors.contains("its config.toml is that of"),
        "{}",
        refused.errors
    );
}

#[test]
fn a_run_may_be_removed_from_within() {
    let folder = TempDir::new().unwrap();
    let short = grid("[\"nls\"]", 9);
    assert_eq!(finish(program(folder.path(), &short, &[])).code, Some(0));
    let run = runs(folder.path()).remove(0);
    let mut file = run_file(&run);
    file["status"] = "failed".into();
    std::fs::write(run.join("run.json"), file.to_string()).unwrap();
    let removed = experiments(&run, &["clean", ".", "--failed", "--yes"]);
    assert_eq!(removed.code, Some(0), "{}", removed.output);
    assert!(
        removed.output.contains("1 of 1 unfinished runs removed"),
        "{}",
        removed.output
    );
    assert!(!run.exists());
    let rest = std::fs::read_dir(folder.path().join("quick")).unwrap();
    assert!(rest.flatten().all(|entry| entry.path().is_file()));
}
