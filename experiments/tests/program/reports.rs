//! Tables, comparisons, exports and figures of finished runs.

mod damaged;
mod export;
mod plot;

use std::path::Path;
use std::process::Command;

use predicates::prelude::*;
use tempfile::TempDir;

use super::{experiments, one_run, run_file, runs};

/// The program, on finished runs in `folder/quick`.
fn report(folder: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let program = assert_cmd::cargo::cargo_bin("experiments");
    let mut command = assert_cmd::Command::from_std(Command::new(program));
    command.args(arguments).current_dir(folder);
    command
}

/// Two methods on two seeds.
fn four_runs() -> TempDir {
    let folder = TempDir::new().unwrap();
    let more = ["--set", "methods=[\"nls\",\"ls\"]", "--set", "seeds=[1,2]"];
    experiments(folder.path(), &one_run(&more))
        .assert()
        .success();
    folder
}

fn output(command: &mut assert_cmd::Command) -> String {
    let assert = command.assert().success();
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

#[test]
fn a_table_has_means_and_deviations_over_the_seeds() {
    let folder = four_runs();
    let losses = |method: &str| -> Vec<f64> {
        let runs = runs(folder.path()).into_iter();
        let runs = runs.filter(|run| run.to_string_lossy().contains(&format!("-mlp-{method}-")));
        runs.map(|run| run_file(&run)["totals"]["final_loss"].as_f64().unwrap())
            .collect()
    };
    let csv = output(&mut report(
        folder.path(),
        &[
            "table",
            "quick",
            "--format",
            "csv",
            "--columns",
            "final-loss,seeds",
        ],
    ));
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(
        lines[0].join(","),
        "dataset,network,loss,settings,method,seeds,final-loss_mean,final-loss_std,final-loss_runs"
    );
    assert_eq!(lines.len(), 3);
    for (line, method) in lines[1..].iter().zip(["LS", "NLS"]) {
        assert_eq!(
            line[..7],
            ["fashion-mnist", "mlp", "mse", "", method, "\"1", " 2\""]
        );
        let losses = losses(&method.to_lowercase());
        let [a, b] = losses[..] else {
            panic!("two seeds")
        };
        let [mean, deviation] = [7, 8].map(|column| line[column].parse::<f64>().unwrap());
        assert!((mean - (a + b) / 2.0).abs() < 1e-15);
        assert!((deviation - (a - b).abs() / 2f64.sqrt()).abs() < 1e-15);
        assert_eq!(line[9], "2", "runs with that number");
    }
    let sorted = output(&mut report(
        folder.path(),
        &[
            "table",
            "quick",
            "--sort",
            "final-loss",
            "--columns",
            "final-loss",
        ],
    ));
    let methods: Vec<&str> = (sorted.lines().filter(|line| line.contains(" ± ")))
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    let mean = |method: &str| losses(method).iter().sum::<f64>();
    let best = if mean("ls") < mean("nls") {
        "LS"
    } else {
        "NLS"
    };
    assert_eq!((methods.len(), methods[0]), (2, best), "{sorted}");
    let starred: Vec<&str> = sorted.lines().filter(|line| line.contains('*')).collect();
    assert!(
        matches!(starred[..], [line] if line.contains(&format!(" {best} "))),
        "{sorted}"
    );
}

#[test]
fn columns_are_checked_and_help_lists_them() {
    let folder = TempDir::new().unwrap();
    report(folder.path(), &["table", "--columns", "final-los"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("'final-los'"))
        .stderr(predicate::str::contains("least-loss, sharpness"));
    report(folder.path(), &["table", "--help"])
        .assert()
        .success()
        .stdout(predicate::str::contains(
            "training loss after the last step",
        ));
    let folder = four_runs();
    report(
        folder.path(),
        &["table", "quick", "--columns", "edge,seeds,edge"],
    )
    .assert()
    .code(2)
    .stderr(predicate::str::contains("--columns names edge twice"));
}

/// The packages that the fragment names are enough; skipped where there is no pdflatex, unless `PDFLATEX` names one.
#[test]
fn latex_compiles() {
    let folder = four_runs();
    let table = output(&mut report(
        folder.path(),
        &["table", "quick", "--format", "latex"],
    ));
    let compared = output(&mut report(
        folder.path(),
        &["compare", "quick", "--format", "latex"],
    ));
    assert!(table.contains(r"{\boldmath$"), "{table}");
    let document = format!(
        "\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\\begin{{document}}\n{table}\n\n{compared}\n\
         \\end{{document}}\n"
    );
    std::fs::write(folder.path().join("table.tex"), document).unwrap();
    let named = std::env::var("PDFLATEX");
    let compiled = Command::new(named.clone().unwrap_or("pdflatex".to_owned()))
        .args(["-interaction=nonstopmode", "-halt-on-error", "table.tex"])
        .current_dir(folder.path())
        .output();
    match compiled {
        Err(error) if named.is_err() => eprintln!("skipped: pdflatex cannot be run ({error})"),
        Err(error) => panic!("PDFLATEX cannot be run: {error}"),
        Ok(compiled) => {
            let log = String::from_utf8_lossy(&compiled.stdout);
            assert!(compiled.status.success(), "{log}\n{table}\n{compared}");
        }
    }
}

#[test]
fn a_comparison_has_what_differs_and_when_a_loss_was_reached() {
    let folder = four_runs();
    let runs = runs(folder.path());
    let [ls, nls] = ["-ls-1-", "-nls-1-"].map(|part| {
        let run = runs.iter().find(|run| run.to_string_lossy().contains(part));
        run.unwrap().to_str().unwrap()
    });
    let rows = super::table(&Path::new(nls).join("metrics.csv"));
    let place = |name: &str| rows.0.iter().position(|column| column == name).unwrap();
    let number = |row: usize, name: &str| rows.1[row][place(name)].parse::<f64>().unwrap();
    // The least loss so far: reached there for the first time.
    let first = (1..rows.1.len())
        .find(|&row| number(row, "loss") < number(0, "loss"))
        .unwrap();
    let loss = rows.1[first][place("loss")].as_str();
    let csv = output(&mut report(
        folder.path(),
        &["compare", ls, nls, "--loss", loss, "--format", "csv"],
    ));
    let line = |start: &str| -> Vec<String> {
        let mut lines = csv.lines().filter(|line| line.contains(start));
        let line = lines.next().unwrap_or_else(|| panic!("{start}\n{csv}"));
        assert!(lines.next().is_none(), "{start} is there twice\n{csv}");
        line.split(',').map(str::to_owned).collect()
    };
    assert_eq!(line("method.name")[2..], ["ls", "nls"]);
    assert!(!csv.contains("samples,"), "what is the same is left out");
    assert_eq!(line("or below,iteration")[3], first.to_string());
    let before: f64 = (0..first)
        .map(|row| number(row, "function_evaluations"))
        .sum();
    assert_eq!(line("or below,f evals")[3], (before + 1.0).to_string());
    let seconds = number(first - 1, "seconds").to_string();
    assert_eq!(line("or below,training s")[3], seconds);

    let text = output(&mut report(folder.path(), &["compare", ls, nls]));
    let worst = [ls, nls].map(|run| {
        run_file(Path::new(run))["totals"]["final_loss"]
            .as_f64()
            .unwrap()
    });
    let worst = worst[0].max(worst[1]);
    let (_, after) = text.split_once("first at a loss of ").unwrap();
    let level: f64 = after.split_whitespace().next().unwrap().parse().unwrap();
    assert!((level - worst).abs() < 1e-3 * worst, "{level} {worst}");
    report(folder.path(), &["compare", ls])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("is the only run to compare"));
    report(folder.path(), &["compare", ls, nls, "--loss", "-1"])
        .assert()
        .code(2);
    report(folder.path(), &["compare", ls, nls, "--loss", "NaN"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains(
            "--loss NaN: give a number above 0",
        ));
}
