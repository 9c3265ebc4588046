//! Folders that hold other things than whole runs.

use std::fs;

use predicates::prelude::*;
use tempfile::TempDir;

use super::{four_runs, output, report};
use crate::runs;

/// Every command names what it cannot read, and goes on with the rest.
#[test]
fn broken_runs_are_named_and_the_rest_is_shown() {
    let folder = four_runs();
    let runs = runs(folder.path());
    let quick = folder.path().join("quick");
    // Two of four runs are damaged; beside them are things that are no runs.
    fs::write(runs[0].join("run.json"), "{\"status\": \"do").unwrap();
    fs::remove_file(runs[1].join("run.json")).unwrap();
    fs::create_dir_all(quick.join("empty")).unwrap();
    fs::create_dir_all(quick.join("foreign/deep")).unwrap();
    fs::write(quick.join("foreign/run.json"), "[1, 2]").unwrap();
    fs::write(quick.join("foreign/deep/notes.txt"), "nothing").unwrap();
    let copy = folder.path().join("copy");
    fs::create_dir_all(&copy).unwrap();
    for file in ["run.json", "config.toml", "metrics.csv"] {
        fs::copy(runs[2].join(file), copy.join(file)).unwrap();
    }
    for arguments in [
        &["table", "."][..],
        &["export", ".", "--tensorboard", "events"],
        &["plot", ".", "--figure", "all", "--output", "all.svg"],
    ] {
        report(folder.path(), arguments)
            .assert()
            .success()
            .stderr(predicate::str::contains("run.json is no run file"))
            .stderr(predicate::str::contains(
                "has a config.toml but no run.json",
            ))
            .stderr(predicate::str::contains("foreign/run.json is no run file"))
            .stderr(predicate::str::contains("the same configuration as ./copy"));
    }
    let csv = output(&mut report(
        folder.path(),
        &["table", "quick", "--format", "csv", "--columns", "seeds"],
    ));
    assert_eq!(csv.lines().count(), 2, "one method is left\n{csv}");
    assert!(csv.ends_with(",NLS,\"1, 2\"\n"), "{csv}");
}

/// A row that was not written to its end is left out; a row that is wrong takes its run with it.
#[test]
fn half_written_rows_are_left_out() {
    let folder = four_runs();
    let runs = runs(folder.path());
    let metrics = runs[0].join("metrics.csv");
    let text = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, &text[..text.len() - 30]).unwrap();
    let wrong = runs[1].join("metrics.csv");
    fs::write(&wrong, text.replace("\n3,", "\nthree,")).unwrap();
    fs::write(runs[2].join("metrics.csv"), "").unwrap();
    let assert = report(
        folder.path(),
        &["table", "quick", "--format", "csv", "--columns", "seeds"],
    )
    .assert()
    .success()
    .stderr(predicate::str::contains("the last row is half-written"))
    .stderr(predicate::str::contains("does not hold the rows expected"))
    .stderr(predicate::str::contains(
        "metrics.csv has no row, but run.json tells of 7 iterations",
    ));
    let csv = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(
        csv.ends_with(",LS,1\nfashion-mnist,mlp,mse,,NLS,2\n"),
        "{csv}"
    );
}

#[test]
fn without_a_run_the_message_says_what_to_give() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for (results, problem) in [
        (".", "holds no run that can be read: give a folder"),
        ("nothing", "cannot read the folder nothing"),
        ("file", "cannot read the folder file"),
    ] {
        for command in [
            &["table", results][..],
            &["compare", results],
            &["plot", results],
            &["export", results, "--tensorboard", "events"],
        ] {
            report(folder.path(), command)
                .assert()
                .code(2)
                .stderr(predicate::str::contains(problem));
        }
    }
    assert!(!folder.path().join("events").exists());
}

/// Changes a text in a file that must have it.
fn replace(path: &std::path::Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// The commands that read records, each with what it prints.
fn all_commands(folder: &TempDir) -> Vec<(&'static str, String)> {
    let commands = [
        &["table", "quick"][..],
        &["check", "quick"],
        &["status", "quick"],
        &["watch", "quick", "--once"],
        &["report", "quick", "-o", "page.html"],
        &["compare", "quick"],
        &["export", "quick", "--tensorboard", "events"],
        &["plot", "quick", "--figure", "all", "-o", "all.svg"],
    ];
    let run = |arguments: &[&'static str]| {
        let assert = report(folder.path(), arguments).assert().success();
        let output = assert.get_output();
        let both = [&output.stdout[..], &output.stderr[..]].concat();
        (arguments[0], String::from_utf8(both).unwrap())
    };
    commands.into_iter().map(run).collect()
}

/// What no grid lets through is refused, by name, when it comes from elsewhere.
#[test]
fn configurations_of_others_are_checked() {
    let folder = four_runs();
    let all = runs(folder.path());
    let config = all[0].join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let batches = "[mini_batches]\nbatch_size = 0\nepochs = 2\n";
    for (change, message) in [
        (
            format!("{text}\n{batches}"),
            "batch_size = 0: expected at least 1",
        ),
        (
            text.replace("samples = 60", "samples = 0"),
            "samples = 0: expected",
        ),
        (
            text.replace("seed = 1", "seed = 9223372036854775808"),
            "is no configuration",
        ),
        (
            format!("{text}\n[diagnostics]\nevery = 0\n"),
            "diagnostics: every and eigenvalues are at least 1",
        ),
    ] {
        assert_ne!(change, text, "{message}");
        fs::write(&config, change).unwrap();
        for (command, said) in all_commands(&folder) {
            let is_told = said.contains(message) && said.contains("config.toml");
            // The page names what it leaves out, and so do the others.
            assert!(is_told, "{command} does not say {message}:\n{said}");
        }
        let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
        assert_eq!(page.matches("<details class=\"run\"").count(), 3);
    }
}

/// Numbers and columns that no run of this program has.
#[test]
fn records_of_others_are_shown_as_far_as_they_go() {
    let folder = four_runs();
    let all = runs(folder.path());
    let nls = (all.iter()).find(|run| run.to_string_lossy().contains("-nls-"));
    let nls = nls.unwrap();
    // A line at 1 − c = 0, which a logarithmic axis does not have.
    replace(
        &nls.join("config.toml"),
        "sufficient_decrease = 0.0001",
        "sufficient_decrease = 1.0",
    );
    fs::write(
        nls.join("diagnostics.csv"),
        "iteration,trace,trace_standard_error,trace_probes,eigenvalue_residual,gradient_norm_mean,gradient_norm_min,\
         gradient_norm_max,gradient_norm_last_bias,zero_gradient_share,dead_activation_share,pairing,hessian_products,\
         seconds\n0,2.0,0.1,10,0.0,inf,0.0,inf,,0.0,,,1,0.0\n",
    )
    .unwrap();
    fs::write(
        nls.join("segment.csv"),
        "iteration,step_size,t,gradient_change,curvature,hessian_norm,sharpness\n\
         0,inf,0.0,1.0,1.0,1.0,1.0\n0,inf,NaN,1.0,1.0,1.0,1.0\n3,1.0,-1.0,1.0,1.0,1.0,1.0\n",
    )
    .unwrap();
    let metrics = nls.join("metrics.csv");
    let rows = fs::read_to_string(&metrics).unwrap();
    let mut lines: Vec<Vec<&str>> = rows.lines().map(|line| line.split(',').collect()).collect();
    let place = |name: &str| lines[0].iter().position(|column| *column == name).unwrap();
    let (accuracy, evaluations) = (place("test_accuracy"), place("function_evaluations"));
    (lines[1][accuracy], lines[5][accuracy]) = ("-1e300", "1e300");
    (lines[6][evaluations], lines[7][0]) = ("18446744073709551615", "18446744073709551615");
    let lines: Vec<String> = lines.iter().map(|line| line.join(",") + "\n").collect();
    fs::write(&metrics, lines.concat()).unwrap();
    for (command, said) in all_commands(&folder) {
        assert!(!said.contains("panicked"), "{command}: {said}");
    }
    for figure in ["fig2", "fig4"] {
        let arguments = ["plot", "quick", "--figure", figure, "-o", "one.svg"];
        report(folder.path(), &arguments).assert().success();
    }
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert_eq!(page.matches("<details class=\"run\"").count(), 4);
}
