//! Exports, read back by the programs they are for where these are installed.

use std::path::Path;
use std::process::Command;

use predicates::prelude::*;

use super::{four_runs, report};
use crate::{numbers, runs};

/// Runs a Python script that prints numbers. Nothing where Python or a module is missing, unless `PYTHON` names one that
/// is to have it.
fn python(module: &str, script: &str, arguments: &[&Path]) -> Option<Vec<f64>> {
    let named = std::env::var("PYTHON");
    let python = named.clone().unwrap_or("python3".to_owned());
    let has_module = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .output();
    if !has_module.is_ok_and(|output| output.status.success()) {
        assert!(named.is_err(), "{python} has no {module}");
        eprintln!("skipped: {python} has no {module}");
        return None;
    }
    let output = Command::new(&python)
        .args(["-c", script])
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    Some(
        text.split_whitespace()
            .map(|number| number.parse().unwrap())
            .collect(),
    )
}

fn is_near(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs())
}

/// TensorBoard's own reader finds the losses, with that after the last step, and the sharpness.
#[test]
fn tensorboard_reads_its_event_files() {
    let folder = four_runs();
    report(
        folder.path(),
        &["export", "quick", "--tensorboard", "events"],
    )
    .assert()
    .success()
    .stdout(predicate::str::contains("4 runs for TensorBoard"));
    let run = &runs(folder.path())[0];
    let events = folder.path().join("events").join(run.file_name().unwrap());
    let files: Vec<_> = std::fs::read_dir(&events).unwrap().collect();
    assert_eq!(files.len(), 1);
    // A second export replaces the first.
    report(
        folder.path(),
        &["export", "quick", "--tensorboard", "events"],
    )
    .assert()
    .success();
    assert_eq!(std::fs::read_dir(&events).unwrap().count(), 1);
    // So does one after the run was made anew, at another time; what others left there stays.
    std::fs::write(events.join("events.out.tfevents.1.other"), "").unwrap();
    let record = run.join("run.json");
    let mut file = crate::run_file(run);
    file["started"] = "2001-02-03T04:05:06Z".into();
    std::fs::write(&record, file.to_string()).unwrap();
    report(
        folder.path(),
        &["export", "quick", "--tensorboard", "events"],
    )
    .assert()
    .success();
    let mut names: Vec<String> = (std::fs::read_dir(&events).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "events.out.tfevents.0981173106.flatland",
            "events.out.tfevents.1.other"
        ]
    );
    std::fs::remove_file(events.join("events.out.tfevents.1.other")).unwrap();
    let script = "import sys\n\
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n\
        events = EventAccumulator(sys.argv[1])\n\
        events.Reload()\n\
        assert b'seed = 1' in events.Tensors('config')[0].tensor_proto.string_val[0]\n\
        for tag in ['loss/train', 'sharpness/lambda_1']:\n\
        \x20   print(*[event.value for event in events.Scalars(tag)], *[event.step for event in events.Scalars(tag)])\n";
    let Some(read) = python("tensorboard", script, &[&events]) else {
        return;
    };
    let mut expected = numbers(&run.join("metrics.csv"), "loss");
    let last = crate::run_file(run)["totals"]["final_loss"]
        .as_f64()
        .unwrap();
    expected.push(last);
    expected.extend((0..=7).map(f64::from));
    expected.extend(numbers(&run.join("sharpness.csv"), "sharpness"));
    expected.extend([0.0, 3.0, 6.0]);
    assert!(is_near(&read, &expected), "{read:?}\n{expected:?}");
}

#[cfg(feature = "parquet")]
#[test]
fn pyarrow_reads_the_table() {
    let folder = four_runs();
    report(
        folder.path(),
        &["export", "quick", "--parquet", "runs.parquet"],
    )
    .assert()
    .success()
    .stdout(predicate::str::contains("4 runs, 32 rows: runs.parquet"));
    let script = "import sys, pyarrow.parquet\n\
        table = pyarrow.parquet.read_table(sys.argv[1])\n\
        rows = [row for row in table.to_pylist() if row['run'] == sys.argv[2]]\n\
        assert rows[0]['method'] == 'LS' and rows[0]['seed'] == 1 and 'samples = 60' in rows[0]['config']\n\
        assert rows[-1]['step_size'] is None and rows[1]['sharpness'] is None\n\
        print(table.num_rows, *[row['train_loss'] for row in rows])\n\
        print(*[row['sharpness'] for row in rows if row['sharpness'] is not None])\n\
        print(*[row['trials'] for row in rows if row['trials'] is not None])\n";
    let run = &runs(folder.path())[0];
    let name = Path::new(run.file_name().unwrap());
    let file = folder.path().join("runs.parquet");
    let Some(read) = python("pyarrow", script, &[&file, name]) else {
        return;
    };
    let mut expected = vec![32.0];
    expected.extend(numbers(&run.join("metrics.csv"), "loss"));
    expected.push(
        crate::run_file(run)["totals"]["final_loss"]
            .as_f64()
            .unwrap(),
    );
    expected.extend(numbers(&run.join("sharpness.csv"), "sharpness"));
    expected.extend(numbers(&run.join("metrics.csv"), "trials"));
    assert_eq!(read, expected);
}

#[cfg(not(feature = "parquet"))]
#[test]
fn without_the_feature_the_message_names_it() {
    let folder = four_runs();
    report(
        folder.path(),
        &["export", "quick", "--parquet", "runs.parquet"],
    )
    .assert()
    .code(2)
    .stderr(predicate::str::contains("--features parquet"));
    assert!(!folder.path().join("runs.parquet").exists());
}
