//! Damaged checkpoints and records, changed data, full disks.

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

use super::{SMALL, assert_same, finish, only_run, program, run_file, stopped_after};

/// A run of [`SMALL`] that nothing disturbed.
fn reference() -> TempDir {
    let folder = TempDir::new().unwrap();
    finish(folder.path(), SMALL, &[]);
    folder
}

/// Flips a bit in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(path, bytes).unwrap();
}

/// Makes a run that does not get to its end; what was said.
fn fail(folder: &Path, more: &[&str]) -> String {
    let output = program(folder, SMALL, more).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let file = run_file(&only_run(folder));
    assert_eq!(file["status"], "failed");
    file["reason"].as_str().unwrap().to_owned()
}

fn resumption(run: &Path) -> Value {
    let file = run_file(run);
    file["resumed"].as_array().unwrap().last().unwrap().clone()
}

#[test]
fn the_previous_generation_takes_over_from_a_damaged_one() {
    let reference = reference();
    let damages: [&dyn Fn(&Path); 3] = [
        &|newest| flip(newest),
        &|newest| std::fs::write(newest, &std::fs::read(newest).unwrap()[..100]).unwrap(),
        &|newest| std::fs::remove_file(newest).unwrap(),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let folder = TempDir::new().unwrap();
        let run = stopped_after(folder.path(), SMALL, 9);
        damage(&run.join("checkpoint.safetensors"));
        let said = finish(folder.path(), SMALL, &["--checkpoint-every", "1"]);
        assert_eq!(
            said.contains("checkpoint.safetensors is damaged"),
            number < 2,
            "{said}"
        );
        assert_same(&run, &only_run(reference.path()));
        let resumption = resumption(&run);
        assert_eq!(resumption["from"], "previous-checkpoint");
        assert!(
            resumption["iteration"].as_u64().unwrap() >= 8,
            "{resumption}"
        );
        let passed_over = resumption["passed_over"].as_array().map_or(0, Vec::len);
        assert_eq!(passed_over, usize::from(number < 2), "{resumption}");
    }
}

#[test]
fn without_a_whole_checkpoint_a_run_starts_anew_and_says_so() {
    let reference = reference();
    let folder = TempDir::new().unwrap();
    let run = stopped_after(folder.path(), SMALL, 9);
    flip(&run.join("checkpoint.safetensors"));
    flip(&run.join("checkpoint.previous.safetensors"));
    let said = finish(folder.path(), SMALL, &[]);
    assert!(
        said.contains("no checkpoint can be used; the run starts again"),
        "{said}"
    );
    assert_same(&run, &only_run(reference.path()));
    let resumption = resumption(&run);
    assert_eq!(resumption["from"], "beginning");
    assert_eq!(resumption["iteration"], 0);
    assert_eq!(resumption["passed_over"].as_array().unwrap().len(), 2);
}

#[test]
fn rows_after_the_checkpoint_are_cut_off() {
    let reference = reference();
    let folder = TempDir::new().unwrap();
    let run = stopped_after(folder.path(), SMALL, 9);
    for name in ["metrics.csv", "sharpness.csv"] {
        let mut text = std::fs::read_to_string(run.join(name)).unwrap();
        text.push_str("1000000,0.5,0.5\n12,0.");
        std::fs::write(run.join(name), text).unwrap();
    }
    finish(folder.path(), SMALL, &[]);
    assert_same(&run, &only_run(reference.path()));
}

/// Rows before the checkpoint cannot be made again, and its weights must not be thrown away.
#[test]
fn lost_rows_are_refused_until_they_are_back() {
    let reference = reference();
    let folder = TempDir::new().unwrap();
    let run = stopped_after(folder.path(), SMALL, 9);
    let metrics = run.join("metrics.csv");
    let whole = std::fs::read_to_string(&metrics).unwrap();
    std::fs::remove_file(&metrics).unwrap();
    let before = run_file(&run);
    assert!(before["totals"]["iterations"].as_u64().unwrap() >= 9);
    let reason = fail(folder.path(), &[]);
    let after = run_file(&run);
    for kept in ["totals", "started", "provenance"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert!(
        reason.contains("metrics.csv is missing, of which"),
        "{reason}"
    );
    std::fs::write(&metrics, &whole[..300]).unwrap();
    let reason = fail(folder.path(), &[]);
    assert!(
        reason.contains("metrics.csv has 300 bytes, of which"),
        "{reason}"
    );
    std::fs::write(&metrics, whole.replacen("\n0,", "\n7,", 1)).unwrap();
    let reason = fail(folder.path(), &[]);
    assert!(
        reason.contains("are not those that had been written"),
        "{reason}"
    );
    assert!(
        reason.contains("Put the file back as it was, or remove"),
        "{reason}"
    );
    std::fs::write(&metrics, &whole).unwrap();
    finish(folder.path(), SMALL, &[]);
    assert_same(&run, &only_run(reference.path()));
}

/// The last row of the newest checkpoint is torn; the previous one had not counted it yet.
#[test]
fn a_torn_row_is_made_again_from_the_previous_checkpoint() {
    let reference = reference();
    let folder = TempDir::new().unwrap();
    let run = stopped_after(folder.path(), SMALL, 9);
    let metrics = run.join("metrics.csv");
    let text = std::fs::read_to_string(&metrics).unwrap();
    std::fs::write(&metrics, &text[..text.len() - 3]).unwrap();
    let said = finish(folder.path(), SMALL, &[]);
    assert!(said.contains("bytes, of which"), "{said}");
    assert_same(&run, &only_run(reference.path()));
    assert_eq!(resumption(&run)["from"], "previous-checkpoint");
}

#[test]
fn a_run_does_not_go_on_with_other_data() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data/fashion-mnist");
    std::fs::create_dir_all(&data).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/fashion-mnist");
    for entry in std::fs::read_dir(shipped).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().ends_with(".gz") {
            std::fs::copy(entry.path(), data.join(entry.file_name())).unwrap();
        }
    }
    let more = ["--data-dir", "data", "--checkpoint-every", "1"];
    let mut child = program(folder.path(), SMALL, &more).spawn().unwrap();
    super::wait_for_rows(&mut child, folder.path(), 5);
    super::signal("INT", &child.id().to_string());
    child.wait().unwrap();
    // Other bytes of the same samples.
    let labels = data.join("train-labels-idx1-ubyte.gz");
    let original = std::fs::read(&labels).unwrap();
    let mut changed = original.clone();
    changed[4] ^= 1; // the time in the header of the gzip file
    std::fs::write(&labels, &changed).unwrap();
    let reason = fail(folder.path(), &more);
    assert!(
        reason.contains("train-labels-idx1-ubyte.gz has changed since the run was started"),
        "{reason}"
    );
    let sums = reason
        .split(|c: char| !c.is_ascii_hexdigit())
        .filter(|word| word.len() == 64);
    assert_eq!(sums.count(), 2, "{reason}");
    std::fs::write(&labels, &original).unwrap();
    finish(folder.path(), SMALL, &more);
}

/// What a killed process leaves of the files that it was about to replace.
#[test]
fn remainders_of_a_killed_process_are_removed() {
    let folder = TempDir::new().unwrap();
    let run = stopped_after(folder.path(), SMALL, 9);
    let remainders = [
        "checkpoint.new.safetensors",
        "checkpoint.new.bin",
        ".tmpA1b2C3",
        ".run.json.aB3dE6",
        ".config.toml.000000",
        "weights.safetensors.123-0.tmp",
    ];
    for name in remainders {
        std::fs::write(run.join(name), "half").unwrap();
    }
    std::fs::write(run.join(".notes"), "mine").unwrap();
    finish(folder.path(), SMALL, &[]);
    for name in remainders {
        assert!(!run.join(name).exists(), "{name}");
    }
    assert!(run.join(".notes").exists());
}

/// The device of a disk that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_table_on_a_full_disk_fails_the_run_with_path_and_reason() {
    let folder = TempDir::new().unwrap();
    finish(folder.path(), SMALL, &[]);
    let run = only_run(folder.path());
    for entry in std::fs::read_dir(&run).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let metrics = run.join("metrics.csv");
    std::os::unix::fs::symlink("/dev/full", &metrics).unwrap();
    let reason = fail(folder.path(), &[]);
    assert!(
        reason.contains("metrics.csv: No space left on device"),
        "{reason}"
    );
    std::fs::remove_file(&metrics).unwrap();
    finish(folder.path(), SMALL, &[]);
    assert_same(&run, &only_run(reference().path()));
}

/// No file may grow larger than 40 KiB; a checkpoint of this run does.
#[test]
fn a_checkpoint_that_does_not_fit_on_the_disk_leaves_the_one_before() {
    let reference = reference();
    let folder = TempDir::new().unwrap();
    let run = stopped_after(folder.path(), SMALL, 9);
    let before = std::fs::read(run.join("checkpoint.safetensors")).unwrap();
    assert!(before.len() > 60_000, "{}", before.len());
    let limited = "ulimit -f 80; exec \"$0\" \"$@\""; // in units of 512 bytes
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(cargo_bin("experiments"))
        .args([
            "run",
            "grid.toml",
            "--results",
            ".",
            "--checkpoint-every",
            "1",
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    let file = run_file(&run);
    let reason = file["reason"].as_str().unwrap();
    assert!(reason.contains("cannot write the checkpoint"), "{reason}");
    assert!(
        reason.contains("checkpoint.safetensors: ") && reason.contains("os error 27"),
        "{reason}"
    );
    assert!(std::fs::read(run.join("checkpoint.safetensors")).unwrap() == before);
    assert!(!run.join("checkpoint.new.safetensors").exists());
    finish(folder.path(), SMALL, &[]);
    assert_same(&run, &only_run(reference.path()));
}
