//! Signals stop the program and its runs in good order, and say so in the exit code.

use std::process::Command;

use tempfile::TempDir;

use super::{
    ENDLESS, end, grid, is_gone, owner, program, run_file, runs, signal, under_way, wait_for,
};

/// A program that hears a closed terminal, even if the tests were started with `nohup`; nothing where this `env` cannot.
fn hearing(program: Command) -> Option<Command> {
    let default = "--default-signal=HUP";
    let can = Command::new("env").args([default, "true"]).status();
    if !can.is_ok_and(|status| status.success()) {
        println!("skipped: env knows no {default}");
        return None;
    }
    Some(wrapped("env", &[default], program))
}

/// A program started by another one.
fn wrapped(by: &str, arguments: &[&str], program: Command) -> Command {
    let mut command = Command::new(by);
    command
        .args(arguments)
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(program.get_current_dir().unwrap())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    command
}

#[test]
fn every_signal_stops_the_run_under_way_and_begins_no_other() {
    for (name, code) in [("INT", 130), ("TERM", 143), ("USR1", 138), ("HUP", 129)] {
        let folder = TempDir::new().unwrap();
        let grid = grid("[\"nls\", \"ls\"]", ENDLESS);
        let command = program(folder.path(), &grid, &[]);
        let command = match name {
            "HUP" => hearing(command),
            _ => Some(command),
        };
        let Some(mut command) = command else { continue };
        let child = command.spawn().unwrap();
        let run = under_way(folder.path(), "");
        signal(name, child.id());
        let ended = end(child);
        assert_eq!(ended.code, Some(code), "{}", ended.errors);
        assert_eq!(runs(folder.path()), std::slice::from_ref(&run));
        assert_eq!(run_file(&run)["status"], "interrupted");
        assert!(ended.output.contains("interrupted"), "{}", ended.output);
        let left = std::fs::read_dir(folder.path().join("quick")).unwrap();
        assert_eq!(left.count(), 1, "no picture is drawn, no summary written");
        let words = format!("SIG{name}: stopping");
        assert!(ended.errors.contains(&words), "{}", ended.errors);
        assert!(
            ended.errors.contains("give the same command again"),
            "{}",
            ended.errors
        );
    }
}

#[test]
fn with_nohup_a_closed_terminal_stops_nothing() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\"]", ENDLESS);
    let child = wrapped("nohup", &[], program(folder.path(), &grid, &[]))
        .spawn()
        .unwrap();
    let run = under_way(folder.path(), "");
    let process = owner(&run);
    signal("HUP", child.id());
    signal("HUP", process);
    let rows = || {
        std::fs::read_to_string(run.join("metrics.csv"))
            .unwrap()
            .lines()
            .count()
    };
    let before = rows();
    wait_for("more iterations", || rows() > before + 2000);
    assert!(!is_gone(process) && !is_gone(child.id()));
    signal("INT", child.id());
    assert_eq!(end(child).code, Some(130));
}

/// As Ctrl-C in a terminal does: the run's process gets the signal, too.
#[test]
fn a_signal_to_the_whole_group_is_one_wish() {
    use std::os::unix::process::CommandExt;

    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\", \"ls\"]", ENDLESS);
    let mut command = program(folder.path(), &grid, &[]);
    let child = command.process_group(0).spawn().unwrap();
    let run = under_way(folder.path(), "");
    let kill = std::process::Command::new("kill")
        .args(["-INT", "--", &format!("-{}", child.id())])
        .status()
        .unwrap();
    assert!(kill.success());
    let ended = end(child);
    assert_eq!(ended.code, Some(130), "{}", ended.errors);
    assert_eq!(runs(folder.path()), std::slice::from_ref(&run));
    let file = run_file(&run);
    assert_eq!(file["status"], "interrupted", "{file}");
    assert!(ended.output.contains("interrupted"), "{}", ended.output);
}

/// A run that does not stop does not keep the program.
#[test]
fn a_second_interrupt_ends_the_program_at_once() {
    let folder = TempDir::new().unwrap();
    let grid = grid("[\"nls\"]", ENDLESS);
    let mut child = program(folder.path(), &grid, &[]).spawn().unwrap();
    let process = owner(&under_way(folder.path(), ""));
    signal("STOP", process);
    signal("INT", child.id());
    wait_for("the end of the program", || {
        let ended = child.try_wait().unwrap();
        if ended.is_none() {
            signal("INT", child.id());
        }
        ended.is_some()
    });
    let ended = end(child);
    assert_eq!(ended.code, Some(130));
    assert!(
        !ended.output.contains("status"),
        "no table: {}",
        ended.output
    );
    signal("CONT", process);
    wait_for("the end of the process's process", || is_gone(process));
}
